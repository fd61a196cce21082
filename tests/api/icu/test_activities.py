"""Activities over HTTP: files in, listed, shown, changed, deleted, found again."""

import csv
import gzip
import io
import zipfile
from datetime import timedelta
from typing import Any

import httpx
import pytest

from openintervals.formats import gpx
from tests.athletes import Athlete, found, refused
from tests.training import people


def upload(who: Athlete, data: bytes, file_name: str = "ride.fit", *, of: str = "0", **query: str) -> httpx.Response:
    return who.send("POST", f"/athlete/{of}/activities", files={"file": (file_name, data)}, params=query)


def uploaded(who: Athlete, data: bytes, **query: str) -> str:
    answer = upload(who, data, **query)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def listed(who: Athlete, **query: Any) -> list[dict[str, Any]]:
    return list(found(who.get("/athlete/0/activities", **{"oldest": "2020-01-01", "newest": "2030-12-31", **query})))


class TestUploads:
    def test_the_same_file_gives_the_same_activity_with_200(self, ann: Athlete) -> None:
        first = upload(ann, people.fit(900))
        second = upload(ann, people.fit(900), "other.fit")

        assert (first.status_code, second.status_code) == (201, 200)
        assert second.json() == first.json()
        assert first.json() == {
            "id": first.json()["id"],
            "icu_athlete_id": ann.id,
            "activities": [{"id": first.json()["id"], "icu_athlete_id": ann.id}],
            "refused": [],
        }

    def test_it_is_analysed_when_the_upload_answers(self, ann: Athlete) -> None:
        said = uploaded(ann, people.fit(1200, watts=200), name="Over the hill", description="Steep", external_id="a1")

        shown = found(ann.get(f"/activity/{said}"))

        assert (shown["name"], shown["description"], shown["external_id"]) == ("Over the hill", "Steep", "a1")
        assert (shown["icu_average_watts"], shown["source"], shown["file_type"]) == (200, "UPLOAD", "fit")
        assert shown["analyzed"] is not None
        assert shown["warnings"] is None

    def test_a_damaged_file_keeps_what_came_before_and_says_where(self, ann: Athlete) -> None:
        whole = people.fit(1200)

        said = uploaded(ann, whole[: len(whole) // 2])

        shown = found(ann.get(f"/activity/{said}"))
        assert 100 < shown["elapsed_time"] < 1200
        assert [set(each) for each in shown["warnings"]] == [{"code", "message", "offset"}] * len(shown["warnings"])
        assert any(each["offset"] for each in shown["warnings"])

    def test_where_nothing_is_usable_the_offset_is_told_and_nothing_kept(self, ann: Athlete) -> None:
        assert "byte" in refused(upload(ann, people.fit(900)[:20]), 422)
        assert listed(ann) == []

    @pytest.mark.parametrize("data", [b"", b"x" * 5000, b"PK\x03\x04broken", b"\x1f\x8bbroken", b"<gpx/>"])
    def test_what_is_no_recording_is_refused(self, ann: Athlete, data: bytes) -> None:
        refused(upload(ann, data), 422)

    def test_gpx_without_times_is_refused(self, ann: Athlete) -> None:
        text = '<gpx version="1.1"><trk><trkseg><trkpt lat="1" lon="2"/></trkseg></trk></gpx>'

        assert "time" in refused(upload(ann, text.encode(), "walk.gpx"), 422)

    def test_a_zip_gives_every_file_in_it_and_tells_of_those_refused(self, ann: Athlete) -> None:
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w") as archive:
            archive.writestr("deep/down/one.fit", people.fit(800))
            archive.writestr("two.gpx.gz", gzip.compress(gpx.encode(people.ride(800, days=1))))
            archive.writestr("broken.fit", b"no fit")

        answer = upload(ann, whole.getvalue(), "all.zip").json()

        assert len(answer["activities"]) == 2
        assert [each["name"] for each in answer["refused"]] == ["all.zip/broken.fit"]

    def test_without_a_file_it_says_how_to_send_one(self, ann: Athlete) -> None:
        said = refused(ann.send("POST", "/athlete/0/activities", content=people.fit(800)), 422)

        assert "multipart/form-data" in said

    def test_what_was_deleted_comes_back_by_its_athletes_key_alone(self, ann: Athlete, bob: Athlete) -> None:
        bob.coaches(ann)
        said = uploaded(ann, people.fit(900))
        ann.delete(f"/activity/{said}")

        assert said in refused(upload(bob, people.fit(900), of=ann.id), 422)
        again = uploaded(ann, people.fit(900))
        assert (
            found(bob.get(f"/athlete/{ann.id}/activities", oldest="2020-01-01", newest="2030-01-01"))[0]["id"] == again
        )

    def test_a_forgotten_tombstone_lets_everybody_upload(self, ann: Athlete, bob: Athlete) -> None:
        bob.coaches(ann)
        said = uploaded(ann, people.fit(900))
        ann.delete(f"/activity/{said}")

        assert found(bob.delete(f"/activity/{said}/tombstone")) == {}

        assert upload(bob, people.fit(900), of=ann.id).status_code == 201


class TestLists:
    @pytest.fixture(autouse=True)
    def season(self, ann: Athlete) -> None:
        self.ids = [uploaded(ann, people.fit(720, days=day, watts=150 + day)) for day in range(4)]

    def test_they_are_newest_first_and_inclusive(self, ann: Athlete) -> None:
        days = [each["start_date_local"][:10] for each in listed(ann)]

        assert days == sorted(days, reverse=True)
        assert [each["id"] for each in listed(ann)] == self.ids[::-1]
        assert [each["id"] for each in listed(ann, oldest=days[2], newest=days[1])] == [self.ids[2], self.ids[1]]
        assert [each["id"] for each in listed(ann, limit=1)] == [self.ids[3]]

    def test_fields_give_those_keys_alone_without_nulls(self, ann: Athlete) -> None:
        rows = listed(ann, fields="id,icu_average_watts,feel,no_such_field")

        assert rows[0] == {"id": self.ids[3], "icu_average_watts": 153}
        assert listed(ann, fields=["id", "icu_average_watts"]) == rows

    def test_updated_since_gives_what_has_changed(self, ann: Athlete) -> None:
        ann.app.clock.now += timedelta(hours=1)
        ann.put(f"/activity/{self.ids[1]}", {"name": "Renamed"})
        updated = found(ann.get(f"/activity/{self.ids[1]}"))["updated"]

        for since in (updated, updated.replace("+00:00", "Z")):
            assert [each["id"] for each in listed(ann, updated_since=since)] == [self.ids[1]]
        assert [each["id"] for each in found(ann.get(f"/athlete/0/activities?updated_since={updated}"))] == [
            self.ids[1]
        ]

    def test_without_a_day_or_with_none_of_the_calendar_it_says_what_to_send(self, ann: Athlete) -> None:
        assert "oldest" in refused(ann.get("/athlete/0/activities"), 422)
        for none in ("2026-02-30", "2026-01-01T25:61"):
            assert "oldest" in refused(ann.get("/athlete/0/activities", oldest=none), 422)
        assert "updated_since" in refused(ann.get("/athlete/0/activities", updated_since="yesterday"), 422)

    def test_several_are_found_by_their_ids_with_intervals_when_asked(self, ann: Athlete) -> None:
        said = f"{self.ids[2]},i1,{self.ids[0].removeprefix('i')}"

        bare = found(ann.get(f"/athlete/0/activities/{said}"))
        full = found(ann.get(f"/athlete/0/activities/{said}", intervals="True"))

        assert [each["id"] for each in bare] == [self.ids[2], self.ids[0]]
        assert "icu_intervals" not in bare[0]
        assert full == [
            {**each, **{name: found(ann.get(f"/activity/{each['id']}?intervals=true"))[name] for name in INTERVALS}}
            for each in bare
        ]
        assert full[0]["icu_intervals"]

    def test_they_are_found_by_name_tag_and_what_is_near(self, ann: Athlete) -> None:
        ann.put(f"/activity/{self.ids[0]}", {"name": "The Big Loop", "tags": ["hill", "club"]})

        assert [each["id"] for each in found(ann.get("/athlete/0/activities/search", q="big LOOP"))] == [self.ids[0]]
        assert found(ann.get("/athlete/0/activities/search-full", q="#club"))[0]["tags"] == ["hill", "club"]
        assert found(ann.get("/athlete/0/activity-tags")) == ["club", "hill"]
        near = found(ann.get("/athlete/0/activities-around", activity_id=self.ids[0], limit=2))
        assert [each["id"] for each in near] == [self.ids[1], self.ids[2]]

    def test_the_table_has_a_row_for_each(self, ann: Athlete) -> None:
        ann.put(f"/activity/{self.ids[0]}", {"name": 'Say "hi", twice\nand more'})

        rows = list(csv.DictReader(io.StringIO(ann.get("/athlete/0/activities.csv").text)))

        assert [row["id"] for row in rows] == self.ids[::-1]
        assert (rows[0]["icu_average_watts"], rows[0]["has_heartrate"]) == ("153", "true")
        assert rows[3]["name"] == 'Say "hi", twice\nand more'


INTERVALS = ("icu_intervals", "icu_groups")


def test_a_long_history_is_told_whole_in_every_form(ann: Athlete) -> None:
    rows = [
        {"start_date_local": f"2026-03-01T{n // 60:02}:{n % 60:02}:00", "type": "Run", "name": f"Run {n}"}
        for n in range(620)
    ]
    found(ann.post("/athlete/0/activities/manual/bulk", rows))
    names = [row["name"] for row in reversed(rows)]

    assert [each["name"] for each in listed(ann, fields="name")] == names
    assert [each["name"] for each in found(ann.get("/athlete/0/activities/search", q="run"))] == names
    table = csv.DictReader(io.StringIO(ann.get("/athlete/0/activities.csv").text))
    assert [each["name"] for each in table] == names


class TestChanges:
    @pytest.fixture
    def said(self, ann: Athlete) -> str:
        return uploaded(ann, people.fit(1200, watts=200))

    def test_only_what_is_sent_changes(self, ann: Athlete, said: str) -> None:
        before = found(ann.get(f"/activity/{said}"))

        after = found(ann.put(f"/activity/{said}", {"name": "Hard", "icu_rpe": 8, "made_up_key": 1, "feel": None}))

        said_now = {"name": "Hard", "icu_rpe": 8, "session_rpe": 8 * 20}
        assert {**before, **said_now} == {**after, "updated": before["updated"]}

    def test_what_was_shown_can_be_sent_back(self, ann: Athlete, said: str) -> None:
        before = found(ann.get(f"/activity/{said}"))

        assert found(ann.put(f"/activity/{said}", before)) == before

    def test_minus_one_and_nothing_clear(self, ann: Athlete, said: str) -> None:
        ann.put(f"/activity/{said}", {"icu_rpe": 8, "description": "Windy"})

        after = found(ann.put(f"/activity/{said}", {"icu_rpe": -1, "description": ""}))

        assert (after["icu_rpe"], after["description"]) == (None, None)

    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ({"name": "x" * 81}, "name"),
            ({"type": "Flying"}, "type"),
            ({"icu_rpe": "eight"}, "icu_rpe"),
            ({"start_date_local": "tomorrow"}, "start_date_local"),
            ({"icu_power_zones": [90, 50]}, "icu_power_zones"),
            ({"tags": "hill"}, "tags"),
            ({"commute": "perhaps"}, "commute"),
        ],
    )
    def test_what_cannot_be_is_refused_by_name(
        self, ann: Athlete, said: str, given: dict[str, Any], named: str
    ) -> None:
        before = found(ann.get(f"/activity/{said}"))

        assert named in refused(ann.put(f"/activity/{said}", given), 422)
        assert found(ann.get(f"/activity/{said}")) == before

    def test_the_feed_tells_of_each_change_as_it_was_shown(self, ann: Athlete, said: str) -> None:
        first = found(ann.get(f"/activity/{said}"))
        second = found(ann.put(f"/activity/{said}", {"name": "Hard"}))
        ann.delete(f"/activity/{said}")

        items = found(ann.get("/athlete/0/changes", limit=1000))["items"]

        told = [(each["version"], each["deleted"], each["object"]) for each in items if each["type"] == "activity"]
        assert told == [(1, False, first), (2, False, second), (3, True, None)]

    def test_what_is_deleted_is_gone(self, ann: Athlete, said: str) -> None:
        assert found(ann.delete(f"/activity/{said}")) == {"id": said, "icu_athlete_id": ann.id}

        refused(ann.get(f"/activity/{said}"), 404)
        refused(ann.delete(f"/activity/{said}"), 404)
        assert listed(ann) == []


