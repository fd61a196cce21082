"""Rate limits: how often a key may ask, by the plan of its organization; every athlete's key is of the plan `athlete`.

A limit is a token bucket of `burst` tokens that refills at `quota` per period, kept as GCRA keeps it: one number, the
*theoretical arrival time* (TAT). A request is admitted when max(TAT, now) + T - now <= burst × T, with T = period / quota, and moves
TAT by T; a refused one moves nothing. (ITU-T I.371, annex A; the same rule as the virtual scheduling algorithm.)
So in any window w at most burst + w / T requests pass, and a client that waits for `retry_after_s` is served next time.

One serving process keeps TATs in memory, several keep them in the database, where one conditional statement decides.
When two come at once: in memory they take turns in the event loop; in the database the row's lock orders them.
Full buckets are forgotten, so addresses that never come back do not pile up.
"""

import math
import re
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from openintervals.db import schema
from openintervals.db.statement import statement
from openintervals.db.transaction import Write
from openintervals.settings import SettingProblem

PERIODS_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
DEFAULTS = (
    "free=100/day:20,local=100/minute:20,elite=100/minute:20,enterprise=1000/minute:50,"
    "athlete=3000/minute:300,anonymous=1000/minute:200"
)
BUCKETS_MOST = 100_000

rate_limits = sa.Table(
    "rate_limits",
    schema.metadata,
    sa.Column("organization_id", schema.Text, nullable=False),
    sa.Column("bucket", schema.Text, nullable=False),
    sa.Column("tat_s", sa.Double, nullable=False),
    sa.PrimaryKeyConstraint("organization_id", "bucket"),
    sqlite_with_rowid=False,
)


class Limit(msgspec.Struct, frozen=True):
    """`quota` requests a period of `period_s` seconds, and at most `burst` at once."""

    quota: int
    period_s: int
    burst: int

    @property
    def interval_s(self) -> float:
        """T: seconds in which one token comes back."""
        return self.period_s / self.quota

    @property
    def horizon_s(self) -> float:
        """How far ahead of now the TAT may be: burst × T, and room for the rounding of as many sums.

        A double holds the seconds since 1970 to a quarter of a microsecond.
        """
        return self.burst * (self.interval_s + 2.5e-7) + 1e-6


class Verdict(msgspec.Struct, frozen=True):
    """Whether a request passes, and what the client should know: tokens left, seconds until one more, when to come back."""

    admitted: bool
    remaining: int
    more_in_s: float
    retry_after_s: float


_ONE = re.compile(r"\s*(\w+)\s*=\s*(\d+)\s*/\s*(second|minute|hour|day)\s*:\s*(\d+)\s*\Z")


def parse(setting: str) -> dict[str, Limit]:
    """Limits by plan from `free=100/day:20,…`, over the defaults; none at all for `off`. Raises SettingProblem."""
    if setting.strip().lower() == "off":
        return {}
    limits: dict[str, Limit] = {}
    for part in [*DEFAULTS.split(","), *filter(str.strip, setting.split(","))]:
        match = _ONE.match(part)
        if match is None or int(match[2]) == 0 or int(match[4]) == 0:
            raise SettingProblem(
                f"OPENINTERVALS_RATE_LIMITS has {part!r}: write plan=requests/period:burst, such as free=100/day:20, "
                f"with period one of {', '.join(PERIODS_S)}, or off"
            )
        limits[match[1]] = Limit(int(match[2]), PERIODS_S[match[3]], int(match[4]))
    return limits


def decide(tat_s: float, now_s: float, limit: Limit) -> tuple[Verdict, float]:
    """The verdict on a request at `now_s` and the TAT afterwards. Pure."""
    interval = limit.interval_s
    start = max(tat_s, now_s)
    if start - now_s > limit.horizon_s:  # no bucket is that short: the clock was set back, or the limit lowered
        start = now_s + (limit.burst - 1) * interval
    after = start + interval
    admitted = after - now_s <= limit.horizon_s
    if not admitted:
        after = start
    remaining = max(0, math.floor((limit.horizon_s - (after - now_s)) / interval))
    retry_after_s = 0.0 if admitted else start + interval - limit.burst * interval - now_s
    used = after - now_s
    # The bucket is short by used/T tokens; the next whole one comes back when that falls below the next integer.
    more_in_s = used - (math.ceil(used / interval - 1e-9) - 1) * interval if used > 0 else 0.0
    return Verdict(admitted, remaining, more_in_s if admitted else retry_after_s, retry_after_s), after


