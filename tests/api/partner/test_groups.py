"""Groups of events, and series: found, changed, filled and emptied."""

from typing import Any

import pytest

from tests import databases
from tests.clients import Api, error, found

FRIDAY = {"name": "Friday Night Lights", "slug": "friday-night-lights"}


def slugs(answer: Any) -> list[str]:
    return [group["slug"] for group in found(answer)]


def ids_in(api: Api, group: str, **query: Any) -> list[str]:
    return [event["_id"] for event in found(api.get(f"/groups/{group}/events", **query))]


def test_a_group_has_the_published_fields_and_no_nulls(api: Api) -> None:
    made = api.post("/groups", FRIDAY)

    group = found(api.get("/groups/friday-night-lights"))

    assert made.status_code == 201
    assert made.headers["location"] == "/partner/groups/friday-night-lights"
    assert group == {
        "_id": made.json()["data"]["groupId"],
        "organizationId": api.tenant.organization_id,
        **FRIDAY,
        "status": "active",
    }


def test_every_field_of_a_group_can_be_set_and_comes_back(api: Api) -> None:
    body = {**FRIDAY, "description": "Two lines\n", "status": "paused", "cardImageId": "kg1", "coverImageId": "kg2"}
    api.post("/groups", body)

    assert body.items() <= found(api.get("/groups/friday-night-lights")).items()


def test_the_list_shows_all_newest_first_or_those_of_one_status(api: Api) -> None:
    first, second = api.make_group(), api.make_group(status="archived")

    assert slugs(api.get("/groups")) == [second, first]
    assert slugs(api.get("/groups", status="archived")) == [second]
    assert slugs(api.get("/groups", status="paused")) == []
    assert api.get("/groups", limit=1).json()["hasMore"] is True


def test_a_slug_is_unique_in_an_organization_and_mode_alone(api: Api) -> None:
    api.post("/groups", FRIDAY)

    again, elsewhere = api.post("/groups", FRIDAY), api.in_mode("test").post("/groups", FRIDAY)

    assert again.status_code == 409
    assert "friday-night-lights" in error(again)["message"]
    assert elsewhere.status_code == 201


def test_a_change_keeps_what_is_absent_and_clears_what_is_null(api: Api) -> None:
    group = api.make_group(description="old", cardImageId="kg1")

    changed = found(api.patch(f"/groups/{group}", {"description": None, "status": "paused"}))

    assert "description" not in changed
    assert changed["status"] == "paused"
    assert changed["cardImageId"] == "kg1"
    assert changed == found(api.get(f"/groups/{group}"))


@pytest.mark.parametrize("field", ["name", "slug", "status"])
def test_a_required_field_cannot_be_cleared(api: Api, field: str) -> None:
    group = api.make_group()

    refused = api.patch(f"/groups/{group}", {field: None})

    assert refused.status_code == 422
    assert list(error(refused)["errors"]) == [field]


def test_a_group_moves_to_another_slug_unless_it_is_taken(api: Api) -> None:
    group, other = api.make_group(), api.make_group()

    refused = api.patch(f"/groups/{group}", {"slug": other})
    moved = api.patch(f"/groups/{group}", {"slug": "moved"})

    assert refused.status_code == 409
    assert moved.status_code == 200
    assert api.get(f"/groups/{group}").status_code == 404
    assert api.get("/groups/moved").status_code == 200


def test_events_come_and_go_and_adding_twice_is_no_error(api: Api) -> None:
    group = api.make_group()
    events = [api.make_event() for _ in range(3)]

    added = [api.put(f"/groups/{group}/events/{event}").status_code for event in [*events, events[0]]]
    removed = [api.delete(f"/groups/{group}/events/{events[1]}").status_code for _ in range(2)]

    assert added == [204] * 4
    assert removed == [204, 404]
    assert ids_in(api, group) == [events[2], events[0]]


def test_the_events_of_a_group_are_walked_by_event_id(api: Api) -> None:
    group = api.make_group()
    events = [api.make_event() for _ in range(5)]
    for event in reversed(events):
        api.put(f"/groups/{group}/events/{event}")

    newest = ids_in(api, group, limit=2)
    middle = ids_in(api, group, limit=2, after=newest[-1])
    back = ids_in(api, group, limit=2, before=middle[0])

    assert newest + middle == events[:0:-1]
    assert back == newest


