"""`openintervals serve` and `openintervals worker`: the programs that stay."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from openintervals import __version__
from openintervals.cli import common
from openintervals.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8000")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Serving processes; more than one needs PostgreSQL.", show_default="1")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Make a demo club and athletes on first start, and show how to ask for them.")
    ] = (False),
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Leave the background work to `openintervals worker`.")
    ] = False,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
) -> None:
    """Serve both APIs, and do the background work beside them.

    An empty folder gets a database, an older SQLite database is backed up and brought up to date.
    """
    with common.explained():
        settings = common.settings_of(
            data, database_url, host=host, port=port, workers=workers, worker=False if no_worker else None
        )
        code = _serve(settings, demo=demo)
    raise typer.Exit(code)


def worker(data: common.Data = None, database_url: common.DatabaseUrl = None) -> None:
    """Do the background work alone, beside servers started with --no-worker. For PostgreSQL."""
    with common.explained():
        settings = common.settings_of(data, database_url)
        if settings.on_sqlite:
            raise common.Refused("`serve` does the background work on SQLite; a worker of its own needs PostgreSQL")
        from openintervals.db import migrate
        from openintervals.worker import program

        migrate.ensure_current(settings)
        asyncio.run(program.run(settings))


def _serve(settings: Settings, *, demo: bool) -> int:
    from openintervals.cli import demo_athletes
    from openintervals.db import migrate
    from openintervals.serving import listener

    with _right_to_serve(settings):
        try:
            listening = listener.listen(settings.host, settings.port)
        except listener.CannotListen as problem:
            raise common.Refused(str(problem)) from None
        migrate.ensure_current(settings, upgrade_older=True)
        keys = _demo_keys(settings) if demo else {}

        filling = demo_athletes.Filling(settings) if demo else None

        def started() -> None:
            _greet(settings, keys)
            if filling is not None:
                filling.start()

        try:
            if settings.workers > 1:
                from openintervals.serving import processes

                return processes.run(settings, listening, started)
            from openintervals.serving import server

            return server.run(settings, listening, started, worker=settings.worker)
        finally:
            if filling is not None:
                filling.stop()


@contextlib.contextmanager
def _right_to_serve(settings: Settings) -> Iterator[None]:
    if not settings.on_sqlite:
        yield
        return
    from openintervals.db import backup, migrate

    with contextlib.ExitStack() as held:
        with migrate.sqlite_problems(settings.sqlite_path):
            settings.sqlite_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            held.enter_context(backup.right_to_serve(settings.sqlite_path))
        yield


def _demo_keys(settings: Settings) -> dict[str, str]:
    from openintervals.cli.demo_keys import ensure_demo

    return common.with_database(settings, lambda database: ensure_demo(settings, database))


def _greet(settings: Settings, demo_keys: dict[str, str]) -> None:
    """Say where to look, and with the demo's keys, calls that work as they stand."""
    base = _base_url(settings)
    public = settings.public_url.rstrip("/") or base
    facts = [
        ("partner API", f"{public}/partner"),
        ("training API", f"{public}/api/v1"),
        ("OpenAPI", f"{public}/partner/openapi.json"),
        ("health", f"{public}/readyz"),
        ("database", str(settings.sqlite_path) if settings.on_sqlite else "PostgreSQL"),
    ]
    try_it = ""
    if demo_keys:
        oldest = (common.present() - timedelta(days=30)).date()
        try_it = f'curl -H "Authorization: Bearer {demo_keys["live"]}" "{base}/partner/events?limit=3"\n'
        try_it += f'curl -u API_KEY:{demo_keys["athlete"]} "{base}/api/v1/athlete/0/activities?oldest={oldest}"'
    common.print_panel(f"Open Intervals {__version__} serves {public}", facts, try_it)


def _base_url(settings: Settings) -> str:
    """The server's address as seen from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 — a look-up
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{settings.port}"


class WithSettings(TyperCommand):
    """A command whose help ends with every setting there is."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from openintervals.cli.docs import setting_facts

        super().format_help(ctx, formatter)
        if not sys.stdout.isatty():
            with formatter.section("Settings, from the environment"):
                formatter.write_dl(
                    [(fact.variable, f"{fact.meaning}  [default: {fact.default}]") for fact in setting_facts()]
                )
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table

        table = Table(box=box.ROUNDED, title="Settings, from the environment", title_justify="left", border_style="dim")
        for column in ("Variable", "Meaning", "Default"):
            table.add_column(column, overflow="fold")
        for fact in setting_facts():
            table.add_row(f"[cyan]{fact.variable}[/]", fact.meaning.replace("[", r"\["), fact.default)
        Console(highlight=False).print(table)
