"""The client library over a mux: many streams on one connection, of one tab or of all of them, and no leak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import test_browser
from browser import Browser
from conftest import Serve, StartGateway, Tutorial
from gateway import Gateway, chat
from library import Library
from mux_gateway import MuxGateway
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate
from resuming import RETRY, Storyteller, assert_requests
from test_client_library import open_page
from test_limits import Held, complete
from waiting import eventually

PutMuxBefore = Callable[[Gateway], MuxGateway]

browser = test_browser.browser

#: A page without SharedWorker: tabs elect a leader.
NO_WORKERS = "Object.defineProperty(window, 'SharedWorker', {value: undefined})"
ways = pytest.mark.parametrize("way", ["worker", "leader"])


@pytest.fixture
def mux_before() -> Iterator[PutMuxBefore]:
    """Put a mux in front of a gateway."""
    with ExitStack() as stack:
        yield lambda gateway: stack.enter_context(MuxGateway(gateway.address))


class Tabs:
    """Tabs of one browser, each with the library in it."""

    def __init__(self, browser: Browser, address: str, way: str = "worker"):
        self.browser = browser
        self._address = address
        self._way = way
        self.tabs: list[str] = []

    def open(self) -> Library:
        """Open a tab and stay in it."""
        if self.tabs:
            self.browser.driver.switch_to.new_window("tab")
        self.tabs.append(self.browser.driver.current_window_handle)
        if self._way == "leader":
            source = {"source": NO_WORKERS}
            self.browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
        return open_page(self.browser, self._address)

    def go(self, number: int) -> None:
        """Go to a tab."""
        self.browser.driver.switch_to.window(self.tabs[number])

    def close(self, number: int) -> None:
        """Close a tab; another has to be gone to."""
        self.go(number)
        self.browser.driver.close()
        del self.tabs[number]
        self.go(0)


def whole(library: Library, story: list[str], name: str = "a") -> None:
    """The stream has told the whole story, and nothing twice."""
    assert library.outcome(name)["reason"] == "completed"
    told = library.get("it.handle.history.map(({data}) => data)", name)
    assert told == story
    sequences = library.get("it.ids.map((id) => Number(id.split('.')[1]))", name)
    assert sequences == list(range(1, len(story) + 1))


def test_fifty_runs_over_one_connection(
    browser: Browser, tutorial: Tutorial, start_gateway: StartGateway, mux_before: PutMuxBefore
) -> None:
    gateway = start_gateway(chat(tutorial.url))
    mux = mux_before(gateway)
    library = open_page(browser, mux.address)
    for number in range(50):
        body = {"method": "POST"} if number % 2 else {}
        library.ask(f"count {number}", str(number), transport="mux", **body)
    for number in range(50):
        outcome = library.outcome(str(number))
        assert (outcome["reason"], outcome["text"]) == ("completed", "".join(f"{n} " for n in range(number)))
        assert library.statuses(str(number)) == ["connecting", "connected", "not connected"]
    assert mux.connections_made == 1
    eventually(lambda: not mux.muxes, "an idle mux goes away")


def test_one_cut_of_a_mux_loses_nothing_of_any_stream(browser: Browser, serve: Serve, mux_before: PutMuxBefore) -> None:
    story = Storyteller(pause=0.01)
    orchestrator, gateway = serve(story, streams={"retry": RETRY})
    mux = mux_before(gateway)
    mux.cuts = [0, 3, 40, 1, 60, 5]
    library = open_page(browser, mux.address)
    names = ["ada", "bob", "cleo"]
    for name in names:
        library.ask(name, name, transport="mux", history=100_000, backoff={"base": 10, "cap": 50})
    eventually(lambda: not mux.cuts, "six cuts")
    for name in names:
        library.wait_for("it.ids.length > 30", "it goes on", name)
        story.end(name)
    for name in names:
        whole(library, story.told[name], name)
    assert library.get("it.handle.counters.reconnects", "ada") >= 3
    assert_requests(orchestrator, 3)


def test_a_mux_that_is_not_known_any_more(browser: Browser, serve: Serve, mux_before: PutMuxBefore) -> None:
    story = Storyteller(pause=0.01)
    orchestrator, gateway = serve(story, streams={"retry": RETRY})
    mux = mux_before(gateway)
    library = open_page(browser, mux.address)
    for name in ("ada", "bob"):
        library.ask(name, name, transport="mux", history=100_000)
    library.wait_for("it.ids.length > 10", "it flows", "bob")
    mux.forget()
    for name in ("ada", "bob"):
        length = library.get("it.ids.length", name)
        library.wait_for(f"it.ids.length > {length} + 10", "it goes on in another", name)
        story.end(name)
        whole(library, story.told[name], name)
    assert_requests(orchestrator, 2)


def test_stop_and_detach_leave_the_other_streams_alone(
    browser: Browser, serve: Serve, mux_before: PutMuxBefore
) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate))
    mux = mux_before(gateway)
    library = open_page(browser, mux.address)
    for name in ("stopped", "detached", "other"):
        library.ask(name, name, transport="mux")
        library.wait_for("it.ids.length === 3", "it has begun", name)
    assert mux.open_streams == 3
    browser.run("streams.stopped.handle.stop(); streams.detached.handle.detach()")
    eventually(lambda: mux.open_streams == 1, "the others are closed")
    by_name = {exchange.request.json["message"]: exchange for exchange in orchestrator.exchanges}
    eventually(lambda: by_name["stopped"].abandoned, "the upstream request of the stopped one ends")
    assert not by_name["detached"].abandoned
    gate.open()
    whole(library, CHAT, "other")
    assert mux.connections_made == 1


def test_refusals_come_through_the_mux(browser: Browser, serve: Serve, mux_before: PutMuxBefore) -> None:
    runs = Held()
    _, gateway = serve(runs, limits=[{"name": "tables", "streams": 1}])
    library = open_page(browser, mux_before(gateway).address)
    library.ask("first", "first", transport="mux")
    library.wait_for("it.ids.length === 1", "the first stream flows", "first")
    library.ask("second", "second", transport="mux", maxRetries=0)
    error = library.outcome("second")["error"]
    assert (error["status"], error["limit"], error["reason"]) == (503, "tables", "limit")
    runs.end("first", complete)
    assert library.outcome("first")["reason"] == "completed"
    library.join("a" * 26, "unknown", transport="mux")
    assert library.outcome("unknown")["error"]["status"] == 404


def test_without_a_mux_streams_go_their_own_ways(browser: Browser, serve: Serve) -> None:
    _, gateway = serve(scripted.chat())
    with MuxGateway(gateway.address, has_mux=False) as old:
        library = open_page(browser, old.address)
        for transport in ("mux", "shared"):
            library.ask("x", transport, transport=transport)
            whole(library, CHAT, transport)
            assert library.get("it.handle.transport", transport) == "eventsource"


@ways
def test_tabs_share_one_connection(way: str, browser: Browser, serve: Serve, mux_before: PutMuxBefore) -> None:
    story = Storyteller(pause=0.01)
    orchestrator, gateway = serve(story, streams={"retry": RETRY})
    mux = mux_before(gateway)
    tabs = Tabs(browser, mux.address, way)
    for number in range(8):
        library = tabs.open()
        library.ask(f"tab {number}", transport="shared", history=100_000)
        library.wait_for("it.ids.length > 3", f"tab {number} flows")
    assert mux.connections_made == 1
    for number in range(8):
        tabs.go(number)
        story.end(f"tab {number}")
        whole(library, story.told[f"tab {number}"])
    assert_requests(orchestrator, 8)


@ways
def test_a_tab_that_is_closed_leaves_its_streams(
    way: str, browser: Browser, serve: Serve, mux_before: PutMuxBefore
) -> None:
    story = Storyteller(pause=0.01)
    orchestrator, gateway = serve(story, streams={"retry": RETRY})
    mux = mux_before(gateway)
    tabs = Tabs(browser, mux.address, way)
    for name in ("first", "second", "third"):
        library = tabs.open()
        library.ask(name, transport="shared", history=100_000)
        library.wait_for("it.ids.length > 3", f"{name} flows")
    # With a leader it is the one that leads, and another takes its place.
    tabs.close(0)
    eventually(lambda: mux.open_streams == 2, "its stream is closed")
    for number, name in enumerate(("second", "third")):
        tabs.go(number)
        length = library.get("it.ids.length")
        library.wait_for(f"it.ids.length > {length} + 5", f"{name} goes on")
        story.end(name)
        whole(library, story.told[name])
    assert_requests(orchestrator, 3)


def test_where_the_worker_can_not_be_loaded_tabs_elect_a_leader(
    browser: Browser, serve: Serve, mux_before: PutMuxBefore
) -> None:
    _, gateway = serve(scripted.chat())
    mux = mux_before(gateway)
    tabs = Tabs(browser, mux.address)
    for _ in range(2):
        library = tabs.open()
        library.ask("x", transport="shared", worker="/nothing.js")
        whole(library, CHAT)
        assert library.get("it.handle.transport") == "shared"


def test_the_seventh_tab_hangs_with_event_sources_and_works_shared(
    browser: Browser, serve: Serve, mux_before: PutMuxBefore
) -> None:
    story = Storyteller(pause=0.01)
    orchestrator, gateway = serve(story, streams={"retry": RETRY})
    mux = mux_before(gateway)
    tabs = Tabs(browser, mux.address)
    for _ in range(8):
        library = tabs.open()
    for number in range(7):
        tabs.go(number)
        library.ask(f"plain {number}", transport="eventsource")
        if number < 6:
            library.wait_for("it.ids.length > 3", f"tab {number} flows")
    tabs.go(0)
    length = library.get("it.ids.length")
    library.wait_for(f"it.ids.length > {length} + 20", "the first tab goes on")
    tabs.go(6)
    assert library.get("[it.ids.length, it.handle.status]") == [0, "connecting"], "the seventh tab hangs"
    assert len(orchestrator.requests) == 6
    for number in range(7):
        tabs.go(number)
        browser.run("streams.a.handle.stop()")
    for number in range(8):
        tabs.go(number)
        library.ask(f"shared {number}", "b", transport="shared", history=100_000)
    for number in range(8):
        tabs.go(number)
        library.wait_for("it.ids.length > 3", f"tab {number} flows", "b")
        story.end(f"shared {number}")
        whole(library, story.told[f"shared {number}"], "b")


#: Counts what is open in a page: timers, listeners of the window, and what the browser itself counts.
COUNT = """
    window.timers = new Set(); window.listeners = 0;
    const [set, clear, add, remove] = [setTimeout, clearTimeout, addEventListener, removeEventListener];
    window.setTimeout = (what, ...rest) => {
        const id = set(() => { timers.delete(id); what(); }, ...rest);
        timers.add(id);
        return id;
    };
    window.clearTimeout = (id) => { timers.delete(id); clear(id); };
    window.addEventListener = (...values) => { listeners += 1; add.apply(window, values); };
    window.removeEventListener = (...values) => { listeners -= 1; remove.apply(window, values); };
