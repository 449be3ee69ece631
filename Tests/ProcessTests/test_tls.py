"""TLS towards clients and orchestrators, with real clients: Python's ssl, httpx, curl and openssl s_client."""

from __future__ import annotations

import random
import re
import signal
import socket
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from certificates import Authority, Issued
from conftest import Connect, StartGateway, StartOrchestrator
from expectations import GET, data
from gateway import Gateway, chat, run_command, yaml
from orchestrators import scripted
from orchestrators.scripted import CHAT, Gate
from waiting import DEADLINE, eventually
from wire import Connection, CutShort, ask

ABANDONED = "cancel"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who has issued the gateway's certificates."""
    return Authority(tmp_path)


@pytest.fixture
def issued(authority: Authority) -> Issued:
    """The gateway's certificate."""
    return authority.issue("localhost", "127.0.0.1")


def encrypted(issued: Issued, *endpoints: str, listen: dict[str, Any] | None = None, **tls: Any) -> dict[str, Any]:
    """Settings with one listener that speaks TLS, and one for operators."""
    settings = chat(*endpoints, log={"level": "debug"})
    listener = {"address": "127.0.0.1:0", "tls": {**issued.settings, **tls}, **(listen or {})}
    settings["listen"] = [listener, {"address": "127.0.0.1:0", "admin": True}]
    return settings


def figures(gateway: Gateway, name: str) -> dict[str, int]:
    """The values of a metric by the value of its label."""
    with Connection(gateway.addresses[1]) as connection:
        text = connection.ask("GET", "/metrics").read_all().decode()
    return {label: int(value) for label, value in re.findall(rf'{name}{{\w+="([^"]*)"}} (\d+)', text)}


