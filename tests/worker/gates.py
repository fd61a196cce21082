"""Watching a sender at work: receivers that hold what they get until the test lets go, and a client that counts what it has under way.

    with gates.office(app) as (post, outbound):
        receiver.behaviour = gate = Gate()

        async def scenario() -> None:
            async with gates.at_work(post.sender):
                await arrived(receiver, 2)      # the sender goes on in the meantime
                assert outbound.open[receiver.url] == 2
                gate.let_go()

        app.run(scenario())

Time stands still as the test's clock does, and a try may last longer than any test, so what is seen does not depend on the machine.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from openintervals.platform.dialects import Dialect
from openintervals.worker.outbound import Answer, Outbound
from openintervals.worker.sender import BEAT_S, Sender
from tests.servers import Application
from tests.worker.posts import LOOPBACK, Office, make_sender
from tests.worker.receivers import Behaviour, Received, Receiver, answer

LONGER_THAN_ANY_TEST_S = 600.0


class Counting(Outbound):
    """`open` posts are under way to a URL; at most `most` were at once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(LOOPBACK, **{"total_s": LONGER_THAN_ANY_TEST_S, **options})
        self.open: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.open[url] += 1
        self.most[url] = max(self.most[url], self.open[url])
        try:
            return await super().post(url, headers, body)
        finally:
            self.open[url] -= 1


class Gate:
    """Holds every request until `let_go`, and then does `then` with each."""

    def __init__(self, then: Behaviour | None = None) -> None:
        self._then = then or answer()
        self._lock = threading.Lock()
        self._held: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._is_open = False

    async def __call__(self, received: Received, writer: asyncio.StreamWriter) -> None:
        may_go = asyncio.Event()
        with self._lock:
            if self._is_open:
                may_go.set()
            self._held.append((asyncio.get_running_loop(), may_go))
        await may_go.wait()
        await self._then(received, writer)

    def let_go(self) -> None:
        """Those that are held, and all that come."""
        with self._lock:
            self._is_open = True
            for loop, may_go in self._held:
                loop.call_soon_threadsafe(may_go.set)
            self._held.clear()


@contextmanager
def office(app: Application, *dialects: Dialect, **options: Any) -> Iterator[tuple[Office, Counting]]:
    """An office whose client counts."""

    async def opened() -> tuple[Counting, Sender]:
        outbound = await Counting(**options).__aenter__()
        return outbound, make_sender(app, outbound, *dialects)

    outbound, sender = app.run(opened())
    try:
        yield Office(app, outbound, sender), outbound
    finally:
        app.run(sender.leave(0))
        app.run(outbound.__aexit__(None, None, None))


@asynccontextmanager
async def at_work(sender: Sender) -> AsyncIterator[None]:
    """Let a sender work by itself, as a process does; at the end it stops at once, and cannot be used again."""
    ended = asyncio.Event()
    working = asyncio.create_task(sender.run(ended, 0))
    try:
        yield
    finally:
        ended.set()
        await working


def pass_time(app: Application, post: Office, seconds: float) -> None:
    """Time passes for a sender that keeps its leases, but finds no time to send."""
    while seconds > 0:
        app.clock.advance(min(BEAT_S, seconds))
        app.run(post.sender.beat())
        seconds -= BEAT_S


async def arrived(receiver: Receiver, count: int) -> list[Received]:
    """What a receiver got, once it is so much."""
    return await asyncio.to_thread(receiver.wait_for, count)
