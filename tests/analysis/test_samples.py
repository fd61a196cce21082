"""Real rides: what we reckon is what the device that was there wrote down."""

import numpy as np
import pytest

from openintervals.analysis.activity import analyse
from openintervals.analysis.arrays import Floats
from openintervals.formats import fit
from tests.analysis.examples import RIDER, Streams
from tests.house.sources import ROOT

SAMPLES = ROOT.parent / "shared" / "samples" / "fit"
CHANNELS = {
    "power_w": "power",
    "heart_rate_bpm": "heart_rate",
    "cadence_rpm": "cadence",
    "distance_m": "distance",
    "altitude_m": "enhanced_altitude",
    "speed_mps": "enhanced_speed",
}


def recorded(name: str) -> tuple[Streams, fit.Columns]:
    """The channels of a device's file, and what it said of the whole."""
    messages = fit.decode((SAMPLES / name).read_bytes()).messages
    records, session = messages["record"], messages["session"]
    time = np.asarray(records["timestamp"], dtype=np.float64)
    streams: Streams = {"time_s": time - time[0]}
    streams |= {ours: np.asarray(records[theirs]) for ours, theirs in CHANNELS.items() if theirs in records}
    return streams, session


def first(column: Floats) -> float:
    return float(np.asarray(column)[0])


@pytest.mark.skipif(not SAMPLES.exists(), reason="the sample files are not here")
@pytest.mark.parametrize(
    "name",
    ["Edge810-Vector-2013-08-16-15-35-10.fit", "garmin-edge-500-activity.fit", "sample-activity.fit"],
)
def test_a_ride_is_what_its_device_says(name: str) -> None:
    streams, session = recorded(name)

    metrics = analyse(streams, "Ride", RIDER)

    assert metrics.elapsed_s == pytest.approx(first(session["total_elapsed_time"]), abs=2)
    assert metrics.distance_m == pytest.approx(first(session["total_distance"]), rel=1e-3)
    assert metrics.average_hr_bpm == pytest.approx(first(session["avg_heart_rate"]), abs=1)
    assert metrics.max_hr_bpm == first(session["max_heart_rate"])
    assert metrics.elevation_gain_m == pytest.approx(first(session["total_ascent"]), rel=0.12)
    assert metrics.recorded_s == pytest.approx(first(session["total_timer_time"]), rel=0.02)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the sample files are not here")
def test_normalised_power_is_what_the_device_says() -> None:
    streams, session = recorded("Edge810-Vector-2013-08-16-15-35-10.fit")

    metrics = analyse(streams, "Ride", RIDER)

    assert metrics.average_power_w == pytest.approx(first(session["avg_power"]), abs=1)
    assert metrics.normalized_power_w == pytest.approx(first(session["normalized_power"]), abs=1)
