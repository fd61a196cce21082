"""The changes feed: every change of an organization, and of one mode, in one order that never changes, to be followed by position.

    arrived → numbered

A journal entry's place in the feed is its `position`: 1, 2, 3, without gaps. Entries are seen in the order of their positions, and whoever has seen
everything up to a position never misses what comes later: an entry gets its position once, after all that were there before it.

On SQLite one writer works at a time, so an entry is numbered as it is inserted. On PostgreSQL writers overlap: one that drew its sequence number
first may commit last, so what order commits came in is known only afterwards, and is settled by whoever reads. An entry arrives without a position; a
reader who needs more than is numbered runs a short transaction that takes the tenant's row in `feeds` as its lock and gives the committed entries
the next positions, in the order of their sequence. About one object that order is right: the later change waited for the earlier one's row lock
before it drew its number, so where it can be seen the earlier one can be seen too. See docs/decisions/0014-the-feed-is-numbered.md.

When two read at once the lock orders their numbering, and the second sees what the first has numbered. What is numbered never changes, but for a
backup that is restored: it takes the feed back to where it was then, and a reader who has seen further is told to begin anew.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from openintervals import errors
from openintervals.db import Database, schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Asking, Read, Write
from openintervals.platform import ids
from openintervals.platform.journal import journal
from openintervals.platform.scopes import READS

PORTION = 5_000
"""How many entries one request numbers at most."""
LOOKED_MOST = 20_000
"""How many entries one request looks through at most, however rare what it asks for is."""
SLICE = 2_000
"""How many of them one statement looks through: on SQLite others are served in between."""
KINDS_MOST = 12
"""How many types of object one reader follows whole at most; of others it names the types of change."""
CURSOR_CHARACTERS = 12
CURSOR = f"^c[{ids.ALPHABET}]{{{CURSOR_CHARACTERS}}}$"

feeds = schema.table("feeds", sa.Column("position", sa.BigInteger, nullable=False), key=())


class Change(msgspec.Struct, frozen=True):
    """A numbered entry of the journal, as the feed shows it."""

    position: int
    at: str
    verb: str
    implies: str
    object_type: str
    object_id: str
    object_version: int
    changed: msgspec.Raw
    snapshot: msgspec.Raw


class Asked(msgspec.Struct, frozen=True):
    """What a reader is shown: every change of the objects in `kinds`, and of others those of a type in `names`."""

    kinds: tuple[str, ...]
    names: tuple[str, ...]

    def type_of(self, change: Change) -> str:
        """The one type a change is shown under: its own, or else the first of those it implies that was asked for."""
        if change.object_type in self.kinds or change.verb in self.names:
            return change.verb
        return next(name for name in change.implies.split() if name in self.names)


class Part(msgspec.Struct, frozen=True):
    """A part of the feed: the changes shown, the position to go on from, and whether there may be more after it."""

    changes: list[Change]
    position: int
    has_more: bool


class CursorAhead(errors.Invalid):
    """The cursor was given out by a feed that went further than this one."""

    def __init__(self) -> None:
        said = "This cursor is ahead of the feed, as after a backup was restored; begin anew without it"
        super().__init__("Invalid request parameters", {"after": [said]})


class _Ends(msgspec.Struct, frozen=True):
    first: int
    last: int
    arrived: bool


def asked(types: Sequence[str], scopes: frozenset[str]) -> Asked:
    """What a reader with `scopes` sees who asks for `types`: names, `object.*` or `*`, or none for everything. Pure.

    What the scopes do not let it read is left out without a word."""
    readable = [kind for kind, scope in READS.items() if scope in scopes]
    kinds = tuple(kind for kind in readable if not types or "*" in types or f"{kind}.*" in types)
    wanted = [name for name in types if not name.endswith("*")]
    names = [name for name in wanted if (kind := name.partition(".")[0]) in readable and kind not in kinds]
    return Asked(kinds, tuple(sorted(set(names))))


def cursor(position: int) -> str:
    """A position as readers hold it: opaque, and of one width, so that cursors sort as the feed does."""
    return "c" + ids.base32(position, CURSOR_CHARACTERS)


def position_of(text: str) -> int:
    """The position a cursor stands for. It has the form `CURSOR`; that it was ever given out is not asked."""
    return ids.from_base32(text[1:])


def _end(order: sa.ColumnElement[Any]) -> sa.ScalarSelect[int]:
    # Not min and max, for which PostgreSQL, while it has no statistics, may go through all there is.
    numbered = sa.select(journal.c.position).where(own(journal), journal.c.position.is_not(None))
    return numbered.order_by(order).limit(sa.literal_column("1")).scalar_subquery()


def _highest() -> sa.ColumnElement[int]:
    return sa.func.coalesce(_end(journal.c.position.desc()), 0)


@statement
def _ends() -> sa.Select[Any, Any, Any]:
    # In order, so that PostgreSQL looks at the end of the index and not, where others have much that has arrived, through the whole table.
    arrived = sa.select(sa.func.min(journal.c.sequence)).where(own(journal), journal.c.position.is_(None))
    return sa.select(sa.func.coalesce(_end(journal.c.position), 1), _highest(), arrived.scalar_subquery().is_not(None))


@statement
def _slice(names: int) -> sa.Select[Any]:
    wanted = [journal.c.object_type.in_([_text(f"kind_{number}") for number in range(KINDS_MOST)])]
    if names:
        wanted.append(journal.c.verb.in_([_text(f"name_{number}") for number in range(names)]))
        implied = sa.literal_column("' '").concat(journal.c.implies).concat(sa.literal_column("' '"))
        wanted += [implied.like(_text(f"like_{number}"), escape="/") for number in range(names)]
    return (
        sa.select(*columns(Change, journal))
        .where(
            own(journal),
            journal.c.position > sa.bindparam("after", type_=sa.BigInteger),
            journal.c.position <= sa.bindparam("until", type_=sa.BigInteger),
            sa.or_(*wanted),
        )
        .order_by(journal.c.position)
        .limit(sa.bindparam("row_limit", type_=sa.Integer))
    )


@statement
def _begin() -> sa.Insert:
    # The journal may hold positions already: those it was given on SQLite, by whoever moved it from there.
    values = {
        "organization_id": sa.bindparam("organization_id"),
        "mode": sa.bindparam("mode"),
        "position": _highest(),
    }
    return postgresql.insert(feeds).values(values).on_conflict_do_nothing()


@statement
def _lock() -> sa.Select[Any]:
    return sa.select(feeds.c.position).where(own(feeds)).with_for_update()


@statement
def _number() -> sa.Update:
    # By its place in the file, which is an entry's own: while there are no statistics, as in a new database, every index that
    # begins with the tenant looks as good as the key, and a portion would read all there is for each of its entries.
    place: sa.ColumnClause[Any] = sa.literal_column("journal.ctid")
    arrived = (
        sa.select(place.label("place"), sa.func.row_number().over(order_by=journal.c.sequence).label("number"))
        .where(own(journal), journal.c.position.is_(None))
        .order_by(journal.c.sequence)
        .limit(sa.bindparam("row_limit", type_=sa.Integer))
        .subquery("arrived")
    )
    return (
        sa.update(journal)
        .where(own(journal), place == arrived.c.place)
        .values(position=sa.bindparam("last", type_=sa.BigInteger) + arrived.c.number)
    )


@statement
def _advance() -> sa.Update:
    return sa.update(feeds).where(own(feeds)).values(position=_highest())


def _text(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.Text)


async def number(database: Database, asking: Asking, *, after: int, limit: int) -> None:
    """Have what has arrived numbered, `PORTION` entries at most, unless more than `limit` after a position are already.

    It has transactions of its own, and comes before that of whoever reads: one who held a connection while waiting here for another could
    keep others from reading."""
    if database.kind == "sqlite":
        return
    ends = await database.read(asking, _look, snapshot=False)
    if ends.arrived and ends.last - after <= limit:
        await database.write(asking, _number_portion)


async def _number_portion(tx: Write) -> None:
    last = await tx.value(_lock())
    if last is None:
        await tx.execute(_begin())
        last = await tx.value(_lock())
    # A statement of its own, begun with the lock in hand: it sees what the one who had it before has numbered.
    if await tx.execute(_number(), last=last, row_limit=PORTION):
        await tx.execute(_advance())


async def follow(tx: Read, asked: Asked, *, after: int, limit: int) -> Part:
    """The next `limit` changes after a position, oldest first, of those that are numbered. Raises CursorAhead."""
    ends = await _look(tx)
    if after > ends.last:
        raise CursorAhead
    at = max(after, ends.first - 1)
    until = min(ends.last, at + LOOKED_MOST)
    found: list[Change] = []
    while at < until and len(found) <= limit and (asked.kinds or asked.names):
        end = min(at + SLICE, until)
        bounds = {"after": at, "until": end, "row_limit": limit + 1 - len(found)}
        found += await tx.all(Change, _slice(len(asked.names)), **bounds, **_wanted(asked))
        at = end
    if len(found) > limit:
        return Part(found[:limit], found[limit - 1].position, has_more=True)
    return Part(found, max(after, until), has_more=until < ends.last or ends.arrived)


async def _look(tx: Read) -> _Ends:
    ends = await tx.one(_Ends, _ends())
    assert ends is not None, "a SELECT without FROM gives a row"
    return ends


def _wanted(asked: Asked) -> dict[str, str]:
    """The parameters of `_slice` that say what is asked for. A name is looked for whole among those a change implies."""
    assert len(asked.kinds) <= KINDS_MOST, "a reader follows more types of object than a statement has room for"
    kinds = [*asked.kinds, *[""] * (KINDS_MOST - len(asked.kinds))]
    return {
        **{f"kind_{number}": kind for number, kind in enumerate(kinds)},
        **{f"name_{number}": name for number, name in enumerate(asked.names)},
        **{f"like_{number}": f"% {name.replace('_', '/_')} %" for number, name in enumerate(asked.names)},
    }
