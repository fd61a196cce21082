"""Numbers of an activity under the names of the wire: what analysis found, what the device told, and what both were measured by.

Everything here is a plain function of values, so the same recording with the same settings always gives the same numbers, and two that reckon
at once get the same. Units are those of the wire: seconds, metres, m/s, watts, joules, bpm. Whole numbers are rounded, others kept to four
places behind the point. What is unknown to analysis and told by the device (calories, a distance without samples) is the device's.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from openintervals.analysis.activity import Metrics
from openintervals.analysis.interval_numbers import Numbers
from openintervals.analysis.intervals import Intervals
from openintervals.analysis.thresholds import Thresholds
from openintervals.formats.recording import Activity
from openintervals.training.activity_fields import INTEGERS

_PLACES = 4

# Field of analysis by name of the wire.
_PLAIN = {
    "elapsed_time": "elapsed_s",
    "icu_recording_time": "recorded_s",
    "moving_time": "moving_s",
    "coasting_time": "coasting_s",
    "icu_median_time_delta": "median_interval_s",
    "icu_lap_count": "lap_count",
    "distance": "distance_m",
    "icu_distance": "distance_m",
    "average_speed": "average_speed_mps",
    "pace": "average_speed_mps",
    "max_speed": "max_speed_mps",
    "gap": "gap_mps",
    "total_elevation_gain": "elevation_gain_m",
    "total_elevation_loss": "elevation_loss_m",
    "average_altitude": "average_altitude_m",
    "min_altitude": "min_altitude_m",
    "max_altitude": "max_altitude_m",
    "average_temp": "average_temperature_c",
    "min_temp": "min_temperature_c",
    "max_temp": "max_temperature_c",
    "average_cadence": "average_cadence_rpm",
    "average_stride": "average_stride_m",
    "icu_average_watts": "average_power_w",
    "icu_weighted_avg_watts": "normalized_power_w",
    "icu_joules": "work_j",
    "icu_joules_above_ftp": "work_above_ftp_j",
    "calories": "calories_kcal",
    "icu_intensity": "intensity_percent",
    "icu_variability_index": "variability_index",
    "icu_efficiency_factor": "efficiency_factor",
    "icu_max_wbal_depletion": "max_w_balance_depletion_j",
    "average_heartrate": "average_hr_bpm",
    "max_heartrate": "max_hr_bpm",
    "trimp": "trimp",
    "decoupling": "decoupling_percent",
    "icu_power_hr": "power_hr",
    "icu_power_hr_z2": "power_hr_z2",
    "icu_cadence_z2": "cadence_z2_rpm",
    "polarization_index": "polarization_index",
    "icu_training_load": "training_load",
    "icu_training_load_data": "training_load",
    "power_load": "power_load",
    "hr_load": "hr_load",
    "pace_load": "pace_load",
}
_MEANS = {
    "avg_lr_balance": "left_balance_percent",
    "average_stance_time": "stance_time_ms",
    "average_step_length": "step_length_mm",
    "average_vertical_oscillation": "vertical_oscillation_mm",
    "average_vertical_ratio": "vertical_ratio_percent",
}
_DEVICE = {
    "elapsed_time": ("elapsed_s", "timer_s"),
    "moving_time": ("moving_s", "timer_s", "elapsed_s"),
    "icu_recording_time": ("timer_s", "elapsed_s"),
    "distance": ("distance_m",),
    "icu_distance": ("distance_m",),
    "average_speed": ("average_speed_mps",),
    "max_speed": ("max_speed_mps",),
    "average_heartrate": ("average_heartrate_bpm",),
    "max_heartrate": ("max_heartrate_bpm",),
    "average_cadence": ("average_cadence_rpm",),
    "icu_average_watts": ("average_power_w",),
    "icu_joules": ("work_j",),
    "total_elevation_gain": ("ascent_m",),
    "total_elevation_loss": ("descent_m",),
    "average_temp": ("average_temperature_c",),
    "max_temp": ("max_temperature_c",),
    "calories": ("calories_kcal",),
    "kg_lifted": ("kg_lifted",),
}
_SETTINGS = {
    "icu_ftp": "ftp_w",
    "icu_w_prime": "w_prime_j",
    "p_max": "p_max_w",
    "lthr": "lthr_bpm",
    "athlete_max_hr": "max_hr_bpm",
    "icu_resting_hr": "resting_hr_bpm",
    "icu_weight": "weight_kg",
    "threshold_pace": "threshold_speed_mps",
    "icu_warmup_time": "warmup_s",
    "icu_cooldown_time": "cooldown_s",
    "icu_power_spike_threshold": "power_spike_percent",
}
# What the device knows better, if it says anything but 0, which a TCX has to say.
STANDS_IN = frozenset({"calories"})
# What is unknown when a device says 0: no heart stands still, and where no way is counted none was covered that anybody knows of.
_NEVER_NOTHING = frozenset(
    {"average_heartrate", "max_heartrate", "distance", "icu_distance", "average_speed", "max_speed", "pace"}
)
_NONE = np.zeros(0)
_INTERVAL = {
    "start_time": "start_s",
    "end_time": "end_s",
    "elapsed_time": "elapsed_s",
    "moving_time": "moving_s",
    "distance": "distance_m",
    "average_speed": "average_speed_mps",
    "min_speed": "min_speed_mps",
    "max_speed": "max_speed_mps",
    "gap": "gap_mps",
    "average_watts": "average_power_w",
    "min_watts": "min_power_w",
    "max_watts": "max_power_w",
    "weighted_average_watts": "normalized_power_w",
    "average_watts_kg": "average_w_per_kg",
    "max_watts_kg": "max_w_per_kg",
    "intensity": "intensity_percent",
    "training_load": "training_load",
    "joules": "work_j",
    "joules_above_ftp": "work_above_ftp_j",
    "wbal_start": "w_balance_start_j",
    "wbal_end": "w_balance_end_j",
    "w5s_variability": "w5s_variability",
    "zone": "zone",
    "zone_min_watts": "zone_min_w",
    "zone_max_watts": "zone_max_w",
    "average_heartrate": "average_hr_bpm",
    "min_heartrate": "min_hr_bpm",
    "max_heartrate": "max_hr_bpm",
    "decoupling": "decoupling_percent",
    "average_cadence": "average_cadence_rpm",
    "min_cadence": "min_cadence_rpm",
    "max_cadence": "max_cadence_rpm",
    "average_stride": "average_stride_m",
    "min_altitude": "min_altitude_m",
    "max_altitude": "max_altitude_m",
    "total_elevation_gain": "elevation_gain_m",
    "average_gradient": "average_gradient",
    "average_temp": "average_temperature_c",
}
_INTERVAL_MEANS = {
    **_MEANS,
    "average_torque": "torque_nm",
    "average_respiration": "respiration_rpm",
    "average_smo2": "smo2_percent",
    "average_thb": "thb_g_dl",
    "average_dfa_a1": "dfa_a1",
}
_INTERVAL_INTEGERS = frozenset(
    {
        "average_heartrate", "average_watts", "elapsed_time", "end_time", "intensity", "joules", "joules_above_ftp",
        "max_cadence", "max_heartrate", "max_watts", "min_cadence", "min_heartrate", "min_watts", "moving_time",
        "start_time", "wbal_end", "wbal_start", "weighted_average_watts", "zone", "zone_max_watts", "zone_min_watts",
    }
)  # fmt: skip


def _number(value: float, *, whole: bool) -> float:
    return round(value) if whole else round(float(value), _PLACES)


def of_settings(thresholds: Thresholds) -> dict[str, Any]:
    """What an activity was measured by."""
    found: dict[str, Any] = {}
    for name, column in _SETTINGS.items():
        value = getattr(thresholds, column)
        if value is not None:
            found[name] = _number(value, whole=name in INTEGERS)
    found["icu_power_zones"] = [round(bound) for bound in thresholds.power_zones_percent] if thresholds.ftp_w else None
    found["icu_hr_zones"] = [round(bound) for bound in thresholds.hr_zones_bpm] or None
    found["pace_zones"] = list(thresholds.pace_zones_percent) if thresholds.threshold_speed_mps else None
    low, high = thresholds.sweet_spot_percent
    found["icu_sweet_spot_min"], found["icu_sweet_spot_max"] = round(low), round(high)
    found["gap_model"], found["tiz_order"] = thresholds.gap_model, thresholds.tiz_order
    return {name: value for name, value in found.items() if value is not None}


def of_metrics(metrics: Metrics) -> dict[str, Any]:
    """What analysis found, without what it does not know."""
    found: dict[str, Any] = {}
    for name, column in _PLAIN.items():
        value = getattr(metrics, column)
        if value is not None:
            found[name] = _number(value, whole=name in INTEGERS)
    for name, column in _MEANS.items():
        if column in metrics.means:
            found[name] = _number(metrics.means[column], whole=False)
    found["hr_load_type"], found["pace_load_type"] = metrics.hr_load_type, metrics.pace_load_type
    found["recording_stops"] = list(metrics.recording_stops)
    for name, times in (
        ("icu_hr_zone_times", metrics.hr_zone_s),
        ("pace_zone_times", metrics.pace_zone_s),
        ("gap_zone_times", metrics.gap_zone_s),
    ):
        found[name] = list(times) or None
    if metrics.power_zone_s:
        zones = [{"id": f"Z{number}", "secs": secs} for number, secs in enumerate(metrics.power_zone_s, 1)]
        found["icu_zone_times"] = [*zones, {"id": "SS", "secs": metrics.sweet_spot_s or 0}]
    if metrics.power_hr_z2_s is not None:
        found["icu_power_hr_z2_mins"] = metrics.power_hr_z2_s // 60
    if (fall := metrics.hr_recovery) is not None:
        found["icu_hrr"] = {
            "start_time": fall.start_s, "end_time": fall.end_s, "start_index": fall.start_index,
            "end_index": fall.end_index, "start_bpm": round(fall.start_bpm),
            "end_bpm": round(fall.end_bpm), "hrr": round(fall.drop_bpm),
            "average_watts": None if fall.average_power_w is None else round(fall.average_power_w),
        }  # fmt: skip
    if (estimate := metrics.ftp_estimate) is not None:
        found["icu_pm_ftp"], found["icu_pm_ftp_secs"] = round(estimate.ftp_w), estimate.seconds
        found["icu_pm_ftp_watts"] = round(estimate.watts)
    if (model := metrics.power_model) is not None:
        for name, value in (
            ("icu_pm_cp", model.critical_w),
            ("icu_pm_w_prime", model.w_prime_j),
            ("icu_pm_p_max", model.p_max_w),
        ):
            found[name] = None if value is None else round(value)
    found["interval_summary"] = list(metrics.intervals.summary) or None
    return {name: value for name, value in found.items() if value is not None}


def of_device(recorded: Activity) -> dict[str, Any]:
    """What the device told of the activity as a whole, and what can be seen from its channels."""
    found: dict[str, Any] = {}
    for name, columns in _DEVICE.items():
        value = next((recorded.totals[column] for column in columns if column in recorded.totals), None)
        if value is not None and (value > 0 if name in STANDS_IN or name in _NEVER_NOTHING else value >= 0):
            found[name] = _number(value, whole=name in INTEGERS)
    for name, column, least, most in (("feel", "feel", 0, 5), ("icu_rpe", "rpe", 1, 10)):
        told = recorded.totals.get(column)
        if told is not None and least <= told <= most:
            found[name] = round(told)
    lengths = sum(length.active for length in recorded.lengths) or round(recorded.totals.get("active_lengths", 0))
    found["lengths"] = lengths or None
    found["pool_length"] = recorded.pool_length_m
    found["device_name"] = recorded.device.name or recorded.device.manufacturer
    found["device_watts"] = True if "watts" in recorded.channels else None
    found["has_heartrate"] = bool((recorded.channels.get("heartrate", _NONE) > 0).any())
    return {name: value for name, value in found.items() if value is not None}


def of_interval(numbers: Numbers) -> dict[str, Any]:
    """The numbers of an interval or a group."""
    found: dict[str, Any] = {}
    for name, column in _INTERVAL.items():
        value = getattr(numbers, column)
        if value is not None:
            found[name] = _number(value, whole=name in _INTERVAL_INTEGERS)
    for name, column in _INTERVAL_MEANS.items():
        if column in numbers.means:
            found[name] = _number(numbers.means[column], whole=False)
    return found


def of_intervals(cut: Intervals) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Intervals, numbered from 1, and their groups."""
    intervals = [
        {
            "id": number,
            "type": each.kind,
            "start_index": each.start_index,
            "end_index": each.end_index,
            "label": each.label,
            "group_id": each.group_id,
            **of_interval(each.numbers),
        }
        for number, each in enumerate(cut.intervals, 1)
    ]
    groups = [
        {"id": group.id, "count": group.count, "start_index": group.start_index, **of_interval(group.numbers)}
        for group in cut.groups
    ]
    return intervals, groups


