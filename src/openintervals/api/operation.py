"""An operation: one route, as its handler declares it, from which come the route, the OpenAPI document and docs/routes.md."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from litestar.types import Method

from openintervals import errors
from openintervals.api import rules
from openintervals.api.exchange import Runtime
from openintervals.db.transaction import Asking
from openintervals.platform import scopes

Handler = Callable[..., Awaitable[Any]]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One route. `writes` says that it may change something, `own_transactions` that it is in none and opens those it needs."""

    method: Method
    path: str
    handler: Handler
    scope: str | None
    status: int
    tag: str
    fails: tuple[type[errors.Failure], ...]
    snapshot: bool
    outlives: bool
    read_if: Callable[[Any], bool] | None
    before: Callable[[Runtime, Asking, Any], Awaitable[None]] | None
    rules: rules.Rules
    examples: Mapping[str, Any]
    query: type[msgspec.Struct] | None
    body: Any  # a struct, or a list of one
    body_most: int
    ext: tuple[str, ...]
    writes: bool
    own_transactions: bool
    path_parameters: tuple[str, ...]
    takes: frozenset[str]
    returns: Any

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def keyed(self) -> bool:
        """Whether an idempotency key counts: what opens its own transactions is safe to send again without one."""
        return self.writes and not self.own_transactions

    @property
    def documentation(self) -> tuple[str, str]:
        """Summary and description, from the handler's docstring."""
        summary, _, rest = (inspect.getdoc(self.handler) or self.name).partition("\n")
        return summary.strip().rstrip("."), " ".join(rest.split())

    @property
    def subject(self) -> tuple[str, str] | None:
        """Type and path parameter of the object that a GET asks for by its id, which may be gone; None for what it finds by another name."""
        if self.method != "GET" or self.outlives:
            return None
        types = [(name.removesuffix("_id"), name) for name in self.path_parameters if name.endswith("_id")]
        return next((each for each in types if each[0] in scopes.READS), None)
