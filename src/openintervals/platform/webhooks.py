"""Webhook endpoints: who outside is told of changes, and on whose authority.

    active ⇄ paused          by its owner, who makes it as either; what happens while it is paused waits, and leaves when it is active again
    active | paused → disabled   it answered 410, it has failed for five days, or its key has ended; nothing is written for it any more
    disabled → active | paused   by its owner; what it missed can be replayed
    any → deleted            the row stays while its delivery log is kept, thirty days

An endpoint acts with the rights of the key that made it or last changed it (`key_id`): it hears only of what that key may read, and of nothing once
the key is revoked or has expired. A key that is rotated hands its endpoints to its successor. The secret is shown when it is made; after a
rotation the old one signs beside the new for a day. It has to be stored as it is, since signatures are made with it.
Changes of endpoints are journaled without their secrets. When two change one at once its row's lock orders them; when two are made at once, or one
is made while its key ends, the organization's lock does, so that there are never too many and none is forgotten.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors, instants
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, T, Write
from openintervals.platform import ids, journal, organizations, outbox, pages, signatures
from openintervals.platform.scopes import READS

ENDPOINTS_MOST = 50
OLD_SECRET_FOR = timedelta(hours=24)
DELETED_KEPT_FOR = timedelta(days=30)
GONE = "The endpoint answered 410 Gone"
FAILING = "The endpoint has not answered with success for five days"
KEY_ENDED = "The API key that the endpoint acts for was revoked or has expired"

webhooks = schema.table(
    "webhooks",
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("dialect", schema.Text, nullable=False),
    sa.Column("url", schema.Text, nullable=False),
    sa.Column("description", schema.Text),
    sa.Column("types", schema.Json, nullable=False),
    sa.Column("format", schema.Text, nullable=False),
    sa.Column("coalesce", schema.Flag, nullable=False),
    sa.Column("status", schema.Text, nullable=False),
    sa.Column("disabled_reason", schema.Text),
    sa.Column("disabled_at", schema.Text),
    sa.Column("failing_since", schema.Text),
    sa.Column("key_id", schema.Text, nullable=False),
    sa.Column("secret", schema.Text, nullable=False),
    sa.Column("old_secret", schema.Text),
    sa.Column("old_secret_until", schema.Text),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("updated_at", schema.Text, nullable=False),
    sa.Column("deleted_at", schema.Text),
    sa.Column("version", schema.Integer, nullable=False),
    sa.CheckConstraint("status IN ('active', 'paused', 'disabled', 'deleted')", name="status"),
    sa.CheckConstraint("format IN ('full', 'thin')", name="format"),
    sa.CheckConstraint("(status = 'deleted') = (deleted_at IS NOT NULL)", name="deleted"),
    sa.CheckConstraint("(status = 'disabled') = (disabled_at IS NOT NULL)", name="disabled"),
    sa.Index("ix_webhooks_id", "id"),
    sa.Index("ix_webhooks_key_id", "organization_id", "mode", "key_id"),
    sa.Index(
        "ix_webhooks_deleted_at",
        "deleted_at",
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
    ),
)


class Webhook(msgspec.Struct, frozen=True):
    """An endpoint without its secrets."""

    id: str
    dialect: str
    url: str
    description: str | None
    types: msgspec.Raw
    format: str
    coalesce: bool
    status: str
    disabled_reason: str | None
    disabled_at: str | None
    failing_since: str | None
    key_id: str
    created_at: str
    updated_at: str
    deleted_at: str | None
    version: int


class WebhookNotFound(errors.NotFound):
    code = "webhook_not_found"

    def __init__(self) -> None:
        super().__init__("Webhook not found")


class TooManyWebhooks(errors.Conflict):
    code = "too_many_webhooks"

    def __init__(self) -> None:
        super().__init__(f"There are {ENDPOINTS_MOST} webhooks already; delete one that is not needed first")


def subscriptions(types: Sequence[str], scopes: frozenset[str]) -> list[str]:
    """What an endpoint asking for `types` hears of with these scopes: `*` is all that they let it read. Pure."""
    heard: dict[str, None] = {}
    for name in types:
        if name == "*":
            heard |= {f"{kind}.*": None for kind, scope in READS.items() if scope in scopes}
        else:
            heard[name] = None
    return list(heard)


def type_problems(types: Sequence[str], scopes: frozenset[str]) -> list[str]:
    """Which of `types` these scopes do not let an endpoint hear of, in words. The names themselves are known. Pure."""
    problems = []
    for name in types:
        scope = READS.get(name.partition(".")[0])
        if scope is not None and scope not in scopes:
            problems.append(f"{name} needs the scope {scope}, which this key does not have")
    if not problems and not subscriptions(types, scopes):
        problems.append("This key may read nothing that an endpoint could hear of")
    return problems


@statement
def _insert() -> sa.Insert:
    return sa.insert(webhooks)


@statement
def _get(*, lock: bool = False) -> sa.Select[Any]:
    select = sa.select(*columns(Webhook, webhooks)).where(
        own(webhooks), webhooks.c.id == sa.bindparam("id"), webhooks.c.status != "deleted"
    )
    return select.with_for_update() if lock else select


@statement
def _there() -> sa.Select[Any]:
    return sa.select(webhooks.c.id).where(own(webhooks), webhooks.c.id == sa.bindparam("id"))


@statement
def _page(view: type[msgspec.Struct], direction: pages.Direction) -> sa.Select[Any]:
    select = sa.select(*columns(view, webhooks)).where(own(webhooks), webhooks.c.status != "deleted")
    return pages.paged(select, webhooks.c.id, direction)


@statement
def _count() -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(webhooks).where(own(webhooks), webhooks.c.status != "deleted")


@statement
def _lock_organization() -> sa.Select[Any]:
    organization = organizations.organizations
    return sa.select(organization.c.id).where(organization.c.id == sa.bindparam("organization_id")).with_for_update()


@statement
def _forget() -> sa.Delete:
    key = sa.tuple_(webhooks.c.organization_id, webhooks.c.mode, webhooks.c.id)
    logged = outbox.deliveries
    log = sa.exists().where(
        logged.c.organization_id == webhooks.c.organization_id,
        logged.c.mode == webhooks.c.mode,
        logged.c.webhook_id == webhooks.c.id,
    )
    old = (
        sa.select(webhooks.c.organization_id, webhooks.c.mode, webhooks.c.id)
        .where(webhooks.c.deleted_at < sa.bindparam("before"), sa.not_(log))
        .order_by(webhooks.c.deleted_at)
        .limit(sa.bindparam("row_limit", type_=sa.Integer))
    )
    return sa.delete(webhooks).where(key.in_(old))


@statement
def _update(names: tuple[str, ...]) -> sa.Update:
    return (
        sa.update(webhooks)
        .where(own(webhooks), webhooks.c.id == sa.bindparam("webhook_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )


@statement
def _rotate() -> sa.Update:
    return (
        sa.update(webhooks)
        .where(own(webhooks), webhooks.c.id == sa.bindparam("webhook_id"))
        .values(
            old_secret=webhooks.c.secret,
            old_secret_until=sa.bindparam("until"),
            secret=sa.bindparam("new_secret"),
            version=webhooks.c.version + 1,
            updated_at=sa.bindparam("at"),
        )
    )


@statement
def _of_key() -> sa.Select[Any]:
    return (
        sa.select(*columns(Webhook, webhooks))
        .where(own(webhooks), webhooks.c.key_id == sa.bindparam("key"), webhooks.c.status != "deleted")
        .order_by(webhooks.c.id)
        .with_for_update()
    )


async def page(tx: Read, view: type[T], window: pages.Window) -> tuple[list[T], bool]:
    """Endpoints, newest first, as `view`; deleted ones are left out."""
    return window.cut(await tx.all(view, _page(view, window.direction), **window.parameters))


async def get(tx: Read, webhook_id: str) -> Webhook:
    """Raises WebhookNotFound, also for one that was deleted."""
    webhook = await tx.one(Webhook, _get(), id=webhook_id)
    if webhook is None:
        raise WebhookNotFound
    return webhook


async def known(tx: Read, webhook_id: str) -> None:
    """Raises WebhookNotFound unless there is, or lately was, such an endpoint: its log outlives it."""
    if await tx.row(_there(), id=webhook_id) is None:
        raise WebhookNotFound


async def lock(tx: Write, webhook_id: str) -> Webhook:
    """The endpoint as it is now, while nobody else changes it. Raises WebhookNotFound."""
    webhook = await tx.one(Webhook, _get(lock=True), id=webhook_id)
    if webhook is None:
        raise WebhookNotFound
    return webhook


async def create(
    tx: Write,
    *,
    dialect: str,
    url: str,
    types: Sequence[str],
    key_id: str,
    scopes: frozenset[str],
    format: str = "full",  # noqa: A002 — the column's name
    coalesce: bool = False,
    status: str = "active",
    description: str | None = None,
) -> tuple[Webhook, str]:
    """A new endpoint, active or paused, and the only sight of its secret. Raises Invalid for types beyond `scopes`, TooManyWebhooks."""
    _refuse_types(types, scopes)
    await tx.row(_lock_organization())
    if await tx.value(_count()) >= ENDPOINTS_MOST:
        raise TooManyWebhooks
    secret = signatures.new_secret()
    webhook = Webhook(
        id=ids.new(ids.WEBHOOK, tx.now),
        dialect=dialect,
        url=url,
        description=description,
        types=_json(types),
        format=format,
        coalesce=coalesce,
        status=status,
        disabled_reason=None,
        disabled_at=None,
        failing_since=None,
        key_id=key_id,
        created_at=tx.now_text,
        updated_at=tx.now_text,
        deleted_at=None,
        version=1,
    )
    await tx.put(_insert(), **_stored(webhook), secret=secret, old_secret=None, old_secret_until=None)
    await journal.record(tx, "webhook.created", webhook)
    await outbox.subscribe(tx, webhook.id, subscriptions(types, scopes))
    return webhook, secret


async def change(tx: Write, before: Webhook, values: dict[str, Any], *, key_id: str, scopes: frozenset[str]) -> Webhook:
    """Change a locked endpoint, which from then on acts for the key `key_id`. Columns: `url`, `types`, `format`, `coalesce`,
    `description`, `status` (active or paused). Made active again, it starts with a clean record. Raises Invalid for types beyond `scopes`."""
    types = values.get("types", msgspec.json.decode(before.types))
    _refuse_types(types, scopes)
    after = msgspec.structs.replace(before, **{**values, "types": _json(types)}, key_id=key_id)
    if after.status != "disabled":
        after = msgspec.structs.replace(after, disabled_reason=None, disabled_at=None)
    if after.status != before.status or after.url != before.url:
        after = msgspec.structs.replace(after, failing_since=None)
    if journal.difference(before, after):
        after = await _store(tx, before, after, "webhook.updated")
    if after.status != "disabled":
        await outbox.subscribe(tx, after.id, subscriptions(types, scopes))
    return after


async def rotate(tx: Write, before: Webhook) -> tuple[str, str]:
    """A new secret for a locked endpoint, and until when the old one signs beside it."""
    secret = signatures.new_secret()
    until = instants.text(tx.now + OLD_SECRET_FOR)
    await tx.execute(_rotate(), webhook_id=before.id, new_secret=secret, until=until, at=tx.now_text)
    after = msgspec.structs.replace(before, version=before.version + 1, updated_at=tx.now_text)
    await journal.record(tx, "webhook.updated", after, before, also_changed=("secret",))
    return secret, until


async def remove(tx: Write, before: Webhook) -> None:
    """Delete a locked endpoint. What waits for it is cancelled by the sender, and its log stays."""
    after = msgspec.structs.replace(
        before, status="deleted", deleted_at=tx.now_text, disabled_at=None, disabled_reason=None
    )
    await outbox.subscribe(tx, before.id, ())
    await _store(tx, before, after, "webhook.deleted")


async def disable(tx: Write, before: Webhook, reason: str) -> Webhook:
    """End what a locked endpoint hears, for `reason`, and tell the others. Nothing changes when it has ended already."""
    if before.status == "disabled":
        return before
    await outbox.subscribe(tx, before.id, ())
    after = msgspec.structs.replace(before, status="disabled", disabled_reason=reason, disabled_at=tx.now_text)
    return await _store(tx, before, after, "webhook.disabled")


async def note_failing(tx: Write, webhook_id: str, since: str | None) -> None:
    """Write down since when an endpoint has only failed; None when it no longer does. No change of the endpoint itself."""
    await tx.execute(_update(("failing_since",)), webhook_id=webhook_id, new_failing_since=since)


async def hand_over(tx: Write, key_id: str, successor_id: str) -> None:
    """Have the endpoints of a key act for its successor, which has the same rights."""
    await tx.row(_lock_organization())
    for webhook in await tx.all(Webhook, _of_key(), key=key_id):
        after = msgspec.structs.replace(webhook, key_id=successor_id)
        await _store(tx, webhook, after, "webhook.updated")


async def disable_of_key(tx: Write, key_id: str) -> None:
    """End all endpoints of a key that has ended."""
    await tx.row(_lock_organization())
    for webhook in await tx.all(Webhook, _of_key(), key=key_id):
        await disable(tx, webhook, KEY_ENDED)


async def forget_deleted(tx: Write, *, most: int) -> int:
    """Delete at most `most` endpoints, of all tenants, that were deleted long ago and whose log is empty; gives how many."""
    return await tx.execute(_forget(), before=instants.text(tx.now - DELETED_KEPT_FOR), row_limit=most)


async def _store(tx: Write, before: Webhook, after: Webhook, verb: str) -> Webhook:
    after = msgspec.structs.replace(after, version=before.version + 1, updated_at=tx.now_text)
    values = _stored(after)
    names = tuple(name for name in values if name not in ("id", "dialect", "created_at"))
    await tx.execute(_update(names), webhook_id=after.id, **{f"new_{name}": values[name] for name in names})
    implies = ("webhook.updated",) if verb == "webhook.disabled" else ()
    await journal.record(tx, verb, after, before, implies=implies)
    return after


def _refuse_types(types: Sequence[str], scopes: frozenset[str]) -> None:
    """Raises Invalid."""
    problems = type_problems(types, scopes)
    if problems:
        raise errors.Invalid(fields={"types": problems})


def _json(types: Sequence[str]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(list(types)))


def _stored(webhook: Webhook) -> dict[str, Any]:
    return {**msgspec.structs.asdict(webhook), "types": bytes(webhook.types).decode()}
