"""Clients that come back by themselves, and a network that cuts: nothing is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import httpx_sse
import pytest

from conftest import Connect, Serve, StartOrchestrator
from cutting_proxy import By, Cut, CuttingProxy, random_cuts
from expectations import GET, TARGET
from orchestrators import scripted
from orchestrators.scripted import Exchange
from resuming import Storyteller, assert_requests, numbers
from waiting import DEADLINE, eventually
from wire import Connection, Event, ask, parse_event_stream

# Clients that come back by themselves, and a network that cuts

#: A client: it is given a URL and a message, and returns the events it has had when it is content.
Client = Callable[[str, str], list[Event]]


def httpx_sse_client(url: str, message: str) -> list[Event]:
    """httpx-sse, and around it the loop that everybody writes: after an error the same again, with the last id."""
    events: list[Event] = []
    fields = {"Idempotency-Key": message}
    with httpx.Client(timeout=DEADLINE) as client:
        for _ in range(200):
            try:
                with httpx_sse.connect_sse(client, "POST", url, json={"message": message}, headers=fields) as source:
                    source.response.raise_for_status()
                    for event in source.iter_sse():
                        fields["Last-Event-ID"] = event.id
                        if event.data:
                            events.append(Event(event.event, event.data, event.id))
                return events
            except httpx.TransportError:
                continue
    raise AssertionError("200 attempts were not enough")


def fetch_event_source_client(url: str, message: str) -> list[Event]:
    """What Microsoft's fetch-event-source does on the wire.

    An id is stored with its line and not with its event, and sent back as it is; the body stays the same; only an
    error or a wrong type is a reason to come back, and a clean end is the end.
    """
    events: list[Event] = []
    fields = {"Accept": "text/event-stream", "Idempotency-Key": message}
    values: dict[str, str] = {}

    def take(line: bytes) -> None:
        name, _, value = line.decode().partition(":")
        value = value.removeprefix(" ")
        if not line:
            if values.get("data"):
                events.append(Event(values.get("event", "message"), values["data"], values.get("id", "")))
            values.clear()
        elif name == "data" and "data" in values:
            values["data"] += "\n" + value
        elif name:
            values[name] = value
            if name == "id":
                fields["last-event-id"] = value

    def attempt(client: httpx.Client) -> None:
        values.clear()
        buffer = b""
        with client.stream("POST", url, json={"message": message}, headers=fields) as answer:
            assert (answer.headers.get("content-type") or "").startswith("text/event-stream"), answer
            for piece in answer.iter_raw():
                *lines, buffer = (buffer + piece).split(b"\n")
                for line in lines:
                    take(line)

    with httpx.Client(timeout=DEADLINE) as client:
        for _ in range(200):
            try:
                attempt(client)
                return events
            except httpx.TransportError:
                continue
    raise AssertionError("200 attempts were not enough")


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("client", [httpx_sse_client, fetch_event_source_client])
def test_a_client_that_posts_again_has_lost_nothing_after_fifty_cuts(client: Client, seed: int, serve: Serve) -> None:
    story = Storyteller()
    orchestrator, gateway = serve(story)
    cuts = random_cuts(50, most=2500, seed=seed)
    with (
        CuttingProxy(gateway.address, cuts, spares_block_ends=client is fetch_event_source_client) as proxy,
        ThreadPoolExecutor(1) as pool,
    ):
        reading = pool.submit(client, proxy.url + TARGET, "tale")
        eventually(lambda: proxy.cuts_made == 50 or reading.done(), "fifty cuts", within=60)
        story.end("tale")
        events = reading.result(DEADLINE)
    assert proxy.cuts_made == 50
    assert [event.data for event in events] == story.told["tale"]
    assert numbers(events) == list(range(1, len(events) + 1))
    run = events[0].id.rpartition(".")[0]
    uncut = ask(gateway.address, "GET", f"/_sluice/runs/{run}")
    assert [event.data for event in uncut.events] == [event.data for event in events]
    assert_requests(orchestrator, 1)


RUNS = 100
RETRIES = 10


def body_so_far(received: bytes) -> bytes:
    """The part of a chunked body that has arrived, of whatever part of an answer."""
    head, _, rest = received.partition(b"\r\n\r\n")
    assert not rest or head.startswith(b"HTTP/1.1 200 OK\r\n"), head
    body = b""
    while rest:
        line, _, rest = rest.partition(b"\r\n")
        if not rest:
            return body
        size = int(line, 16)
        body += rest[:size]
        rest = rest[size + 2 :]
    return body


class Follower:
    """A client that reads so many bytes, leaves, and comes back with the last id that it knows."""

    def __init__(self, address: str, number: int):
        self.host, _, self.port = address.rpartition(":")
        self.name = f"tale-{number}"
        self.posts = number % 2 == 0
        self.chance = random.Random(number)
        self.events: list[Event] = []
        self.last = ""

    def request(self) -> bytes:
        """The next request; before there is an id its key alone names the run."""
        body = json.dumps({"message": self.name})
        if self.posts:
            head = [f"POST {TARGET} HTTP/1.1", f"Content-Length: {len(body)}", f"Idempotency-Key: {self.name}"]
            head += [f"Last-Event-ID: {self.last}"] if self.last else []
        else:
            place = f"&last_event_id={self.last}" if self.last else ""
            head = [f"GET {TARGET}?message={self.name}&run={self.name}{place} HTTP/1.1"]
            body = ""
        return "\r\n".join([*head, "Host: a", "Connection: close", "", body]).encode()

    async def read(self, most: int | None) -> None:
        """One attempt: read to the end, or at least `most` bytes and leave."""
        reader, writer = await asyncio.open_connection(self.host, int(self.port))
        received = b""
        try:
            writer.write(self.request())
            while (most is None or len(received) < most) and (piece := await reader.read(most or 65536)):
                received += piece
            if most is not None:
                assert len(received) >= most, f"{self.name} ended too early: {received[-300:]!r}"
                if self.chance.random() < 0.5:
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            else:
                assert received.endswith(b"0\r\n\r\n"), received[-300:]
        finally:
            writer.transport.abort()
        stream = parse_event_stream(body_so_far(received[:most]))
        self.events += stream.events
        self.last = stream.last_event_id or self.last

    async def follow(self, story: Storyteller) -> None:
        """All attempts, and then the run to its end."""
        for _ in range(RETRIES):
            await asyncio.wait_for(self.read(self.chance.randrange(2000)), DEADLINE)
        story.end(self.name)
        await asyncio.wait_for(self.read(None), DEADLINE)


def test_a_thousand_retries_of_a_hundred_runs_cost_a_hundred_runs(serve: Serve) -> None:
    story = Storyteller(pause=0.03)
    orchestrator, gateway = serve(story)
    followers = [Follower(gateway.address, number) for number in range(RUNS)]

    async def main() -> None:
        await asyncio.gather(*(follower.follow(story) for follower in followers))

    asyncio.run(main())
    assert_requests(orchestrator, RUNS)
    for follower in followers:
        assert [event.data for event in follower.events] == story.told[follower.name]
        assert numbers(follower.events) == list(range(1, len(follower.events) + 1))
    gateway.wait_for(lambda: len(gateway.logged("request")) == RUNS * (RETRIES + 1), "a log line for each attempt")
    runs = [line.values["run"] for line in gateway.logged("request")]
    assert len(set(runs) - {"-"}) == RUNS


# The proxy itself


@pytest.mark.parametrize("by", ["fin", "rst"])
@pytest.mark.parametrize("after", [0, 1, 30, 31, 100])
def test_the_proxy_cuts_where_it_is_told(
    after: int, by: By, connect: Connect, start_orchestrator: StartOrchestrator
) -> None:
    orchestrator = start_orchestrator(scripted.endless("[DONE]"))
    with CuttingProxy(orchestrator.url.removeprefix("http://"), [Cut(after, by)]) as proxy:
        client = connect(proxy.address)
        client.request(*GET)
        assert len(client.read_to_end()) == after
        assert client.was_reset == (by == "rst")
        eventually(lambda: orchestrator.exchange().abandoned, "the other side has ended too")
        whole = connect(proxy.address)
        whole.request(*GET)
        whole.read_through(b"[DONE]\n\n")
        proxy.cut(by)
        whole.read_to_end()
        assert whole.was_reset == (by == "rst")
    assert (proxy.cuts_made, proxy.connections) == (2, 2)


def test_the_proxy_spares_the_ends_of_blocks(start_orchestrator: StartOrchestrator) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head(framing="close")
        for part in (b"data: a\n", b"\n", b"data: b\n\ndata: c\n\n"):
            await exchange.body(part)
            await asyncio.sleep(0.01)
        exchange.close()

    orchestrator = start_orchestrator(script)
    endings = []
    head = len("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")
    cuts = [Cut(head + after, "fin") for after in range(27)]
    with CuttingProxy(orchestrator.url.removeprefix("http://"), cuts, spares_block_ends=True) as proxy:
        for _ in cuts:
            with Connection(proxy.address) as client:
                client.request(*GET)
                client.read_through(b"\r\n\r\n")
                endings.append(client.read_to_end())
    whole = b"data: a\n\ndata: b\n\ndata: c\n\n"
    assert endings == [whole[: after + (after % 9 == 8)] for after in range(27)]
