"""One webhook on its way: whatever a receiver or the network does becomes an answer, and nothing forbidden is ever connected to."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals import __version__
from openintervals.platform import addresses
from openintervals.worker import outbound
from openintervals.worker.outbound import Answer, Outbound
from tests.servers import free_port
from tests.worker import receivers
from tests.worker.receivers import Authority

LOOPBACK = addresses.networks("127.0.0.0/8, ::1")
PUBLIC = "93.184.216.34"
SHORT_S = 0.15
BODY = b'{"type": "event.updated"}'


def post(url: str, *, allow: str = "127.0.0.0/8,::1", headers: dict[str, str] | None = None, **options: Any) -> Answer:
    """One post by a client of its own."""

    async def posts() -> Answer:
        async with Outbound(addresses.networks(allow), **options) as client:
            return await client.post(url, headers or {}, BODY)

    return asyncio.run(posts())


def names(**known: Sequence[str]) -> Callable[[str], Awaitable[Sequence[str]]]:
    """A look-up that knows `receiver=[…]` as receiver.example."""

    async def looks_up(host: str) -> Sequence[str]:
        return known[host.removesuffix(".").removesuffix(".example")]

    return looks_up


def test_a_post_arrives_as_it_was_given() -> None:
    with receivers.receiving() as receiver:
        answer = post(f"{receiver.url}/a%7Eb?token=%41", headers={"webhook-id": "m1"})

    [received] = receiver.received
    assert (answer.status, answer.problem, answer.head, answer.retry_after_s) == (204, None, "", None)
    assert (received.method, received.path, received.body) == ("POST", "/a%7Eb?token=%41", BODY)
    assert received.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": f"OpenIntervals-Webhooks/{__version__}",
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "webhook-id": "m1",
    }


@pytest.mark.parametrize("behaviour", [receivers.hang, receivers.hang_in_body, receivers.drip])
def test_a_receiver_that_never_comes_to_an_end_is_left_in_time(behaviour: receivers.Behaviour) -> None:
    with receivers.receiving(behaviour) as receiver:
        answer = post(receiver.url, total_s=SHORT_S)

        assert receiver.wait_until_open(0) == 0
    assert answer.problem == "timeout"
    assert not answer.succeeded
    assert answer.duration_ms >= SHORT_S * 1000


def test_what_came_before_the_time_was_up_is_told() -> None:
    with receivers.receiving(receivers.hang_in_body) as receiver:
        answer = post(receiver.url, total_s=SHORT_S)

    assert (answer.status, answer.head) == (200, ".")


def test_a_look_up_that_hangs_is_left_in_time_too() -> None:
    async def hangs(_: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    assert post("https://receiver.example/", lookup=hangs, total_s=SHORT_S).problem == "timeout"


@pytest.mark.parametrize(
    ("behaviour", "status", "problem"),
    [
        (receivers.reset, None, "reset"),
        (receivers.says(b""), None, "reset"),
        (receivers.says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n."), 200, "bad_answer"),
        (receivers.says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), None, "bad_answer"),
        (receivers.says(b"SSH-2.0-OpenSSH\r\n"), None, "bad_answer"),
        (receivers.says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"), None, "bad_answer"),
        (receivers.endless_headers, None, "bad_answer"),
    ],
)
def test_an_answer_that_is_broken_off_or_none_at_all_is_a_failure(
    behaviour: receivers.Behaviour, status: int | None, problem: str
) -> None:
    with receivers.receiving(behaviour) as receiver:
        answer = post(receiver.url)

        assert receiver.wait_until_open(0) == 0
    assert (answer.status, answer.problem, answer.succeeded) == (status, problem, False)


def test_a_reset_after_a_good_status_is_still_a_failure() -> None:
    with receivers.receiving(receivers.reset_in_body) as receiver:
        answer = post(receiver.url)

    assert answer.problem in (
        "reset",
        "bad_answer",
    )  # whether the status was read before the reset came is the kernel's
    assert not answer.succeeded


def test_nobody_listening_is_a_refusal() -> None:
    assert post(f"http://127.0.0.1:{free_port()}").problem == "refused"


def test_a_name_that_does_not_exist_is_told() -> None:
    async def knows_none(_: str) -> Sequence[str]:
        return []

    assert post("https://receiver.example/", lookup=knows_none).problem == "name"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_never_followed(status: int) -> None:
    with receivers.receiving() as inside:
        elsewhere = receivers.answer(status, {"Location": f"{inside.url}/admin"})
        with receivers.receiving(elsewhere) as receiver:
            answer = post(receiver.url)

        assert (answer.status, answer.problem, answer.succeeded) == (status, None, False)
        assert len(receiver.received) == 1
        assert inside.connections == 0


@pytest.mark.parametrize(
    ("headers", "retry_after_s"),
    [
        ({"Retry-After": "120"}, 120),
        (
            {"Date": "Sun, 01 Mar 2026 09:00:00 GMT", "Retry-After": "Sun, 01 Mar 2026 10:30:00 GMT"},
            5400,
        ),
        ({"Date": "Sun, 01 Mar 2026 09:00:00 GMT", "Retry-After": "Sun, 01 Mar 2026 08:00:00 GMT"}, 0),
        ({"Retry-After": "Sun, 01 Mar 2026 10:30:00 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "9" * 5000}, None),
        ({}, None),
    ],
)
def test_the_time_a_receiver_names_is_told_in_seconds(headers: dict[str, str], retry_after_s: int | None) -> None:
    with receivers.receiving(receivers.answer(429, headers)) as receiver:
        answer = post(receiver.url)

    assert (answer.status, answer.retry_after_s) == (429, retry_after_s)


@given(st.text(), st.text())
def test_no_text_in_these_headers_does_harm(retry_after: str, date: str) -> None:
    seconds = outbound._retry_after_s({"Retry-After": retry_after, "Date": date})

    assert seconds is None or seconds >= 0


def test_an_endless_answer_is_cut_and_its_status_counts() -> None:
    with receivers.receiving(receivers.endless) as receiver:
        answer = post(receiver.url)

        assert receiver.wait_until_open(0) == 0
    assert (answer.status, answer.problem, answer.succeeded) == (200, None, True)
    assert answer.head == "a" * 1024


def test_the_beginning_of_an_answer_is_kept_as_clean_text() -> None:
    body = b"\x00\x1b[31mno\r\n\xff\x9f" + "é".encode()
    with receivers.receiving(receivers.answer(500, body=body)) as receiver:
        answer = post(receiver.url)

    assert (answer.status, answer.head) == (500, "  [31mno \n\ufffd\ufffdé")


def test_a_compressed_answer_is_not_unpacked() -> None:
    with receivers.receiving(receivers.answer(200, {"Content-Encoding": "gzip"}, b"bomb")) as receiver:
        answer = post(receiver.url)

    assert (answer.problem, answer.head) == (None, "bomb")


def test_no_cookie_is_taken_and_no_proxy_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def twice(url: str) -> None:
        async with Outbound(LOOPBACK) as client:
            for _ in range(2):
                assert (await client.post(url, {}, BODY)).succeeded

    with receivers.receiving() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
            monkeypatch.setitem(os.environ, name, proxy.url)
        with receivers.receiving(receivers.answer(204, {"Set-Cookie": "a=b"})) as receiver:
            asyncio.run(twice(receiver.url))

        assert proxy.connections == 0
    assert ["cookie" in received.headers for received in receiver.received] == [False, False]


def test_connections_are_used_again() -> None:
    async def many(url: str) -> None:
        async with Outbound(LOOPBACK) as client:
            for _ in range(20):
                assert (await client.post(url, {}, BODY)).succeeded

    with receivers.receiving(receivers.answer(200, body=b"thanks")) as receiver:
        asyncio.run(many(receiver.url))

    assert (len(receiver.received), receiver.connections) == (20, 1)


def test_only_so_many_idle_connections_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "IDLE_MOST", 3)

    async def at_once(receiver: receivers.Receiver) -> int:
        async with Outbound(LOOPBACK) as client:
            answers = await asyncio.gather(*(client.post(receiver.url, {}, BODY) for _ in range(10)))
            assert all(answer.succeeded for answer in answers)
            return await asyncio.to_thread(receiver.wait_until_open, 3)

    together = asyncio.Barrier(10)

    async def when_all_are_there(received: receivers.Received, writer: asyncio.StreamWriter) -> None:
        await together.wait()
        await receivers.answer()(received, writer)

    with receivers.receiving(when_all_are_there) as receiver:
        assert asyncio.run(at_once(receiver)) == 3


def test_a_post_that_is_cancelled_closes_its_connection() -> None:
    async def cancels(receiver: receivers.Receiver) -> int:
        async with Outbound(LOOPBACK) as client:
            task = asyncio.create_task(client.post(receiver.url, {}, BODY))
            await asyncio.to_thread(receiver.wait_for, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await asyncio.to_thread(receiver.wait_until_open, 0)

    with receivers.receiving(receivers.hang) as receiver:
        assert asyncio.run(cancels(receiver)) == 0


def test_a_connection_ends_with_its_post_though_the_receiver_does_not_say_goodbye() -> None:
    authority = Authority()
    made: list[socket.socket] = []

    async def posts(url: str) -> list[int]:
        async with Outbound(LOOPBACK, total_s=SHORT_S, tls=authority.client()) as client:
            connector: Any = client._sessions["https"].connector
            opens = connector._socket_factory

            def remembers(info: Any) -> socket.socket:
                made.append(opens(info))
                return made[-1]

            connector._socket_factory = remembers
            answer = await client.post(url, {}, BODY)
            assert answer.problem == "timeout"
            for _ in range(5):  # turns of the loop, in which it closes what was broken off
                await asyncio.sleep(0)
            return [one.fileno() for one in made]

    with receivers.receiving(receivers.hear_nothing, tls=authority.server("127.0.0.1")) as receiver:
        assert asyncio.run(posts(receiver.url)) == [-1]


def test_slow_receivers_do_not_hold_up_others() -> None:
    async def mixes(slow: str, quick: str) -> int:
        async with Outbound(LOOPBACK) as client:
            hanging = [asyncio.create_task(client.post(slow, {}, BODY)) for _ in range(50)]
            answers = [await client.post(quick, {}, BODY) for _ in range(50)]
            waiting = sum(not task.done() for task in hanging)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)
            assert all(answer.succeeded for answer in answers)
            return waiting

    with receivers.receiving(receivers.hang) as slow, receivers.receiving() as quick:
        assert asyncio.run(mixes(slow.url, quick.url)) == 50


def test_tls_is_checked_against_the_host_of_the_url_while_the_judged_address_is_connected_to() -> None:
    authority = Authority()
    with receivers.receiving(tls=authority.server("receiver.example")) as receiver:
        answer = post(
            f"https://receiver.example:{receiver.port}/",
            tls=authority.client(),
            lookup=names(receiver=["127.0.0.1"]),
        )

    assert answer.succeeded
    assert receiver.received[0].headers["host"] == f"receiver.example:{receiver.port}"


def test_a_certificate_for_another_name_is_refused() -> None:
    authority = Authority()
    with receivers.receiving(tls=authority.server("other.example")) as receiver:
        answer = post(
            f"https://receiver.example:{receiver.port}/",
            tls=authority.client(),
            lookup=names(receiver=["127.0.0.1"]),
        )

    assert (answer.problem, receiver.received) == ("tls", [])


@pytest.mark.parametrize("tls", [None, "another"])
def test_a_certificate_of_an_authority_nobody_trusts_is_refused(tls: str | None) -> None:
    trusted = Authority().client() if tls else None
    with receivers.receiving(tls=Authority().server("127.0.0.1")) as receiver:
        answer = post(receiver.url, tls=trusted)

    assert (answer.problem, receiver.received) == ("tls", [])


def test_a_receiver_that_speaks_no_tls_is_told() -> None:
    with receivers.receiving(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as receiver:
        answer = post(receiver.url.replace("http:", "https:"))

    assert answer.problem == "tls"


def test_ipv6_is_spoken() -> None:
    with receivers.receiving(host="::1") as receiver:
        assert post(receiver.url).succeeded
        assert post(receiver.url, allow="127.0.0.0/8").problem == "forbidden_address"

    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1%25lo]",
        "0.0.0.0",
        "localhost",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_is_not_reached_in_any_spelling(host: str, scheme: str) -> None:
    with receivers.receiving(receivers.answer(), host="127.0.0.1") as receiver:
        for allow in ("", "10.0.0.0/8"):
            answer = post(f"{scheme}://{host}:{receiver.port}/", allow=allow)

            assert (answer.problem, answer.status) == ("forbidden_address", None)
        assert receiver.connections == 0


def test_an_address_in_a_url_is_judged_where_it_is_connected_to_as_well() -> None:
    async def past_the_first_look(url: str) -> None:
        async with Outbound() as client:
            await client._sessions["http"].post(url)

    with receivers.receiving() as receiver:
        with pytest.raises(aiohttp.ClientConnectorError) as refused:
            asyncio.run(past_the_first_look(receiver.url))

        assert isinstance(refused.value.os_error, outbound._ForbiddenAddress)
        assert receiver.connections == 0


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "100.64.0.1"])
def test_metadata_and_private_networks_are_not_reached(host: str) -> None:
    assert post(f"https://{host}/").problem == "forbidden_address"


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%lo"],
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
        [PUBLIC, "::1"],
        ["nonsense"],
    ],
)
def test_a_name_with_one_forbidden_address_is_not_called_at_all(
    found: list[str], connects: list[tuple[Any, ...]]
) -> None:
    answer = post("https://receiver.example/", allow="", lookup=names(receiver=found))

    assert (answer.problem, connects) == ("forbidden_address", [])


def test_a_public_name_is_called_at_the_very_address_that_was_judged(connects: list[tuple[Any, ...]]) -> None:
    answer = post("https://receiver.example/", allow="", lookup=names(receiver=[PUBLIC]))

    assert (answer.problem, connects) == ("refused", [(PUBLIC, 443)])


@pytest.mark.parametrize(
    "url", ["http://receiver.example/", "http://receiver.example:443/", "https://receiver.example:8443/"]
)
def test_a_public_name_is_called_by_https_at_443_alone(url: str, connects: list[tuple[Any, ...]]) -> None:
    answer = post(url, lookup=names(receiver=[PUBLIC]))

    assert (answer.problem, connects) == ("forbidden_address", [])


def test_a_name_that_changes_its_mind_is_judged_at_each_connection() -> None:
    # 127.0.0.2 plays the public Internet, 127.0.0.1 what is inside.
    asked: list[str] = []

    async def rebinds(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    async def twice(port: int) -> list[Answer]:
        async with Outbound(addresses.networks("127.0.0.2"), lookup=rebinds, names_kept_s=0) as client:
            return [await client.post(f"http://receiver.example:{port}/", {}, BODY) for _ in range(2)]

    closes = receivers.answer(204, {"Connection": "close"})
    with (
        receivers.receiving(closes, host="127.0.0.2") as outside,
        receivers.receiving(port=outside.port) as inside,
    ):
        first, second = asyncio.run(twice(outside.port))

        assert first.succeeded
        assert second.problem == "forbidden_address"
        assert (outside.connections, inside.connections) == (1, 0)
    assert asked == ["receiver.example", "receiver.example"]


def test_what_http_may_reach_is_not_lent_to_https(connects: list[tuple[Any, ...]]) -> None:
    """One look-up is believed for some seconds; what is permitted depends on the scheme."""

    async def both() -> list[Answer]:
        async with Outbound(addresses.networks("127.0.0.1"), lookup=names(receiver=[PUBLIC])) as client:
            return [await client.post(f"{scheme}://receiver.example:443/", {}, BODY) for scheme in ("https", "http")]

    secure, plain = asyncio.run(both())

    assert (secure.problem, plain.problem) == ("refused", "forbidden_address")
    assert connects == [(PUBLIC, 443)]


def test_a_url_that_could_not_be_made_is_not_called() -> None:
    with receivers.receiving() as receiver:
        answer = post(f"http://user:secret@127.0.0.1:{receiver.port}/")

        assert (answer.problem, receiver.connections) == ("forbidden_address", 0)


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The addresses somebody tried to connect to from here on; every one refuses."""
    tried: list[tuple[Any, ...]] = []

    async def refuses(_: object, __: object, address: tuple[Any, ...]) -> None:
        tried.append(address)
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", refuses)
    return tried


def test_once_half_of_all_places_are_taken_everybody_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "POSTS_MOST", 4)
    rooms: list[tuple[int, int]] = []

    async def fills(receiver: receivers.Receiver) -> None:
        async with Outbound(LOOPBACK) as client:
            hanging: list[asyncio.Task[Answer]] = []
            for number in range(5):
                rooms.append((client.room(0), client.room(1)))
                hanging.append(asyncio.create_task(client.post(receiver.url, {}, BODY)))
                await asyncio.to_thread(receiver.wait_for, number + 1)
            for task in hanging:
                task.cancel()
            await asyncio.wait(hanging)
            rooms.append((client.room(0), client.room(1)))

    with receivers.receiving(receivers.hang) as receiver:
        asyncio.run(fills(receiver))

    assert rooms == [(4, 4), (3, 3), (1, 0), (1, 0), (0, 0), (4, 4)]
