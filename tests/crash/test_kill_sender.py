"""kill -9 of the server and of the senders under load, again and again on the same data: what is committed is told, and nothing else is.

Clients make, change and delete things over HTTP while a receiver listens. At a random moment a program is killed: after so many answers, or
in the middle of a delivery, before or after the receiver has answered it. Then what died is started again. In the end the outbox runs empty,
and what arrived is held against the journal and against what the clients were told.

On SQLite the server sends; on PostgreSQL two workers beside it do.
"""

import asyncio
import itertools
import random
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import httpx
import msgspec
import pytest

from openintervals.platform.scopes import READS
from tests import clients, databases, servers
from tests.crash.lives import PATIENCE_S, Program, Server, problems
from tests.worker import receivers
from tests.worker.receivers import Received, Receiver, answer

KILLS = {"sqlite": (5, 60), "postgres": (4, 40)}
CLIENTS = 6
ANSWERS_MOST = 40
ANSWERS_IN_VAIN = 1_000
ENDPOINTS: dict[str, dict[str, Any]] = {
    "/all": {"types": ["*"]},
    "/some": {"types": ["group.*", "registration.confirmed", "registration.cancelled", "run.sold_out"]},
    "/thin": {"types": ["registration.*", "registration.updated"], "format": "thin"},
}

Told = tuple[str, int, str]
"""An object's id and version, and the type under which it is told."""

Entry = list[Any]
"""Of the journal: object's id and version, verb, what it implies, object's type."""


@dataclass
class Change:
    """What a client asked for; once it succeeded, the type and the object that must be told of, and how the object is called since."""

    method: str
    path: str
    body: dict[str, Any] | None
    type: str
    object_id: str = ""
    name: str | None = None


@dataclass
class Story:
    """All that the clients know."""

    api_key: str
    chance: random.Random
    event_id: str
    runs: list[str]
    acknowledged: list[Change] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    registrations: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def next_change(self) -> Change:
        number, chance = next(self.numbers), self.chance
        match chance.choices(range(7), [4, 6, 2, 5, 3, 1, 1])[0]:
            case 1 if self.groups:
                slug = chance.choice(list(self.groups)[-8:])
                name = f"Name {number}"
                return Change("PATCH", f"/groups/{slug}", {"name": name}, "group.updated", self.groups[slug], name)
            case 2 if self.groups:
                slug = chance.choice(list(self.groups))
                return Change("DELETE", f"/groups/{slug}", None, "group.deleted", self.groups.pop(slug))
            case 3:
                body = {
                    "eventRunId": chance.choice(self.runs),
                    "email": f"runner{number}@example.com",
                    "registrationType": "free",
                    "status": chance.choice(["confirmed", "waitlist"]),
                }
                return Change("POST", "/registration", body, "registration.created")
            case 4 if self.registrations:
                id_ = self.registrations.pop(chance.randrange(len(self.registrations)))
                return Change("PATCH", f"/registration/{id_}", {"status": "cancelled"}, "registration.cancelled", id_)
            case 5:
                event = {"name": "Race", "slug": f"race-of-{number}", "type": "race", "date": "2027-06-14"}
                return Change("POST", "/events", event, "event.created")
            case 6 if self.events:
                id_ = self.events.pop()
                return Change("DELETE", f"/events/{id_}", None, "event.deleted", id_)
        return Change("POST", "/groups", {"name": "Group", "slug": f"group-of-{number}"}, "group.created")

    def acknowledge(self, change: Change, said: httpx.Response) -> None:
        if not said.is_success:
            assert said.status_code in (404, 409, 422), said.text  # of what another client has deleted, or that is full
            return
        if change.method == "POST":
            data = said.json()["data"]
            match change.type:
                case "group.created":
                    change.object_id = data["groupId"]
                    assert change.body is not None
                    self.groups[change.body["slug"]] = change.object_id
                case "registration.created":
                    change.object_id = data["participantId"]
                    self.registrations.append(change.object_id)
                case _:
                    change.object_id = data["eventId"]
                    self.events.append(change.object_id)
        self.acknowledged.append(change)


class Trap:
    """How the receiver behaves in one life: it answers one request in which a program dies, and one other with 500."""

    def __init__(self, victim: Program | None, chance: random.Random) -> None:
        self.victim = victim
        self.springs_at = chance.randint(1, 40)
        self.fails_at = chance.randint(10, 30)
        self.answers_first = chance.random() < 0.4
        self.seen = 0

    async def __call__(self, received: Received, writer: asyncio.StreamWriter) -> None:
        self.seen += 1
        springs = self.victim is not None and self.seen == self.springs_at
        said = answer(500 if self.seen == self.fails_at and not springs else 204)
        if springs and self.answers_first:
            await said(received, writer)
        if springs and self.victim is not None:
            self.victim.process.kill()
        if not (springs and self.answers_first):
            await said(received, writer)


