"""What the demo club has put on and is about to: plain data, with days counted from the day it is made.

All of it is invented. Runners are numbers with addresses at example.com, which belong to nobody.
"""

from typing import Any

import msgspec

from openintervals.club.recurrences import PaceGroupTemplate, RunTemplate
from openintervals.club.schedule import Schedule

NAME, SLUG, TIMEZONE = "Lakeside Runners", "lakeside-runners-demo", "America/Chicago"
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)


class PlannedGroup(msgspec.Struct, frozen=True):
    name: str
    cap: int | None = None
    bibs: tuple[int, int] | None = None


class PlannedRun(msgspec.Struct, frozen=True, kw_only=True):
    """`coming` register for a place, then `waiting` for the list (and, with pace groups, for the first of them), then `leaving` of the first cancel.

    `fields` are columns of the run beyond these; `opens_in_days` counts from the day the club is made."""

    standard: str = "Other"
    label: str | None = None
    distance_m: float | None = None
    starts: str
    coming: int
    waiting: int = 0
    leaving: int = 0
    cap: int | None = None
    groups: tuple[PlannedGroup, ...] = ()
    bibs: tuple[int, int] | None = None
    opens_in_days: int | None = None
    fields: dict[str, Any] = {}


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """On the first `weekday` from `in_days` on; `fields` are columns of the event beyond these."""

    name: str
    slug: str
    type: str
    in_days: int
    weekday: int
    runs: tuple[PlannedRun, ...]
    bibs_assigned: bool = False
    fields: dict[str, Any] = {}


class Recurring(msgspec.Struct, frozen=True, kw_only=True):
    """Began on the first `weekday` from `since_days` ago on; about `coming` people register for each run."""

    name: str
    slug: str
    type: str
    since_days: int
    weekday: int
    label: str
    schedule: Schedule
    templates: list[RunTemplate]
    horizon_weeks: int = 8
    coming: int = 6
    paused: bool = False
    fields: dict[str, Any] = {}


class PlannedList(msgspec.Struct, frozen=True, kw_only=True):
    """A group of events, by their slugs."""

    name: str
    slug: str
    events: tuple[str, ...]
    description: str
    status: str = "active"


PAVILION = {
    "address": '{"street":"1 Invented Pier","city":"Chicago","region":"IL","country":"US"}',
    "lat": 41.89,
    "lng": -87.6,
}
TRACK = {"address": '{"name":"Made-up Park track","city":"Chicago","country":"US"}', "lat": 41.92, "lng": -87.64}

PAST = (
    Planned(
        name="Breakwater Half",
        slug="breakwater-half",
        type="race",
        in_days=-108,
        weekday=SUNDAY,
        bibs_assigned=True,
        fields={"local_start": "08:00", "description": "Out along the breakwater and back.", **PAVILION},
        runs=(
            PlannedRun(standard="Half Marathon", starts="08:00", coming=34, leaving=2, cap=60, bibs=(1, 199)),
            PlannedRun(standard="10K", starts="08:30", coming=28, leaving=1, cap=100, bibs=(200, 399)),
            PlannedRun(standard="5K", starts="09:00", coming=22, bibs=(400, 599)),
        ),
    ),
    Planned(
        name="Newcomers' Run",
        slug="newcomers-run",
        type="runClub",
        in_days=-75,
        weekday=SATURDAY,
        fields={"local_start": "09:00", "local_end": "10:30", "description": "Easy, with coffee afterwards."},
        runs=(PlannedRun(label="Easy 4 km", distance_m=4000, starts="09:00", coming=14),),
    ),
    Planned(
        name="Old Canal 10K",
        slug="old-canal-10k",
        type="race",
        in_days=-50,
        weekday=SUNDAY,
        bibs_assigned=True,
        fields={"local_start": "09:00", **PAVILION},
        runs=(
            PlannedRun(standard="10K", starts="09:00", coming=36, waiting=5, leaving=3, cap=36, bibs=(1, 99)),
            PlannedRun(standard="5K", starts="09:20", coming=26, cap=60, bibs=(100, 199)),
            PlannedRun(
                label="Walkers' 5K",
                distance_m=5000,
                starts="09:30",
                coming=9,
                bibs=(200, 299),
                fields={"is_walking": True},
            ),
        ),
    ),
    Planned(
        name="One Mile Time Trial",
        slug="one-mile-time-trial",
        type="timeTrial",
        in_days=-26,
        weekday=THURSDAY,
        fields={"local_start": "19:00", **TRACK},
        runs=(PlannedRun(label="1 mile", distance_m=1609.344, starts="19:00", coming=16, leaving=1, cap=24),),
    ),
    Planned(
        name="Shoreline Clean-up",
        slug="shoreline-clean-up",
        type="other",
        in_days=-13,
        weekday=SATURDAY,
        fields={"local_start": "10:00", "local_end": "13:00", "description": "Gloves and bags are there."},
        runs=(PlannedRun(label="Volunteers", distance_m=0, starts="10:00", coming=15, cap=25),),
    ),
)

