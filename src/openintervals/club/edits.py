"""Edits: changing what is there, an event, a run or a registration, as one verb each, whoever asks for it.

Each takes the event's lock, brings the waiting list up to date, makes the change, and brings it up to date again: an offer that has lapsed
does not stand in the way of a lower cap, and what a raised cap or a lifted pause sets free is given away before the transaction is over.
A change is made wholly or not at all. When two come at once the lock makes them one after the other; the second changes what the first left.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from openintervals.club import bibs, checkins, enrolment, events, pace_groups, registrations, runs, seats, waitlist
from openintervals.club.events import Event
from openintervals.club.pace_groups import PaceGroup
from openintervals.club.registrations import Registration, Scene
from openintervals.club.runs import Run
from openintervals.db.transaction import Write


async def change_event(tx: Write, event_id: str, values: dict[str, Any]) -> Event:
    """Change the given columns of an event; gives it as it is then. Raises EventNotFound, Invalid, SlugTaken, CapTooLow."""
    await events.lock(tx, event_id)
    await waitlist.serve(tx, event_id)
    await events.change(tx, await events.get(tx, event_id), values)
    await waitlist.settle(tx, event_id)
    return await events.get(tx, event_id)


async def change_run(
    tx: Write, run_id: str, values: dict[str, Any], groups: list[PaceGroup] | UnsetType = UNSET
) -> Run:
    """Change the given columns of a run and, if given, make `groups` its pace groups. Raises RunNotFound, Invalid, CapTooLow.

    A run that a recurrence published counts as edited by hand from then on."""
    event, _ = await runs.lock(tx, run_id)
    await waitlist.serve(tx, event.id)
    run = await runs.get(tx, run_id)
    if run.recurrence_id is not None and (values or groups is not UNSET):
        values = {**values, "edited": True}
    declared = await pace_groups.of_run(tx, run_id)
    after = await seats.changed(tx, run, await runs.change(tx, run, values, pace_groups=declared))
    if not isinstance(groups, UnsetType) and groups != _uncounted(declared):
        taken = await registrations.taken_by_group(tx, run_id)
        await seats.changed(tx, after, await pace_groups.declare(tx, after, groups, taken))
    await waitlist.settle(tx, event.id)
    return await runs.get(tx, run_id)


def _uncounted(groups: list[PaceGroup]) -> list[PaceGroup]:
    return [msgspec.structs.replace(group, confirmed=0, offered=0) for group in groups]


async def change_registration(
    tx: Write,
    registration_id: str,
    *,
    details: dict[str, Any],
    pace_group: str | None | UnsetType = UNSET,
    status: str | None = None,
    bib: str | None = None,
    pinned: bool | None = None,
    came: bool | None = None,
) -> Registration:
    """Change details (`email`, `name`, `registration_type`, `notes`), pace group, status, bib and check-in, in this order.

    None changes nothing. Raises RegistrationNotFound, AlreadyRegistered, SoldOut, RegistrationClosed, BibTaken, NoPlaceNoBib,
    CannotCheckIn, Conflict."""
    scene = await registrations.lock(tx, registration_id)
    if "email" in details:
        email = details["email"].strip()
        details = {**details, "email": email, "email_folded": registrations.fold(email)}
    scene = _with(scene, await registrations.store(tx, scene.registration, "registration.updated", **details))
    if not isinstance(pace_group, UnsetType):
        scene = _with(scene, await enrolment.change_pace_group(tx, scene, pace_group))
    if status is not None:
        scene = _with(scene, await enrolment.change_status(tx, scene, status))
    if bib is not None:
        scene = _with(scene, await bibs.set_bib(tx, scene, bib, pinned=pinned))
    elif pinned is not None:
        scene = _with(scene, await bibs.pin(tx, scene, pinned=pinned))
    if came is not None:
        came_or_not = checkins.check_in(tx, scene, at=None, device=None) if came else checkins.undo(tx, scene)
        scene = _with(scene, await came_or_not)
    return scene.registration


def _with(scene: Scene, registration: Registration) -> Scene:
    return msgspec.structs.replace(scene, registration=registration)
