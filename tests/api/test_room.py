"""Room for large bodies: nobody gets more than there is, everybody gets a turn, nothing is lost."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from openintervals.api.room import SMALL_BYTES, NoRoom, Room

BIG = 4 * SMALL_BYTES


def hold(room: Room, size: int, begun: Callable[[], None], until: asyncio.Event, who: str = "") -> asyncio.Task[None]:
    async def held() -> None:
        async with room.lent(size, who):
            begun()
            await until.wait()

    return asyncio.create_task(held())


async def turns() -> None:
    """Let everybody who can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]  # what is awaited is a coroutine


def test_who_finds_no_room_waits_and_comes_in_order() -> None:
    async def work() -> None:
        room, order, ends = Room(BIG), [], [asyncio.Event() for _ in range(4)]
        sizes = (BIG, BIG // 2, BIG, BIG // 2)
        tasks = [
            hold(room, size, lambda number=number: order.append(number), end, str(number))  # type: ignore[misc]  # bound at once
            for number, (size, end) in enumerate(zip(sizes, ends, strict=True))
        ]
        await turns()
        assert order == [0]
        ends[0].set()
        await turns()
        assert order == [0, 1]  # the last would fit, but came after the one that does not
        ends[1].set()
        await turns()
        assert order == [0, 1, 2]
        ends[2].set()
        ends[3].set()
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2, 3]

    run(work)


def test_what_is_small_waits_for_nobody() -> None:
    async def work() -> None:
        room, end = Room(BIG), asyncio.Event()
        held = hold(room, BIG, lambda: None, end)
        await turns()

        async with room.lent(SMALL_BYTES, ""):
            assert not held.done()
        end.set()
        await held

    run(work)


def test_who_waits_too_long_is_refused_and_blocks_nobody() -> None:
    async def work() -> None:
        room, end = Room(BIG, patience_s=0.01), asyncio.Event()
        held = hold(room, BIG, lambda: None, end)
        await turns()

        with pytest.raises(NoRoom):
            async with room.lent(BIG, ""):
                raise AssertionError("there was room")
        end.set()
        await held
        async with room.lent(BIG, ""):
            pass

    run(work)


def test_who_goes_away_while_waiting_or_inside_leaves_the_room_whole() -> None:
    async def work() -> None:
        room, end = Room(BIG), asyncio.Event()
        inside = hold(room, BIG, lambda: None, end)
        waiting = hold(room, BIG, lambda: None, end)
        await turns()
        for task in (waiting, inside):
            task.cancel()
        await asyncio.gather(waiting, inside, return_exceptions=True)

        async with room.lent(BIG, ""):
            pass

    run(work)


def test_more_than_there_is_gets_all_there_is() -> None:
    async def work() -> None:
        async with Room(BIG).lent(100 * BIG, ""):
            pass

    run(work)


def test_one_who_sends_much_leaves_room_for_others() -> None:
    async def work() -> None:
        room, order, end = Room(4 * BIG), [], asyncio.Event()
        tasks = [
            hold(room, BIG, lambda who=who: order.append(who), end, who)  # type: ignore[misc]  # bound at once
            for who in ("ann", "ann", "ann", "bob")
        ]
        await turns()
        assert order == ["ann", "ann", "bob"]
        end.set()
        await asyncio.gather(*tasks)
        assert (order, room.idle, room.used) == (["ann", "ann", "bob", "ann"], True, True)

    run(work)


def test_who_gives_up_in_the_moment_of_a_turn_breaks_nothing() -> None:
    async def work() -> None:
        room, first, second = Room(BIG), asyncio.Event(), asyncio.Event()
        holding = hold(room, BIG, lambda: None, first)
        gone = hold(room, BIG, lambda: None, second)
        after = hold(room, BIG, lambda: None, second)
        await turns()
        gone.cancel()
        first.set()
        await holding
        second.set()
        await after
        assert gone.cancelled()
        assert room.idle

    run(work)
