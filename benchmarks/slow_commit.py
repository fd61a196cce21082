"""slow-disk: registrations per second with 5 ms added to every fsync, commits shared against commits one at
a time.

The same server twice, on the same database: as it comes, and told to commit one request at a time. On
SQLite that is OPENINTERVALS_COMMIT_GROUP=1, on PostgreSQL a pool of one connection. The slow disk is a
library (`slow_fsync.c`) preloaded into whatever syncs, our server or PostgreSQL; it needs a C compiler.

More connections than elsewhere: what can share a commit is at most what waits at once.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg

from benchmarks import load, product
from benchmarks.rounds import Row, alternate, at_least, skipped
from benchmarks.stage import Stage, environment, new_cluster

SLOWER_S = 0.005
_GOAL = 10
_CONNECTIONS = 64


def slow_disk(stage: Stage) -> Iterator[Row]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        yield skipped("slow-disk", "no C compiler here to build slow_fsync.c with")
        return
    library = _compile(compiler, stage.directory)
    slow = {"LD_PRELOAD": str(library), "SLOW_FSYNC_US": str(round(SLOWER_S * 1e6))}
    yield _measure(
        stage,
        "slow-disk, SQLite",
        stage.ours_sqlite,
        together=slow,
        alone={**slow, "OPENINTERVALS_COMMIT_GROUP": "1"},
    )
    if not stage.with_postgres:
        yield skipped("slow-disk, PostgreSQL", "without PostgreSQL")
        return
    with environment(**slow):
        cluster = new_cluster()
        url = cluster.__enter__().create_database()
    try:
        _require_slow(url)
        stage.say("filling ours, PostgreSQL on a slow disk")
        yield _measure(
            stage,
            "slow-disk, PostgreSQL",
            product.fill(product.Store(url)),
            together={"OPENINTERVALS_DATABASE_POOL": str(_CONNECTIONS)},
            alone={"OPENINTERVALS_DATABASE_POOL": "1"},
        )
    finally:
        cluster.__exit__(None, None, None)


def _measure(
    stage: Stage,
    name: str,
    filled: product.Filled,
    *,
    together: Mapping[str, str],
    alone: Mapping[str, str],
) -> Row:
    """Take turns by starting one server after the other: two of them cannot serve one SQLite file."""
    pace = stage.pace._replace(connections=_CONNECTIONS, rounds=1)
    results: dict[str, list[load.Result]] = {"together": [], "alone": []}
    for _ in range(stage.pace.rounds):
        for way, variables in (("together", together), ("alone", alone)):
            with product.serving(filled, stage.log("slow-disk"), environment=variables) as server:
                results[way] += alternate({way: product.registering(server, filled)}, pace)[way]
    return at_least(name, results["together"], results["alone"], "one commit at a time", _GOAL)


def _compile(compiler: str, directory: Path) -> Path:
    library = directory / "slow_fsync.so"
    source = Path(__file__).with_name("slow_fsync.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True)
    # PostgreSQL may run as another user, who must reach the library.
    directory.chmod(0o755)
    library.chmod(0o755)
    return library


def _require_slow(url: str) -> None:
    """Raises load.Failed unless commits have become slow: the library may not have been taken on."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE slowness (n int)")
        began = time.perf_counter()
        for n in range(10):
            connection.execute("INSERT INTO slowness VALUES (%s)", (n,))
        each = (time.perf_counter() - began) / 10
        connection.execute("DROP TABLE slowness")
    if each < SLOWER_S:
        raise load.Failed(f"a commit takes {each * 1000:.1f} ms: PostgreSQL did not take on the slow fsync")
