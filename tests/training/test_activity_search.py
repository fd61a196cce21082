"""Searches, seasons, and activities entered by hand."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from openintervals import errors
from openintervals.platform.files import Files
from openintervals.training import (
    activities,
    activity_edits,
    activity_lists,
    activity_search,
    manual_activities,
    uploads,
)
from openintervals.training.activity_intervals import Mark
from openintervals.training.activity_search import Filter, Wanted
from tests.servers import Application
from tests.training import people
from tests.training.people import Person


@pytest.fixture
def ann(app: Application, tmp_path: Path) -> Person:
    return people.join(app, Files(str(tmp_path / "files")))


def ids(found: list[msgspec.Raw]) -> list[str]:
    return [msgspec.json.decode(each)["id"] for each in found]


def done(ann: Person, start: str = "2024-05-01T08:00:00", **given: Any) -> str:
    """An activity entered by hand."""
    said = {"start_date_local": start, "type": "Ride", "moving_time": 3600, **given}
    return ann.write(lambda tx: manual_activities.create(tx, said)).id


class TestByHand:
    def test_what_is_said_is_served(self, ann: Person) -> None:
        said = done(ann, type="Swim", distance=2000, icu_rpe=4, icu_training_load=30, description="Cold")

        served = ann.served(said)

        assert (served["source"], served["type"], served["name"]) == ("MANUAL", "Swim", "Morning Swim")
        assert (served["distance"], served["moving_time"], served["elapsed_time"]) == (2000, 3600, 3600)
        assert served["average_speed"] == pytest.approx(2000 / 3600, abs=1e-4)
        assert (served["icu_rpe"], served["icu_training_load"], served["description"]) == (4, 30, "Cold")
        assert served["start_date"] == "2024-05-01T06:00:00Z"
        assert served["file_type"] is None

    @pytest.mark.parametrize("given", [{}, {"type": "Ride"}, {"start_date_local": "2024-05-01T08:00:00"}])
    def test_without_a_type_or_a_start_it_is_refused(self, ann: Person, given: dict[str, Any]) -> None:
        with pytest.raises(errors.Invalid):
            ann.write(lambda tx: manual_activities.create(tx, given))

    def test_it_is_edited_and_deleted_like_any_other(self, ann: Person) -> None:
        said = done(ann)

        assert ann.change(said, type="Run", distance=10_000)["type"] == "Run"
        ann.write(lambda tx: activity_edits.recompute(tx, said))
        ann.delete(said)

        with pytest.raises(errors.NotFound):
            ann.served(said)

    def test_the_same_external_id_of_the_same_source_changes_what_is_there(self, ann: Person) -> None:
        def sent(source: str, **given: Any) -> str:
            said = {"start_date_local": "2024-05-01T08:00:00", "type": "Ride", **given}
            [made] = ann.write(lambda tx: manual_activities.put(tx, [said], source=source))
            return made.id

        first = sent("OAUTH_CLIENT", external_id="x1", name="One")

        assert sent("OAUTH_CLIENT", external_id="x1", name="Two") == first
        assert ann.served(first)["name"] == "Two"
        assert sent("MANUAL", external_id="x1") != first
        assert sent("OAUTH_CLIENT") != sent("OAUTH_CLIENT")

    def test_a_tombstone_refuses_a_program_and_not_the_athlete(self, ann: Person) -> None:
        given = {"start_date_local": "2024-05-01T08:00:00", "type": "Ride", "external_id": "x1"}
        ann.delete(ann.write(lambda tx: manual_activities.create(tx, given)).id)

        with pytest.raises(uploads.Buried):
            ann.write(lambda tx: manual_activities.create(tx, given, again=False))
        assert ann.write(lambda tx: manual_activities.create(tx, given)).version == 1


class TestLists:
    def test_they_are_newest_first_and_both_days_count(self, ann: Person) -> None:
        days = [done(ann, f"2024-05-0{day}T08:00:00") for day in (1, 2, 3, 4)]

        found = ann.read(lambda tx: activity_lists.listed(tx, "2024-05-02", "2024-05-03"))
        limited = ann.read(lambda tx: activity_lists.listed(tx, "2024-05-01", limit=2))

        assert ids(found) == [days[2], days[1]]
        assert ids(limited) == [days[3], days[2]]

    def test_what_changed_since_an_instant_is_listed_alone(self, ann: Person) -> None:
        first, second = done(ann), done(ann)
        ann.app.clock.advance(60)
        since = ann.write(lambda tx: activity_edits.change(tx, first, {"icu_rpe": 3})).updated_at

        found = ann.read(lambda tx: activity_lists.listed(tx, "2024-01-01", updated_since=since))

        assert ids(found) == [first]
        assert second

    def test_several_are_read_in_the_order_asked_for_and_strangers_are_skipped(self, ann: Person) -> None:
        first, second = done(ann), done(ann)

        found = ann.read(lambda tx: activities.shown_of(tx, [second, "i5", first[1:], second]))

        assert ids(found) == [second, first]


class TestSearch:
    def test_names_are_found_in_any_case_and_tags_exactly(self, ann: Person) -> None:
        hills = done(ann, name="Straße und HÜGEL", tags=["hot"])
        done(ann, name="Flat", tags=["hotter"])

        def search(query: str) -> list[str]:
            return ids(ann.read(lambda tx: activity_search.called(tx, query)))

        assert search("hügel") == search("STRASSE") == search("#hot") == [hills]
        assert search("#ho") == search("%") == search("") == search("#") == []
        assert ann.read(activity_search.tags) == ["hot", "hotter"]

    def test_more_than_a_page_is_walked(self, ann: Person) -> None:
        said = {"start_date_local": "2020-05-01T08:00:00", "type": "Ride"}
        last = done(ann, "2019-05-01T08:00:00", name="First of all")
        ann.write(lambda tx: manual_activities.put(tx, [said] * (activity_search.PAGE + 1)))

        assert ids(ann.read(lambda tx: activity_search.called(tx, "first of"))) == [last]

    def test_neighbours_are_the_nearest_first(self, ann: Person) -> None:
        days = {day: done(ann, f"2024-05-{day:02}T08:00:00") for day in (1, 4, 5, 7, 20)}

        found = ann.read(lambda tx: activity_search.around(tx, days[5], 3))

        assert ids(found) == [days[4], days[7], days[1]]

    def test_intervals_are_found_by_length_and_intensity(self, ann: Person) -> None:
        watts = np.where((np.arange(1800) // 300) % 2 == 1, 300.0, 100.0)
        ride = people.ride(1800, watts=watts)
        hard = ann.uploaded(people.fit(1800, watts=watts))
        ann.write(
            lambda tx: activity_edits.replace_intervals(tx, hard, [Mark(at, at + 300) for at in range(0, 1800, 300)])
        )
        ann.uploaded(people.fit(1800, days=1, watts=150))

        def search(**wanted: Any) -> list[str]:
            least = {"least_s": 200, "most_s": 500, "least_intensity": 110, "most_intensity": 130, **wanted}
            return ids(ann.read(lambda tx: activity_search.with_intervals(tx, Wanted(**least))))

        assert ride.count == 1800
        assert search() == search(by="POWER", least_times=3) == [hard]
        assert search(least_times=4) == search(most_times=2) == search(least_s=450) == search(by="PACE") == []

    def test_filters_look_at_what_is_served(self, ann: Person) -> None:
        short, long = done(ann, distance=10_000, race=True), done(ann, distance=90_000, type="GravelRide")

        def passing(*filters: Filter) -> set[str]:
            return ann.read(lambda tx: activity_search.passing(tx, filters))

        assert passing(Filter("type", ["Ride", "VirtualRide"])) == {short}
        assert passing(Filter("type", ["Ride"], not_=True)) == {long}
        assert passing(Filter("distance", 50_000, operator="gt")) == {long}
        assert passing(Filter("race", "true")) == {short}
        assert passing(Filter("indoor", "outdoor", not_=True)) == set()
        assert passing() == {short, long}
        with pytest.raises(errors.Invalid):
            passing(Filter("type", "Ride", operator="like"))


class TestApplied:
    def test_the_settings_of_another_day_count_from_then_on(self, ann: Person) -> None:
        said = ann.uploaded(people.fit(watts=200))
        ann.set("Ride", ftp_w=400)  # from today on
        today = ann.app.clock().date().isoformat()
        assert ann.write(lambda tx: activity_edits.recompute(tx, said)).values()["icu_ftp"] == 250

        [found] = ann.read(lambda tx: activity_search.of_types(tx, ["Ride", "Run"]))
        applied = ann.write(lambda tx: activity_edits.recompute(tx, found, on=today)).values()

        assert (applied["icu_ftp"], applied["icu_intensity"]) == (400, 50)
        assert ann.write(lambda tx: activity_edits.recompute(tx, said)).values() == applied
