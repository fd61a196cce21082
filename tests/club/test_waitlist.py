"""The waiting list: first in, first out; a freed place is given on in the same transaction, once; offers; and why somebody still waits."""

from datetime import timedelta
from typing import Any

import pytest

from openintervals import errors, instants
from openintervals.club import runs, waitlist
from openintervals.club.events import CapTooLow
from openintervals.club.registrations import AlreadyRegistered, Registration, RegistrationClosed, SoldOut
from openintervals.club.waitlist import Room, promotions
from openintervals.db.transaction import Write
from tests.club import clubs
from tests.club.clubs import Club

ANN, BOB, CEM = "ann@example.com", "bob@example.com", "cem@example.com"


# Who is next: a rule on plain lists


def entry(number: int, run: str = "5K", group: str | None = None) -> Registration:
    blank = dict.fromkeys(Registration.__struct_fields__)
    known = {"id": f"p{number}", "event_run_id": run, "pace_group": group, "queue_number": number}
    return Registration(**{**blank, **known})  # type: ignore[arg-type]


def chosen(
    queue: list[Registration],
    runs: dict[str, int | None],
    *,
    event: int | None = None,
    groups: dict[str, int] | None = None,
) -> list[int]:
    room = Room(event, runs, {("5K", name): places for name, places in (groups or {}).items()})
    return [one.queue_number or 0 for one in promotions(queue, room)]


def test_places_go_to_the_first_in_line() -> None:
    assert chosen([entry(1), entry(2), entry(3)], {"5K": 2}) == [1, 2]


def test_without_a_cap_everybody_gets_a_place() -> None:
    assert chosen([entry(1), entry(2), entry(3)], {"5K": None}) == [1, 2, 3]


def test_whoever_does_not_fit_is_passed_over_and_not_waited_for() -> None:
    queue = [entry(1, "10K"), entry(2, "5K"), entry(3, "10K"), entry(4, "5K")]

    assert chosen(queue, {"5K": 1, "10K": 0}) == [2]


def test_the_cap_of_the_event_holds_over_all_its_runs_in_order_of_arrival() -> None:
    queue = [entry(1, "10K"), entry(2, "5K"), entry(3, "10K")]

    assert chosen(queue, {"5K": 5, "10K": 5}, event=2) == [1, 2]


def test_a_full_pace_group_holds_up_its_own_people_alone() -> None:
    queue = [entry(1, group="fast"), entry(2, group="fast"), entry(3), entry(4, group="a label")]

    assert chosen(queue, {"5K": 3}, groups={"fast": 1}) == [1, 3, 4]


def test_a_run_that_takes_nobody_is_no_reason_for_others_to_wait() -> None:
    assert chosen([entry(1, "closed"), entry(2, "5K")], {"5K": 1}) == [2]


# A place comes free


@pytest.mark.parametrize("leaving", ["cancelled", "refunded"])
def test_a_freed_place_goes_to_the_first_in_line(club: Club, leaving: str) -> None:
    run = club.run(maxParticipants=1)
    comes, first, second = club.register(run), club.wait(run), club.wait(run)

    club.set_status(comes, leaving)

    assert [club.status(one) for one in (comes, first, second)] == [leaving, "confirmed", "waitlist"]
    assert club.line(run) == [second]
    assert club.verbs(first) == ["registration.created", "registration.promoted"]


def test_a_place_freed_twice_at_once_is_given_twice_and_no_more(club: Club) -> None:
    run = club.run(maxParticipants=2)
    coming, waiting = [club.register(run) for _ in range(2)], [club.wait(run) for _ in range(3)]

    club.cancel(*coming)
    club.cancel(*coming)

    assert [club.status(one) for one in waiting] == ["confirmed", "confirmed", "waitlist"]
    assert club.get_run(run).confirmed == 2


def test_a_raised_cap_serves_as_many_as_there_are_new_places(club: Club) -> None:
    run = club.run(maxParticipants=0)
    waiting = [club.wait(run) for _ in range(4)]

    club.change_run(run, maxParticipants=3)

    assert [club.status(one) for one in waiting] == ["confirmed", "confirmed", "confirmed", "waitlist"]


def test_a_cap_that_is_lifted_serves_everybody(club: Club) -> None:
    run = club.run(maxParticipants=0)
    waiting = [club.wait(run) for _ in range(3)]

    club.change_run(run, maxParticipants=None)

    assert {club.status(one) for one in waiting} == {"confirmed"}


