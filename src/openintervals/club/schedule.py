"""How a recurrence repeats: from a rule to dates, and from a date and a wall time to an instant.

Pure. Nothing here touches a database or reads a clock: today and now are handed in. The rule is a part of
what RFC 5545 can say, and python-dateutil walks it:

- *daily*: every `interval` days from the start. *weekly*: on `daysOfWeek`, or on the weekday of the start
  when none are named, every `interval` weeks. *monthly*: on one day of the month, or on the nth (or last)
  of one or several weekdays, every `interval` months.
- Weeks start on Monday, RFC 5545's default: with an interval of 2 the weeks that count are the start's own
  Monday to Sunday and every second one after it. (`0 = Sunday` only numbers the days.) Months count from
  the start's own.
- The start is `startDate`, or, when that is absent, the date of the parent event, here `anchor_on`. It is an
  occurrence only when the rule says so; no date of the rule is before it.
- A month too short for its day, or without the leap day, has no occurrence. -1 is the last day, or the last
  such weekday, of the month.
- `until` is inclusive. `count` counts the dates the rule gives before any is skipped, so skipping one does
  not append another.
- Added dates stand wherever they fall, also before the start or after the end. A date both added and
  skipped is skipped.

Wall times belong to a time zone given by the caller. One that does not exist, because clocks were put
forward over it, moves forward by the gap (02:30 becomes 03:30); one that comes twice, when clocks go back,
is the first of the two.

A struct as decoded has each field in its bounds; `problems` says what is wrong between the fields. The
dates of a schedule that has problems mean nothing, but asking for them is safe and ends.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from dateutil import rrule
from msgspec import Meta

Frequency = Literal["daily", "weekly", "monthly"]

MAX_DATES = 500
"""Most dates a schedule skips, and most it adds."""

_MAX_INTERVAL: dict[Frequency, int] = {"daily": 366, "weekly": 52, "monthly": 24}
_FREQUENCIES: dict[Frequency, Literal[1, 2, 3]] = {
    "daily": rrule.DAILY,
    "weekly": rrule.WEEKLY,
    "monthly": rrule.MONTHLY,
}
_EARLIEST_ON, _LATEST_ON = dt.date(1900, 1, 1), dt.date(2199, 12, 31)

_DayOfWeek = Annotated[int, Meta(ge=0, le=7)]
_DayOfMonth = Annotated[int, Meta(ge=-1, le=31)]
_LocalTime = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$",
        extra={"message": "Invalid time, expected HH:MM or HH:MM:SS"},
    ),
]
_Minutes = Annotated[int, Meta(ge=1, le=10080)]
_Count = Annotated[int, Meta(ge=1, le=1000)]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A rule of repetition, as sent, stored and answered.

    Days and dates are sorted and unique, Sunday is 0 and times are HH:MM (seconds are dropped), whatever
    was sent; so schedules spelled differently are equal when they say the same.
    """

    frequency: Annotated[
        Frequency, Meta(description="The unit that `interval` counts.", examples=["weekly", "monthly"])
    ]
    interval: Annotated[
        int,
        Meta(
            description="Every how many days (at most 366), weeks (52; from Monday) or months (24).",
            examples=[1, 2],
            ge=1,
            le=366,
        ),
    ] = 1
    days_of_week: Annotated[
        tuple[_DayOfWeek, ...],
        Meta(
            description="0 = Sunday to 6 = Saturday; 7 is taken as Sunday. Weekly: absent means that of "
            "the start. Monthly: together with `weekOfMonth`.",
            examples=[[2], [1, 3, 5]],
            max_length=7,
        ),
    ] = ()
    day_of_month: Annotated[
        _DayOfMonth | None,
        Meta(
            description="Monthly: 1 to 31, or -1 for the last day. A month too short for it has none.",
            examples=[15, -1],
        ),
    ] = None
    week_of_month: Annotated[
        Literal[-1, 1, 2, 3, 4] | None,
        Meta(
            description="Monthly: which of the month's `daysOfWeek`, first to fourth, or -1 for the last.",
            examples=[1, -1],
        ),
    ] = None
    local_start: Annotated[
        _LocalTime | None,
        Meta(
            description="Wall-clock start where the organization is: HH:MM or HH:MM:SS, answered as HH:MM.",
            examples=["18:30"],
        ),
    ] = msgspec.field(name="startTime", default=None)
    duration_minutes: Annotated[
        _Minutes | None, Meta(description="How long one occurrence lasts; at most a week.", examples=[60])
    ] = None
    starts_on: Annotated[
        dt.date | None,
        Meta(
            description="First day the rule may fall on; `interval` counts from it. Absent: the event's.",
            examples=["2026-01-06"],
        ),
    ] = msgspec.field(name="startDate", default=None)
    until_on: Annotated[
        dt.date | None,
        Meta(
            description="Last day the rule may fall on, inclusive. Not together with `count`.",
            examples=["2026-12-22"],
        ),
    ] = msgspec.field(name="until", default=None)
    count: Annotated[
        _Count | None,
        Meta(
            description="How many dates the rule gives: skipped ones are counted, added ones are not.",
            examples=[10],
        ),
    ] = None
    skipped_on: Annotated[
        tuple[dt.date, ...],
        Meta(description="Dates left out.", examples=[["2026-12-29"]], max_length=MAX_DATES),
    ] = msgspec.field(name="skipDates", default=())
    added_on: Annotated[
        tuple[dt.date, ...],
        Meta(description="Dates beyond the rule's own.", examples=[["2026-05-01"]], max_length=MAX_DATES),
    ] = msgspec.field(name="addDates", default=())

    def __post_init__(self) -> None:
        # One spelling per meaning, so that "did the rule change?" is ==.
        put = msgspec.structs.force_setattr
        put(self, "days_of_week", tuple(sorted({day % 7 for day in self.days_of_week})))
        put(self, "skipped_on", tuple(sorted(set(self.skipped_on))))
        put(self, "added_on", tuple(sorted(set(self.added_on))))
        if self.local_start is not None:
            put(self, "local_start", self.local_start[:5])


