"""Who gets into an API, and whose objects they get at there. What is true of keys and owners is the domain's; an API only names it."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from openintervals.db.transaction import Read
from openintervals.platform.api_keys import Caller


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets in. `key_in` finds in an `Authorization` header a key that may exist, `caller` looks up whose it is; `refusal` says what would
    have worked. What is below the prefix and `public` needs no key."""

    key_in: Callable[[str], str | None]
    caller: Callable[[Read, str], Awaitable[Caller | None]]
    refusal: Callable[[str | None], str]
    public: tuple[str, ...]


Reach = Callable[[Any, Caller, str], Awaitable[Any]]
"""Turns the caller's transaction into that of the owner of what a path parameter names, if the caller reaches it."""
