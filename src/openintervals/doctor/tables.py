"""What the schema promises of every table, read off the schema itself, so that a new table is examined without a word here.

The databases enforce most of it. It is asked all the same, because a file can be damaged, restored from a copy made wrongly, or changed by hand.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals.club import groups
from openintervals.club import schedule as schedules
from openintervals.club.events import events
from openintervals.club.recurrences import Gap, RunTemplate
from openintervals.club.schedule import Schedule
from openintervals.db import schema
from openintervals.db.statement import statement
from openintervals.db.transaction import Read
from openintervals.doctor.findings import SHOWN, TENANTS, Check, breaking, name_of, named, sentence, told
from openintervals.platform import api_keys, deliveries, idempotency, ids, journal, organizations, rate_limits
from openintervals.training import activity_intervals, recordings, sport_values
from openintervals.training.athletes import athletes

BATCH = 2_000

KINDS = {
    "organizations": ids.ORGANIZATION,
    "api_keys": ids.KEY,
    "events": ids.EVENT,
    "event_runs": ids.RUN,
    "registrations": ids.REGISTRATION,
    "recurrences": ids.RECURRENCE,
    "groups": ids.GROUP,
    "webhooks": ids.WEBHOOK,
    "tasks": ids.TASK,
    "athlete_keys": ids.ATHLETE_KEY,
}
SAYS = {
    "mode": "is in the mode {mode}, which is neither live nor test",
    "capacity": "counts {confirmed} confirmed and {offered} offered with a cap of {max_participants}",
    "ck_registrations_queue": "is {status} and has the queue number {queue_number}; those who wait have one, and only they",
    "ck_registrations_offer": "is {status} and holds an open offer; only those who wait can",
    "ck_registrations_bib": "is {status} and has a bib; only confirmed ones can",
    "ck_webhooks_deleted": "is {status}, and was deleted at {deleted_at}",
    "ck_webhooks_disabled": "is {status}, and was disabled at {disabled_at}",
    "ended": "is {state}, and ended at {ended_at}",
}
SAYS_TWICE = {
    "uq_registrations_active": "Run {event_run_id} has {times} active registrations under one e-mail address, "
    "one of them {example}",
    "uq_registrations_bib": "Event {event_id} has the bib {bib} {times} times",
    "uq_organizations_slug": "{times} organizations have the slug {slug}",
    "pk_idempotency_keys": "An idempotency key is stored {times} times",
}
DIGITS = "0123456789"


class _Snapshot(msgspec.Struct):
    id: str
    version: int


JSON: dict[str, Any] = {
    "organizations.roles": list[str],
    "api_keys.scopes": list[str],
    "events.address": dict[str, Any],
    "recurrences.schedule": Schedule,
    "recurrences.run_templates": list[RunTemplate],
    "recurrences.gaps": list[Gap],
    "webhooks.types": list[str],
    "deliveries.attempts": list[deliveries.Attempt],
    "tasks.arguments": dict[str, Any],
    "tasks.progress": dict[str, Any],
    "athletes.preferences": dict[str, Any],
    "sport_settings.types": list[str],
    "sport_settings.history": list[sport_values.Dated],
    "sport_settings.preferences": dict[str, Any],
    "activities.tags": list[str],
    "activities.warnings": list[dict[str, Any]],
    "activities.computed": dict[str, Any],
    "activities.edited": dict[str, Any],
    "activities.served": dict[str, Any],
    "activity_intervals.intervals": list[dict[str, Any]],
    "activity_intervals.groups": list[dict[str, Any]],
    "activity_intervals.marked": list[activity_intervals.Mark],
    "recordings.recording": recordings.Kept,
    "journal.changed": list[str],
    "journal.snapshot": _Snapshot,
}


def tables() -> list[sa.Table]:
    """The tables whose rows are kept; the limiter's are not, they only hasten it."""
    return [table for table in schema.metadata.sorted_tables if table is not rate_limits.rate_limits]


