"""Which activities sport settings are for."""

import msgspec

from openintervals.platform import ids
from openintervals.training import activities, sport_activities
from tests.athletes import Athlete, found


def done(athlete: Athlete, type_: str, local_start: str) -> str:
    """An activity of a type, of which nothing else is known."""
    now = "2026-03-01T09:00:00.000Z"
    instants = {"start_at": now, "end_at": now, "created_at": now, "updated_at": now, "local_start": local_start}
    numbers = {"sport_index": 0, "analysis_version": 1, "version": 1}
    lists = {"tags": msgspec.Raw(b"[]"), "warnings": msgspec.Raw(b"[]")}
    said = {
        "id": ids.numbered(athlete.app.clock.now),
        "source": "MANUAL",
        "timezone": "UTC",
        "name": type_,
        "type": type_,
    }
    rest = dict.fromkeys(activities.Activity.__struct_fields__)
    made = activities.Activity(**{**rest, **instants, **numbers, **lists, **said})  # type: ignore[arg-type]  # by name
    athlete.write(lambda tx: activities.insert(tx, made, {}, {}))
    return made.id


def test_settings_are_for_what_they_cover_and_others_for_the_rest(ann: Athlete, bob: Athlete) -> None:
    ride, trail, yoga = (
        done(ann, type_, f"2026-02-0{day}T08:00:00") for day, type_ in enumerate(("Ride", "TrailRun", "Yoga"), 1)
    )
    later = done(ann, "VirtualRide", "2026-02-09T08:00:00")
    done(bob, "Ride", "2026-02-05T08:00:00")

    matched = {
        said: [each.id for each in ann.read(lambda tx, said=said: sport_activities.matching(tx, said))]  # type: ignore[misc]
        for said in ("Ride", "Run", "Swim", "Other")
    }

    assert matched == {"Ride": [later, ride], "Run": [trail], "Swim": [], "Other": [yoga]}


def test_they_are_told_in_a_few_words(ann: Athlete) -> None:
    ride = done(ann, "Ride", "2026-02-01T08:00:00")

    told = found(ann.get("/athlete/0/sport-settings/Ride/matching-activities"))

    assert told == [{"id": ride, "name": "Ride", "start_date_local": "2026-02-01T08:00:00", "type": "Ride"}]
