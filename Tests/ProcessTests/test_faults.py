"""When things go wrong: orchestrators that refuse, die, stall and talk nonsense, and clients that leave."""

from __future__ import annotations

import asyncio
import json
import socket
from urllib.parse import quote

import pytest

from conftest import Connect, Serve, StartGateway, StartOrchestrator, Tutorial
from expectations import GET, JSON, POST, TARGET, Ask, both_methods, data, failure
from gateway import chat
from orchestrators import scripted
from orchestrators.scripted import CHAT, Exchange, blocks
from test_upstreams import closed_port
from waiting import eventually
from wire import Connection, CutShort, ask

ABANDONED = "cancel"

BEGUN = CHAT[:3]


@both_methods
def test_an_orchestrator_that_is_not_there(request_line: Ask, start_gateway: StartGateway) -> None:
    gateway = start_gateway(chat(closed_port(), closed_port()))
    assert failure(ask(gateway.address, *request_line))["reason"] == "upstream_unreachable"


def test_an_orchestrator_whose_name_is_unknown(start_gateway: StartGateway) -> None:
    gateway = start_gateway(chat("http://no-such-host.invalid:9000"))
    assert failure(ask(gateway.address, *POST))["reason"] == "upstream_unreachable"


def test_a_host_that_does_not_answer_a_connection_attempt(start_gateway: StartGateway) -> None:
    host = scripted.FullListener()
    try:
        gateway = start_gateway(chat(host.url, upstream={"connect_timeout": "300ms"}))
        assert failure(ask(gateway.address, *POST))["reason"] == "upstream_timeout"
    finally:
        host.stop()


STALLS = {
    "before the head": ("first_byte_timeout", scripted.stall, []),
    "in the head": ("first_byte_timeout", None, []),
    "after the head": ("idle_timeout", scripted.start_then(ending=scripted.stall), []),
    "in the run": ("idle_timeout", scripted.start_then(*BEGUN, ending=scripted.stall), BEGUN),
}


