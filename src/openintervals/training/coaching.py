"""Coaching: which athletes a coach's key reaches.    absent → there → absent

A coach is an athlete too. The row belongs to the athlete who is coached, and gives the coach's key what the athlete's own key may do. It says
nothing about the other direction, and nothing about athletes the athlete coaches in turn.
When two begin the same coaching at once the key lets one row be; both have what they wanted.
"""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from openintervals import errors
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Read, Write
from openintervals.platform import journal

coachings = schema.owned(
    "coachings",
    sa.Column("coach_id", schema.Text, nullable=False),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Index("ix_coachings_coach_id", "coach_id"),
    key=("coach_id",),
)


class _Coaching(msgspec.Struct, frozen=True):
    """As the journal keeps it."""

    id: str
    coach_id: str
    athlete_id: str


@statement
def _get() -> sa.Select[Any]:
    return sa.select(coachings.c.coach_id).where(own(coachings), coachings.c.coach_id == sa.bindparam("coach"))


@statement
def _of_coach() -> sa.Select[Any]:
    return (
        sa.select(coachings.c.athlete_id)
        .where(coachings.c.coach_id == sa.bindparam("athlete_id"))
        .order_by(coachings.c.athlete_id)
    )


@statement
def _insert() -> sa.Insert:
    return postgresql.insert(coachings).on_conflict_do_nothing()


@statement
def _delete() -> sa.Delete:
    return sa.delete(coachings).where(own(coachings), coachings.c.coach_id == sa.bindparam("coach"))


async def has(tx: Read, coach_id: str) -> bool:
    """Whether `coach_id` coaches the transaction's athlete."""
    return await tx.value(_get(), coach=coach_id) is not None


async def of_coach(tx: Read) -> list[str]:
    """The ids of those whom the transaction's athlete coaches, oldest athletes first."""
    found = [row[0] for row in await tx.rows(_of_coach())]
    return sorted(found, key=lambda athlete_id: int(athlete_id[1:]))


async def begin(tx: Write, coach_id: str) -> None:
    """Let `coach_id` coach the transaction's athlete; doing it again changes nothing. Raises Invalid when that is the same person."""
    athlete_id = tx.tenant.organization_id
    if coach_id == athlete_id:
        raise errors.Invalid("Nobody coaches themselves", {"coach_id": ["Give the id of another athlete"]})
    if await tx.execute(_insert(), coach_id=coach_id, created_at=tx.now_text):
        await journal.record_unversioned(tx, "coaching.begun", _coaching(athlete_id, coach_id))


async def end(tx: Write, coach_id: str) -> None:
    """End a coaching of the transaction's athlete. Raises NotFound when there is none."""
    if not await tx.execute(_delete(), coach=coach_id):
        raise errors.NotFound(f"{coach_id} does not coach {tx.tenant.organization_id}")
    await journal.record_unversioned(tx, "coaching.ended", _coaching(tx.tenant.organization_id, coach_id))


def _coaching(athlete_id: str, coach_id: str) -> _Coaching:
    return _Coaching(f"{coach_id}:{athlete_id}", coach_id, athlete_id)
