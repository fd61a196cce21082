"""Activities: what an athlete has done.    absent → there → deleted, which leaves a tombstone

An activity's id is `i` and digits, unique among all athletes (`activity_ids`), so that a path names it without its athlete: `reach` finds whose it
is and gives a transaction of that athlete, or says that there is no such activity, also to those who may not see it.
`computed` is what the program and analysis say, `edited` what people say, both by the names of the wire; `served` is edited over computed with
null for whatever neither says, kept as JSON so that to read or list activities is to copy bytes. The other columns are what lists and searches
look at, of what is served. A change raises `version` by one and is one entry of the journal, with what was served after it, less the nulls.
A file's activities are told apart by `sport_index`; the same file is there once. Whoever changes an activity locks its row first; uploads of one
athlete take turns at the athlete's row, so of two with the same file one finds the other's.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from openintervals import errors, instants
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Write
from openintervals.platform import journal
from openintervals.platform.api_keys import Caller
from openintervals.training import activity_fields, activity_ids, athletes, coaching

NEAR_MOST = 200
_LONGEST = timedelta(days=8)
_FIRST_AT = datetime.min.replace(tzinfo=UTC)
LAST_DAY = "9999-12-31T23:59:59"
T = TypeVar("T", bound=Read)

activities = schema.owned(
    "activities",
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("file_hash", schema.Text),
    sa.Column("file_type", schema.Text),
    sa.Column("sport_index", sa.BigInteger, nullable=False),
    sa.Column("external_id", schema.Text),
    sa.Column("source", schema.Text, nullable=False),
    sa.Column("start_at", schema.Text, nullable=False),
    sa.Column("end_at", schema.Text, nullable=False),
    sa.Column("local_start", schema.Text, nullable=False),
    sa.Column("timezone", schema.Text, nullable=False),
    sa.Column("type", schema.Text, nullable=False),
    sa.Column("name", schema.Text, nullable=False),
    sa.Column("tags", schema.Json, nullable=False),
    sa.Column("warnings", schema.Json, nullable=False),
    sa.Column("possible_duplicate_of", schema.Text),
    sa.Column("analysis_version", sa.BigInteger, nullable=False),
    sa.Column("measured_on", schema.Text),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("updated_at", schema.Text, nullable=False),
    sa.Column("analyzed_at", schema.Text),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("computed", schema.Json, nullable=False),
    sa.Column("edited", schema.Json, nullable=False),
    sa.Column("served", schema.Json, nullable=False),
    sa.Index("uq_activities_file", "athlete_id", "file_hash", "sport_index", unique=True),
    sa.Index("ix_activities_local_start", "athlete_id", "local_start", "id", "type"),
    sa.Index("ix_activities_start_at", "athlete_id", "start_at"),
    sa.Index("ix_activities_external_id", "athlete_id", "external_id"),
    sa.Index("ix_activities_updated_at", "athlete_id", "updated_at"),
)


class ActivityNotFound(errors.NotFound):
    code = "activity_not_found"

    def __init__(self, said: str) -> None:
        super().__init__(f"There is no activity {said[:40]!r}; it was deleted, or is somebody else's")


class Activity(msgspec.Struct, frozen=True):
    """An activity without what analysis found; instants are UTC, `local_start` is the time on the athlete's watch.

    It is measured by the settings of its own day, or of `measured_on` where somebody has asked for those."""

    id: str
    file_hash: str | None
    file_type: str | None
    sport_index: int
    external_id: str | None
    source: str
    start_at: str
    end_at: str
    local_start: str
    timezone: str
    type: str
    name: str
    tags: msgspec.Raw
    warnings: msgspec.Raw
    possible_duplicate_of: str | None
    analysis_version: int
    measured_on: str | None
    created_at: str
    updated_at: str
    analyzed_at: str | None
    version: int


class Whole(Activity, frozen=True):
    """An activity with everything that is said of it."""

    computed: msgspec.Raw
    edited: msgspec.Raw
    served: msgspec.Raw

    def of_analysis(self) -> dict[str, Any]:
        return _VALUES.decode(self.computed)

    def of_people(self) -> dict[str, Any]:
        return _VALUES.decode(self.edited)

    def values(self) -> dict[str, Any]:
        """What is served, nulls too."""
        return _VALUES.decode(self.served)


_VALUES = msgspec.json.Decoder(dict[str, Any])
_STATIC = tuple(name for name in Activity.__struct_fields__ if name != "id")
_JSON = ("tags", "warnings", "computed", "edited", "served")


def served(activity: Activity, athlete_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """What is served of an activity of which people and analysis have `said` this: without nulls."""
    own_fields: dict[str, Any] = {
        "id": activity.id,
        "icu_athlete_id": athlete_id,
        "start_date": activity.start_at[:19] + "Z",
        "start_date_local": activity.local_start,
        "timezone": activity.timezone,
        "type": activity.type,
        "name": activity.name,
        "source": activity.source,
        "external_id": activity.external_id,
        "file_type": activity.file_type,
        "file_sport_index": activity.sport_index if activity.file_hash else None,
        "created": _instant(activity.created_at),
        "updated": _instant(activity.updated_at),
        "icu_sync_date": _instant(activity.created_at),
        "analyzed": _instant(activity.analyzed_at),
        "possible_duplicate_of": activity.possible_duplicate_of,
        "warnings": activity.warnings if bytes(activity.warnings) != b"[]" else None,
    }
    return {name: value for name, value in {**said, **own_fields}.items() if value is not None}


def _instant(stored: str | None) -> str | None:
    return stored and stored[:-1] + "+00:00"


_NULLS = dict.fromkeys(activity_fields.FIELDS)


@statement
def _get(*, whole: bool, lock: bool) -> sa.Select[Any]:
    record = Whole if whole else Activity
    select = sa.select(*columns(record, activities)).where(own(activities), activities.c.id == sa.bindparam("id"))
    return select.with_for_update() if lock else select


@statement
def _owner() -> sa.Select[Any]:
    return activity_ids.whose(activities, "id")


@statement
def _served() -> sa.Select[Any]:
    return sa.select(activities.c.served).where(own(activities), activities.c.id == sa.bindparam("id"))


@statement
def _of_file() -> sa.Select[Any]:
    return (
        sa.select(activities.c.id, activities.c.sport_index)
        .where(own(activities), activities.c.file_hash == sa.bindparam("file_hash"))
        .order_by(activities.c.sport_index)
    )


@statement
def _of_external() -> sa.Select[Any]:
    c = activities.c
    return (
        sa.select(*columns(Whole, activities))
        .where(own(activities), c.external_id == sa.bindparam("external_id"), c.source == sa.bindparam("source"))
        .order_by(c.id)
    )


@statement
def _overlapping() -> sa.Select[Any]:
    c = activities.c
    near = (
        sa.select(c.id, c.start_at, c.end_at, c.file_hash)
        .where(own(activities), c.start_at < sa.bindparam("end_at"), c.start_at > sa.bindparam("earliest"))
        .order_by(c.start_at.desc())
        .limit(NEAR_MOST)
        .subquery()
    )
    return (
        sa.select(near.c.id)
        .where(
            near.c.end_at > sa.bindparam("start_at"),
            sa.func.coalesce(near.c.file_hash, "") != sa.bindparam("file_hash"),
            near.c.id != sa.bindparam("id"),
        )
        .order_by(near.c.start_at, near.c.id)
        .limit(1)
    )


@statement
def _insert() -> sa.Insert:
    return sa.insert(activities)


@statement
def _change() -> sa.Update:
    names = [name for name in Whole.__struct_fields__ if name not in ("id", "created_at", "source", "file_hash")]
    return (
        sa.update(activities)
        .where(own(activities), activities.c.id == sa.bindparam("activity_id"))
        .values({name: sa.bindparam(f"new_{name}", type_=activities.c[name].type) for name in names})
    )


@statement
def _delete() -> sa.Delete:
    return sa.delete(activities).where(own(activities), activities.c.id == sa.bindparam("id"))


def earliest(start_at: str) -> str:
    """When at the earliest an activity began that still goes on at `start_at`."""
    return instants.text(max(instants.parse(start_at), _FIRST_AT + _LONGEST) - _LONGEST)


def addressed(said: str) -> str:
    """The id of the activity that a path calls `said`: `i123` and `123` are the same."""
    return f"i{said}" if said.isascii() and said.isdigit() else said


async def reach(tx: T, caller: Caller, said: str) -> T:
    """The same transaction, of the athlete whose activity a path calls `said`. Raises ActivityNotFound, also for one out of reach."""
    owner = await tx.value(_owner(), activity=addressed(said))
    if owner is None:
        raise ActivityNotFound(said)
    if owner == tx.tenant.organization_id:
        return tx
    its = tx.as_tenant(athletes.tenant(owner))
    if owner != caller.organization_id and not await coaching.has(its, caller.organization_id):
        raise ActivityNotFound(said)
    return its


async def get(tx: Read, said: str) -> Whole:
    """An activity of the transaction's athlete. Raises ActivityNotFound."""
    found = await tx.one(Whole, _get(whole=True, lock=False), id=addressed(said))
    if found is None:
        raise ActivityNotFound(said)
    return found


