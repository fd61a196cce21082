"""Recovering and replaying: having an endpoint hear again, or at last, of what happened since a moment.

*Recover* arms every delivery made since then that failed or was cancelled. *Replay* goes through the journal since then, and arms everything
that the endpoint would hear of today: what it was told already, and what it never was, because it did not exist, was disabled or heard of less.
Of objects that are gone, only the deletion is armed. What was superseded is left to the replay.

Both are tasks (platform/tasks.py), of which an endpoint has one of each kind at most. A step looks through `LOOKED_MOST` rows, arms `AHEAD_MOST`
deliveries at most, and none while so many of those armed again still wait: fresh deliveries never stand behind many old ones. Only what had ended
when the task was asked for is armed, so nothing is armed twice, even where steps overlap. Changes of one object are armed in the order of
their versions: a replay walks the journal, and with a delivery a recovery arms what it finds of the object's earlier ones.

When a task's steps and the sender, or two tasks, meet in one delivery: what waits is left alone, by the condition of the statement that arms.
"""

import traceback
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql

from openintervals import errors, instants
from openintervals.db import Database
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Asking, Read, Write
from openintervals.platform import ids, tasks, webhooks
from openintervals.platform.deliveries import WebhookNotActive, armed, earliest_id, in_state, object_lives
from openintervals.platform.journal import journal
from openintervals.platform.outbox import deliveries, webhook_subscriptions
from openintervals.platform.tasks import Task

Kind = Literal["recover", "replay"]
KINDS: tuple[str, ...] = get_args(Kind)

SINCE_MOST = timedelta(days=30)
AHEAD_MOST = 200
LOOKED_MOST = 1_000
STEPS_MOST = 20
AGAIN_AFTER_S = 1.0
PAUSED_AGAIN_AFTER_S = 30.0
LATE_BY = timedelta(minutes=10)
"""How much later than its time an entry of the journal may draw its number: far more than a request may take."""

_log: Any = structlog.get_logger()


class _Arguments(msgspec.Struct, frozen=True):
    since: str


class _Ended(msgspec.Struct, frozen=True):
    """A delivery that has ended; `wanted` if it is to be armed."""

    id: str
    object_id: str
    object_version: int
    wanted: bool


class _Told(msgspec.Struct, frozen=True):
    """An entry of the journal; `lives` unless its object was deleted by a later one."""

    sequence: int
    at: str
    verb: str
    implies: str
    object_type: str
    object_id: str
    object_version: int
    lives: bool


class _Portion(msgspec.Struct, frozen=True):
    """What a step did: how many it armed, where to go on, and whether that was all."""

    armed: int
    progress: dict[str, Any]
    ended: bool


def since_problems(since: datetime, now: datetime) -> list[str]:
    """What is wrong with the moment from which on to recover or replay. Pure."""
    if since > now:
        return ["Must not be in the future"]
    if since < now - SINCE_MOST:
        return [f"Must not be more than {SINCE_MOST.days} days ago"]
    return []


def heard(verb: str, implies: str, object_type: str, subscribed: frozenset[str]) -> list[str]:
    """The types under which an endpoint hears of a change, as the outbox would tell it. Pure."""
    names = [verb] if verb in subscribed or f"{object_type}.*" in subscribed else []
    return names + [name for name in implies.split() if name in subscribed]


def _big(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.BigInteger)


def _of_endpoint() -> sa.ColumnElement[bool]:
    return sa.and_(own(deliveries), deliveries.c.webhook_id == sa.bindparam("endpoint", type_=sa.Text))


def _had_ended() -> sa.ColumnElement[bool]:
    return deliveries.c.ended_at <= sa.bindparam("asked_at", type_=sa.Text)


@statement
def _ahead() -> sa.Select[Any]:
    waiting = (
        sa.select(deliveries.c.id)
        .where(_of_endpoint(), deliveries.c.state == sa.literal_column("'waiting'"), deliveries.c.again == sa.true())
        .limit(AHEAD_MOST)
        .subquery()
    )
    return sa.select(sa.func.count()).select_from(waiting)


@statement
def _ended(state: str) -> sa.Select[Any]:
    wanted = sa.and_(_had_ended(), object_lives(deliveries))
    return (
        sa.select(deliveries.c.id, deliveries.c.object_id, deliveries.c.object_version, wanted.label("wanted"))
        .where(
            _of_endpoint(),
            in_state(state),
            deliveries.c.id > sa.bindparam("after", type_=sa.Text),
            deliveries.c.id < sa.bindparam("until", type_=sa.Text),
        )
        .order_by(deliveries.c.id)
        .limit(LOOKED_MOST)
    )


