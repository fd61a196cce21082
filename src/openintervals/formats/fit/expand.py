"""Fields that are packed into others: components, and sub-fields whose meaning another field says.

A component is a run of bits of its source that belongs to another field, the target. Where a message has the target
itself, that counts. An accumulated component only tells the lowest bits of a number that never falls; the rest is
carried from message to message, from the last full value of the target where one was sent.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .profile import Field, fields_by_name, sub_fields

Column = NDArray[Any]

# kind.source: target[/scale][-offset] bits[+ if accumulated], … [if field value …]; bits from the lowest up
_TEXT = """
session.avg_speed: enhanced_avg_speed/1000 16
session.max_speed: enhanced_max_speed/1000 16
session.avg_altitude: enhanced_avg_altitude/5-500 16
session.max_altitude: enhanced_max_altitude/5-500 16
session.min_altitude: enhanced_min_altitude/5-500 16
session.avg_respiration_rate: enhanced_avg_respiration_rate 8
session.max_respiration_rate: enhanced_max_respiration_rate 8
session.min_respiration_rate: enhanced_min_respiration_rate 8
lap.avg_speed: enhanced_avg_speed/1000 16
lap.max_speed: enhanced_max_speed/1000 16
lap.avg_altitude: enhanced_avg_altitude/5-500 16
lap.max_altitude: enhanced_max_altitude/5-500 16
lap.min_altitude: enhanced_min_altitude/5-500 16
lap.avg_respiration_rate: enhanced_avg_respiration_rate 8
lap.max_respiration_rate: enhanced_max_respiration_rate 8
length.avg_respiration_rate: enhanced_avg_respiration_rate 8
length.max_respiration_rate: enhanced_max_respiration_rate 8
segment_lap.avg_altitude: enhanced_avg_altitude/5-500 16
segment_lap.max_altitude: enhanced_max_altitude/5-500 16
segment_lap.min_altitude: enhanced_min_altitude/5-500 16
segment_point.altitude: enhanced_altitude/5-500 16
record.altitude: enhanced_altitude/5-500 16
record.speed: enhanced_speed/1000 16
record.respiration_rate: enhanced_respiration_rate 8
record.compressed_speed_distance: speed/100 12, distance/16 12+
record.cycles: total_cycles 8+
record.compressed_accumulated_power: accumulated_power 16+
jump.speed: enhanced_speed/1000 16
event.data16: data 16
event.data: rear_gear_num 8, rear_gear 8, front_gear_num 8, front_gear 8 if event 42 43
event.data: radar_threat_level_max 8, radar_threat_count 8, radar_threat_avg_approach_speed/10 8, radar_threat_max_approach_speed/10 8 if event 75
event.data: score 16, opponent_score 16 if event 33
monitoring.current_activity_type_intensity: activity_type 5, intensity 3
exd_data_field_configuration.concept_field: field_id 4, concept_count 4
exd_data_concept_configuration.concept_field: field_id 4, concept_index 4
hr.time256: fractional_timestamp/256 8
hr.event_timestamp_12: event_timestamp/1024 12+ ×10
ant_rx.mesg_data: channel_number 8, data 8 ×8
ant_tx.mesg_data: channel_number 8, data 8 ×8
raw_bbi.data: time 14, quality 1, gap 1 ××15
"""
_WIDTHS = {"byte": 8, "u8": 8, "enum": 8, "u16": 16, "u32": 32}
_EXACT_BELOW = 2.0**53


class Component(NamedTuple):
    """`shifts` are the lowest bits of each value; several make a row. `other` in `values`, if told, is when it holds."""

    source: str
    target: str
    scale: float
    offset: float
    bits: int
    shifts: tuple[int, ...]
    accumulated: bool
    other: str
    values: tuple[int, ...]


@cache
def _components() -> dict[str, tuple[Component, ...]]:
    found: dict[str, tuple[Component, ...]] = {}
    for line in _TEXT.strip().splitlines():
        place, _, rest = line.partition(": ")
        kind, _, source = place.partition(".")
        spelled, _, condition = rest.partition(" if ")
        other, *values = condition.split() or [""]
        spelled, _, rounds = spelled.partition(" ××")
        shift = 0
        shifts: dict[tuple[str, int, bool], list[int]] = {}
        for _round in range(int(rounds or 1)):
            for words in spelled.split(", "):
                target, width, *times = words.split()
                bits = int(width.removesuffix("+"))
                for _time in range(int(times[0][1:]) if times else 1):
                    shifts.setdefault((target, bits, width.endswith("+")), []).append(shift)
                    shift += bits
        for (target, bits, accumulated), places in shifts.items():
            name, _, numbers = target.partition("/")
            scale, _, offset = numbers.partition("-")
            component = Component(
                source, name, float(scale or 1), float(offset or 0), bits, tuple(places), accumulated,
                other, tuple(map(int, values)),
            )  # fmt: skip
            found[kind] = (*found.get(kind, ()), component)
    return found


@cache
def _by_target() -> dict[tuple[str, str], list[Component]]:
    found: dict[tuple[str, str], list[Component]] = {}
    for kind, components in _components().items():
        for component in components:
            found.setdefault((kind, component.target), []).append(component)
    return found


def targets(kind: str, names: Iterable[str], has: Callable[[str, Iterable[int]], bool]) -> list[str]:
    """What can be derived from fields of these names; `has` says whether a field has one of some values anywhere."""
    known = dict.fromkeys(names)
    for component in _components().get(kind, ()):
        if component.source in known and (not component.other or has(component.other, component.values)):
            known[component.target] = None
    for name, sub in sub_fields(kind).items():
        if sub.source in known and has(sub.other, sub.values):
            known[name] = None
    for name in names:
        del known[name]
    return list(known)


def fill(columns: Mapping[str, Column], kind: str, name: str, column: Column | None) -> Column | None:
    """The column of a field, with what components and sub-fields say where it is absent; None if nothing says anything."""
    for component in _by_target().get((kind, name), ()):
        if component.source in columns:
            column = filled(column, _component(columns, kind, component, column))
    sub = sub_fields(kind).get(name)
    if sub and column is None and sub.source in columns and sub.other in columns:
        source = _raw(numbers(columns[sub.source]), fields_by_name(kind)[sub.source])
        holds = is_one_of(columns[sub.other], sub.values)
        if holds.any():
            column = np.where(holds, source / sub.field.scale - sub.field.offset, np.nan)
    return column


def filled(column: Column | None, more: Column | None) -> Column | None:
    """The first column, and the second where that is NaN."""
    if column is None or more is None:
        return more if column is None else column
    if column.dtype != np.float64 or more.dtype != np.float64:
        return column
    if column.ndim != more.ndim:
        column = column if column.ndim == 2 else column[:, None]
        more = more if more.ndim == 2 else more[:, None]
    if column.ndim == 2 and column.shape[1] != more.shape[1]:
        width = max(column.shape[1], more.shape[1])
        column, more = _widened(column, width), _widened(more, width)
    return np.where(np.isnan(column), more, column)


def _widened(column: Column, width: int) -> Column:
    wide = np.full((len(column), width), np.nan)
    wide[:, : column.shape[1]] = column
    return wide


def is_one_of(column: Column, values: Iterable[int]) -> NDArray[np.bool_]:
    """In which messages a field has one of these values."""
    stored = numbers(column)
    found = np.zeros(len(stored), bool)
    for value in values:
        found |= stored == value
    return found


def numbers(column: Column) -> Column:
    """One number a message as float64: the first of several, NaN for texts."""
    if column.dtype == object:
        return np.full(len(column), np.nan)
    return (column if column.ndim == 1 else column[:, 0]).astype(np.float64, copy=False)


def _raw(column: Column, field: Field) -> Column:
    """What is stored, from what it means."""
    if field.type in ("time", "wall"):
        return column
    if field.scale == 1 and not field.offset:
        return column
    return np.rint((column + field.offset) * field.scale)


def _component(columns: Mapping[str, Column], kind: str, wanted: Component, target: Column | None) -> Column | None:
    source = columns[wanted.source]
    field = fields_by_name(kind)[wanted.source]
    width = _WIDTHS[field.type]
    if source.dtype == object:
        return numbers(source)
    if (field.scale, field.offset) == (wanted.scale, wanted.offset) and wanted.bits == width and not wanted.accumulated:
        values = numbers(source)  # the same number in a wider field
    else:
        values = _bits(_raw(source, field), width, wanted)
        if wanted.accumulated:
            values = _accumulated(values, wanted, target, fields_by_name(kind)[wanted.target])
        values = values / wanted.scale - wanted.offset
    if wanted.other:
        if wanted.other not in columns:
            return None
        values = np.where(is_one_of(columns[wanted.other], wanted.values), values, np.nan)
    return values


def _bits(source: Column, width: int, wanted: Component) -> Column:
    """The bits of a component as float64, (n,) or (n, k), NaN where the source is absent or too short."""
    words = source if source.ndim == 2 else source[:, None]
    present = (words >= 0) & (words < _EXACT_BELOW)
    whole = np.where(present, words, 0).astype(np.uint64)
    lowest = np.array([shift for shift in wanted.shifts if shift < width * words.shape[1]], np.intp)
    if not len(lowest):
        return np.full(len(words), np.nan)
    first, skip = lowest // width, (lowest % width).astype(np.uint64)
    last = np.minimum((lowest + wanted.bits - 1) // width, words.shape[1] - 1)
    value = whole[:, first]
    known = present[:, first]
    for more in range(1, int((last - first).max()) + 1):
        beyond = first + more <= last
        index = np.where(beyond, first + more, first)
        value |= np.where(beyond, whole[:, index] << np.uint64(width * more), np.uint64(0))
        known = known & present[:, index]
    value = value >> skip & np.uint64((1 << wanted.bits) - 1)
    found = np.where(known, value, np.nan)
    return found[:, 0] if len(wanted.shifts) == 1 else found


def _accumulated(low: Column, wanted: Component, target: Column | None, field: Field) -> Column:
    """Full values from their lowest bits, row by row, starting anew from each full value of the target."""
    rows = low if low.ndim == 2 else low[:, None]
    values = np.full(rows.shape, np.nan)
    full = np.zeros(rows.shape, bool)
    if target is not None and target.dtype == np.float64 and field.scale == wanted.scale:
        own = _raw(target if target.ndim == 2 else target[:, None], field)[:, : rows.shape[1]]
        full[:, : own.shape[1]] = (own >= 0) & (own < _EXACT_BELOW)
        values[:, : own.shape[1]] = own
    mixed = np.where(full, values, rows).ravel()
    some = ~np.isnan(mixed)
    out = np.full(mixed.shape, np.nan)
    out[some] = unroll(mixed[some].astype(np.int64), full.ravel()[some], wanted.bits)
    return out.reshape(low.shape)


def unroll(values: NDArray[np.int64], full: NDArray[np.bool_], bits: int) -> NDArray[np.int64]:
    """Full numbers from a sequence of full ones and of ones of which only the lowest bits are told.

    Each is the least number with those bits that is not below the one before; the first counts as full.
    """
    if not len(values):
        return values
    step = np.diff(values, prepend=values[:1]) & (1 << bits) - 1
    step[full] = 0
    step[0] = 0
    climbed = np.cumsum(step)
    start = np.where(full, np.arange(len(values)), 0)
    start = np.maximum.accumulate(start)
    return values[start] + climbed - climbed[start]
