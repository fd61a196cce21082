"""Power, heart rate, zones and load: published values, closed forms and laws."""

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from openintervals.analysis import arrays, decoupling, heart_rate, load, power, resample, w_balance, zones
from openintervals.analysis.arrays import Floats
from openintervals.analysis.thresholds import POWER_ZONES_PERCENT, Thresholds, hr_zones, order
from tests.analysis.examples import RIDER, steps
from tests.house.sources import ROOT

WORKOUTS = ROOT.parent / "shared" / "golden" / "workout_text.json"

watts = hnp.arrays(np.float64, st.integers(1, 900), elements=st.floats(0, 1500))


def test_an_hour_at_threshold_is_a_load_of_100() -> None:
    normalized = power.normalized(np.full(3600, 250.0))

    assert normalized == pytest.approx(250)
    assert load.by_power(250, 3600, 250) == pytest.approx(100)
    assert load.by_pace(4.0, 3600, 4.0, "RUN") == pytest.approx(100)
    assert load.by_pace(1.2, 3600, 1.2, "SWIM") == pytest.approx(100)
    assert load.hrss(np.full(3600, 165.0), 50, 185, 165, "F") == pytest.approx(100)


def test_an_easy_hour_and_a_hard_one_are_more_than_their_mean() -> None:
    # 60 min at 50 % and 60 min at 100 % are 145 rather than 125.
    normalized = power.normalized(steps((3600, 125), (3600, 250)))

    assert normalized is not None
    assert load.by_power(normalized, 7200, 250) == pytest.approx(145, abs=1)


@given(watts, st.floats(0.1, 3))
def test_normalised_power_grows_as_power_does(power_w: Floats, factor: float) -> None:
    one, other = power.normalized(power_w), power.normalized(power_w * factor)

    assert one is not None
    assert other == pytest.approx(one * factor, rel=1e-6, abs=1e-6)


@given(st.floats(1, 1000), st.integers(1, 5000))
def test_even_power_is_normalised_to_itself(power_w: float, seconds: int) -> None:
    assert power.normalized(np.full(seconds, power_w)) == pytest.approx(power_w, rel=1e-6)


@given(watts, st.floats(1, 1500))
def test_work_above_a_limit_and_below_it_is_all_work(power_w: Floats, limit_w: float) -> None:
    below = power.work_j(np.minimum(power_w, limit_w))

    assert power.work_above_j(power_w, limit_w) + below == pytest.approx(power.work_j(power_w), rel=1e-9, abs=1e-6)


@given(watts)
def test_w_balance_is_what_walking_through_it_gives(power_w: Floats) -> None:
    left, expected = 20_000.0, []
    for now in power_w.tolist():
        left = left - (now - 250) if now > 250 else left + (250 - now) * (20_000 - left) / 20_000
        expected.append(left)

    assert w_balance.differential(power_w, 250, 20_000) == pytest.approx(np.array(expected), abs=1e-4)


@given(watts)
def test_the_integral_balance_is_its_sum(power_w: Floats) -> None:
    below = power_w[power_w < 250]
    tau = 546 * math.exp(-0.01 * (250 - below.mean() if len(below) else 0.0)) + 316
    last = len(power_w) - 1
    spent = sum(max(now - 250, 0) * math.exp(-(last - at) / tau) for at, now in enumerate(power_w.tolist()))

    assert w_balance.integral(power_w, 250, 20_000)[-1] == pytest.approx(20_000 - spent, abs=1e-3)


@given(watts.map(lambda values: np.minimum(values, 249.0)))
def test_nobody_tires_below_critical_power(power_w: Floats) -> None:
    left = w_balance.differential(power_w, 250, 20_000)

    assert left == pytest.approx(np.full(len(left), 20_000.0))
    assert w_balance.depletion_j(left, 20_000) == 0


def test_a_minute_100_watts_above_costs_6_kilojoules() -> None:
    left = w_balance.differential(steps((60, 350), (3600, 150)), 250, 20_000)

    assert left[59] == pytest.approx(14_000)
    # Half a W′ later, e^(-100 · 3600 / 20000) of the 6 kJ are missing.
    assert left[-1] == pytest.approx(20_000, abs=1)
    assert w_balance.depletion_j(left, 20_000) == pytest.approx(6_000)


@given(hnp.arrays(np.float64, st.integers(1, 600), elements=st.floats(0, 1)), st.floats(-100, 100), st.data())
def test_a_recurrence_is_what_walking_through_it_gives(factors: Floats, start: float, data: st.DataObject) -> None:
    terms = np.array(data.draw(st.lists(st.floats(-10, 10), min_size=len(factors), max_size=len(factors))))
    state, expected = start, []
    for factor, term in zip(factors.tolist(), terms.tolist(), strict=True):
        state = factor * state + term
        expected.append(state)

    assert arrays.recur(factors, terms, start) == pytest.approx(np.array(expected), abs=1e-6)


