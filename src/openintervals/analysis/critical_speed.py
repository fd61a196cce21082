"""Critical speed: the line through distance and time of best efforts, d = CS · t + D′.

CS in m/s is the speed that could be kept up long, D′ in metres what can be run, or swum, beyond it (Hughson 1984). Fitted by least squares to the
points of a pace curve that took between 2 and 20 minutes; points well below the line are left out as not maximal, and the line is drawn again.
"""

from dataclasses import dataclass

import numpy as np

from openintervals.analysis.arrays import Floats

SPAN_S = (120.0, 1200.0)
_SLACK = 0.02


@dataclass(frozen=True, slots=True)
class SpeedModel:
    """m/s, metres, the fit's R², and the places in the curve it rests on."""

    critical_mps: float
    d_prime_m: float
    r2: float
    inputs: tuple[int, ...]


def fit(distances_m: Floats, seconds: Floats) -> SpeedModel | None:
    """Fit the line; None with fewer than three points in the span, or without a positive slope."""
    places = np.flatnonzero((seconds >= SPAN_S[0]) & (seconds <= SPAN_S[1]))
    model = None
    for _ in range(8):
        if len(places) < 3 or np.ptp(seconds[places]) == 0:
            break
        times, metres = seconds[places], distances_m[places]
        d_prime, speed = np.polynomial.polynomial.polyfit(times, metres, 1)
        if speed <= 0:
            break
        fitted = d_prime + speed * times
        spread = float(((metres - metres.mean()) ** 2).sum())
        r2 = 1.0 - float(((metres - fitted) ** 2).sum()) / spread
        model = SpeedModel(float(speed), float(d_prime), r2, tuple(places.tolist()))
        near = metres >= fitted * (1 - _SLACK)
        if near.all():
            break
        places = places[near]
    return model
