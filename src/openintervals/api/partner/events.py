"""Events, as the partner API speaks of them."""

import datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType, field

from openintervals.api.http import Created, Page, Read, Write
from openintervals.api.partner import dialect, runs
from openintervals.api.partner.dialect import Wire, WireIn, partner
from openintervals.api.rules import Rule, Rules
from openintervals.club import edits, events, pace_groups, removals
from openintervals.club import runs as club_runs
from openintervals.club.runs import Run

ADDRESS = msgspec.Meta(
    description="Where it is; any JSON object of at most 4096 bytes, given back as it came.",
    extra_json_schema={"type": "object", "additionalProperties": True},
    examples=[{"street": "600 Lake Shore Drive", "city": "Chicago"}],
)


def _address_problems(sent: msgspec.Raw) -> dict[str, list[str]]:
    """What is wrong with an address as it was sent: it is kept so, and looked at no further."""
    raw = bytes(sent).strip()
    if raw not in (b"", b"null") and not raw.startswith(b"{"):
        return {"address": ["Expected object"]}
    if len(raw) > events.ADDRESS_BYTES_MOST:
        return {"address": [f"Must be at most {events.ADDRESS_BYTES_MOST} bytes of JSON"]}
    return {}


RULES: Rules = (
    Rule(("starts_on", "ends_on"), events.date_problems),
    Rule(("starts_on", "ends_on", "local_start", "local_end"), events.time_problems),
    Rule(("lat", "lng"), events.place_problems),
    Rule(("address",), _address_problems),
)


class EventListed(Wire, frozen=True):
    """An event, as lists show it."""

    id: str = field(name="_id")
    name: str
    slug: str
    type: dialect.EventType
    starts_on: dialect.DateOut = field(name="date")
    organization_id: str
    local_start: str | None = field(default=None, name="startTime")
    address: Annotated[msgspec.Raw | None, ADDRESS] = None
    lat: dialect.Latitude | None = None
    lng: dialect.Longitude | None = None
    description: str | None = None
    website_url: str | None = None
    registration_url: str | None = None
    max_participants: int | None = None


class Event(EventListed, frozen=True):
    """An event."""

    ends_on: dialect.DateOut | None = field(default=None, name="endDate")
    local_end: str | None = field(default=None, name="endTime")


class EventsQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rules: ClassVar[Rules] = dialect.PAGED

    limit: dialect.Limit = 50
    after: dialect.EventCursor | None = None
    before: dialect.EventCursor | None = None
    type: Annotated[dialect.EventType | None, msgspec.Meta(description="Only events of this type.")] = None
    date_from: Annotated[datetime.date | None, msgspec.Meta(description="Only events on or after this date.")] = None
    date_to: Annotated[datetime.date | None, msgspec.Meta(description="Only events on or before this date.")] = None


class EventCreate(WireIn, frozen=True, kw_only=True):
    """A new event."""

    rules: ClassVar[Rules] = RULES

    name: dialect.Title
    slug: dialect.Slug
    type: dialect.EventType
    starts_on: datetime.date = field(name="date")
    local_start: dialect.ClockTime | None = field(default=None, name="startTime")
    ends_on: datetime.date | None = field(default=None, name="endDate")
    local_end: dialect.ClockTime | None = field(default=None, name="endTime")
    address: Annotated[msgspec.Raw, ADDRESS] = msgspec.Raw()
    lat: dialect.Latitude | None = None
    lng: dialect.Longitude | None = None
    description: dialect.Prose | None = None
    website_url: dialect.Url | None = None
    registration_url: dialect.Url | None = None
    max_participants: dialect.Capacity | None = None


