"""Publishing: from a recurrence to runs, by a plan (`republish.plan`, pure) of the runs as they are under the event's lock.

`staged` reads them, `planned` and `missing` plan, `carried_out` does what the plan says and answers it. The changes of a recurrence
(`recurrence_changes.py`) and the worker's round (`publish_due`) both go this way.

- A run that has to go and for which anybody ever registered, also somebody who has cancelled since, stays as a cancelled one; others are deleted.
- A template shapes the runs published from it from then on. Runs of a template that is no longer there go, at the next change of the rule.

The worker looks at a recurrence once a day, after midnight where the organization is, when the horizon has moved; `publish_at` says when.
It publishes what is missing and touches nothing else, so doing it again, late or twice at once changes nothing.
"""

import datetime as dt
import traceback
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import sqlalchemy as sa
import structlog

from openintervals import instants
from openintervals.club import pace_groups, recurrences, registrations, republish, runs, waitlist
from openintervals.club import schedule as schedules
from openintervals.club.events import Event
from openintervals.club.pace_groups import PaceGroup
from openintervals.club.recurrences import LOOKBACK_DAYS, Recurrence, RunTemplate
from openintervals.club.republish import Plan, PublishedRun, Scope, Status
from openintervals.club.runs import Run, event_runs
from openintervals.club.schedule import Schedule
from openintervals.db import Database
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Asking, Read, Tenant, Write
from openintervals.platform import organizations

BATCH = 200
_log: Any = structlog.get_logger()


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it is after a change, with how many are confirmed or waiting; `before` when it was moved."""

    run: Run
    registrations: int = 0
    before: Run | None = None
    deleted: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a change did to the runs that were to come. `registrations_affected`: active ones of moved and cancelled runs."""

    created: list[Affected]
    moved: list[Affected]
    kept: list[Affected]
    cancelled: list[Affected]
    unchanged: list[Affected]
    registrations_affected: int


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of a recurrence as they are, those that still matter, and where and when that is."""

    event: Event
    timezone: str
    runs: dict[str, Run]
    active: dict[str, int]
    ever: frozenset[str]

    def planned(
        self,
        now: dt.datetime,
        recurrence: Recurrence,
        schedule: Schedule | None,
        *,
        scope: Scope = "all",
        on: dt.date | None = None,
    ) -> Plan:
        """What to do so that the runs follow `schedule`, with the recurrence's own templates, horizon and status."""
        if schedule is not None and schedule.local_start is None:
            schedule = msgspec.structs.replace(schedule, local_start=self.event.local_start)
        # A run deleted by hand stands like a cancelled one: it keeps its date, or that of its week, from being filled.
        gaps = [
            PublishedRun(
                id=f"gap {gap.occurrence_on} {gap.template}",
                occurrence_on=gap.occurrence_on,
                starts_on=gap.occurrence_on,
                status="cancelled",
                template=gap.template,
            )
            for gap in recurrence.deleted_by_hand()
        ]
        plan = republish.plan(
            [*(_published(run, self.active.get(run.id, 0)) for run in self.runs.values()), *gaps],
            schedule,
            scope=scope,
            on=on,
            paused=recurrence.status != "active",
            templates=list(recurrence.templates(self.event)),
            anchor_on=recurrence.anchor(),
            now=now,
            timezone=self.timezone,
            horizon_weeks=recurrence.auto_publish_horizon_weeks,
        )
        return msgspec.structs.replace(plan, unchanged=[run for run in plan.unchanged if run.id in self.runs])

    def missing(self, now: dt.datetime, recurrence: Recurrence) -> Plan:
        """What to publish so that the stored schedule is up to date; nothing in it moves or goes."""
        from_on = recurrence.speaks_from()
        scope: Scope = "all" if from_on is None else "following"
        plan = self.planned(now, recurrence, recurrence.rule(), scope=scope, on=from_on)
        unchanged = [*plan.unchanged, *(each.run for each in plan.moved), *(each.run for each in plan.cancelled)]
        unchanged.sort(key=lambda run: (run.starts_on, run.template, run.id))
        return msgspec.structs.replace(plan, moved=[], cancelled=[], unchanged=unchanged)


def _published(run: Run, registered: int) -> PublishedRun:
    return PublishedRun(
        id=run.id,
        occurrence_on=dt.date.fromisoformat(run.occurrence_on) if run.occurrence_on else None,
        starts_on=dt.date.fromisoformat(run.starts_on),
        local_start=run.local_start,
        edited=run.edited,
        registrations=registered,
        status=cast("Status", run.event_status or "scheduled"),
        template=run.template or "",
    )


