"""Limits: as many as the bound and not one more, in every dimension, whatever becomes of the one too many."""

from __future__ import annotations

import asyncio
import json
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from conftest import Connect, StartGateway, StartOrchestrator
from expectations import GET, POST, TARGET, Ask, assert_problem
from gateway import Gateway, Settings, chat
from orchestrators import scripted
from orchestrators.feeds import Source
from orchestrators.scripted import Exchange
from test_reload import reload
from waiting import DEADLINE, eventually
from wire import Answer, Connection, CutShort, Event, ask

ABANDONED = "cancel"

BOUND = 3
ORIGINS = ["https://a.example.com", "https://b.example.com"]
Fields = list[tuple[str, str]]
Found = dict[str, Any]
Open = Callable[..., Answer]

WORKERS = pytest.mark.parametrize("workers", [1, 4], ids=["1 worker", "4 workers"])


class Held:
    """Runs that say one event, and then go on until they are told more, or how to end; by their messages."""

    def __init__(self) -> None:
        self._words: dict[str, list[str]] = {}
        self._endings: dict[str, Callable[[Exchange], Any]] = {}

    def say(self, name: str, *datas: str) -> None:
        """Let a run say more."""
        self._words.setdefault(name, []).extend(datas)

    def end(self, name: str, ending: Callable[[Exchange], Any] = Exchange.end) -> None:
        """Let a run end; not yet begun, it ends when it does."""
        self._endings[name] = ending

    async def __call__(self, exchange: Exchange) -> None:
        name = exchange.request.json["message"]
        await exchange.head()
        await exchange.events(json.dumps({"event": "begun", "of": name}))
        told = 0
        while not exchange.abandoned:
            words = self._words.get(name, [])
            while told < len(words):
                told += 1
                await exchange.events(words[told - 1])
            if ending := self._endings.get(name):
                if asyncio.iscoroutine(rest := ending(exchange)):
                    await rest
                return
            await asyncio.sleep(0.005)


async def complete(exchange: Exchange) -> None:
    """A run's own end."""
    await exchange.events('{"event":"completed"}')
    await exchange.end()


class ConnectionFrom(Connection):
    """A connection from one of this machine's many addresses."""

    def __init__(self, address: str, source: str):
        self.address, self.received, self.was_reset = address, bytearray(), False
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), DEADLINE, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@pytest.fixture
def open_from() -> Iterator[Callable[..., Connection]]:
    """Open a connection from a source address."""
    with ExitStack() as stack:
        yield lambda address, source="127.0.0.1": stack.enter_context(ConnectionFrom(address, source))


@dataclass(frozen=True)
class Claimant:
    """Who asks, and for what."""

    source: str = "127.0.0.1"
    path: str = TARGET
    fields: tuple[tuple[str, str], ...] = ()

    def request(self, name: str = "x", method: str = "POST") -> Ask:
        """Its request for the run of this name."""
        if method == "GET":
            return "GET", f"{self.path}?message={name}", list(self.fields)
        return (
            method,
            self.path,
            [*self.fields, ("Content-Type", "application/json")],
            b'{"message":"%s"}' % (name.encode()),
        )


@dataclass(frozen=True)
class Kind:
    """A limit's dimensions, one claimant of a key, and claimants of other keys."""

    per: tuple[str, ...]
    mine: Claimant
    others: tuple[Claimant, ...] = ()
    status: int = 503
    counts: Settings = field(default_factory=lambda: {"streams": BOUND})

    @property
    def name(self) -> str:
        """A name for its limit, which occurs nowhere else."""
        return f"few-{'-'.join([*self.counts, *self.per]) or 'all'}"

    @property
    def limit(self) -> dict[str, Any]:
        """The limit."""
        return {"name": self.name, **({"per": list(self.per)} if self.per else {}), **self.counts}

    @property
    def bound(self) -> str:
        """How its refusals tell the bound."""
        (word, count), *_ = self.counts.items()
        amount = f"{count} {word}" if word != "rate" else str(count)
        return f"{amount} per {', '.join(self.per)}" if self.per else amount


def to(host: str) -> tuple[tuple[str, str], ...]:
    """The field of a claimant of this domain."""
    return (("Host", host),)


def by(name: str, value: str) -> tuple[tuple[str, str], ...]:
    """One field."""
    return ((name, value),)


A, B = "a.example.com", "b.example.com"
ELSEWHERE = Claimant(path="/other")
ALICE, BOB = Claimant(fields=by("Authorization", "Bearer a")), Claimant(fields=by("Authorization", "Bearer b"))
HERE = Claimant("127.0.0.2", fields=to(A))
STREAMS = [
    Kind((), Claimant()),
    Kind(("domain",), Claimant(fields=to(A)), (Claimant(fields=to(B)),)),
    Kind(("client",), Claimant("127.0.0.2"), (Claimant("127.0.0.3"),), 429),
    Kind(("client", "domain"), HERE, (Claimant("127.0.0.2", fields=to(B)), Claimant("127.0.0.3", fields=to(A))), 429),
    Kind(("origin",), Claimant(fields=by("Origin", ORIGINS[0])), (Claimant(fields=by("Origin", ORIGINS[1])),)),
    Kind(("principal",), ALICE, (BOB,), 429),
    Kind(("route",), Claimant(), (ELSEWHERE,)),
    Kind(("upstream",), Claimant(), (ELSEWHERE,)),
    Kind(("endpoint",), Claimant(), (ELSEWHERE,)),
]
COUNT = {"connections": BOUND}
CONNECTIONS = [
    Kind((), Claimant(), counts=COUNT),
    Kind(("client",), Claimant("127.0.0.2"), (Claimant("127.0.0.3"),), 429, COUNT),
    Kind(("domain",), Claimant(fields=to(A)), (Claimant(fields=to(B)),), counts=COUNT),
]
STARTS = {"rate": f"{BOUND}/h", "burst": BOUND}
RATES = [
    Kind((), Claimant(), counts=STARTS),
    Kind(("client",), Claimant("127.0.0.2"), (Claimant("127.0.0.3"),), 429, STARTS),
    Kind(("principal",), ALICE, (BOB,), 429, STARTS),
    Kind(("domain",), Claimant(fields=to(A)), (Claimant(fields=to(B)),), counts=STARTS),
]
ALL = [*STREAMS, *CONNECTIONS, *RATES]
kinds = pytest.mark.parametrize("kind", ALL, ids=[kind.name for kind in ALL])
held_kinds = pytest.mark.parametrize(
    "kind", [*STREAMS, *CONNECTIONS], ids=[kind.name for kind in [*STREAMS, *CONNECTIONS]]
)


