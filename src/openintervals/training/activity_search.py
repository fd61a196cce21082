"""Searches among an athlete's activities: by name, tag or field, by what is near in time, by the intervals in them. They only read.

A search walks the activities page by page, newest first, and stops when it has found enough; names are compared as people read them, whatever
their case. What changes while somebody searches is seen as it was when the search began, because a read is a snapshot.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Read
from openintervals.training import activities as activity
from openintervals.training import activity_filters
from openintervals.training.activities import activities
from openintervals.training.activity_intervals import EFFORTS, Effort, activity_intervals

PAGE = 500
FOUND_MOST = 10_000
FILTERS_MOST = 50
By = Literal["AUTO", "POWER", "HR", "PACE"]


class Filter(msgspec.Struct, frozen=True, rename={"not_": "not"}):
    """A condition on a field of what is served: one of several values, or with `operator` gt, ge, lt, le or contains."""

    field_id: str
    value: Any = None
    not_: bool = False
    operator: str | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Intervals to look for: work so long and so hard (percent of the threshold), so many times."""

    least_s: int
    most_s: int
    least_intensity: float
    most_intensity: float
    by: By = "AUTO"
    least_times: int = 1
    most_times: int = 999_999


class _Thresholds(msgspec.Struct, frozen=True):
    lthr: int | None = None
    threshold_pace: float | None = None


_THRESHOLDS = msgspec.json.Decoder(_Thresholds)
_TAGS = msgspec.json.Decoder(list[str])


@statement
def _page(which: tuple[str, ...], *, with_intervals: bool) -> sa.Select[Any]:
    a, i = activities.c, activity_intervals.c
    shown = [a[name] for name in ("local_start", "id", *which)]
    source: sa.FromClause = activities
    if with_intervals:
        shown.append(i.intervals)
        source = activities.join(activity_intervals, sa.and_(i.athlete_id == a.athlete_id, i.activity_id == a.id))
    return (
        sa.select(*shown)
        .select_from(source)
        .where(
            own(activities),
            a.local_start >= sa.bindparam("oldest"),
            sa.or_(
                a.local_start < sa.bindparam("before"),
                sa.and_(a.local_start == sa.bindparam("before"), a.id < sa.bindparam("before_id")),
            ),
        )
        .order_by(a.local_start.desc(), a.id.desc())
        .limit(PAGE)
    )


@statement
def _tagged() -> sa.Select[Any]:
    return sa.select(activities.c.tags).where(own(activities), sa.cast(activities.c.tags, schema.Text) != "[]")


@statement
def _near(*, later: bool) -> sa.Select[Any]:
    a = activities.c
    here: sa.BindParameter[str] = sa.bindparam("start_at", type_=sa.Text)
    select = sa.select(a.id, a.start_at, a.served).where(own(activities), a.id != sa.bindparam("id"))
    select = select.where(a.start_at >= here if later else a.start_at < here)
    order = (a.start_at, a.id) if later else (a.start_at.desc(), a.id.desc())
    return select.order_by(*order).limit(sa.bindparam("row_limit", type_=sa.Integer))


@statement
def _of_types(count: int) -> sa.Select[Any]:
    a = activities.c
    types = [sa.bindparam(f"type_{place}", type_=sa.Text) for place in range(count)]
    return (
        sa.select(a.id)
        .where(
            own(activities),
            a.type.in_(types),
            a.local_start >= sa.bindparam("oldest"),
            a.local_start <= sa.bindparam("newest"),
        )
        .order_by(a.local_start, a.id)
    )


async def _pages(
    tx: Read, which: tuple[str, ...], *, oldest: str = "", with_intervals: bool = False
) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
    """Rows from the newest on, so many at once: local start, id, the columns `which`, and perhaps the intervals."""
    before, before_id = "~", "~"
    while True:
        rows = await tx.rows(
            _page(which, with_intervals=with_intervals), oldest=oldest, before=before, before_id=before_id
        )
        yield rows
        if len(rows) < PAGE:
            return
        before, before_id = rows[-1][:2]


async def _walk(
    tx: Read, which: tuple[str, ...], *, oldest: str = "", with_intervals: bool = False
) -> AsyncIterator[tuple[Any, ...]]:
    """The same, one by one."""
    async for rows in _pages(tx, which, oldest=oldest, with_intervals=with_intervals):
        for row in rows:
            yield row


async def called(tx: Read, query: str, limit: int = FOUND_MOST) -> list[msgspec.Raw]:
    """What is served of activities with `query` in their names, in any case, or tagged so where it begins with `#`; newest first."""
    tag = query[1:].strip() if query.startswith("#") else None
    words = query.strip().casefold()
    if not words or tag == "":
        return []
    found: list[str] = []
    async for _, id_, name, tags in _walk(tx, ("name", "tags")):
        if (words in name.casefold()) if tag is None else (tag in _TAGS.decode(tags)):
            found.append(id_)
            if len(found) >= min(limit, FOUND_MOST):
                break
    return await activity.shown_of(tx, found)


async def tags(tx: Read) -> list[str]:
    """Every tag that is used, in the order of the alphabet."""
    return sorted({tag for row in await tx.rows(_tagged()) for tag in _TAGS.decode(row[0])})


async def around(tx: Read, said: str, limit: int = 30) -> list[msgspec.Raw]:
    """What is served of other activities that began near this one, the nearest first. Raises ActivityNotFound."""
    middle = await activity.get(tx, said)
    here = datetime.fromisoformat(middle.start_at)
    rows: list[tuple[Any, ...]] = []
    for later in (True, False):
        rows += await tx.rows(
            _near(later=later), id=middle.id, start_at=middle.start_at, row_limit=min(limit, FOUND_MOST)
        )
    rows.sort(key=lambda row: (abs((datetime.fromisoformat(row[1]) - here).total_seconds()), row[0]))
    return [row[2] for row in rows[:limit]]


