"""The command about uploaded files: those that no activity is of any more."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from openintervals.cli import common

if TYPE_CHECKING:
    from openintervals.db import Database
    from openintervals.platform.files import Kept


def orphans(
    delete: Annotated[bool, typer.Option("--delete", help="Delete them. They cannot be brought back.")] = False,
    days: Annotated[int, typer.Option(min=1, max=36_500, help="Only those put so many days ago or more.")] = 1,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Show the files whose activities were deleted, or delete them, also while the database is served."""
    with common.explained():
        from openintervals.platform import files
        from openintervals.training import originals

        settings = common.settings_of(data, database_url)
        verb = originals.forget_orphans if delete else originals.orphaned

        async def work(database: "Database") -> "list[Kept]":
            return await verb(database, common.asking(), files.opened(settings), least_age=timedelta(days=days))

        found = common.with_database(settings, work)
        size_bytes = sum(each.size_bytes for each in found)
        if json:
            listed = [{"hash": each.hashed, "bytes": each.size_bytes, "since": each.since} for each in found]
            common.print_json({"files": listed, "bytes": size_bytes, "deleted": delete})
            return
        rows = [(each.hashed, str(each.size_bytes), f"{each.since:%Y-%m-%d}") for each in found]
        common.print_table(("File", "Bytes", "Since"), rows, "No file is without an activity.")
        if found:
            done = "were deleted" if delete else "are of no activity; --delete deletes them"
            typer.echo(f"{len(found):,} files ({size_bytes:,} bytes) {done}.", err=True)
