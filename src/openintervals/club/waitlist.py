"""The waiting list: first in, first out, and no place ever free while an entry that fits waits.

Entries of all runs of an event stand in one order of arrival (`queue_number`). `settle` ends the transaction of whatever may have freed a
place or opened a door (cancel, refund, transfer, a raised cap, a lifted pause): it gives each free place to the first entry that fits, once.
An entry fits when its run takes registrations and run, event and pace group each have a place; one that doesn't is passed over, not waited for.
A run may instead *offer* places for a number of hours: an open offer counts as taken; one that lapses is cancelled, and the next in line is asked.

When two places come free at once the event's lock makes them two settlings, one after the other; the second sees what the first gave.
What time alone changes (a lapsed offer, a window that opens) is settled by the worker, and before anybody else is served in that event.
"""

import heapq
import traceback
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog

from openintervals import instants
from openintervals.club import events, pace_groups, registrations, runs, seats
from openintervals.club.registrations import Registration
from openintervals.club.registrations import registrations as table
from openintervals.club.runs import Run, event_runs
from openintervals.db import Database
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Asking, Read, Tenant, Write
from openintervals.platform import organizations

BATCH = 500
_log: Any = structlog.get_logger()


class Room(msgspec.Struct):
    """Free places, counted down while they are given away; None is without limit. `runs` holds only runs that take registrations."""

    event: int | None
    runs: dict[str, int | None]
    groups: dict[tuple[str, str], int | None]


def promotions(queue: Iterable[Registration], room: Room) -> list[Registration]:
    """Who of `queue`, in order, gets a place; `room` is counted down. Pure."""
    chosen = []
    for entry in queue:
        group = (entry.event_run_id, entry.pace_group or "")
        if (
            room.event == 0
            or room.runs.get(entry.event_run_id, 0) == 0
            or (entry.pace_group is not None and room.groups.get(group) == 0)
        ):
            continue
        chosen.append(entry)
        room.event = _less(room.event)
        room.runs[entry.event_run_id] = _less(room.runs[entry.event_run_id])
        if group in room.groups:
            room.groups[group] = _less(room.groups[group])
    return chosen


def _less(number: int | None) -> int | None:
    return None if number is None else number - 1


@statement
def _runs_waited_for() -> sa.Select[Any]:
    return (
        sa.select(*columns(Run, event_runs))
        .where(
            own(event_runs),
            event_runs.c.event_id == sa.bindparam("event_id"),
            sa.exists().where(
                own(table),
                table.c.event_id == sa.bindparam("event_id"),
                table.c.event_run_id == event_runs.c.id,
                table.c.status == registrations.WAITS,
            ),
        )
        .order_by(event_runs.c.id)
    )


def _is_full(group: sa.FromClause) -> sa.ColumnElement[bool]:
    """That a pace group has no place: those who wait for it are passed over without being read, however many."""
    return group.c.confirmed + group.c.offered >= group.c.max_participants


@statement
def _line() -> sa.Select[Any]:
    """Entries of one run behind a place in line that hold no offer, and for whose pace group there is a place."""
    group = pace_groups.pace_groups
    full = sa.select(group.c.name).where(own(group), group.c.event_run_id == sa.bindparam("run_id"), _is_full(group))
    first = (
        sa.select(table.c.id)  # found in the index alone, however long the line
        .where(
            own(table),
            table.c.event_id == sa.bindparam("event_id"),
            table.c.event_run_id == sa.bindparam("run_id"),
            table.c.status == registrations.WAITS,
            table.c.offer_expires_at.is_(None),
            table.c.queue_number > sa.bindparam("behind", type_=sa.BigInteger),
            sa.or_(table.c.pace_group.is_(None), table.c.pace_group.not_in(full)),
        )
        .order_by(table.c.queue_number)
        .limit(BATCH)
    )
    return (
        sa.select(*columns(Registration, table)).where(own(table), table.c.id.in_(first)).order_by(table.c.queue_number)
    )


@statement
def _lapsed() -> sa.Select[Any]:
    return (
        sa.select(*columns(Registration, table))
        .where(
            own(table),
            table.c.event_id == sa.bindparam("event_id"),
            table.c.event_run_id == sa.bindparam("run_id"),
            table.c.status == registrations.WAITS,
            table.c.offer_expires_at <= sa.bindparam("at"),
        )
        .order_by(table.c.queue_number)
    )


@statement
def _last_in_line() -> sa.Select[Any]:
    last_of_run = (  # run by run, each a look at the end of an index
        sa.select(sa.func.max(table.c.queue_number))
        .where(
            own(table),
            table.c.event_id == event_runs.c.event_id,
            table.c.event_run_id == event_runs.c.id,
            table.c.status == registrations.WAITS,
        )
        .scalar_subquery()
    )
    return sa.select(sa.func.coalesce(sa.func.max(last_of_run), 0)).where(
        own(event_runs), event_runs.c.event_id == sa.bindparam("event_id")
    )


