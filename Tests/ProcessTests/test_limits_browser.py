"""Limits and credentials in a real browser: who gives way stays away, and a page can say why it was refused."""

from __future__ import annotations

import pytest

import test_browser
from browser import Browser
from conftest import Serve, StartGateway, StartOrchestrator
from expectations import TARGET
from gateway import chat
from orchestrators import scripted
from test_browser import StartPages, port
from test_limits import Held, complete
from waiting import eventually
from wire import ask

browser = test_browser.browser
start_pages = test_browser.start_pages

ABANDONED = "cancel"
RETRY = {"retry": "100ms"}
WORKERS = pytest.mark.parametrize("workers", [1, 4], ids=["1 worker", "4 workers"])

#: Stock EventSources that nobody closes, one for each URL, and what each of them is told.
SOURCES = """
    const [urls, withCredentials = false] = arguments;
    window.sources = urls.map(url => {
        const source = new EventSource(url, {withCredentials});
        source.texts = []; source.told = []; source.opened = 0;
        source.onopen = () => { source.opened++; };
        source.onmessage = event => { source.texts.push(event.data); };
        for (const type of ['sluice.evicted', 'sluice.busy'])
            source.addEventListener(type, event => { source.told.push([type, JSON.parse(event.data)]); });
        return source;
    });
"""


