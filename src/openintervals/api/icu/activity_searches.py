"""Searches among an athlete's activities, as the Intervals.icu API speaks of them."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec

from openintervals.api.http import Read, Stored
from openintervals.api.icu import activity_shapes
from openintervals.api.icu.activity_shapes import Activity, ActivitySearchResult, Limit
from openintervals.api.icu.dialect import Line, Query, icu
from openintervals.training import activity_search
from openintervals.training.activity_search import By, Wanted

Words = Annotated[Line, msgspec.Meta(description="A part of the name, in any case, or `#` and a tag.")]
Secs = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=10_000, description="Percent of the threshold.")]
Times = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class SearchQuery(Query, frozen=True, kw_only=True):
    q: Words
    limit: Limit = 1_000


class AroundQuery(Query, frozen=True, kw_only=True):
    activity_id: Line
    route_id: (
        Annotated[int, msgspec.Meta(description="Only activities on this route; there are no routes yet.")] | None
    ) = None
    limit: Limit = 30


class IntervalSearchQuery(Query, frozen=True, kw_only=True):
    min_secs: Secs = msgspec.field(name="minSecs")
    max_secs: Secs = msgspec.field(name="maxSecs")
    min_intensity: Percent = msgspec.field(name="minIntensity")
    max_intensity: Percent = msgspec.field(name="maxIntensity")
    min_reps: Times = msgspec.field(name="minReps", default=1)
    max_reps: Times = msgspec.field(name="maxReps", default=999_999)
    type: By = "AUTO"
    limit: Limit = 30


_Result = msgspec.json.Decoder(ActivitySearchResult)


def _in_short(found: Sequence[msgspec.Raw]) -> list[ActivitySearchResult]:
    return [_Result.decode(each) for each in found]


@icu.operation("GET", "/athlete/{athlete_id}/activities/search", scope="ACTIVITY:READ", tag="Activities")
async def search_for_activities(tx: Read, query: SearchQuery) -> list[ActivitySearchResult]:
    """Search for activities by name or tag

    Newest first, in short.
    """
    found = await activity_search.called(tx, query.q, query.limit)
    if len(found) < activity_shapes.IN_THREAD_FROM:
        return _in_short(found)
    return await asyncio.to_thread(_in_short, found)


@icu.operation("GET", "/athlete/{athlete_id}/activities/search-full", scope="ACTIVITY:READ", tag="Activities")
async def search_for_activities_full(tx: Read, query: SearchQuery) -> Stored[list[Activity]]:
    """Search for activities by name or tag, and tell all of them

    Newest first.
    """
    return activity_shapes.array(await activity_search.called(tx, query.q, query.limit))


@icu.operation("GET", "/athlete/{athlete_id}/activities/interval-search", scope="ACTIVITY:READ", tag="Activities")
async def search_for_intervals(tx: Read, query: IntervalSearchQuery) -> Stored[list[Activity]]:
    """Search for activities by their intervals

    Those with intervals so long and so hard, so many times; newest first. `AUTO` goes by power, else by pace, else by heart rate.
    """
    wanted = Wanted(
        least_s=query.min_secs,
        most_s=query.max_secs,
        least_intensity=query.min_intensity,
        most_intensity=query.max_intensity,
        by=query.type,
        least_times=query.min_reps,
        most_times=query.max_reps,
    )
    return activity_shapes.array(await activity_search.with_intervals(tx, wanted, query.limit))


@icu.operation("GET", "/athlete/{athlete_id}/activities-around", scope="ACTIVITY:READ", tag="Activities")
async def list_activities_around(tx: Read, query: AroundQuery) -> Stored[list[Activity]]:
    """List the activities before and after one

    The nearest in time first.
    """
    if query.route_id is not None:
        return activity_shapes.array([])
    return activity_shapes.array(await activity_search.around(tx, query.activity_id, query.limit))


@icu.operation("GET", "/athlete/{athlete_id}/activity-tags", scope="ACTIVITY:READ", tag="Activities", snapshot=False)
async def list_activity_tags(tx: Read) -> list[str]:
    """List the tags of activities"""
    return await activity_search.tags(tx)
