"""Clients that people really use, unchanged: curl, httpx-sse, aiohttp, and Python's own."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
from typing import Any

import aiohttp
import httpx
import httpx_sse
import pytest

from conftest import Serve, StartGateway, Tutorial
from expectations import GET, TARGET
from gateway import Gateway, chat
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate
from waiting import DEADLINE, eventually
from wire import parse_event_stream

ABANDONED = "cancel"

KINDS = [json.loads(text)["event"] for text in CHAT if '"n": 4' not in text]


@pytest.fixture
def gateway(tutorial: Tutorial, start_gateway: StartGateway) -> Gateway:
    """A gateway in front of the tutorial orchestrator."""
    return start_gateway(chat(tutorial.url))


@pytest.mark.parametrize(
    "arguments",
    [
        ["{url}?message=hello"],
        ["--http1.0", "{url}?message=hello"],
        ["--get", "--data-urlencode", "message=hello", "{url}"],
        ["--json", '{"message":"hello"}', "{url}"],
        ["--json", '{"message":"hello"}', "--header", "Expect: 100-continue", "{url}"],
        ["--json", '{"message":"hello"}', "--header", "Transfer-Encoding: chunked", "{url}"],
    ],
    ids=["get", "old", "urlencoded", "json", "expect", "chunked"],
)
def test_curl(arguments: list[str], gateway: Gateway) -> None:
    url = gateway.url + TARGET
    command = [
        "curl",
        "-sSN",
        "--max-time",
        str(DEADLINE),
        *(each.format(url=url) if "{url}" in each else each for each in arguments),
    ]
    curl = subprocess.run(command, capture_output=True, timeout=2 * DEADLINE, check=False)
    assert (curl.returncode, curl.stderr) == (0, b"")
    assert [event.json["event"] for event in parse_event_stream(curl.stdout).events] == KINDS


def test_curl_shows_events_as_they_come(serve: Serve) -> None:
    gate = Gate()
    _, gateway = serve(scripted.gated(gate))
    command = ["curl", "-sSN", "--max-time", str(DEADLINE), gateway.url + GET[1]]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:
        assert curl.stdout
        early = b""
        while early.count(b"data:") < 3:
            early += curl.stdout.readline()
        gate.open()
        late = curl.stdout.read()
    assert [event.data for event in parse_event_stream(early + late).events] == CHAT
    assert curl.returncode == 0


def test_curl_shows_a_refusal(gateway: Gateway) -> None:
    command = ["curl", "-sS", "--fail-with-body", "--max-time", str(DEADLINE), gateway.url + "/nowhere"]
    curl = subprocess.run(command, capture_output=True, timeout=2 * DEADLINE, check=False)
    assert curl.returncode == 22
    assert json.loads(curl.stdout)["status"] == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_httpx_sse(method: str, gateway: Gateway) -> None:
    question: dict[str, Any] = {"params": {"message": "hello"}} if method == "GET" else {"json": {"message": "hello"}}
    with httpx.Client(timeout=DEADLINE) as client:
        for _ in range(3):  # on one connection
            with httpx_sse.connect_sse(client, method, gateway.url + TARGET, **question) as source:
                source.response.raise_for_status()
                events = [event for event in source.iter_sse() if event.data]
            assert [event.json()["event"] for event in events] == KINDS
            run = source.response.headers["sluice-run"]
            assert [event.id for event in events] == [f"{run}.{n}" for n in range(1, 6)]


def test_httpx_in_many_tasks(gateway: Gateway) -> None:
    async def one(client: httpx.AsyncClient, name: str) -> str:
        text = ""
        question = {"message": name}
        async with httpx_sse.aconnect_sse(client, "POST", gateway.url + TARGET, json=question) as source:
            async for event in source.aiter_sse():
                if event.data and (value := event.json())["event"] == "response_chunk":
                    text += value["response_data"]["raw_response"]["parts"][0]["text"]
        return text

    async def main() -> list[str]:
        async with httpx.AsyncClient(timeout=DEADLINE) as client:
            return await asyncio.gather(*(one(client, f"name {n}") for n in range(50)))

    assert asyncio.run(main()) == [f"name {n} " for n in range(50)]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_aiohttp(method: str, gateway: Gateway) -> None:
    question: dict[str, Any] = {"params": {"message": "hello"}} if method == "GET" else {"json": {"message": "hello"}}

    async def main() -> None:
        timeout = aiohttp.ClientTimeout(total=DEADLINE)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for _ in range(3):
                async with session.request(method, gateway.url + TARGET, **question) as response:
                    assert (response.status, response.content_type) == (200, "text/event-stream")
                    body = b"".join([line async for line in response.content])
                assert [event.json["event"] for event in parse_event_stream(body).events] == KINDS

    asyncio.run(main())


def test_pythons_own_client(gateway: Gateway) -> None:
    host, _, port = gateway.address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
    for _ in range(3):
        connection.request("POST", TARGET, '{"message":"hello"}', {"Content-Type": "application/json"})
        response = connection.getresponse()
        body = response.read()
        assert [event.json["event"] for event in parse_event_stream(body).events] == KINDS
    connection.request("GET", "/nowhere")
    assert connection.getresponse().read()
    connection.close()


def test_a_client_library_that_gives_up_ends_the_run(serve: Serve) -> None:
    orchestrator, gateway = serve(scripted.stall)
    impatient = httpx.Timeout(DEADLINE, read=0.5)
    with httpx.Client(timeout=impatient) as client, pytest.raises(httpx.ReadTimeout):
        client.get(gateway.url + GET[1])
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")
    assert gateway.finished().values["reason"] in ("client_closed", "client_reset")
