"""The stream codec: one channel as a few thousand bytes, exact at the channel's resolution.

A channel is stored as whole numbers of its resolution (`scale` of them to a unit), the differences between neighbours,
their bytes sorted by significance, compressed with zstd at level 3. Null values are a mask beside it. Values that are
not whole numbers of the channel's own resolution are stored at a finer one; positions also as semicircles, as devices
keep them; numbers that were once 32-bit floats as such; and whatever is left, or does not fit 32 bits, as floats of 64.
The finest of these is exact to the last bit. For the others a value may differ from the one given by a millionth of
the resolution, which is what arithmetic on floats leaves behind.

`Stored` keeps the header beside the bytes; `pack` and `unpack` make one sequence of both. Stored bytes may come from a
damaged disk: `decode` and `unpack` raise Damaged, and take no more memory than the channel's own count of values says.
"""

import struct
import threading
from typing import NamedTuple

import numpy as np
import orjson
import zstandard
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

CODEC = 1
VALUES_MOST = 16 * 1024 * 1024
_LEVEL = 3
_TOLERANCE = 1e-6  # of the resolution
_SEMICIRCLES = 2.0**31 / 180  # to a degree
_PROBES = 32
_SCALE_LEAST, _SCALE_MOST = 1e-9, 1e12  # between them no quotient leaves the range of any float
_FINER = (1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7)

SCALED, SINGLE, DOUBLE = "scaled", "single", "double"
_FORMS = (SCALED, SINGLE, DOUBLE)

# Unit and resolution: how many of the stored numbers make one unit.
_CHANNELS: dict[str, tuple[str, float]] = {
    "time": ("s", 1),
    "watts": ("W", 1),
    "cadence": ("rpm", 1),
    "heartrate": ("bpm", 1),
    "distance": ("m", 100),
    "altitude": ("m", 5),
    "lat": ("deg", 1e7),
    "lng": ("deg", 1e7),
    "velocity_smooth": ("m/s", 1000),
    "temp": ("°C", 1),
    "torque": ("Nm", 10),
    "left_right_balance": ("%", 1),
    "hrv": ("s", 1000),
    "grade_smooth": ("%", 10),
    "respiration": ("/min", 100),
    "core_temperature": ("°C", 100),
    "skin_temperature": ("°C", 100),
    "smo2": ("%", 10),
    "thb": ("g/dl", 100),
    "stance_time": ("ms", 10),
    "vertical_oscillation": ("mm", 10),
    "vertical_ratio": ("%", 100),
    "step_length": ("mm", 10),
}


class Damaged(ValueError):
    """Stored bytes are not what was stored."""


class Stored(NamedTuple):
    """A channel: its header, and the compressed bytes. `nulls` is a compressed mask, empty where there are none.

    `length` values in rows of `width`; a row of more than one value is an array, shorter ones end in nulls.
    """

    codec: int
    form: str
    scale: float
    unit: str
    length: int
    width: int
    nulls: bytes
    data: bytes


