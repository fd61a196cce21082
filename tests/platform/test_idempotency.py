"""A request sent twice takes effect once, and is answered the same both times."""

import asyncio
from typing import Any

import pytest

from openintervals import app as composition
from openintervals.api import exchange
from openintervals.db import named_by
from openintervals.platform import api_keys, idempotency
from tests import clients, databases
from tests.clients import Api, error
from tests.servers import Application

SOLSTICE = {"name": "Summer Solstice 10K", "slug": "summer-solstice-10k", "type": "race", "date": "2026-06-21"}


def events_of(api: Api) -> int:
    return len(api.get("/events", limit=100).json()["data"])


def test_the_second_answer_is_the_first_byte_for_byte(api: Api) -> None:
    first = api.post("/events", SOLSTICE, idempotency_key="one")

    second = api.post("/events", SOLSTICE, idempotency_key="one")

    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["location"] == first.headers["location"]
    assert first.status_code == 201
    assert events_of(api) == 1


def test_an_answer_given_again_says_so_and_has_fresh_headers(api: Api) -> None:
    first = api.post("/events", SOLSTICE, idempotency_key="one")

    second = api.post("/events", SOLSTICE, idempotency_key="one")

    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert second.headers["ratelimit"]
    assert second.headers["content-type"] == first.headers["content-type"]


@pytest.mark.parametrize("number", [50])
def test_fifty_at_once_have_one_effect_and_one_answer(api: Api, number: int, module_url: str) -> None:
    request: tuple[str, str, dict[str, Any]] = (
        "POST",
        "/events",
        {"json": SOLSTICE, "headers": {"Idempotency-Key": "together"}},
    )

    answers = api.together([request] * number)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert events_of(api) == 1
    mine = f"organization_id = '{api.tenant.organization_id}' AND object_type = 'event'"
    assert databases.rows(module_url, f"SELECT count(*) FROM journal WHERE {mine}") == [(1,)]


def test_a_path_with_a_final_slash_is_the_same_request(api: Api) -> None:
    first = api.post("/events", SOLSTICE, Idempotency_Key="slash")

    second = api.post("/events/", SOLSTICE, Idempotency_Key="slash")

    assert second.status_code == 201, second.text
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"


def test_fifty_at_once_to_two_processes_have_one_effect(api: Api, app: Application, database_kind: str) -> None:
    if database_kind == "sqlite":
        pytest.skip("SQLite is served by one process")

    async def at_both() -> list[tuple[int, bytes]]:
        opened = named_by(app.runtime.settings)
        await opened.open()
        try:
            other_asgi, runtime = composition.build(app.runtime.settings, opened, app.clock)
            other = Application(other_asgi, runtime, opened, app.clock, app.runner)
            neighbours = [api, Api(other, api.tenant, api.key, api.key_id)]
            answers = await asyncio.gather(
                *(
                    neighbours[number % 2].sending("POST", "/events", json=SOLSTICE, headers={"Idempotency-Key": "x"})
                    for number in range(50)
                )
            )
            return [(answer.status_code, answer.content) for answer in answers]
        finally:
            await opened.close()

    answers = app.run(at_both())

    assert len(set(answers)) == 1
    assert answers[0][0] == 201
    assert events_of(api) == 1


def test_different_keys_are_different_requests(api: Api) -> None:
    first = api.post("/events", SOLSTICE, idempotency_key="one")

    second = api.post("/events", {**SOLSTICE, "slug": "another"}, idempotency_key="two")

    assert (first.status_code, second.status_code) == (201, 201)
    assert events_of(api) == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/events", {**SOLSTICE, "name": "Another name"}),
        ("/events", {**SOLSTICE, "description": "more"}),
        ("/groups", {"name": "Group", "slug": "group"}),
        ("/events?x=1", SOLSTICE),
    ],
)
def test_one_key_for_another_request_is_a_conflict(api: Api, path: str, body: dict[str, Any]) -> None:
    api.post("/events", SOLSTICE, idempotency_key="one")

    refused = api.post(path, body, idempotency_key="one")

    assert refused.status_code == 409
    assert error(refused) == {
        "code": "CONFLICT",
        "message": "Idempotency key already used with different request body",
    }
    assert "retry-after" not in refused.headers


def test_the_order_of_fields_and_blanks_do_not_make_another_request(api: Api) -> None:
    first = api.send("POST", "/events", json=SOLSTICE, headers={"Idempotency-Key": "one"})
    spaced = '{ "date":"2026-06-21","type" : "race",\n"slug":"summer-solstice-10k", "name":"Summer Solstice\\u002010K"}'

    second = api.send("POST", "/events", content=spaced, headers={"Idempotency-Key": "one"})

    assert second.content == first.content


def test_the_same_request_at_the_api_host_and_under_its_prefix_is_one(api: Api) -> None:
    headers = {"authorization": f"Bearer {api.key}", "idempotency-key": "one"}
    first = api.app.request("POST", "/events", json=SOLSTICE, headers=headers, host="api.localhost:8000")

    second = api.app.request("POST", "/partner/events", json=SOLSTICE, headers=headers)

    assert first.status_code == 201
    assert second.content == first.content


def test_a_quoted_key_is_the_bare_one(api: Api) -> None:
    first = api.post("/events", SOLSTICE, idempotency_key="one")

    second = api.post("/events", SOLSTICE, idempotency_key='"one"')

    assert second.content == first.content


