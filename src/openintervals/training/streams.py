"""Streams: the channels of an activity, one row each, and what people have written over them.    absent → there → overlaid, hidden

A channel holds one value for each recorded sample, `time` in seconds from the first; nothing is filled in. It is stored as formats/streams.py
packs it. Row `edited = false` is what the file said and never changes; the row with `edited = true` lies over it, and one without bytes hides it.
So what people write back is a version over the original, and writing again replaces the version. Positions are two channels, `lat` and `lng`,
which are `latlng` on the wire. All channels of an activity that are to be seen have one length.
On the wire a channel has its version's name: `watts`, and `fixed_watts` too, is the one that counts, `raw_watts` what the file said, if that has as
many rows. Whoever asks for everything gets the raw one only where a version lies over it.
Two that write at once take turns at the activity's row, which the caller has locked.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from openintervals import errors
from openintervals.analysis.resample import SECONDS_MOST
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Read, Write
from openintervals.formats import streams as codec
from openintervals.formats.recording import SAMPLES_MOST, Channels, Floats
from openintervals.formats.tabular import ARRAY_MOST, CELLS_MOST

NAME_MOST = 60
CHANNELS_MOST = 200
LATLNG, LAT, LNG, TIME = "latlng", "lat", "lng", "time"
TYPES = frozenset(
    {
        "time", "watts", "cadence", "heartrate", "distance", "altitude", "latlng", "velocity_smooth", "moving", "grade_smooth", "temp",
        "torque", "fixed_watts", "fixed_heartrate", "raw_watts", "raw_heartrate", "fixed_altitude", "left_right_balance",
        "left_torque_effectiveness", "right_torque_effectiveness", "left_pedal_smoothness", "right_pedal_smoothness", "smo2", "thb",
        "smo2_2", "thb_2", "dfa_a1", "epoc", "hrv", "ga_velocity", "corrupt_time", "core_temperature", "skin_temperature",
        "stride_length", "w_bal", "respiration", "tidal_volume", "tidal_volume_min", "watts_alt", "watts_alt_acc", "bloodglucose",
        "artifacts", "heat_strain_index", "weather_temp", "feels_like", "wind_speed", "wind_gust", "wind_deg", "bearing",
        "apparent_wind_deg", "yaw", "secondary_power", "stance_time", "vertical_oscillation", "vertical_ratio", "step_length",
    }
)  # fmt: skip
"""What the wire knows; an activity may have others, which people wrote."""
DEFAULTS = ("time", "watts", "cadence", "heartrate", "distance", "altitude", "latlng", "velocity_smooth", "temp")
"""The types that most look at, for whoever wants them besides others."""
_RAW = {"raw_watts": "watts", "raw_heartrate": "heartrate"}
_FIXED = {"fixed_watts": "watts", "fixed_heartrate": "heartrate", "fixed_altitude": "altitude"}
_MAGNITUDE_MOST = 1e9  # of what is measured; analysis multiplies it a few times
_DEGREES_MOST = {LAT: 90.0, LNG: 180.0}

activity_streams = schema.owned(
    "activity_streams",
    sa.Column("activity_id", schema.Text, nullable=False),
    sa.Column("name", schema.Text, nullable=False),
    sa.Column("edited", schema.Flag, nullable=False),
    sa.Column("packed", sa.LargeBinary),
    key=("activity_id", "name", "edited"),
)


class NoSuchType(errors.Invalid):
    code = "invalid_stream_type"

    def __init__(self, said: str) -> None:
        super().__init__("Invalid stream type", {"types": [f"{said[:40]!r} is no type of stream, such as watts"]})


class Changed(msgspec.Struct, frozen=True):
    """Names on the wire of the streams that were written, and of those that are no longer there."""

    updated: list[str]
    deleted: list[str]


@statement
def _insert() -> sa.Insert:
    return sa.insert(activity_streams)


@statement
def _overlay() -> sa.Insert:
    insert = postgresql.insert(activity_streams)
    return insert.on_conflict_do_update(
        index_elements=["athlete_id", "activity_id", "name", "edited"], set_={"packed": insert.excluded.packed}
    )


@statement
def _versions(count: int) -> sa.Select[Any]:
    """All channels for a count of 0, else those of as many names."""
    c = activity_streams.c
    select = sa.select(c.name, c.edited, c.packed).where(own(activity_streams), c.activity_id == sa.bindparam("id"))
    if count:
        select = select.where(c.name.in_([sa.bindparam(f"name_{place}", type_=sa.Text) for place in range(count)]))
    return select.order_by(c.edited, c.name)


@statement
def _delete() -> sa.Delete:
    return sa.delete(activity_streams).where(
        own(activity_streams), activity_streams.c.activity_id == sa.bindparam("id")
    )


def pack(channels: Channels) -> list[tuple[str, bytes]]:
    """Channels as they are stored."""
    return [(name, codec.pack(codec.encode(name, values))) for name, values in channels.items()]


def wire_names(names: Iterable[str]) -> list[str]:
    """Names of streams as the wire has them: `time` first, a position as one, the others in order."""
    there = {LATLNG if name in (LAT, LNG) else name for name in names}
    return [name for name in (TIME,) if name in there] + sorted(there - {TIME})


async def insert(tx: Write, activity_id: str, packed: Sequence[tuple[str, bytes]]) -> None:
    """Store what a file said."""
    await tx.put_many(
        _insert(),
        [{"activity_id": activity_id, "name": name, "edited": False, "packed": each} for name, each in packed],
    )


async def kept(
    tx: Read, activity_id: str, types: Sequence[str] | None = None, *, raw: bool = False
) -> dict[str, bytes]:
    """Channels of an activity as they are stored, `time` first: all, or those of some types of the wire. What it does not have is left out.

    With `raw` all of them are joined by what the file said where people's version lies over it. Raises NoSuchType for what is no type."""
    asked = [part for each in dict.fromkeys(types or ()) for part in ((LAT, LNG) if each == LATLNG else (each,))]
    names = {_RAW.get(name, _FIXED.get(name, name)) for name in asked} | ({TIME} if _RAW.keys() & asked else set())
    told: dict[str, bytes] = {}
    now: dict[str, bytes | None] = {}
    for name, edited, packed in await tx.rows(_versions(*_shape(names)), id=activity_id, **_named(names)):
        now[name] = packed
        if not edited:
            told[name] = packed
    found: dict[str, bytes | None] = {name: now.get(_FIXED.get(name, name)) for name in asked} if asked else dict(now)
    rows = None if (time := now.get(TIME)) is None else codec.unpack(time).length
    for name, own_name in _RAW.items():
        original = told.get(own_name)
        wanted = name in asked or (raw and not asked and original is not None and now[own_name] != original)
        if wanted and original is not None and codec.unpack(original).length == rows:
            found[name] = original
    for name in asked:
        if found.get(name) is None and name not in TYPES and name not in (LAT, LNG):
            raise NoSuchType(name)
    order = sorted(found, key=lambda name: (name != TIME, name))
    return {name: each for name in order if (each := found[name]) is not None}


