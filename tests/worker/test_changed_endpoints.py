"""An endpoint that its owner changes while it is being delivered to: what is known of the old one does not count against the new."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

from openintervals import instants
from openintervals.db.transaction import Write
from openintervals.platform import retries, senders, sendings, webhooks
from openintervals.platform.scopes import SCOPES
from tests.clients import Api
from tests.servers import Application
from tests.worker.posts import Endpoint, Office
from tests.worker.receivers import Received, Receiver, answer, by_path


def change(api: Api, endpoint: Endpoint, **values: Any) -> None:
    """As its owner would; a URL of this machine is not asked for."""
    api.app.write(lambda tx: _change(tx, api, endpoint, values), api.tenant)


async def _change(tx: Write, api: Api, endpoint: Endpoint, values: dict[str, Any]) -> None:
    before = await webhooks.lock(tx, endpoint.id)
    await webhooks.change(tx, before, values, key_id=api.key_id, scopes=frozenset(SCOPES))


def fail_often(api: Api, post: Office) -> None:
    """Until the lane is closed."""
    for _ in range(retries.OPEN_AFTER):
        api.make_group()
        post.settle()


def failing_for(app: Application, endpoint: Endpoint, days: float) -> None:
    since = instants.text(app.clock() - timedelta(days=days))
    app.write(lambda tx: webhooks.note_failing(tx, endpoint.id, since), endpoint.tenant)


def test_one_that_is_made_active_again_is_not_disabled_by_its_next_failure(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    failing_for(app, endpoint, 5)
    api.make_group()
    post.settle()
    assert endpoint.is_now().disabled_reason == webhooks.FAILING

    assert api.patch(f"/webhooks/{endpoint.id}", {"status": "active"}).status_code == 200
    api.make_group()
    post.settle()

    assert len(receiver.received) == 2
    assert endpoint.is_now().status == "active"
    assert endpoint.is_now().failing_since == instants.text(app.clock())


def test_a_new_url_is_tried_at_once_though_the_old_one_only_failed(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = by_path({"/": answer(500)})
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    fail_often(api, post)

    change(api, endpoint, url=receiver.url + "/new")
    api.make_group()
    post.settle()

    assert receiver.received[-1].path == "/new"
    assert endpoint.states().count("succeeded") == 1


def test_the_days_in_which_the_old_url_failed_do_not_count_for_the_new_one(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    failing_for(app, endpoint, 4.99)
    fail_often(api, post)

    change(api, endpoint, url=receiver.url + "/new")
    for _ in range(60):  # twenty minutes, in which the lease is kept
        app.clock.advance(20)
        api.make_group()
        post.settle()

    assert receiver.received[-1].path == "/new"
    assert endpoint.is_now().status == "active"


def test_410_from_a_url_that_was_replaced_meanwhile_disables_nothing(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    changed = threading.Event()

    async def gone_when_changed(received: Received, writer: asyncio.StreamWriter) -> None:
        app.runner.get_loop().call_soon_threadsafe(arrived.set)
        await asyncio.to_thread(changed.wait)
        await answer(410)(received, writer)

    arrived = asyncio.Event()
    receiver.behaviour = by_path({"/": gone_when_changed})
    api.make_group()

    async def change_meanwhile() -> None:
        await post.sender.tick()
        await arrived.wait()
        await app.database.write(
            app.asking(api.tenant), lambda tx: _change(tx, api, endpoint, {"url": receiver.url + "/new"})
        )
        changed.set()
        await post.sender.quiet()

    app.run(change_meanwhile())

    assert endpoint.states() == ["failed"]
    assert endpoint.is_now().status == "active"


def test_what_waits_is_kept_when_the_endpoint_is_made_active_again_while_it_is_being_cancelled(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    api.make_group()
    post.settle()
    app.write(lambda tx: _disable(tx, endpoint), api.tenant)
    app.clock.advance(10)

    async def make_active_meanwhile() -> None:
        locked, looked = asyncio.Event(), asyncio.Event()

        async def slowly(tx: Write) -> None:
            before = await webhooks.lock(tx, endpoint.id)
            locked.set()
            await looked.wait()
            await webhooks.change(tx, before, {"status": "active"}, key_id=api.key_id, scopes=frozenset(SCOPES))

        changing = asyncio.create_task(app.database.write(app.asking(api.tenant), slowly))
        await locked.wait()
        await post.sender.tick()
        looker = asyncio.create_task(post.sender.quiet())
        await asyncio.wait([looker], timeout=0.1)  # it has found what to cancel, and waits for the one who changes
        looked.set()
        await asyncio.gather(changing, looker)

    app.run(make_active_meanwhile())

    assert endpoint.states() == ["waiting"]


async def _disable(tx: Write, endpoint: Endpoint) -> None:
    await webhooks.disable(tx, await webhooks.lock(tx, endpoint.id), webhooks.GONE)


def test_wh_7_what_its_new_key_may_not_read_does_not_leave_though_it_waits_or_is_asked_for_again(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = by_path({"/": answer(500)})
    endpoint = post.endpoint(api, receiver.url, types=["registration.*", "group.*"])
    run = api.make_run(api.make_event())
    api.make_registration(run)
    post.settle()  # fails, and waits
    lesser = api.with_scopes("write:webhooks", "read:groups")

    async def adopt(tx: Write) -> None:
        before = await webhooks.lock(tx, endpoint.id)
        values = {"url": receiver.url + "/mine", "types": ["group.*"]}
        await webhooks.change(tx, before, values, key_id=lesser.key_id, scopes=frozenset({"read:groups"}))

    app.write(adopt, api.tenant)
    app.clock.advance(10)
    post.settle()
    [delivery] = endpoint.log()
    assert (delivery.state, delivery.reason) == ("cancelled", sendings.NOT_FOR_KEY)
    assert lesser.post(f"/deliveries/{delivery.id}/resend").status_code == 202
    api.make_group()
    test = lesser.post(f"/webhooks/{endpoint.id}/test")
    post.settle()

    assert test.status_code == 201
    assert sorted((each.type, each.state) for each in endpoint.log()) == [
        ("group.created", "succeeded"),
        ("registration.created", "cancelled"),
        ("webhook.test", "succeeded"),
    ]


def test_a_closed_endpoint_that_is_deleted_is_let_go_of(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    fail_often(api, post)
    assert api.delete(f"/webhooks/{endpoint.id}").status_code == 204

    for _ in range(40):
        app.clock.advance(10)
        post.settle()

    other = app.write(lambda tx: senders.take(tx, "other", endpoint.id), api.tenant)
    assert set(endpoint.states()) == {"cancelled"}
    assert other


def test_a_pause_ends_though_the_clock_is_set_back(
    api: Api, app: Application, post: Office, receiver: Receiver
) -> None:
    receiver.behaviour = answer(500)
    post.endpoint(api, receiver.url, types=["group.*"])
    fail_often(api, post)
    tried = len(receiver.received)

    app.clock.advance(-24 * 3600)
    api.make_group()
    post.settle()

    assert len(receiver.received) == tried + 1
