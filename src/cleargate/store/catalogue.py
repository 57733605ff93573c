"""What the catalogue says of row-level security, held against store/schema.py.

Every role may read the catalogue, so the app role finds out about itself. Each fault is a sentence
that names the place.
"""

from collections.abc import Iterator

import sqlalchemy as sa

from cleargate.store.schema import ENGINE, OTHER_POLICIES, POLICY, PUBLIC_TABLES, RULE

HOME = "public"
"""The only schema with tables of ours."""

# Everything with rows in it, but for what belongs to Postgres, to an extension or to the engine.
_RELATIONS = sa.text(
    "select n.nspname as home, c.relname as name, c.relkind::text as kind,"
    " c.relrowsecurity and c.relforcerowsecurity as forced,"
    " coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on'], false)"
    "   as invoker,"
    " exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'practice_id'"
    "   and a.attnotnull and a.atttypid = 'uuid'::regtype) as keyed"
    " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_'"
    " and n.nspname not in ('information_schema', :engine)"
    " and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass"
    "   and d.objid = c.oid and d.deptype = 'e') order by 1, 2"
)

# Every policy; an empty list of roles means that it is for all.
_POLICIES = sa.text(
    "select c.relname as home, p.polname as name, p.polpermissive as permissive,"
    " p.polcmd = '*' as every_command, p.polroles = '{0}' as every_role,"
    " pg_get_expr(p.polqual, p.polrelid) as rule, p.polwithcheck is not null as other_check"
    " from pg_policy p join pg_class c on c.oid = p.polrelid order by 1, 2"
)

# The first column of every index of ours; none where it is an expression.
_KEYS = sa.text(
    "select c.relname as home, i.relname as name, coalesce(a.attname, '') as first"
    " from pg_index x join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid"
    " left join pg_attribute a on a.attrelid = c.oid and a.attnum = x.indkey[0]"
    " where c.relnamespace = 'public'::regnamespace order by 1, 2"
)

# What acts with its owner's rights, or can be switched off: functions, rules and triggers.
_DETOURS = sa.text(
    "select p.oid::regprocedure::text as name, 'acts with the rights of its owner (SECURITY"
    " DEFINER)' as why from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
    " where p.prosecdef and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    " and not exists (select 1 from pg_depend d where d.classid = 'pg_proc'::regclass"
    "   and d.objid = p.oid and d.deptype = 'e')"
    " union all select c.relname || ', rule ' || r.rulename, 'acts with the rights of its owner'"
    " from pg_rewrite r join pg_class c on c.oid = r.ev_class"
    " join pg_namespace n on n.oid = c.relnamespace"
    " where r.rulename <> '_RETURN' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    " union all select c.relname || ', trigger ' || t.tgname, 'is switched off'"
    " from pg_trigger t join pg_class c on c.oid = t.tgrelid"
    " where t.tgenabled = 'D' and c.relnamespace = 'public'::regnamespace order by 1"
)


def faults(connection: sa.Connection) -> list[str]:
    """Every way in which a practice's rows are not closed to another; empty when there is none."""
    bound, found = _bound_tables(connection)
    found += _wrong_policies(connection, bound)
    found += _open_keys(connection, bound)
    found += [f"{row.name} {row.why}" for row in connection.execute(_DETOURS)]
    return found


def _bound_tables(connection: sa.Connection) -> tuple[set[str], list[str]]:
    """The tables that must be bound to a practice, and what is wrong with any relation."""
    bound: set[str] = set()
    found: list[str] = []
    free: set[str] = set()
    for row in connection.execute(_RELATIONS, {"engine": ENGINE}):
        if row.home == HOME and row.name in PUBLIC_TABLES:
            free.add(row.name)
            continue
        if row.home == HOME and row.kind in ("r", "p"):
            bound.add(row.name)
        found += [f"{row.name} {fault}" for fault in _relation_faults(row)]
    gone = sorted(PUBLIC_TABLES.keys() - free)
    return bound, [
        *found,
        *(f"{name} is on the list of free tables and not there" for name in gone),
    ]


def _relation_faults(row: sa.Row[tuple[str, ...]]) -> Iterator[str]:
    """What is wrong with one table or view."""
    if row.home != HOME:
        yield f"is in the schema {row.home}, which nobody knows"
    elif row.kind == "m":
        yield "is a materialized view, which no policy binds"
    elif row.kind == "f":
        yield "is a foreign table, which no policy binds"
    elif row.kind == "v":
        if not row.invoker:
            yield "is a view that shows what its owner sees (security_invoker is off)"
    else:
        if not row.forced:
            yield "has no forced row-level security"
        if not row.keyed:
            yield "has no column practice_id (uuid, not null)"


def _wrong_policies(connection: sa.Connection, bound: set[str]) -> list[str]:
    """Tables without the one policy, and policies that are another."""
    missing = set(bound)
    found = []
    for row in connection.execute(_POLICIES):
        if (row.home, row.name) in OTHER_POLICIES and not row.every_role:
            continue
        is_ours = row.permissive and row.every_command and row.every_role and not row.other_check
        if row.name == POLICY and is_ours and _words(row.rule) == _words(RULE):
            missing.discard(row.home)
        else:
            found.append(f"{row.home} has a policy {row.name} that is not the practice's")
    return [*found, *(f"{name} has no policy {POLICY}" for name in sorted(missing))]


def _words(rule: str | None) -> str:
    """A rule without the spaces and the name of its column, which releases of Postgres vary."""
    return "".join((rule or "").split()).replace('AS"nullif"', "")


def _open_keys(connection: sa.Connection, bound: set[str]) -> list[str]:
    """Indexes that do not begin with the practice: a unique one tells what another practice has."""
    return [
        f"{row.home} has an index {row.name} that does not begin with practice_id"
        for row in connection.execute(_KEYS)
        if row.home in bound and row.first != "practice_id"
    ]