@pytest.mark.parametrize("key", ["", '""', " ", "two words", "x" * 256, "tab\tinside", '"' + "x" * 256 + '"'])
def test_a_key_of_a_bad_form_is_refused_and_nothing_made(api: Api, key: str) -> None:
    refused = api.post("/events", SOLSTICE, idempotency_key=key)

    assert refused.status_code == 422
    assert error(refused)["errors"] == {"Idempotency-Key": ["Must be 1 to 255 visible ASCII characters"]}
    assert events_of(api) == 0


def test_a_key_of_255_characters_is_taken(api: Api) -> None:
    key = "~" * 255

    answers = [api.post("/events", SOLSTICE, idempotency_key=key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]


def test_a_read_ignores_the_key(api: Api) -> None:
    answer = api.send("GET", "/events", headers={"Idempotency-Key": ""})

    assert answer.status_code == 200


def test_a_refusal_is_not_stored_so_the_key_works_once_the_cause_is_gone(api: Api) -> None:
    group = {"name": "Group", "slug": "taken"}
    api.post("/groups", group)
    invalid = api.post("/groups", {"name": "Group"}, idempotency_key="one")
    conflict = api.post("/groups", group, idempotency_key="one")
    api.delete("/groups/taken")

    mended = api.post("/groups", group, idempotency_key="one")

    assert (invalid.status_code, conflict.status_code, mended.status_code) == (422, 409, 201)
    assert "idempotent-replayed" not in mended.headers


def test_another_key_of_the_organization_gets_the_stored_answer(api: Api) -> None:
    first = api.post("/events", SOLSTICE, idempotency_key="one")

    second = api.with_scopes("write:events").post("/events", SOLSTICE, idempotency_key="one")

    assert second.content == first.content


def test_a_key_without_the_scope_does_not_see_the_stored_answer(api: Api) -> None:
    api.post("/events", SOLSTICE, idempotency_key="one")

    refused = api.with_scopes("read:events").post("/events", SOLSTICE, idempotency_key="one")

    assert refused.status_code == 403


def test_a_revoked_key_does_not_see_the_stored_answer(api: Api, app: Application) -> None:
    api.post("/events", SOLSTICE, idempotency_key="one")
    key, _ = app.read(lambda tx: api_keys.find(tx, api.key_id))
    app.write(lambda tx: api_keys.revoke(tx, key), api.tenant)
    app.clock.advance(1)

    refused = api.post("/events", SOLSTICE, idempotency_key="one")

    assert refused.status_code == 401


def test_organizations_and_modes_have_name_spaces_of_their_own(api: Api, app: Application) -> None:
    first = api.post("/events", SOLSTICE, idempotency_key="one")

    others = [
        other.post("/events", {**SOLSTICE, "name": "Mine"}, idempotency_key="one")
        for other in (clients.join(app), api.in_mode("test"))
    ]

    assert [answer.status_code for answer in others] == [201, 201]
    assert len({first.content, *(answer.content for answer in others)}) == 3


def test_a_key_is_forgotten_after_a_day(api: Api, app: Application) -> None:
    api.post("/events", SOLSTICE, idempotency_key="one")

    app.clock.advance(24 * 3600 - 1)
    within = api.post("/events", SOLSTICE, idempotency_key="one")
    app.clock.advance(2)
    after = api.post("/events", {**SOLSTICE, "slug": "another"}, idempotency_key="one")

    assert within.headers["idempotent-replayed"] == "true"
    assert after.status_code == 201
    assert events_of(api) == 2


def test_old_keys_leave_the_database(api: Api, app: Application, module_url: str) -> None:
    api.post("/events", SOLSTICE, idempotency_key="old")
    app.clock.advance(24 * 3600)
    api.post("/events", {**SOLSTICE, "slug": "another"}, idempotency_key="young")
    app.clock.advance(1)

    app.write(idempotency.forget_old)

    kept = databases.rows(
        module_url, f"SELECT key FROM idempotency_keys WHERE organization_id = '{api.tenant.organization_id}'"
    )
    assert kept == [("young",)]


def test_a_twin_that_waits_too_long_is_told_when_to_come_back(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "TWIN_WAIT_S", 0.05)

    async def while_the_first_still_runs() -> Any:
        async with api.app.runtime.twins.turn(api.tenant, "one"):
            return await api.sending("POST", "/events", json=SOLSTICE, headers={"Idempotency-Key": "one"})

    refused = api.app.run(while_the_first_still_runs())

    assert refused.status_code == 409
    assert refused.headers["retry-after"] == "1"
    assert "still running" in error(refused)["message"]
    assert api.post("/events", SOLSTICE, idempotency_key="one").status_code == 201


def test_patch_put_and_delete_take_a_key_too(api: Api) -> None:
    group, event = api.make_group(), api.make_event()
    requests = [
        ("PATCH", f"/groups/{group}", {"json": {"name": "Once"}}),
        ("PUT", f"/groups/{group}/events/{event}", {}),
        ("DELETE", f"/groups/{group}/events/{event}", {}),
        ("DELETE", f"/groups/{group}", {}),
    ]

    for number, (method, path, options) in enumerate(requests):
        pair = [api.send(method, path, headers={"Idempotency-Key": f"k{number}"}, **options) for _ in range(2)]

        assert pair[0].status_code in (200, 204)
        assert pair[1].status_code == pair[0].status_code
        assert pair[1].content == pair[0].content
        assert pair[1].headers["idempotent-replayed"] == "true"


def test_an_answer_without_content_has_none_the_second_time(api: Api) -> None:
    group = api.make_group()

    answers = [api.send("DELETE", f"/groups/{group}", headers={"Idempotency-Key": "gone"}) for _ in range(2)]

    for answer in answers:
        assert answer.status_code == 204
        assert "content-type" not in answer.headers
        assert "content-length" not in answer.headers
