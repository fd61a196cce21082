"""The rule of repetition: golden tables for the calendar's corners, laws for everything between them."""

import datetime as dt
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openintervals.club import schedule as schedules
from openintervals.club.schedule import Schedule

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def schedule(**fields: Any) -> Schedule:
    """A schedule as it comes in: spelled as on the wire, checked field by field."""
    return msgspec.convert(fields, Schedule)


def dates(rule: Schedule, first: str, last: str, *, anchor: str = "2026-01-01") -> list[str]:
    found = schedules.occurrences(
        rule,
        anchor_on=dt.date.fromisoformat(anchor),
        first_on=dt.date.fromisoformat(first),
        last_on=dt.date.fromisoformat(last),
    )
    return [on.isoformat() for on in found]


def test_a_schedule_is_answered_as_published() -> None:
    sent = b'{"frequency":"weekly","daysOfWeek":[2],"startTime":"18:30","durationMinutes":60}'

    answered = msgspec.json.encode(msgspec.json.decode(sent, type=Schedule))

    assert answered == sent


def test_a_schedule_survives_storing_with_every_field_set() -> None:
    rule = Schedule(
        frequency="weekly",
        interval=2,
        days_of_week=(0, 3),
        local_start="07:00",
        duration_minutes=90,
        starts_on=dt.date(2026, 1, 4),
        until_on=dt.date(2026, 6, 30),
        skipped_on=(dt.date(2026, 2, 1),),
        added_on=(dt.date(2026, 2, 2),),
    )

    stored = msgspec.json.encode(rule)

    assert msgspec.json.decode(stored, type=Schedule) == rule
    assert set(msgspec.json.decode(stored)) == {
        *("frequency", "interval", "daysOfWeek", "startTime", "durationMinutes"),
        *("startDate", "until", "skipDates", "addDates"),
    }


def test_seven_is_sunday_days_are_sorted_and_seconds_dropped() -> None:
    rule = schedule(frequency="weekly", daysOfWeek=[7, 3, 0, 3], startTime="18:30:59")

    assert rule == schedule(frequency="weekly", daysOfWeek=[0, 3], startTime="18:30")


def test_dates_are_sorted_and_unique_whatever_was_sent() -> None:
    rule = schedule(frequency="daily", skipDates=["2026-02-02", "2026-01-01", "2026-02-02"])

    assert rule.skipped_on == (dt.date(2026, 1, 1), dt.date(2026, 2, 2))


@pytest.mark.parametrize(
    "wrong",
    [
        {"frequency": "yearly"},
        {"interval": 0},
        {"interval": 367},
        {"daysOfWeek": [8]},
        {"daysOfWeek": [-1]},
        {"daysOfWeek": [1, 1, 1, 1, 1, 1, 1, 1]},
        {"dayOfMonth": 32},
        {"dayOfMonth": -2},
        {"weekOfMonth": 5},
        {"weekOfMonth": 0},
        {"startTime": "24:00"},
        {"startTime": "8:30"},
        {"startTime": "18:60"},
        {"durationMinutes": 0},
        {"durationMinutes": 10081},
        {"startDate": "2026-02-29"},
        {"until": "tomorrow"},
        {"count": 0},
        {"count": 1001},
        {"skipDates": ["2026-01-01"] * 501},
        {"addDates": ["2026-01-01"] * 501},
    ],
    ids=str,
)
def test_a_field_out_of_bounds_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        schedule(**({"frequency": "daily"} | wrong))


def test_every_field_is_described_for_the_api_document() -> None:
    _, components = msgspec.json.schema_components([Schedule])

    properties = components["Schedule"]["properties"]

    assert list(components["Schedule"]["required"]) == ["frequency"]
    assert all("description" in each and "examples" in each for each in properties.values())


@pytest.mark.parametrize(
    "sound",
    [
        {"frequency": "daily"},
        {"frequency": "daily", "interval": 366},
        {"frequency": "weekly"},
        {"frequency": "weekly", "daysOfWeek": [0, 6], "interval": 52},
        {"frequency": "monthly", "dayOfMonth": -1, "interval": 24},
        {"frequency": "monthly", "weekOfMonth": 1, "daysOfWeek": [2, 4]},
        {"frequency": "daily", "startDate": "2026-01-01", "until": "2026-01-01"},
        {"frequency": "daily", "count": 1000},
    ],
    ids=str,
)
def test_a_sound_schedule_has_no_problems(sound: dict[str, Any]) -> None:
    assert schedules.problems(schedule(**sound)) == {}


