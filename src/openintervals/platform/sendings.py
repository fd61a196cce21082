"""What a sender asks of the outbox: who is waited for, what may leave now, and what became of it.

One process holds an endpoint's lease, so nothing here decides between two. What may leave now is, for each object, the earliest delivery
that waits, if its time has come: a later one about the same object waits until that one has ended. What was armed again (a resend, a replay) comes
after what is fresh. A delivery stays `waiting` while a request for it runs; whoever holds the lease knows which those are (`in_flight`),
and nobody else ends what waits.
"""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals.db.schema import own
from openintervals.db.statement import PLANNED_ANEW, statement
from openintervals.db.transaction import Read, Write
from openintervals.platform.api_keys import api_keys
from openintervals.platform.journal import journal
from openintervals.platform.outbox import deliveries
from openintervals.platform.scopes import READS
from openintervals.platform.webhooks import KEY_ENDED, webhooks

ENDPOINTS_MOST = 10_000
PORTION = 500
OBJECT_GONE = "The object was deleted"
ENDPOINT_GONE = "The endpoint was deleted"
NOT_FOR_KEY = "The API key that the endpoint acts for may not read such objects"
NEWER = "A later change of the object took its place"
ATTEMPTS_KEPT = 40
"""Of the tries of one delivery, the last: ten come by themselves, the others were asked for."""

_decode_scopes = msgspec.json.Decoder(frozenset[str]).decode

_WAITS: sa.ColumnElement[bool] = deliveries.c.state == sa.literal_column("'waiting'")


class Expecting(msgspec.Struct, frozen=True):
    """An endpoint for which something waits, and when the first of it may leave: of what is fresh, and of what was armed again."""

    webhook_id: str
    organization_id: str
    mode: str
    failing_since: str | None
    fresh_due_at: str | None
    again_due_at: str | None

    @property
    def due_at(self) -> str:
        return min(due_at for due_at in (self.fresh_due_at, self.again_due_at) if due_at is not None)


class Endpoint(msgspec.Struct, frozen=True):
    """Where to send, and whether that is still right: the endpoint beside the key it acts for."""

    id: str
    dialect: str
    url: str
    format: str
    coalesce: bool
    status: str
    disabled_reason: str | None
    failing_since: str | None
    secret: str
    old_secret: str | None
    old_secret_until: str | None
    key_revoked_at: str | None
    key_expires_at: str | None
    key_scopes: msgspec.Raw | None

    def secrets(self, now_text: str) -> list[str]:
        """Those that sign at `now_text`, the newest first."""
        if self.old_secret is None or self.old_secret_until is None or self.old_secret_until <= now_text:
            return [self.secret]
        return [self.secret, self.old_secret]

    def key_has_ended(self, now_text: str) -> bool:
        """Whether the key that the endpoint acts for can no longer be used."""
        expired = self.key_expires_at is not None and self.key_expires_at <= now_text
        return self.key_revoked_at is not None or expired

    def obstacle(self, now_text: str) -> str | None:
        """Why nothing may leave for it, ever, or until its owner acts; None when it may."""
        if self.status == "deleted":
            return ENDPOINT_GONE
        if self.status == "disabled":
            return self.disabled_reason
        return KEY_ENDED if self.key_has_ended(now_text) else None

    def may_hear(self, due: "Due") -> bool:
        """Whether its key, maybe another than when the delivery was put, may read what is told; a test tells of the endpoint alone."""
        kind = due.type.partition(".")[0]
        return due.object_id == due.id or READS.get(kind) in _decode_scopes(self.key_scopes or b"[]")


class Due(msgspec.Struct, frozen=True):
    """A delivery that may leave now, with the journal's entry, which is absent when `payload` was given from the start."""

    id: str
    object_id: str
    object_version: int
    type: str
    created_at: str
    again: bool
    tries: int
    attempts: msgspec.Raw
    payload: str | None
    verb: str | None
    object_type: str | None
    at: str | None
    changed: msgspec.Raw | None
    snapshot: msgspec.Raw | None
    last_verb: str | None
    newest: int

    @property
    def stale(self) -> bool:
        """Whether it is an update and a later change of its object waits too."""
        return self.newest > self.object_version and self.type.endswith(".updated")

    @property
    def outlived(self) -> bool:
        """Whether it was armed again though its object has been deleted since, and it is not the deletion."""
        return self.last_verb is not None and self.last_verb.endswith(".deleted") and self.last_verb != self.verb


class Outcome(msgspec.Struct, frozen=True):
    """What becomes of one delivery after a try: its new state, the try added, and when the next one is due."""

    id: str
    object_id: str
    state: str
    reason: str | None
    tries: int
    attempts: bytes
    payload: str | None
    due_at: str


