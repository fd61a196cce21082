"""One serving process: Granian in our own event loop, the background work beside it, and a stop that loses nothing.

    starting → serving → leaving → draining → stopped

*Leaving* begins with SIGTERM or SIGINT: `/readyz` answers 503 and new connections are turned away, while what is connected is
still answered, each answer closing its connection. *Draining* begins a moment later: the socket is closed, idle
connections too. Running requests, background work and webhooks that were sent finish side by side, within `stop_grace_s` seconds of the signal;
what has not by then is cut off, and a webhook's delivery still waits. Then usage counts are written down and the database is closed.
A second signal ends the process at once. When requests and a stop come at once: a request that was received is answered; a connection that was not
accepted is refused.
"""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.net import SocketHolder  # type: ignore[attr-defined]  # re-exported from its compiled part
from granian.server.embed import Server
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from openintervals import app
from openintervals.api import telemetry
from openintervals.api.exchange import Runtime
from openintervals.db import Database, named_by
from openintervals.platform import usage
from openintervals.serving import allocator, listener
from openintervals.settings import Settings
from openintervals.worker import loop, schedule, sending

LEAVING_S = 0.25
USAGE_EVERY_S = 5.0
STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(settings: Settings, listening: socket.socket, started: Callable[[], None], *, worker: bool) -> int:
    """Serve until told to stop; gives the exit code. `started` is called once requests are answered."""
    telemetry.configure(settings)
    allocator.keep_what_is_freed()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, listening, started, worker=worker))


async def _serve(settings: Settings, listening: socket.socket, started: Callable[[], None], *, worker: bool) -> int:
    stop = _stop_on_signal()
    database = named_by(settings)
    await database.open()
    try:
        shell, runtime = app.build(settings, database)
        counting = Counting(shell, runtime)
        granian = _Granian(counting, listening)
        answering = asyncio.create_task(granian.serve())
        ended = asyncio.Event()
        counts = loop.Job("usage.write_down", lambda database, _: _write_usage_down(runtime, database))
        memory = loop.Job("memory.give_back", lambda database, _: _give_memory_back(runtime))
        rounds = [loop.rounds([counts, memory], database, runtime.clock, USAGE_EVERY_S, ended)]
        if worker:
            rounds.append(loop.rounds(schedule.JOBS, database, runtime.clock, settings.worker_interval_s, ended))
            rounds.append(loop.rounds(schedule.TASKS, database, runtime.clock, schedule.TASKS_EVERY_S, ended))
        if settings.worker:  # in every serving process: the endpoints are shared out among them
            rounds.append(sending.deliver(settings, database, runtime.clock, ended))
        tasks = [asyncio.create_task(work) for work in rounds]
        gc.collect()
        gc.freeze()
        started()
        telling = asyncio.create_task(stop.wait())
        await asyncio.wait([answering, telling], return_when=asyncio.FIRST_COMPLETED)
        telling.cancel()
        runtime.stopping = True
        until = asyncio.get_running_loop().time() + settings.stop_grace_s
        ended.set()
        if not answering.done():
            telemetry.log.info("stopping", running=counting.running)
            listener.turn_away(listening)
            await asyncio.sleep(LEAVING_S)
        granian.stop()  # type: ignore[no-untyped-call]  # Granian leaves it untyped
        listening.close()
        finished = await _drain(answering, counting, until)
        await asyncio.wait(tasks, timeout=_seconds_left(until))
        await loop.attempt(counts, database, runtime.clock())
        telemetry.log.info("stopped", unfinished=0 if finished else counting.running)
        return 0 if stop.is_set() else 1
    finally:
        listening.close()
        await database.close()


def _stop_on_signal() -> asyncio.Event:
    """Set at the first signal; the second ends the process there and then."""
    stop = asyncio.Event()

    def told(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in STOPPING_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, told, number)
    return stop


async def _give_memory_back(runtime: Runtime) -> None:
    """Give back what large bodies took, once all of them are answered."""
    if runtime.room.used and runtime.room.idle:
        runtime.room.used = False
        await asyncio.to_thread(allocator.give_back)


async def _write_usage_down(runtime: Runtime, database: Database) -> None:
    if not runtime.usage.empty:
        await usage.write_down(database, runtime.asking_as("server"), runtime.usage)


async def _drain(answering: asyncio.Task[None], counting: "Counting", until: float) -> bool:
    """Wait for running requests until the loop's time is `until`; gives whether all have finished by then."""
    done, _ = await asyncio.wait([answering], timeout=_seconds_left(until))
    if answering in done:
        problem = answering.exception()
        if problem is not None:
            telemetry.log.error("the server failed", exception=type(problem).__name__)
    return counting.running == 0


def _seconds_left(until: float) -> float:
    return max(0.0, until - asyncio.get_running_loop().time())


class Counting:
    """Around the application: knows how many requests run, and while stopping has each answer close its connection."""

    def __init__(self, inner: ASGIApp, runtime: Runtime) -> None:
        self.inner = inner
        self.runtime = runtime
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.running += 1
        try:
            await self.inner(scope, receive, self._closing(send) if self.runtime.stopping else send)
        finally:
            self.running -= 1

    @staticmethod
    def _closing(send: Send) -> Send:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        return answer


class _Granian(Server):
    """Granian in this event loop, on a socket of ours."""

    _shd: Any

    def __init__(self, target: ASGIApp, listening: socket.socket) -> None:
        super().__init__(
            target,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=30_000),
            websockets=False,
            backlog=listener.BACKLOG,
            log_enabled=False,
        )
        self._listening = listening

    def _init_shared_socket(self) -> None:
        self._ssp = None
        # A duplicate: Granian closes the one it is given.
        self._shd = SocketHolder(os.dup(self._listening.fileno()), False, listener.BACKLOG)  # type: ignore[call-arg]  # its stub lacks one
