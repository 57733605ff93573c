"""What every test may use, and what none may do."""

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cleargate.store.embedded import EmbeddedPostgres
from tests.house import House, TurnedClock, make_template, open_house
from tests.postgres import temporary_cluster
from tests.unit.connectors.authority import Authority

LONGEST = (
    "security/test_demo_canary.py",
    "workflows/test_kills.py",
    "workflows/test_rehearsal.py",
    "operations/",
    "workflows/",
    "backup/",
    "web/browser/",
    "conformance/test_under_heavy_faults.py",
    "unit/store/test_embedded.py",
    "fuzz/",
)
"""Files and folders that take long. They come first, so that no process is alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that take long first; otherwise leave the order as it is."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    file = item.path.relative_to(Path(__file__).parent).as_posix()
    return next(
        (place for place, name in enumerate(LONGEST) if file.startswith(name)), len(LONGEST)
    )


def pytest_configure(config: pytest.Config) -> None:
    """Leave out the tests marked `long` unless -m says otherwise."""
    config.option.markexpr = config.option.markexpr or "not long"


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedPostgres]:
    """One embedded Postgres for the session; see `tests.postgres.fresh_database`."""
    with temporary_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def template(cluster: EmbeddedPostgres) -> str:
    """A migrated database to copy from, so that a copy costs no migration."""
    return make_template(cluster)


@pytest.fixture(scope="module")
def house(
    cluster: EmbeddedPostgres,
    template: str,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """A house of this module's own; its tests share it, so each makes the cases that it needs."""
    name = request.module.__name__.rpartition("tests.")[2].replace(".", "_")[-60:]
    key_file = tmp_path_factory.mktemp("keys") / "key"
    with open_house(cluster, template, name, key_file) as opened:
        yield opened


@pytest.fixture
def clock() -> TurnedClock:
    """A clock that stands still at the present moment until it is turned."""
    return TurnedClock()


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """No test may talk to anything outside this machine, not even by accident."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guarded(name))
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust a single authority of our own: reading the world's takes each client 35 ms."""
    authority = Authority(tmp_path_factory.mktemp("authority"), "the tests' only authority")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority.file))
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
