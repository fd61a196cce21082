"""Bibs: unique in an event, given by range, by hand or all at once; pinned, swapped, taken away."""

import time

import msgspec
import pytest
import sqlalchemy as sa

from openintervals import errors
from openintervals.api.partner.registrations import RegistrationPatch
from openintervals.club import bibs, registrations
from openintervals.club.bibs import BibsExhausted, BibTaken, NoPlaceNoBib, Range, free_numbers
from openintervals.club.registrations import registrations as table
from openintervals.club.runs import RunNotFound
from openintervals.db import failures
from openintervals.db.schema import own
from openintervals.db.statement import Statement
from openintervals.db.transaction import Write
from openintervals.platform import ids
from tests.club import clubs
from tests.club.clubs import Club

FIELD = 10_000


# Which numbers are free: a rule on plain values


def test_free_numbers_come_lowest_first_past_those_taken() -> None:
    assert list(free_numbers(Range(1, 6), {"2", "3"}, [])) == ["1", "4", "5", "6"]


def test_free_numbers_leave_the_ranges_of_others_alone() -> None:
    assert list(free_numbers(Range(1, 12), {"12"}, [Range(7, 9), Range(2, 4)])) == ["1", "5", "6", "10", "11"]


def test_ranges_of_others_may_overlap_and_reach_beyond() -> None:
    assert list(free_numbers(Range(5, 12), set(), [Range(1, 6), Range(6, 8), Range(11, 99)])) == ["9", "10"]


@pytest.mark.parametrize(
    ("bib", "inside"), [("1", True), ("9", True), ("10", False), ("007", True), ("A7", False), ("²", False)]
)
def test_a_range_has_numbers_alone(bib: str, *, inside: bool) -> None:
    assert (bib in Range(1, 9)) is inside


# Automatic assignment


def test_without_a_range_bibs_count_from_one_in_order_of_registration(club: Club) -> None:
    run = club.run()
    people = [club.register(run) for _ in range(3)]

    club.assign_bibs(club.event_of(run))

    assert [club.bib(one) for one in people] == ["1", "2", "3"]


def test_a_pace_groups_range_goes_before_the_runs_and_the_runs_before_none(club: Club) -> None:
    event = club.event()
    ranged = club.run(
        event, bibFrom=100, bibTo=199, paceGroups=[{"name": "elite", "bibFrom": 1, "bibTo": 9}, {"name": "fun"}]
    )
    free = club.run(event)
    elite, fun, plain = (club.register(ranged, pace_group=group) for group in ("elite", "fun", None))
    other = club.register(free)

    club.assign_bibs(event)

    assert [club.bib(one) for one in (elite, fun, plain, other)] == ["1", "100", "101", "10"]


def test_a_range_inside_a_range_is_left_to_those_it_was_made_for(club: Club) -> None:
    run = club.run(bibFrom=1, bibTo=9, paceGroups=[{"name": "elite", "bibFrom": 1, "bibTo": 3}])
    plain, elite = club.register(run), club.register(run, pace_group="elite")

    club.assign_bibs(club.event_of(run))

    assert [club.bib(plain), club.bib(elite)] == ["4", "1"]


def test_a_range_without_an_end_goes_on(club: Club) -> None:
    comes = club.register(club.run(bibFrom=5000))

    assert club.assign_bib(comes).bib == "5000"


def test_a_high_number_given_by_hand_leaves_no_gap_behind_it(club: Club) -> None:
    run = club.run()
    first, second = club.register(run), club.register(run)
    club.give_bib(first, "900")

    assert club.assign_bib(second).bib == "1"


def test_assigning_to_one_run_leaves_the_others_blank(club: Club) -> None:
    event = club.event()
    one, other = club.run(event), club.run(event)
    chosen, blank = club.register(one), club.register(other)

    assigned = club.assign_bibs(event, one)

    assert [entry.id for entry in assigned] == [chosen]
    assert club.bib(blank) is None


def test_assigning_fills_blanks_and_never_changes_a_bib_pinned_or_not(club: Club) -> None:
    run = club.run(bibFrom=1, bibTo=9)
    pinned, given, blank = (club.register(run) for _ in range(3))
    club.give_bib(pinned, "77", pinned=True)
    club.give_bib(given, "A1")

    club.assign_bibs(club.event_of(run))
    club.assign_bib(pinned)
    club.assign_bib(given)

    assert [club.bib(one) for one in (pinned, given, blank)] == ["77", "A1", "1"]
    assert [club.get(one).bib_pinned for one in (pinned, given, blank)] == [True, False, False]


