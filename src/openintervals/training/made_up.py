"""Made-up recordings: rides, runs and pool swims as a device would have recorded them, for the demonstration and for benchmarks.

A session is a list of steps, each so many seconds at so much of what the person can hold for an hour; each step is a lap. The way is a loop
around the person's home with hills: speed follows from power and gradient, heart rate follows effort with a delay and drifts upwards.
All of it is pure: the same seed, start, length and person give the same bytes. The way and the effort come from the seed alone, so a file
that differs only in its start is quickly made.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from openintervals.formats import fit
from openintervals.formats.fit.words import INTENSITY, LENGTH_TYPE, SPORT, SUB_SPORT
from openintervals.training import made_up_ways as ways
from openintervals.training.made_up_ways import Way

Kind = Literal["easy", "endurance", "tempo", "threshold", "vo2"]
KINDS: tuple[Kind, ...] = ("easy", "endurance", "tempo", "threshold", "vo2")
START_AT = datetime(2026, 5, 2, 7, 30, tzinfo=UTC)
POOL_M = 25.0
_Floats = npt.NDArray[np.float64]
_Table = dict[str, npt.ArrayLike]
_INTENSITY = {name: number for number, name in INTENSITY.items()}
_SPORTS = {name: number for number, name in SPORT.items()}
_SUB_SPORTS = {name: number for number, name in SUB_SPORT.items()}
_LENGTHS = {name: number for number, name in LENGTH_TYPE.items()}


class Person(NamedTuple):
    """Who is recorded: what can be held for an hour, in the pool by the critical speed; where home is."""

    ftp_w: float = 255.0
    weight_kg: float = 72.0
    lthr_bpm: float = 168.0
    max_hr_bpm: float = 187.0
    resting_hr_bpm: float = 48.0
    run_mps: float = 4.0
    swim_mps: float = 1.25
    lat: float = 47.66
    lng: float = 9.18
    altitude_m: float = 400.0


class Step(NamedTuple):
    """A part of a session: how long, at which share of what is held for an hour, and what a device calls it."""

    seconds: int
    effort: float
    intensity: str = "active"


class _Recorded(NamedTuple):
    """A recording before its start is known: columns second by second, and where the steps begin."""

    columns: _Table
    bounds: list[int]
    steps: list[Step]
    ascent_m: float


SOMEBODY = Person()
_PARTS: dict[Kind, tuple[float, float, float]] = {  # effort, seconds at it, seconds of recovery after it
    "tempo": (0.86, 900, 240),
    "threshold": (0.98, 600, 300),
    "vo2": (1.14, 180, 180),
}


def steps(kind: Kind, seconds: int) -> list[Step]:
    """The usual session of a kind: warming up, the work, cooling down, so many seconds in all."""
    if kind not in _PARTS:
        effort = 0.56 if kind == "easy" else 0.7
        parts = max(1, round(seconds / 1_200))
        return [Step(seconds * (n + 1) // parts - seconds * n // parts, effort) for n in range(parts)]
    effort, work_s, rest_s = _PARTS[kind]
    warmup_s, cooldown_s = min(seconds // 4, 900), min(seconds // 8, 600)
    left = seconds - warmup_s - cooldown_s
    times = max(1, int(left // (work_s + rest_s)))
    scale = min(1.0, left / (times * (work_s + rest_s)))
    work, rest = int(work_s * scale), int(rest_s * scale)
    parts_ = [part for _ in range(times) for part in (Step(work, effort, "active"), Step(rest, 0.5, "recovery"))]
    spare = left - times * (work + rest)
    return [
        Step(warmup_s, 0.6, "warmup"),
        *(part for part in parts_ if part.seconds),
        Step(cooldown_s + spare, 0.52, "cooldown"),
    ]


def ride(
    seed: int,
    start_at: datetime = START_AT,
    seconds: int = 3_600,
    person: Person = SOMEBODY,
    kind: Kind | None = None,
    *,
    indoors: bool = False,
) -> bytes:
    """A ride as a FIT file, with power; indoors without a way. At least 60 seconds."""
    recorded = _ride(seed, seconds, person, kind or KINDS[seed % len(KINDS)], indoors)
    sports = ("cycling", "indoor_cycling" if indoors else "road")
    return _file(recorded, start_at, sports, name="Made-up Bike Computer")


def run(
    seed: int,
    start_at: datetime = START_AT,
    seconds: int = 2_400,
    person: Person = SOMEBODY,
    kind: Kind | None = None,
) -> bytes:
    """A run as a FIT file, without power. At least 60 seconds."""
    recorded = _run(seed, seconds, person, kind or KINDS[seed % len(KINDS)])
    return _file(recorded, start_at, ("running", "street"), name="Made-up Watch")


def swim(
    seed: int,
    start_at: datetime = START_AT,
    sets: Sequence[tuple[int, int, float]] = ((1, 200, 0.88), (8, 100, 1.0), (4, 50, 1.06), (1, 200, 0.84)),
    person: Person = SOMEBODY,
) -> bytes:
    """A pool swim as a FIT file. `sets` are how often, how many metres, and at which share of the critical speed."""
    recorded, lengths = _swim(seed, tuple(sets), person)
    started = start_at.timestamp()
    table: _Table = {
        "timestamp": lengths.starts_s + lengths.elapsed_s + started,
        "start_time": lengths.starts_s + started,
        "total_elapsed_time": lengths.elapsed_s,
        "total_timer_time": lengths.elapsed_s,
        "total_strokes": lengths.strokes,
        "swim_stroke": np.where(np.isnan(lengths.strokes), np.nan, 0),
        "length_type": np.where(np.isnan(lengths.strokes), _LENGTHS["idle"], _LENGTHS["active"]),
    }
    return _file(recorded, start_at, ("swimming", "lap_swimming"), name="Made-up Watch", lengths=table)


def _efforts(plan: Sequence[Step]) -> _Floats:
    return np.repeat(np.array([step.effort for step in plan], np.float64), [step.seconds for step in plan])


def _bounds(plan: Sequence[Step]) -> list[int]:
    return [0, *accumulate(step.seconds for step in plan)]


def _wander(chance: np.random.Generator, count: int, seconds: float, spread: float) -> _Floats:
    """Noise that remembers for so many seconds."""
    keep = math.exp(-1 / seconds)
    kicks = chance.normal(0, spread * math.sqrt(1 - keep**2), count).tolist()
    return np.fromiter(accumulate(kicks, lambda before, kick: before * keep + kick), np.float64, count)


def _lagging(values: _Floats, seconds: float, first: float) -> _Floats:
    """What follows values with a delay."""
    share = 1 - math.exp(-1 / seconds)
    found = accumulate(values.tolist(), lambda before, value: before + (value - before) * share, initial=first)
    return np.array(list(found)[1:], np.float64)


def _heart_rate(chance: np.random.Generator, effort: _Floats, person: Person) -> _Floats:
    """Beats a minute: at an effort of 1 the threshold, later by most of a minute, and a little more every hour."""
    idle = person.resting_hr_bpm + 30
    drift = 1 + 0.03 * np.arange(len(effort)) / 3_600
    aim = idle + (person.lthr_bpm - idle) * np.minimum(effort, 1.25) * drift
    rate = _lagging(aim, 40, idle + 5) + _wander(chance, len(effort), 20, 1.2)
    beats: _Floats = np.minimum(np.maximum(rate, person.resting_hr_bpm), person.max_hr_bpm)
    return beats.round()


@lru_cache(64)
def _ride(seed: int, seconds: int, person: Person, kind: Kind, indoors: bool) -> _Recorded:  # noqa: FBT001 — one of its keys
    chance = np.random.default_rng([seed, 2])
    plan = steps(kind, seconds)
    aim = _efforts(plan) * person.ftp_w * (1 + _wander(chance, seconds, 25, 0.07))
    aim = np.maximum(aim + chance.normal(0, 0.05 * person.ftp_w, seconds), 0)
    if indoors:
        power, speed = np.round(aim), _lagging(5 + 3.2 * aim / person.ftp_w, 8, 3)
        distance, coasting = np.cumsum(speed), np.zeros(seconds, bool)
        columns: _Table = {"temperature": np.round(np.linspace(19, 24, seconds))}
        ascent_m = 0.0
    else:
        way = ways.loop(seed, 24_000.0, person.lat, person.lng, person.altitude_m)
        power, speed = _ridden(aim, way, person.weight_kg + 9)
        coasting = power == 0
        distance = np.cumsum(speed)
        columns, ascent_m = ways.along(way, distance)
        columns["temperature"] = np.round(14 + chance.uniform(0, 9) + np.linspace(0, 3, seconds))
    cadence = np.where(coasting, 0, np.round(87 + _wander(chance, seconds, 15, 4) + 4 * (aim / person.ftp_w - 0.7)))
    columns |= {
        "power": power,
        "heart_rate": _heart_rate(chance, _lagging(power, 6, 100.0) / person.ftp_w, person),
        "cadence": np.clip(cadence, 0, 130),
        "distance": distance,
        "enhanced_speed": speed,
    }
    return _Recorded(columns, _bounds(plan), plan, ascent_m)


def _ridden(aim: _Floats, way: Way, mass_kg: float) -> tuple[_Floats, _Floats]:
    """Power and speed of each second of who aims at a power on this way: more uphill, none where it goes by itself."""
    tiles = len(way.gradients) / way.length_m
    gradients, count = way.gradients, len(way.gradients)
    at_m, speed = 0.0, 3.0
    powers, speeds = [], []
    for wanted in aim.tolist():
        gradient = gradients[int(at_m * tiles) % count]
        power = 0.0 if gradient < -0.035 or speed > 14.5 else wanted * (1 + 4 * gradient)
        force = power * 0.975 / max(speed, 2.0) - mass_kg * 9.81 * (gradient + 0.0045) - 0.19 * speed * speed
        speed = min(max(speed + force / mass_kg, 1.8), 17.0)
        at_m += speed
        powers.append(power)
        speeds.append(speed)
    return np.round(np.array(powers)), np.array(speeds)


@lru_cache(64)
def _run(seed: int, seconds: int, person: Person, kind: Kind) -> _Recorded:
    chance = np.random.default_rng([seed, 3])
    plan = steps(kind, seconds)
    effort = np.clip(0.32 + 0.68 * _efforts(plan), 0, 1.12) * (1 + _wander(chance, seconds, 40, 0.02))
    way = ways.loop(seed, 9_000.0, person.lat, person.lng, person.altitude_m)
    flat = np.cumsum(effort) * person.run_mps
    tiles = (flat % way.length_m * len(way.gradients) / way.length_m).astype(int)
    gradient = np.array(way.gradients)[tiles]
    speed = _lagging(effort * person.run_mps * (1 - 2.6 * gradient), 5, 1.5)
    distance = np.cumsum(speed)
    columns, ascent_m = ways.along(way, distance)
    columns |= {
        "heart_rate": _heart_rate(chance, np.maximum(effort * 1.3 - 0.3, 0.3), person),
        "cadence": np.round(np.clip(74 + 12 * speed / person.run_mps + _wander(chance, seconds, 10, 0.8), 0, 110)),
        "distance": distance,
        "enhanced_speed": speed,
    }
    return _Recorded(columns, _bounds(plan), plan, ascent_m)


class _Lengths(NamedTuple):
    """Lengths of a pool and rests between them, in seconds from the start; a rest has no strokes."""

    starts_s: _Floats
    elapsed_s: _Floats
    strokes: _Floats


@lru_cache(64)
def _swim(seed: int, sets: tuple[tuple[int, int, float], ...], person: Person) -> tuple[_Recorded, _Lengths]:
    chance = np.random.default_rng([seed, 4])
    lengths: list[tuple[int, int, float]] = []
    plan: list[Step] = []
    at = 0
    for times, metres, effort in sets:
        rest_s = 30 if metres >= 200 else 20
        for _ in range(times):
            began = at
            for _ in range(round(metres / POOL_M)):
                lasted = round(POOL_M / (person.swim_mps * effort * chance.normal(1, 0.015)))
                lengths.append((at, lasted, float(round(chance.normal(19 + 2 * effort, 0.9)))))
                at += lasted
            plan.append(Step(at - began, effort, "active"))
            lengths.append((at, rest_s, math.nan))
            plan.append(Step(rest_s, 0.4, "rest"))
            at += rest_s
    lengths, plan = lengths[:-1], plan[:-1]
    at -= rest_s
    table = np.array(lengths)
    found = _Lengths(table[:, 0], table[:, 1], table[:, 2])
    swum = np.where(np.isnan(found.strokes), 0.0, POOL_M)
    seconds = np.arange(at)
    ends = found.starts_s + found.elapsed_s
    here = np.searchsorted(ends, seconds, "right")
    distance = np.interp(seconds + 1, ends, np.cumsum(swum), left=0.0)
    columns: _Table = {
        "heart_rate": _heart_rate(chance, _efforts(plan) * 0.94, person),
        "cadence": np.nan_to_num(np.round(found.strokes / found.elapsed_s * 60))[here],
        "distance": np.where(seconds < ends[0], (seconds + 1) * POOL_M / ends[0], distance),
        "enhanced_speed": (swum / found.elapsed_s)[here],
    }
    return _Recorded(columns, _bounds(plan), plan, 0.0), found


def _file(
    recorded: _Recorded, start_at: datetime, sports: tuple[str, str], *, name: str, lengths: _Table | None = None
) -> bytes:
    """The bytes: records, laps, lengths and a session with its totals."""
    columns = {label: np.asarray(column) for label, column in recorded.columns.items()}
    start_s = float(int(start_at.timestamp()))
    count = len(columns["distance"])
    end_s = start_s + count
    bounds = np.array(recorded.bounds, np.float64)
    messages: dict[str, _Table] = {
        "file_id": {
            "type": [4],
            "manufacturer": [255],
            "time_created": [start_s],
            "product_name": np.array([name], object),
        },
        "record": {"timestamp": np.arange(count) + start_s, **columns},
        "event": {"timestamp": [start_s, end_s], "event": [0, 0], "event_type": [0, 4]},
        "lap": {
            "timestamp": start_s + bounds[1:],
            "start_time": start_s + bounds[:-1],
            "intensity": [_INTENSITY[step.intensity] for step in recorded.steps],
            "lap_trigger": [0] * len(recorded.steps),
            **_totals(columns, list(pairwise(recorded.bounds))),
        },
        "session": {
            "timestamp": [end_s],
            "start_time": [start_s],
            "sport": [_SPORTS[sports[0]]],
            "sub_sport": [_SUB_SPORTS[sports[1]]],
            "num_laps": [len(recorded.steps)],
            "total_ascent": [round(recorded.ascent_m)],
            **({"pool_length": [POOL_M]} if lengths else {}),
            **_totals(columns, [(0, count)]),
        },
        "activity": {"timestamp": [end_s], "num_sessions": [1], "total_timer_time": [float(count)]},
    }
    if lengths:
        messages["length"] = lengths
    return fit.encode(messages)


def _totals(columns: dict[str, npt.NDArray[np.float64]], stretches: Sequence[tuple[int, int]]) -> _Table:
    """What a device says of laps and sessions."""
    distance = np.concatenate([[0.0], columns["distance"]])
    lasted = [float(end - start) for start, end in stretches]
    found: _Table = {
        "total_elapsed_time": lasted,
        "total_timer_time": lasted,
        "total_distance": [float(distance[end] - distance[start]) for start, end in stretches],
    }
    for column, average, most in (
        ("power", "avg_power", "max_power"),
        ("heart_rate", "avg_heart_rate", "max_heart_rate"),
    ):
        if column in columns:
            found[average] = [round(float(columns[column][start:end].mean())) for start, end in stretches]
            found[most] = [float(columns[column][start:end].max()) for start, end in stretches]
    effort = columns["power"] * 3.8 if "power" in columns else columns["heart_rate"] * 4.9
    found["total_calories"] = [round(float(effort[start:end].sum()) / 4_184) for start, end in stretches]
    return found
