"""Proxies in front: who is believed about a client's address, in which words, and what becomes of lies."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect, StartGateway, StartOrchestrator, StartProcess
from expectations import GET, POST, TARGET, assert_problem, data
from gateway import Gateway, Settings, chat, yaml
from orchestrators import scripted
from orchestrators.scripted import CHAT
from test_limits import WORKERS, Held, begun
from test_reload import reload
from waiting import eventually
from wire import Answer, ask

ABANDONED = "cancel"

TRUSTED = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]
CLIENT = "203.0.113.7"
SPOOF = "198.51.100.66"
Served = tuple[scripted.Orchestrator, Gateway]
ServeBehind = Callable[..., Served]


@pytest.fixture
def serve_behind(start_orchestrator: StartOrchestrator, start_gateway: StartGateway) -> ServeBehind:
    """A gateway that believes some proxies, and its orchestrator."""

    def start(
        script: scripted.Script | None = None,
        trusted: list[str] = TRUSTED,
        listen: str = "127.0.0.1:0",
        proxy_protocol: bool = False,
        **settings: Any,
    ) -> Served:
        orchestrator = start_orchestrator(script or scripted.chat())
        behind = chat(orchestrator.url, trusted_proxies=trusted, **settings)
        behind["listen"] = [{"address": listen, "proxy_protocol": proxy_protocol}]
        return orchestrator, start_gateway(behind)

    return start


def seen(orchestrator: scripted.Orchestrator) -> dict[str, str | None]:
    """What the orchestrator was told of the client with the last request."""
    request = orchestrator.requests[-1]
    names = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded")
    return {name: request.get(name) for name in names}


def lists(*addresses: str) -> str:
    """Addresses as `X-Forwarded-For` has them."""
    return ", ".join(addresses)


def elements(proto: str, host: str, *addresses: str) -> str:
    """Addresses as `Forwarded` has them."""
    nodes = [f'for="[{each}]"' if ":" in each else f"for={each}" for each in addresses]
    nodes[0] += f';proto={proto};host="{host}"'
    return ", ".join(nodes)


# Nobody is believed


CLAIMS = [
    ("X-Forwarded-For", SPOOF),
    ("x-forwarded-for", "127.0.0.1"),
    ("Forwarded", f"for={SPOOF};proto=https;host=evil.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Real-IP", SPOOF),
    ("True-Client-IP", SPOOF),
    ("X-Forwarded-User", "root"),
    ("X_Forwarded_For", SPOOF),
    ("X-Forwarded-Port", "1"),
]


@WORKERS
def test_what_clients_claim_of_themselves_goes_nowhere(workers: int, serve_behind: ServeBehind) -> None:
    orchestrator, gateway = serve_behind(trusted=["10.0.0.0/8"], workers=workers)
    assert data(ask(gateway.address, *GET, CLAIMS)) == CHAT
    assert seen(orchestrator) == {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-host": gateway.address,
        "forwarded": elements("http", gateway.address, "127.0.0.1"),
    }
    raw = orchestrator.requests[0].raw_head.lower()
    for word in (SPOOF.encode(), b"evil", b"root", b"x-real-ip", b"true-client", b"x_forwarded", b"port: 1"):
        assert word not in raw
    assert gateway.finished(status="200").values["client"] == "127.0.0.1"
    assert SPOOF not in gateway.stderr


def test_claims_escape_no_limit(serve_behind: ServeBehind, connect: Connect) -> None:
    limit = {"name": "tabs", "per": ["client"], "streams": 2}
    _, gateway = serve_behind(Held(), trusted=["10.0.0.0/8"], limits=[limit])
    for number in range(2):
        begun(connect(gateway.address).ask(*GET, [("X-Forwarded-For", f"203.0.113.{number}")]))
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        value = "for=203.0.113.99" if name == "Forwarded" else "203.0.113.99"
        assert connect(gateway.address).ask(*GET, [(name, value)]).status == 429


# X-Forwarded-For

TOLD: list[tuple[list[str], list[str]]] = [
    ([CLIENT], [CLIENT, "127.0.0.1"]),
    ([f"{CLIENT}:4711"], [CLIENT, "127.0.0.1"]),
    (["2001:db8::7"], ["2001:db8::7", "127.0.0.1"]),
    (["[2001:db8::7]:443"], ["2001:db8::7", "127.0.0.1"]),
    (["2001:0DB8:0:0::0007"], ["2001:db8::7", "127.0.0.1"]),
    ([f"::ffff:{CLIENT}"], [CLIENT, "127.0.0.1"]),
    ([f"{SPOOF}, {CLIENT}"], [CLIENT, "127.0.0.1"]),
    ([SPOOF, CLIENT], [CLIENT, "127.0.0.1"]),
    ([f"127.0.0.1, {CLIENT}"], [CLIENT, "127.0.0.1"]),
    ([f"{CLIENT}, 10.1.2.3"], [CLIENT, "10.1.2.3", "127.0.0.1"]),
    ([f"{SPOOF},{CLIENT} ,\t10.1.2.3,fd00::1"], [CLIENT, "10.1.2.3", "fd00::1", "127.0.0.1"]),
    ([f"{SPOOF}, {CLIENT}", "10.1.2.3"], [CLIENT, "10.1.2.3", "127.0.0.1"]),
    (["10.1.2.3"], ["10.1.2.3", "127.0.0.1"]),
    ([f"{CLIENT}, garbage"], ["127.0.0.1"]),
    ([f"{CLIENT}, unknown"], ["127.0.0.1"]),
    ([f"{CLIENT}, _hidden, 10.1.2.3"], ["10.1.2.3", "127.0.0.1"]),
    (["1.2.3"], ["127.0.0.1"]),
    (["1.2.3.04"], ["127.0.0.1"]),
    ([f'{CLIENT}";for=evil'], ["127.0.0.1"]),
    ([""], ["127.0.0.1"]),
    ([], ["127.0.0.1"]),
]


@pytest.mark.parametrize(("values", "chain"), TOLD)
def test_what_a_trusted_proxy_says_is_believed_as_far_as_it_can_know(
    values: list[str], chain: list[str], serve_behind: ServeBehind
) -> None:
    orchestrator, gateway = serve_behind()
    assert data(ask(gateway.address, *GET, [("X-Forwarded-For", value) for value in values])) == CHAT
    told = seen(orchestrator)
    assert told["x-forwarded-for"] == lists(*chain)
    assert told["forwarded"] == elements("http", gateway.address, *chain)
    assert gateway.finished(status="200").values["client"] == chain[0]


def test_a_chain_has_an_end(serve_behind: ServeBehind) -> None:
    orchestrator, gateway = serve_behind()
    everybody = [f"10.0.0.{number}" for number in range(100)]
    assert data(ask(gateway.address, *GET, [("X-Forwarded-For", lists(CLIENT, *everybody))])) == CHAT
    assert gateway.finished(status="200").values["client"] == "10.0.0.68"
    assert seen(orchestrator)["x-forwarded-for"] == lists(*everybody[68:], "127.0.0.1")


def test_scheme_and_host_are_the_nearest_proxys(serve_behind: ServeBehind) -> None:
    orchestrator, gateway = serve_behind()
    fields = [
        ("X-Forwarded-For", CLIENT),
        ("X-Forwarded-Proto", "ftp, HTTPS"),
        ("X-Forwarded-Host", "evil.example, Chat.Example.com:8443"),
        ("Forwarded", f"for={SPOOF};host=evil.example"),
    ]
    assert data(ask(gateway.address, *GET, fields)) == CHAT
    assert seen(orchestrator) == {
        "x-forwarded-for": lists(CLIENT, "127.0.0.1"),
        "x-forwarded-proto": "https",
        "x-forwarded-host": "chat.example.com:8443",
        "forwarded": elements("https", "chat.example.com:8443", CLIENT, "127.0.0.1"),
    }


@pytest.mark.parametrize(
    "host", ['evil";for=198.51.100.66', "a b", "a/b", "a@b", "a,", "x" * 300, "a:99999", "a;host=b", "\u00e4"]
)
def test_a_host_that_is_none_is_not_passed_on(host: str, serve_behind: ServeBehind) -> None:
    orchestrator, gateway = serve_behind()
    answer = ask(gateway.address, *GET, [("X-Forwarded-For", CLIENT), ("X-Forwarded-Host", host)])
    assert data(answer) == CHAT
    told = seen(orchestrator)
    assert told["x-forwarded-host"] == gateway.address
    assert told["forwarded"] == elements("http", gateway.address, CLIENT, "127.0.0.1")


def test_a_page_of_the_host_that_the_proxy_names_is_at_home(serve_behind: ServeBehind) -> None:
    _, gateway = serve_behind()
    told = [("X-Forwarded-For", CLIENT), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "chat.example.com")]
    assert ask(gateway.address, *GET, [*told, ("Origin", "https://chat.example.com")]).status == 200
    assert ask(gateway.address, *GET, [*told, ("Origin", "https://evil.example")]).status == 403
    direct = [("Origin", "https://chat.example.com")]
    assert ask(gateway.address, *GET, direct).status == 403


@WORKERS
def test_clients_behind_one_proxy_are_told_apart(workers: int, serve_behind: ServeBehind, connect: Connect) -> None:
    limit = {"name": "tabs", "per": ["client"], "streams": 2}
    _, gateway = serve_behind(Held(), limits=[limit], workers=workers)

    def status(forwarded: str) -> int:
        return connect(gateway.address).ask(*GET, [("X-Forwarded-For", forwarded)]).status

    # The client writes something else in front every time, and the proxy adds its real address.
    assert [status(f"198.51.100.{number}, {CLIENT}") for number in range(4)] == [200, 200, 429, 429]
    assert [status("203.0.113.8") for _ in range(3)] == [200, 200, 429]
    line = gateway.finished(status="429", client=CLIENT)
    assert line.values["limit"] == "tabs"


def test_requests_of_one_connection_may_have_different_clients(serve_behind: ServeBehind, connect: Connect) -> None:
    orchestrator, gateway = serve_behind()
    proxy = connect(gateway.address)
    for address in (CLIENT, "203.0.113.8", "2001:db8::1"):
        assert data(proxy.ask(*GET, [("X-Forwarded-For", address)])) == CHAT
        assert seen(orchestrator)["x-forwarded-for"] == lists(address, "127.0.0.1")
    assert data(proxy.ask(*GET)) == CHAT
    assert seen(orchestrator)["x-forwarded-for"] == "127.0.0.1"


def test_an_ipv6_client_is_its_network(serve_behind: ServeBehind, connect: Connect) -> None:
    limit = {"name": "tabs", "per": ["client"], "streams": 2}
    orchestrator, gateway = serve_behind(Held(), trusted=["::1"], listen="[::1]:0", limits=[limit])

    def status(forwarded: str) -> int:
        return connect(gateway.address).ask(*GET, [("X-Forwarded-For", forwarded)]).status

    home = [f"2001:db8:0:1:{number:x}::{number:x}" for number in range(1, 5)]
    assert [status(each) for each in home] == [200, 200, 429, 429]
    assert status("2001:db8:0:2::1") == 200
    assert [status(each) for each in (CLIENT, f"::ffff:{CLIENT}", f"::ffff:{CLIENT}")] == [200, 200, 429]
    eventually(lambda: len(orchestrator.requests) == 5, "five are served")
    assert orchestrator.requests[0].get("x-forwarded-for") == lists(home[0], "::1")
    assert orchestrator.requests[0].get("forwarded") == elements("http", gateway.address, home[0], "::1")


@pytest.mark.parametrize("trusted", [True, False])
def test_who_comes_over_a_unix_socket(trusted: bool, serve_behind: ServeBehind, tmp_path: Path) -> None:
    orchestrator, gateway = serve_behind(trusted=["unix"] if trusted else [], listen=f"unix:{tmp_path}/g.sock")
    assert data(ask(gateway.address, *GET, [("X-Forwarded-For", CLIENT)])) == CHAT
    told = seen(orchestrator)
    assert told["x-forwarded-for"] == (CLIENT if trusted else None)
    assert told["forwarded"] == f'for={CLIENT if trusted else "unknown"};proto=http;host="localhost"'


def test_other_proxies_are_believed_after_a_reload(serve_behind: ServeBehind) -> None:
    orchestrator, gateway = serve_behind(trusted=[])
    spoof = [("X-Forwarded-For", CLIENT)]
    assert data(ask(gateway.address, *GET, spoof)) == CHAT
    reload(gateway, chat(orchestrator.url, trusted_proxies=["127.0.0.1"]))
    gateway.wait_for_log("reloaded")

    def believed() -> bool:
        ask(gateway.address, *GET, spoof)
        return seen(orchestrator)["x-forwarded-for"] == lists(CLIENT, "127.0.0.1")

    eventually(believed, "the new setting is in force")


# Forwarded

FORWARDED: list[tuple[list[str], list[str], str, str | None]] = [
    ([f"for={CLIENT};proto=https;host=chat.example.com"], [CLIENT], "https", "chat.example.com"),
    ([f'For="{CLIENT}:4711" ; Proto=HTTPS'], [CLIENT], "https", None),
    (['for="[2001:db8::7]:443"'], ["2001:db8::7"], "http", None),
    ([f"for={SPOOF};proto=ftp, for={CLIENT}"], [CLIENT], "http", None),
    ([f"for={SPOOF}", f"for={CLIENT};proto=https, for=10.1.2.3"], [CLIENT, "10.1.2.3"], "https", None),
    # An opened quotation mark does not swallow what the proxy has added.
    ([f'for="{SPOOF}, for={CLIENT}'], [CLIENT], "http", None),
    ([f"for={CLIENT};for={SPOOF}"], [], "http", None),
    ([f"for={CLIENT}, for=_hidden"], [], "http", None),
    ([f"for={CLIENT}, for=unknown"], [], "http", None),
    ([f"by={SPOOF};proto=https"], [], "https", None),
    ([f'for={CLIENT};host="a\\";for=evil"'], [CLIENT], "http", None),
    (["for=2001:db8::7"], [], "http", None),
    (["garbage"], [], "http", None),
]


@pytest.mark.parametrize(("values", "chain", "proto", "host"), FORWARDED)
def test_forwarded_is_believed_where_the_settings_say_so(
    values: list[str], chain: list[str], proto: str, host: str | None, serve_behind: ServeBehind
) -> None:
    orchestrator, gateway = serve_behind(client_address_from="forwarded")
    fields = [("Forwarded", value) for value in values]
    lies = [("X-Forwarded-For", SPOOF), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example")]
    assert data(ask(gateway.address, *GET, [*fields, *lies])) == CHAT
    addresses, host = [*chain, "127.0.0.1"], host or gateway.address
    assert seen(orchestrator) == {
        "x-forwarded-for": lists(*addresses),
        "x-forwarded-proto": proto,
        "x-forwarded-host": host,
        "forwarded": elements(proto, host, *addresses),
    }


# Injection


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Forwarded-Host", "Host"])
@pytest.mark.parametrize("poison", [b"a\rX-Evil: 1", b"a\n X-Evil: 1", b"a\x00b", b"a\r\n X-Evil: 1"])
def test_control_characters_in_a_field_are_refused(
    name: str, poison: bytes, serve_behind: ServeBehind, connect: Connect
) -> None:
    orchestrator, gateway = serve_behind()
    client = connect(gateway.address)
    host = b"" if name == "Host" else b"Host: g\r\n"
    client.send(b"GET %s HTTP/1.1\r\n%s%s: %s\r\n\r\n" % (TARGET.encode(), host, name.encode(), poison))
    assert client.answer().status == 400
    assert not orchestrator.requests


@pytest.mark.parametrize("host", ['a";for=6.6.6.6', "a;b", "a, b", "a b", "a\tb", "[::1", "a:b", "a@b", "a/b", "a?b"])
def test_a_host_that_could_be_more_is_refused(host: str, serve_behind: ServeBehind) -> None:
    orchestrator, gateway = serve_behind()
    assert ask(gateway.address, *GET, [("Host", host)]).status == 400
    assert not orchestrator.requests


def test_fields_that_connection_names_do_not_pass_nor_hide_the_gateways_own(serve_behind: ServeBehind) -> None:
    orchestrator, gateway = serve_behind()
    named = "close, X-Forwarded-For, X-Forwarded-Proto, Forwarded, X-Mine, Host"
    fields = [
        ("Connection", named),
        ("X-Mine", "1"),
        ("X-Other", "2"),
        ("Proxy-Authorization", "Basic eA=="),
        ("TE", "x"),
    ]
    assert data(ask(gateway.address, *GET, fields)) == CHAT
    request = orchestrator.requests[0]
    assert [request.get(name) for name in ("x-mine", "x-other", "proxy-authorization", "te")] == [None, "2", None, None]
    assert request.get("x-forwarded-for") == "127.0.0.1"
    assert request.get("forwarded")


# The PROXY protocol

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def line(source: str = CLIENT, family: str = "TCP4", destination: str = "192.0.2.1") -> bytes:
    """A header of version 1."""
    return f"PROXY {family} {source} {destination} 4711 443\r\n".encode()


def binary(family: int, addresses: bytes, extensions: bytes = b"", command: int = 1, version: int = 2) -> bytes:
    """A header of version 2."""
    rest = addresses + extensions
    return SIGNATURE + bytes([version << 4 | command, family]) + struct.pack(">H", len(rest)) + rest


def ipv4(source: str = CLIENT) -> bytes:
    """The addresses of an IPv4 connection."""
    return socket.inet_aton(source) + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 4711, 443)


def ipv6(source: str) -> bytes:
    """The addresses of an IPv6 connection."""
    addresses = [socket.inet_pton(socket.AF_INET6, each) for each in (source, "2001:db8::1")]
    return b"".join(addresses) + struct.pack(">HH", 4711, 443)


def crc32c(data: bytes) -> int:
    """The checksum of RFC 3309."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def summed(wrong: int = 0) -> bytes:
    """A header of version 2 with its checksum, or another one."""
    blank = binary(0x11, ipv4(), b"\x03\0\x04" + bytes(4))
    return blank[:-4] + struct.pack(">I", crc32c(blank) ^ wrong)


