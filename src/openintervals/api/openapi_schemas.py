"""JSON Schema from structs, as the OpenAPI document prints it.

A struct becomes one named component. What it looks like depends on which way it goes:
*out*, in an answer, an optional field is left out and never null, and nothing else is in the object;
*in*, in a request, null is taken where the struct takes it, and unknown fields are ignored.
A struct that goes both ways and would differ has two components: its own name, and that name with `Input` (so answers are asked for first).

msgspec can print schemas itself, but it sorts enumerations, cannot print a field whose default is raw JSON, and knows no direction.
"""

from inspect import cleandoc
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

Schema = dict[str, Any]
Direction = Literal["in", "out"]

COMPONENTS = "#/components/schemas/"
NULL: Schema = {"type": "null"}


class Schemas:
    """The component schemas of one document, by name, as its operations ask for them."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}
        self._named: dict[tuple[Any, Direction], str] = {}

    def of(self, kind: Any, direction: Direction) -> Schema:
        """The schema of any type a struct may hold; structs as references to their component."""
        return self._of(inspect.type_info(kind), direction, _orders(kind))

    def add(self, name: str, schema: Schema) -> Schema:
        """A reference to a component made by the caller. The same name must mean the same schema."""
        if self.components.setdefault(name, schema) != schema:
            raise ValueError(f"two different schemas are called {name}")
        return {"$ref": COMPONENTS + name}

    def properties(self, shape: type[msgspec.Struct], direction: Direction) -> dict[str, tuple[Schema, bool]]:
        """Schema and whether it is always there, for each field of a struct, by its name on the wire."""
        info = inspect.type_info(shape)
        assert isinstance(info, inspect.StructType)
        hints = get_type_hints(shape, include_extras=True)
        sparse = bool(getattr(shape, "__struct_config__").omit_defaults)  # noqa: B009 — generics hide it from mypy
        found: dict[str, tuple[Schema, bool]] = {}
        for field in info.fields:
            schema = self._of(field.type, direction, _orders(hints[field.name]))
            there = field.required or (direction == "out" and not sparse)
            if direction == "out" and not there:
                schema = without_null(schema)
            elif direction == "in" and not there:
                if isinstance(field.default, msgspec.Raw):
                    schema = _or_null(schema)
                elif field.default not in (msgspec.NODEFAULT, None):
                    schema = {**schema, "default": msgspec.to_builtins(field.default)}
            found[field.encode_name] = schema, there
        return found

    def _of(self, kind: inspect.Type, direction: Direction, orders: dict[frozenset[Any], list[Any]]) -> Schema:
        if isinstance(kind, inspect.Metadata):
            inner = self._of(kind.type, direction, orders)
            return _noted(inner, kind.extra_json_schema or {})
        if isinstance(kind, inspect.UnionType):
            options = [self._of(k, direction, orders) for k in kind.types if not isinstance(k, inspect.NoneType)]
            schema = options[0] if len(options) == 1 else {"anyOf": options}
            return _or_null(schema) if len(options) < len(kind.types) else schema
        if isinstance(kind, inspect.StructType):
            return self._struct(kind.cls, direction)
        if isinstance(kind, inspect.LiteralType):
            values = orders.get(frozenset(kind.values), list(kind.values))
            return {"type": "string" if isinstance(values[0], str) else "integer", "enum": values}
        if isinstance(kind, inspect.ListType | inspect.VarTupleType):
            bounds = _given(minItems=kind.min_length or None, maxItems=kind.max_length)
            return {"type": "array", "items": self._of(kind.item_type, direction, orders), **bounds}
        if isinstance(kind, inspect.DictType):
            return {"type": "object", "additionalProperties": self._of(kind.value_type, direction, orders)}
        return _plain(kind)

    def _struct(self, shape: Any, direction: Direction) -> Schema:
        place = shape, direction
        if place not in self._named:
            # The name is taken before the fields are walked, so that a struct may hold itself.
            self._named[place] = name = shape.__name__
            schema = self._object(shape, direction)
            if self.components.get(name, schema) != schema:
                self._named[place] = name = shape.__name__ + "Input"
            self.add(name, schema)
        return {"$ref": COMPONENTS + self._named[place]}

    def _object(self, shape: type[msgspec.Struct], direction: Direction) -> Schema:
        fields = self.properties(shape, direction)
        schema: Schema = {
            "type": "object",
            "description": cleandoc(shape.__doc__ or ""),
            "properties": {name: schema for name, (schema, _) in fields.items()},
            "required": [name for name, (_, there) in fields.items() if there],
        }
        if direction == "out":
            schema["additionalProperties"] = False
        return {key: value for key, value in schema.items() if value not in ("", [])}


def _plain(kind: inspect.Type) -> Schema:
    if isinstance(kind, inspect.StrType):
        bounds = _given(minLength=kind.min_length or None, maxLength=kind.max_length, pattern=kind.pattern)
        return {"type": "string", **bounds}
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        bounds = _given(
            minimum=kind.ge,
            maximum=kind.le,
            exclusiveMinimum=kind.gt,
            exclusiveMaximum=kind.lt,
            multipleOf=kind.multiple_of,
        )
        return {"type": "integer" if isinstance(kind, inspect.IntType) else "number", **bounds}
    if isinstance(kind, inspect.BoolType):
        return {"type": "boolean"}
    if isinstance(kind, inspect.DateType):
        return {"type": "string", "format": "date"}
    if isinstance(kind, inspect.DateTimeType):
        return {"type": "string", "format": "date-time"}
    if isinstance(kind, inspect.AnyType | inspect.RawType):
        return {}
    raise TypeError(f"no rule says how {kind} is printed as a schema")


def _given(**bounds: Any) -> Schema:
    return {name: value for name, value in bounds.items() if value is not None}


def _noted(schema: Schema, notes: Schema) -> Schema:
    """A schema with the notes of its `Annotated`. Raw JSON takes its whole schema from them, and may be null as before."""
    return _or_null(notes) if schema == {"anyOf": [{}, NULL]} else {**schema, **notes}


def _or_null(schema: Schema) -> Schema:
    """The schema, or null: as a list of types where it can be, which generators of clients read best."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, NULL]}


def without_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), list):
        kept = [kind for kind in schema["type"] if kind != "null"]
        return {**schema, "type": kept[0] if len(kept) == 1 else kept}
    if NULL in schema.get("anyOf", ()):
        kept = [option for option in schema["anyOf"] if option != NULL]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**kept[0], **rest} if len(kept) == 1 else {**rest, "anyOf": kept}
    return schema


def _orders(annotation: Any) -> dict[frozenset[Any], list[Any]]:
    """The order in which the source spells the values of each enumeration in a type; msgspec sorts them."""
    if get_origin(annotation) is Literal:
        values = list(get_args(annotation))
        return {frozenset(values): values}
    parts = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    found: dict[frozenset[Any], list[Any]] = {}
    for part in parts:
        found |= _orders(part)
    return found
