"""Files out: the original byte for byte, and our own of what is stored now."""

import io
import zipfile
from typing import Any

import numpy as np
import pytest

from openintervals.formats import reading
from openintervals.formats.recording import Activity as Recorded
from tests.athletes import Athlete, found, refused
from tests.training import people

DATA = people.fit(900, watts=200)


@pytest.fixture
def said(ann: Athlete) -> str:
    return uploaded(ann, DATA)


def uploaded(athlete: Athlete, data: bytes, name: str = "ride.fit") -> str:
    return str(athlete.send("POST", "/athlete/0/activities", files={"file": (name, data)}).json()["id"])


def by_hand(athlete: Athlete) -> str:
    made = found(
        athlete.post("/athlete/0/activities/manual", {"type": "Yoga", "start_date_local": "2026-01-01T08:00:00"})
    )
    return str(made["id"])


def saved(athlete: Athlete, path: str, **query: Any) -> tuple[str, bytes]:
    answer = athlete.get(path, **query)
    assert answer.status_code == 200, answer.text
    return answer.headers["content-disposition"], answer.content


def read(data: bytes) -> Recorded:
    [activity] = reading.read(data).activities
    return activity


def zipped(athlete: Athlete, ids: str, **query: Any) -> dict[str, bytes]:
    answer = athlete.send("POST", "/athlete/0/download-fit-files", params={"ids": ids, **query})
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_original_comes_back_byte_for_byte(ann: Athlete, said: str) -> None:
    in_archive = io.BytesIO()
    other = people.fit(901, days=1)
    with zipfile.ZipFile(in_archive, "w") as archive:
        archive.writestr("a/b/ride.fit", other)

    assert saved(ann, f"/activity/{said}/file") == (f'attachment; filename="{said}.fit"', DATA)
    assert saved(ann, f"/activity/{uploaded(ann, in_archive.getvalue(), 'many.zip')}/file")[1] == other


def test_our_own_fit_has_what_people_wrote(ann: Athlete, said: str) -> None:
    found(ann.put(f"/activity/{said}/streams", [{"type": "watts", "data": [250] * 900}]))

    name, data = saved(ann, f"/activity/{said}/fit-file")

    activity = read(data)
    assert name == f'attachment; filename="{said}.fit"'
    assert (activity.channels["watts"] == 250).all()
    assert len(activity.laps) == 2
    assert saved(ann, f"/activity/{said}/file")[1] == DATA


@pytest.mark.parametrize("kind", ["fit", "gpx"])
def test_power_and_heart_rate_can_be_left_out(ann: Athlete, said: str, kind: str) -> None:
    names = {
        (power, hr): set(read(saved(ann, f"/activity/{said}/{kind}-file", power=power, hr=hr)[1]).channels)
        for power, hr in (("true", "True"), ("False", "true"), ("true", "false"))
    }

    everything = names["true", "True"]
    assert {"watts", "heartrate", "lat", "time"} <= everything
    assert names["False", "true"] == everything - {"watts"}
    assert names["true", "false"] == everything - {"heartrate"}


def test_several_come_in_one_zip_without_what_is_none(ann: Athlete, bob: Athlete, said: str) -> None:
    second, theirs = uploaded(ann, people.fit(800, days=1)), uploaded(bob, DATA)

    files = zipped(ann, f"{said},{theirs},nonsense,{by_hand(ann)},{second},{said}", power="false")

    assert len(files) == 2
    assert sorted(read(data).count for data in files.values()) == [800, 900]
    assert not any("watts" in read(data).channels for data in files.values())
    assert all(name.endswith(".fit") and "/" not in name for name in files)


def test_what_has_no_file_says_so(ann: Athlete) -> None:
    said = by_hand(ann)
    without_way = uploaded(ann, people.fit(900, lat=np.full(900, np.nan), lng=np.full(900, np.nan)))

    for kind in ("file", "fit-file", "gpx-file"):
        assert "entered by hand" in refused(ann.get(f"/activity/{said}/{kind}"), 404)
    refused(ann.get(f"/activity/{without_way}/gpx-file"), 404)
    refused(ann.send("POST", "/athlete/0/download-fit-files", params={"ids": f"{said},x"}), 404)


def test_ids_are_needed_and_their_number_is_bounded(ann: Athlete) -> None:
    path = "/athlete/0/download-fit-files"

    assert "ids: Required" in refused(ann.send("POST", path), 422)
    assert "At most 1000" in refused(ann.send("POST", path, params={"ids": ",".join(map(str, range(1001)))}), 422)
    refused(ann.send("POST", path, params={"ids": "1", "power": "perhaps"}), 422)
