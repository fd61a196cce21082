"""What people read is true: links lead somewhere, files and settings that are named exist, commands are spelt as they are."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from openintervals.cli.commands import program
from openintervals.settings import PREFIX, Settings
from tests.house import sources
from tests.house.sources import ROOT

DOCUMENTS = sources.tracked(".md")
OF_COMMANDS = {f"{PREFIX}KEY"}  # options that are read from the environment too
SETTINGS = {PREFIX + name.upper() for name in Settings.__struct_fields__} | OF_COMMANDS
# Folders of people's own machines, put together so that this file does not name one itself.
MACHINES = re.compile(
    "|".join(rf"(?<![\w.~-])/{folder}/[\w.-]+" for folder in ("home", "Users", "root", "work")) + r"|[A-Z]:\\Users"
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def dead_links(text: str, place: Path) -> list[str]:
    """Links of a document at `place` to files, or headings in them, that are not there."""
    prose = FENCE.sub("", text)
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [target for target in targets if "://" not in target and not _leads_somewhere(target, place)]


def _leads_somewhere(target: str, place: Path) -> bool:
    name, _, heading = target.partition("#")
    file = (place.parent / name).resolve() if name else place
    if not file.exists():
        return False
    return not heading or heading in _anchors(file.read_text())


def _anchors(text: str) -> set[str]:
    """The names headings get where Markdown is shown."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing_files(text: str) -> list[str]:
    """Files of ours that a document names in code type and that are not there."""
    named = re.findall(
        r"`((?:src|tests|bin|docs|migrations|benchmarks)/[\w./-]+|(?:club|platform|db|api|cli)/[\w/]+\.py)`", text
    )
    return [
        name
        for name in named
        if not (ROOT / name).exists() and not (sources.PACKAGE / name).exists() and "NNNN" not in name
    ]


def unknown_settings(text: str) -> list[str]:
    return sorted(set(re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]\b", text)) - SETTINGS)


def machine_paths(text: str) -> list[str]:
    """Paths that exist on somebody's machine only."""
    return MACHINES.findall(text)


def wrong_commands(text: str) -> list[str]:
    """Commands in the code of a document that the command line does not have, or not with these options."""
    return [problem for command in _commands(text) if (problem := _misspelt(command))]


def _commands(text: str) -> Iterator[list[str]]:
    fences = (code for language, code in FENCE.findall(text) if language in ("sh", "ini", ""))
    lines = "\n".join(fences).replace("\\\n", " ").splitlines()
    inline = re.findall(r"`(openintervals [^`]+)`", text)
    for line in [*lines, *inline]:
        match = re.search(r"(?:^\s*|bin/)openintervals (?=[a-z-])([^|>&#)]*)", line)
        if match and not line.lstrip().startswith("#"):
            yield shlex.split(match[1].strip(), posix=True)


def _misspelt(words: list[str]) -> str:
    command = typer.main.get_command(program)
    rest = list(words)
    while rest and getattr(command, "commands", None):
        below = command.commands.get(rest.pop(0))  # type: ignore[attr-defined]
        if below is None:
            return f"openintervals {shlex.join(words)}: no such command"
        command = below
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in rest if word.startswith("-") and word.partition("=")[0] not in {*known, "--help"}]
    return f"openintervals {shlex.join(words)}: no option {' '.join(unknown)}" if unknown else ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_is_true(document: Path) -> None:
    text = document.read_text()

    assert not dead_links(text, document)
    assert not missing_files(text)
    assert not unknown_settings(text)
    assert not wrong_commands(text)


def test_what_documents_may_name_beside_the_settings_is_read_by_a_command() -> None:
    commands = typer.main.get_command(program).commands.values()  # type: ignore[attr-defined]  # a group has them

    assert {option.envvar for command in commands for option in command.params} - {None} == OF_COMMANDS


def test_no_file_names_a_path_of_a_developers_machine() -> None:
    texts = {path: path.read_bytes().decode(errors="ignore") for path in sources.tracked()}

    found = {str(path.relative_to(ROOT)): paths for path, text in texts.items() if (paths := machine_paths(text))}

    assert not found


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        (missing_files, "see `src/openintervals/club/managers.py`"),
        (missing_files, "see `club/managers.py`"),
        (unknown_settings, f"set {PREFIX}COLOUR to blue"),
        (machine_paths, "cd /" + "home/alex/src"),
        (machine_paths, 'open("/' + 'Users/alex/club.db")'),
        (wrong_commands, "```sh\nopenintervals fly --high\n```"),
        (wrong_commands, "```sh\nsudo -u club /opt/bin/openintervals doctor --cure\n```"),
        (wrong_commands, "say `openintervals key lose`"),
    ],
)
def test_what_is_not_true_is_caught(rule: object, bad: str) -> None:
    assert callable(rule)
    assert rule(bad)


@pytest.mark.parametrize("bad", ["[a](nowhere.md)", "[a](#no-such-heading)", "[a](README.md#no-such-heading)"])
def test_a_dead_link_is_caught(bad: str) -> None:
    assert dead_links(f"# Here\n\n{bad}\n", ROOT / "README.md")


def test_what_is_true_passes(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    text = (
        "# A heading here\n\n[a](#a-heading-here) [b](document.md) `src/openintervals/app.py`\n\n"
        "```sh\nopenintervals doctor --json\n```\n"
    )
    document.write_text(text)

    assert not dead_links(text, document)
    assert not missing_files(text)
    assert not wrong_commands(text)
