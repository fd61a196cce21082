"""What is recovered or replayed arrives: everything once, each object's changes in order, and what is gone as its deletion alone."""

from collections import defaultdict

import msgspec
import pytest

from openintervals.platform import replays
from tests.clients import Api, found
from tests.servers import Application
from tests.worker.posts import Endpoint, Office
from tests.worker.receivers import Received, Receiver, answer


def finish(api: Api, app: Application, post: Office, endpoint: Endpoint, what: str) -> int:
    """Ask for a task, and let worker and sender take turns until it is done; gives how many deliveries it set off."""
    asked = api.post(f"/webhooks/{endpoint.id}/{what}", {"since": "2026-03-01T08:00:00Z"})
    assert asked.status_code == 202, asked.text
    for _ in range(20):
        app.clock.advance(1)
        app.run(replays.step_due(app.database, app.asking()))
        post.settle()
        shown = found(api.get(f"/tasks/{asked.json()['data']['taskId']}"))
        if shown["state"] != "running":
            assert shown["state"] == "done", shown
            return int(shown["doneCount"])
    raise AssertionError("the task did not end")


def versions(received: list[Received]) -> dict[str, list[int]]:
    """What arrived of each object, in the order it came."""
    arrived: dict[str, list[int]] = defaultdict(list)
    for each in received:
        body = msgspec.json.decode(each.body)
        arrived[body["object"]].append(body["version"])
    return arrived


def test_a_history_that_nobody_heard_arrives_in_order_and_a_second_time_the_same(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    slugs = [api.make_group() for _ in range(70)]
    for name in ("Second", "Third"):
        for slug in slugs:
            api.patch(f"/groups/{slug}", {"name": name})
    names = {slug: found(api.get(f"/groups/{slug}"))["_id"] for slug in slugs}
    api.delete(f"/groups/{slugs[0]}")
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    expected = {names[slug]: [1, 2, 3] for slug in slugs[1:]} | {names[slugs[0]]: [4]}

    first = finish(api, app, post, endpoint, "replay")
    arrived = receiver.received
    second = finish(api, app, post, endpoint, "replay")
    arrived_again = receiver.received[len(arrived) :]

    bodies = {each.headers["webhook-id"]: each.body for each in arrived}
    assert versions(arrived) == versions(arrived_again) == expected
    assert {each.headers["webhook-id"]: each.body for each in arrived_again} == bodies
    assert first == second == len(bodies) == 69 * 3 + 1
    assert set(endpoint.states()) == {"succeeded"}


@pytest.mark.parametrize("what", ["recover", "replay"])
def test_what_was_missed_while_an_endpoint_was_disabled_arrives_afterwards(
    api: Api, app: Application, post: Office, receiver: Receiver, what: str
) -> None:
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    slug = api.make_group()
    api.patch(f"/groups/{slug}", {"name": "Second"})
    receiver.behaviour = answer(410)
    post.settle()
    assert endpoint.is_now().status == "disabled"
    api.patch(f"/groups/{slug}", {"name": "Third"})
    app.clock.advance(60)
    post.settle()
    states = endpoint.states()
    receiver.behaviour = answer()
    before = len(receiver.received)

    assert api.patch(f"/webhooks/{endpoint.id}", {"status": "active"}).status_code == 200
    done = finish(api, app, post, endpoint, what)

    assert states == ["failed", "cancelled"]
    # The third was never written for the endpoint: it is there for a replay alone.
    assert done == {"recover": 2, "replay": 3}[what]
    [arrived] = versions(receiver.received[before:]).values()
    assert arrived == list(range(1, done + 1))
    assert set(endpoint.states()) == {"succeeded"}