COMING = (
    Planned(
        name="Parkway Time Trial",
        slug="parkway-time-trial",
        type="timeTrial",
        in_days=9,
        weekday=THURSDAY,
        fields={"local_start": "18:45", **TRACK},
        runs=(
            PlannedRun(standard="5K", starts="18:45", coming=18, cap=40),
            PlannedRun(standard="10K", starts="19:30", coming=7, cap=20),
        ),
    ),
    Planned(
        name="Beginners' Clinic",
        slug="beginners-clinic",
        type="other",
        in_days=18,
        weekday=WEDNESDAY,
        fields={"local_start": "18:00", "local_end": "20:00", "description": "Registration opens in a few days."},
        runs=(PlannedRun(label="Clinic", distance_m=2000, starts="18:00", coming=0, cap=30, opens_in_days=5),),
    ),
    Planned(
        name="Harbour Lights 10K",
        slug="harbour-lights-10k",
        type="race",
        in_days=24,
        weekday=SATURDAY,
        fields={
            "local_start": "20:00",
            "max_participants": 140,
            "description": "After dark; the 10K is sold out and has a waiting list.",
            **PAVILION,
        },
        runs=(
            PlannedRun(standard="10K", starts="20:00", coming=40, waiting=9, leaving=2, cap=40, bibs=(1, 99)),
            PlannedRun(standard="5K", starts="20:30", coming=33, leaving=1, cap=80, bibs=(100, 199)),
        ),
    ),
    Planned(
        name="Coaches' Talk and Supper",
        slug="coaches-talk-and-supper",
        type="other",
        in_days=33,
        weekday=FRIDAY,
        fields={"local_start": "19:00", "local_end": "22:00", "description": "A freed seat is offered for 48 hours."},
        runs=(
            PlannedRun(
                label="Seats",
                distance_m=0,
                starts="19:00",
                coming=20,
                waiting=3,
                leaving=1,
                cap=20,
                fields={"waitlist_offer_hours": 48},
            ),
        ),
    ),
    Planned(
        name="Lakeside Marathon Weekend",
        slug="lakeside-marathon-weekend",
        type="race",
        in_days=52,
        weekday=SUNDAY,
        bibs_assigned=True,
        fields={"local_start": "07:00", "website_url": "https://example.com/marathon", **PAVILION},
        runs=(
            PlannedRun(
                standard="Marathon",
                starts="07:00",
                coming=32,
                waiting=2,
                leaving=0,
                cap=80,
                bibs=(1000, 1999),
                groups=(
                    PlannedGroup("3:30", 8, (1000, 1099)),
                    PlannedGroup("4:00", 20, (1100, 1299)),
                    PlannedGroup("4:30", 20, (1300, 1499)),
                    PlannedGroup("5:00"),
                ),
            ),
            PlannedRun(
                standard="Half Marathon",
                starts="07:30",
                coming=30,
                leaving=2,
                cap=90,
                bibs=(2000, 2999),
                groups=(PlannedGroup("1:45"), PlannedGroup("2:00"), PlannedGroup("2:15")),
            ),
            PlannedRun(standard="5K", starts="10:30", coming=17, bibs=(3000, 3999)),
        ),
    ),
    Planned(
        name="Old Mill Trail Day",
        slug="old-mill-trail-day",
        type="race",
        in_days=80,
        weekday=SATURDAY,
        fields={"local_start": "06:30", "description": "The 15K is postponed until the bridge is mended."},
        runs=(
            PlannedRun(standard="50K", starts="06:30", coming=12, cap=30),
            PlannedRun(label="50K relay", distance_m=50_000, starts="06:45", coming=6, fields={"is_relay": True}),
            PlannedRun(standard="15K", starts="09:00", coming=0, cap=60, fields={"event_status": "postponed"}),
        ),
    ),
)

