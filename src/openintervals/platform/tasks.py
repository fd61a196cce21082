"""Tasks: work that takes longer than a request, done in steps by whoever does the background work.

    running → done | failed

It fails by itself, or is ended by whoever asked for it (`end`): what it has done stays done.
A task is made in the transaction of the request that asks for it. A step is one short transaction that does a portion and notes how far it came
(`progress`), so a task that is interrupted goes on where it was, and no step is done twice. A step that fails leaves the task as it was and puts
it off; after `TRIES` failures in a row it is given up and says why. An object has one running task of a kind: a second one is refused.
When two processes want one task at once the row's lock orders them (`claim`), and the second finds it taken for a while. Should the first be so slow
that the second is given it after all, one of them finds in its step that the task is no longer its own (`hold`), and does nothing. The same lock
orders a step and a request to end the task: the step is done as a whole, or not at all.
"""

from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors, instants
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Tenant, Write
from openintervals.platform import ids

TRIES = 5
TAKEN_FOR = timedelta(seconds=60)
KEPT_FOR = timedelta(days=30)
ENDED_BY_REQUEST = "Ended by request"

tasks = schema.table(
    "tasks",
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("kind", schema.Text, nullable=False),
    sa.Column("object_id", schema.Text, nullable=False),
    sa.Column("arguments", schema.Json, nullable=False),
    sa.Column("progress", schema.Json, nullable=False),
    sa.Column("done_count", sa.BigInteger, nullable=False),
    sa.Column("state", schema.Text, nullable=False),
    sa.Column("problem", schema.Text),
    sa.Column("failures", sa.BigInteger, nullable=False),
    sa.Column("run_at", schema.Text, nullable=False),
    sa.Column("created_by", schema.Text, nullable=False),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("ended_at", schema.Text),
    sa.CheckConstraint("state IN ('running', 'done', 'failed')", name="state"),
    sa.CheckConstraint("(state = 'running') = (ended_at IS NULL)", name="ended"),
    sa.Index(
        "uq_tasks_running",
        "organization_id",
        "mode",
        "object_id",
        "kind",
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    ),
    sa.Index(
        "ix_tasks_due",
        "run_at",
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    ),
    sa.Index(
        "ix_tasks_ended_at",
        "ended_at",
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    ),
)


class Task(msgspec.Struct, frozen=True):
    """`object_id` is what it works on, `progress` how far it came, `done_count` how much it has done."""

    id: str
    kind: str
    object_id: str
    arguments: msgspec.Raw
    progress: msgspec.Raw
    done_count: int
    state: str
    problem: str | None
    failures: int
    run_at: str
    created_by: str
    created_at: str
    ended_at: str | None


class TaskNotFound(errors.NotFound):
    code = "task_not_found"

    def __init__(self) -> None:
        super().__init__("Task not found")


class TaskRunning(errors.Conflict):
    code = "task_running"

    def __init__(self) -> None:
        super().__init__("The same is under way already; wait until its task has ended")


_RUNS: sa.ColumnElement[bool] = tasks.c.state == sa.literal_column("'running'")


@statement
def _insert() -> sa.Insert:
    return sa.insert(tasks)


@statement
def _get(*, lock: bool = False) -> sa.Select[Any]:
    select = sa.select(*columns(Task, tasks)).where(own(tasks), tasks.c.id == sa.bindparam("id"))
    return select.with_for_update() if lock else select


@statement
def _running() -> sa.Select[Any]:
    return sa.select(tasks.c.id).where(
        own(tasks), tasks.c.object_id == sa.bindparam("object_id"), tasks.c.kind == sa.bindparam("kind"), _RUNS
    )


@statement
def _last() -> sa.Select[Any]:
    return (
        sa.select(*columns(Task, tasks))
        .where(own(tasks), tasks.c.object_id == sa.bindparam("object_id"), tasks.c.kind == sa.bindparam("kind"))
        .order_by(tasks.c.created_at.desc(), tasks.c.id.desc())
        .limit(1)
    )


def _is_due(kinds: tuple[str, ...]) -> sa.ColumnElement[bool]:
    named: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{kind}'") for kind in kinds]  # words of this program
    return sa.and_(_RUNS, tasks.c.run_at <= sa.bindparam("now"), tasks.c.kind.in_(named))


@statement
def _first_due(kinds: tuple[str, ...]) -> sa.Select[Any]:
    return sa.select(tasks.c.id).where(_is_due(kinds)).limit(1)


@statement
def _due(kinds: tuple[str, ...]) -> sa.Select[Any]:
    return (
        sa.select(tasks.c.organization_id, tasks.c.mode, *columns(Task, tasks))
        .where(_is_due(kinds))
        .order_by(tasks.c.run_at)
        .limit(sa.bindparam("row_limit", type_=sa.Integer))
        .with_for_update(skip_locked=True)
    )


