"""How the partner API speaks, on one page.

Names: camelCase, `_id` for an object's id. Absent optional fields are left out, never null.
Dates: `YYYY-MM-DD`; wall-clock times `HH:MM` (`HH:MM:SS` taken too); instants ISO 8601, sent in UTC.
Success: `{"data": …}`; lists add `hasMore`. Failure: `{"error": {"code", "message", "errors"?, "retryAfter"?, "objectVersion"?}}`.
Paging: `limit` 1 to 100 (50), `after` and `before` take an `_id`, newest first; not both.
Auth: `Authorization: Bearer <key>`. Unknown fields and parameters are ignored. Any content type is read as JSON.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from openintervals import errors, instants
from openintervals.api.http import JSON, Api, Guard, Headers, Page
from openintervals.api.rules import Rule, Rules
from openintervals.platform import api_keys, ids, pages

PREFIX = "/partner"


class Wire(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What goes out: a projection of a record. Field names are column names, None is left out."""


class WireIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What comes in. UNSET is absent, None is null; unknown fields are ignored.

    `rules` say what must hold between the fields. `nulls` say what null means for a field that is never without a value.
    """

    rules: ClassVar[Rules] = ()
    nulls: ClassVar[Mapping[str, Any]] = {}

    def given(self) -> dict[str, Any]:
        """The fields that were sent, by column name."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {
            name: self.nulls.get(name) if value is None else value
            for name, value in values.items()
            if value is not msgspec.UNSET
        }


# Control characters and spaces, spelt out: every reader of the OpenAPI document has another idea of what \s is.
_SPACES = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"

Line = Annotated[
    str,
    msgspec.Meta(
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        extra={"message": "Must be one line of text without control characters"},
    ),
]
Title = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$",
        extra={"message": "Must be one line of text with at least one visible character"},
    ),
]
Prose = Annotated[
    str,
    msgspec.Meta(max_length=10_000, pattern=r"^[^\x00]*$", extra={"message": "Must not contain NUL characters"}),
]
Slug = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=100,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        extra={"message": "Must be lower-case letters, digits and single hyphens, such as summer-solstice-10k"},
        examples=["summer-solstice-10k"],
    ),
]
Email = Annotated[
    str,
    msgspec.Meta(
        max_length=254,
        pattern=rf"^[\t\n\r ]*[^{_SPACES}@]+@[^{_SPACES}@]+\.[^{_SPACES}@]+[\t\n\r ]*$",
        extra={"message": "Invalid email"},
        examples=["runner@example.com"],
    ),
]
Url = Annotated[
    str,
    msgspec.Meta(
        max_length=2000,
        pattern=rf"^https?://[^{_SPACES}/?#]+[^{_SPACES}]*$",
        extra={"message": "Invalid url: must begin with http:// or https://"},
        examples=["https://northshorerace.com/lakefront-5k"],
    ),
]
ClockTime = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$",
        extra={"message": "Invalid time, expected HH:MM or HH:MM:SS"},
        examples=["08:00"],
    ),
]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Capacity = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]

DateOut = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date"}, examples=["2026-06-14"])]
InstantOut = Annotated[
    str, msgspec.Meta(extra_json_schema={"format": "date-time"}, examples=["2026-03-01T08:00:00.000Z"])
]


def open_word(said: str, words: Sequence[str]) -> msgspec.Meta:
    """What is noted of a word in an answer that others may join: no enumeration, so that clients made from this document read them."""
    return msgspec.Meta(description=f"{said} {today(words)}", examples=[words[0]])


def today(words: Sequence[str]) -> str:
    """What is said of words that others may join."""
    return f"Today one of {', '.join(f'`{word}`' for word in words)}; more may be added."


Limit = Annotated[int, msgspec.Meta(ge=1, le=100, description="How many to answer at most.")]


def cursor(kind: str, noun: str) -> Any:
    """The type of a cursor parameter: an `_id` used as a position."""
    return Annotated[
        str,
        msgspec.Meta(
            pattern=ids.pattern(kind),
            extra={"message": f"Invalid cursor: expected the _id of {noun}"},
        ),
    ]


EventCursor = cursor(ids.EVENT, "an event")
RegistrationCursor = cursor(ids.REGISTRATION, "a registration")
RecurrenceCursor = cursor(ids.RECURRENCE, "a recurrence")
GroupCursor = cursor(ids.GROUP, "a group")
WebhookCursor = cursor(ids.WEBHOOK, "a webhook")

EventType = Literal["race", "runClub", "timeTrial", "other"]


