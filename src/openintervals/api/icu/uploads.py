"""Activities in, as the Intervals.icu API speaks of it: from a device's file, or as somebody says.

An upload opens its own transactions, since to read and measure a file takes longer than one should. Sent again it gives the same activities, so
it needs no idempotency key.
"""

from typing import Annotated

import msgspec

from openintervals.api.exchange import Runtime
from openintervals.api.http import Caller, Read, Status, Stored, Upload, Write
from openintervals.api.icu import activity_shapes
from openintervals.api.icu.activity_shapes import Activity, ActivityId, ActivityUpdate
from openintervals.api.icu.dialect import Line, Prose, Query, Wire, icu
from openintervals.db.transaction import Asking
from openintervals.platform import files
from openintervals.training import manual_activities, uploads
from openintervals.training.uploads import Options

BULK_BYTES_MOST = 8 * 1024 * 1024


class UploadQuery(Query, frozen=True, kw_only=True):
    name: Annotated[Line, msgspec.Meta(description="What to call it, instead of what the file says.")] | None = None
    description: Prose | None = None
    device_name: Line | None = None
    external_id: Annotated[Line, msgspec.Meta(description="What the sender calls it.")] | None = None
    paired_event_id: Annotated[int, msgspec.Meta(description="There is no calendar yet; it is passed over.")] | None = (
        None
    )


class RefusedFile(msgspec.Struct, frozen=True):
    """A file of an archive of which nothing was stored; `offset` is the byte where that became certain."""

    name: str
    code: str
    message: str
    offset: int | None


class UploadResponse(Wire, frozen=True, kw_only=True):
    """The activities of an upload, one for each sport of each file; `id` is the first. `refused` is additive."""

    id: str
    icu_athlete_id: str
    activities: list[ActivityId]
    refused: list[RefusedFile]


@icu.operation(
    "POST",
    "/athlete/{athlete_id}/activities",
    scope="ACTIVITY:WRITE",
    tag="Activities",
    status=201,
    body_most=files.BYTES_MOST,
)
async def upload_activity(
    asking: Asking, runtime: Runtime, caller: Caller, file: Upload, query: UploadQuery
) -> Status[UploadResponse]:
    """Upload an activity

    A FIT, TCX or GPX file as multipart/form-data in a part called `file`, plain or in .gz, or many in a .zip; a file of several sports becomes
    several activities. Analysis is done when this answers. 200 instead of 201 says that nothing was new: the same file gives the activities
    there are. What was usable of a damaged file is kept, and its activity has `warnings`. An activity that was deleted is made anew by the
    athlete's own key, and refused with any other.
    """
    mine = caller.organization_id == asking.tenant.organization_id
    options = Options(
        name=query.name,
        description=query.description,
        device_name=query.device_name,
        external_id=query.external_id,
        paired_event_id=query.paired_event_id,
        again=mine,
    )
    done = await uploads.upload(
        runtime.database, asking, runtime.files, file.data, options, file.name, clock=runtime.clock
    )
    whose = asking.tenant.organization_id
    return Status(
        201 if done.new else 200,
        UploadResponse(
            id=done.activity_ids[0],
            icu_athlete_id=whose,
            activities=[ActivityId(id=each, icu_athlete_id=whose) for each in done.activity_ids],
            refused=[RefusedFile(each.name, each.code, each.message, each.offset) for each in done.refused],
        ),
    )


@icu.operation("POST", "/athlete/{athlete_id}/activities/manual", scope="ACTIVITY:WRITE", tag="Activities")
async def create_manual_activity(tx: Write, caller: Caller, body: ActivityUpdate) -> Stored[Activity]:
    """Enter an activity by hand

    At least `start_date_local` and `type`; what else is said of it is kept as it was said.
    """
    made = await manual_activities.create(tx, activity_shapes.said(body), again=_is_own(tx, caller))
    return Stored(bytes(made.served))


@icu.operation(
    "POST",
    "/athlete/{athlete_id}/activities/manual/bulk",
    scope="ACTIVITY:WRITE",
    tag="Activities",
    body_most=BULK_BYTES_MOST,
)
async def create_multiple_manual_activities(
    tx: Write, caller: Caller, body: list[ActivityUpdate]
) -> Stored[list[Activity]]:
    """Enter several activities by hand

    One whose `external_id` is known is changed, the others are made; all, or none.
    """
    made = await manual_activities.put(tx, [activity_shapes.said(each) for each in body], again=_is_own(tx, caller))
    return activity_shapes.array([each.served for each in made])


def _is_own(tx: Read, caller: Caller) -> bool:
    return caller.organization_id == tx.tenant.organization_id
