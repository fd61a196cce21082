"""Groups, as the partner API speaks of them: found by slug, where events are found by id."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, UnsetType, field

from openintervals import errors
from openintervals.api.http import Created, Page, Read, Write
from openintervals.api.partner import dialect
from openintervals.api.partner.dialect import Wire, WireIn, partner
from openintervals.api.partner.events import EventListed
from openintervals.api.rules import Rules
from openintervals.club import groups

GroupStatus = Literal["active", "paused", "archived"]


class Group(Wire, frozen=True):
    """A group of events."""

    id: str = field(name="_id")
    organization_id: str
    name: str
    slug: str
    status: GroupStatus
    description: str | None = None
    card_image_id: str | None = None
    cover_image_id: str | None = None


class GroupsQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rules: ClassVar[Rules] = dialect.PAGED

    limit: dialect.Limit = 50
    after: dialect.GroupCursor | None = None
    before: dialect.GroupCursor | None = None
    status: Annotated[GroupStatus | None, msgspec.Meta(description="Only groups of this status.")] = None


class GroupEventsQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rules: ClassVar[Rules] = dialect.PAGED

    limit: dialect.Limit = 50
    after: dialect.EventCursor | None = None
    before: dialect.EventCursor | None = None


class GroupCreate(WireIn, frozen=True, kw_only=True):
    """A new group."""

    name: dialect.Title
    slug: dialect.Slug
    description: dialect.Prose | None = None
    status: GroupStatus = "active"
    card_image_id: dialect.Line | None = None
    cover_image_id: dialect.Line | None = None


class GroupPatch(WireIn, frozen=True, kw_only=True):
    """What to change; null clears an optional field."""

    name: dialect.Title | UnsetType = UNSET
    slug: dialect.Slug | UnsetType = UNSET
    description: dialect.Prose | None | UnsetType = UNSET
    status: GroupStatus | UnsetType = UNSET
    card_image_id: dialect.Line | None | UnsetType = UNSET
    cover_image_id: dialect.Line | None | UnsetType = UNSET


class GroupCreated(Wire, frozen=True):
    group_id: str


@partner.operation("GET", "/groups", scope="read:groups", tag="Groups", snapshot=False)
async def list_groups(tx: Read, query: GroupsQuery) -> Page[Group]:
    """List groups

    All groups of the organization, of every status unless one is asked for, newest created first, one page at a time.
    """
    return Page(*await groups.page(tx, Group, query.status, dialect.window(query)))


@partner.operation("GET", "/groups/{slug}", scope="read:groups", tag="Groups", fails=(errors.NotFound,), snapshot=False)
async def get_group(tx: Read, slug: str) -> Group:
    """Retrieve a group

    A group is found by its slug, not by its id.
    """
    return _view(await groups.get(tx, slug))


@partner.operation("GET", "/groups/{slug}/events", scope="read:groups", tag="Groups", fails=(errors.NotFound,))
async def list_group_events(tx: Read, slug: str, query: GroupEventsQuery) -> Page[EventListed]:
    """List the events in a group

    Newest created first, one page at a time; cursors are event ids.
    """
    group = await groups.get(tx, slug)
    return Page(*await groups.events_page(tx, group, EventListed, dialect.window(query)))


@partner.operation("POST", "/groups", scope="write:groups", tag="Groups", status=201, fails=(errors.Conflict,))
async def create_group(tx: Write, body: GroupCreate) -> Created[GroupCreated]:
    """Create a group

    The slug must be unique among the organization's groups. The group is empty; add events with
    PUT /groups/{slug}/events/{event_id}.
    """
    group = await groups.create(tx, body.given())
    return Created(GroupCreated(group_id=group.id), f"/groups/{group.slug}")


@partner.operation(
    "PATCH", "/groups/{slug}", scope="write:groups", tag="Groups", fails=(errors.NotFound, errors.Conflict)
)
async def update_group(tx: Write, slug: str, body: GroupPatch) -> Group:
    """Change a group

    Absent fields stay as they are, null clears an optional one. With another slug the group is found there at once.
    """
    group = await groups.lock(tx, slug)
    return _view(await groups.change(tx, group, body.given()))


@partner.operation("DELETE", "/groups/{slug}", scope="write:groups", tag="Groups", status=204, fails=(errors.NotFound,))
async def delete_group(tx: Write, slug: str) -> None:
    """Delete a group

    Its events stay.
    """
    await groups.remove(tx, await groups.lock(tx, slug))


@partner.operation(
    "PUT", "/groups/{slug}/events/{event_id}", scope="write:groups", tag="Groups", status=204, fails=(errors.NotFound,)
)
async def add_group_event(tx: Write, slug: str, event_id: str) -> None:
    """Add an event to a group

    Adding it again is no error and changes nothing.
    """
    await groups.add_event(tx, slug, event_id)


@partner.operation(
    "DELETE",
    "/groups/{slug}/events/{event_id}",
    scope="write:groups",
    tag="Groups",
    status=204,
    fails=(errors.NotFound,),
)
async def remove_group_event(tx: Write, slug: str, event_id: str) -> None:
    """Remove an event from a group

    The event itself stays.
    """
    await groups.remove_event(tx, slug, event_id)


def _view(group: groups.Group) -> Group:
    return Group(**{name: getattr(group, name) for name in Group.__struct_fields__})
