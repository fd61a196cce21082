"""Ids sort by age, say their kind, and are hard to guess."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals.platform import ids

KINDS = [ids.ORGANIZATION, ids.EVENT, ids.RUN, ids.REGISTRATION, ids.RECURRENCE, ids.GROUP, ids.KEY]
moments = st.datetimes(datetime(2020, 1, 1), datetime(2500, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.sampled_from(KINDS), moments)
def test_an_id_says_its_kind_and_has_twenty_characters_more(kind: str, now: datetime) -> None:
    made = ids.new(kind, now)

    assert made.startswith(kind)
    assert len(made) == len(kind) + 20
    assert ids.is_id(kind, made)


@given(moments, st.integers(min_value=1, max_value=10**12))
def test_ids_sort_by_the_millisecond_they_were_made_in(now: datetime, later_ms: int) -> None:
    later = min(now + timedelta(milliseconds=later_ms), datetime(9999, 1, 1, tzinfo=UTC))

    earlier_id = ids.new("z", now, chance=lambda below: below - 1)
    later_id = ids.new("z", later, chance=lambda below: 0)

    assert earlier_id < later_id


def test_ids_of_one_kind_grow_within_a_millisecond() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)

    made = [ids.new(ids.EVENT, now) for _ in range(1000)]

    assert made == sorted(set(made))


def test_ids_grow_even_when_chance_gives_the_highest_number() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)

    made = [ids.new("y", now, chance=lambda below: below - 1) for _ in range(3)]

    assert made == sorted(set(made))


def test_the_chance_of_an_id_is_fifty_bits() -> None:
    asked: list[int] = []

    def chance(below: int) -> int:
        asked.append(below)
        return 0

    ids.new("x", datetime(2026, 3, 1, tzinfo=UTC), chance)

    assert asked == [2**50]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "e",
        "e01kjma0fm0ka8nvpc8d",
        "e01kjma0fm0ka8nvpc8d11",
        "E01KJMA0FM0KA8NVPC8D1",
        "e01kjma0fm0ka8nvpc8d1\n",
        " e01kjma0fm0ka8nvpc8d1",
        "e01kjma0fm0ka8nvpc8di",
        "r01kjma0fm0ka8nvpc8d1",
        "e01kjma0fm0ka8nvpc8d\0",
    ],
)
def test_another_form_or_another_kind_is_no_event_id(text: str) -> None:
    assert not ids.is_id(ids.EVENT, text)


def test_the_letters_of_one_kind_never_make_an_id_of_another() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)

    confused = [
        (one, other) for one in KINDS for other in KINDS if one != other and ids.is_id(one, ids.new(other, now))
    ]

    assert confused == []
