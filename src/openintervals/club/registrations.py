"""Registrations: who is coming to a run, who waits for a place, and who no longer comes.

    wish ─┬─▶ confirmed ──▶ cancelled | refunded
          └─▶ waitlist ─┬─▶ confirmed                     (a place came free, or an offer was taken up)
                        └─▶ cancelled | refunded          (left the list, or let an offer lapse)

A `waitlist` entry has a `queue_number` and, while it is being offered a place, `offer_expires_at`. A cancelled or refunded one keeps
its history but holds nothing: no place, no bib.

Invariants, held by the database: one active (confirmed or waiting) registration for each run and folded e-mail; a bib is unique in its event;
queue numbers belong to those who wait. Held here: the counts of event, run and pace group are those of the rows.
**The event's row orders everything** (`lock`): when two ask for the last place at once, one after the other is served.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.club import events, pace_groups, runs, seats, verbs
from openintervals.club.events import Event
from openintervals.club.pace_groups import PaceGroup
from openintervals.club.runs import Run, event_runs
from openintervals.db import failures, schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, T, Write
from openintervals.platform import journal, pages

ACTIVE = ("confirmed", "waitlist")

registrations = schema.table(
    "registrations",
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("event_id", schema.Text, nullable=False),
    sa.Column("event_run_id", schema.Text, nullable=False),
    sa.Column("email", schema.Text, nullable=False),
    sa.Column("email_folded", schema.Text, nullable=False),
    sa.Column("name", schema.Text),
    sa.Column("registration_type", schema.Text, nullable=False),
    sa.Column("status", schema.Text, nullable=False),
    sa.Column("pace_group", schema.Text),
    sa.Column("notes", schema.Text),
    sa.Column("bib", schema.Text),
    sa.Column("bib_pinned", schema.Flag, nullable=False),
    sa.Column("checked_in_at", schema.Text),
    sa.Column("checked_in_device", schema.Text),
    sa.Column("queue_number", schema.Integer),
    sa.Column("offer_expires_at", schema.Text),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("updated_at", schema.Text, nullable=False),
    sa.Column("version", schema.Integer, nullable=False),
    sa.ForeignKeyConstraint(
        ["organization_id", "mode", "event_run_id"],
        ["event_runs.organization_id", "event_runs.mode", "event_runs.id"],
        name="fk_registrations_run",
    ),
    sa.CheckConstraint("status IN ('confirmed', 'cancelled', 'waitlist', 'refunded')", name="status"),
    sa.CheckConstraint("registration_type IN ('free', 'paid')", name="type"),
    sa.CheckConstraint("(status = 'waitlist') = (queue_number IS NOT NULL)", name="queue"),
    sa.CheckConstraint("offer_expires_at IS NULL OR status = 'waitlist'", name="offer"),
    sa.CheckConstraint("bib IS NULL OR status = 'confirmed'", name="bib"),
    sa.Index(
        "uq_registrations_active",
        "organization_id",
        "mode",
        "event_run_id",
        "email_folded",
        unique=True,
        sqlite_where=sa.text("status IN ('confirmed', 'waitlist')"),
        postgresql_where=sa.text("status IN ('confirmed', 'waitlist')"),
    ),
    sa.Index(
        "uq_registrations_bib",
        "organization_id",
        "mode",
        "event_id",
        "bib",
        unique=True,
        sqlite_where=sa.text("bib IS NOT NULL"),
        postgresql_where=sa.text("bib IS NOT NULL"),
    ),
    sa.Index("ix_registrations_event_id", "organization_id", "mode", "event_id", "id"),
    sa.Index("ix_registrations_email", "organization_id", "mode", "event_id", "email_folded", "id"),
    sa.Index("ix_registrations_status", "organization_id", "mode", "event_id", "status", "id"),
    sa.Index("ix_registrations_run_id", "organization_id", "mode", "event_run_id", "id"),
    sa.Index(
        "ix_registrations_queue",
        "organization_id",
        "mode",
        "event_id",
        "event_run_id",
        "queue_number",
        "pace_group",
        "offer_expires_at",
        sqlite_where=sa.text("status = 'waitlist'"),
        postgresql_where=sa.text("status = 'waitlist'"),
    ),
)


# Written into the SQL, not bound: only then can the databases see that the partial indexes apply.
COMES: sa.ColumnElement[str] = sa.literal_column("'confirmed'")
WAITS: sa.ColumnElement[str] = sa.literal_column("'waitlist'")


MAKE_UNIQUE = frozenset({"email_folded", "event_run_id", "status"})


def is_active() -> sa.TextClause:
    return sa.text("registrations.status IN ('confirmed', 'waitlist')")


class Registration(msgspec.Struct, frozen=True):
    id: str
    event_id: str
    event_run_id: str
    email: str
    email_folded: str
    name: str | None
    registration_type: str
    status: str
    pace_group: str | None
    notes: str | None
    bib: str | None
    bib_pinned: bool
    checked_in_at: str | None
    checked_in_device: str | None
    queue_number: int | None
    offer_expires_at: str | None
    created_at: str
    updated_at: str
    version: int

    @property
    def active(self) -> bool:
        return self.status in ACTIVE


class Scene(msgspec.Struct, frozen=True):
    """A registration and what it stands in, all still until the transaction ends."""

    event: Event
    run: Run
    registration: Registration


class Filter(msgspec.Struct, frozen=True):
    """Which registrations of an event a list shows; None does not narrow."""

    event_run_id: str | None = None
    status: str | None = None
    email_folded: str | None = None


class RegistrationNotFound(errors.NotFound):
    code = "registration_not_found"

    def __init__(self) -> None:
        super().__init__("Registration not found")


class AlreadyRegistered(errors.Conflict):
    code = "already_registered"

    def __init__(self) -> None:
        super().__init__("This email is already registered for this run, or waits for it")


class RegistrationClosed(errors.Conflict):
    code = "registration_closed"


class SoldOut(errors.Conflict):
    code = "sold_out"


def fold(email: str) -> str:
    """What two spellings of one address have in common."""
    return email.strip().casefold()


@statement
def _insert() -> sa.Insert:
    return sa.insert(registrations)


@statement
def _get() -> sa.Select[Any]:
    return sa.select(*columns(Registration, registrations)).where(
        own(registrations), registrations.c.id == sa.bindparam("id")
    )


@statement
def _event_of() -> sa.Select[Any]:
    return sa.select(registrations.c.event_id).where(own(registrations), registrations.c.id == sa.bindparam("id"))


@statement
def _update(names: tuple[str, ...]) -> sa.Update:
    return (
        sa.update(registrations)
        .where(own(registrations), registrations.c.id == sa.bindparam("registration_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )


@statement
def _page(view: type[msgspec.Struct], narrow: tuple[str, ...], direction: pages.Direction) -> sa.Select[Any]:
    checked_in = registrations.c.checked_in_at.is_not(None)
    select = sa.select(*columns(view, registrations, checked_in=checked_in)).where(
        own(registrations), registrations.c.event_id == sa.bindparam("event_id")
    )
    for name in narrow:
        select = select.where(registrations.c[name] == sa.bindparam(name))
    return pages.paged(select, registrations.c.id, direction)


@statement
def _active_by_run() -> sa.Select[Any]:
    return (
        sa.select(registrations.c.event_run_id, sa.func.count())
        .where(
            own(registrations),
            registrations.c.event_id == sa.bindparam("event_id"),
            is_active(),
        )
        .group_by(registrations.c.event_run_id)
    )


@statement
def _taken_by_group() -> sa.Select[Any]:
    confirmed = sa.case((registrations.c.status == COMES, 1), else_=0)
    offered = sa.case((registrations.c.offer_expires_at.is_not(None), 1), else_=0)
    return (
        sa.select(
            registrations.c.pace_group,
            sa.cast(sa.func.sum(confirmed), sa.BigInteger),
            sa.cast(sa.func.sum(offered), sa.BigInteger),
        )
        .where(
            own(registrations),
            registrations.c.event_run_id == sa.bindparam("run_id"),
            registrations.c.pace_group.is_not(None),
            is_active(),
        )
        .group_by(registrations.c.pace_group)
    )


@statement
def _event_of_run(*, lock: bool) -> sa.Select[Any]:
    event_id = (
        sa.select(event_runs.c.event_id)
        .where(own(event_runs), event_runs.c.id == sa.bindparam("run_id"))
        .scalar_subquery()
    )
    select = sa.select(*columns(Event, events.events)).where(own(events.events), events.events.c.id == event_id)
    return select.with_for_update() if lock else select


@statement
def _run_and_who_is_there() -> sa.Select[Any]:
    waits = sa.exists().where(
        own(registrations),
        registrations.c.event_id == event_runs.c.event_id,
        registrations.c.status == WAITS,
    )
    known = sa.exists().where(
        own(registrations),
        registrations.c.event_run_id == event_runs.c.id,
        registrations.c.email_folded == sa.bindparam("email_folded"),
        is_active(),
    )
    return sa.select(*columns(Run, event_runs), waits, known).where(
        own(event_runs), event_runs.c.id == sa.bindparam("run_id")
    )


async def page(tx: Read, view: type[T], event_id: str, only: Filter, window: pages.Window) -> tuple[list[T], bool]:
    """Registrations of an event, newest first, as `view`. Raises EventNotFound."""
    given = {name: value for name in Filter.__struct_fields__ if (value := getattr(only, name)) is not None}
    statement_ = _page(view, tuple(given), window.direction)
    found = window.cut(await tx.all(view, statement_, event_id=event_id, **given, **window.parameters))
    if not found[0]:
        await events.get(tx, event_id)
    return found


async def get(tx: Read, registration_id: str) -> Registration:
    """Raises RegistrationNotFound."""
    registration = await tx.one(Registration, _get(), id=registration_id)
    if registration is None:
        raise RegistrationNotFound
    return registration


async def lock(tx: Write, registration_id: str) -> Scene:
    """The registration as it is now, while nobody else moves anything in its event. Raises RegistrationNotFound."""
    event_id = await tx.value(_event_of(), id=registration_id)
    if event_id is None:
        raise RegistrationNotFound
    try:
        event = await events.lock(tx, event_id)
    except events.EventNotFound:  # transferred or, with its event, deleted while we waited for the lock
        return await lock(tx, registration_id)
    registration = await get(tx, registration_id)
    if registration.event_id != event.id:
        # It was transferred to another event while we waited for the lock of its old one.
        return await lock(tx, registration_id)
    run = await runs.get(tx, registration.event_run_id)
    seats.note(tx, run)
    return Scene(event, run, registration)


async def lock_run(tx: Write, run_id: str, email: str) -> tuple[Event, Run, bool, bool]:
    """A run and its event, whether anybody waits in that event, and whether this person is in that run already; all still.

    Raises RunNotFound."""
    event = await tx.one(Event, _event_of_run(lock=True), run_id=run_id)
    row = await tx.row(_run_and_who_is_there(), run_id=run_id, email_folded=fold(email)) if event is not None else None
    if event is None or row is None:
        raise runs.RunNotFound
    run = Run(*row[:-2])
    seats.note(tx, run)
    return event, run, bool(row[-2]), bool(row[-1])


async def group_of(tx: Read, run_id: str, name: str | None) -> PaceGroup | None:
    """The pace group a registration's text names, if the run declares it."""
    return None if name is None else pace_groups.named(await pace_groups.of_run(tx, run_id), name)


