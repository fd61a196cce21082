"""Imports: what is taken from folders and archives, what is passed over and why, and that nothing stops it or comes twice."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from openintervals.formats import reading
from openintervals.platform.files import Files
from openintervals.training import (
    activity_edits,
    activity_lists,
    import_sources,
    import_tables,
    imports,
    made_up,
)
from openintervals.training.activity_analysis import Bearings
from openintervals.training.athletes import Athlete
from openintervals.training.import_sources import Entered, Found, Passed
from openintervals.training.import_work import Refusal, Workers
from openintervals.training.imports import Outcome
from openintervals.training.uploads import Prepared
from tests.servers import Application
from tests.training import archives, people
from tests.training.people import Person

SEVERAL = imports.BATCH + imports.WINDOW + 22  # more than are stored or under way when the first are told


@pytest.fixture
def ann(app: Application, tmp_path: Path) -> Person:
    return people.join(app, Files(str(tmp_path / "kept")))


def imported(
    person: Person,
    folder: Path,
    *,
    again: bool = False,
    until: Callable[[list[Outcome]], bool] = lambda _: False,
) -> tuple[bool, list[Outcome]]:
    """Whether an import came to its end, and what became of each file; it is stopped when `until` says so."""
    told: list[Outcome] = []

    async def run() -> bool:
        stop = asyncio.Event()

        def tell(outcome: Outcome, _: int) -> None:
            told.append(outcome)
            if until(told):
                stop.set()

        assert person.files.folder is not None
        places = import_sources.below([folder])
        kept = str(person.files.folder)
        return await imports.run(
            person.app.database, person.asking, kept, places, tell, processes=1, stop=stop, again=again
        )

    return person.app.run(run()), told


def reasons(told: list[Outcome]) -> dict[str | None, int]:
    return dict(Counter(outcome.reason for outcome in told))


def everything(person: Person) -> list[dict[str, Any]]:
    return [msgspec.json.decode(each) for each in person.read(lambda tx: activity_lists.listed(tx, "1900-01-01"))]


def test_everything_usable_is_imported_once_and_the_rest_is_named(ann: Person, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "deep").mkdir(parents=True)
    (folder / "strava.zip").write_bytes(archives.strava())
    (folder / "garmin.zip").write_bytes(archives.garmin())
    (folder / "deep" / "icu.zip").write_bytes(archives.icu())
    (folder / "deep" / "same.fit").write_bytes(archives.ride(11))
    (folder / "broken.fit").write_bytes(archives.ride(31)[:3_000])
    (folder / "hopeless.fit").write_bytes(b"\x0e\x10\x00\x00\xff\xff\x00\x00.FIT" + b"\x77" * 100)

    whole, told = imported(ann, folder)
    by_name = {each["name"]: each for each in everything(ann)}
    for name in ("hopeless.fit", "garmin.zip"):
        (folder / name).unlink()
    _, second = imported(ann, folder)
    hill = by_name['The "long" hill, again']
    analysed = ann.write(lambda tx: activity_edits.recompute(tx, hill["id"]))
    ann.delete(hill["id"])
    ann.delete(by_name["Squats"]["id"])
    _, third = imported(ann, folder / "strava.zip")
    _, fourth = imported(ann, folder / "strava.zip", again=True)

    assert whole
    expected = {None: 7, "no_recording": 2, "no_file": 2, "no_activity": 1, "unreadable": 1, "there": 1, "invalid": 1}
    assert reasons(told) == expected
    assert [each.name for each in told if each.damaged] == [str(folder / "broken.fit")]
    assert (hill["type"], hill["description"], hill["commute"]) == ("GravelRide", "Up\nand down", True)
    assert (hill["external_id"], hill["source"]) == ("11", "UPLOAD")
    assert (analysed.version, analysed.values()) == (1, hill)  # it was measured as what the table says it is, in one go
    assert by_name["Lunch Run"]["type"] == "Run"
    squats = by_name["Squats"]
    assert (squats["type"], squats["source"], squats["external_id"]) == ("WeightTraining", "MANUAL", "13")
    assert (squats["start_date_local"], squats["moving_time"]) == ("2026-04-30T00:15:00", 3_000)
    assert by_name["Pool"]["type"] == "Swim"
    assert reasons(second) == {"there": 6, "no_recording": 1, "no_file": 2, "invalid": 1}
    assert reasons(third)["deleted"] == 2
    assert reasons(fourth)[None] == 2
    assert len(everything(ann)) == 7


def test_an_import_that_is_stopped_goes_on_where_it_was(ann: Person, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for number in range(SEVERAL):
        (folder / f"{number:03}.fit").write_bytes(archives.ride(number, 60))

    whole, told = imported(ann, folder, until=lambda _: True)
    stored = len(everything(ann))
    whole_at_last, rest = imported(ann, folder)

    assert (whole, whole_at_last) == (False, True)
    assert 0 < stored < SEVERAL
    assert reasons(told) == {None: stored}
    assert reasons(rest) == {"there": stored, None: SEVERAL - stored}
    assert len(everything(ann)) == SEVERAL


class Deadly:
    """Ends the process that unpacks it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (3,)