"""

CYCLES = """
    const [count, options, done] = arguments;
    const cycle = (number) => new Promise((resolve) => {
        const stream = library.processMessageStream(`n${number}`, {
            onEvent: () => {
                if (number % 3 === 0) stream.detach(); else if (number % 3 === 1) stream.stop();
            },
        }, options);
        stream.done.then(resolve);
    });
    (async () => { for (let n = 0; n < count; n += 1) await cycle(n); })().then(() => done(''), (e) => done(String(e)));
"""


def memory(browser: Browser) -> tuple[int, int, int]:
    """Bytes of script objects, listeners and documents that are left after a collection."""
    for _ in range(3):
        browser.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    counters = browser.driver.execute_cdp_cmd("Memory.getDOMCounters", {})
    used = browser.driver.execute_cdp_cmd("Runtime.getHeapUsage", {})["usedSize"]
    return int(used), counters["jsEventListeners"], counters["documents"]


@pytest.mark.parametrize("transport", ["eventsource", "fetch", "mux", "shared"])
def test_a_thousand_streams_leave_nothing_behind(
    transport: str, browser: Browser, serve: Serve, mux_before: PutMuxBefore
) -> None:
    _, gateway = serve(scripted.chat(), route={"on_abandoned": "cancel"}, streams={"keep_finished": "1s"})
    mux = mux_before(gateway)
    address = mux.address if transport in ("mux", "shared") else gateway.address
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNT})
    open_page(browser, address)
    browser.driver.set_script_timeout(100)

    def cycles(count: int) -> Any:
        return browser.driver.execute_async_script(CYCLES, count, {"transport": transport})

    assert cycles(100) == ""
    before = memory(browser)
    assert cycles(1000) == ""
    assert browser.run("return listeners") == 0
    browser.wait_for("timers.size === 0", "every timer is cleared")
    after = memory(browser)
    assert after[1:] == before[1:]
    assert after[0] - before[0] < 400_000, f"{(after[0] - before[0]) / 1000} bytes a stream"
    if transport in ("mux", "shared"):
        assert mux.connections_made <= 4
