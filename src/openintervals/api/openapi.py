"""The OpenAPI document of an API, made from the operations it declares: nothing about a route is written twice.

`document` walks the operations of an `Api`; what every dialect says its own way (title, words, tags, statuses, envelope) comes from its `About`.
It is pure, and the same operations give the same document. `openapi_3_0.downgrade` makes the older form.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import UNSET

from openintervals import errors
from openintervals.api.http import Api, Created, Operation, Page
from openintervals.api.openapi_examples import Words, example, message
from openintervals.api.openapi_schemas import Schema, Schemas, without_null
from openintervals.api.openapi_webhooks import Message, described
from openintervals.api.openapi_webhooks import parameters as parameters_of_messages

JSON = "application/json"
ALWAYS = (errors.Unauthenticated, errors.TooMany, errors.Unavailable, errors.Failure)


class About(msgspec.Struct, frozen=True, kw_only=True):
    """How one dialect fills in the document.

    `spell` gives the wire's name of a column; `envelope` the schema of an answer; `words(component, field)` an example value or UNSET;
    `parameters` says by name what a query or path parameter is; `failures` gives status, code and description of each family.
    """

    title: str
    version: str
    description: str
    tags: Mapping[str, str]
    scopes: Mapping[str, str]
    parameters: Mapping[str, str]
    failures: Mapping[type[errors.Failure], tuple[int, str, str]]
    error: type[msgspec.Struct]
    spell: Callable[[str], str]
    envelope: Callable[[Schemas, Operation, Any], Schema]
    words: Words


HEADERS: dict[str, Schema] = {
    "X-Request-Id": {
        "description": "Names this request in the server's log: the one you sent, or a new one.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "example": "5f0c2a9b1d3e00000001",
    },
    "RateLimit": {
        "description": "Requests left now (`r`), and in how many seconds there is one more (`t`). Absent where no limit is set.",
        "schema": {"type": "string"},
        "example": '"default";r=19;t=1',
    },
    "RateLimit-Policy": {
        "description": "The limit in force: `q` requests in `w` seconds. Absent where no limit is set.",
        "schema": {"type": "string"},
        "example": '"default";q=100;w=60',
    },
    "Retry-After": {
        "description": "Seconds to wait before trying again.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1,
    },
    "Location": {
        "description": "Path of what was made.",
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "Sent when this is the stored answer of an earlier request with the same `Idempotency-Key`.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"type": "string"},
        "example": 'Bearer realm="partner"',
    },
}
IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "Any 1 to 255 visible ASCII characters, a UUID for example. The same request sent again with the same key takes effect once "
        "and gets the same answer, for 24 hours."
    ),
    # `""` is a quoted key with nothing in it.
    "schema": {"type": "string", "pattern": r"^([!-~]|[!#-~][!-~]|[!-~][!#-~]|[!-~]{3,255})$"},
    "example": "0b7c1f0e-9a52-4d3f-8f0e-1f6f2a7f9c11",
}


def document(api: Api, about: About, *, public_url: str = "", messages: Sequence[Message] = ()) -> Schema:
    """The OpenAPI 3.1 document of `api`, as plain values. `public_url` is where the server is reached, if it is known.

    `messages` are what the API sends by itself; they become its `webhooks`."""
    schemas = Schemas()
    error = schemas.of(about.error, "out")
    # Answers first: where a struct goes both ways, the plain name is that of the answer.
    operations = ordered(api, about)
    answers = {operation.name: _answers(operation, operations, schemas, about) for operation in operations}
    paths: dict[str, Schema] = {}
    for operation in operations:
        place = paths.setdefault(spelt(operation.path, about.spell), {})
        place[operation.method.lower()] = _operation(operation, answers[operation.name], schemas, about, error)
    webhooks = {"webhooks": described(messages, schemas, JSON)} if messages else {}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": about.title,
            "version": about.version,
            "description": about.description,
            "contact": {"name": "The Open Intervals maintainers"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": public_url.rstrip("/") + api.prefix, "description": "This server"}],
        "security": [{"bearerAuth": []}],
        "tags": _tags([*(one.tag for one in operations), *(one.tag for one in messages)], about),
        "paths": paths,
        **webhooks,
        "components": {
            "securitySchemes": {
                "bearerAuth": {"type": "http", "scheme": "bearer", "description": _scopes_described(about)},
            },
            "parameters": {"IdempotencyKey": IDEMPOTENCY_KEY, **parameters_of_messages(messages)},
            "headers": {name.replace("-", ""): header for name, header in HEADERS.items()},
            "responses": {family.__name__: _refusal(family, about, error) for family in _shared(about)},
            "schemas": dict(sorted(schemas.components.items())),
        },
    }


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def spelt(text: str, spell: Callable[[str], str]) -> str:
    """A path, or prose that names one, with its parameters in the wire's spelling."""
    return re.sub(r"\{(\w+)\}", lambda found: "{" + spell(found[1]) + "}", text)


