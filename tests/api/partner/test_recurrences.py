"""Recurrences over the wire: the published list, everything a partner can do with them, and previews that come true."""

import datetime as dt
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openintervals.club import publishing, schedule
from openintervals.db.transaction import Write
from openintervals.platform.scopes import SCOPES
from tests import databases
from tests.clients import Api, error, found, join, made
from tests.servers import START, Application

# Now is Sunday 1 March 2026, 10:00 in Berlin.
TUESDAYS = {"frequency": "weekly", "daysOfWeek": [2], "startTime": "18:30", "durationMinutes": 60}
WEDNESDAYS = {"frequency": "weekly", "daysOfWeek": [3], "startTime": "19:00"}
FOUR_TUESDAYS = ["2026-03-03", "2026-03-10", "2026-03-17", "2026-03-24"]
NOTHING = {"created": [], "moved": [], "kept": [], "cancelled": [], "unchanged": [], "registrationsAffected": 0}


def recur(api: Api, **fields: Any) -> str:
    """A recurrence of a new event: Tuesdays, four weeks ahead, unless told."""
    event_id = fields.pop("eventId", None) or api.make_event(type="runClub", date="2026-03-01")
    body = {"eventId": event_id, "schedule": TUESDAYS, "autoPublishHorizonWeeks": 4, **fields}
    return made(api.post("/recurrences", body), "recurrenceId")


def get(api: Api, recurrence_id: str) -> Any:
    return found(api.get(f"/recurrences/{recurrence_id}"))


def runs_of(api: Api, recurrence_id: str) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = found(api.get(f"/events/{get(api, recurrence_id)['eventId']}"))["runs"]
    return runs


def dates(runs: list[dict[str, Any]]) -> list[str]:
    return [run["date"] for run in runs]


def ids(answer: httpx.Response) -> list[str]:
    return [recurrence["_id"] for recurrence in found(answer)]


def test_a_recurrence_has_the_published_fields_and_no_nulls(api: Api) -> None:
    event_id = api.make_event(type="runClub", date="2026-03-01")
    answer = api.post("/recurrences", {"eventId": event_id, "schedule": TUESDAYS, "label": "Tuesday tempo"})

    listed = api.get("/recurrences")

    recurrence_id = answer.json()["data"]["recurrenceId"]
    assert answer.headers["location"] == f"/partner/recurrences/{recurrence_id}"
    assert listed.json() == {
        "data": [
            {
                "_id": recurrence_id,
                "eventId": event_id,
                "label": "Tuesday tempo",
                "schedule": TUESDAYS,
                "status": "active",
                "autoPublishHorizonWeeks": 8,
            }
        ],
        "hasMore": False,
    }
    assert get(api, recurrence_id) == listed.json()["data"][0]


def test_every_field_of_a_recurrence_can_be_set_and_comes_back(api: Api) -> None:
    body = {
        "label": "Long run",
        "schedule": {
            "frequency": "monthly",
            "interval": 2,
            "daysOfWeek": [0, 6],
            "weekOfMonth": -1,
            "startTime": "09:00",
            "durationMinutes": 120,
            "startDate": "2026-03-01",
            "until": "2027-03-01",
            "skipDates": ["2026-05-30"],
            "addDates": ["2026-06-06"],
        },
        "runTemplates": [
            {"distanceStandard": "10K", "maxParticipants": 30, "paceGroups": [{"name": "5:30", "maxParticipants": 10}]},
            {"distanceMeters": 8000, "distanceLabel": "Easy", "isWalking": True},
        ],
        "defaultCourseId": "course1",
        "status": "paused",
        "autoPublishHorizonWeeks": 52,
    }

    recurrence_id = recur(api, **body)

    answered = {name: value for name, value in get(api, recurrence_id).items() if name not in ("_id", "eventId")}
    assert answered == body


def test_its_runs_are_there_at_once(api: Api) -> None:
    recurrence_id = recur(api, label="Tuesday tempo")

    first = runs_of(api, recurrence_id)[0]

    assert dates(runs_of(api, recurrence_id)) == FOUR_TUESDAYS
    assert first == {
        "_id": first["_id"],
        "eventId": get(api, recurrence_id)["eventId"],
        "distanceMeters": 0,
        "distanceStandard": "Other",
        "distanceLabel": "Tuesday tempo",
        "date": "2026-03-03",
        "startTime": "18:30",
        "eventStatus": "scheduled",
    }


