"""Power spikes: readings that come of a sensor and of no athlete.

What an athlete can do is told by a model of the FTP, W′ and Pmax that are set for the day (Morton's, see `power_models`). A reading is a spike
when it is more than so many percent above what the model gives for one second, and then counts as unknown. While one of the four is not set, nothing
is a spike.
"""

from openintervals.analysis import power_models
from openintervals.analysis.arrays import floats
from openintervals.analysis.power_models import PowerModel
from openintervals.analysis.thresholds import Thresholds


def model(settings: Thresholds) -> PowerModel | None:
    """MORTON_3P of an athlete's own values; None while one of them is unknown, or Pmax is not above FTP."""
    ftp, w_prime, p_max = settings.ftp_w, settings.w_prime_j, settings.p_max_w
    if not ftp or not w_prime or not p_max or p_max <= ftp:
        return None
    return PowerModel("MORTON_3P", ftp, w_prime, p_max, ftp, ())


def limit_w(settings: Thresholds) -> float | None:
    """The power above which a reading is a spike; None when nothing is."""
    found = model(settings)
    if found is None or found.w_prime_j is None or found.p_max_w is None or not settings.power_spike_percent:
        return None
    second = power_models.morton(floats([1.0]), found.critical_w, found.w_prime_j, found.p_max_w)
    return float(second[0]) * (1.0 + settings.power_spike_percent / 100.0)
