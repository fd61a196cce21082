"""Migrations: what they make is what the tables say, on both databases; and which databases a start refuses."""

import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateSequence, CreateTable

from openintervals.cli import revision
from openintervals.db import migrate
from openintervals.db.failures import UnusableDatabase
from openintervals.settings import Settings
from tests import databases, postgres

POSTGRES = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
PRESENT = migrate.HEAD
NEXT = f"{int(PRESENT) + 1:04}"
NEXT_STEP = f'''"""The next step."""

import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{PRESENT}"


def upgrade() -> None:
    op.add_column("organizations", sa.Column("motto", sa.Text(), nullable=True))
    op.execute("UPDATE organizations SET motto = 'Run'")
'''


def test_the_newest_migration_is_the_one_the_server_needs() -> None:
    scripts = ScriptDirectory(str(migrate.FOLDER))

    assert scripts.get_heads() == [migrate.HEAD]
    assert all(re.fullmatch(r"\d{4}", script.revision) for script in scripts.walk_revisions())


def test_on_sqlite_the_migrations_make_the_tables_as_they_are_declared(tmp_path: Path) -> None:
    migrate.upgrade(Settings(data=str(tmp_path)))
    declared = apsw.Connection(":memory:")
    for element in _definitions():
        declared.execute(str(element.compile(dialect=sqlite.dialect())))

    made = _sqlite_schema(apsw.Connection(str(tmp_path / "openintervals.db")))

    assert made == _sqlite_schema(declared)


def test_on_postgres_the_migrations_make_the_tables_as_they_are_declared(cluster: postgres.Cluster) -> None:
    migrated, declared = cluster.create_database(), cluster.create_database()
    migrate.upgrade(Settings(database_url=migrated))
    with psycopg.connect(declared) as connection:
        for sequence in revision.sequences(revision.all_tables()):
            connection.execute(str(CreateSequence(sequence).compile(dialect=POSTGRES)).encode())
        for element in _definitions():
            connection.execute(str(element.compile(dialect=POSTGRES)).encode())

    made = _postgres_schema(migrated)

    assert made == _postgres_schema(declared)
    assert any("event_runs" in row for row in made["columns"])
    cluster.drop_database(migrated)
    cluster.drop_database(declared)


def _definitions() -> list[Any]:
    elements: list[Any] = []
    for table in revision.all_tables().sorted_tables:
        elements += [CreateTable(table), *map(CreateIndex, table.indexes)]
    return elements


def _sqlite_schema(connection: apsw.Connection) -> dict[str, list[str]]:
    """Every table's and index's definition, its parts in an order that does not matter to SQLite."""
    found = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name <> 'alembic_version'"
    ).fetchall()
    connection.close()
    return {str(name): sorted(filter(None, re.split(r",\s+|\s*\n\s*", str(sql)))) for name, sql in found}


def _postgres_schema(url: str) -> dict[str, list[tuple[Any, ...]]]:
    ours = "n.nspname = 'public' AND c.relname <> 'alembic_version'"
    questions = {
        "columns": f"""
            SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                   row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), l.collname
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
              AND a.attnum > 0 AND NOT a.attisdropped
            JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_collation l ON l.oid = a.attcollation
            WHERE {ours} ORDER BY 1, 5""",
        "constraints": f"""
            SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
            FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE {ours} ORDER BY 1, 2""",
        "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
        "AND tablename <> 'alembic_version' ORDER BY 1",
        "sequences": "SELECT sequencename, data_type::text, start_value, increment_by FROM pg_sequences ORDER BY 1",
    }
    return dict(zip(questions, databases.answers(url, list(questions.values())), strict=True))


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and this is the next version of the program, which has one migration more."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"{NEXT}_the_next_step.py").write_text(NEXT_STEP)

    def update() -> None:
        monkeypatch.setattr(migrate, "FOLDER", folder)
        monkeypatch.setattr(migrate, "HEAD", NEXT)

    return update


def test_an_older_database_keeps_its_rows(database_url: str, next_version: Callable[[], None]) -> None:
    settings = Settings(database_url=database_url)
    migrate.upgrade(settings)
    _execute(database_url, _ORGANIZATION)
    next_version()

    done = migrate.upgrade(settings)

    assert (done.before, done.after) == (PRESENT, NEXT)
    assert databases.rows(database_url, "SELECT slug, motto FROM organizations") == [("north-shore", "Run")]
    assert migrate.present(settings) == NEXT
    assert migrate.upgrade(settings) == migrate.Migrated(NEXT, NEXT)


