"""The check sum is folded in whole blocks; here it is compared with walking bit by bit."""

from hypothesis import given
from hypothesis import strategies as st

from openintervals.formats.fit.crc import crc16


def bit_by_bit(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def test_the_check_sum_of_the_usual_example_is_right() -> None:
    assert crc16(b"123456789") == 0xBB3D


def test_nothing_has_the_check_sum_zero() -> None:
    assert crc16(b"") == 0


@given(st.binary(max_size=700))
def test_folding_gives_what_walking_gives(data: bytes) -> None:
    assert crc16(data) == bit_by_bit(data)


@given(st.integers(0, 5000), st.randoms(use_true_random=False))
def test_bytes_followed_by_their_check_sum_have_the_check_sum_zero(length: int, random: object) -> None:
    data = random.randbytes(length)  # type: ignore[attr-defined]

    assert crc16(data) == bit_by_bit(data)
    assert crc16(data + crc16(data).to_bytes(2, "little")) == 0