def test_a_file_that_brings_down_its_process_takes_no_other_along(tmp_path: Path) -> None:
    nobody = Athlete("i1", "Ann", None, None, None, "UTC", None, None, msgspec.Raw(b"{}"), "", "", 1)
    bearings = Bearings(nobody, [])

    async def prepared() -> list[Prepared | Refusal]:
        workers = Workers(1, str(tmp_path / "kept"))
        deadly: Any = [Deadly()]
        try:
            return await asyncio.gather(
                *(
                    workers.prepare(archives.ride(number, 60), deadly if number == 1 else (), bearings, {})
                    for number in range(4)
                )
            )
        finally:
            workers.close()

    found = asyncio.run(prepared())

    assert [each.reason if isinstance(each, Refusal) else None for each in found] == [None, "crashed", None, None]


def test_a_folder_is_walked_once_and_only_for_ordinary_files(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "nothing")
    (tmp_path / "zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / ".hidden").write_bytes(archives.ride(1))
    (tmp_path / "a.fit").write_bytes(archives.ride(1))
    (tmp_path / "notes.txt").write_text("none")

    found = list(import_sources.items(import_sources.below([tmp_path])))

    assert {(Path(each.name).name, getattr(each, "reason", "found")) for each in found} == {
        ("a.fit", "found"),
        ("notes.txt", "no_recording"),
        ("nowhere", "not_readable"),
        ("zero", "special"),
        ("pipe", "special"),
    }


def test_a_table_beside_its_files_tells_of_them_as_one_in_an_archive_does(tmp_path: Path) -> None:
    (tmp_path / "activities").mkdir()
    (tmp_path / "activities" / "5.fit").write_bytes(archives.ride(1))
    row = ("1", "5 Sept 2026, 18:45:12", "Mine", "E-Bike Ride", "", "1", "1", "false", "", "activities/5.fit.gz")
    by_hand = ("2", "2026-09-06 18:45:12", "Gym", "Workout", "", "1", "1", "false", "", "")
    (tmp_path / "activities.csv").write_bytes(archives.table(row, by_hand))

    file, entered = import_sources.items(import_sources.below([tmp_path]))

    assert isinstance(file, Found)
    assert file.row is not None
    assert (file.row.name, file.row.type) == ("Mine", "EBikeRide")
    assert isinstance(entered, Entered)
    given = import_tables.entered(entered.row, "America/New_York")
    assert given is not None
    assert (given["start_date_local"], given["type"]) == ("2026-09-06T14:45:12", "Workout")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"Aktivitaets-ID,Name\n1,x\n", "English"),
        (b"", "English"),
        (b'Activity ID,Activity Name\n1,"' + b"x" * 200_000 + b'"\n', "line 2"),
    ],
)
def test_a_table_that_cannot_be_understood_says_so_and_stops_nothing(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "export.zip").write_bytes(archives.packed({"a.fit": archives.ride(1), "activities.csv": data}))

    file, table = import_sources.items(import_sources.below([tmp_path]))

    assert isinstance(file, Found)
    assert isinstance(table, Passed)
    assert table.reason == "table"
    assert words in table.message


def test_the_same_recording_is_made_up_each_time_and_is_plausible() -> None:
    first, later = made_up.ride(3, archives.day(1)), made_up.ride(3, archives.day(2))

    [ride] = made_up_read(first)
    assert first == made_up.ride(3, archives.day(1))
    assert first != later
    assert ride.count == 3_600
    assert len(ride.laps) == 6
    assert 120 < ride.channels["watts"].mean() < 220
    assert 20_000 < ride.channels["distance"][-1] < 40_000
    assert 40 < ride.channels["heartrate"].min() < ride.channels["heartrate"].max() <= made_up.SOMEBODY.max_hr_bpm


def made_up_read(data: bytes) -> Any:
    return reading.read(data).activities
