"""Recurrences, as the partner API speaks of them: how an event repeats, and what a change of that makes of its runs."""

import datetime
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from openintervals import errors
from openintervals.api.http import Created, Page, Read, Write
from openintervals.api.partner import dialect
from openintervals.api.partner.dialect import Wire, WireIn, partner
from openintervals.api.partner.runs import Distance, DistanceStandard, EventStatus, Hours
from openintervals.api.rules import Rule, Rules
from openintervals.club import events, publishing, recurrence_changes, recurrences
from openintervals.club.republish import Scope
from openintervals.club.schedule import Schedule

RecurrenceStatus = Literal["active", "paused", "archived"]
HorizonWeeks = Annotated[
    int,
    Meta(
        ge=1, le=52, description="How many weeks ahead runs are published.", examples=[recurrence_changes.HORIZON_WEEKS]
    ),
]


class PaceGroupTemplate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A pace group of every run published."""

    name: dialect.Title
    max_participants: dialect.Capacity | None = None


class RunTemplate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A distance of each date. It is known by its label, and shapes the runs published from it from now on."""

    distance_standard: DistanceStandard = "Other"
    distance_m: Distance | None = field(name="distanceMeters", default=None)
    distance_label: dialect.Title | None = None
    registration_url: dialect.Url | None = None
    max_participants: dialect.Capacity | None = None
    is_virtual: bool | None = None
    is_relay: bool | None = None
    is_walking: bool | None = None
    waitlist_offer_hours: Hours | None = None
    pace_groups: Annotated[list[PaceGroupTemplate], Meta(max_length=100)] = []


RunTemplates = Annotated[
    list[RunTemplate],
    Meta(
        min_length=1,
        max_length=recurrences.TEMPLATES_MOST,
        description="The distances of each date. Absent: one, `Other`, 0 metres, with the recurrence's label.",
        examples=[[{"distanceStandard": "5K"}, {"distanceStandard": "10K", "maxParticipants": 40}]],
    ),
]


def _club_templates(sent: list[RunTemplate] | None) -> list[recurrences.RunTemplate] | None:
    """Run templates as the club's own."""
    if sent is None:
        return None
    return msgspec.json.decode(msgspec.json.encode(sent), type=list[recurrences.RunTemplate])


RULES: Rules = (
    Rule(("schedule",), recurrences.schedule_problems),
    Rule(("run_templates",), lambda sent: recurrences.template_problems(_club_templates(sent) or [])),
)
NULLS: Mapping[str, Any] = {"auto_publish_horizon_weeks": recurrence_changes.HORIZON_WEEKS}


class Recurrence(Wire, frozen=True):
    """How an event repeats, and what its future runs are published from."""

    # Schedule and templates are stored as they are answered, and pass through without being read.

    id: str = field(name="_id")
    event_id: str
    schedule: Schedule
    status: RecurrenceStatus
    auto_publish_horizon_weeks: HorizonWeeks
    label: str | None = None
    default_course_id: str | None = None
    run_templates: RunTemplates | None = None


class RecurrencesQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rules: ClassVar[Rules] = dialect.PAGED

    limit: dialect.Limit = 50
    after: dialect.RecurrenceCursor | None = None
    before: dialect.RecurrenceCursor | None = None
    status: Annotated[RecurrenceStatus | None, Meta(description="Only recurrences of this status.")] = None


Preview = Annotated[bool, Meta(description="Answer what would happen, and change nothing.")]


class PreviewQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    preview: Preview = False


class ScopeQuery(PreviewQuery, frozen=True, kw_only=True, rename="camel"):
    rules: ClassVar[Rules] = (Rule(("scope", "date"), recurrence_changes.date_problems),)

    scope: Annotated[
        Literal["this", "following", "all"],
        Meta(description="Which occurrences: that of `date` alone, those from `date` on, or all."),
    ] = "all"
    date: Annotated[
        datetime.date | None,
        Meta(
            description="Required with `this` and `following`: the date the schedule gives, wherever its run was moved."
        ),
    ] = None


class RecurrenceCreate(WireIn, frozen=True, kw_only=True):
    """A new recurrence."""

    rules: ClassVar[Rules] = RULES
    nulls: ClassVar[Mapping[str, Any]] = NULLS

    event_id: str
    schedule: Schedule
    label: dialect.Title | None = None
    run_templates: RunTemplates | None = None
    default_course_id: dialect.Line | None = None
    status: RecurrenceStatus = "active"
    auto_publish_horizon_weeks: HorizonWeeks | None = recurrence_changes.HORIZON_WEEKS


