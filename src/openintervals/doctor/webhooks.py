"""What webhooks promise: each delivery tells of a change that there was, and each endpoint hears of what it asked for and may read."""

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals.db.statement import statement
from openintervals.db.transaction import Read
from openintervals.doctor.findings import Check, breaking, name_of, named, sentence, told
from openintervals.platform.api_keys import api_keys
from openintervals.platform.journal import journal
from openintervals.platform.outbox import deliveries, webhook_subscriptions
from openintervals.platform.webhooks import subscriptions, webhooks

TEST = "webhook.test"
_LISTENING = ("active", "paused")


def checks() -> Iterator[Check]:
    yield breaking(
        deliveries,
        "tells of version {object_version} of {object_id}, of which the journal has no entry",
        lambda: sa.and_(
            deliveries.c.type != TEST,
            sa.not_(
                sa.exists().where(
                    _same_tenant(journal, deliveries),
                    journal.c.object_id == deliveries.c.object_id,
                    journal.c.object_version == deliveries.c.object_version,
                )
            ),
        ),
        object_version=deliveries.c.object_version,
        object_id=deliveries.c.object_id,
    )
    yield breaking(
        deliveries,
        "is a test that has nothing to send",
        lambda: sa.and_(deliveries.c.type == TEST, deliveries.c.payload.is_(None)),
    )
    yield breaking(
        deliveries,
        "is for the webhook {webhook_id}, which is not there",
        lambda: sa.not_(
            sa.exists().where(_same_tenant(webhooks, deliveries), webhooks.c.id == deliveries.c.webhook_id)
        ),
        webhook_id=deliveries.c.webhook_id,
    )
    yield breaking(
        webhook_subscriptions,
        "is there, though that webhook is not, or is disabled or deleted",
        lambda: sa.not_(
            sa.exists().where(
                _same_tenant(webhooks, webhook_subscriptions),
                webhooks.c.id == webhook_subscriptions.c.webhook_id,
                webhooks.c.status.in_(_LISTENING),
            )
        ),
    )


def _same_tenant(one: sa.FromClause, other: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(one.c.organization_id == other.c.organization_id, one.c.mode == other.c.mode)


@statement
def _heard() -> sa.Select[Any]:
    """Endpoints that listen: what they asked for, their key's scopes, and their subscriptions."""
    subscribed = (
        sa.select(sa.func.aggregate_strings(webhook_subscriptions.c.type, " "))
        .where(_same_tenant(webhook_subscriptions, webhooks), webhook_subscriptions.c.webhook_id == webhooks.c.id)
        .scalar_subquery()
    )
    key = sa.and_(_same_tenant(api_keys, webhooks), api_keys.c.id == webhooks.c.key_id)
    return (
        sa.select(*named(webhooks), webhooks.c.types, api_keys.c.scopes, subscribed)
        .select_from(webhooks.join(api_keys, key))
        .where(webhooks.c.status.in_(_LISTENING))
        .order_by(webhooks.c.organization_id, webhooks.c.mode, webhooks.c.id)
    )


async def misheard(tx: Read) -> list[str]:
    """Endpoints whose subscriptions are not what they asked for and their keys may read. Broken JSON is told elsewhere."""
    problems = []
    for organization_id, mode, id_, types, scopes, subscribed in await tx.rows(_heard()):
        row = {"organization_id": organization_id, "mode": mode, "id": id_}
        try:
            asked = msgspec.json.decode(types, type=list[str])
            may = frozenset(msgspec.json.decode(scopes, type=list[str]))
        except (msgspec.DecodeError, ValueError):
            continue
        wanted, has = set(subscriptions(asked, may)), set((subscribed or "").split())
        for says, names in (("does not hear of", wanted - has), ("wrongly hears of", has - wanted)):
            if names:
                said = f"{name_of(webhooks)} {says} {{names}}"
                problems.append(sentence(said, {**row, "names": ", ".join(sorted(names))}))
    return told(problems, len(problems))
