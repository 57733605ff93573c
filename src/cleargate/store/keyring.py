"""The keyring: the practices' data keys, opened by the key service and held for some minutes.

A process asks the key service again every KEYS_FRESH_S. When it does not answer, what is held
still opens, no outside call is begun any more, and after KEYS_SEAL_S nothing new is sealed. Which
key is the newest, and whether the practice has left, each transaction learns as it begins.
"""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa
import structlog

from cleargate.nouns.errors import (
    KeysDestroyed,
    KeyServiceDown,
    KeyServiceRefuses,
    Refused,
)
from cleargate.nouns.ids import PracticeId
from cleargate.ports import KeyService
from cleargate.store import data_keys
from cleargate.store.crypto import Keys, Sealer
from cleargate.store.data_keys import DESTROYED, WrappedKey

KEYS_FRESH_S = 120.0
KEYS_SEAL_S = 600.0
"""Longer than KEYS_FRESH_S by the longest call outside: its answer was paid for, and is kept."""

LOOK_AGAIN_S = 5.0
"""After a failure the key service is left alone for so long."""

Transaction = Callable[[], AbstractContextManager[sa.Connection]]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Held:
    """Keys, when to look at them again, and until when they may seal."""

    keys: Keys
    look_at: float
    seals_until: float


class Keyring:
    """The keys that one process holds. `clock` counts seconds and never goes back."""

    def __init__(self, service: KeyService, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._held: dict[PracticeId, _Held] = {}
        self._locks: dict[PracticeId, threading.Lock] = {}

    def prepare(self, practice: PracticeId, transaction: Transaction) -> None:
        """Have the practice's keys at hand, and fresh; its first use makes its first key.

        Reads them in a `transaction` of its own: a first key must be committed before anything is
        sealed with it, or a rollback would take the key and leave what it sealed. What fails is
        told to whoever seals or opens something. One thread looks; others go on with what is held.
        """
        held = self._held.get(practice)
        if held is not None and self._clock() < held.look_at:
            return
        lock = self._locks.setdefault(practice, threading.Lock())
        if not lock.acquire(blocking=held is None):
            return
        try:
            held = self._held.get(practice)
            if held is None or self._clock() >= held.look_at:

                def read() -> list[WrappedKey]:
                    with transaction() as connection:
                        return data_keys.read_or_make(connection, practice, self._service)

                self._look(practice, read)
        finally:
            lock.release()

    def sealer(
        self, practice: PracticeId, connection: sa.Connection, newest: int, *, shredded: bool
    ) -> Sealer:
        """The practice's sealer for one transaction, which began when `newest` was its key."""
        if shredded:
            self._hold(practice, Keys({}, None, KeysDestroyed(DESTROYED)))
        held = self._held.get(practice, _Held(_NOTHING, 0.0, 0.0))
        stopped = held.keys.failure if held.seals_until < self._clock() else None
        look_again = partial(self._look_again, practice, connection)
        return Sealer(practice, held.keys, newest, look_again, stopped)

    def check(self, practice: PracticeId) -> None:
        """Raise what the last look failed with: no time to begin what must be kept at its end."""
        held = self._held.get(practice)
        if held is not None and held.keys.failure is not None:
            raise held.keys.failure

    def _look_again(self, practice: PracticeId, connection: sa.Connection, key_id: int) -> Keys:
        """The practice's keys with one that was made meanwhile, if there is one."""
        with self._locks.setdefault(practice, threading.Lock()):
            held = self._held.get(practice, _Held(_NOTHING, 0.0, 0.0))
            known = held.keys.by_id
            if key_id in known or (held.keys.failure and self._clock() < held.look_at):
                return held.keys
            rows = data_keys.read(connection, practice)
            if key_id not in {row.id for row in rows}:
                return held.keys
            return self._look(practice, lambda: rows)

    def _look(self, practice: PracticeId, read: Callable[[], list[WrappedKey]]) -> Keys:
        """Open the keys that `read` gives, and hold them; what fails is held as well."""
        held = self._held.get(practice)
        before = held.keys if held is not None else _NOTHING
        try:
            return self._hold(practice, self._open(practice, read(), before))
        except KeysDestroyed as destroyed:
            return self._hold(practice, replace(_NOTHING, failure=destroyed))
        except (KeyServiceDown, Refused) as failure:
            _log.error("alert", code="keys_not_opened", error=type(failure).__name__)
            kept = before if type(failure) is KeyServiceDown else _NOTHING
            return self._hold(practice, replace(kept, failure=failure))

    def _open(self, practice: PracticeId, rows: list[WrappedKey], before: Keys) -> Keys:
        """Unwrap every key.

        After all keys were re-wrapped with another master key, a process that still has the former
        goes on with what it holds: the data keys are the same.
        """
        try:
            return Keys.opened(
                {row.id: self._service.unwrap(row.wrapped, str(practice)) for row in rows}
            )
        except (Refused, KeyServiceRefuses):
            theirs = {row.wrapped_by for row in rows} - {self._service.name, ""}
            if not theirs or not before.by_id.keys() >= {row.id for row in rows}:
                raise
            _log.error("alert", code="restart_with_the_new_key")
            return replace(before, failure=None)

    def _hold(self, practice: PracticeId, keys: Keys) -> Keys:
        """Keep what a look brought. After a failure the time for sealing runs on."""
        now = self._clock()
        held = self._held.get(practice)
        if keys.failure is None:
            fresh = _Held(keys, now + KEYS_FRESH_S, now + KEYS_SEAL_S)
        else:
            fresh = _Held(keys, now + LOOK_AGAIN_S, held.seals_until if held is not None else now)
        self._held[practice] = fresh
        return keys


_NOTHING = Keys({}, None)
