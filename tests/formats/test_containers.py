"""Archives: what is in them, one file after the other, and bombs."""

import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals.formats.containers import Limits, Member, Problem, detect, unpack

FIT = bytes([14, 32, 0, 0, 4, 0, 0, 0]) + b".FIT\0\0" + bytes(6)
GPX = b'<?xml version="1.0"?><gpx><trk/></gpx>'
TCX = b"\xef\xbb\xbf<!-- x -->\n<TrainingCenterDatabase/>"


def zipped(files: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def members(data: bytes, limits: Limits | None = None) -> list[Member]:
    found = list(unpack("a.zip", data, limits or Limits()))
    assert all(isinstance(each, Member) for each in found), found
    return [each for each in found if isinstance(each, Member)]


def problems(data: bytes, limits: Limits | None = None) -> list[Problem]:
    return [each for each in unpack("a.zip", data, limits or Limits()) if isinstance(each, Problem)]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (FIT, "fit"), (GPX, "gpx"), (TCX, "tcx"), (gzip.compress(GPX), "gz"), (zipped([("a", GPX)]), "zip"),
        (zipped([]), "zip"), (b'<g:gpx xmlns:g="x">', "gpx"), (GPX.decode().encode("utf-16"), "gpx"), (b"id,name\n", None),
        (b"<html><gpxs/></html>", None), (b"a <gpx>", None), (b"", None), (b"\x0e\x10.FIT", None),
    ],
)  # fmt: skip
def test_a_file_is_what_its_bytes_say(data: bytes, kind: str | None) -> None:
    assert detect(data) == kind


def test_a_file_that_is_no_archive_is_given_out_as_it_is() -> None:
    assert members(FIT) == [Member("a.zip", FIT, "fit")]


@pytest.mark.parametrize("times", [1, 2])
def test_gzip_is_unpacked_as_often_as_it_was_packed(times: int) -> None:
    data = FIT
    for _ in range(times):
        data = gzip.compress(data)

    assert list(unpack("a.fit.gz", data)) == [Member("a.fit", FIT, "fit")]


def test_parts_of_a_gzip_are_one_file() -> None:
    data = gzip.compress(GPX[:10]) + gzip.compress(GPX[10:]) + b"padding"

    assert [each.data for each in members(data)] == [GPX]


def test_files_come_from_any_folder_and_from_archives_in_archives() -> None:
    inner = zipped([("deep/b.fit", FIT)])
    data = zipped(
        [("x/y/a.gpx", GPX), ("x/inner.zip", inner), ("c.tcx.gz", gzip.compress(TCX)), ("activities.csv", b"id\n")]
    )

    assert [(each.name, each.kind) for each in members(data)] == [
        ("a.zip/x/y/a.gpx", "gpx"),
        ("a.zip/x/inner.zip/deep/b.fit", "fit"),
        ("a.zip/c.tcx", "tcx"),
        ("a.zip/activities.csv", None),
    ]


def test_what_systems_leave_behind_is_passed_over() -> None:
    junk = ["__MACOSX/._a.fit", "x/.DS_Store", "._b.fit", "x/Thumbs.db", "desktop.ini", "folder/"]

    assert members(zipped([(name, b"x") for name in junk] + [("a.fit", FIT)])) == [Member("a.zip/a.fit", FIT, "fit")]


def test_a_file_can_be_read_from_an_open_file() -> None:
    source = io.BytesIO(zipped([("a.fit", FIT)]))

    assert list(unpack("a.zip", source)) == [Member("a.zip/a.fit", FIT, "fit")]
    assert list(unpack("a.fit", io.BytesIO(FIT))) == [Member("a.fit", FIT, "fit")]


def test_a_file_without_a_name_is_read() -> None:
    packed = zipped([("abc", b"one"), ("b.txt", b"two")]).replace(b"abc", b"\0bc")

    assert [member.data for member in members(packed)] == [b"one", b"two"]


def test_an_encrypted_file_is_told_and_the_others_are_read() -> None:
    data = bytearray(zipped([("a.fit", FIT), ("b.fit", FIT)]))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1

    found = list(unpack("a.zip", bytes(data)))

    assert [each.code for each in found if isinstance(each, Problem)] == ["encrypted"]
    assert [each.name for each in found if isinstance(each, Member)] == ["a.zip/b.fit"]


