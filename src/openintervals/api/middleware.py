"""The outermost shell: what happens to every request before a route is looked for, and after it is answered.

In order: a request id, the partner API at `/` for its hosts, the key (401), the rate limit (429), then the routes; afterwards the headers every
answer has, one log line and one measurement. Each API is guarded in its own way (`http.Guard`) and refuses in its own words. Nothing here knows a
rule of running clubs or of training.

A body that no route has read is taken in before the answer leaves, or the connection is said to close: one that closes over bytes nobody has read
may take the answer with it, or the next request.
"""

import ipaddress
import re
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from openintervals import errors
from openintervals.api import http, requests, telemetry
from openintervals.api.exchange import Exchange, Runtime
from openintervals.platform import api_keys, rate_limits

ANYWHERE = ("/partner", "/v1/", "/api/v1", "/livez", "/readyz", "/metrics")
OLD = "/v1/partner"
PROXY_HEADERS = frozenset({b"forwarded", b"via", b"x-real-ip"})
CLOSE = (b"connection", b"close")
KEY_CACHED_S = 1.0
KEYS_CACHED_MOST = 10_000
_SLASHES = re.compile("/{2,}")
_ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


class Shell:
    """The ASGI application: `routes` is the Litestar application, `apis` what keys and limits guard. The first is also at `/` for its hosts."""

    def __init__(self, routes: ASGIApp, apis: Sequence[http.Api], runtime: Runtime) -> None:
        self.routes = routes
        self.apis = apis
        self.runtime = runtime
        self.proxies = networks(runtime.settings.trusted_proxies)
        self._callers: OrderedDict[str, tuple[float, api_keys.Caller | None, int]] = OrderedDict()
        self._shared = runtime.settings.rate_limit_store == "database" or (
            runtime.settings.workers > 1 and runtime.settings.rate_limit_store != "memory"
        )
        self._id_prefix = secrets.token_hex(6)
        self._id_count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.routes(scope, receive, send)
            return
        exchange = Exchange(self.runtime.clock(), "")
        self._read_headers(exchange, scope)
        exchange.enter(scope)
        path = scope["path"]
        if "//" in path:
            # The router takes several slashes for one, so what guards a path must see it as the router does.
            path = scope["path"] = _SLASHES.sub("/", path)
        if self._is_api_host(exchange.host) and not path.startswith(ANYWHERE):
            path = scope["path"] = self.apis[0].prefix + (path if path != "/" else "")
            scope["raw_path"] = path.encode()
        api = api_of(self.apis, path)
        answered = False
        incoming = requests.Incoming(receive, exchange)

        async def answer(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                exchange.status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", exchange.request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    *exchange.headers,
                    *(() if await incoming.drained() else (CLOSE,)),
                ]
            await send(message)

        try:
            if api.guards(path):
                await self._admit(exchange, api.guard)
            elif path.startswith(OLD):
                raise errors.NotFound(moved(path))
            await self.routes(scope, incoming.receive, answer)
        except errors.Failure as failure:
            exchange.error_code = failure.code
            if isinstance(failure, errors.Unavailable):
                telemetry.log_cause(exchange, failure)
            await respond(answer, *api.failure(failure))
        except Exception as problem:  # noqa: BLE001 — the last place; logged, and told without detail
            telemetry.log_failure(exchange, problem)
            if not answered:
                await respond(answer, *api.failure(internal()))
        finally:
            telemetry.finish(self.runtime, exchange, scope)

    def _read_headers(self, exchange: Exchange, scope: Any) -> None:
        client = scope.get("client")
        exchange.address = client[0] if client else ""
        for name, value in scope["headers"]:
            if name == b"host":
                exchange.host = value.decode("latin-1").lower()
            elif name == b"authorization":
                exchange.authorization = value.decode("latin-1")
            elif name == b"idempotency-key":
                exchange.idempotency_key = value.decode("latin-1")
            elif name in requests.BODY_HEADERS:
                requests.note_body(exchange, name, value)
            elif name == b"x-request-id":
                given = value.decode("latin-1")
                if 0 < len(given) <= 64 and _ID_CHARACTERS.issuperset(given):
                    exchange.request_id = given
            elif name == b"x-forwarded-for":
                exchange.forwarded_for = value.decode("latin-1")
            elif name in PROXY_HEADERS:
                exchange.proxied = True
        if exchange.forwarded_for is not None and self.proxies:
            exchange.address = behind_proxies(exchange.address, exchange.forwarded_for, self.proxies)
        if not exchange.request_id:
            self._id_count += 1
            exchange.request_id = f"{self._id_prefix}{self._id_count:08x}"

    def _is_api_host(self, host: str) -> bool:
        return host.startswith("api.") or (
            self.runtime.settings.api_host != "" and host.partition(":")[0] == self.runtime.settings.api_host
        )

    async def _admit(self, exchange: Exchange, guard: http.Guard) -> None:
        """Set the caller and spend a token of its bucket. Raises Unauthenticated, TooMany."""
        runtime = self.runtime
        caller = await self._caller(exchange, guard)
        if caller is None:
            limit = runtime.limits.get("anonymous")
            if limit is not None:
                verdict = runtime.buckets.check(bucket_of(exchange.address), limit, exchange.now.timestamp())
                exchange.headers = rate_limits.headers(limit, verdict)
                if not verdict.admitted:
                    raise errors.TooMany("Rate limit exceeded", rate_limits.retry_at(verdict, exchange.now))
                exchange.headers = []
            raise errors.Unauthenticated(guard.refusal(exchange.authorization))
        exchange.caller = caller
        limit = runtime.limits.get(caller.plan)
        if limit is not None:
            verdict = await self._spend(exchange, caller, limit)
            exchange.headers = rate_limits.headers(limit, verdict)
            if not verdict.admitted:
                raise errors.TooMany("Rate limit exceeded", rate_limits.retry_at(verdict, exchange.now))
        runtime.usage.count(caller, exchange.now, exchange.address)

    async def _spend(
        self, exchange: Exchange, caller: api_keys.Caller, limit: rate_limits.Limit
    ) -> rate_limits.Verdict:
        if self._shared:
            try:
                return await exchange.write(
                    self.runtime,
                    lambda tx: rate_limits.check(tx, caller.organization_id, caller.key_id, limit),
                )
            except errors.Unavailable:
                pass  # the database is away: this process's own count is better than none
        return self.runtime.buckets.check(caller.key_id, limit, exchange.now.timestamp())

    async def _caller(self, exchange: Exchange, guard: http.Guard) -> api_keys.Caller | None:
        key = guard.key_in(exchange.authorization or "")
        if key is None:
            return None
        # What was found is good for a second, and only while the database is as it was, where that is cheap to know:
        # on SQLite a revoked key ends with the next request, on PostgreSQL within the second.
        state = self.runtime.database.state()
        held = self._callers.get(key)
        now_s = exchange.now.timestamp()
        if (
            held is not None and held[2] == state and 0 <= now_s - held[0] < KEY_CACHED_S
        ):  # a clock set back holds nothing longer
            return held[1]
        caller = await self._look_up(exchange, guard, key)
        self._callers[key] = (now_s, caller, state)
        self._callers.move_to_end(key)
        while len(self._callers) > KEYS_CACHED_MOST:
            self._callers.popitem(last=False)
        return caller

    async def _look_up(self, exchange: Exchange, guard: http.Guard, key: str) -> api_keys.Caller | None:
        asking = msgspec.structs.replace(self.runtime.asking_as("key look-up"), now=exchange.now)
        return await exchange.read(self.runtime, lambda tx: guard.caller(tx, key), snapshot=False, asking=asking)