async def insert(tx: Write, registration: Registration) -> Registration:
    """Write a new registration down; the caller has looked that this person is not in the run already."""
    await tx.put(_insert(), **msgspec.structs.asdict(registration))
    verb = "registration.created"
    await journal.record(tx, verb, registration, implies=verbs.implied(verb, registration.status))
    return registration


async def store(
    tx: Write, before: Registration, verb: str, *, also: dict[str, Any] | None = None, **values: Any
) -> Registration:
    """Change columns of a locked registration and record it as `verb`; nothing happens when nothing differs. Raises AlreadyRegistered."""
    after = msgspec.structs.replace(before, **values)
    if not journal.difference(before, after):
        return before
    after = msgspec.structs.replace(after, version=before.version + 1, updated_at=tx.now_text)
    names = (*sorted(values), "version", "updated_at")
    stored = {f"new_{name}": getattr(after, name) for name in names}
    if MAKE_UNIQUE.isdisjoint(values):
        await tx.put(_update(names), registration_id=after.id, **stored)
    else:
        try:
            await tx.execute(_update(names), registration_id=after.id, **stored)
        except failures.Duplicate:
            raise AlreadyRegistered from None
    await journal.record(tx, verb, after, before, also, implies=verbs.implied(verb, after.status))
    return after


async def store_bibs(tx: Write, given: list[tuple[Registration, str]]) -> list[Registration]:
    """Give many registrations of a locked event each a bib that nobody has, and record it."""
    changes = [
        (before, msgspec.structs.replace(before, bib=bib, version=before.version + 1, updated_at=tx.now_text))
        for before, bib in given
    ]
    names = ("bib", "version", "updated_at")
    rows = [
        {"registration_id": after.id, **{f"new_{name}": getattr(after, name) for name in names}} for _, after in changes
    ]
    await tx.put_many(_update(names), rows)
    await journal.record_many(tx, "registration.updated", changes)
    return [after for _, after in changes]


async def active_by_run(tx: Read, event_id: str) -> dict[str, int]:
    """How many are confirmed or waiting, for each run of an event that has any."""
    return dict(await tx.rows(_active_by_run(), event_id=event_id))


async def taken_by_group(tx: Read, run_id: str) -> dict[str, tuple[int, int]]:
    """How many are confirmed and hold an offer under each pace group's name."""
    rows = await tx.rows(_taken_by_group(), run_id=run_id)
    return {name: (confirmed, offered) for name, confirmed, offered in rows}
