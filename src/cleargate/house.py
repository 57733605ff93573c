"""An opened installation: its settings read, its database connected, its keys at hand.

Knows no vendor and no engine, so that pages and tools can have it for little.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cleargate import logs
from cleargate.directory.practice import Profile
from cleargate.nouns.ids import PracticeId
from cleargate.nouns.time import Clock, SystemClock
from cleargate.settings import Installation, PracticeSettings, read_practices
from cleargate.store import audit, practices
from cleargate.store.audit import Action, Event
from cleargate.store.crypto import Keyring
from cleargate.store.database import Database
from cleargate.store.keyfile import LocalKeyFile

SETTINGS_CHANGED = "settings.changed"


@dataclass(frozen=True, slots=True)
class House:
    """One process's view of the installation. `executor` names a worker, empty for pages."""

    installation: Installation
    clock: Clock
    keys: LocalKeyFile
    database: Database
    settings: Mapping[PracticeId, PracticeSettings]
    profiles: Mapping[PracticeId, Profile]
    executor: str = ""


def open_house(installation: Installation, executor: str = "") -> House:
    """Read the settings and connect. Raises BadSettings with one plain sentence."""
    keys = LocalKeyFile(installation.key_file)
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
        ),
        settings={each.id: settings for each, settings in zip(profiles, read, strict=True)},
        profiles={each.id: each for each in profiles},
        executor=executor,
    )


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


def keep_practices(house: House) -> None:
    """Let the database know the practices of the settings."""
    with house.database.public() as connection:
        for each in house.profiles.values():
            practices.keep(connection, each.slug, each.name, each.zone.key)
