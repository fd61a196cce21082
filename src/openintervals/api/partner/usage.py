"""Usage, as the partner API speaks of it: how much a key and its organization asked for, day by day."""

from typing import Annotated

import msgspec
from msgspec import field

from openintervals.api.exchange import Runtime
from openintervals.api.http import Caller, Page, Read
from openintervals.api.partner import dialect
from openintervals.api.partner.dialect import Wire, partner
from openintervals.platform import usage


class UsageDay(Wire, frozen=True):
    """Requests of one day (UTC) in the key's mode."""

    day: dialect.DateOut = field(name="date")
    key: Annotated[int, msgspec.Meta(description="Requests made with this key.")] = field(name="keyRequests")
    organization: Annotated[int, msgspec.Meta(description="Requests made with all keys of the organization.")] = field(
        name="organizationRequests"
    )


@partner.operation("GET", "/usage", scope=None, tag="Usage", snapshot=False)
async def get_usage(tx: Read, caller: Caller, runtime: Runtime) -> Page[UsageDay]:
    """Requests by day

    The last 31 days that had requests, newest first, this request included. Requests that were refused for being too many
    do not count. Any valid key may ask.
    """
    days = await usage.by_day(tx, caller.key_id, runtime.usage)
    return Page([UsageDay(day.day, day.key, day.organization) for day in days], has_more=False)
