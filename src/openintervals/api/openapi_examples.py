"""Examples for the OpenAPI document, made from its schemas so that they cannot disagree with them.

A value is, in this order: what the dialect's words say of the field, what the schema itself gives as an example, the default, the first of an
enumeration, and a plain value of the type. An object shows its required fields and those optional ones somebody gave an example for,
unless the words say None: then the field is left out.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET

from openintervals import errors
from openintervals.api.openapi_schemas import COMPONENTS, Schema

Words = Callable[[str, str], Any]
PLAIN = {"date": "2026-06-14", "date-time": "2026-03-01T08:00:00.000Z"}


def example(
    schema: Schema, components: Mapping[str, Schema], words: Words, component: str = "", field: str = ""
) -> Any:
    """A value that fits `schema`. `words(component, field)` gives a value for a field by its name, or UNSET."""
    word = words(component, field)
    if word is not UNSET and word in schema.get("enum", [word]):
        return word
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(COMPONENTS)
        return example(components[name], components, words, name, field)
    for given in schema.get("examples", [])[:1]:
        return given
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], components, words, component, field)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        required = schema.get("required", ())
        return {
            name: example(inner, components, words, component, name)
            for name, inner in schema.get("properties", {}).items()
            if name in required or _told(inner, words, component, name)
        }
    if kind == "array":
        return [example(schema["items"], components, words, component, field)]
    if kind == "string":
        return PLAIN.get(schema.get("format", ""), "text")
    return {"integer": schema.get("minimum", 1), "number": float(schema.get("minimum", 1)), "boolean": False}[kind]


def _told(schema: Schema, words: Words, component: str, field: str) -> bool:
    """Whether somebody said what an optional field may hold."""
    word = words(component, field)
    if word is None:
        return False
    return word is not UNSET or any(option.get("examples") for option in [schema, *schema.get("anyOf", ())])


def message(failure: type[errors.Failure], words: Words) -> str | None:
    """What a failure says, with example values for what it is told; None when it can say anything."""
    arguments: dict[str, Any] = {}
    for name, parameter in inspect.signature(failure).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            continue
        value = words(failure.__name__, name)
        if value is UNSET and parameter.annotation is int:
            value = 20
        if value is UNSET:
            return None
        arguments[name] = value
    return failure(**arguments).message
