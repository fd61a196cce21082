"""Edits of an activity: what people say of it, the streams they write back, the intervals they mark, and its end.

What is sent changes, and nothing else: -1 clears a number and "" a text, null and unknown names are passed over, and what analysis says anyway is
no edit. People's words lie over those of analysis and stay when it is done again; `recompute` with the same recording and settings changes
nothing. What analysis measures by (`activity_fields.MEASURED_BY`), streams and intervals have the activity analysed in one go with the edit.
Every verb locks the activity's row first, so of two that edit at once the second sees what the first has done. Analysis itself takes 5 to 500 ms,
by the length of the recording, and is done apart from the transaction: nobody waits for it, and it counts if nothing it rests on has changed by then.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from openintervals import errors, instants
from openintervals.analysis.spans import Span
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Write
from openintervals.formats.recording import Channels
from openintervals.training import (
    activities,
    activity_analysis,
    activity_curves,
    activity_fields,
    activity_intervals,
    athletes,
    recordings,
    streams,
    tombstones,
)
from openintervals.training.activities import Activity, Whole
from openintervals.training.activity_analysis import Measured, Place
from openintervals.training.activity_intervals import Intervals, Mark
from openintervals.training.streams import Changed

_KEPT = ("type", "name", "start_date_local")  # what a recording says itself


@statement
def _flagged() -> sa.Select[Any]:
    c = activities.activities.c
    return (
        sa.select(c.id)
        .where(
            own(activities.activities),
            c.start_at > sa.bindparam("oldest"),
            c.start_at < sa.bindparam("newest"),
            c.possible_duplicate_of == sa.bindparam("gone"),
        )
        .order_by(c.created_at, c.id)
    )


async def change(tx: Write, said: str, given: Mapping[str, Any]) -> Whole:
    """Set what is given of an activity. Raises ActivityNotFound, Invalid with every wrong field."""
    values, wrong = activity_fields.accepted(given)
    if wrong:
        raise errors.Invalid("The activity cannot be changed", wrong)
    before = await activities.lock(tx, said)
    computed, earlier = before.of_analysis(), before.of_people()
    edited = activity_fields.merged(computed, earlier, values)
    different = {name for name in {**edited, **earlier} if edited.get(name, ...) != earlier.get(name, ...)}
    if not different:
        return before
    if different & activity_fields.MEASURED_BY:
        return await _analysed(tx, before, edited)
    return await _stored(tx, before, computed, edited)


async def recompute(tx: Write, said: str, *, on: str | None = None) -> Whole:
    """Analyse an activity anew, by the settings of its day as they are now, or from now on by those of the day `on`. Raises ActivityNotFound."""
    before = await activities.lock(tx, said)
    return await _analysed(tx, before, before.of_people(), on=on)


async def write_streams(tx: Write, said: str, given: Channels) -> Changed:
    """Lay people's version over an activity's streams, and analyse it. Raises ActivityNotFound, Invalid by stream."""
    before = await activities.lock(tx, said)
    present = await streams.read(tx, before.id)
    after, changed = streams.laid_over(present, given)
    await streams.overlay(tx, before.id, present, after)
    if await recordings.get(tx, before.id) is None:
        raise errors.Invalid("This activity was entered by hand and has no recording to write streams to")
    await _analysed(tx, before, before.of_people(), also=("streams",))
    return changed


async def replace_intervals(tx: Write, said: str, wanted: Sequence[Mark]) -> Intervals:
    """Let people's intervals count instead of those there are. Raises ActivityNotFound, Invalid."""
    before = await activities.lock(tx, said)
    return await _mark(tx, before, activity_intervals.replaced(wanted, await _records(tx, before)))


async def add_intervals(tx: Write, said: str, wanted: Sequence[Mark]) -> Intervals:
    """Lay people's intervals over those there are. Raises ActivityNotFound, Invalid."""
    before = await activities.lock(tx, said)
    present = await activity_intervals.get(tx, before.id)
    return await _mark(tx, before, activity_intervals.added(present, wanted, await _records(tx, before)))


async def change_interval(tx: Write, said: str, number: int, mark: Mark) -> Intervals:
    """Let the interval of a number be another stretch, or mark a new one. Raises ActivityNotFound, Invalid."""
    before = await activities.lock(tx, said)
    present = await activity_intervals.get(tx, before.id)
    return await _mark(tx, before, activity_intervals.changed(present, number, mark, await _records(tx, before)))


async def split_interval(tx: Write, said: str, at: int) -> Intervals:
    """Cut the interval that holds record `at`, so that a new one begins there. Raises ActivityNotFound, Invalid."""
    before = await activities.lock(tx, said)
    present = await activity_intervals.get(tx, before.id)
    return await _mark(tx, before, activity_intervals.split(present, at, await _records(tx, before)))


async def delete_intervals(tx: Write, said: str, doomed: Collection[tuple[int, int]]) -> Intervals:
    """Take intervals away, by the records they are from and up to. Raises ActivityNotFound."""
    before = await activities.lock(tx, said)
    present = await activity_intervals.get(tx, before.id)
    return await _mark(tx, before, activity_intervals.without(present, doomed, await _records(tx, before)))


async def forget_intervals(tx: Write, said: str) -> Intervals:
    """Let analysis find the intervals again, whatever people marked. Raises ActivityNotFound."""
    return await _mark(tx, await activities.lock(tx, said), None)


