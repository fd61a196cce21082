"""What is written is what is read, by us and by others."""

import io
from typing import Any

import fitdecode
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from openintervals.formats.fit import DeveloperField, decode, encode
from tests.formats.fit.files import START_S, Messages, anything, ride


def frames(data: bytes) -> list[Any]:
    reader = fitdecode.FitReader(
        io.BytesIO(data), check_crc=fitdecode.CrcCheck.RAISE, error_handling=fitdecode.ErrorHandling.RAISE
    )
    return [frame for frame in reader if frame.frame_type == fitdecode.FIT_FRAME_DATA]


def assert_holds(data: bytes, messages: Messages) -> None:
    decoded = decode(data)
    assert decoded.warnings == ()
    assert set(decoded.messages) == set(messages)
    for kind, columns in messages.items():
        for name, column in columns.items():
            assert_array_equal(decoded.messages[kind][name], np.asarray(column))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(anything(), st.booleans())
@example({"event": {"timestamp": [np.nan], "event_type": [[np.nan, 1.0]]}}, True)
def test_what_is_written_is_what_is_read(messages: Messages, big_endian: bool) -> None:  # noqa: FBT001
    assert_holds(encode(messages, big_endian=big_endian), messages)


def test_a_ride_is_read_as_it_was_written() -> None:
    assert_holds(encode(ride()), ride())


def test_others_read_a_ride_that_we_write() -> None:
    messages = ride()

    read = frames(encode(messages))

    records = [frame for frame in read if frame.name == "record"]
    power = [frame.get_value("power") for frame in records]
    assert_array_equal(np.array(power, float), messages["record"]["power"])
    assert_array_equal([frame.get_value("distance") for frame in records], messages["record"]["distance"])
    assert records[0].get_value("timestamp").timestamp() == START_S
    assert next(frame for frame in read if frame.name == "session").get_value("sport") == "cycling"


def test_messages_come_in_the_order_a_device_writes_them() -> None:
    names = [frame.name for frame in frames(encode(ride(10)))]

    assert names[:4] == ["file_id", "device_info", "event", "record"]
    assert names[-4:] == ["event", "lap", "session", "activity"]
    assert names.index("lap") == names.index("record") + 6


def test_developer_fields_are_described_and_written() -> None:
    messages = ride(5)
    messages["record"]["Core"] = [36.5, 36.75, np.nan, 37, 37.25]
    messages["record"]["Steps"] = [1, 2, 3, 4, np.nan]
    fields = [
        DeveloperField("record", "Core", "f32", "°C"),
        DeveloperField("record", "Steps", "u16", native=99),
    ]

    data = encode(messages, developer=fields, application_id=bytes(range(16)))

    record = decode(data).messages["record"]
    assert_array_equal(record["Core"], [36.5, 36.75, np.nan, 37, 37.25])
    assert_array_equal(record["Steps"], [1, 2, 3, 4, np.nan])
    assert (record.developer["Core"].units, record.developer["Core"].native) == ("°C", None)
    assert (record.developer["Steps"].units, record.developer["Steps"].native) == (None, 99)
    last = next(frame for frame in frames(data) if frame.name == "record")
    assert last.get_value("Core") == 36.5


def test_a_pool_swim_has_lengths_and_no_positions() -> None:
    ends = START_S + np.array([30.0, 61.0, 95.0, 127.0])
    swim: Messages = {
        "file_id": {"type": [4.0]},
        "length": {
            "timestamp": ends, "start_time": ends - 30, "total_timer_time": [30.0, 31.0, 34.0, 32.0],
            "swim_stroke": [0.0, 0.0, 2.0, np.nan], "total_strokes": [14.0, 15.0, 12.0, np.nan],
            "length_type": [1.0, 1.0, 1.0, 0.0],
        },
        "lap": {"timestamp": ends[-1:], "num_active_lengths": [3.0]},
        "session": {"timestamp": ends[-1:], "sport": [5.0], "sub_sport": [17.0], "pool_length": [25.0]},
    }  # fmt: skip

    assert_holds(encode(swim), swim)


def test_a_race_of_several_sports_has_a_session_for_each() -> None:
    ends = START_S + np.array([600.0, 660.0, 1800.0])
    race: Messages = {
        "file_id": {"type": [4.0]},
        "record": {"timestamp": START_S + np.arange(1801.0), "heart_rate": np.full(1801, 150.0)},
        "session": {"timestamp": ends, "start_time": START_S + np.array([0.0, 600, 660]), "sport": [5.0, 3.0, 2.0]},
        "activity": {"timestamp": ends[-1:], "num_sessions": [3.0], "type": [1.0]},
    }

    data = encode(race)

    assert_holds(data, race)
    names = [frame.name for frame in frames(data)]
    assert [index for index, name in enumerate(names) if name == "session"] == [602, 663, 1804]


def test_a_clock_that_goes_back_does_not_change_the_order_of_the_records() -> None:
    times = START_S + np.array([0.0, 1, 2, -50, -49, 3])
    messages: Messages = {"record": {"timestamp": times, "power": np.arange(6.0)}, "lap": {"timestamp": times[1:2]}}

    assert_holds(encode(messages), messages)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ([70_000], "fit"),
        ([-1], "fit"),
        ([65_535], "absent"),
        ([np.inf], "fit"),
        ([[[1]]], "dimensions"),
        ([[1] * 200], "bytes"),
    ],
)
def test_a_value_that_the_field_cannot_hold_is_refused(column: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        encode({"record": {"power": column}})


def test_columns_of_one_kind_have_one_length() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        encode({"record": {"power": [1, 2], "cadence": [1]}})


@pytest.mark.parametrize("messages", [{"nothing": {"power": [1]}}, {"record": {"nothing": [1]}}])
def test_a_kind_or_field_without_a_name_is_a_key_error(messages: Any) -> None:
    with pytest.raises(KeyError):
        encode(messages)