@pytest.mark.parametrize(
    ("unsound", "field", "message"),
    [
        ({"frequency": "weekly", "interval": 53}, "interval", "less than or equal to 52"),
        ({"frequency": "monthly", "dayOfMonth": 1, "interval": 25}, "interval", "less than or equal to 24"),
        ({"frequency": "daily", "daysOfWeek": [1]}, "daysOfWeek", "Only a weekly or monthly"),
        ({"frequency": "monthly", "weekOfMonth": 1}, "daysOfWeek", "Required with weekOfMonth"),
        ({"frequency": "monthly", "daysOfWeek": [1]}, "weekOfMonth", "Required with daysOfWeek"),
        ({"frequency": "weekly", "weekOfMonth": 1}, "weekOfMonth", "Only a monthly"),
        ({"frequency": "weekly", "dayOfMonth": 1}, "dayOfMonth", "Only a monthly"),
        ({"frequency": "monthly", "dayOfMonth": 0}, "dayOfMonth", "1 to 31, or -1"),
        ({"frequency": "monthly", "dayOfMonth": 1, "daysOfWeek": [1]}, "dayOfMonth", "not both"),
        ({"frequency": "monthly", "dayOfMonth": 1, "weekOfMonth": 1}, "dayOfMonth", "not both"),
        ({"frequency": "monthly"}, "dayOfMonth", "needs dayOfMonth or weekOfMonth"),
        (
            {"frequency": "daily", "startDate": "2026-01-02", "until": "2026-01-01"},
            "until",
            "before startDate",
        ),
        ({"frequency": "daily", "count": 2, "until": "2026-01-01"}, "count", "not both"),
        (
            {"frequency": "daily", "skipDates": ["2026-01-01"], "addDates": ["2026-01-01"]},
            *("addDates", "Also in skipDates: 2026-01-01"),
        ),
        ({"frequency": "daily", "startDate": "0001-01-01"}, "startDate", "between 1900-01-01"),
        ({"frequency": "daily", "until": "9999-12-31"}, "until", "and 2199-12-31"),
        ({"frequency": "daily", "skipDates": ["9999-12-31"]}, "skipDates", "between"),
        ({"frequency": "daily", "addDates": ["1899-12-31"]}, "addDates", "between"),
    ],
    ids=str,
)
def test_a_problem_is_named_at_its_field(unsound: dict[str, Any], field: str, message: str) -> None:
    found = schedules.problems(schedule(**unsound))

    assert message in " ".join(found[field])


def test_all_problems_are_found_at_once() -> None:
    rule = schedule(frequency="daily", daysOfWeek=[1], dayOfMonth=0, count=1, until="2026-01-01")

    found = schedules.problems(rule)

    assert set(found) == {"daysOfWeek", "dayOfMonth", "count"}
    assert len(found["dayOfMonth"]) == 2


def test_skipped_dates_do_not_add_up_past_the_bound() -> None:
    first_on = dt.date(2026, 1, 1)
    full = Schedule(frequency="daily", skipped_on=tuple(first_on + dt.timedelta(n) for n in range(500)))

    one_more = schedules.skipping(full, dt.date(2030, 1, 1))

    assert schedules.problems(full) == {}
    assert schedules.problems(one_more) == {"skipDates": ["Array must contain at most 500 element(s)"]}


