"""From columns to the bytes of a FIT file, such as a device would write: the other direction of `decode`.

Each message kind has one definition. What identifies the file comes first, then everything that has a time in the order
of time (a start before the record of its second, laps and sessions after it), then the summary of the activity. Within a
kind messages keep their order, even where their clock went back.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base_types import BY_NAME, BaseType
from .crc import crc16
from .expand import numbers
from .profile import CLOCK_LEAST, EPOCH_S, TIMESTAMP, Field, fields_by_name, kind_number

FIELD_BYTES_MOST = 255
_PROFILE_VERSION = 2100
_FIRST = ("file_id", "file_creator", "developer_data_id", "field_description")
_LAST = ("activity",)
_TIMED = {"event": 2, "device_info": 0, "record": 1, "hr": 1, "length": 3, "lap": 4, "session": 5}
_START = 0
_DEVELOPER = 0
_FAR = 2**65  # further than any type reaches


class DeveloperField(NamedTuple):
    """A field of our own in the messages of a kind. `type` is a base type such as `f32`; `native` what it stands in for."""

    kind: str
    name: str
    type: str = "f32"
    units: str = ""
    native: int | None = None


class _Part(NamedTuple):
    number: int
    code: int
    octets: NDArray[np.uint8]  # a row for each message


class _Kind(NamedTuple):
    name: str
    number: int
    native: list[_Part]
    developer: list[_Part]
    order: NDArray[np.float64] | None  # where its messages belong among the timed ones

    def definition(self, local: int, *, big_endian: bool) -> bytes:
        head = bytes([0x40 | (0x20 if self.developer else 0) | local, 0, big_endian])
        head += self.number.to_bytes(2, "big" if big_endian else "little")
        for parts in (self.native, self.developer) if self.developer else (self.native,):
            head += bytes([len(parts)])
            head += b"".join(bytes([part.number, part.octets.shape[1], part.code]) for part in parts)
        return head

    def rows(self, local: int) -> NDArray[np.uint8]:
        parts = [part.octets for part in (*self.native, *self.developer)]
        header = np.full((len(parts[0]), 1), local, np.uint8)
        return np.concatenate([header, *parts], axis=1)


def encode(
    messages: Mapping[str, Mapping[str, ArrayLike]],
    *,
    developer: Sequence[DeveloperField] = (),
    application_id: bytes = bytes(16),
    big_endian: bool = False,
) -> bytes:
    """A FIT file with these columns by kind and name, in the names and units that `decode` gives.

    A column is as long as there are messages of its kind; one with two dimensions holds several numbers a message. NaN
    and None are absent. Developer fields are columns of their kind under their own names.
    Raises KeyError for a kind or field without a name here, ValueError where a value does not fit or lengths differ.
    """
    own = {(field.kind, field.name): (number, field) for number, field in enumerate(developer)}
    everything = {**_described(developer, application_id), **messages}
    names = [kind for kind in everything if kind not in _FIRST and kind not in _LAST]
    order = [kind for kind in (*_FIRST, *names, *_LAST) if kind in everything]
    kinds = [_kind(kind, everything[kind], own, big_endian=big_endian) for kind in order]
    kinds = [kind for kind in kinds if kind.native or kind.developer]
    blocks = []
    for kind in kinds:
        if kind.order is None and kind.name not in _LAST:
            blocks += [kind.definition(15, big_endian=big_endian), kind.rows(15).tobytes()]
    timed = [kind for kind in kinds if kind.order is not None]
    blocks += [kind.definition(local, big_endian=big_endian) for local, kind in enumerate(timed)]
    blocks.append(_interleaved(timed))
    for kind in kinds:
        if kind.name in _LAST:
            blocks += [kind.definition(15, big_endian=big_endian), kind.rows(15).tobytes()]
    return _file(b"".join(blocks), new=bool(developer))


def _file(body: bytes, *, new: bool) -> bytes:
    head = bytes([14, 0x20 if new else 0x10]) + _PROFILE_VERSION.to_bytes(2, "little")
    head += len(body).to_bytes(4, "little") + b".FIT"
    head += crc16(head).to_bytes(2, "little")
    return head + body + crc16(head + body).to_bytes(2, "little")


def _interleaved(kinds: list[_Kind]) -> bytes:
    if not kinds:
        return b""
    rows = [kind.rows(local) for local, kind in enumerate(kinds)]
    counts = [len(each) for each in rows]
    keys = np.concatenate([kind.order for kind in kinds if kind.order is not None])
    order = np.argsort(keys, kind="stable")
    sizes = np.repeat([each.shape[1] for each in rows], counts)[order]
    starts = np.empty(len(order), np.intp)
    starts[order] = np.cumsum(sizes) - sizes
    out = np.empty(int(sizes.sum()), np.uint8)
    at = 0
    for each in rows:
        places = starts[at : at + len(each), None] + np.arange(each.shape[1])
        out[places] = each
        at += len(each)
    return out.tobytes()


def _kind(
    name: str, columns: Mapping[str, ArrayLike], own: Mapping[tuple[str, str], tuple[int, DeveloperField]], *, big_endian: bool
) -> _Kind:  # fmt: skip
    native: list[_Part] = []
    developers: list[_Part] = []
    known = fields_by_name(name)
    for label, column in columns.items():
        values = np.asarray(column)
        if (name, label) in own:
            number, described = own[name, label]
            field = Field(number, label, described.type)
            developers.append(_part(name, field, values, _DEVELOPER, big_endian=big_endian))
        else:
            native.append(_part(name, known[label], values, None, big_endian=big_endian))
    lengths = {len(part.octets) for part in (*native, *developers)}
    if len(lengths) > 1:
        raise ValueError(f"The columns of {name} differ in length: {sorted(lengths)}")
    native.sort(key=lambda part: part.number != TIMESTAMP)
    return _Kind(name, kind_number(name), native, developers, _order(name, columns))


def _order(kind: str, columns: Mapping[str, ArrayLike]) -> NDArray[np.float64] | None:
    if kind not in _TIMED or "timestamp" not in columns:
        return None
    times = numbers(np.asarray(columns["timestamp"], np.float64))
    rank = np.full(len(times), float(_TIMED[kind]))
    if kind == "event" and "event_type" in columns:
        rank[numbers(np.asarray(columns["event_type"], np.float64)) == _START] = 0
    key = np.where(np.isnan(times), -np.inf, times * 8 + rank)
    return np.maximum.accumulate(key)


def _part(kind: str, field: Field, values: NDArray[Any], code: int | None, *, big_endian: bool) -> _Part:
    base = BY_NAME["u32" if field.type in ("time", "wall") else field.type]
    if values.ndim not in (1, 2):
        raise ValueError(f"{kind}.{field.name} has {values.ndim} dimensions")
    octets = _texts(values) if base.name == "text" else _numbers(kind, field, base, values, big_endian=big_endian)
    if octets.shape[1] > FIELD_BYTES_MOST:
        raise ValueError(f"{kind}.{field.name} takes {octets.shape[1]} bytes; at most {FIELD_BYTES_MOST}")
    return _Part(field.number, base.code if code is None else code, octets)


def _numbers(kind: str, field: Field, base: BaseType, values: NDArray[Any], *, big_endian: bool) -> NDArray[np.uint8]:
    dtype = np.dtype(base.dtype)
    if base.invalid is None:
        with np.errstate(over="ignore"):
            stored = ((values.astype(np.float64) + field.offset) * field.scale).astype(dtype)
    elif values.dtype.kind in "iu" and field.type == base.name and field.scale == 1 and not field.offset:
        _check(kind, field, values, base)
        stored = values.astype(dtype)
    else:
        exact = values.astype(np.float64)
        if field.type in ("time", "wall"):
            raw = np.where((field.type == "time") & (exact < CLOCK_LEAST), exact, exact - EPOCH_S)
        else:
            raw = (exact + field.offset) * field.scale
        absent = np.isnan(raw)
        raw = np.where(absent, 0, np.rint(raw))
        _check(kind, field, raw[~absent], base)
        stored = np.where(absent, np.array(base.invalid).astype(dtype), raw.astype(dtype))
    rows = stored.reshape(len(values), -1).astype(dtype.newbyteorder(">" if big_endian else "<"))
    return np.ascontiguousarray(rows).view(np.uint8).reshape(len(values), rows.shape[1] * base.size)


def _check(kind: str, field: Field, raw: NDArray[Any], base: BaseType) -> None:
    """Refuses what the type cannot hold, and the number that means absent there (of the z types that is zero, and meant)."""
    limits = np.iinfo(base.dtype)
    if not raw.size:
        return
    if int(min(raw.min(), _FAR)) < limits.min or int(min(raw.max(), _FAR)) > limits.max:
        raise ValueError(f"{kind}.{field.name} has values that do not fit in {field.type}")
    if base.invalid and base.name != "byte" and (raw == base.invalid).any():
        raise ValueError(f"{kind}.{field.name} has a value that would be read as absent")


def _texts(values: NDArray[Any]) -> NDArray[np.uint8]:
    raw = [b"" if value is None else str(value).encode("utf-8") for value in values.ravel().tolist()]
    width = max(map(len, raw), default=0) + 1
    return np.array(raw, f"S{width}").view(np.uint8).reshape(len(raw), width)


def _described(developer: Sequence[DeveloperField], application_id: bytes) -> dict[str, dict[str, ArrayLike]]:
    """The messages that say what developer fields are."""
    if not developer:
        return {}
    count = range(len(developer))
    return {
        "developer_data_id": {
            "application_id": np.frombuffer(application_id, np.uint8)[None, :],
            "developer_data_index": [_DEVELOPER],
        },
        "field_description": {
            "developer_data_index": [_DEVELOPER for _ in count],
            "field_definition_number": list(count),
            "fit_base_type_id": [BY_NAME[field.type].code for field in developer],
            "field_name": [field.name for field in developer],
            "units": [field.units for field in developer],
            "native_mesg_num": [kind_number(field.kind) for field in developer],
            "native_field_num": [np.nan if field.native is None else field.native for field in developer],
        },
    }
