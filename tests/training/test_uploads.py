"""Uploads: a file becomes activities, once, with everything that is said of them."""

import asyncio
import contextlib
import gzip
import io
import itertools
import os
import pickle
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from openintervals import errors
from openintervals.formats import gpx, tcx
from openintervals.platform import files, journal
from openintervals.platform.files import Files
from openintervals.training import (
    activity_analysis,
    activity_curves,
    activity_fields,
    activity_lists,
    exports,
    manual_activities,
    streams,
    uploads,
)
from openintervals.training.uploads import Buried, Unreadable
from tests.servers import Application
from tests.training import people
from tests.training.people import Person


@pytest.fixture
def ann(app: Application, tmp_path: Path) -> Person:
    return people.join(app, Files(str(tmp_path / "files")))


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


class TestWhatIsStored:
    def test_a_ride_is_stored_measured_and_read_back(self, ann: Person) -> None:
        said = ann.uploaded(people.fit(3600, watts=200, heartrate=150))

        served = ann.served(said)

        assert set(served) == set(activity_fields.FIELDS)
        assert served["id"] == said
        assert (served["icu_athlete_id"], served["type"], served["source"]) == (ann.id, "Ride", "UPLOAD")
        assert (served["icu_average_watts"], served["average_heartrate"], served["icu_ftp"]) == (200, 150, 250)
        assert served["icu_intensity"] == 80
        assert served["icu_training_load"] == 64
        assert served["elapsed_time"] == 3720
        assert served["start_date"] == "2024-05-01T06:30:00Z"
        assert served["start_date_local"] == "2024-05-01T08:30:00"
        assert served["timezone"] == "Europe/Zurich"
        assert served["name"] == "Morning Ride"
        assert served["analyzed"] == served["created"] == "2026-03-01T09:00:00.000+00:00"
        assert served["warnings"] is None
        assert "latlng" in served["stream_types"]

    def test_the_original_comes_back_byte_for_byte(self, ann: Person) -> None:
        data = people.fit()
        said = ann.uploaded(data)

        name, found = ann.read(lambda tx: exports.original(tx, ann.files, said))

        assert (name, found) == (f"{said}.fit", data)

    def test_streams_are_those_of_the_file(self, ann: Person) -> None:
        ride = people.ride()
        said = ann.uploaded(exports.as_fit(ride))

        found = ann.read(lambda tx: streams.read(tx, said))

        assert set(found) == set(ride.channels)
        for name, values in ride.channels.items():
            np.testing.assert_allclose(found[name], values, atol=1e-6, err_msg=name)

    def test_one_channel_is_read_alone_and_a_position_is_two(self, ann: Person) -> None:
        said = ann.uploaded(people.fit())

        found = ann.read(lambda tx: streams.read(tx, said, ["watts", "latlng", "moving"]))

        assert list(found) == ["lat", "lng", "watts"]
        told = msgspec.json.decode(streams.as_json(found))
        assert [each["type"] for each in told] == ["latlng", "watts"]
        assert told[0]["data"][0] == pytest.approx(47)
        assert told[0]["data2"][0] == pytest.approx(8)
        assert told[1]["data2"] is None

    def test_what_is_no_type_of_stream_is_refused(self, ann: Person) -> None:
        said = ann.uploaded(people.fit())

        with pytest.raises(streams.NoSuchType):
            ann.read(lambda tx: streams.read(tx, said, ["watts", "nonsense"]))
        assert list(ann.read(lambda tx: streams.read(tx, said, ["raw_watts", "w_bal"]))) == ["raw_watts"]

    def test_what_was_before_a_fault_is_kept_with_a_warning(self, ann: Person) -> None:
        data = people.fit(1800)

        served = ann.served(ann.uploaded(data[: len(data) // 2]))

        assert {each["code"] for each in served["warnings"]} >= {"truncated"}
        assert all(isinstance(each["offset"], int) for each in served["warnings"])
        assert 700 < served["elapsed_time"] < 1200

    @pytest.mark.parametrize("data", [b"", b"hello", b"\x0e\x10", b"<gpx></gpx>", b"PK\x03\x04", b"\x1f\x8b"])
    def test_bytes_in_which_nothing_is_usable_are_refused_and_nothing_is_stored(self, ann: Person, data: bytes) -> None:
        with pytest.raises(Unreadable):
            ann.upload(data)

        assert ann.read(lambda tx: activity_lists.listed(tx, "0001-01-01")) == []

    def test_a_track_of_the_first_day_there_is_is_stored(self, ann: Person) -> None:
        point = '<trkpt lat="50" lon="8"><time>0001-01-01T00:00:{:02}Z</time></trkpt>'
        data = f"<gpx><trk><trkseg>{''.join(map(point.format, range(60)))}</trkseg></trk></gpx>".encode()

        served = ann.served(ann.uploaded(data))

        assert served["start_date"] == "0001-01-01T00:00:00Z"

    def test_a_refusal_names_the_offset(self, ann: Person) -> None:
        with pytest.raises(Unreadable) as refusal:
            ann.upload(people.fit()[:60])

        assert refusal.value.offset is not None
        assert str(refusal.value.offset) in refusal.value.message

    def test_one_activity_gives_the_same_numbers_from_fit_tcx_and_gpx(self, ann: Person) -> None:
        ride = replace(people.ride(1800), device=people.ride().device._replace(name=None))
        numbers = []

        for data in (exports.as_fit(ride), tcx.encode([ride]), gpx.encode(ride)):
            served = ann.served(ann.uploaded(data))
            numbers.append(
                [served[name] for name in ("distance", "icu_training_load", "average_heartrate", "elapsed_time")]
            )

        for other in numbers[1:]:
            assert other == pytest.approx(numbers[0], rel=0.01)

    @pytest.mark.parametrize("year", ["0001", "1969", "2035", "9999"])
    def test_any_year_is_taken_or_refused(self, ann: Person, year: str) -> None:
        data = gpx.encode(people.ride()).replace(b"2024-", f"{year}-".encode())

        with contextlib.suppress(Unreadable):
            assert ann.served(ann.uploaded(data))["start_date_local"][:4] in (year, f"{int(year) - 1:04}")

    def test_a_file_can_be_prepared_in_another_process(self, ann: Person) -> None:
        bearings = pickle.loads(pickle.dumps(ann.read(activity_analysis.bearings)))

        ready = pickle.loads(pickle.dumps(uploads.prepared(people.fit(), bearings)))

        stored = ann.write(lambda tx: uploads.store(tx, ready, bearings, uploads.Options()))
        assert stored is not None
        assert stored[1]

    def test_what_is_said_along_with_a_file_is_served(self, ann: Person) -> None:
        served = ann.served(ann.uploaded(people.fit(), name="Hills", description="Windy", external_id="x1"))

        assert (served["name"], served["description"], served["external_id"]) == ("Hills", "Windy", "x1")

    def test_a_name_that_is_too_long_is_refused(self, ann: Person) -> None:
        with pytest.raises(errors.Invalid) as refusal:
            ann.upload(people.fit(), name="x" * 81)

        assert set(refusal.value.fields) == {"name"}

    def test_an_activity_keeps_the_thresholds_of_its_day(self, ann: Person) -> None:
        ann.set("Ride", ftp_w=300)  # from today on
        old = ann.served(ann.uploaded(people.fit()))
        new = ann.served(ann.uploaded(people.fit(days=700)))

        assert (old["icu_ftp"], new["icu_ftp"]) == (250, 300)

    def test_curves_are_stored(self, ann: Person) -> None:
        said = ann.uploaded(people.fit(1800, watts=200))

        curve = ann.read(lambda tx: activity_curves.get(tx, said, activity_curves.POWER))

        assert curve is not None
        assert curve.values[0] == 200
        assert curve.grid[0] == 1
        assert (curve.end_index > curve.start_index).all()

    def test_the_journal_has_what_is_served(self, ann: Person) -> None:
        said = ann.uploaded(people.fit())

        [entry] = ann.read(lambda tx: journal.of_object(tx, said))

        told = msgspec.json.decode(entry.snapshot)["served"]
        assert entry.verb == "activity.created"
        assert told == {name: value for name, value in ann.served(said).items() if value is not None}


class TestTheSameAgain:
    def test_the_same_file_is_there_once(self, ann: Person) -> None:
        first = ann.upload(people.fit())
        second = ann.upload(people.fit())

        assert (first.new, second.new) == (True, False)
        assert first.activity_ids == second.activity_ids

    def test_packed_it_is_the_same_file(self, ann: Person) -> None:
        said = ann.uploaded(people.fit())

        assert ann.uploaded(gzip.compress(people.fit())) == said
        assert ann.uploaded(zipped(ride=people.fit())) == said

    def test_another_athlete_has_it_too(self, ann: Person) -> None:
        bob = people.join(ann.app, ann.files)

        assert ann.uploaded(people.fit()) != bob.uploaded(people.fit())

    def test_an_archive_gives_all_that_is_usable_in_it(self, ann: Person) -> None:
        data = zipped(**{"a.fit": people.fit(), "notes.txt": b"hello", "deep/b.fit": people.fit(days=1)})

        found = ann.upload(data)

        assert len(found.activity_ids) == 2
        assert [each.name.rpartition("/")[2] for each in found.refused] == ["notes.txt"]

    def test_each_file_of_an_archive_has_the_moment_at_which_it_was_stored(self, ann: Person) -> None:
        data = zipped(**{"a.fit": people.fit(), "b.fit": people.fit(days=1)})
        minutes = (ann.asking().now + timedelta(minutes=passed) for passed in itertools.count(1))

        found = ann.app.run(
            uploads.upload(ann.app.database, ann.asking(), ann.files, data, clock=lambda: next(minutes))
        )

        first, second = (datetime.fromisoformat(ann.served(each)["updated"]) for each in found.activity_ids)
        assert second - first == timedelta(minutes=1)

    def test_an_activity_at_the_same_time_is_flagged(self, ann: Person) -> None:
        first = ann.uploaded(people.fit(1800))
        ride = people.ride(1800)

        second = ann.served(ann.uploaded(gpx.encode(ride)))
        later = ann.served(ann.uploaded(people.fit(days=1)))

        assert second["possible_duplicate_of"] == first
        assert later["possible_duplicate_of"] is None

    def test_what_is_entered_by_hand_at_the_same_time_as_a_recording_is_flagged(self, ann: Person) -> None:
        said = ann.uploaded(people.fit(1800))
        given = {"start_date_local": ann.served(said)["start_date_local"], "type": "Ride", "moving_time": 1800}

        first, second = (ann.write(lambda tx: manual_activities.create(tx, given)) for _ in range(2))

        assert [each.possible_duplicate_of for each in (first, second)] == [said, said]

    def test_what_was_a_duplicate_of_one_that_is_deleted_is_none_or_that_of_another(self, ann: Person) -> None:
        first, second, third = (ann.uploaded(people.fit(rows)) for rows in (1800, 1790, 1780))

        ann.delete(first)

        assert [ann.served(each)["possible_duplicate_of"] for each in (second, third)] == [None, second]

    def test_two_uploads_of_one_file_at_once_leave_one_activity(self, ann: Person) -> None:
        async def both() -> list[uploads.Uploaded]:
            each = (uploads.upload(ann.app.database, ann.asking(), ann.files, people.fit()) for _ in range(4))
            return await asyncio.gather(*each)

        found = ann.app.run(both())

        assert len({each.activity_ids[0] for each in found}) == 1
        assert sum(each.new for each in found) == 1


class TestDeleted:
    def test_its_tombstone_refuses_an_app_and_names_itself(self, ann: Person) -> None:
        said = ann.uploaded(people.fit())
        ann.delete(said)

        with pytest.raises(Buried, match=said):
            ann.upload(people.fit(), again=False)

    def test_the_athlete_makes_it_anew_and_the_tombstone_is_forgotten(self, ann: Person) -> None:
        said = ann.uploaded(people.fit())
        ann.delete(said)

        again = ann.uploaded(people.fit())

        assert again != said
        assert ann.uploaded(people.fit(), again=False) == again

    def test_nothing_is_left_but_the_tombstone_and_the_journal(self, ann: Person) -> None:
        said = ann.uploaded(people.fit())
        ann.delete(said)

        with pytest.raises(errors.NotFound):
            ann.served(said)
        assert ann.read(lambda tx: streams.read(tx, said)) == {}
        assert [each.verb for each in ann.read(lambda tx: journal.of_object(tx, said))] == [
            "activity.created",
            "activity.deleted",
        ]


class TestFiles:
    def test_bytes_come_back_and_the_same_are_one_file(self, tmp_path: Path) -> None:
        kept = Files(str(tmp_path))

        assert kept.put_now(b"a ride") == kept.put_now(b"a ride") == files.hash_of(b"a ride")
        assert kept.get_now(files.hash_of(b"a ride")) == b"a ride"
        assert len([each for each in tmp_path.rglob("*") if each.is_file()]) == 1

    def test_what_is_there_is_made_young_and_not_written_again_unless_it_is_damaged(self, tmp_path: Path) -> None:
        kept = Files(str(tmp_path))
        hashed = kept.put_now(b"abc")
        path = tmp_path / hashed[:2] / hashed
        os.utime(path, (1, 1))
        before = path.stat()

        kept.put_now(b"abc")
        young = path.stat()
        path.write_bytes(b"abd")
        kept.put_now(b"abc")

        assert (young.st_ino, young.st_mtime > before.st_mtime) == (before.st_ino, True)
        assert kept.get_now(hashed) == b"abc"

    def test_a_damaged_file_is_never_given_out(self, tmp_path: Path) -> None:
        kept = Files(str(tmp_path))
        hashed = kept.put_now(b"a ride")
        (tmp_path / hashed[:2] / hashed).write_bytes(b"a rude")

        with pytest.raises(files.FileNotKept):
            kept.get_now(hashed)

    @pytest.mark.parametrize("said", ["", "../secret", "0" * 64, "Z" * 64])
    def test_what_is_not_kept_is_not_found(self, tmp_path: Path, said: str) -> None:
        with pytest.raises(files.FileNotKept):
            Files(str(tmp_path)).get_now(said)


class TestWhatDevicesSayByNothing:
    def test_a_heart_rate_and_a_way_of_nothing_are_unknown(self, ann: Person) -> None:
        rows = 900
        said = ann.uploaded(people.fit(rows, heartrate=0, distance=0, velocity_smooth=0, type_="VirtualRide"))

        served = ann.served(said)

        assert served["has_heartrate"] is False
        assert [served[name] for name in ("average_heartrate", "distance", "average_speed", "pace")] == [None] * 4
