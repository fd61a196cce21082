"""Season curves: the best that several activities have at each place of the grid, and whose each value is.

Nothing of a season is stored: it is reckoned from the activities' own curves when somebody asks, so it is never older than they are, and one
read is one snapshot. Of equal values the newest activity's counts. Of pace, whose values are seconds, the least is best.
What is not the best but next to it are `others`: each activity has one value at each place, so they are those of other activities.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from openintervals import errors
from openintervals.analysis import curves
from openintervals.db.transaction import Read
from openintervals.training import activity_curves, sport_settings
from openintervals.training.activity_curves import BY_DISTANCE, Candidate, Floats, Ints, One
from openintervals.training.curve_periods import BEGINNING, Period

ACTIVITIES_MOST = 50_000
OTHERS_MOST = 20
IN_THREAD_FROM = 300  # activities: from here on it takes more than a millisecond


class Best(NamedTuple):
    """A season by one measure: values, whose they are, and, from the second best on, the same of others at each place."""

    values: Floats
    activity_id: list[str]
    others: list[list[float]]
    others_id: list[list[str]]


class Season(NamedTuple):
    """A period's curve: seconds or metres, the best, its records from and up to, and for power the best per kilogram."""

    oldest: str
    grid: Floats
    best: Best
    start_index: Ints
    end_index: Ints
    per_kg: Best | None

    def activity_ids(self) -> set[str]:
        """Every activity that some value is of."""
        found: set[str] = set()
        for best in filter(None, (self.best, self.per_kg)):
            found.update(best.activity_id, *best.others_id)
        return found


_NOBODY = Best(np.empty(0), [], [], [])


def best_of(candidates: Sequence[Candidate], others: int = 0, *, least: bool = False, per_kg: bool = False) -> Best:
    """The best of these curves and as many `others`; `least` where less is better, `per_kg` over the weight, where it is known."""
    if per_kg:
        candidates = [each for each in candidates if each.weight_kg]
        told = [each.values / np.float32(each.weight_kg) for each in candidates]
    else:
        told = [-each.values if least else each.values for each in candidates]
    if not told:
        return _NOBODY
    table, source = curves.ranked(told, 1 + others)
    values = -table if least else table
    ids = [each.id for each in candidates]
    rest: list[list[float]] = []
    rest_ids: list[list[str]] = []
    if others:
        for row, known, whose in zip(
            values[1:].T.tolist(), np.isfinite(table[1:]).sum(axis=0), source[1:].T, strict=True
        ):
            rest.append(row[:known])
            rest_ids.append([ids[number] for number in whose[:known].tolist()])
    return Best(values[0].astype(np.float64), [ids[number] for number in source[0].tolist()], rest, rest_ids)


async def types_for(tx: Read, type_: str) -> list[str]:
    """The types of activity whose curves belong together with one's: those that its sport settings are for."""
    every = await sport_settings.every(tx)
    chosen = sport_settings.chosen(every, type_)
    return [type_] if chosen is None else sport_settings.types_of(chosen, every)


async def candidates(
    tx: Read,
    kind: str,
    oldest: str,
    newest: str,
    types: Collection[str] | None = None,
    passing: Collection[str] | None = None,
) -> list[Candidate]:
    """The curves of a kind between two local times, newest first; of some types, and of the `passing` ids alone. Raises Invalid for too many."""
    found = await activity_curves.between(tx, kind, oldest, newest, types)
    if passing is not None:
        found = [each for each in found if each.id in passing]
    if len(found) > ACTIVITIES_MOST:
        said = f"These are {len(found)} activities; ask for fewer than {ACTIVITIES_MOST} at once by a shorter time"
        raise errors.Invalid("Too many activities", {"oldest": [said]})
    return found


class Seasons:
    """Seasons within one read: what activities there are of a kind is asked once for all periods, and each activity's records once."""

    def __init__(self, tx: Read, periods: Sequence[Period], types: Collection[str] | None) -> None:
        self._tx = tx
        self._types = types
        self._oldest = min((each.oldest for each in periods), default=BEGINNING)
        self._newest = max((each.newest for each in periods), default=BEGINNING)
        self._candidates: dict[str, list[Candidate]] = {}
        self._places: dict[tuple[str, str], One | None] = {}

    async def of(
        self,
        kind: str,
        period: Period,
        *,
        others: int = 0,
        passing: Collection[str] | None = None,
        per_kg: bool = False,
    ) -> Season:
        """The curve of a kind over a period, of the `passing` activities if not all. Raises Invalid for too many activities."""
        if kind not in self._candidates:
            self._candidates[kind] = await candidates(self._tx, kind, self._oldest, self._newest, self._types)
        told = [
            each
            for each in self._candidates[kind]
            if period.oldest <= each.local_start <= period.newest and (passing is None or each.id in passing)
        ]
        oldest = period.oldest
        if oldest == BEGINNING:
            oldest = told[-1].local_start[:10] if told else period.newest[:10]

        def work() -> tuple[Best, Best | None]:
            heavy = best_of(told, others, per_kg=True) if per_kg else None
            return best_of(told, others, least=kind in BY_DISTANCE), heavy

        best, heavy = await asyncio.to_thread(work) if len(told) > IN_THREAD_FROM else work()
        starts, ends = await self._records(kind, best.activity_id)
        return Season(oldest, activity_curves.grid(kind, len(best.values)), best, starts, ends, heavy)

    async def _records(self, kind: str, ids: Sequence[str]) -> tuple[Ints, Ints]:
        """From and up to which record of its activity each value is."""
        found: npt.NDArray[Any] = np.zeros((2, len(ids)), np.int64)
        numbers: dict[str, list[int]] = {}
        for place, each in enumerate(ids):
            numbers.setdefault(each, []).append(place)
        for each, places in numbers.items():
            if (kind, each) not in self._places:
                self._places[kind, each] = await activity_curves.get(self._tx, each, kind)
            if (one := self._places[kind, each]) is not None:
                found[:, places] = one.start_index[places], one.end_index[places]
        return found[0], found[1]
