"""Recurrences on real databases: what is published and when, and what changes make of it."""

import asyncio
import datetime as dt
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from openintervals import errors
from openintervals.club import events, publishing, recurrence_changes, recurrences, registrations, runs
from openintervals.club.publishing import Outcome
from openintervals.club.recurrences import PaceGroupTemplate, Recurrence, RunTemplate
from openintervals.club.runs import Run
from openintervals.club.schedule import Schedule, occurrences, problems
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.platform import journal
from tests.clients import Api, join
from tests.servers import START, Application

# Now is Sunday 1 March 2026, 10:00 in Berlin; clocks go forward on Sunday 29 March.
TUESDAYS = Schedule(frequency="weekly", days_of_week=(2,), local_start="18:30")
WEDNESDAYS = Schedule(frequency="weekly", days_of_week=(3,), local_start="19:00")
FOUR_TUESDAYS = ["2026-03-03", "2026-03-10", "2026-03-17", "2026-03-24"]


@pytest.fixture
def api(app: Application) -> Api:
    """A new organization's client; the clock stands at its start."""
    app.clock.now = START
    return join(app)


def recur(api: Api, schedule: Schedule = TUESDAYS, **values: Any) -> Recurrence:
    """A recurrence with a horizon of four weeks, unless told, of a new event."""
    event_id = values.pop("event_id", None) or api.make_event(type="runClub", date="2026-03-01")
    templates = values.pop("run_templates", None)
    values = {"auto_publish_horizon_weeks": 4, **values}
    return api.app.write(lambda tx: recurrence_changes.create(tx, event_id, schedule, templates, values), api.tenant)


def runs_of(api: Api, recurrence: Recurrence) -> list[Run]:
    return api.app.read(lambda tx: runs.of_event(tx, Run, recurrence.event_id), api.tenant)


def dates_of(api: Api, recurrence: Recurrence) -> list[str]:
    return [run.starts_on for run in runs_of(api, recurrence)]


def stored(api: Api, recurrence: Recurrence) -> Recurrence:
    return api.app.read(lambda tx: recurrences.get(tx, Recurrence, recurrence.id), api.tenant)


def change(api: Api, recurrence: Recurrence, scope: Any = "all", on: str | None = None, **values: Any) -> Outcome:
    date = dt.date.fromisoformat(on) if on else None
    return api.app.write(
        lambda tx: recurrence_changes.change(tx, recurrence.id, values, scope=scope, on=date), api.tenant
    )


def remove(api: Api, recurrence: Recurrence, scope: Any = "all", on: str | None = None) -> Outcome:
    date = dt.date.fromisoformat(on) if on else None
    return api.app.write(lambda tx: recurrence_changes.remove(tx, recurrence.id, scope=scope, on=date), api.tenant)


def skip(api: Api, recurrence: Recurrence, on: str) -> Outcome:
    return api.app.write(lambda tx: recurrence_changes.skip(tx, recurrence.id, dt.date.fromisoformat(on)), api.tenant)


@statement
def _number_of_runs() -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(runs.event_runs).where(own(runs.event_runs))


def publish(api: Api) -> int:
    """A round of the worker; gives how many runs this organization got."""
    before = api.app.read(lambda tx: tx.value(_number_of_runs()), api.tenant)
    api.app.run(publishing.publish_due(api.app.database, api.app.clock()))
    return int(api.app.read(lambda tx: tx.value(_number_of_runs()), api.tenant)) - int(before)


def edit(api: Api, run: Run, **values: Any) -> None:
    api.app.write(lambda tx: runs.change(tx, run, {**values, "edited": True}), api.tenant)


def verbs(api: Api, object_id: str) -> list[str]:
    return [entry.verb for entry in api.app.read(lambda tx: journal.of_object(tx, object_id), api.tenant)]


def told(outcome: Outcome) -> dict[str, list[str]]:
    """An outcome in short: the dates of each list that has any."""
    lists = {
        "created": [each.run.starts_on for each in outcome.created],
        "moved": [f"{each.before.starts_on}>{each.run.starts_on}" for each in outcome.moved if each.before],
        "kept": [each.run.starts_on for each in outcome.kept],
        "cancelled": [each.run.starts_on for each in outcome.cancelled if not each.deleted],
        "deleted": [each.run.starts_on for each in outcome.cancelled if each.deleted],
        "unchanged": [each.run.starts_on for each in outcome.unchanged],
    }
    return {name: dates for name, dates in lists.items() if dates}


