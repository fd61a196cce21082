"""What every operation of the Intervals.icu API has in common, whichever there are: a new one joins by being declared.

An operation with a new kind of path parameter, or that needs a body or a query to succeed, needs a line in `NAMES`, `BODIES` or `QUERIES`, and its
test says so by failing.
"""

import itertools
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import pytest

from openintervals.api.http import Operation
from openintervals.api.icu import documents
from openintervals.api.icu.dialect import icu
from openintervals.training.athlete_keys import SCOPES
from tests import databases
from tests.api.icu import contract
from tests.athletes import Athlete, join, refused
from tests.servers import START, Application
from tests.training import people

OPERATIONS = [(operation, ext) for operation in icu.operations for ext in operation.ext]
OURS = {
    "GET /athlete/{}/changes": "not part of the original",
    "GET /athlete/{}/sport-settings/{}/apply": "not part of the original, which says nothing of how far it is",
    "GET /activity/{}/laps": "not part of the original",
    "GET /activities/{}/laps.csv": "another path to the same",
}
ADDITIVE = {
    "SportSettings": {"valid_from"},
    "Activity": {"updated", "warnings", "possible_duplicate_of"},
    "UploadResponse": {"refused"},
}


def world(app: Application) -> Athlete:
    """An athlete; what operations name comes when it is asked for."""
    app.clock.now = START
    return join(app)


@cache
def ride() -> bytes:
    """A ride of twenty minutes, as a device writes it."""
    return people.fit(1200, watts=200)


def activity(athlete: Athlete) -> str:
    """The id of an athlete's ride, which is uploaded when it is not there."""
    answer = athlete.send("POST", "/athlete/0/activities", files={"file": ("ride.fit", ride())})
    return str(answer.json()["id"])


def tombstone(athlete: Athlete) -> str:
    said = activity(athlete)
    athlete.delete(f"/activity/{said}")
    return said


NAMES: dict[str, Callable[[Athlete], str]] = {
    "athlete_id": lambda athlete: athlete.id,
    "activity_id": activity,
    "tombstone_id": tombstone,
    "ids": activity,
    "interval_id": lambda athlete: "1",
    "settings_id": lambda athlete: "Ride",
    "device_class": lambda athlete: "desktop",
}
BODIES: dict[str, Any] = {
    "create_sport_settings": {"types": ["Rowing"]},
    "update_sport_settings_multi": [{"id": "Ride", "ftp": 250}],
    "create_manual_activity": {"start_date_local": "2026-06-01T08:00:00", "type": "Ride"},
    "create_multiple_manual_activities": [{"start_date_local": "2026-06-01T08:00:00", "type": "Ride"}],
    "update_activity_streams": [{"type": "watts", "data": [210] * 1200}],
    "update_intervals": [{"start_index": 100, "end_index": 400, "label": "Hard"}],
    "update_interval": {"end_index": 500},
    "delete_intervals": [{"start_index": 0, "end_index": 600}],
}
QUERIES: dict[str, dict[str, str]] = {
    "list_activities": {"oldest": "2020-01-01", "newest": "2030-01-01"},
    "search_for_activities": {"q": "ride"},
    "search_for_activities_full": {"q": "ride"},
    "search_for_intervals": {"minSecs": "1", "maxSecs": "9999", "minIntensity": "0", "maxIntensity": "999"},
    "split_interval": {"splitAt": "300"},
    "get_interval_stats": {"start_index": "100", "end_index": "400"},
    "find_best_efforts": {"stream": "watts", "duration": "60"},
    "get_activity_map": {"weather": "true"},
    "list_athlete_power_curves": {"curves": "all,all-kj0,1y", "subMaxEfforts": "1", "includeRanks": "true"},
    "list_athlete_hr_curves": {"curves": "all", "f1": '[{"field_id": "indoor", "value": "outdoor"}]'},
    "list_athlete_pace_curves": {"curves": "all", "type": "Ride"},
    "list_activity_power_curves": {"oldest": "2020-01-01", "newest": "2030-01-01", "secs": "5,60,300"},
    "list_activity_hr_curves": {"oldest": "2020-01-01", "newest": "2030-01-01"},
    "list_activity_pace_curves": {"oldest": "2020-01-01", "newest": "2030-01-01"},
    "get_power_hr_curve": {"start": "2020-01-01", "end": "2030-01-01"},
}
FILES: dict[str, Callable[[], tuple[str, bytes]]] = {
    "upload_activity": lambda: ("ride.fit", ride()),
    "upload_activity_streams_csv": lambda: ("streams.csv", b"watts\n" + b"210\n" * 1200),
}


