"""An activity: everything its recording says, reckoned at once.

`analyse` takes the channels as they were recorded, the sport and the thresholds of the day, and gives `Metrics`, which is only stored. What
depends on more than one activity (fitness, season curves, rolling estimates) is not here. The same input always gives the same result, and a
value that cannot be known is None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from openintervals.analysis import (
    arrays,
    critical_speed,
    curves,
    decoupling,
    distance,
    eftp,
    heart_rate,
    histograms,
    intervals,
    load,
    moving,
    power,
    power_models,
    sports,
    w_balance,
    zones,
)
from openintervals.analysis.arrays import Floats
from openintervals.analysis.curves import Curve, PaceCurve
from openintervals.analysis.intervals import Intervals
from openintervals.analysis.recording import Recording, lay_out
from openintervals.analysis.spans import Span
from openintervals.analysis.thresholds import Thresholds, order


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What an activity shows; units are in the names, formulas in docs/metrics.md. Zone times are seconds, the first zone first."""

    elapsed_s: int
    recorded_s: int
    moving_s: int
    coasting_s: int | None = None
    median_interval_s: float = 1.0
    recording_stops: tuple[int, ...] = ()
    lap_count: int = 0

    distance_m: float | None = None
    average_speed_mps: float | None = None
    max_speed_mps: float | None = None
    gap_mps: float | None = None
    elevation_gain_m: float | None = None
    elevation_loss_m: float | None = None
    average_altitude_m: float | None = None
    min_altitude_m: float | None = None
    max_altitude_m: float | None = None
    average_temperature_c: float | None = None
    min_temperature_c: float | None = None
    max_temperature_c: float | None = None
    average_cadence_rpm: float | None = None
    average_stride_m: float | None = None
    means: Mapping[str, float] = field(default_factory=dict)

    average_power_w: float | None = None
    normalized_power_w: float | None = None
    max_power_w: float | None = None
    work_j: float | None = None
    work_above_ftp_j: float | None = None
    calories_kcal: float | None = None
    intensity_percent: float | None = None
    variability_index: float | None = None
    efficiency_factor: float | None = None
    max_w_balance_depletion_j: float | None = None
    power_zone_s: tuple[int, ...] = ()
    sweet_spot_s: int | None = None

    average_hr_bpm: float | None = None
    max_hr_bpm: float | None = None
    hr_zone_s: tuple[int, ...] = ()
    trimp: float | None = None
    hr_recovery: heart_rate.Recovery | None = None
    decoupling_percent: float | None = None
    power_hr: float | None = None
    power_hr_z2: float | None = None
    power_hr_z2_s: int | None = None
    cadence_z2_rpm: float | None = None

    pace_zone_s: tuple[int, ...] = ()
    gap_zone_s: tuple[int, ...] = ()
    polarization_index: float | None = None

    training_load: float | None = None
    power_load: float | None = None
    hr_load: float | None = None
    hr_load_type: str | None = None
    pace_load: float | None = None
    pace_load_type: str | None = None

    ftp_estimate: eftp.Estimate | None = None
    power_model: power_models.PowerModel | None = None
    speed_model: critical_speed.SpeedModel | None = None

    power_curve: Curve | None = None
    power_curves_after: Mapping[int, Curve] = field(default_factory=dict)  # by kJ
    hr_curve: Curve | None = None
    speed_curve: Curve | None = None
    gap_curve: Curve | None = None
    pace_curve: PaceCurve | None = None
    gap_pace_curve: PaceCurve | None = None

    intervals: Intervals = field(default_factory=Intervals)


def analyse(
    streams: Mapping[str, npt.NDArray[Any]],
    sport: str,
    settings: Thresholds,
    *,
    laps: Sequence[tuple[int, int]] = (),
    marked: Sequence[Span] | None = None,
) -> Metrics:
    """Reckon everything. `streams` are arrays of one length by channel name (see `recording.CHANNELS` and `MEANS`), `time_s` among them.

    `laps` are the device's, as records from and up to; `marked` are intervals people made, which count instead of found ones. Raises
    ValueError for channels of different lengths or unknown orders in the settings, and resample.TooLong.
    """
    return of_recording(lay_out(streams, sport, settings), laps=laps, marked=marked)


