"""Sport settings are dated: what counted on a day stays what counted on that day."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals import errors
from openintervals.analysis.thresholds import Thresholds
from openintervals.formats.sports import TYPES
from openintervals.platform import journal
from openintervals.training import athletes, sport_settings, sport_values
from openintervals.training.sport_values import BEGINNING, Dated, Values
from tests.athletes import Athlete

DAYS = st.dates(min_value=date(2020, 1, 1), max_value=date(2029, 12, 31)).map(str)
FTPS = st.integers(100, 400)


def change(athlete: Athlete, said: str = "Ride", **given: Any) -> sport_settings.SportSettings:
    options = {name: given.pop(name) for name in ("valid_from", "types", "other", "new_hr_zones") if name in given}
    return athlete.write(lambda tx: sport_settings.change(tx, said, given=given, preferences={}, **options))


def ftp_on(athlete: Athlete, day: str, type_: str = "Ride") -> int | None:
    return athlete.read(lambda tx: sport_settings.on(tx, type_, day)).ftp_w


class TestDates:
    def test_the_first_value_covers_all_earlier_days(self, ann: Athlete) -> None:
        change(ann, ftp_w=250)

        assert [ftp_on(ann, day) for day in ("1999-01-01", "2026-03-01", "2030-01-01")] == [250, 250, 250]

    def test_a_change_counts_from_today(self, ann: Athlete) -> None:
        change(ann, ftp_w=250)
        ann.app.clock.now = datetime(2026, 6, 1, 12, tzinfo=UTC)

        change(ann, ftp_w=270)

        assert [ftp_on(ann, day) for day in ("2026-05-31", "2026-06-01", "2027-01-01")] == [250, 270, 270]

    def test_a_change_for_a_day_in_the_past_leaves_later_ones_alone(self, ann: Athlete) -> None:
        change(ann, ftp_w=250)
        change(ann, ftp_w=270, valid_from="2025-06-01")

        change(ann, ftp_w=230, lthr_bpm=165, valid_from="2025-01-01")

        assert [ftp_on(ann, day) for day in ("2024-12-31", "2025-01-01", "2025-06-01")] == [250, 230, 270]
        assert ann.read(lambda tx: sport_settings.on(tx, "Ride", "2025-12-31")).lthr_bpm == 165

    def test_the_first_value_with_a_day_counts_from_that_day(self, ann: Athlete) -> None:
        change(ann, ftp_w=250, valid_from="2025-01-01")

        assert [ftp_on(ann, day) for day in ("2024-12-31", "2025-01-01")] == [None, 250]

    def test_what_is_cleared_was_there_before(self, ann: Athlete) -> None:
        change(ann, ftp_w=250)
        change(ann, ftp_w=None)

        assert [ftp_on(ann, day) for day in ("2026-02-28", "2026-03-01")] == [250, None]

    @given(st.lists(st.tuples(DAYS, FTPS), max_size=12), DAYS)
    def test_on_any_day_the_last_change_up_to_it_counts(self, changes: list[tuple[str, int]], day: str) -> None:
        history = [Dated(BEGINNING, {"ftp_w": 99})]
        for valid_from, ftp in changes:
            history = sport_values.changed(history, {"ftp_w": ftp}, today="2026-03-01", valid_from=valid_from)

        expected: dict[str, int] = {BEGINNING: 99}
        for valid_from, ftp in changes:
            if expected[max(each for each in expected if each <= valid_from)] != ftp:
                expected[valid_from] = ftp
        assert sport_values.in_force(history, day).ftp_w == expected[max(each for each in expected if each <= day)]
        assert [entry.valid_from for entry in history] == sorted({entry.valid_from for entry in history})

    @given(st.dictionaries(st.sampled_from(["ftp_w", "lthr_bpm", "warmup_s"]), FTPS), DAYS)
    def test_sending_back_what_counts_is_no_change(self, given_: Mapping[str, int], day: str) -> None:
        history = sport_values.changed([Dated(BEGINNING, {})], given_, today=day, valid_from=day)
        present = {name: getattr(sport_values.in_force(history, day), name) for name in Values.__struct_fields__}

        assert sport_values.changed(history, present, today=day, valid_from=None) == history


class TestSports:
    def test_a_sport_has_the_settings_that_cover_it_or_those_for_others(self, ann: Athlete) -> None:
        change(ann, "Ride", ftp_w=250)
        change(ann, "Run", ftp_w=300)
        change(ann, "Other", ftp_w=100)

        found = {type_: ftp_on(ann, "2026-01-01", type_) for type_ in ("VirtualRide", "TrailRun", "Yoga", "Swim")}

        assert found == {"VirtualRide": 250, "TrailRun": 300, "Yoga": 100, "Swim": None}

    def test_a_sport_is_covered_once(self, ann: Athlete) -> None:
        with pytest.raises(errors.Invalid) as taken:
            ann.write(lambda tx: sport_settings.create(tx, types=["GravelRide"], given={}, preferences={}))
        with pytest.raises(errors.Invalid):
            change(ann, "Run", types=["Run", "Ride"])
        change(ann, "Ride", types=["Ride"])
        made = ann.write(lambda tx: sport_settings.create(tx, types=["GravelRide"], given={}, preferences={}))

        assert "GravelRide is covered" in taken.value.fields["types"][0]
        assert made.covered() == ["GravelRide"]

    @pytest.mark.parametrize("types", [[], ["Chess"], ["Yoga", "Yoga"]])
    def test_settings_are_for_sports_there_are(self, ann: Athlete, types: list[str]) -> None:
        with pytest.raises(errors.Invalid) as refused:
            ann.write(lambda tx: sport_settings.create(tx, types=types, given={}, preferences={}))

        assert list(refused.value.fields) == ["types"]

    def test_every_type_is_for_one_of_the_settings(self, ann: Athlete) -> None:
        every = ann.read(sport_settings.every)

        covered = [sport_settings.types_of(settings, every) for settings in every]

        assert sorted(type_ for types in covered for type_ in types) == sorted(TYPES)
        assert "TrailRun" in covered[1]
        assert "Yoga" in covered[3]

    def test_an_id_is_never_given_again(self, ann: Athlete) -> None:
        first = ann.write(lambda tx: sport_settings.create(tx, types=["Yoga"], given={}, preferences={}))
        ann.write(lambda tx: sport_settings.remove(tx, "Yoga"))
        second = ann.write(lambda tx: sport_settings.create(tx, types=["Yoga"], given={}, preferences={}))

        history = ann.read(lambda tx: journal.of_object(tx, first.id))

        assert int(second.id) > int(first.id)
        assert [entry.verb for entry in history] == ["sport_settings.created", "sport_settings.deleted"]

    def test_somebody_elses_settings_are_not_found(self, ann: Athlete, bob: Athlete) -> None:
        made = ann.write(lambda tx: sport_settings.create(tx, types=["Yoga"], given={}, preferences={}))

        with pytest.raises(errors.NotFound):
            bob.read(lambda tx: sport_settings.get(tx, made.id))

    def test_runs_and_swims_are_reckoned_their_own_way(self, ann: Athlete) -> None:
        ways = {
            type_: ann.read(lambda tx, type_=type_: sport_settings.on(tx, type_, "2026-01-01"))  # type: ignore[misc]
            for type_ in ("Ride", "Run", "Swim")
        }

        assert [ways[each].pace_load_type for each in ways] == [None, "RUN", "SWIM"]
        assert ways["Run"].gap_model == "STRAVA_RUN"


class TestValues:
    def test_heart_rate_zones_follow_from_the_first_thresholds_and_then_only_when_asked(self, ann: Athlete) -> None:
        def zones() -> list[int] | None:
            return ann.read(lambda tx: sport_settings.on(tx, "Ride", "2026-03-01")).hr_zones_bpm

        change(ann, lthr_bpm=170)
        without = zones()
        change(ann, max_hr_bpm=190)
        first = zones()
        change(ann, lthr_bpm=165)
        kept = zones()
        change(ann, lthr_bpm=165, new_hr_zones=True)

        assert without is None
        assert first is not None
        assert first[-1] == 190
        assert kept == first != zones()

    @pytest.mark.parametrize(
        ("values", "wrong"),
        [
            ({"ftp_w": 0}, "ftp_w"),
            ({"ftp_w": 20_000}, "ftp_w"),
            ({"lthr_bpm": 180, "max_hr_bpm": 170}, "lthr_bpm"),
            ({"power_zones_percent": [50, 50]}, "power_zones_percent"),
            ({"hr_zones_bpm": list(range(1, 30))}, "hr_zones_bpm"),
            ({"warmup_s": -5}, "warmup_s"),
            ({"sweet_spot_min_percent": 99, "sweet_spot_max_percent": 80}, "sweet_spot_min_percent"),
        ],
    )
    def test_what_cannot_be_is_refused(self, ann: Athlete, values: dict[str, Any], wrong: str) -> None:
        with pytest.raises(errors.Invalid) as refused:
            change(ann, **values)

        assert list(refused.value.fields) == [wrong]

    def test_analysis_gets_what_is_known_and_its_own_defaults_for_the_rest(self, ann: Athlete) -> None:
        ann.write(lambda tx: athletes.change(tx, {"weight_kg": 62.5, "sex": "F", "resting_hr_bpm": 45}, {}))
        values = Values(ftp_w=250, indoor_ftp_w=240, lthr_bpm=168, power_zones_percent=[50, 999], after_kj1=1500)

        athlete = ann.read(athletes.current)
        outdoor, indoor = (sport_values.thresholds_of(values, athlete, indoor=each) for each in (False, True))

        assert (outdoor.ftp_w, indoor.ftp_w) == (250, 240)
        assert (outdoor.weight_kg, outdoor.sex, outdoor.resting_hr_bpm) == (62.5, "F", 45)
        assert outdoor.power_zones_percent == (50.0, 999.0)
        assert outdoor.after_kj == (1500,)
        assert outdoor.pace_zones_percent == Thresholds().pace_zones_percent
        assert outdoor.hr_load_type == Thresholds().hr_load_type
