"""What the partner API's OpenAPI document says of changes: a schema and examples for each type of webhook, and how to live with them.

The catalogue of types and the payload's views are the source; nothing about a type is written twice. An example is a sensible one of its type.
"""

from functools import partial
from types import SimpleNamespace
from typing import Any

from openintervals.api.openapi_examples import Words, example
from openintervals.api.openapi_schemas import NULL, Schema, Schemas
from openintervals.api.openapi_webhooks import Message
from openintervals.api.partner import change_types, dialect, payloads
from openintervals.api.partner.dialect import PREFIX
from openintervals.platform import retries
from openintervals.platform.scopes import READS


def _schedule() -> str:
    """The waits before each try, in words."""
    return "at once, then after " + ", ".join(_span(wait_s) for wait_s in retries.SCHEDULE_S[1:])


def _span(wait_s: int) -> str:
    for unit, unit_s in (("h", 3600), ("min", 60)):
        if wait_s % unit_s == 0:
            return f"{wait_s // unit_s} {unit}"
    return f"{wait_s} s"


_TYPES = "\n".join(f"- `{name}`: {said}" for name, said in change_types.CATALOGUE.items())
CHANGES = f"""\
Every change of the organization's objects, in the order they were made, deletions too; kept for 30 days at least.

Follow it by sending the `cursor` of the last item or answer as `after`: each change comes exactly once, and never an earlier one after a later.
The first request goes without `after`, and the walk from there through `hasMore` tells of everything that is kept. A key is shown what its
scopes let it read.

An object's `objectVersion` grows by one with each of its changes. `changes` names the fields that a change touched; it is empty for what was
created or deleted. `object` is what a GET would have answered right after the change, with two things to know: `soldOut` looks at the run's own
places alone, not at the cap of its event, and which events are in a group is not part of it.

The types, which are those of webhooks too:

{_TYPES}
"""

WEBHOOKS = f"""\
Requests to a URL of yours, sent when something changes. They are what [Standard Webhooks](https://www.standardwebhooks.com) describes,
so its libraries verify them.

**The body** is `{{"type", "timestamp", "apiVersion", "mode", "data"}}`, and `data` tells which object changed, its version, the fields that
the change touched, and the `object` as it was right after the change. In the `thin` format there is the `url` of the object in its place,
and so there is in any format when the body would have more than {payloads.PAYLOAD_MOST:,} bytes. After a deletion `object` is null in both.
Fields may be added; names and meanings of `apiVersion` {payloads.API_VERSION} stay.

**Types**: a change has one type of its own and may be of others too. `registration.created` is also the type that its status has,
`registration.confirmed` or `registration.waitlisted`; `registration.promoted` is also `registration.confirmed`, and `registration.offer_expired`
also `registration.cancelled`; whatever happens to a registration after its creation, but for its deletion, is also `registration.updated`;
`run.sold_out` is also `run.updated`, and `webhook.disabled` also `webhook.updated`. A change is sent once under its own type, to a webhook that
named it or all types of the object, and once under each other type of it that the webhook named; all of these have one `objectVersion`.

**Verify it**: join `webhook-id`, `webhook-timestamp` and the body as it came, before any parsing, with dots between; take the HMAC-SHA256 of
that, under the bytes that the secret holds in base64 after `whsec_`; and look whether its base64 is one of the signatures, which begin with `v1,`
and are separated by spaces. There are two for the 24 hours after a secret was rotated. Refuse a timestamp more than five minutes off.

**Answer** with any 2xx within 15 seconds, and do the work afterwards. Redirects are not followed. Anything else is tried again,
{retries.TRIES_MOST} times in all: {_schedule()},
each counted from the failure before it, a fifth more or less by chance.
`Retry-After` is honoured up to a day. 410, or nothing but failures for five days, disables the webhook, which is told as `webhook.disabled`.

**Repeats** happen, after a lost answer for example. They have the same `webhook-id` and the same bytes, and only timestamp and signatures are new:
keep the ids you have dealt with, or keep the version of each object.

**Order**: what is told of one object leaves in order, and nothing about an object follows its deletion. A later change waits until the
earlier one has arrived or will not be tried again. Changes of different objects may overtake each other. A receiver that keeps the object with
the highest `objectVersion`, and notes deletions as such, ends up with what is so.

**Waiting updates** of an object that a later one makes needless are dropped when the webhook's `coalesce` is on.

What a webhook is told is bounded by the scopes of the key that made it or last changed it, and it ends with that key.
"""

DELIVERIES = "What was, or is to be, sent to webhooks: every try with its time, its duration and the beginning of the answer. Kept for 30 days."
TASKS = "Work that takes longer than a request: poll the task until its `state` is `done` or `failed`, or delete it to end it."

