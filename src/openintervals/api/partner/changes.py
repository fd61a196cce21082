"""The changes feed, as the partner API speaks of it: oldest first, walked with a cursor that every item and every answer has."""

import re
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec

from openintervals.api import telemetry
from openintervals.api.exchange import Runtime
from openintervals.api.http import Caller, Page, Read
from openintervals.api.openapi_schemas import COMPONENTS, NULL
from openintervals.api.partner import change_types, dialect, payloads
from openintervals.api.partner.dialect import partner
from openintervals.api.rules import Rule, Rules
from openintervals.db.transaction import Asking
from openintervals.platform import feeds, ids

T = TypeVar("T")

_TYPE = "|".join(re.escape(name) for name in (*change_types.CATALOGUE, *change_types.PATTERNS))

Cursor = Annotated[str, msgspec.Meta(pattern=feeds.CURSOR, examples=[feeds.cursor(4711)])]
After = Annotated[
    str,
    msgspec.Meta(
        pattern=feeds.CURSOR,
        description="Answer what comes after this `cursor`, of an item or of an answer. Without it: from the beginning of what is kept.",
        extra={"message": "Invalid cursor: expected the cursor of an earlier answer"},
    ),
]
Types = Annotated[
    str,
    msgspec.Meta(
        max_length=2_000,
        description="Only changes of these types, separated by commas: names, all types of an object such as `registration.*`, or `*`.",
        examples=["run.*,registration.confirmed"],
        extra_json_schema={"pattern": f"^({_TYPE})(,({_TYPE}))*$"},
    ),
]
_OBJECT = {
    "description": "As a GET showed it right after the change. Null after a deletion; after another change only where the server cannot "
    "read what an earlier version of it stored.",
    "anyOf": [*({"$ref": COMPONENTS + view.__name__} for view in payloads.VIEWS.values()), NULL],
}


class Change(msgspec.Struct, frozen=True, rename="camel"):
    """What happened to one object, and how the object was afterwards."""

    cursor: Cursor
    type: change_types.Told
    object_type: change_types.ObjectType
    object_id: Annotated[str, msgspec.Meta(examples=[ids.EVENT + "01k9x0q5zr4t8m2c6h0w"])]
    object_version: Annotated[int, msgspec.Meta(ge=1, description="Grows by one with each change of the object.")]
    occurred_at: dialect.InstantOut
    changes: Annotated[
        list[str],
        msgspec.Meta(description="The fields that changed; none for what was created or deleted.", examples=[[]]),
    ]
    object: Annotated[Any, msgspec.Meta(extra_json_schema=_OBJECT)]


class Feed(Page[T], Generic[T], frozen=True, rename="camel"):
    """A page with the place to go on from, also when there is nothing in it."""

    cursor: Cursor


def _unknown(types: str | None) -> dict[str, list[str]]:
    problems = [] if types is None else change_types.problems(types.split(","))
    return {"types": problems} if problems else {}


class ChangesQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rules: ClassVar[Rules] = (Rule(("types",), _unknown),)

    limit: dialect.Limit = 50
    after: After | None = None
    types: Types | None = None

    @property
    def names(self) -> list[str]:
        return [] if self.types is None else self.types.split(",")

    @property
    def position(self) -> int:
        return 0 if self.after is None else feeds.position_of(self.after)


async def _number(runtime: Runtime, asking: Asking, query: ChangesQuery) -> None:
    await feeds.number(runtime.database, asking, after=query.position, limit=query.limit)


@partner.operation("GET", "/changes", scope="read:changes", tag="Changes", before=_number)
async def list_changes(tx: Read, query: ChangesQuery, caller: Caller) -> Feed[Change]:
    """Follow what changes

    Every change of the organization's events, runs, registrations, recurrences, groups and webhooks, as far as the key may
    read them, in the order in which they took effect: oldest first, deletions included, each exactly once.

    To follow the feed, keep the last `cursor` and send it as `after` the next time; an answer has one also when nothing is in
    it. With `hasMore` there may be more right away, even when the answer is empty: a filter looks through a part of the feed
    at a time. Changes are kept for 30 days at least. A cursor that is ahead of the feed, as after the operator restored a
    backup, is refused: begin anew without one.

    A change of several types, such as a promotion, which is an update too, is shown once: under its own type, or under the
    first of the others that was asked for.
    """
    asked = feeds.asked(query.names, caller.scopes)
    part = await feeds.follow(tx, asked, after=query.position, limit=query.limit)
    return Feed([_view(change, asked) for change in part.changes], part.has_more, feeds.cursor(part.position))


def _view(change: feeds.Change, asked: feeds.Asked) -> Change:
    return Change(
        cursor=feeds.cursor(change.position),
        type=asked.type_of(change),
        object_type=change.object_type,
        object_id=change.object_id,
        object_version=change.object_version,
        occurred_at=change.at,
        changes=payloads.changes_of(change.object_type, change.verb, change.changed),
        object=None if change.verb.endswith(".deleted") else _object(change),
    )


def _object(change: feeds.Change) -> msgspec.Struct | None:
    """The object; None also where it cannot be made, so that one bad entry stops nobody who follows the feed."""
    try:
        return payloads.object_of(change.object_type, change.snapshot)
    except payloads.Unreadable as problem:
        telemetry.log.warning("a change is told without its object", object_id=change.object_id, why=str(problem))
        return None