def test_a_new_recurrence_is_published_up_to_its_horizon_at_once(api: Api) -> None:
    recurrence = recur(api, label="Tuesday tempo")

    first, *others = runs_of(api, recurrence)
    assert [first.starts_on, *(run.starts_on for run in others)] == FOUR_TUESDAYS
    assert (first.local_start, first.distance_standard, first.distance_m) == ("18:30", "Other", 0)
    assert first.distance_label == "Tuesday tempo"
    assert (first.recurrence_id, first.occurrence_on, first.edited) == (recurrence.id, "2026-03-03", False)
    assert verbs(api, recurrence.id) == ["recurrence.created"]
    assert verbs(api, first.id) == ["run.created"]


def test_publishing_again_changes_nothing(api: Api) -> None:
    recurrence = recur(api)
    before = runs_of(api, recurrence)

    again = api.app.write(lambda tx: publishing.publish(tx, recurrence.id), api.tenant)
    by_the_worker = publish(api)

    assert (again, by_the_worker) == (0, 0)
    assert runs_of(api, recurrence) == before
    assert stored(api, recurrence) == recurrence


def test_the_worker_publishes_what_the_moving_horizon_adds_once(api: Api) -> None:
    recurrence = recur(api)
    api.app.clock.now = START + dt.timedelta(days=7)

    rounds = [publish(api), publish(api)]

    assert rounds == [1, 0]
    assert dates_of(api, recurrence) == [*FOUR_TUESDAYS, "2026-03-31"]


def test_the_worker_serves_every_organization_and_mode(app: Application, api: Api) -> None:
    others = [join(app), api.in_mode("test")]
    made = [(one, recur(one)) for one in [api, *others]]
    app.clock.now = START + dt.timedelta(days=7)

    publish(api)

    assert all(len(dates_of(one, recurrence)) == 5 for one, recurrence in made)


def test_workers_at_once_publish_each_date_once(api: Api) -> None:
    recurrence = recur(api)
    api.app.clock.now = START + dt.timedelta(days=14)

    async def three_rounds() -> None:
        now = api.app.clock()
        await asyncio.gather(*(publishing.publish_due(api.app.database, now) for _ in range(3)))

    api.app.run(three_rounds())

    assert dates_of(api, recurrence) == [*FOUR_TUESDAYS, "2026-03-31", "2026-04-07"]


def test_an_event_that_is_nearly_full_gets_the_nearest_dates_and_holds_up_no_other(api: Api) -> None:
    full, fine = recur(api), recur(api)
    api.app.clock.now = START + dt.timedelta(days=14)

    async def fill(tx: Any) -> None:
        event = await events.lock(tx, full.event_id)
        for _ in range(runs.PER_EVENT_MOST - 5):
            await runs.create(tx, event, {"distance_m": 1})

    api.app.write(fill, api.tenant)
    publish(api)

    published = [run.starts_on for run in runs_of(api, full) if run.recurrence_id is not None]
    assert published == [*FOUR_TUESDAYS, "2026-03-31"]
    assert dates_of(api, fine) == [*FOUR_TUESDAYS, "2026-03-31", "2026-04-07"]


def test_a_recurrence_that_cannot_be_published_holds_up_no_other(api: Api) -> None:
    broken, fine = recur(api), recur(api)
    api.app.clock.now = START + dt.timedelta(days=7)

    async def spoil(tx: Any) -> None:
        await recurrences.store(tx, broken, schedule=msgspec.Raw(b"{}"))

    api.app.write(spoil, api.tenant)
    publish(api)

    assert len(dates_of(api, broken)) == 4
    assert len(dates_of(api, fine)) == 5


def test_a_pause_publishes_nothing_and_keeps_what_exists(api: Api) -> None:
    recurrence = recur(api)
    before = runs_of(api, recurrence)

    outcome = change(api, recurrence, status="paused")
    api.app.clock.now = START + dt.timedelta(days=8)
    published = publish(api)

    assert told(outcome) == {"unchanged": FOUR_TUESDAYS}
    assert published == 0
    assert runs_of(api, recurrence) == before


