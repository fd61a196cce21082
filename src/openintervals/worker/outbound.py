"""Sending one webhook: a POST to a stranger's URL, from inside our network, with everything that can go wrong told as a value.

Guarded at the moment of connecting: every address that the host stands for must be permitted (platform/addresses.py), or none is used, and
the address that was judged is the one connected to, so a name that changes its mind in between gains nothing. TLS still checks the
certificate for the host of the URL. http and https have a pool each, since what is permitted depends on the scheme.
Bounded: the time from look-up to the last byte, the bytes and headers read, the connections in use and those kept for later. Redirects are
not followed, cookies and compression not taken, proxies and netrc of the environment not read.

When many come at once they share the pools; a slow receiver holds its own connection alone. A POST is never sent again on its own accord.
"""

import asyncio
import errno
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache
from typing import Any, Self

import aiohttp
import structlog
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from openintervals import __version__
from openintervals.platform import addresses
from openintervals.platform.retries import Answer, Problem

__all__ = ["Answer", "Outbound"]

log: Any = structlog.get_logger()

Lookup = Callable[[str], Awaitable[Sequence[str]]]

USER_AGENT = f"OpenIntervals-Webhooks/{__version__}"
TOTAL_S = 15.0
BODY_MOST = 64 * 1024
HEAD_MOST = 1024
HEADERS_MOST = 100
HEADER_MOST = 8 * 1024
CONNECTIONS_MOST = 1000  # more posts at once than that wait for a connection, and their time runs
POSTS_MOST = 400  # below that, and below what files a process may have open
IDLE_MOST = 200
IDLE_MOST_S = 4  # many servers hang up after 5 s of silence, and a request that crosses that is lost
NAMES_KEPT_S = 10
LOOKUPS_MOST = 32

_CONTROL = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), " ")
_SECONDS = re.compile(r"[0-9]{1,9}")
_RESET = (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED)


class _ForbiddenAddress(OSError):
    """A host stands for an address that may not be called."""


class _Names(AbstractResolver):
    """Judges all the addresses of a host before any is used."""

    def __init__(self, scheme: str, allow: tuple[addresses.Network, ...], lookup: Lookup) -> None:
        self._scheme = scheme
        self._allow = allow
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = list(dict.fromkeys(await self._lookup(host)))
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        for address in found:
            _judge(address, port, self._scheme, self._allow)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        """The threads of the look-up are not its own."""


class _Connections(aiohttp.TCPConnector):
    """The library bounds how long an idle connection is kept, but not how many are; and it takes its leave too politely."""

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        ends = should_close or protocol.should_close or sum(map(len, self._conns.values())) >= IDLE_MOST
        transport = protocol.transport
        super()._release(key, protocol, should_close=ends)
        if ends and transport is not None:
            transport.abort()  # closing waits until the other side has read all, or has said goodbye over TLS


