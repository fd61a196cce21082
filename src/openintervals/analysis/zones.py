"""Time in zones: how many seconds lie between which bounds.

A value on a bound belongs to the zone below it, and what lies above the last bound to the last zone, so the zones of a channel add up to the
seconds that have a value. Sweet spot lies across zones and is counted beside them. The polarization index reads three zones out of these.
"""

from collections.abc import Sequence

import numpy as np

from openintervals.analysis.arrays import Floats


def times_s(values: Floats, bounds: Sequence[float]) -> list[int]:
    """Seconds in each zone of ascending upper bounds, of seconds whose value is known; empty without bounds."""
    if not bounds:
        return []
    known = values if not np.isnan(values).any() else values[~np.isnan(values)]
    zone = np.searchsorted(np.asarray(bounds[:-1], dtype=np.float64), known, side="left")
    counts: list[int] = np.bincount(zone, minlength=len(bounds)).tolist()
    return counts


def bounds_of(percents: Sequence[float], threshold: float) -> list[float]:
    """Upper bounds in the threshold's unit."""
    return [percent / 100.0 * threshold for percent in percents]


def between_s(values: Floats, low: float, high: float) -> int:
    """Seconds at `low` or above and at `high` or below."""
    with np.errstate(invalid="ignore"):
        return int(np.count_nonzero((values >= low) & (values <= high)))


def three_zones(seconds: Sequence[int]) -> tuple[int, int, int] | None:
    """Easy (zones 1 and 2), between (3 and 4) and hard (5 and up) seconds of a model with five zones or more; None for others."""
    if len(seconds) < 5:
        return None
    return sum(seconds[:2]), sum(seconds[2:4]), sum(seconds[4:])


def polarization_index(seconds: Sequence[int]) -> float | None:
    """log10(Z1 / Z2 · Z3 · 100) of the shares of three zones (Treff et al. 2019); over 2 is polarized.

    As there, Z2 = 0 is reckoned as 0.01 taken from Z3 where that is possible; 0 without hard time; None without easy time or without zones.
    """
    found = three_zones(seconds)
    if found is None or sum(found) == 0:
        return None
    easy, between, hard = (part / sum(found) for part in found)
    if easy == 0:
        return None
    if hard == 0:
        return 0.0
    if between == 0:
        between, hard = 0.01, max(hard - 0.01, 0.0)
    value = easy / between * hard * 100
    return max(float(np.log10(value)), 0.0) if value > 0 else 0.0
