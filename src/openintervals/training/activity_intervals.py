"""Intervals of an activity: work and recovery, in order, each record in exactly one of them.    with its activity's analysis

They come from analysis, or from people who marked them: `marked` holds what people said, as records from and up to and a label, and is null as
long as nobody has. All numbers are reckoned from the recording whenever it is analysed, so the same borders always give the same intervals;
that is why people's are kept as borders alone. The verbs below give new borders; `activity_edits` analyses with them under the activity's lock.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from openintervals import errors
from openintervals.analysis import spans
from openintervals.analysis.spans import SPANS_MOST, Span
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Write

LABEL_MOST = 200

activity_intervals = schema.owned(
    "activity_intervals",
    sa.Column("activity_id", schema.Text, nullable=False),
    sa.Column("intervals", schema.Json, nullable=False),
    sa.Column("groups", schema.Json, nullable=False),
    sa.Column("marked", schema.Json),
    key=("activity_id",),
)


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """Records from `start_index` up to, not including, `end_index`, as people marked them."""

    start_index: int
    end_index: int
    label: str | None = None


class Intervals(msgspec.Struct, frozen=True):
    """Intervals and groups as JSON by the names of the wire; `marked` are people's borders, None where nobody marked any."""

    activity_id: str
    intervals: msgspec.Raw
    groups: msgspec.Raw
    marked: msgspec.Raw | None

    def spans(self) -> list[Span] | None:
        """What people marked."""
        return None if self.marked is None else [_span(mark) for mark in _MARKS.decode(self.marked)]


class _Numbered(msgspec.Struct, frozen=True):
    id: int
    start_index: int
    end_index: int
    type: str
    label: str | None = None


class Effort(msgspec.Struct, frozen=True):
    """What searches look at."""

    type: str
    elapsed_time: int
    intensity: int | None = None
    average_heartrate: int | None = None
    average_speed: float | None = None
    gap: float | None = None


_MARKS = msgspec.json.Decoder(list[Mark])
_NUMBERED = msgspec.json.Decoder(list[_Numbered])
EFFORTS = msgspec.json.Decoder(list[Effort])


@statement
def _put() -> sa.Insert:
    insert = postgresql.insert(activity_intervals)
    return insert.on_conflict_do_update(
        index_elements=["athlete_id", "activity_id"],
        set_={name: insert.excluded[name] for name in ("intervals", "groups", "marked")},
    )


@statement
def _get() -> sa.Select[Any]:
    return sa.select(*columns(Intervals, activity_intervals)).where(
        own(activity_intervals), activity_intervals.c.activity_id == sa.bindparam("id")
    )


@statement
def _delete() -> sa.Delete:
    return sa.delete(activity_intervals).where(
        own(activity_intervals), activity_intervals.c.activity_id == sa.bindparam("id")
    )


def _span(mark: Mark) -> Span:
    return Span(mark.start_index, mark.end_index, mark.label)


def packed(marked: Iterable[Span] | None) -> str | None:
    """What people marked, as it is stored."""
    if marked is None:
        return None
    return msgspec.json.encode([Mark(each.start_index, each.end_index, each.label) for each in marked]).decode()


async def put(tx: Write, activity_id: str, intervals: str, groups: str, marked: Iterable[Span] | None) -> None:
    """Store the intervals of an activity in place of those it had."""
    await tx.put(_put(), activity_id=activity_id, intervals=intervals, groups=groups, marked=packed(marked))


async def get(tx: Read, activity_id: str) -> Intervals:
    """The intervals of an activity; none of one that was never recorded."""
    found = await tx.one(Intervals, _get(), id=activity_id)
    return found or Intervals(activity_id, msgspec.Raw(b"[]"), msgspec.Raw(b"[]"), None)


async def delete(tx: Write, activity_id: str) -> None:
    await tx.put_any(_delete(), id=activity_id)


# Borders


def _checked(wanted: Sequence[Mark], records: int) -> list[Span]:
    """Raises Invalid for what is no stretch of the activity."""
    if len(wanted) > SPANS_MOST:
        raise errors.Invalid("Too many intervals", {"intervals": [f"At most {SPANS_MOST} can be marked"]})
    for place, mark in enumerate(wanted):
        if not 0 <= mark.start_index < mark.end_index:
            raise errors.Invalid(
                f"Interval {place + 1} must end after it starts: end_index is exclusive", {"end_index": ["Too small"]}
            )
        if mark.start_index >= records:
            raise errors.Invalid(
                f"Interval {place + 1} starts behind the last of {records} records", {"start_index": ["Too large"]}
            )
    return [
        Span(mark.start_index, min(mark.end_index, records), (mark.label or "")[:LABEL_MOST] or None) for mark in wanted
    ]


