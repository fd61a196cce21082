"""Long lists of activities: whole and in order however they are cut into pages, and bounded."""

from pathlib import Path

import msgspec
import pytest

from openintervals.platform.files import Files
from openintervals.training import activity_lists, manual_activities
from openintervals.training.activity_lists import TooMuch
from tests.servers import Application
from tests.training import people
from tests.training.people import Person


@pytest.fixture
def ann(app: Application, tmp_path: Path) -> Person:
    """Somebody with seven activities on three days, some at the same minute."""
    person = people.join(app, Files(str(tmp_path / "files")))
    times = ["2026-01-01T08:00:00"] * 3 + ["2026-01-02T08:00:00"] * 3 + ["2026-01-03T08:00:00"]
    person.write(lambda tx: manual_activities.put(tx, [{"start_date_local": at, "type": "Run"} for at in times]))
    return person


def ids(person: Person, *between: str, limit: int = 100) -> list[str]:
    found = person.read(lambda tx: activity_lists.listed(tx, *between, limit=limit))
    return [msgspec.json.decode(each)["id"] for each in found]


@pytest.mark.parametrize("page", [1, 2, 3, 7, 1000])
def test_a_list_is_the_same_however_it_is_cut(ann: Person, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    whole = ids(ann, "2026-01-01")
    monkeypatch.setattr(activity_lists, "PAGE", page)

    assert len(set(whole)) == 7
    assert ids(ann, "2026-01-01") == whole
    assert ids(ann, "2026-01-02", "2026-01-02") == whole[1:4]
    assert ids(ann, "2026-01-01", limit=5) == whole[:5]
    assert ids(ann, "2026-01-01", "2026-01-02T07:59:59") == whole[4:]
    assert ids(ann, "2027-01-01") == []


def test_a_list_of_too_many_bytes_is_refused(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity_lists, "BYTES_MOST", 10_000)

    with pytest.raises(TooMuch):
        ids(ann, "2026-01-01")
    assert len(ids(ann, "2026-01-01", limit=1)) == 1
