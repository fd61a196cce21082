"""Ids: kind letters, then 10 characters of time and 10 of chance, in lower-case base 32.

`e01k9x0q5zr4t8m2c6h0w` is an event. An id sorts by the millisecond it was made in, says what kind of thing it names, and
gives nothing else away. Within one process ids of one kind grow strictly, also inside a millisecond, so a list by id is a list by age.
A cursor is an id used as a position: `is_id` checks its form alone, and no row need exist.

What the athlete's side calls by number has an id of another form, `i` and digits (`numbered`): `i912738190123456` is an athlete or an activity.
Such numbers grow with time too, and are whole in a double.
"""

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from openintervals import instants

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
TIME_CHARACTERS = 10
CHANCE_CHARACTERS = 10
_CHANCE = 32**CHANCE_CHARACTERS

ORGANIZATION = "k"
EVENT = "e"
RUN = "r"
REGISTRATION = "p"
RECURRENCE = "rc"
GROUP = "g"
KEY = "ak"
WEBHOOK = "w"
DELIVERY = "d"
TASK = "t"
ATHLETE_KEY = "hk"

NUMBERED = re.compile(r"i[1-9][0-9]{0,15}\Z")
_EPOCH_MS = instants.milliseconds(datetime(2020, 1, 1, tzinfo=UTC))
_CHANCE_OF_NUMBER = 4096  # 2^41 ms, which are 69 years, times 2^12 stay below 2^53

_last: dict[str, int] = {}


def new(kind: str, now: datetime, chance: Callable[[int], int] = secrets.randbelow) -> str:
    """A fresh id of `kind`. `chance(n)` gives an integer below n."""
    number = instants.milliseconds(now) * _CHANCE + chance(_CHANCE)
    last = _last.get(kind, -1)
    if last - _CHANCE < number <= last:  # the same millisecond, or the one whose numbers ran over into the next
        number = last + 1
    _last[kind] = number
    return kind + base32(number, TIME_CHARACTERS + CHANCE_CHARACTERS)


def numbered(now: datetime, chance: Callable[[int], int] = secrets.randbelow) -> str:
    """A fresh id of the athlete's side: `i`, then milliseconds since 2020 times 4096 plus chance, below 2^53 until 2089.

    There is less chance in it than in the others, so within a process it grows even when the clock is set back."""
    number = (instants.milliseconds(now) - _EPOCH_MS) * _CHANCE_OF_NUMBER + chance(_CHANCE_OF_NUMBER)
    _last["i"] = number = max(number, _last.get("i", -1) + 1)
    return f"i{number}"


def base32(number: int, width: int) -> str:
    """A number below 32**`width`, in `width` characters that sort as the numbers do."""
    characters = []
    for _ in range(width):
        number, digit = divmod(number, 32)
        characters.append(ALPHABET[digit])
    return "".join(reversed(characters))


def from_base32(digits: str) -> int:
    """The number that `base32` wrote down. Raises ValueError for other characters."""
    found = 0
    for character in digits:
        found = found * 32 + ALPHABET.index(character)
    return found


@cache
def pattern(kind: str) -> str:
    """The regular expression of ids of `kind`, as the OpenAPI document prints it."""
    return f"^{kind}[{ALPHABET}]{{{TIME_CHARACTERS + CHANCE_CHARACTERS}}}$"


@cache
def _matcher(kind: str) -> re.Pattern[str]:
    return re.compile(pattern(kind).replace("$", r"\Z"))


def is_id(kind: str, text: str) -> bool:
    """Whether `text` has the form of an id of `kind`."""
    return _matcher(kind).match(text) is not None
