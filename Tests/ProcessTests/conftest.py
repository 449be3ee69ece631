"""Fixtures: gateways, orchestrators and connections, each ended when its test is, in that order."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

import gateway as gateway_module
from gateway import Gateway, Process, Settings, chat
from orchestrators import scripted
from waiting import eventually
from wire import Connection

HERE = Path(__file__).resolve().parent
#: What a failure report is to show besides: functions that give a title and a text.
evidence_key = pytest.StashKey[list[Callable[[], tuple[str, str]]]]()

AnyProcess = TypeVar("AnyProcess", bound=Process)
StartGateway = Callable[..., Gateway]
StartProcess = Callable[..., Process]
StartOrchestrator = Callable[..., scripted.Orchestrator]
Connect = Callable[..., Connection]
Serve = Callable[..., tuple[scripted.Orchestrator, Gateway]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """A failure shows what every gateway of the test has written to its standard error, and what the browser shows."""
    report = yield
    if report.failed:
        for node in item.listchain():
            report.sections.extend(shown(show) for show in node.stash.get(evidence_key, []))
    return report


def shown(show: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    """The evidence, or why there is none; a report must not fail because a browser is gone by now."""
    try:
        return show()
    except Exception as problem:
        return "evidence", f"not to be had: {problem!r}"


class Nursery:
    """Starts the binary for a test or a module; at its end each process must still end cleanly, or have ended."""

    def __init__(self, node: pytest.Item | pytest.Collector, directory: Path):
        self._directory = directory
        self._processes: list[Process] = []
        self._evidence = node.stash.setdefault(evidence_key, [])

    def process(self, arguments: Sequence[str], **options: Any) -> Process:
        """Start the binary with any arguments."""
        return self._watch(Process(arguments, **options))

    def gateway(self, settings: Settings | str, **options: Any) -> Gateway:
        """Start a gateway with settings (a mapping, or YAML), and wait until it listens."""
        directory = self._directory / f"gateway-{len(self._processes)}"
        directory.mkdir()
        gateway = self._watch(Gateway(settings, directory, **options))
        assert gateway.addresses
        return gateway

    def end(self) -> None:
        """Stop what still runs, all of it, and then report what did not end as it should."""
        with ExitStack() as stack:
            for process in self._processes:
                if not process.has_ended:
                    stack.callback(self._stop, process)

    def _watch(self, process: AnyProcess) -> AnyProcess:
        self._processes.append(process)
        self._evidence.append(lambda: (f"standard error of gateway {process.pid}", process.shown_stderr))
        return process

    @staticmethod
    def _stop(process: Process) -> None:
        assert (code := process.stop()) == 0, f"the gateway ended with exit code {code}"


@pytest.fixture
def nursery(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Nursery]:
    """Processes that end with the test."""
    nursery = Nursery(request.node, tmp_path)
    yield nursery
    nursery.end()


@pytest.fixture
def start_process(nursery: Nursery) -> StartProcess:
    """Start the binary with any arguments."""
    return nursery.process


@pytest.fixture
def start_gateway(nursery: Nursery) -> StartGateway:
    """Start a gateway with settings."""
    return nursery.gateway


@pytest.fixture
def start_orchestrator() -> Iterator[StartOrchestrator]:
    """Start an orchestrator that follows a script."""
    with ExitStack() as stack:

        def start(
            script: scripted.Script, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
        ) -> scripted.Orchestrator:
            orchestrator = scripted.Orchestrator(script, host, tls=tls)
            stack.callback(orchestrator.stop)
            return orchestrator

        yield start


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open a raw connection to an address."""
    with ExitStack() as stack:
        yield lambda address, **options: stack.enter_context(Connection(address, **options))


@pytest.fixture(autouse=True)
def what_becomes_of_abandoned_runs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that test other things than lingering let runs end with their reader: `ABANDONED = "cancel"`."""
    monkeypatch.setattr(gateway_module, "abandoned", getattr(request.module, "ABANDONED", None))


@pytest.fixture
def serve(start_orchestrator: StartOrchestrator, start_gateway: StartGateway) -> Serve:
    """The usual pair: an orchestrator that follows `script`, and a gateway with one run route to it."""

    def start(script: scripted.Script, **settings: Any) -> tuple[scripted.Orchestrator, Gateway]:
        orchestrator = start_orchestrator(script)
        return orchestrator, start_gateway(chat(orchestrator.url, **settings))

    return start


class Tutorial:
    """The tutorial orchestrator in a uvicorn process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "uvicorn", "orchestrators.tutorial:app", "--port", "0"]
        self.child = subprocess.Popen(command, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()
        self.url = eventually(self._address, "uvicorn listens")

    def _collect(self) -> None:
        assert self.child.stderr
        for line in self.child.stderr:
            self._lines.append(line)

    def _address(self) -> str | None:
        output = "".join(self._lines)
        assert self.child.poll() is None, f"uvicorn did not start: {output}"
        found = re.search(r"running on (http://127\.0\.0\.1:\d+)", output)
        return found[1] if found else None

    def kill(self) -> None:
        """Kill -9: no word of farewell, the kernel closes its sockets."""
        self.child.kill()
        self.child.wait()
        self._reader.join()


@pytest.fixture
def own_tutorial() -> Iterator[Tutorial]:
    """A tutorial orchestrator that the test may kill."""
    tutorial = Tutorial()
    yield tutorial
    tutorial.kill()


@pytest.fixture(scope="session")
def tutorial() -> Iterator[Tutorial]:
    """The tutorial orchestrator; it is shared, for its start takes a second."""
    tutorial = Tutorial()
    yield tutorial
    tutorial.kill()
