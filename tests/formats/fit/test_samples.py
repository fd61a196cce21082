"""Files of real devices, against two readers that others wrote: every column both give holds the same values.

Where we say something else on purpose, it is said here:
- A sub-field has its own column, and the field it is read from keeps its; fitdecode renames the field.
- In kinds without a name, field 253 is the timestamp all the same.
- Beats of a strap stay on the clock of the strap and run on from its last full time; fitdecode adds the time of day to
  the part since then. They are also the heart rate of the records that have none.
- Instants of a device without a clock stay as they are; fitfast takes them for instants in 1990.
- Speeds are the same in the wider field; fitfast rounds some of them down by a step.
"""

import io
import warnings
from collections import defaultdict
from datetime import datetime, time
from pathlib import Path
from typing import Any

import fitdecode
import fitfast
import numpy as np
import pytest

from openintervals.formats.fit import Columns, decode
from openintervals.formats.fit.profile import CLOCK_LEAST, EPOCH_S, sub_fields
from tests.house.sources import ROOT

SAMPLES = ROOT.parent / "shared" / "samples" / "fit"
FILES = sorted(SAMPLES.rglob("*.fit")) if SAMPLES.is_dir() else []

pytestmark = pytest.mark.skipif(not FILES, reason="there are no sample files here")
SLOW_FROM_BYTES = 500_000  # the other reader takes seconds for these


def each(*, slow: bool) -> pytest.MarkDecorator:
    large = {path for path in FILES if slow and path.stat().st_size >= SLOW_FROM_BYTES}
    paths = [pytest.param(path, id=path.name, marks=pytest.mark.long if path in large else ()) for path in FILES]
    return pytest.mark.parametrize("path", paths)


def plain(field: Any) -> Any:
    """A value of fitdecode as we tell it: numbers for words, Unix time for instants."""
    value = field.value
    is_text = field.base_type.name == "string"
    if isinstance(value, time) or (isinstance(value, str) and not is_text):
        value = field.raw_value
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, tuple) and not is_text:
        return tuple(np.nan if one is None else float(one) for one in value)
    return float(value) if isinstance(value, bool) else value


def read_by_fitdecode(data: bytes) -> dict[tuple[int, str], list[dict[str, Any]]]:
    """By file and kind, of each message the first value of each field; what comes before a fault."""
    messages: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    number = -1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for frame in fitdecode.FitReader(io.BytesIO(data)):
                if frame.frame_type == fitdecode.FIT_FRAME_HEADER:
                    number += 1
                elif frame.frame_type == fitdecode.FIT_FRAME_DATA:
                    values: dict[str, Any] = {}
                    for field in frame.fields:
                        if values.get(field.name) is None:
                            values[field.name] = plain(field)
                    messages[number, frame.name].append(values)
        except (fitdecode.FitEOFError, fitdecode.FitHeaderError, fitdecode.FitParseError):
            pass
    return messages


def is_same(ours: Any, theirs: Any) -> bool:
    if ours is None or isinstance(ours, str):
        return bool(ours == theirs)
    if theirs is None:
        return bool(np.isnan(ours).all())
    row, other = np.atleast_1d(ours), np.atleast_1d(np.array(theirs, float))
    return len(row) >= len(other) and np.array_equal(row[: len(other)], other, equal_nan=True)


def differences(columns: Columns, messages: list[dict[str, Any]], *, chained: bool) -> list[str]:
    """Names of columns that both have, or only fitdecode, and that are not the same."""
    found = []
    renamed = {sub.source for sub in sub_fields(columns.name).values()}
    for name in {name: None for values in messages for name in values}:
        ours = "timestamp" if name == "unknown_253" else name
        if (columns.name, name) == ("hr", "event_timestamp"):
            continue
        theirs = [values.get(name) for values in messages]
        if name == "unknown_253":
            theirs = [value + EPOCH_S if value and value >= CLOCK_LEAST else value for value in theirs]
        if ours not in columns:
            found += [name] if any(value is not None for value in theirs) else []
            continue
        for mine, other in zip(columns[ours], theirs, strict=True):
            if other is None and (name in renamed or (chained and name == "heart_rate")):
                continue
            if not is_same(mine, other):
                found.append(f"{name}: {mine} is not {other}")
                break
    return found


@each(slow=True)
def test_every_column_is_what_fitdecode_reads(path: Path) -> None:
    data = path.read_bytes()
    expected = read_by_fitdecode(data)

    decoded = decode(data)

    assert {(number, kind) for number, file in enumerate(decoded.files) for kind in file} == set(expected)
    for (number, kind), messages in expected.items():
        columns = decoded.files[number][kind]
        assert columns.count == len(messages)
        assert differences(columns, messages, chained="hr" in decoded.files[-1]) == []


@each(slow=False)
def test_every_record_is_what_fitfast_reads(path: Path) -> None:
    data = path.read_bytes()
    try:
        theirs = fitfast.records(data, degrees=False)
    except ValueError:
        pytest.skip("fitfast refuses this file")

    record = decode(data).messages["record"]

    compared = 0
    for name, values in theirs.items():
        column = np.asarray(values)
        if name not in record or record[name].ndim != 1 or column.dtype.kind not in "iuf":
            continue
        mine = record[name]
        assert len(mine) == len(column)
        if name == "heart_rate":
            mine = np.where(np.isnan(column), np.nan, mine)
        if name == "timestamp":
            column = np.where(column < CLOCK_LEAST + EPOCH_S, column - EPOCH_S, column)
        step = 0.001 if name == "enhanced_speed" else 0
        np.testing.assert_allclose(mine, column, rtol=1e-12, atol=step + 1e-9, err_msg=name)
        compared += 1
    assert compared


@pytest.mark.parametrize(
    ("name", "codes", "records"),
    [
        ("activity-filecrc", ["crc"], 14),
        ("activity-activity-filecrc", ["crc"], 14),
        ("activity-settings-corruptheader", ["skipped"], 14),
        ("activity-settings-nodata", ["truncated", "truncated"], 14),
        ("activity-unexpected-eof", ["truncated", "truncated"], 14),
        ("elemnt-bolt-no-application-id-inside-developer-data-id", [], 132),
    ],
)
def test_damaged_files_give_what_they_have_and_say_what_is_wrong(name: str, codes: list[str], records: int) -> None:
    decoded = decode((SAMPLES / "invalid" / f"{name}.fit").read_bytes())

    assert [fault.code for fault in decoded.warnings] == codes
    assert decoded.messages["record"].count == records


def test_heart_rates_of_a_swim_come_from_the_strap() -> None:
    decoded = decode((SAMPLES / "event_timestamp.fit").read_bytes())

    rates = decoded.messages["record"]["heart_rate"]
    lengths = decoded.messages["length"]
    assert np.isfinite(rates).mean() > 0.9
    assert 60 < np.nanmin(rates) < np.nanmax(rates) < 200
    assert lengths.count == 166
