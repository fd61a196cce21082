"""Logs and measurements: one JSON line and one observation for each request.

Neither holds a secret, an e-mail address, a query string or a body: a line names the route's template, not the path, and label values
come from closed sets (route templates, methods, statuses). Logs go to standard error.
"""

import asyncio
import logging
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec
import prometheus_client as prometheus
import structlog
from prometheus_client import multiprocess

from openintervals import errors
from openintervals.api.exchange import Exchange, Runtime
from openintervals.settings import Settings

METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

_duration = prometheus.Histogram(
    "http_server_request_duration_seconds",
    "Duration of HTTP requests",
    ("http_request_method", "http_route", "http_response_status_code"),
    buckets=BUCKETS,
)
_denied = prometheus.Counter("openintervals_rate_limited_total", "Requests refused by a rate limit")
_replayed = prometheus.Counter("openintervals_idempotent_replays_total", "Answers given again for an idempotency key")
_children: dict[tuple[str, str, int], Any] = {}

log: Any = structlog.get_logger()
_log_requests = True
_registry = prometheus.REGISTRY
_lines: "_Lines | None" = None


def configure(settings: Settings) -> None:
    """Set up logging for this process."""
    global _log_requests, _lines  # noqa: PLW0603 — one process, one log
    _log_requests = settings.log_requests
    as_lines = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    logging.basicConfig(level=logging.WARNING, handlers=[_IntoTheLog()], force=True)
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    _lines = None if as_lines else _Lines(sys.stderr.buffer)
    if as_lines:
        structlog.configure(
            processors=[*shared, structlog.dev.ConsoleRenderer()],
            logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[*shared, structlog.processors.JSONRenderer(serializer=_as_json)],
            logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
            cache_logger_on_first_use=True,
        )


def _as_json(event: dict[str, Any], **_: Any) -> bytes:
    return msgspec.json.encode(event)


def finish(runtime: Runtime, exchange: Exchange, scope: Any) -> None:
    """Measure and log an exchange that is over."""
    seconds = time.perf_counter() - exchange.started
    method = scope["method"] if scope["method"] in METHODS else "_OTHER"
    route = scope.get("path_template") or "none"
    status = exchange.status or 499  # the client went away before there was an answer
    child = _children.get((method, route, status))
    if child is None:
        child = _children[(method, route, status)] = _duration.labels(method, route, str(status))
    child.observe(seconds)
    if status == 429:
        _denied.inc()
    if not _log_requests:
        return
    caller = exchange.caller
    line = RequestLine(
        datetime.now(UTC),
        exchange.request_id,
        method,
        route,
        status,
        round(seconds * 1000, 3),
        round(exchange.db_ms, 3),
        exchange.db_statements,
        caller.organization_id if caller is not None else None,
        caller.mode if caller is not None else None,
        caller.key_id if caller is not None else None,
        exchange.error_code,
    )
    if _lines is None:
        told = msgspec.to_builtins(line)
        log.info("request", **{name: told[name] for name in told if name not in ("time", "level", "event")})
    else:
        _lines.write(line)


class RequestLine(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag="request"):
    """What is said of one request."""

    time: datetime
    request_id: str
    method: str
    route: str
    status: int
    ms: float
    db_ms: float
    db_statements: int
    organization: str | None = None
    mode: str | None = None
    key: str | None = None
    error: str | None = None
    level: str = "info"


class _Lines:
    """Request lines on their way out: those of one turn of the event loop leave in one write."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._encoder = msgspec.json.Encoder()
        self._waiting: list[bytes] = []

    def write(self, line: RequestLine) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(self._encoder.encode(line))

    def _flush(self) -> None:
        self._waiting.append(b"")
        self._out.write(b"\n".join(self._waiting))
        self._out.flush()
        self._waiting.clear()


def replayed() -> None:
    _replayed.inc()


def log_failure(exchange: Exchange, problem: BaseException) -> None:
    """Log an unexpected exception by type and place; its text may hold data, so it stays out."""
    frames = traceback.extract_tb(problem.__traceback__)
    exchange.error_code = "internal"
    log.error(
        "failure",
        request_id=exchange.request_id,
        exception=type(problem).__name__,
        at=[f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-12:]],
    )


def log_cause(exchange: Exchange, failure: errors.Failure) -> None:
    """Log why the server could not do it just now, for the operator: kinds of exceptions and the database's code, no text."""
    causes: list[str] = []
    cause = failure.__cause__
    while cause is not None and len(causes) < 5:
        state = getattr(cause, "sqlstate", None)
        causes.append(type(cause).__name__ + (f" {state}" if state else ""))
        cause = cause.__cause__
    log.warning("unavailable", request_id=exchange.request_id, error=failure.code, causes=causes)


class _IntoTheLog(logging.Handler):
    """What libraries log by the standard library, as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log.log(record.levelno, "library", logger=record.name, message=record.getMessage()[:500])


def exposition() -> bytes:
    """All measurements in Prometheus' text format."""
    return prometheus.generate_latest(_registry)


def measure_together(folder: str) -> None:
    """Several processes serve: each writes its measurements into `folder`, and any of them shows the sums."""
    global _registry  # noqa: PLW0603 — one process, one registry
    _registry = prometheus.CollectorRegistry()
    multiprocess.MultiProcessCollector(_registry, path=folder)  # type: ignore[no-untyped-call]  # the library is untyped here