def test_resuming_publishes_what_is_missing(api: Api) -> None:
    recurrence = recur(api, status="paused")
    nothing = runs_of(api, recurrence)

    outcome = change(api, recurrence, status="active")

    assert nothing == []
    assert told(outcome) == {"created": FOUR_TUESDAYS}


def test_an_archived_recurrence_publishes_nothing(api: Api) -> None:
    recurrence = recur(api)

    change(api, recurrence, status="archived")
    api.app.clock.now = START + dt.timedelta(days=8)

    assert publish(api) == 0
    assert dates_of(api, recurrence) == FOUR_TUESDAYS


def test_a_longer_horizon_publishes_more_and_a_shorter_one_takes_nothing_back(api: Api) -> None:
    recurrence = recur(api)

    longer = change(api, recurrence, auto_publish_horizon_weeks=5)
    shorter = change(api, recurrence, auto_publish_horizon_weeks=1)

    assert told(longer) == {"created": ["2026-03-31"], "unchanged": FOUR_TUESDAYS}
    assert told(shorter) == {"unchanged": [*FOUR_TUESDAYS, "2026-03-31"]}


@pytest.mark.parametrize(
    ("now", "first_on"),
    [
        # 18:30 in Berlin is 17:30 UTC in winter and 16:30 UTC in summer.
        ("2026-03-24T17:29:00+00:00", "2026-03-24"),
        ("2026-03-24T17:31:00+00:00", "2026-03-31"),
        ("2026-03-31T16:29:00+00:00", "2026-03-31"),
        ("2026-03-31T16:31:00+00:00", "2026-04-07"),
    ],
)
def test_today_counts_while_its_start_is_ahead_where_the_organization_is(api: Api, now: str, first_on: str) -> None:
    api.app.clock.now = dt.datetime.fromisoformat(now)

    recurrence = recur(api)

    assert dates_of(api, recurrence)[0] == first_on


def test_the_worker_comes_after_midnight_where_the_organization_is(api: Api) -> None:
    recurrence = recur(api, Schedule(frequency="daily", local_start="07:00"), auto_publish_horizon_weeks=1)
    published = []

    for now in ("2026-03-01T22:59:00+00:00", "2026-03-01T23:00:00+00:00"):
        api.app.clock.now = dt.datetime.fromisoformat(now)
        published.append(publish(api))

    assert published == [0, 1]
    assert dates_of(api, recurrence)[-1] == "2026-03-09"


def test_without_a_start_time_runs_start_when_the_event_does(api: Api) -> None:
    event_id = api.make_event(type="runClub", date="2026-03-01", startTime="07:15")

    recurrence = recur(api, msgspec.structs.replace(TUESDAYS, local_start=None), event_id=event_id)

    assert {run.local_start for run in runs_of(api, recurrence)} == {"07:15"}


def test_a_schedule_without_a_start_date_goes_on_counting_when_the_event_is_moved(api: Api) -> None:
    recurrence = recur(api, msgspec.structs.replace(TUESDAYS, interval=2))
    api.patch(f"/events/{recurrence.event_id}", {"date": "2026-03-08"})
    api.app.clock.now = START + dt.timedelta(days=14)

    publish(api)

    assert dates_of(api, recurrence) == ["2026-03-10", "2026-03-24", "2026-04-07"]


def test_templates_give_each_date_its_distances(api: Api) -> None:
    templates = [
        RunTemplate(distance_standard="5K", max_participants=20, is_walking=True),
        RunTemplate(distance_m=8000, distance_label="Long", pace_groups=[PaceGroupTemplate(name="5:00")]),
    ]

    recurrence = recur(api, run_templates=templates, auto_publish_horizon_weeks=1)

    short, long = runs_of(api, recurrence)
    assert (short.distance_m, short.distance_label, short.max_participants, short.is_walking) == (5000, "5K", 20, True)
    assert (long.distance_m, long.distance_label, long.distance_standard) == (8000, "Long", "Other")
    assert [group["name"] for group in api.get(f"/runs/{long.id}").json()["data"]["paceGroups"]] == ["5:00"]


