"""A backup that an older release has made is brought to today's schema by restoring it."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from rich.console import Console

import cleargate.store
from cleargate.engine import durable
from cleargate.operations.restore import restore
from cleargate.store import cases, practices
from cleargate.store.database import Database
from cleargate.store.keyring import Keyring
from cleargate.store.roles import APP_ROLE, BACKUP_ROLE, let_backup_read
from tests.backup.installation import ROLE_PASSWORD, Backups, let_in
from tests.backup.test_round_trip import catalogue
from tests.house import APP_PASSWORD, open_case
from tests.postgres import fresh_database

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)


def migrated_to(owner_url: str, revision: str) -> None:
    """A database as a release of before has made it."""
    engine = sa.create_engine(owner_url)
    with engine.begin() as connection:
        config = Config()
        folder = Path(cleargate.store.__path__[0]) / "migrations"
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    durable.migrate(owner_url, APP_ROLE)
    let_backup_read(owner_url)


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_an_older_backup_is_brought_to_today_s_schema(backups: Backups, revision: str) -> None:
    old = fresh_database(backups.cluster, f"old_{revision}")
    migrated_to(old, revision)
    with closing(Database(_as_app(old), Keyring(backups.keys))) as database:
        with database.public() as connection:
            practice = practices.keep(connection, "sample-clinic", "Sample Clinic", "UTC")
        with database.session(practice) as session:
            case = open_case(session, NOW)
    url = sa.make_url(old).set(username=BACKUP_ROLE, password=ROLE_PASSWORD)
    manifest = backups.back_up(backup_database_url=url.render_as_string(hide_password=False))
    assert manifest.schema == revision
    assert manifest.is_good

    new = backups.empty_database(f"new_{revision}")
    restore(backups.opened, backups.folder / manifest.name, new, Console(quiet=True))
    let_in(new)  # `cleargate migrate`, once more: there is nothing left to do.
    fresh = fresh_database(backups.cluster, "fresh_catalogue")
    let_in(fresh)
    assert catalogue(new) == catalogue(fresh)
    with closing(backups.app(new)) as database, database.session(practice) as session:
        found = cases.get(session, case)
    assert found is not None
    assert UUID(str(found.id)) == case


def _as_app(owner_url: str) -> str:
    url = sa.make_url(owner_url).set(username=APP_ROLE, password=APP_PASSWORD)
    return url.render_as_string(hide_password=False)
