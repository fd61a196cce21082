"""Curves: the best for every duration and distance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from openintervals.analysis import curves, resample
from openintervals.analysis.arrays import Floats
from tests.analysis.examples import steps

watts = hnp.arrays(np.float64, st.integers(1, 400), elements=st.integers(0, 1500).map(float) | st.floats(0, 1500))


def once_a_second(values: Floats) -> resample.Seconds:
    return resample.seconds(np.arange(len(values), dtype=np.float64))


def test_an_even_ride_has_an_even_curve() -> None:
    power = np.full(600, 250.0)

    curve = curves.mean_max(power, once_a_second(power))

    assert curve.durations_s[-1] == 600
    assert curve.values == pytest.approx(np.full(len(curve.durations_s), 250.0))


def test_the_best_minute_is_found_where_it_was() -> None:
    power = steps((300, 100), (60, 400), (300, 100))

    curve = curves.mean_max(power, once_a_second(power))

    minute = curve.durations_s.tolist().index(60)
    assert curve.values[minute] == 400
    assert (curve.start_index[minute], curve.end_index[minute]) == (300, 360)
    assert curves.at(curve.durations_s, curve.values, 120) == pytest.approx(250)


def test_indexes_are_of_records_and_not_of_seconds() -> None:
    time_s = np.array([0.0, 5.0, 10.0, 15.0])
    layout = resample.seconds(time_s)

    curve = curves.mean_max(layout.fill(np.array([100.0, 300.0, 300.0, 100.0]), 0.0), layout)

    ten = curve.durations_s.tolist().index(10)
    assert (curve.start_index[ten], curve.end_index[ten]) == (1, 3)


@given(watts)
def test_a_curve_never_rises_with_duration(power: Floats) -> None:
    curve = curves.mean_max(power, once_a_second(power))

    assert (np.diff(curve.values) <= 1e-9).all()
    assert curve.values[0] == pytest.approx(power.max(), abs=1e-3)


@given(watts)
def test_every_value_is_the_mean_of_its_window(power: Floats) -> None:
    curve = curves.mean_max(power, once_a_second(power))

    for length, value, start, end in zip(
        curve.durations_s, curve.values, curve.start_index, curve.end_index, strict=True
    ):
        assert end - start >= length
        assert value == pytest.approx(power[start:end].mean(), abs=1e-6)


@given(watts)
def test_no_window_of_a_duration_beats_the_curve(power: Floats) -> None:
    curve = curves.mean_max(power, once_a_second(power))

    for length, value in zip(curve.durations_s, curve.values, strict=True):
        best = np.convolve(power, np.ones(length), "valid").max() / length
        assert value >= best - 1e-6


def test_what_came_after_so_much_work_is_looked_at_alone() -> None:
    power = steps((100, 1000), (100, 200))

    curve = curves.after_work(power, once_a_second(power), 100)

    assert curve is not None
    assert curve.values[0] == 200
    assert curve.start_index[0] == 100
    assert curves.after_work(power, once_a_second(power), 500) is None


def test_a_heart_rate_has_no_zeros_in_gaps() -> None:
    beats = np.concatenate((np.full(60, 150.0), np.full(100, np.nan), np.full(60, 150.0)))

    curve = curves.present(beats, once_a_second(beats))

    assert curve.durations_s[-1] == 120
    assert curve.values == pytest.approx(np.full(len(curve.values), 150.0))
    assert (curve.start_index[-1], curve.end_index[-1]) == (0, 220)


def test_a_season_takes_the_best_of_each_duration_and_says_whose() -> None:
    best, source = curves.season([np.array([500.0, 300.0]), np.array([400.0, 350.0, 250.0])])

    assert best.tolist() == [500, 350, 250]
    assert source.tolist() == [0, 1, 1]
    assert not len(curves.season([])[0])


@given(st.lists(hnp.arrays(np.float64, st.integers(0, 30), elements=st.floats(0, 2000)), max_size=6))
def test_the_order_of_activities_does_not_change_a_season(of_activities: list[Floats]) -> None:
    forwards, _ = curves.season(of_activities)
    backwards, _ = curves.season(of_activities[::-1])

    assert forwards.tolist() == backwards.tolist()


@given(st.floats(0.5, 12), st.integers(300, 3000))
def test_an_even_pace_takes_distance_over_speed(speed_mps: float, seconds: int) -> None:
    covered = np.arange(seconds + 1.0) * speed_mps

    curve = curves.pace(covered, resample.seconds(np.arange(seconds, dtype=np.float64)))

    assert curve.seconds == pytest.approx(curve.distances_m / speed_mps, rel=1e-6)


def test_the_fastest_kilometre_is_found() -> None:
    speed = steps((600, 3), (200, 5), (600, 3))
    covered = np.concatenate(([0.0], np.cumsum(speed)))

    curve = curves.pace(covered, once_a_second(speed))

    kilometre = curve.distances_m.tolist().index(1000.0)
    assert curve.seconds[kilometre] == pytest.approx(200, abs=0.5)
    assert curve.start_index[kilometre] == pytest.approx(600, abs=1)


@given(hnp.arrays(np.float64, st.integers(2, 300), elements=st.floats(0, 12)))
def test_a_longer_way_takes_longer(speed: Floats) -> None:
    covered = np.concatenate(([0.0], np.cumsum(speed)))

    curve = curves.pace(covered, once_a_second(speed))

    assert (np.diff(curve.seconds) >= 0).all()
    assert (curve.start_index <= curve.end_index).all()
    assert (curve.seconds <= len(speed) + 1e-9).all()


def test_what_is_ranked_is_sorted_at_each_place_however_many_there_are_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "_AT_ONCE", 2)
    random = np.random.default_rng(7)
    told = [np.round(random.uniform(0, 9, 12 - number)) for number in range(7)]

    best, source = curves.ranked(told, 3)

    for place in range(12):
        there = sorted(((-curve[place], number) for number, curve in enumerate(told) if place < len(curve)))[:3]
        known = len(there)
        assert best[:known, place].tolist() == [-value for value, _ in there]
        assert source[:known, place].tolist() == [number for _, number in there]
        assert np.isneginf(best[known:, place]).all()
