"""The feed under writers that overlap: one order for everybody, nothing twice, nothing missed, and each look bounded."""

import asyncio
import itertools
import json
import random
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import apsw
import msgspec
import psycopg
import pytest

from openintervals.club import groups
from openintervals.db.statement import Statement
from openintervals.db.transaction import Tenant, Write
from openintervals.platform import feeds, journal
from openintervals.platform.scopes import READS
from tests import clients, databases, postgres, servers
from tests.clients import Api
from tests.servers import Application

WRITERS = 8
TURNS = 12
SHARED = ("first", "second", "third")
EVERYTHING = feeds.asked([], frozenset(READS.values()))
Seen = tuple[str, int]


async def part(
    app: Application, tenant: Tenant, after: int, limit: int = 100, asked: feeds.Asked = EVERYTHING
) -> feeds.Part:
    asking = app.asking(tenant)
    await feeds.number(app.database, asking, after=after, limit=limit)
    return await app.database.read(asking, lambda tx: feeds.follow(tx, asked, after=after, limit=limit))


async def rest(app: Application, tenant: Tenant, after: int = 0, limit: int = 100) -> list[feeds.Change]:
    """Everything after a position, page by page."""
    found: list[feeds.Change] = []
    while True:
        page = await part(app, tenant, after, limit)
        found += page.changes
        assert page.position >= after
        after = page.position
        if not page.has_more:
            return found


def told(changes: list[feeds.Change]) -> list[Seen]:
    return [(change.object_id, change.object_version) for change in changes]


def committed(api: Api, url: str) -> list[Seen]:
    """What the journal holds that a reader may see, in the order of sequence numbers."""
    mine = f"organization_id = '{api.tenant.organization_id}' AND mode = '{api.tenant.mode}'"
    sql = f"SELECT object_id, object_version FROM journal WHERE {mine} AND object_type NOT IN ('key', 'organization') ORDER BY sequence"
    return [(str(object_id), int(version)) for object_id, version in databases.rows(url, sql)]


async def linger(chance: random.Random) -> None:
    """Keep a transaction open while others get on, for a number of turns of the event loop and no time of its own."""
    for _ in range(chance.randrange(60)):
        await asyncio.sleep(0)


class Abandoned(Exception):
    """A writer changes its mind after it has written."""


async def write_something(tx: Write, chance: random.Random) -> None:
    """Make a group, change one or two that all writers share, delete one's own, or think better of it; and linger in between."""
    await linger(chance)
    kind = chance.choice(["make", "change", "change both", "make and delete", "abandon"])
    if kind in ("make", "make and delete", "abandon"):
        slug = f"own-{chance.getrandbits(60):x}"
        await groups.create(tx, {"name": "Own", "slug": slug, "status": "active"})
        made = await groups.lock(tx, slug)
        await linger(chance)
        if kind == "abandon":
            raise Abandoned
        if kind == "make and delete":
            await groups.remove(tx, made)
    else:
        for slug in sorted(chance.sample(SHARED, 2 if kind == "change both" else 1)):
            group = await groups.lock(tx, slug)
            await linger(chance)
            await groups.change(tx, group, {"name": f"Name {chance.getrandbits(60):x}"})
            await groups.lock(tx, slug)
            await linger(chance)


