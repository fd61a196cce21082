"""Sold out: said once each time a run's last place is taken, with the run as it is then; a place that is given on is no news.

And room again: a full run in which a place is free when all is settled is updated, so that who follows its changes knows.
"""

import asyncio
from typing import Any

import msgspec
import pytest

from openintervals import doctor
from openintervals.club import enrolment, registrations
from openintervals.club.registrations import SoldOut
from openintervals.club.runs import Run
from openintervals.db.transaction import Write
from openintervals.platform import journal
from tests import clients, databases
from tests.club.clubs import Club
from tests.servers import START, Application

NEWS = "run.sold_out"


def news(club: Club, run: str) -> list[journal.Entry]:
    """Every time the run was said to be sold out; its history is whole, and ends where the run is."""
    history = club.history(run)
    assert [entry.object_version for entry in history] == list(range(1, club.get_run(run).version + 1))
    return [entry for entry in history if entry.verb == NEWS]


def counts(entry: journal.Entry) -> tuple[int, int, int]:
    """Confirmed, offered and cap of a run as the journal shows it."""
    shown: dict[str, Any] = msgspec.json.decode(entry.snapshot)
    return shown["confirmed"], shown["offered"], shown["max_participants"]


def changed(entry: journal.Entry) -> list[str]:
    return msgspec.json.decode(entry.changed, type=list[str])


def full(club: Club, event: str | None = None, **fields: Any) -> tuple[str, str]:
    """A run whose one place is taken, and by whom."""
    run = club.run(event, maxParticipants=1, **fields)
    return run, club.register(run)


def test_whoever_takes_the_last_place_sells_a_run_out(club: Club) -> None:
    run = club.run(maxParticipants=2)
    club.register(run)
    before = news(club, run)

    club.register(run)

    [told] = news(club, run)
    assert before == []
    assert counts(told) == (2, 0, 2)
    assert changed(told) == ["confirmed"]
    now = club.get_run(run)
    shown: dict[str, Any] = msgspec.json.decode(told.snapshot)
    assert {name: shown[name] for name in Run.__struct_fields__} == msgspec.structs.asdict(now)


def test_who_took_the_last_place_is_told_before_that_it_was_the_last(club: Club) -> None:
    run, comes = full(club)

    [told], [made] = news(club, run), club.history(comes)

    assert made.sequence < told.sequence


def test_that_a_run_is_sold_out_is_an_update_of_it_too(club: Club, module_url: str) -> None:
    run, _ = full(club)

    implied = databases.rows(module_url, f"SELECT implies FROM journal WHERE object_id = '{run}' AND verb = '{NEWS}'")

    assert implied == [("run.updated",)]


def test_a_run_without_a_cap_is_never_sold_out(club: Club) -> None:
    run = club.run()
    club.register(run)

    assert news(club, run) == []


def test_a_run_that_is_closed_by_hand_is_changed_and_not_sold_out(club: Club) -> None:
    run = club.run(maxParticipants=5)

    club.change_run(run, soldOut=True)

    assert club.verbs(run) == ["run.created", "run.updated"]


def test_a_run_without_a_place_from_the_beginning_is_no_news(club: Club) -> None:
    run = club.run(maxParticipants=0)
    club.wait(run)

    assert news(club, run) == []


def test_a_run_is_sold_out_again_when_a_place_that_came_free_is_taken(club: Club) -> None:
    run, comes = full(club)
    club.cancel(comes)

    club.register(run)

    assert len(news(club, run)) == 2


def test_a_place_that_is_given_on_is_no_news(club: Club) -> None:
    run, comes = full(club)
    waits = club.wait(run)

    club.cancel(comes)

    assert club.status(waits) == "confirmed"
    assert len(news(club, run)) == 1


def test_somebody_who_goes_to_the_end_of_the_line_and_comes_back_at_once_is_no_news(club: Club) -> None:
    run, comes = full(club)

    club.set_status(comes, "waitlist")

    assert club.status(comes) == "confirmed"
    assert len(news(club, run)) == 1


