"""Pages: a walk sees every row once, whatever is added, changed or deleted meanwhile, and a page costs the same wherever it is."""

import json
import re
from collections.abc import Callable
from typing import Any

import apsw
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openintervals.api.partner import events as events_api
from openintervals.api.partner import groups as groups_api
from openintervals.api.partner import payloads
from openintervals.api.partner import recurrences as recurrences_api
from openintervals.api.partner import series as series_api
from openintervals.api.partner.registrations import RegistrationListed as Listed
from openintervals.club import events, groups, recurrences, registrations, series
from openintervals.db.statement import Statement
from openintervals.platform import deliveries, ids, webhooks
from openintervals.platform.pages import Direction, Window
from tests import clients
from tests.clients import Api, error
from tests.servers import START, Application


class List:
    """A list of the API: how its rows are made, changed and deleted, and where it is read."""

    def __init__(self, kind: str, api: Api) -> None:
        self.kind, self.api, self.query = kind, api, {}  # type: tuple[str, Api, dict[str, str]]
        self.slugs: dict[str, str] = {}
        if kind == "registrations":
            self.event = api.make_event()
            self.run = api.make_run(self.event)
            self.path, self.query = "/registration", {"eventId": self.event}
        elif kind == "events of a group":
            self.group = api.make_group()
            self.path = f"/groups/{self.group}/events"
        elif kind == "recurrences":
            self.event = api.make_event()
            self.path = "/recurrences"
        else:
            self.path = f"/{kind}"

    def add(self) -> str:
        if self.kind == "registrations":
            return self.api.make_registration(self.run)
        if self.kind == "recurrences":
            return self.api.make_recurrence(self.event)
        if self.kind == "groups":
            slug = self.api.make_group()
            group: str = self.api.get(f"/groups/{slug}").json()["data"]["_id"]
            self.slugs[group] = slug
            return group
        event = self.api.make_event()
        if self.kind == "series":
            self.api.make_recurrence(event)
        elif self.kind == "events of a group":
            self.api.put(f"/groups/{self.group}/events/{event}")
        return event

    def delete(self, row: str) -> bool:
        """Whether this list's rows can be deleted."""
        if self.kind == "registrations":
            return False
        path = f"/events/{row}" if self.kind in ("events", "series") else f"{self.path}/{self.slugs.get(row, row)}"
        assert self.api.delete(path).status_code in (200, 204)
        return True

    def change(self, row: str) -> None:
        path, body = {
            "registrations": (f"/registration/{row}", {"status": "cancelled"}),
            "recurrences": (f"/recurrences/{row}", {"label": "changed"}),
            "groups": (f"/groups/{self.slugs.get(row)}", {"name": "Changed"}),
        }.get(self.kind, (f"/events/{row}", {"name": "Changed", "date": "2020-01-01"}))
        assert self.api.patch(path, body).status_code == 200

    def page(self, **window: Any) -> tuple[list[str], bool]:
        answer = self.api.get(self.path, **self.query, **window)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert not (body["hasMore"] and not body["data"])
        return [row["_id"] for row in body["data"]], body["hasMore"]


KINDS = ["events", "groups", "events of a group", "registrations", "recurrences", "series"]
doings = st.lists(
    st.tuples(st.sampled_from(["add", "delete", "delete the anchor", "change"]), st.integers(0, 99)), max_size=3
)


@settings(max_examples=40)
@given(
    kind=st.sampled_from(KINDS), rows=st.integers(0, 9), limit=st.integers(1, 4), between=st.lists(doings, max_size=6)
)
def test_a_walk_sees_every_row_that_stays_exactly_once(
    app: Application, kind: str, rows: int, limit: int, between: list[list[tuple[str, int]]]
) -> None:
    app.clock.now = START
    listed = List(kind, clients.join(app))
    at_start = [listed.add() for _ in range(rows)]
    alive = list(at_start)
    seen: list[str] = []

    def meanwhile(what: str, which: int) -> None:
        if what == "add":
            alive.append(listed.add())
        elif alive:
            row = seen[-1] if what == "delete the anchor" and seen and seen[-1] in alive else alive[which % len(alive)]
            if what == "change":
                listed.change(row)
            elif listed.delete(row):
                alive.remove(row)

    pages = 0
    found, more = listed.page(limit=limit)
    while True:
        seen += found
        pages += 1
        for what, which in between[pages - 1] if pages <= len(between) else []:
            meanwhile(what, which)
        if not more:
            break
        found, more = listed.page(limit=limit, after=seen[-1])
        if not found:
            break

    assert seen == sorted(set(seen), reverse=True)
    assert set(at_start) & set(alive) <= set(seen)
    assert pages <= rows + 1

    back, above = listed.page(limit=100, before=seen[-1]) if seen else ([], False)
    assert not above
    assert set(back) == {row for row in alive if seen and row > seen[-1]}
    assert back == sorted(back, reverse=True)


