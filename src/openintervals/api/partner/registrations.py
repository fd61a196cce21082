"""Registrations, as the partner API speaks of them: `status` on the way in, `registrationStatus` on the way out."""

import datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, UnsetType, field

from openintervals.api.http import Created, Page, Read, Write
from openintervals.api.partner import dialect
from openintervals.api.partner.dialect import Wire, WireIn, partner
from openintervals.api.rules import Rule, Rules
from openintervals.club import bibs, checkins, edits, enrolment, events, registrations, runs, transfers

RegistrationType = Literal["free", "paid"]
Status = Literal["confirmed", "cancelled", "waitlist", "refunded"]
StatusIn = Annotated[Status, msgspec.Meta(description="What becomes of the registration.")]
StatusAlias = Annotated[
    Status, msgspec.Meta(description="The same as `status`, by the name that answers use; either will do.")
]
Bib = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=20,
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9 ._-]*[A-Za-z0-9])?$",
        extra={
            "message": "A bib has letters, digits and inner spaces, dots or hyphens",
            "nothing": "A bib is not erased here; to take it away use DELETE /registration/{registrationId}/bib",
        },
        examples=["1042"],
    ),
]
Instant = Annotated[datetime.datetime, msgspec.Meta(tz=True, examples=["2026-06-14T07:31:00+02:00"])]
Reference = Annotated[
    dialect.Line, msgspec.Meta(description="The `_id` of a run.", examples=["r01k9x0q5zr4t8m2c6h0wa"])
]


def _one_status(status: Status, registration_status: Status) -> dict[str, list[str]]:
    if status == registration_status:
        return {}
    return {"registration_status": ["Must be the same as status, or left out"]}


def _somewhere(*given: Any) -> dict[str, list[str]]:
    if any(value is not UNSET for value in given):
        return {}
    return {"event_run_id": ["Give another run, or another person's email or name, to transfer to"]}


ONE_STATUS: Rules = (Rule(("status", "registration_status"), _one_status),)


class RegistrationListed(Wire, frozen=True):
    """A registration, as lists show it."""

    id: str = field(name="_id")
    event_id: str
    event_run_id: str
    email: str
    registration_type: RegistrationType
    status: Status = field(name="registrationStatus")
    checked_in: bool
    name: str | None = None
    pace_group: str | None = None
    bib: str | None = field(default=None, name="bibIdentifier")
    bib_pinned: bool = False
    checked_in_at: dialect.InstantOut | None = None
    checked_in_device: str | None = None
    offer_expires_at: dialect.InstantOut | None = None


class Registration(RegistrationListed, frozen=True):
    """A registration."""

    notes: str | None = None


class RegistrationsQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rules: ClassVar[Rules] = dialect.PAGED

    event_id: Annotated[str, msgspec.Meta(description="The event whose registrations to list.")]
    limit: dialect.Limit = 50
    after: dialect.RegistrationCursor | None = None
    before: dialect.RegistrationCursor | None = None
    event_run_id: Annotated[dialect.Line | None, msgspec.Meta(description="Only registrations for this run.")] = None
    status: Annotated[Status | None, msgspec.Meta(description="Only registrations with this status.")] = None
    email: Annotated[
        dialect.Line | None, msgspec.Meta(description="Only this person's registrations, whatever the letters' case.")
    ] = None


class RegistrationCreate(WireIn, frozen=True, kw_only=True):
    """Somebody who wishes to come."""

    rules: ClassVar[Rules] = ONE_STATUS

    event_run_id: Reference
    email: dialect.Email
    registration_type: RegistrationType
    status: StatusIn | UnsetType = UNSET
    registration_status: StatusAlias | UnsetType = UNSET
    name: dialect.Line | None = None
    pace_group: dialect.Line | None = None
    notes: dialect.Prose | None = None


class RegistrationPatch(WireIn, frozen=True, kw_only=True):
    """What to change; null clears an optional field. A bib is never cleared here."""

    rules: ClassVar[Rules] = ONE_STATUS

    email: dialect.Email | UnsetType = UNSET
    name: dialect.Line | None | UnsetType = UNSET
    registration_type: RegistrationType | UnsetType = UNSET
    notes: dialect.Prose | None | UnsetType = UNSET
    pace_group: dialect.Line | None | UnsetType = UNSET
    status: StatusIn | UnsetType = UNSET
    registration_status: StatusAlias | UnsetType = UNSET
    bib: Bib | UnsetType = field(default=UNSET, name="bibIdentifier")
    bib_pinned: bool | UnsetType = UNSET
    checked_in: bool | UnsetType = UNSET


class Transfer(WireIn, frozen=True, kw_only=True):
    """Where or to whom a registration goes; give a run, a person, or both. A null `paceGroup` takes it out of its group."""

    rules: ClassVar[Rules] = (Rule(("event_run_id", "email", "name", "pace_group"), _somewhere, absent=True),)

    event_run_id: Reference | UnsetType = UNSET
    email: dialect.Email | UnsetType = UNSET
    name: dialect.Line | None | UnsetType = UNSET
    pace_group: dialect.Line | None | UnsetType = UNSET


class CheckIn(WireIn, frozen=True, kw_only=True):
    """When and by which device somebody was seen; now, when `at` is left out."""

    at: Instant | None = None
    device: dialect.Line | None = None


class BibPut(WireIn, frozen=True, kw_only=True):
    """A bib by hand, or, without `bibIdentifier`, the lowest free one of the range."""

    bib: Bib | UnsetType = field(default=UNSET, name="bibIdentifier")
    pinned: bool | UnsetType = UNSET


class BibSwap(WireIn, frozen=True, kw_only=True):
    registration_id: Annotated[dialect.Line, msgspec.Meta(description="The registration to swap bibs with.")]


