"""What every test shares: its databases, the options of `bin/test`, and a closed door to the network."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres

# How fast a busy machine makes examples, or runs one, says nothing about the rule they test. Nothing is kept between runs.
settings.register_profile(
    "openintervals", deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("openintervals")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-postgres", action="store_true", help="run on SQLite only")
    parser.addoption("--long", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes minutes; runs with --long"))


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[postgres.Cluster]:
    """A PostgreSQL server; under xdist each worker has its own."""
    if request.config.getoption("--without-postgres"):
        pytest.skip("PostgreSQL was left out with --without-postgres")
    try:
        postgres.find_programs()
    except postgres.NotInstalled as missing:
        pytest.fail(str(missing), pytrace=False)
    with postgres.cluster() as running:
        yield running


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Runs a test once on each database. For the session, so that the tests of one database run together."""
    kind: str = request.param
    if kind == "postgres" and request.config.getoption("--without-postgres"):
        pytest.skip("PostgreSQL was left out with --without-postgres")
    return kind


@pytest.fixture
def database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database of the test's own: on SQLite not made yet, on PostgreSQL empty."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path}/data/openintervals.db"
    else:
        cluster: postgres.Cluster = request.getfixturevalue("cluster")
        url = cluster.create_database()
        yield url
        cluster.drop_database(url)


@pytest.fixture(scope="session", autouse=True)
def _closed_network() -> Iterator[None]:
    """Fail whatever reaches beyond this machine: a test must not depend on somebody else's server."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded_connect(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))
        yield


def _guarded_connect(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_unless_local(address[0])
        return connect(self, address)

    return guarded


def _guarded_lookup(lookup: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: str | bytes | None, *arguments: Any, **options: Any) -> Any:
        _refuse_unless_local(host)
        return lookup(host, *arguments, **options)

    return guarded


def _refuse_unless_local(host: str | bytes | None) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if not name or name == "localhost" or name.endswith(".localhost"):
        return
    try:
        local = ipaddress.ip_address(name).is_loopback
    except ValueError:
        local = False
    if not local:
        raise RuntimeError(f"tests reach nothing beyond this machine, but something asked for {name}")
