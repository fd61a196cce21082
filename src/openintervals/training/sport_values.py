"""What an athlete's thresholds and zones are in a sport, and from when on: values that are dated, so that an activity keeps those of its day.

A history is a list of entries, oldest first; each holds the values that changed with its day, and what is in force on a day is all entries up to it,
later ones over earlier. The first entry covers all days before. So a change made for a day in the past leaves alone what was changed after it.
A value that was never set counts from the beginning: the first FTP somebody enters is that of the old activities too. Otherwise a change
counts from the day it is made, or from the day it names. All of it is pure; times that two changes come at once are those of the row that holds it.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from openintervals.analysis import thresholds
from openintervals.analysis.thresholds import Thresholds
from openintervals.training.athletes import Athlete

BEGINNING = "0001-01-01"
ENTRIES_MOST = 2_000
ZONES_MOST = 20

Order = Literal["POWER_HR_PACE", "POWER_PACE_HR", "HR_POWER_PACE", "HR_PACE_POWER", "PACE_POWER_HR", "PACE_HR_POWER"]
HrLoadType = Literal["AVG_HR", "HR_ZONES", "HRSS"]
PaceLoadType = Literal["SWIM", "RUN"]
GapModel = Literal["NONE", "STRAVA_RUN"]


class Values(msgspec.Struct, frozen=True, kw_only=True):
    """Everything analysis asks about an athlete in a sport. Zones are upper bounds: percent of FTP, bpm, percent of threshold speed."""

    ftp_w: int | None = None
    indoor_ftp_w: int | None = None
    w_prime_j: int | None = None
    p_max_w: int | None = None
    lthr_bpm: int | None = None
    max_hr_bpm: int | None = None
    threshold_speed_mps: float | None = None
    power_zones_percent: list[int] | None = None
    hr_zones_bpm: list[int] | None = None
    pace_zones_percent: list[float] | None = None
    sweet_spot_min_percent: int | None = None
    sweet_spot_max_percent: int | None = None
    load_order: Order | None = None
    tiz_order: Order | None = None
    hr_load_type: HrLoadType | None = None
    pace_load_type: PaceLoadType | None = None
    gap_model: GapModel | None = None
    warmup_s: int | None = None
    cooldown_s: int | None = None
    after_kj0: int | None = None
    after_kj1: int | None = None
    ftp_est_least_s: int | None = None
    hrr_least_percent: float | None = None
    use_laps: bool | None = None
    power_spike_percent: int | None = None


class Dated(msgspec.Struct, frozen=True):
    """The values that changed with a day (YYYY-MM-DD); null clears one."""

    valid_from: str
    values: dict[str, Any]


MOST: dict[str, float] = {
    "ftp_w": 2_000,
    "indoor_ftp_w": 2_000,
    "w_prime_j": 100_000,
    "p_max_w": 5_000,
    "lthr_bpm": 300,
    "max_hr_bpm": 300,
    "threshold_speed_mps": 50,
    "sweet_spot_min_percent": 1_000,
    "sweet_spot_max_percent": 1_000,
    "after_kj0": 100_000,
    "after_kj1": 100_000,
    "power_spike_percent": 1_000,
}
MOST_WITH_0 = {"warmup_s": 86_400, "cooldown_s": 86_400, "ftp_est_least_s": 86_400, "hrr_least_percent": 100}


def problems(values: Values) -> dict[str, list[str]]:
    """What is wrong with values, by name; empty when nothing is."""
    wrong: dict[str, list[str]] = {}
    for name, most in MOST.items():
        if (value := getattr(values, name)) is not None and not 0 < value <= most:
            wrong[name] = [f"Expected more than 0 and at most {most}"]
    for name, most in MOST_WITH_0.items():
        if (value := getattr(values, name)) is not None and not 0 <= value <= most:
            wrong[name] = [f"Expected 0 to {most}"]
    for name in ("power_zones_percent", "hr_zones_bpm", "pace_zones_percent"):
        bounds: list[float] = getattr(values, name) or []
        rising = all(low < high for low, high in itertools.pairwise(bounds))
        if len(bounds) > ZONES_MOST or not rising or any(not 0 < bound <= 10_000 for bound in bounds):
            wrong[name] = [f"Expected at most {ZONES_MOST} upper bounds above 0, each higher than the one before"]
    if not wrong and values.lthr_bpm and values.max_hr_bpm and values.lthr_bpm > values.max_hr_bpm:
        wrong["lthr_bpm"] = [f"Expected at most max_hr, which is {values.max_hr_bpm}"]
    low, high = values.sweet_spot_min_percent, values.sweet_spot_max_percent
    if not wrong and low and high and low > high:
        wrong["sweet_spot_min_percent"] = [f"Expected at most sweet_spot_max, which is {high}"]
    return wrong


def in_force(history: Sequence[Dated], day: str) -> Values:
    """What counts on a day."""
    merged: dict[str, Any] = {}
    for entry in history:
        if entry.valid_from <= day:
            merged |= entry.values
    return Values(**merged)


def since(history: Sequence[Dated], day: str) -> str | None:
    """The day from which on what counts on `day` has been so; None when it always has."""
    began = max((entry.valid_from for entry in history if entry.valid_from <= day), default=BEGINNING)
    return None if began == BEGINNING else began


def changed(history: Sequence[Dated], given: Mapping[str, Any], *, today: str, valid_from: str | None) -> list[Dated]:
    """The history with `given` values in it, from `valid_from` on or from today; what was never set counts from the beginning.

    What is in force already is no change."""
    day = valid_from or today
    present = in_force(history, day)
    by_day = {entry.valid_from: dict(entry.values) for entry in history}
    for name, value in given.items():
        if value == getattr(present, name):
            continue
        never = all(entry.values.get(name) is None for entry in history)
        by_day.setdefault(BEGINNING if never and valid_from is None else day, {})[name] = value
    return [Dated(each, by_day[each]) for each in sorted(by_day)]


def with_hr_zones(history: Sequence[Dated], given: Mapping[str, Any], day: str, *, again: bool) -> dict[str, Any]:
    """`given` with heart-rate zones that follow from the threshold and the maximum: when there are none yet, or `again`."""
    present = in_force(history, day)
    lthr = given.get("lthr_bpm", present.lthr_bpm)
    top = given.get("max_hr_bpm", present.max_hr_bpm)
    if "hr_zones_bpm" in given or not lthr or not top or lthr > top or (present.hr_zones_bpm and not again):
        return dict(given)
    bounds = [int(bound) for bound in thresholds.hr_zones(lthr, top)]
    return {**given, "hr_zones_bpm": sorted(set(bounds))}


def thresholds_of(values: Values, athlete: Athlete, *, indoor: bool = False) -> Thresholds:
    """What analysis measures an activity against; indoors the indoor FTP where there is one."""
    known: dict[str, Any] = {
        "ftp_w": (values.indoor_ftp_w if indoor else None) or values.ftp_w,
        "w_prime_j": values.w_prime_j,
        "p_max_w": values.p_max_w,
        "lthr_bpm": values.lthr_bpm,
        "max_hr_bpm": values.max_hr_bpm,
        "resting_hr_bpm": athlete.resting_hr_bpm,
        "threshold_speed_mps": values.threshold_speed_mps,
        "weight_kg": athlete.weight_kg,
        "sex": athlete.sex,
        "power_zones_percent": tuple(float(bound) for bound in values.power_zones_percent or ()),
        "hr_zones_bpm": tuple(float(bound) for bound in values.hr_zones_bpm or ()),
        "pace_zones_percent": tuple(float(bound) for bound in values.pace_zones_percent or ()),
        "load_order": values.load_order,
        "tiz_order": values.tiz_order,
        "hr_load_type": values.hr_load_type,
        "pace_load_type": values.pace_load_type,
        "gap_model": values.gap_model,
        "warmup_s": values.warmup_s,
        "cooldown_s": values.cooldown_s,
        "ftp_est_least_s": values.ftp_est_least_s,
        "hrr_least_percent": values.hrr_least_percent,
        "use_laps": values.use_laps,
        "power_spike_percent": values.power_spike_percent,
    }
    if values.sweet_spot_min_percent and values.sweet_spot_max_percent:
        known["sweet_spot_percent"] = (float(values.sweet_spot_min_percent), float(values.sweet_spot_max_percent))
    if after := tuple(kj for kj in (values.after_kj0, values.after_kj1) if kj):
        known["after_kj"] = after
    return Thresholds(**{name: value for name, value in known.items() if value not in (None, ())})
