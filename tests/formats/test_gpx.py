"""GPX: tracks in, tracks out."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals.formats import gpx
from openintervals.formats.recording import Unusable
from tests.formats.rides import ride, shortened
from tests.house.sources import ROOT

SAMPLE = ROOT.parent / "shared" / "samples" / "gpx" / "ride-2010.gpx"
HEAD = '<?xml version="1.0"?><gpx creator="Edge 530" xmlns="http://www.topografix.com/GPX/1/1" xmlns:t="u">'


def point(second: int, inside: str = "", *, lat: float = 47.5, time: bool = True) -> str:
    told = f"<time>2024-05-01T06:30:{second:02}Z</time>" if time else ""
    return f'<trkpt lat="{lat}" lon="8.5">{inside}{told}</trkpt>'


def track(*segments: str, inside: str = "") -> bytes:
    body = "".join(f"<trkseg>{segment}</trkseg>" for segment in segments)
    return f"{HEAD}<trk>{inside}{body}</trk></gpx>".encode()


def test_positions_times_and_altitudes_are_read() -> None:
    data = track(
        point(0, "<ele>400.5</ele>") + point(2, "<ele>401</ele>"), inside="<name>Lake</name><type>cycling</type>"
    )

    activity = gpx.decode(data).activities[0]

    assert activity.channels["time"].tolist() == [0, 2]
    assert activity.channels["lat"].tolist() == [47.5, 47.5]
    assert activity.channels["altitude"].tolist() == [400.5, 401]
    assert (activity.type, activity.name, activity.device.name) == ("Ride", "Lake", "Edge 530")
    assert activity.start_at == datetime(2024, 5, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("prefix", ["gpxtpx", "ns3", "x"])
def test_extensions_count_whatever_their_prefix(prefix: str) -> None:
    inner = "".join(
        f"<{prefix}:{name}>{value}</{prefix}:{name}>" for name, value in (("hr", 140), ("cad", 88), ("atemp", 18))
    )
    inside = f"<extensions><power>210</power><{prefix}:TrackPointExtension>{inner}</{prefix}:TrackPointExtension></extensions>"

    channels = gpx.decode(track(point(0, inside) + point(1))).activities[0].channels

    assert {name: channels[name][0] for name in ("heartrate", "cadence", "temp", "watts")} == {
        "heartrate": 140, "cadence": 88, "temp": 18, "watts": 210,
    }  # fmt: skip
    assert np.isnan(channels["heartrate"][1])


def test_several_tracks_and_segments_are_one_activity_with_stops_between() -> None:
    data = (
        f"{HEAD}<trk><trkseg>{point(0)}{point(1)}</trkseg></trk><trk><trkseg>{point(9)}</trkseg></trk></gpx>".encode()
    )

    recording = gpx.decode(data)

    assert len(recording.activities) == 1
    assert recording.activities[0].channels["time"].tolist() == [0, 1, 9]
    assert recording.activities[0].stops == (1,)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (track(point(0, time=False) + point(1, time=False)), "no times"),
        (f'{HEAD}<wpt lat="1" lon="2"><time>2024-05-01T06:30:00Z</time></wpt></gpx>'.encode(), "way points or a route"),
        (f'{HEAD}<rte><rtept lat="1" lon="2"/></rte></gpx>'.encode(), "way points or a route"),
        (track(), "no points"),
        (b"<kml></kml>", "not a GPX"),
        (b"hello", "not XML"),
        (b"", "not XML"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_reason(data: bytes, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        gpx.decode(data)


def test_a_file_that_breaks_off_keeps_what_was_complete() -> None:
    data = track("".join(point(second) for second in range(10)))
    cut = data.index(b"06:30:07")

    recording = gpx.decode(data[:cut])

    assert recording.activities[0].count == 7
    assert [(fault.code, fault.offset) for fault in recording.warnings] == [("truncated", cut)]


def test_a_broken_tag_keeps_what_came_before_it_and_tells_its_byte() -> None:
    data = track("".join(point(second) for second in range(10)))
    at = data.index(b"</trkpt>", data.index(b"06:30:04"))

    recording = gpx.decode(data[:at] + b"</oops>" + data[at:])

    assert recording.activities[0].count == 4
    assert recording.warnings[0].code == "corrupt"
    assert at <= recording.warnings[0].offset <= at + 7


def test_numbers_that_are_none_are_absent() -> None:
    data = track(point(0, "<ele>high</ele>") + point(1, "<ele>INF</ele>") + point(2, "<ele>3,5</ele>"))

    altitude = gpx.decode(data).activities[0].channels["altitude"]

    assert np.array_equal(altitude, [np.nan, np.nan, 3.5], equal_nan=True)


def test_what_is_written_reads_the_same() -> None:
    activity = ride()

    found = gpx.decode(gpx.encode(activity)).activities[0]

    kept = ~np.isnan(activity.channels["lat"])
    assert found.channels.keys() == activity.channels.keys()
    for name, values in activity.channels.items():
        assert np.array_equal(found.channels[name], values[kept], equal_nan=True), name
    assert (found.type, found.start_at, found.device.name) == (activity.type, activity.start_at, "Edge 530")
    assert found.stops == activity.stops


def test_power_and_heart_rate_can_be_left_out() -> None:
    data = gpx.encode(ride(), power=False, heart_rate=False)

    assert {"watts", "heartrate"}.isdisjoint(gpx.decode(data).activities[0].channels)


def test_nothing_is_written_without_positions() -> None:
    activity = ride()
    del activity.channels["lat"], activity.channels["lng"]

    with pytest.raises(Unusable, match="positions"):
        gpx.encode(activity)


@pytest.mark.skipif(not SAMPLE.exists(), reason="there are no sample files here")
def test_a_real_file_is_read() -> None:
    activity = gpx.decode(SAMPLE.read_bytes()).activities[0]

    assert activity.count == 5_935
    assert len(activity.stops) == 15
    assert activity.channels["altitude"][0] == 786.994


@given(st.binary(max_size=400) | st.text("<>/trkpsegx lo=\"'&!?-[]D\n0.", max_size=300).map(str.encode))
def test_any_bytes_are_a_recording_or_unusable(data: bytes) -> None:
    for wrapped in (data, HEAD.encode() + b"<trk><trkseg>" + data):
        try:
            recording = gpx.decode(wrapped)
        except Unusable:
            continue
        assert recording.activities[0].count


WHOLE = gpx.encode(shortened(ride(), 30))


@given(st.integers(0, len(WHOLE)), st.integers(0, 8), st.binary(max_size=8))
def test_a_damaged_file_is_a_recording_or_unusable(at: int, gone: int, put: bytes) -> None:
    try:
        activity = gpx.decode(WHOLE[:at] + put + WHOLE[at + gone :]).activities[0]
    except Unusable:
        return

    assert (np.diff(activity.channels["time"]) > 0).all()
    assert {len(values) for values in activity.channels.values()} == {activity.count}
