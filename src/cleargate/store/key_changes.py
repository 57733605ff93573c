"""What only the owner may do to keys: add, wrap anew, retire, destroy. Each is on the trail."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from cleargate.nouns.errors import BadSettings, Refused
from cleargate.ports import KeyService
from cleargate.store import audit, data_keys, engine_keys
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session
from cleargate.store.resealing import left_over

_ROTATION_LOCK = 7_202_613

# One at a time; the lock ends with the connection, however its process ends.
_ONLY_ONE = sa.text("select pg_try_advisory_lock(:lock)")
_NO_LONGER = sa.text("select pg_advisory_unlock(:lock)")


@contextmanager
def only_one(connection: sa.Connection) -> Iterator[None]:
    """Nobody else changes keys as long as the block runs. Refused when somebody does."""
    if not connection.execute(_ONLY_ONE, {"lock": _ROTATION_LOCK}).scalar_one():
        raise Refused("another `cleargate keys` command is changing keys; wait for its end.")
    try:
        yield
    finally:
        connection.execute(_NO_LONGER, {"lock": _ROTATION_LOCK})


# Every transaction that begins from now on seals with this key.
_NEWEST = sa.text("update practices set newest_key = :newest where id = :practice")


def add(session: Session, service: KeyService, actor: str) -> int:
    """A new data key: whatever transaction begins after this one seals with it. Gives its id."""
    data_keys.alone(session.connection)
    newest = data_keys.read(session.connection, session.practice)[-1].id + 1
    data_keys.add(session.connection, session.practice, newest, service)
    session.run(_NEWEST, newest=newest)
    _record(session, "key.rotate", Action.CREATE, newest, actor, "begin")
    return newest


# A key's new wrapping.
_REWRAP = sa.text(
    "update data_keys set wrapped = :wrapped, wrapped_by = :by"
    " where practice_id = :practice and id = :id"
)


def rewrap(session: Session, old: KeyService, new: KeyService, actor: str) -> int:
    """Wrap the practice's keys with another master key; gives how many. The caller is `alone`."""
    keys = data_keys.read(session.connection, session.practice)
    for key in keys:
        wrapped = _wrapped_anew(key.wrapped, str(session.practice), old, new)
        session.run(_REWRAP, id=key.id, wrapped=wrapped, by=new.name)
        _record(session, "key.rewrap", Action.UPDATE, key.id, actor)
    return len(keys)


# The engine's key, and its new wrapping.
_ENGINE_KEY = sa.text("select wrapped, wrapped_by from engine_keys where id = 1")
_REWRAP_ENGINE = sa.text("update engine_keys set wrapped = :wrapped, wrapped_by = :by where id = 1")


def rewrap_engine(connection: sa.Connection, old: KeyService, new: KeyService) -> None:
    """Wrap the engine's key with another master key. The caller is `alone`."""
    engine_keys.engine_key(connection, old)
    row = connection.execute(_ENGINE_KEY).one()
    wrapped = _wrapped_anew(row.wrapped, engine_keys.CONTEXT, old, new)
    connection.execute(_REWRAP_ENGINE, {"wrapped": wrapped, "by": new.name})


def in_force(connection: sa.Connection) -> str:
    """The name of the master key that wraps the engine's key, as all others; empty if unknown."""
    row = connection.execute(_ENGINE_KEY).first()
    return row.wrapped_by if row is not None else ""


def _wrapped_anew(wrapped: bytes, context: str, old: KeyService, new: KeyService) -> bytes:
    """The same key under another master key, which has shown that it opens it."""
    key = old.unwrap(wrapped, context)
    anew = new.wrap(key, context)
    if new.unwrap(anew, context) != key:
        raise BadSettings(f"{new.name} does not give back what it wrapped; nothing was changed.")
    return anew


# Nothing that opens is under an older key any more.
_ROTATED = sa.text(
    "update data_keys set rotated_at = clock_timestamp()"
    " where practice_id = :practice and id = :newest"
)

# Keys that nothing is sealed with any more. Look-ups need the oldest.
_RETIRE = sa.text(
    "delete from data_keys where practice_id = :practice and id < :newest"
    " and id > (select min(id) from data_keys where practice_id = :practice) returning id"
)


def finish(session: Session, newest: int, actor: str) -> list[int]:
    """Note that the rotation is over, and drop the keys that it emptied; gives their ids.

    The oldest key stays: blind indexes are derived from it. All stay as long as any value is under
    an older one. The caller has waited until no transaction can seal with one any more.
    """
    session.run(_ROTATED, newest=newest)
    retired = []
    if not left_over(session, newest):
        retired = sorted(session.run(_RETIRE, newest=newest).scalars())
    _record(session, "key.rotate", Action.UPDATE, newest, actor, "finish")
    return retired


# All keys of a practice, and the note that there will never be any again.
_DESTROY = sa.text("delete from data_keys where practice_id = :practice returning id")
_NOTE = sa.text(
    "update practices set shredded_at = clock_timestamp()"
    " where id = :practice and shredded_at is null"
)


def destroy(session: Session, actor: str) -> int:
    """Destroy the practice's keys for good; gives how many there were. The caller is `alone`."""
    destroyed = sorted(session.run(_DESTROY).scalars())
    session.run(_NOTE)
    for key in destroyed:
        _record(session, "key.shred", Action.DELETE, key, actor)
    return len(destroyed)


def _record(
    session: Session, kind: str, action: Action, key: int, actor: str, code: str = ""
) -> None:
    audit.record(session, Event(kind, action, "data_key", str(key), actor=actor, code=code))


# Write the table anew, without what was deleted from it.
_REWRITE = sa.text("vacuum full data_keys")


def rewrite_keys(connection: sa.Connection) -> None:
    """Leave no byte of destroyed keys in the table's file. Not inside a transaction."""
    connection.execute(_REWRITE)
