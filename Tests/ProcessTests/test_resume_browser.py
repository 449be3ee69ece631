"""A real browser whose connections are cut, whose page is loaded again, and that has a second tab."""

from __future__ import annotations

import pytest

import test_browser
from browser import Browser
from conftest import Serve, StartGateway, StartOrchestrator
from cutting_proxy import Cut, CuttingProxy, random_cuts
from expectations import TARGET
from gateway import Gateway, chat
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate
from resuming import RETRY, Storyteller, assert_requests
from test_browser import StartPages, port
from waiting import eventually
from wire import ask

browser = test_browser.browser
start_pages = test_browser.start_pages

#: A stock EventSource that nobody closes, and everything that it is given.
EVENT_SOURCE = """
    const [url, withCredentials = false] = arguments;
    window.texts = []; window.ids = []; window.gaps = 0;
    window.source = new EventSource(url, {withCredentials});
    source.onmessage = event => { texts.push(event.data); ids.push(event.lastEventId); };
    source.addEventListener('sluice.gap', () => { gaps++; });
    window.isOver = () => source.readyState === EventSource.CLOSED;
"""

#: A page that reads with fetch as Microsoft's fetch-event-source does: an id counts from its line on and goes back with
#: the same body, an error is a reason to come back, and a clean end is the end.
FETCH = """
    const [url] = arguments;
    window.texts = []; window.ids = []; window.gaps = 0; let over = false, wait = 1000;
    const headers = {'Accept': 'text/event-stream', 'Content-Type': 'application/json', 'Idempotency-Key': 'tale'};
    let event;
    const take = line => {
        const [, name, value] = line.match(/^([^:]*):? ?([^]*)$/);
        if (line === '') {
            if (event.type === 'sluice.gap') gaps++;
            else if (event.data.length) { texts.push(event.data.join('\\n')); ids.push(event.id); }
            event = {data: []};
        } else if (name === 'data') event.data.push(value);
        else if (name === 'event') event.type = value;
        else if (name === 'retry') wait = Number(value);
        else if (name === 'id') headers['last-event-id'] = event.id = value;
    };
    const attempt = async () => {
        event = {data: []};
        try {
            const answer = await fetch(url, {method: 'POST', headers, body: '{"message":"tale"}'});
            if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) throw new Error('type');
            const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
            let rest = '';
            for (let part; !(part = await reader.read()).done;) {
                const lines = (rest + part.value).split('\\n');
                rest = lines.pop();
                lines.forEach(take);
            }
            over = true;
        } catch (error) { setTimeout(attempt, wait); }
    };
    window.isOver = () => over;
    attempt();
"""


@pytest.mark.parametrize("kind", ["EventSource", "fetch"])
def test_nothing_is_lost_in_fifty_cuts(kind: str, browser: Browser, start_pages: StartPages, serve: Serve) -> None:
    story = Storyteller(pause=0.01)
    pages = start_pages()  # of another origin, so that no connection but the run's goes through the proxy
    orchestrator, gateway = serve(
        story, streams={"retry": RETRY}, cors={"origins": [f"http://app.example.com:{pages.port}"]}
    )
    cuts = random_cuts(50, most=2000, seed=7, head=700)
    with CuttingProxy(gateway.address, cuts, spares_block_ends=kind == "fetch") as proxy:
        browser.driver.get(f"http://app.example.com:{pages.port}/")
        script, target = (EVENT_SOURCE, f"{TARGET}?message=tale&run=tale") if kind == "EventSource" else (FETCH, TARGET)
        browser.run(script, f"http://gate.example.com:{proxy.port}{target}")
        eventually(lambda: proxy.cuts_made == 50, "fifty cuts", within=80)
        story.end("tale")
        browser.wait_for("isOver()", "the browser has all and comes back no more")
    assert browser.run("return texts") == story.told["tale"]
    ids = browser.run("return ids")
    run = ids[0].rpartition(".")[0]
    assert ids == [f"{run}.{n}" for n in range(1, len(ids) + 1)]
    assert browser.run("return gaps") == 0
    uncut = ask(gateway.address, "GET", f"/_sluice/runs/{run}")
    assert [event.data for event in uncut.events] == story.told["tale"]
    assert_requests(orchestrator, 1)


def test_after_the_end_an_event_source_comes_back_exactly_once(browser: Browser, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), streams={"retry": RETRY})
    browser.driver.get(f"{gateway.url}/")
    browser.run(EVENT_SOURCE, f"{TARGET}?message=x")
    browser.wait_for("isOver()", "the browser gives up for good")
    gateway.wait_for_log("request", status="204")
    requests = gateway.logged("request", route=TARGET)
    assert [line.values["status"] for line in requests] == ["200", "204"]
    assert browser.run("return [texts, source.readyState]") == [CHAT, 2]
    assert_requests(orchestrator, 1)