class TestByHand:
    def test_what_is_said_is_kept(self, ann: Athlete) -> None:
        given = {
            "start_date_local": "2026-02-01T07:30:00",
            "type": "WeightTraining",
            "name": "Squats",
            "moving_time": 2400,
            "icu_training_load": 35,
            "kg_lifted": 4200.5,
        }

        made = found(ann.post("/athlete/0/activities/manual", given))

        assert {name: made[name] for name in given} == given
        assert (made["source"], made["file_type"]) == ("MANUAL", None)
        assert found(ann.get(f"/activity/{made['id']}")) == made

    def test_without_a_day_or_type_nothing_is_made(self, ann: Athlete) -> None:
        said = refused(ann.post("/athlete/0/activities/manual", {"name": "Squats"}), 422)

        assert "start_date_local" in said
        assert "type" in said

    def test_several_are_made_or_changed_by_their_external_id(self, ann: Athlete) -> None:
        row = {"start_date_local": "2026-02-01T07:30:00", "type": "Run", "external_id": "log-1"}
        first = found(ann.post("/athlete/0/activities/manual/bulk", [row, {**row, "external_id": "log-2"}]))

        second = found(ann.post("/athlete/0/activities/manual/bulk", [{**row, "name": "Better"}]))

        assert second[0]["id"] == first[0]["id"]
        assert sorted(each["name"] for each in listed(ann)) == ["Better", "Morning Run"]

    def test_what_follows_from_what_is_said_changes_with_it(self, ann: Athlete) -> None:
        row = {"start_date_local": "2026-02-01T07:30:00", "type": "Run", "external_id": "log-1", "distance": 10_000}
        [first] = found(ann.post("/athlete/0/activities/manual/bulk", [{**row, "moving_time": 2_500}]))
        changed = {**row, "moving_time": 3_000, "type": "Ride", "start_date_local": "2026-02-01T19:30:00"}

        [second] = found(ann.post("/athlete/0/activities/manual/bulk", [changed]))
        again = found(ann.put(f"/activity/{second['id']}", {**second, "distance": 0, "elapsed_time": 4_000}))

        names = ("name", "moving_time", "elapsed_time", "average_speed")
        assert [first[name] for name in names] == ["Morning Run", 2_500, 2_500, 4.0]
        assert [second[name] for name in names] == ["Evening Ride", 3_000, 3_000, 3.3333]
        assert [again[name] for name in names] == ["Evening Ride", 3_000, 4_000, None]

    def test_of_several_with_a_wrong_one_none_is_made(self, ann: Athlete) -> None:
        right = {"start_date_local": "2026-02-01T07:30:00", "type": "Run"}

        refused(ann.post("/athlete/0/activities/manual/bulk", [right, {"type": "Run"}]), 422)

        assert listed(ann) == []
