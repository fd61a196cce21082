"""The Intervals.icu API: one file for each resource, and `dialect` for how it speaks."""

from litestar.handlers import HTTPRouteHandler

from openintervals.api.exchange import Runtime
from openintervals.api.icu import athletes, changes, documents, sports
from openintervals.api.icu.dialect import icu

RESOURCES = (athletes, sports, changes)


def routes(runtime: Runtime) -> list[HTTPRouteHandler]:
    return [*icu.routes(runtime), *documents.routes(runtime)]
