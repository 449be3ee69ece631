"""A TCP proxy between client and gateway that cuts connections at chosen bytes or on command, as networks do."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterable
from typing import Literal, NamedTuple, Self

from waiting import DEADLINE

By = Literal["fin", "rst"]


class Cut(NamedTuple):
    """The end of one connection: as soon as the server sends more than `after` bytes; the client gets just those."""

    after: int
    by: By


def random_cuts(count: int, most: int, seed: int, *, head: int = 0) -> list[Cut]:
    """Cuts at random bytes. The first come before any byte, within the head, and before the first event.

    Within the first `head` bytes every cut is a reset, for browsers: without TLS, Chromium takes the part of a head
    that comes before a FIN for a whole one, and an answer without its fields is not what any server meant.
    """
    chance = random.Random(seed)
    early = [0, 30, 250, 420]
    places = [*early, *(chance.randrange(most) for _ in range(count - len(early)))]
    ways: tuple[By, By] = ("fin", "rst")
    return [Cut(place, "rst" if 0 < place < head else chance.choice(ways)) for place in places]


class _Link:
    """One connection of a client, and the one to the gateway that belongs to it."""

    def __init__(self, client: asyncio.StreamWriter, gateway: asyncio.StreamWriter):
        self.client = client
        self.gateway = gateway

    def end(self, by: By) -> None:
        """End both: the client's at once, the gateway's too, whose last words are read to nobody."""
        if by == "rst":
            _reset(self.client)
            _reset(self.gateway)
            return
        self.client.close()
        if not self.gateway.transport.is_closing():
            self.gateway.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class CuttingProxy:
    """The proxy, on a thread of its own. `target` may be replaced; it counts for connections that are yet to come.

    The first connection that says anything gets the first of the `cuts`, and so on; those that come when none is left
    are passed on unharmed. With `spares_block_ends` no cut falls between the two line ends that end an event.
    """

    def __init__(self, target: str, cuts: Iterable[Cut] = (), *, spares_block_ends: bool = False):
        self.target = target
        self.cuts = deque(cuts)
        self.spares_block_ends = spares_block_ends
        self.cuts_made = 0
        self.connections = 0
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(DEADLINE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)
        self._loop.close()

    def cut(self, by: By) -> None:
        """Cut every connection that is open now."""

        async def cut() -> None:
            for link in list(self._links):
                self._cut(link, by)

        asyncio.run_coroutine_threadsafe(cut(), self._loop).result(DEADLINE)

    def _cut(self, link: _Link, by: By) -> None:
        self._links.discard(link)
        self.cuts_made += 1
        link.end(by)

    async def _serve(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            if first := await client_reader.read(65536):  # browsers open connections that they may not use
                await self._join(client_reader, client, first)
        except OSError:
            pass  # the client has left, or there is no gateway
        finally:
            self._tasks.discard(task)
            client.close()

    async def _join(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter, first: bytes) -> None:
        self.connections += 1
        cut = self.cuts.popleft() if self.cuts else None
        host, _, port = self.target.rpartition(":")
        gateway_reader, gateway = await asyncio.open_connection(host, int(port))
        client.transport.set_write_buffer_limits(0)  # what was drained is in the hands of the kernel
        link = _Link(client, gateway)
        self._links.add(link)
        gateway.write(first)
        requests = asyncio.ensure_future(self._pass_requests(client_reader, link))
        try:
            await self._pass_answers(gateway_reader, link, cut)
        finally:
            self._links.discard(link)
            requests.cancel()
            gateway.close()

    async def _pass_requests(self, client_reader: asyncio.StreamReader, link: _Link) -> None:
        """Pass on what the client says, and how it leaves."""
        by: By = "fin"
        try:
            while data := await client_reader.read(65536):
                link.gateway.write(data)
                await link.gateway.drain()
        except OSError:
            by = "rst"
        if link in self._links:
            self._links.discard(link)
            link.end(by)

    async def _pass_answers(self, gateway_reader: asyncio.StreamReader, link: _Link, cut: Cut | None) -> None:
        """Pass on what the gateway says until it ends; behind a cut, read on and say nothing."""
        left = cut.after if cut else None
        before = b"."
        try:
            while data := await gateway_reader.read(65536):
                if link not in self._links:
                    continue
                if left is not None and cut:
                    if self.spares_block_ends and (before + data)[left : left + 2] == b"\n\n":
                        left += 1
                    if len(data) > left:
                        link.client.write(data[:left])
                        await link.client.drain()
                        self._cut(link, cut.by)
                        continue
                    left -= len(data)
                    before = data[-1:]
                link.client.write(data)
                await link.client.drain()
        except OSError:
            link.end("rst")

    async def _close(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
