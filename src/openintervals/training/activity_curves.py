"""Curves: the best of each activity for every duration or distance, and over a season.    with its activity's analysis

A row is one kind of curve of one activity: its values on the fixed grid of analysis/curves.py as 32-bit floats (`best`), and apart from them, as
few ask, from which record to which each was (`places`). `weight_kg` is what the athlete weighed then, for watts per kilogram. The rows of one
kind lie together, so a season (`season_curves`) is one walk over `best`. What is longer than an activity is not in its curve.
Rows are replaced whenever the activity is analysed, under the lock of its row; so two that analyse at once leave the later one's.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
import zstandard
from sqlalchemy.dialects import postgresql

from openintervals.analysis import curves
from openintervals.analysis.activity import Metrics
from openintervals.analysis.curves import Curve, PaceCurve
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Read, Write
from openintervals.training.activities import activities

POWER, POWER_KJ0, POWER_KJ1 = "power", "power_kj0", "power_kj1"
HR, SPEED, GAP, PACE, GAP_PACE = "hr", "speed", "gap", "pace", "gap_pace"
KINDS = (POWER, POWER_KJ0, POWER_KJ1, HR, SPEED, GAP, PACE, GAP_PACE)
BY_DISTANCE = frozenset({PACE, GAP_PACE})

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

activity_curves = schema.owned(
    "activity_curves",
    sa.Column("kind", schema.Text, nullable=False),
    sa.Column("activity_id", schema.Text, nullable=False),
    sa.Column("weight_kg", schema.Number),
    sa.Column("best", sa.LargeBinary, nullable=False),
    sa.Column("places", sa.LargeBinary, nullable=False),
    key=("kind", "activity_id"),
)


class Stored(NamedTuple):
    kind: str
    weight_kg: float | None
    best: bytes
    places: bytes


class One(NamedTuple):
    """A curve of an activity: seconds or metres, and for each the best value and the records it was from and up to."""

    grid: Floats
    values: Floats
    start_index: Ints
    end_index: Ints


class Candidate(msgspec.Struct, frozen=True):
    """An activity of a season, and its curve's values."""

    id: str
    local_start: str
    weight_kg: float | None
    values: npt.NDArray[np.float32]


@statement
def _put() -> sa.Insert:
    insert = postgresql.insert(activity_curves)
    return insert.on_conflict_do_update(
        index_elements=["athlete_id", "kind", "activity_id"],
        set_={name: insert.excluded[name] for name in ("weight_kg", "best", "places")},
    )


@statement
def _delete() -> sa.Delete:
    c = activity_curves.c
    return sa.delete(activity_curves).where(
        own(activity_curves), c.kind == sa.bindparam("kind"), c.activity_id == sa.bindparam("id")
    )


@statement
def _get() -> sa.Select[Any]:
    c = activity_curves.c
    return sa.select(c.best, c.places).where(
        own(activity_curves), c.kind == sa.bindparam("kind"), c.activity_id == sa.bindparam("id")
    )


@statement
def _between(types: tuple[str, ...] | None) -> sa.Select[Any]:
    a = activities.c
    select = (
        sa.select(a.id, a.local_start)
        .where(own(activities), a.local_start >= sa.bindparam("oldest"), a.local_start <= sa.bindparam("newest"))
        .order_by(a.local_start.desc(), a.id.desc())
    )
    if types is not None:
        select = select.where(a.type.in_([sa.bindparam(f"type_{place}", type_=sa.Text) for place in range(len(types))]))
    return select


@statement
def _bests() -> sa.Select[Any]:
    c = activity_curves.c
    return sa.select(c.activity_id, c.weight_kg, c.best).where(
        own(activity_curves),
        c.kind == sa.bindparam("kind"),
        c.activity_id >= sa.bindparam("first_id"),
        c.activity_id <= sa.bindparam("last_id"),
    )


def packed(metrics: Metrics, weight_kg: float | None) -> list[Stored]:
    """All curves of an analysed activity as they are stored."""
    after = sorted(metrics.power_curves_after)
    whole: dict[str, Curve | PaceCurve | None] = {
        POWER: metrics.power_curve,
        HR: metrics.hr_curve,
        SPEED: metrics.speed_curve,
        GAP: metrics.gap_curve,
        PACE: metrics.pace_curve,
        GAP_PACE: metrics.gap_pace_curve,
    }
    for kind, kilojoules in zip((POWER_KJ0, POWER_KJ1), after, strict=False):
        whole[kind] = metrics.power_curves_after[kilojoules]
    found = []
    for kind, curve in whole.items():
        if curve is not None and len(curve.start_index):
            values = curve.seconds if isinstance(curve, PaceCurve) else curve.values
            places = np.stack((curve.start_index, curve.end_index)).astype("<i4").tobytes()
            found.append(Stored(kind, weight_kg, values.astype("<f4").tobytes(), zstandard.compress(places, 1)))
    return found


def grid(kind: str, count: int) -> Floats:
    """The durations in seconds, or distances in metres, of the first `count` values of a kind of curve."""
    return (curves.DISTANCES_M if kind in BY_DISTANCE else curves.DURATIONS_S)[:count].astype(np.float64)


def _values(best: bytes) -> Floats:
    return np.frombuffer(best, "<f4").astype(np.float64)


def _places(places: bytes) -> npt.NDArray[np.int64]:
    return np.frombuffer(zstandard.decompress(places), "<i4").reshape(2, -1).astype(np.int64)


async def put(tx: Write, activity_id: str, stored: Collection[Stored], *, new: bool) -> None:
    """Store all curves of an activity, in place of those it had unless it is new."""
    there = {each.kind for each in stored}
    if not new:
        for kind in KINDS:
            if kind not in there:
                await tx.put_any(_delete(), kind=kind, id=activity_id)
    await tx.put_many(_put(), [{"activity_id": activity_id, **each._asdict()} for each in stored])


async def delete(tx: Write, activity_id: str) -> None:
    await put(tx, activity_id, (), new=False)


async def get(tx: Read, activity_id: str, kind: str) -> One | None:
    """A curve of an activity; None where it has none of that kind."""
    row = await tx.row(_get(), kind=kind, id=activity_id)
    if row is None:
        return None
    values, (starts, ends) = _values(row[0]), _places(row[1])
    return One(grid(kind, len(values)), values, starts, ends)


async def between(
    tx: Read, kind: str, oldest: str, newest: str, types: Collection[str] | None = None
) -> list[Candidate]:
    """The curves of a kind of all activities between two local days or times, both inclusive, newest first; of all types, or of some."""
    if types is not None and not types:
        return []
    chosen = None if types is None else tuple(sorted(set(types)))
    named = {f"type_{place}": each for place, each in enumerate(chosen or ())}
    until = newest if len(newest) > 10 else newest + "T23:59:59"
    # How many types, not which, is what shapes the statement. An index answers it alone; the curves then come in the order they lie in,
    # which is several times faster than to look each up. Ids follow the time of upload, so that of a long history few others lie between.
    shape = None if chosen is None else ("",) * len(chosen)
    wanted = await tx.rows(_between(shape), oldest=oldest, newest=until, **named)
    if not wanted:
        return []
    ids = [row[0] for row in wanted]
    rows = await tx.rows(_bests(), kind=kind, first_id=min(ids), last_id=max(ids))
    there = {row[0]: row for row in rows}
    return [
        Candidate(id_, local_start, row[1], np.frombuffer(row[2], "<f4"))
        for id_, local_start in wanted
        if (row := there.get(id_)) is not None
    ]
