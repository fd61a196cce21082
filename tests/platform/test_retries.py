"""When a webhook is tried again, and when its endpoint is left in peace."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals.platform import retries
from openintervals.platform.retries import Answer, Health, verdict

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
HOUR_S = 3600
CHANCES = st.floats(0, 1, exclude_max=True)
FAILURES = [
    *[Answer(status=status) for status in (301, 302, 400, 401, 404, 500, 429, 502, 503, 504)],
    *[Answer(problem=problem) for problem in ("timeout", "refused", "reset", "tls", "name", "failed", "bad_answer")],
    Answer(status=200, problem="timeout"),
    Answer(status=410, problem="timeout"),
]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    assert verdict(Answer(status=status), 0, 0.5).kind == "succeeded"
    assert verdict(Answer(status=status), 9, 0.5).kind == "succeeded"


@pytest.mark.parametrize("tries_before", range(10))
def test_410_is_the_end_at_any_try(tries_before: int) -> None:
    assert verdict(Answer(status=410), tries_before, 0.5).kind == "gone"


@pytest.mark.parametrize(
    ("tries_before", "delay_s"),
    list(enumerate([5, 300, 1800, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 14 * HOUR_S, 20 * HOUR_S, 24 * HOUR_S])),
)
def test_each_failure_waits_as_long_as_the_schedule_says(tries_before: int, delay_s: float) -> None:
    failed = Answer(status=500)

    waits = [verdict(failed, tries_before, chance).delay_s for chance in (0.0, 0.5, 0.999999)]

    assert waits == [pytest.approx(delay_s * factor, rel=1e-5) for factor in (0.8, 1.0, 1.2)]


@pytest.mark.parametrize("failed", FAILURES, ids=str)
def test_a_failure_is_tried_ten_times_and_no_more(failed: Answer) -> None:
    kinds = [verdict(failed, tries_before, 0.5).kind for tries_before in range(11)]

    assert kinds == ["again"] * 9 + ["exhausted"] * 2


def test_all_tries_together_take_a_little_over_three_days() -> None:
    waits = [verdict(Answer(status=500), tries_before, 0.5).delay_s or 0 for tries_before in range(9)]

    assert sum(waits) == pytest.approx(75 * HOUR_S + 35 * 60 + 5)


@pytest.mark.parametrize(
    "failed", [*[Answer(status=status) for status in (429, 502, 503, 504)], Answer(problem="timeout")], ids=str
)
@given(chance=CHANCES)
def test_who_is_overloaded_gets_a_minute_at_least(failed: Answer, chance: float) -> None:
    first = verdict(failed, 0, chance).delay_s
    second = verdict(failed, 1, chance).delay_s

    assert first is not None
    assert 60 <= first <= 72
    assert second == verdict(Answer(status=500), 1, chance).delay_s


@pytest.mark.parametrize(
    ("retry_after_s", "tries_before", "delay_s"),
    [
        (120, 0, 120),
        (HOUR_S, 1, HOUR_S),
        (24 * HOUR_S, 0, 24 * HOUR_S),
        (100 * HOUR_S, 0, 24 * HOUR_S),
        (10, 0, 66),
        (0, 1, 300),
        (60, 2, 1800),
    ],
)
def test_the_time_a_receiver_names_is_kept_up_to_a_day_and_shortens_nothing(
    retry_after_s: int, tries_before: int, delay_s: float
) -> None:
    answer = Answer(status=429, retry_after_s=retry_after_s)

    assert verdict(answer, tries_before, 0.5).delay_s == pytest.approx(delay_s)


@given(st.integers(0, 10**9), st.integers(0, 8), CHANCES, st.sampled_from(FAILURES))
def test_chance_never_shortens_the_time_a_receiver_names(
    retry_after_s: int, tries_before: int, chance: float, failed: Answer
) -> None:
    answer = Answer(status=failed.status, problem=failed.problem, retry_after_s=retry_after_s)

    delay_s = verdict(answer, tries_before, chance).delay_s

    assert delay_s is not None
    assert delay_s >= min(retry_after_s, 24 * HOUR_S)
    assert delay_s >= 0.8 * retries.SCHEDULE_S[tries_before + 1]


def _failed_in_a_row(times: int) -> Health:
    health = Health()
    for _ in range(times):
        health = health.failed(NOW, NOW)
    return health


def test_an_endpoint_opens_after_five_failures_in_a_row() -> None:
    states = [_failed_in_a_row(times).state(NOW) for times in range(7)]

    assert states == ["closed"] * 5 + ["open"] * 2


def test_an_open_endpoint_is_probed_after_half_a_minute() -> None:
    health = _failed_in_a_row(5)

    assert [health.state(after(seconds)) for seconds in (0, 29.9, 30)] == ["open", "open", "half_open"]


def test_a_pause_does_not_outlast_a_clock_that_is_set_back() -> None:
    health = _failed_in_a_row(5)

    assert [health.state(after(seconds)) for seconds in (0, -1, -3600)] == ["open", "half_open", "half_open"]


def test_one_probe_is_let_out_at_a_time() -> None:
    health = _failed_in_a_row(5).probing(after(30))

    assert [health.state(after(seconds)) for seconds in (30, 59.9, 60)] == ["open", "open", "half_open"]


def test_each_probe_that_fails_doubles_the_pause_up_to_five_minutes() -> None:
    health = _failed_in_a_row(5)
    pauses = []

    for _ in range(6):
        assert health.probe_at is not None
        pauses.append(health.pause_s)
        probed_at = health.probe_at
        health = health.probing(probed_at).failed(probed_at, probed_at + timedelta(seconds=15))
        assert health.probe_at == probed_at + timedelta(seconds=15 + health.pause_s)

    assert pauses == [30, 60, 120, 240, 300, 300]


def test_tries_that_began_before_it_opened_do_not_lengthen_the_pause() -> None:
    opened = _failed_in_a_row(4).failed(NOW, after(10))

    later = opened.failed(after(1), after(12)).failed(after(2), after(15))

    assert (later.pause_s, later.probe_at, later.failures) == (30, after(40), 7)


def test_tries_that_began_before_the_probe_do_not_lengthen_the_pause_either() -> None:
    probing = _failed_in_a_row(5).probing(after(30))

    late = probing.failed(after(29), after(31))

    assert (late.pause_s, late.probe_at) == (probing.pause_s, probing.probe_at)
    assert late.failed(after(30), after(32)).pause_s == 60


@pytest.mark.parametrize(("failures", "days"), [(5, 5), (40, 5), (5, 100)])
def test_an_endpoint_that_only_failed_for_five_days_is_lost(failures: int, days: float) -> None:
    assert _failed_in_a_row(failures).is_lost(NOW + timedelta(days=days))


@pytest.mark.parametrize(("failures", "days"), [(5, 4.99), (4, 6), (0, 6)])
def test_an_endpoint_that_failed_for_a_shorter_time_or_hardly_ever_is_not(failures: int, days: float) -> None:
    assert not _failed_in_a_row(failures).is_lost(NOW + timedelta(days=days))


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 400)), max_size=30))
def test_the_first_of_the_straight_failures_is_remembered_and_the_pause_bounded(steps: list[tuple[Any, Any]]) -> None:
    health, now = Health(), NOW
    for took_s, waited_s in steps:
        began_at = now + timedelta(seconds=waited_s)
        now = began_at + timedelta(seconds=took_s)
        first = health.failing_since or now
        health = health.failed(began_at, now)

        assert health.failing_since == first
        assert (health.probe_at is None) == (health.failures < 5)
        assert health.probe_at is None or health.probe_at <= now + timedelta(seconds=300)
