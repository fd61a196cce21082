"""The shell the APIs share: from a handler's signature to a route.

A handler is an async function whose parameters say what it needs, each once:
`tx: Read` or `tx: Write` (the transaction it runs in), `query: SomeStruct` (the query string), `body: SomeStruct` (the JSON body),
`file: Upload` (the file of a multipart/form-data body), `caller: Caller`, `runtime: Runtime` (what the process shares), path parameters by name,
and `ext`, which of the operation's suffixes was asked for. One without `tx` takes `asking: Asking`, for whom it acts, and opens its own transactions:
what takes long must not hold one. Sent twice, it must come to the same without an idempotency key, which it does not heed.
What it returns is the answer: a struct, a `Page`, a `Created`, a `Csv`, a `File`, or None for 204. A Write answers JSON.

Where the API says how a path parameter is reached, the handler's transaction is that of the object's owner, and nobody else's path gets there.
The order of checks is fixed: key and rate limit (middleware), route and method, scope, idempotency key, query and body, then the handler.

Who asks by GET for what was deleted lately is told so: only when the handler found nothing does the shell look into the journal.

A `Write` is committed after the stored answer of its idempotency key has joined it, and before a byte of the answer is sent.
"""

import asyncio
import hashlib
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, get_type_hints
from urllib.parse import quote_plus

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Method

from openintervals import errors, instants
from openintervals.api import requests, rules, shapes, telemetry
from openintervals.api.answers import CSV, JSON, Answer, Created, Csv, File, Headers, Page, Status, Stored, saved
from openintervals.api.exchange import Exchange, Runtime
from openintervals.api.guard import Guard, Reach
from openintervals.api.operation import Handler, Operation
from openintervals.api.requests import Upload
from openintervals.db.transaction import Asking, Read, Tenant, Write
from openintervals.platform import idempotency, journal
from openintervals.platform.api_keys import Caller

EXT = ("", ".json", ".csv")
ALSO = "-ext"  # what a client in use writes where it means no suffix; it is taken, and not documented
DELETED_TOLD_FOR = timedelta(days=30)
"""How long after its deletion an object is gone; from then on it is not found, as if it had never been."""


