"""What is wrong with a request is told all at once: with its fields, between them, in its query and in its body, and before anything is looked up."""

from typing import Any

import pytest

from tests.clients import Api, error, found

NOWHERE = {
    "event": "/events/e01kjma0fm00409xv6rn4",
    "run": "/runs/r01kjma0fm00409xv6rn4",
    "registration": "/registration/p01kjma0fm00409xv6rn4",
    "recurrence": "/recurrences/rc01kjma0fm00409xv6rn4",
    "group": "/groups/nowhere",
}
ULTRA = {"distanceStandard": "Ultra"}
WEEKLY = {"frequency": "weekly"}
EVENT = {"name": "Race", "slug": "race", "type": "race", "date": "2026-06-14"}
RUN = {"distanceStandard": "5K"}


def wrong_fields(api: Api, method: str, path: str, query: dict[str, str], body: Any = None) -> set[str]:
    refused = api.send(method, path, params=query, **({} if body is None else {"json": body}))
    assert refused.status_code == 422, refused.text
    return set(error(refused)["errors"])


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({**EVENT, "slug": "No Slug", "address": 5, "lat": 50}, {"slug", "address", "lng"}),
        ({**EVENT, "endDate": "2026-06-13", "lng": 200, "lat": 5}, {"endDate", "lng"}),
        ({**EVENT, "startTime": "10:00", "endTime": "09:00", "type": "walk"}, {"endTime", "type"}),
        ({**EVENT, "date": "soon", "endDate": "2026-06-13", "lat": 50}, {"date", "lng"}),
        ({**EVENT, "endDate": "soon", "startTime": "10:00", "endTime": "09:00"}, {"endDate"}),
        ({"address": {"a": "x" * 4096}, "endTime": "25:00"}, {"name", "slug", "type", "date", "address", "endTime"}),
    ],
)
def test_everything_wrong_with_an_event_is_told_at_once(api: Api, body: dict[str, Any], wrong: set[str]) -> None:
    assert wrong_fields(api, "POST", "/events", {}, body) == wrong


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({**ULTRA, "bibTo": 5}, {"distanceMeters", "bibFrom"}),
        ({**RUN, "bibFrom": 5, "bibTo": 1, "maxParticipants": -1}, {"bibTo", "maxParticipants"}),
        (
            {**ULTRA, "paceGroups": [{"name": "A"}, {"name": "A", "bibTo": 3}], "date": "soon"},
            {"distanceMeters", "paceGroups", "paceGroups.1.bibFrom", "date"},
        ),
        (
            {
                "registrationOpensAt": "2026-03-02T00:00:00Z",
                "registrationClosesAt": "2026-03-01T00:00:00Z",
                "bibFrom": 0,
                "bibTo": 5,
            },
            {"registrationClosesAt", "distanceMeters", "bibFrom"},
        ),
    ],
)
def test_everything_wrong_with_a_run_is_told_at_once(api: Api, body: dict[str, Any], wrong: set[str]) -> None:
    event = api.make_event()

    assert wrong_fields(api, "POST", f"/events/{event}/runs", {}, body) == wrong


def test_everything_wrong_with_a_recurrence_is_told_at_once(api: Api) -> None:
    body = {
        "eventId": 5,
        "schedule": {**WEEKLY, "dayOfMonth": 3},
        "runTemplates": [ULTRA, {"distanceStandard": "5K"}, {"distanceStandard": "5K"}],
        "label": "",
    }

    assert wrong_fields(api, "POST", "/recurrences", {}, body) == {
        "eventId",
        "schedule.dayOfMonth",
        "runTemplates.0.distanceMeters",
        "runTemplates.2.distanceLabel",
        "label",
    }


def test_two_names_of_one_status_must_agree_and_the_rest_be_right(api: Api) -> None:
    body = {"status": "confirmed", "registrationStatus": "waitlist", "email": "nobody"}

    assert wrong_fields(api, "PATCH", NOWHERE["registration"], {}, body) == {"registrationStatus", "email"}


@pytest.mark.parametrize(
    ("query", "body", "wrong", "message"),
    [
        ({"preview": "maybe"}, {"label": ""}, {"preview", "label"}, "Invalid request body"),
        ({"preview": "maybe"}, {}, {"preview"}, "Invalid request parameters"),
        ({"scope": "this"}, {"schedule": WEEKLY}, {"date"}, "Invalid request parameters"),
        (
            {"scope": "this"},
            {"label": "New", "status": "running"},
            {"date", "schedule", "label", "status"},
            "Invalid request body",
        ),
        (
            {"scope": "following", "date": "soon"},
            {"autoPublishHorizonWeeks": 0},
            {"date", "scope", "autoPublishHorizonWeeks"},
            "Invalid request body",
        ),
        ({"scope": "some"}, {"label": "New"}, {"scope"}, "Invalid request parameters"),
        ({"scope": "this", "date": "2026-03-03"}, {"label": "New"}, {"schedule", "label"}, "Invalid request body"),
    ],
)
def test_a_wrong_query_and_a_wrong_body_are_told_together(
    api: Api, query: dict[str, str], body: dict[str, Any], wrong: set[str], message: str
) -> None:
    refused = api.send("PATCH", NOWHERE["recurrence"], params=query, json=body)

    assert refused.status_code == 422, refused.text
    assert set(error(refused)["errors"]) == wrong
    assert error(refused)["message"] == message