def _turn(column: str, *, last: bool = False) -> sa.ScalarSelect[Any]:
    """Of what waits for the endpoint of a delivery about its object: a column of the first, or of the last."""
    # Asked for by an order and one row, which only one index gives. As EXISTS it is a join to PostgreSQL, which goes through all that
    # waits for each delivery when its statistics are of a time at which little waited.
    turn = deliveries.alias("turn")
    order = (turn.c.object_version, turn.c.id)
    return (
        sa.select(turn.c[column])
        .where(
            own(turn),
            turn.c.webhook_id == deliveries.c.webhook_id,
            turn.c.object_id == deliveries.c.object_id,
            turn.c.state == sa.literal_column("'waiting'"),
        )
        .order_by(*(each.desc() if last else each for each in order))
        .limit(sa.literal_column("1"))
        .correlate(deliveries)
        .scalar_subquery()
    )


def _entry(column: str) -> sa.Label[Any]:
    """A column of the journal's entry that a delivery tells of; for the same reason no join."""
    of_object = journal.c.object_id == deliveries.c.object_id
    select = sa.select(journal.c[column]).where(
        own(journal), of_object, journal.c.object_version == deliveries.c.object_version
    )
    return select.correlate(deliveries).scalar_subquery().label(column)


def _busy(name: str, again: sa.ColumnElement[bool]) -> sa.CTE:
    """Endpoints that something waits for: one step of the index for each, however much that is."""
    waits = sa.and_(_WAITS, deliveries.c.again == again)
    first = sa.select(sa.func.min(deliveries.c.webhook_id).label("webhook_id")).where(waits)
    busy = first.cte(name, recursive=True)
    following = sa.select(sa.func.min(deliveries.c.webhook_id)).where(
        waits, deliveries.c.webhook_id > busy.c.webhook_id
    )
    return busy.union_all(
        sa.select(following.scalar_subquery()).select_from(busy).where(busy.c.webhook_id.is_not(None))
    )


@statement
def _expecting() -> sa.Select[Any]:
    kinds = _busy("fresh", sa.false()), _busy("armed", sa.true())
    busy = sa.union(*(sa.select(kind.c.webhook_id) for kind in kinds)).subquery("busy")

    def first_due(again: sa.ColumnElement[bool]) -> sa.ColumnElement[str]:
        return (
            sa.select(sa.func.min(deliveries.c.due_at))
            .where(_WAITS, deliveries.c.webhook_id == webhooks.c.id, deliveries.c.again == again)
            .scalar_subquery()
        )

    fresh, again = first_due(sa.false()), first_due(sa.true())
    return (
        sa.select(webhooks.c.id, webhooks.c.organization_id, webhooks.c.mode, webhooks.c.failing_since, fresh, again)
        .select_from(busy.join(webhooks, webhooks.c.id == busy.c.webhook_id))
        .where(webhooks.c.status != "paused")
        .limit(ENDPOINTS_MOST)
    )


@statement
def _endpoint() -> sa.Select[Any]:
    names = [name for name in Endpoint.__struct_fields__ if not name.startswith("key_")]
    key = sa.and_(own(api_keys), api_keys.c.id == webhooks.c.key_id)
    return (
        sa.select(
            *(webhooks.c[name] for name in names), api_keys.c.revoked_at, api_keys.c.expires_at, api_keys.c.scopes
        )
        .select_from(webhooks.outerjoin(api_keys, key))
        .where(own(webhooks), webhooks.c.id == sa.bindparam("webhook_id"))
    )


@statement
def _due(*, again: bool) -> sa.Select[Any]:
    last = journal.alias("last")
    last_verb: sa.ColumnElement[Any] = sa.null()
    if again:
        last_verb = (
            sa.select(last.c.verb)
            .where(own(last), last.c.object_id == deliveries.c.object_id)
            .order_by(last.c.object_version.desc())
            .limit(1)
            .scalar_subquery()
        )
    names = ("id", "object_id", "object_version", "type", "created_at", "again", "tries", "attempts", "payload")
    return (
        sa.select(
            *(deliveries.c[name] for name in names),
            *(_entry(name) for name in ("verb", "object_type", "at", "changed", "snapshot")),
            last_verb.label("last_verb"),
            _turn("object_version", last=True).label("newest"),
        )
        .where(
            own(deliveries),
            deliveries.c.webhook_id == sa.bindparam("webhook_id"),
            _WAITS,
            deliveries.c.again == (sa.true() if again else sa.false()),
            deliveries.c.due_at <= sa.bindparam("now"),
            deliveries.c.id == _turn("id"),
        )
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(sa.bindparam("row_limit", type_=sa.Integer))
        .execution_options(**{PLANNED_ANEW: True})
    )


@statement
def _waiting() -> sa.Select[Any]:
    return (
        sa.select(deliveries.c.id)
        .where(own(deliveries), deliveries.c.webhook_id == sa.bindparam("webhook_id"), _WAITS)
        .order_by(deliveries.c.id)
        .limit(PORTION)
    )


@statement
def _superseded() -> sa.Select[Any]:
    return (
        sa.select(deliveries.c.id)
        .where(
            own(deliveries),
            deliveries.c.webhook_id == sa.bindparam("webhook_id"),
            _WAITS,
            deliveries.c.type.like("%.updated"),
            deliveries.c.object_version < _turn("object_version", last=True),
        )
        .limit(PORTION)
    )