_ORGANIZATION = (
    "INSERT INTO organizations (id, name, slug, roles, plan, timezone, bypass_windows, created_at) "
    "VALUES ('k1', 'N', 'north-shore', '[]', 'free', 'UTC', false, '')"
)


def test_an_older_sqlite_database_is_backed_up_before(tmp_path: Path, next_version: Callable[[], None]) -> None:
    settings = Settings(data=str(tmp_path / "data"))
    migrate.upgrade(settings)
    _execute(settings.url, _ORGANIZATION)
    next_version()

    migrate.ensure_current(settings, upgrade_older=True)

    [kept] = (tmp_path / "data" / "backups").iterdir()
    assert f"revision-{PRESENT}" in kept.name
    assert databases.rows(f"sqlite:///{kept}", "SELECT version_num FROM alembic_version") == [(PRESENT,)]
    assert databases.rows(f"sqlite:///{kept}", "SELECT slug FROM organizations") == [("north-shore",)]


def test_an_older_database_is_not_touched_in_passing(database_url: str, next_version: Callable[[], None]) -> None:
    settings = Settings(database_url=database_url)
    migrate.upgrade(settings)
    next_version()

    with pytest.raises(
        UnusableDatabase, match=f"has revision {PRESENT} and this version needs {NEXT}; run `openintervals"
    ):
        migrate.ensure_current(settings)

    assert migrate.present(settings) == PRESENT


def test_a_migration_that_fails_changes_nothing(
    database_url: str, next_version: Callable[[], None], tmp_path: Path
) -> None:
    settings = Settings(database_url=database_url)
    migrate.upgrade(settings)
    next_version()
    with (tmp_path / "migrations" / "versions" / f"{NEXT}_the_next_step.py").open("a") as script:
        script.write('    op.execute("UPDATE no_such_table SET x = 1")\n')

    with pytest.raises((apsw.SQLError, psycopg.errors.UndefinedTable)):
        migrate.upgrade(settings)

    assert migrate.present(settings) == PRESENT
    with pytest.raises((apsw.SQLError, psycopg.errors.UndefinedColumn)):
        databases.rows(database_url, "SELECT motto FROM organizations")


def test_of_two_that_migrate_at_once_one_does_and_the_other_waits(database_url: str) -> None:
    settings = Settings(database_url=database_url)
    done: list[Any] = []

    def run() -> None:
        try:
            done.append(migrate.upgrade(settings))
        except Exception as problem:  # noqa: BLE001 — shown below
            done.append(problem)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(isinstance(one, migrate.Migrated) for one in done), done
    assert databases.rows(database_url, "SELECT version_num FROM alembic_version") == [(PRESENT,)]


def test_a_new_database_is_made_on_sqlite_and_asked_for_on_postgres(database_url: str) -> None:
    settings = Settings(database_url=database_url)

    if settings.on_sqlite:
        migrate.ensure_current(settings)
        assert migrate.present(settings) == migrate.HEAD
    else:
        with pytest.raises(UnusableDatabase, match="run `openintervals migrate` first"):
            migrate.ensure_current(settings)
        assert migrate.present(settings) is None


def test_somebody_elses_sqlite_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "openintervals.db"
    with apsw.Connection(str(path)) as other:
        other.execute("CREATE TABLE recipes (name)")
    other.close()

    with pytest.raises(UnusableDatabase, match="is no database of Open Intervals"):
        migrate.ensure_current(Settings(data=str(tmp_path)))

    assert databases.rows(f"sqlite:///{path}", "SELECT name FROM sqlite_schema") == [("recipes",)]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "openintervals.db").write_text("Dear diary, today I ran. " * 100)

    with pytest.raises(UnusableDatabase, match="is no SQLite database"):
        migrate.ensure_current(Settings(data=str(tmp_path)))


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UnusableDatabase, match="cannot be opened and written"):
        migrate.ensure_current(Settings(data=str(tmp_path / "file" / "data")))


def _execute(url: str, statement: str) -> None:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
