"""Originals: the files that activities are of, looked at by the operator.    referred to → orphan → forgotten

A file is kept once however many activities are of it. When the last of them is deleted its file becomes an orphan: it stays until the operator has
orphans forgotten, so that what was deleted by mistake can be uploaded from it. A tombstone knows the hash alone and needs no file.
An upload puts its file before its rows, so a young orphan may be about to become an original: only what has lain for a while is forgotten, and
not what was put again meanwhile. Files are listed before it is looked who refers to them; what comes between is then referred to, or not listed.
"""

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals.db import Database
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Asking, Read
from openintervals.platform.files import Files, Kept
from openintervals.training.activities import activities

LEAST_AGE = timedelta(days=1)


class Original(msgspec.Struct, frozen=True):
    """A file that is referred to, and by which activity."""

    file_hash: str
    athlete_id: str
    id: str


@statement
def _every() -> sa.Select[Any]:
    c = activities.c
    return sa.select(*columns(Original, activities)).where(c.file_hash.is_not(None)).order_by(c.athlete_id, c.id)


@statement
def _hashes() -> sa.Select[Any]:
    return sa.select(activities.c.file_hash).where(activities.c.file_hash.is_not(None)).distinct()


def orphans(kept: Iterable[Kept], referred: Collection[str], before: datetime) -> list[Kept]:
    """Those files that nothing refers to and that were put before a moment, oldest first."""
    found = [each for each in kept if each.hashed not in referred and each.since < before]
    return sorted(found, key=lambda each: (each.since, each.hashed))


async def every(tx: Read) -> list[Original]:
    """All files that activities of all athletes are of, once for each activity."""
    return await tx.all(Original, _every())


async def orphaned(database: Database, asking: Asking, files: Files, *, least_age: timedelta = LEAST_AGE) -> list[Kept]:
    """The files that no activity is of and that have lain for `least_age`, oldest first. Raises FilesUnavailable."""
    kept = await asyncio.to_thread(lambda: list(files.every()))
    referred = {row[0] for row in await database.read(asking, lambda tx: tx.rows(_hashes()), snapshot=False)}
    return orphans(kept, referred, asking.now - least_age)


async def forget_orphans(
    database: Database, asking: Asking, files: Files, *, least_age: timedelta = LEAST_AGE
) -> list[Kept]:
    """Delete those files; gives those that are gone. Raises FilesUnavailable."""
    with files.still(alone=True):
        found = await orphaned(database, asking, files, least_age=least_age)
        return await asyncio.to_thread(lambda: [each for each in found if files.forget_now(each)])
