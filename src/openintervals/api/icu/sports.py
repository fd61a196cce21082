"""Sport settings, as the Intervals.icu API speaks of them: thresholds, zones and wishes for a group of sports, found by id or by a sport's name.

What counts today is shown. A change counts from today, or from the additive `valid_from`; what is set for the first time counts from the beginning.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType, field

from openintervals import errors
from openintervals.analysis import sports as kinds
from openintervals.analysis.curves import DISTANCES_M
from openintervals.api.http import Read, Write
from openintervals.api.icu import dialect
from openintervals.api.icu.dialect import Nothing, Query, SportType, Wire, WireIn, icu
from openintervals.training import athletes, sport_activities, sport_settings, sport_values
from openintervals.training.sport_values import GapModel, HrLoadType, Order, PaceLoadType

PaceUnits = Literal["SECS_100M", "SECS_100Y", "MINS_KM", "MINS_MILE", "SECS_500M", "SECS_400M", "SECS_250M", "NONE"]
ValidFrom = Annotated[
    dialect.Day, msgspec.Meta(description="The day from which on the change counts; without it today. Additive.")
]


class SportValues(Wire, frozen=True, kw_only=True):
    """Thresholds and zones. Power in W and percent of FTP, heart rate in bpm, pace in m/s and percent of the threshold."""

    ftp_w: int | None = field(default=None, name="ftp")
    indoor_ftp_w: int | None = field(default=None, name="indoor_ftp")
    w_prime_j: int | None = field(default=None, name="w_prime")
    p_max_w: int | None = field(default=None, name="p_max")
    power_zones_percent: list[int] | None = field(default=None, name="power_zones")
    sweet_spot_min_percent: int | None = field(default=None, name="sweet_spot_min")
    sweet_spot_max_percent: int | None = field(default=None, name="sweet_spot_max")
    lthr_bpm: int | None = field(default=None, name="lthr")
    max_hr_bpm: int | None = field(default=None, name="max_hr")
    hr_zones_bpm: list[int] | None = field(default=None, name="hr_zones")
    threshold_speed_mps: float | None = field(default=None, name="threshold_pace")
    pace_zones_percent: list[float] | None = field(default=None, name="pace_zones")
    load_order: Order | None = None
    tiz_order: Order | None = None
    hr_load_type: HrLoadType | None = None
    pace_load_type: PaceLoadType | None = None
    gap_model: GapModel | None = None
    warmup_s: int | None = field(default=None, name="warmup_time")
    cooldown_s: int | None = field(default=None, name="cooldown_time")
    after_kj0: int | None = None
    after_kj1: int | None = None
    ftp_est_least_s: int | None = field(default=None, name="ftp_est_min_secs")
    hrr_least_percent: float | None = field(default=None, name="hrrc_min_percent")
    use_laps: bool | None = field(default=None, name="use_laps_for_power_intervals")
    power_spike_percent: int | None = field(default=None, name="power_spike_threshold")


class SportWishes(SportValues, frozen=True, kw_only=True):
    """What people set of a sport and no rule looks at."""

    power_zone_names: list[dialect.Line] | None = None
    hr_zone_names: list[dialect.Line] | None = None
    pace_zone_names: list[dialect.Line] | None = None
    pace_units: PaceUnits | None = None
    pace_curve_start: float | None = None
    best_effort_distances: list[float] | None = None
    workout_order: Order | None = None
    interval_display: Order | None = None
    default_workout_time: dialect.Line | None = None
    default_gear_id: dialect.Line | None = None
    default_indoor_gear_id: dialect.Line | None = None
    elevation_correction: Literal["NO", "AUTO", "YES"] | None = None
    power_field: dialect.Line | None = None
    show_pauses: int | None = None
    calendar_tile_activity_panel_id: int | None = None
    activity_field_ids: list[int] | None = None
    custom_field_ids: list[int] | None = None
    custom_zones_ids: list[int] | None = None
    custom_field_values: dict[str, Any] | None = None
    activity_charts: dict[str, Any] | None = None
    display: dict[str, Any] | None = None
    extract_workouts: bool = False
    ignore_velocity: bool = False
    keep_all_laps_for_power_intervals: bool = False
    power_intervals_start_locked: bool = False
    update_activity_name_from_workout: bool = False
    use_distance_for_intervals: bool = False
    use_gap_zone_times: bool = False


WISHES = tuple(name for name in SportWishes.__struct_fields__ if name not in SportValues.__struct_fields__)


class SportSettings(SportWishes, frozen=True, kw_only=True):
    """Settings for a group of sports, as they count today."""

    id: int
    athlete_id: str
    types: list[SportType]
    other: bool
    created: dialect.InstantOut
    updated: dialect.InstantOut
    valid_from: Annotated[
        dialect.DayOut | None, msgspec.Meta(description="Since when they have been so; null for always. Additive.")
    ]
    eftp_supported: bool = field(name="iseFTPSupported")
    mmp_model: dict[str, Any] | None = None


class ActivityMini(Wire, frozen=True, kw_only=True):
    """An activity in a few words."""

    id: str
    name: str | None
    start_date_local: str
    type: SportType


class PaceDistances(Wire, frozen=True, kw_only=True):
    """Distances in metres: all that curves have, and those shown unless others are chosen."""

    distances: list[float]
    defaults: list[float]


if TYPE_CHECKING:

    class SportUpdate(WireIn, frozen=True, kw_only=True):
        """What may be changed of sport settings."""

        id: int | str | UnsetType = UNSET
else:

    class _Update(Wire, frozen=True, kw_only=True):
        id: int | str
        types: list[SportType]
        other: bool
        valid_from: ValidFrom
        recalc_hr_zones: bool

    SportUpdate = dialect.update_of("SportSettingsUpdate", SportWishes, _Update)


class ChangeQuery(Query, frozen=True, kw_only=True):
    recalc_hr_zones: Annotated[
        bool, msgspec.Meta(description="Make the heart-rate zones anew from threshold and maximum.")
    ] = field(default=False, name="recalcHrZones")
    valid_from: ValidFrom | None = None


@icu.operation("GET", "/athlete/{athlete_id}/sport-settings", scope="SETTINGS:READ", tag="Sports")
async def list_sport_settings(tx: Read) -> list[SportSettings]:
    """List sport settings"""
    athlete = await athletes.current(tx)
    today = athletes.today(athlete, tx)
    return [view(each, athlete, today) for each in await sport_settings.every(tx)]


@icu.operation("POST", "/athlete/{athlete_id}/sport-settings", scope="SETTINGS:WRITE", tag="Sports")
async def create_sport_settings(tx: Write, body: SportUpdate) -> SportSettings:
    """Create sport settings

    For the types of activity in `types`, none of which has settings yet. What is not sent gets the usual values; all of them count from the
    beginning.
    """
    values, wishes, rest = _sorted(body)
    made = await sport_settings.create(
        tx, types=rest.get("types") or [], given=values, preferences=wishes, other=rest.get("other") or False
    )
    return await _shown(tx, made)


@icu.operation("PUT", "/athlete/{athlete_id}/sport-settings", scope="SETTINGS:WRITE", tag="Sports")
async def update_sport_settings_multi(tx: Write, query: ChangeQuery, body: list[SportUpdate]) -> list[SportSettings]:
    """Change several sport settings

    Each names its `id`; all are changed, or none.
    """
    wrong: dict[str, list[str]] = {}
    if len(body) > sport_settings.SETTINGS_MOST:
        wrong["body"] = [f"Expected at most {sport_settings.SETTINGS_MOST} sport settings"]
    elif any(each.id is UNSET or each.id is None for each in body):
        wrong["id"] = ["Expected the id of the sport settings, or a type they cover such as Ride, in each of them"]
    if wrong:
        raise errors.Invalid("Invalid request body", wrong)
    return [await _change(tx, str(each.id), query, each) for each in body]


@icu.operation("GET", "/athlete/{athlete_id}/sport-settings/{settings_id}", scope="SETTINGS:READ", tag="Sports")
async def get_sport_settings(tx: Read, settings_id: str) -> SportSettings:
    """Retrieve sport settings

    By their id, or by the name of a sport they are for, such as `Ride`.
    """
    return await _shown(tx, await sport_settings.get(tx, settings_id))


@icu.operation("PUT", "/athlete/{athlete_id}/sport-settings/{settings_id}", scope="SETTINGS:WRITE", tag="Sports")
async def update_sport_settings(tx: Write, settings_id: str, query: ChangeQuery, body: SportUpdate) -> SportSettings:
    """Change sport settings

    Only what is sent changes, from today on or from `valid_from`; activities keep what they were measured against until
    PUT /athlete/{athlete_id}/sport-settings/{settings_id}/apply. -1 clears a number, null anything that can be without a value.
    """
    return await _change(tx, settings_id, query, body)


@icu.operation("DELETE", "/athlete/{athlete_id}/sport-settings/{settings_id}", scope="SETTINGS:WRITE", tag="Sports")
async def delete_sport_settings(tx: Write, settings_id: str) -> Nothing:
    """Delete sport settings

    Activities keep what they were measured against.
    """
    await sport_settings.remove(tx, settings_id)
    return Nothing()


@icu.operation(
    "GET", "/athlete/{athlete_id}/sport-settings/{settings_id}/matching-activities", scope="SETTINGS:READ", tag="Sports"
)
async def list_matching_activities(tx: Read, settings_id: str) -> list[ActivityMini]:
    """List the activities that sport settings are for

    Newest first: those of the types they cover, and for settings for other types those that no settings cover.
    """
    found = await sport_activities.matching(tx, settings_id)
    return [
        ActivityMini(id=each.id, name=each.name, start_date_local=each.local_start, type=each.type)  # type: ignore[arg-type]  # stored as one of them
        for each in found
    ]


@icu.operation(
    "GET", "/athlete/{athlete_id}/sport-settings/{settings_id}/pace_distances", scope="SETTINGS:READ", tag="Sports"
)
async def list_pace_distances_for_sport(tx: Read, settings_id: str) -> PaceDistances:
    """List the distances of a sport's pace curves"""
    settings = await sport_settings.get(tx, settings_id)
    chosen = msgspec.json.decode(settings.preferences).get("best_effort_distances")
    return PaceDistances(distances=DISTANCES_M.tolist(), defaults=chosen or _usual_distances(settings.covered()))


