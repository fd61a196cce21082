"""Sport settings over the wire, and the athlete's own."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.athletes import Athlete, found, refused

SPORTS = "/athlete/0/sport-settings"


def test_a_client_finds_its_thresholds_where_it_looks_for_them(ann: Athlete) -> None:
    found(ann.put(f"{SPORTS}/Ride", {"ftp": 250, "lthr": 168, "max_hr": 187}, recalcHrZones="False"))

    athlete = found(ann.get("/athlete/0"))

    [ride] = [each for each in athlete["sportSettings"] if "Ride" in each["types"]]
    assert (ride["ftp"], ride["lthr"], ride["max_hr"]) == (250, 168, 187)
    assert ride["hr_zones"][-1] == 187
    assert found(ann.get(f"{SPORTS}/{ride['id']}")) == found(ann.get(f"{SPORTS}/Ride")) == ride


def test_only_what_is_sent_changes_and_minus_one_clears(ann: Athlete) -> None:
    found(ann.put(f"{SPORTS}/Ride", {"ftp": 250, "indoor_ftp": 240, "power_field": "x", "unheard_of": 1}))

    after = found(ann.put(f"{SPORTS}/Ride", {"indoor_ftp": -1, "power_field": ""}))

    assert (after["ftp"], after["indoor_ftp"], after["power_field"]) == (250, None, None)


def test_sending_the_whole_object_back_changes_nothing(ann: Athlete) -> None:
    before = found(ann.put(f"{SPORTS}/Ride", {"ftp": 250}))
    ann.app.clock.now = datetime(2026, 5, 1, tzinfo=UTC)

    after = found(ann.put(f"{SPORTS}/Ride", {name: value for name, value in before.items() if name != "valid_from"}))

    assert after == before


def test_a_change_counts_from_a_day(ann: Athlete) -> None:
    first = found(ann.put(f"{SPORTS}/Ride", {"ftp": 250}))

    second = found(ann.put(f"{SPORTS}/Ride", {"ftp": 260}, valid_from="2026-02-01T08:00:00"))

    assert (first["valid_from"], second["valid_from"], second["ftp"]) == (None, "2026-02-01", 260)


def test_several_are_changed_at_once_or_none(ann: Athlete) -> None:
    both = [{"id": "Ride", "ftp": 250}, {"id": "Run", "threshold_pace": 4}]
    wrong = [each | {"ftp": 300} for each in both]

    changed = found(ann.put(SPORTS, both))
    unknown = refused(ann.put(SPORTS, [*wrong, {"id": "Chess"}]), 404)
    nameless = refused(ann.put(SPORTS, [*wrong, {"ftp": 300}]), 422)
    endless = refused(ann.put(SPORTS, [{"id": "Ride", "ftp": 300}] * 101), 422)

    assert (changed[0]["ftp"], changed[1]["threshold_pace"]) == (250, 4)
    assert ("Chess" in unknown, "id: Expected" in nameless, "at most 100" in endless) == (True, True, True)
    assert found(ann.get(f"{SPORTS}/Ride"))["ftp"] == 250


@pytest.mark.parametrize("day", ["2026-02-30", "yesterday", "2026-13-01"])
def test_a_day_that_is_none_is_refused(ann: Athlete, day: str) -> None:
    assert "valid_from" in refused(ann.put(f"{SPORTS}/Ride", {"ftp": 260, "valid_from": day}), 422)


def test_every_wrong_field_is_told_by_its_name_on_the_wire(ann: Athlete) -> None:
    kinds = refused(ann.put(f"{SPORTS}/Ride", {"ftp": "much", "load_order": "LUCK", "types": ["Chess"]}), 422)
    rules = refused(ann.put(f"{SPORTS}/Ride", {"ftp": 9_999_999, "warmup_time": -7}), 422)

    assert all(f"{name}: " in kinds or f"{name}.0: " in kinds for name in ("ftp", "load_order", "types"))
    assert "ftp: Expected" in rules
    assert "warmup_time: Expected" in rules


def test_several_are_changed_together_or_not_at_all(ann: Athlete) -> None:
    ids = [each["id"] for each in found(ann.get(SPORTS))]

    changed = found(ann.put(SPORTS, [{"id": ids[0], "ftp": 250}, {"id": str(ids[1]), "ftp": 300}]))
    refused(ann.put(SPORTS, [{"id": ids[0], "ftp": 111}, {"id": 999, "ftp": 111}]), 404)
    refused(ann.put(SPORTS, {"id": ids[0]}), 422)

    assert [each["ftp"] for each in changed] == [250, 300]
    assert found(ann.get(f"{SPORTS}/Ride"))["ftp"] == 250


def test_an_array_names_the_place_of_what_is_wrong(ann: Athlete) -> None:
    said = refused(ann.put(SPORTS, [{"id": 1}, {"id": 2, "ftp": "x"}]), 422)

    assert "1.ftp: Expected number" in said


def test_settings_are_made_and_deleted(ann: Athlete) -> None:
    made = found(ann.post(SPORTS, {"types": ["Rowing"], "ftp": 200, "display": {"color": "red"}}))

    taken = refused(ann.post(SPORTS, {"types": ["Rowing"]}), 422)
    assert (made["pace_units"], made["display"]) == ("SECS_500M", {"color": "red"})
    assert f"Rowing is covered by sport settings {made['id']}" in taken
    assert found(ann.delete(f"{SPORTS}/{made['id']}")) == {}
    refused(ann.get(f"{SPORTS}/{made['id']}"), 404)
    refused(ann.delete(f"{SPORTS}/{made['id']}"), 404)


def test_distances_are_those_of_the_sport(ann: Athlete) -> None:
    found(ann.put(f"{SPORTS}/Run", {"best_effort_distances": [5000.0]}))

    every, run, swim = (
        found(ann.get(path))
        for path in ("/pace_distances", f"{SPORTS}/Run/pace_distances", f"{SPORTS}/Swim/pace_distances")
    )

    assert run["defaults"] == [5000.0]
    assert every["distances"] == run["distances"] == sorted(run["distances"])
    assert max(swim["defaults"]) <= 1500


class TestAthlete:
    def test_what_is_set_is_shown_and_the_rest_is_null(self, ann: Athlete) -> None:
        given = {
            "icu_weight": 62.5,
            "sex": "F",
            "icu_resting_hr": 48,
            "icu_date_of_birth": "1990-05-17",
            "city": "Kiel",
        }

        after = found(ann.put("/athlete/0", given))

        assert {name: after[name] for name in given} == given
        assert (after["weight"], after["country"], after["strava_authorized"]) == (62.5, None, False)

    def test_nobody_makes_themselves_somebody_else(self, ann: Athlete) -> None:
        before = found(ann.get("/athlete/0"))

        after = found(ann.put("/athlete/0", {"id": "i1", "icu_admin": True, "plan": "PREMIUM", "icu_api_key": "x"}))

        assert {name: after[name] for name in after} == {name: before[name] for name in after}

    @pytest.mark.parametrize(
        "wrong",
        [{"timezone": "Mars"}, {"icu_weight": 0}, {"name": ""}, {"icu_date_of_birth": "1990-02-31"}, {"sex": "Q"}],
    )
    def test_what_cannot_be_is_refused_by_name(self, ann: Athlete, wrong: dict[str, Any]) -> None:
        assert f"{next(iter(wrong))}: " in refused(ann.put("/athlete/0", wrong), 422)

    def test_the_profile_shows_what_others_see(self, ann: Athlete) -> None:
        found(ann.put("/athlete/0", {"bio": "Rides", "icu_weight": 60}))

        profile = found(ann.get("/athlete/0/profile"))

        assert (profile["athlete"]["id"], profile["athlete"]["bio"]) == (ann.id, "Rides")
        assert "icu_weight" not in profile["athlete"]
