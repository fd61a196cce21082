"""Imports: `openintervals import` of a folder of one-hour rides, on all cores: files a second.

2,000 files, with --quick 200; with --long 20,000 more into another database, which may take at most 1.2 times as long for each file.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import load, product, season
from benchmarks.rounds import Row, skipped
from benchmarks.stage import Stage

FILES, QUICK_FILES, LONG_FILES = 2_000, 200, 20_000
SLOWDOWN_MOST = 1.2


def importing(stage: Stage) -> Iterator[Row]:
    if not product.has("import"):
        yield skipped("imports", "this server has no import yet")
        return
    few = QUICK_FILES if stage.quick else FILES
    first = _per_second(stage, few)
    yield Row(f"imports, {few:,} files", f"{first:,.0f} files/s", "–", "–", "–", None)
    if not stage.long:
        yield skipped(f"imports, {LONG_FILES:,} files", "with --long")
        return
    many = _per_second(stage, LONG_FILES)
    yield Row(
        f"imports, {LONG_FILES:,} files",
        f"{many:,.0f} files/s",
        f"{few:,} files: {first:,.0f} files/s",
        f"{first / many:.2f} × as long",
        f"≤ {SLOWDOWN_MOST} ×",
        first / many <= SLOWDOWN_MOST,
    )


def _per_second(stage: Stage, count: int) -> float:
    stage.say(f"writing {count:,} rides")
    folder = stage.directory / f"rides-{count}"
    _write(folder, count)
    store = product.Store(str(stage.directory / f"imported-{count}"))
    athlete = product.json_of("athlete", "create", "--name", "Ann", *store.option)["id"]
    stage.say(f"importing {count:,} rides")
    began = time.perf_counter()
    told = product.run("import", str(folder), "--athlete", str(athlete), "--json", *store.option)
    taken_s = time.perf_counter() - began
    listed = product.activities_of(store)
    if listed != count:
        raise load.Failed(f"{listed} activities came of {count} files: {told[-500:]}")
    return count / taken_s


def _write(folder: Path, count: int) -> None:
    for number in range(count):
        month = folder / f"{number // 1_000:02}"
        month.mkdir(parents=True, exist_ok=True)
        (month / f"ride-{number}.fit").write_bytes(season.ride(number))
