"""Receivers that mean no good, through the whole engine: what they do ends up in the log, costs little, and reaches nothing inside.

What one post makes of each of them is in test_outbound; here it is what becomes of the delivery, the endpoint and the others.
"""

import asyncio
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import msgspec
import pytest

from openintervals import instants
from openintervals.api.partner import payloads
from openintervals.platform import addresses, retries, webhooks
from openintervals.platform.dialects import Told
from openintervals.worker.outbound import BODY_MOST, HEAD_MOST, Lookup, Outbound
from openintervals.worker.sender import Sender
from tests.clients import Api, error, made
from tests.servers import Application
from tests.worker import posts, receivers
from tests.worker.posts import Endpoint, Logged, Office
from tests.worker.receivers import (
    Authority,
    Behaviour,
    Received,
    Receiver,
    answer,
    by_path,
    drip,
    endless,
    endless_headers,
    hang,
    hang_in_body,
    reset,
    says,
)

OUTSIDE = "127.0.0.2"
"""Plays the public Internet where 127.0.0.1 is what is inside."""
MUCH = b"a" * 10_000_000


async def slow(received: Received, writer: asyncio.StreamWriter) -> None:
    """Answers byte by byte, and comes to an end."""
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow":
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)


# By path: what the receiver does; status, problem and head in the log; and the least and the most of seconds until the next try.
DONE, SOON, LATER = None, (4, 6), (60, 72)
BEHAVIOURS: dict[str, tuple[Behaviour, int | None, str | None, str, tuple[float, float] | None]] = {
    "/slow": (slow, 200, None, "slow", DONE),
    "/no-content": (answer(204), 204, None, "", DONE),
    "/huge-body": (answer(200, body=MUCH), 200, None, "a" * HEAD_MOST, DONE),
    "/endless-body": (endless, 200, None, "a" * HEAD_MOST, DONE),
    "/hangs": (hang, None, "timeout", "", LATER),
    "/hangs-in-body": (hang_in_body, 200, "timeout", ".", LATER),
    "/resets": (reset, None, "reset", "", SOON),
    "/hangs-up": (says(b""), None, "reset", "", SOON),
    "/breaks-off": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine"), 200, "bad_answer", "fine", SOON),
    "/speaks-ssh": (says(b"SSH-2.0-OpenSSH\r\n"), None, "bad_answer", "", SOON),
    "/huge-header": (says(b"HTTP/1.1 200 OK\r\nX: " + MUCH + b"\r\n\r\n"), None, "bad_answer", "", SOON),
    "/endless-headers": (endless_headers, None, "bad_answer", "", SOON),
    "/fails": (answer(500, body=b"\x1b[31mno"), 500, None, " [31mno", SOON),
    "/refuses": (answer(404), 404, None, "", SOON),
    "/overloaded": (answer(503), 503, None, "", LATER),
    "/asks-for-time": (answer(429, {"Retry-After": "1800"}), 429, None, "", (1800, 1800)),
    "/asks-for-a-year": (answer(429, {"Retry-After": "31536000"}), 429, None, "", (86_400, 86_400)),
}


def only(endpoint: Endpoint) -> Logged:
    [logged] = endpoint.log()
    return logged


def test_each_hostile_receiver_has_its_answer_in_the_log_and_is_tried_again_as_scheduled(
    api: Api, app: Application, receiver: Receiver
) -> None:
    receiver.behaviour = by_path({path: row[0] for path, row in BEHAVIOURS.items()})
    with posts.office(app, total_s=2.0) as post:
        endpoints = {path: post.endpoint(api, receiver.url + path, types=["group.*"]) for path in BEHAVIOURS}
        api.make_group()
        post.settle()

    assert receiver.wait_until_open(0) == 0
    for path, (_, status, problem, head, waits_s) in BEHAVIOURS.items():
        logged = only(endpoints[path])
        [tried] = logged.tried
        assert (tried["status"], tried["problem"], tried["head"]) == (status, problem, head), path
        assert tried["at"] == instants.text(app.clock()), path
        assert logged.state == ("succeeded" if waits_s is None else "waiting"), path
        assert tried["next_at"] == (None if waits_s is None else logged.due_at), path
        if waits_s is not None:
            least_s, most_s = waits_s
            assert least_s <= (instants.parse(logged.due_at) - app.clock()).total_seconds() <= most_s, path
    assert len(receiver.received) == len(BEHAVIOURS)