def test_somebody_who_comes_back_sells_a_run_out(club: Club) -> None:
    run, comes = full(club)
    club.cancel(comes)

    club.set_status(comes, "confirmed")

    assert len(news(club, run)) == 2


def test_an_offer_of_the_last_place_sells_a_run_out_and_taking_it_up_does_not_again(club: Club) -> None:
    run = club.run(maxParticipants=1, waitlistOfferHours=24)
    comes = club.register(run)
    club.change_run(run, registrationOverride="paused")
    club.cancel(comes)
    waits = club.register(run, status="cancelled")
    club.change_run(run, registrationOverride=None, maxParticipants=0)
    club.set_status(waits, "waitlist")

    club.change_run(run, maxParticipants=1)
    club.set_status(waits, "confirmed")

    *_, by_cap, by_offer = news(club, run)
    assert counts(by_cap) == (0, 0, 0)
    assert counts(by_offer) == (0, 1, 1)
    assert changed(by_offer) == ["offered"]


def test_an_offer_that_lapses_and_goes_to_the_next_is_no_news(club: Club) -> None:
    run, comes = full(club, waitlistOfferHours=24)
    first, second = club.wait(run), club.wait(run)
    club.cancel(comes)

    club.time_passes(hours=25)

    assert (club.status(first), club.status(second)) == ("cancelled", "waitlist")
    assert club.get_run(run).offered == 1
    assert len(news(club, run)) == 1


def test_an_offer_that_lapsed_unseen_and_goes_to_somebody_new_is_no_news(club: Club) -> None:
    run, comes = full(club, waitlistOfferHours=24)
    first = club.wait(run)
    club.cancel(comes)
    club.time_passes(hours=25, worker=False)

    club.register(run)

    assert club.status(first) == "cancelled"
    assert len(news(club, run)) == 1


def test_a_transfer_sells_the_new_run_out_and_gives_the_old_place_on_without_a_word(club: Club) -> None:
    event = club.event()
    (old, comes), new = full(club, event), club.run(event, maxParticipants=1)
    club.wait(old)

    club.transfer(comes, new)

    assert [len(news(club, run)) for run in (old, new)] == [1, 1]
    assert changed(news(club, new)[0]) == ["confirmed"]


def test_a_transfer_to_another_person_is_no_news(club: Club) -> None:
    run, comes = full(club)

    club.transfer(comes, email="somebody@example.com")

    assert len(news(club, run)) == 1


def test_a_raised_cap_that_those_who_wait_use_up_sells_a_run_out_anew(club: Club) -> None:
    run, _ = full(club)
    for _ in range(3):
        club.wait(run)

    club.change_run(run, maxParticipants=3)
    club.change_run(run, maxParticipants=5)

    assert [counts(entry) for entry in news(club, run)] == [(1, 0, 1), (3, 0, 3)]
    assert club.verbs(run) == ["run.created", NEWS, "run.updated", NEWS, "run.updated"]


def test_a_raised_cap_of_the_event_sells_its_runs_out(club: Club) -> None:
    event = club.event(maxParticipants=0)
    one, other = club.run(event, maxParticipants=1), club.run(event, maxParticipants=2)
    for run in (one, other):
        club.wait(run)

    club.change_event(event, maxParticipants=9)

    assert [len(news(club, run)) for run in (one, other)] == [1, 0]


@pytest.mark.parametrize("cap", [None, 5])
def test_a_cap_set_to_what_is_taken_sells_a_run_out(club: Club, cap: int | None) -> None:
    run = club.run(maxParticipants=cap)
    club.register(run)

    club.change_run(run, maxParticipants=1)
    club.change_run(run, name="No column", distanceLabel="Another name")

    [told] = news(club, run)
    assert counts(told) == (1, 0, 1)
    assert changed(told) == []
    assert club.verbs(run) == ["run.created", "run.updated", NEWS, "run.updated"]


