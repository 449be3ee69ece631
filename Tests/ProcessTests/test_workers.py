"""Several workers: a client may come to any of them, and can't tell which it was."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect, Serve, StartGateway, StartOrchestrator, StartProcess
from expectations import JSON, TARGET, data, failure
from gateway import Gateway, chat, feed, yaml
from orchestrators import scripted
from orchestrators.feeds import Source
from orchestrators.scripted import CHAT, Gate
from resuming import ALICE, BOB
from test_limits import Held, begun, close, complete, home
from test_reload import reload
from waiting import DEADLINE, eventually
from wire import Answer, Connection, ask

ABANDONED = "cancel"
WORKERS = 4
Runs = dict[int, Answer]


def get(name: str) -> tuple[str, str]:
    """The GET that starts a run of this name."""
    return "GET", f"{TARGET}?message={name}"


def one_on_each(gateway: Gateway, connect: Connect) -> Runs:
    """Live runs, one on each worker; the kernel chooses, so there may have to be some more."""
    runs: Runs = {}
    for number in range(200):
        answer = connect(gateway.address).ask(*get(f"r{number}"))
        assert begun(answer) == f"r{number}"
        runs.setdefault(home(answer.run, WORKERS), answer)
        if len(runs) == WORKERS:
            return runs
    raise AssertionError(f"all runs are on the workers {sorted(runs)}")


@pytest.fixture
def held(serve: Serve) -> tuple[Held, scripted.Orchestrator, Gateway]:
    """A gateway of four workers whose runs go on until they are told to end."""
    runs = Held()
    orchestrator, gateway = serve(runs, workers=WORKERS)
    return runs, orchestrator, gateway


HeldRuns = tuple[Held, scripted.Orchestrator, Gateway]


def name_of(answer: Answer) -> str:
    """The message with which a run was begun."""
    return begun(answer)


# One client, many workers


def test_runs_are_on_all_workers(held: HeldRuns, connect: Connect) -> None:
    runs, _, gateway = held
    for answer in one_on_each(gateway, connect).values():
        runs.end(name_of(answer), complete)
        answer.read_all()
        assert answer.events[-1].json["event"] == "completed"


def test_one_connection_joins_runs_of_every_worker(held: HeldRuns, connect: Connect) -> None:
    runs, orchestrator, gateway = held
    answers = one_on_each(gateway, connect)
    asked = len(orchestrator.requests)
    for answer in answers.values():
        runs.end(name_of(answer), complete)
        answer.read_all()
    client = connect(gateway.address)
    for _ in range(3):
        for answer in answers.values():
            joined = client.ask("GET", f"/_sluice/runs/{answer.run}")
            assert (joined.run, data(joined)) == (answer.run, data(answer))
            assert client.ask("HEAD", TARGET).status == 200
    assert len(orchestrator.requests) == asked


def test_one_connection_resumes_runs_of_every_worker(held: HeldRuns, connect: Connect) -> None:
    runs, orchestrator, gateway = held
    answers = one_on_each(gateway, connect)
    asked = len(orchestrator.requests)
    client = connect(gateway.address)
    for answer in answers.values():
        name = name_of(answer)
        runs.say(name, "two")
        runs.end(name, complete)
        answer.read_all()
        resumed = client.ask(*get(name), [("Last-Event-ID", f"{answer.run}.1")])
        assert resumed.run == answer.run
        assert data(resumed) == ["two", '{"event":"completed"}']
        last = client.ask(*get(name), [("Last-Event-ID", answer.events[-1].id)])
        assert last.status == 204
    assert len(orchestrator.requests) == asked


def test_one_connection_stops_runs_of_every_worker(held: HeldRuns, connect: Connect) -> None:
    _, _, gateway = held
    answers = one_on_each(gateway, connect)
    client = connect(gateway.address)
    for answer in answers.values():
        assert client.ask("DELETE", f"/_sluice/runs/{answer.run}").status == 204
        assert failure(answer)["reason"] == "stopped"
        assert client.ask("DELETE", f"/_sluice/runs/{'a' * 26}").read_all()


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD"])
def test_somebody_elses_run_is_refused_on_every_worker(method: str, serve: Serve, connect: Connect) -> None:
    runs = Held()
    _, gateway = serve(runs, workers=WORKERS)
    answers = [connect(gateway.address).ask(*get(f"r{number}"), [ALICE]) for number in range(12)]
    for answer in answers:
        begun(answer)
        other = connect(gateway.address)
        assert other.ask(method, f"/_sluice/runs/{answer.run}", [BOB]).status == 403


def pipelined(*requests: tuple[str, str]) -> bytes:
    """Requests without a body, one behind the other."""
    return b"".join(f"{method} {target} HTTP/1.1\r\nHost: g\r\n\r\n".encode() for method, target in requests)


def test_pipelined_requests_for_runs_of_every_worker_are_answered_in_order(held: HeldRuns, connect: Connect) -> None:
    runs, _, gateway = held
    answers = list(one_on_each(gateway, connect).values())
    for answer in answers:
        runs.end(name_of(answer), complete)
        answer.read_all()
    wanted = [*answers, *reversed(answers), answers[0], answers[0]]
    client = connect(gateway.address)
    client.send(pipelined(*(("GET", f"/_sluice/runs/{answer.run}") for answer in wanted)))
    for answer in wanted:
        got = client.answer()
        assert (got.status, got.run) == (200, answer.run)
        assert data(got) == data(answer)
    assert client.ask("HEAD", TARGET).status == 200


@pytest.mark.parametrize("cut", ["in the head", "before its last byte", "in the body", "none"])
def test_what_a_moved_connection_has_sent_of_its_next_request_is_not_lost(
    cut: str, held: HeldRuns, connect: Connect
) -> None:
    runs, _, gateway = held
    answers = one_on_each(gateway, connect)
    for answer in answers.values():
        runs.end(name_of(answer), complete)
        answer.read_all()
    for number, answer in answers.items():
        runs.end(f"next{number}", complete)
        body = b'{"message":"next%d"}' % number
        head = b"POST %s HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n" % (TARGET.encode(), len(body))
        following = head + body
        place = {
            "in the head": 20,
            "before its last byte": len(following) - 1,
            "in the body": len(head) + 3,
            "none": len(following),
        }[cut]
        client = connect(gateway.address)
        client.send(pipelined(("GET", f"/_sluice/runs/{answer.run}")) + following[:place])
        joined = client.answer()
        assert (joined.run, data(joined)) == (answer.run, data(answer))
        client.send(following[place:])
        posted = client.answer()
        assert posted.status == 200
        assert begun(posted) == f"next{number}"
        posted.read_all()
        assert posted.events[-1].json["event"] == "completed"


def test_a_request_with_a_body_is_moved_with_it(serve: Serve, connect: Connect) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate), workers=WORKERS)
    body = json.dumps({"message": "x" * 300_000}).encode()
    first = connect(gateway.address)
    first.request("POST", TARGET, [*JSON, ("Idempotency-Key", "k")], body)
    orchestrator.exchange(0)
    others = [connect(gateway.address) for _ in range(8)]
    for other in others:
        other.request("POST", TARGET, [*JSON, ("Idempotency-Key", "k")], body)
    conflict = connect(gateway.address).ask("POST", TARGET, [*JSON, ("Idempotency-Key", "k")], body[:-1] + b" }")
    assert conflict.status == 409
    gate.open()
    assert [data(each.answer()) for each in (first, *others)] == [CHAT] * 9
    assert [request.body for request in orchestrator.requests] == [body]


def test_a_moved_connection_keeps_its_origin(serve: Serve, connect: Connect) -> None:
    runs = Held()
    _, gateway = serve(runs, workers=WORKERS, cors={"origins": ["https://app.example.com"]})
    for answer in one_on_each(gateway, connect).values():
        joined = connect(gateway.address).ask(
            "GET", f"/_sluice/runs/{answer.run}", [("Origin", "https://app.example.com")]
        )
        assert joined.get("access-control-allow-origin") == "https://app.example.com"
        assert joined.get("date")


def test_connections_that_move_leave_nothing_behind(serve: Serve, connect: Connect) -> None:
    runs = Held()
    limit = {"name": "many", "per": ["client"], "connections": 500}
    _, gateway = serve(runs, workers=WORKERS, limits=[limit], clients={"head_size": "64KiB"})
    answers = list(one_on_each(gateway, connect).values())
    for answer in answers:
        runs.end(name_of(answer), complete)
        answer.read_all()

    def join_all(rounds: int) -> None:
        for number in range(rounds):
            run = answers[number % WORKERS].run
            assert ask(gateway.address, "GET", f"/_sluice/runs/{run}", [("X-Long", "x" * 50_000)]).status == 200

    join_all(400)
    before = gateway.resident_bytes
    join_all(1200)
    # Three of four are moved; what each left behind would be more than 50 KB.
    assert gateway.resident_bytes - before < 20 << 20
    assert ask(gateway.address, "HEAD", TARGET).status == 200


def test_moved_connections_count_once(serve: Serve, connect: Connect) -> None:
    runs = Held()
    _, gateway = serve(runs, workers=WORKERS, limits=[{"name": "few", "connections": 40}])
    answers = list(one_on_each(gateway, connect).values())
    open_now = len(gateway_connections(gateway))
    clients = [connect(gateway.address) for _ in range(40 - open_now)]
    for number, client in enumerate(clients):
        for turn in range(WORKERS):
            run = answers[(number + turn) % WORKERS].run
            assert client.ask("HEAD", f"/_sluice/runs/{run}").status == 200
    assert connect(gateway.address).ask("HEAD", TARGET).status == 503
    for client in clients:
        client.close()
    for _ in range(len(clients)):
        eventually(lambda: connect(gateway.address).ask("HEAD", TARGET).status == 200, "there is room again")


def gateway_connections(gateway: Gateway) -> list[str]:
    """The established connections of clients to the gateway."""
    port = f":{int(gateway.address.rpartition(':')[2]):04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [line[2] for line in lines if line[1].endswith(port) and line[3] == "01"]


# Many clients, one run


def test_a_hundred_requests_with_one_key_are_one(serve: Serve) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate), workers=WORKERS)
    ready = threading.Barrier(100)

    def post(_: int) -> tuple[str, list[str]]:
        with Connection(gateway.address) as client:
            ready.wait(DEADLINE)
            answer = client.ask("POST", TARGET, [*JSON, ("Idempotency-Key", "one")], b'{"message":"hello"}')
            answer.read_events(3)
            gate.open()
            return answer.run, data(answer)

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(post, range(100)))
    assert Counter(run for run, _ in answers).most_common() == [(answers[0][0], 100)]
    assert all(events == CHAT for _, events in answers)
    assert len(orchestrator.requests) == 1


def test_a_hundred_tabs_read_one_run(held: HeldRuns, connect: Connect) -> None:
    runs, orchestrator, gateway = held
    first = connect(gateway.address).ask(*get("shared"))
    begun(first)
    tabs = [connect(gateway.address).ask("GET", f"/_sluice/runs/{first.run}") for _ in range(100)]
    words = [str(number) for number in range(50)]
    runs.say("shared", *words)
    runs.end("shared", complete)
    texts = data(first)
    assert texts[1:-1] == words
    for tab in tabs:
        assert data(tab) == texts
        assert [event.id for event in tab.events] == [f"{first.run}.{n}" for n in range(1, 53)]
    assert len(orchestrator.requests) == 1
    lines = gateway.wait_for(
        lambda: len(lines := gateway.logged("request", run=first.run)) == 101 and lines, "a line for each reader"
    )
    for line in lines:
        assert (line.values["reason"], line.values["events"], line.values["client"]) == ("completed", "52", "127.0.0.1")


def test_a_stop_reaches_the_readers_of_every_worker(held: HeldRuns, connect: Connect) -> None:
    _, orchestrator, gateway = held
    first = connect(gateway.address).ask(*get("shared"))
    begun(first)
    tabs = [connect(gateway.address).ask("GET", f"/_sluice/runs/{first.run}") for _ in range(12)]
    for tab in tabs:
        begun(tab)
    assert ask(gateway.address, "DELETE", f"/_sluice/runs/{first.run}").status == 204
    assert [failure(tab)["reason"] for tab in (first, *tabs)] == ["stopped"] * 13
    eventually(lambda: orchestrator.exchange(0).abandoned, "the orchestrator's request is given up")


# Feeds


@pytest.fixture
def serve_feed(start_gateway: StartGateway) -> Iterator[Callable[..., tuple[Source, Gateway]]]:
    """An event source, and a gateway of four workers with a feed route to it."""
    with ExitStack() as stack:

        def start(**settings: Any) -> tuple[Source, Gateway]:
            source = Source()
            stack.callback(source.stop)
            return source, start_gateway(feed(source.url, workers=WORKERS, **settings))

        yield start


ServeFeed = Callable[..., tuple[Source, Gateway]]


class Crowd:
    """Many subscribers that only note the bytes they get, read by one thread."""

    def __init__(self, gateway: Gateway, count: int, fields: str = ""):
        host, _, port = gateway.address.rpartition(":")
        request = f"GET /events/a HTTP/1.1\r\nHost: g\r\n{fields}\r\n".encode()
        self.sockets: list[socket.socket] = []
        self.received = [bytearray() for _ in range(count)]
        for _ in range(count):
            each = socket.create_connection((host, int(port)), DEADLINE)
            each.sendall(request)
            self.sockets.append(each)

    def read_until(self, part: bytes) -> None:
        """Read all until each has got this."""
        for each, received in zip(self.sockets, self.received, strict=True):
            while part not in received:
                piece = each.recv(65536)
                assert piece, f"a subscriber's connection ended after {bytes(received[-300:])!r}"
                received.extend(piece)

    def numbers(self) -> Counter[tuple[int, ...]]:
        """How many subscribers have got which numbers, in this order."""
        return Counter(tuple(map(int, re.findall(rb"data: (\d+)\n", received))) for received in self.received)

    def close(self) -> None:
        """Leave."""
        for each in self.sockets:
            each.close()


def test_two_thousand_subscribers_on_all_workers_share_one_request(serve_feed: ServeFeed) -> None:
    source, gateway = serve_feed()
    crowd = Crowd(gateway, 2000)
    try:
        crowd.read_until(b"retry: ")
        source.wait_for_subscribers()
        source.count(range(1, 201))
        crowd.read_until(b"data: 200\n")
        assert crowd.numbers() == Counter({tuple(range(1, 201)): 2000})
        assert len(source.requests) == 1
    finally:
        crowd.close()
    eventually(lambda: len(gateway.logged("request")) == 2000, "a line for each")
    assert all(line.values["events"] == "200" and line.values["feed"] for line in gateway.logged("request"))


def test_a_feed_is_resumed_on_any_worker(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed()
    watcher = connect(gateway.address).ask("GET", "/events/a")
    watcher.read_until(b"retry: ")
    source.wait_for_subscribers()
    source.count(range(1, 101))
    watcher.read_events(100)
    for number in range(24):
        last = number * 4
        resumed = connect(gateway.address).ask("GET", "/events/a", [("Last-Event-ID", str(last))] if last else [])
        if last:
            events = resumed.read_events(100 - last)
            assert [event.data for event in events] == [str(n) for n in range(last + 1, 101)]
        else:
            resumed.read_until(b"id: 100\n")
    assert len(source.requests) == 1


def test_subscribers_of_every_worker_come_and_go(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(route={"on_abandoned": "cancel"})
    for turn in range(5):
        readers = [connect(gateway.address).ask("GET", "/events/a") for _ in range(10)]
        for reader in readers:
            reader.read_until(b"retry: ")
        source.wait_for_subscribers(1)
        source.say(f"turn {turn}", id=str(turn))
        for reader in readers:
            reader.read_until(f"data: turn {turn}\n".encode())
            close(reader)
        source.wait_for_subscribers(0)
    assert len(source.requests) == 5


# Ends and settings


def test_a_drain_lets_runs_of_all_workers_finish(connect: Connect, serve: Serve) -> None:
    runs = Held()
    _, gateway = serve(runs, workers=WORKERS, drain={"deadline": "20s"})
    answers = one_on_each(gateway, connect)
    idle = [connect(gateway.address) for _ in range(12)]
    for each in idle:
        assert each.ask("HEAD", TARGET).status == 200
    gateway.signal(signal.SIGTERM)
    gateway.wait_for_log("draining")
    for each in idle:
        assert each.read_to_end() == b""
    for answer in answers.values():
        name = name_of(answer)
        runs.say(name, "still here")
        runs.end(name, complete)
        assert data(answer)[1:] == ["still here", '{"event":"completed"}']
    # Other runs are left from finding one on each worker.
    for number in range(200):
        runs.end(f"r{number}", complete)
    assert gateway.wait() == 0


def test_a_drain_ends_what_is_left_at_its_deadline_on_all_workers(serve: Serve, connect: Connect) -> None:
    _, gateway = serve(Held(), workers=WORKERS, drain={"deadline": "500ms"})
    answers = one_on_each(gateway, connect)
    gateway.signal(signal.SIGTERM)
    for answer in answers.values():
        assert failure(answer)["reason"] == "drained"
    assert gateway.wait() == 0


def threads(gateway: Gateway) -> list[str]:
    """The names of the process's threads."""
    return [path.read_text().strip() for path in Path(f"/proc/{gateway.pid}/task").glob("*/comm")]


