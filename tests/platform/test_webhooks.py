"""Endpoints: their types and rights, their end, and how long they and their log are kept."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from openintervals.db.transaction import Write
from openintervals.platform import deliveries, journal, replays, webhooks
from openintervals.platform.scopes import SCOPES
from openintervals.worker import loop, schedule
from tests import databases
from tests.clients import Api, found
from tests.servers import Application

ALL = frozenset(SCOPES)


@pytest.mark.parametrize(
    ("types", "scopes", "subscribed"),
    [
        (["*"], ["read:groups"], ["group.*"]),
        (["*"], ["read:events", "read:webhooks"], ["event.*", "run.*", "webhook.*"]),
        (["*", "group.*", "group.created"], ["read:groups"], ["group.*", "group.created"]),
        (["registration.confirmed"], ["read:participants"], ["registration.confirmed"]),
        (["*"], ["write:webhooks"], []),
    ],
)
def test_what_is_asked_for_is_cut_down_to_what_the_key_may_read(
    types: list[str], scopes: list[str], subscribed: list[str]
) -> None:
    assert webhooks.subscriptions(types, frozenset(scopes)) == subscribed


def test_each_type_beyond_the_scopes_is_named_with_the_scope_it_needs() -> None:
    problems = webhooks.type_problems(["event.*", "group.created", "*"], frozenset({"read:groups"}))

    assert problems == ["event.* needs the scope read:events, which this key does not have"]
    assert webhooks.type_problems(["*", "event.*", "webhook.disabled"], ALL) == []


def change(api: Api, webhook_id: str, work: Any) -> Any:
    """Do something to a locked endpoint."""

    async def locked(tx: Write) -> Any:
        return await work(tx, await webhooks.lock(tx, webhook_id))

    return api.app.write(locked, api.tenant)


def test_disabling_tells_the_others_once_and_drops_what_it_would_hear(api: Api) -> None:
    watcher, webhook = api.make_webhook("webhook.*", "webhook.updated"), api.make_webhook("webhook.*", "group.*")
    api.end_deliveries(watcher)

    for _ in range(2):
        change(api, webhook, partial(webhooks.disable, reason=webhooks.GONE))
    api.make_group()

    told = found(api.get(f"/webhooks/{watcher}/deliveries", status="waiting"))
    assert sorted(delivery["type"] for delivery in told) == ["webhook.disabled", "webhook.updated"]
    assert found(api.get(f"/webhooks/{webhook}/deliveries")) == []
    assert found(api.get(f"/webhooks/{webhook}"))["disabledReason"] == webhooks.GONE


def test_since_when_it_fails_is_shown_is_no_change_of_its_own_and_is_forgotten_with_a_new_url(api: Api) -> None:
    webhook, since = api.make_webhook(), "2026-02-28T08:00:00.000Z"

    api.app.write(lambda tx: webhooks.note_failing(tx, webhook, since), api.tenant)

    shown = found(api.get(f"/webhooks/{webhook}"))
    assert (shown["failingSince"], shown["version"]) == (since, 1)
    assert found(api.patch(f"/webhooks/{webhook}", {"description": "Same"}))["failingSince"] == since
    assert "failingSince" not in found(api.patch(f"/webhooks/{webhook}", {"url": "https://new.example/"}))


def test_a_disabled_endpoint_is_changed_without_hearing_again_until_it_is_made_active(api: Api) -> None:
    webhook = api.make_webhook("group.*")
    change(api, webhook, partial(webhooks.disable, reason=webhooks.FAILING))

    api.patch(f"/webhooks/{webhook}", {"url": "https://new.example/"})
    api.make_group()
    still = found(api.get(f"/webhooks/{webhook}"))
    api.patch(f"/webhooks/{webhook}", {"status": "active"})
    api.make_group()

    assert (still["status"], still["disabledReason"]) == ("disabled", webhooks.FAILING)
    assert len(found(api.get(f"/webhooks/{webhook}/deliveries"))) == 1


def test_what_the_journal_keeps_of_an_endpoint_is_how_it_then_was(api: Api) -> None:
    webhook = api.make_webhook("group.*")
    change(api, webhook, partial(webhooks.disable, reason=webhooks.GONE))

    made, disabled = api.app.read(lambda tx: journal.of_object(tx, webhook), api.tenant)

    assert (made.verb, disabled.verb) == ("webhook.created", "webhook.disabled")
    assert b'"status":"active"' in bytes(made.snapshot)
    assert b'"status":"disabled"' in bytes(disabled.snapshot)
    assert b"secret" not in bytes(made.snapshot) + bytes(disabled.snapshot)


def left(url: str, api: Api, table: str) -> int:
    mine = f"organization_id = '{api.tenant.organization_id}'"
    [(number,)] = databases.rows(url, f"SELECT count(*) FROM {table} WHERE {mine}")
    return int(number)


def clean_up(app: Application) -> None:
    """A round of the worker's."""
    names = ("deliveries.forget_old", "webhooks.forget_deleted", "tasks.forget_old")
    jobs = [job for job in schedule.JOBS if job.name in names]
    assert len(jobs) == len(names)
    for job in jobs:
        assert app.run(loop.attempt(job, app.database, app.clock()))


