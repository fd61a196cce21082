"""The journal: whoever changes anything leaves a row, operators too; what it shows is never a secret."""

from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from openintervals.db.transaction import Tenant
from openintervals.platform import api_keys, journal, organizations
from tests import databases
from tests.clients import Api, found
from tests.servers import Application


def history(api: Api, object_id: str) -> list[journal.Entry]:
    return api.app.read(lambda tx: journal.of_object(tx, object_id), api.tenant)


def told(entries: list[journal.Entry]) -> list[tuple[str, int]]:
    return [(entry.verb, entry.object_version) for entry in entries]


def shown(entry: journal.Entry) -> dict[str, Any]:
    snapshot: dict[str, Any] = msgspec.json.decode(entry.snapshot)
    return snapshot


def changed(entry: journal.Entry) -> list[str]:
    return msgspec.json.decode(entry.changed, type=list[str])


def find(api: Api) -> api_keys.ApiKey:
    return api.app.read(lambda tx: api_keys.find(tx, api.key_id))[0]


def test_an_organization_s_making_and_its_switch_are_written_down(api: Api, app: Application) -> None:
    for bypass in (True, True, False):
        app.write(partial(organizations.let_keys_bypass_windows, bypass=bypass), api.tenant)

    made, *switched = history(api, api.tenant.organization_id)

    assert told([made, *switched]) == [
        ("organization.created", 1),
        ("organization.updated", 2),
        ("organization.updated", 3),
    ]
    assert {"name", "slug", "plan"} <= set(changed(made))
    assert [changed(entry) for entry in switched] == [["bypass_windows"]] * 2
    assert [shown(entry)["bypass_windows"] for entry in (made, *switched)] == [False, True, False]
    assert shown(switched[-1])["version"] == 3
    assert {entry.actor for entry in (made, *switched)} == {"test"}


def test_an_organization_s_journal_is_in_live_mode_whoever_switches(api: Api, app: Application) -> None:
    in_test = Tenant(api.tenant.organization_id, "test")

    app.write(lambda tx: organizations.let_keys_bypass_windows(tx, bypass=True), in_test)

    assert told(history(api, api.tenant.organization_id)) == [("organization.created", 1), ("organization.updated", 2)]


def test_a_key_s_life_is_written_down_without_what_could_be_used(api: Api, app: Application, module_url: str) -> None:
    old = find(api)
    made = app.write(lambda tx: api_keys.rotate(tx, old, overlap_s=3600), api.tenant)
    app.clock.advance(60)
    app.write(partial(api_keys.revoke, key=find(api)), api.tenant)

    entries = history(api, api.key_id)

    assert told(entries) == [("key.created", 1), ("key.rotated", 2), ("key.revoked", 3)]
    assert [changed(entry) for entry in entries[1:]] == [["expires_at", "successor_id"], ["revoked_at"]]
    assert shown(entries[1])["successor_id"] == made.id
    assert told(history(api, made.id)) == [("key.created", 1)]
    written = repr(databases.rows(module_url, "SELECT * FROM journal"))
    stored = databases.rows(module_url, "SELECT hash FROM api_keys")
    assert api.key not in written
    assert made.key not in written
    assert not [digest for (digest,) in stored if digest in written]


def test_revoking_a_key_again_writes_nothing(api: Api, app: Application) -> None:
    for _ in range(2):
        app.write(partial(api_keys.revoke, key=find(api)), api.tenant)

    assert told(history(api, api.key_id)) == [("key.created", 1), ("key.revoked", 2)]


def test_a_rotation_that_ends_nothing_sooner_is_written_down_all_the_same(api: Api, app: Application) -> None:
    ends_at = app.clock() + timedelta(minutes=5)
    made = app.write(lambda tx: api_keys.create(tx, scopes=["read:series"], expires_at=ends_at), api.tenant)
    key = app.read(lambda tx: api_keys.find(tx, made.id))[0]

    app.write(lambda tx: api_keys.rotate(tx, key, overlap_s=3600), api.tenant)

    assert changed(history(api, made.id)[-1]) == ["successor_id"]


def test_a_test_key_s_journal_is_in_test_mode(api: Api) -> None:
    other = api.in_mode("test")

    assert told(history(other, other.key_id)) == [("key.created", 1)]
    assert history(api, other.key_id) == []


def test_pace_groups_are_told_by_name_and_as_they_are_now(api: Api) -> None:
    run = api.make_run(api.make_event(), paceGroups=[{"name": "A", "maxParticipants": 3}])
    plain = api.make_run(api.make_event())

    found(api.patch(f"/runs/{run}", {"paceGroups": [{"name": "A", "maxParticipants": 5}, {"name": "B"}]}))
    found(api.patch(f"/runs/{run}", {"paceGroups": [{"name": "A", "maxParticipants": 5}, {"name": "B"}]}))
    found(api.patch(f"/runs/{run}", {"paceGroups": None}))

    made, *updated = history(api, run)
    assert told([made, *updated]) == [("run.created", 1), *(("run.updated", version) for version in (2, 3, 4))]
    assert [changed(entry) for entry in updated] == [["pace_groups"]] * 3
    assert [[(group["name"], group["max_participants"]) for group in shown(e)["pace_groups"]] for e in updated] == [
        [("A", 3)],
        [("A", 5), ("B", None)],
        [],
    ]
    assert told(history(api, plain)) == [("run.created", 1)]
