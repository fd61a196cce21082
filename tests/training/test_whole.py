"""After everything that can happen to activities the database is as it should be."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from openintervals import doctor, errors
from openintervals.platform.files import Files
from openintervals.training import (
    activities,
    activity_analysis,
    activity_edits,
    activity_lists,
    manual_activities,
    uploads,
)
from openintervals.training.activity_intervals import Mark
from tests.servers import Application
from tests.training import people
from tests.training.people import Person


@pytest.fixture
def ann(app: Application, tmp_path: Path) -> Person:
    return people.join(app, Files(str(tmp_path / "files")))


def test_the_doctor_finds_nothing(ann: Person) -> None:
    said = ann.uploaded(people.fit(), name="Hills")
    ann.change(said, icu_ftp=200, tags=["hot"])
    ann.write(lambda tx: activity_edits.write_streams(tx, said, {"watts": np.full(900, 250.0)}))
    ann.write(lambda tx: activity_edits.replace_intervals(tx, said, [Mark(5, 100, "Hard")]))
    ann.write(lambda tx: activity_edits.recompute(tx, said, on="2026-01-01"))
    ann.write(lambda tx: manual_activities.create(tx, {"start_date_local": "2024-05-01T08:00:00", "type": "Ride"}))
    ann.delete(ann.uploaded(people.fit(days=1)))

    assert ann.app.run(doctor.examine(ann.app.database, ann.app.clock())) == []


def test_edits_that_come_at_once_all_count(ann: Person) -> None:
    said = ann.uploaded(people.fit())
    sent: list[dict[str, Any]] = [
        {"icu_rpe": 7},
        {"name": "Hills"},
        {"icu_ftp": 200},
        {"tags": ["hot"]},
        {"race": True},
    ]

    async def together() -> None:
        await asyncio.gather(
            *(
                ann.app.database.write(ann.asking(), lambda tx, given=given: activity_edits.change(tx, said, given))  # type: ignore[misc]
                for given in sent
            )
        )

    ann.app.run(together())

    served = ann.served(said)
    assert {name: served[name] for given in sent for name in given} == {
        k: v for given in sent for k, v in given.items()
    }
    assert ann.read(lambda tx: activities.get(tx, said)).version == 1 + len(sent)


def test_settings_that_change_while_a_file_is_read_are_those_it_is_measured_by(ann: Person) -> None:
    old = ann.read(activity_analysis.bearings)
    ready = uploads.prepared(people.fit(watts=200), old)
    ann.set("Run", ftp_w=300)

    assert ann.write(lambda tx: uploads.store(tx, ready, old, uploads.Options())) is None
    assert ann.read(lambda tx: activity_lists.listed(tx, "0001-01-01")) == []


def test_a_refused_upload_leaves_no_row(ann: Person) -> None:
    said = ann.uploaded(people.fit())
    ann.delete(said)
    with pytest.raises(errors.Invalid):
        ann.upload(people.fit(), again=False)

    assert ann.read(lambda tx: activity_lists.listed(tx, "0001-01-01")) == []
    assert ann.app.run(doctor.examine(ann.app.database, ann.app.clock())) == []


def test_the_loop_goes_on_while_a_file_is_read(ann: Person) -> None:
    data = people.fit(20_000)
    turns = 0

    async def count(stop: asyncio.Event) -> None:
        nonlocal turns
        while not stop.is_set():
            turns += 1
            await asyncio.sleep(0)

    async def both() -> None:
        stop = asyncio.Event()
        counting = asyncio.create_task(count(stop))
        await uploads.upload(ann.app.database, ann.asking(), ann.files, data)
        stop.set()
        await counting

    ann.app.run(both())

    assert turns > 20
