"""XML of recordings, read safely and once through: the samples as columns, and the few other elements that matter.

GPX and TCX are both long rows of one element (`trkpt`, `Trackpoint`) inside a little structure. The samples' values are
collected as columns while expat walks the bytes, and turned into numbers a block at a time, so memory stays a small
multiple of the numbers. Prefixes are dropped: extensions are known by their local names whatever namespace they claim.

A document with a DOCTYPE is refused, so nobody can declare an entity; depth, samples and the length of a text are capped.
Broken XML keeps every sample that was complete before the fault. Whatever encoding is claimed, expat is given UTF-8.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

import numpy as np

from .recording import SAMPLES_MOST, Fault, Floats, Unusable
from .times import unix_times

BYTES_MOST = 64 * 1024 * 1024
DEPTH_MOST = 64
TEXT_MOST = 4_096
_BLOCK = 16_384
_NAMES_MOST = 4_096  # different names of elements and attributes
ELEMENTS_MOST = 1_000_000  # outside samples
TAG_MOST = 2 * 1024 * 1024
_ATTRIBUTES_FEW = 16
_CHUNK = 1024 * 1024

_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_CODECS = frozenset(
    {"iso-8859-1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1251", "windows-1252", "gb2312", "gbk", "shift_jis", "euc-kr", "big5"}
)  # fmt: skip

_ENDS = frozenset(
    expat.errors.codes[name]
    for name in (expat.errors.XML_ERROR_UNCLOSED_TOKEN, expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION)
)


class _Enough(Exception):
    """A limit was reached; what was read until then is kept."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class Samples:
    """The samples of a document: `count` of them, and columns as long, NaN where a sample does not have the element."""

    count: int = 0
    times_s: Floats = field(default_factory=lambda: np.empty(0))
    columns: dict[str, Floats] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


Opened = Callable[[str, Mapping[str, str], int], None]
Closed = Callable[[str, str, int, Sequence[str]], None]


def scan(
    data: bytes,
    *,
    sample: str,
    columns: Mapping[str, str],
    attributes: Mapping[str, str],
    opened: Opened,
    closed: Closed,
    structure: frozenset[str],
    most_bytes: int = BYTES_MOST,
) -> Samples:
    """Walk a document and return its samples, the elements called `sample`.

    `columns` says in which column the text of an element inside a sample goes (`time` is an instant, the others numbers),
    `attributes` likewise for attributes of the sample itself. Outside samples, `opened(name, attributes, row)` is called
    for elements named in `structure` and `closed(name, text, row, names of the elements around it)` for all others with
    a text and for those in `structure`; `row` is the number of samples so far. An element that holds only another one has the other's text.
    Raises Unusable for a DOCTYPE, for something that is not XML and for more than `most_bytes`.
    """
    text, skipped, faults = _as_utf8(data, most_bytes)
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    walk = _Walk(parser, sample, columns, attributes, opened, closed, structure)
    try:
        _feed(parser, text)
    except expat.ExpatError as wrong:
        at = max(0, parser.ErrorByteIndex) + skipped
        if not walk.began:
            raise Unusable("This is not XML", at) from wrong
        if wrong.code in _ENDS or at >= len(text) + skipped:
            faults.append(Fault("truncated", "The file ends early", len(text) + skipped))
        else:
            faults.append(Fault("corrupt", f"The file is not well-formed: {expat.ErrorString(wrong.code)}", at))
    except _Enough as enough:
        faults.append(Fault("too_many", enough.message, max(0, parser.CurrentByteIndex) + skipped))
    finally:
        parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
    return walk.samples(faults)


def _feed(parser: expat.XMLParserType, text: bytes) -> None:
    """A megabyte at a time, so that endless tags and endless new names are noticed while they grow."""
    for at in range(0, len(text), _CHUNK):
        chunk = text[at : at + _CHUNK]
        parser.Parse(chunk, False)
        if at + len(chunk) - parser.CurrentByteIndex > TAG_MOST:
            raise _Enough(f"There is a tag of more than {TAG_MOST} bytes")
        if len(parser.intern) > _NAMES_MOST:
            raise _Enough(f"There are more than {_NAMES_MOST} names of elements and attributes")
    parser.Parse(b"", True)


def _as_utf8(data: bytes, most_bytes: int) -> tuple[bytes, int, list[Fault]]:
    """The document in UTF-8 without what may stand in front of it, how many bytes those are, and what was wrong."""
    if len(data) > most_bytes:
        raise Unusable(f"The file is larger than {most_bytes} bytes", most_bytes)
    faults: list[Fault] = []
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode()
    elif data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    text = data.lstrip(b" \t\r\n\0")
    skipped = len(data) - len(text)
    try:
        text.decode()
    except UnicodeDecodeError as wrong:
        if wrong.reason == "unexpected end of data":  # broken off within a character
            return _checked(text[: wrong.start]), skipped, faults
        declared = _DECLARED.match(text)
        name = declared[1].decode().lower() if declared else ""
        codec = name if name in _CODECS else "latin-1"
        if codec != name:
            faults.append(
                Fault("encoding", "The text is not in the encoding that the file claims", wrong.start + skipped)
            )
        text = text.decode(codec, "replace").encode()
    return _checked(text), skipped, faults


def _checked(text: bytes) -> bytes:
    """The document, if it is one and declares nothing. In UTF-8 a DOCTYPE can be spelled in one way only."""
    at = text.find(b"<!DOCTYPE")
    if at >= 0:
        raise Unusable("Files with a DOCTYPE are not read", at)
    if not text.startswith(b"<"):
        raise Unusable("This is not XML", 0)
    return text


