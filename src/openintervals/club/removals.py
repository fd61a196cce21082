"""Removals: deleting an event or a run with everything inside it, in one transaction.

Refused while somebody is confirmed or waits, unless the caller says to cancel them; then each is cancelled first, so that
whoever follows the journal learns of every registration that ended before what held it is gone. Nothing is left behind but the journal.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.club import enrolment, events, groups, pace_groups, recurrences, registrations, runs, waitlist
from openintervals.club.registrations import Registration
from openintervals.club.registrations import registrations as table
from openintervals.club.runs import Run
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Write
from openintervals.platform import journal


class StillRegistered(errors.Conflict):
    code = "still_registered"

    def __init__(self, number: int, what: str) -> None:
        people = "1 active registration" if number == 1 else f"{number} active registrations"
        super().__init__(f"This {what} has {people}; cancel them first, or send cancelRegistrations=true")


@statement
def _delete_of_run() -> sa.Delete:
    return sa.delete(table).where(own(table), table.c.event_run_id == sa.bindparam("run_id"))


@statement
def _of_run() -> sa.Select[Any]:
    return (
        sa.select(*columns(Registration, table))
        .where(own(table), table.c.event_run_id == sa.bindparam("run_id"))
        .order_by(table.c.id)
    )


async def remove_event(tx: Write, event_id: str, *, cancel_registrations: bool) -> None:
    """Delete an event, its runs, registrations and recurrences. Raises EventNotFound, StillRegistered."""
    event = await events.lock(tx, event_id)
    active = await registrations.active_of_event(tx, event_id)
    if active and not cancel_registrations:
        raise StillRegistered(len(active), "event")
    await _cancel(tx, active)
    for run in await runs.of_event(tx, Run, event_id):
        await _remove(tx, run)
    await recurrences.remove_of_event(tx, event)
    await groups.forget_event(tx, event_id)
    await events.remove(tx, event)


async def remove_run(tx: Write, run_id: str, *, cancel_registrations: bool) -> None:
    """Delete a run and its registrations. Raises RunNotFound, StillRegistered."""
    event, run = await runs.lock(tx, run_id)
    active = [one for one in await registrations.active_of_event(tx, event.id) if one.event_run_id == run.id]
    if active and not cancel_registrations:
        raise StillRegistered(len(active), "run")
    await _cancel(tx, active)
    await recurrences.run_removed(tx, run)
    await _remove(tx, await runs.get(tx, run_id))
    await waitlist.settle(tx, event.id)  # places of the event have come free for those who wait for its other runs


async def _cancel(tx: Write, active: list[Registration]) -> None:
    for registration in active:
        await enrolment.release(tx, registration)
        await registrations.store(
            tx, registration, enrolment.VERBS["cancelled"], status="cancelled", **enrolment.NOTHING_HELD
        )


async def _remove(tx: Write, run: Run) -> None:
    for registration in await tx.all(Registration, _of_run(), run_id=run.id):
        gone = msgspec.structs.replace(registration, version=registration.version + 1, updated_at=tx.now_text)
        await journal.record(tx, "registration.deleted", gone, registration)
    await tx.execute(_delete_of_run(), run_id=run.id)
    await pace_groups.remove_of(tx, run.id)
    await runs.remove(tx, run)
