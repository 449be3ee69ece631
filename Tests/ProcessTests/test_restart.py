"""Over a restart: with a state directory, runs are kept from one process to the next, and no reader loses any of one."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect, StartGateway, StartOrchestrator, StartProcess
from expectations import GET, JSON, POST, TARGET, Ask, assert_problem, both_methods, data, failure
from gateway import Gateway, chat, yaml
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate
from resuming import (
    ALICE,
    BOB,
    Storyteller,
    assert_requests,
    both_places,
    failure_alone,
    numbers,
    resuming,
    with_fields,
)
from test_idempotency import keyed, named
from test_join_and_stop import join, stop
from waiting import eventually
from wire import Answer, Connection, CutShort, ask

#: Shorter than any run of these tests that is to be interrupted.
SOON = {"deadline": "300ms"}
#: Longer than any test.
LATE = {"deadline": "10m"}

Keep = Callable[..., tuple[scripted.Orchestrator, Gateway]]
Again = Callable[..., Gateway]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state directory."""
    directory = tmp_path / "state"
    directory.mkdir()
    return directory


@pytest.fixture
def keep(start_orchestrator: StartOrchestrator, start_gateway: StartGateway, state: Path) -> Keep:
    """The usual pair, but for a gateway that keeps its runs over a restart."""

    def start(script: scripted.Script, **settings: Any) -> tuple[scripted.Orchestrator, Gateway]:
        orchestrator = start_orchestrator(script)
        return orchestrator, start_gateway(chat(orchestrator.url, **with_state(state, settings)))

    return start


@pytest.fixture
def again(start_gateway: StartGateway, state: Path) -> Again:
    """End a gateway as an operator would, and start the next one with the same state directory."""

    def start(orchestrator: scripted.Orchestrator, before: Gateway, **settings: Any) -> Gateway:
        if not before.has_ended:
            assert before.stop() == 0
        gateway: Gateway = start_gateway(chat(orchestrator.url, **with_state(state, settings)))
        return gateway

    return start


