"""GPX: a track of positions with times, and what extensions add to each of them.

One file is one activity, whatever number of tracks and segments it has; where a segment ends the recording was halted.
Way points and routes are no recording. Extensions count by their local names, in any namespace. A GPX knows nothing of
laps, distance or device totals; those come from analysis.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from . import sports, writing
from .recording import Activity, Device, Fault, Recording, Unusable, clock_faults, instant, lay_out
from .xml import BYTES_MOST, scan

_COLUMNS = {
    "time": "time",
    "ele": "altitude",
    "hr": "heartrate",
    "heartrate": "heartrate",
    "cad": "cadence",
    "cadence": "cadence",
    "RunCadence": "cadence",
    "atemp": "temp",
    "temp": "temp",
    "temperature": "temp",
    "power": "watts",
    "watts": "watts",
    "PowerInWatts": "watts",
    "Watts": "watts",
    "speed": "velocity_smooth",
    "distance": "distance",
    "respirationrate": "respiration",
}
_STRUCTURE = frozenset({"gpx", "trk", "trkseg", "metadata", "wpt", "rte"})


def decode(data: bytes, *, most_bytes: int = BYTES_MOST) -> Recording:
    """What a GPX file says. Raises Unusable where it has no track, or a track without times."""
    told: dict[str, str] = {}
    seen: set[str] = set()
    ends: list[int] = []

    def opened(name: str, attributes: Mapping[str, str], row: int) -> None:
        seen.add(name)
        if name == "gpx" and "creator" in attributes:
            told.setdefault("creator", attributes["creator"][:200])

    def closed(name: str, text: str, row: int, around: Sequence[str]) -> None:
        if name == "trkseg":
            ends.append(row)
        elif text and around:
            if around[-1] == "trk" and name in ("name", "type"):
                told.setdefault(name, text[:500])
            elif around[-1] == "metadata" and name == "name":
                told.setdefault("title", text[:500])

    samples = scan(
        data,
        sample="trkpt",
        columns=_COLUMNS,
        attributes={"lat": "lat", "lon": "lng"},
        opened=opened,
        closed=closed,
        structure=_STRUCTURE,
        most_bytes=most_bytes,
    )
    if "gpx" not in seen:
        raise Unusable("This is not a GPX file")
    if not samples.count:
        _refuse_empty(seen, samples.faults)
    rows = lay_out(samples.times_s, samples.columns)
    if not len(rows.kept_s):
        raise Unusable("The track has no times, so it is a route and not a recording")
    stops = {rows.place(float(samples.times_s[end - 1])) for end in ends[:-1] if 0 < end < samples.count}
    activity = Activity(
        type=sports.activity_type(told.get("type")),
        start_at=instant(rows.first_s),
        first_at=instant(rows.first_s),
        channels=rows.channels,
        device=Device(name=told.get("creator")),
        name=told.get("name") or told.get("title"),
        stops=tuple(sorted(stop for stop in stops if stop < len(rows.kept_s) - 1)),
        sport_words=(told.get("type"), None),
    )
    return Recording("gpx", (activity,), (*samples.faults, *rows.faults, *clock_faults([activity])))


def _refuse_empty(seen: set[str], faults: list[Fault]) -> None:
    offset = faults[-1].offset if faults else None
    if "trk" not in seen and seen & {"wpt", "rte"}:
        raise Unusable("The file has way points or a route but no track, so it is not a recording", offset)
    raise Unusable("The track has no points", offset)


def encode(activity: Activity, *, power: bool = True, heart_rate: bool = True) -> bytes:
    """A GPX file of an activity: every row that has a position, with exactly the position it has.

    Raises Unusable where no row has one, because a GPX cannot say anything without.
    """
    channels = activity.channels
    if "lat" not in channels or activity.first_at is None:
        raise Unusable("Nothing can be written as GPX without positions")
    rows = np.flatnonzero(~np.isnan(channels["lat"]))
    first_s = activity.first_at.timestamp()
    times = writing.iso_times(channels["time"][rows] + first_s)

    def cells(name: str, element: str, digits: int) -> list[str]:
        if name not in channels:
            return [""] * len(rows)
        texts = writing.numbers(channels[name][rows], digits)
        return [f"<{element}>{text}</{element}>" if text else "" for text in texts]

    inner = [cells("temp", "g:atemp", 2), cells("cadence", "g:cad", 3), cells("velocity_smooth", "g:speed", 4)]
    if heart_rate:
        inner.insert(1, cells("heartrate", "g:hr", 2))
    watts = cells("watts", "power", 2) if power else [""] * len(rows)
    inner.append(cells("distance", "distance", 3))
    altitudes = cells("altitude", "ele", 3)
    stops = set(np.searchsorted(rows, np.array(activity.stops), "right").tolist()) if activity.stops else set()
    lines = []
    positions = zip(channels["lat"][rows].tolist(), channels["lng"][rows].tolist(), strict=True)
    extended = ["".join(texts) for texts in zip(*inner[:-1], strict=True)]
    for row, ((lat, lng), ele, time, watt, inside, metres) in enumerate(
        zip(positions, altitudes, times, watts, extended, inner[-1], strict=True)
    ):
        if row in stops and row:
            lines.append("</trkseg><trkseg>")
        point = f"<g:TrackPointExtension>{inside}</g:TrackPointExtension>" if inside else ""
        extension = f"<extensions>{watt}{metres}{point}</extensions>" if watt or metres or point else ""
        place = f'lat="{writing.degrees(lat)}" lon="{writing.degrees(lng)}"'
        lines.append(f"<trkpt {place}>{ele}<time>{time}</time>{extension}</trkpt>")
    creator = writing.attribute(activity.device.name or "Open Intervals")
    name = f"<name>{writing.text(activity.name)}</name>" if activity.name else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<gpx version="1.1" creator={creator} xmlns="http://www.topografix.com/GPX/1/1"'
        ' xmlns:g="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">\n'
        f"<metadata><time>{writing.iso_times(np.array([activity.start_at.timestamp()]))[0]}</time></metadata>\n"
        f"<trk>{name}<type>{writing.text(activity.type)}</type><trkseg>\n"
        + "\n".join(lines)
        + "\n</trkseg></trk>\n</gpx>\n"
    ).encode()


__all__ = ["decode", "encode"]
