"""What is worked out of an activity when somebody asks: histograms, plots, models, its way."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from tests.athletes import Athlete, found, refused
from tests.training import people

STEADY: dict[str, Any] = {"time": np.arange(1200)}  # without the stop that the usual ride has


def uploaded(athlete: Athlete, rows: int = 1200, **given: Any) -> str:
    answer = athlete.send("POST", "/athlete/0/activities", files={"file": ("ride.fit", people.fit(rows, **given))})
    return str(answer.json()["id"])


def test_a_histogram_counts_every_second_once(ann: Athlete) -> None:
    said = uploaded(ann, watts=np.where(np.arange(1200) < 300, 110, 260), heartrate=142, **STEADY)

    power, wide = (found(ann.get(f"/activity/{said}/power-histogram", **query)) for query in ({}, {"bucketSize": 100}))
    beats = found(ann.get(f"/activity/{said}/hr-histogram"))

    there = {each["start"]: each for each in power if each["secs"]}
    assert {start: (each["secs"], each["watts"]) for start, each in there.items()} == {100: (300, 110), 250: (900, 260)}
    assert there[250]["hr"] == 142
    assert [(each["start"], each["secs"]) for each in wide] == [(100, 300), (200, 900)]
    assert [(each["start"], each["secs"]) for each in beats] == [(140, 1200)]
    at = found(ann.get(f"/activity/{said}/time-at-hr"))
    assert (at["min_bpm"], at["max_bpm"], at["secs"], at["cumulative_secs"]) == (142, 142, [1200], [1200])


@pytest.mark.parametrize(("type_", "speed_mps", "start"), [("Run", 4.0, 250), ("Ride", 8.0, 125), ("Rowing", 4.0, 124)])
def test_pace_is_in_seconds_for_the_way_people_say(ann: Athlete, type_: str, speed_mps: float, start: int) -> None:
    said = uploaded(
        ann, type_=type_, distance=np.arange(1200) * speed_mps, velocity_smooth=speed_mps, altitude=300, **STEADY
    )

    buckets = found(ann.get(f"/activity/{said}/pace-histogram"))

    assert [(each["start"], each["secs"]) for each in buckets] == [(start, 1200)]
    level = found(ann.get(f"/activity/{said}/gap-histogram"))
    assert level == (buckets if type_ == "Run" else [])


def test_heart_rate_is_held_against_power(ann: Athlete) -> None:
    found(ann.put("/athlete/0/sport-settings/Ride", {"ftp": 250, "warmup_time": 0, "cooldown_time": 0}))
    power = np.round(200 + 60 * np.sin(np.arange(1200) / 60))
    said = uploaded(ann, watts=power, heartrate=np.round(80 + power / 4), **STEADY)

    plot = found(ann.get(f"/activity/{said}/power-vs-hr"))

    [line, curve] = plot["curves"]
    assert (line["id"], curve["id"], plot["hrLag"], plot["bucketSize"]) == ("linear", "quadratic", 0, 25)
    assert line["coefficients"] == pytest.approx([80, 0.25], abs=1)
    assert (plot["start"], plot["end"], plot["elapsedTime"]) == (0, 1200, 1200)
    assert plot["powerHr"] == pytest.approx(power.sum() / (80 + power / 4).sum(), abs=0.01)
    assert sum(each["secs"] for each in plot["series"]) == 1200
    table = ann.get(f"/activity/{said}/power-vs-hr.csv").text.splitlines()
    assert table[0] == "start,secs,movingSecs,hr,watts,cadence"
    assert len(table) == len(plot["series"]) + 1


def test_an_athletes_heart_answers_to_power_as_in_all_activities_together(ann: Athlete) -> None:
    found(ann.put("/athlete/0/sport-settings/Ride", {"ftp": 250, "lthr": 165, "max_hr": 185}))
    for day, beats in enumerate((130, 150)):
        uploaded(ann, watts=210, heartrate=beats, cadence=90, days=day, **STEADY)
    uploaded(ann, watts=110, heartrate=100, days=2, **STEADY)
    uploaded(ann, watts=400, heartrate=190, days=3, type_="Run", **STEADY)

    def curve(**query: str) -> dict[str, Any]:
        return dict(found(ann.get("/athlete/0/power-hr-curve", start="2024-05-01", **query)))

    both = curve(end="2024-05-02", type="Ride")
    assert (both["minWatts"], both["maxWatts"], both["bpm"], both["cadence"]) == (200, 225, [140], [90])
    assert both["minutes"] == [40]
    assert (both["ftp"], both["lthr"], both["max_hr"], both["athleteId"]) == (250, 165, 185, ann.id)
    assert curve()["bpm"] == [100, None, None, None, 140]
    light = '[{"field_id": "average_power", "operator": "lt", "value": 150}]'
    assert curve(filters=light)["bpm"] == [100]
    assert curve(end="2023-01-01")["bpm"] == []
    assert "start: Required" in refused(ann.get("/athlete/0/power-hr-curve"), 422)


def test_a_model_of_power_comes_from_the_year_before_and_else_from_settings(ann: Athlete) -> None:
    ann.app.clock.now = datetime(2024, 6, 15, tzinfo=UTC)
    assert set(found(ann.get("/athlete/0/mmp-model", type="Ride")).values()) == {None}
    found(ann.put("/athlete/0/sport-settings/Ride", {"ftp": 250, "w_prime": 20_000, "p_max": 900}))
    settings = found(ann.get("/athlete/0/mmp-model"))
    assert (settings["type"], settings["ftp"], settings["wPrime"]) == ("MORTON_3P", 250, 20_000)
    times = np.arange(1.0, 3601.0)
    held = (280.0 + 18_000.0 / (times + 18_000.0 / 640.0)) * times
    said = uploaded(ann, 3600, watts=np.round(np.diff(held, prepend=0.0)), time=np.arange(3600))
    fitted = found(ann.get("/athlete/0/mmp-model"))
    assert (fitted["type"], fitted["criticalPower"]) == ("MORTON_3P", pytest.approx(280, abs=6))
    assert fitted["inputPointIndexes"]
    held_against = found(ann.get(f"/activity/{said}/power-spike-model"))
    assert (held_against["ftp"], held_against["wPrime"], held_against["pMax"]) == (250, 20_000, 900)


def test_the_way_a_load_by_heart_rate_was_reckoned_is_told(ann: Athlete) -> None:
    found(ann.put("/athlete/0/sport-settings/Ride", {"lthr": 165, "max_hr": 185, "hr_load_type": "HR_ZONES"}))
    said, none = uploaded(ann), uploaded(ann, days=1, heartrate=np.nan)

    told = found(ann.get(f"/activity/{said}/hr-load-model"))

    assert told["icu_training_load"] == found(ann.get(f"/activity/{said}"))["hr_load"] > 0
    assert told["type"] in ("HRSS", "HR_ZONES")
    assert found(ann.get(f"/activity/{none}/hr-load-model"))["type"] is None


class TestMap:
    def test_a_way_has_its_corners_and_a_position_for_each_record(self, ann: Athlete) -> None:
        said = uploaded(ann)

        whole, corners = (found(ann.get(f"/activity/{said}/map", **query)) for query in ({}, {"boundsOnly": "True"}))

        positions = whole["latlngs"]
        assert (len(positions), positions[0], positions[700]) == (1200, [47, 8], None)
        known = np.array([each for each in positions if each])
        assert whole["bounds"] == [known.min(axis=0).tolist(), known.max(axis=0).tolist()]
        assert (corners["bounds"], corners["latlngs"], corners["weather"]) == (whole["bounds"], None, None)
        assert found(ann.get(f"/activity/{said}/map", weather="true"))["weather"] == {
            "points": [],
            "closest_points": [],
        }

    def test_what_is_outside_a_box_is_null(self, ann: Athlete) -> None:
        said = uploaded(ann)

        told = found(ann.get(f"/activity/{said}/map", bounds="46.99,7,47.0071,9"))

        inside = [place for place, each in enumerate(told["latlngs"]) if each]
        assert (inside[0], inside[-1]) == (0, 101)

    @pytest.mark.parametrize("box", ["1,2,3", "48,8,47,9", "1,2,3,4,5", "a,b,c,d", "0,0,999,0"])
    def test_a_box_that_is_none_is_refused(self, ann: Athlete, box: str) -> None:
        assert "bounds: " in refused(ann.get(f"/activity/{uploaded(ann)}/map", bounds=box), 422)

    def test_weather_is_told_of_a_part_and_is_not_known(self, ann: Athlete) -> None:
        said = uploaded(ann)

        whole = found(ann.get(f"/activity/{said}/weather-summary"))
        part = found(ann.get(f"/activity/{said}/weather-summary", start_index=600, end_index=700))

        assert (whole["whole_activity"], whole["end_index"], whole["average_temp"]) == (True, 1200, None)
        assert (part["whole_activity"], part["start_secs"], part["end_secs"]) == (False, 720, 819)
        assert "1200 records" in refused(ann.get(f"/activity/{said}/weather-summary", end_index=1201), 422)
        refused(ann.get(f"/activity/{said}/weather-summary", start_index=700, end_index=600), 422)
