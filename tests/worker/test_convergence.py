"""Convergence: a receiver that keeps the highest version of each object ends with what the database has, come what may on the way.

Histories are made over the API by chance from a seed, and told by the real engine in the partner API's words. What the receiver got is then
held against what a GET answers for each object. No event has a cap of its own: `soldOut` of a GET looks at that too, but not that of a change.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from openintervals import instants
from openintervals.api.partner import payloads
from openintervals.club import events, groups, registrations, runs, waitlist
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Read
from openintervals.platform import replays
from openintervals.platform.retries import TRIES_MOST
from tests import clients
from tests.clients import Api, found
from tests.servers import START, Application
from tests.worker import posts
from tests.worker.posts import Endpoint, Office
from tests.worker.receivers import Behaviour, Received, Receiver, answer, reset, says

TYPES = ("event.*", "run.*", "registration.*", "group.*")
TABLES = {
    "event": events.events,
    "run": runs.event_runs,
    "registration": registrations.registrations,
    "group": groups.groups,
}
PATHS = {
    "event": "/events/{_id}",
    "run": "/runs/{_id}",
    "registration": "/registration/{_id}",
    "group": "/groups/{slug}",
}
HISTORIES = 10
SCHEDULES_EACH = 100
ACTS = 60


@pytest.fixture
def post(app: Application) -> Iterator[Office]:
    with posts.office(app, payloads.dialect("")) as opened:
        yield opened


@dataclass
class Store:
    """What a receiver keeps: of each object the highest version it heard of."""

    kept: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)

    def hear(self, body: dict[str, Any]) -> None:
        data = body["data"]
        key = data["objectType"], data["objectId"]
        if data["objectVersion"] >= self.kept.get(key, (0, None))[0]:
            self.kept[key] = data["objectVersion"], data["object"]

    def objects(self) -> dict[tuple[str, str], Any]:
        """Those that are not deleted."""
        return {key: kept for key, (_, kept) in self.kept.items() if kept is not None}


def heard(bodies: Iterable[dict[str, Any]]) -> Store:
    store = Store()
    for body in bodies:
        store.hear(body)
    return store


@statement
def _ids(object_type: str) -> sa.Select[Any]:
    table = TABLES[object_type]
    return sa.select(table.c.id).where(own(table))


async def _all(tx: Read, object_type: str) -> list[str]:
    return [object_id for (object_id,) in await tx.rows(_ids(object_type))]


class Club:
    """Somebody who does this and that over the API. What the rules refuse is refused; nothing else may go wrong."""

    def __init__(self, api: Api, chance: random.Random) -> None:
        self.api = api
        self.chance = chance
        self.event_ids: list[str] = []
        self.run_ids: list[str] = []
        self.registration_ids: list[str] = []
        self.slugs: list[str] = []

    async def make_event(self) -> None:
        number = self.number()
        event = {"name": f"Race {number}", "slug": f"race-{number}", "type": "race", "date": "2026-06-14"}
        made = await self.ask("POST", "/events", json=event)
        self.event_ids.append(made["data"]["eventId"])
        run = {"distanceMeters": 5000, "distanceStandard": "5K", "distanceLabel": "5K", "date": "2026-06-14"}
        offers = self.chance.choice([{}, {"waitlistOfferHours": 1}])
        body = {**run, **offers, "maxParticipants": 1}
        made = await self.ask("POST", f"/events/{self.event_ids[-1]}/runs", json=body)
        if made is not None:  # nobody has deleted the event meanwhile
            self.run_ids.append(made["data"]["eventRunId"])

    async def begin(self) -> None:
        await self.make_event()
        await self.make_group()

    async def act(self) -> None:
        acts = {  # deletions are rare, or nothing would live long enough to have a history
            self.register: 18,
            self.change_registration: 14,
            self.check_in: 3,
            self.change_run: 4,
            self.change_event: 2,
            self.change_group: 3,
            self.make_event: 3,
            self.make_group: 1,
            self.delete_run: 1,
            self.delete_event: 1,
            self.delete_group: 1,
            self.let_offers_lapse: 2,
        }
        [act] = self.chance.choices(list(acts), list(acts.values()))
        await act()

    async def register(self) -> None:
        email = f"runner{self.chance.randrange(8)}@example.com"
        status = self.chance.choice(["confirmed", "waitlist"])
        body = {"eventRunId": self.pick(self.run_ids), "email": email, "registrationType": "free", "status": status}
        made = await self.ask("POST", "/registration", json=body)
        if made is not None:
            self.registration_ids.append(made["data"]["participantId"])

    async def change_registration(self) -> None:
        status = self.chance.choice(["cancelled", "confirmed", "refunded"])
        change = self.chance.choice([{"status": status}, {"status": "cancelled"}, {"notes": f"Note {self.number()}"}])
        await self.ask("PATCH", f"/registration/{self.pick(self.registration_ids)}", json=change)

    async def check_in(self) -> None:
        await self.ask("POST", f"/registration/{self.pick(self.registration_ids)}/check-in", json={})

    async def change_run(self) -> None:
        change = self.chance.choice([{"maxParticipants": self.chance.randint(1, 3)}, {"distanceLabel": self.number()}])
        await self.ask("PATCH", f"/runs/{self.pick(self.run_ids)}", json=change)

    async def change_event(self) -> None:
        await self.ask("PATCH", f"/events/{self.pick(self.event_ids)}", json={"name": f"Race {self.number()}"})

    async def make_group(self) -> None:
        slug = f"group-{self.number()}"
        if await self.ask("POST", "/groups", json={"name": "Group", "slug": slug}) is not None:
            self.slugs.append(slug)

    async def change_group(self) -> None:
        await self.ask("PATCH", f"/groups/{self.pick(self.slugs)}", json={"name": f"Group {self.number()}"})

    async def delete_run(self) -> None:
        await self.ask("DELETE", f"/runs/{self.pick(self.run_ids)}", params={"cancelRegistrations": "true"})

    async def delete_event(self) -> None:
        await self.ask("DELETE", f"/events/{self.pick(self.event_ids)}", params={"cancelRegistrations": "true"})

    async def delete_group(self) -> None:
        await self.ask("DELETE", f"/groups/{self.pick(self.slugs)}")

    async def let_offers_lapse(self) -> None:
        app = self.api.app
        app.clock.advance(3600)
        await waitlist.settle_due(app.database, app.asking())

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        """The answer's body, or None when there is none or the rules refuse."""
        answered = await self.api.sending(method, path, **options)
        assert answered.status_code < 500, answered.text
        assert answered.status_code not in (400, 401, 403, 422), answered.text
        return answered.json() if answered.is_success and answered.content else None

    def pick(self, ids: Sequence[str]) -> str:
        """One of the last few; it may be deleted by now."""
        return self.chance.choice(ids[-4:]) if ids else "none"

    def number(self) -> str:
        return str(self.chance.randrange(1_000_000))