class _Local(threading.local):
    """Compressors are for one thread at a time."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True)
        self.decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)


_local = _Local()


def unit(channel: str) -> str:
    """The unit of a channel, "" for one that is not known here."""
    return _CHANNELS.get(channel, ("", 1))[0]


def encode(channel: str, values: ArrayLike) -> Stored:
    """Store a channel: (n,), or (n, k) where each row is an array; NaN is null.

    Raises ValueError for infinite values and for more than `VALUES_MOST`.
    """
    table = np.asarray(values, np.float64)
    if table.ndim not in (1, 2) or table.size > VALUES_MOST:
        raise ValueError(f"A channel has one or two dimensions and at most {VALUES_MOST} values")
    width = table.shape[1] if table.ndim == 2 else 0
    flat = np.ascontiguousarray(table).ravel()
    known = ~np.isnan(flat)
    nulls = b""
    if not known.all():
        nulls = _compress(np.packbits(~known).tobytes())
        flat = _filled(flat, known)
    if np.isinf(flat).any():
        raise ValueError(f"{channel} has infinite values")
    name, own = _CHANNELS.get(channel, ("", 1.0))
    with np.errstate(over="ignore", invalid="ignore"):  # what runs over is not a whole number either
        form, scale, numbers = _as_integers(flat, own, position=channel in ("lat", "lng"))
    if numbers is None:
        bits = flat.view(np.uint64)
        octets = np.bitwise_xor(bits[1:], bits[:-1])
        payload = _shuffled(np.concatenate([bits[:1], octets]))
    else:
        steps = np.empty(len(numbers), np.int32)
        steps[:1] = numbers[:1]
        np.subtract(numbers[1:], numbers[:-1], out=steps[1:])  # runs over where it must, and back again when read
        payload = _shuffled((steps << 1) ^ (steps >> 31))  # signs last, so that small steps have small bytes
    return Stored(CODEC, form, scale, name, len(flat), width, nulls, _compress(payload))


def decode(stored: Stored) -> Floats:
    """The values of a stored channel, NaN for null, in the shape they were given in. Raises Damaged."""
    if stored.codec != CODEC or stored.form not in _FORMS or not 0 <= stored.length <= VALUES_MOST:
        raise Damaged(f"A stream of codec {stored.codec} and form {stored.form} cannot be read")
    if stored.width and stored.length % stored.width:
        raise Damaged("A stream has rows of the wrong width")
    count = stored.length
    if stored.form == DOUBLE:
        octets = _decompress(stored.data, count * 8)
        bits = _gathered(octets, count, np.uint64)
        values = np.bitwise_xor.accumulate(bits).view(np.float64)
        if not np.isfinite(values).all():
            raise Damaged("A stream has infinite values")
    else:
        zigzag = _gathered(_decompress(stored.data, count * 4), count, np.uint32)
        steps = ((zigzag >> 1) ^ -(zigzag & 1)).view(np.int32)
        if not _SCALE_LEAST <= stored.scale <= _SCALE_MOST:
            raise Damaged("A stream has no scale")
        values = np.cumsum(steps, dtype=np.int32) / stored.scale
        if stored.form == SINGLE:
            values = values.astype(np.float32).astype(np.float64)
    if stored.nulls:
        mask = _decompress(stored.nulls, (count + 7) // 8)
        values[np.unpackbits(np.frombuffer(mask, np.uint8), count=count).view(bool)] = np.nan
    if stored.width:
        return values.reshape(-1, stored.width)
    return values


_HEADER = struct.Struct("<BBdIII8s")


def pack(stored: Stored) -> bytes:
    """Header and bytes in one."""
    header = _HEADER.pack(
        stored.codec,
        _FORMS.index(stored.form),
        stored.scale,
        stored.length,
        stored.width,
        len(stored.nulls),
        stored.unit.encode(),
    )
    return header + stored.nulls + stored.data


def unpack(octets: bytes) -> Stored:
    """What `pack` made. Raises Damaged."""
    try:
        codec, form, scale, count, width, nulls, name = _HEADER.unpack_from(octets)
        unit_name = name.rstrip(b"\0").decode()
    except (struct.error, UnicodeDecodeError) as wrong:
        raise Damaged("A stream has no header") from wrong
    if form >= len(_FORMS) or _HEADER.size + nulls > len(octets):
        raise Damaged("A stream has a wrong header")
    at = _HEADER.size + nulls
    return Stored(codec, _FORMS[form], scale, unit_name, count, width, octets[_HEADER.size : at], octets[at:])


def to_json(values: ArrayLike) -> bytes:
    """Values as a JSON array: whole numbers without a point, NaN as null, rows of a table as arrays without their nulls."""
    table = np.asarray(values, np.float64)
    if table.ndim == 2:
        rows = [[value for value in row if value == value] for row in table.tolist()]
        return orjson.dumps([row or None for row in rows])
    known = ~np.isnan(table)
    whole = bool(known.all())
    numbers = table if whole else np.where(known, table, 0.0)
    if (np.abs(numbers) < 2.0**53).all() and (numbers == np.rint(numbers)).all():
        integers = numbers.astype(np.int64)
        if whole:
            return orjson.dumps(integers, option=orjson.OPT_SERIALIZE_NUMPY)
        cells: list[int | None] = integers.tolist()
        for row in np.flatnonzero(~known).tolist():
            cells[row] = None
        return orjson.dumps(cells)
    return orjson.dumps(np.ascontiguousarray(table), option=orjson.OPT_SERIALIZE_NUMPY)


# From numbers to integers


def _as_integers(flat: Floats, own: float, *, position: bool) -> tuple[str, float, NDArray[np.int32] | None]:
    """Form and scale that keep these values, and the integers; none where only floats do."""
    if not len(flat):
        return SCALED, own, flat.astype(np.int32)
    scales = [own, *([_SEMICIRCLES] if position else [finer for finer in _FINER if finer > own])]
    probes = flat[:: max(1, len(flat) // _PROBES)]
    for scale in scales:
        if _whole(probes, scale) is None:
            continue
        numbers = _whole(flat, scale)
        if numbers is not None:
            return SCALED, scale, numbers
    if (probes == probes.astype(np.float32)).all():
        for scale in scales:
            numbers = _single(probes, scale)
            if numbers is not None and (numbers := _single(flat, scale)) is not None:
                return SINGLE, scale, numbers
    return DOUBLE, 1.0, None


def _whole(values: Floats, scale: float) -> NDArray[np.int32] | None:
    scaled = values * scale
    numbers = np.rint(scaled)
    if not (np.abs(scaled - numbers).max() <= _TOLERANCE and np.abs(numbers).max() < 2**31):
        return None
    return numbers.astype(np.int32)


def _single(values: Floats, scale: float) -> NDArray[np.int32] | None:
    """The integers whose quotients, rounded to 32-bit floats, are exactly these values."""
    numbers = np.rint(values * scale)
    if not np.abs(numbers).max() < 2**31 or ((numbers / scale).astype(np.float32) != values).any():
        return None
    return numbers.astype(np.int32)


def _filled(flat: Floats, known: NDArray[np.bool_]) -> Floats:
    """Nulls repeat the value before them, which costs nothing to store."""
    last = np.maximum.accumulate(np.where(known, np.arange(len(flat)), -1))
    filled = flat[np.maximum(last, 0)]
    if not known.any():
        return np.zeros(len(flat))
    first = int(np.argmax(known))
    filled[:first] = flat[first]
    return filled


# Bytes


def _shuffled(numbers: NDArray[np.generic]) -> bytes:
    """All lowest bytes first, then all second ones …"""
    little = np.ascontiguousarray(numbers).astype(numbers.dtype.newbyteorder("<"), copy=False)
    return little.view(np.uint8).reshape(-1, numbers.itemsize).T.tobytes()


def _gathered(octets: bytes, count: int, dtype: type[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    kind = np.dtype(dtype).newbyteorder("<")
    planes = np.frombuffer(octets, np.uint8).reshape(kind.itemsize, count)
    return np.ascontiguousarray(planes.T).view(kind).reshape(count).astype(dtype, copy=False)


def _compress(octets: bytes) -> bytes:
    return _local.compressor.compress(octets)


def _decompress(octets: bytes, size: int) -> bytes:
    try:
        if zstandard.frame_content_size(octets) != size:
            raise Damaged("A stream has the wrong length")
        found = _local.decompressor.decompress(octets, max_output_size=size or 1)
    except zstandard.ZstdError as wrong:
        raise Damaged("A stream is damaged") from wrong
    if len(found) != size:
        raise Damaged("A stream has the wrong length")
    return found


__all__ = [
    "CODEC",
    "DOUBLE",
    "SCALED",
    "SINGLE",
    "VALUES_MOST",
    "Damaged",
    "Stored",
    "decode",
    "encode",
    "pack",
    "to_json",
    "unit",
    "unpack",
]
