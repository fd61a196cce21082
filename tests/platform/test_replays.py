"""Recovering and replaying: everything that is to be heard again is armed, once, in order, and never too much at a time."""

import asyncio
from datetime import timedelta
from typing import Any

import apsw
import msgspec
import psycopg
import pytest
import sqlalchemy as sa

from openintervals import instants
from openintervals.club import groups
from openintervals.db.statement import statement
from openintervals.db.transaction import Read, Write
from openintervals.platform import ids, replays, tasks
from openintervals.platform.outbox import deliveries
from openintervals.platform.replays import AHEAD_MOST, LOOKED_MOST, heard
from tests.clients import Api, found
from tests.servers import START, Application

SINCE = {"since": "2026-03-01T08:00:00Z"}


def log(api: Api, webhook_id: str, **query: Any) -> list[dict[str, Any]]:
    """Oldest first."""
    told: list[dict[str, Any]] = found(api.get(f"/webhooks/{webhook_id}/deliveries", limit=100, **query))
    return told[::-1]


def ask(api: Api, what: str, webhook_id: str, since: str = SINCE["since"]) -> str:
    answer = api.post(f"/webhooks/{webhook_id}/{what}", {"since": since})
    assert answer.status_code == 202, answer.text
    task: str = answer.json()["data"]["taskId"]
    return task


def step(app: Application) -> None:
    """What a worker does once a second."""
    app.clock.advance(1)
    app.run(replays.step_due(app.database, app.asking()))


def waiting(api: Api, webhook_id: str) -> int:
    async def count(tx: Read) -> int:
        number: int = await tx.value(_waiting(), webhook_id=webhook_id)
        return number

    return api.app.read(count, api.tenant)


@statement
def _waiting() -> sa.Select[Any]:
    return sa.select(sa.func.count()).where(
        deliveries.c.webhook_id == sa.bindparam("webhook_id"), deliveries.c.state == "waiting"
    )


@statement
def _all_of(names: tuple[str, ...]) -> sa.Select[Any]:
    return (
        sa.select(*(deliveries.c[name] for name in names))
        .where(deliveries.c.webhook_id == sa.bindparam("webhook_id"))
        .order_by(deliveries.c.due_at, deliveries.c.object_id, deliveries.c.object_version)
    )


def stored(api: Api, webhook_id: str, *names: str) -> list[tuple[Any, ...]]:
    async def look(tx: Read) -> list[tuple[Any, ...]]:
        return list(await tx.rows(_all_of(names), webhook_id=webhook_id))

    return api.app.read(look, api.tenant)


def make_groups(api: Api, number: int) -> list[groups.Group]:
    async def work(tx: Write) -> list[groups.Group]:
        slugs = [ids.new(ids.GROUP, tx.now) for _ in range(number)]
        return [await groups.create(tx, {"name": "Group", "slug": slug}) for slug in slugs]

    return api.app.write(work, api.tenant)


def remove_groups(api: Api, made: list[groups.Group]) -> None:
    async def work(tx: Write) -> None:
        for group in made:
            await groups.remove(tx, group)

    api.app.write(work, api.tenant)


def until_done(api: Api, webhook_id: str, task: str, *, steps_most: int = 100) -> list[int]:
    """Step a task to its end, with a sender that empties the endpoint's queue in between; gives how many waited after each step."""
    lengths = []
    for _ in range(steps_most):
        step(api.app)
        lengths.append(waiting(api, webhook_id))
        if found(api.get(f"/tasks/{task}"))["state"] != "running":
            return lengths
        api.end_deliveries(webhook_id, "succeeded")
    raise AssertionError("the task did not end")


def test_recovering_arms_what_failed_or_was_cancelled_since_then_and_nothing_else(api: Api, app: Application) -> None:
    webhook = api.make_webhook("group.*")
    by_state = {}
    for state in ("failed", "succeeded", "cancelled", "superseded"):
        api.make_group()
        by_state[state] = api.end_deliveries(webhook, state)
        app.clock.advance(60)
    api.make_group()

    task = ask(api, "recover", webhook, instants.text(START - timedelta(seconds=1)))
    step(app)

    assert [delivery["_id"] for delivery in log(api, webhook, status="waiting")][:2] == [
        *by_state["failed"],
        *by_state["cancelled"],
    ]
    assert {delivery["_id"] for delivery in log(api, webhook, status="succeeded")} == set(by_state["succeeded"])
    assert {delivery["_id"] for delivery in log(api, webhook, status="superseded")} == set(by_state["superseded"])
    shown = found(api.get(f"/tasks/{task}"))
    assert (shown["state"], shown["doneCount"], shown["endedAt"]) == ("done", 2, instants.text(app.clock.now))
    again = {row[0]: row[1:] for row in stored(api, webhook, "id", "again", "tries", "reason", "ended_at")}
    assert again[by_state["failed"][0]] == (True, 0, None, None)


