"""What must not grow: the cost of a page with the pages before it, the wait for the server to be ready, its
memory.

pages    page 1 and page 1,000 of 1,000,000 registrations, with several limits: within 1.3 × of each other
start    from the start of the process to the first 200 of /readyz: within 2 s
memory   resident, all processes together: idle under 120 MB, after 10 minutes of load under 200 MB
         (10 minutes with --long, 1 otherwise, and the table says so)
"""

import statistics
import time
from collections.abc import Iterator

import msgspec

from benchmarks import data, load, product, servers
from benchmarks.rounds import Row, alternate, at_most, described, ratio, skipped
from benchmarks.stage import Stage

_PAGE = 1_000
_LIMITS = (10, 50, 100)
_STARTS = 5


def pages(stage: Stage) -> Iterator[Row]:
    stage.say(f"filling ours with {data.REGISTRATIONS:,} registrations, SQLite")
    yield from _pages(stage, "SQLite", product.Store(str(stage.directory / "pages")))
    if not stage.with_postgres:
        yield skipped("pages, PostgreSQL", "without PostgreSQL")
        return
    stage.say(f"filling ours with {data.REGISTRATIONS:,} registrations, PostgreSQL")
    yield from _pages(stage, "PostgreSQL", product.Store(stage.cluster.create_database()))


def _pages(stage: Stage, database: str, store: product.Store) -> Iterator[Row]:
    filled = product.fill(store, registrations=True)
    *_, run = data.runs()
    with product.serving(filled, stage.log(f"pages-{database.lower()}")) as server:
        for limit in _LIMITS:
            first = f"{server.url}/partner/registration?eventId={run.event_id}&limit={limit}"
            skipped_rows = (_PAGE - 1) * limit
            cursor = data.registration_id(data.REGISTRATIONS - skipped_rows)
            contestants = {
                "page 1": load.Request(first, filled.headers),
                "page 1,000": load.Request(f"{first}&after={cursor}", filled.headers),
            }
            _require_page(contestants["page 1"], limit, data.REGISTRATIONS - 1)
            _require_page(contestants["page 1,000"], limit, data.REGISTRATIONS - 1 - skipped_rows)
            results = alternate(contestants, stage.pace)
            yield at_most(
                f"pages, {database}, limit {limit}",
                f"page 1,000: {described(results['page 1,000'])}",
                f"page 1: {described(results['page 1'])}",
                ratio(results["page 1"], results["page 1,000"]),
                1.3,
                "×",
            )


def _require_page(request: load.Request, limit: int, first: int) -> None:
    """Raises load.Failed unless the answer is the page meant."""
    status, body = servers.fetch(request.url, request.headers)
    found = [row["_id"] for row in msgspec.json.decode(body)["data"]] if status == 200 else []
    if found != [data.registration_id(first - n) for n in range(limit)]:
        raise load.Failed(f"{request.url} answers {status} with another page than meant: {body[:300]!r}")


def start(stage: Stage) -> Iterator[Row]:
    filled = stage.ours_sqlite
    took = []
    for _ in range(_STARTS):
        with product.serving(filled, stage.log("start")) as server:
            took.append(server.ready_s)
    yield at_most(
        "start, SQLite",
        f"ready after {min(took):.2f} to {max(took):.2f} s, {_STARTS} starts",
        "–",
        statistics.median(took),
        2,
        "s",
    )


def memory(stage: Stage) -> Iterator[Row]:
    filled = stage.ours_sqlite
    minutes = 10.0 if stage.long else 0.25 if stage.quick else 1.0
    with product.serving(filled, stage.log("memory")) as server:
        time.sleep(2)
        idle = servers.resident_mb(server.pid)
        yield at_most("memory, idle", "resident, 2 s after ready", "–", idle, 120, "MB")
        requests = 0
        ends = time.monotonic() + 60 * minutes
        while (left := ends - time.monotonic()) > 0:
            # Pages and registrations by turns, as both halves of the server should have run hot.
            for request in (product.page(server, filled), product.registering(server, filled)):
                requests += load.run(request, seconds=min(10, max(1, left / 2)), connections=16).requests
        loaded = servers.resident_mb(server.pid)
    yield at_most(
        f"memory, after {minutes:g} min of load" + ("" if stage.long else " (10 with --long)"),
        f"resident, {requests:,} requests",
        "–",
        loaded,
        200,
        "MB",
    )
