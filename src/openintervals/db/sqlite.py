"""SQLite through APSW: one writer, several readers, and commits that are shared.

Reads run in the event loop on read-only connections: a page is microseconds, less than a hop to a thread would cost.

Writes all go through one connection, one at a time, in the order they came. Each is a savepoint inside a transaction that
several share (**group commit**): while one commit is being flushed to disk in a thread, arriving writes queue; when it is
done, all that queued run and the next flush carries them together. A write answers only after its flush, successes and
refusals alike, since a refusal too may rest on what an earlier write of the group did. If the flush fails, everything in the
group fails and nothing of it is kept. A slow disk makes answers late, not few.

States of the writer: idle → collecting (BEGIN IMMEDIATE done, savepoints come and go) → flushing (COMMIT in the thread) → idle.
Invariants: at most one savepoint is open; nothing is acknowledged before `synchronous=FULL` has put it on disk.
When two come at once they take turns through a fair lock. Another process (the command line) may hold the write lock
meanwhile: we wait for it without blocking the loop, five seconds at most, then answer Busy.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import apsw

from openintervals import errors
from openintervals.db import failures
from openintervals.db.statement import Statement, converted
from openintervals.db.transaction import Apart, Asking, Read, Write

T = TypeVar("T")

OLDEST = (3, 51, 3)
WITHDRAWN = (3, 52, 0)
BUSY_WAIT_S = 5.0
WAITING_MOST = 2_000
READERS_KEPT = 8
SLICE_S = 0.005
MANY = 200
MAPPED_BYTES = 256 * 1024 * 1024
"""How much of the file readers see in place instead of copying it page by page; see docs/decisions/0022-readers-map-the-file.md."""


def refuse_old_library(version: str | None = None) -> None:
    """Raise UnusableDatabase when the SQLite linked here carries the WAL-reset corruption bug (fixed in 3.51.3)."""
    version = version or apsw.sqlite_lib_version()
    parts = tuple(int(part) for part in version.split("."))
    if parts < OLDEST or parts == WITHDRAWN:
        raise failures.UnusableDatabase(
            f"SQLite {version} can corrupt a database under load; install apsw 3.53 or newer, which brings a repaired one"
        )


def connect(path: Path, *, read_only: bool = False) -> apsw.Connection:
    """An own connection with the pragmas every one of ours has."""
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=500)
    connection.set_busy_timeout(int(BUSY_WAIT_S * 1000))
    if read_only:
        connection.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")
    else:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_size_limit=67108864")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


class SQLiteSession:
    """Statements on one connection, inside whatever transaction its owner opened. Long work lets others go on every few milliseconds."""

    __slots__ = ("_resumed", "apart", "connection", "noted", "statements")

    def __init__(self, connection: apsw.Connection, apart: Apart | None = None) -> None:
        self.connection = connection
        self.apart = apart or Apart()
        self.statements = 0
        self.noted: dict[str, Any] = {}
        self._resumed = time.monotonic()

    async def fetch(self, statement: Statement, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        compiled = statement.sqlite
        self.statements += 1
        if time.monotonic() - self._resumed > SLICE_S:
            await self._let_others_go_on()
        if compiled.fixed:
            parameters = {**compiled.fixed, **parameters}
        try:
            rows = self.connection.execute(compiled.sql, parameters).fetchall()
        except apsw.ConstraintError as refusal:
            raise _translate(refusal) from refusal
        if compiled.convert:
            return converted(rows, compiled.convert)
        return rows

    async def execute(self, statement: Statement, parameters: dict[str, Any]) -> int:
        compiled = statement.sqlite
        self.statements += 1
        if time.monotonic() - self._resumed > SLICE_S:
            await self._let_others_go_on()
        if compiled.fixed:
            parameters = {**compiled.fixed, **parameters}
        try:
            self.connection.execute(compiled.sql, parameters)
        except apsw.ConstraintError as refusal:
            raise _translate(refusal) from refusal
        return self.connection.changes()

    async def put_many(self, statement: Statement, rows: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(rows), MANY):
            if time.monotonic() - self._resumed > SLICE_S:
                await self._let_others_go_on()
            self.statements += 1
            compiled = statement.sqlite
            try:
                given = [{**compiled.fixed, **row} for row in rows[start : start + MANY]]
                self.connection.executemany(compiled.sql, given).fetchall()  # the next row runs when asked for
            except apsw.ConstraintError as refusal:
                raise _translate(refusal) from refusal

    async def put(self, statement: Statement, parameters: dict[str, Any]) -> None:
        if await self.execute(statement, parameters) != 1:
            raise failures.RuleBroken

    async def put_any(self, statement: Statement, parameters: dict[str, Any]) -> None:
        await self.execute(statement, parameters)

    async def _let_others_go_on(self) -> None:
        """Give the loop a turn: reads have connections of their own, and other writes wait for this one to end."""
        await asyncio.sleep(0)
        self._resumed = time.monotonic()


def _translate(refusal: apsw.ConstraintError) -> failures.Duplicate | failures.RuleBroken:
    unique = (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY)
    return failures.Duplicate() if getattr(refusal, "extendedresult", 0) in unique else failures.RuleBroken()


class SQLite:
    """One database file, served by this process. Open with `open`, close with `close`."""

    kind = "sqlite"

    def __init__(self, path: Path, *, commit_group: int = 256) -> None:
        refuse_old_library()
        self.path = path
        self._commit_group = commit_group
        self._readers: list[apsw.Connection] = []
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._group: list[asyncio.Future[None]] = []
        self._due: asyncio.Task[None] | None = None
        self._changes_before = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-commit")
        self._writer: apsw.Connection | None = None

    async def open(self) -> None:
        self._writer = connect(self.path)
        self._writer.set_busy_timeout(0)
        self._watcher = connect(self.path, read_only=True)
        self._file = _identity(self.path)

    async def close(self) -> None:
        """Finish the flush under way, then close every connection; the last one checkpoints the log."""
        async with self._turn:
            self._thread.shutdown(wait=True)
            for reader in self._readers:
                reader.close()
            self._readers.clear()
            self._watcher.close()
            if self._writer is not None:
                with contextlib.suppress(apsw.Error):
                    self._writer.close()
                self._writer = None

    def state(self) -> int:
        """A number that changes when anybody commits anything: this process or another."""
        try:
            [(version,)] = self._watcher.execute("PRAGMA data_version").fetchall()
        except apsw.Error as problem:
            raise _as_failure(problem) from None
        assert isinstance(version, int)
        return version

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        self._refuse_replaced_file()
        reader = self._take_reader()
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        self._readers.append(reader)

    async def read(self, asking: Asking, work: Callable[[Read], Awaitable[T]], *, snapshot: bool = True) -> T:
        """Run `work` on one snapshot. `snapshot=False` when it makes a single statement, which is its own snapshot."""
        reader = self._take_reader()
        try:
            if not snapshot:
                return await work(Read(SQLiteSession(reader), asking))
            reader.execute("BEGIN")
            try:
                return await work(Read(SQLiteSession(reader), asking))
            finally:
                reader.execute("ROLLBACK")
        except (apsw.IOError, apsw.CantOpenError) as problem:
            raise _as_failure(problem) from None
        finally:
            if len(self._readers) < READERS_KEPT:
                self._readers.append(reader)
            else:
                reader.close()

    def _refuse_replaced_file(self) -> None:
        """Raise Unavailable when the file was deleted or replaced under us: what we wrote would go where nobody finds it."""
        if _identity(self.path) != self._file:
            raise failures.FileReplaced

    def _take_reader(self) -> apsw.Connection:
        return self._readers.pop() if self._readers else connect(self.path, read_only=True)

    async def write(self, asking: Asking, work: Callable[[Write], Awaitable[T]]) -> T:
        """Run `work` in its savepoint, and return only when the commit that carries it is on disk."""
        return await Apart().let(lambda apart: self._written(asking, work, apart))

    async def _written(self, asking: Asking, work: Callable[[Write], Awaitable[T]], apart: Apart) -> T:
        if self._waiting >= WAITING_MOST:
            raise failures.Busy
        give_up = time.monotonic() + BUSY_WAIT_S  # counted from here: those who queue do not wait one after another
        self._waiting += 1
        try:
            await self._take_turn()
        finally:
            self._waiting -= 1
        problem: Exception | None = None
        try:
            writer = await self._begun(give_up)
            try:
                result = await self._in_savepoint(writer, asking, work, apart)
            except Exception as raised:  # noqa: BLE001 — kept, and raised below once the group is on disk
                problem = _as_failure(raised)
            except BaseException:  # cancelled: what was begun must not stay open until somebody else writes
                self._join_group()
                raise
            if not writer.in_transaction:
                # SQLite has ended the transaction by itself, as it may on a full disk: whoever wrote in it has written nothing.
                # They must hear of it now; the next BEGIN would make their loss look like a commit.
                self._tell_group(problem or failures.Busy())
                raise problem or failures.Busy()
            committed = self._join_group()
        finally:
            self._turn.release()
        await asyncio.shield(committed)
        if problem is not None:
            raise problem
        return result

    async def _take_turn(self) -> None:
        """Wait for the writer. A group that is full is flushed first: its flush waits for its turn already, so we go behind it."""
        while True:
            await self._turn.acquire()
            if len(self._group) < self._commit_group:
                return
            self._turn.release()
            await asyncio.sleep(0)

    async def _begun(self, give_up: float) -> apsw.Connection:
        """The writer, inside a transaction; waits for other processes without blocking the loop."""
        writer = self._writer
        assert writer is not None, "the database is not open"
        if not writer.in_transaction:
            pause = 0.001
            assert not self._group, "a group must be told before another begins"
            self._refuse_replaced_file()
            while True:
                try:
                    writer.execute("BEGIN IMMEDIATE")
                    self._changes_before = writer.total_changes()
                    break
                except apsw.BusyError:
                    if time.monotonic() > give_up:
                        raise failures.Busy from None
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 0.05)
        return writer

    async def _in_savepoint(
        self, writer: apsw.Connection, asking: Asking, work: Callable[[Write], Awaitable[T]], apart: Apart
    ) -> T:
        writer.execute("SAVEPOINT request")
        try:
            result = await work(Write(SQLiteSession(writer, apart), asking))
        except BaseException:
            # A full disk can end the whole transaction by itself; then there is nothing left to take back here.
            if writer.in_transaction:
                writer.execute("ROLLBACK TO request")
                writer.execute("RELEASE request")
            raise
        writer.execute("RELEASE request")
        return result

    def _join_group(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        self._group.append(committed)
        if self._due is None:
            # The flush asks for its turn now, behind the writes that are already waiting: those share it.
            self._due = loop.create_task(self._flush_when_due())
        return committed

    async def _flush_when_due(self) -> None:
        """COMMIT what the group wrote and tell everyone in it. A task of its own: no request's end can interrupt it."""
        async with self._turn:
            self._due = None
            writer = self._writer
            if not self._group or writer is None:
                return
            problem: Exception | None = None
            try:
                if writer.total_changes() == self._changes_before:
                    writer.execute("COMMIT")  # refusals alone: nothing to put on disk
                else:
                    await asyncio.get_running_loop().run_in_executor(self._thread, writer.execute, "COMMIT")
            except Exception as raised:  # noqa: BLE001 — handed to everyone in the group
                problem = _as_failure(raised)
                with contextlib.suppress(apsw.Error):
                    if writer.in_transaction:
                        writer.execute("ROLLBACK")
            finally:
                self._tell_group(problem)

    def _tell_group(self, problem: Exception | None) -> None:
        group, self._group = self._group, []
        for committed in group:
            if committed.done():
                continue
            if problem is None:
                committed.set_result(None)
            else:
                committed.set_exception(problem)
                committed.exception()  # a client that went away leaves nobody to look at it


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _as_failure(problem: Exception) -> Exception:
    """A disk that is full or gone is a state of the world, not a fault of the program."""
    if isinstance(problem, apsw.FullError | apsw.IOError | apsw.ReadOnlyError | apsw.CantOpenError):
        failure = errors.Unavailable(
            "The disk failed or is full, so nothing was changed; the operator's log says why", retry_after_s=30
        )
        failure.__cause__ = problem
        return failure
    return problem