GOLDEN: list[tuple[str, dict[str, Any], tuple[str, str], list[str]]] = [
    (
        "daily, every third day, from the start",
        {"frequency": "daily", "interval": 3, "startDate": "2026-02-26"},
        ("2026-02-01", "2026-03-09"),
        ["2026-02-26", "2026-03-01", "2026-03-04", "2026-03-07"],
    ),
    (
        "daily, over a leap day",
        {"frequency": "daily", "startDate": "2028-02-27"},
        ("2028-02-28", "2028-03-01"),
        ["2028-02-28", "2028-02-29", "2028-03-01"],
    ),
    (
        "weekly, the weekday of the start when none is named",
        {"frequency": "weekly", "startDate": "2026-01-06"},
        ("2026-01-01", "2026-01-31"),
        ["2026-01-06", "2026-01-13", "2026-01-20", "2026-01-27"],
    ),
    (
        "weekly, the weekday of the event when there is no start either (1 January 2026, a Thursday)",
        {"frequency": "weekly"},
        ("2026-01-01", "2026-01-20"),
        ["2026-01-01", "2026-01-08", "2026-01-15"],
    ),
    (
        "weekly, the start is no occurrence unless the rule says so",
        {"frequency": "weekly", "daysOfWeek": [2, 4], "startDate": "2026-01-07"},
        ("2026-01-01", "2026-01-15"),
        ["2026-01-08", "2026-01-13", "2026-01-15"],
    ),
    (
        "every two weeks, across the new year and a week 53",
        {"frequency": "weekly", "interval": 2, "daysOfWeek": [2], "startDate": "2026-12-15"},
        ("2026-12-01", "2027-01-31"),
        ["2026-12-15", "2026-12-29", "2027-01-12", "2027-01-26"],
    ),
    (
        "every two weeks, Sunday and Monday: the week starts on Monday, so Sunday is its last day",
        {"frequency": "weekly", "interval": 2, "daysOfWeek": [0, 1], "startDate": "2026-01-05"},
        ("2026-01-01", "2026-01-31"),
        ["2026-01-05", "2026-01-11", "2026-01-19", "2026-01-25"],
    ),
    (
        "every two weeks from a Sunday: the Monday after it is in the week that does not count",
        {"frequency": "weekly", "interval": 2, "daysOfWeek": [0, 1], "startDate": "2026-01-04"},
        ("2026-01-01", "2026-01-31"),
        ["2026-01-04", "2026-01-12", "2026-01-18", "2026-01-26"],
    ),
    (
        "monthly on the 29th, without a leap day",
        {"frequency": "monthly", "dayOfMonth": 29},
        ("2027-01-01", "2027-04-01"),
        ["2027-01-29", "2027-03-29"],
    ),
    (
        "monthly on the 29th, with a leap day",
        {"frequency": "monthly", "dayOfMonth": 29},
        ("2028-01-01", "2028-04-01"),
        ["2028-01-29", "2028-02-29", "2028-03-29"],
    ),
    (
        "monthly on the 30th",
        {"frequency": "monthly", "dayOfMonth": 30},
        ("2028-01-01", "2028-04-30"),
        ["2028-01-30", "2028-03-30", "2028-04-30"],
    ),
    (
        "monthly on the 31st",
        {"frequency": "monthly", "dayOfMonth": 31},
        ("2026-01-01", "2026-08-31"),
        ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31", "2026-08-31"],
    ),
    (
        "monthly on the last day",
        {"frequency": "monthly", "dayOfMonth": -1},
        ("2028-01-01", "2028-04-30"),
        ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"],
    ),
    (
        "the leap day itself, every twelve months",
        {"frequency": "monthly", "interval": 12, "dayOfMonth": 29, "startDate": "2024-02-29"},
        ("2024-01-01", "2033-01-01"),
        ["2024-02-29", "2028-02-29", "2032-02-29"],
    ),
    (
        "first Saturday, also when it is the first",
        {"frequency": "monthly", "weekOfMonth": 1, "daysOfWeek": [6]},
        ("2026-07-01", "2026-10-31"),
        ["2026-07-04", "2026-08-01", "2026-09-05", "2026-10-03"],
    ),
    (
        "last Friday, the fourth or the fifth",
        {"frequency": "monthly", "weekOfMonth": -1, "daysOfWeek": [5]},
        ("2026-01-01", "2026-05-31"),
        ["2026-01-30", "2026-02-27", "2026-03-27", "2026-04-24", "2026-05-29"],
    ),
    (
        "fourth Friday, which is not the last in months with five",
        {"frequency": "monthly", "weekOfMonth": 4, "daysOfWeek": [5]},
        ("2026-01-01", "2026-05-31"),
        ["2026-01-23", "2026-02-27", "2026-03-27", "2026-04-24", "2026-05-22"],
    ),
    (
        "first Tuesday and first Thursday, each the first of its kind",
        {"frequency": "monthly", "weekOfMonth": 1, "daysOfWeek": [2, 4]},
        ("2026-01-01", "2026-02-28"),
        ["2026-01-01", "2026-01-06", "2026-02-03", "2026-02-05"],
    ),
    (
        "second Sunday of every other month, across the year",
        {
            "frequency": "monthly",
            "interval": 2,
            "weekOfMonth": 2,
            "daysOfWeek": [0],
            "startDate": "2026-11-20",
        },
        ("2026-11-01", "2027-05-31"),
        ["2027-01-10", "2027-03-14", "2027-05-09"],
    ),
    (
        "until is inclusive",
        {"frequency": "weekly", "daysOfWeek": [2], "until": "2026-01-20"},
        ("2026-01-01", "2026-02-28"),
        ["2026-01-06", "2026-01-13", "2026-01-20"],
    ),
    (
        "until between two dates",
        {"frequency": "weekly", "daysOfWeek": [2], "until": "2026-01-19"},
        ("2026-01-01", "2026-02-28"),
        ["2026-01-06", "2026-01-13"],
    ),
    (
        "count from the start, however late the window",
        {"frequency": "weekly", "daysOfWeek": [2], "count": 5},
        ("2026-01-20", "2026-12-31"),
        ["2026-01-20", "2026-01-27", "2026-02-03"],
    ),
    (
        "count counts skipped dates and not added ones",
        {
            "frequency": "weekly",
            "daysOfWeek": [2],
            "count": 3,
            "skipDates": ["2026-01-13"],
            "addDates": ["2026-01-14", "2026-03-01"],
        },
        ("2026-01-01", "2026-12-31"),
        ["2026-01-06", "2026-01-14", "2026-01-20", "2026-03-01"],
    ),
    (
        "count in a first week that began before the start",
        {"frequency": "weekly", "daysOfWeek": [1, 5], "startDate": "2026-01-07", "count": 2},
        ("2026-01-01", "2026-12-31"),
        ["2026-01-09", "2026-01-12"],
    ),
    (
        "count of a day that short months do not have",
        {"frequency": "monthly", "dayOfMonth": 31, "count": 3},
        ("2026-01-01", "2026-12-31"),
        ["2026-01-31", "2026-03-31", "2026-05-31"],
    ),
    (
        "added dates, before the start, on a date of the rule, and after the end",
        {
            "frequency": "weekly",
            "daysOfWeek": [2],
            "startDate": "2026-01-06",
            "until": "2026-01-13",
            "addDates": ["2026-01-02", "2026-01-13", "2026-01-30"],
        },
        ("2026-01-01", "2026-12-31"),
        ["2026-01-02", "2026-01-06", "2026-01-13", "2026-01-30"],
    ),
    (
        "a date both added and skipped is skipped",
        {
            "frequency": "weekly",
            "daysOfWeek": [2],
            "until": "2026-01-06",
            "addDates": ["2026-01-08"],
            "skipDates": ["2026-01-08"],
        },
        ("2026-01-01", "2026-12-31"),
        ["2026-01-06"],
    ),
    (
        "a window that ends before it begins",
        {"frequency": "daily", "addDates": ["2026-01-05"]},
        ("2026-01-05", "2026-01-04"),
        [],
    ),
    (
        "a window before the start",
        {"frequency": "monthly", "dayOfMonth": 1, "startDate": "2027-01-01"},
        ("2026-01-01", "2026-12-31"),
        [],
    ),
]


