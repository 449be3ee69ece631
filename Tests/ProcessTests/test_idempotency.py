"""One key, one run: the same request again joins the run that the first one began, also before there is an id."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import Connect, Serve
from expectations import GET, JSON, POST, TARGET, Ask, assert_problem, data
from orchestrators import scripted
from orchestrators.scripted import CHAT, Exchange, Gate
from resuming import ALICE, BOB, RETRY, Storyteller, assert_requests, failure_alone, numbers, resuming, with_fields
from waiting import eventually
from wire import Connection, ask

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def keyed(request_line: Ask, key: str = KEY) -> Ask:
    """The request with a key in its header."""
    return with_fields(request_line, [("Idempotency-Key", key)])


def named(request_line: Ask, key: str = KEY) -> Ask:
    """The request with a name for its run in the query, as an EventSource can have it."""
    method, target, *rest = request_line
    return method, f"{target}{'&' if '?' in target else '?'}run={key}", *rest


WAYS = {
    "POST with a key": keyed(POST),
    "GET with a key": keyed(GET),
    "GET with a name": named(GET),
    "POST with a name": named(POST),
}
every_way = pytest.mark.parametrize("request_line", WAYS.values(), ids=WAYS)


@every_way
def test_requests_at_once_are_one_run(request_line: Ask, serve: Serve) -> None:
    story = Storyteller()
    orchestrator, gateway = serve(story, streams={"retry": RETRY})
    with ThreadPoolExecutor(30) as pool:
        answers = [pool.submit(ask, gateway.address, *request_line) for _ in range(30)]
        eventually(lambda: len(story.told["hello"]) > 50, "the run goes on")
        story.end("hello")
        bodies = [(answer.result().run, bytes(answer.result().body)) for answer in answers]
    assert len(set(bodies)) == 1
    assert data(answers[0].result()) == story.told["hello"]
    assert_requests(orchestrator, 1)


@every_way
def test_a_retry_before_there_was_an_answer_is_no_second_run(request_line: Ask, serve: Serve, connect: Connect) -> None:
    gate = Gate()

    async def late(exchange: Exchange) -> None:
        await gate.passed()
        await scripted.chat()(exchange)

    orchestrator, gateway = serve(late, route={"answer_after": "20s"})
    for leave in (Connection.reset, Connection.close):
        client = connect(gateway.address)
        client.request(*request_line)
        orchestrator.exchange()
        leave(client)
    client = connect(gateway.address)
    client.request(*request_line)
    gate.open()
    answer = client.answer()
    assert data(answer) == CHAT
    assert numbers(answer.events) == list(range(1, len(CHAT) + 1))
    assert_requests(orchestrator, 1)


@every_way
def test_a_repeated_request_gets_the_finished_run(request_line: Ask, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), streams={"retry": RETRY})
    first = ask(gateway.address, *request_line)
    for _ in range(3):
        again = ask(gateway.address, *request_line)
        assert (again.status, again.run, bytes(again.body)) == (200, first.run, bytes(first.body))
    assert_requests(orchestrator, 1)


@every_way
def test_a_last_event_id_says_where_in_the_run_of_the_key(request_line: Ask, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    run = ask(gateway.address, *request_line).run
    assert data(ask(gateway.address, *resuming(request_line, f"{run}.4"))) == CHAT[4:]
    assert ask(gateway.address, *resuming(request_line, f"{run}.6")).status == 204
    assert_requests(orchestrator, 1)


OTHER_PAYLOADS = {
    "another body": (keyed(POST), keyed(("POST", TARGET, JSON, b'{"message":"good bye"}'))),
    "a longer body": (keyed(POST), keyed(("POST", TARGET, JSON, b'{"message":"hello"}\n'))),
    "no body": (keyed(POST), keyed(("POST", TARGET, JSON, b""))),
    "another question": (keyed(POST), keyed(("POST", f"{TARGET}?a=b", *POST[2:]))),
    "another message": (named(GET), named(("GET", f"{TARGET}?message=good+bye"))),
    "one value more": (named(GET), named(("GET", f"{GET[1]}&message=hello"))),
    "no message": (named(GET), named(("GET", TARGET))),
}


@pytest.mark.parametrize("is_live", [True, False], ids=["live", "finished"])
@pytest.mark.parametrize("name", OTHER_PAYLOADS)
def test_the_same_key_with_another_payload_is_a_conflict(
    name: str, is_live: bool, serve: Serve, connect: Connect
) -> None:
    first, second = OTHER_PAYLOADS[name]
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate))
    answer = connect(gateway.address).ask(*first)
    answer.read_events(3)
    if not is_live:
        gate.open()
        answer.read_all()
    conflict = ask(gateway.address, *second)
    assert_problem(conflict, 409)
    assert b"routing" not in conflict.body and conflict.get("sluice-run") is None
    gate.open()
    assert data(answer) == CHAT
    assert data(ask(gateway.address, *first)) == CHAT
    assert_requests(orchestrator, 1)


def test_what_only_the_gateway_reads_is_no_payload(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    run = ask(gateway.address, "GET", f"{TARGET}?run={KEY}&message=hello").run
    again = ask(gateway.address, "GET", f"{TARGET}?message=hello&last_event_id=&run={KEY}")
    assert (again.run, data(again)) == (run, CHAT)
    assert_requests(orchestrator, 1)


def test_keys_are_told_apart(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    keys = [KEY, KEY.upper(), KEY[:-1], KEY + "0", "x", "%20", '"quoted"', "k" * 200]
    runs = {ask(gateway.address, *keyed(POST, key)).run for key in keys for _ in range(2)}
    assert len(runs) == len(keys)
    assert_requests(orchestrator, len(keys))


def test_an_empty_key_is_none(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    runs = {
        ask(gateway.address, *request_line).run for request_line in (named(GET, ""), named(GET, ""), GET, POST, POST)
    }
    assert len(runs) == 5
    assert_requests(orchestrator, 5)


@pytest.mark.parametrize("is_live", [True, False], ids=["live", "finished"])
@every_way
def test_the_same_key_of_another_principal_is_another_run(
    request_line: Ask, is_live: bool, serve: Serve, connect: Connect
) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate), route={"forward_credentials": True})
    if not is_live:
        gate.open()
    principals: list[list[tuple[str, str]]] = [[ALICE], [BOB], []]
    answers = [connect(gateway.address).ask(*with_fields(request_line, who)) for who in principals]
    for answer in answers:
        answer.read_events(3)
    assert len({answer.run for answer in answers}) == 3
    gate.open()
    assert [data(answer) for answer in answers] == [CHAT] * 3
    again = [ask(gateway.address, *with_fields(request_line, who)).run for who in principals]
    assert again == [answer.run for answer in answers]
    tokens = sorted(request.get("authorization") or "" for request in orchestrator.requests)
    assert tokens == ["", ALICE[1], BOB[1]]


def test_a_principal_may_be_a_cookie(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), identity={"headers": [], "cookies": ["sid"]})
    runs = [
        ask(gateway.address, *with_fields(named(GET), [("Cookie", cookie)])).run
        for cookie in ("sid=1", "sid=2", "sid=1; theme=dark", "sid=3; sid=1")
    ]
    assert runs[0] == runs[2]
    assert len(set(runs)) == 3
    assert_requests(orchestrator, 3)


def test_a_key_is_free_again_when_its_run_is_forgotten(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), streams={"keep_finished": "1s"})
    first = ask(gateway.address, *keyed(POST)).run
    assert ask(gateway.address, *keyed(POST)).run == first
    eventually(lambda: ask(gateway.address, *keyed(POST)).run != first, "the key begins another run")
    other = ("POST", TARGET, JSON, json.dumps({"message": "another"}).encode())
    eventually(lambda: ask(gateway.address, *keyed(other)).status == 200, "the key is free for anything")
    assert orchestrator.requests[-1].json == {"message": "another"}


def test_a_stopped_run_is_not_begun_again_by_its_key(serve: Serve, connect: Connect) -> None:
    orchestrator, gateway = serve(scripted.gated(Gate()))
    answer = connect(gateway.address).ask(*keyed(POST))
    last = answer.read_events(3)[-1].id
    assert ask(gateway.address, "DELETE", f"/_sluice/runs/{answer.run}").status == 204
    assert failure_alone(ask(gateway.address, *resuming(keyed(POST), last)))["reason"] == "stopped"
    assert data(ask(gateway.address, *keyed(POST)))[:-1] == CHAT[:3]
    assert_requests(orchestrator, 1)


def test_two_who_wait_for_one_refusal_both_get_it(serve: Serve, connect: Connect) -> None:
    gate = Gate()

    async def late(exchange: Exchange) -> None:
        await gate.passed()
        await scripted.refuse(422, b'{"detail":"no"}')(exchange)

    orchestrator, gateway = serve(late, route={"answer_after": "20s"})
    clients = [connect(gateway.address) for _ in range(3)]
    for client in clients:
        client.request(*keyed(POST))
    orchestrator.exchange()
    assert ask(gateway.address, "GET", "/nowhere").status == 404  # by now the others have been heard too
    gate.open()
    answers = [client.answer() for client in clients]
    for answer in answers:
        answer.read_all()
    assert [(answer.status, bytes(answer.body)) for answer in answers] == [(422, b'{"detail":"no"}')] * 3
    assert_requests(orchestrator, 1)


def test_credentials_that_are_passed_on_keep_a_key_apart_though_they_are_no_identity(serve: Serve) -> None:
    by_user = {"headers": ["X-User"], "cookies": []}
    orchestrator, gateway = serve(scripted.chat(), identity=by_user, route={"forward_credentials": True})
    runs = [ask(gateway.address, *with_fields(keyed(POST), [who])).run for who in (ALICE, BOB, ("Cookie", "sid=1"))]
    assert len(set(runs)) == 3, "an answer that was made with one's credentials is for nobody else"
    assert ask(gateway.address, *with_fields(keyed(POST), [ALICE])).run == runs[0]
    assert_requests(orchestrator, 3)
