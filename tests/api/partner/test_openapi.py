"""The OpenAPI documents: right by the standard, true to themselves, and good enough to make a client from."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import msgspec
import pytest
from openapi_schema_validator import OAS30Validator, OAS31Validator, oas30_format_checker, oas31_format_checker
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from openintervals.api import openapi_3_0
from openintervals.api.openapi_schemas import Schemas
from openintervals.api.partner import change_types, documents
from openintervals.api.partner.dialect import partner
from openintervals.platform.scopes import SCOPES
from tests.servers import Application

METHODS = ("get", "post", "put", "patch", "delete")
NEW = json.loads(documents.partner_json())
OLD = json.loads(documents.partner_3_0_json())
BOTH = pytest.mark.parametrize("document", [NEW, OLD], ids=["3.1", "3.0"])


def operations(document: dict[str, Any] = NEW) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": place[method]
        for path, place in document["paths"].items()
        for method in METHODS
        if method in place
    }


def messages(document: dict[str, Any] = NEW) -> dict[str, dict[str, Any]]:
    """What the API sends by itself, by type."""
    return {name: place["post"] for name, place in document.get("webhooks", {}).items()}


EACH = pytest.mark.parametrize("operation", operations().values(), ids=operations().keys())


def followed(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a reference names, or the node itself."""
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def media(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that carries a schema with examples beside it: bodies, answers, parameters and headers."""
    for name, operation in operations(document).items():
        for parameter in operation.get("parameters", ()):
            followed_parameter = followed(document, parameter)
            yield f"{name} {followed_parameter['name']}", followed_parameter
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield f"{name} body", content
        for status, response in operation["responses"].items():
            for content in followed(document, response).get("content", {}).values():
                yield f"{name} {status}", content
    for name, message in messages(document).items():
        yield f"{name} body", message["requestBody"]["content"]["application/json"]
    for name, header in {**document["components"]["headers"], **document["components"]["parameters"]}.items():
        yield f"header {name}", header


def examples(node: dict[str, Any]) -> list[Any]:
    given = [example["value"] for example in node.get("examples", {}).values()]
    return given + ([node["example"]] if "example" in node else [])


def test_the_new_document_is_valid_openapi_3_1() -> None:
    problems = [problem.message for problem in OpenAPIV31SpecValidator(NEW).iter_errors()]

    assert (NEW["openapi"], problems) == ("3.1.0", [])


def test_the_old_document_is_valid_openapi_3_0() -> None:
    problems = [problem.message for problem in OpenAPIV30SpecValidator(OLD).iter_errors()]

    assert (OLD["openapi"], problems) == ("3.0.3", [])


def test_every_declared_operation_is_documented_in_both() -> None:
    declared = {
        f"{operation.method} " + re.sub(r"\{\w+\}", "{}", operation.path): operation for operation in partner.operations
    }

    documented = [{re.sub(r"\{\w+\}", "{}", name) for name in operations(document)} for document in (NEW, OLD)]

    assert documented == [set(declared), set(declared)]


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for operation in (*operations().values(), *messages().values())]

    assert sorted(names) == sorted(set(names))


@EACH
def test_an_operation_says_what_it_does_and_what_it_needs(operation: dict[str, Any]) -> None:
    scope = operation.get("x-scope")

    said = operation["summary"], operation["description"]

    assert all(said)
    assert re.fullmatch(r"[a-z][A-Za-z0-9]+", operation["operationId"])
    assert operation["security"] == [{"bearerAuth": [scope] if scope else []}]
    if scope:
        assert scope in SCOPES
        assert scope in operation["description"]
    assert operation["tags"][0] in documents.TAGS, "name the tag in documents.TAGS, with a description"


@EACH
def test_an_operation_names_every_refusal_it_may_answer_with(operation: dict[str, Any]) -> None:
    expected = {"401", "429", "500", "503"}
    if "x-scope" in operation:
        expected.add("403")
    parameters = [followed(NEW, parameter) for parameter in operation.get("parameters", ())]
    if any(parameter["in"] == "path" for parameter in parameters):
        expected.add("404")
    if any(parameter["in"] == "query" for parameter in parameters):
        expected.add("422")
    if any(parameter["name"] == "Idempotency-Key" for parameter in parameters):
        expected |= {"409", "422"}
    if "requestBody" in operation:
        expected |= {"413", "422"}

    named = set(operation["responses"])

    assert expected <= named
    assert any(status.startswith("2") for status in named)


@EACH
def test_every_answer_carries_a_request_id_and_every_refusal_the_one_error_shape(operation: dict[str, Any]) -> None:
    responses = {status: followed(NEW, response) for status, response in operation["responses"].items()}

    refusals = [response for status, response in responses.items() if status[0] in "45"]

    assert all("X-Request-Id" in response["headers"] for response in responses.values())
    assert all(
        response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorEnvelope"}
        for response in refusals
    )


@EACH
def test_every_parameter_is_described(operation: dict[str, Any]) -> None:
    parameters = [followed(NEW, parameter) for parameter in operation.get("parameters", ())]

    silent = [parameter["name"] for parameter in parameters if not parameter.get("description")]

    assert silent == [], "say it in the field's Meta(description=…), or in documents.PARAMETERS"


@BOTH
def test_every_body_and_answer_has_an_example(document: dict[str, Any]) -> None:
    without = [name for name, node in media(document) if name.split()[-1].isdigit() and not examples(node)]

    assert without == []


def test_every_example_of_the_new_document_fits_its_schema() -> None:
    wrong = [
        f"{name}: {problem.json_path} {problem.message}"
        for name, node in media(NEW)
        for example in examples(node)
        for problem in OAS31Validator(
            {**node["schema"], "components": NEW["components"]}, format_checker=oas31_format_checker
        ).iter_errors(example)
    ]

    assert wrong == [], "give the field an example with Meta(examples=[…]), or a word in documents.WORDS"


def test_every_example_of_the_old_document_fits_its_schema() -> None:
    wrong = [
        f"{name}: {problem.json_path} {problem.message}"
        for name, node in media(OLD)
        for example in examples(node)
        for problem in OAS30Validator(
            {**node["schema"], "components": OLD["components"]}, format_checker=oas30_format_checker
        ).iter_errors(example)
    ]

    assert wrong == []


def test_schemas_carry_examples_of_their_own_that_fit() -> None:
    wrong = []
    for name, schema in NEW["components"]["schemas"].items():
        for field, inner in schema.get("properties", {}).items():
            validator = OAS31Validator({**inner, "components": NEW["components"]}, format_checker=oas31_format_checker)
            wrong += [f"{name}.{field}" for example in inner.get("examples", ()) if not validator.is_valid(example)]

    assert wrong == []


@BOTH
def test_answers_are_closed_and_hold_no_null_but_for_an_object_that_is_gone(document: dict[str, Any]) -> None:
    reached: dict[str, dict[str, Any]] = {}

    def reach(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                reach(item)
        elif isinstance(node, dict):
            name = node.get("$ref", "").removeprefix("#/components/schemas/")
            if name and name not in reached:
                reached[name] = document["components"]["schemas"][name]
                reach(reached[name])
            for value in node.values():
                reach(value)

    for operation in operations(document).values():
        reach([followed(document, response).get("content", {}) for response in operation["responses"].values()])
    properties = [
        inner
        for name, schema in reached.items()
        for field, inner in schema.get("properties", {}).items()
        if (name, field) != ("Change", "object")
    ]

    assert reached
    assert all(schema["additionalProperties"] is False for schema in reached.values() if "properties" in schema)
    assert not any('"null"' in json.dumps(p) or '"nullable"' in json.dumps(p) for p in properties)


def test_every_type_of_change_is_documented_as_a_webhook_with_its_sentence() -> None:
    documented = {name: message["summary"] for name, message in messages().items()}

    assert documented == {**change_types.CATALOGUE, change_types.TEST: change_types.TEST_SAID}


@pytest.mark.parametrize("name", messages())
def test_a_webhook_is_documented_with_its_headers_examples_and_answers(name: str) -> None:
    message = messages()[name]

    headers = {parameter["name"]: parameter for parameter in (followed(NEW, each) for each in message["parameters"])}
    shown = message["requestBody"]["content"]["application/json"]["examples"]

    assert set(headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert all(header["in"] == "header" and header["required"] and header["description"] for header in headers.values())
    assert set(shown) == ({"deletion"} if name.endswith(".deleted") else {"full", "thin"})
    assert all(example["value"]["type"] == name for example in shown.values())
    assert set(message["responses"]) == {"2XX", "410", "default"}
    assert message["x-scope"] in SCOPES
    assert message["tags"][0] in documents.TAGS


@pytest.mark.parametrize("name", messages())
def test_the_schema_of_a_webhook_takes_its_own_bodies_and_no_others(name: str) -> None:
    content = messages()[name]["requestBody"]["content"]["application/json"]
    validator = OAS31Validator({**content["schema"], "components": NEW["components"]})
    body = next(iter(content["examples"].values()))["value"]
    data = body["data"]
    gone = name.endswith(".deleted")

    wrong = {
        "another type": {**body, "type": "event.updated" if name != "event.updated" else "event.created"},
        "another object type": {**body, "data": {**data, "objectType": "person"}},
        "neither object nor url": {**body, "data": {key: data[key] for key in data if key != "object"}},
        "both object and url": {**body, "data": {**data, "url": "/partner/events/e1"}},
        "the wrong one of object and null": {**body, "data": {**data, "object": {} if gone else None}},
        "something unheard of": {**body, "data": {**data, "secret": "whsec_"}},
    }

    assert validator.is_valid(body)
    assert [why for why, each in wrong.items() if validator.is_valid(each)] == []


@pytest.mark.parametrize("document", [NEW, OLD], ids=["3.1", "3.0"])
@pytest.mark.parametrize(
    ("component", "names"),
    [
        ("Change", ["type", "objectType"]),
        ("Webhook", ["types"]),
        ("DeliveryListed", ["type", "status"]),
        ("Delivery", ["type", "status"]),
        ("Attempt", ["trigger"]),
        ("Task", ["kind", "state"]),
        *((f"{kind.capitalize()}Message", ["type"]) for kind in change_types.OBJECT_TYPES),
    ],
)
def test_words_of_answers_that_others_may_join_are_no_enumerations(
    document: dict[str, Any], component: str, names: list[str]
) -> None:
    properties = document["components"]["schemas"][component]["properties"]

    for name in names:
        schema = properties[name].get("items", properties[name])
        assert schema["type"] == "string"
        assert not {"enum", "const", "pattern"} & schema.keys(), (component, name)
        if (component, name) not in [("DeliveryListed", "type"), ("Delivery", "type")]:
            assert "Today one of `" in schema["description"]


@pytest.mark.parametrize("component", ["WebhookCreate", "WebhookPatch"])
def test_types_that_are_asked_for_are_an_enumeration_with_names_of_its_own(component: str) -> None:
    asked = NEW["components"]["schemas"][component]["properties"]["types"]["items"]

    assert asked["enum"][0] == "*"
    assert set(asked["enum"]) == {*change_types.CATALOGUE, *change_types.PATTERNS}
    names = dict(zip(asked["enum"], asked["x-enum-varnames"], strict=True))
    assert len(set(names.values())) == len(names)
    assert (names["*"], names["run.*"], names["run.sold_out"]) == ("ALL", "RUN_ALL", "RUN_SOLD_OUT")


def test_the_old_document_keeps_the_schemas_of_what_webhooks_carry() -> None:
    carried = [name for name in NEW["components"]["schemas"] if name.endswith(("Message", "MessageData"))]

    assert "webhooks" not in OLD
    assert len(carried) == 2 * len(change_types.OBJECT_TYPES)
    assert set(carried) <= set(OLD["components"]["schemas"])
    for name in change_types.CATALOGUE:
        assert f"`{name}`" in next(tag["description"] for tag in OLD["tags"] if tag["name"] == "Changes")


def test_requests_are_open_and_their_optional_fields_take_null() -> None:
    body = NEW["components"]["schemas"]["EventCreate"]

    assert "additionalProperties" not in body
    assert body["properties"]["description"]["type"] == ["string", "null"]
    assert body["properties"]["address"]["type"] == ["object", "null"]
    assert body["required"] == ["name", "slug", "type", "date"]


def test_enumerations_keep_the_order_of_the_source() -> None:
    kinds = NEW["components"]["schemas"]["EventCreate"]["properties"]["type"]["enum"]

    assert kinds == ["race", "runClub", "timeTrial", "other"]


def test_a_struct_that_goes_both_ways_and_differs_has_two_names() -> None:
    class Pace(msgspec.Struct, omit_defaults=True):
        name: Annotated[str, msgspec.Meta(max_length=5)] | None = None
        kind: Literal["b", "a"] | None = None

    schemas = Schemas()

    out, taken = schemas.of(Pace, "out"), schemas.of(Pace, "in")

    assert (out, taken) == ({"$ref": "#/components/schemas/Pace"}, {"$ref": "#/components/schemas/PaceInput"})
    assert schemas.components["Pace"]["properties"] == {
        "name": {"type": "string", "maxLength": 5},
        "kind": {"type": "string", "enum": ["b", "a"]},
    }
    assert schemas.components["PaceInput"]["properties"] == {
        "name": {"type": ["string", "null"], "maxLength": 5},
        "kind": {"anyOf": [{"type": "string", "enum": ["b", "a"]}, {"type": "null"}]},
    }


def test_the_older_form_says_the_same_in_the_words_it_has() -> None:
    properties = {
        "null": {"type": ["string", "null"], "examples": ["a", "b"]},
        "enum": {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]},
        "ref": {"anyOf": [{"$ref": "#/components/schemas/X"}, {"type": "null"}]},
        "beside": {"$ref": "#/components/schemas/X", "description": "Said."},
        "above": {"type": "integer", "exclusiveMinimum": 0},
        "one": {"const": "a"},
    }
    document = {
        "openapi": "3.1.0",
        "info": {"license": {"name": "MIT", "identifier": "MIT"}},
        "paths": {"/x": {"get": {"security": [{"bearerAuth": ["read:x"]}]}}},
        "components": {"schemas": {"X": {"type": "object", "properties": properties}}},
    }

    older = openapi_3_0.downgrade(document)

    assert older["paths"]["/x"]["get"]["security"] == [{"bearerAuth": []}]
    assert older["components"]["schemas"]["X"]["properties"] == {
        "null": {"type": "string", "nullable": True, "example": "a"},
        "enum": {"type": "string", "enum": ["a", None], "nullable": True},
        "ref": {"allOf": [{"$ref": "#/components/schemas/X"}], "nullable": True},
        "beside": {"description": "Said.", "allOf": [{"$ref": "#/components/schemas/X"}]},
        "above": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
        "one": {"enum": ["a"]},
    }


@pytest.mark.parametrize(("path", "document"), [("/openapi.json", NEW), ("/openapi-3.0.json", OLD)])
def test_the_documents_are_served_without_a_key(app: Application, path: str, document: dict[str, Any]) -> None:
    answer = app.request("GET", f"/partner{path}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == document


def test_the_documents_are_at_the_root_of_api_hosts(app: Application) -> None:
    answer = app.request("GET", "/openapi.json", host="api.localhost:8000")

    assert answer.json() == NEW


def test_who_has_the_document_already_is_told_so(app: Application) -> None:
    first = app.request("GET", "/partner/openapi.json")

    again = app.request("GET", "/partner/openapi.json", headers={"if-none-match": f"W/{first.headers['etag']}"})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert "max-age" in again.headers["cache-control"]


def test_the_server_is_named_by_its_public_address_when_that_is_known() -> None:
    document = json.loads(documents.partner_json("https://club.example/"))

    assert document["servers"][0]["url"] == "https://club.example/partner"
    assert NEW["servers"][0]["url"] == "/partner"


@pytest.mark.parametrize("text", [documents.partner_json, documents.partner_3_0_json], ids=["3.1", "3.0"])
def test_a_client_can_be_generated_from_it(text: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, package = tmp_path / "openapi.json", "generated_" + text.__name__
    source.write_text(text())
    settings = tmp_path / "settings.yml"
    settings.write_text(f"package_name_override: {package}\npost_hooks: []\n")
    program = Path(sys.executable).parent / "openapi-python-client"
    options = ["--path", source, "--config", settings, "--output-path", tmp_path / package]

    done = subprocess.run(
        [program, "generate", "--meta", "none", "--fail-on-warning", *options],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "arning" not in done.stdout + done.stderr
    monkeypatch.syspath_prepend(tmp_path)
    for module in sorted((tmp_path / package).rglob("*.py")):
        importlib.import_module(".".join(module.relative_to(tmp_path).with_suffix("").parts).removesuffix(".__init__"))
    client = importlib.import_module(package).AuthenticatedClient(base_url="http://127.0.0.1:1", token="key")
    assert isinstance(client.get_httpx_client(), httpx.Client)
