"""Read and Write: what an operation may do to the world, as the type of its first argument.

`Read` is a snapshot of the database that takes SELECT alone. `Write` is one transaction: it is committed once, at the edge, by the
database that gave it, and rolled back on any error. Neither has `commit`.
Both carry who asks (tenant, actor) and when (`now`): an operation reads no clock and no global.
What takes long and needs no database is done `apart`: while the transaction is not there, so that nobody waits for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar

import msgspec

from openintervals import instants
from openintervals.db.statement import Statement

T = TypeVar("T", bound=msgspec.Struct)
V = TypeVar("V")

APART_MOST = 4


class Tenant(msgspec.Struct, frozen=True):
    """Whose rows: an organization, and its live or its test data; or an athlete, whose id stands for the organization's and who is always live."""

    organization_id: str
    mode: str


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and when. `actor` goes into the journal: a key's id, `worker`, `command-line`."""

    tenant: Tenant
    actor: str
    now: datetime
    bypass_windows: bool = False


class Unknown(Exception):
    """The transaction needs something that is done apart from it; it is rolled back and begins anew. For the databases alone to catch."""

    def __init__(self, on: Any, work: Callable[[], Any]) -> None:
        self.on = on
        self.work = work


class Apart:
    """What was done apart from the transactions of one `write`: on what it depended, what came of it, or how it failed."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done: list[tuple[Any, Any, Exception | None]] = []

    async def let(self, write: Callable[["Apart"], Awaitable[V]]) -> V:
        """Do one `write`, again and again while it needs something done apart from it."""
        while True:
            try:
                return await write(self)
            except Unknown as unknown:
                result, problem = None, None
                try:
                    result = await asyncio.to_thread(unknown.work)
                except Exception as raised:  # noqa: BLE001 — kept, and raised where the transaction asks for it
                    problem = raised
                self.done.append((unknown.on, result, problem))

    async def find(self, on: Any, work: Callable[[], V]) -> V:
        """What came of `work`, which depends on `on`. Raises what it raised, and Unknown when it is to be done first."""
        for known, result, problem in self.done:
            if known == on:
                if problem is not None:
                    raise problem
                return result  # type: ignore[no-any-return]  # the same work gave it
        if len(self.done) < APART_MOST:
            raise Unknown(on, work)
        return await asyncio.to_thread(work)


class Session(Protocol):
    """A connection inside a transaction; one implementation for each database.

    `noted` is what one operation of the transaction leaves for the next, since the rows no longer show it; it ends with the transaction.
    `apart` is what was done while there was none.
    """

    apart: Apart
    statements: int
    noted: dict[str, Any]

    async def fetch(self, statement: Statement, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]: ...

    async def execute(self, statement: Statement, parameters: dict[str, Any]) -> int: ...

    async def put(self, statement: Statement, parameters: dict[str, Any]) -> None: ...

    async def put_any(self, statement: Statement, parameters: dict[str, Any]) -> None: ...

    async def put_many(self, statement: Statement, rows: Sequence[dict[str, Any]]) -> None: ...


class Read:
    """A snapshot. Parameters `organization_id` and `mode`, and `athlete_id` with them, are always bound to the tenant of `asking`."""

    __slots__ = ("_bound", "asking", "session")

    def __init__(self, session: Session, asking: Asking) -> None:
        self.session = session
        self.asking = asking
        tenant = asking.tenant
        self._bound = {
            "organization_id": tenant.organization_id,
            "mode": tenant.mode,
            "athlete_id": tenant.organization_id,
        }

    @property
    def now(self) -> datetime:
        return self.asking.now

    @property
    def now_text(self) -> str:
        return instants.text(self.asking.now)

    @property
    def tenant(self) -> Tenant:
        return self.asking.tenant

    async def rows(self, statement: Statement, **parameters: Any) -> Sequence[tuple[Any, ...]]:
        return await self.session.fetch(statement, {**parameters, **self._bound})

    async def row(self, statement: Statement, **parameters: Any) -> tuple[Any, ...] | None:
        rows = await self.session.fetch(statement, {**parameters, **self._bound})
        return rows[0] if rows else None

    async def value(self, statement: Statement, **parameters: Any) -> Any:
        """First column of the first row, or None without one."""
        rows = await self.session.fetch(statement, {**parameters, **self._bound})
        return rows[0][0] if rows else None

    async def all(self, into: type[T], statement: Statement, **parameters: Any) -> list[T]:
        """Every row as a record; columns stand in the order of the record's fields."""
        return [into(*row) for row in await self.session.fetch(statement, {**parameters, **self._bound})]

    async def one(self, into: type[T], statement: Statement, **parameters: Any) -> T | None:
        rows = await self.session.fetch(statement, {**parameters, **self._bound})
        return into(*rows[0]) if rows else None

    def as_tenant(self, tenant: Tenant) -> Self:
        """The same transaction on behalf of another tenant: for background work, or for a request once it is known to reach that tenant."""
        return type(self)(self.session, msgspec.structs.replace(self.asking, tenant=tenant))


class Write(Read):
    """One transaction. The first statement that fails fails it all."""

    __slots__ = ()

    async def execute(self, statement: Statement, **parameters: Any) -> int:
        """Run a statement without a result; gives the number of rows it changed."""
        return await self.session.execute(statement, {**parameters, **self._bound})

    async def put(self, statement: Statement, **parameters: Any) -> None:
        """Run a statement that must change exactly one row, and do not wait for it: RuleBroken or Duplicate, if it comes, may come
        with a later statement or with the commit, and always ends the transaction."""
        await self.session.put(statement, {**parameters, **self._bound})

    async def put_any(self, statement: Statement, **parameters: Any) -> None:
        """The same for a statement that may change any number of rows, also none."""
        await self.session.put_any(statement, {**parameters, **self._bound})

    async def put_many(self, statement: Statement, rows: Sequence[dict[str, Any]]) -> None:
        """Run a statement once for each row of parameters, without a look at what each changed."""
        if rows:
            await self.session.put_many(statement, [{**row, **self._bound} for row in rows])

    async def need(self, into: type[T], statement: Statement, **parameters: Any) -> T:
        """The one row a RETURNING statement must give."""
        record = await self.one(into, statement, **parameters)
        assert record is not None, "a statement that must change a row changed none"
        return record

    async def apart(self, on: Any, work: Callable[[], V]) -> V:
        """What `work` gives or raises, which may take long, touches nothing and is the same for the same `on`.

        It is done in a thread while no transaction is open, and this one then begins anew: what it has done by now is done twice. Should `on`
        have changed meanwhile the work is done again, and after some times within the transaction."""
        return await self.session.apart.find(on, work)

    def at(self, moment: datetime) -> "Write":
        """The same transaction at another moment: to write down what has happened, never for a request."""
        return Write(self.session, msgspec.structs.replace(self.asking, now=moment))
