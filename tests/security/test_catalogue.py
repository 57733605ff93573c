"""The catalogue's own search for holes: each hole is made, found, named and mended again."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from cleargate.engine import durable
from cleargate.store import catalogue, grants
from cleargate.store.embedded import SUPERUSER, EmbeddedPostgres
from cleargate.store.schema import OTHER_POLICIES, ROLES
from tests.house import House
from tests.postgres import connect


@pytest.fixture
def root(house: House, cluster: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """Somebody who may break everything in this house."""
    password = (cluster.home / "passwords" / SUPERUSER).read_text()
    url = cluster.url(house.owner_url.rpartition("/")[2].partition("?")[0])
    owner = url.split("//")[1].partition("@")[0]
    with connect(url.replace(owner, f"{SUPERUSER}:{password}")) as connection:
        yield connection


def _rows(house: House) -> list[str]:
    with house.database.public() as connection:
        return catalogue.faults(connection)


def _rights(house: House) -> list[str]:
    with house.database.public() as connection:
        return grants.faults(connection)


def test_a_migrated_database_has_no_hole(house: House) -> None:
    assert _rows(house) == []
    assert _rights(house) == []


def test_every_role_and_every_other_policy_has_its_reason() -> None:
    assert all(entry.reason for entry in ROLES.values())
    assert all(OTHER_POLICIES.values())


ROW_HOLES = {
    "a table that nobody bound": (
        "create table loot (id integer)",
        "drop table loot",
        "loot has no forced row-level security",
    ),
    "a table without a policy": (
        "create table loot (practice_id uuid not null);"
        "alter table loot enable row level security; alter table loot force row level security",
        "drop table loot",
        "loot has no policy practice_only",
    ),
    "a table whose practice may be missing": (
        "create table loot (practice_id uuid)",
        "drop table loot",
        "loot has no column practice_id (uuid, not null)",
    ),
    "a policy that is switched off": (
        "alter table cases disable row level security",
        "alter table cases enable row level security",
        "cases has no forced row-level security",
    ),
    "an owner who is not bound": (
        "alter table cases no force row level security",
        "alter table cases force row level security",
        "cases has no forced row-level security",
    ),
    "a second policy": (
        "create policy loot on gates for select using (true)",
        "drop policy loot on gates",
        "gates has a policy loot that is not the practice's",
    ),
    "a policy with another rule": (
        "alter policy practice_only on gates using (practice_id is not null)",
        "alter policy practice_only on gates using (practice_id ="
        " nullif(current_setting('app.practice_id', true), '')::uuid)",
        "gates has a policy practice_only that is not the practice's",
    ),
    "a policy for one role only": (
        "alter policy practice_only on gates to cleargate_owner",
        "alter policy practice_only on gates to public",
        "gates has a policy practice_only that is not the practice's",
    ),
    "a key that tells": (
        "create unique index loot on staff (username)",
        "drop index loot",
        "staff has an index loot that does not begin with practice_id",
    ),
    "an index on an expression": (
        "create index loot on staff ((lower(username)))",
        "drop index loot",
        "staff has an index loot that does not begin with practice_id",
    ),
    "a view with its owner's eyes": (
        "create view loot as select * from cases",
        "drop view loot",
        "loot is a view that shows what its owner sees (security_invoker is off)",
    ),
    "a materialized view": (
        "create materialized view loot as select 1 as one",
        "drop materialized view loot",
        "loot is a materialized view, which no policy binds",
    ),
    "another schema": (
        "create schema loot; create table loot.loot (id integer)",
        "drop schema loot cascade",
        "loot is in the schema loot, which nobody knows",
    ),
    "a partition": (
        "create table loot (practice_id uuid not null) partition by list (practice_id);"
        "create table loot_1 partition of loot default",
        "drop table loot",
        "loot_1 has no forced row-level security",
    ),
    "a function with its owner's rights": (
        "create function loot() returns bigint language sql security definer"
        " as 'select count(*) from cases'",
        "drop function loot()",
        "loot() acts with the rights of its owner (SECURITY DEFINER)",
    ),
    "a rule": (
        "create rule loot as on update to gates do also delete from links",
        "drop rule loot on gates",
        "gates, rule loot acts with the rights of its owner",
    ),
    "a trigger that is switched off": (
        "create trigger loot before insert on throttle for each row"
        " execute function suppress_redundant_updates_trigger();"
        "alter table throttle disable trigger loot",
        "drop trigger loot on throttle",
        "throttle, trigger loot is switched off",
    ),
}


@pytest.mark.parametrize("hole", ROW_HOLES)
def test_a_hole_in_row_level_security_is_named(
    house: House, root: psycopg.Connection, hole: str
) -> None:
    breaks, mends, fault = ROW_HOLES[hole]
    root.execute(breaks.encode())
    try:
        assert fault in _rows(house)
    finally:
        root.execute(mends.encode())
    assert _rows(house) == []


def test_a_foreign_table_is_named(house: House, root: psycopg.Connection) -> None:
    root.execute("create foreign data wrapper loot")
    try:
        root.execute("create server loot foreign data wrapper loot")
        root.execute("create foreign table loot (id integer) server loot")
        assert "loot is a foreign table, which no policy binds" in _rows(house)
    finally:
        root.execute("drop foreign data wrapper loot cascade")
    assert _rows(house) == []


def test_a_view_that_shows_what_its_reader_sees_is_no_hole(
    house: House, root: psycopg.Connection
) -> None:
    root.execute("create view sample with (security_invoker = true) as select * from cases")
    try:
        assert _rows(house) == []
    finally:
        root.execute("drop view sample")


RIGHT_HOLES = {
    "truncate": (
        "grant truncate on gates to cleargate_app",
        "revoke truncate on gates from cleargate_app",
        "cleargate_app may TRUNCATE on table gates and should not",
    ),
    "a change of the trail": (
        "grant update on audit_events to cleargate_app",
        "revoke update on audit_events from cleargate_app",
        "cleargate_app may UPDATE on table audit_events and should not",
    ),
    "a change of one column of the trail": (
        "grant update (body) on audit_events to cleargate_app",
        "revoke update (body) on audit_events from cleargate_app",
        "cleargate_app may UPDATE on column audit_events.body and should not",
    ),
    "a right to pass on": (
        "grant select on gates to cleargate_app with grant option",
        "revoke grant option for select on gates from cleargate_app",
        "cleargate_app may SELECT to pass on on table gates and should not",
    ),
    "everybody": (
        "grant select on staff to public",
        "revoke select on staff from public",
        "PUBLIC may SELECT on table staff and should not",
    ),
    "tables of our own making": (
        "grant create on schema public to cleargate_app",
        "revoke create on schema public from cleargate_app",
        "cleargate_app may CREATE on schema public and should not",
    ),
    "temporary tables": (
        "do $$ begin execute format('grant temporary on database %I to public',"
        " current_database()); end $$",
        "do $$ begin execute format('revoke temporary on database %I from public',"
        " current_database()); end $$",
        "PUBLIC may TEMPORARY on database and should not",
    ),
    "whatever is made next": (
        "alter default privileges in schema public grant select on tables to public",
        "alter default privileges in schema public revoke select on tables from public",
        "PUBLIC may SELECT on whatever is made next table and should not",
    ),
    "a sequence": (
        "grant usage on sequence attempts_id_seq to cleargate_app",
        "revoke usage on sequence attempts_id_seq from cleargate_app",
        "cleargate_app may USAGE on sequence attempts_id_seq and should not",
    ),
    "the engine's tables, emptied": (
        "grant truncate on dbos.workflow_status to cleargate_app",
        "revoke truncate on dbos.workflow_status from cleargate_app",
        "cleargate_app may TRUNCATE on table dbos.workflow_status and should not",
    ),
    "the engine's own version": (
        "grant update on dbos.dbos_migrations to cleargate_app",
        "revoke update on dbos.dbos_migrations from cleargate_app",
        "cleargate_app may UPDATE on table dbos.dbos_migrations and should not",
    ),
    "whatever the engine makes next": (
        "alter default privileges in schema dbos grant insert on tables to cleargate_app",
        "alter default privileges in schema dbos revoke insert on tables from cleargate_app",
        "cleargate_app may INSERT on whatever is made next dbos.table and should not",
    ),
    "the engine's tables, for somebody else": (
        "grant usage on schema dbos to cleargate_auditor",
        "revoke usage on schema dbos from cleargate_auditor",
        "cleargate_auditor may USAGE on schema dbos and should not",
    ),
    "a table that the engine cannot use": (
        "revoke delete on dbos.workflow_status from cleargate_app",
        "grant delete on dbos.workflow_status to cleargate_app",
        "cleargate_app should be able to DELETE on table dbos.workflow_status and is not",
    ),
    "a right that is missing": (
        "revoke insert on gates from cleargate_app",
        "grant insert on gates to cleargate_app",
        "cleargate_app should be able to INSERT on table gates and is not",
    ),
    "a role that nobody knows": (
        "create role cleargate_loot",
        "drop role cleargate_loot",
        "cleargate_loot is a role that nobody knows",
    ),
    "a stranger with rights": (
        "create role loot; grant select on cases to loot",
        "revoke select on cases from loot; drop role loot",
        "loot may SELECT on table cases and should not",
    ),
    "a member of another role": (
        "grant pg_read_all_data to cleargate_app",
        "revoke pg_read_all_data from cleargate_app",
        "cleargate_app is a member of pg_read_all_data",
    ),
    "an owner": (
        "create table loot (id integer); alter table loot owner to cleargate_app",
        "drop table loot",
        "cleargate_app owns tables, and an owner may switch their policies off",
    ),
    "a role that sees everything": (
        "alter role cleargate_app bypassrls",
        "alter role cleargate_app nobypassrls",
        "cleargate_app passes by row-level security (BYPASSRLS)",
    ),
    "a superuser": (
        "alter role cleargate_app superuser",
        "alter role cleargate_app nosuperuser",
        "cleargate_app may make roles or databases, replicate, or is a superuser",
    ),
}


@pytest.mark.parametrize("hole", RIGHT_HOLES)
def test_a_right_that_is_not_on_the_list_is_named(
    house: House, root: psycopg.Connection, hole: str
) -> None:
    breaks, mends, fault = RIGHT_HOLES[hole]
    root.execute(breaks.encode())
    try:
        assert fault in _rights(house)
    finally:
        root.execute(mends.encode())
    assert _rights(house) == []


def test_no_role_of_the_cluster_is_unknown(root: psycopg.Connection) -> None:
    """Roles belong to the cluster; whoever makes one writes it down in schema.ROLES."""
    known = sql.SQL(",").join([sql.Literal(each) for each in (*ROLES, "cleargate_owner")])
    found = root.execute(
        sql.SQL(
            "select rolname from pg_roles where rolname !~ '^pg_' and not rolsuper"
            " and rolname not in ({})"
        ).format(known)
    )
    assert found.fetchall() == []


def test_a_migration_takes_away_what_an_earlier_one_gave_too_much(house: House) -> None:
    """DBOS's own migration grants everything, also on what it makes later."""
    with house.owner() as owner:
        owner.execute("grant all on all tables in schema dbos to cleargate_app")
        owner.execute(
            "alter default privileges in schema dbos grant all on tables to cleargate_app;"
            "alter default privileges in schema dbos grant execute on functions to cleargate_app"
        )
        owner.execute("create table dbos.of_next_year (id integer)")
    assert len(_rights(house)) > 10
    durable.migrate(house.owner_url)
    assert _rights(house) == []
    with house.owner() as owner:
        owner.execute("drop table dbos.of_next_year")
