"""Numbers of intervals: what any stretches of a recording say, all of them reckoned at once.

Stretches are seconds, the end exclusive; they may overlap. A stretch without a second of its own (records more often than once a second) is
given one. Means of power are over all seconds, of everything else over those that have a value; speed is distance over moving time. Normalised
power begins anew in each stretch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from openintervals.analysis import zones
from openintervals.analysis.arrays import Floats, Ints, floats, prefix
from openintervals.analysis.power import SMOOTH_S
from openintervals.analysis.recording import Recording

DECOUPLING_LEAST_S = 300
# Of several intervals these are averaged plainly, like times, whatever their lengths.
AMOUNTS = frozenset({"distance_m", "work_j", "work_above_ftp_j", "training_load", "elevation_gain_m"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What a stretch says. None: not known. `average_cadence_rpm` leaves out standing still; gradient is rise over run."""

    start_s: int
    end_s: int
    elapsed_s: int
    moving_s: int
    distance_m: float | None = None
    average_speed_mps: float | None = None
    min_speed_mps: float | None = None
    max_speed_mps: float | None = None
    gap_mps: float | None = None
    average_power_w: float | None = None
    min_power_w: float | None = None
    max_power_w: float | None = None
    normalized_power_w: float | None = None
    average_w_per_kg: float | None = None
    max_w_per_kg: float | None = None
    intensity_percent: float | None = None
    training_load: float | None = None
    work_j: float | None = None
    work_above_ftp_j: float | None = None
    w_balance_start_j: float | None = None
    w_balance_end_j: float | None = None
    w5s_variability: float | None = None
    zone: int | None = None
    zone_min_w: float | None = None
    zone_max_w: float | None = None
    average_hr_bpm: float | None = None
    min_hr_bpm: float | None = None
    max_hr_bpm: float | None = None
    decoupling_percent: float | None = None
    average_cadence_rpm: float | None = None
    min_cadence_rpm: float | None = None
    max_cadence_rpm: float | None = None
    average_stride_m: float | None = None
    min_altitude_m: float | None = None
    max_altitude_m: float | None = None
    elevation_gain_m: float | None = None
    average_gradient: float | None = None
    average_temperature_c: float | None = None
    means: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Cut:
    """Stretches, and how to reduce a channel over them: its seconds one stretch after the other, and where each begins there."""

    starts: Ints
    ends: Ints
    lengths: Ints
    seconds: Ints | slice
    offsets: Ints

    def sums(self, values: npt.NDArray[np.generic]) -> Floats:
        return np.add.reduceat(values[self.seconds].astype(np.float64), self.offsets)

    def mean(self, values: Floats) -> Floats:
        """Means of what is known; NaN where nothing is."""
        known = ~np.isnan(values)
        if known.all():
            return self.sums(values) / self.lengths
        with np.errstate(invalid="ignore"):
            result: Floats = self.sums(np.where(known, values, 0.0)) / self.sums(known)
        return result

    def least(self, values: Floats) -> Floats:
        result: Floats = np.fmin.reduceat(values[self.seconds], self.offsets)
        return result

    def most(self, values: Floats) -> Floats:
        result: Floats = np.fmax.reduceat(values[self.seconds], self.offsets)
        return result


def _cut(count: int, starts: Ints, ends: Ints) -> _Cut:
    starts = np.minimum(starts, count - 1)
    ends = np.maximum(ends, starts + 1)
    lengths = ends - starts
    offsets = np.cumsum(lengths) - lengths
    if starts[0] == 0 and (starts[1:] == ends[:-1]).all() and ends[-1] == count:
        return _Cut(starts, ends, lengths, slice(None), offsets)
    seconds = np.arange(int(lengths.sum())) + np.repeat(starts - offsets, lengths)
    return _Cut(starts, ends, lengths, seconds.astype(np.int64), offsets)


