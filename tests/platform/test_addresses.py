"""Which addresses may be called for a stranger, and which URLs an endpoint may have."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals.platform import addresses

INSIDE = addresses.networks("127.0.0.0/8,10.0.0.0/8,fd00::/8")


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "2a00:1450::1"])
def test_public_unicast_addresses_are_public(address: str) -> None:
    assert addresses.public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "64:ff9b:1::808:808",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "fe80::1%eth0",
        "2606:2800:220:1::1%eth0",
    ],
)
def test_other_addresses_are_not(address: str) -> None:
    assert not addresses.public(ipaddress.ip_address(address))


def _inside_others(inner: ipaddress.IPv4Address) -> list[ipaddress.IPv6Address]:
    return [
        ipaddress.IPv6Address(f"::ffff:{inner}"),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(inner)),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("2002::")) + (int(inner) << 80) + 1),
    ]


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_judged_as_itself(inner: ipaddress.IPv4Address) -> None:
    outer = [addresses.public(address) for address in _inside_others(inner)]

    assert outer == [addresses.public(inner)] * 3


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(network="2000::/3")))
def test_nothing_that_the_standard_library_calls_special_is_public(address: addresses.Address) -> None:
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )

    assert not (special and addresses.public(address))


@pytest.mark.parametrize(
    ("address", "port", "scheme", "answer"),
    [
        ("93.184.216.34", 443, "https", "yes"),
        ("93.184.216.34", 8443, "https", "no"),
        ("93.184.216.34", 443, "http", "no"),
        ("93.184.216.34", 80, "http", "no"),
        ("127.0.0.1", 8000, "http", "yes"),
        ("127.0.0.1", 443, "https", "yes"),
        ("::ffff:127.0.0.1", 8000, "http", "yes"),
        ("127.0.0.1", 22, "ftp", "no"),
        ("fd00::1", 8000, "http", "yes"),
        ("192.168.0.1", 443, "https", "no"),
        ("64:ff9b::7f00:1", 443, "https", "no"),
        ("fd00::1%eth0", 443, "https", "no"),
    ],
)
def test_what_is_allowed_may_use_any_port_and_the_rest_443_alone(
    address: str, port: int, scheme: str, answer: str
) -> None:
    assert addresses.permitted(ipaddress.ip_address(address), port, scheme, INSIDE) == (answer == "yes")


@given(st.ip_addresses(v=4), st.data())
def test_every_spelling_the_c_library_reads_is_read_the_same(
    address: ipaddress.IPv4Address, data: st.DataObject
) -> None:
    octets = address.packed
    count = data.draw(st.integers(1, 4))
    numbers = [*octets[: count - 1], int.from_bytes(octets[count - 1 :])]
    forms = [data.draw(st.sampled_from(("{}", "0{:o}", "0x{:x}", "0X{:X}"))) for _ in numbers]
    host = ".".join(form.format(number) for form, number in zip(forms, numbers, strict=True))

    assert addresses.literal(host) == address
    assert socket.inet_aton(host) == address.packed


@given(st.from_regex(r"\A[0-9a-fxA-FX.]{1,14}\Z"))
def test_no_text_is_an_address_for_the_c_library_and_a_name_here(host: str) -> None:
    try:
        known = ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return

    assert addresses.literal(host) == known


@pytest.mark.parametrize(
    "host", ["256.0.0.1", "1.2.3.4.5", "4294967296", "08.8.8.8", "1..2", "club.example.7", "1.2.3.-4.5"]
)
def test_what_looks_like_an_address_and_is_none_is_no_name_either(host: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        addresses.literal(host)


@pytest.mark.parametrize(
    "url",
    [
        "https://club.example",
        "https://club.example/webhooks?token=a%20b",
        "https://CLUB.example:443/",
        "https://club.example./",
        "https://xn--bcher-kva.example/",
        "https://a_b.example/?a=1/../@",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1::1]/",
        "https://localhost/",
        "https://club.example/" + "a" * 1979,
    ],
)
def test_a_good_url_has_no_problem(url: str) -> None:
    assert addresses.problem(url, ()) is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://club.example/", "https://"),
        ("ftp://club.example/", "https://"),
        ("club.example", "https://"),
        ("https:/club.example", "https://"),
        ("", "https://"),
        ("https:///path", "name a host"),
        ("https://", "name a host"),
        ("https://?a", "name a host"),
        ("https://user@club.example/", "user name"),
        ("https://user:secret@club.example/", "user name"),
        ("https://club.example@127.0.0.1/", "user name"),
        ("https://club.example/#top", "fragment"),
        ("https://club.example/a b", "printable"),
        ("https://club.example/\r\nX: y", "printable"),
        ("https://bücher.example/", "xn--"),
        ("https://club.example\\@127.0.0.1/", "URL such as"),
        ("https://club.example/\\a", "URL such as"),
        ("https://club.example:8443/", "port 443"),
        ("https://club.example:80/", "port 443"),
        ("https://club.example:0/", "port 443"),
        ("https://club.example:4 43/", "printable"),
        ("https://club.example:443x/", "URL such as"),
        ("https://club..example/", "name a host"),
        ("https://-club.example/", "name a host"),
        ("https://club.%65xample/", "name a host"),
        ("https://" + "a" * 64 + ".example/", "name a host"),
        ("https://[club.example]/", "name a host"),
        ("https://[v1.a]/", "name a host"),
        ("https://[::1/", "URL such as"),
        ("https://256.1.1.1/", "is none"),
        ("https://club.example/" + "a" * 1980, "2,000"),
    ],
)
def test_a_bad_url_is_refused_with_what_to_do(url: str, says: str) -> None:
    assert says in (addresses.problem(url, ()) or "")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "2852039166",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1%25eth0]",
        "[fd00:ec2::254]",
    ],
)
def test_a_private_address_is_refused_in_every_spelling(host: str) -> None:
    assert "private" in (addresses.problem(f"https://{host}/", ()) or "")


def test_a_public_address_is_spelled_the_usual_way() -> None:
    assert addresses.problem("https://134744072/", ()) == "Must spell the address as 8.8.8.8"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:8000/", None),
        ("https://10.1.2.3:8443/", None),
        ("http://[::ffff:127.0.0.1]:8000/", None),
        ("http://club.example:8000/", None),
        ("http://localhost/", None),
        ("http://192.168.0.1/", "private"),
        ("http://169.254.169.254/", "private"),
        ("http://93.184.216.34/", "https://"),
        ("https://93.184.216.34:8443/", "port 443"),
        ("http://127.0.0.1:65536/", "65535"),
        ("http://127.0.0.1:0/", "65535"),
        ("http://127.1:8000/", "spell the address as 127.0.0.1"),
        ("ftp://127.0.0.1/", "https://"),
    ],
)
def test_where_the_operator_allows_networks_http_and_other_ports_are_judged_by_the_address(
    url: str, says: str | None
) -> None:
    problem = addresses.problem(url, INSIDE)

    assert problem is None if says is None else says in (problem or "")


@given(st.text())
def test_no_text_does_harm(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}/", f"https://club.example:{text}/"):
        addresses.problem(url, INSIDE)


def test_networks_are_read_from_a_setting() -> None:
    assert addresses.networks("") == ()
    assert addresses.networks(" 127.0.0.1 , 10.1.2.3/8,::1") == tuple(
        map(ipaddress.ip_network, ("127.0.0.1/32", "10.0.0.0/8", "::1/128"))
    )
    with pytest.raises(ValueError, match="here"):
        addresses.networks("here")