@both_methods
@pytest.mark.parametrize("when", STALLS)
def test_an_orchestrator_that_stalls_is_left(request_line: Ask, when: str, serve: Serve) -> None:
    setting, script, begun = STALLS[when]

    async def half_a_head(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
        await exchange.until_abandoned()

    orchestrator, gateway = serve(script or half_a_head, upstream={setting: "400ms"})
    answer = ask(gateway.address, *request_line)
    assert failure(answer)["reason"] == "upstream_timeout"
    assert [event.data for event in answer.events[:-1]] == begun
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")
    assert gateway.finished(run=answer.run).values["reason"].startswith("upstream")


def test_an_orchestrator_that_talks_slowly_does_not_time_out(serve: Serve) -> None:
    async def drip(exchange: Exchange) -> None:
        await exchange.head()
        for n in range(40):
            await exchange.events(str(n))
            await asyncio.sleep(0.05)
        await exchange.events("[DONE]")
        await exchange.end()

    _, gateway = serve(drip, upstream={"idle_timeout": "1s", "first_byte_timeout": "1s"})
    assert data(ask(gateway.address, *GET)) == [*map(str, range(40)), "[DONE]"]


REFUSALS = [
    (404, b'{"detail":"Not Found"}', "application/json"),
    (422, b'{"detail":[{"loc":["body","message"]}]}', "application/json"),
    (429, b"slow down", "text/plain"),
    (500, b"Internal Server Error", "text/plain; charset=utf-8"),
    (503, b"", "text/html"),
    (302, b"", "text/plain"),
]


def test_the_body_of_a_refusal_may_be_long_and_framed_in_any_way(serve: Serve) -> None:
    page = "".join(f"<p>{n}</p>" for n in range(4000)).encode()

    async def script(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 500 No\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(page), 10_000):
            await exchange.body(page[start : start + 10_000])
        await exchange.end()

    orchestrator, gateway = serve(script, route={"answer_after": "20s"})
    for _ in range(3):
        answer = ask(gateway.address, *POST)
        assert (answer.status, answer.get("content-type")) == (500, "text/html")
        assert bytes(answer.body) == page[: len(answer.body)]
        assert len(answer.body) == len(page)


@pytest.mark.parametrize("refusal", REFUSALS, ids=[str(each[0]) for each in REFUSALS])
def test_a_refusal_reaches_a_post_and_becomes_an_event_for_a_get(refusal: tuple[int, bytes, str], serve: Serve) -> None:
    status, body, content_type = refusal
    _, gateway = serve(scripted.refuse(status, body, content_type), route={"answer_after": "20s"})
    posted = ask(gateway.address, *POST)
    assert (posted.status, posted.get("content-type"), bytes(posted.body)) == (status, content_type, body)
    got = failure(ask(gateway.address, *GET))
    assert (got["reason"], got["status"]) == ("upstream_status", status)


def test_a_refusal_that_comes_too_late_for_a_status_becomes_an_event(serve: Serve) -> None:
    gate = scripted.Gate()

    async def late(exchange: Exchange) -> None:
        await gate.passed()
        await scripted.refuse(500, b"late")(exchange)

    _, gateway = serve(late, route={"answer_after": "1ms"})
    with Connection(gateway.address) as client:
        answer = client.ask(*POST)
        answer.read_until(b"\n\n")
        gate.open()
        assert (failure(answer)["reason"], failure(answer)["status"]) == ("upstream_status", 500)


ENDINGS = {"clean": Exchange.end, "cut": Exchange.close, "reset": Exchange.reset}


@both_methods
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_run_that_ends_without_a_terminal_event(request_line: Ask, ending: str, serve: Serve) -> None:
    gate = scripted.Gate()

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.events(*BEGUN)
        await exchange.body(b"data: half an ev")
        await gate.passed()
        if (rest := ENDINGS[ending](exchange)) is not None:
            await rest

    _, gateway = serve(script)
    with Connection(gateway.address) as client:
        answer = client.ask(*request_line)
        answer.read_events(len(BEGUN))
        gate.open()
        assert failure(answer)["reason"] == "upstream_closed"
        assert [event.data for event in answer.events[:-1]] == BEGUN


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
NONSENSE = {
    "no http": b"220 mail.example.com ESMTP\r\n",
    "bytes": bytes(range(256)) * 4,
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "status": b"HTTP/1.1 99 Low\r\n\r\n",
    "old": b"HTTP/0.9 200 OK\r\n\r\n",
    "field": b"HTTP/1.1 200 OK\r\nContent Type: text/plain\r\n\r\n",
    "nul": OK + b"X: a\0b\r\n\r\n",
    "two framings": OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "compressed": OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
    "endless head": b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000,
    "switch": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "html": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    "json": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"answer": 4}',
}


@both_methods
@pytest.mark.parametrize("name", NONSENSE)
def test_an_orchestrator_that_talks_nonsense(request_line: Ask, name: str, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.raw(NONSENSE[name]))
    answer = ask(gateway.address, *request_line)
    assert failure(answer)["reason"] == "upstream_protocol"
    assert len(answer.events) == 1
    orchestrator.script = scripted.chat()
    assert data(ask(gateway.address, *request_line)) == CHAT


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-1\r\n", b"5\r\nabcdefg\r\n", b"FFFFFFFFFFFFFFFFFF\r\n", b"\r\n\r\n"])
def test_a_chunk_that_is_none_ends_the_run(chunk: bytes, serve: Serve) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.events(*BEGUN)
        await exchange.send(chunk)
        await exchange.until_abandoned()

    _, gateway = serve(script)
    answer = ask(gateway.address, *GET)
    assert failure(answer)["reason"] == "upstream_protocol"
    assert [event.data for event in answer.events[:-1]][: len(BEGUN)] == BEGUN


