"""A raw HTTP/1.1 client that shows the exact bytes, and an event stream parser that follows the WHATWG rules."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from waiting import DEADLINE

Fields = Iterable[tuple[str, str]]


class CutShort(Exception):
    """The connection ended before the answer did. What had arrived is in `received`."""

    def __init__(self, received: bytes | bytearray):
        super().__init__(f"connection ended in the middle of an answer, after {bytes(received)[-300:]!r}")
        self.received = bytes(received)


class Event(NamedTuple):
    """One event as a browser would dispatch it."""

    type: str
    data: str
    id: str

    @property
    def json(self) -> Any:
        """The data, which must be JSON, as a value."""
        return json.loads(self.data)


@dataclass
class EventStream:
    """Everything that can be read in the bytes of an event stream."""

    events: list[Event] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    last_event_id: str = ""
    retry: int | None = None


def parse_event_stream(body: bytes) -> EventStream:
    """Interpret an event stream as WHATWG HTML, section 9.2.6, says; an unfinished last block counts for nothing."""
    text = body.decode("utf-8", errors="replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    stream = EventStream()
    data: list[str] = []
    kind = identifier = ""
    for line in lines[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            stream.last_event_id = identifier
            if data:
                stream.events.append(Event(kind or "message", "\n".join(data), identifier))
            data, kind = [], ""
        elif not name:
            stream.comments.append(value)
        elif name == "data":
            data.append(value)
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            identifier = value
        elif name == "retry" and value.isascii() and value.isdigit():
            stream.retry = int(value)
    return stream


class Answer:
    """One answer: its head, and its body as far as it has arrived, without the transfer coding."""

    def __init__(self, connection: Connection, raw_head: bytes, bodiless: bool):
        lines = raw_head.decode("latin-1").split("\r\n")
        self.raw_head = raw_head
        self.version, status, self.reason = (lines[0].split(" ", 2) + [""])[:3]
        self.status = int(status)
        self.fields = [(n.lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:] if line)]
        self.body = bytearray()
        self.complete = False
        self._connection = connection
        self._left: int | None = None
        self._chunked = "chunked" in (self.get("transfer-encoding") or "")
        if bodiless or self.status in (204, 304) or self.status < 200:
            self.complete = True
        elif not self._chunked and (length := self.get("content-length")) is not None:
            self._left = int(length)
            self.complete = self._left == 0

    def __repr__(self) -> str:
        return f"<{self.raw_head.decode('latin-1')!r} {bytes(self.body)!r} complete={self.complete}>"

    def get(self, name: str) -> str | None:
        """The value of the field `name` (lower case), or None; it must not occur twice."""
        values = [value for key, value in self.fields if key == name]
        assert len(values) <= 1, f"{name} occurs {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def stream(self) -> EventStream:
        """The body so far as an event stream."""
        return parse_event_stream(bytes(self.body))

    @property
    def events(self) -> list[Event]:
        """The events of the body so far."""
        return self.stream.events

    @property
    def json(self) -> Any:
        """The whole body as JSON."""
        return json.loads(bytes(self.read_all()))

    @property
    def run(self) -> str:
        """The run that this answer belongs to."""
        run = self.get("sluice-run")
        assert run, f"no Sluice-Run in {self!r}"
        return run

    def read_all(self) -> bytes:
        """Read the body to its end. Raises CutShort when the connection ends first."""
        while not self.complete:
            self._read_more()
        return bytes(self.body)

    def read_until(self, part: bytes) -> bytes:
        """Read until `part` has arrived and return the body so far. Raises CutShort when it cannot arrive any more."""
        while part not in self.body:
            if self.complete:
                raise CutShort(self.body)
            self._read_more()
        return bytes(self.body)

    def read_events(self, count: int) -> list[Event]:
        """Read until `count` events have arrived, and return all that have."""
        while len(events := self.events) < count:
            if self.complete:
                raise CutShort(self.body)
            self._read_more()
        return events

    def _read_more(self) -> None:
        if self._chunked:
            self._read_chunk()
        elif self._left is not None:
            piece = self._connection.take(self._left)
            if not piece:
                raise CutShort(self.body)
            self.body += piece
            self._left -= len(piece)
            self.complete = self._left == 0
        else:
            piece = self._connection.take()
            self.body += piece
            self.complete = not piece

    def _read_chunk(self) -> None:
        line = self._connection.read_through(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            while self._connection.read_through(b"\r\n") != b"\r\n":
                pass
            self.complete = True
            return
        chunk = self._connection.read_exactly(size + 2)
        assert chunk.endswith(b"\r\n"), f"chunk without its line end: {chunk[-40:]!r}"
        self.body += chunk[:-2]


class Connection:
    """One client connection. Every wait on it is bounded, and ends in an exception that shows what had arrived."""

    def __init__(
        self,
        address: str,
        receive_buffer: int | None = None,
        tls: ssl.SSLContext | None = None,
        server_name: str = "localhost",
        session: ssl.SSLSession | None = None,
    ):
        self.address = address
        self.received = bytearray()
        self.was_reset = False
        target: str | tuple[str, int]
        if address.startswith("unix:"):
            self.socket, target = socket.socket(socket.AF_UNIX), address.removeprefix("unix:")
        else:
            host, _, port = address.rpartition(":")
            family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
            self.socket, target = socket.socket(family), (host.strip("[]"), int(port))
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        try:
            self.socket.connect(target)
        except OSError:
            self.socket.close()
            raise
        if self.socket.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=server_name, session=session)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave with a FIN (or a RST, when something had arrived that was not read)."""
        self.socket.close()

    def reset(self) -> None:
        """Leave with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send `data` as it is."""
        self.socket.sendall(data)

    def request(self, method: str, target: str, fields: Fields = (), body: bytes | None = None) -> None:
        """Send a request; Host and Content-Length are added where `fields` does not have them."""
        fields = list(fields)
        names = {name.lower() for name, _ in fields}
        if "host" not in names:
            fields.insert(0, ("Host", "localhost" if self.address.startswith("unix:") else self.address))
        if body is not None and not names & {"content-length", "transfer-encoding"}:
            fields.append(("Content-Length", str(len(body))))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n"
        self.send(head.encode("latin-1") + (body or b""))

    def answer(self, method: str = "GET") -> Answer:
        """Read the head of the next answer, which may be an interim one; the body is read through the answer."""
        return Answer(self, self.read_through(b"\r\n\r\n"), bodiless=method == "HEAD")

    def ask(self, method: str, target: str, fields: Fields = (), body: bytes | None = None) -> Answer:
        """Send a request and read the head of its answer."""
        self.request(method, target, fields, body)
        return self.answer(method)

    def read_through(self, mark: bytes) -> bytes:
        """Read up to and including `mark`."""
        while (end := self.received.find(mark)) < 0:
            if not self._receive():
                raise CutShort(self.received)
        return self._remove(end + len(mark))

    def read_exactly(self, count: int) -> bytes:
        """Read `count` bytes."""
        while len(self.received) < count:
            if not self._receive():
                raise CutShort(self.received)
        return self._remove(count)

    def take(self, most: int | None = None) -> bytes:
        """Whatever has arrived or arrives next, at most `most` bytes; nothing at the end."""
        if not self.received:
            self._receive()
        return self._remove(len(self.received) if most is None else most)

    def read_to_end(self) -> bytes:
        """Read until the server closes, be it with a FIN or a RST."""
        while self._receive():
            pass
        return self._remove(len(self.received))

    def _receive(self) -> bool:
        try:
            piece = self.socket.recv(65536)
        except TimeoutError:
            raise AssertionError(f"nothing came for {DEADLINE:g} s, after {bytes(self.received)[-300:]!r}") from None
        except ConnectionResetError:
            self.was_reset, piece = True, b""
        self.received += piece
        return bool(piece)

    def _remove(self, count: int) -> bytes:
        taken = bytes(self.received[:count])
        del self.received[:count]
        return taken


def ask(address: str, method: str, target: str, fields: Fields = (), body: bytes | None = None) -> Answer:
    """One request on a connection of its own, its answer read to the end."""
    with Connection(address) as connection:
        answer = connection.ask(method, target, fields, body)
        answer.read_all()
        return answer
