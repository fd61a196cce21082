"""Planned workouts as FIT files that a device can be given: steps, targets and repeats.

In the file a power below 1,000 is percent of the threshold and otherwise 1,000 more than the watts; a heart rate up to
100 is percent of the highest and otherwise 100 more than the beats; times are milliseconds, distances centimetres,
speeds millimetres a second. A repeat is a step of its own behind those it repeats, which names the first of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from .encode import encode

STEPS_MOST = 1000

Target = Literal["open", "power_w", "power_percent", "heart_rate_bpm", "heart_rate_percent", "cadence", "speed_m_s"]

_WORKOUT_FILE = 5
_DEVELOPMENT = 255  # the manufacturer number of whoever has none
_COLUMNS = (
    "duration_type", "duration_value", "target_type", "target_value", "custom_target_value_low",
    "custom_target_value_high", "intensity",
)  # fmt: skip
_TIME, _DISTANCE, _OPEN, _REPEAT = 0, 1, 5, 6  # what ends a step
_TARGETS: dict[Target, tuple[int, float, float]] = {  # the kind of target, and what to multiply with and to add
    "open": (2, 1, 0),
    "speed_m_s": (0, 1000, 0),
    "heart_rate_percent": (1, 1, 0),
    "heart_rate_bpm": (1, 1, 100),
    "cadence": (3, 1, 0),
    "power_percent": (4, 1, 0),
    "power_w": (4, 1, 1000),
}
_INTENSITIES = {"active": 0, "rest": 1, "warmup": 2, "cooldown": 3, "recovery": 4, "interval": 5}


@dataclass(frozen=True, slots=True)
class Step:
    """Ends after a time or a distance, or when the athlete says so. The target is a range, from `low` to `high`."""

    duration_s: float | None = None
    distance_m: float | None = None
    target: Target = "open"
    low: float = 0.0
    high: float = 0.0
    intensity: str = "active"
    name: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """Steps that are done several times."""

    times: int
    steps: Sequence[Step]


def encode_workout(
    name: str,
    sport: int,
    steps: Sequence[Step | Repeat],
    *,
    created_s: float,
    sub_sport: int = 0,
    serial_number: int = 1,
) -> bytes:
    """The FIT file of a workout; `created_s` is Unix time, `sport` and `sub_sport` are numbers as in `words`.

    Raises ValueError for no steps, too many, and for numbers that the format cannot hold.
    """
    rows: list[list[float]] = []
    texts: list[tuple[str | None, str | None]] = []
    for entry in steps:
        first = len(rows)
        for step in entry.steps if isinstance(entry, Repeat) else (entry,):
            rows.append(_row(step))
            texts.append((step.name, step.notes))
        if isinstance(entry, Repeat):
            rows.append([_REPEAT, first, _TARGETS["open"][0], entry.times, np.nan, np.nan, np.nan])
            texts.append((None, None))
    if not 0 < len(rows) <= STEPS_MOST:
        raise ValueError(f"A workout has between 1 and {STEPS_MOST} steps, not {len(rows)}")
    kinds = np.array(rows).T
    step_columns: dict[str, ArrayLike] = {
        "message_index": np.arange(len(rows)),
        **dict(zip(_COLUMNS, kinds, strict=True)),
    }
    for label, column in zip(("wkt_step_name", "notes"), zip(*texts, strict=True), strict=True):
        if any(column):
            step_columns[label] = np.array(column, object)
    file_id: dict[str, ArrayLike] = {
        "type": [_WORKOUT_FILE], "manufacturer": [_DEVELOPMENT], "product": [0], "serial_number": [serial_number],
        "time_created": [created_s],
    }  # fmt: skip
    workout: dict[str, ArrayLike] = {
        "sport": [sport],
        "sub_sport": [sub_sport],
        "num_valid_steps": [len(rows)],
        "wkt_name": [name],
    }
    return encode({"file_id": file_id, "workout": workout, "workout_step": step_columns})


def _row(step: Step) -> list[float]:
    """What ends the step and when, the kind of target, no zone, the range, and the intensity."""
    kind, times, more = _TARGETS[step.target]
    low, high = (np.nan, np.nan) if step.target == "open" else (step.low * times + more, step.high * times + more)
    if step.duration_s is not None:
        ends = [_TIME, step.duration_s * 1000]
    elif step.distance_m is not None:
        ends = [_DISTANCE, step.distance_m * 100]
    else:
        ends = [_OPEN, np.nan]
    return [*ends, kind, np.nan if step.target == "open" else 0, low, high, _INTENSITIES[step.intensity]]
