"""What the project declares fits together: settings, scopes, failures, operations, and the keys of its tables."""

import re
from collections.abc import Iterable, Iterator

import msgspec
import pytest
import sqlalchemy as sa

from openintervals import errors
from openintervals.api import http
from openintervals.api.partner import dialect
from openintervals.cli.revision import all_tables
from openintervals.platform.scopes import SCOPES
from openintervals.settings import Settings

TENANT = ("organization_id", "mode")
ATHLETE = ("athlete_id",)
OTHER_KEYS = {
    "organizations": "the tenants themselves; the one table whose slug is unique across all of them",
    "activity_ids": "a directory: whose an id is, is what is asked of it",
    "rate_limits": "a bucket is a key, which has one mode, or an address, which has none",
    "senders": "a process that delivers for every tenant",
}


def undocumented(settings: type[msgspec.Struct]) -> list[str]:
    """Settings without a sentence that says what they decide."""
    wrong = []
    for field in msgspec.structs.fields(settings):
        notes = [note.description or "" for note in getattr(field.type, "__metadata__", ())]
        said = max(notes, key=len, default="")
        if len(said) < 15 or not said.endswith((".", "`")):
            wrong.append(f"{field.name} says {said!r}")
    return wrong


def misused_scopes(operations: Iterable[http.Operation], scopes: Iterable[str]) -> list[str]:
    """Scopes that no operation asks for, and those asked for that do not exist."""
    asked = {operation.scope for operation in operations if operation.scope is not None}
    known = set(scopes)
    return [f"{name}: no operation asks for it" for name in sorted(known - asked)] + [
        f"{name}: no such scope" for name in sorted(asked - known)
    ]


def writes_by_reading(operations: Iterable[http.Operation]) -> list[str]:
    """Operations whose method, scope and kind of transaction do not agree."""
    wrong = []
    for operation in operations:
        kind = (operation.scope or "read:").partition(":")[0]
        if {operation.method == "GET", not operation.writes, kind == "read"} not in ({True}, {False}):
            wrong.append(f"{operation.method} {operation.path} asks for {operation.scope}, writes: {operation.writes}")
    return wrong


def unanswered(families: Iterable[type[errors.Failure]], answered: Iterable[type[errors.Failure]]) -> list[str]:
    """Families of failures that would be answered as a fault of the server."""
    known = set(answered)
    return [family.__name__ for family in families if known.isdisjoint(set(family.__mro__) - {errors.Failure})]


def loose_keys(tables: Iterable[sa.Table]) -> list[str]:
    """Primary and unique keys that do not begin with the tenant, and references that could leave it."""
    wrong = []
    for table in tables:
        if table.name in OTHER_KEYS:
            continue
        tenant = TENANT if "organization_id" in table.c else ATHLETE
        unique = [list(index.columns) for index in table.indexes if index.unique]
        unique += [list(each.columns) for each in table.constraints if isinstance(each, sa.UniqueConstraint)]
        for key in [list(table.primary_key.columns), *unique]:
            names = tuple(column.name for column in key)
            if names[: len(tenant)] != tenant:
                wrong.append(f"{table.name} has the key {names}")
        for reference in table.foreign_key_constraints:
            pairs = [(element.parent.name, element.target_fullname.partition(".")[2]) for element in reference.elements]
            if pairs[: len(tenant)] != [(name, name) for name in tenant]:
                wrong.append(f"{table.name} refers by {pairs}")
    return wrong


def failures(family: type[errors.Failure] = errors.Failure) -> Iterator[type[errors.Failure]]:
    """Every failure there is in ours."""
    for below in family.__subclasses__():
        if below.__module__.startswith("openintervals"):
            yield below
            yield from failures(below)


def test_every_setting_says_what_it_decides() -> None:
    assert not undocumented(Settings)


def test_a_setting_that_says_nothing_is_caught() -> None:
    class Bad(msgspec.Struct):
        port: int = 8000

    assert undocumented(Bad)


def test_every_scope_is_asked_for_and_every_scope_asked_for_exists() -> None:
    assert not misused_scopes(dialect.partner.operations, SCOPES)


@pytest.mark.parametrize("scopes", [[*SCOPES, "write:everything"], list(SCOPES)[1:]])
def test_an_idle_scope_and_an_unknown_one_are_caught(scopes: list[str]) -> None:
    assert misused_scopes(dialect.partner.operations, scopes)


def test_what_reads_takes_a_read_and_a_read_scope() -> None:
    assert not writes_by_reading(dialect.partner.operations)


def test_a_get_that_writes_is_caught() -> None:
    listing = next(operation for operation in dialect.partner.operations if operation.method == "GET")

    assert writes_by_reading([msgspec.structs.replace(listing, writes=True)])


def test_every_family_of_failures_has_a_status() -> None:
    assert not unanswered(failures(), dialect.STATUS)


def test_a_family_without_a_status_is_caught() -> None:
    class Exhausted(errors.Failure):
        code = "exhausted"

    assert unanswered([Exhausted], dialect.STATUS) == ["Exhausted"]


def test_the_tree_in_the_header_of_errors_names_every_family() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")

    assert drawn == [
        family.__name__ for family in errors.Failure.__subclasses__() if family.__module__ == errors.__name__
    ]


def test_every_failure_has_a_code_of_its_own_form() -> None:
    wrong = [failure.__name__ for failure in failures() if not re.fullmatch(r"[a-z]+(_[a-z]+)*", failure.code)]

    assert not wrong


def test_every_key_begins_with_the_tenant_and_no_reference_leaves_it() -> None:
    tables = all_tables().tables

    assert not loose_keys(tables.values())
    assert set(OTHER_KEYS) <= set(tables)


@pytest.mark.parametrize("tenant", [TENANT, ATHLETE])
def test_a_key_or_a_reference_across_tenants_is_caught(tenant: tuple[str, ...]) -> None:
    metadata = sa.MetaData()
    parent = sa.Table("parents", metadata, sa.Column("id", sa.Text, primary_key=True))
    child = sa.Table(
        "children",
        metadata,
        *(sa.Column(name, sa.Text) for name in (*tenant, "id", "slug", "parent_id")),
        sa.PrimaryKeyConstraint(*tenant, "id"),
        sa.ForeignKeyConstraint(["parent_id"], ["parents.id"]),
        sa.Index("uq_children_slug", "slug", unique=True),
    )

    found = loose_keys([parent, child])

    assert [problem.partition(" ")[0] for problem in found] == ["parents", "children", "children"]