def means_between(values: Floats, starts: Ints, ends: Ints) -> Floats:
    """The means of stretches of a channel that has no unknown values."""
    return _cut(len(values), starts, ends).mean(values)


def numbers(recording: Recording, starts: Ints, ends: Ints) -> list[Numbers]:
    """The numbers of stretches between seconds, in the order given."""
    cut = _cut(recording.count, starts, ends)
    moving = cut.sums(recording.moves)
    columns: dict[str, Floats] = {}
    _of_way(columns, recording, cut, moving)
    _of_power(columns, recording, cut)
    _of_heart(columns, recording, cut)
    _of_rest(columns, recording, cut, moving)
    _of_climb(columns, recording, cut)
    lists = {name: _known(column) for name, column in columns.items()}
    extra = {name: _known(cut.mean(values)) for name, values in recording.means.items()}
    result = []
    for place, (start, end) in enumerate(zip(cut.starts.tolist(), cut.ends.tolist(), strict=True)):
        own = {name: values[place] for name, values in lists.items()}
        zone = own.pop("zone", None)
        means = {name: values[place] for name, values in extra.items() if values[place] is not None}
        result.append(
            Numbers(
                start_s=start,
                end_s=end,
                elapsed_s=end - start,
                moving_s=round(moving[place]),
                zone=None if zone is None else int(zone),
                means=means,
                **own,
            )
        )
    return result


def _known(column: Floats) -> list[Any]:
    return [None if value != value else value for value in column.tolist()]  # only NaN is not itself


def _of_way(columns: dict[str, Floats], recording: Recording, cut: _Cut, moving: Floats) -> None:
    if recording.covered_m is None or recording.speed_mps is None:
        return
    columns["distance_m"] = way = recording.covered_m[cut.ends] - recording.covered_m[cut.starts]
    columns["average_speed_mps"] = np.where(moving > 0, way / np.maximum(moving, 1), np.nan)
    columns["min_speed_mps"] = cut.least(recording.speed_mps)
    columns["max_speed_mps"] = cut.most(recording.speed_mps)
    if recording.gap_mps is not None:
        columns["gap_mps"] = cut.mean(np.where(recording.moves, recording.gap_mps, np.nan))


def _of_power(columns: dict[str, Floats], recording: Recording, cut: _Cut) -> None:
    power, settings = recording.power_w, recording.settings
    if power is None:
        return
    columns["work_j"] = work = cut.sums(power)
    columns["average_power_w"] = average = floats(work / cut.lengths)
    columns["min_power_w"], columns["max_power_w"] = cut.least(power), cut.most(power)
    columns["normalized_power_w"] = normalized = _normalized(power, cut)
    columns["w5s_variability"] = _variability(power, cut)
    if settings.weight_kg:
        columns["average_w_per_kg"] = average / settings.weight_kg
        columns["max_w_per_kg"] = columns["max_power_w"] / settings.weight_kg
    if settings.ftp_w:
        ftp = settings.ftp_w
        columns["intensity_percent"] = 100.0 * normalized / ftp
        columns["training_load"] = floats(100.0 * cut.lengths / 3600.0 * (normalized / ftp) ** 2)
        columns["work_above_ftp_j"] = cut.sums(np.maximum(power - ftp, 0.0))
        bounds = floats(zones.bounds_of(settings.power_zones_percent, ftp))
        if len(bounds):
            place = np.searchsorted(bounds[:-1], average, side="left")
            columns["zone"] = floats(place + 1.0)
            columns["zone_min_w"] = np.concatenate(([0.0], bounds[:-1]))[place]
            columns["zone_max_w"] = bounds[place]
    if recording.w_left_j is not None and settings.w_prime_j:
        before = np.concatenate(([settings.w_prime_j], recording.w_left_j))
        columns["w_balance_start_j"], columns["w_balance_end_j"] = before[cut.starts], before[cut.ends]


