"""eFTP: an estimate of FTP from one maximal effort, of between a few minutes and an hour.

An effort of t seconds at P watts counts as FTP = P / (1 + A / t), where A is such that 20 minutes count for 95 percent. That is the hyperbola of
critical power with W′ = A · FTP; the original's curves are not public, and its values differ by a few watts. The best over all durations counts.
"""

from dataclasses import dataclass

import numpy as np

from openintervals.analysis.arrays import Floats, Ints

LEAST_S = 300
MOST_S = 3600
SPRINT_S = 5
# 1 / (1 + A / 1200) = 0.95
ANAEROBIC_S = 1200.0 / 0.95 - 1200.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """FTP in watts, the effort it rests on (seconds, watts, place in the curve), and the W′ that goes with it."""

    ftp_w: float
    seconds: int
    watts: float
    place: int
    w_prime_j: float


def estimate(durations_s: Ints, watts: Floats, least_s: int = LEAST_S) -> Estimate | None:
    """The highest FTP any effort of `least_s` to an hour stands for; None when there is none that long, or none at all."""
    places = np.flatnonzero((durations_s >= least_s) & (durations_s <= MOST_S))
    if not len(places):
        return None
    candidates = watts[places] / (1.0 + ANAEROBIC_S / durations_s[places])
    best = int(np.argmax(candidates))
    ftp = float(candidates[best])
    if ftp <= 0:
        return None
    place = int(places[best])
    return Estimate(ftp, int(durations_s[place]), float(watts[place]), place, ANAEROBIC_S * ftp)