@pytest.mark.parametrize(("fields", "between", "expected"), [row[1:] for row in GOLDEN], ids=[row[0] for row in GOLDEN])
def test_the_calendar_is_right(fields: dict[str, Any], between: tuple[str, str], expected: list[str]) -> None:
    rule = schedule(**fields)

    found = dates(rule, *between)

    assert schedules.problems(rule) == {} or set(rule.skipped_on) & set(rule.added_on)
    assert found == expected


def test_skipping_takes_away_a_date_of_the_rule_and_an_added_one() -> None:
    rule = schedule(frequency="weekly", daysOfWeek=[2], addDates=["2026-01-08"])

    without = schedules.skipping(schedules.skipping(rule, dt.date(2026, 1, 6)), dt.date(2026, 1, 8))

    assert dates(without, "2026-01-01", "2026-01-13") == ["2026-01-13"]
    assert schedules.problems(without) == {}


def test_a_window_centuries_after_the_start_is_the_one_beside_it() -> None:
    old = schedule(frequency="daily", interval=7, startDate="1900-01-01")
    new = schedule(frequency="daily", interval=7, startDate="2198-12-31")

    found = dates(old, "2199-01-01", "2199-12-31")

    assert found == dates(new, "2199-01-01", "2199-12-31")
    assert len(found) == 52