def test_the_list_is_walked_both_ways_and_narrowed_by_status(api: Api) -> None:
    made_ids = [recur(api, status=status) for status in ("active", "paused", "archived", "active", "paused")]
    newest_first = made_ids[::-1]

    first = api.get("/recurrences", limit=2)
    second = api.get("/recurrences", limit=2, after=ids(first)[-1])
    back = api.get("/recurrences", limit=2, before=ids(second)[0])
    last = api.get("/recurrences", limit=2, after=ids(second)[-1])

    assert [ids(first), ids(second), ids(last)] == [newest_first[:2], newest_first[2:4], newest_first[4:]]
    assert [answer.json()["hasMore"] for answer in (first, second, last)] == [True, True, False]
    assert ids(back) == newest_first[:2]
    assert ids(api.get("/recurrences", status="paused")) == [made_ids[4], made_ids[1]]
    assert ids(api.get("/recurrences", status="archived")) == [made_ids[2]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"status": "running"}, "status"),
        ({"after": "e01kjma0fm00409xv6rn4"}, "after"),
        ({"before": "rc1"}, "before"),
    ],
)
def test_a_wrong_list_parameter_is_refused(api: Api, query: dict[str, str], field: str) -> None:
    refused = api.get("/recurrences", **query)

    assert refused.status_code == 422
    assert error(refused)["message"] == "Invalid request parameters"
    assert list(error(refused)["errors"]) == [field]


def test_everything_wrong_with_a_new_recurrence_is_told_at_once(api: Api) -> None:
    refused = api.post(
        "/recurrences",
        {
            "label": "",
            "schedule": {
                "frequency": "yearly",
                "interval": 0,
                "daysOfWeek": [8, "x"],
                "startTime": "25:00",
                "count": 0,
            },
            "runTemplates": [{"distanceStandard": "3K", "maxParticipants": -1}],
            "status": "running",
            "autoPublishHorizonWeeks": 53,
        },
    )

    assert refused.status_code == 422
    assert error(refused)["message"] == "Invalid request body"
    told = error(refused)["errors"]
    assert told["eventId"] == ["Required"]
    assert told["schedule.interval"] == ["Number must be greater than or equal to 1"]
    assert told["schedule.daysOfWeek.0"] == ["Number must be less than or equal to 7"]
    assert told["schedule.daysOfWeek.1"] == ["Expected number, received string"]
    assert told["schedule.startTime"] == ["Invalid time, expected HH:MM or HH:MM:SS"]
    assert told["autoPublishHorizonWeeks"] == ["Number must be less than or equal to 52"]
    assert {"label", "schedule.frequency", "schedule.count", "status"} < set(told)
    assert {"runTemplates.0.distanceStandard", "runTemplates.0.maxParticipants"} < set(told)


def test_what_does_not_fit_together_is_told_by_field(api: Api) -> None:
    event_id = api.make_event()
    schedule = {"frequency": "monthly", "until": "2026-01-01", "startDate": "2026-02-01", "count": 3}
    templates = [{"distanceStandard": "Ultra"}, {"distanceStandard": "5K"}, {"distanceStandard": "5K"}]

    refused = api.post("/recurrences", {"eventId": event_id, "schedule": schedule, "runTemplates": templates})

    assert error(refused)["errors"] == {
        "schedule.dayOfMonth": ["A monthly schedule needs dayOfMonth or weekOfMonth with daysOfWeek"],
        "schedule.until": ["Must not be before startDate"],
        "schedule.count": ["Give either until or count, not both"],
        "runTemplates.0.distanceMeters": ["Required for the standard 'Ultra', which has no length"],
        "runTemplates.2.distanceLabel": ["Another template is called '5K'"],
    }


def test_a_recurrence_needs_an_event_that_is_there(api: Api, app: Application) -> None:
    elsewhere = join(app).make_event()

    answers = [
        api.post("/recurrences", {"eventId": event_id, "schedule": TUESDAYS})
        for event_id in (elsewhere, api.in_mode("test").make_event(), "e1", "")
    ]

    assert [(answer.status_code, error(answer)["message"]) for answer in answers] == [(404, "Event not found")] * 4


REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("PATCH", "", {"label": "x"}),
    ("DELETE", "", None),
    ("POST", "/pause", {}),
    ("POST", "/resume", {}),
    ("POST", "/skip", {"date": "2026-03-03"}),
]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_anothers_recurrence_is_not_found(api: Api, app: Application, method: str, path: str, body: Any) -> None:
    recurrence_id = recur(api)

    answers = [
        one.send(method, f"/recurrences/{recurrence_id}{path}", json=body) for one in (join(app), api.in_mode("test"))
    ]

    assert [(answer.status_code, error(answer)["message"]) for answer in answers] == [(404, "Recurrence not found")] * 2
    assert dates(runs_of(api, recurrence_id)) == FOUR_TUESDAYS


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_each_request_needs_its_scope(api: Api, method: str, path: str, body: Any) -> None:
    needed = "read:recurrences" if method == "GET" else "write:recurrences"
    others = api.with_scopes(*(scope for scope in SCOPES if scope != needed))

    refused = others.send(method, f"/recurrences/rc1{path}", json=body)

    assert refused.status_code == 403
    assert needed in error(refused)["message"]


def test_creating_under_an_idempotency_key_happens_once(api: Api) -> None:
    body = {"eventId": api.make_event(date="2026-03-01"), "schedule": TUESDAYS}

    first, second = (api.post("/recurrences", body, idempotency_key="once") for _ in range(2))

    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert len(ids(api.get("/recurrences"))) == 1


def test_a_change_answers_what_it_did_to_each_run(api: Api) -> None:
    recurrence_id = recur(api, label="Tempo")
    first, second, third, fourth = runs_of(api, recurrence_id)
    api.make_registration(first["_id"])
    api.make_registration(second["_id"])
    api.make_registration(second["_id"])
    api.patch(f"/runs/{third['_id']}", {"startTime": "17:00"})
    ended = {**WEDNESDAYS, "until": "2026-03-14", "skipDates": ["2026-03-03"]}

    outcome = found(api.patch(f"/recurrences/{recurrence_id}", {"schedule": ended}))

    assert [without_id(run) for run in outcome.pop("created")] == [
        {**without_id(first), "date": "2026-03-04", "startTime": "19:00", "registrations": 0}
    ]
    assert outcome == {
        "moved": [
            {
                **second,
                "date": "2026-03-11",
                "startTime": "19:00",
                "registrations": 2,
                "fromDate": "2026-03-10",
                "fromStartTime": "18:30",
            }
        ],
        "kept": [{**third, "startTime": "17:00", "registrations": 0}],
        "cancelled": [
            {**first, "eventStatus": "cancelled", "registrations": 1},
            {**fourth, "registrations": 0, "deleted": True},
        ],
        "unchanged": [],
        "registrationsAffected": 3,
    }


def without_id(run: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in run.items() if name != "_id"}


def test_absent_stays_and_null_clears(api: Api) -> None:
    recurrence_id = recur(api, label="Tempo", defaultCourseId="c1", runTemplates=[{"distanceStandard": "5K"}])

    api.patch(f"/recurrences/{recurrence_id}", {"defaultCourseId": None})
    once = get(api, recurrence_id)
    api.patch(f"/recurrences/{recurrence_id}", {"label": None, "runTemplates": None})
    twice = get(api, recurrence_id)
    refused = api.patch(f"/recurrences/{recurrence_id}", {"schedule": None, "status": None})

    assert (once["label"], "defaultCourseId" in once, "runTemplates" in once) == ("Tempo", False, True)
    assert {"label", "runTemplates"}.isdisjoint(twice)
    assert set(error(refused)["errors"]) == {"schedule", "status"}


def test_pausing_resuming_and_skipping_answer_like_a_change(api: Api) -> None:
    recurrence_id = recur(api)

    paused = found(api.post(f"/recurrences/{recurrence_id}/pause"))
    status = get(api, recurrence_id)["status"]
    skipped = found(api.post(f"/recurrences/{recurrence_id}/skip", {"date": "2026-03-10"}))
    resumed = found(api.post(f"/recurrences/{recurrence_id}/resume"))

    assert dates(paused["unchanged"]) == FOUR_TUESDAYS
    assert status == "paused"
    assert [(run["date"], run["deleted"]) for run in skipped["cancelled"]] == [("2026-03-10", True)]
    assert dates(resumed["unchanged"]) == ["2026-03-03", "2026-03-17", "2026-03-24"]
    assert get(api, recurrence_id)["status"] == "active"
    assert get(api, recurrence_id)["schedule"] == {**TUESDAYS, "skipDates": ["2026-03-10"]}


