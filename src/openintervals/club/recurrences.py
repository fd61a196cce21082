"""Recurrences: how an event repeats, and what its future runs are published from.    active ⇄ paused ⇄ archived

A recurrence has a schedule (`schedule.py`: which dates) and run templates (which distances each date has). Only an active one publishes;
a pause takes nothing back, and archived is a pause for good. What a change makes of the runs that exist is decided by `republish.py` and
carried out by `publishing.py`, which has the verbs; here is what is stored.

`anchor_on` is the event's date when the schedule was given: a schedule without a `startDate` goes on counting from it, wherever the event moves.
`effective_from`, after a change of *following* occurrences, is the first date the schedule speaks for: runs before it obey the rule before it.
`gaps` are occurrences whose run a person deleted: nothing is published there again.

Invariants: a recurrence belongs to one event and goes with it; a stored schedule has no problems; a template's name is unique in it.
Changes take the event's row first (`lock`), as everything inside an event does, so two that come at once are made one after the other, and
a date is published once however many publish.
"""

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.club import events, runs
from openintervals.club import schedule as schedules
from openintervals.club.events import Event
from openintervals.club.runs import Run
from openintervals.club.schedule import Schedule
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, T, Write
from openintervals.platform import journal, pages

PER_EVENT_MOST = 50
TEMPLATES_MOST = 20
LOOKBACK_DAYS = 31
"""How long a run that is over still matters: the longest period of a schedule is a month."""
FIRST_ON, LAST_ON = dt.date(1900, 1, 1), dt.date(2199, 12, 31)
"""The dates that schedules have."""

recurrences = schema.table(
    "recurrences",
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("event_id", schema.Text, nullable=False),
    sa.Column("label", schema.Text),
    sa.Column("schedule", schema.Json, nullable=False),
    sa.Column("run_templates", schema.Json),
    sa.Column("default_course_id", schema.Text),
    sa.Column("status", schema.Text, nullable=False),
    sa.Column("auto_publish_horizon_weeks", schema.Integer, nullable=False),
    sa.Column("anchor_on", schema.Text, nullable=False),
    sa.Column("effective_from", schema.Text),
    sa.Column("gaps", schema.Json, nullable=False),
    sa.Column("publish_at", schema.Text, nullable=False),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("updated_at", schema.Text, nullable=False),
    sa.Column("version", schema.Integer, nullable=False),
    sa.ForeignKeyConstraint(
        ["organization_id", "mode", "event_id"],
        ["events.organization_id", "events.mode", "events.id"],
        name="fk_recurrences_event",
    ),
    sa.CheckConstraint("status IN ('active', 'paused', 'archived')", name="status"),
    sa.CheckConstraint("auto_publish_horizon_weeks BETWEEN 1 AND 52", name="horizon"),
    sa.Index("ix_recurrences_event_id", "organization_id", "mode", "event_id", "id"),
    sa.Index("ix_recurrences_status", "organization_id", "mode", "status", "id"),
    sa.Index(
        "ix_recurrences_publish_at",
        "publish_at",
        sqlite_where=sa.text("status = 'active'"),
        postgresql_where=sa.text("status = 'active'"),
    ),
)


class PaceGroupTemplate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str
    max_participants: int | None = None


class RunTemplate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A distance that each date has, as stored and answered. Only runs published from now on are made from it."""

    distance_standard: str = "Other"
    distance_m: float | None = msgspec.field(name="distanceMeters", default=None)
    distance_label: str | None = None
    registration_url: str | None = None
    max_participants: int | None = None
    is_virtual: bool | None = None
    is_relay: bool | None = None
    is_walking: bool | None = None
    waitlist_offer_hours: int | None = None
    pace_groups: list[PaceGroupTemplate] = []

    @property
    def name(self) -> str:
        """What tells it from the others, and its runs from theirs."""
        return self.distance_label or self.distance_standard


class Gap(msgspec.Struct, frozen=True, array_like=True):
    """An occurrence of a template whose run a person deleted."""

    template: str
    occurrence_on: dt.date


class Recurrence(msgspec.Struct, frozen=True):
    id: str
    event_id: str
    label: str | None
    schedule: msgspec.Raw
    run_templates: msgspec.Raw | None
    default_course_id: str | None
    status: str
    auto_publish_horizon_weeks: int
    anchor_on: str
    effective_from: str | None
    gaps: msgspec.Raw
    created_at: str
    updated_at: str
    version: int

    def rule(self) -> Schedule:
        return msgspec.json.decode(self.schedule, type=Schedule)

    def anchor(self) -> dt.date:
        return dt.date.fromisoformat(self.anchor_on)

    def speaks_from(self) -> dt.date | None:
        """The first date the schedule speaks for; None when it speaks for all."""
        return dt.date.fromisoformat(self.effective_from) if self.effective_from else None

    def templates(self, event: Event) -> dict[str, RunTemplate]:
        """The distances of each date by name; without any of its own one that has no name and the recurrence's label."""
        if self.run_templates is None:
            return {"": RunTemplate(distance_m=0, distance_label=self.label or event.name)}
        stored = msgspec.json.decode(self.run_templates, type=list[RunTemplate])
        return {template.name: template for template in stored}

    def deleted_by_hand(self) -> list[Gap]:
        return msgspec.json.decode(self.gaps, type=list[Gap])


