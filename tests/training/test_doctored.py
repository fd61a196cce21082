"""The doctor over activities: silent about what is as it should be, and it sees what is not whole."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from openintervals import doctor
from openintervals.db.transaction import Write
from openintervals.doctor import training
from openintervals.platform import files
from openintervals.platform.files import Files
from openintervals.training import activities, tombstones
from tests import servers
from tests.patients import run_sql
from tests.servers import Application
from tests.training import people
from tests.training.people import Person


@pytest.fixture
def own(database_url: str) -> Iterator[Application]:
    """An application over a database of the test's own, to be broken."""
    with servers.application(database_url) as app:
        yield app


@pytest.fixture
def ann(own: Application, tmp_path: Path) -> Person:
    return people.join(own, Files(str(tmp_path / "files")))


def examined(ann: Person, *, now: datetime | None = None, deep: bool = True) -> list[str]:
    place = str(ann.files.folder)
    return ann.app.run(doctor.examine(ann.app.database, now or ann.app.clock(), place=place, deep=deep))


def break_(ann: Person, *statements: str) -> None:
    run_sql(ann.app.runtime.settings.database_url, *statements)


BREAKS = (
    ("DELETE FROM activity_ids WHERE id = '{}'", "Activity {0} refers to the id {0}, which is not there"),
    ("DELETE FROM recordings WHERE activity_id = '{}'", "Activity {} is of a file, but its recording is not there"),
    (
        "UPDATE activity_streams SET packed = substr(packed, 1, 9) WHERE activity_id = '{}' AND name = 'watts'",
        "Activity {} has streams that cannot be read",
    ),
    (
        "UPDATE activity_streams SET packed = (SELECT packed FROM activity_streams WHERE activity_id = '{last}'"  # noqa: ISC004 — one statement
        " AND name = 'watts') WHERE activity_id = '{0}' AND name = 'watts'",
        "Activity {0} has streams of different lengths",
    ),
    (
        "UPDATE activity_curves SET places = substr(places, 1, 9) WHERE activity_id = '{}' AND kind = 'power'",
        "Activity {} has a curve of power that cannot be read",
    ),
    (
        "UPDATE activity_curves SET best = substr(best, 1, 8) WHERE activity_id = '{}' AND kind = 'hr'",
        "Activity {} has a curve of hr whose parts have different lengths",
    ),
    (
        "UPDATE activity_intervals SET activity_id = 'i7' WHERE activity_id = '{}'",
        "The intervals of activity i7 refers to the activity i7, which is not there",
    ),
)


def test_each_break_is_told_as_what_it_is(ann: Person) -> None:
    ids = [ann.uploaded(people.fit(day * 10 + 800, days=day)) for day in range(len(BREAKS) + 1)]
    before = examined(ann)

    break_(ann, *(broken.format(said, last=ids[-1]) for said, (broken, _) in zip(ids, BREAKS, strict=False)))

    expected = {f"{says.format(said)} (athlete {ann.id})." for said, (_, says) in zip(ids, BREAKS, strict=False)}
    told = examined(ann)
    assert before == []
    assert set(told) == expected
    assert len(told) == len(BREAKS)


def test_a_tombstone_beside_its_activity_is_told(ann: Person) -> None:
    said = ann.uploaded(people.fit())

    async def lay(tx: Write) -> None:
        await tombstones.lay(tx, await activities.get(tx, said))

    ann.write(lay)

    assert examined(ann) == [f"Tombstone {said} lies where the activity is (athlete {ann.id})."]


def test_an_original_that_is_lost_is_told_each_day_and_one_that_is_damaged_on_its_own(ann: Person) -> None:
    lost, damaged = people.fit(), people.fit(days=1)
    ids = [ann.uploaded(data) for data in (lost, damaged)]
    hashes = [files.hash_of(data) for data in (lost, damaged)]
    places = [Path(str(ann.files.folder), hashed[:2], hashed) for hashed in hashes]
    places[0].unlink()
    places[1].write_bytes(b"something else")
    gone = f"Activity {ids[0]} is of the file {hashes[0]}, which is not there (athlete {ann.id})."
    other = f"Activity {ids[1]} is of the file {hashes[1]}, which is damaged (athlete {ann.id})."
    day = datetime(1970, 1, 1, 12, tzinfo=UTC) + timedelta(days=256 * 90 + int(hashes[1][:2], 16))

    assert examined(ann) == [gone, other]
    assert examined(ann, now=day, deep=False) == [gone, other]
    assert examined(ann, now=day + timedelta(days=1), deep=False) == [gone]


def test_each_part_has_its_day() -> None:
    days = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=number) for number in range(training.PARTS)]

    assert len({training.part_of(day) for day in days}) == training.PARTS
