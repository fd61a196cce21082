"""What the shell can besides JSON objects, shown on an API of three routes: uploads, files, CSV, arrays, suffixes, lenient queries."""

from collections.abc import Iterator
from typing import Any, ClassVar

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from openintervals import errors
from openintervals.api import requests, shapes
from openintervals.api.http import Api, Csv, File, Guard, Read, Status, Upload, Write
from openintervals.api.middleware import Shell
from openintervals.platform.api_keys import Caller
from tests.servers import Application, application

MOST = 200_000


class Query(msgspec.Struct, frozen=True):
    lenient: ClassVar[bool] = True

    types: list[str] = []
    seconds: list[int] | None = None
    yes: bool = False
    limit: int | None = None
    name: str | None = None


class Item(msgspec.Struct, frozen=True):
    start: int
    label: str | None = None


def _failure(problem: errors.Failure) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    status = {errors.Invalid: 422, errors.TooLarge: 413}.get(
        type(problem), 422 if isinstance(problem, errors.Invalid) else 400
    )
    return status, msgspec.json.encode(getattr(problem, "fields", problem.message)), []


async def _anybody(tx: Read, key: str) -> Caller:
    return Caller("ak", "k1", "live", frozenset(), "free", bypass_windows=False)


api = Api(
    "/x",
    lambda result: result,
    _failure,
    not_allowed=str.encode,
    guard=Guard(key_in=lambda _: "key", caller=_anybody, refusal=str, public=()),
    documents="/docs",
)


@api.operation("GET", "/rows", scope=None, tag="x", ext=True)
async def rows(tx: Read, query: Query, ext: str) -> Query | Csv:
    """Rows"""
    return Csv(f"types\n{'|'.join(query.types)}\n") if ext == ".csv" else query


@api.operation("POST", "/file", scope=None, tag="x", status=201, body_most=MOST)
async def upload(tx: Read, file: Upload) -> Status[dict[str, Any]]:
    """Take a file"""
    return Status(200 if file.name == "old" else 201, {"name": file.name, "size": len(file.data)})


@api.operation("POST", "/echo", scope=None, tag="x", body_most=MOST)
async def echo(tx: Read, file: Upload) -> File:
    """Give a file back"""
    return File(file.data, "application/x-test", file.name)


