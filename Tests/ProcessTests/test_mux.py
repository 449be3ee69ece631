"""Many streams over one connection: to a stock EventSource, to httpx-sse, and over connections that are cut."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
import httpx_sse
import pytest

import test_browser
from browser import Browser
from conftest import Connect, Serve
from cutting_proxy import CuttingProxy, random_cuts
from expectations import TARGET
from gateway import Gateway
from resuming import ALICE, BOB, RETRY, Storyteller
from test_browser import StartPages
from waiting import DEADLINE, eventually
from wire import Answer, Event, ask

browser = test_browser.browser
start_pages = test_browser.start_pages

ABANDONED = "cancel"
MUX = "/_sluice/mux"
WORKERS = pytest.mark.parametrize("workers", [1, 4], ids=["1 worker", "4 workers"])

#: A stock EventSource on a mux, and what each of its streams is given.
EVENT_SOURCE = """
    const [url] = arguments;
    window.own = []; window.streams = {};
    window.source = new EventSource(url);
    source.onmessage = event => {
        const [header, ...data] = event.data.split('\\n');
        const [number, id, type] = header.split(' ');
        if (number === '0') own.push(type);
        else (streams[number] ??= []).push([id, type, data.join('\\n')]);
    };
    window.over = () => Object.values(streams).filter(all => all.at(-1)[1] === 'sluice.closed').length;
"""


def mux_of(*targets: str) -> str:
    """The target that opens a mux with these streams."""
    return f"{MUX}?" + "&".join(f"stream={quote(target, safe='')}" for target in targets)


def tales(names: list[str]) -> str:
    """The target that opens a mux with a run for each name, by which a client that was told nothing finds it again."""
    return mux_of(*(f"{TARGET}?message={name}&run={name}" for name in names))


def parts(event: Event | httpx_sse.ServerSentEvent) -> tuple[int, str, str, str]:
    """A message taken apart: the stream's number, the inner id, type and data."""
    header, _, data = event.data.partition("\n")
    number, identifier, kind = header.split(" ", 2)
    return int(number), identifier, kind, data


def order(gateway: Gateway, mux: str, **orders: Any) -> dict[str, Any]:
    """Send an order to a mux and return the answer, which must be good."""
    answer = httpx.post(f"{gateway.url}{MUX}/{mux}", json=orders, timeout=DEADLINE)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def figure(gateway: Gateway, name: str) -> int:
    """One of the gateway's figures."""
    body = httpx.get(f"http://{gateway.addresses[1]}/metrics", timeout=DEADLINE).text
    found = re.search(rf"^{re.escape(name)} (\d+)$", body, re.MULTILINE)
    assert found, body
    return int(found[1])