@pytest.fixture
def five(api: Api) -> tuple[Api, list[str]]:
    """A client, and its five events in list order."""
    return api, [api.make_event() for _ in range(5)][::-1]


def ids_of(api: Api, **window: Any) -> tuple[list[str], bool]:
    answer = api.get("/events", **window).json()
    return [event["_id"] for event in answer["data"]], answer["hasMore"]


def test_after_then_before_gives_the_same_page_back(five: tuple[Api, list[str]]) -> None:
    api, rows = five

    first, second = ids_of(api, limit=2), ids_of(api, limit=2, after=rows[1])

    assert first == (rows[:2], True)
    assert second == (rows[2:4], True)
    assert ids_of(api, limit=2, before=second[0][0]) == (rows[:2], False)
    assert ids_of(api, limit=2, after=rows[3]) == (rows[4:], False)


def test_before_gives_the_rows_nearest_to_the_cursor(five: tuple[Api, list[str]]) -> None:
    api, rows = five

    assert ids_of(api, limit=2, before=rows[4]) == (rows[2:4], True)
    assert ids_of(api, limit=3, before=rows[3]) == (rows[:3], False)
    assert ids_of(api, before=rows[0]) == ([], False)


def test_a_page_that_is_exactly_full_has_no_more(five: tuple[Api, list[str]]) -> None:
    api, rows = five

    assert ids_of(api, limit=5) == (rows, False)


def test_a_filter_keeps_the_walk(api: Api) -> None:
    races = [api.make_event(type="race" if number % 2 else "other") for number in range(8)][1::2][::-1]

    first, more = ids_of(api, limit=2, type="race", dateFrom="2026-06-14", dateTo="2026-06-14")
    second, end = ids_of(api, limit=2, type="race", dateFrom="2026-06-14", after=first[-1])

    assert first + second == races
    assert (more, end) == (True, False)


def test_a_cursor_is_a_position_whoever_its_row_belongs_to(five: tuple[Api, list[str]], app: Application) -> None:
    api, rows = five
    foreign = clients.join(app).make_event()
    other_mode = api.in_mode("test").make_event()
    invented = ids.new(ids.EVENT, START)
    api.delete(f"/events/{rows[2]}")

    left = [row for row in rows if row != rows[2]]
    for cursor in (foreign, other_mode, invented):
        assert ids_of(api, after=cursor) == (left, False)
    assert ids_of(api, after=rows[2]) == (rows[3:], False)
    assert ids_of(api, before=rows[2]) == (rows[:2], False)


@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("cursor", ["", "x", "e1", "{run}", "{event}x", "{upper}", "%00", "e' OR 1=1 --"])
def test_a_cursor_of_another_form_or_kind_is_refused(api: Api, name: str, cursor: str) -> None:
    event = api.make_event()
    cursor = cursor.format(run="r" + event[1:], event=event, upper=event.upper())

    refused = api.get("/events", **{name: cursor})

    assert refused.status_code == 422
    assert error(refused)["message"] == "Invalid request parameters"
    assert error(refused)["errors"] == {name: ["Invalid cursor: expected the _id of an event"]}


@pytest.mark.parametrize("path", ["/events", "/groups", "/recurrences", "/series"])
def test_both_directions_at_once_are_refused(api: Api, path: str) -> None:
    letter = {"/groups": "g", "/recurrences": "rc"}.get(path, "e")
    cursor = letter + "0" * 20

    refused = api.get(path, after=cursor, before=cursor)

    assert refused.status_code == 422
    both = ["Use either after or before, not both"]
    assert error(refused)["errors"] == {"after": both, "before": both}


def test_fifty_is_the_default_and_a_hundred_the_most(api: Api) -> None:
    for _ in range(51):
        api.make_group()

    assert len(api.get("/groups").json()["data"]) == 50
    assert len(api.get("/groups", limit=100).json()["data"]) == 51
    assert error(api.get("/groups", limit=101))["errors"] == {"limit": ["Number must be less than or equal to 100"]}


