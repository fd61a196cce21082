"""Findings: how a rule is asked and how what breaks it is told.

A check is a SELECT of the rows that break a rule. Its columns are `organization_id` and `mode`, or `athlete_id`, what names the object, and what
the sentence needs.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import instants
from openintervals.db.statement import statement
from openintervals.db.transaction import Read

SHOWN = 20
_LONGEST = 80
# What time has made possible is done by the worker in its next round; it is a finding only when nobody did it for longer.
A_WHILE = timedelta(minutes=5)

# How a row of each table is called. E-mail addresses and what clients send as keys never are.
NAMES = {
    "organizations": "Organization {id}",
    "api_keys": "API key {id}",
    "events": "Event {id}",
    "event_runs": "Run {id}",
    "pace_groups": "Pace group {name} of run {event_run_id}",
    "registrations": "Registration {id}",
    "recurrences": "Recurrence {id}",
    "groups": "Group {id}",
    "group_events": "Event {event_id} in group {group_id}",
    "journal": "Journal entry {sequence}",
    "idempotency_keys": "An idempotency key made at {created_at}",
    "usage": "Usage of {day} by key {key_id}",
    "webhooks": "Webhook {id}",
    "webhook_subscriptions": "The subscription of webhook {webhook_id} to {type}",
    "webhook_leases": "The lease of webhook {webhook_id}",
    "senders": "Sender {id}",
    "deliveries": "Delivery {id}",
    "tasks": "Task {id}",
    "feeds": "The feed",
    "athletes": "Athlete {athlete_id}",
    "athlete_keys": "Athlete's key {id}",
    "coachings": "The coaching by {coach_id}",
    "sport_settings": "Sport settings {id}",
    "activities": "Activity {id}",
    "activity_ids": "Id {id} of an activity",
    "activity_streams": "Stream {name} of activity {activity_id}",
    "activity_curves": "Curve {kind} of activity {activity_id}",
    "activity_intervals": "The intervals of activity {activity_id}",
    "recordings": "The recording of activity {activity_id}",
    "tombstones": "Tombstone {activity_id}",
}
TENANTS = ("organization_id", "mode", "athlete_id")


class Check(msgspec.Struct, frozen=True):
    """`says` is a sentence over the columns of `rows`, which makes the SELECT of what breaks the rule."""

    says: str
    rows: Callable[[], sa.Select[Any]]


def name_of(table: sa.Table) -> str:
    """How a row is called, with its columns in braces; one of a table that has no word here by its key."""
    key = " ".join(f"{{{column.name}}}" for column in table.primary_key.columns)
    return NAMES.get(table.name, f"Row {key} of {table.name}")


def named(table: sa.Table) -> list[sa.ColumnElement[Any]]:
    """The columns that say whose a row is and what it is called."""
    identity = re.findall(r"{(\w+)}", name_of(table))
    owner = [name for name in TENANTS if name in table.c]
    return [table.c[name] for name in dict.fromkeys([*owner, *identity])]


def owner(table: sa.Table) -> tuple[sa.ColumnElement[str], sa.ColumnElement[str]]:
    """The tenant of a row as the journal has it: what is an athlete's is always live."""
    if "organization_id" in table.c:
        return table.c.organization_id, table.c.mode
    return table.c.athlete_id, sa.literal_column("'live'")


def identity(table: sa.Table) -> sa.ColumnElement[str]:
    """The id of what a row is; an athlete's is that of the tenant."""
    return table.c.id if "id" in table.c else table.c.athlete_id


def breaking(table: sa.Table, says: str, which: Callable[[], sa.ColumnElement[bool]], **details: Any) -> Check:
    """The check that no row of `table` is `which`. `says` goes on after the row's name."""
    return Check(
        f"{name_of(table)} {says}",
        lambda: sa.select(*named(table), *(value.label(name) for name, value in details.items())).where(which()),
    )


@statement
def _first(check: Check) -> sa.Select[Any]:
    rows = check.rows().subquery("rows")
    return sa.select(rows, sa.func.count().over().label("found")).order_by(*rows.c).limit(sa.literal_column(str(SHOWN)))


@statement
def without_time_limit() -> sa.Select[Any]:
    """On PostgreSQL: this transaction's statements may take as long as they need."""
    return sa.select(sa.func.set_config("statement_timeout", "0", sa.true()))


async def found(tx: Read, check: Check) -> list[str]:
    """What breaks a rule: the first rows as sentences, and how many more there are."""
    statement_ = _first(check)
    names = statement_.element.selected_columns.keys()  # type: ignore[attr-defined]  # every check is a SELECT
    times = {"at": tx.now_text, "a_while_ago": instants.text(tx.now - A_WHILE)}
    rows = [dict(zip(names, row, strict=True)) for row in await tx.rows(statement_, **times)]
    return told([sentence(check.says, row) for row in rows], rows[0]["found"] if rows else 0)


def sentence(says: str, row: dict[str, Any]) -> str:
    """`says` with the row's values in it, and whose the row is."""
    shown = {name: _shown(value) for name, value in row.items()}
    where = f" (organization {shown['organization_id']}, {shown['mode']})" if "mode" in row else ""
    if "athlete_id" in row and "{athlete_id}" not in says:
        where = f" (athlete {shown['athlete_id']})"
    return says.format(**shown) + where + "."


def told(sentences: list[str], number: int) -> list[str]:
    """The first sentences of `number`, and one that counts the rest."""
    rest = number - len(sentences[:SHOWN])
    return sentences[:SHOWN] + ([f"There are {rest} more like the last one."] if rest else [])


def _shown(value: Any) -> str:
    """A stored value as a message has it: on one line, and never an e-mail address, wherever it may have ended up."""
    text = "nothing" if value is None else str(value)
    text = re.sub(r"\S+@\S+", "[address]", text)
    return text if len(text) <= _LONGEST and text.isprintable() else ascii(text[:_LONGEST])
