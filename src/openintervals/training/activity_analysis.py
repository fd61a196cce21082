"""Analysis of an activity: from a recording and the athlete's settings of its day to everything that is stored of it, all of it pure.

`Bearings` is what has to be known of the athlete before; `measured` takes milliseconds of arithmetic and no database, and so can be done in a
thread or another process before a transaction begins. The same recording, bearings and edits always give the same, so to analyse again changes
nothing. `VERSION` grows when analysis or what is stored of it becomes different, and says which activities are to be analysed again.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import numpy as np
import tzfpy

from openintervals import instants
from openintervals.analysis.activity import Metrics, analyse
from openintervals.analysis.recording import Recording, lay_out
from openintervals.analysis.resample import TooLong
from openintervals.analysis.spans import Span
from openintervals.analysis.thresholds import Thresholds
from openintervals.db.transaction import Read
from openintervals.formats.recording import Activity as Recorded
from openintervals.formats.recording import Channels
from openintervals.training import activity_curves, activity_numbers, athletes, sport_settings, sport_values, streams
from openintervals.training.activity_fields import Part
from openintervals.training.athletes import Athlete
from openintervals.training.sport_settings import SportSettings
from openintervals.training.sport_values import Values

VERSION = 1
LAPS_MOST = 1_000

# Analysis' word for a channel of the wire.
_CHANNELS = {
    "time": "time_s",
    "watts": "power_w",
    "heartrate": "heart_rate_bpm",
    "cadence": "cadence_rpm",
    "velocity_smooth": "speed_mps",
    "distance": "distance_m",
    "altitude": "altitude_m",
    "lat": "latitude_deg",
    "lng": "longitude_deg",
    "temp": "temperature_c",
    "torque": "torque_nm",
    "left_right_balance": "left_balance_percent",
    "respiration": "respiration_rpm",
    "tidal_volume": "tidal_volume_l",
    "tidal_volume_min": "tidal_volume_min_l",
    "smo2": "smo2_percent",
    "thb": "thb_g_dl",
    "smo2_2": "smo2_2_percent",
    "thb_2": "thb_2_g_dl",
    "stance_time": "stance_time_ms",
    "vertical_oscillation": "vertical_oscillation_mm",
    "vertical_ratio": "vertical_ratio_percent",
    "step_length": "step_length_mm",
    "core_temperature": "core_temperature_c",
    "skin_temperature": "skin_temperature_c",
    "dfa_a1": "dfa_a1",
    "epoc": "epoc",
    "bloodglucose": "blood_glucose_mmol_l",
    "secondary_power": "secondary_power_w",
}
_IGNORED = {
    "icu_ignore_power": ("power_w",),
    "icu_ignore_hr": ("heart_rate_bpm",),
    "ignore_velocity": ("speed_mps",),
    "ignore_pace": ("speed_mps", "distance_m", "latitude_deg", "longitude_deg"),
}
_IGNORED_PARTS = {
    "power": ("power_w",),
    "hr": ("heart_rate_bpm",),
    "pace": ("speed_mps",),
}
_INDOORS = ("indoor", "virtual", "treadmill", "spin")


class Bearings(msgspec.Struct, frozen=True):
    """What an athlete's activities are measured by."""

    athlete: Athlete
    settings: list[SportSettings]

    def values(self, type_: str, day: str) -> Values:
        """What was in force for a type of activity on a day."""
        chosen = sport_settings.chosen(self.settings, type_)
        if chosen is None:
            return Values(**sport_settings.usual([type_]))
        return sport_values.in_force(chosen.entries(), day)


class Place(NamedTuple):
    """When an activity was: instants in UTC, and the time on a watch where it began."""

    start_at: str
    end_at: str
    local_start: str
    timezone: str


class Measured(NamedTuple):
    """What analysis gives: values by names of the wire, the intervals and groups as JSON, and curves."""

    computed: dict[str, Any]
    intervals: str
    groups: str
    curves: list[activity_curves.Stored]


async def bearings(tx: Read) -> Bearings:
    """Those of the transaction's athlete. Raises NotFound when there is none."""
    return Bearings(await athletes.current(tx), await sport_settings.every(tx))


def channels_of(channels: Channels, edited: Mapping[str, Any]) -> Channels:
    """Channels by the words of analysis, without what people say is to be ignored."""
    found = {_CHANNELS[name]: values for name, values in channels.items() if name in _CHANNELS and values.ndim == 1}
    for flag, names in _IGNORED.items():
        if edited.get(flag):
            for name in names:
                found.pop(name, None)
    for part in msgspec.convert(edited.get("ignore_parts") or [], list[Part]):
        for flag, names in _IGNORED_PARTS.items():
            for name in names if getattr(part, flag) else ():
                if name in found:
                    found[name] = found[name].copy()
                    found[name][part.start_index : part.end_index] = np.nan
    return found


