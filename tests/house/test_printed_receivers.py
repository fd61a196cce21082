"""What the guide prints for those who write receivers: its code verifies what this server signs, and its table is the schedule that is kept."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openintervals.platform import retries, signatures
from tests.house.sources import ROOT

GUIDE = (ROOT / "docs" / "partner-api.md").read_text()
CODE = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
UNITS_S = {"s": 1, "min": 60, "h": 3600}

SECRET = signatures.new_secret()
ID = "d01k9x0q5zr4t8m2c6h0"
BODY = '{"type": "event.updated", "data": {"name": "Café"}}'.encode()

Verifies = Callable[[dict[str, str], bytes], bool]


def with_the_package() -> Verifies:
    enqueued: list[tuple[str, Any]] = []
    names: dict[str, Any] = {"SECRET": SECRET, "enqueue": lambda *what: enqueued.append(what)}
    exec(CODE[0], names)

    def verifies(headers: dict[str, str], body: bytes) -> bool:
        enqueued.clear()
        answered = (names["receive"](headers, body), len(enqueued))
        assert answered in ((204, 1), (401, 0))
        return answered == (204, 1)

    return verifies


def without_it() -> Verifies:
    names: dict[str, Any] = {}
    exec(CODE[1], names)
    return lambda headers, body: names["verifies"](SECRET, headers, body)


def signed(*secrets: str, age_s: int = 0) -> dict[str, str]:
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    return signatures.headers(secrets, ID, int(at.timestamp()), BODY)


@pytest.mark.parametrize("printed", [with_the_package, without_it])
def test_the_printed_code_verifies_what_is_signed_and_nothing_else(printed: Callable[[], Verifies]) -> None:
    verifies = printed()
    other = signatures.new_secret()

    assert verifies(signed(SECRET), BODY)
    assert verifies(signed(other, SECRET), BODY)
    assert verifies(signed(SECRET, other), BODY)
    assert not verifies(signed(other), BODY)
    assert not verifies(signed(SECRET), BODY + b" ")
    assert not verifies(signed(SECRET) | {"webhook-id": "d2"}, BODY)
    assert not verifies(signed(SECRET, age_s=400), BODY)
    assert not verifies(signed(SECRET, age_s=-400), BODY)


def test_the_printed_table_is_the_schedule() -> None:
    (row,) = re.findall(r"^\| after \| (.*) \|$", GUIDE, re.MULTILINE)
    waits = [cell.split() for cell in row.split(" | ")]

    assert tuple(int(number) * UNITS_S[unit] for number, unit in waits) == retries.SCHEDULE_S
