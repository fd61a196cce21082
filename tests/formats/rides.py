"""An activity to write and read: half an hour of made-up numbers such as a device records them."""

from dataclasses import replace

import numpy as np

from openintervals.formats import fit
from openintervals.formats.fit_channels import SEMICIRCLES
from openintervals.formats.recording import Activity, Device, Lap, instant

START_S = 1_714_545_000  # 2024-05-01T06:30:00Z


def ride(rows: int = 1_800, *, kind: str = "Ride") -> Activity:
    """With two laps, a stop after row 599, and in row 700 nothing but the time and the power."""
    at = np.arange(rows)
    time = at + np.where(at >= 600, 120.0, 0.0)
    wave = np.sin(at / 60)
    channels = {
        "time": time,
        "watts": np.round(200 + 80 * wave),
        "heartrate": np.round(140 + 20 * np.sin(at / 90)),
        "cadence": np.round(88 + 5 * wave),
        "distance": np.round(at * 8.33, 2),
        "altitude": np.round((300 + 40 * np.sin(at / 300)) * 5) / 5,
        "velocity_smooth": np.round(8.33 + wave, 3),
        "temp": np.round(18 + 2 * wave),
        "lat": np.round((47 + at * 7e-5) * SEMICIRCLES) / SEMICIRCLES,
        "lng": np.round((8 + 0.01 * wave) * SEMICIRCLES) / SEMICIRCLES,
    }
    for name in channels.keys() - {"time", "watts"}:
        channels[name][700] = np.nan
    half = rows // 2
    laps = (
        Lap(0, half, instant(START_S), {"elapsed_s": 1020.0, "distance_m": 7497.0, "average_power_w": 201.0}, "active", "manual"),
        Lap(half, rows, instant(START_S + time[half]), {"elapsed_s": 900.0, "distance_m": 7488.0, "average_power_w": 199.0}, "active", "manual"),
    )  # fmt: skip
    return Activity(
        type=kind,
        start_at=instant(START_S),
        first_at=instant(START_S),
        channels=channels,
        device=Device(manufacturer="garmin", name="Edge 530", serial="3900000001", product=3121),
        laps=laps,
        stops=(599,),
    )


def as_fit(activity: Activity) -> bytes:
    """The same, as a device would have written it."""
    channels = activity.channels
    times = channels["time"] + START_S
    stop, again = times[599], times[600]
    end = times[-1] + 1
    starts = [lap.start_at.timestamp() for lap in activity.laps if lap.start_at]
    names = {
        "power": "watts", "heart_rate": "heartrate", "cadence": "cadence", "distance": "distance",
        "enhanced_altitude": "altitude", "enhanced_speed": "velocity_smooth", "temperature": "temp",
    }  # fmt: skip
    return fit.encode(
        {
            "file_id": {
                "type": [4], "manufacturer": [1], "product": [3121], "serial_number": [3_900_000_001],
                "time_created": [START_S], "product_name": np.array(["Edge 530"], object),
            },
            "record": {
                "timestamp": times,
                "position_lat": np.round(channels["lat"] * SEMICIRCLES),
                "position_long": np.round(channels["lng"] * SEMICIRCLES),
                **{field: channels[name] for field, name in names.items()},
            },
            "event": {"timestamp": [START_S, stop, again, end], "event": [0] * 4, "event_type": [0, 4, 0, 4]},
            "lap": {
                "timestamp": [*starts[1:], end],
                "start_time": starts,
                "total_elapsed_time": [lap.metrics["elapsed_s"] for lap in activity.laps],
                "total_distance": [lap.metrics["distance_m"] for lap in activity.laps],
                "avg_power": [lap.metrics["average_power_w"] for lap in activity.laps],
                "intensity": [0, 0],
                "lap_trigger": [0, 0],
            },
            "session": {
                "timestamp": [end], "start_time": [START_S], "sport": [2], "sub_sport": [0],
                "total_elapsed_time": [1920.0], "total_timer_time": [1800.0], "total_distance": [14_985.0],
            },
            "activity": {"timestamp": [end], "num_sessions": [1]},
        }
    )  # fmt: skip


def shortened(activity: Activity, rows: int) -> Activity:
    """Its first rows, without laps and stops."""
    channels = {name: values[:rows] for name, values in activity.channels.items()}
    return replace(activity, channels=channels, laps=(), stops=())
