"""Transfers: a registration goes to another run, to another person, or both, in one transaction; into a pace group, if one is named.

To another run: the new place is taken on the terms of a new wish (window, caps, those who wait first), the old one is freed and given on.
The bib goes along inside an event while the new run's range has it or a person pinned it; it stays behind otherwise.
To another person: e-mail and name change, the place, its bib and its place in line stay.
When two come at once: the rows of both events are taken in the order of their ids, so that crossing transfers do not lock each other out.
"""

from typing import Any

from msgspec import UNSET, UnsetType

from openintervals import errors
from openintervals.club import bibs, enrolment, events, pace_groups, registrations, runs, seats, waitlist
from openintervals.club.registrations import Registration, RegistrationNotFound, Scene, SoldOut
from openintervals.club.runs import Run
from openintervals.db.transaction import Write


async def transfer(
    tx: Write,
    registration_id: str,
    *,
    event_run_id: str | None,
    person: dict[str, Any],
    pace_group: str | None | UnsetType = UNSET,
) -> Registration:
    """Transfer to a run, a person (`email`, `name`) or both. Raises RegistrationNotFound, RunNotFound, Invalid, Conflict.

    Without a `pace_group` they stay in theirs, unless the new run declares others; None is in no group."""
    before = await registrations.get(tx, registration_id)
    target = await runs.get(tx, event_run_id) if event_run_id is not None else None
    held = sorted({before.event_id, target.event_id if target else before.event_id})
    for event_id in held:
        try:
            await events.lock(tx, event_id)
        except events.EventNotFound:  # deleted since it was found, with all inside it
            raise RegistrationNotFound if event_id == before.event_id else runs.RunNotFound from None
    if (await registrations.get(tx, registration_id)).event_id not in held:
        # It was transferred to a third event while we waited for the locks.
        return await transfer(tx, registration_id, event_run_id=event_run_id, person=person, pace_group=pace_group)
    before = await _settled(tx, registration_id, event_run_id)
    values = {name: value for name, value in person.items() if value != getattr(before, name)}
    if "email" in values:
        values |= {"email": values["email"].strip(), "email_folded": registrations.fold(values["email"])}
    moves = target is not None and target.id != before.event_run_id
    if not moves and not values and pace_group is UNSET:
        raise errors.Invalid(
            fields={"event_run_id": ["Give another run, or another person's email or name, to transfer to"]}
        )
    if not before.active:
        raise errors.Conflict(f"This registration is {before.status}; only one that is active can be transferred")
    if before.checked_in_at is not None:
        raise errors.Conflict("They have checked in; undo the check-in before transferring")
    if moves:
        assert target is not None
        target, moved = await _to_run(tx, before, await runs.get(tx, target.id), pace_group)
        values |= moved
    elif pace_group is not UNSET:
        scene = Scene(await events.get(tx, before.event_id), await runs.get(tx, before.event_run_id), before)
        before = await enrolment.change_pace_group(tx, scene, pace_group)
    after = await registrations.store(
        tx,
        before,
        "registration.transferred",
        also={"from": {"event_run_id": before.event_run_id, "email": before.email}},
        **values,
    )
    if moves and target is not None and after.status == "confirmed":
        await seats.taken(tx, target, confirmed=1)
    for event_id in sorted({before.event_id, after.event_id}):
        await waitlist.settle(tx, event_id)
    return await registrations.get(tx, after.id)


async def _settled(tx: Write, registration_id: str, target_id: str | None) -> Registration:
    """Settled first: an entry whose offer has lapsed, or whose turn has come, is moved as what it is now."""
    before = await registrations.get(tx, registration_id)
    for run_id in {before.event_run_id, target_id or before.event_run_id}:
        seats.note(tx, await runs.get(tx, run_id))
    await waitlist.serve(tx, before.event_id)
    return await registrations.get(tx, registration_id)


async def _to_run(
    tx: Write, before: Registration, target: Run, pace_group: str | None | UnsetType
) -> tuple[Run, dict[str, Any]]:
    """What changes when a registration moves to `target`, which is given as it was; the counts are moved."""
    enrolment.refuse_when_closed(tx.asking, target)
    await waitlist.serve(tx, target.event_id)
    await enrolment.release(tx, before)
    event, target = await events.get(tx, target.event_id), await runs.get(tx, target.id)
    groups = await pace_groups.of_run(tx, target.id)
    name = before.pace_group if pace_group is UNSET else pace_group
    if pace_group is UNSET and groups and pace_groups.named(groups, name) is None:
        name = None  # the old run's group means nothing in a run that declares its own
    group = pace_groups.named(groups, name)
    obstacle = await enrolment.obstacle_of(tx, event, target, group)
    values: dict[str, Any] = {"event_id": event.id, "event_run_id": target.id, "pace_group": name}
    if before.status == "confirmed":
        if obstacle is not None:
            raise SoldOut(f"{obstacle}; nothing was transferred")
        await seats.move(tx, event.id, target.id, group, confirmed=1)
        if not bibs.goes_along(before, event.id, target, group):
            values |= {"bib": None, "bib_pinned": False}
        return target, values
    return target, values | {"queue_number": await waitlist.next_number(tx, event.id), "offer_expires_at": None}
