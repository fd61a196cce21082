"""Filters, as the Intervals.icu API writes them: a JSON array in a query, such as `[{"field_id": "type", "value": ["Ride"]}]`.

A parameter may come several times, and then all of them count.
"""

from collections.abc import Collection
from typing import Annotated, Any

import msgspec

from openintervals import errors
from openintervals.db.transaction import Read
from openintervals.formats.sports import TYPES
from openintervals.training import activity_filters, activity_search
from openintervals.training.activity_search import Filter

EXPECTED = 'Expected a JSON array such as [{"field_id": "type", "value": ["Ride", "VirtualRide"]}]'
_SIGNS = {"=": "eq", "==": "eq", ">": "gt", ">=": "ge", "<": "lt", "<=": "le", "": None}

Filters = Annotated[
    str,
    msgspec.Meta(
        max_length=20_000,
        description="Only activities that pass all of these: a JSON array of objects with `field_id`, `value` (one, or several of which one "
        "must fit), and perhaps `not` and `operator` (`gt`, `ge`, `lt`, `le`, `contains`).",
        extra={"joined": True},
        examples=['[{"field_id": "type", "value": ["Ride", "VirtualRide"]}]'],
    ),
]


class Wanted(msgspec.Struct, frozen=True):
    """What filters ask for: some types of activity, or all, what is left, and all of them as they were understood."""

    types: list[str] | None
    rest: list[Filter]
    written: list[dict[str, Any]]

    def everything(self) -> list[Filter]:
        """All of them, types too."""
        return self.rest if self.types is None else [Filter("type", self.types), *self.rest]

    async def passing(self, tx: Read, oldest: str, newest: str) -> set[str] | None:
        """The ids of the activities that pass what is left, between two local times; None when all of them do. Raises Invalid."""
        return await activity_search.passing(tx, self.rest, oldest, newest) if self.rest else None


def read(text: str | None, name: str = "filters") -> Wanted:
    """What a query's filters ask for. Raises Invalid, which says what would work."""
    try:
        said = msgspec.json.decode(f"[{text or ''}]")
        flat = [each for part in said for each in (part if isinstance(part, list) else [part])]
        filters = msgspec.convert(flat, list[Filter])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _wrong(name, EXPECTED) from None
    if len(filters) > activity_search.FILTERS_MOST:
        raise _wrong(name, f"At most {activity_search.FILTERS_MOST} filters")
    types: list[str] | None = None
    rest: list[Filter] = []
    for each in filters:
        if each.field_id not in activity_filters.FIELDS:
            raise _wrong(name, f"{each.field_id[:40]!r} is no field; there are {', '.join(activity_filters.FIELDS)}")
        if not all(_is_plain(value) for value in (each.value if isinstance(each.value, list) else [each.value])):
            raise _wrong(name, EXPECTED)
        operator = _SIGNS.get(each.operator or "", each.operator)
        if each.field_id == "type" and not each.not_ and operator in (None, "eq"):
            chosen = _types(each.value, name)
            types = chosen if types is None else [type_ for type_ in types if type_ in chosen]
        else:
            rest.append(msgspec.structs.replace(each, operator=operator))
    return Wanted(types, rest, [msgspec.to_builtins(each) for each in filters])


def _is_plain(value: Any) -> bool:
    """Whether a value is a text, a flag or a number that everybody can write."""
    return value is None or isinstance(value, str | bool) or (isinstance(value, int | float) and abs(value) < 2**53)


def _types(value: Any, name: str) -> list[str]:
    chosen: Collection[Any] = value if isinstance(value, list) else [value]
    for each in chosen:
        if each not in TYPES:
            raise _wrong(name, f"{str(each)[:40]!r} is no type of activity, such as Ride or Run")
    return list(chosen)


def _wrong(name: str, said: str) -> errors.Invalid:
    return errors.Invalid("Invalid request parameters", {name: [said]})