def request(athlete: Athlete, operation: Operation, ext: str = "") -> tuple[str, str, dict[str, Any]]:
    names = {name: NAMES[name](athlete) for name in operation.path_parameters}
    if operation.name == "get_application" and athlete.get(operation.path.format(**names)).status_code == 404:
        athlete.put(operation.path.format(**names))
    options: dict[str, Any] = {}
    if operation.name in QUERIES:
        options["params"] = QUERIES[operation.name]
    elif operation.name == "list_activities_around":
        options["params"] = {"activity_id": activity(athlete)}
    elif operation.name == "download_activity_fit_files":
        options["params"] = {"ids": activity(athlete)}
    if operation.name in FILES:
        options["files"] = {"file": FILES[operation.name]()}
    if operation.body is not None:
        options["json"] = BODIES.get(operation.name, {})
    return operation.method, operation.path.format(**names) + ext, options


def ask(athlete: Athlete, asked: tuple[str, str, dict[str, Any]], **more: Any) -> httpx.Response:
    method, path, options = asked
    return athlete.send(method, path, **options, **more)


def named(given: Any) -> str:
    return f"{given.method} {given.path}" if isinstance(given, Operation) else given or "-"


def _stored(url: str, operation: Operation) -> str:
    """A hash of everything stored, of which an operation that only reads can change nothing."""
    return databases.fingerprint(url) if operation.writes else ""


every = pytest.mark.parametrize(("operation", "ext"), OPERATIONS, ids=named)
once = pytest.mark.parametrize(
    ("operation", "ext"), [each for each in OPERATIONS if each[1] == each[0].ext[0]], ids=named
)
"""Each operation under one of its suffixes: what is before the handler is the same for all."""


@contract.there
@every
def test_an_answer_is_what_the_contract_says(app: Application, operation: Operation, ext: str) -> None:
    place = f"{operation.method} {contract.shape(operation.path)}"
    published = contract.operations().get(place + ("{ext}" if len(operation.ext) > 1 else ""))
    if published is None:
        assert place in OURS, f"{place} is not in the contract"
        return
    schema = contract.answer_of(published)

    athlete = world(app)
    activity(athlete)

    answer = ask(athlete, request(athlete, operation, ext))

    assert answer.status_code in (operation.status, 200), answer.text
    if schema is None or ext == ".csv":
        return
    body = answer.json()
    additive = set().union(*ADDITIVE.values()) if "ref" in json.dumps(schema) else set()
    assert contract.problems(schema, body) == []
    assert contract.unknown(schema, body) <= additive
    assert contract.missing(schema, body) == set()


@every
def test_an_answer_fits_the_schema_it_is_documented_with(app: Application, operation: Operation, ext: str) -> None:
    athlete = world(app)
    activity(athlete)

    method, path, options = request(athlete, operation, ext)
    if operation.query is not None and "intervals" in operation.query.__struct_fields__:
        options["params"] = {"intervals": "true"}
    answer = athlete.send(method, path, **options)

    documented = documents.document()["paths"][operation.path + ext][operation.method.lower()]["responses"]
    content = documented[str(answer.status_code)]["content"]
    assert answer.headers["content-type"].partition(";")[0] in content
    if "application/json" in content:
        whole = {**content["application/json"]["schema"], "components": documents.document()["components"]}
        problems = jsonschema_rs.Draft202012Validator(whole).iter_errors(answer.json())
        assert [problem.message[:300] for problem in problems] == []