def test_a_template_added_is_published_and_one_left_out_goes(api: Api) -> None:
    recurrence = recur(api, run_templates=[RunTemplate(distance_standard="5K")], auto_publish_horizon_weeks=1)

    outcome = change(
        api, recurrence, run_templates=[RunTemplate(distance_standard="10K", pace_groups=[PaceGroupTemplate(name="A")])]
    )
    back = change(api, recurrence, run_templates=None)

    assert told(outcome) == {"created": ["2026-03-03"], "deleted": ["2026-03-03"]}
    assert told(back) == {"created": ["2026-03-03"], "deleted": ["2026-03-03"]}
    assert [run.distance_standard for run in runs_of(api, recurrence)] == ["Other"]


def test_a_new_schedule_moves_the_runs_of_all_weeks_and_they_keep_their_ids(api: Api) -> None:
    recurrence = recur(api)
    before = [run.id for run in runs_of(api, recurrence)]
    api.make_registration(before[1])

    outcome = change(api, recurrence, schedule=WEDNESDAYS)

    after = runs_of(api, recurrence)
    assert [run.id for run in after] == before
    assert [run.starts_on for run in after] == ["2026-03-04", "2026-03-11", "2026-03-18", "2026-03-25"]
    assert {run.local_start for run in after} == {"19:00"}
    assert outcome.registrations_affected == 1
    assert [each.registrations for each in outcome.moved] == [0, 1, 0, 0]
    assert verbs(api, recurrence.id) == ["recurrence.created", "recurrence.updated"]
    assert verbs(api, before[0]) == ["run.created", "run.updated"]


def test_the_same_schedule_again_changes_nothing(api: Api) -> None:
    recurrence = recur(api)

    outcome = change(api, recurrence, schedule=TUESDAYS)

    assert told(outcome) == {"unchanged": FOUR_TUESDAYS}
    assert stored(api, recurrence) == recurrence


def test_a_run_edited_by_hand_is_kept(api: Api) -> None:
    recurrence = recur(api)
    edit(api, runs_of(api, recurrence)[1], starts_on="2026-03-12", local_start="10:00")

    outcome = change(api, recurrence, schedule=WEDNESDAYS)

    assert told(outcome)["kept"] == ["2026-03-12"]
    assert dates_of(api, recurrence) == ["2026-03-04", "2026-03-12", "2026-03-18", "2026-03-25"]


def test_a_run_that_has_to_go_is_cancelled_with_its_registrations_and_deleted_without(api: Api) -> None:
    recurrence = recur(api)
    first, second, *_ = runs_of(api, recurrence)
    registration_id = api.make_registration(first.id)

    outcome = change(api, recurrence, schedule=msgspec.structs.replace(TUESDAYS, starts_on=dt.date(2026, 3, 17)))

    left = {run.id: run for run in runs_of(api, recurrence)}
    assert told(outcome) == {"cancelled": ["2026-03-03"], "deleted": ["2026-03-10"], "unchanged": FOUR_TUESDAYS[2:]}
    assert left[first.id].event_status == "cancelled"
    assert left[first.id].occurrence_on is None
    assert second.id not in left
    registration = api.app.read(lambda tx: registrations.get(tx, registration_id), api.tenant)
    assert (registration.status, registration.event_run_id) == ("confirmed", first.id)
    assert verbs(api, second.id) == ["run.created", "run.deleted"]


def test_a_run_somebody_was_registered_for_once_is_cancelled_and_not_forgotten(api: Api) -> None:
    recurrence = recur(api)
    first = runs_of(api, recurrence)[0]
    registration_id = api.make_registration(first.id)
    api.patch(f"/registration/{registration_id}", {"status": "refunded"})

    outcome = skip(api, recurrence, "2026-03-03")

    assert told(outcome)["cancelled"] == ["2026-03-03"]
    assert outcome.registrations_affected == 0
    assert api.get(f"/registration/{registration_id}").json()["data"]["registrationStatus"] == "refunded"


def test_a_rule_that_comes_back_publishes_again_beside_what_it_cancelled(api: Api) -> None:
    recurrence = recur(api)
    api.make_registration(runs_of(api, recurrence)[0].id)
    skip(api, recurrence, "2026-03-03")

    outcome = change(api, recurrence, schedule=TUESDAYS)

    assert told(outcome) == {"created": ["2026-03-03"], "unchanged": FOUR_TUESDAYS}


