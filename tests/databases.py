"""Databases for tests, brought up to date, and looked at from outside."""

import hashlib
from collections.abc import Sequence
from typing import Any

import apsw
import psycopg

from openintervals.api import partner  # noqa: F401 — every table there is belongs to something it serves
from openintervals.db import migrate, schema
from openintervals.settings import Settings


def prepare(settings: Settings) -> None:
    """Make an empty database what the server needs; one that is so already stays as it is."""
    migrate.upgrade(settings)


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What a statement answers, over a connection of its own."""
    return answers(url, [sql])[0]


def answers(url: str, statements: Sequence[str]) -> list[list[tuple[Any, ...]]]:
    """What several statements answer, over one connection of their own."""
    if url.startswith("sqlite"):
        connection = apsw.Connection(url.removeprefix("sqlite:///"), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return [connection.execute(sql).fetchall() for sql in statements]
        finally:
            connection.close()
    with psycopg.connect(url) as connection_:
        return [connection_.execute(sql.encode()).fetchall() for sql in statements]


def fingerprint(url: str, *, leave_out: tuple[str, ...] = ("rate_limits", "usage", "api_keys")) -> str:
    """A hash of everything in every table: equal means nothing was changed. Counts of requests and places in the feed are no change."""
    places = schema.metadata.tables["journal"].c.position
    statements = []
    for table in schema.metadata.sorted_tables:
        if table.name not in (*leave_out, "feeds"):
            names = ", ".join(f'"{column.name}"' for column in table.columns if column is not places)
            statements.append(f'SELECT {names} FROM "{table.name}"')
    found = answers(url, statements)
    return hashlib.sha256(repr([sorted(map(repr, lines)) for lines in found]).encode()).hexdigest()
