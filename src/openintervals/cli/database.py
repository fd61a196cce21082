"""Commands about the database as a whole: migrate, doctor, backup, restore, demo."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from openintervals.cli import common


def migrate(data: common.Data = None, database_url: common.DatabaseUrl = None, json: common.Json = False) -> None:
    """Bring the database up to date. An SQLite database is backed up first."""
    with common.explained():
        from openintervals.db import migrate as migrations

        done = migrations.upgrade(common.settings_of(data, database_url))
        if json:
            backup = str(done.backup) if done.backup else None
            common.print_json({"before": done.before, "after": done.after, "backup": backup})
        elif done.before == done.after:
            typer.echo(f"The database is up to date (revision {done.after}).")
        else:
            typer.echo(f"The database went from {done.before or 'nothing'} to revision {done.after}.")
            if done.backup:
                typer.echo(f"It was backed up before, to {done.backup}")


def doctor(data: common.Data = None, database_url: common.DatabaseUrl = None, json: common.Json = False) -> None:
    """Check that everything stored is as it must be; exit code 1 and what is wrong when it is not.

    It reads only, and may run while the database is served.
    """
    with common.explained():
        from openintervals import doctor as examination

        problems = common.with_database(common.settings_of(data, database_url), examination.examine)
        if json:
            common.print_json({"problems": problems})
        elif problems:
            for problem in problems:
                typer.echo(problem)
        else:
            typer.echo("Everything is as it must be.")
        if problems:
            raise typer.Exit(1)


def backup(
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="A file that does not exist, or a folder.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Copy an SQLite database to one file, also while it is served. (PostgreSQL has pg_dump.)"""
    with common.explained():
        from openintervals.db import backup as backups
        from openintervals.db import migrate as migrations

        source = _sqlite_path(data, database_url, "pg_dump backs up PostgreSQL")
        if not source.exists():
            raise common.Refused(f"There is no database at {source}; name its folder with --data")
        if destination.is_dir():
            destination /= f"{source.stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.db"
        if destination.exists() and not force:
            raise common.Refused(f"{destination} exists already; choose another name, or give --force to replace it")
        with migrations.sqlite_problems(source), _progress() as progress:
            backups.take(source, destination, progress)
        if json:
            common.print_json({"backup": str(destination), "bytes": destination.stat().st_size})
        else:
            typer.echo(f"Backed up to {destination} ({destination.stat().st_size:,} bytes)")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the present database, which is kept in backups/.")] = (
        False
    ),
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Put a backup in the place of an SQLite database that is not being served."""
    with common.explained():
        from openintervals.db import backup as backups
        from openintervals.db import migrate as migrations

        target = _sqlite_path(data, database_url, "pg_restore restores PostgreSQL")
        if not file.is_file():
            raise common.Refused(f"There is no file {file}")
        with migrations.sqlite_problems(file):
            backups.check(file)
        revision = migrations.present(common.settings_of(None, f"sqlite:///{file.absolute()}"))
        if revision is None:
            raise common.Refused(f"{file} is empty, so it was not restored")
        migrations.refuse_newer(revision)
        kept = None
        with migrations.sqlite_problems(target):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with backups.right_to_serve(target):
                if target.exists():
                    if not force:
                        raise common.Refused(f"{target} exists already; give --force to replace it (it will be kept)")
                    kept = backups.place_for(target, "before-restore", datetime.now(UTC))
                    backups.set_aside(target, kept)
                backups.restore(file, target)
        if json:
            common.print_json({"database": str(target), "revision": revision, "replaced": str(kept) if kept else None})
            return
        typer.echo(f"Restored {target} from {file} (revision {revision}).")
        if kept:
            typer.echo(f"What was there is kept as {kept}")


def demo(data: common.Data = None, database_url: common.DatabaseUrl = None, json: common.Json = False) -> None:
    """Make the demo club and athletes, as far as they are not there yet, and show their keys."""
    with common.explained():
        from openintervals.cli import demo_athletes
        from openintervals.cli.demo_keys import ensure_demo

        settings = common.settings_of(data, database_url)
        keys = common.with_database(settings, lambda database: ensure_demo(settings, database))
        asyncio.run(demo_athletes.fill(settings))
        if json:
            common.print_json(keys)
            return
        common.print_panel(
            "The demo is there",
            [(f"{mode} key", key) for mode, key in keys.items()],
            "Next: openintervals serve",
        )


def _sqlite_path(data: str | None, database_url: str | None, otherwise: str) -> Path:
    settings = common.settings_of(data, database_url)
    if not settings.on_sqlite:
        raise common.Refused(f"This command is for SQLite; {otherwise}")
    return settings.sqlite_path


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """`progress(done, total)` of a bar on a terminal; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Copying pages")
        yield lambda done, total: bar.update(task, completed=done, total=total)