@statement
def _arm() -> sa.Update:
    return (
        sa.update(deliveries)
        .where(
            _of_endpoint(),
            deliveries.c.object_id == sa.bindparam("object"),
            deliveries.c.object_version <= _big("version"),
            deliveries.c.state.in_([sa.literal_column("'failed'"), sa.literal_column("'cancelled'")]),
            deliveries.c.id > sa.bindparam("first", type_=sa.Text),
            _had_ended(),
            object_lives(deliveries),
        )
        .values(**armed())
    )


@statement
def _arm_or_insert() -> sa.sql.dml.Insert:
    insert = postgresql.insert(deliveries).values(
        organization_id=sa.bindparam("organization_id"),
        mode=sa.bindparam("mode"),
        webhook_id=sa.bindparam("endpoint"),
        id=sa.bindparam("delivery"),
        object_id=sa.bindparam("object"),
        object_version=_big("version"),
        type=sa.bindparam("name"),
        created_at=sa.bindparam("now", type_=sa.Text),
        attempts=sa.literal_column("'[]'"),
        **armed(),
    )
    return insert.on_conflict_do_update(
        index_elements=["organization_id", "mode", "webhook_id", "object_id", "object_version", "type"],
        set_=armed(),
        where=_had_ended(),
    )


@statement
def _bounds() -> sa.Select[Any]:
    lowest = sa.select(sa.func.min(journal.c.sequence)).where(own(journal)).scalar_subquery()
    highest = sa.select(sa.func.max(journal.c.sequence)).where(own(journal)).scalar_subquery()
    return sa.select(sa.func.coalesce(lowest, 1), sa.func.coalesce(highest, 0))


@statement
def _at() -> sa.Select[Any]:
    return (
        sa.select(journal.c.sequence, journal.c.at)
        .where(own(journal), journal.c.sequence >= _big("sequence"))
        .order_by(journal.c.sequence)
        .limit(1)
    )


@statement
def _entries() -> sa.Select[Any]:
    names = _Told.__struct_fields__[:-1]
    return (
        sa.select(*(journal.c[name] for name in names), object_lives(journal).label("lives"))
        .where(own(journal), journal.c.sequence > _big("after"), journal.c.sequence <= _big("until"))
        .order_by(journal.c.sequence)
        .limit(LOOKED_MOST)
    )


@statement
def _subscribed() -> sa.Select[Any]:
    return sa.select(webhook_subscriptions.c.type).where(
        own(webhook_subscriptions), webhook_subscriptions.c.webhook_id == sa.bindparam("endpoint")
    )


async def start(tx: Write, kind: Kind, webhook_id: str, since: datetime) -> Task:
    """A task that recovers or replays for an active endpoint. Raises Invalid, WebhookNotActive, and as `webhooks.lock` and `tasks.start`."""
    if problems := since_problems(since, tx.now):
        raise errors.Invalid(fields={"since": problems})
    webhook = await webhooks.lock(tx, webhook_id)
    if webhook.status != "active":
        raise WebhookNotActive
    return await tasks.start(tx, kind, webhook.id, {"since": instants.text(since)})


async def step(tx: Write, task: Task) -> None:
    """Do the next portion of a claimed task."""
    if not await tasks.hold(tx, task):
        return
    try:
        webhook = await webhooks.get(tx, task.object_id)
    except webhooks.WebhookNotFound:
        await tasks.finish(tx, task, 0, "The webhook was deleted")
        return
    if webhook.status == "disabled":
        await tasks.finish(tx, task, 0, f"The webhook was disabled: {webhook.disabled_reason}")
        return
    progress: dict[str, Any] = msgspec.json.decode(task.progress)
    room = AHEAD_MOST - await tx.value(_ahead(), endpoint=webhook.id)
    if room <= 0:
        paused = webhook.status == "paused"
        await tasks.step_done(tx, task, progress, 0, after_s=PAUSED_AGAIN_AFTER_S if paused else AGAIN_AFTER_S)
        return
    portion = await _PORTIONS[task.kind](tx, task, progress, room)
    if portion.ended:
        await tasks.finish(tx, task, portion.armed)
    else:
        await tasks.step_done(tx, task, portion.progress, portion.armed, after_s=AGAIN_AFTER_S if portion.armed else 0)


