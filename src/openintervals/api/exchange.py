"""One HTTP exchange: what the shell knows of a request while it is answered, and the runtime all exchanges share."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from openintervals import errors
from openintervals.api.room import Room
from openintervals.db import Database
from openintervals.db.transaction import Asking, Read, Tenant, Write
from openintervals.platform import files, idempotency, rate_limits, usage
from openintervals.platform.api_keys import Caller
from openintervals.platform.files import Files
from openintervals.settings import Settings

T = TypeVar("T")

NOBODY = Tenant("", "live")
TWIN_WAIT_S = 10.0


class Runtime:
    """What every exchange of this process shares. `clock` gives the present as an aware datetime."""

    def __init__(self, settings: Settings, database: Database, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.database = database
        self.clock = clock
        self.limits = rate_limits.parse(settings.rate_limits)
        self.buckets = rate_limits.Memory()
        self.usage = usage.Counter()
        self.twins = Twins()
        self.room = Room()
        self.stopping = False

    @cached_property
    def files(self) -> Files:
        """Where files are kept; their folder is made when the first one comes."""
        return files.opened(self.settings)

    def asking_as(self, actor: str) -> Asking:
        """The server itself, outside any tenant."""
        return Asking(tenant=NOBODY, actor=actor, now=self.clock())


class Twins:
    """Requests with one idempotency key take turns inside a process, so that waiting twins hold no connection."""

    def __init__(self) -> None:
        self._locks: dict[tuple[str, str, str], tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, tenant: Tenant, key: str) -> AsyncIterator[None]:
        """Wait for the turn of `key`, ten seconds at most. Raises TwinRunning."""
        place = (tenant.organization_id, tenant.mode, key)
        lock, users = self._locks.get(place, (asyncio.Lock(), 0))
        self._locks[place] = (lock, users + 1)
        try:
            try:
                await asyncio.wait_for(lock.acquire(), TWIN_WAIT_S)
            except TimeoutError:
                raise idempotency.TwinRunning from None
            try:
                yield
            finally:
                lock.release()
        finally:
            lock, users = self._locks.pop(place)
            if users > 1:
                self._locks[place] = (lock, users - 1)


class Exchange:
    """One request under way. `caller` is set once the key is known to be good.

    `body_comes` when its head tells of a body, `body_waits` when that is not sent before it is asked for."""

    __slots__ = (
        "address",
        "authorization",
        "body_comes",
        "body_waits",
        "caller",
        "content_length",
        "db_ms",
        "db_statements",
        "error_code",
        "forwarded_for",
        "headers",
        "host",
        "idempotency_key",
        "now",
        "proxied",
        "request_id",
        "started",
        "status",
    )

    def __init__(self, now: datetime, request_id: str) -> None:
        self.now = now
        self.request_id = request_id
        self.started = time.perf_counter()
        self.address = ""
        self.host = ""
        self.forwarded_for: str | None = None
        self.proxied = False
        self.authorization: str | None = None
        self.idempotency_key: str | None = None
        self.content_length: int | None = None
        self.body_comes = False
        self.body_waits = False
        self.caller: Caller | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = 0
        self.error_code: str | None = None
        self.db_ms = 0.0
        self.db_statements = 0

    def asking(self) -> Asking:
        """Who this exchange acts for. Raises Unauthenticated before the key is known."""
        caller = self.caller
        if caller is None:
            raise errors.Unauthenticated("This needs an API key")
        return Asking(
            tenant=Tenant(caller.organization_id, caller.mode),
            actor=caller.key_id,
            now=self.now,
            bypass_windows=caller.bypass_windows,
        )

    def enter(self, scope: Any) -> None:
        """Go along with an ASGI scope, for whoever handles it."""
        scope["exchange"] = self

    @classmethod
    def of(cls, scope: Any) -> "Exchange":
        """The exchange of an ASGI scope; the shell has put it there."""
        exchange: Exchange = scope["exchange"]
        return exchange

    async def read(
        self,
        runtime: Runtime,
        work: Callable[[Read], Awaitable[T]],
        *,
        snapshot: bool,
        asking: Asking | None = None,
    ) -> T:
        began = time.perf_counter()
        counted = _counting(self, work)
        try:
            return await runtime.database.read(asking or self.asking(), counted, snapshot=snapshot)
        finally:
            self.db_ms += (time.perf_counter() - began) * 1000

    async def write(self, runtime: Runtime, work: Callable[[Write], Awaitable[T]]) -> T:
        began = time.perf_counter()
        try:
            return await runtime.database.write(self.asking(), _counting(self, work))
        finally:
            self.db_ms += (time.perf_counter() - began) * 1000


def _counting(exchange: Exchange, work: Callable[[Any], Awaitable[T]]) -> Callable[[Any], Awaitable[T]]:
    async def counted(tx: Read) -> T:
        try:
            return await work(tx)
        finally:
            exchange.db_statements += tx.session.statements

    return counted
