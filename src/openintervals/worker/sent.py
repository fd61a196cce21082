"""What the operator sees of webhooks: how many tries, with what outcome, and how long the first one took to leave."""

from datetime import datetime

import prometheus_client as prometheus

from openintervals import instants
from openintervals.platform.retries import Answer

_tries = prometheus.Counter("openintervals_webhook_tries_total", "Webhook tries by outcome", ("outcome",))
_duration = prometheus.Histogram(
    "openintervals_webhook_duration_seconds",
    "How long a webhook try took",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15),
)
_delay = prometheus.Histogram(
    "openintervals_webhook_delay_seconds",
    "From the commit of a change to the first try to tell of it",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300),
)


def answered(answer: Answer) -> None:
    """Count a try by its status class, or by what kept an answer from coming."""
    outcome = answer.problem or f"{(answer.status or 0) // 100}xx"
    _tries.labels(outcome).inc()
    _duration.observe(answer.duration_ms / 1000)


def first_try(created_at: str, now: datetime) -> None:
    """Note how long after its change, told as stored, a delivery first leaves."""
    _delay.observe(max(0.0, (now - instants.parse(created_at)).total_seconds()))
