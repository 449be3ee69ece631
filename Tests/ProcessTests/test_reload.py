"""SIGHUP: a new configuration comes into force whole or not at all, and live runs go on."""

from __future__ import annotations

import signal
from typing import Any

from conftest import Connect, Serve
from expectations import GET, TARGET, data
from gateway import Gateway, chat, yaml
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate
from wire import ask


def reload(gateway: Gateway, settings: dict[str, Any] | str) -> None:
    """Give the gateway another configuration."""
    gateway.configuration.write_text(settings if isinstance(settings, str) else yaml(settings))
    gateway.signal(signal.SIGHUP)


def test_a_new_configuration_serves_new_requests_and_live_runs_go_on(serve: Serve, connect: Connect) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate))
    live = connect(gateway.address).ask(*GET)
    live.read_events(3)
    settings = chat(orchestrator.url, streams={"retry": "7s"})
    settings["routes"][0]["path"] = "/new"
    reload(gateway, settings)
    gateway.wait_for_log("reloaded")
    gate.open()
    assert data(live) == CHAT
    answer = ask(gateway.address, "GET", "/new")
    assert (data(answer), answer.stream.retry) == (CHAT, 7000)
    assert ask(gateway.address, *GET).status == 404


def test_a_bad_configuration_changes_nothing(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    reload(gateway, yaml(chat(orchestrator.url, streams={"retry": "7s"})) + "\nrutes: 1\n")
    gateway.wait_for(lambda: "rutes" in gateway.stderr, "the mistake is logged")
    assert f"{gateway.configuration}:" in gateway.stderr
    answer = ask(gateway.address, "GET", TARGET)
    assert (data(answer), answer.stream.retry) == (CHAT, 2000)


def test_a_configuration_that_is_gone_changes_nothing(serve: Serve) -> None:
    _, gateway = serve(scripted.chat())
    gateway.configuration.unlink()
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(lambda: "cannot be read" in gateway.stderr, "the mistake is logged")
    assert data(ask(gateway.address, *GET)) == CHAT


def test_many_reloads_under_load_lose_nothing(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    settings = chat(orchestrator.url)
    for number in range(50):
        reload(gateway, {**settings, "streams": {"retry": f"{number + 1}s"}})
        assert data(ask(gateway.address, *GET)) == CHAT
    gateway.wait_for(lambda: ask(gateway.address, *GET).stream.retry == 50_000, "the last one is in force")
