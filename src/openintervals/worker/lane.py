"""A lane: the deliveries to one endpoint, for as long as this process holds the endpoint's lease.

    idle → running → idle        running: look what may leave, send, write down, look again; idle when nothing may leave now

Every look asks anew whether the endpoint may be told (its status, its key, what that may read), and reads no object: what leaves was frozen.
Requests overlap, `WINDOW_MOST` at most: a lane starts with two at once, success widens the window and failure narrows it, so that an
endpoint that hangs holds few connections. A bucket bounds how many leave in a second. After straight failures the lane closes, and then
tries with one (`retries.Health`); so does whoever takes over an endpoint that fails. While answers are slow and there is room, the sender wakes
the lane for what is new.
What was armed again gets half of the window at most; one place of it is kept for it, the others are what fresh deliveries leave.
What the owner changes meanwhile counts from then on: a record that began anew is forgotten here too, and what the old URL answers ends nothing.

Nothing of this is shared with other lanes: a slow endpoint delays itself. Two deliveries about one object are never in flight together.
If the process dies, what was in flight still waits in the database and is sent again by whoever takes the lease: at least once, under the same id.
"""

import asyncio
import random
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from openintervals import instants
from openintervals.db import Database
from openintervals.db.transaction import Asking, Read, Tenant, Write
from openintervals.platform import retries, sendings, webhooks
from openintervals.platform.dialects import Dialect, Sending, Told
from openintervals.platform.retries import Answer, Health
from openintervals.platform.sendings import Due, Endpoint, Outcome
from openintervals.worker import sent
from openintervals.worker.outbound import Outbound

WINDOW_FIRST = 2
WINDOW_MOST = 16
RATE_PER_S = 200.0
LOOK_MOST = 100
SLOW_S = 0.1
"""How long a lane waits for answers before it looks for what is new in the meantime."""
CANNOT_BUILD = "This change could not be put into words; the operator's log says why"

log: Any = structlog.get_logger()


class Request(msgspec.Struct):
    """Deliveries on their way together; `payloads` in their order."""

    dues: list[Due]
    payloads: list[str]
    url: str
    began_at: datetime


