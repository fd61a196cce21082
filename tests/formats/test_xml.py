"""Reading XML safely, whatever stands in it."""

import tracemalloc

import pytest

from openintervals.formats import gpx
from openintervals.formats.recording import Recording, Unusable
from openintervals.formats.xml import DEPTH_MOST, ELEMENTS_MOST

POINT = '<trkpt lat="1" lon="2"><ele>5</ele><time>2024-05-01T06:30:0{}Z</time></trkpt>'
POINTS = POINT.format(0) + POINT.format(1)


def document(inside: str, *, head: str = "") -> bytes:
    return f"{head}<gpx><trk><trkseg>{inside}</trkseg></trk></gpx>".encode()


def read(data: bytes) -> Recording:
    return gpx.decode(data)


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE gpx [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE gpx SYSTEM "file:///etc/passwd">',
        '<?xml version="1.0"?><!-- x --><!DOCTYPE gpx>',
    ],
)
def test_a_doctype_is_refused(declaration: str) -> None:
    with pytest.raises(Unusable, match="DOCTYPE"):
        read(document(POINTS, head=declaration))


def test_a_doctype_in_another_encoding_is_refused() -> None:
    text = f'<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE gpx [<!ENTITY e "5">]><gpx>{POINTS}</gpx>'

    with pytest.raises(Unusable, match="DOCTYPE"):
        read(text.encode("utf-16"))


def test_an_encoding_that_hides_tags_is_not_followed() -> None:
    head = '<?xml version="1.0" encoding="utf-7"?>'
    hidden = "+ADwAIQ-DOCTYPE gpx+AD4-"

    with pytest.raises(Unusable):
        read((head + hidden).encode() + document(POINTS))


def test_an_entity_that_was_never_declared_is_a_fault() -> None:
    recording = read(document(POINTS + POINT.format(2).replace("5<", "&passwd;<")))

    assert recording.activities[0].count == 2
    assert recording.warnings[0].code == "corrupt"


def test_what_is_nested_too_deep_ends_the_reading() -> None:
    deep = "<extensions>" * (DEPTH_MOST + 1)

    recording = read(document(POINTS + '<trkpt lat="1" lon="2">' + deep))

    assert recording.activities[0].count == 2
    assert recording.warnings[0].code == "too_many"


@pytest.mark.parametrize(
    "inside",
    ["".join(f"<a{number}/>" for number in range(10_000)), "<a b='" + "x" * 4_000_000, "<a/>" * (ELEMENTS_MOST + 1)],
    ids=["names", "tag", "elements"],
)
def test_names_tags_and_elements_without_end_end_the_reading(inside: str) -> None:
    recording = read(document(POINTS + inside))

    assert recording.activities[0].count == 2
    assert [fault.code for fault in recording.warnings] == ["too_many"]


def test_a_larger_file_than_allowed_is_refused() -> None:
    with pytest.raises(Unusable, match="larger"):
        gpx.decode(document(POINTS), most_bytes=20)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_texts_are_read_in_the_encoding_of_the_file(encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    text = f"{head}<gpx><trk><name>Zürich</name><trkseg>{POINTS}</trkseg></trk></gpx>"

    recording = read(text.encode(encoding))

    assert recording.activities[0].name == "Zürich"
    assert not recording.warnings


def test_one_wrong_character_does_not_cost_the_track() -> None:
    text = f'<?xml version="1.0" encoding="UTF-8"?><gpx><trk><name>Z?rich</name><trkseg>{POINTS}</trkseg></trk></gpx>'

    recording = read(text.encode().replace(b"?rich", b"\xfcrich"))

    assert recording.activities[0].name == "Zürich"
    assert [fault.code for fault in recording.warnings] == ["encoding"]


def test_spaces_in_front_of_the_declaration_are_passed_over() -> None:
    recording = read(b" \r\n  " + document(POINTS, head='<?xml version="1.0"?>'))

    assert recording.activities[0].count == 2


def test_a_file_may_break_off_within_a_character() -> None:
    recording = read(document(POINTS + "<!-- ü")[: -len("</trkseg></trk></gpx>") - 1])

    assert recording.activities[0].count == 2
    assert [fault.code for fault in recording.warnings] == ["truncated"]


def test_offsets_count_what_was_passed_over() -> None:
    data = b"   " + document(POINTS)[:-20]

    assert read(data).warnings[0].offset == len(data)


@pytest.mark.parametrize(
    "inside",
    [
        "<a/>" * 200_000,
        "<a>" + "x" * 1_000_000 + "</a>",
        '<trkpt lat="1" lon="2">' + "<ele>12</ele>" * 80_000 + "</trkpt>",
        f'<trkpt lat="{"1" * 1_000_000}" lon="2"/>',
        "".join(f"<a{number}/>" for number in range(100_000)),
        '<trkpt lat="1" lon="2"/>' * 50_000,
    ],
    ids=["elements", "text", "one sample", "attribute", "names", "samples"],
)
def test_memory_stays_a_small_multiple_of_the_file(inside: str) -> None:
    data = document(POINTS + inside)
    tracemalloc.start()

    recording = read(data)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert recording.activities[0].count == 2
    assert peak < 16 * len(data) + 8_000_000
