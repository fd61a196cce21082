"""The calls that the published reference shows, as a client of its makes them: path, parameters and headers as `curl` or `fetch` send them.

Each must answer in the published shape to the last key: the envelope, the fields there are and no null among them, statuses, messages and
content types. And at the root of an `api.` host as under `/partner`, so that a client changes nothing but its base URL.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.clients import Api

JSON = "application/json; charset=utf-8"
SCHEDULE = {"frequency": "weekly", "daysOfWeek": [2], "startTime": "18:30", "durationMinutes": 60}
HARBOUR = {
    "name": "Harbour 5K",
    "slug": "harbour-5k",
    "type": "race",
    "date": "2025-06-14",
    "startTime": "08:00",
    "description": "Twice around the harbour.",
    "websiteUrl": "https://example.com/harbour-5k",
}


@dataclass
class Client:
    """A client of the published API: a base URL, a key, and nothing it was not told by the reference."""

    api: Api
    host: str
    base: str

    def curl(self, path: str) -> httpx.Response:
        """`curl -H "Authorization: Bearer …" <base><path>`"""
        return self._send("GET", path, {"user-agent": "curl/8.5.0", "accept": "*/*"})

    def fetch(self, path: str, body: dict[str, Any], content_type: str | None) -> httpx.Response:
        """`fetch(<base><path>, {method: "POST", headers: {Authorization}, body: JSON.stringify(body)})`"""
        headers = {"accept": "*/*"} if content_type is None else {"accept": "*/*", "content-type": content_type}
        return self._send("POST", path, headers, content=json.dumps(body).encode())

    def _send(self, method: str, path: str, headers: dict[str, str], **options: Any) -> httpx.Response:
        headers |= {"authorization": f"Bearer {self.api.key}"}
        return self.api.app.request(method, self.base + path, host=self.host, headers=headers, **options)


@pytest.fixture(params=["under /partner", "at the root of an api host"])
def client(api: Api, request: pytest.FixtureRequest) -> Client:
    if request.param == "under /partner":
        return Client(api, "127.0.0.1:8000", "/partner")
    return Client(api, "api.localhost:8000", "")


def nulls(value: Any) -> Iterator[str]:
    """Where a null is."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from ([name] if inner is None else nulls(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from nulls(inner)


