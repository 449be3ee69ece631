"""Resuming a run: what the id names decides, whose run it is too, and no retry runs anything twice."""

from __future__ import annotations

import pytest

from conftest import Connect, Serve, StartGateway, StartOrchestrator
from expectations import GET, POST, Ask, assert_problem, both_methods, data
from gateway import chat
from orchestrators import scripted
from orchestrators.scripted import CHAT, Exchange, Gate
from resuming import (
    ALICE,
    BOB,
    LIVE_OR_FINISHED,
    NOBODYS,
    RETRY,
    assert_requests,
    both_places,
    failure_alone,
    numbers,
    resuming,
    with_fields,
)
from wire import Connection, ask

# What the id names


@both_places
@both_methods
def test_a_live_run_goes_on_where_the_client_was(request_line: Ask, place: str, serve: Serve, connect: Connect) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate), streams={"retry": RETRY})
    first = connect(gateway.address).ask(*request_line)
    first.read_events(3)
    again = connect(gateway.address).ask(*resuming(request_line, f"{first.run}.2", place))
    assert again.run == first.run
    assert again.get("content-type") == "text/event-stream; charset=utf-8"
    again.read_events(1)
    assert bytes(again.body).startswith(f"retry: 100\nid: {first.run}.2\n\n".encode()), "the place must not be lost"
    gate.open()
    assert data(again) == CHAT[2:]
    assert numbers(again.events) == [3, 4, 5, 6]
    assert data(first) == CHAT
    assert_requests(orchestrator, 1)


@both_methods
def test_a_client_that_has_everything_of_a_live_run_waits_for_the_next(
    request_line: Ask, serve: Serve, connect: Connect
) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate))
    with Connection(gateway.address) as client:
        first = client.ask(*request_line)
        last = first.read_events(3)[-1].id
    again = connect(gateway.address).ask(*resuming(request_line, last))
    again.read_until(f"id: {last}\n\n".encode())
    assert not again.complete
    gate.open()
    assert data(again) == CHAT[3:]
    assert_requests(orchestrator, 1)


@both_places
@both_methods
def test_the_rest_of_a_finished_run_is_there_and_then_no_more(request_line: Ask, place: str, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    whole = ask(gateway.address, *request_line)
    assert data(whole) == CHAT
    for seen in range(len(CHAT)):
        rest = ask(gateway.address, *resuming(request_line, f"{whole.run}.{seen}", place))
        assert (rest.run, data(rest)) == (whole.run, CHAT[seen:])
        assert numbers(rest.events) == list(range(seen + 1, len(CHAT) + 1))
        assert rest.events == whole.events[seen:]
    nothing = ask(gateway.address, *resuming(request_line, f"{whole.run}.{len(CHAT)}", place))
    assert (nothing.status, bytes(nothing.body)) == (204, b"")
    assert_requests(orchestrator, 1)


@both_methods
def test_a_run_that_ended_while_nobody_watched(request_line: Ask, serve: Serve) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate))
    with Connection(gateway.address) as client:
        last = client.ask(*request_line).read_events(3)[-1].id
    gate.open()
    assert data(ask(gateway.address, *resuming(request_line, last))) == CHAT[3:]
    assert_requests(orchestrator, 1)