@WORKERS
def test_the_seventh_stream_of_a_browser_takes_the_place_of_its_first(
    workers: int, browser: Browser, start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    runs = Held()
    orchestrator = start_orchestrator(runs)
    limit = {"name": "six", "per": ["client", "domain"], "streams": 6, "when_full": "evict-oldest"}
    settings = chat(orchestrator.url, limits=[limit], streams=RETRY, workers=workers)
    # A browser has six connections to a host and port, and a domain may have several ports.
    settings["listen"] = [{"address": "127.0.0.1:0"}] * 2
    settings["cors"] = {"origins": ["*"]}
    gateway = start_gateway(settings)
    main, second = (address.rpartition(":")[2] for address in gateway.addresses)
    page = f"http://chat.example.com:{main}"

    def url(number: int, on: str) -> str:
        return f"http://chat.example.com:{on}{TARGET}?message=n{number}"

    browser.driver.get(f"{page}/")
    browser.run(SOURCES, [url(0, main)])
    browser.wait_for("sources[0].texts.length === 1", "the first stream flows")
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.driver.get(f"{page}/")
    browser.run(SOURCES, [url(number, main if number < 5 else second) for number in range(1, 6)])
    browser.wait_for("sources.every(source => source.texts.length === 1)", "six streams flow")
    browser.driver.switch_to.window(first)
    assert browser.run("return sources[0].told") == []
    browser.driver.switch_to.new_window("tab")
    browser.driver.get(f"{page}/")
    browser.run(SOURCES, [url(6, second)])
    browser.wait_for("sources[0].texts.length === 1", "the seventh stream flows")
    browser.driver.switch_to.window(first)
    browser.wait_for("sources[0].readyState === EventSource.CLOSED", "the first page stays closed")
    told = browser.run("return sources[0].told")
    assert [kind for kind, _ in told] == ["sluice.evicted"]
    assert browser.run("return sources[0].opened") == 1
    gateway.wait_for_log("request", status="204")
    assert len(gateway.logged("request", reason="evicted")) == 1
    for number in range(1, 7):
        runs.say(f"n{number}", "still here")
    for handle in browser.driver.window_handles:
        browser.driver.switch_to.window(handle)
        if handle != first:
            browser.wait_for("sources.every(source => source.texts.at(-1) === 'still here')", "all others go on")
    assert len(orchestrator.requests) == 7


@WORKERS
def test_a_page_can_say_which_limit_is_full_and_is_served_later(workers: int, browser: Browser, serve: Serve) -> None:
    runs = Held()
    limit = {"name": "tables", "streams": 1}
    orchestrator, gateway = serve(runs, limits=[limit], route={"refusal": "stream"}, streams=RETRY, workers=workers)
    browser.driver.get(f"{gateway.url}/")
    browser.run(SOURCES, [f"{TARGET}?message=first"])
    browser.wait_for("sources[0].texts.length === 1", "the first stream flows")
    browser.driver.switch_to.new_window("tab")
    browser.driver.get(f"{gateway.url}/")
    browser.run(SOURCES, [f"{TARGET}?message=second"])
    kind, why = browser.wait_for("sources[0].told[0]", "the page hears why")
    assert (kind, why["limit"], why["bound"]) == ("sluice.busy", "tables", "1 stream")
    assert why["retry_after"] >= 1
    assert browser.run("return sources[0].readyState") == 0, "it will try again"
    runs.end("first", complete)
    browser.wait_for("sources[0].texts.length === 1", "there is room by now")
    assert [request.json["message"] for request in orchestrator.requests] == ["first", "second"]


def test_a_page_sees_no_reason_in_a_status(browser: Browser, serve: Serve) -> None:
    _, gateway = serve(Held(), limits=[{"name": "tables", "streams": 1}], streams=RETRY)
    browser.driver.get(f"{gateway.url}/")
    browser.run(SOURCES, [f"{TARGET}?message=first"])
    browser.wait_for("sources[0].texts.length === 1", "the first stream flows")
    browser.driver.switch_to.new_window("tab")
    browser.driver.get(f"{gateway.url}/")
    browser.run(SOURCES, [f"{TARGET}?message=second"])
    browser.wait_for("sources[0].readyState === EventSource.CLOSED", "an EventSource gives up at a status")
    assert browser.run("return sources[0].told") == []
    browser.run(
        """
        window.refusal = null;
        fetch(arguments[0], {method: 'POST', body: '{"message":"third"}'}).then(async answer => {
            refusal = [answer.status, answer.headers.get('Retry-After'), await answer.json()];
        });
    """,
        TARGET,
    )
    status, retry, problem = browser.wait_for("refusal", "fetch sees all of it")
    assert (status, problem["limit"], problem["bound"]) == (503, "tables", "1 stream")
    assert 1 <= int(retry) <= 5


@WORKERS
def test_a_page_that_waits_is_served_in_the_same_stream(workers: int, browser: Browser, serve: Serve) -> None:
    runs = Held()
    limit = {"name": "queue", "streams": 1, "when_full": "wait 20s"}
    _, gateway = serve(runs, limits=[limit], streams=RETRY, workers=workers)
    browser.driver.get(f"{gateway.url}/")
    browser.run(SOURCES, [f"{TARGET}?message=first"])
    browser.wait_for("sources[0].texts.length === 1", "the first stream flows")
    browser.driver.switch_to.new_window("tab")
    browser.driver.get(f"{gateway.url}/")
    browser.run(SOURCES, [f"{TARGET}?message=second"])
    browser.wait_for("sources[0].opened === 1", "the second one is open while it waits")
    assert browser.run("return sources[0].texts") == []
    runs.end("first", complete)
    browser.wait_for("sources[0].texts.length === 1", "it is served")
    assert browser.run("return sources[0].opened") == 1


@pytest.mark.parametrize("with_credentials", [True, False])
def test_only_the_named_cookies_of_pages_that_send_them_reach_the_orchestrator(
    with_credentials: bool, browser: Browser, start_pages: StartPages, serve: Serve
) -> None:
    pages = start_pages("sid=secret; Domain=example.com; Path=/", "theme=dark; Domain=example.com; Path=/")
    cors = {"origins": [f"http://app.example.com:{pages.port}"], "credentials": True}
    route = {"forward_credentials": {"cookies": ["sid"]}}
    orchestrator, gateway = serve(scripted.chat(), cors=cors, route=route)
    browser.driver.get(f"http://app.example.com:{pages.port}/")
    browser.run(SOURCES, [f"http://gate.example.com:{port(gateway)}{TARGET}?message=x"], with_credentials)
    browser.wait_for("sources[0].texts.length === 6", "the run is read")
    assert orchestrator.requests[0].get("cookie") == ("sid=secret" if with_credentials else None)


@pytest.mark.parametrize("passes", [True, False])
def test_a_cookie_that_may_pass_is_the_browsers_from_then_on(
    passes: bool, browser: Browser, start_pages: StartPages, serve: Serve
) -> None:
    async def script(exchange: scripted.Exchange) -> None:
        await exchange.head(extra="Set-Cookie: sid=fresh; Path=/; SameSite=Lax\r\nSet-Cookie: other=1; Path=/\r\n")
        await exchange.events(*scripted.CHAT)
        await exchange.end()

    pages = start_pages()
    cors = {"origins": [f"http://app.example.com:{pages.port}"], "credentials": True}
    route = {
        "forward_credentials": {"cookies": "pass"},
        "set_cookie": ["sid"] if passes else "none",
        "answer_after": "20s",
    }
    orchestrator, gateway = serve(script, cors=cors, route=route)
    browser.driver.get(f"http://app.example.com:{pages.port}/")
    for count in (1, 2):
        browser.run(
            """
            window.answered = 0;
            fetch(arguments[0], {method: 'POST', credentials: 'include', body: '{}'})
                .then(answer => answer.text()).then(() => { answered = 1; });
        """,
            f"http://gate.example.com:{port(gateway)}{TARGET}",
        )
        browser.wait_for("answered", "the answer is read")
        assert len(orchestrator.requests) == count
    told = [request.get("cookie") for request in orchestrator.requests]
    assert told == [None, "sid=fresh" if passes else None]


def test_a_page_of_another_origin_gets_neither_stream_nor_reason(
    browser: Browser, start_pages: StartPages, serve: Serve
) -> None:
    pages = start_pages("sid=secret; Domain=example.com; Path=/")
    cors = {"origins": [f"http://app.example.com:{pages.port}"], "credentials": True}
    limit = {"name": "one", "streams": 1}
    orchestrator, gateway = serve(
        Held(), cors=cors, route={"forward_credentials": True, "refusal": "stream"}, limits=[limit]
    )
    browser.driver.get(f"http://evil.example.com:{pages.port}/")
    target = f"http://gate.example.com:{port(gateway)}{TARGET}?message=x"
    browser.run(SOURCES, [target], True)
    browser.wait_for("sources[0].readyState === EventSource.CLOSED", "the browser gives up")
    browser.run(
        """
        window.failed = null;
        fetch(arguments[0], {method: 'POST', credentials: 'include', headers: {'Content-Type': 'application/json'},
            body: '{}'}).then(answer => { failed = answer.status; }, error => { failed = error.name; });
    """,
        target,
    )
    assert browser.wait_for("failed", "fetch fails") == "TypeError"
    assert browser.run("return [sources[0].told, sources[0].texts]") == [[], []]
    assert not orchestrator.requests
    # Nor does it take anybody's room.
    assert ask(gateway.address, "HEAD", TARGET).status == 200
    browser.driver.get(f"http://app.example.com:{pages.port}/")
    browser.run(SOURCES, [target], True)
    browser.wait_for("sources[0].texts.length === 1", "the listed origin is served")
    eventually(lambda: len(orchestrator.requests) == 1, "one request")
