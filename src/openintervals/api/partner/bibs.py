"""Bibs, as the partner API speaks of them."""

from msgspec import UNSET

from openintervals.api.http import Write
from openintervals.api.partner.dialect import partner
from openintervals.api.partner.registrations import (
    BibAssigned,
    BibPut,
    BibsAssign,
    BibsAssigned,
    BibSwap,
    Registration,
    view,
)
from openintervals.club import bibs, events, registrations, runs


@partner.operation(
    "PUT",
    "/registration/{registration_id}/bib",
    scope="write:participants",
    tag="Bibs",
    fails=(registrations.RegistrationNotFound, bibs.BibTaken, bibs.BibsExhausted, bibs.NoPlaceNoBib),
)
async def set_bib(tx: Write, registration_id: str, body: BibPut) -> Registration:
    """Give a registration a bib

    The one named; or, with none named, the lowest free one of its range, unless it has a bib already.
    """
    scene = await registrations.lock(tx, registration_id)
    pinned = body.pinned if body.pinned is not UNSET else None
    if body.bib is UNSET:
        return view(await bibs.assign(tx, scene, pinned=pinned))
    return view(await bibs.set_bib(tx, scene, body.bib, pinned=pinned))


@partner.operation(
    "DELETE",
    "/registration/{registration_id}/bib",
    scope="write:participants",
    tag="Bibs",
    status=204,
    fails=(registrations.RegistrationNotFound,),
)
async def remove_bib(tx: Write, registration_id: str) -> None:
    """Take a bib away"""
    await bibs.take_away(tx, await registrations.lock(tx, registration_id))


@partner.operation(
    "POST",
    "/registration/{registration_id}/swap-bib",
    scope="write:participants",
    tag="Bibs",
    fails=(registrations.RegistrationNotFound, bibs.NoPlaceNoBib),
)
async def swap_bib(tx: Write, registration_id: str, body: BibSwap) -> list[Registration]:
    """Swap the bibs of two registrations

    In one transaction; pins go along. Answers both, the one in the path first.
    """
    return [view(one) for one in await bibs.swap(tx, registration_id, body.registration_id)]


@partner.operation(
    "POST",
    "/events/{event_id}/bibs/assign",
    scope="write:participants",
    tag="Bibs",
    fails=(events.EventNotFound, runs.RunNotFound, bibs.BibsExhausted),
)
async def assign_bibs(tx: Write, event_id: str, body: BibsAssign) -> BibsAssigned:
    """Give a bib to everybody without one

    To all who have a place in the event, or in one of its runs, in order of registration. When a range runs out nobody gets one.
    One request gives at most 10,000; where more are without, `hasMore` says so.
    """
    assigned, more = await bibs.assign_all(tx, event_id, body.event_run_id)
    return BibsAssigned(assigned=[BibAssigned(id=one.id, bib=one.bib or "") for one in assigned], has_more=more)