BOTH = {"after": "e01kjma0fm00409xv6rn4", "before": "e01kjma0fm00409xv6rn4"}


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "wrong"),
    [
        ("POST", f"{NOWHERE['event']}/runs", {}, ULTRA, {"distanceMeters"}),
        ("PATCH", NOWHERE["event"], {}, {"address": 5}, {"address"}),
        ("PATCH", NOWHERE["event"], {}, {"lat": 5, "lng": None}, {"lng"}),
        ("PATCH", NOWHERE["run"], {}, {"bibFrom": 5, "bibTo": 1}, {"bibTo"}),
        ("PATCH", NOWHERE["run"], {}, {"paceGroups": [{"name": "A"}] * 2}, {"paceGroups"}),
        ("GET", f"{NOWHERE['group']}/events", BOTH, None, {"after", "before"}),
        ("POST", f"{NOWHERE['registration']}/transfer", {}, {}, {"eventRunId"}),
        ("POST", f"{NOWHERE['registration']}/check-in", {}, {"at": "0001-01-01T00:00:00+14:00"}, {"at"}),
        ("PATCH", NOWHERE["recurrence"], {}, {"schedule": {**WEEKLY, "dayOfMonth": 3}}, {"schedule.dayOfMonth"}),
        ("DELETE", NOWHERE["recurrence"], {"scope": "this"}, None, {"date"}),
        ("POST", f"{NOWHERE['recurrence']}/skip", {}, {"date": "1066-10-14"}, {"date"}),
    ],
)
def test_a_wrong_request_about_what_is_not_there_is_422(
    api: Api, method: str, path: str, query: dict[str, str], body: Any, wrong: set[str]
) -> None:
    assert wrong_fields(api, method, path, query, body) == wrong


def test_a_cursor_in_either_direction_is_told_with_the_other_parameters(api: Api) -> None:
    assert wrong_fields(api, "GET", "/events", {**BOTH, "limit": "0"}) == {"after", "before", "limit"}


IMPOSSIBLE = [
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T13:59:59.999+14:00",
    "9999-12-31T23:59:59-00:01",
    "9999-12-31T12:00:00-12:00",
]


@pytest.mark.parametrize("instant", IMPOSSIBLE)
def test_an_instant_that_is_none_in_utc_is_refused_wherever_it_stands(api: Api, instant: str) -> None:
    event = api.make_event()
    run = api.make_run(event)
    registration = api.make_registration(run)
    window = {"registrationOpensAt": instant, "registrationClosesAt": instant}

    answers = [
        api.post(f"/registration/{registration}/check-in", {"at": instant}),
        api.post(f"/events/{event}/runs", {**RUN, **window}),
        api.patch(f"/runs/{run}", window),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert [set(error(answer)["errors"]) for answer in answers] == [{"at"}, set(window), set(window)]


def test_an_impossible_instant_is_refused_however_it_is_escaped(api: Api) -> None:
    registration = api.make_registration(api.make_run(api.make_event()))
    raw = b'{"at": "' + b"".join(b"\\u%04x" % ord(sign) for sign in IMPOSSIBLE[0]) + b'"}'

    refused = api.send("POST", f"/registration/{registration}/check-in", content=raw)

    assert refused.status_code == 422
    assert set(error(refused)["errors"]) == {"at"}


@pytest.mark.parametrize("blank", [None, ""])
def test_a_blank_bib_is_refused_and_told_how_to_take_one_away(api: Api, blank: str | None) -> None:
    registration = api.make_registration(api.make_run(api.make_event()))
    api.put(f"/registration/{registration}/bib", {"bibIdentifier": "7"})

    answers = [
        api.patch(f"/registration/{registration}", {"bibIdentifier": blank}),
        api.put(f"/registration/{registration}/bib", {"bibIdentifier": blank}),
    ]

    for answer in answers:
        assert answer.status_code == 422
        said = "A bib is not erased here; to take it away use DELETE /registration/{registrationId}/bib"
        assert error(answer)["errors"] == {"bibIdentifier": [said]}
    assert found(api.get(f"/registration/{registration}"))["bibIdentifier"] == "7"


def test_a_transfer_without_a_pace_group_keeps_it_and_with_null_leaves_it(api: Api) -> None:
    event = api.make_event()
    registration = api.make_registration(api.make_run(event), paceGroup="A")

    kept = api.post(f"/registration/{registration}/transfer", {"eventRunId": api.make_run(event)})
    left = api.post(f"/registration/{registration}/transfer", {"eventRunId": api.make_run(event), "paceGroup": None})

    assert found(kept)["paceGroup"] == "A"
    assert "paceGroup" not in found(left)


def test_a_transfer_may_be_to_another_pace_group_alone(api: Api) -> None:
    registration = api.make_registration(api.make_run(api.make_event()), paceGroup="A")

    moved = api.post(f"/registration/{registration}/transfer", {"paceGroup": "B"})
    left = api.post(f"/registration/{registration}/transfer", {"paceGroup": None})

    assert found(moved)["paceGroup"] == "B"
    assert "paceGroup" not in found(left)


def horizon(api: Api) -> int:
    weeks: int = found(api.get("/recurrences"))[0]["autoPublishHorizonWeeks"]
    return weeks


def test_a_horizon_of_null_is_the_usual_one(api: Api) -> None:
    recurrence = api.make_recurrence(api.make_event(type="runClub"), autoPublishHorizonWeeks=None)
    made = horizon(api)
    api.patch(f"/recurrences/{recurrence}", {"autoPublishHorizonWeeks": 3})
    shorter = horizon(api)

    cleared = api.patch(f"/recurrences/{recurrence}", {"autoPublishHorizonWeeks": None})

    assert cleared.status_code == 200, cleared.text
    assert (made, shorter, horizon(api)) == (8, 3, 8)


def test_sold_out_by_hand_is_cleared_by_null(api: Api) -> None:
    run = api.make_run(api.make_event(), soldOut=True)

    cleared = api.patch(f"/runs/{run}", {"soldOut": None})

    assert "soldOut" not in found(cleared)