class RecurrencePatch(WireIn, frozen=True, kw_only=True):
    """What to change; null clears an optional field. A schedule replaces the whole of the one before."""

    rules: ClassVar[Rules] = RULES
    nulls: ClassVar[Mapping[str, Any]] = NULLS

    schedule: Schedule | UnsetType = UNSET
    label: dialect.Title | None | UnsetType = UNSET
    run_templates: RunTemplates | None | UnsetType = UNSET
    default_course_id: dialect.Line | None | UnsetType = UNSET
    status: RecurrenceStatus | UnsetType = UNSET
    auto_publish_horizon_weeks: HorizonWeeks | None | UnsetType = UNSET


def _in_scope(scope: Scope, schedule: Any, run_templates: Any) -> dict[str, list[str]]:
    sent = {"schedule": schedule, "run_templates": run_templates}
    return recurrence_changes.scope_problems(scope, [name for name, value in sent.items() if value is not UNSET])


def _of_all(name: str, scope: Scope, value: Any) -> dict[str, list[str]]:
    return recurrence_changes.scope_problems(scope, ["schedule", name])


SCOPED: Rules = (
    Rule(("scope", "schedule", "run_templates"), _in_scope, absent=True),
    *(
        Rule(("scope", name), partial(_of_all, name))
        for name in RecurrencePatch.__struct_fields__
        if name not in ("schedule", "run_templates")
    ),
)
"""What may be changed in which scope."""


class Skip(WireIn, frozen=True, kw_only=True):
    """A date to leave out."""

    rules: ClassVar[Rules] = (Rule(("date",), partial(recurrence_changes.date_problems, "this")),)

    date: Annotated[datetime.date, Meta(description="The date the schedule gives, wherever its run was moved.")]


class RecurrenceCreated(Wire, frozen=True):
    recurrence_id: str


class AffectedRun(Wire, frozen=True, kw_only=True):
    """A run as it is after the change, and what the change did to it."""

    id: Annotated[str | None, Meta(description="Absent in a preview for a run that would be created.")] = field(
        name="_id", default=None
    )
    event_id: str
    distance_m: float = field(name="distanceMeters")
    distance_standard: DistanceStandard
    distance_label: str
    starts_on: dialect.DateOut = field(name="date")
    local_start: str | None = field(name="startTime", default=None)
    event_status: EventStatus | None = None
    registrations: Annotated[int, Meta(description="How many are confirmed or waiting.")]
    from_on: Annotated[dialect.DateOut | None, Meta(description="Of a moved run: its date before.")] = field(
        name="fromDate", default=None
    )
    from_local_start: Annotated[str | None, Meta(description="Of a moved run: its start time before.")] = field(
        name="fromStartTime", default=None
    )
    deleted: Annotated[
        bool | None, Meta(description="Of a cancelled run: true when nobody ever registered, so that it is gone.")
    ] = None


class RecurrenceOutcome(Wire, frozen=True, kw_only=True):
    """What a change does to the runs that are still to come: each is in one list."""

    created: list[AffectedRun]
    moved: Annotated[list[AffectedRun], Meta(description="To another date or time; they keep their ids.")]
    kept: Annotated[list[AffectedRun], Meta(description="Edited by hand, and left alone.")]
    cancelled: Annotated[list[AffectedRun], Meta(description="Cancelled or, without registrations, deleted.")]
    unchanged: list[AffectedRun]
    registrations_affected: Annotated[int, Meta(description="Active registrations on moved and cancelled runs.")]


@partner.operation("GET", "/recurrences", scope="read:recurrences", tag="Recurrences", snapshot=False)
async def list_recurrences(tx: Read, query: RecurrencesQuery) -> Page[Recurrence]:
    """List recurrences

    All recurrences of the organization, of every status unless one is asked for, newest created first, one page at a time.
    """
    return Page(*await recurrences.page(tx, Recurrence, query.status, dialect.window(query)))


@partner.operation(
    "GET",
    "/recurrences/{recurrence_id}",
    scope="read:recurrences",
    tag="Recurrences",
    fails=(recurrences.RecurrenceNotFound,),
    snapshot=False,
)
async def get_recurrence(tx: Read, recurrence_id: str) -> Recurrence:
    """Retrieve a recurrence"""
    return await recurrences.get(tx, Recurrence, recurrence_id)


@partner.operation(
    "POST",
    "/recurrences",
    scope="write:recurrences",
    tag="Recurrences",
    status=201,
    fails=(events.EventNotFound, recurrences.TooManyRecurrences),
)
async def create_recurrence(tx: Write, body: RecurrenceCreate) -> Created[RecurrenceCreated]:
    """Create a recurrence

    Its runs are there at once, up to `autoPublishHorizonWeeks` ahead, unless it is created paused or archived.
    Dates and times are those of the organization's time zone.
    """
    values = columns(body.given())
    event_id, schedule, templates = values.pop("event_id"), values.pop("schedule"), values.pop("run_templates")
    recurrence = await recurrence_changes.create(tx, event_id, schedule, templates, values)
    return Created(RecurrenceCreated(recurrence_id=recurrence.id), f"/recurrences/{recurrence.id}")


