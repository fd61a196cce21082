"""Decoding FIT: all columns of all records, against fitdecode and fitfast, at least 150 and 2 times as fast.

Files of our own encoder, and real ones from ../shared/samples where those are. What is timed is from the bytes of a file to every
column of its records. The others read all messages on the way, as they must; so do we in part: every message is found, none but
records is turned into numbers. fitdecode gives its values one by one, fitfast as columns like ours. That all give the same values
is tested in tests/formats/fit/test_samples.py. A file that one of them refuses has no ratio to it.
"""

import gc
import io
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping

import fitdecode
import fitfast

from benchmarks import season, servers
from benchmarks.rounds import Row
from benchmarks.stage import Stage
from openintervals.formats import fit
from openintervals.training import made_up

SAMPLES = servers.ROOT.parent / "shared" / "samples" / "fit"
GOAL_FITDECODE, GOAL_FITFAST = 150, 2
_ENOUGH_S = 0.05


def decoding(stage: Stage) -> Iterator[Row]:
    for name, data in _files():
        times: dict[str, list[float]] = {}
        for _ in range(stage.pace.rounds):
            for contestant, decode in _CONTESTANTS.items():
                if (taken := _best(decode, data)) is not None:
                    times.setdefault(contestant, []).append(taken)
        yield _row(name, len(data), times)


def _files() -> Iterator[tuple[str, bytes]]:
    yield "made up: ride, 1 hour", season.ride(0)
    yield "made up: ride, 3 hours", season.long_ride()
    yield "made up: run, 1 hour", made_up.run(1)
    yield "made up: swim", made_up.swim(1)
    yield "made up: ride, 5 minutes", season.ride(0, 300)
    for path in sorted(SAMPLES.glob("*.fit")) if SAMPLES.is_dir() else ():
        yield path.stem[:30], path.read_bytes()


def _row(name: str, size: int, times: dict[str, list[float]]) -> Row:
    ours = times["ours"]
    ratios = {
        contestant: statistics.median(other / one for one, other in zip(ours, theirs, strict=True))
        for contestant, theirs in times.items()
        if contestant != "ours"
    }
    told = {contestant: f"{statistics.median(each) * 1e3:.2f} ms" for contestant, each in times.items()}
    met = ratios.get("fitdecode", GOAL_FITDECODE) >= GOAL_FITDECODE and ratios.get("fitfast", 2) >= GOAL_FITFAST
    return Row(
        f"decoding, {name}",
        f"{told['ours']}, {size / 1000:,.0f} kB",
        ", ".join(f"{contestant} {told.get(contestant, 'refuses it')}" for contestant in ("fitdecode", "fitfast")),
        " / ".join(f"{each:,.0f} ×" if each >= 10 else f"{each:.1f} ×" for each in ratios.values()) or "–",
        f"≥ {GOAL_FITDECODE} × / {GOAL_FITFAST} ×",
        met if ratios else None,
    )


def _ours(data: bytes) -> None:
    records: Mapping[str, object] = fit.decode(data).messages.get("record", {})
    for name in records:
        records[name]


def by_fitdecode(data: bytes) -> None:
    """Every value of a file, one by one. Raises what fitdecode raises of a file it does not read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for frame in fitdecode.FitReader(io.BytesIO(data)):
            if frame.frame_type == fitdecode.FIT_FRAME_DATA:
                for each in frame.fields:
                    each.value  # noqa: B018 - a value is made when asked for


def _by_fitfast(data: bytes) -> None:
    fitfast.records(data)


_CONTESTANTS: dict[str, Callable[[bytes], None]] = {"ours": _ours, "fitdecode": by_fitdecode, "fitfast": _by_fitfast}
_REFUSALS = (
    fitfast.FitDecodeError, fitdecode.FitEOFError, fitdecode.FitHeaderError, fitdecode.FitParseError, fitdecode.FitCRCError,
)  # fmt: skip


def _best(decode: Callable[[bytes], None], data: bytes) -> float | None:
    """Seconds of the quickest of several goes; None for a file that is refused."""
    try:
        decode(data)
    except _REFUSALS:
        return None
    gc.collect()
    gc.disable()
    try:
        best, spent = float("inf"), 0.0
        while spent < _ENOUGH_S:
            began = time.perf_counter()
            decode(data)
            taken = time.perf_counter() - began
            best, spent = min(best, taken), spent + taken
    finally:
        gc.enable()
    return best
