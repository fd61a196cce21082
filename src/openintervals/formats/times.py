"""Instants as texts, the way GPX and TCX spell them: `2024-05-01T06:30:00Z`, with or without fractions and a zone.

Thousands of texts of one shape are read together as a table of digits. A text without a zone is taken to be in UTC.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SHAPE = re.compile(
    r"\s*(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?\s*", re.ASCII
)  # fmt: skip
_SAME_MOST = 64  # shapes that are read as tables; whoever writes more of them waits a little longer
_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def unix_time(text: str) -> float:
    """Unix time of an instant; NaN for anything else."""
    match = _SHAPE.fullmatch(text[:64])
    if not match:
        return float("nan")
    whole, fraction, zone = match.groups()
    try:
        seconds = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()
    except ValueError:
        if not whole.endswith(":60"):  # a leap second is the one after it
            return float("nan")
        return unix_time(f"{whole[:-2]}59{zone or ''}") + 1
    if fraction:
        seconds += float(f"0.{fraction}")
    if zone and zone not in "Zz":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        east = int(digits[:2]) * 3600 + int(digits[2:]) * 60
        seconds -= east if zone[0] == "+" else -east
    return seconds


def unix_times(texts: Sequence[str | None]) -> Floats:
    """Unix times of instants; NaN for what is none."""
    count = len(texts)
    lengths = {len(text) if text else 0 for text in texts}
    if len(lengths) == 1 and lengths != {0}:
        return _alike(texts, lengths.pop())  # type: ignore[arg-type]
    times = np.full(count, np.nan)
    if len(lengths) > _SAME_MOST:
        times[:] = [unix_time(text) if text else np.nan for text in texts]
        return times
    for length in lengths - {0}:
        rows = [row for row, text in enumerate(texts) if text and len(text) == length]
        times[rows] = _alike([texts[row] for row in rows], length)  # type: ignore[misc]
    return times


def _alike(texts: Sequence[str], length: int) -> Floats:
    """Texts of one length: those that are spelled as `…THH:MM:SS[.fff…][Z]` together, the others one by one."""
    joined = "".join(texts)
    if length < 19 or length > 40 or not joined.isascii():
        return np.array([unix_time(text) for text in texts])
    table = np.frombuffer(joined.encode(), np.uint8).reshape(-1, length)
    digits = table - 48  # what is below a digit wraps and becomes large
    end = length - 1 if texts[0][-1] in "Zz" else length
    good = np.full(len(texts), end != 20)
    for at, sign in ((4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, "."), (length - 1, "Z")):
        if at < end or (sign == "Z" and end < length):
            good &= table[:, at] == ord(sign)

    def value(start: int, stop: int) -> NDArray[np.int64]:
        total = np.zeros(len(texts), np.int64)
        for at in range(start, stop):
            np.logical_and(good, digits[:, at] <= 9, out=good)
            total = total * 10 + digits[:, at]
        return total

    year, month, day = value(0, 4), value(5, 7), value(8, 10)
    hour, minute, second = value(11, 13), value(14, 16), value(17, 19)
    good &= (year > 0) & (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    good &= day <= _DAYS[np.clip(month, 1, 12) - 1]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    good &= (month != 2) | (day < 29) | leap
    # Days since 1970, counted from the first of March so that the odd day comes last.
    march = year - (month <= 2)
    in_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = 365 * march + march // 4 - march // 100 + march // 400 + in_year - 719_468
    times = (days * 86_400 + hour * 3_600 + minute * 60 + second).astype(np.float64)
    if end > 20:
        width = min(end - 20, 9)
        times += value(20, 20 + width) / 10.0**width
    if not good.all():
        for row in np.flatnonzero(~good).tolist():
            times[row] = unix_time(texts[row])
    return times


__all__ = ["unix_time", "unix_times"]
