"""Recordings to analyse: made up, small, and as wild as devices are."""

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from openintervals.analysis.arrays import Floats
from openintervals.analysis.recording import CHANNELS, MEANS
from openintervals.analysis.thresholds import Thresholds

Streams = dict[str, npt.NDArray[Any]]

RIDER = Thresholds(
    ftp_w=250,
    w_prime_j=20_000,
    lthr_bpm=165,
    max_hr_bpm=185,
    resting_hr_bpm=50,
    threshold_speed_mps=4.0,
    weight_kg=70,
    hr_zones_bpm=(134, 147, 153, 163, 168, 173, 185),
)


def steps(*parts: tuple[int, float]) -> Floats:
    """So many seconds at this value, then so many at that."""
    return np.concatenate([np.full(seconds, float(value)) for seconds, value in parts])


def ride(power_w: Floats, **others: Any) -> Streams:
    """A ride once a second with this power and whatever else is given."""
    return {"time_s": np.arange(len(power_w), dtype=np.float64), "power_w": power_w, **others}


def season_of_noise(seconds: int, seed: int = 1) -> Streams:
    """A plausible ride with every channel."""
    random = np.random.default_rng(seed)
    time_s = np.arange(seconds, dtype=np.float64)
    power = np.clip(random.normal(190 + 60 * np.sin(time_s / 200), 40), 0, None).round()
    speed = np.clip(9 + 2 * np.sin(time_s / 90) + random.normal(0, 0.3, seconds), 0, None).round(3)
    return {
        "time_s": time_s,
        "power_w": power,
        "heart_rate_bpm": (140 + 20 * np.sin(time_s / 400) + random.normal(0, 2, seconds)).round(),
        "cadence_rpm": random.integers(80, 95, seconds).astype(np.float64),
        "speed_mps": speed,
        "distance_m": np.cumsum(speed).round(2),
        "altitude_m": (200 + 80 * np.sin(time_s / 500) + random.normal(0, 0.3, seconds)).round(1),
        "temperature_c": np.full(seconds, 20.0),
        "respiration_rpm": np.full(seconds, 30.0),
    }


@st.composite
def times(draw: st.DrawFn, most: int = 60) -> Floats:
    """Times of records that begin at 0 and rise, with pauses, some of them not on whole seconds."""
    gaps = draw(
        st.lists(
            st.sampled_from([1.0, 1.0, 1.0, 1.0, 2.0, 0.5, 0.25, 3.0, 7.5, 45.0]) | st.floats(0.01, 100),
            min_size=0,
            max_size=most,
        )
    )
    if draw(st.booleans()):
        gaps = [float(np.ceil(gap)) for gap in gaps]
    return np.cumsum([0.0, *gaps])


@st.composite
def wild_streams(draw: st.DrawFn, most: int = 50) -> Streams:
    """Anything a broken device could leave behind: any numbers, none, in any order of time."""
    count = draw(st.integers(0, most))
    number = st.floats(-1e4, 1e4, width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e9, -1e9])
    time = st.floats(-10, 4000, width=32) | st.sampled_from([np.nan, np.inf, 0.0])
    streams: Streams = {"time_s": np.array(draw(st.lists(time, min_size=count, max_size=count)))}
    if draw(st.booleans()):
        streams["time_s"] = np.sort(streams["time_s"])
    for name in draw(st.sets(st.sampled_from([*CHANNELS[1:], *MEANS[:2]]))):
        streams[name] = np.array(draw(st.lists(number, min_size=count, max_size=count)))
    return streams
