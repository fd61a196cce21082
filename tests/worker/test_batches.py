"""A dialect that sends several changes at once, which the engine has never heard of: it is one more value given to the sender.

The body is `{"secret": …, "events": […]}` and nothing is signed; the events of a request belong to one owner, here whom a group is named after.
"""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import pytest

from openintervals.platform import retries
from openintervals.platform.dialects import Dialect, Headers, Sending, Told
from openintervals.worker.lane import WINDOW_FIRST, WINDOW_MOST
from tests.clients import Api
from tests.servers import Application
from tests.worker import gates, posts
from tests.worker.gates import Gate
from tests.worker.posts import Endpoint, Office
from tests.worker.receivers import Received, Receiver, answer, in_turn

TOGETHER_MOST = 10
SECRET_HEADERS = {"webhook-id", "webhook-signature", "webhook-timestamp"}


def owner_of(told: Told) -> str:
    name: str = msgspec.json.decode(told.snapshot)["name"]
    return name.partition(" ")[0]


def event_payload(told: Told) -> bytes:
    return msgspec.json.encode(
        {"owner": owner_of(told), "type": told.type, "object": told.object_id, "version": told.object_version}
    )


def batch_request(secrets: Sequence[str], sendings: Sequence[Sending], at: datetime) -> tuple[Headers, bytes]:
    events = b",".join(sending.payload for sending in sendings)
    return {}, b'{"secret":%b,"events":[%b]}' % (msgspec.json.encode(secrets[0]), events)


BATCHES = Dialect(
    name="batches", payload=event_payload, request=batch_request, together=owner_of, changes_most=TOGETHER_MOST
)


@pytest.fixture
def post(app: Application) -> Iterator[Office]:
    with posts.office(app, BATCHES) as opened:
        yield opened


def batches(received: Sequence[Received]) -> list[list[dict[str, Any]]]:
    return [msgspec.json.decode(each.body)["events"] for each in received]


def listen(post: Office, api: Api, receiver: Receiver) -> Endpoint:
    return post.endpoint(api, receiver.url, types=["group.*"], dialect="batches")


def make(api: Api, **counts: int) -> list[str]:
    """So many groups of each owner, in turns; gives their slugs."""
    turns = itertools.zip_longest(*([owner] * count for owner, count in counts.items()))
    return [api.make_group(name=f"{owner} {number}") for number, turn in enumerate(turns) for owner in turn if owner]


def test_events_leave_several_at_once_by_owner_and_ten_at_most(api: Api, post: Office, receiver: Receiver) -> None:
    endpoint = listen(post, api, receiver)
    make(api, Ann=25, Ben=7, Eve=1)

    post.settle()

    sent = batches(receiver.received)
    assert len(list(itertools.chain(*sent))) == 33
    assert len({event["object"] for event in itertools.chain(*sent)}) == 33
    assert all(len({event["owner"] for event in batch}) == 1 for batch in sent)
    assert max(map(len, sent)) == TOGETHER_MOST
    assert len(sent) < 33 / 3
    assert set(endpoint.states()) == {"succeeded"}
    [secret] = {msgspec.json.decode(each.body)["secret"] for each in receiver.received}
    assert secret == endpoint.secret
    assert not any(SECRET_HEADERS & set(each.headers) for each in receiver.received)


def test_each_object_is_told_of_in_order_and_once_in_a_request(api: Api, post: Office, receiver: Receiver) -> None:
    listen(post, api, receiver)
    slugs = make(api, Ann=12, Ben=3)
    for slug, number in itertools.product(slugs[:5], range(3)):
        assert api.patch(f"/groups/{slug}", {"description": f"Text {number}"}).status_code == 200
    assert api.delete(f"/groups/{slugs[0]}").status_code == 204

    post.settle()

    versions: dict[str, list[int]] = {}
    for batch in batches(receiver.received):
        objects = [event["object"] for event in batch]
        assert len(set(objects)) == len(objects)
        for event in batch:
            versions.setdefault(event["object"], []).append(event["version"])
    assert sorted(versions.values(), key=len) == [[1]] * 10 + [[1, 2, 3, 4]] * 4 + [[1, 2, 3, 4, 5]]


def test_success_and_failure_are_those_of_every_event_of_a_request_and_its_bytes_stay_the_same(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = in_turn(answer(500, body=b"full"), answer(200))
    endpoint = listen(post, api, receiver)
    make(api, Ann=6)
    post.settle()

    [failed] = batches(receiver.received)
    assert len(failed) == 6
    for logged in endpoint.log():
        [tried] = logged.tried
        assert (logged.state, logged.tries, tried["status"], tried["head"]) == ("waiting", 1, 500, "full")
        assert tried["next_at"] == logged.due_at
    frozen = {logged.object_id: logged.payload for logged in endpoint.log()}

    app.clock.advance(10)
    post.settle()

    again = [event for batch in batches(receiver.received[1:]) for event in batch]
    assert sorted(event["object"] for event in again) == sorted(frozen)
    for each in receiver.received:
        assert all(
            (frozen[event["object"]] or "").encode() in each.body for event in msgspec.json.decode(each.body)["events"]
        )
    assert {(logged.state, logged.tries, logged.payload == frozen[logged.object_id]) for logged in endpoint.log()} == {
        ("succeeded", 2, True)
    }


def test_a_change_that_fails_for_one_owner_holds_up_no_other(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    async def refuses_ben(received: Received, writer: asyncio.StreamWriter) -> None:
        [*_, event] = msgspec.json.decode(received.body)["events"]
        await answer(500 if event["owner"] == "Ben" else 204)(received, writer)

    receiver.behaviour = refuses_ben
    endpoint = listen(post, api, receiver)
    make(api, Ann=3, Ben=3, Eve=3)

    post.settle()

    states = {(msgspec.json.decode(logged.payload or "")["owner"], logged.state) for logged in endpoint.log()}
    assert states == {("Ann", "succeeded"), ("Ben", "waiting"), ("Eve", "succeeded")}


def test_many_owners_open_no_more_requests_than_the_window_has_room_for(
    api: Api, app: Application, receiver: Receiver
) -> None:
    receiver.behaviour = gate = Gate()
    with gates.office(app, BATCHES) as (post, outbound):
        endpoint = listen(post, api, receiver)
        make(api, **{f"Owner{number}": 1 for number in range(50)})

        async def scenario() -> None:
            async with gates.at_work(post.sender):
                await gates.arrived(receiver, WINDOW_FIRST)
                assert outbound.open[receiver.url] == WINDOW_FIRST
                gate.let_go()
                await gates.arrived(receiver, 50)

        app.run(scenario())

    assert outbound.most[receiver.url] <= WINDOW_MOST
    assert len(endpoint.log()) == 50


def test_an_endpoint_that_failed_is_tried_with_one_request_whatever_the_number_of_owners(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    endpoint = listen(post, api, receiver)
    make(api, **{f"Owner{number}": 1 for number in range(20)})
    post.settle()
    tried = len(receiver.received)
    assert retries.OPEN_AFTER <= tried <= retries.OPEN_AFTER + 1

    gates.pass_time(app, post, retries.PAUSE_MOST_S)
    post.settle()
    assert len(receiver.received) == tried + 1

    receiver.behaviour = answer()
    gates.pass_time(app, post, retries.PAUSE_MOST_S)
    post.settle()
    assert set(endpoint.states()) == {"succeeded"}
