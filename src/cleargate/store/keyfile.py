"""The KeyService of one machine: a key file that only its owner can read."""

import hmac
import os
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cleargate.nouns.errors import BadSettings

_KEY_BYTES = 32
_NONCE_BYTES = 12


class LocalKeyFile:
    """Wraps data keys with a 32-byte key from a file of mode 0600, owned by this process's user."""

    def __init__(self, path: Path) -> None:
        key = _master_key(path)
        self._aead = AESGCM(key)
        fingerprint = hmac.digest(key, b"cleargate key file", "sha256")[:4].hex()
        self._name = f"key file {fingerprint}"

    @property
    def name(self) -> str:
        """The file's fingerprint: the same for every copy of it, wherever it lies."""
        return self._name

    @staticmethod
    def create(path: Path) -> None:
        """Make a new key file, unless there is one; whole and on the disk before it has its name.

        Without it nothing that was stored can be read again.
        """
        fresh = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(os.urandom(_KEY_BYTES))
                file.flush()
                os.fsync(descriptor)
            with suppress(FileExistsError):
                path.hardlink_to(fresh)
        finally:
            fresh.unlink()
        _sync_folder(path.parent)

    def wrap(self, data_key: bytes, context: str) -> bytes:
        """Encrypt a data key, bound to its context."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, data_key, context.encode())

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Decrypt a data key. BadSettings when this is not the file it was wrapped with."""
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return self._aead.decrypt(nonce, sealed, context.encode())
        except (InvalidTag, ValueError):  # ValueError: it is too short to be anything wrapped.
            msg = (
                f"the {self.name} does not fit this database; set CLEARGATE_KEY_FILE to the one"
                " that it was made with, or that `cleargate keys rotate --key-file` made since"
            )
            raise BadSettings(msg) from None


def _sync_folder(folder: Path) -> None:
    """Have a new file's name on the disk as well: keys may be wrapped with it a moment later."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_private(path: Path) -> bytes:
    """A key's file, which nobody but this process's user may read. BadSettings otherwise."""
    try:
        status = path.stat()
        key = path.read_bytes()
    except OSError as error:
        msg = f"the key file {path} cannot be read ({error.strerror}); check its setting"
        raise BadSettings(msg) from None
    if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.getuid():
        msg = f"the key file {path} must belong to this user and have mode 0600"
        raise BadSettings(msg)
    return key


def _master_key(path: Path) -> bytes:
    key = read_private(path)
    if len(key) != _KEY_BYTES:
        msg = f"the key file {path} must hold exactly {_KEY_BYTES} bytes"
        raise BadSettings(msg)
    return key
