"""API keys of the partner API.    live → expired | revoked

A key is `oi_<live|test>_sk_<27 characters base 62><6 characters CRC-32 base 62>`: 160 random bits, and a checksum that lets a scanner,
and this server, know a mistyped key without asking the database. It is shown once; what is stored is its SHA-256,
its prefix and last four characters. Secret scanners may use PATTERN.
A revoked key is gone at the next request of this process, and within one second in every other.
Rotation makes a second key with the same rights and lets the first one expire after an overlap; two rotations at once make
two new keys, and each is shown to whoever asked.
Making, rotating and revoking a key goes into the journal of its organization and mode; being used does not.
"""

import hashlib
import re
import secrets
import string
import zlib
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec
import sqlalchemy as sa

from openintervals import errors, instants
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Write
from openintervals.platform import ids, journal, organizations, webhooks
from openintervals.platform.scopes import SCOPES

PATTERN = r"\boi_(live|test)_sk_[0-9A-Za-z]{33}\b"
MODES = ("live", "test")
OVERLAPS = {"now": 0, "1h": 3600, "24h": 86_400, "7d": 604_800}

_FORM = re.compile(r"oi_(live|test)_sk_[0-9A-Za-z]{33}\Z")
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_CHARACTERS = 27
_CHECKSUM_CHARACTERS = 6

api_keys = schema.table(
    "api_keys",
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("hash", schema.Text, nullable=False),
    sa.Column("name", schema.Text),
    sa.Column("prefix", schema.Text, nullable=False),
    sa.Column("last_four", schema.Text, nullable=False),
    sa.Column("scopes", schema.Json, nullable=False),
    sa.Column("created_by", schema.Text, nullable=False),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("expires_at", schema.Text),
    sa.Column("revoked_at", schema.Text),
    sa.Column("last_used_at", schema.Text),
    sa.Column("last_address", schema.Text),
    sa.Index("ix_api_keys_hash", "hash"),
)


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is stored: nothing in it can be used to call the API."""

    id: str
    mode: str
    name: str | None
    prefix: str
    last_four: str
    scopes: msgspec.Raw
    created_by: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class Caller(msgspec.Struct, frozen=True):
    """Who a request comes from: a key, its organization, and what both allow."""

    key_id: str
    organization_id: str
    mode: str
    scopes: frozenset[str]
    plan: str
    bypass_windows: bool


class NewKey(msgspec.Struct, frozen=True):
    """The only sight of a key's secret."""

    id: str
    key: str
    mode: str
    scopes: list[str]


def generate(mode: str) -> str:
    """A new secret key of `mode`."""
    return secret(f"oi_{mode}_sk_")


def secret(prefix: str) -> str:
    """A new secret behind `prefix`: 160 random bits and a checksum."""
    body = prefix + _base62(secrets.randbits(160), _SECRET_CHARACTERS)
    return body + _base62(zlib.crc32(body.encode()), _CHECKSUM_CHARACTERS)


def well_formed(key: str) -> bool:
    """Whether the form and the checksum are right; says nothing about whether the key exists."""
    return _FORM.match(key) is not None and has_its_checksum(key)


def has_its_checksum(key: str) -> bool:
    """Whether a key that `secret` may have made ends in the checksum of the rest."""
    body, checksum = key[:-_CHECKSUM_CHARACTERS], key[-_CHECKSUM_CHARACTERS:]
    return secrets.compare_digest(_base62(zlib.crc32(body.encode()), _CHECKSUM_CHARACTERS), checksum)


SECRET_CHARACTERS = _SECRET_CHARACTERS + _CHECKSUM_CHARACTERS
KEY_CHARACTERS = len("oi_live_sk_") + SECRET_CHARACTERS


def digest_of_well_formed(key: str) -> str | None:
    """The stored form of a key, or None when its form or checksum is wrong."""
    return _digest_if_well_formed(key) if len(key) == KEY_CHARACTERS else None


@lru_cache(4096)
def _digest_if_well_formed(key: str) -> str | None:
    # Kept, since the same few keys call again and again; what has another length never comes here, so the memory is bounded.
    return digest(key) if well_formed(key) else None


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def key_in(authorization: str) -> str | None:
    """The key that an `Authorization` header brings, when it brings one that may exist."""
    scheme, _, key = authorization.partition(" ")
    key = key.strip()
    return key if scheme.lower() == "bearer" and digest_of_well_formed(key) is not None else None


def refusal(authorization: str | None) -> str:
    """What to tell somebody who did not get in: what would have worked."""
    if authorization is None:
        return "Missing API key: send it as Authorization: Bearer <key>"
    if authorization.partition(" ")[0].lower() != "bearer":
        return "This API takes a key as Authorization: Bearer <key>, not another scheme"
    return "Invalid API key: it is unknown, mistyped, expired or revoked"


def _base62(number: int, width: int) -> str:
    characters = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        characters.append(_BASE62[digit])
    return "".join(reversed(characters))


@statement
def _caller() -> sa.Select[tuple[object, ...]]:
    organization = organizations.organizations
    return sa.select(
        api_keys.c.id,
        api_keys.c.organization_id,
        api_keys.c.mode,
        api_keys.c.scopes,
        organization.c.plan,
        organization.c.bypass_windows,
    ).where(
        api_keys.c.hash == sa.bindparam("hash"),
        api_keys.c.revoked_at.is_(None),
        sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > sa.bindparam("now")),
        organization.c.id == api_keys.c.organization_id,
    )


