"""Pace groups of a run: 4:30, 5:00, "sweepers". Each may have a cap and a range of bibs of its own.

A registration names its pace group in free text; a name that the run declares here is held to the group's cap, any other is only a label.
Invariants, held by the database: a name is declared once for a run, and confirmed + offered never pass `max_participants`.
Changes happen under the lock of the run's event, one after the other.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.club import places
from openintervals.club.events import CapTooLow
from openintervals.club.runs import Run, bib_range_problems, event_runs, touch
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Write

PER_RUN_MOST = 100

pace_groups = schema.table(
    "pace_groups",
    sa.Column("event_run_id", schema.Text, nullable=False),
    sa.Column("name", schema.Text, nullable=False),
    sa.Column("place", schema.Integer, nullable=False),
    sa.Column("max_participants", schema.Integer),
    sa.Column("bib_from", schema.Integer),
    sa.Column("bib_to", schema.Integer),
    sa.Column("confirmed", schema.Integer, nullable=False),
    sa.Column("offered", schema.Integer, nullable=False),
    places.never_oversold(),
    sa.ForeignKeyConstraint(
        ["organization_id", "mode", "event_run_id"],
        ["event_runs.organization_id", "event_runs.mode", "event_runs.id"],
        name="fk_pace_groups_run",
    ),
    key=("event_run_id", "name"),
)


class PaceGroup(msgspec.Struct, frozen=True):
    """A declared group. `place` orders the groups of a run as they were declared."""

    event_run_id: str
    name: str
    place: int
    max_participants: int | None
    bib_from: int | None
    bib_to: int | None
    confirmed: int = 0
    offered: int = 0


def problems(groups: list[PaceGroup]) -> dict[str, list[str]]:
    """What is wrong with the declared groups of one run, by field."""
    names = [group.name for group in groups]
    wrong: dict[str, list[str]] = {}
    if len(groups) > PER_RUN_MOST:
        return {"pace_groups": [f"A run has at most {PER_RUN_MOST} pace groups"]}
    if twice := sorted({name for name in names if names.count(name) > 1}):
        wrong["pace_groups"] = [f"The name {twice[0]!r} is declared twice"]
    for position, group in enumerate(groups):
        for name, said in bib_range_problems(group.bib_from, group.bib_to).items():
            wrong[f"pace_groups.{position}.{name}"] = said
    return wrong


def named(groups: list[PaceGroup], name: str | None) -> PaceGroup | None:
    """The declared group a registration's free text names, if any."""
    return next((group for group in groups if group.name == name), None)


@statement
def _of_run() -> sa.Select[Any]:
    return (
        sa.select(*columns(PaceGroup, pace_groups))
        .where(own(pace_groups), pace_groups.c.event_run_id == sa.bindparam("run_id"))
        .order_by(pace_groups.c.place)
    )


@statement
def _of_event() -> sa.Select[Any]:
    return (
        sa.select(*columns(PaceGroup, pace_groups))
        .where(
            own(pace_groups),
            own(event_runs),
            event_runs.c.id == pace_groups.c.event_run_id,
            event_runs.c.event_id == sa.bindparam("event_id"),
        )
        .order_by(pace_groups.c.event_run_id, pace_groups.c.place)
    )


@statement
def _insert() -> sa.Insert:
    return sa.insert(pace_groups)


@statement
def _delete() -> sa.Delete:
    return sa.delete(pace_groups).where(own(pace_groups), pace_groups.c.event_run_id == sa.bindparam("run_id"))


@statement
def _count() -> sa.Update:
    return places.counting(
        pace_groups,
        sa.and_(pace_groups.c.event_run_id == sa.bindparam("run_id"), pace_groups.c.name == sa.bindparam("group_name")),
    )


async def of_run(tx: Read, run_id: str) -> list[PaceGroup]:
    return await tx.all(PaceGroup, _of_run(), run_id=run_id)


async def of_event(tx: Read, event_id: str) -> dict[str, list[PaceGroup]]:
    """The declared groups of an event's runs, by run."""
    found: dict[str, list[PaceGroup]] = {}
    for group in await tx.all(PaceGroup, _of_event(), event_id=event_id):
        found.setdefault(group.event_run_id, []).append(group)
    return found


async def declare(tx: Write, run: Run, wanted: list[PaceGroup], taken: dict[str, tuple[int, int]]) -> Run:
    """Make `wanted` the groups of a run whose event is locked, and record that. Raises Invalid, CapTooLow.

    `taken` says how many are confirmed and offered under each name, declared so far or not."""
    if wrong := problems(wanted):
        raise errors.Invalid(fields=wrong)
    declared = []
    for group in wanted:
        confirmed, offered = taken.get(group.name, (0, 0))
        if group.max_participants is not None and confirmed + offered > group.max_participants:
            raise CapTooLow(confirmed, offered)
        declared.append(msgspec.structs.replace(group, confirmed=confirmed, offered=offered))
    await tx.execute(_delete(), run_id=run.id)
    await tx.put_many(_insert(), [msgspec.structs.asdict(group) for group in declared])
    return await touch(tx, run, pace_groups=declared)


async def remove_of(tx: Write, run_id: str) -> None:
    await tx.execute(_delete(), run_id=run_id)


async def count(tx: Write, group: PaceGroup, *, confirmed: int = 0, offered: int = 0) -> None:
    """Move the counts of a group. A move that passes its cap changes nothing, and so ends the transaction."""
    await tx.put(
        _count(),
        run_id=group.event_run_id,
        group_name=group.name,
        more_confirmed=confirmed,
        more_offered=offered,
    )