_FAR = f"Dates must be between {_EARLIEST_ON} and {_LATEST_ON}"
# Decoding bounds what is sent at once; dates skipped one by one, by `skipping`, add up.
_MANY = f"Array must contain at most {MAX_DATES} element(s)"


def problems(schedule: Schedule) -> dict[str, list[str]]:
    """What is wrong between the fields: messages by the field's name on the wire; empty when it is sound."""
    monthly, daily = schedule.frequency == "monthly", schedule.frequency == "daily"
    by_day, by_week = schedule.day_of_month is not None, schedule.week_of_month is not None
    weekdays = bool(schedule.days_of_week)
    starts_on, until_on, skipped_on, added_on = (
        schedule.starts_on,
        schedule.until_on,
        schedule.skipped_on,
        schedule.added_on,
    )
    longest = _MAX_INTERVAL[schedule.frequency]
    both = sorted({*skipped_on} & {*added_on})
    rules = (
        ("interval", schedule.interval > longest, f"Number must be less than or equal to {longest}"),
        ("daysOfWeek", weekdays and daily, "Only a weekly or monthly schedule has daysOfWeek"),
        ("daysOfWeek", monthly and by_week and not weekdays, "Required with weekOfMonth"),
        ("weekOfMonth", monthly and weekdays and not (by_week or by_day), "Required with daysOfWeek"),
        ("weekOfMonth", by_week and not monthly, "Only a monthly schedule has weekOfMonth"),
        ("dayOfMonth", by_day and not monthly, "Only a monthly schedule has dayOfMonth"),
        ("dayOfMonth", schedule.day_of_month == 0, "Must be 1 to 31, or -1 for the last day"),
        ("dayOfMonth", monthly and by_day and (by_week or weekdays), f"Give either {_EITHER}, not both"),
        (
            "dayOfMonth",
            monthly and not (by_day or by_week or weekdays),
            f"A monthly schedule needs {_EITHER}",
        ),
        ("until", bool(until_on and starts_on and until_on < starts_on), "Must not be before startDate"),
        ("count", bool(until_on and schedule.count), "Give either until or count, not both"),
        ("addDates", bool(both), f"Also in skipDates: {', '.join(map(str, both[:5]))}"),
        ("startDate", _any_far([starts_on]), _FAR),
        ("until", _any_far([until_on]), _FAR),
        ("skipDates", _any_far(skipped_on), _FAR),
        ("addDates", _any_far(added_on), _FAR),
        ("skipDates", len(skipped_on) > MAX_DATES, _MANY),
        ("addDates", len(added_on) > MAX_DATES, _MANY),
    )
    found: dict[str, list[str]] = {}
    for field, broken, message in rules:
        if broken:
            found.setdefault(field, []).append(message)
    return found


