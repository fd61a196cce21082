"""Archives: gzip and zip, one in another too, as a stream of the files in them.

What something is, is told by its first bytes and never by its name. Every file is unpacked piece by piece and given out
before the next one is looked at, so there is one in memory at a time; size, ratio, count and depth are capped while
unpacking, not after. Where archives in archives may be larger than files, they are laid on disk meanwhile. A file that is
damaged is given out as far as it goes, with what is wrong. What cannot be read is a Problem and stops nothing. What
operating systems leave behind (`__MACOSX`, `.DS_Store` …) is passed over in silence.

Names of files are for people. They may hold anything, `../` too, and are never to be used as a path.
"""

import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, NamedTuple

from .recording import Fault

Kind = Literal["fit", "gpx", "tcx", "gz", "zip"]

_PIECE = 64 * 1024
_HEAD = 4_096
_SLACK = 1024 * 1024  # so much comes out of anything, whatever the ratio
_DIRECTORY_MOST = 32 * 1024 * 1024
_ENTRY_MOST = 1_024  # bytes that a directory may have for each file there may be
_NAME_MOST = 500
_PARTS_MOST = 10_000  # that a gzip is put together from
_STORED, _DEFLATED = 0, 8
_LOCAL_HEADER = 30
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?(gpx|TrainingCenterDatabase)[\s>/]")
_JUNK = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)


class Limits(NamedTuple):
    """What may come out of an archive, with everything in it together. `ratio` is of what comes out to what went in;
    `archive_bytes` is the size of a zip in a zip, where it may be larger than a file."""

    member_bytes: int = 64 * 1024 * 1024
    total_bytes: int = 4 * 1024 * 1024 * 1024
    members: int = 100_000
    ratio: int = 200
    depth: int = 3
    archive_bytes: int = 0


_DEFAULT = Limits()


class Member(NamedTuple):
    """A file out of an archive. `kind` is what its bytes say it is, None for anything that is no recording."""

    name: str
    data: bytes
    kind: Kind | None
    faults: tuple[Fault, ...] = ()


class Problem(NamedTuple):
    """A file that cannot be had. Codes: `encrypted`, `unsupported`, `damaged`, `too_large`, `too_many`, `too_deep`."""

    name: str
    code: str
    message: str


@dataclass(slots=True)
class _Budget:
    """What may still come out."""

    limits: Limits
    members: int = field(init=False)
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.members, self.total = self.limits.members, self.limits.total_bytes


