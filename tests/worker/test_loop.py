"""Background work: every job is tried, one that fails harms no other, and the end is prompt."""

import asyncio
from datetime import datetime

from openintervals.worker import loop, schedule
from tests.servers import START, application


async def _fails(_: object, __: datetime) -> None:
    raise RuntimeError("runner@example.com")


def test_a_job_that_fails_is_noted_and_the_others_go_on() -> None:
    done: list[datetime] = []
    ended = asyncio.Event()

    async def counts(_: object, now: datetime) -> None:
        done.append(now)
        if len(done) == 3:
            ended.set()

    jobs = [loop.Job("fails", _fails), loop.Job("counts", counts)]
    asyncio.run(loop.rounds(jobs, None, lambda: START, 0.001, ended))  # type: ignore[arg-type]

    assert done == [START] * 3
    assert _count("fails", "failed") == 3
    assert _count("counts", "done") == 3


def test_no_job_begins_after_the_end() -> None:
    ended = asyncio.Event()
    begun: list[str] = []

    async def ends(_: object, __: datetime) -> None:
        ended.set()

    async def follows(_: object, __: datetime) -> None:
        begun.append("follows")

    jobs = [loop.Job("ends", ends), loop.Job("follows", follows)]
    asyncio.run(loop.rounds(jobs, None, lambda: START, 60, ended))  # type: ignore[arg-type]

    assert begun == []


def test_every_job_there_is_can_be_done_twice_at_once(database_url: str) -> None:
    with application(database_url) as app:

        async def twice() -> list[bool]:
            tried = [loop.attempt(job, app.database, START) for job in (*schedule.JOBS, *schedule.JOBS)]
            return list(await asyncio.gather(*tried))

        assert all(app.run(twice()))


def _count(job: str, outcome: str) -> float:
    return float(loop._runs.labels(job, outcome)._value.get())
