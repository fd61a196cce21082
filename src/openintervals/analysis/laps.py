"""Laps: what a device, or a press of its button, cut an activity into.

A device tells laps by time, and analysis works by record. A lap holds the records that begin in it; one that holds none is dropped. Their numbers
are those of intervals (`interval_numbers`).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from openintervals.analysis.arrays import Floats, floats


def by_time(time_s: Floats, starts_s: Sequence[float], end_s: float | None = None) -> list[tuple[int, int]]:
    """Laps that begin at these seconds as records from and up to; each ends where the next begins, the last at `end_s` or with the records."""
    starts = np.unique(floats(starts_s))
    borders = np.searchsorted(np.maximum.accumulate(floats(time_s)), starts, side="left")
    last = len(time_s) if end_s is None else int(np.searchsorted(time_s, end_s, side="left"))
    edges = [*borders.tolist(), max(last, int(borders[-1]) if len(borders) else 0)]
    return [(first, following) for first, following in pairwise(edges) if following > first]
