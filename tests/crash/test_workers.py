"""Several `openintervals worker` processes on PostgreSQL: they share the endpoints, hand them over, and take them over from one that is killed."""

import contextlib
import itertools
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from openintervals.platform import senders
from tests import clients, databases, postgres, servers
from tests.clients import Api
from tests.crash.lives import PATIENCE_S, Program
from tests.worker import receivers
from tests.worker.receivers import Receiver

ENDPOINTS = 12
GROUPS = 4
numbers = itertools.count(1)


class Team:
    """Workers on one database, and a client who makes changes that all endpoints hear of."""

    def __init__(self, url: str, api: Api, receiver: Receiver) -> None:
        self.url = url
        self.api = api
        self.receiver = receiver
        self.groups = [api.make_group() for _ in range(GROUPS)]
        self.webhooks = [api.make_webhook("group.*", url=f"{receiver.url}/{number}") for number in range(ENDPOINTS)]
        self.changes = 0
        self.workers: list[Program] = []

    def change(self) -> None:
        for slug in self.groups:
            assert self.api.patch(f"/groups/{slug}", {"name": f"Group {next(numbers)}"}).status_code == 200
        self.changes += 1

    def living(self) -> list[str]:
        return [id_ for (id_,) in databases.rows(self.url, "SELECT id FROM senders ORDER BY id")]

    def holders(self) -> dict[str, str]:
        return dict(databases.rows(self.url, "SELECT webhook_id, sender_id FROM webhook_leases"))

    def change_until_shared(self) -> None:
        """Until every endpoint is served by the worker it belongs to."""
        for _ in range(PATIENCE_S * 50):
            if self.waiting() == 0:
                self.change()
            living = self.living()
            wanted = {webhook_id: senders.chosen(webhook_id, living) for webhook_id in self.webhooks if living}
            if len(living) == len(self.workers) and self.holders() == wanted:
                return
            self.pause()
        raise AssertionError(f"{self.holders()} is not what {living} should hold")

    def pause(self) -> None:
        self.workers[0].pause()

    def waiting(self) -> int:
        [(waiting,)] = databases.rows(self.url, "SELECT count(*) FROM deliveries WHERE state = 'waiting'")
        assert isinstance(waiting, int)
        return waiting

    def wait_until_told(self) -> None:
        for _ in range(PATIENCE_S * 50):
            if self.waiting() == 0:
                return
            self.pause()
        raise AssertionError(f"{self.waiting()} deliveries still wait")

    def hold(self, worker: Program) -> list[str]:
        """The endpoints that a worker holds."""
        return [webhook for webhook, holder in self.holders().items() if f"-{worker.process.pid}-" in holder]

    def check_order(self) -> None:
        """First arrivals, at each endpoint, of each group: every version, one after the other."""
        came: dict[tuple[str, str], list[int]] = {}
        seen: set[str] = set()
        for received in self.receiver.received:
            if received.headers["webhook-id"] not in seen:
                seen.add(received.headers["webhook-id"])
                data = msgspec.json.decode(received.body)["data"]
                came.setdefault((received.path, data["objectId"]), []).append(data["objectVersion"])
        assert len(came) == ENDPOINTS * GROUPS
        assert set(map(tuple, came.values())) == {tuple(range(2, self.changes + 2))}

    def check_no_repeats(self) -> None:
        ids = Counter(received.headers["webhook-id"] for received in self.receiver.received)
        assert set(ids.values()) == {1}
        assert len(ids) == ENDPOINTS * GROUPS * self.changes


@contextlib.contextmanager
def team(url: str, workers: int) -> Iterator[Team]:
    clock = servers.Clock(datetime.now(UTC))
    with (
        tempfile.TemporaryFile() as said,
        receivers.receiving() as receiver,
        servers.application(url, clock=clock, webhook_allow="127.0.0.0/8") as app,
    ):
        made = Team(url, clients.join(app), receiver)
        try:
            made.workers += [Program(said, "worker", "--database-url", url) for _ in range(workers)]
            yield made
        except AssertionError:
            said.seek(0)
            print(said.read().decode()[-5_000:])
            raise
        finally:
            for worker in made.workers:
                worker.clear_away()


@pytest.fixture
def url(cluster: postgres.Cluster) -> Iterator[str]:
    url = cluster.create_database()
    yield url
    cluster.drop_database(url)


def test_four_workers_that_come_and_go_make_every_delivery_once_and_in_order(url: str) -> None:
    with team(url, workers=4) as sharing:
        sharing.change_until_shared()
        assert len(set(sharing.holders().values())) > 1

        leaving = max(sharing.workers, key=lambda worker: len(sharing.hold(worker)))
        sharing.change()
        leaving.stop()
        assert sharing.hold(leaving) == []
        sharing.workers.remove(leaving)
        sharing.change_until_shared()
        sharing.wait_until_told()

        sharing.check_no_repeats()
        sharing.check_order()


def test_what_a_killed_worker_held_is_taken_over_and_nothing_is_lost(url: str) -> None:
    with team(url, workers=2) as sharing:
        sharing.change_until_shared()
        killed = max(sharing.workers, key=lambda worker: len(sharing.hold(worker)))
        for _ in range(3):
            sharing.change()

        killed.kill()
        sharing.workers.remove(killed)
        sharing.change_until_shared()
        sharing.wait_until_told()

        sharing.check_order()
