"""What readers share: laying out samples, times as texts, words for sports, and one answer for every format."""

import gc
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from openintervals.formats import fit, gpx, tcx
from openintervals.formats.fit_recording import from_fit
from openintervals.formats.reading import read
from openintervals.formats.recording import Activity, Unusable, lay_out, partition
from openintervals.formats.sports import TYPES, activity_type
from openintervals.formats.times import unix_time, unix_times
from tests.formats.rides import as_fit, ride
from tests.house.sources import ROOT

SAMPLES = ROOT.parent / "shared" / "samples" / "fit"
NAN = float("nan")


def times(*seconds: float) -> np.ndarray:
    return np.array(seconds) + 1_714_545_000


def equal(found: np.ndarray, wanted: list[float]) -> bool:
    return np.array_equal(found, np.array(wanted), equal_nan=True)


def test_fractions_are_rounded_from_the_first_sample() -> None:
    rows = lay_out(times(0.7, 1.6, 2.8, 3.7), {})

    assert rows.channels["time"].tolist() == [0, 1, 2, 3]


def test_samples_of_one_second_are_one_row_with_the_last_value_of_each_channel() -> None:
    rows = lay_out(times(0, 1, 1, 2), {"watts": np.array([1, 2, NAN, 4]), "heartrate": np.array([NAN, 6, 7, NAN])})

    assert equal(rows.channels["time"], [0, 1, 2])
    assert equal(rows.channels["watts"], [1, 2, 4])
    assert equal(rows.channels["heartrate"], [NAN, 7, NAN])


def test_samples_without_a_time_or_far_from_the_others_are_left_out_and_told() -> None:
    rows = lay_out(times(-900_000_000, 0, NAN, 1), {"watts": np.arange(4.0)})

    assert equal(rows.channels["watts"], [1, 3])
    assert {fault.code for fault in rows.faults} == {"time_missing", "time_far"}


def test_a_channel_without_a_value_is_left_out() -> None:
    assert lay_out(times(0, 1), {"watts": np.full(2, NAN)}).channels.keys() == {"time"}


def test_positions_that_cannot_be_are_absent() -> None:
    rows = lay_out(
        times(0, 1, 2, 3, 4), {"lat": np.array([47.0, 0, 91, 47, 47]), "lng": np.array([8.0, 0, 8, NAN, 181])}
    )

    assert equal(rows.channels["lat"], [47, NAN, NAN, NAN, NAN])
    assert equal(rows.channels["lng"], [8, NAN, NAN, NAN, NAN])


def test_laps_share_out_all_rows() -> None:
    rows = lay_out(times(0, 1, 2, 5, 6), {})

    assert partition(rows, times(1, 2, 4, 4, 99).tolist()) == [(0, 2), (2, 3), (3, 3), (3, 5), (5, 5)]
    assert partition(rows, []) == []


@given(hnp.arrays(np.float64, st.integers(0, 30), elements=st.floats(width=32) | st.integers(0, 50).map(float)))
def test_any_times_become_rising_whole_seconds(at: np.ndarray) -> None:
    rows = lay_out(at, {"watts": np.arange(len(at), dtype=float), "lat": at, "lng": at, "hrv": np.tile(at[:, None], 2)})

    assert all(len(values) == len(rows.kept_s) for values in rows.channels.values())
    if len(rows.kept_s):
        seconds = rows.channels["time"]
        assert seconds[0] == 0
        assert (np.diff(seconds) >= 1).all()
        assert (seconds == np.floor(seconds)).all()


@pytest.mark.parametrize(
    ("text", "unix_s"),
    [
        ("2024-05-01T06:30:00Z", 1_714_545_000),
        ("2024-05-01T06:30:00", 1_714_545_000),
        ("2024-05-01T08:30:00+02:00", 1_714_545_000),
        ("2024-05-01T06:30:00.250Z", 1_714_545_000.25),
        (" 2024-05-01T06:30:00Z\n", 1_714_545_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800),
        ("2024-02-30T06:30:00Z", NAN),
        ("2024-05-01", NAN),
        ("yesterday", NAN),
        ("", NAN),
        ("2024-05-01T06:30:0٣Z", NAN),
    ],
)
def test_an_instant_reads_the_same_alone_and_among_others(text: str, unix_s: float) -> None:
    assert equal(np.array([unix_time(text)]), [unix_s])
    assert equal(unix_times([text, text, None, "2024-05-01T06:30:01Z"]), [unix_s, unix_s, NAN, 1_714_545_001])


