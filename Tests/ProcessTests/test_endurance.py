"""Nothing is leaked: descriptors and memory after thousands of runs, and recovery when descriptors run out."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from conftest import Connect, Serve, StartGateway, StartOrchestrator
from expectations import GET, data
from gateway import chat
from orchestrators import scripted
from orchestrators.scripted import CHAT, Exchange
from waiting import DEADLINE, eventually
from wire import Connection, ask

ABANDONED = "cancel"

RUNS = 10_000
AT_ONCE = 40
GET_WHOLE = ("GET", GET[1].replace("hello", "whole"))
#: Growth that is forgiven between the first thousands of runs and the last: less than 300 bytes for each.
SLACK = 2 * 1024 * 1024


async def mixed(exchange: Exchange) -> None:
    """A whole run, but for those that are asked to end badly or not at all."""
    match exchange.request.json["message"]:
        case "whole":
            await scripted.chat()(exchange)
        case "cut":
            await scripted.start_then(*CHAT[:3], ending=Exchange.close)(exchange)
        case "reset":
            await scripted.start_then(*CHAT[:3], ending=Exchange.reset)(exchange)
        case "stall":
            await scripted.stall(exchange)
        case _:
            await scripted.start_then(*CHAT[:3], ending=scripted.stall)(exchange)


async def one_run(address: str, kind: str) -> None:
    """One run on a connection of its own; a `leave…` kind leaves in the middle, once with a FIN, once with a RST."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(f"GET {GET[1].replace('hello', kind)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        head = await reader.readuntil(b".0\n\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
        if kind in ("whole", "cut", "reset"):
            body = await reader.read()
            assert body.endswith(b"0\r\n\r\n"), body
            assert (b'"completed"' if kind == "whole" else b'"upstream_closed"') in body, body
        elif kind == "leave-rst":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        writer.transport.abort()


def many_runs(address: str, count: int) -> None:
    """`count` runs, a third of which end badly in one way or another, some at once."""
    kinds = ["whole"] * 7 + ["cut", "reset", "stall", "leave", "leave-rst"]

    async def worker(numbers: range) -> None:
        for number in numbers:
            await asyncio.wait_for(one_run(address, kinds[number % len(kinds)]), DEADLINE)

    async def main() -> None:
        await asyncio.gather(*(worker(range(n, count, AT_ONCE)) for n in range(AT_ONCE)))

    asyncio.run(main())


@pytest.mark.timeout(400)
def test_ten_thousand_runs_leave_nothing_behind(serve: Serve) -> None:
    orchestrator, gateway = serve(mixed, streams={"keep_finished": "0s"})
    at_rest = gateway.descriptors
    many_runs(gateway.address, RUNS // 5)
    after_the_first = gateway.resident_bytes
    many_runs(gateway.address, RUNS - RUNS // 5)
    grown = gateway.resident_bytes - after_the_first
    assert grown < SLACK, f"resident memory grew by {grown / 1024:.0f} KiB in {RUNS - RUNS // 5} runs"
    eventually(lambda: all(each.abandoned for each in orchestrator.exchanges), "all runs have ended")
    eventually(lambda: gateway.descriptors <= at_rest, f"descriptors are back at {at_rest}")
    gateway.wait_for(lambda: len(gateway.logged("request")) == RUNS, "one log line for each run")
    assert data(ask(gateway.address, *GET_WHOLE)) == CHAT


def test_a_thousand_open_runs_are_served_and_given_back(serve: Serve, connect: Connect) -> None:
    gate = scripted.Gate()
    _, gateway = serve(scripted.gated(gate))
    at_rest = gateway.descriptors
    clients = [connect(gateway.address) for _ in range(1000)]
    for client in clients:
        client.request(*GET)
    answers = [client.answer() for client in clients]
    for answer in answers:
        answer.read_events(3)
    gate.open()
    for answer in answers:
        assert data(answer) == CHAT
    for client in clients:
        client.close()
    eventually(lambda: gateway.descriptors <= at_rest + 1000, "client connections are given back")


def test_running_out_of_descriptors_is_said_once_and_survived(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    gateway = start_gateway(chat(orchestrator.url, workers=1, clients={"connections": 1000}), open_files=64)
    clients = [Connection(gateway.address) for _ in range(100)]

    def complaints() -> list[str]:
        return [line for line in gateway.stderr.splitlines() if "too many open files" in line.lower()]

    try:
        gateway.wait_for(complaints, "the shortage is logged")
        for client in clients[:80]:
            client.close()
        for client in clients[80:]:
            assert data(client.ask(*GET_WHOLE)) == CHAT  # some of them had to wait to be accepted
    finally:
        for client in clients:
            client.close()
    assert data(ask(gateway.address, *GET_WHOLE)) == CHAT
    assert len(complaints()) == 1, "the log must not be flooded"
