"""The program itself, as people and scripts run it: `openintervals` in a process of its own."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests import clients, servers
from tests.servers import free_port

PROGRAM = str(Path(sys.executable).parent / "openintervals")
PATIENCE_S = 30


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [PROGRAM, *arguments], env=_environment(environment), capture_output=True, text=True, check=False, timeout=60
    )


def run_json(*arguments: str, **environment: str) -> Any:
    """What a command that succeeds prints with --json."""
    done = run(*arguments, "--json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(*arguments: str, code: int = 1, **environment: str) -> str:
    """The one sentence of a command that refuses."""
    done = run(*arguments, **environment)
    assert done.returncode == code, done
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def club(url: str) -> str:
    """Make an organization, and give a live key of it that may do everything. Without the commands, which are tested by themselves."""
    with servers.application(url) as app:
        return clients.join(app, name="North Shore", slug="north-shore").key


@dataclass
class Served:
    """A command that stays, under test: its process, what it printed, and if it is a server, where to ask it."""

    process: subprocess.Popen[str]
    base: str
    _lines: "queue.Queue[str | None]" = field(default_factory=queue.Queue)
    _reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def line(self, beginning: str) -> str:
        """The next line of output that begins so."""
        while (line := self._lines.get(timeout=PATIENCE_S)) is not None:
            if line.startswith(beginning):
                return line
        raise AssertionError(f"the program printed no line that begins with {beginning!r}")

    def pause(self) -> None:
        """Let a moment pass, unless the program ends, which it must not."""
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the program ended with {self.process.wait(timeout=0.02)}")

    def close(self) -> None:
        """Let go of the output of a process that has ended."""
        self._reader.join(PATIENCE_S)
        assert self.process.stdout
        self.process.stdout.close()

    def stop(self, told: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop; gives its exit code."""
        self.process.send_signal(told)
        return self.process.wait(PATIENCE_S)


@contextmanager
def staying(*arguments: str, base: str = "", errors: Path | None = None, **environment: str) -> Iterator[Served]:
    """A command that stays until it is told to end; ended with the block whatever happened. Its log goes to `errors`."""
    with (errors or Path(os.devnull)).open("w") as log:
        process = subprocess.Popen(
            [PROGRAM, *arguments], env=_environment(environment), stdout=subprocess.PIPE, stderr=log, text=True
        )
        served = Served(process, base)
        try:
            yield served
        finally:
            process.kill()
            process.wait()
            served.close()


@contextmanager
def serving(url: str, *arguments: str, errors: Path | None = None, **environment: str) -> Iterator[Served]:
    """`openintervals serve`, ready. Its log goes to `errors`."""
    port = free_port()
    command = ("serve", "--database-url", url, "--port", str(port), *arguments)
    with staying(*command, base=f"http://127.0.0.1:{port}", errors=errors, **environment) as served:
        wait_until_ready(served)
        yield served


def wait_until_ready(served: Served) -> None:
    give_up = time.monotonic() + PATIENCE_S
    with httpx.Client() as client:
        while True:
            try:
                if client.get(f"{served.base}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            served.pause()
            assert time.monotonic() < give_up, "the server did not get ready"


def _environment(given: dict[str, str]) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("OPENINTERVALS_")}
    return {**own, "OPENINTERVALS_RATE_LIMITS": "off", **given}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
