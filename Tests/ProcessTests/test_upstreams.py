"""Towards orchestrators: what is passed on and what is not, which endpoint is asked, which connection is used."""

from __future__ import annotations

import socket

import pytest

from conftest import Connect, Serve, StartGateway, StartOrchestrator
from expectations import GET, POST, TARGET, Ask, both_methods, data
from gateway import chat
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate, blocks
from waiting import eventually
from wire import ask


ABANDONED = "cancel"

def closed_port() -> str:
    """A URL on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def posted(*fields: tuple[str, str]) -> Ask:
    """A POST with these fields as well."""
    return (*POST[:2], [*POST[2], *fields], POST[3])


def test_end_to_end_fields_are_passed_on_as_they_are(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    fields = [
        ("X-Request-ID", "r-1"),
        ("Accept-Language", "de, en;q=0.5"),
        ("X-Empty", ""),
        ("traceparent", "00-a-b-01"),
    ]
    ask(gateway.address, *posted(*fields, ("X-Twice", "1"), ("X-Twice", "2")))
    request = orchestrator.requests[0]
    assert [request.get(name.lower()) for name, _ in fields] == [value for _, value in fields]
    assert request.get("x-twice") == "1, 2"
    assert request.get("content-type") == "application/json"
    assert (request.version, request.get("host")) == ("HTTP/1.1", orchestrator.url.removeprefix("http://"))


HOP_BY_HOP = [
    ("Connection", "keep-alive, X-Secret, TE"),
    ("X-Secret", "1"),
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Connection", "keep-alive"),
    ("Proxy-Authorization", "Basic eDp5"),
    ("TE", "trailers"),
    ("Trailer", "X"),
    ("Upgrade", "websocket"),
]


@both_methods
def test_fields_of_the_connection_are_never_passed_on(request_line: Ask, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), route={"forward_credentials": True})
    method, target, *rest = request_line
    fields, *body = rest or [[]]
    ask(gateway.address, method, target, [*fields, *HOP_BY_HOP], *body)
    request = orchestrator.requests[0]
    assert [name for name, _ in HOP_BY_HOP[1:] if request.get(name.lower()) is not None] == []
    assert (request.get("connection") or "keep-alive").lower() == "keep-alive"


@pytest.mark.parametrize("forwards", [True, False])
@both_methods
def test_credentials_reach_only_an_upstream_that_may_have_them(request_line: Ask, forwards: bool, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), route={"forward_credentials": forwards})
    method, target, *rest = request_line
    fields, *body = rest or [[]]
    ask(gateway.address, method, target, [*fields, ("Cookie", "sid=1; b=2"), ("Authorization", "Bearer t")], *body)
    request = orchestrator.requests[0]
    wanted = ("sid=1; b=2", "Bearer t") if forwards else (None, None)
    assert (request.get("cookie"), request.get("authorization")) == wanted


def test_the_client_is_named_to_the_orchestrator_and_cannot_name_itself(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    claims = [
        ("X-Forwarded-For", "6.6.6.6"),
        ("Forwarded", "for=6.6.6.6"),
        ("X-Forwarded-Host", "evil"),
        ("Host", "h:1"),
    ]
    ask(gateway.address, *posted(*claims, ("X-Forwarded-Proto", "https")))
    request = orchestrator.requests[0]
    assert (request.get("x-forwarded-for"), request.get("x-forwarded-proto")) == ("127.0.0.1", "http")
    assert request.get("x-forwarded-host") == "h:1"
    assert "6.6.6.6" not in (request.get("forwarded") or "")


def test_an_orchestrators_own_fields_do_not_change_the_answer(serve: Serve) -> None:
    async def chatty(exchange: scripted.Exchange) -> None:
        fields = [
            "Set-Cookie: a=b",
            "Content-Encoding: identity",
            "Cache-Control: public",
            "Sluice-Run: mine",
            "Server: x",
        ]
        await exchange.head(extra="".join(f"{field}\r\n" for field in fields))
        await exchange.events(*CHAT)
        await exchange.end()

    _, gateway = serve(chatty)
    answer = ask(gateway.address, *POST)
    assert data(answer) == CHAT
    assert (answer.get("set-cookie"), answer.get("content-encoding")) == (None, None)
    assert (answer.get("cache-control"), answer.run != "mine") == ("no-cache, no-transform", True)


@pytest.mark.parametrize("framing", ["chunked", "length", "close", "http10"])
def test_an_orchestrator_may_frame_its_answer_in_every_way(framing: str, serve: Serve) -> None:
    body = blocks(*CHAT)
    orchestrator, gateway = serve(scripted.stream(body[:50], body[50:], framing=framing))
    assert [data(ask(gateway.address, *POST)) for _ in range(3)] == [CHAT] * 3
    assert len(orchestrator.requests) == 3
    assert framing in ("chunked", "length") or orchestrator.connections_made == 3


def test_interim_answers_and_trailers_of_an_orchestrator_are_harmless(serve: Serve) -> None:
    async def script(exchange: scripted.Exchange) -> None:
        await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await exchange.head(extra="Trailer: X-Sum\r\n")
        await exchange.send(b"%X;a=b\r\n%b\r\n0\r\nX-Sum: 1\r\n\r\n" % (len(blocks(*CHAT)), blocks(*CHAT)))

    orchestrator, gateway = serve(script, workers=1)
    assert [data(ask(gateway.address, *POST)) for _ in range(2)] == [CHAT] * 2
    assert orchestrator.connections_made == 1


async def in_one_piece(exchange: scripted.Exchange) -> None:
    """A whole run in one write, so that its end arrives together with its terminal event."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = blocks(*CHAT)
    await exchange.send(b"%b%x\r\n%b\r\n0\r\n\r\n" % (head, len(body), body))


