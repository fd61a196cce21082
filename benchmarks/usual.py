"""Yardstick *usual*: the same two operations as a good engineer following the tutorials writes them.

FastAPI, pydantic models, SQLAlchemy's asynchronous ORM over aiosqlite (WAL, synchronous=FULL) or asyncpg,
uvicorn; one process. A key look-up (SHA-256, one query) guards both operations, as a dependency. There is
no rate limit, no request log, no metrics, no journal and no idempotency record, which the server measured
against it all has.

Care was taken that nothing here is slower than it needs to be: one session per request, pools as large as the
load, uvloop and httptools when they are installed, and on SQLite one writing connection, since a pool of
them would only fight for the lock.

    USUAL_DATABASE=sqlite+aiosqlite:///FILE uvicorn benchmarks.usual:app --no-access-log
"""

import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks import data

KEY = "usual-key-for-benchmarks-alone"
POOL = 32


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: sa.JSON}  # noqa: RUF012 - SQLAlchemy's own spelling


class ApiKey(Base):
    __tablename__ = "api_keys"
    hash: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    revoked: Mapped[bool] = mapped_column(default=False)


class Event(Base):
    __tablename__ = "events"
    __table_args__ = (sa.Index("events_newest", "organization_id", "id"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    name: Mapped[str]
    slug: Mapped[str]
    type: Mapped[str]
    date: Mapped[str]
    start_time: Mapped[str | None]
    address: Mapped[dict[str, Any] | None]
    lat: Mapped[float | None]
    lng: Mapped[float | None]
    description: Mapped[str | None]
    website_url: Mapped[str | None]
    registration_url: Mapped[str | None]


class EventRun(Base):
    __tablename__ = "event_runs"
    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    event_id: Mapped[str]
    date: Mapped[str]
    start_time: Mapped[str]
    status: Mapped[str]
    registration_opens: Mapped[str | None]
    registration_closes: Mapped[str | None]
    max_participants: Mapped[int | None]


class Registration(Base):
    __tablename__ = "registrations"
    __table_args__ = (
        sa.Index(
            "registrations_active",
            "run_id",
            "email_folded",
            unique=True,
            sqlite_where=sa.text("status IN ('confirmed', 'waitlist')"),
            postgresql_where=sa.text("status IN ('confirmed', 'waitlist')"),
        ),
        # For the look-up: a partial index does not serve conditions whose values are bound parameters.
        sa.Index("registrations_by_email", "run_id", "email_folded"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    event_id: Mapped[str]
    run_id: Mapped[str]
    email: Mapped[str]
    email_folded: Mapped[str]
    name: Mapped[str | None]
    type: Mapped[str]
    status: Mapped[str]
    pace_group: Mapped[str | None]
    notes: Mapped[str | None]


class Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class EventOut(Wire):
    id: str = Field(serialization_alias="_id")
    name: str
    slug: str
    type: Literal["race", "runClub", "timeTrial", "other"]
    date: str
    organization_id: str
    start_time: str | None = None
    address: dict[str, Any] | None = None
    lat: float | None = None
    lng: float | None = None
    description: str | None = None
    website_url: str | None = None
    registration_url: str | None = None


class EventPage(Wire):
    data: list[EventOut]
    has_more: bool


class RegistrationIn(Wire):
    event_run_id: str
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
    name: Annotated[str, Field(max_length=200)] | None = None
    registration_type: Literal["free", "paid"]
    status: Literal["confirmed", "cancelled", "waitlist", "refunded"] = "confirmed"
    pace_group: Annotated[str, Field(max_length=100)] | None = None
    notes: Annotated[str, Field(max_length=2000)] | None = None


class Registered(Wire):
    participant_id: str


class RegisteredAnswer(Wire):
    data: Registered


def _engines(url: str) -> tuple[AsyncEngine, AsyncEngine]:
    """One engine for reading and one for writing; on PostgreSQL they are the same."""
    if not url.startswith("sqlite"):
        engine = create_async_engine(url, pool_size=POOL)
        return engine, engine
    reading = create_async_engine(url, pool_size=POOL)
    writing = create_async_engine(url, pool_size=1, max_overflow=0)
    for engine in (reading, writing):
        sa.event.listen(engine.sync_engine, "connect", _make_durable)
    sa.event.listen(writing.sync_engine, "connect", _leave_begin_to_us)
    sa.event.listen(writing.sync_engine, "begin", _begin_immediate)
    return reading, writing


def _make_durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _leave_begin_to_us(connection: Any, _record: Any) -> None:
    connection.isolation_level = None


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


_reading, _writing = _engines(os.environ.get("USUAL_DATABASE", "sqlite+aiosqlite:///usual.db"))
_read = async_sessionmaker(_reading, expire_on_commit=False)
_write = async_sessionmaker(_writing, expire_on_commit=False)


async def session(request: Request) -> AsyncIterator[AsyncSession]:
    """The request's session: a request that changes something takes the writing side from its beginning."""
    async with (_read if request.method == "GET" else _write)() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


async def organization(opened: Session, bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    """The organization of the key that asks."""
    digest = hashlib.sha256(bearer.credentials.encode()).hexdigest()
    key = await opened.scalar(sa.select(ApiKey).where(ApiKey.hash == digest))
    if key is None or key.revoked:
        raise HTTPException(401, "Invalid API key")
    return key.organization_id


Organization = Annotated[str, Depends(organization)]
app = FastAPI()


@app.get("/events", response_model_exclude_none=True)
async def list_events(
    opened: Session,
    organization_id: Organization,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    after: str | None = None,
) -> EventPage:
    statement = (
        sa.select(Event).where(Event.organization_id == organization_id).order_by(Event.id.desc()).limit(limit + 1)
    )
    if after is not None:
        statement = statement.where(Event.id < after)
    found = (await opened.scalars(statement)).all()
    return EventPage(data=[EventOut.model_validate(event) for event in found[:limit]], has_more=len(found) > limit)


@app.post("/registration", status_code=201)
async def register(body: RegistrationIn, opened: Session, organization_id: Organization) -> RegisteredAnswer:
    run = await opened.scalar(
        sa.select(EventRun)
        .where(EventRun.id == body.event_run_id, EventRun.organization_id == organization_id)
        .with_for_update()
    )
    if run is None:
        raise HTTPException(404, "Event run not found")
    folded = body.email.strip().casefold()
    if body.status in ("confirmed", "waitlist"):
        check_open(run)
        await check_new(opened, run, folded)
    if body.status == "confirmed":
        await check_capacity(opened, run)
    registration = Registration(
        id=new_id(),
        organization_id=organization_id,
        event_id=run.event_id,
        run_id=run.id,
        email=body.email,
        email_folded=folded,
        name=body.name,
        type=body.registration_type,
        status=body.status,
        pace_group=body.pace_group,
        notes=body.notes,
    )
    opened.add(registration)
    await opened.commit()
    return RegisteredAnswer(data=Registered(participant_id=registration.id))


def check_open(run: EventRun) -> None:
    today = date.today().isoformat()  # noqa: DTZ011 - good enough for a yardstick, and cheaper
    if run.status != "scheduled":
        raise HTTPException(409, "The run does not take place")
    if run.registration_opens is not None and today < run.registration_opens:
        raise HTTPException(409, "Registration has not opened")
    if run.registration_closes is not None and today > run.registration_closes:
        raise HTTPException(409, "Registration has closed")


async def check_new(opened: AsyncSession, run: EventRun, folded: str) -> None:
    active = Registration.status.in_(("confirmed", "waitlist"))
    same = sa.select(Registration.id).where(Registration.run_id == run.id, Registration.email_folded == folded, active)
    if await opened.scalar(same) is not None:
        raise HTTPException(409, "Already registered")


async def check_capacity(opened: AsyncSession, run: EventRun) -> None:
    if run.max_participants is None:
        return
    confirmed = sa.select(sa.func.count()).where(Registration.run_id == run.id, Registration.status == "confirmed")
    if (await opened.scalar(confirmed) or 0) >= run.max_participants:
        raise HTTPException(409, "The run is sold out")


def new_id() -> str:
    """Time first, so that new rows go to the end of the index."""
    return f"p{time.time_ns() // 1_000_000:012x}{secrets.token_hex(5)}"


def fill(url: str) -> None:
    """Make the tables and the content, in a SQLite file (`sqlite:///FILE`) or a PostgreSQL database."""
    on_sqlite = url.startswith("sqlite:///")
    engine = sa.create_engine(url if on_sqlite else sa.make_url(url).set(drivername="postgresql+psycopg"))
    Base.metadata.create_all(engine)
    engine.dispose()
    where = url.removeprefix("sqlite:///")
    insert = data.insert_sqlite if on_sqlite else data.insert_postgres
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    insert(where, "api_keys", ["hash", "organization_id", "revoked"], [[digest, data.organization_id(0), False]])
    columns = [field for field in data.Event._fields if field not in ("organization", "created_at")]
    insert(
        where,
        "events",
        ["organization_id", *columns],
        ([data.organization_id(event.organization), event.id, *event[2:-1]] for event in data.events()),
    )
    insert(
        where,
        "event_runs",
        ["organization_id", "status", "id", "event_id", "date", "start_time"],
        ([data.organization_id(0), "scheduled", *run[:-1]] for run in data.runs()),
    )
    (data.settle_sqlite if on_sqlite else data.settle_postgres)(where)
