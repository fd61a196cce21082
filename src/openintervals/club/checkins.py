"""Check-ins: who has come, when and seen by which device.

A check-in is a fact with a time of its own: devices that were offline send theirs late and in any order, so of several the earliest is kept
(of two at the same moment that of the device whose name sorts first), and sending one again is no error. Because the earliest stays, a time that
no clock of this race can have shown is refused. Only somebody with a place can check in.
When two devices report one person at once the event's lock orders them, and the outcome does not depend on the order.
"""

from datetime import UTC, date, datetime, time, timedelta

from openintervals import errors, instants
from openintervals.club import registrations
from openintervals.club.registrations import Registration, Scene
from openintervals.club.runs import Run
from openintervals.db.transaction import Write

AHEAD_MOST = timedelta(minutes=5)
EARLY_MOST_DAYS = 7


class CannotCheckIn(errors.Conflict):
    code = "cannot_check_in"


def earliest(run: Run, now: datetime) -> datetime:
    """Before which nobody can have come: some days before the run or, for one still further ahead, before the present. Pure."""
    on = min(date.fromisoformat(run.starts_on), now.date())
    first = date.fromordinal(max(1, on.toordinal() - EARLY_MOST_DAYS))
    return datetime.combine(first, time(), UTC)


async def check_in(tx: Write, scene: Scene, *, at: datetime | None, device: str | None) -> Registration:
    """Note that somebody came. Raises Invalid for a time it cannot have been, CannotCheckIn without a place."""
    before = scene.registration
    if at is not None and at > tx.now + AHEAD_MOST:
        raise errors.Invalid(fields={"at": ["Must not lie in the future; check the device's clock"]})
    if at is not None and at < earliest(scene.run, tx.now):
        said = f"Must not lie more than {EARLY_MOST_DAYS} days before the run; check the device's clock"
        raise errors.Invalid(fields={"at": [said]})
    if before.status == "waitlist":
        raise CannotCheckIn("They are on the waiting list and have no place; confirm them first")
    if before.status != "confirmed":
        raise CannotCheckIn(f"Their registration is {before.status}")
    seen_at = instants.text(at or tx.now)
    kept = (before.checked_in_at, before.checked_in_device or "")
    if before.checked_in_at is not None and kept <= (seen_at, device or ""):
        return before
    return await registrations.store(
        tx, before, "registration.checked_in", checked_in_at=seen_at, checked_in_device=device
    )


async def undo(tx: Write, scene: Scene) -> Registration:
    """Take a check-in back; without one nothing happens."""
    return await registrations.store(
        tx, scene.registration, "registration.check_in_undone", checked_in_at=None, checked_in_device=None
    )