class RecurrenceNotFound(errors.NotFound):
    code = "recurrence_not_found"

    def __init__(self) -> None:
        super().__init__("Recurrence not found")


class TooManyRecurrences(errors.Conflict):
    code = "too_many_recurrences"

    def __init__(self) -> None:
        super().__init__(f"An event has at most {PER_EVENT_MOST} recurrences; change or delete one of them")


def anchor_of(event: Event) -> str:
    """Where a schedule without a start counts from: the event's date, or the nearest one that schedules have."""
    return min(max(event.starts_on, FIRST_ON.isoformat()), LAST_ON.isoformat())


def schedule_problems(schedule: Schedule) -> dict[str, list[str]]:
    """What is wrong between the fields of a schedule, by field."""
    return {f"schedule.{name}": said for name, said in schedules.problems(schedule).items()}


def template_problems(templates: list[RunTemplate]) -> dict[str, list[str]]:
    """What does not fit together in run templates, by field."""
    wrong: dict[str, list[str]] = {}
    names = [template.name for template in templates]
    for position, template in enumerate(templates):
        place = f"runTemplates.{position}"
        if template.distance_m is None and runs.STANDARD_M[template.distance_standard] is None:
            wrong[f"{place}.distanceMeters"] = [
                f"Required for the standard {template.distance_standard!r}, which has no length"
            ]
        if template.name in names[:position]:
            wrong[f"{place}.distanceLabel"] = [f"Another template is called {template.name!r}"]
        groups = [group.name for group in template.pace_groups]
        if twice := sorted({name for name in groups if groups.count(name) > 1}):
            wrong[f"{place}.paceGroups"] = [f"The name {twice[0]!r} is declared twice"]
    return wrong


