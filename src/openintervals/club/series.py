"""Series: the events that recur. A weekly club run or a monthly race is an event with a recurrence, seen as one thing.

A series is not stored: an event becomes one with its first recurrence, whatever that one's status, and stops being one with its last.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.club.events import events
from openintervals.club.recurrences import recurrences
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, T
from openintervals.platform import pages


class SeriesNotFound(errors.NotFound):
    code = "series_not_found"

    def __init__(self) -> None:
        super().__init__("Series not found")


def _recurs() -> sa.ColumnElement[bool]:
    return sa.exists().where(own(recurrences), recurrences.c.event_id == events.c.id)


@statement
def _page(view: type[msgspec.Struct], direction: pages.Direction) -> sa.Select[Any]:
    """Walks the recurrences, of which there are few, and not the events."""
    recurring = sa.select(recurrences.c.event_id).where(own(recurrences)).distinct()
    window = pages.paged(recurring, recurrences.c.event_id, direction)
    order = events.c.id.asc() if direction == "before" else events.c.id.desc()
    return sa.select(*columns(view, events)).where(own(events), events.c.id.in_(window)).order_by(order)


@statement
def _page_with_slug(view: type[msgspec.Struct], direction: pages.Direction) -> sa.Select[Any]:
    select = sa.select(*columns(view, events)).where(own(events), events.c.slug == sa.bindparam("slug"), _recurs())
    return pages.paged(select, events.c.id, direction)


@statement
def _get(view: type[msgspec.Struct]) -> sa.Select[Any]:
    return sa.select(*columns(view, events)).where(own(events), events.c.id == sa.bindparam("id"), _recurs())


async def page(tx: Read, view: type[T], slug: str | None, window: pages.Window) -> tuple[list[T], bool]:
    """Series newest first as `view`, all or the one with `slug`, and whether there are more in the direction of travel."""
    if slug is not None:
        one = _page_with_slug(view, window.direction)
        return window.cut(await tx.all(view, one, slug=slug, **window.parameters))
    return window.cut(await tx.all(view, _page(view, window.direction), **window.parameters))


async def get(tx: Read, view: type[T], event_id: str) -> T:
    """Raises SeriesNotFound, also for an event that does not recur."""
    series = await tx.one(view, _get(view), id=event_id)
    if series is None:
        raise SeriesNotFound
    return series