@dataclass
class Place:
    """A gateway with two routes for runs and one for feeds, to an orchestrator each, and its clients."""

    gateway: Gateway
    orchestrators: list[scripted.Orchestrator]
    runs: Held
    source: Source
    connect: Callable[..., Connection]
    settings: dict[str, Any]

    def ask(self, claimant: Claimant = Claimant(), name: str = "x", method: str = "POST") -> Answer:
        """Ask on a connection of its own, which stays open."""
        return self.connect(self.gateway.address, claimant.source).ask(*claimant.request(name, method))

    def open(self, claimant: Claimant = Claimant(), name: str = "x", method: str = "POST") -> Answer:
        """A stream that has begun to flow."""
        answer = self.ask(claimant, name, method)
        assert answer.status == 200, bytes(answer.read_all())
        answer.read_events(1)
        return answer

    def refused(self, claimant: Claimant = Claimant(), method: str = "POST", status: int = 0) -> Found:
        """What a refusal says."""
        answer = self.ask(claimant, "refused", method)
        assert_problem(answer, status or answer.status)
        assert answer.status in (429, 503)
        return {"retry-after": answer.get("retry-after"), **answer.json}

    def opens_at_last(self, claimant: Claimant = Claimant(), name: str = "x") -> Answer:
        """A stream for which there will be room in a moment."""

        def attempt() -> Answer | None:
            answer = self.ask(claimant, name)
            if answer.status == 200:
                return answer
            answer.read_all()
            close(answer)
            return None

        answer = eventually(attempt, "there is room again")
        answer.read_events(1)
        return answer

    @property
    def asked(self) -> list[str]:
        """The messages that have reached the first orchestrator."""
        return [request.json["message"] for request in self.orchestrators[0].requests]


Start = Callable[..., Place]


@pytest.fixture
def start(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, open_from: Callable[..., Connection]
) -> Iterator[Start]:
    """Start such a place with these limits."""
    with ExitStack() as stack:

        def start(*limits: Settings, workers: int = 1, route: Settings | None = None, **sections: Any) -> Place:
            runs, source = Held(), Source()
            stack.callback(source.stop)
            orchestrators = [start_orchestrator(runs), start_orchestrator(runs)]
            settings = chat(orchestrators[0].url, route=route or {}, limits=list(limits), workers=workers, **sections)
            settings["upstreams"] |= {
                "other": {"endpoints": [orchestrators[1].url]},
                "news": {"endpoints": [source.url]},
            }
            own = settings["routes"][0]
            shared = {"upstream": "news", "path": "/e/**", "backoff": {"min": "10ms", "max": "200ms"}}
            settings["routes"] += [
                {**own, "path": "/other", "run": {**own["run"], "upstream": "other"}},
                {**own, "path": "/events/**", "feed": shared, "on_abandoned": "cancel"},
            ]
            del settings["routes"][-1]["run"]
            settings.setdefault("cors", {"origins": ORIGINS})
            return Place(start_gateway(settings), orchestrators, runs, source, open_from, settings)

        yield start


def close(answer: Answer, by: str = "fin") -> None:
    """Leave an answer."""
    connection = answer._connection
    connection.reset() if by == "rst" else connection.close()


def first_event_of(answer: Answer) -> Event:
    """The first event, waited for."""
    return answer.read_events(1)[0]


def begun(answer: Answer) -> str:
    """The message of the run, from its first event."""
    name: str = first_event_of(answer).json["of"]
    return name


def assert_clean_end(answer: Answer, kind: str) -> Event:
    """The answer comes to a clean end whose last event is of this type."""
    answer.read_all()
    assert answer.events[-1].type == kind, answer
    return answer.events[-1]


# Each kind: as many as the bound, not one more, again after one has left, and its name


@WORKERS
@kinds
def test_as_many_as_the_bound_are_served(kind: Kind, workers: int, start: Start) -> None:
    place = start(kind.limit, workers=workers)
    answers = [place.open(kind.mine, f"n{number}") for number in range(BOUND)]
    assert [begun(answer) for answer in answers] == [f"n{number}" for number in range(BOUND)]
    for other in kind.others:
        for _ in range(BOUND):
            place.open(other)


@WORKERS
@kinds
def test_one_more_is_refused_and_others_are_not(kind: Kind, workers: int, start: Start) -> None:
    place = start(kind.limit, workers=workers)
    for _ in range(BOUND):
        place.open(kind.mine)
    for method in ("POST", "POST"):
        place.refused(kind.mine, method, kind.status)
    for other in kind.others:
        place.open(other, "other")
    reached = [request.json["message"] for each in place.orchestrators for request in each.requests]
    assert sorted(reached) == ["other"] * len(kind.others) + ["x"] * BOUND, "what is refused reaches nobody"


