"""Signed checkpoints of two practices, without a database."""

from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cleargate.nouns.ids import PracticeId
from cleargate.trail.note import Checkpoint, sign

PRACTICE, OTHER = PracticeId(UUID(int=5)), PracticeId(UUID(int=6))


class Key:
    """A key that signs checkpoints, in memory."""

    def __init__(self, seed: bytes = bytes(32)) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


KEY = Key()


def note(size: int, practice: PracticeId = PRACTICE, key: Key = KEY) -> str:
    """A checkpoint over so many events."""
    return sign(Checkpoint(practice, size, bytes([size]) * 32), key)


NOTES = [note(size) for size in (1, 2, 3)]