@dataclass
class Programs:
    """The server, and on PostgreSQL two workers. What has died is started again."""

    url: str
    said: IO[bytes]
    running: dict[str, Program] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return ["server"] if self.url.startswith("sqlite") else ["server", "worker", "other worker"]

    @property
    def server(self) -> Server:
        server = self.running["server"]
        assert isinstance(server, Server)
        return server

    def start(self) -> None:
        for name in self.names:
            if name not in self.running or not self.running[name].living:
                self.running[name] = self._started(name)
        self.server.wait_until_ready()

    def _started(self, name: str) -> Program:
        if name == "server":
            return Server(self.url, self.said, *(["--no-worker"] if len(self.names) > 1 else []))
        return Program(self.said, "worker", "--database-url", self.url)

    def clear_away(self) -> None:
        for program in self.running.values():
            program.clear_away()

    def stop(self) -> None:
        for program in self.running.values():
            program.stop()


@dataclass
class Aftermath:
    """What there is to look at when all is over."""

    url: str
    seed: int
    acknowledged: list[Change]
    journal: list[Entry]
    deliveries: dict[str, list[tuple[str, Told, str]]]
    received: dict[str, list[Received]]

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(each.body) for each in self.received[path]]

    def first_arrivals(self, path: str) -> list[Received]:
        """In the order in which they came, repeats left out."""
        by_id: dict[str, Received] = {}
        for each in self.received[path]:
            by_id.setdefault(each.headers["webhook-id"], each)
        return list(by_id.values())


def begin(url: str, seed: int, receiver: Receiver) -> tuple[Story, dict[str, str], int]:
    """An organization with two runs, one of which is soon full, and the endpoints; and where the journal stands then."""
    with servers.application(url, webhook_allow="127.0.0.0/8") as app:
        api = clients.join(app)
        event = api.make_event()
        runs = [api.make_run(event, maxParticipants=8), api.make_run(event)]
        ids = {api.make_webhook(*more.pop("types"), url=receiver.url + path, **more): path for path, more in _wanted()}
    [(last,)] = databases.rows(url, "SELECT max(sequence) FROM journal")
    return Story(api.key, random.Random(seed), event, runs), ids, last


def _wanted() -> list[tuple[str, dict[str, Any]]]:
    return [(path, dict(more)) for path, more in ENDPOINTS.items()]


async def load(server: Server, story: Story, answers: int, *, kill: Program | None, trapped: Program | None) -> None:
    """Clients ask until this many answers have come, when one program is killed, and another has gone into its trap."""
    left = answers

    async def ask(client: httpx.AsyncClient) -> None:
        nonlocal left
        while left > 0 or (trapped is not None and trapped.living and left > -ANSWERS_IN_VAIN):
            change = story.next_change()
            try:
                said = await client.request(change.method, change.path, json=change.body)
            except httpx.TransportError:
                return
            story.acknowledge(change, said)
            left -= 1
            if left == 0 and kill is not None:
                kill.kill()

    headers = {"authorization": f"Bearer {story.api_key}"}
    async with httpx.AsyncClient(base_url=f"{server.base}/partner", headers=headers, timeout=PATIENCE_S) as client:
        await asyncio.gather(*(ask(client) for _ in range(CLIENTS)))


def wait_until_told(programs: Programs) -> None:
    """Until nothing waits in the outbox."""
    for _ in range(2 * PATIENCE_S * 50):
        [(waiting,)] = databases.rows(programs.url, "SELECT count(*) FROM deliveries WHERE state = 'waiting'")
        if waiting == 0:
            return
        programs.server.pause()
    raise AssertionError(f"{waiting} deliveries still wait")


def suffer(url: str, lives: int, seed: int, receiver: Receiver) -> Aftermath:
    """The whole story: so many lives with a violent end each, and a last one in peace."""
    story, ids, begins_after = begin(url, seed, receiver)
    with tempfile.TemporaryFile() as said:
        programs = Programs(url, said)
        try:
            for life in range(lives):
                programs.start()
                victim = programs.running[story.chance.choice(programs.names)]
                by_receiver = life == 0 or story.chance.random() < 0.6
                trap = Trap(victim if by_receiver else None, story.chance)
                trap.answers_first = (
                    trap.answers_first and life > 0
                )  # of the first death something is left to be repeated
                receiver.behaviour = trap
                answers = story.chance.randint(20, ANSWERS_MOST)
                kill, trapped = (None, victim) if by_receiver else (victim, None)
                asyncio.run(load(programs.server, story, answers, kill=kill, trapped=trapped))
                assert victim.process.wait(PATIENCE_S) == -signal.SIGKILL
            receiver.behaviour = answer()
            programs.start()
            asyncio.run(load(programs.server, story, ANSWERS_MOST, kill=None, trapped=None))
            wait_until_told(programs)
            programs.stop()
        except AssertionError:
            said.seek(0)
            print(said.read().decode()[-5_000:])
            raise
        finally:
            programs.clear_away()
    return look(url, seed, story, ids, begins_after, receiver)


