"""Tombstones: what is left of an activity that was deleted, so that it does not come back by itself.    absent → there → forgotten

A tombstone knows the file the activity was in and its place there, and the id by which another program knew it. What comes from a program or an
import is refused or passed over where a tombstone lies; the athlete who uploads the file again means it, and the tombstone is forgotten.
It lies under the activity's old id. Laying and forgetting happen under the lock of the athlete's row, as uploading does.
"""

from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Write
from openintervals.platform.api_keys import Caller
from openintervals.training import activity_ids, athletes, coaching
from openintervals.training.activities import Activity, addressed

T = TypeVar("T", bound=Read)

tombstones = schema.owned(
    "tombstones",
    sa.Column("activity_id", schema.Text, nullable=False),
    sa.Column("file_hash", schema.Text),
    sa.Column("sport_index", sa.BigInteger, nullable=False),
    sa.Column("external_id", schema.Text),
    sa.Column("source", schema.Text, nullable=False),
    sa.Column("deleted_at", schema.Text, nullable=False),
    sa.Index("ix_tombstones_file_hash", "athlete_id", "file_hash"),
    sa.Index("ix_tombstones_external_id", "athlete_id", "external_id"),
    key=("activity_id",),
)


class Tombstone(msgspec.Struct, frozen=True):
    activity_id: str
    file_hash: str | None
    sport_index: int
    external_id: str | None
    source: str
    deleted_at: str


class TombstoneNotFound(errors.NotFound):
    code = "tombstone_not_found"


@statement
def _insert() -> sa.Insert:
    return sa.insert(tombstones)


@statement
def _of_file() -> sa.Select[Any]:
    c = tombstones.c
    return sa.select(*columns(Tombstone, tombstones)).where(own(tombstones), c.file_hash == sa.bindparam("file_hash"))


@statement
def _of_external() -> sa.Select[Any]:
    c = tombstones.c
    return sa.select(*columns(Tombstone, tombstones)).where(
        own(tombstones), c.external_id == sa.bindparam("external_id"), c.source == sa.bindparam("source")
    )


@statement
def _delete() -> sa.Delete:
    return sa.delete(tombstones).where(own(tombstones), tombstones.c.activity_id == sa.bindparam("id"))


@statement
def _owner() -> sa.Select[Any]:
    return activity_ids.whose(tombstones, "activity_id")


def _missing(said: str) -> str:
    return f"There is no tombstone of an activity {said[:40]!r}"


async def lay(tx: Write, activity: Activity) -> None:
    """Leave a tombstone where an activity was."""
    await tx.put(
        _insert(),
        activity_id=activity.id,
        file_hash=activity.file_hash,
        sport_index=activity.sport_index,
        external_id=activity.external_id,
        source=activity.source,
        deleted_at=tx.now_text,
    )


async def of_file(tx: Read, file_hash: str) -> dict[int, Tombstone]:
    """The tombstones of a file's activities, by their place in it."""
    return {each.sport_index: each for each in await tx.all(Tombstone, _of_file(), file_hash=file_hash)}


async def of_external(tx: Read, external_id: str, source: str) -> list[Tombstone]:
    """The tombstones of what some source knew by `external_id`."""
    return await tx.all(Tombstone, _of_external(), external_id=external_id, source=source)


async def reach(tx: T, caller: Caller, said: str) -> T:
    """The same transaction, of the athlete whose deleted activity a path calls `said`. Raises TombstoneNotFound, also for one out of reach."""
    owner = await tx.value(_owner(), activity=addressed(said))
    its = tx if owner in (None, tx.tenant.organization_id) else tx.as_tenant(athletes.tenant(owner))
    if owner is None or not (owner == caller.organization_id or await coaching.has(its, caller.organization_id)):
        raise TombstoneNotFound(_missing(said))
    return its


async def forget(tx: Write, said: str) -> None:
    """Take a tombstone away. Raises TombstoneNotFound."""
    if not await tx.execute(_delete(), id=addressed(said)):
        raise TombstoneNotFound(_missing(said))
