"""Room for large bodies: how many bytes of them a process holds at once, from the first byte that comes until its request is answered.

Who finds no room waits, in the order of coming, and gives up after a while. Small bodies need none, so nothing waits behind somebody's archive;
and one caller's many large bodies leave room for those of others.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from openintervals import errors

ROOM_BYTES = 192 * 1024 * 1024
SMALL_BYTES = 256 * 1024
PATIENCE_S = 30.0


class NoRoom(errors.Unavailable):
    code = "no_room"

    def __init__(self) -> None:
        super().__init__("The server is taking in other large files; try again in a minute")


class _Turn(NamedTuple):
    size: int
    who: str
    come: asyncio.Future[None]


class Room:
    """So many bytes, lent to one request after another; nobody has more than half of them unless by a single request."""

    def __init__(self, total: int = ROOM_BYTES, patience_s: float = PATIENCE_S) -> None:
        self._total = total
        self._left = total
        self._held: dict[str, int] = {}
        self._patience_s = patience_s
        self._waiting: deque[_Turn] = deque()
        self.used = False
        """Whether any was lent since somebody has set this to False."""

    @property
    def idle(self) -> bool:
        return self._left == self._total

    @asynccontextmanager
    async def lent(self, size: int, who: str) -> AsyncIterator[None]:
        """Room for `size` bytes, or for as many as there are at all. Raises NoRoom."""
        size = min(size, self._total)
        if size > SMALL_BYTES:
            await self._take(size, who)
        try:
            yield
        finally:
            if size > SMALL_BYTES:
                self._give_back(size, who)

    async def _take(self, size: int, who: str) -> None:
        turn = _Turn(size, who, asyncio.get_running_loop().create_future())
        self._waiting.append(turn)
        self._hand_out()
        try:
            async with asyncio.timeout(self._patience_s):
                await turn.come
        except BaseException as problem:
            # It may have been handed over in the very moment in which nobody waited any more.
            if turn.come.done() and not turn.come.cancelled():
                self._give_back(size, who)
            else:
                turn.come.cancel()
                self._hand_out()
            if isinstance(problem, TimeoutError):
                raise NoRoom from None
            raise

    def _give_back(self, size: int, who: str) -> None:
        self._left += size
        held = self._held.pop(who) - size
        if held:
            self._held[who] = held
        self._hand_out()

    def _hand_out(self) -> None:
        """Give what is left to those who wait, in the order of coming; who has a share already lets others pass."""
        stay: deque[_Turn] = deque()
        blocked = False
        for turn in self._waiting:
            held = self._held.get(turn.who, 0)
            if turn.come.done():  # cancelled
                continue
            if blocked or (held and held + turn.size > self._total // 2):
                stay.append(turn)
            elif turn.size > self._left:
                stay.append(turn)
                blocked = True
            else:
                self.used = True
                self._left -= turn.size
                self._held[turn.who] = held + turn.size
                turn.come.set_result(None)
        self._waiting = stay
