"""A receiver of webhooks, well-behaved or hostile, on a real socket in a thread of its own: for any test, sync or not.

    with receivers.receiving() as receiver:
        receiver.behaviour = receivers.answer(429, {"Retry-After": "7"})
        ...  # something posts to receiver.url
        received = receiver.wait_for(1)[0]

A behaviour is an async function of one request and the writer to answer it with; `by_path` and `in_turn` put several together.
It ends the connection by raising, or returning, HungUp. Everything that was received is kept, in order.
"""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import trustme

PATIENCE_S = 30


class HungUp(Exception):
    """The connection is to end here."""


@dataclass(frozen=True)
class Received:
    """One request. Names of headers are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    reader: asyncio.StreamReader = field(repr=False, compare=False)


Behaviour = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 204, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Behaviour:
    """Answers at once and keeps the connection, unless a header says `Connection: close`."""
    given = dict(headers or {})
    if status != 204:
        given.setdefault("Content-Length", str(len(body)))
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in given.items())]
    said = "\r\n".join([*lines, "", ""]).encode() + body

    async def answers(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        if given.get("Connection") == "close":
            raise HungUp

    return answers


def says(said: bytes) -> Behaviour:
    """Writes these bytes, whatever they are, and hangs up."""

    async def writes(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        raise HungUp

    return writes


async def hang(received: Received, _: asyncio.StreamWriter) -> None:
    """Never answers; ends when the sender has gone."""
    await received.reader.read()
    raise HungUp


async def hear_nothing(_: Received, writer: asyncio.StreamWriter) -> None:
    """Never answers, and does not even read that the sender takes its leave; ends with the test."""
    transport = writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()
    try:
        await asyncio.Event().wait()
    finally:
        transport.abort()


async def hang_in_body(received: Received, writer: asyncio.StreamWriter) -> None:
    """Begins an answer of 200 and a hundred bytes, gives the first, and no more; ends when the sender has gone."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n.")
    await hang(received, writer)


async def drip(received: Received, writer: asyncio.StreamWriter) -> None:
    """Answers 200 and a byte every few milliseconds, without end: always something new, never done."""
    gone = asyncio.ensure_future(received.reader.read())
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not (await asyncio.wait([gone], timeout=0.005))[0]:
        writer.write(b"1\r\n.\r\n")
    raise HungUp


async def endless(_: Received, writer: asyncio.StreamWriter) -> None:
    """Answers 200 and a body that goes on as fast as it is read; ends when the sender has gone."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1000\r\n" + b"a" * 4096 + b"\r\n")
        await writer.drain()


async def endless_headers(_: Received, writer: asyncio.StreamWriter) -> None:
    """Begins an answer whose headers never end; ends when the sender has gone."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: %b\r\n" % (b"a" * 1000))
        await writer.drain()


async def reset(_: Received, writer: asyncio.StreamWriter) -> None:
    """Breaks the connection off with a reset."""
    _break_off(writer)
    raise HungUp


async def reset_in_body(_: Received, writer: asyncio.StreamWriter) -> None:
    """Begins an answer of 200, and breaks the connection off in its body."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n.")
    await writer.drain()
    _break_off(writer)
    raise HungUp


def by_path(behaviours: Mapping[str, Behaviour], otherwise: Behaviour | None = None) -> Behaviour:
    """A behaviour for each path; other paths are answered 204, or `otherwise`."""
    fallback = otherwise or answer()

    async def chooses(received: Received, writer: asyncio.StreamWriter) -> None:
        await behaviours.get(received.path, fallback)(received, writer)

    return chooses


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """A behaviour for each request in turn; the last one for all that follow."""
    left = list(behaviours)

    async def takes(received: Received, writer: asyncio.StreamWriter) -> None:
        chosen = left.pop(0) if len(left) > 1 else left[0]
        await chosen(received, writer)

    return takes


class Receiver:
    """What listens, and what it got. Its loop runs in its own thread; `behaviour` may be changed at any time."""

    def __init__(self, host: str, behaviour: Behaviour, tls: ssl.SSLContext | None, greeting: bytes) -> None:
        self.host = host
        self.port = 0
        self.behaviour = behaviour
        self._tls = tls
        self._greeting = greeting
        self._changed = threading.Condition()
        self._received: list[Received] = []
        self._connections = 0
        self._open = 0

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def received(self) -> list[Received]:
        with self._changed:
            return list(self._received)

    @property
    def connections(self) -> int:
        """How many were ever opened."""
        with self._changed:
            return self._connections

    def wait_for(self, count: int) -> list[Received]:
        """The requests, once there are `count` of them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._received) >= count, PATIENCE_S), (
                f"{len(self._received)} of {count} requests came"
            )
            return list(self._received)

    def wait_until_open(self, most: int) -> int:
        """How many connections are open, once at most `most` are."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._open <= most, PATIENCE_S), f"{self._open} connections are open"
            return self._open

    async def listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, self.host, self.port, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._changed:
            self._connections += 1
            self._open += 1
            number = self._connections
        try:
            with suppress(HungUp, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                writer.write(self._greeting)
                while True:
                    received = await _read(reader, number)
                    with self._changed:
                        self._received.append(received)
                        self._changed.notify_all()
                    await self.behaviour(received, writer)
        finally:
            writer.close()
            with self._changed:
                self._open -= 1
                self._changed.notify_all()


@contextmanager
def receiving(
    behaviour: Behaviour | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    greeting: bytes = b"",
) -> Iterator[Receiver]:
    """A receiver on a free port of `host` (or on `port`), which answers 204 unless told otherwise; over TLS with `tls`.

    It says `greeting` before it was asked anything.
    """
    receiver = Receiver(host, behaviour or answer(), tls, greeting)
    receiver.port = port
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="receiver")
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(receiver.listen(), loop).result(PATIENCE_S)
        try:
            yield receiver
        finally:
            asyncio.run_coroutine_threadsafe(_end(server), loop).result(PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Authority:
    """A certificate authority made for one test; nobody else trusts it."""

    def __init__(self) -> None:
        self._authority = trustme.CA()

    def server(self, *names: str) -> ssl.SSLContext:
        """What a receiver needs that is called `names` (host names or addresses)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """What a sender needs that trusts this authority, and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context


async def _read(reader: asyncio.StreamReader, number: int) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, body, number, reader)


def _break_off(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _end(server: asyncio.Server) -> None:
    server.close()
    mine = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in mine:
        task.cancel()
    await asyncio.gather(*mine, return_exceptions=True)
    await server.wait_closed()
