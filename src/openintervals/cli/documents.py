"""`openintervals openapi`: the OpenAPI documents, as the server gives them."""

from typing import Annotated

import typer

from openintervals.cli import common


def partner(
    version: Annotated[str, typer.Option("--format", help="OpenAPI 3.1 or 3.0.")] = "3.1",
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Print the OpenAPI document of the partner API, which is JSON with and without --json."""
    with common.explained():
        from openintervals.api.partner import documents

        if version not in ("3.1", "3.0"):
            raise common.Refused(f"There is no OpenAPI {version} document; use 3.1 or 3.0")
        printed = documents.partner_json if version == "3.1" else documents.partner_3_0_json
        typer.echo(printed(common.settings_of(data, database_url).public_url), nl=False)
