"""An installation of the module's own, with every role, and a folder for its backups."""

from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest

from cleargate.store.embedded import EmbeddedPostgres
from tests.backup.installation import Backups, let_in
from tests.house import House


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not tmp_path: as root the scratch's Postgres is somebody else, who cannot enter it."""
    made = Path(mkdtemp(prefix="cleargate-backups-"))
    yield made
    rmtree(made)


@pytest.fixture
def backups(house: House, cluster: EmbeddedPostgres, folder: Path) -> Backups:
    let_in(house.owner_url)
    return Backups(house, folder, cluster)