@pytest.mark.parametrize("seed", range(3))
def test_pg_4_a_reader_sees_every_change_exactly_once_and_in_order_while_eight_write(
    api: Api, app: Application, module_url: str, database_kind: str, seed: int
) -> None:
    async def writer(number: int) -> None:
        chance = random.Random(f"{seed}/{number}")
        for _ in range(TURNS):
            try:
                await app.database.write(app.asking(api.tenant), lambda tx: write_something(tx, chance))
            except Abandoned:
                continue

    async def reader(writing: asyncio.Future[Any], limit: int) -> list[Seen]:
        seen: list[Seen] = []
        position = 0
        while True:
            ended = writing.done()
            page = await part(app, api.tenant, position, limit)
            seen += told(page.changes)
            position = page.position
            if ended and not page.has_more:
                return seen
            await asyncio.sleep(0)  # a look at SQLite lets nobody else go on

    async def everybody() -> list[list[Seen]]:
        writing = asyncio.ensure_future(asyncio.gather(*map(writer, range(WRITERS))))
        readers = [asyncio.create_task(reader(writing, limit)) for limit in (1, 7, 100)]
        await writing
        return await asyncio.gather(*readers)

    for slug in SHARED:
        api.make_group(slug=slug)

    seen, *others = app.run(everybody())

    by_sequence = committed(api, module_url)
    assert len(seen) == len(set(seen))
    assert set(seen) == set(by_sequence)
    for object_id in {object_id for object_id, _ in seen}:
        versions = [version for other, version in seen if other == object_id]
        assert versions == list(range(1, len(versions) + 1))
    assert others == [seen, seen]
    assert told(app.run(rest(app, api.tenant))) == seen
    # Where one writer works at a time, sequence numbers are the order. On PostgreSQL they mostly are not, but chance alone decides that here;
    # a test of its own below brings it about.
    if database_kind == "sqlite":
        assert seen == by_sequence


def test_what_was_committed_before_a_reader_came_is_what_the_reader_sees(api: Api, app: Application) -> None:
    position = 0
    for _ in range(3):
        group = api.get(f"/groups/{api.make_group()}").json()["data"]["_id"]

        page = app.run(part(app, api.tenant, position))

        assert told(page.changes) == [(group, 1)]
        assert not page.has_more
        position = page.position


@pytest.fixture
def overlapping(cluster: postgres.Cluster) -> Iterator[tuple[Api, str]]:
    """A client on PostgreSQL, where writers overlap, and its database."""
    url = cluster.create_database()
    with servers.application(url) as app:
        yield clients.join(app), url
    cluster.drop_database(url)


async def held(
    app: Application, tenant: Tenant, work: Callable[[Write], Awaitable[None]]
) -> tuple[asyncio.Event, asyncio.Task[None]]:
    """A transaction that has done its work and waits, uncommitted, for the event; and the task it is."""
    done, go = asyncio.Event(), asyncio.Event()

    async def all_of_it(tx: Write) -> None:
        await work(tx)
        done.set()
        await go.wait()

    task = asyncio.create_task(app.database.write(app.asking(tenant), all_of_it))
    await done.wait()
    return go, task


async def make(tx: Write, slug: str) -> None:
    await groups.create(tx, {"name": "Group", "slug": slug, "status": "active"})
    await groups.get(tx, slug)  # a question: what was put has left by then, and has its number


def test_who_drew_a_number_first_and_commits_last_is_not_missed(overlapping: tuple[Api, str]) -> None:
    api, url = overlapping
    app = api.app

    async def story() -> tuple[feeds.Part, feeds.Part]:
        go, slow = await held(app, api.tenant, lambda tx: make(tx, "slow"))
        await app.database.write(app.asking(api.tenant), lambda tx: make(tx, "quick"))
        between = await part(app, api.tenant, 0)
        go.set()
        await slow
        return between, await part(app, api.tenant, between.position)

    between, afterwards = app.run(story())

    slow, quick = (api.get(f"/groups/{slug}").json()["data"]["_id"] for slug in ("slow", "quick"))
    assert committed(api, url) == [(slow, 1), (quick, 1)]
    assert told(between.changes) == [(quick, 1)]
    assert told(afterwards.changes) == [(slow, 1)]
    assert told(app.run(rest(app, api.tenant))) == [(quick, 1), (slow, 1)]


