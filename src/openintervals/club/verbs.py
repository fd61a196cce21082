"""Verbs: what the journal calls a change of a registration, and which further types of change it is.

Whoever subscribes to `registration.confirmed` hears of everybody who gets a place, however that came about: a registration made with one,
a place given to somebody who waited. The verb says how it came about; what it implies are the names it can be asked for by as well.
"""

OF_STATUS = {
    "confirmed": "registration.confirmed",
    "waitlist": "registration.waitlisted",
    "cancelled": "registration.cancelled",
    "refunded": "registration.refunded",
}
_UPDATED = "registration.updated"
_IMPLIED: dict[str, tuple[str, ...]] = {
    _UPDATED: (),
    "registration.deleted": (),
    "registration.promoted": ("registration.confirmed", _UPDATED),
    "registration.offer_expired": ("registration.cancelled", _UPDATED),
}


def implied(verb: str, status: str) -> tuple[str, ...]:
    """The further types of a change after which a registration is `status`. Pure."""
    if verb == "registration.created":
        return (OF_STATUS[status],)
    return _IMPLIED.get(verb, (_UPDATED,))
