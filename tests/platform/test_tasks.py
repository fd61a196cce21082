"""Tasks: who is given the next step, what is kept between steps, and when one is given up."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from openintervals.db.transaction import Tenant, Write
from openintervals.platform import replays, tasks
from openintervals.platform.tasks import Task
from tests.clients import Api
from tests.servers import Application


@pytest.fixture
def task(api: Api, app: Application) -> Task:
    """A task that has begun; its clock stands a second later."""
    started = app.write(lambda tx: tasks.start(tx, "replay", "w1", {"since": "then"}), api.tenant)
    app.clock.advance(1)
    return started


def claimed(app: Application, api: Api) -> list[Task]:
    """What this organization's tasks a worker is given now."""
    return [
        found for tenant, found in app.write(lambda tx: tasks.claim(tx, 10_000, replays.KINDS)) if tenant == api.tenant
    ]


def now(app: Application, api: Api, task: Task) -> Task:
    return app.read(lambda tx: tasks.get(tx, task.id), api.tenant)


@pytest.mark.usefixtures("task")
def test_a_task_is_given_to_one_worker_for_a_minute(api: Api, app: Application) -> None:
    first, second = claimed(app, api), claimed(app, api)
    app.clock.now += tasks.TAKEN_FOR
    third = claimed(app, api)

    assert [len(found) for found in (first, second, third)] == [1, 0, 1]


@pytest.mark.usefixtures("task")
def test_of_workers_that_come_at_once_one_is_given_a_task(api: Api, app: Application) -> None:
    async def at_once() -> list[list[tuple[Tenant, Task]]]:
        return await asyncio.gather(
            *(app.database.write(app.asking(), lambda tx: tasks.claim(tx, 10_000, replays.KINDS)) for _ in range(8))
        )

    given = [tenant for found in app.run(at_once()) for tenant, _ in found]

    assert given.count(api.tenant) == 1


@pytest.mark.usefixtures("task")
def test_a_step_is_noted_and_the_next_is_due_when_it_says(api: Api, app: Application) -> None:
    [task] = claimed(app, api)

    app.write(lambda tx: tasks.step_done(tx, task, {"after": 7}, 5, after_s=30), api.tenant)

    after = now(app, api, task)
    assert (after.done_count, bytes(after.progress), after.state) == (5, b'{"after":7}', "running")
    app.clock.advance(29)
    assert claimed(app, api) == []
    assert not app.read(lambda tx: tasks.any_due(tx, replays.KINDS))
    app.clock.advance(1)
    assert app.read(lambda tx: tasks.any_due(tx, replays.KINDS))
    [again] = claimed(app, api)
    assert again.done_count == 5


@pytest.mark.usefixtures("task")
def test_a_worker_holds_a_task_as_it_was_given_and_no_longer(api: Api, app: Application) -> None:
    [task] = claimed(app, api)

    held = app.write(lambda tx: tasks.hold(tx, task), api.tenant)
    app.clock.now += tasks.TAKEN_FOR
    claimed(app, api)
    late = app.write(lambda tx: tasks.hold(tx, task), api.tenant)

    assert (held, late) == (True, False)


def test_a_task_that_fails_is_put_off_longer_each_time_and_then_given_up(
    api: Api, app: Application, task: Task
) -> None:
    waits = []
    for _ in range(tasks.TRIES):
        app.write(partial(tasks.put_off, task=now(app, api, task)), api.tenant)
        waits.append(now(app, api, task).run_at)

    assert waits[:-1] == sorted(set(waits))
    ended = now(app, api, task)
    assert ended.state == "failed"
    assert ended.problem == "It failed 5 times in a row; the operator's log says why"


def test_success_forgives_earlier_failures(api: Api, app: Application, task: Task) -> None:
    app.write(lambda tx: tasks.put_off(tx, task), api.tenant)

    failed = now(app, api, task)
    app.write(lambda tx: tasks.step_done(tx, failed, {}, 0, after_s=0), api.tenant)

    assert failed.failures == 1
    assert now(app, api, task).failures == 0


def test_there_is_one_running_task_of_a_kind_for_an_object(api: Api, app: Application, task: Task) -> None:
    async def another(tx: Write, kind: str = "replay", object_id: str = "w1") -> Task:
        return await tasks.start(tx, kind, object_id, {})

    with pytest.raises(tasks.TaskRunning):
        app.write(another, api.tenant)
    app.write(lambda tx: another(tx, kind="recover"), api.tenant)
    app.write(lambda tx: another(tx, object_id="w2"), api.tenant)
    app.write(another, api.in_mode("test").tenant)
    app.write(lambda tx: tasks.finish(tx, task, 3), api.tenant)
    second = app.write(another, api.tenant)

    assert second.id != task.id
    assert now(app, api, task).state == "done"


def test_a_task_is_found_by_its_organization_alone_and_forgotten_after_thirty_days(
    api: Api, app: Application, task: Task
) -> None:
    with pytest.raises(tasks.TaskNotFound):
        app.read(lambda tx: tasks.get(tx, task.id), api.in_mode("test").tenant)
    app.write(lambda tx: tasks.finish(tx, task, 0), api.tenant)

    app.clock.now += tasks.KEPT_FOR
    app.write(tasks.forget_old)
    kept = now(app, api, task)
    app.clock.now += timedelta(seconds=1)
    app.write(tasks.forget_old)

    assert kept.state == "done"
    with pytest.raises(tasks.TaskNotFound):
        now(app, api, task)