@pytest.mark.parametrize("ended", [True, False])
def test_an_event_that_is_too_large_ends_the_run(ended: bool, serve: Serve) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.events(*BEGUN, "x" * 4000)
        await exchange.body(b"data: " + b"y" * 5000 + (b"\n\n" if ended else b""))
        await exchange.until_abandoned()

    orchestrator, gateway = serve(script, streams={"event_size": "4KiB"})
    answer = ask(gateway.address, *GET)
    assert failure(answer)["reason"] == "event_too_large"
    assert [event.data for event in answer.events[:-1]] == [*BEGUN, "x" * 4000]
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")


HOSTILE = ["a\r\n\r\nevent: forged\r\ndata: b", "a\rid: 666", "\0", "\u2028", ": hb", "a\n\ndata: forged"]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_query_can_forge_an_event(text: str, serve: Serve) -> None:
    async def echo(exchange: Exchange) -> None:
        await scripted.chat(json.dumps(exchange.request.json["message"]), "[DONE]")(exchange)

    _, gateway = serve(echo)
    answer = ask(gateway.address, "GET", f"{TARGET}?message={quote(text)}")
    assert [json.loads(line) for line in data(answer)[:1]] == [text]
    assert [event.id for event in answer.events] == [f"{answer.run}.1", f"{answer.run}.2"]


def test_the_orchestrator_is_killed_in_the_middle_of_a_run(
    own_tutorial: Tutorial, start_gateway: StartGateway, connect: Connect
) -> None:
    gateway = start_gateway(chat(own_tutorial.url))
    answers = [connect(gateway.address).ask("GET", f"{TARGET}?message=count+100000") for _ in range(20)]
    for answer in answers:
        answer.read_events(10)
    own_tutorial.kill()
    for answer in answers:
        assert failure(answer)["reason"] == "upstream_closed"
    assert failure(ask(gateway.address, *GET))["reason"] == "upstream_unreachable"


def shut(client: Connection) -> None:
    """Say that nothing more will be sent, and nothing else."""
    client.socket.shutdown(socket.SHUT_WR)


#: How a client can leave, and how the log may call it: a close is a RST where something had not been read yet.
LEAVING = {
    "fin": (shut, {"client_closed"}),
    "rst": (Connection.reset, {"client_reset"}),
    "close": (Connection.close, {"client_closed", "client_reset"}),
}


@both_methods
@pytest.mark.parametrize("answered", [True, False], ids=["in the run", "before the answer"])
@pytest.mark.parametrize("leave", LEAVING)
def test_a_client_that_leaves_ends_its_upstream_request(
    request_line: Ask, answered: bool, leave: str, serve: Serve
) -> None:
    orchestrator, gateway = serve(scripted.endless("tick") if answered else scripted.stall)
    client = Connection(gateway.address)
    client.request(*request_line)
    if answered:
        client.answer().read_events(3)
    exchange = orchestrator.exchange()
    depart, reasons = LEAVING[leave]
    depart(client)
    eventually(lambda: exchange.abandoned, "the upstream request ends")
    values = gateway.finished().values
    assert (values["method"], values["reason"] in reasons) == (request_line[0], True), values
    client.close()