# What tells the example of one type from those of its siblings.
_SHOWN: dict[str, dict[str, Any]] = {
    "run.sold_out": {"soldOut": True, "maxParticipants": 20},
    "registration.waitlisted": {"registrationStatus": "waitlist"},
    "registration.offered": {"registrationStatus": "waitlist", "offerExpiresAt": "2026-06-02T08:00:00.000Z"},
    "registration.offer_expired": {"registrationStatus": "cancelled"},
    "registration.cancelled": {"registrationStatus": "cancelled"},
    "registration.refunded": {"registrationStatus": "refunded"},
    "registration.checked_in": {"checkedIn": True, "checkedInAt": "2026-06-14T05:31:00.000Z"},
    "webhook.disabled": {
        "status": "disabled",
        "disabledReason": "The endpoint answered 410 Gone",
        "disabledAt": "2026-06-02T08:00:00.000Z",
    },
}
_TOUCHED: dict[str, list[str]] = {
    "event.updated": ["date", "startTime"],
    "run.updated": ["maxParticipants"],
    "run.sold_out": ["soldOut"],
    "registration.updated": ["notes"],
    "registration.confirmed": ["registrationStatus"],
    "registration.waitlisted": ["registrationStatus"],
    "registration.offered": ["offerExpiresAt"],
    "registration.promoted": ["registrationStatus"],
    "registration.offer_expired": ["registrationStatus", "offerExpiresAt"],
    "registration.cancelled": ["registrationStatus"],
    "registration.refunded": ["registrationStatus"],
    "registration.transferred": ["eventRunId"],
    "registration.checked_in": ["checkedIn", "checkedInAt"],
    "registration.check_in_undone": ["checkedIn", "checkedInAt"],
    "recurrence.updated": ["schedule"],
    "group.updated": ["events"],
    "webhook.updated": ["url"],
    "webhook.disabled": ["status", "disabledReason", "disabledAt"],
}
# What only some objects have.
_RARE = frozenset({"checkedInAt", "offerExpiresAt"})
_TIME = "2026-06-01T08:00:00.000Z"
_VERSION = 3


def messages(words: Words) -> tuple[Message, ...]:
    """A message for each type; `words` are those of the document's other examples."""
    return tuple(_message(name, said, words) for name, said in (*change_types.CATALOGUE.items(), _TEST))


_TEST = (change_types.TEST, change_types.TEST_SAID)


def _message(name: str, said: str, words: Words) -> Message:
    kind = change_types.object_type(name)
    makers = {"deletion": _deletion} if _deletes(name) else {"full": _full, "thin": _thin}
    return Message(
        type=name,
        tag="Webhooks",
        said=said,
        scope=READS[kind],
        schema=partial(_schema, name),
        examples={each: partial(make, name, words) for each, make in makers.items()},
    )


def _deletes(name: str) -> bool:
    return name.endswith(".deleted")


def _schema(name: str, schemas: Schemas) -> Schema:
    """What messages about the object have in common, narrowed to one type."""
    kind = change_types.object_type(name)
    if _deletes(name):
        data: Schema = {
            "properties": {"object": NULL, "changes": {"maxItems": 0}, "url": False},
            "required": ["object"],
        }
    else:
        data = {
            "oneOf": [
                {"properties": {"object": {"type": "object"}}, "required": ["object"]},
                {"required": ["url"]},
            ]
        }
    narrowed = {"properties": {"type": {"const": name}, "data": data}}
    return {"allOf": [_about(kind, schemas), narrowed]}


def _about(kind: str, schemas: Schemas) -> Schema:
    """The component for messages about objects of one type, and that of their data."""
    noun = kind.capitalize()
    shown = schemas.of(payloads.VIEWS[kind], "out")
    version = "Grows by one with each change of the object; what comes with a version lower than one seen is old."
    data = schemas.add(
        f"{noun}MessageData",
        _closed(
            f"What is told of one change of a {kind}: with the object, or in the thin format with its address.",
            {
                "objectType": {"type": "string", "enum": [kind]},
                "objectId": {"type": "string"},
                "objectVersion": {"type": "integer", "minimum": 1, "description": version},
                "changes": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "The fields that the change touched; empty for what was created or deleted.",
                },
                "object": {
                    "anyOf": [shown, NULL],
                    "description": "As a GET answered right after the change; null after a deletion. Not together with `url`.",
                },
                "url": {"type": "string", "description": "Where the object is to be had, in place of it."},
            },
            optional=("object", "url"),
        ),
    )
    types = [name for name in (*change_types.CATALOGUE, change_types.TEST) if change_types.object_type(name) == kind]
    when = "When it happened; the same however often it is sent."
    return schemas.add(
        f"{noun}Message",
        _closed(
            f"The body of a webhook about a {kind}.",
            {
                "type": {
                    "type": "string",
                    "description": f"What happened. {dialect.today(types)}",
                    "examples": types[:1],
                },
                "timestamp": {"type": "string", "format": "date-time", "description": when},
                "apiVersion": {
                    "type": "string",
                    "description": "How the body is spelt.",
                    "examples": [payloads.API_VERSION],
                },
                "mode": {"type": "string", "enum": ["live", "test"]},
                "data": data,
            },
        ),
    )


def _closed(description: str, properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _full(name: str, words: Words, schemas: Schemas) -> Any:
    view = payloads.VIEWS[change_types.object_type(name)]
    plain = example(schemas.of(view, "out"), schemas.components, words)
    shown = {key: value for key, value in plain.items() if key not in _RARE} | _SHOWN.get(name, {})
    return _made(name, words, {"object": shown})


def _thin(name: str, words: Words, schemas: Schemas) -> Any:
    kind = change_types.object_type(name)
    noun = payloads.VIEWS[kind].__name__
    it = SimpleNamespace(id=words(noun, "_id"), slug=words(noun, "slug"))
    return _made(name, words, {"url": PREFIX + payloads.PATHS[kind].format(it=it)})


def _deletion(name: str, words: Words, schemas: Schemas) -> Any:
    return _made(name, words, {"object": None})


def _made(name: str, words: Words, rest: Schema) -> Any:
    kind = change_types.object_type(name)
    data = {
        "objectType": kind,
        "objectId": words(payloads.VIEWS[kind].__name__, "_id"),
        "objectVersion": 1 if name.endswith(".created") else _VERSION,
        "changes": _TOUCHED.get(name, []),
        **rest,
    }
    return {"type": name, "timestamp": _TIME, "apiVersion": payloads.API_VERSION, "mode": "live", "data": data}
