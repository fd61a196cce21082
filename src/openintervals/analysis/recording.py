"""A recording: an activity's channels laid out second by second, cleaned, with what follows from them directly.

Every channel has one value per second. Power is 0 where nothing is known, everything else NaN. `covered_m` has one entry more, since it says how
far one is at the start of each second and at the end. A channel that was not recorded, or holds no value at all, is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from openintervals.analysis import (
    distance,
    elevation,
    heart_rate,
    moving,
    pace,
    power,
    resample,
    spikes,
    sports,
    w_balance,
)
from openintervals.analysis.arrays import Bools, Floats, floats
from openintervals.analysis.resample import Seconds
from openintervals.analysis.thresholds import Thresholds

CHANNELS = (
    "time_s", "power_w", "heart_rate_bpm", "cadence_rpm", "speed_mps", "distance_m", "altitude_m",
    "latitude_deg", "longitude_deg", "temperature_c",
)  # fmt: skip
# Channels of which only the mean, or the least and most, is of interest.
MEANS = (
    "torque_nm", "left_balance_percent", "respiration_rpm", "tidal_volume_l", "tidal_volume_min_l", "smo2_percent", "thb_g_dl",
    "smo2_2_percent", "thb_2_g_dl", "stance_time_ms", "vertical_oscillation_mm", "vertical_ratio_percent", "step_length_mm",
    "core_temperature_c", "skin_temperature_c", "dfa_a1", "epoc", "lactate_mmol_l", "blood_glucose_mmol_l", "secondary_power_w",
)  # fmt: skip


@dataclass(frozen=True)
class Recording:
    """What was recorded, per second. Made by `lay_out`."""

    sport: str
    settings: Thresholds
    layout: Seconds
    power_w: Floats | None
    heart_rate_bpm: Floats | None
    cadence_rpm: Floats | None
    speed_mps: Floats | None
    covered_m: Floats | None
    altitude_m: Floats | None
    temperature_c: Floats | None
    moves: Bools
    means: Mapping[str, Floats]

    @property
    def count(self) -> int:
        """Seconds from the first record to the end."""
        return self.layout.count

    @cached_property
    def slope(self) -> Floats | None:
        """Rise over run, per second."""
        if self.altitude_m is None or self.covered_m is None:
            return None
        return pace.slopes(self.altitude_m, self.covered_m)

    @cached_property
    def climb(self) -> elevation.Climb | None:
        """What was climbed and descended."""
        return None if self.altitude_m is None else elevation.climb(self.altitude_m)

    @cached_property
    def gap_mps(self) -> Floats | None:
        """Speed as it would be on the level, for runs; None for others, or when the athlete wants none."""
        if self.sport not in sports.ON_FOOT or self.settings.gap_model == "NONE":
            return None
        if self.speed_mps is None or self.slope is None:
            return None
        return pace.adjusted(self.speed_mps, self.slope)

    @cached_property
    def w_left_j(self) -> Floats | None:
        """W′ balance after each second, by the differential form."""
        ftp, w_prime = self.settings.ftp_w, self.settings.w_prime_j
        if self.power_w is None or not ftp or not w_prime:
            return None
        return w_balance.differential(self.power_w, ftp, w_prime)


def lay_out(streams: Mapping[str, npt.NDArray[Any]], sport: str, settings: Thresholds) -> Recording:
    """Lay out channels of one length by `time_s`; names that are not known here are passed over.

    Raises ValueError when a channel has another length than `time_s`, and resample.TooLong.
    """
    layout = resample.seconds(floats(streams["time_s"]))
    channels: dict[str, Floats] = {}
    for name in (*CHANNELS[1:], *MEANS):
        if name not in streams:
            continue
        values = floats(streams[name])
        if len(values) != len(layout.time_s):
            raise ValueError(f"{name} has {len(values)} values for {len(layout.time_s)} times")
        if np.isinf(values).any():
            values = np.where(np.isinf(values), np.nan, values)
        if not np.isnan(values).all():
            channels[name] = values
    watts = channels.get("power_w")
    if watts is not None:
        watts = layout.fill(power.without_spikes(watts, spikes.limit_w(settings)), 0.0)
    beats = channels.get("heart_rate_bpm")
    if beats is not None:
        beats = layout.fill(heart_rate.plausible(beats))
        beats = None if np.isnan(beats).all() else beats
    covered = distance.cumulative(
        layout,
        channels.get("distance_m"),
        channels.get("speed_mps"),
        channels.get("latitude_deg"),
        channels.get("longitude_deg"),
        by_length=sport in sports.SWIMS,
    )
    speed = distance.speeds(layout, channels.get("speed_mps"), covered)
    altitude = channels.get("altitude_m")
    cadence, warmth = channels.get("cadence_rpm"), channels.get("temperature_c")
    return Recording(
        sport=sport,
        settings=settings,
        layout=layout,
        power_w=watts,
        heart_rate_bpm=beats,
        cadence_rpm=None if cadence is None else layout.fill(cadence),
        speed_mps=speed,
        covered_m=covered,
        altitude_m=None if altitude is None else elevation.smooth(layout, altitude),
        temperature_c=None if warmth is None else layout.fill(warmth),
        moves=moving.moving(layout, sport, speed, watts),
        means={name: layout.fill(channels[name]) for name in MEANS if name in channels},
    )
