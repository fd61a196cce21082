"""What curves say of athletes, and loads of their fitness: models find what made the curve."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals.analysis import critical_speed, curves, eftp, fitness, power_models
from tests.house.sources import ROOT

GOLDEN = ROOT.parent / "shared" / "golden" / "fitness.json"
HOURS_2 = curves.durations(7200)


@given(st.floats(150, 400), st.floats(8_000, 35_000))
def test_two_parameters_are_found_again(critical_w: float, w_prime_j: float) -> None:
    found = power_models.fit("MS_2P", HOURS_2, critical_w + w_prime_j / HOURS_2)

    assert found is not None
    assert found.critical_w == pytest.approx(critical_w, rel=1e-6)
    assert found.w_prime_j == pytest.approx(w_prime_j, rel=1e-6)
    assert found.p_max_w is None


@given(st.floats(150, 400), st.floats(8_000, 35_000), st.floats(3, 6))
def test_three_parameters_are_found_again(critical_w: float, w_prime_j: float, sprint: float) -> None:
    power = power_models.morton(HOURS_2.astype(np.float64), critical_w, w_prime_j, critical_w * sprint)

    found = power_models.fit("MORTON_3P", HOURS_2, power)

    assert found is not None
    assert found.critical_w == pytest.approx(critical_w, rel=0.01)
    assert found.w_prime_j == pytest.approx(w_prime_j, rel=0.03)
    assert found.p_max_w == pytest.approx(critical_w * sprint, rel=0.05)


def test_efforts_that_were_not_maximal_do_not_pull_the_model_down() -> None:
    power = 260 + 20_000 / HOURS_2
    lazy = power.copy()
    lazy[(HOURS_2 > 400) & (HOURS_2 < 600)] *= 0.9

    found = power_models.fit("MS_2P", HOURS_2, lazy)

    assert found is not None
    assert found.critical_w == pytest.approx(260, abs=3)
    assert all(not 400 < HOURS_2[place] < 600 for place in found.inputs)


def test_the_extended_model_is_found_again() -> None:
    found = power_models.fit("ECP", HOURS_2, power_models.extended(HOURS_2.astype(np.float64), 700, 280, 18_000))

    assert found is not None
    assert found.critical_w == pytest.approx(280, rel=1e-3)
    assert found.w_prime_j == pytest.approx(18_000, rel=1e-3)


def test_the_models_agree_on_what_an_hour_would_be() -> None:
    power = power_models.morton(HOURS_2.astype(np.float64), 260, 20_000, 1_000)

    found = [power_models.fit(kind, HOURS_2, power) for kind in power_models.MODELS]

    assert all(model is not None and model.ftp_w == pytest.approx(265, abs=30) for model in found)


def test_a_curve_that_is_too_short_or_flat_has_no_model() -> None:
    short = curves.durations(60)

    assert all(power_models.fit(kind, short, np.full(len(short), 300.0)) is None for kind in power_models.MODELS)
    assert power_models.fit("MORTON_3P", HOURS_2, np.zeros(len(HOURS_2))) is None
    with pytest.raises(ValueError, match="no power model"):
        power_models.fit("GUESS", short, np.ones(len(short)))


def test_twenty_minutes_count_for_95_percent() -> None:
    found = eftp.estimate(np.array([1200]), np.array([300.0]))

    assert found is not None
    assert found.ftp_w == pytest.approx(285)
    assert (found.seconds, found.watts, found.place) == (1200, 300, 0)


def test_efforts_shorter_than_the_athlete_allows_are_no_estimate() -> None:
    power = np.where(HOURS_2 <= 400, 500.0, 200.0)

    long, short = eftp.estimate(HOURS_2, power, 600), eftp.estimate(HOURS_2, power, 300)

    assert long is not None
    assert short is not None
    assert long.ftp_w < 200 < short.ftp_w
    assert short.seconds == 390


def test_an_estimate_fades_with_fitness_until_there_is_a_better_one() -> None:
    idle = fitness.decay(np.zeros(120), 80.0, np.full(120, 42.0))
    efforts = np.full(120, np.nan)
    efforts[[0, 84, 90]] = 250, 240, 200

    found = eftp.rolling(efforts, idle)

    assert found[0] == 250
    assert found[21] == pytest.approx(250 * math.exp(-0.1 * 21 / 42))
    assert found[83] == pytest.approx(250 * math.exp(-0.1 * 83 / 42))
    assert found[84] == 240
    assert found[90] == pytest.approx(240 * math.exp(-0.1 * 6 / 42))
    assert np.isnan(eftp.rolling(np.full(3, np.nan), idle[:3])).all()


@given(
    st.lists(st.tuples(st.floats(0, 150), st.floats(100, 400) | st.just(math.nan)), min_size=1, max_size=60),
    st.integers(0, 60),
)
def test_estimates_of_days_never_rise_without_an_effort_and_can_be_reckoned_in_portions(
    days: list[tuple[float, float]], cut: int
) -> None:
    ctl, efforts = np.array([day[0] for day in days]), np.array([day[1] for day in days])
    cut = min(cut, len(days))

    whole = eftp.rolling(efforts, ctl)

    first = eftp.rolling(efforts[:cut], ctl[:cut])
    start = (float(first[-1]), float(ctl[cut - 1])) if cut else (math.nan, math.nan)
    assert np.concatenate((first, eftp.rolling(efforts[cut:], ctl[cut:], *start))) == pytest.approx(whole, nan_ok=True)
    before = np.fmax(np.concatenate(([0.0], whole[:-1])), 0)
    assert not (whole > np.fmax(before, np.nan_to_num(efforts)) + 1e-9).any()
    assert not (whole < np.nan_to_num(efforts)).any()


@given(st.floats(2.5, 6), st.floats(50, 400))
def test_critical_speed_is_found_again(speed_mps: float, d_prime_m: float) -> None:
    grid = curves.DISTANCES_M
    distances = grid[grid > d_prime_m * 1.01]
    found = critical_speed.fit(distances, (distances - d_prime_m) / speed_mps)

    assert found is not None
    assert found.critical_mps == pytest.approx(speed_mps, rel=1e-6)
    assert found.d_prime_m == pytest.approx(d_prime_m, rel=1e-4)
    assert found.r2 == pytest.approx(1)


def test_a_stroll_has_no_critical_speed() -> None:
    assert critical_speed.fit(np.array([100.0]), np.array([60.0])) is None


@pytest.mark.skipif(not GOLDEN.exists(), reason="the golden values are not here")
def test_fitness_is_what_the_original_has() -> None:
    days = json.loads(GOLDEN.read_text())
    first, later = days[0], days[1:]

    found = fitness.fitness(
        [day["ctlLoad"] for day in later], [day["atlLoad"] for day in later], ctl=first["ctl"], atl=first["atl"]
    )

    assert found.ctl == pytest.approx([day["ctl"] for day in later], abs=1e-4)
    assert found.atl == pytest.approx([day["atl"] for day in later], abs=1e-4)
    assert found.ramp[7:] == pytest.approx([day["rampRate"] for day in later[7:]], abs=1e-4)


def test_a_steady_load_becomes_the_fitness() -> None:
    found = fitness.fitness([70.0] * 1000)

    assert found.ctl[-1] == pytest.approx(70)
    assert found.form[-1] == pytest.approx(0, abs=1e-6)
    assert found.ctl[41] == pytest.approx(70 * (1 - math.exp(-1)))


def test_fitness_can_be_set_and_forget_faster_from_a_day_on() -> None:
    days = np.array([42.0, 42.0, 42.0, 20.0])

    found = fitness.fitness([0, 0, 0, 0], ctl=50, ctl_days=days, ctl_resets={1: 80.0})

    assert found.ctl[1] == 80
    assert found.ctl[2] == pytest.approx(80 * math.exp(-1 / 42))
    assert found.ctl[3] == pytest.approx(found.ctl[2] * math.exp(-1 / 20))


@given(st.lists(st.floats(0, 500), min_size=1, max_size=400), st.integers(0, 400))
def test_days_can_be_reckoned_in_portions(loads: list[float], cut: int) -> None:
    whole = fitness.fitness(loads)
    first = fitness.fitness(loads[:cut])
    ctl, atl = (float(part[-1]) if len(part) else 0.0 for part in (first.ctl, first.atl))

    rest = fitness.fitness(loads[cut:], ctl=ctl, atl=atl)

    assert np.concatenate((first.ctl, rest.ctl)) == pytest.approx(whole.ctl, abs=1e-9)
    assert np.concatenate((first.atl, rest.atl)) == pytest.approx(whole.atl, abs=1e-9)
