"""The delivery log: what was, is or will be sent to an endpoint, every try of it, and what its owner may ask for.

    waiting → succeeded | failed | cancelled | superseded        by the sender (see platform/outbox.py)
    succeeded | failed | cancelled | superseded → waiting         by its owner: `resend` here, `recover` and `replay` in platform/replays.py

A delivery that waits again keeps its id and, once it was tried, its bytes; it has ten tries as at first, and leaves after what is fresh. Of an object
that was deleted nothing but the deletion is armed again, and what waits is never touched: whether a request for it runs is known to its sender
alone. The log outlives its endpoint, and is kept for thirty days after a delivery has ended.

When two ask for one delivery at once its row's lock orders them, and the second is told that it waits already.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors, instants
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Write
from openintervals.platform import ids, pages
from openintervals.platform.journal import journal
from openintervals.platform.outbox import deliveries
from openintervals.platform.webhooks import Webhook, webhooks

KEPT_FOR = timedelta(days=30)
ID_PATTERN = f"^{ids.DELIVERY}[{ids.ALPHABET}]{{{ids.TIME_CHARACTERS + ids.CHANCE_CHARACTERS},60}}$"
"""Ids of deliveries are longer than others: they also tell those of one change apart."""


_UNSENT = ("failed", "cancelled", "superseded")


class Attempt(msgspec.Struct, frozen=True):
    """One try. `status` is that of the answer, `problem` what kept one from coming, `head` the beginning of what was answered."""

    at: str
    duration_ms: int
    status: int | None = None
    problem: str | None = None
    head: str = ""
    next_at: str | None = None
    by: str = "schedule"


class Delivery(msgspec.Struct, frozen=True):
    """A delivery without its bytes."""

    id: str
    webhook_id: str
    type: str
    object_id: str
    object_version: int
    state: str
    reason: str | None
    created_at: str
    due_at: str
    ended_at: str | None
    attempts: msgspec.Raw

    def tries(self) -> list[Attempt]:
        """Its tries, oldest first."""
        return _decode_attempts(self.attempts)


class Sent(Delivery, frozen=True):
    """A delivery with the bytes that were, or will be, sent; None until the first try."""

    payload: str | None


_decode_attempts = msgspec.json.Decoder(list[Attempt]).decode


class DeliveryNotFound(errors.NotFound):
    code = "delivery_not_found"

    def __init__(self) -> None:
        super().__init__("Delivery not found")


class DeliveryWaits(errors.Conflict):
    code = "delivery_waits"

    def __init__(self) -> None:
        super().__init__("This delivery still waits, and is tried again by itself; its next try says when")


class WebhookNotActive(errors.Conflict):
    code = "webhook_not_active"

    def __init__(self) -> None:
        super().__init__("This webhook is not active, so nothing is sent to it; make it active first")


class WebhookDeleted(errors.Conflict):
    code = "webhook_deleted"

    def __init__(self) -> None:
        super().__init__("The webhook was deleted, so nothing is sent to it any more")


class ObjectDeleted(errors.Conflict):
    code = "object_deleted"

    def __init__(self) -> None:
        super().__init__("The object was deleted since; nothing but its deletion can be sent again")


def earliest_id(at: datetime) -> str:
    """What sorts before the id of every delivery made at `at` or later, and after those made before. Pure."""
    return ids.DELIVERY + ids.base32(instants.milliseconds(at), ids.TIME_CHARACTERS)


def object_lives(told: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition that the object of `told`, a delivery or an entry of the journal, was not deleted by a later change."""
    # By the last entry alone: nothing comes after a deletion, and an object may have very many entries.
    last = journal.alias("last")
    lives = (
        sa.select(sa.or_(last.c.verb.not_like("%.deleted"), last.c.object_version == told.c.object_version))
        .where(own(last), last.c.object_id == told.c.object_id)
        .order_by(last.c.object_version.desc())
        .limit(sa.literal_column("1"))
        .correlate(told)
        .scalar_subquery()
    )
    return sa.func.coalesce(lives, sa.true())


def in_state(state: str) -> sa.ColumnElement[bool]:
    """The condition that a delivery is in a state, one of five words, spelt out as the partial indexes are."""
    is_so = deliveries.c.state == sa.literal_column(f"'{state}'")
    if state not in _UNSENT:
        return is_so
    # SQLite uses the index only where it reads the index's own condition.
    return sa.and_(is_so, deliveries.c.state.in_([sa.literal_column(f"'{each}'") for each in _UNSENT]))


def armed() -> dict[str, Any]:
    """What is set when a delivery is to leave again. Parameter `now`."""
    return {
        "state": sa.literal_column("'waiting'"),
        "reason": sa.null(),
        "due_at": sa.bindparam("now", type_=sa.Text),
        "ended_at": sa.null(),
        "again": sa.true(),
        "tries": sa.literal_column("0"),
    }


