"""kill -9 of the server under load, again and again on the same data: what was acknowledged is there, and nothing happened twice.

Clients register, cancel and transfer people, each request with an idempotency key of its own. After a random number of answers the server is
killed, while others are under way. Then it is started again, and whoever got no answer asks again with the same key.
"""

import asyncio
import itertools
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests import clients, databases, servers
from tests.crash.lives import PATIENCE_S, Server, problems

KILLS = {"sqlite": (20, 200), "postgres": (5, 30)}
CLIENTS = 12
ANSWERS_MOST = 60


@dataclass
class Request:
    """What a client asked, under which key, and what it was told, if anything."""

    key: str
    method: str
    path: str
    body: dict[str, Any]
    answer: httpx.Response | None = None

    @property
    def cancels(self) -> str | None:
        """The registration this cancels."""
        return self.path.rpartition("/")[2] if self.method == "PATCH" else None


@dataclass
class Story:
    """Everything the clients know, over all lives of the server."""

    url: str
    api_key: str
    chance: random.Random
    runs: list[str]
    acknowledged: list[Request] = field(default_factory=list)
    unknown: list[Request] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def next_request(self) -> Request:
        number = next(self.numbers)
        key, run = f"key-{number}", self.chance.choice(self.runs)
        mine = self.coming()
        act = self.chance.random()
        if mine and act < 0.25:
            return Request(key, "PATCH", f"/registration/{self.chance.choice(mine)}", {"status": "cancelled"})
        if mine and act < 0.4:
            return Request(key, "POST", f"/registration/{self.chance.choice(mine)}/transfer", {"eventRunId": run})
        body = {
            "eventRunId": run,
            "email": f"runner{number}@example.com",
            "registrationType": "free",
            "status": self.chance.choice(["confirmed", "waitlist"]),
        }
        return Request(key, "POST", "/registration", body)

    def made(self) -> dict[str, str]:
        """The e-mail of each registration that was acknowledged, by id."""
        return {
            request.answer.json()["data"]["participantId"]: request.body["email"]
            for request in self.acknowledged
            if request.answer is not None and request.answer.status_code == 201
        }

    def cancelled(self) -> set[str]:
        return {request.cancels for request in self.acknowledged if request.cancels and _succeeded(request)}

    def coming(self) -> list[str]:
        gone = self.cancelled() | {request.cancels for request in self.unknown}
        return [id_ for id_ in self.made() if id_ not in gone][-40:]


def _succeeded(request: Request) -> bool:
    return request.answer is not None and request.answer.is_success


async def load(server: Server, story: Story, answers: int) -> None:
    """Clients ask until this many answers have come; then the server is killed, and whoever waits for one is left without."""
    left = answers

    async def ask(client: httpx.AsyncClient) -> None:
        nonlocal left
        while left > 0:
            request = story.next_request()
            story.unknown.append(request)
            try:
                request.answer = await _send(client, request)
            except httpx.TransportError:
                return
            story.unknown.remove(request)
            story.acknowledged.append(request)
            left -= 1
            if left == 0:
                server.kill()

    async with _client(server, story) as client:
        await asyncio.gather(*(ask(client) for _ in range(CLIENTS)))


async def ask_again(server: Server, story: Story, since: int) -> None:
    """What got no answer is sent once more, twice; what was answered in the last life must be answered the same."""
    async with _client(server, story) as client:
        for request in story.unknown:
            request.answer, again = await _send(client, request), await _send(client, request)
            assert request.answer.status_code in (200, 201, 409, 422), request.answer.text
            assert (again.status_code, again.content) == (request.answer.status_code, request.answer.content)
            assert not again.is_success or again.headers["idempotent-replayed"] == "true"
        for request in filter(_succeeded, story.acknowledged[since:]):
            assert request.answer is not None
            again = await _send(client, request)
            assert (again.status_code, again.content) == (request.answer.status_code, request.answer.content)
            assert again.headers["idempotent-replayed"] == "true"
    story.acknowledged += story.unknown
    story.unknown.clear()


def _client(server: Server, story: Story) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {story.api_key}"}
    return httpx.AsyncClient(base_url=f"{server.base}/partner", headers=headers, timeout=PATIENCE_S)


async def _send(client: httpx.AsyncClient, request: Request) -> httpx.Response:
    return await client.request(
        request.method, request.path, json=request.body, headers={"idempotency-key": request.key}
    )


def check_rows(story: Story) -> None:
    """Everything acknowledged is there, and everybody once."""
    found = databases.rows(story.url, "SELECT id, email, status FROM registrations")
    rows = {id_: (email, status) for id_, email, status in found}
    emails = [email for email, _ in rows.values()]
    assert len(emails) == len(set(emails))
    assert {id_: rows[id_][0] for id_ in story.made()} == story.made()
    cancelled = story.cancelled()
    in_doubt = {request.cancels for request in story.unknown}
    for id_ in story.made():
        assert id_ in in_doubt or (rows[id_][1] == "cancelled") == (id_ in cancelled)


def begin(url: str, seed: int) -> Story:
    """A new organization with two events and three runs, one of which offers its places."""
    with servers.application(url) as app:
        api = clients.join(app)
        one, other = api.make_event(maxParticipants=150), api.make_event()
        runs = [
            api.make_run(one, maxParticipants=30),
            api.make_run(one, waitlistOfferHours=24, maxParticipants=20),
            api.make_run(other, maxParticipants=40),
        ]
    return Story(url, api.key, random.Random(seed), runs)


def test_a_server_that_is_killed_under_load_has_lost_and_doubled_nothing(
    database_url: str, database_kind: str, request: pytest.FixtureRequest
) -> None:
    few, many = KILLS[database_kind]
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"the seed is {seed}")
    story = begin(database_url, seed)
    since = 0

    with tempfile.TemporaryFile() as said:
        for life in range((many if request.config.getoption("--long") else few) + 1):
            server = Server(database_url, said)
            try:
                server.wait_until_ready()
                check_rows(story)
                assert asyncio.run(problems(database_url)) == []
                asyncio.run(ask_again(server, story, since))
                check_rows(story)
                since = len(story.acknowledged)
                asyncio.run(load(server, story, story.chance.randint(1, ANSWERS_MOST)))
            except AssertionError:
                said.seek(0)
                print(f"life {life}\n{said.read().decode()[-5_000:]}")
                raise
            finally:
                server.kill()

    assert len(story.acknowledged) > life
    assert asyncio.run(problems(database_url)) == []
