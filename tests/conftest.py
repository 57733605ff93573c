"""What every test may use, and what none may do."""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from cleargate.store.embedded import EmbeddedPostgres
from tests.postgres import temporary_cluster


def pytest_configure(config: pytest.Config) -> None:
    """Leave out the tests marked `long` unless -m says otherwise."""
    config.option.markexpr = config.option.markexpr or "not long"


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedPostgres]:
    """One embedded Postgres for the session; see `tests.postgres.fresh_database`."""
    with temporary_cluster() as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """No test may talk to anything outside this machine, not even by accident."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guarded(name))
        yield


def _guarded(name: str) -> Any:
    original = getattr(socket.socket, name)

    def guarded(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if self.family != socket.AF_UNIX and not _is_loopback(address[0]):
            raise PermissionError(f"a test tried to reach {address[0]}: only loopback is allowed")
        return original(self, *arguments)

    return guarded


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
