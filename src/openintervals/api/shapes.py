"""From JSON and query strings to structs, and from what is wrong with them to words: every wrong field at once.

msgspec decodes a right request in one pass. It stops at the first fault of a wrong one, so a request it refuses is walked again here,
field by field along the struct's own type, in the wording of the published examples (that of the Zod 3 validator).
What must hold between fields a struct declares as its `rules`; they are asked in the same pass, of whatever fields are right.
Depth, length and count are bounded by the types themselves and by the body's size.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache, partial
from itertools import chain, islice
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from openintervals import errors
from openintervals.api import rules, values
from openintervals.api.values import Problem

S = TypeVar("S", bound=msgspec.Struct)

DEPTH_MOST = 64
CONTAINERS_MOST = 1_000_000
ITEMS_MOST = 100_000
WRONG_MOST = 100
# A JSON string to its closing quote, or to the end of the text when there is none: it matches at every quote, in one pass.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
# What is left of surrogates once backslashes and whole pairs are taken out is half a pair.
_WHOLE_ESCAPE = re.compile(rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_SUSPECT = re.compile(rb'\\(?:n"|u00[0-3]|u[dD])|0001-01-01|9999-12-31|[\x80-\xff]')


class Refused(errors.Invalid):
    """`known` holds the fields that are right all the same, by Python name: others may have to agree with them."""

    def __init__(self, message: str, fields: dict[str, list[str]], known: dict[str, Any] | None = None) -> None:
        super().__init__(message, fields)
        self.known = known or {}


@cache
def _decoder(shape: type[S]) -> msgspec.json.Decoder[S]:
    return msgspec.json.Decoder(shape)


@cache
def _list_decoder(shape: type[S]) -> msgspec.json.Decoder[list[S]]:
    return msgspec.json.Decoder(list[shape])  # type: ignore[valid-type]  # a type that is known when it runs


@cache
def _info(shape: type[msgspec.Struct]) -> inspect.StructType:
    info = inspect.type_info(shape)
    assert isinstance(info, inspect.StructType)
    _learn_order(shape)
    return info


_declared: dict[frozenset[Any], tuple[Any, ...]] = {}


@cache
def _learn_order(hint: Any) -> None:
    """Remember the order in which each enumeration was declared: msgspec knows it sorted, messages name it as declared."""
    if get_origin(hint) is Literal:
        _declared.setdefault(frozenset(get_args(hint)), get_args(hint))
        return
    parts = get_args(hint)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        parts = tuple(get_type_hints(hint, include_extras=True).values())
    for part in parts:
        if isinstance(part, type) or get_origin(part) is not None:
            _learn_order(part)


def body(shape: type[S], raw: bytes) -> S:
    """The struct in a JSON body; an empty body is an empty object. Raises Invalid with every wrong field."""
    raw = raw or b"{}"
    _refuse_depth(raw)
    try:
        decoded: S = _decoder(shape).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
        return _explain(shape, raw)
    if _is_suspect(raw):
        # For msgspec `$` in a pattern also stands before a last newline, in JSON Schema and here it does not; and the text
        # of a field it does not look into, such as an address, may be no Unicode. PostgreSQL stores no NUL. And the first and
        # the last instants that can be written may be none in UTC.
        _refuse_wrong(shape, raw, parsed(raw))
    elif broken := list(rules.problems(rules.of(shape), partial(getattr, decoded))):
        _refuse(broken, msgspec.structs.asdict(decoded))
    return decoded


def _is_suspect(raw: bytes) -> bool:
    """Whether something is in a body that is worth a second look. Most bodies have nothing that could be, which is quickly seen."""
    plain = raw.isascii() and b"\\" not in raw and b"0001-01-01" not in raw and b"9999-12-31" not in raw
    return not plain and _SUSPECT.search(raw) is not None


def bodies(shape: type[S], raw: bytes) -> list[S]:
    """The structs in a body that is a JSON array. Raises Invalid with the wrong fields of each, by its place in the array."""
    raw = raw or b"[]"
    _refuse_depth(raw)
    try:
        decoded = _list_decoder(shape).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
        return _each(shape, raw)
    return _each(shape, raw) if _is_suspect(raw) or rules.of(shape) else decoded


def _each(shape: type[S], raw: bytes) -> list[S]:
    """The same, one after the other: slower, and it finds what is wrong."""
    items = parsed(raw)
    if not isinstance(items, list):
        raise Refused("Invalid request body", {"body": [f"Expected array, received {values.named(items)}"]})
    if len(items) > ITEMS_MOST:
        raise Refused("Invalid request body", {"body": [f"Array must contain at most {ITEMS_MOST} element(s)"]})
    decoded: list[S] = []
    wrong: dict[str, list[str]] = {}
    for place, item in enumerate(msgspec.json.decode(raw, type=list[msgspec.Raw])):
        try:
            decoded.append(body(shape, bytes(item)))
        except Refused as refused:
            wrong |= {f"{place}.{name}": said for name, said in refused.fields.items()}
            if len(wrong) > WRONG_MOST:
                break
    if wrong:
        raise Refused("Invalid request body", wrong)
    return decoded


def parsed(raw: bytes) -> Any:
    """A JSON body as plain values. Raises Invalid when it is no JSON."""
    _refuse_depth(raw)
    try:
        return msgspec.json.decode(raw or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        said = "the text is not UTF-8"
        if isinstance(problem, msgspec.MsgspecError):
            said = str(problem).removeprefix("JSON is malformed: ")
            if _SURROGATE.search(_WHOLE_ESCAPE.sub(b"", raw)):
                said = "half a surrogate pair, such as \\ud800 alone, is no character"
        raise Refused("Invalid request body", {"body": [f"Malformed JSON: {said}"]}) from None


def _refuse_depth(raw: bytes) -> None:
    containers = raw.count(b"[") + raw.count(b"{")
    if containers <= DEPTH_MOST:
        return
    if containers > CONTAINERS_MOST:
        said = f"JSON holds more than {CONTAINERS_MOST} arrays and objects"
        raise Refused("Invalid request body", {"body": [said]})
    depth = 0
    for bracket in re.findall(rb"[\[\]{}]", _STRING.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEPTH_MOST:
            raise Refused("Invalid request body", {"body": [f"JSON is nested deeper than {DEPTH_MOST} levels"]})


def _refuse(problems: Iterable[Problem], known: dict[str, Any]) -> None:
    fields: dict[str, list[str]] = {}
    for place, problem in problems:
        fields.setdefault(place, []).append(problem)
    if fields:
        raise Refused("Invalid request body", fields, known)


def _refuse_wrong(shape: type[S], raw: bytes, value: dict[str, Any]) -> None:
    """Refuse a JSON object for what is wrong with its fields, and between those that are right."""
    problems = list(_struct_problems(_info(shape), value, ""))
    as_sent = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    known = _known(shape, value, {place.partition(".")[0] for place, _ in problems}, as_sent)
    problems += rules.problems(rules.of(shape), lambda name: known.get(name, rules.WRONG))
    _refuse(problems, known)


def _known(
    shape: type[msgspec.Struct], values: dict[str, Any], wrong: Iterable[str], as_sent: dict[str, Any]
) -> dict[str, Any]:
    """The fields as the struct would have them, by Python name, without those that are `wrong` or missing."""
    known: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):
        name = field.encode_name
        if name in wrong:
            continue
        if name in values:
            kept_raw = isinstance(_core(_kind(shape, field.name)), inspect.RawType)
            known[field.name] = as_sent[name] if kept_raw else msgspec.convert(_whole(values[name]), field.type)
        elif field.default is not msgspec.NODEFAULT:
            known[field.name] = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            known[field.name] = field.default_factory()
    return known


def _kind(shape: type[msgspec.Struct], name: str) -> inspect.Type:
    return next(field.type for field in _info(shape).fields if field.name == name)


def _explain(shape: type[S], raw: bytes) -> S:
    value = parsed(raw)
    if not isinstance(value, dict):
        raise Refused("Invalid request body", {"body": [f"Expected object, received {values.named(value)}"]})
    _refuse_wrong(shape, raw, value)
    try:
        # 20.0 is a whole number in JSON, but the decoder refuses it wherever null would do as well.
        whole: S = _decoder(shape).decode(msgspec.json.encode(_whole(value)))
    except (msgspec.MsgspecError, OverflowError) as problem:
        raise Refused("Invalid request body", {"body": [str(problem)]}) from None
    return whole


def _whole(value: Any) -> Any:
    """JSON values with whole numbers as integers; a float that is not exact stays."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= values.EXACT_MOST:
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(inner) for name, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value