def test_a_receiver_that_drips_is_left_when_its_time_is_up(api: Api, app: Application, receiver: Receiver) -> None:
    receiver.behaviour = drip
    with posts.office(app, total_s=0.3) as post:
        endpoint = post.endpoint(api, receiver.url)
        api.make_group()
        post.settle()

        [tried] = only(endpoint).tried
        assert receiver.wait_until_open(0) == 0
    assert (tried["status"], tried["problem"]) == (200, "timeout")
    assert set(tried["head"]) == {"."}
    assert tried["duration_ms"] >= 300


def test_one_that_closes_while_it_is_still_being_told_has_not_heard(api: Api, app: Application) -> None:
    def bulky(told: Told) -> bytes:
        return posts.plain_payload(told)[:-1] + b',"more":"%b"}' % MUCH[:1_000_000]

    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1000)
        writer.transport.abort()

    server = app.run(asyncio.start_server(closes, "127.0.0.1", 0))
    try:
        with posts.office(app, msgspec.structs.replace(posts.PLAIN, name="bulky", payload=bulky)) as post:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            endpoint = post.endpoint(api, url, dialect="bulky")
            api.make_group()
            post.settle()
    finally:
        server.close()
        app.run(server.wait_closed())

    logged = only(endpoint)
    assert (logged.state, logged.tried[0]["status"], logged.tried[0]["problem"]) == ("waiting", None, "reset")


def test_answers_without_end_take_no_more_memory_than_is_read_of_them(
    api: Api, app: Application, receiver: Receiver
) -> None:
    receiver.behaviour = by_path({"/body": endless, "/headers": endless_headers})
    with posts.office(app) as post:
        endpoints = [
            post.endpoint(api, f"{receiver.url}/{path}", types=["group.*"])
            for path in ("body", "headers")
            for _ in range(10)
        ]
        api.make_group()
        tracemalloc.start()
        try:
            post.settle()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert {only(endpoint).tried[0]["status"] for endpoint in endpoints} == {200, None}
    assert most < len(endpoints) * 8 * BODY_MOST


def test_certificates_that_are_not_good_are_told_and_nothing_is_sent(api: Api, app: Application) -> None:
    trusted = Authority()
    contexts = {
        "of a stranger": Authority().server("127.0.0.1"),
        "for another name": trusted.server("other.example"),
        "good": trusted.server("127.0.0.1"),
    }
    with ExitStack() as stack:
        listening = {name: stack.enter_context(receivers.receiving(tls=tls)) for name, tls in contexts.items()}
        listening["none"] = stack.enter_context(receivers.receiving(greeting=b"HTTP/1.1 400 Bad\r\n\r\n"))
        post = stack.enter_context(posts.office(app, tls=trusted.client()))
        endpoints = {
            name: post.endpoint(api, each.url.replace("http:", "https:"), types=["group.*"])
            for name, each in listening.items()
        }
        api.make_group()
        post.settle()

        assert {name: len(each.received) for name, each in listening.items() if each.received} == {"good": 1}
    assert {name: only(endpoint).tried[0]["problem"] for name, endpoint in endpoints.items()} == {
        "of a stranger": "tls",
        "for another name": "tls",
        "none": "tls",
        "good": None,
    }


def test_one_hostile_endpoint_among_others_of_the_same_club_costs_them_nothing(
    api: Api, app: Application, receiver: Receiver
) -> None:
    receiver.behaviour = by_path({path: row[0] for path, row in BEHAVIOURS.items() if row[-1] is not DONE})
    with posts.office(app, total_s=0.5) as post:
        for path, row in BEHAVIOURS.items():
            if row[-1] is not DONE:
                post.endpoint(api, receiver.url + path, types=["group.*"])
        good = post.endpoint(api, f"{receiver.url}/good", types=["group.*"])
        for _ in range(20):
            api.make_group()
        post.settle()

    assert good.states() == ["succeeded"] * 20
    assert {each.tries for each in good.log()} == {1}


# What may be reached


@contextmanager
def office(app: Application, allow: str, lookup: Lookup | None = None) -> Iterator[Office]:
    """An office that may reach `allow` besides the public Internet, and believes a look-up once."""

    async def opened() -> tuple[Outbound, Sender]:
        outbound = await Outbound(addresses.networks(allow), lookup=lookup, names_kept_s=0).__aenter__()
        return outbound, posts.make_sender(app, outbound, payloads.dialect(""))

    outbound, sender = app.run(opened())
    try:
        yield Office(app, outbound, sender)
    finally:
        app.run(sender.leave(1.0))
        app.run(outbound.__aexit__(None, None, None))


