"""An event source that a test steers: what it says, to whom it says it again, how it ends, and what it refuses.

Every request is in `requests`, and everything said is remembered, so that a subscriber that comes back can be given
what it has missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from orchestrators.scripted import Exchange, Orchestrator, Request, Script
from waiting import DEADLINE, eventually

#: What a request is given first: what was said after its Last-Event-ID, all that was ever said, or nothing.
Replay = Literal["missed", "all", "nothing"]


class Said(NamedTuple):
    """One event."""

    id: str | None
    block: bytes


class _Subscription:
    """One request that is given events."""

    def __init__(self, place: int):
        self.place = place
        self.ending: Callable[[Exchange], object] | None = None
        self.changed = asyncio.Event()


class Source(Orchestrator):
    """The event source. `instead` may answer a request with something other than the events."""

    def __init__(self, port: int = 0, replay: Replay = "missed"):
        super().__init__(self._serve, port=port)
        self.replay = replay
        self.instead: Callable[[Request], Script | None] = lambda _: None
        self.content_type = "text/event-stream"
        #: More fields of the head, each with its line end.
        self.fields = ""
        self._said: list[Said] = []
        self._subscriptions: list[_Subscription] = []

    @property
    def subscribers(self) -> int:
        """How many requests are being given events."""
        return len(self._subscriptions)

    @property
    def last_ids(self) -> list[str | None]:
        """The Last-Event-ID of each request so far."""
        return [last_id(request) for request in self.requests]

    def wait_for_subscribers(self, count: int = 1) -> None:
        """Wait until so many requests are being given events, no more and no less."""
        eventually(lambda: self.subscribers == count, f"{count} subscriber(s) at the source")

    def wait_for_requests(self, count: int) -> None:
        """Wait until so many requests have come in all."""
        eventually(lambda: len(self.requests) >= count, f"{count} requests at the source")

    def say(self, data: str, id: str | None = None, kind: str | None = None) -> None:
        """Say one event to every subscriber there is, or will be that has missed it."""
        lines = [f"event: {kind}"] if kind else []
        lines += [f"id: {id}"] if id is not None else []
        lines += [f"data: {line}" for line in data.split("\n")]
        self._command(lambda: self._said.append(Said(id, ("\n".join(lines) + "\n\n").encode())))

    def count(self, numbers: Iterable[int]) -> None:
        """Say an event for each number, which is its id and its data."""
        for number in numbers:
            self.say(str(number), id=str(number))

    def end(self) -> None:
        """End every answer properly; the connections may be used again."""
        self._end(Exchange.end)

    def cut(self, by: Literal["fin", "rst"]) -> None:
        """Cut every connection in the middle of its answer."""
        self._end(Exchange.close if by == "fin" else Exchange.reset)

    def refuse(self, script: Script | None) -> None:
        """Answer every request from now on with `script`; None for events again."""
        self.instead = lambda _: script

    def _end(self, ending: Callable[[Exchange], object]) -> None:
        ended: list[_Subscription] = []

        def end() -> None:
            ended.extend(self._subscriptions)
            for subscription in ended:
                subscription.ending = ending

        self._command(end)
        eventually(lambda: not any(each in self._subscriptions for each in ended), "the answers end")

    def _command(self, change: Callable[[], object]) -> None:
        async def carry_out() -> None:
            change()
            for subscription in self._subscriptions:
                subscription.changed.set()

        asyncio.run_coroutine_threadsafe(carry_out(), self._loop).result(DEADLINE)

    async def _serve(self, exchange: Exchange) -> None:
        if script := self.instead(exchange.request):
            return await script(exchange)
        await exchange.head(self.content_type, extra=self.fields)
        subscription = _Subscription(self._place(exchange.request))
        self._subscriptions.append(subscription)
        leaving = asyncio.ensure_future(exchange.until_abandoned())
        leaving.add_done_callback(lambda _: subscription.changed.set())
        try:
            await self._give(exchange, subscription)
        finally:
            leaving.cancel()
            self._subscriptions.remove(subscription)

    async def _give(self, exchange: Exchange, subscription: _Subscription) -> None:
        while not exchange.abandoned:
            subscription.changed.clear()
            while subscription.place < len(self._said):
                subscription.place += 1
                await exchange.body(self._said[subscription.place - 1].block)
            if subscription.ending:
                if asyncio.iscoroutine(rest := subscription.ending(exchange)):
                    await rest
                return
            await subscription.changed.wait()
        raise ConnectionResetError

    def _place(self, request: Request) -> int:
        if self.replay == "all":
            return 0
        last = last_id(request)
        if self.replay == "nothing" or last is None:
            return len(self._said)
        return next((n for n in range(len(self._said), 0, -1) if self._said[n - 1].id == last), 0)


def last_id(request: Request) -> str | None:
    """The Last-Event-ID of a request, which is UTF-8 as the stream is."""
    last = request.get("last-event-id")
    return None if last is None else last.encode("latin-1").decode()


def refuse(status: int, body: bytes = b"", *fields: str) -> Script:
    """An answer that is no stream, with this status, body and fields; the connection may be used again."""

    async def script(exchange: Exchange) -> None:
        length = [] if status == 204 else [f"Content-Length: {len(body)}"]
        head = "\r\n".join([f"HTTP/1.1 {status} Status", *length, *fields, "", ""])
        await exchange.send(head.encode() + body)

    return script
