"""The Intervals.icu API: one file for each resource, and `dialect` for how it speaks."""

from litestar.handlers import HTTPRouteHandler

from openintervals.api.exchange import Runtime
from openintervals.api.icu import (
    activities,
    activity_curves,
    activity_files,
    activity_histograms,
    activity_intervals,
    activity_map,
    activity_searches,
    activity_streams,
    athlete_curves,
    athlete_models,
    athletes,
    changes,
    curves_of_activities,
    documents,
    sport_apply,
    sports,
    uploads,
)
from openintervals.api.icu.dialect import icu

RESOURCES = (
    athletes, sports, sport_apply, activities, uploads, activity_searches, activity_streams, activity_intervals, activity_files,
    activity_curves, activity_histograms, activity_map, athlete_curves, curves_of_activities, athlete_models, changes,
)  # fmt: skip


def routes(runtime: Runtime) -> list[HTTPRouteHandler]:
    return [*icu.routes(runtime), *documents.routes(runtime)]
