"""SQLite as this server uses it: one writer whose commits are shared, readers on snapshots, another process beside it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw
import pytest

from openintervals import errors
from openintervals.db import SQLite, failures, migrate, sqlite
from openintervals.db.transaction import Read, Write
from openintervals.platform import organizations
from openintervals.settings import Settings
from tests.db.asking import asking

T = TypeVar("T")
Trial = Callable[[SQLite], Awaitable[T]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty database."""
    migrate.upgrade(Settings(data=str(tmp_path)))
    return tmp_path / "openintervals.db"


def try_on(path: Path, trial: "Trial[T]", **options: Any) -> T:
    """Run `trial` with the database opened."""

    async def run() -> T:
        database = SQLite(path, **options)
        await database.open()
        try:
            return await trial(database)
        finally:
            await database.close()

    return asyncio.run(run())


def making(slug: str) -> Callable[[Write], Awaitable[organizations.Organization]]:
    return lambda tx: organizations.create(
        tx, name=slug, slug=slug, roles=["organizer"], plan="free", timezone="UTC", now=tx.now
    )


async def slugs(database: SQLite) -> list[str]:
    return [found.slug for found in await database.read(asking(), organizations.every)]


def test_long_work_lets_others_read_meanwhile(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SLICE_S", -1.0)  # each statement is long

    async def trial(database: SQLite) -> tuple[list[str], list[str]]:
        reading = asyncio.create_task(slugs(database))

        async def work(tx: Write) -> list[str]:
            await making("first")(tx)
            assert reading.done()
            return reading.result()

        return await database.write(asking(), work), await slugs(database)

    meanwhile, afterwards = try_on(path, trial)

    assert (meanwhile, afterwards) == ([], ["first"])


def count_commits(database: SQLite, at_commit: Callable[[], bool] = lambda: False) -> list[bool]:
    """A list that grows with each commit; `at_commit` may refuse one by returning True."""
    commits: list[bool] = []

    def hook() -> bool:
        commits.append(True)
        return at_commit()

    assert database._writer
    database._writer.set_commit_hook(hook)
    return commits


def test_writes_that_come_at_once_share_commits_and_each_takes_effect(path: Path) -> None:
    names = sorted(f"club-{number:03}" for number in range(100))

    async def trial(database: SQLite) -> tuple[list[str], int]:
        commits = count_commits(database)
        await asyncio.gather(*(database.write(asking(), making(name)) for name in names))
        return await slugs(database), len(commits)

    found, commits = try_on(path, trial)

    assert found == names
    assert commits <= 5


def test_with_groups_of_one_each_write_has_its_own_commit(path: Path) -> None:
    async def trial(database: SQLite) -> int:
        commits = count_commits(database)
        await asyncio.gather(*(database.write(asking(), making(f"club-{number}")) for number in range(10)))
        return len(commits)

    assert try_on(path, trial, commit_group=1) == 10


def test_nothing_is_acknowledged_before_its_commit(path: Path) -> None:
    async def trial(database: SQLite) -> list[int]:
        acknowledged: list[str] = []
        at_commits: list[int] = []

        def look() -> bool:
            at_commits.append(len(acknowledged))
            return False

        count_commits(database, look)

        async def write(name: str) -> None:
            await database.write(asking(), making(name))
            acknowledged.append(name)

        await asyncio.gather(*(write(f"club-{number}") for number in range(20)))
        return at_commits

    at_commits = try_on(path, trial)

    assert at_commits[0] == 0


def test_a_write_that_fails_takes_back_its_own_and_leaves_the_others(path: Path) -> None:
    async def failing(tx: Write) -> None:
        await making("half-done")(tx)
        raise errors.Conflict("no")

    async def trial(database: SQLite) -> tuple[list[Any], list[str]]:
        work = [making("one"), making("two"), failing, making("three"), making("two"), making("four")]
        done = await asyncio.gather(*(database.write(asking(), one) for one in work), return_exceptions=True)
        return done, await slugs(database)

    done, found = try_on(path, trial)

    assert found == ["four", "one", "three", "two"]
    assert isinstance(done[2], errors.Conflict)
    assert isinstance(done[4], organizations.SlugTaken)
    assert [isinstance(one, organizations.Organization) for one in done] == [True, True, False, True, False, True]


def test_a_commit_that_fails_fails_everything_in_its_group_and_nothing_after_it(path: Path) -> None:
    async def trial(database: SQLite) -> tuple[list[Any], list[str]]:
        refusals = iter([True])
        count_commits(database, lambda: next(refusals, False))
        lost = await asyncio.gather(
            *(database.write(asking(), making(f"lost-{number}")) for number in range(5)), return_exceptions=True
        )
        await database.write(asking(), making("kept"))
        return lost, await slugs(database)

    lost, found = try_on(path, trial)

    assert all(isinstance(one, Exception) for one in lost)
    assert found == ["kept"]


def test_a_write_waits_for_another_process_that_is_writing(path: Path) -> None:
    async def trial(database: SQLite) -> list[str]:
        other = sqlite.connect(path)
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(database.write(asking(), making("patient")))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not writing.done()
        other.execute("ROLLBACK")
        await writing
        other.close()
        return await slugs(database)

    assert try_on(path, trial) == ["patient"]


def test_writes_that_wait_too_long_are_told_so_together_and_changed_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_WAIT_S", 0.3)

    async def trial(database: SQLite) -> tuple[list[Any], float, list[str]]:
        other = sqlite.connect(path)
        other.execute("BEGIN IMMEDIATE")
        began = asyncio.get_running_loop().time()
        told = await asyncio.gather(
            *(database.write(asking(), making(f"late-{number}")) for number in range(20)), return_exceptions=True
        )
        waited = asyncio.get_running_loop().time() - began
        other.execute("ROLLBACK")
        other.close()
        await database.write(asking(), making("after"))
        return told, waited, await slugs(database)

    told, waited, found = try_on(path, trial)

    assert all(isinstance(one, failures.Busy) for one in told)
    assert waited < 2
    assert found == ["after"]


def test_a_write_behind_one_that_waited_in_vain_still_has_all_its_own_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def trial(database: SQLite) -> tuple[Any, list[str]]:
        other = sqlite.connect(path)
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(sqlite, "BUSY_WAIT_S", 0.1)
        first = asyncio.create_task(database.write(asking(), making("in-vain")))
        await asyncio.sleep(0)  # it has the writer, and waits for the other process
        monkeypatch.setattr(sqlite, "BUSY_WAIT_S", 30.0)
        second = asyncio.create_task(database.write(asking(), making("patient")))
        [told] = await asyncio.gather(first, return_exceptions=True)
        assert not second.done()
        other.execute("ROLLBACK")
        other.close()
        await second
        return told, await slugs(database)

    told, found = try_on(path, trial)

    assert isinstance(told, failures.Busy)
    assert found == ["patient"]


def test_a_read_sees_one_moment_while_writes_go_on(path: Path) -> None:
    async def trial(database: SQLite) -> tuple[int, int]:
        async def look_twice(tx: Read) -> tuple[int, int]:
            before = len(await organizations.every(tx))
            await database.write(asking(), making("meanwhile"))
            return before, len(await organizations.every(tx))

        return await database.read(asking(), look_twice)

    assert try_on(path, trial) == (0, 0)


def test_a_read_cannot_write(path: Path) -> None:
    async def trial(database: SQLite) -> None:
        await database.read(asking(), lambda tx: making("sneaky")(Write(tx.session, tx.asking)))

    with pytest.raises(apsw.ReadOnlyError):
        try_on(path, trial)


@pytest.mark.parametrize("version", ["3.45.1", "3.51.2", "3.52.0"])
def test_a_library_that_can_corrupt_a_database_is_refused(version: str) -> None:
    with pytest.raises(failures.UnusableDatabase, match=f"SQLite {version} can corrupt"):
        sqlite.refuse_old_library(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.52.1", "3.53.0", "4.0.0"])
def test_a_repaired_library_is_taken(version: str) -> None:
    sqlite.refuse_old_library(version)


def filling_the_disk(slug: str) -> Callable[[Write], Awaitable[None]]:
    """A write that SQLite can only refuse by ending the whole transaction: the file may not grow that far."""

    async def work(tx: Write) -> None:
        await making(slug)(tx)
        connection = cast("Any", tx.session).connection
        [(pages,)] = connection.execute("PRAGMA page_count").fetchall()
        connection.execute(f"PRAGMA max_page_count={pages + 2}")
        try:
            connection.execute("UPDATE organizations SET name = ? WHERE slug = ?", ("x" * 2_000_000, slug))
        finally:
            connection.execute("PRAGMA max_page_count=100000000")

    return work


def test_a_full_disk_fails_everyone_in_the_group_and_nobody_is_told_otherwise(path: Path) -> None:
    async def trial(database: SQLite) -> tuple[list[Any], list[str]]:
        writes = [making("first"), filling_the_disk("second"), making("third")]
        answers = await asyncio.gather(
            *(database.write(asking(), work) for work in writes),
            return_exceptions=True,
        )
        return answers, await slugs(database)

    (first, second, third), stored = try_on(path, trial)

    assert isinstance(first, errors.Unavailable)
    assert isinstance(second, errors.Unavailable)
    assert third.slug == "third"
    assert stored == ["third"]


def test_a_cancelled_write_leaves_nothing_and_does_not_keep_the_database_to_itself(path: Path) -> None:
    async def trial(database: SQLite) -> list[str]:
        inside = asyncio.Event()

        async def never_ends(tx: Write) -> None:
            await making("half")(tx)
            inside.set()
            await asyncio.Event().wait()

        write = asyncio.create_task(database.write(asking(), never_ends))
        await inside.wait()
        write.cancel()
        with pytest.raises(asyncio.CancelledError):
            await write
        await database.write(asking(), making("next"))
        assert database._writer
        assert not database._writer.in_transaction
        return await slugs(database)

    stored = try_on(path, trial)

    assert stored == ["next"]


def test_a_file_that_was_deleted_or_replaced_takes_no_writes_and_is_not_ready(path: Path) -> None:
    def move(before: Path, after: Path) -> None:
        before.rename(after)

    async def trial(database: SQLite) -> None:
        await database.write(asking(), making("kept"))
        move(path, path.with_suffix(".moved"))
        with pytest.raises(failures.FileReplaced):
            await database.write(asking(), making("lost"))
        with pytest.raises(failures.FileReplaced):
            await database.ping()
        move(path.with_suffix(".moved"), path)
        await database.write(asking(), making("kept-too"))

    try_on(path, trial)

    assert try_on(path, slugs) == ["kept", "kept-too"]