def _one() -> sa.ColumnElement[bool]:
    return sa.and_(
        own(deliveries),
        deliveries.c.webhook_id == sa.bindparam("endpoint"),
        deliveries.c.id == sa.bindparam("delivery"),
    )


@statement
def _end() -> sa.Update:
    return (
        sa.update(deliveries)
        .where(_one(), _WAITS)
        .values(state=sa.bindparam("new_state"), reason=sa.bindparam("new_reason"), ended_at=sa.bindparam("new_end"))
    )


@statement
def _record() -> sa.Update:
    names = ("state", "reason", "tries", "attempts", "payload", "due_at", "ended_at")
    return sa.update(deliveries).where(_one(), _WAITS).values({name: sa.bindparam(f"new_{name}") for name in names})


@statement
def _put_off() -> sa.Update:
    return (
        sa.update(deliveries)
        .where(
            own(deliveries),
            deliveries.c.webhook_id == sa.bindparam("endpoint"),
            deliveries.c.object_id == sa.bindparam("object"),
            _WAITS,
            deliveries.c.due_at < sa.bindparam("until"),
        )
        .values(due_at=sa.bindparam("until"))
    )


@statement
def _put_off_blocked() -> sa.Update:
    return (
        sa.update(deliveries)
        .where(
            own(deliveries),
            deliveries.c.webhook_id == sa.bindparam("endpoint"),
            _WAITS,
            deliveries.c.due_at <= sa.bindparam("now"),
            deliveries.c.due_at < _turn("due_at"),
        )
        .values(due_at=_turn("due_at"))
    )


async def expecting(tx: Read) -> list[Expecting]:
    """The endpoints, of all tenants, for which something waits and that are not paused."""
    return await tx.all(Expecting, _expecting())


async def endpoint(tx: Read, webhook_id: str) -> Endpoint | None:
    """An endpoint of the tenant, whatever its status; None when even its row is gone."""
    return await tx.one(Endpoint, _endpoint(), webhook_id=webhook_id)


async def due(tx: Read, webhook_id: str, in_flight: Collection[str], *, fresh: int, again: int) -> list[Due]:
    """At most so many `fresh` deliveries that may leave now, then so many of those armed `again`; none that is `in_flight`."""
    found: list[Due] = []
    for kind, most in ((False, fresh), (True, again)):
        if most > 0:
            limit = most + len(in_flight)
            rows = await tx.all(Due, _due(again=kind), webhook_id=webhook_id, now=tx.now_text, row_limit=limit)
            found += [row for row in rows if row.id not in in_flight][:most]
    return found


async def superseded(tx: Read, webhook_id: str, in_flight: Collection[str]) -> list[str]:
    """Updates that wait though a later change of their object waits too."""
    return [found for (found,) in await tx.rows(_superseded(), webhook_id=webhook_id) if found not in in_flight]


async def waiting(tx: Read, webhook_id: str, in_flight: Collection[str]) -> list[str]:
    """A portion of what waits for an endpoint, due or not."""
    return [found for (found,) in await tx.rows(_waiting(), webhook_id=webhook_id) if found not in in_flight]


async def end(tx: Write, webhook_id: str, delivery_ids: Sequence[str], state: str, reason: str) -> None:
    """End deliveries without a try, as `state` for `reason`."""
    told = {"endpoint": webhook_id, "new_state": state, "new_reason": reason, "new_end": tx.now_text}
    await tx.put_many(_end(), [{**told, "delivery": found} for found in delivery_ids])


async def record(tx: Write, webhook_id: str, outcomes: Sequence[Outcome]) -> None:
    """Write down what became of deliveries. What waits behind one that is tried again later is put off as well."""
    rows = [
        {
            "endpoint": webhook_id,
            "delivery": each.id,
            "new_state": each.state,
            "new_reason": each.reason,
            "new_tries": each.tries,
            "new_attempts": each.attempts.decode(),
            "new_payload": each.payload,
            "new_due_at": each.due_at,
            "new_ended_at": None if each.state == "waiting" else tx.now_text,
        }
        for each in outcomes
    ]
    later = [each for each in outcomes if each.state == "waiting"]
    await tx.put_many(_record(), rows)
    await tx.put_many(
        _put_off(), [{"endpoint": webhook_id, "object": each.object_id, "until": each.due_at} for each in later]
    )


async def put_off_blocked(tx: Write, webhook_id: str) -> None:
    """Have what waits behind another delivery about its object be due with the first of them, so that nobody looks for it before."""
    await tx.execute(_put_off_blocked(), endpoint=webhook_id, now=tx.now_text)


def attempts_with(attempts: msgspec.Raw, attempt: dict[str, Any]) -> bytes:
    """The list of tries with one more; the oldest of very many go. Pure."""
    kept = [*msgspec.json.decode(attempts), attempt][-ATTEMPTS_KEPT:]
    return msgspec.json.encode(kept)
