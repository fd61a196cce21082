"""What the worker does in each round: the one list of background jobs."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from openintervals.club import publishing, waitlist
from openintervals.db import Database
from openintervals.db.transaction import Asking, Tenant, Write
from openintervals.platform import idempotency, rate_limits, usage
from openintervals.worker.loop import Job


def _in_one_write(work: Callable[[Write], Awaitable[Any]]) -> Callable[[Database, datetime], Awaitable[None]]:
    """A job that is one transaction over all tenants."""

    async def run(database: Database, now: datetime) -> None:
        await database.write(Asking(tenant=Tenant("", "live"), actor="worker", now=now), work)

    return run


async def _settle_waiting_lists(database: Database, now: datetime) -> None:
    """Places that time alone has freed: an offer that lapsed, a window that opened."""
    await waitlist.settle_due(database, Asking(tenant=Tenant("", "live"), actor="worker", now=now))


async def _forget_usage(tx: Write) -> None:
    await usage.forget_old(tx, before=(tx.now - timedelta(days=usage.DAYS_KEPT)).date().isoformat())


JOBS = (
    Job("waitlist.settle_due", _settle_waiting_lists),
    Job("publishing.publish_due", publishing.publish_due),
    Job("idempotency.forget_old", _in_one_write(idempotency.forget_old)),
    Job("usage.forget_old", _in_one_write(_forget_usage)),
    Job("rate_limits.forget_full", _in_one_write(rate_limits.forget_full)),
)