@statement
def _update(names: tuple[str, ...]) -> sa.Update:
    return (
        sa.update(tasks)
        .where(own(tasks), tasks.c.id == sa.bindparam("task_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )


@statement
def _forget() -> sa.Delete:
    return sa.delete(tasks).where(tasks.c.ended_at < sa.bindparam("before"))


async def start(tx: Write, kind: str, object_id: str, arguments: dict[str, Any]) -> Task:
    """A new task for the transaction's tenant; who starts it has the object locked. Raises TaskRunning."""
    if await tx.row(_running(), object_id=object_id, kind=kind) is not None:
        raise TaskRunning
    task = Task(
        id=ids.new(ids.TASK, tx.now),
        kind=kind,
        object_id=object_id,
        arguments=msgspec.Raw(msgspec.json.encode(arguments)),
        progress=msgspec.Raw(b"{}"),
        done_count=0,
        state="running",
        problem=None,
        failures=0,
        run_at=tx.now_text,
        created_by=tx.asking.actor,
        created_at=tx.now_text,
        ended_at=None,
    )
    stored = {name: getattr(task, name) for name in task.__struct_fields__}
    await tx.put(_insert(), **{**stored, "arguments": bytes(task.arguments).decode(), "progress": "{}"})
    return task


async def get(tx: Read, task_id: str) -> Task:
    """Raises TaskNotFound."""
    task = await tx.one(Task, _get(), id=task_id)
    if task is None:
        raise TaskNotFound
    return task


async def last(tx: Read, kind: str, object_id: str) -> Task | None:
    """The task of a kind that was started last for an object, ended or not; None when there is none, or none any more."""
    return await tx.one(Task, _last(), kind=kind, object_id=object_id)


async def any_due(tx: Read, kinds: tuple[str, ...]) -> bool:
    """Whether the next step of a task of some kinds is due, of any tenant."""
    return await tx.row(_first_due(kinds), now=tx.now_text) is not None


async def claim(tx: Write, most: int, kinds: tuple[str, ...]) -> list[tuple[Tenant, Task]]:
    """Tasks of some kinds whose next step is due, of all tenants, the longest due first; nobody else is given them for a minute."""
    found = []
    until = instants.text(tx.now + TAKEN_FOR)
    for organization_id, mode, *values in await tx.rows(_due(kinds), now=tx.now_text, row_limit=most):
        tenant, task = Tenant(organization_id, mode), Task(*values)
        await tx.as_tenant(tenant).execute(_update(("run_at",)), task_id=task.id, new_run_at=until)
        found.append((tenant, msgspec.structs.replace(task, run_at=until)))
    return found


async def hold(tx: Write, task: Task) -> bool:
    """Lock a claimed task for its step; gives whether it is as it was claimed, or somebody else has gone on with it."""
    return await tx.one(Task, _get(lock=True), id=task.id) == task


async def step_done(tx: Write, task: Task, progress: dict[str, Any], done: int, *, after_s: float) -> Task:
    """Note how far a task has come and that `done` more are done; its next step is due after `after_s` seconds. Gives the task as it is then.

    Who goes on at once, and is to be the only one meanwhile, says `TAKEN_FOR`."""
    after = msgspec.structs.replace(
        task,
        progress=msgspec.Raw(msgspec.json.encode(progress)),
        done_count=task.done_count + done,
        failures=0,
        run_at=instants.text(tx.now + timedelta(seconds=after_s)),
    )
    await tx.execute(
        _update(("progress", "done_count", "failures", "run_at")),
        task_id=task.id,
        new_progress=bytes(after.progress).decode(),
        new_done_count=after.done_count,
        new_failures=0,
        new_run_at=after.run_at,
    )
    return after


async def finish(tx: Write, task: Task, done: int, problem: str | None = None) -> None:
    """End a task, of which `done` more are done; with a `problem` it has failed."""
    await tx.execute(
        _update(("state", "problem", "done_count", "ended_at")),
        task_id=task.id,
        new_state="failed" if problem else "done",
        new_problem=problem,
        new_done_count=task.done_count + done,
        new_ended_at=tx.now_text,
    )


async def end(tx: Write, task_id: str) -> None:
    """Have a task that runs do nothing more; one that has ended stays as it is. Raises TaskNotFound."""
    task = await tx.one(Task, _get(lock=True), id=task_id)
    if task is None:
        raise TaskNotFound
    if task.state == "running":
        await finish(tx, task, 0, ENDED_BY_REQUEST)


async def put_off(tx: Write, task: Task) -> None:
    """A step failed: try again in a while, or give up."""
    if task.failures + 1 >= TRIES:
        await finish(tx, task, 0, f"It failed {TRIES} times in a row; the operator's log says why")
        return
    later = instants.text(tx.now + timedelta(seconds=10 * 2**task.failures))
    await tx.execute(_update(("failures", "run_at")), task_id=task.id, new_failures=task.failures + 1, new_run_at=later)


async def forget_old(tx: Write) -> None:
    """Delete what ended long ago, of all tenants."""
    await tx.execute(_forget(), before=instants.text(tx.now - KEPT_FOR))
