"""What holds for every route of the partner API, whichever there are: a new one joins by being declared.

Each is asked for with its path filled in from a small world: one of everything an organization can have. A route with a new kind of path
parameter, or with a body that must not be empty, needs a line in `World` or `BODIES`, and its test says so by failing.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from openintervals.api.http import Operation
from openintervals.api.partner import dialect
from openintervals.platform.scopes import SCOPES
from tests import clients, databases
from tests.clients import Api, error
from tests.servers import START, Application

OPERATIONS = sorted(dialect.partner.operations, key=lambda operation: (operation.path, operation.method))
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class World:
    """An organization with one of everything; names are those of path parameters, and of what bodies refer to."""

    api: Api
    event_id: str
    run_id: str
    registration_id: str
    other_registration_id: str
    recurrence_id: str
    slug: str
    webhook_id: str
    delivery_id: str
    task_id: str
    series_id: str = field(default="")

    @classmethod
    def of(cls, api: Api) -> "World":
        event = api.make_event(date="2026-03-03")
        run = api.make_run(event, maxParticipants=5)
        first, second = api.make_registration(run), api.make_registration(run)
        for number, registration in enumerate((first, second)):
            api.put(f"/registration/{registration}/bib", {"bibIdentifier": f"A{number}"})
        recurrence, group = api.make_recurrence(event), api.make_group()
        api.put(f"/groups/{group}/events/{event}")
        webhook, delivery, task = cls._told(api)
        return cls(api, event, run, first, second, recurrence, group, webhook, delivery, task, event)

    @staticmethod
    def _told(api: Api) -> tuple[str, str, str]:
        """A webhook that can be recovered and replayed, a delivery to it that can be sent again, and a task for another webhook."""
        webhook, other = api.make_webhook("run.sold_out"), api.make_webhook("run.sold_out")
        delivery = api.make_delivery(webhook)
        api.end_deliveries(webhook)
        task = api.post(f"/webhooks/{other}/replay", {"since": JUST_NOW}).json()["data"]["taskId"]
        return webhook, delivery, task

    def request(self, operation: Operation) -> tuple[str, str, dict[str, Any]]:
        """Method, path and options that make the operation succeed in this world."""
        path = operation.path.format(**{name: getattr(self, name) for name in operation.path_parameters})
        options: dict[str, Any] = {}
        if operation.name in QUERIES:
            options["params"] = QUERIES[operation.name](self)
        if operation.body is not None:
            options["json"] = BODIES.get(operation.name, nothing)(self)
        return operation.method, path, options

    def mentions(self, operation: Operation) -> list[str]:
        """Which objects of the world a request names, in its path, its query or its body."""
        request = repr(self.request(operation))
        names = [name for name in REFERENCES if getattr(self, name) in request]
        return [name for name in names if name != "series_id"] if "event_id" in names else names


REFERENCES = (
    "event_id",
    "run_id",
    "registration_id",
    "other_registration_id",
    "recurrence_id",
    "slug",
    "webhook_id",
    "delivery_id",
    "task_id",
    "series_id",
)
JUST_NOW = "2026-03-01T08:00:00Z"
TUESDAYS = {"frequency": "weekly", "daysOfWeek": [2], "startTime": "18:30"}
QUERIES: dict[str, Callable[[World], dict[str, str]]] = {
    "list_registrations": lambda world: {"eventId": world.event_id},
    "delete_event": lambda world: {"cancelRegistrations": "true"},
    "delete_run": lambda world: {"cancelRegistrations": "true"},
}


def nothing(world: World) -> dict[str, Any]:
    return {}


BODIES: dict[str, Callable[[World], dict[str, Any]]] = {
    "create_event": lambda world: {"name": "New", "slug": "new", "type": "race", "date": "2026-06-14"},
    "create_run": lambda world: {
        "distanceMeters": 5000,
        "distanceStandard": "5K",
        "distanceLabel": "5K",
        "date": "2026-03-03",
    },
    "register_participant": lambda world: {
        "eventRunId": world.run_id,
        "email": "new@example.com",
        "registrationType": "free",
    },
    "transfer_registration": lambda world: {"eventRunId": world.run_id, "email": "new@example.com"},
    "swap_bib": lambda world: {"registrationId": world.other_registration_id},
    "assign_bibs": lambda world: {"eventRunId": world.run_id},
    "create_recurrence": lambda world: {"eventId": world.event_id, "schedule": TUESDAYS},
    "skip_recurrence_date": lambda world: {"date": "2026-03-10"},
    "create_group": lambda world: {"name": "New", "slug": "new"},
    "create_webhook": lambda world: {"url": "https://club.example/new", "types": ["*"]},
    "recover_webhook": lambda world: {"since": JUST_NOW},
    "replay_webhook": lambda world: {"since": JUST_NOW},
}


def named(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def every(which: Callable[[Operation], bool] = lambda operation: True) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", [one for one in OPERATIONS if which(one)], ids=named)


def reads(operation: Operation) -> bool:
    return not operation.writes


def takes_a_body(operation: Operation) -> bool:
    return operation.body is not None


def names_something(operation: Operation) -> bool:
    return operation.path_parameters != ()


@pytest.fixture(scope="module")
def worlds(app: Application) -> tuple[World, World, World]:
    """Worlds that no test changes: one organization's live and test data, and another organization's."""
    app.clock.now = START
    mine = clients.join(app)
    return World.of(mine), World.of(mine.in_mode("test")), World.of(clients.join(app))


@pytest.fixture
def unchanged(module_url: str) -> Iterator[None]:
    """Fails a test that leaves the database other than it found it."""
    before = databases.fingerprint(module_url)
    yield
    assert databases.fingerprint(module_url) == before, "something was changed"


def ask(api: Api, request: tuple[str, str, dict[str, Any]], **headers: str) -> httpx.Response:
    method, path, options = request
    return api.send(method, path, headers=headers, **options)


@every()
def test_it_answers_as_it_says_once_for_one_idempotency_key(api: Api, operation: Operation, module_url: str) -> None:
    world = World.of(api)
    request = world.request(operation)

    first = ask(api, request, **{"Idempotency-Key": "the-same"})
    between = databases.fingerprint(module_url)
    second = ask(api, request, **{"Idempotency-Key": "the-same"})

    assert first.status_code == operation.status, first.text
    assert second.status_code == first.status_code
    assert ("idempotent-replayed" in second.headers) is operation.writes
    if operation.writes:
        assert second.content == first.content
        assert second.headers.get("location") == first.headers.get("location")
        assert databases.fingerprint(module_url) == between
    for answer in (first, second):
        assert answer.headers["x-request-id"]
        assert answer.headers["ratelimit"].startswith('"default";r=')
        assert answer.headers["ratelimit-policy"] == '"default";q=1000000;w=60'
        assert answer.headers.get("content-type") == (
            None if operation.status == 204 else "application/json; charset=utf-8"
        )


@every()
@pytest.mark.usefixtures("unchanged")
def test_without_a_key_it_is_401(worlds: tuple[World, ...], operation: Operation) -> None:
    world = worlds[0]

    refused = ask(world.api.anonymous(), world.request(operation))

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Bearer realm="partner"'
    assert refused.headers["x-request-id"]
    assert error(refused)["code"] == "UNAUTHORIZED"


@every()
@pytest.mark.usefixtures("unchanged")
def test_with_every_scope_but_its_own_it_is_403_naming_the_scope(
    worlds: tuple[World, ...], other_scopes: dict[str | None, Api], operation: Operation
) -> None:
    refused = ask(other_scopes[operation.scope], worlds[0].request(operation))

    if operation.scope is None:
        assert refused.status_code == 200
    else:
        assert refused.status_code == 403
        assert error(refused)["code"] == "FORBIDDEN"
        assert operation.scope in error(refused)["message"]
    assert refused.headers["ratelimit"]
    assert refused.headers["x-request-id"]


@pytest.fixture(scope="module")
def other_scopes(worlds: tuple[World, ...]) -> dict[str | None, Api]:
    """For each scope a key that has all the others; for none a key with a single one."""
    api = worlds[0].api
    return {
        **{scope: api.with_scopes(*(other for other in SCOPES if other != scope)) for scope in SCOPES},
        None: api.with_scopes("read:groups"),
    }


def foreign_requests() -> list[Any]:
    """Every operation with each single object it names, that one being somebody else's."""
    sample = World(*([None] + ["<" + name + ">" for name in REFERENCES]))  # type: ignore[arg-type]
    return [
        pytest.param(operation, name, id=f"{named(operation)}: {name}")
        for operation in OPERATIONS
        for name in sample.mentions(operation)
    ]


