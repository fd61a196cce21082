"""Moving time: which seconds count as being on the move.

A second counts when it was recorded and the athlete moved at all: faster than standing for the sport, or pedalling with power. Where no channel
tells (strength, yoga, swims, trainers without speed), what was recorded counts. The limits are choices of ours, stated in docs/metrics.md.
"""

import numpy as np

from openintervals.analysis import sports
from openintervals.analysis.arrays import Bools, Floats
from openintervals.analysis.resample import Seconds


def moving(layout: Seconds, sport: str, speed_mps: Floats | None, power_w: Floats | None) -> Bools:
    """Per second, whether the athlete moved; speed has NaN and power 0 where unknown."""
    standing = sports.standing_mps(sport)
    if speed_mps is None or standing == 0.0 or not np.nanmax(speed_mps, initial=0.0) > standing:
        return layout.recorded
    found = speed_mps >= standing
    if power_w is not None:
        found |= power_w > 0
    # A speed that is unknown for a moment does not make anybody stand.
    return (found | np.isnan(speed_mps)) & layout.recorded


def coasting_s(moves: Bools, cadence_rpm: Floats | None, power_w: Floats | None) -> int | None:
    """Seconds on the move without pedalling: cadence 0, or power 0 where there is no cadence."""
    if cadence_rpm is not None:
        return int(np.count_nonzero(moves & (cadence_rpm == 0)))
    if power_w is not None:
        return int(np.count_nonzero(moves & (power_w == 0)))
    return None
