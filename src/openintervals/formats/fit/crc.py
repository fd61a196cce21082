"""The check sum of FIT files: CRC-16 with the polynomial x¹⁶ + x¹⁵ + x² + 1, lowest bit first, from zero.

The polynomial is (x + 1)·q with q = x¹⁵ + x + 1. Squaring a polynomial over two elements squares each of its terms, so
x¹⁵ˢ = xˢ + 1 modulo q whenever s is a power of two. Hence a long message is folded, not walked: its first bytes are
added (exclusive or) to those 14·s and 15·s bytes further on, which halves what is left. Modulo x + 1 a message is its
parity. Both remainders together are the check sum. The work is a few passes over the bytes in whole blocks.
"""

import numpy as np
from numpy.typing import NDArray

_SHORT = 64  # bytes: from here on the table is quicker than another fold
_Q = 0xC001  # q, mirrored as the check sum is


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_TABLE = tuple(_entry(byte) for byte in range(256))


def crc16(data: bytes | bytearray | memoryview | NDArray[np.uint8]) -> int:
    """The check sum of the bytes; that of bytes followed by their own check sum, low byte first, is 0."""
    if len(data) <= _SHORT:
        return _walk(bytes(data))
    left = np.array(np.frombuffer(data, np.uint8))
    odd = int(np.bitwise_xor.reduce(left)).bit_count() & 1
    while len(left) > _SHORT:
        step = 1 << ((len(left) - 1) // 15).bit_length() - 1
        head = min(len(left) - 15 * step, 14 * step)
        left[14 * step : 14 * step + head] ^= left[:head]
        left[15 * step : 15 * step + head] ^= left[:head]
        left = left[head:]
    short = _walk(left.tobytes())
    return short if short.bit_count() & 1 == odd else short ^ _Q


def _walk(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc
