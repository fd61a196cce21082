"""What curves look like on the wire, of one activity and of a season, and how they are written.

The arrays of a curve are of one length: `values[i]` is the best at `secs[i]` or `distance[i]`. They stay arrays until the whole answer is written
at once. Watts, bpm and seconds are whole numbers, as the original has them.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import orjson
from msgspec import field

from openintervals.analysis import critical_speed, power_models
from openintervals.api.http import Csv
from openintervals.api.icu.dialect import SportType, Wire
from openintervals.formats import tabular
from openintervals.training.activity_curves import Floats

ModelType = Literal["MS_2P", "MORTON_3P", "FFT_CURVES", "ECP"]

if TYPE_CHECKING:
    Integers = npt.NDArray[np.int64] | Sequence[int]  # what the wire has as a list is an array until it is written
    Numbers = npt.NDArray[np.float64] | Sequence[float]
else:
    Integers = list[int]
    Numbers = list[float]


class PowerModel(Wire, frozen=True, kw_only=True):
    """What a curve says of somebody's power: W, J, and the places in the curve it rests on. Without any efforts everything is null."""

    type: ModelType | None = None
    critical_power: int | None = field(default=None, name="criticalPower")
    w_prime: int | None = field(default=None, name="wPrime")
    p_max: int | None = field(default=None, name="pMax")
    ftp: int | None = None
    input_point_indexes: list[int] | None = field(default=None, name="inputPointIndexes")


class PaceModel(Wire, frozen=True, kw_only=True):
    """Critical speed in m/s, D′ in m, how well the line fits, and the places in the curve it rests on."""

    type: Literal["CS"]
    critical_speed: float = field(name="criticalSpeed")
    d_prime: float = field(name="dPrime")
    r2: float
    input_point_indexes: list[int] = field(name="inputPointIndexes")


class Rank(Wire, frozen=True, kw_only=True):
    """How somebody stands among others; this server compares nobody."""

    position: dict[str, float]
    watts: dict[str, float]


class BestOf(Wire, frozen=True, kw_only=True):
    """What curves have in common. Of a season, `activity_id` says whose each value is; `submax_…` have what comes next, a list at each place."""

    id: str
    label: str
    filter_label: str | None = None
    filters: list[dict[str, Any]] | None = None
    start_date_local: str
    end_date_local: str
    days: int
    moving_time: int | None = None
    training_load: int | None = None
    weight: float | None = None
    percentile: float | None = None
    values: Integers
    activity_id: list[str] | None = None
    start_index: Integers
    end_index: Integers
    submax_values: list[list[int]] | None = None
    submax_activity_id: list[list[str]] | None = None


class PowerCurve(BestOf, frozen=True, kw_only=True):
    """The best power for every duration. `watts` are the `values`; `watts_per_kg` are by what the athlete weighed at each activity."""

    secs: Integers
    watts: Integers
    watts_per_kg: Numbers | None = None
    wkg_activity_id: list[str] | None = None
    submax_watts_per_kg: list[list[float]] | None = None
    submax_wkg_activity_id: list[list[str]] | None = None
    after_kj: int | None = None
    stream_name: str | None = None
    stream_type: str | None = None
    power_models: list[PowerModel] | None = field(default=None, name="powerModels")
    ranks: dict[str, Rank] | None = None
    map_plot: dict[str, Any] | None = field(default=None, name="mapPlot")
    compound_score_5m: float | None = None
    vo2max_5m: float | None = None


class HRCurve(BestOf, frozen=True, kw_only=True):
    """The highest heart rate for every duration."""

    secs: Integers


class PaceCurve(BestOf, frozen=True, kw_only=True):
    """The least seconds for every distance in metres; `GAP` is by what they would have been on the level."""

    distance: Numbers
    type: Literal["PACE", "GAP"]
    pace_models: list[PaceModel] | None = field(default=None, name="paceModels")


class CurveActivity(Wire, frozen=True, kw_only=True):
    """An activity that some value of a curve is of, in a few words."""

    id: str
    name: str
    type: SportType
    start_date_local: str
    moving_time: int | None = None
    distance: float | None = None
    icu_training_load: int | None = None
    icu_weight: float | None = None
    race: bool | None = None
    icu_color: str | None = None


AfterWork = Annotated[
    Literal["kj0", "kj1"] | None,
    msgspec.Meta(
        description="`kj0` or `kj1`: of what came after the first or the second amount of work of the sport settings."
    ),
]


def whole(values: Floats) -> Integers:
    """Values to the nearest whole number."""
    rounded: npt.NDArray[np.int64] = np.rint(values).astype(np.int64)
    return rounded


def per_kg(values: Floats) -> Numbers:
    """Watts per kilogram, to three places."""
    rounded: npt.NDArray[np.float64] = np.asarray(values, np.float64).round(3)
    return rounded


def power_model(found: power_models.PowerModel | None) -> PowerModel:
    """A model as the wire has it."""
    if found is None:
        return PowerModel()
    return PowerModel(
        type=found.kind,  # type: ignore[arg-type]  # analysis has the same four
        critical_power=round(found.critical_w),
        w_prime=None if found.w_prime_j is None else round(found.w_prime_j),
        p_max=None if found.p_max_w is None else round(found.p_max_w),
        ftp=round(found.ftp_w),
        input_point_indexes=list(found.inputs),
    )


def models_of(durations_s: Floats, watts: Floats, wanted: ModelType | None) -> list[PowerModel]:
    """The model that is wanted, or all, as far as the curve has their shape."""
    times = durations_s.astype(np.int64)
    kinds = power_models.MODELS if wanted is None else (wanted,)
    fitted = [power_models.fit(kind, times, watts) for kind in kinds] if len(watts) else []
    return [power_model(each) for each in fitted if each is not None]


def pace_models(distances_m: Floats, seconds: Floats) -> list[PaceModel]:
    """Critical speed, where the curve says one."""
    found = critical_speed.fit(distances_m, seconds)
    if found is None:
        return []
    return [
        PaceModel(
            type="CS",
            critical_speed=round(found.critical_mps, 4),
            d_prime=round(found.d_prime_m, 2),
            r2=round(found.r2, 4),
            input_point_indexes=list(found.inputs),
        )
    ]


def encoded(value: Any) -> bytes:
    """An answer with arrays in it as JSON."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)


@cache
def _names(shape: type[msgspec.Struct]) -> list[tuple[str, str]]:
    """The fields of a struct, and what the wire calls them."""
    return [(each.name, each.encode_name) for each in msgspec.structs.fields(shape)]


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {wire: getattr(value, name) for name, wire in _names(type(value))}
    raise TypeError(f"{type(value).__name__} is no part of an answer")


def table(name: str, grid: Numbers | Integers, columns: Mapping[str, Numbers | Integers]) -> Csv:
    """Curves as CSV: the durations or distances, and a column for each curve, blank where it has ended."""
    length = len(grid)
    padded = {name: np.asarray(grid, np.float64)}
    for each, values in columns.items():
        padded[each] = np.full(length, np.nan)
        padded[each][: len(values)] = values
    return Csv(tabular.encode_streams(padded).decode())
