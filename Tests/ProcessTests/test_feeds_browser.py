"""A real browser that subscribes to a feed, while the connections on either side of the gateway are cut."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import test_browser
import test_feeds
from browser import Browser
from conftest import StartGateway
from cutting_proxy import CuttingProxy, random_cuts
from gateway import feed
from orchestrators.feeds import Source
from resuming import RETRY
from test_browser import StartPages
from test_feeds import ServeFeed
from test_resume_browser import EVENT_SOURCE
from waiting import eventually

browser = test_browser.browser
start_pages = test_browser.start_pages
start_source = test_feeds.start_source
serve_feed = test_feeds.serve_feed


class Counter:
    """Counts on a thread of its own until told to stop, with a pause between the numbers."""

    def __init__(self, say: Callable[[int], Any], pause: float = 0.01):
        self.number = 0
        self._say = say
        self._pause = pause
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def _count(self) -> None:
        while not self._over.wait(self._pause):
            self.number += 1
            self._say(self.number)

    def wait_for(self, number: int) -> None:
        """Wait until it has said this number."""
        eventually(lambda: self.number >= number, f"the number {number}")

    def stop(self) -> int:
        """Stop, and return the last number."""
        self._over.set()
        self._thread.join()
        return self.number


def test_an_event_source_gets_every_event_once_whoever_is_cut(
    browser: Browser, start_pages: StartPages, serve_feed: ServeFeed
) -> None:
    pages = start_pages()  # of another origin, so that no connection but the feed's goes through the proxy
    source, gateway = serve_feed(streams={"retry": RETRY}, cors={"origins": [f"http://app.example.com:{pages.port}"]})
    cuts = random_cuts(24, most=2000, seed=11, head=700)[4:]
    with CuttingProxy(gateway.address, cuts) as proxy:
        browser.driver.get(f"http://app.example.com:{pages.port}/")
        browser.run(EVENT_SOURCE, f"http://gate.example.com:{proxy.port}/events/news")
        source.wait_for_subscribers()
        counter = Counter(lambda number: source.say(f"text {number}", id=f"id-{number}/ä"))
        while proxy.cuts_made < len(cuts):
            counter.wait_for(counter.number + 20)
            source.cut("rst" if len(source.requests) % 2 else "fin")
        last = counter.stop()
        browser.wait_for(f"texts.at(-1) === 'text {last}'", "the browser has the last event")
    assert_all(browser, last)
    assert len(source.requests) > 5


def test_an_event_source_gets_once_what_an_upstream_repeats(browser: Browser, serve_feed: ServeFeed) -> None:
    source, gateway = serve_feed("all", streams={"retry": RETRY})
    with CuttingProxy(gateway.address) as proxy:
        browser.driver.get(f"{proxy.url}/")
        browser.run(EVENT_SOURCE, "/events/news")
        source.wait_for_subscribers()
        counter = Counter(lambda number: source.say(f"text {number}", id=f"id-{number}/ä"))
        for _ in range(8):
            read_on(browser)
            source.cut("rst")
            read_on(browser)
            come_back(proxy)
        last = counter.stop()
        browser.wait_for(f"texts.at(-1) === 'text {last}'", "the browser has the last event")
    assert_all(browser, last)
    assert source.last_ids[0] is None and all(source.last_ids[1:])
    assert len(source.requests) == 9


def read_on(browser: Browser) -> None:
    """Wait until the browser has more events than now."""
    length = browser.run("return texts.length")
    browser.wait_for(f"texts.length > {length}", "the browser reads on")


def come_back(proxy: CuttingProxy) -> None:
    """Cut the browser's connection and wait for its next, so that the feed is without a reader for a moment only."""
    before = proxy.connections
    proxy.cut("rst")
    eventually(lambda: proxy.connections > before, "the browser comes back")


def assert_all(browser: Browser, last: int) -> None:
    """The browser has had every number up to the last once, in order, with the upstream's ids and without a gap."""
    texts = browser.run("return texts")
    first = int(texts[0].removeprefix("text "))
    assert first < 10
    assert texts == [f"text {number}" for number in range(first, last + 1)]
    assert browser.run("return ids") == [f"id-{number}/ä" for number in range(first, last + 1)]
    assert browser.run("return gaps") == 0


def test_an_event_source_of_an_upstream_without_ids_is_told_of_gaps_only(
    browser: Browser, serve_feed: ServeFeed
) -> None:
    source, gateway = serve_feed(streams={"retry": RETRY})
    with CuttingProxy(gateway.address) as proxy:
        browser.driver.get(f"{proxy.url}/")
        browser.run(EVENT_SOURCE, "/events/news")
        source.wait_for_subscribers()
        browser.wait_for("source.readyState === EventSource.OPEN", "the browser subscribes")
        for number in (1, 2, 3):
            source.say(f"text {number}")
            browser.wait_for(f"texts.length === {number}", "the event")
            if number < 3:
                proxy.cut("rst")
        source.cut("fin")
        browser.wait_for("gaps === 1", "the gap")
        source.wait_for_subscribers()
        source.say("text 4")
        browser.wait_for("texts.length === 4", "the last event")
    feed_id = browser.run("return ids[0].split('.')[0]")
    assert browser.run("return texts") == [f"text {number}" for number in (1, 2, 3, 4)]
    assert browser.run("return ids") == [f"{feed_id}.{number}" for number in (1, 2, 3, 5)], "4 was the gap"
    assert browser.run("return gaps") == 1


def test_an_event_source_goes_on_at_another_gateway(
    browser: Browser, start_source: Callable[..., Source], start_gateway: StartGateway
) -> None:
    source = start_source()
    settings = feed(source.url, streams={"retry": RETRY})
    before, after = start_gateway(settings), start_gateway(settings)
    with CuttingProxy(before.address) as proxy:
        browser.driver.get(f"{proxy.url}/")
        browser.run(EVENT_SOURCE, "/events/news")
        source.wait_for_subscribers()
        source.count([1, 2])
        browser.wait_for("texts.length === 2", "the first events")
        proxy.target = after.address
        assert before.stop() == 0
        source.count([3])
        browser.wait_for("texts.length === 3", "the next event")
        source.wait_for_subscribers()
        source.count([4])
        browser.wait_for("texts.length === 4", "the last event")
    assert browser.run("return [texts, ids, gaps]") == [["1", "2", "3", "4"]] * 2 + [0]
    assert source.last_ids == [None, "2"]
