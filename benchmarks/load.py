"""Loading one server and saying what came of it: requests per second, latency, and errors, of which there
may be none.

`wrk` does the work when it is installed; otherwise `client.py` does, which is slower itself and so flattens
ratios: compare figures of one generator only. Both are bounded in time and refuse any address but this
machine's loopback.
"""

import ipaddress
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from benchmarks import client

_LONGEST_S = 900
_SCRIPT = Path(__file__).with_name("load.lua")


class Failed(Exception):
    """A measurement that does not count, with the reason."""


class Request(NamedTuple):
    """What is asked again and again. With `runs`, a POST that registers somebody new, for each in turn."""

    url: str
    headers: Mapping[str, str] = {}
    runs: tuple[str, ...] = ()


class Result(msgspec.Struct):
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def generator() -> str:
    """The load generator in use, for the record."""
    return "wrk" if shutil.which("wrk") else "the built-in client"


def run(request: Request, *, seconds: float, connections: int) -> Result:
    """Load the server for some seconds. Raises Failed unless every answer was a success."""
    require_loopback(request.url)
    seconds = max(1, min(round(seconds), _LONGEST_S))
    salt = f"{time.time_ns():x}"
    if shutil.which("wrk"):
        result = _wrk(request, int(seconds), connections, salt)
    else:
        measured = client.load(
            request.url, request.headers, request.runs, salt=salt, seconds=seconds, connections=connections
        )
        result = msgspec.convert(measured, Result)
    if result.errors or not result.requests:
        raise Failed(f"{result.errors} errors in {result.requests} requests to {request.url}")
    return result


def require_loopback(url: str) -> None:
    """Raises ValueError unless the URL names a loopback address: nobody else's server is ever loaded."""
    host = urlsplit(url).hostname or ""
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"refusing to load {host}: only this machine's loopback")


def _wrk(request: Request, seconds: int, connections: int, salt: str) -> Result:
    # One thread: the machine's other core belongs to the server.
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(_SCRIPT)]
    for name, value in request.headers.items():
        command += ["-H", f"{name}: {value}"]
    command.append(request.url)
    if request.runs:
        command += ["--", salt, *request.runs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if done.returncode:
        raise Failed(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return msgspec.json.decode(done.stdout.strip().rpartition("\n")[2], type=Result)
