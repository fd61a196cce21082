"""For developers: write the next migration from what the tables have become.

    bin/migration "Keep the time of check-in"     a new file under migrations/versions, to be read and corrected
    bin/migration --first                         rewrite the first one, as long as nothing was released

The difference is found on SQLite, where checks and collations cannot be compared: what concerns those is added by hand. A test
compares the result with the tables on both databases.
"""

import importlib
import pkgutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext

import openintervals.club
import openintervals.platform
import openintervals.training
from openintervals.db import migrate, schema

_FILE = '''"""{message}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before}

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
{body}
'''

_SEQUENCE = """if op.get_context().dialect.name == "postgresql":
    op.execute("CREATE SEQUENCE {name}")
"""


def all_tables() -> sa.MetaData:
    """The metadata with every table in it: each domain file adds its own when it is imported."""
    for package in (openintervals.platform, openintervals.training, openintervals.club):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return schema.metadata


def sequences(metadata: sa.MetaData) -> list[sa.Sequence]:
    """Sequences that stand for themselves; SQLite has none."""
    return list(metadata._sequences.values())  # noqa: SLF001 — SQLAlchemy lists them nowhere else


def write(message: str, *, first: bool = False) -> Path:
    """Write the migration from HEAD, or from nothing, to the present tables; gives its file."""
    metadata = all_tables()
    before = None if first else migrate.HEAD
    revision = f"{int(before or 0) + 1:04d}"
    engine = sa.create_engine("sqlite://", creator=lambda: _at(before))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"target_metadata": metadata, "include_object": _is_ours, "compare_type": False}
        )
        operations = produce_migrations(context, metadata).upgrade_ops
        assert operations is not None
        body = render_python_code(operations, render_item=_render, migration_context=context)
    engine.dispose()
    lines = [line for line in body.splitlines() if not line.strip().startswith("# ###")]
    steps = textwrap.dedent("\n".join(["    " + lines[0].lstrip(), *lines[1:]]))
    if first:
        steps = "".join(_SEQUENCE.format(name=sequence.name) for sequence in sequences(metadata)) + steps
    slug = "_".join(message.lower().rstrip(".").split())[:50]
    for earlier in migrate.FOLDER.glob(f"versions/{revision}_*.py"):
        earlier.unlink()
    path = migrate.FOLDER / "versions" / f"{revision}_{slug}.py"
    known = repr(before) if before else "None"
    path.write_text(_FILE.format(message=message, revision=revision, before=known, body=textwrap.indent(steps, "    ")))
    ruff = Path(sys.executable).parent / "ruff"
    for arguments in (["format", "--quiet"], ["check", "--fix", "--quiet"]):
        subprocess.run([ruff, *arguments, path], check=False)  # noqa: S603 — our own tool on our own file
    return path


def _at(revision: str | None) -> sqlite3.Connection:
    """An SQLite database in memory at `revision`; the driver that comes with Python is good enough to look at."""
    connection = sqlite3.connect(":memory:")
    if revision is not None:
        connection.executescript("\n".join(migrate.statements("sqlite", None)))
    return connection


def _is_ours(_: Any, name: str | None, kind: str, *__: Any) -> bool:
    return not (kind == "table" and name == "alembic_version")


def _render(kind: str, element: Any, _: AutogenContext) -> str | Literal[False]:
    """How a migration spells our column types: in SQLAlchemy's own words, as it must outlive ours."""
    if kind != "type":
        return False
    spelled = {schema.Text: "TEXT", schema.Json: "sa.Text()", schema.Flag: "sa.Boolean()", schema.Number: "sa.Double()"}
    return spelled.get(type(element), False)


def main() -> None:
    """`bin/migration`."""
    if sys.argv[1:] == ["--first"]:
        path = write("The first tables.", first=True)
    elif len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        path = write(sys.argv[1])
    else:
        sys.exit(f'usage: bin/migration "What it does"\n{__doc__}')
    sys.stdout.write(f"Wrote {path}\n")


if __name__ == "__main__":
    main()
