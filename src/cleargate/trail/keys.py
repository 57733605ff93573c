"""The key that signs checkpoints, in a file of its own: the sealer alone needs it."""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cleargate.nouns.errors import BadSettings
from cleargate.store.keyfile import read_private


class SigningKey:
    """An Ed25519 key in a PEM file of mode 0600, owned by this process's user."""

    def __init__(self, path: Path) -> None:
        try:
            key = serialization.load_pem_private_key(read_private(path), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise BadSettings(f"{path} is no Ed25519 key in PEM; make one with `audit new-key`")
        self._key = key
        self.public_key = key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._key.sign(message)

    @staticmethod
    def create(path: Path) -> None:
        """Make a new key; BadSettings when there is a file already."""
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise BadSettings(f"{path} cannot be made ({error.strerror})") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(descriptor)
