"""The partner API's documents: OpenAPI 3.1 and 3.0, served without a key, and the table of routes for whoever reads the source.

Everything about a route comes from its declaration. Here is only what the dialect adds: its words, its envelope, and what its refusals mean.
`partner_json`, `partner_3_0_json` and `routes_markdown` are what `docs/` holds; a test fails when those files are stale.
"""

from collections.abc import Mapping
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, get_args, get_origin

from litestar.handlers import HTTPRouteHandler
from msgspec import UNSET

import openintervals
from openintervals import errors
from openintervals.api import openapi, openapi_3_0, served
from openintervals.api.exchange import Runtime
from openintervals.api.http import Operation, Page
from openintervals.api.openapi_schemas import Schema, Schemas
from openintervals.api.partner import dialect, webhook_documents
from openintervals.api.partner.dialect import partner
from openintervals.platform import ids, scopes

DESCRIPTION = """\
Read and write a club's events, runs, registrations, recurrences and groups.

**Names** are camelCase; an object's id is `_id`. An optional field that has no value is left out, never null. Fields and parameters that the
server does not know are ignored, and new ones may be added to answers.

**Dates** are `YYYY-MM-DD`, wall-clock times `HH:MM`, instants ISO 8601 in UTC.

**Success** is `{"data": …}`; a list adds `hasMore`. **Failure** is `{"error": {"code", "message", "errors"?, "retryAfter"?,
"objectVersion"?}}`, and `errors` names every wrong field at once.

**What was deleted** is 410 `GONE` for 30 days, with `objectVersion`, the version of the deletion, when a GET names it by its `_id`. Afterwards it is
404, and so it is at once to whoever would change it. A deleted group is 404: it is found by its slug, which another may have taken since.

**Paging**: `limit` is 1 to 100. For the next page send the `_id` of the last item as `after`, for the previous one that of the first as `before`.

**Bodies** are read as JSON whatever their content type says, and may have 1 MiB.

**Repeating a request** is safe with an `Idempotency-Key`: it takes effect once, and the same answer comes back for 24 hours.

**What changes** can be followed with `GET /changes`, or is sent to your webhooks; both are described under their tags.

**Test keys** see and change test data only; live and test data never meet.
"""

TAGS = {
    "Organization": "The organization the key belongs to.",
    "Events": "Races, club runs, time trials and others.",
    "Runs": "An event's runs: one for each distance or date, with its own places and registration window.",
    "Registrations": "Who takes part in a run, and how.",
    "Waiting list": "Who waits for a place, in order of arrival.",
    "Bibs": "Bib numbers, unique in an event.",
    "Check-in": "Who has arrived.",
    "Recurrences": "How an event repeats, and the runs published from that.",
    "Groups": "Events gathered under one address.",
    "Series": "Events that have a recurrence.",
    "Changes": webhook_documents.CHANGES,
    "Webhooks": webhook_documents.WEBHOOKS,
    "Deliveries": webhook_documents.DELIVERIES,
    "Tasks": webhook_documents.TASKS,
    "Usage": "What the organization and its keys have asked for.",
}

FAILURES: dict[type[errors.Failure], str] = {
    errors.Unauthenticated: "No valid key came with the request.",
    errors.Forbidden: "The key is good, but lacks the scope.",
    errors.NotFound: "There is no such object for this organization and mode.",
    errors.Conflict: "The request is right, but the present state does not allow it.",
    errors.Gone: (
        "The object was here and was deleted, no more than 30 days ago; `objectVersion` is the version of its deletion. Later it is 404."
    ),
    errors.TooLarge: "The body is larger than 1 MiB.",
    errors.Invalid: "The request itself is wrong; `errors` says where.",
    errors.TooMany: "Over the rate limit; `retryAfter` says when to come back.",
    errors.Failure: "Something went wrong on the server.",
    errors.Unavailable: "The server cannot do it just now; nothing was changed.",
}

