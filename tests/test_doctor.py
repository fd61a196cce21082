"""The doctor: silent over what is as it should be, and for each rule there is a break that it sees.

The databases refuse most of these breaks, so they are made in copies without any constraint, by SQL that no code of ours would send.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from openintervals import doctor
from openintervals.db import schema
from tests import databases, postgres, servers
from tests.patients import examine, run_sql, scene
from tests.servers import START

NOBODY = "0" * 20


@pytest.fixture(scope="module")
def lawful(
    database_kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[str, dict[str, str]]:
    """A database as it should be, whose server has stopped, and the ids in it."""
    if database_kind == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('lawful')}/openintervals.db"
    else:
        url = request.getfixturevalue("cluster").create_database()
    with servers.application(url) as app:
        return url, scene(app)


@pytest.fixture(scope="module")
def lawless(
    lawful: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[str, dict[str, str]]:
    """The same rows in tables without any key or constraint."""
    url = copied(lawful[0], tmp_path_factory.mktemp("lawless"), request)
    for table in schema.metadata.sorted_tables:
        run_sql(
            url,
            f'CREATE TABLE bare AS SELECT * FROM "{table.name}"',
            f'DROP TABLE "{table.name}"' + ("" if url.startswith("sqlite") else " CASCADE"),
            f'ALTER TABLE bare RENAME TO "{table.name}"',
        )
    return url, lawful[1]


def copied(url: str, folder: Path, request: pytest.FixtureRequest) -> str:
    if url.startswith("sqlite"):
        shutil.copyfile(url.removeprefix("sqlite:///"), folder / "copy.db")
        return f"sqlite:///{folder}/copy.db"
    cluster: postgres.Cluster = request.getfixturevalue("cluster")
    return cluster.create_database(template=url.rpartition("/")[2])


@pytest.fixture
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """A copy of a database for a test to break."""
    made: list[str] = []

    def make(url: str) -> str:
        made.append(copied(url, tmp_path, request))
        return made[-1]

    yield make
    for url in made:
        if not url.startswith("sqlite"):
            request.getfixturevalue("cluster").drop_database(url)


MORE_ROOM = "UPDATE event_runs SET max_participants = 3 WHERE id = '{full}'"
BOTH_WAIT = [
    "Registration {cem} waits for run {full}, which has a free place",
    "Registration {dua} waits for run {full}, which has a free place",
]

SUBSCRIBED = (
    "INSERT INTO webhook_subscriptions SELECT organization_id, mode, '{type}', '{webhook}'"
    " FROM webhooks WHERE id = '{{active}}'"
)

# What is broken, how, and what is said: each break is seen by exactly the rule it breaks.
BREAKS: dict[str, tuple[list[str], list[str]]] = {
    "an event's count": (
        ["UPDATE events SET confirmed = confirmed + 1 WHERE id = '{race}'"],
        ["Event {race} counts 4 confirmed and 0 offered, but its registrations are 3 and 0"],
    ),
    "a run's count of offers": (
        ["UPDATE event_runs SET offered = 0 WHERE id = '{offering}'", "UPDATE events SET offered = 0"],
        [
            "Run {offering} counts 0 confirmed and 0 offered, but its registrations are 0 and 1",
            "Event {other} counts 0 confirmed and 0 offered, but its registrations are 0 and 1",
        ],
    ),
    "a pace group's count": (
        ["UPDATE pace_groups SET confirmed = 0"],
        ["Pace group fast of run {full} counts 0 confirmed and 0 offered, but its registrations are 1 and 0"],
    ),
    "a cap": (
        ["UPDATE event_runs SET max_participants = 1 WHERE id = '{full}'"],
        ["Run {full} counts 2 confirmed and 0 offered with a cap of 1"],
    ),
    "a waiting entry's number": (
        ["UPDATE registrations SET queue_number = NULL WHERE id = '{cem}'"],
        ["Registration {cem} is waitlist and has the queue number nothing"],
    ),
    "a number of somebody who does not wait": (
        ["UPDATE registrations SET queue_number = 9 WHERE id = '{ann}'"],
        ["Registration {ann} is confirmed and has the queue number 9"],
    ),
    "the order of the queue": (
        ["UPDATE registrations SET queue_number = 77 WHERE id IN ('{cem}', '{dua}')"],
        ["Event {race} has the queue number 77 2 times, one of them registration {cem}"],
    ),
    "an offer to somebody who has a place": (
        ["UPDATE registrations SET offer_expires_at = '2026-03-02T09:00:00.000Z' WHERE id = '{ann}'"],
        ["Registration {ann} is confirmed and holds an open offer"],
    ),
    "a check-in of somebody who waits": (
        ["UPDATE registrations SET checked_in_at = '2026-03-01T08:00:00.000Z' WHERE id = '{cem}'"],
        ["Registration {cem} waits for a place, but has checked in"],
    ),
    "a free place": ([MORE_ROOM], BOTH_WAIT),
    "a free place whose window has long been open": (
        [MORE_ROOM, "UPDATE event_runs SET registration_opens_at = '2026-03-01T08:00:00.000Z' WHERE id = '{full}'"],
        BOTH_WAIT,
    ),
    "a free place in a paused run, where windows do not bind": (
        [
            MORE_ROOM,
            "UPDATE event_runs SET registration_override = 'paused' WHERE id = '{full}'",
            "UPDATE organizations SET bypass_windows = (1 = 1)",
        ],
        BOTH_WAIT,
    ),
    "one registration for each person": (
        [
            "UPDATE registrations SET email = 'Ann@example.com', email_folded = 'ann@example.com' WHERE id = '{bob}'",
        ],
        ["Run {full} has 2 active registrations under one e-mail address, one of them {ann}"],
    ),
    "one bib for each person": (
        ["UPDATE registrations SET bib = '7' WHERE id = '{bob}'"],
        ["Event {race} has the bib 7 2 times"],
    ),
    "bibs for those who come alone": (
        ["UPDATE registrations SET bib = '8' WHERE id = '{eva}'"],
        ["Registration {eva} is cancelled and has a bib"],
    ),
    "an id of another kind": (
        ["UPDATE api_keys SET id = 'rc' || substr(id, 3)"],
        ["has a malformed id"],
    ),
    "an id with a strange letter": (
        ["UPDATE api_keys SET id = substr(id, 1, 21) || 'U'"],
        ["has a malformed id"],
    ),
    "a folded e-mail address": (
        ["UPDATE registrations SET email_folded = 'somebody@example.com' WHERE id = '{eva}'"],
        ["Registration {eva} has a folded e-mail address that is not its own"],
    ),
    "a folded e-mail address beyond ASCII": (
        ["UPDATE registrations SET email = 'ß@example.com', email_folded = 'ß@example.com' WHERE id = '{eva}'"],
        ["Registration {eva} has a folded e-mail address that is not its own"],
    ),
    "a registration's event": (
        [
            "UPDATE registrations SET event_id = '{other}' WHERE id = '{fay}'",
            "UPDATE events SET confirmed = confirmed - 1 WHERE id = '{race}'",
            "UPDATE events SET confirmed = confirmed + 1 WHERE id = '{other}'",
        ],
        ["Registration {fay} is of event {other}, but its run {roomy} is of another"],
    ),
    "a run without its event": (
        [f"UPDATE event_runs SET event_id = 'e{NOBODY}' WHERE id = '{{empty}}'"],
        [f"Run {{empty}} refers to the event e{NOBODY}, which is not there"],
    ),
    "a pace group without its run": (
        [
            f"INSERT INTO pace_groups SELECT organization_id, mode, 'r{NOBODY}', 'lost', 9, 9, NULL, NULL, 0, 0 FROM pace_groups"
        ],
        [f"Pace group lost of run r{NOBODY} refers to the run r{NOBODY}, which is not there"],
    ),
    "a registration without its run": (
        [f"UPDATE registrations SET event_run_id = 'r{NOBODY}' WHERE id = '{{eva}}'"],
        [f"Registration {{eva}} refers to the run r{NOBODY}, which is not there"],
    ),
    "a recurrence without its event": (
        [f"UPDATE recurrences SET event_id = 'e{NOBODY}'"],
        [f"Recurrence {{recurrence}} refers to the event e{NOBODY}, which is not there"],
    ),
    "a group with an event that is not there": (
        [f"UPDATE group_events SET event_id = 'e{NOBODY}'"],
        [f"refers to the event e{NOBODY}, which is not there"],
    ),
    "an event in a group that is not there": (
        [f"UPDATE group_events SET group_id = 'g{NOBODY}'"],
        [f"refers to the group g{NOBODY}, which is not there"],
    ),
    "a key without its organization": (
        [f"UPDATE api_keys SET organization_id = 'k{NOBODY}'"],
        ["API key {key} belongs to no organization there is"],
    ),
    "a key of the other mode": (
        ["UPDATE api_keys SET mode = 'test'"],
        ["API key {key} begins with oi_live_sk_, which is not its mode's"],
    ),
    "a version that the journal does not know": (
        ["UPDATE event_runs SET version = 2 WHERE id = '{empty}'"],
        ["Run {empty} has version 2, but its journal ends with version 1"],
    ),
    "a history without its beginning": (
        ["DELETE FROM journal WHERE object_id = '{ann}' AND object_version = 1"],
        ["has version 2 of {ann}, after version 0"],
    ),
    "no history": (
        ["DELETE FROM journal WHERE object_id = '{empty}'"],
        ["No journal entry is there for 1 of event_runs, such as {empty}"],
    ),
    "no history of many": (
        ["DELETE FROM journal WHERE object_type = 'registration'"],
        ["No journal entry is there for 8 of registrations, such as {ann}"],
    ),
    "something gone without a word": (
        ["DELETE FROM event_runs WHERE id = '{empty}'"],
        ["Run {empty} is gone, and its journal does not say so"],
    ),
    "something deleted that is there": (
        ["UPDATE journal SET verb = 'run.deleted' WHERE object_id = '{empty}'"],
        ["Run {empty} is there, though its journal says that it was deleted"],
    ),
    "an entry about nothing known": (
        ["UPDATE journal SET object_type = 'pigeon' WHERE object_id = '{empty}'"],
        ["is about a pigeon, which is nothing known here"],
    ),
    "two entries with one number": (
        ["UPDATE journal SET sequence = (SELECT min(sequence) FROM journal) WHERE object_id = '{empty}'"],
        ["is stored 2 times"],
    ),
    "a snapshot that is no JSON": (
        ["UPDATE journal SET snapshot = '{{' WHERE object_id = '{empty}'"],
        ["has no proper JSON in its snapshot"],
    ),
    "a snapshot of something else": (
        ["""UPDATE journal SET snapshot = '{{"id":"r1","version":1}}' WHERE object_id = '{empty}'"""],
        ["is about version 1 of {empty}, but its snapshot is of another"],
    ),
    "a list of changes that is none": (
        ["""UPDATE journal SET changed = '"name"' WHERE object_id = '{empty}'"""],
        ["has no proper JSON in its changed"],
    ),
    "an idempotency key without an answer": (
        ["UPDATE idempotency_keys SET status = NULL"],
        ["An idempotency key made at 2026-03-01T09:00:00.000Z has no complete answer: its status is nothing"],
    ),
    "an idempotency key with half an answer": (
        ["UPDATE idempotency_keys SET body = NULL"],
        ["has no complete answer: its status is 201"],
    ),
    "an address": (
        ["UPDATE events SET address = '[1]' WHERE id = '{race}'"],
        ["Event {race} has no proper JSON in its address"],
    ),
    "a schedule that is no JSON": (
        ["UPDATE recurrences SET schedule = '{{' "],
        ["Recurrence {recurrence} has no proper JSON in its schedule"],
    ),
    "a schedule that contradicts itself": (
        ["""UPDATE recurrences SET schedule = '{{"frequency":"weekly","count":2,"until":"2026-12-01"}}'"""],
        ["Recurrence {recurrence} has a schedule with a wrong"],
    ),
    "a key's scopes": (["UPDATE api_keys SET scopes = 'all'"], ["API key {key} has no proper JSON in its scopes"]),
    "an organization's roles": (
        ["UPDATE organizations SET roles = '{{}}'"],
        ["Organization {organization} has no proper JSON in its roles"],
    ),
    "the form of an instant": (
        ["UPDATE event_runs SET registration_opens_at = '2026-03-01 09:00:00' WHERE id = '{empty}'"],
        ["Run {empty} has a malformed registration_opens_at"],
    ),
    "an instant in a thirteenth month": (
        ["UPDATE event_runs SET registration_opens_at = '2026-13-01T09:00:00.000Z' WHERE id = '{empty}'"],
        ["Run {empty} has a malformed registration_opens_at"],
    ),
    "an instant with a letter in it": (
        ["UPDATE journal SET at = '2026-03-01T09:00:0x.000Z' WHERE object_id = '{empty}'"],
        ["has a malformed at"],
    ),
    "the form of a date": (
        ["UPDATE event_runs SET starts_on = '1 March 26' WHERE id = '{empty}'"],
        ["Run {empty} has a malformed starts_on"],
    ),
    "the form of a wall time": (
        ["UPDATE events SET local_start = '9:00' WHERE id = '{race}'"],
        ["Event {race} has a malformed local_start"],
    ),
    "the mode": (
        ["UPDATE idempotency_keys SET mode = 'staging'"],
        ["is in the mode staging, which is neither live nor test"],
    ),
    "a name": (
        ["UPDATE groups SET name = NULL WHERE slug = 'sent-once'"],
        ["lacks its name"],
    ),
    "one slug for each event": (
        ["UPDATE events SET slug = 'race' WHERE slug = 'other'"],
        ["2 rows of events have slug race"],
    ),
    "one place in the feed for each entry": (
        ["UPDATE journal SET position = 1 WHERE object_id = '{empty}'"],
        ["2 rows of journal have position 1"],
    ),
    "a delivery of what the journal does not know": (
        ["UPDATE deliveries SET object_version = 99 WHERE type = 'group.created' AND webhook_id = '{active}'"],
        ["tells of version 99 of g", "tells of version 99 of g"],
    ),
    "a test without bytes": (
        ["UPDATE deliveries SET payload = NULL WHERE id = '{test}'"],
        ["Delivery {test} is a test that has nothing to send"],
    ),
    "a delivery for nobody": (
        [f"UPDATE deliveries SET webhook_id = 'w{NOBODY}' WHERE id = '{{test}}'"],
        [f"Delivery {{test}} is for the webhook w{NOBODY}, which is not there"],
    ),
    "a delivery that waits and has ended": (
        ["UPDATE deliveries SET ended_at = created_at WHERE id = '{test}'"],
        ["Delivery {test} is waiting, and ended at 2026-03-01T09:00:00.000Z"],
    ),
    "attempts that are none": (
        ["""UPDATE deliveries SET attempts = '[{{"at":1}}]' WHERE id = '{test}'"""],
        ["Delivery {test} has no proper JSON in its attempts"],
    ),
    "an id of a delivery": (
        ["UPDATE deliveries SET id = id || 'U' WHERE id = '{test}'"],
        ["Delivery {test}U has a malformed id"],
    ),
    "a short id of a delivery": (
        ["UPDATE deliveries SET id = 'd1' WHERE id = '{test}'"],
        ["Delivery d1 has a malformed id"],
    ),
    "a subscription of a disabled webhook": (
        [SUBSCRIBED.format(type="group.*", webhook="{disabled}")],
        ["The subscription of webhook {disabled} to group.* is there, though"],
    ),
    "a subscription of a deleted webhook": (
        [SUBSCRIBED.format(type="group.*", webhook="{deleted}")],
        ["The subscription of webhook {deleted} to group.* is there, though"],
    ),
    "a subscription of nobody": (
        [SUBSCRIBED.format(type="group.*", webhook=f"w{NOBODY}")],
        [f"The subscription of webhook w{NOBODY} to group.* is there, though"],
    ),
    "a subscription nobody asked for": (
        [SUBSCRIBED.format(type="run.*", webhook="{active}")],
        ["Webhook {active} wrongly hears of run.*"],
    ),
    "a subscription that is missing": (
        ["DELETE FROM webhook_subscriptions WHERE webhook_id = '{paused}' AND type = 'group.*'"],
        ["Webhook {paused} does not hear of group.*"],
    ),
    "all subscriptions of one that asked for everything": (
        ["DELETE FROM webhook_subscriptions WHERE webhook_id = '{everything}'"],
        ["Webhook {everything} does not hear of event.*, group.*, recurrence.*, registration.*, run.*, webhook.*"],
    ),
    "a webhook that is disabled since never": (
        ["UPDATE webhooks SET disabled_at = NULL WHERE id = '{disabled}'"],
        ["Webhook {disabled} is disabled, and was disabled at nothing"],
    ),
    "a webhook that has been failing since some time": (
        ["UPDATE webhooks SET failing_since = 'Monday' WHERE id = '{active}'"],
        ["Webhook {active} has a malformed failing_since"],
    ),
    "a webhook's types": (
        ["UPDATE webhooks SET types = '*' WHERE id = '{active}'"],
        ["Webhook {active} has no proper JSON in its types"],
    ),
    "a webhook deleted without a word": (
        [
            "UPDATE webhooks SET status = 'deleted', disabled_at = NULL, deleted_at = disabled_at WHERE id = '{disabled}'"
        ],
        ["Webhook {disabled} is gone, and its journal does not say so"],
    ),
    "a webhook that came back": (
        ["UPDATE webhooks SET status = 'paused', types = '[]', deleted_at = NULL WHERE id = '{deleted}'"],
        ["Webhook {deleted} is there, though its journal says that it was deleted"],
    ),
    "how far a task has come": (
        ["UPDATE tasks SET progress = 'half'"],
        ["Task {task} has no proper JSON in its progress"],
    ),
    "a task that has ended and runs": (
        ["UPDATE tasks SET ended_at = created_at"],
        ["Task {task} is running, and ended at 2026-03-01T09:00:00.000Z"],
    ),
    "when a lease ends": (
        ["UPDATE webhook_leases SET held_until = 'soon'"],
        ["The lease of webhook {active} has a malformed held_until"],
    ),
    "a sender twice": (
        ["INSERT INTO senders SELECT * FROM senders"],
        ["Sender sender is stored 2 times"],
    ),
    "a rule of the schema that has no words of its own": (
        ["UPDATE events SET type = 'picnic' WHERE id = '{race}'"],
        ["Event {race} breaks the rule type IN ("],
    ),
    "a key of a table": (
        [
            "INSERT INTO usage SELECT organization_id, mode, '2026-03-01', id, 1 FROM api_keys",
            "INSERT INTO usage SELECT organization_id, mode, '2026-03-01', id, 2 FROM api_keys",
        ],
        ["Usage of 2026-03-01 by key {key} is stored 2 times"],
    ),
}

# Entries wait beside what looks like a place, and rightly so.
RIGHTLY_WAITING = {
    "the run is closed by hand": "UPDATE event_runs SET sold_out = (1 = 1) WHERE id = '{full}'",
    "registration is paused": "UPDATE event_runs SET registration_override = 'paused' WHERE id = '{full}'",
    "the run is cancelled": "UPDATE event_runs SET event_status = 'cancelled' WHERE id = '{full}'",
    "the run is postponed": "UPDATE event_runs SET event_status = 'postponed' WHERE id = '{full}'",
    "registration opens later": (
        "UPDATE event_runs SET registration_opens_at = '2026-03-01T09:00:01.000Z' WHERE id = '{full}'"
    ),
    "registration has only just opened": (
        "UPDATE event_runs SET registration_opens_at = '2026-03-01T08:59:00.000Z' WHERE id = '{full}'"
    ),
    "registration is over": (
        "UPDATE event_runs SET registration_closes_at = '2026-03-01T09:00:00.000Z' WHERE id = '{full}'"
    ),
    "the event is full": "UPDATE events SET max_participants = 3 WHERE id = '{race}'",
    "their pace group is full": "UPDATE registrations SET pace_group = 'fast' WHERE id IN ('{cem}', '{dua}')",
}


def test_a_database_as_it_should_be_has_no_problem(lawful: tuple[str, dict[str, str]]) -> None:
    url, _ = lawful

    assert examine(url) == []


def test_rows_are_judged_the_same_without_the_constraints_that_held_them(lawless: tuple[str, dict[str, str]]) -> None:
    url, _ = lawless

    assert examine(url) == []


@pytest.mark.parametrize("broken", BREAKS)
def test_each_break_is_told_as_what_it_is(
    broken: str, lawless: tuple[str, dict[str, str]], copy: Callable[[str], str]
) -> None:
    statements, expected = BREAKS[broken]
    url, ids = copy(lawless[0]), lawless[1]
    run_sql(url, *(text.format(**ids) for text in statements))

    problems = examine(url)

    assert len(problems) == len(expected), problems
    for says in expected:
        assert any(says.format(**ids) in problem for problem in problems), problems
    assert all(re.fullmatch(r"[^@\n]+\.", problem) for problem in problems), problems


@pytest.mark.parametrize("why", RIGHTLY_WAITING)
def test_who_waits_for_a_reason_is_no_problem(
    why: str, lawless: tuple[str, dict[str, str]], copy: Callable[[str], str]
) -> None:
    url, ids = copy(lawless[0]), lawless[1]
    run_sql(url, MORE_ROOM.format(**ids), RIGHTLY_WAITING[why].format(**ids))

    assert examine(url) == []


def test_addresses_beyond_ascii_are_folded_as_the_server_folds_them(
    lawless: tuple[str, dict[str, str]], copy: Callable[[str], str]
) -> None:
    url, ids = copy(lawless[0]), lawless[1]
    run_sql(
        url,
        "UPDATE registrations SET email = 'ÄRGER@Straße.example', email_folded = 'ärger@strasse.example'"
        f" WHERE id = '{ids['eva']}'",
    )

    assert examine(url) == []


def test_of_many_problems_of_a_kind_twenty_are_told_and_the_rest_counted(
    lawless: tuple[str, dict[str, str]], copy: Callable[[str], str]
) -> None:
    url = copy(lawless[0])
    several = (
        f"INSERT INTO idempotency_keys SELECT organization_id, mode, 'key-{number}', fingerprint, NULL, NULL, NULL,"
        " created_at FROM idempotency_keys WHERE key = 'once'"
        for number in range(25)
    )
    run_sql(url, *several)

    problems = examine(url)

    assert len(problems) == 21
    assert problems[-1] == "There are 5 more like the last one."


def test_of_much_unreadable_json_twenty_are_told_and_the_rest_counted(
    lawless: tuple[str, dict[str, str]], copy: Callable[[str], str]
) -> None:
    url = copy(lawless[0])
    run_sql(url, "UPDATE journal SET snapshot = 'nothing'")

    problems = examine(url)

    assert len(problems) == 21
    assert re.fullmatch(r"There are \d+ more like the last one\.", problems[-1])


def test_a_problem_is_found_in_what_is_there_now_and_gone_when_it_is_mended(
    lawful: tuple[str, dict[str, str]], copy: Callable[[str], str]
) -> None:
    url, ids = copy(lawful[0]), lawful[1]
    with servers.application(url) as app:
        run_sql(url, f"UPDATE events SET confirmed = confirmed + 1 WHERE id = '{ids['race']}'")
        broken = app.run(doctor.examine(app.database, START))
        run_sql(url, f"UPDATE events SET confirmed = confirmed - 1 WHERE id = '{ids['race']}'")
        mended = app.run(doctor.examine(app.database, START))

    assert len(broken) == 1
    assert mended == []


def test_a_place_that_time_alone_frees_is_a_problem_only_when_nobody_gives_it_away(
    lawless: tuple[str, dict[str, str]], copy: Callable[[str], str]
) -> None:
    url, ids = copy(lawless[0]), lawless[1]
    opens = f"UPDATE event_runs SET registration_opens_at = '2026-03-01T09:00:00.000Z' WHERE id = '{ids['full']}'"
    run_sql(url, MORE_ROOM.format(**ids), opens)

    at_once, an_hour_later = examine(url, START), examine(url, START + timedelta(hours=1))

    assert at_once == []
    assert len(an_hour_later) == 2


class TestOnPostgres:
    @pytest.fixture(autouse=True)
    def _only(self, database_kind: str) -> None:
        if database_kind != "postgres":
            pytest.skip("PostgreSQL numbers journal entries by a sequence")

    def test_a_sequence_behind_the_journal_is_told(
        self, lawful: tuple[str, dict[str, str]], copy: Callable[[str], str]
    ) -> None:
        url = copy(lawful[0])
        run_sql(url, "SELECT setval('journal_sequence', 1)")

        problems = examine(url)

        assert len(problems) == 1
        assert problems[0].startswith("The sequence journal_sequence stands at 1, but the journal has entry ")

    def test_a_feed_that_would_number_anew_what_has_a_number_is_told(
        self, lawful: tuple[str, dict[str, str]], copy: Callable[[str], str]
    ) -> None:
        url = copy(lawful[0])
        run_sql(url, "UPDATE feeds SET position = 1")

        problems = examine(url)

        assert len(problems) == 1
        assert problems[0].startswith("The feed stands at 1, but the last entry that has a position has ")

    def test_entries_that_have_no_position_yet_are_no_problem(self, lawful: tuple[str, dict[str, str]]) -> None:
        url, _ = lawful
        [numbered, waiting] = databases.answers(
            url, ["SELECT 1 FROM journal WHERE position > 0", "SELECT 1 FROM journal WHERE position IS NULL"]
        )

        problems = examine(url)

        assert numbered
        assert len(waiting) > 1
        assert problems == []


class TestOnSQLite:
    @pytest.fixture(autouse=True)
    def _only(self, database_kind: str) -> None:
        if database_kind != "sqlite":
            pytest.skip("about the file")

    def test_sqlites_own_check_of_the_file_is_told(
        self, lawful: tuple[str, dict[str, str]], copy: Callable[[str], str]
    ) -> None:
        url = copy(lawful[0])
        overwrite(url, "ix_groups_status", at=3, with_=b"\0\0")  # an index that says it has no entries

        problems = examine(url)

        assert problems
        assert all(problem.startswith("SQLite finds the file damaged: ") for problem in problems)
        assert any("ix_groups_status" in problem for problem in problems)

    def test_an_entry_that_was_given_no_position_is_told(
        self, lawful: tuple[str, dict[str, str]], copy: Callable[[str], str]
    ) -> None:
        url, ids = copy(lawful[0]), lawful[1]
        run_sql(url, f"UPDATE journal SET position = NULL WHERE object_id = '{ids['empty']}'")

        problems = examine(url)

        assert len(problems) == 1
        assert "has no position in the feed" in problems[0]

    def test_references_that_lead_nowhere_are_told(
        self, lawful: tuple[str, dict[str, str]], copy: Callable[[str], str]
    ) -> None:
        url, ids = copy(lawful[0]), lawful[1]
        run_sql(
            url, f"UPDATE registrations SET event_run_id = 'r{NOBODY}' WHERE id = '{ids['eva']}'"
        )  # no foreign_keys pragma: nothing refuses it

        problems = examine(url)

        assert problems[0] == "SQLite finds references of registrations that lead to no row of event_runs: 1."
        assert len(problems) == 2

    def test_a_damaged_file_is_told_and_not_fallen_over(
        self, lawful: tuple[str, dict[str, str]], copy: Callable[[str], str]
    ) -> None:
        url = copy(lawful[0])
        overwrite(url, "events", at=0, with_=b"\xff" * 512)

        problems = examine(url)

        assert len(problems) >= 2
        assert problems[-1].startswith("SQLite cannot read the whole file, so not everything was examined: ")


def overwrite(url: str, name: str, *, at: int, with_: bytes) -> None:
    """Damage the first page of a table or an index, some bytes into it."""
    path = Path(url.removeprefix("sqlite:///"))
    page = databases.rows(url, f"SELECT rootpage FROM sqlite_schema WHERE name = '{name}'")[0][0]
    size = databases.rows(url, "PRAGMA page_size")[0][0]
    with path.open("r+b") as file:
        file.seek((page - 1) * size + at)
        file.write(with_)
