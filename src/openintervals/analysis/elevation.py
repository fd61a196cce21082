"""Elevation: altitude without its noise, and how much of it was climbed.

Barometers and GPS shake by a metre or so while standing still, and every shake would count as climbing. Altitude is therefore smoothed over
`SMOOTH_S` seconds, and a climb or descent counts once it has gone `STEP_M` metres from the last turning point. Both are choices.
"""

import numpy as np

from openintervals.analysis.arrays import Floats, centred_mean
from openintervals.analysis.resample import Seconds

SMOOTH_S = 9
STEP_M = 2.0


def smooth(layout: Seconds, altitude_m: Floats) -> Floats | None:
    """Metres above sea level in each second, without noise and without holes; None if no record has any."""
    known = ~np.isnan(altitude_m)
    if not known.any():
        return None
    if layout.whole and len(altitude_m) == layout.count and known.all():
        even = altitude_m
    else:
        even = np.interp(np.arange(layout.count), layout.time_s[known], altitude_m[known])
    return centred_mean(even, SMOOTH_S)


def gain_and_loss(altitude_m: Floats, step_m: float = STEP_M) -> tuple[float, float]:
    """Metres climbed and metres descended, both at least 0; moves smaller than `step_m` belong to the slope they interrupt.

    Gain minus loss differs from the difference between end and start by less than two steps.
    """
    if len(altitude_m) < 2:
        return 0.0, 0.0
    steps = np.diff(altitude_m)
    moved = np.flatnonzero(steps)
    if not len(moved):
        return 0.0, 0.0
    turns = moved[:-1][np.diff(np.sign(steps[moved])) != 0] + 1
    points = np.concatenate((altitude_m[:1], altitude_m[turns], altitude_m[-1:])).tolist()
    turning = np.diff(_turning(points, step_m))
    return float(turning[turning > 0].sum()), float(-turning[turning < 0].sum())


def _turning(points: list[float], step_m: float) -> list[float]:
    """The turning points among `points` that are at least a step apart; the first is where the first such slope began."""
    low = high = points[0]
    turning: list[float] = []
    for point in points:
        if not turning:
            low, high = min(low, point), max(high, point)
            if point - low >= step_m:
                turning = [low, point]
            elif high - point >= step_m:
                turning = [high, point]
        elif (point - turning[-1]) * (turning[-1] - turning[-2]) > 0:
            turning[-1] = point
        elif abs(point - turning[-1]) >= step_m:
            turning.append(point)
    return turning
