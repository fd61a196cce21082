"""Changing a recurrence: what is created, moved, kept and cancelled; and doing it twice is doing it once."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openintervals.club import republish
from openintervals.club import schedule as schedules
from openintervals.club.republish import Cancelled, Created, Moved, Plan, PublishedRun, Scope
from openintervals.club.schedule import Frequency, Schedule

BERLIN = "Europe/Berlin"
# A Wednesday noon in Berlin; this week's Tuesday was the second, and the first of the month a Monday.
NOW = dt.datetime(2026, 6, 3, 10, 0, tzinfo=dt.UTC)
ANCHOR_ON = dt.date(2026, 1, 1)
TUESDAYS = Schedule(frequency="weekly", days_of_week=(2,), local_start="18:30")


def june(day: int) -> dt.date:
    return dt.date(2026, 6, 1) + dt.timedelta(days=day - 1)


def run(day: int, **fields: Any) -> PublishedRun:
    """The run that the rule gave for a day counted from the first of June, at 18:30 unless told."""
    defaults: dict[str, Any] = {
        "id": f"r{day}",
        "occurrence_on": june(day),
        "starts_on": june(day),
        "local_start": "18:30",
    }
    return PublishedRun(**(defaults | fields))


def plan(runs: list[PublishedRun], schedule: Schedule | None, **given: Any) -> Plan:
    defaults: dict[str, Any] = {"anchor_on": ANCHOR_ON, "now": NOW, "timezone": BERLIN, "horizon_weeks": 2}
    return republish.plan(runs, schedule, **(defaults | given))


def weekly(*days: int, **fields: Any) -> Schedule:
    return Schedule(**({"frequency": "weekly", "days_of_week": days, "local_start": "18:30"} | fields))


def changed(schedule: Schedule, **fields: Any) -> Schedule:
    return msgspec.structs.replace(schedule, **fields)


def told(found: Plan) -> dict[str, list[str]]:
    """A plan in short, for reading: days of June, run ids, and `id>day time` for moves."""
    short = {
        "created": [f"{(each.starts_on - june(1)).days + 1}{each.template}" for each in found.created],
        "moved": [f"{each.run.id}>{(each.starts_on - june(1)).days + 1} {each.local_start}" for each in found.moved],
        "kept": [each.id for each in found.kept],
        "cancelled": [each.run.id for each in found.cancelled if not each.deleted],
        "deleted": [each.run.id for each in found.cancelled if each.deleted],
        "unchanged": [each.id for each in found.unchanged],
    }
    return {name: each for name, each in short.items() if each}


def carried_out(runs: list[PublishedRun], found: Plan) -> list[PublishedRun]:
    """The runs after a plan, written as its header asks."""
    after = {each.id: each for each in runs}
    for move in found.moved:
        after[move.run.id] = msgspec.structs.replace(
            move.run,
            occurrence_on=move.occurrence_on,
            starts_on=move.starts_on,
            local_start=move.local_start,
            edited=move.edited,
        )
    for end in found.cancelled:
        after[end.run.id] = msgspec.structs.replace(end.run, status="cancelled", occurrence_on=None)
        if end.deleted:
            del after[end.run.id]
    for new in found.created:
        made = PublishedRun(
            id=f"n{new.starts_on}{new.template}",
            occurrence_on=new.starts_on,
            starts_on=new.starts_on,
            local_start=new.local_start,
            template=new.template,
        )
        after[made.id] = made
    return list(after.values())


def test_the_first_publishing_creates_every_date_ahead_up_to_the_horizon() -> None:
    found = plan([], TUESDAYS)

    assert told(found) == {"created": ["9", "16"]}
    assert found.created[0] == Created(starts_on=june(9), local_start="18:30", template="")


def test_publishing_again_creates_only_what_the_moving_horizon_adds() -> None:
    found = plan([run(9), run(16)], TUESDAYS, now=NOW + dt.timedelta(weeks=1))

    assert told(found) == {"created": ["23"], "unchanged": ["r16"]}


def test_today_is_published_while_its_start_is_ahead() -> None:
    ahead = plan([], weekly(3, local_start="18:30"))
    over = plan([], weekly(3, local_start="12:00"))

    assert told(ahead) == {"created": ["3", "10", "17"]}
    assert told(over) == {"created": ["10", "17"]}


def test_a_run_that_was_deleted_by_hand_comes_back_unless_its_date_is_skipped() -> None:
    back = plan([run(16)], TUESDAYS)
    gone = plan([run(16)], schedules.skipping(TUESDAYS, june(9)))

    assert told(back) == {"created": ["9"], "unchanged": ["r16"]}
    assert told(gone) == {"unchanged": ["r16"]}


def test_each_run_moves_to_the_new_weekday_of_its_own_week_and_keeps_its_id() -> None:
    found = plan([run(9, registrations=5), run(16)], weekly(3))

    assert told(found) == {"created": ["3"], "moved": ["r9>10 18:30", "r16>17 18:30"]}
    assert found.moved[0] == Moved(
        run=run(9, registrations=5),
        occurrence_on=june(10),
        starts_on=june(10),
        local_start="18:30",
        edited=False,
    )
    assert found.registrations_affected == 5


def test_a_new_time_moves_every_run_on_its_own_date() -> None:
    found = plan([run(9, registrations=1), run(16, registrations=2)], changed(TUESDAYS, local_start="19:00"))

    assert told(found) == {"moved": ["r9>9 19:00", "r16>16 19:00"]}
    assert found.registrations_affected == 3


def test_a_monthly_run_moves_within_its_month() -> None:
    first_saturdays = Schedule(frequency="monthly", week_of_month=1, days_of_week=(6,), local_start="18:30")

    found = plan([run(30), run(31)], first_saturdays, horizon_weeks=8)

    assert told(found) == {"moved": ["r30>6 18:30", "r31>34 18:30"]}


def test_a_daily_run_has_no_other_day_to_go_to() -> None:
    every_other_day = Schedule(frequency="daily", interval=2, starts_on=june(4), local_start="18:30")

    found = plan([run(4), run(5, registrations=1)], every_other_day, horizon_weeks=1)

    assert told(found) == {"created": ["6", "8", "10"], "cancelled": ["r5"], "unchanged": ["r4"]}


def test_an_occurrence_that_the_new_rule_keeps_stays_and_only_the_others_move() -> None:
    found = plan([run(9), run(11), run(16), run(18)], weekly(4, 6))

    assert told(found) == {
        "created": ["4", "6"],
        "moved": ["r9>13 18:30", "r16>20 18:30"],
        "unchanged": ["r11", "r18"],
    }


def test_the_one_place_left_in_a_week_goes_to_the_run_with_registrations() -> None:
    found = plan([run(9), run(12, registrations=7)], weekly(3), horizon_weeks=1)

    assert told(found) == {"created": ["3"], "moved": ["r12>10 18:30"], "deleted": ["r9"]}


def test_a_run_without_a_place_is_cancelled_when_somebody_is_registered_and_deleted_otherwise() -> None:
    found = plan([run(9, registrations=3), run(16)], changed(TUESDAYS, until_on=june(8)))

    assert told(found) == {"cancelled": ["r9"], "deleted": ["r16"]}
    assert found.cancelled[0] == Cancelled(run=run(9, registrations=3), deleted=False)
    assert found.registrations_affected == 3


def test_a_skipped_date_is_cancelled_and_does_not_slip_to_a_date_not_yet_published() -> None:
    both_days = schedules.skipping(weekly(2, 4), june(9))

    found = plan([run(9, registrations=1)], both_days, paused=True)

    assert told(found) == {"cancelled": ["r9"]}


def test_a_date_skipped_and_another_added_in_its_week_is_a_move() -> None:
    once_on_monday = changed(schedules.skipping(TUESDAYS, june(9)), added_on=(june(8),))

    found = plan([run(9, registrations=1), run(16)], once_on_monday)

    assert told(found) == {"moved": ["r9>8 18:30"], "unchanged": ["r16"]}


def test_a_hand_edited_run_is_kept_and_its_week_gets_no_other() -> None:
    edited = run(9, starts_on=june(12), local_start="10:00", edited=True, registrations=4)

    found = plan([edited, run(16)], weekly(3), horizon_weeks=2)

    assert told(found) == {"created": ["3"], "moved": ["r16>17 18:30"], "kept": ["r9"]}
    assert found.registrations_affected == 0


def test_a_hand_edited_run_that_is_over_still_stands_for_its_week() -> None:
    edited = run(9, starts_on=june(8), edited=True)

    found = plan([edited, run(17)], weekly(3), now=NOW + dt.timedelta(days=6), horizon_weeks=1)

    assert told(found) == {"unchanged": ["r17"]}


def test_a_cancelled_run_is_left_alone_and_its_week_gets_no_other() -> None:
    cancelled = run(9, status="cancelled", registrations=4)

    same = plan([cancelled, run(16)], TUESDAYS)
    moved = plan([cancelled, run(16)], weekly(3))

    assert told(same) == {"unchanged": ["r9", "r16"]}
    assert told(moved) == {"created": ["3"], "moved": ["r16>17 18:30"], "unchanged": ["r9"]}


def test_a_run_the_rule_once_left_does_not_stand_in_the_way_when_the_rule_comes_back() -> None:
    runs = [run(9), run(11, registrations=2)]

    without_thursdays = carried_out(runs, plan(runs, TUESDAYS))
    found = plan(without_thursdays, weekly(2, 4))

    assert told(found) == {"created": ["4", "11"], "unchanged": ["r9", "r11", "n2026-06-16"]}


def test_past_runs_are_never_touched() -> None:
    past = [run(2, registrations=9), run(-5), run(3, local_start="11:59")]

    found = plan([*past, run(9)], None)

    assert told(found) == {"deleted": ["r9"]}


def test_a_run_whose_new_time_has_passed_takes_place_as_it_was() -> None:
    today, tomorrow = run(3, registrations=1), run(4, registrations=1)

    earlier_today = plan([today], weekly(3, local_start="07:00"), horizon_weeks=1)
    earlier_this_week = plan([tomorrow], weekly(2), horizon_weeks=1)

    assert told(earlier_today) == {"created": ["10"], "unchanged": ["r3"]}
    assert told(earlier_this_week) == {"created": ["9"], "unchanged": ["r4"]}


def test_a_day_ahead_goes_before_a_nearer_one_that_has_passed() -> None:
    found = plan([run(3, registrations=1)], weekly(2, 6), horizon_weeks=0)

    assert told(found) == {"moved": ["r3>6 18:30"]}


def test_a_run_does_not_take_the_place_of_one_that_was_held() -> None:
    held, dropped = run(2, registrations=8), run(4, registrations=1)

    found = plan([held, dropped], TUESDAYS, horizon_weeks=1)

    assert told(found) == {"created": ["9"], "cancelled": ["r4"]}


def test_a_run_at_the_edge_of_the_horizon_moves_past_it_with_its_week() -> None:
    found = plan([run(9), run(16, registrations=1)], weekly(6))

    assert told(found) == {"created": ["6"], "moved": ["r9>13 18:30", "r16>20 18:30"]}


def test_a_shorter_horizon_takes_nothing_back() -> None:
    found = plan([run(9), run(16), run(23)], TUESDAYS, horizon_weeks=1)

    assert told(found) == {"unchanged": ["r9", "r16", "r23"]}


def test_a_pause_creates_nothing_and_keeps_what_exists() -> None:
    found = plan([run(9, registrations=1)], TUESDAYS, paused=True)

    assert told(found) == {"unchanged": ["r9"]}


def test_deleting_cancels_or_deletes_what_is_ahead_and_keeps_what_was_edited() -> None:
    runs = [run(2), run(9, registrations=1), run(16), run(23, edited=True), run(30, status="cancelled")]

    found = plan(runs, None)

    assert told(found) == {"kept": ["r23"], "cancelled": ["r9"], "deleted": ["r16"], "unchanged": ["r30"]}


def test_a_change_of_this_occurrence_moves_it_alone_and_makes_it_hand_edited() -> None:
    found = plan([run(9, registrations=2), run(16)], weekly(4, local_start="19:00"), scope="this", on=june(9))

    assert told(found) == {"moved": ["r9>11 19:00"], "unchanged": ["r16"]}
    assert found.moved[0].occurrence_on == june(9)
    assert found.moved[0].edited


def test_what_was_changed_for_this_occurrence_survives_the_next_publishing() -> None:
    runs = [run(9, registrations=2), run(16)]

    after = carried_out(runs, plan(runs, weekly(4), scope="this", on=june(9)))

    assert told(plan(after, TUESDAYS)) == {"kept": ["r9"], "unchanged": ["r16"]}


def test_deleting_this_occurrence_leaves_the_others() -> None:
    found = plan([run(9, registrations=2), run(16)], None, scope="this", on=june(9))

    assert told(found) == {"cancelled": ["r9"], "unchanged": ["r16"]}


def test_a_change_of_following_occurrences_leaves_those_before() -> None:
    found = plan([run(9), run(16), run(23)], weekly(3), scope="following", on=june(16), horizon_weeks=4)

    assert told(found) == {
        "created": ["31"],
        "moved": ["r16>17 18:30", "r23>24 18:30"],
        "unchanged": ["r9"],
    }


def test_the_first_of_the_following_may_move_to_the_day_before_but_none_is_created_there() -> None:
    tuesday = plan([run(9), run(16)], weekly(1), scope="following", on=june(9))
    empty = plan([], weekly(1), scope="following", on=june(9))

    assert told(tuesday) == {"moved": ["r9>8 18:30", "r16>15 18:30"]}
    assert told(empty) == {"created": ["15"]}


def test_a_change_of_one_or_following_needs_its_date() -> None:
    with pytest.raises(ValueError, match="needs a date"):
        plan([], TUESDAYS, scope="this")


def test_templates_are_planned_apart_and_one_no_longer_wanted_goes() -> None:
    runs = [
        run(9, id="a9", template="5K"),
        run(9, id="b9", template="10K", registrations=1),
        run(16, id="a16", template="5K", edited=True),
    ]

    found = plan(runs, weekly(3), templates=["5K", "15K"])

    assert told(found) == {
        "created": ["315K", "35K", "1015K", "1715K"],
        "moved": ["a9>10 18:30"],
        "kept": ["a16"],
        "cancelled": ["b9"],
    }


def test_the_order_in_which_runs_are_given_does_not_matter() -> None:
    runs = [run(day, registrations=day % 3) for day in range(4, 18)]

    one = plan(runs, weekly(2, 5))
    other = plan(runs[::-1], weekly(2, 5))

    assert one == other


days = st.dates(dt.date(2026, 5, 1), dt.date(2026, 8, 31))
times = st.none() | st.sampled_from(["00:00", "07:00", "12:00", "18:30"])
TEMPLATES = ["5K", "10K"]


@st.composite
def rules(draw: st.DrawFn) -> Schedule:
    frequency: Frequency = draw(st.sampled_from(["daily", "weekly", "weekly", "monthly"]))
    by_date = frequency == "monthly" and draw(st.booleans())
    weekdays = frequency == "weekly" or (frequency == "monthly" and not by_date)
    return Schedule(
        frequency=frequency,
        interval=draw(st.integers(1, 3)),
        days_of_week=tuple(draw(st.lists(st.integers(0, 6), min_size=1, max_size=4))) if weekdays else (),
        day_of_month=draw(st.sampled_from([1, 3, 15, 31, -1])) if by_date else None,
        week_of_month=draw(st.sampled_from([1, 4, -1])) if weekdays and frequency == "monthly" else None,
        local_start=draw(times),
        until_on=draw(st.none() | days),
        skipped_on=tuple(draw(st.lists(days, max_size=8))),
        added_on=tuple(draw(st.lists(days, max_size=4))),
    )


@st.composite
def publications(draw: st.DrawFn) -> list[PublishedRun]:
    """Runs as some months leave them: of a rule, with edits, cancellations, gaps and registrations."""
    rule = draw(rules())
    occurrences = schedules.occurrences(
        rule, anchor_on=ANCHOR_ON, first_on=dt.date(2026, 5, 4), last_on=dt.date(2026, 7, 15)
    )
    occurrences = sorted({*occurrences, *draw(st.lists(days, max_size=4))})
    shapes = draw(st.lists(st.integers(0, 11), min_size=len(occurrences), max_size=len(occurrences)))
    runs: list[PublishedRun] = []
    for number, (on, shape) in enumerate(zip(occurrences, shapes, strict=True)):
        moved_on = on + dt.timedelta(days=draw(st.integers(-9, 9))) if shape == 1 else on
        made = PublishedRun(
            id=f"r{number:03}",
            occurrence_on=None if shape == 5 else on,
            starts_on=moved_on,
            local_start=rule.local_start,
            edited=shape in (1, 2),
            registrations=shape % 3,
            status="cancelled" if shape in (2, 3, 5) else "scheduled",
            template=TEMPLATES[shape % 2] if shape < 10 else "gone",
        )
        if shape != 4:
            runs.append(made)
    return runs


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    scope: Scope = draw(st.sampled_from(["this", "following", "all", "all"]))
    ahead = draw(st.timedeltas(dt.timedelta(days=-14), dt.timedelta(days=17)))
    return {
        "schedule": draw(st.none() | rules() | rules() | rules()),
        "scope": scope,
        "on": None if scope == "all" else draw(days),
        "paused": draw(st.booleans()),
        "templates": draw(st.sampled_from([TEMPLATES, ["5K"], ["5K", "10K", "new"]])),
        "now": NOW + ahead,
        "timezone": draw(st.sampled_from([BERLIN, "America/New_York", "Pacific/Auckland"])),
        "horizon_weeks": draw(st.integers(1, 8)),
    }


@settings(deadline=None)
@given(publications(), changes())
@example([run(9), run(9, id="twin"), run(9, id="third", registrations=1)], {"schedule": weekly(3, 4)})
def test_planning_twice_is_planning_once(runs: list[PublishedRun], change: dict[str, Any]) -> None:
    first = plan(runs, **change)

    after = carried_out(runs, first)
    second = plan(after, **change)

    assert (second.created, second.moved, second.cancelled) == ([], [], [])
    assert second.registrations_affected == 0


@settings(deadline=None)
@given(publications(), changes())
def test_every_run_ahead_is_in_one_list_and_no_other_run_is_in_any(
    runs: list[PublishedRun], change: dict[str, Any]
) -> None:
    found = plan(runs, **change)

    listed = [
        *(each.run for each in found.moved),
        *(each.run for each in found.cancelled),
        *found.kept,
        *found.unchanged,
    ]
    ahead = [
        each
        for each in runs
        if schedules.is_ahead(each.starts_on, each.local_start, now=change["now"], timezone=change["timezone"])
    ]
    assert sorted(each.id for each in listed) == sorted(each.id for each in ahead)
    assert all(each in ahead for each in listed)


@settings(deadline=None)
@given(publications(), changes())
def test_what_people_did_stays_and_what_moves_stays_in_its_period(
    runs: list[PublishedRun], change: dict[str, Any]
) -> None:
    found = plan(runs, **change)

    touched = [each.run for each in found.moved] + [each.run for each in found.cancelled]
    assert not any(each.edited or each.status == "cancelled" for each in touched)
    assert all(each.edited for each in found.kept)
    assert all(each.deleted == (each.run.registrations == 0) for each in found.cancelled)
    assert found.registrations_affected == sum(each.registrations for each in touched)
    assert not (change["paused"] or change["scope"] == "this") or found.created == []
    for move in found.moved:
        assert change["schedule"] is not None
        assert move.run.occurrence_on is not None
        frequency = change["schedule"].frequency
        longest = {"daily": 0, "weekly": 6, "monthly": 30}[frequency]
        assert abs((move.starts_on - move.run.occurrence_on).days) <= longest
        assert frequency != "monthly" or move.starts_on.month == move.run.occurrence_on.month


@settings(deadline=None)
@given(publications(), changes())
def test_afterwards_what_is_ahead_follows_the_rule_date_by_date(
    runs: list[PublishedRun], change: dict[str, Any]
) -> None:
    whole = change | {"scope": "all", "on": None, "paused": False}
    when = {key: change[key] for key in ("now", "timezone", "horizon_weeks")}
    rule = change["schedule"]
    wanted_on = schedules.upcoming(rule, anchor_on=ANCHOR_ON, **when) if rule else []

    after = carried_out(runs, plan(runs, **whole))

    for template in change["templates"]:
        own = [each for each in after if each.template == template]
        standing = [each for each in own if each.edited or each.status == "cancelled"]
        published_on = [each.starts_on for each in own if each not in standing]
        without_a_run = set(wanted_on) - set(published_on)
        assert len(without_a_run) <= len([each for each in standing if each.occurrence_on])
        assert all(published_on.count(on) == 1 for on in wanted_on if on not in without_a_run)