@WORKERS
@held_kinds
def test_there_is_room_again_after_one_has_left(kind: Kind, workers: int, start: Start) -> None:
    place = start(kind.limit, workers=workers)
    answers = [place.open(kind.mine) for _ in range(BOUND)]
    for way, place_of_one in (("fin", 1), ("rst", 0)):
        place.refused(kind.mine)
        close(answers[place_of_one], way)
        place.opens_at_last(kind.mine)
    place.refused(kind.mine)


@WORKERS
@kinds
def test_a_refusal_names_its_limit(kind: Kind, workers: int, start: Start) -> None:
    other = {"name": "roomy", **{k: v for k, v in kind.limit.items() if k == "per"}, "streams": 1000}
    place = start(other, kind.limit, workers=workers)
    for _ in range(BOUND):
        place.open(kind.mine)
    problem = place.refused(kind.mine, status=kind.status)
    assert (problem["limit"], problem["bound"]) == (kind.name, kind.bound)
    assert f"limits.{kind.name}." in problem["detail"]
    line = place.gateway.finished(limit=kind.name)
    assert (line.values["status"], line.values["reason"]) == (str(kind.status), "limit")
    retry = int(problem["retry-after"])
    # Until the next token comes there are 20 minutes, of which opening has taken some seconds.
    assert 1 <= retry <= 5 if "rate" not in kind.counts else 1140 <= retry <= 1200


@WORKERS
def test_the_tokens_of_a_rate_come_back(workers: int, start: Start) -> None:
    place = start({"name": "starts", "rate": "2/s", "burst": 2}, workers=workers)

    def refusal() -> Found | None:
        answer = place.ask()
        return None if answer.status == 200 else answer.json

    problem = eventually(refusal, "the burst is used up")
    assert (problem["limit"], problem["bound"]) == ("starts", "2/s")
    place.opens_at_last()


def test_leaving_gives_no_token_back(start: Start) -> None:
    place = start({"name": "starts", "rate": "2/h", "burst": 2})
    for _ in range(2):
        close(place.open())
        place.gateway.finished(reason="client_closed")
    place.refused(status=503)


# What does not count


@WORKERS
def test_only_get_and_post_count(workers: int, start: Start) -> None:
    place = start({"name": "one", "streams": 1}, {"name": "starts", "rate": "2/h", "burst": 2}, workers=workers)
    run = place.open().run
    for target in (TARGET, f"/_sluice/runs/{run}"):
        assert ask(place.gateway.address, "HEAD", target).status == 200
    assert ask(place.gateway.address, "OPTIONS", TARGET).status == 204
    for name in ("a" * 26, run):
        stopped = ask(place.gateway.address, "DELETE", f"/_sluice/runs/{name}")
        assert stopped.status == (204 if name == run else 404)
    place.opens_at_last()
    assert place.refused()["limit"] == "one"


@WORKERS
def test_a_connection_counts_once_however_many_requests_it_has(workers: int, start: Start) -> None:
    place = start({"name": "two", "per": ["client"], "connections": 2}, workers=workers)
    first = place.connect(place.gateway.address)
    for _ in range(5):
        assert first.ask("HEAD", TARGET).status == 200
    second = place.connect(place.gateway.address)
    assert second.ask("HEAD", TARGET).status == 200
    third = place.connect(place.gateway.address)
    refusal = third.ask("HEAD", TARGET)
    assert refusal.status == 429
    assert third.read_to_end() == b"", "a connection that is too many is closed"
    assert first.ask("HEAD", TARGET).status == 200


def test_of_two_limits_the_one_without_room_refuses(start: Start) -> None:
    place = start({"name": "wide", "streams": 3}, {"name": "tabs", "per": ["domain"], "streams": 2})
    for _ in range(2):
        place.open(Claimant(fields=to(A)))
    assert place.refused(Claimant(fields=to(A)))["limit"] == "tabs"
    place.open(Claimant(fields=to(B)))
    assert place.refused(Claimant(fields=to(B)))["limit"] == "wide"
    assert place.refused(Claimant(fields=to("c.example.com")))["limit"] == "wide"


@pytest.mark.parametrize("host", ["A.example.com", "a.example.com:8443", "a.EXAMPLE.com:80"])
def test_a_domain_is_the_same_in_every_spelling(host: str, start: Start) -> None:
    place = start({"name": "one", "per": ["domain"], "streams": 1})
    place.open(Claimant(fields=to(A)))
    assert place.refused(Claimant(fields=to(host)))["limit"] == "one"


# Refusals within a stream


@WORKERS
@pytest.mark.parametrize("per", [["domain"], ["upstream"]])
def test_a_route_may_refuse_by_an_event(per: list[str], workers: int, start: Start) -> None:
    place = start({"name": "one", "per": per, "streams": 1}, workers=workers, route={"refusal": "stream"})
    place.open()
    answer = place.ask(Claimant(fields=by("Origin", ORIGINS[0]) + to(place.gateway.address)), method="GET")
    assert (answer.status, answer.get("content-type")) == (200, "text/event-stream; charset=utf-8")
    assert answer.get("access-control-allow-origin") == ORIGINS[0]
    busy = assert_clean_end(answer, "sluice.busy").json
    assert (busy["limit"], busy["bound"]) == ("one", f"1 stream per {per[0]}")
    assert busy["retry_after"] * 1000 <= (answer.stream.retry or 0) < (busy["retry_after"] + 1) * 1000
    assert place.gateway.finished(limit="one").values["reason"] == "limit"
    assert place.refused(method="POST", status=503)["limit"] == "one", "who is no EventSource sees statuses"


