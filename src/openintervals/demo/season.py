"""The demo's athletes and their season: made-up people, and what they did in the weeks before they came.

All of it is pure: an athlete and the day of coming give the same season, file for file.
"""

from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from openintervals.demo.plans import TIMEZONE
from openintervals.training import made_up
from openintervals.training.made_up import Kind, Person

ZONE = ZoneInfo(TIMEZONE)
WEEKS = 10
_SHARES = (0.85, 1.0, 1.12, 0.65)  # of the usual minutes: three weeks harder and harder, then an easy one
_SETS = (
    ((1, 200, 0.88), (8, 100, 1.0), (4, 50, 1.06), (1, 200, 0.84)),
    ((1, 300, 0.87), (5, 200, 0.97), (1, 100, 0.84)),
)


class Session(NamedTuple):
    """What is done every week, and when."""

    weekday: int
    local_start: time
    sport: Literal["ride", "indoor ride", "run", "swim"]
    kind: Kind
    minutes: int
    name: str


class Planned(NamedTuple):
    """An athlete of the demo. `ftp_w` is that of the first week; it rises by `gained_w` halfway."""

    role: str
    name: str
    email: str
    sex: str
    person: Person
    sessions: tuple[Session, ...]
    gained_w: int = 0


class Done(NamedTuple):
    """A session that was held: the id it is known by, and when it began."""

    external_id: str
    session: Session
    start: datetime


_HOME = {"lat": 42.918, "lng": -88.472, "altitude_m": 268.0}

ATHLETES = (
    Planned(
        "coach", "Demo Coach", "coach@example.com", "F",
        Person(ftp_w=226, weight_kg=61, lthr_bpm=164, max_hr_bpm=181, resting_hr_bpm=47, run_mps=4.1, **_HOME),
        (
            Session(2, time(6, 15), "run", "tempo", 40, "Tempo before breakfast"),
            Session(6, time(8, 0), "ride", "endurance", 75, "Sunday loop"),
        ),
    ),
    Planned(
        "athlete", "Demo Triathlete", "triathlete@example.com", "M",
        Person(ftp_w=248, weight_kg=71, lthr_bpm=167, max_hr_bpm=186, resting_hr_bpm=49, run_mps=3.9, swim_mps=1.22, **_HOME),
        (
            Session(0, time(6, 30), "swim", "threshold", 30, "Masters swim"),
            Session(1, time(18, 0), "indoor ride", "vo2", 50, "Trainer: 3 minutes hard"),
            Session(3, time(17, 45), "run", "threshold", 40, "Track Thursday"),
            Session(5, time(8, 30), "ride", "endurance", 90, "Long ride"),
            Session(6, time(9, 0), "run", "easy", 45, "Easy along the river"),
        ),
        gained_w=8,
    ),
    Planned(
        "cyclist", "Demo Cyclist", "cyclist@example.com", "F",
        Person(ftp_w=254, weight_kg=64, lthr_bpm=171, max_hr_bpm=191, resting_hr_bpm=46, **_HOME),
        (
            Session(1, time(17, 30), "ride", "threshold", 60, "Two by ten, and more"),
            Session(3, time(17, 30), "ride", "tempo", 60, "Tempo in the hills"),
            Session(5, time(9, 0), "ride", "endurance", 100, "Club ride"),
        ),
        gained_w=6,
    ),
)  # fmt: skip


def first_day(came_on: date) -> date:
    """The Monday with which the season begins of who came on a day."""
    return came_on - timedelta(days=came_on.weekday(), weeks=WEEKS - 1)


def gains_on(came_on: date) -> date:
    """The day from which on the FTP is higher."""
    return first_day(came_on) + timedelta(weeks=WEEKS // 2)


def done(planned: Planned, came_at: datetime) -> list[Done]:
    """What was done before somebody came, newest first."""
    today = came_at.astimezone(ZONE).date()
    monday = first_day(today)
    found = []
    for week in range(WEEKS):
        for number, session in enumerate(planned.sessions):
            day = monday + timedelta(weeks=week, days=session.weekday)
            start = datetime.combine(day, session.local_start, ZONE) + timedelta(minutes=(week * 7 + number * 3) % 11)
            if start + timedelta(minutes=session.minutes * 1.2) < came_at:
                found.append(Done(f"demo-{planned.role}-{day}", session, start))
    return sorted(found, key=lambda each: each.start, reverse=True)


def recorded(planned: Planned, of: Done, came_at: datetime) -> bytes:
    """The file that a device would have written."""
    session, start = of.session, of.start
    came_on = came_at.astimezone(ZONE).date()
    week = (start.date() - first_day(came_on)).days // 7
    person = planned.person
    if start.date() >= gains_on(came_on):
        person = person._replace(ftp_w=person.ftp_w + planned.gained_w)
    seed = week * 10 + session.weekday + sum(planned.role.encode())
    seconds = round(session.minutes * 60 * _SHARES[week % len(_SHARES)])
    if session.sport == "swim":
        return made_up.swim(seed, start, _SETS[week % len(_SETS)], person)
    if session.sport == "run":
        return made_up.run(seed, start, seconds, person, session.kind)
    return made_up.ride(seed, start, seconds, person, session.kind, indoors=session.sport == "indoor ride")
