"""Uploaded files at the command line: they go into backups, come back with them, and are deleted when nothing is of them."""

import os
import shutil
import time
from pathlib import Path

import pytest

from openintervals.platform.files import Files
from tests import servers
from tests.cli.program import refusal, run, run_json
from tests.training import people
from tests.training.people import Person

DAY_S = 86_400


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with an athlete of two activities, the first of which was deleted."""
    folder = tmp_path / "data"
    folder.mkdir()
    with servers.application(f"sqlite:///{folder}/openintervals.db") as app:
        ann: Person = people.join(app, Files(str(folder / "files")))
        ann.delete(ann.uploaded(people.fit()))
        ann.uploaded(people.fit(days=1))
    return folder


def test_a_backup_brings_files_back_with_the_rows(data: Path, tmp_path: Path) -> None:
    backup = run_json("backup", str(tmp_path / "kept" / "a.db"), "--data", str(data))
    shutil.rmtree(data)
    restored = run_json("restore", backup["backup"], "--data", str(data))

    assert (backup["files"]["files"], backup["files"]["new"], restored["files"]["new"]) == (2, 2, 2)
    assert oct((tmp_path / "kept" / "files").stat().st_mode & 0o777) == "0o700"
    assert run_json("doctor", "--deep", "--data", str(data)) == {"problems": []}


def test_files_can_be_left_out_and_the_doctor_misses_them(data: Path, tmp_path: Path) -> None:
    backup = run_json("backup", str(tmp_path / "kept" / "a.db"), "--no-files", "--data", str(data))
    shutil.rmtree(data / "files")
    missed = run("doctor", "--data", str(data))

    assert backup["files"] is None
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["a.db"]
    assert missed.returncode == 1
    assert "which is not there" in missed.stdout


def test_a_damaged_file_is_told_and_not_backed_up(data: Path, tmp_path: Path) -> None:
    [some, _] = (data / "files").glob("*/*")
    some.write_bytes(b"something else")

    done = run("backup", str(tmp_path / "kept" / "a.db"), "--data", str(data))

    assert done.returncode == 0
    assert f"File {some.name} is damaged" in done.stderr
    assert len(list((tmp_path / "kept" / "files").glob("*/*"))) == 1


def test_orphans_are_shown_and_deleted_when_they_are_old_enough(data: Path) -> None:
    young = run_json("files", "orphans", "--data", str(data))
    for file in (data / "files").glob("*/*"):
        os.utime(file, (time.time() - 3 * DAY_S,) * 2)
    old = run_json("files", "orphans", "--data", str(data))
    told = run("files", "orphans", "--days", "2", "--delete", "--data", str(data))

    assert young == {"files": [], "bytes": 0, "deleted": False}
    [orphan] = old["files"]
    assert told.stdout.splitlines()[1].startswith(f"{orphan['hash']}\t{orphan['bytes']}\t")
    assert "1 files" in told.stderr
    assert [file.name for file in (data / "files").glob("*/*")] != [orphan["hash"]]
    assert len(list((data / "files").glob("*/*"))) == 1


def test_files_that_are_being_copied_are_not_deleted(data: Path) -> None:
    with Files(str(data / "files")).still():
        assert "another command" in refusal("files", "orphans", "--delete", "--data", str(data))
