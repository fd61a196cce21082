"""Where an activity was, as the Intervals.icu API speaks of it: its way, the segments on it, and the weather there.

There are no segments, no routes and no weather on this server yet: what tells of them is there, and empty.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import field

from openintervals import errors
from openintervals.api.http import Read, Stored
from openintervals.api.icu import curve_shapes
from openintervals.api.icu.dialect import Line, Query, Wire, icu
from openintervals.training import activities, streams

_DIGITS = 6  # of a degree: a tenth of a metre
_BOUNDS = (
    "Expected four numbers: the least latitude, the least longitude, the greatest latitude, the greatest longitude"
)

if TYPE_CHECKING:
    Points = npt.NDArray[np.float64]
else:
    Points = list[list[float] | None]


class ActivityWeather(Wire, frozen=True, kw_only=True):
    """The weather along the way; none is known yet."""

    points: list[dict[str, Any]]
    closest_points: list[dict[str, Any]]


class MapData(Wire, frozen=True, kw_only=True):
    """The corners of the way, south-west and north-east, and a position for each record, null where there is none."""

    bounds: list[list[float]] | None
    latlngs: Points | None
    route: dict[str, Any] | None = None
    weather: ActivityWeather | None = None


class IcuSegment(Wire, frozen=True, kw_only=True):
    """A segment that an activity went over."""

    id: int
    segment_id: int
    name: str
    start_index: int
    end_index: int
    starred: bool


class WindRose(Wire, frozen=True, kw_only=True):
    """How often the wind came from each direction, and how fast it was."""

    count: list[int]
    avg_speed: list[float]


class ActivityWeatherSummary(Wire, frozen=True, kw_only=True):
    """The weather over a part of an activity; none is known yet, so that everything but the part is null."""

    start_index: int
    end_index: int
    start_secs: int | None = None
    end_secs: int | None = None
    whole_activity: bool
    moving_time: int | None = None
    description: str | None = None
    average_temp: float | None = None
    min_temp: int | None = None
    max_temp: int | None = None
    average_weather_temp: float | None = None
    min_weather_temp: float | None = None
    max_weather_temp: float | None = None
    average_feels_like: float | None = None
    min_feels_like: float | None = None
    max_feels_like: float | None = None
    average_wind_speed: float | None = None
    min_wind_speed: float | None = None
    max_wind_speed: float | None = None
    average_wind_gust: float | None = None
    min_wind_gust: float | None = None
    max_wind_gust: float | None = None
    prevailing_wind_deg: int | None = None
    average_yaw: float | None = None
    headwind_percent: float | None = None
    tailwind_percent: float | None = None
    average_clouds: int | None = None
    max_rain: float | None = None
    max_showers: float | None = None
    max_snow: float | None = None
    wind_speed: WindRose | None = None
    wind_gust: WindRose | None = None
    apparent_wind_speed: WindRose | None = None
    apparent_wind_gust: WindRose | None = None


class MapQuery(Query, frozen=True, kw_only=True):
    bounds: Annotated[
        list[Annotated[float, msgspec.Meta(ge=-180, le=180)]],
        msgspec.Meta(max_length=4, description=f"Only positions inside: {_BOUNDS.removeprefix('Expected ')}. Those outside are null."),
    ] = field(default_factory=list)  # fmt: skip
    bounds_only: Annotated[bool, msgspec.Meta(description="Whether to leave the positions out.")] = field(
        default=False, name="boundsOnly"
    )
    weather: Annotated[
        bool, msgspec.Meta(description="Whether to tell the weather, of which nothing is known yet.")
    ] = False


class WeatherQuery(Query, frozen=True, kw_only=True):
    start_index: Annotated[int, msgspec.Meta(ge=0, description="The record the part begins with.")] = 0
    end_index: Annotated[int, msgspec.Meta(ge=0, description="The record the part ends before; 0 for the end.")] = 0
    descr_config: Annotated[Line, msgspec.Meta(description="Not looked at.")] | None = None


@icu.operation("GET", "/activity/{activity_id}/map", scope="ACTIVITY:READ", tag="Activities")
async def get_activity_map(tx: Read, activity_id: str, query: MapQuery) -> Stored[MapData]:
    """Show where an activity was

    One without positions has neither bounds nor positions. Routes and weather are not known yet.
    """
    box = query.bounds
    if box and (len(box) != 4 or box[0] > box[2] or box[1] > box[3]):
        raise errors.Invalid("Invalid request parameters", {"bounds": [_BOUNDS]})
    activity = await activities.get(tx, activity_id)
    channels = await streams.read(tx, activity.id, [streams.LATLNG])
    weather = ActivityWeather(points=[], closest_points=[]) if query.weather else None

    def work() -> bytes:
        lat, lng = channels.get(streams.LAT), channels.get(streams.LNG)
        if lat is None or lng is None or not (there := ~np.isnan(lat) & ~np.isnan(lng)).any():
            return curve_shapes.encoded(MapData(bounds=None, latlngs=None, weather=weather))
        points = np.column_stack((lat, lng)).round(_DIGITS)
        bounds = [points[there].min(axis=0).tolist(), points[there].max(axis=0).tolist()]
        if box:
            there &= (lat >= box[0]) & (lng >= box[1]) & (lat <= box[2]) & (lng <= box[3])
        points[~there] = np.nan
        told = MapData(bounds=bounds, latlngs=None if query.bounds_only else points, weather=weather)
        return curve_shapes.encoded(told).replace(b"[null,null]", b"null")

    return Stored(await asyncio.to_thread(work))


@icu.operation("GET", "/activity/{activity_id}/segments", scope="ACTIVITY:READ", tag="Activities")
async def get_activity_segments(tx: Read, activity_id: str) -> list[IcuSegment]:
    """List the segments an activity went over

    There are none yet.
    """
    await activities.get(tx, activity_id)
    return []


@icu.operation("GET", "/activity/{activity_id}/weather-summary", scope="ACTIVITY:READ", tag="Activities")
async def get_activity_weather_summary(tx: Read, activity_id: str, query: WeatherQuery) -> ActivityWeatherSummary:
    """Show the weather during an activity

    Nothing is known of it yet: everything but the part asked for is null.
    """
    activity = await activities.get(tx, activity_id)
    times = (await streams.read(tx, activity.id, [streams.TIME])).get(streams.TIME, np.empty(0))
    count = len(times)
    first, end = query.start_index, query.end_index or count
    if not first <= end <= count:
        said = f"Expected a part of the {count} records, from start_index up to, not including, end_index"
        raise errors.Invalid("Invalid request parameters", {"end_index": [said]})
    return ActivityWeatherSummary(
        start_index=first,
        end_index=end,
        start_secs=int(times[first]) if first < count else None,
        end_secs=int(times[end - 1]) if end else None,
        whole_activity=(first, end) == (0, count),
    )
