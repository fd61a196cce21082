"""Yardstick *plain*: streams, lists and season curves as a good engineer following the tutorials keeps and serves them.

FastAPI, pydantic models, SQLAlchemy's asynchronous ORM over aiosqlite, uvicorn with uvloop and httptools; one process. What
is looked for has columns, everything else of an activity is one JSON column, and so are the values of a stream and of a curve. Every
answer goes through its pydantic model. CSV is written by the standard library. A season's curve is the greatest value at each duration, in one
pass over the activities' curves. A key is looked up by its SHA-256 for each request. There are no limits, no log and no measurements, which the
server measured against it has.

It holds what our own server holds, copied from there.

    PLAIN_DATABASE=FILE uvicorn benchmarks.plain_training:app --no-access-log
"""

import csv
import hashlib
import io
import os
from collections.abc import AsyncIterator
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, FastAPI, HTTPException, Query, Response
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, ConfigDict, create_model
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from openintervals.training import activity_fields

KEY = "plain-key-for-benchmarks-alone"


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: sa.JSON, list[Any]: sa.JSON}  # noqa: RUF012 - SQLAlchemy's own spelling


class ApiKey(Base):
    __tablename__ = "api_keys"
    hash: Mapped[str] = mapped_column(primary_key=True)
    athlete_id: Mapped[str]


