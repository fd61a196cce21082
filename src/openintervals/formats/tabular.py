"""CSV: streams and laps, out and in.

Streams: the header names the streams, a row is a sample, a blank cell is null. An array is packed with `:`, and so is a
position: `latlng` is one column, latitude first. Laps: a row is a lap, with its rows, its times and whatever the device
said. What is read may be quoted, begin with a byte order mark, and end its lines either way. Whatever is wrong is told
with its row, counted from 1 for the header, and its column.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import orjson
from numpy.typing import NDArray

from .recording import METRICS, Channels, Floats, Lap, Unusable
from .times import unix_time

BYTES_MOST = 64 * 1024 * 1024
ROWS_MOST = 1_000_000
COLUMNS_MOST = 200
ARRAY_MOST = 64  # values in a cell
CELLS_MOST = 2_500_000
_LATLNG = "latlng"
_ARRAYS = ("hrv",)  # streams whose values are arrays even where each has one number
_COLONS = bytes.maketrans(b",", b":")
_LAP_WORDS = ("intensity", "trigger", "stroke")


class BadCell(Unusable):
    """A cell, or a whole row, says nothing that can be understood. Rows count from 1, which is the header."""

    def __init__(self, message: str, row: int, column: str | None = None) -> None:
        where = f"row {row}" if column is None else f"row {row}, column {column}"
        super().__init__(f"{message} ({where})")
        self.row = row
        self.column = column


# Streams


def encode_streams(channels: Mapping[str, Floats]) -> bytes:
    """Streams as CSV, in the order given; `lat` and `lng` become `latlng`, where the first of them stands.

    Raises ValueError where they differ in length.
    """
    names: list[str] = []
    columns: list[list[bytes]] = []
    for name, values in channels.items():
        if name in ("lat", "lng") and "lat" in channels and "lng" in channels:
            if _LATLNG not in names:
                names.append(_LATLNG)
                columns.append(_pairs(channels["lat"], channels["lng"]))
        else:
            names.append(name)
            columns.append(_arrays(values) if values.ndim == 2 else _cells(values))
    if len({len(column) for column in columns}) > 1:
        raise ValueError("Streams of one activity have the same length")
    header = ",".join(_quoted(name) for name in names).encode()
    if not columns:
        return header + b"\n"
    if len(columns) == 1:  # an empty line is no row: say that there is a blank cell
        return b"\n".join([header, *(cell or b'""' for cell in columns[0])]) + b"\n"
    return b"\n".join([header, *map(b",".join, zip(*columns, strict=True))]) + b"\n"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(sign in name for sign in ',"\r\n') else name


def _cells(values: Floats) -> list[bytes]:
    if not len(values):
        return []
    known = np.isfinite(values)
    whole = bool(known.all())
    numbers = values if whole else np.where(known, values, 0.0)
    if (np.abs(numbers) < 2.0**53).all() and (numbers == np.rint(numbers)).all():
        table: NDArray[np.generic] = numbers.astype(np.int64)
    else:
        table = np.ascontiguousarray(numbers, np.float64)
    cells = orjson.dumps(table, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
    if not whole:
        for row in np.flatnonzero(~known).tolist():
            cells[row] = b""
    return cells


def _pairs(first: Floats, second: Floats) -> list[bytes]:
    table = np.stack([first, second], axis=1)
    table[np.isnan(table).any(axis=1)] = np.nan
    return _arrays(table)


def _arrays(values: Floats) -> list[bytes]:
    """Rows of a table packed, without their nulls."""
    if not values.size:
        return [b""] * len(values)
    packed = orjson.dumps(np.ascontiguousarray(values, np.float64), option=orjson.OPT_SERIALIZE_NUMPY)
    packed = packed[2:-2].translate(_COLONS)
    if not np.isfinite(values).all():
        packed = packed.replace(b"null:", b"").replace(b":null", b"").replace(b"null", b"")
    return packed.split(b"]:[")


def decode_streams(data: bytes, *, most_bytes: int = BYTES_MOST) -> Channels:
    """Streams by name, all of one length; a column without any value is there, all NaN. Raises Unusable, mostly BadCell."""
    header, rows = _table(data, most_bytes)
    channels: Channels = {}
    columns = zip(*rows, strict=True) if rows else [()] * len(header)
    for name, cells in zip(header, columns, strict=True):
        if name == _LATLNG:
            table = _packed(cells, name)
            blank = not table.shape[1]
            if not blank and (table.shape[1] != 2 or (np.isnan(table[:, 0]) != np.isnan(table[:, 1])).any()):
                row = next(row for row, cell in enumerate(cells) if cell.strip() and cell.count(":") != 1)
                raise BadCell("A position is a latitude and a longitude with : between them", row + 2, name)
            table = np.full((len(cells), 2), np.nan) if blank else table
            channels["lat"], channels["lng"] = table[:, 0].copy(), table[:, 1].copy()
        elif name in _ARRAYS or ":" in "".join(cells):
            channels[name] = _packed(cells, name)
        else:
            channels[name] = _column(cells, name)
    return channels


def _table(data: bytes, most_bytes: int) -> tuple[list[str], list[list[str]]]:
    """The names of the header, and rows as wide as it."""
    if len(data) > most_bytes:
        raise Unusable(f"The file is larger than {most_bytes} bytes", most_bytes)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise Unusable("The file is not in UTF-8", wrong.start) from wrong
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > ROWS_MOST or text.count(",") + text.count("\n") > CELLS_MOST:
        raise Unusable(f"There are more than {ROWS_MOST} rows or {CELLS_MOST} cells")
    rows = _quoted_rows(text) if '"' in text else [line.split(",") for line in text.split("\n") if line.strip()]
    if not rows:
        raise Unusable("The file is empty")
    header = [name.strip() for name in rows.pop(0)]
    if len(header) > COLUMNS_MOST:
        raise Unusable(f"There are more than {COLUMNS_MOST} columns")
    for column, name in enumerate(header):
        if not name:
            raise BadCell(f"Column {column + 1} has no name", 1)
        if name in header[:column]:
            raise BadCell("The column is there twice", 1, name)
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise BadCell(f"The row has {len(row)} cells and the header {len(header)}", number + 2)
    return header, rows


def _quoted_rows(text: str) -> list[list[str]]:
    rows: list[list[str]] = []
    limit = csv.field_size_limit()
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows.extend(row for row in reader if row)
    except csv.Error as wrong:
        raise BadCell(f"The quotes are wrong, or a cell has more than {limit} characters", len(rows) + 1) from wrong
    return rows


def _column(cells: Sequence[str], name: str) -> Floats:
    try:
        values = np.array([float(cell or "nan") for cell in cells])
        # To Python `1_0`, `inf` and `nan` are numbers too.
        good = int((~np.isfinite(values)).sum()) == cells.count("") and "_" not in "".join(cells)
    except ValueError:
        good = False
    return values if good else np.array([_number(cell, row, name) for row, cell in enumerate(cells)])


def _packed(cells: Sequence[str], name: str) -> Floats:
    parts = [cell.split(":", ARRAY_MOST) if cell.strip() else [] for cell in cells]
    width = max(map(len, parts), default=0)
    if width > ARRAY_MOST:
        row = next(row for row, part in enumerate(parts) if len(part) > ARRAY_MOST)
        raise BadCell(f"An array has more than {ARRAY_MOST} values", row + 2, name)
    if width * len(cells) > CELLS_MOST:
        raise Unusable(f"The arrays of {name} have more than {CELLS_MOST} values together")
    table = np.full((len(cells), width), np.nan)
    try:
        values = np.array([float(each) for part in parts for each in part])
        good = bool(np.isfinite(values).all()) and "_" not in "".join(cells)
    except ValueError:
        good = False
    if good:
        table[np.arange(width) < np.array([len(part) for part in parts])[:, None]] = values
        return table
    for row, part in enumerate(parts):
        table[row, : len(part)] = [_number(each, row, name, blank=False) for each in part]
    return table


def _number(cell: str, row: int, name: str, *, blank: bool = True) -> float:
    cell = cell.strip()
    if not cell and blank:
        return float("nan")
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if value - value != 0 or "_" in cell:
        shown = cell if len(cell) <= 20 else cell[:20] + "…"
        raise BadCell(f"“{shown}” is not a number", row + 2, name)
    return value


# Laps


def encode_laps(laps: Sequence[Lap]) -> bytes:
    """Laps as CSV: number, rows, start, then what any of them has."""
    metrics = [name for name in METRICS if any(name in lap.metrics for lap in laps)]
    words = [name for name in _LAP_WORDS if any(getattr(lap, name) for lap in laps)]
    lines = [["lap", "start_index", "end_index", "start", *metrics, *words]]
    for number, lap in enumerate(laps, 1):
        start = lap.start_at.astimezone(UTC).isoformat().replace("+00:00", "Z") if lap.start_at else ""
        cells = [str(number), str(lap.start), str(lap.end), start]
        cells += [_cells(np.array([lap.metrics.get(name, np.nan)]))[0].decode() for name in metrics]
        lines.append([*cells, *(_word(getattr(lap, name)) for name in words)])
    return ("\n".join(map(",".join, lines)) + "\n").encode()


def _word(value: str | None) -> str:
    """A word that no spreadsheet takes for more than it is."""
    return "".join(sign for sign in (value or "")[:80] if sign.isalnum() or sign in " _")


def decode_laps(data: bytes, *, most_bytes: int = BYTES_MOST) -> tuple[Lap, ...]:
    """Laps in the order of the file. Columns that are not known here are passed over. Raises Unusable, mostly BadCell."""
    header, rows = _table(data, most_bytes)
    for name in ("start_index", "end_index"):
        if name not in header:
            raise BadCell(f"There is no column {name}", 1)
    laps = []
    for row, cells in enumerate(rows):
        told = dict(zip(header, cells, strict=True))
        start, end = (_index(told[name], row, name) for name in ("start_index", "end_index"))
        if end < start:
            raise BadCell("A lap ends before it starts", row + 2, "end_index")
        metrics = {name: _number(told[name], row, name) for name in METRICS if told.get(name, "").strip()}
        words = [told.get(name, "").strip()[:80] or None for name in _LAP_WORDS]
        laps.append(Lap(start, end, _start(told.get("start", ""), row), metrics, *words))
    return tuple(laps)


def _index(cell: str, row: int, name: str) -> int:
    value = _number(cell, row, name, blank=False)
    if not value.is_integer() or not 0 <= value <= 2**31:
        raise BadCell("An index is a whole number from 0", row + 2, name)
    return int(value)


def _start(cell: str, row: int) -> datetime | None:
    if not cell.strip():
        return None
    unix_s = unix_time(cell)
    if unix_s != unix_s:
        raise BadCell("This is not an instant such as 2024-05-01T06:30:00Z", row + 2, "start")
    return datetime.fromtimestamp(unix_s, UTC)


__all__ = [
    "ARRAY_MOST",
    "BYTES_MOST",
    "COLUMNS_MOST",
    "ROWS_MOST",
    "BadCell",
    "decode_laps",
    "decode_streams",
    "encode_laps",
    "encode_streams",
]
