"""`openintervals serve` as a process: what it says, whom it refuses, and how it stops without losing anything."""

import asyncio
import json
import os
import shlex
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path

import apsw
import httpx
import psycopg
import pytest

from openintervals.worker.outbound import TOTAL_S
from tests import databases, postgres
from tests.cli.program import PROGRAM, bearer, club, refusal, run, run_json, serving
from tests.servers import free_port
from tests.worker import receivers

EVENT = {"name": "Evening Mile", "slug": "evening-mile", "date": "2027-05-01", "type": "race"}


def test_it_says_where_to_look(database_url: str) -> None:
    run("migrate", "--database-url", database_url)

    with serving(database_url) as served:
        served.line("Open Intervals")
        api, document, health = (served.line(name).partition(": ")[2] for name in ("partner API", "OpenAPI", "health"))

        assert httpx.get(document).json()["openapi"].startswith("3.1")
        assert httpx.get(health).json() == {"status": "ready"}
        assert httpx.get(f"{api}/events").status_code == 401


def test_the_printed_call_to_the_demo_club_works_as_it_stands_and_again_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/openintervals.db"
    answers = []

    for _ in range(2):
        with serving(url, "--demo", OPENINTERVALS_DATA=str(tmp_path / "data")) as served:
            words = shlex.split(served.line("curl "))
            header, address = words[2], words[3]
            name, _, value = header.partition(": ")
            answers.append(httpx.get(address, headers={name: value}).json())
            assert served.stop() == 0

    assert words[:2] == ["curl", "-H"]
    assert len(answers[0]["data"]) == 3
    assert answers[0] == answers[1]
    assert (tmp_path / "data" / "demo-key.txt").stat().st_mode & 0o777 == 0o600


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        said = refusal("serve", "--port", str(port), "--data", str(tmp_path))

    assert f"Port {port} of 127.0.0.1 is in use already" in said


def test_an_sqlite_database_is_served_once_at_a_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/openintervals.db"

    with serving(url) as served:
        said = refusal("serve", "--port", str(free_port()), "--database-url", url)
        restoring = refusal("restore", _backup(tmp_path), "--force", "--database-url", url)

        assert f"is being served already, by process {served.process.pid}" in said
        assert "is being served already" in restoring

    with serving(url) as again:
        assert again.stop() == 0


def _backup(folder: Path) -> str:
    return str(run_json("backup", str(folder / "backup.db"), "--data", str(folder))["backup"])


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_with_exit_code_0_and_keeps_the_counts_of_usage(database_url: str, told: signal.Signals) -> None:
    key = club(database_url)

    with serving(database_url) as served:
        for _ in range(3):
            httpx.get(f"{served.base}/partner/events", headers=bearer(key))
        code = served.stop(told)

    assert code == 0
    assert databases.rows(database_url, "SELECT sum(requests) FROM usage") == [(3,)]


def test_a_stop_in_a_burst_loses_no_request(database_url: str) -> None:
    key = club(database_url)
    answered: Counter[int] = Counter()
    broken: list[str] = []

    async def partner(base: str, stopping: asyncio.Event, number: int) -> None:
        async with httpx.AsyncClient(base_url=base, headers=bearer(key), timeout=30) as client:
            for event in range(1_000_000):
                try:
                    made = await client.post("/partner/events", json={**EVENT, "slug": f"mile-{number}-{event}"})
                except httpx.ConnectError:
                    return
                except httpx.TransportError as problem:
                    broken.append(repr(problem))
                    return
                answered[made.status_code] += 1
                if sum(answered.values()) == 200:
                    stopping.set()

    async def burst(base: str, pid: int) -> None:
        stopping = asyncio.Event()
        partners = [asyncio.create_task(partner(base, stopping, number)) for number in range(16)]
        await stopping.wait()
        os.kill(pid, signal.SIGTERM)
        await asyncio.gather(*partners)

    with serving(database_url, OPENINTERVALS_LOG_REQUESTS="false") as served:
        asyncio.run(burst(served.base, served.process.pid))
        code = served.process.wait(30)

    assert code == 0
    assert broken == []
    assert set(answered) == {201}
    assert databases.rows(database_url, "SELECT count(*) FROM events") == [(answered[201],)]


def test_a_running_request_is_finished_after_sigterm_and_a_newcomer_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/openintervals.db"
    key = club(url)
    log = tmp_path / "log"

    with serving(url, errors=log) as served, _locked(tmp_path / "openintervals.db") as blocker:
        with _making_an_event(served.base, key) as running:
            served.process.send_signal(signal.SIGTERM)
            refused = _until_refused(served.base)
            blocker.execute("ROLLBACK")
            status = _status(running)
        code = served.process.wait(30)

    assert refused
    assert status == 201
    assert code == 0
    assert '"unfinished":0' in log.read_text()


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/openintervals.db"
    key = club(url)

    with (
        serving(url) as served,
        _locked(tmp_path / "openintervals.db"),
        _making_an_event(served.base, key) as running,
    ):
        served.process.send_signal(signal.SIGTERM)
        _until_refused(served.base)
        code = served.stop()
        with pytest.raises(ConnectionResetError):
            _status(running)

    assert code == 128 + signal.SIGTERM


@contextmanager
def _locked(path: Path) -> Iterator[apsw.Connection]:
    """Nobody else can write to this database until the connection rolls back."""
    blocker = apsw.Connection(str(path))
    blocker.set_busy_timeout(5_000)  # the background work may be writing just now
    blocker.execute("BEGIN IMMEDIATE")
    try:
        yield blocker
    finally:
        blocker.close()


