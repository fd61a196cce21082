"""Power models: what a curve of best efforts says about the athlete behind it.

Each model is a formula of power by duration whose parameters are fitted to a mean-max curve. A curve is not all maximal: most of its points lie
below what could have been done. So the fit is to the upper edge: points well below a first fit are left out and the fit is made again.

MS_2P      P = CP + W′/t                                 Monod and Scherrer 1965; 3 to 20 minutes
MORTON_3P  P = CP + W′/(t + W′/(Pmax − CP))              Morton 1996; 5 seconds to 30 minutes
ECP        extended critical power, as GoldenCheetah's   D. Grauser and M. Liversedge; 5 seconds to 3 hours
FFT_CURVES one effort, scaled to an hour by a table      see `eftp`; the original's table is not public
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from openintervals.analysis import eftp
from openintervals.analysis.arrays import Bools, Floats, Ints, floats

MODELS = ("MS_2P", "MORTON_3P", "FFT_CURVES", "ECP")
_SPANS_S = {"MS_2P": (180, 1200), "MORTON_3P": (5, 1800), "ECP": (5, 10800)}
_SLACK = 0.02  # a point further below the fit is taken as not maximal
_KEPT_LEAST = 0.4
W_PRIME_LEAST_J = 1000.0  # less is no athlete but a curve without efforts
_ROUNDS = 4
_APART = 1.05  # of the durations of neighbouring points, so that short efforts weigh like long ones
_DELAYS_S = np.geomspace(1.0, 200.0, 24)
# What the extended model's shape is made of, per minute: fixed values of GoldenCheetah.
_PAA_DECAY, _TAU_DELAY, _ECP_DELAY, _ECP_DECAY, _ECP_DECAY_DELAY = -2.0, -4.8, -0.9, -0.6, -180.0


@dataclass(frozen=True, slots=True)
class PowerModel:
    """A fitted model: watts, joules, and the places in the curve it rests on. FTP is critical power, or by FFT_CURVES the estimate itself."""

    kind: str
    critical_w: float
    w_prime_j: float | None
    p_max_w: float | None
    ftp_w: float
    inputs: tuple[int, ...]


def fit(kind: str, durations_s: Ints, watts: Floats, least_s: int = eftp.LEAST_S) -> PowerModel | None:
    """Fit a model to a curve; None when the curve is too short or has no shape the model could have. Raises ValueError for unknown kinds."""
    if kind not in MODELS:
        raise ValueError(f"{kind!r} is no power model; there are {', '.join(MODELS)}")
    if kind == "FFT_CURVES":
        return _by_table(durations_s, watts, least_s)
    low, high = _SPANS_S[kind]
    places = np.flatnonzero((durations_s >= low) & (durations_s <= high) & (watts > 0))
    places = _spread(durations_s, places)
    if len(places) < 3 or durations_s[places[-1]] < 2 * max(low, 300):
        return None
    times, values = durations_s[places].astype(np.float64), watts[places]
    solve = {"MS_2P": _monod_scherrer, "MORTON_3P": _morton, "ECP": _extended}[kind]
    found, used = _upper_edge(solve, times, values)
    if found is None:
        return None
    critical, w_prime, p_max = found
    if not (critical > 0 and w_prime >= W_PRIME_LEAST_J):
        return None
    return PowerModel(kind, critical, w_prime, p_max, critical, tuple(places[used].tolist()))


def _spread(durations_s: Ints, places: Ints) -> Ints:
    """Places whose durations are apart by a factor of `_APART` or more."""
    if not len(places):
        return places
    step = np.floor(np.log(durations_s[places]) / np.log(_APART))
    kept: Ints = places[np.concatenate(([True], np.diff(step) > 0))]
    return kept


Parameters = tuple[float, float, float | None]
Solver = Callable[[Floats, Floats], tuple[Parameters | None, Floats]]


def _upper_edge(solve: Solver, times: Floats, values: Floats) -> tuple[Parameters | None, Bools]:
    used = np.ones(len(times), dtype=bool)
    found, fitted = solve(times, values)
    for _ in range(_ROUNDS):
        if found is None:
            return None, used
        near = values >= fitted * (1 - _SLACK)
        if near.sum() < max(4, _KEPT_LEAST * len(near)) or (near == used).all():
            break
        used = near
        better, _ = solve(times[used], values[used])
        if better is None:
            break
        found = better
        fitted = _predict(solve, found, times)
    return found, used


def _predict(solve: Solver, found: Parameters, times: Floats) -> Floats:
    critical, w_prime, p_max = found
    if solve is _monod_scherrer:
        return critical + w_prime / times
    if solve is _morton and p_max is not None:
        return morton(times, critical, w_prime, p_max)
    return _extended_of(found, times)


def morton(times_s: Floats, critical_w: float, w_prime_j: float, p_max_w: float) -> Floats:
    """Watts the three-parameter model has for durations in seconds."""
    watts: Floats = critical_w + w_prime_j / (times_s + w_prime_j / (p_max_w - critical_w))
    return watts


def _monod_scherrer(times: Floats, values: Floats) -> tuple[Parameters | None, Floats]:
    critical, w_prime = np.polynomial.polynomial.polyfit(1 / times, values, 1)
    return (float(critical), float(w_prime), None), critical + w_prime / times


def _morton(times: Floats, values: Floats) -> tuple[Parameters | None, Floats]:
    """For a given delay k = W′/(Pmax − CP) the model is linear in CP and W′; the best delay is searched, coarse and then fine."""
    delays = _DELAYS_S
    for _ in range(4):
        errors, critical, w_prime = _linear(1.0 / (times[None, :] + delays[:, None]), values)
        best = int(np.argmin(np.where((critical > 0) & (w_prime > 0), errors, np.inf)))
        chosen = float(delays[best]), float(critical[best]), float(w_prime[best])
        delays = np.linspace(delays[max(best - 1, 0)], delays[min(best + 1, len(delays) - 1)], 12)
    delay, cp, w = chosen
    if cp <= 0 or w <= 0:
        return None, values
    return (cp, w, cp + w / delay), cp + w / (times + delay)


def _linear(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Least squares of y = a + b·x for each row of x: the squared errors, a and b."""
    mean_x, mean_y = x.mean(axis=1), y.mean()
    dx = x - mean_x[:, None]
    b = (dx @ (y - mean_y)) / (dx * dx).sum(axis=1)
    a = mean_y - b * mean_x
    residual = a[:, None] + b[:, None] * x - y
    return (residual * residual).sum(axis=1), a, b


