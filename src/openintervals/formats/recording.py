"""What one activity file says, whatever its format: a list of activities with their channels, laps and totals.

Channels have the names of the streams on the wire (`watts`, `heartrate`, `velocity_smooth` …), except that `latlng` is
two, `lat` and `lng`. Each is a float64 array with one row per recorded sample and NaN where the device said nothing; a
channel without any value is left out. `hrv` alone has two dimensions: a row holds the beat intervals that came with it.
Units: seconds, metres, m/s, °C, watts, beats a minute, revolutions a minute (of one leg when running), degrees;
`left_right_balance` is the percentage of the left leg; dynamics of running are in ms, mm and percent.

`time` is in whole seconds from the first sample and rises strictly. Times with fractions are rounded to the nearest
second, counted from the first sample, not from a full second. Samples that come to the same second are one row, in which
each channel has the last value that was told. Samples are put in the order of time; one without a time, or more than
thirty days away from the middle of the others, is left out and a warning says how many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .fit.faults import Fault

Floats = NDArray[np.float64]
Channels = dict[str, Floats]
# Numbers about a lap, a length or a whole activity as the device gives them, by name with the unit at its end.
Metrics = dict[str, float]

METRICS = (
    "elapsed_s", "timer_s", "moving_s", "distance_m", "calories_kcal", "average_speed_mps", "max_speed_mps",
    "average_heartrate_bpm", "max_heartrate_bpm", "min_heartrate_bpm", "average_cadence_rpm", "max_cadence_rpm",
    "average_power_w", "max_power_w", "normalized_power_w", "work_j", "ascent_m", "descent_m", "average_temperature_c",
    "max_temperature_c", "average_altitude_m", "max_altitude_m", "min_altitude_m", "left_balance_percent", "steps",
    "cycles", "strokes", "lengths", "active_lengths", "kg_lifted", "repetitions", "feel", "rpe",
)  # fmt: skip

SAMPLES_MOST = 1_000_000  # of one activity
_FAR_S = 30 * 86_400
_EARLY_S = 631_152_000  # 1990: before that, no device of today knew the time


class Unusable(ValueError):
    """There is nothing to be had from these bytes; `offset` is where that became certain, where it is known."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset})")
        self.message = message
        self.offset = offset


class Device(NamedTuple):
    """What recorded it; each None where the file does not say."""

    manufacturer: str | None = None
    name: str | None = None
    serial: str | None = None
    product: int | None = None  # the manufacturer's own number for it


_UNTOLD = Device()


@dataclass(frozen=True, slots=True)
class Lap:
    """Rows from `start` up to but not including `end`, and what the device says of them."""

    start: int
    end: int
    start_at: datetime | None = None
    metrics: Metrics = field(default_factory=dict)
    intensity: str | None = None  # active, rest, warmup, cooldown …
    trigger: str | None = None  # manual, time, distance …
    stroke: str | None = None


@dataclass(frozen=True, slots=True)
class Length:
    """One length of a pool, or a rest at its end (`active` is False). `start_s` counts as `time` does."""

    start_s: float
    elapsed_s: float
    active: bool
    strokes: float | None = None
    stroke: str | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """One sport of a file. `type` is the wire's word; `start_at` the device's word for its start, `first_at` the instant
    of `time` 0, None where there are no samples. `stops` are rows after which the recording was halted."""

    type: str
    start_at: datetime
    first_at: datetime | None
    channels: Channels
    device: Device = _UNTOLD
    name: str | None = None
    laps: tuple[Lap, ...] = ()
    lengths: tuple[Length, ...] = ()
    totals: Metrics = field(default_factory=dict)
    pool_length_m: float | None = None
    stops: tuple[int, ...] = ()
    sport_words: tuple[str | None, str | None] = (None, None)  # sport and sub-sport as the file spells them

    @property
    def count(self) -> int:
        """How many rows each channel has."""
        return len(self.channels["time"]) if "time" in self.channels else 0


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file says. `format` is `fit`, `gpx` or `tcx`; there is at least one activity."""

    format: str
    activities: tuple[Activity, ...]
    warnings: tuple[Fault, ...] = ()


def instant(unix_s: float) -> datetime:
    """Unix time as an instant. Raises Unusable for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(unix_s, UTC)
    except (ValueError, OverflowError, OSError) as wrong:
        raise Unusable("The file has impossible times") from wrong


def clock_faults(activities: Sequence[Activity]) -> list[Fault]:
    """A warning where the device cannot have known the time."""
    if any(activity.start_at.timestamp() < _EARLY_S for activity in activities):
        return [Fault("clock", "The device did not know the date", 0)]
    return []


