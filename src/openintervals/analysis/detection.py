"""Detection: where the hard parts of an activity are.

The first of power, pace and heart rate that has both data and a threshold (in the athlete's order) is divided by it and smoothed. A hard part
begins where that rises above `enter` and ends where it falls below `leave`; its edges are then moved to where the unsmoothed values change most.
It counts when it is hard enough for its length: seconds must be sprints, minutes at threshold. The figures are choices of ours.
"""

from dataclasses import dataclass

import numpy as np

from openintervals.analysis.arrays import Bools, Floats, Ints, centred_mean, prefix, runs
from openintervals.analysis.recording import Recording
from openintervals.analysis.thresholds import order

EDGE_S = 5


@dataclass(frozen=True, slots=True)
class Rule:
    """How one channel is read. `lengths_s` and `hard` say how hard, relative to the threshold, a part of that length has to be."""

    smooth_s: int
    enter: float
    leave: float
    bridge_s: int
    lengths_s: tuple[float, ...]
    hard: tuple[float, ...]
    work: float  # a span with a mean from here on is work


RULES = {
    "power": Rule(5, 0.88, 0.75, 4, (5, 15, 30, 60, 180, 300), (1.8, 1.3, 1.1, 1.0, 0.92, 0.85), 0.80),
    "pace": Rule(9, 0.95, 0.88, 5, (15, 30, 60, 180), (1.1, 1.05, 1.0, 0.93), 0.90),
    "hr": Rule(15, 0.94, 0.90, 15, (60, 120, 300), (1.0, 0.96, 0.93), 0.90),
}


def effort(recording: Recording) -> tuple[str, Floats] | None:
    """Which channel tells, and its share of the threshold per second; None when no channel has both."""
    settings = recording.settings
    speed = recording.gap_mps if recording.gap_mps is not None else recording.speed_mps
    known = {
        "power": (recording.power_w, settings.ftp_w),
        "pace": (speed, settings.threshold_speed_mps),
        "hr": (recording.heart_rate_bpm, settings.lthr_bpm),
    }
    for name in order(settings.load_order):
        values, threshold = known[name]
        if values is not None and threshold:
            return name, values / threshold
    return None


def hard_parts(recording: Recording) -> list[tuple[int, int]]:
    """Hard parts as seconds, the end exclusive, in order and apart; empty when nothing tells or nothing was hard."""
    found = effort(recording)
    if found is None or recording.count < 2 * EDGE_S:
        return []
    name, shares = found
    rule = RULES[name]
    shares = np.nan_to_num(shares, nan=0.0)
    starts, ends = runs(_hard(centred_mean(shares, rule.smooth_s), rule))
    starts, ends = _bridged(starts, ends, rule.bridge_s)
    sums = prefix(shares)
    starts, ends = _sharpened(sums, starts, ends)
    lengths = ends - starts
    keep = lengths >= rule.lengths_s[0]
    starts, ends, lengths = starts[keep], ends[keep], lengths[keep]
    means = (sums[ends] - sums[starts]) / np.maximum(lengths, 1)
    keep = means >= np.interp(lengths, rule.lengths_s, rule.hard)
    return list(zip(starts[keep].tolist(), ends[keep].tolist(), strict=True))


def _hard(smoothed: Floats, rule: Rule) -> Bools:
    """True from where `enter` is passed until `leave` is: each second keeps the state of the last crossing."""
    said = np.where(smoothed >= rule.enter, 1, np.where(smoothed < rule.leave, -1, 0))
    last = np.maximum.accumulate(np.where(said != 0, np.arange(len(said)), 0))
    state: Bools = said[last] > 0
    return state


def _bridged(starts: Ints, ends: Ints, bridge_s: int) -> tuple[Ints, Ints]:
    if len(starts) < 2:
        return starts, ends
    apart = starts[1:] - ends[:-1] > bridge_s
    return starts[np.concatenate(([True], apart))], ends[np.concatenate((apart, [True]))]


def _sharpened(sums: Floats, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Move each edge, by at most `EDGE_S`, to where the next seconds differ most from those before; edges stay in order and apart."""
    count = len(sums) - 1
    places = np.arange(count + 1)
    before = sums[places] - sums[np.maximum(places - EDGE_S, 0)]
    after = sums[np.minimum(places + EDGE_S, count)] - sums[places]
    change = after - before
    new_starts, new_ends = [], []
    floor = 0
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        low, high = max(start - EDGE_S, floor), min(start + EDGE_S, end - 1)
        begin = start if start == 0 else low + int(np.argmax(change[low : high + 1]))
        low, high = max(end - EDGE_S, begin + 1), min(end + EDGE_S, count)
        stop = end if end == count else low + int(np.argmin(change[low : high + 1]))
        if stop > begin >= floor:
            new_starts.append(begin)
            new_ends.append(stop)
            floor = stop
    return np.array(new_starts, dtype=np.int64), np.array(new_ends, dtype=np.int64)
