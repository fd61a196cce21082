"""The limiter: it admits what a token bucket admits, tells the truth about when to come back, and stays small."""

import asyncio
import random
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import throttled
from hypothesis import given
from hypothesis import strategies as st

from openintervals.db import named_by
from openintervals.db.transaction import Asking, Tenant
from openintervals.platform import rate_limits
from openintervals.platform.rate_limits import Limit, Memory, decide
from openintervals.settings import SettingProblem, Settings
from tests import clients, databases, servers
from tests.servers import START

T0 = START.timestamp()

limits = st.builds(
    Limit,
    quota=st.integers(1, 2000),
    period_s=st.sampled_from([1, 60, 3600, 86_400]),
    burst=st.integers(1, 60),
)
# In units of the interval T: bursts, steady trickles and long rests.
gaps = st.lists(st.one_of(st.just(0.0), st.floats(0, 2), st.floats(0, 100)), min_size=1, max_size=120)


def arrivals(limit: Limit, gaps: list[float]) -> list[float]:
    now, moments = T0, []
    for gap in gaps:
        now += gap * limit.interval_s
        moments.append(now)
    return moments


@given(limits, gaps)
def test_in_any_window_no_more_pass_than_the_burst_and_what_refills(limit: Limit, gaps: list[float]) -> None:
    bucket = Memory()

    passed = [now for now in arrivals(limit, gaps) if bucket.check("one", limit, now).admitted]

    for first in range(len(passed)):
        for last in range(first, len(passed)):
            window_s = passed[last] - passed[first]
            assert last - first + 1 <= limit.burst + window_s / limit.interval_s + 1e-2


@given(limits, gaps)
def test_a_client_that_waits_exactly_as_told_is_served(limit: Limit, gaps: list[float]) -> None:
    tat = 0.0

    for now in arrivals(limit, gaps):
        verdict, tat = decide(tat, now, limit)

        if not verdict.admitted:
            assert verdict.retry_after_s > 0
            after_exact_wait, _ = decide(tat, now + verdict.retry_after_s, limit)
            told = dict(rate_limits.headers(limit, verdict))
            after_header_wait, _ = decide(tat, now + int(told[b"retry-after"]), limit)
            by_body = rate_limits.retry_at(verdict, START + timedelta(seconds=now - T0))
            assert after_exact_wait.admitted
            assert after_header_wait.admitted
            assert by_body.timestamp() == pytest.approx(now + verdict.retry_after_s, abs=1e-3)


@given(limits, gaps)
def test_a_client_that_comes_earlier_than_told_is_refused(limit: Limit, gaps: list[float]) -> None:
    tat = 0.0

    for now in arrivals(limit, gaps):
        verdict, tat = decide(tat, now, limit)

        if not verdict.admitted and verdict.retry_after_s > 1e-4:
            too_early, _ = decide(tat, now + verdict.retry_after_s - 1e-4, limit)
            assert not too_early.admitted


@given(limits, gaps)
def test_what_remains_is_what_passes_at_once(limit: Limit, gaps: list[float]) -> None:
    bucket = Memory()
    *earlier, now = arrivals(limit, gaps)
    for moment in earlier:
        bucket.check("one", limit, moment)

    told = bucket.check("one", limit, now).remaining

    assert [bucket.check("one", limit, now).admitted for _ in range(told + 1)] == [True] * told + [False]


# Numbers that floating point holds exactly, so that both must agree to the last bit.
exact_limits = st.builds(
    Limit, quota=st.sampled_from([1, 2, 4, 8]), period_s=st.sampled_from([1, 2, 4, 64]), burst=st.integers(1, 40)
)
exact_gaps = st.lists(st.integers(0, 64).map(lambda steps: steps / 32), min_size=1, max_size=150)