def with_figures(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with a second listener, for figures."""
    return {**settings, "listen": [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "admin": True}]}


# Browsers


def test_fifty_runs_of_one_stock_event_source_survive_every_cut(
    browser: Browser, start_pages: StartPages, serve: Serve
) -> None:
    story = Storyteller(pause=0.1)
    pages = start_pages()  # of another origin, so that no connection but the mux's goes through the proxy
    orchestrator, gateway = serve(
        story,
        streams={"retry": RETRY},
        cors={"origins": [f"http://app.example.com:{pages.port}"]},
        workers=4,
        mux={"log": "16MiB"},  # more than the sockets of both sides of the proxy swallow
    )
    names = [f"tale{number}" for number in range(50)]
    cuts = random_cuts(20, most=40_000, seed=5, head=16_000)
    with CuttingProxy(gateway.address, cuts) as proxy:
        browser.driver.get(f"http://app.example.com:{pages.port}/")
        browser.run(EVENT_SOURCE, f"http://gate.example.com:{proxy.port}{tales(names)}")
        eventually(lambda: proxy.cuts_made == len(cuts), "every cut", within=80)
        for name in names:
            story.end(name)
        browser.wait_for("over() === 50", "every run has come to its end")
    streams = browser.run("source.close(); return streams")
    assert browser.run("return own") == ["sluice.mux"]
    for number, name in enumerate(names, 1):
        opened, *events, closed = streams[str(number)]
        assert opened[1] == "sluice.opened" and closed[2] == '{"reason":"completed","status":200}'
        assert [data for _, _, data in events] == story.told[name]
        assert [identifier for identifier, _, _ in events] == [f".{place}" for place in range(1, len(events) + 1)]
    assert len(orchestrator.requests) == 50


def test_six_connections_hold_six_streams_and_one_holds_fifty(browser: Browser, serve: Serve) -> None:
    story = Storyteller(pause=0.02)
    _, gateway = serve(story, streams={"retry": RETRY})
    browser.driver.get(f"{gateway.url}/")
    browser.run(
        """
        window.sources = arguments[0].map(url => {
            const source = new EventSource(url);
            source.count = 0;
            source.onmessage = () => { source.count++; };
            return source;
        });
        """,
        [f"{TARGET}?message=plain{number}" for number in range(7)],
    )
    browser.wait_for("sources.filter(source => source.count > 20).length === 6", "six streams flow")
    assert browser.run("return sources.map(source => source.readyState).sort()") == [0, 1, 1, 1, 1, 1, 1]
    browser.run("for (const source of sources) source.close()")
    browser.run(EVENT_SOURCE, tales([f"tale{number}" for number in range(50)]))
    browser.wait_for(
        "Object.values(streams).filter(all => all.length > 20).length === 50", "fifty streams flow over one connection"
    )
    browser.run("source.close()")


# Other clients


@WORKERS
def test_streams_come_and_go_on_an_open_mux(workers: int, serve: Serve) -> None:
    story = Storyteller(pause=0.01)
    limits = [{"name": "many", "per": ["client"], "streams": 40}]
    orchestrator, gateway = serve(story, **with_figures({"workers": workers, "limits": limits}))
    with (
        httpx.Client(timeout=DEADLINE) as client,
        httpx_sse.connect_sse(client, "GET", f"{gateway.url}{MUX}") as source,
    ):
        messages = (parts(event) for event in source.iter_sse() if event.data)
        number, _, kind, data = next(messages)
        assert (number, kind) == (0, "sluice.mux")
        mux = json.loads(data)["mux"]
        post = {"method": "POST", "path": TARGET, "headers": {"idempotency-key": "a"}, "body": {"message": "a"}}
        answer = order(gateway, mux, open=[post, f"{TARGET}?message=b", "/nowhere"])
        assert answer == {
            "opened": [
                {"stream": 1, "target": TARGET},
                {"stream": 2, "target": f"{TARGET}?message=b"},
                {"stream": 3, "target": "/nowhere"},
            ],
            "closed": [],
        }
        refusal = next(json.loads(data) for number, _, _, data in messages if number == 3)
        assert (refusal["reason"], refusal["status"]) == ("refused", 404)
        # The key joins the run that the first has begun.
        assert order(gateway, mux, open=[post])["opened"][0]["stream"] == 4
        told: dict[int, list[str]] = {1: [], 2: [], 4: []}
        for number, _, kind, data in messages:
            if kind == "message":
                told[number].append(data)
            if all(len(all_told) > 9 for all_told in told.values()):
                break
        assert figure(gateway, "sluice_mux_streams") == 3 == figure(gateway, "sluice_streams")
        assert order(gateway, mux, close=[2, 7])["closed"] == [2]
        story.end("a")
        ends = {}
        for number, _, kind, data in messages:
            if kind == "message":
                told[number].append(data)
            elif kind == "sluice.closed":
                ends[number] = json.loads(data)["reason"]
            if len(ends) == 3:
                break
        assert ends == {1: "completed", 2: "client_closed", 4: "completed"}
        assert told[1] == told[4] == story.told["a"]
        eventually(lambda: figure(gateway, "sluice_mux_streams") == 0, "no stream is left")
        assert figure(gateway, 'sluice_slots_open{group="stream"}') == 0
        assert figure(gateway, "sluice_muxes") == 1
        assert len(orchestrator.requests) == 2
        ended = httpx.delete(f"{gateway.url}{MUX}/{mux}", timeout=DEADLINE)
        assert ended.status_code == 204
        last = list(messages)[-1]
        assert last == (0, "-", "sluice.gone", json.dumps({"mux": mux}, separators=(",", ":")))
    assert figure(gateway, "sluice_muxes") == 0


@WORKERS
def test_a_client_that_is_cut_anywhere_loses_nothing_of_any_stream(workers: int, serve: Serve) -> None:
    story = Storyteller(pause=0.02)
    orchestrator, gateway = serve(story, streams={"retry": RETRY}, workers=workers)
    names = [f"tale{number}" for number in range(10)]
    cuts = random_cuts(60, most=6000, seed=3, head=4500)
    streams: dict[int, list[str]] = {number: [] for number in range(1, 11)}
    over: set[int] = set()
    last = ""
    with CuttingProxy(gateway.address, cuts) as proxy, httpx.Client(timeout=DEADLINE) as client:
        while len(over) < len(names):
            if proxy.cuts_made == len(cuts):
                for name in names:
                    story.end(name)
            fields = {"Last-Event-ID": last} if last else {}
            try:
                with httpx_sse.connect_sse(client, "GET", f"{proxy.url}{tales(names)}", headers=fields) as source:
                    for event in source.iter_sse():
                        # httpx-sse takes an id as seen when its line has come; the event is what counts.
                        last = event.id
                        if not event.data:
                            continue
                        number, _, kind, data = parts(event)
                        if kind == "message":
                            streams[number].append(data)
                        elif kind == "sluice.closed":
                            over.add(number)
                        if len(over) == len(names):
                            break
                        if proxy.cuts_made == len(cuts):
                            for name in names:
                                story.end(name)
            except httpx.TransportError:
                continue
    assert [streams[number] for number in sorted(streams)] == [story.told[name] for name in names]
    assert len(orchestrator.requests) == len(names)


@WORKERS
def test_a_mux_is_its_owners_and_is_gone_with_its_client(workers: int, serve: Serve, connect: Connect) -> None:
    story = Storyteller(pause=0.01)
    _, gateway = serve(story, workers=workers, mux={"linger": "200ms"})
    connection = connect(gateway.address)
    first = connection.ask("GET", tales(["a"]), [ALICE])
    events = first.read_events(4)
    mux = json.loads(parts(events[0])[3])["mux"]
    resumed = [("Last-Event-ID", events[-1].id)]
    assert ask(gateway.address, "GET", MUX, [*resumed, BOB]).status == 403
    for method in ("POST", "DELETE"):
        assert ask(gateway.address, method, f"{MUX}/{mux}", [BOB, ("Content-Length", "0")]).status == 403
    connection.close()
    line = gateway.wait_for_log("request", route=TARGET)
    assert (line.values["mux"], line.values["reason"]) == (mux, "client_closed")
    gone: Answer = ask(gateway.address, "GET", MUX, [*resumed, ALICE])
    assert [parts(event)[2] for event in gone.events] == ["sluice.gone"]
    assert ask(gateway.address, "GET", MUX, [("Last-Event-ID", gone.events[0].id), ALICE]).status == 204
    assert ask(gateway.address, "POST", f"{MUX}/{mux}", [ALICE], b"{}").status == 404