def test_connections_are_kept_and_shared_by_all_clients(serve: Serve) -> None:
    # Each worker keeps connections of its own.
    orchestrator, gateway = serve(in_one_piece, upstream={"keep_alive": "60s"}, workers=1)
    for _ in range(10):
        assert data(ask(gateway.address, *GET)) == CHAT
    assert (len(orchestrator.requests), orchestrator.connections_made) == (10, 1)


def test_an_unused_connection_is_given_up_after_its_time(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), upstream={"keep_alive": "200ms"})
    assert data(ask(gateway.address, *GET)) == CHAT
    eventually(lambda: orchestrator.connections_open == 0, "the kept connection is closed")
    assert data(ask(gateway.address, *GET)) == CHAT
    assert orchestrator.connections_made == 2


@both_methods
def test_a_kept_connection_that_the_orchestrator_closes_costs_no_run(request_line: Ask, serve: Serve) -> None:
    async def closes_afterwards(exchange: scripted.Exchange) -> None:
        await scripted.chat()(exchange)
        exchange.close()

    orchestrator, gateway = serve(closes_afterwards, upstream={"keep_alive": "60s"})
    for _ in range(50):
        assert data(ask(gateway.address, *request_line)) == CHAT
        # A request that crosses with the closing has no answer, and must not be sent twice: nobody can help that one.
        eventually(lambda: orchestrator.connections_open == 0, "the orchestrator has closed")


def test_each_route_has_its_own_upstream(start_orchestrator: StartOrchestrator, start_gateway: StartGateway) -> None:
    math, text = (start_orchestrator(scripted.chat(name, "[DONE]")) for name in ("math", "text"))
    settings = chat(math.url)
    settings["upstreams"]["text"] = {"endpoints": [text.url]}
    settings["routes"].append({"path": "/text", "run": {"upstream": "text", "method": "POST", "path": "/write"}})
    gateway = start_gateway(settings)
    assert data(ask(gateway.address, *GET)) == ["math", "[DONE]"]
    assert data(ask(gateway.address, "GET", "/text")) == ["text", "[DONE]"]
    assert [request.target for request in math.requests + text.requests] == [TARGET, "/write"]


def test_a_route_may_use_another_method(start_orchestrator: StartOrchestrator, start_gateway: StartGateway) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    route = {"run": {"upstream": "chat", "method": "PUT", "path": "/x"}}
    assert data(ask(start_gateway(chat(orchestrator.url, route=route)).address, *GET)) == CHAT
    assert (orchestrator.requests[0].method, orchestrator.requests[0].target) == ("PUT", "/x")


def test_endpoints_take_turns(start_orchestrator: StartOrchestrator, start_gateway: StartGateway) -> None:
    orchestrators = [start_orchestrator(scripted.chat()) for _ in range(3)]
    # Each worker has turns of its own.
    gateway = start_gateway(chat(*(each.url for each in orchestrators), workers=1))
    for _ in range(12):
        assert data(ask(gateway.address, *GET)) == CHAT
    assert [len(each.requests) for each in orchestrators] == [4, 4, 4]


@both_methods
def test_a_refused_connection_is_tried_at_the_next_endpoint(
    request_line: Ask, start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    gateway = start_gateway(chat(closed_port(), orchestrator.url, closed_port()))
    for _ in range(6):
        assert data(ask(gateway.address, *request_line)) == CHAT
    assert len(orchestrator.requests) == 6


def test_a_request_that_was_sent_is_not_sent_again_elsewhere(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    async def dies(exchange: scripted.Exchange) -> None:
        exchange.reset()

    orchestrators = [start_orchestrator(dies) for _ in range(2)]
    gateway = start_gateway(chat(*(each.url for each in orchestrators)))
    answer = ask(gateway.address, *GET)
    assert answer.events[-1].json["source"] == "gateway"
    assert sum(len(each.requests) for each in orchestrators) == 1


def test_endpoints_may_be_named_and_may_be_ipv6(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    four, six = start_orchestrator(scripted.chat()), start_orchestrator(scripted.chat(), host="::1")
    for url in (f"http://localhost:{four.port}", six.url):
        assert data(ask(start_gateway(chat(url)).address, *GET)) == CHAT
    assert four.requests[0].get("host") == f"localhost:{four.port}"
    assert six.requests[0].get("host") == f"[::1]:{six.port}"


def test_a_stalled_orchestrator_does_not_hold_up_another(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, connect: Connect
) -> None:
    gate = Gate()
    slow, quick = start_orchestrator(scripted.gated(gate)), start_orchestrator(scripted.chat())
    settings = chat(slow.url)
    settings["upstreams"]["quick"] = {"endpoints": [quick.url]}
    settings["routes"].append({"path": "/quick", "run": {"upstream": "quick", "method": "POST", "path": TARGET}})
    gateway = start_gateway(settings)
    waiting = [connect(gateway.address).ask(*GET) for _ in range(50)]
    for answer in waiting:
        answer.read_events(3)
    assert data(ask(gateway.address, "GET", "/quick")) == CHAT
    gate.open()
    assert [data(answer) for answer in waiting] == [CHAT] * 50
