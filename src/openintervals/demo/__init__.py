"""The demo club: made up, with some months of past and coming events, so that a new server has something to show.

    nothing → organization → events, one by one → groups → keys

Everything is done with the verbs that a partner's request uses, each thing at its own time, so waiting lists, counts and journal are
what they would be had the club used this server all along. The present and a fixed seed decide it: one moment, one club.
An event is one transaction, whole or not at all. What is there stays as it is: filling again goes on where an earlier filling was interrupted,
and makes new keys, because those made before cannot be shown again. When two fill at once, the unique slugs let one make each thing.
"""

import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from openintervals import errors, instants
from openintervals.club import (
    bibs,
    checkins,
    enrolment,
    events,
    groups,
    pace_groups,
    publishing,
    recurrence_changes,
    registrations,
    runs,
)
from openintervals.club.events import Event
from openintervals.club.pace_groups import PaceGroup
from openintervals.club.registrations import Scene
from openintervals.club.runs import Run
from openintervals.db import Database
from openintervals.db.transaction import Asking, Tenant, Write
from openintervals.demo.plans import (
    COMING,
    LISTS,
    NAME,
    PAST,
    RECURRING,
    SANDBOX,
    SLUG,
    TIMEZONE,
    Planned,
    PlannedList,
    PlannedRun,
    Recurring,
)
from openintervals.platform import api_keys, organizations, pages
from openintervals.platform.scopes import SCOPES

ZONE = ZoneInfo(TIMEZONE)
RUNNERS = 120


async def fill(database: Database, now: datetime) -> dict[str, str]:
    """Make the demo club, as far as it is not there; gives a new key with every scope for each mode, `{"live": …, "test": …}`."""
    asking = Asking(tenant=Tenant("", "live"), actor="demo", now=now)
    try:
        organization_id = await database.write(asking, _organization)
    except organizations.SlugTaken:  # by somebody who fills at the same time
        organization_id = await database.write(asking, _organization)
    live = msgspec.structs.replace(asking, tenant=Tenant(organization_id, "live"))
    test = msgspec.structs.replace(asking, tenant=Tenant(organization_id, "test"))
    for planned in (*PAST, *COMING):
        await _unless_there(database, live, _planned(planned))
    for recurring in RECURRING:
        await _unless_there(database, live, _recurring(recurring))
    for listed in LISTS:
        await _unless_there(database, live, _list(listed))
    for planned in SANDBOX:
        await _unless_there(database, test, _planned(planned))
    return {one.tenant.mode: await database.write(one, _key) for one in (live, test)}


async def _organization(tx: Write) -> str:
    try:
        return (await organizations.with_slug(tx, SLUG)).id
    except errors.NotFound:
        made = await organizations.create(
            tx, name=NAME, slug=SLUG, roles=["organizer"], plan="enterprise", timezone=TIMEZONE, now=tx.now
        )
        return made.id


async def _key(tx: Write) -> str:
    return (await api_keys.create(tx, scopes=list(SCOPES), name="Demo")).key


async def _unless_there(database: Database, asking: Asking, make: Callable[[Write], Awaitable[None]]) -> None:
    """Make something in a transaction of its own, unless its slug is taken, which is to say that it is there."""
    with contextlib.suppress(events.SlugTaken, groups.SlugTaken):
        await database.write(asking, make)


def _day(now: datetime, in_days: int, weekday: int) -> date:
    day = now.astimezone(ZONE).date() + timedelta(days=in_days)
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def _start(day: date | str, local_start: str | None) -> datetime:
    on = date.fromisoformat(day) if isinstance(day, str) else day
    return datetime.combine(on, time.fromisoformat(local_start or "00:00"), ZONE)


def _chance(slug: str) -> random.Random:
    return random.Random(f"lakeside {slug}")  # noqa: S311 — so that it is the same each time


def _person(number: int) -> dict[str, str]:
    return {"name": f"Demo Runner {number:03}", "email": f"runner{number:03}@example.com"}


def _moments(chance: random.Random, first: datetime, last: datetime, number: int) -> list[datetime]:
    """Moments between two, in order."""
    return sorted(first + (last - first) * chance.random() for _ in range(number))


def _planned(planned: Planned) -> Callable[[Write], Awaitable[None]]:
    async def make(tx: Write) -> None:
        chance = _chance(planned.slug)
        day = _day(tx.now, planned.in_days, planned.weekday)
        announced = min(_start(day, None) - timedelta(days=60), tx.now - timedelta(days=21))
        event = await events.create(
            tx.at(announced),
            {
                "name": planned.name,
                "slug": planned.slug,
                "type": planned.type,
                "starts_on": day.isoformat(),
                **_stored(planned.fields),
            },
        )
        for each in planned.runs:
            await _run(tx, event, each, announced, chance)
        if planned.bibs_assigned:
            await _bibs(tx, event, min(_start(day, None) - timedelta(days=1), tx.now - timedelta(minutes=60)))
        await _check_in(tx, event, chance)

    return make


def _stored(fields: dict[str, Any]) -> dict[str, Any]:
    address = fields.get("address")
    return {**fields, "address": msgspec.Raw(address.encode())} if address else fields