def look(url: str, seed: int, story: Story, ids: dict[str, str], begins_after: int, receiver: Receiver) -> Aftermath:
    entries = databases.rows(
        url,
        "SELECT object_id, object_version, verb, implies, object_type, sequence FROM journal ORDER BY sequence",
    )
    rows = databases.rows(
        url, "SELECT webhook_id, id, object_id, object_version, type, state FROM deliveries ORDER BY id"
    )
    deliveries: dict[str, list[tuple[str, Told, str]]] = {path: [] for path in ENDPOINTS}
    for webhook_id, id_, object_id, version, type_, state in rows:
        if object_id not in ids:
            deliveries[ids[webhook_id]].append((id_, (object_id, version, type_), state))
    received: dict[str, list[Received]] = {path: [] for path in ENDPOINTS}
    for each in receiver.received:
        if msgspec.json.decode(each.body)["data"]["objectId"] not in ids:
            received[each.path].append(each)
    since = [entry for *entry, sequence in entries if sequence > begins_after and entry[0] not in ids]
    return Aftermath(url, seed, story.acknowledged, since, deliveries, received)


def told_of(journal: list[Entry], types: list[str]) -> list[Told]:
    """What an endpoint that asked for `types` is to hear of."""
    told: list[Told] = []
    for object_id, version, verb, implies, object_type in journal:
        if verb in types or f"{object_type}.*" in types or ("*" in types and object_type in READS):
            told.append((object_id, version, verb))
        told += [(object_id, version, implied) for implied in implies.split() if implied in types]
    return told


@pytest.fixture(scope="module")
def aftermath(module_url: str, database_kind: str, request: pytest.FixtureRequest) -> Aftermath:
    few, many = KILLS[database_kind]
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"the seed is {seed}")
    with receivers.receiving() as receiver:
        return suffer(module_url, many if request.config.getoption("--long") else few, seed, receiver)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_wh_3_every_committed_change_has_its_deliveries_and_every_delivery_its_change(
    aftermath: Aftermath, path: str
) -> None:
    wanted = told_of(aftermath.journal, ENDPOINTS[path]["types"])
    there = [told for _, told, _ in aftermath.deliveries[path]]

    assert sorted(there) == sorted(wanted)
    assert {state for *_, state in aftermath.deliveries[path]} == {"succeeded"}
    assert len(wanted) > 15


@pytest.mark.parametrize("path", ENDPOINTS)
def test_wh_3_every_delivery_arrived_as_what_it_is_and_nothing_else_did(aftermath: Aftermath, path: str) -> None:
    arrived = {
        each.headers["webhook-id"]: (body["data"]["objectId"], body["data"]["objectVersion"], body["type"])
        for each, body in zip(aftermath.received[path], aftermath.bodies(path), strict=True)
    }

    assert arrived == {id_: told for id_, told, _ in aftermath.deliveries[path]}


def test_wh_3_every_acknowledged_change_arrived(aftermath: Aftermath) -> None:
    arrived = {
        (body["type"], body["data"]["objectId"], name)
        for body in aftermath.bodies("/all")
        for name in (None, (body["data"]["object"] or {}).get("name"))
    }

    missing = [each for each in aftermath.acknowledged if (each.type, each.object_id, each.name) not in arrived]
    assert missing == []
    assert len(aftermath.acknowledged) > 60


def test_wh_3_repeats_carry_the_same_id_and_the_same_bytes(aftermath: Aftermath) -> None:
    bodies: dict[str, list[bytes]] = {}
    for received in itertools.chain.from_iterable(aftermath.received.values()):
        bodies.setdefault(received.headers["webhook-id"], []).append(received.body)

    assert all(len(set(same)) == 1 for same in bodies.values())
    assert max(map(len, bodies.values())) > 1


@pytest.mark.parametrize("path", ENDPOINTS)
def test_wh_3_first_arrivals_about_an_object_are_in_order_and_none_follows_its_deletion(
    aftermath: Aftermath, path: str
) -> None:
    by_object: dict[str, list[tuple[int, str]]] = {}
    for received in aftermath.first_arrivals(path):
        body = msgspec.json.decode(received.body)
        by_object.setdefault(body["data"]["objectId"], []).append((body["data"]["objectVersion"], body["type"]))

    for came in by_object.values():
        versions = [version for version, _ in came]
        assert versions == sorted(versions), came
        assert all(not type_.endswith(".deleted") for _, type_ in came[:-1]), came
    assert max(map(len, by_object.values())) > 1


def test_wh_3_what_is_stored_is_what_the_journal_says(aftermath: Aftermath) -> None:
    assert asyncio.run(problems(aftermath.url)) == []
