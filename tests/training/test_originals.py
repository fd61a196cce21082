"""Original files: which of them no activity is of any more, and copies of their place."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from openintervals.platform import files
from openintervals.platform.files import Files, FilesUnavailable
from openintervals.training import originals
from tests.servers import Application
from tests.training import people
from tests.training.people import Person


@pytest.fixture
def kept(tmp_path: Path) -> Files:
    return Files(str(tmp_path / "files"))


@pytest.fixture
def ann(app: Application, kept: Files) -> Person:
    return people.join(app, kept)


def place_of(kept: Files, data: bytes) -> Path:
    assert kept.folder is not None
    hashed = files.hash_of(data)
    return kept.folder / hashed[:2] / hashed


def aged(kept: Files, data: bytes, now: datetime, **since: float) -> None:
    """Let a file have been put so long ago."""
    at = (now - timedelta(**since)).timestamp()
    os.utime(place_of(kept, data), (at, at))


def forget(ann: Person) -> list[str]:
    done = ann.app.run(originals.forget_orphans(ann.app.database, ann.app.asking(), ann.files))
    return [each.hashed for each in done]


def test_what_no_activity_is_of_and_has_lain_for_a_day_is_forgotten(ann: Person, kept: Files) -> None:
    of_one, of_none, young = people.fit(days=1), people.fit(days=2), people.fit(days=3)
    ann.uploaded(of_one)
    for data in (of_none, young):
        ann.delete(ann.uploaded(data))
    for data in (of_one, of_none):
        aged(kept, data, ann.app.clock(), days=1, seconds=1)
    aged(kept, young, ann.app.clock(), hours=23)

    told = ann.app.run(originals.orphaned(ann.app.database, ann.app.asking(), kept))
    forgotten = forget(ann)

    assert [each.hashed for each in told] == forgotten == [files.hash_of(of_none)]
    assert {each.hashed for each in kept.every()} == {files.hash_of(of_one), files.hash_of(young)}


def test_a_file_stays_while_anybodys_activity_is_of_it(ann: Person, kept: Files) -> None:
    bob = people.join(ann.app, kept)
    data = people.fit()
    hers, his = ann.uploaded(data), bob.uploaded(data)
    aged(kept, data, ann.app.clock(), days=9)

    ann.delete(hers)
    first = forget(ann)
    bob.delete(his)
    second = forget(ann)

    assert (first, second) == ([], [files.hash_of(data)])


def test_what_is_put_again_meanwhile_is_not_forgotten(kept: Files) -> None:
    kept.put_now(b"old")
    aged(kept, b"old", datetime.now(UTC), days=9)
    [listed] = kept.every()

    kept.put_now(b"old")

    assert not kept.forget_now(listed)
    assert kept.get_now(listed.hashed) == b"old"


def test_nothing_is_forgotten_while_files_are_copied(ann: Person, kept: Files) -> None:
    with kept.still(), kept.still(), pytest.raises(FilesUnavailable, match="another command"):
        forget(ann)

    assert forget(ann) == []


def test_a_copy_is_brought_up_to_date_by_what_it_lacks(kept: Files, tmp_path: Path) -> None:
    copy = Files(str(tmp_path / "copy"))
    kept.put_now(b"first")
    once = files.copy(kept, copy)
    kept.put_now(b"second")
    kept.put_now(b"third")
    place_of(kept, b"third").write_bytes(b"thirt")
    place_of(copy, b"first").write_bytes(b"cut")

    again = files.copy(kept, copy)

    assert once == (1, 1, 5, [])
    assert again == (3, 2, 11, [files.hash_of(b"third")])
    assert copy.get_now(files.hash_of(b"first")) == b"first"
    assert {each.hashed for each in copy.every()} == {files.hash_of(b"first"), files.hash_of(b"second")}


def test_what_else_lies_in_the_folder_is_no_file_of_ours(kept: Files) -> None:
    kept.put_now(b"ours")
    assert kept.folder is not None
    (kept.folder / "README").write_text("x")
    (kept.folder / "ab").mkdir(exist_ok=True)
    (kept.folder / "ab" / files.hash_of(b"elsewhere")).write_text("x")

    assert [each.hashed for each in kept.every()] == [files.hash_of(b"ours")]
