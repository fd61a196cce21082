"""Server processes: started on a free port with their output in a file, awaited until they answer, weighed,
and stopped."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from benchmarks import data, load, usual

ROOT = Path(__file__).parent.parent
COMMANDS = Path(sys.executable).parent
_START_WITHIN_S = 60
_STOP_WITHIN_S = 15


class Server(NamedTuple):
    """A server that answers: its process, its address, and the seconds it took from start to good answer."""

    pid: int
    port: int
    ready_s: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def ask(port: int, method: str, path: str, headers: Mapping[str, str], body: Any = None) -> tuple[int, bytes]:
    """One request to this machine, with a JSON body if any: the status and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        if body is None:
            connection.request(method, path, headers=dict(headers))
        else:
            sent = {**headers, "Content-Type": "application/json"}
            connection.request(method, path, headers=sent, body=msgspec.json.encode(body))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@contextmanager
def serving(
    command: Sequence[str],
    *,
    port: int,
    ready: str,
    log: Path,
    environment: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a server while the block runs. Raises load.Failed when `ready` does not answer 200 in time."""
    with log.open("ab") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _await(process, port, ready, headers or {}, log)
            yield Server(process.pid, port, time.perf_counter() - began)
        finally:
            _stop(process)


def _await(process: subprocess.Popen[bytes], port: int, ready: str, headers: Mapping[str, str], log: Path) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise load.Failed(f"the server stopped with {process.returncode}; its last words: {_tail(log)}")
        try:
            if ask(port, "GET", ready, headers)[0] == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.005)
    raise load.Failed(f"no 200 from {ready} within {_START_WITHIN_S} s; the server's last words: {_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:].strip()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL for what is left of the process group, which holds this server alone."""
    process.terminate()
    try:
        process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(_STOP_WITHIN_S)


def resident_mb(pid: int) -> float:
    """Resident memory of a process and all its descendants, in MB. What they share counts once for each."""
    total = 0
    waiting = [pid]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        try:
            total += int((process / "statm").read_text().split()[1])
            for thread in (process / "task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total * os.sysconf("SC_PAGESIZE") / 1e6


@contextmanager
def bare(database: Path, log: Path) -> Iterator[Server]:
    port = free_port()
    command = [
        str(COMMANDS / "granian"),
        *(
            "--interface",
            "asgi",
            "--loop",
            "uvloop",
            "--workers",
            "1",
            "--no-access-log",
            "--log-level",
            "warning",
        ),
        *("--host", "127.0.0.1", "--port", str(port), "benchmarks.bare:app"),
    ]
    environment = {"BARE_DATABASE": str(database), "BARE_ORGANIZATION": data.organization_id(0)}
    with serving(command, port=port, ready="/events?limit=1", log=log, environment=environment) as server:
        yield server


@contextmanager
def usual_on(url: str, log: Path) -> Iterator[Server]:
    """The usual server, on `sqlite:///FILE` or a PostgreSQL URL."""
    port = free_port()
    driver = "sqlite+aiosqlite" if url.startswith("sqlite:") else "postgresql+asyncpg"
    command = [
        *(str(COMMANDS / "uvicorn"), "--no-access-log", "--log-level", "warning"),
        *("--host", "127.0.0.1", "--port", str(port), "benchmarks.usual:app"),
    ]
    environment = {"USUAL_DATABASE": f"{driver}://{url.partition('://')[2]}"}
    headers = {"Authorization": f"Bearer {usual.KEY}"}
    with serving(
        command, port=port, ready="/events?limit=1", log=log, environment=environment, headers=headers
    ) as server:
        yield server


def fetch(url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """GET a URL of a server started here: the status and the body."""
    parts = urlsplit(url)
    assert parts.port is not None
    return ask(parts.port, "GET", f"{parts.path}?{parts.query}", headers)