def test_a_deleted_group_leaves_its_events_and_comes_back_empty(api: Api) -> None:
    group, event = api.make_group(), api.make_event()
    api.put(f"/groups/{group}/events/{event}")

    gone = api.delete(f"/groups/{group}")

    assert gone.status_code == 204
    assert api.get(f"/groups/{group}").status_code == 404
    assert api.get(f"/events/{event}").status_code == 200
    api.make_group(slug=group)
    assert ids_in(api, group) == []


def test_a_deleted_event_leaves_its_groups(api: Api) -> None:
    group, event = api.make_group(), api.make_event()
    api.put(f"/groups/{group}/events/{event}")

    gone = api.delete(f"/events/{event}")

    assert gone.status_code == 204
    assert ids_in(api, group) == []


def test_an_event_added_while_it_is_deleted_is_in_no_group_afterwards(api: Api, module_url: str) -> None:
    for _ in range(5):
        group, event = api.make_group(), api.make_event()

        api.together([("PUT", f"/groups/{group}/events/{event}", {}), ("DELETE", f"/events/{event}", {})])

        assert api.get(f"/events/{event}").status_code == 410
        left = databases.rows(module_url, f"SELECT count(*) FROM group_events WHERE event_id = '{event}'")
        assert left == [(0,)]


@pytest.mark.parametrize("elsewhere", ["another mode's", "no"])
def test_a_group_takes_no_event_that_is_not_there(api: Api, elsewhere: str) -> None:
    group = api.make_group()
    event = api.in_mode("test").make_event() if elsewhere == "another mode's" else "e01kjma0fm0ka8nvpc8d1"

    refused = api.put(f"/groups/{group}/events/{event}")

    assert refused.status_code == 404
    assert error(refused)["message"] == "Event not found"


def test_each_change_is_in_the_journal_with_the_next_version(api: Api, module_url: str) -> None:
    group, event = api.make_group(), api.make_event()
    api.put(f"/groups/{group}/events/{event}")
    api.put(f"/groups/{group}/events/{event}")
    api.patch(f"/groups/{group}", {"name": "Other"})
    api.patch(f"/groups/{group}", {"name": "Other"})
    api.delete(f"/groups/{group}/events/{event}")
    api.delete(f"/groups/{group}")

    written = databases.rows(
        module_url,
        "SELECT verb, object_version FROM journal WHERE object_type = 'group' "
        f"AND organization_id = '{api.tenant.organization_id}' ORDER BY sequence",
    )

    assert written == [
        ("group.created", 1),
        ("group.updated", 2),
        ("group.updated", 3),
        ("group.updated", 4),
        ("group.deleted", 5),
    ]


def test_an_event_with_a_recurrence_is_a_series(api: Api) -> None:
    weekly, monthly = api.make_event(description="Every Tuesday"), api.make_event()
    api.make_event()
    for event in (weekly, weekly, monthly):
        api.make_recurrence(event)

    listed = found(api.get("/series"))
    one = found(api.get(f"/series/{weekly}"))

    assert [series["_id"] for series in listed] == [monthly, weekly]
    assert listed[1] == one
    assert set(one) == {"_id", "organizationId", "name", "slug", "description"}
    assert found(api.get("/series", slug=one["slug"])) == [one]
    assert found(api.get("/series", slug="no-such-slug")) == []


def test_series_are_walked_like_events(api: Api) -> None:
    events = [api.make_event() for _ in range(3)]
    for event in events:
        api.make_recurrence(event)
        api.make_recurrence(event)

    first = api.get("/series", limit=2).json()
    second = api.get("/series", limit=2, after=first["data"][-1]["_id"]).json()
    back = api.get("/series", limit=2, before=second["data"][0]["_id"]).json()

    assert [series["_id"] for series in first["data"] + second["data"]] == events[::-1]
    assert (first["hasMore"], second["hasMore"], back["hasMore"]) == (True, False, False)
    assert back["data"] == first["data"]


def test_an_event_without_a_recurrence_is_no_series(api: Api) -> None:
    event = api.make_event()

    refused = api.get(f"/series/{event}")

    assert refused.status_code == 404
    assert error(refused) == {"code": "NOT_FOUND", "message": "Series not found"}
