"""The demo club's keys: kept in `demo-key.txt` beside the database (with PostgreSQL, in the data folder), readable for its owner
alone, so that the server can print a call that works. The database itself has their hashes only.
"""

import os
from pathlib import Path

from openintervals.cli import common
from openintervals.db import Database
from openintervals.db.transaction import Read
from openintervals.platform import api_keys
from openintervals.platform.scopes import SCOPES
from openintervals.settings import Settings

FILE = "demo-key.txt"


async def ensure_demo(settings: Settings, database: Database) -> dict[str, str]:
    """Make the demo club if it is not there; gives its keys by mode. Keys that were lost, or made before a scope was, are replaced by new ones."""
    from openintervals import demo

    keys = kept(settings)
    if keys and await _all_work(database, keys):
        return keys
    keys = await demo.fill(database, common.asking().now)
    _write(file(settings), keys)
    return keys


def file(settings: Settings) -> Path:
    return (settings.sqlite_path.parent if settings.on_sqlite else Path(settings.data)) / FILE


def kept(settings: Settings) -> dict[str, str]:
    """The keys that were written down, by mode; none without a demo club."""
    return _read(file(settings))


async def _all_work(database: Database, keys: dict[str, str]) -> bool:
    async def known(tx: Read) -> bool:
        callers = [await api_keys.caller(tx, key) for key in keys.values()]
        return all(caller is not None and caller.scopes >= SCOPES.keys() for caller in callers)

    return await database.read(common.asking(), known)


def _read(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    lines = [line.partition(" ") for line in file.read_text().splitlines() if not line.startswith("#")]
    return {mode: key.strip() for mode, _, key in lines if mode in api_keys.MODES}


def _write(file: Path, keys: dict[str, str]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write("# Keys of the demo club; delete this file and the next `serve --demo` makes new ones.\n")
        output.writelines(f"{mode} {key}\n" for mode, key in keys.items())