@api.operation("PUT", "/items", scope=None, tag="x")
async def items(tx: Write, body: list[Item]) -> list[Item]:
    """Take an array"""
    return body


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The shell around the little API alone."""
    with application(f"sqlite:///{tmp_path_factory.mktemp('data')}/openintervals.db") as app:
        routes = Litestar(api.routes(app.runtime), openapi_config=None, logging_config=None)
        app.asgi = Shell(routes, [api], app.runtime)
        yield app


def send(app: Application, path: str, file: tuple[Any, ...] | None = None, **options: Any) -> httpx.Response:
    if file is not None:
        options["files"] = {"file": file}
    return app.request("POST", f"/x{path}", **options)


class TestSuffixes:
    def test_each_gives_what_it_names(self, small: Application) -> None:
        plain, json, csv = (small.request("GET", f"/x/rows{ext}?types=a,b") for ext in ("", ".json", ".csv"))

        assert plain.json() == json.json()
        assert plain.headers["content-type"].startswith("application/json")
        assert (csv.text, csv.headers["content-type"]) == ("types\na|b\n", "text/csv; charset=utf-8")

    def test_another_is_not_found(self, small: Application) -> None:
        assert small.request("GET", "/x/rows.xml").status_code == 404

    def test_options_names_the_methods_of_each(self, small: Application) -> None:
        assert small.request("OPTIONS", "/x/rows.csv").headers["allow"] == "GET, OPTIONS"


class TestQueries:
    @pytest.mark.parametrize("text", ["types=a,b&types=c", "types=a&types=b&types=c", "types=a,,b,c,"])
    def test_a_list_comes_with_commas_repeated_or_both(self, small: Application, text: str) -> None:
        assert small.request("GET", f"/x/rows?{text}").json()["types"] == ["a", "b", "c"]

    @pytest.mark.parametrize(("text", "value"), [("true", True), ("True", True), ("false", False), ("False", False)])
    def test_a_flag_comes_in_several_spellings(self, small: Application, text: str, *, value: bool) -> None:
        assert small.request("GET", f"/x/rows?yes={text}").json()["yes"] is value

    def test_nothing_is_absent_and_the_last_of_several_counts(self, small: Application) -> None:
        answer = small.request("GET", "/x/rows?limit=&yes=&seconds=&limit=3&limit=5&name=&unheard=1").json()

        assert answer == {"types": [], "seconds": None, "yes": False, "limit": 5, "name": ""}

    @pytest.mark.parametrize(
        ("text", "field"), [("limit=x", "limit"), ("seconds=1,x", "seconds"), ("yes=perhaps", "yes")]
    )
    def test_what_is_wrong_is_told(self, small: Application, text: str, field: str) -> None:
        answer = small.request("GET", f"/x/rows?{text}")

        assert answer.status_code == 422
        assert [name.partition(".")[0] for name in answer.json()] == [field]

    @given(st.lists(st.text(st.characters(codec="ascii", exclude_characters=",\0"), min_size=1), max_size=5))
    def test_a_list_is_what_was_joined(self, parts: list[str]) -> None:
        read = shapes.query(Query, [("types", ",".join(parts))])

        assert read.types == [part.strip() for part in parts if part.strip()]


class TestUploads:
    def test_a_file_arrives_byte_for_byte_and_is_given_back(self, small: Application) -> None:
        data = bytes(range(256)) * 300

        answer = send(small, "/echo", ("a ride.fit", data, "application/octet-stream"))

        assert answer.content == data
        assert answer.headers["content-type"] == "application/x-test"
        assert answer.headers["content-disposition"] == 'attachment; filename="a ride.fit"'

    def test_a_name_cannot_break_out_of_its_header(self, small: Application) -> None:
        answer = send(small, "/echo", ('a";\r\nx: y%0dé.fit', b"data"))

        name = answer.headers["content-disposition"].removeprefix('attachment; filename="').removesuffix('"')
        assert answer.status_code == 200
        assert not set(name) & set('"\\\r\n%')
        assert "x" not in answer.headers

    def test_the_handler_chooses_the_status(self, small: Application) -> None:
        assert [send(small, "/file", (name, b"x")).status_code for name in ("new", "old")] == [201, 200]

    def test_the_part_called_file_is_it_or_else_the_first_that_is_one(self, small: Application) -> None:
        several = {"other": ("b", b"22"), "file": ("a", b"1"), "name": (None, b"text")}

        found = [send(small, "/file", files=files).json() for files in (several, {"ride": ("c", b"333")})]

        assert found == [{"name": "a", "size": 1}, {"name": "c", "size": 3}]

    @pytest.mark.parametrize(
        ("sent", "name"),
        [("für.fit".encode(), "für.fit"), (b"f\xfcr.fit", "f\ufffdr.fit"), ("走.fit".encode(), "走.fit")],
    )
    def test_a_name_in_any_encoding_is_no_hindrance(self, small: Application, sent: bytes, name: str) -> None:
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n1\r\n--x--' % sent

        answer = send(small, "/file", content=body, headers={"content-type": "multipart/form-data; boundary=x"})

        assert answer.json() == {"name": name, "size": 1}

    def test_a_content_type_without_a_boundary_is_called_that(self, small: Application) -> None:
        answer = send(small, "/file", content=b"--x--", headers={"content-type": "multipart/form-data"})

        assert "names no boundary" in answer.json()["file"][0]

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("application/json", b"{}"),
            ("", b"data"),
            ("multipart/form-data", b"--x--"),
            ("multipart/form-data; boundary=x", b""),
            ("multipart/form-data; boundary=x", b"junk"),
            ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ncut'),
            (
                "multipart/form-data; boundary=x",
                b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nAnn\r\n--x--',
            ),
            ("multipart/form-data; boundary=x", b"--x\r\n\r\nno header\r\n--x--"),
        ],
    )
    def test_without_a_file_it_says_how_to_send_one(self, small: Application, content_type: str, body: bytes) -> None:
        answer = send(small, "/file", content=body, headers={"content-type": content_type} if content_type else {})

        assert answer.status_code == 422
        assert "in a part named file" in answer.json()["file"][0]

    @given(body=st.binary(max_size=400), framed=st.booleans())
    def test_any_bytes_are_a_file_or_refused(self, small: Application, body: bytes, *, framed: bool) -> None:
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' if framed else b""

        answer = send(small, "/file", content=head + body, headers={"content-type": "multipart/form-data; boundary=x"})

        assert answer.status_code in (201, 422)

    def test_too_much_is_refused_before_it_is_read(self, small: Application) -> None:
        taken = []

        def chunks() -> Iterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            for _ in range(1_000):
                taken.append(0)
                yield b"x" * 10_000

        async def body() -> Any:
            for chunk in chunks():
                yield chunk

        known = send(small, "/file", ("a", b"x" * (MOST + requests.OTHER_PARTS_MOST_BYTES)))
        unknown = send(small, "/file", content=body(), headers={"content-type": "multipart/form-data; boundary=x"})

        assert (known.status_code, unknown.status_code) == (413, 413)


class TestArrays:
    def test_an_array_is_a_list_of_structs(self, small: Application) -> None:
        sent = [{"start": 1, "label": "a"}, {"start": 2.0}]

        assert small.request("PUT", "/x/items", json=sent).json() == [
            {"start": 1, "label": "a"},
            {"start": 2, "label": None},
        ]

    @pytest.mark.parametrize(
        ("body", "field"),
        [(b'[{"start":1},{"label":2}]', "1.start"), (b'{"start":1}', "body"), (b"[1]", "0.body"), (b"[", "body")],
    )
    def test_what_is_wrong_is_told_by_its_place(self, small: Application, body: bytes, field: str) -> None:
        answer = small.request("PUT", "/x/items", content=body)

        assert answer.status_code == 422
        assert field in answer.json()

    def test_an_idempotency_key_covers_an_array(self, small: Application) -> None:
        headers = {"Idempotency-Key": "array"}

        first, second = (small.request("PUT", "/x/items", json=[{"start": 1}], headers=headers) for _ in range(2))
        other = small.request("PUT", "/x/items", json=[{"start": 2}], headers=headers)

        assert first.content == second.content
        assert second.headers["idempotent-replayed"] == "true"
        assert other.status_code == 400
