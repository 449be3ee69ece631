"""The tests' own tools: what they claim to see and to do must be so, or the other tests mean nothing."""

from __future__ import annotations

import json
import socket

import pytest

from conftest import Connect, StartOrchestrator, Tutorial
from gateway import LogLine, chat, yaml
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate, blocks
from waiting import eventually
from wire import CutShort, Event, ask, parse_event_stream

ASK = ("POST", "/process/stream", [("Content-Type", "application/json")], b'{"message":"one two"}')


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("data: a\n\n", [("message", "a", "")]),
        ("data:a\r\ndata:b\r\n\r\n", [("message", "a\nb", "")]),
        ("\ufeffevent: x\rdata\r\r", [("x", "", "")]),
        ("data:  two spaces\n\n", [("message", " two spaces", "")]),
        (": c\n\nevent: lost\n\ndata: a\n\n", [("message", "a", "")]),
        ("id: 1\ndata: a\n\nid\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "")]),
        ("id: 1\n\nid: no\0\ndata: a\n\n", [("message", "a", "1")]),
        ("data: line\u2028line\x0bline\n\n", [("message", "line\u2028line\x0bline", "")]),
        ("data: unfinished\n", []),
    ],
)
def test_the_event_stream_parser_reads_as_a_browser_does(text: str, events: list[tuple[str, str, str]]) -> None:
    assert parse_event_stream(text.encode()).events == [Event(*each) for each in events]


def test_the_event_stream_parser_keeps_what_fires_nothing() -> None:
    stream = parse_event_stream(b"retry: 2000\nid: run.0\n\n: hb\nretry: soon\n")
    assert (stream.events, stream.comments, stream.last_event_id, stream.retry) == ([], ["hb"], "run.0", 2000)


def test_log_lines_are_read_in_both_formats() -> None:
    text = LogLine.parse('2026-11-22T15:00:00.123Z info request status=200 reason=completed route="/a b" run=-')
    json_line = LogLine.parse('{"time":"2026-11-22T15:00:00.123Z","level":"info","event":"request","status":200}')
    assert text and json_line
    assert (text.level, text.event) == (json_line.level, json_line.event) == ("info", "request")
    assert text.values == {"status": "200", "reason": "completed", "route": "/a b", "run": "-"}
    assert json_line.values == {"status": "200"}
    assert LogLine.parse("Fatal error: Index out of range") is None


def test_settings_become_yaml() -> None:
    text = yaml({"a": [{"b": "x: y", "c": {"d": 1}}, "e"], "f": {}, "g": True})
    assert text == '\na: \n  - b: "x: y"\n    c: \n      d: 1\n  - "e"\nf: {}\ng: true'
    assert '- "http://h:1"' in yaml(chat("http://h:1"))


def test_the_tutorial_streams_the_event_kinds_as_plain_text(tutorial: Tutorial) -> None:
    answer = ask(tutorial.url.removeprefix("http://"), *ASK)
    assert answer.get("content-type") == "text/plain; charset=utf-8"
    kinds = [event.json["event"] for event in answer.events]
    assert kinds == [json.loads(text)["event"] for text in CHAT]


def test_the_library_variant_pings_and_ends_lines_with_crlf(tutorial: Tutorial) -> None:
    answer = ask(tutorial.url.removeprefix("http://"), "POST", "/process/sse-starlette", *ASK[2:])
    assert b"\r\n\r\n" in answer.body and b"\n\n" not in answer.body
    assert answer.stream.comments and len(answer.events) == 6


@pytest.mark.parametrize("framing", ["chunked", "length", "close", "http10"])
def test_the_script_frames_a_body_in_every_way(framing: str, start_orchestrator: StartOrchestrator) -> None:
    body = blocks(*CHAT)
    orchestrator = start_orchestrator(scripted.stream(body[:7], body[7:], framing=framing))
    answer = ask(orchestrator.url.removeprefix("http://"), *ASK)
    assert bytes(answer.body) == body
    assert orchestrator.requests[0].json == {"message": "one two"}


def test_the_script_keeps_connections_and_counts_them(connect: Connect, start_orchestrator: StartOrchestrator) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    client = connect(orchestrator.url.removeprefix("http://"))
    for _ in range(3):
        client.ask(*ASK).read_all()
    assert (orchestrator.connections_made, len(orchestrator.requests)) == (1, 3)
    client.close()
    eventually(lambda: orchestrator.connections_open == 0, "the connection is gone")


@pytest.mark.parametrize(
    "script",
    [
        scripted.start_then(CHAT[0], ending=scripted.Exchange.close),
        scripted.start_then(CHAT[0], ending=scripted.Exchange.reset),
    ],
    ids=["fin", "rst"],
)
def test_the_script_cuts_a_run(
    script: scripted.Script, connect: Connect, start_orchestrator: StartOrchestrator
) -> None:
    client = connect(start_orchestrator(script).url.removeprefix("http://"))
    with pytest.raises(CutShort) as cut:
        client.ask(*ASK).read_all()
    assert cut.value.received in (b"", blocks(CHAT[0]))


def test_the_script_notices_that_its_client_has_left(connect: Connect, start_orchestrator: StartOrchestrator) -> None:
    orchestrator = start_orchestrator(scripted.stall)
    client = connect(orchestrator.url.removeprefix("http://"))
    client.request(*ASK)
    assert not orchestrator.exchange().abandoned
    client.close()
    eventually(lambda: orchestrator.exchange().abandoned, "the script notices")


def test_the_gate_holds_a_run(connect: Connect, start_orchestrator: StartOrchestrator) -> None:
    gate = Gate()
    answer = connect(start_orchestrator(scripted.gated(gate)).url.removeprefix("http://")).ask(*ASK)
    assert len(answer.read_events(3)) == 3 and not answer.complete
    gate.open()
    answer.read_all()
    assert [event.data for event in answer.events] == CHAT


def test_a_full_listener_answers_no_connection_attempt() -> None:
    listener = scripted.FullListener()
    with socket.socket() as client, pytest.raises(TimeoutError):
        client.settimeout(0.3)
        client.connect(("127.0.0.1", int(listener.url.rpartition(":")[2])))
    listener.stop()
