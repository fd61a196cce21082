"""One activity is the same activity, whichever format it comes in: every number, interval and curve, but for what a format cannot carry."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest

from openintervals.formats import gpx, reading, tcx
from openintervals.formats.fit_channels import SEMICIRCLES
from openintervals.formats.recording import Activity as Recorded
from openintervals.formats.recording import Device, Floats, Lap, Unusable
from openintervals.training import activity_analysis, exports
from openintervals.training.activity_analysis import Bearings, Measured
from openintervals.training.athletes import Athlete
from openintervals.training.sport_settings import SportSettings

ROWS = 2400
START = datetime(2024, 5, 1, 6, 30, tzinfo=UTC)
DEVICE = Device(name="Edge 530")
WRITERS: Mapping[str, Callable[[Recorded], bytes]] = {
    "fit": exports.as_fit,
    "tcx": lambda activity: tcx.encode([activity]),
    "gpx": gpx.encode,
}
TEMPERATURES = frozenset({"average_temp", "min_temp", "max_temp"})
# What a format has no place for; `calories` are then estimated, and laps do not cut the intervals.
UNTOLD = {
    "fit": frozenset[str](),
    "tcx": TEMPERATURES | {"pool_length"},
    "gpx": frozenset({"calories", "icu_lap_count", "interval_summary"}),
}


def settings_for(type_: str, **values: Any) -> SportSettings:
    history = msgspec.Raw(msgspec.json.encode([{"valid_from": "0001-01-01", "values": values}]))
    types = msgspec.Raw(msgspec.json.encode([type_]))
    return SportSettings(type_, types, other=False, history=history, preferences=NOTHING, **MADE)


NOTHING = msgspec.Raw(b"{}")
MADE: dict[str, Any] = {"created_at": "", "updated_at": "", "version": 1}
ZONES = [130, 145, 155, 165, 170, 175, 190]
BEARINGS = Bearings(
    Athlete("i1", "Ann", None, "F", None, "Europe/Berlin", 70.0, 45, NOTHING, **MADE),
    [
        settings_for("Ride", ftp_w=250, w_prime_j=20_000, lthr_bpm=165, max_hr_bpm=190, hr_zones_bpm=ZONES),
        settings_for("Run", threshold_speed_mps=3.5, lthr_bpm=170, max_hr_bpm=190, hr_zones_bpm=ZONES),
        settings_for("Swim", threshold_speed_mps=1.2, lthr_bpm=150, max_hr_bpm=180, hr_zones_bpm=ZONES),
    ],
)


def outdoors(type_: str, speed_mps: Floats, **channels: Floats) -> Recorded:
    """An hour or less with hills, a stop of two minutes, and three laps, in steps that every format can write."""
    at = np.arange(ROWS)
    time = at + np.where(at >= 900, 120.0, 0.0)
    given = {
        "time": time,
        "distance": np.round(np.cumsum(speed_mps) - speed_mps[0], 2),
        "velocity_smooth": np.round(speed_mps, 3),
        "altitude": np.round((300 + 60 * np.sin(at / 250)) * 5) / 5,
        "temp": np.round(18 + 3 * np.sin(at / 500)),
        "lat": np.round((47 + np.cumsum(speed_mps) * 9e-6) * SEMICIRCLES) / SEMICIRCLES,
        "lng": np.round((8 + 0.01 * np.sin(at / 400)) * SEMICIRCLES) / SEMICIRCLES,
        **channels,
    }
    cuts, of_lap = (0, 700, 1500, ROWS), {"calories_kcal": 213.0}
    ends = [*time.tolist(), float(time[-1]) + 1]
    laps = tuple(
        Lap(start, end, START + timedelta(seconds=ends[start]), {"elapsed_s": ends[end] - ends[start], **of_lap})
        for start, end in pairwise(cuts)
    )
    return Recorded(
        type=type_,
        start_at=START,
        first_at=START,
        channels=given,
        laps=laps,
        stops=(899,),
        totals={"elapsed_s": ends[-1], "calories_kcal": 639.0},
        device=DEVICE,
    )


def ride() -> Recorded:
    at, random = np.arange(ROWS), np.random.default_rng(1)
    work = np.where(at % 600 < 240, 290, 150)
    return outdoors(
        "Ride",
        8 + np.sin(at / 90),
        watts=np.clip(np.round(random.normal(work, 25)), 0, None),
        heartrate=np.round(135 + 25 * np.sin(at / 190) + random.normal(0, 1, ROWS)),
        cadence=np.where(at % 50 < 5, 0.0, np.round(random.normal(88, 3, ROWS))),
    )


def run() -> Recorded:
    at, random = np.arange(ROWS), np.random.default_rng(2)
    return outdoors(
        "Run",
        np.where(at % 500 < 180, 3.9, 2.8) + 0.1 * np.sin(at / 7),
        heartrate=np.round(150 + 15 * np.sin(at / 150) + random.normal(0, 1, ROWS)),
        cadence=np.round(random.normal(84, 2, ROWS)),
    )


def pool_swim() -> Recorded:
    """40 lengths of 25 m in 30 s each with a rest after every tenth; no positions, and the way grows by whole lengths."""
    at = np.arange(1380)
    length = np.minimum(at % 345 // 30, 10) + 10 * (at // 345)
    return Recorded(
        type="Swim",
        start_at=START,
        first_at=START,
        channels={
            "time": at.astype(float),
            "distance": length.astype(np.float64) * 25,
            "heartrate": np.round(138 + 12 * np.sin(at / 60)),
        },
        totals={"elapsed_s": float(len(at)), "calories_kcal": 300.0},
        pool_length_m=25.0,
        device=DEVICE,
    )


def measured(activity: Recorded, **said: Any) -> Measured:
    return activity_analysis.measured(
        activity, BEARINGS, activity_analysis.placed(activity, BEARINGS.athlete), edited=said
    )


def read(kind: str, activity: Recorded) -> Recorded:
    found = reading.read(WRITERS[kind](activity))
    [told] = found.activities
    assert (found.format, found.warnings) == (kind, ())
    return told


def comparable(found: Measured, kind: str) -> dict[str, Any]:
    values = {name: value for name, value in found.computed.items() if name not in UNTOLD[kind]}
    values["stream_types"] = sorted(set(values["stream_types"]) - ({"temp"} if kind == "tcx" else set()))
    return values


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("made", [ride, run])
def test_outdoors_every_number_is_the_same(made: Callable[[], Recorded], kind: str) -> None:
    source = made()
    expected = measured(source)

    told = read(kind, source)
    found = measured(told)

    assert (told.type, told.start_at, told.stops) == (source.type, source.start_at, source.stops)
    assert comparable(found, kind) == comparable(expected, kind)
    assert len(comparable(expected, "gpx")) > 45
    assert found.curves == expected.curves
    assert len(found.curves) >= 2
    if kind == "gpx":  # without laps, intervals are looked for
        expected = measured(replace(source, laps=()))
    warmth = {"average_temp"} if kind == "tcx" else set()
    assert without(found.intervals, warmth) == without(expected.intervals, warmth)
    assert without(found.groups, warmth) == without(expected.groups, warmth)


def without(spelled: str, names: set[str]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name not in names} for each in msgspec.json.decode(spelled)]


@pytest.mark.parametrize("kind", ["fit", "tcx"])
def test_in_a_pool_every_number_is_the_same_without_a_position(kind: str) -> None:
    source = pool_swim()
    expected = measured(source, type="Swim")

    told = read(kind, source)
    found = measured(told, type="Swim")  # a TCX has no word for it

    assert "lat" not in told.channels
    assert expected.computed["distance"] == 1000
    assert expected.computed["pace_load_type"] == "SWIM"
    assert expected.computed["icu_training_load"] > 0
    untold = {"icu_lap_count"}  # a TCX is made of laps, and has one at least
    assert {name: value for name, value in comparable(found, kind).items() if name not in untold} == {
        name: value for name, value in comparable(expected, kind).items() if name not in untold
    }
    assert (found.curves, found.intervals, found.groups) == (expected.curves, expected.intervals, expected.groups)


def test_a_swim_without_positions_is_no_gpx() -> None:
    with pytest.raises(Unusable, match="positions"):
        gpx.encode(pool_swim())


def test_calories_that_a_format_does_not_tell_are_estimated_from_work() -> None:
    source = ride()
    untold = replace(source, totals={}, laps=())
    told = measured(source).computed
    estimate = round(source.channels["watts"].sum() / 4184 / 0.24)

    assert told["calories"] == 639
    for kind, activity in (("gpx", source), ("gpx", untold), ("tcx", untold), ("fit", untold)):
        assert measured(read(kind, activity)).computed["calories"] == estimate, kind
    assert "calories" not in measured(read("gpx", run())).computed


def test_what_a_format_rounds_moves_no_number_by_more_than_a_thousandth() -> None:
    """A GPX keeps fractions of watts and metres that a FIT and a TCX round."""
    at, source = np.arange(ROWS), ride()
    fine = {
        name: source.channels[name] + 0.0137 * np.sin(at / 3 + place)
        for place, name in enumerate(("altitude", "distance", "velocity_smooth"))
    }
    source = replace(source, laps=(), channels={**source.channels, **fine})
    expected = measured(source).computed

    for kind in WRITERS:
        found = measured(read(kind, source)).computed
        for name in ("distance", "average_speed", "max_speed", "average_altitude", "icu_training_load", "icu_joules"):
            assert found[name] == pytest.approx(expected[name], rel=1e-3), (kind, name)
        assert found["total_elevation_gain"] == pytest.approx(expected["total_elevation_gain"], rel=0.01), kind
