"""From bytes to structs: the published wording, every wrong field at once, and nothing but Invalid whatever comes."""

import datetime as dt
import json
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals import errors
from openintervals.api import shapes
from openintervals.api.partner import dialect
from openintervals.api.partner.dialect import WireIn
from openintervals.api.rules import Rule, Rules


class Inner(WireIn, frozen=True, kw_only=True):
    street: dialect.Line
    floors: Annotated[list[Annotated[int, msgspec.Meta(ge=0)]], msgspec.Meta(min_length=1, max_length=3)] = (
        msgspec.field(default_factory=lambda: [0])
    )


def ordered(day: dt.date | None, instant: dt.datetime | None) -> dict[str, list[str]]:
    if day is None or instant is None or instant.date() >= day:
        return {}
    return {"instant": ["Must not be before day"]}


def small(capacity: int | None, inner: Inner | None) -> dict[str, list[str]]:
    floors = len(inner.floors) if inner else 0
    return {"capacity": [f"Must be at least {floors}"]} if capacity is not None and capacity < floors else {}


def short(anything: msgspec.Raw) -> dict[str, list[str]]:
    return {"anything": ["Too long"]} if len(bytes(anything)) > 50 else {}


class Sample(WireIn, frozen=True, kw_only=True):
    """One field of every kind that requests have."""

    rules: ClassVar[Rules] = (
        Rule(("day", "instant"), ordered),
        Rule(("capacity", "inner"), small),
        Rule(("anything",), short),
    )

    title: dialect.Title
    slug: dialect.Slug | None = None
    kind: Literal["free", "paid", "comp"] | None = None
    email: dialect.Email | msgspec.UnsetType = msgspec.UNSET
    url: dialect.Url | None = None
    at: dialect.ClockTime | None = None
    day: dt.date | None = None
    instant: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None
    lat: dialect.Latitude | None = None
    capacity: dialect.Capacity | None | msgspec.UnsetType = msgspec.UNSET
    flag: bool | None = None
    prose: dialect.Prose | None = None
    inner: Inner | None = None
    reference: str | None = None
    anything: msgspec.Raw = msgspec.Raw()


class Query(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    event_id: str
    limit: dialect.Limit = 50
    after: dialect.EventCursor | None = None
    kind: Literal["free", "paid", "comp"] | None = None
    day: dt.date | None = None
    flag: bool | None = None


def wrong(**fields: Any) -> dict[str, list[str]]:
    """What is said about a body that has these fields besides a right title."""
    with pytest.raises(errors.Invalid) as refusal:
        shapes.body(Sample, json.dumps({"title": "Right", **fields}).encode())
    assert refusal.value.message == "Invalid request body"
    return refusal.value.fields


def wrong_query(text: str) -> dict[str, list[str]]:
    with pytest.raises(errors.Invalid) as refusal:
        shapes.query(Query, parse_qsl(text, keep_blank_values=True))
    assert refusal.value.message == "Invalid request parameters"
    return refusal.value.fields


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", None, "Expected string, received null"),
        ("title", 5, "Expected string, received number"),
        ("title", True, "Expected string, received boolean"),
        ("title", [], "Expected string, received array"),
        ("title", {}, "Expected string, received object"),
        ("title", "", "String must contain at least 1 character(s)"),
        ("title", "x" * 201, "String must contain at most 200 character(s)"),
        ("title", "a\nb", "Must be one line of text with at least one visible character"),
        ("title", "right\n", "Must be one line of text with at least one visible character"),
        ("title", "\0", "Must be one line of text with at least one visible character"),
        ("slug", "Not A Slug", "Must be lower-case letters, digits and single hyphens, such as summer-solstice-10k"),
        ("slug", "trailing\n", "Must be lower-case letters, digits and single hyphens, such as summer-solstice-10k"),
        ("kind", "gratis", "Invalid enum value. Expected 'free' | 'paid' | 'comp', received 'gratis'"),
        ("kind", 1, "Expected 'free' | 'paid' | 'comp', received number"),
        ("email", "no", "Invalid email"),
        ("email", None, "Expected string, received null"),
        ("url", "ftp://example.com", "Invalid url: must begin with http:// or https://"),
        ("at", "24:00", "Invalid time, expected HH:MM or HH:MM:SS"),
        ("day", "2025-02-30", "Invalid date, expected a day of the calendar as YYYY-MM-DD"),
        ("day", "2025-W01-1", "Invalid date, expected a day of the calendar as YYYY-MM-DD"),
        ("day", "20250201", "Invalid date, expected a day of the calendar as YYYY-MM-DD"),
        ("day", 20250201, "Expected string, received number"),
        (
            "instant",
            "2026-03-01T09:00:00",
            "Invalid datetime, expected ISO 8601 with an offset such as 2026-03-01T09:00:00+01:00",
        ),
        ("lat", "0", "Expected number, received string"),
        ("lat", True, "Expected number, received boolean"),
        ("lat", 90.5, "Number must be less than or equal to 90"),
        ("lat", -91, "Number must be greater than or equal to -90"),
        ("capacity", -1, "Number must be greater than or equal to 0"),
        ("capacity", 10**30, "Number must be less than or equal to 1000000"),
        ("capacity", 1.5, "Expected integer, received float"),
        ("flag", "true", "Expected boolean, received string"),
        ("flag", 0, "Expected boolean, received number"),
        ("reference", "nul \0 inside", "Must not contain NUL characters"),
        ("prose", "nul \0 inside", "Must not contain NUL characters"),
        ("inner", [], "Expected object, received array"),
    ],
)
def test_a_wrong_field_is_told_in_the_published_wording(field: str, value: Any, said: str) -> None:
    assert wrong(**{field: value}) == {field: [said]}


