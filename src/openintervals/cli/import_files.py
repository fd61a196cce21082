"""`openintervals import`: take in files, folders and archives of other services for an athlete.

A terminal gets a bar while it works; elsewhere a line is printed now and then. At the end stands what was imported, and what was not and why,
by reason; `--verbose` tells of each file. An interrupt ends it in good order, with exit code 130; a second one ends it at once.
"""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openintervals.cli import common

if TYPE_CHECKING:
    from openintervals.db import Database
    from openintervals.training.import_sources import Passed, Place
    from openintervals.training.imports import Outcome

INTERRUPTED = 130
LINE_EVERY = 1_000
EXAMPLES_MOST = 3
NAME_MOST = 200
_REDRAWN_EVERY_S = 0.1
_WORTH_A_PROCESS_BYTES = 5_000_000


def import_files(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", help="Files, folders, and archives as Garmin, Strava or Intervals.icu export."
        ),
    ],
    athlete: Annotated[str, typer.Option(help="Whose they are. Id of an athlete: i and digits, or the digits alone.")],
    again: Annotated[bool, typer.Option("--again", help="Import anew what was deleted.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell what became of each file.")] = False,
    processes: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Processes that read files.", show_default="one for each core"),
    ] = None,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Import an athlete's files, also while the database is served.

    What is there already is passed over, so an import that was stopped goes on when it is run again.
    """
    with common.explained():
        from openintervals.platform import files
        from openintervals.training import import_sources

        for path in paths:
            if not path.exists():
                raise common.Refused(f"There is no file or folder {path}")
        settings = common.settings_of(data, database_url)
        places = import_sources.below(paths)
        said = Said(verbose=verbose and not json)

        async def work(database: "Database") -> bool:
            with _bar(places, said, shown=not json) as tell:
                return await _run(
                    database, athlete, files.place_of(settings), places, tell, again=again, processes=processes
                )

        began = time.monotonic()
        whole = common.with_database(settings, work)
        said.seconds = time.monotonic() - began
        if json:
            common.print_json(said.summary(whole=whole))
        else:
            said.print_summary(whole=whole)
    if not whole:
        raise typer.Exit(INTERRUPTED)


async def _run(
    database: "Database",
    athlete: str,
    files_place: str,
    places: "list[Place | Passed]",
    tell: "Callable[[Outcome, int], None]",
    *,
    again: bool,
    processes: int | None,
) -> bool:
    from openintervals.training import athletes, imports

    found = await database.read(common.asking(), lambda tx: athletes.with_id(tx, athlete))
    stop = asyncio.Event()

    def interrupted(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted, number)
    tenant = athletes.tenant(found.id)
    return await imports.run(
        database,
        lambda: common.asking(tenant),
        files_place,
        places,
        tell,
        processes=processes or _processes(places),
        stop=stop,
        again=again,
    )


def _processes(places: "list[Place | Passed]") -> int:
    """One for each core; fewer for what is read before so many have started."""
    size_bytes = sum(getattr(place, "size_bytes", 0) for place in places)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 1 + size_bytes // _WORTH_A_PROCESS_BYTES)


class Said:
    """What has become of the files so far, and how it is told."""

    def __init__(self, *, verbose: bool) -> None:
        self.verbose = verbose
        self.files = self.imported = self.activities = self.by_hand = self.damaged = 0
        self.skipped: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}
        self.seconds = 0.0

    def hear(self, outcome: "Outcome") -> None:
        self.files += 1
        if outcome.reason is None:
            self.imported += 1
            self.activities += len(outcome.activity_ids)
            self.by_hand += outcome.by_hand
            self.damaged += outcome.damaged
            return
        self.skipped[outcome.reason] += 1
        examples = self.examples.setdefault(outcome.reason, [])
        if len(examples) < EXAMPLES_MOST:
            examples.append(f"{_short(outcome.name)}: {outcome.message}")

    def line(self, outcome: "Outcome") -> str:
        """What became of one file."""
        if outcome.reason is None:
            damaged = " (damaged; what was before the damage)" if outcome.damaged else ""
            return f"imported {_short(outcome.name)} as {' '.join(outcome.activity_ids)}{damaged}"
        return f"skipped {_short(outcome.name)}: {outcome.message}"

    def summary(self, *, whole: bool) -> dict[str, Any]:
        """For programs."""
        return {
            "complete": whole,
            "files": self.files,
            "imported": self.imported,
            "activities": self.activities,
            "enteredByHand": self.by_hand,
            "damaged": self.damaged,
            "skipped": dict(self.skipped.most_common()),
            "examples": self.examples,
            "seconds": round(self.seconds, 3),
        }

    def print_summary(self, *, whole: bool) -> None:
        """For people."""
        from openintervals.training.imports import REASONS

        rate = f", {self.files / self.seconds:,.0f} a second" if self.seconds > 1 else ""
        typer.echo(f"{self.files:,} files in {self.seconds:,.1f} s{rate}")
        told = [(self.imported, f"imported, as {self.activities:,} activities")]
        told += [(self.by_hand, "of them without a file, as the table tells")] if self.by_hand else []
        told += [(self.damaged, "of them damaged, up to the damage")] if self.damaged else []
        told += [(count, f"skipped: {REASONS.get(reason, reason)}") for reason, count in self.skipped.most_common()]
        width = max(len(f"{count:,}") for count, _ in told)
        for count, what in told:
            typer.echo(f"  {count:{width},}  {what}")
        unsaid = ("there", "no_recording", "no_activity")
        examples = [each for reason, some in self.examples.items() if reason not in unsaid for each in some]
        if examples and not self.verbose:
            typer.echo("Such as:")
            for each in examples:
                typer.echo(f"  {each}")
            typer.echo("--verbose tells of each file.")
        if not whole:
            typer.echo("Stopped. What is imported stays; run the same command again to go on.")


def _short(name: str) -> str:
    """A name from an archive, which may hold anything, for a line on a terminal."""
    printable = "".join(character if character.isprintable() else "?" for character in name)
    return printable if len(printable) <= NAME_MOST else f"…{printable[-NAME_MOST:]}"


@contextmanager
def _bar(places: "list[Place | Passed]", said: Said, *, shown: bool) -> "Iterator[Callable[[Outcome, int], None]]":
    """What hears of each file and shows how far it is: a bar on a terminal, now and then a line elsewhere."""
    if not shown or not sys.stderr.isatty() or not sys.stdout.isatty():

        def plain(outcome: "Outcome", _: int) -> None:
            said.hear(outcome)
            if said.verbose:
                typer.echo(said.line(outcome))
            elif shown and said.files % LINE_EVERY == 0:
                typer.echo(f"{said.files:,} files, {said.imported:,} imported")

        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from openintervals.training.import_sources import Place

    total = sum(place.size_bytes for place in places if isinstance(place, Place))
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn(compact=True))
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=total)
        began, redrawn = time.monotonic(), 0.0

        def drawn(outcome: "Outcome", read_bytes: int) -> None:
            nonlocal redrawn
            said.hear(outcome)
            if said.verbose:
                progress.print(said.line(outcome), markup=False, soft_wrap=True)
            now = time.monotonic()
            if now - redrawn > _REDRAWN_EVERY_S:
                redrawn = now
                rate = said.files / max(now - began, 0.1)
                skipped = f", {sum(said.skipped.values()):,} skipped" if said.skipped else ""
                about = f"{said.imported:,} imported{skipped}, {rate:,.0f} files a second"
                progress.update(task, completed=read_bytes, description=about)

        yield drawn


__all__ = ["import_files"]
