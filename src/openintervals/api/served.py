"""An OpenAPI document as it is served and printed: made when first asked for, and the same bytes from then on."""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from openintervals.api.exchange import Runtime
from openintervals.api.http import JSON, Answer, Headers
from openintervals.api.openapi_schemas import Schema


def printed(plain: Schema) -> str:
    """A document as people read it too."""
    return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n"


def route(path: str, text: Callable[[str], str], runtime: Runtime) -> HTTPRouteHandler:
    """A route for what `text` makes with the server's public address; whoever knows it already gets 304."""

    @cache
    def made() -> tuple[bytes, str]:
        body = text(runtime.settings.public_url).encode()
        return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    async def answer(request: Request[Any, Any, Any]) -> ASGIApp:
        body, tag = made()
        headers: Headers = [(b"etag", tag.encode()), (b"cache-control", b"public, max-age=300")]
        if _knows(request.headers.get("if-none-match", ""), tag):
            return Answer(304, b"", headers)
        return Answer(200, body, [JSON, *headers])

    return HTTPRouteHandler(path, http_method="GET", name=path)(answer)


def _knows(if_none_match: str, tag: str) -> bool:
    known = [part.strip().removeprefix("W/") for part in if_none_match.split(",")]
    return tag in known or "*" in known
