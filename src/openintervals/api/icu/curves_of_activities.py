"""The curves of many activities side by side, as the Intervals.icu API speaks of them: one for each activity between two days.

The durations or distances stand once; the arrays of an activity begin with the first of them and end where the activity does.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import field

from openintervals.analysis import curves
from openintervals.api.http import Csv, Read, Stored
from openintervals.api.icu import activity_filters, athlete_curves, curve_shapes, dialect
from openintervals.api.icu.activity_curves import FATIGUE_KINDS
from openintervals.api.icu.activity_filters import Filters
from openintervals.api.icu.curve_shapes import AfterWork, Integers, Numbers
from openintervals.api.icu.dialect import Day, Query, SportType, Wire, icu
from openintervals.training import activities, activity_curves, season_curves, sport_settings
from openintervals.training.activity_curves import Candidate, Floats

PLACES_MOST = 500
SECONDS_MOST = int(curves.DURATIONS_S[-1])
METRES_MOST = float(curves.DISTANCES_M[-1])
_LEAST_M = float(curves.DISTANCES_M[0])

Seconds = Annotated[int, msgspec.Meta(ge=1, le=SECONDS_MOST)]
Metres = Annotated[float, msgspec.Meta(ge=_LEAST_M, le=METRES_MOST)]


class BetweenQuery(Query, frozen=True, kw_only=True):
    oldest: Annotated[Day, msgspec.Meta(description="The first local day or time.")]
    newest: (
        Annotated[Day, msgspec.Meta(description="The last local day or time, inclusive; without it there is no last.")]
        | None
    ) = None
    type: Annotated[
        SportType, msgspec.Meta(description="The sport, and with it all types its settings are for; without it, and without types in filters, all.")
    ] | None = None  # fmt: skip
    filters: Filters | None = None


class DurationsQuery(BetweenQuery, frozen=True, kw_only=True):
    secs: Annotated[
        list[Seconds], msgspec.Meta(max_length=PLACES_MOST, description="The durations in seconds; without it all that curves have.")
    ] = field(default_factory=list)  # fmt: skip


class PowerBetweenQuery(DurationsQuery, frozen=True, kw_only=True):
    fatigue: AfterWork = None


class PaceBetweenQuery(BetweenQuery, frozen=True, kw_only=True):
    distances: Annotated[
        list[Metres], msgspec.Meta(max_length=PLACES_MOST, description="The distances in metres; without it all that curves have.")
    ] = field(default_factory=list)  # fmt: skip
    gap: Annotated[bool, msgspec.Meta(description="By what each second would have been on the level.")] = False


class _Dated(Wire, frozen=True, kw_only=True):
    id: str
    start_date_local: str
    weight: float | None


class ActivityPowerCurve(_Dated, frozen=True, kw_only=True):
    """An activity's best watts for each duration."""

    watts: Integers


class ActivityHRCurve(_Dated, frozen=True, kw_only=True):
    """An activity's highest heart rates for each duration."""

    bpm: Integers


class ActivityPaceCurve(_Dated, frozen=True, kw_only=True):
    """An activity's least seconds for each distance."""

    secs: Integers


class ActivityPowerCurvePayload(Wire, frozen=True, kw_only=True):
    """Durations in seconds, and the curves of activities, the newest first."""

    secs: Integers
    curves: list[ActivityPowerCurve]
    after_kj: int | None


class ActivityHRCurvePayload(Wire, frozen=True, kw_only=True):
    """Durations in seconds, and the curves of activities, the newest first."""

    secs: Integers
    curves: list[ActivityHRCurve]


class ActivityPaceCurvePayload(Wire, frozen=True, kw_only=True):
    """Distances in metres, and the curves of activities, the newest first."""

    distances: Numbers
    curves: list[ActivityPaceCurve]


