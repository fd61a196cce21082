"""Fields inside fields: components, sub-fields, and heart rates that a strap sends later."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from openintervals.formats.fit import Columns, decode
from openintervals.formats.fit.expand import unroll
from tests.formats.fit import raw
from tests.formats.fit.raw import BYTE, EVENT, FILE_ID, HR, RECORD, TIME, U8, U16, U32, definition, message, u16, u32

UNIX = 631_065_600
ENUM = raw.ENUM


def columns(*parts: bytes, kind: str = "record") -> Columns:
    decoded = decode(raw.file(*parts))
    assert decoded.warnings == ()
    return decoded.messages[kind]


def packed(speed: int, distance: int) -> bytes:
    return (speed | distance << 12).to_bytes(3, "little")


def test_speed_and_altitude_are_also_told_by_their_wider_fields() -> None:
    record = columns(
        definition(0, RECORD, [(6, 2, U16), (2, 2, U16)]), message(0, u16(5500, 3000)), message(0, u16(0xFFFF, 0xFFFF))
    )

    assert set(record) == {"speed", "altitude", "enhanced_speed", "enhanced_altitude"}
    assert_array_equal(record["enhanced_speed"], [5.5, np.nan])
    assert_array_equal(record["enhanced_altitude"], [100, np.nan])


def test_a_wider_field_of_its_own_counts_before_the_narrow_one() -> None:
    record = columns(
        definition(0, RECORD, [(6, 2, U16), (73, 4, U32)]),
        message(0, u16(5500), u32(70_000)),
        message(0, u16(5500), u32(0xFFFF_FFFF)),
    )

    assert_array_equal(record["enhanced_speed"], [70, 5.5])


def test_compressed_speed_and_distance_are_unpacked_and_the_distance_runs_on() -> None:
    record = columns(
        definition(0, RECORD, [(8, 3, BYTE)]),
        message(0, packed(250, 4000)),
        message(0, packed(300, 4090)),
        message(0, b"\xff\xff\xff"),
        message(0, packed(301, 20)),
    )

    assert_array_equal(record["speed"], [2.5, 3, np.nan, 3.01])
    assert_array_equal(record["enhanced_speed"], [2.5, 3, np.nan, 3.01])
    assert_array_equal(record["distance"], [250, 4090 / 16, np.nan, (4096 + 20) / 16])


def test_cycles_and_compressed_work_run_on_beyond_their_bits() -> None:
    record = columns(
        definition(0, RECORD, [(18, 1, U8), (28, 2, U16)]),
        message(0, b"\xfa", u16(65_000)),
        message(0, b"\x04", u16(100)),
        message(0, b"\x03", u16(99)),
    )

    assert_array_equal(record["total_cycles"], [250, 260, 515])
    assert_array_equal(record["accumulated_power"], [65_000, 65_636, 131_171])


def test_event_data_is_named_by_its_event() -> None:
    event = columns(
        definition(0, EVENT, [(0, 1, ENUM), (1, 1, ENUM), (3, 4, U32)]),
        message(0, b"\x00\x00", u32(1)),
        message(0, b"\x0b\x03", u32(3700)),
        message(0, b"\x2a\x03", bytes([2, 17, 1, 50])),
        kind="event",
    )

    assert_array_equal(event["timer_trigger"], [1, np.nan, np.nan])
    assert_array_equal(event["battery_level"], [np.nan, 3.7, np.nan])
    assert_array_equal(event["rear_gear_num"], [np.nan, np.nan, 2])
    assert_array_equal(event["rear_gear"], [np.nan, np.nan, 17])
    assert_array_equal(event["front_gear_num"], [np.nan, np.nan, 1])
    assert_array_equal(event["front_gear"], [np.nan, np.nan, 50])
    assert "rider_position" not in event


def test_event_data_may_itself_come_from_sixteen_bits() -> None:
    event = columns(definition(0, EVENT, [(0, 1, ENUM), (2, 2, U16)]), message(0, b"\x0b", u16(3700)), kind="event")

    assert_array_equal(event["data"], [3700])
    assert_array_equal(event["battery_level"], [3.7])


def test_a_product_is_named_by_its_maker() -> None:
    told = columns(definition(0, FILE_ID, [(1, 2, U16), (2, 2, U16)]), message(0, u16(1, 3121)), kind="file_id")

    assert_array_equal(told["garmin_product"], [3121])
    assert_array_equal(told["product"], [3121])
    assert "favero_product" not in told


def test_a_packed_field_that_is_a_text_gives_nothing_and_does_no_harm() -> None:
    record = columns(definition(0, RECORD, [(6, 4, raw.TEXT)]), message(0, b"fast"))

    assert record["speed"].tolist() == ["fast"]
    assert_array_equal(record["enhanced_speed"], [np.nan])


def hr_file(start: int, strap: int, rates: list[int], beats: list[int]) -> bytes:
    """A strap's file: the clock of both, then beats, in 1/1024 s after the first."""
    low = [(strap + beat) & 0xFFF for beat in beats]
    octets = bytearray()
    for one, two in zip(low[::2], low[1::2], strict=True):
        octets += (one | two << 12).to_bytes(3, "little")
    count = len(beats)
    return raw.file(
        definition(0, HR, [(253, 4, U32), (9, 4, U32), (6, 1, U8)]),
        message(0, u32(start, strap), bytes(rates[:1])),
        definition(0, HR, [(10, len(octets), BYTE), (6, count, U8)]),
        message(0, bytes(octets), bytes(rates[1:])),
    )


