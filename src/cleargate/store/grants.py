"""What each role of the database may do, from the catalogue, held against store/schema.py.

Functions are left out: none acts with its owner's rights (see store/catalogue.py), so that a call
opens nothing which the caller may not open anyway.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from cleargate.store.schema import ENGINE, PUBLIC_TABLES, ROLES, Role

EVERYBODY = "PUBLIC"

HARMLESS = frozenset({("schema", "public", "USAGE"), ("database", "", "CONNECT")})
"""To come in, and to see that there is a schema; everybody may."""

OWN_PREFIX = "cleargate_"

Right = tuple[str, str, str]
"""Kind of thing, its name, and the privilege."""

# Our tables.
_TABLES = sa.text(
    "select relname from pg_class where relnamespace = 'public'::regnamespace"
    " and relkind in ('r', 'p')"
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
    tables = set(connection.execute(_TABLES).scalars())
    given = _given(connection)
    found = []
    for role in sorted(given.keys() | ROLES.keys()):
        has = given.get(role, set()) - HARMLESS
        entry = ROLES.get(role, Role(reason=""))
        wanted = _wanted(entry, tables)
        found += _listed(f"{role} may {{}} and should not", has - wanted)
        if has:  # A role that somebody has not made yet lacks nothing.
            found += _listed(f"{role} should be able to {{}} and is not", wanted - has)
    return [*found, *_wrong_roles(connection, given.keys() | ROLES.keys())]


def _given(connection: sa.Connection) -> dict[str, set[Right]]:
    """Who may do what; the engine's own tables are left to those who have to do with them."""
    given: dict[str, set[Right]] = {}
    for row in connection.execute(_RIGHTS):
        if row.home == ENGINE and row.role in ROLES and ROLES[row.role].engine:
            continue
        name = row.name if row.home in ("public", "") else f"{row.home}.{row.name}"
        given.setdefault(row.role, set()).add((row.kind, name, row.privilege))
    return given


def _wanted(entry: Role, tables: set[str]) -> set[Right]:
    """What the list grants to a role."""
    bound = dict.fromkeys(tables - PUBLIC_TABLES.keys(), entry.bound)
    things = {
        **{("table", name): words for name, words in (bound | dict(entry.tables)).items()},
        **{("column", name): words for name, words in entry.columns.items()},
        **{("sequence", name): words for name, words in entry.sequences.items()},
    }
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
