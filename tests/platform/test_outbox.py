"""The outbox: a change and what is to be sent of it are one, each endpoint hears what it asked for, and nobody hears what is not theirs.

Nothing is sent here: what waits is looked at as it is stored.
"""

import re
from collections import Counter
from typing import Any, NamedTuple

import pytest

from openintervals.club import bibs, enrolment, removals, waitlist
from openintervals.db.transaction import Write
from openintervals.platform import ids, sendings, webhooks
from openintervals.platform.scopes import READS
from tests import clients, databases
from tests.clients import Api, found
from tests.servers import Application

ANN = "ann@example.com"


ASKED: list[tuple[str, ...]] = [
    tuple(f"{kind}.*" for kind in READS),
    ("registration.*",),
    ("registration.cancelled", "registration.updated", "registration.deleted"),
    ("registration.*", "registration.updated", "registration.confirmed", "registration.cancelled"),
    ("registration.deleted", "run.updated"),
    ("run.*", "event.*", "run.updated"),
    ("recurrence.deleted", "group.*", "webhook.updated", "event.created"),
]


class Told(NamedTuple):
    """One delivery: under which type, of which version of what."""

    type: str
    object_id: str
    version: int


class Entry(NamedTuple):
    """A change as the journal has it."""

    verb: str
    implies: str
    object_type: str
    object_id: str
    version: int


def waiting(api: Api, webhook: str) -> list[Told]:
    """What waits for an endpoint, in the order in which it was put there."""
    return [Told(*row) for row in columns(api, webhook, "type, object_id, object_version")]


def columns(api: Api, webhook: str, names: str) -> list[tuple[Any, ...]]:
    return databases.rows(url(api), f"SELECT {names} FROM deliveries WHERE webhook_id = '{webhook}' ORDER BY id")


def types(api: Api, webhook: str) -> list[str]:
    return sorted(told.type for told in waiting(api, webhook))


def journal(api: Api) -> list[Entry]:
    """Everything that ever happened in the tenant."""
    sql = (
        "SELECT verb, implies, object_type, object_id, object_version FROM journal"
        f" WHERE organization_id = '{api.tenant.organization_id}' AND mode = '{api.tenant.mode}' ORDER BY sequence"
    )
    return [Entry(*row) for row in databases.rows(url(api), sql)]


def url(api: Api) -> str:
    return api.app.runtime.settings.database_url


def heard(entry: Entry, asked: tuple[str, ...]) -> list[Told]:
    """The rule once more, in plain words: the change under its own name if that or all of its object was asked for, and
    under each name it implies that was asked for."""
    own = [entry.verb] if entry.verb in asked or f"{entry.object_type}.*" in asked else []
    implied = [name for name in entry.implies.split() if name in asked]
    return [Told(name, entry.object_id, entry.version) for name in [*own, *implied]]


def assert_heard_as_the_journal_says(api: Api, hooks: dict[tuple[str, ...], str]) -> None:
    """Each endpoint has heard of everything it asked for since it was made, of each once, and of nothing else."""
    entries = journal(api)
    born = {entry.object_id: place for place, entry in enumerate(entries) if entry.verb == "webhook.created"}
    for asked, hook in hooks.items():
        since = entries[born[hook] + 1 :]
        assert sorted(waiting(api, hook)) == sorted(told for entry in since for told in heard(entry, asked))


def latest(api: Api, verb: str) -> Entry:
    return [entry for entry in journal(api) if entry.verb == verb][-1]


def disable(api: Api, webhook: str) -> None:
    async def work(tx: Write) -> None:
        await webhooks.disable(tx, await webhooks.lock(tx, webhook), webhooks.GONE)

    api.app.write(work, api.tenant)


