"""Backups: taken while the database is written, restored over a broken one, and refused when they are damaged."""

import stat
from pathlib import Path

import apsw
import pytest

from openintervals.db import backup, migrate, sqlite
from openintervals.db.failures import UnusableDatabase
from openintervals.settings import Settings
from tests.cli.program import club, refusal, run_json

ROWS = "SELECT count(*), coalesce(sum(requests), 0) FROM usage"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with some megabytes in it."""
    migrate.upgrade(Settings(data=str(tmp_path / "data")))
    path = tmp_path / "data" / "openintervals.db"
    connection = sqlite.connect(path)
    _fill(connection, 0, 30_000)
    connection.close()
    return path


def _fill(connection: apsw.Connection, first: int, rows: int) -> None:
    with connection:
        connection.executemany(
            "INSERT INTO usage (organization_id, mode, day, key_id, requests) VALUES ('k1', 'live', ?, ?, 1)",
            ((f"{number:08}", "x" * 60) for number in range(first, first + rows)),
        )


def _rows(path: Path) -> tuple[object, ...]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    [found] = connection.execute(ROWS).fetchall()
    connection.close()
    return found


def test_a_backup_is_one_moment_of_a_database_that_is_being_written(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PAGES_A_STEP", 50)
    writer = sqlite.connect(path)
    steps: list[int] = []

    def write_meanwhile(done: int, total: int) -> None:
        steps.append(done)
        _fill(writer, 100_000 + 10 * len(steps), 10)

    backup.take(path, tmp_path / "copy.db", write_meanwhile)
    writer.close()

    assert len(steps) > 10
    assert steps == sorted(steps)
    assert _rows(tmp_path / "copy.db") == (30_000, 30_000)
    assert _rows(path) == (30_000 + 10 * len(steps),) * 2


def test_a_backup_is_one_private_file(path: Path, tmp_path: Path) -> None:
    backup.take(path, tmp_path / "kept" / "copy.db")

    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["copy.db"]
    assert stat.S_IMODE((tmp_path / "kept" / "copy.db").stat().st_mode) == 0o600


def test_a_backup_holds_what_is_in_the_log_only(path: Path, tmp_path: Path) -> None:
    connection = sqlite.connect(path)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    _fill(connection, 50_000, 7)

    backup.take(path, tmp_path / "copy.db")

    assert _rows(tmp_path / "copy.db") == (30_007, 30_007)
    connection.close()


def test_restoring_brings_back_what_was_backed_up_and_keeps_what_was_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/openintervals.db"
    club(url)
    before = run_json("organization", "list", "--database-url", url)
    kept = tmp_path / "backup.db"
    run_json("backup", str(kept), "--database-url", url)
    run_json("organization", "create", "--name", "Later", "--slug", "later", "--database-url", url)

    refused = refusal("restore", str(kept), "--database-url", url)
    bytes_before = kept.read_bytes()
    restored = run_json("restore", str(kept), "--force", "--database-url", url)

    assert kept.read_bytes() == bytes_before
    assert "exists already; give --force" in refused
    assert run_json("organization", "list", "--database-url", url) == before
    assert run_json("doctor", "--database-url", url) == {"problems": []}
    replaced = run_json("organization", "list", "--database-url", f"sqlite:///{restored['replaced']}")
    assert [organization["slug"] for organization in replaced] == ["later", "north-shore"]


def test_restoring_into_an_empty_folder_needs_no_force(path: Path, tmp_path: Path) -> None:
    copy = backup.take(path, tmp_path / "copy.db")

    done = run_json("restore", str(copy), "--data", str(tmp_path / "new"))

    assert done["replaced"] is None
    assert _rows(tmp_path / "new" / "openintervals.db") == (30_000, 30_000)
    assert stat.S_IMODE((tmp_path / "new" / "openintervals.db").stat().st_mode) == 0o600


def test_the_log_of_the_old_database_is_not_taken_for_the_restored_ones(path: Path, tmp_path: Path) -> None:
    copy = backup.take(path, tmp_path / "copy.db")
    crashed = sqlite.connect(path)
    crashed.execute("PRAGMA wal_autocheckpoint=0")
    _fill(crashed, 50_000, 7)
    log = path.with_name(path.name + "-wal").read_bytes()
    crashed.close()
    path.with_name(path.name + "-wal").write_bytes(log)

    backup.restore(copy, path)

    assert _rows(path) == (30_000, 30_000)


def test_a_damaged_backup_is_refused(path: Path, tmp_path: Path) -> None:
    copy = backup.take(path, tmp_path / "copy.db")
    damaged = bytearray(copy.read_bytes())
    damaged[400_000:500_000] = b"\xff" * 100_000
    copy.write_bytes(damaged)

    said = refusal("restore", str(copy), "--force", "--data", str(path.parent))

    assert "is damaged" in said
    assert _rows(path) == (30_000, 30_000)


def test_a_backup_of_a_newer_version_is_refused(path: Path, tmp_path: Path) -> None:
    copy = backup.take(path, tmp_path / "copy.db")
    with apsw.Connection(str(copy)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    assert "made by a newer version" in refusal("restore", str(copy), "--force", "--data", str(path.parent))


def test_a_backup_does_not_replace_a_file_unasked(path: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.db").write_text("precious")

    said = refusal("backup", str(tmp_path / "precious.db"), "--data", str(path.parent))
    run_json("backup", str(tmp_path / "precious.db"), "--force", "--data", str(path.parent))

    assert "exists already" in said
    assert _rows(tmp_path / "precious.db") == (30_000, 30_000)


def test_a_backup_into_a_folder_is_named_for_its_moment(path: Path, tmp_path: Path) -> None:
    made = Path(run_json("backup", str(tmp_path), "--data", str(path.parent))["backup"])

    assert made.parent == tmp_path
    assert made.name.startswith("openintervals-20")


def test_the_right_to_serve_is_held_by_one(path: Path) -> None:
    with (
        backup.right_to_serve(path),
        pytest.raises(UnusableDatabase, match="is being served already"),
        backup.right_to_serve(path),
    ):
        pass

    with backup.right_to_serve(path):
        pass
