"""A backup that an older release has made is brought to today's schema by restoring it."""

import json
import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from rich.console import Console

import cleargate.store
from cleargate.engine import durable
from cleargate.nouns.case import Memo
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.operations.restore import restore
from cleargate.store import cases, practices
from cleargate.store.codec import dump
from cleargate.store.crypto import Keys, Sealer
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyless import KeylessDatabase
from cleargate.store.roles import APP_ROLE, BACKUP_ROLE, let_backup_read
from tests.backup.installation import ROLE_PASSWORD, Backups, let_in
from tests.backup.test_round_trip import catalogue
from tests.house import APP_PASSWORD, visit_request
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
    durable.migrate(owner_url)
    let_backup_read(owner_url)


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_an_older_backup_is_brought_to_today_s_schema(backups: Backups, revision: str) -> None:
    old = fresh_database(backups.cluster, f"old_{revision}")
    migrated_to(old, revision)
    practice, case = _one_case(_as_app(old), backups.keys)
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
        trail = "select body from audit_events where practice_id = :practice and case_id = :case"
        [event] = session.all(sa.text(trail), case=case)
    assert found is not None
    assert found.request == visit_request()
    assert json.loads(event["body"])["entity_id"] == str(case)


# An event as it was kept before 0004.
_EVENT = sa.text(
    "insert into audit_events (practice_id, id, type, action, outcome, actor, entity_type,"
    " entity_id, case_id, connection, code, request_id, software) values (:practice, :id,"
    " 'case.open', 'C', 'ok', 'test', 'case', :entity, :case, '', '', '', '0.0.1')"
)
_KEY = sa.text("insert into data_keys (practice_id, id, wrapped) values (:practice, 1, :wrapped)")
_CASE = sa.text(
    "insert into cases (practice_id, id, kind, state, channel, visit_type, payment, request, memo,"
    " person_index, form_nonce, phase, created_at, updated_at) values (:practice, :id, 'booking',"
    " 'open', 'web', 'evaluation', 'insurance', :request, :memo, 'x', 'x', '', :now, :now)"
)


def _one_case(url: str, keys: LocalKeyFile) -> tuple[PracticeId, CaseId]:
    """A practice with a key, a case and an event, written as that release wrote them."""
    case, key = CaseId(uuid4()), os.urandom(32)
    opened = Keys.opened({1: key})
    with closing(KeylessDatabase(url)) as database:
        with database.public() as connection:
            practice = practices.keep(connection, "sample-clinic", "Sample Clinic", "UTC")
        sealer = Sealer(practice, opened, 1, lambda _: opened)
        with database.session(practice) as session:
            session.run(_KEY, wrapped=keys.wrap(key, str(practice)))
            session.run(
                _CASE,
                id=case,
                request=sealer.seal(dump(visit_request()), "cases", "request", case),
                memo=sealer.seal(dump(Memo()), "cases", "memo", case),
                now=NOW,
            )
            session.run(_EVENT, id=uuid4(), entity=str(case), case=case)
    return practice, case


def _as_app(owner_url: str) -> str:
    url = sa.make_url(owner_url).set(username=APP_ROLE, password=APP_PASSWORD)
    return url.render_as_string(hide_password=False)
