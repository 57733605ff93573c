"""The HTTP server keeps connections, refuses what is too large, and resets for real."""

import socket

import pytest

from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.trees import text
from tests.unit.sandbox.peers import Peer

GET = b"GET /_admin/health HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(sandbox: Sandbox) -> socket.socket:
    port = int(text(sandbox.ready, "base_url").rsplit(":", 1)[1])
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def read_reply(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data or len(data) < data.index(b"\r\n\r\n") + 4 + _length(data):
        part = sock.recv(65536)
        if not part:
            return data
        data += part
    return data


def _length(data: bytes) -> int:
    head = data.partition(b"\r\n\r\n")[0].lower()
    return int(head.rpartition(b"content-length: ")[2].split(b"\r\n")[0])


def test_one_connection_carries_many_requests(sandbox: Sandbox) -> None:
    with connect(sandbox) as sock:
        for _ in range(3):
            sock.sendall(GET)
            assert read_reply(sock).startswith(b"HTTP/1.1 200")


def test_request_may_arrive_in_small_pieces(sandbox: Sandbox) -> None:
    with connect(sandbox) as sock:
        for byte in GET:
            sock.sendall(bytes([byte]))
        assert read_reply(sock).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", b"413"),
    ],
)
def test_bad_request_gets_its_status_and_the_end(
    sandbox: Sandbox, sent: bytes, status: bytes
) -> None:
    with connect(sandbox) as sock:
        sock.sendall(sent)
        assert read_reply(sock).split()[1] == status


def test_reset_is_a_real_reset(peer: Peer) -> None:
    peer.plan("reset_before_commit", "ehr:riverside:discover:metadata")
    with connect(peer.sandbox) as sock:
        sock.sendall(GET.replace(b"_admin/health", b"riverside/fhir/metadata"))
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_lost_reply_is_a_clean_close(peer: Peer) -> None:
    peer.plan("lost_reply", "ehr:riverside:discover:metadata")
    with connect(peer.sandbox) as sock:
        sock.sendall(GET.replace(b"_admin/health", b"riverside/fhir/metadata"))
        assert sock.recv(1) == b""


def test_truncated_body_promises_more_than_it_sends(peer: Peer) -> None:
    peer.plan("truncated_body", "ehr:riverside:discover:metadata")
    with connect(peer.sandbox) as sock:
        sock.sendall(GET.replace(b"_admin/health", b"riverside/fhir/metadata"))
        reply = read_reply(sock)
    body = reply.partition(b"\r\n\r\n")[2]
    assert 0 < len(body) < _length(reply)


def test_it_listens_on_loopback_only(sandbox: Sandbox) -> None:
    assert text(sandbox.ready, "base_url").startswith("http://127.0.0.1:")
    port = int(text(sandbox.ready, "base_url").rsplit(":", 1)[1])
    with socket.socket() as sock:
        # All of 127/8 is loopback; a server on every address would answer here.
        assert sock.connect_ex(("127.0.0.2", port)) != 0