# Ids that look like ours: kind, moment, chance; a delivery's ends in its webhook's chance and a digit.
_ID = "01k9x0q5zr4t8m2c6h0w"
_ENDINGS = {ids.DELIVERY: "4t8m2c6h0w0"}
KINDS = {
    "Event": ids.EVENT,
    "Series": ids.EVENT,
    "Run": ids.RUN,
    "EventRun": ids.RUN,
    "Registration": ids.REGISTRATION,
    "Participant": ids.REGISTRATION,
    "Waiting": ids.REGISTRATION,
    "Waitlist": ids.REGISTRATION,
    "Recurrence": ids.RECURRENCE,
    "Group": ids.GROUP,
    "Organization": ids.ORGANIZATION,
    "Key": ids.KEY,
    "Webhook": ids.WEBHOOK,
    "Delivery": ids.DELIVERY,
    "Task": ids.TASK,
}
NAMES = {
    "Event": "Lakefront 5K - June 14",
    "Series": "Tuesday Tempo",
    "Registration": "Alex Johnson",
    "Waiting": "Alex Johnson",
    "Waitlist": "Alex Johnson",
    "PaceGroup": "A",
    "Group": "Friday Night Lights",
    "Organization": "North Shore Race Management",
}
SLUGS = {
    "Group": "friday-night-lights",
    "Organization": "north-shore-race-mgmt",
    "Series": "tuesday-tempo",
    "Event": "lakefront-5k-june-14",
}
WORDS: dict[str, Any] = {
    "date": "2026-06-14",
    "startTime": "08:00",
    "endTime": "10:30",
    "registrationOpensAt": "2026-03-01T08:00:00.000Z",
    "registrationClosesAt": "2026-06-12T18:00:00.000Z",
    "startDate": "2026-06-14",
    "distanceMeters": 5000,
    "distanceStandard": "5K",
    "distanceLabel": "5K",
    "eventStatus": "scheduled",
    "roles": ["organizer"],
    "plan": "local",
    "email": "runner@example.com",
    "registrationType": "free",
    "registrationStatus": "confirmed",
    "label": "Tuesday tempo",
    "schedule": {"frequency": "weekly", "daysOfWeek": [2], "startTime": "18:30", "durationMinutes": 60},
    "autoPublishHorizonWeeks": 8,
    "status": "active",
    "position": 1,
    "hasMore": False,
    "slug": "summer-solstice-10k",
    "url": "https://hooks.example.com/intervals",
    "types": ["registration.*", "run.sold_out"],
    "secret": "whsec_c2VjcmV0LW9mLW5vLXJlYWwtZW5kcG9pbnQtYXQtYWxsIQ==",
    "since": "2026-06-01T08:00:00.000Z",
}
# What a word means in one kind of object, where it means another thing elsewhere; None leaves the field out of examples.
PARTICULAR: dict[str, dict[str, Any]] = {
    "Webhook": {"disabledAt": None, "failingSince": None},
    "Delivery": {
        "status": "waiting",
        "objectId": ids.REGISTRATION + _ID,
        "objectVersion": 2,
        "nextAttemptAt": "2026-03-01T08:01:00.460Z",
        "endedAt": None,
    },
    "Attempt": {
        "at": "2026-03-01T08:00:00.210Z",
        "durationMs": 250,
        "status": 503,
        "problem": None,
        "head": "Service Unavailable",
        "nextAttemptAt": "2026-03-01T08:01:00.460Z",
    },
    "Task": {"doneCount": 200, "endedAt": None},
}
REFUSED: dict[str, str] = {
    "Unauthenticated": "Invalid API key: it is unknown, mistyped, expired or revoked",
    "Forbidden": "This needs the scope write:events, which this key does not have",
    "NotFound": "Event not found",
    "Conflict": "The present state does not allow this",
    "Gone": "Event was deleted",
    "TooLarge": "The request body is larger than 1 MiB; send less at once",
    "Invalid": "Invalid request body",
    "TooMany": "Rate limit exceeded",
    "Failure": "Something went wrong on the server; quote the X-Request-Id to its operator",
    "Unavailable": "The server is busy; try again in a second",
}
PARAMETERS = {
    "event_id": "The event's `_id`.",
    "run_id": "The run's `_id`.",
    "registration_id": "The registration's `_id`.",
    "recurrence_id": "The recurrence's `_id`.",
    "series_id": "The `_id` of the series, which is that of its event.",
    "group_id": "The group's `_id`.",
    "webhook_id": "The webhook's `_id`.",
    "delivery_id": "The delivery's `_id`, which is its `webhook-id`.",
    "task_id": "The task's `_id`.",
    "slug": "The group's slug.",
    "limit": "How many to answer at most.",
    "after": "Answer what follows this `_id` in the list's order.",
    "before": "Answer what comes before this `_id`, in the list's order. Not together with `after`.",
}


def words(component: str, name: str) -> Any:
    """What a field called `name` of `component` may hold in an example, or UNSET."""
    if component == "message":
        return REFUSED[name]
    if component == "error":
        return {
            "Invalid": {"errors": {"name": ["Required"]}},
            "TooMany": {"retryAfter": 1709234567890},
            "Gone": {"objectVersion": 3},
        }.get(name, UNSET)
    if name in ("_id", "name", "slug"):
        found = _of_kind({"_id": KINDS, "name": NAMES, "slug": SLUGS}[name], component)
        if found is not UNSET:
            return _id(found) if name == "_id" else found
    particular = _of_kind(PARTICULAR, component)
    if particular is not UNSET and name in particular:
        return particular[name]
    if component == "path" and name == "slug":
        return SLUGS["Group"]
    for ending in ("Id", "_id"):
        kind = name.removesuffix(ending)
        if kind != name and kind[:1].upper() + kind[1:] in KINDS:
            return _id(KINDS[kind[:1].upper() + kind[1:]])
    return WORDS.get(name, UNSET)


