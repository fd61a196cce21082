"""GET /changes: what partners read who follow a club, to the last field."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest

from openintervals.api.partner import change_types
from openintervals.db.transaction import Write
from openintervals.platform import feeds, journal, organizations
from openintervals.platform.scopes import READS, SCOPES
from tests import clients
from tests.clients import Api, error, found
from tests.servers import START, Application


def feed(api: Api, **query: Any) -> dict[str, Any]:
    answer = api.get("/changes", **query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert list(body) == ["data", "hasMore", "cursor"]
    return body


def items(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Everything there is, page by page, by the cursors of the answers."""
    listed: list[dict[str, Any]] = []
    while True:
        body = feed(api, **query)
        listed += body["data"]
        query["after"] = body["cursor"]
        if not body["hasMore"]:
            return listed


def told(listed: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(item["type"], item["objectVersion"]) for item in listed]


def test_a_change_is_told_with_the_object_as_a_get_answered_right_after_it(api: Api, app: Application) -> None:
    event = api.make_event(description="Flat")
    created = found(api.get(f"/events/{event}"))["event"]
    app.clock.advance(60)
    found(api.patch(f"/events/{event}", {"date": "2026-06-15", "description": None}))
    updated = found(api.get(f"/events/{event}"))["event"]
    app.clock.advance(60)
    assert api.delete(f"/events/{event}").status_code in (200, 204)

    listed = items(api)

    assert [{name: value for name, value in item.items() if name != "cursor"} for item in listed] == [
        {
            "type": "event.created",
            "objectType": "event",
            "objectId": event,
            "objectVersion": 1,
            "occurredAt": "2026-03-01T09:00:00.000Z",
            "changes": [],
            "object": created,
        },
        {
            "type": "event.updated",
            "objectType": "event",
            "objectId": event,
            "objectVersion": 2,
            "occurredAt": "2026-03-01T09:01:00.000Z",
            "changes": ["date", "description"],
            "object": updated,
        },
        {
            "type": "event.deleted",
            "objectType": "event",
            "objectId": event,
            "objectVersion": 3,
            "occurredAt": "2026-03-01T09:02:00.000Z",
            "changes": [],
            "object": None,
        },
    ]
    cursors = [item["cursor"] for item in listed]
    assert cursors == sorted(set(cursors))


def test_an_organization_to_which_nothing_happened_has_an_empty_feed_that_can_be_followed(api: Api) -> None:
    empty = feed(api)

    assert (empty["data"], empty["hasMore"]) == ([], False)
    assert feed(api, after=empty["cursor"]) == empty

    group = found(api.get(f"/groups/{api.make_group()}"))["_id"]

    [item] = feed(api, after=empty["cursor"])["data"]
    assert item["objectId"] == group
    assert feed(api, after=item["cursor"]) == {"data": [], "hasMore": False, "cursor": item["cursor"]}


@pytest.mark.parametrize("cursor_of", [lambda body: body["cursor"], lambda body: body["data"][-1]["cursor"]])
def test_pages_of_one_show_everything_once(api: Api, cursor_of: Callable[[dict[str, Any]], str]) -> None:
    slugs = [api.make_group() for _ in range(4)]
    api.delete(f"/groups/{slugs[0]}")
    whole = feed(api)

    pages = [feed(api, limit=1)]
    while pages[-1]["hasMore"]:
        pages.append(feed(api, limit=1, after=cursor_of(pages[-1])))

    assert [page["data"] for page in pages] == [[item] for item in whole["data"]]
    assert told(whole["data"]) == [("group.created", 1)] * 4 + [("group.deleted", 2)]


def test_a_page_that_is_exactly_full_has_no_more(api: Api) -> None:
    for _ in range(2):
        api.make_group()

    assert [feed(api, limit=limit)["hasMore"] for limit in (1, 2, 3)] == [True, False, False]


def test_fifty_is_the_default_and_a_hundred_the_most(api: Api) -> None:
    for _ in range(51):
        api.make_group()

    first = feed(api)

    assert (len(first["data"]), first["hasMore"]) == (50, True)
    assert len(feed(api, limit=100)["data"]) == 51
    assert error(api.get("/changes", limit=101))["errors"] == {"limit": ["Number must be less than or equal to 100"]}


# Who sees what


@pytest.fixture
def everything(api: Api, app: Application) -> Api:
    """An organization in which something happened to one of each."""
    event = api.make_event(date="2026-03-03")
    api.make_registration(api.make_run(event))
    api.make_recurrence(event)
    api.make_group()
    api.make_webhook()
    app.write(partial(organizations.let_keys_bypass_windows, bypass=True), api.tenant)
    return api