@pytest.mark.parametrize(("operation", "name"), foreign_requests())
@pytest.mark.usefixtures("unchanged")
def test_what_belongs_to_another_organization_or_mode_is_not_found(
    worlds: tuple[World, ...], operation: Operation, name: str
) -> None:
    mine, *others = worlds

    for other in others:
        refused = ask(mine.api, replace(mine, **{name: getattr(other, name)}).request(operation))

        assert refused.status_code == 404, f"{operation.path} with another's {name}: {refused.text}"
        assert error(refused)["code"] == "NOT_FOUND"


@every(reads)
@pytest.mark.usefixtures("unchanged")
def test_a_list_or_answer_shows_nothing_of_anybody_else(worlds: tuple[World, ...], operation: Operation) -> None:
    mine, *others = worlds

    shown = ask(mine.api, mine.request(operation)).text

    for other in others:
        assert [name for name in REFERENCES if getattr(other, name) in shown] == []


STRANGE = ("x", "%00", "%0A", "..%2F..", "%F0%9F%8F%83", "x" * 3000, "' OR 1=1 --", "%ff")


@every(names_something)
@pytest.mark.usefixtures("unchanged")
def test_a_strange_name_in_the_path_is_404(worlds: tuple[World, ...], operation: Operation) -> None:
    world = worlds[0]
    for name, strange in itertools.product(operation.path_parameters, STRANGE):
        method, _, options = world.request(operation)
        names = {other: getattr(world, other) for other in operation.path_parameters} | {name: strange}

        refused = ask(world.api, (method, operation.path.format_map(names), options))

        assert refused.status_code in (404, 405), refused.text  # 405 where a slash inside makes it another path
        assert error(refused)


