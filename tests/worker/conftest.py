"""What tests of the background work share: a database of each test's own, since a sender sends whatever waits in it."""

from collections.abc import Iterator

import pytest

from tests import clients, servers
from tests.clients import GENEROUS, Api
from tests.servers import Application
from tests.worker import posts, receivers
from tests.worker.posts import Office
from tests.worker.receivers import Receiver


@pytest.fixture
def app(database_url: str) -> Iterator[Application]:
    with servers.application(database_url, rate_limits=GENEROUS) as running:
        yield running


@pytest.fixture
def api(app: Application) -> Api:
    return clients.join(app)


@pytest.fixture
def post(app: Application) -> Iterator[Office]:
    with posts.office(app) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receivers.receiving() as listening:
        yield listening
