"""What is wrong with one value, in the wording of the published examples (that of the Zod 3 validator). Pure, and told with its place."""

import datetime
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import inspect

from openintervals import instants

Problem = tuple[str, str]

_INSTANT: Any = Annotated[datetime.datetime, msgspec.Meta(tz=True)]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EXACT_MOST = 2**53  # beyond it a float is no longer an exact whole number


def named(value: Any) -> str:
    """What kind of JSON value this is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float) and value != value:
        return "nan"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, dict) else "array"


def of_literal(choices: Sequence[Any], value: Any, where: str) -> Iterator[Problem]:
    if value in choices and not isinstance(value, bool):
        return
    expected = " | ".join(f"'{v}'" for v in choices)
    if isinstance(value, str):
        yield where, f"Invalid enum value. Expected {expected}, received '{value[:100]}'"
    else:
        yield where, f"Expected {expected}, received {named(value)}"


def of_text(kind: inspect.StrType, value: Any, where: str, said: str | None) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield where, f"Expected string, received {named(value)}"
        return
    if kind.min_length is not None and len(value) < kind.min_length:
        yield where, f"String must contain at least {kind.min_length} character(s)"
    elif kind.max_length is not None and len(value) > kind.max_length:
        yield where, f"String must contain at most {kind.max_length} character(s)"
    elif "\0" in value:
        yield where, said or "Must not contain NUL characters"
    elif kind.pattern is not None and not re.search(re.sub(r"\$\Z", r"\\Z", kind.pattern), value):
        yield where, said or "Invalid"


def of_number(kind: inspect.IntType | inspect.FloatType, value: Any, where: str) -> Iterator[Problem]:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        yield where, f"Expected number, received {named(value)}"
    elif isinstance(kind, inspect.IntType) and (
        value != int(value) or (isinstance(value, float) and abs(value) > EXACT_MOST)
    ):
        yield where, "Expected integer, received float"
    elif kind.ge is not None and value < kind.ge:
        yield where, f"Number must be greater than or equal to {kind.ge}"
    elif kind.gt is not None and value <= kind.gt:
        yield where, f"Number must be greater than {kind.gt}"
    elif kind.le is not None and value > kind.le:
        yield where, f"Number must be less than or equal to {kind.le}"
    elif kind.lt is not None and value >= kind.lt:
        yield where, f"Number must be less than {kind.lt}"


def of_date(value: Any, where: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield where, f"Expected string, received {named(value)}"
        return
    try:
        if not _DAY.fullmatch(value):
            raise ValueError
        datetime.date.fromisoformat(value)
    except ValueError:
        yield where, "Invalid date, expected a day of the calendar as YYYY-MM-DD"


def of_instant(value: Any, where: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield where, f"Expected string, received {named(value)}"
        return
    try:
        instants.text(msgspec.convert(value, _INSTANT))
    except msgspec.ValidationError:
        yield where, "Invalid datetime, expected ISO 8601 with an offset such as 2026-03-01T09:00:00+01:00"
    except (OverflowError, ValueError):
        yield where, "Invalid datetime, expected a year from 1 to 9999 in UTC"
