"""The activities that sport settings are for: those of the types they cover, and of types nobody covers where they are for others.

Only looked at here; what is done with them is the activities' own. A read sees them as they are in one snapshot.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read
from openintervals.training import sport_settings
from openintervals.training.activities import activities

MATCHED_MOST = 50_000


class Brief(msgspec.Struct, frozen=True):
    """An activity in a few words; `local_start` is the time on the athlete's watch."""

    id: str
    name: str
    local_start: str
    type: str


@statement
def _of_types(number: int) -> sa.Select[Any]:
    types = [sa.bindparam(f"type_{place}", type_=sa.Text) for place in range(number)]
    return (
        sa.select(*columns(Brief, activities))
        .where(own(activities), activities.c.type.in_(types))
        .order_by(activities.c.local_start.desc(), activities.c.id.desc())
        .limit(sa.bindparam("row_limit", type_=sa.Integer))
    )


@statement
def _next(number: int) -> sa.Select[Any]:
    types = [sa.bindparam(f"type_{place}", type_=sa.Text) for place in range(number)]
    c = activities.c
    return (
        sa.select(c.id)
        .where(own(activities), c.id > sa.bindparam("after"), c.created_at <= sa.bindparam("until"), c.type.in_(types))
        .order_by(c.id)
        .limit(1)
    )


async def of_types(tx: Read, types: Sequence[str]) -> list[Brief]:
    """The athlete's activities of some types, newest first, `MATCHED_MOST` at most."""
    if not types:
        return []
    wanted = {f"type_{place}": type_ for place, type_ in enumerate(types)}
    return await tx.all(Brief, _of_types(len(types)), row_limit=MATCHED_MOST, **wanted)


async def next_of(tx: Read, types: Sequence[str], after: str, until: str) -> str | None:
    """The id that comes next `after` another, of the athlete's activities of some types that were made by `until`; None behind the last."""
    if not types:
        return None
    wanted = {f"type_{place}": type_ for place, type_ in enumerate(types)}
    return await tx.value(_next(len(types)), after=after, until=until, **wanted)  # type: ignore[no-any-return]  # the column is text


async def matching(tx: Read, said: str) -> list[Brief]:
    """The activities that the settings called `said` are for, newest first. Raises NotFound."""
    settings = await sport_settings.get(tx, said)
    return await of_types(tx, sport_settings.types_of(settings, await sport_settings.every(tx)))
