"""One-time tickets: got with a header, used in a URL, and worth nothing to whoever finds that URL."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import test_authorize
import test_browser
from browser import Browser
from conftest import Connect, StartGateway, StartOrchestrator
from cutting_proxy import CuttingProxy
from expectations import GET, POST, TARGET, Ask, assert_problem, data
from gateway import NONE, Gateway, Settings, chat, feed
from orchestrators import scripted
from orchestrators.authorization import ALICE, BOB, MALLORY
from orchestrators.feeds import Source
from orchestrators.scripted import CHAT, Gate
from resuming import NOBODYS, RETRY, Storyteller, assert_requests, both_places, resuming, with_fields
from test_authentication import assert_ends_because_of_its_token, brief
from test_authorize import LASTING, NAMED
from test_browser import StartPages, port
from test_cors import listed
from test_join_and_stop import join
from test_reload import reload
from test_resume_browser import EVENT_SOURCE
from tokens import bearer, believing, issuer_key, put, token
from waiting import eventually
from wire import Answer, ask

browser = test_browser.browser
start_pages = test_browser.start_pages
start_service = test_authorize.start_service
guard = test_authorize.guard

ABANDONED = "cancel"

TICKETS = "/_sluice/tickets"
#: What an EventSource sends.
EVENT_SOURCE_FIELDS = [("Accept", "text/event-stream"), ("Cache-Control", "no-cache")]
ORIGIN = ("Origin", "https://app.example.com")
LINGERS = {"on_abandoned": "linger 20s"}
WORKERS = pytest.mark.parametrize("workers", [1, 4], ids=["1 worker", "4 workers"])


class Office:
    """A gateway that gives out tickets to whoever shows a token, its orchestrator, and its event source."""

    def __init__(self, gateway: Gateway, orchestrator: scripted.Orchestrator, source: Source, settings: dict[str, Any]):
        self.gateway = gateway
        self.orchestrator = orchestrator
        self.source = source
        self.settings = settings

    def request(self, *fields: tuple[str, str]) -> Answer:
        """Ask for a ticket."""
        return ask(self.gateway.address, "POST", TICKETS, fields)

    def ticket(self, subject: str = "alice") -> str:
        """A ticket that somebody got by a token."""
        return given(self.request(bearer(token(subject))))

    def ask(self, request_line: Ask, *fields: tuple[str, str]) -> Answer:
        """One request with these fields besides, its answer read to the end."""
        return ask(self.gateway.address, *with_fields(request_line, list(fields)))


StartOffice = Callable[..., Office]


@pytest.fixture
def start_office(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, tmp_path: Path
) -> Iterator[StartOffice]:
    """A gateway with a run route to an orchestrator that follows `script`, and a feed route to an event source."""
    with ExitStack() as stack:

        def start(
            script: scripted.Script,
            tickets: Settings | None = NONE,
            jwt: Settings = NONE,
            route: Settings = NONE,
            **settings: Any,
        ) -> Office:
            source, orchestrator = Source(), start_orchestrator(script)
            stack.callback(source.stop)
            whole = chat(orchestrator.url, route=route, **settings)
            news = feed(source.url, route={name: route[name] for name in route if name == "forward_credentials"})
            whole["upstreams"].update(news["upstreams"])
            whole["routes"] += news["routes"]
            whole.setdefault("authentication", believing(tmp_path, issuer_key(), **jwt))
            if tickets is not None:
                whole["tickets"] = dict(tickets)
            return Office(start_gateway(whole), orchestrator, source, whole)

        yield start


def given(answer: Answer) -> str:
    """The ticket in an answer."""
    assert (answer.status, answer.get("content-type")) == (200, "application/json"), answer
    ticket: str = answer.json["ticket"]
    return ticket


def using(ticket: str, target: str = GET[1]) -> Ask:
    """What an EventSource asks that was given a URL with a ticket."""
    return "GET", f"{target}{'&' if '?' in target else '?'}ticket={ticket}", EVENT_SOURCE_FIELDS


def assert_worthless(answer: Answer) -> None:
    """The ticket lets nobody in, and nothing is shown."""
    answer.read_all()
    assert_problem(answer, 401)
    assert answer.json["error"] == "ticket_invalid", answer
    assert answer.get("sluice-run") is None


# Getting one


def test_a_ticket_is_for_whoever_shows_a_token(start_office: StartOffice) -> None:
    office = start_office(scripted.chat())
    for fields, word in (([], "token_missing"), ([bearer("nonsense")], "token_malformed")):
        answer = office.request(*fields)
        assert_problem(answer, 401)
        assert answer.json["error"] == word and "Bearer" in (answer.get("www-authenticate") or "")
    answer = office.request(bearer(token()))
    assert set(answer.json) == {"ticket", "expires_in"} and answer.json["expires_in"] == 30
    assert answer.get("cache-control") == "no-store"
    for method in ("GET", "PUT", "DELETE"):
        refused = ask(office.gateway.address, method, TICKETS, [bearer(token())])
        assert_problem(refused, 405)
        assert "post" in listed(refused, "allow")
    assert given(ask(office.gateway.address, "POST", TICKETS, [bearer(token())], b'{"a": 1}'))
    assert_requests(office.orchestrator, 0)


def test_without_authentication_a_ticket_is_for_whoever_shows_an_identity(start_office: StartOffice) -> None:
    office = start_office(scripted.chat(), authentication={}, identity={"headers": ["X-User"], "cookies": ["sid"]})
    assert_problem(office.request(), 401)
    assert_problem(office.request(("Authorization", "Bearer x")), 401)
    for shown, other in ((("X-User", "1"), ("X-User", "2")), (("Cookie", "sid=1"), ("Cookie", "sid=2"))):
        run = office.ask(using(given(office.request(shown)))).run
        assert data(office.ask(join(run), shown)) == CHAT
        assert_problem(office.ask(join(run), other), 403)
        assert_problem(office.ask(join(run)), 403)
    # Whoever has no ticket needs none.
    assert data(office.ask(GET)) == CHAT


def test_every_answer_401_says_what_would_help(start_office: StartOffice) -> None:
    """RFC 9110 §15.5.2: a 401 must have a challenge."""
    office = start_office(scripted.chat())
    for answer in (office.request(), office.ask(using(NOBODYS)), office.ask(using("x"))):
        assert (answer.status, bool(answer.get("www-authenticate"))) == (401, True), answer
        assert answer.json["error"]


def test_tickets_are_128_random_bits(start_office: StartOffice, connect: Connect) -> None:
    office = start_office(scripted.chat())
    connection, shown = connect(office.gateway.address), bearer(token())
    tickets = [given(connection.ask("POST", TICKETS, [shown])) for _ in range(1000)]
    assert len(set(tickets)) == 1000
    # 26 characters of 5 bits, but for the first, which has the 3 that are left over.
    assert all(re.fullmatch("[a-z2-7]{26}", ticket) for ticket in tickets)
    seen = [len({ticket[place] for ticket in tickets}) for place in range(26)]
    assert seen == [8] + [32] * 25
    for guess in (NOBODYS, "", "x", tickets[0][:-1], tickets[0].upper(), tickets[0] + "a", f"{tickets[0]}.1", "%00"):
        assert_worthless(office.ask(using(guess)))
    assert_requests(office.orchestrator, 0)
    assert data(office.ask(using(tickets[0]))) == CHAT


def test_pages_of_the_listed_origins_get_tickets(start_office: StartOffice) -> None:
    office = start_office(scripted.chat(), cors={"origins": [ORIGIN[1]]})
    preflight = [ORIGIN, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization")]
    allowed = ask(office.gateway.address, "OPTIONS", TICKETS, preflight)
    assert (allowed.status, allowed.get("access-control-allow-origin")) == (204, ORIGIN[1])
    assert "post" in listed(allowed, "access-control-allow-methods")
    answer = office.request(ORIGIN, bearer(token()))
    assert answer.get("access-control-allow-origin") == ORIGIN[1]
    opened = office.ask(using(given(answer)), ORIGIN)
    assert (data(opened), opened.get("access-control-allow-origin")) == (CHAT, ORIGIN[1])
    again = office.ask(using(given(answer)), ORIGIN)
    assert_worthless(again)
    assert again.get("access-control-allow-origin") == ORIGIN[1]
    assert_problem(office.request(("Origin", "https://evil.example.net"), bearer(token())), 403)


@pytest.mark.parametrize("authenticates", [True, False])
def test_without_the_setting_there_are_none(authenticates: bool, start_office: StartOffice) -> None:
    office = start_office(scripted.chat(), None, **({} if authenticates else {"authentication": {}}))
    assert_problem(office.request(bearer(token())), 404)
    target = f"{GET[1]}&ticket={NOBODYS}"
    answer = office.ask(("GET", target), *([bearer(token())] if authenticates else []))
    assert data(answer) == CHAT
    assert office.orchestrator.requests[0].json == {"message": "hello", "ticket": NOBODYS}
    if authenticates:
        assert office.ask(("GET", target)).json["error"] == "token_missing"


# Using one


@WORKERS
def test_a_ticket_opens_a_stream_once_for_the_one_that_got_it(workers: int, start_office: StartOffice) -> None:
    office = start_office(scripted.chat(), workers=workers)
    for number in range(8):
        ticket = office.ticket("alice")
        opened = office.ask(using(ticket))
        assert data(opened) == CHAT
        assert_worthless(office.ask(using(ticket)))
        assert_worthless(office.ask(using(ticket), bearer(token("alice"))))
        assert data(office.ask(join(opened.run), bearer(token("alice", jti=str(number))))) == CHAT
        assert_problem(office.ask(join(opened.run), bearer(token("bob"))), 403)
        assert_problem(office.ask(join(opened.run)), 401)
        # A second tab, with a ticket of its own.
        assert data(office.ask(using(office.ticket("alice"), join(opened.run)[1]))) == CHAT
        assert_problem(office.ask(using(office.ticket("bob"), join(opened.run)[1])), 403)
    assert_requests(office.orchestrator, 8)


@WORKERS
def test_of_many_who_use_a_ticket_at_once_one_gets_in(workers: int, start_office: StartOffice) -> None:
    office = start_office(scripted.chat(), workers=workers)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            ticket = office.ticket()
            answers = list(pool.map(lambda ticket: office.ask(using(ticket)), [ticket] * 16))
            assert sorted(answer.status for answer in answers) == [200] + [401] * 15
    assert_requests(office.orchestrator, 5)


def test_a_ticket_is_neither_passed_on_nor_logged(start_office: StartOffice, connect: Connect) -> None:
    sources = {"cookie": "token"}
    office = start_office(scripted.chat(), jwt={"sources": sources}, log={"level": "trace"})
    tickets = [office.ticket() for _ in range(5)]
    for ticket, target in (
        (tickets[0], f"{TARGET}?ticket={tickets[0]}&message=hello"),
        (tickets[1], f"{TARGET}?message=hello&ticket={tickets[1]}"),
        (tickets[2], f"{TARGET}?message=hello&tick%65t={tickets[2]}"),
    ):
        assert data(office.ask(("GET", target, EVENT_SOURCE_FIELDS))) == CHAT
        assert office.orchestrator.requests[-1].json == {"message": "hello"}
        assert_worthless(office.ask(("GET", target, EVENT_SOURCE_FIELDS)))
        assert ticket in target
    posted = with_fields(("POST", f"{TARGET}?ticket={tickets[3]}&a=b", *POST[2:]), [bearer(token())])
    assert data(office.ask(posted)) == CHAT
    assert office.orchestrator.requests[-1].target == f"{TARGET}?a=b"
    connect(office.gateway.address).ask(*using(tickets[4], "/events/news?a=b"))
    office.source.wait_for_subscribers()
    assert office.source.requests[0].target == "/e/news?a=b"
    requests = office.orchestrator.requests + office.source.requests
    seen = office.gateway.stderr.encode() + b"".join(each.raw_head + each.body for each in requests)
    assert not [ticket for ticket in tickets if ticket.encode() in seen]


@pytest.mark.parametrize("forwards", [True, False])
def test_the_upstream_sees_the_authorization_of_whoever_got_the_ticket(
    forwards: bool, start_office: StartOffice, connect: Connect
) -> None:
    office = start_office(scripted.chat(), route={"forward_credentials": {"authorization": forwards}}, workers=4)
    for subject in ("alice", "bob", "alice"):
        shown = bearer(token(subject))
        assert data(office.ask(using(given(office.request(shown))))) == CHAT
        assert office.orchestrator.requests[-1].get("authorization") == (shown[1] if forwards else None)
    shown = bearer(token())
    connect(office.gateway.address).ask(*using(given(office.request(shown)), "/events/news"))
    office.source.wait_for_subscribers()
    assert office.source.requests[0].get("authorization") == (shown[1] if forwards else None)


def test_only_a_get_is_let_in_by_a_ticket(start_office: StartOffice) -> None:
    office = start_office(scripted.chat())
    run = office.ask(GET, bearer(token())).run
    for method, target in (("POST", TARGET), ("HEAD", TARGET), ("POST", TICKETS), ("DELETE", join(run)[1])):
        ticket = office.ticket()
        body = b"{}" if method == "POST" else None
        assert ask(office.gateway.address, method, f"{target}?ticket={ticket}", [], body).status == 401
        assert data(office.ask(using(ticket))) == CHAT, "it was not used by that"


def test_who_shows_a_ticket_is_judged_by_it_alone(start_office: StartOffice) -> None:
    office = start_office(scripted.chat())
    run = office.ask(using(office.ticket("bob")), bearer(token("alice"))).run
    assert data(office.ask(join(run), bearer(token("bob")))) == CHAT
    assert_problem(office.ask(join(run), bearer(token("alice"))), 403)


def test_limits_count_whoever_got_the_ticket(start_office: StartOffice, connect: Connect) -> None:
    limit = {"name": "mine", "per": ["principal"], "streams": 2, "when_full": "refuse"}
    office = start_office(scripted.gated(Gate()), limits=[limit])
    for _ in range(2):
        assert connect(office.gateway.address).ask(*using(office.ticket("alice"))).status == 200
    assert_problem(office.ask(using(office.ticket("alice"))), 429)
    assert_problem(office.ask(GET, bearer(token("alice"))), 429)
    assert connect(office.gateway.address).ask(*using(office.ticket("bob"))).status == 200


@pytest.mark.parametrize("elsewhere", ["nothing", "others"])
def test_a_ticket_is_worth_nothing_where_something_else_is_asked(
    elsewhere: str, start_orchestrator: StartOrchestrator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    settings = chat(orchestrator.url, authentication=believing(tmp_path, issuer_key()), tickets={})
    others = {"jwt": {"secret": str(put(tmp_path / "other", issuer_key("HS256").private))}}
    route = {**settings["routes"][0], "authentication": {} if elsewhere == "nothing" else others}
    settings["routes"] += [{**route, "path": "/elsewhere"}]
    gateway = start_gateway(settings)

    def ticket() -> str:
        return given(ask(gateway.address, "POST", TICKETS, [bearer(token())]))

    assert_worthless(ask(gateway.address, *using(ticket(), "/elsewhere")))
    assert_requests(orchestrator, 0)
    assert data(ask(gateway.address, *using(ticket()))) == CHAT


# Coming back


@both_places
@WORKERS
def test_who_was_cut_comes_back_with_the_same_url(
    workers: int, place: str, start_office: StartOffice, connect: Connect
) -> None:
    gate = Gate()
    office = start_office(scripted.gated(gate), route=LINGERS, workers=workers)
    url = using(office.ticket())
    connection = connect(office.gateway.address)
    first = connection.ask(*url)
    first.read_events(2)
    connection.reset()
    for number in range(2):
        again = connect(office.gateway.address).ask(*resuming(url, f"{first.run}.{number + 1}", place))
        assert (again.status, again.run) == (200, first.run)
        assert again.read_events(1)[0].id == f"{first.run}.{number + 2}"
    gate.open()
    assert data(again) == CHAT[2:]
    assert data(office.ask(resuming(url, f"{first.run}.4", place))) == CHAT[4:]
    assert office.ask(resuming(url, f"{first.run}.6", place)).status == 204
    assert_requests(office.orchestrator, 1)


def test_a_ticket_that_was_used_opens_nothing_but_its_run(start_office: StartOffice) -> None:
    office = start_office(scripted.chat())
    url = using(office.ticket())
    mine = office.ask(url).run
    other = office.ask(GET, bearer(token())).run
    others = office.ask(using(office.ticket("bob"))).run
    assert_worthless(office.ask(url))
    for last in (f"{other}.1", f"{others}.1", f"{NOBODYS}.1", "1", "", mine, f"{mine}.x"):
        assert_worthless(office.ask(resuming(url, last)))
    assert data(office.ask(resuming(url, f"{mine}.1"))) == CHAT[1:]
    assert_requests(office.orchestrator, 3)


def test_the_id_of_its_run_opens_nothing_else_for_a_used_ticket(start_office: StartOffice, connect: Connect) -> None:
    """Whoever finds a URL in a log and the name of its run in another has not found all that its user may see."""
    office = start_office(scripted.chat())
    ticket = office.ticket()
    mine = office.ask(using(ticket)).run
    other = office.ask(GET, bearer(token())).run
    assert_worthless(office.ask(resuming(using(ticket, join(other)[1]), f"{mine}.1")))
    answer = connect(office.gateway.address).ask(*resuming(using(ticket, "/events/news"), f"{mine}.1"))
    assert answer.status == 401
    assert not office.source.requests
    assert data(office.ask(resuming(using(ticket, join(mine)[1]), f"{mine}.1"))) == CHAT[1:]


def test_a_ticket_of_a_second_tab_comes_back_to_its_run_too(start_office: StartOffice) -> None:
    office = start_office(scripted.chat())
    run = office.ask(GET, bearer(token())).run
    url = using(office.ticket(), join(run)[1])
    assert data(office.ask(url)) == CHAT
    assert_worthless(office.ask(url))
    assert data(office.ask(resuming(url, f"{run}.2"))) == CHAT[2:]
    assert_requests(office.orchestrator, 1)


def test_a_ticket_may_take_up_a_run_that_was_begun_without_it(start_office: StartOffice) -> None:
    office = start_office(scripted.chat())
    run = office.ask(GET, bearer(token())).run
    url = using(office.ticket())
    assert data(office.ask(resuming(url, f"{run}.2", "query"))) == CHAT[2:]
    assert data(office.ask(resuming(url, f"{run}.3"))) == CHAT[3:]
    assert_problem(office.ask(resuming(using(office.ticket("bob")), f"{run}.2")), 403)


@WORKERS
def test_a_subscriber_comes_back_to_its_feed_with_the_same_url(
    workers: int, start_office: StartOffice, connect: Connect
) -> None:
    office = start_office(scripted.chat(), workers=workers)
    url = using(office.ticket(), "/events/news")
    connection = connect(office.gateway.address)
    first = connection.ask(*url)
    assert first.status == 200
    office.source.wait_for_subscribers()
    office.source.say("one")
    (event,) = first.read_events(1)
    connection.reset()
    assert_worthless(office.ask(url))
    again = connect(office.gateway.address).ask(*resuming(url, event.id))
    assert again.status == 200, again.read_all()
    office.source.say("two")
    assert [event.data for event in again.read_events(1)] == ["two"]
    assert len(office.source.requests) == 1


def test_an_id_that_the_source_gave_is_no_secret_and_needs_another_ticket(
    start_office: StartOffice, connect: Connect
) -> None:
    office = start_office(scripted.chat())
    url = using(office.ticket(), "/events/news")
    connection = connect(office.gateway.address)
    first = connection.ask(*url)
    office.source.wait_for_subscribers()
    office.source.say("one", id="1")
    assert [event.id for event in first.read_events(1)] == ["1"]
    connection.reset()
    office.source.say("two", id="2")
    assert_worthless(office.ask(resuming(url, "1")))
    new = resuming(using(office.ticket(), "/events/news"), "1", "query")
    assert [event.data for event in connect(office.gateway.address).ask(*new).read_events(1)] == ["two"]
    assert len(office.source.requests) == 1


def test_a_used_ticket_opens_no_other_feed(start_office: StartOffice, connect: Connect) -> None:
    office = start_office(scripted.chat())
    ticket = office.ticket()
    first = connect(office.gateway.address).ask(*using(ticket, "/events/news"))
    office.source.wait_for_subscribers()
    office.source.say("one")
    (event,) = first.read_events(1)
    for target in ("/events/other", "/events/news?page=2"):
        answer = connect(office.gateway.address).ask(*resuming(using(ticket, target), event.id))
        assert answer.status == 401, target
    assert len(office.source.requests) == 1


def test_a_stream_ends_with_the_token_that_its_ticket_was_got_with(start_office: StartOffice, connect: Connect) -> None:
    jwt = {"ends_stream": True, "leeway": "0s"}
    office = start_office(scripted.gated(Gate()), jwt=jwt, route=LINGERS)
    url = using(given(office.request(bearer(brief()))))
    unused = using(given(office.request(bearer(brief()))))
    answer = connect(office.gateway.address).ask(*url)
    assert assert_ends_because_of_its_token(answer) == CHAT[:3]
    # An EventSource that is told 200 here would come back for ever.
    for request in (resuming(url, f"{answer.run}.3"), unused):
        assert_problem(office.ask(request), 401)
    assert_requests(office.orchestrator, 1)


# Bounds


def test_a_ticket_that_nobody_uses_expires(start_office: StartOffice) -> None:
    office = start_office(scripted.chat(), {"lifetime": "1s"})
    assert office.request(bearer(token())).json["expires_in"] == 1
    late, got = office.ticket(), time.monotonic()
    eventually(lambda: time.monotonic() - got > 1.1, "its time has passed")
    assert_worthless(office.ask(using(late)))
    assert_worthless(office.ask(resuming(using(late), f"{NOBODYS}.1")))
    assert_requests(office.orchestrator, 0)


def test_a_ticket_that_was_used_in_time_comes_back_later(start_office: StartOffice) -> None:
    office = start_office(scripted.chat(), {"lifetime": "3s"})
    url = using(office.ticket())
    run, used = office.ask(url).run, time.monotonic()
    eventually(lambda: time.monotonic() - used > 3.1, "its time has passed")
    assert data(office.ask(resuming(url, f"{run}.3"))) == CHAT[3:]


@WORKERS
def test_no_more_tickets_wait_than_the_bound(workers: int, start_office: StartOffice) -> None:
    office = start_office(scripted.chat(), {"count": 3}, workers=workers)
    tickets = [office.ticket() for _ in range(3)]
    refused = office.request(bearer(token("bob")))
    assert_problem(refused, 503)
    assert "tickets.count" in refused.json["detail"] and int(refused.get("retry-after") or 0) >= 1
    for ticket in tickets:
        assert data(office.ask(using(ticket))) == CHAT
        assert given(office.request(bearer(token("bob")))), "there is room for another one"
        assert_problem(office.request(bearer(token("bob"))), 503)


def test_tickets_that_have_expired_make_room(start_office: StartOffice) -> None:
    office = start_office(scripted.chat(), {"count": 2, "lifetime": "2s"})

    def fill() -> int:
        return next(number for number in range(100) if office.request(bearer(token())).status == 503)

    fill()
    eventually(lambda: office.request(bearer(token())).status == 200, "there is room again", within=10)


def test_used_tickets_do_not_fill_it_up(start_office: StartOffice) -> None:
    office = start_office(scripted.chat(), {"count": 2})
    urls = [using(office.ticket()) for _ in range(1)]
    runs = [office.ask(urls[0]).run]
    for _ in range(20):
        urls.append(using(office.ticket()))
        runs.append(office.ask(urls[-1]).run)
    # Those that were used last may come back, and no end of them is remembered.
    assert data(office.ask(resuming(urls[-1], f"{runs[-1]}.1"))) == CHAT[1:]
    assert_worthless(office.ask(resuming(urls[0], f"{runs[0]}.1")))


def test_a_reload_changes_what_tickets_are_worth(start_office: StartOffice, tmp_path: Path) -> None:
    office = start_office(scripted.chat())
    early, others = office.ticket(), office.ticket()
    reload(office.gateway, {**office.settings, "tickets": {"lifetime": "77s"}})
    eventually(lambda: office.request(bearer(token())).json["expires_in"] == 77, "the new lifetime")
    assert data(office.ask(using(early))) == CHAT, "the one from before is good still"
    changed = believing(tmp_path, issuer_key(), audience=["chat"])
    reload(office.gateway, {**office.settings, "authentication": changed})
    eventually(lambda: office.request(bearer(token(aud="chat"))).status == 200, "something else is asked")
    assert_worthless(office.ask(using(others)))
    reload(office.gateway, {name: value for name, value in office.settings.items() if name != "tickets"})
    eventually(lambda: office.request(bearer(token())).status == 404, "there are none any more")


# With a service


def test_a_service_is_asked_when_a_ticket_is_got_and_not_when_it_is_used(guard: test_authorize.Guard) -> None:
    guarded = guard(scripted.chat(), {**LASTING, **NAMED}, workers=1, tickets={})
    assert guarded.ask(("POST", TICKETS)).status == 401
    assert guarded.ask(("POST", TICKETS), MALLORY).status == 403
    tickets = {name: given(guarded.ask(("POST", TICKETS), name)) for name in (ALICE, BOB)}
    guarded.assert_asked(4)
    run = guarded.ask(using(tickets[ALICE])).run
    assert_problem(guarded.ask(using(tickets[BOB], join(run)[1])), 403)
    guarded.assert_asked(4)
    assert data(guarded.ask(join(run), ALICE)) == CHAT
    assert_requests(guarded.orchestrator, 1)


# A browser

GET_TICKET = """
    const [url, token] = arguments;
    window.ticket = null; window.status = null;
    fetch(url, {method: 'POST', headers: {Authorization: `Bearer ${token}`}}).then(async answer => {
        status = answer.status; ticket = (await answer.json()).ticket;
    });
