"""The hook of the client library with React itself, in StrictMode: one run, told in full, and nothing left behind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import test_browser
from browser import Browser
from conftest import Serve
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate
from resuming import assert_requests
from test_limits import Held
from waiting import eventually

browser = test_browser.browser


def react_files() -> list[str]:
    """React's own development build, which a package on PyPI brings along; it lies beside the others, for it is no tool."""
    folder = Path(sys.prefix) / "react" / "dash" / "deps"
    assert folder.is_dir(), f"React is missing: pip install --no-deps --target {sys.prefix}/react dash"
    return [(folder / name).read_text() for name in ("react@18.3.1.js", "react-dom@18.3.1.js")]


#: Gives the page React as globals, `react` by an import map, and a component that shows all that the hook gives.
PREPARE = """
    const [files, done] = arguments;
    for (const file of files) {
        const script = document.createElement('script');
        script.textContent = file;
        document.head.append(script);
    }
    const names = Object.keys(React).filter((name) => /^use[A-Z]/.test(name));
    const module = `export const {${names}} = globalThis.React;`;
    const map = document.createElement('script');
    map.type = 'importmap';
    map.textContent = JSON.stringify({imports: {
        react: URL.createObjectURL(new Blob([module], {type: 'text/javascript'})),
    }});
    document.head.append(map);
    const {createElement: h, StrictMode, useEffect} = React;
    window.complaints = [];
    const complain = console.error;
    console.error = (...values) => { complaints.push(String(values[0])); complain(...values); };
    import('/_sluice/react.js').then(({useProcessMessageStream}) => {
        function Answer({question, options}) {
            const stream = useProcessMessageStream({...options, callbacks: {
                onCompleted: () => { window.completed = (window.completed ?? 0) + 1; },
            }});
            window.seen = stream;
            window.renderings = (window.renderings ?? 0) + 1;
            const {send} = stream;
            useEffect(() => { if (question) send(question); }, [question, send]);
            return h('p', {id: 'answer'}, `${stream.status}|${stream.text}|${stream.error?.message ?? ''}`);
        }
        window.show = (props) => {
            window.root ??= ReactDOM.createRoot(document.body.appendChild(document.createElement('div')));
            root.render(h(StrictMode, null, props && h(Answer, props)));
        };
        done('');
    }, (error) => done(String(error)));
"""


@pytest.fixture
def prepare(browser: Browser) -> Any:
    """A page of a gateway with React and the hook."""

    def prepared(url: str) -> Browser:
        browser.driver.get(f"{url}/")
        assert browser.driver.execute_async_script(PREPARE, react_files()) == ""
        return browser

    return prepared


def test_an_effect_that_asks_begins_one_run_in_strict_mode(prepare: Any, serve: Serve) -> None:
    orchestrator, gateway = serve(
        scripted.chat('{"event":"response_chunk","text":"still "}', '{"text":"here"}', CHAT[-1])
    )
    page = prepare(gateway.url)
    page.run("show({question: 'x'})")
    page.wait_for("document.querySelector('#answer')?.textContent === 'not connected|still here|'", "the whole answer")
    assert page.run("return [completed, seen.isRunning, seen.outcome.reason]") == [1, False, "completed"]
    assert page.run("return [seen.counters.events, seen.last.kind]") == [3, "completed"]
    assert page.run("return complaints") == []
    assert_requests(orchestrator, 1)


@pytest.mark.parametrize("on_unmount", ["stop", "detach"])
def test_a_component_that_goes_away(on_unmount: str, prepare: Any, serve: Serve) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate))
    page = prepare(gateway.url)
    page.run("show({options: {onUnmount: arguments[0]}})", on_unmount)
    page.wait_for("window.seen?.status === 'not connected'", "the component is there")
    page.run("window.asked = seen.send('x')")
    page.wait_for("seen.counters.events === 3", "the run has begun")
    page.run("show(null)")
    assert page.wait_for("asked.status === 'not connected'", "the stream is closed")
    if on_unmount == "stop":
        eventually(lambda: orchestrator.exchange().abandoned, "the run is stopped")
    else:
        gate.open()
        gateway.wait_for_log("request", status="200")
        assert not orchestrator.exchange().abandoned
    assert page.run("return complaints") == []


def test_another_question_ends_the_one_before(prepare: Any, serve: Serve) -> None:
    orchestrator, gateway = serve(Held())
    page = prepare(gateway.url)
    page.run("show({question: 'first'})")
    page.wait_for("window.seen?.counters.events === 1 && seen.isRunning", "the first run has begun")
    page.run("show({question: 'second'})")
    page.wait_for("seen.last?.payload.of === 'second'", "the second run has begun")
    eventually(lambda: orchestrator.exchange(0).abandoned, "the first run is stopped")
    assert not orchestrator.exchange(1).abandoned
    assert page.run("return seen.stop === seen.stop && seen.send.length > 0")
    page.run("seen.stop()")
    eventually(lambda: orchestrator.exchange(1).abandoned, "the second run is stopped")
    page.wait_for("seen.status === 'not connected' && !seen.isRunning", "the component knows")
    assert_requests(orchestrator, 2)


def test_a_thousand_events_are_few_renderings(prepare: Any, serve: Serve) -> None:
    _, gateway = serve(scripted.stream(b'data: {"text":"x"}\n\n' * 1000, b"data: [DONE]\n\n"))
    page = prepare(gateway.url)
    page.run("show({question: 'x', options: {transport: 'fetch'}})")
    page.wait_for("seen?.outcome?.text.length === 1000", "the whole answer")
    assert page.run("return renderings") < 200


def test_components_that_come_and_go_leave_nothing(prepare: Any, serve: Serve) -> None:
    _, gateway = serve(scripted.endless('{"event":"response_chunk","text":"x"}', pause=0.01))
    page = prepare(gateway.url)
    counts: list[int] = []
    for _ in range(2):
        for number in range(20):
            page.run("show({question: arguments[0]})", f"question {number}")
            page.wait_for("window.seen?.counters.events > 0 && seen.isRunning", "it flows")
            page.run("show(null); window.seen = null")
        page.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
        counts.append(page.driver.execute_cdp_cmd("Memory.getDOMCounters", {})["jsEventListeners"])
    assert counts[0] == counts[1]