@given(exact_limits, exact_gaps)
def test_it_admits_what_another_limiter_of_the_same_kind_admits(limit: Limit, gaps: list[float]) -> None:
    present = SimpleNamespace(s=2.0**20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("throttled.utils.now_mono_f", lambda: present.s)
        quota = throttled.rate_limiter.per_duration(timedelta(seconds=limit.period_s), limit.quota, limit.burst)
        oracle = throttled.Throttled(using="gcra", quota=quota, store=throttled.MemoryStore())
        ours = Memory()

        for gap in gaps:
            present.s += gap * limit.interval_s
            theirs, verdict = oracle.limit("one"), ours.check("one", limit, present.s)

            assert verdict.admitted is not theirs.limited
            if verdict.admitted:
                assert verdict.remaining == theirs.state.remaining
            else:
                assert verdict.retry_after_s == theirs.state.retry_after


def test_buckets_do_not_touch_each_other() -> None:
    bucket, limit = Memory(), Limit(1, 86_400, 1)

    bucket.check("one", limit, T0)

    assert bucket.check("two", limit, T0).admitted


def test_a_hundred_thousand_addresses_do_not_pile_up() -> None:
    bucket, limit, chance = Memory(), Limit(1000, 60, 200), random.Random(1)
    most = 0

    for number in range(100_000):
        bucket.check(f"address:{chance.getrandbits(32)}", limit, T0 + number / 1000)
        most = max(most, len(bucket))

    assert most <= 2048


def test_even_when_all_come_at_once_the_number_of_buckets_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "BUCKETS_MOST", 1000)
    bucket, limit = Memory(), Limit(1, 86_400, 2)
    bucket.check("nearly empty", limit, T0)
    bucket.check("nearly empty", limit, T0)

    sizes = []
    for number in range(20_000):
        bucket.check(f"address:{number}", limit, T0)
        sizes.append(len(bucket))

    assert max(sizes) <= 2049
    assert not bucket.check("nearly empty", limit, T0).admitted


@pytest.mark.parametrize("setting", ["free=100", "free=0/day:20", "free=1/day:0", "free=1/week:1", "=1/day:1", "on"])
def test_a_setting_that_says_nothing_useful_is_refused_by_name(setting: str) -> None:
    with pytest.raises(SettingProblem, match="OPENINTERVALS_RATE_LIMITS"):
        rate_limits.parse(setting)


def test_plans_keep_their_published_limits_unless_told() -> None:
    found = rate_limits.parse("enterprise=5/second:7")

    assert found["free"] == Limit(100, 86_400, 20)
    assert found["local"] == found["elite"] == Limit(100, 60, 20)
    assert found["enterprise"] == Limit(5, 1, 7)
    assert rate_limits.parse("off") == {}


def test_tasks_of_several_processes_never_exceed_a_limit_kept_in_the_database(database_url: str) -> None:
    settings = Settings(database_url=database_url)
    databases.prepare(settings)
    limit = Limit(1, 3600, 20)
    asking = Asking(tenant=Tenant("k1", "live"), actor="test", now=START)

    async def all_at_once() -> list[bool]:
        processes = [named_by(settings) for _ in range(4)]
        for process in processes:
            await process.open()

        async def one(number: int) -> bool:
            process: Any = processes[number % 4]
            verdict = await process.write(asking, lambda tx: rate_limits.check(tx, "k1", "one key", limit))
            assert verdict.admitted or verdict.retry_after_s == pytest.approx(3600, abs=1e-3)
            admitted: bool = verdict.admitted
            return admitted

        try:
            return await asyncio.gather(*(one(number) for number in range(32)))
        finally:
            for process in processes:
                await process.close()

    passed = asyncio.run(all_at_once())

    assert sum(passed) == 20


def test_the_database_decides_as_memory_does(database_url: str) -> None:
    limit, chance, memory = Limit(100, 60, 5), random.Random(2), Memory()
    with servers.application(database_url) as app:
        for _ in range(100):
            app.clock.advance(round(chance.choice([0, 0.1, 0.6, 3.0]), 1))

            kept = app.write(lambda tx: rate_limits.check(tx, "k1", "one key", limit))
            held = memory.check("one key", limit, app.clock().timestamp())

            assert kept.admitted == held.admitted
            assert kept.remaining == held.remaining
            assert kept.retry_after_s == pytest.approx(held.retry_after_s, abs=1e-3)


