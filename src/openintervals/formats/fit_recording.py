"""From the messages of a FIT file to a recording.

Each session is an activity and has the records, laps and lengths from its start to the start of the next. A file without
sessions, because it broke off, is one activity; so are records that come after the last session of a broken-off file.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import fit_channels, fit_metrics, sports
from .fit import Columns, Decoded, Fault, File
from .fit.words import (
    EVENT,
    EVENT_TYPE,
    INTENSITY,
    LAP_TRIGGER,
    LENGTH_TYPE,
    MANUFACTURER,
    SPORT,
    SUB_SPORT,
    SWIM_STROKE,
)
from .fit_metrics import MESSAGES_MOST, number, numbers, word, words
from .recording import (
    Activity,
    Device,
    Floats,
    Lap,
    Length,
    Metrics,
    Recording,
    Rows,
    Unusable,
    clock_faults,
    instant,
    lay_out,
    partition,
)

SESSIONS_MOST = 32
_ACTIVITY, _COURSE = 4, 6  # kinds of file
_BROKEN = ("truncated", "corrupt", "definition_missing")


class _Session(NamedTuple):
    """A session's number among the messages, None for one that is missing, and when it begins and ends."""

    row: int | None
    start_s: float
    end_s: float
    sport: str | None
    sub_sport: str | None


def from_fit(decoded: Decoded) -> Recording:
    """What a decoded FIT file says as a recording. Raises Unusable where it has no activity."""
    faults = list(decoded.warnings)
    broken = any(fault.code in _BROKEN for fault in faults)
    activities: list[Activity] = []
    kinds = set()
    for file in decoded.files:
        kind = number(numbers(file.get("file_id"), "type"), 0)
        kinds.add(kind)
        if ("record" in file and kind in (None, _ACTIVITY)) or "session" in file:
            activities += _activities(file, faults, broken=broken)
    if not activities:
        if _COURSE in kinds:
            raise Unusable("The file is a course and not a recording")
        raise Unusable("The file has no activity", faults[-1].offset if faults else None)
    return Recording("fit", tuple(activities), (*faults, *clock_faults(activities)))


def _activities(file: File, faults: list[Fault], *, broken: bool) -> list[Activity]:
    records = file.get("record")
    times = numbers(records, "timestamp")
    if times is None:
        times = np.full(records.count if records else 0, np.nan)
    sessions = _sessions(file, times, faults, broken=broken)
    if not sessions:
        return []
    starts = np.array([session.start_s for session in sessions])
    columns = fit_channels.columns(records) if records else {}
    offset = int(records.positions[0]) if records and records.count else 0
    owner = _owners(starts, times)
    beats = fit_channels.beats(file.get("hrv"), records, times)
    tables = _tables(file, faults)
    found = []
    for index, session in enumerate(sessions):
        own = None if len(sessions) == 1 else np.flatnonzero(owner == index)
        if own is None:
            rows = lay_out(times, columns, offset=offset)
        else:
            rows = lay_out(times[own], {name: column[own] for name, column in columns.items()}, offset=offset)
        faults += rows.faults
        if not len(rows.kept_s) and session.start_s != session.start_s:
            continue
        if (
            beats
            and (by_row := fit_channels.beats_by_row(beats, times, None if own is None else owner == index, rows))
            is not None
        ):
            rows.channels["hrv"] = by_row
        found.append(_activity(file, tables, session, index, starts, rows))
    return found


def _owners(starts: Floats, times: Floats) -> NDArray[np.intp]:
    """For each time the session it belongs to; the first one for what came before it."""
    if len(starts) < 2:
        return np.zeros(len(times), np.intp)
    known = np.where(np.isnan(times), -np.inf, times)
    return np.maximum(np.searchsorted(starts, known, "right") - 1, 0)


def _sessions(file: File, times: Floats, faults: list[Fault], *, broken: bool) -> list[_Session]:
    """The sessions in the order of their starts."""
    told = file.get("session")
    found: list[_Session] = []
    if told is not None:
        if told.count > SESSIONS_MOST:
            faults.append(
                Fault("too_many", f"There are more than {SESSIONS_MOST} sessions", int(told.positions[SESSIONS_MOST]))
            )
        starts, ends = numbers(told, "start_time"), numbers(told, "timestamp")
        elapsed = numbers(told, "total_elapsed_time")
        for row in range(min(told.count, SESSIONS_MOST)):
            start, end = number(starts, row), number(ends, row)
            if start is None and end is not None:
                start = end - (number(elapsed, row) or 0)
            sports_told = word(told, "sport", SPORT, row), word(told, "sub_sport", SUB_SPORT, row)
            found.append(
                _Session(row, np.nan if start is None else start, np.nan if end is None else end, *sports_told)
            )
        if len(found) > 1:
            found = sorted(
                (session for session in found if session.start_s == session.start_s), key=lambda each: each.start_s
            )
    sport = file.get("sport")
    if found and not broken:
        return found
    last = -1 if sport is None else sport.count - 1
    sports_told = word(sport, "sport", SPORT, last), word(sport, "sub_sport", SUB_SPORT, last)
    if not found:
        first = float(np.nanmin(times)) if np.isfinite(times).any() else np.nan
        return [_Session(None, first, np.nan, *sports_told)]
    after = times[times > found[-1].end_s + 1]
    if len(after) > 1:
        found.append(_Session(None, float(after.min()), np.nan, *sports_told))
    return found


