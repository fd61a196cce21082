"""The sender: the part of a process that delivers webhooks, one lane for each endpoint it holds the lease of.

    joined → sending → leaving → left

Every `TICK_S` it asks which endpoints something is due for (on SQLite only if anything was committed since), takes the leases of those
that are its own among the living senders, and lets their lanes run; a lane goes on by itself while it has work. Every `BEAT_S` it says that it lives
and renews its leases, and it gives back what processes of this machine held that have died. Leases of endpoints that belong to another sender
by now, or that were long idle, are given back as soon as their lane is idle. Leaving, it starts nothing more, waits for what is under way, and
gives everything back.

A request starts only while its lease will outlast it; so when this process stalls, or the database is gone, it stops sending before
another takes over. Ticks and lanes share one event loop; ticks and beats take turns, so that no lease is taken while it is given back. A lane
that fails is logged, and its deliveries are still there in the next tick.
"""

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from openintervals import instants
from openintervals.db import Database
from openintervals.db.transaction import Asking, Tenant, Write
from openintervals.platform import senders, sendings
from openintervals.platform.dialects import Dialect
from openintervals.platform.sendings import Expecting
from openintervals.worker import lifelines
from openintervals.worker.lane import Lane
from openintervals.worker.outbound import TOTAL_S, Outbound

TICK_S = {"sqlite": 0.02, "postgres": 0.1}
BEAT_S = 5.0
LEASE_TO_SPARE = timedelta(seconds=TOTAL_S + 2)
IDLE_FOR = timedelta(seconds=60)
AFTER_FAILURE = timedelta(seconds=5)

log: Any = structlog.get_logger()


