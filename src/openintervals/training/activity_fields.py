"""Fields of an activity: every name it has on the wire, of what kind the value is, and who says it.

`computed` and `edited` of an activity hold values by these names; what neither says is null. A field is said by the program (an id, when it
was analysed), by analysis, or by people. Of the last kind are `EDITABLE`, and among them `MEASURED_BY` what analysis measures by: to change one
is to analyse anew. The rules here are pure; when two edit at once they take turns at the activity's row.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from openintervals.formats.sports import TYPES

TEXT_MOST = 100_000
NAME_MOST = 80
WORD_MOST = 200
LIST_MOST = 1_000
NUMBER_MOST = 1e9
BOUNDS_MOST = 20
INDEX_MOST = 100_000_000
CLEARED = -1
_MOST = {"description": TEXT_MOST, "name": NAME_MOST}

INTEGERS = frozenset(
    {
        "athlete_max_hr", "average_clouds", "average_heartrate", "calories", "carbs_ingested", "carbs_used", "coach_tick",
        "coasting_time", "elapsed_time", "feel", "file_sport_index", "hr_load", "icu_average_watts", "icu_cadence_z2",
        "icu_chat_id", "icu_cooldown_time", "icu_ftp", "icu_joules", "icu_joules_above_ftp", "icu_lap_count",
        "icu_max_wbal_depletion", "icu_median_time_delta", "icu_pm_cp", "icu_pm_ftp", "icu_pm_ftp_secs", "icu_pm_ftp_watts",
        "icu_pm_p_max", "icu_pm_w_prime", "icu_power_hr_z2_mins", "icu_power_spike_threshold", "icu_recording_time",
        "icu_resting_hr", "icu_rolling_ftp", "icu_rolling_ftp_delta", "icu_rpe", "icu_sweet_spot_max", "icu_sweet_spot_min",
        "icu_training_load", "icu_training_load_data", "icu_w_prime", "icu_warmup_time", "icu_weighted_avg_watts",
        "lengths", "lthr", "max_heartrate", "max_temp", "min_temp", "moving_time", "oauth_client_id", "p_max", "pace_load",
        "paired_event_id", "power_load", "prevailing_wind_deg", "route_id", "session_rpe", "workout_shift_secs",
    }
)  # fmt: skip
NUMBERS = frozenset(
    {
        "average_altitude", "average_cadence", "average_feels_like", "average_speed", "average_stance_time",
        "average_step_length", "average_stride", "average_temp", "average_vertical_oscillation", "average_vertical_ratio",
        "average_weather_temp", "average_wind_gust", "average_wind_speed", "avg_lr_balance", "compliance", "crank_length",
        "decoupling", "distance", "gap", "headwind_percent", "icu_atl", "icu_ctl", "icu_distance", "icu_efficiency_factor",
        "icu_intensity", "icu_power_hr", "icu_power_hr_z2", "icu_rolling_cp", "icu_rolling_p_max", "icu_rolling_w_prime",
        "icu_variability_index", "icu_weight", "kg_lifted", "max_altitude", "max_feels_like", "max_rain", "max_snow",
        "max_speed", "max_weather_temp", "min_altitude", "min_feels_like", "min_weather_temp", "p30s_exponent", "pace",
        "perceived_exertion", "polarization_index", "pool_length", "ss_cp", "ss_p_max", "ss_w_prime", "strain_score",
        "tailwind_percent", "threshold_pace", "total_elevation_gain", "total_elevation_loss", "trimp",
    }
)  # fmt: skip
TEXTS = frozenset(
    {
        "analyzed", "created", "description", "device_name", "external_id", "file_type", "gap_model", "group",
        "hr_load_type", "icu_athlete_id", "icu_color", "icu_sync_date", "icu_sync_error", "id", "name", "oauth_client_name",
        "pace_load_type", "possible_duplicate_of", "power_field", "power_meter", "power_meter_battery",
        "power_meter_serial", "source", "start_date", "start_date_local", "strava_id", "sub_type", "timezone", "tiz_order",
        "type", "updated",
    }
)  # fmt: skip
FLAGS = frozenset(
    {
        "commute", "device_watts", "has_heartrate", "has_segments", "has_weather", "icu_ignore_hr", "icu_ignore_power",
        "icu_ignore_time", "icu_intervals_edited", "ignore_pace", "ignore_velocity", "lock_intervals", "race", "trainer",
        "use_elevation_correction", "use_gap_zone_times",
    }
)  # fmt: skip
OTHERS = frozenset(
    {
        "analysis_issues", "attachments", "custom_zones", "gap_zone_times", "gear", "icu_achievements", "icu_hr_zone_times",
        "icu_hr_zones", "icu_hrr", "icu_power_zones", "icu_zone_times", "ignore_parts", "interval_summary",
        "pace_zone_times", "pace_zones", "power_field_names", "recording_stops", "skyline_chart_bytes", "stream_types",
        "tags", "warnings",
    }
)  # fmt: skip
FIELDS = ("id", *sorted((INTEGERS | NUMBERS | TEXTS | FLAGS | OTHERS) - {"id"}))

MEASURED_BY = frozenset(
    {
        "type", "icu_ftp", "icu_w_prime", "p_max", "lthr", "athlete_max_hr", "icu_resting_hr", "icu_weight",
        "threshold_pace", "icu_power_zones", "icu_hr_zones", "pace_zones", "icu_sweet_spot_min", "icu_sweet_spot_max",
        "icu_warmup_time", "icu_cooldown_time", "icu_ignore_power", "icu_ignore_hr", "ignore_pace", "ignore_velocity",
        "gap_model", "tiz_order", "icu_power_spike_threshold", "start_date_local", "trainer", "ignore_parts",
    }
)  # fmt: skip
EDITABLE = MEASURED_BY | frozenset(
    {
        "name", "description", "sub_type", "external_id", "device_name", "icu_color", "power_field", "group", "moving_time",
        "elapsed_time", "distance", "icu_distance", "icu_training_load", "coasting_time", "average_speed", "max_speed",
        "calories", "average_heartrate", "max_heartrate", "average_cadence", "icu_average_watts", "icu_joules",
        "total_elevation_gain", "total_elevation_loss", "icu_rpe", "feel", "perceived_exertion", "kg_lifted",
        "lengths", "pool_length", "carbs_ingested", "carbs_used", "compliance", "coach_tick", "crank_length",
        "average_temp", "min_temp", "max_temp", "workout_shift_secs", "icu_ignore_time", "commute", "race",
        "lock_intervals", "use_elevation_correction", "use_gap_zone_times", "device_watts", "tags",
    }
)  # fmt: skip
_NEGATIVE = frozenset({"average_temp", "min_temp", "max_temp", "workout_shift_secs"})
_GAP_MODELS = ("NONE", "STRAVA_RUN")
_ZONES = frozenset({"icu_power_zones", "icu_hr_zones", "pace_zones"})
_PARTS_OF_DAY = ((4, "Night"), (11, "Morning"), (14, "Lunch"), (18, "Afternoon"), (22, "Evening"), (24, "Night"))
_BARE = frozenset({"type", "start_date_local", "name"})  # what no activity is without


class Part(msgspec.Struct, frozen=True):
    """Records from and up to which some of what was recorded is to be ignored."""

    start_index: int
    end_index: int
    power: bool = False
    pace: bool = False
    hr: bool = False


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same on the wire: numbers to what a 32-bit float keeps."""
    numbers = (int, float)
    if isinstance(one, numbers) and isinstance(other, numbers) and not isinstance(one, bool | str):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    return bool(one == other)


