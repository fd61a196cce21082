"""Planned workouts for a device: what is written is what the device shows."""

from typing import Any

import pytest

from openintervals.formats.fit import Repeat, Step, decode, encode_workout
from openintervals.formats.fit.workout import STEPS_MOST
from tests.formats.fit.test_encode import frames

PLAN: list[Step | Repeat] = [
    Step(duration_s=600, target="power_percent", low=50, high=75, intensity="warmup", name="Warm up"),
    Repeat(
        5,
        [
            Step(duration_s=30.5, target="power_w", low=280, high=300, notes="Smooth"),
            Step(distance_m=400, target="heart_rate_bpm", low=100, high=120, intensity="rest"),
        ],
    ),
    Step(target="speed_m_s", low=3, high=3.25),
    Step(),
]


def steps() -> list[dict[str, Any]]:
    """The steps as somebody else reads them."""
    read = frames(encode_workout("Hills", 2, PLAN, created_s=1_750_000_000))
    found = [frame for frame in read if frame.name == "workout_step"]
    return [{field.name: field.value for field in frame.fields if field.value is not None} for frame in found]


def test_the_file_says_that_it_is_a_workout_and_how_long() -> None:
    messages = decode(encode_workout("Hügel", 1, PLAN, created_s=1_750_000_000)).messages

    assert messages["file_id"]["type"].tolist() == [5]
    assert messages["file_id"]["time_created"].tolist() == [1_750_000_000]
    assert messages["workout"]["wkt_name"].tolist() == ["Hügel"]
    assert messages["workout"]["num_valid_steps"].tolist() == [6]


def test_a_step_ends_after_a_time_or_a_distance_or_when_one_says_so() -> None:
    first, second, third, _, _, last = steps()

    assert (first["duration_type"], first["duration_time"]) == ("time", 600)
    assert second["duration_time"] == 30.5
    assert (third["duration_type"], third["duration_distance"]) == ("distance", 400)
    assert last["duration_type"] == "open"
    assert (first["wkt_step_name"], second["notes"]) == ("Warm up", "Smooth")


def test_watts_are_told_above_a_thousand_and_percent_below() -> None:
    first, second, *_ = steps()

    assert (first["custom_target_power_low"], first["custom_target_power_high"]) == (50, 75)
    assert (second["custom_target_power_low"], second["custom_target_power_high"]) == (1280, 1300)


def test_beats_are_told_above_a_hundred() -> None:
    third = steps()[2]

    assert third["target_type"] == "heart_rate"
    assert (third["custom_target_heart_rate_low"], third["custom_target_heart_rate_high"]) == (200, 220)


def test_speeds_are_told_in_metres_a_second() -> None:
    fifth = steps()[4]

    assert (fifth["custom_target_speed_low"], fifth["custom_target_speed_high"]) == (3, 3.25)


def test_a_repeat_names_the_first_of_its_steps_and_how_often() -> None:
    repeat = steps()[3]

    assert (repeat["duration_type"], repeat["duration_step"], repeat["repeat_steps"]) == (
        "repeat_until_steps_cmplt",
        1,
        5,
    )


@pytest.mark.parametrize("count", [0, STEPS_MOST + 1])
def test_a_workout_of_no_steps_or_too_many_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="steps"):
        encode_workout("No", 2, [Step()] * count, created_s=1_750_000_000)