def test_recovering_leaves_alone_what_was_made_before(api: Api, app: Application) -> None:
    webhook = api.make_webhook("group.*")
    api.make_group()
    app.clock.advance(3600)
    api.make_group()
    old, new = api.end_deliveries(webhook)

    step(app)
    ask(api, "recover", webhook, instants.text(START + timedelta(hours=1)))
    step(app)

    assert [delivery["_id"] for delivery in log(api, webhook, status="waiting")] == [new]
    assert [delivery["_id"] for delivery in log(api, webhook, status="failed")] == [old]


def effort(app: Application, url: str, **parameters: Any) -> int:
    """What a database does to read a portion of the journal: SQLite's instructions, PostgreSQL's rows."""
    entries = replays._entries()
    if app.database.kind == "sqlite":
        connection = apsw.Connection(url.removeprefix("sqlite:///"), flags=apsw.SQLITE_OPEN_READONLY)
        steps = 0

        def count() -> bool:
            nonlocal steps
            steps += 1
            return False

        connection.set_progress_handler(count, 1)
        connection.execute(entries.sqlite.sql, {**entries.sqlite.fixed, **parameters}).fetchall()
        connection.close()
        return steps
    with psycopg.connect(url) as connection_:
        connection_.execute("ANALYZE")  # as the server does by itself before a table is large
        sql = f"EXPLAIN (ANALYZE, FORMAT JSON) {entries.postgres.sql}"
        told = connection_.execute(sql.encode(), {**entries.postgres.fixed, **parameters}).fetchone()
    assert told
    return _rows(told[0][0]["Plan"])


def _rows(node: dict[str, Any]) -> int:
    return int(node["Actual Rows"] * node["Actual Loops"]) + sum(map(_rows, node.get("Plans", [])))


def test_an_object_that_changed_very_often_costs_no_more_for_each_of_its_changes(
    api: Api, app: Application, module_url: str
) -> None:
    async def change(tx: Write, number: int) -> None:
        group = await groups.lock(tx, slug)
        for each in range(number):
            group = await groups.change(tx, group, {"name": f"Name {group.version} {each}"})

    slug = api.make_group()
    tenant = {"organization_id": api.tenant.organization_id, "mode": api.tenant.mode}
    efforts = []
    for _ in range(2):
        api.app.write(lambda tx: change(tx, 300), api.tenant)
        efforts.append(effort(app, module_url, **tenant, after=0, until=1_000_000))

    assert efforts[1] < 2.5 * efforts[0]


@pytest.mark.parametrize("what", ["recover", "replay"])
def test_of_an_object_that_is_gone_only_the_deletion_is_armed(api: Api, app: Application, what: str) -> None:
    webhook = api.make_webhook("group.*")
    slug = api.make_group()
    api.patch(f"/groups/{slug}", {"name": "Renamed"})
    api.delete(f"/groups/{slug}")
    kept = api.make_group()
    api.patch(f"/groups/{kept}", {"name": "Renamed"})
    api.end_deliveries(webhook)

    ask(api, what, webhook)
    step(app)

    armed = [(delivery["type"], delivery["objectVersion"]) for delivery in log(api, webhook, status="waiting")]
    assert armed == [("group.deleted", 3), ("group.created", 1), ("group.updated", 2)]


def test_replaying_sends_what_an_endpoint_never_heard_of_and_what_it_did_once_more(api: Api, app: Application) -> None:
    before = api.make_group()
    app.clock.advance(60)
    webhook = api.make_webhook("group.*", "registration.confirmed", "run.updated")
    event = api.make_event()
    api.make_registration(api.make_run(event, maxParticipants=1))
    ended = api.end_deliveries(webhook, "succeeded")

    task = ask(api, "replay", webhook)
    step(app)

    assert [delivery["type"] for delivery in log(api, webhook)][-1] == "group.created"
    waits = {delivery["_id"] for delivery in log(api, webhook, status="waiting")}
    assert set(ended) < waits
    assert len(waits) == len(ended) + 1 == found(api.get(f"/tasks/{task}"))["doneCount"]
    missed = [delivery for delivery in log(api, webhook) if delivery["_id"] not in ended]
    assert missed[0]["objectId"] == found(api.get(f"/groups/{before}"))["_id"]
    assert missed[0]["createdAt"] == instants.text(app.clock.now)


