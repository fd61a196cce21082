"""Thresholds: what an activity is measured against, as an athlete's sport settings were on its day.

Zones are upper bounds, ascending: power in percent of FTP, heart rate in bpm, pace in percent of threshold speed (so 100 is threshold, and more
is faster). What lies above the last bound belongs to the last zone. Everything may be unknown; then what needs it is not computed.
"""

from dataclasses import dataclass

POWER_ZONES_PERCENT = (55.0, 75.0, 90.0, 105.0, 120.0, 150.0, 999.0)
PACE_ZONES_PERCENT = (77.5, 87.7, 94.3, 100.0, 103.4, 111.5, 999.0)
HR_ZONES_OF_LTHR = (0.81, 0.89, 0.93, 0.99, 1.02, 1.05)

ORDERS = (
    "POWER_HR_PACE",
    "POWER_PACE_HR",
    "HR_POWER_PACE",
    "HR_PACE_POWER",
    "PACE_POWER_HR",
    "PACE_HR_POWER",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """An athlete's values in a sport. `sex` is `M` or `F`; anything else is reckoned like `M`."""

    ftp_w: float | None = None
    w_prime_j: float | None = None
    p_max_w: float | None = None
    lthr_bpm: float | None = None
    max_hr_bpm: float | None = None
    resting_hr_bpm: float | None = None
    threshold_speed_mps: float | None = None
    weight_kg: float | None = None
    sex: str | None = None
    power_zones_percent: tuple[float, ...] = POWER_ZONES_PERCENT
    hr_zones_bpm: tuple[float, ...] = ()
    pace_zones_percent: tuple[float, ...] = PACE_ZONES_PERCENT
    sweet_spot_percent: tuple[float, float] = (84.0, 97.0)
    load_order: str = "POWER_HR_PACE"
    tiz_order: str = "POWER_HR_PACE"
    hr_load_type: str = "HRSS"
    # An hour's load in each zone and at each of load.AVERAGE_HR_KNOTS, as learnt by `load`; empty: the general ones.
    hr_zone_loads: tuple[float, ...] = ()
    average_hr_loads: tuple[float, ...] = ()
    pace_load_type: str | None = None  # RUN or SWIM; None goes by the sport
    gap_model: str = "STRAVA_RUN"  # or NONE
    warmup_s: int = 1200
    cooldown_s: int = 600
    after_kj: tuple[int, ...] = (1000, 2000)
    ftp_est_least_s: int = 300
    hrr_least_percent: float = 0.0
    power_spike_percent: float | None = None  # above what `spikes.model` gives for a second
    use_laps: bool = True


def hr_zones(lthr_bpm: float, max_hr_bpm: float) -> tuple[float, ...]:
    """Seven zones by threshold heart rate (Friel): upper bounds in bpm, whole, the last one the maximum."""
    bounds = [float(round(lthr_bpm * part)) for part in HR_ZONES_OF_LTHR]
    return (*(min(bound, max_hr_bpm) for bound in bounds), max_hr_bpm)


def order(setting: str) -> tuple[str, ...]:
    """The parts of an order such as `POWER_HR_PACE`, lower case. Raises ValueError for one that does not exist."""
    if setting not in ORDERS:
        raise ValueError(f"{setting!r} is no order of power, HR and pace")
    return tuple(setting.lower().split("_"))
