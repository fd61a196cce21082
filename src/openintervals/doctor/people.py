"""What the club's rules promise beyond the schema: places are counted rightly and given to whoever is first in line."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from openintervals.club.events import events
from openintervals.club.pace_groups import pace_groups
from openintervals.club.registrations import COMES, WAITS, fold, registrations
from openintervals.club.runs import event_runs
from openintervals.db.transaction import Read
from openintervals.doctor.findings import Check, breaking, named
from openintervals.doctor.tables import walk
from openintervals.platform.organizations import organizations


def checks() -> Iterator[Check]:
    yield _counts(events, {"id": "event_id"})
    yield _counts(event_runs, {"id": "event_run_id"})
    yield _counts(pace_groups, {"event_run_id": "event_run_id", "name": "pace_group"})
    yield Check(
        "Event {event_id} has the queue number {queue_number} {times} times, one of them registration {example}",
        _numbers_twice,
    )
    run = event_runs.alias("run")
    yield breaking(
        registrations,
        "is of event {event_id}, but its run {event_run_id} is of another",
        lambda: sa.exists().where(
            _same_tenant(run, registrations),
            run.c.id == registrations.c.event_run_id,
            run.c.event_id != registrations.c.event_id,
        ),
        event_id=registrations.c.event_id,
        event_run_id=registrations.c.event_run_id,
    )
    yield breaking(
        registrations,
        "waits for a place, but has checked in",
        lambda: sa.and_(registrations.c.status == WAITS, registrations.c.checked_in_at.is_not(None)),
    )
    yield Check("Registration {id} waits for run {event_run_id}, which has a free place", _waiting_beside_a_place)


def _same_tenant(one: sa.FromClause, other: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(one.c.organization_id == other.c.organization_id, one.c.mode == other.c.mode)


def _counts(table: sa.Table, joined: dict[str, str]) -> Check:
    """`confirmed` and `offered` of each row are the numbers of such registrations."""

    def rows() -> sa.Select[Any]:
        keys = [registrations.c[name] for name in ("organization_id", "mode", *joined.values())]
        real = (
            sa.select(
                *keys,
                sa.func.count(sa.case((registrations.c.status == COMES, 1))).label("confirmed"),
                sa.func.count(
                    sa.case(
                        (sa.and_(registrations.c.status == WAITS, registrations.c.offer_expires_at.is_not(None)), 1)
                    )
                ).label("offered"),
            )
            .group_by(*keys)
            .subquery("real")
        )
        confirmed, offered = (sa.func.coalesce(real.c[name], 0) for name in ("confirmed", "offered"))
        same = (table.c[ours] == real.c[theirs] for ours, theirs in joined.items())
        return (
            sa.select(
                *named(table),
                table.c.confirmed,
                table.c.offered,
                confirmed.label("real_confirmed"),
                offered.label("real_offered"),
            )
            .select_from(table.outerjoin(real, sa.and_(_same_tenant(table, real), *same)))
            .where(sa.or_(table.c.confirmed != confirmed, table.c.offered != offered))
        )

    says = "counts {confirmed} confirmed and {offered} offered, but its registrations are {real_confirmed} and {real_offered}"
    return Check(f"{breaking(table, says, sa.true).says}", rows)


def _numbers_twice() -> sa.Select[Any]:
    number = [registrations.c[name] for name in ("organization_id", "mode", "event_id", "queue_number")]
    return (
        sa.select(*number, sa.func.count().label("times"), sa.func.min(registrations.c.id).label("example"))
        .where(registrations.c.status == WAITS, registrations.c.queue_number.is_not(None))
        .group_by(*number)
        .having(sa.func.count() > 1)
    )


def _waiting_beside_a_place() -> sa.Select[Any]:
    """Entries without an offer that fit: their run takes registrations, and run, event and pace group have a place."""
    run = event_runs.c
    takes = sa.and_(
        sa.func.coalesce(run.event_status, "scheduled") != "cancelled",
        sa.func.coalesce(run.event_status, "scheduled") != "postponed",
        run.registration_override.is_(None),
        sa.or_(run.registration_opens_at.is_(None), run.registration_opens_at <= sa.bindparam("a_while_ago")),
        sa.or_(run.registration_closes_at.is_(None), run.registration_closes_at > sa.bindparam("at")),
    )
    group = sa.and_(
        _same_tenant(pace_groups, registrations),
        pace_groups.c.event_run_id == registrations.c.event_run_id,
        pace_groups.c.name == registrations.c.pace_group,
    )
    return (
        sa.select(*named(registrations), registrations.c.event_run_id)
        .select_from(
            registrations.join(
                event_runs, sa.and_(_same_tenant(event_runs, registrations), run.id == registrations.c.event_run_id)
            )
            .join(events, sa.and_(_same_tenant(events, registrations), events.c.id == registrations.c.event_id))
            .join(organizations, organizations.c.id == registrations.c.organization_id)
            .outerjoin(pace_groups, group)
        )
        .where(
            registrations.c.status == WAITS,
            registrations.c.offer_expires_at.is_(None),
            sa.not_(run.sold_out),
            _room(event_runs),
            _room(events),
            sa.or_(pace_groups.c.name.is_(None), _room(pace_groups)),
            sa.func.coalesce(run.event_status, "scheduled") != "cancelled",
            sa.or_(organizations.c.bypass_windows, takes),
        )
    )


def _room(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.or_(table.c.max_participants.is_(None), table.c.confirmed + table.c.offered < table.c.max_participants)


def _perhaps_misfolded() -> sa.ColumnElement[bool]:
    """SQL folds ASCII alone; the rest is left to `fold` itself."""
    email = registrations.c.email
    return sa.or_(
        registrations.c.email_folded != sa.func.lower(email), sa.func.octet_length(email) != sa.func.length(email)
    )


async def misfolded(tx: Read) -> list[str]:
    """Registrations whose folded e-mail address is not their e-mail address, folded."""

    def problem(row: dict[str, Any]) -> str | None:
        return None if row["email_folded"] == fold(row["email"]) else "has a folded e-mail address that is not its own"

    return await walk(tx, registrations, ("email", "email_folded"), _perhaps_misfolded, problem)