def kinds(listed: list[dict[str, Any]]) -> set[str]:
    return {item["objectType"] for item in listed}


@pytest.mark.parametrize("scope", sorted(scope for scope in SCOPES if scope != "read:changes"))
def test_a_key_sees_changes_of_what_it_may_read_and_of_nothing_else(everything: Api, scope: str) -> None:
    narrow = everything.with_scopes("read:changes", scope)

    listed = items(narrow)

    assert kinds(listed) == {kind for kind, needed in READS.items() if needed == scope}
    assert listed == [item for item in items(everything) if item["objectType"] in kinds(listed)]
    assert items(narrow, types="*") == listed


def test_organizations_and_keys_are_never_told_of(everything: Api) -> None:
    assert kinds(items(everything)) == set(READS)
    for types in ("organization.*", "key.created"):
        assert everything.get("/changes", types=types).status_code == 422


def test_what_may_not_be_read_is_left_out_also_when_it_is_asked_for(everything: Api) -> None:
    narrow = everything.with_scopes("read:changes", "read:groups")

    answer = feed(narrow, types="registration.*,run.created")

    assert (answer["data"], answer["hasMore"]) == ([], False)
    assert answer["cursor"] == feed(everything)["cursor"]
    assert kinds(items(narrow, types="registration.*,group.created")) == {"group"}


def test_a_webhook_is_told_of_without_its_secret(api: Api) -> None:
    made = found_secret(api)

    assert made["secret"] not in api.get("/changes").text
    [item] = items(api, types="webhook.created")
    assert item["object"] == found(api.get(f"/webhooks/{made['webhookId']}"))


def found_secret(api: Api) -> dict[str, str]:
    answer = api.post("/webhooks", {"url": "https://club.example/webhooks", "types": ["*"]})
    assert answer.status_code == 201
    made: dict[str, str] = answer.json()["data"]
    return made


def test_live_and_test_data_and_other_organizations_have_feeds_of_their_own(api: Api, app: Application) -> None:
    clubs = [api, api.in_mode("test"), clients.join(app)]
    slugs = [[club.make_group() for _ in range(number + 1)] for number, club in enumerate(clubs)]

    listed = [items(club) for club in clubs]

    assert [[item["object"]["slug"] for item in feed_] for feed_ in listed] == slugs


# Types


def test_types_are_named_one_by_one_or_by_their_object(everything: Api) -> None:
    def asked(types: str) -> list[str]:
        return [item["type"] for item in items(everything, types=types)]

    assert asked("group.created") == ["group.created"]
    assert asked("registration.*") == ["registration.created"]
    assert asked("recurrence.created,group.*,group.created,recurrence.created") == [
        "recurrence.created",
        "group.created",
    ]
    assert asked("group.deleted") == []
    assert asked("*") == [item["type"] for item in items(everything)]


def test_a_change_of_several_types_is_shown_once_under_its_own_or_the_first_that_was_asked_for(api: Api) -> None:
    run = api.make_run(api.make_event(), maxParticipants=1)
    holder = api.make_registration(run)
    waiting = api.make_registration(run, status="waitlist")
    found(api.patch(f"/registration/{holder}", {"status": "cancelled"}))

    def of_waiting(types: str) -> list[str]:
        return [item["type"] for item in items(api, types=types) if item["objectId"] == waiting]

    own = of_waiting("registration.*")
    assert own[0] == "registration.created"
    assert own[-1] in ("registration.promoted", "registration.offered")
    assert of_waiting("registration.waitlisted") == ["registration.waitlisted"]
    assert of_waiting("registration.waitlisted,registration.created") == ["registration.created"]
    assert of_waiting("registration.updated") == ["registration.updated"] * (len(own) - 1)
    assert of_waiting("registration.waitlisted,registration.*") == own
    versions = [item["objectVersion"] for item in items(api, types="registration.updated,registration.waitlisted")]
    assert len(versions) == len(items(api, types="registration.*")) - 1  # the holder's making is neither


@pytest.mark.parametrize(
    ("types", "instead"),
    [
        ("registration.confirm", "write registration.confirmed"),
        ("registrations.*", "write registration.*"),
        ("", "is no type of change"),
        ("group.created,", "is no type of change"),
        ("group.created, group.deleted", "write group.deleted"),
        ("group_created", "write group.created"),
        ("x" * 2_001, "at most 2000"),
    ],
)
def test_an_unknown_type_is_refused_with_what_to_write_instead(api: Api, types: str, instead: str) -> None:
    refused = api.get("/changes", types=types, limit=1000)

    assert refused.status_code == 422
    problems = error(refused)["errors"]
    assert set(problems) == {"types", "limit"}
    assert [problem for problem in problems["types"] if instead in problem] == problems["types"]


