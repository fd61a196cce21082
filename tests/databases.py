"""Databases for tests, brought up to date, and looked at from outside."""

import hashlib
from typing import Any

import apsw
import psycopg
from sqlalchemy.schema import CreateIndex, CreateSequence, CreateTable

from openintervals.api import partner  # noqa: F401 — every table there is belongs to something it serves
from openintervals.db import schema, sqlite, statement
from openintervals.platform import journal
from openintervals.settings import Settings


def prepare(settings: Settings) -> None:
    """Make the tables in an empty database; one that has them stays as it is."""
    if settings.on_sqlite:
        settings.sqlite_path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite.connect(settings.sqlite_path)
        with connection:
            if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'organizations'").fetchall():
                for text in _definitions(statement._SQLITE):
                    connection.execute(text)
        connection.close()
    else:
        with psycopg.connect(settings.url) as connection_:
            if connection_.execute("SELECT to_regclass('organizations')").fetchone() == (None,):
                connection_.execute(str(CreateSequence(journal.NUMBERS).compile(dialect=statement._POSTGRES)))
                for text in _definitions(statement._POSTGRES):
                    connection_.execute(text.encode())


def _definitions(dialect: Any) -> list[str]:
    texts = []
    for table in schema.metadata.sorted_tables:
        texts.append(str(CreateTable(table).compile(dialect=dialect)))
        texts += [str(CreateIndex(index).compile(dialect=dialect)) for index in sorted(table.indexes, key=str)]
    return texts


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What a statement answers, over a connection of its own."""
    if url.startswith("sqlite"):
        connection = apsw.Connection(url.removeprefix("sqlite:///"), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()
    with psycopg.connect(url) as connection_:
        return connection_.execute(sql.encode()).fetchall()


def fingerprint(url: str, *, leave_out: tuple[str, ...] = ("rate_limits", "usage", "api_keys")) -> str:
    """A hash of everything in every table: equal means nothing was changed. Counts of requests are no change."""
    digest = hashlib.sha256()
    for table in schema.metadata.sorted_tables:
        if table.name not in leave_out:
            found = sorted(map(repr, rows(url, f'SELECT * FROM "{table.name}"')))
            digest.update(f"{table.name} {found}".encode())
    return digest.hexdigest()
