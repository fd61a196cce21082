"""The messages of one kind as columns, each made from the bytes when it is first asked for.

A column is in file order and as long as there are messages. Numbers are float64, scaled, and NaN where a message does
not have them; only 64-bit integers of which none is absent stay integers, because float64 would round them. Where a
message holds several of a number the column has two dimensions, and short rows end in NaN. Texts are str or None.
Instants are Unix time in seconds, wall times likewise as if they were in UTC, positions semicircles
(180/2³¹ degrees), everything else is in the units of the format: metres, seconds, metres a second, watts, beats a minute.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from . import expand
from .base_types import BYTE, BaseType, base_type
from .profile import CLOCK_LEAST, EPOCH_S, Field, fields_by_number, kind_name
from .walk import Group, Layout, layout_of

Column = NDArray[Any]

_NATIVE_KEPT, _FIELDS_KEPT = 256, 256  # kinds of messages, from one file to the next, with so many fields at most
_DESCRIPTIONS = 206  # the kind that describes developer fields, which cannot describe its own


class Described(NamedTuple):
    """What a file says of a developer field. `native` is the number of the field it stands in for, if any."""

    name: str
    developer: int
    number: int
    base: BaseType | None
    scale: float
    offset: float
    units: str | None
    native: int | None


class Surroundings(Protocol):
    """What a column may need of the rest of its file."""

    data: bytes

    def described(self, developer: int, number: int) -> Described | None: ...

    def compressed_times(self, positions: NDArray[np.intp]) -> Column: ...

    def heart_rates(self, times_s: Column) -> Column | None: ...


class _Place(NamedTuple):
    """Where messages of a group have something: `each` values of `dtype`."""

    group: int
    base: BaseType
    dtype: np.dtype[Any]
    offset: int
    size: int
    each: int


class _Native(NamedTuple):
    """The fields of messages of one kind by name, and by number where they are; never changed."""

    fields: dict[str, Field]
    places: dict[int, tuple[_Place, ...]]


def _place(group: int, base: BaseType, offset: int, size: int, *, big_endian: bool) -> _Place:
    if base.dtype == "S":
        return _Place(group, base, np.dtype(f"S{size}"), offset, size, 1)
    return _Place(group, base, np.dtype((">" if big_endian else "<") + base.dtype), offset, size, size // base.size)


def _native(kind: str, layouts: Sequence[Layout]) -> _Native:
    if sum(len(layout.fields) for layout in layouts) > _FIELDS_KEPT:
        return _laid_out(kind, layouts)
    return _known(kind, tuple(layout.key for layout in layouts))


@lru_cache(_NATIVE_KEPT)
def _known(kind: str, keys: tuple[bytes, ...]) -> _Native:
    return _laid_out(kind, [layout_of(key) for key in keys])


def _laid_out(kind: str, layouts: Sequence[Layout]) -> _Native:
    places: dict[int, list[_Place]] = {}
    for index, layout in enumerate(layouts):
        for number, code, offset, size in layout.fields:
            own = places.setdefault(number, [])
            if size and not (own and own[-1].group == index):  # told twice in one message: the first counts
                own.append(_place(index, base_type(code, size), offset, size, big_endian=layout.big_endian))
    known = fields_by_number(kind)
    fields = (known.get(number) or Field(number, f"unknown_{number}", "") for number in places)
    return _Native({field.name: field for field in fields}, {number: tuple(own) for number, own in places.items()})


class Columns(Mapping[str, Column]):
    """The columns of one message kind by name. A name the kind does not have is a KeyError."""

    def __init__(self, around: Surroundings, number: int, groups: list[Group]) -> None:
        self.number = number
        self.name = kind_name(number)
        self._around = around
        self._groups = groups
        counts = [len(group.positions) for group in groups]
        self.count = sum(counts)
        self._blocks: dict[int, NDArray[np.void]] = {}
        self._ready: dict[str, Column] = {}
        self._fields, self._native = _native(self.name, [group.layout for group in groups])
        self.developer, self._developer_places = self._developer_fields()

    # What there is

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._fields or name in self._names

    @cached_property
    def _names(self) -> dict[str, None]:
        names = dict.fromkeys(self._fields)
        if "timestamp" not in names and self._compressed.any():
            names["timestamp"] = None
        names |= dict.fromkeys(expand.targets(self.name, names, self._has))
        if self.name == "record" and "heart_rate" not in names and self._heart_rates is not None:
            names["heart_rate"] = None
        return names | dict.fromkeys(self.developer)

    def _has(self, other: str, values: Iterable[int]) -> bool:
        """Whether a field has one of these values in any message."""
        return other in self._fields and bool(expand.is_one_of(self[other], values).any())

    @cached_property
    def positions(self) -> NDArray[np.intp]:
        """The offset of each message in the file, in file order."""
        found = self._all_positions()
        return found if len(self._groups) == 1 else np.sort(found)

    # Columns

    def __getitem__(self, name: str) -> Column:
        column = self._ready.get(name)
        if column is None:
            with np.errstate(all="ignore"):  # what is absurd in a file becomes infinite or NaN
                column = self._ready[name] = self._make(name)
            column.flags.writeable = False
        return column

    def _make(self, name: str) -> Column:
        column = self._stored(name)
        if name == "timestamp":
            column = self._with_compressed_times(None if column is None else expand.numbers(column))
        column = expand.fill(self, self.name, name, column)
        if name == "heart_rate" and self.name == "record":
            column = expand.filled(column, self._heart_rates)
        if column is None and name in self.developer:
            column = self._developer_column(name)
        if column is None:
            raise KeyError(name)
        return column

    def _stored(self, name: str) -> Column | None:
        field = self._fields.get(name)
        if field is None:
            return None
        column = self._gather(self._native[field.number])
        if field.type in ("time", "wall") and column.dtype != object:
            column = column.astype(np.float64, copy=False)
            column[column >= (CLOCK_LEAST if field.type == "time" else 0)] += EPOCH_S
            return column
        return _scaled(column, field.scale, field.offset)

    def _with_compressed_times(self, column: Column | None) -> Column | None:
        compressed = self._compressed
        if not compressed.any():
            return column
        times = self._around.compressed_times(self.positions)
        return times if column is None else np.where(np.isnan(column) & compressed, times, column)

    @cached_property
    def _compressed(self) -> NDArray[np.bool_]:
        """Which messages carry five bits of their time in the header."""
        return np.frombuffer(self._around.data, np.uint8)[self.positions] >= 0x80

    @cached_property
    def _heart_rates(self) -> Column | None:
        return self._around.heart_rates(self["timestamp"]) if "timestamp" in self._fields else None

    # Developer fields

    def _developer_fields(self) -> tuple[dict[str, Described], dict[str, list[_Place]]]:
        described: dict[str, Described] = {}
        places: dict[str, list[_Place]] = {}
        seen: dict[tuple[int, int], str] = {}
        if not any(group.layout.developer_fields for group in self._groups):
            return described, places
        taken = {"timestamp", *self._fields, *expand.targets(self.name, self._fields, lambda *_: True)}
        for index, group in enumerate(self._groups):
            for number, developer, offset, size in group.layout.developer_fields:
                if not size:
                    continue
                said = None if self.number == _DESCRIPTIONS else self._around.described(developer, number)
                name = seen.get((developer, number))
                if name is None:
                    name = said.name if said else f"developer_{developer}_{number}"
                    if name in taken:
                        name = f"{name}_{developer}_{number}"
                    taken.add(name)
                    seen[developer, number] = name
                    described[name] = said or Described(name, developer, number, None, 1.0, 0.0, None, None)
                base = said.base if said and said.base else BYTE
                base = base if size % base.size == 0 else BYTE
                place = _place(index, base, offset, size, big_endian=group.layout.big_endian)
                own = places.setdefault(name, [])
                if not (own and own[-1].group == index):
                    own.append(place)
        return described, places

    def _developer_column(self, name: str) -> Column:
        column = self._gather(self._developer_places[name])
        said = self.developer[name]
        return _scaled(column, said.scale, said.offset)

    # From bytes to numbers

    def _gather(self, places: Sequence[_Place]) -> Column:
        """One column of what is stored at several places, each of which holds in the messages of one group."""
        if len(places) == 1 and len(self._groups) == 1:
            return _values(self._block(0), places[0], self._groups[0].size)
        parts = [
            (place.group, _values(self._block(place.group), place, self._groups[place.group].size)) for place in places
        ]
        texts = any(part.dtype == object for _, part in parts)
        shape: tuple[int, ...] = (self.count,)
        if any(part.ndim == 2 for _, part in parts):
            shape = (self.count, max(part.shape[1] for _, part in parts if part.ndim == 2))
        exact = {part.dtype for _, part in parts if part.dtype != np.float64}
        if texts:
            column: Column = np.full(self.count, None, object)
        elif len(exact) == 1 and len(parts) == len(self._groups) and all(part.dtype in exact for _, part in parts):
            column = np.zeros(shape, exact.pop())
        else:
            column = np.full(shape, np.nan)
        ranks = self._ranks
        for index, part in parts:
            if texts and part.dtype != object:
                continue
            if column.ndim == 1:
                column[ranks[index]] = part
            else:
                wide = part if part.ndim == 2 else part[:, None]
                column[ranks[index], : wide.shape[1]] = wide
        return column

    def _all_positions(self) -> NDArray[np.intp]:
        found = [np.frombuffer(group.positions, np.uint32) for group in self._groups]
        return np.concatenate(found).astype(np.intp)

    @cached_property
    def _ranks(self) -> list[NDArray[np.intp]]:
        """For each group, where its messages stand among all of this kind."""
        order = np.argsort(self._all_positions(), kind="stable")
        ranks = np.empty(len(order), np.intp)
        ranks[order] = np.arange(len(order))
        ends = np.cumsum([len(group.positions) for group in self._groups]).tolist()
        return [ranks[start:end] for start, end in pairwise([0, *ends])]

    def _block(self, index: int) -> NDArray[np.void]:
        """The messages of a group one after the other."""
        block = self._blocks.get(index)
        if block is None:
            group = self._groups[index]
            data = self._around.data
            windows = np.ndarray((len(data) - group.size + 1,), f"V{group.size}", data, strides=(1,))
            block = self._blocks[index] = windows[np.frombuffer(group.positions, np.uint32)]
        return block


def _scaled(column: Column, scale: float, offset: float) -> Column:
    if column.dtype == object or (scale == 1 and not offset):
        return column
    column = column.astype(np.float64, copy=False)
    if scale != 1:
        column /= scale
    if offset:
        column -= offset
    return column


def _values(block: NDArray[np.void], place: _Place, stride: int) -> Column:
    """What is stored at one place, unscaled: (n,), or (n, k) where a message holds k of them."""
    base = place.base
    n = len(block)
    if place.each == 1:
        stored: Column = np.ndarray((n,), place.dtype, block, place.offset, (stride,))
        if base.dtype == "S":
            return _texts(stored)
    else:
        stored = np.ndarray((n, place.each), place.dtype, block, place.offset, (stride, base.size))
    if base.invalid is None:
        return stored.astype(np.float64)
    absent = stored == base.invalid
    if base is BYTE and place.each > 1:  # bytes are absent all together
        absent = np.broadcast_to(absent.all(axis=1, keepdims=True), absent.shape)
    some = np.count_nonzero(absent)
    if base.size == 8 and not some:
        return stored.astype(stored.dtype.newbyteorder("="))
    column = stored.astype(np.float64)
    if some:
        column[absent] = np.nan
    return column


def _texts(stored: NDArray[np.bytes_]) -> Column:
    """Texts up to their first zero byte, as UTF-8; what is not becomes a replacement character. Empty is None."""
    known: dict[bytes, str | None] = {}
    texts = np.empty(len(stored), object)
    for index, raw in enumerate(stored.tolist()):
        if raw not in known:
            known[raw] = raw.split(b"\0", 1)[0].decode("utf-8", "replace") or None
        texts[index] = known[raw]
    return texts


__all__ = ["Column", "Columns", "Described", "Surroundings"]
