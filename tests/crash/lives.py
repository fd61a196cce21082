"""Programs of ours that are started and killed, on data that an earlier life of them may have left in any state."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import httpx

from openintervals.db import named_by
from openintervals.doctor import examine
from openintervals.settings import Settings
from tests import servers

PATIENCE_S = 30
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "OPENINTERVALS_RATE_LIMITS": "off",
    "OPENINTERVALS_WEBHOOK_ALLOW": "127.0.0.0/8",
}


class Program:
    """One command of ours, running; what it says goes to `said`."""

    def __init__(self, said: IO[bytes], *arguments: str) -> None:
        program = Path(sys.executable).parent / "openintervals"
        self.process = subprocess.Popen([program, *arguments], env=ENVIRONMENT, stdout=said, stderr=subprocess.STDOUT)

    @property
    def living(self) -> bool:
        return self.process.poll() is None

    def pause(self) -> None:
        """Let a moment pass, unless the program ends, which it must not."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the program ended with {self.process.wait(timeout=0.02)}")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def clear_away(self) -> None:
        """Kill it, and remove what it left for others to find it dead by."""
        self.kill()
        for left in Path(tempfile.gettempdir()).glob(f"openintervals-sender-*-{self.process.pid}-*"):
            left.unlink(missing_ok=True)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=PATIENCE_S) == 0


class Server(Program):
    """`openintervals serve` on a free port."""

    def __init__(self, url: str, said: IO[bytes], *arguments: str) -> None:
        port = servers.free_port()
        self.base = f"http://127.0.0.1:{port}"
        super().__init__(said, "serve", "--database-url", url, "--port", str(port), *arguments)

    def wait_until_ready(self) -> None:
        with httpx.Client() as client:
            for _ in range(PATIENCE_S * 50):
                with contextlib.suppress(httpx.TransportError):
                    if client.get(f"{self.base}/readyz").status_code == 200:
                        return
                self.pause()
        raise AssertionError("the server did not get ready")


async def problems(url: str) -> list[str]:
    """What the doctor finds."""
    database = named_by(Settings(database_url=url))
    await database.open()
    try:
        return await examine(database)
    finally:
        await database.close()
