"""What a sender asks of the outbox, of very much that waits: by plans, which say what it costs whatever the machine."""

import re
from typing import Any

import apsw
import psycopg
import pytest

from openintervals import instants
from openintervals.db.statement import Statement
from openintervals.db.transaction import Tenant, Write
from openintervals.platform import deliveries, ids, journal, sendings
from tests.clients import Api
from tests.servers import Application

MANY = 2_000


@pytest.fixture
def crowd(api: Api) -> dict[str, Any]:
    """An endpoint for which changes of many objects wait, and ones of a single object; PostgreSQL has no statistics of them."""
    webhook_id = api.make_webhook("group.*")
    now = instants.text(api.app.clock())
    of_many = [(f"g{number:020}", 1) for number in range(MANY)]
    of_one = [("g" + "0" * 19 + "a", version) for version in range(1, MANY)]
    told: dict[str, Any] = {
        "type": "group.updated",
        "state": "waiting",
        "reason": None,
        "created_at": now,
        "due_at": now,
        "ended_at": None,
    }
    told |= {"webhook_id": webhook_id, "again": False, "tries": 0, "attempts": "[]", "payload": None}
    entry = {"at": now, "actor": "test", "verb": "group.updated", "implies": "", "object_type": "group"}
    entry |= {"changed": "[]", "snapshot": "{}"}

    async def work(tx: Write) -> None:
        objects = [{"object_id": object_id, "object_version": version} for object_id, version in of_many + of_one]
        rows = [{**told, **each, "id": ids.new(ids.DELIVERY, tx.now)} for each in objects]
        await tx.put_many(deliveries._insert(), rows)
        await tx.put_many(journal._insert(), [{**entry, **each} for each in objects])

    api.app.write(work, api.tenant)
    return {"webhook_id": webhook_id, "endpoint": webhook_id, "now": now, "row_limit": 20}


def test_what_may_leave_is_found_without_going_through_what_waits_beside_it(
    api: Api, app: Application, crowd: dict[str, Any], module_url: str
) -> None:
    for statement in (
        sendings._due(again=False),
        sendings._due(again=True),
        sendings._superseded(),
        sendings._put_off_blocked(),
    ):
        said = plan(module_url, statement, api.tenant, crowd)
        if app.database.kind == "sqlite":
            turns = [step for step in said if "AS turn" in step or " turn " in step]
            assert turns
            assert all("ix_deliveries_turn" in step and "object_id=?" in step for step in turns), said
        else:
            passed_by = [int(number) for step in said for number in re.findall(r"Rows Removed by .*: (\d+)", step)]
            assert max(passed_by, default=0) <= 2 * MANY, (
                said
            )  # a row for each that waits is looked at once, not once for each


def plan(url: str, statement: Statement, tenant: Tenant, known: dict[str, Any]) -> list[str]:
    known = {"organization_id": tenant.organization_id, "mode": tenant.mode, **known}
    if url.startswith("sqlite"):
        compiled = statement.sqlite
        connection = apsw.Connection(url.removeprefix("sqlite:///"), flags=apsw.SQLITE_OPEN_READONLY)
        found = connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", {**compiled.fixed, **known}).fetchall()
        connection.close()
        return [str(step) for *_, step in found]
    compiled = statement.postgres
    with psycopg.connect(url) as connection_:
        explain = f"EXPLAIN (ANALYZE) {compiled.sql}"
        found_ = connection_.execute(explain.encode(), {**compiled.fixed, **known}).fetchall()
        connection_.rollback()
    return [str(step) for (step,) in found_]


def test_what_may_leave_is_planned_for_what_is_there_now(api: Api, app: Application, crowd: dict[str, Any]) -> None:
    if app.database.kind == "sqlite":
        pytest.skip("SQLite plans by fixed figures")

    async def work(tx: Write) -> list[str]:
        for _ in range(10):
            await tx.rows(
                sendings._due(again=False), **{name: crowd[name] for name in ("webhook_id", "now", "row_limit")}
            )
            await tx.rows(sendings._waiting(), webhook_id=crowd["webhook_id"])
        connection: Any = tx.session.connection  # type: ignore[attr-defined]  # PostgreSQL's session has one
        kept = await (await connection.execute("SELECT statement FROM pg_prepared_statements")).fetchall()
        return [statement for (statement,) in kept]

    kept = api.app.write(work, api.tenant)

    assert any("LIMIT" in statement and "deliveries" in statement for statement in kept)
    assert not [statement for statement in kept if "payload" in statement and "due_at <=" in statement]