def test_a_raised_cap_of_the_event_serves_its_runs_in_order_of_arrival(club: Club) -> None:
    event = club.event(maxParticipants=0)
    short, long = club.run(event), club.run(event)
    first, second, third = club.wait(long), club.wait(short), club.wait(long)

    club.change_event(event, maxParticipants=2)

    assert [club.status(one) for one in (first, second, third)] == ["confirmed", "confirmed", "waitlist"]


def test_a_pace_group_with_a_new_place_serves_its_own(club: Club) -> None:
    run = club.run(paceGroups=[{"name": "fast", "maxParticipants": 0}], maxParticipants=1)
    fast = club.wait(run, pace_group="fast")

    club.change_run(run, paceGroups=[{"name": "fast", "maxParticipants": 1}])

    assert club.status(fast) == "confirmed"


def test_somebody_far_behind_is_found_when_nobody_before_them_fits(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waitlist, "BATCH", 3)
    waitlist._line._cached.cache_clear()
    run = club.run(paceGroups=[{"name": "fast", "maxParticipants": 0}], maxParticipants=1)
    comes = club.register(run)
    fast = [club.wait(run, pace_group="fast") for _ in range(8)]
    other, last = club.wait(run), club.wait(run)

    club.cancel(comes)
    monkeypatch.undo()
    waitlist._line._cached.cache_clear()

    assert club.status(other) == "confirmed"
    assert club.line(run) == [*fast, last]


def test_deleting_a_run_frees_its_places_in_the_event_for_those_who_wait_elsewhere(club: Club) -> None:
    event = club.event(maxParticipants=1)
    goes, stays = club.run(event), club.run(event)
    club.register(goes)
    waiting = club.wait(stays)

    club.delete_run(goes, cancel=True)

    assert club.status(waiting) == "confirmed"


def test_two_organizations_and_modes_never_share_a_line(club: Club) -> None:
    other = clubs.found(club.app)
    run, theirs = club.run(maxParticipants=1), other.run(maxParticipants=1)
    comes, waiting = other.register(theirs), club.wait(run)

    other.cancel(comes)

    assert club.status(waiting) == "confirmed"
    assert other.get_run(theirs).confirmed == 0


# Wishes


def test_a_waiting_wish_takes_a_free_place_at_once(club: Club) -> None:
    run = club.run(maxParticipants=1)

    taken, waits = club.wait(run), club.wait(run)

    assert [club.status(taken), club.status(waits)] == ["confirmed", "waitlist"]


def test_a_confirmed_wish_for_a_full_run_is_refused_and_not_turned_into_a_waiting_one(club: Club) -> None:
    run = club.run(maxParticipants=1)
    club.register(run)

    with pytest.raises(SoldOut, match="register with status waitlist"):
        club.register(run)

    assert club.line(run) == []


@pytest.mark.parametrize("gone", ["cancelled", "refunded"])
def test_what_happened_elsewhere_is_written_down_even_on_a_full_run(club: Club, gone: str) -> None:
    run = club.run(maxParticipants=0)

    id_ = club.register(run, status=gone)

    assert club.status(id_) == gone
    assert club.get_run(run).confirmed == 0


def test_one_person_is_in_a_run_once_whatever_the_spelling(club: Club) -> None:
    run = club.run(maxParticipants=1)
    club.register(run, "Ann@Example.com ")

    with pytest.raises(AlreadyRegistered):
        club.wait(run, "ann@example.COM")


def test_one_person_may_come_again_after_cancelling_and_run_another_distance_as_well(club: Club) -> None:
    event = club.event()
    short, long = club.run(event), club.run(event)
    club.cancel(club.register(short, ANN))

    again, other = club.register(short, ANN), club.register(long, ANN)

    assert [club.status(again), club.status(other)] == ["confirmed", "confirmed"]


def test_whoever_gives_up_a_place_to_wait_joins_the_end_of_the_line(club: Club) -> None:
    run = club.run(maxParticipants=1)
    comes, first, second = club.register(run), club.wait(run), club.wait(run)

    club.set_status(comes, "waitlist")

    assert club.status(first) == "confirmed"
    assert club.line(run) == [second, comes]


def test_whoever_gives_up_a_place_that_nobody_wants_has_it_back_at_once(club: Club) -> None:
    run = club.run(maxParticipants=1)
    comes = club.register(run)

    club.set_status(comes, "waitlist")

    assert club.status(comes) == "confirmed"


def test_whoever_comes_back_stands_at_the_end_of_the_line(club: Club) -> None:
    run = club.run(maxParticipants=1)
    club.register(run)
    left, stays = club.wait(run), club.wait(run)
    club.cancel(left)

    club.set_status(left, "waitlist")

    assert club.line(run) == [stays, left]


