"""The season that the training benchmarks share: one athlete with as many rides as wanted, and one long one.

Rides are made up by the product's own generator and encoder: a number gives the same bytes on every machine. They are
stored by the product's own verbs, in bulk: what is measured here is reading.
"""

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from openintervals.db import Database, migrate, named_by
from openintervals.db.transaction import Asking, Tenant, Write
from openintervals.platform.files import Files
from openintervals.settings import Settings
from openintervals.training import athletes, made_up, newcomers, sport_settings, uploads
from openintervals.training.activity_analysis import Bearings, bearings

OLDEST, NEWEST = "2016-01-01", "2025-12-31"
_FIRST_AT = datetime(2016, 1, 4, 7, 30, tzinfo=UTC)
_BETWEEN = timedelta(hours=41)  # 2,000 rides take nine years
_LONG_AT = datetime(2025, 10, 4, 7, 30, tzinfo=UTC)
_WAYS = 40  # rides that differ in more than their day
_TOGETHER = 100


class Season(NamedTuple):
    """A folder with the database and the files, the athlete's id and key, and the id of a ride of three hours."""

    folder: Path
    athlete_id: str
    key: str
    long_id: str

    @property
    def settings(self) -> Settings:
        return settings_in(self.folder)


def settings_in(folder: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{folder}/openintervals.db")


def ride(number: int, seconds: int = 3_600) -> bytes:
    """A ride as a FIT file; every number has a day of its own."""
    return made_up.ride(number % _WAYS, _FIRST_AT + number * _BETWEEN, seconds)


def long_ride() -> bytes:
    return made_up.ride(7, _LONG_AT, 3 * 3_600)


def asking(tenant: Tenant | None = None) -> Asking:
    return Asking(tenant=tenant or Tenant("", "live"), actor="benchmark", now=datetime(2026, 1, 1, tzinfo=UTC))


async def join(database: Database) -> newcomers.Newcomer:
    """A new athlete with a threshold, so that everything about a ride is measured."""
    came = await database.write(asking(), lambda tx: newcomers.join(tx, name="Ann", timezone="Europe/Berlin"))
    given = {"ftp_w": 255, "w_prime_j": 20_000, "lthr_bpm": 168, "max_hr_bpm": 187}
    await database.write(
        asking(athletes.tenant(came.athlete.id)),
        lambda tx: sport_settings.change(tx, "Ride", given=given, preferences={}),
    )
    return came


def fill(folder: Path, rides: int) -> Season:
    """A database with one athlete and so many rides of an hour, and one of three."""
    settings = settings_in(folder)
    migrate.ensure_current(settings)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        return asyncio.run(_fill(folder, settings, rides, pool))


async def _fill(folder: Path, settings: Settings, rides: int, pool: ProcessPoolExecutor) -> Season:
    database = named_by(settings)
    await database.open()
    try:
        came = await join(database)
        known = await database.read(asking(athletes.tenant(came.athlete.id)), bearings)
        files = Files(str(folder / "files"))
        work = partial(_prepared, known)
        long_data = long_ride()
        [long_id] = await _store(database, files, known, [(long_data, uploads.prepared(long_data, known))])
        for batch in _batches(range(rides), _TOGETHER):
            await _store(database, files, known, pool.map(work, batch, chunksize=10))
    finally:
        await database.close()
    return Season(folder, came.athlete.id, came.key, long_id)


def _prepared(known: Bearings, number: int) -> tuple[bytes, uploads.Prepared]:
    data = ride(number)
    return data, uploads.prepared(data, known)


async def _store(
    database: Database, files: Files, known: Bearings, ready: Iterable[tuple[bytes, uploads.Prepared]]
) -> list[str]:
    """Store files that are ready in one transaction; gives the ids of their activities."""
    found = list(ready)
    for data, _ in found[:1]:  # one original is enough for what reads none
        files.put_now(data)

    async def work(tx: Write) -> list[str]:
        ids = []
        for _, each in found:
            stored = await uploads.store(tx, each, known, uploads.Options())
            assert stored is not None
            ids += stored[0]
        return ids

    return await database.write(asking(athletes.tenant(known.athlete.id)), work)


def _batches(numbers: Iterable[int], size: int) -> Iterator[list[int]]:
    left = iter(numbers)
    while batch := list(islice(left, size)):
        yield batch
