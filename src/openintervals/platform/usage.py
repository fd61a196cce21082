"""Usage: requests by key and day (UTC), counted in memory and written down every few seconds.

Counting must not cost a request its speed, so a crash may lose the last few seconds of counts, and nothing else.
When several processes serve, each adds what it counted: sums are exact once all have written.
"""

from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from openintervals import instants
from openintervals.db import Database, schema
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Asking, Read, Tenant, Write
from openintervals.platform import api_keys

DAYS_KEPT = 400
DAYS_SHOWN = 31

usage = schema.table(
    "usage",
    sa.Column("day", schema.Text, nullable=False),
    sa.Column("key_id", schema.Text, nullable=False),
    sa.Column("requests", sa.BigInteger, nullable=False),
    key=("day", "key_id"),
)


class Day(msgspec.Struct, frozen=True):
    """Requests of one day: of the asking key, and of all keys of its organization and mode."""

    day: str
    key: int
    organization: int


class Counter:
    """What this process counted since the last flush."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str, str], int] = {}
        self._seen: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._noted: dict[tuple[str, str, str], str] = {}

    def count(self, caller: api_keys.Caller, now: datetime, address: str) -> None:
        tenant = (caller.organization_id, caller.mode, caller.key_id)
        instant = instants.text(now)
        place = (*tenant, instant[:10])
        self._counts[place] = self._counts.get(place, 0) + 1
        if self._noted.get(tenant) != instant[:16]:  # a key's last use is noted once a minute at most
            self._noted[tenant] = instant[:16]
            self._seen[tenant] = (instant, address)

    @property
    def empty(self) -> bool:
        return not self._counts

    def pending(self, tenant: Tenant, key_id: str) -> dict[str, tuple[int, int]]:
        """What is not written down yet, by day: requests of the key, and of all keys of the tenant."""
        days: dict[str, tuple[int, int]] = {}
        for (organization_id, mode, counted_key, day), requests in self._counts.items():
            if (organization_id, mode) == (tenant.organization_id, tenant.mode):
                of_key, of_all = days.get(day, (0, 0))
                days[day] = (of_key + (requests if counted_key == key_id else 0), of_all + requests)
        return days

    def take(
        self,
    ) -> tuple[dict[tuple[str, str, str, str], int], dict[tuple[str, str, str], tuple[str, str]]]:
        """Everything counted, which is then no longer held here."""
        taken = self._counts, self._seen
        self._counts, self._seen = {}, {}
        return taken

    def give_back(self, counts: dict[tuple[str, str, str, str], int]) -> None:
        """Counts that could not be written."""
        for place, number in counts.items():
            self._counts[place] = self._counts.get(place, 0) + number


@statement
def _add() -> sa.sql.dml.Insert:
    insert = postgresql.insert(usage)
    return insert.on_conflict_do_update(
        index_elements=[usage.c.organization_id, usage.c.mode, usage.c.day, usage.c.key_id],
        set_={"requests": usage.c.requests + insert.excluded.requests},
    )


@statement
def _by_day() -> sa.Select[tuple[object, ...]]:
    mine = sa.case((usage.c.key_id == sa.bindparam("key_id"), usage.c.requests), else_=0)
    return (
        sa.select(
            usage.c.day,
            sa.cast(sa.func.sum(mine), sa.BigInteger),
            sa.cast(sa.func.sum(usage.c.requests), sa.BigInteger),
        )
        .where(own(usage))
        .group_by(usage.c.day)
        .order_by(usage.c.day.desc())
        .limit(DAYS_SHOWN)
    )


@statement
def _forget_old() -> sa.Delete:
    return sa.delete(usage).where(usage.c.day < sa.bindparam("before"))


async def write_down(database: Database, asking: Asking, counter: Counter) -> None:
    """Add what was counted to the table, and note when each key was last used; kept in the counter when that fails."""
    counts, seen = counter.take()

    async def work(tx: Write) -> None:
        for (organization_id, mode, key_id, day), requests in sorted(counts.items()):
            tenant = tx.as_tenant(Tenant(organization_id, mode))
            await tenant.execute(_add(), day=day, key_id=key_id, requests=requests)
        for (organization_id, mode, key_id), (at, address) in sorted(seen.items()):
            await api_keys.used(tx.as_tenant(Tenant(organization_id, mode)), key_id, at=at, address=address)

    try:
        await database.write(asking, work)
    except BaseException:
        counter.give_back(counts)
        raise


async def by_day(tx: Read, key_id: str, counter: Counter) -> list[Day]:
    """The last days that had requests, newest first, at most 31, with what this process has still in `counter`."""
    pending = counter.pending(tx.tenant, key_id)
    days = {day.day: day for day in await tx.all(Day, _by_day(), key_id=key_id)}
    for day, (of_key, of_all) in pending.items():
        written = days.get(day, Day(day, 0, 0))
        days[day] = Day(day, written.key + of_key, written.organization + of_all)
    return sorted(days.values(), key=lambda day: day.day, reverse=True)[:DAYS_SHOWN]


async def forget_old(tx: Write, before: str) -> int:
    """Drop days before `before` (YYYY-MM-DD); gives how many rows."""
    return await tx.execute(_forget_old(), before=before)