def test_a_rule_that_never_comes_true_ends() -> None:
    rule = schedule(frequency="monthly", interval=12, dayOfMonth=30, startDate="1900-02-01", count=1000)

    assert dates(rule, "2026-01-01", "2026-12-31") == []


days = st.dates(dt.date(2023, 1, 1), dt.date(2029, 12, 31))


@st.composite
def sound_schedules(draw: st.DrawFn) -> Schedule:
    frequency = draw(st.sampled_from(["daily", "weekly", "monthly"]))
    weekdays = st.lists(st.integers(0, 7), max_size=7)
    fields: dict[str, Any] = {"frequency": frequency, "interval": draw(st.integers(1, 24))}
    if frequency == "weekly":
        fields["daysOfWeek"] = draw(weekdays)
    elif frequency == "monthly" and draw(st.booleans()):
        fields["dayOfMonth"] = draw(st.sampled_from([*range(1, 32), -1]))
    elif frequency == "monthly":
        fields["weekOfMonth"] = draw(st.sampled_from([1, 2, 3, 4, -1]))
        fields["daysOfWeek"] = draw(weekdays.filter(bool))
    fields["startDate"] = draw(st.none() | days)
    fields["skipDates"] = draw(st.lists(days, max_size=5))
    fields["addDates"] = [on for on in draw(st.lists(days, max_size=5)) if on not in fields["skipDates"]]
    ending = draw(st.sampled_from(["never", "until", "count"]))
    if ending == "until":
        fields["until"] = draw(st.dates(fields["startDate"] or dt.date(2023, 1, 1), dt.date(2030, 1, 1)))
    elif ending == "count":
        fields["count"] = draw(st.integers(1, 60))
    return schedule(**fields)


@settings(deadline=None)
@given(sound_schedules(), days, st.tuples(days, days, days).map(sorted))
def test_a_window_is_the_sum_of_its_parts(rule: Schedule, anchor_on: dt.date, bounds: list[dt.date]) -> None:
    first_on, middle_on, last_on = bounds
    after_on = middle_on + dt.timedelta(days=1)

    whole = schedules.occurrences(rule, anchor_on=anchor_on, first_on=first_on, last_on=last_on)
    early = schedules.occurrences(rule, anchor_on=anchor_on, first_on=first_on, last_on=middle_on)
    late = schedules.occurrences(rule, anchor_on=anchor_on, first_on=after_on, last_on=last_on)

    assert early + late == whole


@settings(deadline=None)
@given(sound_schedules(), days, days, days)
def test_dates_are_in_the_window_sorted_unique_not_skipped_and_hold_the_added(
    rule: Schedule, anchor_on: dt.date, first_on: dt.date, last_on: dt.date
) -> None:
    found = schedules.occurrences(rule, anchor_on=anchor_on, first_on=first_on, last_on=last_on)

    assert schedules.problems(rule) == {}
    assert all(one < other for one, other in pairwise(found))
    assert all(first_on <= on <= last_on for on in found)
    assert not set(found) & set(rule.skipped_on)
    assert set(found) >= {on for on in rule.added_on if first_on <= on <= last_on}


@settings(deadline=None)
@given(sound_schedules(), days)
def test_a_rule_gives_no_more_than_its_count_and_nothing_outside_its_ends(rule: Schedule, anchor_on: dt.date) -> None:
    bare = msgspec.structs.replace(rule, skipped_on=(), added_on=())

    found = schedules.occurrences(bare, anchor_on=anchor_on, first_on=dt.date(2022, 1, 1), last_on=dt.date(2035, 1, 1))

    assert len(found) <= (rule.count or len(found))
    assert all(on >= (rule.starts_on or anchor_on) for on in found)
    assert all(on <= (rule.until_on or on) for on in found)


@settings(deadline=None)
@given(sound_schedules(), days)
def test_any_schedule_survives_the_wire_and_describes_itself(rule: Schedule, anchor_on: dt.date) -> None:
    again = msgspec.json.decode(msgspec.json.encode(rule), type=Schedule)

    assert again == rule
    assert schedules.describe(rule, anchor_on=anchor_on)[0].isalnum()


