"""What JSON Schema cannot say about a request, for Schemathesis: `SCHEMATHESIS_HOOKS` names this module.

A schema describes one field at a time; some rules tie fields together. A generated request that fits the schema but breaks such a rule is rightly
refused with 422, so the rule is kept here, in the request, before it is sent. Requests that are meant to be wrong are left as they are.
A PATCH meets what is stored, which its body cannot know, so it is given both ends of whatever it changes.

Invented ids name nothing, and a 404 tests little: right requests are given the ids in `SCHEMATHESIS_KNOWN`, which nothing may delete.
For the same reason most idempotency keys are made to differ: the few that Schemathesis invents would answer nearly everything with 409.
"""

import itertools
import json
import os
from datetime import UTC, datetime
from typing import Any

import schemathesis
from schemathesis import Case, HookContext

KNOWN: dict[str, str] = json.loads(os.environ.get("SCHEMATHESIS_KNOWN", "{}"))
NUMBERS = itertools.count(1)
DAY = "2026-06-14"
RUNS = "/events/{eventId}/runs"
TRANSFER = "/registration/{registrationId}/transfer"
KEPT = (
    "/events/{eventId}",
    "/runs/{runId}",
    "/groups/{slug}",
    "/recurrences/{recurrenceId}",
    "/webhooks/{webhookId}",
)
BEGINNING = "c" + "0" * 12
NOWHERE = "http://127.0.0.1:9/"


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Make a request that fits its schema fit the rules between fields too."""
    path = case.operation.path
    if case.method == "DELETE" and path in KEPT:
        case.path_parameters = {
            name: "deleted" if value in KNOWN.values() else value for name, value in case.path_parameters.items()
        }
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    number = next(NUMBERS)
    key = case.headers.get("Idempotency-Key")
    if key is not None and number % 10:
        case.headers["Idempotency-Key"] = f"{key[:200]}-{number}"
    if case.meta.phase.name.value != "stateful" and not (case.method == "DELETE" and path in KEPT):
        # In stateful testing ids come from answers, and belong to what was made there.
        case.path_parameters = known(case.method, case.path_parameters)
        case.query = known(case.method, case.query)
        if isinstance(case.body, dict):
            case.body = known(case.method, case.body, but=("slug",))
    if case.query:
        case.query = asked(dict(case.query))
        if path == "/changes" and "after" in case.query:
            # No cursor is ahead of the feed.
            case.query["after"] = BEGINNING
    if path in (RUNS, TRANSFER) and not isinstance(case.body, dict):
        # No field of theirs is required, so a body may be left out; but one of several is.
        case.body, case.media_type = {}, "application/json"
    if isinstance(case.body, dict):
        case.body = mended(case.method, path, dict(case.body))
        if path.startswith("/recurrences") and case.query and case.query.get("scope") == "this":
            # One occurrence has a schedule of its own, and nothing else.
            case.body = {name: value for name, value in case.body.items() if name == "schedule"} or {
                "schedule": {"frequency": "daily"}
            }


def known(method: str, values: Any, but: tuple[str, ...] = ()) -> Any:
    """The values with known ids in them. What is changed has ids of its own, lest everything be closed, full or cancelled soon."""
    ids = KNOWN | {name.removeprefix(f"{method} "): id_ for name, id_ in KNOWN.items()}
    return values and {
        name: ids[name] if isinstance(value, str) and name in ids and name not in but else value
        for name, value in values.items()
    }


def asked(query: dict[str, Any]) -> dict[str, Any]:
    if query.get("after") is not None and query.get("before") is not None:
        # A page is asked for in one direction.
        del query["before"]
    if query.get("scope") in ("this", "following"):
        # Some occurrences are those of a date, or from a date on.
        query.setdefault("date", DAY)
    if "date" in query:
        query["date"] = near(query["date"])
    return query


def mended(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    if path in ("/events", "/events/{eventId}"):
        _event(body)
    elif path in (RUNS, "/runs/{runId}"):
        _run(body, new=method == "POST")
    elif path == "/registration/{registrationId}/swap-bib":
        # Nobody swaps with himself.
        body["registrationId"] = KNOWN.get("another", body["registrationId"])
    elif path == TRANSFER:
        # It goes to another run, which may be the same by chance, or to another person.
        body["email"] = f"stranger{next(NUMBERS)}@example.com"
    elif path.endswith("/check-in") and body.get("at") is not None:
        # Nobody has been checked in in the future, nor long before the run.
        body["at"] = datetime.now(UTC).isoformat()
    elif path.startswith("/registration"):
        _registration(body)
    elif path == "/recurrences/{recurrenceId}/skip":
        body["date"] = near(body["date"])
    elif path.startswith("/recurrences"):
        _recurrence(body)
    elif path in ("/webhooks", "/webhooks/{webhookId}") and "url" in body:
        # Nothing is sent beyond this machine.
        body["url"] = NOWHERE
    elif path.endswith(("/recover", "/replay")):
        # It begins in the last thirty days.
        body["since"] = datetime.now(UTC).isoformat()
    elif path == "/groups/{slug}":
        # A group that is called something else is not found by its old slug any more.
        body.pop("slug", None)
    return body


def near(date: str) -> str:
    """Dates of recurrences lie within three centuries."""
    return date if "1900" <= date < "2200" else DAY


def _event(body: dict[str, Any]) -> None:
    if {"date", "endDate", "startTime", "endTime"} & body.keys():
        # An event ends after it begins, by date and by time.
        first, last = sorted(
            (body.get("date") or body.get("endDate"), body.get("endDate") or body.get("date")), key=str
        )
        if first:
            body |= {"date": first, "endDate": last}
        begins, ends = body.get("startTime"), body.get("endTime")
        body |= dict(zip(("startTime", "endTime"), sorted((begins or ends, ends or begins), key=str), strict=True))
    if {"lat", "lng"} & body.keys():
        # A place has both coordinates or none.
        there = body.get("lat") is not None and body.get("lng") is not None
        body |= {} if there else {"lat": None, "lng": None}


def _run(body: dict[str, Any], *, new: bool) -> None:
    if (new or "distanceStandard" in body) and body.get("distanceMeters") is None:
        # Some standards, `Other` among them, have no length of their own.
        body["distanceMeters"] = 5000
    if {"registrationOpensAt", "registrationClosesAt"} & body.keys():
        # Registration closes after it opens; comparing instants of different offsets is not this test's matter.
        body |= {"registrationClosesAt": None}
    _bib_range(body)
    if body.get("paceGroups"):
        body["paceGroups"] = _unlike(body["paceGroups"], "name")
        for group in body["paceGroups"]:
            _bib_range(group)


def _bib_range(body: dict[str, Any]) -> None:
    if {"bibFrom", "bibTo"} & body.keys():
        # A range has its beginning, and ends after it.
        first, last = body.get("bibFrom"), body.get("bibTo")
        body["bibFrom"] = first if first is not None else last
        body["bibTo"] = None if last is None else max(body["bibFrom"], last)


def _registration(body: dict[str, Any]) -> None:
    if "status" in body and "registrationStatus" in body:
        # Two names of one thing cannot say two things.
        body["registrationStatus"] = body["status"]


def _recurrence(body: dict[str, Any]) -> None:
    if body.get("schedule"):
        body["schedule"] = _schedule(dict(body["schedule"]))
    if body.get("runTemplates"):
        body["runTemplates"] = [
            # As with runs: some standards have no length, and pace groups have different names.
            {**template, "distanceMeters": template.get("distanceMeters") or 5000}
            | ({"paceGroups": _unlike(template["paceGroups"], "name")} if template.get("paceGroups") else {})
            for template in _unlike(body["runTemplates"], "distanceLabel")
        ]


def _schedule(schedule: dict[str, Any]) -> dict[str, Any]:
    """Each frequency has fields of its own, and its longest interval; and a rule ends by date or by count."""
    foreign = {
        "daily": ("daysOfWeek", "dayOfMonth", "weekOfMonth"),
        "weekly": ("dayOfMonth", "weekOfMonth"),
        "monthly": ("daysOfWeek", "weekOfMonth"),
    }[schedule["frequency"]]
    for name in (*foreign, "until" if schedule.get("count") is not None else "count"):
        schedule.pop(name, None)
    if schedule["frequency"] == "monthly":
        schedule["dayOfMonth"] = schedule.get("dayOfMonth") or 1
    if "interval" in schedule:
        schedule["interval"] = min(schedule["interval"], 24)
    for name in ("startDate", "until"):
        # A rule ends after it begins.
        if schedule.get(name) is not None:
            schedule[name] = DAY
    for name in ("skipDates", "addDates"):
        if schedule.get(name):
            schedule[name] = [{"skipDates": "2026-06-15", "addDates": "2026-06-16"}[name]]
    return schedule


def _unlike(things: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Different names, for those that must differ."""
    return [
        {**thing, name: f"{number} {str(thing.get(name) or '')[:150]}".strip()} for number, thing in enumerate(things)
    ]