async def _run(tx: Write, event: Event, planned: PlannedRun, announced: datetime, chance: random.Random) -> None:
    """A run with its people: they register, some wait, some leave again."""
    start = _start(event.starts_on, planned.starts)
    opens = announced + timedelta(hours=12)
    if planned.opens_in_days is not None:
        opens = (tx.now + timedelta(days=planned.opens_in_days)).replace(minute=0, second=0, microsecond=0)
    run = await runs.create(
        tx.at(announced),
        event,
        {
            "distance_standard": planned.standard,
            "distance_m": planned.distance_m,
            "distance_label": planned.label,
            "local_start": planned.starts,
            "registration_opens_at": instants.text(opens),
            "registration_closes_at": instants.text(start - timedelta(days=2)),
            "max_participants": planned.cap,
            "event_status": "scheduled",
            **_bib_range(planned.bibs),
            **planned.fields,
        },
    )
    declared = [
        PaceGroup(run.id, group.name, place, group.cap, **_bib_range(group.bibs))
        for place, group in enumerate(planned.groups)
    ]
    await pace_groups.declare(tx.at(announced), run, declared, {})
    last = min(start - timedelta(days=3), tx.now - timedelta(hours=2))
    people = chance.sample(range(1, RUNNERS + 1), planned.coming + planned.waiting)
    moments = _moments(chance, opens, last, len(people))
    came = []
    for number, (person, moment) in enumerate(zip(people, moments, strict=True)):
        waits = number >= planned.coming
        group = planned.groups[0 if waits else number % len(planned.groups)].name if planned.groups else None
        registration = await enrolment.register(
            tx.at(moment),
            run.id,
            **_person(person),
            registration_type="paid" if event.type == "race" else "free",
            status="waitlist" if waits else "confirmed",
            pace_group=group,
        )
        came.append(registration.id)
    for number, registration_id in enumerate(came[: planned.leaving]):
        then = tx.at(last + timedelta(minutes=number))
        scene = await registrations.lock(then, registration_id)
        await enrolment.change_status(then, scene, "refunded" if event.type == "race" and number else "cancelled")


def _bib_range(bibs_: tuple[int, int] | None) -> dict[str, Any]:
    return {"bib_from": bibs_[0], "bib_to": bibs_[1]} if bibs_ else {"bib_from": None, "bib_to": None}


async def _bibs(tx: Write, event: Event, moment: datetime) -> None:
    """One runner has a number of their own, pinned; everybody else the next of the range."""
    then = tx.at(moment)
    first = next(one for one in await enrolment.active(then, event.id) if one.status == "confirmed")
    await bibs.set_bib(then, await registrations.lock(then, first.id), "LR1", pinned=True)
    await bibs.assign_all(then, event.id, None)


async def _check_in(tx: Write, event: Event, chance: random.Random) -> None:
    """Nine of ten come to what is over."""
    starts = {run.id: _start(run.starts_on, run.local_start) for run in await runs.of_event(tx, Run, event.id)}
    by_id = {run.id: run for run in await runs.of_event(tx, Run, event.id)}
    locked = await events.lock(tx, event.id)
    for registration in await enrolment.active(tx, event.id):
        start = starts[registration.event_run_id]
        seen = start - timedelta(minutes=chance.uniform(5, 50))
        if registration.status == "confirmed" and start < tx.now and chance.random() < 0.9:
            scene = Scene(locked, by_id[registration.event_run_id], registration)
            device = f"demo-tablet-{chance.randint(1, 2)}"
            await checkins.check_in(tx.at(seen), scene, at=None, device=device)


def _recurring(recurring: Recurring) -> Callable[[Write], Awaitable[None]]:
    async def make(tx: Write) -> None:
        chance = _chance(recurring.slug)
        day = _day(tx.now, -recurring.since_days, recurring.weekday)
        begun = _start(day, None) - timedelta(days=7)
        event = await events.create(
            tx.at(begun),
            {
                "name": recurring.name,
                "slug": recurring.slug,
                "type": recurring.type,
                "starts_on": day.isoformat(),
                **_stored(recurring.fields),
            },
        )
        recurrence = await recurrence_changes.create(
            tx.at(begun),
            event.id,
            recurring.schedule,
            recurring.templates,
            {"label": recurring.label, "auto_publish_horizon_weeks": recurring.horizon_weeks},
        )
        moment = begun
        while moment < tx.now:
            moment = min(moment + timedelta(days=28), tx.now)
            await publishing.publish(tx.at(moment), recurrence.id)
        if recurring.paused:
            await recurrence_changes.change(tx, recurrence.id, {"status": "paused"})
        await _regulars(tx, event, recurring.coming, chance)
        await _check_in(tx, event, chance)

    return make


async def _regulars(tx: Write, event: Event, coming: int, chance: random.Random) -> None:
    """About as many each time, in the week before; for what lies further ahead nobody has registered yet."""
    of_run = await pace_groups.of_event(tx, event.id)
    for run in await runs.of_event(tx, Run, event.id):
        start = _start(run.starts_on, run.local_start)
        people = chance.sample(range(1, RUNNERS + 1), chance.randint(coming - 2, coming + 2))
        moments = _moments(chance, start - timedelta(days=7), start - timedelta(hours=3), len(people))
        names = [group.name for group in of_run.get(run.id, [])]
        for person, moment in zip(people, moments, strict=True):
            if moment < tx.now:
                await enrolment.register(
                    tx.at(moment),
                    run.id,
                    **_person(person),
                    registration_type="free",
                    pace_group=chance.choice(names) if names else None,
                )


def _list(listed: PlannedList) -> Callable[[Write], Awaitable[None]]:
    async def make(tx: Write) -> None:
        values = {"name": listed.name, "slug": listed.slug, "description": listed.description, "status": listed.status}
        await groups.create(tx, values)
        newest, _ = await events.page(tx, Event, events.Filter(), pages.Window(limit=100))
        by_slug = {event.slug: event.id for event in newest}
        for slug in listed.events:
            if slug in by_slug:
                await groups.add_event(tx, listed.slug, by_slug[slug])

    return make
