"""When a webhook is tried again, and when its endpoint is left in peace: rules alone, over what became of one try.

A delivery has ten tries, as Standard Webhooks suggests; each waits from the failure before it, a fifth more or less by chance, so that
what failed together does not come back together. A receiver that is overloaded gets a minute at least, and one that names a time gets that.
A try that ended without a whole answer has failed, whatever its first bytes said: better twice than never, and the id stays the same.

An endpoint is *closed* (deliveries flow), *open* after five straight failures (nothing is sent until `probe_at`), then *half-open*:
one delivery is let out as a probe, and its success closes. Each failed probe doubles the pause, up to five minutes.
When two come at once: tries that began before the endpoint opened, or before the probe was let out, say nothing new, and do not lengthen the
pause when they fail; whoever sends claims the probe by storing `probing` on the condition that `probe_at` is still what it read.
"""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

# Before each try, from the failure before it. The first follows the change itself.
SCHEDULE_S = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
TRIES_MOST = len(SCHEDULE_S)
JITTER = 0.2
SLOWER_S = 60
SLOWER_STATUSES = frozenset({429, 502, 503, 504})
RETRY_AFTER_MOST_S = 24 * 3600

OPEN_AFTER = 5
PAUSE_S = 30
PAUSE_MOST_S = 300
FAILING_MOST = timedelta(days=5)

Problem = Literal["timeout", "refused", "reset", "tls", "name", "forbidden_address", "bad_answer", "failed"]


class Answer(msgspec.Struct, frozen=True):
    """What became of one try: the status that came, or the `problem` that kept a whole answer from coming, or both.

    `head` is the beginning of the answer's body, `retry_after_s` what it asked for in seconds, `duration_ms` the whole try.
    """

    status: int | None = None
    problem: Problem | None = None
    head: str = ""
    retry_after_s: int | None = None
    duration_ms: int = 0

    @property
    def succeeded(self) -> bool:
        return self.problem is None and self.status is not None and 200 <= self.status < 300


class Verdict(msgspec.Struct, frozen=True):
    """What follows from a try; `delay_s` until the next one, when the kind is `again`."""

    kind: Literal["succeeded", "again", "exhausted", "gone"]
    delay_s: float | None = None


class Health(msgspec.Struct, frozen=True):
    """How an endpoint has been lately, over all its deliveries. Healthy is `Health()`.

    `failures` are straight ones since `failing_since`. `probe_at` is set unless it is closed: the end of a pause of `pause_s`.
    """

    failures: int = 0
    failing_since: datetime | None = None
    pause_s: int = 0
    probe_at: datetime | None = None

    def state(self, now: datetime) -> Literal["closed", "open", "half_open"]:
        if self.probe_at is None:
            return "closed"
        # A pause that ends later than it could have begun now is one of a clock that was set back since.
        return "open" if now < self.probe_at <= now + timedelta(seconds=self.pause_s) else "half_open"

    def probing(self, now: datetime) -> "Health":
        """One delivery is let out at `now`; another one only when its answer is overdue by a whole pause."""
        return msgspec.structs.replace(self, probe_at=now + timedelta(seconds=self.pause_s))

    def failed(self, began_at: datetime, now: datetime) -> "Health":
        """After a try that began at `began_at` failed at `now`."""
        failing_since = self.failing_since or now
        if self.probe_at is not None and began_at < self.probe_at - timedelta(seconds=self.pause_s):
            return msgspec.structs.replace(self, failures=self.failures + 1, failing_since=failing_since)
        if self.failures + 1 < OPEN_AFTER:
            return Health(self.failures + 1, failing_since)
        pause_s = min(2 * self.pause_s or PAUSE_S, PAUSE_MOST_S)
        return Health(self.failures + 1, failing_since, pause_s, now + timedelta(seconds=pause_s))

    def is_lost(self, now: datetime) -> bool:
        """Whether it has done nothing but fail for so long that it is to be disabled."""
        return (
            self.failures >= OPEN_AFTER and self.failing_since is not None and now - self.failing_since >= FAILING_MOST
        )


def verdict(answer: Answer, tries_before: int, chance: float) -> Verdict:
    """What follows from `answer`, which came after `tries_before` earlier tries. `chance` is in [0, 1)."""
    if answer.succeeded:
        return Verdict("succeeded")
    if answer.status == 410 and answer.problem is None:
        return Verdict("gone")
    if tries_before + 1 >= TRIES_MOST:
        return Verdict("exhausted")
    delay_s = SCHEDULE_S[tries_before + 1] * (1 - JITTER + 2 * JITTER * chance)
    if answer.problem == "timeout" or answer.status in SLOWER_STATUSES:
        delay_s = max(delay_s, SLOWER_S * (1 + JITTER * chance))
    return Verdict("again", max(delay_s, min(answer.retry_after_s or 0, RETRY_AFTER_MOST_S)))