GOOD = {
    "v1": (line(), CLIENT),
    "v1 ipv6": (line("2001:db8::7", "TCP6", "2001:db8::1"), "2001:db8::7"),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    "v1 unknown with words": (b"PROXY UNKNOWN ffff::1 ffff::1 1 2\r\n", "127.0.0.1"),
    "v2": (binary(0x11, ipv4()), CLIENT),
    "v2 ipv6": (binary(0x21, ipv6("2001:db8::7")), "2001:db8::7"),
    "v2 udp": (binary(0x12, ipv4()), CLIENT),
    "v2 extended": (binary(0x11, ipv4(), b"\x02\0\x0bexample.com\x04\0\0"), CLIENT),
    "v2 summed": (summed(), CLIENT),
    "v2 local": (binary(0x00, b"", command=0), "127.0.0.1"),
    "v2 local with bytes": (binary(0x11, ipv4(), command=0), "127.0.0.1"),
    "v2 unspecified": (binary(0x00, b"anything"), "127.0.0.1"),
    "v2 unix": (binary(0x31, bytes(216)), "127.0.0.1"),
}
BAD = {
    "nothing before the request": b"",
    "another protocol": b"PROXX TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "udp": b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "no port": b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
    "two spaces": b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
    "family and address": b"PROXY TCP4 ::1 ::1 1 2\r\n",
    "leading zero": b"PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n",
    "port too large": b"PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n",
    "line feed alone": b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
    "too long": b"PROXY UNKNOWN " + b"x" * 120 + b"\r\n",
    "lower case": line().lower(),
    "version 3": binary(0x11, ipv4(), version=3),
    "command 2": binary(0x11, ipv4(), command=2),
    "family 4": binary(0x41, ipv4()),
    "cut short": binary(0x11, ipv4()[:-1]),
    "broken extension": binary(0x11, ipv4(), b"\x02\0\x0bshort"),
    "wrong checksum": summed(wrong=1),
    "too long v2": binary(0x11, ipv4(), b"\x02" + struct.pack(">H", 60000) + bytes(60000)),
    "v2 signature broken": b"\r\n\r\n\0\r\nQUIX\n" + binary(0x11, ipv4())[12:],
}