@pytest.mark.parametrize("workers", [1, 2, 4, 7])
def test_there_are_as_many_workers_as_the_settings_say(workers: int, serve: Serve, connect: Connect) -> None:
    _, gateway = serve(scripted.chat(), workers=workers)
    assert threads(gateway).count("worker") == workers
    assert data(connect(gateway.address).ask(*get("x"))) == CHAT


def test_auto_is_one_for_each_processor(serve: Serve, start_gateway: StartGateway) -> None:
    orchestrator, gateway = serve(scripted.chat(), workers="auto")
    here = len(os.sched_getaffinity(0))
    assert 1 <= threads(gateway).count("worker") <= here
    first = min(os.sched_getaffinity(0))
    bound = start_gateway(chat(orchestrator.url, workers="auto"), through=["taskset", "-c", str(first)])
    assert threads(bound).count("worker") == 1


def test_the_number_of_workers_does_not_change_while_it_serves(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), workers=2)
    reload(gateway, chat(orchestrator.url, workers=4))
    line = gateway.wait_for_log("reload_refused")
    assert "workers" in line.values["detail"]
    assert threads(gateway).count("worker") == 2
    assert data(ask(gateway.address, *get("x"))) == CHAT


def test_settings_reach_every_worker(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), workers=WORKERS)
    settings = chat(orchestrator.url, workers=WORKERS, streams={"retry": "7s"})
    reload(gateway, settings)
    gateway.wait_for_log("reloaded")

    def all_new() -> bool:
        return all(ask(gateway.address, *get("x")).stream.retry == 7000 for _ in range(16))

    eventually(all_new, "the new settings are in force everywhere")


