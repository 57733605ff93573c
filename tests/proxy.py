"""A line to Postgres that can be cut: what lies between a process and its database, in a thread.

It knows as much of the wire protocol as it takes to recognise a COMMIT and its answer.
Source: Postgres 18, "Frontend/Backend Protocol", 54.7.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

import sqlalchemy as sa

CHUNK = 65_536
_COMMITTED = (b"C", b"COMMIT\0")
_COMMIT = (b"Q", b"COMMIT\0")


class Loss(Enum):
    """Which half of a COMMIT is lost with its connection."""

    REQUEST = auto()
    ANSWER = auto()


@dataclass(eq=False)
class _Pair:
    """One client's connection and ours to the server."""

    client: socket.socket
    server: socket.socket
    forgotten: bool = False

    def close(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@dataclass
class Proxy:
    """Listens on loopback and passes on to a server's socket, until told otherwise."""

    upstream: Callable[[], socket.socket]
    commits: int = 0
    """How many COMMITs came by, in the direction of `loss`."""
    loss: Loss = Loss.ANSWER
    _lose: frozenset[int] = frozenset()
    _pairs: set[_Pair] = field(default_factory=set)
    _passes: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> "Proxy":
        self._passes.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        self._passes.set()

    def url(self, url: str) -> str:
        """One of our URLs, led through the proxy."""
        led = sa.make_url(url).set(
            host="127.0.0.1",
            port=self.port,
            query={"sslmode": "disable", "gssencmode": "disable"},
        )
        return led.render_as_string(hide_password=False)

    # -- what may happen to a line

    def swallow(self) -> None:
        """A black hole: nothing passes, nothing closes; new connections fall into it as well."""
        self._passes.clear()

    def release(self) -> None:
        """What was held up arrives after all."""
        self._passes.set()

    def forget(self) -> None:
        """A NAT that forgot: what is connected now never passes again; new connections work."""
        with self._lock:
            for pair in self._pairs:
                pair.forgotten = True

    def cut(self) -> None:
        """Close every connection."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            pair.close()

    def lose(self, *which: int, loss: Loss = Loss.ANSWER) -> None:
        """Count COMMITs anew; these, from 1 on, are lost, each with its connection."""
        with self._lock:
            self.commits, self._lose, self.loss = 0, frozenset(which), loss

    # -- passing on

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                pair = _Pair(client, self.upstream())
            except OSError:
                if self._listener.fileno() < 0:
                    return
                client.close()
                continue
            with self._lock:
                self._pairs.add(pair)
            for way in (self._to_server, self._to_client):
                threading.Thread(target=way, args=(pair,), daemon=True).start()

    def _to_server(self, pair: _Pair) -> None:
        self._pass_on(pair, pair.client, pair.server, _COMMIT, Loss.REQUEST, skip_startup=True)

    def _to_client(self, pair: _Pair) -> None:
        self._pass_on(pair, pair.server, pair.client, _COMMITTED, Loss.ANSWER)

    def _pass_on(
        self,
        pair: _Pair,
        source: socket.socket,
        target: socket.socket,
        sign: tuple[bytes, bytes],
        loss: Loss,
        *,
        skip_startup: bool = False,
    ) -> None:
        frames = _Frames(skip_startup)
        try:
            while chunk := source.recv(CHUNK):
                for frame, message in frames.feed(chunk):
                    if message == sign and self._is_lost(loss):
                        return
                    self._passes.wait()
                    if not pair.forgotten:
                        target.sendall(frame)
        except OSError:
            return  # Either end went away, which ends the other.
        finally:
            if not pair.forgotten:
                pair.close()
                with self._lock:
                    self._pairs.discard(pair)

    def _is_lost(self, loss: Loss) -> bool:
        with self._lock:
            if loss is not self.loss:
                return False
            self.commits += 1
            return self.commits in self._lose


class _Frames:
    """Cuts a stream into the protocol's messages."""

    def __init__(self, skip_startup: bool) -> None:
        self._kept = b""
        self._in_startup = skip_startup

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, tuple[bytes, bytes]]]:
        """Every whole message: its bytes, and its type and content."""
        self._kept += chunk
        while True:
            head = 0 if self._in_startup else 1
            if len(self._kept) < head + 4:
                return
            size = head + int.from_bytes(self._kept[head : head + 4], "big")
            if len(self._kept) < size:
                return
            frame, self._kept = self._kept[:size], self._kept[size:]
            self._in_startup = False
            yield frame, (frame[:head], frame[head + 4 :])


def to_unix(url: str) -> Callable[[], socket.socket]:
    """Connects to the Unix socket that one of the embedded server's URLs names."""
    folder = str(sa.make_url(url).query["host"])

    def connect() -> socket.socket:
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(f"{folder}/.s.PGSQL.5432")
        return upstream

    return connect