async def delete(tx: Write, said: str) -> str:
    """Delete an activity and all that is said of it, and leave a tombstone; gives its id. The original stays, and nothing is a duplicate of it.

    Raises ActivityNotFound."""
    await athletes.lock(tx)
    before = await activities.lock(tx, said)
    await streams.delete(tx, before.id)
    await activity_curves.delete(tx, before.id)
    await activity_intervals.delete(tx, before.id)
    await recordings.delete(tx, before.id)
    await tombstones.lay(tx, before)
    await activities.delete(tx, before)
    await _unflag(tx, before)
    return before.id


async def _unflag(tx: Write, gone: Whole) -> None:
    """Let no activity be a possible duplicate of one that is gone: of several that were, the others now are of the first."""
    oldest = activities.earliest(gone.start_at)
    first: Activity | None = None
    for row in await tx.rows(_flagged(), gone=gone.id, oldest=oldest, newest=gone.end_at):
        flagged = await activities.lock(tx, row[0])
        twin = first.id if first and first.start_at < flagged.end_at and flagged.start_at < first.end_at else None
        after = msgspec.structs.replace(flagged, possible_duplicate_of=twin)
        await activities.change(tx, flagged, after, flagged.of_analysis(), flagged.of_people())
        first = first or flagged


async def _records(tx: Write, before: Whole) -> int:
    """How many records an activity has. Raises Invalid where it has none."""
    time = (await streams.read(tx, before.id, [streams.TIME])).get(streams.TIME)
    if time is None:
        raise errors.Invalid("This activity has no records, and so no intervals")
    return len(time)


async def _mark(tx: Write, before: Whole, marked: Sequence[Span] | None) -> Intervals:
    await _analysed(tx, before, before.of_people(), marked, also=("intervals",))
    return await activity_intervals.get(tx, before.id)


async def _analysed(
    tx: Write,
    before: Whole,
    edited: Mapping[str, Any],
    marked: Sequence[Span] | None | type[Mark] = Mark,
    also: Sequence[str] = (),
    on: str | None = None,
) -> Whole:
    """Analyse a locked activity, with the intervals people marked unless others are given."""
    kept = await recordings.get(tx, before.id)
    if kept is None:
        return await _stored(tx, before, before.of_analysis(), edited)
    present = await activity_intervals.get(tx, before.id)
    spans = present.spans() if isinstance(marked, type) else marked
    recorded = recordings.as_activity(kept, await streams.read(tx, before.id))
    bearings = await activity_analysis.bearings(tx)
    place = _place(before, edited)
    day = on or before.measured_on

    def work() -> Measured:
        return activity_analysis.measured(recorded, bearings, place, edited=edited, marked=spans, on=day)

    try:
        measured = await tx.apart((before.id, before.version, bearings, edited, spans, day), work)
    except activity_analysis.TooLong as wrong:
        raise errors.Invalid("The activity cannot be analysed like this", {streams.TIME: [str(wrong)]}) from wrong
    computed = measured.computed | {name: before.of_analysis()[name] for name in _KEPT}
    # A person's word that analysis would say by itself is still a person's word here: only who says it anew takes it back.
    found = (measured.intervals.encode(), measured.groups.encode(), activity_intervals.packed(spans))
    stored = (bytes(present.intervals), bytes(present.groups), present.marked and bytes(present.marked).decode())
    if found != stored:
        await activity_intervals.put(tx, before.id, measured.intervals, measured.groups, spans)
    await activity_curves.put(tx, before.id, measured.curves, new=False)
    if found == stored and also == ("intervals",):
        also = ()
    after = msgspec.structs.replace(
        before, analysis_version=activity_analysis.VERSION, analyzed_at=tx.now_text, measured_on=day
    )
    return await _stored(tx, after, computed, edited, also, before)


async def _stored(
    tx: Write,
    after: Whole,
    computed: Mapping[str, Any],
    edited: Mapping[str, Any],
    also: Sequence[str] = (),
    before: Whole | None = None,
) -> Whole:
    place = _place(after, edited)
    end_at = place.end_at
    if after.file_hash is None:
        computed = _by_hand(computed, edited)
        end_at = instants.text(instants.parse(place.start_at) + activity_fields.lasted({**computed, **edited}))
    columns: Mapping[str, Any] = {
        **activity_fields.as_columns(activity_fields.shown(computed, edited)),
        "start_at": place.start_at,
        "end_at": end_at,
    }
    changed: Activity = msgspec.structs.replace(after, **columns)
    return await activities.change(tx, before or after, changed, computed, edited, also)


def _by_hand(computed: Mapping[str, Any], edited: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from what people say by now; what they said first of type and start is still what counts without their edits."""
    first = {name: computed[name] for name in ("type", "start_date_local")}
    return activity_fields.by_hand({**first, **edited}) | first


def _place(activity: Whole, edited: Mapping[str, Any]) -> Place:
    """When an activity was, if people have moved its start: it ends as much later or earlier."""
    local = edited.get("start_date_local") or activity.of_analysis()["start_date_local"]
    if local == activity.local_start:
        return Place(activity.start_at, activity.end_at, local, activity.timezone)
    start = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(activity.timezone)).astimezone(UTC)
    end = start + (instants.parse(activity.end_at) - instants.parse(activity.start_at))
    return Place(instants.text(start), instants.text(end), local, activity.timezone)
