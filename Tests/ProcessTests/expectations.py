"""The requests that start a run, and what an answer must look like: the words that every test module uses."""

from __future__ import annotations

from typing import Any

import pytest

from wire import Answer

TARGET = "/process/stream"
#: The arguments of `ask`.
Ask = tuple[Any, ...]

JSON = [("Content-Type", "application/json")]
GET = ("GET", f"{TARGET}?message=hello")
POST = ("POST", TARGET, JSON, b'{"message":"hello"}')
both_methods = pytest.mark.parametrize("request_line", [GET, POST], ids=["GET", "POST"])


def data(answer: Answer) -> list[str]:
    """The data of every event of an answer that must come to a clean end."""
    answer.read_all()
    return [event.data for event in answer.events]


def failure(answer: Answer) -> dict[str, Any]:
    """The gateway's error event, which must be the last event of an answer that must come to a clean end."""
    answer.read_all()
    assert answer.status == 200, answer
    assert answer.events, f"no event in {answer!r}"
    last: dict[str, Any] = answer.events[-1].json
    assert (last["event"], last["source"]) == ("error", "gateway"), answer
    kinds = [event.json.get("event") for event in answer.events[:-1] if event.data.startswith("{")]
    assert not {"error", "completed"} & set(kinds), "a second terminal event"
    assert answer.events[-1].id == f"{answer.run}.{len(answer.events)}"
    return last


def assert_problem(answer: Answer, status: int) -> None:
    """The answer is a refusal as RFC 9457 has them."""
    assert answer.status == status, answer
    assert answer.get("content-type") == "application/problem+json", answer
    problem = answer.json
    assert problem["status"] == status
    assert problem["title"]
