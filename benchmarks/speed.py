"""Requests per second against the yardsticks: a page of events, a registration.

events-page   GET /events?limit=50; at least 0.6 × bare and 6 × usual on SQLite, 3 × usual on PostgreSQL
register      POST /registration with fsync on; on both at least 4 × usual
yardsticks    the yardsticks against each other, without us: no goal, a look at the machine
"""

from collections.abc import Iterator
from contextlib import ExitStack

import msgspec

from benchmarks import data, load, product, servers, usual
from benchmarks.rounds import Row, alternate, at_least, described, ratio, skipped
from benchmarks.stage import Stage

_USUAL_HEADERS = {"Authorization": f"Bearer {usual.KEY}"}


def events_page(stage: Stage) -> Iterator[Row]:
    with ExitStack() as running:
        filled = stage.ours_sqlite
        ours = running.enter_context(product.serving(filled, stage.log("ours")))
        contestants = {"ours": product.page(ours, filled)} | _bare(stage, running) | _usual(stage, running)
        _require_same_page(contestants)
        results = alternate(contestants, stage.pace)
        yield at_least("events-page, SQLite", results["ours"], results["bare"], "bare", 0.6)
        yield at_least("events-page, SQLite", results["ours"], results["usual"], "usual", 6)
    if not stage.with_postgres:
        yield skipped("events-page, PostgreSQL", "without PostgreSQL")
        return
    with ExitStack() as running:
        filled = stage.ours_postgres
        ours = running.enter_context(product.serving(filled, stage.log("ours-postgres")))
        contestants = {"ours": product.page(ours, filled)} | _usual(stage, running, on_postgres=True)
        _require_same_page(contestants)
        results = alternate(contestants, stage.pace)
        yield at_least("events-page, PostgreSQL", results["ours"], results["usual"], "usual", 3)


def register(stage: Stage) -> Iterator[Row]:
    for database in ("SQLite", "PostgreSQL"):
        on_postgres = database == "PostgreSQL"
        if on_postgres and not stage.with_postgres:
            yield skipped(f"register, {database}", "without PostgreSQL")
            return
        with ExitStack() as running:
            filled = stage.ours_postgres if on_postgres else stage.ours_sqlite
            ours = running.enter_context(product.serving(filled, stage.log(f"ours-{database.lower()}")))
            contestants = {
                "ours": product.registering(ours, filled),
                "usual": _usual_registering(stage, running, on_postgres=on_postgres),
            }
            results = alternate(contestants, stage.pace)
        yield at_least(f"register, {database}", results["ours"], results["usual"], "usual", 4)


def yardsticks(stage: Stage) -> Iterator[Row]:
    with ExitStack() as running:
        contestants = _bare(stage, running) | _usual(stage, running)
        if stage.with_postgres:
            postgres = _usual(stage, running, on_postgres=True)
            contestants["usual on PostgreSQL"] = postgres["usual"]
        _require_same_page(contestants)
        results = alternate(contestants, stage.pace)
    for name in contestants.keys() - {"bare"}:
        yield Row(
            "yardsticks, page",
            f"bare: {described(results['bare'])}",
            f"{name}: {described(results[name])}",
            f"{ratio(results['bare'], results[name]):.2f} ×",
            "–",
            None,
        )
    for on_postgres in (False, True) if stage.with_postgres else (False,):
        with ExitStack() as running:
            request = _usual_registering(stage, running, on_postgres=on_postgres)
            results = alternate({"usual": request}, stage.pace)
        where = "PostgreSQL" if on_postgres else "SQLite"
        yield Row(f"yardsticks, register, {where}", "–", f"usual: {described(results['usual'])}", "–", "–", None)


def _bare(stage: Stage, running: ExitStack) -> dict[str, load.Request]:
    server = running.enter_context(servers.bare(stage.bare, stage.log("bare")))
    return {"bare": load.Request(f"{server.url}/events?limit=50")}


def _usual(stage: Stage, running: ExitStack, *, on_postgres: bool = False) -> dict[str, load.Request]:
    url = stage.usual_postgres if on_postgres else stage.usual_sqlite
    server = running.enter_context(servers.usual_on(url, stage.log("usual")))
    return {"usual": load.Request(f"{server.url}/events?limit=50", _USUAL_HEADERS)}


def _usual_registering(stage: Stage, running: ExitStack, *, on_postgres: bool) -> load.Request:
    url = stage.usual_postgres if on_postgres else stage.usual_sqlite
    server = running.enter_context(servers.usual_on(url, stage.log("usual")))
    return load.Request(f"{server.url}/registration", _USUAL_HEADERS, tuple(data.run_ids()))


def _require_same_page(contestants: dict[str, load.Request]) -> None:
    """Raises load.Failed unless all answer the right page, and the same one but for the organization's id."""
    pages = {}
    for name, request in contestants.items():
        status, body = servers.fetch(request.url, request.headers)
        if status != 200:
            raise load.Failed(f"{name} answers {status}: {body[:300]!r}")
        page = msgspec.json.decode(body)
        pages[name] = [{k: v for k, v in event.items() if k != "organizationId"} for event in page["data"]]
        if page["hasMore"] is not True or len(page["data"]) != 50 or page["data"][0]["_id"] != data.newest_event_id(0):
            raise load.Failed(f"{name} answers another page than the newest 50 events: {body[:300]!r}")
    first, *others = pages
    for other in others:
        if pages[other] != pages[first]:
            raise load.Failed(f"{other} and {first} answer different pages")
