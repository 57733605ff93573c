"""`cleargate restore`: a backup into an empty database, which then begins a life of its own.

What the office did after the backup was made is lost here, and not out there: every write of a
case that came out of it is looked for by its Ref before it is sent again.
"""

import time as stopwatch
from pathlib import Path

from rich.console import Console

from cleargate.house import House
from cleargate.nouns.errors import Refused
from cleargate.operations.backup import Failed, bring_up_to_date, opened, restore_into
from cleargate.operations.checks import actor
from cleargate.operations.trail import restored_trail_faults
from cleargate.ports import KeyService
from cleargate.settings import trail_settings
from cleargate.store import backup_check, backup_restore, restores
from cleargate.store.backup_dump import Contents
from cleargate.store.database import Database
from cleargate.store.keyring import Keyring

POINT_IN_TIME = "point-in-time"
"""The trail's name for a backup that is not ours."""


def restore(house: House, file: Path, owner_url: str, console: Console) -> None:
    """Restore, compare, bring to today's schema, and end the life before. Raises Refused.

    Nobody but the owner can connect until all of it is done. Killed before, it leaves a database
    that nobody can use, to be dropped.
    """
    started = stopwatch.monotonic()
    with opened(file):
        backup_restore.refuse_unless_empty(owner_url)
    backup_restore.shut(owner_url)
    try:
        console.print(f"Restoring {file} ...", soft_wrap=True)
        contents = restore_into(owner_url, file, house.keys)
        console.print(f"Comparing {sum(contents.rows.values()):,} rows ...")
        _refuse(file, backup_check.faults(owner_url, contents))
        bring_up_to_date(owner_url)
        faults = backup_check.key_faults(owner_url, house.keys)
        _refuse(file, [*faults, *restored_trail_faults(owner_url, trail_settings())])
        begin_new_life(owner_url, file.name, house.keys)
    except Refused:
        console.print("The database was left shut: drop it before you try again.")
        raise
    backup_restore.reopen(owner_url)
    _say(contents, stopwatch.monotonic() - started, console)


def own_up(house: House, owner_url: str, console: Console) -> None:
    """Tell a database that something else brought back, such as RDS, that it is a copy.

    Before a worker is let near it: the queue would do again what the lost time has done.
    """
    begin_new_life(owner_url, POINT_IN_TIME, house.keys)
    console.print("Done: what its cases did in the lost time is looked for before it is done.")


def _refuse(file: Path, faults: list[str]) -> None:
    if faults:
        raise Failed(file, tuple(faults))


def begin_new_life(owner_url: str, backup: str, keys: KeyService) -> None:
    """Bring the schema to today's, and let nothing of the old life go on by itself."""
    bring_up_to_date(owner_url)
    database = Database(owner_url, Keyring(keys))
    try:
        with database.public() as connection:
            practices = restores.end_old_life(connection)
        for practice in practices:
            with database.session(practice) as session:
                restores.note(session, backup, actor())
    finally:
        database.close()


def _say(contents: Contents, seconds: float, console: Console) -> None:
    made = contents.made.astimezone()
    console.print(
        f"Restored in {seconds:.1f} s. It is the database of {made:%Y-%m-%d %H:%M %Z}: what was"
        " done in Cleargate since then is not in it.\nNow: cleargate migrate (it sets the roles'"
        " passwords), then serve and work.",
        soft_wrap=True,
    )
