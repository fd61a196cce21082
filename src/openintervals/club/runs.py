"""Event runs: the distances of an event, or the dates of a recurring one. A run is what people register for.

`event_status` scheduled | cancelled | postponed | rescheduled; `registration_override` paused | closed, absent to follow the dates;
`sold_out` closes a run by hand, whatever its cap. A run whose registration is closed takes nobody and promotes nobody.

Invariants, held by the database: confirmed + offered never pass `max_participants`, of the run and of each of its pace groups.
Changes take the event's row first (`events.lock`), so those to one event's runs happen one after the other; whatever may free a place or
open a door is followed by `waitlist.settle` in the same transaction.
A run that a recurrence published remembers which occurrence it is; `edited` says that a person changed it, and the recurrence leaves it alone.
"""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors, instants
from openintervals.club import events, places
from openintervals.club.events import CapTooLow, Event
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, T, Write
from openintervals.platform import ids, journal

PER_EVENT_MOST = 2_000
STANDARD_M: dict[str, float | None] = {
    "5K": 5000,
    "10K": 10_000,
    "15K": 15_000,
    "Half Marathon": 21_097.5,
    "Marathon": 42_195,
    "50K": 50_000,
    "50M": 80_467.2,
    "100K": 100_000,
    "100M": 160_934.4,
    "Ultra": None,
    "Other": None,
}

event_runs = schema.table(
    "event_runs",
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("event_id", schema.Text, nullable=False),
    sa.Column("distance_m", schema.Number, nullable=False),
    sa.Column("distance_standard", schema.Text, nullable=False),
    sa.Column("distance_label", schema.Text, nullable=False),
    sa.Column("starts_on", schema.Text, nullable=False),
    sa.Column("local_start", schema.Text),
    sa.Column("event_status", schema.Text),
    sa.Column("registration_url", schema.Text),
    sa.Column("registration_opens_at", schema.Text),
    sa.Column("registration_closes_at", schema.Text),
    sa.Column("sold_out", schema.Flag, nullable=False),
    sa.Column("registration_override", schema.Text),
    sa.Column("max_participants", schema.Integer),
    sa.Column("confirmed", schema.Integer, nullable=False),
    sa.Column("offered", schema.Integer, nullable=False),
    sa.Column("is_virtual", schema.Flag),
    sa.Column("is_relay", schema.Flag),
    sa.Column("is_walking", schema.Flag),
    sa.Column("bib_from", schema.Integer),
    sa.Column("bib_to", schema.Integer),
    sa.Column("waitlist_offer_hours", schema.Integer),
    sa.Column("recurrence_id", schema.Text),
    sa.Column("occurrence_on", schema.Text),
    sa.Column("template", schema.Text),
    sa.Column("edited", schema.Flag, nullable=False),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("updated_at", schema.Text, nullable=False),
    sa.Column("version", schema.Integer, nullable=False),
    places.never_oversold(),
    sa.ForeignKeyConstraint(
        ["organization_id", "mode", "event_id"],
        ["events.organization_id", "events.mode", "events.id"],
        name="fk_event_runs_event",
    ),
    sa.Index("ix_event_runs_event_id", "organization_id", "mode", "event_id", "starts_on"),
    sa.Index(
        "ix_event_runs_recurrence_id",
        "organization_id",
        "mode",
        "recurrence_id",
        "occurrence_on",
        sqlite_where=sa.text("recurrence_id IS NOT NULL"),
        postgresql_where=sa.text("recurrence_id IS NOT NULL"),
    ),
)


class Run(msgspec.Struct, frozen=True):
    id: str
    event_id: str
    distance_m: float
    distance_standard: str
    distance_label: str
    starts_on: str
    local_start: str | None
    event_status: str | None
    registration_url: str | None
    registration_opens_at: str | None
    registration_closes_at: str | None
    sold_out: bool
    registration_override: str | None
    max_participants: int | None
    confirmed: int
    offered: int
    is_virtual: bool | None
    is_relay: bool | None
    is_walking: bool | None
    bib_from: int | None
    bib_to: int | None
    waitlist_offer_hours: int | None
    recurrence_id: str | None
    occurrence_on: str | None
    template: str | None
    edited: bool
    created_at: str
    updated_at: str
    version: int


class TooManyRuns(errors.Conflict):
    code = "too_many_runs"

    def __init__(self) -> None:
        super().__init__(f"An event has at most {PER_EVENT_MOST} runs; delete past ones or make another event")


class RunNotFound(errors.NotFound):
    code = "run_not_found"

    def __init__(self) -> None:
        super().__init__("Event run not found")