RECURRING = (
    Recurring(
        name="Tuesday Tempo",
        slug="tuesday-tempo",
        type="runClub",
        since_days=84,
        weekday=TUESDAY,
        label="Tuesday Tempo",
        schedule=Schedule(frequency="weekly", days_of_week=(2,), local_start="18:30", duration_minutes=75),
        templates=[
            RunTemplate(distance_standard="5K"),
            RunTemplate(distance_m=8000, distance_label="8 km tempo", max_participants=30),
        ],
        fields={"local_start": "18:30", "description": "Every Tuesday, from the pavilion.", **PAVILION},
    ),
    Recurring(
        name="First Saturday Long Run",
        slug="first-saturday-long-run",
        type="runClub",
        since_days=100,
        weekday=SATURDAY,
        label="Long Run",
        schedule=Schedule(frequency="monthly", days_of_week=(6,), week_of_month=1, local_start="07:30"),
        templates=[
            RunTemplate(distance_standard="15K"),
            RunTemplate(
                distance_standard="Half Marathon",
                max_participants=25,
                pace_groups=[PaceGroupTemplate(name="5:30/km", max_participants=12), PaceGroupTemplate(name="6:15/km")],
            ),
        ],
        horizon_weeks=12,
        coming=7,
        fields={"local_start": "07:30", **PAVILION},
    ),
    Recurring(
        name="Last Friday Social Run",
        slug="last-friday-social-run",
        type="other",
        since_days=70,
        weekday=FRIDAY,
        label="Social Run",
        schedule=Schedule(frequency="monthly", days_of_week=(5,), week_of_month=-1, local_start="18:00"),
        templates=[RunTemplate(distance_m=3000, distance_label="3 km and a table")],
        coming=5,
        paused=True,
        fields={"local_start": "18:00", "description": "Pausing: no new dates for now."},
    ),
)

LISTS = (
    PlannedList(
        name="Race Calendar",
        slug="race-calendar",
        description="Every race of the club, past and coming.",
        events=("breakwater-half", "old-canal-10k", "harbour-lights-10k", "lakeside-marathon-weekend"),
    ),
    PlannedList(
        name="Club Runs",
        slug="club-runs",
        description="What happens every week and every month.",
        events=("tuesday-tempo", "first-saturday-long-run", "newcomers-run"),
    ),
    PlannedList(
        name="Socials",
        slug="socials",
        description="Beside the running.",
        events=("last-friday-social-run", "coaches-talk-and-supper"),
        status="paused",
    ),
)

SANDBOX = (
    Planned(
        name="Sandbox Race",
        slug="sandbox-race",
        type="race",
        in_days=14,
        weekday=SUNDAY,
        fields={"local_start": "09:00"},
        runs=(
            PlannedRun(standard="5K", starts="09:00", coming=6, cap=50),
            PlannedRun(standard="10K", starts="09:30", coming=4),
        ),
    ),
    Planned(
        name="Sandbox Sold-out Mile",
        slug="sandbox-sold-out-mile",
        type="timeTrial",
        in_days=21,
        weekday=THURSDAY,
        runs=(PlannedRun(label="1 mile", distance_m=1609.344, starts="19:00", coming=5, waiting=2, cap=5),),
    ),
    Planned(
        name="Sandbox Club Run",
        slug="sandbox-club-run",
        type="runClub",
        in_days=-7,
        weekday=WEDNESDAY,
        runs=(PlannedRun(label="6 km", distance_m=6000, starts="18:30", coming=5),),
    ),
)
