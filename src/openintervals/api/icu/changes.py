"""The changes feed, which the original has not: oldest first, walked with a cursor that every item and every answer has."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from openintervals.api import telemetry
from openintervals.api.exchange import Runtime
from openintervals.api.http import Read
from openintervals.api.icu import athletes as athlete_api
from openintervals.api.icu import dialect, sports
from openintervals.api.icu.dialect import Query, Wire, icu
from openintervals.db.transaction import Asking
from openintervals.platform import feeds
from openintervals.training import athletes, sport_settings
from openintervals.training.athletes import Athlete

View = Callable[[bytes, Athlete, str], Any]
"""A snapshot of the journal as a GET showed the object right after the change: of whose athlete, and on which day there."""


def _athlete(snapshot: bytes, athlete: Athlete, day: str) -> Any:
    return athlete_api.view(msgspec.json.decode(snapshot, type=athletes.Athlete))


def _sport_settings(snapshot: bytes, athlete: Athlete, day: str) -> Any:
    return sports.view(msgspec.json.decode(snapshot, type=sport_settings.SportSettings), athlete, day)


VIEWS: dict[str, View] = {"athlete": _athlete, "sport_settings": _sport_settings}
"""What the feed tells of, by type: whoever adds a type of object adds a line."""

Cursor = Annotated[str, msgspec.Meta(pattern=feeds.CURSOR, examples=[feeds.cursor(4711)])]
After = Annotated[
    str,
    msgspec.Meta(
        pattern=feeds.CURSOR,
        description="Answer what comes after this `cursor`, of an item or of an answer. Without it: from the beginning of what is kept.",
        extra={"message": "Invalid cursor: expected the cursor of an earlier answer"},
    ),
]


class Change(Wire, frozen=True, kw_only=True):
    """What happened to one object, and how the object was afterwards; after a deletion `object` is null."""

    cursor: Cursor
    type: str
    id: str
    version: int
    deleted: bool
    updated: dialect.InstantOut
    object: Any


class Changes(Wire, frozen=True, kw_only=True):
    """A part of the feed, and the place to go on from."""

    items: list[Change]
    has_more: bool
    cursor: Cursor


class ChangesQuery(Query, frozen=True, kw_only=True):
    after: After | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000, description="How many to answer at most.")] = 100

    @property
    def position(self) -> int:
        return 0 if self.after is None else feeds.position_of(self.after)


async def _number(runtime: Runtime, asking: Asking, query: ChangesQuery) -> None:
    await feeds.number(runtime.database, asking, after=query.position, limit=query.limit)


@icu.operation("GET", "/athlete/{athlete_id}/changes", scope="SETTINGS:READ", tag="Changes", before=_number)
async def list_changes(tx: Read, query: ChangesQuery) -> Changes:
    """Follow what changes

    Every change of the athlete's objects, in the order in which they took effect: oldest first, deletions included, each exactly once.
    To follow the feed, keep the last `cursor` and send it as `after` the next time; an answer has one also when nothing is in it. With
    `has_more` there may be more right away. This is not part of the original.
    """
    part = await feeds.follow(tx, feeds.Asked(tuple(VIEWS), ()), after=query.position, limit=query.limit)
    athlete = await athletes.current(tx)
    return Changes(
        items=[_told(change, athlete) for change in part.changes],
        has_more=part.has_more,
        cursor=feeds.cursor(part.position),
    )


def _told(change: feeds.Change, athlete: Athlete) -> Change:
    deleted = change.verb.endswith(".deleted")
    return Change(
        cursor=feeds.cursor(change.position),
        type=change.object_type,
        id=change.object_id,
        version=change.object_version,
        deleted=deleted,
        updated=dialect.instant(change.at),
        object=None if deleted else _shown(change, athlete),
    )


def _shown(change: feeds.Change, athlete: Athlete) -> Any:
    try:
        return VIEWS[change.object_type](bytes(change.snapshot), athlete, change.at[:10])
    except (msgspec.MsgspecError, ValueError) as problem:
        # What an earlier version of this program stored may be more than this one reads; the feed goes on.
        telemetry.log.warning("unreadable snapshot", object=change.object_id, exception=type(problem).__name__)
        return None
