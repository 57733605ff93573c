import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.invalid", 80)])
def test_a_test_cannot_leave_this_machine(address):
    with socket.socket() as outside, pytest.raises(PermissionError, match="only loopback"):
        outside.connect(address)


def test_a_test_can_reach_a_listener_on_loopback():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as inside,
    ):
        assert inside.getpeername() == server.getsockname()
