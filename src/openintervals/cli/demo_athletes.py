"""The season of the demo's athletes, imported beside a server that serves already.

It takes a second or two of a thread with connections of its own, as an import from the command line would. What is missing when the server ends,
the next start imports.
"""

import asyncio
import threading

from openintervals.cli import common
from openintervals.db import named_by
from openintervals.settings import Settings


class Filling:
    """`start` begins in the background; `stop` ends it soon and waits for that."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-season", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        asyncio.run(fill(self._settings, self._over))


async def fill(settings: Settings, over: threading.Event | None = None) -> int:
    """Import what is missing of the season until it is `over`; gives how many files that were."""
    from openintervals.api import telemetry
    from openintervals.demo import athletes
    from openintervals.platform import files

    database = named_by(settings)
    await database.open()
    try:
        is_over = over.is_set if over is not None else lambda: False
        return await athletes.fill(database, files.opened(settings), common.present(), is_over=is_over)
    except Exception as problem:  # noqa: BLE001 — the server serves without it, and the next start tries again
        telemetry.log.error("the demo's season was not imported", exception=type(problem).__name__)
        return 0
    finally:
        await database.close()