_EITHER = "dayOfMonth or weekOfMonth with daysOfWeek"


def _any_far(dates: Sequence[dt.date | None]) -> bool:
    return any(on is not None and not _EARLIEST_ON <= on <= _LATEST_ON for on in dates)


def skipping(schedule: Schedule, on: dt.date) -> Schedule:
    """The schedule without that date, whether the rule gave it or it was added."""
    return msgspec.structs.replace(
        schedule,
        skipped_on=(*schedule.skipped_on, on),
        added_on=tuple(other for other in schedule.added_on if other != on),
    )


def occurrences(schedule: Schedule, *, anchor_on: dt.date, first_on: dt.date, last_on: dt.date) -> list[dt.date]:
    """The dates from `first_on` to `last_on`, both inclusive, sorted and unique; empty when the window is.

    The work grows with the window, not with its distance from the start; under `count` the dates before the
    window are counted through as well, at most 1,000.
    """
    dates = {on for on in _rule_dates(schedule, anchor_on, first_on, last_on) if on >= first_on}
    dates.update(on for on in schedule.added_on if first_on <= on <= last_on)
    return sorted(dates.difference(schedule.skipped_on))


def _rule_dates(schedule: Schedule, anchor_on: dt.date, first_on: dt.date, last_on: dt.date) -> Iterator[dt.date]:
    """The rule's own dates up to `last_on`, in order; there may be some before `first_on`."""
    starts_on = schedule.starts_on or anchor_on
    # Without a count the walk may begin beside the window: rrule goes date by date, which takes a second for
    # every six centuries of a daily rule.
    seen_from = starts_on if schedule.count else max(starts_on, first_on)
    # rrule looks at `until` only when it finds a date: without the last days, dropped again below, it would
    # search for a 30 February up to the year 9999.
    day = schedule.day_of_month if schedule.frequency == "monthly" else None
    rule = rrule.rrule(
        _FREQUENCIES[schedule.frequency],
        dtstart=dt.datetime.combine(_aligned(schedule, starts_on, seen_from), dt.time.min),
        until=dt.datetime.combine(min(last_on, schedule.until_on or last_on), dt.time.min),
        interval=schedule.interval,
        wkst=rrule.MO,
        byweekday=_weekdays(schedule, starts_on),
        bymonthday=None if day is None else (day, -1),
    )
    dates = (at.date() for at in rule if day in (None, -1, at.day))
    return islice((on for on in dates if on >= starts_on), schedule.count)


