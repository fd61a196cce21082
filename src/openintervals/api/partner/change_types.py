"""The types of change the partner API tells of: the one catalogue, for the feed, for webhooks and for their documentation.

A type is an object type and what happened, `registration.confirmed`; `registration.*` stands for all types of an object, `*` for all there are.
Some changes have a general and a special type: a registration that is confirmed has also been updated. Types are added, never renamed.
Nothing here changes while the server runs, so two at once cannot meet.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

import msgspec

from openintervals.api.partner import dialect

CATALOGUE: dict[str, str] = {
    "event.created": "An event was created.",
    "event.updated": "An event's own fields were changed; changes of its runs are told as theirs.",
    "event.deleted": "An event was deleted, with everything in it.",
    "run.created": "A run was added to an event, by hand or by a recurrence.",
    "run.updated": "A run was changed, cancelled or moved, its pace groups were changed, its last place was taken, or it has room again.",
    "run.deleted": "A run was deleted, with its registrations.",
    "run.sold_out": "The last place of a run was taken.",
    "registration.created": "Somebody was registered, whatever the status.",
    "registration.updated": "A registration was changed in any way, its status and check-in included.",
    "registration.deleted": "A registration was deleted together with its run or event.",
    "registration.confirmed": "Somebody has a place: at once, from the waiting list, or reinstated.",
    "registration.waitlisted": "Somebody was put on the waiting list.",
    "registration.offered": "A free place was offered to somebody on the waiting list, until `offerExpiresAt`.",
    "registration.promoted": "Somebody was given a place from the waiting list.",
    "registration.offer_expired": "An offer was not taken up in time, and the registration was cancelled.",
    "registration.cancelled": "A registration was cancelled; its place, if it had one, is free again.",
    "registration.refunded": "A registration was refunded; its place, if it had one, is free again.",
    "registration.transferred": "A registration went to another run, to another person, or both.",
    "registration.checked_in": "Somebody was checked in, or an earlier check-in of theirs became known.",
    "registration.check_in_undone": "A check-in was taken back.",
    "recurrence.created": "A recurrence was created.",
    "recurrence.updated": "A recurrence was changed, paused or resumed, or one of its dates was.",
    "recurrence.deleted": "A recurrence was deleted.",
    "group.created": "A group was created.",
    "group.updated": "A group was changed, or an event was added to it or taken out.",
    "group.deleted": "A group was deleted; its events stay.",
    "webhook.created": "A webhook was created.",
    "webhook.updated": "A webhook was changed, paused, rotated or disabled.",
    "webhook.deleted": "A webhook was deleted.",
    "webhook.disabled": "A webhook was disabled: it answered 410, failed for five days, or its key has ended.",
}
"""What can be asked for, and when it happens."""

TEST = "webhook.test"
TEST_SAID = "Somebody asked for a test delivery. Sent whatever the webhook's types, and never part of the changes feed."
OBJECT_TYPES: tuple[str, ...] = tuple(dict.fromkeys(name.partition(".")[0] for name in CATALOGUE))
EVERYTHING = "*"
PATTERNS: tuple[str, ...] = (EVERYTHING, *(f"{kind}.*" for kind in OBJECT_TYPES))
_SHOWN_MOST = 60
_NAMES = (EVERYTHING, *CATALOGUE, *PATTERNS[1:])
_ALIKE = 0.8

Asked = Annotated[
    str,
    msgspec.Meta(
        description="A type of change, all types of an object such as `registration.*`, or `*` for all.",
        examples=["registration.*"],
        # What has no letters of its own is called by its place in generated clients, unless they know the names given here.
        extra_json_schema={
            "enum": list(_NAMES),
            "x-enum-varnames": [name.replace(".", "_").replace("*", "all").upper() for name in _NAMES],
        },
    ),
]
"""What a request may name; `problems` says what else came."""
Shown = Annotated[
    str,
    dialect.open_word("A type of change, all types of an object such as `registration.*`, or `*` for all.", _NAMES[1:]),
]
"""What a webhook has that was asked for."""
Told = Annotated[str, dialect.open_word("What happened.", tuple(CATALOGUE))]
ObjectType = Annotated[str, dialect.open_word("What kind of object it happened to.", OBJECT_TYPES)]


def object_type(name: str) -> str:
    """The type of the object that a type or pattern is about; empty for `*`."""
    return "" if name == EVERYTHING else name.partition(".")[0]


def problems(types: Sequence[str]) -> list[str]:
    """What is wrong with types that were asked for, and what to write instead; empty when all are known. Each is told once."""
    return [_problem(name) for name in dict.fromkeys(types) if name not in CATALOGUE and name not in PATTERNS]


def _problem(name: str) -> str:
    if name == TEST:
        return f"{TEST} cannot be asked for: POST /webhooks/{{webhookId}}/test sends it to any webhook"
    shown = repr(name if len(name) <= _SHOWN_MOST else name[:_SHOWN_MOST] + "…")
    instead = _meant(name[:_SHOWN_MOST])
    instead = instead or f"one of {', '.join(PATTERNS)}, or a single type such as registration.confirmed"
    return f"{shown} is no type of change; write {instead}"


def _meant(name: str) -> str | None:
    """What was probably meant. What names an object that nothing is told of means no other."""
    kind, dot, rest = name.lower().partition(".")
    kinds = get_close_matches(kind, OBJECT_TYPES, n=1, cutoff=_ALIKE)
    if not kinds:
        whole = [] if dot else get_close_matches(name, CATALOGUE, n=1)
        return whole[0] if whole else None
    [kind] = kinds
    close = get_close_matches(f"{kind}.{rest}", [each for each in CATALOGUE if object_type(each) == kind], n=1)
    return close[0] if rest not in ("", "*") and close else f"{kind}.*"
