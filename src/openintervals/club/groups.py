"""Groups: events a club shows together under one slug, such as "Friday Night Lights".    active ⇄ paused ⇄ archived

A group holds no events, it names them: an event may be in several groups or in none, and stays when a group goes.
Its status is a label for whoever shows it; nothing here depends on it.

Invariants, held by the database: a slug is unique in its organization and mode, an event is in a group once.
The group's row is the lock of its list, and an event's lock comes before it: when an event is added while it is being deleted,
either the deletion takes it out again or the adding finds it gone. Two that add one event at once add it once.
"""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from openintervals import errors
from openintervals.club import events
from openintervals.db import failures, schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Read, T, Write
from openintervals.platform import ids, journal, pages

groups = schema.table(
    "groups",
    sa.Column("id", schema.Text, nullable=False),
    sa.Column("name", schema.Text, nullable=False),
    sa.Column("slug", schema.Text, nullable=False),
    sa.Column("description", schema.Text),
    sa.Column("status", schema.Text, nullable=False),
    sa.Column("card_image_id", schema.Text),
    sa.Column("cover_image_id", schema.Text),
    sa.Column("created_at", schema.Text, nullable=False),
    sa.Column("updated_at", schema.Text, nullable=False),
    sa.Column("version", schema.Integer, nullable=False),
    sa.UniqueConstraint("organization_id", "mode", "slug", name="uq_groups_slug"),
    sa.CheckConstraint("status IN ('active', 'paused', 'archived')", name="status"),
    sa.Index("ix_groups_status", "organization_id", "mode", "status", "id"),
)

group_events = schema.table(
    "group_events",
    sa.Column("group_id", schema.Text, nullable=False),
    sa.Column("event_id", schema.Text, nullable=False),
    sa.Index("ix_group_events_event_id", "organization_id", "mode", "event_id"),
    key=("group_id", "event_id"),
)


class Group(msgspec.Struct, frozen=True):
    id: str
    organization_id: str
    name: str
    slug: str
    description: str | None
    status: str
    card_image_id: str | None
    cover_image_id: str | None
    created_at: str
    updated_at: str
    version: int


class GroupNotFound(errors.NotFound):
    code = "group_not_found"

    def __init__(self) -> None:
        super().__init__("Group not found")


class NotInGroup(errors.NotFound):
    code = "event_not_in_group"

    def __init__(self) -> None:
        super().__init__("Event not found in this group")


class SlugTaken(errors.Conflict):
    code = "group_slug_taken"

    def __init__(self, slug: str) -> None:
        super().__init__(f"Another group has the slug {slug!r}; choose a different one")


@statement
def _insert() -> sa.Insert:
    return sa.insert(groups)


@statement
def _page(view: type[msgspec.Struct], direction: pages.Direction, *, by_status: bool) -> sa.Select[Any]:
    select = sa.select(*columns(view, groups)).where(own(groups))
    if by_status:
        select = select.where(groups.c.status == sa.bindparam("status"))
    return pages.paged(select, groups.c.id, direction)


@statement
def _get(*, lock: bool) -> sa.Select[Any]:
    select = sa.select(*columns(Group, groups)).where(own(groups), groups.c.slug == sa.bindparam("slug"))
    return select.with_for_update() if lock else select


