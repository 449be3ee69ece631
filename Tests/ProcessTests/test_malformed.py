"""Malformed requests, each on a connection of its own: a clear status, a close, and a gateway that goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conftest import Connect, Nursery
from expectations import TARGET, data
from gateway import Gateway, chat
from orchestrators import scripted
from orchestrators.scripted import CHAT
from wire import ask

GOOD = ("GET", f"{TARGET}?message=good")
T = TARGET.encode()
FIRST = b"GET " + T + b"?message=x HTTP/1.1\r\n"
HOST = b"Host: a.example\r\n"
END = b"\r\n"
SMUGGLED = b"GET %s?message=smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n" % T


def first(line: bytes) -> bytes:
    """A request with this request line, which brings its own line end."""
    return line + HOST + END


def field(line: bytes) -> bytes:
    """A request with this header line, which brings its own line end."""
    return FIRST + HOST + line + END


def post(fields: bytes, body: bytes = b"") -> bytes:
    """A POST with these header lines and body, and a smuggled request behind it."""
    return b"POST " + T + b" HTTP/1.1\r\n" + HOST + fields + END + body + SMUGGLED


def chunks(body: bytes) -> bytes:
    """A POST with this chunked body."""
    return post(b"Transfer-Encoding: chunked\r\n", body)


REQUEST_LINES = {
    "empty method": first(b" /x HTTP/1.1\r\n"),
    "only a word": first(b"GET\r\n"),
    "no version": first(b"GET %s\r\n" % T),
    "no target": first(b"GET HTTP/1.1\r\n"),
    "two spaces": first(b"GET  %s HTTP/1.1\r\n" % T),
    "two spaces before the version": first(b"GET %s  HTTP/1.1\r\n" % T),
    "a space at the end": first(b"GET %s HTTP/1.1 \r\n" % T),
    "tabs": first(b"GET\t%s\tHTTP/1.1\r\n" % T),
    "a space in the target": first(b"GET %s?a b HTTP/1.1\r\n" % T),
    "bare lf": first(b"GET %s HTTP/1.1\n" % T),
    "bare cr": first(b"GET %s HTTP/1.1\r" % T),
    "cr cr lf": first(b"GET %s HTTP/1.1\r\r\n" % T),
    "cr in the target": first(b"GET %s?a\rb HTTP/1.1\r\n" % T),
    "nul in the target": first(b"GET %s?a\0b HTTP/1.1\r\n" % T),
    "control in the target": first(b"GET %s?a\x01 HTTP/1.1\r\n" % T),
    "delete in the target": first(b"GET %s?a\x7f HTTP/1.1\r\n" % T),
    "raw utf-8 in the target": first("GET /ä HTTP/1.1\r\n".encode()),
    "high byte in the target": first(b"GET %s?\xff HTTP/1.1\r\n" % T),
    "fragment": first(b"GET %s#top HTTP/1.1\r\n" % T),
    "relative target": first(b"GET process/stream HTTP/1.1\r\n"),
    "asterisk for get": first(b"GET * HTTP/1.1\r\n"),
    "authority for get": first(b"GET a.example:80 HTTP/1.1\r\n"),
    "absolute without host": first(b"GET http:///x HTTP/1.1\r\n"),
    "absolute with another scheme": first(b"GET ftp://a.example/x HTTP/1.1\r\n"),
    "lower case version": first(b"GET %s http/1.1\r\n" % T),
    "another protocol": first(b"GET %s RTSP/1.0\r\n" % T),
    "no minor version": first(b"GET %s HTTP/1\r\n" % T),
    "two minor digits": first(b"GET %s HTTP/1.10\r\n" % T),
    "letter in the version": first(b"GET %s HTTP/1.x\r\n" % T),
    "space in the version": first(b"GET %s HTTP/ 1.1\r\n" % T),
    "comma in the version": first(b"GET %s HTTP/1,1\r\n" % T),
    "version 0.9": first(b"GET %s HTTP/0.9\r\n" % T),
    "version 2": first(b"GET %s HTTP/2.0\r\n" % T),
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "parenthesis in the method": first(b"GE(T %s HTTP/1.1\r\n" % T),
    "high byte in the method": first(b"G\xc3\xa4T %s HTTP/1.1\r\n" % T),
    "nul in the method": first(b"GET\0 %s HTTP/1.1\r\n" % T),
    "colon in the method": first(b"GET: %s HTTP/1.1\r\n" % T),
    "tls": bytes.fromhex("16030100c6010000c20303") + bytes(range(180)),
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "smtp": b"EHLO a.example\r\n\r\n",
    "socks": b"\x05\x01\x00\r\n\r\n",
    "proxy protocol": b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n" + FIRST + HOST + END,
    "noise": bytes((n * 73 + 41) % 256 for n in range(300)) + b"\r\n\r\n",
    "a json document": b'{"message":"hello"}\r\n\r\n',
    "a header first": HOST + FIRST + END,
    "connect": b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
}
FIELDS = {
    "no colon": field(b"X-Mine\r\n"),
    "no name": field(b": x\r\n"),
    "space before the colon": field(b"X-Mine : x\r\n"),
    "tab before the colon": field(b"X-Mine\t: x\r\n"),
    "space in the name": field(b"X Mine: x\r\n"),
    "space before the name": field(b"X: y\r\n Z: x\r\n"),
    "folded by a space": field(b"X-Mine: a\r\n b\r\n"),
    "folded by a tab": field(b"X-Mine: a\r\n\tb\r\n"),
    "folded to nothing": field(b"X-Mine: a\r\n \r\n"),
    "folded first line": FIRST + b" X: y\r\n" + HOST + END,
    "bare lf": field(b"X-Mine: a\nX-Other: b\r\n"),
    "bare lf at the end": FIRST + b"Host: a.example\n\n",
    "bare cr": field(b"X-Mine: a\rX-Other: b\r\n"),
    "cr cr lf": field(b"X-Mine: a\r\r\n"),
    "lf cr": field(b"X-Mine: a\n\r"),
    "nul in the value": field(b"X-Mine: a\0b\r\n"),
    "nul in the name": field(b"X-\0: a\r\n"),
    "control in the value": field(b"X-Mine: a\x01b\r\n"),
    "backspace in the value": field(b"X-Mine: a\x08b\r\n"),
    "delete in the value": field(b"X-Mine: a\x7fb\r\n"),
    "vertical tab in the value": field(b"X-Mine: a\x0bb\r\n"),
    "parenthesis in the name": field(b"X(Mine): a\r\n"),
    "slash in the name": field(b"X/Mine: a\r\n"),
    "bracket in the name": field(b"X[Mine]: a\r\n"),
    "quote in the name": field(b'"X": a\r\n'),
    "at in the name": field(b"X@Mine: a\r\n"),
    "high byte in the name": field(b"X-\xc3\xa4: a\r\n"),
}
HOSTS = {
    "no host": FIRST + END,
    "two hosts": FIRST + HOST + b"Host: b.example\r\n\r\n",
    "the same host twice": FIRST + HOST + HOST + END,
    "empty host": FIRST + b"Host:\r\n\r\n",
    "space in the host": FIRST + b"Host: a.example b.example\r\n\r\n",
    "comma in the host": FIRST + b"Host: a.example, b.example\r\n\r\n",
    "path in the host": FIRST + b"Host: a.example/x\r\n\r\n",
    "user in the host": FIRST + b"Host: u@a.example\r\n\r\n",
    "scheme in the host": FIRST + b"Host: http://a.example\r\n\r\n",
    "letters for a port": FIRST + b"Host: a.example:http\r\n\r\n",
    "too large a port": FIRST + b"Host: a.example:65536\r\n\r\n",
    "open bracket": FIRST + b"Host: [::1\r\n\r\n",
    "no ipv6": FIRST + b"Host: [::g]\r\n\r\n",
    "high byte in the host": FIRST + b"Host: \xe4.example\r\n\r\n",
}
LENGTHS = {
    "negative": b"-1",
    "plus": b"+2",
    "hexadecimal": b"0x2",
    "letters": b"two",
    "empty": b"",
    "exponent": b"2e0",
    "fraction": b"2.0",
    "two numbers": b"2 2",
    "list": b"2, 2",
    "different list": b"2, 3",
    "trailing comma": b"2,",
    "letter behind": b"2b",
    "quoted": b'"2"',
    "underscore": b"1_0",
    "arabic digits": "٢".encode(),
    "2^63": b"9223372036854775808",
    "2^64": b"18446744073709551616",
    "2^64 + 2": b"18446744073709551618",
    "endless": b"9" * 300,
}
FRAMINGS = {
    **{f"length: {name}": post(b"Content-Length: " + value + b"\r\n", b"{}") for name, value in LENGTHS.items()},
    "two lengths": post(b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}"),
    "the same length twice": post(b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
    "length and chunks": post(b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "chunks and length": post(b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"0\r\n\r\n"),
    "chunks twice": post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
    "two chunked fields": post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "chunked not last": post(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    "gzip": post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity\r\n", b"{}"),
    "unknown coding": post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    "empty coding": post(b"Transfer-Encoding:\r\n", b"0\r\n\r\n"),
    "coding with a parameter": post(b"Transfer-Encoding: chunked;a=b\r\n", b"0\r\n\r\n"),
    "quoted coding": post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n"),
    "coding behind a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    "coding with a space before the colon": post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
    "coding from an old client": b"POST %s HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % T + SMUGGLED,
}
CHUNKS = {
    "size is no number": chunks(b"zz\r\n{}\r\n0\r\n\r\n"),
    "no size": chunks(b"\r\n{}\r\n0\r\n\r\n"),
    "negative size": chunks(b"-2\r\n{}\r\n0\r\n\r\n"),
    "plus": chunks(b"+2\r\n{}\r\n0\r\n\r\n"),
    "prefix": chunks(b"0x2\r\n{}\r\n0\r\n\r\n"),
    "space before the size": chunks(b" 2\r\n{}\r\n0\r\n\r\n"),
    "size of 2^64 + 2": chunks(b"10000000000000002\r\n{}\r\n0\r\n\r\n"),
    "endless size": chunks(b"0" * 5000 + b"2\r\n{}\r\n0\r\n\r\n"),
    "bare lf behind the size": chunks(b"2\n{}\r\n0\r\n\r\n"),
    "bare cr behind the size": chunks(b"2\r{}\r\n0\r\n\r\n"),
    "bare lf behind the data": chunks(b"2\r\n{}\n0\r\n\r\n"),
    "no line end behind the data": chunks(b"2\r\n{}0\r\n\r\n"),
    "too much data": chunks(b"2\r\n{}{}\r\n0\r\n\r\n"),
    "nul in an extension": chunks(b"2;a=\0\r\n{}\r\n0\r\n\r\n"),
    "lf in an extension": chunks(b"2;a\nb\r\n{}\r\n0\r\n\r\n"),
    "endless extension": chunks(b"2;" + b"a" * 40_000 + b"\r\n{}\r\n0\r\n\r\n"),
    "trailer without a colon": chunks(b"2\r\n{}\r\n0\r\nTrailer\r\n\r\n"),
    "folded trailer": chunks(b"2\r\n{}\r\n0\r\nX: a\r\n b\r\n\r\n"),
    "bare lf behind a trailer": chunks(b"2\r\n{}\r\n0\r\nX: a\n\r\n"),
    "nul in a trailer": chunks(b"2\r\n{}\r\n0\r\nX: \0\r\n\r\n"),
}
TOO_LARGE = {
    "target": (414, first(b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n")),
    "target without an end": (414, b"GET /" + b"x" * 20_000),
    "field": (431, field(b"X-Mine: " + b"x" * 20_000 + b"\r\n")),
    "field without an end": (431, FIRST + b"X-Mine: " + b"x" * 40_000),
    "name": (431, field(b"X" * 20_000 + b": x\r\n")),
    "many fields": (431, field(b"X-Mine: x\r\n" * 3000)),
    "many empty fields": (431, field(b"X:\r\n" * 5000)),
    "body by its length": (413, post(b"Content-Length: 4194305\r\n")),
    "body by far": (413, post(b"Content-Length: 9223372036854775807\r\n")),
    "body by one chunk": (413, chunks(b"400001\r\n" + bytes(0x400001) + b"\r\n0\r\n\r\n")),
    "body by many chunks": (413, chunks((b"1000\r\n" + bytes(0x1000) + b"\r\n") * 1100 + b"0\r\n\r\n")),
    "trailers": (431, chunks(b"2\r\n{}\r\n0\r\n" + b"X-Mine: x\r\n" * 3000 + b"\r\n")),
}

#: Where the specification leaves more than one good answer.
OTHERWISE = {
    **dict.fromkeys(["version 0.9", "version 2", "http/2 preface", "another protocol"], {400, 505}),
    **dict.fromkeys(
        ["no minor version", "two minor digits", "letter in the version", "comma in the version"], {400, 505}
    ),
    "connect": {400, 405, 501},
    "absolute with another scheme": {400, 404, 421},
    "gzip": {400, 501},
    "identity": {400, 501},
    "unknown coding": {400, 501},
    "chunked not last": {400, 501},
    "coding with a parameter": {400, 501},
    "quoted coding": {400, 501},
    "length: endless": {400, 413},
    "length: 2^63": {400, 413},
    "length: 2^64": {400, 413},
    "length: 2^64 + 2": {400, 413},
    "size of 2^64 + 2": {400, 413},
    "trailers": {400, 431},
    "endless extension": {400, 413, 431},
}
GROUPS = {"line": REQUEST_LINES, "field": FIELDS, "host": HOSTS, "framing": FRAMINGS, "chunk": CHUNKS}
CASES = [
    pytest.param(sent, OTHERWISE.get(name, {400}), id=f"{group}-{name}")
    for group, cases in GROUPS.items()
    for name, sent in cases.items()
] + [
    pytest.param(sent, OTHERWISE.get(name, {status}), id=f"large-{name}") for name, (status, sent) in TOO_LARGE.items()
]
assert len(CASES) >= 100


@pytest.fixture(scope="module")
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[scripted.Orchestrator, Gateway]]:
    """One orchestrator and one gateway, which must live through everything in this module."""
    orchestrator = scripted.Orchestrator(scripted.chat())
    nursery = Nursery(request.node, tmp_path_factory.mktemp("malformed"))
    yield orchestrator, nursery.gateway(chat(orchestrator.url))
    nursery.end()
    orchestrator.stop()


@pytest.mark.parametrize(("sent", "statuses"), CASES)
def test_a_malformed_request(
    sent: bytes, statuses: set[int], pair: tuple[scripted.Orchestrator, Gateway], connect: Connect
) -> None:
    orchestrator, gateway = pair
    before = len(orchestrator.requests)
    client = connect(gateway.address)
    client.send(sent)
    answer = client.answer()
    assert answer.status in statuses, answer
    assert answer.get("connection") == "close", answer
    assert answer.get("content-type") == "application/problem+json"
    assert answer.json["status"] == answer.status
    assert client.read_to_end() == b"", "what follows a malformed request must not be answered"
    assert data(ask(gateway.address, *GOOD)) == CHAT
    assert [request.json for request in orchestrator.requests[before:]] == [{"message": "good"}]


@pytest.mark.parametrize("cut", range(0, len(FIRST + HOST), 7))
def test_a_client_that_leaves_in_the_middle_of_its_head(
    cut: int, pair: tuple[scripted.Orchestrator, Gateway], connect: Connect
) -> None:
    _, gateway = pair
    client = connect(gateway.address)
    client.send((FIRST + HOST)[:cut])
    client.close()
    assert data(ask(gateway.address, *GOOD)) == CHAT


def test_refusals_are_logged_without_what_was_sent(
    pair: tuple[scripted.Orchestrator, Gateway], connect: Connect
) -> None:
    _, gateway = pair
    client = connect(gateway.address)
    client.send(field(b"Authorization : secret-0815\r\n"))
    assert client.answer().status == 400
    client.read_to_end()
    gateway.wait_for(lambda: gateway.logged("request", status="400"), "a log line for the refusal")
    assert "secret-0815" not in gateway.stderr
