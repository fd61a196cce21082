"""`openintervals listen` as a process, beside a real server: what it makes, shows, passes on, and takes away again."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest

from openintervals.platform import signatures
from openintervals.platform.scopes import SCOPES
from tests import databases
from tests.cli.program import PATIENCE_S, PROGRAM, Served, bearer, club, refusal, run, run_json, serving, staying
from tests.servers import free_port
from tests.worker import receivers

ALLOW = "127.0.0.0/8"
EVENT = {"name": "Evening Mile", "slug": "evening-mile", "date": "2027-05-01", "type": "race"}
BODY = json.dumps(
    {"type": "run.updated", "data": {"objectType": "run", "objectId": "n0", "objectVersion": 7, "object": None}}
).encode()


@dataclass
class Listening:
    """The command while it listens: its endpoint, where that is, the secret, and the columns of what it shows."""

    program: Served
    webhook_id: str
    url: str
    secret: str

    def deliver(self, body: bytes = BODY, secret: str = "", delivery_id: str = "d1") -> httpx.Response:
        """What the server would send, from the test."""
        headers = signatures.headers([secret or self.secret], delivery_id, int(time.time()), body)
        return httpx.post(self.url, content=body, headers=headers)

    def shown(self, what: str) -> list[str]:
        """The next delivery shown whose time is followed by the type `what`, without its time and duration."""
        while True:
            cells = self.program.line("20").split("\t")
            if cells[1] == what:
                return cells[1:7]


@contextlib.contextmanager
def listening(served: Served, key: str, *arguments: str) -> Iterator[Listening]:
    command = ("listen", "--server", f"{served.base}/partner", "--key", key, *arguments)
    with staying(*command) as program:
        webhook_id, _, url = program.line("endpoint: ").removeprefix("endpoint: ").partition(" at ")
        secret = program.line("secret: ").removeprefix("secret: ")
        program.line("time\ttype")
        yield Listening(program, webhook_id, url, secret)


def webhooks(served: Served, key: str) -> list[Any]:
    answer = httpx.get(f"{served.base}/partner/webhooks", headers=bearer(key))
    assert answer.status_code == 200, answer.text
    listed: list[Any] = answer.json()["data"]
    return listed


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what `listen` does goes by HTTP, whatever is behind it."""
    return f"sqlite:///{tmp_path}/served/openintervals.db"


@pytest.fixture
def key(database_url: str) -> str:
    return club(database_url)


@pytest.fixture
def served(database_url: str, key: str) -> Iterator[Served]:
    """A server that may send to this machine."""
    assert key
    with serving(database_url, OPENINTERVALS_WEBHOOK_ALLOW=ALLOW) as running:
        yield running


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Served, str]]:
    """A server on SQLite and a key, for what does not depend on the database."""
    url = f"sqlite:///{tmp_path}/data/openintervals.db"
    its_key = club(url)
    with serving(url, OPENINTERVALS_WEBHOOK_ALLOW=ALLOW) as running:
        yield running, its_key


def test_a_change_is_shown_verified_and_forwarded(served: Served, key: str) -> None:
    with receivers.receiving() as behind, listening(served, key, "--forward-to", f"{behind.url}/hooks") as it:
        made = httpx.post(f"{served.base}/partner/events", json=EVENT, headers=bearer(key)).json()["data"]["eventId"]
        shown = it.shown("event.created")
        received = behind.wait_for(1)[0]

    assert shown == ["event.created", made, "1", "verified", "", "204"]
    signatures.verify([it.secret], received.headers, received.body, datetime.now(UTC))
    payload = json.loads(received.body)
    assert (received.path, payload["type"], payload["data"]["objectId"]) == ("/hooks", "event.created", made)
    assert payload["data"]["object"]["name"] == EVENT["name"]


def test_what_the_receiver_behind_answers_is_what_the_server_writes_down(served: Served, key: str) -> None:
    gone = receivers.answer(410, body=b"not here")
    with receivers.receiving(gone) as behind, listening(served, key, "--forward-to", behind.url) as it:
        httpx.post(f"{served.base}/partner/events", json=EVENT, headers=bearer(key))
        assert it.shown("event.created")[-1] == "410"
        endpoint = _until_disabled(served, key)

    assert endpoint["disabledReason"] == "The endpoint answered 410 Gone"


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_makes_an_endpoint_and_deletes_it_when_told_to_end(served: Served, key: str, told: signal.Signals) -> None:
    with listening(served, key, "--types", "registration.*, run.sold_out", "--format", "thin") as it:
        (endpoint,) = webhooks(served, key)
        code = it.program.stop(told)

    assert {name: endpoint[name] for name in ("_id", "url", "types", "format", "status")} == {
        "_id": it.webhook_id,
        "url": it.url,
        "types": ["registration.*", "run.sold_out"],
        "format": "thin",
        "status": "active",
    }
    assert code == 0
    assert webhooks(served, key) == []