def refusal(run: Run, now: datetime) -> str | None:
    """Why registration for a run is not open at `now`, in words for people; None when it is."""
    if run.event_status == "cancelled":
        return "This run is cancelled"
    if run.event_status == "postponed":
        return "This run is postponed; registration waits for its new date"
    if run.registration_override == "paused":
        return "Registration for this run is paused"
    if run.registration_override == "closed":
        return "Registration for this run is closed"
    present = instants.text(now)
    if run.registration_opens_at is not None and present < run.registration_opens_at:
        return f"Registration for this run opens at {run.registration_opens_at}"
    if run.registration_closes_at is not None and present >= run.registration_closes_at:
        return f"Registration for this run closed at {run.registration_closes_at}"
    return None


def at_cap(run: Run) -> bool:
    """Whether every place that the run's cap allows is taken or being offered."""
    return not places.free(run.max_participants, run.confirmed, run.offered)


def is_full(run: Run) -> bool:
    """Whether the run itself has no place left: closed by hand, or at its cap."""
    return run.sold_out or at_cap(run)


def distance_problems(standard: str, distance_m: float | None) -> dict[str, list[str]]:
    """What is wrong with a new run's distance: it must be given where the standard has none."""
    if distance_m is None and STANDARD_M[standard] is None:
        return {"distance_m": [f"Required for the standard {standard!r}, which has no length"]}
    return {}


def completed(values: dict[str, Any], event: Event) -> dict[str, Any]:
    """A new run's columns with what follows from others filled in: distance and label from the standard, date from the event.

    Raises Invalid when the distance cannot be known."""
    standard = values.get("distance_standard", "Other")
    distance_m = values.get("distance_m")
    if wrong := distance_problems(standard, distance_m):
        raise errors.Invalid(fields=wrong)
    return {
        **values,
        "distance_standard": standard,
        "distance_m": STANDARD_M[standard] if distance_m is None else distance_m,
        "distance_label": values.get("distance_label") or standard,
        "starts_on": values.get("starts_on") or event.starts_on,
    }


def with_what_follows(before: Run, values: dict[str, Any]) -> dict[str, Any]:
    """A change's columns with what follows from a new standard: its length and its name, where the run has those of the old one. Pure."""
    standard = values.get("distance_standard", before.distance_standard)
    if standard == before.distance_standard:
        return values
    follows: dict[str, Any] = {}
    if before.distance_label == before.distance_standard:
        follows["distance_label"] = standard
    if STANDARD_M[standard] is not None and before.distance_m == STANDARD_M[before.distance_standard]:
        follows["distance_m"] = STANDARD_M[standard]
    return {**follows, **values}


def problems(run: Run) -> dict[str, list[str]]:
    """What does not fit together in a run, by field."""
    return {
        **window_problems(run.registration_opens_at, run.registration_closes_at),
        **bib_range_problems(run.bib_from, run.bib_to),
    }


def window_problems(opens_at: Any, closes_at: Any) -> dict[str, list[str]]:
    """What does not fit together in a registration window, its instants both as text or both aware."""
    if opens_at is not None and closes_at is not None and closes_at <= opens_at:
        return {"registration_closes_at": ["Must be after registrationOpensAt"]}
    return {}


def bib_range_problems(bib_from: int | None, bib_to: int | None) -> dict[str, list[str]]:
    """What does not fit together in a range of bibs, by field; also for a pace group's."""
    if bib_to is not None and bib_from is None:
        return {"bib_from": ["Required when bibTo is given"]}
    if bib_from is not None and bib_to is not None and bib_to < bib_from:
        return {"bib_to": ["Must not be below bibFrom"]}
    return {}


@statement
def _insert() -> sa.Insert:
    return sa.insert(event_runs)


@statement
def _get() -> sa.Select[Any]:
    return sa.select(*columns(Run, event_runs)).where(own(event_runs), event_runs.c.id == sa.bindparam("id"))


@statement
def _event_of() -> sa.Select[Any]:
    return sa.select(event_runs.c.event_id).where(own(event_runs), event_runs.c.id == sa.bindparam("id"))


@statement
def _of_event(view: type[msgspec.Struct]) -> sa.Select[Any]:
    return (
        sa.select(*columns(view, event_runs))
        .where(own(event_runs), event_runs.c.event_id == sa.bindparam("event_id"))
        .order_by(event_runs.c.starts_on, event_runs.c.local_start, event_runs.c.distance_m, event_runs.c.id)
        .limit(PER_EVENT_MOST)
    )


@statement
def _number() -> sa.Select[Any]:
    return (
        sa.select(sa.func.count())
        .select_from(event_runs)
        .where(own(event_runs), event_runs.c.event_id == sa.bindparam("event_id"))
    )