def request_after(header: bytes) -> bytes:
    """A header and a request."""
    return header + f"GET {TARGET}?message=x HTTP/1.1\r\nHost: g\r\n\r\n".encode()


@pytest.fixture
def proxied(serve_behind: ServeBehind) -> Served:
    """A gateway whose connections begin with a header."""
    return serve_behind(proxy_protocol=True, workers=1)


@pytest.mark.parametrize("form", GOOD)
def test_a_proxy_header_names_the_client(form: str, proxied: Served, connect: Connect) -> None:
    orchestrator, gateway = proxied
    header, client = GOOD[form]
    proxy = connect(gateway.address)
    proxy.send(request_after(header))
    assert data(proxy.answer()) == CHAT
    assert seen(orchestrator)["x-forwarded-for"] == client
    assert gateway.finished(status="200").values["client"] == client
    assert data(proxy.ask(*GET)) == CHAT, "it stands for all requests of the connection"
    assert seen(orchestrator)["x-forwarded-for"] == client


@pytest.mark.parametrize("form", ["v1", "v2 extended"])
def test_a_proxy_header_may_come_in_pieces(form: str, proxied: Served, connect: Connect) -> None:
    orchestrator, gateway = proxied
    header, client = GOOD[form]
    whole = request_after(header)
    # A round trip on another connection lets the gateway see the first piece alone.
    other = connect(gateway.address)
    other.send(line("192.0.2.9"))
    for place in range(1, len(header) + 2):
        proxy = connect(gateway.address)
        proxy.send(whole[:place])
        assert other.ask("HEAD", TARGET).status == 200
        proxy.send(whole[place:])
        assert data(proxy.answer()) == CHAT
        assert seen(orchestrator)["x-forwarded-for"] == client
    single = connect(gateway.address)
    for place in range(len(whole)):
        single.send(whole[place : place + 1])
    assert data(single.answer()) == CHAT


