"""What the worker does in each round: the one list of background jobs."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from openintervals.club import publishing, waitlist
from openintervals.db import Database
from openintervals.db.transaction import Asking, Tenant, Write
from openintervals.platform import deliveries, idempotency, rate_limits, replays, tasks, usage, webhooks
from openintervals.training import sport_applications
from openintervals.worker.loop import Job

FORGOTTEN_AT_ONCE = 1_000
PORTIONS_MOST = 20


def _in_one_write(work: Callable[[Write], Awaitable[Any]]) -> Callable[[Database, datetime], Awaitable[None]]:
    """A job that is one transaction over all tenants."""

    async def run(database: Database, now: datetime) -> None:
        await database.write(Asking(tenant=Tenant("", "live"), actor="worker", now=now), work)

    return run


def _in_portions(forget: Callable[..., Awaitable[int]]) -> Callable[[Database, datetime], Awaitable[None]]:
    """A job that deletes a bounded portion in each of several transactions, until nothing is left or its round is over."""

    async def run(database: Database, now: datetime) -> None:
        asking = Asking(tenant=Tenant("", "live"), actor="worker", now=now)
        for _ in range(PORTIONS_MOST):
            if await database.write(asking, partial(forget, most=FORGOTTEN_AT_ONCE)) < FORGOTTEN_AT_ONCE:
                return

    return run


async def _settle_waiting_lists(database: Database, now: datetime) -> None:
    """Places that time alone has freed: an offer that lapsed, a window that opened."""
    await waitlist.settle_due(database, Asking(tenant=Tenant("", "live"), actor="worker", now=now))


async def _step_tasks(database: Database, now: datetime) -> None:
    await replays.step_due(database, Asking(tenant=Tenant("", "live"), actor="worker", now=now))


async def _apply_sport_settings(database: Database, now: datetime) -> None:
    await sport_applications.step_due(database, Asking(tenant=Tenant("", "live"), actor="worker", now=now))


async def _forget_usage(tx: Write) -> None:
    await usage.forget_old(tx, before=(tx.now - timedelta(days=usage.DAYS_KEPT)).date().isoformat())


JOBS = (
    Job("waitlist.settle_due", _settle_waiting_lists),
    Job("publishing.publish_due", publishing.publish_due),
    Job("idempotency.forget_old", _in_one_write(idempotency.forget_old)),
    Job("usage.forget_old", _in_one_write(_forget_usage)),
    Job("rate_limits.forget_full", _in_one_write(rate_limits.forget_full)),
    Job("deliveries.forget_old", _in_portions(deliveries.forget_old)),
    Job("webhooks.forget_deleted", _in_portions(webhooks.forget_deleted)),
    Job("tasks.forget_old", _in_one_write(tasks.forget_old)),
)

TASKS_EVERY_S = 1.0
TASKS = (Job("tasks.step", _step_tasks), Job("sport_settings.apply", _apply_sport_settings))
"""What somebody waits for: done in rounds of its own, every `TASKS_EVERY_S` seconds."""
