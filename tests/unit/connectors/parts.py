"""What a connector needs to stand on its own feet: clock, secrets, tokens, budget, a raw peer."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import CaseId, Ref
from cleargate.nouns.outside import OutsideCall
from cleargate.ports import Token

NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)


def ref(step: str = "book", number: int = 1, generation: int = 1) -> Ref:
    return Ref(CaseId(UUID(int=number)), step, generation)


class FixedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime = NOW) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def after(self, wait: timedelta) -> datetime:
        return self.moment + wait

    def sleep(self, wait: timedelta) -> None:
        self.moment += wait


class Secrets(dict):
    """A SecretStore over a dict of references."""

    def get(self, reference: str) -> str:
        try:
            return self[reference]
        except KeyError:
            raise BadSettings(f"{reference} is not set") from None


class Tokens:
    """A TokenStore of one process, single-flight as the port asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[str, Token] = {}

    def current(self, connection: str) -> Token | None:
        return self._tokens.get(connection)

    def refresh(self, connection: str, stale: Token | None, mint: Callable[[], Token]) -> Token:
        with self._lock:
            held = self._tokens.get(connection)
            if held is None or held == stale:
                held = self._tokens[connection] = mint()
            return held


class Unlimited:
    """A RateBudget that counts and never runs out."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, connection: str) -> None:
        self.taken += 1


class Calls(list):
    """A Recorder that keeps the calls in the order of their ends."""

    def record(self, call: OutsideCall) -> None:
        self.append(call)


@contextmanager
def peer(*handlers: Callable[[socket.socket], None]):
    """A TCP server on loopback: each connection is given to the next handler, then closed.

    Yields its port.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for handler in handlers:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(20)
                    try:
                        handler(connection)
                    except OSError:
                        continue  # The client was cut off, as some tests want.

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=20)
    assert not thread.is_alive(), "the peer did not come to an end"


def read_request(connection: socket.socket) -> bytes:
    """Read one HTTP request with its body."""
    read = b""
    while b"\r\n\r\n" not in read:
        chunk = connection.recv(65536)
        if not chunk:
            return read
        read += chunk
    head, _, body = read.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """Close with RST in place of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def unused_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
