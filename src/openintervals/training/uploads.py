"""Uploads: a file becomes activities: kept, read, measured by the settings of its day, and stored with all that is said of it.

    bytes → files in it → recordings → numbers → rows, one transaction for each file

`prepared` is all that takes time, and pure: it can run in a thread or another process while nobody waits for the database. `store` is the
transaction: short, since what it writes is ready. The file itself is kept before, so what commits has its original.
A file is known by the SHA-256 of its bytes. The same file again gives the activities there are. Where one of them was deleted a tombstone lies:
the athlete's own upload makes it anew, an app's is refused, an import passes over it. An activity that goes on while another does is flagged.
A damaged file keeps what was before the fault, with warnings; nothing is stored of one in which nothing is usable.
Uploads of one athlete take turns at the athlete's row. If settings have changed since a file was prepared, it is prepared again.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from openintervals import errors
from openintervals.db import Database
from openintervals.db.transaction import Asking, Read, Write
from openintervals.formats import containers, reading
from openintervals.formats.containers import Limits, Member, Problem
from openintervals.formats.recording import Activity as Recorded
from openintervals.formats.recording import Fault, Unusable
from openintervals.platform import files, ids
from openintervals.platform.files import Files
from openintervals.training import (
    activities,
    activity_analysis,
    activity_curves,
    activity_fields,
    activity_intervals,
    athletes,
    recordings,
    streams,
    tombstones,
)
from openintervals.training.activities import Activity
from openintervals.training.activity_analysis import Bearings, Measured, Place

LIMITS = Limits(member_bytes=files.BYTES_MOST, total_bytes=1024 * 1024 * 1024, members=2_000)
WARNINGS_MOST = 50
REFUSED_MOST = 1_000
_TRIES = 5


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is said along with a file. `again`: whether what was deleted may be made anew."""

    name: str | None = None
    description: str | None = None
    device_name: str | None = None
    external_id: str | None = None
    paired_event_id: int | None = None
    source: str = "UPLOAD"
    again: bool = True


class Refused(msgspec.Struct, frozen=True):
    """A file of which nothing was stored, and why; `offset` is the byte where that became certain, where it is known."""

    name: str
    code: str
    message: str
    offset: int | None = None


class Uploaded(msgspec.Struct, frozen=True):
    """The activities of an upload in the order of its files, whether any of them is new, and the files that were refused."""

    activity_ids: list[str]
    new: bool
    refused: list[Refused]


class Ready(NamedTuple):
    """An activity that only has to be stored. `said` is what people say of it, and it is measured as that."""

    said: dict[str, Any]
    place: Place
    measured: Measured
    recording: str
    streams: list[tuple[str, bytes]]


class Prepared(NamedTuple):
    """A file that only has to be stored."""

    file_hash: str
    file_type: str
    warnings: bytes
    activities: list[Ready]


class Unreadable(errors.Invalid):
    """`offset` is the byte where it became certain that nothing is usable, where it is known."""

    code = "unreadable_file"

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message, {"file": [message]})
        self.offset = offset


class Buried(errors.Invalid):
    code = "activity_deleted"

    def __init__(self, tombstone: str) -> None:
        super().__init__(
            f"This activity was deleted, and its tombstone {tombstone} lies here. DELETE /activity/{tombstone}/tombstone forgets it",
            {"file": [f"Deleted as {tombstone}"]},
        )


_OPTIONS = ("name", "description", "device_name", "external_id")


def prepared(
    data: bytes, bearings: Bearings, faults: Sequence[Fault] = (), said: Mapping[str, Any] | None = None
) -> Prepared:
    """Read and measure one file; `faults` are what its archive says of it, `said` what people say of its activities, by `activity_fields`.

    A `type` among that is meant for the one activity of a file. Raises Unreadable, naming the offset."""
    try:
        recording = reading.read(data, most_bytes=files.BYTES_MOST)
    except Unusable as wrong:
        raise Unreadable(str(wrong), wrong.offset) from wrong
    told = [*faults, *recording.warnings][:WARNINGS_MOST]
    warnings = [{"code": each.code, "message": each.message, "offset": each.offset} for each in told]
    try:
        several = len(recording.activities) > 1
        meant = {name: value for name, value in (said or {}).items() if name != "type" or not several}
        ready = [_ready(each, bearings, meant) for each in recording.activities]
    except (ValueError, OverflowError) as wrong:  # it goes on for weeks, or is at a time that no calendar has
        raise Unreadable(f"The recording cannot be measured: {wrong}") from wrong
    return Prepared(files.hash_of(data), recording.format, msgspec.json.encode(warnings), ready)


def _ready(recorded: Recorded, bearings: Bearings, said: dict[str, Any]) -> Ready:
    place = activity_analysis.placed(recorded, bearings.athlete)
    measured = activity_analysis.measured(recorded, bearings, place, edited=said)
    measured.computed["type"] = recorded.type
    measured.computed["start_date_local"] = place.local_start
    measured.computed["name"] = (recorded.name or "").strip()[: activity_fields.NAME_MOST] or activity_fields.called(
        recorded.type, place.local_start
    )
    return Ready(said, place, measured, recordings.packed(recorded), streams.pack(recorded.channels))


def _said(options: Options) -> dict[str, Any]:
    """What people say of a new activity. Raises Invalid with every wrong option."""
    given = {name: getattr(options, name) for name in _OPTIONS if getattr(options, name)}
    values, wrong = activity_fields.accepted(given)
    if wrong:
        raise errors.Invalid("The file cannot be uploaded like this", wrong)
    return values