def test_a_deleted_recurrence_is_gone_and_its_event_stays(api: Api) -> None:
    recurrence_id = recur(api)
    event_id = get(api, recurrence_id)["eventId"]

    outcome = found(api.delete(f"/recurrences/{recurrence_id}"))
    again = api.delete(f"/recurrences/{recurrence_id}")

    assert dates(outcome["cancelled"]) == FOUR_TUESDAYS
    assert again.status_code == 404
    assert found(api.get(f"/events/{event_id}"))["runs"] == []


def test_a_run_deleted_by_hand_stays_deleted(api: Api) -> None:
    recurrence_id = recur(api)
    second = runs_of(api, recurrence_id)[1]

    api.delete(f"/runs/{second['_id']}")
    found(api.patch(f"/recurrences/{recurrence_id}", {"autoPublishHorizonWeeks": 5}))

    assert dates(runs_of(api, recurrence_id)) == ["2026-03-03", "2026-03-17", "2026-03-24", "2026-03-31"]


def test_an_event_is_deleted_with_its_recurrences(api: Api) -> None:
    recurrence_id = recur(api)

    answer = api.delete(f"/events/{get(api, recurrence_id)['eventId']}")

    assert answer.status_code == 204
    assert api.get(f"/recurrences/{recurrence_id}").status_code == 410


@pytest.mark.parametrize(
    ("query", "body", "wrong"),
    [
        ({"scope": "this"}, {"schedule": WEDNESDAYS}, {"date": "Required"}),
        ({"scope": "following"}, {"schedule": WEDNESDAYS}, {"date": "Required"}),
        ({"scope": "some"}, {"schedule": WEDNESDAYS}, {"scope": "Invalid enum value"}),
        ({"scope": "this", "date": "2026-02-30"}, {"schedule": WEDNESDAYS}, {"date": "Invalid date"}),
        (
            {"scope": "this", "date": "9999-12-31"},
            {"schedule": WEDNESDAYS},
            {"date": "Must be between 1900-01-01 and 2199-12-31"},
        ),
        ({"scope": "following", "date": "2026-03-10"}, {"label": "x"}, {"scope": "Only schedule"}),
        ({"preview": "yes"}, {"label": "x"}, {"preview": "Expected boolean"}),
        (
            {"scope": "this"},
            {"label": "x", "autoPublishHorizonWeeks": 3},
            {
                "date": "Required",
                "schedule": "Required",
                "label": "Belongs to all",
                "autoPublishHorizonWeeks": "Belongs to all",
            },
        ),
    ],
)
def test_a_scope_that_does_not_fit_is_refused_field_by_field(
    api: Api, query: dict[str, str], body: dict[str, Any], wrong: dict[str, str]
) -> None:
    recurrence_id = recur(api)

    refused = api.send("PATCH", f"/recurrences/{recurrence_id}", params=query, json=body)

    told = error(refused)["errors"]
    assert refused.status_code == 422
    assert told.keys() == wrong.keys()
    assert all(told[name][0].startswith(start) for name, start in wrong.items())


def test_a_deletion_needs_its_date_too(api: Api) -> None:
    refused = api.delete(f"/recurrences/{recur(api)}", scope="following")

    assert refused.status_code == 422
    assert error(refused)["errors"] == {"date": ["Required with scope=this and scope=following"]}


@pytest.mark.parametrize("event_on", ["0001-01-01", "9999-12-31"])
def test_an_event_far_away_in_time_has_recurrences_that_work(api: Api, event_on: str) -> None:
    event_id = api.make_event(date=event_on)
    rules = [
        {"frequency": "daily"},
        {"frequency": "weekly", "interval": 52, "daysOfWeek": [0, 6], "count": 7},
        {"frequency": "monthly", "dayOfMonth": 31, "interval": 24, "count": 1000},
    ]

    recurrence_ids = [recur(api, eventId=event_id, schedule=rule) for rule in rules]
    answers = [
        api.send("DELETE", f"/recurrences/{recurrence_id}", params={"scope": "following", "date": on})
        for recurrence_id, on in zip(recurrence_ids, ["1900-01-01", "2026-03-10", "2199-12-31"], strict=True)
    ]

    assert [answer.status_code for answer in answers] == [200] * 3