def test_a_client_that_leaves_in_the_middle_of_its_body_starts_nothing(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    with Connection(gateway.address) as client:
        client.request("POST", TARGET, [*JSON, ("Content-Length", "100")], b'{"message":')
    assert data(ask(gateway.address, *GET)) == CHAT
    assert len(orchestrator.requests) == 1


def test_a_client_that_does_not_read_is_let_go_and_delays_nobody(serve: Serve, connect: Connect) -> None:
    async def flood(exchange: Exchange) -> None:
        if exchange.request.json["message"] == "slow":
            await scripted.endless("x" * 8000, pause=0)(exchange)
        else:
            await scripted.chat(*map(str, range(2000)), "[DONE]")(exchange)

    orchestrator, gateway = serve(flood, streams={"client_buffer": "64KiB", "event_size": "32KiB"})
    slow = connect(gateway.address, receive_buffer=4096)
    slow.request("GET", f"{TARGET}?message=slow")
    orchestrator.exchange(0)
    quick = ask(gateway.address, "GET", f"{TARGET}?message=quick")
    assert data(quick) == [*map(str, range(2000)), "[DONE]"]
    line = gateway.finished(reason="slow_reader")
    eventually(lambda: orchestrator.exchange(0).abandoned, "the upstream request ends")
    answer = slow.answer()
    assert answer.run == line.values["run"]
    with pytest.raises(CutShort):
        answer.read_all()
    ids = [event.id for event in answer.events]
    assert ids == [f"{answer.run}.{n}" for n in range(1, len(ids) + 1)], "what it did get has no hole"


def test_a_client_that_takes_nothing_for_too_long_is_let_go(serve: Serve, connect: Connect) -> None:
    streams = {"client_buffer": "64MiB", "log": {"bytes": "64MiB"}}
    orchestrator, gateway = serve(
        scripted.endless("x" * 1000, pause=0.001), streams=streams, clients={"send_timeout": "1s"}
    )
    client = connect(gateway.address, receive_buffer=2048)
    client.request(*GET)
    exchange = orchestrator.exchange()
    assert gateway.finished(reason="send_timeout")
    eventually(lambda: exchange.abandoned, "the upstream request ends")


@pytest.mark.parametrize("leave", LEAVING)
def test_a_client_that_leaves_is_noticed_behind_requests_that_it_sent_ahead(leave: str, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.stall)
    client = Connection(gateway.address)
    ahead = b"".join(b"GET %s?n=%d HTTP/1.1\r\nHost: a\r\n\r\n" % (TARGET.encode(), n) for n in range(2000))
    client.send(ahead)
    exchange = orchestrator.exchange()
    LEAVING[leave][0](client)
    eventually(lambda: exchange.abandoned, "the upstream request ends")
    client.close()


def test_what_is_sent_ahead_is_not_hoarded(serve: Serve, connect: Connect) -> None:
    orchestrator, gateway = serve(scripted.stall)
    client = connect(gateway.address)
    client.request(*GET)
    orchestrator.exchange()
    before = gateway.resident_bytes
    for _ in range(16):
        client.send(b"GET /ahead HTTP/1.1\r\nHost: a\r\n\r\n" * 30_000)
    assert gateway.resident_bytes - before < 1024 * 1024


def test_a_long_answer_to_a_reader_that_pauses_within_its_buffer_is_whole(serve: Serve, connect: Connect) -> None:
    gate = scripted.Gate()
    texts = ["y" * 1000] * 100

    async def script(exchange: Exchange) -> None:
        await scripted.chat(*texts, "[DONE]")(exchange)
        gate.open()

    _, gateway = serve(script, streams={"client_buffer": "256KiB"})
    client = connect(gateway.address, receive_buffer=4096)
    client.request(*GET)
    eventually(gate._open.is_set, "the orchestrator is done")
    assert data(client.answer()) == [*texts, "[DONE]"]


def test_a_burst_of_small_events_in_one_piece_arrives_whole(serve: Serve) -> None:
    texts = [str(n) for n in range(3000)]
    _, gateway = serve(scripted.stream(blocks(*texts, "[DONE]")))
    assert data(ask(gateway.address, *GET)) == [*texts, "[DONE]"]


def test_an_orchestrator_that_stops_listening_and_comes_back(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    first = scripted.Orchestrator(scripted.chat())
    gateway = start_gateway(chat(first.url, upstream={"keep_alive": "60s"}))
    assert data(ask(gateway.address, *GET)) == CHAT
    first.stop()
    assert failure(ask(gateway.address, *GET))["reason"] == "upstream_unreachable"
    second = scripted.Orchestrator(scripted.chat(), port=first.port)
    try:
        assert data(ask(gateway.address, *GET)) == CHAT
    finally:
        second.stop()
