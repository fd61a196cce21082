"""Senders: each endpoint has one at a time, and changes hands without a repeat, a gap or a change of order."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest

from openintervals.platform import senders
from openintervals.platform.senders import ALIVE_FOR, LEASE_FOR
from openintervals.worker.outbound import TOTAL_S
from openintervals.worker.sender import Sender
from tests.clients import Api
from tests.servers import Application
from tests.worker import posts, test_lifelines
from tests.worker.posts import Endpoint, Office
from tests.worker.receivers import Received, Receiver, answer

Join = Callable[..., Sender]
names = itertools.count(1)


class Gate:
    """A behaviour: nobody is answered until it is opened."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, received: Received, writer: asyncio.StreamWriter) -> None:
        self._loop = asyncio.get_running_loop()
        await self._opened.wait()
        await answer()(received, writer)

    def open(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._opened.set)


@pytest.fixture
def join(app: Application, post: Office) -> Iterator[Join]:
    """Has one more sender join; or, given an endpoint and others, one to which the endpoint belongs among them."""
    joined: list[Sender] = []

    def make(endpoint: Endpoint | None = None, *others: Sender) -> Sender:
        while True:
            sender = Sender(app.database, post.outbound, {"plain": posts.PLAIN}, app.clock, alone=False)
            ids = [sender.id, *(other.id for other in others)]
            if endpoint is None or senders.chosen(endpoint.id, ids) == sender.id:
                break
        joined.append(sender)
        app.run(sender.beat())
        return sender

    yield make
    for sender in joined:
        app.run(sender.leave(1.0))


def take(app: Application, api: Api, sender_id: str, webhook_id: str = "w1") -> bool:
    return app.write(lambda tx: senders.take(tx, sender_id, webhook_id), api.tenant)


def renew(app: Application, sender_id: str) -> list[str]:
    return list(app.write(lambda tx: senders.renew(tx, sender_id)))


def seconds(duration: timedelta) -> float:
    return duration.total_seconds()


def change(api: Api, slug: str) -> None:
    assert api.patch(f"/groups/{slug}", {"name": f"Group {next(names)}"}).status_code == 200


def turn(app: Application, *members: Sender) -> None:
    """One tick of each, and what it started is done."""

    async def work() -> None:
        for sender in members:
            await sender.tick()
        await asyncio.gather(*(sender.quiet() for sender in members))

    app.run(work())


def start(app: Application, sender: Sender, receiver: Receiver, count: int) -> None:
    """A tick, and `count` requests have come; what was started goes on."""

    async def work() -> None:
        await sender.tick()
        await asyncio.to_thread(receiver.wait_for, count)

    app.run(work())


def told(receiver: Receiver) -> dict[tuple[str, str], list[int]]:
    """The versions that came, by path and object."""
    found: dict[tuple[str, str], list[int]] = {}
    for received in receiver.received:
        body = msgspec.json.decode(received.body)
        found.setdefault((received.path, body["object"]), []).append(body["version"])
    return found


def test_of_many_that_want_a_lease_at_once_one_gets_it(app: Application, api: Api) -> None:
    async def all_at_once() -> list[bool]:
        return await asyncio.gather(
            *(
                app.database.write(
                    app.asking(api.tenant), partial(senders.take, sender_id=f"sender-{number}", webhook_id="w1")
                )
                for number in range(12)
            )
        )

    assert app.run(all_at_once()).count(True) == 1


def test_a_lease_lapses_after_its_time_and_not_a_moment_before(app: Application, api: Api) -> None:
    assert take(app, api, "one")

    app.clock.advance(seconds(LEASE_FOR) - 0.001)
    before = take(app, api, "other")
    app.clock.advance(0.001)

    assert (before, take(app, api, "other"), take(app, api, "one")) == (False, True, False)


def test_a_lease_that_is_renewed_lasts_anew_and_one_that_lapsed_cannot_be_renewed(app: Application, api: Api) -> None:
    take(app, api, "one")
    app.clock.advance(seconds(LEASE_FOR) - 1)
    assert renew(app, "one") == ["w1"]
    app.clock.advance(seconds(LEASE_FOR) - 1)
    assert not take(app, api, "other")

    app.clock.advance(1)

    assert renew(app, "one") == []
    assert take(app, api, "other")


def test_a_lease_that_is_given_back_is_free_at_once_and_nobody_gives_anothers_back(app: Application, api: Api) -> None:
    take(app, api, "one")
    app.write(lambda tx: senders.give_back(tx, "other", "w1"))
    assert not take(app, api, "other")

    app.write(lambda tx: senders.give_back(tx, "one", "w1"))

    assert take(app, api, "other")