def in_database(api: Api, store: Store) -> dict[tuple[str, str], Any]:
    """Every object there is, as a GET answers it; and all that `store` ever heard of is asked for too."""
    there: dict[tuple[str, str], Any] = {}
    for object_type, path in PATHS.items():
        for object_id in api.app.read(partial(_all, object_type=object_type), api.tenant):
            kept = store.kept[object_type, object_id][1] or {}
            answered = api.get(path.format(_id=object_id, slug=kept.get("slug")))
            if answered.is_success:
                data = found(answered)
                there[object_type, object_id] = data["event"] if object_type == "event" else data
    return there


def bodies(received: Iterable[Received]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(each.body) for each in received]


def a_schedule(told: Sequence[dict[str, Any]], chance: random.Random) -> list[dict[str, Any]]:
    """Every delivery, some of them several times, in any order."""
    repeated = [body for body in told for _ in range(chance.choice([1, 1, 1, 2, 3]))]
    chance.shuffle(repeated)
    return repeated


def test_wh_5_after_any_of_a_thousand_schedules_a_receiver_that_keeps_the_highest_version_has_what_the_database_has(
    app: Application, post: Office, receiver: Receiver
) -> None:
    for seed in range(HISTORIES):
        chance = random.Random(seed)
        api = clients.join(app)
        endpoint = post.endpoint(api, f"{receiver.url}/{seed}", types=TYPES, dialect="partner")
        club = Club(api, chance)
        app.run(club.begin())
        for _ in range(ACTS):
            app.run(club.act())
            app.clock.advance(1)
        post.settle()

        assert set(endpoint.states()) == {"succeeded"}, seed
        told = bodies(each for each in receiver.received if each.path == f"/{seed}")
        there = in_database(api, heard(told))
        for _ in range(SCHEDULES_EACH):
            assert heard(a_schedule(told, chance)).objects() == there, seed