class Memory:
    """TATs of one process. Bounded: full buckets are swept, and beyond BUCKETS_MOST the fullest go first."""

    def __init__(self) -> None:
        self._tats: dict[str, float] = {}
        self._sweep_at = 1024

    def check(self, bucket: str, limit: Limit, now_s: float) -> Verdict:
        verdict, tat = decide(self._tats.get(bucket, 0.0), now_s, limit)
        self._tats[bucket] = tat
        if len(self._tats) > self._sweep_at:
            self._sweep(now_s)
        return verdict

    def __len__(self) -> int:
        return len(self._tats)

    def _sweep(self, now_s: float) -> None:
        self._tats = {bucket: tat for bucket, tat in self._tats.items() if tat > now_s}
        if len(self._tats) > BUCKETS_MOST:
            by_need = sorted(self._tats.items(), key=lambda item: item[1], reverse=True)
            self._tats = dict(by_need[: BUCKETS_MOST // 2])
        self._sweep_at = max(1024, 2 * len(self._tats))


@statement
def _spend() -> sa.sql.dml.Insert:
    """Move the TAT on if the request passes; no row comes back when it does not."""
    insert = postgresql.insert(rate_limits).values(
        organization_id=sa.bindparam("owner"),
        bucket=sa.bindparam("bucket"),
        tat_s=sa.bindparam("now_s", type_=sa.Double) + sa.bindparam("interval_s", type_=sa.Double),
    )
    now_s, interval_s = sa.bindparam("now_s", type_=sa.Double), sa.bindparam("interval_s", type_=sa.Double)
    horizon_s, ahead_s = sa.bindparam("horizon_s", type_=sa.Double), sa.bindparam("ahead_s", type_=sa.Double)
    held = rate_limits.c.tat_s
    later = sa.case((held - now_s > horizon_s, now_s + ahead_s), (held > now_s, held), else_=now_s) + interval_s
    return insert.on_conflict_do_update(
        index_elements=[rate_limits.c.organization_id, rate_limits.c.bucket],
        set_={"tat_s": later},
        where=later - now_s <= horizon_s,
    ).returning(rate_limits.c.tat_s)


@statement
def _tat() -> sa.Select[tuple[object, ...]]:
    return sa.select(rate_limits.c.tat_s).where(
        rate_limits.c.organization_id == sa.bindparam("owner"), rate_limits.c.bucket == sa.bindparam("bucket")
    )


@statement
def _forget_full() -> sa.Delete:
    return sa.delete(rate_limits).where(rate_limits.c.tat_s < sa.bindparam("now_s", type_=sa.Double))


async def check(tx: Write, owner: str, bucket: str, limit: Limit) -> Verdict:
    """The same decision over the database, for several serving processes. `owner` is the organization, or empty."""
    now_s = tx.now.timestamp()
    interval = limit.interval_s
    after = await tx.value(
        _spend(),
        owner=owner,
        bucket=bucket,
        now_s=now_s,
        interval_s=interval,
        horizon_s=limit.horizon_s,
        ahead_s=(limit.burst - 1) * interval,
    )
    if after is None:
        refused = await tx.value(_tat(), owner=owner, bucket=bucket)
        return decide(refused if refused is not None else now_s, now_s, limit)[0]
    return decide(after - interval, now_s, limit)[0]


async def forget_full(tx: Write) -> int:
    """Drop buckets that are full again; gives how many."""
    return await tx.execute(_forget_full(), now_s=tx.now.timestamp())


def headers(limit: Limit, verdict: Verdict) -> list[tuple[bytes, bytes]]:
    """`RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers, and `Retry-After` on a refusal."""
    wait_s = math.ceil(verdict.more_in_s - 1e-6)
    told = [
        (b"ratelimit-policy", b'"default";q=%d;w=%d' % (limit.quota, limit.period_s)),
        (b"ratelimit", b'"default";r=%d;t=%d' % (verdict.remaining, wait_s)),
    ]
    if not verdict.admitted:
        told.append((b"retry-after", b"%d" % max(1, math.ceil(verdict.retry_after_s - 1e-6))))
    return told


def retry_at(verdict: Verdict, now: datetime) -> datetime:
    """The moment when the next token is there."""
    return datetime.fromtimestamp(now.timestamp() + verdict.retry_after_s, UTC)
