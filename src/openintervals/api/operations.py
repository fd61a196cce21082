"""What operators and their machines ask the server itself: is it alive, is it ready, what does it measure.

`/livez` touches nothing. `/readyz` asks the database, and turns 503 when the server is told to stop, before it drains.
"""

import ipaddress
import secrets
from typing import Any

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from openintervals.api import telemetry
from openintervals.api.exchange import Exchange, Runtime
from openintervals.api.http import JSON, Answer


def routes(runtime: Runtime) -> list[HTTPRouteHandler]:
    async def livez(request: Request[Any, Any, Any]) -> ASGIApp:
        return _json(200, {"status": "alive"})

    async def readyz(request: Request[Any, Any, Any]) -> ASGIApp:
        if runtime.stopping:
            return _json(503, {"status": "stopping"})
        try:
            await runtime.database.ping()
        except Exception as problem:  # noqa: BLE001 — whatever it is, we are not ready
            telemetry.log.warning("not ready", exception=type(problem).__name__)
            return _json(503, {"status": "the database does not answer"})
        return _json(200, {"status": "ready"})

    async def metrics(request: Request[Any, Any, Any]) -> ASGIApp:
        if not _may_measure(Exchange.of(request.scope), runtime):
            return _json(403, {"status": "set OPENINTERVALS_METRICS_TOKEN and send it as a Bearer token"})
        text = telemetry.exposition()
        return Answer(200, text, [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")])

    return [
        HTTPRouteHandler(path, http_method=["GET", "HEAD"], name=path)(handler)
        for path, handler in (("/livez", livez), ("/readyz", readyz), ("/metrics", metrics))
    ]


def _may_measure(exchange: Exchange, runtime: Runtime) -> bool:
    token = runtime.settings.metrics_token
    if token:
        return secrets.compare_digest((exchange.authorization or "").encode(), f"Bearer {token}".encode())
    # Behind a proxy everybody comes from loopback, but a proxy says whom it speaks for.
    try:
        return (
            not exchange.proxied
            and exchange.forwarded_for is None
            and ipaddress.ip_address(exchange.address).is_loopback
        )
    except ValueError:
        return False


def _json(status: int, body: dict[str, str]) -> Answer:
    return Answer(status, msgspec.json.encode(body), [JSON])
