"""Histograms: how many seconds were spent at which power, heart rate or pace, and what else was so meanwhile.

Buckets begin at whole multiples of their size; every second with a value is in exactly one. Power against heart rate is the same by power, with
the heart rate of a little later, since the heart answers late.
"""

from dataclasses import dataclass, replace

import numpy as np

from openintervals.analysis import decoupling, zones
from openintervals.analysis.arrays import Bools, Floats, Ints
from openintervals.analysis.recording import Recording

POWER_SIZE_W = 25
HR_SIZE_BPM = 5
PACE_SIZE_MPS = 0.1
BUCKETS_MOST = 2000
LAG_MOST_S = 60


@dataclass(frozen=True, slots=True)
class Bucket:
    """From which value, seconds, those of them moving, and the means of heart rate, power and cadence meanwhile."""

    start: float
    seconds: int
    moving_s: int
    hr_bpm: float | None
    power_w: float | None
    cadence_rpm: float | None


def histogram(recording: Recording, values: Floats, size: float, counts: Bools | None = None) -> list[Bucket]:
    """Buckets of a channel from the first to the last with any seconds; `counts` narrows the seconds. Raises ValueError for no size."""
    if not size > 0:
        raise ValueError("a bucket has a size above 0")
    known = ~np.isnan(values) & recording.layout.recorded
    if counts is not None:
        known &= counts
    places = np.flatnonzero(known)
    if not len(places):
        return []
    bucket = np.floor(values[places] / size + 1e-9)
    low = int(bucket.min())
    bucket = np.minimum(bucket - low, BUCKETS_MOST - 1).astype(np.int64)
    length = int(bucket.max()) + 1
    seconds = np.bincount(bucket, minlength=length)
    moving = np.bincount(bucket, weights=recording.moves[places], minlength=length)
    means = [
        _means(bucket, channel[places], length) if channel is not None else [None] * length
        for channel in (recording.heart_rate_bpm, recording.power_w, recording.cadence_rpm)
    ]
    return [
        Bucket((low + at) * size, int(seconds[at]), int(moving[at]), *(mean[at] for mean in means))
        for at in range(length)
    ]


def _means(bucket: Ints, values: Floats, length: int) -> list[float | None]:
    known = ~np.isnan(values)
    counts = np.bincount(bucket[known], minlength=length)
    sums = np.bincount(bucket[known], weights=values[known], minlength=length)
    return [total / count if count else None for total, count in zip(sums.tolist(), counts.tolist(), strict=True)]


@dataclass(frozen=True, slots=True)
class TimeAtHr:
    """Seconds at each whole bpm from `least_bpm` to `most_bpm`, and at it or above."""

    least_bpm: int
    most_bpm: int
    seconds: tuple[int, ...]
    cumulative_s: tuple[int, ...]


def time_at_hr(heart_rate_bpm: Floats) -> TimeAtHr | None:
    """Seconds at each heart rate, rounded to whole bpm; None when there is none."""
    known = heart_rate_bpm[~np.isnan(heart_rate_bpm)]
    if not len(known):
        return None
    beats = np.rint(known).astype(np.int64)
    low = int(beats.min())
    seconds = np.bincount(beats - low)
    above = np.cumsum(seconds[::-1])[::-1]
    return TimeAtHr(low, int(beats.max()), tuple(seconds.tolist()), tuple(above.tolist()))


@dataclass(frozen=True, slots=True)
class Line:
    """A curve of heart rate over power, coefficients from the constant up, and how well it fits."""

    coefficients: tuple[float, ...]
    r2: float


@dataclass(frozen=True, slots=True)
class PowerVsHr:
    """Heart rate by power: the buckets, lines through the seconds, the lag used, output per beat of both halves, and of power zone 2."""

    size_w: float
    lag_s: int
    series: tuple[Bucket, ...]
    lines: tuple[Line, ...]
    halves: decoupling.Halves | None
    power_hr: float
    power_hr_z2: float | None
    z2_s: int
    cadence_z2_rpm: float | None
    median_cadence_z2_rpm: float | None


def power_vs_hr(recording: Recording, size_w: float = POWER_SIZE_W) -> PowerVsHr | None:
    """Power against heart rate; None without both."""
    power, beats, settings = recording.power_w, recording.heart_rate_bpm, recording.settings
    if power is None or beats is None:
        return None
    lag = _lag(power, beats)
    later = np.append(beats[lag:], np.full(lag, np.nan))
    counts = recording.moves & ~np.isnan(later) & (power > 0)
    if not counts.any():
        return None
    shifted = replace(recording, heart_rate_bpm=later)
    x, y = power[counts], later[counts]
    z2, cadence = zone_2(recording)
    known = recording.moves & ~np.isnan(beats)
    turning = cadence[cadence > 0]
    return PowerVsHr(
        size_w=size_w,
        lag_s=lag,
        series=tuple(histogram(shifted, power, size_w, counts)),
        lines=tuple(_line(x, y, degree) for degree in (1, 2) if len(np.unique(x)) > degree),
        halves=decoupling.halves(power, beats, recording.moves, settings.warmup_s, settings.cooldown_s),
        power_hr=float(power[known].sum() / beats[known].sum()),
        power_hr_z2=float(power[z2].sum() / beats[z2].sum()) if z2.any() else None,
        z2_s=int(np.count_nonzero(z2)),
        cadence_z2_rpm=float(turning.mean()) if len(turning) else None,
        median_cadence_z2_rpm=float(np.median(turning)) if len(turning) else None,
    )


def zone_2(recording: Recording) -> tuple[Bools, Floats]:
    """The moving seconds with a heart rate and power in zone 2, and their cadence (empty without any)."""
    none: Bools = np.zeros(recording.count, dtype=bool)
    power, beats, settings = recording.power_w, recording.heart_rate_bpm, recording.settings
    if power is None or beats is None or not settings.ftp_w or len(settings.power_zones_percent) < 2:
        return none, np.empty(0)
    low, high = zones.bounds_of(settings.power_zones_percent[:2], settings.ftp_w)
    inside = recording.moves & ~np.isnan(beats) & (power > low) & (power <= high)
    return inside, recording.cadence_rpm[inside] if recording.cadence_rpm is not None else np.empty(0)


def _lag(power: Floats, beats: Floats) -> int:
    """By how many seconds, up to a minute, the heart rate has to be moved for the two to correlate best."""
    best, found = -np.inf, 0
    for lag in range(0, min(LAG_MOST_S, len(power) - 2), 5):
        x, y = power[: len(power) - lag], beats[lag:]
        known = ~np.isnan(y)
        x, y = x[known], y[known]
        if len(x) < 60 or x.std() == 0 or y.std() == 0:
            continue
        r = float(np.corrcoef(x, y)[0, 1])
        if r > best + 1e-9:
            best, found = r, lag
    return found


def _line(x: Floats, y: Floats, degree: int) -> Line:
    fit = np.polynomial.polynomial.Polynomial.fit(x, y, degree)
    spread = float(((y - y.mean()) ** 2).sum())
    r2 = 1.0 - float(((y - fit(x)) ** 2).sum()) / spread if spread > 0 else 1.0
    return Line(tuple(fit.convert().coef.tolist()), r2)