def test_a_missing_field_is_required() -> None:
    with pytest.raises(errors.Invalid) as refusal:
        shapes.body(Sample, b"{}")

    assert refusal.value.fields == {"title": ["Required"]}


LATE = {"day": "2026-06-15", "instant": "2026-06-14T07:00:00Z"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (LATE, {"instant"}),
        ({**LATE, "slug": "No Slug"}, {"instant", "slug"}),
        ({**LATE, "prose": "ä"}, {"instant"}),
        ({**LATE, "day": "soon"}, {"day"}),
        ({"day": "soon", "capacity": 1.0, "inner": {"street": "x", "floors": [1, 2]}}, {"day", "capacity"}),
        ({"capacity": 0, "inner": {"street": "x"}}, {"capacity"}),
        ({"capacity": 0, "inner": {"street": 5}}, {"inner.street"}),
        ({"inner": {"street": "x", "floors": [1, 2]}, "slug": "No Slug"}, {"slug"}),
        ({"anything": {"a": "x" * 50}, "kind": "comp"}, {"anything"}),
        ({"anything": {"a": "x" * 50}, "kind": "gratis"}, {"anything", "kind"}),
    ],
)
def test_what_is_between_right_fields_is_told_with_the_wrong_ones(fields: dict[str, Any], said: set[str]) -> None:
    assert set(wrong(**fields)) == said


def test_a_rule_sees_what_is_kept_raw_as_it_was_sent() -> None:
    raw = b'{"title": "", "anything": {"a":%s1}}' % (b" " * 50)

    with pytest.raises(errors.Invalid) as refusal:
        shapes.body(Sample, raw)

    assert set(refusal.value.fields) == {"title", "anything"}


def test_a_rule_about_a_field_that_was_left_out_is_not_asked() -> None:
    taken = shapes.body(Sample, b'{"title": "Right", "inner": {"street": "x", "floors": [1, 2]}}')

    assert taken.capacity is msgspec.UNSET


def test_an_empty_body_is_an_empty_object() -> None:
    with pytest.raises(errors.Invalid) as refusal:
        shapes.body(Sample, b"")

    assert refusal.value.fields == {"title": ["Required"]}


def test_all_wrong_fields_are_told_at_once_also_inside() -> None:
    said = wrong(slug="A", capacity=-1, inner={"floors": [1, -2, "three"]}, day="soon", kind=None)

    assert said == {
        "slug": ["Must be lower-case letters, digits and single hyphens, such as summer-solstice-10k"],
        "capacity": ["Number must be greater than or equal to 0"],
        "inner.street": ["Required"],
        "inner.floors.1": ["Number must be greater than or equal to 0"],
        "inner.floors.2": ["Expected number, received string"],
        "day": ["Invalid date, expected a day of the calendar as YYYY-MM-DD"],
    }