class Lane:
    """One endpoint's deliveries. `may_send()` says whether its lease will outlast a request that starts now."""

    def __init__(
        self,
        webhook_id: str,
        tenant: Tenant,
        database: Database,
        outbound: Outbound,
        dialects: Mapping[str, Dialect],
        clock: Callable[[], datetime],
        may_send: Callable[[], bool],
    ) -> None:
        self.webhook_id = webhook_id
        self.tenant = tenant
        self.database = database
        self.outbound = outbound
        self.dialects = dialects
        self.clock = clock
        self.may_send = may_send
        self.leaving = False
        self.again_waits = True
        self.health: Health | None = None
        self.used_at = clock()
        self._window = float(WINDOW_FIRST)
        self._tokens = RATE_PER_S
        self._counted_at = time.monotonic()
        self._looked_at = 0.0
        self._waking: asyncio.TimerHandle | None = None
        self._woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_flight: dict[asyncio.Task[Answer], Request] = {}

    def begin_anew(self) -> None:
        """Forget how it has been: its owner changed it since, and its record is clean."""
        if self.health is not None and self.health.failing_since is not None:
            self.health = None
            self._window = float(WINDOW_FIRST)

    @property
    def probe_at(self) -> datetime | None:
        """Until when the lane is closed after straight failures; None when it is open, or may try with one."""
        if self.health is None or self.health.state(self.clock()) != "open":
            return None
        return self.health.probe_at

    def wake(self) -> None:
        """Something is new: it need not wait for a slow answer while there is room. Looks soon, unless answers make it look before."""
        if self._waking is None:
            self._waking = asyncio.get_running_loop().call_later(SLOW_S, self._wake, self._looked_at)

    def _wake(self, looked_at: float) -> None:
        self._waking = None
        if self._looked_at == looked_at and not self._woken.done() and self._room() > 0:
            self._woken.set_result(None)

    async def run(self) -> None:
        """Send what may leave now, and what may leave when that is done, until nothing is."""
        try:
            found = False
            while True:
                looked = await self._look()
                found = found or looked
                if not self._in_flight:
                    if looked:
                        continue
                    if not found and self._room() > 0 and not self.leaving and self.may_send():
                        await self._put_off_blocked()
                    return
                awaited: list[asyncio.Future[Any]] = [*self._in_flight, self._woken]
                await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                if self._woken.done():
                    self._woken = asyncio.get_running_loop().create_future()
                await self._write_down()
        finally:
            self.used_at = self.clock()
            for request in self._in_flight:  # only when interrupted: what is under way will be sent again
                request.cancel()
            self._in_flight.clear()

    async def _put_off_blocked(self) -> None:
        """Something is due, and yet nothing may leave: it waits behind what is tried later."""
        await self.database.write(self._asking(self.clock()), lambda tx: sendings.put_off_blocked(tx, self.webhook_id))

    async def _look(self) -> bool:
        """Start what may leave now; gives whether anything was started or ended."""
        room = self._room()
        if room <= 0 or self.leaving or not self.may_send():
            return False
        now = self.clock()
        self._looked_at = time.monotonic()
        in_flight = [due for request in self._in_flight.values() for due in request.dues]
        flying = {due.id for due in in_flight}
        flying_objects = {due.object_id for due in in_flight}
        again_flying = sum(due.again for due in in_flight)

        async def look(tx: Read) -> tuple[Endpoint | None, list[Due], list[str], list[str]]:
            endpoint = await sendings.endpoint(tx, self.webhook_id)
            if endpoint is None or endpoint.status == "paused":
                return None, [], [], []
            if endpoint.obstacle(tx.now_text):
                return endpoint, [], await sendings.waiting(tx, self.webhook_id, flying), []
            dialect = self.dialects[endpoint.dialect]
            # One place is kept for what was armed again, or it would wait as long as there is something new.
            kept = int(self.again_waits and room > 1 and not again_flying)
            fresh = min((room - kept) * dialect.changes_most, LOOK_MOST)
            dues = await sendings.due(tx, self.webhook_id, flying, fresh=fresh, again=0)
            spare = min(room - len(dues), max(1, int(self._window) // 2) - again_flying)
            if spare > 0 and self.again_waits:
                dues += await sendings.due(tx, self.webhook_id, flying, fresh=0, again=spare)
            # All that waits is looked through only when some of it would leave, or stands in the way of all that is due.
            if endpoint.coalesce and (not dues or any(due.stale for due in dues)):
                stale = await sendings.superseded(tx, self.webhook_id, flying)
                return endpoint, [] if stale else dues, [], stale
            return endpoint, dues, [], []

        # Each question sees its own moment: what has changed between two of them is seen by the next look.
        endpoint, dues, hopeless, stale = await self.database.read(self._asking(now), look, snapshot=False)
        if endpoint is None:
            return False
        if self.health is None:
            since = endpoint.failing_since
            self.health = Health(retries.OPEN_AFTER - 1, datetime.fromisoformat(since)) if since else Health()
            self._window = 1.0 if since else self._window
            room = min(room, int(self._window))
        if hopeless or (endpoint.obstacle(instants.text(now)) and endpoint.status != "disabled"):
            return await self._cancel(hopeless, now)
        if stale:
            await self._end(stale, "superseded", sendings.NEWER, now)
            return True
        left = await self._drop(endpoint, dues, now)
        # An earlier change that was armed again while a later one is on its way waits for that one's answer; and of two that were found
        # of one object, since the earlier was armed between two questions, one waits for the other.
        chosen = {due.object_id: due for due in reversed(left) if due.object_id not in flying_objects}
        started = await self._start(endpoint, [*reversed(chosen.values())], room, now)
        return started or len(left) < len(dues)

    async def _drop(self, endpoint: Endpoint, dues: list[Due], now: datetime) -> list[Due]:
        """End those of `dues` that may not leave any more, and give the others."""
        unheard = [due for due in dues if not endpoint.may_hear(due)]
        outlived = [due for due in dues if due.outlived and due not in unheard]
        for dropped, reason in ((unheard, sendings.NOT_FOR_KEY), (outlived, sendings.OBJECT_GONE)):
            if dropped:
                await self._end([due.id for due in dropped], "cancelled", reason, now)
        return [due for due in dues if due not in unheard and due not in outlived]

    def _room(self) -> int:
        """How many requests may be started now."""
        counted_at = time.monotonic()
        self._tokens = min(RATE_PER_S, self._tokens + (counted_at - self._counted_at) * RATE_PER_S)
        self._counted_at = counted_at
        now = self.clock()
        state = self.health.state(now) if self.health is not None else "closed"
        if state != "closed":
            return 1 if state == "half_open" and not self._in_flight else 0
        own = len(self._in_flight)
        return min(int(self._window) - own, int(self._tokens), self.outbound.room(own))

    async def _start(self, endpoint: Endpoint, dues: list[Due], room: int, now: datetime) -> bool:
        """Send as many of `dues` as `room` requests take; the others are found again by the next look."""
        dialect = self.dialects[endpoint.dialect]
        requests: list[list[tuple[Due, str]]] = []
        filling: dict[str, list[tuple[Due, str]]] = {}
        broken: list[str] = []
        for due in dues:
            told = self._told(endpoint, due)
            try:
                key = dialect.together(told) if dialect.changes_most > 1 and due.verb is not None else due.id
                members = filling.get(key, [])
                if len(members) in (0, dialect.changes_most) and len(requests) == room:
                    continue
                payload = due.payload if due.payload is not None else dialect.payload(told).decode()
            except Exception as problem:  # noqa: BLE001 — one change that cannot be told must not hold up the others
                frames = traceback.extract_tb(problem.__traceback__)
                log.error(  # noqa: TRY400 — a traceback shows values
                    "webhook payload failed",
                    delivery=due.id,
                    exception=type(problem).__name__,
                    at=[f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames[-6:]],
                )
                broken.append(due.id)
                continue
            if len(members) in (0, dialect.changes_most):
                members = filling[key] = []
                requests.append(members)
            members.append((due, payload))
        if broken:
            await self._end(broken, "failed", CANNOT_BUILD, now)
        assert self.health is not None
        if requests and self.health.state(now) == "half_open":
            self.health = self.health.probing(now)
        for members in requests:
            if not self.may_send():  # checked before every request: the lease must outlast it
                return bool(broken)
            self._send(endpoint, dialect, members, now)
        return bool(requests or broken)

    def _send(self, endpoint: Endpoint, dialect: Dialect, members: list[tuple[Due, str]], now: datetime) -> None:
        sendings_ = [Sending(due.id, payload.encode()) for due, payload in members]
        headers, body = dialect.request(endpoint.secrets(instants.text(now)), sendings_, now)
        request = Request([due for due, _ in members], [payload for _, payload in members], endpoint.url, now)
        self._tokens -= 1
        for due in request.dues:
            if not due.tries and not due.again:
                sent.first_try(due.created_at, now)
        self._in_flight[asyncio.create_task(self.outbound.post(endpoint.url, headers, body))] = request

    def _told(self, endpoint: Endpoint, due: Due) -> Told:
        return Told(
            self.tenant.organization_id,
            self.tenant.mode,
            due.type,
            endpoint.format,
            due.verb or due.type,
            due.object_type or "",
            due.object_id,
            due.object_version,
            due.at or due.created_at,
            due.changed or msgspec.Raw(b"[]"),
            due.snapshot or msgspec.Raw(b"{}"),
        )

    async def _write_down(self) -> None:
        """Record everything that has come back by now, in one transaction."""
        now = self.clock()
        done = [(task, request) for task, request in self._in_flight.items() if task.done()]
        if not done:
            return
        assert self.health is not None
        gone_url, before = None, self.health
        outcomes: list[Outcome] = []
        for task, request in done:
            answer = task.result()
            sent.answered(answer)
            if answer.status == 410 and answer.problem is None:
                gone_url = request.url
            if answer.succeeded:
                self.health = Health()
                self._window = min(WINDOW_MOST, self._window + len(request.dues))
            else:
                self.health = self.health.failed(request.began_at, now)
                self._window = max(1.0, self._window / 2)
            outcomes += [
                _outcome(due, payload, answer, request.began_at, now)
                for due, payload in zip(request.dues, request.payloads, strict=True)
            ]
        is_lost = self.health.is_lost(now)
        since = instants.text(self.health.failing_since) if self.health.failing_since else None
        changed_mood = (before.failing_since is None) != (since is None)

        async def write(tx: Write) -> str | None:
            await sendings.record(tx, self.webhook_id, outcomes)
            if changed_mood:
                await webhooks.note_failing(tx, self.webhook_id, since)
            if gone_url is None and not is_lost:
                return None
            return await _disable(tx, self.webhook_id, gone_url)

        reason = await self.database.write(self._asking(now), write)
        for task, _ in done:
            del self._in_flight[task]
        if reason is not None:
            log.warning("webhook disabled", webhook=self.webhook_id, reason=reason)

    async def _cancel(self, hopeless: list[str], now: datetime) -> bool:
        """End what waits for an endpoint that may be told nothing any more; a key that ended ends the endpoint."""

        async def write(tx: Write) -> bool:
            try:
                webhook = await webhooks.lock(tx, self.webhook_id)
            except webhooks.WebhookNotFound:
                webhook = None
            endpoint = await sendings.endpoint(tx, self.webhook_id)
            reason = endpoint.obstacle(tx.now_text) if endpoint is not None else None
            if endpoint is None or reason is None:  # its owner has made it active since we looked
                return False
            if webhook is not None and webhook.status != "disabled":
                await webhooks.disable(tx, webhook, reason)
            await sendings.end(tx, self.webhook_id, hopeless, "cancelled", reason)
            return bool(hopeless)

        return await self.database.write(self._asking(now), write)

    async def _end(self, delivery_ids: list[str], state: str, reason: str, now: datetime) -> None:
        await self.database.write(
            self._asking(now), lambda tx: sendings.end(tx, self.webhook_id, delivery_ids, state, reason)
        )

    def _asking(self, now: datetime) -> Asking:
        return Asking(tenant=self.tenant, actor="sender", now=now)


async def _disable(tx: Write, webhook_id: str, gone_url: str | None) -> str | None:
    """Disable an endpoint whose `gone_url` answered 410, or that has failed for too long; gives the reason. What its owner has changed since
    counts: another URL, a record that begins anew."""
    try:
        webhook = await webhooks.lock(tx, webhook_id)
    except webhooks.WebhookNotFound:  # deleted while its last request ran
        return None
    if gone_url == webhook.url:
        reason = webhooks.GONE
    elif gone_url is None and webhook.failing_since is not None:
        reason = webhooks.FAILING
    else:
        return None
    await webhooks.disable(tx, webhook, reason)
    return reason


def _outcome(due: Due, payload: str, answer: Answer, began_at: datetime, now: datetime) -> Outcome:
    """What becomes of a delivery after a try. The time of the next one is drawn here."""
    verdict = retries.verdict(answer, due.tries, random.random())  # noqa: S311 — jitter, no secret
    due_at = instants.text(now + timedelta(seconds=verdict.delay_s)) if verdict.delay_s is not None else None
    state = {"succeeded": "succeeded", "again": "waiting"}.get(verdict.kind, "failed")
    reason = {"exhausted": "All tries failed", "gone": webhooks.GONE}.get(verdict.kind)
    attempt = {
        "at": instants.text(began_at),
        "duration_ms": answer.duration_ms,
        "status": answer.status,
        "problem": answer.problem,
        "head": answer.head,
        "next_at": due_at,
        "by": "request" if due.again else "schedule",
    }
    return Outcome(
        id=due.id,
        object_id=due.object_id,
        state=state,
        reason=reason,
        tries=due.tries + 1,
        attempts=sendings.attempts_with(due.attempts, attempt),
        payload=payload,
        due_at=due_at or instants.text(now),
    )
