"""Comparing: contestants take turns in short rounds, each round gives a ratio, and the middle one counts.

Turns, because a machine's speed drifts: what slows one contestant down slows its neighbour in the same
round too.
"""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks import load


class Pace(NamedTuple):
    """How long and how hard to load: a warm-up for everybody, then rounds of some seconds."""

    rounds: int
    seconds: float
    connections: int = 16


class Row(NamedTuple):
    """A line of the table. `met` is None for a line that has no goal, or was skipped."""

    name: str
    ours: str
    yardstick: str
    ratio: str
    goal: str
    met: bool | None


def alternate(contestants: Mapping[str, load.Request], pace: Pace) -> dict[str, list[load.Result]]:
    """Load the contestants in turn, round after round; the results of each, by round."""
    for request in contestants.values():
        load.run(request, seconds=1, connections=pace.connections)
    results: dict[str, list[load.Result]] = {name: [] for name in contestants}
    for _ in range(pace.rounds):
        for name, request in contestants.items():
            results[name].append(load.run(request, seconds=pace.seconds, connections=pace.connections))
    return results


def ratio(ours: Sequence[load.Result], theirs: Sequence[load.Result]) -> float:
    """The median over the rounds of our requests per second divided by theirs."""
    return statistics.median(one.per_second / other.per_second for one, other in zip(ours, theirs, strict=True))


def described(results: Sequence[load.Result]) -> str:
    rate = statistics.median(result.per_second for result in results)
    p50 = statistics.median(result.p50_ms for result in results)
    p99 = statistics.median(result.p99_ms for result in results)
    return f"{rate:,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def at_least(name: str, ours: Sequence[load.Result], theirs: Sequence[load.Result], yardstick: str, goal: float) -> Row:
    """The row of a benchmark that wants us at least `goal` times as fast."""
    times = ratio(ours, theirs)
    return Row(
        name,
        described(ours),
        f"{yardstick}: {described(theirs)}",
        f"{times:.2f} ×",
        f"≥ {goal:g} ×",
        times >= goal,
    )


def at_most(name: str, ours: str, yardstick: str, value: float, goal: float, unit: str) -> Row:
    """The row of a benchmark that wants a value kept low."""
    return Row(name, ours, yardstick, f"{value:,.2f} {unit}", f"≤ {goal:g} {unit}", value <= goal)


def skipped(name: str, why: str) -> Row:
    return Row(name, "skipped", why, "–", "–", None)
