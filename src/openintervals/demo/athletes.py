"""The demo's athletes: a coach and two who are coached, with a season that is imported as any files are.

    nothing → athletes with settings and keys → their files, newest first, one by one

An athlete is known by the e-mail address, and a file by its bytes and by what it is called, so what is there stays as it is, what was deleted
stays deleted, and filling goes on where it was interrupted. When two fill at once, the second finds the files of the first.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from openintervals import errors, instants
from openintervals.db import Database
from openintervals.db.transaction import Asking, Read, Tenant, Write
from openintervals.demo import season
from openintervals.demo.plans import TIMEZONE
from openintervals.demo.season import Planned
from openintervals.platform.files import Files
from openintervals.training import athlete_keys, athletes, coaching, imports, newcomers, sport_settings, uploads
from openintervals.training.athletes import Athlete
from openintervals.training.uploads import Options

SHOWN = "athlete"
"""The role of whom the start message shows."""


class Known(NamedTuple):
    planned: Planned
    athlete: Athlete

    def asking(self, now: datetime) -> Asking:
        return Asking(tenant=athletes.tenant(self.athlete.id), actor="demo", now=now)


async def join(database: Database, now: datetime) -> dict[str, str]:
    """Make the demo's athletes, as far as they are not there; gives a new key of each by role."""
    asking = Asking(tenant=Tenant("", "live"), actor="demo", now=now)
    return await database.write(asking, _join)


async def _join(tx: Write) -> dict[str, str]:
    there = {known.planned.role: known.athlete for known in await _known(tx)}
    keys = {}
    for planned in season.ATHLETES:
        if planned.role in there:
            its = tx.as_tenant(athletes.tenant(there[planned.role].id))
            keys[planned.role] = await athlete_keys.create(its, name="Demo")
        else:
            came = await newcomers.join(tx, name=planned.name, email=planned.email, timezone=TIMEZONE)
            there[planned.role], keys[planned.role] = came.athlete, came.key
            await _settle(tx.as_tenant(athletes.tenant(came.athlete.id)), planned)
    for role, athlete in there.items():
        if role != "coach":
            await coaching.begin(tx.as_tenant(athletes.tenant(athlete.id)), there["coach"].id)
    return keys


async def _settle(tx: Write, planned: Planned) -> None:
    """What a new athlete is measured by, before and after the FTP has risen."""
    person = planned.person
    own = {"weight_kg": person.weight_kg, "resting_hr_bpm": int(person.resting_hr_bpm), "sex": planned.sex}
    await athletes.change(tx, own, {})
    heart = {"lthr_bpm": int(person.lthr_bpm), "max_hr_bpm": int(person.max_hr_bpm)}
    await _set(tx, "Ride", {**heart, "ftp_w": int(person.ftp_w), "w_prime_j": 18_000})
    await _set(tx, "Run", {**heart, "threshold_speed_mps": person.run_mps})
    await _set(tx, "Swim", {**heart, "threshold_speed_mps": person.swim_mps})
    if planned.gained_w:
        day = season.gains_on(tx.now.astimezone(season.ZONE).date()).isoformat()
        await _set(tx, "Ride", {"ftp_w": int(person.ftp_w) + planned.gained_w}, day)


async def _set(tx: Write, type_: str, given: dict[str, object], valid_from: str | None = None) -> None:
    await sport_settings.change(tx, type_, given=given, preferences={}, valid_from=valid_from)


async def _known(tx: Read) -> list[Known]:
    by_email = {athlete.email: athlete for athlete in reversed(await athletes.every(tx))}
    return [Known(planned, by_email[planned.email]) for planned in season.ATHLETES if planned.email in by_email]


async def fill(
    database: Database,
    files: Files,
    now: datetime,
    *,
    most: int | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Import what is missing of the seasons, whose athletes are there; gives how many files that were.

    With `most` only so many, of whom the start message shows; ends early once it `is_over`.
    """
    asking = Asking(tenant=Tenant("", "live"), actor="demo", now=now)
    known = await database.read(asking, _known)
    count = 0
    for one in known:
        if most is not None and one.planned.role != SHOWN:
            continue
        came_at = instants.parse(one.athlete.created_at)
        there = await database.read(one.asking(now), lambda tx: imports.external_ids(tx, Options().source))
        for done in season.done(one.planned, came_at)[:most]:
            if is_over():
                return count
            if done.external_id in there:
                continue
            data = season.recorded(one.planned, done, came_at)
            options = Options(name=done.session.name, external_id=done.external_id, again=False)
            try:
                await uploads.upload(database, one.asking(now), files, data, options)
            except errors.Invalid:  # somebody has deleted it
                continue
            count += 1
    return count