@pytest.mark.parametrize("form", BAD)
def test_a_connection_without_a_proper_proxy_header_is_closed(form: str, proxied: Served, connect: Connect) -> None:
    orchestrator, gateway = proxied
    proxy = connect(gateway.address)
    proxy.send(request_after(BAD[form]))
    rest = proxy.read_to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 400 "), rest
    rejected = gateway.finished(method="-")
    assert rejected.values["client"] == "127.0.0.1"
    assert "prox" in rejected.values["detail"]
    assert not orchestrator.requests


def test_a_proxy_header_that_never_ends_is_cut(serve_behind: ServeBehind, connect: Connect) -> None:
    _, gateway = serve_behind(proxy_protocol=True, clients={"head_timeout": "300ms"})
    for piece in (b"", b"PROXY TCP4 1.2", SIGNATURE, binary(0x11, ipv4())[:20]):
        proxy = connect(gateway.address)
        proxy.send(piece)
        proxy.read_to_end()


def test_who_is_not_trusted_may_not_send_a_proxy_header(serve_behind: ServeBehind, connect: Connect) -> None:
    orchestrator, gateway = serve_behind(trusted=["10.0.0.0/8"], proxy_protocol=True)
    client = connect(gateway.address)
    try:
        client.send(request_after(line()))
        assert client.read_to_end() == b""
    except BrokenPipeError:
        pass
    assert "trusted_proxies" in gateway.finished(reason="refused").values["detail"]
    assert not orchestrator.requests


