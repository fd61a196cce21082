"""Periods: the stretches of days that a season's curve is asked for, by the short names of the wire.

    42d 2y     so many days or years up to the anchor, which counts     s0 s1     the anchor's season, the one before, …
    all        everything                                               r.2026-01-01.2026-02-01   from a day to a day, both counting

With `-kj0` or `-kj1` behind it a name asks for what came after that much work, of which sport settings say how much. The anchor is a day: the one
asked about, else the newest asked for, else today. A season is a calendar year, as no calendar says otherwise yet. Nothing newer than the newest
asked for is in any period. All of it is pure, and the same whoever asks at once.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from openintervals import errors

USUAL = "1y"
PERIODS_MOST = 50
DAYS_MOST = 40_000
YEARS_MOST = 100
BEGINNING = "0001-01-01"
_FORM = re.compile(
    r"(?:(?P<count>[0-9]{1,5})(?P<unit>[dy])|s(?P<season>[0-9]{1,2})|(?P<all>all)|r\.(?P<first>.{10})\.(?P<last>.{10}))"
    r"(?:-kj(?P<after>[01]))?"
)
EXPECTED = "use such as 42d, 1y, s0 for this season, s1 for the one before, all, or r.2026-01-01.2026-02-01"


class Period(msgspec.Struct, frozen=True):
    """Days from `oldest` up to the local time `newest`, none where that is earlier; `after` says after which of two amounts of work, if any."""

    id: str
    label: str
    oldest: str
    newest: str
    after: int | None = None


def days(oldest: str, newest: str) -> int:
    """How many days there are from a day up to a day or local time, both counting."""
    return max((date.fromisoformat(newest[:10]) - date.fromisoformat(oldest[:10])).days + 1, 0)


def read(said: str, anchor: date) -> Period:
    """The period that a name means. Raises ValueError, saying what is wrong with the name."""
    match = _FORM.fullmatch(said)
    if match is None:
        raise ValueError(f"{said[:40]!r} is no period; {EXPECTED}")
    oldest, newest, label = date.fromisoformat(BEGINNING), anchor, "All time"
    if match["count"]:
        count, years = int(match["count"]), match["unit"] == "y"
        if not 0 < count <= (YEARS_MOST if years else DAYS_MOST):
            raise ValueError(
                f"{said[:40]!r} is no period: at most {DAYS_MOST} days or {YEARS_MOST} years, and at least one"
            )
        oldest = _years_before(anchor, count) if years else _days_before(anchor, count - 1)
        label = f"{count} {'year' if years else 'day'}{'s' if count > 1 else ''}"
    elif match["season"]:
        year = max(anchor.year - int(match["season"]), 1)
        oldest, newest = date(year, 1, 1), min(date(year, 12, 31), anchor)
        label = "This season" if year == anchor.year else f"Season {year}"
    elif match["first"]:
        try:
            oldest, newest = date.fromisoformat(match["first"]), date.fromisoformat(match["last"])
        except ValueError:
            raise ValueError(f"{said[:40]!r} has no two days of the calendar; {EXPECTED}") from None
        if newest < oldest:
            raise ValueError(f"{said[:40]!r} ends before it begins; {EXPECTED}")
        label = f"{oldest} to {newest}"
    after = None if match["after"] is None else int(match["after"])
    return Period(said, label, oldest.isoformat(), f"{newest}T23:59:59", after)


def _days_before(anchor: date, days: int) -> date:
    return date.fromordinal(max(anchor.toordinal() - days, 1))


def _years_before(anchor: date, years: int) -> date:
    """The day after the same day so many years before."""
    year = anchor.year - years
    if year < 1:
        return date.fromisoformat(BEGINNING)
    day = anchor.replace(year=year, day=28) if (anchor.month, anchor.day) == (2, 29) else anchor.replace(year=year)
    return day + timedelta(days=1)


def asked(said: Sequence[str], today: str, *, now: str | None, newest: str | None, worked: bool) -> list[Period]:
    """The periods of these names, each once, and the usual one for none; `worked` says whether curves after work are known.

    `now` and `newest` are days or local times. Raises Invalid with every name that is none."""
    anchor = date.fromisoformat((now or newest or today)[:10])
    until = None if newest is None else newest if len(newest) > 10 else f"{newest}T23:59:59"
    found: list[Period] = []
    wrong: list[str] = []
    names = list(dict.fromkeys(said)) or [USUAL]
    if len(names) > PERIODS_MOST:
        raise errors.Invalid("Too many periods", {"curves": [f"At most {PERIODS_MOST} at once"]})
    for name in names:
        try:
            period = read(name, anchor)
        except ValueError as problem:
            wrong.append(str(problem))
            continue
        if period.after is not None and not worked:
            wrong.append(f"{name!r}: only curves of power are known after work; {EXPECTED}")
        if until is not None and until < period.newest:
            period = msgspec.structs.replace(period, newest=until)
        found.append(period)
    if wrong:
        raise errors.Invalid("The curves cannot be made", {"curves": wrong})
    return found
