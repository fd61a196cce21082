"""Bibs: the number on the shirt, unique in its event by constraint.

A run and a pace group may each have a range; the group's goes before the run's. Automatic assignment takes the lowest number of the
range that nobody has, so a single high number leaves no gap behind it; without a range it counts from 1, past the ranges of others.
It fills blanks and never changes a bib.
A person may give any bib, inside a range or not, and pin it. A blank never erases a bib; taking one away is a verb of its own.
Only those with a place have bibs: cancelling gives the bib back.
When two want one number at once the event's lock orders them, and the unique index would refuse the second.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.club import events, pace_groups, registrations, runs
from openintervals.club.pace_groups import PaceGroup
from openintervals.club.registrations import Registration, Scene
from openintervals.club.registrations import registrations as table
from openintervals.club.runs import Run
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Write

HIGHEST = 999_999
AT_ONCE = 10_000
"""How many are given bibs in one transaction; for everybody else ask again."""


class Range(msgspec.Struct, frozen=True):
    """Numbers `first` to `last`, both inclusive."""

    first: int
    last: int

    def __contains__(self, bib: str) -> bool:
        return bib.isascii() and bib.isdigit() and self.first <= int(bib) <= self.last


class BibTaken(errors.Conflict):
    code = "bib_taken"

    def __init__(self, bib: str) -> None:
        super().__init__(f"Bib {bib} is taken in this event")


class BibsExhausted(errors.Conflict):
    code = "bibs_exhausted"

    def __init__(self, where: Range) -> None:
        super().__init__(f"No bib from {where.first} to {where.last} is free; widen the range, then assign again")


class NoPlaceNoBib(errors.Conflict):
    code = "no_place_no_bib"

    def __init__(self, status: str) -> None:
        super().__init__(f"Only confirmed registrations have a bib; this one is {status}")


def range_of(run: Run, group: PaceGroup | None) -> Range | None:
    """The range automatic assignment draws from: the pace group's, else the run's, else none."""
    if group is not None and group.bib_from is not None:
        return Range(group.bib_from, group.bib_to or HIGHEST)
    if run.bib_from is not None:
        return Range(run.bib_from, run.bib_to or HIGHEST)
    return None


def free_numbers(where: Range, taken: set[str], reserved: Iterable[Range]) -> Iterator[str]:
    """Numbers of `where` nobody has, lowest first, past `reserved` ranges. Pure."""
    others = sorted(reserved, key=lambda other: other.first)
    number = where.first
    while number <= where.last:
        inside = next((other for other in others if other.first <= number <= other.last), None)
        if inside is not None:
            number = inside.last + 1
            continue
        if str(number) not in taken:
            yield str(number)
        number += 1


def goes_along(registration: Registration, event_id: str, run: Run, group: PaceGroup | None) -> bool:
    """Whether a bib may stay with a registration that moves to `run`. Pure."""
    if registration.bib is None or registration.event_id != event_id:
        return False
    where = range_of(run, group)
    return registration.bib_pinned or where is None or registration.bib in where


@statement
def _taken() -> sa.Select[Any]:
    return sa.select(table.c.bib).where(
        own(table), table.c.event_id == sa.bindparam("event_id"), table.c.bib.is_not(None)
    )


@statement
def _holder() -> sa.Select[Any]:
    return sa.select(table.c.id).where(
        own(table), table.c.event_id == sa.bindparam("event_id"), table.c.bib == sa.bindparam("bib")
    )


@statement
def _without(*, of_run: bool) -> sa.Select[Any]:
    select = sa.select(*columns(Registration, table)).where(
        own(table),
        table.c.event_id == sa.bindparam("event_id"),
        table.c.status == registrations.COMES,
        table.c.bib.is_(None),
    )
    if of_run:
        select = select.where(table.c.event_run_id == sa.bindparam("run_id"))
    return select.order_by(table.c.id).limit(AT_ONCE + 1)


async def set_bib(tx: Write, scene: Scene, bib: str, *, pinned: bool | None = None) -> Registration:
    """Give a locked registration this bib. Raises NoPlaceNoBib, BibTaken."""
    before = scene.registration
    if before.status != "confirmed":
        raise NoPlaceNoBib(before.status)
    holder = await tx.value(_holder(), event_id=before.event_id, bib=bib)
    if holder is not None and holder != before.id:
        raise BibTaken(bib)
    pin = before.bib_pinned if pinned is None else pinned
    return await registrations.store(tx, before, "registration.updated", bib=bib, bib_pinned=pin)


async def assign(tx: Write, scene: Scene, *, pinned: bool | None = None) -> Registration:
    """Give a locked registration the lowest free number, or leave it the bib it has. Raises NoPlaceNoBib, BibsExhausted."""
    before = scene.registration
    if before.status != "confirmed":
        raise NoPlaceNoBib(before.status)
    if before.bib is not None:
        return await set_bib(tx, scene, before.bib, pinned=pinned)
    numbers = await _Numbers.of(tx, before.event_id)
    return await registrations.store(
        tx, before, "registration.updated", bib=numbers.next(before), bib_pinned=bool(pinned)
    )


async def pin(tx: Write, scene: Scene, *, pinned: bool) -> Registration:
    """Pin a locked registration's bib or let it go. Raises Conflict when there is none to pin."""
    if pinned and scene.registration.bib is None:
        raise errors.Conflict("There is no bib to pin; give one first")
    return await registrations.store(tx, scene.registration, "registration.updated", bib_pinned=pinned)


