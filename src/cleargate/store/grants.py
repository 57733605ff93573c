"""What each role of the database may do, from the catalogue, held against store/schema.py.

Functions are left out: none acts with its owner's rights (see store/catalogue.py), so that a call
opens nothing which the caller may not open anyway.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from cleargate.store.schema import ENGINE, ENGINE_VERSION, PUBLIC_TABLES, ROLES, Role

EVERYBODY = "PUBLIC"

HARMLESS = frozenset({("schema", "public", "USAGE"), ("database", "", "CONNECT")})
"""To come in, and to see that there is a schema; everybody may."""

OWN_PREFIX = "cleargate_"

Right = tuple[str, str, str]
"""Kind of thing, its name, and the privilege."""

# Tables and sequences of ours and of the engine.
_THINGS = sa.text(
    "select n.nspname as home, c.relname as name, c.relkind = 'S' as counts from pg_class c"
    " join pg_namespace n on n.oid = c.relnamespace"
    " where n.nspname in ('public', :engine) and c.relkind in ('r', 'p', 'v', 'S')"
)

# Every right that somebody else than its owner has on a thing of this database.
_RIGHTS = sa.text(
    "with things as ("
    " select 'table' as kind, n.nspname as home, c.relname as name, c.relowner as owner,"
    "   coalesce(c.relacl, acldefault('r', c.relowner)) as acl from pg_class c"
    "   join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f')"
    " union all select 'sequence', n.nspname, c.relname, c.relowner,"
    "   coalesce(c.relacl, acldefault('s', c.relowner)) from pg_class c"
    "   join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'S'"
    " union all select 'column', n.nspname, c.relname || '.' || a.attname, c.relowner, a.attacl"
    "   from pg_attribute a join pg_class c on c.oid = a.attrelid"
    "   join pg_namespace n on n.oid = c.relnamespace where a.attacl is not null"
    " union all select 'schema', n.nspname, n.nspname, n.nspowner,"
    "   coalesce(n.nspacl, acldefault('n', n.nspowner)) from pg_namespace n"
    " union all select 'database', '', '', d.datdba,"
    "   coalesce(d.datacl, acldefault('d', d.datdba)) from pg_database d"
    "   where d.datname = current_database()"
    " union all select 'whatever is made next', coalesce(n.nspname, ''),"
    "   case d.defaclobjtype when 'r' then 'table' when 'S' then 'sequence' else 'other' end,"
    "   d.defaclrole, d.defaclacl"
    "   from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace)"
    " select t.kind, t.home, t.name, coalesce(r.rolname, 'PUBLIC') as role,"
    "   a.privilege_type || case when a.is_grantable then ' to pass on' else '' end as privilege"
    " from things t cross join aclexplode(t.acl) a left join pg_roles r on r.oid = a.grantee"
    " where a.grantee <> t.owner and t.home !~ '^pg_' and t.home <> 'information_schema'"
    " and not (t.kind = 'whatever is made next' and t.name = 'other')"
)

# What each role is that is ours by its name or has a right here.
_ROLES = sa.text(
    "select r.rolname as name, r.rolbypassrls as bypasses,"
    " r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication as has_power,"
    " array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid"
    "   where m.member = r.oid) as member_of,"
    " exists (select 1 from pg_class c where c.relowner = r.oid) as owns"
    " from pg_roles r where r.rolname = any(:names) or (starts_with(r.rolname, :prefix)"
    "   and r.oid not in (select relowner from pg_class"
    "     where relnamespace = 'public'::regnamespace)) order by 1"
)


def faults(connection: sa.Connection) -> list[str]:
    """Every right that a role has and should not have, or should have and has not."""
    given, wanted = _given(connection), _wanted(connection)
    found = []
    for role in sorted(given.keys() | ROLES.keys()):
        has, wants = given.get(role, set()), wanted.get(role, set())
        found += _listed(f"{role} may {{}} and should not", has - wants)
        if has:  # A role that somebody has not made yet lacks nothing.
            found += _listed(f"{role} should be able to {{}} and is not", wants - has)
    return [*found, *_wrong_roles(connection, given.keys() | ROLES.keys())]


def lacking(connection: sa.Connection, role: str) -> list[str]:
    """Every right that a role of ours needs and has not; nothing of a role that is not ours."""
    wants = _wanted(connection).get(role, set())
    return _listed("{}", wants - _given(connection).get(role, set()))


def _given(connection: sa.Connection) -> dict[str, set[Right]]:
    """Who may do what."""
    given: dict[str, set[Right]] = {}
    for row in connection.execute(_RIGHTS):
        right = (row.kind, _named(row.home, row.name), row.privilege)
        given.setdefault(row.role, set()).add(right)
    return {role: rights - HARMLESS for role, rights in given.items()}


def _named(home: str, name: str) -> str:
    return name if home in ("public", "", name) else f"{home}.{name}"


def _wanted(connection: sa.Connection) -> dict[str, set[Right]]:
    """What the list grants to each role, on what there is."""
    things = connection.execute(_THINGS, {"engine": ENGINE}).all()
    ours = {row.name for row in things if row.home != ENGINE and not row.counts}
    engines = [row for row in things if row.home == ENGINE]
    return {
        role: _spelled({**_on_ours(entry, ours), **_on_engine(entry, engines)})
        for role, entry in ROLES.items()
    }


def _on_ours(entry: Role, tables: set[str]) -> dict[tuple[str, str], str]:
    bound = dict.fromkeys(tables - PUBLIC_TABLES.keys(), entry.bound)
    return {
        **{("table", name): words for name, words in (bound | dict(entry.tables)).items()},
        **{("column", name): words for name, words in entry.columns.items()},
        **{("sequence", name): words for name, words in entry.sequences.items()},
    }


def _on_engine(entry: Role, things: Iterable[sa.Row[Any]]) -> dict[tuple[str, str], str]:
    """The same rights on every table of the engine: which there are is its own affair."""
    if not entry.engine:
        return {}
    found = {("schema", ENGINE): "usage"}
    for row in things:
        if row.counts:
            words = "select usage" if "insert" in entry.engine else "select"
        else:
            words = "select" if row.name == ENGINE_VERSION else entry.engine
        found["sequence" if row.counts else "table", f"{ENGINE}.{row.name}"] = words
    return found


def _spelled(things: Mapping[tuple[str, str], str]) -> set[Right]:
    return {
        (kind, name, privilege)
        for (kind, name), words in things.items()
        for privilege in words.upper().split()
    }


def _listed(sentence: str, rights: Iterable[Right]) -> list[str]:
    """One sentence for each right."""
    return [
        sentence.format(f"{privilege} on {kind} {name}".rstrip())
        for kind, name, privilege in sorted(rights)
    ]


def _wrong_roles(connection: sa.Connection, names: Iterable[str]) -> list[str]:
    """Roles that nobody knows, or that are more than they should be."""
    found = []
    values = {"names": list(names), "prefix": OWN_PREFIX}
    for row in connection.execute(_ROLES, values):
        entry = ROLES.get(row.name)
        if entry is None:
            found.append(f"{row.name} is a role that nobody knows")
            continue
        if row.has_power:
            found.append(f"{row.name} may make roles or databases, replicate, or is a superuser")
        if row.bypasses and not entry.bypasses:
            found.append(f"{row.name} passes by row-level security (BYPASSRLS)")
        if row.owns:
            found.append(f"{row.name} owns tables, and an owner may switch their policies off")
        found += [
            f"{row.name} is a member of {each}"
            for each in sorted(set(row.member_of) - entry.member_of)
        ]
    return found