@statement
def _update(names: tuple[str, ...]) -> sa.Update:
    return (
        sa.update(event_runs)
        .where(own(event_runs), event_runs.c.id == sa.bindparam("run_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )


@statement
def _count() -> sa.Update:
    return places.counting(event_runs, event_runs.c.id == sa.bindparam("run_id"))


@statement
def _delete() -> sa.Delete:
    return sa.delete(event_runs).where(own(event_runs), event_runs.c.id == sa.bindparam("id"))


async def get(tx: Read, run_id: str) -> Run:
    """Raises RunNotFound."""
    run = await tx.one(Run, _get(), id=run_id)
    if run is None:
        raise RunNotFound
    return run


async def lock(tx: Write, run_id: str) -> tuple[Event, Run]:
    """The run as it is now and its event, whose row keeps both still until this transaction ends. Raises RunNotFound."""
    event_id = await tx.value(_event_of(), id=run_id)
    if event_id is None:
        raise RunNotFound
    try:
        event = await events.lock(tx, event_id)
    except events.EventNotFound:  # deleted while we waited for its lock, and the run with it
        raise RunNotFound from None
    return event, await get(tx, run_id)


async def of_event(tx: Read, view: type[T], event_id: str) -> list[T]:
    """All runs of an event, past and cancelled ones too, by date, time, distance."""
    return await tx.all(view, _of_event(view), event_id=event_id)


async def room_left(tx: Read, event_id: str) -> int:
    """How many more runs a locked event takes."""
    return PER_EVENT_MOST - int(await tx.value(_number(), event_id=event_id))


async def create(tx: Write, event: Event, values: dict[str, Any]) -> Run:
    """A new run of a locked event from its given columns. Raises Invalid, TooManyRuns."""
    if await room_left(tx, event.id) < 1:
        raise TooManyRuns
    return await add(tx, event, values)


async def add(tx: Write, event: Event, values: dict[str, Any]) -> Run:
    """A new run where the caller knows that there is room. Raises Invalid."""
    run = Run(
        **{
            **dict.fromkeys(Run.__struct_fields__),
            "sold_out": False,
            "edited": False,
            **completed(values, event),
            "id": ids.new(ids.RUN, tx.now),
            "event_id": event.id,
            "confirmed": 0,
            "offered": 0,
            "version": 1,
            "created_at": tx.now_text,
            "updated_at": tx.now_text,
        }
    )
    if wrong := problems(run):
        raise errors.Invalid(fields=wrong)
    await tx.put(_insert(), **msgspec.structs.asdict(run))
    await journal.record(tx, "run.created", run)
    return run


async def change(tx: Write, before: Run, values: dict[str, Any], **parts: Any) -> Run:
    """Change the given columns of a run whose event is locked, and what follows from them. Raises Invalid, CapTooLow.

    `parts` are what it has beside its columns, for whoever is told. Whoever calls this settles the waiting list afterwards."""
    values = with_what_follows(before, values)
    after = msgspec.structs.replace(before, **values)
    if wrong := problems(after):
        raise errors.Invalid(fields=wrong)
    if after.max_participants is not None and after.confirmed + after.offered > after.max_participants:
        raise CapTooLow(after.confirmed, after.offered)
    if not journal.difference(before, after):
        return before
    after = msgspec.structs.replace(after, version=before.version + 1, updated_at=tx.now_text)
    names = (*sorted(values), "version", "updated_at")
    await tx.execute(_update(names), run_id=after.id, **{f"new_{name}": getattr(after, name) for name in names})
    await journal.record(tx, "run.updated", after, before, also=parts)
    return after


async def touch(tx: Write, run: Run, **parts: Any) -> Run:
    """Record that `parts` of a run, which are no columns of its own, have changed, and what they are now."""
    after = await _next_version(tx, run)
    await journal.record(tx, "run.updated", after, run, also=parts, also_changed=tuple(parts))
    return after


async def sell_out(tx: Write, before: Run, run: Run, **parts: Any) -> Run:
    """Record that the last place of a run was taken; `run` has its counts as they are now, `before` those it had."""
    after = await _next_version(tx, run)
    await journal.record(tx, "run.sold_out", after, before, also=parts, implies=("run.updated",))
    return after


async def reopen(tx: Write, run: Run, **parts: Any) -> Run:
    """Record that a run that was full has room; `run` has its counts as they are now."""
    after = await _next_version(tx, run)
    await journal.record(tx, "run.updated", after, run, also=parts, also_changed=("confirmed",))
    return after


async def _next_version(tx: Write, run: Run) -> Run:
    after = msgspec.structs.replace(run, version=run.version + 1, updated_at=tx.now_text)
    await tx.execute(
        _update(("version", "updated_at")), run_id=run.id, new_version=after.version, new_updated_at=tx.now_text
    )
    return after


async def remove(tx: Write, run: Run) -> None:
    """Delete a run that has nothing left inside it."""
    await tx.execute(_delete(), id=run.id)
    gone = msgspec.structs.replace(run, version=run.version + 1, updated_at=tx.now_text)
    await journal.record(tx, "run.deleted", gone, run)


async def count(tx: Write, run_id: str, *, confirmed: int = 0, offered: int = 0) -> None:
    """Move the counts of a run. A move that passes its cap changes nothing, and so ends the transaction."""
    await tx.put(_count(), run_id=run_id, more_confirmed=confirmed, more_offered=offered)
