"""Stretches of an activity: what any part of it says, and where the best ones are. Reckoned when somebody asks; nothing of it is stored.

They are measured like the activity itself: by the settings of its day and by what people have set for it alone, without what is to be ignored.
An activity without records has no stretches. Nothing is changed here, so two at once do not meet.
"""

import asyncio
from typing import Any

from openintervals import errors
from openintervals.analysis import efforts, intervals
from openintervals.analysis.arrays import Floats
from openintervals.analysis.efforts import Effort
from openintervals.analysis.recording import Recording
from openintervals.db.transaction import Read
from openintervals.training import activities, activity_intervals, activity_layouts, activity_numbers, streams

EFFORTS_MOST = 100
_CLEANED = {
    "watts": "power_w",
    "heartrate": "heart_rate_bpm",
    "cadence": "cadence_rpm",
    "velocity_smooth": "speed_mps",
    "altitude": "altitude_m",
    "temp": "temperature_c",
    "ga_velocity": "gap_mps",
}
_SAME = {"fixed_watts": "watts", "fixed_heartrate": "heartrate", "fixed_altitude": "altitude"}


class NoRecords(errors.Invalid):
    code = "no_records"

    def __init__(self) -> None:
        super().__init__("This activity has no records, and so no parts")


async def laid_out(tx: Read, said: str) -> Recording:
    """An activity second by second, as analysis has it. Raises ActivityNotFound, NoRecords."""
    found = (await activity_layouts.get(tx, said)).recording
    if found is None:
        raise NoRecords
    return found


async def numbers(tx: Read, said: str, start_index: int, end_index: int) -> dict[str, Any]:
    """What records from and up to say, by names of the wire. Raises ActivityNotFound, NoRecords, Invalid for what is no part."""
    recording = await laid_out(tx, said)
    records = len(recording.layout.time_s)
    wrong = {}
    if not 0 <= start_index < records:
        wrong["start_index"] = [f"Expected 0 to {records - 1}, as this activity has {records} records"]
    if not start_index < end_index <= records:
        wrong["end_index"] = [f"Expected more than start_index and at most {records}; it is exclusive"]
    if wrong:
        raise errors.Invalid("There is no such part of the activity", wrong)
    found = await asyncio.to_thread(intervals.of_span, recording, start_index, end_index)
    return {"start_index": start_index, "end_index": end_index, **activity_numbers.of_interval(found)}


async def best(
    tx: Read,
    said: str,
    stream: str,
    *,
    duration_s: int | None = None,
    distance_m: float | None = None,
    count: int = 8,
    least: float | None = None,
    start_index: int = 0,
    end_index: int | None = None,
    outside_work: bool = False,
) -> list[Effort]:
    """The best parts of one length, best first, that do not overlap; perhaps within records from and up to, or outside of what is work already.

    None of a stream that the activity does not have. Raises ActivityNotFound, NoRecords, streams.NoSuchType, Invalid without a length.
    """
    if (duration_s is None) == (distance_m is None):
        raise errors.Invalid(
            "Best efforts are of one length",
            {"duration": ["Expected either duration in seconds or distance in metres"]},
        )
    channels = await streams.read(tx, activities.addressed(said), [stream])
    recording = await laid_out(tx, said)
    records = len(recording.layout.time_s)
    last = records if end_index is None else min(end_index, records)
    if not 0 <= start_index < last:
        raise errors.Invalid(
            "There is no such part of the activity",
            {"start_index": [f"Expected less than end_index, of the {records} records there are"]},
        )
    excluded = [(0, start_index), (last, records)]
    if outside_work:
        excluded += activity_intervals.work(await activity_intervals.get(tx, activities.addressed(said)))

    def found() -> list[Effort]:
        name = _SAME.get(stream, stream)
        values: Floats | None = None
        if name in _CLEANED:
            values = getattr(recording, _CLEANED[name])
        elif (told := channels.get(stream)) is not None and told.ndim == 1:
            values = recording.layout.fill(told)
        if values is None:
            return []
        spans = [span for span in excluded if span[0] < span[1]]
        covered = recording.covered_m
        if duration_s is not None:
            return efforts.by_duration(
                values, recording.layout, duration_s, count=count, least=least, excluded=spans, covered_m=covered
            )
        if covered is None or distance_m is None:
            return []
        return efforts.by_distance(
            values, recording.layout, distance_m, covered, count=count, least=least, excluded=spans
        )

    return await asyncio.to_thread(found)
