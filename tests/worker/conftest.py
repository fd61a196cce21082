"""What tests of the background work share: a database of each test's own, since a sender sends whatever waits in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from openintervals.settings import Settings
from tests import clients, databases, postgres, servers
from tests.clients import GENEROUS, Api
from tests.servers import Application
from tests.worker import posts, receivers
from tests.worker.posts import Office
from tests.worker.receivers import Receiver


@pytest.fixture(scope="session")
def original(database_kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> str:
    """The URL of a database that is up to date and otherwise empty, to be copied: that is quicker than to migrate for each test."""
    if database_kind == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('original')}/openintervals.db"
    else:
        cluster: postgres.Cluster = request.getfixturevalue("cluster")
        url = cluster.create_database()
    databases.prepare(Settings(database_url=url))
    return url


@pytest.fixture
def own_url(original: str, database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a copy of the test's own."""
    if database_kind == "sqlite":
        yield f"sqlite:///{shutil.copy(original.removeprefix('sqlite:///'), tmp_path / 'openintervals.db')}"
    else:
        cluster: postgres.Cluster = request.getfixturevalue("cluster")
        url = cluster.create_database(template=original.rpartition("/")[2])
        yield url
        cluster.drop_database(url)


@pytest.fixture
def app(own_url: str) -> Iterator[Application]:
    with servers.application(own_url, rate_limits=GENEROUS) as running:
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
