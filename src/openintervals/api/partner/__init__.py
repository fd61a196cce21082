"""The partner API: one file for each resource, and `dialect` for how it speaks."""

from litestar.handlers import HTTPRouteHandler

from openintervals.api.exchange import Runtime
from openintervals.api.partner import (
    bibs,
    changes,
    deliveries,
    documents,
    events,
    groups,
    organization,
    recurrences,
    registrations,
    runs,
    series,
    tasks,
    usage,
    webhooks,
)
from openintervals.api.partner.dialect import partner

RESOURCES = (
    organization,
    events,
    runs,
    registrations,
    bibs,
    recurrences,
    groups,
    series,
    usage,
    changes,
    webhooks,
    deliveries,
    tasks,
)


def routes(runtime: Runtime) -> list[HTTPRouteHandler]:
    return [*partner.routes(runtime), *documents.routes(runtime)]