def test_who_leaves_gives_everything_back_and_lives_no_more(app: Application, api: Api) -> None:
    for name in ("one", "other"):
        app.write(partial(senders.say_alive, sender_id=name))
    for webhook_id in ("w1", "w2"):
        take(app, api, "one", webhook_id)
    take(app, api, "other", "w3")

    app.write(lambda tx: senders.leave(tx, "one"))

    assert app.read(senders.living) == ["other"]
    assert [take(app, api, "third", webhook_id) for webhook_id in ("w1", "w2", "w3")] == [True, True, False]


def test_who_is_silent_for_long_is_dead_to_the_others_until_it_speaks_again(app: Application) -> None:
    app.write(lambda tx: senders.say_alive(tx, "one"))
    app.clock.advance(seconds(ALIVE_FOR))

    assert app.write(lambda tx: senders.say_alive(tx, "other")) == ["other"]
    assert app.write(lambda tx: senders.say_alive(tx, "one")) == ["one", "other"]


def test_everybody_chooses_the_same_and_all_have_a_share() -> None:
    living = [f"sender-{number}" for number in range(4)]
    endpoints = [f"w{number}" for number in range(1000)]

    chosen = {each: senders.chosen(each, living) for each in endpoints}

    assert chosen == {each: senders.chosen(each, living[::-1]) for each in endpoints}
    assert all(170 <= count <= 330 for count in Counter(chosen.values()).values())
    assert len(set(chosen.values())) == len(living)


def test_when_one_leaves_only_its_own_endpoints_move() -> None:
    living = [f"sender-{number}" for number in range(4)]

    for endpoint in (f"w{number}" for number in range(1000)):
        before = senders.chosen(endpoint, living)
        after = senders.chosen(endpoint, living[1:])
        assert after == before or before == living[0]


@pytest.mark.parametrize("seed", range(3))
def test_no_two_hold_a_lease_at_once_whatever_they_do(app: Application, api: Api, seed: int) -> None:
    chance = random.Random(seed)
    held_until: dict[tuple[str, str], datetime] = {}
    changed_hands = 0
    for _ in range(150):
        name, webhook_id = chance.choice(["one", "other", "third"]), chance.choice(["w1", "w2"])
        until = app.clock() + LEASE_FOR
        match chance.choice(["take", "take", "renew", "give back", "wait", "leave"]):
            case "take":
                if take(app, api, name, webhook_id):
                    changed_hands += (name, webhook_id) not in held_until
                    held_until[name, webhook_id] = until
            case "renew":
                for renewed in renew(app, name):
                    assert held_until[name, renewed] > app.clock()
                    held_until[name, renewed] = until
            case "give back":
                held_until.pop((name, webhook_id), None)
                app.write(partial(senders.give_back, sender_id=name, webhook_id=webhook_id))
            case "leave":
                held_until = {key: when for key, when in held_until.items() if key[0] != name}
                app.write(partial(senders.leave, sender_id=name))
            case "wait":
                app.clock.advance(chance.uniform(0, seconds(LEASE_FOR)))
        held_until = {key: when for key, when in held_until.items() if when > app.clock()}
        holders = [webhook_id for _, webhook_id in held_until]
        assert len(holders) == len(set(holders))
    assert changed_hands > 5


def test_a_sender_that_stalls_stops_sending_long_before_another_takes_over(
    api: Api, app: Application, post: Office, receiver: Receiver, join: Join
) -> None:
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    slug = api.make_group()
    stalling = join()
    turn(app, stalling)
    change(api, slug)

    app.clock.advance(seconds(LEASE_FOR) - TOTAL_S - 1)  # a request begun now might outlast the lease
    turn(app, stalling)
    assert told(receiver).popitem()[1] == [1]
    app.clock.advance(2)
    other = join()
    turn(app, stalling, other)
    assert told(receiver).popitem()[1] == [1]

    app.clock.advance(TOTAL_S)
    turn(app, stalling, other, stalling)

    assert told(receiver).popitem()[1] == [1, 2]
    assert endpoint.states() == ["succeeded"] * 2


def test_a_stalled_sender_that_comes_back_finds_its_lease_gone_and_sends_nothing(
    api: Api, app: Application, post: Office, receiver: Receiver, join: Join
) -> None:
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    slug = api.make_group()
    stalled = join()
    turn(app, stalled)
    app.clock.advance(seconds(LEASE_FOR))
    other = join(endpoint, stalled)
    change(api, slug)
    turn(app, other)

    app.run(stalled.beat())
    change(api, slug)
    turn(app, stalled)
    before = told(receiver).popitem()[1]
    turn(app, other)

    assert (before, told(receiver).popitem()[1]) == ([1, 2], [1, 2, 3])


def test_who_leaves_hands_over_at_once(
    api: Api, app: Application, post: Office, receiver: Receiver, join: Join
) -> None:
    post.endpoint(api, receiver.url, types=["group.*"])
    slug = api.make_group()
    leaving = join()
    turn(app, leaving)
    change(api, slug)

    app.run(leaving.leave(1.0))
    turn(app, leaving)
    assert len(receiver.received) == 1
    turn(app, join())

    assert told(receiver).popitem()[1] == [1, 2]


