"""Delivering: what is committed is sent, in order and once it may, until it succeeds or its tries are used up."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from openintervals import instants
from openintervals.platform import api_keys, retries, sendings, webhooks
from tests.clients import Api, found
from tests.servers import Application
from tests.worker.posts import Endpoint, Logged, Office
from tests.worker.receivers import Received, Receiver, answer, by_path, hang, in_turn, reset

numbers = itertools.count(1)


def told(received: list[Received]) -> list[tuple[str, int]]:
    bodies = [msgspec.json.decode(each.body) for each in received]
    return [(body["type"], body["version"]) for body in bodies]


def only(endpoint: Endpoint) -> Logged:
    [logged] = endpoint.log()
    return logged


def next_due(endpoint: Endpoint) -> datetime:
    return instants.parse(min(each.due_at for each in endpoint.log() if each.state == "waiting"))


def change_group(api: Api, slug: str, times: int) -> None:
    for _ in range(times):
        assert api.patch(f"/groups/{slug}", {"name": f"Group {next(numbers)}"}).status_code == 200


def test_a_change_is_sent_and_its_success_is_written_down(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    api.make_group()

    post.settle()

    [received] = receiver.received
    logged = only(endpoint)
    assert (logged.state, logged.tries, logged.reason) == ("succeeded", 1, None)
    assert received.headers["webhook-id"] == logged.id
    assert logged.payload == received.body.decode()
    [tried] = logged.tried
    assert (tried["status"], tried["problem"], tried["by"], tried["next_at"]) == (204, None, "schedule", None)
    assert tried["at"] == instants.text(app.clock())


def test_wh_1_what_is_sent_verifies_with_an_independent_library_also_while_the_secret_is_being_replaced(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    app.clock.now = datetime.now(UTC)  # the library holds the time of a try against its own clock
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    slug = api.make_group()
    post.settle()

    rotated = api.post(f"/webhooks/{endpoint.id}/rotate")
    newer = rotated.json()["data"]["secret"]
    change_group(api, slug, 1)
    post.settle()
    app.clock.advance(24 * 3600 + 1)
    change_group(api, slug, 1)
    post.settle()

    before, during, after = receiver.received
    for received, secret in ((before, endpoint.secret), (during, endpoint.secret), (during, newer)):
        assert Verifier(secret).verify(received.body, received.headers)
    signatures = [each.headers["webhook-signature"].count("v1,") for each in (before, during, after)]
    assert signatures == [1, 2, 1]


def test_wh_2_every_try_and_every_resend_has_the_same_bytes_and_id_and_a_time_of_its_own(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    api.make_group()
    post.settle()
    while only(endpoint).state == "waiting":
        app.clock.now = next_due(endpoint)
        post.settle()
    assert only(endpoint).state == "failed"

    receiver.behaviour = answer()
    assert api.post(f"/deliveries/{only(endpoint).id}/resend").status_code == 202
    app.clock.advance(retries.PAUSE_MOST_S)  # an endpoint that failed so often is tried again after a pause
    post.settle()

    received = receiver.received
    assert len(received) == retries.TRIES_MOST + 1
    assert len({each.body for each in received}) == 1
    assert len({each.headers["webhook-id"] for each in received}) == 1
    assert len({each.headers["webhook-timestamp"] for each in received}) == len(received)
    assert only(endpoint).state == "succeeded"


def test_wh_4_what_changes_while_the_receiver_stalls_arrives_as_it_was_at_each_commit(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(503)
    post.endpoint(api, receiver.url, types=["group.*"])
    slug = api.make_group()
    post.settle()
    change_group(api, slug, 1)
    assert api.delete(f"/groups/{slug}").status_code == 204

    receiver.behaviour = answer()
    app.clock.advance(120)
    post.settle()

    assert told(receiver.received[1:]) == [("group.created", 1), ("group.updated", 2), ("group.deleted", 3)]


def test_one_endpoint_hears_of_an_object_in_order_whatever_else_waits(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = in_turn(answer(500), answer())
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    slug = api.make_group()
    post.settle()  # fails, and is tried again in five seconds
    change_group(api, slug, 3)
    other = api.make_group()
    post.settle()
    assert told(receiver.received) == [("group.created", 1), ("group.created", 1)]
    assert sorted(endpoint.states()) == ["succeeded", "waiting", "waiting", "waiting", "waiting"]

    app.clock.advance(10)
    assert api.delete(f"/groups/{slug}").status_code == 204
    change_group(api, other, 1)
    post.settle()

    by_object: dict[str, list[int]] = {}
    for received in receiver.received:
        body = msgspec.json.decode(received.body)
        by_object.setdefault(body["object"], []).append(body["version"])
    assert sorted(by_object.values()) == [[1, 1, 2, 3, 4, 5], [1, 2]]
    assert set(endpoint.states()) == {"succeeded"}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success_and_ends_the_delivery(status: int, api: Api, post: Office, receiver: Receiver) -> None:
    receiver.behaviour = answer(status, body=b"" if status == 204 else b"{}")
    endpoint = post.endpoint(api, receiver.url)
    api.make_group()

    post.settle()
    post.settle()

    assert endpoint.states() == ["succeeded"]
    assert len(receiver.received) == 1


def test_wh_7_nothing_leaves_after_the_key_an_endpoint_acts_for_is_revoked(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    endpoint = post.endpoint(api.with_scopes("read:groups"), receiver.url, types=["group.*"])
    key_id = endpoint.is_now().key_id
    for _ in range(100):
        api.make_group()

    async def revoke(tx: Any) -> None:
        key, _ = await api_keys.find(tx, key_id)
        await api_keys.revoke(tx, key)

    app.write(revoke, api.tenant)
    post.settle()

    assert receiver.received == []
    assert endpoint.states() == ["cancelled"] * 100
    assert {each.reason for each in endpoint.log()} == {webhooks.KEY_ENDED}
    assert endpoint.is_now().status == "disabled"


def test_nothing_leaves_after_the_key_has_expired(api: Api, app: Application, post: Office, receiver: Receiver) -> None:
    expires_at = app.clock() + timedelta(hours=1)
    key = app.write(partial(api_keys.create, scopes=["read:groups"], expires_at=expires_at), api.tenant)
    endpoint = post.endpoint(api, receiver.url, types=["group.*"], key_id=key.id)
    app.clock.advance(3601)
    api.make_group()

    post.settle()

    assert receiver.received == []
    assert (endpoint.is_now().status, only(endpoint).state, only(endpoint).reason) == (
        "disabled",
        "cancelled",
        webhooks.KEY_ENDED,
    )


@pytest.mark.parametrize("was", ["waiting", "failed"])
def test_nothing_leaves_that_the_key_which_changed_the_endpoint_last_may_not_read(
    was: str, api: Api, post: Office, receiver: Receiver
) -> None:
    endpoint = post.endpoint(api, receiver.url)
    run = api.make_run(api.make_event())
    registration = api.make_registration(run)
    ended = api.end_deliveries(endpoint.id, was) if was != "waiting" else []

    narrow = api.with_scopes("write:webhooks", "read:events")
    found(narrow.patch(f"/webhooks/{endpoint.id}", {"description": "Mine now"}))
    for delivery in ended:
        assert narrow.post(f"/deliveries/{delivery}/resend").status_code == 202
    post.settle()

    arrived = {msgspec.json.decode(each.body)["object"] for each in receiver.received}
    assert run in arrived
    assert registration not in arrived
    withheld = [each for each in endpoint.log() if each.object_id == registration]
    assert {(each.state, each.reason) for each in withheld} == {("cancelled", sendings.NOT_FOR_KEY)}


def test_what_waits_for_a_deleted_endpoint_is_cancelled(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    endpoint = post.endpoint(api, receiver.url)
    api.make_group()

    async def remove(tx: Any) -> None:
        await webhooks.remove(tx, await webhooks.lock(tx, endpoint.id))

    app.write(remove, api.tenant)
    post.settle()

    assert receiver.received == []
    assert (only(endpoint).state, only(endpoint).reason) == ("cancelled", sendings.ENDPOINT_GONE)


def test_what_happens_while_an_endpoint_is_paused_waits_and_leaves_in_order_afterwards(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])

    def become(status: str) -> None:
        async def change(tx: Any) -> None:
            before = await webhooks.lock(tx, endpoint.id)
            scopes = frozenset({"read:groups"})
            await webhooks.change(tx, before, {"status": status}, key_id=api.key_id, scopes=scopes)

        app.write(change, api.tenant)

    become("paused")
    change_group(api, api.make_group(), 2)
    post.settle()
    assert (receiver.received, endpoint.states()) == ([], ["waiting"] * 3)

    become("active")
    post.settle()
    assert [version for _, version in told(receiver.received)] == [1, 2, 3]


def test_wh_8_ten_tries_are_made_at_the_times_of_the_schedule(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    endpoint = post.endpoint(api, receiver.url)
    api.make_group()
    waits_s = []
    for number in range(1, retries.TRIES_MOST):
        post.settle()
        failed_at, due_at = app.clock(), next_due(endpoint)
        assert only(endpoint).tried[-1]["next_at"] == instants.text(due_at)
        app.clock.now = due_at - timedelta(milliseconds=1)
        post.settle()
        assert len(receiver.received) == number  # not a moment before
        app.clock.now = due_at
        waits_s.append((due_at - failed_at).total_seconds())
    post.settle()

    for wait_s, planned_s in zip(waits_s, retries.SCHEDULE_S[1:], strict=True):
        assert 0.8 * planned_s <= wait_s <= 1.2 * planned_s
    assert (len(receiver.received), only(endpoint).state) == (10, "failed")
    assert 0.8 * 272_105 <= sum(waits_s) <= 1.2 * 272_105


@pytest.mark.parametrize(
    ("behaviour", "at_least_s"),
    [
        (answer(429), 60),
        (answer(502), 60),
        (answer(503, {"Retry-After": "600"}), 600),
        (answer(429, {"Retry-After": "999999"}), 24 * 3600),
        (hang, 60),
        (reset, 4),
        (answer(301, {"Location": "http://127.0.0.1:1/"}), 4),
    ],
)
def test_a_receiver_that_asks_for_peace_gets_it(
    behaviour: Callable[..., Any], at_least_s: float, api: Api, app: Application, receiver: Receiver
) -> None:
    from tests.worker import posts

    receiver.behaviour = behaviour
    with posts.office(app, total_s=0.2) as post:
        endpoint = post.endpoint(api, receiver.url)
        api.make_group()
        post.settle()

    wait_s = (next_due(endpoint) - app.clock()).total_seconds()
    assert at_least_s <= wait_s <= max(at_least_s * 1.2, 6) + 0.01
    assert len(receiver.received) == 1


def test_wh_9_an_endpoint_that_answers_410_is_disabled_and_others_are_told(
    api: Api, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = by_path({"/gone": answer(410)})
    gone = post.endpoint(api, f"{receiver.url}/gone", types=["group.*"])
    post.endpoint(api, f"{receiver.url}/watch", types=["webhook.disabled"])
    api.make_group()
    post.settle()
    api.make_group()
    post.settle()

    webhook = gone.is_now()
    assert (webhook.status, webhook.disabled_reason) == ("disabled", webhooks.GONE)
    assert gone.states() == ["failed"]
    [news] = [each for each in receiver.received if each.path == "/watch"]
    body = msgspec.json.decode(news.body)
    assert (body["type"], body["object"]) == ("webhook.disabled", gone.id)


def test_wh_9_five_days_of_nothing_but_failure_disable_and_one_success_starts_anew(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])

    def fail_for(days: int) -> None:
        for _ in range(days * 2):
            api.make_group()
            post.settle()
            app.clock.advance(12 * 3600)

    fail_for(4)
    receiver.behaviour = answer(200, body=b"")
    post.settle()
    receiver.behaviour = answer(500)
    assert endpoint.is_now().failing_since is None
    fail_for(4)
    assert endpoint.is_now().status == "active"
    fail_for(2)

    webhook = endpoint.is_now()
    assert (webhook.status, webhook.disabled_reason) == ("disabled", webhooks.FAILING)
    post.settle()
    assert "waiting" not in endpoint.states()


def test_with_coalesce_a_waiting_update_gives_way_to_a_later_one(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    merging = post.endpoint(api, receiver.url, types=["group.*"], coalesce=True)
    slug = api.make_group()
    post.settle()
    change_group(api, slug, 3)
    receiver.behaviour = answer()
    app.clock.advance(10)
    post.settle()

    assert [version for _, version in told(receiver.received)] == [1, 1, 4]
    assert merging.states() == ["succeeded", "superseded", "superseded", "succeeded"]
    assert {each.reason for each in merging.log() if each.state == "superseded"} == {sendings.NEWER}


def test_an_endpoint_that_fails_is_left_in_peace_and_then_tried_with_one(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    endpoint = post.endpoint(api, receiver.url)
    for _ in range(50):
        api.make_group()
    post.settle()
    tried = len(receiver.received)
    assert retries.OPEN_AFTER <= tried <= retries.OPEN_AFTER + 2

    app.clock.advance(retries.PAUSE_S)
    post.settle()
    assert len(receiver.received) == tried + 1

    receiver.behaviour = answer()
    app.clock.advance(retries.PAUSE_MOST_S + 60)
    post.settle()
    assert set(endpoint.states()) == {"succeeded"}


def test_a_change_that_cannot_be_told_is_written_down_and_holds_up_nobody(
    api: Api, app: Application, receiver: Receiver
) -> None:
    from tests.worker import posts

    def fails_once(fail: Any, payload_of: Any) -> Any:
        def payload(told_: Any) -> bytes:
            if next(fail):
                raise ValueError("cannot")
            data: bytes = payload_of(told_)
            return data

        return payload

    fail = itertools.chain([True], itertools.repeat(False))
    broken = msgspec.structs.replace(posts.PLAIN, name="broken", payload=fails_once(fail, posts.plain_payload))
    with posts.office(app, broken) as post:
        endpoint = post.endpoint(api, receiver.url, dialect="broken")
        api.make_group()
        api.make_group()
        post.settle()

    assert sorted(endpoint.states()) == ["failed", "succeeded"]
    assert len(receiver.received) == 1
