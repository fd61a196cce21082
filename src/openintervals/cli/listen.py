"""`openintervals listen`: a sandbox for people who write receivers of webhooks.

It makes an endpoint for itself over the partner API, shows each delivery as it comes, passes it on if asked to, and deletes the endpoint when it
is told to end. It knows the server by its API alone: no database is opened, so the server may be anybody's, as long as it may send to this machine.
"""

import asyncio
import contextlib
import re
import signal
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer

from openintervals import instants
from openintervals.cli import common

if TYPE_CHECKING:
    import aiohttp

    from openintervals.cli.receiver import Delivery

API_MOST_S = 15
API_BODY_MOST = 1024 * 1024
ENDED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_VISIBLE = re.compile(r"[!-~]+")
COLUMNS = ("time", "type", "object", "version", "signature", "repeat", "answer", "duration")


class _Endpoint(msgspec.Struct, frozen=True, rename="camel"):
    webhook_id: str
    secret: str


class _Made(msgspec.Struct, frozen=True):
    data: _Endpoint


class _Error(msgspec.Struct, frozen=True):
    message: str
    errors: dict[str, list[str]] = {}


class _Refusal(msgspec.Struct, frozen=True):
    error: _Error


class _Api(msgspec.Struct, frozen=True):
    """The partner API as one key sees it, at `server`; `whose` says where the key was found."""

    server: str
    key: str
    whose: str


def listen(
    forward_to: Annotated[
        str | None, typer.Option("--forward-to", help="Pass each delivery on to this URL.", metavar="URL")
    ] = None,
    server: Annotated[
        str, typer.Option(help="Partner API of a server that may send to this machine.", metavar="URL")
    ] = "http://127.0.0.1:8000/partner",
    key: Annotated[
        str | None,
        typer.Option(
            help="Key with the scope write:webhooks; it hears of what it may read.",
            envvar="OPENINTERVALS_KEY",
            show_default="the demo club's",
        ),
    ] = None,
    mode: Annotated[str, typer.Option(help="live, or test: which key of the demo club.")] = "live",
    types: Annotated[
        str, typer.Option(help="What to hear of, such as registration.*,run.sold_out; * is everything.")
    ] = "*",
    format: Annotated[  # noqa: A002 — the option's name
        str, typer.Option(help="full, or thin: without the object itself.")
    ] = "full",
    port: Annotated[int, typer.Option(help="Port of 127.0.0.1 to listen on.", show_default="a free one")] = 0,
    print_body: Annotated[bool, typer.Option("--print", help="Show the bodies too.")] = False,
    secret: Annotated[
        bool, typer.Option(help="Show the secret that deliveries are signed with; your receiver needs it.")
    ] = True,
    data: common.Data = None,
) -> None:
    """Show webhooks as they come, verified, and forward them: a sandbox for people who write receivers.

    Makes an endpoint for itself, and deletes it at Ctrl-C.
    """
    from openintervals.platform.api_keys import MODES

    with common.explained():
        _refuse_unless_url("--server", server)
        if "@" in urlsplit(server).netloc:
            raise common.Refused("--server takes a URL without a name and password; the API knows you by --key alone")
        if forward_to is not None:
            _refuse_unless_url("--forward-to", forward_to)
        if mode not in MODES:
            raise common.Refused(f"{mode!r} is no mode; use live or test")
        if port < 0:
            raise common.Refused(f"{port} is no port; ports go from 1 to 65535")
        api = _api(server.rstrip("/"), key, mode, data)
        wanted = {
            "types": [name for part in types.split(",") if (name := part.strip())],
            "format": format,
            "description": "openintervals listen",
        }
        asyncio.run(_listen(api, wanted, port, forward_to, print_body=print_body, show_secret=secret))