def test_a_replay_begins_at_its_moment_and_adds_nothing_to_what_is_fresh(api: Api, app: Application) -> None:
    webhook = api.make_webhook("event.*")
    for _ in range(5):
        api.make_group()
        app.clock.advance(60)
    api.patch(f"/webhooks/{webhook}", {"types": ["group.*"]})

    task = ask(api, "replay", webhook, instants.text(START + timedelta(minutes=2)))
    app.clock.advance(5)
    api.make_group()
    step(app)

    fresh, missed = instants.text(START + timedelta(minutes=5, seconds=5)), instants.text(app.clock.now)
    assert sorted(stored(api, webhook, "again", "created_at")) == [(False, fresh), *[(True, missed)] * 3]
    assert found(api.get(f"/tasks/{task}"))["doneCount"] == 3


def test_a_replay_tells_nothing_the_endpoint_may_not_hear(api: Api, app: Application) -> None:
    api.make_event()
    api.make_group()
    api.in_mode("test").make_group()
    narrow = api.with_scopes("write:webhooks", "read:webhooks", "read:groups")
    webhook = narrow.make_webhook("*")

    ask(narrow, "replay", webhook)
    step(app)

    assert [delivery["type"] for delivery in log(api, webhook)] == ["group.created", "webhook.created"]


def test_a_thousand_changes_are_replayed_in_portions_each_once_and_fresh_ones_do_not_wait_behind_them(
    api: Api, app: Application
) -> None:
    make_groups(api, 1000)
    webhook = api.make_webhook("group.*")
    task = ask(api, "replay", webhook)

    step(app)
    first = waiting(api, webhook)
    step(app)
    second = waiting(api, webhook)
    api.make_group()
    lengths = until_done(api, webhook, task)

    assert first == second == AHEAD_MOST
    assert max(lengths) <= AHEAD_MOST + 1
    shown = found(api.get(f"/tasks/{task}"))
    assert (shown["state"], shown["doneCount"]) == ("done", 1000)
    told = stored(api, webhook, "object_id", "again")
    assert len(told) == len(set(told)) == 1001
    assert sum(not again for _, again in told) == 1


def test_nothing_that_fails_again_is_armed_twice_by_one_task(api: Api, app: Application) -> None:
    webhook = api.make_webhook("group.*")
    make_groups(api, 450)
    api.end_deliveries(webhook)
    app.clock.advance(10)
    recover, replay = ask(api, "recover", webhook), ask(api, "replay", webhook)

    for _ in range(10):
        step(app)
        app.clock.advance(1)
        api.end_deliveries(webhook)

    done = [found(api.get(f"/tasks/{task}")) for task in (recover, replay)]
    assert [task["state"] for task in done] == ["done", "done"]
    assert sum(task["doneCount"] for task in done) == 450
    assert waiting(api, webhook) == 0


def test_two_workers_at_once_do_each_step_once(api: Api, app: Application) -> None:
    make_groups(api, 300)
    hooks = [api.make_webhook("group.*") for _ in range(3)]
    made = [ask(api, "replay", webhook) for webhook in hooks]
    app.clock.advance(1)

    async def at_once() -> None:
        await asyncio.gather(*(replays.step_due(app.database, app.asking()) for _ in range(4)))

    app.run(at_once())

    assert [waiting(api, webhook) for webhook in hooks] == [AHEAD_MOST] * 3
    assert [found(api.get(f"/tasks/{task}"))["doneCount"] for task in made] == [AHEAD_MOST] * 3


def test_a_step_whose_task_went_on_without_it_does_nothing(api: Api, app: Application) -> None:
    make_groups(api, 300)
    webhook = api.make_webhook("group.*")
    task_id = ask(api, "replay", webhook)
    app.clock.advance(1)
    [(tenant, slow)] = [
        claimed for claimed in app.write(lambda tx: tasks.claim(tx, 100, replays.KINDS)) if claimed[1].id == task_id
    ]
    app.clock.advance(120)
    step(app)
    api.end_deliveries(webhook, "succeeded")

    app.write(lambda tx: replays.step(tx, slow), tenant)

    assert waiting(api, webhook) == 0
    assert found(api.get(f"/tasks/{task_id}"))["doneCount"] == AHEAD_MOST


