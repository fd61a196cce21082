"""The background work: rounds of jobs, for as long as the process lives.

A job is one short piece of work that may be done at any time and twice: it asks the database what is due, and does that.
When several processes run the same job at once, its own statements decide who does what. A job that fails is logged and counted, the others go on,
and it is tried again in the next round. Told to end, a round finishes the job it is at and no more.
"""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import prometheus_client as prometheus
import structlog

from openintervals.db import Database

log: Any = structlog.get_logger()

_runs = prometheus.Counter("openintervals_jobs_total", "Background jobs by outcome", ("job", "outcome"))
_last_success = prometheus.Gauge(
    "openintervals_job_last_success_timestamp_seconds",
    "When a background job last succeeded",
    ("job",),
    multiprocess_mode="max",
)


class Job(NamedTuple):
    """`run` gets the database and the present, and opens its own transactions."""

    name: str
    run: Callable[[Database, datetime], Awaitable[None]]


async def rounds(
    jobs: Sequence[Job], database: Database, clock: Callable[[], datetime], every_s: float, ended: asyncio.Event
) -> None:
    """Do all jobs now and every `every_s` seconds, until `ended`."""
    while not ended.is_set():
        for job in jobs:
            if ended.is_set():
                return
            await attempt(job, database, clock())
        try:
            await asyncio.wait_for(ended.wait(), every_s)
        except TimeoutError:
            continue


async def attempt(job: Job, database: Database, now: datetime) -> bool:
    """Do one job; gives whether it succeeded. Its failure is logged by type and place, as its text may hold data."""
    began = time.perf_counter()
    try:
        await job.run(database, now)
    except Exception as problem:  # noqa: BLE001 — one job must not end the others
        frames = traceback.extract_tb(problem.__traceback__)
        log.error(  # noqa: TRY400 — a traceback shows values
            "job failed",
            job=job.name,
            exception=type(problem).__name__,
            at=[f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-12:]],
        )
        _runs.labels(job.name, "failed").inc()
        return False
    _runs.labels(job.name, "done").inc()
    _last_success.labels(job.name).set_to_current_time()
    if (ms := (time.perf_counter() - began) * 1000) > 1000:
        log.warning("slow job", job=job.name, ms=round(ms))
    return True