def _id(kind: str) -> str:
    return kind + _ID + _ENDINGS.get(kind, "")


def _of_kind(table: Mapping[str, Any], component: str) -> Any:
    """The entry whose name the component's begins with, the longest first."""
    for kind in sorted(table, key=len, reverse=True):
        if component.startswith(kind):
            return table[kind]
    return UNSET


def envelope(schemas: Schemas, operation: Operation, content: Any) -> Schema:
    """`{"data": …}`, and for a page `hasMore` and what else it has: a component named after what it holds."""
    kind = get_origin(content)
    paged = isinstance(kind, type) and issubclass(kind, Page)
    inner = get_args(content)[0] if paged else content
    listed = get_origin(inner) is list
    noun = get_args(inner)[0] if listed else inner
    name = getattr(noun, "__name__", openapi.camel(f"_{operation.name}")).removesuffix("Listed")
    data = schemas.of(inner, "out")
    if paged:
        fields = {name: schema for name, (schema, _) in schemas.properties(kind, "out").items()}
        properties: Schema = {**fields, "data": {"type": "array", "items": data}}
    else:
        properties = {"data": data}
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return schemas.add(name + ("Page" if paged else "ListAnswer" if listed else "Answer"), schema)


ABOUT = openapi.About(
    title="Open Intervals partner API",
    version=openintervals.__version__,
    description=DESCRIPTION,
    tags=TAGS,
    parameters=PARAMETERS,
    failures={family: (*dialect.STATUS[family], said) for family, said in FAILURES.items()},
    error=dialect.ErrorEnvelope,
    refused=lambda _, code, message, extra: {"error": {"code": code, "message": message, **extra}},
    schemes={
        "bearerAuth": {
            "type": "http",
            "scheme": "bearer",
            "description": openapi.scopes_described(
                "The organization's API key, as `Authorization: Bearer <key>`. A key has some of these scopes:",
                scopes.SCOPES,
            ),
        }
    },
    challenge='Bearer realm="partner"',
    spell=dialect.wire_name,
    envelope=envelope,
    words=words,
)


@cache
def document(public_url: str = "") -> Schema:
    """The OpenAPI 3.1 document."""
    return openapi.document(partner, ABOUT, public_url=public_url, messages=webhook_documents.messages(words))


def partner_json(public_url: str = "") -> str:
    """docs/openapi/partner.json"""
    return served.printed(document(public_url))


def partner_3_0_json(public_url: str = "") -> str:
    """docs/openapi/partner-3.0.json"""
    return served.printed(openapi_3_0.downgrade(document(public_url)))


def routes(runtime: Runtime) -> list[HTTPRouteHandler]:
    """Both documents."""
    made = {"/openapi.json": partner_json, "/openapi-3.0.json": partner_3_0_json}
    return [served.route(dialect.PREFIX + path, text, runtime) for path, text in made.items()]


def routes_markdown() -> str:
    """docs/routes.md: where each route's two files are."""
    lines = [
        "# Routes of the partner API",
        "",
        "Made from the operations the API declares; `bin/docs` writes it anew. All paths are under `/partner`, and at the root for `api.*` hosts.",
        "The API file speaks the dialect, the domain file knows the rule.",
        "",
        "| Method | Path | Scope | What | API file | Domain file |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for operation in openapi.ordered(partner, ABOUT):
        module = operation.handler.__module__
        cells = [
            operation.method,
            f"`{openapi.spelt(operation.path, dialect.wire_name)}`",
            f"`{operation.scope}`" if operation.scope else "any key",
            operation.documentation[0],
            _link(module),
            ", ".join(_link(name) for name in _domain(operation)) or "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        (
            f"Without a key: the OpenAPI documents `/openapi.json` and `/openapi-3.0.json` ({_link(__name__)}). Outside `/partner`, "
            f"what operators ask: `/livez`, `/readyz` and `/metrics` ({_link('openintervals.api.operations')})."
        ),
        "",
    ]
    return "\n".join(lines)


def _link(module: str) -> str:
    file = module.replace(".", "/") + ".py"
    return f"[{file.removeprefix('openintervals/')}](../src/{file})"


def _domain(operation: Operation) -> list[str]:
    """The modules whose rules a handler calls, itself or through a helper beside it, in the order it names them."""
    inside = ("openintervals.club.", "openintervals.platform.")
    known = operation.handler.__globals__
    called = [known.get(name) for name in operation.handler.__code__.co_names]
    for helper in [one for one in called if isinstance(one, FunctionType) and one.__module__ == known["__name__"]]:
        called += [known.get(name) for name in helper.__code__.co_names]
    found = [one.__name__ for one in called if isinstance(one, ModuleType) and one.__name__.startswith(inside)]
    return list(dict.fromkeys(found))
