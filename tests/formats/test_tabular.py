"""Streams and laps as CSV, out and in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals.formats.recording import Unusable
from openintervals.formats.tabular import ARRAY_MOST, BadCell, decode_laps, decode_streams, encode_laps, encode_streams
from tests.formats.rides import ride

NAN = float("nan")


def test_a_blank_cell_is_null_and_arrays_and_positions_are_packed() -> None:
    channels = {
        "time": np.array([0.0, 1, 3]),
        "watts": np.array([200, NAN, 210]),
        "lat": np.array([47.5, NAN, 47.25]),
        "lng": np.array([8.5, NAN, 8.0]),
        "hrv": np.array([[0.8, 0.75], [NAN, NAN], [0.5, NAN]]),
    }

    data = encode_streams(channels)

    assert data == b"time,watts,latlng,hrv\n0,200,47.5:8.5,0.8:0.75\n1,,,\n3,210,47.25:8.0,0.5\n"


def test_nulls_within_an_array_are_passed_over() -> None:
    assert encode_streams({"hrv": np.array([[NAN, 0.5, NAN, 0.25]])}) == b"hrv\n0.5:0.25\n"


def test_beat_intervals_are_arrays_even_one_by_one() -> None:
    assert decode_streams(b"time,hrv\n0,0.5\n1,\n")["hrv"].shape == (2, 1)


def test_streams_read_as_they_were_written() -> None:
    channels = ride().channels

    found = decode_streams(encode_streams(channels))

    assert found.keys() == channels.keys()
    for name, values in channels.items():
        assert np.array_equal(found[name], values, equal_nan=True), name


numbers = st.lists(st.floats(allow_infinity=False) | st.integers(-(2**60), 2**60).map(float), min_size=3, max_size=3)


@given(
    st.dictionaries(
        st.text(min_size=1).filter(lambda name: name.strip() == name and name not in {"lat", "lng", "latlng"}), numbers
    )
)
def test_any_streams_read_as_they_were_written(told: dict[str, list[float]]) -> None:
    channels = {name: np.array(values) for name, values in told.items() if name.isprintable()}
    if not channels:
        return

    found = decode_streams(encode_streams(channels))

    assert list(found) == list(channels)
    for name, values in channels.items():
        assert np.array_equal(found[name], values, equal_nan=True)


@pytest.mark.parametrize(
    "data",
    [
        b"time,watts\r\n0,200\r\n1,\r\n",
        b'\xef\xbb\xbf"time","watts"\n"0","200"\n"1",""\n',
        b"time,watts\r0,200\r1,\r\r",
    ],
)
def test_quotes_marks_and_line_ends_of_any_kind_are_read(data: bytes) -> None:
    found = decode_streams(data)

    assert found["time"].tolist() == [0, 1]
    assert np.array_equal(found["watts"], [200, NAN], equal_nan=True)


def test_positions_may_all_be_blank() -> None:
    found = decode_streams(b"time,latlng\n0,\n1,\n")

    assert np.isnan([found["lat"], found["lng"]]).all()
    assert len(found["lat"]) == len(found["lng"]) == 2


@pytest.mark.parametrize(
    ("data", "row", "column"),
    [
        (b"time,watts\n0,200\n1,many\n", 3, "watts"),
        (b"time,watts\n0,inf\n", 2, "watts"),
        (b"time,watts\n0,1_0\n", 2, "watts"),
        (b"time,watts\n0\n", 2, None),
        (b"time,watts\n0,1\n1,2,3\n", 3, None),
        (b"time,\n0,1\n", 1, None),
        (b"time,time\n0,1\n", 1, "time"),
        (b"latlng\n1:2\n1:2:3\n", 3, "latlng"),
        (b"latlng\n1:2\n5\n", 3, "latlng"),
        (b"time,latlng\n0,\n1,5\n", 3, "latlng"),
        (b"hrv\n1:x\n", 2, "hrv"),
        (b"hrv\n1::2\n", 2, "hrv"),
        (b"hrv\n" + b":".join([b"1"] * (ARRAY_MOST + 1)), 2, "hrv"),
        (b'time\n"0\n', 2, None),
    ],
)
def test_what_is_wrong_is_told_with_its_row_and_column(data: bytes, row: int, column: str | None) -> None:
    with pytest.raises(BadCell) as refused:
        decode_streams(data)

    assert (refused.value.row, refused.value.column) == (row, column)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xff\xff\n1", ",".join(map(str, range(500))).encode()])
def test_what_is_no_table_is_refused(data: bytes) -> None:
    with pytest.raises(Unusable):
        decode_streams(data)


def test_columns_of_different_lengths_are_not_written() -> None:
    with pytest.raises(ValueError, match="length"):
        encode_streams({"time": np.arange(3.0), "watts": np.arange(2.0)})


def test_laps_read_as_they_were_written() -> None:
    laps = ride().laps

    assert decode_laps(encode_laps(laps)) == laps


def test_a_lap_with_wrong_rows_is_told() -> None:
    for cells, column in (
        ("0,x", "end_index"),
        ("5,2", "end_index"),
        ("-1,2", "start_index"),
        ("0.5,2", "start_index"),
    ):
        with pytest.raises(BadCell) as refused:
            decode_laps(f"start_index,end_index\n{cells}\n".encode())
        assert (refused.value.row, refused.value.column) == (2, column)


@given(st.binary(max_size=200) | st.text('time,latlng:hrv.0123456789"\r\n-e ', max_size=120).map(str.encode))
def test_any_bytes_are_streams_or_unusable(data: bytes) -> None:
    for wrapped in (data, b"time,latlng,hrv\n" + data, b"start_index,end_index,start,intensity\n" + data):
        try:
            channels = decode_streams(wrapped)
            assert len({len(values) for values in channels.values()}) == 1
            decode_laps(wrapped)
        except Unusable:
            continue
