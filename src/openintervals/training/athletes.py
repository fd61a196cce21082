"""Athletes: the tenants of the training side. Whatever an athlete does or plans is owned by one.

An athlete's id is `i` and digits; `i123` and `123` are the same athlete, and `0` is whoever asks. `reach` turns what a path says into a transaction
of that athlete: oneself, or one whom the caller coaches. Whether others exist is not told.
`preferences` are what people set and no rule here looks at, by the wire's names. `numbers` counts what the wire calls by small integers:
sport settings, entries of the calendar, workouts; a number is given once in an athlete's life.
Two that change an athlete at once take turns at the row; each changes only what it was sent.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Tenant, Write
from openintervals.platform import ids, journal
from openintervals.platform.api_keys import Caller
from openintervals.training import coaching

SEXES = ("M", "F")
NAME_MOST = 80
PREFERENCES_MOST_BYTES = 256 * 1024
EMAIL_MOST = 254
WEIGHT_MOST_KG = 500
RESTING_HR_MOST_BPM = 150

_DIGITS = re.compile(r"i?([0-9]{1,16})\Z")
T = TypeVar("T", bound=Read)

athletes = schema.owned(
    "athletes",
    sa.Column("name", schema.Text, nullable=False),
    sa.Column("email", schema.Text),
    sa.Column("sex", schema.Text),
    sa.Column("born_on", schema.Text),
    sa.Column("timezone", schema.Text, nullable=False),
    sa.Column("weight_kg", schema.Number),
    sa.Column("resting_hr_bpm", sa.BigInteger),
    sa.Column("preferences", schema.Json, nullable=False),
    sa.Column("numbers", sa.BigInteger, nullable=False),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("updated_at", schema.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.CheckConstraint("sex IN ('M', 'F')", name="sex"),
    key=(),
)


class Athlete(msgspec.Struct, frozen=True):
    id: str
    name: str
    email: str | None
    sex: str | None
    born_on: str | None
    timezone: str
    weight_kg: float | None
    resting_hr_bpm: int | None
    preferences: msgspec.Raw
    created_at: str
    updated_at: str
    version: int


def problems(given: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with what is set of an athlete, by column; empty when nothing is."""
    wrong: dict[str, list[str]] = {}
    name, email, sex, zone = (given.get(each) for each in ("name", "email", "sex", "timezone"))
    if "name" in given and (not (name or "").strip() or len(name or "") > NAME_MOST):
        wrong["name"] = [f"A name has 1 to {NAME_MOST} characters"]
    if email and ("@" not in email[1:-1] or len(email) > EMAIL_MOST or email.split() != [email]):
        wrong["email"] = ["Expected an e-mail address"]
    if sex is not None and sex not in SEXES:
        wrong["sex"] = [f"Expected {' or '.join(SEXES)}"]
    if "timezone" in given and zone not in available_timezones():
        wrong["timezone"] = [f"{zone!r} is no time zone; use a name such as Europe/Berlin"]
    for column, unit, most in (("weight_kg", "kg", WEIGHT_MOST_KG), ("resting_hr_bpm", "bpm", RESTING_HR_MOST_BPM)):
        if (value := given.get(column)) is not None and not 0 < value <= most:
            wrong[column] = [f"Expected more than 0 and at most {most} {unit}"]
    return wrong


def addressed(caller_id: str, said: str) -> str:
    """The id of the athlete that a path calls `said`: `i123`, `123`, or `0` for the caller. Raises NotFound for what is no id."""
    match = _DIGITS.match(said)
    if match is None:
        raise errors.NotFound("No such athlete: an athlete's id is i and digits, and 0 is whoever the key belongs to")
    number = int(match[1])
    return f"i{number}" if number else caller_id


def kept_of(preferences: Mapping[str, Any]) -> dict[str, Any]:
    """The preferences that say something: what is null, or not wished, is as if it had never been set."""
    return {name: value for name, value in preferences.items() if value is not None and value is not False}


def stored_preferences(wanted: Mapping[str, Any]) -> str:
    """Preferences as they are stored. Raises Invalid when they are too much to keep."""
    stored = msgspec.json.encode(wanted)
    if len(stored) > PREFERENCES_MOST_BYTES:
        said = f"Everything that is set together may have {PREFERENCES_MOST_BYTES // 1024} KiB"
        raise errors.Invalid("There is too much to keep", {"body": [said]})
    return stored.decode()


def today(athlete: Athlete, tx: Read) -> str:
    """The day it is where the athlete is, as YYYY-MM-DD."""
    return tx.now.astimezone(ZoneInfo(athlete.timezone)).date().isoformat()


def tenant(athlete_id: str) -> Tenant:
    return Tenant(athlete_id, "live")


_ATHLETE = {"id": athletes.c.athlete_id}


