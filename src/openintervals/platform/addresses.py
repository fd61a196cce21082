"""Addresses that this server may call for somebody else: webhooks today, and whatever else a stranger's URL decides.

A URL is judged twice. When it is made, `problem` says what is wrong with its text, and judges the host if that is an address, in
whichever spelling. When it is called, `permitted` judges every address its name stands for at that moment: a name may stand for another
address each time it is asked, so only the address that is about to be connected to counts.

Invariants: outside the networks the operator allows, only public unicast addresses are called, by https at port 443. An address that
carries another one inside (IPv4-mapped, NAT64, 6to4) is no better than that one. What is public is listed here and not asked of
`ipaddress`, whose answer changes between versions of Python. Everything is a pure function, so two at once cannot meet.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

URL_MOST = 2000
PORT = 443

# From IANA's registries of special-purpose addresses, and what is not unicast.
_NOT_PUBLIC = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # behind a carrier's NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # TEST-NET-1
        "192.88.99.0/24",  # 6to4 relays, given up
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # TEST-NET-2
        "203.0.113.0/24",  # TEST-NET-3
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # class E, and broadcast
    )
)
_UNICAST_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID and others
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)
_NAT64 = ipaddress.IPv6Network(
    "64:ff9b::/96"
)  # not 64:ff9b:1::/48: which bits are the address there, only its operator knows
_6TO4 = ipaddress.IPv6Network("2002::/16")

_URL = re.compile(r"(https?)://(\[[^\[\]/?#@\\]*\]|[^\[\]/?#@\\:]*)(?::([0-9]*))?(?:[/?][^\\]*)?", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_NUMBER = re.compile(r"0x[0-9a-f]{0,16}|0[0-7]{0,16}|[1-9][0-9]{0,16}", re.IGNORECASE)


def networks(text: str) -> tuple[Network, ...]:
    """The networks in `127.0.0.0/8,10.0.0.0/8`; none for an empty text. Raises ValueError for anything else."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def public(address: Address) -> bool:
    """Whether `address` is a public unicast address, and so is the one it carries inside, if any."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC)
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return public(address.ipv4_mapped)
    if address in _NAT64:
        return public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address in _6TO4:
        return public(ipaddress.IPv4Address(int(address) >> 80 & 0xFFFFFFFF))
    return address in _UNICAST_6 and not any(address in network for network in _NOT_PUBLIC_6)


def allowed(address: Address, allow: Iterable[Network]) -> bool:
    """Whether the operator allows `address`. A mapped one is the IPv4 address it leads to; one with a scope never is."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
    return any(address in network for network in allow)


def permitted(address: Address, port: int, scheme: str, allow: Iterable[Network]) -> bool:
    """Whether `address` may be connected to: any port, http or https, in `allow`; else public, by https, at port 443."""
    if allowed(address, allow):
        return scheme in ("http", "https")
    return scheme == "https" and port == PORT and public(address)


def literal(host: str) -> Address | None:
    """The address `host` spells: dotted, short, decimal, octal, hexadecimal, or IPv6 (no brackets); None for a name.

    Raises ValueError for what looks like an address and is none: every resolver would make something else of it.
    """
    if ":" in host:
        return ipaddress.IPv6Address(host)
    parts = host.removesuffix(".").split(".")
    if _NUMERIC.fullmatch(parts[-1]) is None:
        return None
    numbers = [_number(part) for part in parts]
    *leading, last = numbers
    if len(numbers) > 4 or any(number > 255 for number in leading) or last >= 256 ** (4 - len(leading)):
        raise ValueError(f"{host} is no IPv4 address")
    return ipaddress.IPv4Address(sum(number << 8 * (3 - place) for place, number in enumerate(leading)) + last)


def problem(url: str, allow: tuple[Network, ...]) -> str | None:
    """What is wrong with the URL of an endpoint, as a sentence that says what to do; None when nothing is.

    A name is judged when it is connected to, so with an `allow` http and other ports than 443 pass here.
    """
    return next(_problems(url, allow), None)


def _problems(url: str, allow: tuple[Network, ...]) -> Iterator[str]:
    if len(url) > URL_MOST:
        yield f"Must be at most {URL_MOST:,} characters long"
    if not all("!" <= character <= "~" for character in url):
        yield "Must be printable ASCII without spaces; write other characters percent-encoded, and the host as xn--…"
    if not url.lower().startswith(("https://", "http://") if allow else "https://"):
        yield "Must begin with https://"
    authority = re.split(r"[/?#\\]", url.partition("://")[2], maxsplit=1)[0]
    if "@" in authority:
        yield "Must not contain a user name or password; receivers know us by the signature"
    if "#" in url:
        yield "Must not contain a fragment (#…)"
    match = _URL.fullmatch(url)
    if match is None:
        yield "Must be a URL such as https://club.example/webhooks"
        return
    scheme, host = match[1].lower(), match[2]
    port = int(match[3]) if match[3] else {"http": 80, "https": PORT}[scheme]
    if not host:
        yield "Must name a host"
    if not 1 <= port <= 65535 or (port != PORT and not allow):
        yield f"Must use port {PORT}" if not allow else "Must use a port from 1 to 65535"
    yield from _problems_of_host(host, port, scheme, allow)


def _problems_of_host(host: str, port: int, scheme: str, allow: tuple[Network, ...]) -> Iterator[str]:
    try:
        address = literal(host.strip("[]"))
    except ValueError:
        yield "Must name a host; this one looks like an address and is none"
        return
    if address is None:
        name = host.removesuffix(".")
        if host.startswith("[") or len(name) > 253 or not all(map(_LABEL.fullmatch, name.split("."))):
            yield "Must name a host such as club.example"
        return
    if not allowed(address, allow):
        if not public(address):
            yield "Must not lead to a private, local or reserved address; use a host on the public Internet"
        elif not permitted(address, port, scheme, allow):
            yield f"Must begin with https:// and use port {PORT}; networks that the operator allows may do otherwise"
    if address.version == 4 and host != str(address):
        yield f"Must spell the address as {address}"


def _number(text: str) -> int:
    """A part of an IPv4 address, as the C library has always read them. Raises ValueError."""
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text} is no number")
    if text[:2] in ("0x", "0X"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if text[0] == "0" else int(text)
