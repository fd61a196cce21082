"""Events: what a club or a race company puts on. A race weekend, a weekly club run, a time trial.

An event has runs, one for each distance or, when it recurs, for each date; people register for a run, never for the event itself.
`max_participants`, if set, caps all runs of the event together; `confirmed` and `offered` count who has a place and who is being offered one.

Invariants, held by the database: a slug is unique in its organization and mode; confirmed + offered never pass the cap.
**The event's row is the lock of everything inside it**: whatever changes places, waiting lists or bibs takes it first (`lock`), so two that come at
once for one event happen one after the other, and those for different events don't wait for each other.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.club import places
from openintervals.db import failures, schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, T, Write
from openintervals.platform import ids, journal, pages

ADDRESS_BYTES_MOST = 4096

events = schema.table(
    "events",
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("name", schema.Text, nullable=False),
    sa.Column("slug", schema.Text, nullable=False),
    sa.Column("type", schema.Text, nullable=False),
    sa.Column("starts_on", schema.Text, nullable=False),
    sa.Column("local_start", schema.Text),
    sa.Column("ends_on", schema.Text),
    sa.Column("local_end", schema.Text),
    sa.Column("address", schema.Json),
    sa.Column("lat", sa.Double),
    sa.Column("lng", sa.Double),
    sa.Column("description", schema.Text),
    sa.Column("website_url", schema.Text),
    sa.Column("registration_url", schema.Text),
    sa.Column("max_participants", schema.Integer),
    sa.Column("confirmed", schema.Integer, nullable=False),
    sa.Column("offered", schema.Integer, nullable=False),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("updated_at", schema.Text, nullable=False),
    sa.Column("version", schema.Integer, nullable=False),
    sa.UniqueConstraint("organization_id", "mode", "slug", name="uq_events_slug"),
    places.never_oversold(),
    sa.CheckConstraint("type IN ('race', 'runClub', 'timeTrial', 'other')", name="type"),
    sa.Index("ix_events_type", "organization_id", "mode", "type", "id"),
    sa.Index("ix_events_starts_on", "organization_id", "mode", "starts_on"),
)


class Event(msgspec.Struct, frozen=True):
    id: str
    organization_id: str
    name: str
    slug: str
    type: str
    starts_on: str
    local_start: str | None
    ends_on: str | None
    local_end: str | None
    address: msgspec.Raw | None
    lat: float | None
    lng: float | None
    description: str | None
    website_url: str | None
    registration_url: str | None
    max_participants: int | None
    confirmed: int
    offered: int
    created_at: str
    updated_at: str
    version: int


class Filter(msgspec.Struct, frozen=True):
    """Which events a list shows; None does not narrow. Dates are YYYY-MM-DD, inclusive."""

    type: str | None = None
    starts_from: str | None = None
    starts_to: str | None = None


class EventNotFound(errors.NotFound):
    code = "event_not_found"

    def __init__(self) -> None:
        super().__init__("Event not found")


class SlugTaken(errors.Conflict):
    code = "event_slug_taken"

    def __init__(self, slug: str) -> None:
        super().__init__(f"Another event has the slug {slug!r}; choose a different one")


class CapTooLow(errors.Conflict):
    code = "cap_too_low"

    def __init__(self, confirmed: int, offered: int) -> None:
        held = f"{confirmed} confirmed" + (f" and {offered} open offers" if offered else "")
        super().__init__(f"There are {held}; the cap cannot be lower than that")


def problems(event: Event) -> dict[str, list[str]]:
    """What does not fit together in an event, by field."""
    wrong = {
        **date_problems(event.starts_on, event.ends_on),
        **time_problems(event.starts_on, event.ends_on, event.local_start, event.local_end),
        **place_problems(event.lat, event.lng),
    }
    if event.slug.strip() != event.slug:
        wrong["slug"] = ["Must be lower-case letters, digits and single hyphens, such as summer-solstice-10k"]
    return wrong


def date_problems(starts_on: Any, ends_on: Any) -> dict[str, list[str]]:
    """What does not fit together in an event's dates, both as text or both dates."""
    if ends_on is not None and ends_on < starts_on:
        return {"ends_on": ["Must not be before date"]}
    return {}


def time_problems(starts_on: Any, ends_on: Any, local_start: str | None, local_end: str | None) -> dict[str, list[str]]:
    """What does not fit together in an event's times; seconds do not count."""
    same_day = ends_on is None or ends_on == starts_on
    if same_day and local_start and local_end and local_end[:5] < local_start[:5]:
        return {"local_end": ["Must not be before startTime on the same day; give endDate for a later one"]}
    return {}


def place_problems(lat: float | None, lng: float | None) -> dict[str, list[str]]:
    """What does not fit together in an event's coordinates."""
    if (lat is None) == (lng is None):
        return {}
    return {"lat" if lat is None else "lng": ["Required when the other coordinate is given"]}


