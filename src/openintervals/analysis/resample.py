"""Seconds: records of a device laid out one second after the other.

Devices write once a second, when something changed, or several times a second, and not at all while stopped. A record counts from its own time
until the next one. When the next is more than `HOLD_S` seconds (or three usual intervals, if that is longer) away, recording had stopped: the
record then counts for one usual interval and the rest is a gap. Each second gets the mean of what counts in it, so that nothing is gained or
lost: the sum over seconds of power is the sum over records of power times the time it counts for.

Times that go back or are unknown are taken as standing still, and a record that lasts no time counts for nothing.
"""

from dataclasses import dataclass

import numpy as np

from openintervals.analysis.arrays import Bools, Floats, Ints, floats, prefix

HOLD_S = 10.0
SECONDS_MOST = 604_800


class TooLong(ValueError):
    """The times span more than a week; most likely one of them is wrong."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """How records and seconds belong together.

    `count` seconds; `row` (one per second) is the record each comes from; `recorded` (one per second) is False in gaps; `first` (one per record)
    is the second a record begins in; `held_s` (one per record) is how long it counts; `usual_s` is the median interval between records.
    """

    count: int
    row: Ints
    recorded: Bools
    first: Ints
    time_s: Floats
    held_s: Floats
    usual_s: float
    whole: bool  # every record begins on a whole second, no two on the same

    @property
    def stops(self) -> Ints:
        """Records after which recording stopped."""
        found: Ints = np.flatnonzero(np.diff(self.time_s) > self.held_s[:-1] + 1e-9).astype(np.int64)
        return found

    def fill(self, values: Floats, gap: float = np.nan) -> Floats:
        """One value per second; `gap` where nothing was recorded or the value is unknown."""
        if self.whole:
            filled = values[self.row]
            wrong = ~self.recorded
            if not np.isnan(gap):
                wrong |= np.isnan(filled)
            if wrong.any():
                filled[wrong] = gap
            return filled
        known = ~np.isnan(values)
        amount = self._per_second(np.where(known, values, 0.0))
        share = self._per_second(known.astype(np.float64))
        if gap == 0.0:
            return amount
        present = share > 1e-9
        return np.where(present, amount / np.where(present, share, 1.0), gap)

    def _per_second(self, values: Floats) -> Floats:
        sums = prefix(values * self.held_s)
        knots = np.column_stack((self.time_s, self.time_s + self.held_s)).ravel()
        heights = np.column_stack((sums[:-1], sums[1:])).ravel()
        return np.diff(np.interp(np.arange(self.count + 1), knots, heights))

    def second(self, index: Ints) -> Ints:
        """The second each record begins in; for the index after the last record, the end."""
        return np.append(self.first, self.count)[index]

    def index(self, second: Ints) -> Ints:
        """The record each second comes from; for the end, the index after the last record."""
        return np.append(self.row, len(self.time_s))[second]


def seconds(time_s: Floats) -> Seconds:
    """Lay out records at `time_s` (seconds since the first, one per record). Raises TooLong beyond `SECONDS_MOST`."""
    times = floats(time_s)
    if not len(times):
        empty = np.empty(0, np.int64)
        return Seconds(0, empty, empty.astype(bool), empty, times, times, 1.0, whole=True)
    times = np.maximum.accumulate(np.where(np.isfinite(times), times, -np.inf))
    times = np.maximum(times, 0.0)
    if times[-1] > SECONDS_MOST:
        raise TooLong(f"the last record is {times[-1]:.0f} s after the first; at most {SECONDS_MOST} can be analysed")
    between = np.diff(times)
    moved = between[between > 0]
    usual = float(np.median(moved)) if len(moved) else 1.0
    held = np.append(between, max(usual, 1.0))
    held[held > max(HOLD_S, 3 * usual)] = max(usual, 1.0)
    count = int(np.ceil(times[-1] + held[-1] - 1e-9))
    first = np.floor(times).astype(np.int64)
    whole = bool((first == times).all() and (len(moved) == len(between)) and times[0] == 0)
    if whole:
        held = np.ceil(held)
        count = int(first[-1] + held[-1])
        lengths = np.append(np.diff(first), count - first[-1])
        row = np.repeat(np.arange(len(times), dtype=np.int64), lengths)
        recorded = np.arange(count) - first[row] < held[row]
    else:
        row = np.maximum(np.searchsorted(times, np.arange(count), side="right") - 1, 0)
        # A second belongs to the record that begins in it, if the one before it has ended.
        ended = times[row] + held[row] <= np.arange(count)
        later = np.minimum(row + 1, len(times) - 1)
        row = np.where(ended & (first[later] == np.arange(count)), later, row).astype(np.int64)
        recorded = np.zeros(count, dtype=bool)
    result = Seconds(count, row, recorded, first, times, held, usual, whole=whole)
    if not whole:
        recorded[:] = result._per_second(np.ones(len(times))) > 1e-9  # noqa: SLF001  # it is its own maker
    return result
