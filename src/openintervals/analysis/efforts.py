"""Best efforts: the best windows of an activity for one duration or one distance.

Windows are found best first and never share a second. A channel that is unknown somewhere counts as 0 there; what is excluded is not touched.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from openintervals.analysis.arrays import Bools, Floats, Ints, prefix
from openintervals.analysis.resample import Seconds


@dataclass(frozen=True, slots=True)
class Effort:
    """Records (the end exclusive), the mean of the channel, the seconds and, where it is known, the metres."""

    start_index: int
    end_index: int
    average: float
    duration_s: int
    distance_m: float | None


def by_duration(
    values: Floats,
    layout: Seconds,
    seconds: int,
    *,
    count: int = 8,
    least: float | None = None,
    excluded: Iterable[tuple[int, int]] = (),
    covered_m: Floats | None = None,
) -> list[Effort]:
    """The `count` best windows of `seconds`, best first; `least` is the lowest mean of interest, `excluded` are spans of records."""
    if not 0 < seconds <= len(values):
        return []
    starts = np.arange(len(values) - seconds + 1)
    return _best(values, layout, starts, starts + seconds, count, least, excluded, covered_m)


def by_distance(
    values: Floats,
    layout: Seconds,
    metres: float,
    covered_m: Floats,
    *,
    count: int = 8,
    least: float | None = None,
    excluded: Iterable[tuple[int, int]] = (),
) -> list[Effort]:
    """The `count` best windows of at least `metres`, each ending as soon as it has them."""
    starts = np.arange(len(values))
    ends = np.searchsorted(covered_m, covered_m[:-1] + metres, side="left")
    fits = (ends <= len(values)) & (ends > starts)
    return _best(values, layout, starts[fits], ends[fits], count, least, excluded, covered_m)


def _best(
    values: Floats,
    layout: Seconds,
    starts: Ints,
    ends: Ints,
    count: int,
    least: float | None,
    excluded: Iterable[tuple[int, int]],
    covered_m: Floats | None,
) -> list[Effort]:
    if not len(starts):
        return []
    sums = prefix(np.nan_to_num(values, nan=0.0))
    means = (sums[ends] - sums[starts]) / (ends - starts)
    free: Bools = np.ones(len(starts), dtype=bool)
    for first, last in excluded:
        low, high = layout.second(np.clip(np.array([first, last]), 0, len(layout.time_s))).tolist()
        free &= (ends <= low) | (starts >= high)
    if least is not None:
        free &= means >= least
    means[~free] = -np.inf
    efforts: list[Effort] = []
    while len(efforts) < count:
        place = int(means.argmax())
        if means[place] == -np.inf:
            break
        start, end = int(starts[place]), int(ends[place])
        way = None if covered_m is None else float(covered_m[end] - covered_m[start])
        first, last = layout.index(np.array([start, end])).tolist()
        efforts.append(Effort(first, last, float(means[place]), end - start, way))
        means[(starts < end) & (ends > start)] = -np.inf
    return efforts
