"""Heart rates that a chest strap recorded by itself and sent later, in messages of their own, for the time of each record."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_GAP_MOST_S = 10.0  # a record looks no further back for the beats that belong to it


def beats(hr: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When each rate was measured, in Unix seconds and rising, and the rate in beats a minute.

    `event_timestamp` runs on the clock of the strap; a message that has the time as well says how the two clocks go
    together, for itself and those after it.
    """
    nothing = np.empty(0)
    if not all(name in hr for name in ("timestamp", "event_timestamp", "filtered_bpm")):
        return nothing, nothing
    strap_s, bpm, at = (_rows(hr[name]) for name in ("event_timestamp", "filtered_bpm", "timestamp"))
    width = min(strap_s.shape[1], bpm.shape[1])
    strap_s, bpm = strap_s[:, :width], bpm[:, :width]
    apart = at[:, 0] - strap_s[:, 0]
    known = ~np.isnan(apart)
    if not known.any():
        return nothing, nothing
    last = np.maximum.accumulate(np.where(known, np.arange(len(apart)), -1))
    apart = np.where(last >= 0, apart[last], np.nan)
    when = (strap_s + apart[:, None]).ravel()
    rate = bpm.ravel()
    there = np.isfinite(when) & np.isfinite(rate) & (rate > 0)
    order = np.argsort(when[there], kind="stable")
    return when[there][order], rate[there][order]


def merged(times_s: NDArray[np.float64], when_s: NDArray[np.float64], bpm: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each record the mean, in whole beats, of the rates since the record before it; NaN where there are none."""
    out = np.full(len(times_s), np.nan)
    there = np.flatnonzero(~np.isnan(times_s))
    if not len(there) or not len(when_s):
        return out
    times = np.maximum.accumulate(times_s[there])
    since = np.concatenate(([times[0] - 1], times[:-1]))
    since = np.where(since == times, times - 1, since)  # two records in one second share what was measured in it
    since = np.maximum(since, times - _GAP_MOST_S)
    first = np.searchsorted(when_s, since, "right")
    last = np.searchsorted(when_s, times, "right")
    sums = np.concatenate(([0.0], np.cumsum(bpm)))
    some = last > first
    means = (sums[last] - sums[first])[some] / (last - first)[some]
    out[there[some]] = np.rint(means)
    return out


def _rows(column: NDArray[Any]) -> NDArray[np.float64]:
    if column.dtype == object:
        return np.full((len(column), 1), np.nan)
    column = column.astype(np.float64, copy=False)
    return column if column.ndim == 2 else column[:, None]
