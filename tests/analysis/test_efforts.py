"""Best efforts and histograms: windows that never overlap, and seconds that are counted once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from openintervals.analysis import efforts, histograms, resample
from openintervals.analysis.arrays import Floats
from openintervals.analysis.recording import lay_out
from tests.analysis.examples import RIDER, ride, season_of_noise, steps

watts = hnp.arrays(np.float64, st.integers(1, 300), elements=st.floats(0, 1000))


def layout(values: Floats) -> resample.Seconds:
    return resample.seconds(np.arange(len(values), dtype=np.float64))


def test_the_best_efforts_come_best_first() -> None:
    power = steps((60, 100), (60, 300), (60, 100), (60, 400), (60, 100))

    found = efforts.by_duration(power, layout(power), 60, count=2)

    assert [(own.start_index, own.end_index, own.average) for own in found] == [(180, 240, 400), (60, 120, 300)]


def test_efforts_below_interest_and_in_intervals_are_passed_over() -> None:
    power = steps((60, 100), (60, 300), (60, 100), (60, 400), (60, 100))

    found = efforts.by_duration(power, layout(power), 60, least=250, excluded=[(180, 240)])

    assert [own.start_index for own in found] == [60]


def test_the_fastest_kilometre_is_an_effort_too() -> None:
    speed = steps((300, 3), (200, 5), (300, 3))
    covered = np.concatenate(([0.0], np.cumsum(speed)))

    found = efforts.by_distance(speed, layout(speed), 1000, covered, count=1)

    assert (found[0].start_index, found[0].end_index) == (300, 500)
    assert found[0].distance_m == 1000
    assert efforts.by_distance(speed, layout(speed), 1e6, covered) == []


@given(watts, st.integers(1, 60), st.integers(1, 10))
def test_efforts_never_share_a_second_and_never_get_better(power: Floats, seconds: int, count: int) -> None:
    found = efforts.by_duration(power, layout(power), seconds, count=count)

    taken = np.zeros(len(power), dtype=int)
    for own in found:
        taken[own.start_index : own.end_index] += 1
    assert taken.max(initial=0) <= 1
    assert len(found) <= count
    averages = [own.average for own in found]
    assert averages == sorted(averages, reverse=True)
    assert bool(found) == (seconds <= len(power))


@given(watts, st.floats(1, 100))
def test_buckets_hold_every_second_once(power: Floats, size: float) -> None:
    found = histograms.histogram(lay_out(ride(power), "Ride", RIDER), power, size)

    assert sum(bucket.seconds for bucket in found) == len(power)
    starts = [bucket.start for bucket in found]
    assert np.diff(starts) == pytest.approx(np.full(len(starts) - 1, size))


def test_a_bucket_knows_what_else_was_so() -> None:
    power = steps((60, 110), (30, 210))
    recording = lay_out(ride(power, heart_rate_bpm=steps((60, 120), (30, 150))), "Ride", RIDER)

    found = histograms.histogram(recording, power, 100)

    assert found == [
        histograms.Bucket(100, 60, 60, 120, 110, None),
        histograms.Bucket(200, 30, 30, 150, 210, None),
    ]
    with pytest.raises(ValueError, match="above 0"):
        histograms.histogram(recording, power, 0)


def test_gaps_are_in_no_bucket() -> None:
    recording = lay_out({"time_s": np.array([0.0, 1, 100, 101]), "power_w": np.full(4, 200.0)}, "Ride", RIDER)

    assert recording.power_w is not None
    assert [(bucket.start, bucket.seconds) for bucket in histograms.histogram(recording, recording.power_w, 25)] == [
        (200, 4)
    ]


@given(hnp.arrays(np.float64, st.integers(1, 200), elements=st.floats(40, 220) | st.just(np.nan)))
def test_time_at_or_above_a_heart_rate_begins_with_all(beats: Floats) -> None:
    found = histograms.time_at_hr(beats)

    known = int(np.count_nonzero(~np.isnan(beats)))
    assert (found is None) == (known == 0)
    if found is not None:
        assert found.cumulative_s[0] == known == sum(found.seconds)
        assert len(found.seconds) == found.most_bpm - found.least_bpm + 1


def test_the_heart_answers_late_and_power_against_it_says_how_late() -> None:
    power = np.repeat(np.random.default_rng(1).uniform(100, 300, 60), 60)
    beats = 80 + 0.3 * np.roll(power, 30)

    found = histograms.power_vs_hr(lay_out(ride(power, heart_rate_bpm=beats), "Ride", RIDER))

    assert found is not None
    assert found.lag_s == 30
    constant, slope = found.lines[0].coefficients
    assert (constant, slope) == pytest.approx((80, 0.3), rel=0.02)
    assert found.lines[0].r2 == pytest.approx(1, abs=0.02)


def test_power_against_heart_rate_needs_both() -> None:
    streams = season_of_noise(600)
    del streams["power_w"]

    assert histograms.power_vs_hr(lay_out(streams, "Ride", RIDER)) is None
