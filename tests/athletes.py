"""An athlete of a test's own, as a client of the Intervals.icu API and in the domain's own verbs.

    ann = athletes.join(app)
    ann.get("/athlete/0")
    ann.write(lambda tx: sport_settings.change(tx, "Ride", given={"ftp_w": 250}, preferences={}))

Every test has an athlete of its own, so tests share one database without seeing each other.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import pytest

from openintervals.db.transaction import Read, Tenant, Write
from openintervals.training import coaching, newcomers
from tests import servers
from tests.servers import Application

T = TypeVar("T")


@dataclass
class Athlete:
    """Requests with an athlete's key, by HTTP Basic, and transactions of the athlete."""

    app: Application
    id: str
    key: str

    @property
    def tenant(self) -> Tenant:
        return Tenant(self.id, "live")

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.send("GET", path, params=query)

    def post(self, path: str, body: Any, **query: Any) -> httpx.Response:
        return self.send("POST", path, json=body, params=query)

    def put(self, path: str, body: Any = None, **query: Any) -> httpx.Response:
        return self.send("PUT", path, json={} if body is None else body, params=query)

    def delete(self, path: str, **query: Any) -> httpx.Response:
        return self.send("DELETE", path, params=query)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        if not options.get("params"):
            options.pop("params", None)  # an empty one would take away what the path brings
        return self.app.request(method, f"/api/v1{path}", **{"auth": ("API_KEY", self.key), **options})

    def write(self, work: Callable[[Write], Awaitable[T]]) -> T:
        return self.app.write(work, self.tenant)

    def read(self, work: Callable[[Read], Awaitable[T]]) -> T:
        return self.app.read(work, self.tenant)

    def coaches(self, athlete: "Athlete") -> None:
        athlete.write(lambda tx: coaching.begin(tx, self.id))


def join(app: Application, name: str = "Ann", **given: Any) -> Athlete:
    """A new athlete, as `openintervals athlete create` makes one."""
    made = app.write(lambda tx: newcomers.join(tx, name=name, **given))
    return Athlete(app, made.athlete.id, made.key)


def found(answer: httpx.Response) -> Any:
    """The body of a 200."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: httpx.Response, status: int) -> str:
    """What a refusal says; its body must have the one shape there is."""
    body = answer.json()
    assert (answer.status_code, body["status"]) == (status, status), answer.text
    assert set(body) == {"status", "error"}
    said: str = body["error"]
    assert said
    return said


@pytest.fixture
def ann(app: Application) -> Athlete:
    """A new athlete; the clock stands at its start."""
    app.clock.now = servers.START
    return join(app)


@pytest.fixture
def bob(app: Application, ann: Athlete) -> Athlete:
    """Another."""
    return join(app, "Bob")
