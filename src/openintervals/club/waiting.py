"""Waiting, as it is shown: who waits for a run, in which place in line, and why there is no place for them yet.

A page begins behind somebody in line, or ends before them. Their id is a position that lasts: while they wait it is the place they have,
afterwards the place they had last, which the journal remembers. An id that never waited for this run stands before everybody.
Who waits throughout a walk along the pages is met exactly once, whoever comes and leaves meanwhile, because nobody's place in the order changes
while they wait. One who comes when all behind a position have left may be given a number before it, and is met by the next walk.
"""

from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from openintervals.club import events, pace_groups, places, registrations, runs
from openintervals.club.events import Event
from openintervals.club.pace_groups import PaceGroup
from openintervals.club.registrations import Registration
from openintervals.club.registrations import registrations as table
from openintervals.club.runs import Run
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Asking, Read
from openintervals.platform import journal, pages

REMEMBERED = 100
"""How many of an object's last changes are looked through for the place it had in line."""
Reason = Literal["full", "paceGroupFull", "eventFull", "offerOpen", "registrationClosed", "runCancelled"]


class Waiting(msgspec.Struct, frozen=True):
    """One entry with its place in line and the reason why it still waits."""

    registration: Registration
    position: int
    reason: Reason


class Standing(msgspec.Struct, frozen=True):
    """What a registration's snapshot in the journal tells of its place in line."""

    event_run_id: str
    queue_number: int | None


def reason(entry: Registration, event: Event, run: Run, group: PaceGroup | None, asking: Asking) -> Reason:
    """Why an entry has not been promoted. Pure."""
    if entry.offer_expires_at is not None:
        return "offerOpen"
    if run.event_status == "cancelled":
        return "runCancelled"
    if not asking.bypass_windows and runs.refusal(run, asking.now) is not None:
        return "registrationClosed"
    if runs.is_full(run):
        return "full"
    if group is not None and not places.free(group.max_participants, group.confirmed, group.offered):
        return "paceGroupFull"
    if not places.free(event.max_participants, event.confirmed, event.offered):
        return "eventFull"
    return "registrationClosed"  # registration has only just opened; the entry is served within seconds


def _of_run() -> sa.ColumnElement[bool]:
    return sa.and_(
        own(table),
        table.c.event_id == sa.bindparam("event_id"),
        table.c.event_run_id == sa.bindparam("run_id"),
        table.c.status == registrations.WAITS,
    )


@statement
def _page(direction: pages.Direction) -> sa.Select[Any]:
    number: sa.BindParameter[int] = sa.bindparam("number", type_=sa.BigInteger)
    select = sa.select(*columns(Registration, table)).where(_of_run())
    if direction != "first":
        beyond = table.c.queue_number > number if direction == "after" else table.c.queue_number < number
        select = select.where(beyond)
    order = table.c.queue_number.desc() if direction == "before" else table.c.queue_number.asc()
    return select.order_by(order).limit(sa.bindparam("row_limit", type_=sa.Integer))


@statement
def _ahead() -> sa.Select[Any]:
    return (
        sa.select(sa.func.count())
        .select_from(table)
        .where(_of_run(), table.c.queue_number < sa.bindparam("number", type_=sa.BigInteger))
    )


@statement
def _number() -> sa.Select[Any]:
    return sa.select(table.c.queue_number).where(_of_run(), table.c.id == sa.bindparam("id"))


async def of_run(tx: Read, run_id: str, window: pages.Window) -> tuple[list[Waiting], bool]:
    """A page of those who wait for a run, first in line first, with the reason for each, and whether there are more. Raises RunNotFound."""
    run = await runs.get(tx, run_id)
    event = await events.get(tx, run.event_id)
    groups = await pace_groups.of_run(tx, run_id)
    which: dict[str, Any] = {"event_id": event.id, "run_id": run_id}
    given = {} if window.direction == "first" else {"number": await _place(tx, which, window)}
    found = await tx.all(Registration, _page(window.direction), **which, **given, row_limit=window.limit + 1)
    entries, more = window.cut(found)
    ahead = await tx.value(_ahead(), **which, number=entries[0].queue_number) if entries else 0
    return [
        Waiting(entry, position, reason(entry, event, run, pace_groups.named(groups, entry.pace_group), tx.asking))
        for position, entry in enumerate(entries, start=ahead + 1)
    ], more


async def _place(tx: Read, which: dict[str, Any], window: pages.Window) -> int:
    """The queue number a page begins behind or ends before."""
    position = window.after or window.before or ""
    number: int | None = await tx.value(_number(), **which, id=position)
    if number is not None:
        return number
    for entry in await journal.last_of_object(tx, position, most=REMEMBERED):
        if entry.object_type != "registration":
            break
        standing = msgspec.json.decode(entry.snapshot, type=Standing)
        if standing.event_run_id == which["run_id"] and standing.queue_number is not None:
            # Whoever has that number by now came later, and so stands behind.
            return standing.queue_number - (window.direction == "after")
    return 0
