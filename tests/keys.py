"""Key services and clocks for tests of the keyring: one that can be away, one that is turned."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cleargate.nouns.errors import CleargateError, KeyServiceDown, KeyServiceRefuses
from cleargate.ports import KeyService
from cleargate.store.database import Database
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import KEYS_FRESH_S, Keyring
from tests.house import House

DOWN = KeyServiceDown("the key service of this test is away")
REFUSES = KeyServiceRefuses("the key service of this test says no")


class SwitchedKeys:
    """A key service that fails with `failure` while there is one, and counts how often it is asked.

    It stands where a KMS would: it is outside of the house.
    """

    def __init__(self, service: KeyService) -> None:
        self._service = service
        self.failure: CleargateError | None = None
        self.asked = 0

    @property
    def name(self) -> str:
        return self._service.name

    def wrap(self, data_key: bytes, context: str) -> bytes:
        self._ask()
        return self._service.wrap(data_key, context)

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        self._ask()
        return self._service.unwrap(wrapped, context)

    def _ask(self) -> None:
        self.asked += 1
        if self.failure is not None:
            raise self.failure


@dataclass
class Seconds:
    """A monotonic clock that is turned by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float = KEYS_FRESH_S) -> None:
        self.now += seconds


@dataclass
class Process:
    """A process of a house: its database, its key service and its keyring's clock."""

    database: Database
    keys: SwitchedKeys
    seconds: Seconds


@contextmanager
def process(house: House, executor: str = "") -> Iterator[Process]:
    """A process that holds no keys yet; a worker where it has a name."""
    keys, seconds = SwitchedKeys(LocalKeyFile(house.key_file)), Seconds()
    database = Database(house.app_url, Keyring(keys, seconds), executor)
    try:
        yield Process(database, keys, seconds)
    finally:
        database.close()