async def _listen(
    api: _Api, wanted: dict[str, Any], port: int, forward_to: str | None, *, print_body: bool, show_secret: bool
) -> None:
    """Raises Refused."""
    import aiohttp

    from openintervals.cli.receiver import Delivery, Receiver
    from openintervals.serving import listener

    stop = asyncio.Event()
    hung_up = False
    _stop_on_signal(stop)

    def tell(delivery: Delivery) -> None:
        nonlocal hung_up
        try:
            _show(delivery, print_body=print_body)
        except OSError:  # a pipe that nobody reads any more, or a terminal that was closed
            hung_up = True
            stop.set()

    try:
        listening = listener.listen("127.0.0.1", port)
    except listener.CannotListen as problem:
        raise common.Refused(str(problem)) from None
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=API_MOST_S)) as http,
        Receiver(listening, forward_to, common.present, tell) as receiver,
    ):
        endpoint = await _create(http, api, {"url": receiver.url, **wanted})
        try:
            _greet(api, endpoint, receiver.url, wanted, forward_to, show_secret=show_secret)
            receiver.secret.set_result(endpoint.secret)
            await stop.wait()
        finally:
            await _remove(http, api, endpoint.webhook_id)
    if hung_up:
        raise BrokenPipeError
    if common.on_terminal():
        with contextlib.suppress(OSError):
            typer.echo(f"\nThe endpoint {endpoint.webhook_id} is deleted.")


def _stop_on_signal(stop: asyncio.Event) -> None:
    """Set at the first signal, which is SIGHUP when the terminal is closed; the second ends the process, and the endpoint stays."""
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        stop.set()
        for each in ENDED_BY:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)

    for number in ENDED_BY:
        loop.add_signal_handler(number, told, number)


def _api(server: str, key: str | None, mode: str, data: str | None) -> _Api:
    """Raises Refused."""
    if key:
        if not _VISIBLE.fullmatch(key):
            raise common.Refused(
                "A key is one word of letters, digits and underscores; "
                "what --key or OPENINTERVALS_KEY gives has a space, a line break or something else in it"
            )
        return _Api(server, key, "this key")
    if urlsplit(server).hostname in ("127.0.0.1", "::1", "localhost"):
        from openintervals.cli import demo_keys

        settings = common.settings_of(data, None)
        kept = demo_keys.kept(settings).get(mode)
        if kept is not None:
            return _Api(server, kept, f"the demo club's {mode} key in {demo_keys.file(settings)}")
    raise common.Refused(
        "Give --key or set OPENINTERVALS_KEY: a key with the scope write:webhooks, and read: scopes for what it is to hear of"
    )


