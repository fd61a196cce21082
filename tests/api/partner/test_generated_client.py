"""A client nobody wrote: generated from our OpenAPI documents, it completes the registration story against a live server."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from openintervals.api.partner import documents
from tests import clients, servers


@pytest.fixture(params=["partner_json", "partner_3_0_json"])
def generated(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The generated package, for each of the two documents."""
    source, package = tmp_path / "openapi.json", f"story_{request.param}"
    source.write_text(getattr(documents, request.param)())
    settings = tmp_path / "settings.yml"
    settings.write_text(f"package_name_override: {package}\npost_hooks: []\n")
    subprocess.run(
        [
            *(Path(sys.executable).parent / "openapi-python-client", "generate", "--meta", "none"),
            *("--path", source, "--config", settings, "--output-path", tmp_path / package),
        ],
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module(package)


class Club:
    """A generated client, and its operations by name: `club.ask("events.create_event", body=("EventCreate", {...}))`."""

    def __init__(self, generated: ModuleType, url: str, key: str) -> None:
        self.package = generated.__name__
        self.client = generated.AuthenticatedClient(
            base_url=f"{url}/partner", token=key, raise_on_unexpected_status=True
        )

    def __enter__(self) -> "Club":
        self.client.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self.client.__exit__(*raised)

    def answer(self, operation: str, *path: str, body: tuple[str, dict[str, Any]] | None = None, **query: Any) -> Any:
        module = importlib.import_module(f"{self.package}.api.{operation}")
        if body is not None:
            name, fields = body
            query["body"] = getattr(importlib.import_module(f"{self.package}.models"), name).from_dict(fields)
        return module.sync_detailed(*path, client=self.client, **query)

    def ask(self, operation: str, *path: str, **arguments: Any) -> Any:
        answer = self.answer(operation, *path, **arguments)
        assert answer.status_code in (200, 201), answer.content
        return answer.parsed.data

    def register(self, run_id: str, name: str, **fields: Any) -> str:
        wish = {
            "eventRunId": run_id,
            "email": f"{name}@example.com",
            "name": name,
            "registrationType": "free",
            **fields,
        }
        participant: str = self.ask(
            "registrations.register_participant", body=("RegistrationCreate", wish), idempotency_key=name
        ).participant_id
        return participant


def test_a_generated_client_completes_the_registration_story(
    generated: ModuleType, database_url: str, tmp_path: Path
) -> None:
    with servers.application(database_url) as app:
        key = clients.join(app).key
    with servers.serving(database_url, OPENINTERVALS_RATE_LIMITS="off") as base, Club(generated, base, key) as club:
        race = {"name": "Summer Solstice 10K", "slug": "summer-solstice-10k", "type": "race", "date": "2035-06-21"}

        event_id = club.ask("events.create_event", body=("EventCreate", race)).event_id
        distance = {"distanceStandard": "10K", "maxParticipants": 1, "bibFrom": 100}
        run_id = club.ask("runs.create_run", event_id, body=("RunCreate", distance)).event_run_id
        first = club.register(run_id, "first")
        refused = club.answer(
            "registrations.register_participant",
            body=("RegistrationCreate", {"eventRunId": run_id, "email": "no@example.com", "registrationType": "free"}),
        )
        second = club.register(run_id, "second", status="waitlist")
        again = club.register(run_id, "second", status="waitlist")
        [waiting] = club.ask("waiting_list.list_waitlist", run_id)
        club.ask("registrations.update_registration", first, body=("RegistrationPatch", {"status": "cancelled"}))
        promoted = club.ask("registrations.retrieve_registration", second)
        [given] = club.ask("bibs.assign_bibs", event_id, body=("BibsAssign", {})).assigned
        checked_in = club.ask("check_in.check_in", second, body=("CheckIn", {"device": "gate 1"}))
        listed = club.ask("registrations.list_registrations", event_id=event_id, limit=10)
        found = club.ask("events.retrieve_event", event_id)

    assert refused.status_code == 409
    assert "sold out" in refused.parsed.error.message
    assert again == second
    assert (waiting.registration_id, waiting.position, waiting.reason.value) == (second, 1, "full")
    assert promoted.registration_status.value == "confirmed"
    assert (given.field_id, given.bib_identifier) == (second, "100")
    assert (checked_in.checked_in, checked_in.checked_in_device) == (True, "gate 1")
    assert {one.field_id: one.registration_status.value for one in listed} == {first: "cancelled", second: "confirmed"}
    assert [run.field_id for run in found.runs] == [run_id]


TOMORROW = {
    "Change": {
        "cursor": "c00000000004k",
        "type": "person.waved",
        "objectType": "person",
        "objectId": "x1",
        "objectVersion": 1,
        "occurredAt": "2035-06-21T08:00:00+00:00",
        "changes": [],
        "object": None,
    },
    "Task": {
        "_id": "t1",
        "kind": "forget",
        "webhookId": "w1",
        "state": "ended",
        "doneCount": 0,
        "createdAt": "2035-06-21T08:00:00+00:00",
    },
    "Delivery": {
        "_id": "d1",
        "webhookId": "w1",
        "type": "person.waved",
        "objectId": "x1",
        "objectVersion": 1,
        "status": "forgotten",
        "createdAt": "2035-06-21T08:00:00+00:00",
        "attempts": [{"at": "2035-06-21T08:00:00+00:00", "durationMs": 1, "trigger": "whim"}],
    },
    "Webhook": {
        "_id": "w1",
        "url": "https://club.example/webhooks",
        "types": ["person.*", "person.waved"],
        "format": "full",
        "coalesce": False,
        "status": "active",
        "createdAt": "2035-06-21T08:00:00+00:00",
        "updatedAt": "2035-06-21T08:00:00+00:00",
        "version": 1,
    },
}


def test_a_client_made_today_reads_types_and_states_that_are_added_tomorrow(generated: ModuleType) -> None:
    models = importlib.import_module(f"{generated.__name__}.models")

    for name, answer in TOMORROW.items():
        assert getattr(models, name).from_dict(answer).to_dict() == answer


def test_every_type_that_can_be_asked_for_has_a_name_that_stays(generated: ModuleType) -> None:
    models = importlib.import_module(f"{generated.__name__}.models")
    asked = models.WebhookCreateTypesItem

    assert (asked.ALL, asked.RUN_ALL, asked.RUN_SOLD_OUT) == ("*", "run.*", "run.sold_out")
    assert [name for name in asked.__members__ if name.startswith("VALUE_")] == []
