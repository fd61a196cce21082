"""Athletes, as the Intervals.icu API speaks of them: oneself, whom one coaches, and the settings of either."""

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import field

from openintervals.api.http import Caller, Read, Write
from openintervals.api.icu import dialect, sports
from openintervals.api.icu.athlete_fields import WISHES, Account, Wishes
from openintervals.api.icu.dialect import Query, Wire, WireIn, icu
from openintervals.api.icu.sports import SportSettings
from openintervals.training import athletes, coaching, sport_settings


class Athlete(Account, frozen=True, kw_only=True):
    """An athlete with every setting."""

    id: str


class AthleteWithSports(Athlete, frozen=True, kw_only=True):
    """The same, with the sport settings."""

    sport_settings: list[SportSettings] = field(name="sportSettings")
    custom_items: list[Any] = field(default_factory=list)


class AthleteWithTags(Athlete, frozen=True, kw_only=True):
    """An athlete as a coach lists them."""

    icu_notes: str | None = None
    icu_tags: list[str] = field(default_factory=list)


class AthleteForProfile(Wire, frozen=True, kw_only=True):
    """What others see of an athlete."""

    id: str
    name: str
    email: str | None
    sex: str | None
    timezone: str
    bio: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    countries: list[str] | None = None
    languages: list[str] | None = None
    website: str | None = None
    profile_medium: str | None = None
    icu_coach: bool = False


class AthleteProfile(Wire, frozen=True, kw_only=True):
    """An athlete's profile, and what they share."""

    athlete: AthleteForProfile
    shared_folders: list[Any] = field(default_factory=list, name="sharedFolders")
    custom_items: list[Any] = field(default_factory=list, name="customItems")


class AthleteConnections(Wire, frozen=True, kw_only=True):
    """Which other services an athlete is linked with: with none, here."""

    id: str
    biketerra_connected: bool = False
    concept2_connected: bool = False
    coros_connected: bool = False
    dropbox_connected: bool = False
    garmin_health_connected: bool = False
    garmin_training_connected: bool = False
    hammerhead_connected: bool = False
    huawei_connected: bool = False
    mywhoosh_connected: bool = False
    oura_connected: bool = False
    polar_connected: bool = False
    rouvy_connected: bool = False
    strava_connected: bool = False
    suunto_connected: bool = False
    tp_virtual_connected: bool = False
    tymewear_connected: bool = False
    wahoo_connected: bool = False
    whoop_connected: bool = False
    zepp_connected: bool = False
    zwift_connected: bool = False


if TYPE_CHECKING:

    class AthleteUpdate(WireIn, frozen=True, kw_only=True):
        """What may be changed of an athlete."""
else:
    AthleteUpdate = dialect.update_of("AthleteUpdate", Wishes)

COLUMNS = ("name", "email", "sex", "born_on", "timezone", "resting_hr_bpm")
PROFILE = ("bio", "city", "state", "country", "countries", "languages", "website", "profile_medium")
dialect.WIRE_NAMES["weight_kg"] = "icu_weight"


class AthletesQuery(Query, frozen=True, kw_only=True):
    ext_id_prefix: str | None = None


@icu.operation("GET", "/athletes", scope="SETTINGS:READ", tag="Athletes")
async def list_athletes(tx: Read, query: AthletesQuery, caller: Caller) -> list[AthleteWithTags]:
    """List oneself and the athletes one coaches

    The key's own athlete comes first. With `ext_id_prefix` only athletes with such an external id; there are none with one yet.
    """
    if query.ext_id_prefix:
        return []
    ids = [caller.organization_id, *await coaching.of_coach(tx)]
    found = [await athletes.current(tx.as_tenant(athletes.tenant(athlete_id))) for athlete_id in ids]
    return [AthleteWithTags(**_fields(athlete)) for athlete in found]


@icu.operation("GET", "/athlete/{athlete_id}", scope="SETTINGS:READ", tag="Athletes")
async def get_athlete(tx: Read) -> AthleteWithSports:
    """Retrieve an athlete with the sport settings

    `0` is the athlete whose key it is.
    """
    athlete = await athletes.current(tx)
    settings = await sport_settings.every(tx)
    shown = [sports.view(each, athlete, athletes.today(athlete, tx)) for each in settings]
    return AthleteWithSports(sport_settings=shown, **_fields(athlete))


@icu.operation("PUT", "/athlete/{athlete_id}", scope="SETTINGS:WRITE", tag="Athletes")
async def update_athlete(tx: Write, body: AthleteUpdate) -> Athlete:
    """Change an athlete

    Only what is sent changes; -1 clears a number, an empty text or null anything that can be without a value.
    """
    given = body.given()
    columns = {name: given[name] for name in COLUMNS if name in given}
    if not {"weight", "icu_weight"}.isdisjoint(given):
        columns["weight_kg"] = given.get("icu_weight", given.get("weight"))
    if day := columns.get("born_on"):
        dialect.refuse_no_day(day, "born_on")
    preferences = {name: given[name] for name in WISHES if name in given}
    return Athlete(**_fields(await athletes.change(tx, columns, msgspec.to_builtins(preferences))))


@icu.operation("GET", "/athlete/{athlete_id}/profile", scope="SETTINGS:READ", tag="Athletes", snapshot=False)
async def get_athlete_profile(tx: Read) -> AthleteProfile:
    """Retrieve an athlete's profile"""
    athlete = await athletes.current(tx)
    kept: dict[str, Any] = msgspec.json.decode(athlete.preferences)
    told: dict[str, Any] = {name: kept.get(name) for name in PROFILE}
    return AthleteProfile(
        athlete=AthleteForProfile(
            id=athlete.id,
            name=athlete.name,
            email=athlete.email,
            sex=athlete.sex,
            timezone=athlete.timezone,
            **told,
        )
    )


@icu.operation("GET", "/athlete/{athlete_id}/settings/{device_class}", scope="SETTINGS:READ", tag="Athletes")
async def get_settings(tx: Read, device_class: str) -> dict[str, Any]:
    """Retrieve the settings of a kind of device

    What the original's own programs keep for `phone`, `tablet` or `desktop`. This server keeps nothing of the kind, so the object is empty.
    """
    await athletes.current(tx)
    return {}


@icu.operation("GET", "/athlete/{athlete_id}/connections", scope="SETTINGS:READ", tag="Athletes", snapshot=False)
async def get_athlete_connections(tx: Read) -> AthleteConnections:
    """Retrieve which other services an athlete is linked with"""
    return AthleteConnections(id=(await athletes.current(tx)).id)


def view(athlete: athletes.Athlete) -> Athlete:
    """An athlete as a GET shows them, without the sport settings."""
    return Athlete(**_fields(athlete))


def _fields(athlete: athletes.Athlete) -> dict[str, Any]:
    kept: dict[str, Any] = msgspec.json.decode(athlete.preferences)
    return {
        **{name: value for name, value in kept.items() if name in WISHES},
        **{name: getattr(athlete, name) for name in ("id", *COLUMNS)},
        "weight": athlete.weight_kg,
        "icu_weight": athlete.weight_kg,
        "icu_activated": dialect.instant(athlete.created_at),
        "status": "ACTIVE",
    }
