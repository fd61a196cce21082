"""Check-ins: who has come, when and seen by which device.

A check-in is a fact with a time of its own: devices that were offline send theirs late and in any order, so of several the earliest is kept
(of two at the same moment that of the device whose name sorts first), and sending one again is no error. Only somebody with a place can check in.
When two devices report one person at once the event's lock orders them, and the outcome does not depend on the order.
"""

from datetime import datetime, timedelta

from openintervals import errors, instants
from openintervals.club import registrations
from openintervals.club.registrations import Registration, Scene
from openintervals.db.transaction import Write

AHEAD_MOST = timedelta(minutes=5)


class CannotCheckIn(errors.Conflict):
    code = "cannot_check_in"


async def check_in(tx: Write, scene: Scene, *, at: datetime | None, device: str | None) -> Registration:
    """Note that somebody came. Raises Invalid for a time still to come, CannotCheckIn without a place."""
    before = scene.registration
    if at is not None and at > tx.now + AHEAD_MOST:
        raise errors.Invalid(fields={"at": ["Must not lie in the future; check the device's clock"]})
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