def test_nobody_who_waits_is_confirmed_without_a_place(club: Club) -> None:
    run = club.run(maxParticipants=1)
    club.register(run)
    waits = club.wait(run)

    with pytest.raises(SoldOut, match="they stay on the waiting list"):
        club.set_status(waits, "confirmed")

    assert club.line(run) == [waits]


def test_somebody_who_waits_changes_to_a_pace_group_with_room_and_is_served(club: Club) -> None:
    groups = [{"name": "fast", "maxParticipants": 0}, {"name": "slow", "maxParticipants": 1}]
    run = club.run(paceGroups=groups)
    waits = club.wait(run, pace_group="fast")

    club.set_pace_group(waits, "slow")

    assert club.status(waits) == "confirmed"


def test_changing_the_pace_group_frees_a_place_in_the_old_one(club: Club) -> None:
    run = club.run(paceGroups=[{"name": "fast", "maxParticipants": 1}, {"name": "slow", "maxParticipants": 1}])
    comes, waits = club.register(run, pace_group="fast"), club.wait(run, pace_group="fast")

    club.set_pace_group(comes, "slow")

    assert club.status(waits) == "confirmed"


def test_a_full_pace_group_takes_nobody_from_another(club: Club) -> None:
    run = club.run(paceGroups=[{"name": "fast", "maxParticipants": 1}])
    club.register(run, pace_group="fast")
    other = club.register(run)

    with pytest.raises(SoldOut, match="fast"):
        club.set_pace_group(other, "fast")

    assert club.get(other).pace_group is None


def test_nobody_slips_into_a_pace_group_past_those_whose_time_has_come(club: Club) -> None:
    run = club.run(paceGroups=[{"name": "fast", "maxParticipants": 0}])
    comes, waits = club.register(run), club.wait(run, pace_group="fast")
    opens_at = club.app.clock() + timedelta(hours=1)
    club.change_run(run, registrationOpensAt=opens_at, paceGroups=[{"name": "fast", "maxParticipants": 1}])
    club.time_passes(hours=1, worker=False)

    with pytest.raises(SoldOut):
        club.set_pace_group(comes, "fast")
    club.time_passes()

    assert club.status(waits) == "confirmed"


# Offers


def offering(club: Club) -> tuple[str, str, str, str]:
    """A run that offers its places for a day: who comes, and three who wait in this order, the first with an offer."""
    run = club.run(maxParticipants=1, waitlistOfferHours=24)
    comes = club.register(run)
    first, second = club.wait(run, BOB), club.wait(run, CEM)
    club.cancel(comes)
    return run, first, second, comes


def test_a_place_is_offered_and_counts_as_taken(club: Club) -> None:
    run, first, _, comes = offering(club)

    offered = club.get(first)

    assert offered.status == "waitlist"
    assert offered.offer_expires_at == instants.text(club.app.clock() + timedelta(hours=24))
    assert (club.get_run(run).confirmed, club.get_run(run).offered) == (0, 1)
    with pytest.raises(SoldOut):
        club.register(run)
    with pytest.raises(SoldOut):
        club.set_status(comes, "confirmed")


def test_an_offer_is_taken_up_by_confirming(club: Club) -> None:
    run, first, _, _ = offering(club)
    club.time_passes(hours=23.9)

    club.set_status(first, "confirmed")

    assert club.status(first) == "confirmed"
    assert club.get(first).offer_expires_at is None
    assert (club.get_run(run).confirmed, club.get_run(run).offered) == (1, 0)


def test_an_offer_is_taken_up_also_while_registration_is_paused(club: Club) -> None:
    run, first, _, _ = offering(club)
    club.change_run(run, registrationOverride="paused")

    club.set_status(first, "confirmed")

    assert club.status(first) == "confirmed"


def test_an_offer_is_not_taken_up_in_a_run_that_does_not_take_place(club: Club) -> None:
    run, first, _, _ = offering(club)
    club.change_run(run, eventStatus="cancelled")

    with pytest.raises(RegistrationClosed, match="cancelled"):
        club.set_status(first, "confirmed")

    assert club.status(first) == "waitlist"


def test_an_offer_that_lapses_is_cancelled_and_the_next_in_line_is_asked(club: Club) -> None:
    run, first, second, _ = offering(club)

    club.time_passes(hours=24)

    assert club.status(first) == "cancelled"
    assert club.get(second).offer_expires_at == instants.text(club.app.clock() + timedelta(hours=24))
    assert club.line(run) == [second]
    assert club.verbs(first)[-1] == "registration.offer_expired"


