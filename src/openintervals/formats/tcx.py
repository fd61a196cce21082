"""TCX: activities with laps, and samples with or without a position.

Each `Activity` is one; in a multisport file the others are beside it or nested in it, and each `Transition` is one too.
Laps carry totals of the device, those of an extension (`LX`) included; samples have watts, speed and the cadence of a
runner in theirs (`TPX`). Where a track ends and another begins within a lap, the recording was halted. Courses are no
recording. A pool swim has samples without positions; a lap without samples still counts in the totals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from . import sports, writing
from .recording import (
    Activity,
    Device,
    Fault,
    Lap,
    Metrics,
    Recording,
    Rows,
    Unusable,
    clock_faults,
    instant,
    lay_out,
    partition,
)
from .times import unix_time
from .xml import BYTES_MOST, Samples, number, scan

ACTIVITIES_MOST = 100
LAPS_MOST = 20_000
_COLUMNS = {
    "Time": "time",
    "LatitudeDegrees": "lat",
    "LongitudeDegrees": "lng",
    "AltitudeMeters": "altitude",
    "DistanceMeters": "distance",
    "HeartRateBpm": "heartrate",
    "Cadence": "cadence",
    "RunCadence": "cadence",
    "Speed": "velocity_smooth",
    "Watts": "watts",
}
_LAP = {
    "TotalTimeSeconds": "elapsed_s",
    "DistanceMeters": "distance_m",
    "MaximumSpeed": "max_speed_mps",
    "AvgSpeed": "average_speed_mps",
    "Calories": "calories_kcal",
    "AverageHeartRateBpm": "average_heartrate_bpm",
    "MaximumHeartRateBpm": "max_heartrate_bpm",
    "Cadence": "average_cadence_rpm",
    "AvgRunCadence": "average_cadence_rpm",
    "MaxBikeCadence": "max_cadence_rpm",
    "MaxRunCadence": "max_cadence_rpm",
    "AvgWatts": "average_power_w",
    "MaxWatts": "max_power_w",
    "Steps": "steps",
}
_STRUCTURE = frozenset({"TrainingCenterDatabase", "Activity", "Transition", "Lap", "Track", "Course", "Creator"})
_ADDED = ("elapsed_s", "distance_m", "calories_kcal", "steps")
_MOST = ("max_speed_mps", "max_heartrate_bpm", "max_cadence_rpm", "max_power_w")


@dataclass(slots=True)
class _Lap:
    start_s: float
    row: int
    metrics: Metrics = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    track_ends: list[int] = field(default_factory=list)
    end: int = 0


@dataclass(slots=True)
class _Activity:
    sport: str
    laps: list[_Lap] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)


class _Reader:
    """Collects what stands around the samples."""

    def __init__(self) -> None:
        self.activities: list[_Activity] = []
        self.kinds: set[str] = set()
        self.too_many = False
        self._open: list[_Activity] = []  # an activity may hold the next one of a multisport session
        self._lap: _Lap | None = None

    def opened(self, name: str, attributes: Mapping[str, str], row: int) -> None:
        self.kinds.add(name)
        if name in ("Activity", "Transition"):
            sport = "Transition" if name == "Transition" else attributes.get("Sport", "")
            activity = _Activity(sport[:80])
            self._open.append(activity)
            if len(self.activities) < ACTIVITIES_MOST:
                self.activities.append(activity)
            else:
                self.too_many = True
        elif name == "Lap" and self._open:
            self._lap = _Lap(unix_time(attributes.get("StartTime", "")), row, end=row)
            if len(self._open[-1].laps) < LAPS_MOST:
                self._open[-1].laps.append(self._lap)
            else:
                self.too_many = True
        elif name == "Course":
            self._lap = None

    def closed(self, name: str, text: str, row: int, around: Sequence[str]) -> None:
        lap = self._lap
        if name == "Lap":
            self._lap = None
        elif name in ("Activity", "Transition") and self._open:
            self._open.pop()
        elif not around:
            return
        if lap:
            lap.end = row
            if name == "Track":
                lap.track_ends.append(row)
            elif around[-1] in ("Lap", "LX"):
                if name in _LAP and (value := number(text)) == value:
                    lap.metrics[_LAP[name]] = value
                elif name in ("Intensity", "TriggerMethod"):
                    lap.words[name] = text[:40].lower()
        elif self._open:
            if around[-1] in ("Activity", "Transition") and name in ("Id", "Notes", "Name"):
                self._open[-1].told.setdefault(name, text[:500])
            elif around[-1] == "Creator" and name in ("Name", "UnitId"):
                self._open[-1].told.setdefault(f"Creator{name}", text[:200])

    def break_off(self, count: int) -> None:
        """The file ended: a lap that is still open has all samples there are."""
        if self._lap:
            self._lap.end = count


def decode(data: bytes, *, most_bytes: int = BYTES_MOST) -> Recording:
    """What a TCX file says. Raises Unusable where it has no activity with a time."""
    reader = _Reader()
    samples = scan(
        data,
        sample="Trackpoint",
        columns=_COLUMNS,
        attributes={},
        opened=reader.opened,
        closed=reader.closed,
        structure=_STRUCTURE,
        most_bytes=most_bytes,
    )
    if "TrainingCenterDatabase" not in reader.kinds:
        raise Unusable("This is not a TCX file")
    faults = samples.faults
    if reader.too_many:
        faults.append(Fault("too_many", "There are too many activities or laps; the others were left out", 0))
    reader.break_off(samples.count)
    activities = [found for told in reader.activities if (found := _activity(told, samples, faults))]
    if not activities:
        if "Course" in reader.kinds and not reader.activities:
            raise Unusable("The file has a course but no activity, so it is not a recording")
        raise Unusable("The file has no activity with a time", faults[-1].offset if faults else None)
    return Recording("tcx", tuple(activities), (*faults, *clock_faults(activities)))


def _activity(told: _Activity, samples: Samples, faults: list[Fault]) -> Activity | None:
    pieces = [np.arange(lap.row, lap.end) for lap in told.laps]
    own = np.concatenate(pieces) if pieces else np.empty(0, np.intp)
    rows = lay_out(samples.times_s[own], {name: column[own] for name, column in samples.columns.items()})
    faults += rows.faults
    starts = _starts(told.laps, samples)
    start_s = next((start for start in starts if start == start), unix_time(told.told.get("Id", "")))
    if len(rows.kept_s):
        start_s = min(start_s, rows.first_s) if start_s == start_s else rows.first_s
    if start_s != start_s:
        return None
    return Activity(
        type=sports.activity_type(told.sport),
        start_at=instant(start_s),
        first_at=instant(rows.first_s) if len(rows.kept_s) else None,
        channels=rows.channels,
        device=Device(name=told.told.get("CreatorName"), serial=told.told.get("CreatorUnitId")),
        name=told.told.get("Name"),
        laps=_laps(told.laps, starts, rows),
        totals=_totals(told.laps),
        stops=_stops(told.laps, samples, rows),
        sport_words=(told.sport or None, None),
    )


def _starts(laps: Sequence[_Lap], samples: Samples) -> list[float]:
    """When each lap begins, in Unix time: its word for it, else its first sample, else when the one before it ended."""
    starts: list[float] = []
    for lap in laps:
        start = lap.start_s
        if start != start and lap.end > lap.row:
            start = float(samples.times_s[lap.row])
        if start != start and starts:
            start = starts[-1]
        starts.append(start)
    return starts


def _laps(laps: Sequence[_Lap], starts: Sequence[float], rows: Rows) -> tuple[Lap, ...]:
    known = sorted((start, index) for index, start in enumerate(starts) if start == start)
    places = partition(rows, [start for start, _ in known])
    found = []
    for (start, index), (first, end) in zip(known, places, strict=True):
        lap = laps[index]
        words = lap.words
        found.append(Lap(first, end, instant(start), lap.metrics, words.get("Intensity"), words.get("TriggerMethod")))
    return tuple(found)


def _totals(laps: Sequence[_Lap]) -> Metrics:
    """What the laps come to together: the format has no totals of its own."""
    totals: Metrics = {}
    for name in (*_ADDED, *_MOST):
        values = [lap.metrics[name] for lap in laps if name in lap.metrics]
        if values:
            totals[name] = sum(values) if name in _ADDED else max(values)
    return totals


def _stops(laps: Sequence[_Lap], samples: Samples, rows: Rows) -> tuple[int, ...]:
    ends = [end for lap in laps for end in lap.track_ends if lap.row < end < lap.end]
    places = {rows.place(float(samples.times_s[end - 1])) for end in ends if samples.times_s[end - 1] > 0}
    return tuple(sorted(place for place in places if place < len(rows.kept_s) - 1))


def encode(activities: Sequence[Activity]) -> bytes:
    """A TCX file of activities, one after the other, with their laps. Raises Unusable where there is none."""
    if not activities:
        raise Unusable("There is nothing to write")
    body = "\n".join(_encoded(activity) for activity in activities)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"'
        ' xmlns:x="http://www.garmin.com/xmlschemas/ActivityExtension/v2"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        f"<Activities>\n{body}\n</Activities>\n</TrainingCenterDatabase>\n"
    ).encode()


_SPORTS = {"Run": "Running", "TrailRun": "Running", "VirtualRun": "Running"}


def _encoded(activity: Activity) -> str:
    sport = _SPORTS.get(activity.type) or ("Biking" if "Ride" in activity.type else "Other")
    points = _points(activity)
    started = activity.start_at.timestamp()
    laps = activity.laps or (Lap(0, activity.count, activity.start_at, _whole(activity)),)
    parts = []
    for index, lap in enumerate(laps):
        start_s = lap.start_at.timestamp() if lap.start_at else started
        first = 0 if index == 0 else lap.start
        end = activity.count if index == len(laps) - 1 else lap.end
        parts.append(_lap(lap, start_s, _tracks(points[first:end], [stop - first for stop in activity.stops])))
    device = activity.device
    creator = ""
    if device.name:
        serial = device.serial if device.serial and device.serial.isdigit() else "0"
        creator = (
            f'<Creator xsi:type="Device_t"><Name>{writing.text(device.name)}</Name><UnitId>{serial}</UnitId>'
            "<ProductID>0</ProductID></Creator>"
        )
    return f'<Activity Sport="{sport}"><Id>{_iso(started)}</Id>\n' + "\n".join(parts) + f"\n{creator}</Activity>"


def _whole(activity: Activity) -> Metrics:
    """The metrics of the one lap of an activity that has no laps."""
    metrics = dict(activity.totals)
    if activity.count:
        metrics.setdefault("elapsed_s", float(activity.channels["time"][-1]))
    return metrics


def _iso(unix_s: float) -> str:
    return writing.iso_times(np.array([unix_s]))[0]


def _tracks(points: list[str], stops: Sequence[int]) -> str:
    cuts = [0, *(stop + 1 for stop in stops if 0 <= stop < len(points) - 1), len(points)]
    tracks = ["\n".join(points[start:end]) for start, end in pairwise(cuts) if end > start]
    return "".join(f"<Track>\n{track}\n</Track>" for track in tracks)


def _lap(lap: Lap, start_s: float, tracks: str) -> str:
    def tell(name: str, element: str, digits: int = 0, *, value: bool = False, default: float | None = None) -> str:
        found = lap.metrics.get(name, default)
        if found is None:
            return ""
        text = writing.numbers(np.array([found]), digits)[0]
        return f"<{element}><Value>{text}</Value></{element}>" if value else f"<{element}>{text}</{element}>"

    extension = "".join(
        tell(name, f"x:{element}", digits)
        for name, element, digits in (
            ("average_speed_mps", "AvgSpeed", 3),
            ("max_cadence_rpm", "MaxBikeCadence", 0),
            ("average_power_w", "AvgWatts", 0),
            ("max_power_w", "MaxWatts", 0),
        )
    )
    intensity = "Resting" if lap.intensity in ("rest", "resting", "recovery") else "Active"
    return (
        f'<Lap StartTime="{_iso(start_s)}">'
        + tell("elapsed_s", "TotalTimeSeconds", 3, default=0)
        + tell("distance_m", "DistanceMeters", 3, default=0)
        + tell("max_speed_mps", "MaximumSpeed", 3)
        + tell("calories_kcal", "Calories", default=0)
        + tell("average_heartrate_bpm", "AverageHeartRateBpm", value=True)
        + tell("max_heartrate_bpm", "MaximumHeartRateBpm", value=True)
        + f"<Intensity>{intensity}</Intensity>"
        + tell("average_cadence_rpm", "Cadence")
        + f"<TriggerMethod>{_TRIGGERS.get(lap.trigger or '', 'Manual')}</TriggerMethod>"
        + tracks
        + (f"<Extensions><x:LX>{extension}</x:LX></Extensions>" if extension else "")
        + "</Lap>"
    )


_TRIGGERS = {"distance": "Distance", "time": "Time", "location": "Location", "heartrate": "HeartRate"}
_POINT = (  # channel, elements around its text from the outside in, digits
    ("altitude", ("AltitudeMeters",), 4),
    ("distance", ("DistanceMeters",), 4),
    ("heartrate", ("HeartRateBpm", "Value"), 0),
    ("cadence", ("Cadence",), 0),
)
_POINT_EXTENSION = (("velocity_smooth", ("x:Speed",), 4), ("watts", ("x:Watts",), 0))


def _points(activity: Activity) -> list[str]:
    channels = activity.channels
    if not activity.count or activity.first_at is None:
        return []
    times = writing.iso_times(channels["time"] + activity.first_at.timestamp())

    def cells(name: str, elements: Sequence[str], digits: int) -> list[str] | None:
        if name not in channels:
            return None
        before = "".join(f"<{element}>" for element in elements)
        after = "".join(f"</{element}>" for element in reversed(elements))
        return [f"{before}{text}{after}" if text else "" for text in writing.numbers(channels[name], digits)]

    columns = [[f"<Trackpoint><Time>{time}</Time>" for time in times]]
    if "lat" in channels:
        columns.append(
            [
                f"<Position><LatitudeDegrees>{writing.degrees(lat)}</LatitudeDegrees>"
                f"<LongitudeDegrees>{writing.degrees(lng)}</LongitudeDegrees></Position>"
                if lat == lat
                else ""
                for lat, lng in zip(channels["lat"].tolist(), channels["lng"].tolist(), strict=True)
            ]
        )
    columns += [found for place in _POINT if (found := cells(*place)) is not None]
    extensions = [found for place in _POINT_EXTENSION if (found := cells(*place)) is not None]
    if extensions:
        columns.append(
            [
                f"<Extensions><x:TPX>{inside}</x:TPX></Extensions>" if (inside := "".join(texts)) else ""
                for texts in zip(*extensions, strict=True)
            ]
        )
    return ["".join(texts) + "</Trackpoint>" for texts in zip(*columns, strict=True)]


__all__ = ["ACTIVITIES_MOST", "LAPS_MOST", "decode", "encode"]
