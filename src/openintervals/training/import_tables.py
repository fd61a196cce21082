"""Import tables: `activities.csv` in the archive of another service, which says what its files do not: names, descriptions, types.

Columns are known by their names, English as Strava writes them or as Intervals.icu does; where a name stands twice (Strava gives distances first
in the units of the page, then in metres) the last one counts. All of it is pure. A row that cannot be understood says less, and fails nothing.
"""

import csv
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from openintervals.formats import sports
from openintervals.training import activity_fields

NAME = "activities.csv"
BYTES_MOST = 64 * 1024 * 1024
ROWS_MOST = 200_000
_COLUMNS = {
    "activity_id": "id",
    "activity_date": "date",
    "start_date_local": "local_start",
    "activity_name": "name",
    "activity_type": "type",
    "activity_description": "description",
    "elevation_gain": "total_elevation_gain",
    "average_heart_rate": "average_heartrate",
    "max_heart_rate": "max_heartrate",
}
_NUMBERS = (
    "moving_time", "elapsed_time", "distance", "total_elevation_gain", "calories", "average_heartrate", "max_heartrate",
)  # fmt: skip
_DATES = ("%b %d, %Y, %I:%M:%S %p", "%b %d, %Y, %H:%M:%S", "%d %b %Y, %H:%M:%S", "%d %b %Y, %I:%M:%S %p")
_ID = re.compile(r"[A-Za-z]?[0-9]+")


class Row(NamedTuple):
    """What a table says of one activity. `file` is empty where it has none; `start_at` may be a local time without a zone."""

    id: str
    file: str
    name: str
    description: str
    type: str | None
    commute: bool
    start_at: datetime | None
    numbers: Mapping[str, float]


@dataclass(slots=True)
class Table:
    """The rows of a table. `names_files` is whether it has a column for them, as Strava's has; others know a file by its id."""

    rows: list[Row] = field(default_factory=list)
    names_files: bool = False
    problem: str | None = None
    _by_file: dict[str, Row] = field(default_factory=dict)
    _by_id: dict[str, Row] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        if row.file:
            self._by_file[_base(row.file)] = row
        self._by_id[row.id] = row

    def row_of(self, name: str) -> Row | None:
        """The row of a file, by its name."""
        base = _base(name)
        if self.names_files:
            return self._by_file.get(base)
        return next((self._by_id[part] for part in _ID.findall(base) if part in self._by_id), None)


def is_table(name: str) -> bool:
    """Whether a file with this name is such a table."""
    return name.rpartition("/")[2].lower() == NAME


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".gz")


def table(data: bytes) -> Table:
    """The rows of a table, as far as they can be read; `problem` says why there are no more."""
    found = Table()
    if len(data) > BYTES_MOST:
        found.problem = f"The table is larger than {BYTES_MOST} bytes"
        return found
    lines = csv.reader(io.StringIO(data.decode("utf-8-sig", "replace").replace("\0", ""), newline=""))
    try:
        header = [re.sub(r"[^a-z0-9]+", "_", cell.strip().lower()) for cell in next(lines, [])]
        names = [{"date": "date", **_COLUMNS}.get(cell, cell) for cell in header]
        if "id" not in names:
            found.problem = "The table has no column Activity ID; only tables with English headers are understood"
            return found
        found.names_files = "filename" in names
        in_km = names.count("distance") == 1 and "activity_id" in header
        for line in lines:
            cells = {name: cell.strip() for name, cell in zip(names, line, strict=False) if cell.strip()}
            if cells.get("id"):
                found.add(_row(cells, in_km=in_km))
            if len(found.rows) >= ROWS_MOST:
                found.problem = f"The table has more than {ROWS_MOST} rows"
                break
    except csv.Error as wrong:
        found.problem = f"The table cannot be read further than line {lines.line_num}: {wrong}"
    return found


def _row(cells: Mapping[str, str], *, in_km: bool) -> Row:
    type_ = sports.activity_type(cells["type"]) if "type" in cells else "Other"
    numbers = {name: value for name in _NUMBERS if (value := _number(cells.get(name))) is not None}
    if in_km and "distance" in numbers:
        numbers["distance"] *= 1_000
    return Row(
        id=cells["id"][: activity_fields.WORD_MOST],
        file=cells.get("filename", ""),
        name=cells.get("name", "")[: activity_fields.NAME_MOST],
        description=cells.get("description", "")[: activity_fields.TEXT_MOST],
        type=None if type_ == "Other" else type_,
        commute=cells.get("commute", "").lower() in ("true", "1", "1.0"),
        start_at=_moment(cells.get("local_start") or cells.get("date", ""), utc="local_start" not in cells),
        numbers=numbers,
    )


def _number(cell: str | None) -> float | None:
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 < value <= activity_fields.NUMBER_MOST else None  # 0 says nothing


def _moment(cell: str, *, utc: bool) -> datetime | None:
    words = " ".join(cell.split()).replace("Sept ", "Sep ")
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        for pattern in _DATES:
            try:
                moment = datetime.strptime(words, pattern)  # noqa: DTZ007 — whose time it is follows below
            except ValueError:
                continue
            break
        else:
            return None
    return moment.replace(tzinfo=UTC) if utc and moment.tzinfo is None else moment


def entered(row: Row, zone: str) -> dict[str, Any] | None:
    """An activity without a file as it is entered by hand, for an athlete in that time zone; None where the table does not say when it was."""
    if row.start_at is None:
        return None
    start = row.start_at
    if start.tzinfo is not None:
        start = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return {
        "start_date_local": start.isoformat(timespec="seconds"),
        "type": row.type or "Other",
        "external_id": row.id,
        **{name: said for name in ("name", "description") if (said := getattr(row, name))},
        **({"commute": True} if row.commute else {}),
        **row.numbers,
    }
