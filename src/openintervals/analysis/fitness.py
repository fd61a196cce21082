"""Fitness, fatigue and form: training load, remembered for weeks and for days.

x ← x + (load − x) · (1 − e^(−1/N)) each day, with N = 42 days for fitness (ctl) and 7 for fatigue (atl) (Banister; Coggan's performance chart).
Form is fitness minus fatigue of the same day, ramp the change of fitness in seven days. Values can be set on a day, and the number of days can
change from a day on. Nothing is rounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openintervals.analysis.arrays import Floats, floats, recur

CTL_DAYS = 42.0
ATL_DAYS = 7.0
RAMP_DAYS = 7


@dataclass(frozen=True, slots=True)
class Fitness:
    """One value per day; `ramp` is NaN in the first seven days unless what was before is given."""

    ctl: Floats
    atl: Floats
    form: Floats
    ramp: Floats


def decay(loads: Floats, start: float, days: Floats, resets: Mapping[int, float] | None = None) -> Floats:
    """The remembered load after each day, from `start` before the first; `resets` sets days (by place) to a value."""
    kept = np.exp(-1.0 / days)
    factors, terms = kept, loads * (1.0 - kept)
    for day, value in (resets or {}).items():
        if factors is kept:
            factors = kept.copy()
        factors[day], terms[day] = 0.0, value
    return recur(factors, terms, start)


def fitness(
    ctl_loads: Sequence[float] | Floats,
    atl_loads: Sequence[float] | Floats | None = None,
    *,
    ctl: float = 0.0,
    atl: float = 0.0,
    ctl_days: float | Floats = CTL_DAYS,
    atl_days: float | Floats = ATL_DAYS,
    ctl_resets: Mapping[int, float] | None = None,
    atl_resets: Mapping[int, float] | None = None,
) -> Fitness:
    """Fitness of consecutive days from their loads; fatigue may count other loads. `ctl` and `atl` are of the day before the first.

    Days are one number, or one per day where they change; they are above 0.
    """
    chronic = floats(ctl_loads)
    acute = chronic if atl_loads is None else floats(atl_loads)
    fit = decay(chronic, ctl, np.broadcast_to(floats(np.atleast_1d(ctl_days)), chronic.shape), ctl_resets)
    tired = decay(acute, atl, np.broadcast_to(floats(np.atleast_1d(atl_days)), acute.shape), atl_resets)
    ramp = np.full(len(fit), np.nan)
    ramp[RAMP_DAYS:] = fit[RAMP_DAYS:] - fit[:-RAMP_DAYS]
    return Fitness(fit, tired, fit - tired, ramp)
