"""Edits: what people say of an activity lies over what analysis says, and stays."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals import errors
from openintervals.formats import tabular
from openintervals.platform import journal
from openintervals.platform.files import Files
from openintervals.training import (
    activities,
    activity_curves,
    activity_edits,
    activity_fields,
    activity_intervals,
    activity_lists,
    exports,
    streams,
    tombstones,
)
from openintervals.training.activity_intervals import Intervals, Mark
from tests.servers import Application
from tests.training import people
from tests.training.people import Person


@pytest.fixture
def ann(app: Application, tmp_path: Path) -> Person:
    return people.join(app, Files(str(tmp_path / "files")))


@pytest.fixture
def said(ann: Person) -> str:
    """A ride of half an hour."""
    return ann.uploaded(people.fit(1800, watts=200))


def borders(found: Intervals) -> list[tuple[int, int, str | None]]:
    every: list[dict[str, Any]] = msgspec.json.decode(found.intervals)
    return [(each["start_index"], each["end_index"], each["label"]) for each in every]


class TestFields:
    def test_only_what_is_sent_changes(self, ann: Person, said: str) -> None:
        before = ann.served(said)

        ann.change(said, name="Hills", icu_rpe=7, race=True, tags=["hot", "hot", "long"])

        after = ann.served(said)
        changed = {name for name in after if after[name] != before[name]}
        assert changed == {"name", "icu_rpe", "session_rpe", "race", "tags"}
        assert after["session_rpe"] == round(7 * after["moving_time"] / 60)
        assert (after["name"], after["icu_rpe"], after["race"], after["tags"]) == ("Hills", 7, True, ["hot", "long"])

    def test_minus_one_clears_a_number_and_the_empty_text_a_text(self, ann: Person, said: str) -> None:
        ann.change(said, description="Windy", icu_rpe=7)

        ann.change(said, description="", icu_rpe=-1, average_heartrate=-1)

        after = ann.served(said)
        assert (after["description"], after["icu_rpe"], after["average_heartrate"]) == (None, None, None)

    def test_unknown_keys_null_and_what_only_the_program_says_are_passed_over(self, ann: Person, said: str) -> None:
        before = ann.served(said)

        ann.change(said, id="i1", nonsense={"a": [1]}, gear=None, name=None, created="1999", icu_athlete_id="i2")

        assert ann.served(said) == before

    def test_the_whole_object_sent_back_is_no_edit(self, ann: Person, said: str) -> None:
        before = ann.served(said)
        as_floats = {
            name: float(np.float32(value)) if isinstance(value, float) else value for name, value in before.items()
        }

        ann.change(said, **before)
        ann.change(said, **as_floats)

        assert ann.served(said) == before
        assert ann.read(lambda tx: activities.get(tx, said)).of_people() == {}
        assert len(ann.read(lambda tx: journal.of_object(tx, said))) == 1

    def test_the_whole_object_sent_back_after_edits_keeps_them(self, ann: Person, said: str) -> None:
        ann.change(said, icu_ftp=200, distance=50_000.25, gap_model="NONE", icu_hr_zones=[120, 150], type="GravelRide")
        before = ann.served(said)

        ann.change(said, **before)

        assert ann.served(said) == before
        assert ann.write(lambda tx: activity_edits.recompute(tx, said)).values() == before

    def test_parts_that_are_ignored_count_for_nothing(self, ann: Person, said: str) -> None:
        after = ann.change(said, ignore_parts=[{"start_index": 0, "end_index": 900, "power": True}])

        assert 85 < after["icu_average_watts"] < 115
        assert after["ignore_parts"] == [
            {"start_index": 0, "end_index": 900, "power": True, "pace": False, "hr": False}
        ]

    def test_a_ride_on_a_trainer_is_measured_by_the_indoor_ftp(self, ann: Person, said: str) -> None:
        ann.set("Ride", indoor_ftp_w=200)

        assert ann.change(said, trainer=True)["icu_ftp"] == 200
        assert ann.change(said, trainer=False)["icu_ftp"] == 250

    def test_edits_survive_when_it_is_analysed_again(self, ann: Person, said: str) -> None:
        ann.change(said, name="Hills", icu_training_load=99, distance=50_000, average_heartrate=-1)
        ann.set("Ride", ftp_w=260)
        before = ann.served(said)

        ann.write(lambda tx: activity_edits.recompute(tx, said))

        assert ann.served(said) == before
        assert (before["icu_training_load"], before["distance"], before["average_heartrate"]) == (99, 50_000, None)

    def test_to_analyse_again_changes_nothing(self, ann: Person, said: str) -> None:
        before = ann.served(said)
        ann.app.clock.advance(3600)

        ann.write(lambda tx: activity_edits.recompute(tx, said))

        assert ann.served(said) == before

    def test_sending_what_analysis_says_takes_an_edit_back(self, ann: Person, said: str) -> None:
        load = ann.served(said)["icu_training_load"]
        ann.change(said, icu_training_load=99)

        ann.change(said, icu_training_load=load)

        assert ann.read(lambda tx: activities.get(tx, said)).of_people() == {}

    def test_a_threshold_of_its_own_has_it_analysed(self, ann: Person, said: str) -> None:
        before = ann.served(said)

        after = ann.change(said, icu_ftp=200)

        assert (before["icu_intensity"], after["icu_intensity"]) == (80, 100)
        assert after["icu_training_load"] > before["icu_training_load"]
        assert ann.change(said, icu_ftp=250) == before | {"updated": after["updated"]}

    def test_power_that_is_ignored_counts_for_nothing(self, ann: Person, said: str) -> None:
        after = ann.change(said, icu_ignore_power=True)

        assert (after["icu_average_watts"], after["power_load"]) == (None, None)
        assert ann.read(lambda tx: activity_curves.get(tx, said, activity_curves.POWER)) is None

    def test_another_type_is_measured_by_its_own_settings(self, ann: Person, said: str) -> None:
        after = ann.change(said, type="Run")

        assert after["type"] == "Run"
        assert after["icu_ftp"] is None
        assert ann.read(lambda tx: activity_curves.get(tx, said, activity_curves.PACE)) is not None

    def test_a_start_that_is_moved_moves_the_activity(self, ann: Person, said: str) -> None:
        after = ann.change(said, start_date_local="2024-06-01T10:00:00")

        assert (after["start_date"], after["start_date_local"]) == ("2024-06-01T08:00:00Z", "2024-06-01T10:00:00")
        assert len(ann.read(lambda tx: activity_lists.listed(tx, "2024-06-01", "2024-06-01"))) == 1
        assert ann.write(lambda tx: activity_edits.recompute(tx, said)).values() == after

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("name", "x" * 81), ("name", 5), ("type", "Flying"), ("distance", -2), ("distance", "far"), ("icu_rpe", True),
            ("race", "yes"), ("tags", "hot"), ("tags", [5]), ("icu_hr_zones", [150, 140]), ("start_date_local", "soon"),
            ("start_date_local", "2024-06-01T10:00:00Z"), ("start_date_local", "0001-01-01T00:00:00"), ("distance", 1e300),
            ("description", "a\0b"), ("gap_model", "X"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_refused_by_name_and_nothing_changes(
        self, ann: Person, said: str, name: str, value: object
    ) -> None:
        before = ann.served(said)

        with pytest.raises(errors.Invalid) as refusal:
            ann.change(said, **{name: value, "icu_rpe": 3} if name != "icu_rpe" else {name: value})

        assert set(refusal.value.fields) == {name}
        assert ann.served(said) == before

    @given(
        st.dictionaries(
            st.sampled_from(activity_fields.FIELDS),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.text()),
        )
    )
    def test_whatever_is_sent_is_accepted_or_refused_by_name(self, sent: dict[str, Any]) -> None:
        values, wrong = activity_fields.accepted(sent)

        assert set(values) | set(wrong) <= {name for name in sent if sent[name] is not None}
        assert set(values).isdisjoint(wrong)
        again, none = activity_fields.accepted({name: value for name, value in values.items() if value is not None})
        assert not none
        assert again == {name: value for name, value in values.items() if value is not None}

    def test_each_change_is_an_entry_of_the_journal_that_names_what_changed(self, ann: Person, said: str) -> None:
        ann.change(said, icu_rpe=7)

        entry = ann.read(lambda tx: journal.of_object(tx, said))[-1]

        assert (entry.verb, entry.object_version) == ("activity.updated", 2)
        assert msgspec.json.decode(entry.changed) == ["icu_rpe", "session_rpe"]

    def test_nobody_else_has_it(self, ann: Person, said: str) -> None:
        bob = people.join(ann.app, ann.files)

        with pytest.raises(errors.NotFound):
            bob.change(said, name="Mine")


class TestStreams:
    def write(self, ann: Person, said: str, **given: Any) -> streams.Changed:
        channels = {name: np.asarray(values, float) for name, values in given.items()}
        return ann.write(lambda tx: activity_edits.write_streams(tx, said, channels))

    def test_a_stream_written_back_is_measured(self, ann: Person, said: str) -> None:
        changed = self.write(ann, said, watts=np.full(1800, 250.0))

        assert changed == streams.Changed(["watts"], [])
        assert ann.served(said)["icu_average_watts"] == 250

    def test_the_original_is_still_there(self, ann: Person, said: str) -> None:
        self.write(ann, said, watts=np.full(1800, 250.0))

        _, data = ann.read(lambda tx: exports.original(tx, ann.files, said))

        assert data == people.fit(1800, watts=200)

    def test_a_stream_that_is_null_throughout_goes(self, ann: Person, said: str) -> None:
        changed = self.write(ann, said, watts=np.full(1800, np.nan))

        assert changed == streams.Changed([], ["watts"])
        served = ann.served(said)
        assert served["icu_average_watts"] is None
        assert "watts" not in served["stream_types"]

    def test_with_another_number_of_rows_what_is_not_given_is_gone(self, ann: Person, said: str) -> None:
        changed = self.write(ann, said, time=np.arange(60.0), watts=np.full(60, 300.0))

        assert changed.updated == ["time", "watts"]
        assert "latlng" in changed.deleted
        assert set(ann.read(lambda tx: streams.read(tx, said))) == {"time", "watts"}
        assert ann.served(said)["elapsed_time"] == 60

    def test_writing_again_replaces_the_version(self, ann: Person, said: str) -> None:
        self.write(ann, said, time=np.arange(60.0), watts=np.full(60, 300.0))
        self.write(ann, said, time=np.arange(90.0), watts=np.full(90, 310.0))

        assert ann.served(said)["icu_average_watts"] == 310
        assert self.write(ann, said, watts=np.full(90, 320.0)).updated == ["watts"]

    def test_what_was_given_out_as_csv_is_taken_back(self, ann: Person, said: str) -> None:
        before = ann.served(said)
        data = tabular.encode_streams(ann.read(lambda tx: streams.read(tx, said)))

        given = tabular.decode_streams(data)
        ann.write(lambda tx: activity_edits.write_streams(tx, said, given))

        after = ann.served(said)
        assert {name for name in after if after[name] != before[name]} <= {"updated"}

    @pytest.mark.parametrize(
        "given",
        [
            {}, {"watts": []}, {"watts": [1.0, 2.0]}, {"time": [1.0, 1.0]}, {"time": [0.5, 1.0]}, {"a b": [1.0] * 1800},
            {"watts": [1.0] * 1800, "cadence": [1.0]}, {"watts": [float("inf")] * 1800},
        ],
    )  # fmt: skip
    def test_what_is_no_stream_is_refused_and_nothing_changes(
        self, ann: Person, said: str, given: dict[str, Any]
    ) -> None:
        before = ann.served(said)

        with pytest.raises(errors.Invalid):
            self.write(ann, said, **given)

        assert ann.served(said) == before


class TestIntervals:
    def test_laps_of_the_device_are_the_intervals(self, ann: Person, said: str) -> None:
        found = ann.read(lambda tx: activity_intervals.get(tx, said))

        assert [each[:2] for each in borders(found)] == [(0, 900), (900, 1800)]
        assert found.marked is None

    def test_what_people_mark_is_completed_and_measured(self, ann: Person, said: str) -> None:
        found = ann.write(lambda tx: activity_edits.replace_intervals(tx, said, [Mark(600, 900, "Hard")]))

        assert borders(found) == [(0, 600, None), (600, 900, "Hard"), (900, 1800, None)]
        assert [each["average_watts"] for each in msgspec.json.decode(found.intervals)] == pytest.approx(
            [200] * 3, abs=35
        )
        assert ann.served(said)["icu_intervals_edited"] is True

    def test_they_survive_when_it_is_analysed_again(self, ann: Person, said: str) -> None:
        before = ann.write(lambda tx: activity_edits.replace_intervals(tx, said, [Mark(600, 900, "Hard")]))

        ann.change(said, icu_ftp=200)

        after = ann.read(lambda tx: activity_intervals.get(tx, said))
        assert borders(after) == borders(before)
        assert after.intervals != before.intervals

    def test_merged_ones_lie_over_those_there_are(self, ann: Person, said: str) -> None:
        found = ann.write(lambda tx: activity_edits.add_intervals(tx, said, [Mark(800, 1000)]))

        assert [each[:2] for each in borders(found)] == [(0, 800), (800, 1000), (1000, 1800)]

    def test_an_interval_is_split_changed_and_deleted(self, ann: Person, said: str) -> None:
        split = ann.write(lambda tx: activity_edits.split_interval(tx, said, 300))
        assert [each[:2] for each in borders(split)] == [(0, 300), (300, 900), (900, 1800)]

        changed = ann.write(lambda tx: activity_edits.change_interval(tx, said, 2, Mark(350, 900, "Mid")))
        assert borders(changed) == [(0, 300, None), (300, 350, None), (350, 900, "Mid"), (900, 1800, None)]

        gone = ann.write(lambda tx: activity_edits.delete_intervals(tx, said, [(350, 900)]))
        assert (350, 900, "Mid") not in borders(gone)
        assert borders(gone)[0][0] == 0
        assert borders(gone)[-1][1] == 1800

    def test_analysis_finds_them_again(self, ann: Person, said: str) -> None:
        before = ann.read(lambda tx: activity_intervals.get(tx, said))
        ann.write(lambda tx: activity_edits.replace_intervals(tx, said, [Mark(600, 900, "Hard")]))

        after = ann.write(lambda tx: activity_edits.forget_intervals(tx, said))

        assert after == before
        assert ann.served(said)["icu_intervals_edited"] is None

    @pytest.mark.parametrize("mark", [Mark(5, 5), Mark(-1, 5), Mark(9, 3), Mark(1800, 1900)])
    def test_what_is_no_stretch_is_refused(self, ann: Person, said: str, mark: Mark) -> None:
        with pytest.raises(errors.Invalid):
            ann.write(lambda tx: activity_edits.replace_intervals(tx, said, [mark]))


class TestTombstones:
    def test_it_is_found_and_forgotten_by_the_activity_id(self, ann: Person, said: str) -> None:
        ann.delete(said)

        ann.write(lambda tx: tombstones.forget(tx, said))

        with pytest.raises(errors.NotFound):
            ann.write(lambda tx: tombstones.forget(tx, said))
        assert ann.upload(people.fit(1800, watts=200), again=False).new

    def test_what_was_never_deleted_has_none(self, ann: Person, said: str) -> None:
        with pytest.raises(errors.NotFound):
            ann.write(lambda tx: tombstones.forget(tx, said))


class TestExports:
    def test_our_fit_says_the_same_again(self, ann: Person, said: str) -> None:
        ann.write(lambda tx: activity_edits.write_streams(tx, said, {"watts": np.full(1800, 250.0)}))
        data = ann.read(lambda tx: exports.fit_file(tx, said))

        twin = ann.served(ann.uploaded(data))

        served = ann.served(said)
        for name in ("icu_average_watts", "distance", "elapsed_time", "icu_training_load", "average_heartrate", "type"):
            assert twin[name] == (pytest.approx(served[name]) if isinstance(twin[name], float) else served[name]), name
        assert twin["possible_duplicate_of"] == said

    def test_power_and_heart_rate_can_be_left_out(self, ann: Person, said: str) -> None:
        fit = ann.read(lambda tx: exports.fit_file(tx, said, power=False, heart_rate=False))
        gpx = ann.read(lambda tx: exports.gpx_file(tx, said, power=False, heart_rate=False))

        twin = ann.served(ann.uploaded(fit))
        assert {"watts", "heartrate"}.isdisjoint(twin["stream_types"])
        assert b"<power>" not in gpx

    def test_several_are_a_zip_without_what_is_not_there(self, ann: Person, said: str) -> None:
        data = ann.app.run(exports.fit_zip(ann.app.database, ann.asking(), [said, "i5", said]))

        bob = people.join(ann.app, ann.files)
        assert len(bob.upload(data).activity_ids) == 1

    def test_laps_are_a_table(self, ann: Person, said: str) -> None:
        table = ann.read(lambda tx: exports.laps_csv(tx, said)).decode().splitlines()

        assert len(table) == 3
        assert table[0].startswith("lap,start_index,end_index")
