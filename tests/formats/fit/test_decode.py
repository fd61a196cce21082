"""What is in a file becomes columns: types, byte orders, arrays, texts, times, developer fields."""

import struct

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from openintervals.formats.fit import Columns, decode
from tests.formats.fit import raw
from tests.formats.fit.raw import (
    BYTE,
    EVENT,
    F32,
    FILE_ID,
    I32,
    RECORD,
    TEXT,
    TIME,
    U8,
    U16,
    U32,
    definition,
    message,
    u16,
    u32,
)

UNIX = 631_065_600


def columns(*parts: bytes, kind: str = "record") -> Columns:
    decoded = decode(raw.file(*parts))
    assert decoded.warnings == ()
    return decoded.messages[kind]


def test_a_column_has_a_value_for_each_message_in_scale_and_nan_where_it_is_absent() -> None:
    record = columns(
        definition(0, RECORD, [(253, 4, U32), (5, 4, U32), (7, 2, U16)]),
        message(0, u32(TIME, 1250), u16(210)),
        message(0, u32(TIME + 1, 0xFFFF_FFFF), u16(0xFFFF)),
    )

    assert list(record) == ["timestamp", "distance", "power"]
    assert record.count == 2
    assert_array_equal(record["timestamp"], [TIME + UNIX, TIME + UNIX + 1])
    assert_array_equal(record["distance"], [12.5, np.nan])
    assert_array_equal(record["power"], [210, np.nan])
    assert record["power"].dtype == np.float64


def test_an_offset_is_subtracted_after_scaling() -> None:
    record = columns(definition(0, RECORD, [(2, 2, U16)]), message(0, u16(2617)))

    assert_array_equal(record["altitude"], [2617 / 5 - 500])


def test_both_byte_orders_may_be_mixed_in_one_file() -> None:
    record = columns(
        definition(0, RECORD, [(7, 2, U16), (0, 4, I32)]),
        message(0, u16(300), u32(5)),
        definition(1, RECORD, [(7, 2, U16), (0, 4, I32)], big=True),
        message(1, u16(301, big=True), u32(6, big=True)),
        message(0, u16(302), u32(0xFFFF_FFFF)),
    )

    assert_array_equal(record["power"], [300, 301, 302])
    assert_array_equal(record["position_lat"], [5, 6, -1])


def test_messages_of_several_definitions_stay_in_the_order_of_the_file() -> None:
    record = columns(
        definition(0, RECORD, [(7, 2, U16)]),
        definition(1, RECORD, [(7, 2, U16), (3, 1, U8)]),
        message(0, u16(1)),
        message(1, u16(2), b"\x64"),
        message(0, u16(3)),
        definition(0, RECORD, [(3, 1, U8)]),
        message(0, b"\x65"),
    )

    assert_array_equal(record["power"], [1, 2, 3, np.nan])
    assert_array_equal(record["heart_rate"], [np.nan, 100, np.nan, 101])


@pytest.mark.parametrize(
    ("code", "stored", "value"),
    [
        (0x00, b"\x05", 5), (0x00, b"\xff", None),
        (0x01, b"\x85", -123), (0x01, b"\x7f", None),
        (0x02, b"\xfe", 254), (0x02, b"\xff", None),
        (0x83, struct.pack("<h", -300), -300), (0x83, struct.pack("<h", 0x7FFF), None),
        (0x84, u16(65000), 65000), (0x84, u16(0xFFFF), None),
        (0x85, struct.pack("<i", -70000), -70000), (0x85, u32(0x7FFF_FFFF), None),
        (0x86, u32(4_000_000_000), 4_000_000_000), (0x86, u32(0xFFFF_FFFF), None),
        (0x88, struct.pack("<f", 1.5), 1.5), (0x88, b"\xff\xff\xff\xff", None),
        (0x89, struct.pack("<d", -2.25), -2.25), (0x89, b"\xff" * 8, None),
        (0x0A, b"\x07", 7), (0x0A, b"\x00", None),
        (0x8B, u16(0xFFFF), 0xFFFF), (0x8B, u16(0), None),
        (0x8C, u32(0xFFFF_FFFF), 0xFFFF_FFFF), (0x8C, u32(0), None),
        (0x0D, b"\x09", 9), (0x0D, b"\xff", None),
        (0x8E, struct.pack("<q", -5), -5), (0x8E, struct.pack("<q", 2**63 - 1), None),
        (0x8F, struct.pack("<Q", 5), 5), (0x8F, b"\xff" * 8, None),
        (0x90, struct.pack("<Q", 2**64 - 1), 2**64 - 1), (0x90, bytes(8), None),
    ],
)  # fmt: skip
def test_every_base_type_has_its_own_way_to_be_absent(code: int, stored: bytes, value: float | None) -> None:
    unknown = columns(definition(0, 60000, [(200, len(stored), code)]), message(0, stored), kind="unknown_60000")

    found = unknown["unknown_200"][0]
    assert np.isnan(found) if value is None else found == value