def at_random(chance: random.Random, acknowledged: list[Received]) -> Behaviour:
    """Half of the requests are answered with success; others fail in every way, or are heard and their answer lost.

    By chance alone one delivery in a thousand would fail all of its ten tries; here the last one always succeeds."""
    heard_before: Counter[str] = Counter()
    ways = [
        answer(500),
        answer(429, {"Retry-After": "7"}),
        reset,
        says(b""),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
    ]

    async def answers(received: Received, writer: asyncio.StreamWriter) -> None:
        heard_before[received.headers["webhook-id"]] += 1
        if chance.random() < 0.5 or heard_before[received.headers["webhook-id"]] >= TRIES_MOST:
            acknowledged.append(received)
            await answer()(received, writer)
        else:
            await chance.choice(ways)(received, writer)

    return answers


def until_nothing_waits(app: Application, post: Office, *endpoints: Endpoint) -> None:
    """Time passes from try to try."""
    post.settle()
    while due := [each.due_at for endpoint in endpoints for each in endpoint.log() if each.state == "waiting"]:
        app.clock.now = max(app.clock() + timedelta(seconds=5), instants.parse(min(due)))
        post.settle()


@pytest.mark.parametrize("options", [{}, {"coalesce": True}])
def test_wh_5_a_receiver_that_fails_half_the_time_and_hears_much_twice_ends_with_what_the_database_has(
    options: dict[str, Any], app: Application, post: Office, receiver: Receiver
) -> None:
    acknowledged: list[Received] = []
    for seed in range(HISTORIES // 3):
        chance = random.Random(seed)
        receiver.behaviour = at_random(chance, acknowledged)
        api = clients.join(app)
        endpoint = post.endpoint(api, f"{receiver.url}/{seed}", types=TYPES, dialect="partner", **options)
        club = Club(api, chance)
        app.run(club.begin())
        for _ in range(ACTS):
            app.run(club.act())
            app.clock.advance(chance.choice([1, 10, 120]))
            if chance.random() < 0.5:
                post.settle()
        until_nothing_waits(app, post, endpoint)

        assert set(endpoint.states()) <= {"succeeded", "superseded"}, seed
        # Time passes for the clubs of earlier seeds too, whose offers lapse.
        told, taken = (
            bodies(each for each in received if each.path == f"/{seed}")
            for received in (receiver.received, acknowledged)
        )
        there = in_database(api, heard(told))
        assert heard(told).objects() == there, seed
        assert heard(taken).objects() == there, seed
        acknowledged.clear()


async def change_again(api: Api, endpoint: Endpoint, delivery_ids: list[str], chance: random.Random) -> None:
    """Its owner has something sent once more."""
    since = {"since": instants.text(START)}
    path, body = chance.choice(
        [
            (f"/deliveries/{chance.choice(delivery_ids)}/resend", {}),
            (f"/webhooks/{endpoint.id}/recover", since),
            (f"/webhooks/{endpoint.id}/replay", since),
        ]
    )
    answered = await api.sending("POST", path, json=body)
    assert answered.status_code in (202, 404, 409), answered.text


@pytest.mark.parametrize("seed", range(2))
def test_no_change_of_an_object_ever_leaves_after_its_deletion_whatever_is_sent_again(
    seed: int, app: Application, post: Office, receiver: Receiver
) -> None:
    """While the sender is at work, the club changes things, and the endpoints' owner has them sent again."""
    chance = random.Random(seed)
    receiver.behaviour = at_random(chance, [])
    api = clients.join(app)
    endpoints = [
        post.endpoint(api, f"{receiver.url}/{number}", types=TYPES, dialect="partner", coalesce=number == 1)
        for number in range(2)
    ]
    club = Club(api, chance)
    app.run(club.begin())

    async def meanwhile(delivery_ids: list[str]) -> None:
        work = [club.act() for _ in range(chance.randrange(4))]
        work += [change_again(api, chance.choice(endpoints), delivery_ids, chance) for _ in range(chance.randrange(3))]
        work += [replays.step_due(app.database, app.asking()) for _ in range(chance.randrange(2))]
        chance.shuffle(work)
        await asyncio.gather(posts.settle(post.sender), *work)

    for _ in range(ACTS):
        app.run(meanwhile([each.id for endpoint in endpoints for each in endpoint.log()]))
        app.clock.advance(chance.choice([1, 10, 120, 3600]))
    until_nothing_waits(app, post, *endpoints)

    gone: set[tuple[str, str]] = set()
    sent: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    for received in receiver.received:
        [body] = bodies([received])
        key = received.path, body["data"]["objectId"]
        deleted = body["type"].endswith(".deleted")
        assert deleted or key not in gone, (body["type"], key)
        gone |= {key} if deleted else set()
        sent[received.path, received.headers["webhook-id"]].add(received.body)
    assert gone
    assert {len(each) for each in sent.values()} == {1}
    assert len(receiver.received) > 2 * len(sent)