def test_what_is_no_terminal_gets_a_line_with_tabs_for_each_delivery_and_its_body_on_one_more(
    small: tuple[Served, str],
) -> None:
    with listening(*small, "--print") as it:
        assert it.deliver().status_code == 204
        first = it.program.line("20").split("\t")
        body = it.program.line("{")
        it.deliver(delivery_id="d1")
        again = it.shown("run.updated")
        assert it.deliver(secret=signatures.new_secret(), delivery_id="d2").status_code == 401
        forged = it.shown("run.updated")

    assert first[1:] == ["run.updated", "n0", "7", "verified", "", "", ""]
    assert json.loads(body) == json.loads(BODY)
    assert again[4] == "again"
    assert forged[3].startswith("no signature fits")
    assert "\x1b" not in "".join([*first, body, *again, *forged])


def test_a_terminal_gets_colours_the_secret_in_one_piece_and_the_body_indented(small: tuple[Served, str]) -> None:
    served, key = small
    port = free_port()

    def deliver(shown: str) -> None:
        secret = shown.partition("whsec_")[2].split()[0]
        headers = signatures.headers([f"whsec_{secret}"], "d1", int(time.time()), BODY)
        assert httpx.post(f"http://127.0.0.1:{port}/", content=BODY, headers=headers).status_code == 204

    command = ("listen", "--server", f"{served.base}/partner", "--key", key, "--port", str(port), "--print")
    shown = _on_terminal(*command, then=deliver)

    assert "╭" in shown
    assert "\x1b[32m✓ verified" in shown
    assert '  \x1b[1;34m"objectVersion"' in shown
    assert "is deleted." in shown
    assert webhooks(served, key) == []


def test_the_secret_can_be_left_out(small: tuple[Served, str]) -> None:
    served, key = small
    with staying("listen", "--server", f"{served.base}/partner", "--key", key, "--no-secret") as program:
        printed = [program.line("")]
        while not printed[-1].startswith("time\t"):
            printed.append(program.line(""))

    assert [line for line in printed if line.startswith("endpoint: ")]
    assert "whsec_" not in "\n".join(printed)


