"""Activities as files: the original as it came, and our own FIT and GPX of what is stored now."""

from typing import Annotated

import msgspec
from msgspec import field

from openintervals.api.exchange import Runtime
from openintervals.api.http import File, Read
from openintervals.api.icu.dialect import Line, Query, icu
from openintervals.db.transaction import Asking
from openintervals.platform.files import FileNotKept
from openintervals.training import exports
from openintervals.training.exports import NoFile

BYTES = "application/octet-stream"


class FileQuery(Query, frozen=True, kw_only=True):
    power: Annotated[bool, msgspec.Meta(description="Whether power is in it.")] = True
    heart_rate: Annotated[bool, msgspec.Meta(description="Whether the heart rate is in it.")] = field(
        default=True, name="hr"
    )


class FilesQuery(FileQuery, frozen=True, kw_only=True):
    ids: Annotated[list[Line], msgspec.Meta(description="Of which activities, by commas or repeated.")]


@icu.operation(
    "GET", "/activity/{activity_id}/file", scope="ACTIVITY:READ", tag="Activities", fails=(NoFile, FileNotKept)
)
async def download_activity_file(runtime: Runtime, asking: Asking, activity_id: str) -> File:
    """Download the original file

    Byte for byte as it was uploaded, out of its archive if it was in one. What was entered by hand has none.
    """
    name, hashed = await runtime.database.read(asking, lambda tx: exports.kept_as(tx, activity_id))
    return File(await runtime.files.get(hashed), BYTES, name)


@icu.operation("GET", "/activity/{activity_id}/fit-file", scope="ACTIVITY:READ", tag="Activities", fails=(NoFile,))
async def download_activity_fit_file(tx: Read, activity_id: str, query: FileQuery) -> File:
    """Download as FIT

    Written from the streams as they are now, with the device's laps; `power=false` and `hr=false` leave those out.
    """
    data = await exports.fit_file(tx, activity_id, power=query.power, heart_rate=query.heart_rate)
    return File(data, BYTES, f"{activity_id}.fit")


@icu.operation("GET", "/activity/{activity_id}/gpx-file", scope="ACTIVITY:READ", tag="Activities", fails=(NoFile,))
async def download_activity_gpx_file(tx: Read, activity_id: str, query: FileQuery) -> File:
    """Download as GPX

    Written from the streams as they are now. An activity without positions has none.
    """
    data = await exports.gpx_file(tx, activity_id, power=query.power, heart_rate=query.heart_rate)
    return File(data, BYTES, f"{activity_id}.gpx")


@icu.operation(
    "POST", "/athlete/{athlete_id}/download-fit-files", scope="ACTIVITY:READ", tag="Activities", fails=(NoFile,)
)
async def download_activity_fit_files(runtime: Runtime, asking: Asking, query: FilesQuery) -> File:
    """Download several as FIT

    In one zip. Activities without a recording, and what is no activity of this athlete, are left out.
    """
    wanted = {"power": query.power, "heart_rate": query.heart_rate}
    data = await exports.fit_zip(runtime.database, asking, query.ids, **wanted)
    return File(data, BYTES, "activities.zip")