def placed(recorded: Recorded, athlete: Athlete) -> Place:
    """When an activity was; the time zone is that of its first position, else the athlete's."""
    zone = _zone(recorded, athlete)
    start = recorded.start_at.astimezone(UTC)
    elapsed = recorded.totals.get("elapsed_s") or recorded.totals.get("timer_s") or 0.0
    if recorded.count:
        elapsed = max(float(recorded.channels["time"][-1]), 0.0) + 1
    end = start + timedelta(seconds=min(max(elapsed, 0.0), 10_000_000.0))
    return Place(instants.text(start), instants.text(end), local(start, zone), zone)


def local(start: datetime, zone: str) -> str:
    """The time on a watch in a time zone."""
    return start.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def _zone(recorded: Recorded, athlete: Athlete) -> str:
    lat, lng = recorded.channels.get("lat"), recorded.channels.get("lng")
    if lat is not None and lng is not None:
        first = int(np.argmax(~np.isnan(lat)))
        zone = tzfpy.get_tz(float(lng[first]), float(lat[first]))
        if zone and _is_zone(zone):
            return zone
    return athlete.timezone


@lru_cache(1_000)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


def is_indoors(recorded: Recorded) -> bool:
    """Whether an activity stayed on the spot, as its sport says."""
    words = " ".join(filter(None, (*recorded.sport_words, recorded.type))).lower()
    return "lat" not in recorded.channels and any(each in words for each in _INDOORS)


def thresholds_of(bearings: Bearings, type_: str, day: str, *, indoor: bool) -> Thresholds:
    """What an activity is measured by, if people have set nothing for it alone: the settings of its day."""
    return sport_values.thresholds_of(bearings.values(type_, day), bearings.athlete, indoor=indoor)


def layout(recorded: Recorded, type_: str, thresholds: Thresholds, edited: Mapping[str, Any]) -> Recording | None:
    """The recording second by second, for what looks at it anew; None where there are no samples."""
    if not recorded.count:
        return None
    return lay_out(channels_of(recorded.channels, edited), type_, thresholds)


def measured(
    recorded: Recorded,
    bearings: Bearings,
    place: Place,
    *,
    edited: Mapping[str, Any] | None = None,
    marked: Sequence[Span] | None = None,
    on: str | None = None,
) -> Measured:
    """Everything analysis says of an activity, by the settings of its day or of the day `on`. Raises TooLong for one that goes on for weeks."""
    said = edited or {}
    type_ = said.get("type") or recorded.type
    indoor = is_indoors(recorded)
    usual = thresholds_of(bearings, type_, on or place.local_start[:10], indoor=bool(said.get("trainer", indoor)))
    thresholds = activity_numbers.overruled(usual, said)
    computed: dict[str, Any] = activity_numbers.of_device(recorded)
    if recorded.count:
        laps = [(lap.start, lap.end) for lap in recorded.laps[:LAPS_MOST] if lap.end > lap.start]
        metrics = analyse(channels_of(recorded.channels, said), type_, thresholds, laps=laps, marked=marked)
        found = activity_numbers.of_metrics(metrics)
        device_knows = activity_numbers.STANDS_IN & computed.keys()
        computed |= {name: value for name, value in found.items() if name not in device_knows}
        computed["icu_lap_count"] = len(recorded.laps)
    else:
        metrics = Metrics(elapsed_s=0, recorded_s=0, moving_s=0)
        computed["icu_lap_count"] = len(recorded.laps)
    computed |= activity_numbers.of_settings(usual)  # what people have set lies over it
    computed["stream_types"] = streams.wire_names(recorded.channels)
    computed["trainer"] = True if indoor else None
    computed["icu_intervals_edited"] = True if marked is not None else None
    intervals, groups = activity_numbers.of_intervals(metrics.intervals)
    return Measured(
        {name: value for name, value in computed.items() if value is not None},
        msgspec.json.encode(intervals).decode(),
        msgspec.json.encode(groups).decode(),
        activity_curves.packed(metrics, thresholds.weight_kg),
    )


__all__ = [
    "VERSION", "Bearings", "Measured", "Place", "TooLong", "bearings", "channels_of", "is_indoors", "layout", "local", "measured",
    "placed", "thresholds_of",
]  # fmt: skip
