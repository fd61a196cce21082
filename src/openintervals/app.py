"""The composition root: every part is plugged in here, once.

`build` makes the ASGI application of one process: Litestar routes inside the shell. Opening and closing the database and the
background work belong to `serve`, which calls it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException

from openintervals import errors
from openintervals.api import http, icu, operations, partner, telemetry
from openintervals.api.exchange import Exchange, Runtime
from openintervals.api.icu.dialect import icu as icu_api
from openintervals.api.middleware import Shell, api_of, internal
from openintervals.api.partner.dialect import partner as partner_api
from openintervals.db import Database
from openintervals.settings import Settings

APIS = (partner_api, icu_api)


def now() -> datetime:
    return datetime.now(UTC)


def build(settings: Settings, opened: Database, clock: Callable[[], datetime] = now) -> tuple[Shell, Runtime]:
    """The ASGI application over an opened database, and what its exchanges share."""
    runtime = Runtime(settings, opened, clock)
    litestar = Litestar(
        [*operations.routes(runtime), *partner.routes(runtime), *icu.routes(runtime)],
        openapi_config=None,
        logging_config=None,
        exception_handlers={HTTPException: _refuse, Exception: _fail},
    )
    return Shell(litestar, APIS, runtime), runtime


def _refuse(request: Request[Any, Any, Any], problem: HTTPException) -> Response[bytes]:
    """What the router itself refuses: an unknown path, a wrong method."""
    if problem.status_code >= 500:
        return _fail(request, problem)
    api = api_of(APIS, request.scope["path"])
    if isinstance(problem, MethodNotAllowedException):
        allowed = (problem.headers or {}).get("allow", "")
        said = f"This path takes {allowed}, not {request.method[:20]}"
        return _answer(405, api.not_allowed(said), [http.JSON, (b"allow", allowed.encode())])
    path = request.scope["path"][:200]
    return _answer(*api.failure(errors.NotFound(f"No such path: {path}; GET {api.documents} lists them all")))


def _fail(request: Request[Any, Any, Any], problem: Exception) -> Response[bytes]:
    telemetry.log_failure(Exchange.of(request.scope), problem)
    return _answer(*api_of(APIS, request.scope["path"]).failure(internal()))


def _answer(status: int, body: bytes, headers: http.Headers) -> Response[bytes]:
    told = {name.decode(): value.decode() for name, value in headers}
    return Response(body, status_code=status, media_type=told.pop("content-type"), headers=told)
