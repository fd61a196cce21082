"""The state of a database, and the way to the present one: forward only, the same revisions on both databases.

    nothing → 0001 → … → HEAD

Alembic writes the SQL of every step from `migrations/` (its offline mode) and the drivers that serve run it here, in one transaction: a
migration happens or it does not. Two that migrate at once take turns, SQLite at `BEGIN IMMEDIATE` and PostgreSQL at an
advisory lock, and the second finds nothing left to do. Revisions are numbered, so older and newer are told apart, without
Alembic, by reading one row; an ordinary start reads that row and nothing else.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import apsw
import psycopg

from openintervals.db import backup, sqlite, statistics
from openintervals.db.failures import UnusableDatabase
from openintervals.settings import Settings

HEAD = "0005"

_PACKAGED = Path(__file__).parent.parent / "migrations"
FOLDER = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[3] / "migrations"
_LOCK = 0x6F70656E696E74  # "openint": what migrators of one PostgreSQL database queue at


class Migrated(NamedTuple):
    """What a migration did: the revision before (None for a new database) and after, and the backup it took first."""

    before: str | None
    after: str
    backup: Path | None = None


def ensure_current(settings: Settings, *, upgrade_older: bool = False) -> None:
    """Make sure that the database can be used as it is.

    An SQLite database that does not exist is made; an older one is upgraded when asked. Raises UnusableDatabase for anything else.
    """
    revision = present(settings)
    if revision == HEAD:
        return
    refuse_newer(revision)
    if settings.on_sqlite and (revision is None or upgrade_older):
        upgrade(settings)
    elif revision is None:
        raise UnusableDatabase("This PostgreSQL database is not set up yet; run `openintervals migrate` first")
    else:
        raise UnusableDatabase(
            f"The database has revision {revision} and this version needs {HEAD}; run `openintervals migrate` first"
        )


def present(settings: Settings) -> str | None:
    """The database's revision; None when there is nothing in it yet. Raises UnusableDatabase."""
    if not settings.on_sqlite:
        with _postgres(settings.url) as connection:
            return _postgres_revision(connection)
    if not settings.sqlite_path.exists():
        return None
    with sqlite_problems(settings.sqlite_path):
        found = sqlite.connect(settings.sqlite_path, read_only=True)
        try:
            return sqlite_revision(found, settings.sqlite_path)
        finally:
            found.close()


def upgrade(settings: Settings) -> Migrated:
    """Bring the database to HEAD; an SQLite one that holds data is backed up first. Raises UnusableDatabase."""
    return _upgrade_sqlite(settings.sqlite_path) if settings.on_sqlite else _upgrade_postgres(settings.url)


def statements(database: str, start: str | None) -> tuple[str, ...]:
    """The SQL from revision `start` to HEAD for `sqlite` or `postgresql`, which also notes the new revision."""
    return _written(database, start, HEAD, FOLDER)


@cache
def _written(database: str, start: str | None, head: str, folder: Path) -> tuple[str, ...]:
    from alembic import command  # noqa: PLC0415 — costs a third of a second, and a current database never needs it
    from alembic.config import Config  # noqa: PLC0415 — the same

    written = _Written()
    config = Config(output_buffer=written)  # type: ignore[arg-type]  # Alembic only writes and flushes
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["database"] = database
    command.upgrade(config, f"{start}:{head}" if start else head, sql=True)
    return tuple(written.statements)


class _Written:
    """Stands for the file Alembic writes to: each write is one statement, or a comment."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def write(self, text: str) -> None:
        if not text.startswith("--"):
            self.statements.append(text.strip())

    def flush(self) -> None:
        """Nothing is held back."""


def refuse_newer(revision: str | None) -> None:
    """Raise UnusableDatabase for a revision this version does not know."""
    if revision is not None and revision > HEAD:
        raise UnusableDatabase(
            f"The database was made by a newer version (revision {revision}; this version knows {HEAD}); "
            "install that version, or restore an older backup"
        )


def _upgrade_sqlite(path: Path) -> Migrated:
    sqlite.refuse_old_library()
    with sqlite_problems(path):
        make_private(path)
        connection = sqlite.connect(path)
        try:
            before = sqlite_revision(connection, path)
            refuse_newer(before)
            if before == HEAD:
                return Migrated(before, HEAD)
            kept = backup.take(path, backup.place_for(path, f"revision-{before}", _now())) if before else None
            connection.execute("PRAGMA foreign_keys=OFF")  # tables may be rebuilt; the check below takes its place
            connection.execute("BEGIN IMMEDIATE")
            with connection_transaction(connection):
                if sqlite_revision(connection, path) == before:  # nobody else did it while we waited
                    for statement in statements("sqlite", before):
                        connection.execute(statement)
                    if connection.execute("PRAGMA foreign_key_check").fetchall():
                        raise UnusableDatabase("The migration would leave broken references, so nothing was changed")
                    statistics.write(connection)
            return Migrated(before, HEAD, kept)
        finally:
            connection.close()


def _upgrade_postgres(url: str) -> Migrated:
    with _postgres(url) as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        before = _postgres_revision(connection)
        refuse_newer(before)
        if before != HEAD:
            for statement in statements("postgresql", before):
                connection.execute(statement.encode())
        return Migrated(before, HEAD)


@contextmanager
def connection_transaction(connection: apsw.Connection) -> Iterator[None]:
    """Commit what the block did in the transaction that is open, or take it back."""
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def _postgres(url: str) -> Iterator[psycopg.Connection]:
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as problem:
        why = str(problem).strip().splitlines()[0].rstrip(".")
        raise UnusableDatabase(f"PostgreSQL cannot be reached, check the database URL: {why}") from None
    try:
        yield connection
    finally:
        connection.close()


def _postgres_revision(connection: psycopg.Connection) -> str | None:
    if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def sqlite_revision(connection: apsw.Connection, path: Path) -> str | None:
    """The revision of an open SQLite database, None for an empty one. Raises UnusableDatabase for somebody else's."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "alembic_version" in tables:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None
    if tables:
        raise UnusableDatabase(f"{path} is no database of Open Intervals; choose another file or folder")
    return None


@contextmanager
def sqlite_problems(path: Path) -> Iterator[None]:
    """What SQLite and the file system refuse about `path`, as one sentence."""
    try:
        yield
    except apsw.NotADBError:
        raise UnusableDatabase(f"{path} is no SQLite database; choose another file or folder") from None
    except apsw.CorruptError:
        raise UnusableDatabase(f"{path} is damaged; restore a backup with `openintervals restore`") from None
    except apsw.BusyError:
        raise UnusableDatabase(f"{path} is being changed by another program; try again when that is done") from None
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.IOError, apsw.FullError) as problem:
        raise UnusableDatabase(f"{path} cannot be opened and written: {problem}") from None
    except OSError as problem:
        raise UnusableDatabase(f"{path} cannot be opened and written: {os.strerror(problem.errno or 0)}") from None


def make_private(path: Path) -> None:
    """Make the folder and the file of a new database, readable for their owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _now() -> datetime:
    return datetime.now(UTC)
