"""The published contract: names and types of every operation, so that answers can be held against it. It is not part of this project."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

FILE = Path(__file__).parents[4] / "shared" / "contract" / "intervals-icu.json"
there = pytest.mark.skipif(not FILE.exists(), reason="the published contract is not here")
WHOLE: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {"operations": [], "schemas": {}}
# What it says is an object is an array in truth: the values of a stream.
WHOLE["schemas"].get("ActivityStream", {"properties": {}})["properties"] |= {"data": {}, "data2": {}}
# It calls what a filter looks for an object; its own clients send texts, numbers and arrays.
WHOLE["schemas"].get("ActivityFilter", {"properties": {}})["properties"] |= {"value": {}}


def operations() -> dict[str, dict[str, Any]]:
    """Every operation by method and path, as `GET /athlete/{}`."""
    return {f"{each['method']} {shape(each['path'].removeprefix('/api/v1'))}": each for each in WHOLE["operations"]}


def shape(path: str) -> str:
    """A path without its parameters' names; the suffix that it may have stands apart."""
    return re.sub(r"\{(?!ext\}|format\})\w+\}", "{}", path).replace("{format}", "{ext}")


def answer_of(operation: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of a success, or None when nothing is said about it."""
    answers = operation["responses"].get("200") or operation["responses"].get("default") or {}
    schema: dict[str, Any] | None = answers.get("*/*")
    return schema


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    """What in a value does not fit; null fits everywhere, and what the contract does not know is let be."""
    definitions = {name: _adapted(each) for name, each in WHOLE["schemas"].items()}
    whole = {**_adapted(schema), "definitions": definitions}
    found = jsonschema_rs.Draft7Validator(whole).iter_errors(value)
    return [f"{'/'.join(map(str, each.instance_path))}: {each.message[:200]}" for each in found]


def unknown(schema: dict[str, Any], value: Any) -> set[str]:
    """The keys of an object, or of the first of several, that the contract has not."""
    if "items" in schema:
        return unknown(schema["items"], value[0]) if value else set()
    known = WHOLE["schemas"].get(schema.get("ref", ""), {}).get("properties")
    return set() if known is None else set(value) - set(known)


def missing(schema: dict[str, Any], value: Any) -> set[str]:
    """The keys of the contract that an object, or the first of several, has not."""
    if "items" in schema:
        return missing(schema["items"], value[0]) if value else set()
    return set(WHOLE["schemas"].get(schema.get("ref", ""), {}).get("properties", {})) - set(value)


def _adapted(schema: Any) -> Any:
    """A schema of the contract as JSON Schema."""
    if isinstance(schema, list):
        return [_adapted(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "ref" in schema:
        return {"anyOf": [{"$ref": f"#/definitions/{schema['ref']}"}, {"type": "null"}]}
    adapted = {name: _inside(name, value) for name, value in schema.items() if name not in ("format", "required")}
    if "oneOf" in adapted:  # a null, or an object of a few fields, may fit several
        adapted["anyOf"] = adapted.pop("oneOf")
    if "type" in adapted:
        return {"anyOf": [adapted, {"type": "null"}]}
    return adapted


def _inside(name: str, value: Any) -> Any:
    if name == "properties":
        return {key: _adapted(each) for key, each in value.items()}
    return _adapted(value) if name in ("items", "additionalProperties", "oneOf", "anyOf", "allOf") else value
