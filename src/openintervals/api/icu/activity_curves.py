"""The curves of one activity, as the Intervals.icu API speaks of them: the best for every duration or distance, and from which record to which.

An activity without what a curve is of has an empty one. A season's are in `athlete_curves`.
"""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import field

from openintervals.analysis import curves
from openintervals.api.http import Csv, Read, Stored
from openintervals.api.icu import curve_shapes
from openintervals.api.icu.curve_shapes import AfterWork, HRCurve, PaceCurve, PowerCurve
from openintervals.api.icu.dialect import Line, Query, icu
from openintervals.training import activities, activity_curves, activity_layouts, sport_settings
from openintervals.training.activities import Whole
from openintervals.training.activity_curves import One

FATIGUE_KINDS = {"kj0": activity_curves.POWER_KJ0, "kj1": activity_curves.POWER_KJ1}
_NONE = np.empty(0, np.int64)
_POWER_NAMES = ("watts", "fixed_watts", "raw_watts")


class PowerCurveQuery(Query, frozen=True, kw_only=True):
    fatigue: AfterWork = None


class PowerCurvesQuery(Query, frozen=True, kw_only=True):
    fatigue: Annotated[
        list[Literal["kj0", "kj1"]],
        msgspec.Meta(max_length=10, description="Besides the whole, what came after the first (`kj0`) or the second (`kj1`) amount of work."),
    ] = field(default_factory=list)  # fmt: skip
    types: Annotated[
        list[Line], msgspec.Meta(max_length=10, description="The streams to make curves of; without it `watts`.")
    ] = field(default_factory=list)


class PaceCurveQuery(Query, frozen=True, kw_only=True):
    gap: Annotated[bool, msgspec.Meta(description="By what each second would have been on the level.")] = False


class _Known(msgspec.Struct, frozen=True):
    moving_time: int | None = None
    icu_training_load: int | None = None
    icu_weight: float | None = None


@icu.operation("GET", "/activity/{activity_id}/power-curve", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def get_activity_power_curve(
    tx: Read, activity_id: str, query: PowerCurveQuery, ext: str
) -> Stored[PowerCurve] | Csv:
    """Show the power curve of an activity

    The best mean power for every duration, and from which record up to which it was. `fatigue` asks for what came after work had been done.
    """
    activity = await activities.get(tx, activity_id)
    curve = await _power(tx, activity, query.fatigue or "", "watts")
    if ext == ".csv":
        return curve_shapes.table("secs", curve.secs, {"watts": curve.values})
    return Stored(curve_shapes.encoded(curve))


@icu.operation("GET", "/activity/{activity_id}/power-curves", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def list_activity_power_curves_1(
    tx: Read, activity_id: str, query: PowerCurvesQuery, ext: str
) -> Stored[list[PowerCurve]] | Csv:
    """Show several power curves of an activity

    One for each stream in `types`, and for power one more for each of `fatigue`.
    """
    activity = await activities.get(tx, activity_id)
    found = []
    for type_ in dict.fromkeys(query.types or ["watts"]):
        found.append(await _power(tx, activity, "", type_))
        if type_ in _POWER_NAMES:
            found += [await _power(tx, activity, each, type_) for each in dict.fromkeys(query.fatigue)]
    if ext == ".csv":
        secs = max((each.secs for each in found), key=len)
        return curve_shapes.table("secs", secs, {each.id: each.values for each in found})
    return Stored(curve_shapes.encoded(found))


@icu.operation("GET", "/activity/{activity_id}/hr-curve", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def get_activity_hr_curve(tx: Read, activity_id: str, ext: str) -> Stored[HRCurve] | Csv:
    """Show the heart-rate curve of an activity

    The highest mean heart rate for every duration, and from which record up to which it was.
    """
    activity = await activities.get(tx, activity_id)
    one = await activity_curves.get(tx, activity.id, activity_curves.HR)
    curve = HRCurve(secs=_NONE if one is None else curve_shapes.whole(one.grid), **_of(activity, one))
    if ext == ".csv":
        return curve_shapes.table("secs", curve.secs, {"bpm": curve.values})
    return Stored(curve_shapes.encoded(curve))


@icu.operation("GET", "/activity/{activity_id}/pace-curve", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def get_activity_pace_curve(
    tx: Read, activity_id: str, query: PaceCurveQuery, ext: str
) -> Stored[PaceCurve] | Csv:
    """Show the pace curve of an activity

    The least seconds for every distance in metres, and from which record up to which it was. `gap` asks for gradient-adjusted pace, which
    runs have.
    """
    activity = await activities.get(tx, activity_id)
    kind = activity_curves.GAP_PACE if query.gap else activity_curves.PACE
    one = await activity_curves.get(tx, activity.id, kind)
    curve = PaceCurve(
        distance=np.empty(0) if one is None else one.grid,
        type="GAP" if query.gap else "PACE",
        pace_models=[] if one is None else curve_shapes.pace_models(one.grid, one.values),
        **_of(activity, one),
    )
    if ext == ".csv":
        return curve_shapes.table("distance", curve.distance, {"secs": curve.values})
    return Stored(curve_shapes.encoded(curve))


async def _power(tx: Read, activity: Whole, fatigue: str, type_: str) -> PowerCurve:
    """The curve of a stream of power, as stored or else made now. Raises NoSuchType."""
    after_kj = None
    if type_ in _POWER_NAMES:
        one = await activity_curves.get(tx, activity.id, FATIGUE_KINDS.get(fatigue, activity_curves.POWER))
        if fatigue:
            values = await sport_settings.on(tx, activity.type, activity.measured_on or activity.local_start[:10])
            after_kj = values.after_kj0 if fatigue == "kj0" else values.after_kj1
    else:
        one = await _made(tx, activity, type_)
    shared = _of(activity, one)
    weight = shared["weight"]
    return PowerCurve(
        **shared | {"id": "-".join(filter(None, (activity.id, type_ if type_ != "watts" else "", fatigue)))},
        secs=_NONE if one is None else curve_shapes.whole(one.grid),
        watts=shared["values"],
        watts_per_kg=curve_shapes.per_kg(one.values / weight) if one is not None and weight else None,
        after_kj=after_kj,
        stream_name=type_,
        stream_type=type_,
        power_models=[] if one is None else await asyncio.to_thread(curve_shapes.models_of, one.grid, one.values, None),
    )


async def _made(tx: Read, activity: Whole, type_: str) -> One | None:
    """The curve of any other stream, nothing counting as 0."""
    laid = await activity_layouts.get(tx, activity.id, [type_])
    stream = laid.channels.get(type_)
    if laid.recording is None or stream is None or stream.ndim > 1:
        return None
    layout = laid.recording.layout
    made = await asyncio.to_thread(lambda: curves.mean_max(layout.fill(stream, 0.0), layout))
    return One(made.durations_s.astype(np.float64), made.values, made.start_index, made.end_index)


def _of(activity: Whole, one: One | None) -> dict[str, Any]:
    """What every curve of an activity says."""
    known = msgspec.json.decode(activity.served, type=_Known)
    return {
        "id": activity.id,
        "label": activity.name,
        "start_date_local": activity.local_start,
        "end_date_local": activity.local_start,
        "days": 1,
        "moving_time": known.moving_time,
        "training_load": known.icu_training_load,
        "weight": known.icu_weight,
        "values": _NONE if one is None else curve_shapes.whole(one.values),
        "start_index": _NONE if one is None else one.start_index,
        "end_index": _NONE if one is None else one.end_index,
    }
