"""Intervals: found, marked by people, measured and grouped."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals.analysis import intervals, spans
from openintervals.analysis.arrays import Floats
from openintervals.analysis.intervals import RECOVERY, WORK, Intervals
from openintervals.analysis.recording import Recording, lay_out
from openintervals.analysis.spans import Span
from openintervals.analysis.thresholds import Thresholds
from tests.analysis.examples import RIDER, ride, season_of_noise, steps, times

some_spans = st.lists(
    st.builds(Span, st.integers(-5, 120), st.integers(-5, 120), st.sampled_from([None, "hill"])), max_size=12
)


def laid_out(power_w: Floats, settings: Thresholds = RIDER) -> Recording:
    return lay_out(ride(power_w, cadence_rpm=np.full(len(power_w), 88.0)), "Ride", settings)


def borders(found: Intervals) -> list[tuple[int, int]]:
    return [(own.start_index, own.end_index) for own in found.intervals]


def back_again(found: Intervals) -> list[Span]:
    return [Span(own.start_index, own.end_index, own.label) for own in found.intervals]


FIVE_TIMES_FIVE = steps((900, 140), *[(300, 270), (180, 120)] * 5, (600, 130))


def test_five_times_five_minutes_are_found_to_the_second() -> None:
    noise = np.random.default_rng(3).normal(0, 15, len(FIVE_TIMES_FIVE))

    found = intervals.found(laid_out(np.clip(FIVE_TIMES_FIVE + noise, 0, None)))

    work = [own for own in found.intervals if own.kind == WORK]
    assert len(work) == 5
    for number, own in enumerate(work):
        assert own.start_index == pytest.approx(900 + number * 480, abs=2)
        assert own.end_index == pytest.approx(1200 + number * 480, abs=2)
    assert len({own.group_id for own in work}) == 1
    assert found.summary[0].startswith("5x ")
    assert found.groups[0].count == 5


def test_sprints_of_15_seconds_are_found_and_called_by_what_they_are() -> None:
    power = steps((600, 150), *[(15, 450), (45, 100)] * 6, (600, 150))

    found = intervals.found(laid_out(power))

    assert found.groups[0].id == "15s@450w88rpm"
    assert found.groups[0].count == 6
    assert found.summary == ("6x 15s 450w",)
    assert [own.kind for own in found.intervals] == [RECOVERY, *[WORK, RECOVERY] * 6]


def test_an_even_ride_is_one_interval() -> None:
    found = intervals.found(laid_out(np.full(3600, 150.0)))

    assert borders(found) == [(0, 3600)]
    assert found.intervals[0].kind == RECOVERY


def test_the_laps_of_a_device_are_its_intervals_if_they_are_wanted() -> None:
    cuts = [(0, 900), (900, 1200), (1200, len(FIVE_TIMES_FIVE))]
    without = dataclasses.replace(RIDER, use_laps=False)

    assert borders(intervals.found(laid_out(FIVE_TIMES_FIVE), cuts)) == cuts
    assert len(intervals.found(laid_out(FIVE_TIMES_FIVE, without), cuts).intervals) == 11
    assert len(intervals.found(laid_out(FIVE_TIMES_FIVE), cuts[:1]).intervals) == 11


def test_runs_are_cut_by_their_pace_and_others_by_their_heart() -> None:
    speed = steps((600, 3.0), *[(180, 4.3), (120, 2.5)] * 4, (300, 3.0))
    beats = steps((600, 130), *[(300, 170), (300, 130)] * 3)

    by_pace = intervals.found(lay_out({"time_s": np.arange(len(speed)), "speed_mps": speed}, "Run", RIDER))
    by_heart = intervals.found(lay_out({"time_s": np.arange(len(beats)), "heart_rate_bpm": beats}, "Rugby", RIDER))

    assert by_pace.groups[0].id == "3m@4.30mps"
    assert by_pace.groups[0].count == 4
    assert by_heart.groups[0].count == 3
    assert by_heart.groups[0].id.endswith("bpm")


def test_the_numbers_of_an_interval_are_those_of_its_stretch() -> None:
    power = steps((600, 200), (600, 300))
    streams = ride(
        power,
        heart_rate_bpm=steps((600, 130), (600, 160)),
        speed_mps=np.full(1200, 10.0),
        distance_m=np.arange(1200) * 10.0,
        altitude_m=np.linspace(100, 160, 1200),
        smo2_percent=steps((600, 60), (600, 40)),
    )
    recording = lay_out(streams, "Ride", RIDER)

    hard = intervals.measured(recording, [Span(600, 1200, "hard")]).intervals[1]

    numbers = hard.numbers
    assert (hard.kind, hard.label) == (WORK, "hard")
    assert (numbers.start_s, numbers.end_s, numbers.elapsed_s, numbers.moving_s) == (600, 1200, 600, 600)
    assert (numbers.average_power_w, numbers.max_power_w, numbers.work_j) == (300, 300, 180_000)
    assert numbers.normalized_power_w == pytest.approx(300)
    assert numbers.intensity_percent == pytest.approx(120)
    assert numbers.training_load == pytest.approx(24)
    assert numbers.work_above_ftp_j == 30_000
    assert numbers.w_balance_start_j == 20_000
    assert numbers.w_balance_end_j == -10_000
    assert (numbers.zone, numbers.zone_min_w, numbers.zone_max_w) == (5, 262.5, 300)
    assert (numbers.average_hr_bpm, numbers.max_hr_bpm) == (160, 160)
    assert numbers.average_w_per_kg == pytest.approx(300 / 70)
    assert numbers.average_speed_mps == pytest.approx(10, rel=0.01)
    assert numbers.average_gradient == pytest.approx(0.005, rel=0.02)
    assert numbers.decoupling_percent == pytest.approx(0)
    assert numbers.w5s_variability == pytest.approx(0, abs=1e-6)
    assert numbers.means == {"smo2_percent": 40}
    assert intervals.of_span(recording, 600, 1200) == numbers


@given(times(), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=6))
def test_amounts_of_all_intervals_are_those_of_the_activity(time_s: Floats, cuts: list[tuple[int, int]]) -> None:
    count = len(time_s)
    random = np.random.default_rng(count)
    streams = {
        "time_s": time_s,
        "power_w": random.uniform(0, 500, count),
        "distance_m": np.cumsum(random.uniform(0, 10, count)),
        "altitude_m": np.cumsum(random.normal(0, 3, count)),
    }
    recording = lay_out(streams, "Ride", RIDER)
    whole_seconds = bool((time_s == np.floor(time_s)).all())

    found = intervals.measured(recording, [Span(start, end) for start, end in cuts])

    numbers = [own.numbers for own in found.intervals]
    if whole_seconds and len(np.unique(time_s)) == count:
        assert recording.power_w is not None
        assert recording.covered_m is not None
        assert recording.climb is not None
        assert sum(own.elapsed_s for own in numbers) == recording.count
        assert sum(own.work_j or 0 for own in numbers) == pytest.approx(recording.power_w.sum())
        assert sum(own.distance_m or 0 for own in numbers) == pytest.approx(
            recording.covered_m[-1] - recording.covered_m[0], abs=1e-6
        )
        assert sum(own.elevation_gain_m or 0 for own in numbers) == pytest.approx(recording.climb.gain_m, abs=1e-6)


@given(st.integers(0, 100), some_spans)
def test_spans_are_made_a_partition_and_stay_one(records: int, wanted: list[Span]) -> None:
    cut = spans.partition(records, wanted)

    assert [span.start_index for span in cut] == [0, *(span.end_index for span in cut)][: len(cut)]
    assert sum(span.end_index - span.start_index for span in cut) == records
    assert all(span.start_index < span.end_index for span in cut)
    assert spans.partition(records, cut) == cut


@given(st.integers(1, 100), some_spans)
def test_what_people_mark_is_kept_where_nothing_overlaps_it(records: int, wanted: list[Span]) -> None:
    cut = spans.partition(records, wanted[:1])

    for span in wanted[:1]:
        if 0 <= span.start_index < span.end_index <= records:
            assert span in cut


@given(st.integers(1, 100), some_spans, st.integers(-5, 105))
def test_a_split_cuts_one_span_in_two(records: int, wanted: list[Span], at: int) -> None:
    cut = spans.partition(records, wanted)

    after = spans.split(cut, at)

    inside = any(span.start_index < at < span.end_index for span in cut)
    assert len(after) == len(cut) + inside
    assert spans.partition(records, after) == after


@given(st.integers(1, 100), some_spans, st.data())
def test_deleting_intervals_leaves_a_partition_without_them(
    records: int, wanted: list[Span], data: st.DataObject
) -> None:
    cut = spans.partition(records, wanted)
    doomed = data.draw(st.lists(st.sampled_from(cut)))

    left = spans.without(records, cut, doomed)

    assert spans.partition(records, left) == left
    kept = [span for span in cut if span not in doomed]
    assert all(span in left for span in kept)


def test_a_deleted_effort_becomes_one_with_the_rest_around_it() -> None:
    cut = spans.partition(100, [Span(20, 30), Span(50, 60)])

    left = spans.without(100, cut, [Span(20, 30)], easy=[Span(0, 20), Span(30, 50), Span(60, 100)])

    assert left == [Span(0, 50), Span(50, 60), Span(60, 100)]


@given(st.integers(0, 5), st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 1200)), max_size=5))
def test_reckoning_intervals_again_changes_nothing(seed: int, marked: list[tuple[int, int]]) -> None:
    recording = lay_out(season_of_noise(1200, seed), "Ride", RIDER)

    once = intervals.measured(recording, [Span(start, end) for start, end in marked])
    again = intervals.measured(recording, back_again(once))

    assert again == once


def test_found_intervals_that_are_sent_back_unchanged_stay_as_they_are() -> None:
    recording = laid_out(FIVE_TIMES_FIVE)

    found = intervals.found(recording)

    assert intervals.measured(recording, back_again(found)) == found


def test_without_any_threshold_work_is_what_is_above_the_mean() -> None:
    found = intervals.measured(laid_out(steps((60, 100), (60, 200)), Thresholds()), [Span(60, 120)])

    assert [own.kind for own in found.intervals] == [RECOVERY, WORK]


def test_records_outside_the_activity_have_no_numbers() -> None:
    recording = laid_out(np.full(60, 200.0))

    for start, end in ((-1, 5), (5, 5), (0, 61)):
        with pytest.raises(ValueError, match="not part"):
            intervals.of_span(recording, start, end)


def test_an_interval_of_a_part_of_a_second_has_numbers_too() -> None:
    recording = lay_out({"time_s": np.arange(8) / 4, "power_w": np.full(8, 200.0)}, "Ride", RIDER)

    assert intervals.of_span(recording, 1, 2).average_power_w == 200


def test_lengths_are_written_as_people_write_them() -> None:
    assert [intervals.length(seconds) for seconds in (0, 15, 60, 90, 3600, 4210)] == [
        "0s", "15s", "1m", "1m30s", "1h", "1h10m10s",
    ]  # fmt: skip


def test_more_intervals_than_anybody_marks_are_refused() -> None:
    wanted = [Span(at, at + 1) for at in range(0, 10_000, 2)]

    with pytest.raises(spans.TooMany, match="at most"):
        spans.partition(10_000, wanted)


def test_groups_that_would_have_one_name_are_told_apart() -> None:
    power = steps((30, 500), (60, 100), (30, 500))
    streams = ride(power, heart_rate_bpm=np.full(120, 150.0))
    found = intervals.measured(lay_out(streams, "Ride", RIDER), [Span(0, 30), Span(90, 120)])
    one = found.intervals[0]

    other = dataclasses.replace(one, numbers=dataclasses.replace(one.numbers, average_power_w=500.4, elapsed_s=30))
    far = dataclasses.replace(one, numbers=dataclasses.replace(one.numbers, elapsed_s=30, average_power_w=400))
    ids = [group.id for group in intervals.grouped([one, far, other]).groups]

    assert len(set(ids)) == len(ids) == 2
    assert intervals.grouped([one, other]).groups[0].count == 2