@pytest.mark.parametrize(
    ("floors", "said"),
    [
        ([], {"inner.floors": ["Array must contain at least 1 element(s)"]}),
        ([1] * 4, {"inner.floors": ["Array must contain at most 3 element(s)"]}),
        (7, {"inner.floors": ["Expected array, received number"]}),
    ],
)
def test_a_list_has_its_bounds(floors: Any, said: dict[str, list[str]]) -> None:
    assert wrong(inner={"street": "x", "floors": floors}) == said


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[]", "Expected object, received array"),
        (b"null", "Expected object, received null"),
        (b'"text"', "Expected object, received string"),
        (b"\xff", "Malformed JSON: "),
        (b'{"title": ', "Malformed JSON: "),
        (b'{"title": "x"} trailing', "Malformed JSON: "),
        (b'{"title": NaN}', "Malformed JSON: "),
        (b'{"title": "x", "lat": 1e999}', "Malformed JSON: "),
        (b'{"title": "\\ud800"}', "Malformed JSON: half a surrogate pair"),
        (b'{"title": "\\uD83D\\uDE00 \\uDE00"}', "Malformed JSON: half a surrogate pair"),
        (b'{"title": "\\ud800 \\ud83d\\ude00"}', "Malformed JSON: half a surrogate pair"),
        (b'{"title": "\\uD83D\\uDE00 \\\\ud800', "Malformed JSON: Input data was truncated"),
        (b'{"title": "x", "anything": {"a": "\xff"}}', "Malformed JSON: the text is not UTF-8"),
        (b'{"title": "x", "anything": {"a": "\\udc00"}}', "Malformed JSON: half a surrogate pair"),
        (b'{"title": "x", "anything": ' + b"[" * 65 + b"]" * 65 + b"}", "JSON is nested deeper than 64 levels"),
        (b"[" * 1_000_000, "JSON is nested deeper than 64 levels"),
        (b'{"a":' * 100_000, "JSON is nested deeper than 64 levels"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_json_object_is_told_as_the_body_s_fault(raw: bytes, said: str) -> None:
    with pytest.raises(errors.Invalid) as refusal:
        shapes.body(Sample, raw)

    assert set(refusal.value.fields) == {"body"}
    assert refusal.value.fields["body"][0].startswith(said)


def test_brackets_inside_strings_are_no_nesting() -> None:
    raw = json.dumps({"title": "[" * 100 + '\\"{', "prose": "{" * 500}).encode()

    assert shapes.body(Sample, raw).prose == "{" * 500


def test_a_string_without_an_end_is_looked_at_once() -> None:
    raw = b"[" * 65 + b'"' + b'\\"' * 400_000

    # At every quote anew it would take hours; that it ends at all is the test.
    with pytest.raises(errors.Invalid, match="Invalid request body"):
        shapes.body(Sample, raw)


def test_unknown_fields_and_nulls_of_optional_ones_are_taken() -> None:
    raw = b'{"title": "Right", "seriesId": {"any": ["thing"]}, "slug": null, "capacity": null, "day": "2026-06-14"}'

    taken = shapes.body(Sample, raw)

    assert taken.given()["capacity"] is None
    assert taken.given()["day"] == dt.date(2026, 6, 14)
    assert "email" not in taken.given()


def test_what_is_kept_raw_stays_byte_for_byte() -> None:
    taken = shapes.body(
        Sample, '{"title": "Ä\\n\\u00e4 x", "anything": { "b" : 1.50, "a":"ü\\u0000"}}'.encode().replace(b"\\n", b"")
    )

    assert bytes(taken.anything) == '{ "b" : 1.50, "a":"ü\\u0000"}'.encode()


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("", "eventId", "Required"),
        ("eventId=%00", "eventId", "Must not contain NUL characters"),
        ("eventId=e&limit=0", "limit", "Number must be greater than or equal to 1"),
        ("eventId=e&limit=101", "limit", "Number must be less than or equal to 100"),
        ("eventId=e&limit=1.5", "limit", "Expected integer, received float"),
        ("eventId=e&limit=abc", "limit", "Expected number, received nan"),
        ("eventId=e&limit=", "limit", "Expected number, received nan"),
        ("eventId=e&limit=1e1", "limit", "Expected number, received nan"),
        ("eventId=e&limit=%D9%A3", "limit", "Expected number, received nan"),
        ("eventId=e&limit=1&limit=2", "limit", "Expected one value, received several"),
        ("eventId=e&limit=x&limit=2", "limit", "Expected one value, received several"),
        ("eventId=e&kind=", "kind", "Invalid enum value. Expected 'free' | 'paid' | 'comp', received ''"),
        ("eventId=e&day=2025-02-30", "day", "Invalid date, expected a day of the calendar as YYYY-MM-DD"),
        ("eventId=e&day=2025-W01-1", "day", "Invalid date, expected a day of the calendar as YYYY-MM-DD"),
        ("eventId=e&flag=yes", "flag", "Expected boolean, received string"),
        ("eventId=e&after=r01kjma0fm0ka8nvpc8d1", "after", "Invalid cursor: expected the _id of an event"),
        ("eventId=e&after=e01kjma0fm0ka8nvpc8d1%0A", "after", "Invalid cursor: expected the _id of an event"),
    ],
)
def test_a_wrong_parameter_is_told_in_the_published_wording(text: str, field: str, said: str) -> None:
    assert wrong_query(text) == {field: [said]}


