"""What a request asks: its body read, its query and body as structs, and everything that is wrong with them told at once.

Nothing here touches a database: a request that is refused here has cost no statement.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
import multipart  # type: ignore[import-untyped]  # it brings no types
from litestar import Request
from litestar.types import Receive

from openintervals import errors
from openintervals.api import rules, shapes
from openintervals.api.exchange import Exchange

BODY_MOST = 1024 * 1024
LARGE_BYTES = 128 * 1024  # what is larger is taken apart in a thread
BODY_PATIENCE_S = 30
DRAIN_MOST = 65 * 1024 * 1024  # as much as any upload: who sends one with a wrong key gets an answer too
DRAIN_PATIENCE_S = 5
DRAIN_BYTES_PER_S = 64 * 1024
BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding", b"expect"})
PARAMETERS_MOST = 50
QUERY_KEPT_BYTES = 100
UPLOAD_PATIENCE_S = 600
UPLOAD_BYTES_PER_S = 8 * 1024  # on average, from `BODY_PATIENCE_S` on
PARTS_MOST = 50
OTHER_PARTS_MOST_BYTES = 64 * 1024


class Upload(msgspec.Struct, frozen=True):
    """The file that came in a multipart/form-data body, whole, and what its sender calls it."""

    data: bytes
    name: str


def asked(
    query_shape: type[msgspec.Struct] | None,
    body_shape: Any,
    between: rules.Rules,
    query_string: bytes,
    raw: bytes,
) -> dict[str, Any]:
    """The query and the body of a request, the latter a struct or a list of them. Raises Invalid with all that is wrong with either and between them.

    Its message speaks of the parameters only when nothing else is wrong."""
    taken: dict[str, Any] = {}
    known: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    message = ""
    for name, shape, read in (("query", query_shape, _query), ("body", body_shape, _body)):
        if shape is None:
            continue
        try:
            taken[name] = read(shape, query_string if name == "query" else raw)
            if between:
                known |= msgspec.structs.asdict(taken[name])
        except shapes.Refused as refused:
            message = refused.message
            known |= refused.known
            problems += [(field, each) for field, said in refused.fields.items() for each in said]
    for problem in rules.problems(between, lambda field: known.get(field, rules.WRONG)):
        message = "Invalid request body"
        problems.append(problem)
    if problems:
        fields: dict[str, list[str]] = {}
        for field, said in problems:
            fields.setdefault(field, []).append(said)
        raise errors.Invalid(message, fields)
    return taken


def _body(shape: Any, raw: bytes) -> Any:
    return shapes.bodies(get_args(shape)[0], raw) if get_origin(shape) is list else shapes.body(shape, raw)


def _query(shape: type[msgspec.Struct], query_string: bytes) -> msgspec.Struct:
    """The query of a request. The same few come again and again, and what they mean never changes: short ones are kept."""
    return (_kept_query if len(query_string) <= QUERY_KEPT_BYTES else _parsed_query)(shape, query_string)


def _parsed_query(shape: type[msgspec.Struct], query_string: bytes) -> msgspec.Struct:
    return shapes.query(shape, pairs(query_string))


_kept_query = lru_cache(2048)(_parsed_query)


def pairs(query_string: bytes) -> list[tuple[str, str]]:
    if not query_string:
        return []
    try:
        return parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=PARAMETERS_MOST)
    except ValueError:
        raise shapes.Refused(
            "Invalid request parameters", {"query": [f"Expected at most {PARAMETERS_MOST} parameters"]}
        ) from None


def note_body(exchange: Exchange, name: bytes, value: bytes) -> None:
    """Note what one of `BODY_HEADERS` says of the body."""
    if name == b"expect":
        exchange.body_waits = True
        return
    exchange.body_comes = exchange.body_comes or value != b"0"
    if name == b"content-length":
        exchange.content_length = int(value[:19]) if value.isdigit() else None


class Incoming:
    """A body on its way in, and whether all of it has come."""

    def __init__(self, receive: Receive, exchange: Exchange) -> None:
        self._receive = receive
        self._exchange = exchange
        self._ended = not exchange.body_comes
        self._broken_off = False

    async def receive(self) -> Any:
        """The next message, for whoever reads the body."""
        self._broken_off = True
        message = await self._receive()
        self._broken_off = False
        self._ended = message["type"] != "http.request" or not message.get("more_body")
        return message

    async def drained(self) -> bool:
        """Take what is left and forget it, `DRAIN_MOST` at most and as long as it does not come too slowly; gives whether nothing is left.

        Many clients send all of a body before they look for an answer, and would never see one that came with the connection's end."""
        length = self._exchange.content_length
        if self._broken_off or self._exchange.body_waits or (length is not None and length > DRAIN_MOST):
            return self._ended
        size = 0
        try:
            async with asyncio.timeout(DRAIN_PATIENCE_S) as patience:
                give_up = patience.when() or 0.0
                while not self._ended and size <= DRAIN_MOST:
                    size += len((await self.receive()).get("body", b""))
                    patience.reschedule(give_up + size / DRAIN_BYTES_PER_S)
        except TimeoutError:
            pass
        return self._ended


