"""FIT files byte by byte, for what no encoder of ours would write."""

from collections.abc import Iterable
from typing import Literal

from openintervals.formats.fit.crc import crc16

Fields = Iterable[tuple[int, int, int]]  # number, size, base type; of developer fields number, size, developer

ENUM, U8, U16, U32, I32, TEXT, F32, BYTE = 0x00, 0x02, 0x84, 0x86, 0x85, 0x07, 0x88, 0x0D
RECORD, EVENT, HR, FILE_ID = 20, 21, 132, 0
TIME = 1_000_000_000  # as stored: Unix time less 631,065,600


def definition(local: int, kind: int, fields: Fields, developer: Fields | None = None, *, big: bool = False) -> bytes:
    order: Literal["big", "little"] = "big" if big else "little"
    fields = list(fields)
    head = bytes([0x40 | (0x20 if developer is not None else 0) | local, 0, big]) + kind.to_bytes(2, order)
    head += bytes([len(fields)]) + b"".join(bytes(field) for field in fields)
    if developer is not None:
        developer = list(developer)
        head += bytes([len(developer)]) + b"".join(bytes(field) for field in developer)
    return head


def u32(*values: int, big: bool = False) -> bytes:
    return b"".join(value.to_bytes(4, "big" if big else "little") for value in values)


def u16(*values: int, big: bool = False) -> bytes:
    return b"".join(value.to_bytes(2, "big" if big else "little") for value in values)


def message(local: int, *parts: bytes) -> bytes:
    return bytes([local]) + b"".join(parts)


def compressed(local: int, five_bits: int, *parts: bytes) -> bytes:
    return message(0x80 | local << 5 | five_bits, *parts)


def file(
    *parts: bytes, header: int = 14, header_crc: int | None = None, size: int | None = None, crc: int = 0
) -> bytes:
    """A file around these messages; `crc` is added to the right check sum, `header_crc` stands instead of it."""
    body = b"".join(parts)
    head = bytes([header, 0x20]) + u16(2100) + u32(len(body) if size is None else size) + b".FIT"
    if header >= 14:
        head += u16(crc16(head) if header_crc is None else header_crc) + bytes(header - 14)
    return head + body + u16((crc16(head + body) + crc) & 0xFFFF)