@pytest.mark.parametrize("theirs", [1, 4])
@pytest.mark.parametrize("ours", [1, 4])
def test_a_port_is_not_shared_with_another_process(
    ours: int, theirs: int, serve: Serve, start_process: StartProcess, tmp_path: Path
) -> None:
    orchestrator, gateway = serve(scripted.chat(), workers=theirs)
    settings = chat(orchestrator.url, workers=ours)
    settings["listen"] = [{"address": gateway.address}]
    file = tmp_path / "second.yaml"
    file.write_text(yaml(settings))
    second = start_process(["serve", "--config", str(file)])
    assert second.wait() == 69
    assert gateway.address in second.stderr
    assert data(ask(gateway.address, *get("x"))) == CHAT


def test_a_unix_socket_is_served_by_all_workers(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, tmp_path: Path, connect: Connect
) -> None:
    orchestrator = start_orchestrator(Held())
    settings = chat(orchestrator.url, workers=WORKERS)
    settings["listen"] = [{"address": f"unix:{tmp_path}/g.sock"}]
    gateway = start_gateway(settings)
    answers = [connect(gateway.address).ask(*get(f"r{number}")) for number in range(20)]
    for number, answer in enumerate(answers):
        assert begun(answer) == f"r{number}"
        assert begun(connect(gateway.address).ask("GET", f"/_sluice/runs/{answer.run}")) == f"r{number}"
    gateway.stop()
    assert not (tmp_path / "g.sock").exists()