def checks() -> Iterator[Check]:
    for table in tables():
        yield from _constraints(table)
        yield _complete(table)
        yield from _well_formed(table)
        yield from _owned(table)
    # Groups name events without a reference that the database would hold.
    yield without(groups.group_events, groups.groups, ["organization_id", "mode", "group_id"])
    yield without(groups.group_events, events, ["organization_id", "mode", "event_id"])
    keys = api_keys.api_keys
    yield breaking(
        keys,
        "begins with {prefix}, which is not its mode's",
        lambda: sa.not_(keys.c.prefix.startswith("oi_" + keys.c.mode + "_")),
        prefix=keys.c.prefix,
    )
    answers = idempotency.idempotency_keys
    yield breaking(
        answers,
        "has no complete answer: its status is {status}",
        lambda: sa.or_(answers.c.status.is_(None), answers.c.body.is_(None), answers.c.status // 100 != 2),
        status=answers.c.status,
    )


def _owned(table: sa.Table) -> Iterator[Check]:
    """A row belongs to somebody: an athlete's to one there is, and what both kinds of tenants have to an organization or an athlete."""
    athlete, organization = athletes.alias("athlete"), organizations.organizations.alias("organization")
    if "athlete_id" in table.c and table is not athletes:
        there = sa.exists().where(athlete.c.athlete_id == table.c.athlete_id).correlate(table)
        yield breaking(table, "belongs to no athlete there is", lambda: sa.not_(there))
    elif "organization_id" in table.c:
        theirs = sa.exists().where(organization.c.id == table.c.organization_id).correlate(table)
        own = sa.exists().where(athlete.c.athlete_id == table.c.organization_id).correlate(table)
        yield breaking(table, "belongs to no organization there is", lambda: sa.not_(sa.or_(theirs, own)))


def _constraints(table: sa.Table) -> Iterator[Check]:
    for constraint in sorted(table.constraints, key=lambda each: str(each.name)):
        if isinstance(constraint, sa.CheckConstraint):
            yield _rule(table, constraint)
        elif isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint):
            yield _once(table, str(constraint.name), list(constraint.columns.keys()))
        elif isinstance(constraint, sa.ForeignKeyConstraint):
            local = list(constraint.columns.keys())
            yield without(table, constraint.referred_table, local, [each.column.name for each in constraint.elements])
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        if index.unique:
            where = index.dialect_options["sqlite"]["where"]
            yield _once(table, str(index.name), list(index.columns.keys()), where)


def _rule(table: sa.Table, constraint: sa.CheckConstraint) -> Check:
    rule, name = str(constraint.sqltext), str(constraint.name)
    says = SAYS.get(name) or SAYS.get(name.removeprefix(f"ck_{table.name}_")) or f"breaks the rule {rule}"
    needed = {column: table.c[column] for column in re.findall(r"{(\w+)}", says) if column != "mode"}
    return breaking(table, says, lambda: sa.text(f"NOT ({rule})"), **needed)  # type: ignore[arg-type, return-value]  # a text clause is a condition too


def _once(table: sa.Table, name: str, key: list[str], where: Any = None) -> Check:
    """No two rows of `table`, or of those `where`, have one `key`."""
    if name == f"pk_{table.name}" and name not in SAYS_TWICE:
        says = f"{name_of(table)} is stored {{times}} times"
    else:
        said = " and ".join(f"{column} {{{column}}}" for column in key if column not in TENANTS)
        says = SAYS_TWICE.get(name, f"{{times}} rows of {table.name} have {said}")

    def rows() -> sa.Select[Any]:
        columns = [table.c[column] for column in key]
        example = [sa.func.min(table.c.id).label("example")] if "id" in table.c else []
        select = sa.select(*columns, *example, sa.func.count().label("times")).group_by(*columns)
        select = select.where(*(column.is_not(None) for column in columns if column.nullable))
        return (select if where is None else select.where(where)).having(sa.func.count() > 1)

    return Check(says, rows)


def without(table: sa.Table, parent: sa.Table, key: list[str], parent_key: list[str] | None = None) -> Check:
    """Every row of `table` refers to a row of `parent`."""
    other = parent.alias("other")
    to = parent_key or [*key[:-1], "id"]
    noun = name_of(parent).split(maxsplit=1)[0].lower()

    def which() -> sa.ColumnElement[bool]:
        same = (other.c[theirs] == table.c[ours] for ours, theirs in zip(key, to, strict=True))
        return sa.not_(sa.exists().where(*same).correlate(table))

    return breaking(table, f"refers to the {noun} {{refers_to}}, which is not there", which, refers_to=table.c[key[-1]])


def _complete(table: sa.Table) -> Check:
    """No column that must have a value is without."""
    needed = [column for column in table.columns if not column.nullable]
    lacking = sa.case(*((column.is_(None), sa.literal_column(f"'{column.name}'")) for column in needed))
    return breaking(table, "lacks its {lacking}", lambda: lacking.is_not(None), lacking=lacking)


def _well_formed(table: sa.Table) -> Iterator[Check]:
    """Ids, instants, dates and wall times have the form they are stored in; comparing them as text rests on it."""
    forms = [(column, form) for column in table.columns if (form := _form(table, column)) is not None]
    if forms:
        wrong = sa.case(
            *(
                (sa.and_(column.is_not(None), sa.not_(form)), sa.literal_column(f"'{column.name}'"))
                for column, form in forms
            )
        )
        yield breaking(table, "has a malformed {wrong}", lambda: wrong.is_not(None), wrong=wrong)


