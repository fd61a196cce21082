"""The server, for tests: inside the test's own process with a clock that is set by hand, or as a program of its own.

    with servers.application(url, clock=clock) as app:
        answer = app.request("GET", "/partner/events", headers={...})

    with servers.serving(url) as base_url:
        httpx.get(f"{base_url}/readyz")

The first is the whole ASGI application over a real database, without a socket. The second is what `openintervals serve` starts.
"""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx
import structlog

from openintervals import app as composition
from openintervals.api.exchange import Runtime
from openintervals.db import Database, named_by
from openintervals.db.transaction import Asking, Read, Tenant, Write
from openintervals.settings import Settings
from tests import databases

T = TypeVar("T")

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PATIENCE_S = 30

# What fails is shown; a line for each request would bury it.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@dataclass
class Clock:
    """The present, as the test says."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Application:
    """The ASGI application of one process, its database, and the event loop both live in."""

    asgi: Any
    runtime: Runtime
    database: Database
    clock: Clock
    runner: asyncio.Runner = field(repr=False)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.run(self.send(method, path, **options))

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request; `host` and `address` say what it was sent to and by whom."""
        host = options.pop("host", "127.0.0.1:8000")
        transport = httpx.ASGITransport(self.asgi, client=(options.pop("address", "127.0.0.1"), 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}", timeout=None) as client:
            return await client.request(method, path, **options)

    def write(self, work: Callable[[Write], Awaitable[T]], tenant: Tenant | None = None) -> T:
        """Run an operation in a transaction of its own."""
        return self.run(self.database.write(self.asking(tenant), work))

    def read(self, work: Callable[[Read], Awaitable[T]], tenant: Tenant | None = None) -> T:
        return self.run(self.database.read(self.asking(tenant), work))

    def asking(self, tenant: Tenant | None = None) -> Asking:
        return Asking(tenant=tenant or Tenant("", "live"), actor="test", now=self.clock())


@contextmanager
def application(url: str, *, clock: Clock | None = None, **settings: Any) -> Iterator[Application]:
    """The application over the database at `url`, which is brought up to date first. Without limits, unless told."""
    clock = clock or Clock()
    chosen = Settings(**{"database_url": url, "rate_limits": "off", **settings})
    databases.prepare(chosen)
    with asyncio.Runner() as runner:
        opened = named_by(chosen)
        runner.run(opened.open())
        try:
            asgi, runtime = composition.build(chosen, opened, clock)
            yield Application(asgi, runtime, opened, clock, runner)
        finally:
            runner.run(opened.close())


@contextmanager
def serving(url: str, *arguments: str, **environment: str) -> Iterator[str]:
    """A server of its own process on a free port, ready; gives its base URL. It must stop within seconds of SIGTERM."""
    databases.prepare(Settings(database_url=url))
    port = free_port()
    program = Path(sys.executable).parent / "openintervals"
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as said:  # not a pipe: nobody reads it while the server logs
        process = subprocess.Popen(
            [program, "serve", "--database-url", url, "--port", str(port), *arguments],
            env={**os.environ, **environment},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, base, said)
            yield base
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def _wait_until_ready(process: subprocess.Popen[bytes], base: str, said: IO[bytes]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    with httpx.Client() as client:
        while True:
            try:
                if client.get(f"{base}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            try:
                process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                assert time.monotonic() < give_up, "the server did not get ready"
            else:
                said.seek(0)
                raise AssertionError(f"the server ended: {said.read().decode()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