def test_a_reader_that_goes_away_ends_it_and_the_endpoint(small: tuple[Served, str]) -> None:
    served, key = small
    port = free_port()
    command = [PROGRAM, "listen", "--server", f"{served.base}/partner", "--key", key, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        while not (line := process.stdout.readline()).startswith("time\t"):
            assert line
        process.stdout.close()
        httpx.post(f"http://127.0.0.1:{port}/", content=BODY)

        assert process.wait(30) == 1

    assert webhooks(served, key) == []


def test_a_terminal_that_is_closed_ends_it_and_the_endpoint(small: tuple[Served, str]) -> None:
    served, key = small
    command = [PROGRAM, "listen", "--server", f"{served.base}/partner", "--key", key]
    ours, its = pty.openpty()
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        shown = b""
        while b"Ctrl-C" not in shown:
            shown += os.read(ours, 4096)
        assert len(webhooks(served, key)) == 1
        os.close(ours)
        process.send_signal(signal.SIGHUP)  # which the kernel sends to those whose own terminal it is

        assert process.wait(30) == 0

    assert webhooks(served, key) == []


def test_a_server_that_may_not_send_to_this_machine_is_explained(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/openintervals.db"
    key = club(url)

    with serving(url) as served:
        said = refusal("listen", "--server", f"{served.base}/partner", "--key", key)

    assert "start it with OPENINTERVALS_WEBHOOK_ALLOW=127.0.0.0/8" in said


def test_what_the_server_refuses_is_told_in_one_sentence(small: tuple[Served, str], tmp_path: Path) -> None:
    served, key = small
    options = ("listen", "--server", f"{served.base}/partner", "--data", str(tmp_path / "nothing"))
    reading = ("--scope", "read:events", "--data", str(tmp_path / "data"))
    narrow = run_json("key", "create", "--organization", "north-shore", *reading)["key"]
    forged = f"{key[:-1]}{'a' if key[-1] != 'a' else 'b'}"

    said = {
        "no key": refusal(*options),
        "wrong key": refusal(*options, "--key", forged),
        "narrow key": refusal(*options, OPENINTERVALS_KEY=narrow),
        "unknown type": refusal(*options, "--key", key, "--types", "marathon.created"),
        "unknown format": refusal(*options, "--key", key, "--format", "fat"),
        "wrong address": refusal("listen", "--server", f"{served.base}/elsewhere", "--key", key),
    }

    assert "Give --key or set OPENINTERVALS_KEY" in said["no key"]
    assert "does not know this key" in said["wrong key"]
    assert "lets this key make no webhooks" in said["narrow key"]
    assert "write:webhooks" in said["narrow key"]
    assert "types: " in said["unknown type"]
    assert "marathon.created" in said["unknown type"]
    assert "format: " in said["unknown format"]
    assert "/partner" in said["wrong address"]
    assert webhooks(served, key) == []


def test_what_cannot_begin_is_told_in_one_sentence() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/partner"

    assert f"There is no server at {nowhere}" in refusal("listen", "--server", nowhere, "--key", "k")
    assert "--forward-to takes a URL" in refusal("listen", "--key", "k", "--forward-to", "localhost:9000")
    assert "--server takes a URL" in refusal("listen", "--key", "k", "--server", "club.example")
    named = refusal("listen", "--server", "http://user:secret@127.0.0.1:8000/partner", "--key", "k")
    assert "--server takes a URL without a name and password" in named
    assert "secret" not in named
    for key in ("k\n", "k\r\nX-Evil: 1", "k k", " ", "schlüssel"):
        assert "A key is one word" in refusal("listen", "--server", nowhere, "--key", key)
    assert "is no port" in refusal("listen", "--key", "k", "--port", "99999")
    assert "is no port" in refusal("listen", "--key", "k", "--port", "-1")
    assert "'prod' is no mode" in refusal("listen", "--mode", "prod")


def test_an_endpoint_that_could_not_be_deleted_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/openintervals.db"
    key = club(url)
    log = tmp_path / "log"

    with (
        serving(url, OPENINTERVALS_WEBHOOK_ALLOW=ALLOW) as served,
        staying("listen", "--server", f"{served.base}/partner", "--key", key, errors=log) as program,
    ):
        endpoint = program.line("endpoint: ").split()[1]
        program.line("time\t")
        served.stop()
        code = program.stop()

    assert code == 1
    assert log.read_text().startswith(f"openintervals: The endpoint {endpoint} is left behind: There is no server at")


@pytest.mark.parametrize("mode", ["live", "test"])
def test_without_a_key_it_is_the_demo_clubs(mode: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/openintervals.db"

    with serving(url, "--demo", OPENINTERVALS_DATA=str(tmp_path), OPENINTERVALS_WEBHOOK_ALLOW=ALLOW) as served:
        keys = dict(line.split() for line in (tmp_path / "demo-key.txt").read_text().splitlines()[1:])
        command = ("listen", "--server", f"{served.base}/partner", "--data", str(tmp_path), "--mode", mode)
        with staying(*command) as program:
            endpoint = program.line("endpoint: ").split()[1]
            listed = {its: [each["_id"] for each in webhooks(served, keys[its])] for its in ("live", "test")}

    assert listed == {"live": [], "test": [], mode: [endpoint]}


def test_the_demo_clubs_key_is_not_sent_to_other_machines(tmp_path: Path) -> None:
    assert run("demo", "--data", str(tmp_path)).returncode == 0

    said = refusal("listen", "--server", "http://192.0.2.1/partner", "--data", str(tmp_path))

    assert "Give --key" in said


def test_demo_keys_from_before_there_were_webhooks_are_replaced(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/openintervals.db"
    run("demo", "--data", str(tmp_path))
    file = tmp_path / "demo-key.txt"
    first = file.read_text()
    assert run("demo", "--data", str(tmp_path)).returncode == 0
    assert file.read_text() == first

    with contextlib.closing(apsw.Connection(str(tmp_path / "openintervals.db"))) as connection:
        connection.execute("UPDATE api_keys SET scopes = '[\"read:events\"]'")
    run("demo", "--data", str(tmp_path))

    assert file.read_text() != first
    assert {len(json.loads(scopes)) for (scopes,) in databases.rows(url, "SELECT scopes FROM api_keys")} == {
        1,
        len(SCOPES),
    }


def _until_disabled(served: Served, key: str) -> Any:
    """The one endpoint, once the server has disabled it."""
    give_up = time.monotonic() + PATIENCE_S
    while (endpoint := webhooks(served, key)[0])["status"] != "disabled":
        assert time.monotonic() < give_up, endpoint
    return endpoint


def _on_terminal(*arguments: str, then: Any) -> str:
    """What a command shows on a terminal until it is interrupted after `then`, which gets what is shown once it listens."""
    ours, its = pty.openpty()
    environment = {**os.environ, "COLUMNS": "120", "TERM": "xterm-256color"}
    shown = b""
    with subprocess.Popen([PROGRAM, *arguments], stdin=its, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        with contextlib.suppress(OSError):  # how Linux says that the other side has closed
            while part := os.read(ours, 4096):
                shown += part
                if b"Ctrl-C" in shown and then is not None:
                    then(shown.decode())
                    then = None
                    process.send_signal(signal.SIGINT)
    os.close(ours)
    assert process.returncode == 0
    return shown.decode()