@statement
def _waits_in() -> sa.Select[Any]:
    return sa.select(
        sa.exists(table.c.id).where(
            own(table),
            table.c.event_id == sa.bindparam("event_id"),
            table.c.event_run_id == sa.bindparam("run_id"),
            table.c.status == registrations.WAITS,
            table.c.offer_expires_at.is_(None),
        )
    )


@statement
def _events_to_settle() -> sa.Select[Any]:
    """Events, of any tenant, where an offer has lapsed or somebody waits for an open run with room; by id, those behind one."""
    run, event = event_runs.c, events.events.c
    at: sa.BindParameter[str] = sa.bindparam("at", type_=sa.Text)
    is_open = sa.and_(
        sa.or_(run.event_status.is_(None), sa.and_(run.event_status != "cancelled", run.event_status != "postponed")),
        run.registration_override.is_(None),
        sa.or_(run.registration_opens_at.is_(None), run.registration_opens_at <= at),
        sa.or_(run.registration_closes_at.is_(None), run.registration_closes_at > at),
    )
    room = [
        sa.or_(place.max_participants.is_(None), place.confirmed + place.offered < place.max_participants)
        for place in (run, event)
    ]
    takes = sa.and_(
        sa.not_(run.sold_out),
        *room,
        sa.or_(run.event_status.is_(None), run.event_status != "cancelled"),
        sa.or_(is_open, organizations.organizations.c.bypass_windows),
    )
    # Which runs are waited for is asked first, so that a long line is walked only where there is a place to give.
    names = ("organization_id", "mode", "event_id", "event_run_id")
    waited_for = (
        sa.select(*(table.c[name] for name in names))
        .where(table.c.status == registrations.WAITS, table.c.event_id > sa.bindparam("behind"))
        .distinct()
        .subquery("waited_for")
    )
    in_line = [*(table.c[name] == waited_for.c[name] for name in names), table.c.status == registrations.WAITS]
    group = pace_groups.pace_groups
    in_full_group = sa.exists(group.c.name).where(
        *(group.c[name] == table.c[name] for name in ("organization_id", "mode", "event_run_id")),
        group.c.name == table.c.pace_group,
        _is_full(group),
    )
    fits = sa.exists(table.c.id).where(*in_line, table.c.offer_expires_at.is_(None), sa.not_(in_full_group))
    lapsed = sa.exists(table.c.id).where(*in_line, table.c.offer_expires_at <= at)
    return (
        sa.select(waited_for.c.organization_id, waited_for.c.mode, waited_for.c.event_id)
        .distinct()
        .where(
            *(
                sa.and_(
                    place.organization_id == waited_for.c.organization_id,
                    place.mode == waited_for.c.mode,
                    place.id == place_id,
                )
                for place, place_id in ((run, waited_for.c.event_run_id), (event, waited_for.c.event_id))
            ),
            organizations.organizations.c.id == waited_for.c.organization_id,
            sa.or_(sa.and_(run.offered > 0, lapsed), sa.and_(takes, fits)),
        )
        .order_by(waited_for.c.event_id)
        .limit(BATCH)
    )


async def passes_nobody(tx: Read, run: Run) -> bool:
    """Whether somebody who takes a free place in a run of a settled event passes nobody: where a run is cancelled, its line stands still."""
    return run.event_status != "cancelled" or not await tx.value(_waits_in(), event_id=run.event_id, run_id=run.id)


async def next_number(tx: Write, event_id: str) -> int:
    """The queue number behind everybody who waits in a locked event."""
    return int(await tx.value(_last_in_line(), event_id=event_id)) + 1


async def settle(tx: Write, event_id: str) -> int:
    """Serve those who wait in a locked event, and tell which of its full runs have room all the same; gives how many entries that changed."""
    changed = await serve(tx, event_id)
    await seats.reopened(tx, event_id)
    return changed


async def serve(tx: Write, event_id: str) -> int:
    """End lapsed offers in a locked event, and give every free place to the first entry that fits; gives how many entries that changed.

    For the beginning of a verb, which may take the places that are left; `settle` ends it."""
    waited_for = await tx.all(Run, _runs_waited_for(), event_id=event_id)
    if not waited_for:
        return 0
    seats.note(tx, *waited_for)
    changed = 0
    for run in waited_for:
        if run.offered:
            lapsed = await tx.all(Registration, _lapsed(), event_id=event_id, run_id=run.id, at=tx.now_text)
            for entry in lapsed:
                await _lapse(tx, entry)
            changed += len(lapsed)
    if changed:
        waited_for = await tx.all(Run, _runs_waited_for(), event_id=event_id)
    by_id = {run.id: run for run in waited_for}
    room = await _room(tx, event_id, waited_for)
    behind = dict.fromkeys(room.runs, 0)
    given: Counter[str] = Counter()
    while behind and room.event != 0:
        queue, behind = await _next_in_line(tx, event_id, behind)
        for entry in promotions(queue, room):
            await _give_place(tx, by_id[entry.event_run_id], entry)
            given[entry.event_run_id] += 1
            changed += 1
        behind = {run_id: number for run_id, number in behind.items() if room.runs.get(run_id) != 0}
    for run_id, number in given.items():
        kind = "offered" if by_id[run_id].waitlist_offer_hours else "confirmed"
        await seats.taken(tx, by_id[run_id], **{kind: number})
    return changed


