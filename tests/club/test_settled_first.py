"""Whoever is first in line is served before anything else is done in an event, also by deleting and by transferring."""

from tests import clients
from tests.clients import Api, found
from tests.servers import START, Application


def joined(app: Application) -> Api:
    app.clock.now = START
    return clients.join(app)


def status(api: Api, registration_id: str) -> str:
    told: str = found(api.get(f"/registration/{registration_id}"))["registrationStatus"]
    return told


def test_deleting_a_run_gives_its_places_in_the_event_to_those_who_wait_for_another(app: Application) -> None:
    api = joined(app)
    event = api.make_event(maxParticipants=1)
    goes, stays = api.make_run(event), api.make_run(event, distanceLabel="Other 5K")
    api.make_registration(goes)
    waiting = api.make_registration(stays, status="waitlist")

    answer = api.delete(f"/runs/{goes}", cancelRegistrations="true")

    assert answer.status_code == 204
    assert status(api, waiting) == "confirmed"


def test_an_entry_whose_turn_has_come_is_transferred_with_its_place(app: Application) -> None:
    api = joined(app)
    event = api.make_event()
    first, second = api.make_run(event, maxParticipants=1), api.make_run(event, distanceLabel="Other 5K")
    api.make_registration(first)
    waiting = api.make_registration(first, status="waitlist")
    found(api.patch(f"/runs/{first}", {"maxParticipants": 2, "registrationOpensAt": "2026-03-01T10:00:00Z"}))
    app.clock.advance(3600)

    answer = api.post(f"/registration/{waiting}/transfer", {"eventRunId": second})

    assert found(answer)["registrationStatus"] == "confirmed"
    assert found(answer)["eventRunId"] == second


def test_an_entry_whose_offer_has_lapsed_cannot_be_transferred(app: Application) -> None:
    api = joined(app)
    event = api.make_event()
    offers, other = (
        api.make_run(event, maxParticipants=1, waitlistOfferHours=24),
        api.make_run(event, distanceLabel="Other 5K"),
    )
    leaving = api.make_registration(offers)
    waiting = api.make_registration(offers, status="waitlist")
    found(api.patch(f"/registration/{leaving}", {"status": "cancelled"}))
    app.clock.advance(24 * 3600)

    answer = api.post(f"/registration/{waiting}/transfer", {"eventRunId": other})

    assert answer.status_code == 409
    assert (
        clients.error(answer)["message"] == "This registration is cancelled; only one that is active can be transferred"
    )
