"""Curves over the wire: of one activity, of many side by side, and of a season."""

import json
from typing import Any

import numpy as np
import pytest

from tests.api.icu import contract
from tests.athletes import Athlete, found, refused
from tests.training import people

SEASON = "/athlete/0/power-curves"


def uploaded(athlete: Athlete, rows: int = 900, **given: Any) -> str:
    answer = athlete.send("POST", "/athlete/0/activities", files={"file": ("ride.fit", people.fit(rows, **given))})
    return str(answer.json()["id"])


def at(curve: dict[str, Any], place: float, name: str = "values") -> Any:
    """What a curve has at a duration or a distance."""
    return curve[name][(curve.get("secs") or curve.get("distance") or []).index(place)]


def rows(text: str) -> list[list[str]]:
    return [line.split(",") for line in text.splitlines()]


@pytest.fixture
def rider(ann: Athlete) -> Athlete:
    """Of 60 kg, who does no long rides."""
    found(ann.put("/athlete/0", {"icu_weight": 60}))
    found(
        ann.put(
            "/athlete/0/sport-settings/Ride", {"ftp": 250, "after_kj0": 100, "after_kj1": 200}, valid_from="2020-01-01"
        )
    )
    return ann


class TestSeasons:
    def test_a_season_is_the_best_of_its_activities_and_names_them(self, rider: Athlete) -> None:
        short, long = uploaded(rider, 720, watts=300), uploaded(rider, 1800, days=1, watts=200)

        answer = found(rider.get(SEASON, curves="all,r.2024-05-02.2024-05-02", subMaxEfforts=2, type="Ride"))

        both, second = answer["list"]
        assert (at(both, 60), at(both, 60, "activity_id"), at(both, 60, "watts_per_kg")) == (300, short, 5)
        assert at(both, 1200, "activity_id") == at(both, 1200, "wkg_activity_id") == long
        assert (at(both, 60, "submax_values"), at(both, 60, "submax_activity_id")) == ([200], [long])
        assert at(both, 60, "submax_watts_per_kg") == [pytest.approx(200 / 60, abs=1e-3)]
        assert (at(both, 60, "start_index"), at(both, 1200, "start_index")) == (0, 600)  # after the stop
        assert (
            len({len(both[name]) for name in ("secs", "values", "watts", "activity_id", "start_index", "watts_per_kg")})
            == 1
        )
        assert set(second["activity_id"]) == {long}
        assert (second["id"], second["days"], second["end_date_local"]) == (
            "r.2024-05-02.2024-05-02",
            1,
            "2024-05-02T23:59:59",
        )
        assert set(answer["activities"]) == {short, long}
        assert answer["activities"][short]["type"] == "Ride"

    def test_the_season_is_what_the_activities_say_themselves(self, rider: Athlete) -> None:
        wave = 200 + 150 * np.sin(np.arange(1500) / 40)
        ids = [uploaded(rider, 1500, days=day, watts=np.round(wave * part)) for day, part in enumerate((1.0, 0.9, 1.1))]

        [season] = found(rider.get(SEASON, curves="all"))["list"]
        single = {each: found(rider.get(f"/activity/{each}/power-curve.json")) for each in ids}

        for place, (value, whose) in enumerate(zip(season["values"], season["activity_id"], strict=True)):
            assert value == max(each["values"][place] for each in single.values()) == single[whose]["values"][place]
            assert season["start_index"][place] == single[whose]["start_index"][place]

    def test_the_suffix_that_a_client_takes_for_none_is_json(self, rider: Athlete) -> None:
        assert found(rider.get("/athlete/0/power-curves-ext", type="Ride")) == found(
            rider.get("/athlete/0/power-curves", type="Ride")
        )

    def test_a_time_without_activities_is_empty(self, rider: Athlete) -> None:
        uploaded(rider, watts=300)

        for path in (SEASON, "/athlete/0/hr-curves", "/athlete/0/pace-curves"):
            answer = found(rider.get(path, curves="42d"))
            [curve] = answer["list"]
            assert (curve["values"], curve["activity_id"], answer["activities"]) == ([], [], {})
        assert (curve["days"], curve["start_date_local"]) == (42, "2026-01-19T00:00:00")

    def test_now_and_newest_move_the_days(self, rider: Athlete) -> None:
        first, second = uploaded(rider, watts=300), uploaded(rider, days=1, watts=200)

        def whose(**query: Any) -> set[str]:
            return set(found(rider.get(SEASON, **query))["list"][0]["activity_id"])

        assert whose(curves="1d", newest="2024-05-02T23:59:59") == whose(curves="1d", now="2024-05-02") == {second}
        assert whose(curves="2d", now="2024-05-02") == {first}
        assert whose(newest="2024-05-01") == {first}
        assert whose() == set()

    def test_types_belong_together_as_their_settings_do_and_filters_pick(self, rider: Athlete) -> None:
        outside, inside = uploaded(rider, watts=300), uploaded(rider, days=1, type_="VirtualRide", watts=350)
        run = uploaded(rider, days=2, type_="Run", watts=400)

        def whose(**query: Any) -> set[str]:
            return set(found(rider.get(SEASON, curves="all", **query))["list"][0]["activity_id"][:30])

        def named(*filters: dict[str, Any]) -> str:
            return json.dumps(filters)

        assert whose() == whose(type="Ride") == whose(type="VirtualRide") == {inside}
        assert whose(type="Run") == whose(filters=named({"field_id": "type", "value": ["Run", "Ride"]})) == {run}
        assert whose(
            filters=named({"field_id": "indoor", "value": "outdoor"}, {"field_id": "type", "value": "Ride", "id": 1})
        ) == {outside}
        assert whose(
            filters=named({"field_id": "type", "value": ["Run", "VirtualRide"], "not": True}), type="Ride"
        ) == {outside}
        repeated = [
            json.dumps({"field_id": "type", "value": ["Ride", "Run"]}),
            '[{"field_id":"average_power","operator":">","value":350}]',
        ]
        assert whose(filters=repeated) == {run}

    def test_each_further_filter_gives_every_curve_once_more(self, rider: Athlete) -> None:
        strong, easy = uploaded(rider, watts=300), uploaded(rider, days=1, watts=100)

        told = found(
            rider.get(SEASON, curves="all,s0", f1="", f2='[{"field_id":"norm_power","operator":"lt","value":200}]')
        )["list"]

        assert [each["id"] for each in told] == ["all", "all-f2", "s0", "s0-f2"]
        assert [set(each["activity_id"]) for each in told] == [{strong}, {easy}, set(), set()]
        assert told[1]["filters"][0]["field_id"] == "norm_power"

    def test_after_work_only_what_came_then_counts(self, rider: Athlete) -> None:
        fading = np.where(np.arange(1500) < 600, 300, 150)
        said = uploaded(rider, 1500, watts=fading)

        fresh, tired = found(rider.get(SEASON, curves=["all", "all-kj0"]))["list"]
        single = found(rider.get(f"/activity/{said}/power-curve", fatigue="kj0"))

        assert (at(fresh, 300), at(tired, 30), tired["after_kj"]) == (300, 300, 100)
        assert at(tired, 600) < at(fresh, 600)
        assert single["values"] == tired["values"]
        assert found(rider.get(f"/activity/{said}/power-curves", fatigue="kj0,kj1"))[1] == single

    def test_models_are_fitted_to_the_curve(self, rider: Athlete) -> None:
        times = np.arange(1.0, 3601.0)
        held = (260.0 + 18_000.0 / (times + 18_000.0 / 640.0)) * times
        uploaded(rider, 3600, watts=np.round(np.diff(held, prepend=0.0)))
        uploaded(rider, 1200, days=1, type_="Run", time=np.arange(1200), distance=np.arange(1200) * 4.0)

        every, one = (
            found(rider.get(SEASON, curves="all", **query))["list"][0]["powerModels"]
            for query in ({}, {"pmType": "MS_2P"})
        )
        [pace] = found(rider.get("/athlete/0/pace-curves", curves="all", pmType="CS"))["list"]

        assert [each["type"] for each in every] == ["MS_2P", "MORTON_3P", "FFT_CURVES", "ECP"]
        assert [each["type"] for each in one] == ["MS_2P"]
        assert every[1]["criticalPower"] == pytest.approx(260, abs=6)
        assert at(pace, 1000) == 250
        assert pace["paceModels"][0]["criticalSpeed"] == pytest.approx(4.0, abs=0.01)
        assert found(rider.get(SEASON, curves="all", includeRanks="True"))["list"][0]["ranks"] == {}

    def test_a_spreadsheet_has_a_column_for_each_curve(self, rider: Athlete) -> None:
        uploaded(rider, 720, watts=300)

        table = rows(rider.get(f"{SEASON}.csv", curves="all,1y").text)

        assert table[:2] == [["secs", "all", "1y"], ["1", "300", ""]]
        assert rows(rider.get("/athlete/0/hr-curves.csv", curves="all").text)[0] == ["secs", "all"]
        assert rows(rider.get("/athlete/0/pace-curves.csv", curves="all").text) == [["distance", "all"]]

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ({"curves": "6w"}, "curves: '6w' is no period; use such as 42d"),
            ({"curves": "r.2026-02-30.2026-03-01"}, "r.2026-01-01.2026-02-01"),
            ({"type": "Chess"}, "type: Invalid enum value. Expected 'Ride'"),
            ({"newest": "2026-02-30"}, "newest: Expected a day"),
            ({"now": "soon"}, "now: Invalid date, expected YYYY-MM-DD"),
            ({"filters": "Ride"}, "filters: Expected a JSON array such as"),
            ({"filters": "[" * 5_000}, "filters: Expected a JSON array such as"),
            ({"filters": '[{"field_id":"type","value":{"a":[1]}}]'}, "filters: Expected a JSON array such as"),
            ({"filters": '[{"field_id":"type","value":"Chess"}]'}, "'Chess' is no type of activity"),
            ({"filters": '[{"field_id":"luck","value":1}]'}, "'luck' is no field; there are type, "),
            ({"filters": '[{"field_id":"load","value":1,"operator":"like"}]'}, "'like' is not known"),
            ({"f1": "x"}, "f1: Expected a JSON array"),
            ({"pmType": "LUCK"}, "pmType: Invalid enum value. Expected 'MS_2P'"),
            ({"subMaxEfforts": "99"}, "subMaxEfforts: Number must be less than or equal to 20"),
            ({"curves": ",".join(f"{days}d" for days in range(1, 99))}, "curves: At most 50"),
        ],
    )
    def test_what_cannot_be_understood_is_refused_with_what_would_work(
        self, ann: Athlete, query: dict[str, str], said: str
    ) -> None:
        assert said in refused(ann.get(SEASON, **query), 422)

    @contract.there
    @pytest.mark.parametrize("path", ["/activity/{}/pace-curve", "/athlete/{}/pace-curves"])
    def test_a_run_says_what_the_contract_says(self, rider: Athlete, path: str) -> None:
        steady = {"time": np.arange(1200), "distance": np.arange(1200) * 4.0, "velocity_smooth": 4.0, "altitude": 300}
        said = uploaded(rider, 1200, type_="Run", **steady)
        schema = contract.answer_of(contract.operations()[f"GET {path}{{ext}}"])

        answer = found(rider.get(path.format(said if "activity" in path else "0"), curves="all", gap="true"))

        assert schema is not None
        assert contract.problems(schema, answer) == []
        curve = answer if "activity" in path else answer["list"][0]
        assert (curve["type"], at(curve, 1000)) == ("GAP", 250)

    def test_without_a_weight_nothing_is_said_per_kilogram(self, ann: Athlete) -> None:
        uploaded(ann, watts=300)

        [curve] = found(ann.get(SEASON, curves="all"))["list"]

        assert (curve["watts_per_kg"], curve["weight"], at(curve, 60)) == (None, None, 300)

    def test_only_power_is_known_after_work(self, ann: Athlete) -> None:
        assert "only curves of power" in refused(ann.get("/athlete/0/hr-curves", curves="1y-kj0"), 422)


