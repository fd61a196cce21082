"""The load generator for machines without wrk: keep-alive connections over asyncio protocols on uvloop,
HTTP read just enough.

A connection sends its next request when the answer to the last one is complete. Answers need a
Content-Length, as all servers measured here send. Bounded in time by its caller and in count here.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

_MOST_REQUESTS = 20_000_000
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class _Tally:
    """What all connections together have seen."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.perf_counter() + seconds
        self.latencies: list[float] = []
        self.errors = 0

    def over(self) -> bool:
        return time.perf_counter() >= self.ends or len(self.latencies) + self.errors >= _MOST_REQUESTS


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], tally: _Tally, finished: Callable[[], None]) -> None:
        self.requests = requests
        self.tally = tally
        self.finished = finished
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self.send()

    def send(self) -> None:
        assert self.transport is not None
        if self.tally.over():
            self.transport.close()
            return
        self.sent_at = time.perf_counter()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head_end = self.buffer.find(_HEAD_END)
        if head_end < 0:
            return
        head = bytes(self.buffer[:head_end]).lower()
        at = head.find(_LENGTH)
        if at < 0:
            self.fail()
            return
        length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
        if len(self.buffer) < head_end + len(_HEAD_END) + length:
            return
        self.buffer.clear()
        if head[9:10] == b"2":
            self.tally.latencies.append(time.perf_counter() - self.sent_at)
        else:
            self.tally.errors += 1
        self.send()

    def fail(self) -> None:
        assert self.transport is not None
        self.tally.errors += 1
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.tally.over():
            self.tally.errors += 1
        self.finished()


def load(
    url: str, headers: Mapping[str, str], runs: Sequence[str], *, salt: str, seconds: float, connections: int
) -> dict[str, Any]:
    """Load the URL and return the fields of `load.Result`."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_load(url, headers, runs, salt, seconds, connections))


async def _load(
    url: str, headers: Mapping[str, str], runs: Sequence[str], salt: str, seconds: float, connections: int
) -> dict[str, Any]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    requests = _posts(url, headers, runs, salt) if runs else itertools.repeat(_head("GET", url, headers) + b"\r\n")
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    tally = _Tally(seconds)
    all_done = [loop.create_future() for _ in range(connections)]
    for done in all_done:
        await loop.create_connection(
            lambda done=done: _Connection(requests, tally, lambda: done.set_result(None)),  # type: ignore[misc]
            parts.hostname,
            parts.port,
        )
    _, late = await asyncio.wait(all_done, timeout=seconds + 15)
    took = time.perf_counter() - began
    ordered = sorted(tally.latencies) or [0.0]
    return {
        "requests": len(tally.latencies) + tally.errors,
        "seconds": took,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000,
        "errors": tally.errors + len(late),
    }


def _head(method: str, url: str, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n"


def _posts(url: str, headers: Mapping[str, str], runs: Sequence[str], salt: str) -> Iterator[bytes]:
    """Registrations without end: a new e-mail each, dealt over the runs in turn."""
    head = _head("POST", url, {**headers, "Content-Type": "application/json"})
    for number, run in enumerate(itertools.cycle(runs)):
        body = json.dumps(
            {
                "eventRunId": run,
                "email": f"{salt}-{number}@example.com",
                "name": "Alex Johnson",
                "registrationType": "free",
                "status": "confirmed",
            }
        ).encode()
        yield head + b"Content-Length: %d\r\n\r\n" % len(body) + body
