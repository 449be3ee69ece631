"""A service that says who may come in, as gateways ask one about their clients."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrators.scripted import Exchange, Gate, Orchestrator, Request, Script

ALICE = ("Authorization", "Key alice")
ALICE_ELSEWHERE = ("Authorization", "Key alice-phone")
BOB = ("Authorization", "Key bob")
#: Who comes with these is known, and may not come in.
MALLORY = ("Authorization", "Key mallory")

_SUBJECTS: Mapping[str, str] = {"Key alice": "alice", "Key alice-phone": "alice", "Key bob": "bob"}
#: What the service says to those whom it does not let in; they are to hear it.
UNKNOWN_BODY = b'{"error":"who are you?"}'
DENIED_BODY = b"<p>not you, mallory</p>"
CHALLENGE = 'Key realm="the service", Bearer'


class AuthorizationService(Orchestrator):
    """The service. Every question is in `requests`; `instead` answers them all with something else."""

    def __init__(self) -> None:
        super().__init__(self._serve)
        self.instead: Script | None = None
        self._gate: Gate | None = None

    @property
    def shown(self) -> list[str | None]:
        """The Authorization of each question."""
        return [request.get("authorization") for request in self.requests]

    def hold(self) -> Gate:
        """Answer no question from now on before the gate is open."""
        self._gate = Gate()
        return self._gate

    async def _serve(self, exchange: Exchange) -> None:
        if self._gate:
            await self._gate.passed()
        await (self.instead or _verdict(exchange.request))(exchange)


def say(status: int, body: bytes = b"", *fields: str) -> Script:
    """An answer with this status and body and these fields."""

    async def script(exchange: Exchange) -> None:
        length = [] if status == 204 else [f"Content-Length: {len(body)}"]
        head = "\r\n".join([f"HTTP/1.1 {status} Status", *length, *fields, "", ""])
        await exchange.send(head.encode() + body)

    return script


def _verdict(request: Request) -> Script:
    shown = request.get("authorization") or ""
    if subject := _SUBJECTS.get(shown):
        return say(200, b"welcome", f"X-Subject: {subject}", "Set-Cookie: service=1")
    if shown == MALLORY[1]:
        return say(403, DENIED_BODY, "Content-Type: text/html")
    return say(401, UNKNOWN_BODY, "Content-Type: application/json", f"WWW-Authenticate: {CHALLENGE}")
