"""The channels of a FIT file's records, and the beats between them.

A channel is the first of several fields that is there. Developer fields stand in for channels the device itself did not
record, if they say so or have a stream's name, and their units are those of the channel. Balance is turned into the left
leg's share; a fraction of a cadence is added to it.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .fit import Columns
from .fit.profile import fields_by_number
from .fit_metrics import numbers
from .recording import Floats, Rows

SEMICIRCLES = 2.0**31 / 180  # to a degree
BEATS_MOST = 64  # in one row
_CELLS_MOST = 8_000_000

_CHANNELS = {
    "watts": ("power",),
    "heartrate": ("heart_rate",),
    "cadence": ("cadence",),
    "distance": ("distance",),
    "altitude": ("enhanced_altitude", "altitude"),
    "velocity_smooth": ("enhanced_speed", "speed"),
    "temp": ("temperature",),
    "left_right_balance": ("left_right_balance",),
    "respiration": ("enhanced_respiration_rate", "respiration_rate"),
    "core_temperature": ("core_temperature",),
    "smo2": ("saturated_hemoglobin_percent",),
    "thb": ("total_hemoglobin_conc",),
    **{name: (name,) for name in ("stance_time", "vertical_oscillation", "vertical_ratio", "step_length")},
    **{
        name: (name,)
        for name in (
            "left_torque_effectiveness", "right_torque_effectiveness", "left_pedal_smoothness", "right_pedal_smoothness",
        )
    },
}  # fmt: skip
# What developers call channels, by letters and digits, and units in which the values are those of the channel.
_DEVELOPERS = {
    "power": "watts",
    "heartrate": "heartrate",
    "cadence": "cadence",
    "strokerate": "cadence",
    "distance": "distance",
    "speed": "velocity_smooth",
    "altitude": "altitude",
    "elevation": "altitude",
    "coretemperature": "core_temperature",
    "corebodytemperature": "core_temperature",
    "skintemperature": "skin_temperature",
    "smo2": "smo2",
    "thb": "thb",
    "dfaa1": "dfa_a1",
    "respirationrate": "respiration",
    "respiration": "respiration",
}
_UNITS = {
    "distance": ("m", "meters", "metres"),
    "velocity_smooth": ("m/s", "mps"),
    "altitude": ("m", "meters", "metres"),
    "core_temperature": ("c", "°c", "degc"),
    "skin_temperature": ("c", "°c", "degc"),
}


def columns(records: Columns) -> dict[str, Floats]:
    """Channels of all records, as long as there are records."""
    found: dict[str, Floats] = {}
    for channel, names in _CHANNELS.items():
        for name in names:
            if name in records and (column := numbers(records, name)) is not None:
                found[channel] = column
                break
    lat, lng = numbers(records, "position_lat"), numbers(records, "position_long")
    if lat is not None and lng is not None:
        found["lat"], found["lng"] = lat / SEMICIRCLES, lng / SEMICIRCLES
    if "cadence" in found and (fraction := numbers(records, "fractional_cadence")) is not None:
        found["cadence"] = found["cadence"] + np.nan_to_num(fraction)
    if (balance := found.get("left_right_balance")) is not None:
        found["left_right_balance"] = np.where(balance >= 128, 100 - (balance - 128), balance)
    return found | _developed(records, found)


def _developed(records: Columns, columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Channels that only a developer's fields have."""
    natives = {name: channel for channel, names in _CHANNELS.items() for name in names}
    found: dict[str, Floats] = {}
    for name, field in records.developer.items():
        native = fields_by_number("record").get(field.native) if field.native is not None else None
        channel = natives.get(native.name) if native else None
        channel = channel or _DEVELOPERS.get("".join(sign for sign in name.lower() if sign.isalnum()))
        if channel is None or channel in found:
            continue
        units = _UNITS.get(channel)
        if units and (field.units or "").strip().lower() not in units:
            continue
        if channel in columns and not np.isnan(columns[channel]).all():
            continue
        column = numbers(records, name)
        if column is not None:
            found[channel] = column
    return found


class Beats(NamedTuple):
    """Beat intervals in seconds, each with the record it belongs to: the one in front of it in the file."""

    record: NDArray[np.intp]
    interval_s: Floats


def beats(told: Columns | None, records: Columns | None, times: Floats) -> Beats | None:
    """All beats of a file; None where there are none."""
    values = told.get("time") if told is not None else None
    if told is None or records is None or values is None or values.dtype == object:
        return None
    table = np.asarray(values, np.float64).reshape(told.count, -1)
    before = np.maximum(np.searchsorted(records.positions, told.positions) - 1, 0)
    record, beats = np.repeat(before, table.shape[1]), table.ravel()
    kept = ~np.isnan(beats) & ~np.isnan(times[record])
    return Beats(record[kept], beats[kept])


def beats_by_row(beats: Beats, times: Floats, own: NDArray[np.bool_] | None, rows: Rows) -> Floats | None:
    """The beats of an activity, (rows, most in a row)."""
    record, interval_s = beats
    if own is not None:
        mine = own[record]
        record, interval_s = record[mine], interval_s[mine]
    if not len(record) or not len(rows.kept_s):
        return None
    second = np.floor(times[record] - rows.first_s + 0.5)
    row = np.minimum(np.searchsorted(rows.channels["time"], second), len(rows.kept_s) - 1)
    order = np.argsort(row, kind="stable")
    row, interval_s = row[order], interval_s[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    inside = place < max(1, min(BEATS_MOST, _CELLS_MOST // len(rows.kept_s)))
    result = np.full((len(rows.kept_s), int(place[inside].max()) + 1), np.nan)
    result[row[inside], place[inside]] = interval_s[inside]
    return result


__all__ = ["BEATS_MOST", "SEMICIRCLES", "Beats", "beats", "beats_by_row", "columns"]
