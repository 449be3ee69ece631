"""The built binary as a child process: its configuration, its log, its life."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from waiting import DEADLINE, eventually

REPOSITORY = Path(__file__).resolve().parents[2]

Settings = Mapping[str, Any]


def binary() -> Path:
    """The binary under test: SLUICE_BINARY, else the newest one that was built in this repository."""
    if named := os.environ.get("SLUICE_BINARY"):
        return Path(named).resolve()
    built = [REPOSITORY / ".build" / kind / "sluice" for kind in ("debug", "release")]
    found = [path for path in built if path.is_file()]
    assert found, f"no binary: set SLUICE_BINARY, or build one of {', '.join(map(str, built))}"
    return max(found, key=lambda path: path.stat().st_mtime)


NONE: Settings = MappingProxyType({})


#: What `chat` says of `on_abandoned`, none for the gateway's own default; a test module sets it by `ABANDONED`.
abandoned: str | None = None


def chat(
    *endpoints: str, upstream: Settings = NONE, route: Settings = NONE, streams: Settings = NONE, **sections: Any
) -> dict[str, Any]:
    """Settings with one run route, `/process/stream`, on the pool of `endpoints`; more settings go in as they are."""
    run = {"upstream": "chat", "method": "POST", "path": "/process/stream"}
    route = {"on_abandoned": abandoned, **route} if abandoned else route
    return {
        "listen": [{"address": "127.0.0.1:0"}],
        "upstreams": {"chat": {"endpoints": list(endpoints), **upstream}},
        "routes": [{"path": "/process/stream", "run": run, **route}],
        "streams": {"retry": "2s", **streams},
        "drain": {"deadline": "1s"},
        **sections,
    }


def feed(
    *endpoints: str,
    upstream: Settings = NONE,
    feed: Settings = NONE,
    route: Settings = NONE,
    streams: Settings = NONE,
    **sections: Any,
) -> dict[str, Any]:
    """Settings with one feed route, `/events/**`, which asks quickly again; more settings go in as they are."""
    shared = {"upstream": "news", "path": "/e/**", "backoff": {"min": "10ms", "max": "200ms"}, **feed}
    return {
        "listen": [{"address": "127.0.0.1:0"}],
        "upstreams": {"news": {"endpoints": list(endpoints), **upstream}},
        "routes": [{"path": "/events/**", "feed": shared, **route}],
        "streams": {"retry": "2s", **streams},
        "drain": {"deadline": "1s"},
        **sections,
    }


def yaml(value: Any, indent: str = "") -> str:
    """Settings as a YAML document in block style. Strings are quoted as JSON does it, which YAML reads as well."""
    if isinstance(value, Mapping) and value:
        return "".join(f"\n{indent}{key}: {yaml(item, indent + '  ')}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{indent}- {yaml(item, indent + '  ').lstrip()}" for item in value)
    return json.dumps(value)


@dataclass(frozen=True)
class LogLine:
    """One line of the gateway's log, in either format."""

    level: str
    event: str
    values: dict[str, str]
    text: str

    _PAIR = re.compile(r'(?<!\S)([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|\S*)')

    @classmethod
    def parse(cls, text: str) -> LogLine | None:
        """The line `text`, or None when it is not of the log's form."""
        if text.startswith("{"):
            line = json.loads(text)
            values = {key: str(value) for key, value in line.items() if key not in ("time", "level", "event")}
            return cls(line["level"], line["event"], values, text)
        stamped = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ([a-z]+) ", text)
        if not stamped:
            return None
        rest = text[stamped.end() :]
        first = cls._PAIR.search(rest)
        values = {key: json.loads(value) if value[:1] == '"' else value for key, value in cls._PAIR.findall(rest)}
        return cls(stamped[1], rest[: first.start() if first else None].strip(), values, text)


