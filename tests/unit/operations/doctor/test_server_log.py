"""A server whose log may quote values, told by setting; ours may not."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from cleargate.house import House as Opened
from cleargate.operations.doctor.server_log import server_log
from cleargate.store.database import Database
from cleargate.store.embedded import SUPERUSER, EmbeddedPostgres
from cleargate.store.keyring import Keyring
from cleargate.store.roles import APP_ROLE
from cleargate.store.server_log import LOG_SETTINGS, NO_PARAMETERS
from tests.house import House
from tests.postgres import connect
from tests.unit.operations.doctor.conftest import told, well

LOOSE = {
    "log_statement": "mod",
    "log_min_duration_statement": "250",
    "log_min_duration_sample": "0",
    "log_transaction_sample_rate": "0.5",
    "log_parameter_max_length_on_error": "100",
    "log_min_error_statement": "error",
    "log_error_verbosity": "default",
    "log_min_messages": "warning",
    "debug_print_parse": "on",
    "debug_print_rewritten": "on",
    "debug_print_plan": "on",
    "auto_explain.log_min_duration": "0",
    "pgaudit.log": "all",
}


@pytest.fixture
def root(house: House, cluster: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """The server's superuser."""
    password = (cluster.home / "passwords" / SUPERUSER).read_text()
    url = sa.make_url(house.owner_url).set(username=SUPERUSER, password=password)
    with connect(url.render_as_string(hide_password=False)) as connection:
        yield connection


def _told(opened: Opened, house: House, root: psycopg.Connection, **values: str) -> list[str]:
    """What the doctor says where the app role has these settings; in this database only."""
    database = sql.Identifier(str(sa.make_url(house.owner_url).database))
    role = sql.Identifier(APP_ROLE)
    change = sql.SQL("alter role {} in database {} set {} = {}")
    for name, value in values.items():
        # An extension's setting is taken as it is while the extension is not loaded.
        root.execute(
            change.format(role, database, sql.SQL(".").join(map(sql.Identifier, name.split("."))),
                          sql.Literal(value))
        )  # fmt: skip
    try:
        fresh = Database(house.app_url, Keyring(opened.keys))
        found = told(server_log(replace(opened, database=fresh)))
        fresh.close()
    finally:
        root.execute(sql.SQL("alter role {} in database {} reset all").format(role, database))
    assert all("parameter group" in way_out for _, way_out in found)
    return [what for what, _ in found]


def test_our_own_server_is_well(opened: Opened) -> None:
    assert well(server_log(opened))


def test_every_setting_of_the_list_is_tried() -> None:
    assert set(LOOSE) == {each.name for each in LOG_SETTINGS}


@pytest.mark.parametrize("name", LOOSE)
def test_each_setting_that_lets_values_into_the_log_is_named(
    opened: Opened, house: House, root: psycopg.Connection, name: str
) -> None:
    values = {name: LOOSE[name], NO_PARAMETERS: "-1"}
    [said] = _told(opened, house, root, **values)
    assert said.startswith(f"The database's own log may quote values: {name} is {LOOSE[name]}")
    assert well(server_log(opened))


def test_slow_statements_may_be_told_without_their_values(
    opened: Opened, house: House, root: psycopg.Connection
) -> None:
    slow = {"log_min_duration_statement": "250", "log_min_duration_sample": "100"}
    assert _told(opened, house, root, **slow, **{NO_PARAMETERS: "0"}) == []
    assert len(_told(opened, house, root, **slow, **{NO_PARAMETERS: "-1"})) == 2


def test_what_is_as_good_is_well(opened: Opened, house: House, root: psycopg.Connection) -> None:
    as_good = {each.name: max(each.as_good) for each in LOG_SETTINGS if each.as_good}
    assert len(as_good) == 4
    assert _told(opened, house, root, **{**as_good, "pgaudit.log": "none"}) == []
