"""`openintervals import` as people run it: beside a server, told in full, and stopped in the middle."""

import signal
from pathlib import Path

import httpx
import pytest

from tests import athletes, servers
from tests.cli.program import refusal, run, run_json, serving, staying
from tests.training import archives

MANY = 200


def athlete(url: str) -> tuple[str, str]:
    """The id and key of a new athlete; the database is made ready. Without the commands, which are tested by themselves."""
    with servers.application(url) as app:
        made = athletes.join(app)
    return made.id, made.key


def rides(folder: Path, count: int) -> str:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.fit").write_bytes(archives.ride(number, 60))
    return str(folder)


def test_an_import_beside_a_server_is_served_at_once_and_told_in_full(database_url: str, tmp_path: Path) -> None:
    id_, key = athlete(database_url)
    folder = rides(tmp_path / "rides", 3)
    (tmp_path / "rides" / "notes\x1b[2J.txt").write_text("none")
    options = ("--athlete", id_.removeprefix("i"), "--database-url", database_url)
    kept = str(tmp_path / "data")

    with serving(database_url, OPENINTERVALS_DATA=kept) as served:
        told = run_json("import", folder, *options, OPENINTERVALS_DATA=kept)
        url = f"{served.base}/api/v1/athlete/0/activities"
        listed = httpx.get(url, params={"oldest": "2000-01-01"}, auth=("API_KEY", key)).json()
        original = httpx.get(f"{served.base}/api/v1/activity/{listed[0]['id']}/file", auth=("API_KEY", key))
    again = run("import", folder, "--verbose", *options, OPENINTERVALS_DATA=kept)

    assert (told["complete"], told["files"], told["imported"], told["activities"]) == (True, 4, 3, 3)
    assert told["skipped"] == {"no_recording": 1}
    assert [each["type"] for each in listed] == ["Ride"] * 3
    assert original.status_code == 200
    lines = again.stdout.splitlines()
    assert sorted(line.split()[0] for line in lines[:4]) == ["skipped"] * 4
    assert "\x1b" not in again.stdout
    assert [line.strip() for line in lines[5:]] == [
        "0  imported, as 0 activities",
        "3  skipped: already there",
        "1  skipped: not recordings: pictures, tables …",
    ]


def test_an_interrupt_stops_it_in_good_order_and_the_same_command_goes_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/openintervals.db"
    id_, _ = athlete(url)
    folder = rides(tmp_path / "rides", MANY)
    options = ("--athlete", id_, "--database-url", url, "--processes", "1")
    kept = str(tmp_path / "data")

    with staying("import", folder, "--verbose", *options, OPENINTERVALS_DATA=kept) as importing:
        importing.line("imported")
        code = importing.stop(signal.SIGINT)
        importing.line("Stopped. What is imported stays; run the same command again to go on.")
    told = run_json("import", folder, *options, OPENINTERVALS_DATA=kept)

    assert code == 130
    assert told["complete"]
    assert told["skipped"]["there"] + told["imported"] == MANY
    assert told["skipped"]["there"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("/nowhere/at/all", "--athlete", "i1"), "no file or folder /nowhere/at/all"),
        (("/dev/null", "--athlete", "i1"), "no athlete 'i1'"),
    ],
)
def test_what_cannot_be_imported_is_told_in_one_sentence(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    assert words in refusal("import", *arguments, "--data", str(tmp_path / "data"))
