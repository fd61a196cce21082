"""The tree of commands, and where the program begins."""

import sys

import typer

from openintervals import __version__
from openintervals.cli import (
    athlete_keys,
    athletes,
    database,
    documents,
    files,
    import_files,
    keys,
    listen,
    organizations,
    serve,
)

_PLAIN = {} if sys.stdout.isatty() else {"max_content_width": 10_000, "terminal_width": 10_000}


def _commands(text: str) -> typer.Typer:
    """A group of commands; rich on a terminal, plain lines elsewhere."""
    return typer.Typer(
        help=text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if sys.stdout.isatty() else None,
        context_settings={"help_option_names": ["-h", "--help"], **_PLAIN},
    )


program = _commands("An open server for running clubs, races and the athletes who train for them.")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"openintervals {__version__}")
        raise typer.Exit


@program.callback()
def _root(
    version: bool = typer.Option(
        False,
        "--version",
        help="Print the version.",
        callback=_print_version,
        is_eager=True,
    ),
) -> None:
    """An open server for running clubs, races and the athletes who train for them."""


program.command("serve", cls=serve.WithSettings)(serve.serve)
program.command("worker")(serve.worker)
program.command("listen")(listen.listen)
program.command("import")(import_files.import_files)
for command in (database.demo, database.migrate, database.doctor, database.backup, database.restore):
    program.command(command.__name__)(command)

_files = _commands("Look after the files that were uploaded.")
_files.command("orphans")(files.orphans)
_files.callback()(lambda: None)
program.add_typer(_files, name="files")

_organization = _commands("Make and list organizations.")
_organization.command("create")(organizations.create)
_organization.command("list")(organizations.every)
_organization.command("set")(organizations.change)
program.add_typer(_organization, name="organization")

_key = _commands("Make, list, rotate and revoke the keys of the partner API.")
_key.command("create")(keys.create)
_key.command("list")(keys.every)
_key.command("rotate")(keys.rotate)
_key.command("revoke")(keys.revoke)
program.add_typer(_key, name="key")

_athlete = _commands("Make and list athletes, give them keys, let coaches reach them.")
_athlete.command("create")(athletes.create)
_athlete.command("list")(athletes.every)
_athlete.command("key")(athlete_keys.create)
_athlete.command("keys")(athlete_keys.every)
_athlete.command("revoke")(athlete_keys.revoke)
_athlete.command("coach")(athletes.coach)
program.add_typer(_athlete, name="athlete")

_openapi = _commands("Print the OpenAPI documents.")
_openapi.command("partner")(documents.partner)
_openapi.callback()(lambda: None)
program.add_typer(_openapi, name="openapi")


def main() -> None:
    """The console script."""
    program(prog_name="openintervals")
