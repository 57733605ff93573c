"""The database: reachable, encrypted, of today's schema, and closed between practices."""

from collections.abc import Iterable, Iterator

from cleargate.house import House
from cleargate.operations.doctor.finding import Finding, look, ok, wrong
from cleargate.store import catalogue, server
from cleargate.store import grants as rights
from cleargate.store.connect import AWAY
from cleargate.store.roles import APP_ROLE
from cleargate.store.trouble import trouble

OLDEST = 15
"""The oldest Postgres with views that show what their reader may see."""

LISTED_MAX = 10

_BY_HAND = "Run `cleargate migrate`; if it stays, somebody changed the database by hand: undo that."


def database(house: House) -> Iterator[Finding]:
    """The server, the way to it, our role there, and the schema."""
    try:
        with house.database.public() as connection:
            found = server.look(connection)
    except AWAY:
        yield _no_way_in(house.installation.database_url)
        return
    if found.major >= OLDEST:
        yield ok(f"Postgres {found.release} answers.")
    else:
        yield look(
            f"Postgres {found.release} is older than {OLDEST}, which nobody tests.",
            "Upgrade Postgres.",
        )
    yield way_there(found)
    yield role(found)
    yield _schema(found.schema)
    if found.pooled and house.installation.prepared_statements:
        yield wrong(
            "A pooler stands before the database, and prepared statements fail behind one.",
            "Set CLEARGATE_PREPARED_STATEMENTS=false and start again.",
        )


def _no_way_in(url: str) -> Finding:
    """Why we do not get in; a database that is back meanwhile is told as well."""
    found = trouble(url)
    if found is None:
        return look("The database did not answer a moment ago.", "Run the doctor again.")
    what, way_out = (text[0].upper() + text[1:] for text in (found.what, found.way_out))
    return wrong(f"{what} (CLEARGATE_DATABASE_URL).", f"{way_out}.")


def way_there(found: server.Server) -> Finding:
    """Whether somebody on the way could read along, or be taken for the database."""
    if found.host.startswith("/") or found.host in ("localhost", "127.0.0.1", "::1"):
        return ok("The way to the database does not leave this machine.")
    if not found.encrypted:
        return wrong(
            "The way to the database is not encrypted.",
            "Add ?sslmode=verify-full&sslrootcert=FILE to CLEARGATE_DATABASE_URL, with the file of"
            " the database's authority.",
        )
    if not found.verified:
        return look(
            "The way to the database is encrypted, but nobody checks whose database it is.",
            "Use sslmode=verify-full with sslrootcert=FILE in CLEARGATE_DATABASE_URL.",
        )
    return ok("The way to the database is encrypted and its certificate is checked.")


def role(found: server.Server) -> Finding:
    """Whether row-level security binds us."""
    if found.unbound:
        return wrong(
            f"The role {found.role} sees every practice (SUPERUSER or BYPASSRLS).",
            f"Let CLEARGATE_DATABASE_URL sign in as {APP_ROLE}.",
        )
    if found.role != APP_ROLE:
        return wrong(
            f"The database is used as {found.role}.",
            f"Let CLEARGATE_DATABASE_URL sign in as {APP_ROLE}, which owns nothing.",
        )
    return ok(f"The role {found.role} is bound by row-level security.")


def _schema(found: str) -> Finding:
    wanted = server.newest()
    if found == wanted:
        return ok(f"The database has today's schema ({wanted}).")
    has = f"the schema {found}" if found else "a schema that cannot be told"
    return wrong(
        f"The database has {has}; this release needs {wanted}.",
        "Run `cleargate migrate`, then start Cleargate again.",
    )


def row_security(house: House) -> Iterator[Finding]:
    """Every table bound to its practice, from the catalogue; the tests ask the same."""
    with house.database.public() as connection:
        faults = catalogue.faults(connection)
    yield from _listed(faults, "Each practice sees its own rows and no other, in every table.")


def grants(house: House) -> Iterator[Finding]:
    """What each role may do; of the trail and the answers, add and nothing else."""
    with house.database.public() as connection:
        faults = rights.faults(connection)
    yield from _listed(faults, "Each role may do what it needs; what is on the trail stays there.")


def _listed(faults: list[str], well: str) -> Iterable[Finding]:
    """One finding for each fault, and at last how many more there are."""
    if not faults:
        return [ok(well)]
    findings = [wrong(f"{fault}.", _BY_HAND) for fault in faults[:LISTED_MAX]]
    if len(faults) > LISTED_MAX:
        findings.append(wrong(f"And {len(faults) - LISTED_MAX} more.", _BY_HAND))
    return findings
