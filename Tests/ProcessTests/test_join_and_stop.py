"""Many readers of one run: who comes later joins it, who stops it stops it for all, and who leaves last decides."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conftest import Connect, Serve, StartGateway, StartOrchestrator
from expectations import GET, POST, TARGET, Ask, assert_problem, both_methods, data, failure
from gateway import Gateway, chat
from orchestrators import scripted
from orchestrators.scripted import CHAT, Exchange, Gate
from resuming import (
    ALICE,
    BOB,
    NOBODYS,
    RETRY,
    Storyteller,
    assert_requests,
    both_places,
    failure_alone,
    numbers,
    resuming,
    with_fields,
)
from test_cors import CORS, listed
from waiting import eventually
from wire import Answer, Connection, ask


def join(run: str) -> Ask:
    """The request that joins a run."""
    return "GET", f"/_sluice/runs/{run}"


def stop(gateway: Gateway, run: str, *fields: tuple[str, str]) -> Answer:
    """Ask for the end of a run."""
    return ask(gateway.address, "DELETE", f"/_sluice/runs/{run}", fields)


# Join


@both_methods
def test_who_joins_gets_the_run_from_its_start(request_line: Ask, serve: Serve, connect: Connect) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate), streams={"retry": RETRY})
    first = connect(gateway.address).ask(*request_line)
    first.read_events(3)
    second = connect(gateway.address).ask(*join(first.run))
    assert (second.status, second.run) == (200, first.run)
    for name in ("content-type", "cache-control", "x-accel-buffering", "transfer-encoding"):
        assert second.get(name) == first.get(name)
    second.read_events(3)
    gate.open()
    assert data(first) == data(second) == CHAT
    finished = ask(gateway.address, *join(first.run))
    assert bytes(finished.body) == bytes(second.body) == bytes(first.body)
    assert_requests(orchestrator, 1)


@both_places
def test_who_joins_may_say_where(place: str, serve: Serve, connect: Connect) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate))
    first = connect(gateway.address).ask(*GET)
    first.read_events(3)
    live = connect(gateway.address).ask(*resuming(join(first.run), f"{first.run}.2", place))
    live.read_events(1)
    gate.open()
    assert data(live) == CHAT[2:]
    assert data(ask(gateway.address, *resuming(join(first.run), f"{first.run}.4", place))) == CHAT[4:]
    assert data(ask(gateway.address, *resuming(join(first.run), f"{NOBODYS}.4", place))) == CHAT, "of another run"
    assert ask(gateway.address, *resuming(join(first.run), f"{first.run}.6", place)).status == 204
    assert_requests(orchestrator, 1)


@pytest.mark.parametrize("name", [NOBODYS, "x", "", "a" * 27, "A" * 26, f"{NOBODYS}/x", "a" * 25 + "1"])
def test_what_names_no_run_is_not_found(name: str, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    for method in ("GET", "DELETE"):
        assert_problem(ask(gateway.address, method, f"/_sluice/runs/{name}"), 404)
    assert_requests(orchestrator, 0)


def test_a_run_can_be_read_and_stopped_and_nothing_else(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    run = ask(gateway.address, *GET).run
    for method in ("POST", "PUT", "PATCH"):
        answer = ask(gateway.address, method, f"/_sluice/runs/{run}", body=b"")
        assert_problem(answer, 405)
        assert {"get", "delete"} <= listed(answer, "allow")
    assert_requests(orchestrator, 1)


def test_nobody_else_joins_or_stops_a_run(serve: Serve, connect: Connect) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate))
    owners = connect(gateway.address).ask(*with_fields(GET, [ALICE]))
    owners.read_events(3)
    for stranger in ([BOB], []):
        for place in (join(owners.run), resuming(join(owners.run), f"{owners.run}.1")):
            answer = ask(gateway.address, *with_fields(place, stranger))
            assert_problem(answer, 403)
            assert b"routing" not in answer.body and answer.get("sluice-run") is None
        assert_problem(stop(gateway, owners.run, *stranger), 403)
    assert not orchestrator.exchange().abandoned
    gate.open()
    assert data(owners) == CHAT
    assert data(ask(gateway.address, *with_fields(join(owners.run), [ALICE]))) == CHAT
    assert_requests(orchestrator, 1)


def test_a_hundred_readers_of_one_run_read_the_same(serve: Serve, connect: Connect) -> None:
    story = Storyteller()
    orchestrator, gateway = serve(story, streams={"retry": RETRY})
    readers = [connect(gateway.address).ask("GET", f"{TARGET}?message=all")]
    readers[0].read_events(1)
    for number in range(1, 101):
        readers.append(connect(gateway.address).ask(*join(readers[0].run)))
        readers[0].read_until(f"id: {readers[0].run}.{3 * number}\n".encode())  # each comes a little later
    story.end("all")
    first, *others = [bytes(reader.read_all()) for reader in readers]
    assert data(readers[0]) == story.told["all"]
    assert len(story.told["all"]) >= 300
    assert {other == first for other in others} == {True}
    assert_requests(orchestrator, 1)


def test_a_slow_late_reader_catches_up_while_the_run_goes_on(serve: Serve, connect: Connect) -> None:
    early, caught_up = 700, threading.Event()
    texts: list[str] = []

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        while not caught_up.is_set():
            texts.append(json.dumps({"event": "response_chunk", "n": len(texts) + 1, "text": "x" * 1000}))
            await exchange.events(texts[-1])
            await asyncio.sleep(0.001 if len(texts) <= early else 0.005)
        await exchange.events("[DONE]")
        await exchange.end()

    orchestrator, gateway = serve(script, streams={"log": {"bytes": "16MiB"}, "client_buffer": "256KiB"})
    first = connect(gateway.address).ask(*GET)
    first.read_until(f"id: {first.run}.{early}\n".encode())  # by far more than a reader may lag
    late = connect(gateway.address, receive_buffer=2048).ask(*join(first.run))
    number = 0
    while number < early or number < len(texts) - 5:
        number += 1
        late.read_until(f"id: {first.run}.{number}\n".encode())
    caught_up.set()
    assert data(late) == [*texts, "[DONE]"]
    assert data(first) == data(late)
    assert_requests(orchestrator, 1)


def test_a_reader_that_does_not_read_holds_up_nobody(serve: Serve, connect: Connect) -> None:
    gate = Gate()
    events = [json.dumps({"event": "response_chunk", "n": n, "text": "x" * 60_000}) for n in range(200)]
    streams = {"client_buffer": "64MiB", "log": {"bytes": "64MiB"}}
    orchestrator, gateway = serve(scripted.gated(gate, events, ["[DONE]"]), streams=streams)
    first = connect(gateway.address).ask("GET", f"{TARGET}?message=x")
    lazy = connect(gateway.address, receive_buffer=2048).ask(*join(first.run))
    first.read_until(f"id: {first.run}.200\n".encode())
    gate.open()
    assert data(first) == [*events, "[DONE]"]
    gateway.finished(run=first.run)
    assert len(gateway.logged("request")) == 1, "the lazy one still has all of it before it"
    assert data(lazy) == data(first)
    assert_requests(orchestrator, 1)


# Stop


def assert_stopped(answer: Answer, events: list[str]) -> None:
    """The answer has these events, and comes to a clean end with the news that the run was stopped."""
    assert failure(answer) == {"event": "error", "source": "gateway", "reason": "stopped"}
    assert [event.data for event in answer.events[:-1]] == events
    assert numbers(answer.events) == list(range(1, len(events) + 2))


@both_methods
def test_stopping_ends_a_run_for_every_reader(request_line: Ask, serve: Serve, connect: Connect) -> None:
    orchestrator, gateway = serve(scripted.gated(Gate()))
    readers = [connect(gateway.address).ask(*request_line)]
    run = readers[0].run
    readers += [connect(gateway.address).ask(*join(run)) for _ in range(10)]
    for reader in readers:
        reader.read_events(3)
    answer = stop(gateway, run)
    assert (answer.status, bytes(answer.body)) == (204, b"")
    for reader in readers:
        assert_stopped(reader, CHAT[:3])
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends", within=5)
    for _ in range(2):
        assert stop(gateway, run).status == 204
    assert_stopped(ask(gateway.address, *join(run)), CHAT[:3])
    rest = ask(gateway.address, *resuming(request_line, f"{run}.3"))
    assert failure_alone(rest)["reason"] == "stopped"
    assert ask(gateway.address, *resuming(request_line, f"{run}.4")).status == 204
    assert_requests(orchestrator, 1)


@pytest.mark.parametrize("begun", [False, True], ids=["before the head", "after the head"])
def test_a_run_that_has_not_said_anything_is_stopped(begun: bool, serve: Serve, connect: Connect) -> None:
    script = scripted.start_then(ending=scripted.stall) if begun else scripted.stall
    orchestrator, gateway = serve(script)
    reader = connect(gateway.address).ask(*GET)
    orchestrator.exchange()
    assert stop(gateway, reader.run).status == 204
    assert_stopped(reader, [])
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends", within=5)


def test_a_run_that_nobody_watches_is_stopped(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.gated(Gate()), route={"on_abandoned": "detach"})
    with Connection(gateway.address) as client:
        answer = client.ask(*with_fields(POST, [ALICE]))
        answer.read_events(3)
    gateway.wait_for_log("request", run=answer.run)
    assert not orchestrator.exchange().abandoned
    assert stop(gateway, answer.run, ALICE).status == 204
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends", within=5)
    assert_stopped(ask(gateway.address, *with_fields(join(answer.run), [ALICE])), CHAT[:3])
    assert_requests(orchestrator, 1)


def test_stopping_a_finished_run_changes_nothing(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    whole = ask(gateway.address, *GET)
    for _ in range(2):
        assert stop(gateway, whole.run).status == 204
    assert data(ask(gateway.address, *join(whole.run))) == CHAT
    assert_requests(orchestrator, 1)


def test_many_stop_a_run_at_once(serve: Serve, connect: Connect) -> None:
    orchestrator, gateway = serve(scripted.endless(CHAT[3]))
    reader = connect(gateway.address).ask(*GET)
    reader.read_events(3)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: stop(gateway, reader.run).status, range(8)))
    assert statuses == [204] * 8
    assert failure(reader)["reason"] == "stopped"
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends", within=5)


def test_other_origins_join_and_stop_as_the_settings_say(serve: Serve, connect: Connect) -> None:
    orchestrator, gateway = serve(scripted.gated(Gate()), cors=CORS)
    good, bad = ("Origin", "https://app.example.com"), ("Origin", "https://evil.example.net")
    reader = connect(gateway.address).ask(*GET)
    reader.read_events(3)
    _, target = join(reader.run)
    preflight = [("Access-Control-Request-Method", "DELETE"), ("Access-Control-Request-Headers", "authorization")]
    allowed = ask(gateway.address, "OPTIONS", target, [good, *preflight])
    assert allowed.status == 204 and allowed.get("access-control-allow-origin") == good[1]
    assert "delete" in listed(allowed, "access-control-allow-methods")
    assert ask(gateway.address, "OPTIONS", target, [bad, *preflight]).get("access-control-allow-origin") is None
    for method in ("GET", "DELETE"):
        refused = ask(gateway.address, method, target, [bad])
        assert (refused.status, refused.get("access-control-allow-origin")) == (403, None)
    assert not orchestrator.exchange().abandoned
    joined = connect(gateway.address).ask(*with_fields(join(reader.run), [good]))
    assert joined.get("access-control-allow-origin") == good[1]
    assert "sluice-run" in listed(joined, "access-control-expose-headers")
    assert ask(gateway.address, "DELETE", target, [good]).get("access-control-allow-origin") == good[1]
    assert_stopped(reader, CHAT[:3])
    assert_stopped(joined, CHAT[:3])


# Abandoned

#: Sooner than any time to linger that is not configured.
AT_ONCE = 5.0


def leave(client: Connection, how: str) -> None:
    """Leave a run."""
    client.close() if how == "fin" else client.reset()


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("begun", [False, True], ids=["before the head", "in the run"])
@both_methods
def test_cancel_ends_the_request_when_the_last_reader_leaves(
    request_line: Ask, begun: bool, how: str, serve: Serve
) -> None:
    script = scripted.gated(Gate()) if begun else scripted.stall
    orchestrator, gateway = serve(script, route={"on_abandoned": "cancel"})
    client = Connection(gateway.address)
    answer = client.ask(*request_line)
    answer.read_until(b"\n\n")
    if begun:
        answer.read_events(3)
    orchestrator.exchange()
    leave(client, how)
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends", within=AT_ONCE)
    again = ask(gateway.address, *resuming(request_line, f"{answer.run}.{3 if begun else 0}"))
    assert failure_alone(again)["reason"] != "completed"
    assert ask(gateway.address, *resuming(request_line, again.events[-1].id)).status == 204
    assert_requests(orchestrator, 1)


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_only_the_last_reader_is_the_last(how: str, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.endless(CHAT[3]), route={"on_abandoned": "cancel"})
    first = Connection(gateway.address)
    run = first.ask(*GET).run
    others = [Connection(gateway.address) for _ in range(3)]
    answers = [other.ask(*join(run)) for other in others]
    leave(first, how)
    for number in range(len(others)):
        for answer in answers[number:]:
            answer.read_events(len(answer.events) + 20)
        assert not orchestrator.exchange().abandoned
        leave(others[number], how)
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends", within=AT_ONCE)
    assert_requests(orchestrator, 1)


def test_a_reader_that_is_given_up_has_left(serve: Serve, connect: Connect) -> None:
    orchestrator, gateway = serve(scripted.endless("x" * 60_000), route={"on_abandoned": "cancel"})
    connect(gateway.address, receive_buffer=2048).request(*GET)
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")
    assert gateway.finished().values["reason"] == "slow_reader"


def test_a_reader_that_takes_nothing_for_too_long_has_left(serve: Serve, connect: Connect) -> None:
    text = "x" * 60_000
    sent = scripted.start_then(*[text] * 200, ending=scripted.stall)
    streams = {"client_buffer": "64MiB", "log": {"bytes": "64MiB"}}
    orchestrator, gateway = serve(
        sent, route={"on_abandoned": "cancel"}, streams=streams, clients={"send_timeout": "1s"}
    )
    connect(gateway.address, receive_buffer=2048).request(*GET)
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")


def test_a_run_lingers_for_who_comes_back(serve: Serve, connect: Connect) -> None:
    gate = Gate()
    streams = {"heartbeat": "1s"}
    orchestrator, gateway = serve(scripted.gated(gate), route={"on_abandoned": "linger 1s"}, streams=streams)
    with Connection(gateway.address) as client:
        run = client.ask(*GET).read_events(3)[0].id.rpartition(".")[0]
    back = connect(gateway.address).ask(*resuming(GET, f"{run}.3"))
    back.read_until(b": hb\n: hb\n: hb\n")  # longer than it would have lingered
    assert not orchestrator.exchange().abandoned
    gate.open()
    assert data(back) == CHAT[3:]
    assert_requests(orchestrator, 1)


def test_a_run_does_not_linger_longer_than_told(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.gated(Gate()), route={"on_abandoned": "linger 1s"})
    request = GET
    for _ in range(3):  # the time begins anew with every reader that leaves
        with Connection(gateway.address) as client:
            answer = client.ask(*request)
            answer.read_events(1)
        left = time.monotonic()
        request = resuming(GET, f"{answer.run}.2")
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")
    assert 0.9 < time.monotonic() - left < 10
    again = ask(gateway.address, *resuming(GET, f"{answer.run}.3"))
    assert failure_alone(again)["source"] == "gateway"
    assert_requests(orchestrator, 1)


def test_a_detached_run_outlives_one_that_lingers_as_usual(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    gate = Gate()
    orchestrator = start_orchestrator(scripted.gated(gate))
    settings: dict[str, Any] = chat(orchestrator.url, upstream={"idle_timeout": "60s"})
    settings["routes"].append({**settings["routes"][0], "path": "/detached", "on_abandoned": "detach"})
    gateway = start_gateway(settings)
    runs = []
    for path in ("/detached", TARGET):
        with Connection(gateway.address) as client:
            answer = client.ask("POST", path, *POST[2:])
            answer.read_events(3)
            runs.append(answer.run)
    left = time.monotonic()
    detached, usual = orchestrator.exchange(0), orchestrator.exchange(1)
    eventually(lambda: usual.abandoned, "the usual one ends")
    assert time.monotonic() - left > 14.5, "15 seconds are usual"
    assert not detached.abandoned
    gate.open()
    assert data(ask(gateway.address, *join(runs[0]))) == CHAT
    assert failure(ask(gateway.address, *join(runs[1])))["source"] == "gateway"
    assert_requests(orchestrator, 2)


def test_a_detached_run_comes_to_its_end_unwatched(serve: Serve) -> None:
    gate, ended = Gate(), threading.Event()

    async def script(exchange: Exchange) -> None:
        await scripted.gated(gate)(exchange)
        ended.set()

    orchestrator, gateway = serve(script, route={"on_abandoned": "detach"})
    with Connection(gateway.address) as client:
        answer = client.ask(*POST)
        answer.read_events(1)
    gateway.wait_for_log("request", run=answer.run)
    gate.open()
    eventually(ended.is_set, "the orchestrator says all")
    assert data(ask(gateway.address, *join(answer.run))) == CHAT
    assert_requests(orchestrator, 1)
