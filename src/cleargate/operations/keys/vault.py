"""The vault: an installation's keys, opened as the database's owner.

The running processes can add keys and nothing else, so that whoever has only their role can neither
change nor destroy one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cleargate.house import files_of
from cleargate.nouns.errors import Refused
from cleargate.operations.checks import actor
from cleargate.ports import KeyService
from cleargate.settings import Installation
from cleargate.store import practices
from cleargate.store.database import Database
from cleargate.store.key_service import key_service
from cleargate.store.keyring import Keyring
from cleargate.store.practices import KnownPractice


@dataclass(frozen=True, slots=True)
class Vault:
    """The owner's database, and the key service of the settings."""

    database: Database
    keys: KeyService
    actor: str

    def left(self, slug: str) -> KnownPractice | None:
        """A practice that has left, if there is one of this slug."""
        with self.database.public() as connection:
            every = practices.known(connection)
        return next((each for each in every if each.slug == slug and each.shredded), None)

    def practices(self) -> list[KnownPractice]:
        """The practices that have keys, or will have."""
        with self.database.public() as connection:
            return [each for each in practices.known(connection) if each.shredded is None]


@contextmanager
def open_vault(installation: Installation) -> Iterator[Vault]:
    """The vault of an installation. Raises Refused, BadSettings."""
    if not installation.owner_database_url:
        raise Refused("set CLEARGATE_OWNER_DATABASE_URL: keys are changed by the database's owner.")
    keys = key_service(installation.key_file, installation.kms_key)
    database = Database(
        installation.owner_database_url,
        Keyring(keys),
        files=files_of(installation.attachments_bucket),
    )
    try:
        yield Vault(database, keys, actor())
    finally:
        database.close()