async def _room(tx: Read, event_id: str, waited_for: list[Run]) -> Room:
    event = await events.get(tx, event_id)
    open_runs = [run for run in waited_for if not runs.is_full(run) and _serves_its_line(run, tx.asking)]
    groups: dict[tuple[str, str], int | None] = {}
    for run in open_runs:
        for group in await pace_groups.of_run(tx, run.id):
            groups[(run.id, group.name)] = _left(group.max_participants, group.confirmed + group.offered)
    return Room(
        _left(event.max_participants, event.confirmed + event.offered),
        {run.id: _left(run.max_participants, run.confirmed + run.offered) for run in open_runs},
        groups,
    )


def _serves_its_line(run: Run, asking: Asking) -> bool:
    """Whether those who wait for a run may be given places: never for a run that does not take place, whatever keys may bypass."""
    if run.event_status == "cancelled":
        return False
    return asking.bypass_windows or runs.refusal(run, asking.now) is None


def _left(cap: int | None, taken: int) -> int | None:
    return None if cap is None else max(0, cap - taken)


async def _next_in_line(tx: Read, event_id: str, behind: dict[str, int]) -> tuple[list[Registration], dict[str, int]]:
    """The next entries over several runs, in order of arrival, and from where to go on.

    Lines are read in batches: nobody is served from behind the end of a batch that may go on, so arrival decides across runs too.
    """
    lines = {
        run_id: await tx.all(Registration, _line(), event_id=event_id, run_id=run_id, behind=number)
        for run_id, number in behind.items()
    }
    ends = [line[-1].queue_number or 0 for line in lines.values() if len(line) == BATCH]
    end = min(ends, default=None)
    merged = heapq.merge(*lines.values(), key=lambda entry: entry.queue_number or 0)
    queue = [entry for entry in merged if end is None or (entry.queue_number or 0) <= end]
    return queue, {} if end is None else dict.fromkeys(behind, end)


async def _give_place(tx: Write, run: Run, entry: Registration) -> None:
    group = await registrations.group_of(tx, run.id, entry.pace_group)
    if run.waitlist_offer_hours:
        await seats.move(tx, entry.event_id, run.id, group, offered=1)
        expires_at = instants.text(tx.now + timedelta(hours=run.waitlist_offer_hours))
        await registrations.store(tx, entry, "registration.offered", offer_expires_at=expires_at)
    else:
        await seats.move(tx, entry.event_id, run.id, group, confirmed=1)
        await registrations.store(tx, entry, "registration.promoted", status="confirmed", queue_number=None)


async def _lapse(tx: Write, entry: Registration) -> None:
    """An offer nobody took up in time: the entry is cancelled and its place is free."""
    group = await registrations.group_of(tx, entry.event_run_id, entry.pace_group)
    await seats.move(tx, entry.event_id, entry.event_run_id, group, offered=-1)
    await registrations.store(
        tx, entry, "registration.offer_expired", status="cancelled", queue_number=None, offer_expires_at=None
    )


async def settle_due(database: Database, asking: Asking) -> int:
    """Settle every event where time has freed a place or opened registration; for the worker. Gives how many entries that changed.

    One that fails is logged and left for the next round; it holds up no other."""

    async def due(tx: Read) -> list[tuple[Any, ...]]:
        return list(await tx.rows(_events_to_settle(), at=tx.now_text, behind=behind))

    changed, behind = 0, ""
    while found := await database.read(asking, due):
        for organization_id, mode, event_id in found:

            async def work(tx: Write, event_id: str = event_id) -> int:
                organization = await organizations.current(tx)
                tx = Write(tx.session, msgspec.structs.replace(tx.asking, bypass_windows=organization.bypass_windows))
                try:
                    await events.lock(tx, event_id)
                except events.EventNotFound:
                    return 0
                return await settle(tx, event_id)

            try:
                tenant = Tenant(organization_id, mode)
                changed += await database.write(msgspec.structs.replace(asking, tenant=tenant), work)
            except Exception as problem:  # noqa: BLE001 — one that fails must not hold up the others
                last = traceback.extract_tb(problem.__traceback__)[-1]
                place = f"{last.filename.rpartition('/')[2]}:{last.lineno} {last.name}"
                _log.warning("settling failed", event_id=event_id, error=type(problem).__name__, at=place)
        behind = found[-1][2]
    return changed
