"""What becomes of a recurrence's published runs when its schedule is changed, prolonged, paused or deleted.

Pure: the runs as they are and the schedule as it shall be go in, a `Plan` comes out. The preview answers
the plan and the change carries out the same plan, so they cannot disagree.

A change applies to *this* one date, to *following* ones from a date on, or to *all*. Only runs that are
ahead (their own start is to come) are in the plan; each of them is in exactly one of its lists, those
outside the scope under `unchanged`. A run is known by its occurrence, the date the rule gave it, wherever
it was moved since. Runs of different templates (distances) never meet: each template is planned as if
alone, and those of a template no longer wanted are planned as if the recurrence were deleted.

Pairing. Old runs and the new schedule's dates are paired one to one, the best pair first:

1. A run and its own occurrence, when the new rule still gives it. So a change of the time alone moves nothing
   to another day.
2. Else a run and another date of the same period, the period being the new schedule's: the same day when
   daily, the same week (Monday to Sunday) when weekly, the same month when monthly. Dates that may still be
   filled go first; then runs that stand (hand-edited or cancelled), then those with registrations, then the
   others; then the shorter way in days; then the earlier occurrence, the earlier date, the smaller id. An
   occurrence that the schedule names as skipped only goes to a date that it names as added.

From the pairs follows, for runs that are ahead and in scope:

- *moved*: to its date at the schedule's time. It keeps its id. Under *this* it keeps its occurrence too and
  counts as hand-edited from then on, because the rule of the recurrence does not change with it.
- *unchanged*: it is there already; or it is cancelled already; or the date or time it would move to has
  passed, so that this week's run still takes place when the rule moves to an earlier day of the week.
- *cancelled*: it has no pair. Without registrations it is deleted instead.
- *kept*: hand-edited. It stays as it is, whether it has a pair or not. A hand-edited or cancelled run
  occupies its pair, also once it is over: no other run is made for that date.
- *created*: a date without a run, ahead, within the horizon and the scope. None under *this*, none while
  paused (a pause by itself changes nothing that exists).

Under *following*, dates before that date are never filled anew, but a run of the same period may move there
when no later date of it is left: this Wednesday's run becomes this Tuesday's.

Planning twice is planning once: after a plan is carried out, the same call finds nothing to create, move or
cancel. That holds when the caller writes what the plan says, also the occurrence: a moved run gets
`Moved.occurrence_on`, a cancelled one gets none (a run that the rule has left must not stand in the way
when the rule comes back).
"""

import calendar
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from openintervals.club import schedule as schedules
from openintervals.club.schedule import Frequency, Schedule

Scope = Literal["this", "following", "all"]
Status = Literal["scheduled", "cancelled", "postponed", "rescheduled"]


class PublishedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it stands.

    `occurrence_on` is None when no rule gives it (any more); `registrations` counts the active ones.
    """

    id: str
    occurrence_on: dt.date | None
    starts_on: dt.date
    local_start: str | None = None
    edited: bool = False
    registrations: int = 0
    status: Status = "scheduled"
    template: str = ""


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """A run to make. Its occurrence is the day it starts on."""

    starts_on: dt.date
    local_start: str | None
    template: str


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as it was, and what to write in it."""

    run: PublishedRun
    occurrence_on: dt.date
    starts_on: dt.date
    local_start: str | None
    edited: bool


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """A run to cancel and part from its occurrence or, when `deleted`, to remove."""

    run: PublishedRun
    deleted: bool


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, each list in the order of start, template and id."""

    created: list[Created]
    moved: list[Moved]
    kept: list[PublishedRun]
    cancelled: list[Cancelled]
    unchanged: list[PublishedRun]

    @property
    def registrations_affected(self) -> int:
        """Active registrations on the runs that move or are cancelled."""
        moved = sum(each.run.registrations for each in self.moved)
        return moved + sum(each.run.registrations for each in self.cancelled)


def plan(
    runs: Iterable[PublishedRun],
    schedule: Schedule | None,
    *,
    scope: Scope = "all",
    on: dt.date | None = None,
    paused: bool = False,
    templates: Sequence[str] = ("",),
    anchor_on: dt.date,
    now: dt.datetime,
    timezone: str,
    horizon_weeks: int,
) -> Plan:
    """What to do with `runs` so that they follow `schedule`; None is that of a deleted recurrence.

    `runs`: those of the recurrence that start, or whose occurrence is, within the last 31 days or later
    (older ones change nothing). `on` is the date of *this* and *following*, a ValueError without it. `now`
    is aware. To publish, the worker plans *all* with the stored schedule and carries out `created` alone.
    After a *following* change it goes on planning *following* that date, for the runs before it obey the
    rule before it.
    """
    if scope != "all" and on is None:
        raise ValueError(f"a change of {scope!r} needs a date")
    change = _Change(
        schedule=schedule,
        scope=scope,
        on=on,
        paused=paused,
        anchor_on=anchor_on,
        now=now,
        timezone=timezone,
        horizon_weeks=horizon_weeks,
    )
    runs_of: dict[str, list[PublishedRun]] = {template: [] for template in templates}
    for run in runs:
        runs_of.setdefault(run.template, []).append(run)
    result = Plan(created=[], moved=[], kept=[], cancelled=[], unchanged=[])
    for template, own in runs_of.items():
        dates = change.dates(own) if template in templates else []
        pairs = _pairs(own, dates, change)
        for run in own:
            _place(run, pairs.get(run.id), change, result)
        result.created.extend(
            Created(starts_on=on, local_start=change.local_start, template=template)
            for on in sorted(set(dates).difference(pairs.values()))
            if change.fills(on)
        )
    result.created.sort(key=lambda each: (each.starts_on, each.template))
    result.moved.sort(key=lambda each: _order(each.run))
    result.cancelled.sort(key=lambda each: _order(each.run))
    result.kept.sort(key=_order)
    result.unchanged.sort(key=_order)
    return result


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """The change asked for, and the questions the rules above ask of it."""

    schedule: Schedule | None
    scope: Scope
    on: dt.date | None
    paused: bool
    anchor_on: dt.date
    now: dt.datetime
    timezone: str
    horizon_weeks: int

    @property
    def local_start(self) -> str | None:
        return self.schedule.local_start if self.schedule else None

    def is_ahead(self, on: dt.date, local_start: str | None) -> bool:
        return schedules.is_ahead(on, local_start, now=self.now, timezone=self.timezone)

    def covers(self, on: dt.date | None) -> bool:
        """Whether the scope holds the run of that occurrence."""
        if on is None or self.on is None or self.scope == "all":
            return on is not None
        return on == self.on if self.scope == "this" else on >= self.on

    def can_be_filled(self, on: dt.date) -> bool:
        """Whether a run could still be made on that date of the rule, now or when the horizon reaches it."""
        return self.is_ahead(on, self.local_start) and (self.scope != "following" or self.covers(on))

    def fills(self, on: dt.date) -> bool:
        """Whether a run is made now on that date, which has none."""
        _, last_on = schedules.window(self.now, self.timezone, self.horizon_weeks)
        return on <= last_on and not self.paused and self.scope != "this" and self.can_be_filled(on)

    def dates(self, runs: Sequence[PublishedRun]) -> list[dt.date]:
        """The rule's dates to pair: whole periods, from today's to the horizon's or the last run's."""
        if self.schedule is None:
            return []
        ends = [*schedules.window(self.now, self.timezone, self.horizon_weeks)]
        ends += [run.occurrence_on for run in runs if run.occurrence_on and self.reaches(run)]
        return schedules.occurrences(
            self.schedule,
            anchor_on=self.anchor_on,
            first_on=_period(self.schedule.frequency, min(ends))[0],
            last_on=_period(self.schedule.frequency, max(ends))[1],
        )

    def reaches(self, run: PublishedRun) -> bool:
        """Whether the run is ahead and in scope."""
        return self.covers(run.occurrence_on) and self.is_ahead(run.starts_on, run.local_start)


def _place(run: PublishedRun, paired_on: dt.date | None, change: _Change, result: Plan) -> None:
    """Put a run in its list; one that is over goes in none."""
    if not change.is_ahead(run.starts_on, run.local_start):
        return
    if run.status == "cancelled" or run.occurrence_on is None or not change.covers(run.occurrence_on):
        result.unchanged.append(run)
    elif run.edited:
        result.kept.append(run)
    elif paired_on is None:
        result.cancelled.append(Cancelled(run=run, deleted=run.registrations == 0))
    else:
        moved = Moved(
            run=run,
            occurrence_on=run.occurrence_on if change.scope == "this" else paired_on,
            starts_on=paired_on,
            local_start=change.local_start,
            edited=change.scope == "this",
        )
        stays = (run.occurrence_on, run.starts_on, run.local_start) == (
            moved.occurrence_on,
            moved.starts_on,
            moved.local_start,
        )
        if stays or not change.is_ahead(paired_on, change.local_start):
            result.unchanged.append(run)
        else:
            result.moved.append(moved)


def _pairs(runs: Sequence[PublishedRun], dates: Sequence[dt.date], change: _Change) -> dict[str, dt.date]:
    """The date of each run that has one, by the run's id.

    Taking the best pair that is left, by one strict order of all pairs, makes the pairing stable, and a
    stable pairing does not change when pairs are taken out of it: hence planning twice is planning once.
    """
    schedule = change.schedule
    if schedule is None:
        return {}
    dates_of: defaultdict[dt.date, list[dt.date]] = defaultdict(list)
    for on in dates:
        dates_of[_period(schedule.frequency, on)[0]].append(on)
    wishes: list[_Wish] = []
    for run in runs:
        occurrence_on = run.occurrence_on
        if occurrence_on is None:
            continue
        stands = run.edited or run.status == "cancelled"
        roams = change.reaches(run) or (stands and change.covers(occurrence_on))
        skipped = occurrence_on in schedule.skipped_on
        wishes.extend(
            _Wish(
                is_other_date=on != occurrence_on,
                is_last_resort=not change.can_be_filled(on),
                rank=0 if stands else 1 if run.registrations else 2,
                distance_days=abs((on - occurrence_on).days),
                occurrence_on=occurrence_on,
                on=on,
                run_id=run.id,
            )
            for on in dates_of[_period(schedule.frequency, occurrence_on)[0]]
            if on == occurrence_on or (roams and (not skipped or on in schedule.added_on))
        )
    pairs: dict[str, dt.date] = {}
    taken: set[dt.date] = set()
    for wish in sorted(wishes):
        if wish.run_id not in pairs and wish.on not in taken:
            pairs[wish.run_id] = wish.on
            taken.add(wish.on)
    return pairs


class _Wish(NamedTuple):
    """A pair that may be made; the fields, in this order, say which goes first."""

    is_other_date: bool
    is_last_resort: bool
    rank: int
    distance_days: int
    occurrence_on: dt.date
    on: dt.date
    run_id: str


def _period(frequency: Frequency, on: dt.date) -> tuple[dt.date, dt.date]:
    """The first and last day of the day, week or month that a date is in."""
    if frequency == "daily":
        return on, on
    if frequency == "weekly":
        monday_on = on - dt.timedelta(days=on.weekday())
        return monday_on, monday_on + dt.timedelta(days=6)
    return on.replace(day=1), on.replace(day=calendar.monthrange(on.year, on.month)[1])


def _order(run: PublishedRun) -> tuple[dt.date, str, str]:
    return run.starts_on, run.template, run.id