@both_methods
def test_a_run_that_failed_while_nobody_watched(request_line: Ask, serve: Serve) -> None:
    gate = Gate()

    async def fails(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.events(*CHAT[:3])
        await gate.passed()
        exchange.reset()

    orchestrator, gateway = serve(fails)
    with Connection(gateway.address) as client:
        last = client.ask(*request_line).read_events(3)[-1].id
    gate.open()
    rest = ask(gateway.address, *resuming(request_line, last))
    assert (rest.events[0].id, rest.events[0].json["reason"]) == (last.replace(".3", ".4"), "upstream_closed")
    assert len(rest.events) == 1
    assert ask(gateway.address, *resuming(request_line, rest.events[0].id)).status == 204
    assert_requests(orchestrator, 1)


@pytest.mark.parametrize(("begun", "resumed"), [(GET, POST), (POST, GET)], ids=["GET then POST", "POST then GET"])
def test_a_run_is_resumed_by_either_method(begun: Ask, resumed: Ask, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    run = ask(gateway.address, *begun).run
    assert data(ask(gateway.address, *resuming(resumed, f"{run}.4"))) == CHAT[4:]
    assert_requests(orchestrator, 1)


def test_the_header_of_a_retry_is_newer_than_the_query_of_its_page(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    run = ask(gateway.address, *GET).run
    both = resuming(resuming(GET, f"{run}.1", "query"), f"{run}.4")
    assert data(ask(gateway.address, *both)) == CHAT[4:]
    assert_requests(orchestrator, 1)


@both_places
@both_methods
@pytest.mark.parametrize("last", [f"{NOBODYS}.0", f"{NOBODYS}.7"])
def test_an_unknown_run_is_told_once_and_never_run(request_line: Ask, place: str, last: str, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    answer = ask(gateway.address, *resuming(request_line, last, place))
    assert (answer.status, answer.get("content-type")) == (200, "text/event-stream; charset=utf-8")
    assert len(answer.events) == 1
    told = answer.events[0]
    assert told.json == {"event": "error", "source": "gateway", "reason": "run_unknown"}
    assert told.id == answer.stream.last_event_id
    for _ in range(3):
        again = ask(gateway.address, *resuming(request_line, told.id, place))
        assert (again.status, bytes(again.body)) == (204, b"")
    assert_requests(orchestrator, 0)


@both_methods
def test_an_id_beyond_the_end_of_a_run_starts_nothing(request_line: Ask, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    run = ask(gateway.address, *request_line).run
    for place in (f"{run}.7", f"{run}.18446744073709551615"):
        answer = ask(gateway.address, *resuming(request_line, place))
        assert answer.status in (200, 204)
        assert not [event for event in answer.events if event.data in CHAT], "nothing of it is told again"
    assert_requests(orchestrator, 1)


@both_methods
def test_after_a_restart_an_old_id_is_unknown(
    request_line: Ask, start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    before = start_gateway(chat(orchestrator.url))
    last = ask(before.address, *request_line).events[2].id
    assert before.stop() == 0
    after = start_gateway(chat(orchestrator.url))
    ask(after.address, *request_line)
    assert failure_alone(ask(after.address, *resuming(request_line, last)))["reason"] == "run_unknown"
    assert_requests(orchestrator, 2)


@pytest.mark.parametrize("foreign", ["", "7", "event-7", NOBODYS, f"{NOBODYS}.", f"{NOBODYS}.x", f"{NOBODYS[1:]}.1"])
@both_places
@both_methods
def test_an_id_that_is_no_gateways_names_nothing(request_line: Ask, place: str, foreign: str, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    assert data(ask(gateway.address, *resuming(request_line, foreign, place))) == CHAT
    assert_requests(orchestrator, 1)


# Whose run it is

BY_COOKIE = {"headers": [], "cookies": ["sid"]}
BY_BOTH = {"headers": ["X-User", "X-Tenant"], "cookies": ["sid"]}
#: The identity setting (None is the default), the fields of who began a run, and those of who comes later.
STRANGERS: dict[str, tuple[dict[str, list[str]] | None, list[tuple[str, str]], list[tuple[str, str]]]] = {
    "another token": (None, [ALICE], [BOB]),
    "no token": (None, [ALICE], []),
    "another case": (None, [ALICE], [("Authorization", "Bearer Alice")]),
    "a cookie for a token": (None, [ALICE], [("Cookie", "Authorization=Bearer alice")]),
    "another cookie": (BY_COOKIE, [("Cookie", "sid=1")], [("Cookie", "sid=2")]),
    "no cookie": (BY_COOKIE, [("Cookie", "sid=1")], []),
    "a cookie of another name": (BY_COOKIE, [("Cookie", "sid=1")], [("Cookie", "xsid=1; SID=1")]),
    "a token for a cookie": (BY_COOKIE, [("Cookie", "sid=1")], [ALICE]),
    "another tenant": (BY_BOTH, [("X-User", "a"), ("X-Tenant", "1")], [("X-User", "a"), ("X-Tenant", "2")]),
    "exchanged": (BY_BOTH, [("X-User", "a"), ("X-Tenant", "1")], [("X-User", "1"), ("X-Tenant", "a")]),
    "half of it": (BY_BOTH, [("X-User", "a"), ("Cookie", "sid=1")], [("X-User", "a")]),
}
FRIENDS: dict[str, tuple[dict[str, list[str]] | None, list[tuple[str, str]], list[tuple[str, str]]]] = {
    "the same token": (None, [ALICE], [("authorization", "Bearer alice")]),
    "cookies do not count": (None, [ALICE, ("Cookie", "a=1")], [ALICE, ("Cookie", "a=2")]),
    "nobody's run is anybody's": (None, [], [BOB]),
    "nobody's run is nobody's": (None, [], []),
    "the same cookie among others": (BY_COOKIE, [("Cookie", "sid=1")], [("Cookie", "b=2; sid=1; c=3"), BOB]),
    "tokens do not count": (BY_COOKIE, [ALICE, ("Cookie", "sid=1")], [BOB, ("Cookie", "sid=1")]),
    "both": (BY_BOTH, [("X-User", "a"), ("Cookie", "sid=1")], [("Cookie", "x=1; sid=1"), ("x-user", "a")]),
}


@LIVE_OR_FINISHED
@pytest.mark.parametrize("who", STRANGERS)
def test_nobody_else_gets_anything_of_a_run(who: str, is_live: bool, serve: Serve, connect: Connect) -> None:
    identity, owner, stranger = STRANGERS[who]
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate), **({"identity": identity} if identity else {}))
    owners = connect(gateway.address).ask(*with_fields(GET, owner))
    owners.read_events(3)
    if not is_live:
        gate.open()
        assert data(owners) == CHAT
    for request_line in (GET, POST):
        for last in (f"{owners.run}.0", f"{owners.run}.3", f"{owners.run}.6"):
            for place in ("header", "query"):
                answer = ask(gateway.address, *resuming(request_line, last, place, stranger))
                assert_problem(answer, 403)
                assert b"routing" not in answer.body and answer.get("sluice-run") is None
    gate.open()
    assert data(owners) == CHAT
    assert data(ask(gateway.address, *resuming(GET, f"{owners.run}.3", "header", owner))) == CHAT[3:]
    assert_requests(orchestrator, 1)


@pytest.mark.parametrize("who", FRIENDS)
def test_the_same_principal_resumes_its_run(who: str, serve: Serve) -> None:
    identity, owner, later = FRIENDS[who]
    orchestrator, gateway = serve(scripted.chat(), **({"identity": identity} if identity else {}))
    run = ask(gateway.address, *with_fields(POST, owner)).run
    assert data(ask(gateway.address, *resuming(POST, f"{run}.3", "header", later))) == CHAT[3:]
    assert_requests(orchestrator, 1)
