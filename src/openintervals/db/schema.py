"""The words tables are written in: one metadata, a handful of column types, and the tenant that begins every key.

A tenant is an organization, whose tables (`table`) are keyed by organization and mode, or an athlete, whose tables (`owned`) are keyed by athlete
and have no modes. `own` is the condition for either.

Types hold the same Python values on both databases, because statements run on the drivers directly:
text is compared byte by byte (collation C on PostgreSQL, SQLite's BINARY), dates and instants are ISO text, JSON is text kept
as it was given. Every primary and unique key begins with the tenant, so that rows can be spread over machines by tenant.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Text(sa.types.TypeDecorator[str]):
    """Text compared byte by byte."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return sa.Text(collation="C") if dialect.name == "postgresql" else sa.Text()


class Json(sa.types.TypeDecorator[msgspec.Raw]):
    """A JSON document as text, kept byte for byte as it was given; read as `msgspec.Raw`, written as `str`."""

    impl = sa.Text
    cache_ok = True


class Flag(sa.types.TypeDecorator[bool]):
    impl = sa.Boolean
    cache_ok = True


class Number(sa.types.TypeDecorator[float]):
    """A double; read as `int` when it is whole, so that 5000 m reads `5000` on the wire."""

    impl = sa.Double
    cache_ok = True


Integer = sa.BigInteger


def raw(stored: str) -> msgspec.Raw:
    return msgspec.Raw(stored.encode())


def whole(stored: float) -> float:
    return int(stored) if stored == int(stored) else stored


def tenant_columns() -> list[sa.Column[Any]]:
    """The two columns every tenant's table begins with."""
    return [
        sa.Column("organization_id", Text, nullable=False),
        sa.Column("mode", Text, nullable=False),
    ]


def table(name: str, *columns: sa.Column[Any] | sa.Constraint | sa.Index, key: Sequence[str] = ("id",)) -> sa.Table:
    """A tenant's table: keyed, and on SQLite clustered, by organization, mode and `key`."""
    return sa.Table(
        name,
        metadata,
        *tenant_columns(),
        *columns,
        sa.PrimaryKeyConstraint("organization_id", "mode", *key),
        sa.CheckConstraint("mode IN ('live', 'test')", name="mode"),
        sqlite_with_rowid=False,
    )


def owned(name: str, *columns: sa.Column[Any] | sa.Constraint | sa.Index, key: Sequence[str] = ("id",)) -> sa.Table:
    """An athlete's table: keyed, and on SQLite clustered, by athlete and `key`."""
    return sa.Table(
        name,
        metadata,
        sa.Column("athlete_id", Text, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("athlete_id", *key),
        sqlite_with_rowid=False,
    )


def own(target: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition every statement starts from: rows of the transaction's tenant, bound by the transaction itself."""
    if "organization_id" not in target.c:
        return target.c.athlete_id == sa.bindparam("athlete_id")
    return sa.and_(target.c.organization_id == sa.bindparam("organization_id"), target.c.mode == sa.bindparam("mode"))