def test_pace_groups_that_come_with_a_cap_are_the_version_after(club: Club) -> None:
    run = club.run(maxParticipants=5)
    club.register(run)

    club.change_run(run, maxParticipants=1, paceGroups=[{"name": "fast"}])

    assert club.verbs(run) == ["run.created", "run.updated", NEWS, "run.updated"]
    assert len(news(club, run)) == 1


def test_a_run_that_fills_and_empties_and_fills_in_one_change_is_told_once(club: Club) -> None:
    run = club.run(maxParticipants=2, paceGroups=[{"name": "fast"}])
    comes, _ = club.register(run), club.register(run)
    first, second = club.wait(run), club.wait(run)
    club.change_run(run, registrationOpensAt="2026-03-01T10:00:00Z")
    club.cancel(comes)
    club.time_passes(hours=2, worker=False)

    club.change_registration(first, paceGroup="fast", status="cancelled")

    assert (club.status(first), club.status(second)) == ("cancelled", "confirmed")
    assert len(news(club, run)) == 2


def test_deleting_a_run_gives_its_places_to_others_and_may_sell_them_out(club: Club) -> None:
    event = club.event(maxParticipants=1)
    small, other = club.run(event), club.run(event, maxParticipants=1)
    club.register(small)
    club.wait(other)

    club.delete_run(small, cancel=True)

    assert len(news(club, other)) == 1


def test_who_is_refused_leaves_no_news(club: Club) -> None:
    run, _ = full(club)

    with pytest.raises(SoldOut):
        club.register(run)

    assert len(news(club, run)) == 1


def test_of_many_who_want_the_last_places_at_once_the_last_makes_news(club: Club) -> None:
    run = club.run(maxParticipants=3)

    async def one(number: int) -> None:
        async def work(tx: Write) -> None:
            await enrolment.register(tx, run, email=f"{number}@example.com", registration_type="free")

        await club.app.database.write(club.asking(), work)

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(one(number) for number in range(8)), return_exceptions=True)

    refused = [answer for answer in club.app.run(all_of_them()) if answer is not None]

    assert {type(answer) for answer in refused} == {SoldOut}
    assert len(refused) == 5
    assert [counts(entry) for entry in news(club, run)] == [(3, 0, 3)]


def updates(club: Club, run: str) -> list[journal.Entry]:
    return [entry for entry in club.history(run) if entry.verb == "run.updated"]


def has_room_again(club: Club, run: str) -> bool:
    """Whether the last that is told of the run is, once, that it has room; its history is whole."""
    told = [changed(entry) for entry in updates(club, run)]
    news(club, run)
    confirmed, offered, cap = counts(club.history(run)[-1])
    return told == [["confirmed"]] and confirmed + offered < cap


@pytest.mark.parametrize("status", ["cancelled", "refunded"])
def test_a_full_run_that_somebody_leaves_says_that_it_has_room(club: Club, status: str) -> None:
    run, comes = full(club)
    before = club.get_run(run)

    club.set_status(comes, status)

    assert has_room_again(club, run)
    assert club.verbs(run) == ["run.created", NEWS, "run.updated"]
    assert club.get_run(run).version == before.version + 1
    shown: dict[str, Any] = msgspec.json.decode(club.history(run)[-1].snapshot)
    assert {name: shown[name] for name in Run.__struct_fields__} == msgspec.structs.asdict(club.get_run(run))


def test_a_run_with_room_that_somebody_leaves_says_nothing(club: Club) -> None:
    run = club.run(maxParticipants=2)
    comes = club.register(run)

    club.cancel(comes)

    assert club.verbs(run) == ["run.created"]


def test_a_second_place_that_comes_free_is_no_news(club: Club) -> None:
    run = club.run(maxParticipants=2)
    comes = [club.register(run), club.register(run)]

    club.cancel(*comes)

    assert has_room_again(club, run)


def test_a_place_that_is_given_on_leaves_no_room_to_tell_of(club: Club) -> None:
    run, comes = full(club)
    club.wait(run)

    club.cancel(comes)

    assert club.verbs(run) == ["run.created", NEWS]