@icu.operation("GET", "/athlete/{athlete_id}/activity-power-curves", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def list_activity_power_curves(
    tx: Read, query: PowerBetweenQuery, ext: str
) -> Stored[ActivityPowerCurvePayload] | Csv:
    """List the power curves of activities

    Of every activity with power between two days the best mean power for each duration.
    """
    fatigue = query.fatigue or ""
    found = await _found(tx, query, FATIGUE_KINDS.get(fatigue, activity_curves.POWER))
    after_kj = None
    if fatigue:
        values = await sport_settings.on(tx, query.type or "Ride", (query.newest or query.oldest)[:10])
        after_kj = values.after_kj0 if fatigue == "kj0" else values.after_kj1

    def written() -> bytes | Csv:
        grid, columns = _columns(found, activity_curves.POWER, query.secs)
        if ext == ".csv":
            return _table("secs", grid, found, columns)
        told = [
            ActivityPowerCurve(id=each.id, start_date_local=each.local_start, weight=each.weight_kg, watts=watts)
            for each, watts in zip(found, columns, strict=True)
        ]
        return curve_shapes.encoded(
            ActivityPowerCurvePayload(secs=curve_shapes.whole(grid), curves=told, after_kj=after_kj)
        )

    answer = await asyncio.to_thread(written)
    return answer if isinstance(answer, Csv) else Stored(answer)


@icu.operation("GET", "/athlete/{athlete_id}/activity-hr-curves", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def list_activity_hr_curves(tx: Read, query: DurationsQuery, ext: str) -> Stored[ActivityHRCurvePayload] | Csv:
    """List the heart-rate curves of activities

    Of every activity with a heart rate between two days the highest mean for each duration.
    """
    found = await _found(tx, query, activity_curves.HR)

    def written() -> bytes | Csv:
        grid, columns = _columns(found, activity_curves.HR, query.secs)
        if ext == ".csv":
            return _table("secs", grid, found, columns)
        told = [
            ActivityHRCurve(id=each.id, start_date_local=each.local_start, weight=each.weight_kg, bpm=bpm)
            for each, bpm in zip(found, columns, strict=True)
        ]
        return curve_shapes.encoded(ActivityHRCurvePayload(secs=curve_shapes.whole(grid), curves=told))

    answer = await asyncio.to_thread(written)
    return answer if isinstance(answer, Csv) else Stored(answer)


@icu.operation("GET", "/athlete/{athlete_id}/activity-pace-curves", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def list_activity_pace_curves(
    tx: Read, query: PaceBetweenQuery, ext: str
) -> Stored[ActivityPaceCurvePayload] | Csv:
    """List the pace curves of activities

    Of every activity with a distance between two days the least seconds for each distance; with `gap` by gradient-adjusted pace, which runs have.
    """
    kind = activity_curves.GAP_PACE if query.gap else activity_curves.PACE
    found = await _found(tx, query, kind)

    def written() -> bytes | Csv:
        grid, columns = _columns(found, kind, query.distances)
        if ext == ".csv":
            return _table("distance", grid, found, columns)
        told = [
            ActivityPaceCurve(id=each.id, start_date_local=each.local_start, weight=each.weight_kg, secs=secs)
            for each, secs in zip(found, columns, strict=True)
        ]
        return curve_shapes.encoded(ActivityPaceCurvePayload(distances=grid, curves=told))

    answer = await asyncio.to_thread(written)
    return answer if isinstance(answer, Csv) else Stored(answer)


async def _found(tx: Read, query: BetweenQuery, kind: str) -> list[Candidate]:
    """The curves asked for, newest first. Raises Invalid with what is wrong."""
    dialect.refuse_no_day(query.oldest, "oldest")
    if query.newest is not None:
        dialect.refuse_no_day(query.newest, "newest")
    newest = query.newest or activities.LAST_DAY
    wanted = activity_filters.read(query.filters)
    types = await athlete_curves.types_of(tx, query.type, wanted)
    passing = await wanted.passing(tx, query.oldest, newest)
    return await season_curves.candidates(tx, kind, query.oldest, newest, types, passing)


def _columns(found: Sequence[Candidate], kind: str, asked: Sequence[float]) -> tuple[Floats, list[Integers]]:
    """The durations or distances, in order, and each activity's values there: on the grid, or between its places where others are asked for."""
    every = activity_curves.grid(kind, max((len(each.values) for each in found), default=0))
    if not asked:
        return every, [_whole(each.values) for each in found]
    wanted = np.unique(np.asarray(asked, np.float64))
    told: list[Integers] = []
    for each in found:
        own = every[: len(each.values)]
        values = np.interp(wanted, own, each.values.astype(np.float64))
        told.append(_whole(values[: int(np.searchsorted(wanted, own[-1], side="right"))]))
    return wanted, told


def _whole(values: npt.NDArray[np.floating[Any]]) -> Integers:
    rounded: npt.NDArray[np.int32] = np.rint(values).astype(np.int32)
    return rounded  # type: ignore[return-value]  # as wide as is needed, since there are many


def _table(name: str, grid: Floats, found: Sequence[Candidate], columns: Sequence[Integers]) -> Csv:
    return curve_shapes.table(name, grid, {each.id: values for each, values in zip(found, columns, strict=True)})