def test_an_earlier_version_whose_id_sorts_later_is_armed_no_later(api: Api, app: Application) -> None:
    webhook = api.make_webhook("group.*")
    make_groups(api, AHEAD_MOST)
    slug = api.make_group()
    app.clock.advance(-30)  # who waited long for the object's lock came early
    api.patch(f"/groups/{slug}", {"name": "Renamed"})
    app.clock.advance(30)
    ended = api.end_deliveries(webhook)
    group = found(api.get(f"/groups/{slug}"))["_id"]
    told = {row[0]: row[1:] for row in stored(api, webhook, "id", "object_id", "object_version")}
    assert [told[delivery] for delivery in ended if told[delivery][0] == group] == [(group, 2), (group, 1)]

    ask(api, "recover", webhook)
    step(app)

    armed = stored(api, webhook, "object_id", "object_version", "state")
    assert {(group, 1, "waiting"), (group, 2, "waiting")} <= set(armed)


@pytest.mark.parametrize("what", ["recover", "replay"])
def test_very_much_that_is_gone_does_not_keep_a_task_from_what_comes_after(
    api: Api, app: Application, what: str
) -> None:
    webhook = api.make_webhook("group.created")
    gone = make_groups(api, LOOKED_MOST + 1)
    api.end_deliveries(webhook)
    remove_groups(api, gone)
    app.clock.advance(1)
    make_groups(api, 1)
    api.end_deliveries(webhook)

    task = ask(api, what, webhook)
    until_done(api, webhook, task, steps_most=4)

    shown = found(api.get(f"/tasks/{task}"))
    assert (shown["state"], shown["doneCount"]) == ("done", 1)


@pytest.mark.parametrize("what", ["recover", "replay"])
def test_a_task_ends_when_its_endpoint_does(api: Api, app: Application, what: str) -> None:
    webhook = api.make_webhook("group.*")
    make_groups(api, 3)
    api.end_deliveries(webhook)
    task = ask(api, what, webhook)

    api.delete(f"/webhooks/{webhook}")
    step(app)

    shown = found(api.get(f"/tasks/{task}"))
    assert (shown["state"], shown["problem"], shown["doneCount"]) == ("failed", "The webhook was deleted", 0)
    assert waiting(api, webhook) == 0


def test_a_task_of_a_paused_endpoint_goes_on_ahead_and_waits(api: Api, app: Application) -> None:
    make_groups(api, 300)
    webhook = api.make_webhook("group.*")
    task = ask(api, "replay", webhook)
    api.patch(f"/webhooks/{webhook}", {"status": "paused"})

    for _ in range(3):
        step(app)
    paused = waiting(api, webhook)
    api.patch(f"/webhooks/{webhook}", {"status": "active"})
    app.clock.advance(60)
    until_done(api, webhook, task)

    assert paused == AHEAD_MOST
    assert found(api.get(f"/tasks/{task}"))["doneCount"] == 300


def test_a_replay_through_a_long_journal_begins_where_it_should(api: Api, app: Application) -> None:
    for _ in range(40):
        make_groups(api, 20)
        app.clock.advance(3600)
    webhook = api.make_webhook("group.*")

    task = ask(api, "replay", webhook, instants.text(START + timedelta(hours=38)))
    step(app)

    shown = found(api.get(f"/tasks/{task}"))
    assert (shown["state"], shown["doneCount"]) == ("done", 40)


def end(api: Api, task: str) -> None:
    assert api.delete(f"/tasks/{task}").status_code == 204


@pytest.mark.parametrize("what", ["recover", "replay"])
def test_a_task_that_is_ended_by_request_arms_nothing_more_and_what_it_armed_stays_armed(
    api: Api, app: Application, what: str
) -> None:
    webhook = api.make_webhook("group.*")
    make_groups(api, AHEAD_MOST + 50)
    api.end_deliveries(webhook)
    app.clock.advance(60)
    task = ask(api, what, webhook)
    step(app)

    end(api, task)

    ended = found(api.get(f"/tasks/{task}"))
    assert (ended["state"], ended["problem"], ended["doneCount"]) == ("failed", "Ended by request", AHEAD_MOST)
    assert ended["endedAt"]
    assert waiting(api, webhook) == AHEAD_MOST
    api.end_deliveries(webhook, "succeeded")
    for _ in range(3):
        step(app)
    assert waiting(api, webhook) == 0
    app.clock.advance(60)
    end(api, task)
    assert found(api.get(f"/tasks/{task}")) == ended
    # Another may begin, since none runs any more.
    until_done(api, webhook, ask(api, what, webhook))