def of_recording(
    recording: Recording, *, laps: Sequence[tuple[int, int]] = (), marked: Sequence[Span] | None = None
) -> Metrics:
    """The same of what is laid out already."""
    if not recording.count:
        return Metrics(elapsed_s=0, recorded_s=0, moving_s=0, lap_count=len(laps))
    order(recording.settings.load_order)
    values: dict[str, Any] = {}
    _way(values, recording)
    _power(values, recording)
    _heart(values, recording)
    _pace(values, recording)
    _loads(values, recording)
    cut = intervals.found(recording, laps) if marked is None else intervals.measured(recording, marked)
    return Metrics(
        elapsed_s=recording.count,
        recorded_s=_recorded_s(recording),
        median_interval_s=recording.layout.usual_s,
        recording_stops=tuple(recording.layout.stops.tolist()),
        lap_count=len(laps),
        intervals=cut,
        **values,
    )


def _recorded_s(recording: Recording) -> int:
    return int(np.count_nonzero(recording.layout.recorded))


def _moving(recording: Recording, values: Floats) -> Floats:
    """A channel on the move."""
    return values if recording.moves.all() else np.where(recording.moves, values, np.nan)


def _way(values: dict[str, Any], recording: Recording) -> None:
    values["moving_s"] = seconds = int(np.count_nonzero(recording.moves))
    cadence = recording.cadence_rpm
    values["coasting_s"] = moving.coasting_s(recording.moves, cadence, recording.power_w)
    if recording.covered_m is not None and recording.speed_mps is not None and recording.covered_m.any():
        values["distance_m"] = way = distance.total_m(recording.covered_m)
        values["average_speed_mps"] = way / seconds if seconds else None
        values["max_speed_mps"] = arrays.most(recording.speed_mps)
    if recording.gap_mps is not None:
        values["gap_mps"] = arrays.mean(_moving(recording, recording.gap_mps))
    altitude = recording.altitude_m
    if altitude is not None and recording.climb is not None:
        values["elevation_gain_m"], values["elevation_loss_m"] = recording.climb.gain_m, recording.climb.loss_m
        values["average_altitude_m"] = float(altitude.mean())
        values["min_altitude_m"], values["max_altitude_m"] = float(altitude.min()), float(altitude.max())
    warmth = recording.temperature_c
    if warmth is not None:
        values["average_temperature_c"] = arrays.mean(warmth)
        values["min_temperature_c"], values["max_temperature_c"] = arrays.least(warmth), arrays.most(warmth)
    if cadence is not None:
        values["average_cadence_rpm"] = turns = arrays.mean(cadence[cadence > 0])
        if turns and values.get("average_speed_mps") is not None:
            values["average_stride_m"] = values["average_speed_mps"] * 60.0 / turns
    means = {name: arrays.mean(channel) for name, channel in recording.means.items()}
    values["means"] = {name: mean for name, mean in means.items() if mean is not None}


def _power(values: dict[str, Any], recording: Recording) -> None:
    watts, settings, layout = recording.power_w, recording.settings, recording.layout
    if watts is None:
        return
    pedalled = watts if layout.recorded.all() else watts[layout.recorded]
    values["average_power_w"] = average = float(pedalled.mean())
    values["normalized_power_w"] = normalized = power.normalized(pedalled)
    values["max_power_w"] = float(pedalled.max())
    values["work_j"] = work = power.work_j(watts)
    values["calories_kcal"] = power.energy_kcal(work)
    if normalized is not None:
        values["variability_index"] = power.variability_index(normalized, average)
    ftp = settings.ftp_w
    if ftp and normalized is not None:
        values["work_above_ftp_j"] = power.work_above_j(watts, ftp)
        values["intensity_percent"] = power.intensity_percent(normalized, ftp)
        values["power_load"] = load.by_power(normalized, len(pedalled), ftp)
        moved = watts[recording.moves]
        values["power_zone_s"] = tuple(zones.times_s(moved, zones.bounds_of(settings.power_zones_percent, ftp)))
        low, high = zones.bounds_of(settings.sweet_spot_percent, ftp)
        values["sweet_spot_s"] = zones.between_s(moved, low, high)
    if recording.w_left_j is not None and settings.w_prime_j:
        values["max_w_balance_depletion_j"] = w_balance.depletion_j(recording.w_left_j, settings.w_prime_j)
    values["power_curve"] = curve = curves.mean_max(watts, layout)
    after = {
        kilojoules: curves.after_work(watts, layout, kilojoules)
        for kilojoules in settings.after_kj
        if work > kilojoules * 1000
    }
    values["power_curves_after"] = {kilojoules: found for kilojoules, found in after.items() if found is not None}
    values["ftp_estimate"] = eftp.estimate(curve.durations_s, curve.values, settings.ftp_est_least_s)
    values["power_model"] = power_models.fit("MORTON_3P", curve.durations_s, curve.values)