@statement
def _get(*, lock: bool) -> sa.Select[Any]:
    select = sa.select(*columns(Athlete, athletes, **_ATHLETE)).where(own(athletes))
    return select.with_for_update() if lock else select


@statement
def _all() -> sa.Select[Any]:
    return sa.select(*columns(Athlete, athletes, **_ATHLETE)).order_by(athletes.c.created_at, athletes.c.athlete_id)


@statement
def _insert() -> sa.Insert:
    return sa.insert(athletes)


@statement
def _change(names: tuple[str, ...]) -> sa.Update:
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}", type_=athletes.c[name].type) for name in names}
    return (
        sa.update(athletes)
        .where(own(athletes))
        .values(version=athletes.c.version + 1, updated_at=sa.bindparam("at"), **values)
        .returning(*columns(Athlete, athletes, **_ATHLETE))
    )


@statement
def _count() -> sa.Update:
    return sa.update(athletes).where(own(athletes)).values(numbers=athletes.c.numbers + 1).returning(athletes.c.numbers)


async def current(tx: Read) -> Athlete:
    """The athlete of the transaction. Raises NotFound when there is none."""
    athlete = await tx.one(Athlete, _get(lock=False))
    if athlete is None:
        raise errors.NotFound("No such athlete")
    return athlete


async def with_id(tx: Read, said: str) -> Athlete:
    """The athlete called `i123` or `123`, whoever asks: for the operator. Raises NotFound."""
    try:
        return await current(tx.as_tenant(tenant(addressed("", said))))
    except errors.NotFound:
        raise errors.NotFound(f"There is no athlete {said!r}; `openintervals athlete list` shows them") from None


async def every(tx: Read) -> list[Athlete]:
    """All athletes there are, oldest first: for the operator."""
    return await tx.all(Athlete, _all())


async def reach(tx: T, caller: Caller, said: str) -> T:
    """The same transaction, of the athlete that a path calls `said`. Raises NotFound for what is no id, Forbidden for one out of reach."""
    athlete_id = addressed(caller.organization_id, said)
    if athlete_id == tx.tenant.organization_id:
        return tx
    its = tx.as_tenant(tenant(athlete_id))
    if not await coaching.has(its, caller.organization_id):
        raise errors.Forbidden(
            f"Access denied: this key is that of {caller.organization_id}, and reaches that athlete and those it coaches; "
            f"{athlete_id} is none of them. Use 0 for the key's own athlete"
        )
    return its


async def create(tx: Write, *, name: str, email: str | None = None, timezone: str = "UTC") -> Athlete:
    """A new athlete. Raises Invalid with every wrong field."""
    given = {"name": name, "email": email, "timezone": timezone}
    if wrong := problems(given):
        raise errors.Invalid("The athlete cannot be made", wrong)
    athlete = Athlete(
        id=ids.numbered(tx.now),
        name=name.strip(),
        email=email or None,
        sex=None,
        born_on=None,
        timezone=timezone,
        weight_kg=None,
        resting_hr_bpm=None,
        preferences=msgspec.Raw(b"{}"),
        created_at=tx.now_text,
        updated_at=tx.now_text,
        version=1,
    )
    its = tx.as_tenant(tenant(athlete.id))
    fields = msgspec.structs.asdict(athlete)
    del fields["id"]
    await its.execute(_insert(), numbers=0, **{**fields, "preferences": "{}"})
    await journal.record(its, "athlete.created", athlete)
    return athlete


async def lock(tx: Write) -> Athlete:
    """The athlete of the transaction, whom nobody else changes until it ends. Raises NotFound when there is none."""
    athlete = await tx.one(Athlete, _get(lock=True))
    if athlete is None:
        raise errors.NotFound("No such athlete")
    return athlete


async def change(tx: Write, given: Mapping[str, Any], preferences: Mapping[str, Any]) -> Athlete:
    """Set columns and preferences of the transaction's athlete; None clears. Raises Invalid with every wrong field, NotFound."""
    if wrong := problems(given):
        raise errors.Invalid("The athlete cannot be changed", wrong)
    before = await lock(tx)
    kept: dict[str, Any] = msgspec.json.decode(before.preferences)
    wanted = kept_of({**kept, **preferences})
    values = {name: value for name, value in given.items() if value != getattr(before, name)}
    if wanted != kept:
        values["preferences"] = stored_preferences(wanted)
    if not values:
        return before
    new = {f"new_{name}": value for name, value in values.items()}
    after = await tx.need(Athlete, _change(tuple(sorted(values))), at=tx.now_text, **new)
    await journal.record(tx, "athlete.updated", after, before)
    return after


async def number(tx: Write) -> int:
    """The next small number of the transaction's athlete, for what the wire calls by an integer. Raises NotFound."""
    given: int | None = await tx.value(_count())
    if given is None:
        raise errors.NotFound("No such athlete")
    return given