def test_beats_of_a_strap_run_on_from_the_last_full_time() -> None:
    decoded = decode(hr_file(TIME, 5 * 1024, [90, 91, 92, 93, 94], [1024, 3072, 5120, 8192]))

    assert_allclose(decoded.messages["hr"]["event_timestamp"][1], [6, 8, 10, 13])
    assert_array_equal(decoded.messages["hr"]["filtered_bpm"][1], [91, 92, 93, 94])


def swim(*times: int, rates: list[int] | None = None) -> bytes:
    fields = [(253, 4, U32), (3, 1, U8)] if rates else [(253, 4, U32)]
    records = [message(0, u32(time), bytes([rates[index]]) if rates else b"") for index, time in enumerate(times)]
    identity = definition(1, FILE_ID, [(0, 1, ENUM)]) + message(1, b"\x04")
    return raw.file(identity, definition(0, RECORD, fields), *records)


def test_rates_of_a_strap_are_the_heart_rates_of_the_records_they_fell_into() -> None:
    strap = hr_file(TIME, 5 * 1024, [90, 100, 103, 110, 120], [1024, 1500, 2048, 4096])

    record = decode(swim(TIME, TIME + 1, TIME + 2, TIME + 3, TIME + 5) + strap).messages["record"]

    assert list(record) == ["timestamp", "heart_rate"]
    assert_array_equal(record["heart_rate"], [90, 100, 106, np.nan, 120])


def test_a_rate_that_a_record_has_itself_is_kept() -> None:
    strap = hr_file(TIME, 5 * 1024, [90, 100, 103, 110, 120], [1024, 1500, 2048, 4096])

    record = decode(swim(TIME, TIME + 1, TIME + 2, rates=[60, 0xFF, 62]) + strap).messages["record"]

    assert_array_equal(record["heart_rate"], [60, 100, 62])


def test_a_strap_belongs_to_the_activity_before_it_and_to_no_other() -> None:
    strap = hr_file(TIME, 5 * 1024, [90, 100, 103, 110, 120], [1024, 1500, 2048, 4096])

    one, _, two = decode(swim(TIME) + strap + swim(TIME)).files

    assert "heart_rate" in one["record"]
    assert "heart_rate" not in two["record"]


@given(st.lists(st.integers(0, 700), min_size=1, max_size=60), st.integers(0, 2**40), st.data())
def test_a_number_that_never_leaps_too_far_is_restored_from_its_lowest_bits(
    steps: list[int], start: int, data: st.DataObject
) -> None:
    bits = data.draw(st.integers(10, 16))
    whole = start + np.cumsum(np.array(steps, np.int64))
    full = np.array(data.draw(st.lists(st.booleans(), min_size=len(whole), max_size=len(whole))), bool)
    full[0] = True
    sent = np.where(full, whole, whole & (1 << bits) - 1)

    assert_array_equal(unroll(sent, full, bits), whole)
