"""Deleting an event or a run takes everything inside it along, and nothing else."""

from tests.clients import Api, found


def test_an_event_goes_with_its_runs_groups_and_recurrences(api: Api) -> None:
    event, group = api.make_event(date="2026-03-03"), api.make_group()
    recurrence = api.make_recurrence(event)
    api.put(f"/groups/{group}/events/{event}")
    runs = [run["_id"] for run in found(api.get(f"/events/{event}"))["runs"]]

    gone = api.delete(f"/events/{event}")

    assert runs
    assert gone.status_code == 204
    assert [api.get(f"/runs/{run}").status_code for run in runs] == [410] * len(runs)
    assert api.get(f"/recurrences/{recurrence}").status_code == 410
    assert found(api.get(f"/groups/{group}/events")) == []


def test_a_published_run_that_is_deleted_is_not_published_again(api: Api) -> None:
    event = api.make_event(date="2026-03-03")
    recurrence = api.make_recurrence(event)
    first, *rest = [run["_id"] for run in found(api.get(f"/events/{event}"))["runs"]]

    gone = api.delete(f"/runs/{first}")
    api.post(f"/recurrences/{recurrence}/pause")
    api.post(f"/recurrences/{recurrence}/resume")

    assert gone.status_code == 204
    assert [run["_id"] for run in found(api.get(f"/events/{event}"))["runs"]] == rest