class _Locals(dict[str, str]):
    """Local names of names with their prefixes, and where the text of such an element goes; found out once for each."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self.columns: dict[str, str | None] = {}
        self._by_local = columns

    def __missing__(self, name: str) -> str:
        local = name.rpartition(":")[2]
        if len(self) >= _NAMES_MOST:
            raise _Enough(f"There are more than {_NAMES_MOST} names of elements")
        self[name] = local
        self.columns[name] = self._by_local.get(local)
        return local


class _Walk:
    """What is remembered while expat walks: one pair of handlers outside samples, and one inside that runs for every tag."""

    def __init__(
        self,
        parser: expat.XMLParserType,
        sample: str,
        columns: Mapping[str, str],
        attributes: Mapping[str, str],
        opened: Opened,
        closed: Closed,
        structure: frozenset[str],
    ) -> None:
        self._parser = parser
        self._sample, self._structure = sample, structure
        self._opened, self._closed = opened, closed
        self._keys = tuple({**{name: name for name in columns.values()}, **attributes}.items())
        self._locals = _Locals(columns)
        self._stack: list[str] = []
        self._texts: list[str] = []  # since the last tag that opened
        self._row = 0  # samples that are complete
        self._waiting: list[dict[str, str]] = []  # those of them that are not numbers yet
        self._blocks: list[dict[str, Floats]] = []
        self.began = False
        self._elements = 0  # outside samples
        self._begin, self._start_inside, self._end_inside = self._inside()
        parser.CharacterDataHandler = self._texts.append
        self._outside()

    def _outside(self) -> None:
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._texts.clear()
        self.began = True
        self._elements += 1
        if self._elements > ELEMENTS_MOST:
            raise _Enough(f"There are more than {ELEMENTS_MOST} elements that are no samples")
        local = self._locals[name]
        if local == self._sample:
            if self._row >= SAMPLES_MOST:
                raise _Enough(f"There are more than {SAMPLES_MOST} samples")
            self._elements -= 1
            if len(attributes) > _ATTRIBUTES_FEW:
                attributes = {key: attributes[key] for key, _ in self._keys if key in attributes}
            self._begin(attributes)
            return
        if len(self._stack) >= DEPTH_MOST:
            raise _Enough(f"Elements are nested more than {DEPTH_MOST} deep")
        self._stack.append(local)
        if local in self._structure:
            self._opened(local, attributes, self._row)

    def _end(self, _: str) -> None:
        local = self._stack.pop()
        if not self._texts and local not in self._structure:
            return
        text = "".join(self._texts)[:TEXT_MOST].strip()
        self._texts.clear()
        if text or local in self._structure:
            self._closed(local, text, self._row, self._stack)
        if text:
            self._texts.append(text)  # whoever holds nothing else has the same text

    def _complete(self, cells: dict[str, str]) -> None:
        self._row += 1
        self._waiting.append(cells)
        if len(self._waiting) == _BLOCK:
            self._flush()
        self._outside()

    def _flush(self) -> None:
        if self._waiting:
            self._blocks.append(_numbers(self._waiting, self._keys))
            self._waiting = []

    def _inside(self) -> tuple[Callable[[dict[str, str]], None], Any, Any]:
        locals_, texts, parser, complete = self._locals, self._texts, self._parser, self._complete
        column_of, clear = locals_.columns, texts.clear
        cells: dict[str, str] = {}
        depth = 0

        def begin(attributes: dict[str, str]) -> None:
            nonlocal cells
            cells = attributes
            parser.StartElementHandler, parser.EndElementHandler = start, end

        def start(name: str, _: dict[str, str]) -> None:
            nonlocal depth
            clear()
            depth += 1
            if name not in column_of:
                locals_[name]  # makes both known
            if depth > DEPTH_MOST:
                raise _Enough(f"Elements are nested more than {DEPTH_MOST} deep")

        def end(name: str) -> None:
            nonlocal depth
            if depth:
                depth -= 1
                column = column_of.get(name)
                if column:
                    cells[column] = texts[0] if len(texts) == 1 else "".join(texts)[:TEXT_MOST]
            else:
                complete(cells)

        return begin, start, end

    def samples(self, faults: list[Fault]) -> Samples:
        """All complete samples in columns. To be called once, at the end."""
        self._flush()
        names = dict.fromkeys(name for block in self._blocks for name in block)
        count = sum(len(block["time"]) for block in self._blocks)
        columns = {
            name: np.concatenate(
                [block[name] if name in block else np.full(len(block["time"]), np.nan) for block in self._blocks]
            )
            for name in names
        }
        self._blocks.clear()  # expat's handlers and this know each other: only the garbage collector frees the two
        return Samples(count, columns.pop("time", np.empty(0)), columns, faults)


def _numbers(samples: list[dict[str, str]], keys: Sequence[tuple[str, str]]) -> dict[str, Floats]:
    """Texts as columns of numbers; `time`, in Unix seconds, is always there, another column only if it has a value."""
    found = {}
    used = set().union(*samples)
    for key, name in keys:
        if name == "time":
            found[name] = unix_times([sample.get(key) for sample in samples])
            continue
        if key not in used:
            continue
        try:
            values = np.array(list(map(float, [sample[key] for sample in samples])))
        except (KeyError, ValueError):
            values = np.array([number(sample.get(key)) for sample in samples])
        values[np.isinf(values)] = np.nan
        found[name] = values
    return found


def number(text: str | None) -> float:
    """A number, NaN for anything else; a decimal comma is understood."""
    try:
        value = float(text.replace(",", ".")) if text else np.nan
    except ValueError:
        return float("nan")
    return value if abs(value) < float("inf") else float("nan")


__all__ = [
    "BYTES_MOST",
    "DEPTH_MOST",
    "ELEMENTS_MOST",
    "SAMPLES_MOST",
    "TAG_MOST",
    "Closed",
    "Opened",
    "Samples",
    "number",
    "scan",
]
