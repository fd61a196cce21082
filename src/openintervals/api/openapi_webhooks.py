"""What an API sends by itself, as the `webhooks` of an OpenAPI 3.1 document: one request for each type, signed as Standard Webhooks are.

A dialect gives a `Message` for each type; what all have in common, the signed headers and what an answer means, is said here.
It is pure. OpenAPI 3.0 has no such part; there the schemas stay among the components.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from openintervals.api.openapi_schemas import Schema, Schemas

PARAMETERS: dict[str, Schema] = {
    "WebhookId": {
        "name": "webhook-id",
        "in": "header",
        "required": True,
        "description": "Names the delivery, and stays the same however often it is tried: what came with it before can be dropped.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,255}$"},
        "example": "d01k9x0q5zr4t8m2c6h0w4t8m2c6h0w0",
    },
    "WebhookTimestamp": {
        "name": "webhook-timestamp",
        "in": "header",
        "required": True,
        "description": "When this try was made, in whole seconds since 1970-01-01T00:00Z. Refuse what is more than five minutes off.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1772352000,
    },
    "WebhookSignature": {
        "name": "webhook-signature",
        "in": "header",
        "required": True,
        "description": (
            "`v1,` and the base64 of the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}`, under what the secret holds in base64 "
            "after `whsec_`. While a secret is being rotated there are two, separated by a space; one that fits is enough."
        ),
        "schema": {"type": "string", "pattern": "^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$"},
        "example": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    },
}
RESPONSES: dict[str, Schema] = {
    "2XX": {"description": "Received; whatever the answer holds, it is not sent again."},
    "410": {"description": "No longer wanted: the webhook is disabled."},
    "default": {
        "description": "Anything else, redirects too, and no answer within 15 seconds: it is tried again later."
    },
}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One type of request that the API sends. `schema` is that of its body, which each of `examples` fits; `scope` is what it takes to get it."""

    type: str
    tag: str
    said: str
    scope: str
    schema: Callable[[Schemas], Schema]
    examples: Mapping[str, Callable[[Schemas], Any]]


def described(messages: Sequence[Message], schemas: Schemas, media_type: str) -> dict[str, Schema]:
    """The `webhooks` of a document, by type."""
    return {message.type: {"post": _operation(message, schemas, media_type)} for message in messages}


def parameters(messages: Sequence[Message]) -> dict[str, Schema]:
    """What the messages refer to among the components' parameters."""
    return PARAMETERS if messages else {}


def _operation(message: Message, schemas: Schemas, media_type: str) -> Schema:
    schema = message.schema(schemas)
    examples = {name: {"summary": name.capitalize(), "value": made(schemas)} for name, made in message.examples.items()}
    return {
        "operationId": "on" + "".join(word[:1].upper() + word[1:] for word in _words(message.type)),
        "tags": [message.tag],
        "summary": message.said,
        "description": f"Sent to webhooks whose key has the scope `{message.scope}`.",
        "x-scope": message.scope,
        # The signature says who sends it; no key of the receiver's comes with it.
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in PARAMETERS],
        "requestBody": {
            "required": True,
            "content": {media_type: {"schema": schema, "examples": examples}},
        },
        "responses": RESPONSES,
    }


def _words(name: str) -> list[str]:
    return name.replace(".", "_").split("_")
