"""Feeds: one upstream request for all who want the same, whatever becomes of it, and nothing lost without a word."""

from __future__ import annotations

import asyncio
import json
import re
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from conftest import Connect, StartGateway
from expectations import Ask, assert_problem
from gateway import Gateway, feed, run_command
from orchestrators import scripted
from orchestrators.feeds import Replay, Source, refuse
from orchestrators.scripted import Exchange, Gate, Request, Script
from resuming import ALICE, BOB, NOBODYS, both_places, resuming, with_fields
from test_configuration import assert_told, write
from test_cors import listed
from test_reload import reload
from waiting import eventually
from wire import Answer, Connection, CutShort, Event, ask, parse_event_stream

ServeFeed = Callable[..., tuple[Source, Gateway]]

NEWS: Ask = ("GET", "/events/news", [])
#: Longer than any upstream of these tests takes to answer: what it refuses is passed on.
PATIENT = {"answer_after": "20s"}
HEARTBEATS = {"heartbeat": "1s"}


@pytest.fixture
def start_source() -> Iterator[Callable[..., Source]]:
    """Start an event source."""
    with ExitStack() as stack:

        def start(port: int = 0, replay: Replay = "missed") -> Source:
            source = Source(port, replay)
            stack.callback(source.stop)
            return source

        yield start


@pytest.fixture
def serve_feed(start_source: Callable[..., Source], start_gateway: StartGateway) -> ServeFeed:
    """The usual pair: an event source, and a gateway with one feed route to it."""

    def start(replay: Replay = "missed", **settings: Any) -> tuple[Source, Gateway]:
        source = start_source(replay=replay)
        return source, start_gateway(feed(source.url, **settings))

    return start


def primed(answer: Answer) -> str:
    """The id with which an answer to a new subscriber begins; waits for it."""
    answer.read_until(b"\n\n")
    found = re.match(rb"retry: \d+\nid: ([^\n]+)\n\n", bytes(answer.body))
    assert found, answer
    return found[1].decode()


def texts(events: list[Event]) -> list[str]:
    """The data of events."""
    return [event.data for event in events]


def assert_gap(event: Event, last: str | None) -> None:
    """The event says that events after the id `last` are missing."""
    assert event.type == "sluice.gap", event
    assert event.json == {"from": last, "to": None}


def assert_error(answer: Answer, reason: str) -> Any:
    """The answer comes to a clean end with the gateway's error event; returns that."""
    answer.read_all()
    assert answer.status == 200, answer
    error = answer.events[-1].json
    assert (error["event"], error["source"], error["reason"]) == ("error", "gateway", reason)
    return error


def assert_still_open(answer: Answer) -> None:
    """The answer has not ended: it goes on for two heartbeats."""
    answer.read_until(bytes(answer.body) + b": hb\n: hb\n")


# One for all