def test_integers_of_64_bits_stay_exact_where_none_is_absent() -> None:
    unknown = columns(
        definition(0, 60000, [(1, 8, 0x8F)]), message(0, struct.pack("<Q", 2**63 + 1)), kind="unknown_60000"
    )

    assert int(unknown["unknown_1"][0]) == 2**63 + 1


def test_kinds_and_fields_without_a_name_are_kept_by_number() -> None:
    decoded = decode(raw.file(definition(3, 60000, [(253, 4, U32), (9, 1, U8)]), message(3, u32(TIME), b"\x08")))

    assert list(decoded.messages) == ["unknown_60000"]
    assert decoded.messages["unknown_60000"].number == 60000
    assert_array_equal(decoded.messages["unknown_60000"]["unknown_9"], [8])
    assert_array_equal(decoded.messages["unknown_60000"]["timestamp"], [TIME + UNIX])


def test_a_field_with_several_numbers_is_a_column_of_two_dimensions() -> None:
    hrv = columns(
        definition(0, 78, [(0, 6, U16)]),
        message(0, u16(812, 0xFFFF, 790)),
        definition(0, 78, [(0, 4, U16)]),
        message(0, u16(800, 801)),
        kind="hrv",
    )

    assert_array_equal(hrv["time"], [[0.812, np.nan, 0.79], [0.8, 0.801, np.nan]])


def test_bytes_are_absent_only_all_together() -> None:
    unknown = columns(
        definition(0, 60000, [(1, 2, BYTE)]), message(0, b"\xff\x01"), message(0, b"\xff\xff"), kind="unknown_60000"
    )

    assert_array_equal(unknown["unknown_1"], [[255, 1], [np.nan, np.nan]])


def test_a_text_ends_at_its_first_zero_and_is_none_when_empty() -> None:
    told = columns(
        definition(0, FILE_ID, [(8, 6, TEXT)]),
        message(0, "Zürn".encode() + b"\0"),
        message(0, b"abcdef"),
        message(0, b"\0bcdef"),
        message(0, b"a\0\xff\xff\xff\xff"),
        message(0, b"a\xff\0\0\0\0"),
        kind="file_id",
    )

    assert told["product_name"].tolist() == ["Zürn", "abcdef", None, "a", "a�"]


def test_a_size_that_the_type_does_not_go_into_makes_bytes() -> None:
    unknown = columns(definition(0, 60000, [(1, 3, U16)]), message(0, b"\x01\x02\x03"), kind="unknown_60000")

    assert_array_equal(unknown["unknown_1"], [[1, 2, 3]])


def test_an_instant_below_the_least_counts_from_when_the_device_was_switched_on() -> None:
    record = columns(definition(0, RECORD, [(253, 4, U32)]), message(0, u32(77)))

    assert_array_equal(record["timestamp"], [77])


def test_five_bits_of_time_in_the_header_are_carried_from_message_to_message() -> None:
    start = TIME // 32 * 32 + 30
    decoded = decode(
        raw.file(
            definition(0, RECORD, [(253, 4, U32), (3, 1, U8)]),
            definition(1, RECORD, [(3, 1, U8)]),
            definition(2, 60000, [(0, 1, U8)]),
            message(0, u32(start), b"\x40"),
            raw.compressed(1, 31, b"\x41"),
            raw.compressed(1, 31, b"\x42"),
            raw.compressed(2, 1, b"\x43"),
            raw.compressed(1, 0, b"\x44"),
        )
    )

    after = np.array([0, 1, 1, 34])
    assert_array_equal(decoded.messages["record"]["timestamp"], start + UNIX + after)
    assert_array_equal(decoded.messages["record"]["heart_rate"], [64, 65, 66, 68])
    assert_array_equal(decoded.messages["unknown_60000"]["timestamp"], [start + UNIX + 3])


def test_five_bits_of_time_before_any_full_time_say_nothing() -> None:
    record = columns(
        definition(0, RECORD, [(3, 1, U8)]),
        definition(1, RECORD, [(253, 4, U32)]),
        raw.compressed(0, 4, b"\x41"),
        message(1, u32(TIME)),
    )

    assert_array_equal(record["timestamp"], [np.nan, TIME + UNIX])


DESCRIPTION = definition(0, 206, [(0, 1, U8), (1, 1, U8), (2, 1, U8), (3, 8, TEXT), (8, 6, TEXT), (15, 1, U8)])


