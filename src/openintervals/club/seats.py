"""Seats: a place taken or freed in all that count it at once, the event, the run and the pace group.

Whoever takes a place looks for an obstacle first; the event's lock keeps what was seen true. The three counts then move together, each by a
statement that is conditional on its cap, so that even a caller that did not look cannot oversell: its whole transaction fails.

Whoever follows a run's changes knows from them whether it is full. `note` remembers under the event's lock, before anything moves, what they know,
and what is told in the transaction changes it. A run is sold out, and says so in the journal, each time its last place is taken; not when a
place is given on, which leaves them with what they know. A change of the run tells its counts itself, so whoever then takes the last place makes
news. A run they believe full that has room when its event is settled says that too (`reopened`).
"""

import msgspec

from openintervals.club import events, pace_groups, places, runs
from openintervals.club.events import Event
from openintervals.club.pace_groups import PaceGroup
from openintervals.club.runs import Run
from openintervals.db.transaction import Write


class Known(msgspec.Struct):
    """What those who follow a run's changes know of it, and whether a place in it was freed in this transaction."""

    full: bool
    freed: bool = False


def obstacle(event: Event, run: Run, group: PaceGroup | None) -> str | None:
    """Why there is no place for somebody, in words for people; None when there is one. Pure."""
    if runs.is_full(run):
        return "This run is sold out"
    if group is not None and not places.free(group.max_participants, group.confirmed, group.offered):
        return f"Pace group {group.name!r} of this run is full"
    if not places.free(event.max_participants, event.confirmed, event.offered):
        return "This event is sold out"
    return None


async def move(
    tx: Write, event_id: str, run_id: str, group: PaceGroup | None, *, confirmed: int = 0, offered: int = 0
) -> None:
    """Move the counts of a locked event, its run and, if declared, the pace group, where no obstacle was found.

    A run in which a place is freed has been noted."""
    if confirmed + offered < 0:
        tx.session.noted[run_id].freed = True
    await events.count(tx, event_id, confirmed=confirmed, offered=offered)
    await runs.count(tx, run_id, confirmed=confirmed, offered=offered)
    if group is not None:
        await pace_groups.count(tx, group, confirmed=confirmed, offered=offered)


def note(tx: Write, *found: Run) -> None:
    """Remember whether runs of a locked event are full, before anything moves in them; what was noted first stays."""
    for run in found:
        if run.id not in tx.session.noted:
            tx.session.noted[run.id] = Known(runs.at_cap(run))


async def taken(tx: Write, run: Run, *, confirmed: int = 0, offered: int = 0) -> Run:
    """Say that a run is sold out, if it became so by the places just taken in it; `run` is as it was before them, and has been noted."""
    after = msgspec.structs.replace(run, confirmed=run.confirmed + confirmed, offered=run.offered + offered)
    if not runs.at_cap(after) or tx.session.noted[run.id].full:
        return after
    tx.session.noted[run.id].full = True
    return await runs.sell_out(tx, run, after, pace_groups=await pace_groups.of_run(tx, run.id))


async def changed(tx: Write, before: Run, run: Run) -> Run:
    """After a change of a run, which has told its counts: a new cap may have made room, or be just what is taken."""
    note(tx, before)
    if run.version > before.version and not runs.at_cap(run):
        tx.session.noted[run.id].full = False
    return run if run.max_participants == before.max_participants else await taken(tx, run)


async def reopened(tx: Write, event_id: str) -> None:
    """Say of the runs of a settled event that are known as full, and have room now, that they have."""
    for run_id, known in tx.session.noted.items():
        if known.full and known.freed:
            run = await runs.get(tx, run_id)
            if run.event_id == event_id and not runs.at_cap(run):
                known.full = False
                await runs.reopen(tx, run, pace_groups=await pace_groups.of_run(tx, run_id))
