"""Keys of athletes, for the Intervals.icu API.    live → revoked

A key is `oi_athlete_<27 characters base 62><6 characters CRC-32 base 62>`: 160 random bits and a checksum. It is shown once; what is stored is its
SHA-256 and its last four characters. It comes as the password of HTTP Basic, whose user is `API_KEY`, or as a Bearer token, and may do everything
its athlete may. Making and revoking a key goes into the athlete's journal.
A revoked key is gone at the next request of this process, and within one second in every other.
Two that are made at once are two keys.
"""

import base64
import binascii
import re
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Write
from openintervals.platform import api_keys, ids, journal
from openintervals.platform.api_keys import Caller

PREFIX = "oi_athlete_"
PATTERN = r"\boi_athlete_[0-9A-Za-z]{33}\b"
USER = "API_KEY"
PLAN = "athlete"

AREAS = {
    "ACTIVITY": "activities",
    "WELLNESS": "wellness",
    "CALENDAR": "the calendar",
    "CHATS": "chats",
    "LIBRARY": "the library of workouts",
    "SETTINGS": "the athlete's and sport settings",
}
SCOPES: dict[str, str] = {
    f"{area}:{access}": f"{verb} {what}"
    for area, what in AREAS.items()
    for access, verb in (("READ", "Read"), ("WRITE", "Change"))
}
EVERYTHING = frozenset(SCOPES)

_FORM = re.compile(r"oi_athlete_[0-9A-Za-z]{33}\Z")

athlete_keys = schema.owned(
    "athlete_keys",
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("hash", schema.Text, nullable=False),
    sa.Column("name", schema.Text),
    sa.Column("last_four", schema.Text, nullable=False),
    sa.Column("created_by", schema.Text, nullable=False),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("revoked_at", schema.Text),
    sa.Index("ix_athlete_keys_hash", "hash"),
)


class AthleteKey(msgspec.Struct, frozen=True):
    """A key as it is stored: nothing in it can be used to call the API."""

    id: str
    name: str | None
    last_four: str
    created_by: str
    created_at: str
    revoked_at: str | None


def well_formed(key: str) -> bool:
    """Whether the form and the checksum are right; says nothing about whether the key exists."""
    return _FORM.match(key) is not None and api_keys.has_its_checksum(key)


def key_in(authorization: str) -> str | None:
    """The key that an `Authorization` header brings, by Basic or Bearer; None when it brings none that may exist."""
    scheme, _, given = authorization.partition(" ")
    given = given.strip()
    if scheme.lower() == "bearer":
        return given if well_formed(given) else None
    if scheme.lower() != "basic":
        return None
    user, _, password = _basic(given).partition(":")
    return password if user == USER and well_formed(password) else None


def refusal(authorization: str | None) -> str:
    """What to tell somebody who did not get in: what would have worked."""
    way = (
        f"Send the athlete's key by HTTP Basic, user {USER} and the key as password, or as Authorization: Bearer <key>"
    )
    if authorization is None:
        return f"Missing API key. {way}"
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "basic" and _basic(given.strip()).partition(":")[0] != USER:
        return f"The user of HTTP Basic must be literally {USER}, not a name. {way}"
    if scheme.lower() not in ("basic", "bearer"):
        return f"Authorization has an unknown scheme. {way}"
    return "Invalid API key: it is unknown, mistyped or revoked. `openintervals athlete key` makes a new one"


def _basic(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


@statement
def _caller() -> sa.Select[Any]:
    return sa.select(athlete_keys.c.id, athlete_keys.c.athlete_id).where(
        athlete_keys.c.hash == sa.bindparam("hash"), athlete_keys.c.revoked_at.is_(None)
    )


@statement
def _insert() -> sa.Insert:
    return sa.insert(athlete_keys)


@statement
def _list() -> sa.Select[Any]:
    return sa.select(*columns(AthleteKey, athlete_keys)).where(own(athlete_keys)).order_by(athlete_keys.c.id)


@statement
def _revoke() -> sa.Update:
    return (
        sa.update(athlete_keys)
        .where(own(athlete_keys), athlete_keys.c.id == sa.bindparam("key_id"), athlete_keys.c.revoked_at.is_(None))
        .values(revoked_at=sa.bindparam("at"))
        .returning(*columns(AthleteKey, athlete_keys))
    )


async def caller(tx: Read, key: str) -> Caller | None:
    """Whose key this is, or None when it is unknown or revoked."""
    row = await tx.row(_caller(), hash=api_keys.digest(key))
    return None if row is None else Caller(row[0], row[1], "live", EVERYTHING, PLAN, bypass_windows=False)


async def create(tx: Write, *, name: str | None = None) -> str:
    """A new key of the transaction's athlete; the only sight of it."""
    key = api_keys.secret(PREFIX)
    made = AthleteKey(ids.new(ids.ATHLETE_KEY, tx.now), name, key[-4:], tx.asking.actor, tx.now_text, None)
    await tx.execute(_insert(), hash=api_keys.digest(key), **msgspec.structs.asdict(made))
    await journal.record_unversioned(tx, "athlete_key.created", made)
    return key


async def of_athlete(tx: Read) -> list[AthleteKey]:
    """The keys of the transaction's athlete, revoked ones too, oldest first."""
    return await tx.all(AthleteKey, _list())


async def revoke(tx: Write, key_id: str) -> None:
    """End a key of the transaction's athlete at once. Raises NotFound for one that is not live."""
    revoked = await tx.one(AthleteKey, _revoke(), key_id=key_id, at=tx.now_text)
    if revoked is None:
        raise errors.NotFound(f"There is no live key {key_id!r} of {tx.tenant.organization_id}")
    before = msgspec.structs.replace(revoked, revoked_at=None)
    await journal.record_unversioned(tx, "athlete_key.revoked", revoked, before)