def _heart(values: dict[str, Any], recording: Recording) -> None:
    beats, settings = recording.heart_rate_bpm, recording.settings
    if beats is None:
        return
    values["average_hr_bpm"] = average = arrays.mean(beats)
    values["max_hr_bpm"] = arrays.most(beats)
    moved = _moving(recording, beats)
    values["hr_zone_s"] = tuple(zones.times_s(moved, settings.hr_zones_bpm))
    resting, top = settings.resting_hr_bpm, settings.max_hr_bpm
    if resting and top and resting < top:
        values["trimp"] = heart_rate.trimp(moved, resting, top, settings.sex)
    least = settings.hrr_least_percent / 100.0 * (top or 0.0)
    values["hr_recovery"] = heart_rate.recovery(beats, recording.layout, least, recording.power_w)
    values["hr_curve"] = curves.present(beats, recording.layout)
    found = load.by_heart_rate(settings, moved, values["hr_zone_s"])
    if found is not None:
        values["hr_load"], values["hr_load_type"] = found
    output = recording.power_w
    if output is None:
        output = recording.gap_mps if recording.gap_mps is not None else recording.speed_mps
    if output is not None:
        both = decoupling.halves(output, beats, recording.moves, settings.warmup_s, settings.cooldown_s)
        values["decoupling_percent"] = None if both is None else both.percent
    if recording.power_w is None:
        return
    if values.get("normalized_power_w") is not None:
        values["efficiency_factor"] = power.efficiency_factor(values["normalized_power_w"], average)
    known = recording.moves & ~np.isnan(beats)
    if known.any():
        values["power_hr"] = float(recording.power_w[known].sum() / beats[known].sum())
    inside, cadence = histograms.zone_2(recording)
    values["power_hr_z2_s"] = int(np.count_nonzero(inside))
    if inside.any():
        values["power_hr_z2"] = float(recording.power_w[inside].sum() / beats[inside].sum())
        values["cadence_z2_rpm"] = arrays.mean(cadence[cadence > 0])


def _pace(values: dict[str, Any], recording: Recording) -> None:
    speed, settings, layout = recording.speed_mps, recording.settings, recording.layout
    if speed is None or recording.covered_m is None or recording.sport not in sports.BY_PACE:
        return
    level = recording.gap_mps
    values["speed_curve"] = curves.mean_max(speed, layout)
    values["pace_curve"] = found = curves.pace(recording.covered_m, layout)
    values["speed_model"] = critical_speed.fit(found.distances_m, found.seconds)
    if level is not None:
        values["gap_curve"] = curves.mean_max(level, layout)
        values["gap_pace_curve"] = curves.pace(arrays.prefix(np.nan_to_num(level, nan=0.0)), layout)
    threshold = settings.threshold_speed_mps
    if not threshold:
        return
    bounds = zones.bounds_of(settings.pace_zones_percent, threshold)
    values["pace_zone_s"] = tuple(zones.times_s(_moving(recording, speed), bounds))
    if level is not None:
        values["gap_zone_s"] = tuple(zones.times_s(_moving(recording, level), bounds))
    kind = settings.pace_load_type or ("SWIM" if recording.sport in sports.SWIMS else "RUN")
    pace = values.get("gap_mps") or values.get("average_speed_mps")
    if pace:
        values["pace_load_type"] = kind
        values["pace_load"] = load.by_pace(pace, values["moving_s"], threshold, kind)


def _loads(values: dict[str, Any], recording: Recording) -> None:
    settings = recording.settings
    loads = {name: values.get(f"{name}_load") for name in ("power", "hr", "pace")}
    values["training_load"] = load.chosen(loads, settings.load_order)
    shown = (values.get(f"{name}_zone_s") or () for name in order(settings.tiz_order))
    values["polarization_index"] = next(
        (index for times in shown if (index := zones.polarization_index(times)) is not None), None
    )
