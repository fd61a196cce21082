"""Schemathesis asks a real server everything its OpenAPI document says it may be asked, and everything it says it may not.

All checks are on, in every phase: the document's own examples, the edges of every parameter, generated requests, and chains of requests that follow
what was answered. The seed is fixed, so that a failure is the same failure tomorrow; `--long` asks thirty times as much.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from openintervals.api.partner.dialect import partner
from tests import clients, servers
from tests.api.partner import schemathesis_hooks

EXAMPLES = 4
HERE = "127.0.0.0/8"


@pytest.mark.parametrize(
    "examples",
    [pytest.param(EXAMPLES, id="short"), pytest.param(30 * EXAMPLES, id="long", marks=pytest.mark.long)],
)
def test_the_server_does_what_its_document_says(
    database_url: str, database_kind: str, tmp_path: Path, examples: int
) -> None:
    if database_kind == "postgres" and examples == EXAMPLES:
        pytest.skip("on PostgreSQL it runs with --long")
    with servers.application(database_url, webhook_allow=HERE) as app:
        api = clients.join(app)
        known = stock(api)

    settings = {"RATE_LIMITS": "off", "LOG_REQUESTS": "false", "WEBHOOK_ALLOW": HERE}
    with servers.serving(database_url, **{f"OPENINTERVALS_{name}": value for name, value in settings.items()}) as base:
        done = ask(f"{base}/partner/openapi.json", api.key, known, examples, tmp_path)

    assert done.returncode == 0, done.stdout[-20_000:]
    assert f"Tested: {len(partner.operations)}" in done.stdout


def stock(api: clients.Api) -> dict[str, str]:
    """One of everything, by the names that paths, queries and bodies use; and what only a PATCH may touch."""
    event, changed_event = api.make_event(), api.make_event()
    run, changed_run = api.make_run(event), api.make_run(changed_event)
    webhook, changed_webhook = (api.make_webhook("*", url=schemathesis_hooks.NOWHERE) for _ in range(2))
    return {
        "eventId": event,
        "PATCH eventId": changed_event,
        "runId": run,
        "eventRunId": run,
        "PATCH runId": changed_run,
        "registrationId": api.make_registration(run),
        "another": api.make_registration(run),
        "PATCH registrationId": api.make_registration(run),
        "recurrenceId": api.make_recurrence(changed_event),
        "slug": api.make_group(),
        "webhookId": webhook,
        "PATCH webhookId": changed_webhook,
        "deliveryId": api.make_delivery(webhook),
        "taskId": api.post(f"/webhooks/{webhook}/replay", {"since": "2026-03-01T08:00:00Z"}).json()["data"]["taskId"],
    }


def ask(
    document: str, key: str, known: dict[str, str], examples: int, folder: Path
) -> subprocess.CompletedProcess[str]:
    options = {
        "--checks": "all",
        "--header": f"Authorization: Bearer {key}",
        "--max-examples": str(examples),
        "--seed": "1",
        "--generation-database": "none",
        "--suppress-health-check": "too_slow",  # how fast this machine makes examples up says nothing about the server
    }
    return subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis",
            "run",
            document,
            "--continue-on-failure",
            "--no-color",
            *(part for option in options.items() for part in option),
        ],
        cwd=folder,  # no configuration file of anybody's, and no reports in the tree
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "SCHEMATHESIS_HOOKS": "tests.api.partner.schemathesis_hooks",
            "SCHEMATHESIS_KNOWN": json.dumps(known),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
