"""Elevation: altitude without its noise, and how much of it was climbed.

Barometers and GPS shake by a metre or so while standing still, and every shake would count as climbing. Altitude is therefore smoothed over
`SMOOTH_S` seconds, and a climb or descent counts once it has gone `STEP_M` metres from the last turning point. Both are choices.
"""

from dataclasses import dataclass

import numpy as np

from openintervals.analysis.arrays import Floats, centred_mean, prefix
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


@dataclass(frozen=True, slots=True)
class Climb:
    """Metres climbed until the start of each second and until the end (one entry more than seconds), and in all, up and down."""

    climbed_m: Floats
    gain_m: float
    loss_m: float


def climb(altitude_m: Floats, step_m: float = STEP_M) -> Climb:
    """What is climbed and descended; moves smaller than `step_m` belong to the slope they interrupt.

    Gain minus loss differs from the difference between end and start by less than two steps, and the gains of parts add up to that of all.
    """
    climbed = np.zeros(len(altitude_m) + 1)
    turning = _turning(altitude_m, step_m)
    if not turning:
        return Climb(climbed, 0.0, 0.0)
    places = np.array([place for place, _ in turning])
    heights = np.array([height for _, height in turning])
    legs = np.diff(heights)
    before = prefix(np.maximum(legs, 0.0))
    leg = np.repeat(np.arange(len(legs)), np.diff(places))
    above = altitude_m[places[0] : places[-1]] - heights[leg]
    climbed[places[0] : places[-1]] = before[leg] + np.where(legs[leg] > 0, above, 0.0)
    climbed[places[-1] :] = before[-1]
    return Climb(np.maximum.accumulate(climbed), float(before[-1]), float(np.maximum(-legs, 0.0).sum()))


def _turning(altitude_m: Floats, step_m: float) -> list[tuple[int, float]]:
    """Places and altitudes of turning points at least a step apart; the first is where the first such slope began."""
    steps = np.diff(altitude_m)
    moved = np.flatnonzero(steps)
    if not len(moved):
        return []
    rising = steps[moved] > 0
    places = np.concatenate(([0], moved[:-1][rising[1:] != rising[:-1]] + 1, [len(altitude_m) - 1]))
    low = high = (0, float(altitude_m[0]))
    turning: list[tuple[int, float]] = []
    for place, altitude in zip(places.tolist(), altitude_m[places].tolist(), strict=True):
        if not turning:
            low, high = min(low, (place, altitude), key=_altitude), max(high, (place, altitude), key=_altitude)
            if altitude - low[1] >= step_m:
                turning = [low, (place, altitude)]
            elif high[1] - altitude >= step_m:
                turning = [high, (place, altitude)]
        elif (altitude - turning[-1][1]) * (turning[-1][1] - turning[-2][1]) > 0:
            turning[-1] = (place, altitude)
        elif abs(altitude - turning[-1][1]) >= step_m:
            turning.append((place, altitude))
    return turning


def _altitude(point: tuple[int, float]) -> float:
    return point[1]
