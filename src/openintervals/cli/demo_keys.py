"""The demo's keys, the club's and the athletes': kept in `demo-key.txt` beside the database (with PostgreSQL, in the data folder), readable
for its owner alone, so that the server can print calls that work. The database itself has their hashes only.
"""

import contextlib
import os
from pathlib import Path

from openintervals import errors
from openintervals.cli import common
from openintervals.db import Database
from openintervals.db.transaction import Read
from openintervals.platform import api_keys, files
from openintervals.platform.scopes import SCOPES
from openintervals.settings import Settings
from openintervals.training import athlete_keys

FILE = "demo-key.txt"
FIRST = 3
"""So many activities are there from the start; the others follow while the server serves."""


async def ensure_demo(settings: Settings, database: Database) -> dict[str, str]:
    """Make the demo club and the demo's athletes if they are not there; gives the club's keys by mode and the athletes' by role.

    Keys that were lost, or made before a scope was, are replaced by new ones.
    """
    from openintervals import demo
    from openintervals.demo import athletes

    keys = kept(settings)
    of_club = {name: key for name, key in keys.items() if name in api_keys.MODES}
    of_athletes = {name: key for name, key in keys.items() if name not in api_keys.MODES}
    now = common.asking().now
    if not of_club or not await _all_work(database, of_club):
        of_club = await demo.fill(database, now)
    if not of_athletes or not await _all_reach(database, of_athletes):
        of_athletes = await athletes.join(database, now)
        with contextlib.suppress(errors.Unavailable):  # the server serves without them, and they follow
            await athletes.fill(database, files.opened(settings), now, most=FIRST)
    if {**of_club, **of_athletes} != keys:
        _write(file(settings), {**of_club, **of_athletes})
    return {**of_club, **of_athletes}


def file(settings: Settings) -> Path:
    return (settings.sqlite_path.parent if settings.on_sqlite else Path(settings.data)) / FILE


def kept(settings: Settings) -> dict[str, str]:
    """The keys that were written down, by mode and role; none without a demo."""
    return _read(file(settings))


async def _all_work(database: Database, keys: dict[str, str]) -> bool:
    async def known(tx: Read) -> bool:
        callers = [await api_keys.caller(tx, key) for key in keys.values()]
        return all(caller is not None and caller.scopes >= SCOPES.keys() for caller in callers)

    return await database.read(common.asking(), known)


async def _all_reach(database: Database, keys: dict[str, str]) -> bool:
    async def known(tx: Read) -> bool:
        return all([await athlete_keys.caller(tx, key) for key in keys.values()])

    return await database.read(common.asking(), known)


def _read(file: Path) -> dict[str, str]:
    from openintervals.demo import season

    if not file.exists():
        return {}
    lines = [line.partition(" ") for line in file.read_text().splitlines() if not line.startswith("#")]
    names = {*api_keys.MODES, *(planned.role for planned in season.ATHLETES)}
    return {name: key.strip() for name, _, key in lines if name in names}


def _write(file: Path, keys: dict[str, str]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write(
            "# Keys of the demo's club and athletes; delete this file and the next `serve --demo` makes new ones.\n"
        )
        output.writelines(f"{name} {key}\n" for name, key in keys.items())