def tell_a_story(api: Api) -> None:
    """Something of nearly everything that can happen."""
    event, other = api.make_event(), api.make_event(date="2026-03-02")
    small = api.make_run(event, maxParticipants=1, waitlistOfferHours=1)
    large = api.make_run(event, paceGroups=[{"name": "fast"}])
    comes, waits, next_ = (api.make_registration(small, status=status) for status in ("confirmed", *["waitlist"] * 2))
    found(api.post(f"/registration/{comes}/transfer", {"eventRunId": large}))
    api.app.clock.advance(2 * 3600)
    api.app.run(waitlist.settle_due(api.app.database, api.app.asking()))
    found(api.patch(f"/registration/{next_}", {"status": "confirmed"}))
    found(api.patch(f"/registration/{waits}", {"name": "Somebody", "status": "waitlist"}))
    found(api.patch(f"/runs/{small}", {"waitlistOfferHours": None, "maxParticipants": 2}))
    for method in ("POST", "DELETE"):
        assert api.send(method, f"/registration/{comes}/check-in").is_success
    late = api.make_registration(large)
    found(api.patch(f"/registration/{late}", {"status": "refunded"}))
    found(api.post(f"/events/{event}/bibs/assign"))
    found(api.patch(f"/runs/{large}", {"paceGroups": None}))
    group = api.make_group()
    assert api.put(f"/groups/{group}/events/{event}").status_code in (200, 204)
    recurrence = api.make_recurrence(other, autoPublishHorizonWeeks=1)
    assert api.post(f"/recurrences/{recurrence}/pause").status_code == 200
    assert api.delete(f"/recurrences/{recurrence}").status_code == 200
    disable(api, api.make_webhook("run.*"))
    assert api.delete(f"/events/{event}", cancelRegistrations="true").status_code == 204


def test_a_delivery_begins_as_one_that_waits_and_was_never_tried(api: Api) -> None:
    webhook = api.make_webhook("group.*")

    api.make_group()

    names = "state, reason, created_at, due_at, ended_at, again, tries, attempts, payload"
    [values] = columns(api, webhook, names)
    at = "2026-03-01T09:00:00.000Z"
    assert values == ("waiting", None, at, at, None, False, 0, "[]", None)


def test_ids_of_deliveries_are_all_different_and_sort_by_the_moment_they_were_made(api: Api, app: Application) -> None:
    hooks = [
        api.make_webhook("event.*", "run.*", "registration.*"),
        api.make_webhook("registration.*", "registration.confirmed"),
    ]
    for _ in range(3):
        app.clock.advance(1)
        api.make_registration(api.make_run(api.make_event()))

    rows = [row for hook in hooks for row in columns(api, hook, "id, created_at")]

    assert len({id_ for id_, _ in rows}) == len(rows) == 3 * (3 + 2)
    assert [at for _, at in sorted(rows)] == sorted(at for _, at in rows)
    assert all(re.fullmatch(f"{ids.DELIVERY}[{ids.ALPHABET}]{{20,60}}", id_) for id_, _ in rows)


class TestOneTransaction:
    def test_a_request_that_is_refused_leaves_no_delivery(self, api: Api) -> None:
        run = api.make_run(api.make_event(), maxParticipants=1)
        taken = api.make_registration(run)
        webhook = api.make_webhook("*")

        answers = [
            api.post("/registration", {"eventRunId": run, "email": ANN, "registrationType": "free"}),
            api.patch(f"/registration/{taken}", {"name": "Ann", "status": "cancelled", "checkedIn": True}),
            api.delete(f"/runs/{run}"),
        ]

        assert [answer.status_code for answer in answers] == [409, 409, 409]
        assert waiting(api, webhook) == []

    def test_what_is_rolled_back_at_the_last_moment_leaves_no_delivery(self, api: Api) -> None:
        run = api.make_run(api.make_event(), maxParticipants=1)
        webhook = api.make_webhook("*")

        async def work(tx: Write) -> None:
            await enrolment.register(tx, run, email=ANN, registration_type="free")
            assert len(await sendings.waiting(tx, webhook, ())) == 2
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            api.app.write(work, api.tenant)

        assert waiting(api, webhook) == []

    def test_a_request_that_is_repeated_is_told_once(self, api: Api) -> None:
        webhook = api.make_webhook("group.*")
        body = {"name": "Group", "slug": f"repeated-{webhook}"}

        answers = [api.post("/groups", body, idempotency_key="again").status_code for _ in range(3)]

        assert answers == [201, 201, 201]
        assert types(api, webhook) == ["group.created"]

    def test_a_change_that_changes_nothing_is_not_told(self, api: Api) -> None:
        event = api.make_event(name="Same")
        webhook = api.make_webhook("*")

        found(api.patch(f"/events/{event}", {"name": "Same"}))

        assert waiting(api, webhook) == []

    def test_two_who_change_one_object_at_once_are_told_one_after_the_other(self, api: Api) -> None:
        registration = api.make_registration(api.make_run(api.make_event()))
        webhook = api.make_webhook("registration.*")

        answers = api.together(
            [("PATCH", f"/registration/{registration}", {"json": {"name": f"Name {number}"}}) for number in range(8)]
        )

        assert {answer.status_code for answer in answers} == {200}
        told = waiting(api, webhook)
        assert sorted(one.version for one in told) == list(range(2, 10))
        assert {one.type for one in told} == {"registration.updated"}


