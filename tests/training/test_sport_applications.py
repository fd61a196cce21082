"""Sport settings applied to activities: all of them, whatever happens on the way, and by what counts now."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from openintervals.platform import tasks
from openintervals.platform.files import Files
from openintervals.platform.tasks import Task
from openintervals.training import activities, sport_applications, sport_settings
from tests import databases
from tests.athletes import Athlete, found, join, refused
from tests.patients import run_sql
from tests.servers import START, Application
from tests.training import people
from tests.training.people import Person


@pytest.fixture
def ann(app: Application, tmp_path: Path) -> Person:
    app.clock.now = START
    return people.join(app, Files(str(tmp_path / "files")))


def apply(ann: Person, said: str = "Ride") -> Task:
    return ann.write(lambda tx: sport_applications.start(tx, said))


def work(ann: Person) -> None:
    """A round of the worker."""
    ann.app.run(sport_applications.step_due(ann.app.database, ann.app.asking()))


def now(ann: Person, task: Task) -> Task:
    return ann.read(lambda tx: tasks.get(tx, task.id))


def ftp_of(ann: Person, ids: list[str]) -> list[int]:
    return [ann.served(each)["icu_ftp"] for each in ids]


def test_activities_are_measured_by_what_counts_now(ann: Person) -> None:
    rides = [ann.uploaded(people.fit(days=day)) for day in range(3)]
    run = ann.uploaded(people.fit(days=5, type_="Run"))
    ann.change(rides[1], icu_ftp=222)
    ann.set("Ride", ftp_w=300)
    before = ftp_of(ann, rides)
    run_before = ann.served(run)

    task = apply(ann)
    work(ann)

    assert before == [250, 222, 250]
    assert ftp_of(ann, rides) == [300, 222, 300]
    assert ann.served(run) == run_before
    assert (now(ann, task).state, now(ann, task).done_count, now(ann, task).problem) == ("done", 3, None)


def test_what_is_interrupted_goes_on_behind_the_last(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    rides = [ann.uploaded(people.fit(days=day)) for day in range(4)]
    ann.set("Ride", ftp_w=300)
    monkeypatch.setattr(sport_applications, "STEPS_AT_ONCE", 2)

    task = apply(ann)
    work(ann)
    half = ftp_of(ann, rides)
    work(ann)
    work(ann)

    assert half == [300, 300, 250, 250]
    assert ftp_of(ann, rides) == [300] * 4
    assert (now(ann, task).state, now(ann, task).done_count) == ("done", 4)
    assert [ann.read(lambda tx, said=said: activities.get(tx, said)).version for said in rides] == [2] * 4  # type: ignore[misc]


def test_a_worker_that_dies_leaves_it_to_another_after_a_minute(ann: Person) -> None:
    rides = [ann.uploaded(people.fit(days=day)) for day in range(2)]
    ann.set("Ride", ftp_w=300)
    apply(ann)

    [(_, taken)] = [
        each
        for each in ann.app.write(lambda tx: tasks.claim(tx, 1_000, sport_applications.KINDS))
        if each[0] == ann.tenant
    ]
    ann.write(lambda tx: sport_applications.step(tx, taken))
    work(ann)
    after_the_first = ftp_of(ann, rides)
    ann.app.clock.now += tasks.TAKEN_FOR + timedelta(seconds=1)
    work(ann)

    assert after_the_first == [300, 250]
    assert ftp_of(ann, rides) == [300, 300]


def test_workers_that_come_at_once_do_it_once(ann: Person) -> None:
    rides = [ann.uploaded(people.fit(days=day)) for day in range(3)]
    ann.set("Ride", ftp_w=300)
    task = apply(ann)

    async def together() -> None:
        rounds = (sport_applications.step_due(ann.app.database, ann.app.asking()) for _ in range(4))
        await asyncio.gather(*rounds)

    ann.app.run(together())

    assert now(ann, task).done_count == 3
    assert [ann.read(lambda tx, said=said: activities.get(tx, said)).version for said in rides] == [2] * 3  # type: ignore[misc]


def test_to_ask_again_begins_anew_with_what_has_changed_since(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    rides = [ann.uploaded(people.fit(days=day)) for day in range(3)]
    ann.set("Ride", ftp_w=300)
    monkeypatch.setattr(sport_applications, "STEPS_AT_ONCE", 2)
    first = apply(ann)
    work(ann)
    ann.set("Ride", ftp_w=310)

    second = apply(ann)
    work(ann)
    work(ann)

    assert ftp_of(ann, rides) == [310] * 3
    assert (now(ann, first).state, now(ann, first).problem) == ("failed", tasks.ENDED_BY_REQUEST)
    assert (now(ann, second).state, now(ann, second).done_count) == ("done", 3)


def test_one_that_cannot_be_analysed_is_passed_over(ann: Person) -> None:
    rides = [ann.uploaded(people.fit(days=day)) for day in range(3)]
    ann.set("Ride", ftp_w=300)
    url = ann.app.runtime.settings.database_url
    run_sql(url, f"UPDATE recordings SET recording = '{{}}' WHERE activity_id = '{rides[1]}'")

    task = apply(ann)
    work(ann)

    assert ftp_of(ann, rides) == [300, 250, 300]
    assert (now(ann, task).state, now(ann, task).done_count) == ("failed", 2)
    assert now(ann, task).problem == "1 could not be analysed and are as they were"


def test_settings_that_are_deleted_meanwhile_end_it(ann: Person) -> None:
    ride = ann.uploaded(people.fit())
    ann.set("Ride", ftp_w=300)
    task = apply(ann)
    ann.write(lambda tx: sport_settings.remove(tx, "Ride"))

    work(ann)

    assert now(ann, task).problem == "The sport settings were deleted"
    assert ftp_of(ann, [ride]) == [250]


def test_what_is_applied_twice_changes_nothing_the_second_time(ann: Person) -> None:
    ann.uploaded(people.fit())
    ann.set("Ride", ftp_w=300)
    apply(ann)
    work(ann)
    url = ann.app.runtime.settings.database_url
    before = databases.fingerprint(url, leave_out=("tasks",))

    apply(ann)
    work(ann)

    assert databases.fingerprint(url, leave_out=("tasks",)) == before


class TestOverHttp:
    @pytest.fixture
    def athlete(self, app: Application) -> Athlete:
        app.clock.now = START
        return join(app)

    def test_it_is_asked_for_and_followed(self, athlete: Athlete) -> None:
        asked = found(athlete.put("/athlete/0/sport-settings/Ride/apply"))
        athlete.app.run(sport_applications.step_due(athlete.app.database, athlete.app.asking()))
        shown = found(athlete.get("/athlete/0/sport-settings/Ride/apply"))

        assert (asked["state"], asked["done_count"], asked["ended"]) == ("running", 0, None)
        assert (shown["id"], shown["state"], shown["problem"]) == (asked["id"], "done", None)
        assert shown["ended"] == "2026-03-01T09:00:00.000+00:00"

    def test_what_was_never_applied_is_not_found_and_says_how(self, athlete: Athlete) -> None:
        assert "PUT" in refused(athlete.get("/athlete/0/sport-settings/Run/apply"), 404)

    def test_settings_that_are_not_there_are_not_applied(self, athlete: Athlete) -> None:
        assert "Yoga" in refused(athlete.put("/athlete/0/sport-settings/Yoga/apply"), 404)
