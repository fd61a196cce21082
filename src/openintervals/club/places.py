"""Places: how a cap is kept, wherever there is one.

Events, runs and pace groups each count `confirmed` (who has a place) and `offered` (who holds an open offer, which counts as taken).
No oversell is a constraint, not a habit: the counts move by one conditional UPDATE that changes no row when the cap would be passed,
and a CHECK refuses whatever else might try.
"""

from typing import Any

import sqlalchemy as sa

from openintervals.db.schema import own


def never_oversold() -> sa.CheckConstraint:
    return sa.CheckConstraint(
        "confirmed >= 0 AND offered >= 0 AND (max_participants IS NULL OR confirmed + offered <= max_participants)",
        name="capacity",
    )


def counting(table: sa.Table, which: sa.ColumnElement[bool]) -> sa.Update:
    """Move the counts of the row `which` by `more_confirmed` and `more_offered`, unless that passes its cap."""
    confirmed = sa.bindparam("more_confirmed", type_=sa.BigInteger)
    offered = sa.bindparam("more_offered", type_=sa.BigInteger)
    taken: sa.ColumnElement[Any] = table.c.confirmed + table.c.offered + confirmed + offered
    return (
        sa.update(table)
        .where(
            own(table),
            which,
            sa.or_(
                confirmed + offered <= 0,
                table.c.max_participants.is_(None),
                taken <= table.c.max_participants,
            ),
        )
        .values(confirmed=table.c.confirmed + confirmed, offered=table.c.offered + offered)
    )


def free(max_participants: int | None, confirmed: int, offered: int) -> bool:
    """Whether there is a place: pure, for what explains rather than decides."""
    return max_participants is None or confirmed + offered < max_participants