def _shape(names: Collection[str]) -> tuple[int]:
    """How many names a statement takes for these: a power of two, so that there are few statements."""
    return (1 << (len(names) - 1).bit_length() if names else 0,)


def _named(names: Collection[str]) -> dict[str, str]:
    [count] = _shape(names)
    filled = [*names, *[next(iter(names), "")] * (count - len(names))]
    return {f"name_{place}": name for place, name in enumerate(filled)}


async def read(tx: Read, activity_id: str, types: Sequence[str] | None = None) -> Channels:
    """Channels of an activity that count, all or those of some types of the wire, `time` first. Raises NoSuchType for what is no type."""
    return unpacked(await kept(tx, activity_id, types))


def unpacked(packed: Mapping[str, bytes]) -> Channels:
    """Channels as they are stored, as numbers."""
    return {name: codec.decode(codec.unpack(each)) for name, each in packed.items()}


def size(packed: Mapping[str, bytes]) -> int:
    """How many numbers there are in channels as they are stored."""
    return sum(codec.unpack(each).length for each in packed.values())


def as_json(channels: Mapping[str, Floats]) -> bytes:
    """Streams as the wire has them: an array of objects with `type`, `data`, and `data2` where a value is a position."""
    parts = []
    for name in wire_names(channels):
        first = channels[LAT if name == LATLNG else name]
        second = codec.to_json(channels[LNG]) if name == LATLNG else b"null"
        facts = msgspec.json.encode(
            {
                "type": name,
                "name": None,
                "valueTypeIsArray": first.ndim == 2,
                "anomalies": None,
                "custom": False,
                "allNull": bool(np.isnan(first).all()),
            }
        )
        parts.append(facts[:-1] + b',"data":' + codec.to_json(first) + b',"data2":' + second + b"}")
    return b"[" + b",".join(parts) + b"]"


