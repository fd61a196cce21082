"""Power: what the legs, or arms, gave.

Watts per second, with 0 where a record lacks a value. Averages and normalised power are over recorded seconds: a stop of the recording is not
pedalled with 0 W. Joules are the sum, since a watt is a joule a second.
"""

import numpy as np

from openintervals.analysis.arrays import Bools, Floats, trailing_mean

SMOOTH_S = 30
GROSS_EFFICIENCY = 0.24
JOULES_PER_KCAL = 4184.0
P30S_EXPONENT = 4.0


def normalized(power_w: Floats) -> float | None:
    """Normalised power in watts: the fourth root of the mean fourth power of the 30-second mean (Coggan). None without seconds."""
    if not len(power_w):
        return None
    square = trailing_mean(power_w, SMOOTH_S) ** 2
    return float(np.mean(square * square) ** 0.25)


def work_j(power_w: Floats) -> float:
    """Joules in all."""
    return float(power_w.sum())


def energy_kcal(work: float) -> float:
    """Kilocalories somebody spends on so many joules of work, when 24 percent of what is spent arrives: about one for each kilojoule."""
    return work / (JOULES_PER_KCAL * GROSS_EFFICIENCY)


def work_above_j(power_w: Floats, limit_w: float) -> float:
    """Joules beyond `limit_w`, of the seconds that were above it."""
    return float(np.maximum(power_w - limit_w, 0.0).sum())


def intensity_percent(normalized_w: float, ftp_w: float) -> float:
    """Normalised power as a percentage of FTP (Coggan's intensity factor times 100)."""
    return 100.0 * normalized_w / ftp_w


def variability_index(normalized_w: float, average_w: float) -> float | None:
    """Normalised over average power; 1 is perfectly even. None when nothing was pedalled."""
    return normalized_w / average_w if average_w > 0 else None


def efficiency_factor(normalized_w: float, average_hr_bpm: float | None) -> float | None:
    """Normalised power over mean heart rate, watts per beat a minute (Friel)."""
    return normalized_w / average_hr_bpm if average_hr_bpm else None


def without_spikes(power_w: Floats, most_w: float | None) -> Floats:
    """The channel with values below 0 and, if there is a limit, above it taken as unknown."""
    with np.errstate(invalid="ignore"):
        wrong: Bools = power_w < 0
        if most_w is not None:
            wrong |= power_w > most_w
    return np.where(wrong, np.nan, power_w) if wrong.any() else power_w
