"""An installation that is backed up: the house of a test, its backup role, and a folder."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console

from cleargate.engine import durable
from cleargate.house import House as Opened
from cleargate.nouns.time import SystemClock
from cleargate.operations import backup
from cleargate.operations.backup_folder import Manifest, listed
from cleargate.settings import BackupSettings, Installation
from cleargate.store.database import Database
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import Keyring
from cleargate.store.migrate import migrate
from cleargate.store.roles import APP_ROLE, BACKUP_ROLE, RETENTION_ROLE, let_backup_read
from tests.house import APP_PASSWORD, House
from tests.postgres import fresh_database

ROLE_PASSWORD = "only-for-tests-too"


def let_in(owner_url: str) -> None:
    """What `cleargate migrate` does where the passwords of all roles are set."""
    migrate(owner_url, APP_PASSWORD, {BACKUP_ROLE: ROLE_PASSWORD, RETENTION_ROLE: ROLE_PASSWORD})
    durable.migrate(owner_url)
    let_backup_read(owner_url)


def url_of(owner_url: str, role: str) -> str:
    """The same database as another role."""
    url = sa.make_url(owner_url).set(username=role, password=ROLE_PASSWORD)
    return url.render_as_string(hide_password=False)


@dataclass(frozen=True)
class Backups:
    """What the tests do to an installation and its folder of backups."""

    house: House
    folder: Path
    cluster: EmbeddedPostgres

    @property
    def backup_url(self) -> str:
        return url_of(self.house.owner_url, BACKUP_ROLE)

    @property
    def retention_url(self) -> str:
        return url_of(self.house.owner_url, RETENTION_ROLE)

    @property
    def keys(self) -> LocalKeyFile:
        return LocalKeyFile(self.house.key_file)

    @property
    def opened(self) -> Opened:
        """The installation as a command of its own sees it; without practices' settings."""
        return Opened(
            installation=Installation(
                database_url=self.house.app_url,
                key_file=self.house.key_file,
                practices=self.folder,
            ),
            clock=SystemClock(1.0),
            keys=self.keys,
            database=self.house.database,
            settings={},
            profiles={},
        )

    def back_up(self, **changes: object) -> Manifest:
        """Make a backup as the command does; what is known of it then."""
        values = {"backup_database_url": self.backup_url, **changes}
        settings = BackupSettings.model_validate(values)
        backup.back_up(self.opened, settings, self.folder, Console(quiet=True))
        return listed(self.folder)[-1]

    def make(self, name: str = "sample.backup") -> Path:
        """Only the file, which nobody has tried out."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / name
        backup.make(self.keys, self.backup_url, file, datetime.now(UTC))
        return file

    def empty_database(self, name: str) -> str:
        return fresh_database(self.cluster, name)

    def app(self, owner_url: str) -> Database:
        """Another database with the keys of this house, as the app role."""
        url = sa.make_url(owner_url).set(username=APP_ROLE, password=APP_PASSWORD)
        rendered = url.render_as_string(hide_password=False)
        return Database(rendered, Keyring(self.keys))
