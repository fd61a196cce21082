"""Where the messages of a file are: one pass over its bytes that reads definitions and steps over everything else.

Data messages are not looked into. The first byte of each says which definition it follows, a table of 256 entries says
how long that makes it, and its position is kept with those of the same definition; runs of messages with one header
byte, or with two in turn, are taken together. Definitions that say the same share one group, however often they are repeated, so what is kept
grows with the file by four bytes a message and a little for each of a bounded number of definitions.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .base_types import BY_CODE
from .faults import Fault

DEFINED_MOST = 16_384  # definitions that differ and fields of them, in everything that is decoded at once
_CANDIDATES_MOST = 4  # places behind a fault where reading may go on that are tried
_LOOK_MOST = 65_536  # bytes in which they are looked for

_RUN_LEAST, _RUN_MOST = 16, 2048  # messages of one kind that are taken in one step
_PATIENCE_LEAST, _PATIENCE_MOST = (
    4,
    128,
)  # messages that are taken singly before another look for a run; more each time in vain
_LAYOUTS_KEPT = 256  # from one file to the next: a device says the same in each

_FIXED = 6  # bytes of a definition before its fields


class Layout(NamedTuple):
    """What a definition says, `key` being its bytes. `size` counts the header byte.

    Of each native field: number, base type, offset in the message and size in bytes; of each developer field: number,
    developer, offset and size.
    """

    key: bytes
    number: int
    big_endian: bool
    size: int
    fields: tuple[tuple[int, int, int, int], ...]
    developer_fields: tuple[tuple[int, int, int, int], ...]


@dataclass(slots=True)
class Group:
    """The data messages of one definition; `positions` are offsets in the whole file."""

    layout: Layout
    defined_at: int
    size: int
    number: int
    positions: "array[int]" = field(default_factory=lambda: array("I"))


def walk(data: bytes, start: int, end: int, defined_most: int = DEFINED_MOST) -> tuple[list[Group], list[Fault], int]:
    """The groups of messages between two offsets, what is wrong there, and how much of `defined_most` was used.

    What came before a fault is in the groups.
    """
    walker = _Walker(data, end, defined_most)
    fault = walker.run(start)
    faults = [fault] if fault else []
    behind = _resume(walker, fault.offset) if fault and fault.code == "definition_missing" else None
    if fault and behind:
        walker, at = behind
        message = f"{at - fault.offset} bytes were skipped; reading went on with the next definition"
        faults.append(Fault("skipped", message, fault.offset))
    return [group for group in walker.groups.values() if group.positions], faults, walker.defined


class _Walker:
    def __init__(self, data: bytes, end: int, defined_most: int) -> None:
        self.data = data
        self.end = end
        self.defined_most = defined_most
        self.defined = 0
        self.groups: dict[bytes, Group] = {}
        self.current: dict[int, bytes] = {}
        self.sizes = [0] * 256
        self.keep: list[Callable[[int], None]] = [_nothing] * 256
        self.spelled = [[local] for local in range(16)]  # the header bytes each local type has come with

    def run(self, at: int) -> Fault | None:
        """Walks from an offset to the end, or to the first fault."""
        data, end, sizes, keep = self.data, self.end, self.sizes, self.keep
        before = header = 0
        patience, wait = 0, _PATIENCE_LEAST
        while at < end:
            header = data[at]
            size = sizes[header]
            if size and patience:
                patience -= 1
                keep[header](at)
                before = at
                at += size
            elif size:
                run, stride, last = self._run(at, size)
                if run < _RUN_LEAST:
                    patience, wait = wait, min(2 * wait, _PATIENCE_MOST)
                    continue
                wait = _PATIENCE_LEAST
                positions = np.arange(at, at + run * stride, stride, dtype=np.uint32)
                self.groups[self.current[_local(header)]].positions.frombytes(positions.tobytes())
                at += run * stride
                before = at - size
                if last != header:
                    self.groups[self.current[_local(last)]].positions.frombytes((positions + np.uint32(size)).tobytes())
                    before = at - sizes[last]
                    header = last
            elif header & 0xC0 == 0x40:
                length = self._define(at)
                if isinstance(length, Fault):
                    return length
                before = at
                at += length
            elif not self._learn(header):
                return Fault("definition_missing", f"A message of type {_local(header)} that was never defined", at)
        if at == end:
            return None
        self.groups[self.current[_local(header)]].positions.pop()
        return Fault("truncated", "The last message is cut off", before)

    def _run(self, at: int, size: int) -> tuple[int, int, int]:
        """How often one message, or two in turn, follow one another, how many bytes that is each time, and the last header."""
        data, behind = self.data, at + size
        first = data[at]
        last = data[behind] if behind < self.end else first
        other = self.sizes[last]
        if last == first or not other or self.current[_local(last)] == self.current[_local(first)]:
            return self._times(at, size), size, first
        return min(self._times(at, size + other), self._times(behind, size + other)), size + other, last

    def _times(self, at: int, stride: int) -> int:
        """How often the header byte at an offset is there again, so many bytes further each time, as far as is looked."""
        for most in (_RUN_LEAST, _RUN_MOST):
            headers = self.data[at : min(self.end, at + stride * most) : stride]
            times = len(headers) - len(headers.lstrip(headers[:1]))
            if times < most:
                break
        return times

    def _define(self, at: int) -> int | Fault:
        """Reads a definition. Returns its length."""
        data = self.data
        length = definition_length(data, at, self.end)
        if length is None:
            return Fault("truncated", "The last definition is cut off", at)
        key = data[at + 2 : at + length]
        local = data[at] & 0x0F
        if self.current.get(local) == key:  # some devices say it again before every message
            return length
        if key not in self.groups:
            self.defined += _defined(key)
            if self.defined > self.defined_most:
                return Fault("too_many", "More different definitions than are read", at)
            self.groups[key] = _group(key, at)
        self.point(local, key)
        return length

    def point(self, local: int, key: bytes) -> None:
        """From here on, messages of this local type follow that definition."""
        group = self.groups[key]
        self.current[local] = key
        keep = group.positions.append
        for header in self.spelled[local]:
            self.sizes[header] = group.size
            self.keep[header] = keep

    def _learn(self, header: int) -> bool:
        """Takes a header byte that was not met yet for its local type; whether that is defined.

        Headers may carry five bits of time, and two bits of them have no meaning in data messages.
        """
        local = _local(header)
        if local not in self.current:
            return False
        self.spelled[local].append(header)
        self.point(local, self.current[local])
        return True

    def copy(self) -> "_Walker":
        """The same state with positions of its own, to try something with."""
        other = _Walker(self.data, self.end, self.defined_most)
        other.defined = self.defined
        for key, group in self.groups.items():
            other.groups[key] = _group(key, group.defined_at)
            other.groups[key].positions = array("I", group.positions)
        for local, key in self.current.items():
            other.point(local, key)
        return other


def _nothing(_: int) -> None:
    raise AssertionError


def _local(header: int) -> int:
    return header >> 5 & 3 if header & 0x80 else header & 0x0F


def definition_length(data: bytes, at: int, end: int) -> int | None:
    """How many bytes the definition at an offset takes; None where it does not end before `end`."""
    if at + _FIXED > end:
        return None
    length = _FIXED + 3 * data[at + 5]
    if data[at] & 0x20:
        if at + length >= end:
            return None
        length += 1 + 3 * data[at + length]
    return length if at + length <= end else None


def _defined(key: bytes) -> int:
    """What a definition counts: itself and its fields."""
    return 1 + (len(key) - 4) // 3


def _group(key: bytes, at: int) -> Group:
    layout = layout_of(key)
    return Group(layout, at, layout.size, layout.number)


@lru_cache(_LAYOUTS_KEPT)
def layout_of(key: bytes) -> Layout:
    """What the bytes of a definition say, without its first two, which tell its local type."""
    big = key[0] != 0
    offset = 1
    found: list[tuple[tuple[int, int, int, int], ...]] = []
    native = 4 + 3 * key[3]
    for told in (key[4:native], key[native + 1 :]):
        fields = []
        for number, size, kind in zip(told[::3], told[1::3], told[2::3], strict=True):
            fields.append((number, kind, offset, size))
            offset += size
        found.append(tuple(fields))
    return Layout(key, int.from_bytes(key[1:3], "big" if big else "little"), big, offset, found[0], found[1])


def _resume(walker: _Walker, fault_at: int) -> tuple[_Walker, int] | None:
    """Reading on behind a fault, from the first definition after which everything fits to the last byte.

    Bytes of a message can look like a definition; that all that follows then makes messages which end exactly where the
    file does is what makes it safe to go on.
    """
    tried = 0
    for at in range(fault_at + 1, min(walker.end - _FIXED, fault_at + _LOOK_MOST)):
        if not _is_plausible(walker.data, at, walker.end):
            continue
        behind = walker.copy()
        if behind.run(at) is None:
            return behind, at
        tried += 1
        if tried == _CANDIDATES_MOST:
            break
    return None


def _is_plausible(data: bytes, at: int, end: int) -> bool:
    if data[at] & 0xD0 != 0x40 or data[at + 1] != 0 or data[at + 2] > 1 or data[at + 5] == 0:
        return False
    length = definition_length(data, at, end)
    if length is None:
        return False
    fields = data[at + _FIXED : at + _FIXED + 3 * data[at + 5]]
    known = (BY_CODE.get(code) for code in fields[2::3])
    return all(base and size and size % base.size == 0 for base, size in zip(known, fields[1::3], strict=True))