def test_an_offer_that_has_lapsed_cannot_be_taken_up_even_before_the_worker_came(club: Club) -> None:
    _, first, _, _ = offering(club)
    club.time_passes(hours=24, worker=False)

    with pytest.raises(errors.Conflict, match="lapsed at 2026-03-02T09:00:00"):
        club.set_status(first, "confirmed")


def test_a_lapsed_offer_holds_up_nobody_even_before_the_worker_came(club: Club) -> None:
    run, first, second, _ = offering(club)
    club.cancel(second)
    club.time_passes(hours=24, worker=False)

    comes = club.register(run)

    assert [club.status(first), club.status(comes)] == ["cancelled", "confirmed"]


def test_whoever_let_an_offer_lapse_may_register_again_before_the_worker_came(club: Club) -> None:
    run, first, second, _ = offering(club)
    club.time_passes(hours=24, worker=False)

    again = club.wait(run, BOB)

    assert club.status(first) == "cancelled"
    assert club.line(run) == [second, again]


def test_a_lapsed_offer_does_not_stand_in_the_way_of_a_lower_cap(club: Club) -> None:
    run, _, second, _ = offering(club)
    club.cancel(second)
    club.time_passes(hours=24, worker=False)

    club.change_run(run, maxParticipants=0)

    assert club.get_run(run).max_participants == 0


def test_an_offer_declined_goes_to_the_next(club: Club) -> None:
    _, first, second, _ = offering(club)

    club.cancel(first)

    assert club.get(second).offer_expires_at is not None


def test_a_cap_below_those_confirmed_and_offered_is_refused(club: Club) -> None:
    run, _, _, _ = offering(club)

    with pytest.raises(CapTooLow, match="0 confirmed and 1 open offers"):
        club.change_run(run, maxParticipants=0)


def test_an_offer_stands_when_the_run_stops_offering(club: Club) -> None:
    run, first, second, _ = offering(club)

    club.change_run(run, waitlistOfferHours=None)
    club.time_passes(hours=24)

    assert [club.status(first), club.status(second)] == ["cancelled", "confirmed"]


def test_the_worker_settles_every_event_where_time_has_changed_something_and_then_has_nothing_to_do(club: Club) -> None:
    _, first, second, _ = offering(club)
    opens = club.run(maxParticipants=0)
    waits = club.wait(opens)
    club.change_run(opens, registrationOpensAt=club.app.clock() + timedelta(hours=2), maxParticipants=1)
    club.time_passes(hours=24, worker=False)

    changed = [club.app.run(waitlist.settle_due(club.app.database, club.app.asking())) for _ in range(2)]

    assert (
        changed[0] >= 3
    )  # lapsed, offered to the next, and promoted; other organizations may have had something due as well
    assert changed[1] == 0
    assert [club.status(one) for one in (first, second, waits)] == ["cancelled", "waitlist", "confirmed"]


def test_the_worker_reaches_every_event_however_many_there_are(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waitlist, "BATCH", 2)
    waitlist._events_to_settle._cached.cache_clear()
    runs = [club.run(maxParticipants=0) for _ in range(5)]
    waiting = [club.wait(run) for run in runs]
    opens_at = club.app.clock() + timedelta(hours=1)
    for run in runs:
        club.change_run(run, registrationOpensAt=opens_at, maxParticipants=1)

    club.time_passes(hours=1)
    monkeypatch.undo()
    waitlist._events_to_settle._cached.cache_clear()

    assert {club.status(one) for one in waiting} == {"confirmed"}


# Why somebody waits


def test_the_line_says_where_each_stands_and_why(club: Club) -> None:
    run = club.run(maxParticipants=1)
    club.register(run)
    first, second = club.wait(run), club.wait(run)

    told = club.waiting(run)

    assert [(entry.position, entry.registration.id, entry.reason) for entry in told] == [
        (1, first, "full"),
        (2, second, "full"),
    ]


def test_the_reason_is_a_full_run_also_when_it_was_closed_by_hand(club: Club) -> None:
    run = club.run(soldOut=True)
    club.wait(run)

    assert club.reasons(run) == ["full"]


def test_the_reason_is_a_full_pace_group(club: Club) -> None:
    run = club.run(paceGroups=[{"name": "fast", "maxParticipants": 0}])
    club.wait(run, pace_group="fast")

    assert club.reasons(run) == ["paceGroupFull"]


def test_the_reason_is_a_full_event(club: Club) -> None:
    run = club.run(club.event(maxParticipants=0))
    club.wait(run)

    assert club.reasons(run) == ["eventFull"]


