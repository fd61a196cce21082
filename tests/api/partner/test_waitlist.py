"""The waiting list over HTTP: pages in the order of the line."""

from tests.clients import Api, error


def test_the_line_is_walked_page_by_page(api: Api) -> None:
    run = api.make_run(api.make_event(), maxParticipants=0)
    waiting = [api.make_registration(run, status="waitlist") for _ in range(5)]

    first = api.get(f"/runs/{run}/waitlist", limit=2).json()
    second = api.get(f"/runs/{run}/waitlist", limit=2, after=first["data"][-1]["registrationId"]).json()
    third = api.get(f"/runs/{run}/waitlist", limit=2, after=second["data"][-1]["registrationId"]).json()
    back = api.get(f"/runs/{run}/waitlist", limit=2, before=third["data"][0]["registrationId"]).json()

    walked = [*first["data"], *second["data"], *third["data"]]
    assert [entry["registrationId"] for entry in walked] == waiting
    assert [entry["position"] for entry in walked] == [1, 2, 3, 4, 5]
    assert {entry["reason"] for entry in walked} == {"full"}
    assert [page["hasMore"] for page in (first, second, third, back)] == [True, True, False, True]
    assert back["data"] == second["data"]


def test_a_page_of_the_line_has_fifty_entries_unless_told(api: Api) -> None:
    run = api.make_run(api.make_event(), maxParticipants=0)
    for _ in range(51):
        api.make_registration(run, status="waitlist")

    page = api.get(f"/runs/{run}/waitlist").json()

    assert (len(page["data"]), page["hasMore"]) == (50, True)


def test_a_position_in_line_is_the_id_of_a_registration(api: Api) -> None:
    run = api.make_run(api.make_event(), maxParticipants=0)
    waits = api.make_registration(run, status="waitlist")

    strange = api.get(f"/runs/{run}/waitlist", after=run)
    both = api.get(f"/runs/{run}/waitlist", after=waits, before=waits)

    assert error(strange)["errors"] == {"after": ["Invalid cursor: expected the _id of a registration"]}
    assert set(error(both)["errors"]) == {"after", "before"}