def test_all_wrong_parameters_are_told_at_once() -> None:
    assert set(wrong_query("limit=0&kind=x&day=x&after=x&flag=x")) == {
        "eventId",
        "limit",
        "kind",
        "day",
        "after",
        "flag",
    }


def test_a_whole_number_may_be_written_with_a_point() -> None:
    taken = shapes.body(Sample, b'{"title": "Right", "capacity": 20.0}')

    assert taken.capacity == 20


class Counted(WireIn, frozen=True, kw_only=True):
    """Whole numbers that no bound keeps small."""

    count: int | None = None
    counts: list[int] | None = None


@pytest.mark.parametrize("number", ["1e308", "-1e308", "9007199254740994.0"])
def test_a_number_with_a_point_that_is_not_exact_is_no_whole_number(number: str) -> None:
    with pytest.raises(errors.Invalid) as refusal:
        shapes.body(Counted, f'{{"count": {number}, "counts": [1, {number}]}}'.encode())

    assert refusal.value.fields == {name: ["Expected integer, received float"] for name in ("count", "counts.1")}


def test_of_a_long_list_the_first_wrong_items_are_named() -> None:
    with pytest.raises(errors.Invalid) as refusal:
        shapes.body(Counted, json.dumps({"counts": [7] + ["x"] * 5_000}).encode())

    assert list(refusal.value.fields) == [f"counts.{place}" for place in range(1, 1 + shapes.WRONG_MOST)]


def test_unknown_parameters_are_ignored_even_when_repeated() -> None:
    taken = shapes.query(Query, [("eventId", "e"), ("seriesId", "1"), ("seriesId", "2"), ("flag", "true")])

    assert taken == Query(event_id="e", flag=True)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from([field.encode_name for field in msgspec.structs.fields(Sample)])
likely = st.sampled_from(
    ["", "a", "a\n", "\0", "2026-06-14", "08:00", "free", "a@b.co", "http://x", 0, 1.0, -1, 10**20, 1e300, True, None]
)


@given(st.dictionaries(names, likely | json_values, max_size=6))
def test_any_json_object_gives_a_struct_or_invalid(value: dict[str, Any]) -> None:
    raw = json.dumps(value).encode()

    try:
        taken = shapes.body(Sample, raw)
    except errors.Invalid as refusal:
        assert refusal.fields  # noqa: PT017 — either way is right, and each has its law
    else:
        assert set(taken.given()) >= {name for name in value if name != "anything"}


@given(json_values)
def test_any_json_gives_a_struct_or_invalid(value: Any) -> None:
    with pytest.raises(errors.Invalid) as refusal:
        shapes.body(Query, json.dumps(value).encode())

    assert refusal.value.fields


@given(st.binary(max_size=60) | st.text('{}[]",:\\0n', max_size=200).map(str.encode))
def test_any_bytes_give_a_struct_or_invalid(raw: bytes) -> None:
    with pytest.raises(errors.Invalid):
        shapes.body(Sample, raw)


@given(
    st.lists(
        st.tuples(st.sampled_from(["eventId", "limit", "after", "kind", "day", "flag", "?"]), st.text(max_size=25))
    )
)
def test_any_query_gives_a_struct_or_invalid(pairs: list[tuple[str, str]]) -> None:
    given_pairs = parse_qsl(urlencode(pairs, errors="replace"), keep_blank_values=True)

    try:
        taken = shapes.query(Query, given_pairs)
    except errors.Invalid as refusal:
        assert refusal.fields  # noqa: PT017 — either way is right, and each has its law
    else:
        assert 1 <= taken.limit <= 100
