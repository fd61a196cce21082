"""PostgreSQL through psycopg 3: a pool, a transaction per request, as many processes as wanted.

Writes run at READ COMMITTED: an operation takes the row lock that orders it (`FOR UPDATE`, or a conditional UPDATE) first, and
sees the latest committed rows afterwards. Reads run at REPEATABLE READ, READ ONLY: a snapshot.
When two come at once the row lock decides. A deadlock or a serialization failure is retried as a whole transaction, five times at most, with jitter;
an operation therefore must have no effect outside its transaction.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from openintervals.db import failures
from openintervals.db.statement import Statement, converted
from openintervals.db.transaction import Asking, Read, Write

T = TypeVar("T")
Connection = psycopg.AsyncConnection[tuple[Any, ...]]

TRIES = 5
LOCK_WAIT_S = 10
WAITING_MOST = 2_000


class PostgresSession:
    """Statements on one pooled connection."""

    __slots__ = ("_pipeline", "_unseen", "connection", "statements")

    def __init__(self, connection: Connection, pipeline: psycopg.AsyncPipeline | None = None) -> None:
        self.connection = connection
        self.statements = 0
        self._pipeline = pipeline
        self._unseen: list[psycopg.AsyncCursor[tuple[Any, ...]]] = []

    async def fetch(self, statement: Statement, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        compiled = statement.postgres
        with _translated():
            rows = await (await self._run(compiled.sql, {**compiled.fixed, **parameters})).fetchall()
        if compiled.convert:
            return converted(rows, compiled.convert)
        return rows

    async def execute(self, statement: Statement, parameters: dict[str, Any]) -> int:
        compiled = statement.postgres
        cursor = await self._run(compiled.sql, {**compiled.fixed, **parameters})
        await self._seen()
        return cursor.rowcount

    async def put(self, statement: Statement, parameters: dict[str, Any]) -> None:
        compiled = statement.postgres
        self._unseen.append(await self._run(compiled.sql, {**compiled.fixed, **parameters}))

    async def settle(self) -> None:
        """Wait for what was put, and look at it. Raises RuleBroken when a statement did not change its one row."""
        if self._unseen:
            await self._seen()
            if any(cursor.rowcount != 1 for cursor in self._unseen):
                raise failures.RuleBroken
            self._unseen.clear()

    async def _seen(self) -> None:
        """In a pipeline results come when asked for."""
        if self._pipeline is not None:
            with _translated():
                await self._pipeline.sync()

    async def _run(self, sql: str, parameters: dict[str, Any]) -> psycopg.AsyncCursor[tuple[Any, ...]]:
        self.statements += 1
        with _translated():
            return await self.connection.execute(cast("Any", sql), parameters, prepare=True)


@contextmanager
def _translated() -> Iterator[None]:
    """What the database refuses, in our words."""
    try:
        yield
    except psycopg.errors.UniqueViolation as refusal:
        raise failures.Duplicate from refusal
    except psycopg.errors.IntegrityError as refusal:
        raise failures.RuleBroken from refusal
    except psycopg.errors.LockNotAvailable as refusal:
        raise failures.Busy from refusal


class Postgres:
    """One database on a PostgreSQL server. Open with `open`, close with `close`."""

    kind = "postgres"

    def __init__(self, url: str, *, pool: int = 10) -> None:
        self.url = url
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=min(2, pool),
            max_size=pool,
            max_waiting=WAITING_MOST,
            timeout=LOCK_WAIT_S,
            open=False,
            configure=_configure,
            name="openintervals",
        )

    async def open(self) -> None:
        try:
            await self._pool.open(wait=True, timeout=10)
        except PoolTimeout:
            await self._pool.close()
            raise failures.UnusableDatabase(
                "PostgreSQL does not answer; check OPENINTERVALS_DATABASE_URL and that the server is running"
            ) from None

    async def close(self) -> None:
        await self._pool.close(timeout=5)

    def state(self) -> int:
        """Always the same: that something was committed costs a round trip to know."""
        return 0

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        async with self._pool.connection(timeout=2) as connection:
            await connection.execute("SELECT 1")

    async def read(self, asking: Asking, work: Callable[[Read], Awaitable[T]], *, snapshot: bool = True) -> T:
        """Run `work` on one snapshot. `snapshot=False` when it makes a single statement, which is its own snapshot."""
        try:
            async with self._pool.connection() as connection:
                session = PostgresSession(connection)
                if not snapshot:
                    return await work(Read(session, asking))
                await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                try:
                    return await work(Read(session, asking))
                finally:
                    await connection.execute("ROLLBACK")
        except (psycopg.OperationalError, PoolTimeout, TooManyRequests) as problem:
            raise failures.Busy from problem

    async def write(self, asking: Asking, work: Callable[[Write], Awaitable[T]]) -> T:
        """Run `work` in a transaction and commit it; returns when the commit is on disk."""
        for attempt in range(1, TRIES + 1):
            try:
                async with self._pool.connection() as connection:
                    return await self._once(connection, asking, work)
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected) as problem:
                if attempt == TRIES:
                    raise failures.Busy from problem
                await asyncio.sleep(random.uniform(0.005, 0.02) * attempt)  # noqa: S311 — jitter, no secret
            except (psycopg.OperationalError, PoolTimeout, TooManyRequests) as problem:
                raise failures.Busy from problem
        raise failures.Busy

    async def _once(self, connection: Connection, asking: Asking, work: Callable[[Write], Awaitable[T]]) -> T:
        # In a pipeline statements leave without waiting for the ones before: BEGIN travels with the first question,
        # and what was `put` travels together. Whether all of it went well is known before COMMIT is sent.
        try:
            async with connection.pipeline() as pipeline:
                await connection.execute("BEGIN")
                session = PostgresSession(connection, pipeline)
                result = await work(Write(session, asking))
                await session.settle()
                await connection.execute("COMMIT")
        except BaseException:
            await connection.execute("ROLLBACK")
            raise
        return result


async def _configure(connection: Connection) -> None:
    await connection.set_autocommit(True)
    await connection.execute(f"SET lock_timeout = '{LOCK_WAIT_S}s'")
    await connection.execute("SET statement_timeout = '30s'")
    await connection.execute("SET idle_in_transaction_session_timeout = '60s'")
    await connection.execute("SET timezone = 'UTC'")