class _Tables(NamedTuple):
    """What the messages around the records say, looked up once for all activities of a file."""

    session: list[Metrics]
    lap: list[Metrics]
    lap_words: list[tuple[str | None, str | None, str | None]]  # intensity, trigger, stroke


def _tables(file: File, faults: list[Fault]) -> _Tables:
    sessions, laps, lengths = file.get("session"), file.get("lap"), file.get("length")
    for told in (laps, lengths):
        if told is not None and told.count > MESSAGES_MOST:
            message = f"There are more than {MESSAGES_MOST} messages of kind {told.name}; the others were left out"
            faults.append(Fault("too_many", message, int(told.positions[MESSAGES_MOST])))
    lap_words = []
    if laps is not None:
        tables = (("intensity", INTENSITY), ("lap_trigger", LAP_TRIGGER), ("swim_stroke", SWIM_STROKE))
        lap_words = list(zip(*(words(laps, name, table) for name, table in tables), strict=True))
    return _Tables(
        [] if sessions is None else fit_metrics.metrics(sessions),
        [] if laps is None else fit_metrics.metrics(laps),
        lap_words,
    )


def _activity(file: File, tables: _Tables, session: _Session, index: int, starts: Floats, rows: Rows) -> Activity:
    start_s = session.start_s
    if len(rows.kept_s) and not abs(start_s - rows.first_s) < 86_400:
        start_s = rows.first_s
    totals: dict[str, float] = {}
    pool_m = None
    told = file.get("session")
    if told is not None and session.row is not None:
        totals = dict(tables.session[session.row])
        pool_m = number(numbers(told, "pool_length"), session.row)
    totals |= fit_metrics.lifted(file.get("set"), lambda times: _owners(starts, times) == index)
    return Activity(
        type=sports.activity_type(session.sport, session.sub_sport),
        start_at=instant(start_s),
        first_at=instant(rows.first_s) if len(rows.kept_s) else None,
        channels=rows.channels,
        device=_device(file),
        laps=_laps(file.get("lap"), tables, index, starts, rows),
        lengths=_lengths(file.get("length"), index, starts, rows.first_s if len(rows.kept_s) else start_s),
        totals=totals,
        pool_length_m=pool_m or None,
        stops=_stops(file.get("event"), rows),
        sport_words=(session.sport, session.sub_sport),
    )


def _device(file: File) -> Device:
    told = file.get("file_id")
    if told is None:
        return Device()
    name = None
    for kind in ("file_id", "device_info"):
        names = file[kind].get("product_name") if kind in file else None
        if names is not None and names.dtype == object and (given := next(filter(None, names.tolist()), None)):
            name = name or str(given)[:200]
    serial, product = number(numbers(told, "serial_number"), 0), number(numbers(told, "product"), 0)
    return Device(
        word(told, "manufacturer", MANUFACTURER, 0),
        name,
        str(int(serial)) if serial is not None else None,
        int(product) if product is not None else None,
    )


def _own(told: Columns, index: int, sessions: Floats) -> tuple[Floats, list[int]]:
    """When these messages start, and which of them belong to a session, in the order of their starts."""
    times = numbers(told, "start_time")
    if times is None:
        return np.empty(0), []
    times = times[:MESSAGES_MOST]
    own = np.flatnonzero((_owners(sessions, times) == index) & np.isfinite(times))
    return times, own[np.argsort(times[own], kind="stable")].tolist()


def _laps(told: Columns | None, tables: _Tables, index: int, sessions: Floats, rows: Rows) -> tuple[Lap, ...]:
    if told is None:
        return ()
    times, own = _own(told, index, sessions)
    starts = times[own].tolist()
    return tuple(
        Lap(first, end, instant(start), tables.lap[row], *tables.lap_words[row])
        for row, start, (first, end) in zip(own, starts, partition(rows, starts), strict=True)
    )


def _lengths(told: Columns | None, index: int, sessions: Floats, first_s: float) -> tuple[Length, ...]:
    if told is None:
        return ()
    times, own = _own(told, index, sessions)
    elapsed, strokes = numbers(told, "total_elapsed_time"), numbers(told, "total_strokes")
    types, styles = words(told, "length_type", LENGTH_TYPE), words(told, "swim_stroke", SWIM_STROKE)
    return tuple(
        Length(
            float(times[row]) - first_s,
            number(elapsed, row) or 0.0,
            types[row] != "idle",
            number(strokes, row),
            styles[row],
        )
        for row in own
    )


def _stops(told: Columns | None, rows: Rows) -> tuple[int, ...]:
    times, kinds, types = (numbers(told, name) for name in ("timestamp", "event", "event_type"))
    if times is None or kinds is None or types is None or not len(rows.kept_s):
        return ()
    timer = next(number for number, name in EVENT.items() if name == "timer")
    stopping = [number for number, name in EVENT_TYPE.items() if name.startswith("stop")]
    stopped = times[(kinds == timer) & np.isin(types, stopping) & np.isfinite(times)] - rows.first_s
    places = np.searchsorted(rows.channels["time"], np.floor(stopped + 0.5), "right") - 1
    return tuple(sorted({place for place in places.tolist() if 0 <= place < len(rows.kept_s) - 1}))


__all__: Sequence[str] = ["SESSIONS_MOST", "from_fit"]
