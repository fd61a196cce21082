"""A damaged file is read up to its fault, and the fault is told."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from openintervals.formats.fit import Decoded, Undecodable, decode, encode
from tests.formats.fit import raw
from tests.formats.fit.raw import EVENT, RECORD, U8, U16, definition, message, u16

DEFINED = definition(0, RECORD, [(7, 2, U16)])


def codes(decoded: Decoded) -> list[tuple[str, int]]:
    return [(fault.code, fault.offset) for fault in decoded.warnings]


def test_a_wrong_check_sum_is_a_warning() -> None:
    data = raw.file(DEFINED, message(0, u16(9)), crc=1)

    decoded = decode(data)

    assert codes(decoded) == [("crc", len(data) - 2)]
    assert_array_equal(decoded.messages["record"]["power"], [9])


def test_a_wrong_check_sum_of_the_header_is_a_warning() -> None:
    decoded = decode(raw.file(DEFINED, message(0, u16(9)), header_crc=0x1234))

    assert codes(decoded) == [("header_crc", 12)]


def test_everything_before_a_cut_is_kept() -> None:
    data = raw.file(DEFINED, *(message(0, u16(index)) for index in range(100)))

    decoded = decode(data[:-5])

    assert_array_equal(decoded.messages["record"]["power"], np.arange(99))
    assert codes(decoded) == [("truncated", len(data) - 5)]


@pytest.mark.parametrize("cut", [1, 2])
def test_a_cut_inside_a_message_leaves_that_message_out(cut: int) -> None:
    data = raw.file(DEFINED, *(message(0, u16(index)) for index in range(100)))

    decoded = decode(data[: -2 - cut])

    assert_array_equal(decoded.messages["record"]["power"], np.arange(99))
    assert codes(decoded)[-1] == ("truncated", len(data) - 2 - 3)


def test_a_cut_inside_a_definition_leaves_that_definition_out() -> None:
    data = raw.file(DEFINED, message(0, u16(9)), definition(1, EVENT, [(0, 1, 0), (1, 1, 0)]))

    decoded = decode(data[:-4])

    assert list(decoded.messages) == ["record"]
    assert codes(decoded)[-1][0] == "truncated"


def test_a_file_cut_anywhere_is_read_or_refused_and_never_gains_a_message() -> None:
    data = encode(
        {"file_id": {"type": [4.0]}, "record": {"timestamp": 1.7e9 + np.arange(20), "power": np.arange(20.0)}}
    )
    before = 0

    for length in range(len(data)):
        try:
            messages = decode(data[:length]).messages
        except Undecodable:
            assert before == 0
            continue
        power = messages["record"]["power"] if "record" in messages else np.empty(0)
        assert len(power) >= before
        assert_array_equal(power, np.arange(len(power)))
        before = len(power)
    assert before == 20


def test_a_message_without_a_definition_ends_the_reading_where_it_cannot_go_on() -> None:
    data = raw.file(DEFINED, message(0, u16(9)), message(5, u16(1)))

    decoded = decode(data)

    assert codes(decoded) == [("definition_missing", 14 + len(DEFINED) + 3)]
    assert "type 5" in decoded.warnings[0].message
    assert_array_equal(decoded.messages["record"]["power"], [9])


def test_reading_goes_on_with_the_next_definition_when_all_that_follows_fits() -> None:
    lost = message(5, bytes(range(1, 40)))
    after = definition(1, EVENT, [(0, 1, 0), (1, 1, 0)])
    data = raw.file(DEFINED, message(0, u16(9)), lost, after, message(1, b"\x00\x04"), message(0, u16(10)))

    decoded = decode(data)

    at = 14 + len(DEFINED) + 3
    assert codes(decoded) == [("definition_missing", at), ("skipped", at)]
    assert f"{len(lost)} bytes" in decoded.warnings[1].message
    assert_array_equal(decoded.messages["record"]["power"], [9, 10])
    assert_array_equal(decoded.messages["event"]["event_type"], [4])


def test_a_fault_in_one_file_does_not_reach_the_next() -> None:
    broken = raw.file(DEFINED, message(0, u16(9)), message(5))
    whole = raw.file(DEFINED, message(0, u16(10)))

    decoded = decode(broken + whole)

    assert [file["record"]["power"].tolist() for file in decoded.files] == [[9], [10]]
    assert [fault.code for fault in decoded.warnings] == ["definition_missing"]


def test_bytes_between_files_and_behind_the_last_are_skipped_and_told() -> None:
    one = raw.file(DEFINED, message(0, u16(9)))

    decoded = decode(one + bytes(7) + one + bytes(3))

    assert len(decoded.files) == 2
    assert codes(decoded) == [("skipped", len(one)), ("skipped", 2 * len(one) + 7)]


def test_a_header_without_a_size_means_everything_behind_it() -> None:
    decoded = decode(raw.file(DEFINED, message(0, u16(9)), size=0))

    assert codes(decoded) == [("size", 4)]
    assert_array_equal(decoded.messages["record"]["power"], [9])


def test_a_header_with_too_small_a_size_does_not_hide_what_follows() -> None:
    decoded = decode(raw.file(DEFINED, *(message(0, u16(index)) for index in range(50)), size=len(DEFINED) + 8))

    assert [fault.code for fault in decoded.warnings] == ["crc", "size"]
    assert_array_equal(decoded.messages["record"]["power"], np.arange(50))


def test_a_header_with_too_large_a_size_is_a_file_that_ends_early() -> None:
    decoded = decode(raw.file(DEFINED, message(0, u16(9)), size=4_000_000_000)[:-2])

    assert [fault.code for fault in decoded.warnings] == ["truncated"]
    assert_array_equal(decoded.messages["record"]["power"], [9])


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"", 0),
        (b"hello, world, this is no FIT file", 0),
        (raw.file(), 14),
        (raw.file(DEFINED), 14),
        (raw.file(message(3, b"\x00\x00")), 14),
    ],
)
def test_bytes_without_a_single_message_are_undecodable_and_say_where(data: bytes, offset: int) -> None:
    with pytest.raises(Undecodable) as refused:
        decode(data)

    assert refused.value.offset == offset


def test_a_file_above_the_limit_is_refused() -> None:
    data = raw.file(DEFINED, message(0, u16(9)))

    with pytest.raises(Undecodable, match="larger than 20 bytes"):
        decode(data, most_bytes=20)
    assert decode(data, most_bytes=len(data)).warnings == ()


def test_more_definitions_than_any_device_writes_end_the_reading() -> None:
    many = b"".join(definition(0, kind, [(0, 1, U8)]) + message(0, b"\x05") for kind in range(50_000, 60_000))

    decoded = decode(raw.file(many))

    assert [fault.code for fault in decoded.warnings] == ["too_many"]
    assert len(decoded.messages) == 16_384 // 2
