"""What the journal promises: the history of every object is whole, and ends where the object is now."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from openintervals.club.events import events
from openintervals.club.groups import groups
from openintervals.club.recurrences import recurrences
from openintervals.club.registrations import registrations
from openintervals.club.runs import event_runs
from openintervals.db.statement import statement
from openintervals.db.transaction import Read
from openintervals.doctor.findings import Check, breaking, identity, name_of, named, owner
from openintervals.platform.feeds import feeds
from openintervals.platform.journal import journal
from openintervals.platform.webhooks import webhooks
from openintervals.training.activities import activities
from openintervals.training.athletes import athletes
from openintervals.training.sport_settings import sport_settings

RECORDED = {
    "event": events,
    "run": event_runs,
    "registration": registrations,
    "recurrence": recurrences,
    "group": groups,
    "webhook": webhooks,
    "athlete": athletes,
    "sport_settings": sport_settings,
    "activity": activities,
}
# They keep no version of their own, and what is older than this version of the program has no history.
UNVERSIONED = ("organization", "key", "athlete_key", "coaching")


# Where one writer works at a time; elsewhere an entry gets its position later.
NUMBERED_AT_ONCE = breaking(journal, "has no position in the feed", lambda: journal.c.position.is_(None))


def checks() -> Iterator[Check]:
    yield Check("Journal entry {sequence} is about a {object_type}, which is nothing known here", _unknown)
    yield Check(
        "Journal entry {sequence} has version {object_version} of {object_id}, after version {version_before}", _gaps
    )
    for kind, table in RECORDED.items():
        name = name_of(table)
        yield Check(f"No journal entry is there for {{times}} of {table.name}, such as {{example}}", _unrecorded(table))
        yield Check(
            f"{name} has version {{version}}, but its journal ends with version {{recorded}}", _apart(kind, table)
        )
        yield Check(f"{name} is there, though its journal says that it was deleted", _undead(kind, table))
        yield Check(f"{kind.capitalize()} {{object_id}} is gone, and its journal does not say so", _lost(kind, table))
    yield Check("The feed stands at {stands_at}, but the last entry that has a position has {position}", _feed_apart)


def _history(kind: str | None = None) -> sa.Subquery:
    """Every entry, of one kind or all, with its object's version before it, and the number of the object's next entry."""
    of_object: dict[str, Any] = {
        "partition_by": [journal.c.organization_id, journal.c.mode, journal.c.object_id],
        "order_by": journal.c.sequence,
    }
    names = ("organization_id", "mode", "sequence", "verb", "object_type", "object_id", "object_version")
    select = sa.select(
        *(journal.c[name] for name in names),
        sa.func.coalesce(sa.func.lag(journal.c.object_version).over(**of_object), 0).label("version_before"),
        sa.func.lead(journal.c.sequence).over(**of_object).label("next"),
    )
    if kind is not None:
        select = select.where(journal.c.object_type == kind)
    return select.subquery("history")


def _unknown() -> sa.Select[Any]:
    return sa.select(*named(journal), journal.c.object_type).where(
        journal.c.object_type.not_in([*RECORDED, *UNVERSIONED])
    )


def _gaps() -> sa.Select[Any]:
    history = _history()
    return sa.select(
        *(history.c[name] for name in ("organization_id", "mode", "sequence", "object_version", "object_id")),
        history.c.version_before,
    ).where(history.c.object_version != history.c.version_before + 1)


def _last(kind: str, table: sa.Table) -> tuple[sa.Subquery, sa.ColumnElement[bool]]:
    """The last entry of each object, and what joins it to the object's row."""
    history = _history(kind)
    last = sa.select(history).where(history.c.next.is_(None)).subquery("last")
    return last, _of(last.c, table)


def _of(entry: Any, table: sa.Table) -> sa.ColumnElement[bool]:
    """Whether an entry with these columns is about a row of `table`."""
    organization_id, mode = owner(table)
    return sa.and_(entry.organization_id == organization_id, entry.mode == mode, entry.object_id == identity(table))


def _unrecorded(table: sa.Table) -> Any:
    def rows() -> sa.Select[Any]:
        entry = sa.exists().where(_of(journal.c, table))
        times = sa.func.count().label("times")
        example: Any = sa.func.min(identity(table)).label("example")
        return sa.select(example, times).where(sa.not_(entry)).having(times > 0)

    return rows


def _apart(kind: str, table: sa.Table) -> Any:
    def rows() -> sa.Select[Any]:
        last, same = _last(kind, table)
        return (
            sa.select(*named(table), table.c.version, last.c.object_version.label("recorded"))
            .select_from(table.join(last, same))
            .where(table.c.version != last.c.object_version, last.c.verb.not_like("%.deleted"))
        )

    return rows


def _undead(kind: str, table: sa.Table) -> Any:
    def rows() -> sa.Select[Any]:
        last, same = _last(kind, table)
        return (
            sa.select(*named(table))
            .select_from(table.join(last, same))
            .where(last.c.verb.like("%.deleted"), sa.not_(_deleted(table)))
        )

    return rows


def _lost(kind: str, table: sa.Table) -> Any:
    def rows() -> sa.Select[Any]:
        last, same = _last(kind, table)
        return (
            sa.select(last.c.organization_id, last.c.mode, last.c.object_id)
            .select_from(last.outerjoin(table, same))
            .where(sa.or_(identity(table).is_(None), _deleted(table)), last.c.verb.not_like("%.deleted"))
        )

    return rows


def _deleted(table: sa.Table) -> sa.ColumnElement[bool]:
    """Whether a row is kept for a while though its object is gone."""
    return table.c.deleted_at.is_not(None) if "deleted_at" in table.c else sa.false()


def _feed_apart() -> sa.Select[Any]:
    last = (
        sa.select(journal.c.organization_id, journal.c.mode, sa.func.max(journal.c.position).label("position"))
        .group_by(journal.c.organization_id, journal.c.mode)
        .subquery("last")
    )
    position = sa.func.coalesce(last.c.position, 0)
    same = sa.and_(feeds.c.organization_id == last.c.organization_id, feeds.c.mode == last.c.mode)
    return (
        sa.select(*named(feeds), feeds.c.position.label("stands_at"), position.label("position"))
        .select_from(feeds.outerjoin(last, same))
        .where(feeds.c.position != position)
    )


@statement
def _next_number() -> sa.Select[Any]:
    return sa.select(sa.literal_column("last_value")).select_from(sa.text("journal_sequence"))


@statement
def _highest() -> sa.Select[Any]:
    return sa.select(sa.func.coalesce(sa.func.max(journal.c.sequence), 0))


async def sequence_behind(tx: Read) -> list[str]:
    """On PostgreSQL: whether new entries would be given numbers that are taken."""
    last, highest = await tx.value(_next_number()), await tx.value(_highest())
    if last >= highest:
        return []
    return [f"The sequence journal_sequence stands at {last}, but the journal has entry {highest}; set it to that."]