@statement
def _page(state: str | None, direction: pages.Direction) -> sa.Select[Any]:
    of_endpoint = sa.and_(own(deliveries), deliveries.c.webhook_id == sa.bindparam("webhook_id"))
    select = sa.select(*columns(Delivery, deliveries)).where(of_endpoint)
    if state == "waiting":
        # What waits is mostly little, behind very much that does not: its own index must lead to it, not the order of ids.
        either = deliveries.c.again.in_([sa.false(), sa.true()])
        unordered = deliveries.c.id.concat(sa.literal_column("''"))
        waiting = sa.select(deliveries.c.id).where(of_endpoint, in_state(state), either)
        chosen = select.where(deliveries.c.id.in_(pages.paged(waiting, unordered, direction)))
        return chosen.order_by(deliveries.c.id.asc() if direction == "before" else deliveries.c.id.desc())
    if state is not None:
        select = select.where(in_state(state))
    return pages.paged(select, deliveries.c.id, direction)


@statement
def _get(view: type[msgspec.Struct], *, lock: bool = False) -> sa.Select[Any]:
    # By way of the tenant's endpoints, of which there are few: the key begins with them.
    endpoints = sa.select(webhooks.c.id).where(own(webhooks))
    select = sa.select(*columns(view, deliveries)).where(
        own(deliveries), deliveries.c.webhook_id.in_(endpoints), deliveries.c.id == sa.bindparam("id")
    )
    return select.with_for_update() if lock else select


@statement
def _alive() -> sa.Select[Any]:
    return sa.select(webhooks.c.status, object_lives(deliveries)).where(
        own(webhooks),
        own(deliveries),
        webhooks.c.id == deliveries.c.webhook_id,
        deliveries.c.webhook_id == sa.bindparam("webhook_id"),
        deliveries.c.id == sa.bindparam("delivery_id"),
    )


@statement
def _arm() -> sa.Update:
    return (
        sa.update(deliveries)
        .where(
            own(deliveries),
            deliveries.c.webhook_id == sa.bindparam("endpoint"),
            deliveries.c.id == sa.bindparam("delivery"),
            deliveries.c.state != sa.literal_column("'waiting'"),
        )
        .values(**armed())
    )


@statement
def _insert() -> sa.Insert:
    return sa.insert(deliveries)


@statement
def _forget() -> sa.Delete:
    key = ("organization_id", "mode", "webhook_id", "id")
    old = (
        sa.select(*(deliveries.c[name] for name in key))
        .where(deliveries.c.ended_at < sa.bindparam("before"))
        .order_by(deliveries.c.ended_at)
        .limit(sa.bindparam("row_limit", type_=sa.Integer))
    )
    return sa.delete(deliveries).where(sa.tuple_(*(deliveries.c[name] for name in key)).in_(old))


async def page(tx: Read, webhook_id: str, state: str | None, window: pages.Window) -> tuple[list[Delivery], bool]:
    """An endpoint's deliveries, newest first, of one state if it is given."""
    statement_ = _page(state, window.direction)
    return window.cut(await tx.all(Delivery, statement_, webhook_id=webhook_id, **window.parameters))


async def get(tx: Read, delivery_id: str) -> Sent:
    """Raises DeliveryNotFound."""
    delivery = await tx.one(Sent, _get(Sent), id=delivery_id)
    if delivery is None:
        raise DeliveryNotFound
    return delivery


async def resend(tx: Write, delivery_id: str) -> None:
    """Have a delivery that has ended leave once more, the same under the same id.

    Raises DeliveryNotFound, DeliveryWaits, WebhookDeleted, WebhookNotActive, ObjectDeleted."""
    delivery = await tx.one(Delivery, _get(Delivery, lock=True), id=delivery_id)
    if delivery is None:
        raise DeliveryNotFound
    if delivery.state == "waiting":
        raise DeliveryWaits
    [(status, lives)] = await tx.rows(_alive(), webhook_id=delivery.webhook_id, delivery_id=delivery.id)
    if status == "deleted":
        raise WebhookDeleted
    if status != "active":
        raise WebhookNotActive
    if not lives:
        raise ObjectDeleted
    await tx.execute(_arm(), endpoint=delivery.webhook_id, delivery=delivery.id, now=tx.now_text)


async def put_test(tx: Write, webhook: Webhook, type_: str, payload: bytes) -> str:
    """A delivery that tells of no change: it stands for itself, and its bytes are given. Gives its id. Raises WebhookNotActive."""
    if webhook.status != "active":
        raise WebhookNotActive
    delivery_id = ids.new(ids.DELIVERY, tx.now)
    await tx.put(
        _insert(),
        webhook_id=webhook.id,
        id=delivery_id,
        object_id=delivery_id,
        object_version=1,
        type=type_,
        state="waiting",
        reason=None,
        created_at=tx.now_text,
        due_at=tx.now_text,
        ended_at=None,
        again=False,
        tries=0,
        attempts="[]",
        payload=payload.decode(),
    )
    return delivery_id


async def forget_old(tx: Write, *, most: int) -> int:
    """Delete at most `most` deliveries, of all tenants, that ended long ago; gives how many."""
    return await tx.execute(_forget(), before=instants.text(tx.now - KEPT_FOR), row_limit=most)