def made_over_the_api(api: Api, url: str) -> Endpoint:
    answered = api.post("/webhooks", {"url": url, "types": ["group.*"]})
    return Endpoint(api.app, api.tenant, made(answered, "webhookId"), answered.json()["data"]["secret"])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://017700000001/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://[fd00::1]/",
        "https://user:secret@club.example/",
        "https://club.example:8443/",
        "http://club.example/",
    ],
)
def test_wh_13_no_endpoint_is_made_or_changed_to_lead_inside(url: str, api: Api) -> None:
    refused = [
        api.post("/webhooks", {"url": url, "types": ["*"]}),
        api.patch(f"/webhooks/{api.make_webhook()}", {"url": url}),
    ]

    for answered in refused:
        assert (answered.status_code, set(error(answered)["errors"])) == (422, {"url"})


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["169.254.169.254"], ["::ffff:127.0.0.1"], ["93.184.216.34", "127.0.0.1"]]
)
def test_wh_13_a_name_that_leads_inside_when_it_is_sent_to_is_not_called(
    found: list[str], api: Api, app: Application
) -> None:
    """When the endpoint was made it was a name like any other."""

    async def lookup(_: str) -> Sequence[str]:
        return found

    endpoint = made_over_the_api(api, "https://rebinding.example/webhooks")
    with receivers.receiving() as inside, office(app, "", lookup) as post:
        api.make_group()
        post.settle()

        assert inside.connections == 0
    logged = only(endpoint)
    [tried] = logged.tried
    assert (logged.state, tried["status"], tried["problem"]) == ("waiting", None, "forbidden_address")
    assert timedelta(seconds=4) <= instants.parse(logged.due_at) - app.clock() <= timedelta(seconds=6)


def test_wh_13_a_name_that_changes_its_mind_between_two_tries_is_judged_at_each(api: Api, app: Application) -> None:
    asked: list[str] = []

    async def lookup(host: str) -> Sequence[str]:
        asked.append(host)
        return [OUTSIDE] if len(asked) == 1 else ["127.0.0.1"]

    fails = answer(500, {"Connection": "close"})
    with (
        receivers.receiving(fails, host=OUTSIDE) as outside,
        receivers.receiving(port=outside.port) as inside,
        office(app, OUTSIDE, lookup) as post,
    ):
        endpoint = post.endpoint(api, f"http://rebinding.example:{outside.port}/")
        api.make_group()
        post.settle()
        app.clock.advance(10)
        post.settle()

        assert (len(outside.received), inside.connections) == (1, 0)
    first, second = only(endpoint).tried
    assert (first["status"], first["problem"]) == (500, None)
    assert (second["status"], second["problem"]) == (None, "forbidden_address")
    assert asked == ["rebinding.example"] * 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_wh_13_a_redirect_that_leads_inside_is_a_failure_and_not_followed(
    status: int, api: Api, app: Application
) -> None:
    with receivers.receiving() as inside:
        leads_inside = answer(status, {"Location": f"{inside.url}/admin"})
        with receivers.receiving(leads_inside, host=OUTSIDE) as outside, office(app, "127.0.0.0/8") as post:
            endpoint = post.endpoint(api, outside.url)
            api.make_group()
            post.settle()

            assert len(outside.received) == 1
        assert inside.connections == 0
    logged = only(endpoint)
    assert (logged.state, logged.tried[0]["status"]) == ("waiting", status)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_wh_13_what_the_operator_no_longer_allows_is_not_connected_to(
    host: str, api: Api, app: Application, receiver: Receiver
) -> None:
    async def lookup(_: str) -> Sequence[str]:
        return ["127.0.0.1"]

    with office(app, "127.0.0.0/8", lookup) as post:
        endpoint = post.endpoint(api, f"http://{host}:{receiver.port}/", types=["group.*"])
        api.make_group()
        post.settle()
    assert endpoint.states() == ["succeeded"]
    connections = receiver.connections

    for allow in ("", "10.0.0.0/8"):
        with office(app, allow, lookup) as post:
            api.make_group()
            post.settle()

    assert receiver.connections == connections
    refused = [each.tried[-1] for each in endpoint.log()[1:]]
    assert [(each["status"], each["problem"]) for each in refused] == [(None, "forbidden_address")] * 2


def test_wh_9_an_endpoint_that_leads_inside_for_five_days_is_disabled(api: Api, app: Application) -> None:
    async def lookup(_: str) -> Sequence[str]:
        return ["127.0.0.1"]

    endpoint = made_over_the_api(api, "https://rebinding.example/webhooks")
    with office(app, "", lookup) as post:
        for _ in range(2 * retries.FAILING_MOST.days + 1):
            api.make_group()
            post.settle()
            app.clock.advance(12 * 3600)

    assert (endpoint.is_now().status, endpoint.is_now().disabled_reason) == ("disabled", webhooks.FAILING)
