"""docs/metrics.md lists every number we show, and its examples are true."""

import dataclasses
import doctest
import re

from openintervals.analysis.activity import Metrics
from openintervals.analysis.interval_numbers import Numbers
from openintervals.training.activity_fields import FIELDS
from tests.house.sources import ROOT

TEXT = (ROOT / "docs" / "metrics.md").read_text()


def test_the_examples_are_true() -> None:
    examples = doctest.DocTestParser().get_doctest(TEXT, {}, "metrics.md", "docs/metrics.md", 0)
    said: list[str] = []

    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(examples, out=said.append)

    assert len(examples.examples) > 60
    assert not said, "".join(said)


def test_every_number_of_an_activity_is_listed_and_has_an_example() -> None:
    names = [each.name for each in dataclasses.fields(Metrics)]
    listed = set(re.findall(r"`(\w+)`", TEXT))
    shown = set(re.findall(r"\b(?:m|run|paused)\.(\w+)", TEXT))

    assert [name for name in names if name not in listed] == []
    assert [name for name in names if name not in shown] == []


def test_every_number_of_an_interval_is_listed_and_has_an_example() -> None:
    names = [each.name for each in dataclasses.fields(Numbers)]
    listed = set(re.findall(r"`(\w+)`", TEXT))
    shown = set(re.findall(r"\bn\.(\w+)", TEXT))

    assert [name for name in names if name not in listed] == []
    assert [name for name in names if name not in shown] == []


def test_every_field_of_the_wire_is_told_of() -> None:
    listed = set(re.findall(r"`(\w+)`", TEXT))

    assert [name for name in FIELDS if name not in listed] == []
