"""TCX: activities with laps, in and out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals.formats import tcx
from openintervals.formats.recording import Unusable
from tests.formats.rides import ride, shortened
from tests.house.sources import ROOT

SAMPLES = ROOT.parent / "shared" / "samples" / "tcx"
HEAD = '<?xml version="1.0"?><TrainingCenterDatabase xmlns="a" xmlns:ns3="b">'


def point(second: int, inside: str = "") -> str:
    return f"<Trackpoint><Time>2024-05-01T06:30:{second:02}.000Z</Time>{inside}</Trackpoint>"


def lap(second: int, *tracks: str, inside: str = "", after: str = "") -> str:
    body = "".join(f"<Track>{track}</Track>" for track in tracks)
    return f'<Lap StartTime="2024-05-01T06:30:{second:02}Z">{inside}{body}{after}</Lap>'


def activity(*laps: str, sport: str = "Biking", inside: str = "") -> str:
    return f'<Activity Sport="{sport}"><Id>2024-05-01T06:30:00Z</Id>{"".join(laps)}{inside}</Activity>'


def database(*activities: str) -> bytes:
    return f"{HEAD}<Activities>{''.join(activities)}</Activities></TrainingCenterDatabase>".encode()


def test_samples_have_what_the_device_and_its_extensions_say() -> None:
    inside = (
        "<Position><LatitudeDegrees>47.5</LatitudeDegrees><LongitudeDegrees>8.5</LongitudeDegrees></Position>"
        "<AltitudeMeters>400.2</AltitudeMeters><DistanceMeters>12.5</DistanceMeters>"
        "<HeartRateBpm>\n <Value>140</Value>\n </HeartRateBpm><Cadence>88</Cadence>"
        "<Extensions><ns3:TPX><ns3:Speed>8.2</ns3:Speed><ns3:Watts>210</ns3:Watts></ns3:TPX></Extensions>"
    )

    channels = tcx.decode(database(activity(lap(0, point(0, inside))))).activities[0].channels

    assert {name: values.tolist() for name, values in channels.items()} == {
        "time": [0], "lat": [47.5], "lng": [8.5], "altitude": [400.2], "distance": [12.5], "heartrate": [140],
        "cadence": [88], "velocity_smooth": [8.2], "watts": [210],
    }  # fmt: skip


def test_a_runner_has_a_cadence_in_an_extension() -> None:
    inside = "<Extensions><TPX xmlns='c'><RunCadence>84</RunCadence></TPX></Extensions>"

    found = tcx.decode(database(activity(lap(0, point(0, inside)), sport="Running"))).activities[0]

    assert found.type == "Run"
    assert found.channels["cadence"].tolist() == [84]


def test_laps_have_their_rows_and_what_the_device_says_of_them() -> None:
    head = (
        "<TotalTimeSeconds>3.5</TotalTimeSeconds><DistanceMeters>20</DistanceMeters><Calories>4</Calories>"
        "<AverageHeartRateBpm><Value>130</Value></AverageHeartRateBpm><Intensity>Resting</Intensity>"
        "<TriggerMethod>Distance</TriggerMethod>"
    )
    tail = "<Extensions><ns3:LX><ns3:AvgWatts>199</ns3:AvgWatts></ns3:LX></Extensions>"
    data = database(
        activity(
            lap(0, point(0) + point(1), inside=head, after=tail), lap(2, point(2) + point(3) + point(4), inside=head)
        )
    )

    found = tcx.decode(data).activities[0]

    assert [(each.start, each.end) for each in found.laps] == [(0, 2), (2, 5)]
    assert found.laps[0].metrics == {
        "elapsed_s": 3.5, "distance_m": 20, "calories_kcal": 4, "average_heartrate_bpm": 130, "average_power_w": 199,
    }  # fmt: skip
    assert (found.laps[0].intensity, found.laps[0].trigger) == ("resting", "distance")
    assert (found.totals["elapsed_s"], found.totals["distance_m"]) == (7, 40)


def test_a_new_track_in_a_lap_is_a_stop() -> None:
    found = tcx.decode(database(activity(lap(0, point(0) + point(1), point(9) + point(10))))).activities[0]

    assert found.stops == (1,)


def test_each_sport_of_a_multisport_file_is_an_activity() -> None:
    first, second = activity(lap(0, point(0) + point(1)), sport="Other"), activity(lap(20, point(20)), sport="Running")
    between = f"<Transition>{lap(10, point(10))}</Transition>"
    session = f"<MultiSportSession><FirstSport>{first}</FirstSport><NextSport>{between}{second}</NextSport></MultiSportSession>"

    found = tcx.decode(database(session)).activities

    assert [(each.type, each.count) for each in found] == [("Other", 2), ("Transition", 1), ("Run", 1)]


def test_a_pool_swim_has_distances_without_positions() -> None:
    points = "".join(point(second, f"<DistanceMeters>{second}</DistanceMeters>") for second in (0, 25, 50))

    found = tcx.decode(database(activity(lap(0, points), sport="Other"))).activities[0]

    assert found.channels.keys() == {"time", "distance"}


def test_a_lap_without_samples_counts_in_the_totals() -> None:
    found = tcx.decode(database(activity(lap(0, inside="<TotalTimeSeconds>600</TotalTimeSeconds>")))).activities[0]

    assert (found.count, found.first_at) == (0, None)
    assert found.totals == {"elapsed_s": 600}


def test_samples_of_a_course_are_no_recording() -> None:
    data = f"{HEAD}<Courses><Course><Name>x</Name><Track>{point(0)}</Track></Course></Courses></TrainingCenterDatabase>"

    with pytest.raises(Unusable, match="course"):
        tcx.decode(data.encode())


@pytest.mark.parametrize("data", [b"", b"<gpx/>", database(), database("<Activity/>"), HEAD.encode()])
def test_what_has_no_activity_is_refused(data: bytes) -> None:
    with pytest.raises(Unusable):
        tcx.decode(data)


def test_a_file_that_breaks_off_keeps_what_was_complete() -> None:
    data = database(activity(lap(0, point(0) + point(1)), lap(2, point(2) + point(3) + point(4))))
    cut = data.index(b"06:30:04")

    recording = tcx.decode(data[:cut])

    assert recording.activities[0].channels["time"].tolist() == [0, 1, 2, 3]
    assert [(each.start, each.end) for each in recording.activities[0].laps] == [(0, 2), (2, 4)]
    assert [(fault.code, fault.offset) for fault in recording.warnings] == [("truncated", cut)]


def test_a_clock_that_goes_back_is_put_in_order() -> None:
    recording = tcx.decode(database(activity(lap(0, point(3) + point(5) + point(4)))))

    assert recording.activities[0].channels["time"].tolist() == [0, 1, 2]
    assert [fault.code for fault in recording.warnings] == ["time_order"]


def test_what_is_written_reads_the_same() -> None:
    activities = [ride(), ride(900, kind="Run")]

    found = tcx.decode(tcx.encode(activities)).activities

    for wrote, read in zip(activities, found, strict=True):
        assert read.channels.keys() == wrote.channels.keys() - {"temp"}
        for name, values in read.channels.items():
            assert np.array_equal(values, wrote.channels[name], equal_nan=True), name
        assert (read.type, read.start_at, read.stops) == (wrote.type, wrote.start_at, wrote.stops)
        assert read.laps[0].metrics.items() >= wrote.laps[0].metrics.items()
        assert [(each.start, each.end) for each in read.laps] == [(each.start, each.end) for each in wrote.laps]


def test_an_activity_without_laps_is_written_as_one() -> None:
    found = tcx.decode(tcx.encode([shortened(ride(), 30)])).activities[0]

    assert [(each.start, each.end) for each in found.laps] == [(0, 30)]


@pytest.mark.skipif(not SAMPLES.exists(), reason="there are no sample files here")
@pytest.mark.parametrize(("name", "rows", "laps"), [("velodrome.tcx", 486, 5), ("ride-2009-01.tcx", 1424, 1)])
def test_a_real_file_is_read(name: str, rows: int, laps: int) -> None:
    found = tcx.decode((SAMPLES / name).read_bytes()).activities[0]

    assert (found.type, found.count, len(found.laps)) == ("Ride", rows, laps)


WHOLE = tcx.encode([shortened(ride(), 20), shortened(ride(), 5)])


@given(st.integers(0, len(WHOLE)), st.integers(0, 40), st.binary(max_size=8))
def test_a_damaged_file_is_a_recording_or_unusable(at: int, gone: int, put: bytes) -> None:
    try:
        recording = tcx.decode(WHOLE[:at] + put + WHOLE[at + gone :])
    except Unusable:
        return

    for found in recording.activities:
        assert {len(values) for values in found.channels.values()} <= {found.count}
        assert all(0 <= each.start <= each.end <= found.count for each in found.laps)


TAGS = ("Activity", "Lap", "Track", "Trackpoint", "Time", "Transition", "Course", "Id", "LX", "Cadence", "Creator")


@given(st.lists(st.tuples(st.sampled_from(TAGS), st.booleans() | st.just(value="5")), max_size=40))
def test_tags_in_any_order_are_a_recording_or_unusable(tags: list[tuple[str, bool | str]]) -> None:
    parts = [f"<{tag}>{what}" if isinstance(what, str) else f"<{tag}>" if what else f"</{tag}>" for tag, what in tags]
    try:
        tcx.decode(f"{HEAD}{activity(lap(0, point(0)))}{''.join(parts)}".encode())
    except Unusable:
        pytest.fail("there was a sample in it")
