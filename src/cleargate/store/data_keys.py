"""The wrapped data keys of the practices: read, made once, never changed by a running process."""

import os
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from cleargate.nouns.errors import KeysDestroyed
from cleargate.nouns.ids import PracticeId
from cleargate.ports import KeyService
from cleargate.store.crypto import KEY_BYTES
from cleargate.store.engine_keys import engine_key

_LOCK = 7_202_612

DESTROYED = "the data keys of this practice were destroyed when it left; nothing opens any more"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as stored.

    `wrapped_by` is the key service's name, empty for keys of the first release. `rotated` is since
    when nothing that opens is under an older key.
    """

    id: int
    wrapped: bytes = field(repr=False)
    wrapped_by: str
    created: datetime
    rotated: datetime | None


# The wrapped keys of the session's practice, oldest first.
_KEYS = sa.text(
    "select id, wrapped, wrapped_by, created_at, rotated_at from data_keys"
    " where practice_id = :practice order by id"
)

# Whether the practice has left.
_SHREDDED = sa.text("select shredded_at is not null from practices where id = :practice")

# Whoever makes or re-wraps a key is alone with it until the transaction ends.
_ALONE = sa.text("select pg_advisory_xact_lock(:lock)")

# Keep a new key.
_ADD = sa.text(
    "insert into data_keys (practice_id, id, wrapped, wrapped_by)"
    " values (:practice, :id, :wrapped, :by)"
)


def read(connection: sa.Connection, practice: PracticeId) -> list[WrappedKey]:
    """The practice's keys, oldest first."""
    rows = connection.execute(_KEYS, {"practice": practice})
    return [WrappedKey(*row) for row in rows]


def read_or_make(
    connection: sa.Connection, practice: PracticeId, service: KeyService
) -> list[WrappedKey]:
    """The practice's keys, after making the first where there is none.

    Raises KeysDestroyed for a practice that has left: a new first key would quietly bring it back.
    """
    keys = _unless_destroyed(connection, practice)
    if not keys:
        alone(connection)
        if not _unless_destroyed(connection, practice):
            add(connection, practice, 1, service)
        keys = read(connection, practice)
    return keys


def _unless_destroyed(connection: sa.Connection, practice: PracticeId) -> list[WrappedKey]:
    if connection.execute(_SHREDDED, {"practice": practice}).scalar():
        raise KeysDestroyed(DESTROYED)
    return read(connection, practice)


def alone(connection: sa.Connection) -> None:
    """Wait until nobody else makes or re-wraps keys; held until the transaction ends."""
    connection.execute(_ALONE, {"lock": _LOCK})


def add(connection: sa.Connection, practice: PracticeId, key_id: int, service: KeyService) -> None:
    """Make a data key. The caller is `alone`.

    The service first proves with the engine's key that it is the one in force: a process that was
    started before all keys were re-wrapped would otherwise make one that no other can open.
    """
    engine_key(connection, service)
    wrapped = service.wrap(os.urandom(KEY_BYTES), str(practice))
    values = {"practice": practice, "id": key_id, "wrapped": wrapped, "by": service.name}
    connection.execute(_ADD, values)
