"""Commands about the database as a whole: migrate, doctor, backup, restore, demo."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openintervals.cli import common

if TYPE_CHECKING:
    from openintervals.platform.files import Copied
    from openintervals.settings import Settings

NoFiles = Annotated[bool, typer.Option("--no-files", help="Leave out the files that were uploaded.")]


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


def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every stream and uploaded file, not the 256th part whose day it is.")
    ] = False,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Check that everything stored is as it must be; exit code 1 and what is wrong when it is not.

    It reads only, and may run while the database is served.
    """
    with common.explained():
        from openintervals import doctor as examination
        from openintervals.platform import files

        settings = common.settings_of(data, database_url)
        examine = partial(examination.examine, place=files.place_of(settings), deep=deep)
        problems = common.with_database(settings, examine)
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
    no_files: NoFiles = False,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Copy an SQLite database to one file, also while it is served. (PostgreSQL has pg_dump.)

    The files that were uploaded are copied into the folder `files` beside it, as far as they are not there yet.
    """
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
        settings = common.settings_of(data, database_url)
        with migrations.sqlite_problems(source), _progress("Copying pages") as progress:
            backups.take(source, destination, progress)
        copied = None if no_files else _copy_files(settings, destination.parent / "files", back=False)
        if json:
            told = copied and copied._asdict()
            common.print_json({"backup": str(destination), "bytes": destination.stat().st_size, "files": told})
        else:
            typer.echo(f"Backed up to {destination} ({destination.stat().st_size:,} bytes)")
            _tell_files(copied)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the present database, which is kept in backups/.")] = (
        False
    ),
    no_files: NoFiles = False,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Put a backup in the place of an SQLite database that is not being served, and the files beside it in theirs."""
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
        kept = copied = None
        with migrations.sqlite_problems(target):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with backups.right_to_serve(target):
                if target.exists() and not force:
                    raise common.Refused(f"{target} exists already; give --force to replace it (it will be kept)")
                if not no_files:  # before the rows that refer to them
                    copied = _copy_files(common.settings_of(data, database_url), file.parent / "files", back=True)
                if target.exists():
                    kept = backups.place_for(target, "before-restore", datetime.now(UTC))
                    backups.set_aside(target, kept)
                backups.restore(file, target)
        if json:
            replaced, told = str(kept) if kept else None, copied and copied._asdict()
            common.print_json({"database": str(target), "revision": revision, "replaced": replaced, "files": told})
            return
        typer.echo(f"Restored {target} from {file} (revision {revision}).")
        _tell_files(copied)
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


def _copy_files(settings: "Settings", folder: Path, *, back: bool) -> "Copied | None":
    """Copy uploaded files to a folder, or `back` from there; None where there are none, or they are in a bucket."""
    from openintervals.platform import files

    place = files.place_of(settings)
    source, to = (folder, Path(place)) if back else (Path(place), folder)
    if "://" in place or not source.is_dir() or source.absolute() == to.absolute():
        return None
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = files.Files(str(source))
    with kept.still(), _progress("Copying files") as progress:
        return files.copy(kept, files.Files(str(to)), progress)


def _tell_files(copied: "Copied | None") -> None:
    if copied is None:
        return
    typer.echo(f"Files: {copied.files:,}, of which {copied.new:,} were copied ({copied.new_bytes:,} bytes)")
    for hashed in copied.unreadable:
        typer.echo(f"File {hashed} is damaged and was not copied", err=True)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """`progress(done, total)` of a bar on a terminal; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)
