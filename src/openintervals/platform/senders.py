"""Senders: which process delivers to which endpoint.

A sender is one process that delivers webhooks. It says every few seconds that it lives; one that has been silent is dead to the others. Each
endpoint has one sender among the living, the same in everybody's reckoning (the highest hash of both names), so that work spreads and moves
little when one comes or goes. What a sender then needs is the endpoint's **lease**, and that decides: it is taken by one conditional statement,
renewed while it is used, and a request leaves only while the lease will outlast it. So no two processes deliver to one endpoint at once, and the
order of deliveries is kept by one program in one place. A sender that stops gives its leases back; those of one that was killed lapse, or are
given back in its name by whoever can prove that it is dead. Who has the one right to serve a database, as on SQLite, takes none.

When two want a lease at once, one statement changes the row and the other changes none.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from openintervals import instants
from openintervals.db import schema
from openintervals.db.statement import statement
from openintervals.db.transaction import Read, Write

ALIVE_FOR = timedelta(seconds=15)
LEASE_FOR = timedelta(seconds=30)

senders = sa.Table(
    "senders",
    schema.metadata,
    sa.Column("id", schema.Text, primary_key=True),
    sa.Column("alive_until", schema.Text, nullable=False),
)

leases = schema.table(
    "webhook_leases",
    sa.Column("webhook_id", schema.Text, nullable=False),
    sa.Column("sender_id", schema.Text, nullable=False),
    sa.Column("held_until", schema.Text, nullable=False),
    key=("webhook_id",),
)


def chosen(webhook_id: str, living: Collection[str]) -> str:
    """Which of the living senders an endpoint belongs to. Pure, and the same everywhere."""
    return max(living, key=lambda sender: hashlib.sha256(f"{sender} {webhook_id}".encode()).digest())


@statement
def _say_alive() -> sa.sql.dml.Insert:
    insert = postgresql.insert(senders).values(id=sa.bindparam("sender_id"), alive_until=sa.bindparam("until"))
    return insert.on_conflict_do_update(index_elements=["id"], set_={"alive_until": insert.excluded.alive_until})


@statement
def _known() -> sa.Select[Any]:
    return sa.select(senders.c.id).order_by(senders.c.id)


@statement
def _living() -> sa.Select[Any]:
    return sa.select(senders.c.id).where(senders.c.alive_until > sa.bindparam("now")).order_by(senders.c.id)


@statement
def _bury() -> sa.Delete:
    return sa.delete(senders).where(senders.c.alive_until <= sa.bindparam("now"))


@statement
def _leave() -> sa.Delete:
    return sa.delete(senders).where(senders.c.id == sa.bindparam("sender_id"))


@statement
def _take() -> sa.sql.dml.Insert:
    insert = postgresql.insert(leases).values(
        organization_id=sa.bindparam("organization_id"),
        mode=sa.bindparam("mode"),
        webhook_id=sa.bindparam("webhook_id"),
        sender_id=sa.bindparam("sender_id"),
        held_until=sa.bindparam("until"),
    )
    return insert.on_conflict_do_update(
        index_elements=["organization_id", "mode", "webhook_id"],
        set_={"sender_id": insert.excluded.sender_id, "held_until": insert.excluded.held_until},
        where=sa.or_(leases.c.held_until <= sa.bindparam("now"), leases.c.sender_id == sa.bindparam("sender_id")),
    ).returning(leases.c.webhook_id)


@statement
def _renew() -> sa.Update:
    return (
        sa.update(leases)
        .where(leases.c.sender_id == sa.bindparam("sender"), leases.c.held_until > sa.bindparam("now"))
        .values(held_until=sa.bindparam("until"))
        .returning(leases.c.webhook_id)
    )


@statement
def _give_back(*, all_of_sender: bool) -> sa.Delete:
    condition = leases.c.sender_id == sa.bindparam("sender_id")
    return sa.delete(leases).where(
        condition if all_of_sender else sa.and_(condition, leases.c.webhook_id == sa.bindparam("webhook_id"))
    )


async def known(tx: Read) -> list[str]:
    """The senders that are written down, also those that have been silent for long."""
    return [name for (name,) in await tx.rows(_known())]


async def say_alive(tx: Write, sender_id: str) -> list[str]:
    """Say that a sender lives; gives all that do, and forgets those that don't."""
    await tx.execute(_bury(), now=tx.now_text)
    await tx.execute(_say_alive(), sender_id=sender_id, until=instants.text(tx.now + ALIVE_FOR))
    return [name for (name,) in await tx.rows(_living(), now=tx.now_text)]


async def living(tx: Read) -> list[str]:
    """The senders that have said that they live."""
    return [name for (name,) in await tx.rows(_living(), now=tx.now_text)]


async def take(tx: Write, sender_id: str, webhook_id: str) -> bool:
    """Take the lease of the tenant's endpoint if it is free or our own; gives whether it is ours now."""
    until = instants.text(tx.now + LEASE_FOR)
    row = await tx.row(_take(), webhook_id=webhook_id, sender_id=sender_id, until=until, now=tx.now_text)
    return row is not None


async def renew(tx: Write, sender_id: str) -> Sequence[str]:
    """Renew every lease of a sender that has not lapsed; gives the endpoints it still has."""
    until = instants.text(tx.now + LEASE_FOR)
    return [webhook for (webhook,) in await tx.rows(_renew(), sender=sender_id, until=until, now=tx.now_text)]


async def give_back(tx: Write, sender_id: str, webhook_id: str) -> None:
    """Give one lease back."""
    await tx.execute(_give_back(all_of_sender=False), sender_id=sender_id, webhook_id=webhook_id)


async def leave(tx: Write, sender_id: str) -> None:
    """Give everything back: the sender stops, or is known to be dead."""
    await tx.execute(_give_back(all_of_sender=True), sender_id=sender_id)
    await tx.execute(_leave(), sender_id=sender_id)