def accepted(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What people may say of what was sent, None for what is cleared, and what is wrong, by name. Null, and what is not known, is passed over."""
    values: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for name, value in given.items():
        if name not in EDITABLE or value is None:
            continue
        try:
            values[name] = _value(name, value)
        except ValueError as problem:
            wrong[name] = [str(problem)]
    return values, wrong


def _value(name: str, value: Any) -> Any:
    if name in INTEGERS or name in NUMBERS:
        return _number(name, value)
    if name in FLAGS:
        if not isinstance(value, bool):
            raise ValueError("Expected true or false")
        return value
    if name in TEXTS:
        return _text(name, value)
    if name == "tags":
        if not isinstance(value, list) or len(value) > LIST_MOST or any(not _is_tag(tag) for tag in value):
            raise ValueError(f"Expected at most {LIST_MOST} texts of 1 to {WORD_MOST} characters")
        return list(dict.fromkeys(value)) or None
    if name in _ZONES:
        return _bounds(value)
    return _parts(value)


def _parts(value: Any) -> list[dict[str, Any]] | None:
    try:
        parts = msgspec.convert(value, list[Part])
    except msgspec.ValidationError as problem:
        raise ValueError(f"Expected stretches with start_index and end_index: {problem}") from None
    if len(parts) > LIST_MOST or any(not 0 <= part.start_index < part.end_index <= INDEX_MOST for part in parts):
        raise ValueError(f"Expected at most {LIST_MOST} stretches, each ending after it starts")
    return msgspec.to_builtins(parts) or None


def _number(name: str, value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("Expected a number")
    if name in _NEGATIVE:
        if abs(value) > NUMBER_MOST:
            raise ValueError("Expected a number of ordinary size")
    elif value == CLEARED:
        return None
    elif not 0 <= value <= NUMBER_MOST:
        raise ValueError(f"Expected 0 to {NUMBER_MOST:.0f}, or -1 to clear it")
    return round(value) if name in INTEGERS else value


def _text(name: str, value: Any) -> str | None:
    if not isinstance(value, str):
        raise ValueError("Expected a text")  # noqa: TRY004 — told with all the other wrong fields
    most = _MOST.get(name, WORD_MOST)
    if len(value) > most or "\0" in value:
        raise ValueError(f"Expected at most {most} characters, none of them NUL")
    if name == "start_date_local" and value:
        return _local(value)
    if name == "type" and value not in TYPES:
        raise ValueError(f"{value[:40]!r} is no type of activity, such as Ride or Run")
    if name == "gap_model" and value not in _GAP_MODELS:
        raise ValueError(f"Expected {' or '.join(_GAP_MODELS)}")
    if name == "tiz_order" and sorted(value.split("_")) != ["HR", "PACE", "POWER"]:
        raise ValueError("Expected an order such as POWER_HR_PACE")
    return value or None


def _local(value: str) -> str | None:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("Expected a local time such as 2024-05-01T06:30:00") from None
    if moment.tzinfo is not None or not 1900 <= moment.year <= 9000:
        raise ValueError("Expected a local time of the years 1900 to 9000 without a zone, such as 2024-05-01T06:30:00")
    return moment.isoformat(timespec="seconds")


def _is_tag(tag: Any) -> bool:
    return isinstance(tag, str) and 0 < len(tag) <= WORD_MOST and "\0" not in tag


def _bounds(value: Any) -> list[float] | None:
    parts = value if isinstance(value, list) else [None]
    numbers = [each for each in parts if isinstance(each, int | float) and not isinstance(each, bool)]
    proper = len(numbers) == len(parts) <= BOUNDS_MOST and all(0 < each <= NUMBER_MOST for each in numbers)
    if not proper or sorted(set(numbers)) != numbers:
        raise ValueError(f"Expected at most {BOUNDS_MOST} numbers above 0, each higher than the one before")
    return numbers or None


def merged(computed: Mapping[str, Any], edited: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What people have said in the end: `given` over `edited`, without what analysis says too. What nothing is without cannot be cleared."""
    result = dict(edited)
    for name, value in given.items():
        if name in edited and same(value, edited[name]):
            continue
        if (value is None and name in _BARE) or same(value, computed.get(name)):
            result.pop(name, None)
        else:
            result[name] = value
    return result


def shown(computed: Mapping[str, Any], edited: Mapping[str, Any]) -> dict[str, Any]:
    """What is served: what people say over what was computed, and what follows from both."""
    values = {**computed, **edited}
    effort, moving_s = values.get("icu_rpe"), values.get("moving_time")
    if effort and moving_s is not None:
        values["session_rpe"] = round(effort * moving_s / 60)
    return values


def called(type_: str, local_start: str) -> str:
    """What an activity is called that nobody named: `Morning Ride`."""
    hour = int(local_start[11:13])
    part = next(name for until, name in _PARTS_OF_DAY if hour < until)
    return f"{part} {re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', type_)}"


def by_hand(said: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from what people say of an activity that no device recorded: at least `type` and `start_date_local`."""
    found = {name: said[name] for name in ("type", "start_date_local")}
    found["name"] = called(said["type"], said["start_date_local"])
    moving_s, elapsed_s = said.get("moving_time"), said.get("elapsed_time")
    if not moving_s and elapsed_s:
        found["moving_time"] = elapsed_s
    elif moving_s and not elapsed_s:
        found["elapsed_time"] = moving_s
    if (lasted_s := moving_s or elapsed_s) and said.get("distance"):
        found["average_speed"] = round(said["distance"] / lasted_s, 4)
    return found


def lasted(said: Mapping[str, Any]) -> timedelta:
    """How long an activity went on that no device recorded."""
    return timedelta(seconds=min(said.get("elapsed_time") or said.get("moving_time") or 0, 10_000_000))


def as_columns(said: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an activity that are what is served; `start_date_local`, `type` and `name` are always said."""
    return {
        "local_start": said["start_date_local"],
        "type": said["type"],
        "name": said["name"],
        "external_id": said.get("external_id"),
        "tags": msgspec.Raw(msgspec.json.encode(said.get("tags") or [])),
    }