# Each list, and the last column its index must be narrowed by; None when the tenant's own key is the order.
LISTS: dict[str, tuple[Callable[[Direction], Statement], str | None]] = {
    "events": (lambda way: events._page(events_api.EventListed, (), way), None),
    "events by type": (lambda way: events._page(events_api.EventListed, ("type",), way), "type"),
    "groups": (lambda way: groups._page(groups_api.Group, way, by_status=False), None),
    "groups by status": (lambda way: groups._page(groups_api.Group, way, by_status=True), "status"),
    "events of a group": (lambda way: groups._events_page(events_api.EventListed, way), "group_id"),
    "registrations": (lambda way: registrations._page(Listed, (), way), "event_id"),
    "registrations by status": (lambda way: registrations._page(Listed, ("status",), way), "event_id"),
    "registrations by run": (lambda way: registrations._page(Listed, ("event_run_id",), way), "event_run_id"),
    "recurrences": (lambda way: recurrences._page(recurrences_api.Recurrence, way, by_status=False), None),
    "recurrences by status": (
        lambda way: recurrences._page(recurrences_api.Recurrence, way, by_status=True),
        "status",
    ),
    "series": (lambda way: series._page(series_api.Series, way), "id"),
    "webhooks": (lambda way: webhooks._page(payloads.Webhook, way), None),
    "deliveries": (lambda way: deliveries._page(None, way), "webhook_id"),
    "failed deliveries": (lambda way: deliveries._page("failed", way), "state"),
    "series by slug": (lambda way: series._page_with_slug(series_api.Series, way), "slug"),
}


class Parameters(dict[str, Any]):
    """Some value for every parameter: a plan does not depend on it."""

    def __missing__(self, name: str) -> Any:
        return 50 if name == "row_limit" else "x"


@pytest.mark.parametrize("direction", ["first", "after", "before"])
@pytest.mark.parametrize("name", LISTS)
def test_every_list_reads_its_index_in_order_and_sorts_nothing(
    app: Application, module_url: str, database_kind: str, name: str, direction: Direction
) -> None:
    listed, narrowed_by = LISTS[name]
    if database_kind == "postgres":
        narrowed_by = None  # which of its indexes is best it learns from the data, and here there is next to none

    steps = plan(module_url, listed(direction))

    assert steps
    assert all("organization_id" in step for step in steps), steps
    assert narrowed_by is None or any(re.search(rf"\b{narrowed_by} ?=", step) for step in steps), steps


@pytest.mark.parametrize("direction", ["first", "after", "before"])
def test_events_narrowed_by_dates_read_an_index_too(app: Application, module_url: str, direction: Direction) -> None:
    listed = events._page(events_api.EventListed, ("starts_from", "starts_to"), direction)

    steps = [step for step in plan(module_url, listed) if "TEMP B-TREE" not in step and '"Sort"' not in step]

    assert steps
    assert all("organization_id" in step for step in steps), steps


def plan(url: str, listed: Statement) -> list[str]:
    """How each table is read, one line for each, as the database says."""
    if url.startswith("sqlite"):
        connection = apsw.Connection(url.removeprefix("sqlite:///"), flags=apsw.SQLITE_OPEN_READONLY)
        names = Parameters(listed.sqlite.fixed)
        found = connection.execute(f"EXPLAIN QUERY PLAN {listed.sqlite.sql}", names).fetchall()
        connection.close()
        # What a subquery is called is no table's.
        steps = [str(step) for *_, step in found]
        return [step for step in steps if not step.startswith(("LIST SUBQUERY", "CORRELATED SCALAR SUBQUERY"))]
    with psycopg.connect(url) as connection_:
        connection_.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")
        sql = f"EXPLAIN (FORMAT JSON) {listed.postgres.sql}"
        found_ = connection_.execute(sql.encode(), Parameters(listed.postgres.fixed)).fetchone()
    assert found_
    return _leaves(found_[0][0]["Plan"])


def _leaves(node: dict[str, Any]) -> list[str]:
    inner = [line for child in node.get("Plans", []) for line in _leaves(child)]
    own = {key: value for key, value in node.items() if key in ("Node Type", "Index Name", "Index Cond")}
    return (
        [json.dumps(own), *inner] if "Index" in own["Node Type"] or not inner or "Sort" in own["Node Type"] else inner
    )


def test_a_window_reads_one_row_more_than_it_shows() -> None:
    assert Window(limit=2).parameters == {"row_limit": 3}
    assert Window(limit=2).cut([3, 2, 1]) == ([3, 2], True)
    assert Window(limit=2, before="e").cut([4, 5, 6]) == ([5, 4], True)