def test_a_change_of_this_occurrence_leaves_the_rule_and_is_kept_ever_after(api: Api) -> None:
    recurrence = recur(api)

    outcome = change(api, recurrence, "this", "2026-03-10", schedule=WEDNESDAYS)
    later = change(api, recurrence, schedule=msgspec.structs.replace(TUESDAYS, local_start="18:00"))

    assert told(outcome)["moved"] == ["2026-03-10>2026-03-11"]
    assert told(later)["kept"] == ["2026-03-11"]
    assert [run.occurrence_on for run in runs_of(api, recurrence)] == FOUR_TUESDAYS


def test_a_date_that_a_change_of_this_occurrence_takes_away_is_not_published_again(api: Api) -> None:
    recurrence = recur(api)
    ended = msgspec.structs.replace(TUESDAYS, until_on=dt.date(2026, 3, 3))

    outcome = change(api, recurrence, "this", "2026-03-10", schedule=ended)
    api.app.clock.now = START + dt.timedelta(days=1)
    publish(api)

    assert told(outcome)["deleted"] == ["2026-03-10"]
    assert dates_of(api, recurrence) == ["2026-03-03", "2026-03-17", "2026-03-24"]


def test_a_change_of_this_occurrence_needs_one_that_is_to_come(api: Api) -> None:
    recurrence = recur(api)

    with pytest.raises(recurrence_changes.NotPublished, match="2026-03-11"):
        change(api, recurrence, "this", "2026-03-11", schedule=WEDNESDAYS)


def test_a_change_of_following_occurrences_leaves_those_before_and_goes_on_by_the_new_rule(api: Api) -> None:
    recurrence = recur(api)

    outcome = change(api, recurrence, "following", "2026-03-17", schedule=WEDNESDAYS)
    api.app.clock.now = START + dt.timedelta(days=7)
    published = publish(api)

    assert told(outcome) == {
        "moved": ["2026-03-17>2026-03-18", "2026-03-24>2026-03-25"],
        "unchanged": ["2026-03-03", "2026-03-10"],
    }
    assert published == 1
    assert dates_of(api, recurrence) == ["2026-03-03", "2026-03-10", "2026-03-18", "2026-03-25", "2026-04-01"]


def test_a_change_of_anything_else_leaves_runs_before_the_rule_alone(api: Api) -> None:
    recurrence = recur(api)
    change(api, recurrence, "following", "2026-03-17", schedule=WEDNESDAYS)

    outcome = change(api, recurrence, label="Midweek", auto_publish_horizon_weeks=5)

    assert told(outcome) == {
        "created": ["2026-04-01"],
        "unchanged": ["2026-03-03", "2026-03-10", "2026-03-18", "2026-03-25"],
    }


def test_what_the_old_rule_still_owes_is_published_before_following_occurrences_change(api: Api) -> None:
    recurrence = recur(api)
    api.app.clock.now = START + dt.timedelta(days=14)

    outcome = change(api, recurrence, "following", "2026-04-07", schedule=WEDNESDAYS)

    assert told(outcome) == {"created": ["2026-03-31", "2026-04-08"], "unchanged": FOUR_TUESDAYS[2:]}


def test_following_occurrences_cannot_change_from_a_date_that_is_not_published_yet(api: Api) -> None:
    recurrence = recur(api)

    with pytest.raises(recurrence_changes.BeyondHorizon, match="until 2026-03-29"):
        change(api, recurrence, "following", "2026-03-30", schedule=WEDNESDAYS)


def test_a_change_of_all_after_one_of_following_speaks_for_every_date_again(api: Api) -> None:
    recurrence = recur(api)
    change(api, recurrence, "following", "2026-03-17", schedule=WEDNESDAYS)

    outcome = change(api, recurrence, schedule=WEDNESDAYS)

    assert told(outcome)["moved"] == ["2026-03-03>2026-03-04", "2026-03-10>2026-03-11"]
    assert stored(api, recurrence).effective_from is None


