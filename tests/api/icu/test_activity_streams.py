"""Streams and laps over the wire: what was recorded comes out, what people write lies over it, and what is none is refused whole."""

import json
from typing import Any

import numpy as np
import pytest

from openintervals.api.icu import activity_streams
from tests import databases
from tests.athletes import Athlete, found, refused
from tests.training import people

ROWS = 720
CHANNELS = people.ride(ROWS).channels


@pytest.fixture
def said(ann: Athlete) -> str:
    """A ride of twelve minutes whose power is 200 W throughout."""
    return uploaded(ann)


def uploaded(athlete: Athlete, type_: str = "Ride", **channels: Any) -> str:
    data = people.fit(ROWS, type_=type_, **({"watts": 200} | channels))
    answer = athlete.send("POST", "/athlete/0/activities", files={"file": ("ride.fit", data)})
    return str(answer.json()["id"])


def streams(athlete: Athlete, said: str, **query: Any) -> dict[str, dict[str, Any]]:
    return {each["type"]: each for each in found(athlete.get(f"/activity/{said}/streams", **query))}


def table(athlete: Athlete, said: str, **query: Any) -> list[list[str]]:
    answer = athlete.get(f"/activity/{said}/streams.csv", **query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8"), answer.text
    return [line.split(",") for line in answer.text.splitlines()]


def write_csv(athlete: Athlete, said: str, data: bytes) -> Any:
    return athlete.send("PUT", f"/activity/{said}/streams.csv", files={"file": ("streams.csv", data)})


def stream(type_: str, *data: Any) -> dict[str, Any]:
    return {"type": type_, "data": list(data) if len(data) > 1 else list(data) * ROWS}


NO_STREAMS: list[tuple[Any, str]] = [
    ([], "all of one length"),
    ([stream("watts", 1, 2)], f"time: Expected {ROWS} values in each stream"),
    ([stream("watts", 1), stream("cadence", 1, 2)], "all of one length"),
    ([stream("watts", 1), stream("watts", 2)], "watts: The stream is there twice"),
    ([stream("watts", 1, "2", 3)], "the one at 1 is none"),
    ([stream("watts", 1, True)], "the one at 1 is none"),
    ([stream("watts", 1e10)], "watts: Expected numbers from"),
    ([{"type": "watts", "data": {"a": 1}}], "Expected an array"),
    ([{"type": "watts"}], "0.data: Required"),
    ([{"data": []}], "0.type: Required"),
    ([stream("a b", 1)], "letters, digits"),
    ([stream("latlng", 47.0)], "longitudes in data2"),
    ([stream("latlng", 47.0) | {"data2": [8.0]}], "longitudes in data2"),
    ([stream("latlng", 91.0) | {"data2": [8.0] * ROWS}], "from -90 to 90"),
    ([stream("hrv", [0.8] * 65)], "At most 64"),
    ([stream("time", *range(ROWS - 1), 5)], "each more than the one before"),
    ([stream("time", *range(ROWS - 1), 700_000)], "time: Expected at most 604800 seconds"),
    ([stream(f"s{number}", 1, 2) for number in range(201)], "at most 200 streams"),
    ({"type": "watts"}, "Expected array"),
]  # fmt: skip
NO_TABLES: list[tuple[bytes, str]] = [
    (b"", "empty"),
    (b"watts\n1\n2\n", f"time: Expected {ROWS} values in each stream"),
    (b"watts,cadence\n1\n", "row 2"),
    (b"watts\n" + b"200\n" * (ROWS - 1) + b"many\n", f"row {ROWS + 1}, column watts"),
    (b"watts\nnan\n", "row 2, column watts"),
    (b"watts,watts\n1,1\n", "twice"),
    (b"latlng\n47.0\n", "latlng"),
    (b"\xff\xfe", "UTF-8"),
    (b"watts\n1e10\n", "Expected numbers from"),
    (people.fit(ROWS), "UTF-8"),
]  # fmt: skip


class TestOut:
    def test_what_was_recorded_comes_out_sample_by_sample(self, ann: Athlete, said: str) -> None:
        given = streams(ann, said)

        assert set(given) == set(found(ann.get(f"/activity/{said}"))["stream_types"])
        assert set(given) == {*(CHANNELS.keys() - {"lat", "lng"}), "latlng"}
        assert given["time"]["data"] == CHANNELS["time"].tolist()
        assert given["watts"]["data"] == [200] * ROWS
        assert given["heartrate"]["data"] == [None if np.isnan(v) else int(v) for v in CHANNELS["heartrate"]]
        assert given["latlng"]["data"][1] == pytest.approx(CHANNELS["lat"][1], abs=1e-9)
        assert given["latlng"]["data2"][1] == pytest.approx(CHANNELS["lng"][1], abs=1e-9)
        assert (given["latlng"]["data"][700], given["latlng"]["data2"][700]) == (None, None)
        assert not any(each["allNull"] or each["custom"] or each["valueTypeIsArray"] for each in given.values())

    def test_only_types_that_are_asked_for_and_were_recorded_come(self, ann: Athlete, said: str) -> None:
        assert list(streams(ann, said, types="watts,time,moving,smo2")) == ["time", "watts"]
        assert table(ann, said, types=["heartrate", "time"])[0] == ["time", "heartrate"]
        assert {"time", "latlng", "watts", "cadence"} <= set(
            streams(ann, said, types="cadence", includeDefaults="True")
        )

    def test_a_type_that_is_none_is_refused(self, ann: Athlete, said: str) -> None:
        for path in ("streams", "streams.csv"):
            assert "Invalid stream type" in refused(ann.get(f"/activity/{said}/{path}", types="time,luck"), 422)
        refused(ann.get(f"/activity/{said}/streams", types=",".join(["watts"] * 101)), 422)

    def test_csv_and_json_say_the_same(self, ann: Athlete, said: str) -> None:
        given = streams(ann, said)

        header, *rows = table(ann, said)

        assert header == list(given)
        assert len(rows) == ROWS
        for place, name in enumerate(header):
            column = [row[place] for row in rows]
            if name == "latlng":
                assert column[1] == f"{given[name]['data'][1]}:{given[name]['data2'][1]}"
            else:
                assert [float(cell) if cell else None for cell in column] == given[name]["data"]

    def test_a_large_answer_is_as_right_as_a_small_one(self, ann: Athlete) -> None:
        rows = activity_streams.IN_THREAD_FROM
        data = people.fit(rows, watts=np.arange(rows) % 900)
        said = ann.send("POST", "/athlete/0/activities", files={"file": ("long.fit", data)}).json()["id"]

        assert streams(ann, said)["watts"]["data"] == [number % 900 for number in range(rows)]
        assert [row[-1] for row in table(ann, said)[1:]] == [str(number % 900) for number in range(rows)]

    def test_an_activity_entered_by_hand_has_none(self, ann: Athlete) -> None:
        made = found(
            ann.post("/athlete/0/activities/manual", {"type": "Yoga", "start_date_local": "2026-01-01T08:00:00"})
        )

        assert found(ann.get(f"/activity/{made['id']}/streams")) == []
        assert found(ann.get(f"/activity/{made['id']}/laps")) == []
        refused(ann.put(f"/activity/{made['id']}/streams", [stream("watts", 200)]), 422)


class TestIn:
    def test_a_stream_lies_over_the_original_which_is_still_there(self, ann: Athlete, said: str) -> None:
        done = found(ann.put(f"/activity/{said}/streams", [stream("watts", 250)]))

        assert done == {"updated": ["watts"], "deleted": []}
        assert found(ann.get(f"/activity/{said}"))["icu_average_watts"] == 250
        every = streams(ann, said)
        assert (every["watts"]["data"][0], every["raw_watts"]["data"][0]) == (250, 200)
        assert "raw_heartrate" not in every
        asked = streams(ann, said, types="watts,raw_watts,fixed_watts,raw_heartrate,fixed_heartrate")
        assert [asked[name]["data"][0] for name in ("watts", "raw_watts", "fixed_watts")] == [250, 200, 250]
        assert asked["raw_heartrate"]["data"] == asked["fixed_heartrate"]["data"] == every["heartrate"]["data"]

    def test_everything_sent_back_as_it_came_changes_nothing(self, ann: Athlete, said: str) -> None:
        ann.put(f"/activity/{said}/streams", [stream("watts", 250)])
        before, numbers = streams(ann, said), found(ann.get(f"/activity/{said}"))

        by_json = found(ann.put(f"/activity/{said}/streams", list(before.values())))
        by_csv = found(write_csv(ann, said, ann.get(f"/activity/{said}/streams.csv").content))

        assert by_json == by_csv
        assert set(by_json["updated"]) == before.keys() - {"raw_watts"}
        assert streams(ann, said) == before
        after = found(ann.get(f"/activity/{said}"))
        assert {name for name in after if after[name] != numbers[name]} <= {"updated"}

    def test_nulls_throughout_take_a_stream_away(self, ann: Athlete, said: str) -> None:
        assert found(ann.put(f"/activity/{said}/streams", [stream("cadence", None)]))["deleted"] == ["cadence"]
        assert found(write_csv(ann, said, b"temp,watts\n" + b",210\n" * ROWS)) == {
            "updated": ["watts"],
            "deleted": ["temp"],
        }

        assert {"cadence", "temp"}.isdisjoint(streams(ann, said))

    def test_with_another_number_of_rows_what_is_not_sent_goes(self, ann: Athlete, said: str) -> None:
        done = found(ann.put(f"/activity/{said}/streams", [stream("time", 0, 1, 2), stream("watts", 100, 200, 300)]))

        assert done["updated"] == ["time", "watts"]
        assert "heartrate" in done["deleted"]
        assert {name: each["data"] for name, each in streams(ann, said).items()} == {
            "time": [0, 1, 2],
            "watts": [100, 200, 300],
        }
        assert list(streams(ann, said, types="time,raw_watts")) == ["time"]

    def test_arrays_and_positions_are_taken_as_they_are_given(self, ann: Athlete, said: str) -> None:
        arrays = [[0.8, 0.75], None, [0.9]] + [None] * (ROWS - 3)
        pairs = [[47.0, 8.0], None] + [[47.5, 8.5]] * (ROWS - 2)

        found(
            ann.put(
                f"/activity/{said}/streams", [stream("hrv", *arrays), stream("latlng", *pairs), stream("mine", 1.5)]
            )
        )

        given = streams(ann, said)
        assert (given["hrv"]["data"], given["hrv"]["valueTypeIsArray"]) == (arrays, True)
        assert (given["latlng"]["data"][:3], given["latlng"]["data2"][:3]) == ([47.0, None, 47.5], [8.0, None, 8.5])
        assert given["mine"]["data"] == [1.5] * ROWS
        assert table(ann, said, types="hrv,latlng")[:2] == [["hrv", "latlng"], ["0.8:0.75", "47.0:8.0"]]

    def test_what_is_no_stream_is_refused_and_nothing_is_stored(self, ann: Athlete, said: str, module_url: str) -> None:
        before = databases.fingerprint(module_url)

        for body, told in NO_STREAMS:
            assert told in refused(ann.put(f"/activity/{said}/streams", body), 422)

        assert databases.fingerprint(module_url) == before

    @pytest.mark.parametrize("number", ["NaN", "1e999", "-Infinity", "9" * 400, "01"])
    def test_what_is_no_number_in_json_is_refused(self, ann: Athlete, said: str, number: str) -> None:
        body = json.dumps([stream("watts", 12345)]).replace("12345", number)

        refused(ann.send("PUT", f"/activity/{said}/streams", content=body), 422)

    def test_what_is_no_table_is_refused_with_its_place(self, ann: Athlete, said: str, module_url: str) -> None:
        before = databases.fingerprint(module_url)

        for data, told in NO_TABLES:
            assert told in refused(write_csv(ann, said, data), 422)

        assert databases.fingerprint(module_url) == before

    def test_the_name_of_a_column_is_not_told_at_any_length(self, ann: Athlete, said: str) -> None:
        assert len(refused(write_csv(ann, said, b"w" * 100_000 + b"\n1\n"), 422)) < 300

    def test_csv_comes_as_a_file_of_a_form(self, ann: Athlete, said: str) -> None:
        assert "multipart/form-data" in refused(
            ann.send("PUT", f"/activity/{said}/streams.csv", content=b"watts\n1\n"), 422
        )

    def test_what_is_too_large_is_refused(self, ann: Athlete, said: str) -> None:
        over = b" " * (activity_streams.CSV_BYTES_MOST + 1)

        refused(write_csv(ann, said, over), 413)
        refused(ann.send("PUT", f"/activity/{said}/streams", content=over), 413)

    def test_what_holds_more_than_is_taken_is_refused(self, ann: Athlete, said: str) -> None:
        arrays, numbers = (
            b'[{"type":"hrv","data":[' + item * count + item[:-1] + b"]}]"
            for item, count in ((b"[],", 1_000_000), (b"1,", 2_500_001))
        )

        assert "more than 1000000 arrays" in refused(ann.send("PUT", f"/activity/{said}/streams", content=arrays), 422)
        assert "At most 2500000 values" in refused(ann.send("PUT", f"/activity/{said}/streams", content=numbers), 422)

    def test_many_wrong_streams_are_told_of_in_few_words(self, ann: Athlete, said: str) -> None:
        said_of_it = refused(ann.send("PUT", f"/activity/{said}/streams", content=b"[" + b"7," * 99_000 + b"7]"), 422)

        assert len(said_of_it) < 10_000
        assert "at most" in refused(
            ann.send("PUT", f"/activity/{said}/streams", content=b"[" + b"7," * 100_000 + b"7]"), 422
        )


class TestLaps:
    @pytest.mark.parametrize("type_", ["Ride", "Run", "Rowing"])
    def test_laps_of_the_device_are_there_for_every_sport(self, ann: Athlete, type_: str) -> None:
        said = uploaded(ann, type_)

        laps = found(ann.get(f"/activity/{said}/laps"))

        half = ROWS // 2
        assert [(lap["lap"], lap["start_index"], lap["end_index"]) for lap in laps] == [(1, 0, half), (2, half, ROWS)]
        assert laps[0]["start"] == "2024-05-01T06:30:00Z"
        assert (laps[0]["average_power_w"], laps[0]["distance_m"], laps[0]["max_power_w"]) == (201, 7497, None)

    def test_they_come_as_a_table_at_either_path(self, ann: Athlete, said: str) -> None:
        answer = ann.get(f"/activity/{said}/laps.csv")

        assert answer.text.splitlines()[1].startswith("1,0,360,2024-05-01T06:30:00Z,")
        assert ann.get(f"/activities/{said}/laps.csv").content == answer.content