@statement
def _update(names: tuple[str, ...]) -> sa.Update:
    return (
        sa.update(groups)
        .where(own(groups), groups.c.id == sa.bindparam("group_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )


@statement
def _delete() -> sa.Delete:
    return sa.delete(groups).where(own(groups), groups.c.id == sa.bindparam("group_id"))


@statement
def _events_page(view: type[msgspec.Struct], direction: pages.Direction) -> sa.Select[Any]:
    select = sa.select(*columns(view, events.events)).where(
        own(group_events),
        group_events.c.group_id == sa.bindparam("group_id"),
        own(events.events),
        events.events.c.id == group_events.c.event_id,
    )
    return pages.paged(select, group_events.c.event_id, direction)


@statement
def _add() -> sa.sql.dml.Insert:
    return postgresql.insert(group_events).on_conflict_do_nothing()


@statement
def _take_out() -> sa.Delete:
    return sa.delete(group_events).where(
        own(group_events),
        group_events.c.group_id == sa.bindparam("group_id"),
        group_events.c.event_id == sa.bindparam("event_id"),
    )


@statement
def _empty() -> sa.Delete:
    return sa.delete(group_events).where(own(group_events), group_events.c.group_id == sa.bindparam("group_id"))


@statement
def _with_event() -> sa.Select[Any]:
    """Groups an event is in, locked in one order whoever asks."""
    named = sa.select(group_events.c.group_id).where(
        own(group_events), group_events.c.event_id == sa.bindparam("event_id")
    )
    return (
        sa.select(*columns(Group, groups))
        .where(own(groups), groups.c.id.in_(named))
        .order_by(groups.c.id)
        .with_for_update()
    )


async def page(tx: Read, view: type[T], status: str | None, window: pages.Window) -> tuple[list[T], bool]:
    """Groups newest first as `view`, of one status or all, and whether there are more in the direction of travel."""
    statement_ = _page(view, window.direction, by_status=status is not None)
    return window.cut(await tx.all(view, statement_, **({"status": status} if status else {}), **window.parameters))


async def get(tx: Read, slug: str) -> Group:
    """Raises GroupNotFound."""
    group = await tx.one(Group, _get(lock=False), slug=slug)
    if group is None:
        raise GroupNotFound
    return group


async def lock(tx: Write, slug: str) -> Group:
    """The group as it is now; nobody else changes it or its list until this transaction ends. Raises GroupNotFound."""
    group = await tx.one(Group, _get(lock=True), slug=slug)
    if group is None:
        raise GroupNotFound
    return group


async def events_page(tx: Read, group: Group, view: type[T], window: pages.Window) -> tuple[list[T], bool]:
    """The group's events newest first as `view`, and whether there are more in the direction of travel."""
    statement_ = _events_page(view, window.direction)
    return window.cut(await tx.all(view, statement_, group_id=group.id, **window.parameters))


async def create(tx: Write, values: dict[str, Any]) -> Group:
    """A new, empty group from its given columns. Raises SlugTaken."""
    blank = dict.fromkeys(Group.__struct_fields__)
    group = Group(
        **{
            **blank,
            "status": "active",
            "version": 1,
            **values,
            "id": ids.new(ids.GROUP, tx.now),
            "organization_id": tx.tenant.organization_id,
            "created_at": tx.now_text,
            "updated_at": tx.now_text,
        }
    )
    try:
        await tx.execute(_insert(), **msgspec.structs.asdict(group))
    except failures.Duplicate:
        raise SlugTaken(group.slug) from None
    await journal.record(tx, "group.created", group)
    return group


async def change(tx: Write, before: Group, values: dict[str, Any]) -> Group:
    """Change the given columns of a locked group. Raises SlugTaken."""
    after = msgspec.structs.replace(before, **values)
    if not journal.difference(before, after):
        return before
    after = msgspec.structs.replace(after, version=before.version + 1, updated_at=tx.now_text)
    new = {f"new_{name}": getattr(after, name) for name in (*sorted(values), "version", "updated_at")}
    try:
        await tx.execute(_update(tuple(name.removeprefix("new_") for name in new)), group_id=after.id, **new)
    except failures.Duplicate:
        raise SlugTaken(after.slug) from None
    await journal.record(tx, "group.updated", after, before)
    return after


async def remove(tx: Write, group: Group) -> None:
    """Delete a locked group; its events stay."""
    await tx.execute(_empty(), group_id=group.id)
    await tx.execute(_delete(), group_id=group.id)
    gone = msgspec.structs.replace(group, version=group.version + 1, updated_at=tx.now_text)
    await journal.record(tx, "group.deleted", gone, group)


async def add_event(tx: Write, slug: str, event_id: str) -> None:
    """Put an event into a group; doing it again changes nothing. Raises EventNotFound, GroupNotFound."""
    event = await events.lock(tx, event_id)
    group = await lock(tx, slug)
    if await tx.execute(_add(), group_id=group.id, event_id=event.id):
        await _list_changed(tx, group, {"event_added": event.id})


async def remove_event(tx: Write, slug: str, event_id: str) -> None:
    """Take an event out of a group; the event stays. Raises GroupNotFound, NotInGroup."""
    group = await lock(tx, slug)
    if not await tx.execute(_take_out(), group_id=group.id, event_id=event_id):
        raise NotInGroup
    await _list_changed(tx, group, {"event_removed": event_id})


async def forget_event(tx: Write, event_id: str) -> None:
    """Take a locked event, which is about to be deleted, out of every group it is in."""
    for group in await tx.all(Group, _with_event(), event_id=event_id):
        if await tx.execute(_take_out(), group_id=group.id, event_id=event_id):
            await _list_changed(tx, group, {"event_removed": event_id})


async def _list_changed(tx: Write, before: Group, what: dict[str, str]) -> None:
    after = msgspec.structs.replace(before, version=before.version + 1, updated_at=tx.now_text)
    names = ("version", "updated_at")
    await tx.execute(_update(names), group_id=after.id, new_version=after.version, new_updated_at=after.updated_at)
    await journal.record(tx, "group.updated", after, before, also=what, also_changed=("events",))
