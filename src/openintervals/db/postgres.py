"""PostgreSQL through psycopg 3: a pool, a transaction per request, as many processes as wanted.

Writes run at READ COMMITTED: an operation takes the row lock that orders it (`FOR UPDATE`, or a conditional UPDATE) first, and
sees the latest committed rows afterwards. Reads run at REPEATABLE READ, READ ONLY: a snapshot.
When two come at once the row lock decides. A deadlock or a serialization failure is retried as a whole transaction, five times at most, with jitter;
an operation therefore must have no effect outside its transaction.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import lru_cache
from typing import Any, TypeVar, cast

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from openintervals.db import failures
from openintervals.db.statement import Statement, converted
from openintervals.db.transaction import Apart, Asking, Read, Tenant, Write

T = TypeVar("T")
Connection = psycopg.AsyncConnection[tuple[Any, ...]]

TRIES = 5
LOCK_WAIT_S = 10
WAITING_MOST = 2_000
STATEMENTS_PREPARED_MOST = 1_000


class PostgresSession:
    """Statements on one pooled connection.

    What is `put` waits, and leaves as one statement before the next question or the commit: a `WITH` of them all, which counts the rows
    each changed. The parts of such a statement do not see each other, so no table is in it twice.
    """

    __slots__ = ("_tables", "_waiting", "apart", "connection", "noted", "statements")

    def __init__(self, connection: Connection, apart: Apart | None = None) -> None:
        self.connection = connection
        self.apart = apart or Apart()
        self.statements = 0
        self.noted: dict[str, Any] = {}
        self._waiting: list[tuple[Statement, dict[str, Any], bool]] = []
        self._tables: set[str] = set()

    async def fetch(self, statement: Statement, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        if self._waiting:
            await self.settle()
        compiled = statement.postgres
        given = {**compiled.fixed, **parameters}
        rows = await (await self._run(compiled.sql, given, prepare=not statement.planned_anew)).fetchall()
        if compiled.convert:
            return converted(rows, compiled.convert)
        return rows

    async def execute(self, statement: Statement, parameters: dict[str, Any]) -> int:
        if self._waiting:
            await self.settle()
        compiled = statement.postgres
        return (await self._run(compiled.sql, {**compiled.fixed, **parameters})).rowcount

    async def put(self, statement: Statement, parameters: dict[str, Any]) -> None:
        await self._keep(statement, parameters, one=True)

    async def put_any(self, statement: Statement, parameters: dict[str, Any]) -> None:
        await self._keep(statement, parameters, one=False)

    async def _keep(self, statement: Statement, parameters: dict[str, Any], *, one: bool) -> None:
        if statement.table in self._tables:
            await self.settle()
        self._tables.add(statement.table)
        self._waiting.append((statement, parameters, one))

    async def put_many(self, statement: Statement, rows: Sequence[dict[str, Any]]) -> None:
        if self._waiting:
            await self.settle()
        compiled = statement.postgres
        self.statements += 1
        with _translated():
            async with self.connection.cursor() as cursor:
                await cursor.executemany(cast("Any", compiled.sql), [{**compiled.fixed, **row} for row in rows])

    async def settle(self) -> None:
        """Send what waits. Raises RuleBroken when a part that must change one row did not."""
        waiting, self._waiting = self._waiting, []
        self._tables.clear()
        if waiting:
            parameters: dict[str, Any] = {}
            for number, (statement, given, _) in enumerate(waiting):
                for name, value in {**statement.postgres.fixed, **given}.items():
                    parameters[f"{name}_{number}"] = value
            together = _together(tuple(statement for statement, _, _ in waiting))
            [changed] = await (await self._run(together, parameters)).fetchall()
            if any(number != 1 for number, (_, _, one) in zip(changed, waiting, strict=True) if one):
                raise failures.RuleBroken

    async def _run(
        self, sql: str, parameters: dict[str, Any], *, prepare: bool = True
    ) -> psycopg.AsyncCursor[tuple[Any, ...]]:
        self.statements += 1
        with _translated():
            return await self.connection.execute(cast("Any", sql), parameters, prepare=prepare)


@lru_cache(512)
def _together(statements: tuple[Statement, ...]) -> str:
    """One statement that runs several and gives the number of rows each changed; parameters of the n-th end in `_n`."""
    parts = []
    for number, statement in enumerate(statements):
        text = re.sub(r"%\((\w+)\)s", rf"%(\1_{number})s", statement.postgres.sql)
        parts.append(f"s{number} AS ({text}{'' if ' RETURNING ' in text else ' RETURNING 1'})")
    counts = ", ".join(f"(SELECT count(*) FROM s{number})" for number in range(len(statements)))  # noqa: S608 — no data in it
    return f"WITH {', '.join(parts)} SELECT {counts}"


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
        # Writers of one event wait for each other, each holding a connection. Readers have their own, and never wait for them.
        self._writers = _pool(url, pool, "openintervals-writers")
        self._readers = _pool(url, pool, "openintervals-readers")
        self._share = max(1, pool - max(1, pool // 5))
        self._shares: dict[Tenant, tuple[asyncio.Semaphore, int]] = {}

    async def open(self) -> None:
        try:
            await self._writers.open(wait=True, timeout=10)
            await self._readers.open(wait=True, timeout=10)
        except PoolTimeout:
            await self.close()
            raise failures.UnusableDatabase(
                "PostgreSQL does not answer; check OPENINTERVALS_DATABASE_URL and that the server is running"
            ) from None

    async def close(self) -> None:
        await self._writers.close(timeout=5)
        await self._readers.close(timeout=5)

    def state(self) -> int:
        """Always the same: that something was committed costs a round trip to know."""
        return 0

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        async with self._readers.connection(timeout=2) as connection:
            await connection.execute("SELECT 1")

    async def read(self, asking: Asking, work: Callable[[Read], Awaitable[T]], *, snapshot: bool = True) -> T:
        """Run `work` on one snapshot. `snapshot=False` when it makes a single statement, which is its own snapshot."""
        try:
            async with self._readers.connection() as connection:
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

    @asynccontextmanager
    async def _share_of(self, tenant: Tenant) -> AsyncIterator[None]:
        """One of a tenant's places among the writers: however many of its requests wait for one event, others still get through."""
        shares, users = self._shares.get(tenant, (asyncio.Semaphore(self._share), 0))
        self._shares[tenant] = (shares, users + 1)
        try:
            try:
                await asyncio.wait_for(shares.acquire(), LOCK_WAIT_S)
            except TimeoutError as problem:
                raise failures.Busy from problem
            try:
                yield
            finally:
                shares.release()
        finally:
            shares, users = self._shares.pop(tenant)
            if users > 1:
                self._shares[tenant] = (shares, users - 1)

    async def write(self, asking: Asking, work: Callable[[Write], Awaitable[T]]) -> T:
        """Run `work` in a transaction and commit it; returns when the commit is on disk."""
        return await Apart().let(lambda apart: self._written(asking, work, apart))

    async def _written(self, asking: Asking, work: Callable[[Write], Awaitable[T]], apart: Apart) -> T:
        for attempt in range(1, TRIES + 1):
            try:
                async with self._share_of(asking.tenant), self._writers.connection() as connection:
                    return await self._once(connection, asking, work, apart)
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected) as problem:
                if attempt == TRIES:
                    raise failures.Busy from problem
                await asyncio.sleep(random.uniform(0.005, 0.02) * attempt)  # noqa: S311 — jitter, no secret
            except (psycopg.OperationalError, PoolTimeout, TooManyRequests) as problem:
                raise failures.Busy from problem
        raise failures.Busy

    async def _once(
        self, connection: Connection, asking: Asking, work: Callable[[Write], Awaitable[T]], apart: Apart
    ) -> T:
        await connection.execute("BEGIN")
        try:
            session = PostgresSession(connection, apart)
            result = await work(Write(session, asking))
            await session.settle()
        except BaseException:
            with suppress(psycopg.OperationalError):  # a connection that broke has rolled back by itself
                await connection.execute("ROLLBACK")
            raise
        try:
            await connection.execute("COMMIT")
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
            raise
        except psycopg.OperationalError as problem:
            raise failures.OutcomeUnknown from problem
        return result


def _pool(url: str, size: int, name: str) -> "AsyncConnectionPool[Connection]":
    return AsyncConnectionPool(
        url,
        min_size=min(2, size),
        max_size=size,
        max_waiting=WAITING_MOST,
        timeout=LOCK_WAIT_S,
        open=False,
        configure=_configure,
        name=name,
    )


async def _configure(connection: Connection) -> None:
    await connection.set_autocommit(True)
    connection.prepared_max = STATEMENTS_PREPARED_MOST
    await connection.execute(f"SET lock_timeout = '{LOCK_WAIT_S}s'")
    await connection.execute("SET statement_timeout = '30s'")
    await connection.execute("SET idle_in_transaction_session_timeout = '60s'")
    await connection.execute("SET timezone = 'UTC'")
