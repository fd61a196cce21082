"""Pace, and pace as it would be on the level.

Pace is a speed here, in m/s; people read it as time for a distance. Gradient-adjusted pace (GAP) multiplies the speed by what running up or down
the slope costs compared with the level, by Minetti's polynomial. Slopes are taken over `WINDOW_S` seconds of smoothed altitude, since the slope
of a single second is noise.
"""

import numpy as np

from openintervals.analysis.arrays import Floats

WINDOW_S = 10
SLOPE_MOST = 0.45
LEAST_M = 4.0  # of progress within the window; less says nothing about the slope
COST_LEVEL = 3.6


def cost(slope: Floats) -> Floats:
    """Joules per kilogram and metre of running on a slope, rise over run (Minetti et al. 2002), slopes limited to ±0.45."""
    i = np.clip(slope, -SLOPE_MOST, SLOPE_MOST)
    joules: Floats = ((((155.4 * i - 30.4) * i - 43.3) * i + 46.3) * i + 19.5) * i + COST_LEVEL
    return joules


def slopes(altitude_m: Floats, covered_m: Floats) -> Floats:
    """Rise over run around each second, 0 where there was hardly any progress; `covered_m` has one entry more."""
    count = len(altitude_m)
    places = np.arange(count)
    low = np.maximum(places - WINDOW_S // 2, 0)
    high = np.minimum(places + WINDOW_S // 2, count - 1)
    run = covered_m[high] - covered_m[low]
    rise = altitude_m[high] - altitude_m[low]
    slope: Floats = np.where(run >= LEAST_M, rise / np.maximum(run, LEAST_M), 0.0)
    return np.clip(slope, -SLOPE_MOST, SLOPE_MOST)


def adjusted(speed_mps: Floats, slope: Floats) -> Floats:
    """Gradient-adjusted speed in m/s: the speed on the level that costs as much."""
    level: Floats = speed_mps * (cost(slope) / COST_LEVEL)
    return level
