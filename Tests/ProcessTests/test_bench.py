"""The benchmarks: that they work, that wrong answers don't count as fast ones, never how fast anything is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway import REPOSITORY, binary
from waiting import DEADLINE, eventually

Results = dict[str, Any]

#: What each part of the benchmarks measures first of all, by a part of the scenarios' names.
FIGURES = {
    "fan-out every": "cpu_us_per_event",
    "fan-out saturated": "cpu_us_per_event",
    "chat every 20 ms": "cpu_us_per_event",
    "chat every 0 ms": "cpu_us_per_event",
    "churn": "cpu_us_per_event",
    "idle": "pss_bytes_per_client",
    "slow readers, 0 of": "cpu_us_per_event",
    "slow readers, 4 of": "cpu_us_per_event",
}

#: A gateway that passes on what its lie leaves: it finds in its configuration where to listen, and for whom.
LIAR = """#!{python}
import itertools, re, socket, sys, threading

text = open(sys.argv[sys.argv.index("--config") + 1]).read()
(port,) = re.findall(r"address: 127\\.0\\.0\\.1:(\\d+)", text)
(upstream,) = re.findall(r"http://127\\.0\\.0\\.1:(\\d+)", text)


def pump(source, target, change):
    while received := source.recv(65536):
        target.sendall(change(received))
    target.shutdown(socket.SHUT_WR)


listener = socket.create_server(("127.0.0.1", int(port)))
while True:
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", int(upstream)))
    lie = lambda received, count=itertools.count(1): {lie}
    threading.Thread(target=pump, args=(client, server, bytes), daemon=True).start()
    threading.Thread(target=pump, args=(server, client, lie), daemon=True).start()
"""


def program() -> Path:
    """The benchmarks' binary: SLUICE_BENCH, else the newest one that was built in this repository."""
    if named := os.environ.get("SLUICE_BENCH"):
        return Path(named).resolve()
    built = [REPOSITORY / ".build" / kind / "bench" for kind in ("debug", "release")]
    found = [path for path in built if path.is_file()]
    assert found, f"no binary: set SLUICE_BENCH, or build one of {', '.join(map(str, built))}"
    return max(found, key=lambda path: path.stat().st_mtime)


def command(*arguments: str, gateway: Path | None = None) -> list[str]:
    """The command line of a run with a gateway."""
    return [str(program()), "--gateway", str(gateway or binary()), *arguments]


def run(*arguments: str, gateway: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the benchmarks to their end."""
    line = command(*arguments, gateway=gateway)
    return subprocess.run(line, capture_output=True, text=True, timeout=110, check=False)


def installed() -> set[str]:
    """The servers that stand beside the gateway here."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin"])
    return {"sluice", "floor"} | {name for name in ("nginx", "haproxy") if shutil.which(name, path=path)}


@pytest.mark.parametrize("scenario", FIGURES)
def test_a_scenario_measures_everybody_and_finds_every_byte_right(scenario: str, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    done = run("--short", "--clients", "40", "--scenario", scenario.replace("4 of", "25 of"), "--json", str(file))
    assert done.returncode == 0, done
    results: Results = json.loads(file.read_text())
    assert (results["rounds"], results["seconds"]) == (1, 0.5)
    assert set(results["machine"]) == {"processor", "processors", "kernel", "placement"}
    rows = {row["server"]: row for row in results["rows"]}
    assert rows.keys() >= installed()
    for name, row in rows.items():
        assert row["scenario"].startswith(scenario), row
        assert (row["figure"], row["wrong_runs"], row["defects"]) == (FIGURES[scenario], 0, {})
        assert row["good_runs"] > 0 and row["median"]["clients"] == 40, row
        assert row["median"][row["figure"]] >= 0 and len(row["samples"]) == 1, row
        assert row["ratio_to"].keys() <= rows.keys() - {name}
        assert f"\n  {name} " in done.stdout


#: What the liar makes of what it has received.
CHANGED = 'received.replace(b"words", b"wards")'
#: Events come one by one here, so that what is received is one of them.
LOST = """received if b'"place"' not in received or next(count) % 3 else b''"""
DOUBLED = """received if b'"place"' not in received or next(count) % 3 else 2 * received"""


@pytest.mark.parametrize(
    ("scenario", "lie", "defect"),
    [
        ("fan-out every", CHANGED, "not the expected bytes"),
        ("fan-out every", LOST, "events of the feed are missing or doubled"),
        ("fan-out every", DOUBLED, "events of the feed are missing or doubled"),
        ("chat every 0 ms", CHANGED, "not the expected bytes"),
        ("chat every 20 ms", LOST, "not the expected bytes"),
        ("churn", CHANGED, "not the expected bytes"),
    ],
)
def test_wrong_answers_are_found(scenario: str, lie: str, defect: str, tmp_path: Path) -> None:
    liar = tmp_path / "liar"
    liar.write_text(LIAR.format(python=sys.executable, lie=lie))
    liar.chmod(0o700)
    file = tmp_path / "results.json"
    peers = ["--peers", "sluice", "floor"]
    done = run("--short", "--clients", "10", "--scenario", scenario, *peers, "--json", str(file), gateway=liar)
    assert done.returncode == 1, done
    lying, floor = json.loads(file.read_text())["rows"]
    assert lying["wrong_runs"] > 0 and any(words.startswith(defect) for words in lying["defects"])
    assert floor["wrong_runs"] == 0 and floor["good_runs"] > 0
    assert defect in done.stderr


def test_a_server_that_does_not_start_does_not_keep_the_others_from_being_measured(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    arguments = ["--short", "--clients", "10", "--scenario", "idle", "--peers", "sluice", "floor"]
    done = run(*arguments, "--json", str(file), gateway=Path("/bin/false"))
    assert done.returncode == 1, done
    failed, floor = json.loads(file.read_text())["rows"]
    assert (failed["good_runs"], floor["good_runs"]) == (0, 10)
    assert "sluice did not listen" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--peers", "apache"], '--peers: given "apache", allowed: sluice, floor,'),
        (["--scenario", "tea"], '--scenario: given "tea", allowed: a part of "fan-out'),
        (["--clients", "9"], "--clients: given 9, allowed: 10 to 100000"),
        (["--rounds", "0"], "--rounds: given 0, allowed: 1 to 1000"),
        (["--seconds", "0"], "--seconds: given 0.0, allowed: 0.1 to 3600"),
    ],
)
def test_what_cannot_be_measured_is_said_at_once(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 64, done
    assert words in done.stderr


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    arguments = command("--clients", "10", "--seconds", "600", "--scenario", "fan-out every", "--peers", "floor")
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        own = Path(f"/proc/{child.pid}/task/{child.pid}/children")
        server = eventually(lambda: measured_server(own), "the server runs")
        assert [path.name.startswith("sluice-bench-") for path in tmp_path.iterdir()] == [True]
        child.send_signal(signal.SIGINT)
        assert child.wait(DEADLINE) == 130
    assert not Path(f"/proc/{server}").exists()
    assert list(tmp_path.iterdir()) == []


def measured_server(children: Path) -> str | None:
    """The process that is being measured, once it is what it will be."""
    for process in children.read_text().split():
        if b"\0floor\0" in Path(f"/proc/{process}/cmdline").read_bytes():
            return process
    return None