"""


def test_an_event_source_of_another_origin_with_a_ticket(
    browser: Browser, start_pages: StartPages, start_office: StartOffice
) -> None:
    story, pages = Storyteller(pause=0.01), start_pages()
    origin = f"http://app.example.com:{pages.port}"
    office = start_office(story, cors={"origins": [origin]}, route=LINGERS, streams={"retry": RETRY}, workers=4)
    own = f"http://gate.example.com:{port(office.gateway)}"
    browser.driver.get(f"{origin}/")
    browser.run(EVENT_SOURCE, f"{own}{TARGET}?message=tale")
    browser.wait_for("isOver()", "without a ticket it is not let in")
    browser.run(GET_TICKET, f"{own}{TICKETS}", token("alice"))
    ticket = browser.wait_for("ticket", "a ticket")
    with CuttingProxy(office.gateway.address) as proxy:
        url = f"http://gate.example.com:{proxy.port}{TARGET}?message=tale&ticket={ticket}"
        browser.run(EVENT_SOURCE, url)
        for by in ("rst", "fin", "rst"):
            length = browser.run("return texts.length")
            browser.wait_for(f"texts.length > {length} + 3", "the run goes on")
            proxy.cut(by)
        length = browser.run("return texts.length")
        browser.wait_for(f"texts.length > {length} + 3", "the run goes on behind the last cut")
        story.end("tale")
        browser.wait_for("isOver()", "the browser has all and comes back no more")
    assert proxy.cuts_made == 3
    assert browser.run("return texts") == story.told["tale"]
    ids = browser.run("return ids")
    run = ids[0].rpartition(".")[0]
    assert ids == [f"{run}.{number}" for number in range(1, len(ids) + 1)]
    browser.run(EVENT_SOURCE, f"{own}{TARGET}?message=tale&ticket={ticket}")
    browser.wait_for("isOver()", "in another page the URL is worth nothing")
    assert browser.run("return texts") == []
    assert [event.data for event in office.ask(join(run), bearer(token("alice"))).events] == story.told["tale"]
    assert_problem(office.ask(join(run), bearer(token("bob"))), 403)
    assert [request.json for request in office.orchestrator.requests] == [{"message": "tale"}]
