"""What the numbers in a file are called: message kinds, fields and sub-fields, read from compact tables on first use.

A kind or field that has no name here is `unknown_` and its number, and is decoded all the same.
"""

import re
from functools import cache
from typing import NamedTuple

from . import profile_activity, profile_others, profile_subfields

TIMESTAMP = 253
EPOCH_S = 631_065_600  # 1989-12-31T00:00Z in Unix time: FIT counts seconds from there
CLOCK_LEAST = 0x1000_0000  # below that, an instant counts seconds since the device was switched on


class Field(NamedTuple):
    """A value is what is stored, divided by `scale`, less `offset`. `type` is a base type, `time` or `wall`."""

    number: int
    name: str
    type: str
    scale: float = 1.0
    offset: float = 0.0


class SubField(NamedTuple):
    """What `source` means where the field `other` has one of `values`."""

    source: str
    field: Field
    other: str
    values: tuple[int, ...]


_TIMESTAMP = Field(TIMESTAMP, "timestamp", "time")
_TYPE = re.compile(r"(\w+?)(?:/([0-9.e+]+))?(?:-(-?\d+))?")


@cache
def _lines() -> tuple[dict[int, str], dict[str, str]]:
    names, fields = {}, {}
    text = (profile_activity.TEXT + profile_others.TEXT).replace("\n ", " ")
    for line in text.strip().splitlines():
        if line:
            head, _, rest = line.partition(":")
            number, name = head.split()
            names[int(number)] = name
            fields[name] = rest
    return names, fields


def kind_name(number: int) -> str:
    return _lines()[0].get(number) or f"unknown_{number}"


@cache
def kind_numbers() -> dict[str, int]:
    return {name: number for number, name in _lines()[0].items()}


def kind_number(name: str) -> int:
    """The number of a message kind. Raises KeyError where there is none of that name."""
    if name.startswith("unknown_"):
        return int(name.removeprefix("unknown_"))
    return kind_numbers()[name]


def _field(number: str, name: str, spelled: str) -> Field:
    match = _TYPE.fullmatch(spelled)
    assert match is not None, spelled
    kind, scale, offset = match.groups()
    return Field(int(number), name, kind, float(scale or 1), float(offset or 0))


def fields_by_number(kind: str) -> dict[int, Field]:
    return _fields(kind if kind in _lines()[1] else "")[0]


def fields_by_name(kind: str) -> dict[str, Field]:
    return _fields(kind if kind in _lines()[1] else "")[1]


@cache  # of kinds that have a name; files can make up tens of thousands of others
def _fields(kind: str) -> tuple[dict[int, Field], dict[str, Field]]:
    found = {}
    for words in _lines()[1].get(kind, "").split(","):
        if words.strip():
            field = _field(*words.split())
            found[field.number] = field
    if all(field.name != _TIMESTAMP.name for field in found.values()):  # one kind has its own elsewhere
        found[TIMESTAMP] = _TIMESTAMP
    return found, {field.name: field for field in found.values()}


@cache
def _sub_fields() -> dict[str, dict[str, SubField]]:
    found: dict[str, dict[str, SubField]] = {}
    for line in profile_subfields.TEXT.strip().splitlines():
        place, _, rest = line.partition(": ")
        kind, _, source = place.partition(".")
        name, spelled, _, other, *values = rest.split()
        sub = SubField(source, _field("-1", name, spelled), other, tuple(map(int, values)))
        found.setdefault(kind, {})[name] = sub
    return found


def sub_fields(kind: str) -> dict[str, SubField]:
    """The sub-fields of a message kind by name."""
    return _sub_fields().get(kind, {})