def encoded(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


@statement
def _insert() -> sa.Insert:
    return sa.insert(recurrences)


@statement
def _page(view: type[msgspec.Struct], direction: pages.Direction, *, by_status: bool) -> sa.Select[Any]:
    select = sa.select(*columns(view, recurrences)).where(own(recurrences))
    if by_status:
        select = select.where(recurrences.c.status == sa.bindparam("status"))
    return pages.paged(select, recurrences.c.id, direction)


@statement
def _get(view: type[msgspec.Struct]) -> sa.Select[Any]:
    return sa.select(*columns(view, recurrences)).where(own(recurrences), recurrences.c.id == sa.bindparam("id"))


@statement
def _event_of() -> sa.Select[Any]:
    return sa.select(recurrences.c.event_id).where(own(recurrences), recurrences.c.id == sa.bindparam("id"))


@statement
def _of_event() -> sa.Select[Any]:
    return (
        sa.select(*columns(Recurrence, recurrences))
        .where(own(recurrences), recurrences.c.event_id == sa.bindparam("event_id"))
        .order_by(recurrences.c.id)
    )


@statement
def _update(names: tuple[str, ...]) -> sa.Update:
    return (
        sa.update(recurrences)
        .where(own(recurrences), recurrences.c.id == sa.bindparam("recurrence_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )


@statement
def _delete() -> sa.Delete:
    return sa.delete(recurrences).where(own(recurrences), recurrences.c.id == sa.bindparam("id"))


async def page(tx: Read, view: type[T], status: str | None, window: pages.Window) -> tuple[list[T], bool]:
    """Recurrences newest first as `view`, of one status or all, and whether there are more in the direction of travel."""
    statement_ = _page(view, window.direction, by_status=status is not None)
    return window.cut(await tx.all(view, statement_, **({"status": status} if status else {}), **window.parameters))


async def get(tx: Read, view: type[T], recurrence_id: str) -> T:
    """A recurrence as `view`. Raises RecurrenceNotFound."""
    found = await tx.one(view, _get(view), id=recurrence_id)
    if found is None:
        raise RecurrenceNotFound
    return found


async def of_event(tx: Read, event_id: str) -> list[Recurrence]:
    """Oldest first."""
    return await tx.all(Recurrence, _of_event(), event_id=event_id)


async def lock(tx: Write, recurrence_id: str) -> tuple[Event, Recurrence]:
    """The recurrence as it is now and its event, whose row keeps both and the runs still. Raises RecurrenceNotFound."""
    event_id = await tx.value(_event_of(), id=recurrence_id)
    if event_id is None:
        raise RecurrenceNotFound
    try:
        event = await events.lock(tx, event_id)
    except events.EventNotFound:  # deleted while we waited for its lock, and the recurrence with it
        raise RecurrenceNotFound from None
    return event, await get(tx, Recurrence, recurrence_id)


async def add(tx: Write, recurrence: Recurrence) -> None:
    """Write a new recurrence of a locked event down; it is due for publishing at once. Raises TooManyRecurrences."""
    if len(await of_event(tx, recurrence.event_id)) >= PER_EVENT_MOST:
        raise TooManyRecurrences
    await tx.execute(_insert(), publish_at=tx.now_text, **_row(recurrence))
    await journal.record(tx, "recurrence.created", recurrence)


async def store(tx: Write, before: Recurrence, **values: Any) -> Recurrence:
    """Change columns of a locked recurrence; nothing happens when nothing differs."""
    after = msgspec.structs.replace(before, **values)
    changed = journal.difference(before, after)
    if not changed:
        return before
    after = msgspec.structs.replace(after, version=before.version + 1, updated_at=tx.now_text)
    names = (*sorted(changed), "version", "updated_at")
    stored = _row(after)
    await tx.execute(_update(names), recurrence_id=after.id, **{f"new_{name}": stored[name] for name in names})
    await journal.record(tx, "recurrence.updated", after, before)
    return after


async def publish_next(tx: Write, recurrence: Recurrence, at: str) -> None:
    """Note when publishing can find something again. Bookkeeping, no change of the recurrence."""
    await tx.execute(_update(("publish_at",)), recurrence_id=recurrence.id, new_publish_at=at)


async def remove(tx: Write, recurrence: Recurrence) -> None:
    """Delete a locked recurrence; the runs it published stay and remember where they come from."""
    await tx.execute(_delete(), id=recurrence.id)
    gone = msgspec.structs.replace(recurrence, version=recurrence.version + 1, updated_at=tx.now_text)
    await journal.record(tx, "recurrence.deleted", gone, recurrence)


async def remove_of_event(tx: Write, event: Event) -> None:
    """Delete the recurrences of a locked event that is about to be deleted."""
    for recurrence in await of_event(tx, event.id):
        await remove(tx, recurrence)


async def run_removed(tx: Write, run: Run) -> None:
    """Note that a person deletes this run of a locked event, so that its occurrence is not published again."""
    if run.recurrence_id is None or run.occurrence_on is None:
        return
    recurrence = await tx.one(Recurrence, _get(Recurrence), id=run.recurrence_id)
    if recurrence is None:
        return
    oldest_on = tx.now.date() - dt.timedelta(days=LOOKBACK_DAYS + 1)
    gaps = {gap for gap in recurrence.deleted_by_hand() if gap.occurrence_on >= oldest_on}
    gaps.add(Gap(run.template or "", dt.date.fromisoformat(run.occurrence_on)))
    ordered = sorted(gaps, key=lambda gap: (gap.occurrence_on, gap.template))
    await store(tx, recurrence, gaps=encoded(ordered))


def _row(recurrence: Recurrence) -> dict[str, Any]:
    values = msgspec.structs.asdict(recurrence)
    return {name: bytes(value).decode() if isinstance(value, msgspec.Raw) else value for name, value in values.items()}
