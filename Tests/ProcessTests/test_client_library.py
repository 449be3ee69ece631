"""The client library in a real browser: every callback, every way to a stream, cuts, limits and refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import test_browser
from browser import Browser
from conftest import Connect, Serve, StartGateway, Tutorial
from cutting_proxy import CuttingProxy, random_cuts
from expectations import TARGET
from gateway import chat
from library import Library
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate
from resuming import ALICE, RETRY, Storyteller, assert_requests
from test_authentication import ENDS, brief
from test_browser import StartPages, port
from test_limits import Held
from tokens import believing, issuer_key, token
from waiting import eventually
from wire import ask

browser = test_browser.browser
start_pages = test_browser.start_pages

DIRECT = pytest.mark.parametrize("transport", ["eventsource", "fetch"])


def open_page(browser: Browser, address: str) -> Library:
    """A page of the gateway's own origin, with the library in it; `localhost` makes it a secure context."""
    browser.driver.get(f"http://{address.replace('127.0.0.1', 'localhost')}/")
    return Library(browser)


@DIRECT
def test_every_callback_in_its_order(
    transport: str, browser: Browser, tutorial: Tutorial, start_gateway: StartGateway
) -> None:
    library = open_page(browser, start_gateway(chat(tutorial.url)).address)
    library.ask("count 100", transport=transport)
    outcome = library.outcome()
    text = "".join(f"{n} " for n in range(100))
    assert (outcome["reason"], outcome["text"], outcome["error"]) == ("completed", text, None)
    names = library.callbacks()
    assert names[:3] == ["onRoutingStarted", "onRoutingCompleted", "onAgentExecutionStarted"]
    assert names[-1] == "onCompleted"
    assert set(names[3:-1]) == {"onResponseChunk"}
    deltas = library.get("it.told.filter(([each]) => each === 'onResponseChunk').map(([, delta]) => delta)")
    assert "".join(deltas) == text
    assert library.statuses() == ["connecting", "connected", "not connected"]
    assert library.get("[it.handle.status, it.handle.text, it.handle.transport]") == ["not connected", text, transport]
    assert library.get("it.handle.counters.events") == 104
    assert len(library.get("it.ids")) == 104
    assert outcome["run"] == library.get("it.ids[0].split('.')[0]")


def test_updates_come_once_for_each_picture(browser: Browser, tutorial: Tutorial, start_gateway: StartGateway) -> None:
    library = open_page(browser, start_gateway(chat(tutorial.url)).address)
    library.ask("count 2000", transport="fetch", history=50)
    library.outcome()
    chunks = library.callbacks().count("onResponseChunk")
    assert 0 < chunks < 1000, "two thousand events must not be two thousand updates"
    assert library.get("it.handle.history.map((event) => event.sequence)") == list(range(1955, 2005))
    library.ask("count 10", "each", transport="fetch", batch=False)
    library.outcome("each")
    assert library.callbacks("each").count("onResponseChunk") == 10


@pytest.mark.parametrize("kind", ["eventsource", "fetch"])
def test_nothing_is_lost_or_doubled_in_fifty_cuts(
    kind: str, browser: Browser, start_pages: StartPages, serve: Serve
) -> None:
    story = Storyteller(pause=0.01)
    pages = start_pages()
    orchestrator, gateway = serve(
        story, streams={"retry": RETRY}, cors={"origins": [f"http://app.example.com:{pages.port}"]}
    )
    browser.driver.get(f"http://app.example.com:{pages.port}/")
    # The module comes from another origin, too.
    library = Library(browser, f"http://gate.example.com:{port(gateway)}/_sluice/client.js")
    with CuttingProxy(gateway.address, random_cuts(50, most=2000, seed=7, head=700)) as proxy:
        endpoint = f"http://gate.example.com:{proxy.port}{TARGET}"
        backoff = {"base": 20, "cap": 200}
        library.ask("tale", endpoint=endpoint, transport=kind, backoff=backoff, maxRetries=50, history=100_000)
        eventually(lambda: proxy.cuts_made == 50, "fifty cuts", within=80)
        story.end("tale")
        assert library.outcome()["reason"] == "completed"
    told = library.get("it.handle.history.filter(({type}) => type === 'message').map(({data}) => data)")
    assert told == story.told["tale"]
    assert library.get("it.ids.map((id) => Number(id.split('.')[1]))") == list(range(1, len(told) + 1))
    assert library.get("it.handle.counters.reconnects") >= 40
    assert library.get("it.handle.counters.gaps") == 0
    assert_requests(orchestrator, 1)


