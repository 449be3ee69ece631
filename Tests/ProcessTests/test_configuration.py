"""The configuration file: what is wrong with it is said with file, line and key, and nothing is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import StartProcess
from gateway import REPOSITORY, run_command

GOOD = """\
listen:
  - address: 127.0.0.1:0
upstreams:
  chat:
    endpoints: [http://127.0.0.1:9000]
routes:
  - path: /process/stream
    run: {upstream: chat, method: POST, path: /process/stream}
"""

#: name: (what is replaced, by what, the line that must be named, words that must be said)
BAD = {
    "unknown key": ("chat:\n", "chat:\n    connect_timeuot: 2s\n", 5, ["connect_timeuot"]),
    "unknown section": ("routes:", "rutes:", 6, ["rutes"]),
    "unknown route key": ("    run:", "    rum: 1\n    run:", 8, ["rum"]),
    "no unit": ("chat:\n", "chat:\n    connect_timeout: 2\n", 5, ["connect_timeout", "2"]),
    "bad unit": ("chat:\n", "chat:\n    connect_timeout: 2 parsecs\n", 5, ["connect_timeout", "2 parsecs"]),
    "negative time": ("chat:\n", "chat:\n    idle_timeout: -2s\n", 5, ["idle_timeout", "-2s"]),
    "time that overflows": ("chat:\n", "chat:\n    idle_timeout: 99999999999999999999s\n", 5, ["idle_timeout"]),
    "bad size": (
        "upstreams:",
        "streams: {client_buffer: 256 elephants}\nupstreams:",
        3,
        ["client_buffer", "256 elephants"],
    ),
    "size of nothing": ("upstreams:", "streams:\n  event_size: 0B\nupstreams:", 4, ["event_size"]),
    "bad boolean": ("    run:", "    forward_credentials: maybe\n    run:", 8, ["forward_credentials", "maybe"]),
    "list for text": ("path: /process/stream\n", "path: [/process/stream]\n", 7, ["path"]),
    "text for a list": ("[http://127.0.0.1:9000]", "many", 5, ["endpoints"]),
    "no endpoints": ("[http://127.0.0.1:9000]", "[]", 5, ["endpoints"]),
    "endpoint without a scheme": ("http://127.0.0.1:9000", "127.0.0.1:9000", 5, ["127.0.0.1:9000", "http"]),
    "endpoint that is encrypted": ("http://127", "gopher://127", 5, ["gopher"]),
    "endpoint with a bad port": (":9000", ":90000", 5, ["90000"]),
    "address without a port": ("127.0.0.1:0", "127.0.0.1", 2, ["127.0.0.1"]),
    "address with a bad port": ("127.0.0.1:0", "127.0.0.1:65536", 2, ["65536"]),
    "address with a name": ("127.0.0.1:0", "somewhere:80", 2, ["somewhere"]),
    "unknown upstream": ("upstream: chat", "upstream: chatt", 8, ["chatt"]),
    "path without a slash": ("path: /process/stream\n", "path: process/stream\n", 7, ["process/stream"]),
    "star in the middle": ("path: /process/stream\n", "path: /**/stream\n", 7, ["/**/stream"]),
    "route without a job": ("    run: {upstream: chat, method: POST, path: /process/stream}\n", "", 7, ["run"]),
    "the same route twice": (
        "routes:\n",
        "routes:\n  - {path: /process/stream, run: {upstream: chat, method: POST, path: /}}\n",
        8,
        ["/process/stream"],
    ),  # noqa: E501
    "the same key twice": ("upstreams:", "listen: []\nupstreams:", 3, ["listen"]),
    "every origin with credentials": (
        "upstreams:",
        'cors:\n  origins: ["*"]\n  credentials: true\nupstreams:',
        5,
        ["credentials", "*"],
    ),  # noqa: E501
    "origin with a path": (
        "upstreams:",
        "cors:\n  origins: [https://a.example/x]\nupstreams:",
        4,
        ["https://a.example/x"],
    ),
    "origin with too wide a star": ("upstreams:", 'cors:\n  origins: ["https://*"]\nupstreams:', 4, ["https://*"]),
    "unknown log level": ("upstreams:", "log: {level: chatty}\nupstreams:", 3, ["level", "chatty"]),
    "unknown log format": ("upstreams:", "log: {format: xml}\nupstreams:", 3, ["format", "xml"]),
    "no yaml": ("upstreams:", "upstreams: {", None, []),
    "a tab": ("  chat:", "\tchat:", 4, []),
    "a list at the top": (GOOD, "- listen\n", 1, []),
    "nothing": (GOOD, "", None, []),
    "no listener": ("listen:\n  - address: 127.0.0.1:0\n", "", None, ["listen"]),
    "an empty list of listeners": ("listen:\n  - address: 127.0.0.1:0\n", "listen: []\n", 1, ["listen"]),
    "no routes": (GOOD[GOOD.index("routes") :], "", None, ["routes"]),
}


def write(directory: Path, text: str) -> Path:
    """A configuration file."""
    path = directory / "sluice.yaml"
    path.write_text(text)
    return path


def assert_told(stderr: str, path: Path, line: int | None, words: list[str]) -> None:
    """The message names the file, the line and the words, and is meant for people."""
    assert f"{path}:{line}" if line else str(path) in stderr, stderr
    for word in words:
        assert word in stderr, stderr
    assert "Fatal error" not in stderr
    assert len(stderr.splitlines()) < 10, stderr


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_named_with_file_and_line(name: str, tmp_path: Path) -> None:
    old, new, line, words = BAD[name]
    assert GOOD.count(old) >= 1, "the test does not change anything"
    path = write(tmp_path, GOOD.replace(old, new, 1))
    checked = run_command("check", str(path))
    assert checked.returncode == 78, checked
    assert_told(checked.stderr + checked.stdout, path, line, words)


def test_serve_refuses_what_check_refuses(start_process: StartProcess, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("routes:", "rutes:"))
    process = start_process(["serve", "--config", str(path)])
    assert process.wait() == 78
    assert_told(process.stderr, path, 6, ["rutes"])


@pytest.mark.parametrize("command", [["check"], ["serve", "--config"]])
def test_a_file_that_is_not_there_is_no_input(command: list[str], tmp_path: Path) -> None:
    answer = run_command(*command, str(tmp_path / "nowhere.yaml"))
    assert answer.returncode == 66
    assert "nowhere.yaml" in answer.stderr


def test_a_good_file_is_called_good(tmp_path: Path) -> None:
    answer = run_command("check", str(write(tmp_path, GOOD)))
    assert answer.returncode == 0, answer


def test_the_shipped_configuration_is_good() -> None:
    answer = run_command("check", str(REPOSITORY / "config" / "sluice.yaml"))
    assert answer.returncode == 0, answer


def test_a_risky_combination_is_allowed_but_explained(tmp_path: Path) -> None:
    plain = run_command("check", str(write(tmp_path, GOOD)))
    risky = run_command("check", str(write(tmp_path, GOOD + "streams:\n  heartbeat: 10m\n")))
    assert risky.returncode == 0, risky
    assert "heartbeat" in risky.stdout + risky.stderr
    assert "heartbeat" not in plain.stdout + plain.stderr
