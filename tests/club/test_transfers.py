"""Transfers: to another run, to another person, or both, in one transaction."""

import pytest

from openintervals import errors
from openintervals.club.registrations import AlreadyRegistered, SoldOut
from openintervals.club.runs import RunNotFound
from tests.club import clubs
from tests.club.clubs import Club

ANN, BOB = "ann@example.com", "bob@example.com"


def test_a_transfer_inside_an_event_takes_the_new_place_and_gives_the_old_one_on(club: Club) -> None:
    event = club.event()
    old, new = club.run(event, maxParticipants=1), club.run(event, maxParticipants=1)
    comes, waits = club.register(old), club.wait(old)

    club.transfer(comes, new)

    assert (club.get(comes).event_run_id, club.status(comes)) == (new, "confirmed")
    assert club.status(waits) == "confirmed"
    assert (club.get_run(old).confirmed, club.get_run(new).confirmed, club.get_event(event).confirmed) == (1, 1, 2)


def test_a_transfer_to_another_event_moves_the_counts_of_both(club: Club) -> None:
    old, new = club.run(), club.run()
    comes = club.register(old)

    moved = club.transfer(comes, new)

    assert moved.event_id == club.event_of(new)
    assert [club.get_event(club.event_of(run)).confirmed for run in (old, new)] == [0, 1]


def test_a_transfer_to_another_person_keeps_the_place_and_the_bib(club: Club) -> None:
    run = club.run(maxParticipants=1)
    comes = club.register(run, ANN)
    club.give_bib(comes, "7")

    moved = club.transfer(comes, email=BOB, name="Bob")

    assert (moved.email, moved.name, moved.bib, moved.status) == (BOB, "Bob", "7", "confirmed")
    assert club.get_run(run).confirmed == 1


def test_a_transfer_to_another_person_keeps_the_place_in_line(club: Club) -> None:
    run = club.run(maxParticipants=0)
    first, second = club.wait(run, ANN), club.wait(run)

    club.transfer(first, email=BOB)

    assert club.line(run) == [first, second]


def test_a_transfer_to_another_person_puts_them_into_the_pace_group_named(club: Club) -> None:
    run = club.run(paceGroups=[{"name": "fast", "maxParticipants": 1}, {"name": "slow", "maxParticipants": 1}])
    comes, waits = club.register(run, ANN, pace_group="fast"), club.wait(run, pace_group="fast")

    moved = club.transfer(comes, email=BOB, pace_group="slow")

    assert (moved.email, moved.pace_group) == (BOB, "slow")
    assert club.status(waits) == "confirmed"


def test_nobody_is_transferred_into_a_full_pace_group_of_their_own_run(club: Club) -> None:
    run = club.run(paceGroups=[{"name": "fast", "maxParticipants": 1}])
    club.register(run, pace_group="fast")
    comes = club.register(run, ANN)

    with pytest.raises(SoldOut, match="Pace group 'fast' of this run is full"):
        club.transfer(comes, email=BOB, pace_group="fast")

    assert (club.get(comes).email, club.get(comes).pace_group) == (ANN, None)


def test_a_transfer_can_leave_the_pace_group_behind(club: Club) -> None:
    event = club.event()
    old, new = club.run(event), club.run(event)
    one, other = club.register(old, pace_group="5:00"), club.register(old, pace_group="5:00")

    stays = club.transfer(one, email=BOB, pace_group=None)
    moves = club.transfer(other, new, pace_group=None)

    assert [stays.pace_group, moves.pace_group] == [None, None]


def test_a_run_and_a_person_change_at_once(club: Club) -> None:
    old, new = club.run(), club.run()
    comes = club.register(old, ANN)

    moved = club.transfer(comes, new, email=BOB)

    assert (moved.event_run_id, moved.email) == (new, BOB)


def test_a_full_run_takes_nobody_and_nothing_is_moved(club: Club) -> None:
    old, new = club.run(), club.run(maxParticipants=0)
    comes = club.register(old)
    club.give_bib(comes, "7")

    with pytest.raises(SoldOut, match="nothing was transferred"):
        club.transfer(comes, new)

    assert (club.get(comes).event_run_id, club.bib(comes)) == (old, "7")
    assert club.get_run(old).confirmed == 1


def test_inside_a_full_event_the_place_one_leaves_counts_as_free(club: Club) -> None:
    event = club.event(maxParticipants=1)
    old, new = club.run(event), club.run(event)
    comes = club.register(old)

    club.transfer(comes, new)

    assert club.get(comes).event_run_id == new


def test_whoever_waits_joins_the_end_of_the_other_line(club: Club) -> None:
    event = club.event()
    old, new = club.run(event, maxParticipants=0), club.run(event, maxParticipants=0)
    moves = club.wait(old)
    stays = club.wait(new)

    club.transfer(moves, new)

    assert club.line(new) == [stays, moves]
    assert club.line(old) == []


def test_whoever_waits_and_moves_to_a_run_with_room_has_a_place(club: Club) -> None:
    old, new = club.run(maxParticipants=0), club.run()
    moves = club.wait(old)

    moved = club.transfer(moves, new)

    assert (moved.status, moved.queue_number) == ("confirmed", None)