async def lock(tx: Write, said: str) -> Whole:
    """An activity, which nobody else changes until the transaction ends. Raises ActivityNotFound."""
    found = await tx.one(Whole, _get(whole=True, lock=True), id=addressed(said))
    if found is None:
        raise ActivityNotFound(said)
    return found


async def shown(tx: Read, said: str) -> msgspec.Raw:
    """What is served of an activity, as JSON with nulls. Raises ActivityNotFound."""
    found: msgspec.Raw | None = await tx.value(_served(), id=addressed(said))
    if found is None:
        raise ActivityNotFound(said)
    return found


async def shown_of(tx: Read, said: Sequence[str]) -> list[msgspec.Raw]:
    """The same of several, in the order asked for; ids of no activity are skipped."""
    found = [await tx.value(_served(), id=addressed(each)) for each in dict.fromkeys(said)]
    return [each for each in found if each is not None]


async def of_file(tx: Read, file_hash: str) -> dict[int, str]:
    """The ids of the activities that are there of a file, by their place in it."""
    return {row[1]: row[0] for row in await tx.rows(_of_file(), file_hash=file_hash)}


async def of_external(tx: Read, external_id: str, source: str) -> list[Whole]:
    """The activities that some source knows by `external_id`, oldest first."""
    return await tx.all(Whole, _of_external(), external_id=external_id, source=source)