class Sent(msgspec.Struct, frozen=True):
    """A stream as the wire has it: its type, its values and, of a position, the second ones, as JSON."""

    type: str
    data: bytes
    data2: bytes = b"null"


_PLAIN = msgspec.json.Decoder(list[float | None])
_MIXED = msgspec.json.Decoder(list[float | list[float | None] | None])


def from_json(sent: Iterable[Sent]) -> Channels:
    """Channels of what `as_json` has written. A position may come as pairs in `data` alone. Raises Invalid, by stream."""
    channels: Channels = {}
    wrong: dict[str, list[str]] = {}
    sent = list(sent)
    if sum(stream.data.count(b",") + stream.data2.count(b",") for stream in sent) > CELLS_MOST:
        raise errors.Invalid(
            "The streams cannot be stored", {"streams": [f"At most {CELLS_MOST} values are taken at once"]}
        )
    for stream in sent:
        try:
            parts = _position(stream) if stream.type == LATLNG else {stream.type: _numbers(stream.data)}
            if parts.keys() & channels.keys():
                raise ValueError("The stream is there twice")
            channels |= parts
        except ValueError as problem:
            wrong[stream.type[:NAME_MOST]] = [str(problem)]
    if wrong:
        raise errors.Invalid("The streams cannot be stored", wrong)
    return channels


def _numbers(data: bytes) -> Floats:
    """Values, or rows of them. Raises ValueError that says where there is none."""
    try:
        return np.array(_PLAIN.decode(data), np.float64)
    except msgspec.ValidationError:
        pass
    try:
        rows = [each if isinstance(each, list) else [each] for each in _MIXED.decode(data)]
    except msgspec.ValidationError as problem:
        place = re.search(r"\$\[(\d+)\]", str(problem))
        where = f"; the one at {place[1]} is none" if place else ""
        raise ValueError(f"Expected an array of numbers, of arrays of numbers, or of null{where}") from None
    width = max(map(len, rows), default=0)
    if width > ARRAY_MOST or width * len(rows) > CELLS_MOST:
        raise ValueError(f"At most {ARRAY_MOST} values in a row and {CELLS_MOST} together are taken")
    return np.array([row + [None] * (width - len(row)) for row in rows], np.float64).reshape(len(rows), width)


def _position(stream: Sent) -> Channels:
    first, second = _numbers(stream.data), np.empty(0)
    if stream.data2 != b"null":
        second = _numbers(stream.data2)
    elif first.ndim == 2 and first.shape[1] == 2:
        first, second = first[:, 0].copy(), first[:, 1].copy()
    elif first.ndim == 1 and np.isnan(first).all():
        second = first
    if first.ndim != 1 or first.shape != second.shape or (np.isnan(first) != np.isnan(second)).any():
        raise ValueError("Expected latitudes in data and as many longitudes in data2")
    return {LAT: first, LNG: second}


