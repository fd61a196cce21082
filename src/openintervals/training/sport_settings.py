"""Sport settings: what an athlete's thresholds, zones and wishes are for a group of sports.    absent → there → deleted

Each covers some types of activity, and a type is covered once; one of them may be for all `other` types. What analysis looks at is dated (see
`sport_values`), the rest are `preferences`, kept by the wire's names. Its id is a small number of the athlete's, as digits.
`on` gives what was in force for a type of activity on a day: of the settings that cover the type, else of those for other types, else
the usual ones.
When two change at once they take turns at the athlete's row, so that no type is covered twice.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.analysis import sports, thresholds
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Write
from openintervals.formats.sports import TYPES
from openintervals.platform import journal
from openintervals.training import athletes, sport_values
from openintervals.training.sport_values import BEGINNING, Dated, Values

SETTINGS_MOST = 100

sport_settings = schema.owned(
    "sport_settings",
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("types", schema.Json, nullable=False),
    sa.Column("other", schema.Flag, nullable=False),
    sa.Column("history", schema.Json, nullable=False),
    sa.Column("preferences", schema.Json, nullable=False),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("updated_at", schema.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)


class SportSettings(msgspec.Struct, frozen=True):
    id: str
    types: msgspec.Raw
    other: bool
    history: msgspec.Raw
    preferences: msgspec.Raw
    created_at: str
    updated_at: str
    version: int

    def covered(self) -> list[str]:
        """The types of activity these settings are for."""
        return _TYPES.decode(self.types)

    def entries(self) -> list[Dated]:
        return _HISTORY.decode(self.history)


_TYPES = msgspec.json.Decoder(list[str])
_HISTORY = msgspec.json.Decoder(list[Dated])

_USUAL = {
    "power_zones_percent": [int(bound) for bound in thresholds.POWER_ZONES_PERCENT],
    "pace_zones_percent": list(thresholds.PACE_ZONES_PERCENT),
    "sweet_spot_min_percent": 84,
    "sweet_spot_max_percent": 97,
    "load_order": "POWER_HR_PACE",
    "tiz_order": "POWER_HR_PACE",
    "hr_load_type": "HRSS",
    "gap_model": "NONE",
    "warmup_s": 1200,
    "cooldown_s": 600,
    "after_kj0": 1000,
    "after_kj1": 2000,
    "ftp_est_least_s": 300,
    "hrr_least_percent": 0.0,
    "use_laps": True,
}
FIRST = (
    ["Ride", "VirtualRide", "GravelRide", "MountainBikeRide", "TrackRide", "Cyclocross", "EBikeRide"],
    ["Run", "VirtualRun", "TrailRun"],
    ["Swim", "OpenWaterSwim"],
    ["Other"],
)
"""What a new athlete has settings for."""


def usual(types: Collection[str]) -> dict[str, Any]:
    """The values settings for these types begin with: no thresholds, the usual zones and ways of reckoning."""
    values = dict(_USUAL)
    if not sports.SWIMS.isdisjoint(types):
        values |= {"load_order": "PACE_HR_POWER", "tiz_order": "PACE_HR_POWER", "pace_load_type": "SWIM"}
    elif not sports.ON_FOOT.isdisjoint(types):
        ways = {"load_order": "POWER_PACE_HR", "tiz_order": "PACE_HR_POWER", "pace_load_type": "RUN"}
        values |= {**ways, "gap_model": "STRAVA_RUN"}
    return values


def usual_pace_units(types: Collection[str]) -> str | None:
    """How people of these sports say a pace."""
    if not sports.SWIMS.isdisjoint(types):
        return "SECS_100M"
    if not {"Rowing", "VirtualRow"}.isdisjoint(types):
        return "SECS_500M"
    return None if sports.ON_FOOT.isdisjoint(types) else "MINS_KM"


def problems(types: Sequence[str], *, other: bool, rest: Sequence[SportSettings]) -> dict[str, list[str]]:
    """What is wrong with settings for these types beside the `rest` there are; empty when nothing is."""
    unknown = [each for each in types if each not in TYPES]
    taken = {each: settings.id for settings in rest for each in settings.covered()}
    twice = [
        f"{each} is covered by sport settings {taken[each]}; take it out there first" for each in types if each in taken
    ]
    wrong: dict[str, list[str]] = {}
    if unknown:
        wrong["types"] = [f"{unknown[0][:40]!r} is no type of activity, such as Ride or Run"]
    elif twice or len(set(types)) < len(types):
        wrong["types"] = twice or ["A type stands here once"]
    elif not types and not other:
        wrong["types"] = ["Expected at least one type of activity"]
    if other and any(settings.other for settings in rest):
        wrong["other"] = ["There are settings for other types already"]
    return wrong


def chosen(every: Sequence[SportSettings], type_: str) -> SportSettings | None:
    """The settings for a type of activity: those that cover it, else those for other types."""
    covering = (settings for settings in every if type_ in settings.covered())
    others = (settings for settings in every if settings.other or "Other" in settings.covered())
    return next(covering, None) or next(others, None)


def types_of(settings: SportSettings, every: Sequence[SportSettings]) -> list[str]:
    """Every type of activity that settings are for, among all there are."""
    return [type_ for type_ in TYPES if (found := chosen(every, type_)) is not None and found.id == settings.id]


@statement
def _all() -> sa.Select[Any]:
    return (
        sa.select(*columns(SportSettings, sport_settings))
        .where(own(sport_settings))
        .order_by(sport_settings.c.created_at, sa.func.length(sport_settings.c.id), sport_settings.c.id)
    )


@statement
def _insert() -> sa.Insert:
    return sa.insert(sport_settings)


@statement
def _change() -> sa.Update:
    return (
        sa.update(sport_settings)
        .where(own(sport_settings), sport_settings.c.id == sa.bindparam("settings_id"))
        .values(
            version=sport_settings.c.version + 1,
            updated_at=sa.bindparam("at"),
            **{name: sa.bindparam(f"new_{name}") for name in ("types", "other", "history", "preferences")},
        )
        .returning(*columns(SportSettings, sport_settings))
    )


@statement
def _delete() -> sa.Delete:
    return sa.delete(sport_settings).where(own(sport_settings), sport_settings.c.id == sa.bindparam("settings_id"))


async def every(tx: Read) -> list[SportSettings]:
    """All sport settings of the athlete, oldest first."""
    return await tx.all(SportSettings, _all())


async def get(tx: Read, said: str) -> SportSettings:
    """The settings with an id, or for a type of activity by its name. Raises NotFound."""
    for settings in await every(tx):
        if said == settings.id or said in settings.covered():
            return settings
    raise errors.NotFound(
        f"No sport settings are called {said[:40]!r}: give their id, or a type they cover such as Ride"
    )


async def on(tx: Read, type_: str, day: str) -> Values:
    """What was in force for a type of activity on a day (YYYY-MM-DD)."""
    settings = chosen(await every(tx), type_)
    return Values(**usual([type_])) if settings is None else sport_values.in_force(settings.entries(), day)


async def create(
    tx: Write, *, types: list[str], given: Mapping[str, Any], preferences: Mapping[str, Any], other: bool = False
) -> SportSettings:
    """New settings with the usual values and the `given` ones, which count from the beginning. Raises Invalid, NotFound."""
    await athletes.lock(tx)
    rest = await every(tx)
    if len(rest) >= SETTINGS_MOST:
        raise errors.Invalid("There are too many sport settings", {"types": [f"At most {SETTINGS_MOST} are kept"]})
    first = [Dated(BEGINNING, usual(types))]
    values = sport_values.with_hr_zones(first, given, BEGINNING, again=False)
    history = sport_values.changed(first, values, today=BEGINNING, valid_from=BEGINNING)
    wrong = problems(types, other=other, rest=rest) | sport_values.problems(sport_values.in_force(history, BEGINNING))
    if wrong:
        raise errors.Invalid("The sport settings cannot be made", wrong)
    made = SportSettings(
        id=str(await athletes.number(tx)),
        types=_raw(types),
        other=other,
        history=_raw(history),
        preferences=_raw(athletes.kept_of({"pace_units": usual_pace_units(types), **preferences})),
        created_at=tx.now_text,
        updated_at=tx.now_text,
        version=1,
    )
    await tx.execute(_insert(), **msgspec.structs.asdict(made) | _stored(made))
    await journal.record(tx, "sport_settings.created", made)
    return made


async def create_first(tx: Write) -> None:
    """The settings a new athlete begins with."""
    for types in FIRST:
        await create(tx, types=types, given={}, preferences={}, other=types == ["Other"])


async def change(
    tx: Write,
    said: str,
    *,
    given: Mapping[str, Any],
    preferences: Mapping[str, Any],
    types: list[str] | None = None,
    other: bool | None = None,
    valid_from: str | None = None,
    new_hr_zones: bool = False,
) -> SportSettings:
    """Set values from `valid_from` on, or from today, and what is not dated; None clears. Raises NotFound, Invalid with every wrong field."""
    athlete = await athletes.lock(tx)
    before = await get(tx, said)
    today = athletes.today(athlete, tx)
    entries = before.entries()
    values = dict(given)
    if new_hr_zones or not {"lthr_bpm", "max_hr_bpm"}.isdisjoint(given):
        values = sport_values.with_hr_zones(entries, given, valid_from or today, again=new_hr_zones)
    history = sport_values.changed(entries, values, today=today, valid_from=valid_from)
    kept: dict[str, Any] = msgspec.json.decode(before.preferences)
    wanted = athletes.kept_of({**kept, **preferences})
    covered = before.covered() if types is None else types
    is_other = before.other if other is None else other
    rest = [each for each in await every(tx) if each.id != before.id]
    wrong = problems(covered, other=is_other, rest=rest)
    wrong |= sport_values.problems(sport_values.in_force(history, valid_from or today))
    if len(history) > sport_values.ENTRIES_MOST:
        wrong["valid_from"] = [f"At most {sport_values.ENTRIES_MOST} days with changes are kept"]
    if wrong:
        raise errors.Invalid("The sport settings cannot be changed", wrong)
    if (covered, is_other, history, wanted) == (before.covered(), before.other, entries, kept):
        return before
    wished = msgspec.structs.replace(
        before, types=_raw(covered), other=is_other, history=_raw(history), preferences=_raw(wanted)
    )
    new = {f"new_{name}": value for name, value in (_stored(wished) | {"other": is_other}).items()}
    after = await tx.need(SportSettings, _change(), settings_id=before.id, at=tx.now_text, **new)
    await journal.record(tx, "sport_settings.updated", after, before)
    return after


async def remove(tx: Write, said: str) -> SportSettings:
    """Delete settings; activities keep what they were measured against. Raises NotFound."""
    await athletes.lock(tx)
    before = await get(tx, said)
    await tx.execute(_delete(), settings_id=before.id)
    await journal.record(
        tx, "sport_settings.deleted", msgspec.structs.replace(before, version=before.version + 1), before
    )
    return before


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _stored(settings: SportSettings) -> dict[str, str]:
    """The columns that are JSON, as text."""
    stored = {name: bytes(getattr(settings, name)).decode() for name in ("types", "history")}
    return {**stored, "preferences": athletes.stored_preferences(msgspec.json.decode(settings.preferences))}