@given(
    hnp.arrays(np.float64, st.integers(0, 200), elements=st.floats(0, 2000) | st.just(np.nan)), st.sampled_from([3, 9])
)
def test_a_centred_mean_is_over_those_there_are(values: Floats, seconds: int) -> None:
    half = seconds // 2
    expected = [
        np.mean(known) if len(known := around[~np.isnan(around)]) else np.nan
        for at in range(len(values))
        if (around := values[max(at - half, 0) : at + half + 1]) is not None
    ]

    assert arrays.centred_mean(values, seconds) == pytest.approx(np.array(expected), nan_ok=True, abs=1e-6)


@given(
    hnp.arrays(np.float64, st.integers(0, 300), elements=st.floats(0, 2000) | st.just(np.nan)),
    st.lists(st.floats(1, 1500), min_size=1, max_size=10, unique=True).map(sorted),
)
def test_zones_add_up_to_the_time(values: Floats, bounds: list[float]) -> None:
    found = zones.times_s(values, bounds)

    assert len(found) == len(bounds)
    assert sum(found) == np.count_nonzero(~np.isnan(values))


def test_a_bound_belongs_to_the_zone_below_and_the_last_zone_is_open() -> None:
    bounds = zones.bounds_of(POWER_ZONES_PERCENT[:3], 200)

    assert bounds == pytest.approx([110, 150, 180])
    assert zones.times_s(np.array([110.0, 111.0, 150.0, 500.0]), bounds) == [1, 2, 1]


def test_zones_by_threshold_heart_rate_end_at_the_maximum() -> None:
    assert hr_zones(165, 185) == (134, 147, 153, 163, 168, 173, 185)


def test_an_order_that_does_not_exist_is_refused() -> None:
    assert order("HR_PACE_POWER") == ("hr", "pace", "power")
    with pytest.raises(ValueError, match="no order"):
        order("POWER")


def test_polarization_follows_its_publication() -> None:
    # Shares of 80, 5 and 15 percent.
    index = zones.polarization_index([80, 0, 5, 0, 15])

    assert index == pytest.approx(math.log10(0.80 / 0.05 * 0.15 * 100))
    assert zones.polarization_index([100, 0, 0, 0, 0]) == 0
    assert zones.polarization_index([0, 0, 5, 0, 5]) is None
    assert zones.polarization_index([80, 0, 0, 0, 20]) == pytest.approx(math.log10(0.8 / 0.01 * 0.19 * 100))
    assert zones.polarization_index([1, 2, 3]) is None


def test_training_impulse_is_banisters() -> None:
    # Half the reserve for an hour, a man: 60 · 0.5 · 0.64 · e^(1.92 · 0.5).
    impulse = heart_rate.trimp(np.full(3600, 125.0), 50, 200, "M")

    assert impulse == pytest.approx(60 * 0.5 * 0.64 * math.exp(0.96))
    assert heart_rate.trimp(np.full(3600, 125.0), 50, 200, "F") < impulse


def test_the_largest_fall_of_the_heart_rate_is_found() -> None:
    beats = np.concatenate((np.full(100, 170.0), np.linspace(170, 120, 61), np.full(100, 120.0)))

    every_other_second = resample.seconds(np.arange(0.0, len(beats), 2))

    found = heart_rate.recovery(beats, every_other_second)

    assert found is not None
    assert (found.start_s, found.end_s, found.start_index, found.end_index) == (100, 160, 50, 80)
    assert found.drop_bpm == 50
    assert (found.start_bpm, found.end_bpm) == (170, 120)
    assert heart_rate.recovery(np.full(261, 120.0), every_other_second) is None
    assert heart_rate.recovery(beats, every_other_second, least_bpm=175) is None


def test_the_load_is_the_first_known_in_the_athletes_order() -> None:
    loads = {"power": None, "hr": 80.0, "pace": 70.0}

    assert load.chosen(loads, "POWER_PACE_HR") == 70
    assert load.chosen(loads, "POWER_HR_PACE") == 80
    assert load.chosen({}, "POWER_HR_PACE") is None


@pytest.mark.parametrize("kind", ["AVG_HR", "HR_ZONES", "HRSS"])
def test_each_way_by_heart_rate_makes_an_hour_at_threshold_about_100(kind: str) -> None:
    settings = Thresholds(lthr_bpm=165, max_hr_bpm=185, resting_hr_bpm=50, hr_load_type=kind)
    beats = np.full(3600, 165.0)

    found = load.by_heart_rate(settings, beats, zones.times_s(beats, RIDER.hr_zones_bpm))

    assert found is not None
    assert found[0] == pytest.approx(100, abs=1)
    assert found[1] == kind


def test_a_way_without_its_thresholds_gives_way_to_another() -> None:
    settings = Thresholds(lthr_bpm=165, hr_load_type="HRSS")

    found = load.by_heart_rate(settings, np.full(3600, 165.0), [])

    assert found is not None
    assert found[0] == pytest.approx(100)
    assert found[1] == "AVG_HR"
    assert load.by_heart_rate(Thresholds(), np.full(60, 120.0), []) is None


