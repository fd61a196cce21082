"""Event runs, as the partner API speaks of them."""

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, UnsetType, field

from openintervals.api.http import Created, Page, Read, Write
from openintervals.api.partner import dialect
from openintervals.api.partner.dialect import Wire, WireIn, partner
from openintervals.api.rules import Rule, Rules
from openintervals.club import edits, events, pace_groups, places, removals, runs, waiting
from openintervals.club.events import Event
from openintervals.club.pace_groups import PaceGroup
from openintervals.club.runs import Run

DistanceStandard = Literal[
    "5K", "10K", "15K", "Half Marathon", "Marathon", "50K", "50M", "100K", "100M", "Ultra", "Other"
]
EventStatus = Literal["scheduled", "cancelled", "postponed", "rescheduled"]
RegistrationOverride = Literal["paused", "closed"]
Distance = Annotated[float, msgspec.Meta(ge=0, le=10_000_000, description="Length in metres.", examples=[5000])]
Instant = Annotated[datetime.datetime, msgspec.Meta(tz=True, examples=["2026-03-01T09:00:00+01:00"])]
BibNumber = Annotated[int, msgspec.Meta(ge=1, le=999_999)]
Hours = Annotated[int, msgspec.Meta(ge=1, le=720)]


class PaceGroupShape(WireIn, frozen=True, kw_only=True, omit_defaults=True):
    """A pace group that a run declares; its cap and bibs go before the run's."""

    name: dialect.Title
    max_participants: dialect.Capacity | None = None
    bib_from: BibNumber | None = None
    bib_to: BibNumber | None = None


RULES: Rules = (
    Rule(("registration_opens_at", "registration_closes_at"), runs.window_problems),
    Rule(("bib_from", "bib_to"), runs.bib_range_problems),
    Rule(("pace_groups",), lambda groups: pace_groups.problems(groups or [])),
)


class EventRun(Wire, frozen=True):
    """One distance of an event, or one date of a recurring one."""

    id: str = field(name="_id")
    event_id: str
    distance_m: float = field(name="distanceMeters")
    distance_standard: DistanceStandard
    distance_label: str
    starts_on: dialect.DateOut = field(name="date")
    local_start: str | None = field(default=None, name="startTime")
    event_status: EventStatus | None = None
    registration_url: str | None = None
    registration_opens_at: dialect.InstantOut | None = None
    registration_closes_at: dialect.InstantOut | None = None
    sold_out: Annotated[
        bool | None, msgspec.Meta(description="Whether no place is left; sent when there is a cap.")
    ] = None
    registration_override: RegistrationOverride | None = None
    max_participants: int | None = None
    is_virtual: bool | None = None
    is_relay: bool | None = None
    is_walking: bool | None = None
    pace_groups: list[PaceGroupShape] | None = None
    bib_from: int | None = None
    bib_to: int | None = None
    waitlist_offer_hours: Annotated[
        int | None, msgspec.Meta(description="Hours that a freed place is offered to the first in line.")
    ] = None


class RunCreate(WireIn, frozen=True, kw_only=True):
    """A new run; distance and label follow from the standard, the date from the event, where they are left out."""

    rules: ClassVar[Rules] = (*RULES, Rule(("distance_standard", "distance_m"), runs.distance_problems))

    distance_standard: DistanceStandard = "Other"
    distance_m: Distance | None = field(default=None, name="distanceMeters")
    distance_label: dialect.Title | None = None
    starts_on: datetime.date | None = field(default=None, name="date")
    local_start: dialect.ClockTime | None = field(default=None, name="startTime")
    event_status: EventStatus | None = None
    registration_url: dialect.Url | None = None
    registration_opens_at: Instant | None = None
    registration_closes_at: Instant | None = None
    sold_out: bool = False
    registration_override: RegistrationOverride | None = None
    max_participants: dialect.Capacity | None = None
    is_virtual: bool | None = None
    is_relay: bool | None = None
    is_walking: bool | None = None
    pace_groups: Annotated[list[PaceGroupShape], msgspec.Meta(max_length=100)] | None = None
    bib_from: BibNumber | None = None
    bib_to: BibNumber | None = None
    waitlist_offer_hours: Hours | None = None


class RunPatch(WireIn, frozen=True, kw_only=True):
    """What to change; null clears an optional field. A cap below the places taken is refused."""

    rules: ClassVar[Rules] = RULES
    nulls: ClassVar[Mapping[str, Any]] = {"sold_out": False}

    distance_standard: DistanceStandard | UnsetType = UNSET
    distance_m: Distance | UnsetType = field(default=UNSET, name="distanceMeters")
    distance_label: dialect.Title | UnsetType = UNSET
    starts_on: datetime.date | UnsetType = field(default=UNSET, name="date")
    local_start: dialect.ClockTime | None | UnsetType = field(default=UNSET, name="startTime")
    event_status: EventStatus | None | UnsetType = UNSET
    registration_url: dialect.Url | None | UnsetType = UNSET
    registration_opens_at: Instant | None | UnsetType = UNSET
    registration_closes_at: Instant | None | UnsetType = UNSET
    sold_out: bool | None | UnsetType = UNSET
    registration_override: RegistrationOverride | None | UnsetType = UNSET
    max_participants: dialect.Capacity | None | UnsetType = UNSET
    is_virtual: bool | None | UnsetType = UNSET
    is_relay: bool | None | UnsetType = UNSET
    is_walking: bool | None | UnsetType = UNSET
    pace_groups: Annotated[list[PaceGroupShape], msgspec.Meta(max_length=100)] | None | UnsetType = UNSET
    bib_from: BibNumber | None | UnsetType = UNSET
    bib_to: BibNumber | None | UnsetType = UNSET
    waitlist_offer_hours: Hours | None | UnsetType = UNSET