async def _recover(tx: Write, task: Task, progress: dict[str, Any], room: int) -> _Portion:
    since, asked_at = _since(task), instants.parse(task.created_at)
    first = earliest_id(since)
    bounds = {
        "after": progress.get("after", first),
        "until": earliest_id(asked_at + timedelta(milliseconds=1)),
        "endpoint": task.object_id,
        "asked_at": task.created_at,
    }
    found: list[_Ended] = []
    for state in ("failed", "cancelled"):
        found += await tx.all(_Ended, _ended(state), **bounds)
    found.sort(key=lambda ended: ended.id)
    looked, chosen = _until_full(found[:LOOKED_MOST], lambda ended: int(ended.wanted), room)
    latest: dict[str, int] = {}
    for ended in chosen:
        latest[ended.object_id] = max(ended.object_version, latest.get(ended.object_id, 0))
    count = 0
    for object_id, version in latest.items():
        count += await tx.execute(
            _arm(),
            endpoint=task.object_id,
            object=object_id,
            version=version,
            first=first,
            asked_at=task.created_at,
            now=tx.now_text,
        )
    ended_all = len(looked) == len(found) < LOOKED_MOST
    return _Portion(count, {"after": looked[-1].id} if looked else progress, ended_all)


async def _replay(tx: Write, task: Task, progress: dict[str, Any], room: int) -> _Portion:
    since = instants.text(_since(task))
    if not progress:
        lowest, highest = (await tx.rows(_bounds()))[0]
        begin = await _first_since(tx, instants.text(_since(task) - LATE_BY), lowest, highest)
        progress = {"after": begin - 1, "until": highest}
    subscribed = frozenset(name for (name,) in await tx.rows(_subscribed(), endpoint=task.object_id))
    found = await tx.all(_Told, _entries(), after=progress["after"], until=progress["until"])

    def types(told: _Told) -> list[str]:
        if not told.lives or told.at < since:
            return []
        return heard(told.verb, told.implies, told.object_type, subscribed)

    looked, chosen = _until_full(found, lambda told: len(types(told)), room)
    count = 0
    for told in chosen:
        for name in types(told):
            count += await tx.execute(
                _arm_or_insert(),
                endpoint=task.object_id,
                delivery=ids.new(ids.DELIVERY, tx.now),
                object=told.object_id,
                version=told.object_version,
                name=name,
                asked_at=task.created_at,
                now=tx.now_text,
            )
    after = looked[-1].sequence if looked else progress["until"]
    return _Portion(count, {**progress, "after": after}, len(looked) == len(found) < LOOKED_MOST)


_PORTIONS: dict[str, Callable[[Write, Task, dict[str, Any], int], Awaitable[_Portion]]] = {
    "recover": _recover,
    "replay": _replay,
}


def _until_full(found: Sequence[Any], weight: Callable[[Any], int], room: int) -> tuple[list[Any], list[Any]]:
    """The first of `found` up to the one that fills the `room`, and those among them that weigh something. Pure."""
    looked, chosen = [], []
    for each in found:
        if room <= 0:
            break
        looked.append(each)
        if weight(each):
            chosen.append(each)
            room -= weight(each)
    return looked, chosen


def _since(task: Task) -> datetime:
    return instants.parse(msgspec.json.decode(task.arguments, type=_Arguments).since)


async def _first_since(tx: Read, at: str, lowest: int, highest: int) -> int:
    """The least number from which on entries are not older than `at`. Numbers grow with time, so it is found by halving."""
    while lowest <= highest:
        middle = (lowest + highest) // 2
        row = await tx.row(_at(), sequence=middle)
        if row is None or row[1] >= at:
            highest = middle - 1
        else:
            lowest = row[0] + 1
    return lowest


async def step_due(database: Database, asking: Asking) -> None:
    """Do one step of each task that is due, each in a transaction of its own; for the worker.

    One that fails is logged and put off; it holds up no other."""
    if not await database.read(asking, lambda tx: tasks.any_due(tx, KINDS), snapshot=False):
        return
    for tenant, task in await database.write(asking, lambda tx: tasks.claim(tx, STEPS_MOST, KINDS)):
        own_asking = msgspec.structs.replace(asking, tenant=tenant)

        async def work(tx: Write, task: Task = task) -> None:
            await step(tx, task)

        async def put_off(tx: Write, task: Task = task) -> None:
            if await tasks.hold(tx, task):
                await tasks.put_off(tx, task)

        try:
            await database.write(own_asking, work)
        except Exception as problem:  # noqa: BLE001 — one that fails must not hold up the others
            last = traceback.extract_tb(problem.__traceback__)[-1]
            place = f"{last.filename.rpartition('/')[2]}:{last.lineno} {last.name}"
            _log.warning("task step failed", task=task.id, error=type(problem).__name__, at=place)
            await database.write(own_asking, put_off)
