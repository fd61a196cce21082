"""What all commands share: where the database is, how it is opened, how results and problems are told."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import msgspec
import typer

from openintervals import errors
from openintervals.db.failures import UnusableDatabase
from openintervals.settings import SettingProblem, Settings, load

if TYPE_CHECKING:
    from openintervals.db import Database
    from openintervals.db.transaction import Asking, Tenant

T = TypeVar("T")

Data = Annotated[str | None, typer.Option("--data", help="Folder of the SQLite database.", metavar="DIR")]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", help="Database, as postgresql://… or sqlite:///….", metavar="URL")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON alone.")]

ACTOR = "command-line"


class Refused(Exception):
    """A command cannot do what it was told; the message is one sentence."""


def settings_of(data: str | None, database_url: str | None, **others: Any) -> Settings:
    """The settings of this command. A folder named on the command line outweighs a URL in the environment."""
    if data is not None and database_url is None:
        database_url = ""
    return load(None, data=data, database_url=database_url, **others)


@contextmanager
def explained() -> Iterator[None]:
    """Tell whatever is expected to go wrong in one sentence, and end with exit code 1."""
    try:
        yield
    except errors.Invalid as problem:
        said = "; ".join(f"{name}: {' '.join(told)}" for name, told in problem.fields.items())
        fail(f"{problem.message}: {said}" if said else problem.message)
    except errors.Failure as problem:
        fail(problem.message)
    except (UnusableDatabase, SettingProblem, Refused) as problem:
        fail(str(problem))
    except UnicodeEncodeError as problem:
        if "surrogates" not in problem.reason:  # as Python keeps bytes of a command line that it cannot read
            raise
        fail("An argument holds bytes that are no text in UTF-8")
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(1) from None


def fail(message: str) -> NoReturn:
    typer.echo(f"openintervals: {message}", err=True)
    raise typer.Exit(1)


def with_database(settings: Settings, work: Callable[["Database"], Awaitable[T]]) -> T:
    """Open the database, which is made when there is none, do the work, close it."""
    from openintervals.db import migrate, named_by

    migrate.ensure_current(settings)
    database = named_by(msgspec.structs.replace(settings, database_pool=1))

    async def run() -> T:
        await database.open()
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def asking(tenant: "Tenant | None" = None) -> "Asking":
    """The operator at the command line, now; outside any tenant unless one is named."""
    from openintervals.db.transaction import Asking, Tenant

    return Asking(tenant=tenant or Tenant("", "live"), actor=ACTOR, now=present())


def present() -> datetime:
    return datetime.now(UTC)


def print_json(value: Any) -> None:
    """One line, which a program reads at once; on a terminal, indented."""
    written = msgspec.json.encode(value)
    typer.echo((msgspec.json.format(written, indent=2) if on_terminal() else written).decode())


def on_terminal() -> bool:
    return sys.stdout.isatty()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    """Rows for people: a table on a terminal, tab-separated lines elsewhere."""
    if not on_terminal():
        for row in (columns, *rows):
            typer.echo("\t".join(row))
        return
    if not rows:
        typer.echo(nothing)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


def print_panel(title: str, facts: Sequence[tuple[str, str]], footer: str = "") -> None:
    """A few named facts: in a panel on a terminal, one per line elsewhere. Lines are never cut, so they can be copied."""
    if not on_terminal():
        typer.echo(title)
        for name, value in facts:
            typer.echo(f"{name}: {value}")
        if footer:
            typer.echo(footer)
        return
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, value in facts:
        table.add_row(f"[dim]{name}[/]", value.replace("[", r"\["))
    console = Console(highlight=False)
    console.print(Panel.fit(table, title=f"[bold]{title}[/]", title_align="left", border_style="green", padding=(1, 2)))
    if footer:
        console.print(f"\n{footer}\n", soft_wrap=True, markup=False)