def test_a_reload_in_the_middle_of_an_answer(browser: Browser, serve: Serve) -> None:
    story = Storyteller(pause=0.01)
    orchestrator, gateway = serve(story, streams={"retry": RETRY})
    browser.driver.get(f"{gateway.url}/")
    for count in (3, 20, 60):
        browser.run(EVENT_SOURCE, f"{TARGET}?message=tale&run=my-tale")
        browser.wait_for(f"texts.length > {count}", "the answer goes on")
        assert browser.run("return ids[0]").endswith(".1"), "it is there from the start"
        browser.driver.refresh()
    browser.run(EVENT_SOURCE, f"{TARGET}?message=tale&run=my-tale")
    story.end("tale")
    browser.wait_for("isOver()", "the run is over")
    assert browser.run("return texts") == story.told["tale"]
    assert_requests(orchestrator, 1)


def test_two_tabs_and_a_stop_button(browser: Browser, serve: Serve) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate), streams={"retry": RETRY})
    browser.driver.get(f"{gateway.url}/")
    first = browser.driver.current_window_handle
    browser.run(EVENT_SOURCE, f"{TARGET}?message=x")
    browser.wait_for("texts.length === 3", "the first tab has the beginning")
    run = browser.run("return ids[0].split('.')[0]")
    browser.driver.switch_to.new_window("tab")
    browser.driver.get(f"{gateway.url}/")
    browser.run(EVENT_SOURCE, f"/_sluice/runs/{run}")
    browser.wait_for("texts.length === 3", "the second tab has the beginning")
    browser.run(
        "window.stopped = 0; fetch(arguments[0], {method: 'DELETE'}).then(it => { stopped = it.status; })",
        f"/_sluice/runs/{run}",
    )
    assert browser.wait_for("stopped", "the answer to the stop") == 204
    for tab in (browser.driver.current_window_handle, first):
        browser.driver.switch_to.window(tab)
        browser.wait_for("isOver()", "the run is over in this tab")
        *begun, last = browser.run("return texts.map(text => JSON.parse(text))")
        assert [event["n"] for event in begun] == [0, 1, 2]
        assert last == {"event": "error", "source": "gateway", "reason": "stopped"}
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")
    assert_requests(orchestrator, 1)


def test_after_a_restart_an_event_source_is_told_and_stays_away(
    browser: Browser, start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    orchestrator = start_orchestrator(scripted.gated(Gate()))
    before: Gateway = start_gateway(chat(orchestrator.url, streams={"retry": RETRY}))
    with CuttingProxy(before.address) as proxy:
        browser.driver.get(f"{proxy.url}/")
        browser.run(EVENT_SOURCE, f"{TARGET}?message=x")
        browser.wait_for("texts.length === 3", "the run has begun")
        after: Gateway = start_gateway(chat(orchestrator.url, streams={"retry": RETRY}))
        proxy.target = after.address
        before.kill()
        browser.wait_for("isOver()", "the browser gives up for good")
        last = browser.run("return JSON.parse(texts.at(-1))")
        assert last == {"event": "error", "source": "gateway", "reason": "run_unknown"}
        assert browser.run("return texts.length") == 4
        after.wait_for_log("request", status="204")
        statuses = [line.values["status"] for line in after.logged("request", route=TARGET)]
        assert statuses == ["200", "204"]
    assert_requests(orchestrator, 1)


def test_a_page_of_another_origin_resumes_the_run_of_its_cookie(
    browser: Browser, start_pages: StartPages, serve: Serve
) -> None:
    story = Storyteller(pause=0.01)
    mine = start_pages("sid=mine; Domain=example.com; Path=/")
    others = start_pages("sid=other; Domain=example.com; Path=/")
    origins = [f"http://app.example.com:{pages.port}" for pages in (mine, others)]
    settings = {"cors": {"origins": origins, "credentials": True}, "identity": {"headers": [], "cookies": ["sid"]}}
    orchestrator, gateway = serve(story, streams={"retry": RETRY}, **settings)
    with CuttingProxy(gateway.address, [Cut(after, "rst") for after in (1500, 2500, 1500)]) as proxy:
        browser.driver.get(f"{origins[0]}/")
        browser.run(EVENT_SOURCE, f"http://gate.example.com:{proxy.port}{TARGET}?message=tale", True)
        eventually(lambda: proxy.cuts_made == 3, "three cuts")
        length = browser.run("return texts.length")
        browser.wait_for(f"texts.length > {length} + 3", "the run goes on behind the last cut")
        run = browser.run("return ids[0].split('.')[0]")
        first = browser.driver.current_window_handle
        browser.driver.switch_to.new_window("tab")
        browser.driver.get(f"{origins[1]}/")
        browser.run(EVENT_SOURCE, f"http://gate.example.com:{port(gateway)}/_sluice/runs/{run}", True)
        browser.wait_for("isOver()", "another's cookie opens nothing")
        assert browser.run("return texts") == []
        gateway.wait_for_log("request", status="403")
        browser.driver.get(f"{origins[0]}/")  # which sets the first cookie again
        browser.run(EVENT_SOURCE, f"http://gate.example.com:{port(gateway)}/_sluice/runs/{run}", True)
        browser.wait_for("texts.length > 3", "the own cookie opens it")
        story.end("tale")
        for tab in (browser.driver.current_window_handle, first):
            browser.driver.switch_to.window(tab)
            browser.wait_for("isOver()", "the run is over in this tab")
            assert browser.run("return texts") == story.told["tale"]
    assert_requests(orchestrator, 1)