NO_BODIES = (
    (b"{", 422),
    (b"[]", 422),
    (b'"text"', 422),
    (b"\xff\xfe", 422),
    (b"[" * 200_000, 422),
    (b'{"a":' * 200_000, 422),
    (b" " * (1024 * 1024 + 1), 413),
)


@every(takes_a_body)
@pytest.mark.usefixtures("unchanged")
def test_a_body_that_is_none_is_refused(worlds: tuple[World, ...], operation: Operation) -> None:
    world = worlds[0]
    method, path, options = world.request(operation)
    del options["json"]
    for body, status in NO_BODIES:
        refused = world.api.send(method, path, content=body, **options)

        assert refused.status_code == status, body[:20]
        assert error(refused)["code"] == ("VALIDATION_ERROR" if status == 422 else "PAYLOAD_TOO_LARGE")


@every(takes_a_body)
@pytest.mark.usefixtures("unchanged")
def test_fields_of_the_wrong_kind_are_all_named(worlds: tuple[World, ...], operation: Operation) -> None:
    world = worlds[0]
    method, path, options = world.request(operation)
    names = [name for name in _wire_names(operation) if name != "address"]

    refused = world.api.send(method, path, **{**options, "json": {name: ["wrong"] for name in names}})

    if names:
        assert refused.status_code == 422, refused.text
        assert {name.partition(".")[0] for name in error(refused)["errors"]} == set(names)


def _wire_names(operation: Operation) -> tuple[str, ...]:
    assert operation.body is not None
    names: tuple[str, ...] = operation.body.__struct_encode_fields__
    lists = {"runTemplates", "paceGroups"}  # a list is right there; what is wrong is inside
    return tuple(name for name in names if name not in lists)


