"""Newcomers: what somebody gets who becomes an athlete here, all or nothing: the athlete, the first sport settings and the first key.

It is one verb, so that the command line, the demonstration and tests make athletes that are whole. Two who come at once are two athletes.
"""

from typing import NamedTuple

from openintervals.db.transaction import Write
from openintervals.training import athlete_keys, athletes, sport_settings
from openintervals.training.athletes import Athlete


class Newcomer(NamedTuple):
    """A new athlete, and the only sight of the key."""

    athlete: Athlete
    key: str


async def join(tx: Write, *, name: str, email: str | None = None, timezone: str = "UTC") -> Newcomer:
    """Make an athlete. Whoever's transaction it is."""
    athlete = await athletes.create(tx, name=name, email=email, timezone=timezone)
    its = tx.as_tenant(athletes.tenant(athlete.id))
    await sport_settings.create_first(its)
    return Newcomer(athlete, await athlete_keys.create(its, name="First key"))
