"""A whole activity: everything at once, whatever a device left behind."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openintervals.analysis import activity, histograms
from openintervals.analysis.activity import Metrics, analyse
from openintervals.analysis.recording import MEANS, lay_out
from openintervals.analysis.resample import TooLong
from openintervals.analysis.spans import Span
from openintervals.analysis.thresholds import Thresholds
from tests.analysis.examples import RIDER, Streams, ride, season_of_noise, steps, wild_streams

SPORTS = ["Ride", "Run", "Swim", "Hike", "WeightTraining", "Rowing", "Quidditch"]


def scalars(metrics: Metrics) -> dict[str, Any]:
    """The plain values of an activity by name."""
    values = {each.name: getattr(metrics, each.name) for each in dataclasses.fields(metrics)}
    return {name: value for name, value in values.items() if isinstance(value, int | float | str)}


def run_of(streams: Streams) -> Streams:
    return {**streams, "speed_mps": streams["speed_mps"] / 3, "distance_m": streams["distance_m"] / 3}


def test_an_even_hour_at_threshold_says_what_it_is() -> None:
    streams = ride(np.full(3600, 250.0), heart_rate_bpm=np.full(3600, 165.0), cadence_rpm=np.full(3600, 90.0))

    metrics = analyse(streams, "Ride", RIDER)

    assert (metrics.elapsed_s, metrics.recorded_s, metrics.moving_s, metrics.coasting_s) == (3600, 3600, 3600, 0)
    assert (metrics.average_power_w, metrics.work_j, metrics.work_above_ftp_j) == (250, 900_000, 0)
    assert metrics.normalized_power_w == pytest.approx(250)
    assert metrics.intensity_percent == pytest.approx(100)
    assert metrics.variability_index == pytest.approx(1)
    assert metrics.efficiency_factor == pytest.approx(250 / 165)
    assert metrics.power_load == pytest.approx(100)
    assert metrics.hr_load == pytest.approx(100)
    assert metrics.training_load == metrics.power_load
    assert metrics.decoupling_percent == pytest.approx(0)
    assert metrics.max_w_balance_depletion_j == 0
    assert metrics.power_zone_s == (0, 0, 0, 3600, 0, 0, 0)
    assert metrics.hr_zone_s == (0, 0, 0, 0, 3600, 0, 0)
    assert metrics.ftp_estimate is not None
    assert metrics.ftp_estimate.seconds == 3600


def test_a_run_has_pace_and_pace_on_the_level() -> None:
    count = 1800
    streams = {
        "time_s": np.arange(count),
        "distance_m": np.arange(count) * 4.0,
        "altitude_m": 100 + np.arange(count) * 4.0 * 0.05,
    }

    metrics = analyse(streams, "Run", RIDER)

    assert metrics.average_speed_mps == pytest.approx(4, rel=1e-3)
    assert metrics.gap_mps == pytest.approx(4 * 1.2977, rel=0.01)
    assert metrics.pace_load_type == "RUN"
    assert metrics.pace_load == pytest.approx(50 * 1.2977**2, rel=0.02)
    assert sum(metrics.pace_zone_s) == sum(metrics.gap_zone_s) == count
    assert metrics.pace_curve is not None
    assert metrics.pace_curve.seconds[metrics.pace_curve.distances_m == 1000] == pytest.approx(250)
    assert analyse(streams, "Run", dataclasses.replace(RIDER, gap_model="NONE")).gap_mps is None


def test_swimming_is_loaded_with_the_third_power() -> None:
    streams = {"time_s": np.arange(1800), "distance_m": np.arange(1800) * 1.2}
    swimmer = dataclasses.replace(RIDER, threshold_speed_mps=1.0)

    metrics = analyse(streams, "Swim", swimmer)

    assert metrics.pace_load_type == "SWIM"
    assert metrics.pace_load == pytest.approx(50 * 1.2**3, rel=0.01)


def test_without_thresholds_there_is_what_needs_none() -> None:
    metrics = analyse(season_of_noise(1200), "Ride", Thresholds())

    assert metrics.training_load is None
    assert metrics.intensity_percent is None
    assert metrics.power_zone_s == metrics.hr_zone_s == ()
    assert metrics.normalized_power_w is not None
    assert metrics.power_curve is not None


def test_a_stop_of_the_recording_is_no_riding_at_zero() -> None:
    time_s = np.concatenate((np.arange(600.0), np.arange(4200.0, 4800)))

    metrics = analyse({"time_s": time_s, "power_w": np.full(1200, 200.0)}, "Ride", RIDER)

    assert (metrics.elapsed_s, metrics.recorded_s, metrics.moving_s) == (4800, 1200, 1200)
    assert metrics.average_power_w == 200
    assert metrics.normalized_power_w == pytest.approx(200)
    assert metrics.recording_stops == (599,)
    assert metrics.power_curve is not None
    assert metrics.power_curve.values[-1] == pytest.approx(50)


def test_the_same_ride_recorded_otherwise_has_the_same_numbers() -> None:
    every_second = ride(steps((600, 150), (600, 300), (600, 150)), heart_rate_bpm=np.full(1800, 150.0))
    places = np.arange(0, 1800, 5)
    every_fifth = {name: values[places] for name, values in every_second.items()}

    one, other = (scalars(analyse(streams, "Ride", RIDER)) for streams in (every_second, every_fifth))

    for name in ("elapsed_s", "work_j", "normalized_power_w", "training_load", "max_w_balance_depletion_j", "hr_load"):
        assert one[name] == pytest.approx(other[name], rel=1e-9), name


def test_work_before_a_curve_is_told_by_kilojoules() -> None:
    metrics = analyse(ride(np.full(7200, 250.0)), "Ride", dataclasses.replace(RIDER, after_kj=(1000, 2000)))

    assert set(metrics.power_curves_after) == {1000}
    assert metrics.power_curves_after[1000].durations_s[-1] <= 3200


def test_spikes_are_what_is_above_the_athletes_own_model_by_so_much() -> None:
    power = np.full(600, 200.0)
    power[300] = 1300
    sprinter = dataclasses.replace(RIDER, p_max_w=1000)
    second_w = 250 + 20_000 / (1 + 20_000 / (1000 - 250))

    strict = analyse(ride(power), "Ride", dataclasses.replace(sprinter, power_spike_percent=30))
    lax = analyse(ride(power), "Ride", dataclasses.replace(sprinter, power_spike_percent=40))

    assert 1.3 * second_w < 1300 < 1.4 * second_w
    assert (strict.max_power_w, lax.max_power_w) == (200, 1300)
    assert strict.work_j == 599 * 200
    for unknown in (sprinter, dataclasses.replace(RIDER, power_spike_percent=1), Thresholds(power_spike_percent=1)):
        assert analyse(ride(power), "Ride", unknown).max_power_w == 1300


def test_marked_intervals_count_instead_of_found_ones() -> None:
    streams = ride(steps((900, 140), (300, 270), (600, 140)))

    metrics = analyse(streams, "Ride", RIDER, laps=[(0, 10), (10, 1800)], marked=[Span(100, 200, "mine")])

    assert [(own.start_index, own.end_index, own.label) for own in metrics.intervals.intervals] == [
        (0, 100, None),
        (100, 200, "mine"),
        (200, 1800, None),
    ]
    assert metrics.lap_count == 2


def test_what_is_stored_is_plain_numbers() -> None:
    metrics = analyse(run_of(season_of_noise(4000)), "Run", RIDER)

    wrong = {
        each.name: type(value)
        for each in dataclasses.fields(metrics)
        if isinstance(value := getattr(metrics, each.name), np.generic)
    }
    assert not wrong
    for own in metrics.intervals.intervals:
        assert not [name for name in dir(own.numbers) if isinstance(getattr(own.numbers, name), np.generic)]
        assert type(own.start_index) is int
    assert all(type(seconds) is int for seconds in metrics.power_zone_s)
    for part in (metrics.ftp_estimate, metrics.power_model, metrics.speed_model, metrics.hr_recovery):
        if part is not None:
            assert not [name for name in dir(part) if isinstance(getattr(part, name), np.generic)]


def test_nothing_recorded_is_an_activity_of_no_time() -> None:
    assert analyse({"time_s": np.empty(0)}, "Ride", RIDER) == Metrics(elapsed_s=0, recorded_s=0, moving_s=0)


def test_channels_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="power_w has 2 values for 3 times"):
        analyse({"time_s": np.arange(3), "power_w": np.ones(2)}, "Ride", RIDER)
    with pytest.raises(ValueError, match="one dimension"):
        analyse({"time_s": np.arange(3), "power_w": np.ones((3, 2))}, "Ride", RIDER)


def test_the_means_of_other_channels_are_told() -> None:
    streams = ride(np.full(60, 200.0), **{name: np.full(60, 7.0) for name in MEANS})

    assert analyse(streams, "Ride", RIDER).means == dict.fromkeys(MEANS, 7.0)


@settings(max_examples=40)
@given(wild_streams() | st.integers(0, 1000).map(lambda seed: season_of_noise(900, seed)), st.sampled_from(SPORTS))
def test_analysing_again_gives_the_same(streams: Streams, sport: str) -> None:
    try:
        one = analyse(streams, sport, RIDER)
    except TooLong:
        return

    other = analyse(streams, sport, RIDER)

    assert scalars(one) == scalars(other)
    assert one.intervals == other.intervals


def test_what_is_given_is_not_changed() -> None:
    streams = season_of_noise(900)
    before = {name: values.copy() for name, values in streams.items()}
    for values in streams.values():
        values.flags.writeable = False

    analyse(streams, "Run", RIDER)

    assert all((streams[name] == before[name]).all() for name in streams)


@settings(max_examples=150)
@given(wild_streams(), st.sampled_from(SPORTS), st.sampled_from([RIDER, Thresholds()]))
def test_whatever_a_device_left_behind_is_analysed(streams: Streams, sport: str, thresholds: Thresholds) -> None:
    try:
        metrics = analyse(streams, sport, thresholds, laps=[(0, 5), (5, 20)])
    except TooLong:
        return

    assert 0 <= metrics.moving_s <= metrics.recorded_s <= metrics.elapsed_s
    assert not [name for name, value in scalars(metrics).items() if isinstance(value, float) and not np.isfinite(value)]
    assert sum(metrics.power_zone_s) in (0, metrics.moving_s)
    cut = metrics.intervals.intervals
    assert sum(own.end_index - own.start_index for own in cut) == len(streams["time_s"])


@settings(max_examples=50)
@given(wild_streams())
def test_whatever_a_device_left_behind_can_be_plotted(streams: Streams) -> None:
    try:
        recording = lay_out(streams, "Ride", RIDER)
    except TooLong:
        return

    histograms.power_vs_hr(recording)
    if recording.power_w is not None:
        histograms.histogram(recording, recording.power_w, 25)


def test_every_number_of_an_activity_can_be_made() -> None:
    """No field stays at what it is when nothing is known, in a ride and a run together."""
    streams = season_of_noise(9000)
    streams["time_s"] = streams["time_s"] + np.where(streams["time_s"] > 4000, 300, 0)
    of_both = [analyse(streams, "Ride", RIDER, laps=[(0, 5000), (5000, 9000)]), analyse(run_of(streams), "Run", RIDER)]
    nothing = Metrics(elapsed_s=0, recorded_s=0, moving_s=0)

    idle = [
        each.name
        for each in dataclasses.fields(Metrics)
        if all(np.array_equal(getattr(own, each.name), getattr(nothing, each.name)) for own in of_both)
    ]

    assert idle == ["median_interval_s"]
    assert activity.of_recording(lay_out(streams, "Ride", RIDER)).moving_s == of_both[0].moving_s
