"""Activities, as the Intervals.icu API speaks of them: listed between two local days, shown, changed, deleted.

What is served of an activity is kept as JSON, so that to list activities is to copy bytes; `fields` picks from it.
"""

import asyncio
import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import field

from openintervals import errors, instants
from openintervals.api.http import Csv, Read, Stored, Write
from openintervals.api.icu import activity_intervals as interval_api
from openintervals.api.icu import activity_shapes, changes, dialect
from openintervals.api.icu.activity_shapes import (
    Activity,
    ActivityFields,
    ActivityId,
    ActivityUpdate,
    ActivityWithIntervals,
    Limit,
)
from openintervals.api.icu.dialect import Day, Nothing, Query, icu
from openintervals.training import (
    activities,
    activity_edits,
    activity_fields,
    activity_intervals,
    activity_lists,
    activity_search,
    athletes,
    tombstones,
)

IDS_MOST = 1_000
# What the original calls some columns of its table, and what they are called elsewhere.
COLUMNS = {
    "id": "id", "start_date_local": "start_date_local", "name": "name", "type": "type", "moving_time": "moving_time",
    "distance": "distance", "elapsed_time": "elapsed_time", "total_elevation_gain": "total_elevation_gain",
    "max_speed": "max_speed", "average_speed": "average_speed", "has_heartrate": "has_heartrate",
    "max_heartrate": "max_heartrate", "average_heartrate": "average_heartrate", "average_cadence": "average_cadence",
    "calories": "calories", "device_watts": "device_watts", "icu_average_watts": "icu_average_watts",
    "icu_normalized_watts": "icu_weighted_avg_watts", "icu_joules": "icu_joules", "icu_intensity": "icu_intensity",
    "icu_training_load": "icu_training_load", "icu_fatigue": "icu_atl", "icu_fitness": "icu_ctl",
    "icu_eftp": "icu_pm_ftp", "icu_variability": "icu_variability_index", "icu_efficiency": "icu_efficiency_factor",
    "trainer": "trainer", "commute": "commute", "race": "race", "icu_rpe": "icu_rpe", "feel": "feel",
    "icu_ftp": "icu_ftp", "lthr": "lthr", "icu_weight": "icu_weight", "decoupling": "decoupling",
    "threshold_pace": "threshold_pace", "pace": "pace", "gap": "gap", "trimp": "trimp", "hr_load": "hr_load",
    "power_load": "power_load", "pace_load": "pace_load", "tags": "tags", "description": "description",
    "device_name": "device_name", "source": "source", "external_id": "external_id", "created": "created",
    "updated": "updated",
}  # fmt: skip

WithIntervals = Annotated[bool, msgspec.Meta(description="Whether to tell the intervals too.")]
UpdatedSince = Annotated[
    str,
    msgspec.Meta(
        min_length=10,
        max_length=40,
        description="Only what was made or changed at this instant or later, as `updated` says it. Additive.",
        examples=["2026-03-01T08:00:00.000Z"],
    ),
]


class ActivityQuery(Query, frozen=True, kw_only=True):
    intervals: WithIntervals = False


class ActivitiesQuery(Query, frozen=True, kw_only=True):
    oldest: (
        Annotated[
            Day, msgspec.Meta(description="The first local day or time. It may be left out with `updated_since`.")
        ]
        | None
    ) = None
    newest: (
        Annotated[Day, msgspec.Meta(description="The last local day or time, inclusive; without it today.")] | None
    ) = None
    limit: Limit = activity_lists.LISTED_MOST
    fields: Annotated[list[str], msgspec.Meta(description="Answer these fields alone, without nulls.")] = field(
        default_factory=list
    )
    route_id: (
        Annotated[int, msgspec.Meta(description="Only activities on this route; there are no routes yet.")] | None
    ) = None
    updated_since: UpdatedSince | None = None


@icu.operation(
    "GET", "/athlete/{athlete_id}/activities", scope="ACTIVITY:READ", tag="Activities", fails=(activity_lists.TooMuch,)
)
async def list_activities(tx: Read, query: ActivitiesQuery) -> Stored[list[Activity]] | Stored[list[ActivityFields]]:
    """List activities

    Those between two local days, newest first. To stay in step with what changes later, ask with `updated_since`, or follow the changes feed,
    which tells of deletions too.
    """
    since = None if query.updated_since is None else _instant(query.updated_since)
    if query.oldest is None and since is None:
        raise errors.Invalid("Invalid request parameters", {"oldest": ["Expected the first day as YYYY-MM-DD"]})
    oldest = query.oldest or ""
    newest = query.newest or (activities.LAST_DAY if since else athletes.today(await athletes.current(tx), tx))
    if query.oldest:
        dialect.refuse_no_day(query.oldest, "oldest")
    dialect.refuse_no_day(newest, "newest")
    if query.route_id is not None:
        return activity_shapes.array([])
    if not query.fields:
        return activity_shapes.array(
            await activity_lists.listed(tx, oldest, newest, limit=query.limit, updated_since=since)
        )
    trim = activity_shapes.trimming(query.fields)
    parts: list[bytes] = []
    async for page in activity_lists.pages(tx, oldest, newest, limit=query.limit, updated_since=since):
        long = len(page) >= activity_shapes.IN_THREAD_FROM
        parts.append(await asyncio.to_thread(trim, page) if long else trim(page))
        if sum(map(len, parts)) > activity_lists.BYTES_MOST:
            raise activity_lists.TooMuch
    return Stored(b"[" + b",".join(parts) + b"]")


