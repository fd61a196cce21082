"""`openintervals organization`: make, list and change organizations."""

from typing import Annotated

import typer

from openintervals.cli import common


def create(
    name: Annotated[str, typer.Option(help="Name people read.")],
    slug: Annotated[str, typer.Option(help="Short name in addresses, such as north-shore-runners.")],
    plan: Annotated[
        str, typer.Option(help="free, local, elite or enterprise: how many requests its keys may make.")
    ] = ("enterprise"),
    role: Annotated[
        list[str] | None,
        typer.Option(help="organizer, sponsor or federation; may be repeated.", show_default="organizer"),
    ] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of its events, such as Europe/Berlin.")] = "UTC",
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Make an organization."""
    with common.explained():
        from openintervals.platform import organizations

        asking = common.asking()
        made = common.with_database(
            common.settings_of(data, database_url),
            lambda database: database.write(
                asking,
                lambda tx: organizations.create(
                    tx, name=name, slug=slug, roles=role or ["organizer"], plan=plan, timezone=timezone, now=tx.now
                ),
            ),
        )
        if json:
            common.print_json({"id": made.id, "slug": made.slug})
            return
        common.print_panel(
            f"Made {made.name}",
            [("id", made.id), ("slug", made.slug), ("plan", made.plan), ("time zone", made.timezone)],
            f"Next: openintervals key create --organization {made.slug} --mode live --all-scopes",
        )


def every(data: common.Data = None, database_url: common.DatabaseUrl = None, json: common.Json = False) -> None:
    """List the organizations."""
    with common.explained():
        from openintervals.platform import organizations

        found = common.with_database(
            common.settings_of(data, database_url),
            lambda database: database.read(common.asking(), organizations.every),
        )
        if json:
            common.print_json(found)
            return
        common.print_table(
            ("id", "slug", "name", "plan", "time zone", "bypass windows"),
            [(o.id, o.slug, o.name, o.plan, o.timezone, "yes" if o.bypass_windows else "no") for o in found],
            "There is no organization yet; `openintervals organization create` makes one.",
        )


def change(
    slug: Annotated[str, typer.Argument(help="Slug of the organization.")],
    bypass_windows: Annotated[
        bool | None,
        typer.Option(
            "--bypass-windows/--no-bypass-windows",
            help="Whether its partner keys may register outside registration windows.",
        ),
    ] = None,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Change what an organization's keys may do."""
    if bypass_windows is None:
        raise typer.BadParameter("Say what to change: --bypass-windows or --no-bypass-windows")
    with common.explained():
        from openintervals.db.transaction import Tenant, Write
        from openintervals.platform import organizations

        async def set_switch(tx: Write) -> organizations.Organization:
            found = await organizations.with_slug(tx, slug)
            its = tx.as_tenant(Tenant(found.id, "live"))
            await organizations.let_keys_bypass_windows(its, bypass=bypass_windows)
            return await organizations.current(its)

        changed = common.with_database(
            common.settings_of(data, database_url), lambda database: database.write(common.asking(), set_switch)
        )
        if json:
            common.print_json(changed)
            return
        may = "may" if changed.bypass_windows else "may not"
        typer.echo(f"Keys of {changed.slug} {may} register outside registration windows.")
