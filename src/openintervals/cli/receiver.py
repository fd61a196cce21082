"""The receiver behind `openintervals listen`: an HTTP server on this machine's loopback, to which one endpoint's deliveries come.

    came → judged by its signature → forwarded, if there is somewhere to → answered → told

Forwarding changes nothing that is signed: body and `webhook-*` headers go on as they came, also those of a request that does not verify, as the
receiver behind is to find that out by itself. What it answers goes back; when it does not answer, 502 or 504 does. Without one the answer is 204,
or 401 to what does not verify.
Bounded: the bytes of a request and of an answer, the time for either, the requests under way at once. What is shown of a stranger's body
cannot steer a terminal. A request that comes before the endpoint's secret is known waits for it.
"""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

import aiohttp
import msgspec
from aiohttp import web

from openintervals.platform import signatures

BODY_MOST = 1024 * 1024
ANSWER_MOST = 64 * 1024
UNDER_WAY_MOST = 64
PATIENCE_S = 15.0  # as long as the server waits for us
STOPPING_MOST_S = 1
KNOWN_MOST = 10_000
WORD_MOST = 100

PASSED_ON = ("content-type", "user-agent")
PASSED_BACK = ("content-type", "retry-after")

_CONTROL = dict.fromkeys((*range(32), *range(127, 160)), "\N{REPLACEMENT CHARACTER}")


class Forwarded(msgspec.Struct, frozen=True):
    """What the receiver behind made of a delivery: the status it answered, or the `problem` that kept an answer from coming."""

    status: int | None
    problem: str | None
    duration_ms: int


class Delivery(msgspec.Struct, frozen=True):
    """One delivery as it came. `unverified` says why its signature does not hold; `again` that its id has come before."""

    at: datetime
    body: bytes
    type: str
    object_id: str
    object_version: int | None
    unverified: str | None
    again: bool
    forwarded: Forwarded | None


class _Object(msgspec.Struct, frozen=True, rename="camel"):
    object_id: str = ""
    object_version: int | None = None


class _Payload(msgspec.Struct, frozen=True):
    type: str = ""
    data: _Object = _Object()


class Receiver:
    """Listens on `listening`, while entered, and tells of each delivery that it has an answer to.

    `patience_s` is how long a body may take to come, and then an answer of the receiver behind.
    """

    def __init__(
        self,
        listening: socket.socket,
        forward_to: str | None,
        clock: Callable[[], datetime],
        tell: Callable[[Delivery], None],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        self.secret: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._listening = listening
        self._forward_to = forward_to
        self._clock = clock
        self._tell = tell
        self._patience_s = patience_s
        self._under_way = 0
        self._known: OrderedDict[str, None] = OrderedDict()
        application = web.Application(client_max_size=BODY_MOST)
        application.router.add_post("/", self._take)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=STOPPING_MOST_S)

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._patience_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._listening).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.secret.cancel()
        await self._runner.cleanup()
        await self._http.close()

    async def _take(self, request: web.Request) -> web.Response:
        if self._under_way >= UNDER_WAY_MOST:
            return web.Response(status=503, headers={"Retry-After": "1"}, text="Too many deliveries at once\n")
        self._under_way += 1
        try:
            try:
                async with asyncio.timeout(self._patience_s):
                    body = await request.read()
            except TimeoutError:
                return web.Response(status=408, text="The body did not come in time\n")
            return await self._pass_on(request, body)
        finally:
            self._under_way -= 1

    async def _pass_on(self, request: web.Request, body: bytes) -> web.Response:
        at = self._clock()
        unverified = _problem(await self.secret, request, body, at)
        forwarded = None
        if self._forward_to is not None:
            answer, forwarded = await self._forward(self._forward_to, request, body)
        elif unverified is None:
            answer = web.Response(status=204)
        else:
            answer = web.Response(status=401, text=f"{unverified}\n")
        payload = _read(body)
        self._tell(
            Delivery(
                at=at,
                body=body,
                type=word(payload.type),
                object_id=word(payload.data.object_id),
                object_version=payload.data.object_version,
                unverified=unverified,
                again=unverified is None and self._has_come(request.headers["webhook-id"]),
                forwarded=forwarded,
            )
        )
        return answer

    async def _forward(self, url: str, request: web.Request, body: bytes) -> tuple[web.Response, Forwarded]:
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower().startswith("webhook-") or name.lower() in PASSED_ON
        ]
        began = time.perf_counter()
        status, problem = None, None
        try:
            async with self._http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                said = await _beginning(answer.content)
                back = {name: value for name, value in answer.headers.items() if name.lower() in PASSED_BACK}
                status = answer.status
                response = web.Response(status=status, headers=back, body=said)
        except TimeoutError:
            problem = f"no answer in {self._patience_s:g} s"
            response = web.Response(status=504, text=f"{problem}\n")
        except (aiohttp.ClientError, OSError, ValueError) as failed:
            problem = "nobody listens there" if isinstance(failed, aiohttp.ClientConnectorError) else "no proper answer"
            response = web.Response(status=502, text=f"{problem}\n")
        return response, Forwarded(status, problem, round((time.perf_counter() - began) * 1000))

    def _has_come(self, delivery_id: str) -> bool:
        """Whether this id has come before, as far as it is remembered."""
        known = delivery_id in self._known
        self._known[delivery_id] = None
        if len(self._known) > KNOWN_MOST:
            self._known.popitem(last=False)
        return known


def word(text: str) -> str:
    """A stranger's text, short and unable to steer a terminal; `?` for none. Pure."""
    return text.translate(_CONTROL)[:WORD_MOST] or "?"


def lines(body: bytes, indent: int) -> str:
    """A stranger's body to look at: JSON, indented by `indent` or on one line with -1. Pure."""
    try:
        written = msgspec.json.format(body, indent=indent).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode(errors="replace").translate(_CONTROL)
    kept = {code: f"\\u{code:04x}" for code in (*range(10), *range(11, 32), *range(127, 160))}
    return written.translate(kept)


def _read(body: bytes) -> _Payload:
    try:
        return msgspec.json.decode(body, type=_Payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Payload()


def _problem(secret: str, request: web.Request, body: bytes, now: datetime) -> str | None:
    try:
        signatures.verify([secret], request.headers, body, now)
    except signatures.Unverified as unverified:
        return str(unverified)
    return None


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    read = bytearray()
    while len(read) < ANSWER_MOST and (chunk := await content.readany()):
        read += chunk
    return bytes(read[:ANSWER_MOST])
