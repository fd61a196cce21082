"""The outbox: what is to be sent to whom, written in the same transaction as the change it tells of.

    waiting → succeeded | failed | cancelled | superseded

A subscription says that a webhook endpoint hears of a type: `registration.confirmed`, or all of an object, `registration.*`. It exists while the
endpoint is active or paused, and only for what the endpoint's key may read. Recording a change inserts one delivery for each endpoint that hears
of it, by one statement that asks the subscriptions: without endpoints it inserts nothing, and nobody has to know beforehand.

A change has one type of its own and may imply others: a registration made with a place is `registration.created` and implies
`registration.confirmed`. An endpoint gets the change once under its own type if it hears of that, and once more under each implied type that it asked
for by name. A delivery points to its change by the object's id and version, of which the journal has exactly one; its snapshot is what is sent.
When two change one object at once its row's lock orders them; versions, and so deliveries, follow that order.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Write
from openintervals.platform import ids

IMPLIED_MOST = 2

webhook_subscriptions = schema.table(
    "webhook_subscriptions",
    sa.Column("type", schema.Text, nullable=False),
    sa.Column("webhook_id", schema.Text, nullable=False),
    sa.Index("ix_webhook_subscriptions_webhook", "organization_id", "mode", "webhook_id"),
    key=("type", "webhook_id"),
)

deliveries = schema.table(
    "deliveries",
    sa.Column("webhook_id", schema.Text, nullable=False),
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("object_id", schema.Text, nullable=False),
    sa.Column("object_version", sa.BigInteger, nullable=False),
    sa.Column("type", schema.Text, nullable=False),
    sa.Column("state", schema.Text, nullable=False),
    sa.Column("reason", schema.Text),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("due_at", schema.Text, nullable=False),
    sa.Column("ended_at", schema.Text),
    sa.Column("again", schema.Flag, nullable=False),
    sa.Column("tries", sa.BigInteger, nullable=False),
    sa.Column("attempts", schema.Json, nullable=False),
    sa.Column("payload", schema.Text),
    sa.CheckConstraint("state IN ('waiting', 'succeeded', 'failed', 'cancelled', 'superseded')", name="state"),
    sa.CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="ended"),
    sa.Index(
        "uq_deliveries_change",
        "organization_id",
        "mode",
        "webhook_id",
        "object_id",
        "object_version",
        "type",
        unique=True,
    ),
    # The sender's: for whom something waits, over all tenants, and what must leave first. The former does not begin with the endpoint, or
    # PostgreSQL, which has no statistics of what waits, would use it in place of the latter.
    sa.Index(
        "ix_deliveries_waiting",
        "again",
        "webhook_id",
        "due_at",
        "id",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index(
        "ix_deliveries_turn",
        "organization_id",
        "mode",
        "webhook_id",
        "object_id",
        "object_version",
        "id",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index(
        "ix_deliveries_unsent",
        "organization_id",
        "mode",
        "webhook_id",
        "state",
        "id",
        sqlite_where=sa.text("state IN ('failed', 'cancelled', 'superseded')"),
        postgresql_where=sa.text("state IN ('failed', 'cancelled', 'superseded')"),
    ),
    sa.Index(
        "ix_deliveries_ended_at",
        "ended_at",
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    ),
    key=("webhook_id", "id"),
)


def _text(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.Text)


def _values(
    delivery_id: sa.ColumnElement[str], object_id: sa.ColumnElement[str], version: sa.ColumnElement[int], type_: Any
) -> dict[str, Any]:
    subscription = webhook_subscriptions.c
    return {
        "organization_id": subscription.organization_id,
        "mode": subscription.mode,
        "webhook_id": subscription.webhook_id,
        "id": delivery_id,
        "object_id": object_id,
        "object_version": version,
        "type": type_,
        "state": sa.literal_column("'waiting'"),
        "created_at": _text("at"),
        "due_at": _text("at"),
        "again": sa.false(),
        "tries": sa.literal_column("0"),
        "attempts": sa.literal_column("'[]'"),
    }


def _heard() -> sa.ColumnElement[bool]:
    names = [_text("verb"), _text("everything"), *(_text(f"implied_{number}") for number in range(IMPLIED_MOST))]
    wider = webhook_subscriptions.alias("wider")
    # Not by DISTINCT, for which SQLite builds a table of its own each time: ten times what all the rest costs.
    twice = sa.and_(
        webhook_subscriptions.c.type == _text("verb"),
        sa.exists().where(
            own(wider),
            wider.c.type == _text("everything"),
            wider.c.webhook_id == webhook_subscriptions.c.webhook_id,
        ),
    )
    return sa.and_(own(webhook_subscriptions), webhook_subscriptions.c.type.in_(names), sa.not_(twice))


def _as_type(own_type: Any, of_implied: Any) -> sa.Case[Any]:
    """By the subscription that asked: `of_implied(number)` for an implied type, `own_type` for the change's own or all of its object."""
    implied = [
        (webhook_subscriptions.c.type == _text(f"implied_{number}"), of_implied(number))
        for number in range(IMPLIED_MOST)
    ]
    return sa.case(*implied, else_=own_type)


