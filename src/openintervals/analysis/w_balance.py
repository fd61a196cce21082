"""W′ balance: how much of the work that can be done above critical power is left.

Two published forms. The differential one spends joules above critical power one for one and gives them back below it in proportion to how far
below, and to how much is missing (Froncioni and Clarke; Skiba 2015). The integral one lets every joule spent come back exponentially, with a time
constant from the mean power below critical power (Skiba 2012). FTP stands for critical power. A balance below 0 is possible and says that the
thresholds are too low.
"""

import numpy as np

from openintervals.analysis.arrays import Floats, recur


def differential(power_w: Floats, critical_w: float, w_prime_j: float) -> Floats:
    """Joules left after each second; above critical power less by P − CP, below it more by (CP − P) · (W′ − left) / W′."""
    over = power_w - critical_w
    factors = np.where(over > 0, 1.0, np.maximum(1.0 + np.minimum(over, 0.0) / w_prime_j, 0.0))
    return w_prime_j - recur(factors, np.maximum(over, 0.0))


def integral(power_w: Floats, critical_w: float, w_prime_j: float) -> Floats:
    """Joules left after each second; what was spent returns with τ = 546 · e^(−0.01 · D) + 316 s, D the mean watts below CP."""
    below = power_w[power_w < critical_w]
    missing = critical_w - float(below.mean()) if len(below) else 0.0
    tau = 546.0 * float(np.exp(-0.01 * missing)) + 316.0
    kept = np.full(len(power_w), float(np.exp(-1.0 / tau)))
    return w_prime_j - recur(kept, np.maximum(power_w - critical_w, 0.0))


def depletion_j(left_j: Floats, w_prime_j: float) -> float:
    """The most that was ever missing, in joules."""
    return max(w_prime_j - float(left_j.min()), 0.0) if len(left_j) else 0.0
