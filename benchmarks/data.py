"""The content that every contestant holds: made up, and the same on every machine and in every run.

100,000 events in 10 organizations, dealt in turn, so that a page of one organization's events is spread
over the whole table; 200 runs without a cap, on the first organization's newest events, for the
registration benchmark; and, for the pages benchmark, one event with 1,000,000 registrations.

Ids look as the server's own do: a letter, ten base32 characters of time, ten of (here: seeded) noise.
Everything is a pure function of its number, so a benchmark can name the id a page must begin with without
asking the server.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import apsw
import psycopg
from psycopg import sql

ORGANIZATIONS = 10
EVENTS = 100_000
RUNS = 200
REGISTRATIONS = 1_000_000

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
_STEP_MS = 1_000
_TYPES = ("race", "runClub", "timeTrial", "other")
_PLACES = (
    "Lakefront",
    "Northshore",
    "Harbour",
    "Old Mill",
    "Riverside",
    "Castle Hill",
    "Forest Gate",
    "Quarry",
)
_KINDS = ("5K", "10K", "Half Marathon", "Tempo Club", "Track Night", "Relay", "Trail 12K")


class Event(NamedTuple):
    """An event; `organization` is a number below ORGANIZATIONS, whose ids each contestant has of its own."""

    id: str
    organization: int
    name: str
    slug: str
    type: str
    date: str
    start_time: str | None
    address: str | None
    lat: float | None
    lng: float | None
    description: str | None
    website_url: str | None
    registration_url: str | None
    created_at: datetime


class Run(NamedTuple):
    """A distance of an event, with no cap and no registration window."""

    id: str
    event_id: str
    date: str
    start_time: str
    created_at: datetime


class Registration(NamedTuple):
    id: str
    event_id: str
    run_id: str
    email: str
    name: str
    created_at: datetime


def _base32(value: int, width: int) -> str:
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(5 * (width - 1), -1, -5))


def _created(number: int) -> datetime:
    return _BEGIN + timedelta(milliseconds=number * _STEP_MS)


def _id(kind: str, number: int) -> str:
    noise = int.from_bytes(hashlib.blake2b(f"{kind}{number}".encode(), digest_size=8).digest(), "big")
    return kind + _base32(int(_created(number).timestamp() * 1000), 10) + _base32(noise & ((1 << 50) - 1), 10)


def organization_id(number: int) -> str:
    """The id a yardstick gives an organization; our server makes its own."""
    return _id("k", number)


def event_id(number: int) -> str:
    return _id("e", number)


def registration_id(number: int) -> str:
    return _id("p", number)


def newest_event_id(organization: int) -> str:
    """The id that the first page of an organization's events begins with."""
    return event_id(EVENTS - ORGANIZATIONS + organization)


def events() -> Iterator[Event]:
    """All events, oldest first. Optional fields are there for some and absent for others, as in life."""
    for number in range(EVENTS):
        day = date(2025, 1, 1) + timedelta(days=number // 60)
        name = f"{_PLACES[number // 10 % len(_PLACES)]} {_KINDS[number // 10 % len(_KINDS)]}"
        slug = f"{name.lower().replace(' ', '-')}-{number}"
        turn = number // ORGANIZATIONS
        yield Event(
            id=event_id(number),
            organization=number % ORGANIZATIONS,
            name=f"{name} - {day:%B} {day.day}",
            slug=slug,
            type=_TYPES[turn % len(_TYPES)],
            date=day.isoformat(),
            start_time=f"{6 + turn % 14:02}:{turn % 4 * 15:02}" if turn % 5 else None,
            address='{"street":"1 Pier Road","city":"Northport"}' if turn % 6 == 0 else None,
            lat=41.5 + turn % 1000 / 1000 if turn % 3 == 0 else None,
            lng=-87.5 - turn % 1000 / 1000 if turn % 3 == 0 else None,
            description=f"Flat and fast along the {name} course." if turn % 4 == 0 else None,
            website_url=f"https://races.example/{slug}" if turn % 8 == 0 else None,
            registration_url=f"https://signup.example/{slug}" if turn % 16 == 0 else None,
            created_at=_created(number),
        )


def runs() -> Iterator[Run]:
    """One run on each of the first organization's newest RUNS events."""
    first = EVENTS - RUNS * ORGANIZATIONS
    for number in range(first, EVENTS, ORGANIZATIONS):
        yield Run(_id("r", number), event_id(number), "2035-06-01", "09:00", _created(number))


def run_ids() -> list[str]:
    return [run.id for run in runs()]


def registrations() -> Iterator[Registration]:
    """REGISTRATIONS registrations, oldest first, all of the last run."""
    *_, run = runs()
    for number in range(REGISTRATIONS):
        yield Registration(
            id=registration_id(number),
            event_id=run.event_id,
            run_id=run.id,
            email=f"runner{number}@example.com",
            name=f"Runner {number}",
            created_at=_created(number),
        )


def insert_sqlite(path: str, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows into a SQLite file, in one transaction, through one prepared statement."""
    connection = apsw.Connection(path)
    try:
        with connection:
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows
            )
    finally:
        connection.close()


def execute_sqlite(path: str, statement: str) -> None:
    connection = apsw.Connection(path)
    try:
        connection.execute(statement)
    finally:
        connection.close()


def count_sqlite(path: str, table: str) -> int:
    connection = apsw.Connection(path)
    try:
        [(count,)] = connection.execute(f"SELECT count(*) FROM {table}")
    finally:
        connection.close()
    return int(count)


def settle_sqlite(path: str, *, analyze: bool = True) -> None:
    """After filling: give the planner its statistics, unless they are fixed already, and leave no log behind."""
    connection = apsw.Connection(path)
    try:
        if analyze:
            connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def insert_postgres(url: str, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Copy rows into a PostgreSQL table."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with psycopg.connect(url) as connection, connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def execute_postgres(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


def settle_postgres(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
