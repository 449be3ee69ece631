"""Cross-origin requests, decided before an orchestrator hears of them."""

from __future__ import annotations

import pytest

from conftest import Serve
from expectations import GET, TARGET, assert_problem, data
from orchestrators import scripted
from orchestrators.scripted import CHAT
from wire import Answer, ask

ORIGINS = ["https://app.example.com", "https://*.example.org", "http://localhost:3000"]
CORS = {"origins": ORIGINS, "credentials": True}
ALLOWED = ["https://app.example.com", "https://a.example.org", "https://b-1.example.org", "http://localhost:3000"]
REFUSED = [
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.net",
    "https://evilapp.example.com",
    "https://example.org",
    "https://a.b.example.org",
    "https://aexample.org",
    "https://.example.org",
    "http://a.example.org",
    "http://localhost",
    "http://localhost:30000",
    "null",
    "",
    "https://app.example.com/",
    "https://app.example.com, https://evil.net",
]


def listed(answer: Answer, name: str) -> set[str]:
    """The members of a list field, in lower case."""
    return {item.strip().lower() for item in (answer.get(name) or "").split(",") if item.strip()}


@pytest.mark.parametrize("origin", ALLOWED)
def test_a_listed_origin_is_echoed(origin: str, serve: Serve) -> None:
    _, gateway = serve(scripted.chat(), cors=CORS)
    answer = ask(gateway.address, *GET, [("Origin", origin)])
    assert data(answer) == CHAT
    assert answer.get("access-control-allow-origin") == origin
    assert answer.get("access-control-allow-credentials") == "true"
    assert "sluice-run" in listed(answer, "access-control-expose-headers")
    assert "origin" in listed(answer, "vary")


@pytest.mark.parametrize("origin", REFUSED)
def test_an_origin_that_is_not_listed_is_refused_before_the_orchestrator_hears_of_it(origin: str, serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), cors=CORS)
    for method in ("GET", "POST", "HEAD"):
        answer = ask(gateway.address, method, GET[1], [("Origin", origin)], b"{}" if method == "POST" else None)
        assert (answer.status, answer.get("access-control-allow-origin")) == (403, None)
        assert "origin" in listed(answer, "vary")
    preflight = ask(gateway.address, "OPTIONS", TARGET, [("Origin", origin), ("Access-Control-Request-Method", "POST")])
    assert preflight.get("access-control-allow-origin") is None
    assert not orchestrator.requests


def test_without_cors_settings_every_foreign_origin_is_refused(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat())
    assert_problem(ask(gateway.address, *GET, [("Origin", "https://app.example.com")]), 403)
    assert not orchestrator.requests


def test_the_gateways_own_origin_needs_no_setting(serve: Serve) -> None:
    _, gateway = serve(scripted.chat())
    assert data(ask(gateway.address, *GET, [("Origin", f"http://{gateway.address}")])) == CHAT
    assert data(ask(gateway.address, *GET, [("Host", "Me.Example:80"), ("Origin", "http://me.example")])) == CHAT


def test_a_request_without_an_origin_says_that_the_answer_varies(serve: Serve) -> None:
    _, gateway = serve(scripted.chat(), cors=CORS)
    answer = ask(gateway.address, *GET)
    assert data(answer) == CHAT
    assert answer.get("access-control-allow-origin") is None
    assert "origin" in listed(answer, "vary")


def test_a_preflight_is_answered_by_the_gateway(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.chat(), cors={**CORS, "max_age": "10m"})
    wanted = "authorization,cache-control,content-type,idempotency-key,last-event-id,traceparent"
    asked = [
        ("Origin", ALLOWED[0]),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", wanted),
    ]
    answer = ask(gateway.address, "OPTIONS", TARGET, asked)
    assert answer.status in (200, 204)
    assert answer.get("access-control-allow-origin") == ALLOWED[0]
    assert answer.get("access-control-allow-credentials") == "true"
    assert answer.get("access-control-max-age") == "600"
    assert "post" in listed(answer, "access-control-allow-methods")
    assert set(wanted.split(",")) <= listed(answer, "access-control-allow-headers")
    assert "origin" in listed(answer, "vary")
    assert not orchestrator.requests


def test_without_credentials_none_are_allowed(serve: Serve) -> None:
    _, gateway = serve(scripted.chat(), cors={"origins": ["*"], "credentials": False})
    answer = ask(gateway.address, *GET, [("Origin", "https://anyone.example")])
    assert data(answer) == CHAT
    assert answer.get("access-control-allow-origin") in ("*", "https://anyone.example")
    assert answer.get("access-control-allow-credentials") is None


def test_own_headers_may_be_allowed_and_exposed(serve: Serve) -> None:
    settings = {**CORS, "allowed_headers": ["X-Mine"], "exposed_headers": ["Sluice-Run", "X-Other"]}
    _, gateway = serve(scripted.chat(), cors=settings)
    asked = [
        ("Origin", ALLOWED[0]),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "x-mine"),
    ]
    assert "x-mine" in listed(ask(gateway.address, "OPTIONS", TARGET, asked), "access-control-allow-headers")
    answer = ask(gateway.address, *GET, [("Origin", ALLOWED[0])])
    assert {"sluice-run", "x-other"} <= listed(answer, "access-control-expose-headers")


def test_a_refusal_can_be_read_by_the_page_that_may_ask(serve: Serve) -> None:
    _, gateway = serve(scripted.chat(), cors=CORS)
    answer = ask(gateway.address, "POST", TARGET, [("Origin", ALLOWED[0])], bytes(5_000_000))
    assert (answer.status, answer.get("access-control-allow-origin")) == (413, ALLOWED[0])
