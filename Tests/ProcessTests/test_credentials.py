"""Credentials: whose reach which orchestrator, which cookies come back, and what pages may do with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from conftest import Connect, Serve, StartGateway, StartOrchestrator
from expectations import GET, JSON, POST, TARGET, Ask, assert_problem, both_methods, data
from gateway import Gateway, chat, feed
from orchestrators import scripted
from orchestrators.feeds import Source
from orchestrators.scripted import CHAT, Exchange, Gate
from resuming import ALICE, BOB, with_fields
from test_cors import CORS, listed
from test_limits import WORKERS, first_event_of
from wire import Answer, ask

ABANDONED = "cancel"

COOKIES = [("Cookie", "session=s3cret; theme=dark; Session=other"), ("cookie", "session=second; my-session=no; broken")]
SENT = [ALICE, *COOKIES, ("Proxy-Authorization", "Basic eA=="), ("Cookie2", "$Version=1")]
FORMS: list[tuple[Any, str | None, str | None]] = [
    (None, None, None),
    (False, None, None),
    (True, "Bearer alice", "session=s3cret; theme=dark; Session=other; session=second; my-session=no; broken"),
    ({"authorization": True}, "Bearer alice", None),
    ({"cookies": "none"}, None, None),
    ({"cookies": "pass"}, None, "session=s3cret; theme=dark; Session=other; session=second; my-session=no; broken"),
    ({"cookies": ["session"]}, None, "session=s3cret; session=second"),
    ({"cookies": ["theme", "session"]}, None, "session=s3cret; theme=dark; session=second"),
    ({"cookies": ["absent"]}, None, None),
    ({"authorization": True, "cookies": ["theme"]}, "Bearer alice", "theme=dark"),
]


def forwarding(form: Any) -> dict[str, Any]:
    """The setting of a route; none at all for None."""
    return {} if form is None else {"forward_credentials": form}


@both_methods
@pytest.mark.parametrize(("form", "authorization", "cookies"), FORMS)
def test_an_orchestrator_sees_the_credentials_of_its_route(
    form: Any, authorization: str | None, cookies: str | None, request_line: Ask, serve: Serve
) -> None:
    orchestrator, gateway = serve(scripted.chat(), route=forwarding(form))
    assert data(ask(gateway.address, *with_fields(request_line, SENT))) == CHAT
    (request,) = orchestrator.requests
    assert (request.get("authorization"), request.get("cookie")) == (authorization, cookies)
    assert [name for name, _ in request.fields].count("cookie") == (1 if cookies else 0), "one field"
    assert request.get("proxy-authorization") is None
    assert request.get("cookie2") is None
    for secret in ("alice", "s3cret"):
        assert secret not in gateway.stderr


@WORKERS
def test_credentials_reach_no_other_routes_orchestrator(
    workers: int, start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    trusted, other = start_orchestrator(scripted.chat()), start_orchestrator(scripted.chat())
    settings = chat(trusted.url, route={"forward_credentials": True}, workers=workers)
    settings["upstreams"]["other"] = {"endpoints": [other.url]}
    run = {"upstream": "other", "method": "POST", "path": TARGET}
    settings["routes"].append({"path": "/other", "run": run})
    settings["routes"].append({"path": TARGET, "host": "open.example.com", "run": run})
    gateway = start_gateway(settings)
    for _ in range(3):
        assert data(ask(gateway.address, *with_fields(POST, SENT))) == CHAT
        assert data(ask(gateway.address, "POST", "/other", [*JSON, *SENT], b"{}")) == CHAT
        assert data(ask(gateway.address, *with_fields(POST, [*SENT, ("Host", "open.example.com")]))) == CHAT
    assert [request.get("authorization") for request in trusted.requests] == ["Bearer alice"] * 3
    assert len(other.requests) == 6
    for request in other.requests:
        assert b"alice" not in request.raw_head
        assert b"s3cret" not in request.raw_head


def test_one_key_of_two_clients_is_two_runs(serve: Serve) -> None:
    identity = {"headers": ["X-Nobody"], "cookies": []}
    orchestrator, gateway = serve(scripted.chat(), route={"forward_credentials": True}, identity=identity)
    key = ("Idempotency-Key", "same")
    runs = [ask(gateway.address, *with_fields(POST, [key, who])).run for who in (ALICE, BOB, ALICE)]
    assert runs[0] == runs[2] != runs[1]
    assert [request.get("authorization") for request in orchestrator.requests] == ["Bearer alice", "Bearer bob"]


# Feeds


@pytest.fixture
def serve_feed(start_gateway: StartGateway) -> Iterator[Callable[..., tuple[Source, Gateway]]]:
    """An event source, and a gateway with one feed route to it."""
    with ExitStack() as stack:

        def start(**settings: Any) -> tuple[Source, Gateway]:
            source = Source()
            stack.callback(source.stop)
            return source, start_gateway(feed(source.url, **settings))

        yield start


@WORKERS
def test_a_feed_with_credentials_is_for_their_owner(
    workers: int, serve_feed: Callable[..., tuple[Source, Gateway]], connect: Connect
) -> None:
    source, gateway = serve_feed(
        route={"forward_credentials": {"authorization": True, "cookies": ["session"]}}, workers=workers
    )

    def subscribe(*fields: tuple[str, str]) -> Answer:
        answer = connect(gateway.address).ask("GET", "/events/a", fields)
        answer.read_until(b"retry: ")
        return answer

    noise = ("Cookie", "theme=dark")
    readers = [subscribe(ALICE, noise) for _ in range(4)] + [subscribe(BOB) for _ in range(4)]
    readers += [subscribe(ALICE, ("Cookie", "session=1")) for _ in range(4)]
    source.wait_for_subscribers(3)
    told = sorted((request.get("authorization"), request.get("cookie")) for request in source.requests[:2])
    assert told == [("Bearer alice", None), ("Bearer bob", None)]
    assert (source.requests[2].get("authorization"), source.requests[2].get("cookie")) == ("Bearer alice", "session=1")
    source.say("news")
    for reader in readers:
        assert first_event_of(reader).data == "news"


# Cookies that come back

SET = [
    "session=new; Path=/; HttpOnly; SameSite=Lax; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
    "theme=light",
    "__Host-a=1",
]
BROKEN = ["=nameless", "no pair", ""]
POLICIES: list[tuple[Any, list[str]]] = [
    (None, []),
    ("none", []),
    ("pass", SET),
    (["session"], SET[:1]),
    (["theme", "__Host-a"], SET[1:]),
    (["Session", "absent"], []),
]
SETTING = "".join(f"Set-Cookie: {cookie}\r\n" for cookie in [*SET, *BROKEN])
PATIENT = {"answer_after": "20s"}


def policy(form: Any) -> dict[str, Any]:
    """The settings of a route that waits for its orchestrator."""
    return PATIENT if form is None else {**PATIENT, "set_cookie": form}


def cookies(answer: Answer) -> list[str]:
    """What an answer sets."""
    return [value for name, value in answer.fields if name == "set-cookie"]


def setting(gate: Gate | None = None) -> scripted.Script:
    """A run whose answer sets cookies."""

    async def script(exchange: Exchange) -> None:
        await exchange.head(extra=SETTING)
        await exchange.events(*CHAT[:-1])
        if gate:
            await gate.passed()
        await exchange.events(CHAT[-1])
        await exchange.end()

    return script


@pytest.mark.parametrize(("form", "wanted"), POLICIES)
def test_an_answer_sets_the_cookies_that_its_route_lets_pass(form: Any, wanted: list[str], serve: Serve) -> None:
    _, gateway = serve(setting(), route=policy(form))
    answer = ask(gateway.address, *POST)
    assert data(answer) == CHAT
    assert cookies(answer) == wanted


@pytest.mark.parametrize(("form", "wanted"), POLICIES)
def test_a_refusal_sets_the_cookies_that_its_route_lets_pass(form: Any, wanted: list[str], serve: Serve) -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.send(f"HTTP/1.1 401 No\r\n{SETTING}Content-Length: 2\r\n\r\n{{}}".encode())

    _, gateway = serve(refuse, route=policy(form))
    answer = ask(gateway.address, *POST)
    assert (answer.status, cookies(answer)) == (401, wanted)


@WORKERS
def test_cookies_are_for_nobody_but_who_began_the_run(workers: int, serve: Serve, connect: Connect) -> None:
    gate = Gate()
    orchestrator, gateway = serve(setting(gate), route=policy("pass"), workers=workers)
    keyed = with_fields(POST, [("Idempotency-Key", "k")])
    first = connect(gateway.address).ask(*keyed)
    first.read_events(5)
    assert cookies(first) == SET
    others = [
        connect(gateway.address).ask("GET", f"/_sluice/runs/{first.run}"),
        connect(gateway.address).ask(*keyed),
        connect(gateway.address).ask(*GET, [("Last-Event-ID", f"{first.run}.1")]),
        connect(gateway.address).ask("HEAD", f"/_sluice/runs/{first.run}"),
    ]
    gate.open()
    for other in others:
        assert other.status == 200
        assert cookies(other) == []
    assert cookies(ask(gateway.address, *keyed)) == []
    assert len(orchestrator.requests) == 1


def test_who_waits_with_the_first_for_the_same_answer_gets_no_cookies(serve: Serve, connect: Connect) -> None:
    asked = Gate()

    async def late(exchange: Exchange) -> None:
        await asked.passed()
        await setting()(exchange)

    orchestrator, gateway = serve(late, route=policy("pass"), workers=1)
    keyed = with_fields(POST, [("Idempotency-Key", "k")])
    first, second = connect(gateway.address), connect(gateway.address)
    first.request(*keyed)
    orchestrator.exchange(0)
    second.request(*keyed)
    assert ask(gateway.address, "HEAD", TARGET).status == 200
    asked.open()
    answers = [first.answer(), second.answer()]
    assert [cookies(answer) for answer in answers] == [SET, []]
    assert [data(answer) for answer in answers] == [CHAT, CHAT]


def test_a_stream_that_began_before_its_orchestrator_answered_sets_none(serve: Serve) -> None:
    _, gateway = serve(setting(), route={"set_cookie": "pass"})
    answer = ask(gateway.address, *GET)
    assert (data(answer), cookies(answer)) == (CHAT, [])


def test_an_answer_that_came_too_late_sets_none(serve: Serve, connect: Connect) -> None:
    gate = Gate()

    async def late(exchange: Exchange) -> None:
        await gate.passed()
        await setting()(exchange)

    _, gateway = serve(late, route={"set_cookie": "pass", "answer_after": "10ms"})
    answer = connect(gateway.address).ask(*POST)
    gate.open()
    assert (data(answer), cookies(answer)) == (CHAT, [])


def test_a_cookie_with_a_control_character_does_not_pass(serve: Serve) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head(extra="Set-Cookie: good=1\r\nSet-Cookie: bad=1\x01; Path=/\r\nSet-Cookie: bad=a\x7f\r\n")
        await exchange.events(*CHAT)
        await exchange.end()

    _, gateway = serve(script, route=policy("pass"))
    answer = ask(gateway.address, *POST)
    assert answer.status == 200
    assert "bad" not in str(cookies(answer))


# Pages of other origins

ORIGIN = ("Origin", "https://app.example.com")


def preflight(*fields: tuple[str, str]) -> Ask:
    """A preflight of a POST."""
    return "OPTIONS", TARGET, [*fields, ("Access-Control-Request-Method", "POST")]


def test_a_preflight_may_be_kept_for_those_that_ask_the_same(serve: Serve) -> None:
    _, gateway = serve(scripted.chat(), cors={**CORS, "max_age": "1h"})
    answer = ask(gateway.address, *preflight(ORIGIN, ("Access-Control-Request-Headers", "content-type")))
    assert answer.get("access-control-max-age") == "3600"
    assert listed(answer, "vary") >= {"origin", "access-control-request-method", "access-control-request-headers"}
    refused = ask(gateway.address, *preflight(("Origin", "https://evil.example")))
    assert (refused.status, refused.get("access-control-max-age")) == (403, None)
    assert listed(refused, "vary") >= {"origin", "access-control-request-method", "access-control-request-headers"}


@pytest.mark.parametrize(
    "bad", [("Access-Control-Request-Headers", "x-evil"), ("Access-Control-Request-Method", "PUT")]
)
def test_a_preflight_for_more_than_is_allowed_is_refused(bad: tuple[str, str], serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), cors=CORS)
    fields = [ORIGIN, bad] if "Headers" in bad[0] else [ORIGIN]
    asked = preflight(*fields) if "Headers" in bad[0] else ("OPTIONS", TARGET, [ORIGIN, bad])
    answer = ask(gateway.address, *asked)
    assert (answer.status, answer.get("access-control-allow-origin")) == (403, None)
    assert not orchestrator.requests


@pytest.mark.parametrize(
    ("cors", "asks", "granted"),
    [
        ({**CORS, "private_network": True}, "true", "true"),
        ({**CORS, "private_network": True}, None, None),
        ({**CORS, "private_network": True}, "yes", None),
        (CORS, "true", None),
        ({"origins": ["*"], "private_network": True}, "true", None),
    ],
)
def test_a_private_network_is_open_to_listed_origins_alone(
    cors: dict[str, Any], asks: str | None, granted: str | None, serve: Serve
) -> None:
    _, gateway = serve(scripted.chat(), cors=cors)
    fields = [ORIGIN] + ([("Access-Control-Request-Private-Network", asks)] if asks else [])
    answer = ask(gateway.address, *preflight(*fields))
    assert (answer.status, answer.get("access-control-allow-private-network")) == (204, granted)


@pytest.mark.parametrize(("origins", "status"), [(["null"], 200), (["*"], 403), (["https://app.example.com"], 403)])
def test_the_origin_null_is_one_that_must_be_listed(origins: list[str], status: int, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), cors={"origins": origins})
    answer = ask(gateway.address, *GET, [("Origin", "null")])
    assert answer.status == status
    assert answer.get("access-control-allow-origin") == ("null" if status == 200 else None)
    assert len(orchestrator.requests) == (status == 200)


@pytest.mark.parametrize(
    "origins", [[ORIGIN[1], "https://evil.example"], ["https://evil.example", ORIGIN[1]], [ORIGIN[1]] * 2]
)
def test_several_origins_are_none(origins: list[str], serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), cors=CORS)
    answer = ask(gateway.address, *GET, [("Origin", origin) for origin in origins])
    assert (answer.status, answer.get("access-control-allow-origin")) == (403, None)
    assert not orchestrator.requests


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-origin", 200), ("none", 200)])
def test_another_sites_image_starts_no_run(site: str, status: int, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), cors=CORS, route={"forward_credentials": True})
    answer = ask(gateway.address, *GET, [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "no-cors"), *COOKIES])
    assert answer.status == status
    assert len(orchestrator.requests) == (status == 200)


def test_a_page_may_read_why_a_limit_refused_it(serve: Serve, connect: Connect) -> None:
    _, gateway = serve(
        scripted.start_then(CHAT[0], ending=scripted.stall), cors=CORS, limits=[{"name": "one", "streams": 1}]
    )
    first_event_of(connect(gateway.address).ask(*POST))
    answer = connect(gateway.address).ask(*with_fields(POST, [ORIGIN]))
    assert_problem(answer, 503)
    assert answer.get("access-control-allow-origin") == ORIGIN[1]
    assert answer.get("access-control-allow-credentials") == "true"
