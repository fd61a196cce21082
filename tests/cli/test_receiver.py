"""The receiver behind `openintervals listen`, on real sockets: what it answers, tells and passes on, and where it stops."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import httpx
import pytest

from openintervals.cli.receiver import BODY_MOST, UNDER_WAY_MOST, Delivery, Receiver, lines, word
from openintervals.platform import signatures
from openintervals.serving import listener
from tests.servers import START, free_port
from tests.worker import receivers

T = TypeVar("T")

SECRET = signatures.new_secret()
ID = "d01k9x0q5zr4t8m2c6h0"
BODY = json.dumps(
    {
        "type": "registration.created",
        "timestamp": "2026-03-01T09:00:00.000Z",
        "data": {"objectType": "registration", "objectId": "r01k9x0q5zr4t8m2c6h0", "objectVersion": 3, "object": {}},
    }
).encode()


def signed(body: bytes = BODY, secret: str = SECRET, age_s: int = 0) -> dict[str, str]:
    timestamp = int((START - timedelta(seconds=age_s)).timestamp())
    return signatures.headers([secret], ID, timestamp, body)


def receiving(
    ask: Callable[[httpx.AsyncClient, Receiver], Awaitable[T]],
    forward_to: str | None = None,
    **options: Any,
) -> tuple[T, list[Delivery]]:
    """What `ask` gives beside a receiver, and the deliveries that the receiver told of."""
    told: list[Delivery] = []

    async def run() -> T:
        listening = listener.listen("127.0.0.1", 0)
        async with (
            Receiver(listening, forward_to, lambda: START, told.append, **options) as receiver,
            httpx.AsyncClient(base_url=receiver.url, timeout=30) as client,
        ):
            receiver.secret.set_result(SECRET)
            return await ask(client, receiver)

    return asyncio.run(run()), told


def post(body: bytes, headers: dict[str, str], forward_to: str | None = None) -> tuple[httpx.Response, list[Delivery]]:
    return receiving(lambda client, _: client.post("/", content=body, headers=headers), forward_to)


def test_a_delivery_that_verifies_is_told_and_answered_204() -> None:
    answer, told = post(BODY, signed())

    assert answer.status_code == 204
    assert told == [
        Delivery(
            at=START,
            body=BODY,
            type="registration.created",
            object_id="r01k9x0q5zr4t8m2c6h0",
            object_version=3,
            unverified=None,
            again=False,
            forwarded=None,
        )
    ]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "no webhook-id"),
        (signed(secret=signatures.new_secret()), "no signature fits"),
        (signed(BODY + b" "), "no signature fits"),
        (signed(age_s=301), "more than 300 s"),
    ],
)
def test_what_does_not_verify_is_told_with_the_reason_and_answered_401(headers: dict[str, str], reason: str) -> None:
    answer, told = post(BODY, headers)

    assert answer.status_code == 401
    assert reason in answer.text
    assert [reason in (delivery.unverified or "") for delivery in told] == [True]


def test_a_repeat_is_known_by_its_id() -> None:
    async def thrice(client: httpx.AsyncClient, _: Receiver) -> None:
        await client.post("/", content=BODY, headers=signed(secret=signatures.new_secret()))
        for _again in range(2):
            await client.post("/", content=BODY, headers=signed())

    _, told = receiving(thrice)

    assert [delivery.again for delivery in told] == [False, False, True]


def test_a_delivery_that_comes_before_the_secret_is_known_waits_for_it() -> None:
    told: list[Delivery] = []

    async def run() -> int:
        listening = listener.listen("127.0.0.1", 0)
        async with (
            Receiver(listening, None, lambda: START, told.append) as receiver,
            httpx.AsyncClient(base_url=receiver.url) as client,
        ):
            early = asyncio.create_task(client.post("/", content=BODY, headers=signed()))
            assert (await client.get("/")).status_code == 405  # it answers, and the early one has no answer yet
            assert not early.done()
            receiver.secret.set_result(SECRET)
            return (await early).status_code

    assert asyncio.run(run()) == 204
    assert [delivery.unverified for delivery in told] == [None]


def test_body_and_signature_are_passed_on_unchanged_and_the_answer_is_passed_back() -> None:
    body = (
        b'{ "type" : "event.updated",\n "data": {"objectId": "e1", "objectVersion": 2, "name": "Caf\\u00e9 \xc3\xa9"} }'
    )
    headers = {
        **signed(body),
        "webhook-extra": "kept",
        "content-type": "application/json; charset=utf-8",
        "cookie": "a=b",
        "authorization": "Bearer x",
    }
    asked_back = receivers.answer(429, {"Retry-After": "7", "Set-Cookie": "c=d", "Content-Type": "text/x"}, b"slower")

    with receivers.receiving(asked_back) as behind:
        answer, told = post(body, headers, f"{behind.url}/hooks?a=b%20c")
        received = behind.wait_for(1)[0]

    assert (received.method, received.path, received.body) == ("POST", "/hooks?a=b%20c", body)
    assert {name: received.headers[name] for name in (*signed(body), "webhook-extra", "content-type")} == {
        name: value for name, value in headers.items() if name not in ("cookie", "authorization")
    }
    assert not {"cookie", "authorization"} & received.headers.keys()
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["content-type"], answer.text) == (
        429,
        "7",
        "text/x",
        "slower",
    )
    assert "set-cookie" not in answer.headers
    assert told[0].forwarded is not None
    assert told[0].forwarded.status == 429
    assert told[0].object_id == "e1"


def test_the_receiver_behind_finds_out_by_itself_what_does_not_verify() -> None:
    with receivers.receiving(receivers.answer(400)) as behind:
        answer, told = post(BODY, signed(secret=signatures.new_secret()), behind.url)

    assert answer.status_code == 400
    assert told[0].unverified is not None


def test_a_redirect_of_the_receiver_behind_is_passed_back_and_not_followed() -> None:
    with (
        receivers.receiving() as elsewhere,
        receivers.receiving(receivers.answer(302, {"Location": elsewhere.url})) as it,
    ):
        answer, _ = post(BODY, signed(), it.url)

        assert answer.status_code == 302
        assert elsewhere.received == []


def test_a_receiver_behind_that_is_not_there_is_answered_502() -> None:
    answer, told = post(BODY, signed(), f"http://127.0.0.1:{free_port()}")

    assert answer.status_code == 502
    assert told[0].forwarded is not None
    assert told[0].forwarded.problem == "nobody listens there"


@pytest.mark.parametrize("behaviour", [receivers.reset, receivers.reset_in_body, receivers.says(b"nonsense\r\n\r\n")])
def test_a_receiver_behind_that_gives_no_proper_answer_is_answered_502(behaviour: receivers.Behaviour) -> None:
    with receivers.receiving(behaviour) as behind:
        answer, told = post(BODY, signed(), behind.url)

    assert answer.status_code == 502
    assert told[0].forwarded is not None
    assert told[0].forwarded.problem == "no proper answer"


def test_a_receiver_behind_that_hangs_is_answered_504() -> None:
    with receivers.receiving(receivers.hang) as behind:
        answer, told = receiving(
            lambda client, _: client.post("/", content=BODY, headers=signed()), behind.url, patience_s=0.05
        )

    assert answer.status_code == 504
    assert told[0].forwarded is not None
    assert told[0].forwarded.problem == "no answer in 0.05 s"


def test_an_endless_answer_is_cut() -> None:
    with receivers.receiving(receivers.endless) as behind:
        answer, _ = post(BODY, signed(), behind.url)

    assert answer.status_code == 200
    assert len(answer.content) == 64 * 1024


def test_a_body_above_the_limit_is_refused() -> None:
    answer, told = post(b" " * (BODY_MOST + 1), signed())

    assert answer.status_code == 413
    assert told == []


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def begin(_: httpx.AsyncClient, receiver: Receiver) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(receiver.url.rpartition(":")[2].rstrip("/")))
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n.")
        said = await reader.readline()
        writer.close()
        return said

    said, told = receiving(begin, patience_s=0.05)

    assert b" 408 " in said
    assert told == []


def test_more_than_a_bounded_number_at_once_are_turned_away() -> None:
    with receivers.receiving(receivers.hang) as behind:

        async def crowd(client: httpx.AsyncClient, _: Receiver) -> httpx.Response:
            limits = httpx.Limits(max_connections=UNDER_WAY_MOST)
            async with httpx.AsyncClient(base_url=client.base_url, timeout=30, limits=limits) as many:
                posts = [
                    asyncio.create_task(many.post("/", content=BODY, headers=signed())) for _ in range(UNDER_WAY_MOST)
                ]
                await asyncio.to_thread(behind.wait_for, UNDER_WAY_MOST)
                refused = await client.post("/", content=BODY, headers=signed())
                for each in posts:
                    each.cancel()
                await asyncio.gather(*posts, return_exceptions=True)
                return refused

        refused, _ = receiving(crowd, behind.url)

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b'{"type": 3}', b'{"data": null}', b"[" * 100_000])
def test_a_body_that_is_no_payload_is_told_all_the_same(body: bytes) -> None:
    answer, told = post(body, signed(body))

    assert answer.status_code == 204
    assert [(delivery.type, delivery.object_id, delivery.object_version) for delivery in told] == [("?", "?", None)]
    assert lines(body, 2) is not None


def test_what_is_shown_of_a_stranger_steers_no_terminal() -> None:
    body = json.dumps({"a": "\x1b]0;x\x07", "b": "\x9b2J"}, ensure_ascii=False).encode()

    shown = word("run\x1b[2J\x9b.sold\r_out") + lines(body, 2) + lines(b"\x1b[2J not JSON \xc2\x9b2J", 2)

    assert not [character for character in shown if not character.isprintable() and character != "\n"]
    assert json.loads(lines(body, -1)) == json.loads(body)
    assert word("") == "?"
    assert len(word("a" * 1000)) == 100
