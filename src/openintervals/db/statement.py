"""Statements: written with SQLAlchemy Core, compiled once per shape, run on the drivers directly.

A builder is a small function from a shape (plain hashable arguments: which filters, which struct) to a Core statement with
`bindparam`s; `@statement` keeps one `Statement` per shape for the life of the process. Parameters go by name.
The SQL text is made on first use for the database in use, and never from data.
"""

from collections.abc import Callable, Sequence
from functools import cache, update_wrapper
from typing import Any, Generic, ParamSpec

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from openintervals.db import schema

Convert = tuple[tuple[int, Callable[[Any], Any]], ...]
Shape = ParamSpec("Shape")

_SQLITE = sqlite.dialect(paramstyle="named")
_POSTGRES = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its constructor untyped


class Compiled:
    """SQL text for one database, the parameters it fixes itself, and how its result columns become values."""

    __slots__ = ("convert", "fixed", "sql")

    def __init__(self, element: sa.sql.ClauseElement, dialect: sa.Dialect) -> None:
        compiled = element.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.sql = str(compiled)
        self.fixed = {name: value for name, value in (compiled.params or {}).items() if value is not None}
        columns = getattr(element, "exported_columns", ())
        self.convert: Convert = tuple(
            (position, convert)
            for position, column in enumerate(columns)
            if (convert := _converter(column.type, dialect.name)) is not None
        )


PLANNED_ANEW = "planned_anew"
"""The execution option of a statement that PostgreSQL is to plan for its parameters each time: a plan that a connection made when a table was
empty is kept until the table's first ANALYZE, and what is soon far from empty is then walked through."""


class Statement:
    """A Core statement and, made when first wanted, its text for each database."""

    __slots__ = ("_postgres", "_sqlite", "element", "planned_anew", "table")

    def __init__(self, element: sa.sql.ClauseElement) -> None:
        self.element = element
        options = element.get_execution_options() if isinstance(element, sa.sql.expression.Executable) else {}
        self.planned_anew = bool(options.get(PLANNED_ANEW))
        self.table = str(getattr(element, "table", ""))
        self._sqlite: Compiled | None = None
        self._postgres: Compiled | None = None

    @property
    def sqlite(self) -> Compiled:
        if self._sqlite is None:
            self._sqlite = Compiled(self.element, _SQLITE)
        return self._sqlite

    @property
    def postgres(self) -> Compiled:
        if self._postgres is None:
            self._postgres = Compiled(self.element, _POSTGRES)
        return self._postgres


class Builder(Generic[Shape]):
    """A cached statement builder; calling it with a shape gives the one `Statement` of that shape."""

    def __init__(self, build: Callable[Shape, sa.sql.ClauseElement]) -> None:
        self.build = build
        self._cached = cache(lambda *args, **kwargs: Statement(build(*args, **kwargs)))
        update_wrapper(self, build)

    def __call__(self, *args: Shape.args, **kwargs: Shape.kwargs) -> Statement:
        return self._cached(*args, **kwargs)  # type: ignore[arg-type]  # shapes are hashable by convention; a ParamSpec cannot say so


def statement(build: Callable[Shape, sa.sql.ClauseElement]) -> Builder[Shape]:
    """Decorator: compile what `build` returns once per shape."""
    return Builder(build)


def columns(
    struct: type[msgspec.Struct], source: sa.FromClause, **computed: sa.ColumnElement[Any]
) -> list[sa.ColumnElement[Any]]:
    """The columns of `source` that `struct` projects, in the order of its fields; `computed` are fields made from several.

    Raises KeyError for a stranger."""
    return [computed[name].label(name) if name in computed else source.c[name] for name in struct.__struct_fields__]


def _converter(kind: sa.types.TypeEngine[Any], database: str) -> Callable[[Any], Any] | None:
    if isinstance(kind, schema.Json):
        return schema.raw
    if isinstance(kind, schema.Number):
        return schema.whole
    if isinstance(kind, schema.Flag | sa.Boolean) and database == "sqlite":
        return bool
    return None


def converted(rows: Sequence[tuple[Any, ...]], convert: Convert) -> Sequence[tuple[Any, ...]]:
    """`rows` with the values of converted columns replaced; NULL stays None. Column by column: most have nothing to convert."""
    for position, function in convert:
        rows = [
            row if row[position] is None else (*row[:position], function(row[position]), *row[position + 1 :])
            for row in rows
        ]
    return rows
