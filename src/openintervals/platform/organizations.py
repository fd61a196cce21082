"""Organizations: the tenants. A club, a race company, a federation; everything else belongs to one.

The organization itself is the same in live and in test mode; its journal is in live mode. `plan` decides how many requests its keys may make.
`bypass_windows` lets its partner keys register outside registration windows (late paper entries, imports).
Two that are made at once with one slug: the unique slug lets one through, the other is told so.
"""

import re
from datetime import datetime
from zoneinfo import available_timezones

import msgspec
import sqlalchemy as sa

from openintervals import errors, instants
from openintervals.db import failures, schema
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, Tenant, Write
from openintervals.platform import ids, journal

ROLES = ("organizer", "sponsor", "federation")
PLANS = ("free", "local", "elite", "enterprise")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")

organizations = sa.Table(
    "organizations",
    schema.metadata,
    sa.Column("id", schema.Text, primary_key=True),
    sa.Column("name", schema.Text, nullable=False),
    sa.Column("slug", schema.Text, nullable=False, unique=True),
    sa.Column("roles", schema.Json, nullable=False),
    sa.Column("plan", schema.Text, nullable=False),
    sa.Column("timezone", schema.Text, nullable=False),
    sa.Column("bypass_windows", schema.Flag, nullable=False),
    sa.Column("created_at", schema.Text, nullable=False),
    sqlite_with_rowid=False,
)


class Organization(msgspec.Struct, frozen=True):
    id: str
    name: str
    slug: str
    roles: msgspec.Raw
    plan: str
    timezone: str
    bypass_windows: bool
    created_at: str


class SlugTaken(errors.Conflict):
    code = "slug_taken"


def problems(*, name: str, slug: str, roles: list[str], plan: str, timezone: str) -> dict[str, list[str]]:
    """What is wrong with a new organization, by field; empty when nothing is."""
    wrong: dict[str, list[str]] = {}
    if not name.strip() or len(name) > 200:
        wrong["name"] = ["A name has 1 to 200 characters"]
    if not SLUG.match(slug) or len(slug) > 100:
        wrong["slug"] = ["A slug has lower-case letters, digits and single hyphens, such as north-shore-runners"]
    if not roles or not set(roles) <= set(ROLES):
        wrong["roles"] = [f"Roles are one or more of {', '.join(ROLES)}"]
    if plan not in PLANS:
        wrong["plan"] = [f"A plan is one of {', '.join(PLANS)}"]
    if timezone not in available_timezones():
        wrong["timezone"] = [f"{timezone!r} is no time zone; use a name such as Europe/Berlin"]
    return wrong


@statement
def _by_id() -> sa.Select[tuple[object, ...]]:
    return sa.select(*columns(Organization, organizations)).where(organizations.c.id == sa.bindparam("organization_id"))


@statement
def _by_slug() -> sa.Select[tuple[object, ...]]:
    return sa.select(*columns(Organization, organizations)).where(organizations.c.slug == sa.bindparam("slug"))


@statement
def _all() -> sa.Select[tuple[object, ...]]:
    return sa.select(*columns(Organization, organizations)).order_by(organizations.c.slug)


@statement
def _insert() -> sa.Insert:
    return sa.insert(organizations)


@statement
def _set_bypass() -> sa.Update:
    return (
        sa.update(organizations)
        .where(organizations.c.id == sa.bindparam("organization_id"))
        .values(bypass_windows=sa.bindparam("bypass"))
    )


async def current(tx: Read) -> Organization:
    """The organization of the transaction. Raises NotFound when it is gone."""
    organization = await tx.one(Organization, _by_id())
    if organization is None:
        raise errors.NotFound("Organization not found")
    return organization


async def with_slug(tx: Read, slug: str) -> Organization:
    """Raises NotFound."""
    organization = await tx.one(Organization, _by_slug(), slug=slug)
    if organization is None:
        raise errors.NotFound(f"There is no organization with the slug {slug!r}")
    return organization


async def every(tx: Read) -> list[Organization]:
    return await tx.all(Organization, _all())


async def create(
    tx: Write, *, name: str, slug: str, roles: list[str], plan: str, timezone: str, now: datetime
) -> Organization:
    """A new organization. Raises Invalid with every wrong field, SlugTaken."""
    if wrong := problems(name=name, slug=slug, roles=roles, plan=plan, timezone=timezone):
        raise errors.Invalid("The organization cannot be made", wrong)
    organization = Organization(
        ids.new(ids.ORGANIZATION, now),
        name,
        slug,
        msgspec.Raw(msgspec.json.encode(roles)),
        plan,
        timezone,
        False,
        instants.text(now),
    )
    try:
        fields = msgspec.structs.asdict(organization)
        await tx.execute(_insert(), **{**fields, "roles": msgspec.json.encode(roles).decode()})
    except failures.Duplicate:
        raise SlugTaken(f"The slug {slug!r} is taken; choose another") from None
    await journal.record_unversioned(_as_itself(tx, organization.id), "organization.created", organization)
    return organization


async def let_keys_bypass_windows(tx: Write, *, bypass: bool) -> None:
    """Whether this organization's partner keys register outside registration windows."""
    before = await current(tx)
    if before.bypass_windows == bypass:
        return
    await tx.execute(_set_bypass(), bypass=bypass)
    after = msgspec.structs.replace(before, bypass_windows=bypass)
    await journal.record_unversioned(_as_itself(tx, after.id), "organization.updated", after, before)


def _as_itself(tx: Write, organization_id: str) -> Write:
    return tx.as_tenant(Tenant(organization_id, "live"))