def _aligned(schedule: Schedule, starts_on: dt.date, seen_from: dt.date) -> dt.date:
    """The first day of the last period, of those the interval lands on, that begins by `seen_from`."""
    interval = schedule.interval
    if schedule.frequency == "daily":
        return starts_on + dt.timedelta(days=(seen_from - starts_on).days // interval * interval)
    if schedule.frequency == "weekly":
        monday_on = starts_on - dt.timedelta(days=starts_on.weekday())
        return monday_on + dt.timedelta(weeks=(seen_from - monday_on).days // 7 // interval * interval)
    months = (seen_from.year - starts_on.year) * 12 + seen_from.month - starts_on.month
    year, month = divmod(starts_on.year * 12 + starts_on.month - 1 + months // interval * interval, 12)
    return dt.date(year, month + 1, 1)


def _weekdays(schedule: Schedule, starts_on: dt.date) -> list[rrule.weekday] | None:
    days = _days_of_week(schedule, starts_on)
    nth = schedule.week_of_month if schedule.frequency == "monthly" else None
    return [rrule.weekday((day - 1) % 7, nth) for day in days] or None


def _days_of_week(schedule: Schedule, anchor_on: dt.date) -> tuple[int, ...]:
    """The days the rule looks at, 0 = Sunday: none when it goes by the date alone."""
    if schedule.frequency == "daily":
        return ()
    if schedule.frequency == "weekly" and not schedule.days_of_week:
        return ((schedule.starts_on or anchor_on).isoweekday() % 7,)
    return schedule.days_of_week


def starts_at(on: dt.date, local_start: str, timezone: str) -> dt.datetime:
    """The instant, in UTC, of a wall time ("18:30") on a date in a time zone ("Europe/Berlin").

    A time that clocks skip moves forward by the gap; of a time that comes twice it is the first. An unknown
    zone raises `zoneinfo.ZoneInfoNotFoundError`, which is a KeyError.
    """
    # fold is 0, which is both rules at once (PEP 495): the offset is the one in force before the change.
    wall = dt.datetime.combine(on, dt.time.fromisoformat(local_start), tzinfo=ZoneInfo(timezone))
    return wall.astimezone(dt.UTC)


def is_ahead(on: dt.date, local_start: str | None, *, now: dt.datetime, timezone: str) -> bool:
    """Whether that start is to come or, without a start time, that day is not over. `now` is aware."""
    if local_start is None:
        return on >= now.astimezone(ZoneInfo(timezone)).date()
    return starts_at(on, local_start, timezone) > now


def window(now: dt.datetime, timezone: str, horizon_weeks: int) -> tuple[dt.date, dt.date]:
    """From today in that zone to the same weekday `horizon_weeks` later, both inclusive. `now` is aware."""
    today_on = now.astimezone(ZoneInfo(timezone)).date()
    return today_on, today_on + dt.timedelta(weeks=horizon_weeks)


def upcoming(
    schedule: Schedule, *, anchor_on: dt.date, now: dt.datetime, timezone: str, horizon_weeks: int
) -> list[dt.date]:
    """The dates in the horizon's window that are ahead: today counts while its start time is."""
    first_on, last_on = window(now, timezone, horizon_weeks)
    dates = occurrences(schedule, anchor_on=anchor_on, first_on=first_on, last_on=last_on)
    return [on for on in dates if is_ahead(on, schedule.local_start, now=now, timezone=timezone)]


_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_EVERY_DAY, _WORKDAYS = (0, 1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 5)
_NTH = {1: "First", 2: "Second", 3: "Third", 4: "Fourth", -1: "Last"}
# strftime would answer in the server's locale.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def describe(schedule: Schedule, *, anchor_on: dt.date) -> str:
    """One plain line: "Every Tuesday at 18:30", "First Saturday of every month at 09:00, 10 times"."""
    line = {"daily": _daily, "weekly": _weekly, "monthly": _monthly}[schedule.frequency](schedule, anchor_on)
    if schedule.local_start:
        line += f" at {schedule.local_start}"
    if schedule.until_on:
        line += f", until {_written(schedule.until_on)}"
    if schedule.count:
        line += ", once" if schedule.count == 1 else f", {schedule.count} times"
    if schedule.skipped_on:
        line += f", except {_dates(schedule.skipped_on)}"
    if schedule.added_on:
        line += f", also {_dates(schedule.added_on)}"
    return line


def _daily(schedule: Schedule, _anchor_on: dt.date) -> str:
    return "Every day" if schedule.interval == 1 else f"Every {schedule.interval} days"


def _weekly(schedule: Schedule, anchor_on: dt.date) -> str:
    days = _days_of_week(schedule, anchor_on)
    one, several = {
        _EVERY_DAY: ("day", "every day"),
        _WORKDAYS: ("weekday", "weekdays"),
    }.get(days, (_listed(days), _listed(days)))
    return f"Every {one}" if schedule.interval == 1 else f"Every {schedule.interval} weeks on {several}"


def _monthly(schedule: Schedule, _anchor_on: dt.date) -> str:
    if schedule.week_of_month is not None:
        day = f"{_NTH[schedule.week_of_month]} {_listed(schedule.days_of_week)}"
    elif schedule.day_of_month == -1:
        day = "Last day"
    else:
        day = _ordinal(schedule.day_of_month or 0)
    return f"{day} of every {'' if schedule.interval == 1 else _ordinal(schedule.interval) + ' '}month"


def _listed(days: Sequence[int]) -> str:
    *rest, last = [_DAYS[day] for day in sorted(days, key=lambda day: (day - 1) % 7)] or [""]
    return f"{', '.join(rest)} and {last}" if rest else last


def _ordinal(number: int) -> str:
    suffix = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _dates(dates: Sequence[dt.date]) -> str:
    return _written(dates[0]) if len(dates) == 1 else f"{len(dates)} dates"


def _written(on: dt.date) -> str:
    return f"{on.day} {_MONTHS[on.month - 1]} {on.year}"
