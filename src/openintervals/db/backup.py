"""Backups of an SQLite database: taken while it is served, whole, and tried before anybody relies on them.

A backup is one file that needs nothing beside it. It is the state of one moment: a read transaction holds that snapshot while SQLite's
backup API copies it page by page, and the server's writes go on meanwhile. It is written beside its
place under another name, checked, flushed, and then renamed, so what carries the name is complete.
Restoring is the way back: the file is checked and copied over the database while nothing serves it.
When two are taken at once to one place, each is whole and the last one stays.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import apsw

from openintervals.db.failures import UnusableDatabase

PAGES_A_STEP = 2_000


def place_for(database: Path, why: str, now: datetime) -> Path:
    """Where our own backups go: `backups/` beside the database, named for the reason and the moment."""
    return database.parent / "backups" / f"{database.stem}-{why}-{now:%Y%m%dT%H%M%S%fZ}.db"


def take(database: Path, to: Path, progress: Callable[[int, int], None] | None = None) -> Path:
    """Copy `database`, which may be in use, to the file `to`; gives `to`. `progress(done, total)` counts pages."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_RDWR | os.O_CREAT, 0o600))
    try:
        source = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
        copy = apsw.Connection(str(part))
        try:
            source.set_busy_timeout(5_000)
            _copy(source, copy, progress)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it
            _refuse_damaged(copy, database, thorough=False)
        finally:
            copy.close()
            source.close()
        _flush(part)
        part.replace(to)
        _flush(to.parent)
    finally:
        part.unlink(missing_ok=True)
    return to


def _copy(source: apsw.Connection, copy: apsw.Connection, progress: Callable[[int, int], None] | None) -> None:
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # the snapshot begins with the first read
    try:
        with copy.backup("main", source, "main") as running:
            while not running.done:
                running.step(PAGES_A_STEP)
                if progress is not None:
                    progress(running.page_count - running.remaining, running.page_count)
    finally:
        source.execute("ROLLBACK")


def check(path: Path) -> None:
    """Raise UnusableDatabase unless `path` is an undamaged database."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        _refuse_damaged(connection, path, thorough=True)
    finally:
        connection.close()


def _refuse_damaged(connection: apsw.Connection, path: Path, *, thorough: bool) -> None:
    pragma = "PRAGMA integrity_check(1)" if thorough else "PRAGMA quick_check(1)"
    found = connection.execute(pragma).fetchall()
    if found != [("ok",)]:
        raise UnusableDatabase(f"{path} is damaged ({' '.join(str(found[0][0]).split())}), so it was not used")


def set_aside(database: Path, to: Path) -> None:
    """Move a database nobody uses to `to`, with what its log still holds."""
    try:
        take(database, to)
    except (apsw.Error, UnusableDatabase):  # it may be damaged: that is why it is being replaced
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for suffix in ("", "-wal"):
            if (part := database.with_name(database.name + suffix)).exists():
                part.rename(to.with_name(to.name + suffix))


def restore(backup: Path, database: Path) -> None:
    """Put a copy of `backup` in the place of `database`. The caller has checked it and holds the right to serve."""
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = database.with_name(f".{database.name}.{os.getpid()}.part")
    try:
        take(backup, part)
        # The log belongs to the old database; beside the new one it would be taken for its own.
        for suffix in ("-wal", "-shm", "-journal"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        part.replace(database)
        _flush(database.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def right_to_serve(database: Path) -> Iterator[None]:
    """Hold the right to serve an SQLite database, which one process has at a time. Raises UnusableDatabase.

    The right is a lock on a file beside the database; it ends with the process, however that ends.
    """
    descriptor = os.open(database.with_name(database.name + "-serving"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            who = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            raise UnusableDatabase(
                f"{database} is being served already, by process {who}; stop that one first"
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
