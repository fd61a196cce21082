"""Lifelines: who has died is known to be dead, and nobody else is."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from openintervals.worker import lifelines

PROGRAM = """
import sys
from openintervals.worker import lifelines
name = lifelines.name()
line = lifelines.Lifeline(name)
line.hold()
print(name, flush=True)
sys.stdin.read()
line.release()
"""


@contextmanager
def living() -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A process that holds a lifeline; its sender's name, and the process. It leaves when its input ends."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], text=True, stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
        process.kill()


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_a_process_that_was_killed_is_known_to_have_ended_and_not_before(tmp_path: Path) -> None:
    with living() as (name, process):
        before = lifelines.has_ended(name)
        process.kill()
        process.wait()

        assert (before, lifelines.has_ended(name)) == (False, True)
        lifelines.forget(name)
        assert list(tmp_path.iterdir()) == []


def test_one_that_leaves_leaves_nothing_to_find(tmp_path: Path) -> None:
    with living() as (name, process):
        process.communicate("")

        assert not lifelines.has_ended(name)
        assert list(tmp_path.iterdir()) == []


def test_several_may_find_a_dead_one_at_once() -> None:
    with living() as (name, process):
        process.kill()
        process.wait()

        assert [lifelines.has_ended(name) for _ in range(3)] == [True] * 3


def test_nothing_is_known_of_senders_of_other_hosts_or_without_a_file() -> None:
    with living() as (name, process):
        process.kill()
        process.wait()
        elsewhere = f"elsewhere-{name}"
        folder = Path(tempfile.gettempdir())
        (folder / f"openintervals-sender-{elsewhere}").touch()

        assert not lifelines.has_ended(elsewhere)
        assert not lifelines.has_ended(lifelines.name())


def test_a_link_with_the_name_of_a_lifeline_proves_nothing(tmp_path: Path) -> None:
    name = lifelines.name()
    (tmp_path / "free").touch()
    (tmp_path / f"openintervals-sender-{name}").symlink_to(tmp_path / "free")

    assert not lifelines.has_ended(name)


def test_without_a_place_for_the_file_there_is_no_lifeline_and_nothing_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(tmp_path / "missing"))
    line = lifelines.Lifeline(name := lifelines.name())

    line.hold()

    assert not lifelines.has_ended(name)
    line.release()