class TestSideBySide:
    def test_every_activity_has_its_curve_cut_where_it_ends(self, rider: Athlete) -> None:
        short, long = uploaded(rider, 720, watts=300), uploaded(rider, 1800, days=1, watts=200)
        uploaded(rider, days=400, watts=250)

        days = {"oldest": "2024-05-01", "newest": "2024-05-02"}
        told = found(rider.get("/athlete/0/activity-power-curves", secs="1200,60,60", **days))

        assert told["secs"] == [60, 1200]
        assert [(each["id"], each["watts"], each["weight"]) for each in told["curves"]] == [
            (long, [200, pytest.approx(200, abs=20)], 60),
            (short, [300], 60),
        ]

    def test_without_places_the_whole_curve_is_told(self, rider: Athlete) -> None:
        said = uploaded(rider, 900, watts=300)
        run = uploaded(rider, 900, days=1, type_="Run", watts=100)

        power, beats, pace = (
            found(rider.get(f"/athlete/0/activity-{kind}-curves", oldest="2024-01-01", type=type_, ext=""))
            for kind, type_ in (("power", "Ride"), ("hr", "Ride"), ("pace", "Run"))
        )

        assert power["curves"][0]["watts"] == found(rider.get(f"/activity/{said}/power-curve"))["watts"]
        assert beats["curves"][0]["bpm"] == found(rider.get(f"/activity/{said}/hr-curve"))["values"]
        assert pace["curves"][0]["secs"] == found(rider.get(f"/activity/{run}/pace-curve"))["values"]
        assert len(pace["distances"]) == len(pace["curves"][0]["secs"])
        every = found(rider.get("/athlete/0/activity-power-curves", oldest="2024-01-01"))["curves"]
        assert [each["id"] for each in every] == [run, said]
        table = rows(rider.get("/athlete/0/activity-hr-curves.csv", oldest="2024-01-01").text)
        assert table[0] == ["secs", run, said]

    def test_distances_lie_between_those_that_curves_have(self, rider: Athlete) -> None:
        uploaded(rider, 600 * 2, type_="Run", distance=np.arange(1200) * 4.0, velocity_smooth=4.0)

        told = found(
            rider.get("/athlete/0/activity-pace-curves", oldest="2024-01-01", distances="1100.5,1609.344", type="Run")
        )

        assert told["distances"] == [1100.5, 1609.344]
        assert told["curves"][0]["secs"] == [pytest.approx(275, abs=1), pytest.approx(402, abs=1)]

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ({}, "oldest: Required"),
            ({"oldest": "2026-02-30"}, "oldest: Expected a day"),
            ({"oldest": "2026-02-01", "secs": "0"}, "secs: Number must be greater than or equal to 1"),
            ({"oldest": "2026-02-01", "secs": "x"}, "secs: Expected number"),
            ({"oldest": "2026-02-01", "fatigue": "kj9"}, "fatigue: Invalid enum value"),
        ],
    )
    def test_what_cannot_be_understood_is_refused(self, ann: Athlete, query: dict[str, str], said: str) -> None:
        assert said in refused(ann.get("/athlete/0/activity-power-curves", **query), 422)


