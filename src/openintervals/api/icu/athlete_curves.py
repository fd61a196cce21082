"""Curves over a season, as the Intervals.icu API speaks of them: the best of all activities of a time, and whose each value is.

`curves` names the times: `42d` or `1y` up to now, `s0` this season and `s1` the one before, `all`, `r.2026-01-01.2026-02-01` from a day to a day;
for power with `-kj0` or `-kj1` behind it, what came after work. A season is a calendar year. A time without activities has an empty curve.
`filters` pick activities; of power and pace, those of one kind of sport count unless filters say which. Filters in `f1`, `f2` and `f3` each give
every curve once more, of the activities that pass them too.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import field

from openintervals.api.http import Csv, Read, Stored
from openintervals.api.icu import activity_filters, curve_shapes, dialect
from openintervals.api.icu.activity_filters import Filters, Wanted
from openintervals.api.icu.curve_shapes import CurveActivity, HRCurve, ModelType, PaceCurve, PowerCurve
from openintervals.api.icu.dialect import Day, Line, Query, SportType, Wire, icu
from openintervals.training import activities, activity_curves, athletes, curve_periods, season_curves, sport_settings
from openintervals.training.curve_periods import Period
from openintervals.training.season_curves import OTHERS_MOST, Best, Season, Seasons

_KINDS = {None: activity_curves.POWER, 0: activity_curves.POWER_KJ0, 1: activity_curves.POWER_KJ1}
_CURVES = (
    f"The times to answer a curve for, joined by commas: {curve_periods.EXPECTED}. Without it {curve_periods.USUAL}."
)


class SeasonQuery(Query, frozen=True, kw_only=True):
    curves: Annotated[list[Line], msgspec.Meta(description=_CURVES, examples=[["42d", "1y"]])] = field(
        default_factory=list
    )
    now: (
        Annotated[
            Day, msgspec.Meta(description="The day that `42d` and the like end with; without it `newest`, else today.")
        ]
        | None
    ) = None
    newest: Annotated[Day, msgspec.Meta(description="Nothing after this local day or time counts.")] | None = None
    type: Annotated[
        SportType, msgspec.Meta(description="The sport, and with it all types its settings are for; not looked at when filters name types.")
    ] | None = None  # fmt: skip
    filters: Filters | None = None
    f1: Filters | None = None
    f2: Filters | None = None
    f3: Filters | None = None
    sub_max_efforts: Annotated[
        int,
        msgspec.Meta(ge=0, le=OTHERS_MOST, description="How many of the next best activities to tell at each place."),
    ] = field(default=0, name="subMaxEfforts")


class PowerSeasonQuery(SeasonQuery, frozen=True, kw_only=True):
    pm_type: Annotated[ModelType, msgspec.Meta(description="The one model to fit; without it all.")] | None = field(
        default=None, name="pmType"
    )
    include_ranks: Annotated[
        bool, msgspec.Meta(description="Whether to tell ranks, which are empty: this server compares nobody.")
    ] = field(default=False, name="includeRanks")


class PaceSeasonQuery(SeasonQuery, frozen=True, kw_only=True):
    gap: Annotated[bool, msgspec.Meta(description="By what each second would have been on the level.")] = False
    pm_type: Annotated[Literal["CS"], msgspec.Meta(description="The model to fit.")] | None = field(
        default=None, name="pmType"
    )
    include_ranks: Annotated[bool, msgspec.Meta(description="There are no ranks of pace.")] = field(
        default=False, name="includeRanks"
    )


class DataCurveSetPowerCurve(Wire, frozen=True, kw_only=True):
    """Curves in the order asked for, and the activities their values are of, by id."""

    list: list[PowerCurve]
    activities: dict[str, CurveActivity]


class DataCurveSetHRCurve(Wire, frozen=True, kw_only=True):
    """Curves in the order asked for, and the activities their values are of, by id."""

    list: list[HRCurve]
    activities: dict[str, CurveActivity]


class DataCurveSetPaceCurve(Wire, frozen=True, kw_only=True):
    """Curves in the order asked for, and the activities their values are of, by id."""

    list: list[PaceCurve]
    activities: dict[str, CurveActivity]


class Asked(NamedTuple):
    """What a query asks for: periods, types of activity, and sets of filters with the ids that pass each, None for all."""

    periods: list[Period]
    types: list[str] | None
    sets: Sequence[tuple[str, Wanted, Collection[str] | None]]
    day: str

    def each(self) -> list[tuple[Period, str, Wanted, Collection[str] | None]]:
        """Every curve to make."""
        return [(period, *chosen) for period in self.periods for chosen in self.sets]


@icu.operation("GET", "/athlete/{athlete_id}/power-curves", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def list_athlete_power_curves(
    tx: Read, query: PowerSeasonQuery, ext: str
) -> Stored[DataCurveSetPowerCurve] | Csv:
    """List the athlete's best power

    For each time in `curves` the best mean power for every duration among all activities, whose it is, and the models of power that it fits.
    Without `type` those of rides count. `includeRanks` gives empty ranks.
    """
    asked = await _asked(tx, query, "Ride", worked=True)
    seasons = Seasons(tx, asked.periods, asked.types)
    found, told = [], []
    weight = (await athletes.current(tx)).weight_kg
    values = await sport_settings.on(tx, query.type or "Ride", asked.day)
    for period, label, wanted, passing in asked.each():
        season = await seasons.of(
            _KINDS[period.after], period, others=query.sub_max_efforts, passing=passing, per_kg=True
        )
        told.append(season)
        best, heavy = season.best, season.per_kg
        common = _of(period, season, label, wanted, query.sub_max_efforts)
        models = await asyncio.to_thread(curve_shapes.models_of, season.grid, best.values, query.pm_type)
        if heavy is not None and len(heavy.values):
            common |= _by_weight(heavy, query.sub_max_efforts)
        found.append(
            PowerCurve(
                **common | {"weight": weight},
                secs=curve_shapes.whole(season.grid),
                watts=common["values"],
                after_kj=None if period.after is None else (values.after_kj0, values.after_kj1)[period.after],
                power_models=models,
                ranks={} if query.include_ranks else None,
            )
        )
    if ext == ".csv":
        secs = max((each.secs for each in found), key=len)
        return curve_shapes.table("secs", secs, {each.id: each.values for each in found})
    shown = await _activities(tx, told)
    return Stored(curve_shapes.encoded(DataCurveSetPowerCurve(list=found, activities=shown)))


@icu.operation("GET", "/athlete/{athlete_id}/hr-curves", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def list_athlete_hr_curves(tx: Read, query: SeasonQuery, ext: str) -> Stored[DataCurveSetHRCurve] | Csv:
    """List the athlete's highest heart rates

    For each time in `curves` the highest mean heart rate for every duration among all activities, and whose it is. Without `type` activities of
    all types count.
    """
    asked = await _asked(tx, query, None)
    seasons = Seasons(tx, asked.periods, asked.types)
    found, told = [], []
    for period, label, wanted, passing in asked.each():
        season = await seasons.of(activity_curves.HR, period, others=query.sub_max_efforts, passing=passing)
        told.append(season)
        common = _of(period, season, label, wanted, query.sub_max_efforts)
        found.append(HRCurve(**common, secs=curve_shapes.whole(season.grid)))
    if ext == ".csv":
        secs = max((each.secs for each in found), key=len)
        return curve_shapes.table("secs", secs, {each.id: each.values for each in found})
    shown = await _activities(tx, told)
    return Stored(curve_shapes.encoded(DataCurveSetHRCurve(list=found, activities=shown)))


@icu.operation("GET", "/athlete/{athlete_id}/pace-curves", scope="ACTIVITY:READ", tag="Activities", ext=True)
async def list_athlete_pace_curves(tx: Read, query: PaceSeasonQuery, ext: str) -> Stored[DataCurveSetPaceCurve] | Csv:
    """List the athlete's best paces

    For each time in `curves` the least seconds for every distance in metres among all activities, whose they are, and the critical speed that
    follows. Without `type` those of runs count.
    """
    asked = await _asked(tx, query, "Run")
    seasons = Seasons(tx, asked.periods, asked.types)
    kind = activity_curves.GAP_PACE if query.gap else activity_curves.PACE
    found, told = [], []
    for period, label, wanted, passing in asked.each():
        season = await seasons.of(kind, period, others=query.sub_max_efforts, passing=passing)
        told.append(season)
        found.append(
            PaceCurve(
                **_of(period, season, label, wanted, query.sub_max_efforts),
                distance=season.grid,
                type="GAP" if query.gap else "PACE",
                pace_models=curve_shapes.pace_models(season.grid, season.best.values),
            )
        )
    if ext == ".csv":
        way = max((each.distance for each in found), key=len)
        return curve_shapes.table("distance", way, {each.id: each.values for each in found})
    shown = await _activities(tx, told)
    return Stored(curve_shapes.encoded(DataCurveSetPaceCurve(list=found, activities=shown)))


async def _asked(tx: Read, query: SeasonQuery, usual: str | None, *, worked: bool = False) -> Asked:
    """What a query means for the athlete. Raises Invalid with what is wrong."""
    for name in ("now", "newest"):
        if (given := getattr(query, name)) is not None:
            dialect.refuse_no_day(given, name)
    today = athletes.today(await athletes.current(tx), tx)
    periods = curve_periods.asked(query.curves, today, now=query.now, newest=query.newest, worked=worked)
    wanted = activity_filters.read(query.filters)
    types = await types_of(tx, query.type or usual, wanted)
    oldest, newest = min(each.oldest for each in periods), max(each.newest for each in periods)
    sets = [("", wanted, await wanted.passing(tx, oldest, newest))]
    for name in ("f1", "f2", "f3"):
        if text := getattr(query, name):
            more = activity_filters.read(text, name)
            both = Wanted(more.types, [*wanted.rest, *more.everything()], [*wanted.written, *more.written])
            sets.append((name, both, await both.passing(tx, oldest, newest)))
    return Asked(periods, types, sets, (query.now or query.newest or today)[:10])


async def types_of(tx: Read, type_: str | None, wanted: Wanted) -> list[str] | None:
    """The types of activity that count: those that filters name, else those of a sport, else all."""
    if wanted.types is not None:
        return wanted.types
    return None if type_ is None else await season_curves.types_for(tx, type_)


def _of(period: Period, season: Season, label: str, wanted: Wanted, others: int) -> dict[str, Any]:
    """What every curve of a season says."""
    best = season.best
    return {
        "id": f"{period.id}-{label}" if label else period.id,
        "label": period.label,
        "filter_label": label or None,
        "filters": wanted.written or None,
        "start_date_local": f"{season.oldest}T00:00:00",
        "end_date_local": period.newest,
        "days": curve_periods.days(season.oldest, period.newest),
        "values": curve_shapes.whole(best.values),
        "activity_id": best.activity_id,
        "start_index": season.start_index,
        "end_index": season.end_index,
        "submax_values": [[round(each) for each in some] for some in best.others] if others else None,
        "submax_activity_id": best.others_id if others else None,
    }


def _by_weight(heavy: Best, others: int) -> dict[str, Any]:
    """What a curve says of watts per kilogram, where somebody's weight is known."""
    return {
        "watts_per_kg": curve_shapes.per_kg(heavy.values),
        "wkg_activity_id": heavy.activity_id,
        "submax_watts_per_kg": [[round(each, 3) for each in some] for some in heavy.others] if others else None,
        "submax_wkg_activity_id": heavy.others_id if others else None,
    }


async def _activities(tx: Read, seasons: Sequence[Season]) -> dict[str, CurveActivity]:
    """Every activity that some value is of."""
    ids = sorted(set().union(*(each.activity_ids() for each in seasons)))
    shown = await activities.shown_of(tx, ids)
    return {each.id: each for each in (msgspec.json.decode(raw, type=CurveActivity) for raw in shown)}
