"""Our own server as a contestant: its command, its keys, its database filled through the real schema.

Authentication, limits, request log, metrics, journal and the worker are all on while it is measured; only
the limits' numbers are raised, so that they are counted and never reached.
"""

import itertools
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks import data, load, servers
from openintervals import instants

COMMAND = (str(servers.COMMANDS / "openintervals"),)
# Limits are counted and never reached; the pool is as large as that of the yardstick *usual*.
_ENVIRONMENT = {
    "OPENINTERVALS_RATE_LIMITS": "enterprise=100000000/minute:100000000,athlete=100000000/minute:100000000",
    "OPENINTERVALS_DATABASE_POOL": "32",
}


class Store(NamedTuple):
    """A database of ours: a folder for SQLite, or a PostgreSQL URL."""

    place: str

    @property
    def on_sqlite(self) -> bool:
        return not self.place.startswith("postgres")

    @property
    def option(self) -> list[str]:
        return ["--data" if self.on_sqlite else "--database-url", self.place]

    @property
    def sqlite_path(self) -> str:
        return str(Path(self.place) / "openintervals.db")


class Filled(NamedTuple):
    """A store with its content in it, and a key of its first organization."""

    store: Store
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def fill(store: Store, *, registrations: bool = False) -> Filled:
    """Make the database, its organizations and a key through the command line, and its content in bulk."""
    if not store.on_sqlite:
        run("migrate", *store.option)
    organizations = [
        str(json_of("organization", "create", "--name", f"Club {n}", "--slug", f"club-{n}", *store.option)["id"])
        for n in range(data.ORGANIZATIONS)
    ]
    key = json_of("key", "create", "--organization", "club-0", "--mode", "live", "--all-scopes", *store.option)["key"]
    fill_product(store, organizations, registrations=registrations)
    (data.settle_sqlite(store.sqlite_path, analyze=False) if store.on_sqlite else data.settle_postgres(store.place))
    return Filled(store, str(key))


def fill_product(store: Store, organizations: Sequence[str], *, registrations: bool) -> None:
    """Put the events and runs, and the registrations if wanted, into our own tables, in mode `live`.

    `organizations[event.organization]` is the owner of an event; runs and registrations belong to the first
    organization. With registrations, the counts of confirmed ones must say so too, as `doctor` would rightly
    complain otherwise.
    """
    _insert(store, "events", (_event(event, organizations[event.organization]) for event in data.events()))
    owner = organizations[0]
    _insert(store, "event_runs", (_run_row(run, owner) for run in data.runs()))
    if registrations:
        _insert(store, "registrations", (_registration(one, owner) for one in data.registrations()))
        # What the server would have counted, had it taken these registrations one by one.
        *_, run = data.runs()
        for table, row_id in (("event_runs", run.id), ("events", run.event_id)):
            count = f"UPDATE {table} SET confirmed = {data.REGISTRATIONS} WHERE id = '{row_id}'"
            (
                data.execute_sqlite(store.sqlite_path, count)
                if store.on_sqlite
                else data.execute_postgres(store.place, count)
            )


def _run_row(run: data.Run, organization: str) -> dict[str, Any]:
    created = instants.text(run.created_at)
    return {
        "organization_id": organization,
        "mode": "live",
        "id": run.id,
        "event_id": run.event_id,
        "distance_m": 5000,
        "distance_standard": "5K",
        "distance_label": "5K",
        "starts_on": run.date,
        "local_start": run.start_time,
        "sold_out": False,
        "edited": False,
        "confirmed": 0,
        "offered": 0,
        "created_at": created,
        "updated_at": created,
        "version": 1,
    }


def _registration(one: data.Registration, organization: str) -> dict[str, Any]:
    created = instants.text(one.created_at)
    return {
        "organization_id": organization,
        "mode": "live",
        "id": one.id,
        "event_id": one.event_id,
        "event_run_id": one.run_id,
        "email": one.email,
        "email_folded": one.email.casefold(),
        "name": one.name,
        "registration_type": "free",
        "status": "confirmed",
        "bib_pinned": False,
        "created_at": created,
        "updated_at": created,
        "version": 1,
    }


def _event(event: data.Event, organization: str) -> dict[str, Any]:
    created = instants.text(event.created_at)
    return {
        "organization_id": organization,
        "mode": "live",
        "id": event.id,
        "name": event.name,
        "slug": event.slug,
        "type": event.type,
        "starts_on": event.date,
        "local_start": event.start_time,
        "address": event.address,
        "lat": event.lat,
        "lng": event.lng,
        "description": event.description,
        "website_url": event.website_url,
        "registration_url": event.registration_url,
        "confirmed": 0,
        "offered": 0,
        "created_at": created,
        "updated_at": created,
        "version": 1,
    }


def _insert(store: Store, table: str, rows: Iterator[dict[str, Any]]) -> None:
    """Bulk insert rows that all name the same columns; columns left out are null."""
    first = next(rows)
    values = (list(row.values()) for row in itertools.chain([first], rows))
    if store.on_sqlite:
        data.insert_sqlite(store.sqlite_path, table, list(first), values)
    else:
        data.insert_postgres(store.place, table, list(first), values)


def page(server: servers.Server, filled: Filled, query: str = "limit=50") -> load.Request:
    """GET /events."""
    return load.Request(f"{server.url}/partner/events?{query}", filled.headers)


def registering(server: servers.Server, filled: Filled) -> load.Request:
    """POST /registration, somebody new each time."""
    return load.Request(f"{server.url}/partner/registration", filled.headers, tuple(data.run_ids()))


@contextmanager
def serving(
    filled: Filled,
    log: Path,
    *,
    command: Sequence[str] = COMMAND,
    environment: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
) -> Iterator[servers.Server]:
    """Our server on a filled store: one serving process, which does the background work too, unless told otherwise."""
    port = servers.free_port()
    with servers.serving(
        [*command, "serve", *filled.store.option, "--port", str(port), "--workers", "1", *arguments],
        port=port,
        ready="/readyz",
        log=log,
        environment=_ENVIRONMENT | dict(environment or {}),
    ) as server:
        yield server


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process of ours that is not a server."""
    return {**os.environ, **_ENVIRONMENT, **more}


def json_of(*arguments: str) -> dict[str, Any]:
    """What a command prints with --json. Raises load.Failed."""
    return msgspec.json.decode(run(*arguments, "--json"), type=dict[str, Any])


def has(command: str) -> bool:
    """Whether our command line has a command."""
    done = subprocess.run([*COMMAND, command, "--help"], capture_output=True, check=False, cwd=servers.ROOT)
    return done.returncode == 0


def activities_of(store: Store) -> int:
    """How many activities a SQLite store holds."""
    return data.count_sqlite(store.sqlite_path, "activities")


def run(*arguments: str) -> str:
    """What a command prints. Raises load.Failed with its complaint."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, cwd=servers.ROOT)
    if done.returncode:
        raise load.Failed(f"openintervals {' '.join(arguments[:2])}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