def _partition(records: int, wanted: Sequence[Span]) -> list[Span]:
    try:
        return spans.partition(records, wanted)
    except spans.TooMany as wrong:
        raise errors.Invalid(f"Too many intervals: {wrong}", {"intervals": [f"At most {SPANS_MOST}"]}) from None


def replaced(wanted: Sequence[Mark], records: int) -> list[Span]:
    """Borders when people's intervals count alone; what they leave out becomes intervals too. Raises Invalid."""
    return _partition(records, _checked(wanted, records))


def added(present: Intervals, wanted: Sequence[Mark], records: int) -> list[Span]:
    """Borders when people's intervals are laid over those there are, which lose what they cover. Raises Invalid."""
    new = _checked(wanted, records)
    pieces = [Span(each.start_index, each.end_index, each.label) for each in _NUMBERED.decode(present.intervals)]
    for span in new:
        left: list[Span] = []
        for piece in pieces:
            if piece.end_index <= span.start_index or piece.start_index >= span.end_index:
                left.append(piece)
                continue
            if piece.start_index < span.start_index:
                left.append(Span(piece.start_index, span.start_index, piece.label))
            if piece.end_index > span.end_index:
                left.append(Span(span.end_index, piece.end_index, piece.label))
        pieces = left
    return _partition(records, [*pieces, *new])


def changed(present: Intervals, number: int, mark: Mark, records: int) -> list[Span]:
    """Borders when the interval of a number is another stretch, or a new one where there is no such number. Raises Invalid."""
    rest = [
        Mark(each.start_index, each.end_index, each.label)
        for each in _NUMBERED.decode(present.intervals)
        if each.id != number
    ]
    easier = msgspec.structs.replace(present, intervals=_numbered(rest))
    return added(easier, [mark], records)


def completed(present: Intervals, number: int, given: Mapping[str, Any]) -> Mark:
    """What is given of an interval over what it is; of a new one both borders are needed. Raises Invalid."""
    own_values = next((each for each in _NUMBERED.decode(present.intervals) if each.id == number), None)
    before = {} if own_values is None else {name: getattr(own_values, name) for name in Mark.__struct_fields__}
    after = {**before, **given}
    if missing := {name: ["Required"] for name in ("start_index", "end_index") if after.get(name) is None}:
        raise errors.Invalid(f"There is no interval {number}; a new one needs its borders", missing)
    return Mark(after["start_index"], after["end_index"], after.get("label"))


def work(present: Intervals) -> list[tuple[int, int]]:
    """The records from and up to of what is work."""
    return [(each.start_index, each.end_index) for each in _NUMBERED.decode(present.intervals) if each.type == "WORK"]


def _numbered(marks: Sequence[Mark]) -> msgspec.Raw:
    rows = [
        _Numbered(number, mark.start_index, mark.end_index, "WORK", mark.label) for number, mark in enumerate(marks, 1)
    ]
    return msgspec.Raw(msgspec.json.encode(rows))


def split(present: Intervals, at: int, records: int) -> list[Span]:
    """Borders when the interval that holds record `at` is cut there. Raises Invalid for what is not within the activity."""
    if not 0 <= at < records:
        raise errors.Invalid("There is nothing to split there", {"splitAt": [f"Expected 0 to {max(records - 1, 0)}"]})
    now = [Span(each.start_index, each.end_index, each.label) for each in _NUMBERED.decode(present.intervals)]
    return _partition(records, spans.split(now, at))


def without(present: Intervals, doomed: Collection[tuple[int, int]], records: int) -> list[Span]:
    """Borders when the intervals from and up to these records are gone: they and easy ones beside them become one."""
    every = _NUMBERED.decode(present.intervals)
    now = [Span(each.start_index, each.end_index, each.label) for each in every]
    easy = [Span(each.start_index, each.end_index, each.label) for each in every if each.type == "RECOVERY"]
    return spans.without(records, now, [Span(start, end) for start, end in doomed], easy)
