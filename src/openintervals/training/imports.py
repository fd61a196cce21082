"""Imports: everything an athlete has elsewhere, taken in at once, as fast as the machine can read it.

    sources → what is new by its hash → prepared in processes → stored, many files in one transaction

An import may be stopped and run again: what is there is known by its hash and passed over before it is read. What was deleted stays so, unless it
is asked for `again`. A file that cannot be read, or brings down the process that reads it, is named and passed over; what a table of the
archive says of a file becomes what people say of its activities. At most `WINDOW` files and `WINDOW_BYTES` are under way.
Files are stored as uploads are, under the athlete's lock, so an import and a server on the same data take turns. When something of a batch fails
its files are stored one by one. When the athlete's settings change meanwhile, what was prepared by the old ones is prepared again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from openintervals import errors
from openintervals.db import Database
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Asking, Read, Write
from openintervals.platform import files
from openintervals.training import (
    activities,
    activity_analysis,
    athletes,
    import_sources,
    import_tables,
    manual_activities,
    tombstones,
    uploads,
)
from openintervals.training.activity_analysis import Bearings
from openintervals.training.import_sources import Entered, Found, Item, Passed, Place
from openintervals.training.import_tables import Row
from openintervals.training.import_work import Workers
from openintervals.training.uploads import Buried, Options, Prepared

WINDOW = 64
WINDOW_BYTES = 256 * 1024 * 1024
BATCH = 24
_AT_ONCE = 8
_TRIES = 12

REASONS = {
    "there": "already there",
    "deleted": "deleted before",
    "no_activity": "without an activity: settings, sleep, courses …",
    "no_recording": "not recordings: pictures, tables …",
    "unreadable": "cannot be read",
    "damaged": "damaged archives",
    "encrypted": "encrypted",
    "unsupported": "packed in a way that is not read",
    "too_large": "too large",
    "too_many": "too many in one archive",
    "too_deep": "archives packed too deep",
    "special": "not ordinary files",
    "not_readable": "the system does not let us read",
    "table": "tables that cannot be understood",
    "no_file": "in a table, but their file is not there",
    "no_date": "in a table without a date",
    "invalid": "refused",
    "crashed": "bring down the program that reads them",
    "failed": "failed",
}
"""Why something was not imported, by its code."""


class Stopped(errors.Unavailable):
    """Files cannot be kept, or the database is busy all the time: nothing more can be imported now."""

    code = "import_stopped"


class Outcome(NamedTuple):
    """What became of one file. `reason` is None where its activities are new; `damaged` is whether only a part could be read."""

    name: str
    reason: str | None
    message: str
    activity_ids: tuple[str, ...] = ()
    damaged: bool = False
    by_hand: bool = False


class _Ready(NamedTuple):
    """A file that waits to be stored, with what it was prepared by; or an activity without one."""

    item: Found | Entered
    prepared: Prepared | None
    bearings: Bearings


_HASH = activities.activities.c.file_hash
_BURIED = tombstones.tombstones.c.file_hash


@statement
def _hashes() -> sa.Select[Any]:
    return sa.select(_HASH).where(own(activities.activities), _HASH.is_not(None))


@statement
def _buried_hashes() -> sa.Select[Any]:
    return sa.select(_BURIED).where(own(tombstones.tombstones), _BURIED.is_not(None))


@statement
def _external_ids() -> sa.Select[Any]:
    c = activities.activities.c
    return sa.select(c.external_id).where(
        own(activities.activities), c.source == sa.bindparam("source"), c.external_id.is_not(None)
    )


@dataclass(slots=True)
class _Known:
    """What need not be read: hashes of files, and ids of activities entered by hand."""

    hashes: set[bytes] = field(default_factory=set)
    buried: set[bytes] = field(default_factory=set)
    entered: set[str] = field(default_factory=set)


async def _known(tx: Read) -> _Known:
    return _Known(
        {bytes.fromhex(row[0]) for row in await tx.rows(_hashes())},
        {bytes.fromhex(row[0]) for row in await tx.rows(_buried_hashes())},
        await external_ids(tx, manual_activities.MANUAL),
    )


async def external_ids(tx: Read, source: str) -> set[str]:
    """Every id by which a source knows an activity of the athlete."""
    return {row[0] for row in await tx.rows(_external_ids(), source=source)}


async def run(
    database: Database,
    asking: Callable[[], Asking],
    files_place: str,
    places: Sequence[Place | Passed],
    tell: Callable[[Outcome, int], None],
    *,
    processes: int,
    stop: asyncio.Event,
    again: bool = False,
) -> bool:
    """Import what is at `places` for the athlete of `asking`; `tell` hears of each file and how many bytes of them are read.

    Gives whether it came to the end: it does not when `stop` is set, and then what was prepared is stored still.
    Raises NotFound for an athlete who is not there, Stopped.
    """
    bearings = await database.read(asking(), activity_analysis.bearings)
    known = await database.read(asking(), _known)
    workers = Workers(processes, files_place)
    work = _Import(database, asking, tell, again, stop, workers, bearings, known, import_sources.items(places))
    try:
        return await work.run()
    finally:
        await asyncio.to_thread(workers.close)


@dataclass(slots=True)
class _Import:
    database: Database
    asking: Callable[[], Asking]
    tell: Callable[[Outcome, int], None]
    again: bool
    stop: asyncio.Event
    workers: Workers
    bearings: Bearings
    known: _Known
    source: Iterator[Item]
    read_bytes: int = 0
    held_bytes: int = 0
    exhausted: bool = False
    under_way: set["asyncio.Task[None]"] = field(default_factory=set)
    ready: deque[_Ready] = field(default_factory=deque)

    async def run(self) -> bool:
        stopping = asyncio.create_task(self.stop.wait())
        storing: asyncio.Task[None] | None = None
        try:
            while True:
                await self._fill()
                if storing is None and self.ready and (len(self.ready) >= BATCH or not self.under_way):
                    batch = [self.ready.popleft() for _ in range(min(BATCH, len(self.ready)))]
                    storing = asyncio.create_task(self._store(batch))
                waiting = {*self.under_way, *((storing,) if storing else ())}
                if not waiting:
                    return self.exhausted
                done, _ = await asyncio.wait({*waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if storing in done:
                    storing = None
                self.under_way -= done
                for each in done - {stopping}:
                    each.result()
                if self.stop.is_set():
                    if storing is not None:
                        await storing
                    await self._store(list(self.ready))
                    return False
        finally:
            for each in (*self.under_way, stopping):
                each.cancel()
            left = [*self.under_way, stopping, *((storing,) if storing else ())]
            await asyncio.gather(*left, return_exceptions=True)

    async def _fill(self) -> None:
        """Take up files, as long as there is room for them."""
        while (
            not self.exhausted
            and not self.stop.is_set()
            and len(self.under_way) + len(self.ready) < WINDOW
            and self.held_bytes < WINDOW_BYTES
        ):
            taken = await asyncio.to_thread(_some, self.source)
            self.exhausted = not taken
            for item, hashed in taken:
                self.read_bytes = item.read_bytes
                self._take(item, hashed)

    def _take(self, item: Item, hashed: bytes) -> None:
        if isinstance(item, Passed):
            self._tell(Outcome(item.name, item.reason, item.message))
        elif isinstance(item, Entered):
            if item.row.id in self.known.entered:
                self._tell(Outcome(item.name, "there", "It is there already"))
            else:
                self.known.entered.add(item.row.id)
                self.ready.append(_Ready(item, None, self.bearings))
        elif hashed in self.known.buried and not self.again:
            self._tell(Outcome(item.name, "deleted", "It was deleted; --again imports it anew"))
        elif hashed in self.known.hashes and hashed not in self.known.buried:
            self._tell(Outcome(item.name, "there", "It is there already"))
        else:
            self.known.hashes.add(hashed)
            self.known.buried.discard(hashed)
            self.held_bytes += len(item.data)
            self._start(item)

    def _start(self, item: Found) -> None:
        self.under_way.add(asyncio.create_task(self._prepare(item)))

    async def _prepare(self, item: Found) -> None:
        bearings = self.bearings
        found = await self.workers.prepare(item.data, item.faults, bearings, _said(item.row))
        if isinstance(found, Prepared):
            self.ready.append(_Ready(item, found, bearings))
        elif found.reason == "not_kept":
            raise Stopped(f"{item.name}: {found.message}")
        else:
            self._done(item, Outcome(item.name, found.reason, found.message))

    def _done(self, item: Found | Entered, outcome: Outcome) -> None:
        self.held_bytes -= len(item.data) if isinstance(item, Found) else 0
        self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        self.tell(outcome, self.read_bytes)

    async def _store(self, batch: list[_Ready]) -> None:
        """Store files together; where that fails, one by one."""
        if not batch:
            return
        try:
            outcomes = await self._stored(batch)
        except Stopped:
            raise
        except Exception as wrong:  # noqa: BLE001 — one bad file must not undo the others
            if len(batch) > 1:
                for each in batch:
                    await self._store([each])
                return
            message = wrong.message if isinstance(wrong, errors.Failure) else f"{type(wrong).__name__}: {wrong}"[:500]
            reason = "invalid" if isinstance(wrong, errors.Failure) else "failed"
            outcomes = [Outcome(batch[0].item.name, reason, message)]
        if None in outcomes:
            self.bearings = await self.database.read(self.asking(), activity_analysis.bearings)
        for ready, outcome in zip(batch, outcomes, strict=True):
            if outcome is not None:
                self._done(ready.item, outcome)
            elif isinstance(ready.item, Found) and not self.stop.is_set():
                self._start(ready.item)

    async def _stored(self, batch: list[_Ready]) -> list[Outcome | None]:
        """The outcome of each file, stored in one transaction; None where settings have changed since it was prepared. Raises Stopped."""

        async def store(tx: Write) -> list[Outcome | None]:
            return [await _store_one(tx, each, again=self.again) for each in batch]

        for _ in range(_TRIES):
            try:
                return await self.database.write(self.asking(), store)
            except errors.Unavailable as busy:
                problem = busy
                await asyncio.sleep(busy.retry_after_s)
        raise Stopped(problem.message)


def _some(source: Iterator[Item]) -> list[tuple[Item, bytes]]:
    """The next few of what there is, with their hashes: not many where they are large."""
    taken = []
    size = 0
    for item in islice(source, _AT_ONCE):
        hashed = bytes.fromhex(files.hash_of(item.data)) if isinstance(item, Found) else b""
        taken.append((item, hashed))
        size += len(item.data) if isinstance(item, Found) else 0
        if size > files.BYTES_MOST // 4:
            break
    return taken


async def _store_one(tx: Write, ready: _Ready, *, again: bool) -> Outcome | None:
    item = ready.item
    try:
        if isinstance(item, Entered):
            return await _enter(tx, item, again=again)
        assert ready.prepared is not None, "a file is prepared before it is stored"
        stored = await uploads.store(tx, ready.prepared, ready.bearings, _options(item.row, again=again))
    except Buried as buried:  # nothing was written before it was found
        return Outcome(item.name, "deleted", buried.message)
    if stored is None:
        return None
    ids, new = stored
    if not new:
        return Outcome(item.name, "there", "It is there already", tuple(ids))
    damaged = ready.prepared.warnings != b"[]"
    return Outcome(item.name, None, "", tuple(ids), damaged)


def _options(row: Row | None, *, again: bool) -> Options:
    if row is None:
        return Options(again=again)
    return Options(name=row.name or None, description=row.description or None, external_id=row.id or None, again=again)


def _said(row: Row | None) -> dict[str, Any]:
    """What a row says beside name and description."""
    if row is None:
        return {}
    return ({"type": row.type} if row.type else {}) | ({"commute": True} if row.commute else {})


async def _enter(tx: Write, item: Entered, *, again: bool) -> Outcome:
    given = import_tables.entered(item.row, (await athletes.current(tx)).timezone)
    if given is None:
        return Outcome(item.name, "no_date", "The table does not say when it was")
    if known := await activities.of_external(tx, item.row.id, manual_activities.MANUAL):
        return Outcome(item.name, "there", "It is there already", (known[0].id,))
    made = await manual_activities.create(tx, given, again=again)
    return Outcome(item.name, None, "", (made.id,), by_hand=True)


__all__ = ["BATCH", "REASONS", "WINDOW", "Outcome", "Stopped", "run"]