def ordered(api: Api, about: About) -> list[Operation]:
    """The operations by tag, in the order of the dialect's tags; inside a tag as they were declared."""
    order = {tag: place for place, tag in enumerate(about.tags)}
    return sorted(api.operations, key=lambda operation: order.get(operation.tag, len(order)))


def _tags(used: list[str], about: About) -> list[Schema]:
    return [{"name": tag, "description": about.tags.get(tag, tag)} for tag in dict.fromkeys(used)]


def _scopes_described(about: About) -> str:
    lines = "\n".join(f"- `{scope}`: {said}" for scope, said in about.scopes.items())
    return f"The organization's API key, as `Authorization: Bearer <key>`. A key has some of these scopes:\n\n{lines}"


def _operation(
    operation: Operation, answers: dict[str, Schema], schemas: Schemas, about: About, error: Schema
) -> Schema:
    summary, description = operation.documentation
    needs = f"Needs the scope `{operation.scope}`." if operation.scope else "Any valid key may."
    described = spelt(description, about.spell)
    written: Schema = {
        "operationId": camel(operation.name),
        "tags": [operation.tag],
        "summary": summary,
        "description": f"{described}\n\n{needs}".strip(),
    }
    if operation.scope:
        written["x-scope"] = operation.scope
    written["security"] = [{"bearerAuth": [operation.scope] if operation.scope else []}]
    if parameters := _parameters(operation, schemas, about):
        written["parameters"] = parameters
    if operation.body is not None:
        schema = schemas.of(operation.body, "in")
        given = operation.examples.get("body", UNSET)
        written["requestBody"] = {
            "description": "JSON, whatever the content type says; at most 1 MiB.",
            "required": any(there for _, there in schemas.properties(operation.body, "in").values()),
            "content": {
                JSON: {
                    "schema": schema,
                    "example": example(schema, schemas.components, about.words) if given is UNSET else given,
                }
            },
        }
    written["responses"] = dict(sorted({**answers, **_failures(operation, about, error)}.items()))
    return written


def _parameters(operation: Operation, schemas: Schemas, about: About) -> list[Schema]:
    written: list[Schema] = [
        {
            "name": about.spell(name),
            "in": "path",
            "required": True,
            "description": about.parameters.get(name, f"The {name.replace('_', ' ')}."),
            "schema": {"type": "string"},
            "example": _worded(about, "path", name),
        }
        for name in operation.path_parameters
    ]
    for name, (may_be_null, required) in schemas.properties(operation.query, "in").items() if operation.query else ():
        # Nothing in a query string is null: a parameter is there or it is not.
        schema = dict(without_null(may_be_null))
        said = schema.pop("description", None) or about.parameters.get(name)
        parameter: Schema = {"name": name, "in": "query", "required": required, "schema": schema}
        if said:
            parameter["description"] = said
        if (value := operation.examples.get(name, about.words("query", name) if required else UNSET)) is not UNSET:
            parameter["example"] = value
        written.append(parameter)
    if operation.writes:
        written.append({"$ref": "#/components/parameters/IdempotencyKey"})
    return written


def _worded(about: About, component: str, name: str) -> Any:
    word = about.words(component, name)
    return "text" if word is UNSET else word


def _answers(operation: Operation, operations: list[Operation], schemas: Schemas, about: About) -> dict[str, Schema]:
    """The successes of an operation, by status."""
    kinds = get_args(operation.returns) if get_origin(operation.returns) in (Union, UnionType) else (operation.returns,)
    written: dict[str, Schema] = {}
    for kind in kinds:
        if kind is NoneType or kind is None:
            written["204"] = {"description": "Done.", "headers": _headers(operation)}
            continue
        made = get_origin(kind) is Created
        content = get_args(kind)[0] if made else kind
        schema = about.envelope(schemas, operation, content)
        given = operation.examples.get("answer", UNSET)
        shown = example(schema, schemas.components, about.words) if given is UNSET else given
        answer = {
            "description": _said(made=made, paged=_paged(kind)),
            "headers": _headers(operation, made=made),
            "content": {JSON: {"schema": schema, "example": shown}},
        }
        if made and (links := _links(operation, content, operations, about)):
            answer["links"] = links
        written[str(operation.status)] = answer
        if operation.read_if is not None and operation.status != 200:
            rehearsed = {**answer, "description": "What would be done; nothing was changed.", "headers": _headers(None)}
            written["200"] = rehearsed
    return written