def test_a_method_that_is_not_read_is_told() -> None:
    data = zipped([("a.fit", FIT)], zipfile.ZIP_LZMA)

    assert [each.code for each in problems(data)] == ["unsupported"]


def test_a_damaged_file_is_given_out_with_what_is_wrong() -> None:
    data = bytearray(zipped([("a.gpx", GPX)], zipfile.ZIP_STORED))
    data[data.index(b"trk")] ^= 1

    found = members(bytes(data))

    assert [fault.code for fault in found[0].faults] == ["corrupt"]


def test_a_gzip_that_breaks_off_is_given_out_as_far_as_it_goes() -> None:
    whole = bytes(range(256)) * 40
    data = gzip.compress(GPX + whole, 0)

    found = members(data[:-2_000])

    assert (GPX + whole).startswith(found[0].data)
    assert [fault.code for fault in found[0].faults] == ["truncated"]


def test_a_zip_without_its_directory_is_told() -> None:
    assert [each.code for each in problems(zipped([("a.fit", FIT)])[:-30])] == ["damaged"]


def test_a_bomb_is_refused_while_unpacking_and_the_others_are_read() -> None:
    bomb = zipped([("bomb.gpx", bytes(200_000_000)), ("a.fit", FIT)])
    tracemalloc.start()

    found = list(unpack("a.zip", bomb))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(each) for each in found] == [Problem, Member]
    assert isinstance(found[0], Problem)
    assert found[0].code == "too_large"
    assert peak < 120_000_000


def test_a_gzip_bomb_is_refused() -> None:
    packer = zlib.compressobj(9, wbits=31)
    data = b"".join(packer.compress(bytes(1_000_000)) for _ in range(100)) + packer.flush()

    assert [each.code for each in problems(data)] == ["too_large"]
    assert [each.code for each in problems(zipped([("a.gz", data)]))] == ["too_large"]


def test_a_small_file_may_grow_however_much() -> None:
    assert len(members(gzip.compress(bytes(900_000)))[0].data) == 900_000


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(members=2), "too_many"),
        (Limits(total_bytes=50), "too_large"),
        (Limits(depth=0), "too_deep"),
    ],
)
def test_limits_end_the_unpacking(limits: Limits, code: str) -> None:
    found = list(unpack("a.zip", zipped([(f"{number}.fit", FIT) for number in range(4)]), limits))

    assert isinstance(found[-1], Problem)
    assert found[-1].code == code
    assert len(found) <= 3


def test_archives_nested_without_end_are_not_followed() -> None:
    data = FIT
    for _ in range(5):
        data = zipped([("a.zip", data)])

    assert [each.code for each in problems(data)] == ["too_deep"]


def test_a_directory_that_claims_too_much_is_not_read() -> None:
    data = bytearray(zipped([("a.fit", FIT)]))
    at = data.rindex(b"PK\x05\x06")
    struct.pack_into("<I", data, at + 12, 0xFFFF_FFFE)

    assert [each.code for each in problems(bytes(data))] == ["too_large"]


def test_a_directory_of_more_than_the_files_there_may_be_is_not_read() -> None:
    data = zipped((f"{number}/", b"") for number in range(2_000))

    assert [each.code for each in problems(data, Limits(members=10))] == ["too_large"]
    assert problems(data, Limits(members=1_000)) == []


WHOLE = zipped([("a.fit", FIT), ("b.gpx", GPX), ("c.gz", gzip.compress(TCX))])


@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=10),
    st.integers(0, len(WHOLE)),
    st.booleans(),
)
def test_any_bytes_are_files_or_problems(changes: list[tuple[int, int]], end: int, packed: bool) -> None:  # noqa: FBT001
    data = bytearray(gzip.compress(WHOLE) if packed else WHOLE)
    for at, value in changes:
        data[at % len(data)] = value

    for found in unpack("a", bytes(data[: max(end, 4)])):
        assert isinstance(found, Member | Problem)


@given(st.binary(max_size=200))
def test_bytes_behind_a_magic_number_are_files_or_problems(data: bytes) -> None:
    for magic in (b"", b"\x1f\x8b\x08", b"PK\x03\x04", b"PK\x05\x06"):
        assert list(unpack("a", magic + data))