# Waiting


def waiting(count: int = BOUND, time: str = "20s", **more: Any) -> dict[str, Any]:
    """A limit of one stream at which a few may wait."""
    return {"name": "queue", "streams": 1, "when_full": f"wait {time}", "waiting": count, **more}


def wait(place: Place, name: str, claimant: Claimant = Claimant()) -> Answer:
    """A GET that waits."""
    answer = place.ask(claimant, name, "GET")
    assert answer.status == 200, answer
    answer.read_until(b": wait\n")
    return answer


@WORKERS
def test_those_who_wait_are_served_in_their_order(workers: int, start: Start) -> None:
    place = start(waiting(8), workers=workers)
    served = place.open(name="first")
    names = [f"n{number}" for number in range(8)]
    queue = [wait(place, name) for name in names]
    for name, answer in zip(names, queue, strict=True):
        close(served)
        assert begun(answer) == name
        served = answer
    assert place.asked == ["first", *names]


@WORKERS
def test_who_waits_is_kept_alive(workers: int, start: Start) -> None:
    place = start(waiting(), workers=workers, streams={"heartbeat": "1s"})
    first = place.open()
    get, connection = wait(place, "get"), place.connect(place.gateway.address)
    connection.request(*Claimant().request("post"))
    get.read_until(b": wait\n: hb\n: hb\n")
    # A POST gets its status late, since that could still be a refusal.
    post = connection.answer()
    assert post.status == 200
    post.read_until(b": wait\n: hb\n")
    place.runs.end("get", complete)
    close(first)
    assert begun(get) == "get"
    assert begun(post) == "post"
    for answer in (get, post):
        assert b": hb\n\n" not in answer.body, "some parsers take an empty line for an event"


@WORKERS
def test_only_so_many_may_wait(workers: int, start: Start) -> None:
    place = start(waiting(2), workers=workers)
    first = place.open()
    for name in ("a", "b"):
        wait(place, name)
    problem = place.refused(status=503)
    assert problem["limit"] == "queue"
    assert "limits.queue.waiting" in problem["detail"]
    close(first)
    eventually(lambda: len(place.asked) == 2, "the next one is served")
    wait(place, "c")
    place.refused(status=503)


@WORKERS
def test_a_post_that_has_waited_in_vain_gets_a_status(workers: int, start: Start) -> None:
    place = start(waiting(time="300ms"), workers=workers)
    place.open()
    problem = place.refused(status=503)
    assert (problem["limit"], problem["bound"]) == ("queue", "1 stream")
    assert "limits.queue.when_full" in problem["detail"]
    assert int(problem["retry-after"]) >= 1
    assert place.gateway.finished(limit="queue").values["status"] == "503"
    assert place.asked == ["x"]


@WORKERS
@pytest.mark.parametrize("form", ["status", "stream"])
def test_a_get_that_has_waited_in_vain_gets_an_event(form: str, workers: int, start: Start) -> None:
    place = start(waiting(time="300ms"), workers=workers, route={"refusal": form})
    place.open()
    answer = wait(place, "late")
    busy = assert_clean_end(answer, "sluice.busy").json
    assert (busy["limit"], busy["bound"]) == ("queue", "1 stream")
    assert (answer.stream.retry or 0) >= 1000
    assert place.gateway.finished(limit="queue").values["reason"] == "limit"
    assert place.asked == ["x"]


def waiting_post(place: Place, claimant: Claimant = Claimant(), name: str = "late") -> Connection:
    """A POST that waits where only one may: of two, the other one is refused."""
    pair = [place.connect(place.gateway.address) for _ in range(2)]
    for connection in pair:
        connection.request(*claimant.request(name))
    readable, _, _ = select.select([connection.socket for connection in pair], [], [], DEADLINE)
    (refused,) = [connection for connection in pair if connection.socket in readable]
    assert refused.answer().status == 503
    refused.close()
    (waiter,) = [connection for connection in pair if connection is not refused]
    return waiter