@pytest.mark.parametrize("burst", [1, 5])
def test_a_clock_that_is_set_back_shuts_nobody_out(database_url: str, burst: int) -> None:
    limit, memory = Limit(1, 60, burst), Memory()
    with servers.application(database_url) as app:
        for _ in range(burst):
            memory.check("one key", limit, T0 + 86_400)
        app.clock.advance(86_400)
        for _ in range(burst):
            app.write(lambda tx: rate_limits.check(tx, "k1", "one key", limit))
        app.clock.now = START

        kept = [app.write(lambda tx: rate_limits.check(tx, "k1", "one key", limit)) for _ in range(2)]
        held = [memory.check("one key", limit, T0) for _ in range(2)]

    assert [verdict.admitted for verdict in kept] == [verdict.admitted for verdict in held] == [True, False]
    assert held[1].retry_after_s == pytest.approx(60, abs=1e-3)


def test_full_buckets_leave_the_database(database_url: str) -> None:
    with servers.application(database_url) as app:
        app.write(lambda tx: rate_limits.check(tx, "k1", "soon full", Limit(60, 60, 5)))
        app.write(lambda tx: rate_limits.check(tx, "k1", "long empty", Limit(1, 3600, 5)))
        app.clock.advance(60)

        forgotten = app.write(rate_limits.forget_full)

        assert forgotten == 1
        assert databases.rows(database_url, "SELECT bucket FROM rate_limits") == [("long empty",)]


@pytest.mark.parametrize("store", ["memory", "database"])
def test_over_the_limit_is_429_with_the_moment_to_come_back(database_url: str, store: str) -> None:
    with servers.application(database_url, rate_limits="free=100/day:20", rate_limit_store=store) as app:
        api = clients.join(app, plan="free")

        answers = [api.get("/organization") for _ in range(21)]
        refused = answers.pop()
        app.clock.advance(int(refused.headers["retry-after"]))
        later = api.get("/organization")

    assert [answer.status_code for answer in answers] == [200] * 20
    assert [answer.headers["ratelimit"] for answer in answers[:2]] == ['"default";r=19;t=864', '"default";r=18;t=864']
    assert answers[0].headers["ratelimit-policy"] == '"default";q=100;w=86400'
    assert refused.status_code == 429
    assert refused.headers["ratelimit"] == '"default";r=0;t=864'
    assert refused.headers["retry-after"] == "864"
    assert clients.error(refused) == {
        "code": "RATE_LIMITED",
        "message": "Rate limit exceeded",
        "retryAfter": int((T0 + 864) * 1000),
    }
    assert later.status_code == 200


def test_refusals_of_other_kinds_spend_the_callers_tokens_and_nobody_elses(database_url: str) -> None:
    with servers.application(database_url, rate_limits="free=100/day:20") as app:
        api, neighbour = clients.join(app, plan="free"), clients.join(app, plan="free")

        seen = [api.get("/no/such/path"), api.get("/events", limit="0"), api.send("PUT", "/events")]
        anonymous = [api.anonymous().get("/events") for _ in range(30)]

        assert [answer.headers["ratelimit"][:14] for answer in seen] == [
            '"default";r=19',
            '"default";r=18',
            '"default";r=17',
        ]
        assert {answer.status_code for answer in anonymous} == {401}
        assert neighbour.get("/organization").headers["ratelimit"] == '"default";r=19;t=864'


def test_requests_without_a_key_are_limited_by_address(database_url: str) -> None:
    with servers.application(database_url, rate_limits="anonymous=1/minute:3") as app:
        api = clients.join(app).anonymous()

        same = [api.send("GET", "/events", address="192.0.2.1") for _ in range(4)]
        other = api.send("GET", "/events", address="192.0.2.2")
        neighbours = [api.send("GET", "/events", address=f"2001:db8::{number}") for number in range(4)]

    assert [answer.status_code for answer in same] == [401, 401, 401, 429]
    assert other.status_code == 401
    assert [answer.status_code for answer in neighbours] == [401, 401, 401, 429]
