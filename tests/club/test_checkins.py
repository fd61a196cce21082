"""Check-ins: who has come, and when first; in whatever order the devices tell it."""

import itertools
from datetime import datetime, timedelta

import pytest

from openintervals import errors, instants
from openintervals.club.checkins import CannotCheckIn
from tests.club.clubs import Club
from tests.servers import START

MINUTE = timedelta(minutes=1)


def seen(club: Club, id_: str) -> tuple[str | None, str | None]:
    registration = club.get(id_)
    return registration.checked_in_at, registration.checked_in_device


def test_a_check_in_has_a_time_and_a_device(club: Club) -> None:
    comes = club.register(club.run())

    club.check_in(comes, device="gate")

    assert seen(club, comes) == (instants.text(START), "gate")
    assert club.verbs(comes)[-1] == "registration.checked_in"


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00+00:00", "0001-01-01T00:00:00+14:00", "2026-02-21T23:59:59+00:00"])
def test_nobody_came_long_before_the_run(club: Club, at: str) -> None:
    comes = club.register(club.run())

    with pytest.raises(errors.Invalid) as refusal:
        club.check_in(comes, datetime.fromisoformat(at))

    assert refusal.value.fields == {"at": ["Must not lie more than 7 days before the run; check the device's clock"]}
    assert seen(club, comes) == (None, None)


def test_a_race_of_the_past_takes_check_ins_of_its_own_time(club: Club) -> None:
    comes = club.register(club.run(date="2025-06-14"))

    club.check_in(comes, datetime.fromisoformat("2025-06-07T00:00:00+00:00"))

    assert seen(club, comes) == ("2025-06-07T00:00:00.000Z", None)


def test_checking_in_again_is_no_error_and_keeps_the_first_time(club: Club) -> None:
    comes = club.register(club.run())
    club.check_in(comes, device="gate")
    first = club.get(comes)
    club.time_passes(hours=1)

    club.check_in(comes, device="phone")

    assert club.get(comes) == first


def test_a_device_that_was_offline_brings_an_earlier_time(club: Club) -> None:
    comes = club.register(club.run())
    club.check_in(comes, device="gate")

    club.check_in(comes, START - 5 * MINUTE, "phone")

    assert seen(club, comes) == (instants.text(START - 5 * MINUTE), "phone")


@pytest.mark.parametrize(
    "told",
    [
        [(START - 3 * MINUTE, "gate"), (START - 2 * MINUTE, "phone"), (START - MINUTE, "tablet")],
        [(START - MINUTE, "gate"), (START - MINUTE, "phone"), (START - MINUTE, None)],
        [(START - MINUTE, "phone"), (START - MINUTE, "gate"), (START, "gate")],
    ],
)
def test_three_devices_in_any_order_lead_to_one_state(club: Club, told: list[tuple[datetime, str | None]]) -> None:
    run = club.run()
    states = set()

    for order in itertools.permutations(told):
        comes = club.register(run)
        for at, device in order:
            club.check_in(comes, at, device)
        states.add(seen(club, comes))

    assert len(states) == 1


def test_a_clock_that_is_a_little_fast_is_forgiven_and_one_that_is_wrong_is_not(club: Club) -> None:
    comes = club.register(club.run())

    with pytest.raises(errors.Invalid) as wrong:
        club.check_in(comes, START + 6 * MINUTE)
    club.check_in(comes, START + 5 * MINUTE)

    assert wrong.value.fields == {"at": ["Must not lie in the future; check the device's clock"]}
    assert seen(club, comes) == (instants.text(START + 5 * MINUTE), None)


def test_a_check_in_is_undone_and_may_be_undone_again(club: Club) -> None:
    comes = club.register(club.run())
    club.check_in(comes, device="gate")

    club.undo_check_in(comes)
    club.undo_check_in(comes)

    assert seen(club, comes) == (None, None)
    assert club.verbs(comes).count("registration.check_in_undone") == 1


def test_whoever_waits_cannot_check_in(club: Club) -> None:
    waits = club.wait(club.run(maxParticipants=0))

    with pytest.raises(CannotCheckIn, match="waiting list"):
        club.check_in(waits)


@pytest.mark.parametrize("status", ["cancelled", "refunded"])
def test_whoever_has_left_cannot_check_in(club: Club, status: str) -> None:
    left = club.register(club.run(), status=status)

    with pytest.raises(CannotCheckIn, match=status):
        club.check_in(left)


def test_whoever_has_come_does_not_go_back_to_waiting(club: Club) -> None:
    run = club.run(maxParticipants=1)
    came = club.register(run)
    club.check_in(came)

    with pytest.raises(errors.Conflict, match="undo the check-in first"):
        club.set_status(came, "waitlist")


def test_whoever_has_come_does_not_wait_after_a_detour_through_cancelled(club: Club) -> None:
    run = club.run(maxParticipants=1)
    came, waits = club.register(run), club.wait(run)
    club.check_in(came)
    club.cancel(came)

    with pytest.raises(errors.Conflict, match="undo the check-in first"):
        club.set_status(came, "waitlist")

    assert club.status(waits) == "confirmed"


def test_the_patch_of_a_registration_checks_in_and_undoes_it(club: Club) -> None:
    comes = club.register(club.run())

    came = club.change_registration(comes, checkedIn=True)
    undone = club.change_registration(comes, checkedIn=False)

    assert (came.checked_in_at, undone.checked_in_at) == (instants.text(START), None)
