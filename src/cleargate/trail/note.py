"""Signed checkpoints: the size and root of a practice's tree, in the form of public logs.

Source: C2SP tlog-checkpoint and signed-note, with Ed25519 keys.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cleargate.nouns.errors import CleargateError
from cleargate.nouns.ids import PracticeId

KEY_NAME = "cleargate-trail"
_ED25519 = b"\x01"
_ID_BYTES = 4


class BadNote(CleargateError):
    """A checkpoint that is none, or that nobody with the key has signed."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: whose tree, how many events, and the root over them."""

    practice: PracticeId
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode()
        return f"cleargate/{self.practice}\n{self.size}\n{root}\n"


class Signer(Protocol):
    """Whoever holds the key that signs checkpoints: a key file, or a KMS."""

    public_key: bytes

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature, 64 bytes."""
        ...


def key_id(public_key: bytes) -> bytes:
    """The first bytes of a signature, by which its key is known."""
    return hashlib.sha256(f"{KEY_NAME}\n".encode() + _ED25519 + public_key).digest()[:_ID_BYTES]


def verifier_key(public_key: bytes) -> str:
    """The public key in one line, to be kept where no one can exchange it."""
    coded = base64.b64encode(_ED25519 + public_key).decode()
    return f"{KEY_NAME}+{key_id(public_key).hex()}+{coded}"


def public_key_of(verifier: str) -> bytes:
    """The public key of such a line. Raises BadNote."""
    try:
        name, identity, coded = verifier.strip().split("+", 2)
        raw = base64.b64decode(coded, validate=True)
    except (ValueError, binascii.Error):
        raise BadNote("this is no public key of a trail") from None
    key = raw[1:]
    good = name == KEY_NAME and raw[:1] == _ED25519 and len(key) == 32
    if not good or identity != key_id(key).hex():
        raise BadNote("this is no public key of a trail")
    return key


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """The checkpoint as a signed note. Raises BadNote when the signature is not the key's.

    An alias in a KMS may lead to another key from one moment to the next; a checkpoint that nobody
    can verify must not be kept.
    """
    signature = key_id(signer.public_key) + signer.sign(checkpoint.text.encode())
    line = f"\u2014 {KEY_NAME} {base64.b64encode(signature).decode()}"
    if not _signed(checkpoint.text, line, signer.public_key):
        raise BadNote("the signing key was exchanged; start the sealer again")
    return f"{checkpoint.text}\n{line}\n"


def read(note: str, public_key: bytes) -> Checkpoint:
    """What a signed note says. Raises BadNote when it is not one of this key's."""
    text, _, signatures = note.partition("\n\n")
    text += "\n"
    if not any(_signed(text, line, public_key) for line in signatures.splitlines()):
        raise BadNote("the signature is not this key's")
    return _parse(text)


def signed_by(note: str, public_keys: Sequence[bytes]) -> bytes | None:
    """Which of some keys has signed a note, None when none of them has."""
    for public_key in public_keys:
        with suppress(BadNote):
            read(note, public_key)
            return public_key
    return None


def _signed(text: str, line: str, public_key: bytes) -> bool:
    prefix = f"\u2014 {KEY_NAME} "
    if not line.startswith(prefix):
        return False
    try:
        coded = base64.b64decode(line.removeprefix(prefix), validate=True)
        if coded[:_ID_BYTES] != key_id(public_key):
            return False
        Ed25519PublicKey.from_public_bytes(public_key).verify(coded[_ID_BYTES:], text.encode())
    except (ValueError, InvalidSignature):
        return False
    return True


def _parse(text: str) -> Checkpoint:
    try:
        origin, size, root, rest = text.split("\n")
        practice = PracticeId(UUID(origin.removeprefix("cleargate/")))
        found = Checkpoint(practice, int(size), base64.b64decode(root, validate=True))
    except (ValueError, binascii.Error):
        raise BadNote("this is no checkpoint") from None
    if rest or found.text != text or len(found.root) != 32:
        raise BadNote("this is no checkpoint")
    return found