def test_an_object_s_versions_are_in_order_though_the_later_one_s_transaction_is_the_older(
    overlapping: tuple[Api, str],
) -> None:
    api, url = overlapping
    app = api.app
    shared = api.get(f"/groups/{api.make_group(slug='shared')}").json()["data"]["_id"]

    async def rename(tx: Write, name: str) -> None:
        await groups.change(tx, await groups.lock(tx, "shared"), {"name": name})

    async def story() -> None:
        wrote, locked = asyncio.Event(), asyncio.Event()

        async def older(tx: Write) -> None:
            await make(tx, "older")
            wrote.set()
            await locked.wait()
            await rename(tx, "Third")

        task = asyncio.create_task(app.database.write(app.asking(api.tenant), older))
        await wrote.wait()
        go, younger = await held(app, api.tenant, lambda tx: rename(tx, "Second"))
        locked.set()
        go.set()
        await asyncio.gather(task, younger)

    app.run(story())

    by_transaction = f"SELECT object_version FROM journal WHERE object_id = '{shared}' ORDER BY xmin::text::bigint"
    assert databases.rows(url, by_transaction) == [(1,), (3,), (2,)]
    seen = told(app.run(rest(app, api.tenant)))
    assert [version for object_id, version in seen if object_id == shared] == [1, 2, 3]


def test_readers_who_number_at_once_give_each_entry_one_place(overlapping: tuple[Api, str]) -> None:
    api, url = overlapping
    app = api.app
    for _ in range(5):
        api.make_group()

    async def together() -> list[feeds.Part]:
        return await asyncio.gather(*(part(app, api.tenant, 0) for _ in range(8)))

    pages = app.run(together())

    assert [told(page.changes) for page in pages] == [committed(api, url)] * 8
    places = databases.rows(url, f"SELECT position FROM journal WHERE {_mine(api)} ORDER BY position")
    assert places == [(number,) for number in range(1, len(places) + 1)]
    assert databases.rows(url, f"SELECT position FROM feeds WHERE {_mine(api)}") == [(len(places),)]


def test_a_feed_goes_on_from_the_positions_it_finds(overlapping: tuple[Api, str]) -> None:
    api, url = overlapping
    app = api.app
    for _ in range(3):
        api.make_group()
    before = app.run(rest(app, api.tenant))
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM feeds")  # as after moving in from SQLite, which keeps none
    api.make_group()

    after = app.run(rest(app, api.tenant))

    assert after[: len(before)] == before
    assert [change.position for change in after] == list(range(after[0].position, after[0].position + 4))


def _mine(api: Api) -> str:
    return f"organization_id = '{api.tenant.organization_id}' AND mode = '{api.tenant.mode}'"


def test_who_finds_nothing_new_writes_nothing(api: Api, app: Application, module_url: str, database_kind: str) -> None:
    api.make_group()
    position = app.run(part(app, api.tenant, 0)).position
    # On PostgreSQL a row's xmax shows who locked it last.
    touched = "SELECT 1" if database_kind == "sqlite" else f"SELECT xmin, xmax FROM feeds WHERE {_mine(api)}"
    before = databases.rows(module_url, touched), app.database.state(), databases.fingerprint(module_url, leave_out=())

    for after in (0, position):
        assert app.run(part(app, api.tenant, after)).changes == [] or after == 0
    with pytest.raises(feeds.CursorAhead):
        app.run(part(app, api.tenant, position + 1_000_000))

    assert before == (
        databases.rows(module_url, touched),
        app.database.state(),
        databases.fingerprint(module_url, leave_out=()),
    )


def test_who_has_enough_ahead_does_not_number_what_has_arrived(overlapping: tuple[Api, str]) -> None:
    api, url = overlapping
    app = api.app
    for _ in range(4):
        api.make_group()
    app.run(rest(app, api.tenant))
    api.make_group()
    arrived = f"SELECT count(*) FROM journal WHERE {_mine(api)} AND position IS NULL"

    first = app.run(part(app, api.tenant, 0, limit=2))

    assert len(first.changes) == 2
    assert first.has_more
    assert databases.rows(url, arrived) == [(1,)]
    assert len(app.run(rest(app, api.tenant, limit=2))) == 5
    assert databases.rows(url, arrived) == [(0,)]