@icu.operation("GET", "/pace_distances", scope=None, tag="Sports", snapshot=False)
async def list_pace_distances(tx: Read) -> PaceDistances:
    """List the distances of pace curves"""
    return PaceDistances(distances=DISTANCES_M.tolist(), defaults=_usual_distances(["Run"]))


def view(settings: sport_settings.SportSettings, athlete: athletes.Athlete, day: str) -> SportSettings:
    """Settings as they count on a day."""
    entries, covered = settings.entries(), settings.covered()
    kept: dict[str, Any] = msgspec.json.decode(settings.preferences)
    wishes: dict[str, Any] = {name: value for name, value in kept.items() if name in WISHES}
    return SportSettings(
        id=int(settings.id),
        athlete_id=athlete.id,
        types=covered,  # type: ignore[arg-type]  # what is stored was one of them when it was stored
        other=settings.other,
        created=dialect.instant(settings.created_at),
        updated=dialect.instant(settings.updated_at),
        valid_from=sport_values.since(entries, day),
        eftp_supported=not kinds.RIDES.isdisjoint(covered),
        **msgspec.structs.asdict(sport_values.in_force(entries, day)),
        **wishes,
    )


async def _shown(tx: Read, settings: sport_settings.SportSettings) -> SportSettings:
    athlete = await athletes.current(tx)
    return view(settings, athlete, athletes.today(athlete, tx))


