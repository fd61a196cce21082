"""Yardstick *bare*: what one page costs with nothing around it. ASGI by hand on Granian, the standard
library's sqlite3, msgspec.

`GET /events?limit=50` answers the published page: newest first by id, `{"data": [...], "hasMore": ...}`,
absent fields left out. No authentication, no limits, no logging, no metrics, no framework; the organization
whose events it serves comes from the environment, where a real server takes it from the key.

    BARE_DATABASE=FILE BARE_ORGANIZATION=ID granian --interface asgi --loop uvloop benchmarks.bare:app
"""

import os
import sqlite3
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from benchmarks import data

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Clustered by organization and id, so that a page is one walk over neighbouring rows.
SCHEMA = """
CREATE TABLE events (
    organization_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, slug TEXT NOT NULL,
    type TEXT NOT NULL, date TEXT NOT NULL, start_time TEXT, address TEXT, lat REAL, lng REAL,
    description TEXT, website_url TEXT, registration_url TEXT,
    PRIMARY KEY (organization_id, id)
) WITHOUT ROWID
"""
PAGE = """
SELECT id, name, slug, type, date, organization_id, start_time, lat, lng, description, website_url,
    registration_url, address
FROM events WHERE organization_id = ? ORDER BY id DESC LIMIT ?
"""


class Event(msgspec.Struct, rename="camel", omit_defaults=True):
    """An event as the contract spells it; None is left out."""

    id: str = msgspec.field(name="_id")
    name: str
    slug: str
    type: str
    date: str
    organization_id: str
    start_time: str | None = None
    lat: float | None = None
    lng: float | None = None
    description: str | None = None
    website_url: str | None = None
    registration_url: str | None = None
    address: msgspec.Raw | None = None


class Page(msgspec.Struct, rename="camel"):
    data: list[Event]
    has_more: bool


class App:
    """The whole program: one connection, one statement, one encoder."""

    def __init__(self) -> None:
        self.organization = os.environ.get("BARE_ORGANIZATION", "")
        self.encode = msgspec.json.Encoder().encode
        self.connection: sqlite3.Connection | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["type"] == "http":
            status, body = self.answer(scope)
            await send(
                {
                    "type": "http.response.start",
                    "status": status,
                    "headers": [
                        (b"content-type", b"application/json"),
                        (b"content-length", str(len(body)).encode()),
                    ],
                }
            )
            await send({"type": "http.response.body", "body": body})

    async def lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                # Opened here because the connection must belong to the thread that serves.
                path = os.environ["BARE_DATABASE"]
                self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
                await send({"type": "lifespan.startup.complete"})
            else:
                await send({"type": "lifespan.shutdown.complete"})
                return

    def answer(self, scope: Message) -> tuple[int, bytes]:
        if scope["path"] != "/events":
            return 404, b'{"error":{"code":"NOT_FOUND","message":"Not found"}}'
        given = parse_qs(scope["query_string"].decode()).get("limit", ["50"])[0]
        if not given.isdecimal() or not 1 <= int(given) <= 100:
            return 422, b'{"error":{"code":"VALIDATION_ERROR","message":"Invalid request parameters"}}'
        return 200, self.page(int(given))

    def page(self, limit: int) -> bytes:
        assert self.connection is not None
        rows = self.connection.execute(PAGE, (self.organization, limit + 1)).fetchall()
        page = [event(row) for row in rows[:limit]]
        return self.encode(Page(page, len(rows) > limit))


def event(row: tuple[Any, ...]) -> Event:
    found = Event(*row[:-1])
    if row[-1] is not None:
        found.address = msgspec.Raw(row[-1].encode())
    return found


def fill(path: str) -> None:
    """Make the database file."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(SCHEMA)
    connection.commit()
    connection.close()
    columns = [field for field in data.Event._fields if field not in ("organization", "created_at")]
    data.insert_sqlite(
        path,
        "events",
        ["organization_id", *columns],
        ([data.organization_id(event.organization), event.id, *event[2:-1]] for event in data.events()),
    )
    data.settle_sqlite(path)


app = App()
