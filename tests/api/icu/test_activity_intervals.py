"""Intervals over the wire: borders and labels in, the whole document out."""

from typing import Any

import numpy as np
import pytest

from tests import databases
from tests.athletes import Athlete, found, refused
from tests.training import people

ROWS = 900
WATTS = np.where((np.arange(ROWS) >= 300) & (np.arange(ROWS) < 500), 300.0, 150.0)
NUMBERS = (
    "start_time",
    "end_time",
    "elapsed_time",
    "moving_time",
    "distance",
    "average_watts",
    "max_watts",
    "average_heartrate",
)


@pytest.fixture
def said(ann: Athlete) -> str:
    """A ride at 150 W, of which records 300 up to 500 are at 300 W; its two laps are 450 records each."""
    answer = ann.send("POST", "/athlete/0/activities", files={"file": ("ride.fit", people.fit(ROWS, watts=WATTS))})
    return str(answer.json()["id"])


def borders(document: dict[str, Any]) -> list[tuple[int, int, str | None]]:
    return [(each["start_index"], each["end_index"], each["label"]) for each in document["icu_intervals"]]


def mark(start: int, end: int, label: str | None = None, **more: Any) -> dict[str, Any]:
    return {"start_index": start, "end_index": end, "label": label, **more}


def put(athlete: Athlete, said: str, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
    return dict(found(athlete.put(f"/activity/{said}/{path}", body, **query)))


NO_INTERVALS: list[tuple[str, Any, dict[str, Any], str]] = [
    ("intervals", [mark(5, 5)], {}, "must end after it starts"),
    ("intervals", [mark(-1, 5)], {}, "end_index"),
    ("intervals", [mark(ROWS, ROWS + 5)], {}, f"behind the last of {ROWS} records"),
    ("intervals", [mark(10**30, 10**31)], {}, ""),
    ("intervals", [{"start_index": 5}], {}, "0.end_index: Required"),
    ("intervals", [mark(0, 5), {"start_index": "5", "end_index": 9.5}], {}, "1.start_index: Expected"),
    ("intervals", [mark(0, 5, "two\nlines")], {}, "0.label"),
    ("intervals", [mark(0, 5)] * 1001, {}, "At most 1000"),
    ("intervals", {"intervals": []}, {}, "Expected array"),
    ("intervals", [], {"all": "perhaps"}, "all: "),
    ("intervals/1", mark(7, 3), {}, "must end after it starts"),
    ("delete-intervals", [{"id": 1}], {}, "0.start_index: Required"),
    ("split-interval", None, {}, "splitAt: Required"),
    ("split-interval", None, {"splitAt": ROWS}, "Expected 0 to 899"),
    ("split-interval", None, {"splitAt": -1}, "Expected 0 to 899"),
]  # fmt: skip


def test_intervals_of_analysis_are_those_of_the_activity(ann: Athlete, said: str) -> None:
    document = found(ann.get(f"/activity/{said}/intervals"))

    assert (document["id"], document["analyzed"]) == (said, "2026-03-01T09:00:00.000+00:00")
    assert borders(document) == [(0, 450, None), (450, 900, None)]
    assert all(each[name] is not None for each in document["icu_intervals"] for name in NUMBERS)
    work = [each for each in document["icu_intervals"] if each["type"] == "WORK"]
    assert sum(group["count"] for group in document["icu_groups"]) == len(work)
    assert {each["group_id"] for each in work} == {group["id"] for group in document["icu_groups"]}


def test_of_what_is_sent_borders_and_labels_count_and_the_rest_is_reckoned(ann: Athlete, said: str) -> None:
    sent = [mark(300, 500, "Hard", type="RECOVERY", average_watts=9, id=77, nonsense=[1])]

    document = put(ann, said, "intervals", sent)

    assert borders(document) == [(0, 300, None), (300, 500, "Hard"), (500, 900, None)]
    hard = document["icu_intervals"][1]
    assert (hard["id"], hard["type"], hard["average_watts"]) == (2, "WORK", 300)
    assert found(ann.get(f"/activity/{said}/intervals")) == document
    assert found(ann.get(f"/activity/{said}"))["icu_intervals_edited"] is True


def test_the_document_sent_back_changes_nothing(ann: Athlete, said: str) -> None:
    before = put(ann, said, "intervals", [mark(300, 500, "Hard")])

    assert put(ann, said, "intervals", before["icu_intervals"]) == before


def test_merged_ones_lie_over_those_there_are(ann: Athlete, said: str) -> None:
    document = put(ann, said, "intervals", [mark(400, 600)], all="False")

    assert borders(document) == [(0, 400, None), (400, 600, None), (600, 900, None)]


def test_one_is_changed_by_what_is_sent_of_it(ann: Athlete, said: str) -> None:
    put(ann, said, "intervals", [mark(300, 500, "Hard")])

    moved = put(ann, said, "intervals/2", {"end_index": 550})
    named = put(ann, said, "intervals/2", {"label": "Harder"})
    new = put(ann, said, "intervals/99", mark(700, 800, "Sprint"))

    assert borders(moved) == [(0, 300, None), (300, 550, "Hard"), (550, 900, None)]
    assert borders(named)[1] == (300, 550, "Harder")
    assert borders(new)[2:] == [(550, 700, None), (700, 800, "Sprint"), (800, 900, None)]
    assert "start_index: Required" in refused(ann.put(f"/activity/{said}/intervals/99", {"end_index": 5}), 422)


def test_one_is_split_and_deleted(ann: Athlete, said: str) -> None:
    split = put(ann, said, "split-interval", splitAt=300)
    assert borders(split) == [(0, 300, None), (300, 450, None), (450, 900, None)]

    gone = put(ann, said, "delete-intervals", [mark(300, 450), mark(5, 9)])

    assert (300, 450, None) not in borders(gone)
    assert [start for start, _, _ in borders(gone)[1:]] == [end for _, end, _ in borders(gone)[:-1]]
    assert (borders(gone)[0][0], borders(gone)[-1][1]) == (0, ROWS)


def test_what_is_no_interval_is_refused_and_nothing_changes(ann: Athlete, said: str, module_url: str) -> None:
    before = databases.fingerprint(module_url)

    for path, body, query, told in NO_INTERVALS:
        assert told in refused(ann.put(f"/activity/{said}/{path}", body, **query), 422)

    assert databases.fingerprint(module_url) == before


def test_there_are_never_more_than_can_be_told_apart(ann: Athlete) -> None:
    data = people.fit(4 * 1000, watts=200)
    said = ann.send("POST", "/athlete/0/activities", files={"file": ("long.fit", data)}).json()["id"]
    put(ann, said, "intervals", [mark(at, at + 2) for at in range(0, 4000, 4)])

    assert "Too many" in refused(
        ann.put(f"/activity/{said}/intervals", [mark(at, at + 1) for at in range(0, 4000, 4)], all="false"), 422
    )


def test_an_activity_without_records_has_no_intervals(ann: Athlete) -> None:
    made = found(ann.post("/athlete/0/activities/manual", {"type": "Yoga", "start_date_local": "2026-01-01T08:00:00"}))
    path = f"/activity/{made['id']}"

    document = found(ann.get(f"{path}/intervals"))

    assert (document["icu_intervals"], document["icu_groups"]) == ([], [])
    for answer in (
        ann.put(f"{path}/intervals", [mark(0, 5)]),
        ann.get(f"{path}/interval-stats", start_index=0, end_index=5),
        ann.get(f"{path}/best-efforts", stream="watts", duration=5),
    ):
        assert "no records" in refused(answer, 422)


class TestStats:
    def test_a_part_is_measured_as_if_it_were_an_interval(self, ann: Athlete, said: str) -> None:
        interval = put(ann, said, "intervals", [mark(300, 500)])["icu_intervals"][1]

        part = found(ann.get(f"/activity/{said}/interval-stats", start_index=300, end_index=500))

        own = ("id", "type", "group_id")
        assert {name: part[name] for name in part if name not in own} == {
            name: interval[name] for name in interval if name not in own
        }
        assert part["average_watts"] == 300

    @pytest.mark.parametrize(
        ("start", "end", "told"),
        [(-1, 5, "start_index: Expected 0 to 899"), (5, 5, "end_index"), (0, 901, "at most 900"), (900, 901, "start_index"), ("x", 5, "start_index")],
    )  # fmt: skip
    def test_what_is_no_part_is_refused(self, ann: Athlete, said: str, start: Any, end: Any, told: str) -> None:
        assert told in refused(ann.get(f"/activity/{said}/interval-stats", start_index=start, end_index=end), 422)


class TestBestEfforts:
    def best(self, athlete: Athlete, said: str, **query: Any) -> list[dict[str, Any]]:
        return list(found(athlete.get(f"/activity/{said}/best-efforts", **{"stream": "watts", **query}))["efforts"])

    def test_the_best_parts_of_a_duration_do_not_overlap(self, ann: Athlete, said: str) -> None:
        efforts = self.best(ann, said, duration=100, count=3)

        spans = [(each["start_index"], each["end_index"], each["average"]) for each in efforts]
        assert spans[:2] == [(300, 400, 300), (400, 500, 300)]
        assert spans[2][2] == 150
        assert all(each["duration"] == 100 for each in efforts)

    def test_the_best_parts_of_a_distance_have_it(self, ann: Athlete, said: str) -> None:
        efforts = self.best(ann, said, stream="velocity_smooth", distance=500, count=2)

        assert [each["average"] for each in efforts] == sorted((each["average"] for each in efforts), reverse=True)
        assert all(500 <= each["distance"] < 520 for each in efforts)

    def test_they_may_be_bound_to_a_part_to_a_least_and_to_what_is_no_work_yet(self, ann: Athlete, said: str) -> None:
        inside = self.best(ann, said, duration=50, startIndex=100, endIndex=200)
        strong = self.best(ann, said, duration=150, minValue=200, count=100)
        put(ann, said, "intervals", [mark(300, 500)])
        other = self.best(ann, said, duration=100, excludeIntervals="true")

        assert [(each["start_index"], each["average"]) for each in inside] == [(100, 150), (150, 150)]
        assert strong
        assert all(each["average"] >= 200 for each in strong)
        assert max(each["average"] for each in other) == 150

    def test_what_was_not_recorded_has_none(self, ann: Athlete, said: str) -> None:
        for stream in ("smo2", "moving", "latlng"):
            assert self.best(ann, said, stream=stream, duration=5) == []
        assert self.best(ann, said, duration=100_000) == self.best(ann, said, distance=10_000_000) == []

    @pytest.mark.parametrize(
        "query",
        [
            {}, {"duration": 5, "distance": 5}, {"duration": 0}, {"duration": "1e3"}, {"distance": -1}, {"duration": 5, "count": 101},
            {"stream": "luck", "duration": 5}, {"duration": 5, "startIndex": ROWS}, {"duration": 5, "startIndex": 9, "endIndex": 9},
        ],
    )  # fmt: skip
    def test_what_cannot_be_looked_for_is_refused(self, ann: Athlete, said: str, query: dict[str, Any]) -> None:
        refused(ann.get(f"/activity/{said}/best-efforts", **{"stream": "watts", **query}), 422)
