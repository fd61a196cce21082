"""The documents that are made from the source: `bin/docs` writes them anew, and a test fails when one is stale."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec

from openintervals.settings import PREFIX, Settings

ROOT = Path(__file__).parents[3]


class Setting(NamedTuple):
    """A setting as people read it."""

    variable: str
    meaning: str
    takes: str
    default: str


def setting_facts() -> list[Setting]:
    """Every setting, in the order of the struct."""
    facts = []
    for field in msgspec.structs.fields(Settings):
        kind, *notes = get_args(field.type)
        meaning = next(note.description for note in notes if note.description)
        bounds = next(((note.ge, note.le) for note in notes if note.ge is not None), None)
        takes = {bool: "true or false", str: "text"}.get(kind, "a number")
        if bounds:
            takes = f"{bounds[0]} to {bounds[1]}"
        facts.append(Setting(PREFIX + field.name.upper(), meaning, takes, _spelt(field.default)))
    return facts


def _spelt(default: object) -> str:
    if isinstance(default, bool):
        return "true" if default else "false"
    return "empty" if default == "" else str(default)


def settings_markdown() -> str:
    """docs/settings.md"""
    lines = [
        "# Settings",
        "",
        "Made from `src/openintervals/settings.py`; `bin/docs` writes it anew. Every setting is an environment variable; an empty one",
        "counts as not set. Options of the command line outweigh the environment.",
        "",
        "| Variable | What it decides | Takes | Default |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{fact.variable}` | {fact.meaning} | {fact.takes} | {fact.default if fact.default == 'empty' else f'`{fact.default}`'} |"
        for fact in setting_facts()
    ]
    return "\n".join(lines) + "\n"


_SCHEMA_HEADER = """\
-- The tables as SQLite has them, made from the domain files; `bin/docs` writes it anew.
-- PostgreSQL has the same, with text compared byte by byte (COLLATE "C"), and the sequence `journal_sequence`."""


def schema_sql() -> str:
    """docs/schema.sql"""
    from sqlalchemy.dialects import sqlite
    from sqlalchemy.schema import CreateIndex, CreateTable

    from openintervals.cli.revision import all_tables

    dialect = sqlite.dialect()
    parts = [_SCHEMA_HEADER]
    for table in sorted(all_tables().tables.values(), key=lambda table: table.name):
        created = str(CreateTable(table).compile(dialect=dialect)).strip().replace("\t", "    ").replace(", \n", ",\n")
        parts.append(created.replace("\n)\n WITHOUT", "\n) WITHOUT") + ";")
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        if indexes:
            parts.append("\n".join(f"{CreateIndex(index).compile(dialect=dialect)};" for index in indexes))
    return "\n\n".join(parts) + "\n"


def partner_openapi() -> str:
    from openintervals.api.partner import documents

    return documents.partner_json()


def partner_openapi_3_0() -> str:
    from openintervals.api.partner import documents

    return documents.partner_3_0_json()


def icu_openapi() -> str:
    from openintervals.api.icu import documents

    return documents.icu_json()


def icu_openapi_3_0() -> str:
    from openintervals.api.icu import documents

    return documents.icu_3_0_json()


def routes() -> str:
    from openintervals.api.partner import documents

    return documents.routes_markdown()


DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings_markdown,
    "docs/schema.sql": schema_sql,
    "docs/routes.md": routes,
    "docs/openapi/partner.json": partner_openapi,
    "docs/openapi/partner-3.0.json": partner_openapi_3_0,
    "docs/openapi/intervals-icu.json": icu_openapi,
    "docs/openapi/intervals-icu-3.0.json": icu_openapi_3_0,
}


def main() -> None:
    """`bin/docs`."""
    for name, render in DOCUMENTS.items():
        path, text = ROOT / name, render()
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            sys.stdout.write(f"wrote {name}\n")


if __name__ == "__main__":
    main()
