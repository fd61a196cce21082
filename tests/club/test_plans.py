"""Lists that are narrowed find what they show in an index, however much there is."""

import re

import apsw
import pytest

from openintervals.club import registrations, waiting, waitlist
from openintervals.club.registrations import Registration
from openintervals.db import migrate
from openintervals.db.statement import Statement
from openintervals.settings import Settings


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> apsw.Connection:
    folder = tmp_path_factory.mktemp("data")
    migrate.upgrade(Settings(data=str(folder)))
    return apsw.Connection(str(folder / "openintervals.db"))


def plan(connection: apsw.Connection, statement: Statement) -> str:
    sql = statement.sqlite.sql
    parameters = dict.fromkeys(re.findall(r":(\w+)", sql))
    return "\n".join(str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters))


@pytest.mark.parametrize(
    ("narrow", "index"),
    [
        ((), "ix_registrations_event_id (organization_id=? AND mode=? AND event_id=?)"),
        (("email_folded",), "ix_registrations_email (organization_id=? AND mode=? AND event_id=? AND email_folded=?)"),
        (("status",), "ix_registrations_status (organization_id=? AND mode=? AND event_id=? AND status=?)"),
        (("event_run_id",), "ix_registrations_run_id (organization_id=? AND mode=? AND event_run_id=?)"),
        (
            ("event_run_id", "status"),
            "ix_registrations_status (organization_id=? AND mode=? AND event_id=? AND status=?)",
        ),
    ],
)
def test_registrations_are_listed_by_an_index_in_its_order(
    connection: apsw.Connection, narrow: tuple[str, ...], index: str
) -> None:
    found = plan(connection, registrations._page(Registration, narrow, "first"))

    assert index in found
    assert "TEMP B-TREE" not in found


@pytest.mark.parametrize(
    "statement",
    [waitlist._line(), waitlist._last_in_line(), waitlist._events_to_settle(), waiting._ahead()],
    ids=["who is next", "who is last", "what is due", "how many are ahead"],
)
def test_a_long_line_is_walked_in_its_index_alone(connection: apsw.Connection, statement: Statement) -> None:
    found = plan(connection, statement)

    assert "COVERING INDEX ix_registrations_queue" in found
    assert "USING INDEX" not in found.replace("USING INDEX ix_event_runs_event_id", "")
