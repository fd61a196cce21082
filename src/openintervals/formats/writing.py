"""Numbers, texts and instants as XML spells them."""

import re

import numpy as np
from numpy.typing import NDArray

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML cannot say at all


def text(value: str) -> str:
    """A text for between tags."""
    value = _ILLEGAL.sub("", value)
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def attribute(value: str) -> str:
    """A text for an attribute, with its quotes."""
    spaced = re.sub(r"\s", " ", value)
    return '"' + text(spaced).replace('"', "&quot;") + '"'


def numbers(values: NDArray[np.float64], digits: int) -> list[str]:
    """Numbers with at most so many digits behind the point, and none that say nothing; "" for NaN."""
    rounded = np.round(np.asarray(values, np.float64), digits)
    return [
        "" if value != value else str(int(value)) if value.is_integer() else _plain(value) for value in rounded.tolist()
    ]


def degrees(value: float) -> str:
    """A position, with all the digits it has."""
    return _plain(value)


def _plain(value: float) -> str:
    spelled = repr(value)
    return f"{value:.17f}".rstrip("0") if "e" in spelled else spelled


def iso_times(unix_s: NDArray[np.float64]) -> list[str]:
    """Unix times as instants in UTC, with milliseconds where one of them has a fraction."""
    if (unix_s == np.floor(unix_s)).all():
        return [f"{time}Z" for time in unix_s.astype("datetime64[s]").astype(str).tolist()]
    milliseconds = np.round(unix_s * 1000).astype(np.int64)
    return [f"{time}Z" for time in milliseconds.astype("datetime64[ms]").astype(str).tolist()]


__all__ = ["attribute", "degrees", "iso_times", "numbers", "text"]
