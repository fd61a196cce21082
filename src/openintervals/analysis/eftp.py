"""eFTP: an estimate of FTP from one maximal effort, of between a few minutes and an hour.

An effort of t seconds at P watts counts as FTP = P / (1 + A / t), where A is such that 20 minutes count for 95 percent. That is the hyperbola of
critical power with W′ = A · FTP; the original's curves are not public, and its values differ by a few watts. The best over all durations counts.

Over days an estimate stays until a better effort, and fades as training does: with fitness to the power of 0.1. Somebody who does nothing then has
95 percent after three weeks and 82 after twelve, about as trained people lost of their oxygen uptake (7 and 16 percent; Coyle et al. 1984).
"""

from dataclasses import dataclass

import numpy as np

from openintervals.analysis.arrays import Floats, Ints

LEAST_S = 300
MOST_S = 3600
SPRINT_S = 5
# 1 / (1 + A / 1200) = 0.95
ANAEROBIC_S = 1200.0 / 0.95 - 1200.0
FADING = 0.1


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


def rolling(estimates_w: Floats, ctl: Floats, start_w: float = np.nan, start_ctl: float = np.nan) -> Floats:
    """eFTP after each day: the day's estimate (NaN where there is none) if it is higher than what is left of the day before's.

    `ctl` is fitness after each day; `start_w` and `start_ctl` are of the day before the first. NaN until there is an estimate.
    """
    before = np.concatenate(([start_ctl], ctl[:-1]))
    with np.errstate(invalid="ignore", divide="ignore"):
        falls = (ctl < before) & (ctl >= 0)
        kept = np.where(falls, (ctl / np.where(falls, before, 1.0)) ** FADING, 1.0)
    found = np.empty(len(ctl))
    value = start_w
    for day, (share, estimate_w) in enumerate(zip(kept.tolist(), estimates_w.tolist(), strict=True)):
        value = np.fmax(value * share, estimate_w)
        found[day] = value
    return found
