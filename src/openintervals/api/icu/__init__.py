"""The Intervals.icu API: one file for each resource, and `dialect` for how it speaks."""

from litestar.handlers import HTTPRouteHandler

from openintervals.api.exchange import Runtime
from openintervals.api.icu import (
    activities,
    activity_files,
    activity_intervals,
    activity_searches,
    activity_streams,
    athletes,
    changes,
    documents,
    sports,
    uploads,
)
from openintervals.api.icu.dialect import icu

RESOURCES = (
    athletes, sports, activities, uploads, activity_searches, activity_streams, activity_intervals, activity_files, changes,
)  # fmt: skip


def routes(runtime: Runtime) -> list[HTTPRouteHandler]:
    return [*icu.routes(runtime), *documents.routes(runtime)]
