"""From the bytes of a FIT file to columns.

A damaged file is read up to its fault: what came before is there, and a warning says what is wrong and at which byte.
Several files may follow one another; each has its own definitions, developers and clock. Nothing is converted before it
is asked for, so a hostile file costs at most a small multiple of its size; columns that would take more than that,
because a few odd messages claim many fields or long ones, are cut by leaving out those messages.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import hr
from .base_types import BY_CODE, base_type
from .columns import Column, Columns, Described
from .crc import crc16
from .expand import numbers, unroll
from .faults import Fault, Undecodable
from .profile import CLOCK_LEAST, EPOCH_S, TIMESTAMP, kind_name
from .walk import DEFINED_MOST, Group, walk

BYTES_MOST = 32 * 1024 * 1024
_BYTES_EVER = 2**32 - 1  # positions are kept in four bytes
FILES_MOST = 64  # that follow one another
_CELLS_A_BYTE = 6  # numbers that a kind's columns may have together for each byte of the file
_CELLS_ALWAYS = 1 << 20
_MAGIC = b".FIT"
_HEADER_LEAST = 12
_DESCRIPTION = (
    "developer_data_index", "field_definition_number", "fit_base_type_id", "scale", "offset", "native_field_num",
)  # fmt: skip


class File(Mapping[str, Columns]):
    """One of the files: its message kinds by name, in the order of their first message."""

    def __init__(self, data: bytes, start: int, groups: list[Group]) -> None:
        self.data = data
        self.start = start
        self._groups = groups
        self._kinds: dict[str, list[Group]] = {}
        for group in sorted(groups, key=lambda group: group.positions[0]):
            self._kinds.setdefault(kind_name(group.number), []).append(group)
        self._ready: dict[str, Columns] = {}
        self._appended: list[File] = []

    def __getitem__(self, kind: str) -> Columns:
        columns = self._ready.get(kind)
        if columns is None:
            groups = self._kinds[kind]
            columns = self._ready[kind] = Columns(self, groups[0].number, groups)
        return columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    @property
    def messages(self) -> "File":
        return self

    def described(self, developer: int, number: int) -> Described | None:
        """What the file says of a developer field."""
        return self._descriptions.get((developer, number))

    @cached_property
    def _descriptions(self) -> dict[tuple[int, int], Described]:
        if "field_description" not in self:
            return {}
        told = self["field_description"]
        rows = [numbers(told.get(name, np.full(told.count, np.nan))) for name in _DESCRIPTION]
        texts = [told.get(name, np.full(told.count, None, object)).tolist() for name in ("field_name", "units")]
        found = {}
        for row, name, unit in zip(np.stack(rows, axis=1).tolist(), *texts, strict=True):
            developer, number, code, scale, offset, native = (int(value) if isfinite(value) else None for value in row)
            if developer is not None and number is not None:
                base = None if code is None else BY_CODE.get(code)
                found[developer, number] = Described(
                    str(name or f"developer_{developer}_{number}"),
                    developer,
                    number,
                    base,
                    float(scale or 1),
                    float(offset or 0),
                    unit and str(unit),
                    native,
                )
        return found

    def compressed_times(self, positions: NDArray[np.intp]) -> Column:
        """The time of messages at these offsets whose headers carry its lowest bits; NaN before the first full one."""
        where, times = self._clock
        at = np.searchsorted(where, positions)
        at = np.minimum(at, len(where) - 1)
        return np.where(where[at] == positions, times[at], np.nan) if len(where) else np.full(len(positions), np.nan)

    @cached_property
    def _clock(self) -> tuple[NDArray[np.intp], Column]:
        """The offsets of all messages that tell the time, in full or in part, and their Unix times."""
        octets = np.frombuffer(self.data, np.uint8)
        places: list[NDArray[np.intp]] = []
        values: list[NDArray[np.int64]] = []
        fulls: list[NDArray[np.bool_]] = []
        for group in self._groups:
            at = np.frombuffer(group.positions, np.uint32).astype(np.intp)
            offset = next((o for n, _, o, size in group.layout.fields if n == TIMESTAMP and size == 4), None)
            if offset is not None:
                octet_order = range(4) if group.layout.big_endian else range(3, -1, -1)
                full = np.zeros(len(at), np.int64)
                for byte in octet_order:
                    full = full << 8 | octets[at + offset + byte]
                there = full != 0xFFFF_FFFF
                places.append(at[there])
                values.append(full[there])
                fulls.append(np.ones(there.sum(), bool))
                at = at[~there]
            at = at[octets[at] >= 0x80]
            places.append(at)
            values.append((octets[at] & 0x1F).astype(np.int64))
            fulls.append(np.zeros(len(at), bool))
        where = np.concatenate(places)
        order = np.argsort(where, kind="stable")
        where, value = where[order], np.concatenate(values)[order]
        full_ones = np.concatenate(fulls)[order]
        seconds = unroll(value, full_ones, 5)
        times = np.where(seconds >= CLOCK_LEAST, seconds + EPOCH_S, seconds).astype(np.float64)
        times[: int(np.argmax(full_ones)) if full_ones.any() else len(where)] = np.nan
        return where, times

    def heart_rates(self, times_s: Column) -> Column | None:
        """For each of these times, what a strap's own recording says; None where the file has none."""
        when, bpm = self._beats
        return hr.merged(times_s, when, bpm) if len(when) else None

    @cached_property
    @np.errstate(all="ignore")
    def _beats(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        files = [file for file in (self, *self._appended) if "hr" in file]
        when, bpm = zip((np.empty(0), np.empty(0)), *(hr.beats(file["hr"]) for file in files), strict=True)
        order = np.argsort(np.concatenate(when), kind="stable")
        return np.concatenate(when)[order], np.concatenate(bpm)[order]

    def append(self, file: "File") -> None:
        """Takes up a file without an identity of its own that follows: watches append what a strap sent them later."""
        self._appended.append(file)

    def let_go(self) -> None:
        """Forget the columns that were made. They know the file as it knows them: many megabytes that only the garbage collector would free."""
        self._ready.clear()


class _Extent(NamedTuple):
    """The messages go from `start` to `end`, and to `further` if the size is wrong; the next file may begin at `next`."""

    start: int
    end: int
    next: int
    further: int | None


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was read. `messages` is the first of the files; most have only that one."""

    files: tuple[File, ...]
    warnings: tuple[Fault, ...]

    @property
    def messages(self) -> File:
        return self.files[0]

    def let_go(self) -> None:
        """Free what was made of the files as soon as nobody holds it any more."""
        for file in self.files:
            file.let_go()


def decode(data: bytes, *, most_bytes: int = BYTES_MOST) -> Decoded:
    """The messages of a FIT file, or of several in a row, and what is wrong with it.

    Raises Undecodable where no message can be read, and where there are more than `most_bytes`.
    """
    most_bytes = min(most_bytes, _BYTES_EVER)
    if len(data) > most_bytes:
        raise Undecodable(f"The file is larger than {most_bytes} bytes", most_bytes)
    data = bytes(data)
    files: list[File] = []
    faults: list[Fault] = []
    at = defined = 0
    owner: File | None = None
    for _ in range(FILES_MOST):
        header = _next_header(data, at)
        if header is None:
            break
        if header > at:
            faults.append(Fault("skipped", f"{header - at} bytes are not part of any file", at))
        extent = _extent(data, header, faults)
        groups, wrong, used = walk(data, extent.start, extent.end, DEFINED_MOST - defined)
        at = extent.next
        if extent.further and wrong and wrong[-1].code == "truncated":
            faults.append(Fault("size", "The header tells too small a size; what follows was read as well", header + 4))
            at = extent.further
            groups, wrong, used = walk(data, extent.start, at - 2, DEFINED_MOST - defined)
        faults += wrong
        defined += used
        groups = _affordable(data, groups, faults)
        if groups:
            file = File(data, header, groups)
            files.append(file)
            if "file_id" in file:
                owner = file
            elif owner is not None:
                owner.append(file)
    if not files:
        raise _refusal(data, faults)
    if at < len(data):
        faults.append(Fault("skipped", f"{len(data) - at} bytes behind the end", at))
    return Decoded(tuple(files), tuple(faults))


def _refusal(data: bytes, faults: list[Fault]) -> Undecodable:
    header = _next_header(data, 0)
    if header is None:
        return Undecodable("This is not a FIT file", 0)
    for fault in faults:
        if fault.code in ("definition_missing", "too_many"):
            return Undecodable(fault.message, fault.offset)
    return Undecodable("The file has no messages", header + data[header])


def _next_header(data: bytes, at: int) -> int | None:
    """Where the next file begins, from an offset on."""
    while True:
        magic = data.find(_MAGIC, at + 8)
        if magic < 0:
            return None
        if data[magic - 8] >= _HEADER_LEAST and magic - 8 + data[magic - 8] <= len(data):
            return magic - 8
        at = magic - 7


def _extent(data: bytes, header: int, faults: list[Fault]) -> _Extent:
    """Where the messages of a file are, as far as its header and its check sum tell."""
    length = data[header]
    start = header + length
    told = int.from_bytes(data[header + 4 : header + 8], "little")
    if length >= 14:
        crc = int.from_bytes(data[header + 12 : header + 14], "little")
        if crc not in (0, crc16(data[header : header + 12])):
            faults.append(Fault("header_crc", "The header's check sum is wrong", header + 12))
    end = start + told
    if told == 0 and len(data) > start + 2:  # the device was never told that the recording is over
        end = len(data)
        if crc16(memoryview(data)[header:]) == 0:
            end -= 2
        faults.append(Fault("size", "The header tells no size; everything behind it was read", header + 4))
        return _Extent(start, end, len(data), None)
    if end + 2 > len(data):
        faults.append(Fault("truncated", f"The file ends {end + 2 - len(data)} bytes early", len(data)))
        return _Extent(start, min(end, len(data)), len(data), None)
    if not crc16(memoryview(data)[header : end + 2]):
        return _Extent(start, end, end + 2, None)
    faults.append(Fault("crc", "The check sum of the file is wrong", end))
    behind = _next_header(data, end + 2) or len(data)
    return _Extent(start, end, end + 2, behind if behind > end + 2 else None)


def _affordable(data: bytes, groups: list[Group], faults: list[Fault]) -> list[Group]:
    """The groups without those that would make the columns of their kind out of proportion to the file."""
    most = max(_CELLS_ALWAYS, _CELLS_A_BYTE * len(data))
    if sum(len(group.positions) for group in groups) * sum(group.size for group in groups) <= most:
        return groups
    kinds: dict[int, list[Group]] = {}
    for group in groups:
        kinds.setdefault(group.number, []).append(group)
    kept = []
    for number, same in kinds.items():
        if sum(len(group.positions) for group in same) * sum(group.size for group in same) <= most:
            kept += same
            continue
        count = 0
        widths: dict[tuple[int, int], int] = {}
        for group in sorted(same, key=lambda group: -len(group.positions)):
            wider = dict(widths)
            for (field, code, _, size), developer in (
                *((entry, -1) for entry in group.layout.fields),
                *((entry, entry[1]) for entry in group.layout.developer_fields),
            ):
                each = size if developer >= 0 else max(1, size // base_type(code, size).size) if code != 7 else 1
                wider[field, developer] = max(each, wider.get((field, developer), 0))
            if (count + len(group.positions)) * sum(wider.values()) > most:
                message = (
                    f"{len(group.positions)} messages of kind {kind_name(number)} claim more than the file can hold"
                )
                faults.append(Fault("too_many", message, group.positions[0]))
                continue
            count += len(group.positions)
            widths = wider
            kept.append(group)
    return kept


__all__ = ["BYTES_MOST", "Decoded", "File", "decode"]
