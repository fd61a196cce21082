"""The OpenAPI document of an API, made from the operations it declares: nothing about a route is written twice.

`document` walks the operations of an `Api`; what every dialect says its own way (title, words, tags, statuses, envelope) comes from its `About`.
Answers and refusals are in `openapi_answers`. An operation with suffixes is as many paths.
It is pure, and the same operations give the same document. `openapi_3_0.downgrade` makes the older form.
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_origin

from msgspec import UNSET

from openintervals.api import openapi_answers as answers
from openintervals.api.http import Api, Operation
from openintervals.api.openapi_about import HEADERS, IDEMPOTENCY_KEY, JSON, About, camel, spelt
from openintervals.api.openapi_examples import example
from openintervals.api.openapi_schemas import Schema, Schemas, without_null
from openintervals.api.openapi_webhooks import Message, described
from openintervals.api.openapi_webhooks import parameters as parameters_of_messages


def document(api: Api, about: About, *, public_url: str = "", messages: Sequence[Message] = ()) -> Schema:
    """The OpenAPI 3.1 document of `api`, as plain values. `public_url` is where the server is reached, if it is known.

    `messages` are what the API sends by itself; they become its `webhooks`."""
    schemas = Schemas()
    error = schemas.of(about.error, "out")
    # Answers first: where a struct goes both ways, the plain name is that of the answer.
    operations = ordered(api, about)
    routes = [(operation, ext) for operation in operations for ext in operation.ext]
    told = [answers.of(operation, ext, operations, schemas, about) for operation, ext in routes]
    paths: dict[str, Schema] = {}
    for (operation, ext), answer in zip(routes, told, strict=True):
        place = paths.setdefault(spelt(operation.path, about.spell) + ext, {})
        place[operation.method.lower()] = _operation(operation, ext, answer, schemas, about, error)
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
        "security": [{name: []} for name in about.schemes],
        "tags": _tags([*(one.tag for one in operations), *(one.tag for one in messages)], about),
        "paths": paths,
        **webhooks,
        "components": {
            "securitySchemes": dict(about.schemes),
            "parameters": {"IdempotencyKey": IDEMPOTENCY_KEY, **parameters_of_messages(messages)},
            "headers": {
                name.replace("-", ""): {**header, "example": about.challenge} if name == "WWW-Authenticate" else header
                for name, header in HEADERS.items()
            },
            "responses": {family.__name__: answers.refusal(family, about, error) for family in answers.shared(about)},
            "schemas": dict(sorted(schemas.components.items())),
        },
    }


def ordered(api: Api, about: About) -> list[Operation]:
    """The operations by tag, in the order of the dialect's tags; inside a tag as they were declared."""
    order = {tag: place for place, tag in enumerate(about.tags)}
    return sorted(api.operations, key=lambda operation: order.get(operation.tag, len(order)))


def _tags(used: list[str], about: About) -> list[Schema]:
    return [{"name": tag, "description": about.tags.get(tag, tag)} for tag in dict.fromkeys(used)]


def scopes_described(intro: str, scopes: Mapping[str, str]) -> str:
    """What a way to authenticate says of scopes, a line for each."""
    return intro + "\n\n" + "\n".join(f"- `{scope}`: {said}" for scope, said in scopes.items())


def _operation(
    operation: Operation, ext: str, answer: dict[str, Schema], schemas: Schemas, about: About, error: Schema
) -> Schema:
    summary, description = operation.documentation
    needs = f"Needs the scope `{operation.scope}`." if operation.scope else "Any valid key may."
    described = spelt(description, about.spell)
    written: Schema = {
        "operationId": camel(operation.name) + ext.removeprefix(".").title(),
        "tags": [operation.tag],
        "summary": summary,
        "description": f"{described}\n\n{needs}".strip(),
    }
    if operation.scope:
        written["x-scope"] = operation.scope
    written["security"] = [
        {name: [operation.scope] if operation.scope and scheme["scheme"] == "bearer" else []}
        for name, scheme in about.schemes.items()
    ]
    if parameters := _parameters(operation, schemas, about):
        written["parameters"] = parameters
    if "file" in operation.takes:
        written["requestBody"] = _file(operation)
    elif operation.body is not None:
        written["requestBody"] = _body(operation, schemas, about)
    written["responses"] = dict(sorted({**answer, **answers.failures(operation, about, error)}.items()))
    return written


def _mib(most: int) -> str:
    return f"at most {most // (1024 * 1024)} MiB"


def _body(operation: Operation, schemas: Schemas, about: About) -> Schema:
    schema = schemas.of(operation.body, "in")
    given = operation.examples.get("body", UNSET)
    is_list = get_origin(operation.body) is list
    return {
        "description": f"JSON, whatever the content type says; {_mib(operation.body_most)}.",
        "required": is_list or any(there for _, there in schemas.properties(operation.body, "in").values()),
        "content": {
            JSON: {
                "schema": schema,
                "example": example(schema, schemas.components, about.words) if given is UNSET else given,
            }
        },
    }


def _file(operation: Operation) -> Schema:
    part: Schema = {"type": "string", "format": "binary", "description": f"The file; {_mib(operation.body_most)}."}
    schema = {"type": "object", "properties": {"file": part}, "required": ["file"]}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


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
    if operation.keyed:
        written.append({"$ref": "#/components/parameters/IdempotencyKey"})
    return written


def _worded(about: About, component: str, name: str) -> Any:
    word = about.words(component, name)
    return "text" if word is UNSET else word


__all__ = ["About", "camel", "document", "ordered", "scopes_described", "spelt"]
