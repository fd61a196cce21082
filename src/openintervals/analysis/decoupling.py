"""Decoupling: by how much output per heartbeat fell from the first half of an activity to the second (Friel).

Output is power, or gradient-adjusted speed. Only moving seconds with a heart rate count. Warm-up and cool-down are left out when what remains is
at least `LEAST_S`; otherwise they stay in.
"""

from dataclasses import dataclass

import numpy as np

from openintervals.analysis.arrays import Bools, Floats

LEAST_S = 1200


@dataclass(frozen=True, slots=True)
class Halves:
    """Output per beat in both halves, the loss in percent, and the seconds the halves lie between."""

    first: float
    second: float
    percent: float
    start_s: int
    middle_s: int
    end_s: int


def window(seconds: int, warmup_s: int, cooldown_s: int) -> tuple[int, int]:
    """From and to which second an activity counts once warm-up and cool-down are left out; all of it when too little would remain."""
    if seconds - warmup_s - cooldown_s >= LEAST_S:
        return warmup_s, seconds - cooldown_s
    return 0, seconds


def halves(
    output: Floats, heart_rate_bpm: Floats, counts: Bools, warmup_s: int = 0, cooldown_s: int = 0
) -> Halves | None:
    """Compare the halves, by time; None when one of them has no heartbeat or no output."""
    start, end = window(len(output), warmup_s, cooldown_s)
    places = np.flatnonzero(counts[start:end] & ~np.isnan(heart_rate_bpm[start:end]) & ~np.isnan(output[start:end]))
    if len(places) < 2:
        return None
    places += start
    middle = len(places) // 2
    first, second = (
        float(output[part].sum() / heart_rate_bpm[part].sum()) for part in (places[:middle], places[middle:])
    )
    if first <= 0:
        return None
    return Halves(first, second, 100.0 * (first - second) / first, start, int(places[middle]), end)
