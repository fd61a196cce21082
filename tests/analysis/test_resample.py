"""Records laid out by seconds: nothing is gained or lost on the way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals.analysis import resample
from openintervals.analysis.arrays import Floats
from tests.analysis.examples import times


def energy(layout: resample.Seconds, power_w: Floats) -> float:
    return float((power_w * layout.held_s).sum())


def test_a_record_a_second_stays_as_it_is() -> None:
    power = np.array([100.0, 200.0, 300.0])

    layout = resample.seconds(np.arange(3.0))

    assert layout.count == 3
    assert layout.fill(power, 0.0).tolist() == power.tolist()


def test_a_value_holds_until_the_next_record() -> None:
    layout = resample.seconds(np.array([0.0, 3.0, 4.0]))

    filled = layout.fill(np.array([100.0, 200.0, 300.0]), 0.0)

    assert filled.tolist() == [100, 100, 100, 200, 300, 300]


def test_a_long_silence_is_a_gap_and_not_a_value() -> None:
    layout = resample.seconds(np.array([0.0, 1.0, 2.0, 100.0, 101.0]))

    power = layout.fill(np.full(5, 250.0), 0.0)
    heart = layout.fill(np.full(5, 150.0))

    assert power.sum() == 5 * 250
    assert np.isnan(heart).sum() == 97
    assert layout.stops.tolist() == [2]
    assert layout.recorded.sum() == 5


def test_a_device_that_always_takes_its_time_has_no_gaps() -> None:
    layout = resample.seconds(np.arange(0.0, 300.0, 20.0))

    assert layout.recorded.all()
    assert not len(layout.stops)


def test_several_records_a_second_become_their_mean() -> None:
    layout = resample.seconds(np.array([0.0, 0.5, 1.0, 1.5]))

    filled = layout.fill(np.array([100.0, 200.0, 300.0, np.nan]), 0.0)

    assert filled[0] == 150
    assert filled[1] == 150


def test_an_unknown_heart_rate_is_no_zero() -> None:
    layout = resample.seconds(np.array([0.0, 0.5, 1.0, 1.5]))

    filled = layout.fill(np.array([100.0, np.nan, np.nan, np.nan]))

    assert filled[0] == 100
    assert np.isnan(filled[1])


def test_time_that_goes_back_stands_still() -> None:
    layout = resample.seconds(np.array([0.0, 1.0, 0.5, np.nan, 2.0]))

    assert layout.time_s.tolist() == [0, 1, 1, 1, 2]
    assert layout.held_s.tolist() == [1, 0, 0, 1, 1]


def test_more_than_a_week_is_a_wrong_clock() -> None:
    with pytest.raises(resample.TooLong, match="at most"):
        resample.seconds(np.array([0.0, 1e9]))


def test_nothing_recorded_is_no_second() -> None:
    assert resample.seconds(np.empty(0)).count == 0


@given(times(), st.data())
def test_energy_is_kept(time_s: Floats, data: st.DataObject) -> None:
    power = np.array(data.draw(st.lists(st.floats(0, 2000), min_size=len(time_s), max_size=len(time_s))))

    layout = resample.seconds(time_s)

    assert layout.fill(power, 0.0).sum() == pytest.approx(energy(layout, power), rel=1e-9, abs=1e-6)


@given(times())
def test_seconds_and_records_lead_to_each_other(time_s: Floats) -> None:
    layout = resample.seconds(time_s)

    indexes = np.arange(len(time_s) + 1)
    seconds = layout.second(indexes)

    assert (np.diff(seconds) >= 0).all()
    assert seconds[-1] == layout.count
    assert layout.index(np.array([layout.count]))[0] == len(time_s)
    assert (np.diff(layout.row) >= 0).all()
    assert layout.row.min() >= 0
    assert layout.row.max() < len(time_s)


@given(times())
def test_whole_seconds_are_laid_out_like_any_others(time_s: Floats) -> None:
    whole = np.unique(np.ceil(time_s))
    values = np.sin(np.arange(len(whole))) * 100

    exact = resample.seconds(whole)
    general = resample.Seconds(
        exact.count, exact.row, exact.recorded, exact.first, exact.time_s, exact.held_s, exact.usual_s, whole=False
    )

    assert exact.whole
    assert general.fill(values) == pytest.approx(exact.fill(values), nan_ok=True)
    assert general.fill(values, 0.0) == pytest.approx(exact.fill(values, 0.0))
