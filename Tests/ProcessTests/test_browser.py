"""A real browser: what its EventSource receives, which origins it may use, and the demo page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from browser import Browser, PageServer
from conftest import Serve, StartGateway, StartProcess, Tutorial, evidence_key
from expectations import TARGET
from gateway import Gateway, chat
from mux_gateway import MuxGateway
from orchestrators import scripted
from orchestrators.scripted import CHAT
from waiting import eventually

StartPages = Callable[..., PageServer]

ABANDONED = "cancel"

#: Listens to a run, notes everything, and closes at its end, as a page does that wants one answer.
LISTEN = """
    const [url, withCredentials] = arguments;
    window.received = []; window.ids = []; window.failed = null;
    const source = new EventSource(url, {withCredentials});
    source.onmessage = event => {
        const message = JSON.parse(event.data);
        received.push(message); ids.push(event.lastEventId);
        if (message.event === 'completed' || message.event === 'error') source.close();
    };
    source.onerror = () => { failed = source.readyState; };
"""


@pytest.fixture
def browser(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser; when the test fails there is a screenshot."""
    browser = Browser(tmp_path / "profile")
    request.node.stash.setdefault(evidence_key, []).append(lambda: ("browser", browser.evidence(tmp_path)))
    yield browser
    browser.quit()


@pytest.fixture
def start_pages() -> Iterator[StartPages]:
    """Start a server for empty pages."""
    with ExitStack() as stack:

        def start(*cookies: str) -> PageServer:
            pages = PageServer(*cookies)
            stack.callback(pages.stop)
            return pages

        yield start


def port(gateway: Gateway) -> str:
    """The port of the gateway's first listener."""
    return gateway.address.rpartition(":")[2]


def completed(browser: Browser) -> list[dict[str, Any]]:
    """The events of the run that the page listens to, once the last one is there."""
    browser.wait_for("received.at(-1)?.event === 'completed'", "the run is complete in the page")
    events: list[dict[str, Any]] = browser.run("return received")
    return events


def test_the_two_lines_of_the_tutorial(browser: Browser, tutorial: Tutorial, start_gateway: StartGateway) -> None:
    gateway = start_gateway(chat(tutorial.url))
    browser.driver.get(f"http://localhost:{port(gateway)}/")  # not found, but of the right origin
    browser.run(f"""
        window.received = [];
        const source = new EventSource('http://localhost:{port(gateway)}/process/stream?message=What%27s%202%2B2%3F');
        source.onmessage = event => received.push(JSON.parse(event.data));
    """)
    events = completed(browser)
    assert events[0] == {"event": "routing_started", "protocol": "a2a", "message": "What's 2+2?"}
    kinds = [event["event"] for event in events]
    assert kinds == [
        "routing_started",
        "routing_completed",
        "agent_execution_started",
        *["response_chunk"] * 2,
        "completed",
    ]


def test_a_source_that_nobody_closes_costs_one_run(browser: Browser, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), streams={"retry": "100ms"})
    browser.driver.get(f"{gateway.url}/")
    browser.run(
        "window.source = new EventSource(arguments[0]); window.n = 0; source.onmessage = () => { n++; }", TARGET
    )
    browser.wait_for("n >= 6 && source.readyState === EventSource.CLOSED", "the browser comes back, and stays away")
    gateway.wait_for_log("request", status="204")
    assert browser.run("return n") == len(CHAT)
    assert len(orchestrator.requests) == 1


