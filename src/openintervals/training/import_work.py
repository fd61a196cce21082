"""Import work: files are read and measured in processes of their own, and one that a file brings down takes nothing along.

    given → prepared | refused                and when a process ends: → tried alone → prepared | refused as `crashed`

When a process ends, everything that was under way is lost with it, and which file it was is not told: so each of those is tried once more by
itself, where the one to blame is known, while the others go on in new processes. Processes ignore an interrupt, which the one that started
them answers, and end when that one does. What comes back from a process is plain, refusals too.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

from openintervals.formats.recording import Fault
from openintervals.platform.files import Files, FilesUnavailable
from openintervals.training import uploads
from openintervals.training.activity_analysis import Bearings
from openintervals.training.uploads import Prepared, Unreadable


class Refusal(NamedTuple):
    """Why nothing came of a file. `reason` is one of `REASONS` in imports.py."""

    reason: str
    message: str


_keeping: list[Files] = []  # of a process: where it keeps originals


def _begin(place: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _keeping[:] = [Files(place)]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _prepare(data: bytes, faults: Sequence[Fault], bearings: Bearings, said: Mapping[str, Any]) -> Prepared | Refusal:
    """Read and measure one file, and keep it."""
    try:
        ready = uploads.prepared(data, bearings, faults, said)
        _keeping[0].put_now(data)
    except Unreadable as wrong:
        # A whole FIT file without a recording is nothing bad: devices write those for sleep, settings and courses.
        reason = "no_activity" if data[8:12] == b".FIT" and wrong.offset is None else "unreadable"
        return Refusal(reason, wrong.message)
    except FilesUnavailable as wrong:
        return Refusal("not_kept", wrong.message)
    except Exception as wrong:  # noqa: BLE001 — whatever a file does, the others go on
        return Refusal("failed", f"{type(wrong).__name__}: {wrong}"[:500])
    return ready


class Workers:
    """Processes that prepare files, started when first needed. Close with `close`."""

    def __init__(self, processes: int, place: str) -> None:
        self._processes = processes
        self._place = place
        self._together: ProcessPoolExecutor | None = None
        self._apart: ProcessPoolExecutor | None = None
        self._one_at_a_time = asyncio.Lock()

    async def prepare(
        self, data: bytes, faults: Sequence[Fault], bearings: Bearings, said: Mapping[str, Any]
    ) -> Prepared | Refusal:
        """What becomes of a file, of whose activities people say what is `said`."""
        together = self._together = self._together or self._started(self._processes)
        try:
            return await asyncio.wrap_future(together.submit(_prepare, data, faults, bearings, said))
        except BrokenProcessPool:
            if self._together is together:
                self._together = None
                together.shutdown(wait=False)
        async with self._one_at_a_time:
            self._apart = self._apart or self._started(1)
            try:
                return await asyncio.wrap_future(self._apart.submit(_prepare, data, faults, bearings, said))
            except BrokenProcessPool:
                self._apart.shutdown(wait=False)
                self._apart = None
                return Refusal("crashed", "The process that read it ended")

    def _started(self, processes: int) -> ProcessPoolExecutor:
        spawning = multiprocessing.get_context("spawn")  # the same everywhere, and safe beside threads
        return ProcessPoolExecutor(processes, spawning, _begin, (self._place,))

    def close(self) -> None:
        """End the processes, after what each has in hand."""
        for pool in (self._together, self._apart):
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)