def test_developer_fields_are_columns_by_the_name_the_file_gives_them() -> None:
    record = columns(
        DESCRIPTION,
        message(0, b"\x00\x05", bytes([F32]), b"Stryd\0\0\0", b"W\0\0\0\0\0", b"\x07"),
        definition(1, RECORD, [(253, 4, U32)], [(5, 4, 0)]),
        message(1, u32(TIME), struct.pack("<f", 251.5)),
        message(1, u32(TIME + 1), b"\xff\xff\xff\xff"),
    )

    assert list(record) == ["timestamp", "Stryd"]
    assert_array_equal(record["Stryd"], [251.5, np.nan])
    assert (record.developer["Stryd"].units, record.developer["Stryd"].native) == ("W", 7)


def test_a_developer_field_called_like_another_gets_its_numbers_behind_its_name() -> None:
    record = columns(
        DESCRIPTION,
        message(0, b"\x00\x05", bytes([U16]), b"power\0\0\0", b"W\0\0\0\0\0", b"\x07"),
        message(0, b"\x01\x02", bytes([U16]), b"power\0\0\0", b"W\0\0\0\0\0", b"\x07"),
        definition(1, RECORD, [(7, 2, U16)], [(5, 2, 0), (2, 2, 1)]),
        message(1, u16(100, 200, 300)),
    )

    assert {name: record[name].tolist() for name in record} == {"power": [100], "power_0_5": [200], "power_1_2": [300]}


def test_a_developer_field_that_nothing_describes_is_kept_as_bytes() -> None:
    record = columns(definition(1, RECORD, [(7, 2, U16)], [(5, 2, 3)]), message(1, u16(100), b"\x01\x02"))

    assert_array_equal(record["developer_3_5"], [[1, 2]])


def test_files_that_follow_one_another_have_definitions_and_developers_of_their_own() -> None:
    first = raw.file(definition(0, FILE_ID, [(0, 1, U8)]), message(0, b"\x04"))
    second = raw.file(definition(0, RECORD, [(7, 2, U16)]), message(0, u16(9)))

    decoded = decode(first + second)

    assert decoded.warnings == ()
    assert [list(file) for file in decoded.files] == [["file_id"], ["record"]]
    assert [file.start for file in decoded.files] == [0, len(first)]
    assert decoded.messages is decoded.files[0]


@pytest.mark.parametrize(("header", "crc"), [(12, None), (14, None), (14, 0), (20, None)])
def test_headers_are_12_or_14_bytes_or_longer_and_may_have_no_check_sum(header: int, crc: int | None) -> None:
    decoded = decode(raw.file(definition(0, RECORD, [(7, 2, U16)]), message(0, u16(9)), header=header, header_crc=crc))

    assert decoded.warnings == ()
    assert_array_equal(decoded.messages["record"]["power"], [9])


def test_a_column_that_was_handed_out_cannot_be_written_to() -> None:
    record = columns(definition(0, RECORD, [(7, 2, U16)]), message(0, u16(9)))

    with pytest.raises(ValueError, match="read-only"):
        record["power"][0] = 1


def test_a_name_that_the_kind_does_not_have_is_a_key_error() -> None:
    record = columns(definition(0, RECORD, [(7, 2, U16)]), message(0, u16(9)))

    assert "cadence" not in record
    with pytest.raises(KeyError):
        record["cadence"]


def test_a_long_run_of_messages_is_taken_together_and_none_is_lost() -> None:
    count = 5000
    run = b"".join(message(0, u16(index)) for index in range(count))
    record = columns(
        definition(0, RECORD, [(7, 2, U16)]), run, definition(1, 60000, []), message(1), message(0, u16(7))
    )

    assert_array_equal(record["power"], [*range(count), 7])


def test_two_messages_in_turn_are_taken_together_and_none_is_lost() -> None:
    defined = [definition(0, RECORD, [(7, 2, U16)]), definition(1, EVENT, [(3, 2, U16)])]
    turns = [message(0, u16(index)) + message(1, u16(index)) for index in range(5_000)]
    data = raw.file(*defined, *turns, message(0, u16(7)))

    decoded = decode(data)
    cut = decode(data[:-6])  # inside the last message of the turns

    assert_array_equal(decoded.messages["record"]["power"], [*range(5_000), 7])
    assert_array_equal(decoded.messages["event"]["data"], range(5_000))
    assert not decoded.warnings
    assert_array_equal(cut.messages["record"]["power"], range(5_000))
    assert_array_equal(cut.messages["event"]["data"], range(4_999))


def test_messages_of_one_definition_in_turn_by_two_local_types_stay_in_the_order_of_the_file() -> None:
    defined = [definition(local, RECORD, [(7, 2, U16)]) for local in (0, 1)]
    turns = [message(index % 2, u16(index)) for index in range(100)]

    decoded = decode(raw.file(*defined, *turns))

    assert_array_equal(decoded.messages["record"]["power"], range(100))