# A feed that is long

MANY = feeds.LOOKED_MOST + 1_500


async def fill(tx: Write, verb: str, count: int) -> None:
    """Entries of the journal alone: what a busy year leaves."""
    entry = {
        "at": tx.now_text,
        "actor": "test",
        "verb": verb,
        "implies": "",
        "object_type": verb.partition(".")[0],
        "object_version": 1,
        "changed": "[]",
        "snapshot": "{}",
    }
    numbers = itertools.count()
    rows = [{**entry, "object_id": f"{verb}-{next(numbers)}"} for _ in range(count)]
    await tx.put_many(journal._insert(), rows)


@pytest.fixture(scope="module")
def busy(app: Application) -> Api:
    """An organization with very many changes of groups, then one of a run, then one of a group."""
    busy = clients.join(app)
    for verb, count in (("group.updated", MANY), ("run.updated", 1), ("group.created", 1)):
        app.write(lambda tx, verb=verb, count=count: fill(tx, verb, count), busy.tenant)  # type: ignore[misc]  # bound early
    return busy


def test_what_is_rare_is_found_behind_very_much_else_by_looks_that_are_bounded(busy: Api, app: Application) -> None:
    asked = feeds.asked(["run.updated"], frozenset(READS.values()))

    async def walk() -> list[feeds.Part]:
        pages = [await part(app, busy.tenant, 0, 10, asked)]
        while pages[-1].has_more:
            pages.append(await part(app, busy.tenant, pages[-1].position, 10, asked))
        return pages

    pages = app.run(walk())

    positions = [0, *(page.position for page in pages)]
    assert all(0 < after - before <= feeds.LOOKED_MOST for before, after in itertools.pairwise(positions))
    assert [change.verb for page in pages for change in page.changes] == ["run.updated"]
    assert len(pages) > 1
    assert pages[0].changes == []


def test_a_long_feed_is_read_through_by_pages_and_each_entry_is_there_once(busy: Api, app: Application) -> None:
    async def walk() -> list[int]:
        found: list[int] = []
        after = 0
        while True:
            page = await part(app, busy.tenant, after, 1_000)
            found += [change.position for change in page.changes]
            after = page.position
            if not page.has_more:
                return found

    found = app.run(walk())

    assert len(found) == MANY + 2
    assert found == list(range(found[0], found[0] + MANY + 2))


@pytest.mark.parametrize("measured", [False, True])
def test_a_look_finds_its_part_of_the_feed_in_the_index_whether_the_planner_knows_the_table_or_not(
    busy: Api, app: Application, module_url: str, database_kind: str, *, measured: bool
) -> None:
    app.run(part(app, busy.tenant, 0))
    if measured and database_kind == "postgres":
        with psycopg.connect(module_url) as connection:
            connection.execute("ANALYZE journal")

    for names in (0, 3):
        [step] = plan(module_url, feeds._slice(names), busy.tenant)
        assert re.search(r"uq_journal_position.*mode.*position\W* ?>.*position\W* ?<", step), step
    ends = plan(module_url, feeds._ends(), busy.tenant)
    assert len(ends) == 3
    assert all(re.search(r"uq_journal_position|ix_journal_arrived", step) for step in ends), ends
    if database_kind == "postgres":
        steps = plan(module_url, feeds._number(), busy.tenant)
        assert [json.loads(step).get("Index Name") for step in steps if "Tid" not in step] == ["ix_journal_arrived"]
        assert ["Tid" in step for step in steps].count(True) == 1, steps


