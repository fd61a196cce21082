"""Seasons: the best of several activities, whose it is, and over which time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from openintervals import errors
from openintervals.analysis import power_models
from openintervals.platform.files import Files
from openintervals.training import activity_curves, activity_search, athlete_models, curve_periods, season_curves
from openintervals.training.activity_search import Filter
from openintervals.training.season_curves import Season, Seasons
from tests.servers import Application
from tests.training import people
from tests.training.people import Person

TODAY = "2026-03-01"


@pytest.fixture
def ann(app: Application, tmp_path: Path) -> Person:
    return people.join(app, Files(str(tmp_path / "files")))


def season(
    ann: Person,
    kind: str = activity_curves.POWER,
    period: str = "all",
    types: Sequence[str] | None = None,
    **options: Any,
) -> Season:
    [asked] = curve_periods.asked([period], TODAY, now=None, newest=None, worked=True)
    return ann.read(lambda tx: Seasons(tx, [asked], types).of(kind, asked, **options))


class TestSeasons:
    def test_a_season_is_the_best_of_its_activities_and_says_whose_each_is(self, ann: Person) -> None:
        short = ann.uploaded(people.fit(720, watts=300))
        long = ann.uploaded(people.fit(1800, days=1, watts=200))

        found = season(ann, types=["Ride"], others=3)

        best = found.best
        at = dict(zip(found.grid.tolist(), zip(best.values.tolist(), best.activity_id, strict=True), strict=True))
        assert at[60] == (300, short)
        assert at[1500] == (pytest.approx(200, abs=20), long)
        assert (np.diff(best.values) <= 0).all()
        assert (found.end_index > found.start_index).all()
        assert (best.others[0], best.others_id[0]) == ([200], [long])
        assert (best.others[-1], best.others_id[-1]) == ([], [])
        assert found.oldest == "2024-05-01"

    @pytest.mark.parametrize("in_thread_from", [0, 300])
    def test_of_equals_the_newest_counts(
        self, ann: Person, monkeypatch: pytest.MonkeyPatch, in_thread_from: int
    ) -> None:
        monkeypatch.setattr(season_curves, "IN_THREAD_FROM", in_thread_from)
        ann.uploaded(people.fit(720, watts=300))
        newest = ann.uploaded(people.fit(720, days=1, watts=300))

        assert set(season(ann).best.activity_id[:60]) == {newest}

    def test_who_was_lighter_had_more_per_kilogram(self, ann: Person) -> None:
        strong = ann.uploaded(people.fit(720, watts=300))
        light = ann.uploaded(people.fit(720, days=1, watts=290))
        ann.change(light, icu_weight=60)

        found = season(ann, per_kg=True)

        assert found.per_kg is not None
        assert (found.best.activity_id[0], found.best.values[0]) == (strong, 300)
        assert (found.per_kg.activity_id[0], found.per_kg.values[0]) == (light, pytest.approx(290 / 60))
        assert found.activity_ids() == {strong, light}

    def test_other_types_and_other_days_do_not_count(self, ann: Person) -> None:
        ann.uploaded(people.fit(watts=300))

        def count(period: str, types: list[str] | None) -> int:
            return len(season(ann, period=period, types=types).grid)

        assert count("r.2024-05-01.2024-05-01", None) == count("3y", ["Run", "Ride"]) > 0
        assert (
            count("r.2024-05-02.2024-12-31", None)
            == count("all", ["Run"])
            == count("all", [])
            == count("42d", None)
            == 0
        )

    def test_the_least_time_counts_where_the_curve_is_of_distances(self, ann: Person) -> None:
        ann.uploaded(people.fit(900, type_="Run"))
        fast = ann.uploaded(people.fit(900, days=1, type_="Run", distance=np.arange(900) * 12.0, velocity_smooth=12.0))

        found = season(ann, activity_curves.PACE, others=1)

        assert set(found.best.activity_id) == {fast}
        place = found.grid.tolist().index(1000)
        assert found.best.values[place] == pytest.approx(1000 / 12, abs=1)
        assert found.best.others[place][0] > found.best.values[place]

    def test_only_activities_that_pass_count(self, ann: Person) -> None:
        hard = ann.uploaded(people.fit(720, watts=300))
        easy = ann.uploaded(people.fit(720, days=1, watts=150))

        passing = ann.read(lambda tx: activity_search.passing(tx, [Filter("average_power", 200, operator="lt")]))

        assert passing == {easy}
        assert set(season(ann, passing=passing).best.activity_id) == {easy}
        assert ann.read(lambda tx: activity_search.passing(tx, [Filter("day_of_week", [3])])) == {hard}


class TestPeriods:
    def read(self, said: str, **more: Any) -> tuple[str, str, int]:
        [period] = curve_periods.asked([said], TODAY, **{"now": None, "newest": None, "worked": True, **more})
        return period.oldest, period.newest, curve_periods.days(period.oldest, period.newest)

    @pytest.mark.parametrize(
        ("said", "oldest", "newest", "days"),
        [
            ("42d", "2026-01-19", "2026-03-01", 42),
            ("1d", "2026-03-01", "2026-03-01", 1),
            ("1y", "2025-03-02", "2026-03-01", 365),
            ("s0", "2026-01-01", "2026-03-01", 60),
            ("s1", "2025-01-01", "2025-12-31", 365),
            ("r.2026-01-01.2026-02-01", "2026-01-01", "2026-02-01", 32),
        ],
    )
    def test_each_has_its_days(self, said: str, oldest: str, newest: str, days: int) -> None:
        assert self.read(said) == (oldest, f"{newest}T23:59:59", days)

    def test_they_end_on_the_day_asked_about_and_have_nothing_newer_than_is_asked_for(self) -> None:
        assert self.read("7d", now="2020-02-29") == ("2020-02-23", "2020-02-29T23:59:59", 7)
        assert self.read("1y", now="2020-02-29")[0] == "2019-03-01"
        assert self.read("7d", newest="2020-02-29T12:00:00") == ("2020-02-23", "2020-02-29T12:00:00", 7)
        assert self.read("r.2021-01-01.2021-12-31", newest="2020-02-29")[1:] == ("2020-02-29T23:59:59", 0)
        assert self.read("100y", now="0050-01-01")[0] == curve_periods.BEGINNING

    def test_work_before_is_in_the_name(self) -> None:
        [first, second] = curve_periods.asked(["1y-kj1", "1y", "1y"], TODAY, now=None, newest=None, worked=True)

        assert (first.after, second.after) == (1, None)

    @pytest.mark.parametrize(
        "said",
        [
            "",
            "d",
            "0d",
            "99999d",
            "101y",
            "s",
            "r.2026-02-30.2026-03-01",
            "r.2026-03-02.2026-03-01",
            "1y-kj2",
            "ALL",
            "1y ",
        ],
    )
    def test_what_is_no_period_is_refused_with_what_is_one(self, said: str) -> None:
        with pytest.raises(errors.Invalid) as refused:
            curve_periods.asked([said, "1y-kj0"], TODAY, now=None, newest=None, worked=False)

        first, second = refused.value.fields["curves"]
        assert repr(said) in first
        assert "r.2026-01-01.2026-02-01" in second


class TestModels:
    def test_power_is_modelled_from_a_year_and_else_from_settings(self, ann: Person) -> None:
        def power(day: str) -> power_models.PowerModel | None:
            return ann.read(lambda tx: athlete_models.power(tx, "Ride", day))

        times = np.arange(1, 1801)
        held = power_models.morton(times.astype(float), 260.0, 18_000.0, 900.0)
        falling = np.diff(np.concatenate(([0.0], held * times)))  # whose best of every duration is the first so long
        ann.uploaded(people.fit(1800, watts=np.round(falling)))

        fitted, said = power("2024-06-01"), power("2023-06-01")

        assert fitted is not None
        assert fitted.kind == "MORTON_3P"
        assert fitted.ftp_w == pytest.approx(260, abs=6)
        assert said is not None
        assert (said.kind, said.ftp_w, said.w_prime_j, said.inputs) == ("MS_2P", 250, 20_000, ())
