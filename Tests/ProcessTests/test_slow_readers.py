"""What becomes of readers that are too slow for their stream, as the route says, and of those beside them."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest

from conftest import Connect, Serve
from expectations import GET
from gateway import Gateway
from orchestrators.scripted import Exchange, Gate
from waiting import eventually
from wire import Connection, Event, ask

#: What the tests' gateways have: a small buffer, the kernel's part of it small, too, and a listener for figures.
SETTINGS: dict[str, Any] = {
    "listen": [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "admin": True}],
    "streams": {"client_buffer": "64KiB", "event_size": "16KiB", "log": {"bytes": "16MiB", "events": 1_000_000}},
    "clients": {"unsent_size": "4KiB"},
}

COUNT = 30_000


def chunk(number: int) -> str:
    """The n-th word of the answer, as the tutorial's orchestrator sends it."""
    parts = [{"kind": "text", "text": f'{number} "\u00fc\n'}]
    fields = {"event": "response_chunk", "protocol": "a2a", "response_data": {"raw_response": {"parts": parts}}}
    return json.dumps(fields)


def text(events: list[Event]) -> str:
    """What a page would show of these events."""
    shown = ""
    for event in events:
        if event.type != "sluice.gap" and event.json["event"] == "response_chunk":
            shown += event.json["response_data"]["raw_response"]["parts"][0]["text"]
    return shown


TEXT = "".join(f'{number} "\u00fc\n' for number in range(COUNT))


def figure(gateway: Gateway, name: str) -> int:
    """One of the gateway's figures."""
    gateway.listeners = 2
    lines = ask(gateway.addresses[1], "GET", "/metrics").read_all().decode().splitlines()
    return next(int(line.removeprefix(name)) for line in lines if line.startswith(f"{name} "))


async def tell(exchange: Exchange) -> None:
    """The most of an answer: thousands of words."""
    await exchange.events('{"event":"routing_started"}', '{"event":"agent_execution_started"}')
    for first in range(0, COUNT, 100):
        await exchange.body("".join(f"data: {chunk(n)}\n\n" for n in range(first, first + 100)).encode())


def scripted_end(gate: Gate) -> Any:
    """The answer, which ends once the gate is open."""

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await tell(exchange)
        await gate.passed()
        await exchange.events('{"event":"completed"}')
        await exchange.end()

    return script


def pausing(connection: Connection, seed: int) -> Connection:
    """The connection, whose client stops to read now and then."""
    pauses, take = random.Random(seed), connection._receive

    def receive() -> bool:
        if pauses.random() < 0.02:
            time.sleep(0.01)
        return take()

    connection._receive = receive  # type: ignore[method-assign]
    return connection


@pytest.mark.parametrize("policy", ["skip", "coalesce"])
def test_a_reader_that_pauses_is_served_as_its_route_says(serve: Serve, connect: Connect, policy: str) -> None:
    gate = Gate()
    _, gateway = serve(scripted_end(gate), route={"slow_readers": policy}, **SETTINGS)
    slow = pausing(connect(gateway.address, receive_buffer=4096), 1)
    answer = slow.ask(*GET)
    eventually(lambda: figure(gateway, f'sluice_slow_readers_total{{policy="{policy}"}}') == 1, "a slow reader")
    gate.open()
    answer.read_all()
    events = answer.events
    last = 0
    for event in events:
        number = int(event.id.rpartition(".")[2])
        if event.type == "sluice.gap":
            assert event.json == {"from": last + 1, "to": number}
        elif policy == "skip":
            assert number == last + 1
        else:
            assert number > last
        last = number
    assert last == COUNT + 3 and events[-1].json["event"] == "completed"
    if policy == "coalesce":
        assert text(events) == TEXT
        assert [event.json["event"] for event in events[:2]] == ["routing_started", "agent_execution_started"]
        assert figure(gateway, "sluice_events_merged_total") == COUNT + 3 - len(events) > COUNT / 4
    else:
        gaps = [event for event in events if event.type == "sluice.gap"]
        assert figure(gateway, "sluice_events_skipped_total") == COUNT + 3 - (len(events) - len(gaps)) > 0
    line = gateway.finished(reason="completed")
    assert int(line.values["events"]) == len(events) - sum(event.type == "sluice.gap" for event in events)
    # Whoever joins the finished run gets every event.
    everything = ask(gateway.address, "GET", f"/_sluice/runs/{answer.run}")
    everything.read_all()
    assert len(everything.events) == COUNT + 3 and text(everything.events) == TEXT