def _parts(times: Floats) -> Floats:
    minutes = times / 60.0
    sprint = (1.20 - 0.20 * np.exp(-minutes)) * np.exp(_PAA_DECAY * minutes)
    aerobic = (
        (1 - np.exp(_TAU_DELAY * minutes))
        * (1 - np.exp(_ECP_DELAY * minutes))
        * (1 + _ECP_DECAY * np.exp(_ECP_DECAY_DELAY / minutes))
    )
    return np.column_stack((sprint, aerobic, aerobic / minutes))


def _extended(times: Floats, values: Floats) -> tuple[Parameters | None, Floats]:
    """With its shape fixed the model is linear in the sprint, critical power and W′; relative errors are least."""
    parts = _parts(times)
    found, _, rank, _ = np.linalg.lstsq(parts / values[:, None], np.ones(len(values)), rcond=None)
    if rank < 3:
        return None, values
    sprint, critical, rest = (float(value) for value in found)
    p_max = float((_parts(floats([1.0])) @ found)[0])
    return (critical, rest * 60.0, p_max), parts @ np.array([sprint, critical, rest])


def extended(times_s: Floats, sprint_w: float, critical_w: float, w_prime_j: float) -> Floats:
    """Watts the extended model has for durations in seconds."""
    watts: Floats = _parts(times_s) @ np.array([sprint_w, critical_w, w_prime_j / 60.0])
    return watts


def _extended_of(found: Parameters, times: Floats) -> Floats:
    critical, w_prime, p_max = found
    first = _parts(floats([1.0]))[0]
    sprint = ((p_max or 0.0) - critical * first[1] - w_prime / 60.0 * first[2]) / first[0]
    return extended(times, float(sprint), critical, w_prime)


def _by_table(durations_s: Ints, watts: Floats, least_s: int) -> PowerModel | None:
    found = eftp.estimate(durations_s, watts, least_s)
    if found is None:
        return None
    short = np.flatnonzero(durations_s <= eftp.SPRINT_S)
    p_max = float(watts[short].max()) if len(short) else None
    return PowerModel("FFT_CURVES", found.ftp_w, found.w_prime_j, p_max, found.ftp_w, (found.place,))
