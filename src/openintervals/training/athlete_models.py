"""Models of an athlete: what the best of a year says of somebody's power, and how the heart answers to power over a time.

Nothing here is stored: a model is fitted to the season's curve when somebody asks, so it is never older than the activities. Where a curve is too
short for a model, what sport settings say stands in for it. One read is one snapshot, whatever changes meanwhile.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from openintervals.analysis import histograms, power_models, spikes
from openintervals.analysis.histograms import Bucket
from openintervals.analysis.power_models import PowerModel
from openintervals.analysis.thresholds import Thresholds
from openintervals.db.transaction import Read
from openintervals.training import (
    activities,
    activity_analysis,
    activity_curves,
    activity_layouts,
    activity_search,
    curve_periods,
    season_curves,
    sport_settings,
)
from openintervals.training.sport_values import Values

KIND = "MORTON_3P"
POWER_HR_ACTIVITIES_MOST = 1_000
POWER_HR_SIZE_W = 25
_NEEDED = ("watts", "heartrate", "cadence", "velocity_smooth")


class PowerHr(NamedTuple):
    """Seconds at each power from a bucket's start in watts on, the mean heart rate and cadence meanwhile, and the settings at the end."""

    buckets: list[Bucket]
    settings: Values


class _Measured(msgspec.Struct, frozen=True):
    icu_ftp: float | None = None
    icu_w_prime: float | None = None
    p_max: float | None = None


_MEASURED = msgspec.json.Decoder(_Measured)


async def power(tx: Read, type_: str, day: str) -> PowerModel | None:
    """The model of power in a sport over the year up to a day: of the three parameters, else what settings say; None without either."""
    period = curve_periods.read(curve_periods.USUAL, date.fromisoformat(day))
    types = await season_curves.types_for(tx, type_)
    found = await season_curves.candidates(tx, activity_curves.POWER, period.oldest, period.newest, types)
    best = season_curves.best_of(found)
    durations_s = activity_curves.grid(activity_curves.POWER, len(best.values)).astype("int64")
    fitted = await asyncio.to_thread(power_models.fit, KIND, durations_s, best.values)
    return fitted or of_settings(await sport_settings.on(tx, type_, day))


def of_settings(values: Values) -> PowerModel | None:
    """What settings say of power; None without an FTP."""
    ftp = values.ftp_w
    if not ftp:
        return None
    return PowerModel(KIND if values.p_max_w else "MS_2P", ftp, values.w_prime_j, values.p_max_w, ftp, ())


async def of_spikes(tx: Read, said: str) -> PowerModel | None:
    """What an activity's power was held against, by the values that it was measured by. Raises ActivityNotFound."""
    known = _MEASURED.decode(await activities.shown(tx, said))
    return spikes.model(Thresholds(ftp_w=known.icu_ftp, w_prime_j=known.icu_w_prime, p_max_w=known.p_max))


async def power_hr(
    tx: Read, type_: str, start: str, end: str, types: Collection[str], passing: Collection[str] | None = None
) -> PowerHr:
    """How the heart answered to power between two local times, in the newest activities of some types, `POWER_HR_ACTIVITIES_MOST` at most.

    Each second's heart rate is the one that came with its activity's lag, as in `histograms.power_vs_hr`; the settings are those of `type_`."""
    ids = await activity_search.of_types(tx, types, start, end)
    if passing is not None:
        ids = [each for each in ids if each in passing]
    bearings = await activity_analysis.bearings(tx)
    told: list[Sequence[Bucket]] = []
    for each in ids[-POWER_HR_ACTIVITIES_MOST:]:
        laid = await activity_layouts.of(tx, await activities.get(tx, each), bearings, _NEEDED)
        if laid.recording is not None:
            plot = await asyncio.to_thread(histograms.power_vs_hr, laid.recording, POWER_HR_SIZE_W)
            told.append(plot.series if plot is not None else ())
    return PowerHr(together(told), await sport_settings.on(tx, type_, end[:10]))


def together(told: Sequence[Sequence[Bucket]]) -> list[Bucket]:
    """The buckets of several histograms of one size as one, from the first with any seconds to the last."""
    by_start: dict[float, list[Bucket]] = {}
    for bucket in (each for series in told for each in series if each.seconds):
        by_start.setdefault(bucket.start, []).append(bucket)
    if not by_start:
        return []
    low, high = int(min(by_start)), int(max(by_start))
    return [_summed(start, by_start.get(start, [])) for start in range(low, high + 1, POWER_HR_SIZE_W)]


def _summed(start: int, buckets: Sequence[Bucket]) -> Bucket:
    seconds, moving_s = sum(each.seconds for each in buckets), sum(each.moving_s for each in buckets)
    means = (_mean(buckets, name) for name in ("hr_bpm", "power_w", "cadence_rpm"))
    return Bucket(start, seconds, moving_s, *means)


def _mean(buckets: Sequence[Bucket], name: str) -> float | None:
    known = [(each.seconds, value) for each in buckets if (value := getattr(each, name)) is not None]
    seconds = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / seconds if seconds else None
