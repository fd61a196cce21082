"""Numbers and words of single FIT messages: what a device says of a session, a lap or a set."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .fit import Columns
from .recording import Floats, Metrics

MESSAGES_MOST = 20_000  # of one kind that are told of one by one

_METRICS = {
    "elapsed_s": ("total_elapsed_time",),
    "timer_s": ("total_timer_time",),
    "moving_s": ("total_moving_time",),
    "distance_m": ("total_distance",),
    "calories_kcal": ("total_calories",),
    "average_speed_mps": ("enhanced_avg_speed", "avg_speed"),
    "max_speed_mps": ("enhanced_max_speed", "max_speed"),
    "average_heartrate_bpm": ("avg_heart_rate",),
    "max_heartrate_bpm": ("max_heart_rate",),
    "min_heartrate_bpm": ("min_heart_rate",),
    "average_cadence_rpm": ("avg_cadence",),
    "max_cadence_rpm": ("max_cadence",),
    "average_power_w": ("avg_power",),
    "max_power_w": ("max_power",),
    "normalized_power_w": ("normalized_power",),
    "work_j": ("total_work",),
    "ascent_m": ("total_ascent",),
    "descent_m": ("total_descent",),
    "average_temperature_c": ("avg_temperature",),
    "max_temperature_c": ("max_temperature",),
    "average_altitude_m": ("enhanced_avg_altitude", "avg_altitude"),
    "max_altitude_m": ("enhanced_max_altitude", "max_altitude"),
    "min_altitude_m": ("enhanced_min_altitude", "min_altitude"),
    "left_balance_percent": ("left_right_balance",),
    "cycles": ("total_cycles",),
    "lengths": ("num_lengths",),
    "active_lengths": ("num_active_lengths",),
    "feel": ("workout_feel",),
    "rpe": ("workout_rpe",),
}
_FRACTIONS = {"average_cadence_rpm": "avg_fractional_cadence", "max_cadence_rpm": "max_fractional_cadence"}
_RIGHT, _HUNDREDTHS = 0x8000, 0x3FFF


def numbers(told: Columns | None, name: str) -> Floats | None:
    """A column as one number a message: of several the first. None where there is none, or it holds texts."""
    column = told.get(name) if told is not None else None
    if column is None or column.dtype == object:
        return None
    return np.asarray(column if column.ndim == 1 else column[:, 0], np.float64)


def number(column: Floats | None, row: int) -> float | None:
    """One number; None where it is absent."""
    if column is None or not -len(column) <= row < len(column):
        return None
    value = float(column[row])
    return value if np.isfinite(value) else None


def word(told: Columns | None, name: str, table: Mapping[int, str], row: int) -> str | None:
    """What a number of a table stands for; None where it is absent or has no word."""
    found = number(numbers(told, name), row)
    return None if found is None else table.get(int(found))


def words(told: Columns, name: str, table: Mapping[int, str]) -> list[str | None]:
    """That of every message, or of the first `MESSAGES_MOST`."""
    column = numbers(told, name) if name in told else None
    if column is None:
        return [None] * min(told.count, MESSAGES_MOST)
    return [table.get(int(value)) if value - value == 0 else None for value in column[:MESSAGES_MOST].tolist()]


def metrics(told: Columns) -> list[Metrics]:
    """What each session or lap message says, in our names and units; of more than `MESSAGES_MOST` the first ones."""
    found: list[Metrics] = [{} for _ in range(min(told.count, MESSAGES_MOST))]
    for name, fields in _METRICS.items():
        field = next((field for field in fields if field in told), None)
        column = numbers(told, field) if field else None
        if column is None:
            continue
        if name in _FRACTIONS and _FRACTIONS[name] in told and (more := numbers(told, _FRACTIONS[name])) is not None:
            column = column + np.nan_to_num(more)
        elif name == "left_balance_percent":
            column = _left_share(column)
        for row, value in enumerate(column[:MESSAGES_MOST].tolist()):
            if value - value == 0:
                found[row][name] = value
    return found


def _left_share(stored: Floats) -> Floats:
    """Of hundredths of a percent, which are the right leg's where the highest bit is set, the left leg's percentage."""
    bits = np.nan_to_num(stored).astype(np.int64)
    share = (bits & _HUNDREDTHS) / 100
    return np.where(np.isfinite(stored), np.where(bits & _RIGHT, 100 - share, share), np.nan)


def lifted(told: Columns | None, own: Callable[[Floats], NDArray[np.bool_]]) -> Metrics:
    """Repetitions and weight of the sets of an activity; `own` says which times are its own."""
    times, repetitions = numbers(told, "start_time"), numbers(told, "repetitions")
    if told is None or times is None or repetitions is None:
        return {}
    mine = own(times) & np.isfinite(repetitions)
    if not mine.any():
        return {}
    found = {"repetitions": float(repetitions[mine].sum())}
    weights = numbers(told, "weight")
    if weights is not None:
        found["kg_lifted"] = float(np.nansum(np.where(mine, repetitions * weights, 0.0)))
    return found


__all__ = ["MESSAGES_MOST", "lifted", "metrics", "number", "numbers", "word", "words"]
