"""The stream codec: what was stored comes back, and what was not raises."""

import json

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from openintervals.formats import streams
from openintervals.formats.fit_channels import SEMICIRCLES
from openintervals.formats.streams import DOUBLE, SCALED, SINGLE, Damaged
from tests.formats.rides import ride

RESOLUTIONS = {
    "watts": 1,
    "distance": 100,
    "velocity_smooth": 1000,
    "altitude": 5,
    "lat": 1e7,
    "time": 1,
    "unheard_of": 1,
}
values_or_nulls = st.integers(-(2**31) + 1, 2**31 - 1) | st.integers(-50, 50) | st.none()


@given(st.sampled_from(sorted(RESOLUTIONS)), st.lists(values_or_nulls, max_size=60))
def test_numbers_of_the_resolution_come_back_to_the_last_bit(channel: str, steps: list[int | None]) -> None:
    values = np.array([np.nan if step is None else step / RESOLUTIONS[channel] for step in steps], np.float64)

    stored = streams.encode(channel, values)

    assert stored.form == SCALED
    assert np.array_equal(streams.decode(stored), values, equal_nan=True)


@given(
    hnp.arrays(np.float64, st.integers(0, 60), elements=st.floats(allow_infinity=False)),
    st.sampled_from(["watts", "lat"]),
)
def test_any_numbers_come_back_within_a_millionth_of_the_resolution(values: np.ndarray, channel: str) -> None:
    stored = streams.encode(channel, values)

    found = streams.decode(stored)

    assert np.allclose(found, values, rtol=0, atol=2e-6 / stored.scale, equal_nan=True)
    if stored.form != SCALED:
        assert np.array_equal(found, values, equal_nan=True)


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=60))
def test_semicircles_of_a_device_come_back_as_they_were(positions: list[int]) -> None:
    degrees = np.array(positions) / SEMICIRCLES

    found = streams.decode(streams.encode("lng", degrees))

    assert np.array_equal(np.round(found * SEMICIRCLES), positions)


def test_floats_of_32_bits_take_as_little_room_as_their_decimals() -> None:
    values = np.round(np.cumsum(np.full(3600, 8.19)), 2).astype(np.float32).astype(np.float64)

    stored = streams.encode("distance", values)

    assert stored.form == SINGLE
    assert len(stored.data) < 6_000
    assert np.array_equal(streams.decode(stored), values)


@pytest.mark.parametrize("values", [[1e300, -1e-300], [1 / 3, 2 / 3], [2.0**40, 0.5]])
def test_numbers_of_no_resolution_are_kept_as_they_are(values: list[float]) -> None:
    stored = streams.encode("watts", values)

    assert stored.form == DOUBLE
    assert streams.decode(stored).tolist() == values


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 20), st.integers(0, 5)),
        elements=st.integers(0, 2000).map(lambda ms: ms / 1000),
    )
)
def test_tables_come_back_in_their_shape(beats: np.ndarray) -> None:
    beats = beats.copy()
    beats[beats > 1] = np.nan

    found = streams.decode(streams.encode("hrv", beats))

    assert np.array_equal(found, beats if beats.size else found, equal_nan=True)
    assert found.size == beats.size


@given(hnp.arrays(np.float64, st.integers(0, 40), elements=st.floats(allow_infinity=False, width=32)))
def test_packed_is_unpacked(values: np.ndarray) -> None:
    stored = streams.encode("watts", values)

    assert streams.unpack(streams.pack(stored)) == stored


def test_an_hour_of_ten_channels_takes_few_bytes() -> None:
    channels = ride(3_600).channels

    stored = [streams.encode(name, values) for name, values in channels.items()]

    assert sum(len(streams.pack(each)) for each in stored) < 30_000
    assert [each.unit for each in stored][:3] == ["s", "W", "bpm"]


def test_what_cannot_be_stored_is_refused() -> None:
    with pytest.raises(ValueError, match="infinite"):
        streams.encode("watts", [1.0, np.inf])
    with pytest.raises(ValueError, match="dimensions"):
        streams.encode("watts", np.zeros((2, 2, 2)))


GOOD = streams.encode("watts", np.where(np.arange(500) % 7, np.arange(500.0), np.nan))


@pytest.mark.parametrize(
    "wrong",
    [
        GOOD._replace(codec=2), GOOD._replace(form="other"), GOOD._replace(length=499), GOOD._replace(length=-1),
        GOOD._replace(length=2**40), GOOD._replace(scale=0.0), GOOD._replace(scale=float("nan")), GOOD._replace(scale=1e-300), GOOD._replace(width=3),
        GOOD._replace(data=b""), GOOD._replace(data=GOOD.data[:-3]), GOOD._replace(nulls=GOOD.nulls[:-1]),
        GOOD._replace(form=DOUBLE), GOOD._replace(data=zstandard.compress(bytes(100_000_000))),
        GOOD._replace(nulls=zstandard.compress(bytes(100_000_000))),
    ],
)  # fmt: skip
def test_stored_bytes_that_do_not_fit_are_damaged(wrong: streams.Stored) -> None:
    with pytest.raises(Damaged):
        streams.decode(wrong)


PACKED = streams.pack(GOOD)


@given(
    st.lists(st.tuples(st.integers(0, len(PACKED) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(PACKED))
)
def test_any_bytes_are_values_or_damaged(changes: list[tuple[int, int]], end: int) -> None:
    data = bytearray(PACKED)
    for at, value in changes:
        data[at] = value
    for octets in (bytes(data), bytes(data[:end])):
        try:
            stored = streams.unpack(octets)
            assert streams.decode(stored).size == stored.length
        except Damaged:
            continue


@given(
    hnp.arrays(
        np.float64, st.integers(0, 30), elements=st.floats(allow_infinity=False) | st.integers(0, 400).map(float)
    )
)
def test_json_has_the_same_numbers_and_null(values: np.ndarray) -> None:
    found = json.loads(streams.to_json(values))

    assert np.array_equal(
        np.array([np.nan if each is None else each for each in found], np.float64), values, equal_nan=True
    )


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1, 2], b"[1,2]"), ([1, np.nan], b"[1,null]"), ([1.5, np.nan], b"[1.5,null]"), ([], b"[]"),
        ([[0.8, np.nan], [np.nan, np.nan], [0.7, 0.9]], b"[[0.8],null,[0.7,0.9]]"),
    ],
)  # fmt: skip
def test_whole_numbers_have_no_point_and_rows_no_nulls(values: list[float], text: bytes) -> None:
    assert streams.to_json(values) == text