async def upload(
    database: Database,
    asking: Asking,
    files_: Files,
    data: bytes,
    options: Options | None = None,
    file_name: str = "",
    clock: Callable[[], datetime] | None = None,
) -> Uploaded:
    """Upload a file or an archive of files for the athlete of `asking`, each stored at the moment of `clock`: an archive takes a while.

    Raises Unreadable or Buried, or another Invalid, when nothing came of it, and NotFound for an athlete who is not there.
    """
    chosen = options or Options()
    _said(chosen)
    bearings = await database.read(asking, activity_analysis.bearings)
    found: list[str] = []
    refused: list[Refused] = []
    new = False
    first: errors.Invalid | None = None
    members = containers.unpack(file_name[-200:] or "upload", data, LIMITS)
    while (found_next := await asyncio.to_thread(_next, members)) is not None:
        member, hashed = found_next
        try:
            ids_, made, bearings = await _one(database, asking, files_, member, hashed, chosen, bearings, clock)
        except errors.Invalid as wrong:
            first = first or wrong
            if len(refused) < REFUSED_MOST:
                refused.append(Refused(member.name, wrong.code, wrong.message, getattr(wrong, "offset", None)))
        else:
            found += ids_
            new = new or made
    if not found:
        raise first or Unreadable("There is no file of an activity in this")
    return Uploaded(list(dict.fromkeys(found)), new, refused)


def _next(members: Iterator[Member | Problem]) -> tuple[Member | Problem, str] | None:
    """The next file and its hash."""
    member = next(members, None)
    if member is None:
        return None
    return member, "" if isinstance(member, Problem) else files.hash_of(member.data)


async def _one(
    database: Database,
    asking: Asking,
    files_: Files,
    member: Member | Problem,
    hashed: str,
    options: Options,
    bearings: Bearings,
    clock: Callable[[], datetime] | None,
) -> tuple[list[str], bool, Bearings]:
    """The activities of one file, whether they are new, and the athlete's settings as they are now."""
    if isinstance(member, Problem):
        raise Unreadable(member.message)
    if there := await database.read(asking, lambda tx: _there(tx, hashed)):
        return there, False, bearings

    def work(known: Bearings, *, keep: bool) -> Prepared:
        ready = prepared(member.data, known, member.faults)
        if keep:
            files_.put_now(member.data)
        return ready

    for attempt in range(_TRIES):
        ready, known = await asyncio.to_thread(work, bearings, keep=not attempt), bearings
        if clock is not None:
            asking = msgspec.structs.replace(asking, now=clock())
        result = await database.write(asking, lambda tx, ready=ready, known=known: store(tx, ready, known, options))  # type: ignore[misc]
        if result is not None:
            return *result, known
        bearings = await database.read(asking, activity_analysis.bearings)
    raise errors.Unavailable("The athlete's settings change all the time; try again")


async def _there(tx: Read, file_hash: str) -> list[str]:
    """All activities of a file when none of them was deleted."""
    found = await activities.of_file(tx, file_hash)
    if not found or await tombstones.of_file(tx, file_hash):
        return []
    return list(found.values())


async def store(tx: Write, file: Prepared, bearings: Bearings, options: Options) -> tuple[list[str], bool] | None:
    """Store what is new of a file; gives its activities and whether any is new, or None when the settings are no longer `bearings`.

    Raises Buried where one was deleted and may not be made anew, NotFound.
    """
    await athletes.lock(tx)
    if await activity_analysis.bearings(tx) != bearings:
        return None
    there = await activities.of_file(tx, file.file_hash)
    buried = await tombstones.of_file(tx, file.file_hash)
    if options.external_id and not there:
        known = await tombstones.of_external(tx, options.external_id, options.source)
        buried = {-number: each for number, each in enumerate(known, 1)} | buried
    fallen = list({each.activity_id: each for place, each in buried.items() if place not in there}.values())
    if fallen and not options.again:
        raise Buried(fallen[0].activity_id)
    for each in fallen:
        await tombstones.forget(tx, each.activity_id)
    result, new = [], False
    for place, ready in enumerate(file.activities):
        if place in there:
            result.append(there[place])
        else:
            result.append(await _insert(tx, file, place, ready, options))
            new = True
    return result, new


async def _insert(tx: Write, file: Prepared, sport_index: int, ready: Ready, options: Options) -> str:
    edited = activity_fields.merged(ready.measured.computed, {}, {**ready.said, **_said(options)})
    activity = Activity(
        id=ids.numbered(tx.now),
        file_hash=file.file_hash,
        file_type=file.file_type,
        sport_index=sport_index,
        source=options.source,
        start_at=ready.place.start_at,
        end_at=ready.place.end_at,
        timezone=ready.place.timezone,
        warnings=msgspec.Raw(file.warnings),
        possible_duplicate_of=None,
        analysis_version=activity_analysis.VERSION,
        measured_on=None,
        created_at=tx.now_text,
        updated_at=tx.now_text,
        analyzed_at=tx.now_text,
        version=1,
        **activity_fields.as_columns(activity_fields.shown(ready.measured.computed, edited)),
    )
    twin = await activities.overlapping(tx, activity)
    activity = msgspec.structs.replace(activity, possible_duplicate_of=twin)
    activity = await activities.insert(tx, activity, ready.measured.computed, edited)
    await recordings.insert(tx, activity.id, ready.recording)
    await streams.insert(tx, activity.id, ready.streams)
    await activity_curves.put(tx, activity.id, ready.measured.curves, new=True)
    await activity_intervals.put(tx, activity.id, ready.measured.intervals, ready.measured.groups, None)
    return activity.id