def test_a_skipped_date_goes_and_stays_away(api: Api) -> None:
    recurrence = recur(api)

    outcome = skip(api, recurrence, "2026-03-10")
    again = skip(api, recurrence, "2026-03-10")
    change(api, recurrence, auto_publish_horizon_weeks=5)

    assert told(outcome)["deleted"] == ["2026-03-10"]
    assert told(again) == {"unchanged": ["2026-03-03", "2026-03-17", "2026-03-24"]}
    assert dates_of(api, recurrence) == ["2026-03-03", "2026-03-17", "2026-03-24", "2026-03-31"]


def test_a_schedule_skips_no_more_dates_than_it_may(api: Api) -> None:
    many = tuple(dt.date(2020, 1, 1) + dt.timedelta(days=day) for day in range(500))
    recurrence = recur(api, msgspec.structs.replace(TUESDAYS, skipped_on=many))

    with pytest.raises(errors.Invalid) as refused:
        skip(api, recurrence, "2026-03-10")

    assert refused.value.fields == {"date": ["Array must contain at most 500 element(s)"]}


def test_a_run_deleted_by_hand_is_not_published_again_but_the_others_of_its_date_are_untouched(api: Api) -> None:
    templates = [RunTemplate(distance_standard="5K"), RunTemplate(distance_standard="10K")]
    recurrence = recur(api, run_templates=templates, auto_publish_horizon_weeks=1)
    short, long = runs_of(api, recurrence)

    async def delete(tx: Any) -> None:
        _, run = await runs.lock(tx, short.id)
        await runs.remove(tx, run)
        await recurrences.run_removed(tx, run)

    api.app.write(delete, api.tenant)
    same = change(api, recurrence, schedule=TUESDAYS)
    moved = change(api, recurrence, schedule=WEDNESDAYS)

    assert told(same) == {"unchanged": ["2026-03-03"]}
    assert told(moved) == {"moved": ["2026-03-03>2026-03-04"]}
    assert [run.id for run in runs_of(api, recurrence)] == [long.id]


def test_a_template_that_comes_back_is_published_where_its_runs_were_once_deleted_by_hand(api: Api) -> None:
    both = [RunTemplate(distance_standard="5K"), RunTemplate(distance_standard="10K")]
    recurrence = recur(api, run_templates=both, auto_publish_horizon_weeks=1)
    api.delete(f"/runs/{runs_of(api, recurrence)[0].id}")

    same = change(api, recurrence, run_templates=both)
    change(api, recurrence, run_templates=both[1:])
    back = change(api, recurrence, run_templates=both)

    assert told(same) == {"unchanged": ["2026-03-03"]}
    assert told(back) == {"created": ["2026-03-03"], "unchanged": ["2026-03-03"]}


def test_deleting_a_recurrence_ends_what_is_to_come_and_keeps_what_is_over(api: Api) -> None:
    recurrence = recur(api)
    _, second, third, _ = runs_of(api, recurrence)
    api.make_registration(second.id)
    edit(api, third, local_start="20:00")
    api.app.clock.now = START + dt.timedelta(days=3)

    outcome = remove(api, recurrence)

    assert told(outcome) == {"kept": ["2026-03-17"], "cancelled": ["2026-03-10"], "deleted": ["2026-03-24"]}
    assert dates_of(api, recurrence) == FOUR_TUESDAYS[:3]
    assert verbs(api, recurrence.id)[-1] == "recurrence.deleted"
    with pytest.raises(recurrences.RecurrenceNotFound):
        stored(api, recurrence)


def test_deleting_following_occurrences_ends_the_recurrence_before_their_date(api: Api) -> None:
    recurrence = recur(api)

    outcome = remove(api, recurrence, "following", "2026-03-17")
    later = change(api, recurrence, auto_publish_horizon_weeks=52)

    assert told(outcome) == {"deleted": FOUR_TUESDAYS[2:], "unchanged": FOUR_TUESDAYS[:2]}
    assert told(later) == {"unchanged": FOUR_TUESDAYS[:2]}
    assert stored(api, recurrence).rule().until_on == dt.date(2026, 3, 16)


def test_deleting_following_occurrences_from_the_first_deletes_the_recurrence(api: Api) -> None:
    recurrence = recur(api)

    outcome = remove(api, recurrence, "following", "2026-03-01")

    assert told(outcome) == {"deleted": FOUR_TUESDAYS}
    with pytest.raises(recurrences.RecurrenceNotFound):
        stored(api, recurrence)


