"""An opened installation: its settings read, its database connected, its keys at hand.

Knows no vendor and no engine, so that pages and tools can have it for little.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cleargate import logs
from cleargate.connection_table import ConnectionTable
from cleargate.directory.practice import Profile
from cleargate.nouns.ids import PracticeId
from cleargate.nouns.time import Clock, SystemClock
from cleargate.ports import FileStore, KeyService, VendorClient
from cleargate.practice_file import PracticeSettings, read_practices
from cleargate.settings import Installation
from cleargate.store import audit, practices
from cleargate.store.audit import Action, Event
from cleargate.store.database import Database
from cleargate.store.key_service import key_service
from cleargate.store.keyring import Keyring

SETTINGS_CHANGED = "settings.changed"


@dataclass(frozen=True, slots=True)
class House:
    """One process's view of the installation. `executor` names a worker, empty for pages."""

    installation: Installation
    clock: Clock
    keys: KeyService
    database: Database
    settings: Mapping[PracticeId, PracticeSettings]
    profiles: Mapping[PracticeId, Profile]
    executor: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """One connection of a practice. `build` gives its client, or raises BadSettings."""

    practice: str
    table: ConnectionTable
    build: Callable[[], VendorClient]


def open_house(installation: Installation, executor: str = "") -> House:
    """Read the settings and connect. Raises BadSettings with one plain sentence."""
    keys = key_service(installation.key_file, installation.kms_key)
    read = read_practices(installation.practices)
    profiles = [each.profile(installation.public_url) for each in read]
    _introduce(read, executor)
    return House(
        installation=installation,
        clock=SystemClock(installation.clock_speed),
        keys=keys,
        database=Database(
            installation.database_url,
            Keyring(keys),
            executor,
            prepared=installation.prepared_statements,
            files=files_of(installation.attachments_bucket),
        ),
        settings={each.id: settings for each, settings in zip(profiles, read, strict=True)},
        profiles={each.id: each for each in profiles},
        executor=executor,
    )


@contextmanager
def opened(installation: Installation) -> Iterator[House]:
    """An installation that is open for as long as a command works with it."""
    house = open_house(installation)
    try:
        yield house
    finally:
        house.database.close()


def note_settings(house: House) -> None:
    """Put it on the trail when a practice's settings are not those of last time."""
    for practice, settings in house.settings.items():
        with house.database.session(practice) as session:
            if audit.latest(session, SETTINGS_CHANGED) != settings.digest:
                event = Event(SETTINGS_CHANGED, Action.UPDATE, "settings", settings.digest)
                audit.record(session, event)


def _introduce(read: Sequence[PracticeSettings], executor: str) -> None:
    """Let the log lines name what the settings name."""
    logs.know("executor", [executor])
    for each in read:
        connections = (each.file.ehr, *each.file.clearinghouses, each.file.mail)
        logs.know("practice", [each.file.practice.slug])
        logs.know("connection", [one.name for one in connections])


def files_of(bucket: str) -> FileStore | None:
    """Where attachments are kept; None for in the database."""
    if not bucket:
        return None
    from cleargate.store.bucket import S3Bucket

    return S3Bucket(bucket)


def keep_practices(house: House) -> None:
    """Let the database know the practices of the settings."""
    with house.database.public() as connection:
        for each in house.profiles.values():
            practices.keep(connection, each.slug, each.name, each.zone.key)
