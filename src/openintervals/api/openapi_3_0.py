"""The same OpenAPI document as 3.0.3, for tools that do not read 3.1 yet.

3.0 has no null type (`nullable` instead), no lists of types, no `const`, one `example` in a schema instead of `examples`, bounds that are exclusive
by a flag, nothing beside a `$ref`, no scopes on a bearer key, and a licence by address instead of by identifier. It has no place for `webhooks`
either; the schemas of what they carry stay among the components.
"""

from typing import Any

from openintervals.api.openapi_schemas import NULL, Schema

SCHEMAS_IN = ("properties",)
SCHEMA_AT = ("items", "additionalProperties", "not")
SCHEMA_LISTS = ("anyOf", "oneOf", "allOf")
LICENCES = {"MIT": "https://opensource.org/license/mit"}


def downgrade(document: Schema) -> Schema:
    """A 3.0.3 document that says the same. The one given is left as it is."""
    info = dict(document["info"])
    licence = info["license"]
    info["license"] = {"name": licence["name"], "url": LICENCES[licence["identifier"]]}
    older = {**document, "openapi": "3.0.3", "info": info, "paths": _walk(document["paths"])}
    older.pop("webhooks", None)
    components = document["components"]
    schemas = {name: _schema(schema) for name, schema in components["schemas"].items()}
    older["components"] = {name: _walk(part) for name, part in components.items() if name != "schemas"} | {
        "schemas": schemas
    }
    return older


def _walk(node: Any) -> Any:
    """What holds schemas: paths, operations, parameters, headers, answers."""
    if isinstance(node, list):
        return [_walk(item) for item in node]
    if not isinstance(node, dict):
        return node
    walked: Schema = {}
    for name, value in node.items():
        if name == "schema":
            walked[name] = _schema(value)
        elif name in ("example", "examples"):
            walked[name] = value
        elif name == "security":
            walked[name] = [{scheme: [] for scheme in required} for required in value]
        else:
            walked[name] = _walk(value)
    return walked


def _schema(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    older: Schema = {}
    for name, value in schema.items():
        if name in SCHEMAS_IN:
            older[name] = {key: _schema(inner) for key, inner in value.items()}
        elif name in SCHEMA_AT:
            older[name] = _schema(value)
        elif name in SCHEMA_LISTS:
            older[name] = [_schema(inner) for inner in value]
        else:
            older[name] = value
    if "examples" in older:
        older["example"] = older.pop("examples")[0]
    if "const" in older:
        older["enum"] = [older.pop("const")]
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in older:
            older[bound], older[exclusive] = older[exclusive], True
    return _referring(_nullable(older))


def _nullable(schema: Schema) -> Schema:
    kinds = schema.get("type")
    if isinstance(kinds, list):
        kept = [kind for kind in kinds if kind != "null"]
        rest = {name: value for name, value in schema.items() if name != "type"}
        told = {"nullable": True} if "null" in kinds else {}
        if len(kept) == 1:
            return {**rest, "type": kept[0], **told}
        return {**rest, "anyOf": [{"type": kind, **told} for kind in kept]}
    options = schema.get("anyOf", [])
    if NULL not in options:
        return schema
    kept = [option for option in options if option != NULL]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if len(kept) > 1:
        return {**rest, "anyOf": [*kept[:-1], _or_null(kept[-1])]}
    return {**_or_null(kept[0]), **rest}


def _or_null(schema: Schema) -> Schema:
    if "$ref" in schema:
        return {"allOf": [schema], "nullable": True}
    # An enumeration must name null as well, or it forbids what `nullable` allows.
    return {**schema, "nullable": True} | ({"enum": [*schema["enum"], None]} if "enum" in schema else {})


def _referring(schema: Schema) -> Schema:
    """What stands beside a reference is ignored in 3.0, so the reference steps down."""
    if "$ref" not in schema or len(schema) == 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "$ref"}
    return {**rest, "allOf": [{"$ref": schema["$ref"]}]}
