"""Intervals: an activity cut into work and recovery, each with its numbers, and like ones grouped.

Intervals come from a device's laps, from `detection`, or from people; whatever the source, they are a partition of the activity (`spans`) and
all their numbers are reckoned anew from the recording, so the same borders always give the same intervals. An interval is work when its mean
effort reaches the level `detection` has for its channel, or, without any threshold, the mean of the activity.

Work of about the same length and effort is a group. A group, and each of its members, is called by what it is: `15s@357w83rpm`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import count
from typing import Any

import numpy as np

from openintervals.analysis import detection, interval_numbers, spans
from openintervals.analysis.arrays import floats
from openintervals.analysis.interval_numbers import Numbers
from openintervals.analysis.recording import Recording
from openintervals.analysis.spans import Span

WORK, RECOVERY = "WORK", "RECOVERY"
LIKE_LENGTH = 0.2
LIKE_EFFORT = 0.1
_LEAST_DIFFERENCE_S = 3
PARTS_MOST = 400


@dataclass(frozen=True, slots=True)
class Interval:
    """A span, what it is, and its numbers."""

    kind: str
    start_index: int
    end_index: int
    label: str | None
    group_id: str | None
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Group:
    """Like work intervals: what they are called, how many, where the first begins, and their numbers as means, maxima and minima."""

    id: str
    count: int
    start_index: int
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Intervals:
    """All intervals of an activity, in order, its groups, and the groups in words: `4x 5m 260w`."""

    intervals: tuple[Interval, ...] = ()
    groups: tuple[Group, ...] = ()
    summary: tuple[str, ...] = field(default=())


def found(recording: Recording, laps: Sequence[tuple[int, int]] = ()) -> Intervals:
    """The intervals of an activity nobody has edited: its laps if there are two or more and they are wanted, else what is hard."""
    records = len(recording.layout.time_s)
    if recording.settings.use_laps and 2 <= len(laps) <= spans.SPANS_MOST:
        return measured(recording, [Span(*lap) for lap in laps])
    hard = detection.hard_parts(recording)
    if not hard:
        return measured(recording, [Span(0, records)])
    hard = sorted(sorted(hard, key=lambda part: part[0] - part[1])[:PARTS_MOST])  # the longest ones of very many
    borders = recording.layout.index(np.asarray(hard, dtype=np.int64)).tolist()
    return measured(recording, [Span(start, end) for start, end in borders])


def measured(recording: Recording, wanted: Iterable[Span]) -> Intervals:
    """The wanted spans, completed to a partition, with everything reckoned anew. Doing it to the result gives the result.

    Raises spans.TooMany.
    """
    cut = spans.partition(len(recording.layout.time_s), wanted)
    if not cut:
        return Intervals()
    starts = np.array([span.start_index for span in cut])
    ends = np.array([span.end_index for span in cut])
    numbers = interval_numbers.numbers(recording, recording.layout.second(starts), recording.layout.second(ends))
    kinds = _kinds(recording, numbers)
    plain = [
        Interval(kind, span.start_index, span.end_index, span.label, None, own)
        for span, kind, own in zip(cut, kinds, numbers, strict=True)
    ]
    return grouped(plain)


def of_span(recording: Recording, start_index: int, end_index: int) -> Numbers:
    """The numbers of any stretch of records. Raises ValueError when it is empty or not within the activity."""
    if not 0 <= start_index < end_index <= len(recording.layout.time_s):
        raise ValueError(f"records {start_index} to {end_index} are not part of the activity")
    borders = recording.layout.second(np.array([start_index, end_index]))
    return interval_numbers.numbers(recording, borders[:1], borders[1:])[0]


def _kinds(recording: Recording, numbers: Sequence[Numbers]) -> list[str]:
    said = detection.effort(recording)
    if said is not None:
        name, shares = said
        level = detection.RULES[name].work
    else:
        values = recording.power_w if recording.power_w is not None else recording.speed_mps
        if values is None:
            values = recording.heart_rate_bpm
        if values is None:
            return [WORK] * len(numbers)
        shares = np.nan_to_num(values, nan=0.0)
        level = float(shares.mean())
    shares = np.nan_to_num(shares, nan=0.0)
    borders = np.array([(own.start_s, own.end_s) for own in numbers])
    means = interval_numbers.means_between(shares, borders[:, 0], borders[:, 1])
    return [WORK if mean >= level * (1 - 1e-9) else RECOVERY for mean in means.tolist()]


def grouped(plain: Sequence[Interval]) -> Intervals:
    """Put work intervals that are alike into groups and name them; recoveries stay by themselves."""
    left = sorted(
        (place for place, own in enumerate(plain) if own.kind == WORK), key=lambda at: plain[at].numbers.elapsed_s
    )
    result = list(plain)
    groups: list[Group] = []
    while left:
        first = plain[left[0]].numbers
        members = [place for place in left if _alike(first, plain[place].numbers)]
        taken = set(members)
        left = [place for place in left if place not in taken]
        members.sort()
        together = combined([plain[place].numbers for place in members])
        name = _free(called(together), groups)
        groups.append(Group(name, len(members), plain[members[0]].start_index, together))
        for place in members:
            result[place] = replace(plain[place], group_id=name)
    groups.sort(key=lambda group: group.start_index)
    summary = tuple(f"{group.count}x {_summed(group.numbers)}" for group in groups)
    return Intervals(tuple(result), tuple(groups), summary)


def _free(name: str, groups: Sequence[Group]) -> str:
    taken = {group.id for group in groups}
    return next(free for number in count(1) if (free := name if number == 1 else f"{name}-{number}") not in taken)


def _alike(a: Numbers, b: Numbers) -> bool:
    most = max(LIKE_LENGTH * a.elapsed_s, _LEAST_DIFFERENCE_S)
    if abs(a.elapsed_s - b.elapsed_s) > most:
        return False
    for name in ("average_power_w", "average_speed_mps", "average_hr_bpm"):
        mine, other = getattr(a, name), getattr(b, name)
        if mine and other:
            return bool(abs(mine - other) <= LIKE_EFFORT * mine)
    return True


def combined(members: Sequence[Numbers]) -> Numbers:
    """The numbers of like intervals: the least of least ones, the most of most ones, else means weighed by their length."""
    weights = floats([max(own.elapsed_s, 1) for own in members])
    values: dict[str, Any] = {}
    for each in fields(Numbers):
        own = [getattr(member, each.name) for member in members]
        known = [place for place, value in enumerate(own) if value is not None]
        if each.name == "means":
            values["means"] = {}
        elif not known:
            values[each.name] = None
        elif each.name.startswith("min_"):
            values[each.name] = min(own[place] for place in known)
        elif each.name.startswith("max_"):
            values[each.name] = max(own[place] for place in known)
        elif each.name.endswith("_s") or each.name in interval_numbers.AMOUNTS:
            values[each.name] = float(np.mean([own[place] for place in known]))
        else:
            values[each.name] = float(np.average([own[place] for place in known], weights=weights[known]))
    for name in {name for member in members for name in member.means}:
        parts = [
            (member.means[name], weight)
            for member, weight in zip(members, weights, strict=True)
            if name in member.means
        ]
        values["means"][name] = float(np.average([part for part, _ in parts], weights=[weight for _, weight in parts]))
    for name in ("start_s", "end_s", "elapsed_s", "moving_s"):
        values[name] = round(values[name])
    values["start_s"], values["end_s"] = members[0].start_s, members[-1].end_s
    if values["zone"] is not None:
        values["zone"] = round(values["zone"])
    return Numbers(**values)


def called(numbers: Numbers) -> str:
    """What an interval is called: its length, what was given, and the cadence: `15s@357w83rpm`, `5m@4.00mps`, `20m@151bpm`."""
    name = length(numbers.elapsed_s)
    if numbers.average_power_w:
        name += f"@{numbers.average_power_w:.0f}w"
    elif numbers.average_speed_mps:
        name += f"@{numbers.average_speed_mps:.2f}mps"
    elif numbers.average_hr_bpm:
        name += f"@{numbers.average_hr_bpm:.0f}bpm"
    if numbers.average_power_w and numbers.average_cadence_rpm:
        name += f"{numbers.average_cadence_rpm:.0f}rpm"
    return name


def _summed(numbers: Numbers) -> str:
    if numbers.average_power_w:
        return f"{length(numbers.elapsed_s)} {numbers.average_power_w:.0f}w"
    if numbers.average_hr_bpm:
        return f"{length(numbers.elapsed_s)} {numbers.average_hr_bpm:.0f}bpm"
    return length(numbers.elapsed_s)


def length(seconds: int) -> str:
    """A length of time as people write it: `45s`, `5m`, `1m30s`, `1h10m`."""
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (left, "s"))
    return "".join(f"{value}{unit}" for value, unit in parts if value) or "0s"
