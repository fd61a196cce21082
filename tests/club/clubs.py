"""An organization of a test's own, spoken to in the club's own verbs, each in a transaction of its own.

    run = club.run(maxParticipants=1)
    ann = club.register(run, "ann@example.com")
    bob = club.register(run, "bob@example.com", status="waitlist")

Names stand for ids. Runs and events are changed by the functions that answer PATCH, because it is they who settle the waiting list.
"""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from openintervals.api.partner import events as event_api
from openintervals.api.partner import registrations as registration_api
from openintervals.api.partner import runs as run_api
from openintervals.club import (
    bibs,
    checkins,
    enrolment,
    events,
    registrations,
    removals,
    runs,
    transfers,
    waiting,
    waitlist,
)
from openintervals.club.registrations import Registration
from openintervals.club.waiting import Waiting
from openintervals.db.transaction import Asking, Read, Tenant, Write
from openintervals.platform import journal, organizations, pages
from tests import servers
from tests.servers import Application

T = TypeVar("T")
_numbers = itertools.count(1)


@dataclass
class Club:
    """One organization's data in live mode."""

    app: Application
    tenant: Tenant
    bypass_windows: bool = False

    # Setting the scene

    def event(self, **fields: Any) -> str:
        given = {"name": "Race", "slug": f"race-{next(_numbers)}", "type": "race", "date": "2026-06-14", **fields}
        body = msgspec.convert(given, event_api.EventCreate)
        id_: str = self.write(lambda tx: event_api.create_event(tx, body)).data.event_id
        return id_

    def run(self, event_id: str | None = None, **fields: Any) -> str:
        body = msgspec.convert({"distanceStandard": "5K", **fields}, run_api.RunCreate)
        event_id = event_id or self.event()
        id_: str = self.write(lambda tx: run_api.create_run(tx, event_id, body)).data.event_run_id
        return id_

    def register(self, run_id: str, email: str | None = None, status: str = "confirmed", **fields: Any) -> str:
        given = {"email": email or f"runner{next(_numbers)}@example.com", "registration_type": "free", **fields}
        return self.write(lambda tx: enrolment.register(tx, run_id, status=status, **given)).id

    def wait(self, run_id: str, email: str | None = None, **fields: Any) -> str:
        """Register with the wish to wait."""
        return self.register(run_id, email, "waitlist", **fields)

    # Changing it

    def change_event(self, event_id: str, **fields: Any) -> None:
        body = msgspec.convert(fields, event_api.EventPatch)
        self.write(lambda tx: event_api.update_event(tx, event_id, body))

    def change_run(self, run_id: str, **fields: Any) -> None:
        body = msgspec.convert(fields, run_api.RunPatch)
        self.write(lambda tx: run_api.update_run(tx, run_id, body))

    def change_registration(self, id_: str, **fields: Any) -> Registration:
        body = msgspec.convert(fields, registration_api.RegistrationPatch)
        self.write(lambda tx: registration_api.update_registration(tx, id_, body))
        return self.get(id_)

    def set_status(self, id_: str, status: str) -> Registration:
        async def work(tx: Write) -> Registration:
            return await enrolment.change_status(tx, await registrations.lock(tx, id_), status)

        return self.write(work)

    def cancel(self, *ids: str) -> None:
        for id_ in ids:
            self.set_status(id_, "cancelled")

    def set_pace_group(self, id_: str, name: str | None) -> Registration:
        async def work(tx: Write) -> Registration:
            return await enrolment.change_pace_group(tx, await registrations.lock(tx, id_), name)

        return self.write(work)

    def transfer(
        self, id_: str, run_id: str | None = None, pace_group: str | None | UnsetType = UNSET, **person: str | None
    ) -> Registration:
        return self.write(
            lambda tx: transfers.transfer(tx, id_, event_run_id=run_id, person=person, pace_group=pace_group)
        )

    def delete_run(self, run_id: str, *, cancel: bool = False) -> None:
        self.write(lambda tx: removals.remove_run(tx, run_id, cancel_registrations=cancel))

    def delete_event(self, event_id: str, *, cancel: bool = False) -> None:
        self.write(lambda tx: removals.remove_event(tx, event_id, cancel_registrations=cancel))

    def check_in(self, id_: str, at: datetime | None = None, device: str | None = None) -> Registration:
        async def work(tx: Write) -> Registration:
            return await checkins.check_in(tx, await registrations.lock(tx, id_), at=at, device=device)

        return self.write(work)

    def undo_check_in(self, id_: str) -> Registration:
        async def work(tx: Write) -> Registration:
            return await checkins.undo(tx, await registrations.lock(tx, id_))

        return self.write(work)

    def give_bib(self, id_: str, bib: str, *, pinned: bool | None = None) -> Registration:
        async def work(tx: Write) -> Registration:
            return await bibs.set_bib(tx, await registrations.lock(tx, id_), bib, pinned=pinned)

        return self.write(work)

    def assign_bib(self, id_: str) -> Registration:
        async def work(tx: Write) -> Registration:
            return await bibs.assign(tx, await registrations.lock(tx, id_))

        return self.write(work)

    def assign_bibs(self, event_id: str, run_id: str | None = None) -> list[Registration]:
        return self.write(lambda tx: bibs.assign_all(tx, event_id, run_id))[0]

    def pin_bib(self, id_: str, *, pinned: bool) -> Registration:
        async def work(tx: Write) -> Registration:
            return await bibs.pin(tx, await registrations.lock(tx, id_), pinned=pinned)

        return self.write(work)

    def take_bib(self, id_: str) -> Registration:
        async def work(tx: Write) -> Registration:
            return await bibs.take_away(tx, await registrations.lock(tx, id_))

        return self.write(work)

    def swap_bibs(self, one: str, other: str) -> None:
        self.write(lambda tx: bibs.swap(tx, one, other))

    def time_passes(self, *, hours: float = 0, worker: bool = True) -> None:
        """Later; and the worker has been there, unless told."""
        self.app.clock.advance(hours * 3600)
        if worker:
            self.app.run(waitlist.settle_due(self.app.database, self.app.asking()))

    def let_keys_bypass_windows(self) -> None:
        self.write(lambda tx: organizations.let_keys_bypass_windows(tx, bypass=True))
        self.bypass_windows = True

    # Looking at it

    def get(self, id_: str) -> Registration:
        return self.read(lambda tx: registrations.get(tx, id_))

    def status(self, id_: str) -> str:
        return self.get(id_).status

    def bib(self, id_: str) -> str | None:
        return self.get(id_).bib

    def get_run(self, run_id: str) -> runs.Run:
        return self.read(lambda tx: runs.get(tx, run_id))

    def get_event(self, event_id: str) -> events.Event:
        return self.read(lambda tx: events.get(tx, event_id))

    def event_of(self, run_id: str) -> str:
        return self.get_run(run_id).event_id

    def waiting(self, run_id: str) -> list[Waiting]:
        return self.page_of_line(run_id, limit=1000)[0]

    def page_of_line(self, run_id: str, **window: Any) -> tuple[list[Waiting], bool]:
        return self.read(lambda tx: waiting.of_run(tx, run_id, pages.Window(**window)))

    def line(self, run_id: str) -> list[str]:
        """Who waits for a run, first in line first."""
        return [entry.registration.id for entry in self.waiting(run_id)]

    def reasons(self, run_id: str) -> list[str]:
        return [entry.reason for entry in self.waiting(run_id)]

    def history(self, id_: str) -> list[journal.Entry]:
        """What happened to an object, as the journal tells it."""
        return self.read(lambda tx: journal.of_object(tx, id_))

    def verbs(self, id_: str) -> list[str]:
        return [entry.verb for entry in self.history(id_)]

    # Transactions

    def write(self, work: Callable[[Write], Awaitable[T]]) -> T:
        return self.app.run(self.app.database.write(self.asking(), work))

    def read(self, work: Callable[[Read], Awaitable[T]]) -> T:
        return self.app.run(self.app.database.read(self.asking(), work))

    def asking(self) -> Asking:
        return msgspec.structs.replace(self.app.asking(self.tenant), bypass_windows=self.bypass_windows)


def found(app: Application) -> Club:
    """A new club; it is the first of March 2026, 9:00 UTC."""
    app.clock.now = servers.START
    number = next(_numbers)
    organization = app.write(
        lambda tx: organizations.create(
            tx,
            name=f"Club {number}",
            slug=f"running-club-{number}",
            roles=["organizer"],
            plan="enterprise",
            timezone="Europe/Berlin",
            now=app.clock(),
        )
    )
    return Club(app, Tenant(organization.id, "live"))


@pytest.fixture
def club(app: Application) -> Club:
    return found(app)
