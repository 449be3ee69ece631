"""An authorization service: what it is asked, how often, what its answers do, and what becomes of clients without one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect, StartGateway, StartOrchestrator
from expectations import GET, JSON, POST, TARGET, Ask, assert_problem, both_methods, data
from gateway import NONE, Gateway, Settings, chat, feed
from orchestrators import scripted
from orchestrators.authorization import (
    ALICE,
    ALICE_ELSEWHERE,
    BOB,
    CHALLENGE,
    DENIED_BODY,
    MALLORY,
    UNKNOWN_BODY,
    AuthorizationService,
    say,
)
from orchestrators.feeds import Source
from orchestrators.scripted import CHAT, Exchange, FullListener, Gate, Script
from resuming import assert_requests, resuming, with_fields
from test_cors import listed
from test_join_and_stop import join
from test_reload import reload
from tokens import bearer, believing, issuer_key, token
from waiting import eventually
from wire import Answer, ask

ABANDONED = "cancel"

NEWS: Ask = ("GET", "/events/news", [])
ORIGIN = ("Origin", "https://app.example.com")
#: For tests that ask again and again: no question is forgotten within one.
LASTING = {"cache": "10m"}
WORKERS = pytest.mark.parametrize("workers", [1, 4], ids=["1 worker", "4 workers"])


class Guarded:
    """A gateway, its orchestrator, and the service that it asks."""

    def __init__(self, service: AuthorizationService, orchestrator: scripted.Orchestrator, gateway: Gateway):
        self.service = service
        self.orchestrator = orchestrator
        self.gateway = gateway

    def ask(self, request_line: Ask, *fields: tuple[str, str]) -> Answer:
        """One request with these fields besides, its answer read to the end."""
        return ask(self.gateway.address, *with_fields(request_line, list(fields)))

    def assert_asked(self, count: int) -> None:
        """So many questions have reached the service, and no more."""
        assert len(self.service.requests) == count, self.service.shown


Guard = Callable[..., Guarded]


@pytest.fixture
def start_service() -> Iterator[Callable[[], AuthorizationService]]:
    """Start an authorization service."""
    with ExitStack() as stack:

        def start() -> AuthorizationService:
            service = AuthorizationService()
            stack.callback(service.stop)
            return service

        yield start


def asking(url: str, settings: Settings, authorize: Settings = NONE, upstream: Settings = NONE) -> dict[str, Any]:
    """The settings, with a service that is asked about everybody; `authorize` are more of what is said of it."""
    doors = {"endpoints": [url], **upstream}
    asked: Settings = {"upstream": "doors", "path": "/verify", **authorize}
    authentication = {**settings.get("authentication", {}), "authorize": asked}
    return {**settings, "upstreams": {**settings["upstreams"], "doors": doors}, "authentication": authentication}


@pytest.fixture
def guard(
    start_service: Callable[[], AuthorizationService],
    start_orchestrator: StartOrchestrator,
    start_gateway: StartGateway,
) -> Guard:
    """An orchestrator that follows `script`, and a gateway that asks a service about its clients."""

    def start(
        script: Script,
        authorize: Settings = NONE,
        *,
        doors: Settings = NONE,
        service_url: str | None = None,
        **settings: Any,
    ) -> Guarded:
        service, orchestrator = start_service(), start_orchestrator(script)
        whole = chat(orchestrator.url, **settings)
        gateway = start_gateway(asking(service_url or service.url, whole, authorize, doors))
        return Guarded(service, orchestrator, gateway)

    return start


# What it is asked


@both_methods
def test_the_service_sees_what_it_is_to_see_and_nothing_else(request_line: Ask, guard: Guard) -> None:
    guarded = guard(scripted.chat(), route={"forward_credentials": True})
    method, target, *rest = request_line
    everything = [
        ALICE,
        ("Cookie", "sid=1; theme=dark"),
        ("X-Secret", "secret-in-a-field"),
        ("X-Original-URI", "/admin"),
        ("X-Original-Method", "TRACE"),
        ("X-Subject", "admin"),
        ("Idempotency-Key", "secret-key"),
        ("X-Forwarded-For", "6.6.6.6"),
    ]
    query = f"{target}{'&' if '?' in target else '?'}secret=query"
    assert data(guarded.ask((method, query, *rest), *everything)) == CHAT
    (question,) = guarded.service.requests
    assert (question.method, question.target, question.body) == ("GET", "/verify", b"")
    expected = {
        "host": guarded.service.url.removeprefix("http://"),
        "authorization": ALICE[1],
        "cookie": "sid=1; theme=dark",
        "accept": "*/*",
        "x-original-method": method,
        "x-original-uri": TARGET,
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-host": guarded.gateway.address,
    }
    assert {name: question.get(name) for name in expected} == expected
    rest_of_it = {name for name, _ in question.fields} - set(expected)
    assert rest_of_it <= {"forwarded", "connection", "user-agent"}
    assert "secret" not in question.raw_head.decode("latin-1")
    # And the orchestrator sees nothing of the service.
    (request,) = guarded.orchestrator.requests
    assert request.get("authorization") == ALICE[1]
    assert b"service" not in request.raw_head


def test_the_fields_that_it_sees_are_a_setting(guard: Guard) -> None:
    guarded = guard(scripted.chat(), {"headers": ["X-Api-Key", "X-Tenant"]})
    guarded.service.instead = say(204)
    shown = [("x-api-KEY", "k1"), ("X-Tenant", "t"), ("X-Tenant", "u"), ALICE, ("Cookie", "sid=1"), ("X-Api-Key2", "n")]
    assert data(guarded.ask(GET, *shown)) == CHAT
    (question,) = guarded.service.requests
    assert (question.get("x-api-key"), question.get("x-tenant")) == ("k1", "t, u")
    assert [question.get(name) for name in ("authorization", "cookie", "x-api-key2")] == [None] * 3


def test_no_question_about_what_is_refused_anyway_or_about_a_preflight(guard: Guard) -> None:
    guarded = guard(scripted.chat(), cors={"origins": [ORIGIN[1]]})
    assert guarded.ask(("GET", "/nowhere"), ALICE).status == 404
    assert guarded.ask(("PUT", TARGET), ALICE).status == 405
    assert guarded.ask(GET, ALICE, ("Origin", "https://evil.example.net")).status == 403
    preflight = [ORIGIN, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization")]
    assert guarded.ask(("OPTIONS", TARGET), *preflight).status == 204
    assert guarded.ask(("POST", TARGET, JSON, bytes(5_000_000)), ALICE).status == 413
    guarded.assert_asked(0)


def test_a_route_may_ask_nobody_and_the_way_to_a_run_asks(
    start_service: Callable[[], AuthorizationService],
    start_orchestrator: StartOrchestrator,
    start_gateway: StartGateway,
) -> None:
    service, orchestrator = start_service(), start_orchestrator(scripted.chat())
    settings = asking(service.url, chat(orchestrator.url), {"cache": "0s"})
    settings["routes"] += [{**settings["routes"][0], "path": "/open", "authentication": {}}]
    gateway = start_gateway(settings)
    run = ask(gateway.address, "GET", "/open").run
    assert data(ask(gateway.address, "GET", "/open", [MALLORY])) == CHAT
    assert not service.requests
    methods = ["GET", "HEAD", "DELETE"]
    for method in methods:
        assert ask(gateway.address, method, join(run)[1]).status == 401
        assert ask(gateway.address, method, join(run)[1], [MALLORY]).status == 403
    assert data(ask(gateway.address, *with_fields(join(run), [ALICE]))) == CHAT
    asked = [(each.get("x-original-method"), each.get("x-original-uri")) for each in service.requests]
    assert asked == [(method, join(run)[1]) for method in methods for _ in range(2)] + [("GET", join(run)[1])]


# What its answers do


@pytest.mark.parametrize("status", [200, 204, 299])
@both_methods
def test_a_good_answer_lets_in(request_line: Ask, status: int, guard: Guard) -> None:
    guarded = guard(scripted.chat())
    guarded.service.instead = say(status, b"" if status == 204 else b"come in", "X-Subject: x", "X-More: service")
    answer = guarded.ask(request_line, ALICE)
    assert data(answer) == CHAT
    assert b"come in" not in answer.body and b"service" not in answer.raw_head
    assert_requests(guarded.orchestrator, 1)
    guarded.assert_asked(1)


def test_a_good_answer_lets_in_before_it_ends(guard: Guard) -> None:
    guarded = guard(scripted.chat(), LASTING)
    guarded.service.instead = scripted.endless("x")
    for _ in range(2):
        assert data(guarded.ask(GET, ALICE)) == CHAT
    eventually(lambda: guarded.service.exchange().abandoned, "nobody listens to the rest")


@both_methods
def test_a_refusal_is_passed_on(request_line: Ask, guard: Guard) -> None:
    guarded = guard(scripted.chat(), cors={"origins": [ORIGIN[1]]})
    answer = guarded.ask(request_line, ORIGIN)
    assert (answer.status, bytes(answer.body)) == (401, UNKNOWN_BODY)
    assert (answer.get("content-type"), answer.get("www-authenticate")) == ("application/json", CHALLENGE)
    assert answer.get("access-control-allow-origin") == ORIGIN[1] and "origin" in listed(answer, "vary")
    assert answer.get("cache-control") == "no-store"
    guarded.gateway.finished(status="401", reason="unauthenticated", route=TARGET)
    answer = guarded.ask(request_line, MALLORY)
    assert (answer.status, bytes(answer.body), answer.get("content-type")) == (403, DENIED_BODY, "text/html")
    assert answer.get("sluice-run") is None and answer.get("access-control-allow-origin") is None
    assert_requests(guarded.orchestrator, 0)


def test_a_refusal_in_pieces_is_passed_on_whole(guard: Guard) -> None:
    guarded = guard(scripted.chat(), LASTING, workers=1)

    async def script(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\n\r\n")
        for _ in range(100):
            await exchange.body(b"no" * 500)
        await exchange.end()

    guarded.service.instead = script
    for _ in range(2):  # the second one is remembered
        answer = guarded.ask(GET, ALICE)
        assert (answer.status, bytes(answer.body)) == (403, b"no" * 50_000)
        assert answer.get("set-cookie") is None
    guarded.assert_asked(1)
    assert_requests(guarded.orchestrator, 0)


async def refuse_at_length(exchange: Exchange) -> None:
    """A refusal of more than is passed on."""
    await exchange.send(b"HTTP/1.1 403 No\r\nContent-Type: text/plain\r\nContent-Length: 3000000\r\n\r\n")
    for _ in range(3000):
        await exchange.send(bytes(1000))


async def refuse_without_end(exchange: Exchange) -> None:
    """A refusal whose body stops in the middle."""
    await exchange.send(b"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\nwho")
    await exchange.until_abandoned()


async def hang_up(exchange: Exchange) -> None:
    """No answer at all."""
    exchange.close()


NO_ANSWER: dict[str, Script] = {
    "500": say(500, b"secret stack trace"),
    "503": say(503, b"", "Retry-After: 1000"),
    "404": say(404, b"no such page"),
    "400": say(400),
    "302": say(302, b"", "Location: https://login.example/"),
    "101": scripted.raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    "nonsense": scripted.raw(b"nonsense\r\n\r\n"),
    "hangs up": hang_up,
    "says nothing": scripted.stall,
    "refuses without end": refuse_without_end,
    "refuses at length": refuse_at_length,
}


@pytest.mark.parametrize("what", NO_ANSWER)
@both_methods
def test_without_an_answer_nobody_is_let_in(request_line: Ask, what: str, guard: Guard) -> None:
    times = {"first_byte_timeout": "1s", "idle_timeout": "1s"}
    guarded = guard(scripted.chat(), LASTING, doors=times, cors={"origins": [ORIGIN[1]]})
    guarded.service.instead = NO_ANSWER[what]
    answer = guarded.ask(request_line, ALICE, ORIGIN)
    assert_problem(answer, 503)
    assert "authorization service" in answer.json["detail"]
    assert b"secret" not in answer.body and answer.get("location") is None
    assert answer.get("access-control-allow-origin") == ORIGIN[1]
    assert_requests(guarded.orchestrator, 0)
    # It is not remembered: the next one asks again.
    guarded.service.instead = None
    assert data(guarded.ask(request_line, ALICE)) == CHAT
    assert_requests(guarded.orchestrator, 1)


def test_a_service_that_is_not_there_lets_nobody_in(guard: Guard) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and never listens
        guarded = guard(scripted.chat(), service_url=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert_problem(guarded.ask(GET, ALICE), 503)
        assert_problem(guarded.ask(POST, ALICE), 503)
    assert_requests(guarded.orchestrator, 0)


def test_a_service_that_takes_no_connection_lets_nobody_in(guard: Guard) -> None:
    full = FullListener()
    try:
        guarded = guard(scripted.chat(), service_url=full.url, doors={"connect_timeout": "1s"})
        assert_problem(guarded.ask(POST, ALICE), 503)
    finally:
        full.stop()
    assert_requests(guarded.orchestrator, 0)


# How often it is asked


def test_who_shows_the_same_is_asked_about_once(guard: Guard) -> None:
    guarded = guard(scripted.chat(), LASTING, workers=1)
    for number in range(10):
        assert data(guarded.ask(GET, ALICE, ("X-Other", str(number)))) == CHAT
        assert data(guarded.ask(GET, BOB)) == CHAT
    assert guarded.service.shown == [ALICE[1], BOB[1]]
    for _ in range(5):
        assert guarded.ask(GET, MALLORY).status == 403
        assert guarded.ask(GET).status == 401
        assert data(guarded.ask(GET, ALICE)) == CHAT
    assert guarded.service.shown == [ALICE[1], BOB[1], MALLORY[1], None]
    assert data(guarded.ask(GET, ALICE, ("Cookie", "sid=1"))) == CHAT
    guarded.assert_asked(5)
    assert_requests(guarded.orchestrator, 26)


def test_in_another_order_or_case_it_is_the_same(guard: Guard) -> None:
    guarded = guard(scripted.chat(), LASTING, workers=1)
    guarded.service.instead = say(204)
    cookie = ("Cookie", "sid=1")
    run = guarded.ask(GET, ALICE, cookie).run
    for fields in ([cookie, ALICE], [("authorization", ALICE[1]), ("cookie", "sid=1")]):
        assert data(guarded.ask(join(run), *fields)) == CHAT
    assert_problem(guarded.ask(join(run), ALICE, ("Cookie", "sid=2")), 403)
    for fields in ([cookie, ALICE], [("authorization", ALICE[1]), ("cookie", "sid=1")]):
        assert data(guarded.ask(GET, *fields)) == CHAT
    assert len([each for each in guarded.service.requests if each.get("x-original-uri") == TARGET]) == 1


def test_fields_that_look_alike_when_run_together_are_told_apart(guard: Guard) -> None:
    guarded = guard(scripted.chat(), {**LASTING, "headers": ["X-Key", "X-Keyring"]}, workers=1)
    guarded.service.instead = say(204)
    run = guarded.ask(GET, ("X-Keyring", "7")).run
    assert_problem(guarded.ask(join(run), ("X-Key", "ring7")), 403)
    assert data(guarded.ask(GET, ("X-Key", "ring7"))) == CHAT
    asked = {(each.get("x-key"), each.get("x-keyring")) for each in guarded.service.requests}
    assert asked == {(None, "7"), ("ring7", None)}


def test_an_answer_holds_for_its_time(guard: Guard) -> None:
    guarded = guard(scripted.chat(), {"cache": "1s"}, workers=1)
    assert data(guarded.ask(GET, ALICE)) == CHAT
    assert guarded.ask(GET, MALLORY).status == 403
    guarded.service.instead = say(403, b"not any more")
    eventually(lambda: guarded.ask(GET, ALICE).status == 403, "it is asked again")
    guarded.service.instead = say(204)
    eventually(lambda: guarded.ask(GET, MALLORY).status == 200, "it is asked again")
    assert guarded.service.shown.count(ALICE[1]) == 2


def test_without_a_time_every_request_is_asked_about(guard: Guard) -> None:
    guarded = guard(scripted.chat(), {"cache": "0s"}, workers=1)
    for _ in range(5):
        assert data(guarded.ask(GET, ALICE)) == CHAT
        assert guarded.ask(GET, MALLORY).status == 403
    guarded.assert_asked(10)


@pytest.mark.parametrize("cache", ["0s", "10m"])
@pytest.mark.parametrize("shown", [ALICE, MALLORY], ids=["let in", "refused"])
def test_fifty_at_once_are_one_question(shown: tuple[str, str], cache: str, guard: Guard, connect: Connect) -> None:
    guarded = guard(scripted.chat(), {"cache": cache}, workers=1)
    gate = guarded.service.hold()
    connections = [connect(guarded.gateway.address) for _ in range(50)]
    for number, connection in enumerate(connections):
        connection.request(*with_fields(POST if number % 2 else GET, [shown]))
    # Whoever is asked about later than all of these is asked about after they were read.
    last = connect(guarded.gateway.address)
    last.request(*with_fields(GET, [BOB]))
    eventually(lambda: BOB[1] in guarded.service.shown, "they are asked about")
    eventually(lambda: guarded.gateway.descriptors >= 51, "all are there")
    gate.open()
    for connection in connections:
        answer = connection.answer()
        assert answer.status == (200 if shown == ALICE else 403)
        assert answer.read_all() == DENIED_BODY if shown == MALLORY else data(answer) == CHAT
    assert data(last.answer()) == CHAT
    assert guarded.service.shown.count(shown[1]) == 2, "one question for each method"
    assert_requests(guarded.orchestrator, 51 if shown == ALICE else 1)


def test_an_answer_is_for_the_path_that_was_asked_about(
    start_service: Callable[[], AuthorizationService], start_gateway: StartGateway, connect: Connect
) -> None:
    service, source = start_service(), Source()
    try:

        async def by_path(exchange: Exchange) -> None:
            public = exchange.request.get("x-original-uri") == "/events/public"
            await say(204 if public else 403)(exchange)

        service.instead = by_path
        gateway = start_gateway(asking(service.url, feed(source.url, workers=1), LASTING))
        public = connect(gateway.address).ask("GET", "/events/public", [ALICE])
        source.wait_for_subscribers()
        assert public.status == 200
        assert connect(gateway.address).ask("GET", "/events/private", [ALICE]).status == 403
        assert [request.target for request in source.requests] == ["/e/public"]
    finally:
        source.stop()


def test_an_answer_is_for_the_method_that_was_asked_about(guard: Guard) -> None:
    guarded = guard(scripted.chat(), LASTING, workers=1)

    async def by_method(exchange: Exchange) -> None:
        await say(204 if exchange.request.get("x-original-method") == "GET" else 403)(exchange)

    guarded.service.instead = by_method
    run = guarded.ask(GET, ALICE).run
    assert guarded.ask(POST, ALICE).status == 403
    assert data(guarded.ask(join(run), ALICE)) == CHAT
    assert guarded.ask(("DELETE", join(run)[1]), ALICE).status == 403


# Clients that leave


@pytest.mark.parametrize("how", ["fin", "rst"])
@both_methods
def test_who_leaves_while_it_is_asked_costs_no_run(request_line: Ask, how: str, guard: Guard, connect: Connect) -> None:
    guarded = guard(scripted.chat(), workers=1)
    gate = guarded.service.hold()
    leaving, staying = connect(guarded.gateway.address), connect(guarded.gateway.address)
    leaving.request(*with_fields(request_line, [ALICE]))
    guarded.service.exchange()
    staying.request(*with_fields(request_line, [ALICE]))
    leaving.close() if how == "fin" else leaving.reset()
    guarded.gateway.finished(reason="client_closed" if how == "fin" else "client_reset")
    gate.open()
    assert data(staying.answer()) == CHAT
    assert_requests(guarded.orchestrator, 1)
    guarded.assert_asked(1)


def test_all_leave_and_everything_changes_while_it_is_asked(guard: Guard, connect: Connect) -> None:
    guarded = guard(scripted.chat(), workers=1)
    gate = guarded.service.hold()
    for _ in range(3):
        connection = connect(guarded.gateway.address)
        connection.request(*with_fields(GET, [ALICE]))
        guarded.service.exchange()
        connection.reset()
    guarded.gateway.wait_for(lambda: len(guarded.gateway.logged("request")) == 3, "all have left")
    settings = chat(guarded.orchestrator.url, workers=1)
    reload(guarded.gateway, asking(guarded.service.url, settings, {"path": "/other"}))
    guarded.gateway.wait_for_log("reloaded")
    waiting = connect(guarded.gateway.address)
    waiting.request(*with_fields(GET, [ALICE]))
    gate.open()
    assert data(waiting.answer()) == CHAT
    assert [request.target for request in guarded.service.requests] == ["/verify", "/other"]
    assert_requests(guarded.orchestrator, 1)


def test_a_gateway_that_stops_does_not_wait_for_the_service(guard: Guard, connect: Connect) -> None:
    guarded = guard(scripted.chat(), doors={"first_byte_timeout": "60s"})
    guarded.service.hold()
    connect(guarded.gateway.address).request(*with_fields(GET, [ALICE]))
    guarded.service.exchange()
    assert guarded.gateway.stop() == 0
    assert_requests(guarded.orchestrator, 0)


# Who it is

NAMED = {"subject_header": "x-subject"}


@WORKERS
def test_the_service_says_who_it_is(workers: int, guard: Guard, connect: Connect) -> None:
    gate = Gate()
    guarded = guard(scripted.gated(gate), NAMED, workers=workers)
    owners = connect(guarded.gateway.address).ask(*with_fields(POST, [ALICE]))
    owners.read_events(3)
    run = owners.run
    for request in (join(run), resuming(GET, f"{run}.1"), resuming(POST, f"{run}.1"), ("DELETE", join(run)[1])):
        assert_problem(guarded.ask(request, BOB, ("X-Subject", "alice")), 403)
    again = connect(guarded.gateway.address).ask(*with_fields(resuming(GET, f"{run}.2"), [ALICE_ELSEWHERE]))
    gate.open()
    assert (data(again), data(owners)) == (CHAT[2:], CHAT)
    assert guarded.ask(("DELETE", join(run)[1]), ALICE_ELSEWHERE).status == 204
    assert_requests(guarded.orchestrator, 1)


def test_where_it_does_not_say_it_is_whoever_shows_the_same(guard: Guard) -> None:
    guarded = guard(scripted.chat())
    run = guarded.ask(GET, ALICE).run
    assert data(guarded.ask(join(run), ALICE)) == CHAT
    for stranger in (ALICE_ELSEWHERE, BOB):
        assert_problem(guarded.ask(join(run), stranger), 403)


@WORKERS
def test_limits_count_those_whom_the_service_names(workers: int, guard: Guard, connect: Connect) -> None:
    limit = {"name": "mine", "per": ["principal"], "streams": 2, "when_full": "refuse"}
    guarded = guard(scripted.gated(Gate()), NAMED, limits=[limit], workers=workers)
    for shown in (ALICE, ALICE_ELSEWHERE):
        assert connect(guarded.gateway.address).ask(*with_fields(GET, [shown])).status == 200
    refused = guarded.ask(GET, ALICE)
    assert_problem(refused, 429)
    assert refused.json["limit"] == "mine"
    assert connect(guarded.gateway.address).ask(*with_fields(GET, [BOB])).status == 200


def test_a_feed_is_for_whom_the_service_names(
    start_service: Callable[[], AuthorizationService], start_gateway: StartGateway, connect: Connect
) -> None:
    service, source = start_service(), Source()
    try:
        gateway = start_gateway(asking(service.url, feed(source.url), NAMED))
        assert ask(gateway.address, *with_fields(NEWS, [MALLORY])).status == 403
        shown = (ALICE, ALICE_ELSEWHERE, BOB)
        answers = [connect(gateway.address).ask(*with_fields(NEWS, [each])) for each in shown]
        source.wait_for_subscribers(2)
        source.say("one")
        for answer in answers:
            assert [event.data for event in answer.read_events(1)] == ["one"]
        assert len(source.requests) == 2, "alice's two share one"
    finally:
        source.stop()


@WORKERS
def test_both_a_token_and_the_service_have_to_let_in(workers: int, guard: Guard, tmp_path: Path) -> None:
    authentication = believing(tmp_path, issuer_key())
    guarded = guard(
        scripted.chat(),
        {**NAMED, "cache": "0s"},
        workers=workers,
        authentication=authentication,
        cors={"origins": ["*"]},
    )
    refused = guarded.ask(GET, bearer("nonsense"))
    assert (refused.status, refused.json["error"]) == (401, "token_malformed")
    guarded.assert_asked(0)
    assert bytes(guarded.ask(GET, bearer(token())).body) == UNKNOWN_BODY
    guarded.assert_asked(1)
    assert_requests(guarded.orchestrator, 0)
    # Who it is, is what the token says, whatever the service calls it.
    guarded.service.instead = say(200, b"", "X-Subject: everybody")
    run = guarded.ask(POST, bearer(token("alice"))).run
    assert data(guarded.ask(join(run), bearer(token("alice", jti="2")))) == CHAT
    assert_problem(guarded.ask(join(run), bearer(token("bob"))), 403)
    assert_requests(guarded.orchestrator, 1)
    guarded.assert_asked(4)


# Workers


@WORKERS
@pytest.mark.parametrize("place", ["header", "query"])
def test_a_run_that_lives_elsewhere_is_asked_about_once(place: str, workers: int, guard: Guard) -> None:
    guarded = guard(scripted.chat(), {**NAMED, "cache": "0s"}, workers=workers)
    runs = []
    for number in range(16):
        keyed: Ask = ("GET", f"{GET[1]}&run=key-{number}")
        if place == "header":
            keyed = with_fields(POST, [("Idempotency-Key", f"key-{number}")])
        answers = [guarded.ask(keyed, shown) for shown in (ALICE, ALICE_ELSEWHERE)]
        assert [data(answer) for answer in answers] == [CHAT, CHAT]
        assert answers[0].run == answers[1].run
        runs.append(answers[0].run)
        assert guarded.ask(keyed, MALLORY).status == 403
    for run in runs:
        assert data(guarded.ask(join(run), ALICE)) == CHAT
        assert_problem(guarded.ask(join(run), BOB), 403)
    guarded.assert_asked(16 * 5)
    assert_requests(guarded.orchestrator, 16)


def test_many_at_once_on_four_workers(guard: Guard) -> None:
    guarded = guard(scripted.chat(), {**LASTING, **NAMED}, workers=4)
    shown = [ALICE, BOB, MALLORY]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: guarded.ask(POST if n % 2 else GET, shown[n % 3]), range(120)))
    assert [answer.status for answer in answers] == [200, 200, 403] * 40
    # GET and POST are two questions, for each of three clients, on each of four workers.
    assert len(guarded.service.requests) <= 2 * 3 * 4
    assert_requests(guarded.orchestrator, 80)