async def read_body(exchange: Exchange, request: Request[Any, Any, Any], most: int = BODY_MOST) -> bytes:
    """The body, whatever its content type says. Raises TooLarge as soon as it is known to be, Invalid when it does not come."""
    if exchange.content_length is not None and exchange.content_length > most:
        raise too_large(most)
    chunks: list[bytes] = []
    size = 0
    async for chunk in _chunks(request, BODY_PATIENCE_S if most <= BODY_MOST else UPLOAD_PATIENCE_S):
        size += len(chunk)
        if size > most:
            raise too_large(most)
        chunks.append(chunk)
    return b"".join(chunks)


async def read_upload(exchange: Exchange, request: Request[Any, Any, Any], most: int) -> Upload:
    """The file in a multipart/form-data body: the part called `file`, or the first that is one. Other parts are ignored.

    Raises TooLarge as soon as it is known to be, Invalid without a file or when the parts cannot be told apart."""
    if exchange.content_length is not None and exchange.content_length > most + OTHER_PARTS_MOST_BYTES:
        raise too_large(most)
    parser = _parser(request.headers.get("content-type", ""))
    found: tuple[str, list[bytes]] | None = None
    part: list[bytes] | None = None
    size = others = 0
    try:
        async for chunk in _chunks(request, UPLOAD_PATIENCE_S):
            for event in parser.parse(chunk) if chunk and not parser.closed else ():
                if isinstance(event, multipart.MultipartSegment):
                    part = None
                    if event.name == "file" or (found is None and event.filename):
                        part, size = [], 0
                        found = event.filename or "", part
                elif event and part is not None:
                    part.append(bytes(event))
                    size += len(event)
                elif event:
                    others += len(event)
                if size > most or others > max(most, OTHER_PARTS_MOST_BYTES):
                    raise too_large(most)
        parser.close()
    except multipart.MultipartError as problem:
        raise _no_file(f"the parts cannot be told apart: {problem}") from None
    if found is None:
        raise _no_file("no part is a file")
    return Upload(b"".join(found[1]), found[0].encode("latin-1", "replace").decode("utf-8", "replace"))


def _parser(content_type: str) -> Any:
    """What takes a multipart/form-data body apart. Raises Invalid for any other content type."""
    kind, options = multipart.parse_options_header(content_type)
    if kind != "multipart/form-data":
        raise _no_file(f"expected multipart/form-data, received {kind[:100] or 'no content type'}")
    if not options.get("boundary"):
        raise _no_file("the content type names no boundary; a library that makes the body also makes this header")
    # Names are in whatever their sender's system writes: as Latin-1 every byte is a character, and becomes the same byte again.
    return multipart.PushMultipartParser(options["boundary"], max_segment_count=PARTS_MOST, header_charset="latin-1")


def _no_file(why: str) -> errors.Invalid:
    said = f"Send it as multipart/form-data, in a part named file: {why}"
    return errors.Invalid("Invalid request body", {"file": [said]})


async def _chunks(request: Request[Any, Any, Any], patience_s: float) -> AsyncIterator[bytes]:
    """A body as it comes. Raises Invalid when it breaks off, takes longer than `patience_s`, or comes too slowly for the room that is kept for it."""
    began, size, more = asyncio.get_running_loop().time(), 0, True
    while more:
        try:
            async with asyncio.timeout_at(began + min(patience_s, BODY_PATIENCE_S + size / UPLOAD_BYTES_PER_S)):
                message = await request.receive()
        except TimeoutError:
            said = f"The body came too slowly: {size} bytes of it had arrived; send it again over a better connection"
            raise errors.Invalid("Invalid request body", {"body": [said]}) from None
        if message["type"] == "http.disconnect":
            raise errors.Invalid("Invalid request body", {"body": ["The body ended before it was complete"]})
        more = bool(message.get("more_body"))
        chunk: bytes = message.get("body", b"")  # type: ignore[assignment]  # not a disconnect, as said above
        size += len(chunk)
        yield chunk


def too_large(most: int = BODY_MOST) -> errors.TooLarge:
    return errors.TooLarge(f"The request body is larger than {most // (1024 * 1024)} MiB; send less at once")