def test_a_log_is_kept_thirty_days_and_a_deleted_endpoint_as_long_as_its_log(
    api: Api, app: Application, module_url: str
) -> None:
    webhook, other = api.make_webhook("group.*"), api.make_webhook("event.*")
    api.make_group()
    api.make_event()
    api.delete(f"/webhooks/{webhook}")
    app.clock.advance(60)
    api.end_deliveries(webhook, "cancelled")

    app.clock.now += webhooks.DELETED_KEPT_FOR
    clean_up(app)
    kept = left(module_url, api, "deliveries"), left(module_url, api, "webhooks")
    app.clock.advance(1)
    clean_up(app)

    assert kept == (2, 2)
    assert (left(module_url, api, "deliveries"), left(module_url, api, "webhooks")) == (1, 1)
    assert api.get(f"/webhooks/{webhook}/deliveries").status_code == 404
    assert len(found(api.get(f"/webhooks/{other}/deliveries", status="waiting"))) == 1


def test_a_deleted_endpoint_stays_while_something_waits_for_it(api: Api, app: Application, module_url: str) -> None:
    webhook = api.make_webhook("group.*")
    api.make_group()
    api.delete(f"/webhooks/{webhook}")

    app.clock.now += 2 * webhooks.DELETED_KEPT_FOR
    clean_up(app)

    assert (left(module_url, api, "deliveries"), left(module_url, api, "webhooks")) == (1, 1)


def test_a_portion_of_the_log_is_bounded(api: Api, app: Application, module_url: str) -> None:
    webhook = api.make_webhook("group.*")
    for _ in range(5):
        api.make_group()
    api.end_deliveries(webhook, "succeeded")
    app.clock.now += deliveries.KEPT_FOR + timedelta(seconds=1)

    first = app.write(partial(deliveries.forget_old, most=3))
    between = left(module_url, api, "deliveries")
    second = app.write(partial(deliveries.forget_old, most=3))

    assert (first, between, second) == (3, 2, 2)
    assert left(module_url, api, "deliveries") == 0


def test_the_worker_steps_tasks_in_rounds_of_their_own(api: Api, app: Application) -> None:
    webhook = api.make_webhook("group.*")
    task = api.post(f"/webhooks/{webhook}/replay", {"since": "2026-03-01T08:00:00Z"}).json()["data"]["taskId"]

    done = [app.run(loop.attempt(job, app.database, app.clock())) for job in schedule.TASKS]

    assert all(done)
    assert found(api.get(f"/tasks/{task}"))["state"] == "done"
    assert schedule.TASKS_EVERY_S <= replays.AGAIN_AFTER_S