class TestWhoHearsWhat:
    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            (["registration.created"], ["registration.created"]),
            (["registration.*"], ["registration.created"]),
            (["registration.created", "registration.*"], ["registration.created"]),
            (["registration.confirmed"], ["registration.confirmed"]),
            (["registration.*", "registration.confirmed"], ["registration.confirmed", "registration.created"]),
            (["registration.created", "registration.confirmed"], ["registration.confirmed", "registration.created"]),
            (["*"], ["registration.created", "run.sold_out"]),
            (["*", "run.updated"], ["registration.created", "run.sold_out", "run.updated"]),
            (["run.updated"], ["run.updated"]),
            (["run.*"], ["run.sold_out"]),
            (["registration.updated", "registration.waitlisted", "registration.deleted"], []),
            (["event.*", "group.*", "webhook.*"], []),
        ],
    )
    def test_of_a_registration_that_takes_the_last_place(self, asked: list[str], expected: list[str], api: Api) -> None:
        run = api.make_run(api.make_event(), maxParticipants=1)
        webhook = api.make_webhook(*asked)

        api.make_registration(run)

        assert types(api, webhook) == expected

    @pytest.mark.parametrize(
        ("status", "implied"),
        [
            ("confirmed", "registration.confirmed"),
            ("waitlist", "registration.waitlisted"),
            ("cancelled", "registration.cancelled"),
            ("refunded", "registration.refunded"),
        ],
    )
    def test_a_registration_that_is_made_is_told_as_what_it_is_too(self, status: str, implied: str, api: Api) -> None:
        run = api.make_run(api.make_event(), maxParticipants=0 if status == "waitlist" else None)
        every = [f"registration.{name}" for name in ("confirmed", "waitlisted", "cancelled", "refunded", "updated")]
        webhook = api.make_webhook(*every)

        api.make_registration(run, status=status)

        assert types(api, webhook) == [implied]

    def test_a_promotion_is_a_confirmation_and_an_update(self, api: Api) -> None:
        run = api.make_run(api.make_event(), maxParticipants=1)
        comes, waits = api.make_registration(run), api.make_registration(run, status="waitlist")
        names = ["registration.promoted", "registration.confirmed", "registration.updated", "registration.*"]
        hooks = [api.make_webhook(name) for name in names]
        both = api.make_webhook(*names)

        found(api.patch(f"/registration/{comes}", {"status": "cancelled"}))

        of_waits = [[told for told in waiting(api, hook) if told.object_id == waits] for hook in [*hooks, both]]
        promoted, confirmed, updated, everything, all_of_them = of_waits
        assert promoted == everything == [Told("registration.promoted", waits, 2)]
        assert confirmed == [Told("registration.confirmed", waits, 2)]
        assert updated == [Told("registration.updated", waits, 2)]
        assert sorted(all_of_them) == sorted([*promoted, *confirmed, *updated])

    def test_an_offer_that_lapses_is_a_cancellation_and_an_update(self, api: Api, app: Application) -> None:
        run = api.make_run(api.make_event(), maxParticipants=1, waitlistOfferHours=1)
        comes, waits = api.make_registration(run), api.make_registration(run, status="waitlist")
        found(api.patch(f"/registration/{comes}", {"status": "cancelled"}))
        hooks = [api.make_webhook(f"registration.{name}") for name in ("offer_expired", "cancelled", "updated", "*")]
        app.clock.advance(2 * 3600)

        app.run(waitlist.settle_due(app.database, app.asking()))

        told = [[(one.type, one.object_id) for one in waiting(api, hook)] for hook in hooks]
        expired = ("registration.offer_expired", waits)
        assert told == [
            [expired],
            [("registration.cancelled", waits)],
            [("registration.updated", waits)],
            [expired],
        ]

    def test_an_endpoint_that_is_disabled_is_an_update_for_those_who_watch_endpoints(self, api: Api) -> None:
        watching, all_of_them = api.make_webhook("webhook.updated"), api.make_webhook("webhook.*")
        webhook = api.make_webhook("group.*")

        disable(api, webhook)

        version = latest(api, "webhook.disabled").version
        assert waiting(api, watching)[-1] == Told("webhook.updated", webhook, version)
        assert waiting(api, all_of_them)[-1] == Told("webhook.disabled", webhook, version)

    def test_everything_is_what_the_key_may_read(self, api: Api) -> None:
        clerk = api.with_scopes("read:groups", "read:webhooks", "write:webhooks")
        webhook = clerk.make_webhook("*")

        api.make_registration(api.make_run(api.make_event()))
        api.make_group()

        assert types(api, webhook) == ["group.created"]

    def test_neither_another_organization_nor_the_other_mode_hears_anything(
        self, api: Api, other_tenants: list[Api]
    ) -> None:
        own = api.make_webhook("*")
        others = [(other, other.make_webhook("*")) for other in other_tenants]

        api.make_group()

        assert types(api, own) == ["group.created"]
        assert [waiting(other, webhook) for other, webhook in others] == [[], []]

    def test_changes_of_keys_and_organizations_are_told_to_nobody(self, api: Api) -> None:
        webhook = api.make_webhook("*")

        api.with_scopes("read:events")

        assert waiting(api, webhook) == []

    def test_of_a_long_story_each_hears_what_the_journal_says_and_nothing_else(self, api: Api) -> None:
        hooks = {asked: api.make_webhook(*asked) for asked in ASKED}

        tell_a_story(api)

        assert {entry.object_type for entry in journal(api)} > set(READS)
        assert_heard_as_the_journal_says(api, hooks)

    @pytest.fixture
    def other_tenants(self, api: Api, app: Application) -> list[Api]:
        return [clients.join(app), api.in_mode("test")]


