"""Webhooks over HTTP: making endpoints, their one secret, their log, and whose authority they act on."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from openintervals.api.partner import change_types
from openintervals.db.transaction import Write
from openintervals.platform import api_keys, journal, sendings, webhooks
from openintervals.platform.scopes import SCOPES
from openintervals.platform.sendings import Outcome
from tests import clients, databases, servers
from tests.clients import Api, error, found
from tests.servers import Application

HERE = {"url": "https://club.example/webhooks", "types": ["event.*", "group.created"]}


def log(api: Api, webhook_id: str, **query: Any) -> list[dict[str, Any]]:
    deliveries: list[dict[str, Any]] = found(api.get(f"/webhooks/{webhook_id}/deliveries", **query))
    return deliveries


def types_told(api: Api, webhook_id: str) -> list[str]:
    """Oldest first."""
    return [delivery["type"] for delivery in reversed(log(api, webhook_id, limit=100))]


def test_a_webhook_is_made_read_changed_paused_and_deleted(api: Api, app: Application) -> None:
    created = api.post("/webhooks", {**HERE, "description": "Timing"})
    webhook = created.json()["data"]["webhookId"]
    assert created.status_code == 201
    assert created.headers["location"] == f"/partner/webhooks/{webhook}"
    assert set(created.json()["data"]) == {"webhookId", "secret"}
    shown = found(api.get(f"/webhooks/{webhook}"))
    assert shown == {
        "_id": webhook,
        "url": HERE["url"],
        "types": HERE["types"],
        "format": "full",
        "coalesce": False,
        "status": "active",
        "description": "Timing",
        "createdAt": "2026-03-01T09:00:00.000Z",
        "updatedAt": "2026-03-01T09:00:00.000Z",
        "version": 1,
    }

    app.clock.advance(60)
    changed = found(
        api.patch(
            f"/webhooks/{webhook}",
            {"format": "thin", "coalesce": True, "description": None, "status": "paused", "types": ["run.*"]},
        )
    )

    assert changed == {
        **{name: value for name, value in shown.items() if name != "description"},
        "types": ["run.*"],
        "format": "thin",
        "coalesce": True,
        "status": "paused",
        "updatedAt": "2026-03-01T09:01:00.000Z",
        "version": 2,
    }
    assert found(api.get("/webhooks")) == [changed]
    assert found(api.patch(f"/webhooks/{webhook}", {"status": "active"}))["status"] == "active"
    assert api.delete(f"/webhooks/{webhook}").status_code == 204
    assert api.get(f"/webhooks/{webhook}").status_code == 410
    assert api.patch(f"/webhooks/{webhook}", {"status": "active"}).status_code == 404
    assert found(api.get("/webhooks")) == []


def test_a_webhook_made_paused_keeps_what_happens_until_it_is_active(api: Api) -> None:
    webhook = api.make_webhook("group.*", status="paused")

    api.make_group()

    assert found(api.get(f"/webhooks/{webhook}"))["status"] == "paused"
    assert [each["status"] for each in log(api, webhook)] == ["waiting"]
    assert error(api.post(f"/webhooks/{webhook}/test"))["message"].endswith("make it active first")
    assert found(api.patch(f"/webhooks/{webhook}", {"status": "active"}))["version"] == 2
    assert found(api.get(f"/webhooks/{api.make_webhook(status='active')}"))["status"] == "active"
    for status in ("disabled", "deleted", None, 1):
        assert set(error(api.post("/webhooks", {**HERE, "status": status}))["errors"]) == {"status"}


def test_it_hears_of_what_it_asked_for_and_of_a_type_asked_for_twice_once(api: Api) -> None:
    webhook = api.make_webhook("event.*", "event.created", "event.*", "registration.confirmed")

    event = api.make_event()
    api.make_registration(api.make_run(event))
    api.make_group()

    assert types_told(api, webhook) == ["event.created", "registration.confirmed"]
    assert found(api.get(f"/webhooks/{webhook}"))["types"] == ["event.*", "event.created", "registration.confirmed"]


def test_what_happens_while_it_is_paused_waits_and_a_change_of_types_counts_from_then_on(api: Api) -> None:
    webhook = api.make_webhook("group.*")
    api.patch(f"/webhooks/{webhook}", {"status": "paused"})

    api.make_group()
    api.patch(f"/webhooks/{webhook}", {"types": ["event.*"]})
    api.make_group()
    api.make_event()

    assert types_told(api, webhook) == ["group.created", "event.created"]
    assert {delivery["status"] for delivery in log(api, webhook)} == {"waiting"}


def test_a_secret_is_shown_once_and_is_nowhere_else(api: Api, module_url: str) -> None:
    watcher = api.make_webhook("*")
    created = api.post("/webhooks", HERE).json()["data"]
    webhook = created["webhookId"]
    rotated = found(api.post(f"/webhooks/{webhook}/rotate"))
    secrets = {created["secret"], rotated["secret"]}

    answers = [
        api.patch(f"/webhooks/{webhook}", {"description": "Another"}),
        api.get("/webhooks"),
        api.get(f"/webhooks/{webhook}"),
        api.get(f"/webhooks/{watcher}/deliveries"),
        api.get("/changes"),
        *(api.get(f"/deliveries/{delivery['_id']}") for delivery in log(api, watcher)),
        api.get(f"/deliveries/{api.make_delivery(webhook)}"),
        api.delete(f"/webhooks/{webhook}"),
        api.get(f"/webhooks/{webhook}/deliveries"),
    ]

    assert len(secrets) == 2
    assert all(secret.startswith("whsec_") for secret in secrets)
    assert all(answer.status_code in (200, 204) for answer in answers)
    assert not [answer.url for answer in answers if any(secret in answer.text for secret in secrets)]
    tables = ("journal", "deliveries", "tasks", "idempotency_keys", "api_keys")
    stored = repr([databases.rows(module_url, f"SELECT * FROM {table}") for table in tables])
    assert webhook in stored
    assert not any(secret in stored for secret in secrets)


def test_rotating_gives_a_new_secret_and_says_until_when_the_old_one_signs(api: Api, module_url: str) -> None:
    created = api.post("/webhooks", HERE).json()["data"]

    rotated = found(api.post(f"/webhooks/{created['webhookId']}/rotate"))

    assert rotated["oldSecretUntil"] == "2026-03-02T09:00:00.000Z"
    assert rotated["secret"] != created["secret"]
    mine = f"id = '{created['webhookId']}'"
    stored = databases.rows(module_url, f"SELECT secret, old_secret, old_secret_until FROM webhooks WHERE {mine}")
    assert stored == [(rotated["secret"], created["secret"], rotated["oldSecretUntil"])]
    assert found(api.get(f"/webhooks/{created['webhookId']}"))["version"] == 2


PRIVATE = "Must not lead to a private, local or reserved address; use a host on the public Internet"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://10.0.0.1/x", PRIVATE),
        ("https://127.0.0.1/x", PRIVATE),
        ("https://[::ffff:127.0.0.1]/x", PRIVATE),
        ("https://169.254.169.254/latest", PRIVATE),
        ("http://club.example/x", "Must begin with https://"),
        ("https://club.example:8443/x", "Must use port 443"),
        ("https://me:secret@club.example/x", "Must not contain a user name or password"),
        ("https://club.example/x#part", "Must not contain a fragment"),
        ("ftp://club.example/x", "Must begin with https://"),
        ("club.example", "Must begin with https://"),
    ],
)
def test_a_url_nothing_can_be_sent_to_is_refused_in_words(api: Api, url: str, said: str) -> None:
    webhook = api.make_webhook()

    for refused in (api.post("/webhooks", {**HERE, "url": url}), api.patch(f"/webhooks/{webhook}", {"url": url})):
        assert refused.status_code == 422
        [problem] = error(refused)["errors"]["url"]
        assert problem.startswith(said)
    assert found(api.get(f"/webhooks/{webhook}"))["version"] == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, {"url", "types"}),
        ({**HERE, "types": []}, {"types"}),
        ({**HERE, "types": ["event.created"] * 51}, {"types"}),
        ({**HERE, "types": ["event.exploded"]}, {"types"}),
        ({**HERE, "types": [change_types.TEST]}, {"types"}),
        ({"url": "https://a.example/#b", "types": ["nothing.*"], "format": "fat", "coalesce": 3}, None),
    ],
)
def test_everything_wrong_with_a_webhook_is_told_at_once(api: Api, body: dict[str, Any], said: set[str] | None) -> None:
    refused = api.post("/webhooks", body)

    assert refused.status_code == 422
    assert set(error(refused)["errors"]) == (said or {"url", "types", "format", "coalesce"})
    assert found(api.get("/webhooks")) == []


def test_what_is_wrong_is_told_before_the_webhook_is_looked_for(api: Api) -> None:
    assert api.patch("/webhooks/nothing", {"url": "https://10.0.0.1/"}).status_code == 422
    assert api.post("/webhooks/nothing/replay", {"since": "2026-03-01T10:00:00Z"}).status_code == 422


def test_a_disabled_webhook_cannot_be_made_so_by_its_owner(api: Api) -> None:
    refused = api.patch(f"/webhooks/{api.make_webhook()}", {"status": "disabled"})

    assert refused.status_code == 422
    assert "status" in error(refused)["errors"]


def test_types_beyond_the_keys_scopes_are_refused_and_name_the_scope(api: Api) -> None:
    narrow = api.with_scopes("write:webhooks", "read:webhooks", "read:groups")

    refused = narrow.post("/webhooks", {"url": "http://club.example/x", "types": ["registration.*", "group.*"]})

    told = error(refused)["errors"]
    assert told["types"] == ["registration.* needs the scope read:participants, which this key does not have"]
    assert told["url"] == ["Must begin with https://"]
    assert narrow.post("/webhooks", {**HERE, "types": ["group.*"]}).status_code == 201
    blind = api.with_scopes("write:webhooks").post("/webhooks", {**HERE, "types": ["*"]})
    assert error(blind)["errors"]["types"] == ["This key may read nothing that an endpoint could hear of"]


def test_everything_is_what_the_key_may_read(api: Api) -> None:
    narrow = api.with_scopes("write:webhooks", "read:webhooks", "read:groups")
    webhook = narrow.make_webhook("*")

    api.make_event()
    api.make_group()

    assert types_told(narrow, webhook) == ["group.created"]


def test_a_key_that_may_read_less_cannot_keep_what_it_may_not_read(api: Api) -> None:
    webhook = api.make_webhook("event.*")

    refused = api.with_scopes("write:webhooks", "read:groups").patch(f"/webhooks/{webhook}", {"description": "Mine"})

    assert refused.status_code == 422
    assert "read:events" in error(refused)["errors"]["types"][0]


def test_live_and_test_data_never_meet(api: Api) -> None:
    live, testing = api, api.in_mode("test")
    webhooks_ = live.make_webhook(), testing.make_webhook()

    live.make_event()
    testing.make_group()

    assert types_told(live, webhooks_[0]) == ["event.created"]
    assert types_told(testing, webhooks_[1]) == ["group.created"]
    assert [webhook["_id"] for webhook in found(testing.get("/webhooks"))] == [webhooks_[1]]
    assert live.get(f"/webhooks/{webhooks_[1]}/deliveries").status_code == 404
    [delivery] = log(testing, webhooks_[1])
    assert live.get(f"/deliveries/{delivery['_id']}").status_code == 404
    assert '"mode":"test"' in found(testing.get(f"/deliveries/{testing.make_delivery(webhooks_[1])}"))["payload"]


def revoke(api: Api, key_id: str) -> None:
    async def work(tx: Write) -> None:
        key, _ = await api_keys.find(tx, key_id)
        await api_keys.revoke(tx, key)

    api.app.write(work, api.tenant)


def test_a_key_that_is_revoked_ends_its_webhooks_and_another_key_takes_them_on(api: Api) -> None:
    owner, keeper = api.with_scopes(*SCOPES), api.make_webhook("webhook.disabled")
    webhook = owner.make_webhook("group.*")

    revoke(api, owner.key_id)
    api.make_group()

    shown = found(api.get(f"/webhooks/{webhook}"))
    assert (shown["status"], shown["disabledReason"]) == ("disabled", webhooks.KEY_ENDED)
    assert shown["disabledAt"] == "2026-03-01T09:00:00.000Z"
    assert types_told(api, webhook) == []
    assert types_told(api, keeper) == ["webhook.disabled"]
    assert error(api.post(f"/webhooks/{webhook}/test"))["message"].startswith("This webhook is not active")
    again = found(api.patch(f"/webhooks/{webhook}", {"status": "active"}))
    assert again["status"] == "active"
    assert not {"disabledReason", "disabledAt"} & set(again)
    api.make_group()
    assert types_told(api, webhook) == ["group.created"]


def test_a_key_that_is_rotated_hands_its_webhooks_over(api: Api, app: Application) -> None:
    owner = api.with_scopes(*SCOPES)
    webhook = owner.make_webhook("group.*")

    async def rotate(tx: Write) -> str:
        key, _ = await api_keys.find(tx, owner.key_id)
        return (await api_keys.rotate(tx, key, overlap_s=0)).id

    successor = app.write(rotate, api.tenant)
    revoke(api, owner.key_id)
    api.make_group()

    assert found(api.get(f"/webhooks/{webhook}"))["status"] == "active"
    assert types_told(api, webhook) == ["group.created"]
    revoke(api, successor)
    assert found(api.get(f"/webhooks/{webhook}"))["status"] == "disabled"


def test_there_are_fifty_at_most_also_when_many_are_made_at_once(api: Api) -> None:
    for _ in range(48):
        api.make_webhook()

    answers = api.together([("POST", "/webhooks", {"json": HERE})] * 8)

    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 6
    refused = api.post("/webhooks", HERE)
    assert error(refused)["message"].startswith("There are 50 webhooks already")
    api.delete(f"/webhooks/{found(api.get('/webhooks'))[0]['_id']}")
    assert api.post("/webhooks", HERE).status_code == 201
    assert clients.join(api.app).post("/webhooks", HERE).status_code == 201


def test_the_log_is_walked_in_pages_and_narrowed_by_status(api: Api) -> None:
    webhook = api.make_webhook("group.*")
    for _ in range(3):
        api.make_group()
    failed = api.end_deliveries(webhook, "failed")
    for _ in range(4):
        api.make_group()

    everything = [delivery["_id"] for delivery in log(api, webhook)]
    walked: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = api.get(f"/webhooks/{webhook}/deliveries", limit=2, **after).json()
        walked += [delivery["_id"] for delivery in page["data"]]
        if not page["hasMore"]:
            break
        after = {"after": walked[-1]}

    assert walked == everything == sorted(everything, reverse=True)
    assert len(walked) == 7
    assert [delivery["_id"] for delivery in log(api, webhook, status="failed")] == failed[::-1]
    waiting = log(api, webhook, status="waiting", limit=3)
    assert [delivery["_id"] for delivery in waiting] == everything[:3]
    rest = log(api, webhook, status="waiting", after=waiting[-1]["_id"])
    assert [delivery["_id"] for delivery in rest] == everything[3:4]
    back = log(api, webhook, status="waiting", before=rest[0]["_id"], limit=2)
    assert [delivery["_id"] for delivery in back] == everything[1:3]
    assert log(api, webhook, status="succeeded") == []
    for wrong in ({"status": "lost"}, {"after": "d1"}, {"after": everything[0], "before": everything[1]}):
        assert api.get(f"/webhooks/{webhook}/deliveries", **wrong).status_code == 422


def test_a_delivery_tells_of_every_try_and_what_was_sent(api: Api, app: Application) -> None:
    webhook = api.make_webhook("group.*")
    api.make_group()
    [waiting] = log(api, webhook)
    assert waiting["nextAttemptAt"] == "2026-03-01T09:00:00.000Z"
    assert waiting["attempts"] == []
    assert not {"endedAt", "reason", "payload"} & set(waiting)
    first = {
        "at": "2026-03-01T09:00:00.000Z",
        "duration_ms": 15_000,
        "status": None,
        "problem": "timeout",
        "head": "",
        "next_at": "2026-03-01T09:01:00.000Z",
        "by": "schedule",
    }
    second = {**first, "at": first["next_at"], "status": 500, "problem": None, "head": "Oh no", "by": "request"}
    outcome = Outcome(
        id=waiting["_id"],
        object_id=waiting["objectId"],
        state="failed",
        reason="All tries failed",
        tries=10,
        attempts=sendings.attempts_with(msgspec.Raw(msgspec.json.encode([first])), {**second, "next_at": None}),
        payload='{"type":"group.created"}',
        due_at="2026-03-01T09:02:00.000Z",
    )

    app.write(lambda tx: sendings.record(tx, webhook, [outcome]), api.tenant)

    shown = found(api.get(f"/deliveries/{waiting['_id']}"))
    assert shown["status"] == "failed"
    assert shown["reason"] == "All tries failed"
    assert shown["endedAt"] == "2026-03-01T09:00:00.000Z"
    assert "nextAttemptAt" not in shown
    assert shown["payload"] == '{"type":"group.created"}'
    assert shown["attempts"] == [
        {
            "at": first["at"],
            "durationMs": 15_000,
            "problem": "timeout",
            "nextAttemptAt": first["next_at"],
            "trigger": "schedule",
        },
        {"at": first["next_at"], "durationMs": 15_000, "status": 500, "head": "Oh no", "trigger": "request"},
    ]
    assert log(api, webhook) == [{name: value for name, value in shown.items() if name != "payload"}]
    blind = found(api.with_scopes("read:webhooks").get(f"/deliveries/{waiting['_id']}"))
    assert blind == {name: value for name, value in shown.items() if name != "payload"}


def test_a_test_delivery_is_there_with_its_bytes_whatever_the_types(api: Api) -> None:
    webhook = api.make_webhook("group.*", format="thin")

    created = api.post(f"/webhooks/{webhook}/test")

    delivery = created.json()["data"]["deliveryId"]
    assert created.status_code == 201
    assert created.headers["location"] == f"/partner/deliveries/{delivery}"
    shown = found(api.get(f"/deliveries/{delivery}"))
    assert (shown["type"], shown["status"], shown["webhookId"]) == (change_types.TEST, "waiting", webhook)
    assert webhook in shown["payload"]
    assert shown["payload"].startswith('{"type":"webhook.test","timestamp":"2026-03-01T09:00:00.000Z"')
    api.patch(f"/webhooks/{webhook}", {"status": "paused"})
    assert api.post(f"/webhooks/{webhook}/test").status_code == 409


def test_a_delivery_that_has_ended_is_sent_again_under_its_id(api: Api, app: Application) -> None:
    webhook = api.make_webhook("group.*")
    api.make_group()
    [delivery] = api.end_deliveries(webhook, "succeeded")
    app.clock.advance(3600)

    resent = api.post(f"/deliveries/{delivery}/resend")

    assert resent.status_code == 202
    assert resent.json()["data"] == {"deliveryId": delivery}
    shown = found(api.get(f"/deliveries/{delivery}"))
    assert (shown["status"], shown["nextAttemptAt"]) == ("waiting", "2026-03-01T10:00:00.000Z")
    assert not {"endedAt", "reason"} & set(shown)
    assert len(log(api, webhook)) == 1
    assert error(api.post(f"/deliveries/{delivery}/resend"))["message"].startswith("This delivery still waits")


def test_two_who_send_one_delivery_again_at_once_send_it_once(api: Api) -> None:
    webhook = api.make_webhook("group.*")
    api.make_group()
    [delivery] = api.end_deliveries(webhook)

    answers = api.together([("POST", f"/deliveries/{delivery}/resend", {})] * 4)

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]


def test_nothing_is_sent_again_to_a_webhook_that_is_not_active(api: Api) -> None:
    webhook = api.make_webhook("group.*")
    api.make_group()
    [delivery] = api.end_deliveries(webhook)
    since = {"since": "2026-03-01T08:00:00Z"}
    paths = (f"/deliveries/{delivery}/resend", f"/webhooks/{webhook}/recover", f"/webhooks/{webhook}/replay")

    api.patch(f"/webhooks/{webhook}", {"status": "paused"})
    paused = [api.post(path, since) for path in paths]
    api.delete(f"/webhooks/{webhook}")

    assert {answer.status_code for answer in paused} == {409}
    assert api.post(paths[0]).status_code == 409
    assert error(api.post(paths[0]))["message"] == "The webhook was deleted, so nothing is sent to it any more"
    assert api.post(paths[1], since).status_code == 404
    assert [each["_id"] for each in log(api, webhook)] == [delivery]
    assert api.post("/deliveries/nothing/resend").status_code == 404


def test_of_a_deleted_object_only_the_deletion_is_sent_again(api: Api) -> None:
    webhook = api.make_webhook("group.*")
    slug = api.make_group()
    api.patch(f"/groups/{slug}", {"name": "Renamed"})
    api.delete(f"/groups/{slug}")
    made, changed, deleted = api.end_deliveries(webhook)

    answers = [api.post(f"/deliveries/{delivery}/resend") for delivery in (made, changed, deleted)]

    assert [answer.status_code for answer in answers] == [409, 409, 202]
    assert error(answers[0])["message"].startswith("The object was deleted since")


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ("2026-03-01T09:00:01Z", "Must not be in the future"),
        ("2026-01-30T08:59:59Z", "Must not be more than 30 days ago"),
        ("0001-01-01T00:00:00Z", "Must not be more than 30 days ago"),
        ("9999-12-31T23:59:59Z", "Must not be in the future"),
        ("2026-03-01T09:00:00", None),
        ("yesterday", None),
        (3, None),
    ],
)
def test_since_is_an_instant_of_the_last_thirty_days(api: Api, since: Any, said: str | None) -> None:
    webhook = api.make_webhook()

    for what in ("recover", "replay"):
        refused = api.post(f"/webhooks/{webhook}/{what}", {"since": since})

        assert refused.status_code == 422
        [problem] = error(refused)["errors"]["since"]
        assert said is None or problem == said
    assert api.post(f"/webhooks/{webhook}/replay", {"since": "2026-01-30T10:00:00+01:00"}).status_code == 202


def test_there_is_one_task_of_a_kind_at_a_time_also_when_two_ask_at_once(api: Api) -> None:
    webhook = api.make_webhook()
    body = {"json": {"since": "2026-03-01T08:00:00Z"}}

    answers = api.together([("POST", f"/webhooks/{webhook}/replay", body)] * 4)

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    other = api.post(f"/webhooks/{webhook}/recover", body["json"])
    assert other.status_code == 202
    assert other.headers["location"] == f"/partner/tasks/{other.json()['data']['taskId']}"
    assert found(api.get(f"/tasks/{other.json()['data']['taskId']}")) == {
        "_id": other.json()["data"]["taskId"],
        "kind": "recover",
        "webhookId": webhook,
        "state": "running",
        "doneCount": 0,
        "createdAt": "2026-03-01T09:00:00.000Z",
    }


def test_every_change_of_a_webhook_is_in_the_journal(api: Api, app: Application) -> None:
    webhook = api.make_webhook()
    api.patch(f"/webhooks/{webhook}", {"status": "paused"})
    api.patch(f"/webhooks/{webhook}", {"status": "paused"})
    api.post(f"/webhooks/{webhook}/rotate")
    api.delete(f"/webhooks/{webhook}")

    entries = app.read(lambda tx: journal.of_object(tx, webhook), api.tenant)

    assert [(entry.verb, entry.object_version) for entry in entries] == [
        ("webhook.created", 1),
        ("webhook.updated", 2),
        ("webhook.updated", 3),
        ("webhook.deleted", 4),
    ]
    assert bytes(entries[2].changed) == b'["secret"]'
    assert {entry.actor for entry in entries} == {api.key_id}


@pytest.fixture
def workshop(database_url: str) -> Iterator[Api]:
    """A server whose operator lets webhooks reach this machine."""
    with servers.application(database_url, webhook_allow="127.0.0.0/8") as app:
        yield clients.join(app)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/x", "https://127.0.0.1/x", "http://receiver.localhost:80/x"])
def test_where_the_operator_allows_it_plain_http_and_any_port_are_taken(workshop: Api, url: str) -> None:
    assert workshop.post("/webhooks", {**HERE, "url": url}).status_code == 201
    assert workshop.post("/webhooks", {**HERE, "url": "http://10.0.0.1:9000/x"}).status_code == 422
