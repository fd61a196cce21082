"""`openintervals serve` as a process: what it says, whom it refuses, and how it stops without losing anything."""

import asyncio
import os
import shlex
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import httpx
import psycopg
import pytest

from tests import databases, postgres
from tests.cli.program import PROGRAM, bearer, club, refusal, run, run_json, serving
from tests.servers import free_port

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
        with serving(url, "--demo") as served:
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

    with serving(url, errors=log) as served, ThreadPoolExecutor() as threads:
        blocker = apsw.Connection(str(tmp_path / "openintervals.db"))
        blocker.set_busy_timeout(5_000)  # the background work may be writing just now
        blocker.execute("BEGIN IMMEDIATE")
        running = threads.submit(_make_event, served.base, key)
        _until_running(served.base)
        served.process.send_signal(signal.SIGTERM)
        refused = _until_refused(served.base)
        blocker.execute("ROLLBACK")
        made = running.result()
        code = served.process.wait(30)

    assert refused
    assert made.status_code == 201
    assert code == 0
    assert '"unfinished":0' in log.read_text()


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/openintervals.db"
    key = club(url)

    with serving(url) as served, ThreadPoolExecutor() as threads:
        blocker = apsw.Connection(str(tmp_path / "openintervals.db"))
        blocker.set_busy_timeout(5_000)  # the background work may be writing just now
        blocker.execute("BEGIN IMMEDIATE")
        running = threads.submit(_make_event, served.base, key)
        _until_running(served.base)
        served.process.send_signal(signal.SIGTERM)
        _until_refused(served.base)
        code = served.stop()
        problem = running.exception()
        blocker.close()

    assert code == 128 + signal.SIGTERM
    assert isinstance(problem, httpx.TransportError)


def _make_event(base: str, key: str) -> httpx.Response:
    return httpx.post(f"{base}/partner/events", headers=bearer(key), json=EVENT, timeout=30)


def _until_running(base: str) -> None:
    """Return once the server has the POST in hand: requests on other connections are answered after it was received."""
    for _ in range(50):
        httpx.get(f"{base}/readyz")


def _until_refused(base: str) -> bool:
    """Ask until connections are refused, as they are once the server has let go of its port."""
    port = int(base.rpartition(":")[2])
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=30):
                pass
        except ConnectionRefusedError:
            return True


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
            pass
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
