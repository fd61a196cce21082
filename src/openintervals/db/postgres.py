"""PostgreSQL through psycopg 3: a pool, a transaction per request, as many processes as wanted.

Writes run at READ COMMITTED: an operation takes the row lock that orders it (`FOR UPDATE`, or a conditional UPDATE) first, and
sees the latest committed rows afterwards. Reads run at REPEATABLE READ, READ ONLY: a snapshot.
When two come at once the row lock decides. A deadlock or a serialization failure is retried as a whole transaction, five times at most, with jitter;
an operation therefore must have no effect outside its transaction.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
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

    __slots__ = ("connection", "statements")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.statements = 0

    async def fetch(self, statement: Statement, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        compiled = statement.postgres
        rows = await (await self._run(compiled.sql, {**compiled.fixed, **parameters})).fetchall()
        if compiled.convert:
            return converted(rows, compiled.convert)
        return rows

    async def execute(self, statement: Statement, parameters: dict[str, Any]) -> int:
        compiled = statement.postgres
        return (await self._run(compiled.sql, {**compiled.fixed, **parameters})).rowcount

    async def _run(self, sql: str, parameters: dict[str, Any]) -> psycopg.AsyncCursor[tuple[Any, ...]]:
        self.statements += 1
        try:
            return await self.connection.execute(cast("Any", sql), parameters, prepare=True)
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
        await connection.execute("BEGIN")
        try:
            result = await work(Write(PostgresSession(connection), asking))
        except BaseException:
            await connection.execute("ROLLBACK")
            raise
        await connection.execute("COMMIT")
        return result


async def _configure(connection: Connection) -> None:
    await connection.set_autocommit(True)
    await connection.execute(f"SET lock_timeout = '{LOCK_WAIT_S}s'")
    await connection.execute("SET statement_timeout = '30s'")
    await connection.execute("SET idle_in_transaction_session_timeout = '60s'")
    await connection.execute("SET timezone = 'UTC'")
