"""Ids of activities: a directory of every id that was given, and of the athlete who has it.    absent → given, for good

A path names an activity without its athlete, so an id is given once among all athletes, whichever process gives it and however its clock stands.
The key of this table makes that so; what `ids.numbered` proposes is likely to be free and no more. An entry stays when its activity is deleted
and when its tombstone is forgotten: nobody is given an id that has meant something else.
When two processes propose one id at once the second waits for the first to commit, and takes the next.
Rows are kept by id alone, since whose they are is what is asked; with rows spread over machines this table is spread by id.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from openintervals import errors
from openintervals.db import schema
from openintervals.db.statement import statement
from openintervals.db.transaction import Write
from openintervals.platform import ids

TRIES = 100

activity_ids = sa.Table(
    "activity_ids",
    schema.metadata,
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("athlete_id", schema.Text, nullable=False),
    sa.PrimaryKeyConstraint("id"),
    sqlite_with_rowid=False,
)


@statement
def _give() -> sa.Insert:
    return postgresql.insert(activity_ids).on_conflict_do_nothing()


async def give(tx: Write, proposed: str) -> str:
    """Give the transaction's athlete an id: the one proposed, or where that was given before, the next that was not. Raises Unavailable."""
    for _ in range(TRIES):
        if await tx.execute(_give(), id=proposed):
            return proposed
        proposed = ids.numbered(tx.now)
    raise errors.Unavailable("No id was free, so nothing was changed; try again")


def whose(of: sa.FromClause, column: str) -> sa.Select[Any]:
    """The SELECT of the athlete who has `activity` as a row of `of`, whose id is in `column`: two steps by primary key, whoever's it is."""
    c = activity_ids.c
    return sa.select(c.athlete_id).where(
        c.id == sa.bindparam("activity"),
        sa.exists().where(of.c.athlete_id == c.athlete_id, of.c[column] == c.id),
    )