@DIRECT
@pytest.mark.parametrize("early", [False, True], ids=["later", "before the first event"])
def test_stop_ends_the_run_for_every_reader(transport: str, early: bool, browser: Browser, serve: Serve) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate, before=[] if early else CHAT[:3]))
    library = open_page(browser, gateway.address)
    library.ask("x", transport=transport)
    if early:
        orchestrator.exchange()
    else:
        library.wait_for("it.ids.length === 3", "the run has begun")
    stopped = browser.driver.execute_async_script(
        "const done = arguments[0]; streams.a.handle.stop().then((it) => done(it))"
    )
    assert stopped is True
    assert library.outcome()["reason"] == "stopped"
    assert library.statuses()[-1] == "not connected"
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")
    assert_requests(orchestrator, 1)


def test_detach_leaves_the_run_and_another_tab_joins_it(browser: Browser, serve: Serve) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate))
    library = open_page(browser, gateway.address)
    library.ask("x")
    library.wait_for("it.ids.length === 3", "the run has begun")
    browser.run("streams.a.handle.detach()")
    outcome = library.outcome()
    assert (outcome["reason"], outcome["error"]) == ("detached", None)
    browser.driver.switch_to.new_window("tab")
    second = open_page(browser, gateway.address)
    second.join(outcome["run"])
    second.wait_for("it.ids.length === 3", "the beginning is told again")
    gate.open()
    assert second.outcome()["reason"] == "completed"
    assert second.get("it.handle.history.map(({data}) => data)") == CHAT
    assert_requests(orchestrator, 1)
    assert not orchestrator.exchange().abandoned


def test_a_post_with_body_and_headers(browser: Browser, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), route={"forward_credentials": True})
    library = open_page(browser, gateway.address)
    library.ask({"message": "x", "deep": {"a": [1]}}, "deep")
    library.ask("x", "fields", headers={"Authorization": "Bearer alice"}, body={"model": "small"})
    for name in ("deep", "fields"):
        assert library.outcome(name)["reason"] == "completed"
        assert library.get("it.handle.transport", name) == "fetch"
    deep, fields = sorted(orchestrator.requests, key=lambda request: "model" in request.json)
    assert deep.json == {"message": "x", "deep": {"a": [1]}}
    assert (fields.json, fields.get("authorization")) == ({"message": "x", "model": "small"}, "Bearer alice")


def test_what_went_wrong_in_words(browser: Browser, serve: Serve) -> None:
    async def script(exchange: scripted.Exchange) -> None:
        await exchange.head()
        await exchange.events(CHAT[0])
        if exchange.request.json["message"] == "fail":
            await exchange.events('{"event":"error","message":"the gauge is dry"}')
            await exchange.end()
        else:
            exchange.reset()

    _, gateway = serve(script)
    library = open_page(browser, gateway.address)
    expected = {
        "fail": ("agent", "agent_error", "The agent reported an error: the gauge is dry."),
        "crash": (
            "gateway",
            "upstream_closed",
            "The gateway ended the answer: the agent was cut off in the middle (upstream closed).",
        ),
    }
    for message, (source, reason, words) in expected.items():
        library.ask(message, message)
        error = library.outcome(message)["error"]
        assert (error["source"], error["reason"], error["message"]) == (source, reason, words)
        assert library.callbacks(message)[-1] == "onError"
        assert library.statuses(message)[-1] == "failed"


