"""Heart rate: beats per minute, per second, NaN where the strap said nothing.

Zero, and anything no heart does, counts as unknown. Training impulse is Banister's: minutes weighed by the fraction of the heart-rate reserve,
with Morton's exponential weights for men and women.
"""

from dataclasses import dataclass

import numpy as np

from openintervals.analysis.arrays import Floats
from openintervals.analysis.resample import Seconds

LEAST_BPM = 20.0
MOST_BPM = 255.0
RECOVERY_S = 60
TRIMP_FACTOR = 0.64
TRIMP_EXPONENTS = {"M": 1.92, "F": 1.67}


def plausible(heart_rate_bpm: Floats) -> Floats:
    """The channel with values no heart has taken as unknown."""
    with np.errstate(invalid="ignore"):
        wrong = (heart_rate_bpm < LEAST_BPM) | (heart_rate_bpm > MOST_BPM)
    return np.where(wrong, np.nan, heart_rate_bpm) if wrong.any() else heart_rate_bpm


def reserve(heart_rate_bpm: Floats, resting_bpm: float, max_bpm: float) -> Floats:
    """Fraction of the heart-rate reserve, from 0 at rest to 1 at the maximum; not below 0."""
    return np.maximum((heart_rate_bpm - resting_bpm) / (max_bpm - resting_bpm), 0.0)


def trimp_per_minute(fraction: Floats, sex: str | None) -> Floats:
    """Training impulse of a minute at a fraction of the heart-rate reserve (Banister 1991)."""
    exponent = TRIMP_EXPONENTS.get(sex or "M", TRIMP_EXPONENTS["M"])
    weighed: Floats = fraction * TRIMP_FACTOR * np.exp(exponent * fraction)
    return weighed


def trimp(heart_rate_bpm: Floats, resting_bpm: float, max_bpm: float, sex: str | None) -> float:
    """Training impulse of seconds with a known heart rate."""
    known = heart_rate_bpm[~np.isnan(heart_rate_bpm)]
    return float(trimp_per_minute(reserve(known, resting_bpm, max_bpm), sex).sum() / 60)


@dataclass(frozen=True, slots=True)
class Recovery:
    """The largest fall of the heart rate in a minute: from and to which second and record and how many bpm, by how many, and the power meanwhile."""

    start_s: int
    end_s: int
    start_index: int
    end_index: int
    start_bpm: float
    end_bpm: float
    drop_bpm: float
    average_power_w: float | None


def recovery(
    heart_rate_bpm: Floats, layout: Seconds, least_bpm: float = 0.0, power_w: Floats | None = None
) -> Recovery | None:
    """The largest fall within 60 s that begins at `least_bpm` or above; None when the heart rate never falls so long."""
    if len(heart_rate_bpm) <= RECOVERY_S:
        return None
    before = heart_rate_bpm[:-RECOVERY_S]
    with np.errstate(invalid="ignore"):
        drops = np.where(before >= least_bpm, before - heart_rate_bpm[RECOVERY_S:], np.nan)
    drops = np.where(np.isnan(drops), -np.inf, drops)
    place = int(np.argmax(drops))
    if not drops[place] > 0:
        return None
    end = place + RECOVERY_S
    power = None if power_w is None else float(power_w[place:end].mean())
    first, last = layout.index(np.array([place, end])).tolist()
    start_bpm, end_bpm = float(before[place]), float(heart_rate_bpm[end])
    return Recovery(place, end, first, last, start_bpm, end_bpm, float(drops[place]), power)