class BibsAssign(WireIn, frozen=True, kw_only=True):
    """Whom to give bibs to: everybody with a place and none, or those of one run."""

    event_run_id: Reference | None = None


class RegistrationCreated(Wire, frozen=True):
    participant_id: str


class BibAssigned(Wire, frozen=True):
    id: str = field(name="_id")
    bib: str = field(name="bibIdentifier")


class BibsAssigned(Wire, frozen=True):
    assigned: list[BibAssigned]
    has_more: Annotated[
        bool, msgspec.Meta(description="Sent when there were too many for one request: send it again for the others.")
    ] = False


def view(registration: registrations.Registration) -> Registration:
    """A registration as it goes out."""
    names = [name for name in Registration.__struct_fields__ if name != "checked_in"]
    known = {name: getattr(registration, name) for name in names}
    return Registration(**known, checked_in=registration.checked_in_at is not None)


def _status(body: RegistrationCreate | RegistrationPatch) -> Status | UnsetType:
    """The status a body names, under either name."""
    return body.registration_status if body.status is UNSET else body.status


@partner.operation(
    "GET", "/registration", scope="read:participants", tag="Registrations", fails=(events.EventNotFound,)
)
async def list_registrations(tx: Read, query: RegistrationsQuery) -> Page[RegistrationListed]:
    """List registrations of an event

    Of every status, newest first, one page at a time.
    """
    folded = registrations.fold(query.email) if query.email is not None else None
    only = registrations.Filter(query.event_run_id, query.status, folded)
    return Page(*await registrations.page(tx, RegistrationListed, query.event_id, only, dialect.window(query)))


@partner.operation(
    "POST",
    "/registration",
    scope="write:participants",
    tag="Registrations",
    status=201,
    fails=(
        runs.RunNotFound,
        registrations.AlreadyRegistered,
        registrations.SoldOut,
        registrations.RegistrationClosed,
    ),
)
async def register_participant(tx: Write, body: RegistrationCreate) -> Created[RegistrationCreated]:
    """Register a participant

    The status is `confirmed` when left out. A confirmed wish for a sold-out run is refused; a `waitlist` wish takes a free place
    at once and waits otherwise. `cancelled` and `refunded` write down what happened elsewhere.
    """
    status = _status(body)
    registration = await enrolment.register(
        tx,
        body.event_run_id,
        email=body.email,
        registration_type=body.registration_type,
        status="confirmed" if isinstance(status, UnsetType) else status,
        name=body.name,
        pace_group=body.pace_group,
        notes=body.notes,
    )
    return Created(RegistrationCreated(participant_id=registration.id), f"/registration/{registration.id}")


@partner.operation(
    "GET",
    "/registration/{registration_id}",
    scope="read:participants",
    tag="Registrations",
    fails=(registrations.RegistrationNotFound,),
)
async def retrieve_registration(tx: Read, registration_id: str) -> Registration:
    """Retrieve a registration"""
    return view(await registrations.get(tx, registration_id))


@partner.operation(
    "PATCH",
    "/registration/{registration_id}",
    scope="write:participants",
    tag="Registrations",
    fails=(
        registrations.RegistrationNotFound,
        registrations.AlreadyRegistered,
        registrations.SoldOut,
        registrations.RegistrationClosed,
        bibs.BibTaken,
        bibs.NoPlaceNoBib,
        checkins.CannotCheckIn,
    ),
)
async def update_registration(tx: Write, registration_id: str, body: RegistrationPatch) -> Registration:
    """Change a registration

    Details, pace group, status, bib and check-in, in that order and all or none. A freed place goes to the first in line at once.
    """
    given = body.given()
    return view(
        await edits.change_registration(
            tx,
            registration_id,
            details={n: given[n] for n in ("email", "name", "registration_type", "notes") if n in given},
            pace_group=body.pace_group,
            status=given.get("status", given.get("registration_status")),
            bib=given.get("bib"),
            pinned=given.get("bib_pinned"),
            came=given.get("checked_in"),
        )
    )


@partner.operation(
    "POST",
    "/registration/{registration_id}/transfer",
    scope="write:participants",
    tag="Registrations",
    fails=(
        registrations.RegistrationNotFound,
        runs.RunNotFound,
        registrations.AlreadyRegistered,
        registrations.SoldOut,
        registrations.RegistrationClosed,
    ),
)
async def transfer_registration(tx: Write, registration_id: str, body: Transfer) -> Registration:
    """Transfer a registration to another run or person

    In one transaction: the new place is taken, the old one freed and given to the first in line.
    """
    given = body.given()
    return view(
        await transfers.transfer(
            tx,
            registration_id,
            event_run_id=given.get("event_run_id"),
            person={name: given[name] for name in ("email", "name") if name in given},
            pace_group=body.pace_group,
        )
    )


@partner.operation(
    "POST",
    "/registration/{registration_id}/check-in",
    scope="write:participants",
    tag="Check-in",
    fails=(registrations.RegistrationNotFound, checkins.CannotCheckIn),
)
async def check_in(tx: Write, registration_id: str, body: CheckIn) -> Registration:
    """Check somebody in

    Sending it again is no error and keeps the first time.
    """
    scene = await registrations.lock(tx, registration_id)
    return view(await checkins.check_in(tx, scene, at=body.at, device=body.device))


@partner.operation(
    "DELETE",
    "/registration/{registration_id}/check-in",
    scope="write:participants",
    tag="Check-in",
    status=204,
    fails=(registrations.RegistrationNotFound,),
)
async def undo_check_in(tx: Write, registration_id: str) -> None:
    """Undo a check-in"""
    await checkins.undo(tx, await registrations.lock(tx, registration_id))
