"""A receiver of webhooks, made to be cheap: it answers 204, or never on `/hang`, and keeps what the benchmark wants to know.

    python -m benchmarks.catcher PORT

`GET /stats` answers, and forgets: how many deliveries came, how many of them twice, and how long after the commit of their change each
came, as the time in its body says, in milliseconds; the first and the last arrival in seconds.
"""

import asyncio
import sys
import time
from datetime import datetime
from typing import cast

import msgspec
import uvloop

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Caught(msgspec.Struct):
    delays_ms: list[float] = []
    ids: set[str] = set()
    repeats: int = 0
    first: float = 0.0
    last: float = 0.0


class _Said(msgspec.Struct):
    timestamp: str


caught = Caught()
_decode = msgspec.json.Decoder(_Said).decode


class Catcher(asyncio.Protocol):
    """One connection, requests one after another."""

    def __init__(self) -> None:
        self.read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.read += data
        while (end := self.read.find(b"\r\n\r\n")) >= 0:
            head = self.read[:end].decode("latin-1")
            lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self.read) < whole:
                return
            body, self.read = self.read[end + 4 : whole], self.read[whole:]
            self._answer(lines[0].split(" ")[1], headers, body)

    def _answer(self, path: str, headers: dict[str, str], body: bytes) -> None:
        transport = self.transport
        if path.startswith("/hang"):
            return
        if path == "/stats":
            global caught  # noqa: PLW0603 — one process, one tally
            told = msgspec.json.encode({**msgspec.structs.asdict(caught), "ids": []})
            caught = Caught(delays_ms=[], ids=set())
            transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(told), told))
            return
        now = time.time()
        if (id_ := headers["webhook-id"]) in caught.ids:
            caught.repeats += 1
        caught.ids.add(id_)
        caught.delays_ms.append((now - datetime.fromisoformat(_decode(body).timestamp).timestamp()) * 1000)
        caught.first = caught.first or now
        caught.last = now
        transport.write(_ANSWER)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Catcher, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