def test_assigning_twice_is_assigning_once(club: Club) -> None:
    run = club.run()
    comes = club.register(run)
    club.assign_bibs(club.event_of(run))
    before = club.get(comes)

    assert club.assign_bibs(club.event_of(run)) == []
    assert club.get(comes) == before


def test_only_those_with_a_place_are_assigned_one(club: Club) -> None:
    run = club.run(maxParticipants=1)
    comes, waits, left = club.register(run), club.wait(run), club.register(run, status="cancelled")

    club.assign_bibs(club.event_of(run))

    assert [club.bib(one) for one in (comes, waits, left)] == ["1", None, None]
    for one in (waits, left):
        with pytest.raises(NoPlaceNoBib):
            club.assign_bib(one)
        with pytest.raises(NoPlaceNoBib):
            club.give_bib(one, "5")


def test_when_a_range_runs_out_nobody_gets_a_bib(club: Club) -> None:
    event = club.event()
    small, large = club.run(event, bibFrom=1, bibTo=2), club.run(event)
    people = [club.register(run) for run in (large, small, small, small)]

    with pytest.raises(BibsExhausted, match="No bib from 1 to 2 is free"):
        club.assign_bibs(event)

    assert {club.bib(one) for one in people} == {None}


def test_a_run_of_another_event_is_not_found(club: Club) -> None:
    with pytest.raises(RunNotFound):
        club.assign_bibs(club.event(), club.run())


def test_ten_thousand_bibs_are_assigned_in_one_transaction(club: Club) -> None:
    run = club.run(bibFrom=1, bibTo=FIELD)

    one = club.get(club.register(run))

    async def crowd(tx: Write) -> None:
        for number in range(1, FIELD):
            email = f"crowd{number}@example.com"
            runner = {"id": ids.new(ids.REGISTRATION, tx.now), "email": email, "email_folded": email}
            await tx.put(registrations._insert(), **{**msgspec.structs.asdict(one), **runner})

    club.write(crowd)
    began = time.perf_counter()

    assigned = club.assign_bibs(club.event_of(run))

    print(f"{FIELD} bibs took {time.perf_counter() - began:.2f} s")
    assert [entry.bib for entry in assigned] == [str(number) for number in range(1, FIELD + 1)]
    with pytest.raises(BibsExhausted):
        club.assign_bib(club.register(run))


# By hand


def test_a_bib_is_given_inside_a_range_or_not(club: Club) -> None:
    comes = club.register(club.run(bibFrom=1, bibTo=9))

    assert club.give_bib(comes, "VIP-1").bib == "VIP-1"


def test_a_bib_is_given_once_in_an_event_and_again_in_another(club: Club) -> None:
    event = club.event()
    one, other, elsewhere = club.register(club.run(event)), club.register(club.run(event)), club.register(club.run())
    club.give_bib(one, "7")

    with pytest.raises(BibTaken, match="Bib 7 is taken in this event"):
        club.give_bib(other, "7")
    club.give_bib(elsewhere, "7")

    assert [club.bib(who) for who in (one, other, elsewhere)] == ["7", None, "7"]


def test_the_database_itself_refuses_a_bib_twice(club: Club) -> None:
    run = club.run()
    one, other = club.register(run), club.register(run)
    club.give_bib(one, "7")
    by_force = Statement(
        sa.update(table).where(own(table), table.c.id == sa.bindparam("who")).values(bib=sa.bindparam("new_bib"))
    )

    with pytest.raises(failures.Duplicate):
        club.write(lambda tx: tx.execute(by_force, who=other, new_bib="7"))


def test_giving_somebody_the_bib_they_have_is_no_error(club: Club) -> None:
    comes = club.register(club.run())
    before = club.give_bib(comes, "7", pinned=True)

    assert club.give_bib(comes, "7") == before


