"""The tables of names: numbers that everybody knows, and no number or name twice."""

import pytest

from openintervals.formats.fit import products, profile, words


@pytest.mark.parametrize(
    ("table", "number", "word"),
    [
        (words.SPORT, 1, "running"),
        (words.SPORT, 2, "cycling"),
        (words.SUB_SPORT, 17, "lap_swimming"),
        (words.MANUFACTURER, 255, "development"),
        (words.FILE, 4, "activity"),
        (words.EVENT_TYPE, 4, "stop_all"),
        (products.GARMIN, 2713, "edge_1030"),
    ],
)
def test_a_number_has_the_word_everybody_knows_it_by(table: dict[int, str], number: int, word: str) -> None:
    assert table[number] == word


def test_every_kind_has_fields_of_a_known_type_each_with_a_name_of_its_own() -> None:
    for kind, number in profile.kind_numbers().items():
        fields = profile.fields_by_number(kind)
        assert profile.kind_name(number) == kind
        assert len(profile.fields_by_name(kind)) == len(fields)
        for field in fields.values():
            assert field.scale > 0


def test_every_sub_field_and_component_comes_from_fields_that_exist() -> None:
    for kind in profile.kind_numbers():
        fields = profile.fields_by_name(kind)
        for sub in profile.sub_fields(kind).values():
            assert {sub.source, sub.other} <= set(fields)
