"""`cleargate backup`: the whole database in one sealed file, which is restored at once for a test.

The workflow stands at the top. It runs in a process of its own, the only one that signs in as the
backup role.
"""

import time as stopwatch
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import BinaryIO

import sqlalchemy as sa
import structlog
from rich.console import Console

from cleargate.engine import durable
from cleargate.house import House
from cleargate.nouns.errors import Refused
from cleargate.operations import backup_folder
from cleargate.operations.backup_folder import SUFFIX, Manifest, NoRoom, claimed, describe, listed
from cleargate.operations.backup_schedule import Keep, is_due, superfluous
from cleargate.operations.checks import actor
from cleargate.operations.trail import restored_trail_faults
from cleargate.ports import KeyService
from cleargate.settings import BackupSettings, trail_settings
from cleargate.store import audit, backup_check, backup_frames, backup_restore, watch
from cleargate.store.audit import Action, Event
from cleargate.store.backup_dump import Contents, dump, unpack
from cleargate.store.backup_frames import Damaged
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.migrate import migrate
from cleargate.store.roles import let_backup_read, make_missing

_log = structlog.get_logger()


def back_up(house: House, settings: BackupSettings, folder: Path, console: Console) -> None:
    """Make a backup, restore it for a test, tell the trail, and delete what is superfluous.

    Raises Refused when it cannot be made, or does not stand the test.
    """
    now = datetime.now(UTC)
    name = f"cleargate-{now:%Y%m%dT%H%M%SZ}{SUFFIX}"
    with claimed(folder), _told(house, "backup.made", name):
        manifest = make(house.keys, settings.backup_database_url, folder / name, now)
    console.print(f"Made {folder / manifest.name}: {manifest.bytes:,} bytes.", soft_wrap=True)
    try:
        verify(house, folder / manifest.name, console)
    finally:
        thin_out(house, folder, keep_of(settings))


def back_up_if_due(house: House, settings: BackupSettings, folder: Path, console: Console) -> None:
    """The same, unless there is a good backup since the last time of day that the settings name."""
    if is_due(listed(folder), datetime.now().astimezone(), settings.backup_at):
        back_up(house, settings, folder, console)


def verify(house: House, file: Path, console: Console) -> None:
    """Restore a backup into a database that lives no longer than this, and compare.

    Raises Refused, and tells the trail, when anything is missing or does not open.
    """
    with opened(file):
        folder = file.parent
    with claimed(folder), _told(house, "backup.verified", file.name):
        manifest = tested(house.keys, file)
        describe(folder, manifest)
        if manifest.faults:
            raise Failed(file, manifest.faults)
    console.print(f"Verified by restoring it: {manifest.seconds:.1f} s.", soft_wrap=True)


class Failed(Refused):
    """A backup that was made does not give back what was in the database."""

    def __init__(self, file: Path, faults: tuple[str, ...]) -> None:
        super().__init__(
            f"{file} does not give back the database ({', '.join(faults[:5])}): "
            "keep the older ones, and make another backup."
        )


# -- making one


def make(keys: KeyService, url: str, file: Path, now: datetime) -> Manifest:
    """Write a backup, and the manifest of one that is not tested yet."""

    def fill(out: BinaryIO) -> None:
        with closing(dump(url, now)) as plain:
            backup_frames.write(out, plain, keys)

    backup_folder.keep(file.parent, file.name, fill)
    manifest = Manifest(file.name, now, file.stat().st_size, backup_folder.digest(file))
    describe(file.parent, manifest)
    return manifest


# -- testing one


def tested(keys: KeyService, file: Path) -> Manifest:
    """A backup's manifest after a restore for a test, with the faults that it showed."""
    started = stopwatch.monotonic()
    try:
        with scratch(file.parent) as url:
            contents = restore_into(url, file, keys)
            wrong = backup_check.faults(url, contents)
            bring_up_to_date(url)  # What follows reads what today's release keeps.
            wrong += backup_check.key_faults(url, keys)
            faults = (*wrong, *restored_trail_faults(url, trail_settings()))
    except Damaged:
        contents, faults = None, ("damaged",)
    seconds = stopwatch.monotonic() - started
    known = backup_folder.manifest_of(file.parent, file.name) or _stranger(file, contents)
    filled = known if contents is None else _with_contents(known, contents)
    return replace(filled, verified=datetime.now(UTC), seconds=round(seconds, 1), faults=faults)