class RunCreated(Wire, frozen=True):
    event_run_id: str


class RemoveQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    cancel_registrations: Annotated[
        bool, msgspec.Meta(description="Cancel the active registrations instead of refusing.")
    ] = False


class WaitlistQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rules: ClassVar[Rules] = dialect.PAGED

    limit: dialect.Limit = 50
    after: dialect.RegistrationCursor | None = None
    before: dialect.RegistrationCursor | None = None


class WaitlistEntry(Wire, frozen=True):
    """Somebody who waits for a place."""

    registration_id: str
    event_run_id: str
    email: str
    position: Annotated[int, msgspec.Meta(ge=1, description="Place in the line of this run; 1 is the first.")]
    reason: Annotated[waiting.Reason, msgspec.Meta(description="Why there is no place for them yet.")]
    name: str | None = None
    pace_group: str | None = None
    offer_expires_at: dialect.InstantOut | None = None


def view(run: Run, groups: list[PaceGroup], event: Event | None) -> EventRun:
    """A run as it goes out; without its event only its own places count."""
    full = runs.is_full(run)
    if event is not None:
        full = full or not places.free(event.max_participants, event.confirmed, event.offered)
    known = {name: getattr(run, name) for name in EventRun.__struct_fields__ if name not in ("sold_out", "pace_groups")}
    return EventRun(
        **known,
        sold_out=full if full or run.max_participants is not None else None,
        pace_groups=[
            PaceGroupShape(
                name=group.name,
                max_participants=group.max_participants,
                bib_from=group.bib_from,
                bib_to=group.bib_to,
            )
            for group in groups
        ]
        or None,
    )


async def shown(tx: Read, run_id: str) -> EventRun:
    run = await runs.get(tx, run_id)
    return view(run, await pace_groups.of_run(tx, run_id), await events.get(tx, run.event_id))


def _groups(shapes: Any, run_id: str) -> list[PaceGroup]:
    return [
        PaceGroup(run_id, shape.name, place, shape.max_participants, shape.bib_from, shape.bib_to)
        for place, shape in enumerate(shapes or [])
    ]


@partner.operation(
    "POST", "/events/{event_id}/runs", scope="write:events", tag="Runs", status=201, fails=(events.EventNotFound,)
)
async def create_run(tx: Write, event_id: str, body: RunCreate) -> Created[RunCreated]:
    """Add a run to an event

    A distance of a race, or one date of a club run. People register for runs.
    """
    event = await events.lock(tx, event_id)
    values = dialect.columns(body.given())
    shapes = values.pop("pace_groups", None)
    run = await runs.create(tx, event, values)
    if shapes:
        await pace_groups.declare(tx, run, _groups(shapes, run.id), {})
    return Created(RunCreated(event_run_id=run.id), f"/runs/{run.id}")


@partner.operation("GET", "/runs/{run_id}", scope="read:events", tag="Runs", fails=(runs.RunNotFound,))
async def retrieve_run(tx: Read, run_id: str) -> EventRun:
    """Retrieve a run"""
    return await shown(tx, run_id)


@partner.operation(
    "PATCH", "/runs/{run_id}", scope="write:events", tag="Runs", fails=(runs.RunNotFound, events.CapTooLow)
)
async def update_run(tx: Write, run_id: str, body: RunPatch) -> EventRun:
    """Change a run

    A raised cap, a lifted pause or a new window gives free places to those who wait, at once. A run that a recurrence
    published counts as edited by hand from now on, and the recurrence leaves it alone.
    """
    values = dialect.columns(body.given())
    shapes = values.pop("pace_groups", UNSET)
    await edits.change_run(tx, run_id, values, UNSET if shapes is UNSET else _groups(shapes, run_id))
    return await shown(tx, run_id)


@partner.operation(
    "DELETE",
    "/runs/{run_id}",
    scope="write:events",
    tag="Runs",
    status=204,
    fails=(runs.RunNotFound, removals.StillRegistered),
)
async def delete_run(tx: Write, run_id: str, query: RemoveQuery) -> None:
    """Delete a run

    Refused while it has active registrations, unless `cancelRegistrations` is true.
    """
    await removals.remove_run(tx, run_id, cancel_registrations=query.cancel_registrations)


@partner.operation(
    "GET", "/runs/{run_id}/waitlist", scope="read:participants", tag="Waiting list", fails=(runs.RunNotFound,)
)
async def list_waitlist(tx: Read, run_id: str, query: WaitlistQuery) -> Page[WaitlistEntry]:
    """List who waits for a run

    First in line first, one page at a time, each with the reason why there is no place for them yet. A cursor is the `registrationId`
    of an entry: `after` gives those behind it in line, `before` those ahead of it. It stays good when its entry no longer waits, and stands for
    the place it had last; an id that never waited for this run stands before everybody.
    """
    entries, more = await waiting.of_run(tx, run_id, dialect.window(query))
    return Page(
        [
            WaitlistEntry(
                registration_id=entry.registration.id,
                event_run_id=entry.registration.event_run_id,
                email=entry.registration.email,
                position=entry.position,
                reason=entry.reason,
                name=entry.registration.name,
                pace_group=entry.registration.pace_group,
                offer_expires_at=entry.registration.offer_expires_at,
            )
            for entry in entries
        ],
        more,
    )
