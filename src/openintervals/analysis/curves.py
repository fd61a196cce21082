"""Curves: the best an activity has for every duration, and for every distance.

A curve is reckoned on a fixed grid of durations, so that the curves of many activities can be laid over each other. Its value at a duration is
the highest mean over any window of the grid at least that long. (Over windows of exactly that length it could rise with duration, which says
nothing: whoever held it for longer held it for shorter.) `start_index` and `end_index` are records, the end exclusive, of the window itself.

Power and speed are 0 in gaps; heart rate is absent there, so its windows are of recorded seconds. A pace curve is the other way round: the
least time for each distance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from openintervals.analysis.arrays import Floats, Ints, prefix
from openintervals.analysis.resample import Seconds

DURATIONS_S: Ints = np.concatenate(
    (
        np.arange(1, 60, 1),
        np.arange(60, 300, 5),
        np.arange(300, 1200, 15),
        np.arange(1200, 3600, 30),
        np.arange(3600, 7200, 60),
        np.arange(7200, 36000, 300),
        np.arange(36000, 604801, 3600),
    )
).astype(np.int64)
DISTANCES_M: Floats = np.array(
    [
        25, 50, 75, 100, 150, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 900, 1000, 1200, 1500, 1609.344, 2000, 2414.016,
        2500, 3000, 3218.688, 4000, 4828.032, 5000, 6000, 7000, 8000, 8046.72, 9000, 10000, 12000, 15000, 16093.44, 18000, 20000,
        21097.5, 25000, 30000, 32186.88, 35000, 40000, 42195, 45000, 50000, 60000, 70000, 80000, 80467.2, 90000, 100000, 120000,
        140000, 160934.4, 180000, 200000, 250000, 300000, 400000, 500000,
    ]
)  # fmt: skip
Values = npt.NDArray[np.floating[Any]]

_STEPS_MOST = 4096
_STEP_LEAST_M = 1.0
_LONG_S = 86_400
_AT_ONCE = 4096  # curves in one table
_STARTS = 200  # of windows in their own length, in recordings longer than a day


@dataclass(frozen=True, slots=True)
class Curve:
    """Best means on the grid of durations up to the length of the activity; all arrays have one entry per duration."""

    durations_s: Ints
    values: Floats
    start_index: Ints
    end_index: Ints


@dataclass(frozen=True, slots=True)
class PaceCurve:
    """Least seconds on the grid of distances up to that of the activity; all arrays have one entry per distance."""

    distances_m: Floats
    seconds: Floats
    start_index: Ints
    end_index: Ints


def durations(seconds: int) -> Ints:
    """The grid up to a number of seconds."""
    return DURATIONS_S[: int(np.searchsorted(DURATIONS_S, seconds, side="right"))]


def mean_max(values: Floats, layout: Seconds, places: Ints | None = None) -> Curve:
    """The curve of one value per second, unknown ones counting as 0; `places` are the seconds they are from, if not all in turn.

    In recordings longer than a day, long windows begin only every two-hundredth of their length.
    """
    grid = durations(len(values))
    sums, unit = _sums(np.nan_to_num(values, nan=0.0))
    best = np.empty(len(grid))
    starts = np.empty(len(grid), np.int64)
    room = np.empty_like(sums)
    count = len(sums)
    for number, length in enumerate(grid.tolist()):
        stride = max(length // _STARTS, 1) if count > _LONG_S else 1
        reached = sums[length::stride]
        window = np.subtract(reached, sums[: count - length : stride], out=room[: len(reached)])
        place = window.argmax()
        starts[number] = place * stride
        best[number] = window[place] / length
    best *= unit
    held = _of_longer(best)
    starts = starts[held]
    ends = starts + grid[held]
    if places is not None:
        starts, ends = places[starts], places[ends - 1] + 1
    return Curve(grid, best[held], layout.index(starts), layout.index(ends))


def _sums(values: Floats) -> tuple[npt.NDArray[np.int32] | Floats, float]:
    """Prefix sums and the unit they are in: 32-bit integers where values allow it, since they are compared twice as fast."""
    for unit in (1.0, 0.001):
        scaled = values / unit
        whole = np.rint(scaled)
        if np.abs(whole).sum() < 2**31 and np.abs(whole - scaled).max(initial=0.0) < 1e-6:
            sums = np.zeros(len(values) + 1, np.int32)
            np.cumsum(whole.astype(np.int32), out=sums[1:])
            return sums, unit
    return prefix(values), 1.0


def _of_longer(best: Floats) -> Ints:
    """For each duration, the place of the highest value at it or any longer one."""
    backwards = best[::-1]
    highest = np.maximum.accumulate(backwards)
    fresh = np.concatenate(([True], backwards[1:] > highest[:-1])) if len(best) else np.empty(0, bool)
    held = np.maximum.accumulate(np.where(fresh, np.arange(len(best)), 0))
    found: Ints = (len(best) - 1 - held)[::-1].astype(np.int64)
    return found


def present(values: Floats, layout: Seconds) -> Curve:
    """The curve of a channel that is absent in gaps, such as heart rate: windows are of seconds with a value."""
    places = np.flatnonzero(~np.isnan(values))
    if len(places) == len(values):
        return mean_max(values, layout)
    return mean_max(values[places], layout, places.astype(np.int64))


def after_work(power_w: Floats, layout: Seconds, kilojoules: float) -> Curve | None:
    """The curve of what came after this much work had been done; None if it was not, or nothing came."""
    begin = int(np.searchsorted(np.cumsum(power_w), kilojoules * 1000.0, side="left")) + 1
    if begin >= len(power_w):
        return None
    return mean_max(power_w[begin:], layout, np.arange(begin, len(power_w), dtype=np.int64))


def pace(covered_m: Floats, layout: Seconds) -> PaceCurve:
    """The least time for each distance, from metres covered at the start of each second and at the end; stops count.

    Windows begin at up to 4,096 evenly spaced points of the way, and time is linear between seconds.
    """
    total = float(covered_m[-1] - covered_m[0])
    distances = DISTANCES_M[: int(np.searchsorted(DISTANCES_M, total * (1 + 1e-12), side="right"))]
    nothing = np.empty(0, np.int64)
    if not len(distances):
        return PaceCurve(distances, np.empty(0), nothing, nothing)
    step = max(total / _STEPS_MOST, _STEP_LEAST_M)
    way = covered_m[0] + np.arange(0.0, total, step)
    clock = np.arange(len(covered_m), dtype=np.float64)
    times = np.interp(way, covered_m, clock)
    end = float(np.argmax(covered_m))  # nobody waits at the finish
    # The last window of each distance, which ends where the activity does, may begin between two points.
    last = end - np.interp(covered_m[-1] - distances, covered_m, clock)
    best, begin = last.copy(), end - last
    for number, distance in enumerate(distances.tolist()):
        whole, part = divmod(distance / step, 1.0)
        low, high = times[int(whole) : -1], times[int(whole) + 1 :]
        if not len(high):
            continue
        taken = low + part * (high - low)
        taken -= times[: len(taken)]
        place = int(taken.argmin())
        if taken[place] <= best[number]:
            best[number], begin[number] = taken[place], times[place]
    # A longer distance takes no less time than a shorter one.
    best = np.maximum.accumulate(best)
    starts = np.floor(begin + 1e-9).astype(np.int64)
    ends_s = np.minimum(np.ceil(begin + best - 1e-9).astype(np.int64), layout.count)
    return PaceCurve(distances, best, layout.index(starts), layout.index(ends_s))


def ranked(curves: Sequence[Values], count: int) -> tuple[Values, Ints]:
    """The `count` highest values at each place of one grid, best first, and which curve each is from; of equals the first curve's.

    One row for each rank, as long as the longest curve; -inf where there are not as many curves."""
    length = max((len(curve) for curve in curves), default=0)
    kind = curves[0].dtype if curves else np.dtype(np.float64)
    best = np.full((count, length), -np.inf, kind)
    source = np.zeros((count, length), np.int64)
    across = np.arange(length)
    for begin in range(0, len(curves), _AT_ONCE):
        part = curves[begin : begin + _AT_ONCE]
        # What was best so far stands before the rest, so that of equals the first one's stays.
        table = np.full((count + len(part), length), -np.inf, kind)
        table[:count] = best
        for row, curve in enumerate(part, count):
            table[row, : len(curve)] = curve
        known = source.copy()
        for rank in range(count):
            place = table.argmax(axis=0)
            best[rank] = table[place, across]
            source[rank] = np.where(place < count, known[np.minimum(place, count - 1), across], place - count + begin)
            table[place, across] = -np.inf
    return best, source


def season(curves: Sequence[Values]) -> tuple[Values, Ints]:
    """The element-wise maximum of curves on one grid, as long as the longest, and which curve each value is from; both empty for none."""
    best, source = ranked(curves, 1)
    return best[0], source[0]


def at(curve_durations_s: Ints, values: Floats, wanted_s: npt.ArrayLike) -> Floats:
    """Values at any durations, linear between those of the grid; NaN beyond the curve."""
    wanted = np.asarray(wanted_s, dtype=np.float64)
    if not len(values):
        return np.full(wanted.shape, np.nan)
    return np.interp(wanted, curve_durations_s, values, right=np.nan)