@icu.operation("GET", "/athlete/{athlete_id}/activities.csv", scope="ACTIVITY:READ", tag="Activities")
async def download_activities_as_csv(tx: Read) -> Csv:
    """List all activities for a spreadsheet

    Newest first, one row each. The columns are called as the original's table has them.
    """
    return await asyncio.to_thread(_table, await activity_search.table(tx, tuple(COLUMNS.values())))


@icu.operation("GET", "/athlete/{athlete_id}/activities/{ids}", scope="ACTIVITY:READ", tag="Activities")
async def get_activities(
    tx: Read, ids: str, query: ActivityQuery
) -> Stored[list[Activity]] | Stored[list[ActivityWithIntervals]]:
    """Retrieve several activities

    Their ids are joined by commas; those of no activity are passed over.
    """
    wanted = [each for each in ids.split(",") if each]
    if len(wanted) > IDS_MOST:
        raise errors.Invalid("Too many activities", {"ids": [f"Expected at most {IDS_MOST}"]})
    found = await activities.shown_of(tx, wanted)
    if query.intervals:
        found = [await _with_intervals(tx, each) for each in found]
    return activity_shapes.array(found)


@icu.operation("GET", "/activity/{activity_id}", scope="ACTIVITY:READ", tag="Activities")
async def get_activity(
    tx: Read, activity_id: str, query: ActivityQuery
) -> Stored[Activity] | Stored[ActivityWithIntervals]:
    """Retrieve an activity

    With `intervals=true` its intervals come along as `icu_intervals` and `icu_groups`; otherwise these two are left out.
    """
    found = await activities.shown(tx, activity_id)
    return Stored(bytes(await _with_intervals(tx, found) if query.intervals else found))


@icu.operation("PUT", "/activity/{activity_id}", scope="ACTIVITY:WRITE", tag="Activities")
async def update_activity(tx: Write, activity_id: str, body: ActivityUpdate) -> Stored[Activity]:
    """Change an activity

    Only what is sent changes; -1 clears a number, an empty text a text. What was changed by hand stays when the activity is analysed anew; a
    computed value sent back as it was is no change.
    """
    changed = await activity_edits.change(tx, activity_id, activity_shapes.said(body))
    return Stored(bytes(changed.served))


@icu.operation("DELETE", "/activity/{activity_id}", scope="ACTIVITY:WRITE", tag="Activities")
async def delete_activity(tx: Write, activity_id: str) -> ActivityId:
    """Delete an activity

    The original file is kept, and a tombstone, so that no program brings the activity back by itself.
    """
    return ActivityId(id=await activity_edits.delete(tx, activity_id), icu_athlete_id=tx.tenant.organization_id)


@icu.operation("DELETE", "/activity/{tombstone_id}/tombstone", scope="ACTIVITY:WRITE", tag="Activities")
async def delete_tombstone(tx: Write, tombstone_id: str) -> Nothing:
    """Forget a deleted activity

    So that its file can be uploaded again by any program.
    """
    await tombstones.forget(tx, tombstone_id)
    return Nothing()


async def _with_intervals(tx: Read, served: msgspec.Raw) -> msgspec.Raw:
    """What is served of an activity, with its intervals at the end."""
    intervals, groups = interval_api.shown(await activity_intervals.get(tx, _ID.decode(served).id))
    more = msgspec.json.encode({"icu_intervals": intervals, "icu_groups": groups})
    return msgspec.Raw(bytes(served)[:-1] + b"," + more[1:])


class _Id(msgspec.Struct, frozen=True):
    id: str


_ID = msgspec.json.Decoder(_Id)


def _instant(said: str) -> str:
    """An instant as it is stored; without a zone it is UTC. Raises Invalid."""
    try:
        moment = datetime.fromisoformat(
            said.replace(" ", "+")
        )  # a plus sign in a query is a space, unless somebody has encoded it
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        told = ["Expected an instant such as 2026-03-01T08:00:00.000Z"]
        raise errors.Invalid("Invalid request parameters", {"updated_since": told}) from None
    return instants.text(moment)


def _table(rows: Iterable[tuple[Any, ...]]) -> Csv:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([_cell(value) for value in row] for row in rows)
    return Csv(text.getvalue())


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else value


def _changed(snapshot: bytes, athlete: athletes.Athlete, day: str) -> Any:
    """An activity as a GET showed it right after a change."""
    said: dict[str, Any] = msgspec.json.decode(snapshot)["served"]
    return {**dict.fromkeys(activity_fields.FIELDS), **said}


changes.VIEWS["activity"] = _changed
