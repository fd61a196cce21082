"""The catalogue of the types of change: what may be asked for, and what is said of everything else."""

import pytest

from openintervals.api.partner import change_types
from openintervals.platform.scopes import READS


def test_every_name_and_pattern_may_be_asked_for() -> None:
    assert change_types.problems([*change_types.CATALOGUE, *change_types.PATTERNS]) == []


def test_there_is_a_scope_for_every_object_that_is_told_of() -> None:
    assert set(change_types.OBJECT_TYPES) == set(READS)


@pytest.mark.parametrize(
    ("asked", "instead"),
    [
        ("registration.confirm", "write registration.confirmed"),
        ("registrations.*", "write registration.*"),
        ("Event.created", "write event.created"),
        ("sold_out", "write run.sold_out"),
        ("sold-out", "write run.sold_out"),
        ("run.full", "write run.*"),
        ("event.", "write event.*"),
        ("groups", "write group.*"),
        ("key.created", "write one of *, event.*"),
        ("organization.*", "write one of *, event.*"),
        ("organization", "write one of *, event.*"),
        ("", "or a single type such as registration.confirmed"),
        ("x" * 5000, "or a single type such as registration.confirmed"),
        (change_types.TEST, "POST /webhooks/{webhookId}/test"),
    ],
)
def test_an_unknown_name_is_answered_with_what_to_write_instead(asked: str, instead: str) -> None:
    (problem,) = change_types.problems(["event.created", asked, asked])

    assert instead in problem
    assert len(problem) < 300