@once
def test_without_a_key_it_is_401(app: Application, module_url: str, operation: Operation, ext: str) -> None:
    asked = request(world(app), operation, ext)
    before = _stored(module_url, operation)

    answer = ask(Athlete(app, "", ""), asked, auth=None)

    assert "API_KEY" in refused(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert _stored(module_url, operation) == before


@once
def test_what_is_somebody_elses_is_out_of_reach(
    app: Application, module_url: str, operation: Operation, ext: str
) -> None:
    theirs, mine = world(app), world(app)
    asked = request(theirs, operation, ext)
    before = _stored(module_url, operation)

    answer = ask(mine, asked)

    if set(operation.path_parameters) & set(icu.reach):
        assert answer.status_code in (403, 404), answer.text
        assert _stored(module_url, operation) == before
    else:
        assert theirs.id not in answer.text


@once
def test_a_coach_gets_the_same_answer_as_the_athlete(app: Application, operation: Operation, ext: str) -> None:
    if operation.writes or not set(operation.path_parameters) & set(icu.reach):
        return
    athlete, coach = world(app), world(app)
    coach.coaches(athlete)

    theirs, own = (ask(who, request(athlete, operation, ext)) for who in (coach, athlete))

    assert theirs.content == own.content


STRANGE = ("x", "%00", "..%2F..", "%F0%9F%8F%83", "x" * 3000, "' OR 1=1 --", "%ff", "-1")


@once
def test_a_strange_name_in_the_path_is_404(app: Application, operation: Operation, ext: str) -> None:
    if operation.name == "get_settings":  # any kind of device has settings, and there is nothing in them
        return
    if operation.name == "get_activities":  # ids of no activity are passed over
        return
    athlete = world(app)
    for name, strange in itertools.product(operation.path_parameters, STRANGE):
        method, _, options = request(athlete, operation, ext)
        names = {each: NAMES[each](athlete) for each in operation.path_parameters} | {name: strange}

        answer = athlete.send(method, operation.path.format(**names) + ext, **options)

        assert answer.status_code in (404, 405), f"{strange}: {answer.text}"


@once
def test_a_body_that_is_none_is_refused(app: Application, module_url: str, operation: Operation, ext: str) -> None:
    if operation.body is None:
        return
    athlete = world(app)
    method, path, _ = request(athlete, operation, ext)
    before = _stored(module_url, operation)

    for body, status in (
        (b"{", 422),
        (b"7", 422),
        (b"\xff", 422),
        (b"[" * 200_000, 422),
        (b" " * (operation.body_most + 1), 413),
    ):
        refused(athlete.send(method, path, content=body), status)
    assert _stored(module_url, operation) == before


def test_every_scope_asked_for_is_one_there_is() -> None:
    assert {operation.scope for operation in icu.operations} - {None} <= set(SCOPES)


def test_what_reads_takes_a_read_and_a_read_scope() -> None:
    wrong = [
        named(operation)
        for operation in icu.operations
        if operation.scope is not None and operation.writes is not operation.scope.endswith(":WRITE")
    ]

    assert not wrong


@once
def test_unknown_parameters_and_fields_are_ignored(app: Application, operation: Operation, ext: str) -> None:
    athlete = world(app)
    method, path, options = request(athlete, operation, ext)
    if isinstance(options.get("json"), dict):
        options["json"] = {**options["json"], "resting_h_r": {"a": [1]}}
    params = {**options.pop("params", {}), "ext": "", "calendar_id": "1", "streams": "watts"}

    answer = athlete.send(method, path, params=params, **options)

    assert answer.status_code in (operation.status, 200), f"{path}: {answer.text}"
