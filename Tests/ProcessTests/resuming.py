"""What the tests of resumed runs share: the requests that come back, a run that goes on, and what must be so."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

from expectations import Ask
from orchestrators import scripted
from orchestrators.scripted import Exchange
from wire import Answer, Event

RETRY = "100ms"
#: A run that there is not.
NOBODYS = "a" * 26
ALICE = ("Authorization", "Bearer alice")
BOB = ("Authorization", "Bearer bob")
both_places = pytest.mark.parametrize("place", ["header", "query"])
LIVE_OR_FINISHED = pytest.mark.parametrize("is_live", [True, False], ids=["live", "finished"])


def resuming(request_line: Ask, last: str, place: str = "header", fields: Iterable[tuple[str, str]] = ()) -> Ask:
    """The request that a client makes of `request_line` after it has seen the event `last`."""
    method, target, *rest = request_line
    own, *body = rest or [[]]
    everything = [*own, *fields]
    if place == "header":
        return method, target, [*everything, ("Last-Event-ID", last)], *body
    return method, f"{target}{'&' if '?' in target else '?'}last_event_id={last}", everything, *body


def numbers(events: Iterable[Event]) -> list[int]:
    """The sequence numbers of events, which must all be of one run."""
    ids = [event.id.rpartition(".") for event in events]
    assert len({run for run, _, _ in ids}) <= 1, ids
    return [int(number) for _, _, number in ids]


def with_fields(request_line: Ask, fields: list[tuple[str, str]]) -> Ask:
    """The same request with more fields."""
    method, target, *rest = request_line
    own, *body = rest or [[]]
    return method, target, [*own, *fields], *body


def failure_alone(answer: Answer) -> dict[str, Any]:
    """The gateway's error event, the only event of an answer."""
    assert answer.status == 200, answer
    (event,) = answer.events
    error: dict[str, Any] = event.json
    assert (error["event"], error["source"]) == ("error", "gateway")
    return error


class Storyteller:
    """A script whose runs count until they are told to end; what each has told is in `told` by its message."""

    def __init__(self, pause: float = 0.002):
        self.told: dict[str, list[str]] = defaultdict(list)
        self._pause = pause
        self._over: set[str] = set()

    def end(self, name: str) -> None:
        """Let a run come to its end."""
        self._over.add(name)

    async def __call__(self, exchange: Exchange) -> None:
        name = exchange.request.json["message"]
        chance = random.Random(name)
        await exchange.head()
        while name not in self._over:
            await self._tell(
                exchange, name, "response_chunk", chance.choice(["ä", "x\u2028", "\U0001f4a7"]) * chance.randrange(90)
            )
            await asyncio.sleep(self._pause)
        await self._tell(exchange, name, "completed", "")
        await exchange.end()

    async def _tell(self, exchange: Exchange, name: str, kind: str, text: str) -> None:
        event = {"event": kind, "n": len(self.told[name]) + 1, "text": text}
        # Some are written over several lines.
        told = json.dumps(event, ensure_ascii=False, indent=1 if len(text) % 7 == 0 else None)
        self.told[name].append(told)
        await exchange.body("".join(f"data: {line}\n" for line in told.split("\n")).encode() + b"\n")


def assert_requests(orchestrator: scripted.Orchestrator, count: int) -> None:
    """So many requests have reached the orchestrator, and no more."""
    assert len(orchestrator.requests) == count, [request.body for request in orchestrator.requests]
