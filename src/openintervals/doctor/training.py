"""What training promises: every activity has its id, its parts and its original, no part is without its activity, and what is packed unpacks.

That files are there is asked for all of them. Whether what is packed, and what is in files, is undamaged takes reading it: of a 256th of the
activities, another each day, or with `deep` of all.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa
import zstandard

from openintervals import errors
from openintervals.db.transaction import Read
from openintervals.doctor import tables
from openintervals.doctor.findings import NAMES, Check, breaking, sentence, told
from openintervals.formats.streams import Damaged
from openintervals.platform import files
from openintervals.platform.files import Files
from openintervals.training import activity_curves, athletes, streams
from openintervals.training.activities import activities
from openintervals.training.activity_curves import activity_curves as curves_table
from openintervals.training.activity_ids import activity_ids
from openintervals.training.activity_intervals import activity_intervals
from openintervals.training.originals import Original
from openintervals.training.recordings import recordings
from openintervals.training.streams import activity_streams
from openintervals.training.tombstones import tombstones

PARTS = 256
_MEMBERS = (activity_streams, curves_table, activity_intervals, recordings)


def checks() -> Iterator[Check]:
    """Every rule of training that is one statement."""
    own = ["athlete_id", "activity_id"]
    for table in _MEMBERS:
        yield tables.without(table, activities, own)
    yield tables.without(activities, activity_ids, ["athlete_id", "id"])
    yield tables.without(tombstones, activity_ids, own)
    there = activities.alias("there")
    yield breaking(
        tombstones,
        "lies where the activity is",
        lambda: (
            sa.exists()
            .where(there.c.athlete_id == tombstones.c.athlete_id, there.c.id == tombstones.c.activity_id)
            .correlate(tombstones)
        ),
    )
    yield breaking(
        activities,
        "is of a file, but its recording is not there",
        lambda: sa.and_(
            activities.c.file_hash.is_not(None),
            sa.not_(
                sa.exists()
                .where(recordings.c.athlete_id == activities.c.athlete_id, recordings.c.activity_id == activities.c.id)
                .correlate(activities)
            ),
        ),
    )


def part_of(now: datetime) -> str:
    """How the hashes of the files begin that are read on a day."""
    return f"{(now - datetime(1970, 1, 1, tzinfo=UTC)).days % PARTS:02x}"


async def unreadable(tx: Read, every: list[Original], beginning: str) -> list[str]:
    """Activities whose streams or curves cannot be read, of those whose file's hash has a `beginning`."""
    chosen = [each for each in every if each.file_hash.startswith(beginning)]
    problems = [_said(each, says) for each in chosen if (says := await _damage(tx, each))]
    return told(problems, len(problems))


async def _damage(tx: Read, original: Original) -> str | None:
    its = tx.as_tenant(athletes.tenant(original.athlete_id))
    try:
        channels = await streams.read(its, original.id)
    except (Damaged, ValueError, errors.Failure):
        return "has streams that cannot be read"
    if len({len(values) for values in channels.values()}) > 1:
        return "has streams of different lengths"
    for kind in activity_curves.KINDS:
        try:
            curve = await activity_curves.get(its, original.id, kind)
        except (zstandard.ZstdError, ValueError):
            return f"has a curve of {kind} that cannot be read"
        if curve is not None and not len(curve.grid) == len(curve.values) == len(curve.start_index):
            return f"has a curve of {kind} whose parts have different lengths"
    return None


async def lost(every: list[Original], place: str, beginning: str) -> list[str]:
    """Activities whose original is not there, and those of the ones with a `beginning` whose original is damaged."""
    return await asyncio.to_thread(_lost, every, place, beginning) if every else []


def _lost(every: list[Original], place: str, beginning: str) -> list[str]:
    kept = Files(place)
    try:
        there = {each.hashed for each in kept.every()}
        wrong = {
            each.file_hash: "is of the file {file_hash}, which is not there"
            for each in every
            if each.file_hash not in there
        }
        for hashed in {each.file_hash for each in every if each.file_hash.startswith(beginning)} & there:
            try:
                kept.get_now(hashed)
            except files.FileNotKept:
                wrong[hashed] = "is of the file {file_hash}, which is damaged"
    except files.FilesUnavailable:
        return ["The place of files cannot be read, so originals were not examined."]
    problems = [_said(each, wrong[each.file_hash]) for each in every if each.file_hash in wrong]
    return told(problems, len(problems))


def _said(original: Original, says: str) -> str:
    return sentence(f"{NAMES['activities']} {says}", msgspec.structs.asdict(original))