class _TooMuch(Exception):
    """A limit was reached; the code and message of the Problem it becomes."""

    def __init__(self, code: str, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.final = code, message, final


def detect(data: bytes) -> Kind | None:
    """What these bytes are, by how they begin."""
    head = data[:_HEAD]
    if head[8:12] == b".FIT":
        return "fit"
    if head[:2] == b"\x1f\x8b":
        return "gz"
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.decode("utf-16", "ignore").encode()
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\0").startswith(b"<"):
        return None
    root = _ROOT.search(head)
    if not root:
        return None
    return "gpx" if root[1] == b"gpx" else "tcx"


def unpack(name: str, source: bytes | BinaryIO, limits: Limits = _DEFAULT) -> Iterator[Member | Problem]:
    """All files in a gzip, a zip, or in what is in those; a file that is no archive is given out as it is.

    `source` may be a file that can be sought in, for archives larger than memory. Reading it may fail as files do.
    """
    budget = _Budget(limits)
    try:
        if isinstance(source, bytes):
            yield from _opened(name, source, (), budget, 0)
            return
        head = source.read(_HEAD)
        source.seek(0)
        if detect(head) == "zip":
            yield from _zip(name, source, budget, 0)
        else:
            data = source.read(limits.member_bytes + 1)
            if len(data) > limits.member_bytes:
                raise _TooMuch("too_large", f"The file is larger than {limits.member_bytes} bytes")
            yield from _opened(name, data, (), budget, 0)
    except _TooMuch as reached:
        yield Problem(name, reached.code, reached.message)


def _opened(
    name: str, data: bytes, faults: tuple[Fault, ...], budget: _Budget, depth: int
) -> Iterator[Member | Problem]:
    kind = detect(data)
    if kind not in ("gz", "zip"):
        yield Member(name, data, kind, faults)
    elif depth >= budget.limits.depth:
        yield Problem(name, "too_deep", f"Archives are packed in archives more than {budget.limits.depth} deep")
    elif kind == "zip":
        yield from _zip(name, io.BytesIO(data), budget, depth)
    else:
        inner = re.sub(r"\.gz$", "", name, flags=re.IGNORECASE)
        try:
            unpacked, wrong = _gunzip(data, budget)
        except _TooMuch as reached:
            if reached.final:
                raise
            yield Problem(name, reached.code, reached.message)
            return
        if wrong and not unpacked:
            yield Problem(name, "damaged", wrong.message)
        else:
            yield from _opened(inner, unpacked, (*faults, *([wrong] if wrong else [])), budget, depth + 1)


def one(source: BinaryIO, is_wanted: Callable[[str], bool], limits: Limits = _DEFAULT) -> bytes | None:
    """The first file of a zip whose name in it is wanted, whole; None where there is none that can be had."""
    try:
        _check_directory(source, limits)
        with zipfile.ZipFile(source) as archive:
            for info in archive.infolist():
                if is_wanted(info.filename):
                    found = _member(source, info, info.filename, _Budget(limits))
                    return None if isinstance(found, Problem) or found.faults else found.data
    except (_TooMuch, zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError):
        return None
    return None


class _Taken:
    """What came out of one file so far, within its limits."""

    def __init__(self, budget: _Budget, packed: int, onto: BinaryIO | None = None) -> None:
        self._budget = budget
        self._largest = budget.limits.archive_bytes if onto else budget.limits.member_bytes
        self._most = min(self._largest, _SLACK + budget.limits.ratio * packed)
        self._count = 0
        self._onto = onto
        self._out = bytearray()

    def add(self, piece: bytes) -> None:
        self._count += len(piece)
        self._budget.total -= len(piece)
        if self._budget.total < 0:
            raise _TooMuch("too_large", f"More than {self._budget.limits.total_bytes} bytes would come out", final=True)
        if self._count > self._most:
            if self._count > self._largest:
                raise _TooMuch("too_large", f"It is larger than {self._largest} bytes")
            raise _TooMuch("too_large", f"It grows to more than {self._budget.limits.ratio} times its packed size")
        if self._onto is not None:
            self._onto.write(piece)
        else:
            self._out += piece

    def __bytes__(self) -> bytes:
        return bytes(self._out)


def _gunzip(data: bytes, budget: _Budget) -> tuple[bytes, Fault | None]:
    """What a gzip holds, of all its parts together, and what is wrong with it."""
    taken = _Taken(budget, len(data))
    source = io.BytesIO(data)
    for _ in range(_PARTS_MOST):
        start = source.tell()
        unpacker = zlib.decompressobj(wbits=31)
        if wrong := _inflate(source, len(data) - start, unpacker, taken):
            return bytes(taken), Fault(wrong, f"The gzip is {wrong}", len(data) if wrong == "truncated" else start)
        source.seek(-len(unpacker.unused_data), io.SEEK_CUR)
        if data[source.tell() : source.tell() + 2] != b"\x1f\x8b":
            return bytes(taken), None
    return bytes(taken), Fault("too_many", f"The gzip has more than {_PARTS_MOST} parts", source.tell())


def _inflate(source: BinaryIO, packed: int, unpacker: "zlib._Decompress", taken: _Taken) -> str | None:
    """Unpack so many bytes, or as many as belong together; answers what is wrong: `truncated` or `corrupt`."""
    tail = b""
    try:
        while not unpacker.eof:
            if not tail:
                tail = source.read(min(_PIECE, packed))
                packed -= len(tail)
                if not tail:
                    taken.add(unpacker.flush())
                    return None if unpacker.eof else "truncated"
            taken.add(unpacker.decompress(tail, _PIECE))
            tail = unpacker.unconsumed_tail
    except zlib.error:
        return "corrupt"
    return None


def _zip(name: str, source: BinaryIO, budget: _Budget, depth: int) -> Iterator[Member | Problem]:
    try:
        _check_directory(source, budget.limits)
        archive = zipfile.ZipFile(source)
    except _TooMuch as reached:
        yield Problem(name, reached.code, reached.message)
        return
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError) as wrong:
        yield Problem(name, "damaged", f"The zip has no readable directory: {wrong}")
        return
    with archive:
        for info in archive.infolist():
            if info.filename.endswith("/") or _JUNK.search(info.filename):  # is_dir() fails where there is no name
                continue
            budget.members -= 1
            if budget.members < 0:
                raise _TooMuch("too_many", f"There are more than {budget.limits.members} files", final=True)
            inner = f"{name}/{info.filename}"[-_NAME_MOST:]
            if budget.limits.archive_bytes and info.filename.lower().endswith(".zip"):
                yield from _on_disk(source, info, inner, budget, depth)
                continue
            try:
                found = _member(source, info, inner, budget)
            except _TooMuch as reached:
                if reached.final:
                    raise
                found = Problem(inner, reached.code, reached.message)
            if isinstance(found, Problem):
                yield found
            else:
                yield from _opened(found.name, found.data, found.faults, budget, depth + 1)