def plan(url: str, statement: Statement, tenant: Tenant) -> list[str]:
    """How each table is read, one line for each, as the database says."""
    known: dict[str, Any] = {"organization_id": tenant.organization_id, "mode": tenant.mode}
    known |= {"after": 0, "until": feeds.SLICE, "row_limit": 51, "last": 0}
    if url.startswith("sqlite"):
        compiled = statement.sqlite
        parameters = dict.fromkeys(re.findall(r":(\w+)", compiled.sql), "x") | compiled.fixed | known
        connection = apsw.Connection(url.removeprefix("sqlite:///"), flags=apsw.SQLITE_OPEN_READONLY)
        found = connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", parameters).fetchall()
        connection.close()
        return [str(step) for *_, step in found if re.match(r"SEARCH|SCAN(?! CONSTANT)|USE TEMP", str(step))]
    compiled = statement.postgres
    parameters = dict.fromkeys(re.findall(r"%\((\w+)\)s", compiled.sql), "x") | compiled.fixed | known
    with psycopg.connect(url) as connection_:
        explain = f"EXPLAIN (FORMAT JSON) {compiled.sql}"
        [(explained,)] = connection_.execute(explain.encode(), parameters).fetchall()
    return list(_leaves(explained[0]["Plan"]))


def _leaves(node: dict[str, Any]) -> Iterator[str]:
    if "Scan" in node["Node Type"] and "Plans" not in node:
        yield json.dumps({key: node[key] for key in ("Node Type", "Index Name", "Index Cond") if key in node})
    for child in node.get("Plans", []):
        yield from _leaves(child)


# What is asked for, and under which type a change is shown

ALL = frozenset(READS.values())


@pytest.mark.parametrize(
    ("types", "scopes", "kinds", "names"),
    [
        ([], {"read:groups"}, ("group",), ()),
        (["*"], {"read:events"}, ("event", "run"), ()),
        (["run.*", "event.created"], {"read:events"}, ("run",), ("event.created",)),
        (["run.*", "run.updated"], {"read:events"}, ("run",), ()),
        (["run.updated", "run.updated"], {"read:events"}, (), ("run.updated",)),
        (["registration.*", "registration.created"], {"read:events"}, (), ()),
        (["organization.created", "key.*"], ALL, (), ()),
        ([], set(), (), ()),
    ],
)
def test_what_is_asked_for_is_what_is_asked_and_may_be_read(
    types: list[str], scopes: set[str], kinds: tuple[str, ...], names: tuple[str, ...]
) -> None:
    assert feeds.asked(types, frozenset(scopes)) == feeds.Asked(kinds, names)


@pytest.mark.parametrize(
    ("types", "shown"),
    [
        (["registration.*"], "registration.promoted"),
        (["registration.updated", "registration.promoted"], "registration.promoted"),
        (["registration.updated"], "registration.updated"),
        (["registration.updated", "registration.confirmed"], "registration.confirmed"),
    ],
)
def test_a_change_is_shown_under_its_own_type_or_the_first_implied_one_that_was_asked_for(
    types: list[str], shown: str
) -> None:
    empty = msgspec.Raw(b"{}")
    change = feeds.Change(
        position=1,
        at="",
        verb="registration.promoted",
        implies="registration.confirmed registration.updated",
        object_type="registration",
        object_id="p1",
        object_version=2,
        changed=empty,
        snapshot=empty,
    )

    assert feeds.asked(types, ALL).type_of(change) == shown


@pytest.mark.parametrize("position", [0, 1, 31, 32, 5_000_000_000, 32**12 - 1])
def test_a_cursor_stands_for_its_position(position: int) -> None:
    cursor = feeds.cursor(position)

    assert re.fullmatch(feeds.CURSOR, cursor)
    assert feeds.position_of(cursor) == position


def test_cursors_sort_as_the_feed_does() -> None:
    positions = [0, 1, 9, 10, 31, 32, 1023, 1024, 10**9]

    cursors = [feeds.cursor(position) for position in positions]

    assert sorted(cursors) == cursors
