"""What an activity looks like on the wire: the kinds of its fields come from `activity_fields`, which knows who says each.

The domain keeps what is served as JSON, and answers are copies of it; the shapes here say what is in them, and what may come in.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from openintervals.api.answers import Stored
from openintervals.api.icu import dialect
from openintervals.api.icu.activity_intervals import Interval, IntervalGroup
from openintervals.api.icu.dialect import SportType, Wire, WireIn
from openintervals.training import activity_fields
from openintervals.training.sport_values import GapModel, HrLoadType, Order, PaceLoadType

SHAPES_KEPT = 256
IN_THREAD_FROM = 300  # activities to take apart: from here on it takes more than a millisecond
Source = Literal[
    "STRAVA", "UPLOAD", "MANUAL", "GARMIN_CONNECT", "OAUTH_CLIENT", "DROPBOX", "POLAR", "SUUNTO", "COROS", "WAHOO",
    "ZWIFT", "ZEPP", "CONCEPT2", "HUAWEI",
]  # fmt: skip
SubType = Literal["NONE", "COMMUTE", "WARMUP", "COOLDOWN", "RACE"]


class Ignore(Wire, frozen=True, kw_only=True):
    """Records from and up to which some of what was recorded is ignored."""

    start_index: int
    end_index: int
    power: bool = False
    pace: bool = False
    hr: bool = False


class ZoneTime(Wire, frozen=True, kw_only=True):
    """Seconds in a power zone: `Z1` and so on, `SS` for the sweet spot."""

    id: str
    secs: int


class HRRecovery(Wire, frozen=True, kw_only=True):
    """The largest fall of the heart rate within a minute."""

    start_index: int
    end_index: int
    start_time: int
    end_time: int
    start_bpm: int
    end_bpm: int
    average_watts: int | None = None
    hrr: int


class FileWarning(msgspec.Struct, frozen=True):
    """What was wrong with the file, and at which byte, where that is known."""

    code: str
    message: str
    offset: int | None


_OTHERS: dict[str, Any] = {
    "gap_zone_times": list[int],
    "icu_hr_zone_times": list[int],
    "pace_zone_times": list[int],
    "icu_hr_zones": list[int],
    "icu_power_zones": list[int],
    "pace_zones": list[float],
    "icu_hrr": HRRecovery,
    "icu_zone_times": list[ZoneTime],
    "ignore_parts": list[Ignore],
    "interval_summary": list[str],
    "power_field_names": list[str],
    "recording_stops": list[int],
    "skyline_chart_bytes": list[str],
    "stream_types": list[str],
    "tags": list[str],
    "warnings": list[FileWarning],
    "gear": dict[str, Any],
    "type": SportType,
    "sub_type": SubType,
    "source": Source,
    "tiz_order": Order,
    "gap_model": GapModel,
    "hr_load_type": HrLoadType,
    "pace_load_type": PaceLoadType,
    "description": dialect.Prose,
    **dict.fromkeys(("analyzed", "created", "updated", "icu_sync_date"), dialect.InstantOut),
}
_ALWAYS = frozenset(
    {"id", "icu_athlete_id", "start_date", "start_date_local", "timezone", "type", "name", "source", "created", "updated"}
)  # fmt: skip


def _kind(name: str) -> Any:
    if name in _OTHERS:
        return _OTHERS[name]
    if name in activity_fields.INTEGERS:
        return int
    if name in activity_fields.NUMBERS:
        return float
    if name in activity_fields.FLAGS:
        return bool
    return str if name in activity_fields.TEXTS else list[Any]


def _shape(name: str, doc: str, more: dict[str, Any]) -> Any:
    kinds = {each: _kind(each) for each in activity_fields.FIELDS} | more
    fields: list[Any] = [(each, kind if each in _ALWAYS else kind | None) for each, kind in kinds.items()]
    shape = msgspec.defstruct(name, fields, bases=(Wire,), module=__name__, frozen=True, kw_only=True)
    shape.__doc__ = doc
    return shape


if TYPE_CHECKING:

    class Activity(Wire, frozen=True, kw_only=True):
        """An activity with everything that is said of it."""

    class ActivityWithIntervals(Activity, frozen=True, kw_only=True):
        """The same, with its intervals."""

    class ActivityFields(msgspec.Struct, frozen=True, kw_only=True):
        """The fields asked for."""

    class ActivityUpdate(WireIn, frozen=True, kw_only=True):
        """What people may say of an activity."""
else:
    Activity = _shape("Activity", "An activity with everything that is said of it; what has no value is null.", {})
    ActivityWithIntervals = _shape(
        "ActivityWithIntervals",
        "An activity with its intervals, and groups of those that are alike.",
        {"icu_intervals": list[Interval], "icu_groups": list[IntervalGroup]},
    )
    ActivityFields = msgspec.defstruct(
        "ActivityFields",
        [(each, _kind(each) | UnsetType, UNSET) for each in activity_fields.FIELDS],
        module=__name__,
        frozen=True,
        kw_only=True,
        omit_defaults=True,
    )
    ActivityFields.__doc__ = """The fields of an activity that were asked for, those that have a value."""
    ActivityUpdate = msgspec.defstruct(
        "ActivityUpdate",
        [(each, _kind(each) | None | UnsetType, UNSET) for each in sorted(activity_fields.EDITABLE)],
        bases=(WireIn,),
        module=__name__,
        frozen=True,
        kw_only=True,
    )
    ActivityUpdate.__doc__ = """What people may say of an activity. What is not sent, or null, stays; -1 clears a number, an empty text a text."""


class ActivityId(Wire, frozen=True, kw_only=True):
    """Which activity, and whose."""

    id: str
    icu_athlete_id: str


class ActivitySearchResult(Wire, frozen=True, kw_only=True):
    """What a list of activities found says of each."""

    id: str
    name: str
    start_date_local: str
    type: SportType
    race: bool | None = None
    distance: float | None = None
    moving_time: int | None = None
    tags: list[str] | None = None
    description: str | None = None


Limit = Annotated[int, msgspec.Meta(ge=1, le=100_000, description="How many to answer at most.")]


def said(body: ActivityUpdate) -> dict[str, Any]:
    """What was sent of an activity, as it was sent."""
    values = ((name, getattr(body, name)) for name in body.__struct_fields__)
    return {name: msgspec.to_builtins(value) for name, value in values if value is not UNSET}


def array(found: list[msgspec.Raw]) -> Stored[list[Activity]]:
    """What is served of several, as one answer."""
    return Stored(b"[" + b",".join(found) + b"]")


def trimming(fields: list[str]) -> Callable[[list[msgspec.Raw]], bytes]:
    """What makes of some activities the same with the named fields alone, and of those only what has a value, joined by commas.

    What is no field of an activity is passed over."""
    decode = _decoder(frozenset(fields).intersection(activity_fields.FIELDS)).decode
    return lambda found: msgspec.json.encode([decode(each) for each in found])[1:-1]


@lru_cache(SHAPES_KEPT)
def _decoder(fields: frozenset[str]) -> msgspec.json.Decoder[Any]:
    shape = msgspec.defstruct("Trimmed", [(each, Any, None) for each in sorted(fields)], omit_defaults=True)
    return msgspec.json.Decoder(shape)
