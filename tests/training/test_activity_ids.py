"""An id is given once among all athletes, whoever proposes it and whatever became of it."""

import asyncio
import re
from pathlib import Path

import pytest

from openintervals import errors
from openintervals.db.transaction import Write
from openintervals.platform import ids
from openintervals.platform.files import Files
from openintervals.training import activities, activity_ids, activity_lists, tombstones
from tests.servers import Application
from tests.training import people
from tests.training.people import Person


@pytest.fixture
def ann(app: Application, tmp_path: Path) -> Person:
    return people.join(app, Files(str(tmp_path / "files")))


@pytest.fixture
def bob(app: Application, tmp_path: Path) -> Person:
    return people.join(app, Files(str(tmp_path / "files")))


def test_processes_whose_clocks_propose_the_same_are_given_different_ids(ann: Person, bob: Person) -> None:
    proposed = ids.numbered(ann.app.clock())

    async def at_once() -> list[str]:
        async def give(tx: Write) -> str:
            return await activity_ids.give(tx, proposed)

        return await asyncio.gather(*(ann.app.database.write(who.asking(), give) for who in (ann, bob) * 4))

    given = ann.app.run(at_once())

    assert proposed in given
    assert len(set(given)) == 8


def test_an_activity_goes_by_the_id_it_was_given(ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ann.uploaded(people.fit())
    proposals = iter([first, first, ids.numbered(ann.app.clock())])
    monkeypatch.setattr(ids, "numbered", lambda _: next(proposals))  # another process, which is as far

    second = bob.uploaded(people.fit())

    assert second != first
    assert bob.served(second)["id"] == second
    assert bob.served(second)["stream_types"] == ann.served(first)["stream_types"]
    with pytest.raises(activities.ActivityNotFound):
        bob.served(first)


def test_the_id_of_what_is_gone_without_a_trace_is_not_given_again(ann: Person, bob: Person) -> None:
    said = ann.uploaded(people.fit())
    ann.delete(said)
    ann.write(lambda tx: tombstones.forget(tx, said))

    assert bob.write(lambda tx: activity_ids.give(tx, said)) != said


def test_when_no_id_is_free_nothing_is_stored(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ann.uploaded(people.fit())
    monkeypatch.setattr(ids, "numbered", lambda _: said)

    with pytest.raises(errors.Unavailable, match=re.escape("No id was free")):
        ann.upload(people.fit(days=1))

    assert len(ann.read(lambda tx: activity_lists.listed(tx, "0001-01-01"))) == 1
