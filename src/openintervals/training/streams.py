"""Streams: the channels of an activity, one row each, and what people have written over them.    absent → there → overlaid, hidden

A channel holds one value for each recorded sample, `time` in seconds from the first; nothing is filled in. It is stored as formats/streams.py
packs it. Row `edited = false` is what the file said and never changes; the row with `edited = true` lies over it, and one without bytes hides it.
So what people write back is a version over the original, and writing again replaces the version. Positions are two channels, `lat` and `lng`,
which are `latlng` on the wire. All channels of an activity that are to be seen have one length.
Two that write at once take turns at the activity's row, which the caller has locked.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from openintervals import errors
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Read, Write
from openintervals.formats import streams as codec
from openintervals.formats.recording import SAMPLES_MOST, Channels, Floats

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
_SAME = {
    "raw_watts": "watts",
    "fixed_watts": "watts",
    "raw_heartrate": "heartrate",
    "fixed_heartrate": "heartrate",
    "fixed_altitude": "altitude",
}

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
def _all() -> sa.Select[Any]:
    c = activity_streams.c
    return (
        sa.select(c.name, c.packed)
        .where(own(activity_streams), c.activity_id == sa.bindparam("id"))
        .order_by(c.edited, c.name)
    )


@statement
def _one() -> sa.Select[Any]:
    c = activity_streams.c
    return (
        sa.select(c.packed)
        .where(own(activity_streams), c.activity_id == sa.bindparam("id"), c.name == sa.bindparam("name"))
        .order_by(c.edited.desc())
        .limit(1)
    )


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


async def read(tx: Read, activity_id: str, types: Sequence[str] | None = None) -> Channels:
    """Channels of an activity, all or those of some types of the wire, `time` first. A type it does not have is left out.

    Nothing is cleaned here, so `raw_watts` and `fixed_watts` are `watts`. Raises NoSuchType for what is no type."""
    packed: dict[str, bytes | None] = {}
    if types:
        asked = [part for each in dict.fromkeys(types) for part in ((LAT, LNG) if each == LATLNG else (each,))]
        for name in asked:
            packed[name] = await tx.value(_one(), id=activity_id, name=_SAME.get(name, name))
            if packed[name] is None and name not in TYPES and name not in (LAT, LNG):
                raise NoSuchType(name)
    else:
        packed |= dict(await tx.rows(_all(), id=activity_id))
    order = sorted(packed, key=lambda name: (name != TIME, name))
    return {name: _values(each) for name in order if (each := packed[name]) is not None}


def _values(packed: bytes) -> Floats:
    return codec.decode(codec.unpack(packed))


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


def as_columns(channels: Channels) -> Channels:
    """The order in which a table shows channels: `time` first."""
    return {name: channels[name] for name in sorted(channels, key=lambda name: (name != TIME, name))}


def laid_over(present: Channels, given: Channels) -> tuple[Channels, Changed]:
    """The channels as they are when people have written `given`, and what was changed by that.

    As many rows as there are: only what is given changes. Another number of rows: what is not given is gone. What is null throughout goes.
    Raises Invalid, by stream.
    """
    wrong = {name: [problem] for name, values in given.items() if (problem := _problem(name, values)) is not None}
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
        raise errors.Invalid("The streams cannot be stored", {TIME: ["An activity has a stream of times"]})
    updated = wire_names(name for name in given if name in after)
    return after, Changed(updated, wire_names(name for name in present if name not in after))


def _problem(name: str, values: Floats) -> str | None:
    if not name or len(name) > NAME_MOST or not name.replace("_", "").isalnum() or not name.isascii():
        return f"A stream is called by at most {NAME_MOST} letters, digits and _"
    if not 0 < len(values) <= SAMPLES_MOST:
        return f"Expected 1 to {SAMPLES_MOST} values"
    if np.isinf(values).any():
        return "Expected finite numbers"
    if name != TIME:
        return None
    if np.isnan(values).any() or (np.diff(values) <= 0).any() or (values != np.rint(values)).any() or values[0] < 0:
        return "Expected whole seconds, each more than the one before"
    return None


async def overlay(tx: Write, activity_id: str, before: Channels, after: Channels) -> None:
    """Write people's version over an activity's channels; the activity is locked. Raises Invalid for too many."""
    rows: list[dict[str, Any]] = []
    for name in {**before, **after}:
        if name not in after:
            rows.append({"activity_id": activity_id, "name": name, "edited": True, "packed": None})
        elif name not in before or after[name] is not before[name]:
            packed = codec.pack(codec.encode(name, after[name]))
            rows.append({"activity_id": activity_id, "name": name, "edited": True, "packed": packed})
    if len(after) > CHANNELS_MOST:
        raise errors.Invalid("The streams cannot be stored", {"streams": [f"At most {CHANNELS_MOST} are kept"]})
    await tx.put_many(_overlay(), rows)


async def delete(tx: Write, activity_id: str) -> None:
    await tx.put_any(_delete(), id=activity_id)
