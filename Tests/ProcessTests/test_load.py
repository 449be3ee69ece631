"""The load tester: what it counts is what the server did, and what it is told to expect decides its exit code."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Serve, StartOrchestrator
from expectations import TARGET
from gateway import binary, run_command
from orchestrators import scripted
from orchestrators.scripted import Exchange
from waiting import DEADLINE, eventually

ABANDONED = "cancel"

STREAM = "text/event-stream"
Found = dict[str, Any]


def load(*arguments: str, code: int = 0) -> Found:
    """What a test has found; it must end with this exit code."""
    done = run_command("load", *arguments, "--json", "-")
    assert done.returncode == code, done
    found: Found = json.loads(done.stdout)
    return found


def counted(found: Found, *names: str) -> list[int]:
    """Some of the plain counts."""
    return [found["counts"][name] for name in names]


def numbered(*numbers: int, name: str = "run") -> bytes:
    """Events with ids of this stream."""
    return b"".join(b"data: {}\nid: %s.%d\n\n" % (name.encode(), number) for number in numbers)


def held(*pieces: bytes) -> scripted.Script:
    """A stream with these pieces that the server never ends."""

    async def script(exchange: Exchange) -> None:
        await exchange.head(STREAM)
        for piece in pieces:
            await exchange.body(piece)
        await exchange.until_abandoned()

    return script


def refusing(status: str, body: str = "", content_type: str = "application/problem+json") -> scripted.Script:
    """An answer without a stream."""

    async def script(exchange: Exchange) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        await exchange.send((head + body).encode())

    return script


def by_turns(*scripts: scripted.Script) -> scripted.Script:
    """The first script for the first request, and so on; the last for all that follow."""
    count = 0

    async def script(exchange: Exchange) -> None:
        nonlocal count
        count += 1
        await scripts[min(count, len(scripts)) - 1](exchange)

    return script


def test_chat_runs_through_the_gateway(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    found = load(gateway.url + TARGET, "-c", "5", "--requests", "30", "--body", '{"message":"hello {n} {i}"}')
    assert counted(found, "requests", "opened", "completed", "ended", "cut") == [30, 30, 30, 30, 0]
    assert counted(found, "events", "marked", "lost", "duplicated") == [30 * 6, 30 * 6, 0, 0]
    assert (found["errors"], found["refused"], found["open"]["at_end"]) == ({}, [], 0)
    assert found["latencies"]["first_event"]["count"] == 30
    assert found["latencies"]["connect"]["count"] == 5, "a client keeps its connection"
    bodies = [request.json["message"].split() for request in orchestrator.requests]
    assert sorted(int(body[2]) for body in bodies) == list(range(1, 31))
    assert {int(body[1]) for body in bodies} == set(range(1, 6))


def test_every_request_may_have_its_own_connection(serve: Serve) -> None:
    _, gateway = serve(scripted.chat())
    found = load(gateway.url + TARGET, "-c", "2", "--requests", "6", "--body", "{}", "--no-reuse", "--threads", "2")
    assert (found["latencies"]["connect"]["count"], found["counts"]["completed"]) == (6, 6)


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
def test_events_in_single_bytes(line_end: str, start_orchestrator: StartOrchestrator) -> None:
    stream = (
        numbered(1, 2).decode() + 'event: note\ndata: a\ndata: b\nid: run.3\n\n: hb\ndata: {"event":"completed"}\n\n'
    )
    server = start_orchestrator(scripted.byte_by_byte(stream.replace("\n", line_end).encode(), STREAM))
    found = load(server.url, "-c", "2", "--requests", "4", "--mode", "chat")
    assert counted(found, "events", "completed", "comments", "lost") == [16, 4, 4, 0]


def test_planted_losses_and_repetitions_are_found(start_orchestrator: StartOrchestrator) -> None:
    server = start_orchestrator(scripted.stream(numbered(0, 1, 2, 5, 6, 6, 3, 7), content_type=STREAM))
    found = load(server.url, "-c", "3", "--expect", "lost==0", "--expect", "duplicated==6", code=1)
    assert counted(found, "events", "lost", "duplicated") == [24, 6, 6]
    assert [each["held"] for each in found["expectations"]] == [False, True]


def test_a_broken_stream_is_resumed_and_losses_over_the_break_are_found(start_orchestrator: StartOrchestrator) -> None:
    async def broken(exchange: Exchange) -> None:
        await exchange.head(STREAM)
        await exchange.body(b"retry: 20\nid: run.0\n\n" + numbered(1, 2, 3))
        await asyncio.sleep(0.05)
        exchange.reset()

    resumed = scripted.stream(numbered(3, 4, 7), content_type=STREAM)
    server = start_orchestrator(by_turns(broken, resumed, refusing("204 No Content")))
    found = load(server.url, "--reconnect", "-H", "X-Key: {uuid}", "--reconnect-delay", "10s")
    assert counted(found, "requests", "reconnects", "cut", "ended") == [3, 2, 1, 1]
    assert counted(found, "events", "lost", "duplicated") == [6, 2, 1]
    assert found["statuses"] == {"200": 2, "204": 1}
    assert [request.get("last-event-id") for request in server.requests] == [None, "run.3", "run.7"]
    assert len({request.get("x-key") for request in server.requests}) == 1, "a repeated request is the same"


def test_a_chat_that_breaks_off_is_resumed_until_its_terminal_event(start_orchestrator: StartOrchestrator) -> None:
    async def broken(exchange: Exchange) -> None:
        await exchange.head(STREAM)
        await exchange.body(b"retry: 1\n\n" + numbered(1))
        exchange.close()

    end = scripted.stream(b"event: completed\ndata: {}\nid: run.2\n\n", content_type=STREAM)
    server = start_orchestrator(by_turns(broken, end))
    found = load(server.url, "--requests", "1", "--body", "{}", "--reconnect")
    assert counted(found, "requests", "reconnects", "completed", "cut", "events", "lost") == [2, 1, 1, 1, 2, 0]
    assert server.requests[1].get("last-event-id") == "run.1"


def test_the_own_end_of_a_client_whose_server_never_ends(start_orchestrator: StartOrchestrator) -> None:
    server = start_orchestrator(held(b"data: [DONE]\n\n"))
    found = load(server.url, "--requests", "1", "--body", "{}")
    assert counted(found, "completed", "ended", "cut") == [1, 1, 0]


def test_refusals_have_a_status_and_the_name_of_the_limit(start_orchestrator: StartOrchestrator) -> None:
    problem = json.dumps({"type": "about:blank", "title": "too many", "status": 429, "limit": "tabs"})
    busy = b'retry: 1\nevent: sluice.busy\ndata: {"limit":"rate"}\n\n'
    evicted = b'data: 1\n\nevent: sluice.evicted\ndata: {"limit":"oldest"}\n\n'
    server = start_orchestrator(
        by_turns(
            refusing("429 Too Many Requests", problem),
            refusing("503 Service Unavailable", "<html>", "text/html"),
            scripted.stream(busy, content_type=STREAM),
            scripted.stream(evicted, content_type=STREAM),
            refusing("200 OK", "{}", "application/json"),
        )
    )
    expectations = [
        "refused==3",
        "refused==1 for limit tabs",
        "refused==1 for limit rate",
        "refused==1 for limit unnamed",
        "refused==1 for status 503",
        "evicted==1 for limit oldest",
        "errors==1",
        "open<=1",
    ]
    expects = [word for text in expectations for word in ("--expect", text)]
    found = load(server.url, "-c", "5", "--in-flight", "1", *expects)
    assert {(each["status"], each["limit"]): each["count"] for each in found["refused"]} == {
        (429, "tabs"): 1,
        (503, None): 1,
        (200, "rate"): 1,
    }
    assert (found["evicted"], found["errors"]) == ({"oldest": 1}, {"not_an_event_stream": 1})


def test_any_content_type_is_a_stream_where_told_so(start_orchestrator: StartOrchestrator) -> None:
    server = start_orchestrator(scripted.chat())
    found = load(server.url, "--requests", "2", "--body", "{}", "--any-content-type")
    assert counted(found, "completed", "events") == [2, 12]


def test_what_is_open_is_counted_by_domain_and_source_address(start_orchestrator: StartOrchestrator) -> None:
    server = start_orchestrator(held())
    arguments = [server.url, "-c", "12", "-d", "1s", "--domains", "2", "--domain-template", "d{n}.test"]
    arguments += ["--source", "127.0.0.5-127.0.0.7", "--expect", "open==6 per domain"]
    found = load(
        *arguments, "--expect", "open==2 per client,domain", "--expect", "open==4 per client", "--threads", "2"
    )
    assert found["open"] == {"peak": 12, "at_end": 12}
    assert found["domains"]["d1.test"] == {"open_peak": 6, "open_at_end": 6, "refused": 0}
    assert {request.get("host") for request in server.requests} == {f"d{n}.test:{server.port}" for n in (1, 2)}
    peers = [exchange.connection.transport.get_extra_info("peername")[0] for exchange in server.exchanges]
    assert {peer: peers.count(peer) for peer in peers} == {f"127.0.0.{n}": 4 for n in (5, 6, 7)}
    told = run_command("load", *arguments, "--expect", "open<=5 per domain")
    assert told.returncode == 1
    line = "expectation failed: open<=5 per domain: open of domain d1.test: wanted <= 5, got 6 (and 1 more)"
    assert line in told.stderr


def test_several_urls_and_templates_in_paths(start_orchestrator: StartOrchestrator) -> None:
    servers = [start_orchestrator(held()), start_orchestrator(held())]
    urls = [f"{server.url}/feed/{{n}}?d={{domain}}" for server in servers]
    found = load(*urls, "-c", "4", "-d", "1s", "--expect", "open==2 per url")
    assert found["open"]["peak"] == 4
    assert sorted(request.target for request in servers[0].requests) == ["/feed/1?d=127.0.0.1", "/feed/3?d=127.0.0.1"]
    assert sorted(request.target for request in servers[1].requests) == ["/feed/2?d=127.0.0.1", "/feed/4?d=127.0.0.1"]


def test_bodies_and_fields_from_files(start_orchestrator: StartOrchestrator, tmp_path: Path) -> None:
    server = start_orchestrator(scripted.stream(b"data: [DONE]\n\n", content_type=STREAM))
    bodies, fields, whole = tmp_path / "bodies", tmp_path / "fields", tmp_path / "whole"
    bodies.write_text('{"q":"a{i}"}\n{"q":"b{i}"}\n')
    fields.write_text("Authorization: Bearer t{n}\nContent-Type: text/x-own\n")
    whole.write_bytes(b"\x00\xff{i}\n")
    load(server.url, "--requests", "3", "--body-lines", str(bodies), "--header-file", str(fields))
    assert [request.json["q"] for request in server.requests] == ["a1", "b2", "a3"]
    assert [request.get("authorization") for request in server.requests] == ["Bearer t1"] * 3
    assert server.requests[0].get("content-type") == "text/x-own"
    load(server.url, "--requests", "1", "--body-file", str(whole))
    assert server.requests[3].body == b"\x00\xff1\n"


def test_slow_readers_read_slowly_and_others_do_not(start_orchestrator: StartOrchestrator) -> None:
    size = 4 << 20
    server = start_orchestrator(held(b"data: " + b"x" * size + b"\n\n"))
    orderly = load(server.url, "-d", "2s", "--expect", "events==1")
    slow = load(server.url, "-d", "2s", "--slow", "100%", "--slow-rate", "16KiB/s", "--expect", "open_at_end==1")
    assert orderly["counts"]["bytes"] > size
    # Two seconds at this rate, and what one read may bring ahead of time.
    assert 0 < slow["counts"]["bytes"] < 128 << 10


def test_half_open_clients_stop_reading_and_notice_when_the_server_cuts_them(
    start_orchestrator: StartOrchestrator,
) -> None:
    async def flood(exchange: Exchange) -> None:
        await exchange.head(STREAM)
        try:
            await asyncio.wait_for(exchange.body(b"data: " + b"x" * (32 << 20) + b"\n\n"), 0.5)
        except TimeoutError:
            exchange.reset()
        else:
            await exchange.until_abandoned()

    server = start_orchestrator(flood)
    found = load(server.url, "-c", "4", "-d", "4s", "--half-open", "50%")
    assert counted(found, "half_open_cut", "cut", "events") == [2, 0, 2]
    assert found["open"] == {"peak": 4, "at_end": 2}
    assert found["tester"]["busiest_second_percent"] < 90, "a reset connection must not keep the loop busy"


def test_latencies_by_the_senders_time_and_without(start_orchestrator: StartOrchestrator) -> None:
    async def feed(exchange: Exchange) -> None:
        await exchange.head(STREAM)
        for number in range(1, 4):
            sent = time.time_ns() - 2_000_000_000
            await exchange.body(b'id: feed.%d\ndata: {"sent":%d}\n\n' % (number, sent))
        await exchange.until_abandoned()

    server = start_orchestrator(feed)
    sender = ["--timestamp-field", "sent", "--timestamp-unit", "ns"]
    found = load(server.url, "-c", "3", "-d", "1s", *sender, "--expect", "event p50>=2s", "--expect", "spread max<1m")
    latencies = found["latencies"]
    counts = {name: each and each["count"] for name, each in latencies.items()}
    assert counts == {"connect": 3, "answer": 3, "first_event": 3, "event": 9, "gap": 6, "spread": 6}
    assert latencies["event"]["p50"] >= 2_000_000_000


def test_an_interrupted_test_still_tells_what_it_found(start_orchestrator: StartOrchestrator) -> None:
    server = start_orchestrator(held())
    child = subprocess.Popen(
        [str(binary()), "load", server.url, "-c", "3", "-d", "10m"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    server.exchange(2)
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=DEADLINE)
    assert (child.returncode, errors) == (130, b"")
    assert b"interrupted" in output and b"3 opened" in output
    eventually(lambda: server.connections_open == 0, "all connections are closed")


def test_where_the_outcome_goes(start_orchestrator: StartOrchestrator, tmp_path: Path) -> None:
    server = start_orchestrator(scripted.stream(b"data: 1\n\n", content_type=STREAM))
    file = tmp_path / "outcome.json"
    both = run_command("load", server.url, "--json", str(file))
    assert "1 opened, 1 ended" in both.stdout and both.stderr == ""
    assert json.loads(file.read_text())["counts"]["events"] == 1
    quiet = run_command("load", server.url, "--quiet", "--expect", "events==2")
    assert (quiet.returncode, quiet.stdout) == (1, "")
    assert quiet.stderr == "sluice: expectation failed: events==2: events: wanted == 2, got 1\n"
    server.script = held()
    shown = run_command("load", server.url, "-d", "2s", "--progress")
    assert "open 1/1" in shown.stderr and "open 1/1" not in shown.stdout
    lost = run_command("load", server.url, "-d", "1s", "--json", str(tmp_path / "no" / "where"))
    assert lost.returncode == 73


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["https://127.0.0.1/"], ["URL", "https://127.0.0.1/", "http://"]),
        (["http://127.0.0.1/", "--connections", "many"], ["--connections", "many", "whole number"]),
        (["http://127.0.0.1/", "--source", "192.0.2.1"], ["--source", "192.0.2.1", "addresses of this host"]),
        (["http://127.0.0.1/", "--expect", "open<=6 per galaxy"], ["--expect", "open<=6 per galaxy", "domain"]),
        (["http://127.0.0.1/", "-c", "1000000"], ["--connections", "1000000", "descriptors"]),
    ],
)
def test_a_wrong_value_is_told_with_option_given_and_allowed(arguments: list[str], words: list[str]) -> None:
    told = run_command("load", *arguments)
    assert (told.returncode, told.stdout) == (64, "")
    for word in words:
        assert word in told.stderr


def test_other_ends(tmp_path: Path, start_orchestrator: StartOrchestrator) -> None:
    server = start_orchestrator(scripted.chat())
    port = server.port
    missing = run_command("load", server.url, "--body-file", str(tmp_path / "none"))
    assert missing.returncode == 66 and "--body-file" in missing.stderr
    nameless = run_command("load", "http://nowhere.invalid/")
    assert nameless.returncode == 69 and "nowhere.invalid" in nameless.stderr
    deaf = run_command("load", f"http://127.0.0.2:{port}/", "--json", "-")
    assert deaf.returncode == 69 and "nothing was answered" in deaf.stderr
    assert json.loads(deaf.stdout)["errors"] == {"connect_refused": 1}


def test_each_thread_has_a_limit_of_open_files_of_its_own(start_orchestrator: StartOrchestrator) -> None:
    server = start_orchestrator(held())
    command = ["prlimit", "--nofile=64:64", str(binary()), "load", server.url, "-c", "100", "-d", "2s"]
    one = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert one.returncode == 64 and "at most 32 with --threads 1" in one.stderr
    four = [*command, "--threads", "4", "--expect", "open==100"]
    done = subprocess.run(four, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done


@pytest.fixture
def nginx(start_orchestrator: StartOrchestrator, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """An nginx that lets two connections of an address through to a stream that never ends."""
    program = shutil.which("nginx")
    if not program:
        pytest.skip("nginx is not installed")
    socket_path = tmp_path / "nginx.sock"
    upstream = start_orchestrator(held(b": hello\n"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = f"""
        daemon off; worker_processes 1; pid {tmp_path}/pid; error_log stderr crit;
        events {{ worker_connections 64; }}
        http {{
          access_log off; limit_conn_zone $binary_remote_addr zone=each:1m;
          client_body_temp_path {tmp_path}/a; proxy_temp_path {tmp_path}/b; fastcgi_temp_path {tmp_path}/c;
          uwsgi_temp_path {tmp_path}/d; scgi_temp_path {tmp_path}/e;
          server {{
            listen 127.0.0.1:{port}; listen unix:{socket_path}; limit_conn each 2;
            location / {{ proxy_pass {upstream.url}; proxy_http_version 1.1; proxy_buffering off; }}
          }}
        }}"""
    file = tmp_path / "nginx.conf"
    file.write_text(settings)
    child = subprocess.Popen([program, "-p", str(tmp_path), "-c", str(file)], stderr=subprocess.DEVNULL)
    eventually(socket_path.exists, "nginx listens")
    yield lambda: f"http://127.0.0.1:{port}/"
    child.terminate()
    child.wait(DEADLINE)


def test_the_limit_of_nginx_is_seen(nginx: Callable[[], str]) -> None:
    expects = ["--expect", "open==2 per client", "--expect", "refused==3 for status 503"]
    found = load(nginx(), "-c", "5", "-d", "2s", *expects)
    assert found["refused"] == [{"status": 503, "limit": None, "count": 3}]
