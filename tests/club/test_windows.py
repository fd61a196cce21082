"""When registration is open: dates, pauses, cancelled runs; whom a closed door stops, and whom not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from openintervals.club import runs
from openintervals.club.registrations import RegistrationClosed, SoldOut
from openintervals.club.runs import Run
from tests.club.clubs import Club
from tests.servers import START

HOUR = timedelta(hours=1)


def run(**fields: Any) -> Run:
    return Run(**{**dict.fromkeys(Run.__struct_fields__), **fields})


CLOSED: list[tuple[dict[str, Any], str]] = [
    ({"event_status": "cancelled"}, "This run is cancelled"),
    ({"event_status": "postponed"}, "This run is postponed; registration waits for its new date"),
    ({"registration_override": "paused"}, "Registration for this run is paused"),
    ({"registration_override": "closed"}, "Registration for this run is closed"),
    (
        {"registration_opens_at": "2026-03-01T09:00:00.001Z"},
        "Registration for this run opens at 2026-03-01T09:00:00.001Z",
    ),
    (
        {"registration_closes_at": "2026-03-01T09:00:00.000Z"},
        "Registration for this run closed at 2026-03-01T09:00:00.000Z",
    ),
]
OPEN: list[dict[str, Any]] = [
    {},
    {"event_status": "scheduled"},
    {"event_status": "rescheduled"},
    {"registration_opens_at": "2026-03-01T09:00:00.000Z"},
    {"registration_closes_at": "2026-03-01T09:00:00.001Z"},
    {"sold_out": True},
]


@pytest.mark.parametrize(("fields", "why"), CLOSED)
def test_a_closed_run_says_why(fields: dict[str, Any], why: str) -> None:
    assert runs.refusal(run(**fields), START) == why


@pytest.mark.parametrize("fields", OPEN)
def test_a_run_is_open_from_the_moment_it_opens_until_just_before_it_closes(fields: dict[str, Any]) -> None:
    assert runs.refusal(run(**fields), START) is None


WIRE: list[dict[str, Any]] = [
    {"eventStatus": "cancelled"},
    {"eventStatus": "postponed"},
    {"registrationOverride": "paused"},
    {"registrationOverride": "closed"},
    {"registrationOpensAt": START + HOUR},
    {"registrationClosesAt": START},
]


@pytest.mark.parametrize("fields", WIRE)
@pytest.mark.parametrize("wish", ["confirmed", "waitlist"])
def test_a_closed_run_takes_nobody_not_even_to_wait(club: Club, fields: dict[str, Any], wish: str) -> None:
    closed = club.run(**fields)

    with pytest.raises(RegistrationClosed):
        club.register(closed, status=wish)


@pytest.mark.parametrize("gone", ["cancelled", "refunded"])
def test_a_closed_run_takes_note_of_what_happened_elsewhere(club: Club, gone: str) -> None:
    closed = club.run(registrationOverride="closed")

    assert club.status(club.register(closed, status=gone)) == gone


@pytest.mark.parametrize("wish", ["confirmed", "waitlist"])
def test_nobody_comes_back_to_a_closed_run(club: Club, wish: str) -> None:
    closed = club.run()
    left = club.register(closed)
    club.cancel(left)
    club.change_run(closed, registrationOverride="closed")

    with pytest.raises(RegistrationClosed):
        club.set_status(left, wish)


def test_nobody_transfers_into_a_closed_run_but_out_of_one(club: Club) -> None:
    opened, closed = club.run(), club.run()
    inside, outside = club.register(closed), club.register(opened)
    club.change_run(closed, registrationOverride="closed")

    with pytest.raises(RegistrationClosed):
        club.transfer(outside, closed)
    club.transfer(inside, opened)

    assert club.get(inside).event_run_id == opened


def test_whoever_comes_may_leave_a_closed_run(club: Club) -> None:
    closed = club.run(maxParticipants=1)
    comes, waits = club.register(closed), club.wait(closed)
    club.change_run(closed, registrationOverride="closed")

    club.cancel(comes)

    assert [club.status(comes), club.status(waits)] == ["cancelled", "waitlist"]
    assert club.get_run(closed).confirmed == 0


REOPENED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"eventStatus": "cancelled"}, {"eventStatus": "rescheduled"}),
    ({"eventStatus": "postponed"}, {"eventStatus": "scheduled"}),
    ({"registrationOverride": "paused"}, {"registrationOverride": None}),
    ({"registrationClosesAt": START}, {"registrationClosesAt": START + HOUR}),
    ({"soldOut": True}, {"soldOut": False}),
]


@pytest.mark.parametrize(("shut", "opened"), REOPENED)
def test_an_opened_door_serves_those_who_waited_behind_it(
    club: Club, shut: dict[str, Any], opened: dict[str, Any]
) -> None:
    door = club.run(maxParticipants=1)
    comes, waits = club.register(door), club.wait(door)
    club.change_run(door, **shut)
    club.cancel(comes)
    before = club.status(waits)

    club.change_run(door, **opened)

    assert (before, club.status(waits)) == ("waitlist", "confirmed")


def waiting_for_a_window(club: Club) -> tuple[str, str]:
    """A run with a free place that opens in an hour, and somebody who waits for it."""
    opens = club.run(maxParticipants=0)
    waits = club.wait(opens)
    club.change_run(opens, maxParticipants=1, registrationOpensAt=START + HOUR)
    return opens, waits


def test_a_window_that_opens_serves_those_who_wait(club: Club) -> None:
    _, waits = waiting_for_a_window(club)
    club.time_passes(hours=0.9)
    before = club.status(waits)

    club.time_passes(hours=0.1)

    assert (before, club.status(waits)) == ("waitlist", "confirmed")


def test_whoever_is_quick_when_a_window_opens_does_not_pass_those_who_wait(club: Club) -> None:
    opens, waits = waiting_for_a_window(club)
    club.time_passes(hours=1, worker=False)

    quick = club.wait(opens)

    assert [club.status(waits), club.status(quick)] == ["confirmed", "waitlist"]


def test_an_organization_may_let_its_keys_in_through_closed_doors(club: Club) -> None:
    closed = club.run(registrationOverride="closed", maxParticipants=1)
    club.let_keys_bypass_windows()

    comes, waits = club.register(closed), club.wait(closed)
    club.cancel(comes)

    assert club.status(waits) == "confirmed"


def test_nobody_passes_those_who_wait_for_a_cancelled_run_whatever_keys_may_bypass(club: Club) -> None:
    event = club.event()
    run, other = club.run(event, maxParticipants=1), club.run(event)
    comes, waits = club.register(run), club.wait(run)
    left, elsewhere = club.register(club.run(), "left@example.com"), club.register(other)
    club.change_run(run, eventStatus="cancelled")
    club.let_keys_bypass_windows()
    club.cancel(comes, left)

    late = club.wait(run)
    for act in (
        lambda: club.register(run),
        lambda: club.set_status(comes, "confirmed"),
        lambda: club.set_status(waits, "confirmed"),
        lambda: club.transfer(elsewhere, run),
    ):
        with pytest.raises(SoldOut, match="This run is cancelled and its waiting list stands still"):
            act()

    assert club.line(run) == [waits, late]
    assert club.get_run(run).confirmed == 0


def test_a_cancelled_run_nobody_waits_for_takes_whom_keys_may_let_in(club: Club) -> None:
    run = club.run(maxParticipants=1, eventStatus="cancelled")
    club.let_keys_bypass_windows()

    comes = club.register(run)

    assert club.status(comes) == "confirmed"


@pytest.mark.parametrize(
    "act",
    [
        lambda club, _, other: club.transfer(other, pace_group=None, email="eve@example.com"),
        lambda club, run_, _: club.change_run(run_, registrationUrl="https://example.com"),
        lambda club, run_, _: club.change_event(club.event_of(run_), name="Another name"),
    ],
)
def test_any_change_in_an_event_serves_those_whose_time_has_come(
    club: Club, act: Callable[[Club, str, str], object]
) -> None:
    opens, waits = waiting_for_a_window(club)
    other = club.register(club.run(club.event_of(opens)))
    club.time_passes(hours=1, worker=False)

    act(club, opens, other)

    assert club.status(waits) == "confirmed"


def test_the_worker_lets_keys_in_where_the_organization_does(club: Club) -> None:
    opens = club.run(maxParticipants=0)
    waits = club.wait(opens)
    club.change_run(opens, maxParticipants=1, registrationOverride="paused")
    before = club.status(waits)
    club.let_keys_bypass_windows()

    club.time_passes()

    assert (before, club.status(waits)) == ("waitlist", "confirmed")
    assert msgspec.structs.asdict(club.get_run(opens))["confirmed"] == 1
