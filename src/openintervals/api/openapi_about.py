"""What one dialect says its own way in an OpenAPI document, and the headers all have in common."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from openintervals import errors
from openintervals.api.http import Operation
from openintervals.api.openapi_examples import Words
from openintervals.api.openapi_schemas import Schema, Schemas

JSON = "application/json"
CSV = "text/csv"
BYTES = "application/octet-stream"
ALWAYS = (errors.Unauthenticated, errors.TooMany, errors.Unavailable, errors.Failure)


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


class About(msgspec.Struct, frozen=True, kw_only=True):
    """How one dialect fills in the document.

    `spell` gives the wire's name of a column; `envelope` the schema of an answer; `words(component, field)` an example value or UNSET;
    `parameters` says by name what a query or path parameter is; `failures` gives status, code and description of each family, and
    `refused(status, code, message, extra)` the body of one. `schemes` are the ways to authenticate; a bearer's scopes are told with it.
    """

    title: str
    version: str
    description: str
    tags: Mapping[str, str]
    parameters: Mapping[str, str]
    failures: Mapping[type[errors.Failure], tuple[int, str, str]]
    error: type[msgspec.Struct]
    refused: Callable[[int, str, str, Mapping[str, Any]], Any]
    schemes: Mapping[str, Schema]
    challenge: str
    spell: Callable[[str], str]
    envelope: Callable[[Schemas, Operation, Any], Schema]
    words: Words


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def spelt(text: str, spell: Callable[[str], str]) -> str:
    """A path, or prose that names one, with its parameters in the wire's spelling."""
    return re.sub(r"\{(\w+)\}", lambda found: "{" + spell(found[1]) + "}", text)