class Outbound:
    """A client for webhooks, for as long as its `async with` lasts. `allow` are the operator's networks.

    `total_s` bounds a whole try, `tls` takes the place of the system's trusted authorities, `lookup` gives the addresses of a name
    (raising OSError where there are none), and what it said is believed for `names_kept_s`.
    """

    def __init__(
        self,
        allow: tuple[addresses.Network, ...] = (),
        *,
        total_s: float = TOTAL_S,
        tls: ssl.SSLContext | None = None,
        lookup: Lookup | None = None,
        names_kept_s: int = NAMES_KEPT_S,
    ) -> None:
        self._allow = allow
        self._total_s = total_s
        self._tls = tls or ssl.create_default_context()
        self._lookup = lookup or self._look_up
        self._names_kept_s = names_kept_s
        # Not the loop's own threads: names that nobody answers for must not hold up what else runs in those.
        self._threads = ThreadPoolExecutor(LOOKUPS_MOST, "lookup")
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._posting = 0
        self._parsed = lru_cache(maxsize=10_000)(self._parse)

    async def __aenter__(self) -> Self:
        for scheme in ("https", "http"):
            self._sessions[scheme] = self._session(scheme)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, raised: BaseException | None, at: object) -> None:
        for session in self._sessions.values():
            await session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def room(self, own: int) -> int:
        """How many more posts somebody who has `own` under way may begin: one at a time for each, once half of all are taken."""
        left = POSTS_MOST - self._posting
        return left if self._posting < POSTS_MOST // 2 else min(left, 1 - own)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST `body`, and tell what became of it; whatever a receiver or the network does is a value, never raised.

        `headers` may name another Content-Type than JSON. Cancelled, it closes its connection.
        """
        target = self._parsed(url)
        if target is None:
            return Answer(problem="forbidden_address")
        loop = asyncio.get_running_loop()
        began = loop.time()
        response: aiohttp.ClientResponse | None = None
        problem: Problem | None = None
        read = bytearray()
        self._posting += 1
        try:
            async with asyncio.timeout(self._total_s):
                response = await self._sessions[target.scheme].post(
                    target, data=body, headers=headers, allow_redirects=False
                )
                while len(read) < BODY_MOST and (chunk := await response.content.readany()):
                    read += chunk
        except Exception as raised:  # noqa: BLE001 — nothing a stranger sends may end the one who delivers to all
            problem = _problem(raised)
        finally:
            self._posting -= 1
            if response is not None:
                response.close()  # a connection whose answer was read to its end is back in the pool already
        return Answer(
            status=response.status if response is not None else None,
            problem=problem,
            head=read[:HEAD_MOST].decode(errors="replace").translate(_CONTROL) if read else "",
            retry_after_s=_retry_after_s(response.headers) if response is not None else None,
            duration_ms=round((loop.time() - began) * 1000),
        )

    def _session(self, scheme: str) -> aiohttp.ClientSession:
        def judged(info: tuple[Any, ...]) -> socket.socket:
            """Every connection begins here, also one to an address in the URL itself, which no resolver sees."""
            family, kind, protocol, _, address = info
            _judge(address[0], address[1], scheme, self._allow)
            return socket.socket(family, kind, protocol)

        connections = _Connections(
            resolver=_Names(scheme, self._allow, self._lookup),
            socket_factory=judged,
            ssl=self._tls,
            limit=CONNECTIONS_MOST,
            keepalive_timeout=IDLE_MOST_S,
            ttl_dns_cache=self._names_kept_s,
        )
        return aiohttp.ClientSession(
            connector=connections,
            headers={"User-Agent": USER_AGENT, "Content-Type": "application/json"},
            skip_auto_headers=("Accept", "Accept-Encoding"),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # `post` watches the time of the whole
            auto_decompress=False,
            trust_env=False,
            read_bufsize=BODY_MOST // 4,
            max_line_size=HEADER_MOST,
            max_field_size=HEADER_MOST,
            max_headers=HEADERS_MOST,
        )

    def _parse(self, url: str) -> yarl.URL | None:
        """The URL to send to as it was written, not normalized; None for one that could not be made today."""
        return None if addresses.problem(url, self._allow) else yarl.URL(url, encoded=True)

    async def _look_up(self, host: str) -> list[str]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _addresses_of, host)


def _addresses_of(host: str) -> list[str]:
    found = [address for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    return [f"{address[0]}%{address[3]}" if len(address) == 4 and address[3] else str(address[0]) for address in found]


def _judge(address: str, port: int, scheme: str, allow: tuple[addresses.Network, ...]) -> None:
    try:
        permitted = addresses.permitted(ipaddress.ip_address(address), port, scheme, allow)
    except ValueError:
        permitted = False
    if not permitted:
        raise _ForbiddenAddress(f"{address} may not be called")


def _problem(raised: Exception) -> Problem:
    """The word for what kept a whole answer from coming."""
    cause: BaseException = raised.os_error if isinstance(raised, aiohttp.ClientConnectorError) else raised
    words: tuple[tuple[Problem, bool], ...] = (
        ("tls", isinstance(raised, aiohttp.ClientSSLError | ssl.SSLError)),
        ("forbidden_address", isinstance(cause, _ForbiddenAddress | aiohttp.InvalidURL)),
        ("name", isinstance(raised, aiohttp.ClientConnectorDNSError)),
        ("timeout", isinstance(cause, TimeoutError) or _number(cause) == errno.ETIMEDOUT),
        ("refused", _number(cause) == errno.ECONNREFUSED),
        ("reset", isinstance(cause, aiohttp.ServerDisconnectedError) or _number(cause) in _RESET),
        ("bad_answer", isinstance(raised, aiohttp.ClientResponseError | aiohttp.ClientPayloadError)),
    )
    for word, fits in words:
        if fits:
            return word
    if not isinstance(raised, aiohttp.ClientError | OSError):
        log.warning("webhook failed in a way nobody knows", exception=type(raised).__name__)
    return "failed"


def _number(raised: BaseException) -> int | None:
    return raised.errno if isinstance(raised, OSError) else None


def _retry_after_s(headers: Mapping[str, str]) -> int | None:
    """Seconds of `Retry-After`. A date in it is measured from the answer's own `Date`, so nobody's clock need be right."""
    said = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(said):
        return int(said)
    until, since = parsedate_tz(said), parsedate_tz(headers.get("Date", ""))
    if until is None or since is None:
        return None
    try:
        return max(0, mktime_tz(until) - mktime_tz(since))
    except (ValueError, OverflowError):
        return None