def s_client(gateway: Gateway, *arguments: str, say: bytes = b"") -> str:
    """What `openssl s_client` shows of a connection to the gateway."""
    command = ["openssl", "s_client", "-connect", gateway.address, *arguments]
    done = subprocess.run(command, input=say, capture_output=True, timeout=DEADLINE, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_run_by_each_version(
    start_orchestrator: StartOrchestrator,
    start_gateway: StartGateway,
    connect: Connect,
    authority: Authority,
    issued: Issued,
    version: ssl.TLSVersion,
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    gateway = start_gateway(encrypted(issued, orchestrator.url))
    context = authority.client()
    context.maximum_version = version
    connection = connect(gateway.address, tls=context)
    assert isinstance(connection.socket, ssl.SSLSocket)
    assert connection.socket.version() == version.name.replace("_", ".")
    for _ in range(3):
        assert data(connection.ask(*GET)) == CHAT
    assert orchestrator.requests[0].get("x-forwarded-proto") == "https"


def test_curl_and_httpx_read_streams(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, authority: Authority, issued: Issued
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    gateway = start_gateway(encrypted(issued, orchestrator.url, listen={"hsts": "180d"}))
    url = f"https://{gateway.address}{GET[1]}"
    command = ["curl", "-sSi", "--max-time", str(DEADLINE), "--cacert", str(authority.file), url]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=True).stdout
    assert all(f"data: {text}\n" in shown for text in CHAT)
    assert "Strict-Transport-Security: max-age=15552000\n" in shown
    with httpx.Client(verify=authority.client(), timeout=DEADLINE) as client:
        with client.stream("GET", url) as answer:
            assert [line[6:] for line in answer.iter_lines() if line.startswith("data: ")] == CHAT
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_only_good_versions_and_no_renegotiation(start_gateway: StartGateway, issued: Issued) -> None:
    gateway = start_gateway(encrypted(issued, "http://127.0.0.1:1"))
    assert "alert protocol version" in s_client(gateway, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert "New, TLSv1.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256" in s_client(gateway, "-tls1_2")
    shown = s_client(gateway, "-tls1_2", "-cipher", "AES128-SHA")
    assert "handshake failure" in shown
    assert "Compression: NONE" in s_client(gateway, "-tls1_2")
    again = s_client(gateway, "-tls1_2", say=b"R\n")
    assert "no renegotiation" in again
    assert "ALPN protocol: http/1.1" in s_client(gateway, "-alpn", "foo,http/1.1")
    assert "no application protocol" in s_client(gateway, "-alpn", "foo")


def resumed(gateway: Gateway, context: ssl.SSLContext, session: ssl.SSLSession | None) -> ssl.SSLSession | None:
    """Use a session on a connection of its own; the session for the next one, or None where it did not go on."""
    with Connection(gateway.address, tls=context, session=session) as connection:
        assert connection.ask("GET", "/nowhere").status == 404
        assert isinstance(connection.socket, ssl.SSLSocket)
        went_on = connection.socket.session_reused
        return connection.socket.session if session is None or went_on else None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_go_on_across_workers_and_key_changes(
    start_gateway: StartGateway, authority: Authority, issued: Issued, version: ssl.TLSVersion
) -> None:
    gateway = start_gateway({**encrypted(issued, "http://127.0.0.1:1", ticket_rotation="1h"), "workers": 4})
    context = authority.client()
    context.maximum_version = version
    first = session = resumed(gateway, context, None)
    for _ in range(12):
        session = resumed(gateway, context, session)
        assert session
    assert figures(gateway, "sluice_tls_handshakes_total")["resumed"] == 12
    # A reload keeps the keys.
    gateway.signal(signal.SIGHUP)
    gateway.wait_for_log("reloaded")
    assert resumed(gateway, context, first)


def test_tickets_do_not_outlive_their_keys(start_gateway: StartGateway, authority: Authority, issued: Issued) -> None:
    gateway = start_gateway(encrypted(issued, "http://127.0.0.1:1", ticket_rotation="1s"))
    context = authority.client()
    session = resumed(gateway, context, None)
    assert session
    eventually(lambda: resumed(gateway, context, session) is None, "the ticket's key is forgotten")


def test_each_host_has_its_certificate(
    start_gateway: StartGateway, connect: Connect, authority: Authority, issued: Issued
) -> None:
    more = [authority.issue(f"*.{name}.example", file=name).settings for name in ("b", "c")]
    gateway = start_gateway(encrypted(issued, "http://127.0.0.1:1", certificates=more))
    for host in ("localhost", "x.b.example", "y.c.example"):
        connect(gateway.address, tls=authority.client(), server_name=host)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(gateway.address, tls=authority.client(), server_name="z.x.b.example")


def test_clients_show_certificates(
    start_gateway: StartGateway, connect: Connect, tmp_path: Path, authority: Authority, issued: Issued
) -> None:
    clients = Authority(tmp_path, "clients")
    mine, foreign = clients.issue("me", file="me"), Authority(tmp_path, "others").issue("me", file="foreign")
    gateway = start_gateway(encrypted(issued, "http://127.0.0.1:1", client_ca=str(clients.file)))
    assert connect(gateway.address, tls=authority.client(mine)).ask("GET", "/nowhere").status == 404
    for shown in (None, foreign):
        with pytest.raises((ssl.SSLError, CutShort, ConnectionError)):
            connect(gateway.address, tls=authority.client(shown)).ask("GET", "/nowhere")
    gateway.wait_for_log("handshake", result="failed", detail="peer did not return a certificate")
    gateway.wait_for_log("handshake", result="failed", detail="certificate: unable to get local issuer certificate")


@pytest.mark.parametrize("seed", range(4))
def test_garbage_is_survived(
    start_gateway: StartGateway, connect: Connect, authority: Authority, issued: Issued, seed: int
) -> None:
    gateway = start_gateway(encrypted(issued, "http://127.0.0.1:1"))
    dice = random.Random(seed)
    for _ in range(30):
        with Connection(gateway.address) as connection:
            start = dice.choice([b"", b"\x16\x03\x01", b"\x16\x03\x03\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x80\x2e"])
            connection.send(start + dice.randbytes(dice.randrange(1, 4000)))
            if dice.random() < 0.5:
                with suppress(OSError):
                    connection.socket.shutdown(socket.SHUT_WR)
                connection.read_to_end()
    assert connect(gateway.address, tls=authority.client()).ask("GET", "/nowhere").status == 404


def test_a_plain_request_is_told(start_gateway: StartGateway, issued: Issued) -> None:
    gateway = start_gateway(encrypted(issued, "http://127.0.0.1:1"))
    answer = ask(gateway.address, "GET", "/process/stream")
    assert (answer.status, answer.get("content-type")) == (400, "text/plain; charset=utf-8")
    assert answer.body == b"this port speaks TLS only: use https\n"


def test_a_handshake_has_its_time_and_its_rate(
    start_gateway: StartGateway, connect: Connect, authority: Authority, issued: Issued
) -> None:
    gateway = start_gateway(encrypted(issued, "http://127.0.0.1:1", handshake_timeout="200ms", handshakes="7200/h"))
    slow = connect(gateway.address)
    slow.send(b"\x16\x03\x01")
    assert slow.read_to_end() == b""
    gateway.wait_for_log("handshake", result="timeout")
    connect(gateway.address, tls=authority.client())
    with pytest.raises((ssl.SSLError, ConnectionError)):
        for _ in range(20):
            connect(gateway.address, tls=authority.client())
    gateway.wait_for_log("handshake", result="limited")
    counted = figures(gateway, "sluice_tls_handshakes_total")
    assert counted["timeout"] == 1 and counted["full"] >= 1 and counted["limited"] >= 1


def test_a_client_that_half_closes_is_gone(
    start_orchestrator: StartOrchestrator,
    start_gateway: StartGateway,
    authority: Authority,
    issued: Issued,
) -> None:
    orchestrator = start_orchestrator(scripted.gated(Gate()))
    gateway = start_gateway(encrypted(issued, orchestrator.url))
    connection = Connection(gateway.address, tls=authority.client())
    connection.ask(*GET).read_events(2)
    plain = connection.socket.detach()
    with socket.socket(fileno=plain) as descriptor:
        descriptor.shutdown(socket.SHUT_WR)
        gateway.finished(reason="client_closed")


@pytest.mark.parametrize("seed", range(3))
def test_a_slow_reader_gets_every_byte_once(
    start_orchestrator: StartOrchestrator,
    start_gateway: StartGateway,
    connect: Connect,
    authority: Authority,
    issued: Issued,
    seed: int,
) -> None:
    dice = random.Random(seed)
    texts = [f"{n} " + "x" * dice.randrange(30000) for n in range(200)]
    orchestrator = start_orchestrator(scripted.chat(*texts, "[DONE]"))
    settings = encrypted(issued, orchestrator.url)
    settings["streams"] = {"client_buffer": "16MiB", "log": {"bytes": "16MiB"}}
    gateway = start_gateway(settings)
    connection = connect(gateway.address, tls=authority.client(), receive_buffer=4096)
    connection.request(*GET)
    assert data(connection.answer()) == [*texts, "[DONE]"]


def test_new_certificates_come_with_a_reload_and_streams_go_on(
    start_orchestrator: StartOrchestrator,
    start_gateway: StartGateway,
    connect: Connect,
    authority: Authority,
    issued: Issued,
) -> None:
    gate = Gate()
    orchestrator = start_orchestrator(scripted.gated(gate))
    settings = encrypted(issued, orchestrator.url)
    gateway = start_gateway(settings)
    live = connect(gateway.address, tls=authority.client()).ask(*GET)
    live.read_events(2)
    # A key that is not the certificate's refuses the whole reload.
    key = issued.key.read_bytes()
    other = authority.issue("new.example", file="other")
    issued.key.write_bytes(other.key.read_bytes())
    gateway.configuration.write_text(yaml({**settings, "streams": {"retry": "7s"}}))
    gateway.signal(signal.SIGHUP)
    line = gateway.wait_for_log("reload_refused")
    assert f'listen[0].tls.key: given "{issued.key}", a private key that is not the' in line.values["problem"]
    issued.key.write_bytes(key)
    connect(gateway.address, tls=authority.client())
    # The same files with another content are enough.
    issued.certificate.write_bytes(other.certificate.read_bytes())
    issued.key.write_bytes(other.key.read_bytes())
    gateway.signal(signal.SIGHUP)
    gateway.wait_for_log("reloaded")
    connect(gateway.address, tls=authority.client(), server_name="new.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(gateway.address, tls=authority.client())
    gate.open()
    assert data(live) == CHAT


def test_plain_clients_are_sent_on(start_gateway: StartGateway, issued: Issued) -> None:
    settings = encrypted(issued, "http://127.0.0.1:1")
    settings["listen"][1] = {"address": "127.0.0.1:0", "redirect": "https:8443"}
    gateway = start_gateway(settings)
    answer = ask(gateway.addresses[1], "POST", "/process/stream?a=b", [("Host", "chat.example:80")], b"{}")
    assert (answer.status, answer.get("location")) == (308, "https://chat.example:8443/process/stream?a=b")


def test_a_bad_certificate_does_not_start(tmp_path: Path, issued: Issued) -> None:
    issued.certificate.write_text("nothing\n")
    file = tmp_path / "sluice.yaml"
    file.write_text(yaml(encrypted(issued, "http://127.0.0.1:1")))
    done = run_command("check", str(file))
    assert done.returncode == 78
    assert f'listen[0].tls.certificate: given "{issued.certificate}", a file without a PEM cert' in done.stderr


def test_an_expired_certificate_is_told(start_gateway: StartGateway, authority: Authority) -> None:
    old = authority.issue("localhost", file="old", seconds=(-7200, -3600))
    gateway = start_gateway(encrypted(old, "http://127.0.0.1:1"))
    gateway.wait_for_log("certificate_expired", file=str(old.certificate))


def upstream(orchestrator: scripted.Orchestrator, **tls: Any) -> dict[str, Any]:
    """Settings for an orchestrator by https."""
    return chat(orchestrator.url, upstream={"tls": tls} if tls else {})


def test_an_orchestrator_by_https(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, tmp_path: Path, authority: Authority, issued: Issued
) -> None:
    context = authority.server(issued)
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    orchestrator = start_orchestrator(scripted.chat(), tls=context)
    mine = authority.issue("gateway", file="gateway")
    gateway = start_gateway(upstream(orchestrator, ca=str(authority.file), **mine.settings))
    for _ in range(5):
        assert data(ask(gateway.address, *GET)) == CHAT
    assert orchestrator.requests[0].get("host") == f"127.0.0.1:{orchestrator.port}"
    assert orchestrator.connections_made < 5, "connections are used again"


@pytest.mark.parametrize("wrong", ["host", "issuer", "expired", "nothing"])
def test_an_orchestrator_that_proves_nothing_is_asked_nothing(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, tmp_path: Path, authority: Authority, wrong: str
) -> None:
    bad = {
        "host": authority.issue("127.0.0.2", file="host"),
        "issuer": Authority(tmp_path, "others").issue("127.0.0.1", file="issuer"),
        "expired": authority.issue("127.0.0.1", file="expired", seconds=(-7200, -3600)),
    }.get(wrong)
    orchestrator = start_orchestrator(scripted.chat(), tls=authority.server(bad) if bad else None)
    settings = upstream(orchestrator, ca=str(authority.file))
    settings["upstreams"]["chat"]["endpoints"] = [f"https://127.0.0.1:{orchestrator.port}"]
    gateway = start_gateway(settings)
    answer = ask(gateway.address, *GET)
    reason = answer.events[-1].json["reason"]
    assert reason == ("upstream_timeout" if wrong == "nothing" else "upstream_unreachable")
    detail = gateway.wait_for_log("upstream_failed").values["detail"]
    assert {
        "host": "ip address mismatch",
        "issuer": "unable to get local issuer certificate",
        "expired": "certificate has expired",
        "nothing": "connect_timeout passed",
    }[wrong] in detail
    assert not orchestrator.requests


def test_the_system_believes_no_test_authority(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, authority: Authority, issued: Issued
) -> None:
    orchestrator = start_orchestrator(scripted.chat(), tls=authority.server(issued))
    gateway = start_gateway(upstream(orchestrator))
    assert ask(gateway.address, *GET).events[-1].json["reason"] == "upstream_unreachable"
    careless = start_gateway(upstream(orchestrator, verify=False))
    assert data(ask(careless.address, *GET)) == CHAT
    assert "insecure" in run_command("check", str(careless.configuration)).stdout


def test_many_clients_come_and_go(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, authority: Authority, issued: Issued
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    gateway = start_gateway({**encrypted(issued, orchestrator.url), "workers": 2})
    context = authority.client()
    ask(gateway.addresses[1], "GET", "/health")
    before = gateway.descriptors + 4
    for _ in range(150):
        with Connection(gateway.address, tls=context) as connection:
            assert data(connection.ask(*GET)) == CHAT
    gateway.wait_for(lambda: gateway.descriptors <= before, "no descriptor is left")
