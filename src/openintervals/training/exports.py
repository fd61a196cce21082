"""Exports: activities as files for other programs, written from what is stored and never from the original, which is given out as it came.

A FIT or GPX of ours has what the streams have now, people's versions too, with the device's laps; power and heart rate can be left out. Several
are a zip, bounded by how many activities it may hold; each is read by itself, so one that is changed meanwhile is in it as before or after.
Nothing here changes anything, so two at once do not meet.
"""

import asyncio
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from openintervals import errors
from openintervals.db import Database
from openintervals.db.transaction import Asking, Read
from openintervals.formats import fit, gpx, tabular
from openintervals.formats.fit.words import SPORT, SUB_SPORT
from openintervals.formats.fit_channels import SEMICIRCLES
from openintervals.formats.recording import Activity as Recorded
from openintervals.formats.recording import Unusable
from openintervals.platform.files import Files
from openintervals.training import activities, recordings, streams
from openintervals.training.activities import Whole

ZIPPED_MOST = 1_000
ZIP_BYTES_MOST = 128 * 1024 * 1024
_SPORTS = {name: number for number, name in SPORT.items()}
_SUB_SPORTS = {name: number for number, name in SUB_SPORT.items()}
_WORDS = {
    "Ride": ("cycling", "generic"),
    "VirtualRide": ("cycling", "virtual_activity"),
    "GravelRide": ("cycling", "gravel_cycling"),
    "MountainBikeRide": ("cycling", "mountain"),
    "TrackRide": ("cycling", "track_cycling"),
    "Cyclocross": ("cycling", "cyclocross"),
    "EBikeRide": ("e_biking", "generic"),
    "Run": ("running", "generic"),
    "TrailRun": ("running", "trail"),
    "VirtualRun": ("running", "virtual_activity"),
    "Swim": ("swimming", "lap_swimming"),
    "OpenWaterSwim": ("swimming", "open_water"),
    "Walk": ("walking", "generic"),
    "Hike": ("hiking", "generic"),
    "Rowing": ("rowing", "generic"),
    "VirtualRow": ("rowing", "indoor_rowing"),
    "WeightTraining": ("training", "strength_training"),
    "Workout": ("training", "cardio_training"),
    "Yoga": ("training", "yoga"),
    "NordicSki": ("cross_country_skiing", "generic"),
    "AlpineSki": ("alpine_skiing", "generic"),
    "Snowboard": ("snowboarding", "generic"),
    "Kayaking": ("kayaking", "generic"),
    "StandUpPaddling": ("stand_up_paddleboarding", "generic"),
    "Transition": ("transition", "generic"),
}
# Field of a record, what may stand in it, and how fine it is.
_FIELDS: dict[str, tuple[str, float, float, float]] = {
    "watts": ("power", 0, 65_534, 1),
    "heartrate": ("heart_rate", 0, 254, 1),
    "distance": ("distance", 0, 42_000_000, 100),
    "altitude": ("enhanced_altitude", -499, 800_000_000, 5),
    "velocity_smooth": ("enhanced_speed", 0, 4_000_000, 1000),
    "temp": ("temperature", -127, 126, 1),
    "respiration": ("enhanced_respiration_rate", 0, 655, 100),
}
_LAP_FIELDS = {
    "elapsed_s": ("total_elapsed_time", 4_000_000.0),
    "timer_s": ("total_timer_time", 4_000_000.0),
    "distance_m": ("total_distance", 42_000_000.0),
    "average_power_w": ("avg_power", 65_534.0),
    "max_power_w": ("max_power", 65_534.0),
    "average_heartrate_bpm": ("avg_heart_rate", 254.0),
    "max_heartrate_bpm": ("max_heart_rate", 254.0),
    "calories_kcal": ("total_calories", 65_534.0),
}
_CLOCK_LEAST_S, _CLOCK_MOST_S = 631_065_601 + 268_435_456, 631_065_600 + 4_294_967_294
_Table = dict[str, npt.ArrayLike]


