"""The organization a key belongs to, as the partner API speaks of it."""

from typing import Literal

import msgspec
from msgspec import field

from openintervals.api.http import Read
from openintervals.api.partner.dialect import Wire, partner
from openintervals.platform import organizations


class Organization(Wire, frozen=True):
    """Whom the key belongs to. Exactly these fields: the published schema allows no others."""

    id: str = field(name="_id")
    name: str
    slug: str
    roles: list[Literal["organizer", "sponsor", "federation"]]
    plan: Literal["free", "local", "elite", "enterprise"]


@partner.operation("GET", "/organization", scope="read:series", tag="Organization", snapshot=False)
async def get_organization(tx: Read) -> Organization:
    """Retrieve your organization

    The organization the key belongs to; the same for live and test keys.
    """
    organization = await organizations.current(tx)
    return Organization(
        organization.id,
        organization.name,
        organization.slug,
        msgspec.json.decode(organization.roles),
        organization.plan,  # type: ignore[arg-type]  # organizations.create lets in no other plan
    )
