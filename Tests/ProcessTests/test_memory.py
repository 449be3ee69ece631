"""The whole gateway stays within `memory.budget`, whatever its clients do: it refuses, serves on, and gives back."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from conftest import StartGateway
from gateway import Gateway, chat, run_command, yaml
from waiting import DEADLINE
from wire import ask

MIB = 1024 * 1024
BUDGET = 16 * MIB
#: What the process needs beside what it counts: 3 MiB when it has begun, and what the allocator keeps for each thread.
BASE = 16 * MIB
#: A body that is begun and not ended; 15/16 of the budget hold 29 of them.
BODY = 512 * 1024
FIT = BUDGET * 15 // 16 // BODY
TEXT = "x" * 2000
STORY = b"".join(b'data: {"event":"response_chunk","text":"%s"}\n\n' % TEXT.encode() for _ in range(100))
STORY += b'data: {"event":"completed"}\n\n'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s" % (len(STORY), STORY)


class _Orchestrator(asyncio.Protocol):
    """Answers every request without a look at it; nobody sends it two at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if b"}" in data:
            self._transport.write(ANSWER)


def _pss(gateway: Gateway) -> int:
    """What the process has of its own (proc(5), smaps_rollup); how much of its code is in memory is the kernel's choice."""
    found = re.search(r"^Pss_Anon:\s+(\d+) kB$", Path(f"/proc/{gateway.pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def _held(address: str) -> dict[str, int]:
    body = ask(address, "GET", "/metrics").body.decode()
    return {kind: int(bytes_) for kind, bytes_ in re.findall(r'^sluice_memory_bytes\{kind="(\w+)"\} (\d+)$', body, re.M)}


async def _begin(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int]:
    """Announce a body, send all of it but the end once that is asked for, and return the status until then."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2 * len(STORY))
    head = b"POST /process/stream HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n" % BODY
    writer.write(head)
    status = int((await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE))[9:12])
    if status == 100:
        writer.write(b"{" + b" " * (BODY - 2))
        await writer.drain()
    return reader, writer, status


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.timeout(120)
def test_ten_times_what_fits_is_refused_and_the_rest_served(start_gateway: StartGateway, workers: int) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Orchestrator, "127.0.0.1", 0)
        settings = chat(
            f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            route={"answer_after": "0s"},
            workers=workers,
            memory={"budget": "16MiB"},
        )
        settings["listen"].append({"address": "127.0.0.1:0", "admin": True})
        gateway = start_gateway(settings)
        address, figures = gateway.addresses
        most = 0

        async def look() -> dict[str, int]:
            nonlocal most
            held = await asyncio.to_thread(_held, figures)
            assert sum(held.values()) <= BUDGET, held
            most = max(most, _pss(gateway))
            return held

        # Ten times as much as fits in finished runs: each leaves 200 KiB, and nobody is refused.
        for _ in range(10 * BUDGET // len(STORY)):
            run = await asyncio.to_thread(ask, address, "GET", "/process/stream?message=hi")
            assert run.status == 200 and len(run.events) == 101
            await look()

        # Ten times as many requests as fit.
        clients = [await _begin(address) for _ in range(10 * FIT)]
        admitted = [client for client in clients if client[2] == 100]
        assert {status for _, _, status in clients} == {100, 503}
        assert FIT - 3 <= len(admitted) <= FIT
        held = await look()
        assert held["requests"] > len(admitted) * BODY * 9 // 10
        refused = await asyncio.to_thread(ask, address, "POST", "/process/stream", body=b"{" + b" " * BODY + b"}")
        assert refused.status == 503 and b'"limit":"memory.budget","bound":"16MiB"' in refused.body

        # Those who were admitted are served to their ends.
        for reader, writer, _ in admitted:
            writer.write(b"}")
            answer = await asyncio.wait_for(reader.readuntil(b'{"event":"completed"}'), DEADLINE)
            assert answer.count(b'"response_chunk"') == 100
            await look()
        for _, writer, _ in clients:
            writer.close()
        run = await asyncio.to_thread(ask, address, "GET", "/process/stream?message=hi")
        assert run.status == 200 and len(run.events) == 101
        assert most <= BUDGET + BASE, f"{most / MIB:.1f} MiB"
        held = await look()
        assert _pss(gateway) <= sum(held.values()) + BASE
        assert held["requests"] < 64 * 1024 and held["answers"] < 64 * 1024 and held["upstreams"] < 64 * 1024
        server.close()

    asyncio.run(main())


def test_check_and_start_tell_what_multiplies_beyond_it(start_gateway: StartGateway, tmp_path: Path) -> None:
    settings = chat("http://127.0.0.1:1", memory={"budget": "64MiB"}, clients={"connections": 1000})
    file = tmp_path / "small.yaml"
    file.write_text(yaml(settings))
    said = run_command("check", str(file)).stdout
    assert "memory.budget: it is less than streams.budget, 256MiB" in said
    assert "memory.budget: 1000 clients (clients.connections) that all lag by streams.client_buffer" in said
    gateway = start_gateway(settings)
    gateway.wait_for_log("settings_risky", key="memory.budget")
