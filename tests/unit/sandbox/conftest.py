"""A sandbox of one tenant and a signed-in peer; faults only where a test plans them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.world import SandboxOptions
from tests.unit.sandbox.peers import Peer


@pytest.fixture
def options(tmp_path: Path) -> SandboxOptions:
    return SandboxOptions(tmp_path / "sandbox", faults="none", tenants=("riverside",))


@pytest.fixture
def sandbox(options: SandboxOptions) -> Iterator[Sandbox]:
    with Sandbox(options) as running:
        yield running


@pytest.fixture
def peer(sandbox: Sandbox) -> Iterator[Peer]:
    with Peer(sandbox) as client:
        yield client.sign_in()
