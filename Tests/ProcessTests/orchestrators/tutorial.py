"""An orchestrator as any tutorial would write it: FastAPI, a generator, `StreamingResponse`, served by uvicorn.

The gateway has to work with this code unchanged, and with its three common variants below.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sse_starlette.sse import EventSourceResponse

app = FastAPI()


class Question(BaseModel):
    message: str


def event(kind: str, **fields: object) -> dict[str, object]:
    return {"event": kind, "protocol": "a2a", **fields}


def chunk(text: str) -> dict[str, object]:
    parts = [{"kind": "text", "text": text}]
    return event("response_chunk", response_data={"raw_response": {"parts": parts}})


async def think(message: str) -> AsyncIterator[dict[str, object]]:
    """The events of an answer: `count N` counts, `fail` fails, everything else is said back word by word."""
    yield event("routing_started", message=message)
    yield event("routing_completed", agent="echo")
    yield event("agent_execution_started", agent="echo")
    if message == "fail":
        yield event("error", error="the agent gave up")
        return
    command, _, count = message.partition(" ")
    words = [str(n) for n in range(int(count))] if command == "count" else message.split(" ")
    for word in words:
        yield chunk(word + " ")
        await asyncio.sleep(0.001)
    yield event("completed")


@app.post("/process/stream")
async def process_stream(question: Question) -> StreamingResponse:
    async def stream() -> AsyncIterator[str]:
        async for item in think(question.message):
            yield f"data: {json.dumps(item)}\n\n"

    return StreamingResponse(stream(), media_type="text/plain")


@app.post("/process/ndjson")
async def process_ndjson(question: Question) -> StreamingResponse:
    """One JSON value in each line, and no event stream at all."""

    async def stream() -> AsyncIterator[str]:
        async for item in think(question.message):
            yield json.dumps(item) + "\n"

    return StreamingResponse(stream(), media_type="application/x-ndjson")


@app.post("/process/named")
async def process_named(question: Question) -> StreamingResponse:
    """An event stream with a byte order mark, comments, ids and event names of its own."""

    async def stream() -> AsyncIterator[str]:
        yield "\ufeff: welcome\n\n"
        number = 0
        async for item in think(question.message):
            number += 1
            yield f": number {number}\nid: mine-{number}\nevent: {item['event']}\ndata: {json.dumps(item)}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream")


@app.post("/process/sse-starlette")
async def process_sse_starlette(question: Question) -> EventSourceResponse:
    """The usual library: line ends are CRLF, and a ping comes in between as a comment."""

    async def stream() -> AsyncIterator[dict[str, str]]:
        async for item in think(question.message):
            yield {"data": json.dumps(item)}
            if item["event"] == "agent_execution_started":
                await asyncio.sleep(1.2)  # long enough for a ping

    return EventSourceResponse(stream(), ping=1)
