"""The command line, run as people and scripts run it, on both databases."""

import contextlib
import json
import os
import pty
import stat
import subprocess
from pathlib import Path

import pytest

from openintervals.platform.scopes import SCOPES
from openintervals.settings import Settings
from tests.cli.program import PROGRAM, club, refusal, run, run_json


@pytest.fixture
def url(database_url: str) -> str:
    """A database that is ready for use."""
    assert run("migrate", "--database-url", database_url).returncode == 0
    return database_url


def test_an_organization_is_made_listed_and_changed(url: str) -> None:
    made = run_json("organization", "create", "--name", "North Shore", "--slug", "north-shore", "--database-url", url)
    changed = run_json("organization", "set", "north-shore", "--bypass-windows", "--database-url", url)
    listed = run_json("organization", "list", "--database-url", url)

    assert set(made) == {"id", "slug"}
    assert made["slug"] == "north-shore"
    assert changed["bypass_windows"] is True
    assert listed == [changed]
    assert listed[0]["plan"] == "enterprise"


def test_a_key_is_made_listed_rotated_and_revoked(url: str) -> None:
    club(url)
    options = ("--database-url", url)

    made = run_json(
        "key",
        "create",
        "--organization",
        "north-shore",
        "--mode",
        "test",
        "--scope",
        "read:events",
        "--scope",
        "read:groups",
        *options,
    )
    second = run_json("key", "rotate", made["id"], "--overlap", "1h", *options)
    ended = run_json("key", "revoke", made["id"], *options)
    listed = {key["id"]: key for key in run_json("key", "list", "--organization", "north-shore", *options)}

    assert set(made) == {"id", "key", "mode", "scopes"}
    assert made["key"].startswith("oi_test_sk_")
    assert made["scopes"] == second["scopes"] == ["read:events", "read:groups"]
    assert ended["revokedAt"] == listed[made["id"]]["revokedAt"]
    assert listed[made["id"]]["expiresAt"] is not None
    assert listed[second["id"]]["revokedAt"] is None
    assert made["key"] not in json.dumps(listed)
    assert len(listed) == 3


def test_an_athlete_is_made_listed_and_coached(url: str) -> None:
    options = ("--database-url", url)

    ann = run_json("athlete", "create", "--name", "Ann", "--email", "ann@example.com", *options)
    bob = run_json("athlete", "create", "--name", "Bob", "--timezone", "Europe/Berlin", *options)
    second = run_json("athlete", "key", ann["id"][1:], *options)
    begun = run_json("athlete", "coach", ann["id"], bob["id"], *options)
    ended = run_json("athlete", "coach", ann["id"], bob["id"], "--remove", *options)

    assert set(ann) == {"id", "apiKey"}
    assert second["id"] == ann["id"]
    assert second["apiKey"] != ann["apiKey"]
    assert run_json("athlete", "list", *options) == [
        {"id": ann["id"], "name": "Ann", "email": "ann@example.com", "timezone": "UTC"},
        {"id": bob["id"], "name": "Bob", "email": None, "timezone": "Europe/Berlin"},
    ]
    assert (begun["coaches"], ended["coaches"]) == (True, False)
    assert "does not coach" in refusal("athlete", "coach", ann["id"], bob["id"], "--remove", *options)
    assert "no time zone" in refusal("athlete", "create", "--name", "C", "--timezone", "Mars", *options)
    assert "UTF-8" in refusal("athlete", "create", "--name", "Zo\udceb", *options)
    assert "athlete list" in refusal("athlete", "key", "i5", *options)
    [first, other] = run_json("athlete", "keys", ann["id"], *options)
    assert [ann["apiKey"][-4:], second["apiKey"][-4:]] == [first["last_four"], other["last_four"]]
    assert run_json("athlete", "revoke", ann["id"], first["id"], *options)["revoked"]
    assert [bool(key["revoked_at"]) for key in run_json("athlete", "keys", ann["id"], *options)] == [True, False]
    assert "no live key" in refusal("athlete", "revoke", ann["id"], first["id"], *options)


def test_all_scopes_means_every_scope(url: str) -> None:
    run("organization", "create", "--name", "N", "--slug", "n", "--database-url", url)

    made = run_json("key", "create", "--organization", "n", "--mode", "live", "--all-scopes", "--database-url", url)

    assert "write:participants" in made["scopes"]
    assert made["scopes"] == list(SCOPES)