def page(answer: httpx.Response) -> list[dict[str, Any]]:
    """The objects of a list, whose envelope is as published."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert list(body) == ["data", "hasMore"]
    assert isinstance(body["hasMore"], bool)
    assert not list(nulls(body))
    listed: list[dict[str, Any]] = body["data"]
    return listed


def refused(answer: httpx.Response, status: int, said: dict[str, Any]) -> None:
    assert (answer.status_code, answer.json()) == (status, {"error": said})
    assert answer.headers["content-type"] == JSON


def ids(listed: list[dict[str, Any]]) -> list[str]:
    return [one["_id"] for one in listed]


# Pages


def test_pages_are_walked_forwards_and_backwards(client: Client) -> None:
    newest_first = [client.api.make_event() for _ in range(45)][::-1]

    first = client.curl("/events?limit=20")
    second = client.curl(f"/events?limit=20&after={page(first)[-1]['_id']}")
    third = client.curl(f"/events?limit=20&after={page(second)[-1]['_id']}")
    back = client.curl(f"/events?limit=20&before={page(second)[0]['_id']}")

    assert [ids(page(answer)) for answer in (first, second, third)] == [
        newest_first[:20],
        newest_first[20:40],
        newest_first[40:],
    ]
    assert [answer.json()["hasMore"] for answer in (first, second, third)] == [True, True, False]
    assert ids(page(back)) == newest_first[:20]


def test_the_loop_that_fetches_everything_meets_each_event_once(client: Client) -> None:
    newest_first = [client.api.make_event() for _ in range(101)][::-1]
    met: list[str] = []
    after = ""

    while True:
        answer = client.curl(f"/events?limit=50{after}")
        met += ids(page(answer))
        if not answer.json()["hasMore"]:
            break
        after = f"&after={page(answer)[-1]['_id']}"

    assert met == newest_first


def test_a_limit_beyond_the_most_is_refused_in_the_published_words(client: Client) -> None:
    refused(
        client.curl("/events?limit=101"),
        422,
        {
            "code": "VALIDATION_ERROR",
            "message": "Invalid request parameters",
            "errors": {"limit": ["Number must be less than or equal to 100"]},
        },
    )


@pytest.mark.parametrize("path", ["/events?", "/series?", "/recurrences?", "/groups?", "/registration?eventId=e1&"])
def test_both_cursors_or_a_malformed_one_are_a_validation_error(client: Client, path: str) -> None:
    one = {"/events?": "e", "/series?": "e", "/recurrences?": "rc", "/groups?": "g"}.get(path, "p")
    cursor = f"{one}01kjma0fm00409xv6rn4"

    both = client.curl(f"{path}after={cursor}&before={cursor}")
    malformed = client.curl(f"{path}after=nonsense")

    for answer, fields in ((both, {"after", "before"}), (malformed, {"after"})):
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
        assert answer.json()["error"]["message"] == "Invalid request parameters"
        assert set(answer.json()["error"]["errors"]) == fields


# Events

EVENT = ["_id", "name", "slug", "type", "date", "organizationId"]


def test_events_are_narrowed_by_type_and_dates(client: Client) -> None:
    event = client.api.make_event(**HARBOUR)
    for other in ({"type": "runClub", "date": "2025-06-14"}, {"date": "2025-05-31"}, {"date": "2025-07-01"}):
        client.api.make_event(**other)

    listed = page(client.curl("/events?type=race&dateFrom=2025-06-01&dateTo=2025-06-30&limit=20"))

    assert listed == [{"_id": event, **HARBOUR, "organizationId": client.api.tenant.organization_id}]
    assert list(listed[0]) == [*EVENT, "startTime", "description", "websiteUrl"]


def test_an_ampersand_that_the_command_line_takes_for_itself_leaves_a_request_that_works(client: Client) -> None:
    # Without quotes around the URL the shell sends what stands before the first ampersand.
    event = client.api.make_event(**HARBOUR)
    client.api.make_event(type="other")

    assert ids(page(client.curl("/events?type=race"))) == [event]


def test_an_event_with_nothing_optional_has_the_required_fields_alone(client: Client) -> None:
    event = client.api.make_event(name="Plain", slug="plain", date="2025-06-14")

    listed = page(client.curl("/events?limit=20"))

    assert [list(one) for one in listed] == [EVENT]
    assert ids(listed) == [event]


def test_an_event_with_everything_has_every_published_field_and_no_other(client: Client) -> None:
    address = {"street": "1 Harbour Way", "city": "Kiel"}
    more = {"address": address, "lat": 54.3, "lng": 10.1, "registrationUrl": "https://example.com/register"}
    event = client.api.make_event(**HARBOUR, **more, endDate="2025-06-15", endTime="10:30:00")

    listed = page(client.curl("/events?limit=20"))
    retrieved = client.curl(f"/events/{event}")

    published = {*EVENT, "startTime", "address", "lat", "lng", "description", "websiteUrl", "registrationUrl"}
    assert set(listed[0]) == published
    assert set(retrieved.json()["data"]["event"]) == published | {"endDate", "endTime"}
    assert retrieved.json()["data"]["event"]["endTime"] == "10:30"
    assert listed[0]["address"] == address


def test_an_event_is_retrieved_with_its_runs(client: Client) -> None:
    event = client.api.make_event(**HARBOUR)
    run = client.api.make_run(event, date="2025-06-14", startTime="08:00", eventStatus="scheduled")

    answer = client.curl(f"/events/{event}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == JSON
    assert list(answer.json()) == ["data"]
    assert list(answer.json()["data"]) == ["event", "runs"]
    assert answer.json()["data"]["event"]["_id"] == event
    assert answer.json()["data"]["runs"] == [
        {
            "_id": run,
            "eventId": event,
            "distanceMeters": 5000,
            "distanceStandard": "5K",
            "distanceLabel": "5K",
            "date": "2025-06-14",
            "startTime": "08:00",
            "eventStatus": "scheduled",
        }
    ]


def test_an_unknown_event_is_not_found(client: Client) -> None:
    refused(client.curl("/events/e72tuv901wxy234"), 404, {"code": "NOT_FOUND", "message": "Event not found"})


CONTENT_TYPES = ["text/plain;charset=UTF-8", None, "application/json"]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_an_event_is_created_whatever_the_content_type(client: Client, content_type: str | None) -> None:
    body = {**HARBOUR, "startTime": "07:30", "registrationUrl": "https://example.com/register"}

    answer = client.fetch("/events", body, content_type)

    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"] == JSON
    assert list(answer.json()) == ["data"]
    assert list(answer.json()["data"]) == ["eventId"]
    made = page(client.curl("/events?limit=1"))[0]
    assert made == {"_id": answer.json()["data"]["eventId"], "organizationId": made["organizationId"], **body}


# Recurrences


def test_recurrences_are_narrowed_by_status(client: Client) -> None:
    event = client.api.make_event(type="runClub")
    recurrence = client.api.make_recurrence(event, label="Tuesday tempo", autoPublishHorizonWeeks=8)
    client.api.make_recurrence(event, status="paused")

    for query in ("?status=active&limit=20", "?status=active"):
        listed = page(client.curl(f"/recurrences{query}"))

        assert listed == [
            {
                "_id": recurrence,
                "eventId": event,
                "label": "Tuesday tempo",
                "schedule": SCHEDULE,
                "status": "active",
                "autoPublishHorizonWeeks": 8,
            }
        ]


# Registrations

REGISTRATION = ["_id", "eventId", "eventRunId", "email", "registrationType", "registrationStatus", "checkedIn"]


def test_the_registrations_of_an_event_are_listed(client: Client) -> None:
    event = client.api.make_event()
    run = client.api.make_run(event)
    plain = client.api.make_registration(run, email="plain@example.com")
    named = client.api.make_registration(run, email="runner@example.com", name="Alex", notes="Vegetarian")

    listed = page(client.curl(f"/registration?eventId={event}"))

    common = {"eventId": event, "eventRunId": run, "registrationType": "free", "registrationStatus": "confirmed"}
    assert listed == [
        {"_id": named, **common, "email": "runner@example.com", "name": "Alex", "checkedIn": False},
        {"_id": plain, **common, "email": "plain@example.com", "checkedIn": False},
    ]
    assert set(listed[1]) == set(REGISTRATION)


def test_a_registration_with_everything_has_every_published_field(client: Client) -> None:
    event = client.api.make_event()
    registration = client.api.make_registration(client.api.make_run(event), name="Alex", paceGroup="A")
    client.api.put(f"/registration/{registration}/bib", {"bibIdentifier": "1042"})

    listed = page(client.curl(f"/registration?eventId={event}"))

    assert set(listed[0]) == {*REGISTRATION, "name", "paceGroup", "bibIdentifier"}
    assert (listed[0]["paceGroup"], listed[0]["bibIdentifier"]) == ("A", "1042")


def test_registrations_need_an_event_that_is_there(client: Client) -> None:
    refused(
        client.curl("/registration"),
        422,
        {
            "code": "VALIDATION_ERROR",
            "message": "Invalid request parameters",
            "errors": {"eventId": ["Required"]},
        },
    )
    refused(
        client.curl("/registration?eventId=e72tuv901wxy234"),
        404,
        {"code": "NOT_FOUND", "message": "Event not found"},
    )


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_a_participant_is_registered_whatever_the_content_type(client: Client, content_type: str | None) -> None:
    event = client.api.make_event()
    body = {
        "eventRunId": client.api.make_run(event),
        "email": "runner@example.com",
        "name": "Alex",
        "registrationType": "free",
        "status": "confirmed",
    }

    answer = client.fetch("/registration", body, content_type)

    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"] == JSON
    assert list(answer.json()) == ["data"]
    assert list(answer.json()["data"]) == ["participantId"]
    assert ids(page(client.curl(f"/registration?eventId={event}"))) == [answer.json()["data"]["participantId"]]


def test_a_registration_without_what_it_needs_is_refused_in_the_published_words(client: Client) -> None:
    refused(
        client.fetch("/registration", {}, "text/plain;charset=UTF-8"),
        422,
        {
            "code": "VALIDATION_ERROR",
            "message": "Invalid request body",
            "errors": {"eventRunId": ["Required"], "email": ["Required"], "registrationType": ["Required"]},
        },
    )


def test_registering_for_an_unknown_run_is_not_found(client: Client) -> None:
    body = {"eventRunId": "r41abc567def890", "email": "runner@example.com", "registrationType": "free"}

    refused(client.fetch("/registration", body, None), 404, {"code": "NOT_FOUND", "message": "Event run not found"})


# Keys


@pytest.mark.parametrize("path", ["/events?limit=20", "/recurrences?status=active", "/registration?eventId=e1"])
def test_without_a_key_the_answer_is_401_in_the_published_shape(client: Client, path: str) -> None:
    client.api = Api(client.api.app, client.api.tenant, "INTERVALS_PARTNER_API_KEY", "")

    answer = client.curl(path)

    assert answer.status_code == 401
    assert list(answer.json()) == ["error"]
    assert list(answer.json()["error"]) == ["code", "message"]
    assert answer.json()["error"]["code"] == "UNAUTHORIZED"