def api_of(apis: Sequence[http.Api], path: str) -> http.Api:
    """The API that speaks at a path; the first where none does."""
    return next((api for api in apis if api.has(path)), apis[0])


async def respond(send: Send, status: int, body: bytes, headers: http.Headers) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"content-length", b"%d" % len(body))],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


def internal() -> errors.Failure:
    return errors.Failure("Something went wrong on the server; quote the X-Request-Id to its operator")


def moved(path: str) -> str:
    """What to say at a path of the API's first generation, or at one that only begins like those."""
    if path != OLD and not path.startswith(OLD + "/"):
        return f"No such path: {path[:200]}; GET /partner/openapi.json lists them all"
    rest = path.removeprefix(OLD).strip("/").split("/")
    present = {
        "participants": "/registration",
        "organizations": "/organization",
        "seriesList": "/series",
    }.get(rest[0], "/" + "/".join(rest))
    if len(rest) == 3 and rest[0] == "events" and rest[2] == "participants":
        present = f"/registration?eventId={rest[1]}"
    return f"Paths under {OLD} are gone; the present path is {present.rstrip('/') or '/events'}"


def networks(setting: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(part.strip(), strict=False) for part in setting.split(",") if part.strip()]


def behind_proxies(peer: str, forwarded_for: str, proxies: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> str:
    """The client's address: the last hop that is no proxy of ours, reading from the nearest. What we can't read ends the walk."""
    address = peer
    for hop in reversed([peer, *forwarded_for.split(",")][1:]):
        try:
            known = ipaddress.ip_address(address)
        except ValueError:
            return address
        if not any(known in network for network in proxies):
            return address
        address = hop.strip()
    return address


def bucket_of(address: str) -> str:
    """The bucket of an address: itself for IPv4, its /64 for IPv6, where one client has that many."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "address:unknown"
    if known.version == 6:
        return f"address:{ipaddress.ip_network((known, 64), strict=False)}"
    return f"address:{known}"
