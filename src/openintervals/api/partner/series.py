"""Series, as the partner API speaks of them: an event that has a recurrence, under the event's own id."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import field

from openintervals import errors
from openintervals.api.http import Page, Read
from openintervals.api.partner import dialect
from openintervals.api.partner.dialect import Wire, partner
from openintervals.api.rules import Rules
from openintervals.club import series


class Series(Wire, frozen=True):
    """A series: an event that recurs."""

    id: Annotated[str, msgspec.Meta(description="The event's own id.")] = field(name="_id")
    organization_id: str
    name: str
    slug: str
    description: str | None = None


class SeriesQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rules: ClassVar[Rules] = dialect.PAGED

    limit: dialect.Limit = 50
    after: dialect.EventCursor | None = None
    before: dialect.EventCursor | None = None
    slug: Annotated[dialect.Line | None, msgspec.Meta(description="Only the series with this slug.")] = None


@partner.operation("GET", "/series", scope="read:series", tag="Series", snapshot=False)
async def list_series(tx: Read, query: SeriesQuery) -> Page[Series]:
    """List series

    All events of the organization that have a recurrence, newest created first, one page at a time.
    """
    return Page(*await series.page(tx, Series, query.slug, dialect.window(query)))


@partner.operation(
    "GET", "/series/{series_id}", scope="read:series", tag="Series", fails=(errors.NotFound,), snapshot=False
)
async def get_series(tx: Read, series_id: str) -> Series:
    """Retrieve a series

    Its id is that of its event; GET /events/{event_id} gives the event with its runs.
    """
    return await series.get(tx, Series, series_id)
