"""A run as a client sees it: its head, its first block, its ids, its exact bytes, its end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conftest import Connect, Serve, StartGateway, Tutorial
from expectations import GET, JSON, POST, TARGET, Ask, both_methods, data
from gateway import chat
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate
from waiting import eventually
from wire import CutShort, ask


ABANDONED = "cancel"

def expected_body(run: str, *events: str, retry: int = 2000) -> bytes:
    """The body of a run to the byte; each of `events` is the lines of one event, without its id and blank line."""
    numbered = "".join(f"{lines}\nid: {run}.{n}\n\n" for n, lines in enumerate(events, 1))
    return f"retry: {retry}\nid: {run}.0\n\n{numbered}".encode()


@both_methods
def test_a_run_is_an_event_stream_to_the_byte(request_line: Ask, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    answer = ask(gateway.address, *request_line)
    assert (answer.version, answer.status) == ("HTTP/1.1", 200)
    assert answer.get("content-type") == "text/event-stream; charset=utf-8"
    assert answer.get("cache-control") == "no-cache, no-transform"
    assert answer.get("x-accel-buffering") == "no"
    assert answer.get("transfer-encoding") == "chunked"
    assert answer.get("content-encoding") is None
    assert bytes(answer.body) == expected_body(answer.run, *(f"data: {text}" for text in CHAT))
    assert [(request.method, request.target) for request in orchestrator.requests] == [("POST", TARGET)]


@both_methods
def test_the_answer_begins_before_the_orchestrator_has_said_anything(
    request_line: Ask, serve: Serve, connect: Connect
) -> None:
    gate = Gate()

    async def late(exchange: scripted.Exchange) -> None:
        await gate.passed()
        await scripted.chat()(exchange)

    orchestrator, gateway = serve(late)
    answer = connect(gateway.address).ask(*request_line)
    answer.read_until(b"\n\n")
    assert bytes(answer.body) == expected_body(answer.run)
    assert orchestrator.exchange().request.json == {"message": "hello"}
    gate.open()
    assert data(answer) == CHAT


def test_every_event_is_delivered_when_it_happens(serve: Serve, connect: Connect) -> None:
    gates = [Gate() for _ in CHAT]

    async def one_at_a_time(exchange: scripted.Exchange) -> None:
        await exchange.head()
        for gate, text in zip(gates, CHAT, strict=True):
            await gate.passed()
            await exchange.events(text)
        await exchange.end()

    _, gateway = serve(one_at_a_time)
    answer = connect(gateway.address).ask(*GET)
    for number, gate in enumerate(gates, 1):
        gate.open()
        assert len(answer.read_events(number)) == number
    assert data(answer) == CHAT


def test_runs_have_names_that_cannot_be_guessed_and_are_not_repeated(serve: Serve) -> None:
    _, gateway = serve(scripted.chat())
    runs = {ask(gateway.address, *GET).run for _ in range(20)}
    assert len(runs) == 20
    assert all(re.fullmatch(r"[a-z2-7]{26}", run) for run in runs), runs  # 128 bits, five in a letter


def test_the_retry_time_comes_from_the_settings(serve: Serve) -> None:
    _, gateway = serve(scripted.chat(), streams={"retry": "5s"})
    assert ask(gateway.address, *GET).stream.retry == 5000


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("message=What%27s%202%2B2%3F", {"message": "What's 2+2?"}),
        ("message=a+b&lang=en", {"message": "a b", "lang": "en"}),
        ("x=1&x=2&y=3&x=", {"x": ["1", "2", ""], "y": "3"}),
        ("message=%F0%9F%92%A7+%C3%A4", {"message": "\U0001f4a7 ä"}),
        ("message=%22%5C%0A%0D%00%08%1F&a%22b=c", {"message": '"\\\n\r\0\b\x1f', 'a"b': "c"}),
        ("message=bad%FFbytes", {"message": "bad\ufffdbytes"}),
        ("flag&empty=", {"flag": "", "empty": ""}),
        ("message=kept&run=mine&last_event_id=", {"message": "kept"}),
        ("message=a=b&&amp;c=d", {"message": "a=b", "amp;c": "d"}),
        ("", {}),
    ],
)
def test_the_query_of_a_get_becomes_a_json_object(query: str, body: dict[str, Any], serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    assert data(ask(gateway.address, "GET", f"{TARGET}?{query}")) == CHAT
    request = orchestrator.requests[0]
    assert request.json == body
    assert (request.method, request.target) == ("POST", TARGET)
    assert request.get("content-type") == "application/json"
    assert request.get("content-length") == str(len(request.body))


def test_body_and_query_of_a_post_are_passed_on_as_they_are(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    body = bytes(range(256)) * 700
    fields = [("Content-Type", "application/x-mine; v=1")]
    ask(gateway.address, "POST", f"{TARGET}?a=%20x&run&b=+", fields, body)
    request = orchestrator.requests[0]
    assert (request.target, request.get("content-type")) == (f"{TARGET}?a=%20x&run&b=+", "application/x-mine; v=1")
    assert request.body == body


def test_a_chunked_body_reaches_the_orchestrator_whole(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    body = b'5;ext="a;b"\r\n{"mes\r\n00e\r\nsage":"hello"}\r\n0\r\nTrailer: x\r\n\r\n'
    assert data(ask(gateway.address, "POST", TARGET, [*JSON, ("Transfer-Encoding", "chunked")], body)) == CHAT
    assert orchestrator.requests[0].json == {"message": "hello"}


FORMATS = {
    "plain": ("text/plain", b"data: a\n\ndata: b\n\n", ["data: a", "data: b"]),
    "no label": ("", b"data: a\n\n", ["data: a"]),
    "upper case label": ("Text/Event-Stream;charset=UTF-8", b"data: a\n\n", ["data: a"]),
    "crlf": ("text/event-stream", b"data: a\r\n\r\ndata: b\r\n\r\n", ["data: a", "data: b"]),
    "cr": ("text/event-stream", b"data: a\r\rdata: b\r\rdata: c\r\r", ["data: a", "data: b", "data: c"]),
    "mixed": ("text/event-stream", b"data: a\r\n\ndata: b\n\r\n", ["data: a", "data: b"]),
    "bom": ("text/event-stream", b"\xef\xbb\xbfdata: a\n\n", ["data: a"]),
    "no space": ("text/event-stream", b"data:a\n\ndata:  b\n\n", ["data: a", "data:  b"]),
    "lines": ("text/event-stream", b"data: a\ndata\ndata: b\n\n", ["data: a\ndata: \ndata: b"]),
    "named": ("text/event-stream", b"event: x\ndata: a\n\ndata: b\n\n", ["event: x\ndata: a", "data: b"]),
    "foreign": ("text/event-stream", b": hi\nid: 7\nretry: 1\nnews: y\ndata: a\n\n", ["data: a"]),
    "nothing fires": ("text/event-stream", b"event: x\n\n: c\n\nid: 1\n\ndata: a\n\n", ["data: a"]),
    "not utf-8": ("text/event-stream", b"data: \xff\xf0\x9f\x92 \xc3\xa4\n\n", ["data: \ufffd\ufffd ä"]),
    "ndjson": ("application/x-ndjson", b'{"a":1}\n\n{"b":"\\n"}\r\n', ['data: {"a":1}', 'data: {"b":"\\n"}']),
}


@pytest.mark.parametrize("split", [scripted.stream, scripted.byte_by_byte], ids=["whole", "bytes"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_of_upstream_stream_becomes_a_conforming_one(
    name: str, split: Callable[..., scripted.Script], serve: Serve
) -> None:
    content_type, sent, events = FORMATS[name]
    last = b"[DONE]\n" if "ndjson" in name else b"data: [DONE]\n\n"
    _, gateway = serve(split(sent + last, content_type=content_type))
    answer = ask(gateway.address, *GET)
    assert bytes(answer.body) == expected_body(answer.run, *events, "data: [DONE]")


@pytest.mark.parametrize("path", ["stream", "ndjson", "named", "sse-starlette"])
@both_methods
def test_the_tutorial_works_unchanged(
    path: str, request_line: Ask, tutorial: Tutorial, start_gateway: StartGateway
) -> None:
    route = {"run": {"upstream": "chat", "method": "POST", "path": f"/process/{path}"}}
    gateway = start_gateway(chat(tutorial.url, route=route))
    answer = ask(gateway.address, *request_line)
    kinds = [event.json["event"] for event in answer.events]
    assert kinds == [json.loads(text)["event"] for text in CHAT if '"n": 4' not in text]
    assert [event.id for event in answer.events] == [f"{answer.run}.{n}" for n in range(1, 6)]
    assert {event.type for event in answer.events} == (set(kinds) if path == "named" else {"message"})
    assert answer.events[3].json["response_data"] == {"raw_response": {"parts": [{"kind": "text", "text": "hello "}]}}
    assert not answer.stream.comments


def test_a_long_run_arrives_whole_and_in_order(tutorial: Tutorial, start_gateway: StartGateway) -> None:
    gateway = start_gateway(chat(tutorial.url))
    answer = ask(gateway.address, "GET", f"{TARGET}?message=count+2000")
    texts = [event.json["response_data"]["raw_response"]["parts"][0]["text"] for event in answer.events[3:-1]]
    assert texts == [f"{n} " for n in range(2000)]


TERMINAL = {
    "completed in the data": ({}, 'data: {"event":"completed","n":1}'),
    "error in the data": ({}, 'data: {"n":1, "event" : "error", "x": {"event": "no"}}'),
    "escaped": ({}, r'data: {"event":"comp\u006ceted"}'),
    "field": ({}, "event: completed\ndata: bye"),
    "done": ({}, "data: [DONE]"),
    "own event": ({"terminal_events": ["finished"]}, 'data: {"event":"finished"}'),
    "own field": ({"terminal_field": "type"}, 'data: {"type":"completed"}'),
}


@pytest.mark.parametrize("name", TERMINAL)
def test_a_terminal_event_ends_the_body_though_the_orchestrator_goes_on(name: str, serve: Serve) -> None:
    streams, last = TERMINAL[name]

    async def goes_on(exchange: scripted.Exchange) -> None:
        await exchange.head()
        await exchange.body(f"data: a\n\n{last}\n\ndata: too late\n\n".encode())
        await exchange.until_abandoned()

    orchestrator, gateway = serve(goes_on, streams=streams)
    answer = ask(gateway.address, *GET)
    assert bytes(answer.body) == expected_body(answer.run, "data: a", last)
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")
    assert gateway.finished(run=answer.run).values["reason"] == "completed"


@pytest.mark.parametrize(
    ("streams", "event"),
    [
        ({}, '{"event":"completed soon"}'),
        ({}, '{"x":{"event":"completed"}}'),
        ({}, '["event","completed"]'),
        ({}, '{"text":"\\"event\\":\\"completed\\""}'),
        ({}, "completed"),
        ({"terminal_events": ["finished"]}, '{"event":"completed"}'),
        ({"terminal_field": "type"}, '{"event":"completed"}'),
    ],
)
def test_what_only_looks_like_a_terminal_event_ends_nothing(streams: dict[str, Any], event: str, serve: Serve) -> None:
    _, gateway = serve(scripted.chat(event, "next", "[DONE]"), streams=streams)
    assert data(ask(gateway.address, *GET)) == [event, "next", "[DONE]"]


@both_methods
def test_heartbeats_are_single_lines_from_the_beginning_on(request_line: Ask, serve: Serve, connect: Connect) -> None:
    first, second = Gate(), Gate()

    async def silent(exchange: scripted.Exchange) -> None:
        await first.passed()
        await exchange.head()
        await exchange.body(b'data: {"n":')  # the half of an event, held back while hearts beat
        await second.passed()
        await exchange.body(b"1}\n\n")
        await exchange.events("[DONE]")
        await exchange.end()

    _, gateway = serve(silent, streams={"heartbeat": "1s"})
    answer = connect(gateway.address).ask(*request_line)
    answer.read_until(b"\n\n: hb\n: hb\n: hb\n")
    first.open()
    beats = bytes(answer.body).count(b": hb\n")
    answer.read_until(b": hb\n" * (beats + 2))
    second.open()
    answer.read_all()
    without = bytes(answer.body).replace(b": hb\n", b"")
    assert without == expected_body(answer.run, 'data: {"n":1}', "data: [DONE]")


@pytest.mark.parametrize("size", [1, 4096, 65_536, 120_000])
def test_an_event_of_any_allowed_size_passes(size: int, serve: Serve) -> None:
    text = "".join(chr(33 + n % 90) for n in range(size))
    _, gateway = serve(scripted.chat(text, "[DONE]"))
    assert data(ask(gateway.address, *POST)) == [text, "[DONE]"]


def test_concurrent_runs_do_not_mix(serve: Serve) -> None:
    async def personal(exchange: scripted.Exchange) -> None:
        await exchange.head()
        for n in range(50):
            await exchange.events(f"{exchange.request.json['message']} {n}")
        await exchange.events("[DONE]")
        await exchange.end()

    _, gateway = serve(personal)

    def run(name: str) -> list[str]:
        return data(ask(gateway.address, "GET", f"{TARGET}?message={name}"))

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(run, [f"r{n}" for n in range(100)]))
    assert answers == [[*(f"r{n} {m}" for m in range(50)), "[DONE]"] for n in range(100)]


def test_every_finished_run_has_its_line_in_the_log(serve: Serve) -> None:
    _, gateway = serve(scripted.chat())
    answer = ask(gateway.address, *POST)
    values = gateway.finished(run=answer.run).values
    assert (values["route"], values["method"], values["status"]) == (TARGET, "POST", "200")
    assert (values["events"], values["reason"]) == (str(len(CHAT)), "completed")
    assert int(values["bytes"]) >= len(answer.body)
    assert float(values["duration_ms"]) >= 0
    assert "127.0.0.1" in values["client"]


@both_methods
@pytest.mark.parametrize("where", ["header", "query"])
def test_who_has_read_a_run_to_its_end_is_told_to_stay_away(request_line: Ask, where: str, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    last = ask(gateway.address, *request_line).events[-1].id
    method, target, *rest = request_line
    fields, *body = rest or [[]]
    if where == "header":
        fields = [*fields, ("Last-Event-ID", last)]
    else:
        target = f"{target}{'&' if '?' in target else '?'}last_event_id={last}"
    again = ask(gateway.address, method, target, fields, *body)
    assert (again.status, bytes(again.body)) == (204, b"")
    assert len(orchestrator.requests) == 1


def test_a_head_request_starts_no_run(serve: Serve, connect: Connect) -> None:
    orchestrator, gateway = serve(scripted.chat())
    client = connect(gateway.address)
    head = client.ask("HEAD", GET[1])
    assert (head.status, head.get("content-type")) == (200, "text/event-stream; charset=utf-8")
    assert data(client.ask(*GET)) == CHAT
    assert len(orchestrator.requests) == 1


def test_a_run_that_is_cut_by_the_gateways_death_does_not_look_finished(serve: Serve, connect: Connect) -> None:
    _, gateway = serve(scripted.gated(Gate()))
    answer = connect(gateway.address).ask(*GET)
    answer.read_events(3)
    gateway.kill()
    with pytest.raises(CutShort):
        answer.read_all()