def test_whoever_moves_away_from_an_offer_leaves_it_to_the_next(club: Club) -> None:
    old, new = club.run(maxParticipants=1, waitlistOfferHours=24), club.run(maxParticipants=0)
    comes = club.register(old)
    first, second = club.wait(old), club.wait(old)
    club.cancel(comes)

    club.transfer(first, new)

    assert club.get(first).offer_expires_at is None
    assert club.line(new) == [first]
    assert club.get(second).offer_expires_at is not None


def test_nobody_is_transferred_past_those_who_wait(club: Club) -> None:
    event = club.event()
    old, new = club.run(event), club.run(event, maxParticipants=0)
    comes, waits = club.register(old), club.wait(new)
    club.change_run(new, maxParticipants=1, registrationOpensAt=club.app.clock().replace(hour=10))
    club.time_passes(hours=1, worker=False)

    with pytest.raises(SoldOut):
        club.transfer(comes, new)
    club.time_passes()

    assert club.status(waits) == "confirmed"


@pytest.mark.parametrize("status", ["cancelled", "refunded"])
def test_whoever_has_left_is_not_transferred(club: Club, status: str) -> None:
    left = club.register(club.run(), status=status)

    with pytest.raises(errors.Conflict, match=f"This registration is {status}"):
        club.transfer(left, club.run())


def test_whoever_has_come_is_not_transferred(club: Club) -> None:
    came = club.register(club.run())
    club.check_in(came)

    with pytest.raises(errors.Conflict, match="undo the check-in"):
        club.transfer(came, club.run())


def test_nobody_is_transferred_to_where_they_are_already(club: Club) -> None:
    run, other = club.run(), club.run()
    club.register(other, "ANN@example.com")
    comes = club.register(run, ANN)

    with pytest.raises(AlreadyRegistered):
        club.transfer(comes, other)
    with pytest.raises(AlreadyRegistered):
        club.transfer(club.register(run, BOB), email=" Ann@Example.com")

    assert club.get(comes).event_run_id == run


def test_a_transfer_to_nowhere_is_refused(club: Club) -> None:
    run = club.run()
    comes = club.register(run, ANN)

    with pytest.raises(errors.Invalid):
        club.transfer(comes, run, email=ANN)


def test_another_organizations_run_does_not_exist(club: Club) -> None:
    theirs = clubs.found(club.app).run()

    with pytest.raises(RunNotFound):
        club.transfer(club.register(club.run()), theirs)


# What goes along


def test_a_pace_group_goes_along_where_it_means_something(club: Club) -> None:
    event = club.event()
    old = club.run(event, paceGroups=[{"name": "fast"}, {"name": "slow"}])
    same, label, other = (
        club.run(event, paceGroups=[{"name": "fast"}]),
        club.run(event),
        club.run(event, paceGroups=[{"name": "5:00"}]),
    )
    moved = [club.transfer(club.register(old, pace_group="fast"), run) for run in (same, label, other)]

    asked = club.transfer(club.register(old, pace_group="slow"), other, pace_group="5:00")

    assert [one.pace_group for one in moved] == ["fast", "fast", None]
    assert asked.pace_group == "5:00"


def test_a_full_pace_group_refuses_the_transfer(club: Club) -> None:
    new = club.run(paceGroups=[{"name": "fast", "maxParticipants": 0}])

    with pytest.raises(SoldOut, match="fast"):
        club.transfer(club.register(club.run(), pace_group="fast"), new)


@pytest.mark.parametrize(
    ("bib", "pinned", "fields", "kept"),
    [
        ("7", False, {}, True),
        ("7", False, {"bibFrom": 1, "bibTo": 9}, True),
        ("7", False, {"bibFrom": 100, "bibTo": 199}, False),
        ("7", True, {"bibFrom": 100, "bibTo": 199}, True),
        ("A7", False, {"bibFrom": 1, "bibTo": 9}, False),
    ],
)
def test_inside_an_event_a_bib_goes_along_while_the_range_has_it_or_a_person_pinned_it(
    club: Club, bib: str, *, pinned: bool, fields: dict[str, int], kept: bool
) -> None:
    event = club.event()
    comes = club.register(club.run(event))
    club.give_bib(comes, bib, pinned=pinned)

    moved = club.transfer(comes, club.run(event, **fields))

    assert (moved.bib, moved.bib_pinned) == ((bib, pinned) if kept else (None, False))


def test_to_another_event_no_bib_goes_along(club: Club) -> None:
    comes = club.register(club.run())
    club.give_bib(comes, "7", pinned=True)

    moved = club.transfer(comes, club.run())

    assert (moved.bib, moved.bib_pinned) == (None, False)


def test_the_journal_tells_from_where(club: Club) -> None:
    old, new = club.run(), club.run()
    comes = club.register(old, ANN)

    club.transfer(comes, new)

    assert club.verbs(comes) == ["registration.created", "registration.transferred"]
