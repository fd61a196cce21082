"""Idempotency keys: a request sent twice takes effect once.    absent → claimed → answered (24 hours)

One name space per organization and mode, whichever key sent it. The claim, the effect and the stored answer are one transaction,
so after a crash there is all of it or nothing, and nothing to take over. Only success is stored: any failure rolls
the claim back, and the same key may be tried again once the cause is mended.
When two come at once the second waits (on SQLite in the queue of writers, on PostgreSQL at the unique key) and is given the first
one's answer; after ten seconds of waiting it is told to come back.
"""

import hashlib
import re
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from openintervals import errors, instants
from openintervals.db import failures, schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Write

KEPT = timedelta(hours=24)
KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")

idempotency_keys = schema.table(
    "idempotency_keys",
    sa.Column("key", schema.Text, nullable=False),
    sa.Column("fingerprint", schema.Text, nullable=False),
    sa.Column("status", sa.BigInteger),
    sa.Column("body", schema.Text),
    sa.Column("location", schema.Text),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Index("ix_idempotency_keys_created_at", "created_at"),
    key=("key",),
)


class Answer(msgspec.Struct, frozen=True):
    """What was answered: status, body as sent, and the Location header if there was one."""

    status: int
    body: str
    location: str | None


class _Claim(msgspec.Struct, frozen=True):
    fingerprint: str
    status: int | None
    body: str | None
    location: str | None
    created_at: str


class KeyReused(errors.Conflict):
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("Idempotency key already used with different request body")


class TwinRunning(errors.Conflict):
    code = "idempotency_twin_running"

    def __init__(self) -> None:
        super().__init__(
            "A request with this idempotency key is still running; send it again in a second to get its answer",
            retry_after_s=1,
        )


def normalise(header: str) -> str:
    """The key a header names, quoted or bare. Raises Invalid for an empty, over-long or unprintable one."""
    key = header.strip(" \t")
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if not KEY.match(key):
        raise errors.Invalid(
            "Invalid request headers", {"Idempotency-Key": ["Must be 1 to 255 visible ASCII characters"]}
        )
    return key


def fingerprint(method: str, path: str, query: str, body: Any) -> str:
    """SHA-256 of what makes a request the same: method, path with query, and the parsed body, key order and blanks aside."""
    canonical = msgspec.json.encode([method, path, query, body], order="deterministic")
    return hashlib.sha256(canonical).hexdigest()


@statement
def _claim() -> sa.sql.dml.Insert:
    return postgresql.insert(idempotency_keys).on_conflict_do_nothing().returning(idempotency_keys.c.key)


@statement
def _get() -> sa.Select[tuple[object, ...]]:
    return sa.select(*columns(_Claim, idempotency_keys)).where(
        own(idempotency_keys), idempotency_keys.c.key == sa.bindparam("key")
    )


@statement
def _answer() -> sa.Update:
    return (
        sa.update(idempotency_keys)
        .where(own(idempotency_keys), idempotency_keys.c.key == sa.bindparam("idempotency_key"))
        .values({name: sa.bindparam(f"answer_{name}") for name in ("status", "body", "location")})
    )


@statement
def _forget() -> sa.Delete:
    return sa.delete(idempotency_keys).where(own(idempotency_keys), idempotency_keys.c.key == sa.bindparam("key"))


@statement
def _forget_old() -> sa.Delete:
    return sa.delete(idempotency_keys).where(idempotency_keys.c.created_at < sa.bindparam("before"))


async def claim(tx: Write, key: str, print_: str) -> Answer | None:
    """Claim `key` for this request; or the answer of the one that had it. Raises KeyReused, TwinRunning."""
    values = {"key": key, "fingerprint": print_, "status": None, "body": None, "location": None}
    for _ in range(2):
        try:
            if await tx.row(_claim(), **values, created_at=tx.now_text) is not None:
                return None
        except failures.Busy:
            raise TwinRunning from None
        earlier = await tx.one(_Claim, _get(), key=key)
        if earlier is not None and earlier.created_at > instants.text(tx.now - KEPT):
            break
        await tx.execute(_forget(), key=key)
    else:
        raise TwinRunning
    if earlier.fingerprint != print_:
        raise KeyReused
    if earlier.status is None or earlier.body is None:
        raise TwinRunning
    return Answer(earlier.status, earlier.body, earlier.location)


async def store(tx: Write, key: str, answer: Answer) -> None:
    """Keep the answer with the effect it belongs to."""
    await tx.execute(
        _answer(),
        idempotency_key=key,
        answer_status=answer.status,
        answer_body=answer.body,
        answer_location=answer.location,
    )


async def forget_old(tx: Write) -> int:
    """Drop what is older than 24 hours, of all organizations; gives how many."""
    return await tx.execute(_forget_old(), before=instants.text(tx.now - KEPT))
