"""Payloads: how the partner API tells of a change, from the journal's entry to the wire.

    {"type", "timestamp", "apiVersion", "mode", "data": {"objectType", "objectId", "objectVersion", "changes", "object" | "url"}}

`object` is what a GET of the object answers, as it was right after the change; it is made from the entry's snapshot alone, and nothing is read again.
In the thin format, and where a full payload would be too large to send, there is the `url` of that GET instead. A deletion leaves null in both.
`changes` names the fields of the object that the change touched, as the wire spells them; those that the wire does not show are left out.

Invariants: the same entry gives the same bytes, whenever it is asked; what API_VERSION names never changes, but for fields that are added.
A snapshot may be older than this program: what it has too much is ignored, and what it lacks is taken as absent where that can be.
Everything is a pure function, so two at once cannot meet.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache, partial
from types import NoneType
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import field

from openintervals.api.partner import change_types, events, groups, recurrences, registrations, runs
from openintervals.api.partner.dialect import PREFIX, InstantOut, Wire
from openintervals.club import events as club_events
from openintervals.club import groups as club_groups
from openintervals.club import pace_groups
from openintervals.club import recurrences as club_recurrences
from openintervals.club import registrations as club_registrations
from openintervals.club import runs as club_runs
from openintervals.db import schema
from openintervals.platform import dialects, signatures, webhooks

API_VERSION = "2026-11-20"
PAYLOAD_MOST = 20_000
"""Bytes. A full payload beyond it is sent thin."""
_NOTHING = (b"", b"null")
_ABSENT: dict[Any, Any] = {bool: False, int: 0}


class Unreadable(Exception):
    """A snapshot from which the object cannot be made; the message says which and why, and shows nothing of what is in it."""


class Webhook(Wire, frozen=True):
    """Where changes are told, without its secret."""

    id: str = field(name="_id")
    url: str
    types: Annotated[list[change_types.Shown], msgspec.Meta(description="What it hears of.")]
    format: Literal["full", "thin"]
    coalesce: Annotated[bool, msgspec.Meta(description="Whether an update that waits is dropped for a later one.")]
    status: Annotated[
        Literal["active", "paused", "disabled"],
        msgspec.Meta(description="`paused` keeps what happens for later; for a `disabled` one nothing is kept."),
    ]
    created_at: InstantOut
    updated_at: InstantOut
    version: int
    description: str | None = None
    disabled_reason: str | None = None
    disabled_at: InstantOut | None = None
    failing_since: InstantOut | None = None


class Told(msgspec.Struct, frozen=True, rename="camel"):
    """What is told of one change, with the object itself; null when it was deleted."""

    object_type: str
    object_id: str
    object_version: int
    changes: list[str]
    object: Any


class ToldThin(msgspec.Struct, frozen=True, rename="camel"):
    """The same with the place where the object is to be had."""

    object_type: str
    object_id: str
    object_version: int
    changes: list[str]
    url: str


class Payload(msgspec.Struct, frozen=True, rename="camel"):
    """The body of one delivery."""

    type: str
    timestamp: str
    api_version: str
    mode: str
    data: Told | ToldThin


class _Kind(msgspec.Struct, frozen=True):
    """How objects of one type are told: `read` makes a record of a snapshot, `show` what a GET answers.

    `spelt` gives the names on the wire that a column of the record stands behind.
    """

    read: Callable[[msgspec.Raw], Any]
    show: Callable[[Any], msgspec.Struct]
    spelt: dict[str, tuple[str, ...]]


def _decoder(record: type[msgspec.Struct], view: type[msgspec.Struct], **parts: Any) -> msgspec.json.Decoder[Any]:
    """Reads snapshots of a record: unknown fields are ignored, and those that `view` does not need may be missing.

    `parts` are lists that snapshots have beside the record, with their types; each may be missing.
    """
    fields: list[tuple[str, Any, Any]] = []
    for one in msgspec.structs.fields(record):
        if msgspec.Raw in get_args(one.type):
            fields.append((one.name, msgspec.Raw, msgspec.Raw(b"null")))  # the decoder cannot read raw JSON or null
        elif NoneType in get_args(one.type):
            fields.append((one.name, one.type, None))
        elif one.type in _ABSENT or (one.type is str and one.name not in view.__struct_fields__):
            fields.append((one.name, one.type, _ABSENT.get(one.type, "")))
    fields += [(name, kind, field(default_factory=list)) for name, kind in parts.items()]
    lenient = msgspec.defstruct(f"Stored{record.__name__}", fields, bases=(record,), frozen=True, kw_only=True)
    return msgspec.json.Decoder(lenient)


def _present(raw: msgspec.Raw) -> msgspec.Raw | None:
    return None if bytes(raw) in _NOTHING else raw


def _spelling(view: type[msgspec.Struct], **more: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {one.name: (one.encode_name,) for one in msgspec.structs.fields(view)} | more


def _projected(view: type[msgspec.Struct], record: Any, **other: Any) -> msgspec.Struct:
    """The record as `view` shows it, with `other` values in place of its own."""
    return view(**{name: other[name] if name in other else getattr(record, name) for name in view.__struct_fields__})


def _event(record: Any) -> msgspec.Struct:
    return _projected(events.Event, record, address=_present(record.address))


def _run(record: Any) -> msgspec.Struct:
    shown = runs.view(record, record.pace_groups, None)
    return msgspec.structs.replace(shown, distance_m=schema.whole(shown.distance_m))


def _recurrence(record: Any) -> msgspec.Struct:
    return _projected(recurrences.Recurrence, record, run_templates=_present(record.run_templates))


_KINDS: dict[str, _Kind] = {
    "event": _Kind(
        read=_decoder(club_events.Event, events.Event).decode,
        show=_event,
        spelt=_spelling(events.Event),
    ),
    "run": _Kind(
        read=_decoder(club_runs.Run, runs.EventRun, pace_groups=list[pace_groups.PaceGroup]).decode,
        show=_run,
        spelt=_spelling(runs.EventRun, confirmed=("soldOut",), offered=("soldOut",)),
    ),
    "registration": _Kind(
        read=_decoder(club_registrations.Registration, registrations.Registration).decode,
        show=registrations.view,
        spelt=_spelling(registrations.Registration, checked_in_at=("checkedIn", "checkedInAt")),
    ),
    "recurrence": _Kind(
        read=_decoder(club_recurrences.Recurrence, recurrences.Recurrence).decode,
        show=_recurrence,
        spelt=_spelling(recurrences.Recurrence),
    ),
    "group": _Kind(
        read=_decoder(club_groups.Group, groups.Group).decode,
        show=partial(_projected, groups.Group),
        # Which events are in a group is no field of it; that they changed is told all the same.
        spelt=_spelling(groups.Group, events=("events",)),
    ),
    "webhook": _Kind(
        read=_decoder(webhooks.Webhook, Webhook).decode,
        show=partial(_projected, Webhook),
        spelt=_spelling(Webhook, secret=("secret",)),
    ),
}
VIEWS: dict[str, type[msgspec.Struct]] = {
    "event": events.Event,
    "run": runs.EventRun,
    "registration": registrations.Registration,
    "recurrence": recurrences.Recurrence,
    "group": groups.Group,
    "webhook": Webhook,
}
"""What `object` is, by object type."""
PATHS: dict[str, str] = {
    "event": "/events/{it.id}",
    "run": "/runs/{it.id}",
    "registration": "/registration/{it.id}",
    "recurrence": "/recurrences/{it.id}",
    "group": "/groups/{it.slug}",
    "webhook": "/webhooks/{it.id}",
}
"""Where it is to be had."""

_encode = msgspec.json.Encoder().encode
_decode_names = msgspec.json.Decoder(list[str]).decode


def object_of(object_type: str, snapshot: msgspec.Raw) -> msgspec.Struct | None:
    """The object as a GET answers it; None when the API does not tell of such objects. Raises Unreadable."""
    kind = _KINDS.get(object_type)
    return None if kind is None else kind.show(_read(kind, object_type, snapshot))


def changes_of(object_type: str, verb: str, changed: msgspec.Raw) -> list[str]:
    """The fields a change touched, as the wire spells them; none for what is created or deleted."""
    if verb.endswith((".created", ".deleted")):
        return []
    return list(_spelt(object_type, bytes(changed)))


@lru_cache(4096)
def _spelt(object_type: str, changed: bytes) -> tuple[str, ...]:
    kind = _KINDS.get(object_type)
    spelt = {} if kind is None else kind.spelt
    return tuple(dict.fromkeys(name for column in _decode_names(changed) for name in spelt.get(column, ())))


def payload(told: dialects.Told, base_url: str = PREFIX) -> bytes:
    """The bytes of one delivery; `base_url` is where the API is. Raises Unreadable, also for an object the API does not tell of."""
    kind = _KINDS.get(told.object_type)
    if kind is None:
        raise Unreadable(f"The partner API does not tell of objects of the type {told.object_type!r}")
    about = told.object_type, told.object_id, told.object_version, changes_of(told.object_type, told.verb, told.changed)
    if told.deleted:
        return _body(told, Told(*about, None))
    record = _read(kind, told.object_type, told.snapshot)
    if told.format != "thin":
        full = _body(told, Told(*about, kind.show(record)))
        if len(full) <= PAYLOAD_MOST:
            return full
    return _body(told, ToldThin(*about, base_url + PATHS[told.object_type].format(it=record)))


def dialect(public_url: str) -> dialects.Dialect:
    """How the partner API's deliveries are made, for the engine. `public_url` is where the server is reached, or empty."""
    return dialects.Dialect(
        name="partner",
        payload=partial(payload, base_url=public_url.rstrip("/") + PREFIX),
        request=_request,
        together=_each_alone,
        changes_most=1,
    )


def _request(
    secrets: Sequence[str], sendings: Sequence[dialects.Sending], at: datetime
) -> tuple[dialects.Headers, bytes]:
    """A signed request of the one delivery there is. Raises ValueError for what is no secret."""
    (sending,) = sendings
    headers = signatures.headers(secrets, sending.delivery_id, int(at.timestamp()), sending.payload)
    return {"content-type": "application/json", **headers}, sending.payload


def _each_alone(told: dialects.Told) -> str:
    return told.object_id


def _body(told: dialects.Told, data: Told | ToldThin) -> bytes:
    return _encode(Payload(told.type, told.at, API_VERSION, told.mode, data))


def _read(kind: _Kind, object_type: str, snapshot: msgspec.Raw) -> Any:
    """Raises Unreadable."""
    try:
        return kind.read(snapshot)
    except msgspec.MsgspecError as problem:
        raise Unreadable(f"The journal's snapshot of this {object_type} cannot be read: {problem}") from None
