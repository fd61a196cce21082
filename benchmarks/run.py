"""bin/bench [name ...]: run the benchmarks and print, for each, ours, the yardstick, the ratio, the goal,
and whether it is met.

Exits with 1 when a goal is missed or a benchmark could not be measured, so that a schedule can watch over
it.
"""

import argparse
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks import decoding, growth, imports, load, slow_commit, speed, training_reads, uploads, webhooks
from benchmarks.rounds import Row
from benchmarks.stage import Stage

BENCHMARKS: dict[str, Callable[[Stage], Iterator[Row]]] = {
    "events-page": speed.events_page,
    "register": speed.register,
    "slow-disk": slow_commit.slow_disk,
    "pages": growth.pages,
    "start": growth.start,
    "memory": growth.memory,
    "yardsticks": speed.yardsticks,
    "webhooks": webhooks.webhooks,
    "webhooks-most": webhooks.webhooks_most,
    "outbox": webhooks.outbox,
    "decoding": decoding.decoding,
    "uploads": uploads.uploading,
    "imports": imports.importing,
    "training-reads": training_reads.training_reads,
}


def main() -> int:
    given = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 160)
    progress = Console(stderr=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="openintervals-bench-", dir=given.directory) as made:
        directory = Path(made)
        # Private by default, but PostgreSQL's own user must get at what it is given here.
        directory.chmod(0o755)
        stage = Stage(
            directory,
            quick=given.quick,
            long=given.long,
            with_postgres=not given.without_postgres,
            say=lambda text: progress.print(f"[dim]{text}[/dim]"),
        )
        try:
            for name in given.names:
                progress.print(f"[bold]{name}[/bold]")
                rows += _measure(BENCHMARKS[name], name, stage)
        finally:
            stage.close()
        console.print(_table(rows))
        console.print(_circumstances(stage))
    return 1 if any(row.met is False for row in rows) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measure the server against its yardsticks.")
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"which benchmarks (default: all): {', '.join(BENCHMARKS)}"
    )
    parser.add_argument("--quick", action="store_true", help="short rounds; good for a look, not for the record")
    parser.add_argument(
        "--long", action="store_true", help="10 minutes of load before memory is weighed, imports of 20,000 files"
    )
    parser.add_argument("--without-postgres", action="store_true", help="SQLite alone")
    parser.add_argument("--directory", help="where to put the databases: on the disk to measure (default: temporary)")
    given = parser.parse_args()
    given.names = given.names or list(BENCHMARKS)
    for name in given.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    return given


def _measure(benchmark: Callable[[Stage], Iterator[Row]], name: str, stage: Stage) -> list[Row]:
    """The rows of a benchmark; one that fails keeps the rows it had and gets one that says why."""
    rows: list[Row] = []
    try:
        rows.extend(benchmark(stage))
    except load.Failed as failure:
        rows.append(Row(name, "failed", str(failure), "–", "–", met=False))
    except Exception:  # noqa: BLE001 - the others are still worth measuring
        rows.append(Row(name, "failed", traceback.format_exc(limit=-3), "–", "–", met=False))
    return rows


def _table(rows: list[Row]) -> Table:
    table = Table(title="Open Intervals against its yardsticks", title_justify="left", show_lines=True)
    for heading in ("benchmark", "ours", "yardstick"):
        table.add_column(heading, overflow="fold")
    for heading in ("ratio", "goal"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("met", justify="center")
    for row in rows:
        met = {True: "[green]yes[/green]", False: "[bold red]NO[/bold red]", None: "–"}[row.met]
        table.add_row(*map(escape, row[:-1]), met)
    return table


def _circumstances(stage: Stage) -> str:
    """What the figures depend on besides the contestants."""
    pace = stage.pace
    parser = "httptools" if find_spec("httptools") else "h11, as httptools is not installed"
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {load.generator()}, "
        f"{pace.connections} connections (slow-disk: more); {pace.rounds} rounds of {pace.seconds:g} s in turn, "
        f"median ratio; uvicorn reads HTTP with {parser}."
    )


if __name__ == "__main__":
    sys.exit(main())
