"""Payloads: every type of change is made through the API, and told as its schema says; the same change is always the same bytes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from openintervals.api.partner import change_types, documents, payloads
from openintervals.club import waitlist
from openintervals.platform import dialects, signatures, webhooks
from tests import databases
from tests.clients import Api, found, made

DOCUMENT = json.loads(documents.partner_json())
AT = "2026-03-01T09:00:00.000Z"
HOUR_S = 3600


def schema_of(name: str) -> OAS31Validator:
    content = DOCUMENT["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]
    return OAS31Validator(
        {**content["schema"], "components": DOCUMENT["components"]}, format_checker=oas31_format_checker
    )


def journal(api: Api, url: str, *, of: str = "") -> Iterator[dialects.Told]:
    """What happened to one object or to all of an organization, as it would be told: under its own type and those it implies."""
    only = f"AND object_id = '{of}'" if of else ""
    columns = "mode, verb, implies, object_type, object_id, object_version, at, changed, snapshot"
    where = f"organization_id = '{api.tenant.organization_id}' {only}"
    for mode, verb, implies, kind, id_, version, at, changed, snapshot in databases.rows(
        url, f"SELECT {columns} FROM journal WHERE {where} ORDER BY object_id, object_version"
    ):
        for name in (verb, *implies.split()):
            yield dialects.Told(
                organization_id=api.tenant.organization_id,
                mode=mode,
                type=name,
                format="full",
                verb=verb,
                object_type=kind,
                object_id=id_,
                object_version=version,
                at=at,
                changed=msgspec.Raw(changed.encode()),
                snapshot=msgspec.Raw(snapshot.encode()),
            )


def last(api: Api, url: str, object_id: str) -> dict[str, Any]:
    """What is told of the last change of an object, under its own type."""
    *_, told = [each for each in journal(api, url, of=object_id) if each.type == each.verb]
    return body(told)


def thin(told: dialects.Told) -> dialects.Told:
    return msgspec.structs.replace(told, format="thin")


def body(told: dialects.Told) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(payloads.payload(told))
    return read


def do_everything(api: Api) -> None:
    """Bring about every type of change."""
    event = api.make_event(name="Everything", description="First\nsecond", address={"city": "Kiel"}, lat=54.3, lng=10)
    found(api.patch(f"/events/{event}", {"maxParticipants": 500, "description": None}))
    groups = [{"name": "A", "maxParticipants": 3, "bibFrom": 1}]
    run = api.make_run(event, maxParticipants=2, paceGroups=groups, registrationOpensAt="2026-02-01T08:00:00Z")
    found(api.patch(f"/runs/{run}", {"distanceStandard": "10K", "isRelay": False}))
    first = api.make_registration(run, name="Alex", notes="Vegetarian", paceGroup="A")
    second = api.make_registration(run)
    third = api.make_registration(run, status="waitlist")
    found(api.patch(f"/registration/{second}", {"status": "cancelled"}))
    found(api.patch(f"/registration/{third}", {"notes": "Came from the line"}))
    found(api.put(f"/registration/{first}/bib", {"bibIdentifier": "1042"}))
    found(api.post(f"/registration/{first}/check-in", {"device": "gate 1"}))
    assert api.delete(f"/registration/{first}/check-in").status_code == 204
    found(api.post(f"/registration/{first}/transfer", {"email": "other@example.com"}))
    found(api.patch(f"/registration/{first}", {"status": "refunded"}))
    offers_and_what_becomes_of_them(api, event)
    group = api.make_group(description="Together")
    assert api.put(f"/groups/{group}/events/{event}").status_code == 204
    assert api.delete(f"/groups/{group}").status_code == 204
    weekly = api.make_event(type="runClub")
    templates = [{"distanceStandard": "5K", "paceGroups": [{"name": "4:30"}]}]
    recurrence = api.make_recurrence(weekly, label="Tuesday tempo", runTemplates=templates)
    found(api.patch(f"/recurrences/{recurrence}", {"label": None}))
    found(api.send("DELETE", f"/recurrences/{recurrence}"))
    assert api.send("DELETE", f"/events/{event}", params={"cancelRegistrations": "true"}).status_code == 204
    webhooks_that_come_and_go(api)


def offers_and_what_becomes_of_them(api: Api, event: str) -> None:
    run = api.make_run(event, maxParticipants=1, waitlistOfferHours=1)
    holds = api.make_registration(run)
    for _ in range(2):
        api.make_registration(run, status="waitlist")
    found(api.patch(f"/registration/{holds}", {"status": "cancelled"}))
    api.app.clock.advance(2 * HOUR_S)
    api.app.write(partial(waitlist.settle, event_id=event), api.tenant)


def webhooks_that_come_and_go(api: Api) -> None:
    asked = {"url": "https://hooks.example.com/", "types": ["run.*", "registration.confirmed"], "description": "Ours"}
    webhook = made(api.post("/webhooks", asked), "webhookId")
    found(api.patch(f"/webhooks/{webhook}", {"status": "paused", "format": "thin"}))
    found(api.post(f"/webhooks/{webhook}/rotate"))

    async def disable(tx: Any) -> None:
        await webhooks.disable(tx, await webhooks.lock(tx, webhook), webhooks.GONE)

    api.app.write(disable, api.tenant)
    assert api.delete(f"/webhooks/{webhook}").status_code == 204


def test_every_type_of_change_happens_and_is_told_as_its_schema_says(api: Api, module_url: str) -> None:
    do_everything(api)

    told = [each for each in journal(api, module_url) if each.object_type in change_types.OBJECT_TYPES]

    wrong = [
        f"{each.type}: {problem.json_path} {problem.message}"
        for each in told
        for shown in (each, thin(each))
        for problem in schema_of(each.type).iter_errors(body(shown))
    ]
    assert wrong == []
    assert {each.type for each in told} == set(change_types.CATALOGUE)
    assert len({payloads.payload(each) for each in told}) == len(told)


def test_every_change_told_is_the_same_bytes_each_time(api: Api, module_url: str) -> None:
    do_everything(api)

    told = [each for each in journal(api, module_url) if each.object_type in change_types.OBJECT_TYPES]
    again = [each for each in journal(api, module_url) if each.object_type in change_types.OBJECT_TYPES]

    assert [payloads.payload(each) for each in told] == [payloads.payload(each) for each in again]


def test_the_object_told_is_what_a_get_answers(api: Api, module_url: str) -> None:
    event = api.make_event(address={"street": " 1  Harbour Way"}, lat=54, lng=10.1, maxParticipants=500)
    groups = [{"name": "A", "maxParticipants": 30}, {"name": "B", "bibFrom": 10, "bibTo": 20}]
    run = api.make_run(event, paceGroups=groups, maxParticipants=1, registrationOpensAt="2026-02-01T08:00:00+01:00")
    plain = api.make_run(event, distanceMeters=1609.344)
    registration = api.make_registration(run, name="Alex", notes="Vegetarian", paceGroup="A")
    found(api.post(f"/registration/{registration}/check-in", {"device": "gate 1"}))
    group = api.make_group(description="Together")
    recurrence = api.make_recurrence(event, runTemplates=[{"distanceStandard": "10K"}], label="Weekly", status="paused")
    webhook = made(api.post("/webhooks", {"url": "https://hooks.example.com/", "types": ["*"]}), "webhookId")

    answered = {
        event: found(api.get(f"/events/{event}"))["event"],
        run: found(api.get(f"/runs/{run}")),
        plain: found(api.get(f"/runs/{plain}")),
        registration: found(api.get(f"/registration/{registration}")),
        recurrence: found(api.get(f"/recurrences/{recurrence}")),
        webhook: found(api.get(f"/webhooks/{webhook}")),
    }
    shown_group = found(api.get(f"/groups/{group}"))

    for object_id, shown in {**answered, shown_group["_id"]: shown_group}.items():
        told = last(api, module_url, object_id)["data"]
        assert json.dumps(told["object"]) == json.dumps(shown)
        assert (told["objectId"], told["object"]["_id"]) == (object_id, object_id)
    assert last(api, module_url, run)["type"] == "run.sold_out"
    assert last(api, module_url, run)["data"]["object"]["paceGroups"] == groups


def test_a_moved_run_is_told_with_its_pace_groups(api: Api, module_url: str) -> None:
    event = api.make_event(type="runClub", date="2026-03-01")
    templates = [{"distanceStandard": "5K", "paceGroups": [{"name": "4:30"}]}]
    recurrence = api.make_recurrence(event, runTemplates=templates, autoPublishHorizonWeeks=1)
    moved = {"schedule": {"frequency": "weekly", "daysOfWeek": [2], "startTime": "19:00", "durationMinutes": 60}}

    outcome = found(api.patch(f"/recurrences/{recurrence}", moved))

    assert outcome["moved"]
    for run in outcome["moved"]:
        data = last(api, module_url, run["_id"])["data"]
        assert data["changes"] == ["startTime"]
        assert data["object"]["paceGroups"] == [{"name": "4:30"}]
        assert data["object"]["startTime"] == "19:00"


def test_a_deletion_leaves_null_in_every_format(api: Api, module_url: str) -> None:
    event = api.make_event()
    assert api.delete(f"/events/{event}").status_code == 204

    *_, told = journal(api, module_url, of=event)

    assert body(told)["data"] == {
        "objectType": "event",
        "objectId": event,
        "objectVersion": 2,
        "changes": [],
        "object": None,
    }
    assert payloads.payload(thin(told)) == payloads.payload(told)


def test_the_thin_format_has_the_url_of_a_get_and_no_object(api: Api, module_url: str) -> None:
    do_everything(api)
    event = api.make_event()
    run = api.make_run(event)
    registration = api.make_registration(run)
    recurrence = api.make_recurrence(event)
    group = found(api.get(f"/groups/{api.make_group()}"))["_id"]
    webhook = made(api.post("/webhooks", {"url": "https://hooks.example.com/", "types": ["*"]}), "webhookId")

    for object_id in (event, run, registration, recurrence, group, webhook):
        *_, told = journal(api, module_url, of=object_id)
        data = body(thin(told))["data"]
        answer = api.get(data["url"].removeprefix("/partner"))

        assert "object" not in data
        shown = found(answer)
        assert (shown["event"] if object_id == event else shown)["_id"] == object_id


@pytest.mark.parametrize("public_url", ["https://club.example", "https://club.example/"])
def test_the_url_is_absolute_where_the_server_s_address_is_known(public_url: str) -> None:
    told = msgspec.structs.replace(GOLDEN["group"][0], format="thin")

    shown = json.loads(payloads.dialect(public_url).payload(told))

    assert shown["data"]["url"] == "https://club.example/partner/groups/friday-night"


def test_changes_are_named_as_the_wire_spells_them_and_what_it_does_not_show_is_left_out(
    api: Api, module_url: str
) -> None:
    event = api.make_event()
    run = api.make_run(event)
    registration = api.make_registration(run)
    group = api.make_group()
    assert api.put(f"/groups/{group}/events/{event}").status_code == 204
    found(api.patch(f"/events/{event}", {"date": "2026-06-15", "endTime": "12:00", "websiteUrl": "https://x.example"}))
    found(api.patch(f"/runs/{run}", {"distanceStandard": "10K", "paceGroups": None, "bibFrom": 1}))
    found(api.patch(f"/registration/{registration}", {"email": "Other@Example.com"}))

    def changes(object_id: str) -> list[str]:
        named: list[str] = last(api, module_url, object_id)["data"]["changes"]
        return named

    assert changes(event) == ["date", "endTime", "websiteUrl"]
    assert changes(run) == ["distanceMeters", "distanceStandard", "distanceLabel", "bibFrom"]
    assert changes(registration) == ["email"]
    assert changes(found(api.get(f"/groups/{group}"))["_id"]) == ["events"]
    found(api.post(f"/registration/{registration}/check-in", {"device": "gate 1"}))
    assert changes(registration) == ["checkedIn", "checkedInAt", "checkedInDevice"]


def test_a_sold_out_run_says_that_this_changed(api: Api, module_url: str) -> None:
    run = api.make_run(api.make_event(), maxParticipants=1)
    api.make_registration(run)

    told = last(api, module_url, run)

    assert (told["type"], told["data"]["changes"]) == ("run.sold_out", ["soldOut"])
    assert told["data"]["object"]["soldOut"] is True


def test_test_mode_is_told_as_such(api: Api, module_url: str) -> None:
    event = api.in_mode("test").make_event()

    assert last(api, module_url, event)["mode"] == "test"


def test_a_body_too_large_to_send_is_sent_thin(api: Api, module_url: str) -> None:
    largest = {"description": "\u0001" * 10_000, "address": {"note": "x" * 4000}}
    event = api.make_event(**largest)
    usual = api.make_event(description="x" * 10_000, address={"note": "x" * 4000})

    told = last(api, module_url, event)

    assert "object" not in told["data"]
    assert told["data"]["url"] == f"/partner/events/{event}"
    assert last(api, module_url, usual)["data"]["object"]["address"] == {"note": "x" * 4000}
    assert schema_of("event.created").is_valid(told)
    for each in journal(api, module_url):
        if each.object_type == "event":
            assert len(payloads.payload(each)) <= payloads.PAYLOAD_MOST


def test_a_test_delivery_is_told_as_its_schema_says(api: Api) -> None:
    webhook = made(api.post("/webhooks", {"url": "https://hooks.example.com/", "types": ["run.*"]}), "webhookId")
    delivery = made(api.post(f"/webhooks/{webhook}/test"), "deliveryId")

    sent = json.loads(found(api.get(f"/deliveries/{delivery}"))["payload"])

    assert [problem.message for problem in schema_of(change_types.TEST).iter_errors(sent)] == []
    assert sent["data"]["object"] == found(api.get(f"/webhooks/{webhook}"))


# A snapshot from another version of the program


def test_a_snapshot_may_lack_what_can_be_absent_and_have_what_is_unknown() -> None:
    told = GOLDEN["run"][0]
    stored = json.loads(bytes(told.snapshot))
    needed = ("id", "event_id", "distance_m", "distance_standard", "distance_label", "starts_on")
    older = {name: stored[name] for name in needed} | {"shoes": ["left", "right"]}

    shown = body(msgspec.structs.replace(told, snapshot=msgspec.Raw(json.dumps(older).encode())))

    assert shown["data"]["object"] == {
        "_id": stored["id"],
        "eventId": stored["event_id"],
        "distanceMeters": 21097.5,
        "distanceStandard": "Half Marathon",
        "distanceLabel": "Half",
        "date": "2026-06-14",
    }


@pytest.mark.parametrize(
    ("snapshot", "why"),
    [
        ('{"id": "r1"}', "missing required field"),
        ('{"id": 7}', "Expected `str`"),
        ("{", "truncated"),
        ("[]", "Expected `object`"),
    ],
)
def test_a_snapshot_that_cannot_be_read_says_why_and_shows_nothing_of_itself(snapshot: str, why: str) -> None:
    told = msgspec.structs.replace(GOLDEN["registration"][0], snapshot=msgspec.Raw(snapshot.encode()))

    with pytest.raises(payloads.Unreadable) as problem:
        payloads.payload(told)
    with pytest.raises(payloads.Unreadable):
        payloads.object_of("registration", told.snapshot)

    assert why in str(problem.value)
    assert "registration" in str(problem.value)
    assert "r1" not in str(problem.value)


def test_what_the_api_does_not_show_is_not_told() -> None:
    told = msgspec.structs.replace(GOLDEN["event"][0], object_type="key")

    with pytest.raises(payloads.Unreadable, match="'key'"):
        payloads.payload(told)

    assert payloads.object_of("key", told.snapshot) is None
    assert payloads.changes_of("key", "key.rotated", msgspec.Raw(b'["expires_at"]')) == []


# On the way


def test_a_request_carries_the_payload_as_it_is_signed_with_every_secret() -> None:
    dialect = payloads.dialect("")
    payload = dialect.payload(GOLDEN["event"][0])
    secrets = [signatures.new_secret(), signatures.new_secret()]
    at = datetime(2026, 3, 1, 9, 0, 5, 900_000, UTC)

    headers, sent = dialect.request(secrets, [dialects.Sending("d1", payload)], at)

    assert sent == payload
    assert set(headers) == {"content-type", "webhook-id", "webhook-timestamp", "webhook-signature"}
    assert (headers["content-type"], headers["webhook-id"]) == ("application/json", "d1")
    assert headers["webhook-timestamp"] == "1772355605"
    for secret in secrets:
        signatures.verify([secret], headers, sent, at)
    assert dialect.changes_most == 1


# What was promised: these bytes are those of the API version they name, and never change.


def _told(verb: str, object_id: str, version: int, changed: list[str], **snapshot: Any) -> dialects.Told:
    return dialects.Told(
        organization_id="k01k9x0q5zr4t8m2c6h0w",
        mode="live",
        type=verb,
        format="full",
        verb=verb,
        object_type=verb.partition(".")[0],
        object_id=object_id,
        object_version=version,
        at=AT,
        changed=msgspec.Raw(json.dumps(changed).encode()),
        snapshot=msgspec.Raw(
            json.dumps({"id": object_id, "created_at": AT, "updated_at": AT, "version": version, **snapshot}).encode()
        ),
    )


GOLDEN: dict[str, tuple[dialects.Told, bytes]] = {
    "event": (
        _told(
            "event.updated",
            "e01k9x0q5zr4t8m2c6h0w",
            2,
            ["name", "starts_on", "address"],
            organization_id="k01k9x0q5zr4t8m2c6h0w",
            name="Läufe & <Freunde>",
            slug="laeufe",
            type="race",
            starts_on="2026-06-14",
            local_start="08:00",
            ends_on="2026-06-15",
            local_end=None,
            address={"street": "600 Lake Shore Drive"},
            lat=41.5,
            lng=-87.0,
            description=None,
            website_url="https://example.com/",
            registration_url=None,
            max_participants=500,
            confirmed=3,
            offered=0,
        ),
        (
            b'{"type":"event.updated","timestamp":"2026-03-01T09:00:00.000Z","apiVersion":"2026-11-20",'
            b'"mode":"live","data":{"objectType":"event","objectId":"e01k9x0q5zr4t8m2c6h0w","objectVersion":2,'
            b'"changes":["name","date","address"],"object":{"_id":"e01k9x0q5zr4t8m2c6h0w",'
            b'"name":"L\xc3\xa4ufe & <Freunde>","slug":"laeufe","type":"race","date":"2026-06-14",'
            b'"organizationId":"k01k9x0q5zr4t8m2c6h0w","startTime":"08:00",'
            b'"address":{"street": "600 Lake Shore Drive"},"lat":41.5,"lng":-87.0,'
            b'"websiteUrl":"https://example.com/","maxParticipants":500,"endDate":"2026-06-15"}}}'
        ),
    ),
    "run": (
        _told(
            "run.sold_out",
            "r01k9x0q5zr4t8m2c6h0w",
            4,
            ["confirmed"],
            event_id="e01k9x0q5zr4t8m2c6h0w",
            distance_m=21097.5,
            distance_standard="Half Marathon",
            distance_label="Half",
            starts_on="2026-06-14",
            local_start="08:00",
            event_status="scheduled",
            registration_url=None,
            registration_opens_at="2026-02-01T08:00:00.000Z",
            registration_closes_at=None,
            sold_out=False,
            registration_override=None,
            max_participants=20,
            confirmed=19,
            offered=1,
            is_virtual=False,
            is_relay=None,
            is_walking=None,
            bib_from=1,
            bib_to=None,
            waitlist_offer_hours=24,
            recurrence_id=None,
            occurrence_on=None,
            template=None,
            edited=False,
            pace_groups=[
                {
                    "event_run_id": "r01k9x0q5zr4t8m2c6h0w",
                    "name": "A",
                    "place": 0,
                    "max_participants": 5,
                    "bib_from": None,
                    "bib_to": None,
                    "confirmed": 5,
                    "offered": 0,
                }
            ],
        ),
        (
            b'{"type":"run.sold_out","timestamp":"2026-03-01T09:00:00.000Z","apiVersion":"2026-11-20",'
            b'"mode":"live","data":{"objectType":"run","objectId":"r01k9x0q5zr4t8m2c6h0w","objectVersion":4,'
            b'"changes":["soldOut"],"object":{"_id":"r01k9x0q5zr4t8m2c6h0w","eventId":"e01k9x0q5zr4t8m2c6h0w",'
            b'"distanceMeters":21097.5,"distanceStandard":"Half Marathon","distanceLabel":"Half",'
            b'"date":"2026-06-14","startTime":"08:00","eventStatus":"scheduled",'
            b'"registrationOpensAt":"2026-02-01T08:00:00.000Z","soldOut":true,"maxParticipants":20,'
            b'"isVirtual":false,"paceGroups":[{"name":"A","maxParticipants":5}],"bibFrom":1,'
            b'"waitlistOfferHours":24}}}'
        ),
    ),
    "registration": (
        _told(
            "registration.checked_in",
            "p01k9x0q5zr4t8m2c6h0w",
            3,
            ["checked_in_at", "checked_in_device"],
            event_id="e01k9x0q5zr4t8m2c6h0w",
            event_run_id="r01k9x0q5zr4t8m2c6h0w",
            email="runner@example.com",
            email_folded="runner@example.com",
            name="Alex Johnson",
            registration_type="free",
            status="confirmed",
            pace_group="A",
            notes="Vegetarian",
            bib="1042",
            bib_pinned=True,
            checked_in_at="2026-06-14T05:31:00.000Z",
            checked_in_device="gate 1",
            queue_number=None,
            offer_expires_at=None,
        ),
        (
            b'{"type":"registration.checked_in","timestamp":"2026-03-01T09:00:00.000Z","apiVersion":"2026-11-20",'
            b'"mode":"live","data":{"objectType":"registration","objectId":"p01k9x0q5zr4t8m2c6h0w",'
            b'"objectVersion":3,"changes":["checkedIn","checkedInAt","checkedInDevice"],'
            b'"object":{"_id":"p01k9x0q5zr4t8m2c6h0w","eventId":"e01k9x0q5zr4t8m2c6h0w",'
            b'"eventRunId":"r01k9x0q5zr4t8m2c6h0w","email":"runner@example.com","registrationType":"free",'
            b'"registrationStatus":"confirmed","checkedIn":true,"name":"Alex Johnson","paceGroup":"A",'
            b'"bibIdentifier":"1042","bibPinned":true,"checkedInAt":"2026-06-14T05:31:00.000Z",'
            b'"checkedInDevice":"gate 1","notes":"Vegetarian"}}}'
        ),
    ),
    "recurrence": (
        _told(
            "recurrence.updated",
            "rc01k9x0q5zr4t8m2c6h0w",
            2,
            ["label", "anchor_on"],
            event_id="e01k9x0q5zr4t8m2c6h0w",
            label="Tuesday tempo",
            schedule={"frequency": "weekly", "daysOfWeek": [2], "startTime": "18:30"},
            run_templates=[{"distanceStandard": "5K"}],
            default_course_id=None,
            status="active",
            auto_publish_horizon_weeks=8,
            anchor_on="2026-06-14",
            effective_from=None,
            gaps=[],
        ),
        (
            b'{"type":"recurrence.updated","timestamp":"2026-03-01T09:00:00.000Z","apiVersion":"2026-11-20",'
            b'"mode":"live","data":{"objectType":"recurrence","objectId":"rc01k9x0q5zr4t8m2c6h0w",'
            b'"objectVersion":2,"changes":["label"],"object":{"_id":"rc01k9x0q5zr4t8m2c6h0w",'
            b'"eventId":"e01k9x0q5zr4t8m2c6h0w","schedule":{"frequency": "weekly", "daysOfWeek": [2],'
            b' "startTime": "18:30"},"status":"active","autoPublishHorizonWeeks":8,"label":"Tuesday tempo",'
            b'"runTemplates":[{"distanceStandard": "5K"}]}}}'
        ),
    ),
    "group": (
        _told(
            "group.updated",
            "g01k9x0q5zr4t8m2c6h0w",
            5,
            ["events"],
            organization_id="k01k9x0q5zr4t8m2c6h0w",
            name="Friday Night Lights",
            slug="friday-night",
            description=None,
            status="active",
            card_image_id=None,
            cover_image_id=None,
            event_added="e01k9x0q5zr4t8m2c6h0w",
        ),
        (
            b'{"type":"group.updated","timestamp":"2026-03-01T09:00:00.000Z","apiVersion":"2026-11-20",'
            b'"mode":"live","data":{"objectType":"group","objectId":"g01k9x0q5zr4t8m2c6h0w","objectVersion":5,'
            b'"changes":["events"],"object":{"_id":"g01k9x0q5zr4t8m2c6h0w",'
            b'"organizationId":"k01k9x0q5zr4t8m2c6h0w","name":"Friday Night Lights","slug":"friday-night",'
            b'"status":"active"}}}'
        ),
    ),
    "webhook": (
        _told(
            "webhook.disabled",
            "w01k9x0q5zr4t8m2c6h0w",
            7,
            ["status", "disabled_reason", "disabled_at"],
            dialect="partner",
            url="https://hooks.example.com/",
            description=None,
            types=["registration.*"],
            format="full",
            coalesce=False,
            status="disabled",
            disabled_reason="The endpoint answered 410 Gone",
            disabled_at=AT,
            failing_since=None,
            key_id="ak01k9x0q5zr4t8m2c6h0w",
            deleted_at=None,
        ),
        (
            b'{"type":"webhook.disabled","timestamp":"2026-03-01T09:00:00.000Z","apiVersion":"2026-11-20",'
            b'"mode":"live","data":{"objectType":"webhook","objectId":"w01k9x0q5zr4t8m2c6h0w","objectVersion":7,'
            b'"changes":["status","disabledReason","disabledAt"],"object":{"_id":"w01k9x0q5zr4t8m2c6h0w",'
            b'"url":"https://hooks.example.com/","types":["registration.*"],"format":"full","coalesce":false,'
            b'"status":"disabled","createdAt":"2026-03-01T09:00:00.000Z","updatedAt":"2026-03-01T09:00:00.000Z",'
            b'"version":7,"disabledReason":"The endpoint answered 410 Gone",'
            b'"disabledAt":"2026-03-01T09:00:00.000Z"}}}'
        ),
    ),
}


@pytest.mark.parametrize("kind", GOLDEN)
def test_the_bytes_of_this_api_version_stay_as_they_are(kind: str) -> None:
    told, promised = GOLDEN[kind]

    sent = payloads.payload(told)

    assert sent == promised, "what is sent under one apiVersion never changes, but for fields that are added"
    assert schema_of(told.type).is_valid(json.loads(sent))


def test_every_object_has_bytes_that_were_promised() -> None:
    assert set(GOLDEN) == set(change_types.OBJECT_TYPES) == set(payloads.VIEWS) == set(payloads.PATHS)
