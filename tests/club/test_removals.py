"""Removals: deleting a run or an event with everything inside it."""

from typing import Any

import msgspec
import pytest

from openintervals import instants
from openintervals.club import removals
from openintervals.club.events import EventNotFound
from openintervals.club.registrations import Registration, RegistrationNotFound
from openintervals.club.removals import StillRegistered
from openintervals.club.runs import RunNotFound
from tests.club.clubs import Club
from tests.servers import START


def test_a_run_with_somebody_in_it_is_kept(club: Club) -> None:
    run = club.run(maxParticipants=1)
    comes, waits = club.register(run), club.wait(run)

    with pytest.raises(StillRegistered, match="This run has 2 active registrations"):
        club.delete_run(run)

    assert [club.status(comes), club.status(waits)] == ["confirmed", "waitlist"]


def test_a_run_whose_people_have_all_left_is_deleted(club: Club) -> None:
    run = club.run()
    left = club.register(run)
    club.cancel(left)

    club.delete_run(run)

    with pytest.raises(RunNotFound):
        club.get_run(run)
    with pytest.raises(RegistrationNotFound):
        club.get(left)
    assert club.verbs(run)[-1] == "run.deleted"


def test_everybody_is_cancelled_before_their_run_is_deleted_on_request(club: Club) -> None:
    event = club.event()
    run = club.run(event, maxParticipants=1, paceGroups=[{"name": "fast", "maxParticipants": 1}])
    comes, waits = club.register(run, pace_group="fast"), club.wait(run)
    club.give_bib(comes, "7", pinned=True)

    club.delete_run(run, cancel=True)

    for one in (comes, waits):
        assert club.verbs(one)[-2:] == ["registration.cancelled", "registration.deleted"]
    assert (club.get_event(event).confirmed, club.get_event(event).offered) == (0, 0)


def test_the_journal_shows_each_one_as_they_ended(club: Club) -> None:
    run = club.run(maxParticipants=1, waitlistOfferHours=24)
    comes, asked, waits = club.register(run, name='Zoë "Z" O\'Neil'), club.wait(run), club.wait(run)
    club.cancel(comes)
    back = club.register(club.run(club.event_of(run)), notes="line one\nline two")
    club.give_bib(back, "7", pinned=True)
    before = [club.get(one) for one in (comes, asked, waits, back)]

    club.delete_event(club.event_of(run), cancel=True)

    told = [club.history(one) for one in (comes, asked, waits, back)]
    for one, entries in zip(before, told, strict=True):
        ended: dict[str, Any] = {"bib": None, "bib_pinned": False, "queue_number": None, "offer_expires_at": None}
        ended |= {"updated_at": instants.text(START), "status": "cancelled", "version": entries[-1].object_version}
        last = msgspec.json.decode(entries[-1].snapshot, type=Registration)
        assert last == msgspec.structs.replace(one, **ended)
        assert [entry.object_version for entry in entries] == list(range(1, len(entries) + 1))
    changed = [msgspec.json.decode(entries[-2].changed) for entries in told[1:]]
    assert changed == [
        ["status", "queue_number", "offer_expires_at"],
        ["status", "queue_number"],
        ["status", "bib", "bib_pinned"],
    ]


def test_very_many_go_batch_by_batch(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    run = club.run()
    people = [club.register(run) for _ in range(7)]
    monkeypatch.setattr(removals, "BATCH", 3)
    removals._last_of_batch._cached.cache_clear()

    club.delete_run(run, cancel=True)
    removals._last_of_batch._cached.cache_clear()

    for one in people:
        assert club.verbs(one) == ["registration.created", "registration.cancelled", "registration.deleted"]


def test_a_deleted_run_leaves_the_others_alone(club: Club) -> None:
    event = club.event()
    goes, stays = club.run(event), club.run(event)
    club.register(goes)
    comes = club.register(stays)

    club.delete_run(goes, cancel=True)

    assert club.status(comes) == "confirmed"
    assert club.get_event(event).confirmed == 1


def test_an_open_offer_of_a_deleted_run_is_no_longer_counted(club: Club) -> None:
    event = club.event()
    run = club.run(event, maxParticipants=1, waitlistOfferHours=24)
    comes, _ = club.register(run), club.wait(run)
    club.cancel(comes)
    offered = club.get_event(event).offered

    club.delete_run(run, cancel=True)

    assert (offered, club.get_event(event).offered) == (1, 0)


def test_a_bib_given_back_by_deleting_is_free_again(club: Club) -> None:
    event = club.event()
    goes, stays = club.run(event), club.run(event)
    club.give_bib(club.register(goes), "7")
    comes = club.register(stays)

    club.delete_run(goes, cancel=True)
    club.give_bib(comes, "7")

    assert club.bib(comes) == "7"


def test_an_event_with_somebody_in_it_is_kept(club: Club) -> None:
    event = club.event()
    comes = club.register(club.run(event))

    with pytest.raises(StillRegistered, match="This event has 1 active registration;"):
        club.delete_event(event)

    assert club.status(comes) == "confirmed"


def test_an_event_goes_with_everything_inside_it(club: Club) -> None:
    event = club.event()
    runs = [club.run(event, paceGroups=[{"name": "fast"}]), club.run(event)]
    people = [club.register(run) for run in runs]

    club.delete_event(event, cancel=True)

    with pytest.raises(EventNotFound):
        club.get_event(event)
    for run in runs:
        with pytest.raises(RunNotFound):
            club.get_run(run)
    assert [club.verbs(one)[-1] for one in people] == ["registration.deleted"] * 2
    assert club.verbs(event)[-1] == "event.deleted"
