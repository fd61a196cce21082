"""What a dialect says so that the engine can deliver in it: how one change reads, and how a request is made of one or several.

The engine knows endpoints, order, time and the network; it looks into no payload. A dialect is three functions and a number, made once at start-up.
`payload` is a function of its argument alone: called twice for one delivery it gives the same bytes. What it gave is kept with the first attempt,
and what is kept is what every later attempt sends.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

Headers = dict[str, str]


class Told(msgspec.Struct, frozen=True):
    """One change as one endpoint is to hear of it: the journal's entry, under the `type` that was asked for.

    `changed` names columns; `snapshot` is the object's record as JSON, as it was after the change. `format` is `full` or `thin`.
    """

    organization_id: str
    mode: str
    type: str
    format: str
    verb: str
    object_type: str
    object_id: str
    object_version: int
    at: str
    changed: msgspec.Raw
    snapshot: msgspec.Raw

    @property
    def deleted(self) -> bool:
        return self.verb.endswith(".deleted")


class Sending(msgspec.Struct, frozen=True):
    """One delivery of a request: its stable id and its frozen bytes."""

    delivery_id: str
    payload: bytes


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """`payload(told)` freezes one delivery. `request(secrets, sendings, at)` makes headers and body of one attempt at `at` for deliveries that
    share a request; `secrets` are the endpoint's valid ones, newest first. Deliveries share one when `together(told)` is equal, `changes_most` of
    them at most; each of a request is about another object."""

    name: str
    payload: Callable[[Told], bytes]
    request: Callable[[Sequence[str], Sequence[Sending], datetime], tuple[Headers, bytes]]
    together: Callable[[Told], str]
    changes_most: int = 1