@WORKERS
@pytest.mark.parametrize("way", ["fin", "rst"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_leaves_while_it_waits_frees_its_place(method: str, way: str, workers: int, start: Start) -> None:
    place = start(waiting(1), workers=workers)
    first = place.open(name="first")
    leaver = wait(place, "gone")._connection if method == "GET" else waiting_post(place, name="gone")
    place.refused(status=503)
    leaver.reset() if way == "rst" else leaver.close()

    def attempt() -> Answer | None:
        answer = place.ask(name="next", method="GET")
        return answer if answer.status == 200 else None

    follower = eventually(attempt, "there is a place in the queue")
    close(first)
    assert begun(follower) == "next"
    assert place.asked == ["first", "next"]


@WORKERS
@pytest.mark.parametrize("way", ["GET", "POST", "join", "resume"])
def test_late_room_is_as_good_as_any(way: str, workers: int, start: Start) -> None:
    place = start(waiting(1, per=["domain"]), workers=workers, route={"on_abandoned": "detach"})
    mine = Claimant(fields=to(A))
    told = place.open(Claimant(fields=to(B)), name="told")
    blocker = place.open(mine, name="blocker")
    requests: dict[str, Ask] = {
        "GET": mine.request("late", "GET"),
        "join": ("GET", f"/_sluice/runs/{told.run}", list(mine.fields)),
        "resume": ("GET", f"{TARGET}?message=told", [*mine.fields, ("Last-Event-ID", f"{told.run}.0")]),
    }
    if way == "POST":
        connection = waiting_post(place, mine)
        close(blocker)
        answer = connection.answer()
        assert answer.run
    else:
        answer = place.connect(place.gateway.address).ask(*requests[way])
        answer.read_until(b": wait\n")
        close(blocker)
    name = "told" if way in ("join", "resume") else "late"
    assert begun(answer) == name
    place.runs.end(name, complete)
    answer.read_all()
    assert answer.events[-1].json["event"] == "completed"
    run = answer.events[0].id.rpartition(".")[0]
    assert [event.id for event in answer.events] == [f"{run}.{n}" for n in (1, 2)]
    assert (run == told.run) == (way in ("join", "resume"))
    assert place.asked == ["told", "blocker"] + ["late"] * (way in ("GET", "POST"))


@WORKERS
def test_a_feed_waits_for_room_like_a_run(workers: int, start: Start) -> None:
    place = start(waiting(), workers=workers)
    blocker = place.open()
    late = place.connect(place.gateway.address).ask("GET", "/events/a")
    late.read_until(b": wait\n")
    assert not place.source.requests
    close(blocker)
    late.read_until(b"retry: ")
    place.source.wait_for_subscribers()
    place.source.say("news", id="1")
    assert first_event_of(late).data == "news"


@WORKERS
def test_a_start_that_waits_for_its_token_gets_it(workers: int, start: Start) -> None:
    place = start({"name": "starts", "rate": "2/s", "burst": 1, "when_full": "wait 20s"}, workers=workers)
    names = [f"n{number}" for number in range(5)]
    answers = [place.ask(name=name, method="GET") for name in names]
    assert [begun(answer) for answer in answers] == names
    assert place.asked == names


@WORKERS
@pytest.mark.parametrize("way", ["join", "resume", "conflict"])
def test_who_has_waited_may_hear_that_there_is_nothing(way: str, workers: int, start: Start) -> None:
    place = start(waiting(1), workers=workers)
    blocker = place.ask(Claimant(fields=by("Idempotency-Key", "k")), "blocker")
    begun(blocker)
    nobody = "a" * 26
    requests: dict[str, Ask] = {
        "join": ("GET", f"/_sluice/runs/{nobody}"),
        "resume": ("GET", f"{TARGET}?message=x", [("Last-Event-ID", f"{nobody}.1")]),
        "conflict": ("GET", f"{TARGET}?message=x", [("Idempotency-Key", "k")]),
    }
    answer = place.connect(place.gateway.address).ask(*requests[way])
    answer.read_until(b": wait\n")
    close(blocker)
    answer.read_all()
    error = answer.events[-1].json
    assert (error["event"], error["source"]) == ("error", "gateway")
    assert place.asked == ["blocker"]
    place.opens_at_last()


# Eviction


def evicting(count: int = 2, per: tuple[str, ...] = ("client",)) -> dict[str, Any]:
    """A limit at which the oldest gives way."""
    return {"name": "newest", "per": list(per), "streams": count, "when_full": "evict-oldest"}


def assert_flows(place: Place, name: str, answer: Answer) -> None:
    """A run still reaches this reader."""
    have = len(answer.events)
    place.runs.say(name, "still here")
    assert answer.read_events(have + 1)[-1].data == "still here"


@WORKERS
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_oldest_gives_way_and_does_not_come_back(method: str, workers: int, start: Start) -> None:
    place = start(evicting(), workers=workers)
    oldest, second, third = (place.open(name=name, method=method) for name in "abc")
    told = assert_clean_end(oldest, "sluice.evicted")
    assert told.id.startswith(f"{oldest.events[0].id.rpartition('.')[0]}.")
    assert oldest.stream.last_event_id == told.id
    assert told.json["limit"] == "newest"
    line = place.gateway.finished(reason="evicted")
    assert (line.values["events"], line.values["limit"]) == ("1", "newest")
    for _ in range(3):
        again = place.ask(Claimant(fields=by("Last-Event-ID", told.id)), "a", "GET")
        assert again.status == 204, again
    for name, answer in (("b", second), ("c", third)):
        assert_flows(place, name, answer)
    assert len(place.gateway.logged("request", reason="evicted")) == 1
    assert place.asked == ["a", "b", "c"]


@WORKERS
def test_a_subscriber_of_a_feed_gives_way_and_does_not_come_back(workers: int, start: Start) -> None:
    place = start(evicting(1), workers=workers)
    first = place.connect(place.gateway.address).ask("GET", "/events/a")
    first.read_until(b"retry: ")
    place.source.wait_for_subscribers()
    place.source.say("one", id="1")
    first.read_events(1)
    second = place.connect(place.gateway.address).ask("GET", "/events/a")
    told = assert_clean_end(first, "sluice.evicted")
    second.read_until(b"retry: ")
    again = place.connect(place.gateway.address).ask("GET", "/events/a", [("Last-Event-ID", told.id)])
    assert again.status == 204, again
    place.source.say("two", id="2")
    second.read_until(b"data: two\n")
    place.gateway.finished(status="204")
    assert len(place.gateway.logged("request", reason="evicted")) == 1


@WORKERS
def test_an_answer_that_has_not_begun_gives_way_with_a_status(
    workers: int, start_orchestrator: StartOrchestrator, start_gateway: StartGateway, connect: Connect
) -> None:
    orchestrator = start_orchestrator(scripted.stall)
    settings = chat(orchestrator.url, route={"answer_after": "20s"}, limits=[evicting(1)], workers=workers)
    gateway = start_gateway(settings)
    first, second = connect(gateway.address), connect(gateway.address)
    first.request(*POST)
    orchestrator.exchange(0)
    second.request(*POST)
    problem = first.answer()
    assert_problem(problem, 429)
    assert problem.json["limit"] == "newest"
    gateway.finished(reason="evicted", status="429", limit="newest")
    orchestrator.exchange(1)


class Flood:
    """A run of many events of 64 KiB each, and other runs of one event."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.is_over = False

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.head()
        if exchange.request.json["message"] == "flood":
            for number in range(1, self.count + 1):
                await exchange.events(f"{number}:{'x' * 65000}")
            self.is_over = True
        else:
            await exchange.events('{"of":"other"}')
        await exchange.until_abandoned()

    def blocks(self, gateway: Gateway, connect: Connect) -> Answer:
        """A reader that has stopped to read, where there is more than all sockets on the way can hold."""
        answer = connect(gateway.address, receive_buffer=4096).ask(*Claimant().request("flood", "GET"))
        answer.read_events(1)
        eventually(lambda: self.is_over, "the flood is over")
        return answer


BIG = {"client_buffer": "64MiB", "log": {"bytes": "64MiB"}}


@WORKERS
def test_a_slow_reader_is_told_after_all_that_it_was_promised(
    workers: int, start_orchestrator: StartOrchestrator, start_gateway: StartGateway, connect: Connect
) -> None:
    flood = Flood(384)
    gateway = start_gateway(chat(start_orchestrator(flood).url, limits=[evicting(1)], workers=workers, streams=BIG))
    slow = flood.blocks(gateway, connect)
    other = connect(gateway.address).ask(*GET)
    other.read_until(b": wait\n")
    told = assert_clean_end(slow, "sluice.evicted")
    run = told.id.rpartition(".")[0]
    events = slow.events[:-1]
    assert [event.id for event in events] == [f"{run}.{n}" for n in range(1, len(events) + 1)]
    assert all(len(event.data) > 65000 for event in events), "no event is cut"
    assert len(events) < 384, "it was not blocked"
    assert first_event_of(other).json == {"of": "other"}


@WORKERS
def test_who_reads_nothing_does_not_keep_its_place(
    workers: int, start_orchestrator: StartOrchestrator, start_gateway: StartGateway, connect: Connect
) -> None:
    orchestrator = start_orchestrator(Flood(128))
    limits = [evicting(1, ("domain",))]
    gateway = start_gateway(chat(orchestrator.url, limits=limits, streams=BIG, workers=workers))
    teller = connect(gateway.address).ask(*Claimant(fields=to(B)).request("flood", "GET"))
    teller.read_until(b"data: 128:")
    stuck = connect(gateway.address, receive_buffer=4096).ask("GET", f"/_sluice/runs/{teller.run}", to(A))
    stuck.read_until(b"id: ")
    newcomer = connect(gateway.address).ask(*Claimant(fields=to(A)).request("other"))
    assert first_event_of(newcomer).json == {"of": "other"}
    line = gateway.finished(reason="evicted", run=teller.run)
    assert line.values["limit"] == "newest"
    with pytest.raises(CutShort):
        stuck.read_all()
    assert len(orchestrator.requests) == 2


def test_readers_give_way_to_those_of_other_workers(start: Start) -> None:
    place = start(evicting(16), workers=4)
    old = [place.open(name=f"old{number}") for number in range(16)]
    new = [place.open(name=f"new{number}") for number in range(16)]
    for answer in old:
        assert_clean_end(answer, "sluice.evicted")
    assert [begun(answer) for answer in new] == [f"new{number}" for number in range(16)]
    pairs = [(home(a.run, 4), home(b.run, 4)) for a, b in zip(old, new, strict=True)]
    assert any(a != b for a, b in pairs), pairs
    for number, answer in enumerate(new):
        assert_flows(place, f"new{number}", answer)


def home(run: str, workers: int) -> int:
    """The worker on which a run lives: the last 16 bits of its name say it."""
    number = 0
    for letter in run:
        number = number << 5 | "abcdefghijklmnopqrstuvwxyz234567".index(letter)
    return (number & 0xFFFF) % workers


# Limits of upstreams and endpoints


ONE = {"name": "one", "per": ["upstream"], "streams": 1}


@WORKERS
def test_tabs_that_join_cost_the_upstream_nothing(workers: int, start: Start) -> None:
    place = start(ONE, workers=workers)
    first = place.open(name="shared")
    tabs = [place.connect(place.gateway.address).ask("GET", f"/_sluice/runs/{first.run}") for _ in range(5)]
    assert [begun(tab) for tab in tabs] == ["shared"] * 5
    assert place.refused(status=503)["limit"] == "one"
    assert place.asked == ["shared"]


@WORKERS
def test_a_run_that_nobody_watches_counts_until_it_ends(workers: int, start: Start) -> None:
    place = start(ONE, workers=workers, route={"on_abandoned": "detach"})
    close(place.open(name="lonely"))
    place.gateway.finished(reason="client_closed")
    assert place.refused(status=503)["limit"] == "one"
    place.runs.end("lonely", complete)
    place.opens_at_last()


ENDS: dict[str, Callable[[Place, Answer], object]] = {
    "completion": lambda place, answer: place.runs.end("first", complete),
    "failure": lambda place, answer: place.runs.end("first", Exchange.reset),
    "silent end": lambda place, answer: place.runs.end("first", Exchange.end),
    "stop": lambda place, answer: ask(place.gateway.address, "DELETE", f"/_sluice/runs/{answer.run}"),
    "abandonment": lambda place, answer: close(answer),
    "reset": lambda place, answer: close(answer, "rst"),
    "timeout": lambda place, answer: None,
}


@WORKERS
@pytest.mark.parametrize("per", [["upstream"], ["endpoint"]], ids=["upstream", "endpoint"])
@pytest.mark.parametrize("end", ENDS)
def test_whatever_ends_a_run_gives_its_room_back(end: str, per: list[str], workers: int, start: Start) -> None:
    place = start({**ONE, "per": per}, workers=workers)
    if end == "timeout":
        settings = place.settings
        settings["upstreams"]["chat"]["idle_timeout"] = "300ms"
        reload(place.gateway, settings)
        place.gateway.wait_for_log("reloaded")
    first = place.open(name="first")
    if end != "timeout":
        assert place.refused(status=503)["limit"] == "one"
    ENDS[end](place, first)
    place.opens_at_last()


@WORKERS
@pytest.mark.parametrize("per", [["upstream"], ["endpoint"]], ids=["upstream", "endpoint"])
def test_an_orchestrators_refusal_holds_no_room(
    per: list[str], workers: int, start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    orchestrator = start_orchestrator(scripted.refuse(500, b"{}"))
    limits = [{**ONE, "per": per}]
    gateway = start_gateway(chat(orchestrator.url, limits=limits, workers=workers, route={"answer_after": "20s"}))
    for _ in range(5):
        assert ask(gateway.address, *POST).status == 500
    assert len(orchestrator.requests) == 5


@WORKERS
def test_a_run_waits_for_room_at_its_upstream(workers: int, start: Start) -> None:
    place = start(waiting(1, per=["upstream"]), workers=workers)
    place.open(name="first")
    late = place.ask(name="late", method="GET")
    assert late.status == 200
    late.read_until(b"id: ")
    tab = place.connect(place.gateway.address).ask("GET", f"/_sluice/runs/{late.run}")
    assert place.refused(status=503)["limit"] == "queue"
    assert place.asked == ["first"]
    place.runs.end("first", complete)
    assert [begun(late), begun(tab)] == ["late"] * 2
    assert place.asked == ["first", "late"]


@WORKERS
@pytest.mark.parametrize("way", ["stop", "leave"])
def test_a_run_that_waits_may_end_before_it_begins(way: str, workers: int, start: Start) -> None:
    place = start(waiting(1, per=["upstream"]), workers=workers)
    first = place.open(name="first")
    gone = place.ask(name="gone", method="GET")
    gone.read_until(b"id: ")
    if way == "stop":
        assert ask(place.gateway.address, "DELETE", f"/_sluice/runs/{gone.run}").status == 204
        assert json.loads(gone.read_all().split(b"data: ")[1].split(b"\n")[0])["reason"] == "stopped"
    else:
        close(gone)
        place.gateway.finished(reason="client_closed")
    late = eventually(lambda: late_get(place), "there is a place in the queue")
    close(first)
    assert begun(late) == "late"
    assert place.asked == ["first", "late"]


def late_get(place: Place) -> Answer | None:
    """A GET that waits at its upstream, if it may."""
    answer = place.ask(name="late", method="GET")
    return answer if answer.status == 200 else None


@WORKERS
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_run_that_has_waited_for_its_upstream_in_vain_says_so(method: str, workers: int, start: Start) -> None:
    place = start(waiting(time="300ms", per=["upstream"]), workers=workers, route={"answer_after": "20s"})
    place.open(name="first")
    answer = place.ask(name="late", method=method)
    if method == "POST":
        assert_problem(answer, 503)
        assert answer.json["limit"] == "queue"
    else:
        answer.read_all()
        error = answer.events[-1].json
        assert (error["event"], error["source"], error["reason"]) == ("error", "gateway", "limit")
        assert error["limit"] == "queue"
    assert place.gateway.finished(limit="queue").values["reason"] == "limit"
    assert place.asked == ["first"]


class Endpoints:
    """A pool of several orchestrators."""

    def __init__(self, count: int, start_orchestrator: StartOrchestrator, start_gateway: StartGateway):
        self.runs = Held()
        self.orchestrators = [start_orchestrator(self.runs) for _ in range(count)]
        self._start = start_gateway

    def serve(self, limit: Settings, workers: int, *more: str) -> Gateway:
        """A gateway with this limit of them, and more endpoints besides."""
        urls = [orchestrator.url for orchestrator in self.orchestrators]
        return self._start(chat(*urls, *more, limits=[limit], workers=workers))

    @property
    def loads(self) -> list[int]:
        """How many requests each has got."""
        return [len(orchestrator.requests) for orchestrator in self.orchestrators]


StartEndpoints = Callable[[int], Endpoints]


@pytest.fixture
def start_endpoints(start_orchestrator: StartOrchestrator, start_gateway: StartGateway) -> StartEndpoints:
    """Start a pool."""
    return lambda count: Endpoints(count, start_orchestrator, start_gateway)


def each(count: int, **more: Any) -> dict[str, Any]:
    """So many at each endpoint."""
    return {"name": "each", "per": ["endpoint"], "streams": count, **more}


@WORKERS
def test_other_endpoints_are_used_before_anything_is_refused(
    workers: int, start_endpoints: StartEndpoints, connect: Connect
) -> None:
    pool = start_endpoints(3)
    gateway = pool.serve(each(2), workers)
    answers = [connect(gateway.address).ask(*Claimant().request(f"n{number}")) for number in range(6)]
    assert [begun(answer) for answer in answers] == [f"n{number}" for number in range(6)]
    assert pool.loads == [2, 2, 2]
    refusal = connect(gateway.address).ask(*POST)
    assert_problem(refusal, 503)
    assert (refusal.json["limit"], refusal.json["bound"]) == ("each", "2 streams per endpoint")
    assert gateway.finished(limit="each").values["status"] == "503"
    in_band = connect(gateway.address).ask(*GET)
    in_band.read_all()
    assert in_band.events[-1].json["limit"] == "each"
    assert pool.loads == [2, 2, 2]


@WORKERS
def test_an_endpoint_that_is_down_is_no_room(workers: int, start_endpoints: StartEndpoints, connect: Connect) -> None:
    pool = start_endpoints(1)
    gateway = pool.serve(each(2), workers, "http://127.0.0.1:9")
    answers = [connect(gateway.address).ask(*Claimant().request(f"n{number}")) for number in range(2)]
    assert [begun(answer) for answer in answers] == ["n0", "n1"]
    for _ in range(4):
        # Whichever was tried last is the reason: its limit, or that it can't be reached.
        answer = connect(gateway.address).ask(*POST)
        answer.read_all()
        assert b"each" in answer.body or answer.events[-1].json["reason"] == "upstream_unreachable", answer
    assert pool.loads == [2]
    close(answers[0])
    eventually(lambda: connect(gateway.address).ask(*POST).read_events(1)[0].json.get("of"), "there is room again")


@WORKERS
def test_a_new_run_may_take_the_room_of_the_oldest_at_its_upstream(workers: int, start: Start) -> None:
    place = start({**ONE, "when_full": "evict-oldest"}, workers=workers)
    first = place.open(name="first")
    second = place.open(name="second")
    first.read_all()
    error = first.events[-1].json
    assert (error["event"], error["reason"]) == ("error", "evicted")
    assert_flows(place, "second", second)
    eventually(lambda: place.orchestrators[0].exchange(0).abandoned, "its request is given up")


@WORKERS
def test_a_feed_costs_its_upstream_one_for_all_subscribers(workers: int, start: Start) -> None:
    place = start({"name": "feeds", "per": ["upstream"], "streams": 1}, workers=workers)
    readers = [place.connect(place.gateway.address).ask("GET", "/events/a") for _ in range(12)]
    for reader in readers:
        reader.read_until(b"retry: ")
    place.source.wait_for_subscribers()
    for number in range(6):
        other = place.connect(place.gateway.address).ask("GET", f"/events/b{number}")
        assert_problem(other, 503)
        assert other.json["limit"] == "feeds"
    lines = place.gateway.wait_for(
        lambda: len(lines := place.gateway.logged("request", status="503")) == 6 and lines, "six refusals"
    )
    assert [line.values.get("limit") for line in lines] == ["feeds"] * 6
    place.source.cut("rst")
    place.source.wait_for_subscribers()
    assert place.connect(place.gateway.address).ask("GET", "/events/b").status == 503, "it is kept while it comes back"
    assert len(place.source.requests) == 2
    for reader in readers:
        close(reader)

    def attempt() -> Answer | None:
        answer = place.connect(place.gateway.address).ask("GET", "/events/b")
        return answer if answer.status == 200 else None

    eventually(attempt, "the feed has given its room back")


# Settings that change


def change(place: Place, *limits: Settings) -> None:
    """Put other limits into force."""
    count = len(place.gateway.logged("reloaded"))
    place.settings["limits"] = list(limits)
    reload(place.gateway, place.settings)
    place.gateway.wait_for(lambda: len(place.gateway.logged("reloaded")) > count, "the settings are in force")


def named(name: str, count: int, **more: Any) -> dict[str, Any]:
    """A limit for all."""
    return {"name": name, "streams": count, **more}


@WORKERS
def test_other_bounds_hold_for_what_comes_and_what_is_held_counts(workers: int, start: Start) -> None:
    place = start(named("few", 2), workers=workers)
    answers = [place.open(name=f"n{number}") for number in range(2)]
    place.refused()
    change(place, named("few", 3))
    answers.append(place.open(name="n2"))
    assert place.refused()["bound"] == "3 streams"
    change(place, named("few", 1))
    assert place.refused()["bound"] == "1 stream"
    for number, answer in enumerate(answers):
        assert_flows(place, f"n{number}", answer)
    for answer in answers[:2]:
        close(answer)
    place.gateway.wait_for(lambda: len(place.gateway.logged("request", reason="client_closed")) == 2, "two have left")
    assert place.refused()["limit"] == "few", "one is held, and one is allowed"
    close(answers[2])
    place.opens_at_last()


@WORKERS
def test_what_is_held_counts_for_a_limit_of_another_name(workers: int, start: Start) -> None:
    place = start(named("old", 5), workers=workers)
    for _ in range(2):
        place.open(Claimant(fields=to(A)))
    change(place, {"name": "new", "per": ["domain"], "streams": 2})
    assert place.refused(Claimant(fields=to(A)))["limit"] == "new"
    place.open(Claimant(fields=to(B)))


@WORKERS
@pytest.mark.parametrize("how", ["more", "none", "another"])
def test_who_waits_gets_room_from_new_settings(how: str, workers: int, start: Start) -> None:
    place = start(waiting(), workers=workers)
    place.open(name="first")
    late = wait(place, "late")
    match how:
        case "more":
            change(place, {**waiting(), "streams": 2})
        case "none":
            change(place)
        case _:
            change(place, named("another", 2))
    assert begun(late) == "late"


def test_what_was_begun_without_limits_does_not_upset_new_ones(start: Start) -> None:
    place = start()
    early = place.open(name="early")
    change(place, named("one", 1))
    late = place.opens_at_last(name="late")
    place.refused()
    close(early)
    place.gateway.finished(reason="client_closed")
    place.refused()
    close(late)
    place.opens_at_last()


def test_a_bad_limit_is_refused_whole(start: Start) -> None:
    place = start(named("few", 1))
    place.open()
    place.settings["limits"] = [{"name": "few", "streams": 2, "when_full": "wait"}]
    reload(place.gateway, place.settings)
    place.gateway.wait_for_log("reload_refused")
    assert place.refused()["bound"] == "1 stream"