def test_a_proxy_header_where_none_is_expected_is_no_request(serve_behind: ServeBehind, connect: Connect) -> None:
    orchestrator, gateway = serve_behind()
    for header in (line(), binary(0x11, ipv4())):
        client = connect(gateway.address)
        client.send(request_after(header))
        assert client.answer().status == 400
    assert not orchestrator.requests


@pytest.mark.parametrize(
    ("header", "chain"),
    [
        (line(), [CLIENT]),
        (line("10.1.2.3"), [SPOOF, "10.1.2.3"]),
        (b"PROXY UNKNOWN\r\n", ["127.0.0.1"]),
        (binary(0x00, b"", command=0), [SPOOF, "127.0.0.1"]),
    ],
    ids=["a client", "a trusted proxy", "somebody", "the proxy itself"],
)
def test_fields_are_believed_from_whom_the_proxy_header_names(
    header: bytes, chain: list[str], proxied: Served, connect: Connect
) -> None:
    orchestrator, gateway = proxied
    proxy = connect(gateway.address)
    proxy.send(header)
    assert data(proxy.ask(*GET, [("X-Forwarded-For", SPOOF)])) == CHAT
    assert seen(orchestrator)["x-forwarded-for"] == lists(*chain)


@WORKERS
def test_clients_behind_a_proxy_header_are_told_apart(
    workers: int, serve_behind: ServeBehind, connect: Connect
) -> None:
    limits = [
        {"name": "tabs", "per": ["client"], "streams": 2},
        {"name": "wires", "per": ["client"], "connections": 3},
    ]
    _, gateway = serve_behind(Held(), proxy_protocol=True, limits=limits, workers=workers)

    def answer(source: str, method: str = "POST") -> Answer:
        proxy = connect(gateway.address)
        proxy.send(line(source))
        return proxy.ask(*(POST if method == "POST" else ("HEAD", TARGET)))

    for source in (CLIENT, "203.0.113.8"):
        kept = [answer(source) for _ in range(2)]
        assert [each.status for each in kept] == [200, 200]
        refusal = answer(source)
        assert_problem(refusal, 429)
        assert refusal.json["limit"] == "tabs"
        assert answer(source, "HEAD").status == 429