async def overlapping(tx: Read, activity: Activity) -> str | None:
    """The first other activity, not of the same file, that goes on while this one does, of the `NEAR_MOST` that began last before its end."""
    return await tx.value(  # type: ignore[no-any-return]  # the column is text
        _overlapping(),
        id=activity.id,
        start_at=activity.start_at,
        end_at=activity.end_at,
        earliest=earliest(activity.start_at),
        file_hash=activity.file_hash or "",
    )


async def insert(tx: Write, activity: Activity, computed: Mapping[str, Any], edited: Mapping[str, Any]) -> Whole:
    """Store a new activity, and write it down; it has another id where its own was given before. Raises Unavailable."""
    activity = msgspec.structs.replace(activity, id=await activity_ids.give(tx, activity.id))
    whole = _whole(tx, activity, computed, edited)
    await tx.put(_insert(), **_stored(whole))
    await _tell(tx, "activity.created", whole, None)
    return whole


async def change(
    tx: Write,
    before: Whole,
    after: Activity,
    computed: Mapping[str, Any],
    edited: Mapping[str, Any],
    also: Sequence[str] = (),
) -> Whole:
    """Store a locked activity as it has become, with a new version, and write it down; `also` names what else of it has changed.

    Nothing happens when nothing is different, whenever it was analysed."""
    unmoved = {name: getattr(before, name) for name in ("updated_at", "version", "analyzed_at")}
    bare = msgspec.structs.replace(_bare(after), **unmoved)
    if not also and bare == _bare(before) and computed == before.of_analysis() and edited == before.of_people():
        return before
    bare = msgspec.structs.replace(_bare(after), updated_at=tx.now_text, version=before.version + 1)
    whole = _whole(tx, bare, computed, edited)
    values = {f"new_{name}": value for name, value in _stored(whole).items()}
    for name in ("id", "created_at", "source", "file_hash"):
        del values[f"new_{name}"]
    await tx.put(_change(), activity_id=before.id, **values)
    await _tell(tx, "activity.updated", whole, before, also)
    return whole


async def delete(tx: Write, before: Whole) -> None:
    """Delete a locked activity's own row, and write it down."""
    await tx.put(_delete(), id=before.id)
    gone = msgspec.structs.replace(before, version=before.version + 1, updated_at=tx.now_text)
    await journal.record(tx, "activity.deleted", _bare(gone), _bare(before))


def _bare(activity: Activity) -> Activity:
    if type(activity) is Activity:
        return activity
    return Activity(activity.id, *(getattr(activity, name) for name in _STATIC))


def _whole(tx: Write, activity: Activity, computed: Mapping[str, Any], edited: Mapping[str, Any]) -> Whole:
    said = served(activity, tx.tenant.organization_id, activity_fields.shown(computed, edited))
    parts = (msgspec.Raw(msgspec.json.encode(each)) for each in (computed, edited, {**_NULLS, **said}))
    return Whole(activity.id, *(getattr(activity, name) for name in _STATIC), *parts)


def _stored(whole: Whole) -> dict[str, Any]:
    return msgspec.structs.asdict(whole) | {name: bytes(getattr(whole, name)).decode() for name in _JSON}


async def _tell(tx: Write, verb: str, after: Whole, before: Whole | None, also: Sequence[str] = ()) -> None:
    now, then = after.values(), before.values() if before is not None else {}
    told = {name: value for name, value in now.items() if value is not None}
    different = [name for name in now if now[name] != then.get(name) and name != "updated"] if before else []
    await journal.record(tx, verb, _bare(after), before and _bare(before), {"served": told}, [*different, *also])
