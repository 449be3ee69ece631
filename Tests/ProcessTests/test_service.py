"""The process among other processes: its start and end, its log, its commands, its messages."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Connect, Serve, StartGateway, StartOrchestrator, StartProcess
from expectations import GET, TARGET, data, failure
from gateway import Gateway, LogLine, Process, Settings, binary, chat, run_command, yaml
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate
from waiting import DEADLINE, eventually
from wire import Connection, ask


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short path, for Unix sockets have room for 107 characters only."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


class NotifySocket:
    """What systemd does: a datagram socket that collects the messages of the service."""

    def __init__(self, address: str):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(DEADLINE)

    def receive(self) -> list[str]:
        """The assignments of the next message."""
        return self.socket.recv(4096).decode().splitlines()


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_service_tells_systemd_when_it_is_ready_and_when_it_stops(
    kind: str, directory: Path, start_orchestrator: StartOrchestrator, start_gateway: StartGateway
) -> None:
    address = str(directory / "notify") if kind == "path" else f"@sluice-test-{os.getpid()}"
    systemd = NotifySocket(address)
    gate = Gate()
    settings = chat(start_orchestrator(scripted.gated(gate)).url, drain={"deadline": "60s"})
    gateway = start_gateway(settings, environment={"NOTIFY_SOCKET": address})
    assert "READY=1" in systemd.receive()
    with Connection(gateway.address) as client:
        answer = client.ask(*GET)
        answer.read_events(3)
        gateway.signal(signal.SIGTERM)
        assert "STOPPING=1" in systemd.receive()
        gate.open()
        assert data(answer) == CHAT
    assert gateway.wait() == 0
    systemd.socket.close()


def test_a_notify_socket_that_is_not_there_stops_nothing(serve: Serve, start_gateway: StartGateway) -> None:
    orchestrator, _ = serve(scripted.chat())
    gateway = start_gateway(chat(orchestrator.url), environment={"NOTIFY_SOCKET": "/nowhere/notify"})
    assert data(ask(gateway.address, *GET)) == CHAT


def refuses(address: str) -> bool:
    """Whether nobody listens on the address any more."""
    try:
        Connection(address).close()
    except ConnectionRefusedError:
        return True
    return False


def accepts(address: str) -> bool:
    """Whether a connection to this Unix socket can be made."""
    try:
        Connection(address).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_live_run_is_finished_before_the_end(number: signal.Signals, serve: Serve, connect: Connect) -> None:
    gate = Gate()
    _, gateway = serve(scripted.gated(gate), drain={"deadline": "60s"})
    address = gateway.address
    idle = connect(address)
    answer = connect(address).ask(*GET)
    answer.read_events(3)
    gateway.signal(number)
    eventually(lambda: refuses(address), "no new connection is accepted")
    assert idle.read_to_end() == b"", "an idle connection is closed"
    assert not gateway.has_ended
    gate.open()
    assert data(answer) == CHAT
    assert gateway.wait() == 0


def test_a_run_that_is_not_finished_at_the_deadline_gets_its_terminal_event(serve: Serve, connect: Connect) -> None:
    orchestrator, gateway = serve(scripted.gated(Gate()), drain={"deadline": "300ms"})
    answer = connect(gateway.address).ask(*GET)
    answer.read_events(3)
    gateway.signal(signal.SIGTERM)
    assert failure(answer)["reason"] == "drained"
    assert gateway.wait() == 0
    assert gateway.logged("request", run=answer.run)[0].values["reason"] == "drained"
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")


def test_a_signal_as_soon_as_a_listener_is_up_is_a_clean_end(directory: Path, start_process: StartProcess) -> None:
    for number in range(40):
        address = f"unix:{directory}/{number}"
        (directory / "c.yaml").write_text(yaml({**chat("http://127.0.0.1:9"), "listen": [{"address": address}]}))
        gateway = start_process(["serve", "--config", str(directory / "c.yaml")])
        deadline = time.monotonic() + DEADLINE
        while not accepts(address) and time.monotonic() < deadline:
            pass  # without a pause, because the moments after the bind are what this is about
        gateway.signal(signal.SIGTERM)
        assert gateway.wait() == 0


def test_signals_that_come_close_together_are_a_clean_end(start_gateway: StartGateway) -> None:
    for _ in range(20):
        gateway = start_gateway(chat("http://127.0.0.1:9"))
        while not gateway.has_ended:
            gateway.signal(signal.SIGTERM)
        assert gateway.wait() == 0


def test_a_second_signal_does_not_wait_for_runs(serve: Serve, connect: Connect) -> None:
    _, gateway = serve(scripted.gated(Gate()), drain={"deadline": "10m"})
    answer = connect(gateway.address).ask(*GET)
    answer.read_events(3)
    gateway.signal(signal.SIGTERM)
    gateway.wait_for_log("draining")
    gateway.signal(signal.SIGTERM)
    assert failure(answer)["reason"] == "drained"
    assert gateway.wait() == 0


def test_without_runs_the_end_comes_at_once(serve: Serve, connect: Connect) -> None:
    _, gateway = serve(scripted.chat(), drain={"deadline": "10m"})
    client = connect(gateway.address)
    assert data(client.ask(*GET)) == CHAT
    gateway.signal(signal.SIGTERM)
    assert client.read_to_end() == b""
    assert gateway.wait() == 0


def test_a_client_that_does_not_read_cannot_hold_up_the_end(serve: Serve, connect: Connect) -> None:
    orchestrator, gateway = serve(scripted.endless("x" * 1000), drain={"deadline": "300ms"})
    connect(gateway.address, receive_buffer=2048).request(*GET)
    orchestrator.exchange()
    gateway.signal(signal.SIGTERM)
    assert gateway.wait() == 0


def serve_on(path: Path, settings: Settings, stderr: int | None, closed: bool = False) -> subprocess.Popen[bytes]:
    """A gateway on a Unix socket in `path`, with any standard error; its log cannot be read by `Gateway`."""
    (path / "c.yaml").write_text(yaml({**settings, "listen": [{"address": f"unix:{path}/s"}]}))
    command = [str(binary()), "serve", "--config", str(path / "c.yaml")]
    shell = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command] if closed else command
    return subprocess.Popen(shell, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)


def assert_it_serves(path: Path, child: subprocess.Popen[bytes], runs: int) -> None:
    """The gateway answers runs, and ends with 0 on SIGTERM."""
    try:
        eventually(lambda: (path / "s").exists() or child.poll() is not None, "the gateway listens")
        for _ in range(runs):
            assert data(ask(f"unix:{path}/s", *GET)) == CHAT
        child.terminate()
        assert child.wait(DEADLINE) == 0
    finally:
        child.kill()
        child.wait()


def test_a_closed_standard_error_stops_nothing(directory: Path, start_orchestrator: StartOrchestrator) -> None:
    settings = chat(start_orchestrator(scripted.chat()).url)
    assert_it_serves(directory, serve_on(directory, settings, None, closed=True), 50)


def test_a_log_that_nobody_reads_stops_nothing(directory: Path, start_orchestrator: StartOrchestrator) -> None:
    settings = chat(start_orchestrator(scripted.chat()).url)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(writing, True)
    try:
        assert_it_serves(directory, serve_on(directory, settings, writing), 50)
    finally:
        os.close(reading)
        os.close(writing)


def test_a_log_whose_reader_has_gone_stops_nothing(directory: Path, start_orchestrator: StartOrchestrator) -> None:
    settings = chat(start_orchestrator(scripted.chat()).url)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert_it_serves(directory, serve_on(directory, settings, writing), 50)
    finally:
        os.close(writing)


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_has_one_form_throughout_and_keeps_secrets(form: str, serve: Serve) -> None:
    _, gateway = serve(scripted.chat(), log={"level": "debug", "format": form}, route={"forward_credentials": True})
    secrets = [("Authorization", "Bearer hush-1"), ("Cookie", "sid=hush-2")]
    answer = ask(gateway.address, "GET", f"{TARGET}?message=hush-3&token=hush-4", secrets)
    assert data(answer) == CHAT
    ask(gateway.address, "GET", "/nowhere?token=hush-5")
    line = gateway.finished(run=answer.run)
    gateway.wait_for_log("request", status="404")
    assert set(line.values) >= {"route", "method", "status", "events", "bytes", "duration_ms", "reason", "client"}
    assert "hush" not in gateway.stderr
    assert gateway.stop() == 0
    unreadable = [text for text in gateway.stderr.splitlines() if LogLine.parse(text) is None]
    assert not unreadable
    assert {text[0] == "{" for text in gateway.stderr.splitlines()} == {form == "json"}
    if form == "json":
        values = json.loads(line.text)
        assert isinstance(values["status"], int)
        assert isinstance(values["duration_ms"], (int, float))


def test_a_log_line_cannot_be_forged(serve: Serve) -> None:
    _, gateway = serve(scripted.chat())
    forged = "/%0A2026-01-01T00:00:00.000Z%20info%20forged%20a=b"
    ask(gateway.address, "GET", forged)
    ask(gateway.address, "GET", "/x", [("Host", "h status=200 reason=forged")])
    gateway.wait_for_log("request", status="404")
    assert not gateway.logged("forged")
    assert not gateway.logged("request", reason="forged")


def test_the_log_level_is_kept_to(serve: Serve) -> None:
    orchestrator, _ = serve(scripted.chat())
    with tempfile.TemporaryDirectory() as name:
        settings = chat(orchestrator.url, log={"level": "error"})
        settings["listen"] = [{"address": f"unix:{name}/s"}]
        Path(name, "c.yaml").write_text(yaml(settings))
        gateway = Process(["serve", "--config", f"{name}/c.yaml"])
        eventually(lambda: Path(name, "s").exists(), "the gateway listens")
        assert data(ask(f"unix:{name}/s", *GET)) == CHAT
        assert (gateway.stop(), gateway.stderr) == (0, "")


def test_a_port_in_use_is_named(
    start_orchestrator: StartOrchestrator, start_process: StartProcess, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "c.yaml").write_text(yaml({**chat("http://127.0.0.1:1"), "listen": [{"address": address}]}))
        process = start_process(["serve", "--config", str(tmp_path / "c.yaml")])
        assert process.wait() in (69, 71)
        assert address in process.stderr
        assert "in use" in process.stderr


def test_a_gateway_that_is_started_again_takes_its_port_again(serve: Serve, start_gateway: StartGateway) -> None:
    orchestrator, gateway = serve(scripted.chat())
    address = gateway.address
    client = Connection(address)
    assert data(client.ask(*GET)) == CHAT
    assert gateway.stop() == 0  # the gateway closes first, so that its end of the connection stays in TIME_WAIT
    client.close()
    again: Gateway = start_gateway({**chat(orchestrator.url), "listen": [{"address": address}]})
    assert data(ask(again.address, *GET)) == CHAT


def test_every_command_explains_itself() -> None:
    overview = run_command("--help")
    assert overview.returncode == 0
    for command in ("serve", "check", "demo", "version"):
        assert command in overview.stdout
        answer = run_command(command, "--help")
        assert (answer.returncode, "USAGE" in answer.stdout.upper()) == (0, True)


def test_the_version_is_told() -> None:
    answer = run_command("version")
    assert answer.returncode == 0
    assert answer.stdout.strip()
    assert answer.stdout.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["dance"], ["serve"], ["serve", "--dance"], ["check"], ["demo", "--port", "many"]]
)
def test_a_command_that_does_not_exist_is_a_usage_error(arguments: list[str]) -> None:
    answer = run_command(*arguments)
    assert answer.returncode == 64
    assert "usage" in answer.stderr.lower()