async def with_intervals(tx: Read, wanted: Wanted, limit: int = 30) -> list[msgspec.Raw]:
    """What is served of activities that have such intervals, newest first."""
    found: list[msgspec.Raw] = []
    async for _, _, served, intervals in _walk(tx, ("served",), with_intervals=True):
        thresholds = _THRESHOLDS.decode(served)
        times = sum(_fits(each, wanted, thresholds) for each in EFFORTS.decode(intervals))
        if max(wanted.least_times, 1) <= times <= wanted.most_times:
            found.append(served)
            if len(found) >= min(limit, FOUND_MOST):
                break
    return found


def _fits(effort: Effort, wanted: Wanted, thresholds: _Thresholds) -> bool:
    if effort.type != "WORK" or not wanted.least_s <= effort.elapsed_time <= wanted.most_s:
        return False
    intensity = _intensity(effort, wanted.by, thresholds)
    return intensity is not None and wanted.least_intensity <= intensity <= wanted.most_intensity


def _intensity(effort: Effort, by: By, thresholds: _Thresholds) -> float | None:
    """Percent of the threshold; by `AUTO` that of power, else of pace, else of heart rate."""
    speed = effort.gap or effort.average_speed
    ways: dict[str, float | None] = {
        "POWER": effort.intensity,
        "PACE": 100.0 * speed / thresholds.threshold_pace if speed and thresholds.threshold_pace else None,
        "HR": 100.0 * effort.average_heartrate / thresholds.lthr if effort.average_heartrate and thresholds.lthr else None,
    }  # fmt: skip
    if by != "AUTO":
        return ways[by]
    return next((intensity for intensity in ways.values() if intensity is not None), None)


async def of_types(tx: Read, types: Collection[str], oldest: str = "", newest: str = activity.LAST_DAY) -> list[str]:
    """The ids of all activities of some types between two local times, oldest first: those that settings are applied to."""
    if not types:
        return []
    chosen = sorted(set(types))
    named = {f"type_{place}": each for place, each in enumerate(chosen)}
    until = newest if len(newest) > 10 else newest + "T23:59:59"
    return [row[0] for row in await tx.rows(_of_types(len(chosen)), oldest=oldest, newest=until, **named)]


async def passing(tx: Read, filters: Sequence[Filter], oldest: str = "", newest: str = activity.LAST_DAY) -> set[str]:
    """The ids of the activities between two local times that pass all filters. Raises Invalid for what is no filter."""
    if len(filters) > FILTERS_MOST:
        raise errors.Invalid("Too many filters", {"filters": [f"At most {FILTERS_MOST}"]})
    unknown = [each.operator for each in filters if each.operator not in _OPERATORS]
    if unknown:
        raise errors.Invalid("A filter has an unknown operator", {"filters": [f"{unknown[0]!r} is not known"]})
    until = newest if len(newest) > 10 else newest + "T23:59:59"
    read = activity_filters.reader(frozenset(each.field_id for each in filters))
    found = set()
    async for local_start, id_, served in _walk(tx, ("served",), oldest=oldest):
        if local_start <= until and passes(read(served), filters):
            found.add(id_)
    return found


def passes(served: Mapping[str, Any], filters: Sequence[Filter]) -> bool:
    """Whether what is served of an activity passes all filters."""
    return all(_passes(served, each) != each.not_ for each in filters)


def _passes(served: Mapping[str, Any], condition: Filter) -> bool:
    value = activity_filters.value_of(served, condition.field_id)
    wanted = condition.value if isinstance(condition.value, list) else [condition.value]
    return any(_OPERATORS[condition.operator](value, each) for each in wanted)


def _is(value: Any, wanted: Any) -> bool:
    if isinstance(value, list):
        return wanted in value
    if isinstance(value, bool) or isinstance(wanted, bool):
        return bool(value) == (wanted in (True, "true", "True", 1, "1"))
    return bool(value == wanted) or (value is not None and str(value) == str(wanted))


def _contains(value: Any, wanted: Any) -> bool:
    return str(wanted).casefold() in str(value or "").casefold()


def _compared(value: Any, wanted: Any) -> float:
    """How much more a value is than what is wanted; NaN where they are no numbers."""
    try:
        return float(value) - float(wanted)
    except (TypeError, ValueError):
        return math.nan


_OPERATORS: dict[str | None, Callable[[Any, Any], bool]] = {
    None: _is,
    "eq": _is,
    "contains": _contains,
    "gt": lambda value, wanted: _compared(value, wanted) > 0,
    "ge": lambda value, wanted: _compared(value, wanted) >= 0,
    "lt": lambda value, wanted: _compared(value, wanted) < 0,
    "le": lambda value, wanted: _compared(value, wanted) <= 0,
}


async def table(tx: Read, fields: Sequence[str]) -> list[tuple[Any, ...]]:
    """Some fields of every activity, newest first, None for what has no value."""
    read = _table_reader(tuple(fields))
    found: list[tuple[Any, ...]] = []
    async for rows in _pages(tx, ("served",)):
        found += await asyncio.to_thread(read, [row[2] for row in rows])
    return found


@lru_cache(8)
def _table_reader(fields: tuple[str, ...]) -> Callable[[Sequence[msgspec.Raw]], list[tuple[Any, ...]]]:
    decode = msgspec.json.Decoder(msgspec.defstruct("Row", [(each, Any, None) for each in fields])).decode
    return lambda page: [msgspec.structs.astuple(decode(served)) for served in page]