def query(shape: type[S], pairs: list[tuple[str, str]]) -> S:
    """The struct in a query string; parameters it does not know are ignored. Raises Invalid with every wrong one.

    A shape that is `lenient` takes `True` for true, nothing for absent, and the last of several; a list comes with commas, repeated, or both."""
    info = _info(shape)
    known = {field.encode_name: field for field in info.fields}
    lenient: bool = getattr(shape, "lenient", False)
    taken: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for name, text in _gathered(known, pairs) if lenient else pairs:
        field = known.get(name)
        if field is None:
            continue
        if name in taken or name in wrong:
            wrong[name] = ["Expected one value, received several"]
            continue
        value = _from_text(_core(field.type), text, lenient=lenient)
        problems = [problem for _, problem in _problems(field.type, value, name)]
        if problems:
            wrong[name] = problems
        else:
            taken[name] = value
    for name, field in known.items():
        if field.required and name not in taken and name not in wrong:
            wrong[name] = ["Required"]
    right = _known(shape, taken, wrong, {})
    for place, said in rules.problems(rules.of(shape), lambda name: right.get(name, rules.WRONG)):
        wrong.setdefault(place, []).append(said)
    if wrong:
        raise Refused("Invalid request parameters", wrong, right)
    try:
        return msgspec.convert(taken, shape)
    except (msgspec.MsgspecError, OverflowError) as problem:
        raise Refused("Invalid request parameters", {"query": [str(problem)]}) from None