def with_state(state: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with a state directory, and an end that comes soon."""
    # One worker, and so one file.
    return {"state_directory": str(state), "drain": SOON, "workers": 1, **settings}


def read_until_sent_away(answer: Answer) -> None:
    """Read an answer that must end in the middle, with the time to come back as its last words."""
    with pytest.raises(CutShort):
        answer.read_all()
    assert re.search(rb"(\A|\n)retry: \d+\n\Z", bytes(answer.body)), answer
    assert not [event for event in answer.events if '"error"' in event.data]


def drained(answer: Answer) -> list[str]:
    """The data of a rest that ends as an interrupted run does, without the terminal event."""
    assert answer.complete
    *events, last = answer.events
    assert last.json == {"event": "error", "source": "gateway", "reason": "drained"}
    assert numbers(answer.events) == list(range(numbers(answer.events[:1])[0], numbers([last])[0] + 1))
    assert not [event for event in events if event.json["event"] in ("error", "completed")]
    return [event.data for event in events]


# Live runs


def test_a_restart_during_a_hundred_runs_loses_no_text(keep: Keep, again: Again, connect: Connect) -> None:
    story = Storyteller(pause=0.1)
    orchestrator, before = keep(story, streams={"retry": {"min": "1s", "max": "3s"}})
    names = [f"tale-{number}" for number in range(100)]
    requests: dict[str, Ask] = {}
    answers: dict[str, Answer] = {}
    for number, name in enumerate(names):
        body = json.dumps({"message": name}).encode()
        requests[name] = ("POST", TARGET, JSON, body) if number % 2 else ("GET", f"{TARGET}?message={name}")
        answers[name] = connect(before.address).ask(*requests[name])
    for number, name in enumerate(names):
        answers[name].read_events(1 + number % 5)
    leavers = names[50:]
    for name in leavers:
        answers[name]._connection.close()
    for name in leavers:
        before.wait_for_log("request", run=answers[name].run)
    told = {name: len(story.told[name]) for name in names}
    before.signal(signal.SIGTERM)
    for name in names[:50]:
        read_until_sent_away(answers[name])
    assert before.wait() == 0
    after = again(orchestrator, before)
    after.wait_for_log("runs_restored", runs="100", without_route="0")
    for name, place in zip(names, itertools.cycle(["header", "query"]), strict=False):
        had = answers[name].events
        last = answers[name].stream.last_event_id
        assert last == had[-1].id
        rest = ask(after.address, *resuming(requests[name], last, place))
        assert rest.run == answers[name].run
        got = [*(event.data for event in had), *drained(rest)]
        assert got == story.told[name][: len(got)], "no more and nothing else than the orchestrator has said"
        assert len(got) >= told[name], "all that it had said when the signal came"
        assert numbers([*had, *rest.events]) == list(range(1, len(got) + 2))
        nothing = ask(after.address, *resuming(requests[name], rest.events[-1].id, place))
        assert nothing.status == 204
    assert_requests(orchestrator, 100)
    eventually(lambda: all(each.abandoned for each in orchestrator.exchanges), "the orchestrator's requests end")


@both_methods
def test_who_has_nothing_yet_is_sent_away_as_well(
    request_line: Ask, keep: Keep, again: Again, connect: Connect
) -> None:
    orchestrator, before = keep(scripted.stall, route={"answer_after": "20s"})
    client = connect(before.address)
    client.request(*request_line)
    orchestrator.exchange()
    before.signal(signal.SIGTERM)
    answer = client.answer()
    read_until_sent_away(answer)
    after = again(orchestrator, before)
    rest = ask(after.address, *resuming(request_line, f"{answer.run}.0"))
    assert failure_alone(rest)["reason"] == "drained"
    assert_requests(orchestrator, 1)


def test_a_run_that_ends_in_time_ends_as_usual(keep: Keep, again: Again, connect: Connect) -> None:
    gate = Gate()
    orchestrator, before = keep(scripted.gated(gate), drain=LATE)
    answer = connect(before.address).ask(*GET)
    answer.read_events(3)
    before.signal(signal.SIGTERM)
    before.wait_for_log("draining")
    gate.open()
    assert data(answer) == CHAT
    assert before.wait() == 0
    after = again(orchestrator, before)
    assert data(ask(after.address, *resuming(GET, f"{answer.run}.2"))) == CHAT[2:]
    assert_requests(orchestrator, 1)


@pytest.mark.parametrize("policy", ["detach", "linger 1h"])
def test_a_run_that_nobody_watches_has_its_time(policy: str, keep: Keep, again: Again) -> None:
    gate = Gate()
    orchestrator, before = keep(scripted.gated(gate), route={"on_abandoned": policy}, drain=LATE)
    with Connection(before.address) as client:
        answer = client.ask(*POST)
        answer.read_events(2)
    before.finished(run=answer.run)
    before.signal(signal.SIGTERM)
    before.wait_for_log("draining")
    eventually(lambda: refuses(before.address), "nobody is let in any more")
    assert not before.has_ended
    gate.open()
    assert before.wait() == 0, "it waits no longer than for the run"
    after = again(orchestrator, before)
    assert data(ask(after.address, *resuming(POST, answer.events[1].id))) == CHAT[2:]
    assert data(ask(after.address, *join(answer.run))) == CHAT
    assert_requests(orchestrator, 1)


def refuses(address: str) -> bool:
    """Whether nobody listens on the address any more."""
    try:
        Connection(address).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_run_that_nobody_watches_has_no_more_than_its_time(keep: Keep, again: Again) -> None:
    orchestrator, before = keep(scripted.gated(Gate()), route={"on_abandoned": "detach"})
    with Connection(before.address) as client:
        answer = client.ask(*POST)
        answer.read_events(3)
    before.finished(run=answer.run)
    after = again(orchestrator, before)
    assert drained(ask(after.address, *join(answer.run))) == CHAT[:3]


def test_a_second_signal_does_not_wait_and_still_keeps_the_runs(keep: Keep, again: Again, connect: Connect) -> None:
    orchestrator, before = keep(scripted.gated(Gate()), drain=LATE)
    answer = connect(before.address).ask(*GET)
    answer.read_events(3)
    before.signal(signal.SIGTERM)
    before.wait_for_log("draining", deadline_ms="600000")
    before.signal(signal.SIGTERM)
    read_until_sent_away(answer)
    assert before.wait() == 0
    after = again(orchestrator, before)
    assert drained(ask(after.address, *resuming(GET, f"{answer.run}.1"))) == CHAT[1:3]


def test_without_a_state_directory_the_end_is_told_at_once(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, connect: Connect
) -> None:
    orchestrator = start_orchestrator(scripted.gated(Gate()))
    settings = chat(orchestrator.url, drain=SOON)
    before = start_gateway(settings)
    answer = connect(before.address).ask(*GET)
    answer.read_events(3)
    before.signal(signal.SIGTERM)
    assert failure(answer)["reason"] == "drained"
    assert before.wait() == 0
    after = start_gateway(settings)
    assert failure_alone(ask(after.address, *resuming(GET, f"{answer.run}.1")))["reason"] == "run_unknown"
    assert not before.logged("runs_saved") and not after.logged("runs_restored")


# Finished runs


@both_places
@both_methods
def test_finished_runs_are_resumed_and_joined(request_line: Ask, place: str, keep: Keep, again: Again) -> None:
    orchestrator, before = keep(scripted.chat())
    whole = ask(before.address, *request_line)
    after = again(orchestrator, before)
    joined = ask(after.address, *join(whole.run))
    assert (joined.run, joined.events) == (whole.run, whole.events)
    for seen in range(len(CHAT)):
        rest = ask(after.address, *resuming(request_line, f"{whole.run}.{seen}", place))
        assert (rest.run, rest.events) == (whole.run, whole.events[seen:])
    assert ask(after.address, *resuming(request_line, whole.events[-1].id, place)).status == 204
    assert_requests(orchestrator, 1)
    fresh = ask(after.address, *request_line)
    assert fresh.run != whole.run and data(fresh) == CHAT


def test_every_byte_of_an_event_survives(keep: Keep, again: Again) -> None:
    body = "event: é\ndata: a\ndata: \ndata: \u2028\U0001f4a7 \x01\ndata:   b\n\ndata:\n\n".encode()
    orchestrator, before = keep(scripted.stream(body, scripted.blocks("[DONE]"), content_type="text/event-stream"))
    whole = ask(before.address, *GET)
    after = again(orchestrator, before)
    kept = ask(after.address, *join(whole.run))
    assert bytes(kept.body).partition(b"\n\n")[2] == bytes(whole.body).partition(b"\n\n")[2]
    assert len(whole.events) == 3


def test_a_gap_is_still_a_gap(keep: Keep, again: Again) -> None:
    events = [json.dumps({"event": "response_chunk", "n": n}) for n in range(1, 51)]
    streams = {"log": {"events": 10}}
    orchestrator, before = keep(scripted.chat(*events, "[DONE]"), streams=streams)
    run = ask(before.address, *GET).run
    after = again(orchestrator, before, streams=streams)
    gap, *rest = ask(after.address, *resuming(GET, f"{run}.5")).events
    assert (gap.type, gap.json) == ("sluice.gap", {"from": 6, "to": 41})
    assert numbers(rest) == list(range(42, 52))


def test_a_run_is_still_nobody_elses(keep: Keep, again: Again) -> None:
    orchestrator, before = keep(scripted.chat())
    mine = ask(before.address, *with_fields(GET, [ALICE]))
    anyones = ask(before.address, *GET)
    after = again(orchestrator, before)
    for request in (join(mine.run), resuming(GET, f"{mine.run}.2"), resuming(POST, f"{mine.run}.2")):
        for stranger in ([BOB], []):
            answer = ask(after.address, *with_fields(request, stranger))
            assert_problem(answer, 403)
            assert b"routing" not in answer.body
    assert_problem(stop(after, mine.run, BOB), 403)
    assert data(ask(after.address, *with_fields(resuming(GET, f"{mine.run}.2"), [ALICE]))) == CHAT[2:]
    assert data(ask(after.address, *with_fields(join(anyones.run), [BOB]))) == CHAT
    assert_requests(orchestrator, 2)


@pytest.mark.parametrize("way", [keyed, named])
def test_a_key_still_names_its_run(way: Callable[[Ask], Ask], keep: Keep, again: Again) -> None:
    orchestrator, before = keep(scripted.chat())
    first = ask(before.address, *with_fields(way(POST), [ALICE]))
    unnamed = ask(before.address, *way(POST))
    after = again(orchestrator, before)
    joined = ask(after.address, *with_fields(way(POST), [ALICE]))
    assert (joined.run, joined.events) == (first.run, first.events)
    assert ask(after.address, *way(POST)).run == unnamed.run != first.run
    other = (*POST[:3], b'{"message":"another"}')
    assert_problem(ask(after.address, *with_fields(way(other), [ALICE])), 409)
    assert_requests(orchestrator, 2)
    bobs = ask(after.address, *with_fields(way(POST), [BOB]))
    assert bobs.run not in (first.run, unnamed.run)
    assert_requests(orchestrator, 3)


def test_a_key_that_is_bound_to_forwarded_credentials_stays_bound(keep: Keep, again: Again) -> None:
    settings = {"route": {"forward_credentials": True}, "identity": {"headers": [], "cookies": []}}
    orchestrator, before = keep(scripted.chat(), **settings)
    first = ask(before.address, *with_fields(keyed(POST), [ALICE]))
    after = again(orchestrator, before, **settings)
    assert ask(after.address, *with_fields(keyed(POST), [BOB])).run != first.run
    assert ask(after.address, *with_fields(keyed(POST), [ALICE])).run == first.run
    assert_requests(orchestrator, 2)


def test_who_posts_again_after_the_restart_joins(keep: Keep, again: Again, connect: Connect) -> None:
    orchestrator, before = keep(scripted.gated(Gate()))
    answer = connect(before.address).ask(*keyed(POST))
    answer.read_events(3)
    before.signal(signal.SIGTERM)
    read_until_sent_away(answer)
    after = again(orchestrator, before)
    rest = ask(after.address, *resuming(keyed(POST), answer.events[1].id))
    assert drained(rest) == CHAT[2:3]
    assert drained(ask(after.address, *keyed(POST))) == CHAT[:3], "also without the id"
    assert ask(after.address, *resuming(keyed(POST), rest.events[-1].id)).status == 204
    assert_requests(orchestrator, 1)


def test_stopped_runs_stay_stopped_and_others_can_still_be(keep: Keep, again: Again, connect: Connect) -> None:
    orchestrator, before = keep(scripted.gated(Gate()))
    stopped, live = (connect(before.address).ask(*GET) for _ in range(2))
    for answer in (stopped, live):
        answer.read_events(3)
    assert stop(before, stopped.run).status == 204
    after = again(orchestrator, before)
    assert failure(ask(after.address, *join(stopped.run)))["reason"] == "stopped"
    for run in (stopped.run, live.run):
        assert stop(after, run).status == 204
    assert drained(ask(after.address, *join(live.run))) == CHAT[:3], "it had ended, and once is enough"
    assert after.finished(run=live.run, method="GET").values["reason"] == "drained"


def test_a_run_survives_one_restart_after_the_other(keep: Keep, again: Again) -> None:
    orchestrator, gateway = keep(scripted.chat())
    wholes: list[Answer] = []
    for _ in range(4):
        wholes.append(ask(gateway.address, *with_fields(keyed(GET, f"key-{len(wholes)}"), [ALICE])))
        gateway = again(orchestrator, gateway)
        for number, whole in enumerate(wholes):
            assert ask(gateway.address, *with_fields(join(whole.run), [ALICE])).events == whole.events
            repeated = ask(gateway.address, *with_fields(keyed(GET, f"key-{number}"), [ALICE]))
            assert repeated.run == whole.run
        assert_problem(ask(gateway.address, *join(wholes[0].run)), 403)
    assert_requests(orchestrator, 4)


def test_runs_whose_route_is_gone_are_let_go(keep: Keep, again: Again) -> None:
    orchestrator, before = keep(scripted.chat())
    whole = ask(before.address, *GET)
    assert before.stop() == 0
    other = again(orchestrator, before, route={"path": "/other"})
    other.wait_for_log("runs_restored", runs="0", without_route="1")
    answer = ask(other.address, *resuming(("GET", "/other"), f"{whole.run}.2"))
    assert failure_alone(answer)["reason"] == "run_unknown"
    assert_problem(ask(other.address, *join(whole.run)), 404)


def test_what_is_restored_is_kept_within_the_bounds(keep: Keep, again: Again) -> None:
    events = [json.dumps({"event": "response_chunk", "text": "x" * 1000}) for _ in range(100)]
    streams = {"log": {"bytes": "512KiB"}}
    orchestrator, before = keep(scripted.chat(*events, "[DONE]"), streams=streams)
    runs = [ask(before.address, *GET).run for _ in range(30)]
    after = again(orchestrator, before, streams={**streams, "budget": "1MiB"})
    statuses = [ask(after.address, *join(run)).status for run in runs]
    kept = statuses.count(200)
    assert 1 < kept < 20, "a megabyte of hundreds of kilobytes"
    assert statuses == [404] * (30 - kept) + [200] * kept, "the newest are kept"


# The file


def test_the_file_is_for_nobody_else_and_gone_once_it_was_read(keep: Keep, again: Again, state: Path) -> None:
    orchestrator, before = keep(scripted.chat())
    ask(before.address, *GET)
    assert list(state.iterdir()) == []
    old_mask = os.umask(0)
    try:
        assert before.stop() == 0
        before.wait_for_log("runs_saved", runs="1")
        (file,) = state.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        after = again(orchestrator, before)
        assert list(state.iterdir()) == []
        after.kill()
    finally:
        os.umask(old_mask)


def test_a_killed_gateway_loses_its_runs_and_the_next_starts_as_usual(
    keep: Keep, again: Again, connect: Connect, state: Path
) -> None:
    orchestrator, before = keep(scripted.gated(Gate()))
    answer = connect(before.address).ask(*GET)
    answer.read_events(3)
    before.kill()
    assert list(state.iterdir()) == []
    after = again(orchestrator, before)
    assert failure_alone(ask(after.address, *resuming(GET, answer.events[0].id)))["reason"] == "run_unknown"
    orchestrator.script = scripted.chat()
    assert data(ask(after.address, *GET)) == CHAT


def flipped(contents: bytes, at: int) -> bytes:
    """The contents with other bytes at a place."""
    return contents[:at] + bytes(byte ^ 0xFF for byte in contents[at : at + 4]) + contents[at + 4 :]


#: name: (what becomes of a file with ten runs of the same length, how many of the newest must be left at least)
DAMAGE: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "bytes in the middle": (lambda it: flipped(it, len(it) // 2), 4),
    "bytes near the end": (lambda it: flipped(it, len(it) - 20), 9),
    "a length": (lambda it: flipped(it, 14), 0),
    "a length that is endless": (lambda it: it[:14] + b"\xff" * 8 + it[22:], 0),
    "the end": (lambda it: it[:-10], 9),
    "the second half": (lambda it: it[: len(it) // 2], 4),
    "all but one byte": (lambda it: it[:1], 0),
    "everything": (lambda _: b"", 0),
    "garbage behind": (lambda it: it + b"garbage" * 20, 10),
    "garbage instead": (lambda it: bytes(n * 167 % 251 for n in range(len(it))), 0),
    "another magic": (lambda it: b"sluice runs 9\n" + it[14:], 0),
    "a text": (lambda _: b"not what was written here\n", 0),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_of_a_damaged_file_what_is_whole_is_there(name: str, keep: Keep, again: Again, state: Path) -> None:
    damage, least = DAMAGE[name]
    orchestrator, before = keep(scripted.chat())
    runs = [ask(before.address, *GET).run for _ in range(10)]
    assert before.stop() == 0
    (file,) = state.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    after = again(orchestrator, before)
    line = after.wait_for_log("state_damaged", file=str(file))
    assert line.level == "error"
    found = []
    for run in reversed(runs):
        answer = ask(after.address, *resuming(GET, f"{run}.0"))
        if answer.get("sluice-run"):
            assert data(answer) == CHAT, "whole or not at all"
            found.append(run)
        else:
            assert failure_alone(answer)["reason"] == "run_unknown"
    assert found[:least] == list(reversed(runs))[:least]
    assert line.values["runs"] == str(len(found))
    assert data(ask(after.address, *GET)) == CHAT
    last = again(orchestrator, after)
    assert not last.logged("state_damaged"), "said once"
    assert data(ask(last.address, *GET)) == CHAT


def test_one_damaged_run_is_all_that_is_lost(keep: Keep, again: Again, state: Path) -> None:
    orchestrator, before = keep(scripted.chat())
    runs = [ask(before.address, *GET).run for _ in range(10)]
    assert before.stop() == 0
    (file,) = state.iterdir()
    contents = file.read_bytes()
    file.write_bytes(flipped(contents, contents.index(b'"routing_completed"')))
    after = again(orchestrator, before)
    assert after.wait_for_log("state_damaged").values["runs"] == "9"
    assert [ask(after.address, *join(run)).status for run in runs] == [200] * 9 + [404], "the newest comes first"


def test_a_file_that_was_half_written_is_no_file(keep: Keep, again: Again, state: Path) -> None:
    orchestrator, before = keep(scripted.chat())
    run = ask(before.address, *GET).run
    (state / "runs-0.state.new").write_bytes(b"the end of another process" * 1000)
    after = again(orchestrator, before)
    assert data(ask(after.address, *join(run))) == CHAT
    assert list(state.iterdir()) == []


# A directory that is of no use

#: Starts a command without the right to write everywhere, where the tests run as root.
ORDINARY = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.mark.parametrize("kind", ["missing", "a file", "an executable file", "read only"])
def test_a_directory_that_cannot_be_written_to_is_told_at_the_start(
    kind: str, start_process: StartProcess, tmp_path: Path
) -> None:
    directory = tmp_path / "kept"
    if "file" in kind:
        directory.write_text("")
        directory.chmod(0o755 if "executable" in kind else 0o644)
    elif kind == "read only":
        directory.mkdir(mode=0o500)
    settings = tmp_path / "sluice.yaml"
    settings.write_text(yaml(chat("http://127.0.0.1:9", state_directory=str(directory))))
    process = start_process(["serve", "--config", str(settings)], through=ORDINARY)
    ending = eventually(lambda: process.has_ended or "listening" in process.stderr, "an end, or a start")
    assert ending and process.has_ended, "it must not serve"
    assert process.wait() in (66, 71, 73, 77, 78)
    assert "state_directory" in process.stderr and str(directory) in process.stderr
    assert "Fatal error" not in process.stderr and len(process.stderr.splitlines()) < 3


@pytest.mark.parametrize("value", ["relative/path", "", "~/state"])
def test_a_path_that_is_none_is_a_mistake_in_the_settings(
    value: str, start_process: StartProcess, tmp_path: Path
) -> None:
    settings = tmp_path / "sluice.yaml"
    settings.write_text(yaml(chat("http://127.0.0.1:9", state_directory=value)))
    process = start_process(["serve", "--config", str(settings)])
    assert process.wait() == 78
    assert "state_directory" in process.stderr


def limited(file_bytes: int) -> list[str]:
    """The command that starts another which can write no larger files, and is told so by an error as on a full disk."""
    return ["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh", "prlimit", f"--fsize={file_bytes}"]


@pytest.mark.parametrize("room", [1, 5000])
def test_on_a_full_disk_what_fits_is_kept(
    room: int, start_orchestrator: StartOrchestrator, start_gateway: StartGateway, again: Again, state: Path
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    before = start_gateway(chat(orchestrator.url, **with_state(state, {})), through=limited(room))
    runs = [ask(before.address, *GET).run for _ in range(20)]
    assert before.stop() == 0
    lost = before.wait_for_log("runs_not_saved")
    assert lost.level == "error" and "state_directory" in lost.text
    assert [file.name for file in state.iterdir()] == (["runs-0.state"] if room > 1 else [])
    after = again(orchestrator, before)
    statuses = [ask(after.address, *join(run)).status for run in runs]
    kept = 20 - int(lost.values["runs"])
    assert statuses == [404] * (20 - kept) + [200] * kept, "the newest are kept"
    assert (0 < kept < 20) if room > 1 else kept == 0
    assert not after.logged("state_damaged")


def test_a_directory_that_is_gone_at_the_end_is_told(keep: Keep, state: Path) -> None:
    _, before = keep(scripted.chat())
    assert data(ask(before.address, *GET)) == CHAT
    state.rmdir()
    assert before.stop() == 0
    assert before.wait_for_log("runs_not_saved", runs="1").level == "error"