@partner.operation(
    "PATCH",
    "/recurrences/{recurrence_id}",
    scope="write:recurrences",
    tag="Recurrences",
    fails=(recurrences.RecurrenceNotFound, recurrence_changes.NotPublished, recurrence_changes.BeyondHorizon),
    read_if=lambda query: query.preview,
    rules=SCOPED,
)
async def update_recurrence(
    tx: Write, recurrence_id: str, query: ScopeQuery, body: RecurrencePatch
) -> RecurrenceOutcome:
    """Change a recurrence

    A new schedule or new run templates create, move and cancel runs of the occurrences in scope; any other change only publishes what is
    missing. Runs edited by hand are kept. With `scope=this` only a schedule can be given; it says where that one date goes.
    With `preview=true` nothing is changed, and the answer is what the change itself would answer.
    """
    values = columns(body.given())
    outcome = await recurrence_changes.change(tx, recurrence_id, values, scope=query.scope, on=query.date)
    return told(outcome, query)


@partner.operation(
    "DELETE",
    "/recurrences/{recurrence_id}",
    scope="write:recurrences",
    tag="Recurrences",
    fails=(recurrences.RecurrenceNotFound,),
    read_if=lambda query: query.preview,
)
async def delete_recurrence(tx: Write, recurrence_id: str, query: ScopeQuery) -> RecurrenceOutcome:
    """Delete a recurrence

    Runs to come are cancelled or, without registrations, deleted; those edited by hand are kept, and those that are over stay.
    With `scope=this` one date is skipped, with `scope=following` the recurrence ends before `date`.
    """
    return told(await recurrence_changes.remove(tx, recurrence_id, scope=query.scope, on=query.date), query)


@partner.operation(
    "POST",
    "/recurrences/{recurrence_id}/pause",
    scope="write:recurrences",
    tag="Recurrences",
    fails=(recurrences.RecurrenceNotFound,),
    read_if=lambda query: query.preview,
)
async def pause_recurrence(tx: Write, recurrence_id: str, query: PreviewQuery) -> RecurrenceOutcome:
    """Pause a recurrence

    It publishes nothing more until it is resumed; what is published stays.
    """
    return told(await recurrence_changes.change(tx, recurrence_id, {"status": "paused"}), query)


@partner.operation(
    "POST",
    "/recurrences/{recurrence_id}/resume",
    scope="write:recurrences",
    tag="Recurrences",
    fails=(recurrences.RecurrenceNotFound, errors.Conflict),
    read_if=lambda query: query.preview,
)
async def resume_recurrence(tx: Write, recurrence_id: str, query: PreviewQuery) -> RecurrenceOutcome:
    """Resume a recurrence

    It publishes again, and at once what is missing up to its horizon.
    """
    return told(await recurrence_changes.change(tx, recurrence_id, {"status": "active"}), query)


@partner.operation(
    "POST",
    "/recurrences/{recurrence_id}/skip",
    scope="write:recurrences",
    tag="Recurrences",
    fails=(recurrences.RecurrenceNotFound,),
    read_if=lambda query: query.preview,
)
async def skip_recurrence_date(tx: Write, recurrence_id: str, query: PreviewQuery, body: Skip) -> RecurrenceOutcome:
    """Skip a date

    The date is left out from now on; its run is cancelled or, without registrations, deleted. Skipping it again is no error.
    """
    return told(await recurrence_changes.skip(tx, recurrence_id, body.date), query)


def columns(given: dict[str, Any]) -> dict[str, Any]:
    """What came over the wire as columns: run templates as the club's own."""
    if "run_templates" not in given:
        return given
    return {**given, "run_templates": _club_templates(given["run_templates"])}


def told(outcome: publishing.Outcome, query: PreviewQuery) -> RecurrenceOutcome:
    """The outcome on the wire. What a preview would create has no id, for it does not exist."""
    return RecurrenceOutcome(
        created=[_run(each, nameless=query.preview) for each in outcome.created],
        moved=[_run(each) for each in outcome.moved],
        kept=[_run(each) for each in outcome.kept],
        cancelled=[_run(each) for each in outcome.cancelled],
        unchanged=[_run(each) for each in outcome.unchanged],
        registrations_affected=outcome.registrations_affected,
    )


def _run(affected: publishing.Affected, *, nameless: bool = False) -> AffectedRun:
    run, before = affected.run, affected.before
    known = {name: getattr(run, name) for name in AffectedRun.__struct_fields__ if name in run.__struct_fields__}
    return AffectedRun(
        **{**known, "id": None if nameless else run.id},
        registrations=affected.registrations,
        from_on=before.starts_on if before else None,
        from_local_start=before.local_start if before else None,
        deleted=affected.deleted or None,
    )
