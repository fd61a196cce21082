"""Distance and speed: how far, and how fast at each second.

A device's own distance is believed first, then its speed, then its positions. Distance never goes back: a cumulative channel that does so
stands still until it is passed. In gaps of the recording the distance moves on evenly between the records around them, so no distance is lost,
but nobody is seen to move there: the speed is unknown.
"""

import numpy as np

from openintervals.analysis.arrays import Bools, Floats, prefix
from openintervals.analysis.resample import Seconds

FIRST_MOST_M = 100.0
EARTH_RADIUS_M = 6_371_008.8  # the mean radius of the GRS 80 ellipsoid


def track(latitude_deg: Floats, longitude_deg: Floats) -> Floats:
    """Metres along the positions since the first one, by the haversine formula; unknown positions stand still."""
    known = ~(np.isnan(latitude_deg) | np.isnan(longitude_deg))
    result = np.zeros(len(latitude_deg))
    if known.sum() < 2:
        return result
    lat, lon = np.radians(latitude_deg[known]), np.radians(longitude_deg[known])
    chord = (
        np.sin(np.diff(lat) / 2) ** 2
        + np.cos(lat[:-1]) * np.cos(lat[1:]) * np.sin(np.diff(lon) / 2) ** 2
    )  # fmt: skip
    steps = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    places = np.flatnonzero(known)
    result[places[1:]] = steps
    return np.cumsum(result)


def cumulative(
    layout: Seconds,
    distance_m: Floats | None,
    speed_mps: Floats | None,
    latitude_deg: Floats | None = None,
    longitude_deg: Floats | None = None,
    *,
    by_length: bool = False,
) -> Floats | None:
    """Metres covered at the start of each second and at the end, one entry more than seconds, never falling; None when nothing tells.

    With `by_length`, as pools are swum, a distance that stands still for a while and then jumps is spread over the while.
    """
    if distance_m is not None and (known := ~np.isnan(distance_m)).any():
        if by_length:
            known = _changes(distance_m, known)
        return _along(layout, distance_m, known)
    if speed_mps is not None and not np.isnan(speed_mps).all():
        return prefix(layout.fill(np.maximum(speed_mps, 0.0), 0.0))
    if latitude_deg is not None and longitude_deg is not None:
        known = ~(np.isnan(latitude_deg) | np.isnan(longitude_deg))
        if known.sum() >= 2:
            return _along(layout, track(latitude_deg, longitude_deg), known)
    return None


def total_m(covered_m: Floats) -> float:
    """Metres in all. A device that begins at a few metres has covered them; one that begins far along counted something else before."""
    first = float(covered_m[0])
    return float(covered_m[-1]) - (first if first > FIRST_MOST_M else 0.0)


def _changes(distance_m: Floats, known: Bools) -> Bools:
    places = np.flatnonzero(known)
    changed = np.diff(np.maximum.accumulate(distance_m[places])) > 0
    keep = np.zeros(len(known), dtype=bool)
    keep[places[np.concatenate(([True], changed))]] = True
    keep[places[-1]] = True
    return keep


def _along(layout: Seconds, distance_m: Floats, known: Bools) -> Floats:
    whole = bool(known.all())
    times = layout.time_s if whole else layout.time_s[known]
    metres = np.maximum.accumulate(distance_m if whole else distance_m[known])
    if whole and layout.whole and len(times) == layout.count:
        covered = np.append(metres, metres[-1])
    else:
        covered = np.interp(np.arange(layout.count + 1), times, metres)
    return covered - covered[0] if covered[0] < 0 else covered


def speeds(layout: Seconds, speed_mps: Floats | None, covered_m: Floats | None) -> Floats | None:
    """Metres per second in each second, NaN in gaps: the device's, else from the distance; None when there is neither."""
    if speed_mps is not None and not np.isnan(speed_mps).all():
        return layout.fill(np.maximum(speed_mps, 0.0))
    if covered_m is None:
        return None
    speed = np.diff(covered_m)
    # Nothing says how far one got after the last record; as before it is likelier than standing.
    last = int(layout.first[-1])
    speed[last:] = speed[last - 1] if last else 0.0
    return np.where(layout.recorded, speed, np.nan)
