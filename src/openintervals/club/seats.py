"""Seats: a place taken or freed in all that count it at once, the event, the run and the pace group.

Whoever takes a place looks for an obstacle first; the event's lock keeps what was seen true. The three counts then move together, each by a
statement that is conditional on its cap, so that even a caller that did not look cannot oversell: its whole transaction fails.
"""

from openintervals.club import events, pace_groups, places, runs
from openintervals.club.events import Event
from openintervals.club.pace_groups import PaceGroup
from openintervals.club.runs import Run
from openintervals.db.transaction import Write


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
    """Move the counts of a locked event, its run and, if declared, the pace group, where no obstacle was found."""
    await events.count(tx, event_id, confirmed=confirmed, offered=offered)
    await runs.count(tx, run_id, confirmed=confirmed, offered=offered)
    if group is not None:
        await pace_groups.count(tx, group, confirmed=confirmed, offered=offered)