def values_of(template: RunTemplate) -> dict[str, Any]:
    """The columns of a run made from a template, without its date."""
    values = {
        name: getattr(template, name)
        for name in template.__struct_fields__
        if name != "pace_groups" and getattr(template, name) is not None
    }
    return {**values, "distance_label": template.name, "event_status": "scheduled"}


@statement
def _runs() -> sa.Select[Any]:
    return (
        sa.select(*columns(Run, event_runs))
        .where(
            own(event_runs),
            event_runs.c.recurrence_id == sa.bindparam("recurrence"),
            sa.or_(
                event_runs.c.starts_on >= sa.bindparam("since"), event_runs.c.occurrence_on >= sa.bindparam("since")
            ),
        )
        .order_by(event_runs.c.id)
    )


@statement
def _ever_registered() -> sa.Select[Any]:
    table = registrations.registrations
    return (
        sa.select(table.c.event_run_id)
        .distinct()
        .where(
            own(table),
            own(event_runs),
            event_runs.c.id == table.c.event_run_id,
            event_runs.c.recurrence_id == sa.bindparam("recurrence"),
            sa.or_(
                event_runs.c.starts_on >= sa.bindparam("since"), event_runs.c.occurrence_on >= sa.bindparam("since")
            ),
        )
    )


@statement
def _due() -> sa.Select[Any]:
    table = recurrences.recurrences
    position = sa.tuple_(table.c.organization_id, table.c.mode, table.c.id)
    return (
        sa.select(table.c.organization_id, table.c.mode, table.c.id)
        .where(
            table.c.status == sa.literal_column("'active'"),
            table.c.publish_at <= sa.bindparam("now"),
            position > sa.tuple_(*(sa.bindparam(f"after_{name}") for name in ("organization", "mode", "id"))),
        )
        .order_by(table.c.organization_id, table.c.mode, table.c.id)
        .limit(BATCH)
    )


async def publish(tx: Write, recurrence_id: str) -> int:
    """Publish what is missing of an active recurrence, as much as its event takes; gives the number of new runs.

    Raises RecurrenceNotFound."""
    event, recurrence = await recurrences.lock(tx, recurrence_id)
    return len(await publish_missing(tx, event, recurrence, at_most=True)) if recurrence.status == "active" else 0


async def publish_due(database: Database, now: dt.datetime) -> None:
    """Publish every recurrence whose horizon has moved, of all organizations. For the worker.

    One that fails is logged and left for the next round; it holds up no other."""
    asking = Asking(tenant=Tenant("", "live"), actor="worker", now=now)
    position = ("", "", "")
    while True:

        async def due(tx: Read, position: tuple[str, str, str] = position) -> Sequence[tuple[Any, ...]]:
            organization, mode, last = position
            return await tx.rows(
                _due(), now=tx.now_text, after_organization=organization, after_mode=mode, after_id=last
            )

        batch = await database.read(asking, due, snapshot=False)
        for organization_id, mode, recurrence_id in batch:
            position = organization_id, mode, recurrence_id

            async def work(tx: Write, recurrence_id: str = recurrence_id) -> None:
                await publish(tx, recurrence_id)

            try:
                tenant = Tenant(organization_id, mode)
                await database.write(msgspec.structs.replace(asking, tenant=tenant), work)
            except recurrences.RecurrenceNotFound:
                continue  # deleted since it was found
            except Exception as problem:  # noqa: BLE001 — one that fails must not hold up the others
                last = traceback.extract_tb(problem.__traceback__)[-1]
                place = f"{last.filename.rpartition('/')[2]}:{last.lineno} {last.name}"
                _log.warning("publishing failed", recurrence=recurrence_id, error=type(problem).__name__, at=place)
        if len(batch) < BATCH:
            return


async def staged(tx: Read, event: Event, recurrence: Recurrence) -> Stage:
    """The runs of a locked recurrence as they are."""
    timezone = (await organizations.current(tx)).timezone
    today_on, _ = schedules.window(tx.now, timezone, 0)
    which = {"recurrence": recurrence.id, "since": (today_on - dt.timedelta(days=LOOKBACK_DAYS)).isoformat()}
    return Stage(
        event=event,
        timezone=timezone,
        runs={run.id: run for run in await tx.all(Run, _runs(), **which)},
        active=await registrations.active_by_run(tx, event.id),
        ever=frozenset(run_id for (run_id,) in await tx.rows(_ever_registered(), **which)),
    )


