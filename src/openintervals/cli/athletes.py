"""`openintervals athlete`: make and list athletes, let coaches reach them."""

from typing import Annotated

import typer

from openintervals.cli import common
from openintervals.cli.athlete_keys import ATHLETE


def create(
    name: Annotated[str, typer.Option(help="Name people read.")],
    email: Annotated[str | None, typer.Option(help="E-mail address.")] = None,
    timezone: Annotated[str, typer.Option(help="Time zone the athlete lives in, such as Europe/Berlin.")] = "UTC",
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Make an athlete, with a key. The key is shown this once and never again."""
    with common.explained():
        from openintervals.training import newcomers

        asking = common.asking()
        made = common.with_database(
            common.settings_of(data, database_url),
            lambda database: database.write(
                asking, lambda tx: newcomers.join(tx, name=name, email=email, timezone=timezone)
            ),
        )
        if json:
            common.print_json({"id": made.athlete.id, "apiKey": made.key})
            return
        common.print_panel(
            f"Made {made.athlete.name}",
            [("id", made.athlete.id), ("time zone", made.athlete.timezone), ("key", made.key)],
            f"Try: curl -u API_KEY:{made.key} http://127.0.0.1:8000/api/v1/athlete/0",
        )


def every(data: common.Data = None, database_url: common.DatabaseUrl = None, json: common.Json = False) -> None:
    """List the athletes."""
    with common.explained():
        from openintervals.training import athletes

        found = common.with_database(
            common.settings_of(data, database_url),
            lambda database: database.read(common.asking(), athletes.every),
        )
        if json:
            common.print_json([{"id": a.id, "name": a.name, "email": a.email, "timezone": a.timezone} for a in found])
            return
        common.print_table(
            ("id", "name", "e-mail", "time zone"),
            [(a.id, a.name, a.email or "", a.timezone) for a in found],
            "There is no athlete yet; `openintervals athlete create` makes one.",
        )


def coach(
    coach: Annotated[str, typer.Argument(help="Whose key reaches the athlete. " + ATHLETE)],
    athlete: Annotated[str, typer.Argument(help="Who is coached. " + ATHLETE)],
    remove: Annotated[bool, typer.Option("--remove", help="End it instead.")] = False,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Let a coach's keys reach an athlete."""
    with common.explained():
        from openintervals.db.transaction import Write
        from openintervals.training import athletes, coaching

        async def work(tx: Write) -> tuple[str, str]:
            theirs, found = await athletes.with_id(tx, coach), await athletes.with_id(tx, athlete)
            change = coaching.end if remove else coaching.begin
            await change(tx.as_tenant(athletes.tenant(found.id)), theirs.id)
            return theirs.id, found.id

        coach_id, athlete_id = common.with_database(
            common.settings_of(data, database_url), lambda database: database.write(common.asking(), work)
        )
        if json:
            common.print_json({"coachId": coach_id, "athleteId": athlete_id, "coaches": not remove})
            return
        typer.echo(f"{coach_id} {'no longer coaches' if remove else 'coaches'} {athlete_id}.")