def test_two_organizations_have_their_own_bibs(club: Club) -> None:
    other = clubs.found(club.app)
    ours, theirs = club.register(club.run()), other.register(other.run())

    club.give_bib(ours, "7")
    other.give_bib(theirs, "7")

    assert (club.bib(ours), other.bib(theirs)) == ("7", "7")


@pytest.mark.parametrize("blank", ["", None, " "])
def test_a_blank_never_erases_a_bib(club: Club, blank: str | None) -> None:
    comes = club.register(club.run())
    club.give_bib(comes, "7")

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"bibIdentifier": blank}, RegistrationPatch)
    club.change_registration(comes, name="Ann")

    assert club.bib(comes) == "7"


# Giving back, taking away


@pytest.mark.parametrize("status", ["cancelled", "refunded"])
def test_whoever_leaves_gives_the_bib_back_pinned_or_not(club: Club, status: str) -> None:
    run = club.run()
    leaves, comes = club.register(run), club.register(run)
    club.give_bib(leaves, "7", pinned=True)

    club.set_status(leaves, status)
    club.give_bib(comes, "7")

    assert (club.bib(leaves), club.get(leaves).bib_pinned, club.bib(comes)) == (None, False, "7")


def test_whoever_goes_to_wait_gives_the_bib_back(club: Club) -> None:
    run = club.run(maxParticipants=1)
    leaves, waits = club.register(run), club.wait(run)
    club.give_bib(leaves, "7")

    club.set_status(leaves, "waitlist")

    assert [club.bib(leaves), club.bib(waits)] == [None, None]


def test_a_bib_is_taken_away_pinned_or_not_and_taking_it_again_is_no_error(club: Club) -> None:
    comes = club.register(club.run())
    club.give_bib(comes, "7", pinned=True)

    once = club.take_bib(comes)
    twice = club.take_bib(comes)

    assert (once.bib, once.bib_pinned) == (None, False)
    assert twice == once


def test_a_bib_is_pinned_and_let_go_but_none_cannot_be_pinned(club: Club) -> None:
    comes = club.register(club.run())
    with pytest.raises(errors.Conflict, match="no bib to pin"):
        club.pin_bib(comes, pinned=True)
    club.give_bib(comes, "7")

    pinned, free = club.pin_bib(comes, pinned=True), club.pin_bib(comes, pinned=False)

    assert (pinned.bib_pinned, free.bib_pinned) == (True, False)


# Swapping


def test_a_swap_exchanges_bibs_and_pins(club: Club) -> None:
    event = club.event()
    one, other = club.register(club.run(event)), club.register(club.run(event))
    club.give_bib(one, "7", pinned=True)
    club.give_bib(other, "8")

    club.swap_bibs(one, other)

    assert [(club.bib(who), club.get(who).bib_pinned) for who in (one, other)] == [("8", False), ("7", True)]


def test_a_swap_with_somebody_without_one_hands_the_bib_over(club: Club) -> None:
    run = club.run()
    one, other = club.register(run), club.register(run)
    club.give_bib(other, "7", pinned=True)

    club.swap_bibs(one, other)

    assert [club.bib(one), club.bib(other)] == ["7", None]
    assert [club.get(one).bib_pinned, club.get(other).bib_pinned] == [True, False]


def test_a_swap_that_fails_half_way_changes_nothing(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    run = club.run()
    one, other = club.register(run), club.register(run)
    club.give_bib(one, "7")
    club.give_bib(other, "8")

    async def swapped_and_then_cut_off(tx: Write) -> None:
        await bibs.swap(tx, one, other)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        club.write(swapped_and_then_cut_off)

    assert [club.bib(one), club.bib(other)] == ["7", "8"]


def test_a_swap_needs_two_places_in_one_event_and_a_bib(club: Club) -> None:
    run = club.run(maxParticipants=2)
    one, bare, waits, elsewhere = club.register(run), club.register(run), club.wait(run), club.register(club.run())

    with pytest.raises(errors.Conflict, match="Neither of the two has a bib"):
        club.swap_bibs(one, bare)
    club.give_bib(one, "7")
    with pytest.raises(NoPlaceNoBib):
        club.swap_bibs(one, waits)
    with pytest.raises(errors.Conflict, match="inside one event only"):
        club.swap_bibs(one, elsewhere)
    with pytest.raises(errors.Invalid):
        club.swap_bibs(one, one)

    assert club.bib(one) == "7"
