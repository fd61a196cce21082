"""Uploads: a one-hour ride from its bytes to stored and analysed, one after the other, on one core and with fsync on.

At least 60 a second through the verb that the API calls, on SQLite, and at least 40 times as fast as fitdecode alone decodes the same
files. Every file is another one, and its original is kept as ever.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import season
from benchmarks.decoding import by_fitdecode
from benchmarks.rounds import Row
from benchmarks.stage import Stage
from openintervals.db import migrate, named_by
from openintervals.platform.files import Files
from openintervals.training import athletes, uploads

GOAL_PER_S, GOAL_TIMES = 60, 40
_EACH_ROUND = 30


def uploading(stage: Stage) -> Iterator[Row]:
    stage.say("making up rides")
    count = _EACH_ROUND * stage.pace.rounds
    rides = [season.ride(number) for number in range(count + 1)]
    with _one_core():
        times = asyncio.run(_times(stage.directory / "uploads", rides))
        decoded = [_decoding_s(rides[first]) for first in range(0, count, _EACH_ROUND)]
    rounds = [times[first : first + _EACH_ROUND] for first in range(0, count, _EACH_ROUND)]
    per_s = statistics.median(len(each) / sum(each) for each in rounds)
    ratio = statistics.median(theirs * len(each) / sum(each) for theirs, each in zip(decoded, rounds, strict=True))
    yield Row(
        "uploads, 1-hour ride, SQLite",
        f"{per_s:,.0f}/s, p50 {statistics.median(times) * 1e3:.1f} ms, slowest {max(times) * 1e3:.0f} ms",
        f"fitdecode alone: {statistics.median(decoded) * 1e3:,.0f} ms a file",
        f"{ratio:.0f} ×",
        f"≥ {GOAL_PER_S}/s, ≥ {GOAL_TIMES} ×",
        per_s >= GOAL_PER_S and ratio >= GOAL_TIMES,
    )


async def _times(folder: Path, rides: list[bytes]) -> list[float]:
    """Seconds for each ride but the first, which is to warm up."""
    settings = season.settings_in(folder)
    migrate.ensure_current(settings)
    database = named_by(settings)
    await database.open()
    try:
        came = await season.join(database)
        asking = season.asking(athletes.tenant(came.athlete.id))
        files = Files(str(folder / "files"))
        times = []
        for data in rides:
            began = time.perf_counter()
            uploaded = await uploads.upload(database, asking, files, data)
            times.append(time.perf_counter() - began)
            assert uploaded.new
    finally:
        await database.close()
    return times[1:]


def _decoding_s(data: bytes) -> float:
    began = time.perf_counter()
    by_fitdecode(data)
    return time.perf_counter() - began


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep this process and its threads to one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