def _form(table: sa.Table, column: sa.Column[Any]) -> sa.ColumnElement[bool] | None:
    if column.name == "athlete_id":
        return _is_number(column)
    if column.name == "id" and table.name == "deliveries":
        return _is_id(column, ids.DELIVERY, longer=True)
    if column.name == "id":
        return _is_id(column, KINDS[table.name]) if table.name in KINDS else None
    if column.name == "at" or column.name.endswith(("_at", "_until", "_since")):
        return _has_form(column, "____-__-__T__:__:__.___Z", {6: "12", 9: "31", 12: "23", 15: "59", 18: "59"})
    if column.name == "day" or (column.name.endswith(("_on", "_from")) and isinstance(column.type, schema.Text)):
        return _has_form(column, "____-__-__", {6: "12", 9: "31"})
    if column.name.startswith("local_") and "athlete_id" in table.c:
        return _has_form(column, "____-__-__T__:__:__", {6: "12", 9: "31", 12: "23", 15: "59", 18: "59"})
    if column.name.startswith("local_"):
        return _has_form(column, "__:__", {1: "23", 4: "59"})
    return None


def _is_id(column: sa.ColumnElement[str], kind: str, *, longer: bool = False) -> sa.ColumnElement[bool]:
    length, own = sa.func.length(column), len(kind) + 20
    return sa.and_(
        length >= own if longer else length == own,
        sa.func.substr(column, 1, len(kind)) == kind,
        sa.func.ltrim(sa.func.substr(column, len(kind) + 1), ids.ALPHABET) == "",
    )


def _is_number(column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    digits = sa.func.substr(column, 2)
    return sa.and_(sa.func.substr(column, 1, 1) == "i", digits != "", sa.func.ltrim(digits, DIGITS) == "")


def _has_form(column: sa.ColumnElement[str], form: str, most: dict[int, str]) -> sa.ColumnElement[bool]:
    """Digits where `form` has `_`, its own characters elsewhere, and the two digits at each place of `most` at most that."""
    places = [match.span() for match in re.finditer("_+", form)]
    digits: Any = sa.literal_column("''")
    for first, end in places:
        digits = digits.concat(sa.func.substr(column, first + 1, end - first))
    return sa.and_(
        sa.func.length(column) == len(form),
        column.like(form),
        sa.func.upper(column) == column,
        sa.func.ltrim(digits, DIGITS) == "",
        *(sa.func.substr(column, place, 2) <= highest for place, highest in most.items()),
    )


@statement
def batch(
    table: str, columns: tuple[str, ...], which: Callable[[], sa.ColumnElement[bool]] | None, *, first: bool
) -> sa.Select[Any]:
    """Rows of a table in the order of its key, from the beginning or from behind a place: the key, names, then `columns`."""
    source = schema.metadata.tables[table]
    key = list(source.primary_key.columns)
    select = sa.select(*key, *named(source), *(source.c[name] for name in columns)).order_by(*key).limit(BATCH)
    if which is not None:
        select = select.where(which())
    if not first:
        select = select.where(
            sa.tuple_(*key) > sa.tuple_(*(sa.bindparam(f"behind_{c.name}", type_=c.type) for c in key))
        )
    return select


async def walk(
    tx: Read, table: sa.Table, columns: tuple[str, ...], which: Callable[[], sa.ColumnElement[bool]] | None,
    problem: Callable[[dict[str, Any]], str | None],
) -> list[str]:  # fmt: skip
    """What `problem` says of each row, in batches: a sentence to go on after the row's name, or None."""
    key = [column.name for column in table.primary_key.columns]
    names = key + [column.name for column in named(table)] + list(columns)
    found, number = [], 0
    behind: dict[str, Any] = {}
    while True:
        rows = await tx.rows(batch(table.name, columns, which, first=not behind), **behind)
        for values in rows:
            row = dict(zip(names, values, strict=True))
            if (says := problem(row)) is not None:
                number += 1
                if number <= SHOWN:
                    found.append(sentence(f"{name_of(table)} {{says}}", {**row, "says": says}))
        if len(rows) < BATCH:
            return told(found, number)
        behind = {f"behind_{name}": value for name, value in zip(key, rows[-1], strict=False)}


async def unreadable(tx: Read) -> list[str]:
    """JSON that does not parse, or is not what its column keeps."""
    problems: list[str] = []
    for table in tables():
        columns = tuple(column.name for column in table.columns if isinstance(column.type, schema.Json))
        if columns:
            also = ("object_id", "object_version") if table is journal.journal else ()
            problems += await walk(tx, table, columns + also, None, _reader(table, columns))
    return problems


def _reader(table: sa.Table, columns: tuple[str, ...]) -> Callable[[dict[str, Any]], str | None]:
    decoders = {name: msgspec.json.Decoder(JSON.get(f"{table.name}.{name}", Any)) for name in columns}

    def problem(row: dict[str, Any]) -> str | None:
        for name, decoder in decoders.items():
            if row[name] is None:
                continue
            try:
                value = decoder.decode(row[name])
            except (msgspec.DecodeError, ValueError, RecursionError):
                return f"has no proper JSON in its {name}"
            if isinstance(value, Schedule) and (wrong := schedules.problems(value)):
                return f"has a schedule with a wrong {', '.join(wrong)}"
            if isinstance(value, _Snapshot) and (value.id, value.version) != (row["object_id"], row["object_version"]):
                return f"is about version {row['object_version']} of {row['object_id']}, but its snapshot is of another"
        return None

    return problem
