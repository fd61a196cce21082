"""A post office for tests: the real sender over a real database, sending to a real receiver, at the times the test says.

    with posts.office(app) as post:
        endpoint = post.endpoint(api, receiver.url, types=["group.*"])
        api.make_group()
        post.settle()            # everything that is due now has been sent, and what came of it written down

The dialect is a plain one of the tests' own: `{"type", "object", "version", "gone", "format"}`, so that what the engine does shows
without any API's words.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals.db.statement import statement
from openintervals.db.transaction import Tenant
from openintervals.platform import addresses, signatures, webhooks
from openintervals.platform.dialects import Dialect, Headers, Sending, Told
from openintervals.platform.outbox import deliveries
from openintervals.platform.scopes import SCOPES
from openintervals.worker.outbound import Outbound
from openintervals.worker.sender import Sender
from tests.clients import Api
from tests.servers import Application

LOOPBACK = addresses.networks("127.0.0.0/8")


def plain_payload(told: Told) -> bytes:
    return msgspec.json.encode(
        {
            "type": told.type,
            "object": told.object_id,
            "version": told.object_version,
            "gone": told.deleted,
            "format": told.format,
        }
    )


def plain_request(secrets: Sequence[str], sendings: Sequence[Sending], at: datetime) -> tuple[Headers, bytes]:
    [only] = sendings
    return signatures.headers(secrets, only.delivery_id, int(at.timestamp()), only.payload), only.payload


PLAIN = Dialect(name="plain", payload=plain_payload, request=plain_request, together=lambda told: told.object_id)


class Logged(msgspec.Struct):
    """A delivery as it is stored."""

    id: str
    object_id: str
    object_version: int
    type: str
    state: str
    reason: str | None
    due_at: str
    tries: int
    again: bool
    attempts: msgspec.Raw
    payload: str | None

    @property
    def tried(self) -> list[dict[str, Any]]:
        tried: list[dict[str, Any]] = msgspec.json.decode(self.attempts)
        return tried


@statement
def _log() -> sa.Select[Any]:
    return (
        sa.select(*(deliveries.c[name] for name in Logged.__struct_fields__))
        .where(
            deliveries.c.organization_id == sa.bindparam("organization_id"),
            deliveries.c.mode == sa.bindparam("mode"),
            deliveries.c.webhook_id == sa.bindparam("webhook_id"),
        )
        .order_by(deliveries.c.id)
    )


@dataclass
class Endpoint:
    """An endpoint of the test's, and its log."""

    app: Application
    tenant: Tenant
    id: str
    secret: str

    def log(self) -> list[Logged]:
        return self.app.read(lambda tx: tx.all(Logged, _log(), webhook_id=self.id), self.tenant)

    def states(self) -> list[str]:
        return [each.state for each in self.log()]

    def is_now(self) -> webhooks.Webhook:
        return self.app.read(lambda tx: webhooks.get(tx, self.id), self.tenant)


@dataclass
class Office:
    """One sender of this process, and words to drive it."""

    app: Application
    outbound: Outbound
    sender: Sender
    others: list[Sender] = field(default_factory=list)

    def endpoint(self, api: Api, url: str, *, types: Sequence[str] = ("*",), **more: Any) -> Endpoint:
        options: dict[str, Any] = {"dialect": "plain", "key_id": api.key_id, "scopes": frozenset(SCOPES), **more}
        webhook, secret = self.app.write(lambda tx: webhooks.create(tx, url=url, types=types, **options), api.tenant)
        return Endpoint(self.app, api.tenant, webhook.id, secret)

    def settle(self) -> None:
        """Send everything that is due now, and what comes due by that."""
        self.app.run(settle(self.sender))


async def settle(*senders: Sender) -> None:
    """Rounds of all senders, until a round starts nothing."""
    busy = True
    while busy:
        busy = False
        for sender in senders:
            await sender.beat()
            await sender.tick()
            busy = busy or sender.sending
        await asyncio.gather(*(sender.quiet() for sender in senders))


@contextmanager
def office(
    app: Application,
    *dialects: Dialect,
    total_s: float = 5.0,
    tls: ssl.SSLContext | None = None,
    lookup: Callable[[str], Any] | None = None,
) -> Iterator[Office]:
    """`total_s` bounds one try, in real time."""

    async def opened() -> tuple[Outbound, Sender]:
        outbound = await Outbound(LOOPBACK, total_s=total_s, tls=tls, lookup=lookup).__aenter__()
        return outbound, make_sender(app, outbound, *dialects)

    outbound, sender = app.run(opened())
    try:
        yield Office(app, outbound, sender)
    finally:
        app.run(sender.leave(1.0))
        app.run(outbound.__aexit__(None, None, None))


def make_sender(app: Application, outbound: Outbound, *dialects: Dialect) -> Sender:
    """One more sender over the same database, as another process would be."""
    spoken = {dialect.name: dialect for dialect in (PLAIN, *dialects)}
    return Sender(app.database, outbound, spoken, app.clock, alone=app.database.kind == "sqlite")
