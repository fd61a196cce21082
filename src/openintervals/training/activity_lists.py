"""Lists of activities between two local times, newest first: read page by page, so that a long one keeps nobody waiting.

What is served of an activity is kept as JSON, so a list of whole ones is those texts joined. A list has at most `BYTES_MOST`; who asks for more is
told to ask for less. A read is a snapshot, so what changes while a list is walked is seen as it was when the walk began.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Read
from openintervals.training.activities import LAST_DAY, activities

PAGE = 1_000
LISTED_MOST = 100_000
BYTES_MOST = 64 * 1024 * 1024
_BEHIND_EVERY_ID = "~"


class TooMuch(errors.Invalid):
    code = "list_too_long"

    def __init__(self) -> None:
        super().__init__(
            f"These activities are more than {BYTES_MOST // 1024 // 1024} MiB; ask for fewer days, with a `limit`, or for some `fields` alone",
            {"limit": ["Expected a shorter list"]},
        )


@statement
def _page(*, updated_since: bool) -> sa.Select[Any]:
    c = activities.c
    place = sa.tuple_(sa.bindparam("before", type_=sa.Text), sa.bindparam("before_id", type_=sa.Text))
    select = sa.select(c.served, c.local_start, c.id).where(
        own(activities), c.local_start >= sa.bindparam("oldest"), sa.tuple_(c.local_start, c.id) < place
    )
    if updated_since:
        select = select.where(c.updated_at >= sa.bindparam("since"))
    return select.order_by(c.local_start.desc(), c.id.desc()).limit(sa.bindparam("row_limit", type_=sa.Integer))


async def pages(
    tx: Read, oldest: str, newest: str = LAST_DAY, *, limit: int = LISTED_MOST, updated_since: str | None = None
) -> AsyncIterator[list[msgspec.Raw]]:
    """What is served of activities between two local times or days, both inclusive, newest first, in portions; perhaps of those changed since."""
    before, before_id = newest if len(newest) > 10 else newest + "T23:59:59", _BEHIND_EVERY_ID
    since = {} if updated_since is None else {"since": updated_since}
    while limit > 0:
        wanted = min(PAGE, limit)
        rows = await tx.rows(
            _page(updated_since=updated_since is not None),
            oldest=oldest,
            before=before,
            before_id=before_id,
            row_limit=wanted,
            **since,
        )
        if rows:
            yield [row[0] for row in rows]
        if len(rows) < wanted:
            return
        limit -= wanted
        before, before_id = rows[-1][1:]


async def listed(
    tx: Read, oldest: str, newest: str = LAST_DAY, *, limit: int = LISTED_MOST, updated_since: str | None = None
) -> list[msgspec.Raw]:
    """The same as one list. Raises TooMuch."""
    found: list[msgspec.Raw] = []
    size = 0
    async for page in pages(tx, oldest, newest, limit=limit, updated_since=updated_since):
        size += sum(map(len, page))
        if size > BYTES_MOST:
            raise TooMuch
        found += page
    return found
