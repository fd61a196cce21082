"""Webhooks: how many are delivered, how soon, and what they cost the request that causes them.

webhooks       20 endpoints, 2 of which never answer; changes are made at a steady pace for 60 s. Wanted: every delivery to the others,
               400 a second on SQLite and 800 on PostgreSQL with two workers, and p99 from commit to arrival below a second
webhooks-most  10,000 deliveries that waited: how fast they leave when nothing else is to be done; no goal
outbox         POST /registration with an endpoint that hears of it, against none: at most 1.25 times as long. Nothing is sent meanwhile

Receiver, load, server, workers and PostgreSQL share this machine's cores.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec

from benchmarks import data, load, product, servers
from benchmarks.rounds import Row, alternate, described, skipped
from benchmarks.stage import Stage

ENDPOINTS = 20
HANGING = 2
GOAL_P99_MS = 1_000
OFFERED = 1.1
BACKLOG = 10_000
CHANGING = 8
_ALLOW = {"OPENINTERVALS_WEBHOOK_ALLOW": "127.0.0.0/8"}


class Caught(msgspec.Struct):
    delays_ms: list[float]
    repeats: int
    first: float
    last: float


def webhooks(stage: Stage) -> Iterator[Row]:
    seconds = 15 if stage.quick else 60
    for filled, workers, goal in _databases(stage):
        name = f"webhooks, {_name(filled)}"
        with _running(stage, filled, workers) as (server, catcher):
            made = _endpoints(server, filled, catcher, ENDPOINTS, HANGING)
            try:
                _warm_up(server, filled, catcher)
                pace = goal * OFFERED / (ENDPOINTS - HANGING)
                changes = _change(server, filled, per_second=pace, seconds=seconds)
                expected = changes * (ENDPOINTS - HANGING)
                caught = _wait_for(catcher, expected)
            finally:
                _remove(server, filled, made)
        delays = sorted(caught.delays_ms)
        p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
        rate = len(delays) / (caught.last - caught.first)
        yield Row(
            name,
            f"{rate:,.0f}/s for {caught.last - caught.first:.0f} s, p50 {p50:.0f} ms, p99 {p99:.0f} ms, {caught.repeats} repeats",
            f"{changes} changes made, {ENDPOINTS} endpoints, {HANGING} hang; {len(delays)} of {expected} came",
            "–",
            f"≥ {goal}/s, p99 < 1 s",
            rate >= goal and p99 < GOAL_P99_MS and len(delays) == expected,
        )
    if not stage.with_postgres:
        yield skipped("webhooks, PostgreSQL", "without PostgreSQL")


def webhooks_most(stage: Stage) -> Iterator[Row]:
    for filled, workers, _ in _databases(stage):
        with _running(stage, filled, workers) as (server, catcher):
            healthy = ENDPOINTS - HANGING
            made = _endpoints(server, filled, catcher, healthy, 0)
            try:
                for webhook in made:
                    _ask(server, filled, "PATCH", f"/webhooks/{webhook}", {"status": "paused"})
                changes = _change(server, filled, per_second=10_000, seconds=60, most=BACKLOG // healthy)
                for webhook in made:
                    _ask(server, filled, "PATCH", f"/webhooks/{webhook}", {"status": "active"})
                caught = _wait_for(catcher, changes * healthy)
            finally:
                _remove(server, filled, made)
        rate = len(caught.delays_ms) / (caught.last - caught.first)
        told = f"{rate:,.0f}/s, {len(caught.delays_ms)} that waited for {healthy} endpoints"
        yield Row(f"webhooks-most, {_name(filled)}", told, "–", "–", "–", None)


def outbox(stage: Stage) -> Iterator[Row]:
    for filled, _, _ in _databases(stage):
        results: dict[str, list[load.Result]] = {"with": [], "without": []}
        with product.serving(filled, stage.log("outbox"), environment=_ALLOW, arguments=("--no-worker",)) as server:
            request = product.registering(server, filled)
            for _ in range(stage.pace.rounds):
                results["without"] += alternate({"": request}, stage.pace._replace(rounds=1))[""]
                made = _ask(server, filled, "POST", "/webhooks", _endpoint("https://example.com/"))["webhookId"]
                results["with"] += alternate({"": request}, stage.pace._replace(rounds=1))[""]
                _remove(server, filled, [made])
        times = sorted(
            one.per_second / other.per_second for one, other in zip(results["without"], results["with"], strict=True)
        )[len(results["with"]) // 2]
        yield Row(
            f"outbox, {_name(filled)}",
            described(results["with"]),
            f"without webhooks: {described(results['without'])}",
            f"{times:.2f} × as long",
            "≤ 1.25 ×",
            times <= 1.25,
        )


def _databases(stage: Stage) -> Iterator[tuple[product.Filled, int, int]]:
    """Each database with the workers beside its server, and the goal in deliveries per second."""
    yield stage.ours_sqlite, 0, 400
    if stage.with_postgres:
        yield stage.ours_postgres, 2, 800


def _name(filled: product.Filled) -> str:
    return "SQLite" if filled.store.on_sqlite else "PostgreSQL, two workers"


@contextmanager
def _running(stage: Stage, filled: product.Filled, workers: int) -> Iterator[tuple[servers.Server, servers.Server]]:
    """A server, its workers, and a catcher."""
    with ExitStack() as running:
        port = servers.free_port()
        command = [sys.executable, "-m", "benchmarks.catcher", str(port)]
        catcher = running.enter_context(servers.serving(command, port=port, ready="/stats", log=stage.log("catcher")))
        arguments = ("--no-worker",) if workers else ()
        server = running.enter_context(
            product.serving(filled, stage.log("webhooks"), environment=_ALLOW, arguments=arguments)
        )
        for number in range(workers):
            running.enter_context(_worker(stage, filled, number))
        yield server, catcher


@contextmanager
def _worker(stage: Stage, filled: product.Filled, number: int) -> Iterator[None]:
    with stage.log(f"worker-{number}").open("ab") as output:
        environment = product.environment(_ALLOW)
        command = [*product.COMMAND, "worker", *filled.store.option]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=servers.ROOT)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def _endpoint(url: str) -> dict[str, Any]:
    return {"url": url, "types": ["registration.*", "event.updated"]}


def _endpoints(
    server: servers.Server, filled: product.Filled, catcher: servers.Server, number: int, hanging: int
) -> list[str]:
    paths = ["hang" if n < hanging else "take" for n in range(number)]
    return [
        _ask(server, filled, "POST", "/webhooks", _endpoint(f"{catcher.url}/{path}/{n}"))["webhookId"]
        for n, path in enumerate(paths)
    ]


def _remove(server: servers.Server, filled: product.Filled, webhooks_: list[str]) -> None:
    for webhook in webhooks_:
        _ask(server, filled, "DELETE", f"/webhooks/{webhook}")


def _ask(server: servers.Server, filled: product.Filled, method: str, path: str, body: Any = None) -> Any:
    status, answer = servers.ask(server.port, method, f"/partner{path}", filled.headers, body)
    if status >= 300:
        raise load.Failed(f"{method} {path} answers {status}: {answer[:300]!r}")
    return msgspec.json.decode(answer)["data"] if answer else None


def _change(
    server: servers.Server, filled: product.Filled, *, per_second: float, seconds: float, most: int | None = None
) -> int:
    """Change one event after another, at a steady pace and several at once; gives how many changes were made."""
    began, salt = time.monotonic(), time.time_ns()
    planned = min(round(per_second * seconds), most or sys.maxsize)

    def change(number: int) -> None:
        wait_s = began + number / per_second - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        event = data.event_id(data.EVENTS - data.ORGANIZATIONS * (1 + number % 1_000))
        _ask(server, filled, "PATCH", f"/events/{event}", {"description": f"Change {salt} {number}"})

    with ThreadPoolExecutor(CHANGING) as threads:
        for _ in threads.map(change, range(planned)):
            pass
    return planned


def _warm_up(server: servers.Server, filled: product.Filled, catcher: servers.Server) -> None:
    """Every endpoint has been found and every hanging one has hung before the clock starts."""
    _change(server, filled, per_second=20, seconds=3)
    _wait_for(catcher, 60 * (ENDPOINTS - HANGING))


def _wait_for(catcher: servers.Server, expected: int) -> Caught:
    """What the catcher got, once that is all, or nothing has come for 10 s."""
    total = Caught([], 0, 0.0, 0.0)
    quiet_since = time.monotonic()
    while len(total.delays_ms) < expected and time.monotonic() - quiet_since < 10:
        _, answer = servers.ask(catcher.port, "GET", "/stats", {})
        got = msgspec.json.decode(answer, type=Caught)
        if got.delays_ms:
            quiet_since = time.monotonic()
            first = total.first or got.first
            total = Caught([*total.delays_ms, *got.delays_ms], total.repeats + got.repeats, first, got.last)
        time.sleep(0.2)
    return total