class TestStates:
    def test_one_that_is_paused_hears_and_keeps_what_happens_for_later(self, api: Api) -> None:
        webhook = api.make_webhook("group.*")
        found(api.patch(f"/webhooks/{webhook}", {"status": "paused"}))

        api.make_group()

        assert types(api, webhook) == ["group.created"]

    def test_one_that_is_disabled_hears_nothing_until_it_is_active_again(self, api: Api) -> None:
        webhook = api.make_webhook("group.*")
        disable(api, webhook)
        api.make_group()
        unheard = waiting(api, webhook)
        found(api.patch(f"/webhooks/{webhook}", {"status": "active"}))

        api.make_group()

        assert unheard == []
        assert types(api, webhook) == ["group.created"]

    def test_one_that_was_deleted_hears_nothing(self, api: Api) -> None:
        webhook = api.make_webhook("*")
        assert api.delete(f"/webhooks/{webhook}").status_code == 204

        api.make_group()

        assert waiting(api, webhook) == []

    def test_one_that_asks_for_other_types_hears_of_those_from_then_on(self, api: Api) -> None:
        webhook = api.make_webhook("group.*")
        api.make_group()
        found(api.patch(f"/webhooks/{webhook}", {"types": ["event.created"]}))

        api.make_group()
        api.make_event()

        assert types(api, webhook) == ["event.created", "group.created"]


class TestVeryManyAtOnce:
    @pytest.mark.parametrize("what", ["event", "run"])
    def test_each_registration_that_goes_with_its_event_or_run_is_told_exactly_once(self, what: str, api: Api) -> None:
        event = api.make_event()
        run = api.make_run(event, maxParticipants=60)
        statuses = [*["confirmed"] * 60, *["waitlist"] * 60, *["cancelled"] * 60, *["refunded"] * 60]

        async def fill(tx: Write) -> None:
            for number, status in enumerate(statuses):
                email = f"{number}@example.com"
                await enrolment.register(tx, run, email=email, registration_type="free", status=status)

        api.app.write(fill, api.tenant)
        hooks = {asked: api.make_webhook(*asked) for asked in ASKED}
        before = len(journal(api))

        gone = api.delete(f"/{what}s/{event if what == 'event' else run}", cancelRegistrations="true")

        assert gone.status_code == 204
        written = journal(api)[before:]
        assert len(statuses) > removals.BATCH
        verbs = Counter(entry.verb for entry in written)
        assert (verbs["registration.cancelled"], verbs["registration.deleted"]) == (120, 240)
        assert_heard_as_the_journal_says(api, hooks)

    def test_bibs_given_to_everybody_are_told_one_by_one(self, api: Api) -> None:
        event = api.make_event()
        run = api.make_run(event)
        comes = [api.make_registration(run) for _ in range(20)]
        webhook = api.make_webhook("registration.updated")

        api.app.write(lambda tx: bibs.assign_all(tx, event, None), api.tenant)

        assert waiting(api, webhook) == [Told("registration.updated", one, 2) for one in comes]