@statement
def _insert() -> sa.Insert:
    return sa.insert(api_keys)


@statement
def _list() -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(*columns(ApiKey, api_keys))
        .where(api_keys.c.organization_id == sa.bindparam("organization_id"))
        .order_by(api_keys.c.id)
    )


@statement
def _get() -> sa.Select[tuple[object, ...]]:
    return sa.select(*columns(ApiKey, api_keys), api_keys.c.organization_id).where(api_keys.c.id == sa.bindparam("id"))


@statement
def _end(*, column: str) -> sa.Update:
    return (
        sa.update(api_keys)
        .where(own(api_keys), api_keys.c.id == sa.bindparam("key_id"))
        .values({column: sa.bindparam("at")})
    )


@statement
def _used() -> sa.Update:
    return (
        sa.update(api_keys)
        .where(own(api_keys), api_keys.c.id == sa.bindparam("key_id"))
        .values(last_used_at=sa.bindparam("at"), last_address=sa.bindparam("address"))
    )


@lru_cache(1024)
def _scopes_in(stored: bytes) -> frozenset[str]:
    return frozenset(msgspec.json.decode(stored))


async def caller(tx: Read, key: str) -> Caller | None:
    """Who `key` belongs to, or None when it is unknown, expired or revoked. One look-up; none for a malformed key."""
    digest_ = digest_of_well_formed(key)
    if digest_ is None:
        return None
    row = await tx.row(_caller(), hash=digest_, now=tx.now_text)
    if row is None:
        return None
    key_id, organization_id, mode, scopes, plan, bypass = row
    return Caller(key_id, organization_id, mode, _scopes_in(bytes(scopes)), plan, bypass)


async def create(
    tx: Write, *, scopes: list[str], name: str | None = None, expires_at: datetime | None = None
) -> NewKey:
    """A new key for the transaction's tenant. Raises Invalid for an unknown scope or none."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        wrong = f"{unknown[0]!r} is no scope" if unknown else "A key needs at least one scope"
        raise errors.Invalid("The key cannot be made", {"scopes": [f"{wrong}; scopes are {', '.join(SCOPES)}"]})
    key = generate(tx.tenant.mode)
    ordered = [scope for scope in SCOPES if scope in scopes]
    made = ApiKey(
        id=ids.new(ids.KEY, tx.now),
        mode=tx.tenant.mode,
        name=name,
        prefix=key[:11],
        last_four=key[-4:],
        scopes=msgspec.Raw(msgspec.json.encode(ordered)),
        created_by=tx.asking.actor,
        created_at=tx.now_text,
        expires_at=instants.text(expires_at) if expires_at else None,
        revoked_at=None,
        last_used_at=None,
    )
    stored = {**msgspec.structs.asdict(made), "scopes": msgspec.json.encode(ordered).decode()}
    await tx.execute(_insert(), hash=digest(key), last_address=None, **stored)
    await journal.record_unversioned(tx, "key.created", made)
    return NewKey(made.id, key, made.mode, ordered)


async def of_organization(tx: Read) -> list[ApiKey]:
    """Keys of both modes, oldest first."""
    return await tx.all(ApiKey, _list())


async def find(tx: Read, key_id: str) -> tuple[ApiKey, str]:
    """A key and its organization's id, whoever it belongs to: for the operator. Raises NotFound."""
    row = await tx.row(_get(), id=key_id)
    if row is None:
        raise errors.NotFound(f"There is no key {key_id!r}; `openintervals key list` shows them")
    return ApiKey(*row[:-1]), row[-1]


async def rotate(tx: Write, key: ApiKey, *, overlap_s: int) -> NewKey:
    """A new key with the rights of `key`, which expires after the overlap. Raises Conflict when it has ended already."""
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= tx.now_text):
        raise errors.Conflict("This key has ended already; make a new one with `key create`")
    ends_at = instants.text(tx.now + timedelta(seconds=overlap_s))
    if key.expires_at is not None:
        ends_at = min(ends_at, key.expires_at)
    await tx.execute(_end(column="expires_at"), key_id=key.id, at=ends_at)
    made = await create(tx, scopes=msgspec.json.decode(key.scopes), name=key.name)
    await webhooks.hand_over(tx, key.id, made.id)
    ending = msgspec.structs.replace(key, expires_at=ends_at)
    await journal.record_unversioned(tx, "key.rotated", ending, key, also={"successor_id": made.id})
    return made


async def revoke(tx: Write, key: ApiKey) -> None:
    """End a key at once, and the webhooks that act for it; ending it again changes nothing."""
    if key.revoked_at is not None:
        return
    await tx.execute(_end(column="revoked_at"), key_id=key.id, at=tx.now_text)
    await journal.record_unversioned(tx, "key.revoked", msgspec.structs.replace(key, revoked_at=tx.now_text), key)
    await webhooks.disable_of_key(tx, key.id)


async def used(tx: Write, key_id: str, *, at: str, address: str) -> None:
    """Note the last use, for people who clean up keys."""
    await tx.execute(_used(), key_id=key_id, at=at, address=address)
