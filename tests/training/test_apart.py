"""What takes long is done apart from the transaction that needs it: nobody waits for it, and it rests on what is so when it is stored."""

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

from openintervals import errors
from openintervals.db.transaction import APART_MOST, Write
from openintervals.platform.files import Files
from openintervals.training import activity_analysis, activity_edits, athletes
from tests import databases
from tests.servers import Application
from tests.training import people
from tests.training.people import Person

PATIENCE_S = 30


@pytest.fixture
def ann(app: Application, tmp_path: Path) -> Person:
    return people.join(app, Files(str(tmp_path / "files")))


async def call(tx: Write, name: str) -> None:
    await athletes.change(tx, {"name": name}, {})


def test_others_write_while_it_is_done_and_it_is_done_again_when_they_change_what_it_rests_on(ann: Person) -> None:
    begun, may_end = threading.Event(), threading.Event()
    done: list[str] = []

    async def slow(tx: Write) -> None:
        def work() -> str:
            begun.set()
            assert may_end.wait(PATIENCE_S)
            done.append(before.name)
            return f"{before.name} the Slow"

        before = await athletes.lock(tx)
        await call(tx, await tx.apart(before.version, work))

    async def story() -> None:
        writing = asyncio.create_task(ann.app.database.write(ann.asking(), slow))
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        await ann.app.database.write(ann.asking(), lambda tx: call(tx, "Bea"))
        may_end.set()
        await writing

    ann.app.run(story())

    assert done == ["Ann", "Bea"]
    assert ann.read(athletes.current).name == "Bea the Slow"


def test_what_was_done_before_it_is_done_once_in_the_end(ann: Person) -> None:
    before = ann.read(athletes.current).version

    async def twice(tx: Write) -> str:
        await call(tx, "Once")
        return await tx.apart("first", lambda: "a") + await tx.apart("second", lambda: "b")

    assert ann.write(twice) == "ab"
    assert ann.read(athletes.current).version == before + 1


def test_its_failure_is_met_where_it_is_asked_for(ann: Person) -> None:
    async def failing(tx: Write) -> str:
        try:
            return await tx.apart("nothing", lambda: str(1 / 0))
        except ZeroDivisionError:
            return "met"

    assert ann.write(failing) == "met"


def test_what_it_rests_on_may_change_for_ever_and_it_still_ends(ann: Person) -> None:
    tries = 0

    async def restless(tx: Write) -> int:
        nonlocal tries
        tries += 1
        return await tx.apart(tries, lambda: tries)

    assert ann.write(restless) == APART_MOST + 1


def test_an_activity_is_analysed_while_no_transaction_is_open(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ann.uploaded(people.fit(watts=200))
    begun, may_end = threading.Event(), threading.Event()
    measured = activity_analysis.measured

    def slow(*given: object, **named: object) -> object:
        begun.set()
        assert may_end.wait(PATIENCE_S)
        return measured(*given, **named)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(activity_analysis, "measured", slow)

    async def story() -> None:
        database, asking = ann.app.database, ann.asking()
        change = database.write(asking, lambda tx: activity_edits.change(tx, said, {"icu_ftp": 200}))
        changing = asyncio.create_task(change)
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        await database.write(asking, lambda tx: activity_edits.change(tx, said, {"name": "Meanwhile"}))
        may_end.set()
        await changing

    ann.app.run(story())

    served = ann.served(said)
    assert (served["name"], served["icu_ftp"], served["icu_intensity"]) == ("Meanwhile", 200, 100)


def test_streams_nobody_wrote_stay_those_of_the_file(ann: Person) -> None:
    said = ann.uploaded(people.fit())
    ann.write(lambda tx: activity_edits.write_streams(tx, said, {"watts": np.full(900, 250.0)}))

    edited = databases.rows(
        ann.app.runtime.settings.database_url,
        f"SELECT name FROM activity_streams WHERE edited AND activity_id = '{said}'",
    )

    assert edited == [("watts",)]


def test_times_that_cannot_be_analysed_are_refused(ann: Person) -> None:
    said = ann.uploaded(people.fit())
    times = np.arange(900.0)
    times[-1] = 1e9

    with pytest.raises(errors.Invalid) as refused:
        ann.write(lambda tx: activity_edits.write_streams(tx, said, {"time": times}))

    assert "at most" in refused.value.fields["time"][0]
    assert ann.served(said)["elapsed_time"] < 10_000
