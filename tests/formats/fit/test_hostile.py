"""Whatever the bytes are, they are read or refused, and cost no more than a small multiple of their size."""

import random
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from openintervals.formats.fit import DeveloperField, Undecodable, decode, encode
from tests.formats.fit import raw
from tests.formats.fit.files import START_S, ride
from tests.formats.fit.raw import BYTE, EVENT, HR, RECORD, TEXT, TIME, U8, U16, U32, definition, message, u16, u32


def touch_everything(data: bytes) -> None:
    try:
        decoded = decode(data)
    except Undecodable as refused:
        assert 0 <= refused.offset <= len(data)  # noqa: PT017
        return
    for fault in decoded.warnings:
        assert 0 <= fault.offset <= len(data)
    for file in decoded.files:
        for columns in file.values():
            assert columns.count > 0
            for name in columns:
                assert len(columns[name]) == columns.count


def _sources() -> list[bytes]:
    """Files with everything in them that is read in some way of its own."""
    messages = ride(40)
    messages["record"]["Core"] = np.full(40, 36.6)
    written = encode(messages, developer=[DeveloperField("record", "Core", units="°C")])
    swim = encode(
        {"file_id": {"type": [4]}, "record": {"timestamp": START_S + np.arange(9.0), "cadence": np.arange(9.0)}}
    )
    strap = raw.file(
        definition(0, HR, [(253, 4, U32), (9, 4, U32), (6, 1, U8)]),
        message(0, u32(TIME, 5000), b"\x50"),
        definition(0, HR, [(10, 12, BYTE), (6, 8, U8)]),
        message(0, bytes(range(12)), bytes(range(80, 88))),
    )
    packed = raw.file(
        definition(0, RECORD, [(253, 4, U32), (8, 3, BYTE), (18, 1, U8), (28, 2, U16)]),
        definition(1, EVENT, [(0, 1, 0), (2, 2, U16), (1, 1, 0)], big=True),
        definition(2, RECORD, [(6, 2, U16), (0, 4, TEXT)]),
        *(message(0, u32(TIME + index), b"\x10\x20\x30", bytes([index]), u16(index)) for index in range(9)),
        *(raw.compressed(1, index, b"\x2a", u16(index), b"\x03") for index in range(9)),
        *(raw.compressed(2, index, u16(index), b"abc\0") for index in range(9)),
    )
    return [written, swim + strap, packed, swim + packed]


SOURCES = _sources()
Spelled = tuple[int, int, int]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real file with a few bytes changed, left out, put in or repeated, and sometimes a check sum that fits again."""
    data = bytearray(draw(st.sampled_from(SOURCES)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data) - 1)) if data else 0
        match draw(st.integers(0, 4)):
            case 0:
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                del data[at : at + draw(st.integers(1, 40))]
            case 2:
                data[at:at] = draw(st.binary(min_size=1, max_size=12))
            case 3:
                data[at:at] = data[at : at + draw(st.integers(1, 60))]
            case _:
                del data[at:]
    return bytes(data)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_a_damaged_file_is_read_or_refused(data: bytes) -> None:
    touch_everything(data)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
@example(b"")
@example(b"\x0e")
def test_any_bytes_at_all_are_read_or_refused(data: bytes) -> None:
    touch_everything(data)
    touch_everything(raw.file(data))


_CODES = [0, 1, 2, 7, 10, 13, 0x83, 0x84, 0x85, 0x86, 0x88, 0x89, 0x8B, 0x8C, 0x8E, 0x8F, 0x90, 0x33]
_KINDS = [RECORD, EVENT, HR, 18, 19, 206, 207, 290, 47, 23]
_numbers = st.sampled_from([0, 1, 2, 3, 5, 6, 8, 9, 10, 253]) | st.integers(0, 255)
_field = st.tuples(_numbers, st.integers(0, 20), st.sampled_from(_CODES))
_developer_field = st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 2))
_part = st.tuples(
    st.integers(0, 15),
    st.sampled_from(_KINDS),
    st.lists(_field, max_size=8),
    st.lists(_developer_field, max_size=3),
    st.binary(max_size=120),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_part, min_size=1, max_size=6))
def test_definitions_may_say_anything(parts: list[tuple[int, int, list[Spelled], list[Spelled], bytes]]) -> None:
    body = b""
    for local, kind, fields, developer, data in parts:
        size = sum(field[1] for field in fields) + sum(field[1] for field in developer)
        body += definition(local, kind, fields, developer)
        for at in range(0, len(data), size or 100):
            body += message(local, data[at : at + size].ljust(size, b"\xff"))
    touch_everything(raw.file(body))


MEGABYTE = 1_000_000


def _many_short_messages() -> bytes:
    return definition(0, RECORD, []) + message(0) * MEGABYTE


def _one_wide_message_among_many_short_ones() -> bytes:
    wide = definition(1, RECORD, [(number, 255, U8) for number in range(250)])
    return (
        wide
        + message(1, bytes(255 * 250))
        + definition(0, RECORD, [(7, 1, U8)])
        + message(0, b"\x07") * (MEGABYTE // 2)
    )


def _a_definition_before_every_message() -> bytes:
    return (definition(0, RECORD, [(7, 2, U16)]) + message(0, u16(5))) * (MEGABYTE // 12)


def _only_definitions() -> bytes:
    every = [(number, 1, U8) for number in range(255)]
    some = (definition(0, kind % 65_000, every) + message(0, bytes(255)) for kind in range(MEGABYTE // 1030))
    return b"".join(some)


def _short_texts() -> bytes:
    random.seed(1)
    return definition(0, RECORD, [(0, 2, TEXT)]) + b"".join(
        message(0, random.randbytes(2)) for _ in range(MEGABYTE // 3)
    )


@pytest.mark.parametrize(
    "body",
    [
        _many_short_messages, _one_wide_message_among_many_short_ones, _a_definition_before_every_message,
        _only_definitions, _short_texts,
    ],
)  # fmt: skip
def test_a_file_costs_at_most_a_small_multiple_of_its_size(body: Callable[[], bytes]) -> None:
    data = raw.file(body())

    tracemalloc.start()
    touch_everything(data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 64 * len(data)


def test_many_headers_one_after_another_are_not_all_read() -> None:
    tiny = raw.file(definition(0, RECORD, [(7, 1, U8)]), message(0, b"\x07"))

    decoded = decode(tiny * 2000)

    assert len(decoded.files) == 64
    assert decoded.warnings[-1].code == "skipped"
