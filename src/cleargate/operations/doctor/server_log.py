"""The database server's own log: whether it may quote what somebody typed."""

from collections.abc import Iterator

from cleargate.house import House
from cleargate.operations.doctor.finding import Finding, ok, wrong
from cleargate.store import server_log as log


def server_log(house: House) -> Iterator[Finding]:
    """Each setting of the server that lets a value into its log, and what to set."""
    with house.database.public() as connection:
        found = log.loose(connection)
    if not found:
        yield ok("The database's own log quotes no statement and no value.")
    for each in found:
        said = f"The database's own log may quote values: {each.name} is {each.value or 'empty'}."
        yield wrong(said, way_out(each))


def way_out(found: log.Loose) -> str:
    """What to type, or where to click."""
    return (
        f"As its superuser: `alter system set {found.name} = '{found.wanted}'`, then `select"
        " pg_reload_conf()`. In RDS: in the instance's parameter group."
    )
