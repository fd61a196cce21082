"""Room for large bodies: how many bytes of them a process holds at once, from the first byte that comes until its request is answered.

Who finds no room waits, in the order of coming, and gives up after a while. Small bodies need none, so nothing waits behind somebody's archive.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openintervals import errors

ROOM_BYTES = 192 * 1024 * 1024
SMALL_BYTES = 256 * 1024
PATIENCE_S = 30.0


class NoRoom(errors.Unavailable):
    code = "no_room"

    def __init__(self) -> None:
        super().__init__("The server is taking in other large files; try again in a minute")


class Room:
    """So many bytes, lent to one request after another."""

    def __init__(self, total: int = ROOM_BYTES, patience_s: float = PATIENCE_S) -> None:
        self._total = total
        self._left = total
        self._patience_s = patience_s
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def lent(self, size: int) -> AsyncIterator[None]:
        """Room for `size` bytes, or for as many as there are at all. Raises NoRoom."""
        size = min(size, self._total)
        if size > SMALL_BYTES:
            await self._take(size)
        try:
            yield
        finally:
            if size > SMALL_BYTES:
                self._left += size
                self._hand_out()

    async def _take(self, size: int) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, mine))
        self._hand_out()
        try:
            async with asyncio.timeout(self._patience_s):
                await mine
        except BaseException as problem:
            if (
                mine.done() and not mine.cancelled()
            ):  # it was handed over in the very moment in which nobody waited any more
                self._left += size
            else:
                self._waiting.remove((size, mine))
            self._hand_out()
            if isinstance(problem, TimeoutError):
                raise NoRoom from None
            raise

    def _hand_out(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._left:
            size, waiting = self._waiting.popleft()
            self._left -= size
            waiting.set_result(None)