instants = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(tzinfo=None))


@given(
    st.lists(
        instants.map(lambda at: at.isoformat() + "Z") | st.text("0123456789-:TZ.+ ", max_size=26),
        max_size=8,
    )
)
def test_instants_read_together_are_those_read_alone(texts: list[str]) -> None:
    assert np.allclose(unix_times(texts), [unix_time(text) for text in texts], rtol=0, atol=1e-6, equal_nan=True)


@given(instants)
def test_an_instant_is_what_the_calendar_says(at: datetime) -> None:
    assert abs(unix_times([at.isoformat()])[0] - at.replace(tzinfo=UTC).timestamp()) < 1e-5


@pytest.mark.parametrize(
    ("sport", "sub_sport", "kind"),
    [
        ("cycling", None, "Ride"), ("cycling", "indoor_cycling", "VirtualRide"), ("cycling", "gravel_cycling", "GravelRide"),
        ("Biking", None, "Ride"), ("Running", None, "Run"), ("running", "trail", "TrailRun"), ("Other", None, "Other"),
        ("swimming", "lap_swimming", "Swim"), ("swimming", "open_water", "OpenWaterSwim"),
        ("training", "strength_training", "WeightTraining"), ("fitness_equipment", "indoor_rowing", "VirtualRow"),
        ("transition", None, "Transition"), ("generic", "yoga", "Yoga"), ("lap_swimming", None, "Swim"),
        (None, None, "Other"), ("quidditch", "broom", "Other"),
    ],
)  # fmt: skip
def test_a_sport_has_the_word_of_the_wire(sport: str | None, sub_sport: str | None, kind: str) -> None:
    assert activity_type(sport, sub_sport) == kind


@given(st.text() | st.sampled_from(TYPES), st.text() | st.sampled_from(["road", "trail", "generic"]))
def test_any_words_are_some_sport(sport: str, sub_sport: str) -> None:
    assert activity_type(sport, sub_sport) in TYPES


@pytest.mark.parametrize("kind", TYPES)
def test_the_words_of_the_wire_are_understood(kind: str) -> None:
    assert activity_type(kind) == kind


def channels_agree(one: Activity, other: Activity, *, without: set[str]) -> None:
    assert one.channels.keys() - without == other.channels.keys() - without
    for name in one.channels.keys() - without:
        assert np.allclose(one.channels[name], other.channels[name], rtol=0, atol=1e-9, equal_nan=True), name


def test_one_activity_is_the_same_from_fit_tcx_and_gpx() -> None:
    activity = ride()

    from_device = read(as_fit(activity)).activities[0]
    from_tcx, from_gpx = read(tcx.encode([from_device])).activities[0], read(gpx.encode(from_device)).activities[0]

    channels_agree(from_device, activity, without=set())
    channels_agree(from_device, from_tcx, without={"temp"})
    kept = ~np.isnan(activity.channels["lat"])
    for name, values in from_gpx.channels.items():
        assert np.allclose(from_device.channels[name][kept], values, rtol=0, atol=1e-9, equal_nan=True), name
    for found in (from_device, from_tcx, from_gpx):
        assert (found.type, found.start_at, found.stops, found.device.name) == (
            "Ride",
            activity.start_at,
            (599,),
            "Edge 530",
        )
    assert [(lap.start, lap.end, lap.start_at) for lap in from_device.laps] == [
        (lap.start, lap.end, lap.start_at) for lap in from_tcx.laps
    ]
    assert np.array_equal(from_gpx.channels["lat"], from_device.channels["lat"][kept])  # to the last bit


