"""What an athlete reads: streams, lists and a season's curve, over HTTP, against the same from a plain implementation.

    streams   ten channels of a ride of three hours, as JSON and as CSV
    list      1,000 activities whole, and of each five fields
    curve     the best power for every duration over 2,000 activities (with --quick over 200)

Both hold the same season in SQLite and serve from one process on the same machine. One client asks each in turn, again and again, over a
connection that is kept; what counts is the time until the whole answer is there. Ours runs with everything on, as in the other
benchmarks. The answers are compared before they are timed. At least 5 times as fast.
"""

import asyncio
import base64
import csv
import http.client
import io
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from benchmarks import load, plain_training, product, season, servers
from benchmarks.rounds import Row
from benchmarks.season import NEWEST, OLDEST, Season
from benchmarks.stage import Stage
from openintervals.db import named_by
from openintervals.db.transaction import Read
from openintervals.training import activity_curves, activity_lists, athletes, streams

GOAL = 5
LISTED = 1_000
_FIELDS = "id,name,start_date_local,type,icu_training_load"
_LEAST_ROUNDS = 5


class Question(NamedTuple):
    """What is asked of ours and of plain, and what of an answer must be the same from both."""

    name: str
    ours: str
    plain: str
    essence: Callable[[bytes], Any]


class Asker:
    """One client's connection to a server, with its key."""

    def __init__(self, server: servers.Server, password: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        secret = base64.b64encode(f"API_KEY:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {secret}"}

    def ask(self, path: str) -> tuple[float, bytes]:
        """Seconds until the whole answer was there, and its body. Raises load.Failed unless it is a 200."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        taken = time.perf_counter() - began
        if answer.status != 200:
            raise load.Failed(f"{path} answers {answer.status}: {body[:300]!r}")
        return taken, body

    def close(self) -> None:
        self._connection.close()


def training_reads(stage: Stage) -> Iterator[Row]:
    with ExitStack() as running:
        filled = stage.season
        stage.say("filling plain with the same")
        path = stage.directory / "plain.db"
        held = asyncio.run(_held(filled))
        plain_training.fill(str(path), filled.athlete_id, **held)
        store = product.Filled(product.Store(str(filled.folder)), filled.key)
        ours = running.enter_context(
            _asking(running.enter_context(product.serving(store, stage.log("reads"))), filled.key)
        )
        plain = running.enter_context(
            _asking(running.enter_context(_plain(path, stage.log("plain"))), plain_training.KEY)
        )
        starts = sorted((each["start_date_local"] for each in held["activities"]), reverse=True)
        oldest = starts[min(LISTED, len(starts)) - 1][:10]
        for question in _questions(filled, oldest):
            try:
                yield _row(stage, question, ours, plain)
            except load.Failed as failure:
                yield Row(question.name, "failed", str(failure), "–", f"≥ {GOAL} ×", met=False)


def _questions(filled: Season, oldest: str) -> Iterator[Question]:
    athlete = f"/api/v1/athlete/{filled.athlete_id}"
    ride = f"/activity/{filled.long_id}"
    days = f"oldest={oldest}&newest={NEWEST}"
    yield Question("streams, 3 hours, JSON", f"/api/v1{ride}/streams", f"{ride}/streams", _streams_of_json)
    yield Question("streams, 3 hours, CSV", f"/api/v1{ride}/streams.csv", f"{ride}/streams.csv", _streams_of_csv)
    yield Question(f"list, {LISTED:,} activities", f"{athlete}/activities?{days}", f"/activities?{days}", _ids)
    some = f"{days}&fields={_FIELDS}"
    yield Question(f"list, {LISTED:,}, 5 fields", f"{athlete}/activities?{some}", f"/activities/some?{some}", _whole)
    period = f"r.{OLDEST}.{NEWEST}"
    yield Question(
        "season power curve",
        f"{athlete}/power-curves?type=Ride&curves={period}",
        f"/power-curves?type=Ride&oldest={OLDEST}&newest={NEWEST}",
        _curve,
    )


def _row(stage: Stage, question: Question, ours: Asker, plain: Asker) -> Row:
    _, our_body = ours.ask(question.ours)
    _, plain_body = plain.ask(question.plain)
    if question.essence(our_body) != question.essence(plain_body):
        raise load.Failed("the answers differ in what they say")
    times: dict[str, list[float]] = {"ours": [], "plain": []}
    until = time.monotonic() + 2 * stage.pace.seconds
    while time.monotonic() < until or len(times["ours"]) < _LEAST_ROUNDS:
        times["ours"].append(ours.ask(question.ours)[0])
        times["plain"].append(plain.ask(question.plain)[0])
    ratio = statistics.median(theirs / mine for mine, theirs in zip(times["ours"], times["plain"], strict=True))
    return Row(
        question.name,
        f"{statistics.median(times['ours']) * 1e3:.1f} ms, {len(our_body) / 1000:,.0f} kB",
        f"plain: {statistics.median(times['plain']) * 1e3:,.0f} ms, {len(plain_body) / 1000:,.0f} kB",
        f"{ratio:.1f} ×",
        f"≥ {GOAL} ×",
        ratio >= GOAL,
    )


@contextmanager
def _asking(server: servers.Server, password: str) -> Iterator[Asker]:
    asker = Asker(server, password)
    try:
        yield asker
    finally:
        asker.close()


@contextmanager
def _plain(path: Path, log: Path) -> Iterator[servers.Server]:
    port = servers.free_port()
    command = [
        *(str(servers.COMMANDS / "uvicorn"), "--no-access-log", "--log-level", "warning"),
        *("--host", "127.0.0.1", "--port", str(port), "benchmarks.plain_training:app"),
    ]
    environment = {"PLAIN_DATABASE": str(path)}
    with servers.serving(command, port=port, ready="/openapi.json", log=log, environment=environment) as server:
        yield server


async def _held(filled: Season) -> dict[str, Any]:
    """Everything that plain is to hold too."""
    database = named_by(filled.settings)
    await database.open()

    async def work(tx: Read) -> dict[str, Any]:
        found = await activity_lists.listed(tx, OLDEST, NEWEST)
        curves = {}
        seconds: list[int] = []
        for each in await activity_curves.between(tx, activity_curves.POWER, OLDEST, NEWEST):
            one = await activity_curves.get(tx, each.id, activity_curves.POWER)
            assert one is not None
            curves[each.id] = (one.values.tolist(), one.start_index.tolist(), one.end_index.tolist())
            seconds = max(seconds, one.grid.astype(int).tolist(), key=len)
        told = streams.as_json(await streams.read(tx, filled.long_id))
        return {
            "activities": [msgspec.json.decode(each) for each in found],
            "streams": {filled.long_id: msgspec.json.decode(told)},
            "curves": curves,
            "durations": seconds,
        }

    try:
        return await database.read(season.asking(athletes.tenant(filled.athlete_id)), work)
    finally:
        await database.close()


# What of an answer must be the same


def _streams_of_json(body: bytes) -> Any:
    return {each["type"]: (each["data"], each["data2"]) for each in msgspec.json.decode(body)}


def _streams_of_csv(body: bytes) -> Any:
    """Columns by name, as far as whole numbers go: 1 and 1.0 are the same."""
    names, *rows = csv.reader(io.StringIO(body.decode()))
    return {
        name: [cell.removesuffix(".0") for cell in column]
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
        if name != "latlng"
    }


def _ids(body: bytes) -> Any:
    return [(each["id"], each["icu_training_load"], len(each)) for each in msgspec.json.decode(body)]


def _whole(body: bytes) -> Any:
    return msgspec.json.decode(body)


def _curve(body: bytes) -> Any:
    [curve] = msgspec.json.decode(body)["list"]
    return curve["secs"], curve["activity_id"], np.rint(curve["values"]).tolist()