def row(event: Event) -> dict[str, Any]:
    """The event's columns as the drivers take them."""
    values = msgspec.structs.asdict(event)
    values["address"] = bytes(event.address).decode() if event.address is not None else None
    return values


@statement
def _insert() -> sa.Insert:
    return sa.insert(events)


@statement
def _page(view: type[msgspec.Struct], narrow: tuple[str, ...], direction: pages.Direction) -> sa.Select[Any]:
    select = sa.select(*columns(view, events)).where(own(events))
    conditions = {
        "type": events.c.type == sa.bindparam("type"),
        "starts_from": events.c.starts_on >= sa.bindparam("starts_from"),
        "starts_to": events.c.starts_on <= sa.bindparam("starts_to"),
    }
    return pages.paged(select.where(*(conditions[name] for name in narrow)), events.c.id, direction)


@statement
def _get(*, lock: bool) -> sa.Select[Any]:
    select = sa.select(*columns(Event, events)).where(own(events), events.c.id == sa.bindparam("id"))
    return select.with_for_update() if lock else select


@statement
def _update(names: tuple[str, ...]) -> sa.Update:
    return (
        sa.update(events)
        .where(own(events), events.c.id == sa.bindparam("event_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )


@statement
def _delete() -> sa.Delete:
    return sa.delete(events).where(own(events), events.c.id == sa.bindparam("id"))


@statement
def _count() -> sa.Update:
    """Move the counts of taken places, unless that would pass the cap."""
    return places.counting(events, events.c.id == sa.bindparam("event_id"))


async def page(tx: Read, view: type[T], only: Filter, window: pages.Window) -> tuple[list[T], bool]:
    """Events newest first as `view`, and whether there are more in the direction of travel."""
    given = {name: value for name in Filter.__struct_fields__ if (value := getattr(only, name)) is not None}
    statement_ = _page(view, tuple(given), window.direction)
    return window.cut(await tx.all(view, statement_, **given, **window.parameters))


async def get(tx: Read, event_id: str) -> Event:
    """Raises EventNotFound."""
    event = await tx.one(Event, _get(lock=False), id=event_id)
    if event is None:
        raise EventNotFound
    return event


async def lock(tx: Write, event_id: str) -> Event:
    """The event as it is now; nobody else changes it, its runs, places or bibs until this transaction ends. Raises EventNotFound."""
    event = await tx.one(Event, _get(lock=True), id=event_id)
    if event is None:
        raise EventNotFound
    return event


async def create(tx: Write, values: dict[str, Any]) -> Event:
    """A new event from its given columns. Raises Invalid, SlugTaken."""
    blank = dict.fromkeys(Event.__struct_fields__)
    event = Event(
        **{
            **blank,
            "confirmed": 0,
            "offered": 0,
            "version": 1,
            **values,
            "id": ids.new(ids.EVENT, tx.now),
            "organization_id": tx.tenant.organization_id,
            "created_at": tx.now_text,
            "updated_at": tx.now_text,
        }
    )
    if wrong := problems(event):
        raise errors.Invalid(fields=wrong)
    try:
        await tx.execute(_insert(), **row(event))
    except failures.Duplicate:
        raise SlugTaken(event.slug) from None
    await journal.record(tx, "event.created", event)
    return event


async def change(tx: Write, before: Event, values: dict[str, Any]) -> Event:
    """Change the given columns of a locked event. Raises Invalid, SlugTaken, CapTooLow."""
    after = msgspec.structs.replace(before, **values)
    if wrong := problems(after):
        raise errors.Invalid(fields=wrong)
    if after.max_participants is not None and after.confirmed + after.offered > after.max_participants:
        raise CapTooLow(after.confirmed, after.offered)
    if not journal.difference(before, after):
        return before
    after = msgspec.structs.replace(after, version=before.version + 1, updated_at=tx.now_text)
    stored = row(after)
    names = (*sorted(values), "version", "updated_at")
    try:
        await tx.execute(_update(names), event_id=after.id, **{f"new_{name}": stored[name] for name in names})
    except failures.Duplicate:
        raise SlugTaken(after.slug) from None
    await journal.record(tx, "event.updated", after, before)
    return after


async def remove(tx: Write, event: Event) -> None:
    """Delete a locked event that has nothing left inside it."""
    await tx.execute(_delete(), id=event.id)
    gone = msgspec.structs.replace(event, version=event.version + 1, updated_at=tx.now_text)
    await journal.record(tx, "event.deleted", gone, event)


async def count(tx: Write, event_id: str, *, confirmed: int = 0, offered: int = 0) -> None:
    """Move the counts of a locked event. A move that passes the cap changes nothing, and so ends the transaction."""
    await tx.put(_count(), event_id=event_id, more_confirmed=confirmed, more_offered=offered)
