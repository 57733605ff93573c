"""Row-level security, from the catalogue: no table is forgotten, and the app role is bound."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from cleargate.store.roles import APP_ROLE
from cleargate.store.schema import APPEND_ONLY, POLICY, PUBLIC_TABLES, UNDELETABLE
from tests.house import House, TurnedClock, open_case
from tests.postgres import connect

_PRACTICE = "nullif(current_setting('app.practice_id', true), '')::uuid"


@pytest.fixture
def owner(house: House) -> Iterator[psycopg.Connection]:
    """The owner, who sees the whole catalogue."""
    with house.owner() as connection:
        yield connection


@pytest.fixture
def app(house: House) -> Iterator[psycopg.Connection]:
    """The app role, by hand and without a session."""
    with connect(house.app_url) as connection:
        yield connection


def _tables(owner: psycopg.Connection) -> set[str]:
    rows = owner.execute("select tablename from pg_tables where schemaname = 'public'")
    return {row[0] for row in rows}


def _bound_tables(owner: psycopg.Connection) -> list[str]:
    return sorted(_tables(owner) - PUBLIC_TABLES.keys())


def test_every_table_is_bound_to_its_practice_or_free_for_a_reason(
    owner: psycopg.Connection,
) -> None:
    """A new table that is in neither fails here."""
    bound = owner.execute(
        "select c.relname from pg_class c join pg_policies p"
        " on p.schemaname = 'public' and p.tablename = c.relname and p.policyname = %s"
        " where c.relnamespace = 'public'::regnamespace"
        " and c.relrowsecurity and c.relforcerowsecurity"
        " and exists (select 1 from information_schema.columns i where i.table_schema = 'public'"
        "   and i.table_name = c.relname and i.column_name = 'practice_id'"
        "   and i.is_nullable = 'NO')",
        (POLICY,),
    )
    assert {row[0] for row in bound} == _tables(owner) - PUBLIC_TABLES.keys()
    assert PUBLIC_TABLES.keys() <= _tables(owner), "a reason for a table that is not there"
    assert all(PUBLIC_TABLES.values())


def test_there_is_one_policy_and_it_is_the_practice_s(owner: psycopg.Connection) -> None:
    """For every command and every role; a second, permissive one would open the first."""
    owner.execute("create temporary table sample (practice_id uuid)")
    owner.execute(f"create policy sample on sample using (practice_id = {_PRACTICE})".encode())
    ours = owner.execute("select qual from pg_policies where tablename = 'sample'").fetchone()
    assert ours is not None
    policies = owner.execute(
        "select tablename, policyname, permissive, roles::text[], cmd, qual, with_check"
        " from pg_policies where schemaname = 'public'"
    ).fetchall()
    assert sorted(policy[0] for policy in policies) == _bound_tables(owner)
    assert {tuple(map(str, policy[1:])) for policy in policies} == {
        (POLICY, "PERMISSIVE", "['public']", "ALL", ours[0], "None")
    }


def test_every_key_begins_with_the_practice(owner: psycopg.Connection) -> None:
    """A unique key without it would tell one practice what another one has."""
    keys = owner.execute(
        "select c.relname, i.relname, a.attname from pg_index x"
        " join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum = x.indkey[0]"
        " where c.relnamespace = 'public'::regnamespace and c.relname = any(%s)",
        (_bound_tables(owner),),
    ).fetchall()
    assert len(keys) >= len(_bound_tables(owner))
    assert [key for key in keys if key[2] != "practice_id"] == []


def test_no_view_or_function_goes_round_the_policies(owner: psycopg.Connection) -> None:
    views = owner.execute(
        "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('v', 'm')"
    ).fetchone()
    functions = owner.execute(
        "select count(*) from pg_proc where pronamespace in"
        " ('public'::regnamespace, 'dbos'::regnamespace) and prosecdef"
    ).fetchone()
    assert (views, functions) == ((0,), (0,))


def test_the_app_role_has_no_power(owner: psycopg.Connection) -> None:
    row = owner.execute(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
        " from pg_roles where rolname = %s",
        (APP_ROLE,),
    ).fetchone()
    member_of = owner.execute(
        "select count(*) from pg_auth_members where member = %s::regrole", (APP_ROLE,)
    ).fetchone()
    owns = owner.execute(
        "select count(*) from pg_class where relowner = %s::regrole", (APP_ROLE,)
    ).fetchone()
    assert row == (False,) * 5
    assert (member_of, owns) == ((0,), (0,))


@pytest.mark.parametrize(
    "statement",
    [
        "create table loot (id integer)",
        "create temporary table loot (id integer)",
        "create schema loot",
        "create function loot() returns integer language sql as 'select 1'",
        "create view loot as select 1",
        "create role loot",
        "alter table cases disable row level security",
        "alter table cases no force row level security",
        "drop policy practice_only on cases",
        "drop table cases",
        "truncate cases",
        "create index loot on cases (id)",
        "create trigger loot before insert on cases execute function now()",
        "alter role cleargate_app bypassrls",
        "set role cleargate_owner",
        "set session_replication_role = replica",
        "copy cases to program 'cat'",
        "select * from cleargate_schema",
    ],
)
def test_the_app_role_can_change_nothing_about_the_schema(
    app: psycopg.Connection, statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        *(f"delete from {table}" for table in sorted(UNDELETABLE)),
        *(f"truncate {table}" for table in sorted(UNDELETABLE)),
        "update holds set reason = 'x'",
        "update holds set practice_id = practice_id",
        "update restores set restored_at = now()",
        "insert into restores values (gen_random_uuid(), now(), 'x', now())",
    ],
)
def test_what_must_stay_is_not_the_app_role_s_to_delete(
    app: psycopg.Connection, statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(statement.encode())


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize(
    "statement",
    ["update {} set practice_id = practice_id", "delete from {}", "truncate {}"],
)
def test_what_is_on_the_trail_stays_there(
    app: psycopg.Connection, table: str, statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(sql.SQL(statement).format(sql.Identifier(table)))


def test_without_a_session_no_row_is_seen_changed_or_added(
    house: House, app: psycopg.Connection, owner: psycopg.Connection, clock: TurnedClock
) -> None:
    with house.session() as session:
        open_case(session, clock.now())
    for table in _bound_tables(owner):
        name = sql.Identifier(table)
        assert app.execute(sql.SQL("select * from {}").format(name)).fetchall() == []
        if table not in UNDELETABLE:
            assert app.execute(sql.SQL("delete from {}").format(name)).rowcount == 0
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(
            "insert into staff (practice_id, id, username, name, password_hash)"
            " values (%s, gen_random_uuid(), 'x', 'x', 'x')",
            (house.practice,),
        )


def test_even_the_owner_sees_no_row_without_a_session(
    house: House, owner: psycopg.Connection, clock: TurnedClock
) -> None:
    """FORCE: a migration cannot read patients by accident."""
    with house.session() as session:
        open_case(session, clock.now())
    for table in _bound_tables(owner):
        rows = owner.execute(sql.SQL("select * from {}").format(sql.Identifier(table))).fetchall()
        assert rows == []


def test_a_row_cannot_be_moved_or_added_to_another_practice(
    house: House, app: psycopg.Connection, clock: TurnedClock
) -> None:
    with house.session() as session:
        case = open_case(session, clock.now())
    for statement in (
        "update cases set practice_id = %s where id = %s",
        "insert into links (practice_id, token_hash, case_id, purpose, expires_at)"
        " values (%s, 'x', %s, 'receipt', now())",
    ):
        with pytest.raises(errors.InsufficientPrivilege), app.transaction():
            app.execute("select set_config('app.practice_id', %s, true)", (str(house.practice),))
            app.execute(statement.encode(), (house.other, case))
