"""Fairness: what one receiver does delays nobody else, and one that is in trouble is not made worse.

Nothing here is measured in seconds. A hanging receiver hangs until the test has seen what it came to see, so what had to wait for it
would wait for ever.
"""

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace

import msgspec
import pytest

from openintervals import instants
from openintervals.club import groups
from openintervals.db.transaction import Write
from openintervals.platform import replays, retries
from openintervals.worker import lane
from openintervals.worker.lane import RATE_PER_S, WINDOW_FIRST, WINDOW_MOST
from tests.clients import Api, found, made
from tests.servers import START, Application
from tests.worker import gates, posts
from tests.worker.gates import Gate
from tests.worker.posts import Office
from tests.worker.receivers import Behaviour, Received, Receiver, answer, by_path, hang

numbers = itertools.count(1)


async def make_groups(tx: Write, count: int) -> list[str]:
    """So many groups in one transaction; gives their ids."""
    return [(await groups.create(tx, {"name": "Group", "slug": f"fair-{next(numbers)}"})).id for _ in range(count)]


def have_groups(app: Application, api: Api, count: int) -> list[str]:
    return app.write(partial(make_groups, count=count), api.tenant)


def objects(received: Sequence[Received]) -> list[str]:
    return [msgspec.json.decode(each.body)["object"] for each in received]


class InRounds:
    """Answers when as many requests are there at once as the next of `sizes` says, and then to all of them; to the rest at once."""

    def __init__(self, sizes: Sequence[int], then: Behaviour) -> None:
        self._sizes = list(sizes)
        self._then = then
        self._here: list[asyncio.Event] = []

    async def __call__(self, received: Received, writer: asyncio.StreamWriter) -> None:
        if self._sizes:
            may_go = asyncio.Event()
            self._here.append(may_go)
            if len(self._here) == self._sizes[0]:
                self._sizes.pop(0)
                for each in self._here:
                    each.set()
                self._here.clear()
            await may_go.wait()
        await self._then(received, writer)


def test_wh_12_every_delivery_to_the_healthy_has_left_while_a_tenth_of_the_endpoints_still_hang(
    api: Api, app: Application, receiver: Receiver
) -> None:
    hanging = [f"/{number}" for number in range(2)]
    healthy = [f"/{number}" for number in range(2, 20)]
    receiver.behaviour = by_path(dict.fromkeys(hanging, hang))
    with gates.office(app) as (post, outbound):
        for path in hanging + healthy:
            post.endpoint(api, receiver.url + path, types=["group.*"])
        have_groups(app, api, 40)

        async def scenario() -> list[Received]:
            async with gates.at_work(post.sender):
                received = await gates.arrived(receiver, 40 * len(healthy) + WINDOW_FIRST * len(hanging))
                assert [outbound.open[receiver.url + path] for path in hanging] == [WINDOW_FIRST] * len(hanging)
                return received

        counts = Counter(each.path for each in app.run(scenario()))

    assert counts == {**dict.fromkeys(healthy, 40), **dict.fromkeys(hanging, WINDOW_FIRST)}


def test_what_is_new_leaves_at_once_though_an_answer_of_the_same_endpoint_hangs(
    api: Api, app: Application, receiver: Receiver
) -> None:
    receiver.behaviour = gate = Gate()
    with gates.office(app) as (post, outbound):
        post.endpoint(api, receiver.url, types=["group.*"])
        first = have_groups(app, api, 1)

        async def scenario() -> list[Received]:
            async with gates.at_work(post.sender):
                await gates.arrived(receiver, 1)
                made(await api.sending("POST", "/groups", json={"name": "New", "slug": "new"}), "groupId")
                received = await gates.arrived(receiver, 2)
                assert outbound.open[receiver.url] == 2
                gate.let_go()
                return received

        received = app.run(scenario())

    assert objects(received)[0] == first[0]


def test_an_endpoint_that_succeeds_is_sent_more_at_once_and_never_more_than_the_most(
    api: Api, app: Application, receiver: Receiver
) -> None:
    sizes = [WINDOW_FIRST]
    while sizes[-1] < WINDOW_MOST:
        sizes.append(sizes[-1] * 2)
    receiver.behaviour = InRounds([*sizes, WINDOW_MOST, WINDOW_MOST], answer())
    with gates.office(app) as (post, outbound):
        post.endpoint(api, receiver.url, types=["group.*"])
        have_groups(app, api, 150)

        async def scenario() -> None:
            async with gates.at_work(post.sender):
                await gates.arrived(receiver, 150)

        app.run(scenario())

    assert outbound.most[receiver.url] == WINDOW_MOST


def test_an_endpoint_that_hangs_when_it_was_at_its_best_holds_no_more_than_the_most(
    api: Api, app: Application, receiver: Receiver
) -> None:
    hangs = threading.Event()

    async def hangs_later(received: Received, writer: asyncio.StreamWriter) -> None:
        await (hang if hangs.is_set() else answer())(received, writer)

    receiver.behaviour = hangs_later
    with gates.office(app) as (post, outbound):
        post.endpoint(api, receiver.url, types=["group.*"])
        have_groups(app, api, 60)
        post.settle()
        hangs.set()
        have_groups(app, api, 60)

        async def scenario() -> None:
            async with gates.at_work(post.sender):
                await gates.arrived(receiver, 60 + WINDOW_MOST)
                assert outbound.open[receiver.url] == WINDOW_MOST

        app.run(scenario())

    assert len(receiver.received) == 60 + WINDOW_MOST


