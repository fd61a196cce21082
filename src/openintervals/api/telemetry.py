"""Logs and measurements: one JSON line and one observation for each request.

Neither holds a secret, an e-mail address, a query string or a body: a line names the route's template, not the path, and label values
come from closed sets (route templates, methods, statuses). Logs go to standard error.
"""

import sys
import time
import traceback
from typing import Any

import msgspec
import prometheus_client as prometheus
import structlog

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


def configure(settings: Settings) -> None:
    """Set up logging for this process."""
    global _log_requests  # noqa: PLW0603 — one process, one log
    _log_requests = settings.log_requests
    as_lines = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
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
    line: dict[str, Any] = {
        "request_id": exchange.request_id,
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 3),
        "db_ms": round(exchange.db_ms, 3),
        "db_statements": exchange.db_statements,
    }
    caller = exchange.caller
    if caller is not None:
        line["organization"] = caller.organization_id
        line["mode"] = caller.mode
        line["key"] = caller.key_id
    if exchange.error_code is not None:
        line["error"] = exchange.error_code
    log.info("request", **line)


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


def exposition() -> bytes:
    """All measurements in Prometheus' text format."""
    return prometheus.generate_latest()