def test_what_a_killed_process_held_is_taken_over_without_waiting(
    api: Api, app: Application, post: Office, receiver: Receiver, join: Join
) -> None:
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    api.make_group()
    with test_lifelines.living() as (name, process):
        app.write(lambda tx: senders.say_alive(tx, name))
        assert take(app, api, name, endpoint.id)
        other = join()
        turn(app, other)
        assert receiver.received == []  # it lives, and so has its lease

        process.kill()
        process.wait()
        app.run(other.beat())
        turn(app, other)

    assert endpoint.states() == ["succeeded"]
    assert name not in app.read(senders.known)


def test_a_busy_lane_that_belongs_to_another_by_now_finishes_and_hands_over(
    api: Api, app: Application, post: Office, receiver: Receiver, join: Join
) -> None:
    gate = Gate()
    receiver.behaviour = gate
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    slugs = [api.make_group() for _ in range(5)]
    for slug in slugs:
        change(api, slug)
    first = join()
    start(app, first, receiver, 2)

    second = join(endpoint, first)
    app.run(first.beat())
    app.run(second.tick())
    assert not second.sending  # the lease is not free yet
    gate.open()
    app.run(first.quiet())
    handed_over = len(receiver.received)
    turn(app, first, second)

    assert handed_over == 2  # it finished what it had begun, and began nothing more
    assert list(told(receiver).values()) == [[1, 2]] * 5
    assert endpoint.states() == ["succeeded"] * 10


def test_an_endpoint_that_was_another_senders_for_a_moment_is_served_on(
    api: Api, app: Application, post: Office, receiver: Receiver, join: Join
) -> None:
    gate = Gate()
    receiver.behaviour = gate
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    change(api, api.make_group())
    staying = join()
    start(app, staying, receiver, 1)

    passing = join(endpoint, staying)
    app.run(staying.beat())  # its lane, which is busy, is to come to an end
    app.run(passing.leave(1.0))
    app.run(staying.beat())
    gate.open()
    app.run(staying.quiet())
    turn(app, staying, staying)

    assert endpoint.states() == ["succeeded"] * 2


def test_a_lease_that_nobody_remembers_taking_is_given_back(
    api: Api, app: Application, post: Office, receiver: Receiver, join: Join
) -> None:
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    api.make_group()
    forgetful = join()
    take(app, api, forgetful.id, endpoint.id)  # as when the answer to the commit was lost

    other = join(endpoint, forgetful)
    app.run(forgetful.beat())
    turn(app, other)

    assert endpoint.states() == ["succeeded"]


def test_a_lease_that_is_not_used_for_long_is_given_back(
    api: Api, app: Application, post: Office, receiver: Receiver, join: Join
) -> None:
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    api.make_group()
    sender = join()
    turn(app, sender)
    held = []

    for _ in range(14):
        held.append(renew(app, sender.id))
        app.clock.advance(5)
        app.run(sender.beat())

    assert held[0] == [endpoint.id]
    assert renew(app, sender.id) == []


@pytest.mark.parametrize("seed", range(3))
def test_whoever_comes_and_goes_every_delivery_is_made_once_and_in_order(
    api: Api, app: Application, post: Office, receiver: Receiver, join: Join, seed: int
) -> None:
    chance = random.Random(seed)
    endpoints = [post.endpoint(api, f"{receiver.url}/{number}", types=["group.*"]) for number in range(4)]
    slugs = [api.make_group() for _ in range(3)]
    team = [join()]

    async def act(sender: Sender) -> Any:
        await (sender.beat() if chance.random() < 0.3 else sender.tick())

    async def all_act() -> None:
        await asyncio.gather(*(act(chance.choice(team)) for _ in range(4)))

    for _ in range(60):
        match chance.choice(["change", "act", "act", "act", "wait", "come", "go"]):
            case "change":
                change(api, chance.choice(slugs))
            case "act":
                app.run(all_act())
            case "wait":
                app.run(asyncio.sleep(0))
                app.clock.advance(chance.uniform(0, 4))
                for sender in team:
                    app.run(sender.beat())
            case "come" if len(team) < 4:
                team.append(join())
            case "go" if len(team) > 1:
                app.run(team.pop(chance.randrange(len(team))).leave(5.0))
    app.run(posts.settle(*team))
    app.run(posts.settle(*team))

    assert [set(endpoint.states()) for endpoint in endpoints] == [{"succeeded"}] * 4
    versions = told(receiver)
    assert len(versions) == len(endpoints) * len(slugs)
    assert all(came == list(range(1, len(came) + 1)) for came in versions.values())
    assert sum(map(len, versions.values())) == len(receiver.received) == sum(len(each.log()) for each in endpoints)