def test_a_long_answer_arrives_in_order_and_with_its_ids(
    browser: Browser, tutorial: Tutorial, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(chat(tutorial.url))
    browser.driver.get(f"{gateway.url}/")
    browser.run(LISTEN, f"{TARGET}?message=count+1000", False)
    texts = [event["response_data"]["raw_response"]["parts"][0]["text"] for event in completed(browser)[3:-1]]
    assert texts == [f"{n} " for n in range(1000)]
    ids = browser.run("return ids")
    assert [int(each.rpartition(".")[2]) for each in ids] == list(range(1, 1005))
    assert len({each.rpartition(".")[0] for each in ids}) == 1


def test_a_page_that_reads_with_fetch(browser: Browser, serve: Serve) -> None:
    _, gateway = serve(scripted.chat())
    browser.driver.get(f"{gateway.url}/")
    browser.run(
        """
        window.text = null;
        fetch(arguments[0], {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"message":"x"}'})
            .then(answer => answer.text()).then(body => { text = body; });
    """,
        TARGET,
    )
    body = browser.wait_for("text", "the whole answer")
    assert [line[6:] for line in body.splitlines() if line.startswith("data: ")] == CHAT


@pytest.mark.parametrize("forwards", [True, False])
def test_another_origin_with_credentials(
    forwards: bool, browser: Browser, start_pages: StartPages, serve: Serve
) -> None:
    pages = start_pages("sid=secret; Domain=example.com; Path=/")
    cors = {"origins": [f"http://app.example.com:{pages.port}"], "credentials": True}
    orchestrator, gateway = serve(scripted.chat(), cors=cors, route={"forward_credentials": forwards})
    browser.driver.get(f"http://app.example.com:{pages.port}/")
    browser.run(LISTEN, f"http://gate.example.com:{port(gateway)}{TARGET}?message=x", True)
    assert len(completed(browser)) == len(CHAT)
    assert orchestrator.requests[0].get("cookie") == ("sid=secret" if forwards else None)


def test_another_origin_may_post_and_read_which_run_it_is(
    browser: Browser, start_pages: StartPages, serve: Serve
) -> None:
    pages = start_pages()
    cors = {"origins": ["http://*.example.com:" + str(pages.port)], "credentials": True}
    orchestrator, gateway = serve(scripted.chat(), cors=cors)
    browser.driver.get(f"http://app.example.com:{pages.port}/")
    browser.run(
        """
        window.run = null;
        const headers = {'Content-Type': 'application/json', 'Last-Event-ID': '', 'Authorization': 'Bearer x'};
        fetch(arguments[0], {method: 'POST', credentials: 'include', headers, body: '{}'})
            .then(async answer => { await answer.text(); run = answer.headers.get('Sluice-Run'); });
    """,
        f"http://gate.example.com:{port(gateway)}{TARGET}",
    )
    assert browser.wait_for("run", "the name of the run")
    assert [request.method for request in orchestrator.requests] == ["POST"], "the preflight must not get through"


def test_a_wrong_origin_is_refused_before_the_orchestrator_hears_of_it(
    browser: Browser, start_pages: StartPages, serve: Serve
) -> None:
    pages = start_pages()
    cors = {"origins": [f"http://app.example.com:{pages.port}"], "credentials": True}
    orchestrator, gateway = serve(scripted.chat(), cors=cors)
    browser.driver.get(f"http://evil.example.net:{pages.port}/")
    browser.run(LISTEN, f"http://gate.example.com:{port(gateway)}{TARGET}?message=x", True)
    browser.wait_for("failed === EventSource.CLOSED", "the browser gives up for good")
    gateway.wait_for_log("request", status="403")
    assert browser.run("return received") == []
    assert not orchestrator.requests


@pytest.mark.parametrize("how", ["close the tab", "go elsewhere", "close the source"])
def test_who_leaves_the_page_ends_the_run(how: str, browser: Browser, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.endless('{"event":"response_chunk"}'))
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.driver.get(f"{gateway.url}/")
    browser.run(
        "window.source = new EventSource(arguments[0]); window.n = 0; source.onmessage = () => { n++; }", TARGET
    )
    browser.wait_for("n > 3", "events arrive")
    if how == "close the tab":
        browser.driver.close()
        browser.driver.switch_to.window(first)
    elif how == "go elsewhere":
        browser.driver.get("about:blank")
    else:
        browser.run("source.close()")
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")
    run_line = gateway.wait_for_log("request", route=TARGET)
    assert run_line.values["reason"] in ("client_closed", "client_reset")


def test_a_killed_orchestrator_is_an_error_event_in_the_page(
    browser: Browser, own_tutorial: Tutorial, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(chat(own_tutorial.url))
    browser.driver.get(f"{gateway.url}/")
    browser.run(LISTEN, f"{TARGET}?message=count+100000", False)
    browser.wait_for("received.length > 10", "events arrive")
    own_tutorial.kill()
    last = browser.wait_for("received.at(-1).event === 'error' && received.at(-1)", "the error event")
    assert (last["source"], last["reason"]) == ("gateway", "upstream_closed")


@pytest.fixture
def demo(browser: Browser, start_process: StartProcess) -> Browser:
    """The browser on the page of `sluice demo`."""
    process = start_process(["demo", "--port", "0"])
    browser.driver.get(f"http://{process.address.replace('127.0.0.1', 'localhost')}/")
    browser.wait_for_text("#status", "not connected")
    return browser


def ask(browser: Browser, message: str) -> None:
    """Type a message and send it."""
    box = browser.driver.find_element("id", "message")
    box.clear()
    box.send_keys(message)
    browser.driver.find_element("id", "send").click()


def test_the_demo_answers(demo: Browser) -> None:
    ask(demo, "What's 2+2?")
    assert "4" in demo.wait_for_text("#answer", "4")
    demo.wait_for("Number(document.querySelector('#events-count').textContent) >= 5", "the counter counts")
    demo.wait_for_text("#status", "not connected")
    assert demo.text("#error") == ""
    log = demo.wait_for_text("#log", '"event":"completed"')
    assert log.index("routing_started") < log.index("agent_execution_started") < log.index("response_chunk")


def longer_answer(browser: Browser, than: int) -> str:
    """The answer in the page, once it has more characters than that."""
    answer = "document.querySelector('#answer')?.textContent"
    text: str = browser.wait_for(f"{answer}?.length > {than} && {answer}", f"more than {than} characters of the answer")
    return text


def test_the_demo_streams_and_stops(demo: Browser) -> None:
    ask(demo, "tell me a long story")
    early = longer_answer(demo, than=10)
    assert demo.text("#status") == "connected"
    assert longer_answer(demo, than=len(early)).startswith(early)
    demo.driver.find_element("id", "stop").click()
    demo.wait_for_text("#status", "not connected")
    demo.wait_for("document.querySelector('#stop').disabled", "there is nothing to stop any more")
    assert '"event":"completed"' not in demo.text("#log")
    ask(demo, "echo: still here")
    demo.wait_for("document.querySelector('#answer').textContent.trim() === 'still here'", "the next answer")


@pytest.mark.parametrize(("message", "words"), [("fail", "the gauge"), ("crash", "upstream closed")])
def test_the_demo_shows_what_went_wrong(message: str, words: str, demo: Browser) -> None:
    ask(demo, message)
    demo.wait_for_text("#error", words)
    assert demo.driver.find_element("id", "error").is_displayed()
    ask(demo, "echo: again")
    demo.wait_for("document.querySelector('#answer').textContent.trim() === 'again'", "the next answer")
    assert not demo.driver.find_element("id", "error").is_displayed()


def test_the_demo_works_by_keyboard_and_takes_text_for_text(demo: Browser) -> None:
    box = demo.driver.switch_to.active_element
    assert box.get_attribute("id") == "message"
    box.send_keys('echo <b>bold</b> & "quoted"\n')
    demo.wait_for_text("#answer", '<b>bold</b> & "quoted"')
    assert demo.run("return document.querySelectorAll('#answer b, #log b b').length") == 0


def test_the_demo_runs_the_two_lines_of_the_tutorial(demo: Browser) -> None:
    demo.run(LISTEN, f"{TARGET}?message=What%27s%202%2B2%3F", False)
    assert completed(demo)[0]["event"] == "routing_started"


def test_the_demo_has_no_complaints_in_the_console(demo: Browser) -> None:
    ask(demo, "What's 2+2?")
    demo.wait_for_text("#log", '"event":"completed"')
    assert [line for line in demo.console() if line["level"] in ("SEVERE", "WARNING")] == []


def test_the_demo_joins_its_run_after_a_reload(demo: Browser) -> None:
    ask(demo, "tell me a long story")
    early = longer_answer(demo, than=20)
    run = demo.text("#run")
    demo.driver.refresh()
    assert longer_answer(demo, than=len(early)).startswith(early)
    assert demo.text("#run") == run
    assert demo.text(".asked").endswith("tell me a long story")


def test_the_demo_shows_the_six_connections_and_their_cures(browser: Browser, start_process: StartProcess) -> None:
    process = start_process(["demo", "--port", "0"])
    with MuxGateway(process.address, is_demo=True) as mux:
        browser.driver.get(f"http://{mux.address.replace('127.0.0.1', 'localhost')}/connections")
        browser.wait_for("document.body.dataset.ready", "the panels know what there is")
        browser.driver.find_element("id", "start").click()
        lanes = "[...document.querySelectorAll('#panel-%s .lane')].map((lane) => lane.dataset.state)"
        for name in ("mux", "shared"):
            flowing = f"{lanes % name}.every((state) => state === 'flowing')"
            browser.wait_for(flowing, f"all streams of {name} flow")
            assert browser.text(f"#panel-{name} .connections") == "1"
        states = browser.run(f"return {lanes % 'plain'}")
        assert sorted(states) == ["flowing"] * 6 + ["waiting"] * 6
        assert browser.text("#panel-plain .connections") == "6"
        assert "TLS" in browser.text("#panel-http2 .result")
        browser.driver.find_element("id", "stop").click()
        browser.wait_for("document.querySelector('#stop').disabled", "all panels have ended")
        assert [line for line in browser.console() if line["level"] == "SEVERE"] == []
        assert mux.connections_made == 2


def test_the_page_of_connections_says_what_is_not_there(browser: Browser, start_process: StartProcess) -> None:
    process = start_process(["demo", "--port", "0"])
    browser.driver.get(f"http://{process.address.replace('127.0.0.1', 'localhost')}/connections")
    browser.driver.set_window_size(500, 800)
    browser.wait_for("document.body.dataset.ready", "the panels know what there is")
    assert browser.text("#panel-plain .result") == ""
    browser.driver.find_element("css selector", "#panel-plain .run").click()
    browser.wait_for("document.querySelectorAll('#panel-plain [data-state=flowing]').length === 6", "six streams flow")
    for name in ("http2", "mux", "shared"):
        available = browser.run(f"return document.querySelector('#panel-{name} .result').textContent === ''")
        assert available == browser.run(f"return !document.querySelector('#panel-{name} .run').hidden")
    assert browser.run("return document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_demo_keeps_to_a_phones_width(demo: Browser) -> None:
    # Windows have a least width; a phone's is emulated.
    narrow = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": False}
    demo.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    demo.wait_for("innerWidth <= 360", "the window is narrow")
    ask(demo, "tell me a long story")
    longer_answer(demo, than=200)
    assert demo.run("return document.documentElement.scrollWidth - innerWidth") <= 0
