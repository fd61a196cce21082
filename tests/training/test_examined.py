"""The doctor over athletes: silent about what is as it should be, and it sees what belongs to nobody."""

from openintervals.training import athletes
from tests import servers
from tests.athletes import found, join
from tests.patients import examine, run_sql


def test_athletes_who_live_a_little_are_as_they_should_be(database_url: str) -> None:
    with servers.application(database_url) as app:
        ann, bob = join(app), join(app, "Bob")
        ann.coaches(bob)
        ann.write(lambda tx: athletes.change(tx, {"weight_kg": 62.5}, {"city": "Kiel"}))
        found(ann.put("/athlete/0/sport-settings/Ride", {"ftp": 250}))
        found(ann.delete("/athlete/0/sport-settings/Swim"))
        ann.send("PUT", "/athlete/0", json={"city": "Bonn"}, headers={"Idempotency-Key": "once"})
        found(ann.get("/athlete/0/changes"))

    assert examine(database_url) == []


def test_what_belongs_to_nobody_is_found(database_url: str) -> None:
    with servers.application(database_url) as app:
        ann = join(app)

    run_sql(database_url, "DELETE FROM athletes")
    told = " ".join(examine(database_url))

    assert f"belongs to no athlete there is (athlete {ann.id})" in told
    assert "belongs to no organization there is" in told
    assert f"Athlete {ann.id} is gone, and its journal does not say so" in told


def test_a_version_without_its_history_is_found(database_url: str) -> None:
    with servers.application(database_url) as app:
        join(app)

    run_sql(database_url, "UPDATE sport_settings SET version = 7", "UPDATE athletes SET preferences = '[]'")
    told = " ".join(examine(database_url))

    assert "Sport settings 1 has version 7, but its journal ends with version 1" in told
    assert "has no proper JSON in its preferences" in told
