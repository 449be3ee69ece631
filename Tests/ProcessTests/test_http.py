"""HTTP/1.1 towards clients: methods, routes, connections, old clients, limits, and every kind of listener."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from conftest import Connect, Serve, StartGateway, StartOrchestrator
from expectations import GET, JSON, POST, TARGET, assert_problem, data
from gateway import chat
from orchestrators import scripted
from orchestrators.scripted import CHAT
from wire import Fields, ask


ABANDONED = "cancel"

@pytest.mark.parametrize("target", ["/", "/process", "/process/stream/", "/process/stream/x", "/Process/stream"])
def test_what_no_route_names_is_not_found(target: str, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    assert_problem(ask(gateway.address, "GET", target), 404)
    assert not orchestrator.requests


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_a_method_that_a_route_does_not_have_is_not_allowed(method: str, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    answer = ask(gateway.address, method, TARGET, body=b"")
    assert_problem(answer, 405)
    assert {"GET", "POST", "HEAD", "OPTIONS"} <= set((answer.get("allow") or "").replace(" ", "").split(","))
    assert not orchestrator.requests


def test_options_tells_what_a_route_allows(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    answer = ask(gateway.address, "OPTIONS", TARGET)
    assert answer.status in (200, 204)
    assert {"GET", "POST", "HEAD", "OPTIONS"} <= set((answer.get("allow") or "").replace(" ", "").split(","))
    assert not orchestrator.requests


def test_a_refusal_keeps_the_connection_and_a_head_request_gets_no_body(serve: Serve, connect: Connect) -> None:
    _, gateway = serve(scripted.chat())
    client = connect(gateway.address)
    head = client.ask("HEAD", "/nowhere")
    assert (head.status, bool(head.get("content-length"))) == (404, True)
    assert_problem(client.ask("GET", "/nowhere"), 404)
    assert data(client.ask(*GET)) == CHAT


def test_prefix_and_host_routes(start_orchestrator: StartOrchestrator, start_gateway: StartGateway) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    settings = chat(orchestrator.url)
    run = settings["routes"][0]["run"]
    settings["routes"] += [
        {"path": "/agents/**", "run": {**run, "path": "/any"}},
        {"path": "/agents/math", "run": {**run, "path": "/math"}},
        {"path": TARGET, "host": "other.example", "run": {**run, "path": "/other"}},
    ]
    gateway = start_gateway(settings)

    def went_to(target: str, host: str) -> str:
        assert data(ask(gateway.address, "GET", target, [("Host", host)])) == CHAT
        return orchestrator.requests[-1].target

    assert went_to("/agents/a/b?x=1", "a.example") == "/any"
    assert went_to("/agents/math", "a.example") == "/math"
    assert went_to(TARGET, "other.example") == "/other"
    assert went_to(TARGET, "OTHER.example:8004") == "/other"
    assert went_to(TARGET, "a.example") == TARGET
    assert went_to(f"http://other.example{TARGET}", "a.example") == "/other"


def test_a_connection_is_kept_for_the_next_request(serve: Serve, connect: Connect) -> None:
    _, gateway = serve(scripted.chat())
    client = connect(gateway.address)
    for request in (GET, POST, GET):
        assert data(client.ask(*request)) == CHAT


def test_requests_sent_ahead_are_answered_in_order(serve: Serve, connect: Connect) -> None:
    async def echo(exchange: scripted.Exchange) -> None:
        await scripted.chat(exchange.request.json["message"], "[DONE]")(exchange)

    orchestrator, gateway = serve(echo)
    client = connect(gateway.address)
    wanted = b"".join(b"GET %s?message=m%d HTTP/1.1\r\nHost: a\r\n\r\n" % (TARGET.encode(), n) for n in range(10))
    client.send(wanted + b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
    for n in range(10):
        assert data(client.answer()) == [f"m{n}", "[DONE]"]
    assert_problem(client.answer(), 404)
    assert len(orchestrator.requests) == 10


def test_a_client_may_ask_for_the_connection_to_close(serve: Serve, connect: Connect) -> None:
    _, gateway = serve(scripted.chat())
    client = connect(gateway.address)
    answer = client.ask(*GET, [("Connection", "close")])
    assert answer.get("connection") == "close"
    assert data(answer) == CHAT
    assert client.read_to_end() == b""


@pytest.mark.parametrize("keep", [b"", b"Connection: keep-alive\r\n"], ids=["plain", "keep-alive"])
def test_an_old_client_gets_a_stream_that_ends_with_the_connection(keep: bytes, serve: Serve, connect: Connect) -> None:
    _, gateway = serve(scripted.chat())
    client = connect(gateway.address)
    client.send(b"GET %s?message=x HTTP/1.0\r\n%s\r\n" % (TARGET.encode(), keep))
    answer = client.answer()
    assert (answer.status, answer.get("transfer-encoding"), answer.get("content-length")) == (200, None, None)
    assert answer.get("connection") in (None, "close")
    assert data(answer) == CHAT


def test_the_body_is_asked_for_when_the_client_waits_to_be_asked(serve: Serve, connect: Connect) -> None:
    orchestrator, gateway = serve(scripted.chat())
    client = connect(gateway.address)
    head = f"POST {TARGET} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n"
    client.send(head.encode())
    assert client.read_through(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert not orchestrator.requests
    client.send(b"{}")
    assert data(client.answer("POST")) == CHAT
    assert orchestrator.requests[0].get("expect") is None


@pytest.mark.parametrize(
    ("target", "length", "status"), [("/nowhere", 2, 404), (TARGET, 5_000_000, 413)], ids=["no route", "too large"]
)
def test_a_body_that_is_not_wanted_is_not_asked_for(
    target: str, length: int, status: int, serve: Serve, connect: Connect
) -> None:
    _, gateway = serve(scripted.chat())
    client = connect(gateway.address)
    fields = [("Content-Length", str(length)), ("Expect", "100-continue")]
    assert_problem(client.ask("POST", target, fields), status)


def test_a_head_may_come_byte_by_byte_and_after_an_empty_line(serve: Serve, connect: Connect) -> None:
    _, gateway = serve(scripted.chat())
    client = connect(gateway.address)
    for byte in b"\r\nGET %s?message=x HTTP/1.1\r\nHoSt: \t a.example \t\r\nX-Empty:\r\n\r\n" % TARGET.encode():
        client.send(bytes([byte]))
    assert data(client.answer()) == CHAT


def test_an_idle_connection_is_closed_without_a_word(serve: Serve, connect: Connect) -> None:
    _, gateway = serve(scripted.chat(), clients={"idle_timeout": "1s", "head_timeout": "1s"})
    fresh, used = connect(gateway.address), connect(gateway.address)
    assert data(used.ask(*GET)) == CHAT
    assert (fresh.read_to_end(), used.read_to_end()) == (b"", b"")
    assert not fresh.was_reset
    assert not used.was_reset


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GET %s HTTP/1.1\r\nHost: a\r\nX-Half: " % TARGET.encode(), "head"),
        (b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{}" % TARGET.encode(), "body"),
        (b"POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n" % TARGET.encode(), "chunks"),
    ],
    ids=["head", "body", "chunks"],
)
def test_a_request_that_does_not_come_to_its_end_times_out(
    sent: bytes, reason: str, serve: Serve, connect: Connect
) -> None:
    orchestrator, gateway = serve(scripted.chat(), clients={"head_timeout": "300ms", "body_timeout": "300ms"})
    client = connect(gateway.address)
    client.send(sent)
    assert_problem(client.answer(), 408)
    assert client.read_to_end() == b""
    assert not orchestrator.requests


LIMITS = {"head_size": "2KiB", "uri_size": "256B", "body_size": "1KiB"}


def test_what_is_just_within_the_limits_passes_and_one_more_does_not(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), clients=LIMITS)

    def status(method: str, target: str, fields: Fields = (), body: bytes | None = None) -> int:
        return ask(gateway.address, method, target, fields, body).status

    base = f"{TARGET}?message="
    assert status("GET", base.ljust(256, "x")) == 200
    assert status("GET", base.ljust(257, "x")) == 414
    assert status("POST", TARGET, JSON, bytes(1024)) == 200
    assert status("POST", TARGET, JSON, bytes(1025)) == 413
    chunked = [("Transfer-Encoding", "chunked")]
    assert status("POST", TARGET, chunked, b"200\r\n%b\r\n200\r\n%b\r\n0\r\n\r\n" % (bytes(512), bytes(512))) == 200
    assert status("POST", TARGET, chunked, b"200\r\n%b\r\n201\r\n%b\r\n0\r\n\r\n" % (bytes(512), bytes(513))) == 413
    head = f"GET {base}x HTTP/1.1\r\nHost: a\r\nX-Long: \r\n\r\n"
    assert status("GET", base + "x", [("Host", "a"), ("X-Long", "y" * (2048 - len(head)))]) == 200
    assert status("GET", base + "x", [("Host", "a"), ("X-Long", "y" * (2049 - len(head)))]) == 431
    assert len(orchestrator.requests) == 4


def test_listeners_of_every_kind_serve_side_by_side(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "sluice.sock"
        listen = [{"address": address} for address in ("127.0.0.1:0", "[::1]:0", f"unix:{path}")]
        gateway = start_gateway({**chat(orchestrator.url), "listen": listen})
        four, six, local = gateway.addresses
        assert (four[:10], six[:6], local) == ("127.0.0.1:", "[::1]:", f"unix:{path}")
        for address in gateway.addresses:
            assert data(ask(address, *GET)) == CHAT
        assert gateway.stop() == 0
        assert not path.exists(), "the gateway leaves its socket file behind"


def test_a_socket_file_that_a_killed_gateway_left_is_taken_over(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    with tempfile.TemporaryDirectory() as directory:
        settings = {**chat(orchestrator.url), "listen": [{"address": f"unix:{directory}/s"}]}
        start_gateway(settings).kill()
        gateway = start_gateway(settings)
        assert data(ask(gateway.address, *GET)) == CHAT
        assert gateway.stop() == 0
