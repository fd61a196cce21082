"""The demo's athletes: the printed call works, and what it shows could have been ridden, run and swum."""

import shlex
from pathlib import Path

import httpx

from openintervals import doctor
from tests import servers
from tests.cli.program import run_json, serving


def test_the_printed_call_to_a_demo_athlete_works_and_shows_a_plausible_season(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/openintervals.db"
    kept = str(tmp_path / "data")
    keys = run_json("demo", "--database-url", url, OPENINTERVALS_DATA=kept)

    with serving(url, "--demo", OPENINTERVALS_DATA=kept) as served:
        curl, user, given, address = shlex.split(served.line("curl -u"))
        shown = httpx.get(address, auth=(given.partition(":")[0], given.partition(":")[2])).json()
        season = httpx.get(
            address.partition("?")[0], params={"oldest": "2000-01-01"}, auth=("API_KEY", keys["athlete"])
        )
        reached = httpx.get(
            f"{served.base}/api/v1/athlete/{shown[0]['icu_athlete_id']}", auth=("API_KEY", keys["coach"])
        )
        assert served.stop() == 0
    with servers.application(url) as app:
        problems = app.run(doctor.examine(app.database))

    assert (curl, user, given) == ("curl", "-u", f"API_KEY:{keys['athlete']}")
    assert len(shown) >= 10
    assert reached.status_code == 200
    assert problems == []
    activities = season.json()
    assert len(activities) > 40
    assert {each["type"] for each in activities} == {"Ride", "VirtualRide", "Run", "Swim"}
    assert all(10 <= each["icu_training_load"] <= 130 for each in activities)
    assert all(
        0.5 < each["icu_weighted_avg_watts"] / each["icu_ftp"] < 1 for each in activities if "Ride" in each["type"]
    )
    assert all(100 < each["average_heartrate"] < each["max_heartrate"] <= 186 for each in activities)
    assert all(2.2 < each["pace"] < 4 for each in activities if each["type"] == "Run")
    assert len({each["icu_ftp"] for each in activities if each["type"] == "Ride"}) == 2