def test_an_endpoint_that_fails_is_sent_less_at_once(api: Api, app: Application, receiver: Receiver) -> None:
    receiver.behaviour = answer(500)
    with gates.office(app) as (post, outbound):
        post.endpoint(api, receiver.url, types=["group.*"])
        have_groups(app, api, WINDOW_FIRST)
        post.settle()
        assert outbound.most[receiver.url] == WINDOW_FIRST
        outbound.most.clear()

        receiver.behaviour = gate = Gate()
        app.clock.advance(10)  # both are due again

        async def scenario() -> None:
            async with gates.at_work(post.sender):
                await gates.arrived(receiver, WINDOW_FIRST + 1)
                assert outbound.open[receiver.url] == 1
                gate.let_go()
                await gates.arrived(receiver, WINDOW_FIRST * 2)

        app.run(scenario())

    assert outbound.most[receiver.url] == 1


def test_an_endpoint_that_was_left_in_peace_is_tried_with_exactly_one_and_then_told_everything(
    api: Api, app: Application, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    with gates.office(app) as (post, outbound):
        endpoint = post.endpoint(api, receiver.url, types=["group.*"])
        have_groups(app, api, 30)
        post.settle()
        tried = len(receiver.received)
        assert retries.OPEN_AFTER <= tried < retries.OPEN_AFTER + WINDOW_MOST
        post.settle()
        assert len(receiver.received) == tried

        receiver.behaviour = gate = Gate()
        gates.pass_time(app, post, retries.PAUSE_MOST_S)
        outbound.most.clear()

        async def scenario() -> None:
            async with gates.at_work(post.sender):
                await gates.arrived(receiver, tried + 1)
                for number in range(5):  # whatever else happens meanwhile
                    made(await api.sending("POST", "/groups", json={"name": "New", "slug": f"new-{number}"}), "groupId")
                    await post.sender.tick()
                assert (outbound.open[receiver.url], outbound.most[receiver.url]) == (1, 1)
                gate.let_go()
                await gates.arrived(receiver, tried + 35)

        app.run(scenario())

    assert len(endpoint.log()) == 35


def test_who_takes_over_an_endpoint_that_fails_tries_it_with_one(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    post.endpoint(api, receiver.url, types=["group.*"])
    have_groups(app, api, 30)
    post.settle()
    app.run(post.sender.leave(0))
    tried = len(receiver.received)

    app.clock.advance(retries.PAUSE_MOST_S)
    with posts.office(app) as successor:
        successor.settle()

    assert len(receiver.received) == tried + 1


def test_a_look_that_finds_nothing_to_send_does_not_lengthen_the_peace(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    slugs = [api.make_group() for _ in range(retries.OPEN_AFTER)]
    post.settle()
    tried = len(receiver.received)
    ended = api.end_deliveries(endpoint.id)
    assert api.post(f"/deliveries/{ended[0]}/resend").status_code == 202
    assert api.delete(f"/groups/{slugs[0]}").status_code == 204
    receiver.behaviour = answer()

    gates.pass_time(app, post, retries.PAUSE_MOST_S)
    post.settle()  # the first look ends what was armed again, since its object is gone

    [received] = receiver.received[tried:]
    assert msgspec.json.decode(received.body)["gone"]


def test_an_endpoint_is_sent_only_so_many_in_a_second(
    api: Api, app: Application, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [100.0]
    monkeypatch.setattr(lane, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    burst = int(RATE_PER_S)
    with posts.office(app) as post:
        post.endpoint(api, f"{receiver.url}/one", types=["group.*"])
        post.endpoint(api, f"{receiver.url}/two", types=["group.*"])
        have_groups(app, api, 2 * burst + 100)

        def sent_after(s: float) -> Counter[str]:
            seconds[0] += s
            before = len(receiver.received)
            for _ in range(3):
                app.run(once(post))
            return Counter(each.path for each in receiver.received[before:])

        assert sent_after(0) == {"/one": burst, "/two": burst}
        assert sent_after(0.25) == {"/one": burst // 4, "/two": burst // 4}
        assert sent_after(0) == {}
        assert sent_after(3600) == {"/one": burst, "/two": burst}
        assert sent_after(1) == {"/one": 50, "/two": 50}


async def once(post: Office) -> None:
    """One round of the sender. Unlike `settle` it comes to an end while something that is due may not leave."""
    await post.sender.beat()
    await post.sender.tick()
    await post.sender.quiet()


def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted here would take long with only so many in a second."""
    monkeypatch.setattr(lane, "RATE_PER_S", 1e9)


def replay(api: Api, webhook_id: str) -> str:
    answer = api.post(f"/webhooks/{webhook_id}/replay", {"since": instants.text(START)})
    assert answer.status_code == 202, answer.text
    task_id: str = answer.json()["data"]["taskId"]
    return task_id


def test_wh_11_a_replay_of_thousands_delays_what_is_new_by_a_bounded_number_of_requests(
    api: Api, app: Application, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    unhurried(monkeypatch)
    old = have_groups(app, api, 2_000)
    app.clock.advance(60)
    with gates.office(app) as (post, _):
        endpoint = post.endpoint(api, receiver.url, types=["group.*"])
        task_id = replay(api, endpoint.id)
        new: dict[str, int] = {}

        async def change_now_and_then() -> None:
            """While the sender is busy with the replay; notes how much had arrived when each change was committed."""
            for _ in range(4):
                number = next(numbers)
                body = {"name": "New", "slug": f"new-{number}"}
                group_id = made(await api.sending("POST", "/groups", json=body), "groupId")
                new[group_id] = len(receiver.received)

        async def meanwhile() -> None:
            await asyncio.gather(posts.settle(post.sender), change_now_and_then())

        while found(api.get(f"/tasks/{task_id}"))["state"] == "running":
            app.clock.advance(replays.AGAIN_AFTER_S)
            app.run(replays.step_due(app.database, app.asking()))
            app.run(meanwhile())
        post.settle()

    arrived = objects(receiver.received)
    assert sorted(arrived) == sorted([*old, *new])
    assert len(new) >= 4 * len(old) // replays.AHEAD_MOST
    # What was on its way already, and what a look had just found; never what waits behind.
    assert max(arrived.index(group_id) - before for group_id, before in new.items()) <= 2 * WINDOW_MOST


def test_what_is_armed_again_gets_half_of_the_window_and_leaves_the_rest_to_what_is_new(
    api: Api, app: Application, receiver: Receiver
) -> None:
    with gates.office(app) as (post, outbound):
        endpoint = post.endpoint(api, receiver.url, types=["group.*"])
        have_groups(app, api, 40)
        post.settle()  # and the window is as wide as it gets
        receiver.behaviour = gate = Gate()
        replay(api, endpoint.id)
        app.run(replays.step_due(app.database, app.asking()))

        async def scenario() -> None:
            async with gates.at_work(post.sender):
                await gates.arrived(receiver, 40 + WINDOW_MOST // 2)
                assert outbound.open[receiver.url] == WINDOW_MOST // 2
                await app.database.write(app.asking(api.tenant), partial(make_groups, count=WINDOW_MOST))
                received = await gates.arrived(receiver, 40 + WINDOW_MOST)
                assert outbound.open[receiver.url] == WINDOW_MOST
                assert len(set(objects(received[40:])) - old) == WINDOW_MOST // 2
                gate.let_go()
                await gates.arrived(receiver, 40 + WINDOW_MOST + 40)

        old = set(objects(receiver.received))
        app.run(scenario())


def test_wh_11_resending_one_and_recovering_what_failed_send_that_and_nothing_else(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    have_groups(app, api, 5)
    post.settle()
    sent = [each.headers["webhook-id"] for each in receiver.received]
    assert api.post(f"/deliveries/{sent[2]}/resend").status_code == 202
    post.settle()
    assert [each.headers["webhook-id"] for each in receiver.received[5:]] == [sent[2]]

    have_groups(app, api, 4)
    failed = api.end_deliveries(endpoint.id)
    answer_ = api.post(f"/webhooks/{endpoint.id}/recover", {"since": instants.text(START)})
    assert answer_.status_code == 202
    app.run(replays.step_due(app.database, app.asking()))
    post.settle()

    assert sorted(each.headers["webhook-id"] for each in receiver.received[6:]) == failed
    assert found(api.get(f"/tasks/{answer_.json()['data']['taskId']}"))["doneCount"] == 4
    assert endpoint.states() == ["succeeded"] * 9


def test_an_earlier_change_that_is_sent_again_does_not_leave_while_a_later_one_is_on_its_way(
    api: Api, app: Application, receiver: Receiver
) -> None:
    with gates.office(app) as (post, outbound):
        post.endpoint(api, receiver.url, types=["group.*"])
        slug = api.make_group()
        post.settle()
        first = receiver.received[0].headers["webhook-id"]
        receiver.behaviour = gate = Gate()

        async def scenario() -> list[Received]:
            async with gates.at_work(post.sender):
                await api.sending("PATCH", f"/groups/{slug}", json={"name": "Other"})
                await gates.arrived(receiver, 2)
                assert (await api.sending("POST", f"/deliveries/{first}/resend", json={})).status_code == 202
                await api.sending("POST", "/groups", json={"name": "Third", "slug": "third"})
                await gates.arrived(receiver, 3)  # so the sender has looked since, and had room
                assert outbound.open[receiver.url] == 2
                gate.let_go()
                return await gates.arrived(receiver, 4)

        received = app.run(scenario())

    versions = [(body["version"], body["type"]) for body in (msgspec.json.decode(each.body) for each in received)]
    assert versions == [(1, "group.created"), (2, "group.updated"), (1, "group.created"), (1, "group.created")]
    assert received[3].headers["webhook-id"] == first