def test_a_date_that_cannot_change_is_a_conflict_that_says_why(api: Api) -> None:
    path = f"/recurrences/{recur(api)}"

    not_there = api.send("PATCH", path, params={"scope": "this", "date": "2026-03-04"}, json={"schedule": WEDNESDAYS})
    too_far = api.send(
        "PATCH", path, params={"scope": "following", "date": "2026-04-01"}, json={"schedule": WEDNESDAYS}
    )

    assert (not_there.status_code, too_far.status_code) == (409, 409)
    assert "2026-03-04" in error(not_there)["message"]
    assert "until 2026-03-29" in error(too_far)["message"]


def test_a_preview_changes_nothing_at_all(api: Api, module_url: str) -> None:
    recurrence_id = recur(api)
    api.make_registration(runs_of(api, recurrence_id)[0]["_id"])
    before = databases.fingerprint(module_url)

    answers = [
        api.send("PATCH", f"/recurrences/{recurrence_id}", params={"preview": "true"}, json={"schedule": WEDNESDAYS}),
        api.delete(f"/recurrences/{recurrence_id}", preview="true"),
        api.send("POST", f"/recurrences/{recurrence_id}/pause", params={"preview": "true"}),
        api.send("POST", f"/recurrences/{recurrence_id}/skip", params={"preview": "true"}, json={"date": "2026-03-03"}),
    ]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert [found(answer)["registrationsAffected"] for answer in answers] == [1, 1, 0, 1]
    assert databases.fingerprint(module_url) == before


def test_what_a_preview_would_create_has_no_id_yet(api: Api) -> None:
    recurrence_id = recur(api)
    longer = {"autoPublishHorizonWeeks": 5}

    preview = found(api.send("PATCH", f"/recurrences/{recurrence_id}", params={"preview": "true"}, json=longer))
    outcome = found(api.patch(f"/recurrences/{recurrence_id}", longer))

    assert [without_id(run) for run in outcome["created"]] == preview["created"]
    assert all("_id" in run for run in outcome["created"])


days = st.dates(dt.date(2026, 2, 20), dt.date(2026, 4, 5)).map(str)


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, Any]:
    frequency = draw(st.sampled_from(["daily", "weekly", "weekly", "weekly", "monthly"]))
    rule: dict[str, Any] = {"frequency": frequency, "interval": draw(st.integers(1, 2))}
    if frequency == "weekly":
        rule["daysOfWeek"] = draw(st.lists(st.integers(0, 6), min_size=1, max_size=3))
    if frequency == "monthly":
        rule |= draw(
            st.sampled_from([{"dayOfMonth": 15}, {"dayOfMonth": -1}, {"weekOfMonth": 1, "daysOfWeek": [0, 6]}])
        )
    if start := draw(st.sampled_from(["", "07:00", "18:30"])):
        rule["startTime"] = start
    rule |= draw(st.sampled_from([{}, {}, {"count": 5}, {"until": "2026-03-20"}]))
    skipped, added = draw(st.lists(days, max_size=3)), draw(st.lists(days, max_size=3))
    return {**rule, "skipDates": skipped, "addDates": [day for day in added if day not in skipped]}


templates = st.sampled_from(
    [None, [{"distanceStandard": "5K"}], [{"distanceStandard": "5K"}, {"distanceStandard": "10K"}]]
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, Any], dict[str, Any] | None]:
    """Method, path, query and body of any change a partner can ask for."""
    kind = draw(st.sampled_from(["schedule", "schedule", "schedule", "other", "delete", "verb", "skip"]))
    scope = draw(st.sampled_from(["all", "all", "this", "following"]))
    query = {} if scope == "all" else {"scope": scope, "date": draw(days)}
    if kind == "schedule":
        return "PATCH", "", query, {"schedule": draw(schedules())}
    if kind == "delete":
        return "DELETE", "", query, None
    if kind == "verb":
        return "POST", draw(st.sampled_from(["/pause", "/resume"])), {}, None
    if kind == "skip":
        return "POST", "/skip", {}, {"date": draw(days)}
    return (
        "PATCH",
        "",
        {},
        draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "label": st.sampled_from(["Tempo", None]),
                    "runTemplates": templates,
                    "status": st.sampled_from(["active", "paused", "archived"]),
                    "autoPublishHorizonWeeks": st.integers(1, 5),
                },
            )
        ),
    )


