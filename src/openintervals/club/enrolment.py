"""Enrolment: the verbs that give and take a place. Register, confirm, cancel, refund, join the line, change pace group.

Rules: a confirmed wish is refused when the run is sold out, never turned into a waiting one; a waiting wish takes a free place at once;
nobody passes those who wait, because they are served first. Registration windows bind confirmed and waiting wishes, unless the organization lets its
keys bypass them; cancelled and refunded ones are history being written down and always pass. The line of a cancelled run stands still, and
nobody takes a place past it, whatever keys may bypass.
Every verb that frees a place ends with `waitlist.settle`: it is given away before the transaction is over. One that served those who wait and then
took a place ends with `seats.reopened`, since what it served may have left room elsewhere.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.club import events, places, registrations, runs, seats, verbs, waitlist
from openintervals.club.events import Event
from openintervals.club.pace_groups import PaceGroup
from openintervals.club.registrations import AlreadyRegistered, Registration, RegistrationClosed, Scene, SoldOut
from openintervals.club.registrations import registrations as table
from openintervals.club.runs import Run
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Asking, Read, Write
from openintervals.platform import ids

NOTHING_HELD: dict[str, Any] = {"queue_number": None, "offer_expires_at": None, "bib": None, "bib_pinned": False}


@statement
def _active() -> sa.Select[Any]:
    return (
        sa.select(*columns(Registration, table))
        .where(own(table), table.c.event_id == sa.bindparam("event_id"), registrations.is_active())
        .order_by(table.c.id)
    )


async def active(tx: Read, event_id: str) -> list[Registration]:
    """Everybody who is confirmed or waits in an event, in order of registration."""
    return await tx.all(Registration, _active(), event_id=event_id)


async def register(
    tx: Write,
    run_id: str,
    *,
    email: str,
    registration_type: str,
    status: str = "confirmed",
    name: str | None = None,
    pace_group: str | None = None,
    notes: str | None = None,
) -> Registration:
    """Somebody wishes to come. Raises RunNotFound, RegistrationClosed, SoldOut, AlreadyRegistered."""
    event, run, someone_waits, known = await registrations.lock_run(tx, run_id, email)
    wish = Registration(
        ids.new(ids.REGISTRATION, tx.now),
        event.id,
        run.id,
        email.strip(),
        registrations.fold(email),
        name,
        registration_type,
        status,
        pace_group,
        notes,
        bib=None,
        bib_pinned=False,
        checked_in_at=None,
        checked_in_device=None,
        queue_number=None,
        offer_expires_at=None,
        created_at=tx.now_text,
        updated_at=tx.now_text,
        version=1,
    )
    if status not in registrations.ACTIVE:
        return await registrations.insert(tx, wish)
    refuse_when_closed(tx.asking, run)
    if someone_waits and await waitlist.serve(tx, event.id):
        event, run, _, known = await registrations.lock_run(tx, run_id, email)
    if known:
        raise AlreadyRegistered
    placed = await _placed(tx, event, run, wish)
    made = await registrations.insert(tx, placed)
    if made.status == "confirmed":
        await seats.taken(tx, run, confirmed=1)
    await seats.reopened(tx, event.id)
    return made


async def _placed(tx: Write, event: Event, run: Run, wish: Registration) -> Registration:
    """The wish with a place or, if it is content with that, at the end of the line. Raises SoldOut."""
    group = await registrations.group_of(tx, run.id, wish.pace_group)
    obstacle = await obstacle_of(tx, event, run, group)
    if obstacle is None:
        await seats.move(tx, event.id, run.id, group, confirmed=1)
        return msgspec.structs.replace(wish, status="confirmed", queue_number=None)
    if wish.status == "confirmed":
        raise SoldOut(f"{obstacle}; register with status waitlist to wait for a place")
    return msgspec.structs.replace(
        wish, status="waitlist", queue_number=await waitlist.next_number(tx, event.id), bib=None, bib_pinned=False
    )


async def obstacle_of(tx: Read, event: Event, run: Run, group: PaceGroup | None) -> str | None:
    """Why there is no place for somebody who does not wait yet in a settled event, in words for people; None when there is one."""
    obstacle = seats.obstacle(event, run, group)
    if obstacle is None and not await waitlist.passes_nobody(tx, run):
        return "This run is cancelled and its waiting list stands still"
    return obstacle


def refuse_when_closed(asking: Asking, run: Run) -> None:
    """Raises RegistrationClosed, unless this organization's keys bypass windows. Pure."""
    refusal = None if asking.bypass_windows else runs.refusal(run, asking.now)
    if refusal is not None:
        raise RegistrationClosed(refusal)


async def change_status(tx: Write, scene: Scene, status: str) -> Registration:
    """Move a locked registration to `status`. Raises RegistrationClosed, SoldOut, AlreadyRegistered, Conflict."""
    before = scene.registration
    if before.status == status:
        return before
    if status in registrations.ACTIVE:
        return await (_rejoin(tx, scene, status) if not before.active else _between(tx, scene, status))
    if before.active:
        await release(tx, before)
    after = await registrations.store(tx, before, verbs.OF_STATUS[status], status=status, **NOTHING_HELD)
    if before.active:
        await waitlist.settle(tx, before.event_id)
    return after


