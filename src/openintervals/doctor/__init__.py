"""The doctor: whether everything stored is as it should be, asked of a live database.

One snapshot, read-only: it disturbs nobody, and what it finds was wrong at one moment. Most of it is one statement for each
rule over all tenants; what SQL cannot say on both databases (JSON, folded e-mail addresses) is read in batches.

    tables.py     what the schema promises: keys, references, CHECKs, the form of ids, dates, instants and JSON
    people.py     what the club's rules promise: counts equal rows, the queue, nobody waiting beside a free place
    histories.py  what the journal promises: every object's history is whole and ends where the object is
    webhooks.py   what webhooks promise: deliveries tell of what was, and endpoints hear of what they asked for
    training.py   what training promises: activities are whole, and their originals are kept

Files are looked at after the snapshot, where it is known at which place they are.
A problem is a sentence that names the object by its id. None contains an e-mail address.
"""

import asyncio
from datetime import UTC, datetime
from functools import cache

import apsw

from openintervals.db import Database, SQLite, sqlite
from openintervals.db.transaction import Asking, Read, Tenant
from openintervals.doctor import histories, people, tables, training, webhooks
from openintervals.doctor.findings import SHOWN, Check, found, without_time_limit
from openintervals.platform import senders, tasks, usage  # noqa: F401 — their tables are examined too
from openintervals.training import athlete_keys, coaching, originals  # noqa: F401 — the same, of the first two

__all__ = ["examine"]


async def examine(
    database: Database, now: datetime | None = None, *, place: str | None = None, deep: bool = False
) -> list[str]:
    """Everything wrong with what an opened database holds, at most 20 sentences of a kind and one that counts the rest.

    `place` is where files are, `deep` says to read all that is packed and all files, not the part whose day it is."""
    moment = now or datetime.now(UTC)
    beginning = "" if deep else training.part_of(moment)

    async def work(tx: Read) -> tuple[list[str], list[originals.Original]]:
        if not isinstance(database, SQLite):
            await tx.rows(without_time_limit())
        problems = [said for check in checks() for said in await found(tx, check)]
        problems += await tables.unreadable(tx)
        problems += await people.misfolded(tx)
        problems += await webhooks.misheard(tx)
        every = await originals.every(tx)
        problems += await training.unreadable(tx, every, beginning)
        if isinstance(database, SQLite):
            problems += await found(tx, histories.NUMBERED_AT_ONCE)
        else:
            problems += await histories.sequence_behind(tx)
        return problems, every

    asking = Asking(tenant=Tenant("", "live"), actor="doctor", now=moment)
    problems = await asyncio.to_thread(_file_problems, database) if isinstance(database, SQLite) else []
    try:
        more, every = await database.read(asking, work)
    except apsw.CorruptError as problem:
        return [*problems, f"SQLite cannot read the whole file, so not everything was examined: {problem}."]
    if place is not None:
        more += await training.lost(every, place, beginning)
    return problems + more


@cache
def checks() -> tuple[Check, ...]:
    """Every rule that is one statement. Made once, as their statements are."""
    return (*tables.checks(), *people.checks(), *histories.checks(), *webhooks.checks(), *training.checks())


def _file_problems(database: SQLite) -> list[str]:
    """What SQLite itself finds wrong with the file, its indexes and its references."""
    connection = sqlite.connect(database.path, read_only=True)
    try:
        told = [row[0] for row in connection.execute(f"PRAGMA integrity_check({SHOWN})")]
        lost = connection.execute(
            'SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY "table", parent'
        ).fetchall()
    except apsw.Error as problem:
        return [f"SQLite cannot check the whole file: {problem}."]
    finally:
        connection.close()
    return [
        *(f"SQLite finds the file damaged: {said}." for said in told if said != "ok"),
        *(
            f"SQLite finds references of {table} that lead to no row of {parent}: {number}."
            for table, parent, number in lost
        ),
    ]
