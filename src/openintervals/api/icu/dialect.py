"""How the Intervals.icu API speaks, on one page.

Names: snake_case for the most part; where the original mixes, the field says so. What has no value is null in a full object; where `fields` names
the keys, nulls are left out.
Dates: local days `YYYY-MM-DD` and wall time `YYYY-MM-DDTHH:MM:SS` without a zone; `created`, `updated` in UTC as `…T08:00:00.000+00:00`.
Success: the object or array itself. Failure: `{"status", "error"}`, the text says what is wrong with which field.
Queries: unknown parameters are ignored, also those the original calls required; lists by commas or repeated; `True` is true; nothing is absent.
Bodies: only what is sent changes; -1 clears a number, "" a text, null either; unknown fields are ignored.
Auth: HTTP Basic `API_KEY:<key>`, or the key as Bearer. In a path, athlete `0` is whoever asks, `i123` and `123` are one.
Suffixes: where the contract writes `{ext}`, nothing and `.json` give JSON, `.csv` gives CSV.
"""

import datetime
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

import msgspec

from openintervals import errors
from openintervals.api.answers import JSON, Headers
from openintervals.api.http import Api, Guard
from openintervals.api.rules import Rules
from openintervals.formats.sports import TYPES
from openintervals.training import activities, athlete_keys, athletes, tombstones

PREFIX = "/api/v1"


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """What goes out. Nothing is left out; what has no value is null."""


class WireIn(msgspec.Struct, frozen=True, kw_only=True):
    """What comes in. UNSET is absent; -1 and "" clear, as null does."""

    rules: ClassVar[Rules] = ()

    def given(self) -> dict[str, Any]:
        """The fields that were sent, by Python name, with None for what is to be cleared."""
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: cleared(value) for name, value in values if value is not msgspec.UNSET}


def update_of(name: str, *shapes: type[Wire]) -> Any:
    """What comes in to change the fields of `shapes`: each may be absent, or null."""
    fields: list[Any] = []
    for each in (field for shape in shapes for field in msgspec.structs.fields(shape)):
        named = msgspec.field(default=msgspec.UNSET, name=each.encode_name)
        fields.append((each.name, each.type | None | msgspec.UnsetType, named))
        WIRE_NAMES[each.name] = each.encode_name
    return msgspec.defstruct(name, fields, bases=(WireIn,), module=__name__, frozen=True, kw_only=True)


WIRE_NAMES: dict[str, str] = {}
"""The wire's name of a column, where `update_of` has learnt it."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A query string."""

    lenient: ClassVar[bool] = True
    rules: ClassVar[Rules] = ()


class Nothing(Wire, frozen=True, kw_only=True):
    """An empty object: there is nothing to say but that it is done."""


def cleared(value: Any) -> Any:
    """None for what clears a field."""
    return None if value in (-1, "") and not isinstance(value, bool) else value


Line = Annotated[
    str,
    msgspec.Meta(
        max_length=2_000,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        extra={"message": "Must be one line of text without control characters"},
    ),
]
Prose = Annotated[
    str,
    msgspec.Meta(max_length=100_000, pattern=r"^[^\x00]*$", extra={"message": "Must not contain NUL characters"}),
]
Day = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$",
        extra={"message": "Invalid date, expected YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS"},
        examples=["2026-06-14"],
    ),
]
"""A local day, or a wall time, of a query or a body; `day_of` takes the day of either."""
DayOut = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date"}, examples=["2026-06-14"])]
InstantOut = Annotated[
    str, msgspec.Meta(extra_json_schema={"format": "date-time"}, examples=["2026-03-01T08:00:00.000+00:00"])
]
# mypy reads a Literal only where it is written; that both lists are one, tests say.
SportType = Literal[
    "Ride", "Run", "Swim", "WeightTraining", "Hike", "Walk", "AlpineSki", "BackcountrySki", "Badminton", "Canoeing",
    "Crossfit", "EBikeRide", "EMountainBikeRide", "Elliptical", "Golf", "GravelRide", "TrackRide", "Handcycle",
    "HighIntensityIntervalTraining", "Hockey", "IceSkate", "InlineSkate", "Kayaking", "Kitesurf", "MountainBikeRide",
    "Cyclocross", "NordicSki", "OpenWaterSwim", "Padel", "Pilates", "Pickleball", "Racquetball", "Rugby",
    "RockClimbing", "RollerSki", "Rowing", "Sail", "Skateboard", "Snowboard", "Snowshoe", "Soccer", "Squash",
    "StairStepper", "StandUpPaddling", "Surfing", "TableTennis", "Tennis", "TrailRun", "Transition", "Velomobile",
    "VirtualRide", "VirtualRow", "VirtualRun", "VirtualSki", "WaterSport", "Wheelchair", "Windsurf", "Workout", "Yoga",
    "Other",
]  # fmt: skip
assert get_args(SportType) == TYPES


def day_of(given: str) -> str:
    """The day, of a day or a wall time."""
    return given[:10]


def refuse_no_day(given: str, name: str) -> None:
    """Raise Invalid for a text with the form of a day or a wall time that no calendar or clock has."""
    try:
        datetime.datetime.fromisoformat(given)
    except ValueError:
        raise errors.Invalid("Invalid request", {name: ["Expected a day of the calendar as YYYY-MM-DD"]}) from None


def instant(stored: str) -> str:
    """A stored instant as this API writes it."""
    return stored.removesuffix("Z") + "+00:00"


def trimmed(value: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """An object with the named keys alone, and of those only what has a value."""
    return {name: value[name] for name in fields if value.get(name) is not None}


class Error(msgspec.Struct, frozen=True):
    """What went wrong, and what to do about it."""

    status: int
    error: str


STATUS: dict[type[errors.Failure], int] = {
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.TooLarge: 413,
    errors.Invalid: 422,
    errors.TooMany: 429,
    errors.Unavailable: 503,
    errors.Failure: 500,
}
DENIED = "Access denied"


def failure(problem: errors.Failure) -> tuple[int, bytes, Headers]:
    """Status, body and headers of a failure."""
    status = next(STATUS[family] for family in type(problem).__mro__ if family in STATUS)
    headers = [JSON]
    said = problem.message
    if isinstance(problem, errors.Invalid) and problem.fields:
        said = f"{said}: " + "; ".join(
            f"{WIRE_NAMES.get(name, name)}: {', '.join(told)}" for name, told in problem.fields.items()
        )
    elif isinstance(problem, errors.Forbidden) and not said.startswith(DENIED):
        said = f"{DENIED}: {said}"
    elif isinstance(problem, errors.Unauthenticated):
        headers.append((b"www-authenticate", b'Basic realm="API_KEY", charset="UTF-8"'))
    if (wait_s := getattr(problem, "retry_after_s", None)) is not None:
        headers.append((b"retry-after", b"%d" % wait_s))
    return status, encode(status, said), headers


def encode(status: int, said: str) -> bytes:
    return msgspec.json.encode(Error(status, said))


icu = Api(
    PREFIX,
    lambda result: result,
    failure,
    not_allowed=lambda said: encode(405, said),
    guard=Guard(
        key_in=athlete_keys.key_in,
        caller=athlete_keys.caller,
        refusal=athlete_keys.refusal,
        public=("/docs",),
    ),
    documents="/docs",
)
icu.reach["athlete_id"] = athletes.reach
icu.reach["activity_id"] = activities.reach
icu.reach["tombstone_id"] = tombstones.reach
