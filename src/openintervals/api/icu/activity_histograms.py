"""How long an activity was at which power, heart rate and pace, as the Intervals.icu API speaks of it, and what else was so meanwhile.

An activity without what is asked for, or without records, has an empty answer.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
import numpy as np
from msgspec import field

from openintervals.analysis import histograms, sports
from openintervals.analysis.arrays import Bools, Floats
from openintervals.analysis.recording import Recording
from openintervals.api.http import Csv, Read
from openintervals.api.icu.dialect import Query, Wire, icu
from openintervals.formats import tabular
from openintervals.training import activity_layouts, sport_settings

PACE_M = {"SECS_100M": 100.0, "SECS_500M": 500.0}
PACE_SIZE_S = {100.0: 1, 500.0: 2, 1000.0: 5}
SLOWEST_S = 3_600
PLACES = 4
_FITTED = ("linear", "quadratic")


class Bucket(Wire, frozen=True, kw_only=True):
    """From which value on, the seconds there, those of them moving, and means meanwhile."""

    start: int
    secs: int
    moving_secs: int = field(name="movingSecs")
    hr: float | None
    watts: float | None
    cadence: int | None


class Plot(Wire, frozen=True, kw_only=True):
    """Seconds at each heart rate from `min_bpm` to `max_bpm`, and at it or above."""

    min_bpm: int | None
    max_bpm: int | None
    secs: list[int]
    cumulative_secs: list[int]


class FittedCurve(Wire, frozen=True, kw_only=True):
    """Heart rate by power: coefficients from the constant up, and how well they fit."""

    id: str
    coefficients: list[float]
    r2: float


class PowerVsHRPlot(Wire, frozen=True, kw_only=True):
    """Heart rate against power. Seconds are those of the activity; power per beat is W over bpm, in all and in both halves."""

    bucket_size: int = field(name="bucketSize")
    series: list[Bucket]
    curves: list[FittedCurve]
    hr_lag: int | None = field(default=None, name="hrLag")
    warmup: int | None = None
    cooldown: int | None = None
    elapsed_time: int | None = field(default=None, name="elapsedTime")
    start: int | None = None
    mid: int | None = None
    end: int | None = None
    decoupling: float | None = None
    power_hr: float | None = field(default=None, name="powerHr")
    power_hr_first: float | None = field(default=None, name="powerHrFirst")
    power_hr_second: float | None = field(default=None, name="powerHrSecond")
    power_hr_z2: float | None = field(default=None, name="powerHrZ2")
    hr_z2_bucket_count: int | None = field(default=None, name="hrZ2BucketCount")
    avg_cadence_z2: int | None = field(default=None, name="avgCadenceZ2")
    median_cadence_z2: int | None = field(default=None, name="medianCadenceZ2")
    ratio_coefficients: list[float] | None = field(default=None, name="ratioCoefficients")


class PowerHistogramQuery(Query, frozen=True, kw_only=True):
    bucket_size: Annotated[int, msgspec.Meta(ge=1, le=1_000, description="Watts in a bucket.")] = field(
        default=histograms.POWER_SIZE_W, name="bucketSize"
    )


class HRHistogramQuery(Query, frozen=True, kw_only=True):
    bucket_size: Annotated[int, msgspec.Meta(ge=1, le=100, description="Beats a minute in a bucket.")] = field(
        default=histograms.HR_SIZE_BPM, name="bucketSize"
    )


@icu.operation("GET", "/activity/{activity_id}/power-histogram", scope="ACTIVITY:READ", tag="Activities")
async def get_power_histogram(tx: Read, activity_id: str, query: PowerHistogramQuery) -> list[Bucket]:
    """Show for how long there was which power"""
    return await _buckets(tx, activity_id, lambda recording: recording.power_w, query.bucket_size)


@icu.operation("GET", "/activity/{activity_id}/hr-histogram", scope="ACTIVITY:READ", tag="Activities")
async def get_hr_histogram(tx: Read, activity_id: str, query: HRHistogramQuery) -> list[Bucket]:
    """Show for how long there was which heart rate"""
    return await _buckets(tx, activity_id, lambda recording: recording.heart_rate_bpm, query.bucket_size)


@icu.operation("GET", "/activity/{activity_id}/pace-histogram", scope="ACTIVITY:READ", tag="Activities")
async def get_pace_histogram(tx: Read, activity_id: str) -> list[Bucket]:
    """Show for how long there was which pace

    `start` is in seconds for a kilometre, in swims for 100 m and in rowing for 500 m. Only time on the move counts, and nothing slower than
    an hour for that way.
    """
    return await _paces(tx, activity_id, lambda recording: recording.speed_mps)


@icu.operation("GET", "/activity/{activity_id}/gap-histogram", scope="ACTIVITY:READ", tag="Activities")
async def get_gap_histogram(tx: Read, activity_id: str) -> list[Bucket]:
    """Show for how long there was which gradient-adjusted pace

    As the pace histogram, of what each second of a run would have been on the level.
    """
    return await _paces(tx, activity_id, lambda recording: recording.gap_mps)


@icu.operation("GET", "/activity/{activity_id}/time-at-hr", scope="ACTIVITY:READ", tag="Activities")
async def get_time_at_hr(tx: Read, activity_id: str) -> Plot:
    """Show for how long there was which heart rate, beat by beat"""
    recording = (await activity_layouts.get(tx, activity_id, ("heartrate",))).recording
    beats = None if recording is None else recording.heart_rate_bpm
    found = None if beats is None else histograms.time_at_hr(beats)
    if found is None:
        return Plot(min_bpm=None, max_bpm=None, secs=[], cumulative_secs=[])
    return Plot(
        min_bpm=found.least_bpm,
        max_bpm=found.most_bpm,
        secs=list(found.seconds),
        cumulative_secs=list(found.cumulative_s),
    )


@icu.operation("GET", "/activity/{activity_id}/power-vs-hr", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def get_power_vs_hr(tx: Read, activity_id: str, ext: str) -> PowerVsHRPlot | Csv:
    """Show the heart rate against power

    Heart rate is moved by the lag with which it best follows power. The halves leave out warm-up and cool-down where enough remains.
    """
    recording = (await activity_layouts.get(tx, activity_id)).recording
    plot = None if recording is None else await asyncio.to_thread(_plot, recording)
    plot = plot or PowerVsHRPlot(bucket_size=histograms.POWER_SIZE_W, series=[], curves=[])
    return _table(plot.series) if ext == ".csv" else plot


def _plot(recording: Recording) -> PowerVsHRPlot | None:
    found = histograms.power_vs_hr(recording)
    if found is None:
        return None
    halves = found.halves
    inside, _ = histograms.zone_2(recording)
    powers = recording.power_w[inside] if recording.power_w is not None else np.empty(0)
    return PowerVsHRPlot(
        bucket_size=round(found.size_w),
        series=_shown(found.series),
        curves=[
            FittedCurve(id=_FITTED[len(line.coefficients) - 2], coefficients=list(line.coefficients), r2=line.r2)
            for line in found.lines
        ],
        hr_lag=found.lag_s,
        warmup=recording.settings.warmup_s,
        cooldown=recording.settings.cooldown_s,
        elapsed_time=recording.count,
        start=None if halves is None else halves.start_s,
        mid=None if halves is None else halves.middle_s,
        end=None if halves is None else halves.end_s,
        decoupling=None if halves is None else round(halves.percent, PLACES),
        power_hr=round(found.power_hr, PLACES),
        power_hr_first=None if halves is None else round(halves.first, PLACES),
        power_hr_second=None if halves is None else round(halves.second, PLACES),
        power_hr_z2=_mean(found.power_hr_z2),
        hr_z2_bucket_count=len(np.unique(np.floor(powers / found.size_w))),
        avg_cadence_z2=_rounded(found.cadence_z2_rpm),
        median_cadence_z2=_rounded(found.median_cadence_z2_rpm),
    )


async def _buckets(
    tx: Read, activity_id: str, channel: Callable[[Recording], Floats | None], size: float
) -> list[Bucket]:
    recording = (await activity_layouts.get(tx, activity_id)).recording
    values = None if recording is None else channel(recording)
    if recording is None or values is None:
        return []
    return _shown(await asyncio.to_thread(histograms.histogram, recording, values, size))


async def _paces(tx: Read, activity_id: str, channel: Callable[[Recording], Floats | None]) -> list[Bucket]:
    laid = await activity_layouts.get(tx, activity_id)
    recording = laid.recording
    speeds = None if recording is None else channel(recording)
    if recording is None or speeds is None:
        return []
    way_m = PACE_M.get(sport_settings.usual_pace_units([laid.activity.type]) or "", 1000.0)

    def work() -> list[histograms.Bucket]:
        least = max(way_m / SLOWEST_S, sports.standing_mps(recording.sport))
        known: Bools = recording.moves & (np.nan_to_num(speeds) >= least)
        paces = np.full(len(speeds), np.nan)
        paces[known] = way_m / speeds[known]
        return histograms.histogram(recording, paces, PACE_SIZE_S[way_m], known)

    return _shown(await asyncio.to_thread(work))


def _shown(found: Sequence[histograms.Bucket]) -> list[Bucket]:
    return [
        Bucket(
            start=round(each.start),
            secs=each.seconds,
            moving_secs=each.moving_s,
            hr=_mean(each.hr_bpm),
            watts=_mean(each.power_w),
            cadence=_rounded(each.cadence_rpm),
        )
        for each in found
    ]


def _mean(value: float | None) -> float | None:
    return None if value is None else round(value, PLACES)


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)


def _table(series: Sequence[Bucket]) -> Csv:
    """Buckets as CSV."""
    names = {each.name: each.encode_name for each in msgspec.structs.fields(Bucket)}
    columns = {wire: np.array([getattr(each, name) for each in series], np.float64) for name, wire in names.items()}
    return Csv(tabular.encode_streams(columns).decode())
