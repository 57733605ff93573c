"""kill -9 while keys are changed: everything opens, and the same command goes on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg import sql

from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.operations.keys.rewrap import rewrap
from cleargate.operations.keys.rotate import rotate
from cleargate.operations.keys.status import key_report
from cleargate.store import practices
from cleargate.store.database import Database
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import Keyring
from tests.house import House
from tests.postgres import until
from tests.unit.operations.vaults import console, key_ids, plant, read_all, vault


@pytest.fixture
def slug(house: House) -> str:
    """A new practice of this test's own."""
    slug = f"clinic-{uuid4().hex}"
    with house.database.public() as connection:
        practices.keep(connection, slug, "Clinic", "UTC")
    return slug


@contextmanager
def _held(house: House, table: str) -> Iterator[None]:
    """Nobody else can change a row of the table, or hold one; everybody can read."""
    with house.owner() as owner:
        owner.execute("begin")
        owner.execute(sql.SQL("lock table {} in exclusive mode").format(sql.Identifier(table)))
        yield


def _killed_in_front_of(house: House, table: str, *arguments: str) -> None:
    """Start `cleargate keys`, and kill it where it has to wait for a table."""
    environment = {
        **os.environ,
        "CLEARGATE_DATABASE_URL": house.app_url,
        "CLEARGATE_OWNER_DATABASE_URL": house.owner_url,
        "CLEARGATE_KEY_FILE": str(house.key_file),
        "CLEARGATE_PRACTICES": "/nowhere",
    }
    command = [sys.executable, "-m", "cleargate", "keys", *arguments]
    with _held(house, table):
        child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            until(lambda: _waits(house) or child.poll() is not None, "nobody waits for the table")
            assert child.poll() is None, "it ended before it came to this table"
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
    until(lambda: not _waits(house), "what it had begun was not undone")


def _waits(house: House) -> bool:
    with house.owner() as owner:
        row = owner.execute(
            "select count(*) from pg_locks l join pg_stat_activity a on a.pid = l.pid"
            " where not l.granted and a.datname = current_database()"
        ).fetchone()
    return row != (0,)


def _read(house: House, practice: PracticeId, planted: list[CaseId], key_file: Path) -> None:
    """A process that starts now reads everything."""
    database = Database(house.app_url, Keyring(LocalKeyFile(key_file)))
    try:
        for case in planted:
            with database.session(practice) as session:
                read_all(session, case)
    finally:
        database.close()


def _going_on(house: House, slug: str) -> bool:
    """The command once more; False while the database has not noticed yet that the first died."""
    try:
        with vault(house) as opened:
            return rotate(opened, slug, console()[0]) == 0
    except Refused:
        return False


@pytest.mark.parametrize("table", ["answers", "attachments", "cases", "gates", "inquiries"])
def test_a_rotation_killed_anywhere_leaves_everything_readable_and_goes_on(
    house: House, slug: str, table: str
) -> None:
    practice = practices.practice_id(slug)
    planted = plant(house, house.database, practice, count=3)
    _killed_in_front_of(house, table, "rotate", "--practice", slug)
    assert {1, 2} == set().union(*key_ids(house, practice).values()) or table == "answers"
    _read(house, practice, planted, house.key_file)
    until(lambda: _going_on(house, slug), "the rotation did not go on")
    assert set().union(*key_ids(house, practice).values()) == {2}
    _read(house, practice, planted, house.key_file)


def test_a_re_wrapping_that_is_killed_has_changed_nothing(
    house: House, slug: str, tmp_path: Path
) -> None:
    """Half a re-wrapping would leave practices that no key file opens."""
    practice, new = practices.practice_id(slug), tmp_path / "new"
    planted = plant(house, house.database, practice)
    former = key_report(house.database)
    _killed_in_front_of(house, "data_keys", "rotate", "--key-file", str(new))
    assert new.exists()
    assert key_report(house.database) == former
    _read(house, practice, planted, house.key_file)


def test_once_re_wrapped_the_same_command_says_so_and_changes_nothing(
    house: House, slug: str, tmp_path: Path
) -> None:
    """As after a crash between the commit and the last word."""
    practice, new = practices.practice_id(slug), tmp_path / "new"
    planted = plant(house, house.database, practice)
    try:
        with vault(house) as opened:
            assert rewrap(opened, new, "", console()[0]) == 0
        _read(house, practice, planted, new)
        to, printed = console()
        with vault(house) as opened:
            assert rewrap(opened, new, "", to) == 0
        assert "in force already" in printed.getvalue()
    finally:
        with vault(house, new) as opened:
            rewrap(opened, house.key_file, "", console()[0])
    _read(house, practice, planted, house.key_file)
