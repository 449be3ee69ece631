"""Memory does not grow with the runs that have finished: a hundred thousand of them, in a budget for some thousands."""

from __future__ import annotations

import asyncio
import re

import pytest

from conftest import StartGateway
from gateway import chat
from wire import ask

RUNS = 100_000
FIRST = 20_000
CLIENTS = 32
TEXT = "x" * 200
STORY = b"".join(b'data: {"event":"response_chunk","text":"%s"}\n\n' % TEXT.encode() for _ in range(3))
STORY += b'data: {"event":"completed"}\n\n'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s" % (len(STORY), STORY)
#: The budget is full after less than the first part: 16 MiB are no more than 16,384 runs of a kilobyte. What one more
#: run leaves behind must then be nothing; this is 26 bytes for each, less than any object that could be forgotten.
SLACK = 2 * 1024 * 1024


class _Orchestrator(asyncio.Protocol):
    """Answers every request at once with the same story."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            length = re.search(rb"(?i)content-length: (\d+)", self._received[:end])
            whole = end + 4 + int(length[1] if length else 0)
            if len(self._received) < whole:
                return
            self._received = self._received[whole:]
            self._transport.write(ANSWER)


class _Client(asyncio.Protocol):
    """One run after the other on one connection, as long as there are any left."""

    def __init__(self, left: list[int]):
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.last_run = b""
        self._left = left
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received.endswith(b"\r\n0\r\n\r\n"):
            return
        assert self._received.startswith(b"HTTP/1.1 200 OK\r\n") and self._received.count(b"\ndata: ") == 4
        assert b'"completed"' in self._received, bytes(self._received)
        found = re.search(rb"(?i)\r\nsluice-run: (\w+)", self._received)
        assert found
        self.last_run = found[1]
        self._received.clear()
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(AssertionError(f"the connection ended after {bytes(self._received)!r}: {exc}"))

    def _ask(self) -> None:
        if not self._left:
            self.done.set_result(None)
            self._transport.abort()
            return
        number = self._left.pop()
        self._transport.write(b"GET /process/stream?message=%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)


async def _finish(address: str, count: int) -> str:
    """Let so many runs begin and end, and return one of the last."""
    host, _, port = address.rpartition(":")
    left = list(range(count))
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: _Client(left), host, int(port)) for _ in range(CLIENTS)]
    clients = [client for _, client in made]
    await asyncio.gather(*(client.done for client in clients))
    return clients[0].last_run.decode()


@pytest.mark.timeout(240)
def test_memory_is_flat_under_a_hundred_thousand_finished_runs(start_gateway: StartGateway) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Orchestrator, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        streams = {
            "budget": "16MiB",
            "keep_finished": "1d",
            "client_buffer": "16KiB",
            "event_size": "4KiB",
            "log": {"bytes": "16KiB"},
        }
        gateway = start_gateway(chat(f"http://127.0.0.1:{port}", streams=streams))
        address = gateway.address
        first_run = await _finish(address, 1)
        await _finish(address, FIRST - 1)
        after_the_first = gateway.resident_bytes
        last_run = await _finish(address, RUNS - FIRST)
        grown = gateway.resident_bytes - after_the_first
        assert grown < SLACK, f"resident memory grew by {grown / 1024:.0f} KiB in {RUNS - FIRST} runs"
        kept = await asyncio.to_thread(ask, address, "GET", f"/_sluice/runs/{last_run}")
        assert len(kept.events) == 4, "the newest are kept"
        gone = await asyncio.to_thread(ask, address, "GET", f"/_sluice/runs/{first_run}")
        assert gone.status == 404, "the oldest gave way"
        server.close()

    asyncio.run(main())