def test_an_athletes_own_zone_loads_are_learnt_from_rides_with_both() -> None:
    truth = np.array([30.0, 50, 65, 80, 105, 125, 150])
    hours = np.random.default_rng(1).uniform(0, 1, (200, 7))

    learnt = load.learn_zone_loads((hours * 3600).astype(int).tolist(), (hours @ truth).tolist())

    assert learnt == pytest.approx(truth, abs=5)
    assert load.learn_zone_loads([], []) == load.PER_HOUR_IN_ZONE


@given(st.lists(st.tuples(st.lists(st.integers(0, 7200), min_size=5, max_size=5), st.floats(0, 300)), max_size=20))
def test_learnt_loads_never_fall_with_the_zone(rides: list[tuple[list[int], float]]) -> None:
    learnt = load.learn_zone_loads([times for times, _ in rides], [value for _, value in rides])

    assert all(low <= high for low, high in pairwise(learnt))
    assert min(learnt) >= 0


def test_an_athletes_own_loads_by_mean_heart_rate_are_learnt_from_rides_with_both() -> None:
    truth = np.array([5.0, 20, 30, 45, 60, 70, 95, 110, 130])
    random = np.random.default_rng(1)
    ratios, hours = random.uniform(0.5, 1.12, 800), random.uniform(0.5, 3, 800)
    loads = np.interp(ratios, load.AVERAGE_HR_KNOTS, truth) * hours

    learnt = load.learn_average_hr_loads(ratios.tolist(), (hours * 3600).tolist(), loads.tolist())

    assert learnt == pytest.approx(truth, abs=2)
    assert load.learn_average_hr_loads([], [], []) == pytest.approx(load.AVERAGE_HR_LOADS)
    used = Thresholds(hr_load_type="AVG_HR", lthr_bpm=160, average_hr_loads=learnt)
    found = load.by_heart_rate(used, np.full(3600, 160.0), [])
    assert found is not None
    assert found == (pytest.approx(95, abs=2), "AVG_HR")  # type: ignore[comparison-overlap]  # approx has no type


def test_decoupling_is_the_loss_of_output_per_beat() -> None:
    power_w = np.full(3600, 200.0)
    beats = steps((1800, 140), (1800, 154))

    found = decoupling.halves(power_w, beats, np.ones(3600, dtype=bool))

    assert found is not None
    assert found.percent == pytest.approx(100 * (200 / 140 - 200 / 154) / (200 / 140))
    assert found.middle_s == 1800


def test_warm_up_and_cool_down_do_not_count_when_enough_is_left() -> None:
    assert decoupling.window(3600, 1200, 600) == (1200, 3000)
    assert decoupling.window(2400, 1200, 600) == (0, 2400)


def planned(steps_of: list[dict[str, Any]], ftp_w: float) -> Floats | None:
    """Watts a second of a planned workout; None where a step is neither in watts nor in percent of FTP."""
    parts: list[Floats] = []
    for step in steps_of:
        if "steps" in step:
            inner = planned(step["steps"], ftp_w)
            if inner is None:
                return None
            parts += [inner] * step["reps"]
            continue
        target = step.get("power", {})
        if target.get("units") not in ("%ftp", "w") or not step.get("duration"):
            return None
        unit = ftp_w / 100 if target["units"] == "%ftp" else 1.0
        low, high = target.get("start", target.get("value")), target.get("end", target.get("value"))
        shares = (
            np.linspace(low, high, step["duration"])
            if step.get("ramp")
            else np.full(step["duration"], (low + high) / 2)
        )
        parts.append(shares * unit)
    return np.concatenate(parts) if parts else None


@pytest.mark.skipif(not WORKOUTS.exists(), reason="the golden values are not here")
def test_planned_workouts_have_the_normalised_power_and_load_of_the_original() -> None:
    seen = 0
    for workout in json.loads(WORKOUTS.read_text()):
        expected, ftp = workout["expected"], workout["ftp_watts"]
        watts_a_second = planned(expected["steps"], ftp) if ftp else None
        if watts_a_second is None or not expected["normalized_power_w"]:
            continue
        normalized = power.normalized(watts_a_second)
        assert normalized == pytest.approx(expected["normalized_power_w"], abs=0.9), workout["text"]
        of_whole_watts = load.by_power(expected["normalized_power_w"], len(watts_a_second), ftp)
        assert of_whole_watts == pytest.approx(expected["training_load"], abs=1)
        intensity = power.intensity_percent(expected["normalized_power_w"], ftp)
        assert intensity == pytest.approx(expected["intensity_percent"], abs=0.3)
        assert watts_a_second.mean() == pytest.approx(expected["average_watts"], abs=1.1), workout["text"]
        assert len(watts_a_second) == expected["duration_s"]
        seen += 1

    assert seen > 50


def test_learnt_zone_loads_are_used() -> None:
    settings = Thresholds(hr_load_type="HR_ZONES", hr_zone_loads=(10.0, 20.0))

    assert load.by_heart_rate(settings, np.full(3600, 120.0), [3600, 0]) == (10, "HR_ZONES")