@pytest.mark.parametrize(
    ("on", "local_start", "timezone", "instant"),
    [
        # Berlin, 29 March 2026: 02:00 +01:00 becomes 03:00 +02:00.
        ("2026-03-28", "02:30", BERLIN, "2026-03-28T01:30Z"),
        ("2026-03-29", "01:59", BERLIN, "2026-03-29T00:59Z"),
        ("2026-03-29", "02:00", BERLIN, "2026-03-29T01:00Z"),  # does not exist: 03:00
        ("2026-03-29", "02:30", BERLIN, "2026-03-29T01:30Z"),  # does not exist: 03:30
        ("2026-03-29", "03:00", BERLIN, "2026-03-29T01:00Z"),
        ("2026-03-29", "18:30", BERLIN, "2026-03-29T16:30Z"),
        # Berlin, 25 October 2026: 03:00 +02:00 becomes 02:00 +01:00.
        ("2026-10-25", "01:59", BERLIN, "2026-10-24T23:59Z"),
        ("2026-10-25", "02:30", BERLIN, "2026-10-25T00:30Z"),  # twice: the first
        ("2026-10-25", "03:00", BERLIN, "2026-10-25T02:00Z"),
        ("2026-10-25", "18:30", BERLIN, "2026-10-25T17:30Z"),
        # New York, 8 March and 1 November 2026.
        ("2026-03-08", "02:30", NEW_YORK, "2026-03-08T07:30Z"),  # does not exist: 03:30 -04:00
        ("2026-03-08", "08:00", NEW_YORK, "2026-03-08T12:00Z"),
        ("2026-11-01", "01:30", NEW_YORK, "2026-11-01T05:30Z"),  # twice: the first, -04:00
        ("2026-11-01", "08:00", NEW_YORK, "2026-11-01T13:00Z"),
        # Lord Howe moves by half an hour: 4 October 2026 forward, 5 April 2026 back.
        ("2026-10-04", "02:15", LORD_HOWE, "2026-10-03T15:45Z"),  # does not exist: 02:45 +11:00
        ("2026-10-04", "02:30", LORD_HOWE, "2026-10-03T15:30Z"),
        ("2026-04-05", "01:45", LORD_HOWE, "2026-04-04T14:45Z"),  # twice: the first, +11:00
        ("2026-04-05", "02:00", LORD_HOWE, "2026-04-04T15:30Z"),
    ],
)
def test_a_wall_time_is_one_instant(on: str, local_start: str, timezone: str, instant: str) -> None:
    found = schedules.starts_at(dt.date.fromisoformat(on), local_start, timezone)

    assert found == dt.datetime.fromisoformat(instant)
    assert found.tzinfo is dt.UTC


@pytest.mark.parametrize(
    ("timezone", "first", "last", "offsets"),
    [
        (BERLIN, "2026-03-24", "2026-03-31", [17.5, 16.5]),
        (BERLIN, "2026-10-20", "2026-10-27", [16.5, 17.5]),
        (NEW_YORK, "2026-03-03", "2026-03-10", [23.5, 22.5]),
        (NEW_YORK, "2026-10-27", "2026-11-03", [22.5, 23.5]),
        (LORD_HOWE, "2026-03-31", "2026-04-07", [7.5, 8.0]),
        (LORD_HOWE, "2026-09-29", "2026-10-06", [8.0, 7.5]),
    ],
)
def test_half_past_six_stays_half_past_six_when_clocks_change(
    timezone: str, first: str, last: str, offsets: list[float]
) -> None:
    rule = schedule(frequency="weekly", daysOfWeek=[2], startTime="18:30")

    starts = [schedules.starts_at(dt.date.fromisoformat(on), "18:30", timezone) for on in dates(rule, first, last)]

    assert [at.hour + at.minute / 60 for at in starts] == offsets


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        schedules.starts_at(dt.date(2026, 1, 1), "08:00", "Europe/Atlantis")


def test_the_window_begins_today_where_the_club_is() -> None:
    now = dt.datetime(2026, 6, 30, 23, 30, tzinfo=dt.UTC)

    assert schedules.window(now, BERLIN, 1) == (dt.date(2026, 7, 1), dt.date(2026, 7, 8))
    assert schedules.window(now, NEW_YORK, 52) == (dt.date(2026, 6, 30), dt.date(2027, 6, 29))


