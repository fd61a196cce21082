"""The requests that are printed for newcomers work as printed, against a new demo club and a new athlete.

Every block of shell with `curl` in it is run, in order. A call answers with success, unless a comment says `refused with 409`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import servers
from tests.house.sources import ROOT

PRINTED_FOR = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)

# Stands before the real one on the PATH: writes the status of each answer down.
CURL = """#!/usr/bin/env bash
body=$(mktemp "$HOME/body.XXXXXX")
status=$({curl} --silent --show-error --max-time 20 --output "$body" --write-out '%{{http_code}}' "$@")
cat "$body"
echo "$status $(head -c 600 "$body" | LC_ALL=C tr -cd '[:print:]')" >>"$HOME/answers"
"""


def blocks(text: str) -> str:
    """The shell of a document that makes requests, and what it needs to be said before."""
    return "\n".join(code for code in BLOCK.findall(text) if "curl " in code or "API=" in code)


def refusals(shell: str) -> list[str]:
    """The statuses of the refusals a document announces, in order."""
    return re.findall(r"# .*?\brefused with (\d{3})", shell)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = tmp_path_factory.mktemp("clone")
    (clone / ".venv").symlink_to(sys.prefix)
    return clone


@pytest.fixture(scope="module")
def base(folder: Path) -> object:
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("curl is not installed here")
    url, data = f"sqlite:///{folder}/data/openintervals.db", f"{folder}/data"
    with servers.serving(url, "--demo", OPENINTERVALS_DATA=data) as url:
        yield url


@pytest.mark.parametrize("document", ["README.md", "docs/partner-api.md", "docs/training.md"])
def test_the_printed_requests_work_as_printed(document: str, base: str, folder: Path, tmp_path: Path) -> None:
    shell = blocks((ROOT / document).read_text())
    wrapper = tmp_path / "bin" / "curl"
    wrapper.parent.mkdir()
    wrapper.write_text(CURL.format(curl=shutil.which("curl")))
    wrapper.chmod(0o755)
    environment = {**os.environ, "PATH": f"{wrapper.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", shell.replace(PRINTED_FOR, base)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    answers = (tmp_path / "answers").read_text().splitlines()
    assert PRINTED_FOR in shell
    assert len(answers) == len(re.findall(r"\bcurl ", shell))
    assert [answer[:3] for answer in answers if not answer.startswith("2")] == refusals(shell), "\n".join(answers)


def test_blocks_without_requests_are_left_alone() -> None:
    text = "```sh\nbin/serve\n```\n\n```sh\ncurl x  # refused with 401\n```\n"

    shell = blocks(text)

    assert "bin/serve" not in shell
    assert refusals(shell) == ["401"]
