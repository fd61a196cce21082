"""Streams and laps of an activity, as the Intervals.icu API speaks of them: one value for each recorded sample, as JSON or CSV, out and in.

`time` is in seconds from the first sample, and nothing is filled in. In CSV an array, `latlng` too, is packed with `:`; a blank cell is null.
Streams are stored packed. They are unpacked and written once, in a thread when there is much of them, and never become objects in between.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import field

from openintervals import errors
from openintervals.api.http import Csv, Read, Stored, Upload, Write
from openintervals.api.icu.dialect import Line, Query, Wire, WireIn, icu
from openintervals.formats import tabular
from openintervals.formats.recording import METRICS, Lap, Unusable
from openintervals.training import activities, activity_edits, exports, recordings, streams

JSON_BYTES_MOST = 16 * 1024 * 1024
CSV_BYTES_MOST = 32 * 1024 * 1024
TYPES_MOST = 100
IN_THREAD_FROM = 20_000  # numbers: from here on it takes more than a millisecond

_ITEM: dict[str, Any] = {
    "anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}, {"type": "null"}]
}
Data = Annotated[
    msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "array", "items": _ITEM, "examples": [[0, 1, 2]]})
]
Data2 = Annotated[
    msgspec.Raw | None,
    msgspec.Meta(
        extra_json_schema={
            "type": "array",
            "items": {"type": ["number", "null"]},
            "description": "Longitudes, where `data` is latitudes; otherwise null.",
        }
    ),
]
Type = Annotated[Line, msgspec.Meta(description="What it measures, such as `watts`.", examples=["watts"])]


class ActivityStream(Wire, frozen=True, kw_only=True):
    """One stream. Of `latlng` the latitudes are in `data`, the longitudes in `data2`; of `hrv` each value is an array."""

    type: Type
    name: str | None
    data: Data
    data2: Data2
    value_type_is_array: bool = field(name="valueTypeIsArray")
    anomalies: list[dict[str, Any]] | None
    custom: bool
    all_null: bool = field(name="allNull")


class StreamUpdate(WireIn, frozen=True, kw_only=True):
    """A stream to write. One whose values are all null goes."""

    type: Type
    data: Data
    data2: Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": ["array", "null"], "items": {}})] = (
        msgspec.Raw(b"null")
    )


class UpdateStreamsResult(Wire, frozen=True, kw_only=True):
    """The types of the streams that were written, and of those that are no longer there."""

    updated: list[str]
    deleted: list[str]


class StreamsQuery(Query, frozen=True, kw_only=True):
    types: Annotated[
        list[Line], msgspec.Meta(max_length=TYPES_MOST, description="Which streams; without it all there are.")
    ] = field(default_factory=list)
    include_defaults: Annotated[
        bool, msgspec.Meta(description=f"Besides `types`, also {', '.join(streams.DEFAULTS)}.")
    ] = field(default=False, name="includeDefaults")


if TYPE_CHECKING:

    class ActivityLap(Wire, frozen=True, kw_only=True):
        """A lap of the device."""
else:
    ActivityLap = msgspec.defstruct(
        "ActivityLap",
        [
            ("lap", int),
            ("start_index", int),
            ("end_index", int),
            ("start", str | None),
            *((name, float | None, None) for name in METRICS),
            *((name, str | None, None) for name in ("intensity", "trigger", "stroke")),
        ],
        bases=(Wire,),
        module=__name__,
        frozen=True,
        kw_only=True,
    )
    ActivityLap.__doc__ = """A lap as the device tells it: its number, its records from and up to, when it began, and what it measured, null for
    what it does not tell. Units are at the end of the names."""


@icu.operation(
    "GET",
    "/activity/{activity_id}/streams",
    scope="ACTIVITY:READ",
    tag="Activities",
    ext=True,
    fails=(streams.NoSuchType,),
)
async def get_activity_streams(
    tx: Read, activity_id: str, query: StreamsQuery, ext: str
) -> Stored[list[ActivityStream]] | Csv:
    """Retrieve streams

    Of the types asked for those that were recorded. `watts` and `heartrate` are as people have corrected them, `raw_watts` and `raw_heartrate` as
    the device wrote them; without `types` the latter come along where they differ.
    """
    types = [*query.types, *streams.DEFAULTS] if query.types and query.include_defaults else query.types
    kept = await streams.kept(tx, activities.addressed(activity_id), types, raw=True)
    answer = _csv if ext == ".csv" else _json
    return await asyncio.to_thread(answer, kept) if streams.size(kept) >= IN_THREAD_FROM else answer(kept)


def _json(kept: Mapping[str, bytes]) -> Stored[list[ActivityStream]]:
    return Stored(streams.as_json(streams.unpacked(kept)))


def _csv(kept: Mapping[str, bytes]) -> Csv:
    return Csv(tabular.encode_streams(streams.unpacked(kept)).decode())


@icu.operation(
    "PUT", "/activity/{activity_id}/streams", scope="ACTIVITY:WRITE", tag="Activities", body_most=JSON_BYTES_MOST
)
async def update_activity_streams(tx: Write, activity_id: str, body: list[StreamUpdate]) -> UpdateStreamsResult:
    """Write streams

    They lie over what the device wrote, which is kept, and the activity is analysed anew. With as many values as there are samples only the streams
    sent change; with another number all have to be sent, and the others go. Nulls throughout take a stream away.
    """
    if len(body) > streams.CHANNELS_MOST:
        raise errors.Invalid("Invalid request body", {"body": [f"Expected at most {streams.CHANNELS_MOST} streams"]})
    sent = [streams.Sent(each.type, bytes(each.data), bytes(each.data2)) for each in body]
    given = await tx.apart("the streams that were sent", lambda: streams.from_json(sent))
    return _told(await activity_edits.write_streams(tx, activity_id, given))


@icu.operation(
    "PUT", "/activity/{activity_id}/streams.csv", scope="ACTIVITY:WRITE", tag="Activities", body_most=CSV_BYTES_MOST
)
async def upload_activity_streams_csv(tx: Write, activity_id: str, file: Upload) -> UpdateStreamsResult:
    """Write streams from CSV

    As multipart/form-data in a part called `file`. The header names the streams, a row is a sample, a blank cell is null; an array is packed with
    `:`, and so is a position in `latlng`. What is written follows the same rules as streams in JSON.
    """
    try:
        given = await tx.apart("the streams that were sent", lambda: tabular.decode_streams(file.data))
    except Unusable as wrong:
        raise errors.Invalid("The streams cannot be read", {"file": [str(wrong)]}) from None
    return _told(await activity_edits.write_streams(tx, activity_id, given))


def _told(changed: streams.Changed) -> UpdateStreamsResult:
    return UpdateStreamsResult(updated=changed.updated, deleted=changed.deleted)


@icu.operation("GET", "/activity/{activity_id}/laps", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def get_activity_laps(tx: Read, activity_id: str, ext: str) -> list[ActivityLap] | Csv:
    """Retrieve the device's laps

    Of every sport, as the device has written them; none where it wrote none. This is not part of the original.
    """
    if ext == ".csv":
        return await _laps_csv(tx, activity_id)
    kept = await recordings.get(tx, activities.addressed(activity_id))
    return [] if kept is None else [_lap(*each) for each in enumerate(kept.laps, 1)]


@icu.operation("GET", "/activities/{activity_id}/laps.csv", scope="ACTIVITY:READ", tag="Activities")
async def download_activity_laps(tx: Read, activity_id: str) -> Csv:
    """Retrieve the device's laps by another path

    The same as CSV where some clients look for it.
    """
    return await _laps_csv(tx, activity_id)


async def _laps_csv(tx: Read, activity_id: str) -> Csv:
    return Csv((await exports.laps_csv(tx, activity_id)).decode())


def _lap(number: int, lap: Lap) -> ActivityLap:
    told: dict[str, Any] = {
        "lap": number,
        "start_index": lap.start,
        "end_index": lap.end,
        "start": lap.start_at.isoformat().replace("+00:00", "Z") if lap.start_at else None,
        "intensity": lap.intensity,
        "trigger": lap.trigger,
        "stroke": lap.stroke,
        **{name: value for name, value in lap.metrics.items() if name in METRICS},
    }
    return ActivityLap(**told)
