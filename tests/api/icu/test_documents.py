"""Our own OpenAPI document of the Intervals.icu API: valid, complete, and right where the published one is not."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from openintervals.api import openapi_3_0
from openintervals.api.icu import documents
from openintervals.api.icu.dialect import icu
from tests.servers import Application

NEW = documents.document()
OLD = openapi_3_0.downgrade(NEW)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def followed(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        name: dict[str, Any] = NEW
        for part in node["$ref"].removeprefix("#/").split("/"):
            name = name[part]
        node = name
    return node


def fits(schema: dict[str, Any], value: Any) -> list[str]:
    whole = {**schema, "components": NEW["components"]}
    return [problem.message for problem in jsonschema_rs.Draft202012Validator(whole).iter_errors(value)]


def test_both_documents_are_valid() -> None:
    problems = [
        *OpenAPIV31SpecValidator(NEW).iter_errors(),
        *OpenAPIV30SpecValidator(OLD).iter_errors(),
    ]

    assert [problem.message for problem in problems] == []


def test_every_declared_operation_is_documented_under_each_suffix() -> None:
    declared = {(each.method, each.path + ext) for each in icu.operations for ext in each.ext}

    assert {(method, path) for method, path, _ in operations(NEW)} == declared
    assert {(method, path) for method, path, _ in operations(OLD)} == declared


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, _, operation in operations(NEW)]

    assert sorted(ids) == sorted(set(ids))


def test_examples_fit_their_schemas() -> None:
    wrong = []
    for method, path, operation in operations(NEW):
        contents = [operation.get("requestBody", {})] + [followed(each) for each in operation["responses"].values()]
        for content in (each for holder in contents for each in holder.get("content", {}).values()):
            examples = [each["value"] for each in content.get("examples", {}).values()]
            examples += [content["example"]] if "example" in content else []
            wrong += [(method, path, said) for each in examples for said in fits(content["schema"], each)]

    assert not wrong


def test_every_parameter_and_tag_is_described() -> None:
    for _, path, operation in operations(NEW):
        assert operation["tags"][0] in documents.TAGS
        for parameter in operation.get("parameters", ()):
            if parameter.get("in") == "path":
                assert parameter["name"] in documents.PARAMETERS, path


def test_an_idempotency_key_is_a_parameter_where_it_counts() -> None:
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    keyed = {path for method, path, operation in operations(NEW) if method == "POST" and key in operation["parameters"]}

    assert "/athlete/{athlete_id}/activities/manual" in keyed
    assert {"/athlete/{athlete_id}/activities", "/athlete/{athlete_id}/download-fit-files"}.isdisjoint(keyed)


@pytest.mark.parametrize(("path", "version"), [("/docs", "3.1.0"), ("/docs-3.0", "3.0.3")])
def test_the_documents_are_served_without_a_key_and_known_by_their_tag(
    app: Application, path: str, version: str
) -> None:
    first = app.request("GET", f"/api/v1{path}")

    again = app.request("GET", f"/api/v1{path}", headers={"if-none-match": first.headers["etag"]})

    assert msgspec.json.decode(first.content)["openapi"] == version
    assert again.status_code == 304


@pytest.mark.parametrize("printed", [documents.icu_json, documents.icu_3_0_json])
def test_a_client_can_be_generated_and_imported(printed: Any, tmp_path: Path) -> None:
    source, target = tmp_path / "openapi.json", tmp_path / "icu_client"
    source.write_text(printed())
    settings = tmp_path / "settings.yml"
    settings.write_text("package_name_override: icu_client\npost_hooks: []\n")

    program = Path(sys.executable).parent / "openapi-python-client"
    command: list[str | Path] = [
        program,
        "generate",
        "--meta",
        "none",
        "--path",
        source,
        "--config",
        settings,
        "--output-path",
        target,
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    check = "import icu_client.models, icu_client.api.sports.get_sport_settings, icu_client.api.athletes.get_athlete"
    subprocess.run([sys.executable, "-c", check], cwd=tmp_path, check=True)

    assert "warning" not in (made.stdout + made.stderr).lower()