class Activity(Base):
    __tablename__ = "activities"
    __table_args__ = (sa.Index("activities_by_start", "athlete_id", "start_date_local"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    athlete_id: Mapped[str]
    start_date_local: Mapped[str]
    type: Mapped[str]
    data: Mapped[dict[str, Any]]


class Stream(Base):
    __tablename__ = "streams"
    activity_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[list[Any]]
    data2: Mapped[list[Any] | None]


class Curve(Base):
    __tablename__ = "curves"
    activity_id: Mapped[str] = mapped_column(sa.ForeignKey("activities.id"), primary_key=True)
    values: Mapped[list[Any]]
    start_index: Mapped[list[Any]]
    end_index: Mapped[list[Any]]


def _kind(name: str) -> Any:
    """The type of a field of an activity, as somebody would have typed it in."""
    if name in activity_fields.INTEGERS:
        return int | None
    if name in activity_fields.NUMBERS:
        return float | None
    if name in activity_fields.FLAGS:
        return bool | None
    return str | None if name in activity_fields.TEXTS else Any


_FIELDS: dict[str, Any] = {name: (_kind(name), None) for name in activity_fields.FIELDS if name != "id"}
ActivityOut = create_model("ActivityOut", __config__=ConfigDict(extra="ignore"), id=(str, ...), **_FIELDS)


class StreamOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    type: str
    name: str | None = None
    data: list[float | None]
    data2: list[float | None] | None = None
    valueTypeIsArray: bool = False  # noqa: N815 - the wire's spelling
    custom: bool = False
    allNull: bool = False  # noqa: N815 - the wire's spelling


class CurveOut(BaseModel):
    id: str
    start_date_local: str
    end_date_local: str
    secs: list[int]
    values: list[float]
    activity_id: list[str]
    start_index: list[int]
    end_index: list[int]


class CurveSet(BaseModel):
    list: list[CurveOut]


_engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ.get('PLAIN_DATABASE', 'plain.db')}", pool_size=8)
_sessions = async_sessionmaker(_engine, expire_on_commit=False)


async def session() -> AsyncIterator[AsyncSession]:
    async with _sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


async def athlete(opened: Session, given: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> str:
    """The athlete of the key that asks."""
    key = await opened.get(ApiKey, hashlib.sha256(given.password.encode()).hexdigest())
    if key is None:
        raise HTTPException(401, "Invalid API key")
    return key.athlete_id


Athlete = Annotated[str, Depends(athlete)]
app = FastAPI()


@app.get("/activities")
async def list_activities(opened: Session, athlete_id: Athlete, oldest: str, newest: str) -> list[ActivityOut]:  # type: ignore[valid-type]  # made above
    return [ActivityOut(**each.data) for each in await _between(opened, athlete_id, oldest, newest)]


@app.get("/activities/some", response_model_exclude_none=True)
async def list_some_fields(
    opened: Session, athlete_id: Athlete, oldest: str, newest: str, fields: str
) -> list[dict[str, Any]]:
    wanted = fields.split(",")
    return [
        {name: each.data[name] for name in wanted if each.data.get(name) is not None}
        for each in await _between(opened, athlete_id, oldest, newest)
    ]


async def _between(opened: AsyncSession, athlete_id: str, oldest: str, newest: str) -> list[Activity]:
    statement = (
        sa.select(Activity)
        .where(Activity.athlete_id == athlete_id)
        .where(Activity.start_date_local.between(oldest, newest + "T23:59:59"))
        .order_by(Activity.start_date_local.desc())
    )
    return list((await opened.scalars(statement)).all())


@app.get("/activity/{activity_id}/streams")
async def get_streams(opened: Session, athlete_id: Athlete, activity_id: str) -> list[StreamOut]:
    return [StreamOut.model_validate(each) for each in await _streams(opened, athlete_id, activity_id)]


@app.get("/activity/{activity_id}/streams.csv")
async def get_streams_as_csv(opened: Session, athlete_id: Athlete, activity_id: str) -> Response:
    names, columns = [], []
    for each in await _streams(opened, athlete_id, activity_id):
        names.append(each.type)
        if each.data2 is None:
            columns.append(each.data)
        else:
            pairs = zip(each.data, each.data2, strict=True)
            columns.append([None if lat is None else f"{lat}:{lng}" for lat, lng in pairs])
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(names)
    table.writerows(zip(*columns, strict=True))
    return Response(text.getvalue(), media_type="text/csv")


async def _streams(opened: AsyncSession, athlete_id: str, activity_id: str) -> list[Stream]:
    activity = await opened.get(Activity, activity_id)
    if activity is None or activity.athlete_id != athlete_id:
        raise HTTPException(404, "No such activity")
    return list((await opened.scalars(sa.select(Stream).where(Stream.activity_id == activity_id))).all())


@app.get("/power-curves")
async def power_curves(
    opened: Session,
    athlete_id: Athlete,
    oldest: str,
    newest: str,
    type_: Annotated[str, Query(alias="type")],
) -> CurveSet:
    statement = (
        sa.select(Curve)
        .join(Activity, Activity.id == Curve.activity_id)
        .where(Activity.athlete_id == athlete_id, Activity.type == type_)
        .where(Activity.start_date_local.between(oldest, newest + "T23:59:59"))
        .order_by(Activity.start_date_local.desc())
    )
    best: list[float] = []
    places: list[tuple[str, int, int]] = []
    for curve in (await opened.scalars(statement)).all():
        for place, value in enumerate(curve.values):
            if place == len(best):
                best.append(value)
                places.append((curve.activity_id, curve.start_index[place], curve.end_index[place]))
            elif value > best[place]:
                best[place] = value
                places[place] = (curve.activity_id, curve.start_index[place], curve.end_index[place])
    ids, starts, ends = zip(*places, strict=True) if places else ((), (), ())
    found = CurveOut(
        id="all",
        start_date_local=oldest,
        end_date_local=newest,
        secs=await _durations(opened, len(best)),
        values=best,
        activity_id=list(ids),
        start_index=list(starts),
        end_index=list(ends),
    )
    return CurveSet(list=[found])


class Duration(Base):
    __tablename__ = "durations"
    place: Mapped[int] = mapped_column(primary_key=True)
    seconds: Mapped[int]


async def _durations(opened: AsyncSession, count: int) -> list[int]:
    statement = sa.select(Duration.seconds).order_by(Duration.place).limit(count)
    return list((await opened.scalars(statement)).all())


def fill(
    path: str,
    athlete_id: str,
    activities: list[dict[str, Any]],
    streams: dict[str, list[dict[str, Any]]],
    curves: dict[str, tuple[list[float], list[int], list[int]]],
    durations: list[int],
) -> None:
    """Make the tables in a SQLite file, and what is in them: activities as they are served, streams and curves by activity."""
    engine = sa.create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    with engine.begin() as connection:
        connection.execute(sa.insert(ApiKey), [{"hash": digest, "athlete_id": athlete_id}])
        connection.execute(
            sa.insert(Activity),
            [
                {
                    "id": each["id"],
                    "athlete_id": athlete_id,
                    "start_date_local": each["start_date_local"],
                    "type": each["type"],
                    "data": each,
                }
                for each in activities
            ],
        )
        connection.execute(
            sa.insert(Stream),
            [
                {"activity_id": activity_id, **{name: each[name] for name in ("type", "data", "data2")}}
                for activity_id, told in streams.items()
                for each in told
            ],
        )
        connection.execute(
            sa.insert(Curve),
            [
                {"activity_id": activity_id, "values": values, "start_index": starts, "end_index": ends}
                for activity_id, (values, starts, ends) in curves.items()
            ],
        )
        connection.execute(
            sa.insert(Duration), [{"place": place, "seconds": each} for place, each in enumerate(durations)]
        )
        connection.execute(sa.text("ANALYZE"))
    engine.dispose()
