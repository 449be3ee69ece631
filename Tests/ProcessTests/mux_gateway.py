"""The multiplexed subscription in a few lines, in front of a gateway: what a client library has to get along with.

It speaks the wire contract of `/_sluice/mux`, opens each inner stream at the gateway as a request of its own, and passes
everything else on, so that a page finds all of it on one origin.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from typing import Any, Self
from urllib.parse import quote

from aiohttp import ClientConnectionError, ClientSession, ClientTimeout, TCPConnector, web
from waiting import DEADLINE

STREAM_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host", "keep-alive", "date", "server"}


class Mux:
    """One mux: a log of blocks, and the tasks that fill it."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(8)
        self.blocks: list[str] = []
        self.changed = asyncio.Event()
        self.streams: dict[int, asyncio.Task[None]] = {}
        self.opened = 0
        self.is_over = False
        self.add(0, "-", "sluice.mux", json.dumps({"mux": self.name}))

    def add(self, number: int, identifier: str, kind: str, data: str) -> None:
        """Append a message."""
        lines = [f"{number} {identifier} {kind}", *data.split("\n")]
        text = "".join(f"data: {line}\n" for line in lines)
        self.blocks.append(f"{text}id: {self.name}.{len(self.blocks) + 1}\n\n")
        self.changed.set()

    def end(self) -> None:
        """End it with all of its streams."""
        self.is_over = True
        for task in self.streams.values():
            task.cancel()
        self.changed.set()


