"""`openintervals worker`: the background work in a process of its own."""

import asyncio
import signal
from datetime import UTC, datetime

from openintervals.api import telemetry
from openintervals.db import named_by
from openintervals.settings import Settings
from openintervals.worker import loop, schedule, sending


async def run(settings: Settings) -> None:
    """Do rounds of background work until SIGTERM or SIGINT; the job under way is finished."""
    telemetry.configure(settings)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    database = named_by(settings)
    await database.open()
    try:
        telemetry.log.info("working", every_s=settings.worker_interval_s, jobs=[job.name for job in schedule.JOBS])
        await asyncio.gather(
            loop.rounds(schedule.JOBS, database, _now, settings.worker_interval_s, ended),
            loop.rounds(schedule.TASKS, database, _now, schedule.TASKS_EVERY_S, ended),
            sending.deliver(settings, database, _now, ended),
        )
        telemetry.log.info("stopped")
    finally:
        await database.close()


def _now() -> datetime:
    return datetime.now(UTC)