def test_every_type_there_is_can_be_asked_for_at_once(everything: Api) -> None:
    names = ",".join([*change_types.CATALOGUE, *change_types.PATTERNS])

    assert items(everything, types=names) == items(everything)
    assert told(items(everything, types=",".join(change_types.CATALOGUE))) == told(items(everything))


# Cursors


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "1",
        "-1",
        "c1",
        "c00000000000",
        "c0000000000000",
        "C000000000000",
        "c00000000000u",
        "c%00",
        "e" + "0" * 20,
    ],
)
def test_a_cursor_of_another_form_is_refused(api: Api, cursor: str) -> None:
    refused = api.get("/changes", after=cursor)

    assert refused.status_code == 422
    assert error(refused)["message"] == "Invalid request parameters"
    assert error(refused)["errors"] == {"after": ["Invalid cursor: expected the cursor of an earlier answer"]}


def test_a_cursor_of_somebody_else_does_no_harm(api: Api, app: Application) -> None:
    other = clients.join(app)
    other.make_group()
    foreign = feed(other)["cursor"]
    for _ in range(3):
        api.make_group()
    mine = items(api)

    assert all(item in mine for item in feed(api, after=foreign)["data"])
    assert items(api) == mine


@pytest.mark.parametrize("types", ["*", "run.*", "run.sold_out"])
def test_a_cursor_ahead_of_the_feed_is_refused_as_after_a_restored_backup(api: Api, types: str) -> None:
    api.make_group()
    last = feed(api)["cursor"]
    ahead = feeds.cursor(feeds.position_of(last) + 1)

    for cursor in (ahead, "c" + "z" * feeds.CURSOR_CHARACTERS):
        refused = api.get("/changes", after=cursor, types=types)

        assert refused.status_code == 422
        assert error(refused)["errors"] == {
            "after": ["This cursor is ahead of the feed, as after a backup was restored; begin anew without it"]
        }
    assert feed(api, after=last, types=types) == {"data": [], "hasMore": False, "cursor": last}


def test_a_cursor_is_ahead_no_more_once_the_feed_has_gone_on(api: Api, app: Application) -> None:
    api.make_group()
    before = feed(api)["cursor"]
    api.make_group()
    after = feed(api)["cursor"]
    api.make_group()
    # Nobody has read the third on PostgreSQL, so it has no position yet: it gets one before the cursor is looked at.
    third = feeds.cursor(feeds.position_of(after) + feeds.position_of(after) - feeds.position_of(before))

    assert feed(api, after=third) == {"data": [], "hasMore": False, "cursor": third}


# What the feed holds, whatever becomes of the objects


def test_an_event_s_deletion_is_told_with_all_that_went_with_it(api: Api) -> None:
    event = api.make_event()
    run = api.make_run(event)
    registration = api.make_registration(run)
    before = feed(api)["cursor"]

    assert api.delete(f"/events/{event}", cancelRegistrations="true").status_code in (200, 204)

    listed = items(api, after=before)
    ends = {item["objectId"]: item for item in listed}
    assert {id_: item["type"] for id_, item in ends.items()} == {
        registration: "registration.deleted",
        run: "run.deleted",
        event: "event.deleted",
    }
    assert all(item["object"] is None for item in ends.values())
    assert [item["type"] for item in listed if item["objectId"] == registration] == [
        "registration.cancelled",
        "registration.deleted",
    ]


def test_an_entry_that_cannot_be_read_stops_nobody(api: Api, app: Application) -> None:
    async def write(tx: Write) -> None:
        stored = {"object_type": "group", "object_id": "g1", "object_version": 7, "changed": "[]", "snapshot": "[]"}
        entry = {"at": tx.now_text, "actor": "test", "verb": "group.updated", "implies": "", **stored}
        await tx.put(journal._insert(), **entry)

    api.make_group()
    app.write(write, api.tenant)
    api.make_group()

    listed = items(api)

    assert told(listed) == [("group.created", 1), ("group.updated", 7), ("group.created", 1)]
    assert [item["object"] is None for item in listed] == [False, True, False]


def test_the_feed_goes_on_while_it_is_followed(api: Api, app: Application) -> None:
    seen: list[dict[str, Any]] = []
    after = feed(api)["cursor"]
    for number in range(5):
        slug = api.make_group()
        if number % 2:
            found(api.patch(f"/groups/{slug}", {"name": "Changed"}))
        body = feed(api, after=after, limit=1 + number % 3)
        seen += body["data"]
        after = body["cursor"]

    seen += items(api, after=after)

    assert seen == items(api)
    assert {item["occurredAt"] for item in seen} == {
        msgspec.json.decode(msgspec.json.encode(START)).replace("00Z", "00.000Z")
    }
