"""What was deleted: a GET by its id says so for thirty days, with the version of the deletion; to everybody else it never was."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator, OAS31Validator

from openintervals.api.partner import documents, payloads
from tests import clients, servers
from tests.clients import Api, error, found
from tests.servers import Application
from tests.worker import posts, receivers
from tests.worker.receivers import Receiver

DAYS = timedelta(days=30)
NEVER = "01k9x0q5zr4t8m2c6h0w"
SINGLE = {
    "event": "/events/{}",
    "run": "/runs/{}",
    "registration": "/registration/{}",
    "recurrence": "/recurrences/{}",
    "webhook": "/webhooks/{}",
}
GETS = [*SINGLE.items(), ("run", "/runs/{}/waitlist")]


@dataclass
class World:
    """One of everything, all in one event, but for the webhook; `ids` are by object type."""

    api: Api
    ids: dict[str, str]

    def get(self, kind: str, path: str) -> httpx.Response:
        return self.api.get(path.format(self.ids[kind]))

    def delete_all(self) -> None:
        for path in (f"/events/{self.ids['event']}", f"/webhooks/{self.ids['webhook']}"):
            deleted = self.api.delete(path, cancelRegistrations="true")
            assert deleted.status_code == 204, deleted.text


def fill(api: Api) -> World:
    event = api.make_event()
    run = api.make_run(event)
    return World(
        api,
        {
            "event": event,
            "run": run,
            "registration": api.make_registration(run),
            "recurrence": api.make_recurrence(event),
            "webhook": api.make_webhook("group.*"),
        },
    )


@pytest.fixture
def world(api: Api) -> World:
    return fill(api)


def deletions(api: Api) -> dict[str, int]:
    """The version of each deletion, by object id, as the changes feed tells it."""
    types = ",".join(f"{kind}.deleted" for kind in SINGLE)
    return {item["objectId"]: item["objectVersion"] for item in found(api.get("/changes", types=types, limit=100))}


@pytest.mark.parametrize(("kind", "path"), GETS)
def test_a_deleted_object_is_gone_for_thirty_days_and_then_not_found(
    world: World, app: Application, kind: str, path: str
) -> None:
    there = world.get(kind, path)
    world.delete_all()
    version = deletions(world.api)[world.ids[kind]]

    gone = world.get(kind, path)
    app.clock.now += DAYS - timedelta(milliseconds=1)
    last = world.get(kind, path)
    app.clock.now += timedelta(milliseconds=1)
    after = world.get(kind, path)

    assert there.status_code == 200
    assert gone.status_code == last.status_code == 410
    assert error(gone) == {"code": "GONE", "message": f"{kind.capitalize()} was deleted", "objectVersion": version}
    assert last.json() == gone.json()
    assert after.status_code == 404
    assert "objectVersion" not in error(after)


def test_the_version_of_the_deletion_is_higher_than_any_before(world: World) -> None:
    event = world.ids["event"]
    changed = found(world.api.patch(f"/events/{event}", {"description": "Flat and fast."}))
    version = found(world.api.get("/changes", types="event.updated"))[-1]["objectVersion"]

    world.delete_all()

    assert changed["description"] == "Flat and fast."
    assert error(world.get("event", "/events/{}"))["objectVersion"] == version + 1


@pytest.mark.parametrize(("kind", "path"), GETS)
def test_another_organization_or_mode_is_not_told_that_it_was(
    world: World, app: Application, kind: str, path: str
) -> None:
    world.delete_all()

    answers = [other.get(path.format(world.ids[kind])) for other in (clients.join(app), world.api.in_mode("test"))]

    assert [(answer.status_code, error(answer)["code"]) for answer in answers] == [(404, "NOT_FOUND")] * 2


@pytest.mark.parametrize(("kind", "path"), GETS)
def test_who_may_not_read_it_is_not_told_that_it_was(world: World, kind: str, path: str) -> None:
    world.delete_all()

    answers = [
        other.get(path.format(world.ids[kind]))
        for other in (world.api.with_scopes("read:groups"), world.api.anonymous())
    ]

    assert [answer.status_code for answer in answers] == [403, 401]


@pytest.mark.parametrize(("kind", "path"), GETS)
def test_what_never_was_is_not_found(world: World, kind: str, path: str) -> None:
    world.delete_all()

    unknown = world.api.get(path.format(world.ids[kind][: -len(NEVER)] + NEVER))

    assert unknown.status_code == 404


def test_what_is_asked_for_as_something_else_is_not_found(world: World) -> None:
    world.delete_all()

    answers = [
        world.api.get(path.format(id_)).status_code
        for kind, path in GETS
        for other, id_ in world.ids.items()
        if other != kind
    ]

    assert answers == [404] * len(answers)


CHANGES: list[tuple[str, str, str, Any]] = [
    ("event", "PATCH", "/events/{}", {"description": "Back"}),
    ("event", "DELETE", "/events/{}", None),
    ("event", "POST", "/events/{}/runs", {"distanceStandard": "5K", "date": "2026-06-14"}),
    ("run", "PATCH", "/runs/{}", {"maxParticipants": 5}),
    ("run", "DELETE", "/runs/{}", None),
    ("registration", "PATCH", "/registration/{}", {"status": "confirmed"}),
    ("registration", "POST", "/registration/{}/check-in", {}),
    ("registration", "PUT", "/registration/{}/bib", {}),
    ("registration", "DELETE", "/registration/{}/bib", None),
    ("recurrence", "PATCH", "/recurrences/{}", {"label": "Back"}),
    ("recurrence", "POST", "/recurrences/{}/resume", {}),
    ("recurrence", "DELETE", "/recurrences/{}", None),
    ("webhook", "PATCH", "/webhooks/{}", {"status": "active"}),
    ("webhook", "POST", "/webhooks/{}/rotate", {}),
    ("webhook", "DELETE", "/webhooks/{}", None),
]


@pytest.mark.parametrize(("kind", "method", "path", "body"), CHANGES)
def test_who_would_change_it_does_not_find_it(world: World, kind: str, method: str, path: str, body: Any) -> None:
    world.delete_all()

    refused = world.api.send(method, path.format(world.ids[kind]), json=body)

    assert (refused.status_code, error(refused)["code"]) == (404, "NOT_FOUND")


def test_a_deleted_group_is_not_found_since_its_slug_is_free(world: World) -> None:
    group, named_alike = world.api.make_group(), world.ids["event"]
    world.api.make_group(slug=named_alike)
    for slug in (group, named_alike):
        world.api.delete(f"/groups/{slug}")
    world.delete_all()

    answers = [world.api.get(f"/groups/{slug}{rest}") for slug in (group, named_alike) for rest in ("", "/events")]

    assert [answer.status_code for answer in answers] == [404] * 4


def test_a_series_is_an_event_seen_otherwise_and_just_not_found(world: World) -> None:
    before = world.get("event", "/series/{}")
    world.delete_all()

    after = world.get("event", "/series/{}")

    assert (before.status_code, after.status_code) == (200, 404)


def test_the_log_of_a_deleted_webhook_is_still_there(world: World) -> None:
    world.delete_all()

    log = world.get("webhook", "/webhooks/{}/deliveries")

    assert found(log) == []


def test_a_list_that_is_asked_for_by_a_parameter_is_not_found(world: World) -> None:
    world.delete_all()

    refused = world.api.get("/registration", eventId=world.ids["event"])

    assert refused.status_code == 404


def test_who_asks_while_it_is_deleted_finds_it_there_or_gone(api: Api) -> None:
    for _ in range(5):
        event = api.make_event()
        asking: tuple[str, str, dict[str, Any]] = ("GET", f"/events/{event}", {})

        *before, deleted, after = api.together([*[asking] * 4, ("DELETE", f"/events/{event}", {}), asking])

        assert deleted.status_code == 204
        assert {answer.status_code for answer in (*before, after)} <= {200, 410}


@pytest.mark.parametrize(
    ("text", "validator"),
    [(documents.partner_json, OAS31Validator), (documents.partner_3_0_json, OAS30Validator)],
    ids=["3.1", "3.0"],
)
def test_the_documents_promise_it_where_it_happens_and_nowhere_else(world: World, text: Any, validator: Any) -> None:
    document = json.loads(text())
    world.delete_all()

    promised = {
        (method, path.replace("{" + path.partition("{")[2].partition("}")[0] + "}", "{}"))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "410" in operation.get("responses", ())
    }
    answer = document["components"]["responses"]["Gone"]["content"]["application/json"]
    said = world.get("event", "/events/{}").json()

    assert promised == {("get", path) for _, path in GETS}
    assert list(validator({**answer["schema"], "components": document["components"]}).iter_errors(said)) == []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receivers.receiving() as listening:
        yield listening


def test_wh_6_the_url_of_a_thin_delivery_leads_to_the_object_then_to_its_deletion_then_nowhere(
    database_url: str, receiver: Receiver
) -> None:
    with (
        servers.application(database_url, webhook_allow="127.0.0.0/8") as app,
        posts.office(app, payloads.dialect("")) as post,
    ):
        api = clients.join(app)
        api.make_webhook("*", url=receiver.url, format="thin")
        world = fill(api)
        post.settle()
        urls = {data["objectId"]: data["url"] for data in told(receiver)}

        there = {id_: follow(api, urls[id_]) for id_ in world.ids.values()}
        world.delete_all()
        post.settle()
        deleted = {data["objectId"]: data["objectVersion"] for data in told(receiver) if "url" not in data}
        gone = {id_: follow(api, urls[id_]) for id_ in world.ids.values()}
        app.clock.now += DAYS
        nowhere = {id_: follow(api, urls[id_]) for id_ in world.ids.values()}

    assert {answer.status_code for answer in there.values()} == {200}
    assert [id_ for id_, answer in there.items() if id_ not in answer.text] == []
    assert {answer.status_code for answer in gone.values()} == {410}
    assert {id_: error(answer)["objectVersion"] for id_, answer in gone.items()} == {
        id_: deleted[id_] for id_ in world.ids.values()
    }
    assert {answer.status_code for answer in nowhere.values()} == {404}
    assert [answer.text for answer in nowhere.values() if "objectVersion" in answer.text] == []


def told(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(request.body)["data"] for request in receiver.received]


def follow(api: Api, url: str) -> httpx.Response:
    return api.app.request("GET", url, headers={"authorization": f"Bearer {api.key}"})
