"""Field encryption: AES-256-GCM under a data key per practice, which a KeyService wraps.

A sealed value is `version | key id | nonce | ciphertext and tag`. What is authenticated with it
names practice, table, column and row, so a ciphertext that was moved is refused. Look-ups go
through a blind index: an HMAC under a key derived from the same data key.
"""

import hashlib
import hmac
import os
import struct
import threading
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cleargate.nouns.ids import PracticeId
from cleargate.ports import KeyService

_VERSION = 1
_HEADER = struct.Struct(">BI")
_NONCE_BYTES = 12
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens the values of one practice. The newest key seals, any key opens."""

    practice: PracticeId
    keys: dict[int, bytes]
    index_key: bytes

    def seal(self, value: bytes, table: str, column: str, row: UUID | str) -> bytes:
        """Encrypt a value for one place."""
        key_id = max(self.keys)
        nonce = os.urandom(_NONCE_BYTES)
        place = self._place(table, column, row)
        sealed = AESGCM(self.keys[key_id]).encrypt(nonce, value, place)
        return _HEADER.pack(_VERSION, key_id) + nonce + sealed

    def open(self, sealed: bytes, table: str, column: str, row: UUID | str) -> bytes:
        """Decrypt a value of that place; InvalidTag when it was changed or moved."""
        _, key_id = _HEADER.unpack_from(sealed)
        nonce = sealed[_HEADER.size : _HEADER.size + _NONCE_BYTES]
        ciphertext = sealed[_HEADER.size + _NONCE_BYTES :]
        place = self._place(table, column, row)
        return AESGCM(self.keys[key_id]).decrypt(nonce, ciphertext, place)

    def index(self, purpose: str, value: str) -> bytes:
        """A blind index of 16 bytes: equal values of one purpose and practice give equal bytes."""
        message = f"{purpose}\x00{value}".encode()
        return hmac.new(self.index_key, message, hashlib.sha256).digest()[:16]

    def _place(self, table: str, column: str, row: UUID | str) -> bytes:
        return f"{self.practice}|{table}|{column}|{row}".encode()


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

    def sealer(self, connection: sa.Connection, practice: PracticeId) -> Sealer:
        """The practice's sealer; its first use makes the practice's first key."""
        known = self._sealers.get(practice)
        if known is not None:
            return known
        with self._lock:
            sealer = self._load(connection, practice)
            self._sealers[practice] = sealer
            return sealer

    def _load(self, connection: sa.Connection, practice: PracticeId) -> Sealer:
        context = str(practice)
        rows = connection.execute(_KEYS, {"practice": practice}).all()
        if not rows:
            wrapped = self._service.wrap(os.urandom(_KEY_BYTES), context)
            connection.execute(_FIRST_KEY, {"practice": practice, "wrapped": wrapped})
            rows = connection.execute(_KEYS, {"practice": practice}).all()
        keys = {row.id: self._service.unwrap(row.wrapped, context) for row in rows}
        first = keys[min(keys)]
        derive = HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"cleargate blind index")
        return Sealer(practice, keys, derive.derive(first))