class Sender:
    """`alone` says that no other process can be sending from this database."""

    def __init__(
        self,
        database: Database,
        outbound: Outbound,
        dialects: Mapping[str, Dialect],
        clock: Callable[[], datetime],
        *,
        alone: bool,
    ) -> None:
        self.id = lifelines.name()
        self.database = database
        self.outbound = outbound
        self.dialects = dialects
        self.clock = clock
        self.alone = alone
        self._lifeline = lifelines.Lifeline(self.id)
        self._living = [self.id]
        self._lanes: dict[str, Lane] = {}
        self._held_until: dict[str, datetime] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._failed_until: dict[str, datetime] = {}
        self._state: int | None = None
        self._next_due: str = ""
        self._beat_at: datetime | None = None
        self._sure = not alone
        self._turn = asyncio.Lock()
        self._leaving = False

    async def run(self, ended: asyncio.Event, grace_s: float) -> None:
        """Send until `ended`; what is under way then has `grace_s` seconds to finish, and is sent again by others if it doesn't."""
        beating = asyncio.create_task(self._beats(ended))
        try:
            await self._every(TICK_S[self.database.kind], self.tick, ended)
        finally:
            beating.cancel()
            await asyncio.wait([beating])
            await self.leave(grace_s)

    async def _beats(self, ended: asyncio.Event) -> None:
        await self._every(BEAT_S, self.beat, ended)

    async def _every(self, pause_s: float, work: Callable[[], Any], ended: asyncio.Event) -> None:
        while not ended.is_set():
            try:
                await work()
            except Exception as problem:  # noqa: BLE001 — the database may be away for a while
                _log_failure("sender failed", problem)
                self._state = None
                pause = max(pause_s, 1.0)
            else:
                pause = pause_s
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), pause)

    async def beat(self) -> None:
        """Say that this sender lives, learn who else does, and renew what it holds. Alone, it only forgets the lanes that are long idle."""
        async with self._turn:
            if self.alone:
                self._forget_idle(self.clock())
            else:
                await self._beat()

    def _forget_idle(self, now: datetime) -> None:
        self._lanes = {
            each: lane for each, lane in self._lanes.items() if each in self._running or not _is_long_idle(lane, now)
        }

    async def _beat(self) -> None:
        first = self._beat_at is None
        if first:
            self._lifeline.hold()
        dead: list[str] = []

        async def work(tx: Write) -> tuple[list[str], list[str]]:
            dead[:] = filter(lifelines.has_ended, await senders.known(tx))
            for sender_id in dead:
                await senders.leave(tx, sender_id)
            living = await senders.say_alive(tx, self.id)
            return living, list(await senders.renew(tx, self.id))

        now = self.clock()
        self._living, held = await self.database.write(self._asking(now), work)
        self._beat_at = now
        self._held_until = dict.fromkeys(held, now + senders.LEASE_FOR)
        self._lanes = {
            each: lane for each, lane in self._lanes.items() if each in self._held_until or each in self._running
        }
        for sender_id in dead:
            log.warning("sender died", sender=sender_id)
            lifelines.forget(sender_id)
        if not first:
            await self._give_back([each for each in held if self._is_done_with(each, now)])

    def _is_done_with(self, webhook_id: str, now: datetime) -> bool:
        """Whether a lease is another's by now, or has not been used for long; a lane that runs is asked to come to an end first."""
        lane = self._lanes.get(webhook_id)
        strange = senders.chosen(webhook_id, self._living) != self.id
        if lane is not None and strange:
            lane.leaving = True
        return strange or lane is None or _is_long_idle(lane, now)

    async def tick(self) -> None:
        """Start the lanes of endpoints for which something is due now and that are this sender's."""
        async with self._turn:
            if not self.alone:
                if self._beat_at is None:
                    await self._beat()
                await self._give_back([each for each in self._held_until if self._is_left(each)])
            await self._tick()

    def _is_left(self, webhook_id: str) -> bool:
        lane = self._lanes.get(webhook_id)
        return lane is not None and lane.leaving

    async def _tick(self) -> None:
        now = self.clock()
        now_text = instants.text(now)
        state = self.database.state()
        if (
            self.database.kind == "sqlite"
            and state == self._state
            and (not self._next_due or now_text < self._next_due)
        ):
            return
        self._state = state
        resting = [lane for lane in self._lanes.values() if lane.webhook_id not in self._running]
        expecting = await self.database.read(self._asking(now), sendings.expecting, snapshot=False)
        clean = {each.webhook_id for each in expecting if each.failing_since is None}
        for rested in resting:  # all that they know of their endpoints was written down when we asked
            if rested.webhook_id in clean:
                rested.begin_anew()
        mine = [each for each in expecting if self.alone or senders.chosen(each.webhook_id, self._living) == self.id]
        for each in mine:
            if (lane := self._lanes.get(each.webhook_id)) is not None:
                lane.again_waits = each.again_due_at is not None
            if lane is not None and each.webhook_id in self._running:
                lane.wake()
        idle = [(self._from(each), each) for each in mine if each.webhook_id not in self._running]
        self._next_due = min((from_ for from_, _ in idle), default="")
        due = [each for from_, each in idle if from_ <= now_text]
        if due and not self._sure:
            await self._make_sure(now)
        if not self.alone:
            await self._take([each for each in due if each.webhook_id not in self._held_until], now)
        for each in due:
            if self.alone or each.webhook_id in self._held_until:
                self._start(each)

    async def _make_sure(self, now: datetime) -> None:
        """Write, and be on disk: no lease lapses for a sender that is alone and cannot write down what it sends."""
        await self.database.write(self._asking(now), lambda tx: senders.say_alive(tx, self.id))
        self._sure = True
        self._beat_at = now

    def _from(self, each: Expecting) -> str:
        """When the next delivery to an endpoint may leave: when it is due, and its lane neither closed nor just failed."""
        lane = self._lanes.get(each.webhook_id)
        waits = [when for when in (lane and lane.probe_at, self._failed_until.get(each.webhook_id)) if when]
        return max([each.due_at, *map(instants.text, waits)])

    async def _take(self, wanted: list[Expecting], now: datetime) -> None:
        if not wanted:
            return

        async def work(tx: Write) -> list[str]:
            taken = []
            for each in wanted:
                tenant = Tenant(each.organization_id, each.mode)
                if await senders.take(tx.as_tenant(tenant), self.id, each.webhook_id):
                    taken.append(each.webhook_id)
            return taken

        for webhook_id in await self.database.write(self._asking(now), work):
            self._held_until[webhook_id] = now + senders.LEASE_FOR

    def _start(self, each: Expecting) -> None:
        lane = self._lanes.get(each.webhook_id)
        if lane is None:
            tenant = Tenant(each.organization_id, each.mode)
            lane = Lane(
                each.webhook_id,
                tenant,
                self.database,
                self.outbound,
                self.dialects,
                self.clock,
                lambda: self._may_send(each.webhook_id),
            )
            lane.again_waits = each.again_due_at is not None
            self._lanes[each.webhook_id] = lane
        self._running[each.webhook_id] = asyncio.create_task(self._run(lane))

    async def _run(self, lane: Lane) -> None:
        try:
            await lane.run()
        except Exception as problem:  # noqa: BLE001 — one lane must not end the others
            _log_failure("webhook lane failed", problem, webhook=lane.webhook_id)
            self._failed_until[lane.webhook_id] = self.clock() + AFTER_FAILURE
            self._sure = not self.alone
        else:
            self._failed_until.pop(lane.webhook_id, None)
        finally:
            del self._running[lane.webhook_id]
            self._state = None  # look again: what it left may be due already

    def _may_send(self, webhook_id: str) -> bool:
        """Whether the lease, if one is needed, will outlast a request that starts now."""
        if self.alone:
            return not self._leaving
        until = self._held_until.get(webhook_id)
        return not self._leaving and until is not None and self.clock() + LEASE_TO_SPARE <= until

    async def _give_back(self, webhook_ids: list[str]) -> None:
        """Give leases back, but for those whose lane still runs."""
        idle = [webhook_id for webhook_id in webhook_ids if webhook_id not in self._running]
        if not idle:
            return
        for webhook_id in idle:
            del self._held_until[webhook_id]
            self._lanes.pop(webhook_id, None)

        async def work(tx: Write) -> None:
            for webhook_id in idle:
                await senders.give_back(tx, self.id, webhook_id)

        await self.database.write(self._asking(self.clock()), work)

    @property
    def sending(self) -> bool:
        """Whether any lane runs."""
        return bool(self._running)

    async def quiet(self) -> None:
        """Wait until no lane runs."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    async def leave(self, grace_s: float) -> None:
        """Start nothing more, wait for what is under way, and give everything back."""
        self._leaving = True
        try:
            await asyncio.wait_for(self.quiet(), grace_s)
        except TimeoutError:
            unfinished = list(self._running.values())
            for task in unfinished:
                task.cancel()
            if unfinished:
                await asyncio.wait(unfinished)
        if self._beat_at is not None:
            with contextlib.suppress(Exception):  # leases lapse by themselves when the database is away
                await self.database.write(self._asking(self.clock()), lambda tx: senders.leave(tx, self.id))
        self._lifeline.release()

    def _asking(self, now: datetime) -> Asking:
        return Asking(tenant=Tenant("", "live"), actor="sender", now=now)


def _is_long_idle(lane: Lane, now: datetime) -> bool:
    return now - lane.used_at > IDLE_FOR and lane.probe_at is None


def _log_failure(what: str, problem: Exception, **more: Any) -> None:
    frames = traceback.extract_tb(problem.__traceback__)
    at = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    log.error(what, exception=type(problem).__name__, at=at, **more)