def overruled(thresholds: Thresholds, edited: Mapping[str, Any]) -> Thresholds:
    """What an activity is measured by when people have set some of it for this one."""
    changes: dict[str, Any] = {
        column: float(edited[name]) if edited[name] is not None else None
        for name, column in _SETTINGS.items()
        if name in edited and column not in ("warmup_s", "cooldown_s")
    }
    for name, column in (("icu_warmup_time", "warmup_s"), ("icu_cooldown_time", "cooldown_s")):
        if edited.get(name) is not None:
            changes[column] = int(edited[name])
    for name, column in (
        ("icu_power_zones", "power_zones_percent"),
        ("icu_hr_zones", "hr_zones_bpm"),
        ("pace_zones", "pace_zones_percent"),
    ):
        if edited.get(name):
            changes[column] = tuple(float(bound) for bound in edited[name])
    low, high = thresholds.sweet_spot_percent
    changes["sweet_spot_percent"] = (
        float(edited.get("icu_sweet_spot_min") or low),
        float(edited.get("icu_sweet_spot_max") or high),
    )
    for name in ("gap_model", "tiz_order"):
        if edited.get(name):
            changes[name] = edited[name]
    return Thresholds(**{**_asdict(thresholds), **changes})


def _asdict(thresholds: Thresholds) -> dict[str, Any]:
    return {name: getattr(thresholds, name) for name in Thresholds.__dataclass_fields__}
