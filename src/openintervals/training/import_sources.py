"""Import sources: what lies under the paths somebody names: files, folders, and archives as other services hand them out.

    path → files below it → archives opened → recordings, one by one; then what a table tells of activities without a file

Folders are walked whole, each once, however links lead back to it; what is no ordinary file is passed over. An `activities.csv` tells of the
files beside and below it, or in its archive. There is one file in memory at a time. Names are for people alone. What cannot be had is
given out as `Passed`, and stops nothing.
"""

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from openintervals.formats import containers
from openintervals.formats.containers import Limits, Problem
from openintervals.formats.recording import Fault
from openintervals.platform import files
from openintervals.training import import_tables
from openintervals.training.import_tables import Row, Table

LIMITS = Limits(
    member_bytes=files.BYTES_MOST,
    total_bytes=1024**4,
    members=1_000_000,
    archive_bytes=32 * 1024**3,
)
FILES_MOST = 2_000_000
_TABLE_LIMITS = Limits(member_bytes=import_tables.BYTES_MOST)


class Found(NamedTuple):
    """A file that may be a recording, and what a table says of it. `read_bytes` is how far the sources are read."""

    name: str
    data: bytes
    faults: tuple[Fault, ...]
    row: Row | None
    read_bytes: int


class Entered(NamedTuple):
    """An activity that a table tells of, without a file."""

    name: str
    row: Row
    read_bytes: int


class Passed(NamedTuple):
    """What is passed over, and why. `reason` is one of `REASONS` in imports.py."""

    name: str
    reason: str
    message: str
    read_bytes: int


class Place(NamedTuple):
    """A file on disk; `told` is the folder whose table tells of it."""

    path: Path
    size_bytes: int
    told: Path | None = None


Item = Found | Entered | Passed


def below(paths: Sequence[Path]) -> list[Place | Passed]:
    """Every file at and below paths, in the order of their names."""
    found: list[Place | Passed] = []
    seen: set[tuple[int, int]] = set()
    for path in paths:
        _look(path, None, seen, found)
    return found


def _look(path: Path, told: Path | None, seen: set[tuple[int, int]], found: list[Place | Passed]) -> None:
    waiting: list[tuple[Path, Path | None]] = [(path, told)]
    while waiting and len(found) < FILES_MOST:
        path, told = waiting.pop()
        try:
            about = path.stat()
            if stat.S_ISREG(about.st_mode):
                tells = told is None and import_tables.is_table(path.name)
                found.append(Place(path, about.st_size, path.parent if tells else told))
            elif not stat.S_ISDIR(about.st_mode):
                found.append(Passed(str(path), "special", "It is no ordinary file", 0))
            elif (about.st_dev, about.st_ino) not in seen:
                seen.add((about.st_dev, about.st_ino))
                within = sorted(path.iterdir(), reverse=True)
                own = path if any(import_tables.is_table(each.name) for each in within) else told
                waiting += [(each, own) for each in within if not each.name.startswith((".", "__MACOSX"))]
        except OSError as wrong:
            found.append(Passed(str(path), "not_readable", wrong.strerror or str(wrong), 0))


def items(places: Sequence[Place | Passed]) -> Iterator[Item]:
    """What is in files on disk, one by one."""
    tables: dict[Path, Table] = {}
    used: dict[Path, set[str]] = {}
    read_bytes = 0
    for place in places:
        if isinstance(place, Passed):
            yield place
            continue
        table = None
        if place.told is not None:
            if place.told not in tables:
                tables[place.told], used[place.told] = _table_in(place.told), set()
            table = tables[place.told]
        if not import_tables.is_table(place.path.name):
            yield from _file(place, table, used.get(place.told or Path(), set()), read_bytes)
        read_bytes += place.size_bytes
    for folder, table in tables.items():
        yield from _left(str(folder / import_tables.NAME), table, used[folder], read_bytes)


def _table_in(folder: Path) -> Table:
    try:
        path = next(each for each in sorted(folder.iterdir()) if import_tables.is_table(each.name))
        with path.open("rb") as source:
            return import_tables.table(source.read(import_tables.BYTES_MOST + 1))
    except (OSError, StopIteration) as wrong:
        return Table(problem=str(wrong))


def _file(place: Place, table: Table | None, used: set[str], read_bytes: int) -> Iterator[Item]:
    """What is in one file on disk; a table that tells of it has its rows marked as used."""
    own: Table | None = None
    in_own: set[str] = set()
    try:
        with place.path.open("rb") as source:
            if source.read(4) == b"PK\x03\x04":
                data = containers.one(source, import_tables.is_table, _TABLE_LIMITS)
                own = None if data is None else import_tables.table(data)
            source.seek(0)
            for member in containers.unpack(str(place.path), source, LIMITS):
                at = read_bytes + min(_position(source), place.size_bytes)
                if isinstance(member, Problem):
                    yield Passed(member.name, member.code, member.message, at)
                elif member.kind is None and b".FIT" not in member.data[:4096]:
                    if not import_tables.is_table(member.name):
                        yield Passed(member.name, "no_recording", "It is neither FIT nor TCX nor GPX", at)
                else:
                    telling, told = (table, used) if own is None else (own, in_own)
                    row = telling.row_of(member.name) if telling else None
                    if row is not None:
                        told.add(row.id)
                    yield Found(member.name, member.data, member.faults, row, at)
    except OSError as wrong:
        yield Passed(str(place.path), "not_readable", wrong.strerror or str(wrong), read_bytes)
    if own is not None:
        yield from _left(f"{place.path}/{import_tables.NAME}", own, in_own, read_bytes + place.size_bytes)


def _position(source: BinaryIO) -> int:
    return 0 if source.closed else source.tell()


def _left(name: str, table: Table, used: set[str], read_bytes: int) -> Iterator[Item]:
    """What a table tells of besides the files that were there."""
    if table.problem:
        yield Passed(name, "table", table.problem, read_bytes)
    for row in table.rows:
        if row.id in used:
            continue
        called = f"{name}, activity {row.id}"
        if row.file:
            yield Passed(called, "no_file", f"Its file {row.file} is not there", read_bytes)
        elif not table.names_files:
            yield Passed(called, "no_file", "No file is called by its id", read_bytes)
        else:
            yield Entered(called, row, read_bytes)
