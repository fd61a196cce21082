"""`openintervals key`: make, list, rotate and revoke the keys of the partner API."""

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from openintervals import instants
from openintervals.cli import common

if TYPE_CHECKING:
    from openintervals.platform.api_keys import ApiKey, NewKey

_OVERLAPS = "now, 1h, 24h, 7d"


def create(
    organization: Annotated[str, typer.Option(help="Slug of the organization it belongs to.", metavar="SLUG")],
    mode: Annotated[str, typer.Option(help="live, or test: the data it reaches.")] = "live",
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do, such as read:events; may be repeated.")
    ] = None,
    all_scopes: Annotated[bool, typer.Option("--all-scopes", help="It may do everything.")] = False,
    name: Annotated[str | None, typer.Option(help="What it is for, to know it again.")] = None,
    expires: Annotated[
        str | None, typer.Option(help="When it ends, as YYYY-MM-DD or an instant in UTC.", show_default="never")
    ] = None,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Make a key. It is shown this once and never again."""
    with common.explained():
        from openintervals.db.transaction import Tenant, Write
        from openintervals.platform import api_keys, organizations
        from openintervals.platform.scopes import SCOPES

        if mode not in api_keys.MODES:
            raise common.Refused(f"{mode!r} is no mode; use live or test")
        if bool(scope) == all_scopes:
            raise common.Refused(f"Give --all-scopes, or --scope once or more; scopes are {', '.join(SCOPES)}")
        asking = common.asking()
        expires_at = _instant(expires)
        if expires_at is not None and expires_at <= asking.now:
            raise common.Refused(f"{expires} has passed; a key ends in the future")

        async def make(tx: Write) -> api_keys.NewKey:
            owner = await organizations.with_slug(tx, organization)
            its = tx.as_tenant(Tenant(owner.id, mode))
            return await api_keys.create(its, scopes=list(scope or SCOPES), name=name, expires_at=expires_at)

        made = common.with_database(
            common.settings_of(data, database_url), lambda database: database.write(asking, make)
        )
        _show(made, f"A {made.mode} key for {organization}", json=json)


def every(
    organization: Annotated[
        str | None, typer.Option(help="Slug of an organization.", metavar="SLUG", show_default="all")
    ] = None,
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """List keys: their first and last characters, what they may do, and when they were last used."""
    with common.explained():
        from openintervals.db.transaction import Read, Tenant
        from openintervals.platform import api_keys, organizations

        async def collect(tx: Read) -> list[tuple[str, api_keys.ApiKey]]:
            owners = (
                [await organizations.with_slug(tx, organization)] if organization else await organizations.every(tx)
            )
            found = []
            for owner in owners:
                its = Read(tx.session, common.asking(Tenant(owner.id, "live")))
                found += [(owner.slug, key) for key in await api_keys.of_organization(its)]
            return found

        asking = common.asking()
        found = common.with_database(
            common.settings_of(data, database_url), lambda database: database.read(asking, collect)
        )
        if json:
            common.print_json([{"organization": slug, **_facts(key)} for slug, key in found])
            return
        now = instants.text(asking.now)
        common.print_table(
            ("id", "organization", "mode", "key", "name", "state", "last used", "scopes"),
            [
                (
                    key.id,
                    slug,
                    key.mode,
                    f"{key.prefix}…{key.last_four}",
                    key.name or "",
                    _state(key, now),
                    key.last_used_at or "never",
                    _scopes(key),
                )
                for slug, key in found
            ],
            "There is no key yet; `openintervals key create` makes one.",
        )


def rotate(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `key list` prints it.")],
    overlap: Annotated[str, typer.Option(help=f"How long the old key still works: {_OVERLAPS}.")] = "24h",
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """Make a second key with the same rights, and let the first one end after an overlap."""
    with common.explained():
        from openintervals.db.transaction import Tenant, Write
        from openintervals.platform import api_keys

        if overlap not in api_keys.OVERLAPS:
            raise common.Refused(f"{overlap!r} is no overlap; use one of {', '.join(api_keys.OVERLAPS)}")

        async def make(tx: Write) -> api_keys.NewKey:
            key, owner = await api_keys.find(tx, key_id)
            its = tx.as_tenant(Tenant(owner, key.mode))
            return await api_keys.rotate(its, key, overlap_s=api_keys.OVERLAPS[overlap])

        made = common.with_database(
            common.settings_of(data, database_url), lambda database: database.write(common.asking(), make)
        )
        ends = "has ended" if overlap == "now" else f"ends in {overlap}"
        _show(made, f"The key after {key_id}, which {ends}", json=json)


def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `key list` prints it.")],
    data: common.Data = None,
    database_url: common.DatabaseUrl = None,
    json: common.Json = False,
) -> None:
    """End a key at once."""
    with common.explained():
        from openintervals.db.transaction import Tenant, Write
        from openintervals.platform import api_keys

        async def end(tx: Write) -> api_keys.ApiKey:
            key, owner = await api_keys.find(tx, key_id)
            await api_keys.revoke(tx.as_tenant(Tenant(owner, key.mode)), key)
            return (await api_keys.find(tx, key_id))[0]

        ended = common.with_database(
            common.settings_of(data, database_url), lambda database: database.write(common.asking(), end)
        )
        if json:
            common.print_json({"id": ended.id, "revokedAt": ended.revoked_at})
            return
        typer.echo(f"Key {ended.id} ({ended.prefix}…{ended.last_four}) is revoked.")


def _show(made: "NewKey", title: str, *, json: bool) -> None:
    if json:
        common.print_json({"id": made.id, "key": made.key, "mode": made.mode, "scopes": made.scopes})
        return
    common.print_panel(
        title,
        [("id", made.id), ("key", made.key), ("scopes", " ".join(made.scopes))],
        "Keep the key now: it is stored as a hash and cannot be shown again.",
    )


def _facts(key: "ApiKey") -> dict[str, Any]:
    return {
        "id": key.id,
        "mode": key.mode,
        "name": key.name,
        "prefix": key.prefix,
        "lastFour": key.last_four,
        "scopes": key.scopes,
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
        "lastUsedAt": key.last_used_at,
    }


def _state(key: "ApiKey", now: str) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return "live"
    return "expired" if key.expires_at <= now else f"live until {key.expires_at}"


def _scopes(key: "ApiKey") -> str:
    from openintervals.platform.scopes import SCOPES

    names = msgspec.json.decode(key.scopes)
    return "all" if names == list(SCOPES) else " ".join(names)


def _instant(text: str | None) -> datetime | None:
    """The instant a person means: a date is its first moment in UTC. Raises Refused."""
    if text is None:
        return None
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise common.Refused(f"{text!r} is no date; write 2027-03-01 or 2027-03-01T09:00:00Z") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
