"""The database, broken in each way, told, and mended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cleargate.house import House as Opened
from cleargate.operations.doctor.database import (
    LISTED_MAX,
    database,
    grants,
    role,
    row_security,
    way_there,
)
from cleargate.operations.doctor.finding import Level
from cleargate.store.database import Database
from cleargate.store.keyring import Keyring
from cleargate.store.server import Server, newest
from tests.house import House
from tests.pooler import needs_pgbouncer, pooled
from tests.unit.operations.doctor.conftest import told, well

HERE = Server(
    role="cleargate_app",
    unbound=False,
    release="18.4",
    major=18,
    schema="0003",
    now=datetime.now(UTC),
    host="db.example.test",
    encrypted=True,
    verified=True,
    pooled=False,
)


@contextmanager
def _behind(opened: Opened, url: str, *, prepared: bool = False) -> Iterator[Opened]:
    """The same installation with another way to the database."""
    update = {"prepared_statements": prepared, "database_url": url}
    installation = opened.installation.model_copy(update=update)
    elsewhere = Database(url, Keyring(opened.keys), prepared=prepared)
    try:
        yield replace(opened, installation=installation, database=elsewhere)
    finally:
        elsewhere.close()


def test_a_database_that_does_not_answer_is_told_once(opened: Opened) -> None:
    nowhere = "postgresql+psycopg://nobody:secret-password@127.0.0.1:9/nothing"
    with _behind(opened, nowhere) as broken:
        [(what, way_out)] = told(database(broken))
    assert what == "Nothing answers at 127.0.0.1:9 (CLEARGATE_DATABASE_URL)."
    assert way_out.startswith("See that Postgres runs")
    assert "secret" not in what + way_out
    assert well(database(opened))


def test_the_owner_s_url_in_the_place_of_the_app_s_is_found(opened: Opened, house: House) -> None:
    with _behind(opened, house.owner_url) as broken:
        [(what, way_out)] = told(database(broken))
    assert what == "The database is used as cleargate_owner."
    assert "cleargate_app, which owns nothing" in way_out


def test_a_schema_of_another_release_is_found(opened: Opened, house: House) -> None:
    with house.owner() as owner:
        for version, said in (("'0001'", "the schema 0001"), ("null", "a schema that cannot be")):
            owner.execute(f"comment on table cleargate_schema is {version}".encode())
            [(what, way_out)] = told(database(opened))
            assert what.startswith(f"The database has {said}")
            assert "`cleargate migrate`" in way_out
        owner.execute(f"comment on table cleargate_schema is '{newest()}'".encode())
    assert well(database(opened))


def test_a_table_without_its_policy_is_named(opened: Opened, house: House) -> None:
    with house.owner() as owner:
        owner.execute("alter table gates no force row level security")
        [(what, way_out)] = told(row_security(opened))
        owner.execute("alter table gates force row level security")
    assert what == "gates has no forced row-level security."
    assert "by hand" in way_out
    assert well(row_security(opened))


def test_a_right_too_many_is_named_and_a_long_list_is_cut(opened: Opened, house: House) -> None:
    with house.owner() as owner:
        owner.execute("grant delete on audit_events to cleargate_app")
        [(what, _)] = told(grants(opened))
        owner.execute("revoke delete on audit_events from cleargate_app")
        assert what == "cleargate_app may DELETE on table audit_events and should not."
        owner.execute("grant truncate on all tables in schema public to cleargate_app")
        many = told(grants(opened))
        owner.execute("revoke truncate on all tables in schema public from cleargate_app")
    assert len(many) == LISTED_MAX + 1
    assert many[-1][0].startswith("And ")
    assert well(grants(opened))


@needs_pgbouncer
def test_a_pooler_is_noticed_and_prepared_statements_behind_it_are_refused(
    opened: Opened, house: House
) -> None:
    with pooled(house.app_url, 2) as pooler:
        with _behind(opened, pooler.url) as fine:
            assert well(database(fine))
        with _behind(opened, pooler.url, prepared=True) as broken:
            [(what, way_out)] = told(database(broken))
    assert "prepared statements fail" in what
    assert "CLEARGATE_PREPARED_STATEMENTS=false" in way_out


@pytest.mark.parametrize(
    ("found", "level", "word"),
    [
        (HERE, Level.OK, "certificate is checked"),
        (replace(HERE, verified=False), Level.LOOK, "nobody checks whose"),
        (replace(HERE, encrypted=False), Level.WRONG, "is not encrypted"),
        (replace(HERE, encrypted=False, host="/run/postgresql"), Level.OK, "this machine"),
        (replace(HERE, encrypted=False, host="127.0.0.1"), Level.OK, "this machine"),
    ],
)
def test_the_way_to_the_database_is_judged(found: Server, level: Level, word: str) -> None:
    finding = way_there(found)
    assert finding.level is level
    assert word in finding.what
    assert bool(finding.way_out) is (level is not Level.OK)


def test_a_role_that_sees_every_practice_is_wrong() -> None:
    finding = role(replace(HERE, unbound=True))
    assert finding.level is Level.WRONG
    assert "sees every practice" in finding.what
