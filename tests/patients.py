"""A database for the doctor to examine: a small club in which every table has rows, and ways to ask and to do harm."""

import asyncio
from datetime import datetime

import apsw
import psycopg

from openintervals import doctor
from openintervals.db import named_by
from openintervals.db.transaction import Write
from openintervals.platform import deliveries, senders, tasks, webhooks
from openintervals.platform.scopes import SCOPES
from openintervals.settings import Settings
from tests import clients
from tests.clients import found
from tests.servers import START, Application


def examine(url: str, now: datetime = START) -> list[str]:
    async def work() -> list[str]:
        database = named_by(Settings(database_url=url))
        await database.open()
        try:
            return await doctor.examine(database, now)
        finally:
            await database.close()

    return asyncio.run(work())


def run_sql(url: str, *statements: str) -> None:
    if url.startswith("sqlite"):
        connection = apsw.Connection(url.removeprefix("sqlite:///"))
        for text in statements:
            connection.execute(text)
        connection.close()
    else:
        with psycopg.connect(url) as connection_:
            for text in statements:
                connection_.execute(text.encode())


def scene(app: Application) -> dict[str, str]:
    """A small club in which every table has rows; gives the ids by which the breaks below name them."""
    api = clients.join(app)
    endpoints = make_webhooks(api)
    race = api.make_event(slug="race", address={"city": "Kiel"}, startTime="09:00")
    full = api.make_run(race, maxParticipants=2, paceGroups=[{"name": "fast", "maxParticipants": 1}])
    roomy = api.make_run(race, distanceLabel="Fun run")
    other = api.make_event(slug="other")
    offering = api.make_run(other, maxParticipants=1, waitlistOfferHours=24)
    empty = api.make_run(other, distanceLabel="Nobody yet", registrationOpensAt="2026-03-01T09:00:00Z")
    ids = {"race": race, "other": other, "full": full, "roomy": roomy, "offering": offering, "empty": empty}
    for name, run, fields in (
        ("ann", full, {"paceGroup": "fast"}),
        ("bob", full, {}),
        ("cem", full, {"status": "waitlist"}),
        ("dua", full, {"status": "waitlist"}),
        ("eva", roomy, {"status": "cancelled"}),
        ("fay", roomy, {}),
        ("gil", offering, {}),
        ("hal", offering, {"status": "waitlist"}),
    ):
        ids[name] = api.make_registration(run, email=f"{name.title()}@example.com", **fields)
    found(api.put(f"/registration/{ids['ann']}/bib", {"bibIdentifier": "7"}))
    found(api.patch(f"/registration/{ids['gil']}", {"status": "cancelled"}))
    group = api.make_group()
    assert api.put(f"/groups/{group}/events/{race}").status_code in (200, 204)
    ids["recurrence"] = api.make_recurrence(api.make_event(slug="weekly"), autoPublishHorizonWeeks=1)
    api.delete(f"/events/{api.make_event()}")
    assert api.get("/changes").status_code == 200  # whoever reads the feed numbers what has arrived
    api.post("/groups", {"name": "Sent once", "slug": "sent-once"}, idempotency_key="once")
    ids["everything"] = make_webhook(api, ["*"])  # last: it hears of nothing that a break takes away
    return {**ids, **endpoints, "organization": api.tenant.organization_id, "key": api.key_id}


def make_webhook(api: clients.Api, types: list[str]) -> str:
    async def work(tx: Write) -> str:
        url, scopes = "https://example.com/hook", frozenset(SCOPES)
        made, _ = await webhooks.create(tx, dialect="partner", url=url, types=types, key_id=api.key_id, scopes=scopes)
        return made.id

    return api.app.write(work, api.tenant)


def make_webhooks(api: clients.Api) -> dict[str, str]:
    """An endpoint in each state there is, and whatever else belongs to them; they hear of groups."""
    made = {
        name: make_webhook(api, ["group.*", "webhook.disabled"]) for name in ("active", "paused", "disabled", "deleted")
    }

    async def work(tx: Write) -> dict[str, str]:
        active, paused, disabled, deleted = [await webhooks.lock(tx, id_) for id_ in made.values()]
        await webhooks.change(tx, paused, {"status": "paused"}, key_id=api.key_id, scopes=frozenset(SCOPES))
        await webhooks.disable(tx, disabled, webhooks.GONE)
        await webhooks.remove(tx, deleted)
        await senders.say_alive(tx, "sender")
        await senders.take(tx, "sender", active.id)
        task = await tasks.start(tx, "replay", active.id, {"since": "2026-03-01T08:00:00.000Z"})
        return {"test": await deliveries.put_test(tx, active, "webhook.test", b"{}"), "task": task.id}

    return {**made, **api.app.write(work, api.tenant)}
