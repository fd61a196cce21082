"""Arrays that all of the analysis shares: their types, prefix sums and recurrences over them.

A prefix sum of n values has n + 1 entries and begins with 0, so the sum of values i to j (exclusive) is `sums[j] - sums[i]`. A recurrence here
is affine, each state a times the one before plus b; computed in blocks of whole-array operations instead of a step at a time.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_BLOCK = 256
_PRODUCT_LEAST = 1e-60


def floats(values: npt.ArrayLike) -> Floats:
    """The values as a one-dimensional array of float64; integers and masks become numbers. Raises ValueError for other shapes."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"a channel has one dimension, not {array.ndim}")
    return array


def prefix(values: npt.NDArray[Any]) -> Floats:
    """Sums of the first 0, 1, … n values; n + 1 entries."""
    sums = np.empty(len(values) + 1)
    sums[0] = 0.0
    np.cumsum(values, out=sums[1:])
    return sums


def trailing_mean(values: Floats, seconds: int) -> Floats:
    """The mean of each value and those before it, `seconds` of them; at the start of as many as there are."""
    sums = prefix(values)
    result = np.empty(len(values))
    whole = len(values) - seconds
    if whole < 0:
        return sums[1:] / np.arange(1, len(values) + 1)
    result[: seconds - 1] = sums[1:seconds] / np.arange(1, seconds)
    result[seconds - 1 :] = (sums[seconds:] - sums[: whole + 1]) / seconds
    return result


def centred_mean(values: Floats, seconds: int) -> Floats:
    """The mean of each value and its neighbours on both sides, `seconds` (odd) in all; at the ends of those there are. NaN stays out."""
    count, half = len(values), seconds // 2
    unknown = np.isnan(values)
    whole = not unknown.any()
    total = _around(prefix(values if whole else np.where(unknown, 0.0, values)), half)
    places = np.arange(count)
    near = np.minimum(np.minimum(places, half) + np.minimum(places[::-1], half) + 1.0, count)
    share = near if whole else _around(prefix(~unknown), half)
    with np.errstate(invalid="ignore"):
        mean: Floats = total / share
    return mean


def _around(sums: Floats, half: int) -> Floats:
    """Sums of each value and up to `half` on both sides, from prefix sums."""
    count = len(sums) - 1
    if count <= 2 * half:
        places = np.arange(count)
        result: Floats = sums[np.minimum(places + half + 1, count)] - sums[np.maximum(places - half, 0)]
        return result
    high = np.concatenate((sums[half + 1 :], np.full(half, sums[-1])))
    high[half:] -= sums[: count - half]
    return high


def recur(factors: Floats, terms: Floats, start: float = 0.0) -> Floats:
    """States x of x[k] = factors[k] · x[k-1] + terms[k], with x[-1] = `start`. Factors are at least 0.

    In a block the state is P · (x + Σ terms / P) for the running product P of the factors; the blocks are chained one after the other. Where a
    product gets so small that dividing by it would lose everything, the block is walked a step at a time.
    """
    count = len(factors)
    blocks = -(-count // _BLOCK)
    padded = np.zeros((2, blocks * _BLOCK))
    padded[0, :count], padded[0, count:], padded[1, :count] = factors, 1.0, terms
    a, b = padded.reshape(2, blocks, _BLOCK)
    products = np.cumprod(a, axis=1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        parts = products * np.cumsum(b / products, axis=1)
    sound = products[:, -1] > _PRODUCT_LEAST
    states = np.empty_like(products)
    state = float(start)
    for block in range(blocks):
        if sound[block]:
            np.multiply(products[block], state, out=states[block])
            states[block] += parts[block]
        else:
            value = state
            for place, (factor, term) in enumerate(zip(a[block].tolist(), b[block].tolist(), strict=True)):
                value = factor * value + term
                states[block, place] = value
        state = float(states[block, -1])
    return states.ravel()[:count]


def mean(values: Floats) -> float | None:
    """The mean of what is known, or None."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def least(values: Floats) -> float | None:
    """The smallest known value, or None."""
    known = values[~np.isnan(values)]
    return float(known.min()) if len(known) else None


def most(values: Floats) -> float | None:
    """The largest known value, or None."""
    known = values[~np.isnan(values)]
    return float(known.max()) if len(known) else None


def runs(mask: Bools) -> tuple[Ints, Ints]:
    """Where stretches of True begin and end (exclusive), in order."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return edges[::2].astype(np.int64), edges[1::2].astype(np.int64)