class MuxGateway:
    """The server, on a thread of its own; `target` is the gateway's address.

    In front of the demo, whose page wants two origins of its own port, it is every origin's. It may also be a gateway
    from before there were muxes.
    """

    def __init__(self, target: str, *, is_demo: bool = False, has_mux: bool = True):
        self.target = target
        self._is_demo = is_demo
        self._has_mux = has_mux
        self.muxes: dict[str, Mux] = {}
        self.connections_made = 0
        #: How many messages of each connection are sent before it is cut, the first connection first.
        self.cuts: list[int] = []
        self._loop = asyncio.new_event_loop()
        self.port: int = self._loop.run_until_complete(self._start())
        self.address = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(DEADLINE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)
        self._loop.close()

    def forget(self) -> None:
        """Forget every mux, as after a long absence; their clients are cut off."""

        async def forget() -> None:
            for mux in self.muxes.values():
                mux.end()
            self.muxes.clear()

        asyncio.run_coroutine_threadsafe(forget(), self._loop).result(DEADLINE)

    @property
    def open_streams(self) -> int:
        """How many inner streams are open in all muxes."""
        return sum(len(mux.streams) for mux in list(self.muxes.values()))

    async def _start(self) -> int:
        self._session = ClientSession(
            connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None), auto_decompress=False
        )
        app = web.Application()
        app.router.add_get("/_sluice/mux", self._subscribe)
        app.router.add_options("/_sluice/mux", self._describe)
        app.router.add_post("/_sluice/mux/{mux}", self._change)
        app.router.add_delete("/_sluice/mux/{mux}", self._delete)
        app.router.add_route("*", "/{rest:.*}", self._pass)
        app.on_response_prepare.append(self._prepared)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def _prepared(self, request: web.Request, response: web.StreamResponse) -> None:
        if self._is_demo and "Origin" in request.headers:
            for name in ("Origin", "Methods", "Headers"):
                response.headers[f"Access-Control-Allow-{name}"] = "*"

    async def _stop(self) -> None:
        for mux in self.muxes.values():
            mux.end()
        await self._runner.cleanup()
        await self._session.close()

    async def _subscribe(self, request: web.Request) -> web.StreamResponse:
        if not self._has_mux:
            return web.Response(status=404)
        self.connections_made += 1
        name, _, place = request.headers.get("Last-Event-ID", "").partition(".")
        if name and name not in self.muxes:
            return web.Response(status=204)
        mux = self.muxes.get(name)
        if mux is None:
            mux = Mux()
            self.muxes[mux.name] = mux
        for target in request.query.getall("stream", []):
            self._open(mux, target)
        answer = web.StreamResponse(headers=STREAM_HEADERS)
        await answer.prepare(request)
        await answer.write(f"retry: 100\nid: {mux.name}.{place or 0}\n\n".encode())
        left = self.cuts.pop(0) if self.cuts else None
        sent = int(place or 0)
        while not mux.is_over:
            mux.changed.clear()
            for block in mux.blocks[sent:]:
                if left == 0:
                    assert request.transport
                    request.transport.abort()
                    return answer
                await answer.write(block.encode())
                sent += 1
                left = None if left is None else left - 1
            await mux.changed.wait()
        return answer

    async def _describe(self, _: web.Request) -> web.Response:
        return web.Response(status=204, headers={"Allow": "GET, OPTIONS"})

    async def _change(self, request: web.Request) -> web.Response:
        mux = self.muxes.get(request.match_info["mux"])
        if mux is None:
            return web.json_response({"status": 404}, status=404)
        change = await request.json()
        opened = [{"stream": self._open(mux, target), "target": target} for target in change.get("open", [])]
        for number in change.get("close", []):
            if task := mux.streams.get(number):
                task.cancel()
        return web.json_response({"opened": opened, "closed": change.get("close", [])})

    async def _delete(self, request: web.Request) -> web.Response:
        if mux := self.muxes.pop(request.match_info["mux"], None):
            mux.end()
        return web.Response(status=204)

    def _open(self, mux: Mux, target: Any) -> int:
        mux.opened += 1
        number = mux.opened
        mux.streams[number] = asyncio.ensure_future(self._carry(mux, number, target))
        return number

    async def _carry(self, mux: Mux, number: int, target: Any) -> None:
        whole = target if isinstance(target, dict) else {"method": "GET", "path": target}
        body = whole.get("body")
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        closed: dict[str, Any] = {"reason": "cut", "status": 200}
        try:
            async with self._session.request(
                whole["method"], f"http://{self.target}{whole['path']}", data=text, headers=whole.get("headers")
            ) as answer:
                closed["status"] = answer.status
                if answer.status == 200:
                    run = answer.headers.get("Sluice-Run", "")
                    told = {"target": whole["path"], "name": run, "status": 200}
                    mux.add(number, "-", "sluice.opened", json.dumps(told))
                    await self._copy(mux, number, run, answer.content)
                    closed["reason"] = "completed"
                else:
                    closed.update({"reason": "refused", **(await answer.json() if answer.status > 204 else {})})
        except ClientConnectionError:
            pass
        except asyncio.CancelledError:
            closed["reason"] = "closed"
        mux.add(number, "-", "sluice.closed", json.dumps(closed))
        mux.streams.pop(number, None)

    async def _copy(self, mux: Mux, number: int, run: str, content: Any) -> None:
        rest = b""
        async for piece in content.iter_any():
            *blocks, rest = (rest + piece).split(b"\n\n")
            for block in blocks:
                fields = [line.partition(": ")[::2] for line in block.decode().split("\n")]
                data = [value for name, value in fields if name == "data"]
                if not data:
                    continue
                values = dict(fields)
                identifier = values.get("id", "-")
                prefix = f"{run}."
                short = identifier[len(run) :] if identifier.startswith(prefix) else quote(identifier, safe="")
                mux.add(number, short or "-", values.get("event", "message"), "\n".join(data))

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        headers["Host"] = request.host
        if self._is_demo:
            headers = {
                name: value for name, value in headers.items() if name.lower() not in ("origin", "sec-fetch-site")
            }
        async with self._session.request(
            request.method,
            f"http://{self.target}{request.raw_path}",
            data=await request.read(),
            headers=headers,
            allow_redirects=False,
        ) as answer:
            fields = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            if self._is_demo and request.path == "/demo.json":
                return web.json_response({**await answer.json(), "port": self.port})
            response = web.StreamResponse(status=answer.status, headers=fields)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            return response