@pytest.mark.parametrize(
    ("schedule", "left"),
    [
        (msgspec.structs.replace(TUESDAYS, count=2), {"count": 2, "until_on": None}),
        (msgspec.structs.replace(TUESDAYS, count=3), {"count": None, "until_on": dt.date(2026, 3, 16)}),
        (msgspec.structs.replace(TUESDAYS, until_on=dt.date(2026, 3, 12)), {"until_on": dt.date(2026, 3, 12)}),
        (
            msgspec.structs.replace(TUESDAYS, added_on=(dt.date(2026, 3, 5), dt.date(2026, 3, 19))),
            {"added_on": (dt.date(2026, 3, 5),)},
        ),
    ],
)
def test_a_schedule_cut_off_gives_the_dates_it_gave_before_and_none_after(
    schedule: Schedule, left: dict[str, Any]
) -> None:
    anchor_on, on = dt.date(2026, 3, 1), dt.date(2026, 3, 17)
    year: dict[str, Any] = {"anchor_on": anchor_on, "first_on": anchor_on, "last_on": dt.date(2027, 3, 1)}

    cut = recurrence_changes.cut_off(schedule, on, anchor_on=anchor_on)

    assert cut is not None
    assert occurrences(cut, **year) == [date for date in occurrences(schedule, **year) if date < on]
    assert problems(cut) == {}
    assert {name: getattr(cut, name) for name in left} == left


def test_a_schedule_cut_off_before_its_start_is_left_with_its_added_dates_alone() -> None:
    anchor_on = dt.date(2026, 3, 3)
    schedule = msgspec.structs.replace(TUESDAYS, count=3, added_on=(dt.date(2026, 2, 26),))

    cut = recurrence_changes.cut_off(schedule, anchor_on, anchor_on=anchor_on)

    assert cut is not None
    assert problems(cut) == {}
    assert occurrences(cut, anchor_on=anchor_on, first_on=dt.date(2026, 1, 1), last_on=dt.date(2027, 1, 1)) == [
        dt.date(2026, 2, 26)
    ]


def test_the_recurrences_of_an_event_go_with_it(api: Api) -> None:
    recurrence = recur(api)

    async def delete(tx: Any) -> None:
        await recurrences.remove_of_event(tx, await events.lock(tx, recurrence.event_id))

    api.app.write(delete, api.tenant)

    assert verbs(api, recurrence.id) == ["recurrence.created", "recurrence.deleted"]
    with pytest.raises(recurrences.RecurrenceNotFound):
        stored(api, recurrence)


def test_an_event_has_no_more_recurrences_than_it_may(api: Api) -> None:
    event_id = api.make_event(date="2026-03-01")
    for _ in range(recurrences.PER_EVENT_MOST):
        recur(api, event_id=event_id, status="paused")

    with pytest.raises(recurrences.TooManyRecurrences):
        recur(api, event_id=event_id)


def test_a_recurrence_that_would_give_its_event_too_many_runs_is_refused_whole(api: Api) -> None:
    event_id = api.make_event(date="2026-03-01")
    templates = [RunTemplate(distance_m=number, distance_label=f"{number} m") for number in range(1, 21)]

    with pytest.raises(errors.Conflict, match="at most 2000 runs"):
        recur(
            api,
            Schedule(frequency="daily"),
            event_id=event_id,
            run_templates=templates,
            auto_publish_horizon_weeks=52,
        )

    assert api.get("/recurrences").json()["data"] == []
    assert api.get(f"/events/{event_id}").json()["data"]["runs"] == []


def test_everything_wrong_with_a_recurrence_is_told_at_once(api: Api) -> None:
    templates = [RunTemplate(), RunTemplate(distance_standard="5K"), RunTemplate(distance_standard="5K")]

    with pytest.raises(errors.Invalid) as refused:
        recur(api, Schedule(frequency="monthly", interval=25), run_templates=templates)

    assert sorted(refused.value.fields) == [
        "runTemplates.0.distanceMeters",
        "runTemplates.2.distanceLabel",
        "schedule.dayOfMonth",
        "schedule.interval",
    ]
