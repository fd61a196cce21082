"""The Intervals.icu API's own OpenAPI documents: 3.1 at `/api/v1/docs` and 3.0 at `/api/v1/docs-3.0`, served without a key.

Everything about a route comes from its declaration, so that what the published file has wrong is right here: an activity's id is text everywhere,
files come as multipart/form-data, what may be left out is not required. Here is only what the dialect adds.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from litestar.handlers import HTTPRouteHandler
from msgspec import UNSET

import openintervals
from openintervals import errors
from openintervals.api import openapi, openapi_3_0, served
from openintervals.api.exchange import Runtime
from openintervals.api.http import Operation
from openintervals.api.icu import dialect
from openintervals.api.icu.dialect import icu
from openintervals.api.openapi_schemas import Schema, Schemas
from openintervals.training import athlete_keys

DESCRIPTION = """\
Read and write an athlete's training, in the words of the Intervals.icu API v1: a client of that works here by changing its base URL.

**Names** are snake_case for the most part. What has no value is null in a full object; where `fields` names the keys, nulls are left out. Fields and
parameters that the server does not know are ignored, and new ones may be added to answers.

**Units** are seconds, metres, metres a second, kilograms and watts; paces are speeds.

**Dates** are local days `YYYY-MM-DD` and wall time `YYYY-MM-DDTHH:MM:SS` without a zone; `created`, `updated` and the like are in UTC.

**Athletes** are called `i` and digits, or the digits alone; `0` is the athlete whose key it is. A coach's key reaches the athletes coached.

**Changing** something takes only what is to change; -1 clears a number, an empty text or null whatever can be without a value.

**Failure** is `{"status", "error"}`; the text says what is wrong, and what would have worked.

**Repeating a request** is safe with an `Idempotency-Key`: it takes effect once, and the same answer comes back for 24 hours.
"""

TAGS = {
    "Athletes": "Oneself, and whom one coaches.",
    "Sports": "Thresholds and zones for groups of sports, and since when they count.",
    "Activities": "What was done: files in, numbers, streams, intervals and curves out.",
    "Changes": "What changes, to be followed. Not part of the original.",
}

FAILURES: dict[type[errors.Failure], str] = {
    errors.Unauthenticated: "No valid key came with the request; the text says which way would work.",
    errors.Forbidden: "The key is good, but does not reach this athlete, or may not do this.",
    errors.NotFound: "There is no such object.",
    errors.Conflict: "The request is right, but the present state does not allow it.",
    errors.TooLarge: "The body is larger than the server takes here.",
    errors.Invalid: "The request itself is wrong; the text names every wrong field.",
    errors.TooMany: "Over the rate limit; `Retry-After` says when to come back.",
    errors.Failure: "Something went wrong on the server.",
    errors.Unavailable: "The server cannot do it just now; nothing was changed.",
}
REFUSED: dict[str, str] = {
    "Unauthenticated": athlete_keys.refusal(None),
    "Forbidden": f"{dialect.DENIED}: this key is that of i890250906429052, and reaches that athlete and those it coaches",
    "NotFound": "No such athlete",
    "Conflict": "The present state does not allow this",
    "TooLarge": "The request body is larger than 1 MiB; send less at once",
    "Invalid": "Invalid request body: ftp: Expected number, received string",
    "TooMany": "Rate limit exceeded",
    "Failure": "Something went wrong on the server; quote the X-Request-Id to its operator",
    "Unavailable": "The server is busy; try again in a second",
}
PARAMETERS = {
    "athlete_id": "The athlete's id: `i` and digits, the digits alone, or `0` for the athlete whose key it is.",
    "activity_id": "The activity's id: `i` and digits, or the digits alone.",
    "tombstone_id": "The id that the deleted activity had.",
    "ids": "Ids of activities, joined by commas.",
    "interval_id": "The number of an interval, as its `id` says it.",
    "settings_id": "The id of sport settings, or the name of a sport they are for.",
    "device_class": "`phone`, `tablet` or `desktop`.",
}
WORDS: dict[str, Any] = {
    "athlete_id": "i890250906429052",
    "settings_id": "Ride",
    "device_class": "desktop",
    "name": "Alex Johnson",
    "email": "alex@example.com",
    "sex": "F",
    "timezone": "Europe/Berlin",
    "icu_date_of_birth": "1990-05-17",
    "icu_weight": 62.5,
    "weight": 62.5,
    "icu_resting_hr": 48,
    "types": ["Ride", "VirtualRide"],
    "ftp": 250,
    "indoor_ftp": 240,
    "lthr": 168,
    "max_hr": 187,
    "threshold_pace": 3.8,
    "power_zones": [55, 75, 90, 105, 120, 150, 999],
    "hr_zones": [136, 150, 156, 166, 171, 176, 187],
    "pace_zones": [77.5, 87.7, 94.3, 100.0, 103.4, 111.5, 999.0],
    "distances": [400.0, 1000.0, 5000.0],
    "defaults": [400.0, 1000.0],
}
ATHLETE = "i890250906429052"
IDS = {"Athlete": ATHLETE, "Change": ATHLETE, "SportSettings": 2}
"""Example ids by how the component's name begins."""


def words(component: str, name: str) -> Any:
    """What a field called `name` of `component` may hold in an example, or UNSET."""
    if component == "message":
        return REFUSED[name]
    if name == "id":
        return next((id_ for kind, id_ in IDS.items() if component.startswith(kind)), UNSET)
    return WORDS.get(name, UNSET)


def _refused(status: int, _: str, message: str, __: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": status, "error": message}


def _envelope(schemas: Schemas, _: Operation, content: Any) -> Schema:
    return schemas.of(content, "out")


ABOUT = openapi.About(
    title="Open Intervals: the Intervals.icu API",
    version=openintervals.__version__,
    description=DESCRIPTION,
    tags=TAGS,
    parameters=PARAMETERS,
    failures={family: (dialect.STATUS[family], "", said) for family, said in FAILURES.items()},
    error=dialect.Error,
    refused=_refused,
    schemes={
        "basicAuth": {
            "type": "http",
            "scheme": "basic",
            "description": "An athlete's key: the user is literally `API_KEY`, the password is the key. It may do everything.",
        },
        "bearerAuth": {
            "type": "http",
            "scheme": "bearer",
            "description": openapi.scopes_described(
                "The same key, as `Authorization: Bearer <key>`. What a key may do is in scopes, of which an athlete's own has all:",
                athlete_keys.SCOPES,
            ),
        },
    },
    challenge='Basic realm="API_KEY", charset="UTF-8"',
    spell=str,
    envelope=_envelope,
    words=words,
)


@cache
def document(public_url: str = "") -> Schema:
    """The OpenAPI 3.1 document."""
    return openapi.document(icu, ABOUT, public_url=public_url)


def icu_json(public_url: str = "") -> str:
    """docs/openapi/intervals-icu.json"""
    return served.printed(document(public_url))


def icu_3_0_json(public_url: str = "") -> str:
    """docs/openapi/intervals-icu-3.0.json"""
    return served.printed(openapi_3_0.downgrade(document(public_url)))


def routes(runtime: Runtime) -> list[HTTPRouteHandler]:
    """Both documents."""
    made = {"/docs": icu_json, "/docs-3.0": icu_3_0_json}
    return [served.route(dialect.PREFIX + path, text, runtime) for path, text in made.items()]