async def _rejoin(tx: Write, scene: Scene, status: str) -> Registration:
    """Somebody who had left comes back, on the terms of a new wish."""
    refuse_when_closed(tx.asking, scene.run)
    await waitlist.serve(tx, scene.event.id)
    event, run = await events.get(tx, scene.event.id), await runs.get(tx, scene.run.id)
    placed = await _placed(tx, event, run, msgspec.structs.replace(scene.registration, status=status))
    if placed.status == "waitlist":
        _refuse_when_checked_in(placed)
    verb = verbs.OF_STATUS[placed.status]
    after = await registrations.store(
        tx, scene.registration, verb, status=placed.status, queue_number=placed.queue_number
    )
    if after.status == "confirmed":
        await seats.taken(tx, run, confirmed=1)
    await seats.reopened(tx, event.id)
    return after


async def _between(tx: Write, scene: Scene, status: str) -> Registration:
    """From the line to a place, or from a place to the end of the line."""
    before = scene.registration
    if status == "waitlist":
        _refuse_when_checked_in(before)
        await release(tx, before)
        number = await waitlist.next_number(tx, before.event_id)
        held = {**NOTHING_HELD, "queue_number": number}
        after = await registrations.store(tx, before, verbs.OF_STATUS[status], status="waitlist", **held)
        await waitlist.settle(tx, before.event_id)
        return await registrations.get(tx, after.id)
    if before.offer_expires_at is not None and before.offer_expires_at > tx.now_text:
        # An offer is a promise that a pause or a closed window does not break; a run that does not take place cannot keep it.
        if scene.run.event_status == "cancelled":
            raise RegistrationClosed("This run is cancelled")
        group = await registrations.group_of(tx, before.event_run_id, before.pace_group)
        await seats.move(tx, before.event_id, before.event_run_id, group, confirmed=1, offered=-1)
        return await registrations.store(
            tx, before, verbs.OF_STATUS[status], status="confirmed", queue_number=None, offer_expires_at=None
        )
    refuse_when_closed(tx.asking, scene.run)
    await waitlist.settle(tx, before.event_id)
    present = await registrations.get(tx, before.id)
    if present.status == "confirmed":
        return present
    if present.offer_expires_at is not None:  # settling has just made them an offer: this takes it up
        return await _between(tx, msgspec.structs.replace(scene, registration=present), status)
    if before.offer_expires_at is not None:
        raise errors.Conflict(f"The offer of a place lapsed at {before.offer_expires_at}")
    event, run = await events.get(tx, scene.event.id), await runs.get(tx, scene.run.id)
    group = await registrations.group_of(tx, run.id, before.pace_group)
    obstacle = await obstacle_of(tx, event, run, group)
    raise SoldOut(f"{obstacle or 'A place is being offered'}; they stay on the waiting list")


def _refuse_when_checked_in(registration: Registration) -> None:
    """Raises Conflict: whoever has come does not wait for a place."""
    if registration.checked_in_at is not None:
        raise errors.Conflict("Somebody who has checked in cannot wait for a place; undo the check-in first")


async def release(tx: Write, registration: Registration) -> None:
    """Give back what an active registration holds in the counts: its place, or the place it is being offered."""
    group = await registrations.group_of(tx, registration.event_run_id, registration.pace_group)
    place = registration.event_id, registration.event_run_id, group
    if registration.status == "confirmed":
        await seats.move(tx, *place, confirmed=-1)
    elif registration.offer_expires_at is not None:
        await seats.move(tx, *place, offered=-1)


async def change_pace_group(tx: Write, scene: Scene, name: str | None) -> Registration:
    """Put a locked registration into another pace group. Raises SoldOut when that group is full."""
    before = scene.registration
    if before.pace_group == name:
        return before
    if before.active:
        # Whoever waits for a place in that group is served first, and what lapsed or was given meanwhile is seen.
        await waitlist.serve(tx, before.event_id)
        before = await registrations.get(tx, before.id)
    if before.status == "confirmed" or before.offer_expires_at is not None:
        event_id, run_id = before.event_id, before.event_run_id
        taken: dict[str, Any] = {"confirmed": 1} if before.status == "confirmed" else {"offered": 1}
        group = await registrations.group_of(tx, run_id, name)
        if group is not None and not places.free(group.max_participants, group.confirmed, group.offered):
            raise SoldOut(f"Pace group {group.name!r} of this run is full")
        await release(tx, before)
        await seats.move(tx, event_id, run_id, group, **taken)
    after = await registrations.store(tx, before, "registration.updated", pace_group=name)
    if after.active:
        await waitlist.settle(tx, before.event_id)
    else:  # their offer had lapsed
        await seats.reopened(tx, before.event_id)
    return await registrations.get(tx, after.id)
