"""The answers of an operation in an OpenAPI document: what it gives by status, and how it refuses. Pure."""

from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import UNSET

from openintervals import errors
from openintervals.api.http import Created, Csv, File, Operation, Page, Status, Stored
from openintervals.api.openapi_about import ALWAYS, BYTES, CSV, JSON, About, camel
from openintervals.api.openapi_examples import example, message
from openintervals.api.openapi_schemas import Schema, Schemas


def of(
    operation: Operation, ext: str, operations: list[Operation], schemas: Schemas, about: About
) -> dict[str, Schema]:
    """The successes of an operation under one of its suffixes, by status."""
    union = get_origin(operation.returns) in (Union, UnionType)
    kinds = get_args(operation.returns) if union else (operation.returns,)
    if len(operation.ext) > 1 and Csv in kinds:
        kinds = tuple(kind for kind in kinds if (kind is Csv) is (ext == ".csv"))
    written: dict[str, Schema] = {}
    for kind in kinds:
        if kind is NoneType or kind is None:
            written["204"] = {"description": "Done.", "headers": _headers(operation)}
        elif kind in (Csv, File):
            written[str(operation.status)] = _file(operation, CSV if kind is Csv else BYTES)
        elif get_origin(kind) is Status:
            answer = _answer(operation, get_args(kind)[0], operations, schemas, about)
            written |= {str(operation.status): answer, "200": {**answer, "description": "It was there already."}}
        else:
            answer = _answer(operation, kind, operations, schemas, about)
            if (other := written.get(str(operation.status))) is not None:
                _merge(answer, other)
            written[str(operation.status)] = answer
            if operation.read_if is not None and operation.status != 200:
                said = "What would be done; nothing was changed."
                written["200"] = {**answer, "description": said, "headers": _headers(None)}
    return written


def _answer(operation: Operation, kind: Any, operations: list[Operation], schemas: Schemas, about: About) -> Schema:
    made = get_origin(kind) is Created
    content = get_args(kind)[0] if made or get_origin(kind) is Stored else kind
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
    return answer


def _merge(answer: Schema, other: Schema) -> None:
    """Let an answer be of the other's kind too, and have the example of that."""
    content, there = answer["content"][JSON], other["content"][JSON]
    kinds = [each for part in (there, content) for each in part["schema"].get("anyOf", [part["schema"]])]
    content.update(schema={"anyOf": kinds}, example=there["example"])


def _file(operation: Operation, media_type: str) -> Schema:
    schema = {"type": "string"} if media_type == CSV else {"type": "string", "format": "binary"}
    return {"description": "OK.", "headers": _headers(operation), "content": {media_type: {"schema": schema}}}


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
    if operation is not None and operation.keyed:
        names.append("Idempotent-Replayed")
    return _refer(names)


def _refer(names: list[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name.replace('-', '')}"} for name in names}


def shared(about: About) -> list[type[errors.Failure]]:
    """The failures that look the same wherever they happen."""
    return [family for family in about.failures if family not in (errors.NotFound, errors.Conflict)]


def failures(operation: Operation, about: About, error: Schema) -> dict[str, Schema]:
    """The refusals of an operation, by status: those of every route, those its signature brings, and its own."""
    own: dict[type[errors.Failure], list[type[errors.Failure]]] = {family: [] for family in ALWAYS}
    if operation.scope is not None:
        own[errors.Forbidden] = []
    if operation.path_parameters:
        own[errors.NotFound] = []
    if operation.subject is not None:
        own[errors.Gone] = []
    if operation.keyed:
        # Its idempotency key may be malformed, or used already.
        own[errors.Invalid] = own[errors.Conflict] = []
    if operation.body is not None or "file" in operation.takes:
        own[errors.TooLarge] = own[errors.Invalid] = []
    if operation.body is not None or operation.query is not None:
        own[errors.Invalid] = []
    for failure in operation.fails:
        family = next(parent for parent in failure.__mro__ if parent in about.failures)
        own[family] = [*own.get(family, []), failure]
    written: dict[str, Schema] = {}
    for family, causes in own.items():
        status = str(about.failures[family][0])
        if family in (errors.NotFound, errors.Conflict):
            written[status] = refusal(family, about, error, causes, keyed=operation.keyed)
        else:
            written[status] = {"$ref": f"#/components/responses/{family.__name__}"}
    return written


def refusal(
    family: type[errors.Failure],
    about: About,
    error: Schema,
    own: list[type[errors.Failure]] | None = None,
    *,
    keyed: bool = False,
) -> Schema:
    """A refusal, with an example of each of its causes."""
    status, code, said = about.failures[family]
    headers = ["X-Request-Id", "RateLimit", "RateLimit-Policy"]
    if family in (errors.TooMany, errors.Unavailable, errors.Conflict):
        headers.append("Retry-After")
    if family is errors.Unauthenticated:
        headers.append("WWW-Authenticate")
    causes = {failure.code: message(failure, about.words) for failure in own or ()}
    told = {name: text for name, text in causes.items() if text is not None}
    if family is errors.Conflict and keyed:
        told["idempotency_key_reused"] = "Idempotency key already used with different request body"
    if not told:
        told = {family.code: about.words("message", family.__name__)}
    examples: Schema = {}
    for name, text in told.items():
        extra = about.words("error", family.__name__)
        body = about.refused(status, code, text, {} if extra is UNSET else extra)
        examples[name] = {"summary": name.replace("_", " ").capitalize(), "value": body}
    return {
        "description": "\n".join([said, *(f"- `{name}`: {text}" for name, text in told.items() if own or keyed)]),
        "headers": _refer(headers),
        "content": {JSON: {"schema": error, "examples": examples}},
    }