def _refuse_unless_url(option: str, url: str) -> None:
    """Raises Refused."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise common.Refused(f"{option} takes a URL such as http://127.0.0.1:8000/path, not {url!r}")


async def _create(http: "aiohttp.ClientSession", api: _Api, wanted: dict[str, Any]) -> _Endpoint:
    """The endpoint that deliveries will come to. Raises Refused."""
    status, body = await _ask(http, api, "POST", "/webhooks", wanted)
    if status == 201:
        try:
            return msgspec.json.decode(body, type=_Made).data
        except msgspec.DecodeError:
            raise common.Refused(f"{api.server} does not answer as the partner API does") from None
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except msgspec.DecodeError:
        raise common.Refused(
            f"{api.server} answers {status}, and not as the partner API does; its address ends with /partner"
        ) from None
    if status == 401:
        raise common.Refused(f"The server at {api.server} does not know {api.whose}: {error.message}")
    if status == 403:
        raise common.Refused(f"The server at {api.server} lets {api.whose} make no webhooks: {error.message}")
    if status == 404:
        raise common.Refused(f"The server at {api.server} has no webhooks: {error.message}")
    if set(error.errors) == {"url"}:
        raise common.Refused(
            f"The server at {api.server} may not send to this machine; start it with "
            "OPENINTERVALS_WEBHOOK_ALLOW=127.0.0.0/8 in its environment, as bin/serve does"
        )
    told = "; ".join(f"{name}: {' '.join(problems)}" for name, problems in error.errors.items())
    raise common.Refused(f"{error.message}: {told}" if told else error.message)


async def _remove(http: "aiohttp.ClientSession", api: _Api, webhook_id: str) -> None:
    """Raises Refused."""
    try:
        status, _ = await _ask(http, api, "DELETE", f"/webhooks/{webhook_id}")
    except common.Refused as problem:
        raise common.Refused(f"The endpoint {webhook_id} is left behind: {problem}") from None
    if status not in (204, 404):
        raise common.Refused(f"The endpoint {webhook_id} is left behind: the server answered {status} to its DELETE")


async def _ask(http: "aiohttp.ClientSession", api: _Api, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    """Status and body of one request. Raises Refused when nobody answers."""
    import aiohttp

    try:
        async with http.request(
            method,
            api.server + path,
            data=None if body is None else msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"},
            allow_redirects=False,
        ) as answer:
            return answer.status, await answer.content.read(API_BODY_MOST)
    except aiohttp.ClientConnectorError:
        raise common.Refused(
            f"There is no server at {api.server}; start one with bin/serve, or give --server"
        ) from None
    except TimeoutError:
        raise common.Refused(f"The server at {api.server} has not answered in {API_MOST_S} seconds") from None
    except (aiohttp.ClientError, OSError, ValueError):
        raise common.Refused(f"The server at {api.server} gave no proper answer") from None


def _greet(
    api: _Api, endpoint: _Endpoint, url: str, wanted: dict[str, Any], forward_to: str | None, *, show_secret: bool
) -> None:
    """Say what is heard of, and what a receiver needs to know."""
    facts = [
        ("server", api.server),
        ("endpoint", f"{endpoint.webhook_id} at {url}"),
        ("types", ", ".join(wanted["types"])),
    ]
    if show_secret:
        facts.append(("secret", endpoint.secret))
    if forward_to is not None:
        facts.append(("forwards to", forward_to))
    test = f"POST {api.server}/webhooks/{endpoint.webhook_id}/test"
    common.print_panel(
        "Open Intervals listens for webhooks", facts, f"{test} sends a test. Ctrl-C ends this and deletes the endpoint."
    )
    if not common.on_terminal():
        typer.echo("\t".join(COLUMNS))


def _show(delivery: "Delivery", *, print_body: bool) -> None:
    """A line for each delivery, coloured on a terminal, tab-separated elsewhere; and the body under it."""
    from openintervals.cli import receiver

    if not common.on_terminal():
        typer.echo("\t".join(_row(delivery)))
        if print_body:
            typer.echo(receiver.lines(delivery.body, -1))
        return
    from rich.console import Console
    from rich.highlighter import JSONHighlighter
    from rich.text import Text

    console = Console(highlight=False)
    line = Text()
    line.append(f"{delivery.at.astimezone():%H:%M:%S}  ", "dim")
    line.append(f"{delivery.type:<28} ", "bold")
    version = "" if delivery.object_version is None else f"v{delivery.object_version}"
    line.append(f"{delivery.object_id:<21} {version:<5} ")
    line.append("✓ verified" if delivery.unverified is None else "✗ not verified", _colour(delivery.unverified is None))
    if (forwarded := delivery.forwarded) is not None:
        succeeded = forwarded.status is not None and 200 <= forwarded.status < 300
        line.append("  → ", "dim")
        line.append(str(forwarded.status or forwarded.problem), _colour(succeeded))
        line.append(f" in {forwarded.duration_ms:,} ms", "dim")
    if delivery.again:
        line.append("  again", "yellow")
    console.print(line, soft_wrap=True)
    if delivery.unverified is not None:
        console.print(Text(f"          {delivery.unverified}", "red"), soft_wrap=True)
    if forwarded is not None and forwarded.status == 410:
        console.print(Text("          410 Gone has the server disable the endpoint", "yellow"), soft_wrap=True)
    if print_body:
        console.print(JSONHighlighter()(Text(receiver.lines(delivery.body, 2))), soft_wrap=True)
        console.print()


def _colour(good: bool) -> str:
    return "green" if good else "bold red"


def _row(delivery: "Delivery") -> tuple[str, ...]:
    forwarded = delivery.forwarded
    return (
        instants.text(delivery.at),
        delivery.type,
        delivery.object_id,
        "" if delivery.object_version is None else str(delivery.object_version),
        delivery.unverified or "verified",
        "again" if delivery.again else "",
        "" if forwarded is None else str(forwarded.status or forwarded.problem),
        "" if forwarded is None else f"{forwarded.duration_ms} ms",
    )