async def publish_missing(tx: Write, event: Event, recurrence: Recurrence, *, at_most: bool = False) -> list[Run]:
    """Publish a locked recurrence up to its horizon, and note when there can be more."""
    stage = await staged(tx, event, recurrence)
    made = await create_runs(tx, stage, recurrence, stage.missing(tx.now, recurrence), at_most=at_most)
    await note_published(tx, stage, recurrence)
    return made


async def note_published(tx: Write, stage: Stage, recurrence: Recurrence) -> None:
    """Note that all is published for now; the next look is after midnight at the club, when the horizon has moved."""
    today_on, _ = schedules.window(tx.now, stage.timezone, 0)
    midnight = schedules.starts_at(today_on + dt.timedelta(days=1), "00:00", stage.timezone)
    await recurrences.publish_next(tx, recurrence, instants.text(midnight))


async def carried_out(
    tx: Write, stage: Stage, recurrence: Recurrence, plan: Plan, early: Sequence[Run] = ()
) -> Outcome:
    """Do what the plan says and answer it. `early` are runs this change has published already."""
    moved = [await _move(tx, stage, each) for each in plan.moved]
    cancelled = [await _cancel(tx, stage, each.run) for each in plan.cancelled]
    created = await create_runs(tx, stage, recurrence, plan)
    if moved or cancelled:
        await waitlist.settle(tx, stage.event.id)
    new = {run.id for run in early}
    return Outcome(
        created=[Affected(run=run) for run in (*early, *created)],
        moved=moved,
        kept=[_as_it_is(stage, run) for run in plan.kept],
        cancelled=cancelled,
        unchanged=[_as_it_is(stage, run) for run in plan.unchanged if run.id not in new],
        registrations_affected=plan.registrations_affected,
    )


def _as_it_is(stage: Stage, run: PublishedRun) -> Affected:
    return Affected(run=stage.runs[run.id], registrations=run.registrations)


async def create_runs(
    tx: Write,
    stage: Stage,
    recurrence: Recurrence,
    plan: Plan,
    *,
    before_on: dt.date | None = None,
    at_most: bool = False,
) -> list[Run]:
    """The new runs of a plan, those before a date if one is given. `at_most`: stop, instead of failing, when the event is full.

    Raises TooManyRuns."""
    templates = recurrence.templates(stage.event)
    wanted = [each for each in plan.created if before_on is None or each.starts_on < before_on]
    room = await runs.room_left(tx, stage.event.id) if wanted else 0
    if len(wanted) > room:  # known before the first is made: what is bound to be refused costs nothing
        if not at_most:
            raise runs.TooManyRuns
        _log.warning("event takes no more runs", event_id=stage.event.id, recurrence=recurrence.id)
    made = []
    for each in wanted[:room]:
        template = templates[each.template]
        values = {
            **values_of(template),
            "starts_on": each.starts_on.isoformat(),
            "local_start": each.local_start,
            "recurrence_id": recurrence.id,
            "occurrence_on": each.starts_on.isoformat(),
            "template": each.template,
        }
        run = await runs.add(tx, stage.event, values)
        if template.pace_groups:
            groups = [
                PaceGroup(run.id, group.name, place, group.max_participants, None, None)
                for place, group in enumerate(template.pace_groups)
            ]
            run = await pace_groups.declare(tx, run, groups, {})
        made.append(run)
    return made


async def _move(tx: Write, stage: Stage, moved: republish.Moved) -> Affected:
    before = stage.runs[moved.run.id]
    after = await runs.change(
        tx,
        before,
        {
            "starts_on": moved.starts_on.isoformat(),
            "local_start": moved.local_start,
            "occurrence_on": moved.occurrence_on.isoformat(),
            "edited": moved.edited,
        },
        pace_groups=await pace_groups.of_run(tx, before.id),
    )
    return Affected(run=after, registrations=moved.run.registrations, before=before)


async def _cancel(tx: Write, stage: Stage, gone: PublishedRun) -> Affected:
    """Take a run off its occurrence: cancelled when anybody ever registered for it, deleted otherwise."""
    before = stage.runs[gone.id]
    if gone.id in stage.ever:
        groups = await pace_groups.of_run(tx, before.id)
        values = {"event_status": "cancelled", "occurrence_on": None}
        after = await runs.change(tx, before, values, pace_groups=groups)
        return Affected(run=after, registrations=gone.registrations)
    await pace_groups.remove_of(tx, before.id)
    await runs.remove(tx, before)
    return Affected(run=before, deleted=True)