class TestOfOne:
    def test_a_curve_says_from_which_record_to_which(self, rider: Athlete) -> None:
        hard = np.where((np.arange(900) >= 100) & (np.arange(900) < 160), 500, 100)
        said = uploaded(rider, 900, watts=hard)

        curve = found(rider.get(f"/activity/{said}/power-curve"))

        assert (at(curve, 55), at(curve, 55, "watts_per_kg")) == (500, pytest.approx(500 / 60, abs=1e-3))
        assert 100 <= at(curve, 55, "start_index") < at(curve, 55, "end_index") <= 160
        assert (curve["id"], curve["weight"], curve["moving_time"]) == (said, 60, 900)
        assert rows(rider.get(f"/activity/{said}/power-curve.csv").text)[:2] == [["secs", "watts"], ["1", "500"]]

    def test_what_was_not_recorded_has_an_empty_curve(self, rider: Athlete) -> None:
        said = found(
            rider.post("/athlete/0/activities/manual", {"start_date_local": "2026-02-01T08:00:00", "type": "Ride"})
        )["id"]

        for path, name in (("power-curve", "secs"), ("hr-curve", "secs"), ("pace-curve", "distance")):
            curve = found(rider.get(f"/activity/{said}/{path}"))
            assert curve[name] == curve["values"] == []
            assert rider.get(f"/activity/{said}/{path}.csv").status_code == 200
        for path in ("power-histogram", "hr-histogram", "pace-histogram", "gap-histogram", "segments"):
            assert found(rider.get(f"/activity/{said}/{path}")) == []
        assert found(rider.get(f"/activity/{said}/time-at-hr"))["secs"] == []
        assert found(rider.get(f"/activity/{said}/power-vs-hr"))["series"] == []
        assert found(rider.get(f"/activity/{said}/map"))["bounds"] is None

    def test_other_streams_have_curves_too(self, rider: Athlete) -> None:
        said = uploaded(rider, 900, watts=300)

        power, cadence, none = found(rider.get(f"/activity/{said}/power-curves", types="watts,cadence,secondary_power"))

        assert (power["stream_type"], at(power, 60)) == ("watts", 300)
        assert (cadence["id"], at(cadence, 1)) == (f"{said}-cadence", 93)
        assert none["values"] == []
        assert "luck" in refused(rider.get(f"/activity/{said}/power-curves", types="luck"), 422)
