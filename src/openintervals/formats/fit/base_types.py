"""How numbers and texts are stored: the base types, by the lower five bits of their code in a definition."""

from typing import NamedTuple


class BaseType(NamedTuple):
    """`dtype` lacks the byte order; `invalid` is what stands for absent, None where absent is a NaN or an empty text."""

    name: str
    code: int
    dtype: str
    size: int
    invalid: int | None


_ALL = (
    BaseType("enum", 0x00, "u1", 1, 0xFF),
    BaseType("i8", 0x01, "i1", 1, 0x7F),
    BaseType("u8", 0x02, "u1", 1, 0xFF),
    BaseType("i16", 0x83, "i2", 2, 0x7FFF),
    BaseType("u16", 0x84, "u2", 2, 0xFFFF),
    BaseType("i32", 0x85, "i4", 4, 0x7FFF_FFFF),
    BaseType("u32", 0x86, "u4", 4, 0xFFFF_FFFF),
    BaseType("text", 0x07, "S", 1, None),
    BaseType("f32", 0x88, "f4", 4, None),
    BaseType("f64", 0x89, "f8", 8, None),
    BaseType("u8z", 0x0A, "u1", 1, 0),
    BaseType("u16z", 0x8B, "u2", 2, 0),
    BaseType("u32z", 0x8C, "u4", 4, 0),
    BaseType("byte", 0x0D, "u1", 1, 0xFF),
    BaseType("i64", 0x8E, "i8", 8, 0x7FFF_FFFF_FFFF_FFFF),
    BaseType("u64", 0x8F, "u8", 8, 0xFFFF_FFFF_FFFF_FFFF),
    BaseType("u64z", 0x90, "u8", 8, 0),
)
BY_CODE = {base.code: base for base in _ALL}
BY_NAME = {base.name: base for base in _ALL}
BYTE = BY_NAME["byte"]


def base_type(code: int, size: int) -> BaseType:
    """The type of a field of this size. Where the code is unknown or does not go into the size, it is bytes."""
    base = BY_CODE.get(code, BYTE)
    return BYTE if size % base.size else base