class NoFile(errors.NotFound):
    code = "no_file"


async def original(tx: Read, files: Files, said: str) -> tuple[str, bytes]:
    """The file an activity came in, under a name, byte for byte. Raises ActivityNotFound, NoFile, FileNotKept."""
    name, hashed = await kept_as(tx, said)
    return name, await files.get(hashed)


async def kept_as(tx: Read, said: str) -> tuple[str, str]:
    """A name for the file an activity came in, and the hash under which it is kept. Raises ActivityNotFound, NoFile."""
    activity = await activities.get(tx, said)
    if activity.file_hash is None:
        raise NoFile("This activity was entered by hand and has no file")
    return f"{activity.id}.{activity.file_type}", activity.file_hash


async def recorded(tx: Read, said: str, *, power: bool = True, heart_rate: bool = True) -> Recorded:
    """An activity as formats understand it, as it is now. Raises ActivityNotFound, NoFile."""
    activity = await activities.get(tx, said)
    kept = await recordings.get(tx, activity.id)
    if kept is None:
        raise NoFile("This activity was entered by hand; there is nothing to write a file from")
    channels = await streams.read(tx, activity.id)
    if not power:
        channels.pop("watts", None)
    if not heart_rate:
        channels.pop("heartrate", None)
    return replace(recordings.as_activity(kept, channels), type=activity.type, name=activity.name)


async def fit_file(tx: Read, said: str, *, power: bool = True, heart_rate: bool = True) -> bytes:
    """An activity as our own FIT. Raises ActivityNotFound, NoFile."""
    return await asyncio.to_thread(as_fit, await recorded(tx, said, power=power, heart_rate=heart_rate))


async def gpx_file(tx: Read, said: str, *, power: bool = True, heart_rate: bool = True) -> bytes:
    """An activity as our own GPX. Raises ActivityNotFound, NoFile, also where it has no positions."""
    whole = await recorded(tx, said)
    try:
        return await asyncio.to_thread(gpx.encode, whole, power=power, heart_rate=heart_rate)
    except Unusable as wrong:
        raise NoFile(wrong.message) from None


async def fit_zip(
    database: Database, asking: Asking, said: Sequence[str], *, power: bool = True, heart_rate: bool = True
) -> bytes:
    """A zip of our own FITs; what is no recorded activity is left out. Raises Invalid for too many or too much, NoFile when nothing is left.

    Each is read in a transaction of its own: to write a thousand takes a minute, in which nobody should wait for the database."""
    wanted = list(dict.fromkeys(said))
    if len(wanted) > ZIPPED_MOST:
        raise errors.Invalid("Too many activities", {"ids": [f"At most {ZIPPED_MOST} at once"]})

    async def one(tx: Read, each: str) -> tuple[str, Recorded]:
        return _name(await activities.get(tx, each)), await recorded(tx, each, power=power, heart_rate=heart_rate)

    def add(archive: zipfile.ZipFile, name: str, activity: Recorded) -> None:
        archive.writestr(zipfile.ZipInfo(name), as_fit(activity))

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for each in wanted:
            try:
                name, activity = await database.read(asking, partial(one, each=each))
            except errors.NotFound:
                continue
            await asyncio.to_thread(add, archive, name, activity)
            if out.tell() > ZIP_BYTES_MOST:
                raise errors.Invalid(
                    "Too much for one archive", {"ids": [f"The first {len(archive.namelist())} fill it; ask for fewer"]}
                )
        if not archive.namelist():
            raise NoFile("None of these activities has a recording")
    return out.getvalue()


async def laps_csv(tx: Read, said: str) -> bytes:
    """The device's laps as CSV. Raises ActivityNotFound."""
    activity = await activities.get(tx, said)
    kept = await recordings.get(tx, activity.id)
    return tabular.encode_laps(kept.laps if kept is not None else ())


