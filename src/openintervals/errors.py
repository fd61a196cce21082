"""Every way a request can fail, as one closed family. It knows no HTTP: each dialect maps a family to a status and a body.

    Failure
    ├── Unauthenticated   no valid key came with the request
    ├── Forbidden         the key is good, but may not do this
    ├── NotFound          no such object for this organization and mode (another tenant's object is this too)
    ├── Gone              the object was here and was deleted; `version` is that of its deletion
    ├── Invalid           the request itself is wrong; `fields` says where
    ├── TooLarge          more bytes than the server takes
    ├── Conflict          the request is right, but the present state does not allow it
    ├── TooMany           over a limit; `retry_at` says when to come back
    └── Unavailable       the server cannot do it just now; nothing was changed

`message` is public: it says what to do. What only an operator should see belongs in the log, not here.
Field names in `Invalid.fields` are column names; the dialect turns them into the names its wire uses.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime


class Failure(Exception):
    """Base of the family. `code` is stable and machine-readable; subclasses live with their noun."""

    code = "failure"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unauthenticated(Failure):
    code = "unauthenticated"


class Forbidden(Failure):
    code = "forbidden"


class NotFound(Failure):
    code = "not_found"


class Gone(Failure):
    """`version` is the object's version with its deletion, higher than any it had before."""

    code = "gone"

    def __init__(self, message: str, version: int) -> None:
        super().__init__(message)
        self.version = version


class Invalid(Failure):
    """`fields` maps a field to everything wrong with it, all fields at once."""

    code = "invalid"

    def __init__(
        self, message: str = "Invalid request body", fields: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        super().__init__(message)
        self.fields: dict[str, list[str]] = {name: list(problems) for name, problems in (fields or {}).items()}


class TooLarge(Failure):
    code = "too_large"


class Conflict(Failure):
    """`retry_after_s` is set when waiting can help."""

    code = "conflict"

    def __init__(self, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooMany(Failure):
    code = "too_many"

    def __init__(self, message: str, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class Unavailable(Failure):
    code = "unavailable"

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
