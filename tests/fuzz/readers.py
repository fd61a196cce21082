"""What is fuzzed: each reader of files from outside as a function of bytes that answers or refuses, and files to begin with."""

import gzip
import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from openintervals.formats import containers, fit, fit_recording, gpx, tabular, tcx
from openintervals.formats.containers import Limits, Problem
from openintervals.formats.recording import Recording, Unusable
from tests.formats import rides
from tests.formats.fit.test_hostile import SOURCES

_LIMITS = Limits(member_bytes=16 * 1024 * 1024, total_bytes=64 * 1024 * 1024)


@dataclass(frozen=True)
class Reader:
    """`read` takes any bytes; what it raises is a defect. `seeds` are files that it understands."""

    read: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


def read_fit(data: bytes) -> None:
    try:
        decoded = fit.decode(data)
    except fit.Undecodable as refused:
        assert 0 <= refused.offset <= len(data)  # noqa: PT017 - what is raised is what is looked at
        return
    for fault in decoded.warnings:
        assert 0 <= fault.offset <= len(data)
    for file in decoded.files:
        for columns in file.values():
            assert all(len(columns[name]) == columns.count for name in columns)
    try:
        _is_sound(fit_recording.from_fit(decoded))
    except Unusable:
        return


def read_gpx(data: bytes) -> None:
    try:
        _is_sound(gpx.decode(data))
    except Unusable:
        return


def read_tcx(data: bytes) -> None:
    try:
        _is_sound(tcx.decode(data))
    except Unusable:
        return


def _is_sound(recording: Recording) -> None:
    """Every activity has rows of one length, seconds that rise, and numbers that are numbers or absent."""
    for activity in recording.activities:
        time = activity.channels.get("time", np.empty(0))
        assert (np.diff(time) > 0).all()
        for values in activity.channels.values():
            assert len(values) == len(time)
            assert not np.isinf(values).any()


def read_csv(data: bytes) -> None:
    try:
        channels = tabular.decode_streams(data)
    except Unusable:
        pass
    else:
        assert len({len(values) for values in channels.values()}) <= 1
        assert not any(np.isinf(values).any() for values in channels.values())
    with suppress(Unusable):
        assert all(lap.start <= lap.end for lap in tabular.decode_laps(data))


def read_zip(data: bytes) -> None:
    taken = 0
    for found in containers.unpack("upload", data, _LIMITS):
        if not isinstance(found, Problem):
            taken += len(found.data)
    assert taken <= max(_LIMITS.total_bytes, len(data))


def _fit_seeds() -> list[bytes]:
    return [*SOURCES]  # small ones: what is long only takes longer


def _gpx_seeds() -> list[bytes]:
    short = rides.shortened(rides.ride(720), 20)
    written = gpx.encode(short)
    return [written, gpx.encode(rides.ride(720)), written.decode().encode("utf-16")]


def _tcx_seeds() -> list[bytes]:
    whole = rides.ride(720)
    short = rides.shortened(whole, 20)
    return [
        tcx.encode([short]),
        tcx.encode([whole]),
        tcx.encode([short, rides.shortened(rides.ride(720, kind="Run"), 9)]),
    ]


def _csv_seeds() -> list[bytes]:
    whole = rides.ride(720)
    short = rides.shortened(whole, 20)
    beats = np.tile([800.0, 810.0, np.nan], (20, 1))
    quoted = b'\xef\xbb\xbf"time","a ""b"""\r\n0,"1.5"\r\n1,""\r\n'
    return [tabular.encode_streams({**short.channels, "hrv": beats}), tabular.encode_laps(whole.laps), quoted]


def _zip_seeds() -> list[bytes]:
    track = _gpx_seeds()[0]
    seeds: list[bytes] = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            archive.writestr("a/ride.gpx", track)
            archive.writestr("ride.gpx.gz", gzip.compress(track, mtime=0))
            archive.writestr("__MACOSX/x", b"x")
            if seeds:
                archive.writestr("inner.zip", seeds[0])
        seeds.append(out.getvalue())
    return [*seeds, gzip.compress(track, mtime=0) * 2]


READERS = {
    "fit": Reader(read_fit, _fit_seeds),
    "gpx": Reader(read_gpx, _gpx_seeds),
    "tcx": Reader(read_tcx, _tcx_seeds),
    "csv": Reader(read_csv, _csv_seeds),
    "zip": Reader(read_zip, _zip_seeds),
}
