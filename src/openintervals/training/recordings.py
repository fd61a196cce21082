"""Recordings: what a file says of an activity beside its channels, as it was read: laps, lengths, totals, the device.    with its activity

It is kept so that an activity can be reckoned anew, listed by laps and written as a file without its original being decoded again. A recording
never changes; what people write back lies in the streams. `as_activity` puts both together into what formats and analysis understand.
"""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Read, Write
from openintervals.formats.recording import Activity as Recorded
from openintervals.formats.recording import Channels, Device, Lap, Length

recordings = schema.owned(
    "recordings",
    sa.Column("activity_id", schema.Text, nullable=False),
    sa.Column("recording", schema.Json, nullable=False),
    key=("activity_id",),
)


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """A recording without its channels; names and units are those of formats/recording.py."""

    type: str
    start_at: datetime
    first_at: datetime | None = None
    device: Device = Device()
    name: str | None = None
    laps: tuple[Lap, ...] = ()
    lengths: tuple[Length, ...] = ()
    totals: dict[str, float] = {}
    pool_length_m: float | None = None
    stops: tuple[int, ...] = ()
    sport_words: tuple[str | None, str | None] = (None, None)


_KEPT = msgspec.json.Decoder(Kept)
_NAMES = Kept.__struct_fields__


@statement
def _insert() -> sa.Insert:
    return sa.insert(recordings)


@statement
def _get() -> sa.Select[Any]:
    return sa.select(recordings.c.recording).where(own(recordings), recordings.c.activity_id == sa.bindparam("id"))


@statement
def _delete() -> sa.Delete:
    return sa.delete(recordings).where(own(recordings), recordings.c.activity_id == sa.bindparam("id"))


def packed(recorded: Recorded) -> str:
    """What is kept of a recording, as JSON."""
    return msgspec.json.encode(Kept(**{name: getattr(recorded, name) for name in _NAMES})).decode()


def as_activity(kept: Kept, channels: Channels) -> Recorded:
    """What formats and analysis understand."""
    return Recorded(channels=channels, **{name: getattr(kept, name) for name in _NAMES})


async def insert(tx: Write, activity_id: str, recording: str) -> None:
    await tx.put(_insert(), activity_id=activity_id, recording=recording)


async def get(tx: Read, activity_id: str) -> Kept | None:
    """What is kept of an activity; None for one that was never recorded."""
    found = await tx.value(_get(), id=activity_id)
    return None if found is None else _KEPT.decode(found)


async def delete(tx: Write, activity_id: str) -> None:
    await tx.put_any(_delete(), id=activity_id)