def test_a_place_nobody_may_be_given_is_room(club: Club) -> None:
    run, comes = full(club)
    club.wait(run)
    club.change_run(run, registrationOverride="paused")

    club.cancel(comes)

    assert changed(updates(club, run)[-1]) == ["confirmed"]
    assert len(updates(club, run)) == 2


def test_a_raised_cap_tells_of_the_room_itself(club: Club) -> None:
    run, _ = full(club)

    club.change_run(run, maxParticipants=2)

    assert club.verbs(run) == ["run.created", NEWS, "run.updated"]
    assert changed(updates(club, run)[0]) == ["max_participants"]


def test_somebody_who_is_transferred_away_leaves_room_behind(club: Club) -> None:
    event = club.event()
    (old, comes), (other, goes_far) = full(club, event), full(club)
    new = club.run(event)

    club.transfer(comes, new)
    club.transfer(goes_far, new)

    assert has_room_again(club, old)
    assert has_room_again(club, other)
    assert club.verbs(new) == ["run.created"]


def test_somebody_who_leaves_the_line_for_another_run_makes_no_room(club: Club) -> None:
    (old, _), new = full(club), club.run()
    waits = club.wait(old)

    club.transfer(waits, new)

    assert club.verbs(old) == ["run.created", NEWS]


@pytest.mark.parametrize("worker", [True, False])
def test_an_offer_that_lapses_and_nobody_else_wants_leaves_room(club: Club, *, worker: bool) -> None:
    event = club.event()
    run, comes = full(club, event, waitlistOfferHours=24)
    waits, other = club.wait(run), club.run(event)
    club.cancel(comes)

    club.time_passes(hours=25, worker=worker)
    if not worker:
        club.register(other)

    assert club.status(waits) == "cancelled"
    assert has_room_again(club, run)


def test_an_offer_that_is_declined_and_nobody_else_wants_leaves_room(club: Club) -> None:
    run, comes = full(club, waitlistOfferHours=24)
    waits = club.wait(run)
    club.cancel(comes)

    club.cancel(waits)

    assert has_room_again(club, run)


def test_an_offer_that_lapsed_unseen_leaves_room_when_its_holder_changes_pace_group(club: Club) -> None:
    run, comes = full(club, waitlistOfferHours=24)
    waits = club.wait(run)
    club.cancel(comes)
    club.time_passes(hours=25, worker=False)

    club.set_pace_group(waits, "fast")

    assert club.status(waits) == "cancelled"
    assert has_room_again(club, run)


def test_an_offer_that_lapsed_unseen_leaves_room_when_somebody_comes_back_to_another_run(club: Club) -> None:
    event = club.event()
    run, comes = full(club, event, waitlistOfferHours=24)
    other = club.run(event)
    club.wait(run)
    left = club.register(other, status="cancelled")
    club.cancel(comes)
    club.time_passes(hours=25, worker=False)

    club.set_status(left, "confirmed")

    assert has_room_again(club, run)


def test_offers_that_lapsed_unseen_leave_room_when_the_event_is_changed_or_another_run_is_deleted(club: Club) -> None:
    for change in (
        lambda event, _: club.change_event(event, name="Another name"),
        lambda _, other: club.delete_run(other),
    ):
        event = club.event()
        run, comes = full(club, event, waitlistOfferHours=24)
        other = club.run(event)
        club.wait(run)
        club.cancel(comes)
        club.time_passes(hours=25, worker=False)

        change(event, other)

        assert has_room_again(club, run)


def test_a_change_of_a_run_tells_of_the_room_that_a_lapsed_offer_left(club: Club) -> None:
    run, comes = full(club, waitlistOfferHours=24)
    club.wait(run)
    club.cancel(comes)
    club.time_passes(hours=25, worker=False)

    club.change_run(run, distanceLabel="Another name")

    assert [changed(entry) for entry in updates(club, run)] == [["distance_label"]]
    assert counts(updates(club, run)[0]) == (0, 0, 1)


