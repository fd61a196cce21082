"""Applications: sport settings as they are now, applied to the activities they are for.    running → done | failed, as its task

Activities keep what they were measured by; to apply settings is to analyse all of them by the values that count today (`recompute` with that
day). That may be thousands, so it is a task: each step is one transaction that analyses one activity and notes it, and an application that
is interrupted goes on behind the last. Activities that come after it was asked for are measured by the settings of their day.
One that cannot be analysed is passed over, and the others go on; the task says how many there were, and the log which and why.
Settings have one application at a time. To ask again ends it and begins anew, since it may have analysed some by what has changed since. The task's
lock orders that and a step: the step is done as a whole or not at all. Settings that are deleted meanwhile end it.
"""

import traceback
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import structlog

from openintervals import errors
from openintervals.db import Database
from openintervals.db.transaction import Asking, Read, Write
from openintervals.platform import tasks
from openintervals.platform.tasks import Task
from openintervals.training import activities, activity_edits, athletes, sport_activities, sport_settings

KINDS = ("apply_sport_settings",)
TASKS_AT_ONCE = 5
STEPS_AT_ONCE = 50
"""How many activities are analysed in a round, of all athletes; between rounds the machine is there for others."""

_log: Any = structlog.get_logger()


class _Arguments(msgspec.Struct):
    on: str


class _Progress(msgspec.Struct):
    """The last activity that is behind it, and how many were passed over."""

    after: str = ""
    passed_over: int = 0


async def start(tx: Write, said: str) -> Task:
    """Begin to apply the settings called `said`, anew when that is under way. Raises NotFound."""
    athlete = await athletes.lock(tx)
    settings = await sport_settings.get(tx, said)
    before = await tasks.last(tx, KINDS[0], settings.id)
    if before is not None:
        await tasks.end(tx, before.id)
    return await tasks.start(tx, KINDS[0], settings.id, {"on": athletes.today(athlete, tx)})


async def last(tx: Read, said: str) -> Task:
    """The application that was asked for last of the settings called `said`. Raises NotFound, also where there is none of late."""
    settings = await sport_settings.get(tx, said)
    found = await tasks.last(tx, KINDS[0], settings.id)
    if found is None:
        raise errors.NotFound("These sport settings were not applied lately; PUT to the same path applies them")
    return found


async def step(tx: Write, task: Task, *, pause: bool = False) -> Task | None:
    """Analyse the next activity of a claimed task; gives the task as it is then, or None when there is nothing more to do here.

    With `pause` it is given to whoever claims it next."""
    found = await _next(tx, task)
    if found is None:
        return None
    progress, activity_id = found
    done = 1
    try:
        await activity_edits.recompute(tx, activity_id, on=msgspec.json.decode(task.arguments, type=_Arguments).on)
    except activities.ActivityNotFound:  # deleted since it was looked for
        done = 0
    return await _noted(tx, task, _Progress(activity_id, progress.passed_over), done, pause=pause)


async def pass_over(tx: Write, task: Task) -> Task | None:
    """Leave the next activity of a claimed task as it is; gives what `step` gives."""
    found = await _next(tx, task)
    if found is None:
        return None
    progress, activity_id = found
    _log.warning("activity not analysed", task=task.id, activity=activity_id)
    return await _noted(tx, task, _Progress(activity_id, progress.passed_over + 1), 0, pause=False)


async def _next(tx: Write, task: Task) -> tuple[_Progress, str] | None:
    """How far a task is and the next activity; None when it is no longer ours, or has ended with that."""
    if not await tasks.hold(tx, task):
        return None
    progress = msgspec.json.decode(task.progress, type=_Progress)
    try:
        settings = await sport_settings.get(tx, task.object_id)
    except errors.NotFound:
        await tasks.finish(tx, task, 0, "The sport settings were deleted")
        return None
    types = sport_settings.types_of(settings, await sport_settings.every(tx))
    activity_id = await sport_activities.next_of(tx, types, progress.after, task.created_at)
    if activity_id is None:
        several = progress.passed_over
        await tasks.finish(tx, task, 0, f"{several} could not be analysed and are as they were" if several else None)
        return None
    return progress, activity_id


async def _noted(tx: Write, task: Task, progress: _Progress, done: int, *, pause: bool) -> Task:
    after = timedelta() if pause else tasks.TAKEN_FOR
    return await tasks.step_done(tx, task, msgspec.structs.asdict(progress), done, after_s=after.total_seconds())


async def step_due(database: Database, asking: Asking) -> None:
    """Do some steps of each application that is due, each in a transaction of its own; for the worker."""
    if not await database.read(asking, lambda tx: tasks.any_due(tx, KINDS), snapshot=False):
        return
    claimed = await database.write(asking, lambda tx: tasks.claim(tx, TASKS_AT_ONCE, KINDS))
    for tenant, task in claimed:
        await _steps(database, msgspec.structs.replace(asking, tenant=tenant), task, STEPS_AT_ONCE // len(claimed))


async def _steps(database: Database, asking: Asking, task: Task, most: int) -> None:
    now: Task | None = task
    for number in range(1, most + 1):
        try:
            now = await database.write(asking, partial(step, task=task, pause=number == most))
        except errors.Unavailable:
            await database.write(asking, partial(_put_off, task=task))
            return
        except Exception as problem:  # noqa: BLE001 — one that fails must not hold up the others
            place = traceback.extract_tb(problem.__traceback__)[-1]
            said = f"{place.filename.rpartition('/')[2]}:{place.lineno} {place.name}"
            _log.warning("task step failed", task=task.id, error=type(problem).__name__, at=said)
            now = await database.write(asking, partial(pass_over, task=task))
        if now is None:
            return
        task = now


async def _put_off(tx: Write, task: Task) -> None:
    if await tasks.hold(tx, task):
        await tasks.put_off(tx, task)
