"""What a database refuses, in our words, the same for both databases."""

from openintervals import errors


class Duplicate(errors.Conflict):
    """A unique key is taken. The operation that knows the noun catches it and says which."""

    code = "duplicate"

    def __init__(self) -> None:
        super().__init__("This would make a second object with the same key; read the present one and try again")


class RuleBroken(errors.Conflict):
    """A CHECK or a foreign key refused the change: the last line of defence behind the operations' own rules."""

    code = "rule_broken"

    def __init__(self) -> None:
        super().__init__("The change would break a rule of the stored data, so nothing was changed")


class Busy(errors.Unavailable):
    """Another writer held the database too long; nothing was changed."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__("The database is busy; nothing was changed, try again")


class OutcomeUnknown(errors.Unavailable):
    """The connection broke while the commit was on its way: it may have arrived."""

    code = "outcome_unknown"

    def __init__(self) -> None:
        super().__init__(
            "The database went away while the change was being stored, so it may or may not have been; look before you "
            "send it again, or send it again with the same Idempotency-Key"
        )


class FileReplaced(errors.Unavailable):
    """The database's file is not the one that was opened."""

    code = "file_replaced"

    def __init__(self) -> None:
        super().__init__(
            "The database's file was moved or replaced while the server runs, so nothing was changed; its operator must restart it",
            retry_after_s=30,
        )


class UnusableDatabase(Exception):
    """Start-up refuses this database; the message is one sentence that says what to do."""
