"""The demo club: there is something of everything in it, it is made by the rules, and only once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from openintervals import demo, doctor
from openintervals.club import removals
from openintervals.db import Database, named_by
from openintervals.db.transaction import Asking, Tenant, Write
from openintervals.settings import Settings
from tests import databases, servers
from tests.servers import START, Application, Clock

T = TypeVar("T")


def with_database(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    async def opened() -> T:
        database = named_by(Settings(database_url=url))
        await database.open()
        try:
            return await work(database)
        finally:
            await database.close()

    databases.prepare(Settings(database_url=url))
    return asyncio.run(opened())


def filled(url: str, now: datetime = START) -> dict[str, str]:
    return with_database(url, lambda database: demo.fill(database, now))


def found(app: Application, key: str, path: str) -> Any:
    answer = app.request("GET", f"/partner{path}", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_there_is_something_of_everything(database_url: str) -> None:
    keys = filled(database_url)

    with servers.application(database_url, clock=Clock(START)) as app:
        events = found(app, keys["live"], "/events?limit=100")
        runs = [run for event in events for run in found(app, keys["live"], f"/events/{event['_id']}")["runs"]]
        waiting = [entry for run in runs for entry in found(app, keys["live"], f"/runs/{run['_id']}/waitlist")]
        people = [
            person
            for event in events
            for person in found(app, keys["live"], f"/registration?limit=100&eventId={event['_id']}")
        ]
        recurrences = found(app, keys["live"], "/recurrences")
        groups = found(app, keys["live"], "/groups")
        in_groups = [found(app, keys["live"], f"/groups/{group['slug']}/events") for group in groups]
        sandbox = found(app, keys["test"], "/events")
        sandbox_people = [len(found(app, keys["test"], f"/registration?eventId={event['_id']}")) for event in sandbox]

    today = START.date().isoformat()
    assert {event["type"] for event in events} == {"race", "runClub", "timeTrial", "other"}
    assert min(event["date"] for event in events) < (START - timedelta(days=90)).date().isoformat()
    assert max(event["date"] for event in events) > (START + timedelta(days=60)).date().isoformat()
    assert len({run["distanceStandard"] for run in runs}) >= 6
    assert {run["eventStatus"] for run in runs} >= {"scheduled", "postponed"}
    assert any(run["date"] > today and run.get("soldOut") for run in runs)
    assert any(run.get("paceGroups") for run in runs)
    assert {entry["reason"] for entry in waiting} >= {"full", "paceGroupFull", "offerOpen"}
    assert len(people) > 300
    assert {person["registrationStatus"] for person in people} == {"confirmed", "waitlist", "cancelled", "refunded"}
    assert any("bibIdentifier" in person for person in people)
    assert any(person.get("bibPinned") for person in people)
    assert any(person["checkedIn"] for person in people)
    assert {recurrence["schedule"]["frequency"] for recurrence in recurrences} == {"weekly", "monthly"}
    assert {recurrence["status"] for recurrence in recurrences} == {"active", "paused"}
    assert all(in_groups)
    assert len(groups) == 3
    assert len(sandbox) == 3
    assert all(sandbox_people)


def test_everybody_in_it_is_plainly_made_up(database_url: str) -> None:
    filled(database_url)

    people = databases.rows(database_url, "SELECT DISTINCT name, email FROM registrations")

    assert all(name.startswith("Demo Runner ") and email.endswith("@example.com") for name, email in people)


def test_the_doctor_finds_nothing_wrong_with_it(database_url: str) -> None:
    filled(database_url)

    assert with_database(database_url, lambda database: doctor.examine(database, START)) == []


def test_filling_again_changes_nothing_and_gives_new_keys(database_url: str) -> None:
    first = filled(database_url)
    but_keys = ("api_keys", "journal")
    before = databases.fingerprint(database_url, leave_out=but_keys)

    again = filled(database_url, START + timedelta(days=3))

    assert databases.fingerprint(database_url, leave_out=but_keys) == before
    assert set(again) == {"live", "test"}
    assert not set(first.values()) & set(again.values())


def test_what_is_missing_is_made_when_filling_goes_on(database_url: str) -> None:
    filled(database_url)
    slugs = "SELECT slug FROM events ORDER BY slug"
    complete = databases.rows(database_url, slugs)
    where = "SELECT organization_id, id FROM events WHERE slug = 'harbour-lights-10k'"
    ((organization_id, event_id),) = databases.rows(database_url, where)

    async def remove(tx: Write) -> None:
        await removals.remove_event(tx, event_id, cancel_registrations=True)

    asking = Asking(tenant=Tenant(organization_id, "live"), actor="test", now=START)
    with_database(database_url, lambda database: database.write(asking, remove))
    filled(database_url)

    assert databases.rows(database_url, slugs) == complete
    assert with_database(database_url, lambda database: doctor.examine(database, START)) == []


def test_two_that_fill_at_once_make_one_club(database_url: str) -> None:
    async def both(database: Database) -> None:
        await asyncio.gather(demo.fill(database, START), demo.fill(database, START))

    with_database(database_url, both)

    assert len(databases.rows(database_url, "SELECT slug FROM organizations")) == 1
    assert len(databases.rows(database_url, "SELECT slug FROM events")) == 17
    assert with_database(database_url, lambda database: doctor.examine(database, START)) == []


def test_the_same_moment_gives_the_same_club(tmp_path: Path) -> None:
    tables = {
        "events": "slug, starts_on, confirmed, offered, created_at",
        "event_runs": "starts_on, local_start, distance_label, confirmed, offered, created_at",
        "registrations": "email, status, bib, queue_number, checked_in_at, created_at, updated_at",
        "groups": "slug, status",
    }
    clubs = []
    for name in ("one", "other"):
        url = f"sqlite:///{tmp_path}/{name}.db"
        filled(url)
        clubs.append(
            [sorted(map(repr, databases.rows(url, f"SELECT {which} FROM {t}"))) for t, which in tables.items()]
        )

    assert clubs[0] == clubs[1]


@pytest.mark.parametrize(
    "now",
    [
        datetime(2028, 2, 29, 4, 0, tzinfo=UTC),
        datetime(2026, 3, 8, 8, 30, tzinfo=UTC),
        datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
    ids=["leap-day", "clocks-forward", "clocks-back", "new-year"],
)
def test_it_can_be_made_on_any_day(now: datetime, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/demo.db"

    filled(url, now)

    assert with_database(url, lambda database: doctor.examine(database, now)) == []
    assert with_database(url, lambda database: doctor.examine(database, now + timedelta(days=1))) == []