def test_the_reason_is_an_open_offer(club: Club) -> None:
    run, _, _, _ = offering(club)

    assert club.reasons(run) == ["offerOpen", "full"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"registrationOverride": "paused"}, "registrationClosed"),
        ({"registrationOverride": "closed"}, "registrationClosed"),
        ({"eventStatus": "postponed"}, "registrationClosed"),
        ({"eventStatus": "cancelled"}, "runCancelled"),
        ({"eventStatus": "cancelled", "registrationOverride": "closed"}, "runCancelled"),
    ],
)
def test_the_reason_is_a_closed_door(club: Club, fields: dict[str, str], reason: str) -> None:
    run = club.run(maxParticipants=0)
    club.wait(run)

    club.change_run(run, maxParticipants=1, **fields)

    assert club.reasons(run) == [reason]


def test_the_line_is_told_in_pages(club: Club) -> None:
    run = club.run(maxParticipants=0)
    waiting = [club.wait(run) for _ in range(5)]

    page, more = club.page_of_line(run, limit=2, after=waiting[1])
    back, before = club.page_of_line(run, limit=2, before=waiting[3])

    assert [(entry.position, entry.registration.id) for entry in page] == [(3, waiting[2]), (4, waiting[3])]
    assert [(entry.position, entry.registration.id) for entry in back] == [(2, waiting[1]), (3, waiting[2])]
    assert more
    assert before


def test_a_position_in_line_lasts_longer_than_the_entry_that_had_it(club: Club) -> None:
    run = club.run(maxParticipants=0)
    first, second, third, fourth = (club.wait(run) for _ in range(4))
    club.cancel(second, third)
    fifth = club.wait(run)

    behind, _ = club.page_of_line(run, limit=10, after=second)
    ahead, _ = club.page_of_line(run, limit=10, before=third)

    assert [(entry.position, entry.registration.id) for entry in behind] == [(2, fourth), (3, fifth)]
    assert [(entry.position, entry.registration.id) for entry in ahead] == [(1, first)]


def test_a_newcomer_with_the_number_of_one_who_left_stands_behind_their_position(club: Club) -> None:
    run = club.run(maxParticipants=0)
    _, last = club.wait(run), club.wait(run)
    club.cancel(last)
    newcomer = club.wait(run)

    page, _ = club.page_of_line(run, limit=10, after=last)

    assert [entry.registration.id for entry in page] == [newcomer]


def test_a_position_is_one_in_this_run_whatever_became_of_its_entry(club: Club) -> None:
    event = club.event()
    run, other = club.run(event, maxParticipants=0), club.run(event, maxParticipants=0)
    moved, stays = club.wait(run), club.wait(run)
    club.transfer(moved, other)

    page, _ = club.page_of_line(run, limit=10, after=moved)

    assert [entry.registration.id for entry in page] == [stays]


def test_an_id_that_never_waited_stands_before_everybody(club: Club) -> None:
    run = club.run(maxParticipants=0)
    waits = club.wait(run)

    after, _ = club.page_of_line(run, limit=10, after="p01k9x0q5zr4t8m2c6h0wa")
    before, more = club.page_of_line(run, limit=10, before="p01k9x0q5zr4t8m2c6h0wa")

    assert [entry.registration.id for entry in after] == [waits]
    assert (before, more) == ([], False)


def test_a_deep_line_for_a_full_group_is_passed_over(club: Club) -> None:
    run = club.run(maxParticipants=3, paceGroups=[{"name": "fast", "maxParticipants": 1}, {"name": "slow"}])
    club.register(run, pace_group="fast")
    waits = [club.wait(run, pace_group="fast") for _ in range(3)]

    comes = club.register(run, pace_group="slow")
    club.change_run(run, paceGroups=[{"name": "fast", "maxParticipants": 2}, {"name": "slow"}])

    assert club.status(comes) == "confirmed"
    assert [club.status(one) for one in waits] == ["confirmed", "waitlist", "waitlist"]


async def changing(tx: Write, run_id: str, values: dict[str, Any]) -> None:
    await runs.change(tx, await runs.get(tx, run_id), values)


def test_an_event_that_cannot_be_settled_holds_up_no_other(club: Club) -> None:
    broken, sound = club.run(maxParticipants=0), club.run(maxParticipants=0)
    stuck, waits = club.wait(broken), club.wait(sound)
    for run in (broken, sound):
        club.change_run(run, registrationOpensAt="2026-03-01T10:00:00Z", maxParticipants=1)
    for_ever = {"waitlist_offer_hours": 10**9}
    club.write(lambda tx: changing(tx, broken, for_ever))

    club.time_passes(hours=1)

    assert [club.status(stuck), club.status(waits)] == ["waitlist", "confirmed"]