def _gathered(known: dict[str, inspect.Field], pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One text for each parameter that says something: lists joined by commas, of others the last."""
    found: dict[str, str] = {}
    for name, text in pairs:
        if name not in known or (not text and not isinstance(_core(known[name].type), inspect.StrType)):
            continue
        kind = known[name].type
        joins = isinstance(_core(kind), inspect.ListType) or _is_joined(kind)
        found[name] = f"{found[name]},{text}" if joins and name in found else text
    return list(found.items())


def _is_joined(kind: inspect.Type) -> bool:
    """Whether a text that comes several times is one, joined by commas, as its notes say."""
    if isinstance(kind, inspect.UnionType):
        return any(_is_joined(each) for each in kind.types)
    return isinstance(kind, inspect.Metadata) and bool((kind.extra or {}).get("joined"))


def _from_text(kind: inspect.Type, text: str, *, lenient: bool = False) -> Any:
    """What a query parameter's text means for a type; NaN when it should be a number and is none."""
    if lenient and isinstance(kind, inspect.ListType):
        parts = (part.strip() for part in text.split(","))
        return [_from_text(_core(kind.item_type), part, lenient=True) for part in parts if part]
    if lenient and isinstance(kind, inspect.BoolType):
        text = text.lower()
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        if re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
            return int(text)
        if re.fullmatch(r"-?\d{1,18}\.\d{1,18}", text, re.ASCII):
            return float(text)
        return float("nan")
    if isinstance(kind, inspect.BoolType):
        return {"true": True, "false": False}.get(text, text)
    return text


def _core(kind: inspect.Type) -> inspect.Type:
    """The type without its notes, and without the `or absent` of an optional parameter."""
    while True:
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            rest = [k for k in kind.types if not isinstance(k, inspect.NoneType)]
            if len(rest) != 1:
                return kind
            kind = rest[0]
        else:
            return kind


def _struct_problems(info: inspect.StructType, value: dict[str, Any], place: str) -> Iterator[Problem]:
    for field in info.fields:
        where = f"{place}.{field.encode_name}" if place else field.encode_name
        if field.encode_name not in value:
            if field.required:
                yield where, "Required"
        else:
            yield from _problems(field.type, value[field.encode_name], where)


def _problems(kind: inspect.Type, value: Any, where: str) -> Iterator[Problem]:  # noqa: C901 — one branch a type
    said = None
    if isinstance(kind, inspect.Metadata):
        extra = kind.extra or {}
        said = extra.get("message")
        if value in (None, "") and "nothing" in extra:
            yield where, extra["nothing"]
            return
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        if value is None and any(isinstance(k, inspect.NoneType) for k in kind.types):
            return
        inner = [k for k in kind.types if not isinstance(k, inspect.NoneType)]
        if len(inner) == 1:
            yield from _problems(inner[0], value, where)
            return
        if not any(not list(_problems(k, value, where)) for k in inner):
            yield where, said or "Invalid input"
    elif isinstance(kind, inspect.AnyType | inspect.RawType):
        return
    elif isinstance(kind, inspect.LiteralType):
        yield from values.of_literal(_declared.get(frozenset(kind.values), kind.values), value, where)
    elif isinstance(kind, inspect.StrType):
        yield from values.of_text(kind, value, where, said)
    elif isinstance(kind, inspect.IntType | inspect.FloatType):
        yield from values.of_number(kind, value, where)
    elif isinstance(kind, inspect.BoolType):
        if not isinstance(value, bool):
            yield where, f"Expected boolean, received {values.named(value)}"
    elif isinstance(kind, inspect.DateType):
        yield from values.of_date(value, where)
    elif isinstance(kind, inspect.DateTimeType):
        yield from values.of_instant(value, where)
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType):
        yield from _list_problems(kind, value, where)
    elif isinstance(kind, inspect.StructType):
        if isinstance(value, dict):
            yield from _struct_problems(kind, value, where)
        else:
            yield where, f"Expected object, received {values.named(value)}"
    elif isinstance(kind, inspect.DictType) and not isinstance(value, dict):
        yield where, f"Expected object, received {values.named(value)}"


def _list_problems(kind: inspect.ListType | inspect.VarTupleType, value: Any, where: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield where, f"Expected array, received {values.named(value)}"
        return
    if kind.min_length is not None and len(value) < kind.min_length:
        yield where, f"Array must contain at least {kind.min_length} element(s)"
    if kind.max_length is not None and len(value) > kind.max_length:
        yield where, f"Array must contain at most {kind.max_length} element(s)"
        return
    problems = (_problems(kind.item_type, item, f"{where}.{position}") for position, item in enumerate(value))
    yield from islice(chain.from_iterable(problems), WRONG_MOST)