async def _change(tx: Write, settings_id: str, query: ChangeQuery, body: SportUpdate) -> SportSettings:
    values, wishes, rest = _sorted(body)
    valid_from = rest.get("valid_from") or query.valid_from
    if valid_from:
        dialect.refuse_no_day(valid_from, "valid_from")
    changed = await sport_settings.change(
        tx,
        settings_id,
        given=values,
        preferences=wishes,
        types=rest.get("types"),
        other=rest.get("other"),
        valid_from=dialect.day_of(valid_from) if valid_from else None,
        new_hr_zones=query.recalc_hr_zones or bool(rest.get("recalc_hr_zones")),
    )
    return await _shown(tx, changed)


def _sorted(body: WireIn) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """What was sent: values, wishes, and the rest."""
    given = body.given()
    values = {name: given.pop(name) for name in SportValues.__struct_fields__ if name in given}
    wishes = {name: given.pop(name) for name in WISHES if name in given}
    return values, wishes, given


def _usual_distances(types: list[str]) -> list[float]:
    short = [50.0, 100.0, 200.0, 400.0, 800.0, 1500.0]
    long = [400.0, 1000.0, 1609.344, 5000.0, 10000.0, 21097.5, 42195.0]
    return short if not kinds.SWIMS.isdisjoint(types) else long
