"""The stage: what the benchmarks of one run share. Databases are filled when first asked for, and once.

PostgreSQL is a private server from `tests/postgres.py`, with fsync on.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from benchmarks import bare, load, product, season, usual
from benchmarks.rounds import Pace
from tests import postgres


class Stage:
    """One run's folder, pace and databases."""

    def __init__(
        self,
        directory: Path,
        *,
        quick: bool,
        long: bool,
        with_postgres: bool,
        say: Callable[[str], None],
    ) -> None:
        self.directory = directory
        self.quick = quick
        self.long = long
        self.with_postgres = with_postgres
        self.say = say
        self.pace = Pace(rounds=3, seconds=2) if quick else Pace(rounds=5, seconds=5)
        self._held = ExitStack()

    def close(self) -> None:
        self._held.close()

    def log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    @cached_property
    def bare(self) -> Path:
        self.say("filling bare, SQLite")
        path = self.directory / "bare.db"
        bare.fill(str(path))
        return path

    @cached_property
    def usual_sqlite(self) -> str:
        self.say("filling usual, SQLite")
        url = f"sqlite:///{self.directory / 'usual.db'}"
        usual.fill(url)
        return url

    @cached_property
    def usual_postgres(self) -> str:
        self.say("filling usual, PostgreSQL")
        url = self.cluster.create_database()
        usual.fill(url)
        return url

    @cached_property
    def ours_sqlite(self) -> product.Filled:
        self.say("filling ours, SQLite")
        return product.fill(product.Store(str(self.directory / "ours")))

    @cached_property
    def ours_postgres(self) -> product.Filled:
        self.say("filling ours, PostgreSQL")
        return product.fill(product.Store(self.cluster.create_database()))

    @cached_property
    def season(self) -> season.Season:
        rides = 200 if self.quick else 2_000
        self.say(f"filling a season of {rides:,} rides")
        return season.fill(self.directory / "season", rides)

    @cached_property
    def cluster(self) -> postgres.Cluster:
        """The PostgreSQL server that lives as long as the run."""
        return self._held.enter_context(new_cluster())


@contextmanager
def new_cluster() -> Iterator[postgres.Cluster]:
    """A private PostgreSQL server with fsync on. Raises load.Failed where it is not installed."""
    try:
        postgres.find_programs()
    except postgres.NotInstalled as missing:
        raise load.Failed(str(missing)) from None
    with postgres.cluster(fsync=True) as cluster:
        yield cluster


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set environment variables for the block, for processes that are started in it by others."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
