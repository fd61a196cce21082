"""Training load: how much an activity takes out of somebody, where an hour at threshold is 100.

By power it is 100 · h · IF² with normalised power. By pace the same with the mean gradient-adjusted speed over moving time; swimming has the
third power, since the resistance of water makes speed dearer. By heart rate there are three ways. HRSS: Banister's training impulse over that of
an hour at threshold heart rate. HR_ZONES: time in zones, each with a load per hour. AVG_HR: the mean heart rate, mapped to a load per hour. What an
hour is worth in a zone or at a heart rate is general, or learnt from an athlete's activities that have a load by power too. The load of an activity
is the first of the three that is known, in the athlete's order.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from openintervals.analysis import heart_rate
from openintervals.analysis.arrays import Floats, floats
from openintervals.analysis.thresholds import Thresholds, order

EXPONENTS = {"RUN": 2.0, "SWIM": 3.0}
# Load of an hour in each of the seven zones by threshold heart rate, and of an hour at a share of it; interpolated in between.
PER_HOUR_IN_ZONE = (40.0, 55.0, 70.0, 85.0, 100.0, 115.0, 130.0)
AVERAGE_HR_KNOTS = (0.50, 0.65, 0.75, 0.81, 0.89, 0.94, 1.00, 1.06, 1.12)
AVERAGE_HR_LOADS = (10.0, 25.0, 38.0, 50.0, 65.0, 80.0, 100.0, 120.0, 140.0)
_TRUST_H2 = (
    4.0  # hours squared in a zone, or near a heart rate, before the athlete's own data outweighs the general value
)


def by_power(normalized_w: float, seconds: float, ftp_w: float) -> float:
    """100 · hours · (normalised power / FTP)² (Coggan's training stress score)."""
    return 100.0 * seconds / 3600.0 * (normalized_w / ftp_w) ** 2


def by_pace(speed_mps: float, seconds: float, threshold_mps: float, kind: str = "RUN") -> float:
    """100 · hours · (speed / threshold speed)², cubed for `SWIM`; `speed_mps` is gradient-adjusted where there are slopes."""
    ratio = speed_mps / threshold_mps
    return 100.0 * seconds / 3600.0 * float(ratio ** EXPONENTS[kind])


def hrss(heart_rate_bpm: Floats, resting_bpm: float, max_bpm: float, lthr_bpm: float, sex: str | None) -> float:
    """100 · training impulse / training impulse of an hour at threshold heart rate."""
    threshold = heart_rate.reserve(floats([lthr_bpm]), resting_bpm, max_bpm)
    hour = 60.0 * float(heart_rate.trimp_per_minute(threshold, sex)[0])
    return 100.0 * heart_rate.trimp(heart_rate_bpm, resting_bpm, max_bpm, sex) / hour


def by_hr_zones(seconds: Sequence[int], per_hour: Sequence[float] = PER_HOUR_IN_ZONE) -> float:
    """The sum over zones of hours times load per hour; with fewer zones than values the values are spread over them evenly."""
    if len(seconds) == len(per_hour):
        weights = floats(per_hour)
    else:
        weights = np.interp(np.linspace(0, 1, len(seconds)), np.linspace(0, 1, len(per_hour)), floats(per_hour))
    return float(np.dot(floats(seconds), weights) / 3600.0)


def by_average_hr(
    average_bpm: float, seconds: float, lthr_bpm: float, per_hour: Sequence[float] = AVERAGE_HR_LOADS
) -> float:
    """Hours times the load per hour of a mean heart rate relative to the threshold, `per_hour` at each of `AVERAGE_HR_KNOTS`."""
    return float(np.interp(average_bpm / lthr_bpm, AVERAGE_HR_KNOTS, per_hour)) * seconds / 3600.0


def learn_zone_loads(zone_seconds: Sequence[Sequence[int]], loads: Sequence[float]) -> tuple[float, ...]:
    """An athlete's own load per hour in each zone, from activities with both heart-rate zones and a load by power.

    Least squares drawn towards the general values where there is little data; never below 0, never falling with the zone.
    """
    if not zone_seconds:
        return PER_HOUR_IN_ZONE
    hours = np.asarray(zone_seconds, dtype=np.float64) / 3600.0
    count = hours.shape[1]
    general = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(PER_HOUR_IN_ZONE)), PER_HOUR_IN_ZONE)
    return _learnt(hours, floats(loads), general)


def learn_average_hr_loads(
    of_threshold: Sequence[float], seconds: Sequence[float], loads: Sequence[float]
) -> tuple[float, ...]:
    """An athlete's own load per hour at each of `AVERAGE_HR_KNOTS`, from mean heart rates over the threshold, lengths and loads by power.

    The load is taken as linear between knots; otherwise as for zones.
    """
    ratios, hours = floats(of_threshold), floats(seconds) / 3600.0
    shares = np.column_stack([np.interp(ratios, AVERAGE_HR_KNOTS, knot) for knot in np.eye(len(AVERAGE_HR_KNOTS))])
    return _learnt(shares * hours[:, None], floats(loads), floats(AVERAGE_HR_LOADS))


def _learnt(hours: Floats, loads: Floats, general: Floats) -> tuple[float, ...]:
    matrix = hours.T @ hours + _TRUST_H2 * np.eye(len(general))
    found = np.linalg.solve(matrix, hours.T @ loads + _TRUST_H2 * general)
    return tuple(np.maximum.accumulate(np.maximum(found, 0.0)).tolist())


def by_heart_rate(settings: Thresholds, moving_bpm: Floats, zone_seconds: Sequence[int]) -> tuple[float, str] | None:
    """The load and the way it was reckoned: the setting's, else the next that the known thresholds allow; None if none."""
    known = moving_bpm[~np.isnan(moving_bpm)]
    if not len(known):
        return None
    wanted = [settings.hr_load_type, "HRSS", "HR_ZONES", "AVG_HR"]
    for kind in dict.fromkeys(wanted):
        resting, top, lthr = settings.resting_hr_bpm, settings.max_hr_bpm, settings.lthr_bpm
        if kind == "HRSS" and resting and top and lthr and resting < lthr <= top:
            return hrss(known, resting, top, lthr, settings.sex), kind
        if kind == "HR_ZONES" and sum(zone_seconds) > 0:
            return by_hr_zones(zone_seconds, settings.hr_zone_loads or PER_HOUR_IN_ZONE), kind
        if kind == "AVG_HR" and lthr:
            per_hour = settings.average_hr_loads or AVERAGE_HR_LOADS
            return by_average_hr(float(known.mean()), float(len(known)), lthr, per_hour), kind
    return None


def chosen(loads: Mapping[str, float | None], load_order: str) -> float | None:
    """The first known load in the athlete's order; keys are `power`, `hr` and `pace`."""
    return next((load for name in order(load_order) if (load := loads.get(name)) is not None), None)
