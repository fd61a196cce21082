"""Made-up ways: loops from a place and back to it, with hills, for made-up rides and runs.

A way is a closed curve of a given length whose height is a sum of waves that fit into it, so one may go round as often as one likes and
neither place nor height jumps where it begins again. Gradients stay below ten percent or so.
All of it is pure: the same seed, length and place give the same way.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from openintervals.formats.fit_channels import SEMICIRCLES

_Floats = npt.NDArray[np.float64]
_POINTS = 2_048
_DEGREE_M = 111_195.0


class Way(NamedTuple):
    """A loop: by metres along it, where one is and how high. `gradients` are of tiles of equal length."""

    length_m: float
    along_m: _Floats
    lat: _Floats
    lng: _Floats
    altitude_m: _Floats
    gradients: list[float]


@lru_cache(64)
def loop(seed: int, length_m: float, lat: float, lng: float, lowest_m: float) -> Way:
    """A loop of roughly that length, from a place and back."""
    chance = np.random.default_rng([seed, 1])
    angle = np.linspace(0, 2 * np.pi, _POINTS + 1)
    radius = np.ones_like(angle)
    for wave in range(2, 7):
        radius += chance.uniform(0.02, 0.28 / wave) * np.cos(wave * angle + chance.uniform(0, 2 * np.pi))
    east, north = radius * np.cos(angle), radius * np.sin(angle)
    legs = np.hypot(np.diff(east), np.diff(north))
    scale = length_m / legs.sum()
    turn = chance.uniform(0, 2 * np.pi)
    east, north = (east - east[0]) * scale, (north - north[0]) * scale
    east, north = east * math.cos(turn) - north * math.sin(turn), east * math.sin(turn) + north * math.cos(turn)
    along = np.concatenate([[0.0], np.cumsum(legs) * scale])
    height = np.zeros_like(along)
    for wave in (1, 2, 3, 5, 8, 13):
        steepest = chance.uniform(0.004, 0.018)
        height += (
            steepest
            * length_m
            / (2 * np.pi * wave)
            * np.sin(2 * np.pi * wave * along / length_m + chance.uniform(0, 2 * np.pi))
        )
    gradients = np.diff(height) / np.diff(along)
    even = np.interp((np.arange(_POINTS) + 0.5) * length_m / _POINTS, along[:-1], gradients)
    return Way(
        length_m,
        along,
        lat + north / _DEGREE_M,
        lng + east / (_DEGREE_M * math.cos(math.radians(lat))),
        lowest_m + height - height.min(),
        even.tolist(),
    )


def along(way: Way, distance: _Floats) -> tuple[dict[str, npt.ArrayLike], float]:
    """Where one is after so many metres, in the columns of a FIT record, and the metres climbed in all."""
    at = distance % way.length_m
    altitude = np.interp(at, way.along_m, way.altitude_m)
    columns: dict[str, npt.ArrayLike] = {
        "position_lat": np.rint(np.interp(at, way.along_m, way.lat) * SEMICIRCLES),
        "position_long": np.rint(np.interp(at, way.along_m, way.lng) * SEMICIRCLES),
        "enhanced_altitude": altitude,
    }
    return columns, float(np.maximum(np.diff(altitude), 0).sum())
