"""`cleargate doctor`: whether the installation is as it should be, and what to do where it is not.

One small file for each kind of check. A check is a function from the house to findings; CHECKS
names all that need nothing else.
"""

from cleargate.operations.doctor.clock import clock
from cleargate.operations.doctor.database import database, grants, row_security
from cleargate.operations.doctor.disk import disk
from cleargate.operations.doctor.engine import engine, outages
from cleargate.operations.doctor.files import files
from cleargate.operations.doctor.finding import Check
from cleargate.operations.doctor.keeping import backups, endings, keys, seals
from cleargate.operations.doctor.pages import pages
from cleargate.operations.doctor.server_log import server_log

CHECKS = (
    Check("database", database),
    Check("row-level security", row_security),
    Check("database roles", grants),
    Check("database log", server_log),
    Check("clock", clock),
    Check("files", files),
    Check("disk", disk),
    Check("own pages", pages),
    Check("keys", keys),
    Check("trail", seals),
    Check("backups", backups),
    Check("endings", endings),
    Check("engine", engine),
    Check("outages", outages),
)
"""In the order in which they are told."""
