"""A world and stages for the fault tests."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Protocol, TypeVar

import pytest

from cleargate.store.embedded import EmbeddedPostgres
from tests.workflows.stage import Stage, World, open_stage, open_world


class StageMaker(Protocol):
    """Opens a stage in a world."""

    def __call__(self, world: World, speed: float = ...) -> AbstractContextManager[Stage]: ...


AT_ONCE = 14

Key = TypeVar("Key")


def all_at_once(keys: Iterable[Key], run: Callable[[Key], None]) -> dict[Key, Future[None]]:
    """Many runs at once, whose tests then ask one by one: most of a run is waiting for a lease.

    They are over before the first test begins: pytest changes the environment with every test,
    and whoever reads all of it in another thread at that moment fails.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {key: pool.submit(run, key) for key in keys}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("world")) as opened:
        yield opened


@pytest.fixture(scope="session")
def make_stage(
    cluster: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> StageMaker:
    """Opens stages in the session's cluster."""
    folder = tmp_path_factory.mktemp("stages")

    def make(world: World, speed: float = 60.0) -> AbstractContextManager[Stage]:
        return open_stage(world, cluster, template, folder, speed)

    return make


@pytest.fixture
def stage(world: World, make_stage: StageMaker) -> Iterator[Stage]:
    """A stage of this test's own."""
    with make_stage(world) as opened:
        yield opened


@contextmanager
def demo_home() -> Iterator[Path]:
    """A folder for a demo: as root its Postgres is another user, who cannot enter tmp_path."""
    folder = Path(mkdtemp(prefix="cleargate-rehearsal-"))
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)