def bring_up_to_date(owner_url: str) -> None:
    """Today's schema, whatever release has made it."""
    migrate(owner_url, "")
    durable.migrate(owner_url)
    let_backup_read(owner_url)


def _stranger(file: Path, contents: Contents | None) -> Manifest:
    """The manifest of a backup that came without one."""
    made = datetime.fromtimestamp(file.stat().st_mtime, UTC) if contents is None else contents.made
    return Manifest(file.name, made, file.stat().st_size, backup_folder.digest(file))


def _with_contents(manifest: Manifest, contents: Contents) -> Manifest:
    return replace(
        manifest,
        made=contents.made,
        release=contents.release,
        schema=contents.schema,
        rows=contents.rows,
    )


@contextmanager
def scratch(folder: Path) -> Iterator[str]:
    """The owner's URL of an empty database in a cluster of its own, which is taken away again.

    Also the one that a test which was killed has left. It needs as much room as the database.
    """
    place = folder / ".scratch"
    _discard(place)
    try:
        with EmbeddedPostgres(place) as server:
            yield server.url()
    finally:
        _discard(place)


def _discard(place: Path) -> None:
    """Stop whatever server is there, ours or a killed one's, and take its files away."""
    if not place.exists():
        return
    server = EmbeddedPostgres(place)
    with suppress(Refused):  # One that was killed while it was made has nothing to stop.
        server.start()
        server.stop()
    rmtree(server.home, ignore_errors=True)
    rmtree(place, ignore_errors=True)


def restore_into(url: str, file: Path, keys: KeyService) -> Contents:
    """Restore a file into an empty database, as the owner; gives what it must hold now.

    The file is read twice: nothing is restored of one that is not whole.
    """
    backup_restore.refuse_unless_empty(url)
    with opened(file) as source:
        contents, plain = unpack(backup_frames.read(source, keys))
        entries = backup_restore.list_entries(url, plain)
    make_missing(url, contents.roles)
    with opened(file) as source:
        _, plain = unpack(backup_frames.read(source, keys))
        backup_restore.load(url, plain, entries)
    return contents


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """The file to read from. Raises Refused when it cannot be."""
    try:
        source = file.open("rb")
    except OSError as error:
        raise Refused(f"{file} cannot be read ({error.strerror}).") from None
    with source:
        yield source


# -- keeping some, and telling


def keep_of(settings: BackupSettings) -> Keep:
    """How many backups the settings keep."""
    return Keep(settings.backup_daily, settings.backup_weekly, settings.backup_monthly)


def thin_out(house: House, folder: Path, keep: Keep) -> None:
    """Delete the backups that the settings do not keep, and tell the trail."""
    with claimed(folder):
        for manifest in superfluous(listed(folder), keep):
            backup_folder.remove(folder, manifest)
            tell(house, Event("backup.deleted", Action.DELETE, "backup", manifest.name, actor()))


@contextmanager
def _told(house: House, type_: str, name: str) -> Iterator[None]:
    """Tell every practice's trail how it went: it is the data of each that was copied."""
    try:
        yield
    except Refused as refused:
        event = Event("backup.failed", Action.EXECUTE, "backup", name, actor(), "failed")
        tell(house, replace(event, code=_code(refused)))
        raise
    tell(house, Event(type_, Action.EXECUTE, "backup", name, actor()))


def _code(refused: Refused) -> str:
    codes = {NoRoom: "no_room", Damaged: "damaged", Failed: "not_verified"}
    return codes.get(type(refused), "refused")


def tell(house: House, event: Event) -> None:
    """Put an event of the installation on every practice's trail, if the database is there."""
    try:
        with house.database.public() as connection:
            practices = watch.practices(connection)
        for practice in practices:
            with house.database.session(practice) as session:
                audit.record(session, event)
    except sa.exc.OperationalError:
        _log.error("alert", code="trail_not_told")