def _name(activity: Whole) -> str:
    title = re.sub(r"[^\w-]+", "_", activity.name, flags=re.ASCII).strip("_")[:60]
    return "_".join(filter(None, (activity.local_start[:10], activity.id, title))) + ".fit"


def as_fit(activity: Recorded) -> bytes:
    """The bytes of a FIT file with an activity's channels, laps and totals. Values that the format cannot hold are left out."""
    start_s = _clock(activity.start_at.timestamp())
    first_s = _clock(activity.first_at.timestamp()) if activity.first_at else start_s
    sport, sub_sport = _WORDS.get(activity.type, ("generic", "generic"))
    times = activity.channels["time"] + first_s if activity.count else np.empty(0)
    end_s = _clock(float(times[-1]) + 1 if len(times) else start_s + activity.totals.get("elapsed_s", 0.0))
    device = activity.device
    messages: dict[str, _Table] = {
        "file_id": {
            "type": [4],
            "manufacturer": [255],
            "time_created": [start_s],
            **({"product_name": np.array([device.name[:60]], object)} if device.name else {}),
        }
    }
    if len(times):
        messages["record"] = {"timestamp": times, **_record(activity)}
        stops = [stop for stop in activity.stops if stop + 1 < len(times)]
        moments = [start_s, *(at for stop in stops for at in (float(times[stop]), float(times[stop + 1]))), end_s]
        kinds = [0, *(kind for _ in stops for kind in (4, 0)), 4]
        messages["event"] = {"timestamp": moments, "event": [0] * len(moments), "event_type": kinds}
    totals = {"elapsed_s": end_s - start_s, **activity.totals}
    if activity.laps:
        messages["lap"] = _laps(activity, start_s, end_s)
    messages["session"] = {
        "timestamp": [end_s],
        "start_time": [start_s],
        "sport": [_SPORTS[sport]],
        "sub_sport": [_SUB_SPORTS[sub_sport]],
        **_totals([totals]),
        **({"pool_length": [activity.pool_length_m]} if activity.pool_length_m else {}),
    }
    messages["activity"] = {"timestamp": [end_s], "num_sessions": [1]}
    return fit.encode(messages)


def _clock(unix_s: float) -> float:
    return min(max(unix_s, _CLOCK_LEAST_S), _CLOCK_MOST_S)


def _record(activity: Recorded) -> _Table:
    channels = activity.channels
    found: _Table = {}
    for name, (field, least, most, _) in _FIELDS.items():
        if name in channels:
            found[field] = _within(channels[name], least, most)
    if "cadence" in channels:
        cadence = _within(channels["cadence"], 0, 254)
        found["cadence"] = np.floor(cadence)
        if (cadence != np.floor(cadence))[~np.isnan(cadence)].any():
            found["fractional_cadence"] = np.floor((cadence - np.floor(cadence)) * 128) / 128
    if "lat" in channels and "lng" in channels:
        found["position_lat"] = np.rint(channels["lat"] * SEMICIRCLES)
        found["position_long"] = _within(np.rint(channels["lng"] * SEMICIRCLES), -(2**31), 2**31 - 2)
    return found


def _within(values: npt.NDArray[np.float64], least: float, most: float) -> npt.NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.where((values >= least) & (values <= most), values, np.nan)


def _totals(told: Sequence[dict[str, float]]) -> _Table:
    found: _Table = {}
    for name, (field, most) in _LAP_FIELDS.items():
        if any(name in each for each in told):
            found[field] = _within(np.array([each.get(name, np.nan) for each in told]), 0, most)
    return found


def _laps(activity: Recorded, start_s: float, end_s: float) -> _Table:
    starts = [_clock(lap.start_at.timestamp()) if lap.start_at else start_s for lap in activity.laps]
    ends: list[Any] = [*starts[1:], end_s]
    return {"timestamp": ends, "start_time": starts, **_totals([lap.metrics for lap in activity.laps])}
