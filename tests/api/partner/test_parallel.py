"""Many at once, over HTTP, against a real server: nothing is oversold, given twice, done twice or locked up."""

import asyncio
import collections
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from openintervals.db import named_by
from openintervals.doctor import examine
from openintervals.settings import Settings
from tests import clients, servers

PATIENCE_S = 60
Request = tuple[str, str, Any, dict[str, str]]


@dataclass
class Server:
    """A server of its own process, and one key of one organization."""

    url: str
    base: str
    key: str

    def together(self, requests: Sequence[Request]) -> list[httpx.Response]:
        """All at once, each on a connection of its own: method, path, body and headers; answers in the same order."""

        async def all_of_them() -> list[httpx.Response]:
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(
                base_url=f"{self.base}/partner",
                headers={"authorization": f"Bearer {self.key}"},
                timeout=PATIENCE_S,
                limits=limits,
            ) as client:
                return await asyncio.gather(
                    *(
                        client.request(method, path, json=body, headers=headers)
                        for method, path, body, headers in requests
                    )
                )

        return asyncio.run(all_of_them())

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request that must succeed; its data."""
        (answer,) = self.together([(method, path, body, {})])
        assert answer.is_success, answer.text
        return answer.json()["data"] if answer.content else None

    def event(self, **fields: Any) -> str:
        number = next(_numbers)
        body = {"name": "Race", "slug": f"parallel-{number}", "type": "race", "date": "2026-06-14", **fields}
        id_: str = self.ask("POST", "/events", body)["eventId"]
        return id_

    def run(self, event_id: str, **fields: Any) -> str:
        id_: str = self.ask("POST", f"/events/{event_id}/runs", {"distanceStandard": "5K", **fields})["eventRunId"]
        return id_

    def register(self, run_id: str, number: int, *, status: str = "confirmed", place: str = "") -> list[str]:
        """So many people, one after the other: the order of their ids is that of arrival."""

        async def one_by_one() -> list[str]:
            async with httpx.AsyncClient(
                base_url=f"{self.base}/partner", headers={"authorization": f"Bearer {self.key}"}, timeout=PATIENCE_S
            ) as client:
                answers = [
                    await client.post("/registration", json=wish(run_id, f"{place}{status}{position}", status))
                    for position in range(number)
                ]
            return [clients.made(answer, "participantId") for answer in answers]

        return asyncio.run(one_by_one())

    def registrations(self, event_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            after = f"&after={found[-1]['_id']}" if found else ""
            (answer,) = self.together([("GET", f"/registration?eventId={event_id}&limit=100{after}", None, {})])
            found += clients.found(answer)
            if not answer.json()["hasMore"]:
                return found

    def problems(self) -> list[str]:
        """What the doctor says."""

        async def look() -> list[str]:
            database = named_by(Settings(database_url=self.url))
            await database.open()
            try:
                return await examine(database)
            finally:
                await database.close()

        return asyncio.run(look())


_numbers = itertools.count()


def wish(run_id: str, who: str, status: str = "confirmed") -> dict[str, str]:
    return {"eventRunId": run_id, "email": f"{who}@example.com", "registrationType": "free", "status": status}


def statuses(answers: Sequence[httpx.Response]) -> dict[int, int]:
    """How many answers had each status."""
    return dict(collections.Counter(answer.status_code for answer in answers))


@pytest.fixture(scope="module")
def server(module_url: str) -> Iterator[Server]:
    with servers.application(module_url) as app:
        key = clients.join(app).key
    quiet = {"OPENINTERVALS_RATE_LIMITS": "off", "OPENINTERVALS_LOG_REQUESTS": "false"}
    with servers.serving(module_url, **quiet) as base:
        yield Server(module_url, base, key)


def test_two_hundred_who_want_twenty_places_get_exactly_twenty(server: Server) -> None:
    event = server.event()
    run = server.run(event, maxParticipants=20)

    answers = server.together([("POST", "/registration", wish(run, f"r{n}"), {}) for n in range(200)])

    assert statuses(answers) == {201: 20, 409: 180}
    assert {clients.error(answer)["code"] for answer in answers if answer.status_code == 409} == {"CONFLICT"}
    assert [one["registrationStatus"] for one in server.registrations(event)] == ["confirmed"] * 20
    assert server.problems() == []


def test_of_two_hundred_who_would_also_wait_twenty_come_and_the_rest_stand_in_one_line(server: Server) -> None:
    event = server.event(maxParticipants=20)
    runs = [server.run(event, maxParticipants=15), server.run(event)]

    answers = server.together(
        [("POST", "/registration", wish(runs[n % 2], f"r{n}", "waitlist"), {}) for n in range(200)]
    )

    assert statuses(answers) == {201: 200}
    told = collections.Counter(one["registrationStatus"] for one in server.registrations(event))
    assert told == {"confirmed": 20, "waitlist": 180}
    lines = [server.ask("GET", f"/runs/{run}/waitlist?limit=100") for run in runs]
    for line in lines:
        assert [entry["position"] for entry in line] == list(range(1, len(line) + 1))
    assert sum(map(len, lines)) == 180
    assert server.problems() == []


def test_one_person_who_asks_twenty_times_at_once_is_registered_once(server: Server) -> None:
    event = server.event()
    run = server.run(event)

    answers = server.together([("POST", "/registration", wish(run, "ann"), {})] * 20)

    assert statuses(answers) == {201: 1, 409: 19}
    assert len(server.registrations(event)) == 1


def test_fifty_requests_with_one_idempotency_key_have_one_effect_and_one_answer(server: Server) -> None:
    event = server.event()
    run = server.run(event)

    answers = server.together([("POST", "/registration", wish(run, "ann"), {"idempotency-key": "one"})] * 50)

    assert statuses(answers) == {201: 50}
    assert len({(answer.content, answer.headers["location"]) for answer in answers}) == 1
    assert sum(answer.headers.get("idempotent-replayed") == "true" for answer in answers) == 49
    assert len(server.registrations(event)) == 1


def test_fifty_different_requests_with_one_idempotency_key_have_one_effect(server: Server) -> None:
    event = server.event()
    run = server.run(event)

    answers = server.together(
        [("POST", "/registration", wish(run, f"r{n}"), {"idempotency-key": "many"}) for n in range(50)]
    )

    assert statuses(answers) == {201: 1, 409: 49}
    assert len(server.registrations(event)) == 1


def test_places_freed_by_many_at_once_are_each_given_once_and_in_order(server: Server) -> None:
    event = server.event()
    run = server.run(event, maxParticipants=50)
    coming = server.register(run, 50)
    waiting = server.register(run, 60, status="waitlist")

    cancelling: list[Request] = [("PATCH", f"/registration/{id_}", {"status": "cancelled"}, {}) for id_ in coming]
    answers = server.together([*cancelling, *cancelling])

    assert statuses(answers) == {200: 100}
    status = {one["_id"]: one["registrationStatus"] for one in server.registrations(event)}
    assert {status[id_] for id_ in coming} == {"cancelled"}
    assert [status[id_] for id_ in waiting] == ["confirmed"] * 50 + ["waitlist"] * 10
    assert server.problems() == []


def test_crossing_transfers_do_not_lock_each_other_out(server: Server) -> None:
    here, there = server.event(), server.event()
    near, far = server.run(here), server.run(there)
    from_here, from_there = server.register(near, 25, place="near"), server.register(far, 25, place="far")

    def to(run: str, ids: list[str]) -> list[Request]:
        return [("POST", f"/registration/{id_}/transfer", {"eventRunId": run}, {}) for id_ in ids]

    over = server.together(
        [pair for both in zip(to(far, from_here), to(near, from_there), strict=True) for pair in both]
    )
    back = server.together(
        [pair for both in zip(to(near, from_here), to(far, from_there), strict=True) for pair in both]
    )

    assert statuses(over) == statuses(back) == {200: 50}
    assert {one["_id"] for one in server.registrations(here)} == set(from_here)
    assert {one["_id"] for one in server.registrations(there)} == set(from_there)
    assert server.problems() == []


def test_one_registration_pulled_three_ways_ends_up_in_one_place(server: Server) -> None:
    events = [server.event() for _ in range(4)]
    runs = [server.run(event) for event in events]
    (torn,) = server.register(runs[0], 1)

    requests: list[Request] = []
    for run, status in zip(runs[1:] * 5, itertools.cycle(["cancelled", "confirmed"])):
        requests.append(("POST", f"/registration/{torn}/transfer", {"eventRunId": run}, {}))
        requests.append(("PATCH", f"/registration/{torn}", {"status": status}, {}))
    answers = server.together(requests)

    assert set(statuses(answers)) <= {200, 409, 422}
    assert sum(len(server.registrations(event)) for event in events) == 1
    assert server.problems() == []


def test_one_bib_that_thirty_want_is_given_to_one_of_them(server: Server) -> None:
    event = server.event()
    people = server.register(server.run(event), 30)

    answers = server.together([("PUT", f"/registration/{id_}/bib", {"bibIdentifier": "7"}, {}) for id_ in people])

    assert statuses(answers) == {200: 1, 409: 29}
    assert [one.get("bibIdentifier") for one in server.registrations(event)].count("7") == 1


def test_bibs_assigned_swapped_and_taken_away_at_once_stay_unique(server: Server) -> None:
    event = server.event()
    people = server.register(server.run(event, bibFrom=1, bibTo=40), 30)

    answers = server.together(
        [
            *[("POST", f"/events/{event}/bibs/assign", {}, {})] * 5,
            *[("PUT", f"/registration/{id_}/bib", {}, {}) for id_ in people],
            *[
                ("POST", f"/registration/{one}/swap-bib", {"registrationId": other}, {})
                for one, other in zip(people, reversed(people), strict=True)
            ],
            *[("DELETE", f"/registration/{id_}/bib", None, {}) for id_ in people[::3]],
            ("POST", f"/events/{event}/bibs/assign", {}, {}),
        ]
    )
    server.ask("POST", f"/events/{event}/bibs/assign", {})

    assert set(statuses(answers)) <= {200, 204, 409}
    bibs = [one["bibIdentifier"] for one in server.registrations(event)]
    assert len(set(bibs)) == 30
    assert server.problems() == []


def test_a_cap_raised_and_lowered_while_people_register_and_leave_is_never_passed(server: Server) -> None:
    event = server.event()
    run = server.run(event, maxParticipants=10, waitlistOfferHours=24)
    people = server.register(run, 10)
    requests: list[Request] = []
    for number in range(30):
        requests += [
            ("POST", "/registration", wish(run, f"r{number}", "waitlist"), {}),
            ("PATCH", f"/registration/{people[number % 10]}", {"status": "cancelled"}, {}),
            ("PATCH", f"/runs/{run}", {"maxParticipants": 5 + number}, {}),
        ]

    answers = server.together(requests)

    assert set(statuses(answers)) <= {200, 201, 409}
    assert server.problems() == []


# What many did at once must look like one after the other


@dataclass(frozen=True)
class Act:
    """One request of one client: when it was sent and answered, and by how much it changed the number of places taken."""

    sent: float
    answered: float
    change: int
    refused: bool


def explains(history: Sequence[Act], places: int) -> bool:
    """Whether the acts can be put in one order, each between its sending and its answer, in which every answer is right.

    Registering takes a place or, when none is left, is refused; leaving frees one. Walks all orders, each situation once."""
    acts = sorted(history, key=lambda act: act.sent)
    seen: set[tuple[frozenset[int], int]] = set()
    open_ = [(frozenset[int](), 0)]
    while open_:
        done, taken = open_.pop()
        if len(done) == len(acts):
            return True
        if (done, taken) in seen:
            continue
        seen.add((done, taken))
        left = [number for number in range(len(acts)) if number not in done]
        soonest = min(acts[number].answered for number in left)
        for number in left:
            act = acts[number]
            if act.sent > soonest:
                break
            if act.refused and taken == places:
                open_.append((done | {number}, taken))
            elif not act.refused and 0 <= taken + act.change <= places:
                open_.append((done | {number}, taken + act.change))
    return False


def test_an_impossible_history_is_seen_to_be_one() -> None:
    took, refused = Act(0, 1, 1, refused=False), Act(2, 3, 0, refused=True)

    assert explains([took, refused], 1)
    assert not explains([took, refused], 2)
    assert not explains([took, Act(2, 3, 1, refused=False)], 1)
    assert explains([took, Act(0.5, 3, -1, refused=False), Act(2, 4, 1, refused=False)], 1)


def test_registering_and_leaving_at_once_looks_like_one_after_the_other(server: Server) -> None:
    places, people, rounds = 3, 10, 4
    run = server.run(server.event(), maxParticipants=places)
    history: list[Act] = []

    async def act(client: httpx.AsyncClient, method: str, path: str, body: Any, change: int) -> httpx.Response:
        sent = time.perf_counter()
        answer = await client.request(method, path, json=body)
        assert answer.status_code in (200, 201, 409)
        refused = answer.status_code == 409
        history.append(Act(sent, time.perf_counter(), 0 if refused else change, refused))
        return answer

    async def person(client: httpx.AsyncClient, who: str) -> None:
        for _ in range(rounds):
            answer = await act(client, "POST", "/registration", wish(run, who), 1)
            if answer.status_code == 201:
                id_ = answer.json()["data"]["participantId"]
                await act(client, "PATCH", f"/registration/{id_}", {"status": "cancelled"}, -1)

    async def everybody() -> None:
        headers = {"authorization": f"Bearer {server.key}"}
        async with httpx.AsyncClient(base_url=f"{server.base}/partner", headers=headers, timeout=PATIENCE_S) as client:
            await asyncio.gather(*(person(client, f"p{number}") for number in range(people)))

    asyncio.run(everybody())

    assert len(history) >= people * rounds
    assert explains(history, places)