@DIRECT
def test_a_run_of_somebody_else_is_refused_in_words(
    transport: str, browser: Browser, serve: Serve, connect: Connect
) -> None:
    _, gateway = serve(scripted.gated(Gate()))
    begun = connect(gateway.address).ask("GET", f"{TARGET}?message=x", [ALICE])
    library = open_page(browser, gateway.address)
    library.join(begun.run, transport=transport)
    error = library.outcome()["error"]
    assert (error["status"], error["source"]) == (403, "gateway")
    assert error["message"] == ("You are not allowed to read this stream. (this run was begun by somebody else)")
    library.join("a" * 26, "unknown", transport=transport)
    assert library.outcome("unknown")["error"]["status"] == 404


def test_a_hidden_refusal_is_not_dialled_for_ever(browser: Browser, start_pages: StartPages, serve: Serve) -> None:
    pages = start_pages()
    orchestrator, gateway = serve(scripted.chat(), cors={"origins": ["http://other.example.com"]})
    browser.driver.get(f"http://evil.example.net:{pages.port}/")
    library = Library(browser, f"http://gate.example.com:{port(gateway)}/_sluice/client.js")
    library.ask("x", backoff={"base": 10, "cap": 50})
    error = library.outcome()["error"]
    assert (error["reason"], error["source"]) == ("hidden", "connection")
    assert "may not allow this origin" in error["message"]
    assert not orchestrator.requests


@pytest.mark.parametrize("refusal", ["status", "stream"])
@DIRECT
def test_a_full_gateway_is_tried_again_later(transport: str, refusal: str, browser: Browser, serve: Serve) -> None:
    runs = Held()
    limit = {"name": "tables", "streams": 1}
    orchestrator, gateway = serve(runs, limits=[limit], route={"refusal": refusal}, streams={"retry": RETRY})
    library = open_page(browser, gateway.address)
    library.ask("first", "first", transport=transport)
    library.wait_for("it.ids.length === 1", "the first stream flows", "first")
    library.ask("second", "second", transport=transport)
    told = library.wait_for(
        "it.told.find(([each, , detail]) => each === 'onStatus' && detail.error)?.[2]", "it is told why", "second"
    )
    assert told["wait"] >= 1000, "the gateway's Retry-After is whole seconds"
    library_error = library.get("it.told.filter(([each]) => each === 'onStatus').at(-1)[2].error.message", "second")
    assert "tables" in library_error
    assert len(orchestrator.requests) == 1
    runs.say("first", "done")
    browser.run("streams.first.handle.stop()")
    library.wait_for("it.handle.status === 'connected' && it.ids.length > 0", "the second stream flows", "second")
    assert [request.json["message"] for request in orchestrator.requests] == ["first", "second"]


def test_retries_have_an_end(browser: Browser, serve: Serve) -> None:
    limit = {"name": "tables", "streams": 1}
    _, gateway = serve(Held(), limits=[limit])
    library = open_page(browser, gateway.address)
    library.ask("first", "first", transport="fetch")
    library.wait_for("it.ids.length === 1", "the first stream flows", "first")
    library.ask("second", "second", transport="fetch", maxRetries=1)
    error = library.outcome("second")["error"]
    assert (error["status"], error["limit"], error["reason"]) == (503, "tables", "limit")
    assert error["message"].startswith("The gateway is full. (limit tables")
    assert library.get("it.handle.counters.reconnects", "second") == 1


@DIRECT
def test_whose_place_was_taken_stays_away(transport: str, browser: Browser, serve: Serve) -> None:
    limit = {"name": "one", "streams": 1, "when_full": "evict-oldest"}
    orchestrator, gateway = serve(Held(), limits=[limit], streams={"retry": RETRY})
    library = open_page(browser, gateway.address)
    library.ask("first", "first", transport=transport)
    library.wait_for("it.ids.length === 1", "the first stream flows", "first")
    library.ask("second", "second", transport=transport)
    error = library.outcome("first")["error"]
    assert (error["reason"], error["limit"]) == ("evicted", "one")
    library.wait_for("it.ids.length === 1", "the second stream flows", "second")
    assert len(orchestrator.requests) == 2


