"""What handlers answer with, and how an answer leaves: status, body and headers, sent as they are."""

import re
from typing import Generic, TypeVar

import msgspec
from litestar.types import Receive, Scope, Send

T = TypeVar("T")
Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json; charset=utf-8")
CSV = (b"content-type", b"text/csv; charset=utf-8")


class Page(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    """One page of a list, in list order; `has_more` looks in the direction of travel."""

    data: list[T]
    has_more: bool


class Created(msgspec.Struct, Generic[T], frozen=True):
    """A 201: what to answer, and the path of what was made."""

    data: T
    location: str


class Status(msgspec.Struct, Generic[T], frozen=True):
    """An answer whose status is not the operation's usual one."""

    status: int
    data: T


class Stored(msgspec.Struct, Generic[T], frozen=True):
    """An answer that is there as JSON already, and leaves as it is; `T` says what is in it."""

    json: bytes


class Csv(msgspec.Struct, frozen=True):
    """An answer for spreadsheets."""

    text: str


class File(msgspec.Struct, frozen=True):
    """An answer that is a file, to be saved under `name`."""

    data: bytes
    media_type: str
    name: str


class Answer:
    """A whole answer, sent as it is: Litestar's own response would take its headers apart and put them together again."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: Headers) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = self.headers
        if self.status not in (204, 304):
            headers = [*headers, (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def saved(file: File) -> Headers:
    """The headers of an answer that is a file. Characters that no header takes are underlines in its name."""
    name = re.sub(r'[^ -~]|["%\\]', "_", file.name)
    return [
        (b"content-type", file.media_type.encode()),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
    ]
