"""The journal: one append-only row for each change, written in the same transaction as the change.

It is the audit log, the source of the changes feed and of webhook deliveries: who did what to which object, its version and
how it was afterwards. A row is never changed, but for the place in the feed it is given once (`position`, see `changes`).
`sequence` grows within an organization and mode; on SQLite, where one writer works at a time, it has no gaps, is the order of commits, and the
position in the feed. On PostgreSQL it comes from a sequence shared by all, and writers that overlap may commit in another order
than they drew their numbers; about one object they never do, since its row's lock orders them.
Each entry also goes to the outbox. When two write at once each has its own row; an object has one entry for each of its versions.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from openintervals import instants
from openintervals.db import schema
from openintervals.db.schema import own
from openintervals.db.statement import columns, statement
from openintervals.db.transaction import Asking, Read, Write
from openintervals.platform import outbox

journal = schema.table(
    "journal",
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("at", schema.Text, nullable=False),
    sa.Column("actor", schema.Text, nullable=False),
    sa.Column("verb", schema.Text, nullable=False),
    sa.Column("object_type", schema.Text, nullable=False),
    sa.Column("object_id", schema.Text, nullable=False),
    sa.Column("object_version", sa.BigInteger, nullable=False),
    sa.Column("changed", schema.Json, nullable=False),
    sa.Column("snapshot", schema.Json, nullable=False),
    sa.Column("implies", schema.Text, nullable=False, server_default=""),
    sa.Column("position", sa.BigInteger),
    sa.Index("uq_journal_version", "organization_id", "mode", "object_id", "object_version", unique=True),
    sa.Index("uq_journal_position", "organization_id", "mode", "position", unique=True),
    sa.Index(
        "ix_journal_arrived",
        "organization_id",
        "mode",
        "sequence",
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    ),
    key=("sequence",),
)

NUMBERS = sa.Sequence("journal_sequence", metadata=schema.metadata)


class Entry(msgspec.Struct, frozen=True):
    sequence: int
    at: str
    actor: str
    verb: str
    object_type: str
    object_id: str
    object_version: int
    changed: msgspec.Raw
    snapshot: msgspec.Raw


class Recorded(Protocol):
    """What the journal can keep: a record with an id."""

    __struct_fields__: ClassVar[tuple[str, ...]]

    @property
    def id(self) -> str: ...


class Versioned(Recorded, Protocol):
    """A record with a version of its own, which grows by one at each change."""

    @property
    def version(self) -> int: ...


class _next_sequence(sa.sql.functions.GenericFunction[int]):  # noqa: N801 — a SQL function
    inherit_cache = True
    type = sa.BigInteger()


class _first_position(sa.sql.functions.GenericFunction[int]):  # noqa: N801 — a SQL function
    inherit_cache = True
    type = sa.BigInteger()


class _next_sequences(sa.sql.functions.GenericFunction[int]):  # noqa: N801 — a SQL function
    """A number for each row of a SELECT that is ordered by the column it is given."""

    inherit_cache = True
    type = sa.BigInteger()


class _first_positions(sa.sql.functions.GenericFunction[int]):  # noqa: N801 — a SQL function
    """The same for positions."""

    inherit_cache = True
    type = sa.BigInteger()


@compiles(_next_sequence, "postgresql")
@compiles(_next_sequences, "postgresql")
def _from_sequence(element: object, compiler: object, **_: object) -> str:
    return "nextval('journal_sequence')"


@compiles(_next_sequence, "sqlite")
@compiles(_first_position, "sqlite")
def _from_last_row(element: object, compiler: object, **_: object) -> str:
    # One writer at a time: the last row of the key is the highest number there is.
    return (
        "(SELECT coalesce(max(sequence), 0) + 1 FROM journal WHERE organization_id = :organization_id AND mode = :mode)"
    )


@compiles(_first_position, "postgresql")
@compiles(_first_positions, "postgresql")
def _not_yet(element: object, compiler: object, **_: object) -> str:
    return "NULL::bigint"


class _json_object(sa.sql.functions.GenericFunction[str]):  # noqa: N801 — a SQL function
    inherit_cache = True
    type = sa.Text()


class _json_flag(sa.sql.functions.GenericFunction[bool]):  # noqa: N801 — a SQL function
    inherit_cache = True
    type = sa.Boolean()


@compiles(_next_sequences, "sqlite")
@compiles(_first_positions, "sqlite")
def _each_from_last_row(element: Any, compiler: Any, **options: Any) -> str:
    before = f"{_from_last_row(element, compiler)} - 1"
    return f"({before} + row_number() OVER (ORDER BY {compiler.process(element.clauses, **options)}))"


@compiles(_json_object, "postgresql")
def _built(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_build_object({compiler.process(element.clauses, **options)})::text"


@compiles(_json_object, "sqlite")
def _made(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_object({compiler.process(element.clauses, **options)})"


@compiles(_json_flag, "postgresql")
def _as_it_is(element: Any, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_json_flag, "sqlite")
def _from_number(element: Any, compiler: Any, **options: Any) -> str:
    return f"json(iif({compiler.process(element.clauses, **options)}, 'true', 'false'))"


@statement
def _insert() -> sa.Insert:
    return sa.insert(journal).values(
        sequence=_next_sequence(),
        position=_first_position(),
        **{
            name: sa.bindparam(name)
            for name in journal.c.keys()  # noqa: SIM118 — a column collection, not a dict
            if name not in ("sequence", "position")
        },
    )


@statement
def _last_of_object() -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(*columns(Entry, journal))
        .where(own(journal), journal.c.object_id == sa.bindparam("object_id"))
        .order_by(journal.c.object_version.desc())
        .limit(sa.bindparam("row_limit", type_=sa.Integer))
    )


def recording(
    verb: str,
    record: type[msgspec.Struct],
    table: sa.Table,
    which: sa.ColumnElement[bool],
    changed: sa.ColumnElement[str],
    implies: str,
    **after: sa.ColumnElement[Any],
) -> sa.Insert:
    """A statement for very many changes at once: an entry for each row `which` picks, in the order of their ids.

    The snapshots are the rows as `record`s with the columns `after` instead of their own. Parameters `at` and `actor`.
    Whoever runs it also runs one made with `outbox.putting`.
    """
    values = {name: after.get(name, table.c[name]) for name in record.__struct_fields__}
    pairs: list[sa.ColumnElement[Any]] = []
    for name, value in values.items():
        is_flag = isinstance(table.c[name].type, schema.Flag)
        pairs += [sa.literal_column(f"'{name}'"), _json_flag(value) if is_flag else value]
    entries = {
        "organization_id": table.c.organization_id,
        "mode": table.c.mode,
        "sequence": _next_sequences(table.c.id),
        "position": _first_positions(table.c.id),
        "at": sa.bindparam("at", type_=sa.Text),
        "actor": sa.bindparam("actor", type_=sa.Text),
        "verb": sa.literal_column(f"'{verb}'"),
        "implies": sa.literal_column(f"'{implies}'"),
        "object_type": sa.literal_column(f"'{verb.partition('.')[0]}'"),
        "object_id": table.c.id,
        "object_version": values["version"],
        "changed": changed,
        "snapshot": _json_object(*pairs),
    }
    return sa.insert(journal).from_select(
        list(entries), sa.select(*entries.values()).where(own(table), which).order_by(table.c.id)
    )


@statement
def _last_version() -> sa.Select[tuple[int]]:
    return sa.select(sa.func.coalesce(sa.func.max(journal.c.object_version), 0)).where(
        own(journal), journal.c.object_id == sa.bindparam("object_id")
    )


@statement
def _of_object() -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(*columns(Entry, journal))
        .where(own(journal), journal.c.object_id == sa.bindparam("object_id"))
        .order_by(journal.c.object_version)
    )


def difference(before: Recorded | None, after: Recorded) -> list[str]:
    """Names of the fields that differ; all of them for a new object. Times of bookkeeping do not count."""
    ignored = ("version", "updated_at")
    names = [name for name in after.__struct_fields__ if name not in ignored]
    if before is None:
        return names
    return [name for name in names if getattr(before, name) != getattr(after, name)]


async def record(
    tx: Write,
    verb: str,
    after: Versioned,
    before: Versioned | None = None,
    also: Mapping[str, Any] | None = None,
    also_changed: Sequence[str] = (),
    implies: Sequence[str] = (),
) -> None:
    """Write one change down. `verb` is `noun.past_participle`; `also` joins the snapshot (what the record itself lacks),
    `also_changed` names what of that has changed, and `implies` the further types of change that it is."""
    changed = [*difference(before, after), *also_changed]
    await _write(tx, verb, after, after.version, changed, also or {}, implies)


async def record_many(tx: Write, verb: str, changes: Sequence[tuple[Versioned, Versioned]]) -> None:
    """Write many changes down, each given as before and after, in their order."""
    rows = [_entry(tx.asking, verb, after, after.version, difference(before, after), {}) for before, after in changes]
    await tx.put_many(_insert(), rows)
    told = [(after.id, after.version) for _, after in changes]
    await outbox.put_many(tx, verb, (), verb.partition(".")[0], told)


async def record_unversioned(
    tx: Write, verb: str, after: Recorded, before: Recorded | None = None, also: Mapping[str, Any] | None = None
) -> None:
    """The same for what keeps no version of its own, such as a key: its entries are counted. What is in `also` is new.

    It comes after the change itself, whose lock on the row keeps two of them from having one number."""
    version = await tx.value(_last_version(), object_id=after.id) + 1
    changed = [*difference(before, after), *(also or {})]
    await _write(tx, verb, after, version, changed, {**(also or {}), "version": version})


async def _write(
    tx: Write,
    verb: str,
    after: Recorded,
    version: int,
    changed: list[str],
    also: Mapping[str, Any],
    implies: Sequence[str] = (),
) -> None:
    entry = _entry(tx.asking, verb, after, version, changed, also, implies)
    await tx.put(_insert(), **entry)
    await outbox.put(tx, verb, implies, entry["object_type"], after.id, version)


def _entry(
    asking: Asking,
    verb: str,
    after: Recorded,
    version: int,
    changed: list[str],
    also: Mapping[str, Any],
    implies: Sequence[str] = (),
) -> dict[str, Any]:
    snapshot = msgspec.json.encode(after)
    if also:
        snapshot = msgspec.json.encode({**msgspec.json.decode(snapshot), **also})
    return {
        "at": instants.text(asking.now),
        "actor": asking.actor,
        "verb": verb,
        "implies": " ".join(implies),
        "object_type": verb.partition(".")[0],
        "object_id": after.id,
        "object_version": version,
        "changed": msgspec.json.encode(changed).decode(),
        "snapshot": snapshot.decode(),
    }


async def of_object(tx: Read, object_id: str) -> list[Entry]:
    """Everything that happened to one object, oldest first."""
    return await tx.all(Entry, _of_object(), object_id=object_id)


async def last_of_object(tx: Read, object_id: str, *, most: int) -> list[Entry]:
    """What happened to one object last, newest first."""
    return await tx.all(Entry, _last_of_object(), object_id=object_id, row_limit=most)