def _normalized(power_w: Floats, cut: _Cut) -> Floats:
    """Normalised power of each stretch alone: the trailing mean reaches back no further than its start."""
    sums = prefix(power_w)
    ends = np.arange(1, len(power_w) + 1)[cut.seconds]
    low = np.maximum(ends - SMOOTH_S, np.repeat(cut.starts, cut.lengths))
    square = ((sums[ends] - sums[low]) / (ends - low)) ** 2
    result: Floats = (np.add.reduceat(square * square, cut.offsets) / cut.lengths) ** 0.25
    return result


def _variability(power_w: Floats, cut: _Cut) -> Floats:
    """Standard deviation of 5-second power as a percentage of its mean."""
    sums = prefix(power_w)
    ends = np.arange(1, len(power_w) + 1)[cut.seconds]
    low = np.maximum(ends - 5, np.repeat(cut.starts, cut.lengths))
    smooth = (sums[ends] - sums[low]) / (ends - low)
    mean = np.add.reduceat(smooth, cut.offsets) / cut.lengths
    spread = np.add.reduceat(smooth * smooth, cut.offsets) / cut.lengths - mean * mean
    return np.where(mean > 0, 100.0 * np.sqrt(np.maximum(spread, 0.0)) / np.where(mean > 0, mean, 1.0), np.nan)


def _of_heart(columns: dict[str, Floats], recording: Recording, cut: _Cut) -> None:
    beats = recording.heart_rate_bpm
    if beats is None:
        return
    columns["average_hr_bpm"] = cut.mean(beats)
    columns["min_hr_bpm"], columns["max_hr_bpm"] = cut.least(beats), cut.most(beats)
    output = recording.power_w
    if output is None:
        output = recording.gap_mps if recording.gap_mps is not None else recording.speed_mps
    if output is None:
        return
    known = ~(np.isnan(beats) | np.isnan(output))
    given, taken = prefix(np.where(known, output, 0.0)), prefix(np.where(known, beats, 0.0))
    middle = (cut.starts + cut.ends) // 2
    with np.errstate(divide="ignore", invalid="ignore"):
        first = (given[middle] - given[cut.starts]) / (taken[middle] - taken[cut.starts])
        second = (given[cut.ends] - given[middle]) / (taken[cut.ends] - taken[middle])
        percent = 100.0 * (first - second) / first
    long = (cut.lengths >= DECOUPLING_LEAST_S) & np.isfinite(percent)
    columns["decoupling_percent"] = np.where(long, percent, np.nan)


def _of_rest(columns: dict[str, Floats], recording: Recording, cut: _Cut, moving: Floats) -> None:
    cadence = recording.cadence_rpm
    if cadence is not None:
        turning = np.where(cadence > 0, cadence, np.nan)
        columns["average_cadence_rpm"] = mean = cut.mean(turning)
        columns["min_cadence_rpm"], columns["max_cadence_rpm"] = cut.least(cadence), cut.most(cadence)
        if "distance_m" in columns:
            with np.errstate(divide="ignore", invalid="ignore"):
                columns["average_stride_m"] = np.where(moving > 0, columns["average_speed_mps"] * 60.0 / mean, np.nan)
    if recording.temperature_c is not None:
        columns["average_temperature_c"] = cut.mean(recording.temperature_c)


def _of_climb(columns: dict[str, Floats], recording: Recording, cut: _Cut) -> None:
    altitude = recording.altitude_m
    if altitude is None:
        return
    columns["min_altitude_m"], columns["max_altitude_m"] = cut.least(altitude), cut.most(altitude)
    if recording.climb is not None:
        climbed = recording.climb.climbed_m
        columns["elevation_gain_m"] = climbed[cut.ends] - climbed[cut.starts]
    if "distance_m" in columns:
        way = columns["distance_m"]
        rise = altitude[cut.ends - 1] - altitude[cut.starts]
        columns["average_gradient"] = np.where(way > 0, rise / np.maximum(way, 1e-9), np.nan)