def _check_directory(source: BinaryIO, limits: Limits) -> None:
    """A directory is read as a whole, and takes ten times its size: so it must be small enough for the files there may be."""
    end = source.seek(0, io.SEEK_END)
    source.seek(max(0, end - 65_557))
    tail = source.read(65_557)
    at = tail.rfind(b"PK\x05\x06")
    size = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if size == 0xFFFF_FFFF:
        large = tail.rfind(b"PK\x06\x06", 0, at)
        size = int.from_bytes(tail[large + 40 : large + 48], "little") if large >= 0 else size
    source.seek(0)
    if size > min(_DIRECTORY_MOST, max(limits.members * _ENTRY_MOST, _PIECE), end):
        raise _TooMuch("too_large", "The zip names too many files; put them into several")


def _on_disk(
    source: BinaryIO, info: zipfile.ZipInfo, name: str, budget: _Budget, depth: int
) -> Iterator[Member | Problem]:
    """What is in a zip in a zip, which is laid on disk meanwhile."""
    with tempfile.TemporaryFile() as spool:
        try:
            found = _pack_out(source, info, name, _Taken(budget, info.compress_size, spool))
        except _TooMuch as reached:
            if reached.final:
                raise
            found = Problem(name, reached.code, reached.message)
        spool.seek(0)
        if isinstance(found, Problem):
            yield found
        elif detect(spool.read(_HEAD)) != "zip":
            yield Problem(name, "damaged", "It is called a zip and is none")
        elif depth + 1 >= budget.limits.depth:
            yield Problem(name, "too_deep", f"Archives are packed in archives more than {budget.limits.depth} deep")
        else:
            yield from _zip(name, spool, budget, depth + 1)


def _member(source: BinaryIO, info: zipfile.ZipInfo, name: str, budget: _Budget) -> Member | Problem:
    """One file. It is unpacked here, because the standard library keeps back the end of one whose check sum is wrong."""
    taken = _Taken(budget, info.compress_size)
    wrong = _pack_out(source, info, name, taken)
    if isinstance(wrong, Problem):
        return wrong
    data = bytes(taken)
    if wrong is None and zlib.crc32(data) != info.CRC:
        wrong = "corrupt"
    if wrong and not data:
        return Problem(name, "damaged", f"It is {wrong} in the zip")
    faults = (Fault(wrong, f"The file is {wrong} in the zip", len(data)),) if wrong else ()
    return Member(name, data, detect(data), faults)


def _pack_out(source: BinaryIO, info: zipfile.ZipInfo, name: str, taken: _Taken) -> Problem | str | None:
    """Unpack a member of a zip; answers what is wrong with its bytes, or why none can be had."""
    if info.flag_bits & 1:
        return Problem(name, "encrypted", "It is encrypted")
    if info.compress_type not in (_STORED, _DEFLATED):
        return Problem(name, "unsupported", f"It is packed by method {info.compress_type}, which is not read here")
    source.seek(max(0, info.header_offset))
    head = source.read(_LOCAL_HEADER)
    if head[:4] != b"PK\x03\x04" or len(head) < _LOCAL_HEADER:
        return Problem(name, "damaged", "It is not where the directory says")
    source.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), io.SEEK_CUR)
    if info.compress_type == _DEFLATED:
        return _inflate(source, info.compress_size, zlib.decompressobj(wbits=-15), taken)
    left = info.compress_size
    while left and (piece := source.read(min(_PIECE, left))):
        taken.add(piece)
        left -= len(piece)
    return "truncated" if left else None


__all__ = ["Kind", "Limits", "Member", "Problem", "detect", "one", "unpack"]
