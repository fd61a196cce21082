"""The partner API: one file for each resource, and `dialect` for how it speaks."""

from litestar.handlers import HTTPRouteHandler

from openintervals.api.exchange import Runtime
from openintervals.api.partner import events
from openintervals.api.partner.dialect import partner

RESOURCES = (events,)


def routes(runtime: Runtime) -> list[HTTPRouteHandler]:
    return partner.routes(runtime)
