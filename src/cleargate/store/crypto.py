"""Field encryption: AES-256-GCM under a data key per practice, which a KeyService wraps.

A sealed value is `version | key id | nonce | ciphertext and tag`. What is authenticated with it
is version and key id, and names practice, table, column and row, so a ciphertext that was moved is
refused. Look-ups go
through a blind index: an HMAC under a key derived from the same data key.
"""

import hashlib
import hmac
import os
import struct
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cleargate.nouns.ids import PracticeId
from cleargate.ports import KeyService

_VERSION = 1
_HEADER = struct.Struct(">BI")
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens the values of one practice. The newest key seals, any key opens."""

    practice: PracticeId
    keys: dict[int, bytes] = field(repr=False)
    index_key: bytes = field(repr=False)

    def seal(self, value: bytes, table: str, column: str, row: UUID | str) -> bytes:
        """Encrypt a value for one place."""
        key_id = max(self.keys)
        header = _HEADER.pack(_VERSION, key_id)
        nonce = os.urandom(_NONCE_BYTES)
        place = self._place(header, table, column, row)
        return header + nonce + AESGCM(self.keys[key_id]).encrypt(nonce, value, place)

    def open(self, sealed: bytes, table: str, column: str, row: UUID | str) -> bytes:
        """Decrypt a value of that place; InvalidTag when it was changed or moved."""
        header, rest = sealed[: _HEADER.size], sealed[_HEADER.size :]
        if len(rest) < _NONCE_BYTES + _TAG_BYTES:
            raise InvalidTag
        version, key_id = _HEADER.unpack(header)
        if version != _VERSION or key_id not in self.keys:
            raise InvalidTag
        place = self._place(header, table, column, row)
        nonce, ciphertext = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        return AESGCM(self.keys[key_id]).decrypt(nonce, ciphertext, place)

    def index(self, purpose: str, value: str) -> bytes:
        """A blind index of 16 bytes: equal values of one purpose and practice give equal bytes."""
        message = f"{purpose}\x00{value}".encode()
        return hmac.new(self.index_key, message, hashlib.sha256).digest()[:16]

    def _place(self, header: bytes, table: str, column: str, row: UUID | str) -> bytes:
        return header + f"{self.practice}|{table}|{column}|{row}".encode()


# The wrapped keys of the session's practice, oldest first.
_KEYS = sa.text("select id, wrapped from data_keys where practice_id = :practice order by id")

# Keep a practice's first key; the quicker of two processes wins.
_FIRST_KEY = sa.text(
    "insert into data_keys (practice_id, id, wrapped) values (:practice, 1, :wrapped)"
    " on conflict do nothing"
)


class Keyring:
    """The practices' data keys, unwrapped once per process and kept in memory."""

    def __init__(self, service: KeyService) -> None:
        self._service = service
        self._sealers: dict[PracticeId, Sealer] = {}
        self._lock = threading.Lock()

    def sealer(
        self, practice: PracticeId, transaction: Callable[[], AbstractContextManager[sa.Connection]]
    ) -> Sealer:
        """The practice's sealer; its first use makes the practice's first key.

        Reads the keys in a `transaction` of its own: a first key must be committed before anything
        is sealed with it, or a rollback would take the key and leave what it sealed.
        """
        known = self._sealers.get(practice)
        if known is not None:
            return known
        with self._lock:
            with transaction() as connection:
                wrapped = _wrapped_keys(connection, practice, self._service)
            self._sealers[practice] = self._unwrap(practice, wrapped)
            return self._sealers[practice]

    def _unwrap(self, practice: PracticeId, wrapped: dict[int, bytes]) -> Sealer:
        unwrap = self._service.unwrap
        keys = {key_id: unwrap(key, str(practice)) for key_id, key in wrapped.items()}
        derive = HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"cleargate blind index")
        return Sealer(practice, keys, derive.derive(keys[min(keys)]))


def _wrapped_keys(
    connection: sa.Connection, practice: PracticeId, service: KeyService
) -> dict[int, bytes]:
    """Every key of the practice by its id, after making the first one where there is none."""
    rows = connection.execute(_KEYS, {"practice": practice}).all()
    if not rows:
        wrapped = service.wrap(os.urandom(_KEY_BYTES), str(practice))
        connection.execute(_FIRST_KEY, {"practice": practice, "wrapped": wrapped})
        rows = connection.execute(_KEYS, {"practice": practice}).all()
    return {row.id: row.wrapped for row in rows}
