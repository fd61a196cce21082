"""Bodies that nobody asked for, over a real connection: the answer arrives, and the connection goes on or says that it will not."""

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from openintervals import errors, instants
from openintervals.api import requests
from openintervals.api.exchange import Exchange
from tests import clients, servers

PATIENCE_S = 30
LARGE = requests.BODY_MOST
UPLOAD = 5 * 1024 * 1024


@dataclass
class Line:
    """One connection to a server, and what a key of its organization may say there."""

    connection: socket.socket
    key: str
    webhook_id: str

    def ask(self, method: str, path: str, body: bytes = b"", *, key: str | None = None, **headers: str) -> HTTPResponse:
        """Send head and body, and read the whole answer."""
        self.send_head(method, path, key=key, **{"Content-Length": str(len(body)), **headers})
        self.connection.sendall(body)
        return self.answer()

    def send_head(self, method: str, path: str, *, key: str | None = None, **headers: str) -> None:
        given = {"Host": "127.0.0.1", "Authorization": f"Bearer {self.key if key is None else key}", **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        self.connection.sendall(f"{method} /partner{path} HTTP/1.1\r\n{lines}\r\n".encode())

    def answer(self) -> HTTPResponse:
        answer = HTTPResponse(self.connection)
        answer.begin()
        answer.read()
        return answer


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """A server's base URL, a key, and the id of a webhook."""
    folder: Path = tmp_path_factory.mktemp("data")
    url = f"sqlite:///{folder}/openintervals.db"
    with servers.application(url) as app:
        api = clients.join(app)
        webhook = api.make_webhook()
    with servers.serving(url, OPENINTERVALS_RATE_LIMITS="off") as base:
        yield base, api.key, webhook


@pytest.fixture
def line(place: tuple[str, str, str]) -> Iterator[Line]:
    base, key, webhook = place
    port = int(base.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        yield Line(connection, key, webhook)


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("POST", "/webhooks/{}/rotate", None, 200),
        ("GET", "/webhooks/{}", None, 200),
        ("POST", "/webhooks/{}/rotate", "nobody", 401),
        ("POST", "/nothing", None, 404),
        ("PUT", "/webhooks", None, 405),
    ],
)
@pytest.mark.parametrize("size", [1, 100_000, LARGE])
def test_a_body_nobody_asked_for_costs_neither_the_answer_nor_the_connection(
    line: Line, method: str, path: str, key: str | None, status: int, size: int
) -> None:
    for _ in range(4):
        answer = line.ask(method, path.format(line.webhook_id), b" " * size, key=key)

        assert answer.status == status
        assert answer.headers["connection"] is None


def test_a_body_in_chunks_is_taken_in_too(line: Line) -> None:
    for _ in range(3):
        line.send_head("POST", f"/webhooks/{line.webhook_id}/rotate", **{"Transfer-Encoding": "chunked"})
        for _ in range(10):
            line.connection.sendall(b"2710\r\n" + b" " * 10_000 + b"\r\n")
        line.connection.sendall(b"0\r\n\r\n")

        assert line.answer().status == 200


@pytest.mark.parametrize(("path", "status"), [("/webhooks/{}/rotate", 200), ("/webhooks", 413)])
def test_of_a_body_that_is_too_large_nothing_is_awaited_and_the_connection_is_said_to_close(
    line: Line, path: str, status: int
) -> None:
    line.send_head("POST", path.format(line.webhook_id), **{"Content-Length": str(requests.DRAIN_MOST + 1)})

    answer = line.answer()

    assert answer.status == status
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/athlete/0/activities", 401),
        ("POST", "/api/v1/nothing", 401),
        ("PUT", "/partner/webhooks", 401),
        ("POST", "/livez", 405),
    ],
)
def test_who_sends_a_whole_upload_before_looking_sees_that_it_was_refused(
    place: tuple[str, str, str], method: str, path: str, status: int
) -> None:
    request = urllib.request.Request(place[0] + path, data=b" " * UPLOAD, method=method)
    request.add_header("Content-Type", "multipart/form-data; boundary=x")

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=PATIENCE_S)

    refused.value.close()
    assert refused.value.code == status


def test_what_is_too_large_for_an_operation_is_told_to_who_sends_it_all(line: Line) -> None:
    for _ in range(2):
        answer = line.ask("POST", "/webhooks", b" " * UPLOAD)

        assert answer.status == 413
        assert answer.headers["connection"] is None


def test_who_waits_to_be_asked_for_a_body_is_not_asked_for_one_nobody_reads(line: Line) -> None:
    line.send_head(
        "POST", f"/webhooks/{line.webhook_id}/rotate", **{"Content-Length": "100000", "Expect": "100-continue"}
    )

    answer = line.answer()

    assert answer.status == 200
    assert answer.headers["connection"] == "close"


def test_a_body_that_does_not_come_holds_an_answer_up_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "DRAIN_PATIENCE_S", 0)
    asked = 0

    async def receive() -> Any:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    async def story() -> list[bool]:
        exchange = Exchange(instants.parse("2026-03-01T09:00:00.000Z"), "r1")
        requests.note_body(exchange, b"content-length", b"1000")
        incoming = requests.Incoming(receive, exchange)
        return [await incoming.drained(), await incoming.drained()]

    assert asyncio.run(story()) == [False, False]
    assert asked == 1


def test_a_body_that_comes_for_ever_is_not_taken_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "DRAIN_MOST", 1000)
    taken = 0

    async def receive() -> Any:
        nonlocal taken
        taken += 100
        return {"type": "http.request", "body": b" " * 100, "more_body": True}

    exchange = Exchange(instants.parse("2026-03-01T09:00:00.000Z"), "r1")
    requests.note_body(exchange, b"transfer-encoding", b"chunked")

    assert not asyncio.run(requests.Incoming(receive, exchange).drained())
    assert taken == 1100


def test_who_sends_no_body_is_not_waited_for() -> None:
    async def receive() -> Any:
        raise AssertionError("asked for a body")

    exchange = Exchange(instants.parse("2026-03-01T09:00:00.000Z"), "r1")

    assert asyncio.run(requests.Incoming(receive, exchange).drained())


def test_a_body_that_stops_coming_gives_its_room_back_before_the_longest_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requests, "BODY_PATIENCE_S", 0.05)
    waiting: list[Any] = [{"type": "http.request", "body": b"x" * 8, "more_body": True}]

    async def receive() -> Any:
        return waiting.pop() if waiting else await asyncio.Event().wait()

    async def story() -> bytes:
        exchange = Exchange(instants.parse("2026-03-01T09:00:00.000Z"), "r1")
        request: Any = SimpleNamespace(receive=receive)
        return await requests.read_body(exchange, request, 2 * requests.BODY_MOST)

    with pytest.raises(errors.Invalid) as refusal:
        asyncio.run(story())

    assert "8 bytes of it had arrived" in refusal.value.fields["body"][0]