def test_every_wrong_field_is_told_at_once(url: str) -> None:
    said = refusal(
        "organization",
        "create",
        "--name",
        "N",
        "--slug",
        "No Slug",
        "--plan",
        "gold",
        "--timezone",
        "Mars",
        "--database-url",
        url,
    )

    assert "slug:" in said
    assert "plan:" in said
    assert "timezone:" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("key", "create", "--organization", "nobody", "--all-scopes"), "no organization with the slug 'nobody'"),
        (("key", "create", "--organization", "x", "--mode", "beta", "--all-scopes"), "'beta' is no mode"),
        (("key", "create", "--organization", "x"), "--all-scopes, or --scope"),
        (("key", "create", "--organization", "x", "--all-scopes", "--expires", "soon"), "'soon' is no date"),
        (("key", "create", "--organization", "x", "--all-scopes", "--expires", "2020-01-01"), "has passed"),
        (("key", "rotate", "ak0", "--overlap", "1y"), "'1y' is no overlap"),
        (("key", "revoke", "ak0"), "no key 'ak0'"),
        (("restore", "/nowhere/file.db"), "no file /nowhere/file.db"),
        (("backup", "/tmp/never.db"), "There is no database"),
        (("openapi", "partner", "--format", "2.0"), "no OpenAPI 2.0 document"),
        (("serve", "--port", "99999"), "OPENINTERVALS_PORT"),
        (("serve", "--workers", "2"), "SQLite is served by one process"),
        (("serve", "--host", "192.0.2.1", "--port", "18000"), "no address of this machine"),
        (("worker",), "needs PostgreSQL"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    said = refusal(*arguments, "--data", str(tmp_path / "data"))

    assert said.startswith("openintervals: ")
    assert words in said


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://x/y", "must begin with postgresql:// or sqlite:///"),
        ("postgresql://127.0.0.1:1/nothing", "PostgreSQL cannot be reached"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_in_one_sentence(url: str, words: str) -> None:
    assert words in refusal("organization", "list", "--database-url", url)


def test_a_command_that_is_not_understood_exits_with_2() -> None:
    done = run("key", "create", "--no-such-option")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_any_command_makes_the_database_in_an_empty_folder_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    listed = run_json("organization", "list", "--data", str(folder))

    assert listed == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "openintervals.db").stat().st_mode) == 0o600


def test_a_folder_on_the_command_line_outweighs_the_environment(tmp_path: Path) -> None:
    elsewhere = f"sqlite:///{tmp_path}/elsewhere.db"

    run("organization", "list", "--data", str(tmp_path / "data"), OPENINTERVALS_DATABASE_URL=elsewhere)

    assert (tmp_path / "data" / "openintervals.db").exists()
    assert not (tmp_path / "elsewhere.db").exists()


def test_what_is_no_terminal_gets_whole_plain_lines(tmp_path: Path) -> None:
    options = ("--data", str(tmp_path / "data"))
    name = "Royal " + "North Shore " * 15
    run("organization", "create", "--name", name.strip(), "--slug", "north-shore", *options, COLUMNS="40")

    listed = run("organization", "list", *options, COLUMNS="40", FORCE_COLOR="1").stdout

    assert len(listed.splitlines()) == 2
    assert listed.splitlines()[1].split("\t")[2] == name.strip()
    assert "\x1b" not in listed


def test_a_terminal_gets_a_panel_with_the_key_in_one_piece(tmp_path: Path) -> None:
    run("organization", "create", "--name", "N", "--slug", "n", "--data", str(tmp_path))

    shown = _on_terminal("key", "create", "--organization", "n", "--all-scopes", "--data", str(tmp_path))

    assert "╭" in shown
    assert "oi_live_sk_" in shown
    key = shown.partition("oi_live_sk_")[2].split()[0]
    assert len(key) == 33


def test_help_of_serve_lists_every_setting() -> None:
    told = run("serve", "--help").stdout

    assert not [name for name in Settings.__struct_fields__ if f"OPENINTERVALS_{name.upper()}" not in told]
    assert "[default: 127.0.0.1]" in told


@pytest.mark.parametrize(("version", "spelled"), [("3.1", "3.1."), ("3.0", "3.0.")])
def test_the_openapi_documents_are_printed_as_json(version: str, spelled: str) -> None:
    document = json.loads(run("openapi", "partner", "--format", version).stdout)

    assert document["openapi"].startswith(spelled)
    assert "/events" in " ".join(document["paths"])


def test_doctor_finds_nothing_wrong_with_a_new_database(url: str) -> None:
    assert run_json("doctor", "--database-url", url) == {"problems": []}


def _on_terminal(*arguments: str) -> str:
    """What a command shows on a terminal of 100 columns."""
    ours, its = pty.openpty()
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm-256color"}
    with subprocess.Popen([PROGRAM, *arguments], stdin=its, stdout=its, stderr=its, env=environment):
        os.close(its)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux says that the other side has closed
            while part := os.read(ours, 4096):
                shown += part
    os.close(ours)
    return shown.decode()
