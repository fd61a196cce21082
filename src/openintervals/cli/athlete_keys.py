"""`openintervals athlete key|keys|revoke`: an athlete's keys. A key is shown once, when it is made."""

from typing import Annotated

import typer

from openintervals.cli import common

ATHLETE = "Id of an athlete: i and digits, or the digits alone."


def create(
    athlete: Annotated[str, typer.Argument(help=ATHLETE)],
    name: Annotated[str | None, typer.Option(help="What it is for, to know it again.")] = None,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Make another key for an athlete. It is shown this once and never again."""
    with common.explained():
        from openintervals.db.transaction import Write
        from openintervals.training import athlete_keys, athletes

        async def make(tx: Write) -> tuple[str, str]:
            found = await athletes.with_id(tx, athlete)
            return found.id, await athlete_keys.create(tx.as_tenant(athletes.tenant(found.id)), name=name)

        id_, made = common.with_database(
            common.settings_of(data, database_url), lambda database: database.write(common.asking(), make)
        )
        if json:
            common.print_json({"id": id_, "apiKey": made})
            return
        common.print_panel(f"A key for {id_}", [("key", made)])


def every(
    athlete: Annotated[str, typer.Argument(help=ATHLETE)],
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """List an athlete's keys, revoked ones too."""
    with common.explained():
        from openintervals.db.transaction import Read
        from openintervals.training import athlete_keys, athletes

        async def work(tx: Read) -> list[athlete_keys.AthleteKey]:
            found = await athletes.with_id(tx, athlete)
            return await athlete_keys.of_athlete(tx.as_tenant(athletes.tenant(found.id)))

        found = common.with_database(
            common.settings_of(data, database_url), lambda database: database.read(common.asking(), work)
        )
        if json:
            names = ("id", "name", "last_four", "created_at", "revoked_at")
            common.print_json([{name: getattr(key, name) for name in names} for key in found])
            return
        common.print_table(
            ("key id", "ends in", "name", "made", "revoked"),
            [(key.id, key.last_four, key.name or "", key.created_at, key.revoked_at or "") for key in found],
            "This athlete has no key; `openintervals athlete key` makes one.",
        )


def revoke(
    athlete: Annotated[str, typer.Argument(help=ATHLETE)],
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `athlete keys` prints it.")],
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """End an athlete's key at once."""
    with common.explained():
        from openintervals.db.transaction import Write
        from openintervals.training import athlete_keys, athletes

        async def end(tx: Write) -> str:
            found = await athletes.with_id(tx, athlete)
            await athlete_keys.revoke(tx.as_tenant(athletes.tenant(found.id)), key_id)
            return found.id

        id_ = common.with_database(
            common.settings_of(data, database_url), lambda database: database.write(common.asking(), end)
        )
        if json:
            common.print_json({"id": id_, "keyId": key_id, "revoked": True})
            return
        typer.echo(f"Key {key_id} of {id_} is revoked.")
