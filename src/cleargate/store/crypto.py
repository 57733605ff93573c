"""Field encryption: AES-256-GCM under a data key per practice.

A sealed value is `version | key id | nonce | ciphertext and tag`. What is authenticated with it
is version and key id, and names practice, table, column and row, so a ciphertext that was moved is
refused. Look-ups go through a blind index: an HMAC under a key derived from the oldest data key.
"""

import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cleargate.nouns.errors import CleargateError
from cleargate.nouns.ids import PracticeId

_VERSION = 1
_HEADER = struct.Struct(">BI")
_NONCE_BYTES = 12
_TAG_BYTES = 16

KEY_BYTES = 32

HEADER_BYTES = _HEADER.size


def header(key_id: int) -> bytes:
    """The first bytes of whatever is sealed with a key: they say so, and sort by its age."""
    return _HEADER.pack(_VERSION, key_id)


@dataclass(frozen=True, slots=True)
class Keys:
    """What a process holds of a practice's keys, as the key service last opened them.

    `failure` says why the last look at the key service came to nothing; with no keys at all it is
    why nothing can be sealed or opened.
    """

    by_id: Mapping[int, AESGCM] = field(repr=False)
    index: HMAC | None = field(repr=False)
    failure: CleargateError | None = None

    @classmethod
    def opened(cls, by_id: Mapping[int, bytes]) -> "Keys":
        """Keys that were unwrapped just now."""
        derive = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"cleargate blind index")
        index = HMAC(derive.derive(by_id[min(by_id)]), SHA256())
        return cls({key_id: AESGCM(key) for key_id, key in by_id.items()}, index)


LookAgain = Callable[[int], Keys]
"""Gives the keys once more, after looking for one that was made meanwhile."""


class Sealer:
    """Seals and opens the values of one practice during one transaction.

    The newest key seals, any key opens. `newest` is the practice's as the transaction began: never
    one that is older than those at hand. A key that this process does not hold yet is looked for
    once, with `look_again`. While there is a reason for `stopped`, nothing is sealed.
    """

    __slots__ = ("_keys", "_look_again", "_newest", "_practice", "_stopped")

    def __init__(
        self,
        practice: PracticeId,
        keys: Keys,
        newest: int = 0,
        look_again: LookAgain | None = None,
        stopped: CleargateError | None = None,
    ) -> None:
        self._practice = str(practice)  # Once: to spell a UUID takes longer than to encrypt.
        self._keys = keys
        self._newest = max(newest, *keys.by_id, 0)
        self._look_again = look_again
        self._stopped = stopped

    def seal(self, value: bytes, table: str, column: str, row: UUID | str) -> bytes:
        """Encrypt a value for one place. Raises KeyServiceDown, KeysDestroyed."""
        if self._stopped is not None:
            raise self._stopped
        key = self._keys.by_id.get(self._newest) or self._key(self._newest)
        head = _HEADER.pack(_VERSION, self._newest)
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + key.encrypt(nonce, value, self._place(head, table, column, row))

    def open(self, sealed: bytes, table: str, column: str, row: UUID | str) -> bytes:
        """Decrypt a value of that place; InvalidTag when it was changed or moved."""
        if len(sealed) < HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES or sealed[0] != _VERSION:
            raise InvalidTag
        head = sealed[:HEADER_BYTES]
        key_id = _HEADER.unpack(head)[1]
        key = self._keys.by_id.get(key_id) or self._key(key_id)
        nonce = sealed[HEADER_BYTES : HEADER_BYTES + _NONCE_BYTES]
        ciphertext = sealed[HEADER_BYTES + _NONCE_BYTES :]
        return key.decrypt(nonce, ciphertext, self._place(head, table, column, row))

    def index(self, purpose: str, value: str) -> bytes:
        """A blind index of 16 bytes: equal values of one purpose and practice give equal bytes."""
        if self._keys.index is None:
            raise self._keys.failure or InvalidTag
        keyed = self._keys.index.copy()  # A fifth of the time of a new one.
        keyed.update(f"{purpose}\x00{value}".encode())
        return keyed.finalize()[:16]

    def _key(self, key_id: int) -> AESGCM:
        """A key that is not at hand: made by another process meanwhile, or nobody's."""
        if self._look_again is not None:
            self._keys = self._look_again(key_id)
        key = self._keys.by_id.get(key_id)
        if key is None:
            raise self._keys.failure or InvalidTag
        return key

    def _place(self, head: bytes, table: str, column: str, row: UUID | str) -> bytes:
        return head + f"{self._practice}|{table}|{column}|{row}".encode()