def test_a_moved_connection_keeps_its_client(serve_behind: ServeBehind, connect: Connect) -> None:
    runs = Held()
    _, gateway = serve_behind(runs, proxy_protocol=True, workers=4)
    for number in range(12):
        first = connect(gateway.address)
        first.send(line())
        begun_run = first.ask("GET", f"{TARGET}?message=n{number}")
        begun(begun_run)
        second = connect(gateway.address)
        second.send(line("203.0.113.8"))
        assert begun(second.ask("GET", f"/_sluice/runs/{begun_run.run}")) == f"n{number}"
        second.close()
    lines = gateway.wait_for(
        lambda: len(found := gateway.logged("request", client="203.0.113.8")) == 12 and found, "all joins are logged"
    )
    assert {each.values["reason"] for each in lines} <= {"client_closed", "client_reset"}


def test_a_listener_that_nobody_may_use_is_refused(start_process: StartProcess, tmp_path: Path) -> None:
    settings: Settings = chat("http://127.0.0.1:9")
    settings = {**settings, "listen": [{"address": "127.0.0.1:0", "proxy_protocol": True}]}
    file = tmp_path / "sluice.yaml"
    file.write_text(yaml(settings))
    process = start_process(["check", str(file)])
    assert process.wait() == 78
    assert "trusted_proxies" in process.stderr