def _links(
    operation: Operation, content: type[msgspec.Struct], operations: list[Operation], about: About
) -> dict[str, Schema]:
    """What can be asked of the thing just made: every operation whose path takes nothing but its id, or its slug."""
    sources = {
        about.words(content.__name__, about.spell(name)): f"$response.body#/data/{about.spell(name)}"
        for name in content.__struct_fields__
    }
    if operation.body is not None and "slug" in operation.body.__struct_fields__:
        sources[about.words("path", "slug")] = "$request.body#/slug"
    links: dict[str, Schema] = {}
    for other in operations:
        if len(other.path_parameters) == 1:
            name = other.path_parameters[0]
            source = sources.get(about.words("path", name))
            if source is not None and (name != "slug" or other.tag == operation.tag):
                links[camel(other.name)] = {
                    "operationId": camel(other.name),
                    "parameters": {about.spell(name): source},
                }
    return links


def _paged(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Page)


def _said(*, made: bool, paged: bool) -> str:
    if made:
        return "Created."
    return "One page." if paged else "OK."


def _headers(operation: Operation | None, *, made: bool = False) -> Schema:
    names = ["X-Request-Id", "RateLimit", "RateLimit-Policy"]
    if made:
        names.append("Location")
    if operation is not None and operation.writes:
        names.append("Idempotent-Replayed")
    return _refer(names)


def _refer(names: list[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name.replace('-', '')}"} for name in names}


def _shared(about: About) -> list[type[errors.Failure]]:
    """The failures that look the same wherever they happen."""
    return [family for family in about.failures if family not in (errors.NotFound, errors.Conflict)]


def _failures(operation: Operation, about: About, error: Schema) -> dict[str, Schema]:
    """The refusals of an operation, by status: those of every route, those its signature brings, and its own."""
    own: dict[type[errors.Failure], list[type[errors.Failure]]] = {family: [] for family in ALWAYS}
    if operation.scope is not None:
        own[errors.Forbidden] = []
    if operation.path_parameters:
        own[errors.NotFound] = []
    if operation.subject is not None:
        own[errors.Gone] = []
    if operation.writes:
        # Its idempotency key may be malformed, or used already.
        own[errors.Invalid] = own[errors.Conflict] = []
    if operation.body is not None:
        own[errors.TooLarge] = []
    if operation.body is not None or operation.query is not None:
        own[errors.Invalid] = []
    for failure in operation.fails:
        family = next(parent for parent in failure.__mro__ if parent in about.failures)
        own[family] = [*own.get(family, []), failure]
    written: dict[str, Schema] = {}
    for family, failures in own.items():
        status = str(about.failures[family][0])
        if family in (errors.NotFound, errors.Conflict):
            written[status] = _refusal(family, about, error, failures, keyed=operation.writes)
        else:
            written[status] = {"$ref": f"#/components/responses/{family.__name__}"}
    return written


def _refusal(
    family: type[errors.Failure],
    about: About,
    error: Schema,
    failures: list[type[errors.Failure]] | None = None,
    *,
    keyed: bool = False,
) -> Schema:
    """A refusal, with an example of each of its causes."""
    _, code, said = about.failures[family]
    headers = ["X-Request-Id", "RateLimit", "RateLimit-Policy"]
    if family in (errors.TooMany, errors.Unavailable, errors.Conflict):
        headers.append("Retry-After")
    if family is errors.Unauthenticated:
        headers.append("WWW-Authenticate")
    causes = {failure.code: message(failure, about.words) for failure in failures or ()}
    told = {name: text for name, text in causes.items() if text is not None}
    if family is errors.Conflict and keyed:
        told["idempotency_key_reused"] = "Idempotency key already used with different request body"
    if not told:
        told = {family.code: about.words("message", family.__name__)}
    examples: Schema = {}
    for name, text in told.items():
        extra = about.words("error", family.__name__)
        body = {"code": code, "message": text, **({} if extra is UNSET else extra)}
        examples[name] = {"summary": name.replace("_", " ").capitalize(), "value": {"error": body}}
    return {
        "description": "\n".join([said, *(f"- `{name}`: {text}" for name, text in told.items() if failures or keyed)]),
        "headers": _refer(headers),
        "content": {JSON: {"schema": error, "examples": examples}},
    }