def test_ending_a_task_that_is_done_leaves_it_done(api: Api) -> None:
    webhook = api.make_webhook("group.*")
    task = ask(api, "replay", webhook)
    until_done(api, webhook, task)
    done = found(api.get(f"/tasks/{task}"))

    end(api, task)

    assert done["state"] == "done"
    assert found(api.get(f"/tasks/{task}")) == done
    assert api.delete("/tasks/nothing").status_code == 404


def test_a_step_and_a_request_to_end_its_task_come_one_after_the_other(api: Api, app: Application) -> None:
    webhook = api.make_webhook("group.*")
    make_groups(api, 20)
    api.end_deliveries(webhook)
    app.clock.advance(60)
    task = ask(api, "recover", webhook)
    app.clock.advance(1)

    async def together() -> None:
        async def request() -> None:
            await app.database.write(app.asking(api.tenant), lambda tx: tasks.end(tx, task))

        await asyncio.gather(replays.step_due(app.database, app.asking()), request())

    app.run(together())

    shown = found(api.get(f"/tasks/{task}"))
    assert (shown["state"], shown["doneCount"]) in (("done", 20), ("failed", 0))
    assert waiting(api, webhook) == shown["doneCount"]


def test_a_replay_of_an_organization_without_anything_is_done_at_once(api: Api, app: Application) -> None:
    webhook = api.make_webhook("group.*")

    task = ask(api, "replay", webhook, instants.text(START))
    step(app)

    assert found(api.get(f"/tasks/{task}"))["state"] == "done"


def test_a_step_that_fails_holds_up_no_other_and_is_put_off(api: Api, app: Application) -> None:
    make_groups(api, 1)
    webhook, other = api.make_webhook("group.*"), api.make_webhook("group.*")

    async def broken(tx: Write) -> str:
        task = await tasks.start(tx, "replay", webhook, {"since": "not an instant"})
        return task.id

    bad, good = app.write(broken, api.tenant), ask(api, "replay", other)
    step(app)

    assert found(api.get(f"/tasks/{good}"))["state"] == "done"
    assert found(api.get(f"/tasks/{bad}"))["state"] == "running"
    for _ in range(tasks.TRIES):
        app.clock.advance(600)
        step(app)
    shown = found(api.get(f"/tasks/{bad}"))
    assert shown["state"] == "failed"
    assert "not an instant" not in shown["problem"]
    assert api.post(f"/webhooks/{webhook}/replay", SINCE).status_code == 202


@pytest.mark.parametrize(
    ("subscribed", "types"),
    [
        ((), []),
        (("registration.*",), ["registration.created"]),
        (("registration.created", "registration.*"), ["registration.created"]),
        (("registration.confirmed",), ["registration.confirmed"]),
        (("registration.*", "registration.confirmed"), ["registration.created", "registration.confirmed"]),
        (("registration.updated", "group.*"), []),
    ],
)
def test_a_replay_hears_what_the_outbox_would_have_told(
    api: Api, app: Application, subscribed: tuple[str, ...], types: list[str]
) -> None:
    assert heard("registration.created", "registration.confirmed", "registration", frozenset(subscribed)) == types
    if subscribed:
        live = api.make_webhook(*subscribed)
        api.make_registration(api.make_run(api.make_event()))
        late = api.make_webhook(*subscribed)

        ask(api, "replay", late)
        step(app)

        assert sorted(delivery["type"] for delivery in log(api, live)) == sorted(types)
        assert sorted(delivery["type"] for delivery in log(api, late)) == sorted(types)


def test_progress_is_what_a_task_goes_on_from(api: Api, app: Application) -> None:
    make_groups(api, 250)
    webhook = api.make_webhook("group.*")
    task_id = ask(api, "replay", webhook)

    step(app)
    task = app.read(lambda tx: tasks.get(tx, task_id), api.tenant)

    progress = msgspec.json.decode(task.progress)
    assert task.done_count == AHEAD_MOST
    assert set(progress) == {"after", "until"}
    assert progress["after"] < progress["until"]
