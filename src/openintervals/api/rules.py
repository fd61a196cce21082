"""What must hold between the fields of a request: told together with everything else that is wrong with it, before any statement.

A struct of the wire declares its `rules`, an operation those between its query and its body. The rules themselves are the club's, or its
pure words for a part of them; the operation that changes something checks the whole once more, for a PATCH sees only a part here.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

WRONG = object()
"""Stands for the value of a field that has none, because it is wrong or missing."""


class Rule(msgspec.Struct, frozen=True):
    """`broken` takes the values of `fields` (Python names) and gives what is wrong, by field; it is pure.

    It is asked when each of them is right on its own and none was left out (UNSET); with `absent` also when some were.
    """

    fields: tuple[str, ...]
    broken: Callable[..., dict[str, list[str]]]
    absent: bool = False


Rules = tuple[Rule, ...]


def of(shape: type[msgspec.Struct]) -> Rules:
    rules: Rules = getattr(shape, "rules", ())
    return rules


def problems(rules: Rules, value_of: Callable[[str], Any]) -> Iterator[tuple[str, str]]:
    """Field and message of each break; `value_of` gives a field's value, or WRONG."""
    for rule in rules:
        values = [value_of(name) for name in rule.fields]
        if not any(value is WRONG or (value is msgspec.UNSET and not rule.absent) for value in values):
            for field, said in rule.broken(*values).items():
                yield from ((field, each) for each in said)