def _place(number: int) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{number + 1}'", sa.Text)


def _ending() -> sa.ColumnElement[str]:
    """What tells the deliveries of one change apart: the endpoint's chance characters and the type's place."""
    chance = sa.func.substr(webhook_subscriptions.c.webhook_id, len(ids.WEBHOOK) + ids.TIME_CHARACTERS + 1)
    return sa.cast(chance, sa.Text).concat(_as_type(_place(-1), _place))


@statement
def _insert() -> sa.Insert:
    type_ = _as_type(_text("verb"), lambda number: _text(f"implied_{number}"))
    version = sa.bindparam("object_version", type_=sa.BigInteger)
    values = _values(_text("delivery").concat(_ending()), _text("object_id"), version, type_)
    return sa.insert(deliveries).from_select(list(values), sa.select(*values.values()).where(_heard()))


async def put(
    tx: Write, verb: str, implies: Sequence[str], object_type: str, object_id: str, object_version: int
) -> None:
    """Have everybody who subscribed hear of one change. Does not wait, as `tx.put`."""
    await tx.put_any(
        _insert(),
        **_asked(verb, implies, object_type),
        delivery=ids.new(ids.DELIVERY, tx.now),
        object_id=object_id,
        object_version=object_version,
        at=tx.now_text,
    )


async def put_many(
    tx: Write, verb: str, implies: Sequence[str], object_type: str, objects: Sequence[tuple[str, int]]
) -> None:
    """The same for many objects of one type, given as id and version."""
    asked = {**_asked(verb, implies, object_type), "at": tx.now_text}
    rows = [
        {**asked, "delivery": ids.new(ids.DELIVERY, tx.now), "object_id": object_id, "object_version": version}
        for object_id, version in objects
    ]
    await tx.put_many(_insert(), rows)


def _asked(verb: str, implies: Sequence[str], object_type: str) -> dict[str, str]:
    further = [*implies, *[""] * IMPLIED_MOST][:IMPLIED_MOST]
    return {
        "verb": verb,
        "everything": f"{object_type}.*",
        **{f"implied_{number}": name for number, name in enumerate(further)},
    }


def putting(table: sa.Table, which: sa.ColumnElement[bool], version: sa.ColumnElement[int]) -> sa.Insert:
    """A statement for very many changes at once: for each row of `table` that `which` picks. Parameters: `bulk`."""
    type_ = _as_type(_text("verb"), lambda number: _text(f"implied_{number}"))
    # The object's own id in place of one that would have to be made row by row.
    delivery = _text("stamp").concat(sa.func.substr(table.c.id, 2)).concat(_ending())
    values = _values(delivery, table.c.id, version, type_)
    select = sa.select(*values.values()).where(own(table), which, _heard())
    return sa.insert(deliveries).from_select(list(values), select)


def bulk(tx: Write, verb: str, implies: Sequence[str] = ()) -> dict[str, Any]:
    """What a statement made with `putting` needs to be told."""
    return {
        **_asked(verb, implies, verb.partition(".")[0]),
        "stamp": ids.new(ids.DELIVERY, tx.now),
        "at": tx.now_text,
    }


@statement
def _subscribe() -> sa.Insert:
    return sa.insert(webhook_subscriptions)


@statement
def _unsubscribe() -> sa.Delete:
    return sa.delete(webhook_subscriptions).where(
        own(webhook_subscriptions), webhook_subscriptions.c.webhook_id == sa.bindparam("webhook_id")
    )


async def subscribe(tx: Write, webhook_id: str, types: Sequence[str]) -> None:
    """Have an endpoint hear of exactly `types`: names, or `object.*`. None of them ends its deliveries."""
    await tx.execute(_unsubscribe(), webhook_id=webhook_id)
    await tx.put_many(_subscribe(), [{"type": name, "webhook_id": webhook_id} for name in types])