async def assign_all(tx: Write, event_id: str, run_id: str | None) -> tuple[list[Registration], bool]:
    """A bib for everybody with a place who has none, in order of arrival; all or, when a range runs out, nobody.

    Of very many the first `AT_ONCE`; gives those who got one, and whether there are more to ask for again.

    Raises EventNotFound, RunNotFound, BibsExhausted."""
    await events.lock(tx, event_id)
    if run_id is not None and (await runs.get(tx, run_id)).event_id != event_id:
        raise runs.RunNotFound
    numbers = await _Numbers.of(tx, event_id)
    given = {"run_id": run_id} if run_id is not None else {}
    waiting = await tx.all(Registration, _without(of_run=run_id is not None), event_id=event_id, **given)
    given_out = [(before, numbers.next(before)) for before in waiting[:AT_ONCE]]
    return await registrations.store_bibs(tx, given_out), len(waiting) > AT_ONCE


async def take_away(tx: Write, scene: Scene) -> Registration:
    """Take a bib away, pinned or not; without one nothing happens."""
    return await registrations.store(tx, scene.registration, "registration.updated", bib=None, bib_pinned=False)


async def swap(tx: Write, one_id: str, other_id: str) -> tuple[Registration, Registration]:
    """Exchange the bibs of two registrations of one event, pins and all. Raises RegistrationNotFound, NoPlaceNoBib, Invalid, Conflict."""
    one = (await registrations.lock(tx, one_id)).registration
    other = await registrations.get(tx, other_id)
    if one.id == other.id:
        raise errors.Invalid(fields={"registration_id": ["Must be another registration"]})
    if one.event_id != other.event_id:
        raise errors.Conflict("Bibs can be swapped inside one event only")
    for registration in (one, other):
        if registration.status != "confirmed":
            raise NoPlaceNoBib(registration.status)
    if one.bib is None and other.bib is None:
        raise errors.Conflict("Neither of the two has a bib")
    # The unique index allows one holder at any moment, so one hand is emptied first.
    emptied = await registrations.store(tx, one, "registration.updated", bib=None, bib_pinned=False)
    swapped = await registrations.store(tx, other, "registration.updated", bib=one.bib, bib_pinned=one.bib_pinned)
    return await registrations.store(
        tx, emptied, "registration.updated", bib=other.bib, bib_pinned=other.bib_pinned
    ), swapped


class _Numbers:
    """The free numbers of a locked event, handed out one by one."""

    def __init__(self, by_run: dict[str, Run], groups: dict[str, list[PaceGroup]], taken: set[str]) -> None:
        self._runs = by_run
        self._groups = groups
        self._taken = taken
        self._iterators: dict[Range | None, Iterator[str]] = {}

    @classmethod
    async def of(cls, tx: Read, event_id: str) -> "_Numbers":
        by_run = {run.id: run for run in await runs.of_event(tx, Run, event_id)}
        groups = await pace_groups.of_event(tx, event_id)
        taken = {bib for (bib,) in await tx.rows(_taken(), event_id=event_id)}
        return cls(by_run, groups, taken)

    def next(self, registration: Registration) -> str:
        run = self._runs[registration.event_run_id]
        groups = self._groups.get(run.id, [])
        where = range_of(run, pace_groups.named(groups, registration.pace_group))
        if where not in self._iterators:
            everywhere = where or Range(1, HIGHEST)
            self._iterators[where] = free_numbers(everywhere, self._taken, self._reserved(where))
        bib = next(self._iterators[where], None)
        if bib is None:
            raise BibsExhausted(where or Range(1, HIGHEST))
        self._taken.add(bib)
        return bib

    def _reserved(self, where: Range | None) -> list[Range]:
        """Ranges that are somebody else's: every narrower one inside `where`, and all of them without a range of one's own."""
        declared = [range_of(run, group) for run in self._runs.values() for group in self._groups.get(run.id, [])]
        declared += [range_of(run, None) for run in self._runs.values()]
        return [
            other
            for other in set(declared)
            if other is not None
            and other != where
            and (where is None or (other.first >= where.first and other.last <= where.last))
        ]