def test_who_was_cut_within_merged_events_goes_on_exactly_behind(serve: Serve, connect: Connect) -> None:
    gate = Gate()
    _, gateway = serve(scripted_end(gate), route={"slow_readers": "coalesce", "on_abandoned": "detach"}, **SETTINGS)
    slow = connect(gateway.address, receive_buffer=4096)
    answer = slow.ask(*GET)
    eventually(lambda: figure(gateway, 'sluice_slow_readers_total{policy="coalesce"}') == 1, "a slow reader")
    gate.open()
    # So much that some of it was merged.
    answer.read_until(f'{COUNT - 5000} \\"'.encode())
    seen, had = answer.stream.last_event_id, answer.events
    slow.reset()
    rest = ask(gateway.address, "GET", GET[1], [("Last-Event-ID", str(seen))])
    rest.read_all()
    assert len(had) < COUNT / 2 and text(had) + text(rest.events) == TEXT


def test_a_run_with_one_reader_waits_for_it(serve: Serve, connect: Connect) -> None:
    gate = Gate()
    gate.open()
    _, gateway = serve(scripted_end(gate), route={"backpressure": True}, **SETTINGS)
    answer = pausing(connect(gateway.address, receive_buffer=4096), 2).ask(*GET)
    eventually(lambda: figure(gateway, "sluice_upstreams_held") == 1, "an upstream that is held")
    answer.read_all()
    assert len(answer.events) == COUNT + 3 and text(answer.events) == TEXT
    assert figure(gateway, "sluice_upstreams_held") == 0
    assert figure(gateway, 'sluice_slow_readers_total{policy="backpressure"}') >= 1
    gateway.finished(reason="completed")


def test_a_client_that_takes_nothing_ends_its_run_although_that_waits(serve: Serve, connect: Connect) -> None:
    gate = Gate()
    settings = {**SETTINGS, "clients": {**SETTINGS["clients"], "send_timeout": "1s"}}
    orchestrator, gateway = serve(
        scripted_end(gate), route={"backpressure": True, "on_abandoned": "cancel"}, **settings
    )
    connect(gateway.address, receive_buffer=4096).ask(*GET)
    gateway.finished(reason="send_timeout")
    eventually(lambda: orchestrator.exchange().abandoned, "the orchestrator's request to be ended")
    assert figure(gateway, "sluice_upstreams_held") == 0


@pytest.mark.parametrize("policy", ["disconnect", "skip", "coalesce"])
def test_readers_that_never_read_cost_their_bound(serve: Serve, connect: Connect, policy: str) -> None:
    """Fifty that read nothing of a long answer: its megabytes for each would be seen."""
    gate = Gate()

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.events('{"event":"routing_queued"}')
        await gate.passed()
        await tell(exchange)
        await exchange.events('{"event":"completed"}')
        await exchange.end()

    settings = {**SETTINGS, "streams": {**SETTINGS["streams"], "log": {"bytes": "1MiB"}}}
    _, gateway = serve(script, route={"slow_readers": policy, "on_abandoned": "detach"}, **settings)
    first = connect(gateway.address, receive_buffer=4096).ask(*GET)
    for _ in range(49):
        reader = connect(gateway.address, receive_buffer=4096)
        reader.ask("GET", f"/_sluice/runs/{first.run}").read_events(1)
    before = gateway.resident_bytes
    gate.open()
    eventually(lambda: figure(gateway, f'sluice_slow_readers_total{{policy="{policy}"}}') == 50, "fifty slow readers")
    eventually(lambda: figure(gateway, "sluice_runs_live") == 0, "the end of the run")
    # The log, what each was promised, and what an allocator keeps.
    assert gateway.resident_bytes - before < (2 + 50 * (64 + 16) / 1024 + 8) * 1024 * 1024