@contextmanager
def _making_an_event(base: str, key: str) -> Iterator[socket.socket]:
    """A POST that the server has in hand: it has asked for the body, which it does when it comes to read it, and got it."""
    body = json.dumps(EVENT).encode()
    head = (
        f"POST /partner/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nExpect: 100-continue\r\n"
    )
    with socket.create_connection(("127.0.0.1", _port(base)), timeout=30) as connection:
        connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        yield connection


def _status(running: socket.socket) -> int:
    answer = HTTPResponse(running)
    answer.begin()
    return answer.status


def _port(base: str) -> int:
    return int(base.rpartition(":")[2])


def _until_refused(base: str) -> bool:
    """Ask until connections are refused, as they are once the server has let go of its port."""
    while True:
        try:
            with socket.create_connection(("127.0.0.1", _port(base)), timeout=30):
                pass
        except ConnectionRefusedError:
            return True


def test_a_webhook_that_hangs_holds_up_no_stop_and_is_sent_by_the_next_start(database_url: str, tmp_path: Path) -> None:
    key, log = club(database_url), tmp_path / "log"
    loopback = "127.0.0.0/8"

    with receivers.receiving() as receiver:
        receiver.behaviour = receivers.hear_nothing
        with serving(
            database_url, errors=log, OPENINTERVALS_STOP_GRACE_S="1", OPENINTERVALS_WEBHOOK_ALLOW=loopback
        ) as served:
            webhook = {"url": receiver.url, "types": ["event.created"]}
            for path, body in (("webhooks", webhook), ("events", EVENT)):
                made = httpx.post(f"{served.base}/partner/{path}", headers=bearer(key), json=body)
                assert made.status_code == 201
            receiver.wait_for(1)
            told_at = time.monotonic()
            code = served.stop()
            stopped_after_s = time.monotonic() - told_at
        left = databases.rows(database_url, "SELECT state, tries FROM deliveries")

        receiver.behaviour = receivers.answer()
        with serving(database_url, OPENINTERVALS_WEBHOOK_ALLOW=loopback) as served:
            first, second = receiver.wait_for(2)
            assert served.stop() == 0

    assert code == 0
    assert stopped_after_s < TOTAL_S  # what a request gets that nobody answers
    assert '"event":"stopped"' in log.read_text()
    assert left == [("waiting", 0)]
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert databases.rows(database_url, "SELECT state, tries FROM deliveries") == [("succeeded", 1)]


def test_an_unmigrated_postgres_database_is_refused(postgres_url: str) -> None:
    for command in (("serve", "--port", str(free_port())), ("organization", "list"), ("worker",)):
        said = refusal(*command, "--database-url", postgres_url)

        assert "run `openintervals migrate` first" in said


def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    run("migrate", "--database-url", database_url)
    _execute(database_url, "UPDATE alembic_version SET version_num = '9999'")

    for command in (("serve", "--port", str(free_port())), ("organization", "list"), ("migrate",)):
        said = refusal(*command, "--database-url", database_url)

        assert "made by a newer version (revision 9999" in said


def _execute(url: str, statement: str) -> None:
    if url.startswith("sqlite"):
        apsw.Connection(url.removeprefix("sqlite:///")).execute(statement)
    else:
        with psycopg.connect(url) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def postgres_url(cluster: postgres.Cluster) -> Iterator[str]:
    url = cluster.create_database()
    yield url
    cluster.drop_database(url)


def test_several_processes_share_the_port_and_add_their_measurements_up(postgres_url: str) -> None:
    key = club(postgres_url)

    with serving(postgres_url, "--workers", "2") as served:
        codes = [httpx.get(f"{served.base}/partner/events", headers=bearer(key)).status_code for _ in range(40)]
        measured = httpx.get(f"{served.base}/metrics").text
        children = _children(served.process.pid)
        code = served.stop()

    counted = [
        float(line.rpartition(" ")[2])
        for line in measured.splitlines()
        if line.startswith("http_server_request_duration_seconds_count") and "/events" in line
    ]
    assert codes == [200] * 40
    assert len(children) == 2
    assert sum(counted) == 40
    assert code == 0
    assert databases.rows(postgres_url, "SELECT sum(requests) FROM usage") == [(40,)]


def test_a_serving_process_that_dies_is_replaced(postgres_url: str) -> None:
    run("migrate", "--database-url", postgres_url)

    with serving(postgres_url, "--workers", "2") as served:
        before = _children(served.process.pid)
        os.kill(before[0], signal.SIGKILL)
        while len(after := set(_children(served.process.pid)) - {before[0]}) < 2:
            served.pause()
        answer = httpx.get(f"{served.base}/readyz")

        assert len(after) == 2
        assert answer.status_code == 200
        assert served.stop() == 0


def test_serving_processes_end_with_their_parent(postgres_url: str) -> None:
    run("migrate", "--database-url", postgres_url)

    with serving(postgres_url, "--workers", "2") as served:
        children = _children(served.process.pid)
        served.process.kill()
        served.process.wait()

        assert len(children) == 2
        assert _until_refused(served.base)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_the_worker_works_alone_until_it_is_told_to_stop(postgres_url: str) -> None:
    run("migrate", "--database-url", postgres_url)

    with subprocess.Popen(
        [PROGRAM, "worker", "--database-url", postgres_url], stderr=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stderr
        first = worker.stderr.readline()
        worker.send_signal(signal.SIGTERM)
        rest = worker.stderr.read()
        code = worker.wait(30)

    assert '"event":"working"' in first
    assert '"event":"stopped"' in rest
    assert code == 0