def test_each_session_is_an_activity() -> None:
    start = 1_714_545_000
    data = fit.encode(
        {
            "file_id": {"type": [4]},
            "record": {"timestamp": start + np.arange(40), "heart_rate": np.arange(100, 140)},
            "lap": {"start_time": [start, start + 20, start + 22], "timestamp": [start + 20, start + 22, start + 39]},
            "session": {
                "start_time": [start, start + 20, start + 22], "timestamp": [start + 20, start + 22, start + 39],
                "sport": [5, 3, 2], "sub_sport": [17, 0, 0], "pool_length": [25.0, np.nan, np.nan],
            },
        }
    )  # fmt: skip

    found = from_fit(fit.decode(data)).activities

    assert [(each.type, each.count, each.pool_length_m) for each in found] == [
        ("Swim", 20, 25), ("Transition", 2, None), ("Ride", 18, None),
    ]  # fmt: skip
    assert [each.channels["heartrate"][0] for each in found] == [100, 120, 122]
    assert [[(lap.start, lap.end) for lap in each.laps] for each in found] == [[(0, 20)], [(0, 2)], [(0, 18)]]


def test_strength_training_needs_no_records() -> None:
    data = fit.encode(
        {
            "file_id": {"type": [4]},
            "session": {"start_time": [1_714_545_000], "timestamp": [1_714_545_900], "sport": [10], "sub_sport": [20]},
            "set": {"start_time": [1_714_545_100, 1_714_545_300], "repetitions": [10, 8], "weight": [40.0, 50.0]},
        }
    )

    found = from_fit(fit.decode(data)).activities[0]

    assert (found.type, found.count, found.first_at) == ("WeightTraining", 0, None)
    assert (found.totals["repetitions"], found.totals["kg_lifted"]) == (18, 800)


def test_a_fit_file_that_breaks_off_is_an_activity_up_to_there() -> None:
    whole = as_fit(ride())

    found = read(whole[: len(whole) // 2])

    assert found.activities[0].count > 500
    assert "truncated" in {fault.code for fault in found.warnings}


def test_balance_is_the_left_legs_and_beats_stand_in_their_rows() -> None:
    start = 1_714_545_000
    data = fit.encode(
        {
            "file_id": {"type": [4]},
            "record": {"timestamp": start + np.arange(3), "left_right_balance": [128 + 52, 128 + 50, np.nan]},
            "session": {"start_time": [start], "timestamp": [start + 3], "sport": [2]},
        }
    )

    found = from_fit(fit.decode(data)).activities[0]

    assert equal(found.channels["left_right_balance"], [48, 50, NAN])


@pytest.mark.parametrize(
    "messages", [{"file_id": {"type": [2]}}, {"file_id": {"type": [6]}, "record": {"timestamp": [1_714_545_000]}}]
)
def test_a_fit_file_without_an_activity_is_refused(messages: dict[str, dict[str, list[int]]]) -> None:
    with pytest.raises(Unusable):
        read(fit.encode(messages))


def test_nothing_of_a_fit_file_waits_for_the_garbage_collector() -> None:
    data = as_fit(ride())
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(each, fit.Columns) for each in gc.get_objects())

        read(data)

        assert sum(isinstance(each, fit.Columns) for each in gc.get_objects()) == before
    finally:
        gc.enable()


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="there are no sample files here")
def test_files_of_real_devices_are_recordings() -> None:
    for path in sorted(SAMPLES.rglob("*.fit")):
        for activity in read(path.read_bytes()).activities:
            assert activity.type in TYPES
            assert {len(values) for values in activity.channels.values()} <= {activity.count}
            assert all(lap.start <= lap.end <= activity.count for lap in activity.laps)


SMALL = as_fit(ride(720))


@given(
    st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=12), st.integers(0, len(SMALL))
)
def test_any_bytes_of_a_device_are_a_recording_or_unusable(changes: list[tuple[int, int]], end: int) -> None:
    data = bytearray(SMALL)
    for at, value in changes:
        data[at] = value
    try:
        recording = read(bytes(data[:end]))
    except Unusable:
        return

    for activity in recording.activities:
        assert {len(values) for values in activity.channels.values()} <= {activity.count}


@given(st.binary(max_size=300))
def test_any_bytes_are_a_recording_or_unusable(data: bytes) -> None:
    for wrapped in (data, b"\x0e\x20\x00\x00\xff\x00\x00\x00.FIT\x00\x00" + data):
        try:
            read(wrapped)
        except Unusable:
            continue