@pytest.mark.parametrize("how", [{"registrationOverride": None}, {"paceGroups": [{"name": "fast"}]}])
def test_a_run_that_told_of_room_and_is_full_after_all_says_so(club: Club, how: dict[str, Any]) -> None:
    """A lapsed offer leaves room, the change tells of it, and lets somebody have it who could not before."""
    run, comes = full(club, waitlistOfferHours=24, paceGroups=[{"name": "fast", "maxParticipants": 0}])
    club.wait(run)
    club.wait(run, pace_group="fast")
    club.cancel(comes)
    if "registrationOverride" in how:
        club.change_run(run, registrationOverride="paused", paceGroups=[])
    club.time_passes(hours=25, worker=False)
    before = len(club.history(run))

    club.change_run(run, **how)

    assert club.verbs(run)[before:] == ["run.updated", NEWS]
    assert [counts(entry) for entry in club.history(run)[before:]] == [(0, 0, 1), (0, 1, 1)]


@pytest.mark.parametrize("how", ["comes back", "is transferred inside the event", "is transferred from another event"])
def test_a_place_that_lapsed_unseen_and_is_taken_by_whoever_moves_is_no_news(club: Club, how: str) -> None:
    event = club.event()
    run, comes = full(club, event, waitlistOfferHours=24)
    first = club.wait(run)
    moves = {
        "comes back": lambda: club.register(run, status="cancelled"),
        "is transferred inside the event": lambda: club.register(club.run(event)),
        "is transferred from another event": lambda: club.register(club.run()),
    }[how]()
    club.cancel(comes)
    club.time_passes(hours=25, worker=False)

    if how == "comes back":
        club.set_status(moves, "confirmed")
    else:
        club.transfer(moves, run)

    assert club.status(first) == "cancelled"
    assert club.verbs(run) == ["run.created", NEWS]


def test_a_place_that_lapsed_unseen_and_is_given_on_by_a_change_of_pace_group_is_no_news(club: Club) -> None:
    groups = [{"name": "fast", "maxParticipants": 1}]
    run = club.run(maxParticipants=2, waitlistOfferHours=24, paceGroups=groups)
    goes, stays = club.register(run), club.register(run, pace_group="fast")
    lapses, waits = club.wait(run), club.wait(run, pace_group="fast")
    club.cancel(goes)
    club.time_passes(hours=25, worker=False)
    before = club.verbs(run)

    club.set_pace_group(stays, None)

    assert club.status(lapses) == "cancelled"
    assert club.get(waits).offer_expires_at is not None
    assert club.verbs(run) == before


def test_a_place_that_lapsed_unseen_and_is_given_on_by_a_raised_cap_of_the_event_is_no_news(club: Club) -> None:
    event = club.event(maxParticipants=2)
    other = club.run(event)
    club.register(other)
    run, comes = full(club, event, waitlistOfferHours=24)
    lapses, goes_first, waits = club.wait(run), club.wait(other), club.wait(run)
    club.cancel(comes)
    club.time_passes(hours=25, worker=False)

    club.change_event(event, maxParticipants=3)

    assert [club.status(id_) for id_ in (lapses, goes_first)] == ["cancelled", "confirmed"]
    assert club.get(waits).offer_expires_at is not None
    assert club.verbs(run) == ["run.created", NEWS]


def test_a_place_left_for_an_older_event_is_given_on_without_a_word(club: Club) -> None:
    new = club.run()
    old, comes = full(club)
    waits = club.wait(old)

    club.transfer(comes, new)

    assert club.status(waits) == "confirmed"
    assert club.verbs(old) == ["run.created", NEWS]


def test_a_transfer_that_changes_the_pace_group_too_tells_of_room_once(club: Club) -> None:
    run = club.run(maxParticipants=2, waitlistOfferHours=24)
    comes, goes = club.register(run), club.register(run)
    club.wait(run)
    club.cancel(goes)
    club.time_passes(hours=25, worker=False)

    club.transfer(comes, pace_group="fast", email="somebody@example.com")

    assert has_room_again(club, run)


