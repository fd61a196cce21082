"""Instants as text and back. An instant is stored and sent as UTC text of fixed width, `2026-03-01T09:00:00.000Z`:
it sorts as it reads, and both databases and every JSON client understand it."""

from datetime import UTC, datetime


def text(instant: datetime) -> str:
    """The stored form of an aware instant, to the millisecond."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    return instant.isoformat(timespec="milliseconds")[:23] + "Z"


def parse(stored: str) -> datetime:
    """The aware instant of a stored text. Raises ValueError on anything `text` did not make."""
    return datetime.fromisoformat(stored)


def milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970-01-01T00:00Z."""
    return int(instant.timestamp() * 1000)
