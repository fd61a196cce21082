"""Tasks, as the partner API speaks of them: how far work has come that takes longer than a request."""

from typing import Annotated, get_args

from msgspec import Meta, field

from openintervals.api.http import Read, Write
from openintervals.api.partner import dialect
from openintervals.api.partner.dialect import Wire, partner
from openintervals.platform import replays, tasks

Kind = Annotated[str, dialect.open_word("What it does.", get_args(replays.Kind))]
State = Annotated[
    str,
    dialect.open_word("How far it is: it runs, or has ended with or without success.", ("running", "done", "failed")),
]


class Task(Wire, frozen=True, kw_only=True):
    """Work that is done in the background."""

    id: str = field(name="_id")
    kind: Kind
    object_id: Annotated[str, Meta(description="The `_id` of the webhook it is done for.")] = field(name="webhookId")
    state: State
    done_count: Annotated[int, Meta(description="How many deliveries it has set off by now.")]
    problem: Annotated[str | None, Meta(description="Why it failed.")] = None
    created_at: dialect.InstantOut
    ended_at: dialect.InstantOut | None = None


@partner.operation(
    "GET", "/tasks/{task_id}", scope="read:webhooks", tag="Tasks", fails=(tasks.TaskNotFound,), snapshot=False
)
async def get_task(tx: Read, task_id: str) -> Task:
    """Retrieve a task

    Ask again every few seconds until its state is `done` or `failed`. It is kept for 30 days.
    """
    task = await tasks.get(tx, task_id)
    return Task(**{name: getattr(task, name) for name in Task.__struct_fields__})


@partner.operation(
    "DELETE", "/tasks/{task_id}", scope="write:webhooks", tag="Tasks", status=204, fails=(tasks.TaskNotFound,)
)
async def end_task(tx: Write, task_id: str) -> None:
    """End a task

    It does nothing more, and its state is `failed`; the deliveries it has set off by then are sent all the same. One that has ended
    already stays as it is.
    """
    await tasks.end(tx, task_id)
