"""Imports point one way, and libraries stay in the layer that owns them. The contracts are in `.importlinter`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.sources import ROOT

PARTS = (
    "cli",
    "serving",
    "worker",
    "app",
    "api",
    "demo",
    "doctor",
    "club",
    "training",
    "platform",
    "db",
    "analysis",
    "formats",
)
LEAVES = ("errors", "settings", "instants")


def lint(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    command = [str(program), "--no-cache", "--config", str(ROOT / ".importlinter")]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A package with our parts and nothing in them, where the contracts hold."""
    package = tmp_path / "openintervals"
    for part in PARTS:
        (package / part).mkdir(parents=True)
        (package / part / "__init__.py").touch()
    for leaf in ("__init__", *LEAVES):
        (package / f"{leaf}.py").touch()
    for tool in ("docs", "revision"):
        (package / "cli" / f"{tool}.py").write_text("import sqlalchemy\n")
    return tmp_path


def test_imports_point_one_way() -> None:
    said = lint(ROOT)

    assert said.returncode == 0, said.stdout


def test_the_contracts_hold_in_a_package_that_imports_nothing(house: Path) -> None:
    said = lint(house, PYTHONPATH=str(house))

    assert said.returncode == 0, said.stdout + said.stderr


WRONG = (
    ("club", "openintervals.api"),
    ("platform", "openintervals.club"),
    ("training", "openintervals.club"),
    ("api", "openintervals.cli"),
    ("db", "openintervals.platform"),
    ("errors", "openintervals.db"),
    ("demo", "openintervals.doctor"),
    ("club", "litestar"),
    ("club", "apsw"),
    ("training", "litestar"),
    ("platform", "psycopg"),
    ("api", "sqlalchemy"),
    ("cli", "sqlalchemy"),
    ("db", "structlog"),
    ("analysis", "openintervals.errors"),
    ("analysis", "msgspec"),
    ("formats", "openintervals.analysis"),
    ("formats", "sqlalchemy"),
)


def test_each_import_that_points_upwards_or_out_of_its_layer_is_caught(house: Path) -> None:
    folder = house / "openintervals"
    names = {}
    for number, (where, what) in enumerate(WRONG):
        place = folder / f"{where}.py" if where in LEAVES else folder / where / f"example_{number}.py"
        place.write_text(f"import {what}\n")
        names[place] = ".".join(place.relative_to(house).with_suffix("").parts)

    said = lint(house, PYTHONPATH=str(house))

    told = " ".join(said.stdout.split())
    assert said.returncode == 1
    missed = [
        (name, what)
        for name, (_, what) in zip(names.values(), WRONG, strict=True)
        if f"{name} -> {what} (l.1)" not in told
    ]
    assert not missed, said.stdout


def test_a_new_part_of_the_house_needs_a_place_among_the_layers(house: Path) -> None:
    (house / "openintervals" / "helpers.py").touch()

    said = lint(house, PYTHONPATH=str(house))

    assert said.returncode == 1, said.stdout