@DIRECT
def test_lost_events_are_counted(transport: str, browser: Browser, serve: Serve, connect: Connect) -> None:
    gate = Gate()
    filler = [json.dumps({"event": "response_chunk", "text": f"{n} "}) for n in range(400)]
    _, gateway = serve(scripted.gated(gate, before=filler, after=CHAT[-1:]), streams={"log": {"events": 10}})
    begun = connect(gateway.address).ask("GET", f"{TARGET}?message=x")
    begun.read_until(b"399 ")
    library = open_page(browser, gateway.address)
    library.join(begun.run, transport=transport)
    library.wait_for("it.ids.length > 1", "what is left is told")
    gate.open()
    assert library.outcome()["reason"] == "completed"
    assert library.get("it.handle.counters.gaps") == 1
    gap = library.get("it.handle.history.find(({kind}) => kind === 'sluice.gap').payload")
    assert gap["from"] == 1
    assert library.get("it.handle.text").startswith(f"{gap['to']} "), "the first that is left counts from zero"


def test_a_run_that_the_gateway_has_forgotten(browser: Browser, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    library = open_page(browser, gateway.address)
    library.ask("x", transport="fetch", lastEventId=f"{'a' * 26}.7")
    error = library.outcome()["error"]
    assert (error["source"], error["reason"]) == ("gateway", "run_unknown")
    assert not orchestrator.requests


def test_a_fresh_token_takes_the_place_of_one_that_has_expired(browser: Browser, serve: Serve, tmp_path: Path) -> None:
    gate = Gate()
    settings = {"authentication": believing(tmp_path, issuer_key(), **ENDS)}
    orchestrator, gateway = serve(scripted.gated(gate), route={"on_abandoned": "linger 20s"}, **settings)
    library = open_page(browser, gateway.address)
    browser.run(
        """
        const tokens = [...arguments];
        const headers = async () => ({Authorization: `Bearer ${tokens.length > 1 ? tokens.shift() : tokens[0]}`});
        follow('a', (callbacks) => library.processMessageStream('x', callbacks, {headers}));
    """,
        brief(),
        token(),
    )
    gateway.wait_for_log("request", reason="token_expired")
    library.wait_for("it.handle.counters.reconnects === 1 && it.handle.status === 'connected'", "it is back")
    gate.open()
    assert library.outcome()["reason"] == "completed"
    assert library.get("it.handle.history.map(({data}) => data)") == CHAT
    assert_requests(orchestrator, 1)


def test_without_a_fresh_token_the_reader_is_told(browser: Browser, serve: Serve, tmp_path: Path) -> None:
    settings = {"authentication": believing(tmp_path, issuer_key(), **ENDS)}
    _, gateway = serve(scripted.gated(Gate()), **settings)
    library = open_page(browser, gateway.address)
    library.ask("x", "brief", headers={"Authorization": f"Bearer {brief()}"})
    error = library.outcome("brief")["error"]
    assert (error["reason"], error["message"]) == ("expired", "You have been signed out.")
    library.ask("x", "none")
    error = library.outcome("none")["error"]
    assert (error["status"], error["message"].split(" (")[0]) == (401, "You are not signed in.")


def test_an_event_source_comes_in_and_back_with_a_ticket(browser: Browser, serve: Serve, tmp_path: Path) -> None:
    gate = Gate()
    settings: dict[str, Any] = {"authentication": believing(tmp_path, issuer_key()), "tickets": {}}
    orchestrator, gateway = serve(scripted.gated(gate), streams={"retry": RETRY}, **settings)
    with CuttingProxy(gateway.address) as proxy:
        library = open_page(browser, proxy.address)
        library.ask("x", ticket=True, headers={"Authorization": f"Bearer {token()}"})
        for count in (3, 3):
            library.wait_for(f"it.ids.length === {count} && it.handle.status === 'connected'", "it flows")
            proxy.cut("rst")
            library.wait_for("it.handle.counters.reconnects > 0 && it.handle.status === 'connected'", "it is back")
        gate.open()
        assert library.outcome()["reason"] == "completed"
    assert library.get("it.handle.transport") == "eventsource"
    assert library.get("it.handle.history.map(({data}) => data)") == CHAT
    assert_requests(orchestrator, 1)


@DIRECT
def test_a_page_that_goes_away_and_comes_back(transport: str, browser: Browser, serve: Serve) -> None:
    story = Storyteller(pause=0.01)
    orchestrator, gateway = serve(story)
    library = open_page(browser, gateway.address)
    library.ask("tale", transport=transport, history=100_000)
    library.wait_for("it.ids.length > 5", "it flows")
    browser.run("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    gateway.wait_for_log("request", route=TARGET, status="200")
    length = library.get("it.ids.length")
    browser.run("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    library.wait_for(f"it.ids.length > {length} + 5", "it goes on")
    story.end("tale")
    assert library.outcome()["reason"] == "completed"
    assert library.get("it.handle.history.map(({data}) => data)") == story.told["tale"]
    assert_requests(orchestrator, 1)


def test_the_module_is_for_every_origin_and_is_not_sent_twice(serve: Serve) -> None:
    _, gateway = serve(scripted.chat())
    for name in ("client.js", "client.d.ts", "react.js", "react.d.ts"):
        answer = ask(gateway.address, "GET", f"/_sluice/{name}", [("Origin", "https://anywhere.example")])
        assert (answer.status, answer.get("access-control-allow-origin")) == (200, "*"), name
        assert answer.get("cross-origin-resource-policy") == "cross-origin"
        tag = answer.get("etag")
        assert tag and answer.get("cache-control") == "no-cache"
        for known in (tag, f'"other", W/{tag}', "*"):
            again = ask(gateway.address, "GET", f"/_sluice/{name}", [("If-None-Match", known)])
            assert (again.status, bytes(again.body), again.get("etag")) == (304, b"", tag)
        other = ask(gateway.address, "GET", f"/_sluice/{name}", [("If-None-Match", '"other"')])
        assert other.status == 200


PARSER = """
    const [pieces, done] = arguments;
    const told = [];
    const parser = new library.EventStreamParser({
        event: (event) => told.push(['event', event.type, event.data, event.id]),
        id: (id) => told.push(['id', id]),
        retry: (milliseconds) => told.push(['retry', milliseconds]),
        comment: (text) => told.push(['comment', text]),
    });
    for (const piece of pieces) parser.push(new Uint8Array(piece));
    return told;
"""

#: Bytes, and what the standard makes of them (WHATWG HTML §9.2.5 and §9.2.6).
STREAMS: dict[str, tuple[bytes, list[list[Any]]]] = {
    "the standard's first example": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        [
            ["comment", " test stream"],
            ["event", "message", "first event", "1"],
            ["event", "message", "second event", ""],
            ["event", "message", " third event", ""],
        ],
    ),
    "the standard's second example": (
        b"data\n\ndata\ndata\n\ndata:",
        [["event", "message", "", ""], ["event", "message", "\n", ""]],
    ),
    "space after the colon": (
        b"data:test\n\ndata: test\n\n",
        [["event", "message", "test", ""], ["event", "message", "test", ""]],
    ),
    "line ends of every kind": (
        b"data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\rdata: e\r\n\r\n",
        [["event", "message", "a\nb\nc", ""], ["event", "message", "d", ""], ["event", "message", "e", ""]],
    ),
    "one byte order mark": (
        b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\ndata: c\n\n",
        [["event", "message", "a", ""], ["event", "message", "c", ""]],
    ),
    "text of many bytes": (
        "event: \u00e4\ndata: \u6c34\U0001f4a7\u2028x\n\n".encode(),
        [["event", "\u00e4", "\u6c34\U0001f4a7\u2028x", ""]],
    ),
    "bytes that are no text": (b"data: \xff\xc3x\n\n", [["event", "message", "\ufffd\ufffdx", ""]]),
    "retry": (
        b"retry: 10\nretry: 1x\nretry:\nretry: -1\nretry: 1.5\nretry:007\n\n",
        [["retry", 10], ["retry", 7]],
    ),
    "ids": (
        b"id: 1\n\ndata: a\n\nid: 2\x00\ndata: b\n\nid\ndata: c\n\nid: 3\ndata: d",
        [["id", "1"], ["event", "message", "a", "1"], ["event", "message", "b", "1"], ["event", "message", "c", ""]],
    ),
    "an event without data, and its type": (
        b"event: x\n\ndata: a\n\nevent: y\ndata: b\n\n",
        [["event", "message", "a", ""], ["event", "y", "b", ""]],
    ),
    "fields that nobody knows": (b"Data: a\n data: b\nfoo: c\ndata: d\n\n", [["event", "message", "d", ""]]),
}


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A browser with the library in a page, for tests that need no stream."""
    from gateway import Gateway

    directory = tmp_path_factory.mktemp("parser")
    gateway = Gateway(chat("http://127.0.0.1:1"), directory)
    browser = Browser(directory / "profile")
    browser.driver.get(f"{gateway.url}/")
    Library(browser)
    yield browser
    browser.quit()
    gateway.stop()


@pytest.mark.parametrize("name", STREAMS)
def test_the_parser_does_what_the_standard_says_however_bytes_are_cut(name: str, parser: Browser) -> None:
    data, expected = STREAMS[name]
    assert parser.run(PARSER, [list(data)]) == expected
    assert parser.run(PARSER, [[byte] for byte in data]) == expected
    for cut in range(1, len(data)):
        assert parser.run(PARSER, [list(data[:cut]), [], list(data[cut:])]) == expected, f"cut at {cut}"


TEXTS: list[tuple[str, str]] = [
    ("plain words", "plain words"),
    ("42", "42"),
    ("[DONE]", ""),
    ('"in quotes"', "in quotes"),
    ('{"text":"a"}', "a"),
    ('{"event":"response_chunk","content":"a","message":"not this"}', "a"),
    ('{"response_data":{"raw_response":{"parts":[{"kind":"text","text":"a"},{"kind":"data"},{"text":"b"}]}}}', "ab"),
    (
        '{"jsonrpc":"2.0","id":1,"result":{"kind":"artifact-update","artifact":'
        '{"artifactId":"x","parts":[{"kind":"text","text":"a"}]},"append":true}}',
        "a",
    ),
    ('{"artifactUpdate":{"artifact":{"parts":[{"text":"a"}]}}}', "a"),
    ('{"result":{"status":{"message":{"parts":[{"text":"working"}]}}}}', ""),
    ('{"choices":[{"index":0,"delta":{"content":"a"}}]}', "a"),
    ('{"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}', "a"),
    ('{"choices":[{"delta":{},"finish_reason":"stop"}]}', ""),
    ('{"choices":[{"message":{"content":"whole"}}]}', "whole"),
    ('{"type":"response.output_text.delta","delta":"a"}', "a"),
    ('{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}', "a"),
    ("{}", ""),
    ("null", "null"),
]


@pytest.mark.parametrize(("data", "text"), TEXTS)
def test_the_text_of_every_shape(data: str, text: str, parser: Browser) -> None:
    script = """
        let payload; try { payload = JSON.parse(arguments[0]); } catch {}
        return library.textOf(payload, arguments[0]);
    """
    assert parser.run(script, data) == text


def test_an_artifact_is_appended_to_or_replaced(browser: Browser, serve: Serve) -> None:
    def piece(artifact: str, text: str, **more: object) -> str:
        body = {"artifact": {"artifactId": artifact, "parts": [{"kind": "text", "text": text}]}, **more}
        return json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"kind": "artifact-update", **body}})

    events = [
        piece("a", "one "),
        piece("b", "two"),
        piece("a", "more ", append=True),
        piece("b", "three", append=False),
        "[DONE]",
    ]
    _, gateway = serve(scripted.chat(*events))
    library = open_page(browser, gateway.address)
    library.ask("x")
    assert library.outcome()["text"] == "one more three"