class Api:
    """The operations of one API, and how it speaks: `prefix`, its envelope, its failures, and the body of a 405.

    `guard` says who gets in, `reach` by path parameter whose objects they get at, `documents` where its OpenAPI document is.
    """

    def __init__(
        self,
        prefix: str,
        envelope: Callable[[Any], Any],
        failure: Callable[[errors.Failure], tuple[int, bytes, Headers]],
        *,
        not_allowed: Callable[[str], bytes],
        guard: Guard,
        documents: str,
    ) -> None:
        self.prefix = prefix
        self.envelope = envelope
        self.failure = failure
        self.not_allowed = not_allowed
        self.guard = guard
        self.documents = prefix + documents
        self.reach: dict[str, Reach] = {}
        self.operations: list[Operation] = []

    def has(self, path: str) -> bool:
        """Whether a path is one of this API's, there or not."""
        return path == self.prefix or path.startswith(self.prefix + "/")

    def guards(self, path: str) -> bool:
        """Whether a path needs a key."""
        return self.has(path) and not path.startswith(tuple(self.prefix + each for each in self.guard.public))

    def operation(
        self,
        method: Method,
        path: str,
        *,
        scope: str | None,
        tag: str,
        status: int = 200,
        fails: tuple[type[errors.Failure], ...] = (),
        snapshot: bool = True,
        outlives: bool = False,
        read_if: Callable[[Any], bool] | None = None,
        before: Callable[[Runtime, Asking, Any], Awaitable[None]] | None = None,
        rules: rules.Rules = (),
        examples: Mapping[str, Any] | None = None,
        ext: bool | tuple[str, ...] = False,
        body_most: int = requests.BODY_MOST,
    ) -> Callable[[Handler], Handler]:
        """Declare a route. `fails` are the failures of its own; those every route has need no mention.

        `snapshot=False` says the handler makes a single statement. `read_if(query)` turns a Write into a dry run that is rolled back.
        `outlives` says that what it answers is still there when the object its path names was deleted.
        `before(runtime, asking, query)` is awaited when the request is known to be right, before it has a transaction or a connection.
        `rules` say what must hold between query and body.
        `ext` gives the last part of the path suffixes, each a route: `EXT`, or those named.
        `body_most` is how many bytes a body, or the file in it, may have.
        """

        def declare(handler: Handler) -> Handler:
            hints = get_type_hints(handler, include_extras=True)
            names = list(inspect.signature(handler).parameters)
            self.operations.append(
                Operation(
                    method=method,
                    path=path,
                    handler=handler,
                    scope=scope,
                    tag=tag,
                    status=status,
                    fails=fails,
                    snapshot=snapshot,
                    outlives=outlives,
                    read_if=read_if,
                    before=before,
                    rules=rules,
                    examples=examples or {},
                    query=hints.get("query"),
                    body=hints.get("body"),
                    body_most=body_most,
                    ext=(EXT if ext is True else ext) or ("",),
                    writes=hints.get("tx") is Write
                    or ("tx" not in hints and method != "GET" and not (scope or "").endswith(":READ")),
                    own_transactions="tx" not in hints,
                    path_parameters=tuple(re.findall(r"{(\w+)}", path)),
                    takes=frozenset(names),
                    returns=hints["return"],
                )
            )
            return handler

        return declare

    def routes(self, runtime: Runtime) -> list[HTTPRouteHandler]:
        """Litestar's route handlers for every operation, and for OPTIONS at every path."""
        return [
            *self._options(),
            *(self._route(operation, runtime, ext) for operation in self.operations for ext in _taken(operation)),
        ]

    def _options(self) -> list[HTTPRouteHandler]:
        """What a path takes. Litestar's own answer names the methods of the first handler alone; these come before it, and stay."""
        taken: dict[str, set[str]] = {}
        for operation in self.operations:
            for ext in _taken(operation):
                taken.setdefault(self._place(operation) + ext, {"OPTIONS"}).add(operation.method)
        return [_options(path, ", ".join(sorted(methods))) for path, methods in taken.items()]

    def _place(self, operation: Operation) -> str:
        """The path of an operation as Litestar writes it."""
        path = self.prefix + operation.path
        for name in operation.path_parameters:
            path = path.replace("{" + name + "}", "{" + name + ":str}")
        return path

    def _route(self, operation: Operation, runtime: Runtime, ext: str) -> HTTPRouteHandler:
        async def answer(request: Request[Any, Any, Any]) -> ASGIApp:
            exchange = Exchange.of(request.scope)
            try:
                async with runtime.room.lent(
                    _room(operation, exchange), exchange.caller.organization_id if exchange.caller else ""
                ):
                    status, body, headers = await self._run(operation, runtime, exchange, request, ext)
            except errors.Failure as failure:
                exchange.error_code = failure.code
                if isinstance(failure, errors.Unavailable):
                    telemetry.log_cause(exchange, failure)
                status, body, headers = self.failure(failure)
            return Answer(status, body, headers)

        return HTTPRouteHandler(
            self._place(operation) + ext,
            http_method=operation.method,
            name=f"{self.prefix}:{operation.name}{ext}",
            status_code=200,  # the answer brings its own; Litestar would refuse a body for what it thinks is a 204
            opt={"operation": operation},
        )(answer)

    async def _run(
        self, operation: Operation, runtime: Runtime, exchange: Exchange, request: Request[Any, Any, Any], ext: str
    ) -> tuple[int, bytes, Headers]:
        caller = exchange.caller
        if operation.scope is not None and (caller is None or operation.scope not in caller.scopes):
            raise errors.Forbidden(f"This needs the scope {operation.scope}, which this key does not have")
        key = None
        if operation.keyed and exchange.idempotency_key is not None:
            key = idempotency.normalise(exchange.idempotency_key)
        named: dict[str, str] = dict(request.path_params)
        if any("\0" in value for value in named.values()):
            raise errors.NotFound("Nothing has a NUL character in its name")  # PostgreSQL cannot even look for it
        arguments, raw = await self._arguments(operation, runtime, exchange, request, {**named, "ext": ext})
        if operation.before is not None or operation.own_transactions:
            whose = self._work(operation, caller, named, _asking)
            asking = await exchange.read(runtime, whose, snapshot=False) if self.reach else exchange.asking()
            if operation.own_transactions:
                return self._rendered(operation, await operation.handler(asking=asking, **arguments))
            assert operation.before is not None
            await operation.before(runtime, asking, arguments["query"])
        work = self._work(operation, caller, named, lambda tx: operation.handler(tx=tx, **arguments))
        if not operation.writes:
            try:
                result = await exchange.read(runtime, work, snapshot=operation.snapshot)
            except errors.NotFound:
                await self._tell_if_gone(operation, runtime, exchange, request)
                raise
            return self._rendered(operation, result)
        if operation.read_if is not None and operation.read_if(arguments["query"]):
            return await self._dry_run(operation, runtime, exchange, work)
        if key is None:

            async def rendered(tx: Write) -> tuple[int, bytes, Headers]:
                return self._rendered(operation, await work(tx))

            return await exchange.write(runtime, rendered)
        return await self._once(operation, runtime, exchange, request, work, raw, key)

    async def _arguments(
        self,
        operation: Operation,
        runtime: Runtime,
        exchange: Exchange,
        request: Request[Any, Any, Any],
        named: dict[str, str],
    ) -> tuple[dict[str, Any], bytes]:
        """What the handler takes, but for its transaction, and what a twin of this request must bring too. Raises Invalid, TooLarge."""
        known: dict[str, Any] = {**named, "caller": exchange.caller, "runtime": runtime}
        arguments = {name: value for name, value in known.items() if name in operation.takes}
        raw = b""
        if "file" in operation.takes:
            arguments["file"] = upload = await requests.read_upload(exchange, request, operation.body_most)
            raw = msgspec.json.encode(hashlib.sha256(upload.data).hexdigest())
        elif operation.body is not None:
            raw = await requests.read_body(exchange, request, operation.body_most)
        asked = operation.query, operation.body, operation.rules, request.scope["query_string"], raw
        large = len(raw) > requests.LARGE_BYTES
        arguments |= await asyncio.to_thread(requests.asked, *asked) if large else requests.asked(*asked)
        return arguments, raw

    def _work(
        self,
        operation: Operation,
        caller: Caller | None,
        named: dict[str, str],
        handle: Callable[[Any], Awaitable[Any]],
    ) -> Callable[[Any], Awaitable[Any]]:
        """What to do in the caller's transaction: go to the owner of what the path names, then `handle` it."""
        reaches = [(self.reach[name], named[name]) for name in operation.path_parameters if name in self.reach]
        if not reaches:
            return handle
        assert caller is not None, "what is somebody's needs a key"

        async def there(tx: Any) -> Any:
            for reach, name in reaches:
                tx = await reach(tx, caller, name)
            return await handle(tx)

        return there

    async def _tell_if_gone(
        self, operation: Operation, runtime: Runtime, exchange: Exchange, request: Request[Any, Any, Any]
    ) -> None:
        """Raises Gone when the object that was asked for and not found was deleted lately."""
        if operation.subject is None:
            return
        object_type, name = operation.subject
        object_id = request.path_params[name]
        entries = await exchange.read(runtime, lambda tx: journal.last_of_object(tx, object_id, most=1), snapshot=False)
        since = instants.text(exchange.now - DELETED_TOLD_FOR)
        for last in entries:
            if last.verb == f"{object_type}.deleted" and last.at > since:
                raise errors.Gone(f"{object_type.capitalize()} was deleted", last.object_version) from None

    async def _once(
        self,
        operation: Operation,
        runtime: Runtime,
        exchange: Exchange,
        request: Request[Any, Any, Any],
        work: Callable[[Any], Awaitable[Any]],
        raw: bytes,
        key: str,
    ) -> tuple[int, bytes, Headers]:
        """Run under an idempotency key, or answer what was answered before."""
        pairs = sorted(requests.pairs(request.scope["query_string"]))
        path = operation.path.format(
            **request.path_params
        )  # one spelling: the router takes double and final slashes too
        query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)

        def printed() -> str:
            return idempotency.fingerprint(operation.method, path, query, shapes.parsed(raw))

        print_ = await asyncio.to_thread(printed) if len(raw) > requests.LARGE_BYTES else printed()

        async def once(tx: Write) -> tuple[int, bytes, Headers]:
            earlier = await idempotency.claim(tx, key, print_)
            if earlier is not None:
                telemetry.replayed()
                headers = [(b"idempotent-replayed", b"true")]
                if earlier.body:
                    headers.append(JSON)
                if earlier.location:
                    headers.append((b"location", earlier.location.encode()))
                return earlier.status, earlier.body.encode(), headers
            status, body, headers = self._rendered(operation, await work(tx))
            location = dict(headers).get(b"location")
            answer = idempotency.Answer(status, body.decode(), location.decode() if location else None)
            await idempotency.store(tx, key, answer)
            return status, body, headers

        asking = exchange.asking()
        async with runtime.twins.turn(Tenant(asking.tenant.organization_id, asking.tenant.mode), key):
            return await exchange.write(runtime, once)

    async def _dry_run(
        self, operation: Operation, runtime: Runtime, exchange: Exchange, work: Callable[[Any], Awaitable[Any]]
    ) -> tuple[int, bytes, Headers]:
        """Run the handler in a transaction that is rolled back: what it answers is what it would do."""

        class Rehearsed(Exception):
            pass

        async def rehearse(tx: Write) -> None:
            raise Rehearsed(await work(tx))

        try:
            await exchange.write(runtime, rehearse)
        except Rehearsed as rehearsed:
            return self._rendered(operation, rehearsed.args[0], status=200)
        raise AssertionError("a dry run must not commit")

    def _rendered(self, operation: Operation, result: Any, status: int | None = None) -> tuple[int, bytes, Headers]:
        if result is None:
            return 204, b"", []
        if isinstance(result, Stored):
            return operation.status, result.json, [JSON]
        if isinstance(result, Csv):
            return operation.status, result.text.encode(), [CSV]
        if isinstance(result, File):
            return operation.status, result.data, saved(result)
        headers = [JSON]
        if isinstance(result, Status):
            status, result = result.status, result.data
        if isinstance(result, Created):
            headers.append((b"location", (self.prefix + result.location).encode()))
            result = result.data
        return status or operation.status, msgspec.json.encode(self.envelope(result)), headers


def _taken(operation: Operation) -> tuple[str, ...]:
    """The suffixes at which an operation answers."""
    return (*operation.ext, ALSO) if operation.ext == EXT else operation.ext


async def _asking(tx: Read) -> Asking:
    return tx.asking


def _room(operation: Operation, exchange: Exchange) -> int:
    """How many bytes the body of a request may take."""
    if operation.body_most <= requests.BODY_MOST:
        return 0
    return operation.body_most if exchange.content_length is None else min(exchange.content_length, operation.body_most)


def _options(path: str, allowed: str) -> HTTPRouteHandler:
    async def answer(request: Request[Any, Any, Any]) -> ASGIApp:
        return Answer(204, b"", [(b"allow", allowed.encode())])

    return HTTPRouteHandler(path, http_method="OPTIONS")(answer)


__all__ = [
    "EXT", "JSON", "Answer", "Api", "Caller", "Created", "Csv", "File", "Guard", "Headers", "Operation", "Page", "Read",
    "Status", "Stored", "Upload", "Write",
]  # fmt: skip