class EventPatch(WireIn, frozen=True, kw_only=True):
    """What to change; null clears an optional field."""

    rules: ClassVar[Rules] = RULES

    name: dialect.Title | UnsetType = UNSET
    slug: dialect.Slug | UnsetType = UNSET
    type: dialect.EventType | UnsetType = UNSET
    starts_on: datetime.date | UnsetType = field(default=UNSET, name="date")
    local_start: dialect.ClockTime | None | UnsetType = field(default=UNSET, name="startTime")
    ends_on: datetime.date | None | UnsetType = field(default=UNSET, name="endDate")
    local_end: dialect.ClockTime | None | UnsetType = field(default=UNSET, name="endTime")
    address: Annotated[msgspec.Raw, ADDRESS] = msgspec.Raw()
    lat: dialect.Latitude | None | UnsetType = UNSET
    lng: dialect.Longitude | None | UnsetType = UNSET
    description: dialect.Prose | None | UnsetType = UNSET
    website_url: dialect.Url | None | UnsetType = UNSET
    registration_url: dialect.Url | None | UnsetType = UNSET
    max_participants: dialect.Capacity | None | UnsetType = UNSET


class EventCreated(Wire, frozen=True):
    event_id: str


class EventWithRuns(Wire, frozen=True):
    """An event with its distances, or with its dates when it recurs."""

    event: Event
    runs: list[runs.EventRun]


def view(event: events.Event) -> Event:
    """An event as it goes out."""
    return Event(**{name: getattr(event, name) for name in Event.__struct_fields__})


def columns(given: dict[str, Any]) -> dict[str, Any]:
    """What came over the wire as columns; the address is kept as it came."""
    values = dialect.columns(given)
    if (address := bytes(values.pop("address", b"")).strip()) != b"":
        values["address"] = None if address == b"null" else msgspec.Raw(address)
    return values


@partner.operation("GET", "/events", scope="read:events", tag="Events", snapshot=False)
async def list_events(tx: Read, query: EventsQuery) -> Page[EventListed]:
    """List events

    All events of the organization, newest created first, one page at a time.
    """
    only = events.Filter(
        query.type,
        query.date_from.isoformat() if query.date_from else None,
        query.date_to.isoformat() if query.date_to else None,
    )
    return Page(*await events.page(tx, EventListed, only, dialect.window(query)))


@partner.operation("POST", "/events", scope="write:events", tag="Events", status=201, fails=(events.SlugTaken,))
async def create_event(tx: Write, body: EventCreate) -> Created[EventCreated]:
    """Create an event

    The slug must be unique in the organization. The event has no runs yet; add them with POST /events/{event_id}/runs.
    """
    event = await events.create(tx, columns(body.given()))
    return Created(EventCreated(event_id=event.id), f"/events/{event.id}")


@partner.operation("GET", "/events/{event_id}", scope="read:events", tag="Events", fails=(events.EventNotFound,))
async def retrieve_event(tx: Read, event_id: str) -> EventWithRuns:
    """Retrieve an event and its runs

    The runs are ordered by date, time and distance, past and cancelled ones included.
    """
    event = await events.get(tx, event_id)
    groups = await pace_groups.of_event(tx, event_id)
    found = await club_runs.of_event(tx, Run, event_id)
    return EventWithRuns(view(event), [runs.view(run, groups.get(run.id, []), event) for run in found])


@partner.operation(
    "PATCH",
    "/events/{event_id}",
    scope="write:events",
    tag="Events",
    fails=(events.EventNotFound, events.SlugTaken, events.CapTooLow),
)
async def update_event(tx: Write, event_id: str, body: EventPatch) -> Event:
    """Change an event

    What is left out stays; null clears an optional field. A raised cap gives places to those who wait, at once.
    """
    return view(await edits.change_event(tx, event_id, columns(body.given())))


@partner.operation(
    "DELETE",
    "/events/{event_id}",
    scope="write:events",
    tag="Events",
    status=204,
    fails=(events.EventNotFound, removals.StillRegistered),
)
async def delete_event(tx: Write, event_id: str, query: runs.RemoveQuery) -> None:
    """Delete an event and everything in it

    Refused while it has active registrations, unless `cancelRegistrations` is true.
    """
    await removals.remove_event(tx, event_id, cancel_registrations=query.cancel_registrations)