def columns(given: dict[str, Any]) -> dict[str, Any]:
    """What came over the wire as columns: dates and instants as text, wall-clock times to the minute."""
    values = dict(given)
    for name, value in given.items():
        if isinstance(value, datetime.datetime):
            values[name] = instants.text(value)
        elif isinstance(value, datetime.date):
            values[name] = value.isoformat()
        elif name.startswith("local_") and value is not None:
            values[name] = value[:5]
    return values


def _one_direction(after: str | None, before: str | None) -> dict[str, list[str]]:
    if after is None or before is None:
        return {}
    both = ["Use either after or before, not both"]
    return {"after": both, "before": both}


PAGED: Rules = (Rule(("after", "before"), _one_direction),)
"""The rule of every query that asks for a page."""


def window(query: Any) -> pages.Window:
    """The page a list query asks for."""
    return pages.Window(limit=query.limit, after=query.after, before=query.before)


class Error(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What went wrong, and what to do about it."""

    code: Literal[
        "UNAUTHORIZED",
        "FORBIDDEN",
        "NOT_FOUND",
        "METHOD_NOT_ALLOWED",
        "CONFLICT",
        "GONE",
        "PAYLOAD_TOO_LARGE",
        "VALIDATION_ERROR",
        "RATE_LIMITED",
        "INTERNAL_ERROR",
        "UNAVAILABLE",
    ]
    message: str
    errors: Annotated[
        dict[str, list[str]] | None, msgspec.Meta(description="Everything wrong with the request, by field.")
    ] = None
    retry_after: Annotated[
        int | None, msgspec.Meta(description="When to come back, in milliseconds since 1970-01-01T00:00Z.")
    ] = None
    object_version: Annotated[
        int | None, msgspec.Meta(description="The version of the deletion, for an object that is gone.")
    ] = None


class ErrorEnvelope(msgspec.Struct, frozen=True):
    error: Error


class Data(msgspec.Struct, frozen=True):
    data: Any


STATUS: dict[type[errors.Failure], tuple[int, Any]] = {
    errors.Unauthenticated: (401, "UNAUTHORIZED"),
    errors.Forbidden: (403, "FORBIDDEN"),
    errors.NotFound: (404, "NOT_FOUND"),
    errors.Conflict: (409, "CONFLICT"),
    errors.Gone: (410, "GONE"),
    errors.TooLarge: (413, "PAYLOAD_TOO_LARGE"),
    errors.Invalid: (422, "VALIDATION_ERROR"),
    errors.TooMany: (429, "RATE_LIMITED"),
    errors.Unavailable: (503, "UNAVAILABLE"),
    errors.Failure: (500, "INTERNAL_ERROR"),
}

WIRE_NAMES = {
    "starts_on": "date",
    "ends_on": "endDate",
    "local_start": "startTime",
    "local_end": "endTime",
    "distance_m": "distanceMeters",
    "bib": "bibIdentifier",
}


def envelope(result: Any) -> Any:
    return result if isinstance(result, Page) else Data(result)


def failure(problem: errors.Failure) -> tuple[int, bytes, Headers]:
    """Status, body and headers of a failure."""
    status, code = next(STATUS[family] for family in type(problem).__mro__ if family in STATUS)
    headers = [JSON]
    fields = retry_after = object_version = None
    if isinstance(problem, errors.Invalid):
        fields = {wire_name(name): said for name, said in problem.fields.items()} or None
    elif isinstance(problem, errors.TooMany):
        retry_after = instants.milliseconds(problem.retry_at)
    elif isinstance(problem, errors.Gone):
        object_version = problem.version
    elif isinstance(problem, errors.Unauthenticated):
        headers.append((b"www-authenticate", b'Bearer realm="partner"'))
    if (wait_s := getattr(problem, "retry_after_s", None)) is not None:
        headers.append((b"retry-after", b"%d" % wait_s))
    return status, encode(code, problem.message, fields, retry_after, object_version), headers


def encode(
    code: Any,
    message: str,
    fields: dict[str, list[str]] | None = None,
    retry_after: int | None = None,
    object_version: int | None = None,
) -> bytes:
    return msgspec.json.encode(ErrorEnvelope(Error(code, message, fields, retry_after, object_version)))


def wire_name(column: str) -> str:
    """How this API spells a column; names that are the wire's already stay as they are."""
    if column in WIRE_NAMES:
        return WIRE_NAMES[column]
    first, *rest = column.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest) if first else column


partner = Api(
    PREFIX,
    envelope,
    failure,
    not_allowed=lambda said: encode("METHOD_NOT_ALLOWED", said),
    guard=Guard(key_in=api_keys.key_in, caller=api_keys.caller, refusal=api_keys.refusal, public=("/openapi",)),
    documents="/openapi.json",
)
