"""Several serving processes on one socket, for PostgreSQL. A parent forks them, sees that there are enough, and stops them.

Each child is what `server` describes, with an event loop and database connections of its own; the kernel hands each new
connection to one that is waiting for it. The first also does the background work. A child that dies is replaced; when they keep
dying, the parent gives up. A child whose parent dies is told to stop by the kernel (on Linux).
Code is loaded before the fork, so that its memory is shared; nothing that has a thread or a connection is opened before.
"""

import ctypes
import gc
import os
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from openintervals.db.failures import UnusableDatabase
from openintervals.settings import Settings

GIVE_UP_AFTER = 5
WITHIN_S = 30.0

_PR_SET_PDEATHSIG = 1


def run(settings: Settings, listening: socket.socket, started: Callable[[], None]) -> int:
    """Serve with `settings.workers` processes until told to stop; gives the exit code."""
    with tempfile.TemporaryDirectory(prefix="openintervals-metrics-") as folder:
        # Read by the metrics library when it is first imported: from then on, the processes add their numbers up.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        from openintervals.api import telemetry  # noqa: PLC0415 — after the line above
        from openintervals.serving import server  # noqa: PLC0415 — the same

        telemetry.measure_together(folder)

        def serve(number: int, tell: Callable[[], None]) -> int:
            return server.run(settings, listening, tell, worker=settings.worker and number == 0)

        gc.collect()
        gc.freeze()
        return _Parent(settings.workers, listening, serve, started).run()


class _Parent:
    """Keeps the children."""

    def __init__(
        self,
        wanted: int,
        listening: socket.socket,
        serve: Callable[[int, Callable[[], None]], int],
        started: Callable[[], None],
    ) -> None:
        self.wanted = wanted
        self.listening = listening
        self.serve = serve
        self.started = started
        self.children: dict[int, int] = {}
        self.deaths: deque[float] = deque(maxlen=GIVE_UP_AFTER)
        self.stopping = False
        self.code = 0

    def run(self) -> int:
        for told in (signal.SIGTERM, signal.SIGINT):
            signal.signal(told, self._stop)
        for number in range(self.wanted):
            self._spawn(number, self.started if number == 0 else _nothing)
        while self.children:
            pid, status = os.wait()
            died = self.children.pop(pid, None)
            if died is not None and not self.stopping:
                self._replace(died, os.waitstatus_to_exitcode(status))
        return self.code

    def _spawn(self, number: int, started: Callable[[], None]) -> None:
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self.children[pid] = number
            if self.stopping:  # told to while we forked
                os.kill(pid, signal.SIGTERM)
            return
        code = 1
        try:
            if self.stopping:
                os._exit(0)
            os.setpgid(0, 0)  # an interrupt at the keyboard is the parent's; it tells us
            for told in (signal.SIGTERM, signal.SIGINT):
                signal.signal(told, signal.SIG_DFL)
            _die_with_parent(parent)
            code = self.serve(number, started)
        except UnusableDatabase as problem:
            sys.stderr.write(f"openintervals: {problem}\n")
        except Exception:  # noqa: BLE001 — nobody above would show it
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _replace(self, number: int, code: int) -> None:
        self.deaths.append(time.monotonic())
        if len(self.deaths) == GIVE_UP_AFTER and self.deaths[-1] - self.deaths[0] < WITHIN_S:
            sys.stderr.write("openintervals: the serving processes keep ending; giving up\n")
            self.code = 1
            self._stop()
            return
        sys.stderr.write(f"openintervals: serving process {number} ended with {code}; starting another\n")
        self._spawn(number, _nothing)

    def _stop(self, *_: Any) -> None:
        """Ask every child to stop; asked again, they end at once."""
        self.stopping = True
        self.listening.close()
        for pid in list(self.children):
            os.kill(pid, signal.SIGTERM)


def _nothing() -> None:
    """The greeting is said once."""


def _die_with_parent(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)