class Rows(NamedTuple):
    """Samples laid out. `kept_s` are the Unix times of the rows, for finding a place among them."""

    channels: Channels
    kept_s: Floats
    faults: list[Fault]

    @property
    def first_s(self) -> float:
        return float(self.kept_s[0])

    def place(self, unix_s: float) -> int:
        """The first row at that time or later."""
        if not len(self.kept_s):
            return 0
        second = np.floor(unix_s - self.kept_s[0] + 0.5)
        return int(np.searchsorted(self.channels["time"], second))


def lay_out(times_s: Floats, columns: Mapping[str, NDArray[Any]], *, offset: int = 0) -> Rows:
    """Samples at Unix times, in any order, as rows with strictly rising whole seconds.

    `columns` are as long as `times_s`; `offset` is where in the file a warning points. Never fails on what they hold.
    """
    faults: list[Fault] = []
    if len(times_s) > SAMPLES_MOST:
        faults.append(
            Fault("too_many", f"There are more than {SAMPLES_MOST} samples; the others were left out", offset)
        )
        times_s, columns = times_s[:SAMPLES_MOST], {name: column[:SAMPLES_MOST] for name, column in columns.items()}
    usable = _usable(times_s, faults, offset)
    if usable is not None:
        times_s = times_s[usable]
    if not len(times_s):
        return Rows({}, np.empty(0), faults)
    order = None
    if (np.diff(times_s) < 0).any():
        backwards = int((np.diff(times_s) < 0).sum())
        faults.append(Fault("time_order", f"The clock went back {backwards} times; samples were put in order", offset))
        order = np.argsort(times_s, kind="stable")
        times_s = times_s[order]
    seconds = np.floor(times_s - times_s[0] + 0.5)
    new = np.empty(len(seconds), bool)
    new[0] = True
    np.not_equal(seconds[1:], seconds[:-1], out=new[1:])
    starts = None if new.all() else np.flatnonzero(new)
    channels: Channels = {"time": seconds if starts is None else seconds[starts]}
    for name, column in columns.items():
        values = np.asarray(column, np.float64)
        if usable is not None:
            values = values[usable]
        if order is not None:
            values = values[order]
        if np.isinf(values).any():
            values = np.where(np.isinf(values), np.nan, values)
        if starts is not None:
            values = _last_told(values, starts)
        if not np.isnan(values).all():
            channels[name] = values
    _without_false_positions(channels)
    return Rows(channels, times_s if starts is None else times_s[starts], faults)


def _usable(times_s: Floats, faults: list[Fault], offset: int) -> NDArray[np.bool_] | None:
    """Which times can be used; None where all can."""
    usable = np.isfinite(times_s)
    if not usable.all():
        count = int((~usable).sum())
        faults.append(Fault("time_missing", f"{count} samples without a time were left out", offset))
    if usable.any():
        known = times_s[usable]
        if known.max() - known.min() > _FAR_S:
            near = np.zeros(len(times_s), bool)
            near[usable] = np.abs(known - np.median(known)) <= _FAR_S
            count = int((usable & ~near).sum())
            if count:
                faults.append(Fault("time_far", f"{count} samples weeks away from the others were left out", offset))
            if not near.any():  # two halves, years apart: the later one has the better clock
                near[usable] = known >= known.max() - _FAR_S
            usable = near
    return None if usable.all() else usable


def _last_told(values: Floats, starts: NDArray[np.intp]) -> Floats:
    """Of each run of samples that begins at one of `starts`, the last value that is not NaN."""
    known = ~np.isnan(values) if values.ndim == 1 else ~np.isnan(values).all(axis=1)
    last = np.maximum.reduceat(np.where(known, np.arange(len(values)), -1), starts)
    told = values[np.maximum(last, 0)]
    told[last < 0] = np.nan
    return told


def _without_false_positions(channels: Channels) -> None:
    """Half a position is none; nor is one off the globe, nor exactly 0°, 0°, which means that there was no fix."""
    lat, lng = channels.pop("lat", None), channels.pop("lng", None)
    if lat is None or lng is None:
        return
    with np.errstate(invalid="ignore"):
        good = (np.abs(lat) <= 90) & (np.abs(lng) <= 180) & ((lat != 0) | (lng != 0))
    if good.any():
        whole = bool(good.all())
        channels["lat"] = lat if whole else np.where(good, lat, np.nan)
        channels["lng"] = lng if whole else np.where(good, lng, np.nan)


def partition(rows: Rows, starts_s: Sequence[float]) -> list[tuple[int, int]]:
    """The rows of laps that start at these rising Unix times. Together they have all rows: each ends where the next
    one starts, the first one has what came before it, the last one what is left."""
    places = [0, *(rows.place(start) for start in starts_s[1:]), len(rows.kept_s)]
    return [(first, max(first, end)) for first, end in pairwise(places)] if starts_s else []


__all__ = [
    "METRICS", "SAMPLES_MOST", "Activity", "Channels", "Device", "Fault", "Floats", "Lap", "Length", "Metrics", "Recording", "Rows",
    "Unusable", "clock_faults", "instant", "lay_out", "partition",
]  # fmt: skip
