"""A sender that is alone, as on SQLite: it needs no leases, writes nothing while nothing is to be sent, and never sends what it cannot note."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from openintervals.db import failures, sqlite
from openintervals.platform.senders import LEASE_FOR
from openintervals.worker.sender import AFTER_FAILURE, BEAT_S, IDLE_FOR
from tests import databases, servers
from tests.clients import GENEROUS, Api
from tests.servers import Application
from tests.worker import posts
from tests.worker.gates import Gate
from tests.worker.posts import Office
from tests.worker.receivers import Receiver


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/openintervals.db"


@pytest.fixture
def app(url: str) -> Iterator[Application]:
    with servers.application(url, rate_limits=GENEROUS) as running:
        yield running


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Whoever else wants to write to this database waits, and in vain."""
    other = sqlite.connect(Path(url.removeprefix("sqlite:///")))
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def pass_time(app: Application, post: Office, duration: timedelta) -> None:
    """Every beat and a tick with each, as the program has them."""
    until = app.clock() + duration
    while app.clock() < until:
        app.clock.advance(BEAT_S)
        app.run(post.sender.beat())
        app.run(post.sender.tick())
        app.run(post.sender.quiet())


def test_while_there_is_nothing_to_send_it_asks_for_no_write(
    url: str, api: Api, app: Application, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_WAIT_S", 0.01)
    with posts.office(app) as post:
        post.endpoint(api, receiver.url, types=["group.*"])
        before = databases.fingerprint(url, leave_out=())

        with locked(url):
            pass_time(app, post, timedelta(minutes=10))
            app.run(post.sender.leave(1.0))

    assert databases.fingerprint(url, leave_out=()) == before


def test_it_sends_on_however_long_it_was_idle(api: Api, app: Application, post: Office, receiver: Receiver) -> None:
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    for _ in range(3):
        api.make_group()
        post.settle()
        pass_time(app, post, max(LEASE_FOR, IDLE_FOR) + timedelta(seconds=BEAT_S))

    assert endpoint.states() == ["succeeded"] * 3
    assert len(receiver.received) == 3


def test_nothing_leaves_before_the_database_has_taken_a_write(
    url: str, api: Api, app: Application, post: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_WAIT_S", 0.01)
    endpoint = post.endpoint(api, receiver.url, types=["group.*"])
    api.make_group()

    with locked(url):
        for _ in range(3):
            with pytest.raises(failures.Busy):
                app.run(post.sender.tick())
        before = list(receiver.received)
    post.settle()

    assert before == []
    assert endpoint.states() == ["succeeded"]


def test_what_could_not_be_noted_is_sent_again_when_it_can_be_and_nothing_else_before(
    url: str, api: Api, app: Application, post: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_WAIT_S", 0.01)
    endpoints = [post.endpoint(api, f"{receiver.url}/{name}", types=["group.*"]) for name in ("one", "other")]
    api.make_group()
    receiver.behaviour = gate = Gate()

    async def send_and_lose() -> None:
        await post.sender.tick()
        await asyncio.to_thread(receiver.wait_for, 2)
        with locked(url):
            gate.let_go()
            await post.sender.quiet()
            for _ in range(5):
                app.clock.now += AFTER_FAILURE
                with pytest.raises(failures.Busy):
                    await post.sender.tick()
                assert not post.sender.sending

    app.run(send_and_lose())
    before = len(receiver.received)
    post.settle()

    assert before == 2
    assert [endpoint.states() for endpoint in endpoints] == [["succeeded"], ["succeeded"]]
    assert sorted(each.path for each in receiver.received) == ["/one", "/one", "/other", "/other"]
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 2
