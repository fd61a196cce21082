"""Layouts: an activity second by second, for what is worked out when somebody asks: histograms, plots, the best of a stretch.

It is laid out from the streams as they are now and measured by what the activity was measured by, so what is worked out agrees with what is stored.
Nothing is written; one read sees one state of an activity, whoever changes it meanwhile.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from openintervals.analysis.recording import Recording
from openintervals.analysis.resample import TooLong
from openintervals.db.transaction import Read
from openintervals.formats.recording import Channels
from openintervals.training import activities, activity_analysis, activity_numbers, recordings, streams
from openintervals.training.activities import Whole
from openintervals.training.activity_analysis import Bearings


class Laid(NamedTuple):
    """An activity, its channels as they are stored, and its recording second by second; None where there are no samples."""

    activity: Whole
    channels: Channels
    recording: Recording | None


async def get(tx: Read, said: str, types: Sequence[str] | None = None) -> Laid:
    """An activity laid out, with all channels or with `time` and those of some types. Raises ActivityNotFound, NoSuchType."""
    return await of(tx, await activities.get(tx, said), await activity_analysis.bearings(tx), types)


async def of(tx: Read, activity: Whole, bearings: Bearings, types: Sequence[str] | None = None) -> Laid:
    """The same of an activity at hand. Raises NoSuchType."""
    wanted = None if types is None else (streams.TIME, *types)
    channels = await streams.read(tx, activity.id, wanted)
    kept = await recordings.get(tx, activity.id)
    if kept is None or streams.TIME not in channels:
        return Laid(activity, channels, None)
    recorded = recordings.as_activity(kept, channels)
    edited = activity.of_people()
    indoor = bool(edited.get("trainer", activity_analysis.is_indoors(recorded)))
    day = activity.measured_on or activity.local_start[:10]
    usual = activity_analysis.thresholds_of(bearings, activity.type, day, indoor=indoor)
    thresholds = activity_numbers.overruled(usual, edited)
    try:
        laid = await asyncio.to_thread(activity_analysis.layout, recorded, activity.type, thresholds, edited)
    except TooLong:  # streams that people have written; what was stored before stays
        laid = None
    return Laid(activity, channels, laid)
