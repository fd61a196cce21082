"""Filters: what the fields are that activities can be picked by, and what an activity has there.

Most are what is served of the activity under another name; a few are worked out. Pure: `activity_search` walks, and says what passes.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec

READERS_KEPT = 256
_SERVED = {
    "climbing": "total_elevation_gain",
    "load": "icu_training_load",
    "average_power": "icu_average_watts",
    "norm_power": "icu_weighted_avg_watts",
    "variability_index": "icu_variability_index",
    "intensity": "icu_intensity",
    "average_cadence_z2": "icu_cadence_z2",
    "work": "icu_joules",
    "work_above_ftp": "icu_joules_above_ftp",
    "max_wbal_depletion": "icu_max_wbal_depletion",
    "efficiency": "icu_efficiency_factor",
    "power_hr": "icu_power_hr",
    "power_hr_z2": "icu_power_hr_z2",
    "power_hr_z2_mins": "icu_power_hr_z2_mins",
    "rpe": "icu_rpe",
}
_PLAIN = (
    "type", "name", "description", "moving_time", "elapsed_time", "coasting_time", "distance", "source", "race",
    "average_heartrate", "max_heartrate", "pace", "gap", "average_speed", "max_speed", "average_cadence", "average_temp",
    "calories", "feel", "session_rpe", "kg_lifted", "power_meter", "power_meter_serial", "trimp", "tags", "device_name",
    "compliance", "polarization_index", "average_altitude", "min_altitude", "max_altitude", "route_id",
)  # fmt: skip


def _part(served: Mapping[str, Any], name: str, part: str) -> Any:
    whole = served.get(name)
    return whole.get(part) if isinstance(whole, dict) else None


_WORKED_OUT: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "indoor": lambda served: "indoor" if served.get("trainer") else "outdoor",
    "hrrc": lambda served: _part(served, "icu_hrr", "hrr"),
    "gear_name": lambda served: _part(served, "gear", "name"),
    "day_of_week": lambda served: date.fromisoformat(served["start_date_local"][:10]).isoweekday(),
}
_NEEDED = {"indoor": "trainer", "hrrc": "icu_hrr", "gear_name": "gear", "day_of_week": "start_date_local"}
FIELDS = (*_PLAIN, *_SERVED, *_WORKED_OUT)
"""What activities can be picked by."""


@lru_cache(READERS_KEPT)
def reader(field_ids: frozenset[str]) -> Callable[[msgspec.Raw], dict[str, Any]]:
    """What reads as much of what is served as these fields need; of thousands of activities a small part is read much faster than all."""
    names = sorted({_NEEDED.get(each) or _SERVED.get(each, each) for each in field_ids})
    decode = msgspec.json.Decoder(msgspec.defstruct("Part", [(name, Any, None) for name in names])).decode
    return lambda served: msgspec.structs.asdict(decode(served))


def value_of(served: Mapping[str, Any], field_id: str) -> Any:
    """What is served of an activity, and has under the name of a field; a day of the week is 1 for Monday to 7."""
    worked_out = _WORKED_OUT.get(field_id)
    return served.get(_SERVED.get(field_id, field_id)) if worked_out is None else worked_out(served)