def laid_over(present: Channels, given: Channels) -> tuple[Channels, Changed]:
    """The channels as they are when people have written `given`, and what was changed by that.

    As many rows as there are: only what is given changes. Another number of rows: what is not given is gone. What is null throughout goes.
    What the file said, as `raw_watts`, is passed over: it never changes. Raises Invalid, by stream.
    """
    given = {
        _FIXED.get(name, name): values
        for name, values in given.items()
        if name not in _RAW and _FIXED.get(name) not in given
    }
    wrong = {
        name[:NAME_MOST]: [problem] for name, values in given.items() if (problem := _problem(name, values)) is not None
    }
    lengths = {len(values) for values in given.values()}
    if not given or len(lengths) > 1:
        raise errors.Invalid("The streams cannot be stored", {"streams": ["Expected streams, all of one length"]})
    if wrong:
        raise errors.Invalid("The streams cannot be stored", wrong)
    rows = lengths.pop()
    before = len(next(iter(present.values()))) if present else -1
    kept = dict(present) if rows == before else {}
    empty = [name for name, values in given.items() if np.isnan(values).all()]
    after = {**kept, **given}
    for name in empty:
        after.pop(name, None)
    if (LAT in after) != (LNG in after):
        after.pop(LAT, None)
        after.pop(LNG, None)
    if TIME not in after:
        said = "An activity has a stream of times"
        if 0 < before != rows:
            said = f"Expected {before} values in each stream, as many as there are samples, or times for these {rows}"
        raise errors.Invalid("The streams cannot be stored", {TIME: [said]})
    updated = wire_names(name for name in given if name in after)
    return after, Changed(updated, wire_names(name for name in present if name not in after))


def _problem(name: str, values: Floats) -> str | None:
    if not name or len(name) > NAME_MOST or not name.replace("_", "").isalnum() or not name.isascii():
        return f"A stream is called by at most {NAME_MOST} letters, digits and _"
    if not 0 < len(values) <= SAMPLES_MOST:
        return f"Expected 1 to {SAMPLES_MOST} values"
    if np.isinf(values).any():
        return "Expected finite numbers"
    most = _DEGREES_MOST.get(name, _MAGNITUDE_MOST if name in TYPES else np.inf)
    if (np.abs(values) > most).any():
        return f"Expected numbers from -{most:.0f} to {most:.0f}"
    if name != TIME:
        return None
    if len(values) and values[-1] > SECONDS_MOST:
        return f"Expected at most {SECONDS_MOST} seconds"
    if np.isnan(values).any() or (np.diff(values) <= 0).any() or (values != np.rint(values)).any() or values[0] < 0:
        return "Expected whole seconds, each more than the one before"
    return None


class _Packing:
    """Channels to be packed: the same when the very arrays are."""

    def __init__(self, channels: Channels) -> None:
        self.channels = channels

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Packing) or self.channels.keys() != other.channels.keys():
            return False
        return all(values is other.channels[name] for name, values in self.channels.items())

    __hash__ = None  # type: ignore[assignment]  # arrays have none

    def work(self) -> list[tuple[str, bytes]]:
        return pack(self.channels)


async def overlay(tx: Write, activity_id: str, before: Channels, after: Channels) -> None:
    """Write people's version over an activity's channels; the activity is locked. Raises Invalid for too many."""
    if len(after) > CHANNELS_MOST:
        raise errors.Invalid("The streams cannot be stored", {"streams": [f"At most {CHANNELS_MOST} are kept"]})
    packing = _Packing({name: values for name, values in after.items() if values is not before.get(name)})
    packed: list[tuple[str, bytes | None]] = [(name, None) for name in before if name not in after]
    packed += await tx.apart(packing, packing.work)
    rows = [{"activity_id": activity_id, "name": name, "edited": True, "packed": each} for name, each in packed]
    await tx.put_many(_overlay(), rows)


async def delete(tx: Write, activity_id: str) -> None:
    await tx.put_any(_delete(), id=activity_id)
