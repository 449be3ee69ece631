"""How long events and runs are kept, and what a reader is told that comes too late for some."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conftest import Connect, Serve
from expectations import GET, TARGET, Ask, both_methods, data
from orchestrators import scripted
from orchestrators.scripted import CHAT, Exchange, Gate
from resuming import LIVE_OR_FINISHED, assert_requests, failure_alone, numbers, resuming
from test_endurance import SLACK
from waiting import eventually
from wire import Answer, Connection, CutShort, Event, ask

# What has left the log


def told(count: int, size: int = 100) -> list[str]:
    """So many events of that size."""
    return [json.dumps({"event": "response_chunk", "n": n, "text": "x" * size}) for n in range(1, count + 1)]


SMALL = {"client_buffer": "4KiB", "event_size": "4KiB"}
BOUNDS = {
    "events": {"log": {"events": 10}},
    "bytes": {**SMALL, "log": {"bytes": "4KiB"}},
}


def assert_gap(answer: Answer, seen: int, everything: list[str]) -> int:
    """The answer tells of a gap behind `seen` and then has all the rest of `everything`; returns the first after it."""
    gap, *rest = answer.events
    assert gap.type == "sluice.gap"
    oldest = len(everything) - len(rest) + 1
    assert gap.json == {"from": seen + 1, "to": oldest - 1}
    assert [event.data for event in rest] == everything[oldest - 1 :]
    assert numbers(rest) == list(range(oldest, len(everything) + 1))
    assert seen <= numbers([gap])[0] < oldest, "who is cut now must come back to a place before the rest"
    return oldest


@LIVE_OR_FINISHED
@both_methods
@pytest.mark.parametrize("bound", BOUNDS)
def test_what_has_left_the_log_is_told_as_a_gap(
    bound: str, request_line: Ask, is_live: bool, serve: Serve, connect: Connect
) -> None:
    gate, last = Gate(), Gate()
    events = told(50)

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.events(*events[:5])
        await gate.passed()
        await exchange.events(*events[5:])
        await last.passed()
        await exchange.events("[DONE]")
        await exchange.end()

    orchestrator, gateway = serve(script, streams=BOUNDS[bound])
    with Connection(gateway.address) as client:
        run = client.ask(*request_line).read_events(5)[0].id.rpartition(".")[0]
    watcher = connect(gateway.address).ask(*resuming(request_line, f"{run}.5"))
    gate.open()
    watcher.read_events(45)
    if not is_live:
        last.open()
        watcher.read_all()
    again = connect(gateway.address).ask(*resuming(request_line, f"{run}.5"))
    again.read_until(f"id: {run}.50\n".encode())
    last.open()
    again.read_all()
    oldest = assert_gap(again, 5, [*events, "[DONE]"])
    if bound == "events":
        assert oldest == (41 if is_live else 42)
    else:
        kept = len(bytes(again.body).partition(b"sluice.gap")[2])
        assert 2048 < kept <= 4096 + 512, "the log is as long as it may be"
    after_the_gap = ask(gateway.address, *resuming(request_line, again.events[0].id))
    left = [event for event in after_the_gap.events if event.type != "sluice.gap"]
    assert numbers(left) == list(range(numbers(left)[0], 52)) and numbers(left)[0] <= max(oldest, 42)
    assert_requests(orchestrator, 1)


def test_events_leave_the_log_by_age(serve: Serve, connect: Connect) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate), streams={"log": {"age": "1s"}, "heartbeat": "1s"})
    first = connect(gateway.address).ask(*GET)
    first.read_events(3)

    def gap() -> Event | None:
        """The first event for who was at the first, if it is a gap."""
        with Connection(gateway.address) as client:
            event = client.ask(*resuming(GET, f"{first.run}.1")).read_events(1)[0]
            return event if event.type == "sluice.gap" else None

    first.read_until(b": hb\n: hb\n")  # two seconds: by now they are too old, and another event makes it known
    gate.open()
    first.read_all()
    event = eventually(gap, "a gap")
    assert event.json["from"] == 2 and event.json["to"] >= 3
    assert_requests(orchestrator, 1)


def test_a_slow_reader_loses_nothing_silently(serve: Serve, connect: Connect) -> None:
    gate = Gate()
    events = told(300, size=60_000)
    told_all: list[bool] = []

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        for text in events:
            await exchange.events(text)
            await asyncio.sleep(0.001)
        told_all.append(True)
        await gate.passed()
        await exchange.events("[DONE]")
        await exchange.end()

    orchestrator, gateway = serve(script)
    slow = connect(gateway.address, receive_buffer=4096).ask(*GET)
    slow.read_events(1)
    gateway.wait_for_log("request", reason="slow_reader")
    with pytest.raises(CutShort):
        while True:
            slow.read_events(len(slow.events) + 1)
    had = slow.events
    assert numbers(had) == list(range(1, len(had) + 1))
    assert slow.stream.last_event_id == had[-1].id
    eventually(lambda: told_all, "the orchestrator has told all but the end")
    again = connect(gateway.address).ask(*resuming(GET, had[-1].id))
    again.read_until(f"id: {slow.run}.300\n".encode())
    gate.open()
    again.read_all()
    assert_gap(again, len(had), [*events, "[DONE]"])
    assert_requests(orchestrator, 1)


@both_methods
def test_a_finished_run_is_kept_no_longer_than_told(request_line: Ask, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), streams={"keep_finished": "1s"})
    answer = ask(gateway.address, *request_line)
    assert data(ask(gateway.address, *resuming(request_line, answer.events[3].id))) == CHAT[4:]
    unknown = eventually(
        lambda: (
            again.events[0]
            if len((again := ask(gateway.address, *resuming(request_line, answer.events[3].id))).events) == 1
            else None
        ),
        "the run is forgotten",
    )
    assert unknown.json["reason"] == "run_unknown"
    assert_requests(orchestrator, 1)


def test_the_oldest_finished_runs_make_room(serve: Serve, connect: Connect) -> None:
    gate = Gate()
    filler = [*told(100, size=1000), "[DONE]"]

    async def script(exchange: Exchange) -> None:
        if exchange.request.json["message"] == "live":
            await scripted.gated(gate)(exchange)
        else:
            await scripted.chat(*filler)(exchange)

    # Each worker has its share of the budget.
    streams = {"budget": "1MiB", "log": {"bytes": "512KiB"}}
    orchestrator, gateway = serve(script, streams=streams, workers=1)
    live = connect(gateway.address).ask("GET", f"{TARGET}?message=live")
    live.read_events(3)
    runs = [ask(gateway.address, *GET).run for _ in range(30)]
    known = [data(ask(gateway.address, *resuming(GET, f"{run}.0"))) == filler for run in runs]
    kept = known.count(True)
    assert known == [False] * (30 - kept) + [True] * kept, "the oldest go first"
    assert 4 <= kept <= 10, "a mebibyte has room for ten"
    assert failure_alone(ask(gateway.address, *resuming(GET, f"{runs[0]}.0")))["reason"] == "run_unknown"
    gate.open()
    assert data(live) == CHAT, "a live run does not give way"
    assert_requests(orchestrator, 31)


def finish_many(address: str, count: int, offset: int) -> None:
    """So many runs with keys of their own, each resumed once when it has ended."""

    def one(number: int) -> None:
        with Connection(address) as client:
            answer = client.ask("GET", f"{GET[1]}&run=key-{number}")
            assert data(answer) == CHAT
            again = client.ask(*resuming(GET, answer.events[-1].id))
            again.read_all()
            assert again.status in (200, 204)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(offset, offset + count)))


MEMORY = {
    "not kept": {"keep_finished": "0s"},
    "kept within a budget": {"keep_finished": "1h", "budget": "1MiB", "log": {"bytes": "256KiB"}},
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("streams", MEMORY.values(), ids=MEMORY)
def test_memory_is_flat_over_finished_runs(streams: dict[str, Any], serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), streams=streams)
    address = gateway.address
    finish_many(address, 1500, offset=0)
    before = gateway.resident_bytes
    finish_many(address, 5000, offset=1500)
    grown = gateway.resident_bytes - before
    assert grown < SLACK, f"resident memory grew by {grown / 1024:.0f} KiB in 5000 runs"
    assert_requests(orchestrator, 6500)
