"""An HTTP server on bare sockets that can do everything wrong, follows a script, and remembers what it was asked.

It runs on a thread of its own. A script is a coroutine function that is given the `Exchange` and does with it what it
likes; scripts that several tests want are made by the functions at the end of this file.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from waiting import DEADLINE, eventually

#: The six event kinds of a run, as JSON texts.
CHAT = [
    json.dumps({"event": kind, "n": n, "protocol": "a2a"})
    for n, kind in enumerate(
        [
            "routing_started",
            "routing_completed",
            "agent_execution_started",
            "response_chunk",
            "response_chunk",
            "completed",
        ]
    )
]


def blocks(*datas: str) -> bytes:
    """An event stream with one event for each of `datas`."""
    return "".join(f"data: {data}\n\n" for data in datas).encode()


class Request:
    """A request as it came over the wire."""

    def __init__(self, raw_head: bytes):
        lines = raw_head.decode("latin-1").split("\r\n")
        self.raw_head = raw_head
        self.method, self.target, self.version = lines[0].split(" ")
        self.fields = [(n.lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:] if line)]
        self.body = b""

    def get(self, name: str) -> str | None:
        """All values of the field `name` (lower case) joined by commas, or None."""
        values = [value for key, value in self.fields if key == name]
        return ", ".join(values) if values else None

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Gate:
    """Holds a script until the test opens it."""

    def __init__(self) -> None:
        self._open = threading.Event()

    def open(self) -> None:
        """Let every script pass that waits, or will wait."""
        self._open.set()

    async def passed(self) -> None:
        """Wait until the gate is open; a thousand that wait must not keep the process busy with looking."""
        pause = 0.002
        while not self._open.is_set():
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.05)


class Exchange:
    """A request, and the connection to answer it on. Everything but `send` is a way to say one common thing."""

    def __init__(self, request: Request, connection: _Connection):
        self.request = request
        self.connection = connection
        self.framing = "chunked"

    @property
    def abandoned(self) -> bool:
        """Whether the client has closed its connection."""
        return self.connection.left.is_set()

    async def send(self, data: bytes) -> None:
        """Send `data` as it is, no faster than the client takes it."""
        if self.connection.transport.is_closing():
            raise ConnectionResetError
        self.connection.transport.write(data)
        await self.connection.writable.wait()

    async def head(
        self, content_type: str = "text/plain; charset=utf-8", framing: str = "chunked", extra: str = ""
    ) -> None:
        """Send a 200 head; `framing` is `chunked`, `close`, `http10` or the length in bytes. No type, no label."""
        self.framing = framing
        version = "1.0" if framing == "http10" else "1.1"
        fields = {"chunked": "Transfer-Encoding: chunked\r\n", "close": "Connection: close\r\n", "http10": ""}
        length = fields.get(framing, f"Content-Length: {framing}\r\n")
        label = f"Content-Type: {content_type}\r\n" if content_type else ""
        head = f"HTTP/{version} 200 OK\r\n{label}{length}{extra}\r\n"
        await self.send(head.encode("latin-1"))

    async def body(self, data: bytes) -> None:
        """Send a piece of the body, as a chunk where the body is chunked."""
        await self.send(b"%x\r\n%s\r\n" % (len(data), data) if self.framing == "chunked" else data)

    async def events(self, *datas: str) -> None:
        """Send events, each as a piece of its own."""
        for data in datas:
            await self.body(blocks(data))

    async def end(self) -> None:
        """End the body as its framing says."""
        if self.framing == "chunked":
            await self.send(b"0\r\n\r\n")
        elif self.framing in ("close", "http10"):
            self.close()

    async def until_abandoned(self) -> None:
        """Wait until the client closes."""
        await self.connection.left.wait()

    def close(self) -> None:
        """Close with a FIN, once everything is sent."""
        self.connection.transport.close()

    def reset(self) -> None:
        """Close with a RST."""
        self.connection.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.connection.transport.abort()


Script = Callable[[Exchange], Awaitable[None]]


class _Connection(asyncio.Protocol):
    """One connection from the gateway: cuts the bytes into requests and runs the script for each, in order."""

    transport: asyncio.Transport

    def __init__(self, owner: Orchestrator):
        self.owner = owner
        self.received = bytearray()
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.owner._connected(self)
        self.worker = asyncio.ensure_future(self.serve())

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.arrived.set()

    def eof_received(self) -> bool:
        self.connection_lost(None)
        return True  # the script decides when the other direction ends

    def connection_lost(self, exc: Exception | None) -> None:
        self.left.set()
        self.arrived.set()
        self.writable.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    async def serve(self) -> None:
        try:
            while request := await self.next_request():
                exchange = Exchange(request, self)
                self.owner._asked(exchange)
                await self.owner.script(exchange)
        except ConnectionResetError:
            pass  # the client has left in the middle of an answer
        except Exception as problem:
            self.owner.problems.append(problem)
        finally:
            self.transport.close()
            self.owner._disconnected(self)

    async def next_request(self) -> Request | None:
        while b"\r\n\r\n" not in self.received:
            if not await self.more():
                return None
        end = self.received.index(b"\r\n\r\n") + 4
        request = Request(bytes(self.received[:end]))
        del self.received[:end]
        if "chunked" in (request.get("transfer-encoding") or ""):
            while size := int(await self.take_line(), 16):
                request.body += (await self.take(size + 2))[:-2]
            await self.take_line()
        else:
            request.body = await self.take(int(request.get("content-length") or "0"))
        return request

    async def take_line(self) -> bytes:
        while b"\r\n" not in self.received:
            if not await self.more():
                raise ConnectionResetError
        return await self.take(self.received.index(b"\r\n") + 2)

    async def take(self, count: int) -> bytes:
        while len(self.received) < count:
            if not await self.more():
                raise ConnectionResetError
        taken = bytes(self.received[:count])
        del self.received[:count]
        return taken

    async def more(self) -> bool:
        if not self.left.is_set():
            self.arrived.clear()
            await self.arrived.wait()
        return not self.left.is_set()


class Orchestrator:
    """The server. `exchanges` are the requests so far, in order; `script` may be replaced at any time."""

    def __init__(
        self, script: Script, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ):
        self.script = script
        self.exchanges: list[Exchange] = []
        self.problems: list[Exception] = []
        self.connections_made = 0
        self._open: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), host, port, backlog=1024, ssl=tls)
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def requests(self) -> list[Request]:
        """The requests so far."""
        return [exchange.request for exchange in self.exchanges]

    @property
    def connections_open(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def exchange(self, number: int = 0) -> Exchange:
        """The exchange of this number, waited for."""
        eventually(lambda: len(self.exchanges) > number, f"request {number} at the orchestrator")
        return self.exchanges[number]

    def stop(self) -> None:
        """Reset every connection, stop listening, and raise what went wrong in a script."""
        self._loop.call_soon_threadsafe(self._close)
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), "the scripted orchestrator does not end"
        self._loop.close()
        if self.problems:
            raise self.problems[0]

    def _close(self) -> None:
        async def close() -> None:
            self._server.close()
            workers = [connection.worker for connection in self._open]
            for connection in list(self._open):
                connection.worker.cancel()
                connection.transport.abort()
            await asyncio.gather(*workers, return_exceptions=True)
            self._loop.stop()

        self._closing = self._loop.create_task(close())

    def _connected(self, connection: _Connection) -> None:
        self.connections_made += 1
        self._open.add(connection)

    def _disconnected(self, connection: _Connection) -> None:
        self._open.discard(connection)

    def _asked(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


# Scripts


def stream(*pieces: bytes, content_type: str = "text/plain; charset=utf-8", framing: str = "chunked") -> Script:
    """A 200 answer with each of `pieces` written on its own, ended properly. `length` stands for their length."""

    async def script(exchange: Exchange) -> None:
        length = str(sum(map(len, pieces)))
        await exchange.head(content_type, length if framing == "length" else framing)
        for piece in pieces:
            await exchange.body(piece)
        await exchange.end()

    return script


def chat(*datas: str) -> Script:
    """A whole run: the six event kinds, or the events given."""
    return stream(*(blocks(data) for data in datas or CHAT))


def byte_by_byte(data: bytes, content_type: str = "text/plain") -> Script:
    """A 200 answer in which every byte is a chunk and a packet of its own."""

    async def script(exchange: Exchange) -> None:
        await exchange.head(content_type)
        for n in range(len(data)):
            await exchange.body(data[n : n + 1])
            await asyncio.sleep(0)
        await exchange.end()

    return script


def refuse(status: int, body: bytes, content_type: str = "application/json") -> Script:
    """An answer that is no stream, with this status and body."""

    async def script(exchange: Exchange) -> None:
        head = f"HTTP/1.1 {status} No\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        await exchange.send(head.encode() + body)

    return script


def raw(data: bytes) -> Script:
    """These bytes instead of an answer, then a FIN."""

    async def script(exchange: Exchange) -> None:
        await exchange.send(data)
        exchange.close()

    return script


def start_then(*datas: str, ending: Callable[[Exchange], Awaitable[None] | None]) -> Script:
    """The beginning of a run with these events, then `ending`."""

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.events(*datas)
        if (rest := ending(exchange)) is not None:
            await rest

    return script


async def stall(exchange: Exchange) -> None:
    """Say nothing until the client leaves; a script, and an ending."""
    await exchange.until_abandoned()


def gated(gate: Gate, before: list[str] = CHAT[:3], after: list[str] = CHAT[3:]) -> Script:
    """A run that stops in the middle until the gate is opened."""

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.events(*before)
        await gate.passed()
        await exchange.events(*after)
        await exchange.end()

    return script


def endless(data: str, pause: float = 0.002) -> Script:
    """A run that goes on until the client leaves."""

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        while not exchange.abandoned:
            await exchange.events(data)
            await asyncio.sleep(pause)

    return script


class FullListener:
    """A listener whose queue is full, so that a connection attempt gets no answer at all, as from a dead host."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._queued: list[socket.socket] = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(self._listener.getsockname())
            self._queued.append(client)

    def stop(self) -> None:
        """Close everything."""
        for each in (*self._queued, self._listener):
            each.close()