class Process:
    """The binary, started with some arguments, by the command `through` if there is one.

    Its standard error is collected as it comes.
    """

    #: How many listeners it is to have.
    listeners = 1

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] = NONE,
        open_files: int | None = None,
        through: Sequence[str] = (),
    ):
        command = [*through, str(binary()), *arguments]
        if open_files is not None:
            command = ["prlimit", f"--nofile={open_files}:{open_files}", *command]
        self._lines: list[str] = []
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _collect(self) -> None:
        assert self._child.stderr
        for line in self._child.stderr:
            self._lines.append(line.decode("utf-8", errors="backslashreplace").rstrip("\n"))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    @property
    def stderr(self) -> str:
        """What it has written to its standard error."""
        return "\n".join(self._lines)

    @property
    def shown_stderr(self) -> str:
        """Its standard error as a failure report shows it: without the middle, where there is much."""
        lines = list(self._lines)
        if len(lines) > 150:
            lines[30:-100] = [f"[{len(lines) - 130} lines are not shown]"]
        return "\n".join(line[:2000] for line in lines)

    @property
    def log(self) -> list[LogLine]:
        """The lines of its standard error that have the log's form."""
        return [line for text in list(self._lines) if (line := LogLine.parse(text))]

    @property
    def descriptors(self) -> int:
        """How many descriptors it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    @property
    def resident_bytes(self) -> int:
        """Its resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._child.poll() is not None

    def logged(self, event: str, **values: str) -> list[LogLine]:
        """The log lines of this event word that carry all of `values`."""
        return [line for line in self.log if line.event == event and values.items() <= line.values.items()]

    def wait_for_log(self, event: str, **values: str) -> LogLine:
        """The first log line of this event word that carries all of `values`, waited for."""
        wanted = " ".join([event, *(f"{key}={value}" for key, value in values.items())])
        lines: list[LogLine] = self.wait_for(lambda: self.logged(event, **values), f"a log line `{wanted}`")
        return lines[0]

    def wait_for(self, probe: Callable[[], Any], what: str) -> Any:
        """`eventually`, but fails at once when the process has ended."""

        def probe_the_living() -> Any:
            value = probe()
            if not value and self.has_ended:
                self._reader.join(DEADLINE)
                if not (value := probe()):
                    raise AssertionError(f"{what}: the gateway ended, exit code {self._child.returncode}")
            return value

        return eventually(probe_the_living, what)

    @property
    def addresses(self) -> list[str]:
        """The addresses it listens on, in the order of the log; waits until all are up."""
        lines = self.wait_for(
            lambda: len(up := self._listening()) >= self.listeners and up, f"{self.listeners} listener(s) up"
        )
        return [line.values["address"] for line in lines]

    @property
    def address(self) -> str:
        """The address of its first listener."""
        return self.addresses[0]

    @property
    def url(self) -> str:
        """The base URL of its first listener."""
        return f"http://{self.address}"

    def _listening(self) -> list[LogLine]:
        return [line for line in self.log if line.event.endswith("listening") and "address" in line.values]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._child.send_signal(number)

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        self._child.kill()
        self.wait()

    def wait(self) -> int:
        """Wait for the process to end by itself, and return its exit code."""
        code = self._child.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def stop(self) -> int:
        """End the process as an operator would and return its exit code; one that does not end is killed."""
        if not self.has_ended:
            self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the gateway did not end on SIGTERM and was killed") from None


class Gateway(Process):
    """A gateway that serves, with the configuration it was given, on the addresses it has logged."""

    def __init__(self, settings: Settings | str, directory: Path, **options: Any):
        text = settings if isinstance(settings, str) else yaml(settings).lstrip() + "\n"
        self.configuration = directory / "sluice.yaml"
        self.configuration.write_text(text)
        self.listeners = 1 if isinstance(settings, str) else len(settings["listen"])
        super().__init__(["serve", "--config", str(self.configuration)], **options)

    def finished(self, **values: str) -> LogLine:
        """The log line of a finished request that carries all of `values`, waited for."""
        return self.wait_for_log("request", **values)


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the binary to its end, for commands that end by themselves."""
    return subprocess.run([str(binary()), *arguments], capture_output=True, text=True, timeout=DEADLINE, check=False)
