"""Changes of recurrences: create, change, skip a date, delete; for this, following or all occurrences.

Each verb takes the event's lock, makes one plan of what becomes of the runs, stores the recurrence, carries the plan out and answers what it did.
A preview is the same verb in a transaction that is rolled back, so it says exactly what then happens.

- A new schedule or new templates move, create and cancel runs; any other change only publishes what is missing.
- *this* changes the runs of one date and leaves the schedule as it is, but for a date that goes: that one is skipped from then on.
- *following* stores the schedule together with its first date, once the rule before it has been published up to there.
- *all* stores it for every date. Deleting all deletes the recurrence; what is over stays.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

import msgspec

from openintervals import errors
from openintervals.club import events, publishing, recurrences
from openintervals.club import schedule as schedules
from openintervals.club.publishing import Outcome
from openintervals.club.recurrences import FIRST_ON, LAST_ON, Recurrence, RunTemplate, encoded
from openintervals.club.republish import Scope
from openintervals.club.runs import Run
from openintervals.club.schedule import Schedule
from openintervals.db.transaction import Write
from openintervals.platform import ids

HORIZON_WEEKS = 8
_ENCODED = ("schedule", "run_templates")


class NotPublished(errors.Conflict):
    code = "occurrence_not_published"

    def __init__(self, on: dt.date) -> None:
        super().__init__(f"No run that is still to come was published for {on}, so there is none to change")


class BeyondHorizon(errors.Conflict):
    code = "beyond_horizon"

    def __init__(self, last_on: dt.date) -> None:
        super().__init__(
            f"Runs are published until {last_on}: following occurrences can be changed from a date up to then, "
            "or from a later one once autoPublishHorizonWeeks is longer"
        )


def change_problems(values: dict[str, Any], scope: Scope, on: dt.date | None) -> dict[str, list[str]]:
    """What is wrong with a change, by field."""
    wrong = date_problems(scope, on)
    if "schedule" in values:
        wrong |= recurrences.schedule_problems(values["schedule"])
    if "run_templates" in values:
        wrong |= recurrences.template_problems(values["run_templates"] or [])
    return wrong | scope_problems(scope, values)


def scope_problems(scope: Scope, names: Collection[str]) -> dict[str, list[str]]:
    """What is wrong with changing the columns `names` in a scope."""
    wrong: dict[str, list[str]] = {}
    if scope == "this":
        if "schedule" not in names:
            wrong["schedule"] = ["Required with scope=this: it says where the one date goes"]
        for name in names:
            if name != "schedule":
                wrong[name] = ["Belongs to all occurrences, so it cannot be changed with scope=this"]
    elif scope == "following" and not ("schedule" in names or "run_templates" in names):
        wrong["scope"] = ["Only schedule and runTemplates can differ for following occurrences; leave scope out"]
    return wrong


def date_problems(scope: Scope, on: dt.date | None) -> dict[str, list[str]]:
    """What is wrong with the date of a scope."""
    if scope == "all":
        return {}
    if on is None:
        return {"date": ["Required with scope=this and scope=following"]}
    if not FIRST_ON <= on <= LAST_ON:
        return {"date": [f"Must be between {FIRST_ON} and {LAST_ON}"]}
    return {}


def cut_off(schedule: Schedule, on: dt.date, *, anchor_on: dt.date) -> Schedule | None:
    """The schedule without its dates from `on` on; None when it begins there, so that nothing of it is left."""
    starts_on = schedule.starts_on or anchor_on
    added_on = tuple(other for other in schedule.added_on if other < on)
    if on <= starts_on and not added_on:
        return None
    last_on = max(on - dt.timedelta(days=1), starts_on)
    if schedule.count is not None:
        bare = msgspec.structs.replace(schedule, skipped_on=(), added_on=())
        given = schedules.occurrences(bare, anchor_on=anchor_on, first_on=starts_on, last_on=last_on)
        if len(given) == schedule.count and on > starts_on:
            return msgspec.structs.replace(schedule, added_on=added_on)
    # A rule has at least one day; when only added dates are left before `on`, that day is skipped.
    skipped_on = schedule.skipped_on if on > starts_on else (*schedule.skipped_on, starts_on)
    until_on = min(schedule.until_on or last_on, last_on)
    return msgspec.structs.replace(schedule, count=None, until_on=until_on, added_on=added_on, skipped_on=skipped_on)


async def create(
    tx: Write, event_id: str, schedule: Schedule, run_templates: list[RunTemplate] | None, values: dict[str, Any]
) -> Recurrence:
    """A new recurrence, published up to its horizon. Raises EventNotFound, Invalid, Conflict when the event has too many."""
    wrong = {**recurrences.schedule_problems(schedule), **recurrences.template_problems(run_templates or [])}
    if wrong:
        raise errors.Invalid(fields=wrong)
    event = await events.lock(tx, event_id)
    recurrence = Recurrence(
        **{
            "label": None,
            "default_course_id": None,
            "status": "active",
            "auto_publish_horizon_weeks": HORIZON_WEEKS,
            **values,
            "id": ids.new(ids.RECURRENCE, tx.now),
            "event_id": event.id,
            "schedule": encoded(schedule),
            "run_templates": None if run_templates is None else encoded(run_templates),
            "anchor_on": recurrences.anchor_of(event),
            "effective_from": None,
            "gaps": encoded([]),
            "created_at": tx.now_text,
            "updated_at": tx.now_text,
            "version": 1,
        }
    )
    await recurrences.add(tx, recurrence)
    await publishing.publish_missing(tx, event, recurrence)
    return recurrence


async def change(
    tx: Write, recurrence_id: str, values: dict[str, Any], *, scope: Scope = "all", on: dt.date | None = None
) -> Outcome:
    """Change the given columns; `schedule` is a Schedule, `run_templates` a list of RunTemplate or None. `on` is the date of `scope`.

    Raises RecurrenceNotFound, Invalid, NotPublished, BeyondHorizon, Conflict when the event has too many runs."""
    if wrong := change_problems(values, scope, on):
        raise errors.Invalid(fields=wrong)
    if scope == "this" and on is not None:
        return await _change_this(tx, recurrence_id, values["schedule"], on)
    event, before = await recurrences.lock(tx, recurrence_id)
    stage = await publishing.staged(tx, event, before)
    early: list[Run] = []
    from_on = before.speaks_from()
    stored = {
        name: encoded(value) if name in _ENCODED and value is not None else value for name, value in values.items()
    }
    if scope == "following" and on is not None:
        _, last_on = schedules.window(tx.now, stage.timezone, before.auto_publish_horizon_weeks)
        if on > last_on:
            raise BeyondHorizon(last_on)
        # The dates before the change are the old rule's, which is about to be forgotten.
        early = await publishing.create_runs(tx, stage, before, stage.missing(tx.now, before), before_on=on)
        stage = await publishing.staged(tx, event, before)
        # New templates alone leave the dates to the schedule, and to the date it speaks from.
        from_on = on if "schedule" in values else max(on, from_on or on)
    elif "schedule" in values:
        from_on = None
    if "schedule" in values:
        stored["anchor_on"] = recurrences.anchor_of(event)
    if "run_templates" in values:
        names = {template.name for template in values["run_templates"] or []} or {""}
        stored["gaps"] = encoded([gap for gap in before.deleted_by_hand() if gap.template in names])
    after = await recurrences.store(tx, before, **stored, effective_from=from_on.isoformat() if from_on else None)
    if "schedule" in values or "run_templates" in values:
        plan = stage.planned(tx.now, after, after.rule(), scope="following" if from_on else "all", on=from_on)
    else:
        plan = stage.missing(tx.now, after)
    outcome = await publishing.carried_out(tx, stage, after, plan, early)
    await publishing.note_published(tx, stage, after)
    return outcome


async def _change_this(tx: Write, recurrence_id: str, schedule: Schedule, on: dt.date) -> Outcome:
    event, before = await recurrences.lock(tx, recurrence_id)
    stage = await publishing.staged(tx, event, before)
    plan = stage.planned(tx.now, before, schedule, scope="this", on=on)
    told = [*(each.run for each in plan.moved), *(each.run for each in plan.cancelled), *plan.kept, *plan.unchanged]
    if on not in [run.occurrence_on for run in told]:
        raise NotPublished(on)
    # A date whose run goes is still given by the stored rule, and would be published again.
    after = await _skip(tx, before, on) if plan.cancelled else before
    return await publishing.carried_out(tx, stage, after, plan)


async def skip(tx: Write, recurrence_id: str, on: dt.date) -> Outcome:
    """Leave one date out; doing it again changes nothing. Raises RecurrenceNotFound, Invalid."""
    event, before = await recurrences.lock(tx, recurrence_id)
    after = await _skip(tx, before, on)
    stage = await publishing.staged(tx, event, after)
    return await publishing.carried_out(tx, stage, after, stage.planned(tx.now, after, None, scope="this", on=on))


async def _skip(tx: Write, before: Recurrence, on: dt.date) -> Recurrence:
    """Raises Invalid when the date is none a schedule can have, or one too many."""
    skipping = schedules.skipping(before.rule(), on)
    if said := schedules.problems(skipping).get("skipDates"):
        raise errors.Invalid(fields={"date": said})
    return await recurrences.store(tx, before, schedule=encoded(skipping))


async def remove(tx: Write, recurrence_id: str, *, scope: Scope = "all", on: dt.date | None = None) -> Outcome:
    """Delete all occurrences and the recurrence itself, or one date, or those from a date on. What is over stays.

    Raises RecurrenceNotFound, Invalid."""
    if wrong := date_problems(scope, on):
        raise errors.Invalid("Invalid request parameters", wrong)
    if scope == "this" and on is not None:
        return await skip(tx, recurrence_id, on)
    event, before = await recurrences.lock(tx, recurrence_id)
    stage = await publishing.staged(tx, event, before)
    plan = stage.planned(tx.now, before, None, scope=scope, on=on)
    left = cut_off(before.rule(), on, anchor_on=before.anchor()) if scope == "following" and on is not None else None
    if left is None:
        await recurrences.remove(tx, before)
    else:
        await recurrences.store(tx, before, schedule=encoded(left))
    return await publishing.carried_out(tx, stage, before, plan)
