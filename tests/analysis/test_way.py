"""The way: distance, speed, elevation, slope and what counts as moving."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from openintervals.analysis import distance, elevation, moving, pace, resample
from openintervals.analysis.arrays import Floats
from openintervals.analysis.recording import lay_out
from tests.analysis.examples import RIDER, steps


def test_a_degree_of_latitude_is_111_kilometres() -> None:
    way = distance.track(np.array([45.0, 46.0]), np.array([7.0, 7.0]))

    assert way.tolist() == pytest.approx([0, np.pi / 180 * distance.EARTH_RADIUS_M])


def test_unknown_positions_are_passed_over() -> None:
    way = distance.track(np.array([45.0, np.nan, 46.0]), np.array([7.0, np.nan, 7.0]))

    assert way[1] == 0
    assert way[2] == pytest.approx(111_195, rel=1e-4)


def test_distance_is_the_devices_then_from_its_speed_then_from_positions() -> None:
    layout = resample.seconds(np.arange(4.0))
    metres, speed = np.array([0.0, 5, 10, 15]), np.full(4, 3.0)
    north = 45 + np.arange(4) / 100_000

    assert distance.cumulative(layout, metres, speed) == pytest.approx(np.array([0, 5, 10, 15, 15]))
    assert distance.cumulative(layout, None, speed) == pytest.approx(np.array([0, 3, 6, 9, 12]))
    by_position = distance.cumulative(layout, None, None, north, np.full(4, 7.0))
    assert by_position is not None
    assert by_position[3] == pytest.approx(3.336, abs=0.01)
    assert distance.cumulative(layout, None, None) is None


@given(hnp.arrays(np.float64, st.integers(1, 80), elements=st.floats(-10, 1000) | st.just(np.nan)))
def test_distance_never_goes_back(metres: Floats) -> None:
    covered = distance.cumulative(resample.seconds(np.arange(len(metres), dtype=np.float64)), metres, None)

    if covered is not None:
        assert (np.diff(covered) >= 0).all()
        assert covered[0] >= 0


def test_a_pool_length_that_comes_at_once_was_swum_all_the_while() -> None:
    layout = resample.seconds(np.arange(60.0))
    metres = steps((30, 0), (30, 25))

    covered = distance.cumulative(layout, metres, None, by_length=True)

    assert covered is not None
    assert covered[15] == pytest.approx(12.5)


def test_noise_on_the_flat_is_no_climb() -> None:
    recording = lay_out(
        {"time_s": np.arange(3600), "altitude_m": 100 + np.random.default_rng(1).normal(0, 0.5, 3600)}, "Ride", RIDER
    )

    assert recording.climb is not None
    assert recording.climb.gain_m < 3


def test_hills_are_climbed_and_descended() -> None:
    climb = elevation.climb(
        np.concatenate((np.linspace(100, 200, 50), np.linspace(200, 150, 50), np.linspace(150, 300, 50)))
    )

    assert climb.gain_m == pytest.approx(250)
    assert climb.loss_m == pytest.approx(50)
    assert climb.climbed_m[-1] == pytest.approx(250)


def test_dips_smaller_than_a_step_belong_to_the_slope() -> None:
    climb = elevation.climb(np.array([100.0, 110, 109, 120, 119.5, 130]))

    assert (climb.gain_m, climb.loss_m) == (30, 0)


@given(hnp.arrays(np.float64, st.integers(1, 200), elements=st.floats(-400, 9000)))
def test_what_goes_up_less_what_comes_down_is_where_one_is(altitude: Floats) -> None:
    climb = elevation.climb(altitude)

    assert climb.gain_m >= 0
    assert climb.loss_m >= 0
    assert abs(climb.gain_m - climb.loss_m - (altitude[-1] - altitude[0])) < 2 * elevation.STEP_M + 1e-6
    assert (np.diff(climb.climbed_m) >= 0).all()
    assert climb.climbed_m[-1] == pytest.approx(climb.gain_m)


@given(hnp.arrays(np.float64, st.integers(1, 100), elements=st.floats(0, 3000)))
def test_a_way_back_loses_what_was_gained(altitude: Floats) -> None:
    there, back = elevation.climb(altitude), elevation.climb(altitude[::-1].copy())

    assert there.gain_m == pytest.approx(back.loss_m, abs=2 * elevation.STEP_M)


def test_slopes_cost_what_minetti_measured() -> None:
    # Published fits, in J/(kg·m): 3.6 on the level; the least lies near a slope of -20 %.
    slopes = np.arange(-45, 46) / 100

    costs = pace.cost(slopes)

    assert pace.cost(np.array([0.0]))[0] == 3.6
    assert -0.22 <= slopes[costs.argmin()] <= -0.15
    assert pace.cost(np.array([0.45]))[0] == pytest.approx(19.42, abs=0.05)
    assert pace.cost(np.array([0.9])) == pytest.approx(pace.cost(np.array([0.45])))
    assert (np.diff(costs[slopes >= 0]) > 0).all()


@given(hnp.arrays(np.float64, st.integers(1, 100), elements=st.floats(0, 8)))
def test_on_the_level_pace_stays_as_it_is(speed: Floats) -> None:
    covered = np.concatenate(([0.0], np.cumsum(speed)))

    slope = pace.slopes(np.full(len(speed), 300.0), covered)

    assert pace.adjusted(speed, slope) == pytest.approx(speed)


def test_a_steady_climb_is_steep_by_its_grade() -> None:
    covered = np.arange(301.0) * 3.0

    slope = pace.slopes(covered[:-1] * 0.08, covered)

    assert slope == pytest.approx(np.full(300, 0.08))


def test_standing_at_a_light_is_no_moving() -> None:
    layout = resample.seconds(np.arange(100.0))
    speed = steps((40, 8), (20, 0.2), (40, 8))

    assert moving.moving(layout, "Ride", speed, None).sum() == 80
    assert moving.moving(layout, "Ride", speed, np.full(100, 200.0)).sum() == 100
    assert moving.moving(layout, "WeightTraining", None, None).sum() == 100


def test_a_trainer_without_speed_is_moved_all_the_same() -> None:
    layout = resample.seconds(np.arange(100.0))

    assert moving.moving(layout, "VirtualRide", np.zeros(100), steps((50, 200), (50, 0))).sum() == 100


def test_freewheeling_is_coasting() -> None:
    moves = np.ones(4, dtype=bool)

    assert moving.coasting_s(moves, np.array([90.0, 0, 0, np.nan]), None) == 2
    assert moving.coasting_s(moves, None, np.array([200.0, 0, 10, 10])) == 1
    assert moving.coasting_s(moves, None, None) is None
