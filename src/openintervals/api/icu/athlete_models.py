"""Models, as the Intervals.icu API speaks of them: of an athlete's power, of the load of a heart rate, and of the heart's answer to power."""

from typing import Annotated, Any

import msgspec
from msgspec import field

from openintervals.api.http import Read
from openintervals.api.icu import activity_filters, athlete_curves, curve_shapes, dialect
from openintervals.api.icu.activity_filters import Filters
from openintervals.api.icu.curve_shapes import PowerModel
from openintervals.api.icu.dialect import Day, Query, SportType, Wire, icu
from openintervals.training import activities, athlete_models, athletes
from openintervals.training.sport_values import HrLoadType


class HRLoadModel(Wire, frozen=True, kw_only=True):
    """How a load by heart rate was reckoned, the load, and from how many activities of the athlete the way was learnt."""

    type: HrLoadType | None
    icu_training_load: int | None
    training_data_count: int = field(name="trainingDataCount")


class PowerHRCurve(Wire, frozen=True, kw_only=True):
    """Mean heart rate and cadence, and minutes, at each power from `minWatts` on in steps of `bucketSize`; null where there was none."""

    athlete_id: str = field(name="athleteId")
    start: str
    end: str
    min_watts: int | None = field(name="minWatts")
    max_watts: int | None = field(name="maxWatts")
    bucket_size: int = field(name="bucketSize")
    bpm: list[int | None]
    cadence: list[int | None]
    minutes: list[int]
    lthr: int | None
    max_hr: int | None
    ftp: int | None


class SportQuery(Query, frozen=True, kw_only=True):
    type: Annotated[SportType, msgspec.Meta(description="The sport, and with it all types its settings are for.")] = (
        "Ride"
    )


class PowerHRQuery(Query, frozen=True, kw_only=True):
    start: Annotated[Day, msgspec.Meta(description="The first local day or time.")]
    end: Annotated[Day, msgspec.Meta(description="The last local day or time, inclusive; without it today.")] | None = (
        None
    )
    type: Annotated[
        SportType, msgspec.Meta(description="The sport, and with it all types its settings are for; not looked at when filters name types.")
    ] = "Ride"  # fmt: skip
    filters: Filters | None = None


class _Load(msgspec.Struct, frozen=True):
    hr_load: int | None = None
    hr_load_type: Any = None


@icu.operation("GET", "/athlete/{athlete_id}/mmp-model", scope="ACTIVITY:READ", tag="Activities")
async def get_athlete_mmp_model(tx: Read, query: SportQuery) -> PowerModel:
    """Show the model of the athlete's power

    Morton's of three parameters, fitted to the best of the last year; what the sport's settings say where there is too little to fit it to.
    """
    day = athletes.today(await athletes.current(tx), tx)
    return curve_shapes.power_model(await athlete_models.power(tx, query.type, day))


@icu.operation("GET", "/activity/{activity_id}/power-spike-model", scope="ACTIVITY:READ", tag="Activities")
async def get_activity_power_spike_model(tx: Read, activity_id: str) -> PowerModel:
    """Show the model that an activity's power was held against

    Of the FTP, W′ and Pmax that it was measured by: what is `icu_power_spike_threshold` percent beyond it is a spike. Empty while one of them is
    not set, when nothing is a spike.
    """
    return curve_shapes.power_model(await athlete_models.of_spikes(tx, activity_id))


@icu.operation("GET", "/activity/{activity_id}/hr-load-model", scope="ACTIVITY:READ", tag="Activities")
async def get_hr_training_load_model(tx: Read, activity_id: str) -> HRLoadModel:
    """Show how the load by heart rate was reckoned

    `type` is the way that was taken: the one in the sport's settings, or the next that what is known allows. Null without a heart rate.
    """
    known = msgspec.json.decode(await activities.shown(tx, activity_id), type=_Load)
    return HRLoadModel(type=known.hr_load_type, icu_training_load=known.hr_load, training_data_count=0)


@icu.operation("GET", "/athlete/{athlete_id}/power-hr-curve", scope="ACTIVITY:READ", tag="Activities")
async def get_power_hr_curve(tx: Read, query: PowerHRQuery) -> PowerHRCurve:
    """Show how the athlete's heart answers to power

    The mean heart rate at each power over the activities between two days, the newest thousand of them at most.
    """
    dialect.refuse_no_day(query.start, "start")
    athlete = await athletes.current(tx)
    end = query.end or athletes.today(athlete, tx)
    dialect.refuse_no_day(end, "end")
    wanted = activity_filters.read(query.filters)
    types = await athlete_curves.types_of(tx, query.type, wanted) or []
    passing = await wanted.passing(tx, query.start, end)
    found = await athlete_models.power_hr(tx, query.type, query.start, end, types, passing)
    size, buckets, values = athlete_models.POWER_HR_SIZE_W, found.buckets, found.settings
    return PowerHRCurve(
        athlete_id=athlete.id,
        start=query.start,
        end=end,
        min_watts=round(buckets[0].start) if buckets else None,
        max_watts=round(buckets[-1].start) + size if buckets else None,
        bucket_size=size,
        bpm=[None if each.hr_bpm is None else round(each.hr_bpm) for each in buckets],
        cadence=[None if each.cadence_rpm is None else round(each.cadence_rpm) for each in buckets],
        minutes=[round(each.seconds / 60) for each in buckets],
        lthr=values.lthr_bpm,
        max_hr=values.max_hr_bpm,
        ftp=values.ftp_w,
    )