def test_deleting_a_full_run_says_nothing_of_room_in_it(club: Club) -> None:
    run, _ = full(club)

    club.delete_run(run, cancel=True)

    assert club.verbs(run) == ["run.created", NEWS, "run.deleted"]


def test_somebody_who_is_refused_leaves_no_word_of_room(club: Club) -> None:
    event = club.event(maxParticipants=1)
    run, comes = full(club, event, waitlistOfferHours=24)
    waits = club.wait(run)
    other = club.run(event, maxParticipants=0)
    club.cancel(comes)
    club.time_passes(hours=25, worker=False)

    with pytest.raises(SoldOut):
        club.register(other)

    assert club.verbs(run) == ["run.created", NEWS]
    assert club.status(waits) == "waitlist"


def test_full_runs_in_which_nothing_moves_cost_whoever_registers_or_leaves_no_statement(club: Club) -> None:
    def statements(full_runs: int) -> tuple[int, int]:
        event = club.event()
        run = club.run(event, maxParticipants=9)
        for _ in range(full_runs):
            waited_for, _ = full(club, event)
            club.wait(waited_for)
        made: list[str] = []

        async def register(tx: Write) -> int:
            made.append((await enrolment.register(tx, run, email="a@example.com", registration_type="free")).id)
            return tx.session.statements

        async def leave(tx: Write) -> int:
            await enrolment.change_status(tx, await registrations.lock(tx, made[0]), "cancelled")
            return tx.session.statements

        return club.write(register), club.write(leave)

    assert statements(3) == statements(1)


def test_only_the_last_place_costs_further_statements(club: Club) -> None:
    capped, free = club.run(maxParticipants=3), club.run()

    async def statements(tx: Write, run: str) -> int:
        await enrolment.register(tx, run, email="a@example.com", registration_type="free")
        return tx.session.statements

    async def again(tx: Write, run: str) -> int:
        await enrolment.register(tx, run, email="b@example.com", registration_type="free")
        return tx.session.statements

    plain = club.write(lambda tx: statements(tx, free))
    first = club.write(lambda tx: statements(tx, capped))
    club.register(capped)
    last = club.write(lambda tx: again(tx, capped))

    assert first == plain
    assert last > plain


def test_a_preview_sells_nothing_out_and_the_change_itself_does(app: Application, module_url: str) -> None:
    app.clock.now = START
    api = clients.join(app)
    event = api.make_event(slug="weekly", type="runClub", date="2026-03-03")
    run = api.make_run(event, maxParticipants=1)
    comes = api.make_registration(run)
    api.make_registration(run, status="waitlist")
    recurrence = api.make_recurrence(event, autoPublishHorizonWeeks=1)
    clients.found(api.patch(f"/runs/{run}", {"registrationOpensAt": "2026-03-01T10:00:00Z"}))
    clients.found(api.patch(f"/registration/{comes}", {"status": "cancelled"}))
    app.clock.advance(2 * 3600)
    later = {"schedule": {"frequency": "weekly", "daysOfWeek": [2], "startTime": "19:30", "durationMinutes": 60}}
    told = f"SELECT count(*) FROM journal WHERE object_id = '{run}' AND verb = '{NEWS}'"
    before = databases.fingerprint(module_url)

    clients.found(api.send("PATCH", f"/recurrences/{recurrence}", params={"preview": "true"}, json=later))
    previewed, so_far = databases.fingerprint(module_url), databases.rows(module_url, told)
    moved = clients.found(api.patch(f"/recurrences/{recurrence}", later))["moved"]

    assert previewed == before
    assert so_far == [(1,)]
    assert moved
    assert databases.rows(module_url, told) == [(2,)]


def test_the_doctor_finds_nothing_wrong_with_any_of_this(app: Application, club: Club) -> None:
    run, comes = full(club)
    club.wait(run)
    club.cancel(comes)
    club.change_run(run, maxParticipants=2)
    club.register(run)

    assert len(news(club, run)) == 2
    assert app.run(doctor.examine(app.database, app.clock())) == []
