"""A partner's client for tests: one key of one organization, and short words for what a test needs to be there.

    event = api.make_event(type="runClub")
    run = api.make_run(event, maxParticipants=20)
    answer = api.post("/registration", {"eventRunId": run, "email": "a@example.com", "registrationType": "free"})

Every test has an organization of its own, so tests share one database without seeing each other.
"""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from openintervals.db.transaction import Tenant, Write
from openintervals.platform import api_keys, organizations, sendings
from openintervals.platform.scopes import SCOPES
from tests import postgres, servers
from tests.servers import Application

GENEROUS = "enterprise=1000000/minute:1000000,anonymous=1000000/minute:1000000"
_numbers = itertools.count(1)


@dataclass
class Api:
    """Requests with one key. `anonymous`, `with_scopes`, `in_mode` give the same client with other rights."""

    app: Application
    tenant: Tenant
    key: str
    key_id: str

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.send("GET", path, params=query)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.send("POST", path, json={} if body is None else body, headers=_headers(headers))

    def patch(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return self.send("PATCH", path, json=body, headers=_headers(headers))

    def put(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.send("PUT", path, json={} if body is None else body, headers=_headers(headers))

    def delete(self, path: str, **query: Any) -> httpx.Response:
        return self.send("DELETE", path, params=query)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.app.run(self.sending(method, path, **options))

    async def sending(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {
            **({"authorization": f"Bearer {self.key}"} if self.key else {}),
            **(options.pop("headers", None) or {}),
        }
        return await self.app.send(method, f"/partner{path}", headers=headers, **options)

    def together(self, requests: Sequence[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
        """All at once: method, path and options of each; answers in the same order."""

        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(*(self.sending(method, path, **options) for method, path, options in requests))

        return self.app.run(all_of_them())

    def anonymous(self) -> "Api":
        return Api(self.app, self.tenant, "", "")

    def with_scopes(self, *scopes: str) -> "Api":
        return _with_key(self.app, self.tenant, list(scopes))

    def in_mode(self, mode: str) -> "Api":
        return _with_key(self.app, Tenant(self.tenant.organization_id, mode), list(SCOPES))

    def make_event(self, **fields: Any) -> str:
        number = next(_numbers)
        body = {"name": f"Race {number}", "slug": f"race-{number}", "type": "race", "date": "2026-06-14", **fields}
        return made(self.post("/events", body), "eventId")

    def make_run(self, event_id: str, **fields: Any) -> str:
        body = {"distanceMeters": 5000, "distanceStandard": "5K", "distanceLabel": "5K", "date": "2026-06-14", **fields}
        return made(self.post(f"/events/{event_id}/runs", body), "eventRunId")

    def make_registration(self, run_id: str, **fields: Any) -> str:
        email = f"runner{next(_numbers)}@example.com"
        body = {"eventRunId": run_id, "email": email, "registrationType": "free", **fields}
        return made(self.post("/registration", body), "participantId")

    def make_group(self, **fields: Any) -> str:
        """Gives the slug, by which a group is found."""
        body = {"name": "Group", "slug": f"group-{next(_numbers)}", **fields}
        made(self.post("/groups", body), "groupId")
        slug: str = body["slug"]
        return slug

    def make_recurrence(self, event_id: str, **fields: Any) -> str:
        schedule = {"frequency": "weekly", "daysOfWeek": [2], "startTime": "18:30", "durationMinutes": 60}
        return made(self.post("/recurrences", {"eventId": event_id, "schedule": schedule, **fields}), "recurrenceId")

    def make_webhook(self, *types: str, **fields: Any) -> str:
        """An endpoint that hears of `types`, or of everything; nothing is ever sent to it here."""
        body = {"url": "https://club.example/webhooks", "types": types or ("*",), **fields}
        return made(self.post("/webhooks", body), "webhookId")

    def make_delivery(self, webhook_id: str) -> str:
        """A test delivery that waits."""
        return made(self.post(f"/webhooks/{webhook_id}/test"), "deliveryId")

    def end_deliveries(self, webhook_id: str, state: str = "failed", reason: str = "All tries failed") -> list[str]:
        """End what waits for an endpoint, as a sender would; gives the ids, oldest first."""

        async def work(tx: Write) -> list[str]:
            ended: list[str] = []
            while waiting := await sendings.waiting(tx, webhook_id, ()):
                await sendings.end(tx, webhook_id, waiting, state, reason)
                ended += waiting
            return ended

        return self.app.write(work, self.tenant)


def made(answer: httpx.Response, name: str) -> str:
    assert answer.status_code == 201, answer.text
    id_: str = answer.json()["data"][name]
    return id_


def found(answer: httpx.Response) -> Any:
    """The data of a 200."""
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def error(answer: httpx.Response) -> dict[str, Any]:
    """The error of a refusal, whose body must have the one shape there is."""
    body = answer.json()
    assert set(body) == {"error"}, body
    said: dict[str, Any] = body["error"]
    assert {"code", "message"} <= set(said) <= {"code", "message", "errors", "retryAfter", "objectVersion"}, body
    assert isinstance(said["code"], str)
    assert isinstance(said["message"], str)
    assert said["message"]
    for field, problems in said.get("errors", {}).items():
        assert isinstance(field, str)
        assert problems
        assert all(isinstance(problem, str) for problem in problems)
    return said


def join(
    app: Application,
    *,
    mode: str = "live",
    plan: str = "enterprise",
    scopes: Sequence[str] = (),
    name: str = "",
    slug: str = "",
) -> Api:
    """A new organization, and a key of it; with every scope, unless told."""
    number = next(_numbers)
    organization = app.write(
        lambda tx: organizations.create(
            tx,
            name=name or f"Club {number}",
            slug=slug or f"club-{number}",
            roles=["organizer"],
            plan=plan,
            timezone="Europe/Berlin",
            now=app.clock(),
        )
    )
    return _with_key(app, Tenant(organization.id, mode), list(scopes or SCOPES))


def _with_key(app: Application, tenant: Tenant, scopes: list[str]) -> Api:
    key = app.write(lambda tx: api_keys.create(tx, scopes=scopes), tenant)
    return Api(app, tenant, key.key, key.id)


def _headers(given: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}


@pytest.fixture(scope="module")
def module_url(
    database_kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The URL of one empty database for all tests of a module."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('data')}/openintervals.db"
    else:
        cluster: postgres.Cluster = request.getfixturevalue("cluster")
        url = cluster.create_database()
        yield url
        cluster.drop_database(url)


@pytest.fixture(scope="module")
def app(module_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The application, shared by the tests of a module; limits are on, but out of reach."""
    with servers.application(module_url, rate_limits=GENEROUS, data=str(tmp_path_factory.mktemp("data"))) as running:
        yield running


@pytest.fixture
def api(app: Application) -> Api:
    """A new organization's client with every scope, in live mode; the clock stands at its start."""
    app.clock.now = servers.START
    return join(app)