def test_subscribers_share_one_upstream_request_and_read_the_same(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed()
    answers = [connect(gateway.address).ask(*NEWS) for _ in range(3)]
    preludes = [primed(answer) for answer in answers]
    source.wait_for_subscribers()
    source.say("one", id="1")
    source.say("two\nlines", kind="news")
    source.say("drei \U0001f4a7", id="3", kind="other")
    for answer in answers:
        answer.read_events(3)
        assert (answer.status, answer.get("content-type")) == (200, "text/event-stream; charset=utf-8")
        assert (answer.get("cache-control"), answer.get("sluice-run")) == ("no-cache, no-transform", None)
    bodies = {bytes(answer.body).partition(b"\n\n")[2] for answer in answers}
    assert len(bodies) == 1
    feed_id = preludes[0].removesuffix(".0")
    assert re.fullmatch("[a-z2-7]{26}", feed_id) and preludes == [f"{feed_id}.0"] * 3
    assert answers[0].events == [
        Event("message", "one", "1"),
        Event("news", "two\nlines", f"{feed_id}.2"),
        Event("other", "drei \U0001f4a7", "3"),
    ]
    (request,) = source.requests
    assert (request.method, request.target, source.connections_made) == ("GET", "/e/news", 1)
    assert (request.get("accept"), request.get("last-event-id")) == ("text/event-stream", None)


class _Reader(asyncio.Protocol):
    """A subscriber that only collects."""

    def __init__(self, address: str):
        self.address = address
        self.received = bytearray()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(f"GET /events/news HTTP/1.1\r\nHost: {self.address}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self.received += data

    def body(self) -> bytes:
        """The body so far, without the transfer coding."""
        head, _, rest = bytes(self.received).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        return b"".join(re.split(rb"(?:\A|\r\n)[0-9a-f]+\r\n", rest)).removesuffix(b"\r\n")


@pytest.fixture
def ten_thousand_descriptors() -> None:
    """As many descriptors as five thousand subscribers need on both sides."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 10_000:
        pytest.skip(f"no more than {hard} descriptors are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 10_000), hard))


@pytest.mark.usefixtures("ten_thousand_descriptors")
def test_five_thousand_subscribers_are_one_to_the_upstream(serve_feed: ServeFeed) -> None:
    source, gateway = serve_feed()
    count, said = 5000, list(range(1, 21))
    host, _, port = gateway.address.rpartition(":")

    async def until(is_so: Callable[[], bool]) -> None:
        while not is_so():
            await asyncio.sleep(0.02)

    async def connect_all() -> list[_Reader]:
        readers: list[_Reader] = []
        while len(readers) < count:
            readers += await connect_some()
        return readers

    async def connect_some() -> list[_Reader]:
        loop = asyncio.get_running_loop()
        made = await asyncio.gather(
            *(loop.create_connection(lambda: _Reader(gateway.address), host, int(port)) for _ in range(250))
        )
        readers = [reader for _, reader in made]
        await until(lambda: all(b"\n\n" in reader.received for reader in readers))
        return readers

    async def main() -> None:
        readers = await asyncio.wait_for(connect_all(), 50)
        assert source.subscribers == 1
        for number in said:
            await asyncio.to_thread(source.count, [number])
        await asyncio.wait_for(until(lambda: all(b"id: 20\n\n" in reader.received for reader in readers)), 50)
        bodies = {reader.body().partition(b"\n\n")[2].replace(b": hb\n", b"") for reader in readers}
        assert len(bodies) == 1
        assert texts(parse_event_stream(bodies.pop()).events) == [str(number) for number in said]
        for reader in readers:
            assert reader.transport
            reader.transport.abort()

    asyncio.run(main())
    assert len(source.requests) == source.connections_made == 1
    gateway.wait_for(lambda: len(gateway.logged("request")) == count, "one log line for each subscriber")


def test_a_subscriber_that_reads_nothing_holds_up_nobody(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(streams={"client_buffer": "64KiB", "event_size": "64KiB"})
    lazy = connect(gateway.address, receive_buffer=2048).ask(*NEWS)
    reader = connect(gateway.address).ask(*NEWS)
    source.wait_for_subscribers()
    for number in range(1, 301):
        source.say("x" * 30_000, id=str(number))
        reader.read_until(b"id: %d\n\n" % number)
    gateway.finished(reason="slow_reader")
    assert [event.id for event in reader.events] == [str(number) for number in range(1, 301)]
    with pytest.raises(CutShort):
        lazy.read_events(300)
    assert len(source.requests) == 1


# What is another feed


def echo(request: Request) -> Script:
    """A stream that says who asked for what, and no more."""
    shown = [request.target, *(request.get(name) for name in ("authorization", "cookie", "accept-language"))]

    async def script(exchange: Exchange) -> None:
        await exchange.head("text/event-stream")
        await exchange.body(scripted.blocks(json.dumps(shown)))
        await exchange.until_abandoned()

    return script


LANGUAGE = ("Accept-Language", "de")
COOKIES = ("Cookie", "sid=a"), ("Cookie", "sid=b")
FORWARD = {"route": {"forward_credentials": True}}
SID = {"identity": {"headers": [], "cookies": ["sid"]}}

#: name: (two requests, settings, what reaches the upstream of each)
APART: dict[str, tuple[Ask, Ask, dict[str, Any], list[list[str | None]]]] = {
    "path": (NEWS, ("GET", "/events/other", []), {}, [["/e/news", None, None, None], ["/e/other", None, None, None]]),
    "query": (
        ("GET", "/events/news?a=1", []),
        ("GET", "/events/news?a=2&b=%20", []),
        {},
        [["/e/news?a=1", None, None, None], ["/e/news?a=2&b=%20", None, None, None]],
    ),
    "header": (
        NEWS,
        with_fields(NEWS, [LANGUAGE]),
        {"feed": {"headers": ["Accept-Language"]}},
        [["/e/news", None, None, None], ["/e/news", None, None, "de"]],
    ),
    "identity": (
        with_fields(NEWS, [ALICE]),
        with_fields(NEWS, [BOB]),
        {},
        [["/e/news", None, None, None], ["/e/news", None, None, None]],
    ),
    "no identity": (
        NEWS,
        with_fields(NEWS, [BOB]),
        {},
        [["/e/news", None, None, None], ["/e/news", None, None, None]],
    ),
    "cookie of the identity": (
        with_fields(NEWS, [COOKIES[0]]),
        with_fields(NEWS, [COOKIES[1]]),
        SID,
        [["/e/news", None, None, None], ["/e/news", None, None, None]],
    ),
    "credentials": (
        with_fields(NEWS, [ALICE]),
        with_fields(NEWS, [BOB]),
        FORWARD,
        [["/e/news", ALICE[1], None, None], ["/e/news", BOB[1], None, None]],
    ),
    "cookies": (
        with_fields(NEWS, [COOKIES[0]]),
        with_fields(NEWS, [COOKIES[1]]),
        FORWARD,
        [["/e/news", None, COOKIES[0][1], None], ["/e/news", None, COOKIES[1][1], None]],
    ),
}


@pytest.mark.parametrize("name", APART)
def test_what_may_get_another_answer_is_another_feed(name: str, serve_feed: ServeFeed, connect: Connect) -> None:
    one, other, settings, reach = APART[name]
    source, gateway = serve_feed(**settings)
    source.instead = echo
    answers = [connect(gateway.address).ask(*each) for each in (one, other, one, other)]
    for number, answer in enumerate(answers[:2]):
        (event,) = answer.read_events(1)
        assert event.json == reach[number]
    source.wait_for_requests(2)
    for answer in answers[2:]:
        primed(answer)
    assert len(source.requests) == 2


#: name: (two requests, settings)
TOGETHER: dict[str, tuple[Ask, Ask, dict[str, Any]]] = {
    "a header that is not listed": (NEWS, with_fields(NEWS, [LANGUAGE]), {}),
    "a public feed": (with_fields(NEWS, [ALICE]), with_fields(NEWS, [BOB]), {"feed": {"public": True}}),
    "a cookie that is no identity": (with_fields(NEWS, [COOKIES[0]]), with_fields(NEWS, [COOKIES[1]]), {}),
    "the place to go on from": (NEWS, ("GET", "/events/news?last_event_id=7", []), {}),
    "the client's own wishes": (NEWS, with_fields(NEWS, [("Cache-Control", "max-age=0"), ("Accept", "*/*")]), {}),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_what_gets_the_same_answer_is_one_feed(name: str, serve_feed: ServeFeed, connect: Connect) -> None:
    one, other, settings = TOGETHER[name]
    source, gateway = serve_feed(**settings)
    answers = [connect(gateway.address).ask(*each) for each in (one, other)]
    for answer in answers:
        answer.read_until(b"\n\n")
    source.wait_for_subscribers()
    source.say("hello")
    for answer in answers:
        answer.read_until(b"data: hello\n")
    (request,) = source.requests
    assert [request.get(name) for name in ("authorization", "cookie", "accept-language")] == [None] * 3
    assert request.target == "/e/news"


@pytest.mark.parametrize(
    ("route", "path", "asked", "reaches"),
    [
        ("/events/**", "/e/**", "/events/a/b%20c?x=1", "/e/a/b%20c?x=1"),
        ("/events/**", None, "/events/a", "/events/a"),
        ("/events/**", "/all", "/events/a?x=1", "/all?x=1"),
        ("/news", "/e/news", "/news", "/e/news"),
        ("/news", None, "/news", "/news"),
    ],
)
def test_the_path_for_the_upstream(
    route: str, path: str | None, asked: str, reaches: str, serve_feed: ServeFeed, start_gateway: StartGateway
) -> None:
    source, _ = serve_feed()
    settings = feed(source.url)
    settings["routes"][0]["path"] = route
    if path is None:
        del settings["routes"][0]["feed"]["path"]
    else:
        settings["routes"][0]["feed"]["path"] = path
    gateway = start_gateway(settings)
    with Connection(gateway.address) as client:
        primed(client.ask("GET", asked))
        source.wait_for_requests(1)
    assert source.requests[0].target == reaches


# Resuming


def test_who_is_cut_before_its_first_event_loses_nothing(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed()
    stays = connect(gateway.address).ask(*NEWS)
    primed(stays)
    source.wait_for_subscribers()
    for number, expected in (("1", "[a-z2-7]{26}\\.0"), ("2", "1")):
        with Connection(gateway.address) as client:
            newcomer = client.ask(*NEWS)
            last = primed(newcomer)
            assert re.fullmatch(expected, last) and newcomer.events == []
        source.count([int(number)])
        stays.read_until(b"id: %s\n\n" % number.encode())
        again = connect(gateway.address).ask(*resuming(NEWS, last))
        assert again.read_events(1) == [Event("message", number, number)]
    assert len(source.requests) == 1


@both_places
@pytest.mark.parametrize("whose", ["upstream's", "gateway's"])
def test_a_subscriber_goes_on_where_it_was(whose: str, place: str, serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed()
    first = connect(gateway.address).ask(*NEWS)
    primed(first)
    source.wait_for_subscribers()
    for number in range(1, 11):
        source.say(str(number), id=f"{number}/ä?&=+" if whose == "upstream's" else None)
    events = first.read_events(10)
    for seen in range(1, 11):
        last = events[seen - 1].id
        shown = last.encode().decode("latin-1") if place == "header" else quote(last, safe="")
        again = connect(gateway.address).ask(*resuming(NEWS, shown, place))
        again.read_until(b"\n\n")
        assert again.read_events(10 - seen) == events[seen:]
    source.say("more", id="more")
    again.read_until(b"data: more\nid: more\n\n")
    assert texts(again.events) == ["more"], "it had all the others"
    (request,) = source.requests
    assert (request.target, request.get("last-event-id")) == ("/e/news", None)


@both_places
@pytest.mark.parametrize("last", ["nobody's", f"{NOBODYS}.3"])
def test_an_unknown_place_is_a_gap_before_all_that_is_kept(
    last: str, place: str, serve_feed: ServeFeed, connect: Connect
) -> None:
    source, gateway = serve_feed()
    first = connect(gateway.address).ask(*NEWS)
    primed(first)
    source.wait_for_subscribers()
    source.count([1, 2, 3])
    first.read_events(3)
    again = connect(gateway.address).ask(*resuming(NEWS, last, place))
    gap, *rest = again.read_events(4)
    assert_gap(gap, last)
    assert rest == first.events
    assert len(source.requests) == 1


@pytest.mark.parametrize("whose", ["upstream's", "gateway's"])
def test_a_place_that_has_left_the_log_is_a_gap(whose: str, serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(streams={"log": {"events": 10}})
    first = connect(gateway.address).ask(*NEWS)
    primed(first)
    source.wait_for_subscribers()
    for number in range(1, 51):
        source.say(str(number), id=str(number) if whose == "upstream's" else None)
    events = first.read_events(50)
    for seen in (3, 20):
        again = connect(gateway.address).ask(*resuming(NEWS, events[seen - 1].id))
        gap, *rest = again.read_events(11)
        assert_gap(gap, events[seen - 1].id)
        assert rest == events[40:]
    kept = connect(gateway.address).ask(*resuming(NEWS, events[44].id))
    assert kept.read_events(5) == events[45:]


@pytest.mark.parametrize("whose", ["upstream's", "gateway's"])
def test_who_has_everything_has_lost_nothing_though_it_left_the_log(
    whose: str, serve_feed: ServeFeed, connect: Connect
) -> None:
    source, gateway = serve_feed(streams={**HEARTBEATS, "log": {"age": "1s"}})
    first = connect(gateway.address).ask(*NEWS)
    primed(first)
    source.wait_for_subscribers()
    source.say("old", id="old" if whose == "upstream's" else None)
    (event,) = first.read_events(1)
    first.read_until(b": hb\n: hb\n: hb\n")  # two seconds at least: too old by now to be kept
    newcomer = connect(gateway.address).ask(*NEWS)
    lasts = {event.id, primed(newcomer)}
    again = [connect(gateway.address).ask(*resuming(NEWS, last)) for last in lasts]
    for answer in again:
        answer.read_until(b"\n\n")
    source.say("new", id="new" if whose == "upstream's" else None)
    for answer in again:
        assert texts(answer.read_events(1)) == ["new"]


# Beginning with a client that was there before


@both_places
def test_a_place_that_the_gateway_does_not_know_is_the_upstreams_business(
    place: str, serve_feed: ServeFeed, connect: Connect
) -> None:
    source, gateway = serve_feed()
    source.count(range(1, 6))
    answer = connect(gateway.address).ask(*resuming(NEWS, "3", place))
    assert answer.read_events(2) == [Event("message", "4", "4"), Event("message", "5", "5")]
    assert (source.requests[0].target, source.last_ids) == ("/e/news", ["3"])
    unknown = connect(gateway.address).ask(*resuming(NEWS, "2", place))
    gap, *rest = unknown.read_events(3)
    assert_gap(gap, "2")
    assert rest == answer.events
    assert len(source.requests) == 1


def test_all_who_come_back_from_the_same_place_lose_nothing(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed()
    source.count(range(1, 6))
    first = connect(gateway.address).ask(*resuming(NEWS, "3"))
    assert [event.id for event in first.read_events(2)] == ["4", "5"]
    for _ in range(2):
        other = connect(gateway.address).ask(*resuming(NEWS, "3"))
        assert other.read_events(2) == first.events
    assert source.last_ids == ["3"]


@both_places
def test_an_id_of_the_gateways_own_is_none_for_the_upstream(
    place: str, serve_feed: ServeFeed, connect: Connect
) -> None:
    source, gateway = serve_feed()
    answer = connect(gateway.address).ask(*resuming(NEWS, f"{NOBODYS}.7", place))
    source.wait_for_subscribers()
    source.count([1])
    gap, event = answer.read_events(2)
    assert_gap(gap, f"{NOBODYS}.7")
    assert event == Event("message", "1", "1")
    assert source.last_ids == [None]


@pytest.mark.parametrize("status", [400, 404, 410, 500])
@pytest.mark.parametrize("held", [True, False], ids=["answers are held back", "answers have begun"])
def test_an_id_that_the_upstream_does_not_like_poisons_nobody(
    status: int, held: bool, serve_feed: ServeFeed, connect: Connect
) -> None:
    source, gateway = serve_feed(route=PATIENT if held else {"answer_after": "0s"})
    gate = Gate()

    async def late(exchange: Exchange) -> None:
        await gate.passed()
        await refuse(status, b"what id?")(exchange)

    source.instead = lambda request: late if request.get("last-event-id") else None
    bad, good = connect(gateway.address), connect(gateway.address)
    bad.request(*resuming(NEWS, "poison"))
    source.wait_for_requests(1)
    good.request(*NEWS)
    if not held:
        good_answer = good.answer()
        good_answer.read_until(b"\n\n")
    else:
        reach(gateway)
    gate.open()
    source.wait_for_subscribers()
    source.count([1, 2])
    gap, *events = bad.answer().read_events(3)
    assert_gap(gap, "poison")
    assert events == [Event("message", "1", "1"), Event("message", "2", "2")]
    if held:
        good_answer = good.answer()
        primed(good_answer)
    good_answer.read_until(b"data: 2\nid: 2\n\n")
    assert [event for event in good_answer.events if event.type == "message"] == events
    if held:
        assert good_answer.events == events, "it has named no id, and lost nothing"
    assert source.last_ids == ["poison", None]


@pytest.mark.parametrize("status", [429, 503])
def test_an_upstream_that_is_not_ready_is_asked_for_the_same_place_again(
    status: int, serve_feed: ServeFeed, connect: Connect
) -> None:
    source, gateway = serve_feed(route=PATIENT)
    source.count(range(1, 6))
    source.refuse(refuse(status))
    answer = connect(gateway.address).ask(*resuming(NEWS, "3"))
    source.wait_for_requests(3)
    assert set(source.last_ids) == {"3"}
    source.refuse(None)
    assert [event.id for event in answer.read_events(2)] == ["4", "5"]


def reach(gateway: Gateway) -> None:
    """Come to the gateway and back, so that all that was sent before has been seen."""
    assert ask(gateway.address, "HEAD", NEWS[1]).status == 200


@pytest.mark.parametrize(
    "bad", ["%0D%0AX-Injected:%201", "a%0Ab", "a%0Db", "a%00b", "%00", "%7F", "%20a", "a%20", "a%09b"]
)
def test_an_id_that_is_no_field_value_never_reaches_the_upstream(
    bad: str, serve_feed: ServeFeed, connect: Connect
) -> None:
    source, gateway = serve_feed()
    answer = connect(gateway.address).ask(*resuming(NEWS, bad, "query"))
    source.wait_for_subscribers()
    source.count([1])
    gap, event = answer.read_events(2)
    assert_gap(gap, unquote(bad))
    assert event == Event("message", "1", "1")
    assert source.last_ids == [None]
    assert b"injected" not in source.requests[0].raw_head.lower()
    again = connect(gateway.address).ask(*resuming(NEWS, bad, "query"))
    gap, event = again.read_events(2)
    assert_gap(gap, unquote(bad))


@both_places
def test_an_endless_id_never_reaches_the_upstream(place: str, serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(clients={"uri_size": "10KiB"})
    last = "x" * 8192
    answer = connect(gateway.address).ask(*resuming(NEWS, last, place))
    assert answer.status in (200, 400, 431)
    if answer.status == 200:
        source.wait_for_subscribers()
        assert source.last_ids == [None]
        source.count([1])
        gap, event = answer.read_events(2)
        assert gap.type == "sluice.gap"
        assert event == Event("message", "1", "1")
    assert not any(source.last_ids)


# The upstream's ends


@pytest.mark.parametrize("ending", ["end", "fin", "rst"])
def test_an_upstream_that_ends_is_asked_for_what_follows(ending: str, serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed()
    answers = [connect(gateway.address).ask(*NEWS) for _ in range(2)]
    for answer in answers:
        primed(answer)
    source.wait_for_subscribers()
    for number in range(1, 6):
        source.count([10 * number])
        for answer in answers:
            answer.read_until(b"id: %d\n\n" % (10 * number))
        source.end() if ending == "end" else source.cut("fin" if ending == "fin" else "rst")
        source.count([10 * number + 1])
        for answer in answers:
            answer.read_until(b"id: %d\n\n" % (10 * number + 1))
    for answer in answers:
        assert [event.id for event in answer.events] == ["10", "11", "20", "21", "30", "31", "40", "41", "50", "51"]
        assert {event.type for event in answer.events} == {"message"}, "nothing was lost, and nothing is said of it"
    assert source.last_ids == [None, "10", "20", "30", "40", "50"]


def test_an_upstream_without_ids_may_have_said_something_meanwhile(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed()
    answer = connect(gateway.address).ask(*NEWS)
    primed(answer)
    source.wait_for_subscribers()
    source.say("one")
    answer.read_events(1)
    source.cut("fin")
    source.wait_for_requests(2)
    source.wait_for_subscribers()
    source.say("two")
    one, gap, two = answer.read_events(3)
    assert texts([one, two]) == ["one", "two"]
    assert_gap(gap, None)
    assert source.last_ids == [None, None]
    again = connect(gateway.address).ask(*resuming(NEWS, gap.id))
    assert again.read_events(1) == [two], "the gap is a place as any other"


def test_an_upstream_that_says_all_again_is_heard_once(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(replay="all")
    answer = connect(gateway.address).ask(*NEWS)
    primed(answer)
    source.count([1, 2, 3])
    answer.read_events(3)
    for number in (4, 5, 6):
        source.cut("fin")
        source.count([number])
        answer.read_until(b"id: %d\n\n" % number)
    assert [event.id for event in answer.events] == ["1", "2", "3", "4", "5", "6"]
    assert source.last_ids == [None, "3", "4", "5"]


def test_an_event_whose_id_was_used_before_is_no_repetition(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(replay="nothing")
    answer = connect(gateway.address).ask(*NEWS)
    primed(answer)
    source.wait_for_subscribers()
    for number in (1, 2):
        source.say(f"state {number}", id="state")
        answer.read_events(number)
        source.cut("fin")
        source.wait_for_requests(number + 1)
        source.wait_for_subscribers()
    source.say("state 3", id="state")
    assert texts(answer.read_events(3)) == ["state 1", "state 2", "state 3"]
    again = connect(gateway.address).ask(*resuming(NEWS, "state"))
    again.read_until(b"\n\n")
    source.say("state 4", id="state")
    assert texts(again.read_events(1)) == ["state 4"], "who names it has the newest that has it"


def test_an_upstream_that_says_where_it_goes_on_is_believed(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(replay="nothing")
    answer = connect(gateway.address).ask(*NEWS)
    primed(answer)
    source.wait_for_subscribers()
    source.count([1])
    answer.read_events(1)
    for number, said in ((2, "1"), (3, "another")):
        source.fields = f"Last-Event-ID: {said}\r\n"
        source.cut("fin")
        source.wait_for_requests(number)
        source.wait_for_subscribers()
    source.count([9])
    one, gap, nine = answer.read_events(3)
    assert_gap(gap, "1")
    assert texts([one, nine]) == ["1", "9"]
    assert source.last_ids == [None, "1", "1"]


def test_an_upstream_that_says_nothing_for_too_long_is_asked_anew(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(feed={"idle_timeout": "500ms"}, upstream={"idle_timeout": "60s"})
    answer = connect(gateway.address).ask(*NEWS)
    primed(answer)
    source.wait_for_subscribers()
    source.count([1])
    answer.read_events(1)
    source.wait_for_requests(3)
    source.count([2])
    assert texts(answer.read_events(2)) == ["1", "2"]
    assert source.last_ids[:3] == [None, "1", "1"]
    gateway.wait_for_log("upstream_failed", reason="upstream_timeout")


def test_the_upstreams_idle_timeout_is_not_the_feeds(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(upstream={"idle_timeout": "500ms"}, streams=HEARTBEATS)
    answer = connect(gateway.address).ask(*NEWS)
    answer.read_until(b": hb\n: hb\n")
    source.count([1])
    answer.read_events(1)
    assert len(source.requests) == 1


def test_each_attempt_waits_longer_until_one_succeeds(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(feed={"backoff": {"min": "50ms", "max": "1m"}})
    asked: list[float] = []

    def refusing(_: Request) -> Script:
        asked.append(time.monotonic())
        return refuse(503)

    source.instead = refusing
    answer = connect(gateway.address).ask(*NEWS)
    eventually(lambda: len(asked) == 7, "seven attempts")
    # From 25 to 50 ms, then twice as long each time: at least 1.5 s in all, and 0.8 s before the last.
    assert asked[6] - asked[0] > 1.2
    assert asked[6] - asked[5] > 0.4
    source.refuse(None)
    source.wait_for_subscribers()
    source.count([1])
    answer.read_events(1)
    cut = time.monotonic()
    source.cut("fin")
    source.wait_for_subscribers()
    assert time.monotonic() - cut < 1.5, "what has succeeded begins anew; the eighth would have waited twice as long"


def test_an_upstream_may_ask_for_time(serve_feed: ServeFeed, connect: Connect) -> None:
    # As long as the route allows, and no longer.
    source, gateway = serve_feed(feed={"backoff": {"min": "10ms", "max": "1s"}})
    asked: list[float] = []

    async def script(exchange: Exchange) -> None:
        asked.append(time.monotonic())
        await exchange.head("text/event-stream")
        await exchange.body(b"retry: 1000000\nid: %d\ndata: x\n\n" % len(asked))
        await exchange.end()

    source.refuse(script)
    answer = connect(gateway.address).ask(*NEWS)
    assert [event.id for event in answer.read_events(2)] == ["1", "2"]
    assert asked[1] - asked[0] > 0.8
    assert answer.stream.retry == 2000, "that is between the upstream and the gateway"


# What an upstream may answer instead


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_an_upstream_that_is_not_ready_is_waited_for(status: int, serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(streams=HEARTBEATS, route=PATIENT)
    source.refuse(refuse(status, b"later"))
    answer = connect(gateway.address).ask(*NEWS)
    primed(answer)
    assert answer.status == 200
    assert_still_open(answer)
    source.refuse(None)
    source.wait_for_subscribers()
    source.count([1])
    assert texts(answer.read_events(1)) == ["1"]
    assert gateway.logged("upstream_failed", reason="upstream_status")


def test_an_upstream_that_is_not_there_is_waited_for(
    start_source: Callable[..., Source], start_gateway: StartGateway, connect: Connect
) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        gateway = start_gateway(feed(f"http://127.0.0.1:{port}", streams=HEARTBEATS, route=PATIENT))
        answer = connect(gateway.address).ask(*NEWS)
        primed(answer)
        assert_still_open(answer)
        gateway.wait_for_log("upstream_failed", reason="upstream_unreachable")
    source = start_source(port)
    source.wait_for_subscribers()
    source.count([1])
    assert texts(answer.read_events(1)) == ["1"]


@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_a_refusal_is_passed_on_to_all_who_wait(status: int, serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(route=PATIENT)
    gate = Gate()

    async def late(exchange: Exchange) -> None:
        await gate.passed()
        await refuse(
            status,
            b"its own words",
            "Content-Type: text/x-words",
            "WWW-Authenticate: Basic",
            "Location: /x",
            "X-Own: 1",
        )(exchange)

    source.refuse(late)
    clients = [connect(gateway.address) for _ in range(3)]
    for client in clients:
        client.request(*NEWS)
    source.wait_for_requests(1)
    reach(gateway)
    gate.open()
    for client in clients:
        answer = client.answer()
        assert (answer.status, answer.read_all()) == (status, b"its own words")
        assert (answer.get("content-type"), answer.get("www-authenticate")) == ("text/x-words", "Basic")
        assert (answer.get("location"), answer.get("x-own")) == ("/x", None)
    assert len(source.requests) == 1
    assert ask(gateway.address, *NEWS).status == status
    source.refuse(None)
    primed(connect(gateway.address).ask(*NEWS))
    source.wait_for_subscribers()
    assert len(source.requests) == 3, "who comes later asks anew"


def test_204_is_passed_on(serve_feed: ServeFeed) -> None:
    source, gateway = serve_feed(route=PATIENT)
    source.refuse(refuse(204))
    answer = ask(gateway.address, *NEWS)
    assert (answer.status, bytes(answer.body)) == (204, b"")


@pytest.mark.parametrize("status", [404, 204])
def test_what_is_refused_later_ends_the_answers_and_is_told_at_the_next_attempt(
    status: int, serve_feed: ServeFeed, connect: Connect
) -> None:
    source, gateway = serve_feed(route=PATIENT)
    answers = [connect(gateway.address).ask(*NEWS) for _ in range(2)]
    source.wait_for_subscribers()
    source.count([1])
    for answer in answers:
        answer.read_events(1)
    source.refuse(refuse(status, b"" if status == 204 else b"gone"))
    source.cut("fin")
    for answer in answers:
        if status == 204:
            answer.read_all()
            assert texts(answer.events) == ["1"]
        else:
            assert assert_error(answer, "upstream_status")["status"] == status
            assert len(answer.events) == 2
    again = ask(gateway.address, *resuming(NEWS, answers[0].events[-1].id))
    assert again.status == status
    assert bytes(again.body) == (b"" if status == 204 else b"gone")


@pytest.mark.parametrize("content_type", ["text/html", "application/json"])
def test_what_is_no_stream_of_events_is_an_error(content_type: str, serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(route=PATIENT)
    source.content_type = content_type
    answer = connect(gateway.address).ask(*NEWS)
    assert_error(answer, "upstream_protocol")
    assert len(answer.events) == 1


def test_an_event_that_is_too_large_ends_the_feed(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(streams={"event_size": "4KiB"})
    answer = connect(gateway.address).ask(*NEWS)
    primed(answer)
    source.wait_for_subscribers()
    source.say("x" * 4000, id="1")
    source.say("x" * 5000, id="2")
    assert_error(answer, "event_too_large")
    assert [event.id for event in answer.events[:-1]] == ["1"]
    eventually(lambda: source.exchange().abandoned, "the upstream request ends")


def test_lines_of_json_are_events_too(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed()
    source.instead = lambda _: lines

    async def lines(exchange: Exchange) -> None:
        await exchange.head("application/x-ndjson")
        await exchange.body(b'{"n":1}\n{"n":2}\n')
        await exchange.until_abandoned()

    answer = connect(gateway.address).ask(*NEWS)
    feed_id = primed(answer).removesuffix(".0")
    assert answer.read_events(2) == [
        Event("message", '{"n":1}', f"{feed_id}.1"),
        Event("message", '{"n":2}', f"{feed_id}.2"),
    ]


# Nobody there


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_feed_lingers_for_who_comes_back(how: str, serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(route={"on_abandoned": "linger 1s"}, streams=HEARTBEATS)
    client = connect(gateway.address)
    primed(client.ask(*NEWS))
    source.wait_for_subscribers()
    client.close() if how == "fin" else client.reset()
    gateway.finished()
    source.count([1])
    back = connect(gateway.address)
    answer = back.ask(*NEWS)
    assert primed(answer) == "1", "the feed went on"
    answer.read_until(b": hb\n: hb\n")  # longer than it would have lingered
    assert (source.subscribers, len(source.requests)) == (1, 1)
    left = time.monotonic()
    back.close() if how == "fin" else back.reset()
    eventually(lambda: source.exchange().abandoned, "the upstream request ends")
    assert 0.9 < time.monotonic() - left < 10
    source.wait_for_subscribers(0)
    primed(connect(gateway.address).ask(*NEWS))
    source.wait_for_requests(2)


def test_a_feed_ends_at_once_where_the_route_says_so(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(route={"on_abandoned": "cancel"})
    clients = [connect(gateway.address) for _ in range(2)]
    for client in clients:
        primed(client.ask(*NEWS))
    source.wait_for_subscribers()
    clients[0].close()
    gateway.finished()
    source.count([1])
    reach(gateway)
    assert not source.exchange().abandoned
    clients[1].close()
    eventually(lambda: source.exchange().abandoned, "the upstream request ends", within=5)


def test_a_feed_that_nobody_watches_is_not_asked_for_again(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed()
    with Connection(gateway.address) as client:
        primed(client.ask(*NEWS))
        source.wait_for_subscribers()
    gateway.finished()
    source.cut("fin")
    gateway.wait_for_log("upstream_failed")
    for _ in range(20):
        reach(gateway)
    assert len(source.requests) == 1
    primed(connect(gateway.address).ask(*NEWS))
    source.wait_for_requests(2)


def test_what_a_feed_has_is_kept_for_as_long_as_it_lingers(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed()
    with Connection(gateway.address) as client:
        answer = client.ask(*NEWS)
        primed(answer)
        source.wait_for_subscribers()
        source.say("one")
        (one,) = answer.read_events(1)
    gateway.finished()
    source.say("two")
    source.cut("fin")
    gateway.wait_for_log("upstream_failed")
    back = connect(gateway.address).ask(*resuming(NEWS, one.id))
    assert texts(back.read_events(1))[0] == "two", "it came meanwhile, and the upstream will not say it again"
    assert_gap(back.read_events(2)[1], None)
    source.wait_for_subscribers()
    source.say("three")
    assert texts(back.read_events(3))[2] == "three"


# Other requests


def test_other_methods(serve_feed: ServeFeed) -> None:
    source, gateway = serve_feed()
    head = ask(gateway.address, "HEAD", NEWS[1])
    assert (head.status, head.get("content-type")) == (200, "text/event-stream; charset=utf-8")
    for method in ("POST", "PUT", "DELETE"):
        answer = ask(gateway.address, method, NEWS[1], body=b"")
        assert_problem(answer, 405)
        assert listed(answer, "allow") == {"get", "head", "options"}
    options = ask(gateway.address, "OPTIONS", NEWS[1])
    assert (options.status, listed(options, "allow")) == (204, {"get", "head", "options"})
    assert not source.requests


def test_other_origins_subscribe_as_the_settings_say(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(cors={"origins": ["https://app.example.com"]})
    for fields in ([("Origin", "https://evil.example.net")], [("Sec-Fetch-Site", "cross-site")]):
        assert ask(gateway.address, *with_fields(NEWS, fields)).status == 403
    assert not source.requests
    answer = connect(gateway.address).ask(*with_fields(NEWS, [("Origin", "https://app.example.com")]))
    assert answer.get("access-control-allow-origin") == "https://app.example.com"
    preflight = [("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "GET")]
    assert ask(gateway.address, "OPTIONS", NEWS[1], preflight).status == 204


def test_the_log_names_feed_and_events(serve_feed: ServeFeed) -> None:
    source, gateway = serve_feed()
    with Connection(gateway.address) as client:
        answer = client.ask("GET", "/events/news?token=hush")
        feed_id = primed(answer).removesuffix(".0")
        source.wait_for_subscribers()
        source.count([1, 2, 3])
        answer.read_events(3)
    line = gateway.finished(feed=feed_id)
    assert (line.values["events"], line.values["status"]) == ("3", "200")
    assert line.values["reason"] == "client_closed" and "run" not in line.values
    assert "hush" not in gateway.stderr


# Settings

GOOD = """\
listen:
  - address: 127.0.0.1:0
upstreams:
  news:
    endpoints: [http://127.0.0.1:9000]
routes:
  - path: /events/**
    feed: {upstream: news}
"""

#: name: (what is replaced, by what, the line that must be named, words that must be said)
BAD = {
    "no end": ("    feed", "    on_abandoned: detach\n    feed", 8, ["on_abandoned", "detach", "cancel", "linger"]),
    "credentials for all": (
        "{upstream: news}",
        "{upstream: news, public: true}\n    forward_credentials: true",
        9,
        ["forward_credentials", "public"],
    ),
    "two jobs": ("    feed", "    run: {upstream: news, path: /x}\n    feed", 9, ["run", "feed"]),
    "many paths from one": ("/events/**\n    feed: {", "/events\n    feed: {path: /e/**, ", 8, ["path", "/e/**"]),
    "unknown upstream": ("upstream: news", "upstream: nws", 8, ["nws"]),
    "no upstream": ("{upstream: news}", "{public: true}", 8, ["upstream"]),
    "unknown key": ("{upstream: news}", "{upstream: news, publc: true}", 8, ["publc"]),
    "header of its own": ("{upstream: news}", "{upstream: news, headers: [Cookie]}", 8, ["headers", "Cookie"]),
    "header that is none": ("{upstream: news}", "{upstream: news, headers: ['a b']}", 8, ["headers", "a b"]),
    "backoff upside down": (
        "{upstream: news}",
        "{upstream: news, backoff: {min: 2s, max: 1s}}",
        8,
        ["min", "max", "2s"],
    ),
    "no time": ("{upstream: news}", "{upstream: news, backoff: {min: 0s}}", 8, ["min", "0s"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_named_with_file_and_line(name: str, tmp_path: Path) -> None:
    old, new, line, words = BAD[name]
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    checked = run_command("check", str(path))
    assert checked.returncode == 78, checked
    assert_told(checked.stderr + checked.stdout, path, line, words)
    assert run_command("check", str(write(tmp_path, GOOD))).returncode == 0


# Reload and end


def test_live_feeds_outlive_a_reload(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed()
    answer = connect(gateway.address).ask(*NEWS)
    feed_id = primed(answer).removesuffix(".0")
    source.wait_for_subscribers()
    settings = feed(source.url, streams={"retry": "7s"})
    settings["routes"].append({**settings["routes"][0], "path": "/more/**"})
    reload(gateway, settings)
    gateway.wait_for_log("reloaded")
    second = connect(gateway.address).ask(*NEWS)
    assert primed(second) == f"{feed_id}.0", "the same feed"
    primed(connect(gateway.address).ask("GET", "/more/news"))
    source.wait_for_subscribers(2)
    source.count([1])
    assert texts(answer.read_events(1)) == texts(second.read_events(1)) == ["1"]
    source.cut("fin")
    source.count([2])
    assert texts(answer.read_events(2)) == ["1", "2"]


def ended_at(gateway: Gateway) -> list[datetime]:
    """When the gateway's feed readers were ended, in order."""
    lines = gateway.logged("request", reason="drained")
    return sorted(datetime.fromisoformat(line.text.split()[0]) for line in lines)


def test_readers_of_feeds_are_sent_away_one_after_the_other(serve_feed: ServeFeed, connect: Connect) -> None:
    source, gateway = serve_feed(drain={"deadline": "3s"}, streams={"retry": {"min": "1s", "max": "3s"}})
    answers = [connect(gateway.address).ask(*NEWS) for _ in range(60)]
    for answer in answers:
        primed(answer)
    source.wait_for_subscribers()
    gateway.signal(signal.SIGTERM)
    gateway.wait_for_log("draining")
    source.count([1])
    retries = set()
    for answer in answers:
        with pytest.raises(CutShort):
            answer.read_all()
        farewell = re.search(rb"retry: (\d+)\n\Z", bytes(answer.body))
        assert farewell, "whoever is sent away is told when to come back"
        retries.add(int(farewell[1]))
        assert 1000 <= int(farewell[1]) <= 3000
        assert texts(answer.events) in ([], ["1"])
    assert len(retries) > 5
    assert sum(texts(answer.events) == ["1"] for answer in answers) > 20, "those who are still there go on"
    assert gateway.wait() == 0
    ends = ended_at(gateway)
    assert len(ends) == 60
    assert (ends[-1] - ends[0]).total_seconds() > 1, "not all at once"
    eventually(lambda: source.exchange().abandoned, "the upstream request ends")


def test_a_second_signal_sends_all_readers_away(serve_feed: ServeFeed, connect: Connect) -> None:
    _, gateway = serve_feed(drain={"deadline": "10m"})
    answers = [connect(gateway.address).ask(*NEWS) for _ in range(20)]
    for answer in answers:
        primed(answer)
    for _ in range(2):
        gateway.signal(signal.SIGTERM)
        gateway.wait_for_log("draining")
    for answer in answers:
        with pytest.raises(CutShort):
            answer.read_all()
        assert re.search(rb"retry: \d+\n\Z", bytes(answer.body))
    assert gateway.wait() == 0


def test_a_feed_without_readers_does_not_hold_up_the_end(serve_feed: ServeFeed) -> None:
    source, gateway = serve_feed(drain={"deadline": "10m"})
    with Connection(gateway.address) as client:
        primed(client.ask(*NEWS))
        source.wait_for_subscribers()
    gateway.finished()
    gateway.signal(signal.SIGTERM)
    assert gateway.wait() == 0
    eventually(lambda: source.exchange().abandoned, "the upstream request ends")