@pytest.mark.parametrize(
    ("now", "first"),
    [
        ("2026-06-02T16:29:59Z", "2026-06-02"),
        ("2026-06-02T16:30:00Z", "2026-06-09"),
        ("2026-06-02T21:59:59Z", "2026-06-09"),
    ],
)
def test_today_counts_while_its_start_is_ahead(now: str, first: str) -> None:
    rule = schedule(frequency="weekly", daysOfWeek=[2], startTime="18:30")

    found = schedules.upcoming(
        rule,
        anchor_on=dt.date(2026, 1, 1),
        now=dt.datetime.fromisoformat(now),
        timezone=BERLIN,
        horizon_weeks=2,
    )

    assert found[0] == dt.date.fromisoformat(first)
    assert found[-1] == dt.date(2026, 6, 16)


def test_without_a_start_time_today_counts_until_midnight() -> None:
    rule = schedule(frequency="daily")
    late = dt.datetime(2026, 6, 2, 21, 59, tzinfo=dt.UTC)

    found = schedules.upcoming(rule, anchor_on=dt.date(2026, 1, 1), now=late, timezone=BERLIN, horizon_weeks=1)

    assert found[0] == dt.date(2026, 6, 2)
    assert len(found) == 8


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"frequency": "weekly", "daysOfWeek": [2], "startTime": "18:30"}, "Every Tuesday at 18:30"),
        ({"frequency": "weekly"}, "Every Thursday"),
        ({"frequency": "weekly", "startDate": "2026-01-04"}, "Every Sunday"),
        ({"frequency": "weekly", "daysOfWeek": [0, 2, 6]}, "Every Tuesday, Saturday and Sunday"),
        ({"frequency": "weekly", "daysOfWeek": [1, 2, 3, 4, 5]}, "Every weekday"),
        ({"frequency": "weekly", "daysOfWeek": [0, 1, 2, 3, 4, 5, 6]}, "Every day"),
        (
            {"frequency": "weekly", "interval": 2, "daysOfWeek": [2, 4]},
            "Every 2 weeks on Tuesday and Thursday",
        ),
        ({"frequency": "weekly", "interval": 2, "daysOfWeek": [1, 2, 3, 4, 5]}, "Every 2 weeks on weekdays"),
        (
            {"frequency": "weekly", "interval": 3, "daysOfWeek": [0, 1, 2, 3, 4, 5, 6]},
            "Every 3 weeks on every day",
        ),
        ({"frequency": "daily", "startTime": "06:00"}, "Every day at 06:00"),
        ({"frequency": "daily", "interval": 10}, "Every 10 days"),
        (
            {"frequency": "monthly", "weekOfMonth": 1, "daysOfWeek": [6], "startTime": "09:00"},
            "First Saturday of every month at 09:00",
        ),
        ({"frequency": "monthly", "weekOfMonth": -1, "daysOfWeek": [5]}, "Last Friday of every month"),
        (
            {"frequency": "monthly", "weekOfMonth": 2, "daysOfWeek": [0, 6]},
            "Second Saturday and Sunday of every month",
        ),
        ({"frequency": "monthly", "dayOfMonth": -1}, "Last day of every month"),
        ({"frequency": "monthly", "dayOfMonth": 1}, "1st of every month"),
        ({"frequency": "monthly", "dayOfMonth": 12}, "12th of every month"),
        ({"frequency": "monthly", "dayOfMonth": 22, "interval": 3}, "22nd of every 3rd month"),
        ({"frequency": "daily", "until": "2026-06-30"}, "Every day, until 30 June 2026"),
        ({"frequency": "daily", "count": 1}, "Every day, once"),
        (
            {
                "frequency": "daily",
                "count": 10,
                "skipDates": ["2026-01-03"],
                "addDates": ["2026-02-01", "2026-02-02"],
            },
            "Every day, 10 times, except 3 January 2026, also 2 dates",
        ),
    ],
    ids=str,
)
def test_a_schedule_says_itself_in_plain_words(fields: dict[str, Any], words: str) -> None:
    assert schedules.describe(schedule(**fields), anchor_on=dt.date(2026, 1, 1)) == words
