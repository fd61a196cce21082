"""Readers under a million inputs each, and that the search begins with files they understand."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from openintervals.formats import fit, gpx, tabular, tcx
from openintervals.formats.containers import Problem, unpack
from tests.fuzz.readers import READERS
from tests.house.sources import ROOT

INPUTS = 1_000_000


def test_the_search_begins_with_files_that_are_understood() -> None:
    seeds = {kind: reader.seeds() for kind, reader in READERS.items()}

    assert all(fit.decode(seed).files for seed in seeds["fit"])
    assert all(gpx.decode(seed).activities for seed in seeds["gpx"])
    assert all(tcx.decode(seed).activities for seed in seeds["tcx"])
    assert len(tabular.decode_streams(seeds["csv"][0])) > 10
    assert len(tabular.decode_laps(seeds["csv"][1])) == 2
    for seed in seeds["zip"]:
        found = list(unpack("upload", seed))
        assert found
        assert not any(isinstance(each, Problem) for each in found)


@pytest.mark.parametrize("kind", READERS)
def test_every_seed_passes_through_its_reader(kind: str) -> None:
    for seed in READERS[kind].seeds():
        for data in (seed, seed[: len(seed) // 2], seed[::-1], seed + seed):
            READERS[kind].read(data)


@pytest.mark.long
@pytest.mark.skipif(not find_spec("atheris"), reason="atheris is not made for this machine or this Python")
@pytest.mark.parametrize("kind", READERS)
def test_no_input_crashes_a_reader_or_makes_it_slow_or_large(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.run", kind, str(INPUTS), str(tmp_path)]

    done = subprocess.run(
        command, check=False, cwd=ROOT, env={**os.environ, "PYTHONPATH": "src"}, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-4_000:]
    assert f"{INPUTS} inputs" in done.stdout
