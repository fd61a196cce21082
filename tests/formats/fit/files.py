"""Plausible activities as columns, and any columns at all for laws."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from openintervals.formats.fit import profile
from openintervals.formats.fit.base_types import BY_NAME
from openintervals.formats.fit.expand import targets

Messages = dict[str, dict[str, Any]]

START_S = 1_750_000_000


def ride(seconds: int = 600) -> Messages:
    """A ride with the usual sensors, one record a second, two laps, and a stop with no power reading in between."""
    at = np.arange(seconds, dtype=np.float64)
    power = np.rint(200 + 60 * np.sin(at / 40))
    power[100:130] = np.nan
    half = seconds // 2
    return {
        "file_id": {
            "type": [4],
            "manufacturer": [1],
            "product": [3121],
            "serial_number": [77],
            "time_created": [START_S],
        },
        "device_info": {
            "timestamp": [START_S],
            "device_index": [0],
            "manufacturer": [1],
            "product_name": ["Example 1"],
        },
        "event": {"timestamp": [START_S, START_S + seconds - 1], "event": [0, 0], "event_type": [0, 4]},
        "record": {
            "timestamp": START_S + at,
            "position_lat": np.rint(563_000_000 + 900 * at),
            "position_long": np.rint(98_000_000 - 500 * at),
            "distance": np.rint(820 * at) / 100,
            "speed": np.rint(8200 + 900 * np.sin(at / 60)) / 1000,
            "altitude": np.rint((430 + 20 * np.sin(at / 200) + 500) * 5) / 5 - 500,
            "power": power,
            "heart_rate": np.rint(140 + 15 * np.sin(at / 90)),
            "cadence": np.rint(88 + 4 * np.sin(at / 11)),
            "temperature": np.full(seconds, 18.0),
        },
        "lap": {
            "timestamp": START_S + np.array([half, seconds - 1.0]),
            "start_time": START_S + np.array([0.0, half]),
            "total_timer_time": np.array([half, seconds - half], float),
            "message_index": np.arange(2.0),
        },
        "session": {
            "timestamp": [START_S + seconds - 1.0],
            "start_time": [float(START_S)],
            "sport": [2.0],
            "total_timer_time": [float(seconds)],
        },
        "activity": {"timestamp": [START_S + seconds - 1.0], "num_sessions": [1.0], "type": [0.0]},
    }


def _values(field: profile.Field) -> st.SearchStrategy[Any]:
    """What a field may hold, as it is decoded."""
    if field.type == "text":
        characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
        return st.none() | st.text(characters, min_size=1, max_size=12)
    if field.type in ("f32", "f64"):
        return st.just(np.nan) | st.floats(allow_nan=False, width=32 if field.type == "f32" else 64)
    if field.type == "time":
        clock = st.integers(profile.CLOCK_LEAST, 2**32 - 2).map(lambda stored: stored + profile.EPOCH_S)
        return st.just(np.nan) | clock | st.integers(0, profile.CLOCK_LEAST - 1)
    if field.type == "wall":
        return st.just(np.nan) | st.integers(0, 2**32 - 2).map(lambda stored: stored + profile.EPOCH_S)
    base = BY_NAME[field.type]
    limits = np.iinfo(base.dtype)
    whole = st.integers(int(limits.min), int(limits.max)).filter(lambda stored: stored != base.invalid)
    return st.just(np.nan) | whole.map(lambda stored: stored / field.scale - field.offset)


@st.composite
def columns(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    fields = profile.fields_by_name(kind)
    names = draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=8, unique=True))
    derived = targets(kind, fields, lambda *_: True)
    for name in list(names):  # what would be read from another field too where it is absent
        if any(name in targets(kind, [other], lambda *_: True) for other in names if other != name) or name in derived:
            names.remove(name)
    names = names or ["timestamp"]
    count = draw(st.integers(1, 6))
    found: dict[str, Any] = {}
    for name in names:
        field = fields[name]
        wide = 1 if field.type == "text" or name == "timestamp" else draw(st.integers(1, 3))
        values = draw(st.lists(_values(field), min_size=count * wide, max_size=count * wide))
        if field.type == "byte" and wide > 1:
            values = [value if np.isfinite(value) and value < 255 else 7.0 for value in values]
        column = np.array(values, object if field.type == "text" else np.float64)
        found[name] = column if wide == 1 else column.reshape(count, wide)
    return found


@st.composite
def anything(draw: st.DrawFn) -> Messages:
    """A few kinds with a few columns, all of them things a file can say."""
    known = sorted(set(profile.kind_numbers()) - {"hr"})
    usual = ["record", "event", "lap", "length", "session", "device_info", "activity", "file_id"]
    kinds = draw(st.lists(st.sampled_from(usual) | st.sampled_from(known), min_size=1, max_size=5, unique=True))
    return {kind: draw(columns(kind)) for kind in kinds}