@every(takes_a_body)
def test_the_body_is_json_though_its_type_says_text(api: Api, operation: Operation) -> None:
    method, path, options = World.of(api).request(operation)
    raw = httpx.Request(method, "http://x", json=options.pop("json")).content
    headers = {"content-type": "text/plain;charset=UTF-8"}

    answer = api.send(method, path, content=raw, headers=headers, **options)

    assert answer.status_code == operation.status, answer.text


@pytest.mark.parametrize("content_type", [{}, {"content-type": "application/x-www-form-urlencoded"}])
def test_the_body_is_json_without_a_type_or_with_any(api: Api, content_type: dict[str, str]) -> None:
    answer = api.send("POST", "/groups", content=b'{"name": "New", "slug": "new"}', headers=content_type)

    assert answer.status_code == 201


PATHS: dict[str, set[str]] = defaultdict(set)
for _operation in OPERATIONS:
    PATHS[re.sub(r"\{\w+\}", "{}", _operation.path)].add(_operation.method)


@pytest.mark.parametrize("path", sorted(PATHS))
@pytest.mark.usefixtures("unchanged")
def test_other_methods_are_405_and_told_which_are_taken(worlds: tuple[World, ...], path: str) -> None:
    api, taken = worlds[0].api, PATHS[path]

    for method in (*METHODS, "TRACE", "PROPFIND"):
        if method in taken:
            continue
        refused = api.send(method, path.replace("{}", "x"))

        assert refused.status_code == 405, f"{method} {path}"
        assert set(refused.headers["allow"].split(", ")) - {"OPTIONS"} == taken
        assert error(refused)["code"] == "METHOD_NOT_ALLOWED"
        assert refused.headers["ratelimit"]
        assert refused.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/", "/nothing", "/events/x/y/z", "/registration/x/nothing", "/events/", "//events"])
def test_an_unknown_path_is_404_in_the_same_shape(api: Api, path: str) -> None:
    refused = api.send("GET", path)

    assert refused.status_code in (404, 200)
    if refused.status_code == 404:
        assert error(refused)["code"] == "NOT_FOUND"
    assert refused.headers["ratelimit"]


def test_an_unknown_path_without_a_key_is_401(api: Api) -> None:
    assert api.anonymous().get("/nothing").status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "api.localhost:8000"])
@pytest.mark.parametrize(
    ("old", "present"),
    [
        ("/v1/partner/events", "/events"),
        ("/v1/partner/events/e1/participants", "/registration?eventId=e1"),
        ("/v1/partner/organization", "/organization"),
    ],
)
def test_a_path_of_the_first_generation_names_the_present_one(api: Api, host: str, old: str, present: str) -> None:
    for method in ("GET", "POST"):
        refused = api.app.request(method, old, host=host)

        assert refused.status_code == 404
        assert error(refused)["message"].endswith(f"the present path is {present}")


@pytest.mark.parametrize("path", ["/v1/partnerx", "/v1/partnerships/events", "/v1/"])
def test_a_path_that_only_begins_like_those_of_the_first_generation_is_told_nothing_of_them(
    api: Api, path: str
) -> None:
    refused = api.app.request("GET", path)

    assert refused.status_code == 404
    assert error(refused)["message"].startswith(f"No such path: {path}")
    assert "present path" not in error(refused)["message"]


def test_a_request_id_is_kept_when_it_is_harmless_and_made_when_not(api: Api) -> None:
    given = api.send("GET", "/events", headers={"X-Request-Id": "trace-1.a_B"})
    strange = api.send("GET", "/events", headers={"X-Request-Id": "a b\tc"})

    assert given.headers["x-request-id"] == "trace-1.a_B"
    assert re.fullmatch(r"[0-9a-f]+", strange.headers["x-request-id"])


def test_a_version_header_is_taken_and_changes_nothing(api: Api) -> None:
    answers = [api.send("GET", "/events", headers={"Intervals-Version": version}) for version in ("2026-03-01", "?")]

    assert [answer.status_code for answer in answers] == [200, 200]
