"""Intervals of an activity, as the Intervals.icu API speaks of them: one document of intervals and of groups of those that are alike.

Of what is sent only borders and labels count; every number is reckoned from the recording, and whatever nobody marks becomes intervals too. So
each answer is the whole document anew.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType, field

from openintervals import errors
from openintervals.api.http import Read, Write
from openintervals.api.icu import dialect
from openintervals.api.icu.dialect import Line, Query, Wire, WireIn, icu
from openintervals.training import activities, activity_edits, activity_intervals, activity_stretches
from openintervals.training.activity_intervals import Intervals, Mark
from openintervals.training.activity_stretches import EFFORTS_MOST, NoRecords
from openintervals.training.streams import NoSuchType

NUMBER_DIGITS_MOST = 9

_INTEGERS = (
    "average_heartrate", "average_watts", "average_watts_alt", "average_watts_alt_acc", "elapsed_time", "intensity", "joules",
    "joules_above_ftp", "max_cadence", "max_heartrate", "max_watts", "min_cadence", "min_heartrate", "min_watts", "moving_time",
    "prevailing_wind_deg", "wbal_end", "wbal_start", "weighted_average_watts", "zone", "zone_max_watts", "zone_min_watts",
)  # fmt: skip
_FLOATS = (
    "average_cadence", "average_dfa_a1", "average_epoc", "average_feels_like", "average_gradient", "average_lactate",
    "average_respiration", "average_smo2", "average_smo2_2", "average_speed", "average_stance_time", "average_step_length",
    "average_stride", "average_temp", "average_thb", "average_thb_2", "average_tidal_volume", "average_tidal_volume_min",
    "average_torque", "average_vertical_oscillation", "average_vertical_ratio", "average_watts_kg", "average_weather_temp",
    "average_wind_gust", "average_wind_speed", "average_yaw", "avg_lr_balance", "decoupling", "distance", "gap", "headwind_percent",
    "max_altitude", "max_lactate", "max_speed", "max_torque", "max_watts_kg", "min_altitude", "min_lactate", "min_speed",
    "min_torque", "ss_cp", "ss_p_max", "ss_w_prime", "strain_score", "tailwind_percent", "total_elevation_gain", "training_load",
    "w5s_variability",
)  # fmt: skip
_NUMBERS: list[Any] = [
    *((name, int | None, None) for name in _INTEGERS),
    *((name, float | None, None) for name in _FLOATS),
]


class Stretch(Wire, frozen=True, kw_only=True):
    """Records from `start_index` up to `end_index`, which is exclusive."""

    id: int | None = None
    type: Literal["WORK", "RECOVERY"] | None = None
    label: str | None = None
    group_id: str | None = None
    start_index: int
    end_index: int
    start_time: int | None = None
    end_time: int | None = None
    segment_effort_ids: list[int] | None = None


class Alike(Wire, frozen=True, kw_only=True):
    """How many there are, and where the first begins."""

    id: str
    count: int
    start_index: int


def _with_numbers(name: str, base: type[Wire], doc: str) -> Any:
    shape = msgspec.defstruct(name, _NUMBERS, bases=(base,), module=__name__, frozen=True, kw_only=True)
    shape.__doc__ = doc
    return shape


if TYPE_CHECKING:

    class Interval(Stretch, frozen=True, kw_only=True):
        """An interval."""

    class IntervalGroup(Alike, frozen=True, kw_only=True):
        """A group."""
else:
    Interval = _with_numbers(
        "Interval",
        Stretch,
        "An interval: records from `start_index` up to `end_index`, which is exclusive. Seconds, metres, m/s, watts, joules, bpm; "
        "null for what is not known. A part of an activity that is no interval has no id and no type.",
    )
    IntervalGroup = _with_numbers(
        "IntervalGroup",
        Alike,
        "Intervals that are alike: how many, where the first begins, and their means, maxima and minima.",
    )


class ActivityIntervals(Wire, frozen=True, kw_only=True):
    """All intervals of an activity, which together hold each record once, and groups of those that are alike."""

    id: str
    analyzed: dialect.InstantOut | None
    icu_intervals: list[Interval]
    icu_groups: list[IntervalGroup]


Start = Annotated[int, msgspec.Meta(description="The first record.", examples=[0])]
End = Annotated[int, msgspec.Meta(description="The record after the last.", examples=[300])]


class IntervalIn(WireIn, frozen=True, kw_only=True):
    """An interval to mark: its borders, and what to call it. Everything else is reckoned."""

    start_index: Start
    end_index: End
    label: Line | None = None


class IntervalUpdate(WireIn, frozen=True, kw_only=True):
    """What to change of an interval; of a new one both borders."""

    start_index: Start | UnsetType = UNSET
    end_index: End | UnsetType = UNSET
    label: Line | None | UnsetType = UNSET


class UpdateQuery(Query, frozen=True, kw_only=True):
    replace: Annotated[
        bool, msgspec.Meta(description="Whether these count alone; with `false` they lie over those there are.")
    ] = field(default=True, name="all")


class SplitQuery(Query, frozen=True, kw_only=True):
    split_at: Annotated[int, msgspec.Meta(description="The record that begins the second part.", examples=[100])] = (
        field(name="splitAt")
    )


class StatsQuery(Query, frozen=True, kw_only=True):
    start_index: Start
    end_index: End


class EffortsQuery(Query, frozen=True, kw_only=True):
    stream: Annotated[Line, msgspec.Meta(description="In which stream to look, such as `watts`.", examples=["watts"])]
    duration_s: Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="Seconds that each has.")] | None = field(
        default=None, name="duration"
    )
    distance_m: (
        Annotated[float, msgspec.Meta(gt=0, le=100_000_000, description="Metres that each has, instead.")] | None
    ) = field(default=None, name="distance")
    count: Annotated[int, msgspec.Meta(ge=1, le=EFFORTS_MOST, description="How many at most.")] = 8
    least: Annotated[float, msgspec.Meta(description="The lowest mean of interest.")] | None = field(
        default=None, name="minValue"
    )
    outside_work: Annotated[bool, msgspec.Meta(description="Leave out what is a work interval already.")] = field(
        default=False, name="excludeIntervals"
    )
    start_index: Annotated[int, msgspec.Meta(ge=0, description="The first record to look at.")] = field(
        default=0, name="startIndex"
    )
    end_index: Annotated[int, msgspec.Meta(ge=0, description="The record after the last; 0 is all.")] = field(
        default=0, name="endIndex"
    )


class Effort(Wire, frozen=True, kw_only=True):
    """One of the best parts: records from and up to, mean, seconds, and metres where they are known."""

    start_index: int
    end_index: int
    average: float
    duration: int
    distance: float | None


class BestEfforts(Wire, frozen=True, kw_only=True):
    """Best first; none overlaps another."""

    efforts: list[Effort]


@icu.operation("GET", "/activity/{activity_id}/intervals", scope="ACTIVITY:READ", tag="Activities")
async def get_intervals(tx: Read, activity_id: str) -> ActivityIntervals:
    """Retrieve intervals

    The device's laps or what analysis has found to be hard, unless people have marked others.
    """
    return await _document(tx, await activity_intervals.get(tx, activities.addressed(activity_id)))


@icu.operation("PUT", "/activity/{activity_id}/intervals", scope="ACTIVITY:WRITE", tag="Activities")
async def update_intervals(
    tx: Write, activity_id: str, query: UpdateQuery, body: list[IntervalIn]
) -> ActivityIntervals:
    """Mark intervals

    Their borders and labels count. What lies between them becomes intervals as well, and the answer is the whole document, reckoned anew.
    """
    marks = [Mark(each.start_index, each.end_index, each.label) for each in body]
    verb = activity_edits.replace_intervals if query.replace else activity_edits.add_intervals
    return await _document(tx, await verb(tx, activity_id, marks))


@icu.operation("PUT", "/activity/{activity_id}/intervals/{interval_id}", scope="ACTIVITY:WRITE", tag="Activities")
async def update_interval(tx: Write, activity_id: str, interval_id: str, body: IntervalUpdate) -> ActivityIntervals:
    """Change an interval, or mark a new one

    What is not sent stays. An id that no interval has is a new one, which needs both borders; ids are given anew, in order of time.
    """
    if not (interval_id.isascii() and interval_id.isdigit() and len(interval_id) <= NUMBER_DIGITS_MOST):
        raise errors.NotFound(f"There is no interval {interval_id[:40]!r}; they are called by numbers")
    number = int(interval_id)
    activity = await activities.lock(tx, activity_id)
    present = await activity_intervals.get(tx, activity.id)
    given = {name: getattr(body, name) for name in body.__struct_fields__ if getattr(body, name) is not UNSET}
    mark = activity_intervals.completed(present, number, given)
    return await _document(tx, await activity_edits.change_interval(tx, activity.id, number, mark))


@icu.operation("PUT", "/activity/{activity_id}/delete-intervals", scope="ACTIVITY:WRITE", tag="Activities")
async def delete_intervals(tx: Write, activity_id: str, body: list[IntervalIn]) -> ActivityIntervals:
    """Delete intervals

    Those with the borders that are sent; one that is not there is passed over. Their records become one interval with what is easy beside them.
    """
    doomed = {(each.start_index, each.end_index) for each in body}
    return await _document(tx, await activity_edits.delete_intervals(tx, activity_id, doomed))


@icu.operation("PUT", "/activity/{activity_id}/split-interval", scope="ACTIVITY:WRITE", tag="Activities")
async def split_interval(tx: Write, activity_id: str, query: SplitQuery) -> ActivityIntervals:
    """Split an interval

    The one that holds the record `splitAt`, with which a new one begins. Where one begins already nothing changes.
    """
    return await _document(tx, await activity_edits.split_interval(tx, activity_id, query.split_at))


@icu.operation(
    "GET", "/activity/{activity_id}/interval-stats", scope="ACTIVITY:READ", tag="Activities", fails=(NoRecords,)
)
async def get_interval_stats(tx: Read, activity_id: str, query: StatsQuery) -> Interval:
    """Measure a part of an activity

    As if it were an interval.
    """
    return Interval(**await activity_stretches.numbers(tx, activity_id, query.start_index, query.end_index))


@icu.operation(
    "GET",
    "/activity/{activity_id}/best-efforts",
    scope="ACTIVITY:READ",
    tag="Activities",
    fails=(NoRecords, NoSuchType),
    examples={"duration": 60},
)
async def find_best_efforts(tx: Read, activity_id: str, query: EffortsQuery) -> BestEfforts:
    """Find the best efforts

    The parts with the highest mean of a stream that have a duration, or a distance; one of the two must be sent. A second is in one of them at most.
    """
    found = await activity_stretches.best(
        tx,
        activity_id,
        query.stream,
        duration_s=query.duration_s,
        distance_m=query.distance_m,
        count=query.count,
        least=query.least,
        start_index=query.start_index,
        end_index=query.end_index or None,
        outside_work=query.outside_work,
    )
    return BestEfforts(
        efforts=[
            Effort(
                start_index=each.start_index,
                end_index=each.end_index,
                average=round(each.average, 4),
                duration=each.duration_s,
                distance=None if each.distance_m is None else round(each.distance_m, 2),
            )
            for each in found
        ]
    )


_INTERVALS = msgspec.json.Decoder(list[Interval])
_GROUPS = msgspec.json.Decoder(list[IntervalGroup])


def shown(found: Intervals) -> tuple[list[Interval], list[IntervalGroup]]:
    """Intervals and groups with all their fields, null for what is not known."""
    return _INTERVALS.decode(found.intervals), _GROUPS.decode(found.groups)


async def _document(tx: Read, found: Intervals) -> ActivityIntervals:
    activity = await activities.get(tx, found.activity_id)
    intervals, groups = shown(found)
    return ActivityIntervals(
        id=activity.id,
        analyzed=activity.analyzed_at and dialect.instant(activity.analyzed_at),
        icu_intervals=intervals,
        icu_groups=groups,
    )
