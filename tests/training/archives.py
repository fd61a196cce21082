"""Archives such as other services hand out, made of files that devices could have written."""

import csv
import gzip
import io
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta

from openintervals.formats import fit
from openintervals.training import made_up

HEADER = (
    "Activity ID", "Activity Date", "Activity Name", "Activity Type", "Activity Description", "Elapsed Time", "Distance",
    "Commute", "Activity Gear", "Filename", "Elapsed Time", "Moving Time", "Distance", "Commute",
)  # fmt: skip


def day(number: int) -> datetime:
    """A start of its own for each number."""
    return made_up.START_AT - timedelta(days=number)


def ride(number: int, seconds: int = 300) -> bytes:
    return made_up.ride(1, day(number), seconds)


def packed(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def table(*rows: tuple[str, ...]) -> bytes:
    """`activities.csv` as Strava writes it."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([HEADER, *rows])
    return out.getvalue().encode()


def strava() -> bytes:
    """A ride that Strava knows better than its file, a run, an hour in the gym, one that is not there and one before all calendars."""
    return packed(
        {
            "media/photo.jpg": b"\xff\xd8 a picture",
            "activities/7001.fit.gz": gzip.compress(ride(1)),
            "activities/7002.fit.gz": gzip.compress(made_up.run(1, day(2), 300)),
            "activities.csv": table(
                ("11", "May 1, 2026, 7:30:00 AM", 'The "long" hill, again', "Gravel Ride", "Up\nand down", "300", "2.1",
                 "true", "Bike", "activities/7001.fit.gz", "300", "300", "2100", "1.0"),
                ("12", "Apr 30, 2026, 7:30:00 AM", "Lunch Run", "Run", "", "300", "1",
                 "false", "", "activities/7002.fit.gz", "300", "300", "1000", "0.0"),
                ("13", "Apr 29, 2026, 10:15:00 PM", "Squats", "Weight Training", "", "3600", "0",
                 "false", "", "", "3600", "3000", "0", "0.0"),
                ("14", "Apr 28, 2026, 7:30:00 AM", "Lost", "Ride", "", "300", "1", "false", "", "activities/7003.fit.gz"),
                ("15", "Jan 5, 1800, 7:30:00 AM", "By coach", "Ride", "", "300", "1", "false", "", ""),
            ),
        }
    )  # fmt: skip


def garmin() -> bytes:
    """Zips in a zip, with what is no activity among the files."""
    sleep = fit.encode({"file_id": {"type": [32], "manufacturer": [1], "time_created": [1_700_000_000]}})
    part = packed({"a@example.com_1.fit": ride(11), "a@example.com_2.fit": ride(12), "a@example.com_3.fit": sleep})
    return packed({"DI_CONNECT/Uploads/UploadedFiles_0-_Part1.zip": part, "DI_CONNECT/user.json": b"{}"})


def icu() -> bytes:
    """Original files by the ids of their activities, and a table."""
    said = b"id,start_date_local,name,type\ni501,2026-04-01T07:00:00,Pool,Swim\ni502,2026-04-02T07:00:00,Gone,Ride\n"
    return packed({"i501.fit.gz": gzip.compress(made_up.swim(1, day(21))), "activities.csv": said})
