"""Edits: what changes along with what was asked for, and what is left when the thing is gone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from openintervals import errors
from openintervals.club import recurrence_changes, recurrences, registrations, removals, runs, transfers
from openintervals.club.bibs import BibTaken
from openintervals.club.schedule import Schedule
from openintervals.db.statement import Statement
from openintervals.db.transaction import Write
from tests.club.clubs import Club

WAITING = Statement(sa.select(sa.func.count()).select_from(sa.text("pg_locks")).where(sa.text("NOT granted")))
"""How many wait for a lock, on PostgreSQL."""


@pytest.mark.parametrize(
    ("made", "changed", "length_m", "label"),
    [
        ({"distanceStandard": "5K"}, {"distanceStandard": "10K"}, 10_000, "10K"),
        ({"distanceStandard": "5K", "distanceLabel": "Fun run"}, {"distanceStandard": "10K"}, 10_000, "Fun run"),
        ({"distanceStandard": "5K", "distanceMeters": 5100}, {"distanceStandard": "10K"}, 5100, "10K"),
        ({"distanceStandard": "5K"}, {"distanceStandard": "10K", "distanceMeters": 9950}, 9950, "10K"),
        ({"distanceStandard": "5K"}, {"distanceStandard": "10K", "distanceLabel": "5K"}, 10_000, "5K"),
        ({"distanceStandard": "5K"}, {"distanceStandard": "Other"}, 5000, "Other"),
        ({"distanceStandard": "Other", "distanceMeters": 0}, {"distanceStandard": "10K"}, 0, "10K"),
        ({"distanceStandard": "5K", "distanceMeters": 5100}, {"distanceStandard": "5K"}, 5100, "5K"),
    ],
)
def test_length_and_name_follow_a_new_standard_where_they_were_those_of_the_old(
    club: Club, made: dict[str, Any], changed: dict[str, Any], length_m: float, label: str
) -> None:
    run = club.run(**made)

    club.change_run(run, **changed)

    after = club.get_run(run)
    assert (after.distance_standard, after.distance_m, after.distance_label) == (
        changed["distanceStandard"],
        length_m,
        label,
    )


LATE: list[tuple[str, Callable[[Write, dict[str, str]], Awaitable[object]], type[errors.NotFound]]] = [
    ("lock its run", lambda tx, ids: runs.lock(tx, ids["run"]), runs.RunNotFound),
    ("lock a registration", lambda tx, ids: registrations.lock(tx, ids["comes"]), registrations.RegistrationNotFound),
    ("lock its recurrence", lambda tx, ids: recurrences.lock(tx, ids["recurrence"]), recurrences.RecurrenceNotFound),
    (
        "transfer somebody from it",
        lambda tx, ids: transfers.transfer(tx, ids["comes"], event_run_id=ids["elsewhere"], person={}),
        registrations.RegistrationNotFound,
    ),
    (
        "transfer somebody to it",
        lambda tx, ids: transfers.transfer(tx, ids["other"], event_run_id=ids["run"], person={}),
        runs.RunNotFound,
    ),
]


@pytest.mark.parametrize(("work", "raised"), [pytest.param(*rest, id=name) for name, *rest in LATE])
def test_whoever_comes_while_an_event_is_deleted_is_told_that_what_they_asked_for_is_gone(
    club: Club, work: Callable[[Write, dict[str, str]], Awaitable[object]], raised: type[errors.NotFound]
) -> None:
    event, elsewhere = club.event(), club.run()
    run = club.run(event)
    schedule = Schedule(frequency="weekly", days_of_week=(2,), local_start="18:30", duration_minutes=60)
    recurrence = club.write(lambda tx: recurrence_changes.create(tx, event, schedule, None, {})).id
    ids = {"run": run, "elsewhere": elsewhere, "recurrence": recurrence}
    ids |= {"comes": club.register(run), "other": club.register(elsewhere)}

    with pytest.raises(raised):
        club.app.run(both(club, event, lambda tx: work(tx, ids)))


async def both(club: Club, event: str, work: Callable[[Write], Awaitable[object]]) -> None:
    """Delete an event, and do `work` when it is deleted but not committed yet."""
    deleted = asyncio.Event()
    database = club.app.database

    async def delete(tx: Write) -> None:
        await removals.remove_event(tx, event, cancel_registrations=True)
        deleted.set()
        while database.kind == "postgres" and not await tx.value(WAITING):
            continue

    async def late() -> None:
        await deleted.wait()
        await database.write(club.asking(), work)

    await asyncio.gather(database.write(club.asking(), delete), late())


def test_a_registration_is_changed_as_a_whole_or_not_at_all(club: Club) -> None:
    run = club.run()
    taken = club.register(run)
    club.give_bib(taken, "7")
    comes = club.register(run, name="Ann")

    with pytest.raises(BibTaken, match="Bib 7 is taken in this event"):
        club.change_registration(comes, name="Bob", paceGroup="5:00", bibIdentifier="7")

    assert (club.get(comes).name, club.get(comes).pace_group) == ("Ann", None)