disturbances = st.lists(
    st.tuples(st.sampled_from(["register", "edit", "delete", "cancel"]), st.integers(0, 30)), max_size=4
)


def disturb(api: Api, recurrence_id: str, disturbance: tuple[str, int]) -> None:
    """What people do to published runs meanwhile."""
    what, number = disturbance
    runs = runs_of(api, recurrence_id)
    if not runs:
        return
    path = f"/runs/{runs[number % len(runs)]['_id']}"
    if what == "register":
        api.post(
            "/registration", {"eventRunId": path[6:], "email": f"r{number}@example.com", "registrationType": "free"}
        )
    elif what == "edit":
        api.patch(path, {"startTime": "12:00"})
    elif what == "cancel":
        api.patch(path, {"eventStatus": "cancelled"})
    else:
        api.delete(path)


def is_ahead(api: Api, run: dict[str, Any]) -> bool:
    on = dt.date.fromisoformat(run["date"])
    return schedule.is_ahead(on, run.get("startTime"), now=api.app.clock(), timezone="Europe/Berlin")


def shown(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs as an event shows them, without what only an outcome tells."""
    only = ("registrations", "fromDate", "fromStartTime", "deleted")
    return sorted(({k: v for k, v in run.items() if k not in only} for run in runs), key=lambda run: run["_id"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    schedules(),
    templates,
    st.lists(st.tuples(disturbances, st.integers(0, 8), requests()), min_size=1, max_size=3),
)
def test_what_the_preview_says_is_exactly_what_then_happens(
    app: Application,
    rule: dict[str, Any],
    distances: list[dict[str, Any]] | None,
    story: list[tuple[list[tuple[str, int]], int, tuple[str, str, dict[str, Any], dict[str, Any] | None]]],
) -> None:
    app.clock.now = START
    api = join(app)
    event_id = api.make_event(type="runClub", date="2026-03-01", startTime="10:00")
    recurrence_id = recur(api, eventId=event_id, schedule=rule, runTemplates=distances)

    async def publish(tx: Write) -> int:
        return await publishing.publish(tx, recurrence_id)

    for disturbed, days_later, (method, verb, query, body) in story:
        for disturbance in disturbed:
            disturb(api, recurrence_id, disturbance)
        app.clock.advance(days_later * 86_400)
        worker_came = days_later % 2 == 0
        if worker_came:
            app.write(publish, api.tenant)
        before = found(api.get(f"/events/{event_id}"))["runs"]
        path = f"/recurrences/{recurrence_id}{verb}"
        if query.get("scope") == "this" and before:  # mostly a date that has a run
            query = {**query, "date": before[int(query["date"][-2:]) % len(before)]["date"]}  # noqa: PLW2901

        preview = api.send(method, path, json=body, params={**query, "preview": "true"})
        between = found(api.get(f"/events/{event_id}"))["runs"]
        answer = api.send(method, path, json=body, params=query)
        after = found(api.get(f"/events/{event_id}"))["runs"]

        assert between == before
        assert preview.status_code == answer.status_code
        if answer.status_code != 200:
            assert answer.status_code == 409
            assert preview.json() == answer.json()
            assert after == before
            continue
        outcome = found(answer)
        assert {**outcome, "created": [without_id(run) for run in outcome["created"]]} == found(preview)
        lists = ("created", "moved", "kept", "cancelled", "unchanged")
        listed = [run for name in lists for run in outcome[name] if "deleted" not in run]
        gone = {run["_id"] for run in outcome["cancelled"] if "deleted" in run}
        listed_ids = {run["_id"] for run in listed}
        over = [run for run in before if run["_id"] not in listed_ids | gone]
        assert shown(after) == shown([*listed, *over])
        assert not any(is_ahead(api, run) for run in over)
        if api.get(f"/recurrences/{recurrence_id}").status_code == 410:
            return
        if worker_came:
            assert app.write(publish, api.tenant) == 0
